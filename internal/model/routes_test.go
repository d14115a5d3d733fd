package model

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
	"kakoi/internal/model/admission"
	"kakoi/internal/residency"
)

// spread puts a model on the shelf that is reached by several connections, the
// first its own, and says what each answers with.
func (b *bench) spread(m Model, weights []int, priorities []int, by ...streamFunc) {
	b.add(m, by[0])
	t := b.shelf.targets[m.ID]
	t.connection.Enabled, t.model.Weight = true, weights[0]
	for i, p := range by[1:] {
		id := fmt.Sprintf("c-%s-%d", m.ID, i+1)
		c := Connection{ID: id, Kind: KindOpenAI, Enabled: true, Settings: Settings{BaseURL: "http://" + id + ".example/v1"}}
		b.shelf.providers[id] = p
		t.routes = append(t.routes, route{Route{id, fmt.Sprintf("remote-%d", i+1), weights[i+1], priorities[i+1]}, c,
			residency.Place{Kind: residency.Host, Name: hostOf(c.Settings.BaseURL)}})
	}
	b.shelf.targets[m.ID] = t
}

func (b *bench) askIn(ctx context.Context, conversation string) heard {
	return listen(b.Stream(person(ctx), Call{ModelID: "m", Feature: "chat", ConversationID: conversation, Messages: question("hello")}))
}

func TestAConversationKeepsItsRouteAndConversationsSpreadByWeight(t *testing.T) {
	b := newBench()
	b.spread(Model{ID: "m"}, []int{3, 1, 1}, []int{1, 1, 2}, says("own"), says("other"), says("reserve"))
	got := map[string]int{}
	for i := range 400 {
		conversation := fmt.Sprint("conversation ", i)
		first := b.askIn(t.Context(), conversation).text()
		if again := b.askIn(t.Context(), conversation).text(); again != first {
			t.Fatalf("%s was answered by %s, then by %s", conversation, first, again)
		}
		got[first]++
	}
	if share := float64(got["own"]) / 400; math.Abs(share-0.75) > 0.08 || got["reserve"] != 0 {
		t.Errorf("answered by %v, want three quarters by its own and none by the reserve", got)
	}
}

func TestWhenARouteGoesOnlyItsConversationsMove(t *testing.T) {
	whole := []Route{{"a", "m", 1, 1}, {"b", "m", 1, 1}, {"c", "m", 2, 1}}
	first := func(key string, routes []Route) string {
		return slices.MaxFunc(routes, func(a, b Route) int { return int(math.Copysign(1, rank(key, a)-rank(key, b))) }).ConnectionID
	}
	for i := range 1000 {
		key := fmt.Sprint(i)
		before, after := first(key, whole), first(key, whole[:2])
		if before != "c" && before != after {
			t.Fatalf("%s went by %s and goes by %s, though only c has gone", key, before, after)
		}
	}
}

func TestTheNextRouteIsAskedAtOnceAndOnlyBeforeTheFirstWord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.spread(Model{ID: "m"}, []int{1, 1}, []int{1, 2}, fails(errs.New(errs.ModelFailed, "broken")), says("second"))
		start := time.Now()
		if h := b.askIn(t.Context(), "c"); h.err != nil || h.text() != "second" || h.types() != "model text usage stop" || time.Since(start) != 0 {
			t.Errorf("%s %q after %s: %v", h.types(), h.text(), time.Since(start), h.err)
		}
		if r := b.last(t); r.ConnectionID != "c-m-1" || r.Attempts != 2 || r.ModelID != "m" {
			t.Errorf("recorded %+v", r)
		}
		if got := b.usage.pending[0].details["tried"]; got != "c-m at m.example: model_failed" {
			t.Errorf("asked before: %q", got)
		}
		if want := []string{"mask", "place m.example", "reserve m", "settle", "mask", "place c-m-1.example", "reserve m", "settle"}; !slices.Equal(b.steps.log, want) {
			t.Errorf("steps %q, want %q", b.steps.log, want)
		}

		b = newBench()
		b.spread(Model{ID: "m"}, []int{1, 1}, []int{1, 2}, fails(errs.New(errs.ModelBrokeOff, "cut"), "half"), says("second"))
		if h := b.askIn(t.Context(), "c"); errs.CodeOf(h.err) != errs.ModelBrokeOff || h.text() != "half" {
			t.Errorf("after the first word: %q, %v", h.text(), h.err)
		}

		b = newBench()
		b.spread(Model{ID: "m"}, []int{1, 1}, []int{1, 2}, fails(errs.New(errs.ModelContextTooLong, "too long")), says("second"))
		if h := b.askIn(t.Context(), "c"); errs.CodeOf(h.err) != errs.ModelContextTooLong {
			t.Errorf("what is wrong with the question was tried elsewhere: %q, %v", h.text(), h.err)
		}
	})
}

func TestNoRouteLeadsWhereThePolicyForbids(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.spread(Model{ID: "m"}, []int{1, 1, 1}, []int{1, 2, 3}, fails(errs.New(errs.ModelFailed, "broken")), says("abroad"), says("home"))
		b.steps.denied["c-m-1.example"] = true
		if h := b.askIn(t.Context(), "c"); h.text() != "home" {
			t.Errorf("answered %q, %v", h.text(), h.err)
		}
		b.steps.denied["m.example"], b.steps.denied["c-m-2.example"] = true, true
		if h := b.askIn(t.Context(), "c"); errs.CodeOf(h.err) != errs.ResidencyDenied || !strings.Contains(h.err.Error(), "m.example") {
			t.Errorf("with every route forbidden: %q, %v", h.text(), h.err)
		}
	})
}

func TestARouteThatFailsIsLeftAloneAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		var mu sync.Mutex
		asked, broken := 0, true
		b.spread(Model{ID: "m"}, []int{1, 1}, []int{1, 2}, func(ctx context.Context, r Request, yield func(Event, error) bool) {
			mu.Lock()
			asked++
			now := broken
			mu.Unlock()
			if now {
				fails(errs.New(errs.ModelTimeout, "silent"))(ctx, r, yield)
				return
			}
			says("first")(ctx, r, yield)
		}, says("second"))
		for range 12 {
			if h := b.askIn(t.Context(), "c"); h.text() != "second" {
				t.Fatalf("%q, %v", h.text(), h.err)
			}
		}
		if asked != failuresInARow {
			t.Errorf("a route that fails was asked %d times, want %d", asked, failuresInARow)
		}
		rest := b.breakers.rests(b.shelf.targets["m"])
		if rest.Code != errs.ModelTimeout || time.Until(rest.Until) != restFor || rest.ConnectionID != "c-m" {
			t.Errorf("rest %+v", rest)
		}
		<-time.After(restFor + time.Second)
		if h := b.askIn(t.Context(), "c"); h.text() != "second" || asked != failuresInARow+1 {
			t.Errorf("after its rest %q with %d calls", h.text(), asked)
		}
		broken = false
		if b.askIn(t.Context(), "c"); asked != failuresInARow+1 {
			t.Error("a route that failed its trial was asked at once")
		}
		<-time.After(restFor + time.Second)
		for range 2 {
			if h := b.askIn(t.Context(), "c"); h.text() != "first" {
				t.Errorf("a route that works again: %q", h.text())
			}
		}
		var news []string
		for _, n := range b.breakers.unkept() {
			news = append(news, fmt.Sprintf("resume=%v again=%v", n.resume, n.again))
		}
		if want := []string{"resume=false again=false", "resume=false again=true", "resume=true again=true"}; !slices.Equal(news, want) {
			t.Errorf("news %q, want %q", news, want)
		}
	})
}

func TestAnOnlyRouteThatRestsSaysWhyAndTheFallbackAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.add(Model{ID: "m"}, fails(errs.New(errs.ModelFailed, "broken")))
		for range 2 { // three attempts each
			b.askIn(t.Context(), "c")
		}
		start := time.Now()
		h := b.askIn(t.Context(), "c")
		var e *errs.Error
		if !errors.As(h.err, &e) || e.Code != errs.ModelFailed || e.Params["until"] == "" || time.Since(start) != 0 {
			t.Errorf("after %s: %v", time.Since(start), h.err)
		}
		m := b.shelf.targets["m"]
		m.model.FallbackID = "other"
		b.shelf.targets["m"] = m
		b.add(Model{ID: "other"}, says("instead"))
		if h := b.askIn(t.Context(), "c"); h.text() != "instead" {
			t.Errorf("%q, %v", h.text(), h.err)
		}
	})
}

func TestWhatIsTheCallersFaultOpensNoBreaker(t *testing.T) {
	for _, code := range []errs.Code{errs.ModelContextTooLong, errs.ModelInvalidRequest, errs.ModelRefused, errs.ModelThrottled} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench()
			b.add(Model{ID: "m"}, fails(errs.New(code, "no")))
			for range 3 * failuresInARow {
				b.askIn(t.Context(), "c")
			}
			if rest := b.breakers.rests(b.shelf.targets["m"]); rest != (Rest{}) {
				t.Errorf("%s: rests %+v", code, rest)
			}
		})
	}
}

func TestATrialThatSomebodyStopsIsNoVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		ctx, stop := context.WithCancel(t.Context())
		b.add(Model{ID: "m"}, inTurn(fails(errs.New(errs.ModelFailed, "1")), fails(errs.New(errs.ModelFailed, "2")), fails(errs.New(errs.ModelFailed, "3")),
			fails(errs.New(errs.ModelFailed, "4")), fails(errs.New(errs.ModelFailed, "5")),
			func(ctx context.Context, _ Request, _ func(Event, error) bool) { stop(); <-ctx.Done() }, says("well again")))
		b.askIn(t.Context(), "c")
		b.askIn(t.Context(), "c")
		<-time.After(restFor + time.Second)
		if h := b.askIn(ctx, "c"); !errors.Is(h.err, context.Canceled) {
			t.Fatal(h.err)
		}
		if h := b.askIn(t.Context(), "c"); h.text() != "well again" {
			t.Errorf("after a trial that was stopped: %q, %v", h.text(), h.err)
		}
	})
}

func TestACallWaitsForItsTurnAndSaysWhereItStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		first := make(chan struct{})
		b.add(Model{ID: "m", Limits: admission.Limits{Concurrent: 1}}, inTurn(func(ctx context.Context, r Request, yield func(Event, error) bool) {
			<-first
			says("one")(ctx, r, yield)
		}, says("two")))
		var others sync.WaitGroup
		others.Go(func() {
			if h := b.askIn(t.Context(), "c"); h.text() != "one" || h.types() != "model text usage stop" {
				t.Errorf("the first: %s %v", h.types(), h.err)
			}
		})
		synctest.Wait()
		// Who stops while waiting has used nothing, and has reserved nothing.
		ctx, stop := context.WithCancel(t.Context())
		others.Go(func() {
			if h := b.askIn(ctx, "c"); !errors.Is(h.err, context.Canceled) || h.types() != "queued" {
				t.Errorf("stopped in line: %s %v", h.types(), h.err)
			}
		})
		synctest.Wait()
		stop()
		synctest.Wait()
		if n := len(b.steps.settled); n != 1 || b.steps.settled[0].Tokens != 0 {
			t.Errorf("settled %+v", b.steps.settled)
		}
		others.Go(func() {
			h := b.askIn(t.Context(), "c")
			if h.text() != "two" || h.types() != "queued queued model text usage stop" || !h.events[0].Queued.Waiting || h.events[1].Queued.Waiting {
				t.Errorf("the second: %s %v", h.types(), h.err)
			}
		})
		synctest.Wait()
		// A title waits in silence.
		others.Go(func() {
			h := listen(b.Stream(person(t.Context()), Call{ModelID: "m", Feature: "title", Background: true, Messages: question("title")}))
			if h.types() != "model text usage stop" {
				t.Errorf("the title: %s %v", h.types(), h.err)
			}
		})
		synctest.Wait()
		close(first)
		others.Wait()
	})
}

func TestWhatWasForbiddenWhileACallWaitedIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		first := make(chan struct{})
		b.add(Model{ID: "m", Limits: admission.Limits{Concurrent: 1}}, inTurn(func(ctx context.Context, r Request, yield func(Event, error) bool) {
			<-first
			says("one")(ctx, r, yield)
		}, says("two")))
		var both sync.WaitGroup
		both.Go(func() { b.askIn(t.Context(), "c") })
		synctest.Wait()
		both.Go(func() {
			if h := b.askIn(t.Context(), "c"); errs.CodeOf(h.err) != errs.ResidencyDenied || h.text() != "" {
				t.Errorf("%q, %v", h.text(), h.err)
			}
		})
		synctest.Wait()
		b.steps.mu.Lock()
		b.steps.denied["m.example"] = true
		b.steps.mu.Unlock()
		close(first)
		both.Wait()
	})
}

// How long an answer may be at the most is the person's to say, and no reason to
// keep the others from a model whose longest answer nobody knows.
func TestNobodyHoldsALineByAskingForTheLongestAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.add(Model{ID: "m", Limits: admission.Limits{TokensPerMinute: 10_000}}, func(_ context.Context, _ Request, yield func(Event, error) bool) {
			_ = yield(Event{Type: EventText, Text: "short"}, nil) && yield(Event{Type: EventStop, StopReason: StopEnd}, nil) &&
				yield(Event{Type: EventUsage, Usage: Usage{InputTokens: 10, OutputTokens: 1}}, nil)
		})
		most := 100_000_000
		began := time.Now()
		for _, p := range []Parameters{{}, {MaxTokens: &most}, {}, {MaxTokens: &most}, {}} {
			if h := listen(b.Stream(person(t.Context()), Call{ModelID: "m", Messages: question("q"), Parameters: p})); h.err != nil {
				t.Fatal(h.err)
			}
		}
		if waited := time.Since(began); waited > time.Second {
			t.Errorf("they waited for %v", waited)
		}
	})
}

func TestWhereAModelOfSeveralRoutesMayAnswerIsSaidWhole(t *testing.T) {
	region := residency.Place{Kind: residency.Regions, Regions: []string{"ap-northeast-1"}}
	abroad := residency.Place{Kind: residency.Host, Name: "llm.example", Country: "US"}
	for _, places := range [][]residency.Place{{region, abroad}, {abroad, region}, {residency.ThisServer(), region, abroad}} {
		if said := together(places).String(); !strings.Contains(said, "llm.example (US)") || !strings.Contains(said, "ap-northeast-1") {
			t.Errorf("%v are together %q", places, said)
		}
	}
}

func TestAProviderThatRefusesForItsLoadIsAskedForLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		var mu sync.Mutex
		at, most := 0, 0
		b.add(Model{ID: "m"}, func(ctx context.Context, r Request, yield func(Event, error) bool) {
			mu.Lock()
			at++
			now := at
			most = max(most, now)
			mu.Unlock()
			<-time.After(time.Second)
			mu.Lock()
			at--
			mu.Unlock()
			if now > 4 {
				fails(errs.New(errs.ModelThrottled, "too many requests"))(ctx, r, yield)
				return
			}
			says("well")(ctx, r, yield)
		})
		ask := func(n int) {
			var all sync.WaitGroup
			for range n {
				all.Go(func() { b.askIn(t.Context(), "c") })
			}
			all.Wait()
		}
		ask(8)
		if most != 8 {
			t.Fatalf("%d at once before anything was refused", most)
		}
		most = 0
		ask(8)
		if most > 4 {
			t.Errorf("%d at once after it was refused, want at most 4", most)
		}
	})
}

func TestRoutesAndLimitsAreStoredAndChecked(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		admin := administrator(t.Context())
		own := must(o.CreateConnection(admin, openAIDraft()))(t)
		draft := openAIDraft()
		draft.Name = "Second"
		second := must(o.CreateConnection(admin, draft))(t)
		demo := must(o.CreateConnection(admin, ConnectionDraft{Name: "Demo", Kind: KindDemo, Enabled: true}))(t)
		m := must(o.CreateModel(admin, ModelDraft{
			ConnectionID: own.ID, RemoteID: "big", Enabled: true, Limits: admission.Limits{Concurrent: 2, RequestsPerMinute: 30, TokensPerMinute: 9000},
			Weight: 3, Routes: []Route{{ConnectionID: second.ID}, {ConnectionID: second.ID, RemoteID: "big-osaka", Weight: 2, Priority: 4}},
		}))(t)
		want := []Route{{second.ID, "big", 1, 1}, {second.ID, "big-osaka", 2, 4}}
		for _, read := range []func() (Model, error){
			func() (Model, error) { all, err := o.Models(admin); return all[0], err },
			func() (Model, error) { t, err := selectTarget(t.Context(), d, m.ID); return t.model, err },
			func() (Model, error) { return o.UpdateModel(admin, m.ID, ModelPatch{DisplayName: new("Big")}) },
		} {
			got := must(read())(t)
			if !slices.Equal(got.Routes, want) || got.Weight != 3 || got.Limits != m.Limits || got.Limits.TokensPerMinute != 9000 {
				t.Errorf("read %+v", got)
			}
		}
		for field, p := range map[string]ModelPatch{
			"routes[0].connectionId":   {Routes: &[]Route{{ConnectionID: demo.ID}}},
			"routes[1].connectionId":   {Routes: &[]Route{{ConnectionID: second.ID}, {ConnectionID: "nobody's"}}},
			"routes[0].weight":         {Routes: &[]Route{{ConnectionID: second.ID, Weight: -1}}},
			"routes[0].priority":       {Routes: &[]Route{{ConnectionID: second.ID, Priority: 10}}},
			"routes[0].remoteId":       {Routes: &[]Route{{ConnectionID: second.ID, RemoteID: "a b"}}},
			"weight":                   {Weight: new(5000)},
			"limits.concurrent":        {Limits: &admission.Limits{Concurrent: -1}},
			"limits.requestsPerMinute": {Limits: &admission.Limits{RequestsPerMinute: maxLimit + 1}},
		} {
			_, err := o.UpdateModel(admin, m.ID, p)
			wantCode(t, field, err, errs.InvalidInput, field)
		}
		_, err := o.UpdateModel(admin, m.ID, ModelPatch{Routes: &[]Route{{ConnectionID: own.ID, RemoteID: "big"}}})
		wantCode(t, "its own connection again", err, errs.InvalidInput, "routes[0].connectionId")

		// A person is offered it as long as one of its ways is switched on.
		member := access.WithPrincipal(t.Context(), access.Principal{AccountID: "p"})
		if _, err := o.UpdateConnection(admin, own.ID, ConnectionPatch{Enabled: new(false)}); err != nil {
			t.Fatal(err)
		}
		if offers := must(o.Offers(member))(t); len(offers) != 1 {
			t.Errorf("offers %+v", offers)
		}
		way := must(o.usable(member, m.ID, TaskChat))(t).ways("key")
		if len(way) != 2 || way[0].model.RemoteID != "big" || way[0].connection.ID != second.ID || way[1].model.RemoteID != "big-osaka" {
			t.Errorf("ways %+v", way)
		}
		if err := o.DeleteConnection(admin, second.ID, true); err != nil {
			t.Fatal(err)
		}
		if _, err := o.usable(member, m.ID, TaskChat); errs.CodeOf(err) != errs.ModelUnavailable {
			t.Errorf("without any way: %v", err)
		}
		if offers := must(o.Offers(member))(t); len(offers) != 0 {
			t.Errorf("offers %+v", offers)
		}
	})
}

func TestARouteThatRestsIsShownAndAudited(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		admin := administrator(t.Context())
		b := newBench()
		b.now, b.node = time.Now, "node"
		b.usage.db, b.usage.audit = d, o.audit
		b.add(Model{ID: "m"}, nil)
		way := b.shelf.targets["m"]
		for range failuresInARow {
			done, err := b.breakers.begin(way)
			if err != nil {
				t.Fatal(err)
			}
			done(errs.New(errs.ModelTimeout, "silent"))
		}
		if err := b.keepRests(t.Context()); err != nil {
			t.Fatal(err)
		}
		rests := must(o.Rests(admin))(t)
		if len(rests) != 1 || rests[0].Code != errs.ModelTimeout || rests[0].RemoteID != "remote-m" || time.Until(rests[0].Until) <= 0 {
			t.Errorf("rests %+v", rests)
		}
		if _, err := o.Rests(person(t.Context())); errs.CodeOf(err) == "" || err == nil {
			t.Error("a member reads which routes rest")
		}
		// What the breaker says when the trial has succeeded.
		b.breakers.news = []restNews{{rest: rests[0], resume: true, again: true}}
		if err := b.keepRests(t.Context()); err != nil {
			t.Fatal(err)
		}
		if rests := must(o.Rests(admin))(t); len(rests) != 0 {
			t.Errorf("rests %+v", rests)
		}
		page := must(o.audit.List(access.WithPrincipal(t.Context(), access.Principal{AccountID: "a", Rights: access.Rights(access.Administrator)}), audit.Filter{Limit: 10}))(t)
		var actions []string
		for _, e := range page.Items {
			actions = append(actions, e.Action)
		}
		if got := strings.Join(actions, " "); got != "model.route.resume model.route.rest" {
			t.Errorf("audited %q", got)
		}
	})
}
