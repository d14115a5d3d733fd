package egress

import (
	"io"
	"mime"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Many models that speak at once send many small pieces. Read one by one, each
// costs a system call, a wake and a write for every listener, and a machine that
// is full adds far more delay than it saves. So the pauses between two reads of
// an event stream grow with the number of streams that are open: what arrives
// in between is read at once. Below some sixty streams there is no pause.
const (
	pausePerStream = 80 * time.Microsecond
	pauseLeast     = 5 * time.Millisecond // a shorter one is not worth its timer
	pauseMost      = 100 * time.Millisecond
	// A stream that gave this much at once is read on at once: it is behind.
	pauseBelow = 1 << 10 // bytes
)

// eventStreams counts the event streams that are being read.
type eventStreams struct{ open atomic.Int64 }

func (s *eventStreams) pause() time.Duration {
	d := min(time.Duration(s.open.Load())*pausePerStream, pauseMost)
	if d < pauseLeast {
		return 0
	}
	return d
}

// paced gives an answer that is an event stream its pauses.
func (s *eventStreams) paced(resp *http.Response) {
	switch kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind {
	case "text/event-stream", "application/vnd.amazon.eventstream", "application/x-ndjson":
		s.open.Add(1)
		resp.Body = &pacedBody{ReadCloser: resp.Body, streams: s, closed: make(chan struct{})}
	}
}

// pacedBody is the body of an event stream. It is read by one goroutine and may
// be closed by another, which ends a pause.
type pacedBody struct {
	io.ReadCloser
	streams *eventStreams
	next    time.Time // not to be read before; zero for at once
	once    sync.Once
	closed  chan struct{}
}

// Read implements io.Reader.
func (b *pacedBody) Read(p []byte) (int, error) {
	if wait := time.Until(b.next); !b.next.IsZero() && wait > 0 {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-b.closed:
			timer.Stop()
		}
	}
	n, err := b.ReadCloser.Read(p)
	b.next = time.Time{}
	if pause := b.streams.pause(); pause > 0 && n < pauseBelow {
		b.next = time.Now().Add(pause)
	}
	return n, err
}

// Close implements io.Closer.
func (b *pacedBody) Close() error {
	b.once.Do(func() {
		close(b.closed)
		b.streams.open.Add(-1)
	})
	return b.ReadCloser.Close()
}
