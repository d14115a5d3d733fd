package chat

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

func TestATurnIsAnsweredAndKept(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.model.answers("こん", "にちは", "。")
		st := f.start("あいさつを書いてください")
		text, final := f.read(as(t, "anna"), f.Service, st.Answers[0].RunID, "")
		if text != "こんにちは。" || final.Status != StatusComplete || final.Usage == nil || final.Usage.OutputTokens != 3 {
			t.Fatalf("got %q, %+v", text, final)
		}
		page, err := f.Messages(as(t, "anna"), st.Conversation.ID, "", "", 0)
		if err != nil || len(page.Items) != 2 || page.Items[1].text() != "こんにちは。" || page.Items[0].text() != "あいさつを書いてください" {
			t.Fatalf("kept %+v, %v", page, err)
		}
		list, err := f.List(as(t, "anna"), Filter{}, "", 0)
		if err != nil || len(list.Items) != 1 || list.Items[0].Running {
			t.Fatalf("list %+v, %v", list, err)
		}
		var left int
		if err := f.db.QueryRowContext(t.Context(), `SELECT count(*) FROM run_segments`).Scan(&left); err != nil || left != 0 {
			t.Fatalf("%d segments left, %v", left, err)
		}
	})
}

func TestAReaderResumesAtAnyPlace(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.model.says(func(_ context.Context, _ model.Call, yield func(model.Event, error) bool) {
			yield(model.Event{Type: model.EventReasoning, Text: "考え中"}, nil)
			yield(model.Event{Type: model.EventText, Text: "東京都"}, nil)
			yield(model.Event{Type: model.EventStop, StopReason: model.StopEnd}, nil)
		})
		st := f.start("首都は")
		whole := "考え中東京都"
		f.read(as(t, "anna"), f.Service, st.Answers[0].RunID, "")
		for _, part := range []struct {
			n      int
			before string
			text   string
		}{{0, "", "考え中"}, {1, "考え中", "東京都"}} {
			for at := 0; at <= len(part.text); at += 3 {
				got, _ := f.read(as(t, "anna"), f.Service, st.Answers[0].RunID, Offset{part.n, at}.String())
				if want := whole[len(part.before)+at:]; got != want {
					t.Errorf("after %d:%d got %q, want %q", part.n, at, got, want)
				}
			}
		}
		for _, bad := range []string{"0:1", "9:0", "x", "1:99", "-1:0"} {
			events, err := f.Follow(as(t, "anna"), st.Answers[0].RunID, bad)
			if err == nil {
				for _, err = range events {
					break
				}
			}
			if errs.CodeOf(err) != errs.InvalidInput {
				t.Errorf("after %q: %v, want invalid input", bad, err)
			}
		}
	})
}

// Several nodes share a PostgreSQL; a SQLite file has one server.
func TestTwoNodesTellTheSame(t *testing.T) {
	f := newFixture(t, db.Postgres)
	other := f.node("node-2")
	said := make(chan struct{})
	f.model.hangs(said, "半分")
	st := f.start("長い話")
	<-said
	events, err := other.Follow(as(t, "anna"), st.Answers[0].RunID, "")
	if err != nil {
		t.Fatal(err)
	}
	var text string
	for ev, err := range events {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Type == EventText {
			text += ev.Text
			if text == "半分" { // stop it from the other node
				if err := other.Stop(as(t, "anna"), st.Answers[0].RunID); err != nil {
					t.Fatal(err)
				}
			}
		}
		if ev.Type == EventEnd && ev.Message.Status != StatusStopped {
			t.Errorf("status %s", ev.Message.Status)
		}
	}
	if text != "半分" {
		t.Errorf("the other node told %q", text)
	}
}

// GenU's stop does not stop the server, and an error in the middle discards
// the answer so far (its defect D11).
func TestStopKeepsWhatWasSaidAndItsUsage(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		said := make(chan struct{})
		f.model.hangs(said, "途中", "まで")
		st := f.start("話して")
		<-said
		if err := f.Stop(as(t, "anna"), st.Answers[0].RunID); err != nil {
			t.Fatal(err)
		}
		text, final := f.read(as(t, "anna"), f.Service, st.Answers[0].RunID, "")
		if text != "途中まで" || final.Status != StatusStopped || final.Usage == nil || !final.Usage.Estimated {
			t.Fatalf("got %q %+v", text, final)
		}
		if err := f.Stop(as(t, "anna"), st.Answers[0].RunID); errs.CodeOf(err) != errs.RunNotActive {
			t.Errorf("a second stop: %v", err)
		}
		f.model.answers("。おわり")
		more, err := f.Continue(as(t, "anna"), st.Conversation.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		if text, final = f.read(as(t, "anna"), f.Service, more.Answers[0].RunID, ""); text != "途中まで。おわり" || len(final.Parts) != 1 {
			t.Errorf("continued to %q in %d parts", text, len(final.Parts))
		}
		if c := f.model.last(); c.Messages[len(c.Messages)-1].Role != model.RoleUser {
			t.Error("the model is asked to go on by an answer, which some models refuse")
		}
	})
}

func TestAFailureKeepsWhatCameBefore(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.model.says(func(_ context.Context, _ model.Call, yield func(model.Event, error) bool) {
			yield(model.Event{Type: model.EventText, Text: "はじめ"}, nil)
			yield(model.Event{}, errs.New(errs.ModelBrokeOff, "the connection broke"))
		})
		st := f.start("話して")
		text, final := f.read(as(t, "anna"), f.Service, st.Answers[0].RunID, "")
		if text != "はじめ" || final.Status != StatusFailed || final.Failure == nil || final.Failure.Code != errs.ModelBrokeOff {
			t.Fatalf("got %q %+v", text, final)
		}
		if _, err := f.Retry(as(t, "anna"), st.Conversation.ID, ""); errs.CodeOf(err) != errs.NothingToResume {
			t.Errorf("retry over words that were said: %v", err)
		}
	})
}

func TestTheDeathOfAProcessInterruptsItsRuns(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		said := make(chan struct{})
		f.model.hangs(said, "死ぬ", "前")
		st := f.start("話して")
		<-said
		for { // what a crash leaves is what was flushed
			segs, err := f.segments(t.Context(), f.db, st.Answers[0].RunID, 0)
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for _, g := range segs {
				b.WriteString(g.body)
			}
			if b.String() == "死ぬ前" {
				break
			}
			<-time.After(time.Millisecond)
		}
		if _, err := f.db.ExecContext(t.Context(), `UPDATE nodes SET seen_at = 1`); err != nil {
			t.Fatal(err)
		}
		next := f.node("node-2")
		if err := next.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		text, final := f.read(as(t, "anna"), next, st.Answers[0].RunID, "")
		if text != "死ぬ前" || final.Status != StatusInterrupted || final.Failure.Code != errs.RunInterrupted {
			t.Fatalf("got %q %+v", text, final)
		}
	})
}

func TestASendRepeatedIsOneSend(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.model.answers("はい")
		n := NewConversation{Turn: Turn{Text: "一度だけ", ClientID: "c-1"}}
		var ids [4]string
		var wg sync.WaitGroup
		for i := range ids {
			wg.Go(func() {
				st, err := f.Create(as(t, "anna"), n)
				if err != nil {
					t.Error(err)
				}
				ids[i] = st.Answers[0].RunID
			})
		}
		wg.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Errorf("runs %v", ids)
			}
		}
		if list, _ := f.List(as(t, "anna"), Filter{}, "", 0); len(list.Items) != 1 {
			t.Errorf("%d conversations", len(list.Items))
		}
	})
}

func TestADeletedConversationStopsItsModel(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		said, ended := make(chan struct{}), make(chan struct{})
		f.model.says(func(ctx context.Context, _ model.Call, yield func(model.Event, error) bool) {
			close(said)
			<-ctx.Done()
			close(ended)
			yield(model.Event{}, context.Cause(ctx))
		})
		st := f.start("話して")
		<-said
		if err := f.Delete(as(t, "anna"), st.Conversation.ID); err != nil {
			t.Fatal(err)
		}
		<-ended
		if _, err := f.Conversation(as(t, "anna"), st.Conversation.ID); !errors.Is(err, errs.New(errs.NotFound, "")) {
			t.Errorf("still there: %v", err)
		}
	})
}
