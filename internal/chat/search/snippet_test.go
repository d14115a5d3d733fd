package search

import (
	"strings"
	"testing"

	"kakoi/internal/label"
)

// marked writes a snippet with what was looked for in brackets.
func marked(pieces []Piece) string {
	var b strings.Builder
	for _, p := range pieces {
		if p.Match {
			b.WriteString("[" + p.Text + "]")
		} else {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

func TestASnippetIsCutAroundWhatWasFound(t *testing.T) {
	long := strings.Repeat("あ", 500) + "ﾊﾞｽの予算" + strings.Repeat("い", 500)
	for _, tt := range []struct {
		name, text, words, want string
	}{
		{"short texts are whole", "来年度の予算", "予算", "来年度の[予算]"},
		{"what was written is shown, not how it was folded", "ＡＢＣ㌔とﾊﾞｽ", "abc バス キロ", "[ＡＢＣ㌔]と[ﾊﾞｽ]"},
		{"long texts are cut", long, "バスの予算", "…" + strings.Repeat("あ", 30) + "[ﾊﾞｽの予算]" + strings.Repeat("い", 85) + "…"},
		{"long texts are cut where they are written as they are looked for", long, "の予算", "…" + strings.Repeat("あ", 28) + "ﾊﾞｽ[の予算]" + strings.Repeat("い", 87) + "…"},
		{"where most words are", long + "あいう予算" + strings.Repeat("え", 20) + "議会", "予算 議会", "…" + strings.Repeat("い", 27) + "あいう[予算]" + strings.Repeat("え", 20) + "[議会]"},
		{"a number is not cut", "あ11月29日は" + strings.Repeat("い", 24) + "予算", "予算", "…11月29日は" + strings.Repeat("い", 24) + "[予算]"},
		{"a word is not cut", "neighbours will tidy up our whole Central Park together", "together", "…tidy up our whole Central Park [together]"},
		{"a word that is longer than what is shown is", strings.Repeat("a", 50) + "予算", "予算", "…" + strings.Repeat("a", 30) + "[予算]"},
		{"a character is not a piece of another", "か\u3099 か", "か", "か\u3099 [か]"},
		{"lines are one", "上の行\n\n  下の行", "行 下", "上の[行] [下]の[行]"},
		{"nothing is looked for", "題名", "", "題名"},
		{"words that meet", "予算案", "予算 算案", "[予算案]"},
		{"emoji stay whole", "👩‍👩‍👧家族", "族", "👩‍👩‍👧家[族]"},
		{"what a person wrote is as it was", "# 予算 **案** | > 表", "予算 案", "# [予算] **[案]** | > 表"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := marked(snippet(tt.text, false, strings.Fields(label.Fold(tt.words)))); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestASnippetOfAnAnswerIsWhatIsRead(t *testing.T) {
	page := strings.Repeat("あいうえお、かきくけこ。\n\n", 400)
	for _, tt := range []struct {
		name, text, words, want string
	}{
		{"a quotation", "> 来年度の予算\n> 要求", "予算", "来年度の[予算] 要求"},
		{"a heading", "## 予算の*流れ*\n本文", "流れ", "予算の[流れ] 本文"},
		{"emphasis that knows Japanese", "これは**「重要」**です", "重要", "これは「[重要]」です"},
		{"what was found inside emphasis", "**予算案**と~~旧案~~", "算案 旧", "予[算案]と[旧]案"},
		{"signs that are none of it", "2 * 3 * 4 は 10~20、snake_case", "は", "2 * 3 * 4 [は] 10~20、snake_case"},
		{"a list", "1. 一つ\n2. 二つ\n   - [ ] 三つ", "三つ", "一つ 二つ [三つ]"},
		{"a table", "| 項目 | 金額 |\n|---|--:|\n|備品|500|\n", "備品", "項目 金額 [備品] 500"},
		{"the middle of a table", "| 項目 | 金額 |\n|---|--:|\n" + strings.Repeat("| 消耗品 | **300** |\n", 100) + "| 備品 | `500` |\n", "備品", "…消耗品 300 消耗品 300 消耗品 300 消耗品 300 消耗品 300 [備品] 500"},
		{"a line that begins in a cell", "|あ<br>予算|い|\n|-|-|", "予算", "あ [予算] い"},
		{"a link", "[手引き](https://example.jp/a)を見る", "手引き", "[手引き]を見る"},
		{"what was found where a link leads", "[手引き](https://example.jp/a)を見る", "example", "手引き](https://[example].jp/a)を見る"},
		{"an address", "詳しくは https://example.jp/a へ", "example", "詳しくは https://[example].jp/a へ"},
		{"a picture", "![部屋の図](a.png)です", "図", "部屋の[図]です"},
		{"code", "次の通り\n\n```go\n# a **b**\n```\n終わり", "終わり", "次の通り # a **b** [終わり]"},
		{"the middle of code", "```sh\n" + strings.Repeat("# 何も **しない**\n", 100) + "予算\n```\n**後**", "予算", "…い** # 何も **しない** # 何も **しない** [予算] 後"},
		{"a formula", "面積は $a_1 * b_1$ です", "面積", "[面積]は $a_1 * b_1$ です"},
		{"a note", "予算[^1]です\n\n[^1]: 案", "予算 案", "[予算]です [案]"},
		{"marks that are escaped", `\*注\* 予算`, "予算", "*注* [予算]"},
		{"marks that were looked for", "# 予算\n\n**案**", "# **", "[#] 予算 [**]案[**]"},
		{"across marks, as it is written", "予**算**案", "予**算", "[予**算]案"},
		{"nothing but marks", "---", "-", "[---]"},
		{"marks at the ends are no more text", "**予算**", "予算", "[予算]"},
		{"deep in a page", page + "# 予算", "予算", "…かきくけこ。 あいうえお、かきくけこ。 あいうえお、かきくけこ。 [予算]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := marked(snippet(tt.text, true, strings.Fields(label.Fold(tt.words)))); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// A place is that of the same text that label.Fold makes.
func FuzzSnippet(f *testing.F) {
	for _, s := range []string{"ﾊﾞｽ ＡＢ\n c", "e\u0301", "\xffa\x00b", "İ㌔ ﷺ", "  x  ", "각", "a\u3000\u3000b", "葛\U000E0100", "´ a", "| a | b |\n|-|-|\n|c|d|", "> # **a**\n```\nb\n", "[a](b \"c\") <br> $x$"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "")
		folded := label.Fold(s)
		if p := foldPlaces(s); p.folded != folded {
			t.Fatalf("%q is folded to %q, not %q", s, p.folded, folded)
		}
		words := strings.Fields(folded)
		words = words[:min(len(words), maxWords)]
		for _, isMarkdown := range []bool{false, true} {
			pieces := snippet(s, isMarkdown, words)
			if text := marked(pieces); len(words) > 0 && !strings.Contains(text, "[") {
				t.Errorf("nothing is marked in %q of %q", text, s)
			}
			for _, p := range pieces {
				if p.Match && !strings.Contains(folded, label.Fold(p.Text)) {
					t.Errorf("%q is marked, which is not in %q", p.Text, folded)
				}
			}
		}
	})
}
