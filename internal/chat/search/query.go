package search

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"kakoi/internal/errs"
	"kakoi/internal/jst"
	"kakoi/internal/label"
)

// query is what a person looks for: texts that hold every word and are
// in conversations that the operators choose.
type query struct {
	words    []string  // folded, none empty
	folders  []string  // folded names; it is in one of them
	tags     []string  // folded; it has them all
	models   []string  // folded parts of the name of the answer's model
	from, to time.Time // from ≤ time < to; zero is open
	archived *bool     // nil: those put away too
}

// Bounds of what a person looks for.
const (
	maxRunes = 400
	maxWords = 20
)

// parseQuery reads words, "phrases" and operators (folder:, tag:, model:,
// before:, after:, archived:). A word with another colon in it is a word. The
// error is an InvalidInput of field q that names the operator at fault.
func parseQuery(text string) (query, error) {
	var q query
	if len([]rune(text)) > maxRunes {
		return q, errs.InField("q", "look for less at once").With("max", strconv.Itoa(maxRunes))
	}
	for _, t := range terms(text) {
		if t.operator != "" {
			if err := q.operate(t.operator, t.text); err != nil {
				return query{}, err
			}
		} else if word := label.Fold(t.text); word != "" && !slices.Contains(q.words, word) {
			q.words = append(q.words, word)
		}
	}
	if len(q.words) > maxWords {
		return query{}, errs.InField("q", "look for fewer words at once").With("max", strconv.Itoa(maxWords))
	}
	return q, nil
}

// empty reports whether nothing is looked for.
func (q query) empty() bool {
	return len(q.words)+len(q.folders)+len(q.tags)+len(q.models) == 0 && q.from.IsZero() && q.to.IsZero() && q.archived == nil
}

// term is a word or phrase, of an operator or of the text.
type term struct{ operator, text string }

var operators = []string{"folder", "tag", "model", "before", "after", "archived"}

// terms cuts a query at spaces that are not in quotes. A quote that is not
// closed goes to the end.
func terms(text string) []term {
	var out []term
	var current strings.Builder
	operator, quoted, inside := "", false, false
	end := func() {
		if current.Len() > 0 || quoted || operator != "" {
			out = append(out, term{operator, current.String()})
		}
		current.Reset()
		operator, quoted = "", false
	}
	for _, r := range text {
		switch {
		case isQuote(r):
			if !inside && current.Len() > 0 { // ab"cd" is two words
				end()
			}
			inside, quoted = !inside, true
			if !inside {
				end()
			}
		case inside:
			current.WriteRune(r)
		case unicode.IsSpace(r):
			end()
		case (r == ':' || r == '：') && operator == "" && slices.Contains(operators, label.Fold(current.String())):
			operator = label.Fold(current.String())
			current.Reset()
		default:
			current.WriteRune(r)
		}
	}
	end()
	return out
}

func isQuote(r rune) bool { return r == '"' || r == '“' || r == '”' || r == '＂' }

func (q *query) operate(operator, value string) error {
	bad := func(why string) error { return errs.InField("q", operator+": "+why).With("operator", operator) }
	if value = strings.TrimSpace(value); value == "" {
		return bad("needs a value right after the colon")
	}
	switch operator {
	case "folder":
		q.folders = append(q.folders, label.Fold(value))
	case "tag":
		q.tags = append(q.tags, label.Fold(strings.TrimPrefix(value, "#")))
	case "model":
		q.models = append(q.models, label.Fold(value))
	case "archived":
		is, ok := map[string]bool{"yes": true, "true": true, "no": false, "false": false}[label.Fold(value)]
		if !ok {
			return bad("takes yes or no")
		}
		q.archived = &is
	case "before", "after":
		day, ok := parseDay(value)
		if !ok {
			return bad("takes a day like 2026-11-22 or 令和8年11月22日")
		}
		if operator == "before" && (q.to.IsZero() || day.Before(q.to)) {
			q.to = day
		}
		if operator == "after" && day.After(q.from) {
			q.from = day
		}
	}
	return nil
}

var (
	westernDay = regexp.MustCompile(`^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?$`)
	eraDay     = regexp.MustCompile(`^(令和|平成|昭和|r|h|s)(\d{1,2}|元)[-/.年](\d{1,2})[-/.月](\d{1,2})日?$`)
	eraBefore  = map[string]int{"令和": 2018, "r": 2018, "平成": 1988, "h": 1988, "昭和": 1925, "s": 1925} // the year before its first
)

// parseDay returns the beginning of a day.
func parseDay(s string) (time.Time, bool) {
	s = label.Fold(s)
	var year int
	fields := westernDay.FindStringSubmatch(s)
	if fields != nil {
		year = atoi(fields[1])
	} else if fields = eraDay.FindStringSubmatch(s); fields != nil {
		year = eraBefore[fields[1]] + 1
		if fields[2] != "元" {
			year = eraBefore[fields[1]] + atoi(fields[2])
		}
		fields = fields[1:]
	} else {
		return time.Time{}, false
	}
	month, day := atoi(fields[2]), atoi(fields[3])
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, jst.Zone)
	return t, year > 0 && int(t.Month()) == month && t.Day() == day
}

// atoi reads digits of which the caller knows that they are few.
func atoi(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}
