package chat

import (
	"bytes"
	"context"
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
	"kakoi/internal/classification"
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
	{Model: model.Model{ID: "m1", DisplayName: "一号", Enabled: true, Capabilities: model.Capabilities{Vision: true}}, Kind: model.KindOpenAI, Classes: upTo(2)},
	{Model: model.Model{ID: "small", DisplayName: "三号", Enabled: true, Capabilities: model.Capabilities{ContextTokens: 4000, OutputTokens: 500}}, Kind: model.KindOpenAI, Classes: upTo(2)},
	{Model: model.Model{ID: "blind", DisplayName: "二号", Enabled: true}, Kind: model.KindOpenAI, Classes: upTo(3)},
}

// upTo are the classes that a model takes, the unclassified among them.
func upTo(most classification.Class) []classification.Class {
	var classes []classification.Class
	for c := classification.None; c <= most; c++ {
		classes = append(classes, c)
	}
	return classes
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
	INSERT INTO accounts (id, email, name, search_key, password_hash, preferences, created_at, updated_at)
	VALUES ($1, $2, $3, '', '', '{}', 0, 0)`

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
	return access.WithPrincipal(t.Context(), access.Principal{AccountID: account, SessionID: "s"})
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

func picture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 4, 3))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
