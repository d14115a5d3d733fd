package admission

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
)

func hall(node string, d *db.DB) *Hall {
	return New(Options{DB: d, Node: node, Log: slog.New(slog.DiscardHandler)})
}

func ignore(Place) bool { return true }

// take takes a turn and fails the test if there is none.
func take(t *testing.T, h *Hall, a Ask) *Turn {
	t.Helper()
	turn, err := h.Take(t.Context(), a, ignore)
	if err != nil {
		t.Fatal(err)
	}
	return turn
}

func TestWhoWaitsHearsThePlaceAndItsChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hall("n", nil)
		a := Ask{ModelID: "m", Limits: Limits{Concurrent: 1}}
		ask := func(person string) Ask { a.Person = person; return a }
		first := take(t, h, ask("anna"))
		var mu sync.Mutex
		var heard []int
		second := make(chan *Turn)
		go func() { second <- take(t, h, ask("ben")) }()
		synctest.Wait()
		third := make(chan *Turn)
		go func() {
			turn, err := h.Take(t.Context(), ask("chie"), func(p Place) bool {
				mu.Lock()
				defer mu.Unlock()
				heard = append(heard, p.Ahead)
				return true
			})
			if err != nil {
				t.Error(err)
			}
			third <- turn
		}()
		synctest.Wait()
		<-time.After(time.Second)
		first.Done(0)
		turn := <-second
		synctest.Wait()
		turn.Done(0)
		last := <-third
		if !last.Waited() || first.Waited() {
			t.Error("who waited does not know it, or who did not does")
		}
		last.Done(0)
		if got := fmt.Sprint(heard); got != "[1 0]" {
			t.Errorf("places %s, want [1 0]", got)
		}
	})
}

func TestStoppingWhileOneWaitsLosesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hall("n", nil)
		a := Ask{ModelID: "m", Person: "anna", Limits: Limits{Concurrent: 1}}
		running := take(t, h, a)
		ctx, stop := context.WithCancelCause(t.Context())
		why := errors.New("stopped")
		gone := make(chan error)
		go func() { _, err := h.Take(ctx, a, ignore); gone <- err }()
		synctest.Wait()
		next := make(chan *Turn)
		go func() { next <- take(t, h, Ask{ModelID: "m", Person: "ben", Limits: a.Limits}) }()
		synctest.Wait()
		stop(why)
		if err := <-gone; !errors.Is(err, why) {
			t.Errorf("left with %v", err)
		}
		if _, err := h.Take(t.Context(), a, func(Place) bool { return false }); !errors.Is(err, ErrLeft) {
			t.Errorf("a reader that left: %v", err)
		}
		running.Done(0)
		(<-next).Done(0)
		take(t, h, a).Done(0)
		if s, _ := h.Standing(t.Context(), "m", a.Limits); s != (Standing{}) {
			t.Errorf("left behind: %+v", s)
		}
	})
}

func TestAMinutesLimitLetsTheRestGoByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hall("n", nil)
		start := time.Now()
		for range 5 {
			take(t, h, Ask{ModelID: "m", Person: "anna", Limits: Limits{RequestsPerMinute: 2}}).Done(0)
		}
		if took := time.Since(start); took < 2*time.Minute || took > 2*time.Minute+15*time.Second {
			t.Errorf("five calls at two a minute took %s", took)
		}
	})
}

func TestWaitingIsBoundedInTimeAndNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hall("n", nil)
		ask := func(person string) Ask { return Ask{ModelID: "m", Person: person, Limits: Limits{Concurrent: 1}} }
		running := take(t, h, ask("anna"))
		start := time.Now()
		if _, err := h.Take(t.Context(), ask("ben"), ignore); errs.CodeOf(err) != errs.ModelBusy || time.Since(start) != longestWait {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var left sync.WaitGroup
		for range maxWaitingOwn {
			left.Go(func() { _, _ = h.Take(ctx, ask("ben"), ignore) })
		}
		synctest.Wait()
		var e *errs.Error
		if _, err := h.Take(ctx, ask("ben"), ignore); !errors.As(err, &e) || e.Code != errs.ModelBusy || e.Params["reason"] != "own" {
			t.Errorf("one person's too many: %v", err)
		}
		for i := range maxWaiting - maxWaitingOwn {
			left.Go(func() { _, _ = h.Take(ctx, ask(fmt.Sprint("p", i)), ignore) })
		}
		synctest.Wait()
		if _, err := h.Take(ctx, ask("zoe"), ignore); !errors.As(err, &e) || e.Code != errs.ModelBusy || e.Params["reason"] != "full" {
			t.Errorf("too many: %v", err)
		}
		cancel()
		left.Wait()
		running.Done(0)
		take(t, h, ask("zoe")).Done(0)
	})
}

func TestWhatIsBesideTheWorkWaitsForTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hall("n", nil)
		a := Ask{ModelID: "m", Person: "anna", Limits: Limits{Concurrent: 1}}
		running := take(t, h, a)
		var order []string
		var done sync.WaitGroup
		for _, name := range []string{"title", "chat"} {
			done.Go(func() {
				ask := a
				ask.Background = name == "title"
				turn := take(t, h, ask)
				order = append(order, name)
				turn.Done(0)
			})
			synctest.Wait()
		}
		running.Done(0)
		done.Wait()
		if fmt.Sprint(order) != "[chat title]" {
			t.Errorf("order %v", order)
		}
	})
}

// distant keeps lines as a store does that answers late, or not at all.
type distant struct {
	*memory
	limits Limits
	asked  atomic.Int64
	broken atomic.Bool
}

const late = time.Second

func (d *distant) with(ctx context.Context, node, model string, change, done func(l *line, now int64)) error {
	d.asked.Add(1)
	<-time.After(late)
	if d.broken.Load() {
		return errors.New("the store is away")
	}
	return d.memory.with(ctx, node, model, func(l *line, now int64) {
		l.Limits = d.limits
		change(l, now)
	}, done)
}

// far is a hall whose lines are in a distant store, with Run there or not.
func far(l Limits) (*Hall, *distant) {
	h, d := hall("n", nil), &distant{memory: newMemory(), limits: l}
	h.shared = d
	return h, d
}

func TestNobodyWaitsUntilTheStoreKnowsOfAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, d := far(Limits{Concurrent: 1})
		a := Ask{ModelID: "m", Person: "anna", Limits: d.limits}
		end := h.tellBeside()
		first := take(t, h, a)
		start := time.Now()
		first.Done(0)
		if took := time.Since(start); took != 0 {
			t.Errorf("the caller waited for %s", took)
		}
		// Who comes right after finds the place free, and does not wait in line for it.
		second := take(t, h, a)
		if took := time.Since(start); took != late || second.Waited() {
			t.Errorf("the next call took %s, waited %t", took, second.Waited())
		}
		second.Done(0)
		end()
		if s, _ := h.Standing(t.Context(), "m", a.Limits); s != (Standing{}) || len(h.left)+len(h.giving) > 0 {
			t.Errorf("at the end there is %+v, and not told %v", s, h.left)
		}
		// Afterwards nobody would see to it.
		third := take(t, h, a)
		start = time.Now()
		third.Done(0)
		if s, _ := h.Standing(t.Context(), "m", a.Limits); time.Since(start) != late || s != (Standing{}) {
			t.Errorf("given back in %s, leaving %+v", time.Since(start), s)
		}
	})
}

func TestWhoEndsTogetherIsToldOfTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, d := far(Limits{Concurrent: 10})
		end := h.tellBeside()
		var turns []*Turn
		for i := range 10 {
			turns = append(turns, take(t, h, Ask{ModelID: "m", Person: fmt.Sprint("p", i), Limits: d.limits}))
		}
		before := d.asked.Load()
		for _, turn := range turns {
			turn.Done(0)
		}
		end()
		if n := d.asked.Load() - before; n != 1 {
			t.Errorf("the store was asked %d times", n)
		}
		if s, _ := h.Standing(t.Context(), "m", d.limits); s != (Standing{}) {
			t.Errorf("left behind: %+v", s)
		}
	})
}

func TestWhoWaitsGoesWhenTheStoreKnowsOfAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, d := far(Limits{Concurrent: 1})
		end := h.tellBeside()
		defer end()
		first := take(t, h, Ask{ModelID: "m", Person: "anna", Limits: d.limits})
		next := make(chan *Turn)
		go func() { next <- take(t, h, Ask{ModelID: "m", Person: "ben", Limits: d.limits}) }()
		<-time.After(2 * late)
		start := time.Now()
		first.Done(0)
		(<-next).Done(0)
		if took := time.Since(start); took != late {
			t.Errorf("the next went after %s", took)
		}
	})
}

func TestAStoreThatWasAwayLearnsWhatACallCameTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, d := far(Limits{TokensPerMinute: 100})
		a := Ask{ModelID: "m", Person: "anna", Limits: d.limits, Tokens: 100}
		end := h.tellBeside()
		defer end()
		first := take(t, h, a)
		d.broken.Store(true)
		first.Done(0)
		<-time.After(2 * late)
		d.broken.Store(false)
		start := time.Now()
		take(t, h, a).Done(0) // a hundred tokens more, of which the first has used none
		if took := time.Since(start); took != late {
			t.Errorf("the next went after %s", took)
		}
	})
}

// Two nodes, many people, much stopping: at no moment more than the limit, and
// in the end nobody waits.
func TestTwoNodesShareOneLine(t *testing.T) {
	d := dbtest.Open(t, db.Postgres)
	const limit = 3
	model(t, d, Limits{Concurrent: limit})
	ctx, end := context.WithCancel(t.Context())
	var background sync.WaitGroup
	defer background.Wait()
	defer end()
	halls := []*Hall{hall("one", d), hall("two", d)}
	for _, h := range halls {
		background.Go(func() { h.Run(ctx) })
	}
	var running, most, served atomic.Int64
	var work sync.WaitGroup
	for i := range 40 {
		work.Go(func() {
			a := Ask{ModelID: "m", Person: fmt.Sprint("p", i%7), Limits: Limits{Concurrent: limit}}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			stops := i%5 == 4
			turn, err := halls[i%2].Take(ctx, a, func(Place) bool {
				if stops {
					cancel()
				}
				return true
			})
			if err != nil {
				if !stops || !errors.Is(err, context.Canceled) {
					t.Errorf("call %d: %v", i, err)
				}
				return
			}
			n := running.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			served.Add(1)
			if _, err := d.ExecContext(t.Context(), `SELECT pg_sleep(0.01)`); err != nil {
				t.Error(err)
			}
			running.Add(-1)
			turn.Done(0)
		})
	}
	work.Wait()
	end()
	background.Wait() // Run has told the line who has ended
	if most.Load() > limit || served.Load() < 32 {
		t.Errorf("%d at once with a limit of %d, %d served", most.Load(), limit, served.Load())
	}
	if s, err := halls[0].Standing(t.Context(), "m", Limits{Concurrent: limit}); err != nil || s.Running+s.Waiting != 0 {
		t.Errorf("left behind: %+v, %v", s, err)
	}
}

func TestALineGoesOnWhenANodeDies(t *testing.T) {
	d := dbtest.Open(t, db.Postgres)
	model(t, d, Limits{Concurrent: 1})
	a := Ask{ModelID: "m", Person: "anna", Limits: Limits{Concurrent: 1}}
	dead, lives := hall("dead", d), hall("lives", d)
	take(t, dead, a) // and never heard of again
	ctx, end := context.WithCancel(t.Context())
	var background sync.WaitGroup
	defer background.Wait()
	defer end()
	background.Go(func() { lives.Run(ctx) })
	waits := make(chan struct{})
	next := make(chan error)
	go func() {
		_, err := lives.Take(ctx, a, func(Place) bool { close(waits); return true })
		next <- err
	}()
	<-waits
	// Half a minute later, by the clock of the store.
	if err := lives.change(ctx, lives.shared, "m", func(l *line, now int64) { l.Nodes["dead"] = now - nodeDead - 1 }); err != nil {
		t.Fatal(err)
	}
	lives.beat(ctx)
	if err := <-next; err != nil {
		t.Error(err)
	}
}

func TestALineEndsWithItsModel(t *testing.T) {
	d := dbtest.Open(t, db.Postgres)
	model(t, d, Limits{Concurrent: 1})
	h := hall("n", d)
	a := Ask{ModelID: "m", Person: "anna", Limits: Limits{Concurrent: 1}}
	running := take(t, h, a)
	_, err := h.Take(t.Context(), a, func(Place) bool {
		if _, err := d.ExecContext(t.Context(), `DELETE FROM models`); err != nil {
			t.Error(err)
		}
		h.beat(t.Context())
		return true
	})
	if errs.CodeOf(err) != errs.Unavailable {
		t.Errorf("who waited hears %v", err)
	}
	running.Done(0)
	if _, err := h.Take(t.Context(), a, ignore); errs.CodeOf(err) != errs.ModelUnavailable {
		t.Errorf("who comes hears %v", err)
	}
}

func TestNewLimitsHoldForThoseWhoWait(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		limits := Limits{Concurrent: 1}
		model(t, d, limits)
		h := hall("n", d)
		ctx, end := context.WithCancel(t.Context())
		var background sync.WaitGroup
		defer background.Wait()
		defer end()
		changed, unsubscribe := d.Subscribe(channel) // before anything changes
		defer unsubscribe()
		background.Go(func() { h.follow(ctx, changed) })
		a := Ask{ModelID: "m", Person: "anna", Limits: limits}
		take(t, h, a)
		_, err := h.Take(ctx, a, func(Place) bool {
			err := d.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
				if _, err := tx.ExecContext(ctx, `UPDATE models SET max_concurrent = 2`); err != nil {
					return err
				}
				return Changed(ctx, d, "m")
			})
			if err != nil {
				t.Error(err)
			}
			return true
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// model puts a model with limits into the store.
func model(t *testing.T, d *db.DB, l Limits) {
	t.Helper()
	for _, statement := range []string{
		`INSERT INTO connections (id, name, kind, enabled, settings, created_at, updated_at) VALUES ('c', 'c', 'demo', TRUE, '{}', 0, 0)`,
		fmt.Sprintf(`INSERT INTO models (id, connection_id, remote_id, display_name, description, capabilities, defaults, options, position, enabled, light,
			currency, input_price, output_price, created_at, updated_at, max_concurrent, requests_per_minute, tokens_per_minute)
			VALUES ('m', 'c', 'r', 'M', '', '{}', '{}', '', 1, TRUE, FALSE, '', 0, 0, 0, 0, %d, %d, %d)`, l.Concurrent, l.RequestsPerMinute, l.TokensPerMinute),
	} {
		if _, err := d.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}
