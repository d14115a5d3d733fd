package doctor_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kakoi/internal/doctor"
)

type texts struct {
	Step, Status, Mark, Fact map[string]string
	Code                     map[string]struct{ What, Cause, Remedy string }
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile("../../" + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEveryCodeIsExplainedInBothLanguagesAndInTheDocuments(t *testing.T) {
	gap := regexp.MustCompile(`\{\{(\w+)\}\}`)
	var codes []string
	for _, c := range doctor.Codes() {
		codes = append(codes, string(c))
	}
	if len(slices.Compact(slices.Clone(codes))) != len(codes) {
		t.Error("a code stands for two things")
	}
	gaps := map[string][]string{}
	for _, language := range []string{"ja", "en"} {
		var in texts
		if err := json.Unmarshal([]byte(read(t, "web/src/locales/"+language+"/doctor.json")), &in); err != nil {
			t.Fatal(err)
		}
		document := read(t, map[string]string{"ja": "docs/doctor.ja.md", "en": "docs/doctor.md"}[language])
		for _, code := range codes {
			words, ok := in.Code[code]
			if !ok || words.What == "" || words.Cause == "" || words.Remedy == "" {
				t.Errorf("%s is not explained in %s", code, language)
				continue
			}
			_, section, found := strings.Cut(document, "#### `"+code+"`\n")
			section, _, _ = strings.Cut(section, "\n#")
			for _, text := range []string{words.What, words.Cause, words.Remedy} {
				if !found || !strings.Contains(section, gap.ReplaceAllString(text, "‹$1›")) {
					t.Errorf("the document in %s does not say of %s: %s", language, code, text)
				}
			}
			var named []string
			for _, m := range gap.FindAllStringSubmatch(words.What+words.Cause+words.Remedy, -1) {
				named = append(named, m[1])
			}
			slices.Sort(named)
			named = slices.Compact(named)
			if before, other := gaps[code]; other && !slices.Equal(before, named) {
				t.Errorf("%s names %v in one language and %v in the other", code, before, named)
			}
			gaps[code] = named
		}
		for code := range in.Code {
			if !slices.Contains(codes, code) {
				t.Errorf("%s is explained in %s and is no code", code, language)
			}
		}
		for _, status := range []doctor.Status{doctor.OK, doctor.Warning, doctor.Failed, doctor.Unknown, doctor.Skipped} {
			if in.Status[string(status)] == "" || in.Mark[string(status)] == "" {
				t.Errorf("the status %s has no word in %s", status, language)
			}
		}
	}
}
