package label_test

import (
	"strings"
	"testing"

	"kakoi/internal/errs"
	"kakoi/internal/label"
)

func TestCleanKeepsWhatPeopleAreCalled(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"a Japanese name", "山田　太郎", "山田 太郎"},
		{"space around and between", "  税務課 \t 第一係 ", "税務課 第一係"},
		{"decomposed kana are composed", "か\u3099", "が"},
		{"a variant of a character", "葛\U000E0100城", "葛\U000E0100城"},
		{"full-width letters stay as written", "ＡＢＣ", "ＡＢＣ"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := label.Clean("name", tt.in, 20); err != nil || got != tt.want {
				t.Errorf("Clean(%q) = %q, %v, want %q", tt.in, got, err, tt.want)
			}
		})
	}
}

func TestCleanRefusesWhatCannotBeSeenOrStored(t *testing.T) {
	for _, tt := range []struct{ name, in string }{
		{"nothing", ""},
		{"only space", " \t　"},
		{"too long", strings.Repeat("あ", 21)},
		{"far too long", strings.Repeat("a", 1<<20)},
		{"a NUL", "a\x00b"},
		{"an escape", "a\x1b[31m"},
		{"a direction override", "abc\u202Etxt"},
		{"a zero-width space", "admin\u200B"},
		{"no UTF-8", "\xff\xfe"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := label.Clean("name", tt.in, 20); errs.CodeOf(err) != errs.InvalidInput {
				t.Errorf("Clean(%q) = %q, %v, want invalid_input", tt.in, got, err)
			}
		})
	}
}

func TestFoldMakesLookAlikesEqual(t *testing.T) {
	for _, pair := range [][2]string{
		{"ＴＡＸ　Office", "tax office"},
		{"ｶﾞｽ", "ガス"},
		{" a  b ", "A B"},
	} {
		if a, b := label.Fold(pair[0]), label.Fold(pair[1]); a != b {
			t.Errorf("Fold(%q) = %q, Fold(%q) = %q, want them equal", pair[0], a, pair[1], b)
		}
	}
	if got := label.Fold("a\x00\xff"); got != "a" {
		t.Errorf("Fold keeps what a store cannot hold: %q", got)
	}
}

func TestPatternTakesWildcardsLiterally(t *testing.T) {
	if got, want := label.Pattern("１００%_!"), "%100!%!_!!%"; got != want {
		t.Errorf("Pattern = %q, want %q", got, want)
	}
}

func TestClipCutsBetweenCharacters(t *testing.T) {
	for in, want := range map[string]string{"": "", "税務": "税務", "税務課の": "税務課", "🌏🌏🌏🌏": "🌏🌏🌏"} {
		if got := label.Clip(in, 3); got != want {
			t.Errorf("Clip(%q, 3) = %q, want %q", in, got, want)
		}
	}
}

func TestIsID(t *testing.T) {
	for in, want := range map[string]bool{
		"0190f3c2-0000-7000-8000-000000000000": true, "": false, "a\x00": false, "../x": false, "A": false, strings.Repeat("a", 65): false,
	} {
		if got := label.IsID(in); got != want {
			t.Errorf("IsID(%q) = %v, want %v", in, got, want)
		}
	}
}
