package search

import (
	"fmt"
	"strings"
	"testing"

	"kakoi/internal/label"
)

func TestASnippetIsCutAroundWhatWasFound(t *testing.T) {
	long := strings.Repeat("あ", 500) + "ﾊﾞｽの予算" + strings.Repeat("い", 500)
	for _, tt := range []struct {
		name, text, words, want string
	}{
		{"short texts are whole", "来年度の予算", "予算", "来年度の[予算]"},
		{"what was written is shown, not how it was folded", "ＡＢＣ㌔とﾊﾞｽ", "abc バス キロ", "[ＡＢＣ㌔]と[ﾊﾞｽ]"},
		{"long texts are cut", long, "バスの予算", "…" + strings.Repeat("あ", 30) + "[ﾊﾞｽの予算]" + strings.Repeat("い", 85) + "…"},
		{"lines are one", "上の行\n\n  下の行", "行 下", "上の[行]  [下]の[行]"},
		{"nothing is looked for", "題名", "", "題名"},
		{"words that meet", "予算案", "予算 算案", "[予算案]"},
		{"emoji stay whole", "👩‍👩‍👧家族", "族", "👩‍👩‍👧家[族]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pieces, found := snippet(tt.text, strings.Fields(label.Fold(tt.words)))
			var got strings.Builder
			for _, p := range pieces {
				if p.Match {
					fmt.Fprintf(&got, "[%s]", p.Text)
				} else {
					got.WriteString(p.Text)
				}
			}
			if want := strings.ReplaceAll(tt.want, "  ", " "); got.String() != want || !found {
				t.Errorf("got  %q, %t\nwant %q", got.String(), found, want)
			}
		})
	}
}

// A place is that of the same text that label.Fold makes.
func FuzzFoldPlaces(f *testing.F) {
	for _, s := range []string{"ﾊﾞｽ ＡＢ\n c", "e\u0301", "\xffa\x00b", "İ㌔ ﷺ", "  x  ", "각", "a\u3000\u3000b", "葛\U000E0100"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p := foldPlaces(strings.ToValidUTF8(s, ""))
		if want := label.Fold(s); p.folded != want {
			t.Fatalf("%q is folded to %q, not %q", s, p.folded, want)
		}
		if len(p.from) != len(p.folded) || len(p.to) != len(p.folded) {
			t.Fatalf("%q: %d places of %d bytes", s, len(p.from), len(p.folded))
		}
		_, _ = snippet(s, strings.Fields(label.Fold(s)))
	})
}
