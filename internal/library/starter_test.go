package library

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
)

func TestTheStarterSetIsWhole(t *testing.T) {
	_, set, err := starterSet()
	if err != nil {
		t.Fatal(err)
	}
	categories := map[string]map[string]int{LocaleJapanese: {}, LocaleEnglish: {}}
	commands, names := map[string]string{}, map[string]string{}
	for key, p := range set {
		categories[p.Locale][p.Category]++
		if other := commands[p.Command]; other != "" || p.Command == "" {
			t.Errorf("%s has the command %q, as has %q", key, p.Command, other)
		}
		commands[p.Command] = key
		if other := names[p.Locale+p.Name]; other != "" {
			t.Errorf("%s is called like %s", key, other)
		}
		names[p.Locale+p.Name] = key
		if p.Description == "" || len(p.Body) < 200 || !strings.HasPrefix(key, p.Locale+".") {
			t.Errorf("%s lacks a description or is short: %+v", key, p)
		}
		if (p.Kind == KindSystem) != (p.Category == "instructions") {
			t.Errorf("%s of kind %s is in %s", key, p.Kind, p.Category)
		}
		template := Parse(p.Body)
		if n := len(template.variables); (p.Kind == KindSystem) != (n == 0) {
			t.Errorf("%s of kind %s asks for %d variables", key, p.Kind, n)
		}
		// What looks like a variable is one.
		text, _, err := template.Render(nil, Facts{Now: time.Now(), Locale: p.Locale, Name: "x"}, 1<<20)
		if err != nil || strings.Contains(text, "{{") || strings.Contains(text, "}}") {
			t.Errorf("%s leaves braces: %v, %s", key, err, text)
		}
		if p.Locale == LocaleEnglish && regexp.MustCompile(`[\p{Han}\p{Hiragana}\p{Katakana}]`).MatchString(p.Name+p.Description+p.Command) {
			t.Errorf("%s is not English", key)
		}
	}
	for locale, counts := range categories {
		for _, c := range builtinCategories {
			if counts[c.id] < 3 {
				t.Errorf("%d prompts of %s in %s", counts[c.id], c.id, locale)
			}
		}
	}
}

// TestTheNextProgramRenewsWhatNobodyEdited plays an upgrade whose text differs.
func TestTheNextProgramRenewsWhatNobodyEdited(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s := New(d, audit.New(d, time.Now), time.Now)
		if err := s.InstallStarterSet(t.Context()); err != nil {
			t.Fatal(err)
		}
		have, err := s.installed(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		_, set, err := starterSet()
		if err != nil {
			t.Fatal(err)
		}
		const key = "ja.summary"
		wanted := set[key]
		wanted.Body, wanted.Command = "新しい{{文章:long}}", "faq" // which another prompt has
		for range 2 {
			err = d.Transact(t.Context(), func(ctx context.Context, tx *db.Tx) error {
				did, err := s.renewStarter(ctx, tx, key, have[key], wanted)
				if !did {
					t.Error("it was not renewed")
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if have, err = s.installed(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
		p, err := s.prompt(t.Context(), d, access.Principal{}, have[key].promptID)
		if err != nil || p.Body != wanted.Body || p.Version != 2 || p.Command != "要約" || have[key].source != wanted.checksum() || have[key].checksum != p.checksum() {
			t.Errorf("%+v, %v", p, err)
		}
	})
}
