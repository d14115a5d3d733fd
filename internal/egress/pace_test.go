package egress

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// drops is a body that gives a piece at once whenever it is read.
type drops struct {
	pieces []string
	closed bool
}

func (d *drops) Read(p []byte) (int, error) {
	if len(d.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(p, d.pieces[0])
	d.pieces = d.pieces[1:]
	return n, nil
}

func (d *drops) Close() error { d.closed = true; return nil }

func streamOf(s *eventStreams, kind string, pieces ...string) (*http.Response, *drops) {
	d := &drops{pieces: pieces}
	resp := &http.Response{Header: http.Header{"Content-Type": {kind}}, Body: d}
	s.paced(resp)
	return resp, d
}

func TestFewStreamsAreReadAtOnceAndManyInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for open, want := range map[int64]time.Duration{0: 0, 61: 0, 500: 3 * 500 * pausePerStream, 5000: 3 * pauseMost} {
			s := &eventStreams{}
			resp, d := streamOf(s, "text/event-stream; charset=utf-8", "a", "b", "c")
			s.open.Add(open)
			began := time.Now()
			all, err := io.ReadAll(resp.Body)
			// The stream itself is one more than were open before.
			if took := time.Since(began); err != nil || string(all) != "abc" || took < want || took > want+3*pausePerStream {
				t.Errorf("%d streams: %q, %v after %v, want %v", open, all, err, took, want)
			}
			if err := resp.Body.Close(); err != nil || !d.closed {
				t.Errorf("closed %v, %v", d.closed, err)
			}
			_ = resp.Body.Close()
			if got := s.open.Load(); got != open {
				t.Errorf("%d streams counted, want %d", got, open)
			}
		}
	})
}

func TestAStreamThatIsBehindAndWhatIsNoStreamDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &eventStreams{}
		s.open.Add(5000)
		much := string(make([]byte, pauseBelow))
		behind, _ := streamOf(s, "text/event-stream", much, much, much)
		file, _ := streamOf(s, "application/json", "{", "}")
		began := time.Now()
		for _, resp := range []*http.Response{behind, file} {
			buffer := make([]byte, pauseBelow)
			for range 2 {
				if _, err := resp.Body.Read(buffer); err != nil {
					t.Fatal(err)
				}
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("waited %v", took)
		}
	})
}

func TestClosingEndsThePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &eventStreams{}
		s.open.Add(5000)
		resp, _ := streamOf(s, "text/event-stream", "a", "b")
		began := time.Now()
		if _, err := resp.Body.Read(make([]byte, 8)); err != nil {
			t.Fatal(err)
		}
		go func() { _ = resp.Body.Close() }()
		_, _ = resp.Body.Read(make([]byte, 8))
		if took := time.Since(began); took != 0 {
			t.Errorf("a closed stream was read after %v", took)
		}
	})
}
