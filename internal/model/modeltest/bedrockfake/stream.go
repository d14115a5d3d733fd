package bedrockfake

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"kakoi/internal/model/modeltest/script"
)

// frame encodes one event-stream message with its checksums.
func frame(messageType, name string, payload any) []byte {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(payload); err != nil {
		panic(err) // maps of strings and numbers
	}
	var h eventstream.Headers
	h.Set(":"+messageType+"-type", eventstream.StringValue(name))
	h.Set(":content-type", eventstream.StringValue("application/json"))
	h.Set(":message-type", eventstream.StringValue(messageType))
	var b bytes.Buffer
	if err := eventstream.NewEncoder().Encode(&b, eventstream.Message{Headers: h, Payload: bytes.TrimSpace(body.Bytes())}); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func event(name string, payload any) []byte { return frame("event", name, payload) }

func deltaFrame(index int, reasoning bool, text string) []byte {
	var d any = map[string]any{"text": text}
	if reasoning {
		d = map[string]any{"reasoningContent": d}
	}
	return event("contentBlockDelta", map[string]any{"contentBlockIndex": index, "delta": d, "p": "abcdefghijkl"})
}

// frameCache keeps encoded deltas: scripted answers repeat their tokens, and a
// thousand streams should not encode the same ones over and over.
type frameCache struct {
	mu sync.RWMutex
	m  map[frameKey][]byte
}

type frameKey struct {
	index     int
	reasoning bool
	text      string
}

// maxFrames bounds the cache; past it, frames are encoded each time.
const maxFrames = 16384

func (f *frameCache) delta(index int, reasoning bool, text string) []byte {
	k := frameKey{index, reasoning, text}
	f.mu.RLock()
	b, ok := f.m[k]
	f.mu.RUnlock()
	if ok {
		return b
	}
	b = deltaFrame(index, reasoning, text)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.m == nil {
		f.m = map[frameKey][]byte{}
	}
	if len(f.m) < maxFrames {
		f.m[k] = b
	}
	return b
}

// stamper encodes deltas of one length over and over in one buffer: a benchmark
// that measures delays should not spend its time in the fake.
type stamper struct {
	key frameKey // whose text is the one in buf
	buf []byte
	at  int // of the text
}

func (s *stamper) frame(index int, reasoning bool, text string) []byte {
	if s.buf == nil || s.key.index != index || s.key.reasoning != reasoning || len(s.key.text) != len(text) {
		s.buf = deltaFrame(index, reasoning, text)
		s.at = bytes.Index(s.buf, []byte(text))
	}
	s.key = frameKey{index, reasoning, text}
	copy(s.buf[s.at:], text)
	end := len(s.buf) - crc32.Size
	binary.BigEndian.PutUint32(s.buf[end:], crc32.ChecksumIEEE(s.buf[:end]))
	return s.buf
}

var (
	messageStart = event("messageStart", map[string]any{"role": "assistant", "p": "abc"})
	blockStop    = [2][]byte{
		event("contentBlockStop", map[string]any{"contentBlockIndex": 0}),
		event("contentBlockStop", map[string]any{"contentBlockIndex": 1}),
	}
	sealed = event("contentBlockDelta", map[string]any{
		"contentBlockIndex": 0,
		"delta":             map[string]any{"reasoningContent": map[string]any{"signature": Signature}},
	})
)

// streamWriter writes frames and remembers that the client went.
type streamWriter struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	gone bool
}

func (s *streamWriter) write(b []byte) {
	if _, err := s.w.Write(b); err != nil {
		s.gone = true
	}
}

func (s *streamWriter) flush() {
	if s.rc.Flush() != nil {
		s.gone = true
	}
}

// writeTool writes a use of a tool as Claude does: its beginning, an empty
// piece, and its input in pieces that cut words and numbers.
func (s *streamWriter) writeTool(index int, use script.ToolUse) {
	s.write(event("contentBlockStart", map[string]any{
		"contentBlockIndex": index,
		"start":             map[string]any{"toolUse": map[string]any{"toolUseId": use.ID, "name": use.Name}},
	}))
	pieces := []string{""}
	runes := []rune(use.Input)
	for len(runes) > 0 {
		n := min(5, len(runes))
		pieces = append(pieces, string(runes[:n]))
		runes = runes[n:]
	}
	for _, piece := range pieces {
		s.write(event("contentBlockDelta", map[string]any{
			"contentBlockIndex": index,
			"delta":             map[string]any{"toolUse": map[string]any{"input": piece}},
		}))
	}
	s.write(event("contentBlockStop", map[string]any{"contentBlockIndex": index}))
}

// stream answers ConverseStream.
func (c *call) stream(sc script.Script, req *converseRequest) (gone bool) {
	out := &streamWriter{w: c.w, rc: http.NewResponseController(c.w)}
	c.w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
	out.write(messageStart)
	out.flush()

	cadence := c.pacer.Cadence(sc)
	var stamp stamper
	index, sent := 0, 0
	for i, tokens := range [2][]string{sc.Reasoning, sc.Deltas} {
		reasoning := i == 0
		if len(tokens) == 0 {
			continue
		}
		for _, tok := range tokens {
			if sent == sc.FaultAfter && c.strike(sc, out, index, tok) {
				return false
			}
			paused, err := cadence.Next(c.r.Context())
			if err != nil || out.gone {
				return true
			}
			sent++
			switch {
			case reasoning && sc.Redacted:
				out.write(event("contentBlockDelta", map[string]any{
					"contentBlockIndex": index,
					"delta":             map[string]any{"reasoningContent": map[string]any{"redactedContent": []byte(tok)}},
				}))
			case sc.Stamp:
				out.write(stamp.frame(index, reasoning, script.StampText(time.Now())))
			default:
				out.write(c.frames.delta(index, reasoning, tok))
			}
			if paused {
				out.flush()
			}
		}
		if reasoning && !sc.Redacted {
			out.write(sealed)
		}
		out.write(blockStop[index])
		index++
	}
	for _, use := range sc.ToolUses {
		out.writeTool(index, use)
		index++
	}
	if sc.FaultAfter >= sent && c.strike(sc, out, index, "") {
		return false
	}

	reason := stopReason(sc)
	if sc.Fault == script.FaultTooLong {
		reason = "model_context_window_exceeded"
	}
	end := map[string]any{"stopReason": reason}
	if fields := req.asked(reason); fields != nil {
		end["additionalModelResponseFields"] = fields
	}
	out.write(event("messageStop", end))
	out.flush() // a reader that leaves at the end mark is caught here
	if sc.Fault == script.FaultEarly && sc.FaultForm == "usage" {
		return false
	}
	metadata := map[string]any{"usage": usageOf(sc.Usage), "metrics": map[string]any{"latencyMs": 12}}
	req.told(metadata)
	out.write(event("metadata", metadata))
	return out.gone
}

// strike lets the fault of sc happen in the middle of the stream. It reports
// false if there is none to happen here, and the stream goes on.
func (c *call) strike(sc script.Script, out *streamWriter, index int, next string) bool {
	switch sc.Fault {
	case script.FaultCut:
		b := deltaFrame(index, false, next+"…")
		out.write(b[:len(b)/2])
		out.flush()
		panic(http.ErrAbortHandler)
	case script.FaultEarly:
		return sc.FaultForm != "usage"
	case script.FaultCorrupt:
		b := bytes.Clone(deltaFrame(index, false, next+"…"))
		b[len(b)-8] ^= 0x20 // in the payload: only the checksum tells
		out.write(b)
		out.flush()
		return false
	case script.FaultError:
		f := streamFaults[sc.FaultForm]
		payload := map[string]any{"message": f[1]}
		if strings.HasPrefix(f[0], "modelStream") {
			payload["originalStatusCode"], payload["originalMessage"] = 500, "overloaded"
		}
		out.write(frame("exception", f[0], payload))
		out.flush()
		return true
	case script.FaultSilence:
		out.flush()
		c.silence()
		return true
	}
	return false
}
