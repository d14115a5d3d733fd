package errs_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kakoi/internal/errs"
	"kakoi/internal/errs/errstest"
)

// text is what a locale says about a code.
func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile("../../" + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// declared returns the codes of errs.go by their Go names.
func declared(t *testing.T) map[string]string {
	t.Helper()
	codes := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\t(\w+)\s+Code = "([a-z_]+)"`).FindAllStringSubmatch(read(t, "internal/errs/errs.go"), -1) {
		codes[m[1]] = m[2]
	}
	if len(codes) < 30 {
		t.Fatalf("found only %d codes in errs.go", len(codes))
	}
	return codes
}

// statuses returns the HTTP status of each code, by its Go name.
func statuses(t *testing.T) map[string]int {
	t.Helper()
	numbers := map[string]int{}
	for n := 100; n < 600; n++ {
		numbers["Status"+strings.ReplaceAll(http.StatusText(n), " ", "")] = n
	}
	found := map[string]int{}
	for _, m := range regexp.MustCompile(`errs\.(\w+):\s+http\.(Status\w+)`).FindAllStringSubmatch(read(t, "internal/server/problem.go"), -1) {
		found[m[1]] = numbers[m[2]]
	}
	return found
}

// sections returns the text of docs/errors.md by its headings of codes.
func sections(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, section := range strings.Split(read(t, "docs/errors.md"), "\n### ")[1:] {
		heading, body, _ := strings.Cut(section, "\n")
		found[heading] = body
	}
	return found
}

func TestTheDocumentExplainsEveryCodeInTheWordsOfTheInterface(t *testing.T) {
	documented, status, locales := sections(t), statuses(t), errstest.Locales(t)
	var headings []string
	for name, code := range declared(t) {
		heading := fmt.Sprintf("`%s` (%d)", code, status[name])
		headings = append(headings, heading)
		body, ok := documented[heading]
		if !ok {
			t.Errorf("docs/errors.md has no section %s", heading)
			continue
		}
		for language, texts := range locales {
			words, ok := texts[errs.Code(code)]
			if !ok || words.What == "" || words.Todo == "" {
				t.Errorf("web/src/locales/%s/errors.json does not say what happened and what to do for %s", language, code)
			} else if !strings.Contains(body, "**"+words.What) || !strings.Contains(body, "*"+words.Todo+"*") {
				t.Errorf("the section %s of docs/errors.md differs from the words of the interface in %s", heading, language)
			}
			for reason, words := range texts[errs.Code(code)].Reasons {
				_, part, _ := strings.Cut(body, "\n- `"+reason+"`\n")
				if part, _, _ = strings.Cut(part, "\n- "); !strings.Contains(part, "**"+words.What) || !strings.Contains(part, "*"+words.Todo+"*") {
					t.Errorf("the reason %s of %s in docs/errors.md differs from the words of the interface in %s", reason, heading, language)
				}
			}
			for _, m := range regexp.MustCompile("(?m)^- `([a-z_]+)`$").FindAllStringSubmatch(body, -1) {
				if _, ok := texts[errs.Code(code)].Reasons[m[1]]; !ok {
					t.Errorf("docs/errors.md explains the reason %s of %s, which has no words in %s", m[1], heading, language)
				}
			}
		}
	}
	_, alone, _ := strings.Cut(read(t, "docs/errors.md"), "\n## In the browser alone")
	for language, texts := range locales {
		for _, code := range []errs.Code{"unreachable", "unknown"} {
			if words := texts[code]; !strings.Contains(alone, "**"+words.What) || !strings.Contains(alone, "*"+words.Todo+"*") {
				t.Errorf("docs/errors.md differs from the words of the interface for %s in %s", code, language)
			}
		}
	}
	for heading := range documented {
		if !slices.Contains(headings, heading) {
			t.Errorf("docs/errors.md explains %s, which is no code, or not its status", heading)
		}
	}
}
