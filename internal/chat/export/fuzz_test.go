package export_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"kakoi/internal/chat/export"
)

// letters counts the letters of a text.
func letters(s string) map[rune]int {
	n := map[rune]int{}
	for _, r := range s {
		if unicode.IsLetter(r) {
			n[r]++
		}
	}
	return n
}

// lost is a letter that stands in want more often than in got; 0 if none does.
func lost(want, got string) rune {
	have := letters(got)
	for r, n := range letters(want) {
		if have[r] < n {
			return r
		}
	}
	return 0
}

// markup is what may hide words on purpose: addresses, entities, cells beyond
// the header, names of languages, mathematics.
const markup = "[]<>&\\|`~$:"

func check(t *testing.T, source string) {
	t.Helper()
	for _, role := range []export.Role{export.Assistant, export.User} {
		doc := say(source)
		doc.Conversations[0].Messages[0].Role = role
		md := string(write(t, doc, export.FormatMarkdown))
		page := string(write(t, doc, export.FormatHTML))
		word := checkPackage(t, write(t, doc, export.FormatDOCX))
		paper, _ := readPDF(t, write(t, doc, export.FormatPDF))
		if !utf8.ValidString(source) {
			continue
		}
		if r := lost(source, md); r != 0 && !strings.Contains(source, "]:") {
			t.Errorf("%s: %q is lost in Markdown of %q:\n%s", role, r, source, md)
		}
		if role == export.Assistant && strings.ContainsAny(source, markup) {
			continue
		}
		if r := lost(source, wordsOf(page)); r != 0 {
			t.Errorf("%s: %q is lost in HTML of %q", role, r, source)
		}
		if r := lost(source, word["word/document.xml"].words); r != 0 {
			t.Errorf("%s: %q is lost in Word of %q", role, r, source)
		}
		_ = paper // reading it is the test; its letters are normalised
	}
	var b bytes.Buffer
	if tables := export.Tables(source); len(tables) > 0 {
		if err := export.XLSX(&b, tables, export.Japanese); err != nil {
			t.Error(err)
		}
		checkPackage(t, b.Bytes())
		if err := export.CSV(&b, tables[0]); err != nil {
			t.Error(err)
		}
	}
}

func FuzzExport(f *testing.F) {
	for _, s := range []string{answer, hostile, "", "\n", "\x00", "\xff\xfe", "**「」**", "```\n", "- \n\n  - ", "1. ", "> ", "|a|\n|-|", "[^1]\n\n[^1]: x", "$$\nx", "\\[", "# ", "a\n=", "\u3099", "\U0001F468\u200d", "- [ ]", "***", "<br>", "~~", "[a]: b"} {
		f.Add(s)
	}
	f.Fuzz(check)
}

// TestAnythingCanBeWritten puts the pieces of Markdown together at random.
func TestAnythingCanBeWritten(t *testing.T) {
	pieces := []string{
		"\n", "\n\n", "  ", "    ", "\t", "- ", "1. ", "> ", "# ", "#### ", "```", "~~~", "`", "*", "**", "_", "~~", "[", "](", ")", "![", "]",
		"[^1]", "[^1]: ", "[a]: ", "|", "|---|", "---", "===", "<", ">", "</", "<!--", "-->", "<br>", "&amp;", "\\", "$", "$$", `\(`, `\]`, "- [x] ",
		"「", "」", "。", "、", "語", "word", "𠮷", "🎉", "👨‍👩‍👧", "か\u3099", "\u202e", "\x00", "\x1b", "\ufffe", "\xff", "https://example.jp/a", "0", "-1",
	}
	var harmless []string // with these alone, every letter is looked for
	for _, p := range pieces {
		if !strings.ContainsAny(p, markup) && utf8.ValidString(p) {
			harmless = append(harmless, p)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 120 {
		from := pieces
		if i%2 == 1 {
			from = harmless
		}
		var b strings.Builder
		for range 1 + random.IntN(60) {
			b.WriteString(from[random.IntN(len(from))])
		}
		check(t, b.String())
		if t.Failed() {
			t.Fatalf("with %q", b.String())
		}
	}
}

// TestEveryWordOfAnAnswerIsShown marks each place where words can stand.
func TestEveryWordOfAnAnswerIsShown(t *testing.T) {
	var source strings.Builder
	n := 0
	word := func() string {
		n++
		return fmt.Sprintf("語%dz", n)
	}
	fmt.Fprintf(&source, "# %s\n\n%s **%s** *%s* ~~%s~~ `%s` [%s](https://a.example/) ![%s](https://a.example/b.png) <u>%s</u> $%s_1$ https://a.example/%s\n\n",
		word(), word(), word(), word(), word(), word(), word(), word(), word(), word(), word())
	fmt.Fprintf(&source, "%s\n===\n\n- %s\n  1. %s\n\n     %s\n     ```%s\n     %s\n     ```\n- [x] %s\n\n> %s\n> > %s\n>\n> | %s |\n> |---|\n> | %s |\n\n",
		word(), word(), word(), word(), word(), word(), word(), word(), word(), word(), word())
	fmt.Fprintf(&source, "| %s | **%s** |\n|---|---|\n| %s<br>%s | `%s` |\n\n    %s\n\n<div>%s\n<p>%s</div>\n\n$$\n%s\n$$\n\n%s[^1] %s[^1]\n\n[^1]: %s\n\n    %s\n[^2]: %s\n",
		word(), word(), word(), word(), word(), word(), word(), word(), word(), word(), word(), word(), word(), word())
	doc := say(source.String())
	word4 := checkPackage(t, write(t, doc, export.FormatDOCX))
	paper, _ := readPDF(t, write(t, doc, export.FormatPDF))
	for name, text := range map[string]string{
		"Markdown": string(write(t, doc, export.FormatMarkdown)),
		"HTML":     wordsOf(string(write(t, doc, export.FormatHTML))),
		"Word":     word4["word/document.xml"].words + word4["word/footnotes.xml"].words,
		"PDF":      joined(paper),
	} {
		for i := 1; i <= n; i++ {
			if !strings.Contains(text, fmt.Sprintf("語%dz", i)) {
				t.Errorf("%s: word %d is not shown", name, i)
			}
		}
	}
}

func TestDeepNestingIsBounded(t *testing.T) {
	for _, source := range []string{strings.Repeat(">", 5000) + "底", strings.Repeat("- ", 2000) + "底", strings.Repeat("[", 5000) + "底", strings.Repeat("**", 5000) + "底"} {
		for _, f := range formats {
			write(t, say(source), f)
		}
	}
}

func TestFilesAreWrittenAtTheSameTime(t *testing.T) {
	doc := sample(t)
	var wait sync.WaitGroup
	for range 4 {
		for _, f := range formats {
			wait.Go(func() {
				if err := export.Write(io.Discard, doc, f); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wait.Wait()
}
