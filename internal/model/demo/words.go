package demo

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"kakoi/internal/model"
)

// sample shows one thing that answers can hold, when one of its words occurs in
// the question.
type sample struct {
	words  []string
	ja, en string
}

var samples = []sample{
	{
		[]string{"表の例", "表の見本", "表を見せ", "表を作", "表を書", "表にし", "表で", "表形式", "一覧表", "テーブル", "table"},
		"### 表\n\n| 課 | 件数 | 割合 |\n|:---|---:|---:|\n| 市民課 | 1,204 | 48% |\n| 税務課 | 803 | 32% |\n| 福祉課 | 502 | 20% |",
		"### Table\n\n| Department | Cases | Share |\n|:---|---:|---:|\n| Residents | 1,204 | 48% |\n| Taxes | 803 | 32% |\n| Welfare | 502 | 20% |",
	},
	{
		[]string{"コード", "プログラム", "code", "program"},
		"### コード\n\n```python\ndef share(part: int, whole: int) -> str:\n    \"\"\"割合を百分率で返す。\"\"\"\n    return f\"{part / whole:.0%}\"\n\n\nprint(share(1204, 2509))  # 48%\n```",
		"### Code\n\n```python\ndef share(part: int, whole: int) -> str:\n    \"\"\"Return the share in per cent.\"\"\"\n    return f\"{part / whole:.0%}\"\n\n\nprint(share(1204, 2509))  # 48%\n```",
	},
	{
		[]string{"数式", "計算式", "公式", "math", "formula", "equation"},
		"### 数式\n\n増加率は $r = \\frac{b - a}{a}$ で求めます。標準偏差は次のとおりです。\n\n$$\n\\sigma = \\sqrt{\\frac{1}{n} \\sum_{i=1}^{n} (x_i - \\bar{x})^2}\n$$",
		"### Formula\n\nThe growth rate is $r = \\frac{b - a}{a}$. The standard deviation is\n\n$$\n\\sigma = \\sqrt{\\frac{1}{n} \\sum_{i=1}^{n} (x_i - \\bar{x})^2}\n$$",
	},
	{
		[]string{"図の例", "図の見本", "図を見せ", "図を描", "図を書", "図を作", "図にし", "図解", "フローチャート", "mermaid", "diagram", "flowchart", "chart"},
		"### 図\n\n```mermaid\nflowchart LR\n  A[受付] --> B{書類はそろっていますか}\n  B -- はい --> C[審査]\n  B -- いいえ --> D[補正の依頼]\n  D --> A\n  C --> E[決裁]\n```",
		"### Diagram\n\n```mermaid\nflowchart LR\n  A[Reception] --> B{Complete?}\n  B -- yes --> C[Review]\n  B -- no --> D[Ask for the rest]\n  D --> A\n  C --> E[Approval]\n```",
	},
	{
		[]string{"脚注", "footnote"},
		"### 脚注\n\n合計は 2,509 件です[^1]。\n\n[^1]: 架空の数値です。",
		"### Footnote\n\nThere were 2,509 cases in total[^1].\n\n[^1]: The figures are invented.",
	},
	{
		[]string{"箇条書き", "リスト", "list", "checklist"},
		"### 箇条書き\n\n1. 受付\n   - 本人確認\n   - 書類の確認\n2. 審査\n3. 決裁\n\n- [x] 申請書\n- [ ] 添付書類",
		"### Lists\n\n1. Reception\n   - identity\n   - documents\n2. Review\n3. Approval\n\n- [x] form\n- [ ] enclosures",
	},
}

var everything = []string{"見本", "マークダウン", "markdown", "機能", "feature", "sample", "すべて見せ", "show me everything"}

func mentions(text string, words []string) bool {
	text = strings.ToLower(text)
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

func (s seen) pick(ja, en string) string {
	if s.japanese {
		return ja
	}
	return en
}

// answer is what the demonstration says.
func (s seen) answer() string {
	var b strings.Builder
	b.WriteString(s.pick(
		"これは**デモ用モデル**の応答です。内容は理解しておらず、決まった文を返しています。実際のモデルは、管理者が管理画面の「接続」で登録すると使えるようになります。\n\n",
		"This answer comes from the **demonstration model**. It understands nothing and replies with fixed text. Real models become available once an administrator adds a connection in the administration console.\n\n"))
	b.WriteString(s.outline())

	shown := 0
	all := mentions(s.text, everything)
	for _, m := range samples {
		if all || mentions(s.text, m.words) {
			b.WriteString("\n\n" + s.pick(m.ja, m.en))
			shown++
		}
	}
	if mentions(s.text, []string{"長い", "長く", "長文", "long text", "long answer", "longer"}) {
		b.WriteString("\n\n" + s.long())
		shown++
	}
	if shown == 0 {
		b.WriteString("\n\n" + s.pick(
			"「表の見本」「コードの例」「数式」「図を描いて」「脚注」「長い文章」などと送ると、表示の見本を返します。",
			"Ask for a table, code, a formula, a diagram, a footnote or a long text to see how answers are shown."))
	}
	return b.String()
}

// outline tells what was received.
func (s seen) outline() string {
	const most = 40
	asked := strings.Join(strings.Fields(s.text), " ")
	if utf8.RuneCountInString(asked) > most {
		asked = string([]rune(asked)[:most]) + "…"
	}
	asked = literal(asked)
	lines := []string{s.pick("**受け取った内容**\n", "**What was received**\n")}
	if asked != "" {
		lines = append(lines, fmt.Sprintf(s.pick("- 質問: 「%s」（%d 文字）", "- question: “%s” (%d characters)"), asked, utf8.RuneCountInString(s.text)))
	}
	for _, f := range s.files {
		lines = append(lines, s.pick("- 添付: ", "- attachment: ")+f)
	}
	if s.messages > 1 {
		lines = append(lines, fmt.Sprintf(s.pick("- この会話の発言: %d 件", "- messages in this conversation: %d"), s.messages))
	}
	return strings.Join(lines, "\n")
}

// literal keeps what a person wrote from being read as markdown.
func literal(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("\\`*_{}[]<>()#+-!|~$^", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// long is text that takes a while, to try stopping and reloading.
func (s seen) long() string {
	var b strings.Builder
	for i := 1; i <= 12; i++ {
		if i > 1 {
			b.WriteString("\n\n")
		}
		fmt.Fprintf(&b, s.pick(
			"### %d. 長い文章の見本\n\nこの段落は、回答が少しずつ表示される様子を確かめるためのものです。表示の途中でページを再読み込みしても、別のタブで開いても、続きから表示されます。停止ボタンを押すと、そこまでの文章が残ります。",
			"### %d. A long text\n\nThis paragraph is here so that you can watch an answer arrive. Reload the page in the middle, or open the conversation in a second tab: the answer goes on where it was. Press stop, and what was said so far is kept."), i)
	}
	return b.String()
}

// thinking is what the demonstration pretends to think, longer with more effort.
func (s seen) thinking() string {
	n := map[model.Effort]int{model.EffortLow: 2, model.EffortMedium: 4, model.EffortHigh: 7}[s.effort]
	ja := []string{
		"これはデモ用モデルの「思考」の見本です。", "まず、質問の言語を確かめます。日本語です。", "次に、質問の文字数と添付を数えます。",
		"表示の見本を求める言葉があるかどうかを調べます。", "内容は理解できないので、推測はしません。", "決まった文を選びます。", "順番を整えて回答します。",
	}
	en := []string{
		"This is a sample of thinking by the demonstration model.", " First, look at the language of the question: it is not Japanese.", " Then count its characters and attachments.",
		" See whether a word asks for a sample.", " The content is beyond this model, so nothing is guessed.", " Choose the fixed text.", " Put everything in order and answer.",
	}
	if s.japanese {
		return strings.Join(ja[:n], "")
	}
	return strings.Join(en[:n], "")
}
