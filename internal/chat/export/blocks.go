package export

import (
	"bufio"
	"bytes"
	"cmp"
	"html"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	goldhtml "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"

	"kakoi/internal/chat/markdown"
)

// A message is read once into blocks of runs, which every format draws.

type blockKind int

const (
	paragraph blockKind = iota
	heading
	list
	item
	quote
	code
	table
	rule
)

type block struct {
	kind    blockKind
	level   int     // of a heading, from 1
	runs    []run   // of a paragraph or heading
	blocks  []block // of a list, an item or a quote
	ordered bool    // of a list
	start   int     // of an ordered list
	loose   bool    // of a list: its items are paragraphs apart
	task    task    // of an item
	lang    string  // of code
	text    string  // of code
	columns []align // of a table
	rows    []row   // of a table, the header first
	plain   bool    // of a paragraph: spaces are meant
}

type row [][]run

type align int

const (
	alignNone align = iota
	alignLeft
	alignCenter
	alignRight
)

type task int

const (
	noTask task = iota
	taskOpen
	taskDone
)

type runKind int

const (
	textRun runKind = iota
	codeRun
	mathRun
	breakRun
	noteRun
)

// run is text of one look.
type run struct {
	kind   runKind
	text   string
	bold   bool
	italic bool
	strike bool
	href   string // where it leads, if it may lead there
	title  string // of the link
	note   int    // of a noteRun: which of the notes, from 1
}

// prose is a message's text, read.
type prose struct {
	blocks []block
	notes  [][]block
}

// maxDepth is how deep lists and quotes nest; what is deeper stands at this
// depth. No page has room for more, and no writer's stack grows with the text.
const maxDepth = 24

// parse reads Markdown.
func parse(source string) prose {
	src := []byte(strings.ToValidUTF8(strings.ReplaceAll(source, "\r\n", "\n"), "\uFFFD"))
	root := markdown.Parser().Parse(text.NewReader(src))
	r := reader{src: src}
	out := prose{blocks: r.children(root, 0)}
	// By their numbers; notes nobody refers to come last, and are kept.
	slices.SortStableFunc(r.notes, func(a, b *extast.Footnote) int {
		return cmp.Compare(uint(a.Index), uint(b.Index)) // -1 is the largest
	})
	for _, n := range r.notes {
		out.notes = append(out.notes, r.children(n, 0))
	}
	return out
}

// plainText keeps what a person typed: no markup, every line break and space.
func plainText(source string) prose {
	source = strings.ToValidUTF8(strings.ReplaceAll(strings.ReplaceAll(source, "\r\n", "\n"), "\r", "\n"), "\uFFFD")
	var out prose
	for piece := range strings.SplitSeq(strings.Trim(source, "\n"), "\n\n") {
		b := block{kind: paragraph, plain: true}
		for i, line := range strings.Split(piece, "\n") {
			if i > 0 {
				b.runs = append(b.runs, run{kind: breakRun})
			}
			if line != "" {
				b.runs = append(b.runs, run{text: line})
			}
		}
		out.blocks = append(out.blocks, b)
	}
	return out
}

// read is the part's text as its role means it.
func read(m Message, p Part) prose {
	if m.Role == Assistant || p.Kind == Reasoning {
		return parse(p.Text)
	}
	return plainText(p.Text)
}

type reader struct {
	src   []byte
	notes []*extast.Footnote
}

func (r *reader) children(parent ast.Node, depth int) []block {
	var out []block
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		out = append(out, r.block(n, depth)...)
	}
	return out
}

func (r *reader) block(n ast.Node, depth int) []block {
	switch n := n.(type) {
	case *ast.Heading:
		return []block{{kind: heading, level: n.Level, runs: r.runs(n)}}
	case *ast.Paragraph, *ast.TextBlock:
		if runs := r.runs(n); len(runs) > 0 {
			return []block{{kind: paragraph, runs: runs}}
		}
		return nil
	case *ast.Blockquote:
		inner := r.children(n, depth+1)
		if depth >= maxDepth {
			return inner
		}
		return []block{{kind: quote, blocks: inner}}
	case *ast.List:
		b := block{kind: list, ordered: n.IsOrdered(), start: n.Start, loose: !n.IsTight}
		for c := n.FirstChild(); c != nil; c = c.NextSibling() {
			b.blocks = append(b.blocks, block{kind: item, task: taskOf(c), blocks: r.children(c, depth+1)})
		}
		if depth >= maxDepth {
			var flat []block
			for _, it := range b.blocks {
				flat = append(flat, it.blocks...)
			}
			return flat
		}
		return []block{b}
	case *ast.FencedCodeBlock:
		lang := ""
		if n.Info != nil {
			lang = unescape(n.Info.Segment.Value(r.src))
		}
		return []block{{kind: code, lang: strings.TrimSpace(lang), text: r.lines(n)}}
	case *ast.CodeBlock:
		return []block{{kind: code, text: r.lines(n)}}
	case *markdown.MathBlock:
		return []block{{kind: code, text: r.lines(n)}}
	case *ast.ThematicBreak:
		return []block{{kind: rule}}
	case *ast.HTMLBlock:
		source := r.lines(n)
		if n.HasClosure() {
			source += string(n.ClosureLine.Value(r.src))
		}
		return []block{{kind: paragraph, plain: true, runs: literal(source)}}
	case *ast.LinkReferenceDefinition:
		return nil
	case *extast.Table:
		return []block{r.table(n)}
	case *extast.FootnoteList:
		for c := n.FirstChild(); c != nil; c = c.NextSibling() {
			if f, ok := c.(*extast.Footnote); ok {
				r.notes = append(r.notes, f)
			}
		}
		return nil
	}
	return r.children(n, depth)
}

func taskOf(item ast.Node) task {
	first := item.FirstChild()
	if first == nil {
		return noTask
	}
	if box, ok := first.FirstChild().(*extast.TaskCheckBox); ok {
		if box.IsChecked {
			return taskDone
		}
		return taskOpen
	}
	return noTask
}

func (r *reader) lines(n ast.Node) string {
	var b strings.Builder
	lines := n.Lines()
	for i := range lines.Len() {
		segment := lines.At(i)
		b.Write(segment.Value(r.src))
	}
	return b.String()
}

// literal is source shown as it stands, line by line.
func literal(source string) []run {
	var out []run
	for i, line := range strings.Split(strings.TrimRight(source, "\n"), "\n") {
		if i > 0 {
			out = append(out, run{kind: breakRun})
		}
		if line != "" {
			out = append(out, run{text: line})
		}
	}
	return out
}

func (r *reader) table(n *extast.Table) block {
	b := block{kind: table}
	for _, a := range n.Alignments {
		b.columns = append(b.columns, map[extast.Alignment]align{
			extast.AlignLeft: alignLeft, extast.AlignCenter: alignCenter, extast.AlignRight: alignRight,
		}[a])
	}
	for line := n.FirstChild(); line != nil; line = line.NextSibling() {
		var cells row
		for c := line.FirstChild(); c != nil; c = c.NextSibling() {
			cells = append(cells, r.runs(c))
		}
		b.rows = append(b.rows, cells)
	}
	return b
}

// runs are the inlines below n, flat, neighbours of one look joined.
func (r *reader) runs(n ast.Node) []run {
	var out []run
	r.inline(n, run{}, &out)
	joined := out[:0]
	for _, next := range out {
		if k := len(joined) - 1; k >= 0 && next.kind == textRun && joined[k].kind == textRun {
			same := joined[k]
			same.text = next.text
			if same == next {
				joined[k].text += next.text
				continue
			}
		}
		joined = append(joined, next)
	}
	return joined
}

func (r *reader) inline(n ast.Node, look run, out *[]run) {
	put := func(kind runKind, s string) {
		if s == "" && kind != breakRun {
			return
		}
		x := look
		x.kind, x.text = kind, s
		*out = append(*out, x)
	}
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			s := c.Segment.Value(r.src)
			if c.IsRaw() {
				put(textRun, string(s))
			} else {
				put(textRun, unescape(s))
			}
			if c.HardLineBreak() {
				put(breakRun, "")
			} else if c.SoftLineBreak() {
				put(textRun, r.softBreak(c))
			}
		case *ast.String:
			put(textRun, string(c.Value))
		case *ast.CodeSpan:
			var b strings.Builder
			for t := c.FirstChild(); t != nil; t = t.NextSibling() {
				switch t := t.(type) {
				case *ast.Text:
					b.Write(t.Segment.Value(r.src))
				case *ast.String:
					b.Write(t.Value)
				}
			}
			put(codeRun, strings.ReplaceAll(b.String(), "\n", " "))
		case *ast.Emphasis:
			inner := look
			if c.Level >= 2 {
				inner.bold = true
			} else {
				inner.italic = true
			}
			r.inline(c, inner, out)
		case *markdown.Strike:
			inner := look
			inner.strike = true
			r.inline(c, inner, out)
		case *ast.Link:
			inner := look
			inner.href, inner.title = safeLink(unescape(c.Destination)), unescape(c.Title)
			r.inline(c, inner, out)
		case *ast.AutoLink:
			inner := look
			inner.href = safeLink(string(c.URL(r.src)))
			if c.AutoLinkType == ast.AutoLinkEmail && inner.href == "" {
				inner.href = safeLink("mailto:" + string(c.URL(r.src)))
			}
			inner.kind, inner.text = textRun, string(c.Label(r.src))
			*out = append(*out, inner)
		case *ast.Image:
			// Its host is never asked; what it shows is said, where it is can be opened.
			inner := look
			inner.href, inner.title = safeLink(unescape(c.Destination)), unescape(c.Title)
			r.inline(c, inner, out)
		case *ast.RawHTML:
			var b strings.Builder
			for i := range c.Segments.Len() {
				segment := c.Segments.At(i)
				b.Write(segment.Value(r.src))
			}
			if markdown.IsBreak(b.String()) {
				put(breakRun, "")
			} else {
				put(textRun, b.String())
			}
		case *markdown.Math:
			put(mathRun, c.Source)
		case *extast.FootnoteLink:
			x := look
			x.kind, x.note, x.href = noteRun, c.Index, ""
			*out = append(*out, x)
		case *extast.TaskCheckBox:
			// the item has it
		default:
			r.inline(c, look, out)
		}
	}
}

// softBreak is what a line's end in the source means: nothing between Japanese
// characters, a space elsewhere.
func (r *reader) softBreak(t *ast.Text) string {
	before, _ := utf8.DecodeLastRune(bytes.TrimRight(r.src[:t.Segment.Stop], " \t\r\n"))
	after, _ := utf8.DecodeRune(bytes.TrimLeft(r.src[t.Segment.Stop:], " \t\r\n"))
	if markdown.IsCJK(before) && markdown.IsCJK(after) {
		return ""
	}
	return " "
}

// unescape resolves backslashes and entities.
func unescape(s []byte) string {
	if bytes.IndexByte(s, '\\') < 0 && bytes.IndexByte(s, '&') < 0 {
		return string(s)
	}
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	goldhtml.DefaultWriter.Write(w, s) // in one pass: \&amp; is not &
	if err := w.Flush(); err != nil {
		return string(s)
	}
	return strings.ToValidUTF8(html.UnescapeString(b.String()), "\uFFFD")
}

// safeLink is where a link may lead, by the rule of web/src/lib/markdown/links.ts:
// the web and mail, no name before the host. Empty otherwise.
func safeLink(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return ""
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https":
		if u.User != nil || u.Host == "" {
			return ""
		}
		return u.String()
	case "mailto":
		if u.Opaque == "" {
			return ""
		}
		return u.String()
	}
	return ""
}

// words of the runs, without their looks.
func plain(runs []run) string {
	var b strings.Builder
	for _, r := range runs {
		switch r.kind {
		case breakRun:
			b.WriteByte('\n')
		case noteRun:
		default:
			b.WriteString(r.text)
		}
	}
	return b.String()
}
