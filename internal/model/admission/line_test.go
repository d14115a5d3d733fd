package admission

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// world plays what happens to a line, and holds what must be true throughout.
type world struct {
	t        *testing.T
	l        *line
	r        *rand.Rand
	now      int64
	next     int
	admitted []ticket
	last     [2]string          // person admitted last, by class
	since    [2]map[string]bool // persons who have waited ever since
}

func newWorld(t *testing.T, seed uint64, limits Limits) *world {
	return &world{t: t, l: &line{Limits: limits}, r: rand.New(rand.NewPCG(seed, seed)), now: 1_000_000,
		since: [2]map[string]bool{{}, {}}}
}

func (w *world) enter(person string, background bool, tokens int) string {
	w.next++
	id := fmt.Sprint(w.next)
	w.l.enter(ticket{ID: id, Person: person, Background: background, Tokens: tokens})
	w.settle()
	return id
}

func (w *world) leave(id string) {
	used := 0
	if at := w.l.runs(id); at >= 0 {
		used = w.l.Running[at].Tokens
	}
	w.l.leave(id, used, w.now)
	for c := range w.since { // who leaves has not waited all the time, even coming back
		for person := range w.since[c] {
			if !slices.ContainsFunc(w.l.Waiting, func(t ticket) bool { return class(t) == c && t.Person == person }) {
				delete(w.since[c], person)
			}
		}
	}
	w.settle()
}

// settle admits one at a time, as admit does, and judges each.
func (w *world) settle() {
	w.t.Helper()
	for {
		before := slices.Clone(w.l.Waiting)
		running := len(w.l.Running)
		w.l.admit(w.now)
		if len(w.l.Running) == running {
			break
		}
		for _, t := range w.l.Running[running:] {
			w.judge(t, before)
			before = slices.DeleteFunc(before, func(b ticket) bool { return b.ID == t.ID })
		}
	}
	if limit := w.l.Limits.Concurrent; limit > 0 && len(w.l.Running) > limit {
		w.t.Fatalf("%d run at once, more than %d", len(w.l.Running), limit)
	}
	requests, tokens := 0, 0
	for _, t := range w.admitted {
		if t.Since > w.now-window {
			requests++
			tokens += t.Tokens
		}
	}
	if limit := w.l.Limits.RequestsPerMinute; limit > 0 && requests > limit {
		w.t.Fatalf("%d calls in a minute, more than %d", requests, limit)
	}
	if limit := w.l.Limits.TokensPerMinute; limit > 0 && tokens > limit {
		w.t.Fatalf("%d tokens in a minute, more than %d", tokens, limit)
	}
}

// judge looks at one admission: nobody was passed over twice by one person, and
// nothing beside the work went before it.
func (w *world) judge(t ticket, waiting []ticket) {
	w.t.Helper()
	c := class(t)
	if c == 1 && slices.ContainsFunc(waiting, func(o ticket) bool { return !o.Background }) {
		w.t.Fatalf("%s went in the background while somebody waited", t.Person)
	}
	others := map[string]bool{}
	for _, o := range waiting {
		if class(o) == c && o.Person != t.Person {
			others[o.Person] = true
		}
	}
	if w.last[c] == t.Person {
		for person := range others {
			if w.since[c][person] {
				w.t.Fatalf("%s was served twice in a row while %s waited", t.Person, person)
			}
		}
	}
	w.last[c], w.since[c] = t.Person, others
	w.admitted = append(w.admitted, t)
}

func TestALineIsFairAndKeepsItsLimitsWhateverHappens(t *testing.T) {
	for seed := range uint64(300) {
		limits := Limits{Concurrent: 1 + int(seed%4)}
		if seed%3 == 1 {
			limits.RequestsPerMinute = 5 + int(seed%7)
		}
		if seed%5 == 1 {
			limits.TokensPerMinute = 1000
		}
		w := newWorld(t, seed, limits)
		people := []string{"anna", "ben", "chie", "dai", "eri"}
		var ids []string
		for range 400 {
			switch n := w.r.IntN(10); {
			case n < 5 && len(w.l.Waiting) < 40:
				// One of them asks most of the time.
				person := people[0]
				if w.r.IntN(2) == 0 {
					person = people[w.r.IntN(len(people))]
				}
				ids = append(ids, w.enter(person, w.r.IntN(6) == 0, 1+w.r.IntN(300)))
			case n < 8 && len(w.l.Running) > 0:
				w.leave(w.l.Running[w.r.IntN(len(w.l.Running))].ID)
			case n == 8 && len(w.l.Waiting) > 0: // stopped before its turn
				w.leave(w.l.Waiting[w.r.IntN(len(w.l.Waiting))].ID)
			default:
				w.now += int64(w.r.IntN(9000))
				w.settle()
			}
		}
		// Whatever waits is served in the end: nobody is lost.
		for range 2000 {
			if len(w.l.Running)+len(w.l.Waiting) == 0 {
				break
			}
			if len(w.l.Running) > 0 {
				w.leave(w.l.Running[0].ID)
			} else {
				w.now += slotSize
				w.settle()
			}
		}
		if n := len(w.l.Running) + len(w.l.Waiting); n > 0 {
			t.Fatalf("seed %d: %d of %d calls were never served", seed, n, len(ids))
		}
	}
}

func TestOnePersonsManyCallsDoNotHoldUpAnother(t *testing.T) {
	l := &line{Limits: Limits{Concurrent: 1}}
	enter := func(id, person string) {
		l.enter(ticket{ID: id, Person: person})
		l.admit(0)
	}
	for i := range 5 {
		enter(fmt.Sprintf("a%d", i), "anna")
	}
	enter("b0", "ben")
	enter("b1", "ben")
	enter("c0", "chie")
	var order []string
	for len(l.Running) > 0 {
		order = append(order, l.Running[0].ID)
		l.leave(l.Running[0].ID, 0, 0)
		l.admit(0)
	}
	if want := []string{"a0", "b0", "c0", "a1", "b1", "a2", "a3", "a4"}; !slices.Equal(order, want) {
		t.Errorf("served %v, want %v", order, want)
	}
}

func TestALineThatNobodyWaitsInForgetsWhoCameBefore(t *testing.T) {
	l := &line{Limits: Limits{Concurrent: 1000}}
	for i := range 500 {
		l.enter(ticket{ID: fmt.Sprint(i), Person: fmt.Sprint("person", i)})
		l.admit(int64(i))
		l.leave(fmt.Sprint(i), 0, int64(i))
	}
	if n := len(l.Rounds[0].People); n > 1 {
		t.Errorf("%d persons are remembered", n)
	}
}

func TestPlacesCountPersonsAndNotCalls(t *testing.T) {
	l := &line{Limits: Limits{Concurrent: 1}, Held: 10_000}
	for _, id := range []string{"x0", "a0", "a1", "b0", "c0", "a2"} {
		l.enter(ticket{ID: id, Person: id[:1]})
		l.admit(0)
	}
	all := l.standings(0)
	for id, want := range map[string]int{"a0": 0, "b0": 1, "c0": 2, "a1": 2, "a2": 2} {
		if got := all[id]; got.place.Ahead != want || !got.waiting {
			t.Errorf("%s has %d ahead, want %d", id, got.place.Ahead, want)
		}
	}
	if !all["x0"].running {
		t.Error("the first does not run")
	}
	if got := all["b0"].place.Wait; got != 20*time.Second { // two answers of ten seconds
		t.Errorf("the second waits %s, want 20 s", got)
	}
}

func TestTokensAreGivenBackWhenAnAnswerWasShort(t *testing.T) {
	l := &line{Limits: Limits{TokensPerMinute: 1000}}
	enter := func(id string, tokens int, now int64) bool {
		l.enter(ticket{ID: id, Person: id, Tokens: tokens})
		l.admit(now)
		return l.runs(id) >= 0
	}
	if !enter("first", 900, 0) || enter("second", 900, 10) {
		t.Fatal("the reservation of the first does not count")
	}
	l.leave("first", 100, 1000)
	l.admit(1000)
	if l.runs("second") < 0 {
		t.Error("what the first did not use was not given back")
	}
	if enter("larger than all", 5000, 2000) {
		t.Error("a call larger than the limit went beside another")
	}
	l.leave("second", 900, 3000)
	if l.admit(3 * window); l.runs("larger than all") < 0 {
		t.Error("a call larger than the limit never goes")
	}
}

func TestARefusalHalvesWhatIsAskedAndItGrowsAgain(t *testing.T) {
	l := &line{}
	for i := range 8 {
		l.enter(ticket{ID: fmt.Sprint(i), Person: "p"})
	}
	l.admit(0)
	if len(l.Running) != 8 {
		t.Fatalf("%d run without a limit", len(l.Running))
	}
	l.throttled(1000, 0)
	l.throttled(1001, 0) // the same moment
	if got := l.atOnce(1002); got != 4 {
		t.Errorf("%d at once after a refusal, want 4", got)
	}
	l.throttled(5000, 7*time.Second)
	if got := l.atOnce(5001); got != 2 {
		t.Errorf("%d at once after another, want 2", got)
	}
	l.Running = nil
	if free, at := l.room(ticket{}, 6000); free || at != 12_000 {
		t.Errorf("free %v at %d before the time that was asked for", free, at)
	}
	last := 0
	for now := int64(12_000); now < 200_000; now += 1000 {
		got := l.atOnce(now)
		if got == 0 {
			last = -1
			break
		}
		if got < last || got > 8 {
			t.Fatalf("%d at once after %d", got, last)
		}
		last = got
	}
	if last != -1 {
		t.Errorf("what was learnt never ends: %d", last)
	}
	l.Limits.Concurrent = 3
	if got := l.atOnce(300_000); got != 3 {
		t.Errorf("%d at once, want the administrator's limit", got)
	}
}

func TestTheCallsOfADeadNodeAreDropped(t *testing.T) {
	l := &line{Limits: Limits{Concurrent: 1}}
	l.heard("a", nil, 0)
	l.enter(ticket{ID: "1", Person: "p", Node: "a"})
	l.heard("b", nil, 1000)
	l.enter(ticket{ID: "2", Person: "q", Node: "b"})
	l.admit(1000)
	l.heard("b", nil, 20_000)
	if l.admit(20_000); l.runs("1") < 0 {
		t.Fatal("a node was taken for dead too soon")
	}
	l.heard("b", func(id string) bool { return id == "2" }, 31_000)
	if l.admit(31_000); l.runs("1") >= 0 || l.runs("2") < 0 {
		t.Errorf("running %v after a node has died", l.Running)
	}
	l.heard("b", func(string) bool { return false }, 32_000)
	if len(l.Running) != 0 {
		t.Error("a call that its own node does not know stays")
	}
}

// The store's clock may have been wrong by a day for a moment.
func TestAClockThatIsSetBackHoldsNobodyUp(t *testing.T) {
	const day = int64(24 * time.Hour / time.Millisecond)
	l := &line{Limits: Limits{Concurrent: 5, RequestsPerMinute: 1}}
	now := l.tick(day * 2)
	l.heard("n", nil, now)
	l.heard("other", nil, now)
	l.enter(ticket{ID: "first", Person: "anna", Node: "other"})
	l.admit(now)
	l.throttled(now, 20*time.Second)

	if now = l.tick(day*2 - 1000); now != day*2 {
		t.Errorf("the line's time went back by a second: %d", now-day*2)
	}
	now = l.tick(day)
	if now != day {
		t.Errorf("the line goes on %d ms from now", now-day)
	}
	l.heard("n", nil, now)
	l.enter(ticket{ID: "second", Person: "ben", Node: "n"})
	l.admit(now)
	if at := l.runs("second"); at < 0 {
		t.Errorf("it waits until %+v", l.standings(now)["second"])
	}
	if l.runs("first") < 0 {
		t.Error("the call of the other node is lost")
	}
	now = l.tick(day + nodeDead + 1)
	l.heard("n", nil, now)
	if l.runs("first") >= 0 {
		t.Error("the call of a node that is dead stays")
	}
}
