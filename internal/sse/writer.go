package sse

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// patience is how long a reader may take nothing of what was sent before the
// connection is given up. It replaces the server's write timeout, which bounds
// a whole response and would end every long stream.
const patience = 30 * time.Second

// Writer writes an event stream as the answer to a request. It is for one
// goroutine. Events are gathered by Append and leave with Flush; Send does both.
type Writer struct {
	w        io.Writer
	ctl      *http.ResponseController
	buf      []byte
	enc      *json.Encoder
	deadline time.Time
	err      error
}

// NewWriter starts an event stream: it sends status 200 and the headers at
// once, so that the client knows that it is connected. Whatever can be refused
// must have been refused before.
func NewWriter(w http.ResponseWriter) *Writer {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // proxies of nginx's kind would hold events back
	h.Del("Content-Length")
	s := &Writer{w: w, ctl: http.NewResponseController(w), buf: make([]byte, 0, 1024)}
	s.enc = json.NewEncoder((*appender)(&s.buf))
	s.enc.SetEscapeHTML(false)
	s.extend()
	w.WriteHeader(http.StatusOK)
	s.err = s.flush()
	return s
}

// Append adds an event to what the next Flush sends. An empty id or event is
// left out. Data may have several lines and is copied.
func (s *Writer) Append(id, event string, data []byte) {
	s.begin(id, event)
	for {
		n := 0
		for n < len(data) && data[n] != '\n' && data[n] != '\r' {
			n++
		}
		s.buf = append(s.buf, "data: "...)
		s.buf = append(s.buf, data[:n]...)
		s.buf = append(s.buf, '\n')
		if n == len(data) {
			break
		}
		if data[n] == '\r' && n+1 < len(data) && data[n+1] == '\n' {
			n++
		}
		data = data[n+1:]
	}
	s.buf = append(s.buf, '\n')
}

// AppendJSON adds an event whose data is v as JSON.
func (s *Writer) AppendJSON(id, event string, v any) error {
	start := len(s.buf)
	s.begin(id, event)
	s.buf = append(s.buf, "data: "...)
	if err := s.enc.Encode(v); err != nil { // ends with the newline of the line
		s.buf = s.buf[:start]
		return err
	}
	s.buf = append(s.buf, '\n')
	return nil
}

// AppendPing adds a comment, which keeps idle connections open through proxies
// and finds out that a reader has left.
func (s *Writer) AppendPing() { s.buf = append(s.buf, ": ping\n\n"...) }

// Buffered is the number of bytes that wait for Flush.
func (s *Writer) Buffered() int { return len(s.buf) }

// Flush sends what was gathered. After an error the reader is gone, and every
// later call gives the same error.
func (s *Writer) Flush() error {
	if s.err != nil || len(s.buf) == 0 {
		return s.err
	}
	s.extend()
	if _, err := s.w.Write(s.buf); err != nil {
		s.err = err
		return err
	}
	s.buf = s.buf[:0]
	if cap(s.buf) > 64<<10 { // one large event must not stay for the stream's life
		s.buf = make([]byte, 0, 1024)
	}
	s.err = s.flush()
	return s.err
}

// Send is AppendJSON and Flush.
func (s *Writer) Send(id, event string, v any) error {
	if err := s.AppendJSON(id, event, v); err != nil {
		return err
	}
	return s.Flush()
}

// Ping is AppendPing and Flush.
func (s *Writer) Ping() error {
	s.AppendPing()
	return s.Flush()
}

func (s *Writer) begin(id, event string) {
	if id != "" {
		s.buf = append(s.buf, "id: "...)
		s.buf = append(s.buf, oneLine(id)...)
		s.buf = append(s.buf, '\n')
	}
	if event != "" {
		s.buf = append(s.buf, "event: "...)
		s.buf = append(s.buf, oneLine(event)...)
		s.buf = append(s.buf, '\n')
	}
}

// extend gives the connection the full patience again once a third of it is gone.
func (s *Writer) extend() {
	now := time.Now()
	if s.deadline.Sub(now) > patience*2/3 {
		return
	}
	s.deadline = now.Add(patience)
	// Not every ResponseWriter has deadlines (recorders in tests); a stream
	// without one is as good as its connection.
	_ = s.ctl.SetWriteDeadline(s.deadline)
}

func (s *Writer) flush() error {
	if err := s.ctl.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// oneLine keeps a field from ending its line or, for an id, from being ignored.
func oneLine(s string) string {
	if strings.ContainsAny(s, "\r\n\x00") {
		return strings.Map(func(r rune) rune {
			if r == '\r' || r == '\n' || r == 0 {
				return -1
			}
			return r
		}, s)
	}
	return s
}

// appender lets the JSON encoder write at the end of a byte slice.
type appender []byte

func (a *appender) Write(p []byte) (int, error) {
	*a = append(*a, p...)
	return len(p), nil
}
