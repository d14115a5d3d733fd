package markdown_test

import (
	"strings"
	"testing"

	"kakoi/internal/chat/markdown"
)

func TestShownIsWhatIsRead(t *testing.T) {
	for _, tt := range []struct {
		name, source, want string // pieces apart by /
	}{
		{"text", "予算案", "予算案"},
		{"blocks", "# 題\n\n> - 一つ\n> 1. 二つ\n\n---\n", "題/一つ/二つ"},
		{"emphasis", "**「重要」**です", "「重要」/です"},
		{"no emphasis", "2 * 3、10~20", "2 * 3、10~20"},
		{"a table", "|a|b|\n|-|-|\n| c | d |\n", "a/b/c/d"},
		{"a link and a picture", "[手引き](https://example.jp/a \"題\")![図](b.png)", "手引き/図"},
		{"addresses", "<https://example.jp/a> と https://example.jp/b", "https://example.jp/a/ と https://example.jp/b"},
		{"code", "`a*b*`\n\n```go\n# c\n```\n", "a*b*/# c\n"},
		{"formulas", "$a_1$ と\n\n$$\nb_2\n$$\n", "$a_1$ と/$$\nb_2\n$$\n"},
		{"escapes", `\*a\*`, "*a/*"},
		{"notes stand where they were written", "[^1]: 注\n\n本文[^1]", "注/本文"},
		{"tags are shown but for the break of a line", "a<br>b <i>c</i>", "a/b <i>c</i>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, s := range markdown.Shown([]byte(tt.source)) {
				got = append(got, tt.source[s.From:s.To])
			}
			if joined := strings.Join(got, "/"); joined != tt.want {
				t.Errorf("got  %q\nwant %q", joined, tt.want)
			}
		})
	}
}

func FuzzShown(f *testing.F) {
	for _, s := range []string{"# a\n> **b**\n| c | d |\n|-|-|\n|`e\\|f`|g|", "[^1]: a[^1]\n<b> $x$ https://a.jp <c@d.e>", "- [x] \\*a\n\n      code\n\t\ttabs"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		spans := markdown.Shown([]byte(s))
		last := -1
		for _, p := range spans {
			if p.From <= last || p.From >= p.To || p.To > len(s) {
				t.Errorf("%v is no piece of %q, or not in order: %v", p, s, spans)
			}
			last = p.To
		}
	})
}
