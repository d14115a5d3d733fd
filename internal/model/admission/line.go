package admission

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"time"
)

// Limits bound the calls of one model. 0 is no limit.
type Limits struct {
	Concurrent        int `json:"concurrent"`        // answers at once
	RequestsPerMinute int `json:"requestsPerMinute"` // calls begun
	TokensPerMinute   int `json:"tokensPerMinute"`   // input, and the longest answer until it is known
}

// Any reports whether there is a limit.
func (l Limits) Any() bool { return l != Limits{} }

const (
	maxWaiting    = 200 // calls of one model that wait
	maxWaitingOwn = 20  // of them one person's

	window   = int64(time.Minute / time.Millisecond)
	slotsIn  = 12 // a minute is counted in so many pieces
	slotSize = window / slotsIn

	// A provider that refuses for its load halves what is asked of it at once;
	// it grows again by a quarter each time this has gone well.
	growEvery   = int64(15 * time.Second / time.Millisecond)
	halveEvery  = int64(2 * time.Second / time.Millisecond)  // calls that fail together are one refusal
	longestHold = int64(20 * time.Second / time.Millisecond) // then one call asks again, or its fallback is asked

	nodeDead = int64(30 * time.Second / time.Millisecond)
)

var (
	errFull    = errors.New("too many calls wait")
	errFullOwn = errors.New("too many calls of the same person wait")
)

// ticket is one call, from asking until its answer has ended.
type ticket struct {
	ID         string `json:"id"`
	Person     string `json:"person"`
	Node       string `json:"node"`
	Background bool   `json:"background,omitempty"` // nobody looks on
	Tokens     int    `json:"tokens,omitempty"`     // reserved
	Number     int64  `json:"number"`               // in the order of asking
	Tag        int64  `json:"tag"`                  // the round in which it is due
	Since      int64  `json:"since,omitempty"`      // when it was admitted
}

// line is who is served by a model and who waits. It is plain data: one node
// keeps it in memory, several keep it as JSON in their store. Times are
// milliseconds, and now never goes back.
//
// Waiting is fair by start-time fair queueing over persons: each person's calls
// are due in rounds of their own, the first in the present round, and the
// lowest round goes first. Calls beside the work come after all others.
type line struct {
	Version  int64            `json:"version"`
	Limits   Limits           `json:"limits"`
	Last     int64            `json:"last"`
	Number   int64            `json:"number"`
	Running  []ticket         `json:"running,omitempty"`
	Waiting  []ticket         `json:"waiting,omitempty"`
	Rounds   [2]round         `json:"rounds"` // of what somebody waits for, of what is beside it
	Admitted int64            `json:"admitted"`
	Counted  []slot           `json:"counted,omitempty"` // oldest first
	Learnt   learnt           `json:"learnt"`
	Held     float64          `json:"held,omitempty"`  // how long a call stays, on average, in milliseconds
	Nodes    map[string]int64 `json:"nodes,omitempty"` // when each was heard of
}

// round is how far the rounds of one class have come.
type round struct {
	Now    int64             `json:"now"`
	People map[string]person `json:"people,omitempty"`
}

type person struct {
	Next   int64 `json:"next"`             // the round of the next call
	Served int64 `json:"served,omitempty"` // the last admission, counted
}

// slot counts what was admitted in a twelfth of a minute.
type slot struct {
	At       int64 `json:"at"`
	Requests int   `json:"requests"`
	Tokens   int   `json:"tokens"`
}

// learnt is what a provider's refusals say of what it can take.
type learnt struct {
	Ceiling int   `json:"ceiling,omitempty"` // answers at once; 0: nothing was refused lately
	Peak    int   `json:"peak,omitempty"`    // what it had come to when it was refused first
	Changed int64 `json:"changed,omitempty"`
	Until   int64 `json:"until,omitempty"` // nothing is sent before
}

func class(t ticket) int {
	if t.Background {
		return 1
	}
	return 0
}

// tick sets the time of the line, which does not go back for the moment that a
// row is waited for. A clock that was set back is another matter: what was
// counted by the old one would count until it is reached again.
func (l *line) tick(now int64) int64 {
	if l.Last-now <= nodeDead {
		l.Last = max(l.Last, now)
		return l.Last
	}
	l.Last, l.Counted, l.Learnt = now, nil, learnt{}
	for i := range l.Running {
		l.Running[i].Since = now
	}
	for node := range l.Nodes {
		l.Nodes[node] = now
	}
	return now
}

// enter puts a call in line.
func (l *line) enter(t ticket) {
	r := &l.Rounds[class(t)]
	if r.People == nil {
		r.People = make(map[string]person)
	}
	p := r.People[t.Person]
	l.Number++
	t.Number, t.Tag = l.Number, max(r.Now, p.Next)
	p.Next = t.Tag + 1
	r.People[t.Person] = p
	l.Waiting = append(l.Waiting, t)
}

// overfull returns why a call that waits must not, or nil.
func (l *line) overfull(id string) error {
	at := l.waits(id)
	if at < 0 {
		return nil
	}
	own := 0
	for _, t := range l.Waiting {
		if t.Person == l.Waiting[at].Person {
			own++
		}
	}
	switch {
	case own > maxWaitingOwn:
		return errFullOwn
	case len(l.Waiting) > maxWaiting:
		return errFull
	}
	return nil
}

func (l *line) waits(id string) int {
	return slices.IndexFunc(l.Waiting, func(t ticket) bool { return t.ID == id })
}

func (l *line) runs(id string) int {
	return slices.IndexFunc(l.Running, func(t ticket) bool { return t.ID == id })
}

// leave takes a call out, whether it waits or runs. used is what it came to.
func (l *line) leave(id string, used int, now int64) {
	if at := l.runs(id); at >= 0 {
		t := l.Running[at]
		l.Running = slices.Delete(l.Running, at, at+1)
		l.giveBack(t, used)
		const weight = 0.2 // of the latest call in the average
		if held := float64(now - t.Since); l.Held == 0 {
			l.Held = held
		} else {
			l.Held += weight * (held - l.Held)
		}
		return
	}
	at := l.waits(id)
	if at < 0 {
		return
	}
	gone := l.Waiting[at]
	l.Waiting = slices.Delete(l.Waiting, at, at+1)
	// The person's later calls move up, each to the round of the one before.
	due := gone.Tag
	for i := range l.Waiting {
		if t := &l.Waiting[i]; t.Person == gone.Person && class(*t) == class(gone) && t.Number > gone.Number {
			due, t.Tag = t.Tag, due
		}
	}
	r := &l.Rounds[class(gone)]
	p := r.People[gone.Person]
	p.Next = due
	r.People[gone.Person] = p
	l.forget()
}

// order returns the calls that wait, the next one first.
func (l *line) order() []ticket {
	waiting := slices.Clone(l.Waiting)
	slices.SortFunc(waiting, l.before)
	return waiting
}

// before compares whose turn it is; of those due in the same round, whoever was
// served longer ago.
func (l *line) before(a, b ticket) int {
	served := func(t ticket) int64 { return l.Rounds[class(t)].People[t.Person].Served }
	return cmp.Or(cmp.Compare(class(a), class(b)), cmp.Compare(a.Tag, b.Tag), cmp.Compare(served(a), served(b)), cmp.Compare(a.Number, b.Number))
}

// admit lets everybody go whose turn it is.
func (l *line) admit(now int64) {
	for len(l.Waiting) > 0 {
		next := slices.MinFunc(l.Waiting, l.before)
		if free, _ := l.room(next, now); !free {
			return
		}
		at := l.waits(next.ID)
		l.Waiting = slices.Delete(l.Waiting, at, at+1)
		next.Since = now
		l.Running = append(l.Running, next)
		l.count(now, 1, next.Tokens)
		l.Admitted++
		r := &l.Rounds[class(next)]
		r.Now = max(r.Now, next.Tag)
		p := r.People[next.Person]
		p.Served = l.Admitted
		r.People[next.Person] = p
		l.forget()
	}
}

// forget drops what nobody's turn depends on any more: whose next round has
// come anyway and, once nobody waits, all but who was served last.
func (l *line) forget() {
	for i := range l.Rounds {
		r := &l.Rounds[i]
		waited := slices.ContainsFunc(l.Waiting, func(t ticket) bool { return class(t) == i })
		for name, p := range r.People {
			if p.Next <= r.Now || !waited && p.Served != l.Admitted {
				delete(r.People, name)
			}
		}
	}
}

// room reports whether a call may go now, and if not, when it may at the
// earliest; 0 is when another has ended.
func (l *line) room(t ticket, now int64) (free bool, at int64) {
	if limit := l.atOnce(now); limit > 0 && len(l.Running) >= limit {
		return false, 0
	}
	if l.Learnt.Until > now {
		return false, l.Learnt.Until
	}
	if !l.Limits.Any() {
		return true, 0
	}
	// What was counted in a piece of a minute counts until the whole piece is
	// older than a minute: never more than the limit in any minute.
	requests, tokens := 0, 0
	for _, s := range l.Counted {
		if s.At+slotSize+window > now {
			requests += s.Requests
			tokens += s.Tokens
		}
	}
	for _, s := range l.Counted {
		// A call that is larger than the limit goes when nothing else does.
		over := l.Limits.RequestsPerMinute > 0 && requests+1 > l.Limits.RequestsPerMinute ||
			l.Limits.TokensPerMinute > 0 && tokens > 0 && tokens+t.Tokens > l.Limits.TokensPerMinute
		if !over {
			break
		}
		if until := s.At + slotSize + window; until > now {
			at = until
			requests -= s.Requests
			tokens -= s.Tokens
		}
	}
	return at == 0, at
}

// atOnce is how many answers there may be now; 0 is any number.
func (l *line) atOnce(now int64) int {
	ceiling := l.Learnt.ceiling(now)
	if l.Limits.Concurrent > 0 && ceiling > 0 {
		return min(l.Limits.Concurrent, ceiling)
	}
	return max(l.Limits.Concurrent, ceiling)
}

// count adds what goes out now.
func (l *line) count(now int64, requests, tokens int) {
	if !l.Limits.Any() {
		l.Counted = nil
		return
	}
	start := now - now%slotSize
	l.Counted = slices.DeleteFunc(l.Counted, func(s slot) bool { return s.At+slotSize+window <= now })
	if n := len(l.Counted); n == 0 || l.Counted[n-1].At != start {
		l.Counted = append(l.Counted, slot{At: start})
	}
	s := &l.Counted[len(l.Counted)-1]
	s.Requests += requests
	s.Tokens += tokens
}

// giveBack corrects what was reserved for a call to what it came to.
func (l *line) giveBack(t ticket, used int) {
	start := t.Since - t.Since%slotSize
	for i := range l.Counted {
		if s := &l.Counted[i]; s.At == start {
			s.Tokens = max(0, s.Tokens+used-t.Tokens)
		}
	}
}

// throttled takes note that the provider refused for its load, and for how long
// it asked not to be asked.
func (l *line) throttled(now int64, after time.Duration) {
	e := &l.Learnt
	if after > 0 {
		e.Until = max(e.Until, now+min(after.Milliseconds(), longestHold))
	}
	if e.Changed > 0 && now-e.Changed < halveEvery {
		return
	}
	was := e.ceiling(now)
	if was == 0 {
		was = max(1, len(l.Running))
		e.Peak = was
	}
	e.Ceiling, e.Changed = max(1, was/2), now
}

// ceiling is how many answers there may be at once by what was learnt; 0 is any
// number.
func (e *learnt) ceiling(now int64) int {
	if e.Ceiling == 0 {
		return 0
	}
	grown := e.Ceiling
	for range min((now-e.Changed)/growEvery, 100) {
		if grown += max(1, grown/4); grown > e.Peak {
			return 0 // it takes what it took before
		}
	}
	return grown
}

// heard takes note that a node lives which has these calls, and drops the calls
// of nodes that do not, and those that the node does not know any more.
func (l *line) heard(node string, has func(id string) bool, now int64) {
	if l.Nodes == nil {
		l.Nodes = make(map[string]int64)
	}
	l.Nodes[node] = now
	for name, seen := range l.Nodes {
		if now-seen > nodeDead {
			delete(l.Nodes, name)
		}
	}
	for _, t := range slices.Concat(l.Running, l.Waiting) {
		_, lives := l.Nodes[t.Node]
		if !lives || t.Node == node && has != nil && !has(t.ID) {
			l.leave(t.ID, t.Tokens, now)
		}
	}
}

// Place is where in line somebody stands.
type Place struct {
	Ahead int           // other persons whose calls go first
	Wait  time.Duration // about; 0 when nobody can tell
}

// standing is what one call has to know.
type standing struct {
	running, waiting bool
	place            Place
	due              int64 // when to look again though nobody calls; 0: never
}

// standings returns how the calls stand, by their id.
func (l *line) standings(now int64) map[string]standing {
	all := make(map[string]standing, len(l.Running)+len(l.Waiting))
	for _, t := range l.Running {
		all[t.ID] = standing{running: true}
	}
	order := l.order()
	var due int64
	if len(order) > 0 {
		_, due = l.room(order[0], now)
		if grows := l.Learnt.Changed + growEvery*((now-l.Learnt.Changed)/growEvery+1); due == 0 && l.Learnt.ceiling(now) > 0 {
			due = grows
		}
	}
	before := make(map[string]int) // calls ahead by person
	for i, t := range order {
		ahead := len(before)
		if before[t.Person] > 0 {
			ahead--
		}
		s := standing{waiting: true, place: Place{Ahead: ahead, Wait: l.estimate(i, due, now)}}
		if i == 0 {
			s.due = due
		}
		all[t.ID] = s
		before[t.Person]++
	}
	return all
}

// estimate is how long the call with so many ahead of it will wait, to the
// second, or 0 when nothing is known.
func (l *line) estimate(ahead int, due, now int64) time.Duration {
	var ms float64
	if limit := l.atOnce(now); limit > 0 && len(l.Running) >= limit {
		ms = l.Held * float64(ahead+1) / float64(limit)
	}
	if due > now {
		wait := float64(due - now)
		if l.Limits.RequestsPerMinute > 0 {
			wait += float64(ahead) * float64(window) / float64(l.Limits.RequestsPerMinute)
		}
		ms = max(ms, wait)
	}
	return time.Duration(math.Ceil(ms/1000)) * time.Second
}
