package sse

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
)

// MaxEvent is the most bytes that one event may have, and one line. A model's
// whole answer in a single event fits; a server that never ends a line does not.
const MaxEvent = 4 << 20

var (
	// ErrTooLong is yielded when a line or an event exceeds MaxEvent.
	ErrTooLong = errors.New("sse: event too long")
	// ErrNoDone is yielded by JSON when the stream ends without [DONE]: what came
	// before is not known to be everything.
	ErrNoDone = errors.New("sse: the stream ended without [DONE]")
)

// Event is one event of a stream. Data is valid until the next event is read.
type Event struct {
	ID   string // of this event, or the last one that came with an id
	Type string // "" stands for "message"
	Data []byte // lines joined by "\n"

	cut bool // the stream ended before the blank line that ends an event
}

// Read yields the events of r and ends without an error at the end of r, which
// says nothing about whether the stream was complete. An error of r is yielded
// last. An event that lacks only its final blank line is yielded too: some
// servers leave it out.
//
// As servers differ, lines may end in LF, CRLF or CR, a byte order mark is
// skipped, and a line "error: …", which older llama.cpp servers send, counts
// as an event of the type "error" with that data.
func Read(r io.Reader) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		p := parser{lines: lines{src: r}}
		for {
			ev, err := p.next()
			if err == io.EOF { //nolint:errorlint // a reader says io.EOF itself; wrapped, it is a failure
				return
			}
			if !yield(ev, err) || err != nil {
				return
			}
		}
	}
}

// EventError is an event of the type "error", as JSON yields it.
type EventError struct{ Data []byte }

func (e *EventError) Error() string { return "sse: the stream carried an error event" }

var done = []byte("[DONE]")

// JSON yields the data of each event of r as a T, and ends without an error
// only at the event [DONE], without waiting for the end of r after it. Any
// other end is the last pair: ErrNoDone, an *EventError, an error of r, or one
// of decoding.
func JSON[T any](r io.Reader) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		for ev, err := range Read(r) {
			if err != nil {
				yield(zero, err)
				return
			}
			data := bytes.TrimSpace(ev.Data)
			if bytes.Equal(data, done) {
				return
			}
			if ev.Type == "error" {
				yield(zero, &EventError{Data: bytes.Clone(data)})
				return
			}
			var v T
			if err := json.Unmarshal(data, &v); err != nil {
				if ev.cut {
					break // half an event is a stream that was cut, not a bad event
				}
				yield(zero, fmt.Errorf("sse: decode event: %w", err))
				return
			}
			if !yield(v, nil) {
				return
			}
		}
		yield(zero, ErrNoDone)
	}
}

// parser turns lines into events.
type parser struct {
	lines lines
	id    string
	typ   string
	data  []byte
	begun bool // the event has a data line
}

func (p *parser) next() (Event, error) {
	p.typ, p.data, p.begun = "", p.data[:0], false
	for {
		line, err := p.lines.next()
		if err != nil {
			if err == io.EOF && p.begun { //nolint:errorlint // a reader says io.EOF itself; wrapped, it is a failure
				return Event{ID: p.id, Type: p.typ, Data: p.data, cut: true}, nil
			}
			return Event{}, err
		}
		if len(line) == 0 {
			if p.begun {
				return Event{ID: p.id, Type: p.typ, Data: p.data}, nil
			}
			p.typ = "" // an event without data is none
			continue
		}
		name, value, _ := bytes.Cut(line, []byte{':'})
		value = bytes.TrimPrefix(value, []byte{' '})
		switch string(name) {
		case "data":
			if p.begun {
				p.data = append(p.data, '\n')
			}
			p.begun = true
			p.data = append(p.data, value...)
		case "error":
			p.begun, p.typ = true, "error"
			p.data = append(p.data, value...)
		case "event":
			if p.typ != string(value) {
				p.typ = string(value)
			}
		case "id":
			if bytes.IndexByte(value, 0) < 0 && p.id != string(value) {
				p.id = string(value)
			}
		}
		if len(p.data) > MaxEvent {
			return Event{}, ErrTooLong
		}
	}
}

// lines cuts a reader into lines as they arrive: a line is given out as soon as
// its end was read, a CR without waiting for the LF that may follow.
type lines struct {
	src     io.Reader
	buf     []byte
	r, w    int // buf[r:w] is read and not given out
	err     error
	skipLF  bool // the last line ended in CR
	started bool
	empty   int // reads in a row that gave nothing
}

var bom = []byte("\xef\xbb\xbf")

func (l *lines) next() ([]byte, error) {
	scanned := 0
	for {
		if l.skipLF && l.r < l.w {
			if l.buf[l.r] == '\n' {
				l.r++
			}
			l.skipLF = false
		}
		if !l.started && l.ready() {
			l.started = true
			if bytes.HasPrefix(l.buf[l.r:l.w], bom) {
				l.r += len(bom)
			}
		}
		if l.started {
			if i := lineEnd(l.buf[l.r+scanned : l.w]); i >= 0 {
				end := l.r + scanned + i
				line := l.buf[l.r:end]
				l.skipLF = l.buf[end] == '\r'
				l.r = end + 1
				return line, nil
			}
			scanned = l.w - l.r
		}
		if l.err != nil {
			if l.err == io.EOF && l.r < l.w { //nolint:errorlint // a reader says io.EOF itself; wrapped, it is a failure
				// A last line without its end.
				line := l.buf[l.r:l.w]
				l.r = l.w
				return line, nil
			}
			return nil, l.err
		}
		if l.w-l.r > MaxEvent {
			return nil, ErrTooLong
		}
		l.fill()
	}
}

// lineEnd finds the first CR or LF. Two searches for one byte each are faster
// than one for either.
func lineEnd(b []byte) int {
	lf := bytes.IndexByte(b, '\n')
	if lf >= 0 {
		b = b[:lf]
	}
	if cr := bytes.IndexByte(b, '\r'); cr >= 0 {
		return cr
	}
	return lf
}

// ready reports whether a byte order mark could be told from other text by now.
func (l *lines) ready() bool {
	b := l.buf[l.r:l.w]
	return l.err != nil || len(b) >= len(bom) || len(b) > 0 && !bytes.HasPrefix(bom, b)
}

func (l *lines) fill() {
	if l.r > 0 {
		l.w = copy(l.buf, l.buf[l.r:l.w])
		l.r = 0
	}
	if l.w == len(l.buf) {
		grown := make([]byte, max(4096, 2*len(l.buf)))
		copy(grown, l.buf[:l.w])
		l.buf = grown
	}
	n, err := l.src.Read(l.buf[l.w:])
	l.w += n
	l.err = err
	if n > 0 || err != nil {
		l.empty = 0
	} else if l.empty++; l.empty > 100 {
		l.err = io.ErrNoProgress
	}
}
