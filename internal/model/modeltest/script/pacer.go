package script

import (
	"context"
	"sync"
	"time"
)

// Pacer wakes many streams at their own times from one goroutine. A thousand
// streams of thirty tokens a second are 30,000 wake-ups a second; one ticker
// over a ring of slots carries them for less than as many timers would.
//
// The zero value is ready. Its goroutine runs only while somebody waits.
type Pacer struct {
	mu      sync.Mutex
	running bool
	waiting int
	base    time.Time // of slot 0 of turn 0
	done    int64     // last slot that was woken
	ring    [slots][]*Waiter
}

const (
	slot  = 2 * time.Millisecond
	slots = 512 // about a second; longer waits take a timer of their own
)

// Waiter is one stream's place in a Pacer. It serves one Wait at a time.
type Waiter struct {
	c chan struct{}
}

// NewWaiter returns a waiter for one stream.
func NewWaiter() *Waiter { return &Waiter{c: make(chan struct{}, 1)} }

// Wait returns at about t, up to one slot (2 ms) late, or with the error of
// ctx as soon as that ends. A t in the past returns at once.
func (p *Pacer) Wait(ctx context.Context, w *Waiter, t time.Time) error {
	d := time.Until(t)
	if d <= 0 {
		return ctx.Err()
	}
	if d > (slots-2)*slot {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	p.mu.Lock()
	if !p.running {
		p.running, p.base, p.done = true, time.Now(), 0
		go p.run()
	}
	n := max(int64((t.Sub(p.base)+slot-1)/slot), p.done+1)
	p.ring[n%slots] = append(p.ring[n%slots], w)
	p.waiting++
	p.mu.Unlock()
	select {
	case <-w.c:
		return nil
	case <-ctx.Done():
		// The ring still holds w and will signal it; a waiter whose context has
		// ended is not used again.
		return ctx.Err()
	}
}

func (p *Pacer) run() {
	tick := time.NewTicker(slot)
	defer tick.Stop()
	for range tick.C {
		p.mu.Lock()
		now := int64(time.Since(p.base) / slot)
		for p.done < now && p.waiting > 0 {
			p.done++
			due := p.ring[p.done%slots]
			for i, w := range due {
				w.c <- struct{}{} // never blocks: one Wait at a time, one place in c
				due[i] = nil
			}
			p.waiting -= len(due)
			p.ring[p.done%slots] = due[:0]
		}
		if p.waiting == 0 {
			p.running = false
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
	}
}

// Cadence gives the times at which a stream's tokens are due.
type Cadence struct {
	pacer *Pacer
	w     *Waiter
	next  time.Time
	step  time.Duration
}

// Cadence starts the rhythm of s now: the first token after FirstDelay, the
// rest at TokensPerSecond. A stream that falls behind catches up, as a model
// that waited for its connection would.
func (p *Pacer) Cadence(s Script) *Cadence {
	c := &Cadence{pacer: p, w: NewWaiter(), next: time.Now().Add(s.FirstDelay)}
	if s.TokensPerSecond > 0 {
		c.step = time.Duration(float64(time.Second) / s.TokensPerSecond)
	}
	return c
}

// Next waits until the next token is due, or until ctx ends. It returns whether
// there is a pause before the token after it, so that a writer knows when to flush.
func (c *Cadence) Next(ctx context.Context) (paused bool, err error) {
	if err := c.pacer.Wait(ctx, c.w, c.next); err != nil {
		return false, err
	}
	c.next = c.next.Add(c.step)
	return c.step > 0, nil
}
