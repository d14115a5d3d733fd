package sse

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

type event struct{ ID, Type, Data string }

func collect(r io.Reader) ([]event, error) {
	var got []event
	for ev, err := range Read(r) {
		if err != nil {
			return got, err
		}
		got = append(got, event{ev.ID, ev.Type, string(ev.Data)})
	}
	return got, nil
}

func TestEventsAreReadHoweverTheyAreWritten(t *testing.T) {
	for _, tt := range []struct {
		name, stream string
		want         []event
	}{
		{"an ordinary event", "data: a\n\n", []event{{"", "", "a"}}},
		{"no space after the colon", "data:a\n\n", []event{{"", "", "a"}}},
		{"only one space is taken away", "data:  a\n\n", []event{{"", "", " a"}}},
		{"lines that end in CRLF", "id: 1\r\ndata: a\r\n\r\ndata: b\r\n\r\n", []event{{"1", "", "a"}, {"1", "", "b"}}},
		{"lines that end in CR", "data: a\r\rdata: b\r\r", []event{{"", "", "a"}, {"", "", "b"}}},
		{"mixed line ends", "data: a\r\n\ndata: b\n\r\n", []event{{"", "", "a"}, {"", "", "b"}}},
		{"several data lines", "data: a\ndata:\ndata: b\n\n", []event{{"", "", "a\n\nb"}}},
		{"a type belongs to one event only", "event: x\ndata: a\n\ndata: b\n\n", []event{{"", "x", "a"}, {"", "", "b"}}},
		{"a type without data is no event", "event: x\n\ndata: b\n\n", []event{{"", "", "b"}}},
		{"comments and unknown fields", ": ping\n\nretry: 5\nfoo: x\ndata: a\n\n", []event{{"", "", "a"}}},
		{"a byte order mark", "\xef\xbb\xbfdata: a\n\n", []event{{"", "", "a"}}},
		{"a byte order mark inside is text", "data: \xef\xbb\xbfa\n\n", []event{{"", "", "\ufeffa"}}},
		{"an id with a zero byte is ignored", "id: a\x00\ndata: a\n\n", []event{{"", "", "a"}}},
		{"the final blank line is missing", "data: a\n\ndata: [DONE]\n", []event{{"", "", "a"}, {"", "", "[DONE]"}}},
		{"the final newline is missing", "data: a\n\ndata: [DONE]", []event{{"", "", "a"}, {"", "", "[DONE]"}}},
		{"an error line, as older llama.cpp writes it", "error: {\"code\":500}\n\n", []event{{"", "error", `{"code":500}`}}},
		{"many blank lines", "\n\n\ndata: a\n\n\n\n", []event{{"", "", "a"}}},
		{"a field without a colon", "data\n\n", []event{{"", "", ""}}},
		{"nothing", "", nil},
		{"only a piece of a byte order mark", "\xef\xbb", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for how, wrap := range map[string]func(io.Reader) io.Reader{
				"whole": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader,
				"in halves": iotest.HalfReader, "with the end in the last read": iotest.DataErrReader,
			} {
				got, err := collect(wrap(strings.NewReader(tt.stream)))
				if d := cmp.Diff(tt.want, got); err != nil || d != "" {
					t.Errorf("%s: err %v, diff (want, got):\n%s", how, err, d)
				}
			}
		})
	}
}

func TestAnEventComesOutBeforeTheNextArrives(t *testing.T) {
	for _, end := range []string{"\n\n", "\r\n\r\n", "\r\r"} {
		r, w := io.Pipe()
		go io.WriteString(w, "data: a"+end) // and then nothing more
		for ev, err := range Read(r) {
			if err != nil || string(ev.Data) != "a" {
				t.Errorf("after %q: %q, %v", end, ev.Data, err)
			}
			break
		}
		r.Close()
	}
}

func TestALineOrEventWithoutEndIsRefused(t *testing.T) {
	line := strings.Repeat("x", 1<<20)
	endless := func(s string) io.Reader { return io.LimitReader(&repeat{s: s}, 64<<20) }
	for name, r := range map[string]io.Reader{"line": endless("data" + line), "event": endless("data: " + line + "\n")} {
		if _, err := collect(r); !errors.Is(err, ErrTooLong) {
			t.Errorf("endless %s: %v, want ErrTooLong", name, err)
		}
	}
}

type repeat struct {
	s   string
	off int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := copy(p, r.s[r.off:])
	r.off = (r.off + n) % len(r.s)
	return n, nil
}

func TestAReaderThatGivesNothingEnds(t *testing.T) {
	if _, err := collect(readerFunc(func([]byte) (int, error) { return 0, nil })); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("err = %v, want io.ErrNoProgress", err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestJSONEndsCleanlyOnlyAtDone(t *testing.T) {
	type chunk struct{ N int }
	broken := errors.New("connection reset")
	for _, tt := range []struct {
		name, stream string
		after        error // what the connection says after the stream
		want         []chunk
		err          error
	}{
		{"done", "data: {\"n\":1}\n\ndata: {\"n\":2}\n\ndata: [DONE]\n\n", nil, []chunk{{1}, {2}}, nil},
		{"done without a newline", "data: {\"n\":1}\n\ndata: [DONE]", nil, []chunk{{1}}, nil},
		{"what follows done is not waited for", "data: [DONE]\n\n", broken, nil, nil},
		{"no done", "data: {\"n\":1}\n\n", nil, []chunk{{1}}, ErrNoDone},
		{"an empty stream", "", nil, nil, ErrNoDone},
		{"cut inside an event", "data: {\"n\":1}\n\ndata: {\"n\":", nil, []chunk{{1}}, ErrNoDone},
		{"a whole event without its blank line, and no done", "data: {\"n\":1}\n", nil, []chunk{{1}}, ErrNoDone},
		{"a broken connection", "data: {\"n\":1}\n\nda", broken, []chunk{{1}}, broken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var r io.Reader = strings.NewReader(tt.stream)
			if tt.after != nil {
				r = io.MultiReader(r, iotest.ErrReader(tt.after))
			}
			var got []chunk
			var last error
			for v, err := range JSON[chunk](r) {
				if last = err; err == nil {
					got = append(got, v)
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" || !errors.Is(last, tt.err) {
				t.Errorf("err %v, want %v; diff (want, got):\n%s", last, tt.err, d)
			}
		})
	}
	t.Run("an error event", func(t *testing.T) {
		var ee *EventError
		for _, err := range JSON[chunk](strings.NewReader("event: error\ndata: {\"m\":1}\n\n")) {
			if !errors.As(err, &ee) || string(ee.Data) != `{"m":1}` {
				t.Errorf("err = %v", err)
			}
		}
		if ee == nil {
			t.Error("no error")
		}
	})
	t.Run("data that is not JSON", func(t *testing.T) {
		for _, err := range JSON[chunk](strings.NewReader("data: {x}\n\ndata: [DONE]\n\n")) {
			if err == nil || errors.Is(err, ErrNoDone) {
				t.Errorf("err = %v", err)
			}
		}
	})
}

// FuzzRead holds that the way in which bytes arrive does not change what is
// read, that the bounds hold, and that what the writer writes is read back.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"data: a\n\n", "id: 1\r\nevent: x\r\ndata: a\r\n\r\n", "\xef\xbb\xbfdata\r\r", ": c\n\ndata: a\ndata: b", "error: {}\n\n"} {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, b []byte, step int) {
		whole, err := collect(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		step = step&15 + 1
		rest := b
		pieces, err := collect(readerFunc(func(p []byte) (int, error) {
			if len(rest) == 0 {
				return 0, io.EOF
			}
			n := copy(p[:min(step, len(p))], rest)
			rest = rest[n:]
			return n, nil
		}))
		if d := cmp.Diff(whole, pieces); err != nil || d != "" {
			t.Fatalf("in pieces of %d: err %v, diff:\n%s", step, err, d)
		}

		var w Writer
		w.Append("7", "x", b)
		back, err := collect(bytes.NewReader(w.buf))
		want := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(b))
		if err != nil || len(back) != 1 || back[0] != (event{"7", "x", want}) {
			t.Fatalf("wrote %q, read %q, %v", b, back, err)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	chunk := `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"東京"},"finish_reason":null}]}` + "\n\n"
	stream := []byte(strings.Repeat(chunk, 1000))
	b.SetBytes(int64(len(chunk)))
	b.ReportAllocs()
	for n := 0; n < b.N; {
		for _, err := range Read(bytes.NewReader(stream)) {
			if err != nil {
				b.Fatal(err)
			}
			if n++; n >= b.N {
				break
			}
		}
	}
}
