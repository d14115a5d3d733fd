// Package label cleans and shortens the names that people give to things and
// to themselves, and folds them for searching and for telling two apart.
package label

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"kakoi/internal/errs"
)

// Clean returns name in the form it is stored: composed (NFC), without space
// around it and with single spaces inside. The error is an InvalidInput of
// field if name is empty, has more than limit characters, or holds characters
// that nobody sees (controls, direction overrides), which could make one name
// pass for another.
func Clean(field, name string, limit int) (string, error) {
	if !utf8.ValidString(name) || len(name) > 8*limit+64 {
		return "", tooLong(field, limit)
	}
	name = strings.Join(strings.Fields(norm.NFC.String(name)), " ")
	if name == "" {
		return "", errs.InField(field, "this must not be empty")
	}
	if utf8.RuneCountInString(name) > limit {
		return "", tooLong(field, limit)
	}
	if strings.ContainsFunc(name, unseen) {
		return "", errs.InField(field, "this holds a character that cannot be seen")
	}
	return name, nil
}

func tooLong(field string, limit int) error {
	return errs.InField(field, "this has more than "+strconv.Itoa(limit)+" characters").With("max", strconv.Itoa(limit))
}

// unseen reports controls and format characters. Joiners and variation
// selectors are part of how names and emoji are written and stay.
func unseen(r rune) bool {
	return r == utf8.RuneError || unicode.Is(unicode.Cc, r) || (unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d')
}

// Fold returns s in the form in which spellings that look alike are equal:
// full-width and half-width, upper and lower case, any space.
func Fold(s string) string {
	s = strings.ToLower(norm.NFKC.String(strings.ToValidUTF8(s, "")))
	s = strings.Map(func(r rune) rune {
		if r == 0 { // PostgreSQL cannot hold it
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// Pattern returns the LIKE pattern, for use with ESCAPE '!', that finds the
// folded search text anywhere in a folded column.
func Pattern(search string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(Fold(search)) + "%"
}

// Clip returns s, or its first limit characters if it has more.
func Clip(s string, limit int) string {
	n := 0
	for i := range s {
		if n == limit {
			return s[:i]
		}
		n++
	}
	return s
}

// IsID reports whether s can be an id of ours. One that cannot names nothing,
// and need not be asked for.
func IsID(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	})
}
