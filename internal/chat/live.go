package chat

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// Offset addresses a place in a message: a part and a byte in it. Every reader
// of a run keeps one; it means the same on every node and after every restart.
type Offset struct {
	Part int
	Byte int
}

// String gives the form used as the id of a stream's event, "part:byte".
func (o Offset) String() string { return strconv.Itoa(o.Part) + ":" + strconv.Itoa(o.Byte) }

// ParseOffset reads the form that String gives; "" is the beginning.
func ParseOffset(s string) (Offset, error) {
	if s == "" {
		return Offset{}, nil
	}
	part, at, ok := strings.Cut(s, ":")
	p, err1 := strconv.Atoi(part)
	b, err2 := strconv.Atoi(at)
	if !ok || err1 != nil || err2 != nil || p < 0 || b < 0 {
		return Offset{}, errs.Newf(errs.InvalidInput, "%q is not a place in a message (example: 1:1534)", s)
	}
	return Offset{p, b}, nil
}

// livePart is a part that may still grow. Its bytes are only ever appended to,
// so a slice handed out stays true without a copy.
type livePart struct {
	kind      model.PartType
	body      []byte
	flushed   int // bytes that are in the store
	signature string
	redacted  []byte
}

// live is a message while a run of this process writes it.
type live struct {
	run Run

	// writing is held while what the run said is being written: by the flusher,
	// which passes over a run that is busy, or by the run's own end.
	writing sync.Mutex

	mu        sync.Mutex
	parts     []livePart
	dirty     bool // has bytes that are not in the store
	sequence  int64
	modelID   string
	modelName string
	queued    model.Queued
	final     *Message // set once, when the run has ended and the store knows it
	watchers  map[chan struct{}]struct{}
	ended     chan struct{} // closed when final is set
}

func newLive(run Run, base []Part, modelID, modelName string) *live {
	l := &live{
		run: run, modelID: modelID, modelName: modelName,
		watchers: make(map[chan struct{}]struct{}),
		ended:    make(chan struct{}),
	}
	for _, p := range base {
		l.parts = append(l.parts, livePart{
			kind: p.Type, body: []byte(p.Text), flushed: len(p.Text),
			signature: p.Signature, redacted: p.Redacted,
		})
	}
	return l
}

// append adds text to the last part, or to a new one when the kind changes or
// fresh asks for it, and wakes the readers. It reports whether the run was
// clean before, so that the flusher learns of it once.
func (l *live) append(kind model.PartType, text string, fresh bool) (becameDirty bool) {
	if text == "" {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.parts)
	if n == 0 || fresh || l.parts[n-1].kind != kind || l.parts[n-1].signature != "" {
		l.parts = append(l.parts, livePart{kind: kind})
		n++
	}
	p := &l.parts[n-1]
	p.body = append(p.body, text...)
	becameDirty, l.dirty = !l.dirty, true
	l.wake()
	return becameDirty
}

// seal completes the reasoning before it with the provider's signature, or adds
// a part that the provider encrypted. Both are kept to be sent back unchanged
// and are never shown.
func (l *live) seal(signature string, redacted []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(redacted) > 0 {
		l.parts = append(l.parts, livePart{kind: model.PartReasoning, redacted: redacted})
		return
	}
	if n := len(l.parts); n > 0 && l.parts[n-1].kind == model.PartReasoning {
		l.parts[n-1].signature += signature
	}
}

func (l *live) setModel(id, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.modelID, l.modelName = id, name
}

// setQueued tells the readers where in the line of its model the run stands.
func (l *live) setQueued(q model.Queued) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queued = q
	l.wake()
}

func (l *live) answering() (id, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.modelID, l.modelName
}

// wake tells every reader that there is something to read. Callers hold mu.
func (l *live) wake() {
	for w := range l.watchers {
		select {
		case w <- struct{}{}:
		default: // it has been told already and will see this too
		}
	}
}

func (l *live) watch() chan struct{} {
	w := make(chan struct{}, 1)
	l.mu.Lock()
	l.watchers[w] = struct{}{}
	l.mu.Unlock()
	return w
}

func (l *live) unwatch(w chan struct{}) {
	l.mu.Lock()
	delete(l.watchers, w)
	l.mu.Unlock()
}

// snapshot returns the parts as they stand.
func (l *live) snapshot() []Part {
	l.mu.Lock()
	defer l.mu.Unlock()
	parts := make([]Part, len(l.parts))
	for i, p := range l.parts {
		parts[i] = Part{Type: p.kind, Text: string(p.body), Signature: p.signature, Redacted: p.redacted}
	}
	return parts
}

// piece is a stretch of one part that a reader has not seen.
type piece struct {
	part int
	kind model.PartType
	text []byte
	end  Offset
}

// since returns what there is after at, and the final message if the run has
// ended. The text is shared with the run and must not be written to.
func (l *live) since(at Offset) ([]piece, *Message, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	pieces, err := piecesSince(len(l.parts), func(i int) (model.PartType, []byte) {
		return l.parts[i].kind, l.parts[i].body
	}, at)
	return pieces, l.final, err
}

// piecesSince cuts what lies after at out of n parts.
func piecesSince(n int, part func(int) (model.PartType, []byte), at Offset) ([]piece, error) {
	var pieces []piece
	for i := at.Part; i < n; i++ {
		kind, body := part(i)
		from := 0
		if i == at.Part {
			from = at.Byte
		}
		if from > len(body) || from < len(body) && !utf8.RuneStart(body[from]) {
			return nil, errs.Newf(errs.InvalidInput, "the message has no place %s", Offset{i, from})
		}
		if from == len(body) {
			continue
		}
		pieces = append(pieces, piece{part: i, kind: kind, text: body[from:len(body):len(body)], end: Offset{i, len(body)}})
	}
	if at.Part > n || at.Part == n && at.Byte > 0 {
		return nil, errs.Newf(errs.InvalidInput, "the message has no place %s", at)
	}
	return pieces, nil
}

// segment is what a run said in one part since it was last written.
type segment struct {
	runID    string
	sequence int64
	part     int
	kind     model.PartType
	body     string
}

// unwritten returns the segments to write and marks them written. If the write
// fails the caller gives them back with unwrite.
func (l *live) unwritten() []segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dirty = false
	if l.final != nil {
		return nil
	}
	var out []segment
	for i := range l.parts {
		p := &l.parts[i]
		if p.flushed == len(p.body) {
			continue
		}
		l.sequence++
		out = append(out, segment{l.run.ID, l.sequence, i, p.kind, string(p.body[p.flushed:])})
		p.flushed = len(p.body)
	}
	return out
}

// unwrite takes back that segs were written.
func (l *live) unwrite(segs []segment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range segs {
		if p := &l.parts[s.part]; p.flushed >= len(s.body) {
			p.flushed -= len(s.body)
		}
	}
	l.dirty = true
}

// finish makes the final message known to every reader.
func (l *live) finish(m Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.final != nil {
		return
	}
	l.final = &m
	l.wake()
	close(l.ended)
}

// assemble adds segments, in order of sequence, to the parts a message had when
// its run began.
func assemble(base []Part, segs []segment) ([]Part, error) {
	parts := append([]Part(nil), base...)
	for _, s := range segs {
		switch {
		case s.part == len(parts):
			parts = append(parts, Part{Type: s.kind, Text: s.body})
		case s.part < len(parts):
			parts[s.part].Text += s.body
		default:
			// A redacted part in between is only in memory; keep the places.
			for len(parts) < s.part {
				parts = append(parts, Part{Type: model.PartReasoning})
			}
			parts = append(parts, Part{Type: s.kind, Text: s.body})
		}
		if parts[s.part].Type != s.kind {
			return nil, fmt.Errorf("segment %d of run %s is %s in a part of %s", s.sequence, s.runID, s.kind, parts[s.part].Type)
		}
	}
	return parts, nil
}
