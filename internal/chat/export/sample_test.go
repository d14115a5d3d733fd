package export_test

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
	"time"

	"kakoi/internal/chat/export"
)

var morning = time.Date(2026, 11, 22, 5, 5, 0, 0, time.UTC) // 14:05 in Japan

const answer = `# 住民説明会の準備

**「案内」**は**2週間前**までに送ります。*斜体*と~~取り消し~~、` + "`kakoi.yaml`" + `、[市のサイト](https://www.city.example.jp/setsumei?a=1&b=2)も使えます。家は𠮷野家の𠮷、髙橋、山﨑です。絵文字は🎉✅⚠️です。10~20分かかります。

## 手順

1. 会場を予約する
   - 定員は120名
     - 車いす席は4席
   - 駐車場を確かめる
2. 案内を送る[^1]

   封筒に入れる前に読み合わせます。
3. 当日の係を決める

- [x] 会場
- [ ] 資料

| 項目 | 金額（円） | 期日 | 備考 |
|:---|---:|:---:|---|
| 会場費 | 12,000 | 2026-12-01 | 市民会館<br>大ホール |
| 印刷費 | -3,500 | 2026-12-05 | 前年より**減** |
| 予備費 | 0 | 未定 | =SUM(A1:A2) |

> 引用です。
>
> - 引用の中の箇条書き

### 計算

面積は $S = \pi r^2$ で、$5 と $10 は金額です。

$$
\int_0^1 x^2 dx = \frac{1}{3}
$$

` + "```python\n# 参加者を数える\ndef count(names: list[str]) -> int:\n\treturn len(names)  # 全角と半角 half/全角\n```\n\n```mermaid\ngraph TD; A[受付] --> B[案内];\n```" + `

---

<script>alert(1)</script> と <b>太字でない</b> と [悪いリンク](javascript:alert(1))。

詳しくは https://www.example.go.jp/path?q=1 を見てください。

[^1]: 宛名は**世帯主**です。
[^9]: だれも参照しない注。
`

func picture(t testing.TB, format string) func() ([]byte, error) {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, 320, 160))
	for y := range 160 {
		for x := range 320 {
			img.SetNRGBA(x, y, color.NRGBA{uint8(x / 2), uint8(y), 160, uint8(255 - x/4)})
		}
	}
	var b bytes.Buffer
	var err error
	if format == "jpeg" {
		err = jpeg.Encode(&b, img, nil)
	} else {
		err = png.Encode(&b, img)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() ([]byte, error) { return b.Bytes(), nil }
}

// sample is a conversation with everything in it, and a branch.
func sample(t testing.TB) export.Document {
	text := func(s string) []export.Part { return []export.Part{{Kind: export.Text, Text: s}} }
	return export.Document{
		Author: "山田 花子", ExportedAt: morning.Add(time.Hour), Locale: export.Japanese, Reasoning: true,
		Conversations: []export.Conversation{{
			ID: "c1", Title: "住民説明会の準備について", ModelName: "Claude", CreatedAt: morning, UpdatedAt: morning, LeafID: "m4",
			Tags: []string{"説明会"}, Folder: "企画", Pinned: true, SystemPrompt: "あなたは市役所の職員です。\n短く答えてください。",
			Messages: []export.Message{
				{ID: "m1", Role: export.User, At: morning, Parts: []export.Part{
					{Kind: export.Text, Text: "# 見出しではない\n説明会の準備を教えてください。\n  字下げ と *星* もそのまま"},
					{Kind: export.File, Name: "会場 図面.png", MediaType: "image/png", Size: 12345, Data: picture(t, "png")},
					{Kind: export.File, Name: "写真.jpg", MediaType: "image/jpeg", Size: 2345, Data: picture(t, "jpeg")},
					{Kind: export.File, Name: "名簿.xlsx", MediaType: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Size: 4567},
				}},
				{ID: "m2", ParentID: "m1", Role: export.Assistant, At: morning.Add(time.Minute), Parts: text("捨てられた枝の答え")},
				{ID: "m3", ParentID: "m1", Role: export.Assistant, ModelName: "Nova", At: morning.Add(2 * time.Minute), Parts: []export.Part{
					{Kind: export.Reasoning, Text: "何を聞かれているか。\n\n- 準備\n- 手順"},
					{Kind: export.Text, Text: answer},
				}},
				{ID: "m4", ParentID: "m3", Role: export.User, At: morning.Add(3 * time.Minute), Parts: text("ありがとう")},
			},
		}},
	}
}

// say is a document with one answer.
func say(answers ...string) export.Document {
	c := export.Conversation{ID: "c", Title: "題", CreatedAt: morning}
	parent := ""
	for i, a := range answers {
		id := string(rune('a' + i))
		c.Messages = append(c.Messages, export.Message{
			ID: id, ParentID: parent, Role: export.Assistant, At: morning, Parts: []export.Part{{Kind: export.Text, Text: a}},
		})
		parent = id
	}
	return export.Document{ExportedAt: morning, Locale: export.Japanese, Conversations: []export.Conversation{c}}
}

func write(t testing.TB, doc export.Document, f export.Format) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := export.Write(&b, doc, f); err != nil {
		t.Fatalf("write %s: %v", f, err)
	}
	return b.Bytes()
}

// essay is n characters of Japanese prose in paragraphs.
func essay(n int) string {
	const sentence = "吾輩は猫である。名前はまだ無い。「どこで生れたか」とんと見当がつかぬ。何でも薄暗い、じめじめした所（ところ）でニャーニャー泣いていた事だけは記憶している。Word 2021やPDFの形式で保存することもできます。"
	var b strings.Builder
	for i := 0; b.Len() < 3*n; i++ {
		b.WriteString(sentence)
		if i%4 == 3 {
			b.WriteString("\n\n")
		}
	}
	return b.String()
}
