package chat

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// TestWhereOnlyTemporaryConversationsAreAllowedNothingIsStored tries every way
// in which words of a conversation come into the store.
func TestWhereOnlyTemporaryConversationsAreAllowedNothingIsStored(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		ctx := as(t, "anna")
		f.model.answers("はい")
		st := f.start("前からある会話")
		id := st.Conversation.ID
		f.read(ctx, f.Service, st.Answers[0].RunID, "")
		for range 4 { // long enough to be summarised
			st = f.say(ctx, id, "続き")
		}
		f.model.says(func(_ context.Context, _ model.Call, yield func(model.Event, error) bool) {
			yield(model.Event{}, errs.New(errs.ModelFailed, "no"))
		})
		failed := f.start("失敗する")
		f.read(ctx, f.Service, failed.Answers[0].RunID, "")
		f.model.says(func(ctx context.Context, _ model.Call, yield func(model.Event, error) bool) {
			<-ctx.Done()
			yield(model.Event{}, context.Cause(ctx))
		})
		busy := f.start("答えている途中")
		waiting, err := f.Send(ctx, busy.Conversation.ID, Turn{Text: "待つ"}, Change{}, BusyQueue)
		if err != nil || waiting.Queued == nil {
			t.Fatalf("%+v, %v", waiting, err)
		}
		f.policy.Store(&Policy{OnlyTemporary: true})

		one := func(_ Started, err error) error { return err }
		ways := map[string]func() error{
			"create":                     func() error { return one(f.Create(ctx, NewConversation{Turn: Turn{Text: "x"}})) },
			"send":                       func() error { return one(f.Send(ctx, id, Turn{Text: "x"}, Change{}, BusyRefuse)) },
			"queue":                      func() error { return one(f.Send(ctx, busy.Conversation.ID, Turn{Text: "x"}, Change{}, BusyQueue)) },
			"replace":                    func() error { return one(f.Send(ctx, busy.Conversation.ID, Turn{Text: "x"}, Change{}, BusyReplace)) },
			"edit":                       func() error { return one(f.Edit(ctx, id, st.User.ID, Turn{Text: "x"})) },
			"edit an answer":             func() error { return one(f.Edit(ctx, id, st.Answers[0].ID, Turn{Text: "x"})) },
			"regenerate":                 func() error { return one(f.Regenerate(ctx, id, st.Answers[0].ID, "", "")) },
			"retry":                      func() error { return one(f.Retry(ctx, failed.Conversation.ID, "")) },
			"continue":                   func() error { return one(f.Continue(ctx, failed.Conversation.ID, "")) },
			"fork":                       func() error { _, err := f.Fork(ctx, id, st.Answers[0].ID, false); return err },
			"summarise":                  func() error { _, err := f.Summarise(ctx, id); return err },
			"attach":                     func() error { _, err := f.Attach(ctx, Upload{Name: "a.txt", Data: []byte("x")}); return err },
			"bring":                      func() error { _, err := f.Bring(ctx, Brought{Whole: Whole{Messages: []Message{{}}}}); return err },
			"look whether one may bring": func() error { return f.CheckBring(ctx) },
			"take what is shown": func() error {
				_, err := f.TakeShown(ctx, Shown{OwnerID: "anna", ConversationID: id}, "x", false)
				return err
			},
			"change what waits": func() error {
				_, err := f.ChangeQueued(ctx, busy.Conversation.ID, waiting.Queued.ID, "x")
				return err
			},
		}
		count := func() (n int) {
			err := f.db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM conversations) + (SELECT count(*) FROM messages) +
				(SELECT count(*) FROM attachments) + (SELECT count(*) FROM queued_turns) + (SELECT count(*) FROM runs)`).Scan(&n)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		before := count()
		for name, try := range ways {
			err := try()
			var e *errs.Error
			if errs.CodeOf(err) != errs.TemporaryPolicy || !errors.As(err, &e) || e.Params["policy"] != "enforced" {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := f.Stop(ctx, busy.Answers[0].RunID); err != nil {
			t.Fatal(err)
		}
		f.read(ctx, f.Service, busy.Answers[0].RunID, "")
		if _, err := f.SendQueued(ctx, busy.Conversation.ID); errs.CodeOf(err) != errs.TemporaryPolicy {
			t.Errorf("send what waits: %v", err)
		}
		if after := count(); after != before {
			t.Errorf("%d rows, %d before", after, before)
		}
		// What waits can still be had back, and what is there be read and removed.
		if q, _, err := f.RemoveQueued(ctx, busy.Conversation.ID, waiting.Queued.ID); err != nil || q.Turn.Text != "待つ" {
			t.Errorf("take back: %+v, %v", q, err)
		}
		if err := f.Delete(ctx, id); err != nil {
			t.Error(err)
		}
	})
}

func TestThePolicyIsAskedForOnceAndHoldsForEachWayToSend(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		ctx := as(t, "anna")
		f.model.answers("はい")
		once := func(what string, act func() error) error {
			t.Helper()
			before := f.asked.Load()
			err := act()
			if n := f.asked.Load() - before; n != 1 {
				t.Errorf("%s: the policy was asked for %d times", what, n)
			}
			return err
		}
		file := func() (id string) {
			t.Helper()
			err := once("attach", func() error {
				a, err := f.Attach(ctx, Upload{Name: "a.txt", Data: []byte("x")})
				id = a.ID
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		f.policy.Store(&Policy{MaxAttachments: 1})
		var st Started
		for _, tt := range []struct {
			name string
			send func(files ...string) error
		}{
			{"create", func(files ...string) (err error) {
				st, err = f.Create(ctx, NewConversation{Turn: Turn{Text: "問い", AttachmentIDs: files}})
				return err
			}},
			{"send", func(files ...string) (err error) {
				st, err = f.Send(ctx, st.Conversation.ID, Turn{Text: "続き", AttachmentIDs: files}, Change{}, BusyRefuse)
				return err
			}},
			{"edit", func(files ...string) (err error) {
				st, err = f.Edit(ctx, st.Conversation.ID, st.User.ID, Turn{Text: "直し", AttachmentIDs: files})
				return err
			}},
			{"temporary", func(files ...string) error {
				_, err := f.Temporary(ctx, TemporaryTurn{Messages: []TemporaryMessage{{
					Role: model.RoleUser, Text: "問い", Files: slices.Repeat([]Upload{{Name: "a.txt", Data: []byte("x")}}, len(files)),
				}}})
				return err
			}},
		} {
			kept, one, two := st, file(), file()
			err := once(tt.name, func() error { return tt.send(one, two) })
			var e *errs.Error
			if errs.CodeOf(err) != errs.TooLarge || !errors.As(err, &e) || e.Params["limitFiles"] != "1" || e.Field != "turn.attachmentIds" {
				t.Errorf("%s with two files: %v", tt.name, err)
			}
			st = kept
			if err := once(tt.name, func() error { return tt.send(one) }); err != nil {
				t.Fatalf("%s with a file: %v", tt.name, err)
			}
			if tt.name != "temporary" {
				f.read(ctx, f.Service, st.Answers[0].RunID, "")
			}
		}
	})
}

func TestWhatWasLeftOutOfATemporaryConversationIsTold(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.model.answers("はい")
		long := strings.Repeat("長い文です。", 1000)
		events, err := f.Temporary(as(t, "anna"), TemporaryTurn{ModelID: "small", Messages: []TemporaryMessage{
			{Role: model.RoleUser, Text: long}, {Role: model.RoleAssistant, Text: "はい"}, {Role: model.RoleUser, Text: "続き"},
		}})
		if err != nil {
			t.Fatal(err)
		}
		var final *Message
		for ev, err := range events {
			if err != nil {
				t.Fatal(err)
			}
			final = ev.Message
		}
		if final == nil || final.Status != StatusComplete || final.Context == nil || final.Context.Omitted != 2 || final.Context.Limit != 4000 {
			t.Errorf("%+v", final)
		}
	})
}

func TestASilentModelIsAPauseNotTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		open := func(ctx context.Context) iter.Seq2[model.Event, error] {
			return func(yield func(model.Event, error) bool) {
				defer func() { ended = true }()
				if !yield(model.Event{Type: model.EventText, Text: "あ"}, nil) {
					return
				}
				select {
				case <-time.After(50 * time.Second):
				case <-ctx.Done():
					yield(model.Event{}, context.Cause(ctx))
					return
				}
				yield(model.Event{Type: model.EventText, Text: "い"}, nil)
			}
		}
		var got []string
		for ev, err := range withPauses(t.Context(), 15*time.Second, open) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(ev.Type)+ev.Text)
		}
		if want := "textあ pause pause pause textい"; strings.Join(got, " ") != want || !ended {
			t.Errorf("got %q, want %q", got, want)
		}

		ended = false
		began := time.Now()
		for ev := range withPauses(t.Context(), 15*time.Second, open) {
			if ev.Type == pause {
				break // the reader leaves
			}
		}
		if took := time.Since(began); !ended || took != 15*time.Second {
			t.Errorf("after its reader left: ended %t, %v", ended, took)
		}

		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errs.New(errs.Unauthenticated, "signed out"))
		defer cancel()
		var last error
		for _, err := range withPauses(ctx, 15*time.Second, open) {
			last = err
		}
		if errs.CodeOf(last) != errs.Unauthenticated {
			t.Errorf("cancelled: %v", last)
		}
	})
}
