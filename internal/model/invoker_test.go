package model

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"kakoi/internal/access"
	"kakoi/internal/errs"
	"kakoi/internal/governance"
	"kakoi/internal/residency"
)

// streamFunc is a provider that only streams.
type streamFunc func(ctx context.Context, r Request, yield func(Event, error) bool)

func (f streamFunc) Stream(ctx context.Context, r Request) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) { f(ctx, r, yield) }
}
func (streamFunc) Models(context.Context) ([]RemoteModel, error) { return nil, nil }
func (streamFunc) Check(context.Context, string) []CheckStep     { return nil }

// shelf is a source that holds what it is given.
type shelf struct {
	targets   map[string]target
	providers map[string]Provider // by connection
}

func (s shelf) usable(_ context.Context, id string, task Task) (target, error) {
	t, ok := s.targets[id]
	if !ok || cmp.Or(t.model.Task, TaskChat) != task {
		return target{}, unavailable()
	}
	t.place = residency.Place{Kind: residency.Host, Name: hostOf(t.connection.Settings.BaseURL)}
	return t, nil
}

func (s shelf) provider(_ context.Context, c Connection) (Provider, error) {
	if p := s.providers[c.ID]; p != nil {
		return p, nil
	}
	return nil, errs.New(errs.SecretUnreadable, "sealed under another key")
}

// steps records what the invoker asks of its surroundings, in order.
type steps struct {
	mu      sync.Mutex
	log     []string
	denied  map[string]bool // places
	spent   bool            // the budget is used up
	settled []governance.Spent
}

func (s *steps) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, fmt.Sprintf(format, args...))
}

// Mask replaces the name 山田 on the way out and back in.
func (s *steps) Mask(_ context.Context, r Request) (Request, func(iter.Seq2[Event, error]) iter.Seq2[Event, error], error) {
	s.note("mask")
	r.Messages = slices.Clone(r.Messages)
	for i, m := range r.Messages {
		r.Messages[i].Parts = slices.Clone(m.Parts)
		for j, p := range m.Parts {
			r.Messages[i].Parts[j].Text = strings.ReplaceAll(p.Text, "山田", "<NAME>")
		}
	}
	return r, func(answer iter.Seq2[Event, error]) iter.Seq2[Event, error] {
		return func(yield func(Event, error) bool) {
			for e, err := range answer {
				e.Text = strings.ReplaceAll(e.Text, "<NAME>", "山田")
				if !yield(e, err) {
					return
				}
			}
		}
	}, nil
}

func (s *steps) Decide(_ context.Context, c residency.Call) residency.Decision {
	s.note("place %s", c.Place)
	if s.denied[c.Place.String()] {
		return residency.Decision{Reason: residency.Reason{Code: residency.CountryUnknown, Host: c.Place.Name}, Place: c.Place}
	}
	return residency.Decision{Allowed: true, Reason: residency.Reason{Code: residency.NothingDecided}, Place: c.Place}
}

func (s *steps) Reserve(_ context.Context, c governance.Claim) (governance.Reservation, error) {
	s.note("reserve %s", c.ModelID)
	if s.spent {
		return nil, errs.New(errs.ResourceExceeded, "the budget is used up")
	}
	return s, nil
}

func (s *steps) Settle(ctx context.Context, spent governance.Spent) error {
	if ctx.Err() != nil {
		return errors.New("settled with a context that has ended")
	}
	s.note("settle")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settled = append(s.settled, spent)
	return nil
}

// bench is an invoker without a store: what it records stays in its ledger.
type bench struct {
	*Invoker
	steps *steps
	shelf shelf
	log   *bytes.Buffer
	reg   *prometheus.Registry
}

func newBench() *bench {
	b := &bench{steps: &steps{denied: map[string]bool{}}, shelf: shelf{map[string]target{}, map[string]Provider{}}, log: new(bytes.Buffer), reg: prometheus.NewRegistry()}
	b.Invoker = NewInvoker(InvokerOptions{
		Masker: b.steps, Residency: b.steps, Budgets: b.steps, Metrics: b.reg,
		Now: func() time.Time { return time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC) }, Log: slog.New(slog.NewTextHandler(b.log, nil)),
	})
	b.catalogue = b.shelf
	return b
}

// add puts a model with a connection of its own on the shelf.
func (b *bench) add(m Model, p streamFunc) {
	m.DisplayName = "Model " + m.ID
	m.RemoteID = "remote-" + m.ID
	m.Price = Price{Currency: "USD", Input: 1, Output: 2}
	c := Connection{ID: "c-" + m.ID, Kind: KindOpenAI, Settings: Settings{BaseURL: "http://" + m.ID + ".example/v1"}}
	b.shelf.targets[m.ID] = target{model: m, connection: c}
	if p != nil {
		b.shelf.providers[c.ID] = p
	}
}

// last returns the one record of the ledger.
func (b *bench) last(t *testing.T) UsageRecord {
	t.Helper()
	b.usage.mu.Lock()
	defer b.usage.mu.Unlock()
	if len(b.usage.pending) != 1 {
		t.Fatalf("%d calls were recorded, want 1", len(b.usage.pending))
	}
	return b.usage.pending[0].record
}

func person(ctx context.Context, groups ...string) context.Context {
	return access.WithPrincipal(ctx, access.Principal{AccountID: "account", GroupIDs: groups, SessionID: "session"})
}

func administrator(ctx context.Context) context.Context {
	return access.WithPrincipal(ctx, access.Principal{AccountID: "admin", Rights: access.Rights(access.Administrator)})
}

func question(text string) []Message {
	return []Message{{Role: RoleUser, Parts: []Part{{Type: PartText, Text: text}}}}
}

// says answers with the words, then usage, then the end.
func says(words ...string) streamFunc {
	return func(_ context.Context, _ Request, yield func(Event, error) bool) {
		for _, w := range words {
			if !yield(Event{Type: EventText, Text: w}, nil) {
				return
			}
		}
		_ = yield(Event{Type: EventStop, StopReason: StopEnd}, nil) &&
			yield(Event{Type: EventUsage, Usage: Usage{InputTokens: 1_000_000, OutputTokens: 500_000}}, nil)
	}
}

// fails says the words and then fails.
func fails(err error, words ...string) streamFunc {
	return func(_ context.Context, _ Request, yield func(Event, error) bool) {
		for _, w := range words {
			if !yield(Event{Type: EventText, Text: w}, nil) {
				return
			}
		}
		yield(Event{}, err)
	}
}

// inTurn answers each call with the next function.
func inTurn(next ...streamFunc) streamFunc {
	var mu sync.Mutex
	return func(ctx context.Context, r Request, yield func(Event, error) bool) {
		mu.Lock()
		f := next[0]
		if len(next) > 1 {
			next = next[1:]
		}
		mu.Unlock()
		f(ctx, r, yield)
	}
}

type heard struct {
	events []Event
	err    error
}

func (h heard) types() string {
	var types []string
	for _, e := range h.events {
		types = append(types, string(e.Type))
	}
	return strings.Join(types, " ")
}

func (h heard) text() string {
	var b strings.Builder
	for _, e := range h.events {
		b.WriteString(e.Text)
	}
	return b.String()
}

func listen(seq iter.Seq2[Event, error]) heard {
	var h heard
	for e, err := range seq {
		if err != nil {
			h.err = err
			break
		}
		h.events = append(h.events, e)
	}
	return h
}

func TestACallTakesEveryStepInOrder(t *testing.T) {
	b := newBench()
	b.add(Model{ID: "m", Defaults: Parameters{MaxTokens: new(9000)}, Capabilities: Capabilities{OutputTokens: 4000}}, func(ctx context.Context, r Request, yield func(Event, error) bool) {
		b.steps.note("out %s %q max %d", r.Model, r.Messages[0].Parts[0].Text, *r.Parameters.MaxTokens)
		says("<NAME>さん", "です")(ctx, r, yield)
	})
	h := listen(b.Stream(person(t.Context()), Call{ModelID: "m", Feature: "chat", Messages: question("山田です"), ConversationID: "c", RunID: "r"}))
	if h.err != nil {
		t.Fatal(h.err)
	}
	want := []string{"mask", "place m.example", "reserve m", `out remote-m "<NAME>です" max 4000`, "settle"}
	if !slices.Equal(b.steps.log, want) {
		t.Errorf("steps = %q, want %q", b.steps.log, want)
	}
	if h.types() != "model text text usage stop" || h.text() != "山田さんです" {
		t.Errorf("heard %s: %q", h.types(), h.text())
	}
	if got := h.events[0].Answering; got != (Answering{ModelID: "m", Name: "Model m"}) {
		t.Errorf("answering = %+v", got)
	}
	usage := h.events[3]
	if usage.Cost != (Money{2_000_000, "USD"}) || usage.Usage.Estimated {
		t.Errorf("usage event = %+v, want a cost of 2 dollars", usage)
	}
	r := b.last(t)
	if r.Outcome != OutcomeComplete || r.Cost.Micros != 2_000_000 || r.Place != "m.example" || r.PlaceReason != "no policy is decided" ||
		r.Attempts != 1 || r.FirstToken == 0 || r.AccountID != "account" || r.ConversationID != "c" || r.RunID != "r" || r.Feature != "chat" {
		t.Errorf("record = %+v", r)
	}
	if len(b.steps.settled) != 1 || b.steps.settled[0] != (governance.Spent{Tokens: 1_500_000, CostMicros: 2_000_000, Currency: "USD"}) {
		t.Errorf("settled = %+v", b.steps.settled)
	}
}

func TestARefusedCallNeverReachesTheProvider(t *testing.T) {
	image := []Message{{Role: RoleUser, Parts: []Part{{Type: PartImage, Media: &Media{MediaType: "image/png"}}}}}
	document := []Message{{Role: RoleUser, Parts: []Part{{Type: PartDocument, Media: &Media{MediaType: "application/pdf"}}}}}
	for _, tt := range []struct {
		name     string
		ctx      func(context.Context) context.Context
		prepare  func(b *bench)
		call     Call
		code     errs.Code
		recorded bool
	}{
		{"nobody", func(ctx context.Context) context.Context { return ctx }, nil, Call{ModelID: "m", Messages: question("a")}, errs.Unauthenticated, false},
		{"an unknown model", nil, nil, Call{ModelID: "x", Messages: question("a")}, errs.ModelUnavailable, true},
		{"no message", nil, nil, Call{ModelID: "m"}, errs.InvalidInput, true},
		{"a parameter out of range", nil, nil, Call{ModelID: "m", Messages: question("a"), Parameters: Parameters{Temperature: new(3.0)}}, errs.InvalidInput, true},
		{"an image for the blind", nil, nil, Call{ModelID: "m", Messages: image}, errs.ModelInput, true},
		{"a document", nil, nil, Call{ModelID: "m", Messages: document}, errs.ModelInput, true},
		{"a place that is not permitted", nil, func(b *bench) { b.steps.denied["m.example"] = true }, Call{ModelID: "m", Messages: question("a")}, errs.ResidencyDenied, true},
		{"a budget that is used up", nil, func(b *bench) { b.steps.spent = true }, Call{ModelID: "m", Messages: question("a")}, errs.ResourceExceeded, true},
		{"a secret that cannot be opened", nil, func(b *bench) { clear(b.shelf.providers) }, Call{ModelID: "m", Messages: question("a")}, errs.SecretUnreadable, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench()
			called := false
			b.add(Model{ID: "m"}, func(context.Context, Request, func(Event, error) bool) { called = true })
			if tt.prepare != nil {
				tt.prepare(b)
			}
			ctx := person(t.Context())
			if tt.ctx != nil {
				ctx = tt.ctx(t.Context())
			}
			tt.call.Feature = "chat"
			h := listen(b.Stream(ctx, tt.call))
			if errs.CodeOf(h.err) != tt.code || len(h.events) != 0 {
				t.Errorf("heard %s, %v; want code %s alone", h.types(), h.err, tt.code)
			}
			if called {
				t.Error("the provider was called")
			}
			if !tt.recorded {
				if n := len(b.usage.pending); n != 0 {
					t.Errorf("%d calls were recorded, want none", n)
				}
				return
			}
			if r := b.last(t); r.Outcome != Outcome(tt.code) || r.Usage != (Usage{}) || r.ModelID == "" {
				t.Errorf("record = %+v, want outcome %s and nothing used", r, tt.code)
			}
			for _, settled := range b.steps.settled {
				if settled.Tokens != 0 || settled.CostMicros != 0 {
					t.Errorf("settled %+v for a call that was refused", settled)
				}
			}
		})
	}
}

func TestInputThatTheModelTakesGoesThrough(t *testing.T) {
	b := newBench()
	b.add(Model{ID: "m", Capabilities: Capabilities{Vision: true, Documents: true}}, says("ok"))
	h := listen(b.Stream(person(t.Context()), Call{ModelID: "m", Messages: []Message{{Role: RoleUser, Parts: []Part{
		{Type: PartImage, Media: &Media{MediaType: "image/png"}}, {Type: PartDocument, Media: &Media{MediaType: "text/plain"}},
	}}}}))
	if h.err != nil || h.text() != "ok" {
		t.Errorf("heard %q, %v", h.text(), h.err)
	}
}

// askedToWait is an error with a Retry-After.
type askedToWait struct {
	error
	d time.Duration
}

func (a askedToWait) RetryAfter() time.Duration { return a.d }
func (a askedToWait) Unwrap() error             { return a.error }

func TestRetryHappensOnlyWhereItIsSafe(t *testing.T) {
	coded := func(c errs.Code) error { return errs.New(c, "no") }
	dns := errs.Wrap(errs.ModelUnreachable, "no", &net.DNSError{IsNotFound: true, Name: "llm.example"})
	certificate := errs.Wrap(errs.ModelUnreachable, "no", x509.UnknownAuthorityError{})
	refused := errs.Wrap(errs.ModelUnreachable, "no", &net.OpError{Op: "dial", Err: errors.New("connection refused")})
	for _, tt := range []struct {
		name     string
		err      error
		words    []string
		attempts int
		least    time.Duration // waited
		most     time.Duration
	}{
		{"throttled", coded(errs.ModelThrottled), nil, 3, 750 * time.Millisecond, 1500 * time.Millisecond},
		{"unreachable", coded(errs.ModelUnreachable), nil, 3, 750 * time.Millisecond, 1500 * time.Millisecond},
		{"connection refused", refused, nil, 3, 750 * time.Millisecond, 1500 * time.Millisecond},
		{"failed upstream", coded(errs.ModelFailed), nil, 3, 750 * time.Millisecond, 1500 * time.Millisecond},
		{"silent", coded(errs.ModelTimeout), nil, 3, 750 * time.Millisecond, 1500 * time.Millisecond},
		{"broke off before a word", coded(errs.ModelBrokeOff), nil, 3, 750 * time.Millisecond, 1500 * time.Millisecond},
		{"broke off after a word", coded(errs.ModelBrokeOff), []string{"a"}, 1, 0, 0},
		{"throttled after a word", coded(errs.ModelThrottled), []string{"a"}, 1, 0, 0},
		{"an unknown name", dns, nil, 1, 0, 0},
		{"an unknown certificate", certificate, nil, 1, 0, 0},
		{"a wrong key", coded(errs.ModelCredentials), nil, 1, 0, 0},
		{"access denied", coded(errs.ModelAccessDenied), nil, 1, 0, 0},
		{"an unknown model", coded(errs.ModelNotFound), nil, 1, 0, 0},
		{"too long a prompt", coded(errs.ModelContextTooLong), nil, 1, 0, 0},
		{"a filter", coded(errs.ModelRefused), nil, 1, 0, 0},
		{"an invalid request", coded(errs.ModelInvalidRequest), nil, 1, 0, 0},
		{"an undeclared destination", coded(errs.EgressDenied), nil, 1, 0, 0},
		{"something without a code", errors.New("odd"), nil, 1, 0, 0},
		{"a Retry-After of 4 s", askedToWait{coded(errs.ModelThrottled), 4 * time.Second}, nil, 3, 8 * time.Second, 9 * time.Second},
		{"a Retry-After of 15 s, once", askedToWait{coded(errs.ModelThrottled), 15 * time.Second}, nil, 2, 15 * time.Second, 17 * time.Second},
		{"a Retry-After of 30 s", askedToWait{coded(errs.ModelThrottled), 30 * time.Second}, nil, 1, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench()
				b.add(Model{ID: "m"}, fails(tt.err, tt.words...))
				start := time.Now()
				h := listen(b.Stream(person(t.Context()), Call{ModelID: "m", Messages: question("a")}))
				waited := time.Since(start)
				if errs.CodeOf(h.err) != errs.CodeOf(tt.err) {
					t.Errorf("error = %v, want %v", h.err, tt.err)
				}
				var asked RetryAfter
				if errors.As(tt.err, &asked) && !errors.As(h.err, &asked) {
					t.Error("the Retry-After was not passed on")
				}
				if r := b.last(t); r.Attempts != tt.attempts {
					t.Errorf("%d attempts, want %d", r.Attempts, tt.attempts)
				}
				if waited < tt.least || waited > tt.most {
					t.Errorf("waited %v, want %v to %v", waited, tt.least, tt.most)
				}
				if h.text() != strings.Join(tt.words, "") {
					t.Errorf("heard %q, want %q", h.text(), tt.words)
				}
				if n := len(b.steps.settled); n != 1 {
					t.Errorf("settled %d times, want once", n)
				}
			})
		})
	}
}

func TestARetryThatSucceedsLooksLikeOneAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.add(Model{ID: "m"}, inTurn(fails(errs.New(errs.ModelThrottled, "no")), fails(errs.New(errs.ModelUnreachable, "no")), says("here")))
		h := listen(b.Stream(person(t.Context()), Call{ModelID: "m", Messages: question("a")}))
		if h.err != nil || h.types() != "model text usage stop" {
			t.Errorf("heard %s, %v", h.types(), h.err)
		}
		if r := b.last(t); r.Outcome != OutcomeComplete || r.Attempts != 3 || r.FirstToken < 750*time.Millisecond {
			t.Errorf("record = %+v", r)
		}
	})
}

func TestASlowFailureIsNotTriedAgainForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.add(Model{ID: "m"}, func(_ context.Context, _ Request, yield func(Event, error) bool) {
			<-time.After(5 * time.Minute) // fake time
			yield(Event{}, errs.New(errs.ModelTimeout, "silent"))
		})
		h := listen(b.Stream(person(t.Context()), Call{ModelID: "m", Messages: question("a")}))
		if r := b.last(t); errs.CodeOf(h.err) != errs.ModelTimeout || r.Attempts != 1 {
			t.Errorf("error = %v after %d attempts, want model_timeout after 1", h.err, r.Attempts)
		}
	})
}

func TestCancellingEndsTheCallAtOnce(t *testing.T) {
	waits := func(ctx context.Context, _ Request, yield func(Event, error) bool) {
		<-ctx.Done()
		yield(Event{}, errs.Wrap(errs.ModelBrokeOff, "the call was stopped", ctx.Err())) // as adapters say it
	}
	for _, tt := range []struct {
		name   string
		stream streamFunc
		heard  string
		used   bool
	}{
		{"before the first byte", waits, "usage", true},
		{"in the middle", func(ctx context.Context, r Request, yield func(Event, error) bool) {
			if yield(Event{Type: EventText, Text: "はじめに"}, nil) {
				waits(ctx, r, yield)
			}
		}, "model text usage", true},
		{"while it waits to try again", fails(askedToWait{errs.New(errs.ModelThrottled, "no"), 10 * time.Second}), "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench()
				b.add(Model{ID: "m", FallbackID: "f"}, tt.stream)
				b.add(Model{ID: "f"}, says("the fallback must not answer"))
				ctx, cancel := context.WithCancel(person(t.Context()))
				time.AfterFunc(time.Second, cancel)
				start := time.Now()
				h := listen(b.Stream(ctx, Call{ModelID: "m", Messages: question("長い質問です")}))
				if !errors.Is(h.err, context.Canceled) || time.Since(start) != time.Second {
					t.Errorf("ended with %v after %v, want the context's error after 1 s", h.err, time.Since(start))
				}
				if h.types() != tt.heard {
					t.Errorf("heard %q, want %q", h.types(), tt.heard)
				}
				r := b.last(t)
				if r.Outcome != OutcomeStopped || (r.Usage.InputTokens > 0) != tt.used || r.Usage.Estimated != tt.used {
					t.Errorf("record = %+v, want stopped, used %v", r, tt.used)
				}
				if strings.Contains(tt.heard, "text") && (r.Usage.OutputTokens == 0 || r.Cost.Micros == 0) {
					t.Errorf("what was said is not counted: %+v", r)
				}
				if len(b.steps.settled) != 1 {
					t.Errorf("settled %d times, want once", len(b.steps.settled))
				}
			})
		})
	}
}

func TestLeavingTheLoopEndsTheCallAndIsRecorded(t *testing.T) {
	b := newBench()
	closed := false
	b.add(Model{ID: "m"}, func(ctx context.Context, r Request, yield func(Event, error) bool) {
		says("one", "two", "three")(ctx, r, yield)
		closed = true
	})
	for e := range b.Stream(person(t.Context()), Call{ModelID: "m", Messages: question("a")}) {
		if e.Text == "two" {
			break
		}
	}
	if !closed {
		t.Error("the provider's stream was not ended")
	}
	if r := b.last(t); r.Outcome != OutcomeStopped || r.Usage.OutputTokens == 0 || !r.Usage.Estimated {
		t.Errorf("record = %+v, want stopped with what was said", r)
	}
}

func TestAStreamWithoutItsEndMarkBrokeOff(t *testing.T) {
	b := newBench()
	b.add(Model{ID: "m"}, func(_ context.Context, _ Request, yield func(Event, error) bool) {
		_ = yield(Event{Type: EventUsage, Usage: Usage{InputTokens: 7, OutputTokens: 1}}, nil) &&
			yield(Event{Type: EventText, Text: strings.Repeat("途中まで話した文章", 20)}, nil)
	})
	h := listen(b.Stream(person(t.Context()), Call{ModelID: "m", Messages: question("a")}))
	if errs.CodeOf(h.err) != errs.ModelBrokeOff || h.types() != "model text usage" {
		t.Errorf("heard %s, %v; want the text, its usage and model_broke_off", h.types(), h.err)
	}
	u := b.last(t).Usage
	if u.InputTokens != 7 || u.OutputTokens < 50 || !u.Estimated {
		t.Errorf("usage = %+v, want the provider's input and what was said", u)
	}
}

func TestUsageIsEstimatedWhenTheProviderGivesNone(t *testing.T) {
	b := newBench()
	b.add(Model{ID: "m"}, func(_ context.Context, _ Request, yield func(Event, error) bool) {
		_ = yield(Event{Type: EventReasoning, Text: "考えています。"}, nil) &&
			yield(Event{Type: EventText, Text: "答えです。"}, nil) && yield(Event{Type: EventStop}, nil)
	})
	h := listen(b.Stream(person(t.Context()), Call{ModelID: "m", Messages: question("質問です。")}))
	u := b.last(t).Usage
	if h.err != nil || !u.Estimated || u.InputTokens == 0 || u.ReasoningTokens == 0 || u.OutputTokens <= u.ReasoningTokens {
		t.Errorf("usage = %+v, %v; want every part estimated", u, h.err)
	}
	if stop := h.events[len(h.events)-1]; stop.StopReason != StopEnd {
		t.Errorf("stop reason = %q, want end", stop.StopReason)
	}
}

func TestTheLastUsageCountsAndAbsurdNumbersDoNot(t *testing.T) {
	b := newBench()
	b.add(Model{ID: "m"}, func(_ context.Context, _ Request, yield func(Event, error) bool) {
		_ = yield(Event{Type: EventUsage, Usage: Usage{InputTokens: 5}}, nil) && yield(Event{Type: EventText, Text: "a"}, nil) &&
			yield(Event{Type: EventStop, StopReason: StopLength}, nil) &&
			yield(Event{Type: EventUsage, Usage: Usage{InputTokens: 5, OutputTokens: -3, CacheReadTokens: 1 << 60}}, nil)
	})
	listen(b.Stream(person(t.Context()), Call{ModelID: "m", Messages: question("a")}))
	if u := b.last(t).Usage; u != (Usage{InputTokens: 5, CacheReadTokens: maxTokens}) {
		t.Errorf("usage = %+v", u)
	}
}

func TestReasoningIsCountedWhereTheProviderCountsOnlyTheWhole(t *testing.T) {
	for name, tt := range map[string]struct{ told, want Usage }{
		"the whole": {Usage{InputTokens: 5, OutputTokens: 120}, Usage{InputTokens: 5, OutputTokens: 120, ReasoningTokens: 60}},
		"both":      {Usage{InputTokens: 5, OutputTokens: 120, ReasoningTokens: 100}, Usage{InputTokens: 5, OutputTokens: 120, ReasoningTokens: 100}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			b.add(Model{ID: "m"}, func(_ context.Context, _ Request, yield func(Event, error) bool) {
				_ = yield(Event{Type: EventReasoning, Text: "なるほど、"}, nil) && yield(Event{Type: EventText, Text: "なるほど、"}, nil) &&
					yield(Event{Type: EventUsage, Usage: tt.told}, nil) && yield(Event{Type: EventStop, StopReason: StopEnd}, nil)
			})
			listen(b.Stream(person(t.Context()), Call{ModelID: "m", Messages: question("a")}))
			if u := b.last(t).Usage; u != tt.want {
				t.Errorf("usage = %+v, want %+v", u, tt.want)
			}
		})
	}
}

func TestAPanickingProviderFailsItsOwnCallOnly(t *testing.T) {
	b := newBench()
	b.add(Model{ID: "m"}, func(_ context.Context, _ Request, yield func(Event, error) bool) {
		yield(Event{Type: EventText, Text: "half"}, nil)
		panic("inside")
	})
	h := listen(b.Stream(person(t.Context()), Call{ModelID: "m", Messages: question("a")}))
	if errs.CodeOf(h.err) != errs.Internal || h.text() != "half" {
		t.Errorf("heard %+v", h)
	}
	if strings.Count(b.log.String(), "panic in a model call") == 0 || !strings.Contains(b.log.String(), "cause=inside") {
		t.Errorf("log = %s", b.log)
	}
	if r := b.last(t); r.Outcome != Outcome(errs.Internal) || r.Usage.OutputTokens == 0 {
		t.Errorf("record = %+v", r)
	}

	defer func() {
		if cause := recover(); cause != "the reader's" {
			t.Errorf("a reader's panic became %v", cause)
		}
	}()
	b.add(Model{ID: "n"}, says("a"))
	for range b.Stream(person(t.Context()), Call{ModelID: "n", Messages: question("a")}) {
		panic("the reader's")
	}
}

func TestTheCauseOfAFailureIsInTheLogOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"the provider's fault":       {errs.Wrap(errs.ModelCredentials, "the key is not accepted", errors.New("HTTP 401")), "level=WARN"},
		"what was asked for":         {errs.Wrap(errs.ModelContextTooLong, "it is too long", errors.New("HTTP 401")), "level=INFO"},
		"ours, which the run writes": {errors.New("HTTP 401"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			b.add(Model{ID: "m"}, fails(tt.err))
			listen(b.Stream(person(t.Context()), Call{ModelID: "m", RunID: "r-1", Messages: question("a")}))
			log := b.log.String()
			if tt.want == "" && log != "" || tt.want != "" && (strings.Count(log, "HTTP 401") != 1 || !strings.Contains(log, tt.want) || !strings.Contains(log, "run=r-1")) {
				t.Errorf("log = %q", log)
			}
		})
	}
}

func TestAnEmptyAnswerNamesItsModelToo(t *testing.T) {
	b := newBench()
	b.add(Model{ID: "m"}, says())
	h := listen(b.Stream(person(t.Context()), Call{ModelID: "m", Messages: question("a")}))
	if h.err != nil || h.types() != "model usage stop" {
		t.Errorf("heard %s, %v", h.types(), h.err)
	}
}

func TestAFallbackAnswersWhereTheModelCannot(t *testing.T) {
	down := fails(errs.New(errs.ModelCredentials, "the key has expired"))
	image := []Message{{Role: RoleUser, Parts: []Part{{Type: PartImage, Media: &Media{}}}}}
	for _, tt := range []struct {
		name    string
		models  []Model
		streams []streamFunc
		message []Message
		denied  string
		answers string // model, or ""
		code    errs.Code
	}{
		{"and says which model it is", []Model{{ID: "a", FallbackID: "b"}, {ID: "b"}}, []streamFunc{down, says("ok")}, nil, "", "b", ""},
		{"and its own fallback after it", []Model{{ID: "a", FallbackID: "b"}, {ID: "b", FallbackID: "c"}, {ID: "c"}}, []streamFunc{down, down, says("ok")}, nil, "", "c", ""},
		{"but not in a circle", []Model{{ID: "a", FallbackID: "b"}, {ID: "b", FallbackID: "a"}}, []streamFunc{down, down}, nil, "", "", errs.ModelCredentials},
		{"but not for what was asked", []Model{{ID: "a", FallbackID: "b"}, {ID: "b"}}, []streamFunc{fails(errs.New(errs.ModelRefused, "no")), says("ok")}, nil, "", "", errs.ModelRefused},
		{"but not in the middle of an answer", []Model{{ID: "a", FallbackID: "b"}, {ID: "b"}}, []streamFunc{fails(errs.New(errs.ModelBrokeOff, "no"), "half"), says("ok")}, nil, "", "", errs.ModelBrokeOff},
		{"but not one the person may not use", []Model{{ID: "a", FallbackID: "elsewhere"}}, []streamFunc{down}, nil, "", "", errs.ModelCredentials},
		{"but not one in a place that is not permitted", []Model{{ID: "a", FallbackID: "b"}, {ID: "b"}}, []streamFunc{down, says("ok")}, nil, "b.example", "", errs.ModelCredentials},
		{"but not one that cannot take the input", []Model{{ID: "a", FallbackID: "b", Capabilities: Capabilities{Vision: true}}, {ID: "b"}}, []streamFunc{down, says("ok")}, image, "", "", errs.ModelCredentials},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench()
			for i, m := range tt.models {
				b.add(m, tt.streams[i])
			}
			b.steps.denied[tt.denied] = true
			message := tt.message
			if message == nil {
				message = question("a")
			}
			h := listen(b.Stream(person(t.Context()), Call{ModelID: "a", Messages: message}))
			if errs.CodeOf(h.err) != tt.code {
				t.Fatalf("error = %v, want code %q", h.err, tt.code)
			}
			r := b.last(t)
			if r.RequestedModelID != "a" {
				t.Errorf("requested model = %q, want a", r.RequestedModelID)
			}
			if tt.answers == "" {
				if r.ModelID == "b" && tt.denied != "" {
					t.Errorf("the record names %s, which was never asked", r.ModelID)
				}
				return
			}
			if got := h.events[0].Answering; got.ModelID != tt.answers || !got.Fallback || r.ModelID != tt.answers {
				t.Errorf("answering = %+v, recorded %s, want %s", got, r.ModelID, tt.answers)
			}
			if n := len(b.steps.settled); n != len(tt.models) {
				t.Errorf("settled %d times, want once for each model", n)
			}
		})
	}
}

func TestALongRetryAfterGoesStraightToTheFallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.add(Model{ID: "a", FallbackID: "b"}, fails(askedToWait{errs.New(errs.ModelThrottled, "no"), time.Hour}))
		b.add(Model{ID: "b"}, says("ok"))
		start := time.Now()
		h := listen(b.Stream(person(t.Context()), Call{ModelID: "a", Messages: question("a")}))
		if h.err != nil || h.text() != "ok" || time.Since(start) != 0 {
			t.Errorf("heard %q, %v after %v", h.text(), h.err, time.Since(start))
		}
	})
}

func TestNeitherPromptNorAnswerIsLogged(t *testing.T) {
	b := newBench()
	b.add(Model{ID: "a", FallbackID: "b"}, fails(errs.New(errs.ModelThrottled, "no")))
	b.add(Model{ID: "b"}, says("answer-canary"))
	synctest.Test(t, func(t *testing.T) {
		listen(b.Stream(person(t.Context()), Call{ModelID: "a", System: "system-canary", Messages: question("prompt-canary")}))
	})
	if strings.Contains(b.log.String(), "canary") || b.log.Len() == 0 {
		t.Errorf("log = %s", b.log)
	}
	b.usage.mu.Lock()
	defer b.usage.mu.Unlock()
	if strings.Contains(fmt.Sprintf("%+v", b.usage.pending), "canary") {
		t.Errorf("the record holds the conversation: %+v", b.usage.pending)
	}
}

func TestCallsAreMeasured(t *testing.T) {
	b := newBench()
	b.add(Model{ID: "m"}, says("ok"))
	listen(b.Stream(person(t.Context()), Call{ModelID: "m", Feature: "chat", Messages: question("a")}))
	listen(b.Stream(person(t.Context()), Call{ModelID: "invented", Feature: "chat", Messages: question("a")}))
	families, err := b.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			switch {
			case m.GetCounter() != nil:
				got[name] = m.GetCounter().GetValue()
			case m.GetGauge() != nil:
				got[name] = m.GetGauge().GetValue()
			case m.GetHistogram() != nil:
				got[name] = float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	for name, want := range map[string]float64{
		"kakoi_model_calls_total chat openai remote-m complete":               1,
		"kakoi_model_calls_total chat   model_unavailable":                    1,
		"kakoi_model_calls_active":                                            0,
		"gen_ai_client_operation_time_to_first_chunk_seconds openai remote-m": 1,
		"gen_ai_client_operation_duration_seconds openai remote-m":            1,
		"gen_ai_client_tokens_total openai remote-m input":                    1_000_000,
		"gen_ai_client_tokens_total openai remote-m output":                   500_000,
	} {
		if got[name] != want {
			t.Errorf("%s = %v, want %v (of %v)", name, got[name], want, got)
		}
	}
}

func TestWhatACallCosts(t *testing.T) {
	for _, tt := range []struct {
		name  string
		price Price
		usage Usage
		want  Money
	}{
		{"no price", Price{}, Usage{InputTokens: 5}, Money{}},
		{"free", Price{Currency: "JPY"}, Usage{InputTokens: 5}, Money{0, "JPY"}},
		{"yen", Price{Currency: "JPY", Input: 450, Output: 2250}, Usage{InputTokens: 1000, OutputTokens: 100}, Money{675_000, "JPY"}},
		{"a cache without a price costs as input", Price{Currency: "USD", Input: 3, Output: 15}, Usage{CacheReadTokens: 1000, CacheWriteTokens: 1000}, Money{6000, "USD"}},
		{"a cache with its price", Price{Currency: "USD", Input: 3, Output: 15, CacheRead: new(0.3), CacheWrite: new(3.75)}, Usage{CacheReadTokens: 1000, CacheWriteTokens: 1000}, Money{4050, "USD"}},
		{"rounded once", Price{Currency: "USD", Input: 0.25, Output: 0.25}, Usage{InputTokens: 1, OutputTokens: 1}, Money{1, "USD"}},
		{"the largest there is", Price{Currency: "JPY", Input: maxPrice, Output: maxPrice}, Usage{InputTokens: maxTokens, OutputTokens: maxTokens}, Money{2 * maxPrice * 1000 * microsPerUnit, "JPY"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.price.Of(tt.usage); got != tt.want {
				t.Errorf("Of(%+v) = %+v, want %+v", tt.usage, got, tt.want)
			}
		})
	}
}
