package library

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kakoi/internal/errs"
)

var facts = Facts{Now: time.Date(2026, time.July, 3, 15, 30, 0, 0, time.UTC), Locale: "ja", Name: "山田 太郎"} // the 4th in Japan

func TestWhatATemplateAsksFor(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       []Variable
	}{
		{"nothing", "こんにちは", nil},
		{"a line", "{{件名}}", []Variable{{Name: "件名", Type: VariableText}}},
		{"space around the name", "{{ 宛 先 }}", []Variable{{Name: "宛 先", Type: VariableText}}},
		{"each type", "{{a:long}}{{b:number}}{{c:date}}{{d:text}}", []Variable{
			{Name: "a", Type: VariableLong}, {Name: "b", Type: VariableNumber}, {Name: "c", Type: VariableDate}, {Name: "d", Type: VariableText}}},
		{"choices", "{{調子:choice:丁寧| 簡潔 |やわらかい}}", []Variable{{Name: "調子", Type: VariableChoice, Choices: []string{"丁寧", "簡潔", "やわらかい"}}}},
		{"a choice with a default", "{{x:choice:A|B=B}}", []Variable{{Name: "x", Type: VariableChoice, Choices: []string{"A", "B"}, Default: "B"}}},
		{"a choice that holds an equals sign", "{{x:choice:a=b|c}}", []Variable{{Name: "x", Type: VariableChoice, Choices: []string{"a=b", "c"}}}},
		{"a choice that holds a colon", "{{時刻:choice:9:00|13:00}}", []Variable{{Name: "時刻", Type: VariableChoice, Choices: []string{"9:00", "13:00"}}}},
		{"defaults", "{{a:text=総務課 御中}}{{n:number=3}}{{d:date=today}}", []Variable{
			{Name: "a", Type: VariableText, Default: "総務課 御中"}, {Name: "n", Type: VariableNumber, Default: "3"}, {Name: "d", Type: VariableDate, Default: "today"}}},
		{"separators as an IME writes them", "{{調子：choice：丁寧｜簡潔＝簡潔}}", []Variable{{Name: "調子", Type: VariableChoice, Choices: []string{"丁寧", "簡潔"}, Default: "簡潔"}}},
		{"one variable in two places", "{{件名}} … {{件名}}", []Variable{{Name: "件名", Type: VariableText}}},
		{"the place that tells the type decides", "{{本文}} {{本文:long}} {{本文}}", []Variable{{Name: "本文", Type: VariableLong}}},
		{"composed and decomposed letters are one name", "{{が}}{{か\u3099}}", []Variable{{Name: "が", Type: VariableText}}},
		{"names with signs", "{{対象（部・課）}}{{what's new?}}", []Variable{{Name: "対象（部・課）", Type: VariableText}, {Name: "what's new?", Type: VariableText}}},
		{"built-ins ask for nothing", "{{today}}{{today:wareki}}{{my_name}}{{ my_department }}", nil},
		{"the innermost braces count", "{{{x}}}", []Variable{{Name: "x", Type: VariableText}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Parse(tt.body).Variables()); diff != "" {
				t.Errorf("variables of %s (-want +got):\n%s", tt.body, diff)
			}
		})
	}
}

func TestForeignBracesStayAsTheyAre(t *testing.T) {
	for _, body := range []string{
		"{", "{{", "{{}}", "{{ }}", "}}", "{x}", "{{x", "{{x}", "{{a\nb}}", "{{#if x}}", "{{/if}}", "{{> part}}", "{{$value}}", "{{a.b}}", "{{ x | upper }}",
		"{{x:unknown}}", "{{x:number:3}}", "{{x:choice}}", "{{x:choice:}}", "{{x:choice:|}}", "{{today:date}}", "{{my_name:text}}", "{{a=b}}", "{{:text}}",
		"{{" + strings.Repeat("長", maxVariableName+1) + "}}", `C:\dir\{x}`, `\{`, "${{ secrets }}"[:3], "{{a{b}}", `\\{{#}}`,
	} {
		text, missing, err := Parse(body).Render(nil, facts, 1<<20)
		if err != nil || text != body || len(missing) > 0 {
			t.Errorf("%q becomes %q (missing %v, %v)", body, text, missing, err)
		}
	}
}

func TestABackslashKeepsBraces(t *testing.T) {
	for body, want := range map[string]string{
		`\{{x}}`:           `{{x}}`,
		`\\{{x}}`:          `\X`,
		`\\\{{x}}`:         `\{{x}}`,
		`\\\\{{x}}`:        `\\X`,
		`C:\a\{{x}}`:       `C:\a{{x}}`,
		`\n {{x}} \`:       `\n X \`,
		`{{x}}\{{x}}{{x}}`: `X{{x}}X`,
	} {
		if text, _, err := Parse(body).Render(map[string]string{"x": "X"}, facts, 100); err != nil || text != want {
			t.Errorf("%s becomes %s, %v; want %s", body, text, err, want)
		}
	}
}

func TestHowValuesAreWritten(t *testing.T) {
	english := facts
	english.Locale = "en"
	for _, tt := range []struct {
		name, body, value string
		facts             Facts
		want              string
	}{
		{"a text, as it is", "[{{x}}]", " a\nb ", facts, "[ a\nb ]"},
		{"a value that looks like a variable", "{{x}}", "{{today}} {{x}}", facts, "{{today}} {{x}}"},
		{"a value with an escape", "{{x}}", `\{{x}}`, facts, `\{{x}}`},
		{"a number", "{{x:number}}円", "１，２３４．５", facts, "1,234.5円"},
		{"a negative number from an IME", "{{x:number}}", "ー３", facts, "-3"},
		{"a date in Japanese", "{{x:date}}", "2026-04-01", facts, "2026年4月1日"},
		{"a date in English", "{{x:date}}", "2026-04-01", english, "1 April 2026"},
		{"a choice", "{{x:choice:A|B}}", " B ", facts, "B"},
		{"a default", "{{x:text=なし}}", "", facts, "なし"},
		{"a default for a blank", "{{x:text=なし}}", "  \n", facts, "なし"},
		{"a default that is today", "{{x:date=today}}", "", facts, "2026年7月4日"},
		{"today, in Japan", "{{today}}", "", facts, "2026年7月4日"},
		{"today in English", "{{today}}", "", english, "4 July 2026"},
		{"today in 和暦", "{{today:wareki}}", "", facts, "令和8年7月4日"},
		{"who I am", "{{my_name}}／{{my_department}}", "", facts, "山田 太郎／"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, missing, err := Parse(tt.body).Render(map[string]string{"x": tt.value}, tt.facts, 1000)
			if err != nil || got != tt.want || len(missing) > 0 {
				t.Errorf("%q, missing %v, %v; want %q", got, missing, err, tt.want)
			}
		})
	}
}

func TestWhatIsNotFilledInIsTold(t *testing.T) {
	text, missing, err := Parse("{{a}}/{{b}}/{{c:number}}").Render(map[string]string{"b": "x"}, facts, 100)
	if diff := cmp.Diff([]string{"a", "c"}, missing); err != nil || text != "/x/" || diff != "" {
		t.Errorf("%q, %v, missing (-want +got):\n%s", text, err, diff)
	}
}

func TestAValueOfAnotherTypeIsRefused(t *testing.T) {
	for body, value := range map[string]string{
		"{{x:number}}": "三", "{{x:number }}": "1,23", "{{x:date}}": "2026-02-30", "{{x: date}}": "令和8年", "{{x:choice:A|B}}": "C",
	} {
		_, _, err := Parse(body).Render(map[string]string{"x": value}, facts, 100)
		known, ok := err.(*errs.Error) //nolint:errorlint // made here, not wrapped
		if !ok || known.Code != errs.InvalidInput || known.Field != "values.x" {
			t.Errorf("%s with %q: %v", body, value, err)
		}
	}
	if _, _, err := Parse(strings.Repeat("{{x}}", 50)).Render(map[string]string{"x": "0123456789"}, facts, 499); errs.CodeOf(err) != errs.TooLarge {
		t.Errorf("a text over the limit: %v", err)
	}
}

func TestWhatNobodyCanMeanIsRefused(t *testing.T) {
	var many strings.Builder
	for i := range maxVariables + 1 {
		many.WriteString("{{v" + strings.Repeat("x", i) + "}}")
	}
	for name, body := range map[string]string{
		"two types": "{{x:number}}{{x:date}}", "two defaults": "{{x:text=a}}{{x:text=b}}", "a default of another type": "{{x:number=drei}}",
		"a date that is none": "{{x:date=tomorrow}}", "too many variables": many.String(),
		"too many choices": "{{x:choice:" + strings.Repeat("a|", 3) + manyChoices() + "}}",
	} {
		if err := Parse(body).check("body"); errs.CodeOf(err) != errs.InvalidInput {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Parse("{{x}}{{x:number=3}}{{x:number=3}}{{d:date=today}}").check("body"); err != nil {
		t.Errorf("the same said twice: %v", err)
	}
}

func manyChoices() string {
	var b strings.Builder
	for i := range maxChoices + 1 {
		b.WriteString("|" + strings.Repeat("b", i+1))
	}
	return b.String()
}

func TestTheErasOfTheCalendar(t *testing.T) {
	for at, want := range map[time.Time]string{
		day(2019, time.May, 1): "令和元年5月1日", day(2019, time.April, 30): "平成31年4月30日", day(1989, time.January, 7): "昭和64年1月7日",
		day(1926, time.December, 25): "昭和元年12月25日", day(1912, time.July, 29): "明治45年7月29日", day(1800, time.January, 1): "1800年1月1日",
	} {
		if got := wareki(at); got != want {
			t.Errorf("%s is %s, want %s", at.Format(time.DateOnly), got, want)
		}
	}
}

// FuzzTemplate holds what must be true of every text.
func FuzzTemplate(f *testing.F) {
	for _, seed := range [][2]string{
		{"{{件名}} {{本文:long}}", "{{件名}}"}, {`\{{x}} \\{{x}}`, `\`}, {"{{{{x}}}}", "}}"}, {"{{x:choice:A|B=B}}", "A"},
		{"{{today:wareki}}{{my_name}}", "{{today}}"}, {"{{x:number=3}}{{x：date}}", "３"}, {"{{\xff}}", "\x00"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, body, value string) {
		const limit = 64 << 20
		// A text that is escaped is itself again, and asks for nothing.
		escaped := Parse(Escape(body))
		if text, missing, err := escaped.Render(nil, facts, limit); err != nil || text != body || len(missing) > 0 || len(escaped.variables) > 0 {
			t.Errorf("%q, escaped %q, renders to %q (%v, %v)", body, Escape(body), text, missing, err)
		}
		template := Parse(body)
		seen := map[string]bool{}
		values := map[string]string{}
		for _, v := range template.variables {
			if seen[v.Name] || v.Name == "" || strings.ContainsAny(v.Name, "{}|=:") || (v.Type == VariableChoice) != (len(v.Choices) > 0) {
				t.Errorf("%q asks for %+v", body, v)
			}
			seen[v.Name] = true
			if v.Type == VariableText || v.Type == VariableLong {
				values[v.Name] = value
			}
		}
		if len(values) < len(template.variables) || strings.TrimSpace(value) == "" {
			return
		}
		// A value stands where its variable stood, and is not read again: what
		// comes out is the same as with a value that could not be read at all.
		const mark = "\U0010fffd"
		if strings.Contains(body, mark) || strings.Contains(value, mark) {
			return
		}
		marks := map[string]string{}
		for name := range values {
			marks[name] = mark
		}
		got, _, err := template.Render(values, facts, limit)
		marked, _, markedErr := template.Render(marks, facts, limit)
		if err != nil || markedErr != nil || got != strings.ReplaceAll(marked, mark, value) {
			t.Errorf("%q with %q becomes %q (%v, %v)", body, value, got, err, markedErr)
		}
	})
}
