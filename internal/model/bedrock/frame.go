package bedrock

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

// The SDK's own reader of event streams is left out. Its decoder is shared by
// all streams of a client without a lock, a stream cut inside a frame looks to
// it like one that ended, and it costs two goroutines for each stream and some
// 50 allocations for each event, which a thousand streams feel.

// withoutReader leaves the answer's body to us.
func withoutReader(stack *middleware.Stack) error {
	_, err := stack.Deserialize.Remove("OperationEventStreamDeserializer")
	return err
}

// The limits of a frame: AWS's own for the whole, ours for one event of an answer.
const (
	preludeLen = 12
	trailerLen = 4
	maxFrame   = 16 << 20
)

// errFrame is a frame that cannot be what the sender sent.
var errFrame = errors.New("malformed event-stream frame")

var errHeaders = fmt.Errorf("%w: its headers end early", errFrame)

// frameReader reads the frames of an event stream.
type frameReader struct {
	r   *bufio.Reader
	buf []byte
}

func newFrameReader(r io.Reader) *frameReader {
	return &frameReader{r: bufio.NewReader(r), buf: make([]byte, 0, 512)}
}

// A frame is one message of an event stream. Its parts are valid until the next.
type frame struct {
	kind    string // event, exception or error
	name    string // of the event or exception
	message string // of an error
	payload []byte
}

// next returns the next frame. At a clean end it returns io.EOF, at an end
// inside a frame io.ErrUnexpectedEOF.
func (f *frameReader) next() (frame, error) {
	f.buf = f.buf[:preludeLen]
	if _, err := io.ReadFull(f.r, f.buf); err != nil {
		return frame{}, err
	}
	total := int(binary.BigEndian.Uint32(f.buf))
	headers := int(binary.BigEndian.Uint32(f.buf[4:]))
	if crc32.ChecksumIEEE(f.buf[:8]) != binary.BigEndian.Uint32(f.buf[8:]) {
		return frame{}, fmt.Errorf("%w: the prelude's checksum is wrong", errFrame)
	}
	if total > maxFrame || headers > total-preludeLen-trailerLen {
		return frame{}, fmt.Errorf("%w: %d bytes, %d of headers", errFrame, total, headers)
	}
	if cap(f.buf) < total {
		f.buf = append(make([]byte, 0, total+total/2), f.buf...)
	}
	f.buf = f.buf[:total]
	if _, err := io.ReadFull(f.r, f.buf[preludeLen:]); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return frame{}, err
	}
	end := total - trailerLen
	if crc32.ChecksumIEEE(f.buf[:end]) != binary.BigEndian.Uint32(f.buf[end:]) {
		return frame{}, fmt.Errorf("%w: the checksum is wrong", errFrame)
	}
	fr := frame{payload: f.buf[preludeLen+headers : end]}
	return fr, fr.readHeaders(f.buf[preludeLen : preludeLen+headers])
}

// The types of header values. Those that come with Bedrock's events are strings.
const (
	headerTrue = iota
	headerFalse
	headerByte
	headerShort
	headerInteger
	headerLong
	headerBytes
	headerString
	headerTimestamp
	headerUUID
)

var headerLen = map[byte]int{
	headerTrue: 0, headerFalse: 0, headerByte: 1, headerShort: 2, headerInteger: 4, headerLong: 8, headerTimestamp: 8, headerUUID: 16,
}

// readHeaders takes from b the headers that say what the frame is.
func (fr *frame) readHeaders(b []byte) error {
	for len(b) > 0 {
		n := int(b[0])
		if len(b) < 1+n+1 {
			return errHeaders
		}
		name, kind := b[1:1+n], b[1+n]
		b = b[2+n:]
		size, fixed := headerLen[kind]
		if !fixed {
			if kind != headerBytes && kind != headerString || len(b) < 2 {
				return errHeaders
			}
			size = int(binary.BigEndian.Uint16(b))
			b = b[2:]
		}
		if len(b) < size {
			return errHeaders
		}
		value := b[:size]
		b = b[size:]
		if kind != headerString {
			continue
		}
		switch string(name) {
		case ":message-type":
			fr.kind = word(value)
		case ":event-type", ":exception-type", ":error-code":
			fr.name = word(value)
		case ":error-message":
			fr.message = string(value)
		}
	}
	return nil
}

// word is string(b) without an allocation for the words that come all the time.
func word(b []byte) string {
	switch string(b) {
	case "event":
		return "event"
	case "contentBlockDelta":
		return "contentBlockDelta"
	}
	return string(b)
}

// event is the payload of the events of ConverseStream, as far as we read them.
type event struct {
	Index int `json:"contentBlockIndex"`
	Start struct {
		ToolUse *toolStart `json:"toolUse"`
	} `json:"start"`
	Delta struct {
		Text    string `json:"text"`
		ToolUse *struct {
			Input string `json:"input"`
		} `json:"toolUse"`
		Reasoning *struct {
			Text      string `json:"text"`
			Signature string `json:"signature"`
			Redacted  []byte `json:"redactedContent"`
		} `json:"reasoningContent"`
	} `json:"delta"`
	StopReason string          `json:"stopReason"`
	Fields     json.RawMessage `json:"additionalModelResponseFields"`
	Usage      *usage          `json:"usage"`
	Trace      trace           `json:"trace"`
}

type usage struct {
	Input        int  `json:"inputTokens"`
	Output       int  `json:"outputTokens"`
	CacheRead    int  `json:"cacheReadInputTokens"`
	CacheWrite   *int `json:"cacheWriteInputTokens"`
	CacheDetails []struct {
		Input int `json:"inputTokens"`
	} `json:"cacheDetails"`
}

// toolStart is the beginning of a use of a tool. Those of a type are the
// provider's own, such as its search, and have been done already.
type toolStart struct {
	ID   string `json:"toolUseId"`
	Name string `json:"name"`
	Type string `json:"type"`
}

// open decodes an event, and returns the frame of a failure as an error.
func (fr *frame) open() (event, error) {
	var ev event
	switch fr.kind {
	case "event":
		if err := json.Unmarshal(fr.payload, &ev); err != nil {
			return event{}, fmt.Errorf("%w: its payload is not JSON", errFrame) // the cause may hold the answer
		}
		return ev, nil
	case "exception":
		var body struct {
			Message  string `json:"message"`
			Original string `json:"originalMessage"`
		}
		if err := json.Unmarshal(fr.payload, &body); err != nil {
			body.Message = "unknown"
		}
		if body.Original != "" {
			body.Message += " " + body.Original
		}
		return event{}, &smithy.GenericAPIError{Code: fr.name, Message: body.Message}
	case "error":
		return event{}, &smithy.GenericAPIError{Code: fr.name, Message: fr.message}
	}
	return event{}, fmt.Errorf("%w: of kind %q", errFrame, fr.kind)
}
