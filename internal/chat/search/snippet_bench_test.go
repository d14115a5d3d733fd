package search

import (
	"strings"
	"testing"
)

// BenchmarkSnippet cuts what is shown of an answer: of one as most are, and of a
// very long one, in which the word is at the end.
func BenchmarkSnippet(b *testing.B) {
	page := strings.Repeat("## 補助金の要件\n\n- **対象**: 市内の事業者 > 一年以上\n- 上限は `500` 千円（税抜）\n\n| 項目 | 金額 |\n|---|--:|\n| 設備 | 1,200 |\n\n", 6)
	for name, text := range map[string]string{"a page": page + "予算要求の一覧", "100000 characters": strings.Repeat(page, 130) + "予算要求の一覧"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				snippet(text, true, []string{"予算要求"})
			}
		})
	}
}
