package search

import (
	"strings"
	"testing"

	"kakoi/internal/errs"
	"kakoi/internal/label"
)

func FuzzParseQuery(f *testing.F) {
	for _, s := range []string{"予算 案", `"a b" c`, "tag:x folder:\"y z\"", "before:2026-01-01 after:令和元年5月1日", "：", "archived：yes", `"`, `a"b"c`, "http://x/ 10:30", "tag:", "\x00\xff", "＂ab“"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := parseQuery(s)
		if err != nil {
			if errs.CodeOf(err) != errs.InvalidInput {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		for _, w := range q.words {
			if w == "" || w != label.Fold(w) {
				t.Errorf("%q has the word %q", s, w)
			}
			if p := wordPhrase("anna", w); strings.Count(p, `"`) != 2 {
				t.Errorf("%q becomes %q", w, p)
			}
		}
	})
}
