package imports

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// The types below read what a field of an export usually is and take anything
// else for absent: one odd field must not cost a conversation.

// str is a text; a number is taken for its digits.
type str string

// UnmarshalJSON implements json.Unmarshaler.
func (s *str) UnmarshalJSON(b []byte) error {
	*s = ""
	switch {
	case b[0] == '"':
		var v string
		if err := json.Unmarshal(b, &v); err != nil {
			return err
		}
		*s = str(clean(v))
	case b[0] == '-' || b[0] >= '0' && b[0] <= '9':
		*s = str(b)
	}
	return nil
}

// yes is a boolean, also as 0 and 1.
type yes bool

// UnmarshalJSON implements json.Unmarshaler.
func (y *yes) UnmarshalJSON(b []byte) error {
	*y = string(b) == "true" || string(b) == "1" || string(b) == `"true"`
	return nil
}

// stamp is a time: of Unix in seconds, milliseconds or finer, as a number or
// as digits, or written out. What is none, or before 1990, is zero.
type stamp struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (t *stamp) UnmarshalJSON(b []byte) error {
	t.Time = time.Time{}
	var s str
	if err := s.UnmarshalJSON(b); err != nil {
		return err
	}
	t.Time = parseTime(strings.TrimSpace(string(s)))
	return nil
}

func parseTime(s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	if v, err := strconv.ParseFloat(s, 64); err == nil {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return time.Time{}
		}
		for v >= 1e11 { // milliseconds or finer
			v /= 1000
		}
		if v < 631152000 {
			return time.Time{}
		}
		return time.UnixMilli(int64(math.Round(v * 1000))).UTC()
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1990 && t.Year() < 5000 {
			return t.UTC()
		}
	}
	return time.Time{}
}

// list is a list of things of one type; those of another type are left out.
type list[T any] []T

// UnmarshalJSON implements json.Unmarshaler.
func (l *list[T]) UnmarshalJSON(b []byte) error {
	*l = nil
	if b[0] != '[' {
		return nil
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	for _, r := range raw {
		var v T
		if string(r) != "null" && decode(r, &v) == nil {
			*l = append(*l, v)
		}
	}
	return nil
}

// shape is the first byte of a member, or 0 if there is none.
type shape byte

// UnmarshalJSON implements json.Unmarshaler.
func (s *shape) UnmarshalJSON(b []byte) error {
	*s = shape(b[0])
	return nil
}

// member is one of an object, in the order of the file.
type member struct {
	name  string
	value json.RawMessage
}

// members returns those of an object in their order, which a map would lose.
func members(object []byte) ([]member, error) {
	if len(object) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, err
	}
	var out []member
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := t.(string)
		m := member{name: name}
		if err := d.Decode(&m.value); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// decode is json.Unmarshal, but for members of another type than expected,
// which it leaves out.
func decode(b []byte, v any) error {
	err := json.Unmarshal(b, v)
	if mismatch := (*json.UnmarshalTypeError)(nil); errors.As(err, &mismatch) {
		return nil
	}
	return err
}

// object unmarshals b into v and reports whether it is an object.
func object(b json.RawMessage, v any) bool {
	return len(b) > 0 && b[0] == '{' && decode(b, v) == nil
}

// clean removes what a database cannot hold.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "")
}

// line returns s as a title or a name: on one line, without controls.
func line(s str) string {
	return strings.Join(strings.FieldsFunc(string(s), func(r rune) bool {
		return unicode.IsSpace(r) && r != '　' || unicode.IsControl(r)
	}), " ")
}
