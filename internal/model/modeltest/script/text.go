package script

import (
	"fmt"
	"hash/fnv"
	"strings"
	"unicode/utf8"
)

var sentencesJA = []string{
	"お問い合わせの件について、要点を整理してお答えします。",
	"まず、申請の受付期間と必要書類をご確認ください。",
	"次に、担当課で内容を審査し、結果を文書でお知らせします。",
	"期限を過ぎた場合は、理由書を添えて再度ご提出いただく必要があります。",
	"会議の記録は、出席者の確認を経てから公開されます。",
	"個人情報を含む資料は、定められた保管場所にのみ保存してください。",
	"予算の執行状況は、四半期ごとに取りまとめて報告します。",
	"不明な点がある場合は、担当窓口までお尋ねください。",
	"関係する例規は、条例、規則、要綱の順に確認すると分かりやすくなります。",
	"最後に、決裁の手順と保存年限を一覧にまとめました。",
}

var sentencesEN = []string{
	"Here is a short summary of the points you asked about.",
	"First, check the period in which applications are accepted and the documents that are required.",
	"The department in charge then reviews the content and answers in writing.",
	"After the deadline, a statement of reasons must be attached to the application.",
	"Minutes are published once the people present have confirmed them.",
	"Material with personal data may be kept only in the places set aside for it.",
	"Spending against the budget is reported at the end of every quarter.",
	"If anything remains unclear, please ask the desk in charge.",
	"Ordinances, rules and guidelines are best read in this order.",
	"Finally, the steps of approval and the retention periods are listed below.",
}

const markdown = `## 集計結果

| 課 | 件数 | 割合 |
|:---|---:|---:|
| 市民課 | 120 | 48% |
| 税務課 | 80 | 32% |
| 福祉課 | 50 | 20% |

合計は **250件** です[^1]。増加率は $r = \frac{b - a}{a}$ で求めます。

` + "```go\nfunc rate(a, b float64) float64 { return (b - a) / a }\n```\n\n```mermaid\nflowchart LR\n  受付 --> 審査 --> 決裁\n```" + `

- [x] 受付
- [ ] 審査

[^1]: 令和8年10月末現在。
`

func pick(seed string, japanese bool) func() string {
	list := sentencesEN
	if japanese {
		list = sentencesJA
	}
	h := fnv.New32a()
	h.Write([]byte(seed))
	i := int(h.Sum32() % uint32(len(list)))
	return func() string {
		s := list[i%len(list)]
		i += 3 // coprime with the list: every sentence comes before one comes again
		return s
	}
}

// reply answers an ordinary prompt: what was seen, what was asked, three sentences.
func reply(prompt string, images []Image, docs []Document, japanese bool) string {
	var b strings.Builder
	for _, m := range images {
		fmt.Fprintf(&b, "I see a %dx%d %s. ", m.Width, m.Height, m.Format)
	}
	for _, d := range docs {
		fmt.Fprintf(&b, "I read %s (%d bytes). ", d.Name, d.Size)
	}
	asked := prompt
	if utf8.RuneCountInString(asked) > 40 {
		asked = string([]rune(asked)[:40]) + "…"
	}
	next := pick(prompt, japanese)
	if japanese {
		fmt.Fprintf(&b, "「%s」についてお答えします。\n\n%s%s%s", asked, next(), next(), next())
	} else {
		fmt.Fprintf(&b, "You asked: %q.\n\n%s %s %s", asked, next(), next(), next())
	}
	return b.String()
}

// filler returns exactly n tokens of running text.
func filler(seed string, n int, japanese bool) []string {
	next := pick(seed, japanese)
	out := make([]string, 0, n)
	for i := 0; len(out) < n; i++ {
		s := next()
		if !japanese && i > 0 {
			s = " " + s
		}
		if i > 0 && i%5 == 0 {
			s = "\n\n" + strings.TrimLeft(s, " ")
		}
		for _, tok := range Tokens(s) {
			if len(out) == n {
				break
			}
			out = append(out, tok)
		}
	}
	return out
}

func thinking(prompt string, n int, japanese bool) []string {
	if japanese {
		return filler("考え中"+prompt, n, true)
	}
	return filler("thinking"+prompt, n, false)
}
