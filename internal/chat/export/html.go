package export

import (
	"bufio"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"kakoi/internal/jst"
)

//go:embed style.css
var style string

// HTML writes doc as one page that needs nothing else: no script, no address to
// load from, pictures within. Its policy says so to the browser too.
func HTML(w io.Writer, doc Document) error {
	out := bufio.NewWriter(w)
	h := htmlWriter{out: out, doc: doc, words: doc.words()}
	title := esc(doc.title())
	fmt.Fprintf(out, `<!DOCTYPE html>
<html lang="%s">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>%s</title>
<style>
%s</style>
</head>
<body>
<h1>%s</h1>
`, h.words.Locale, title, style, title)
	if !doc.alone() {
		h.facts([]fact{{h.words.Exported, h.words.time(doc.ExportedAt)}})
	}
	for _, c := range doc.Conversations {
		if err := h.conversation(c); err != nil {
			return err
		}
	}
	fmt.Fprint(out, "</body>\n</html>\n")
	return out.Flush()
}

type htmlWriter struct {
	out   *bufio.Writer
	doc   Document
	words words
	texts int // so far, for the addresses of notes
	level int // of the speakers' headings
}

func (h *htmlWriter) facts(list []fact) {
	fmt.Fprint(h.out, "<dl>")
	for _, f := range list {
		if f.Value != "" {
			fmt.Fprintf(h.out, "<dt>%s</dt><dd>%s</dd>", esc(f.Label), esc(f.Value))
		}
	}
	fmt.Fprint(h.out, "</dl>\n")
}

func (h *htmlWriter) conversation(c Conversation) error {
	fmt.Fprint(h.out, "<section>\n")
	h.level = 2
	if !h.doc.alone() {
		h.level = 3
		fmt.Fprintf(h.out, "<h2>%s</h2>\n", esc(h.words.titleOf(c)))
	}
	h.facts(h.words.facts(h.doc, c))
	if c.SystemPrompt != "" {
		fmt.Fprintf(h.out, "<article class=\"message system\"><header><h%d>%s</h%d></header>\n<div class=\"said\">\n", h.level, esc(h.words.SystemPrompt), h.level)
		h.prose(plainText(c.SystemPrompt))
		fmt.Fprint(h.out, "</div></article>\n")
	}
	for _, m := range c.branch() {
		class := "answer"
		if m.Role == User {
			class = "user"
		}
		fmt.Fprintf(h.out, "<article class=\"message %s\"><header><h%d>%s</h%d>", class, h.level, esc(h.words.speaker(h.doc, c, m)), h.level)
		if at := h.words.time(m.At); at != "" {
			fmt.Fprintf(h.out, ` <time datetime="%s">%s</time>`, m.At.In(jst.Zone).Format(time.RFC3339), esc(at))
		}
		fmt.Fprint(h.out, "</header>\n<div class=\"said\">\n")
		for _, p := range m.Parts {
			if !h.doc.shown(p) {
				continue
			}
			if err := h.part(m, p); err != nil {
				return err
			}
		}
		if end := h.words.ending(m); end != "" {
			fmt.Fprintf(h.out, "<p class=\"end\">%s</p>\n", esc(end))
		}
		fmt.Fprint(h.out, "</div></article>\n")
	}
	fmt.Fprint(h.out, "</section>\n")
	return nil
}

func (h *htmlWriter) part(m Message, p Part) error {
	switch p.Kind {
	case Text:
		h.prose(read(m, p))
		return nil
	case Reasoning:
		fmt.Fprintf(h.out, "<div class=\"reasoning\"><p class=\"aside\">%s</p>\n", esc(h.words.Reasoning))
		h.prose(read(m, p))
		fmt.Fprint(h.out, "</div>\n")
		return nil
	}
	pic, ok, err := p.picture()
	if err != nil {
		return err
	}
	label := esc(fileLabel(h.words, p))
	if !ok {
		fmt.Fprintf(h.out, "<p class=\"aside\">%s</p>\n", label)
		return nil
	}
	fmt.Fprintf(h.out, `<figure><img alt="%s" width="%d" height="%d" src="data:image/%s;base64,`, esc(oneLine(p.Name)), pic.width, pic.height, pic.format)
	encoder := base64.NewEncoder(base64.StdEncoding, h.out)
	if _, err := encoder.Write(pic.data); err != nil {
		return err
	}
	if err := encoder.Close(); err != nil {
		return err
	}
	fmt.Fprintf(h.out, "\"><figcaption>%s</figcaption></figure>\n", label)
	return nil
}

func (h *htmlWriter) prose(p prose) {
	h.texts++
	h.blocks(p.blocks, false)
	if len(p.notes) == 0 {
		return
	}
	fmt.Fprintf(h.out, "<ol class=\"notes\" aria-label=\"%s\">\n", esc(h.words.Notes))
	for i, note := range p.notes {
		fmt.Fprintf(h.out, `<li id="n%d-%d">`, h.texts, i+1)
		h.blocks(note, true)
		fmt.Fprint(h.out, "</li>\n")
	}
	fmt.Fprint(h.out, "</ol>\n")
}

func (h *htmlWriter) blocks(list []block, tight bool) {
	for i, b := range list {
		if b.kind == paragraph && tight && !b.plain {
			if i > 0 {
				fmt.Fprint(h.out, "<br>")
			}
			h.runs(b.runs)
			continue
		}
		h.block(b)
	}
}

func (h *htmlWriter) block(b block) {
	out := h.out
	switch b.kind {
	case paragraph:
		if b.plain {
			fmt.Fprint(out, `<p class="typed">`)
		} else {
			fmt.Fprint(out, "<p>")
		}
		h.runs(b.runs)
		fmt.Fprint(out, "</p>\n")
	case heading:
		level := min(b.level+h.level, 6)
		fmt.Fprintf(out, "<h%d>", level)
		h.runs(b.runs)
		fmt.Fprintf(out, "</h%d>\n", level)
	case quote:
		fmt.Fprint(out, "<blockquote>\n")
		h.blocks(b.blocks, false)
		fmt.Fprint(out, "</blockquote>\n")
	case list:
		tag := "ul"
		if b.ordered {
			tag = "ol"
			fmt.Fprintf(out, "<ol start=\"%d\">\n", b.start)
		} else {
			fmt.Fprint(out, "<ul>\n")
		}
		for _, it := range b.blocks {
			if it.task != noTask {
				fmt.Fprintf(out, `<li class="task"><span class="box" role="img" aria-label="%s">%s</span> `, esc(h.words.task(it.task)), taskMark(it.task))
			} else {
				fmt.Fprint(out, "<li>")
			}
			h.blocks(it.blocks, !b.loose)
			fmt.Fprint(out, "</li>\n")
		}
		fmt.Fprintf(out, "</%s>\n", tag)
	case code:
		fmt.Fprint(out, "<figure>")
		if b.lang != "" {
			fmt.Fprintf(out, "<figcaption>%s</figcaption>", esc(b.lang))
		}
		fmt.Fprintf(out, "<pre><code>%s</code></pre></figure>\n", esc(b.text))
	case table:
		h.table(b)
	case rule:
		fmt.Fprint(out, "<hr>\n")
	}
}

func (h *htmlWriter) table(b block) {
	fmt.Fprint(h.out, "<div class=\"wide\"><table>\n")
	for i, cells := range b.rows {
		tag := "td"
		switch i {
		case 0:
			tag = `th scope="col"`
			fmt.Fprint(h.out, "<thead>\n")
		case 1:
			fmt.Fprint(h.out, "<tbody>\n")
		}
		fmt.Fprint(h.out, "<tr>")
		for j, cell := range cells {
			class := ""
			if j < len(b.columns) {
				class = map[align]string{alignCenter: ` class="c"`, alignRight: ` class="r"`}[b.columns[j]]
			}
			fmt.Fprintf(h.out, "<%s%s>", tag, class)
			h.runs(cell)
			fmt.Fprintf(h.out, "</%s>", tag[:2])
		}
		fmt.Fprint(h.out, "</tr>\n")
		if i == 0 {
			fmt.Fprint(h.out, "</thead>\n")
		}
	}
	if len(b.rows) > 1 {
		fmt.Fprint(h.out, "</tbody>\n")
	}
	fmt.Fprint(h.out, "</table></div>\n")
}

func (h *htmlWriter) runs(runs []run) {
	for _, r := range runs {
		var shut []string
		open := func(tag, attributes string) {
			fmt.Fprintf(h.out, "<%s%s>", tag, attributes)
			shut = append(shut, tag)
		}
		if r.href != "" {
			attributes := fmt.Sprintf(` href="%s" rel="noopener noreferrer nofollow"`, esc(r.href))
			if r.title != "" {
				attributes += fmt.Sprintf(` title="%s"`, esc(r.title))
			}
			open("a", attributes)
		}
		if r.bold {
			open("strong", "")
		}
		if r.italic {
			open("em", "")
		}
		if r.strike {
			open("del", "")
		}
		switch r.kind {
		case breakRun:
			fmt.Fprint(h.out, "<br>")
		case codeRun:
			open("code", "")
			fmt.Fprint(h.out, esc(r.text))
		case mathRun:
			open("code", ` class="math"`)
			fmt.Fprint(h.out, esc(r.text))
		case noteRun:
			fmt.Fprintf(h.out, `<sup><a href="#n%d-%d">%d</a></sup>`, h.texts, r.note, r.note)
		default:
			fmt.Fprint(h.out, esc(r.text))
		}
		for i := len(shut) - 1; i >= 0; i-- {
			fmt.Fprintf(h.out, "</%s>", shut[i])
		}
	}
}

// esc is s as text of HTML or XML: escaped, without the characters that neither
// may hold.
func esc(s string) string {
	harmless := func(r rune) bool { return legal(r) == r && !strings.ContainsRune(`<>&'"`, r) && r != utf8.RuneError }
	if !strings.ContainsFunc(s, func(r rune) bool { return !harmless(r) }) {
		return s
	}
	return html.EscapeString(strings.Map(legal, strings.ToValidUTF8(s, "\uFFFD")))
}

// legal replaces what XML 1.0 has no way to write.
func legal(r rune) rune {
	switch {
	case r == '\t' || r == '\n':
		return r
	case r < 0x20, r >= 0x7f && r < 0xa0, r >= 0xd800 && r < 0xe000, r&0xfffe == 0xfffe:
		return '\uFFFD'
	}
	return r
}

func (w words) task(t task) string {
	if t == taskDone {
		return w.Done
	}
	return w.Open
}

func taskMark(t task) string {
	if t == taskDone {
		return "☑"
	}
	return "☐"
}
