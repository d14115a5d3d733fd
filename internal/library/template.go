package library

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"kakoi/internal/errs"
	"kakoi/internal/jst"
)

// VariableType says what a person is asked for.
type VariableType string

// The types of variables.
const (
	VariableText   VariableType = "text"   // a line
	VariableLong   VariableType = "long"   // a text of many lines
	VariableNumber VariableType = "number" // digits, with or without commas
	VariableDate   VariableType = "date"   // 2026-07-04; written out in the prompt's language
	VariableChoice VariableType = "choice" // one of Choices
)

// Variable is a place in a prompt that a person fills in.
type Variable struct {
	Name    string
	Type    VariableType
	Choices []string // of a choice
	Default string   // what stands there if nothing is filled in; of a date also "today"
}

// equal reports whether two places ask for the same in the same way.
func (v Variable) equal(o Variable) bool {
	return v.Name == o.Name && v.Type == o.Type && v.Default == o.Default && slices.Equal(v.Choices, o.Choices)
}

// The places that fill themselves in.
const (
	builtinToday      = "today"
	builtinWareki     = "today:wareki"
	builtinName       = "my_name"
	builtinDepartment = "my_department"
)

// Template is the body of a prompt, taken apart. The grammar:
//
//	{{name}}                    a line of text
//	{{name:long}}               a text of many lines
//	{{name:number}}             a number
//	{{name:date}}               a date
//	{{name:choice:A|B|C}}       one of several
//	{{name:text=default}}       any type may have a default after "="
//	{{today}} {{today:wareki}} {{my_name}} {{my_department}}
//
// A name is letters and digits of any language with spaces and a few signs
// between them; ":", "|" and "=" may be full-width. The same name is the same
// variable everywhere, and only one place needs to tell its type. \{{ is a
// literal {{, and \\{{ a backslash before a variable. Whatever else is in
// braces is text: templates of other programs pass through unchanged.
type Template struct {
	pieces    []piece
	variables []Variable
	conflicts []string // names that are declared in two ways
}

// piece is literal text, a built-in or a variable.
type piece struct {
	text     string
	builtin  string
	variable int // index in Template.variables if neither of the others
}

// maxPlaceholder bounds what may stand between two pairs of braces, in bytes.
const maxPlaceholder = 8 << 10

// Parse takes body apart. Every text is a template: what is not of the grammar
// is literal.
func Parse(body string) Template {
	var t Template
	var literal strings.Builder
	known := map[string]int{}
	typed := map[int]bool{}
	rest := 0 // where what has not been read begins
	for rest < len(body) {
		found := strings.Index(body[rest:], "{{")
		if found < 0 {
			break
		}
		at := rest + found
		slashes := at
		for slashes > rest && body[slashes-1] == '\\' {
			slashes--
		}
		n := at - slashes
		literal.WriteString(body[rest:slashes])
		if n%2 == 1 {
			literal.WriteString(strings.Repeat(`\`, n/2) + "{{")
			rest = at + 2
			continue
		}
		p, v, explicit, length := placeholder(body[at:])
		if length == 0 {
			literal.WriteString(body[slashes : at+1])
			rest = at + 1
			continue
		}
		literal.WriteString(strings.Repeat(`\`, n/2))
		if literal.Len() > 0 {
			t.pieces = append(t.pieces, piece{text: literal.String()})
			literal.Reset()
		}
		if p.builtin == "" {
			i, seen := known[v.Name]
			switch {
			case !seen:
				i = len(t.variables)
				known[v.Name] = i
				t.variables = append(t.variables, v)
				typed[i] = explicit
			case explicit && !typed[i]:
				t.variables[i], typed[i] = v, true
			case explicit && !t.variables[i].equal(v):
				t.conflicts = append(t.conflicts, v.Name)
			}
			p.variable = i
		}
		t.pieces = append(t.pieces, p)
		rest = at + length
	}
	literal.WriteString(body[rest:])
	if literal.Len() > 0 {
		t.pieces = append(t.pieces, piece{text: literal.String()})
	}
	return t
}

// A name starts with a letter or a digit, so that {{#if}}, {{> part}} and
// {{$value}} of other programs stay what they are.
var variableName = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{M}\p{N} _・、。，．？?！!/／（）()「」〜～’'\-－]*$`)

const maxVariableName = 60 // characters

// placeholder reads what s, which begins with "{{", asks for. Its length is 0
// if it asks for nothing.
func placeholder(s string) (p piece, v Variable, explicit bool, length int) {
	inside, length := between(s)
	if length == 0 {
		return p, v, false, 0
	}
	name, spec, colon := cutAny(inside, ":：")
	name = strings.Join(strings.Fields(norm.NFC.String(name)), " ")
	if utf8.RuneCountInString(name) > maxVariableName || !variableName.MatchString(name) {
		return p, v, false, 0
	}
	spec = strings.TrimSpace(spec)
	switch {
	case name == builtinToday && colon && strings.EqualFold(spec, "wareki"):
		return piece{builtin: builtinWareki}, v, false, length
	case name == builtinToday || name == builtinName || name == builtinDepartment:
		if colon {
			return p, v, false, 0
		}
		return piece{builtin: name}, v, false, length
	case !colon:
		return p, Variable{Name: name, Type: VariableText}, false, length
	}
	v, ok := variableOf(name, spec)
	if !ok {
		return p, v, false, 0
	}
	return p, v, true, length
}

// between returns what stands between the braces that s begins with and the
// next closing ones on the same line, and the length of all of it.
func between(s string) (inside string, length int) {
	s = s[:min(len(s), maxPlaceholder)]
	for i := 2; i < len(s); i++ {
		switch s[i] {
		case '{', '\n', '\r', 0:
			return "", 0
		case '}':
			if i+1 < len(s) && s[i+1] == '}' {
				return s[2:i], i + 2
			}
		}
	}
	return "", 0
}

// cutAny is strings.Cut at the first of the characters in seps.
func cutAny(s, seps string) (before, after string, found bool) {
	i := strings.IndexAny(s, seps)
	if i < 0 {
		return s, "", false
	}
	_, size := utf8.DecodeRuneInString(s[i:])
	return s[:i], s[i+size:], true
}

// variableOf reads what follows the name: type, choices and default.
func variableOf(name, spec string) (Variable, bool) {
	word, _, _ := cutAny(spec, ":：=＝")
	v := Variable{Name: name, Type: VariableType(strings.ToLower(strings.TrimSpace(word)))}
	rest := spec[len(word):]
	switch v.Type {
	case VariableText, VariableLong, VariableNumber, VariableDate:
		before, preset, has := cutAny(rest, "=＝")
		if before != "" {
			return v, false
		}
		if has {
			v.Default = strings.TrimSpace(preset)
		}
		return v, true
	case VariableChoice:
		before, list, has := cutAny(rest, ":：")
		if !has || before != "" {
			return v, false
		}
		// "=" belongs to the choices unless one of them follows it.
		if i := strings.LastIndexAny(list, "=＝"); i >= 0 {
			_, size := utf8.DecodeRuneInString(list[i:])
			preset, choices := strings.TrimSpace(list[i+size:]), choicesOf(list[:i])
			if slices.Contains(choices, preset) {
				v.Choices, v.Default = choices, preset
				return v, true
			}
		}
		v.Choices = choicesOf(list)
		return v, len(v.Choices) > 0
	}
	return v, false
}

func choicesOf(list string) []string {
	var out []string
	for _, c := range strings.FieldsFunc(list, func(r rune) bool { return r == '|' || r == '｜' }) {
		if c = strings.TrimSpace(c); c != "" && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// Escape returns the body that renders to text, whatever text holds.
func Escape(text string) string {
	var b strings.Builder
	for text != "" {
		found := strings.Index(text, "{{")
		if found < 0 {
			break
		}
		slashes := found
		for slashes > 0 && text[slashes-1] == '\\' {
			slashes--
		}
		n := found - slashes
		b.WriteString(text[:slashes] + strings.Repeat(`\`, 2*n+1) + "{{")
		text = text[found+2:]
	}
	b.WriteString(text)
	return b.String()
}

// Variables returns what the template asks for, in the order of the text.
func (t Template) Variables() []Variable { return slices.Clone(t.variables) }

const (
	maxVariables = 50
	maxChoices   = 100
)

// check refuses what a person could not have meant.
func (t Template) check(field string) error {
	if len(t.variables) > maxVariables {
		return errs.InField(field, fmt.Sprintf("a prompt asks for at most %d variables", maxVariables))
	}
	if len(t.conflicts) > 0 {
		return errs.InField(field, "a variable is declared in two ways").With("variable", t.conflicts[0])
	}
	for _, v := range t.variables {
		if len(v.Choices) > maxChoices {
			return errs.InField(field, fmt.Sprintf("a variable has at most %d choices", maxChoices)).With("variable", v.Name)
		}
		if v.Default == "" || v.Type == VariableDate && v.Default == builtinToday {
			continue
		}
		if _, err := v.write(v.Default, Facts{}); err != nil {
			return errs.InField(field, "the default of a variable is not of its type").With("variable", v.Name)
		}
	}
	return nil
}

// Facts are what the built-in variables say.
type Facts struct {
	Now        time.Time
	Locale     string // "ja" or "en": how dates are written
	Name       string
	Department string // "" if unknown
}

// Render fills the template in. Values are put in once and never read as a
// template. One that is missing or blank gives way to the default; names
// without either come back as missing, with nothing in their place. The error
// is of the field values.<name> if a value is not of its type, or has code
// TooLarge if the text would have more than limit bytes.
func (t Template) Render(values map[string]string, facts Facts, limit int) (text string, missing []string, err error) {
	filled := make([]string, len(t.variables))
	for i, v := range t.variables {
		value := values[v.Name]
		if strings.TrimSpace(value) == "" {
			value = v.Default
			if v.Type == VariableDate && value == builtinToday {
				value = facts.Now.In(jst.Zone).Format(time.DateOnly)
			}
		}
		if value == "" {
			missing = append(missing, v.Name)
			continue
		}
		if filled[i], err = v.write(value, facts); err != nil {
			return "", nil, err
		}
	}
	var size int
	out := make([]string, len(t.pieces))
	for i, p := range t.pieces {
		switch {
		case p.text != "":
			out[i] = p.text
		case p.builtin != "":
			out[i] = facts.say(p.builtin)
		default:
			out[i] = filled[p.variable]
		}
		if size += len(out[i]); size > limit {
			return "", nil, errs.Newf(errs.TooLarge, "the text would be longer than %d bytes", limit)
		}
	}
	return strings.Join(out, ""), missing, nil
}

func (f Facts) say(builtin string) string {
	switch builtin {
	case builtinToday:
		return writtenDate(f.Now.In(jst.Zone), f.Locale)
	case builtinWareki:
		return wareki(f.Now.In(jst.Zone))
	case builtinName:
		return f.Name
	default:
		return f.Department
	}
}

var number = regexp.MustCompile(`^[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?$`)

// write returns value as it stands in the text.
func (v Variable) write(value string, facts Facts) (string, error) {
	wrong := func(message string) error {
		return errs.InField("values."+v.Name, message).With("variable", v.Name)
	}
	switch v.Type {
	case VariableNumber:
		// As an IME leaves it: full-width digits, a minus of any kind.
		value = strings.NewReplacer("−", "-", "ー", "-").Replace(norm.NFKC.String(strings.TrimSpace(value)))
		if !number.MatchString(value) {
			return "", wrong("this must be a number")
		}
	case VariableDate:
		day, err := time.Parse(time.DateOnly, norm.NFKC.String(strings.TrimSpace(value)))
		if err != nil {
			return "", wrong("this must be a date like 2026-07-04")
		}
		return writtenDate(day, facts.Locale), nil
	case VariableChoice:
		if value = strings.TrimSpace(value); !slices.Contains(v.Choices, value) {
			return "", wrong("this must be one of the choices")
		}
	case VariableText, VariableLong:
	}
	return value, nil
}

func writtenDate(t time.Time, locale string) string {
	if locale == LocaleEnglish {
		return t.Format("2 January 2006")
	}
	return t.Format("2006年1月2日")
}

// eras of the calendar that public documents count in, the last first.
var eras = []struct {
	name  string
	first time.Time
}{
	{"令和", day(2019, time.May, 1)},
	{"平成", day(1989, time.January, 8)},
	{"昭和", day(1926, time.December, 25)},
	{"大正", day(1912, time.July, 30)},
	{"明治", day(1868, time.January, 25)},
}

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, jst.Zone) }

// wareki writes a day as 令和8年7月4日; before Meiji it counts as the world does.
func wareki(t time.Time) string {
	for _, e := range eras {
		if t.Before(e.first) {
			continue
		}
		year := fmt.Sprint(t.Year() - e.first.Year() + 1)
		if year == "1" {
			year = "元"
		}
		return fmt.Sprintf("%s%s年%d月%d日", e.name, year, int(t.Month()), t.Day())
	}
	return writtenDate(t, LocaleJapanese)
}
