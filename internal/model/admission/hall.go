package admission

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/errs"
)

const (
	// channel tells of lines that have changed: the node, a space, the model.
	channel = "model_line"

	longestWait = 5 * time.Minute
	beatEvery   = 5 * time.Second
	storeWithin = 10 * time.Second // to give a place back when the caller has gone
)

// Ask is a call that wants to go out.
type Ask struct {
	ModelID    string
	Person     string
	Limits     Limits // as the catalogue has them now
	Tokens     int    // input, and the longest answer
	Background bool   // nobody looks on: after everybody who does
}

// Options are what a hall is made of.
type Options struct {
	DB   *db.DB // nil: one node, in memory
	Node string // of several on one store
	Log  *slog.Logger
}

// Hall is where calls wait for their turn, a line for each model. Nodes that
// share a PostgreSQL share the lines of models with limits; what is learnt of
// models without, each node learns for itself.
type Hall struct {
	node   string
	log    *slog.Logger
	db     *db.DB
	local  keeper
	shared keeper // nil on one node

	mu      sync.Mutex
	waiting map[string]map[string]*waiter  // by model and ticket
	held    map[string]map[string]struct{} // tickets of shared lines
	told    map[string]int64               // the version of a line that its waiters know
	left    map[string][]leaving           // calls that have ended, which a shared line does not know yet
	giving  map[string]bool                // somebody is about to tell it, by model
	beside  bool                           // Run waits for who tells it beside the callers
	givers  sync.WaitGroup
}

// leaving is a call that has ended.
type leaving struct {
	id   string
	used int
}

// waiter is a call of this process that waits.
type waiter struct {
	keeper keeper
	poke   chan struct{}
	now    standing
	gone   bool // the line does not know it any more
}

// New returns a hall. Run must be running where several nodes share a store.
func New(o Options) *Hall {
	h := &Hall{
		node: o.Node, log: o.Log, db: o.DB, local: newMemory(),
		waiting: make(map[string]map[string]*waiter), held: make(map[string]map[string]struct{}), told: make(map[string]int64),
		left: make(map[string][]leaving), giving: make(map[string]bool),
	}
	if o.DB != nil && o.DB.Engine() == db.Postgres {
		h.shared = &stored{db: o.DB}
	}
	return h
}

// Turn is a call's place among those that are answered. Done gives it back.
type Turn struct {
	hall   *Hall
	keeper keeper
	model  string
	id     string
	waited bool
	once   sync.Once
}

// Waited reports whether the call had to wait.
func (t *Turn) Waited() bool { return t.waited }

// Take waits for the call's turn. While it waits, tell hears where in line it
// is, each time that changes; tell returns false to leave. An ended ctx leaves
// too, and whoever leaves has used nothing. The error has code ModelBusy when
// too many wait or it took too long.
func (h *Hall) Take(ctx context.Context, a Ask, tell func(Place) bool) (*Turn, error) {
	k := h.local
	if h.shared != nil && a.Limits.Any() {
		k = h.shared
	}
	t := ticket{ID: db.NewID(), Person: a.Person, Node: h.node, Background: a.Background, Tokens: a.Tokens}
	w := &waiter{keeper: k, poke: make(chan struct{}, 1)}
	h.register(a.ModelID, t.ID, w)
	turn := &Turn{hall: h, keeper: k, model: a.ModelID, id: t.ID}
	var full error
	err := h.change(ctx, k, a.ModelID, func(l *line, now int64) {
		if k == h.local {
			l.Limits = a.Limits
		}
		l.enter(t)
		l.admit(now)
		if full = l.overfull(t.ID); full != nil {
			l.leave(t.ID, 0, now)
		}
	})
	if err == nil && full != nil {
		err = busy(full)
	}
	if err == nil {
		err = h.wait(ctx, w, turn, tell)
	}
	if err != nil {
		turn.Done(0)
		return nil, err
	}
	h.mu.Lock()
	delete(h.waiting[a.ModelID], t.ID)
	h.mu.Unlock()
	return turn, nil
}

// ErrLeft is the error of a call whose tell had enough.
var ErrLeft = errors.New("the reader has left the line")

func (h *Hall) wait(ctx context.Context, w *waiter, turn *Turn, tell func(Place) bool) error {
	limit := time.NewTimer(longestWait)
	defer limit.Stop()
	told := Place{Ahead: -1}
	for {
		h.mu.Lock()
		s, gone := w.now, w.gone
		h.mu.Unlock()
		switch {
		case s.running:
			return nil
		case gone:
			return errs.New(errs.Unavailable, "the place in line was lost, because the server was away for too long or the model was removed; send it again")
		case s.place != told && s.waiting:
			turn.waited, told = true, s.place
			if !tell(s.place) {
				return ErrLeft
			}
		}
		var due <-chan time.Time
		var timer *time.Timer
		if s.due > 0 {
			timer = time.NewTimer(max(time.Millisecond, time.Duration(s.due-w.keeper.clock())*time.Millisecond))
			due = timer.C
		}
		var err error
		select {
		case <-w.poke:
		case <-due:
			err = h.change(ctx, w.keeper, turn.model, func(l *line, now int64) { l.admit(now) })
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-limit.C:
			err = busy(nil)
		}
		if timer != nil {
			timer.Stop()
		}
		if err != nil {
			return err
		}
	}
}

// busy is the refusal of a call that would wait for too long.
func busy(why error) error {
	switch {
	case errors.Is(why, errFullOwn):
		return errs.Newf(errs.ModelBusy, "%d of your messages wait for this model already; wait for them, or stop some", maxWaitingOwn).
			With("reason", "own").With("waiting", strconv.Itoa(maxWaitingOwn))
	case errors.Is(why, errFull):
		return errs.Newf(errs.ModelBusy, "%d messages wait for this model already; try again later, or choose another model", maxWaiting).
			With("reason", "full").With("waiting", strconv.Itoa(maxWaiting))
	}
	return errs.Newf(errs.ModelBusy, "the model was too busy for %d minutes; try again later, or choose another model", longestWait/time.Minute).
		With("reason", "long").With("minutes", strconv.Itoa(int(longestWait/time.Minute)))
}

// Again takes note that the call goes out once more.
func (t *Turn) Again(ctx context.Context) {
	t.note(ctx, func(l *line, now int64) { l.count(now, 1, 0) })
}

// Throttled takes note that the provider refused the call for its load, and how
// long it asked not to be asked; 0 if it did not say.
func (t *Turn) Throttled(ctx context.Context, after time.Duration) {
	t.note(ctx, func(l *line, now int64) { l.throttled(now, after) })
}

func (t *Turn) note(ctx context.Context, change func(l *line, now int64)) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWithin)
	defer cancel()
	if err := t.hall.change(ctx, t.keeper, t.model, change); err != nil {
		t.hall.log.WarnContext(ctx, "the line of a model was not told what its provider said", "model", t.model, "err", err)
	}
}

// Done gives the place to the next. used is how many tokens the call came to.
// Only the first time counts. Nobody waits until a line in the store knows of
// it while Run is there to see to that; whatever else is done to the line tells
// it first.
func (t *Turn) Done(used int) {
	t.once.Do(func() {
		h := t.hall
		gone := leaving{t.id, used}
		h.mu.Lock()
		delete(h.waiting[t.model], t.id)
		delete(h.held[t.model], t.id)
		beside := h.beside
		if t.keeper != h.local {
			h.left[t.model] = append(h.left[t.model], gone)
			if beside && !h.giving[t.model] {
				h.giving[t.model] = true
				h.givers.Go(func() { h.give(t.model) })
			}
		}
		h.mu.Unlock()
		switch {
		case t.keeper == h.local:
			_ = h.change(context.Background(), h.local, t.model, gone.leave) // memory does not fail
		case !beside:
			h.give(t.model)
		}
	})
}

// leave takes the call out of its line, and lets the next go.
func (c leaving) leave(l *line, now int64) {
	l.leave(c.id, c.used, now)
	l.admit(now)
}

// give tells the shared line of a model which calls have ended, until it knows
// of each.
func (h *Hall) give(model string) {
	for h.owes(model) {
		ctx, cancel := context.WithTimeout(context.Background(), storeWithin)
		err := h.change(ctx, h.shared, model, func(*line, int64) {})
		cancel()
		if err == nil {
			continue
		}
		gone := errs.CodeOf(err) == errs.ModelUnavailable
		if !gone { // the beat does it
			h.log.WarnContext(ctx, "a place in the line of a model could not be given back at once", "model", model, "err", err)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.giving, model)
		if gone {
			delete(h.left, model)
		}
		return
	}
}

// owes reports whether calls have ended that the line of a model does not know
// of. Where there are none, whoever tells it has ended too.
func (h *Hall) owes(model string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.left[model]) > 0 {
		return true
	}
	delete(h.giving, model)
	return false
}

func (h *Hall) register(model, id string, w *waiter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting[model] == nil {
		h.waiting[model] = make(map[string]*waiter)
	}
	h.waiting[model][id] = w
	if w.keeper == h.local {
		return
	}
	if h.held[model] == nil {
		h.held[model] = make(map[string]struct{})
	}
	h.held[model][id] = struct{}{}
}

// change changes the line of a model and tells those who wait in it. A line in
// the store hears first which calls have ended.
func (h *Hall) change(ctx context.Context, k keeper, model string, change func(l *line, now int64)) error {
	var ended []leaving
	return k.with(ctx, h.node, model, func(l *line, now int64) {
		if k != h.local {
			h.mu.Lock()
			ended = slices.Clone(h.left[model])
			h.mu.Unlock()
		}
		for _, c := range ended {
			c.leave(l, now)
		}
		change(l, now)
	}, func(l *line, now int64) {
		h.known(model, ended)
		h.distribute(k, model, l, now)
	})
}

// known takes note that the line of a model knows of these calls' end.
func (h *Hall) known(model string, ended []leaving) {
	if len(ended) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.left[model] = slices.DeleteFunc(h.left[model], func(c leaving) bool { return slices.Contains(ended, c) }); len(h.left[model]) == 0 {
		delete(h.left, model)
	}
}

// distribute tells the waiters of this process how they stand.
func (h *Hall) distribute(k keeper, model string, l *line, now int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if k != h.local {
		if h.told[model] > l.Version {
			return // a later state has been told
		}
		h.told[model] = l.Version
	}
	waiters := h.waiting[model]
	if len(waiters) == 0 {
		return
	}
	all := l.standings(now)
	for id, w := range waiters {
		if w.keeper != k {
			continue
		}
		s, known := all[id]
		if known {
			w.now = s
		} else if w.now.waiting {
			w.gone = true
		}
		select {
		case w.poke <- struct{}{}:
		default: // it will see this too
		}
	}
}

// Changed tells every node that the limits of a model have changed. With the
// context of a transaction it is told when that commits.
func Changed(ctx context.Context, d *db.DB, model string) error {
	return d.Publish(ctx, channel, "- "+model)
}

// Run hears what other nodes do to the lines, and tells them that this one
// lives, until ctx ends and they know of every call that has ended.
func (h *Hall) Run(ctx context.Context) {
	defer h.tellBeside()()
	changed, end := h.db.Subscribe(channel)
	defer end()
	h.follow(ctx, changed)
}

func (h *Hall) follow(ctx context.Context, changed <-chan string) {
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			h.beat(ctx)
		case payload, open := <-changed:
			if !open {
				return
			}
			h.heard(ctx, payload, changed)
		}
	}
}

// tellBeside lets those who give a place back go on before its line knows. end
// waits until the lines know of all of them; from then on everybody waits.
func (h *Hall) tellBeside() (end func()) {
	set := func(beside bool) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.beside = beside
	}
	set(true)
	return func() {
		set(false)
		h.givers.Wait()
	}
}

// heard looks at the lines that others have changed, each once.
func (h *Hall) heard(ctx context.Context, payload string, more <-chan string) {
	payloads := []string{payload}
	for range len(more) {
		payloads = append(payloads, <-more)
	}
	slices.Sort(payloads)
	for _, p := range slices.Compact(payloads) {
		node, model, _ := strings.Cut(p, " ")
		switch {
		case p == "": // some were missed
			h.beat(ctx)
		case node == h.node: // told already
		case node == "-":
			h.relimit(ctx, model)
		default:
			h.look(ctx, model)
		}
	}
}

// waited returns the keepers in whose line of a model somebody here waits.
func (h *Hall) waitedIn(model string) (local, shared bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range h.waiting[model] {
		local = local || w.keeper == h.local
		shared = shared || w.keeper != h.local
	}
	return local, shared
}

// look reads how those who wait here stand in a line that another node has
// changed.
func (h *Hall) look(ctx context.Context, model string) {
	if _, shared := h.waitedIn(model); !shared || h.shared == nil {
		return
	}
	if err := h.shared.read(ctx, model, func(l *line, now int64) { h.distribute(h.shared, model, l, now) }); err != nil && ctx.Err() == nil {
		h.log.WarnContext(ctx, "the line of a model could not be read; it will be tried again", "model", model, "err", err)
	}
}

// relimit lets those who wait go by limits that have changed.
func (h *Hall) relimit(ctx context.Context, model string) {
	local, shared := h.waitedIn(model)
	var err error
	if shared && h.shared != nil {
		err = h.change(ctx, h.shared, model, func(l *line, now int64) { l.admit(now) })
	}
	if local {
		limits, failed := selectLimits(ctx, h.db, model)
		if failed == nil {
			failed = h.change(ctx, h.local, model, func(l *line, now int64) {
				l.Limits = limits
				l.admit(now)
			})
		}
		err = errors.Join(err, failed)
	}
	if err != nil && ctx.Err() == nil {
		h.log.WarnContext(ctx, "the new limits of a model wait for the next call", "model", model, "err", err)
	}
}

// beat tells the shared lines that this node lives, with which calls.
func (h *Hall) beat(ctx context.Context) {
	if h.shared == nil {
		return
	}
	h.mu.Lock()
	models := make([]string, 0, len(h.held))
	for model := range h.held {
		models = append(models, model)
	}
	h.mu.Unlock()
	for _, model := range models {
		err := h.change(ctx, h.shared, model, func(l *line, now int64) {
			h.mu.Lock()
			held := h.held[model]
			l.heard(h.node, func(id string) bool { _, ok := held[id]; return ok }, now)
			h.mu.Unlock()
			l.admit(now)
		})
		if errs.CodeOf(err) == errs.ModelUnavailable {
			h.dissolve(model)
			continue
		} else if err != nil {
			if ctx.Err() == nil {
				h.log.WarnContext(ctx, "the line of a model could not be told that this server lives", "model", model, "err", err)
			}
			continue
		}
		h.mu.Lock()
		if len(h.held[model]) == 0 { // the line has been told
			delete(h.held, model)
			delete(h.told, model)
		}
		h.mu.Unlock()
	}
}

// dissolve sends those away who wait here for a model that is gone.
func (h *Hall) dissolve(model string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.held, model)
	delete(h.told, model)
	delete(h.left, model)
	for _, w := range h.waiting[model] {
		w.gone = true
		select {
		case w.poke <- struct{}{}:
		default: // it will see this too
		}
	}
}

// Standing is what a model's line looks like, for administrators.
type Standing struct {
	Running int
	Waiting int
	Ceiling int // answers at once that the provider was found to take; 0: not known
}

// Standing returns how the line of a model stands, as this node knows it.
func (h *Hall) Standing(ctx context.Context, model string, limits Limits) (Standing, error) {
	var s Standing
	see := func(l *line, now int64) {
		s = Standing{Running: len(l.Running), Waiting: len(l.Waiting), Ceiling: l.Learnt.ceiling(now)}
	}
	if h.shared != nil && limits.Any() {
		err := h.shared.read(ctx, model, see)
		return s, err
	}
	err := h.local.read(ctx, model, see)
	if err != nil {
		return s, fmt.Errorf("read the line of model %s: %w", model, err)
	}
	return s, nil
}
