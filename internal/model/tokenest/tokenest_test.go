package tokenest_test

import (
	"strings"
	"testing"

	"kakoi/internal/model/tokenest"
)

func TestNothingIsNothingAndMoreIsMore(t *testing.T) {
	if n := tokenest.Text(""); n != 0 {
		t.Errorf("Text(\"\") = %d", n)
	}
	last := 0
	for _, s := range []string{"a", "hello, world", "hello, world and everyone in it", strings.Repeat("東京", 50)} {
		if n := tokenest.Text(s); n <= last {
			t.Errorf("Text(%q) = %d, not more than %d", s, n, last)
		} else {
			last = n
		}
	}
}

// The counts are those of Gemma 3's tokenizer.
func TestTheEstimateIsNearARealTokenizer(t *testing.T) {
	for text, real := range map[string]int{
		"市民税・県民税の納期限は、第1期が6月30日、第2期が8月31日です。納付書は6月上旬に発送します。":                                                                                                        44,
		"お世話になっております。総務課の山田です。先日ご依頼いただいた会議室の予約について、ご連絡いたします。":                                                                                                       25,
		"令和8年度一般会計予算の総額は、歳入歳出それぞれ245億3,000万円とする。":                                                                                                                   28,
		"カタカナのテキストもコンピュータのプログラムでエラーになることがあります。":                                                                                                                     13,
		"次の文章を三行で要約してください。\n\n1. 背景\n2. 課題\n3. 対応方針":                                                                                                                24,
		"The department in charge then reviews the content and answers in writing. After the deadline, a statement of reasons must be attached to the application.": 28,
		"Please summarise the attached minutes in three bullet points, and list who has to do what by when.":                                                        20,
		"func rate(a, b float64) float64 { return (b - a) / a }\nfor i := range 10 { fmt.Println(i) }":                                                              39,
		"| 課 | 件数 | 割合 |\n|:---|---:|---:|\n| 市民課 | 1,204 | 48% |":                                                                                                  36,
		"{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1795320414}":                                                                       30,
		"0123456789 2026-11-22 03-1234-5678": 34,
	} {
		got := tokenest.Text(text)
		if ratio := float64(got) / float64(real); ratio < 0.7 || ratio > 1.3 {
			t.Errorf("%q: estimated %d, really %d", text, got, real)
		}
	}
}

func BenchmarkText(b *testing.B) {
	text := strings.Repeat("市民税の納期限は6月30日です。The deadline is June 30. ", 100)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		tokenest.Text(text)
	}
}
