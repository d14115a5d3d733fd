package imports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"kakoi/internal/errs"
)

// splitter cuts a file of JSON into the values of its conversations without
// holding more than one. It only follows strings and brackets, so a
// conversation that is broken inside of its brackets, too large or too deep is
// passed over and the next one is found.
//
// encoding/json.Decoder cannot do this: it holds a value of any size, and
// stops for good at the first mistake.
type splitter struct {
	src    io.Reader
	limits Limits
	buf    []byte
	pos, n int
	offset int64 // of buf in the file
	err    error // of src, once it has none left
}

// element is one value that may be a conversation. Where problem is set, raw
// is a beginning only.
type element struct {
	raw     []byte
	header  []byte // the members before it of the object around it, as JSON, or nil
	problem Reason
}

// errStop ends the reading because the caller has enough.
var errStop = errors.New("stop")

func newSplitter(src io.Reader, limits Limits) *splitter {
	return &splitter{src: src, limits: limits, buf: make([]byte, 64<<10)}
}

// elements calls each for every element: those of a list at the top, those of
// a list under one of the names that exports use, otherwise each value at the
// top itself. There may be several of these in a row, as in JSON lines. The
// bytes of an element are good until each returns.
func (s *splitter) elements(each func(element) error) error {
	if b, err := s.peek(); err == nil && b == 0xef { // a byte order mark
		for range 3 {
			_, _ = s.next()
		}
	}
	for {
		b, err := s.space()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		switch b {
		case '[':
			err = s.list(nil, each)
		case '{':
			err = s.object(each)
		default:
			return s.damaged("this is not JSON")
		}
		if err != nil {
			return err
		}
	}
}

// list reads a list whose bracket comes next.
func (s *splitter) list(header []byte, each func(element) error) error {
	_, _ = s.next()
	var kept []byte
	for first := true; ; first = false {
		b, err := s.space()
		if err != nil {
			return s.cut(err)
		}
		if b == ']' {
			_, _ = s.next()
			return nil
		}
		if !first {
			if b != ',' {
				return s.damaged("a comma is missing between two conversations")
			}
			_, _ = s.next()
			if b, err = s.space(); err != nil {
				return s.cut(err)
			}
			if b == ']' { // a comma too many does no harm
				_, _ = s.next()
				return nil
			}
		}
		var problem Reason
		kept, problem, err = s.value(kept[:0], s.limits.ConversationBytes)
		if err != nil {
			if stop := each(element{raw: kept, header: header, problem: ReasonMalformed}); stop != nil {
				return stop
			}
			return s.cut(err)
		}
		if err := each(element{raw: kept, header: header, problem: problem}); err != nil {
			return err
		}
		if cap(kept) > 1<<20 { // one large conversation does not keep its room
			kept = nil
		}
	}
}

// lists are the names under which exports keep their conversations.
var lists = map[string]bool{"conversations": true, "chats": true, "Items": true, "items": true, "data": true}

// object reads an object whose brace comes next: one that holds a list of
// conversations, or is one.
func (s *splitter) object(each func(element) error) error {
	_, _ = s.next()
	kept := []byte{'{'}
	var problem Reason
	streamed := false
	for {
		b, err := s.space()
		if err == nil && b == ',' {
			_, _ = s.next()
			b, err = s.space()
		}
		if err != nil {
			if stop := each(element{raw: kept, problem: ReasonMalformed}); stop != nil && !streamed {
				return stop
			}
			return s.cut(err)
		}
		if b == '}' {
			_, _ = s.next()
			break
		}
		if b != '"' {
			return s.damaged("a name is missing in an object")
		}
		key, _, err := s.value(nil, 1<<20)
		if err != nil {
			return s.cut(err)
		}
		if b, err = s.space(); err != nil {
			return s.cut(err)
		} else if b != ':' {
			return s.damaged("a colon is missing in an object")
		}
		_, _ = s.next()
		if b, err = s.space(); err != nil {
			return s.cut(err)
		}
		var name string
		if json.Unmarshal(key, &name) == nil && lists[name] && b == '[' {
			streamed = true
			if err := s.list(append(bytes.Clone(kept), '}'), each); err != nil {
				return err
			}
			continue
		}
		if len(kept) < s.limits.ConversationBytes {
			if len(kept) > 1 {
				kept = append(kept, ',')
			}
			kept = append(append(kept, key...), ':')
		}
		var p Reason
		kept, p, err = s.value(kept, s.limits.ConversationBytes)
		if p != "" {
			problem = p
		}
		if err != nil {
			if streamed {
				return s.cut(err)
			}
			if stop := each(element{raw: kept, problem: ReasonMalformed}); stop != nil {
				return stop
			}
			return s.cut(err)
		}
	}
	if streamed {
		return nil
	}
	return each(element{raw: append(kept, '}'), problem: problem})
}

// value appends the value that comes next to dst, or says why it is not worth
// keeping; it is read to its end in any case.
func (s *splitter) value(dst []byte, limit int) ([]byte, Reason, error) {
	var problem Reason
	depth := 0
	for {
		b, err := s.next()
		if err != nil {
			return dst, problem, err
		}
		if len(dst) < limit {
			dst = append(dst, b)
		} else if problem == "" {
			problem = ReasonTooLarge
		}
		switch b {
		case '"':
			for escaped := false; ; {
				if b, err = s.next(); err != nil {
					return dst, problem, err
				}
				if len(dst) < limit {
					dst = append(dst, b)
				} else if problem == "" {
					problem = ReasonTooLarge
				}
				if escaped {
					escaped = false
				} else if b == '\\' {
					escaped = true
				} else if b == '"' {
					break
				}
			}
		case '{', '[':
			if depth++; depth > s.limits.Depth && problem == "" {
				problem, limit = ReasonTooDeep, 0
			}
			continue
		case '}', ']':
			depth--
		case ' ', '\t', '\r', '\n', ':', ',':
			continue
		default:
			if depth > 0 {
				continue
			}
			// A number or a word at the top ends before the next sign.
			for {
				c, err := s.peek()
				if errors.Is(err, io.EOF) {
					return dst, problem, nil
				} else if err != nil {
					return dst, problem, err
				}
				if c == ',' || c == ']' || c == '}' || c == ':' || c <= ' ' {
					return dst, problem, nil
				}
				_, _ = s.next()
				if len(dst) < limit {
					dst = append(dst, c)
				}
			}
		}
		if depth <= 0 {
			return dst, problem, nil
		}
	}
}

// space passes over white space and returns what comes after it, unread.
func (s *splitter) space() (byte, error) {
	for {
		b, err := s.peek()
		if err != nil || b > ' ' {
			return b, err
		}
		s.pos++
	}
}

func (s *splitter) next() (byte, error) {
	b, err := s.peek()
	if err == nil {
		s.pos++
	}
	return b, err
}

func (s *splitter) peek() (byte, error) {
	for s.pos >= s.n {
		if s.err != nil {
			return 0, s.err
		}
		s.offset += int64(s.n)
		s.pos = 0
		s.n, s.err = s.src.Read(s.buf)
	}
	return s.buf[s.pos], nil
}

// cut turns the end of the file where more had to come into an error.
func (s *splitter) cut(err error) error {
	if errors.Is(err, io.EOF) {
		return errs.New(errs.InvalidInput, "The file ends in the middle. It may not have been saved or sent completely.")
	}
	return err
}

func (s *splitter) damaged(what string) error {
	return errs.Wrap(errs.InvalidInput, "The file is damaged and cannot be read further.",
		fmt.Errorf("%s at byte %d", what, s.offset+int64(s.pos)))
}
