package chat

import (
	"context"
	"encoding/json"
	"iter"
	"strings"
	"sync"
	"time"
	"unsafe"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/model"
)

// EventType is the kind of one event of a run as its readers get it.
type EventType string

// The kinds of events.
const (
	EventBegin     EventType = "begin"      // only for a reader that starts at the beginning
	EventPartBegin EventType = "part_begin" // a part has begun
	EventText      EventType = "text"       // more of the part
	EventPartEnd   EventType = "part_end"   // the part is complete
	EventEnd       EventType = "end"        // the run has ended; Message is final
	EventIdle      EventType = "idle"       // nothing new for a while
	EventQueued    EventType = "queued"     // the run waits for its turn, or its turn has come; has no place in the answer
)

// Event is one step of a run as its readers get it.
type Event struct {
	Type      EventType
	At        Offset // the reader's place after the event
	Part      int
	Kind      model.PartType
	Text      string
	MessageID string
	Message   *Message
	Queued    model.Queued
}

// idleAfter is how long a stream is silent before its reader hears of it.
const idleAfter = 15 * time.Second

// Follow yields what a run of the person's has said after the place and goes on
// as it says more, until EventEnd. Ending the loop, or ctx, leaves the run
// alone. It works on any node: where the run is elsewhere, by the store.
func (s *Service) Follow(ctx context.Context, runID, after string) (iter.Seq2[Event, error], error) {
	p, err := s.authorize(ctx, access.ConversationRead)
	if err != nil {
		return nil, err
	}
	at, err := ParseOffset(after)
	if err != nil {
		return nil, err
	}
	run, err := s.run(ctx, s.db, p.AccountID, runID)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	l := s.live[runID]
	s.mu.Unlock()
	var src source
	if l != nil {
		if _, _, err := l.since(at); err != nil {
			return nil, err
		}
		src = l
	} else {
		src = &remote{s: s, run: run}
	}
	return func(yield func(Event, error) bool) {
		r := reader{at: at, open: -1, begun: after != "", message: run.MessageID, yield: yield}
		if r.begun {
			r.open = at.Part
		}
		w := src.watch()
		defer src.unwatch(w)
		idle := time.NewTimer(idleAfter)
		defer idle.Stop()
		for {
			pieces, final, queued, err := src.read(ctx, r.at)
			if err != nil {
				yield(Event{}, err)
				return
			}
			if !r.tell(pieces, final, queued) || final != nil {
				return
			}
			idle.Reset(idleAfter)
			select {
			case <-ctx.Done():
				yield(Event{}, context.Cause(ctx))
				return
			case <-w:
			case <-idle.C:
				if !yield(Event{Type: EventIdle, At: r.at}, nil) {
					return
				}
			}
		}
	}, nil
}

// reader turns pieces into events and keeps the reader's place.
type reader struct {
	at      Offset
	open    int // the part that has begun and not ended, or -1
	kind    model.PartType
	begun   bool
	message string
	queued  model.Queued // as it was told
	yield   func(Event, error) bool
}

func (r *reader) tell(pieces []piece, final *Message, queued model.Queued) bool {
	if !r.begun {
		r.begun = true
		if !r.yield(Event{Type: EventBegin, At: r.at, MessageID: r.message}, nil) {
			return false
		}
	}
	if queued != r.queued && final == nil {
		r.queued = queued
		if !r.yield(Event{Type: EventQueued, At: r.at, Queued: queued}, nil) {
			return false
		}
	}
	for _, p := range pieces {
		if p.part != r.open {
			if !r.close(final) {
				return false
			}
			r.at = Offset{p.part, 0}
			if !r.yield(Event{Type: EventPartBegin, At: r.at, Part: p.part, Kind: p.kind}, nil) {
				return false
			}
		}
		r.open, r.kind, r.at = p.part, p.kind, p.end
		// The bytes of a part never change once written, so they may be read as a string.
		text := unsafe.String(unsafe.SliceData(p.text), len(p.text)) //nolint:gosec // append-only bytes
		if !r.yield(Event{Type: EventText, At: r.at, Part: p.part, Kind: p.kind, Text: text}, nil) {
			return false
		}
	}
	if final == nil {
		return true
	}
	return r.close(final) && r.yield(Event{Type: EventEnd, At: r.at, MessageID: r.message, Message: final}, nil)
}

func (r *reader) close(final *Message) bool {
	if r.open < 0 {
		return true
	}
	kind := r.kind
	if kind == "" && final != nil && r.open < len(final.Parts) {
		kind = final.Parts[r.open].Type
	}
	ok := r.yield(Event{Type: EventPartEnd, At: r.at, Part: r.open, Kind: kind}, nil)
	r.open = -1
	return ok
}

// source is where a reader gets what a run says.
type source interface {
	watch() chan struct{}
	unwatch(chan struct{})
	read(ctx context.Context, at Offset) ([]piece, *Message, model.Queued, error)
}

func (l *live) read(_ context.Context, at Offset) ([]piece, *Message, model.Queued, error) {
	pieces, final, err := l.since(at)
	l.mu.Lock()
	defer l.mu.Unlock()
	return pieces, final, l.queued, err
}

// remote reads a run of another node, or one that has ended, from the store.
type remote struct {
	s        *Service
	run      Run
	parts    []Part
	sequence int64
	loaded   bool
}

func (r *remote) watch() chan struct{} { return r.s.hub.watchRun(r.run.ID) }

func (r *remote) unwatch(w chan struct{}) { r.s.hub.unwatchRun(r.run.ID, w) }

func (r *remote) read(ctx context.Context, at Offset) ([]piece, *Message, model.Queued, error) {
	var queued model.Queued
	m, err := r.s.message(ctx, r.s.db, r.run.MessageID)
	if err != nil {
		return nil, nil, queued, err
	}
	var final *Message
	if m.Status != StatusRunning || m.RunID != r.run.ID {
		r.parts, final = m.Parts, &m
	} else {
		segs, err := r.s.segments(ctx, r.s.db, r.run.ID, r.sequence)
		if err != nil {
			return nil, nil, queued, err
		}
		if queued, err = r.s.queuedAt(ctx, r.run.ID); err != nil {
			return nil, nil, queued, err
		}
		if !r.loaded {
			r.parts, r.loaded = m.Parts, true
		}
		if r.parts, err = assemble(r.parts, segs); err != nil {
			return nil, nil, queued, err
		}
		if len(segs) > 0 {
			r.sequence = segs[len(segs)-1].sequence
		}
		if again, err := r.s.message(ctx, r.s.db, r.run.MessageID); err == nil && again.Status != StatusRunning {
			r.parts, final = again.Parts, &again // it ended between the two reads
		}
	}
	pieces, err := piecesSince(len(r.parts), func(i int) (model.PartType, []byte) {
		return r.parts[i].Type, []byte(r.parts[i].Text)
	}, at)
	if err != nil && (final == nil || final.Status == StatusInterrupted) {
		// The reader has seen more than the store holds: it will come yet, or it
		// was lost with the process and the reader takes what was kept.
		return nil, final, queued, nil
	}
	return pieces, final, queued, err
}

// ChangeType is the kind of a change a person's browsers are told of.
type ChangeType string

// The kinds of changes.
const (
	ChangeConversation ChangeType = "conversation" // made, renamed, other choices
	ChangeDeleted      ChangeType = "deleted"
	ChangeRunning      ChangeType = "running" // an answer has begun
	ChangeIdle         ChangeType = "idle"    // an answer has ended
	ChangeMissed       ChangeType = "missed"  // some were lost: read the list again
	ChangeNone         ChangeType = "none"    // nothing for a while
)

// ChangeEvent tells a person's browsers that something of theirs changed.
type ChangeEvent struct {
	Type           ChangeType `json:"type"`
	ConversationID string     `json:"id,omitempty"`
	RunID          string     `json:"runId,omitempty"`
}

// Changes yields the person's changes, from whichever node, until ctx ends.
func (s *Service) Changes(ctx context.Context) (iter.Seq2[ChangeEvent, error], error) {
	p, err := s.authorize(ctx, access.ConversationCreate)
	if err != nil {
		return nil, err
	}
	return func(yield func(ChangeEvent, error) bool) {
		c := s.hub.watchPerson(p.AccountID)
		defer s.hub.unwatchPerson(p.AccountID, c)
		idle := time.NewTicker(idleAfter)
		defer idle.Stop()
		if !yield(ChangeEvent{Type: ChangeNone}, nil) {
			return
		}
		for {
			ev := ChangeEvent{Type: ChangeNone}
			select {
			case <-ctx.Done():
				yield(ChangeEvent{}, context.Cause(ctx))
				return
			case ev = <-c:
			case <-idle.C:
			}
			if !yield(ev, nil) {
				return
			}
		}
	}, nil
}

type personal struct {
	Person string `json:"person"`
	ChangeEvent
}

// announce tells the person's browsers on every node.
func (s *Service) announce(ctx context.Context, person string, ev ChangeEvent) {
	payload, err := json.Marshal(personal{person, ev})
	if err == nil {
		err = s.db.Publish(context.WithoutCancel(ctx), personChannel, string(payload))
	}
	if err != nil {
		s.log.WarnContext(ctx, "a change could not be announced", "err", err)
	}
}

// idsPerNotice keeps a notice under the bound of a payload.
const idsPerNotice = 150

// wakeNodes tells the readers on other nodes that runs have more to read.
func (s *Service) wakeNodes(ctx context.Context, ids []string) {
	s.hub.wakeRuns(strings.Join(ids, ","))
	if s.db.Engine() == db.SQLite {
		return
	}
	for len(ids) > 0 {
		n := min(len(ids), idsPerNotice)
		if err := s.db.Publish(ctx, flushChannel, strings.Join(ids[:n], ",")); err != nil {
			s.log.WarnContext(ctx, "other nodes could not be told of progress", "err", err)
		}
		ids = ids[n:]
	}
}

// hub hands what the nodes say to the readers of this one.
type hub struct {
	mu     sync.Mutex
	people map[string]map[chan ChangeEvent]struct{}
	runs   map[string]map[chan struct{}]struct{}
}

func (h *hub) watchRun(id string) chan struct{} {
	w := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.runs[id] == nil {
		h.runs[id] = make(map[chan struct{}]struct{})
	}
	h.runs[id][w] = struct{}{}
	return w
}

func (h *hub) unwatchRun(id string, w chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if delete(h.runs[id], w); len(h.runs[id]) == 0 {
		delete(h.runs, id)
	}
}

// wakeRuns wakes the readers of the runs, comma-separated; of all if ids is "".
func (h *hub) wakeRuns(ids string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	wake := func(watchers map[chan struct{}]struct{}) {
		for w := range watchers {
			select {
			case w <- struct{}{}:
			default:
			}
		}
	}
	if ids == "" {
		for _, watchers := range h.runs {
			wake(watchers)
		}
		return
	}
	for id := range strings.SplitSeq(ids, ",") {
		wake(h.runs[id])
	}
}

func (h *hub) watchPerson(id string) chan ChangeEvent {
	c := make(chan ChangeEvent, 64)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.people[id] == nil {
		h.people[id] = make(map[chan ChangeEvent]struct{})
	}
	h.people[id][c] = struct{}{}
	return c
}

func (h *hub) unwatchPerson(id string, c chan ChangeEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if delete(h.people[id], c); len(h.people[id]) == 0 {
		delete(h.people, id)
	}
}

// heard hands an announcement on. A reader too slow for it hears ChangeMissed
// as soon as it reads again.
func (h *hub) heard(payload string) {
	var p personal
	missed := payload == ""
	if !missed && json.Unmarshal([]byte(payload), &p) != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for person, watchers := range h.people {
		if !missed && person != p.Person {
			continue
		}
		for c := range watchers {
			ev := p.ChangeEvent
			if missed {
				ev = ChangeEvent{Type: ChangeMissed}
			}
			select {
			case c <- ev:
			default:
				<-c // make room by the oldest; what matters is that the list is read again
				c <- ChangeEvent{Type: ChangeMissed}
			}
		}
	}
}
