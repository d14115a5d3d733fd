// Package errstest knows the words that the interface has for errors, so that
// tests hold them together with what gives the errors.
package errstest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"kakoi/internal/errs"
)

// Text is what happened and what to do.
type Text struct{ What, Todo string }

// Words are those of a code, and of its reasons that have words of their own.
type Words struct {
	Text
	Reasons map[string]Text
}

// Locales returns the words of each code by language, as the interface has them.
func Locales(tb testing.TB) map[string]map[errs.Code]Words {
	tb.Helper()
	locales := make(map[string]map[errs.Code]Words)
	for _, language := range []string{"ja", "en"} {
		b, err := os.ReadFile(filepath.Join(root(tb), "web/src/locales", language, "errors.json"))
		if err != nil {
			tb.Fatal(err)
		}
		var words map[errs.Code]Words
		if err := json.Unmarshal(b, &words); err != nil {
			tb.Fatal(err)
		}
		locales[language] = words
	}
	return locales
}

// root is the folder of the repository, above the package that is tested.
func root(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			tb.Fatal("there is no go.mod above this package")
		}
		dir = filepath.Dir(dir)
	}
}
