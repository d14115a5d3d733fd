package chat

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/blob"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/secret"
	"kakoi/internal/secret/secrettest"
)

// fixture is a service over a real store and a model whose every word the test
// says.
type fixture struct {
	*Service
	t        *testing.T
	db       *db.DB
	contents *blob.Store
	model    *scripted
	ends     []func() // of the services that run

	policy atomic.Pointer[Policy] // nil: nothing is decided
	asked  atomic.Int64           // how often for the policy
	log    journal
}

// journal is a log that is read while it is written.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// scripted is an Invoker that says what the test tells it to.
type scripted struct {
	mu     sync.Mutex
	calls  []model.Call
	script func(ctx context.Context, c model.Call, yield func(model.Event, error) bool)
}

func (m *scripted) Stream(ctx context.Context, c model.Call) iter.Seq2[model.Event, error] {
	return func(yield func(model.Event, error) bool) {
		m.mu.Lock()
		m.calls = append(m.calls, c)
		script := m.script
		m.mu.Unlock()
		script(ctx, c, yield)
	}
}

func (m *scripted) says(script func(ctx context.Context, c model.Call, yield func(model.Event, error) bool)) {
	m.mu.Lock()
	m.script = script
	m.mu.Unlock()
}

// answers makes the model say words and end.
func (m *scripted) answers(words ...string) {
	m.says(func(_ context.Context, _ model.Call, yield func(model.Event, error) bool) {
		for _, w := range words {
			if !yield(model.Event{Type: model.EventText, Text: w}, nil) {
				return
			}
		}
		if yield(model.Event{Type: model.EventUsage, Usage: model.Usage{InputTokens: 3, OutputTokens: len(words)}}, nil) {
			yield(model.Event{Type: model.EventStop, StopReason: model.StopEnd}, nil)
		}
	})
}

// hangs makes the model say words and then wait until it is stopped; said is
// closed when the words are out.
func (m *scripted) hangs(said chan<- struct{}, words ...string) {
	m.says(func(ctx context.Context, _ model.Call, yield func(model.Event, error) bool) {
		for _, w := range words {
			yield(model.Event{Type: model.EventText, Text: w}, nil)
		}
		close(said)
		<-ctx.Done()
		yield(model.Event{Type: model.EventUsage, Usage: model.Usage{OutputTokens: 1, Estimated: true}}, nil)
		yield(model.Event{}, context.Cause(ctx))
	})
}

// last returns the latest call for an answer; titles come and go beside them.
func (m *scripted) last() model.Call {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range slices.Backward(m.calls) {
		if c.Feature == "chat" {
			return c
		}
	}
	return model.Call{}
}

type offers []model.Offer

func (o offers) Offers(context.Context) ([]model.Offer, error) { return o, nil }

func (o offers) Offer(_ context.Context, id string) (model.Offer, error) {
	for _, x := range o {
		if x.ID == id {
			return x, nil
		}
	}
	return model.Offer{}, errs.New(errs.ModelUnavailable, "no such model")
}

var catalogue = offers{
	{Model: model.Model{ID: "m1", DisplayName: "一号", Enabled: true, Capabilities: model.Capabilities{Vision: true}}, Kind: model.KindOpenAI},
	{Model: model.Model{ID: "small", DisplayName: "三号", Enabled: true, Capabilities: model.Capabilities{ContextTokens: 4000, OutputTokens: 500}}, Kind: model.KindOpenAI},
	{Model: model.Model{ID: "blind", DisplayName: "二号", Enabled: true}, Kind: model.KindOpenAI},
}

func run(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(engine), func(t *testing.T) { test(t, newFixture(t, engine)) })
	}
}

func newFixture(t *testing.T, engine db.Engine) *fixture {
	t.Helper()
	d := dbtest.Open(t, engine)
	for _, id := range []string{"anna", "ben"} {
		_, err := d.ExecContext(t.Context(), insertAccount, id, id+"@example.jp", id)
		if err != nil {
			t.Fatal(err)
		}
	}
	f := &fixture{t: t, db: d, contents: blob.New(d, secret.New(secrettest.NewKey(t)), time.Now), model: &scripted{}}
	f.Service = f.node("node-1")
	return f
}

const insertAccount = `
	INSERT INTO accounts (id, email, name, search_key, role, password_hash, preferences, created_at, updated_at)
	VALUES ($1, $2, $3, '', 'member', '', '{}', 0, 0)`

// node returns another service on the same store, running in the background.
func (f *fixture) node(id string) *Service {
	s := New(Options{
		DB: f.db, Files: f.contents, Invoker: f.model, Models: catalogue, Audit: audit.New(f.db, time.Now), Log: slog.New(slog.NewTextHandler(&f.log, nil)),
		Now: time.Now, NodeID: id, FlushEvery: 10 * time.Millisecond, MaxAttachmentBytes: 1 << 20,
		Policy: func(context.Context) (Policy, error) {
			f.asked.Add(1)
			if p := f.policy.Load(); p != nil {
				return *p, nil
			}
			return Policy{}, nil
		},
	})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { _ = s.Run(ctx); close(done) }()
	end := sync.OnceFunc(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		s.Drain(ended)
		stop()
		<-done
	})
	f.t.Cleanup(end)
	f.ends = append(f.ends, end)
	return s
}

// stands ends what the services do in the background; they still answer.
func (f *fixture) stands() {
	for _, end := range f.ends {
		end()
	}
}

func as(t *testing.T, account string) context.Context {
	return access.WithPrincipal(t.Context(), access.Principal{AccountID: account, Role: access.Member, SessionID: "s"})
}

// read follows a run to its end and returns its text and final message.
func (f *fixture) read(ctx context.Context, s *Service, runID, after string) (string, Message) {
	f.t.Helper()
	events, err := s.Follow(ctx, runID, after)
	if err != nil {
		f.t.Fatalf("follow %s: %v", runID, err)
	}
	var b strings.Builder
	for ev, err := range events {
		if err != nil {
			f.t.Fatalf("follow %s: %v", runID, err)
		}
		if ev.Type == EventText {
			b.WriteString(ev.Text)
		}
		if ev.Type == EventEnd {
			return b.String(), *ev.Message
		}
	}
	f.t.Fatal("the run's events ended without their end")
	return "", Message{}
}

func (f *fixture) start(text string) Started {
	f.t.Helper()
	st, err := f.Create(as(f.t, "anna"), NewConversation{Turn: Turn{Text: text}})
	if err != nil {
		f.t.Fatal(err)
	}
	return st
}

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

func TestAnotherPersonFindsNothing(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.model.answers("秘密")
		st := f.start("秘密の話")
		f.read(as(t, "anna"), f.Service, st.Answers[0].RunID, "")
		a, err := f.Attach(as(t, "anna"), Upload{Name: "図.png", Data: picture(t)})
		if err != nil {
			t.Fatal(err)
		}
		name := "秘"
		folder, err := f.CreateFolder(as(t, "anna"), FolderChange{Name: &name})
		if err != nil {
			t.Fatal(err)
		}
		ben, id := as(t, "ben"), st.Conversation.ID
		for what, try := range map[string]func() error{
			"read":       func() error { _, err := f.Conversation(ben, id); return err },
			"messages":   func() error { _, err := f.Messages(ben, id, "", "", 0); return err },
			"send":       func() error { _, err := f.Send(ben, id, Turn{Text: "x"}, Change{}, BusyRefuse); return err },
			"rename":     func() error { title := "x"; _, err := f.Update(ben, id, Change{Title: &title}); return err },
			"delete":     func() error { return f.Delete(ben, id) },
			"continue":   func() error { _, err := f.Continue(ben, id, ""); return err },
			"retry":      func() error { _, err := f.Retry(ben, id, ""); return err },
			"stop":       func() error { return f.Stop(ben, st.Answers[0].RunID) },
			"follow":     func() error { _, err := f.Follow(ben, st.Answers[0].RunID, ""); return err },
			"attachment": func() error { _, _, err := f.AttachmentContent(ben, a.ID); return err },
			"remove":     func() error { return f.RemoveAttachment(ben, a.ID) },
			"fork":       func() error { _, err := f.Fork(ben, id, st.Answers[0].ID, true); return err },
			"edit":       func() error { _, err := f.Edit(ben, id, st.User.ID, Turn{Text: "x"}); return err },
			"regenerate": func() error { _, err := f.Regenerate(ben, id, st.Answers[0].ID, "", ""); return err },
			"open":       func() error { _, err := f.OpenBranch(ben, id, st.Answers[0].ID); return err },
			"queue":      func() error { _, err := f.SendQueued(ben, id); return err },
			"restore":    func() error { _, err := f.Restore(ben, id); return err },
			"gauge":      func() error { _, err := f.Gauge(ben, id); return err },
			"summarise":  func() error { _, err := f.Summarise(ben, id); return err },
			"folder":     func() error { _, err := f.Folder(ben, folder.ID); return err },
			"into a folder of another": func() error {
				_, err := f.Create(ben, NewConversation{FolderID: folder.ID, Turn: Turn{Text: "x"}})
				return err
			},
			"rename folder": func() error { _, err := f.UpdateFolder(ben, folder.ID, FolderChange{}); return err },
			"delete folder": func() error { _, err := f.DeleteFolder(ben, folder.ID, true); return err },
			"send file": func() error {
				_, err := f.Create(ben, NewConversation{Turn: Turn{AttachmentIDs: []string{a.ID}}})
				return err
			},
		} {
			if err := try(); errs.CodeOf(err) != errs.NotFound {
				t.Errorf("%s: %v, want not found", what, err)
			}
		}
		if _, err := f.Conversation(context.Background(), id); errs.CodeOf(err) != errs.Unauthenticated {
			t.Errorf("nobody: %v", err)
		}
		for _, act := range []BulkAct{BulkDelete, BulkArchive, BulkMove, BulkAddTag} {
			if n, err := f.Bulk(ben, []string{id}, act, "x"); n != 0 || err != nil && errs.CodeOf(err) != errs.NotFound {
				t.Errorf("%s: %d, %v", act, n, err)
			}
		}
		if list, _ := f.List(ben, Filter{}, "", 0); len(list.Items) != 0 {
			t.Errorf("ben lists %d", len(list.Items))
		}
	})
}

// GenU never deletes what was attached (its defect D6): the file that was taken
// back, the one that was never sent, those of a deleted conversation.
func TestFilesGoWithTheirConversation(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.model.answers("絵です")
		ctx := as(t, "anna")
		a, err := f.Attach(ctx, Upload{Name: `C:\写真\図.png`, Data: picture(t)})
		if err != nil || a.Name != "図.png" || a.MediaType != "image/png" || a.Width != 4 {
			t.Fatalf("%+v, %v", a, err)
		}
		if _, err := f.Create(ctx, NewConversation{ModelID: "blind", Turn: Turn{Text: "これは", AttachmentIDs: []string{a.ID}}}); errs.CodeOf(err) != errs.ModelInput {
			t.Fatalf("a model that cannot see: %v", err)
		}
		st, err := f.Create(ctx, NewConversation{Turn: Turn{Text: "これは", AttachmentIDs: []string{a.ID}}})
		if err != nil {
			t.Fatal(err)
		}
		f.read(ctx, f.Service, st.Answers[0].RunID, "")
		if m := f.model.last().Messages[0]; m.Parts[0].Media == nil || !bytes.Equal(m.Parts[0].Media.Data, picture(t)) {
			t.Error("the model did not get the image")
		}
		if err := f.Delete(ctx, st.Conversation.ID); err != nil {
			t.Fatal(err)
		}
		if err := f.sweep(t.Context(), time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"attachments", "blobs", "messages", "runs", "conversations"} {
			var n int
			if err := f.db.QueryRowContext(t.Context(), `SELECT count(*) FROM `+table).Scan(&n); err != nil || n != 0 {
				t.Errorf("%d rows left in %s, %v", n, table, err)
			}
		}
		if _, err := f.Attach(ctx, Upload{Name: "x.exe", Data: []byte("MZ\x90\x00\x03\x00\x00\x00\x04")}); errs.CodeOf(err) != errs.UnsupportedType {
			t.Errorf("a program: %v", err)
		}
	})
}

func TestFilesThatAreNotSentGo(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		contents := func() (n int) {
			t.Helper()
			if err := f.db.QueryRowContext(t.Context(), `SELECT count(*) FROM blobs`).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		anna, ben := as(t, "anna"), as(t, "ben")
		attach := func(ctx context.Context, text string) Attachment {
			t.Helper()
			a, err := f.Attach(ctx, Upload{Name: "控え.txt", Data: []byte(text)})
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		back, same, theirs := attach(anna, "甲"), attach(anna, "乙"), attach(ben, "乙")
		if n := contents(); n != 2 {
			t.Fatalf("%d contents of two files, of which two people have one", n)
		}
		if err := f.RemoveAttachment(anna, back.ID); err != nil {
			t.Fatal(err)
		}
		if err := f.RemoveAttachment(anna, same.ID); err != nil {
			t.Fatal(err)
		}
		if _, data, err := f.AttachmentContent(ben, theirs.ID); err != nil || string(data) != "乙" || contents() != 1 {
			t.Errorf("the other's copy: %q, %v, %d contents", data, err, contents())
		}
		for _, step := range []struct {
			before time.Time
			want   int
		}{{time.Now().Add(-time.Hour), 1}, {time.Now().Add(time.Minute), 0}} {
			err := f.db.Transact(t.Context(), func(ctx context.Context, tx *db.Tx) error { return f.deleteUnsent(ctx, tx, step.before) })
			if n := contents(); err != nil || n != step.want {
				t.Errorf("%d contents are left, %v; want %d", n, err, step.want)
			}
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

func TestAModelNamesTheConversationUnlessAPersonDid(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.model.says(func(_ context.Context, c model.Call, yield func(model.Event, error) bool) {
			text := "答え"
			if c.Feature == "title" {
				text = "「ごみの分け方」\n"
			}
			yield(model.Event{Type: model.EventText, Text: text}, nil)
			yield(model.Event{Type: model.EventStop, StopReason: model.StopEnd}, nil)
		})
		st := f.start("ごみはどう分けますか")
		if st.Conversation.Title != "ごみはどう分けますか" {
			t.Errorf("first title %q", st.Conversation.Title)
		}
		f.read(as(t, "anna"), f.Service, st.Answers[0].RunID, "")
		f.side.Wait()
		if c, err := f.Conversation(as(t, "anna"), st.Conversation.ID); err != nil || c.Title != "ごみの分け方" || c.TitleSource != TitleModel {
			t.Errorf("title %+v, %v", c, err)
		}
	})
}

func TestATitleThatFailsIsLoggedWithoutWords(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		asked := make(chan struct{})
		titles := func(script func(ctx context.Context) error) {
			f.model.says(func(ctx context.Context, c model.Call, yield func(model.Event, error) bool) {
				if c.Feature == "title" {
					yield(model.Event{}, script(ctx))
					return
				}
				yield(model.Event{Type: model.EventText, Text: "極秘の答え"}, nil)
				yield(model.Event{Type: model.EventStop, StopReason: model.StopEnd}, nil)
			})
		}
		titles(func(context.Context) error {
			return errs.Wrap(errs.ModelFailed, "The model failed.", errors.New("cannot read 極秘の問い"))
		})
		st := f.start("極秘の問い")
		f.read(as(t, "anna"), f.Service, st.Answers[0].RunID, "")
		f.side.Wait()
		got := f.log.String()
		if strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, "code=model_failed") || !strings.Contains(got, st.Conversation.ID) || !strings.Contains(got, st.Answers[0].ID) {
			t.Errorf("log: %s", got)
		}
		if strings.Contains(got, "極秘") {
			t.Errorf("the log has words: %s", got)
		}
		if c, err := f.Conversation(as(t, "anna"), st.Conversation.ID); err != nil || c.Title != "極秘の問い" {
			t.Errorf("title %q, %v", c.Title, err)
		}

		// The end of the server ends titles, too, and that is no failure.
		titles(func(ctx context.Context) error {
			close(asked)
			<-ctx.Done()
			return ctx.Err()
		})
		st = f.start("もう一つ")
		f.read(as(t, "anna"), f.Service, st.Answers[0].RunID, "")
		<-asked
		f.stands()
		if more := strings.TrimPrefix(f.log.String(), got); strings.Contains(more, "title") {
			t.Errorf("log of a stop: %s", more)
		}
	})
}

func TestALongThreadIsReadInPagesToItsBeginning(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.model.answers(strings.Repeat("長い文。", 2000))
		ctx := as(t, "anna")
		st := f.start("0")
		f.read(ctx, f.Service, st.Answers[0].RunID, "")
		for range 11 {
			more, err := f.Send(ctx, st.Conversation.ID, Turn{Text: "続けて"}, Change{}, BusyRefuse)
			if err != nil {
				t.Fatal(err)
			}
			f.read(ctx, f.Service, more.Answers[0].RunID, "")
		}
		var n int
		for token := ""; ; {
			page, err := f.Messages(ctx, st.Conversation.ID, "", token, 5)
			if err != nil {
				t.Fatal(err)
			}
			n += len(page.Items)
			if token = page.Previous; token == "" {
				break
			}
		}
		if n != 24 {
			t.Errorf("read %d messages of 24", n)
		}
	})
}

func picture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 4, 3))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
