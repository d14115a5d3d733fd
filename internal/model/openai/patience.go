package openai

import (
	"context"
	"errors"
	"io"
	"time"
)

// errSilent is the cause of a context that ended because the server said
// nothing for too long.
var errSilent = errors.New("the model server was silent for too long")

// patience ends a call whose server keeps silent. It counts only while we wait
// for the server, never while the consumer of the stream takes its time.
type patience struct {
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

// newPatience returns a context that ends with the cause errSilent once a wait
// exceeds its time. The first wait, for the first byte, begins at once.
func newPatience(ctx context.Context, first time.Duration) (context.Context, *patience) {
	ctx, cancel := context.WithCancelCause(ctx)
	p := &patience{cancel: cancel}
	p.timer = time.AfterFunc(first, func() { cancel(errSilent) })
	return ctx, p
}

// end stops the clock and ends the context, which closes the connection if the
// answer was not read to its end.
func (p *patience) end() {
	p.timer.Stop()
	p.cancel(context.Canceled)
}

// reader returns body with each read after the first bounded by idle. The first
// runs on the clock that newPatience started.
func (p *patience) reader(body io.Reader, idle time.Duration) *patientReader {
	return &patientReader{p: p, body: body, idle: idle}
}

type patientReader struct {
	p     *patience
	body  io.Reader
	idle  time.Duration
	begun bool
}

func (r *patientReader) Read(b []byte) (int, error) {
	if r.begun {
		r.p.timer.Reset(r.idle)
	}
	n, err := r.body.Read(b)
	r.p.timer.Stop()
	r.begun = true
	return n, err
}
