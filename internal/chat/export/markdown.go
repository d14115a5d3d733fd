package export

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"kakoi/internal/chat/markdown"
)

// Markdown writes doc as one readable Markdown text. What was said keeps its own
// Markdown, changed only where it would run into its neighbours or reach out of
// the file: its headings go below those of the speakers, what it leaves open is
// closed, its notes and references keep to themselves; HTML becomes words,
// pictures elsewhere become links, and links lead to the web and mail only.
func Markdown(w io.Writer, doc Document) error { return writeMarkdown(w, doc, nil) }

// writeMarkdown links the file of a part to what link answers, if anything.
func writeMarkdown(w io.Writer, doc Document, link func(Part) (string, error)) error {
	out := bufio.NewWriter(w)
	m := mdWriter{out: out, doc: doc, words: doc.words(), link: link, labels: map[string]bool{}, refs: map[string]string{}}
	fmt.Fprintf(out, "# %s\n", mdEscape(doc.title()))
	level := 2
	if !doc.alone() {
		level = 3
		fmt.Fprintf(out, "\n- %s%s%s\n", m.words.Exported, m.words.colon, m.words.time(doc.ExportedAt))
	}
	for _, c := range doc.Conversations {
		if !doc.alone() {
			fmt.Fprintf(out, "\n## %s\n", mdEscape(m.words.titleOf(c)))
		}
		if err := m.conversation(c, level); err != nil {
			return err
		}
	}
	return out.Flush()
}

type mdWriter struct {
	out    *bufio.Writer
	doc    Document
	words  words
	link   func(Part) (string, error)
	labels map[string]bool   // of notes so far
	refs   map[string]string // of link references so far, with where they lead
	count  int               // messages so far
}

func (m *mdWriter) conversation(c Conversation, level int) error {
	fmt.Fprintln(m.out)
	for _, f := range m.words.facts(m.doc, c) {
		fmt.Fprintf(m.out, "- %s%s%s\n", f.Label, m.words.colon, mdEscape(f.Value))
	}
	if c.SystemPrompt != "" {
		fmt.Fprintf(m.out, "\n%s %s\n\n%s\n", strings.Repeat("#", level), m.words.SystemPrompt, m.said(plainMarkdown(c.SystemPrompt), level))
	}
	for _, msg := range c.branch() {
		fmt.Fprintf(m.out, "\n---\n\n%s %s", strings.Repeat("#", level), mdEscape(m.words.speaker(m.doc, c, msg)))
		if at := m.words.time(msg.At); at != "" {
			fmt.Fprintf(m.out, " — %s", mdEscape(at))
		}
		fmt.Fprintln(m.out)
		for _, p := range msg.Parts {
			if !m.doc.shown(p) {
				continue
			}
			if err := m.part(msg, p, level); err != nil {
				return err
			}
		}
		if end := m.words.ending(msg); end != "" {
			fmt.Fprintf(m.out, "\n*%s*\n", end)
		}
	}
	return nil
}

func (m *mdWriter) part(msg Message, p Part, level int) error {
	switch p.Kind {
	case Text:
		source := p.Text
		if msg.Role != Assistant {
			source = plainMarkdown(source)
		}
		fmt.Fprintf(m.out, "\n%s\n", m.said(source, level))
	case Reasoning:
		fmt.Fprintf(m.out, "\n> **%s**\n>\n", m.words.Reasoning)
		for line := range strings.SplitSeq(m.said(p.Text, level), "\n") {
			fmt.Fprintln(m.out, strings.TrimRight("> "+line, " "))
		}
	default:
		to := ""
		if m.link != nil {
			var err error
			if to, err = m.link(p); err != nil {
				return err
			}
		}
		name := mdEscape(fileLabel(m.words, p))
		switch {
		case to == "":
			fmt.Fprintf(m.out, "\n- %s\n", name)
		case imageType(p.MediaType):
			fmt.Fprintf(m.out, "\n![%s](<%s>)\n", name, to)
		default:
			fmt.Fprintf(m.out, "\n- [%s](<%s>)\n", name, to)
		}
	}
	return nil
}

// plainMarkdown keeps the line breaks of typed text.
func plainMarkdown(s string) string {
	lines := strings.Split(strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n"), "\n")
	for i := range lines[:len(lines)-1] {
		if strings.TrimSpace(lines[i]) != "" && strings.TrimSpace(lines[i+1]) != "" {
			lines[i] = strings.TrimRight(lines[i], " ") + "  "
		}
	}
	return strings.Join(lines, "\n")
}

const mdSentinel = "kakoi-end-of-message"

// said is a message's Markdown, fit to stand among others below headings of
// level.
func (m *mdWriter) said(source string, level int) string {
	m.count++
	source = strings.Trim(strings.ReplaceAll(strings.ToValidUTF8(source, "\uFFFD"), "\r\n", "\n"), "\n")
	asWritten, more := source, true
	for n := 0; n < 5 && more; n++ { // HTML that has become words may be Markdown
		source, more = disarm(source)
	}
	if !more {
		source = m.edit(source, level)
		for range 4 {
			next, closed := closeMarkdown(source, level)
			if source = next; closed {
				return source
			}
		}
	}
	source = asWritten
	// Nothing else held it together: show it as it is.
	fence := strings.Repeat("`", max(3, longestRun(source, '`')+1))
	return fence + "\n" + source + "\n" + fence
}

type edit struct {
	start, stop int
	with        string
}

// edit lowers headings and makes labels the message's own.
func (m *mdWriter) edit(source string, level int) string {
	src := []byte(source)
	root := markdown.Parser().Parse(text.NewReader(src))
	var edits []edit
	var raw []edit // spans in which nothing is a label
	rename := map[string]string{}
	inline := map[string]bool{} // references to resolve where they are used
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			edits = append(edits, lowerHeading(src, n, level)...)
		case *ast.LinkReferenceDefinition:
			label, to := normalLabel(n.Label), string(n.Destination)
			if first, ok := m.refs[label]; !ok {
				m.refs[label] = to
			} else if first != to {
				inline[label] = true
			}
		case *extast.Footnote:
			if label := string(n.Ref); m.labels[label] {
				rename[label] = fmt.Sprintf("%d-%s", m.count, label)
			} else {
				m.labels[label] = true
			}
		case *ast.FencedCodeBlock, *ast.CodeBlock, *markdown.MathBlock:
			for i := range n.Lines().Len() {
				raw = append(raw, edit{start: n.Lines().At(i).Start, stop: n.Lines().At(i).Stop})
			}
		case *ast.CodeSpan:
			if first, ok := n.FirstChild().(*ast.Text); ok {
				if last, ok := n.LastChild().(*ast.Text); ok {
					raw = append(raw, edit{start: first.Segment.Start, stop: last.Segment.Stop})
				}
			}
		}
		return ast.WalkContinue, nil
	})
	if len(inline) > 0 {
		edits = append(edits, resolveReferences(src, root, inline)...)
	}
	for from, to := range rename {
		mark := []byte("[^" + from + "]")
		for at := 0; ; {
			i := bytes.Index(src[at:], mark)
			if i < 0 {
				break
			}
			start := at + i
			at = start + len(mark)
			if !slices.ContainsFunc(raw, func(r edit) bool { return start >= r.start && start < r.stop }) {
				edits = append(edits, edit{start, at, "[^" + to + "]"})
			}
		}
	}
	return apply(source, edits)
}

// apply makes the edits; where two meet, the first wins.
func apply(source string, edits []edit) string {
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Compare(a.start, b.start) })
	var b strings.Builder
	at := 0
	for _, e := range edits {
		if e.start < at || e.stop > len(source) {
			continue
		}
		b.WriteString(source[at:e.start])
		b.WriteString(e.with)
		at = e.stop
	}
	b.WriteString(source[at:])
	return b.String()
}

func lowerHeading(src []byte, n *ast.Heading, level int) []edit {
	to := min(n.Level+level, 6)
	pos := n.Pos()
	if pos < 0 || pos >= len(src) {
		return nil
	}
	marks := 0
	for pos+marks < len(src) && src[pos+marks] == '#' {
		marks++
	}
	if marks == n.Level && (pos+marks == len(src) || bytes.IndexByte([]byte(" \t\n"), src[pos+marks]) >= 0) {
		return []edit{{pos, pos + marks, strings.Repeat("#", to)}}
	}
	// Underlined: one line with marks before it takes less room for mistakes.
	lines := n.Lines()
	if lines.Len() == 0 {
		return nil
	}
	var words [][]byte
	for i := range lines.Len() {
		segment := lines.At(i)
		words = append(words, bytes.TrimSpace(segment.Value(src)))
	}
	stop := lines.At(lines.Len() - 1).Stop
	if stop > 0 && src[stop-1] != '\n' {
		if i := bytes.IndexByte(src[stop:], '\n'); i >= 0 {
			stop += i + 1
		}
	}
	if i := bytes.IndexByte(src[stop:], '\n'); i >= 0 {
		stop += i // the underline goes, its end stays
	} else {
		stop = len(src)
	}
	return []edit{{lines.At(0).Start, stop, strings.Repeat("#", to) + " " + string(bytes.Join(words, []byte(" ")))}}
}

// disarm makes words of what would do more than be read.
func disarm(source string) (string, bool) {
	src := []byte(source)
	var edits []edit
	_ = ast.Walk(markdown.Parser().Parse(text.NewReader(src)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.HTMLBlock:
			for i := range n.Lines().Len() {
				edits = append(edits, escapeTags(src, n.Lines().At(i))...)
			}
			if n.HasClosure() {
				edits = append(edits, escapeTags(src, n.ClosureLine)...)
			}
		case *ast.RawHTML:
			var tag strings.Builder
			for i := range n.Segments.Len() {
				segment := n.Segments.At(i)
				tag.Write(segment.Value(src))
			}
			if !markdown.IsBreak(tag.String()) && n.Segments.Len() > 0 {
				at := n.Segments.At(0).Start
				edits = append(edits, edit{at, at, "\\"})
			}
		case *ast.AutoLink:
			if at := n.Pos(); safeLink(string(n.URL(src))) == "" && at >= 0 && at < len(src) && src[at] == '<' {
				edits = append(edits, edit{at, at, "\\"})
			}
		case *ast.Link:
			if at := n.Pos(); unsafeLink(n.Destination) && at >= 0 && at < len(src) && src[at] == '[' {
				edits = append(edits, edit{at, at, "\\"})
			}
		case *ast.Image:
			at := n.Pos()
			if at > 0 && src[at] == '[' {
				at--
			}
			if at >= 0 && at < len(src) && src[at] == '!' {
				edits = append(edits, edit{at, at, "\\"})
				if unsafeLink(n.Destination) {
					edits = append(edits, edit{at + 1, at + 1, "\\"})
				}
			}
		}
		return ast.WalkContinue, nil
	})
	return apply(source, edits), len(edits) > 0
}

// escapeTags makes the HTML of a line words.
func escapeTags(src []byte, line text.Segment) []edit {
	var edits []edit
	for at := line.Start; at < line.Stop; at++ {
		if src[at] == '<' {
			edits = append(edits, edit{at, at, "\\"})
		}
	}
	return edits
}

// unsafeLink says whether an address names a scheme that links may not have.
func unsafeLink(address []byte) bool {
	s := strings.TrimSpace(unescape(address))
	scheme := strings.IndexByte(s, ':')
	if scheme < 0 || strings.ContainsAny(s[:scheme], "/?#") {
		return strings.HasPrefix(s, "//")
	}
	return safeLink(s) == ""
}

func normalLabel(label []byte) string {
	return strings.ToLower(strings.Join(strings.Fields(string(label)), " "))
}

// resolveReferences writes the address of the labels' links beside them and
// takes their definitions out.
func resolveReferences(src []byte, root ast.Node, labels map[string]bool) []edit {
	var edits []edit
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		var ref *ast.ReferenceLink
		var to []byte
		switch n := n.(type) {
		case *ast.Link:
			ref, to = n.Reference, n.Destination
		case *ast.Image:
			ref, to = n.Reference, n.Destination
		case *ast.LinkReferenceDefinition:
			if labels[normalLabel(n.Label)] && n.Lines().Len() > 0 {
				edits = append(edits, edit{n.Lines().At(0).Start, n.Lines().At(n.Lines().Len() - 1).Stop, "\n"})
			}
		}
		if ref == nil || !labels[normalLabel(ref.Value)] || n.Pos() < 0 || n.Pos() >= len(src) {
			return ast.WalkContinue, nil
		}
		address := "(<" + string(to) + ">)"
		label := "[" + string(ref.Value) + "]"
		rest := src[n.Pos():]
		switch ref.Type {
		case ast.ReferenceLinkFull:
			if i := bytes.Index(rest, []byte("]"+label)); i >= 0 {
				at := n.Pos() + i + 1
				edits = append(edits, edit{at, at + len(label), address})
			}
		case ast.ReferenceLinkCollapsed:
			if i := bytes.Index(rest, []byte(label+"[]")); i >= 0 {
				at := n.Pos() + i + len(label)
				edits = append(edits, edit{at, at + 2, address})
			}
		case ast.ReferenceLinkShortcut:
			if i := bytes.Index(rest, []byte(label)); i >= 0 {
				at := n.Pos() + i + len(label)
				edits = append(edits, edit{at, at, address})
			}
		}
		return ast.WalkContinue, nil
	})
	return edits
}

// closeMarkdown closes one thing that source leaves open, or says that what
// follows it would be read on its own, with no heading above level in it.
func closeMarkdown(source string, level int) (string, bool) {
	src := []byte(source + "\n\n# " + mdSentinel + "\n")
	root := markdown.Parser().Parse(text.NewReader(src))
	if last, ok := root.LastChild().(*ast.Heading); ok && last.Level == 1 && string(last.Lines().Value(src)) == mdSentinel {
		high := false
		_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			if h, ok := n.(*ast.Heading); ok && entering && h != last && h.Level <= level {
				high = true
			}
			return ast.WalkContinue, nil
		})
		return source, !high
	}
	var open ast.Node
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n.(type) {
		case *ast.FencedCodeBlock, *ast.HTMLBlock:
			if entering {
				open = n
			}
		}
		return ast.WalkContinue, nil
	})
	if open == nil || open.Pos() < 0 || open.Pos() >= len(source) {
		return source, false
	}
	if _, ok := open.(*ast.HTMLBlock); ok {
		at := open.Pos() + max(0, bytes.IndexByte(src[open.Pos():], '<'))
		return source[:at] + "\\" + source[at:], false
	}
	mark := src[open.Pos()]
	if mark != '`' && mark != '~' {
		return source, false
	}
	n := 0
	for open.Pos()+n < len(source) && src[open.Pos()+n] == mark {
		n++
	}
	return source + "\n" + strings.Repeat(string(rune(mark)), max(3, n)), false
}

func longestRun(s string, b byte) int {
	longest, n := 0, 0
	for i := range len(s) {
		if s[i] != b {
			n = 0
			continue
		}
		n++
		longest = max(longest, n)
	}
	return longest
}

// mdEscape is s as words of a line, not markup.
func mdEscape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("\\`*_[]<>#|~$&!", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
