package bedrock

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/smithy-go/eventstream"

	"kakoi/internal/model"
)

// encode makes a frame with the SDK's encoder, to read with ours.
func encode(t testing.TB, payload string, headers ...string) []byte {
	t.Helper()
	var h eventstream.Headers
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], eventstream.StringValue(headers[i+1]))
	}
	return encodeHeaders(t, payload, h)
}

func encodeHeaders(t testing.TB, payload string, h eventstream.Headers) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := eventstream.NewEncoder().Encode(&b, eventstream.Message{Headers: h, Payload: []byte(payload)}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFramesAreReadAsTheSDKWritesThem(t *testing.T) {
	var all eventstream.Headers
	for name, v := range map[string]eventstream.Value{
		"a": eventstream.BoolValue(true), "b": eventstream.BoolValue(false), "c": eventstream.Int8Value(1), "d": eventstream.Int16Value(1),
		"e": eventstream.Int32Value(1), "f": eventstream.Int64Value(1), "g": eventstream.BytesValue("xyz"), "h": eventstream.StringValue(""),
		"i": eventstream.TimestampValue(time.Unix(1, 0)), "j": eventstream.UUIDValue{},
		":message-type": eventstream.StringValue("event"), ":event-type": eventstream.StringValue("metadata"),
	} {
		all.Set(name, v)
	}
	long := strings.Repeat("長", 100_000)
	in := bytes.Join([][]byte{
		encodeHeaders(t, "{}", all),
		encode(t, long, ":message-type", "event", ":event-type", "contentBlockDelta"),
		encode(t, "", ":message-type", "error", ":error-code", "E", ":error-message", "told"),
	}, nil)
	// One byte at a time: frames come as the network cuts them.
	f := newFrameReader(iotestOneByte{bytes.NewReader(in)})
	for i, want := range []frame{
		{kind: "event", name: "metadata", payload: []byte("{}")},
		{kind: "event", name: "contentBlockDelta", payload: []byte(long)},
		{kind: "error", name: "E", message: "told"},
	} {
		got, err := f.next()
		if err != nil || got.kind != want.kind || got.name != want.name || got.message != want.message || !bytes.Equal(got.payload, want.payload) {
			t.Errorf("frame %d: %s %s, %d bytes, %v", i, got.kind, got.name, len(got.payload), err)
		}
	}
	if _, err := f.next(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

type iotestOneByte struct{ r io.Reader }

func (o iotestOneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }

func TestADamagedFrameIsNeverTakenForAWholeOne(t *testing.T) {
	good := encode(t, `{"delta":{"text":"a"}}`, ":message-type", "event", ":event-type", "contentBlockDelta")
	for i := range good {
		cut := newFrameReader(bytes.NewReader(good[:i]))
		if _, err := cut.next(); err == nil || (i > 0) != errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut after %d bytes: %v", i, err)
		}
		for bit := range 8 {
			b := bytes.Clone(good)
			b[i] ^= 1 << bit
			if _, err := newFrameReader(bytes.NewReader(b)).next(); err == nil {
				t.Errorf("bit %d of byte %d may be flipped", bit, i)
			}
		}
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(encode(f, `{"delta":{"text":"a"}}`, ":message-type", "event", ":event-type", "contentBlockDelta"))
	f.Add(encode(f, ``, ":message-type", "exception", ":exception-type", "throttlingException"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := newFrameReader(bytes.NewReader(b))
		for {
			fr, err := r.next()
			if err != nil {
				break
			}
			_, _ = fr.open()
		}
		var fr frame
		_ = fr.readHeaders(b)
	})
}

// FuzzToolJoin cuts the input of a tool as a model may write it, at any places,
// among deltas of text.
func FuzzToolJoin(f *testing.F) {
	f.Add([]byte(`{"city":"札幌","days":3}`), []byte{1, 0, 7, 3})
	f.Add([]byte(`{"a":"\\u3042"}`), []byte{2})
	f.Add([]byte(`{"a":`), []byte{})
	f.Add([]byte(``), []byte{0})
	f.Fuzz(func(t *testing.T, written, cuts []byte) {
		if !utf8.Valid(written) {
			return // deltas are JSON strings
		}
		want, ok := model.ToolInput(written)
		var got []model.Event
		a := answer{yield: func(e model.Event, err error) bool {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e)
			return true
		}}
		take := func(name, payload string) {
			fr, err := newFrameReader(bytes.NewReader(encode(t, payload, ":message-type", "event", ":event-type", name))).next()
			if err != nil {
				t.Fatal(err)
			}
			ev, err := fr.open()
			if err != nil {
				t.Fatal(err)
			}
			a.take(fr.name, ev)
		}
		take("contentBlockStart", `{"start":{"toolUse":{"toolUseId":"1","name":"n"}},"contentBlockIndex":1}`)
		for rest := []rune(string(written)); len(rest) > 0; {
			n := len(rest)
			if len(cuts) > 0 {
				n, cuts = min(int(cuts[0])+1, n), cuts[1:]
			}
			piece, err := json.Marshal(string(rest[:n]))
			if err != nil {
				t.Fatal(err)
			}
			take("contentBlockDelta", `{"delta":{"toolUse":{"input":`+string(piece)+`}},"contentBlockIndex":1}`)
			rest = rest[n:]
		}
		take("contentBlockStop", `{"contentBlockIndex":1}`)
		if ok != (len(got) == 1) || ok == a.torn {
			t.Fatalf("%q gave %d events, torn %t", written, len(got), a.torn)
		}
		if ok && !bytes.Equal(got[0].ToolUse.Input, want) {
			t.Errorf("joined %s, want %s", got[0].ToolUse.Input, want)
		}
	})
}
