package simulate

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kakoi/internal/residency/iam"
)

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// checkFilled fails where a sentence is empty or names a parameter that it was
// not given.
func checkFilled(t testing.TB, sentences ...string) {
	t.Helper()
	for _, s := range sentences {
		if strings.TrimSpace(s) == "" || strings.HasSuffix(s, ": ") || placeholder.MatchString(s) {
			t.Errorf("%q has no text, or a parameter that was not filled", s)
		}
	}
}

// checkWords holds that everything an answer says has words in both languages.
func checkWords(t testing.TB, out Output) {
	t.Helper()
	messages := append([]Message{out.Reason}, out.Warnings...)
	for _, c := range out.Checks {
		messages = append(append(messages, c.Reason), c.Hints...)
	}
	for _, m := range messages {
		checkFilled(t, m.Text(iam.English), m.Text(iam.Japanese))
	}
	checkFilled(t, out.Text(iam.English), out.Text(iam.Japanese))
}

func TestPhrasesAreUsedAndAlikeInBothLanguages(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	source := ""
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || name == "phrase.go" {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source += string(data)
	}
	params := func(s string) string {
		found := map[string]bool{}
		for _, name := range placeholder.FindAllString(s, -1) {
			found[name] = true
		}
		return fmt.Sprint(found)
	}
	for _, phrases := range []map[string]iam.Phrase{messagePhrases, problemPhrases} {
		for code, p := range phrases {
			if !strings.Contains(source, `"`+code+`"`) {
				t.Errorf("nothing says %s", code)
			}
			if p.En == "" || p.Ja == "" || params(p.En) != params(p.Ja) {
				t.Errorf("%s: the languages differ: %q and %q", code, p.En, p.Ja)
			}
		}
	}
}
