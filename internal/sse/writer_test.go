package sse

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestAStreamStartsBeforeItsFirstEvent(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := NewWriter(w)
		<-release
		if err := out.Send("1:2", "", map[string]string{"type": "start", "text": "<東京>"}); err != nil {
			t.Error(err)
		}
		out.Append("1:3", "note", []byte("two\nlines"))
		out.AppendPing()
		if err := out.Flush(); err != nil {
			t.Error(err)
		}
	}))
	defer srv.Close()
	resp, err := http.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	close(release) // the headers are here although nothing was sent
	for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	body, err := io.ReadAll(resp.Body)
	want := "id: 1:2\ndata: {\"text\":\"<東京>\",\"type\":\"start\"}\n\nid: 1:3\nevent: note\ndata: two\ndata: lines\n\n: ping\n\n"
	if err != nil || string(body) != want {
		t.Errorf("body = %q, %v; want %q", body, err, want)
	}
}

func TestAStreamOutlivesTheServersWriteTimeout(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := NewWriter(w)
		for start := time.Now(); time.Since(start) < 150*time.Millisecond; {
			if err := out.Ping(); err != nil {
				t.Error(err)
			}
			<-time.After(10 * time.Millisecond)
		}
		out.Send("", "", "end")
	}))
	srv.Config.WriteTimeout = 50 * time.Millisecond
	srv.Start()
	defer srv.Close()
	resp, err := http.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || !strings.HasSuffix(string(body), "data: \"end\"\n\n") {
		t.Errorf("the stream was cut: %v after %d bytes", err, len(body))
	}
}

func TestAReaderThatLeftIsNoticed(t *testing.T) {
	left, noticed := make(chan struct{}), make(chan error, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := NewWriter(w)
		out.Send("", "", 1)
		<-left
		<-r.Context().Done()
		var err error
		for range 1000 { // the first writes may still fit into buffers
			if err = out.Send("", "", strings.Repeat("x", 1<<16)); err != nil {
				break
			}
		}
		if again := out.Ping(); !errors.Is(again, err) {
			t.Errorf("a later write gives %v, want the first error %v", again, err)
		}
		noticed <- err
	}))
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL, nil)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	bufio.NewReader(resp.Body).ReadString('\n')
	cancel()
	resp.Body.Close()
	close(left)
	if err := <-noticed; err == nil {
		t.Error("writing to a reader that left gave no error")
	}
}

func TestAFieldCannotEndItsLine(t *testing.T) {
	rec := httptest.NewRecorder()
	out := NewWriter(rec)
	if err := out.Send("1\ndata: forged", "a\r\nb", 1); err != nil {
		t.Fatal(err)
	}
	if got, want := rec.Body.String(), "id: 1data: forged\nevent: ab\ndata: 1\n\n"; got != want {
		t.Errorf("wrote %q, want %q", got, want)
	}
}

func TestWhatCannotBeEncodedLeavesNothingBehind(t *testing.T) {
	rec := httptest.NewRecorder()
	out := NewWriter(rec)
	if err := out.Send("1", "", func() {}); err == nil {
		t.Error("a function was encoded as JSON")
	}
	if err := out.Send("2", "", 2); err != nil {
		t.Fatal(err)
	}
	if got, want := rec.Body.String(), "id: 2\ndata: 2\n\n"; got != want {
		t.Errorf("wrote %q, want %q", got, want)
	}
}

type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}
func (d discard) Flush()                      {}

func TestAnEventIsWrittenWithoutAllocating(t *testing.T) {
	out := NewWriter(discard{http.Header{}})
	data := []byte(`{"type":"text-delta","id":"1","delta":"東京"}`)
	if n := testing.AllocsPerRun(100, func() {
		out.Append("1:1534", "", data)
		out.Flush()
	}); n != 0 {
		t.Errorf("%v allocations per event, want 0", n)
	}
}

func BenchmarkWrite(b *testing.B) {
	out := NewWriter(discard{http.Header{}})
	data := []byte(`{"type":"text-delta","id":"1","delta":"東京"}`)
	b.ReportAllocs()
	for b.Loop() {
		out.Append("1:1534", "", data)
		if err := out.Flush(); err != nil {
			b.Fatal(err)
		}
	}
}
