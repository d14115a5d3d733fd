package iam

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// Bounds of what is read, far above every quota of AWS.
const (
	maxBytes = 128 << 10
	maxDepth = 24
)

// nodeKind is a type of JSON, or a choice of them where one is expected.
type nodeKind string

const (
	object  nodeKind = "object"
	list    nodeKind = "list"
	text    nodeKind = "string"
	number  nodeKind = "number"
	boolean nodeKind = "boolean"
	null    nodeKind = "null"

	textOrList nodeKind = "string_or_list"
	scalar     nodeKind = "scalar"
)

// node is a JSON value that remembers its line and the order of its keys.
// encoding/json alone keeps the last of two equal keys, and a policy that says
// Effect twice must not be read at all.
type node struct {
	kind   nodeKind
	text   string // of a string, a number, true or false
	fields []field
	items  []*node
	line   int
}

type field struct {
	key   string
	line  int
	value *node
}

// jsonError is why a text is not one JSON value.
type jsonError struct {
	code   string
	line   int
	params map[string]string
}

type reader struct {
	data  []byte
	dec   *json.Decoder
	seen  int // bytes whose lines are counted
	lines int // that end in them
}

// CheckJSON reports what keeps data from being one JSON value of at most limit
// bytes in which no key is written twice. The error is a *ParseError.
func CheckJSON(data []byte, limit int) error {
	if _, bad := readJSON(data, limit); bad != nil {
		return bad.parseError("")
	}
	return nil
}

func (e *jsonError) parseError(policy string) *ParseError {
	return &ParseError{Policy: policy, Problems: []Problem{{Code: e.code, Line: e.line, Params: e.params}}}
}

func readJSON(data []byte, limit int) (*node, *jsonError) {
	switch {
	case len(data) > limit:
		return nil, &jsonError{code: "too_large", line: 1, params: map[string]string{"limit": fmt.Sprint(limit)}}
	case !utf8.Valid(data):
		return nil, &jsonError{code: "not_utf8", line: 1}
	case len(bytes.TrimSpace(data)) == 0:
		return nil, &jsonError{code: "empty", line: 1}
	}
	r := &reader{data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	r.dec.UseNumber()
	n, bad := r.value(0)
	if bad != nil {
		return nil, bad
	}
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, &jsonError{code: "json_trailing", line: r.line()}
	}
	return n, nil
}

// line is that of the token read last.
func (r *reader) line() int {
	end := min(int(r.dec.InputOffset()), len(r.data))
	r.lines += bytes.Count(r.data[r.seen:end], []byte{'\n'})
	r.seen = end
	return 1 + r.lines
}

func (r *reader) syntax(err error) *jsonError {
	line, detail := r.line(), err.Error()
	var at *json.SyntaxError
	if errors.As(err, &at) {
		line = 1 + bytes.Count(r.data[:min(int(at.Offset), len(r.data))], []byte{'\n'})
	} else if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		detail = "unexpected end of JSON input"
	}
	return &jsonError{code: "json_syntax", line: line, params: map[string]string{"detail": detail}}
}

func (r *reader) value(depth int) (*node, *jsonError) {
	if depth > maxDepth {
		return nil, &jsonError{code: "json_depth", line: r.line(), params: map[string]string{"limit": fmt.Sprint(maxDepth)}}
	}
	token, err := r.dec.Token()
	if err != nil {
		return nil, r.syntax(err)
	}
	n := &node{line: r.line()}
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			n.kind = object
			return n, r.object(n, depth)
		}
		n.kind = list
		return n, r.list(n, depth)
	case string:
		n.kind, n.text = text, v
	case json.Number:
		n.kind, n.text = number, v.String()
	case bool:
		n.kind, n.text = boolean, fmt.Sprint(v)
	case nil:
		n.kind = null
	}
	return n, nil
}

func (r *reader) object(n *node, depth int) *jsonError {
	seen := map[string]int{}
	for r.dec.More() {
		token, err := r.dec.Token()
		if err != nil {
			return r.syntax(err)
		}
		key, line := fmt.Sprint(token), r.line()
		if first, twice := seen[key]; twice {
			return &jsonError{code: "duplicate_key", line: line, params: map[string]string{"key": key, "first": fmt.Sprint(first)}}
		}
		seen[key] = line
		value, bad := r.value(depth + 1)
		if bad != nil {
			return bad
		}
		n.fields = append(n.fields, field{key, line, value})
	}
	return r.close()
}

func (r *reader) list(n *node, depth int) *jsonError {
	for r.dec.More() {
		item, bad := r.value(depth + 1)
		if bad != nil {
			return bad
		}
		n.items = append(n.items, item)
	}
	return r.close()
}

func (r *reader) close() *jsonError {
	if _, err := r.dec.Token(); err != nil {
		return r.syntax(err)
	}
	return nil
}
