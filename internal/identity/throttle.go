package identity

import (
	"container/list"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"kakoi/internal/errs"
)

// patience says how failures slow down further attempts: none at first, then a
// pause that doubles. Attempts during a pause are refused and do not prolong
// it, so a guesser can keep nobody out for longer than the longest pause.
type patience struct {
	free    int           // failures without a pause
	first   time.Duration // the first pause
	longest time.Duration
	forget  time.Duration // quiet after the pause, after which all is forgotten
}

var (
	// accountPatience follows what Amazon Cognito does.
	accountPatience = patience{free: 5, first: time.Second, longest: 15 * time.Minute, forget: 15 * time.Minute}
	// addressPatience is greater: a whole office may come from one address, and
	// in the morning all of it at once.
	addressPatience = patience{free: 100, first: time.Second, longest: 2 * time.Minute, forget: 15 * time.Minute}
)

// throttleKeys bounds what a throttle remembers. When it is full it forgets who
// was seen least recently.
const throttleKeys = 50_000

// throttle counts failures by key, in the memory of this process: with several
// nodes a guesser has as many attempts as there are nodes.
type throttle struct {
	patience patience
	now      func() time.Time

	mu     sync.Mutex
	byKey  map[string]*list.Element
	recent *list.List // of *failures; the most recent in front
}

type failures struct {
	key   string
	count int
	last  time.Time
	told  bool // the present pause has refused somebody already
}

func newThrottle(p patience, now func() time.Time) *throttle {
	return &throttle{patience: p, now: now, byKey: map[string]*list.Element{}, recent: list.New()}
}

func (p patience) pause(count int) time.Duration {
	if count < p.free {
		return 0
	}
	pause := p.first
	for range count - p.free {
		if pause *= 2; pause >= p.longest {
			return p.longest
		}
	}
	return pause
}

// take asks to make an attempt for key, and counts it as a failure until
// succeed or giveBack says otherwise: attempts made together do not all go
// through before the first has failed. When the attempt must wait, take says
// how long, and whether it is the first to be refused by this pause.
func (t *throttle) take(key string) (wait time.Duration, first bool) {
	if key == "" {
		return 0, false
	}
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.byKey[key]
	if e == nil {
		if t.recent.Len() >= throttleKeys {
			oldest := t.recent.Back()
			delete(t.byKey, t.recent.Remove(oldest).(*failures).key)
		}
		e = t.recent.PushFront(&failures{key: key})
		t.byKey[key] = e
	}
	t.recent.MoveToFront(e)
	f := e.Value.(*failures)
	until := f.last.Add(t.patience.pause(f.count))
	if now.Before(until) {
		first, f.told = !f.told, true
		return until.Sub(now), first
	}
	if now.Sub(until) > t.patience.forget {
		f.count = 0
	}
	f.count++
	f.last, f.told = now, false
	return 0, false
}

// giveBack takes n failures off key.
func (t *throttle) giveBack(key string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.byKey[key]; e != nil {
		f := e.Value.(*failures)
		if f.count -= n; f.count <= 0 {
			t.forget(e)
		}
	}
}

// succeed forgets the failures of key.
func (t *throttle) succeed(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.byKey[key]; e != nil {
		t.forget(e)
	}
}

func (t *throttle) forget(e *list.Element) {
	delete(t.byKey, t.recent.Remove(e).(*failures).key)
}

// network returns what an address is throttled by: an IPv4 address, or the /64
// that one IPv6 customer has to choose from.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	a = a.Unmap().WithZone("")
	if a.Is6() {
		return netip.PrefixFrom(a, 64).Masked().String()
	}
	return a.String()
}

// tooMany tells a person how long to wait.
func tooMany(wait time.Duration) error {
	seconds := int64((wait + time.Second - 1) / time.Second)
	return errs.New(errs.RateLimited, "there were too many attempts; wait a little").
		With("retryAfterSeconds", strconv.FormatInt(seconds, 10))
}
