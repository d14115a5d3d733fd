package export_test

import (
	"errors"
	"html"
	"io"
	"regexp"
	"strings"
	"testing"

	nethtml "golang.org/x/net/html"

	"kakoi/internal/chat/export"
)

const hostile = "<script>alert(1)</script>\n\n<img src=x onerror=alert(1)> [a](javascript:alert(1)) [b](data:text/html,x) [c](https://a.example@evil.example/) [d](vbscript:x)\n\n" +
	"![i](https://evil.example/a.png) <https://ok.example/?a=\"b\"> \x00\x01\x0b\x1f\u007f\uFFFE\uFFFF\u202e " +
	"`</code></pre>` [e](https://ok.example/ \"\"\" onmouseover=x\")\n\n```\"><script>\n</pre><script>alert(1)</script>\n```\n\n| <b>x</b> |\n|---|\n| </table> |\n"

func TestHTMLIsSafe(t *testing.T) {
	doc := say(hostile)
	c := &doc.Conversations[0]
	c.Title, c.ModelName, c.SystemPrompt = `</title><script>alert(1)</script>`, `"><svg onload=x>`, `<iframe>`
	c.Messages = append(c.Messages, export.Message{ID: "z", ParentID: "a", Role: export.User, Parts: []export.Part{
		{Kind: export.Text, Text: hostile},
		{Kind: export.File, Name: `"><script>.png`, MediaType: "image/png", Data: func() ([]byte, error) { return []byte("<svg onload=alert(1)>"), nil }},
		{Kind: export.File, Name: "a.svg", MediaType: "image/svg+xml", Data: func() ([]byte, error) { return []byte("<svg onload=alert(1)>"), nil }},
	}})
	page := string(write(t, doc, export.FormatHTML))
	tokens := nethtml.NewTokenizer(strings.NewReader(page))
	policy := false
	for {
		kind := tokens.Next()
		if kind == nethtml.ErrorToken {
			if !errors.Is(tokens.Err(), io.EOF) {
				t.Fatal(tokens.Err())
			}
			break
		}
		token := tokens.Token()
		if kind != nethtml.StartTagToken && kind != nethtml.SelfClosingTagToken {
			continue
		}
		switch token.Data {
		case "script", "iframe", "svg", "object", "embed", "form", "link", "base":
			t.Errorf("<%s> in the page", token.Data)
		}
		for _, a := range token.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
				t.Errorf("attribute %s=%q", a.Key, a.Val)
			}
			if a.Key == "href" && !strings.HasPrefix(a.Val, "#") && !strings.HasPrefix(a.Val, "https://ok.example/") && !strings.HasPrefix(a.Val, "https://evil.example/a.png") {
				t.Errorf("a link to %q", a.Val)
			}
			if a.Key == "src" && !strings.HasPrefix(a.Val, "data:image/") {
				t.Errorf("a source %q", a.Val)
			}
			policy = policy || a.Key == "http-equiv" && a.Val == "Content-Security-Policy"
		}
		if token.Data == "a" && !strings.Contains(token.String(), `href="#`) && !strings.Contains(token.String(), "noopener noreferrer nofollow") {
			t.Errorf("a link without rel: %s", token)
		}
	}
	if !policy {
		t.Error("the page has no policy")
	}
	if i := strings.IndexFunc(page, func(r rune) bool { return r < 0x20 && r != '\n' && r != '\t' }); i >= 0 {
		t.Errorf("a control character at %d", i)
	}
}

// wordsOf is the text of a page without its tags.
func wordsOf(page string) string {
	_, body, _ := strings.Cut(page, "<body>")
	return html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(body, ""))
}

func TestHTMLShowsWhatTheInterfaceShows(t *testing.T) {
	page := string(write(t, sample(t), export.FormatHTML))
	for _, want := range []string{
		"<strong>「案内」</strong>は<strong>2週間前</strong>まで", // emphasis beside Japanese brackets
		"10~20分", "<del>取り消し</del>", "大ホール</td>", "市民会館<br>",
		`<th scope="col" class="r">金額（円）</th>`,
		`<code class="math">$S = \pi r^2$</code>`, "$5 と $10",
		`<sup><a href="#n4-1">1</a></sup>`, `<li id="n4-1">宛名は<strong>世帯主</strong>です。</li>`, "だれも参照しない注。",
		"\\int_0^1 x^2 dx", "&lt;script&gt;alert(1)&lt;/script&gt;",
		`<ol start="1">`, "☑", "data:image/png;base64,", "data:image/jpeg;base64,", "名簿.xlsx",
		`<time datetime="2026-11-22T14:05:00+09:00">2026年11月22日(日) 14:05</time>`,
		"# 見出しではない<br>", "考えた過程", "graph TD; A[受付] --&gt; B[案内];",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(page, "捨てられた枝") {
		t.Error("the page shows a branch that is not open")
	}
}

func TestEmphasisKnowsJapanesePunctuation(t *testing.T) {
	for answer, want := range map[string]string{
		"これは**(重要)**です":   "<strong>(重要)</strong>です",
		"これは**“重要”**です":   "<strong>“重要”</strong>です",
		"**「重要」**です":      "<strong>「重要」</strong>です",
		"~~「旧」~~新":        "<del>「旧」</del>新",
		"snake_case_name": "snake_case_name",
		"10~20と30~40":     "10~20と30~40",
	} {
		if page := string(write(t, say(answer), export.FormatHTML)); !strings.Contains(page, want) {
			t.Errorf("%q does not become %q", answer, want)
		}
	}
}

func TestTheOpenBranchIsShown(t *testing.T) {
	doc := sample(t)
	doc.Conversations[0].LeafID = "m2"
	page := string(write(t, doc, export.FormatHTML))
	if !strings.Contains(page, "捨てられた枝の答え") || strings.Contains(page, "ありがとう") {
		t.Error("the page does not follow the leaf")
	}
	loop := say("一", "二")
	loop.Conversations[0].Messages[0].ParentID = "b" // an import may bite its tail
	if page := string(write(t, loop, export.FormatHTML)); !strings.Contains(page, "一") || !strings.Contains(page, "二") {
		t.Error("a loop loses messages")
	}
}
