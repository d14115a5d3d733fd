package markdown

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Span is a piece of a text: its bytes from ≤ at < to.
type Span struct{ From, To int }

// Shown returns, in their order, the pieces of a text that are read as words,
// code and formulas. What lies between them makes them headings, tables, links.
func Shown(source []byte) []Span {
	var out []Span
	add := func(from, to int) {
		if from < to {
			out = append(out, Span{from, to})
		}
	}
	lines := func(list *text.Segments) {
		for i := range list.Len() {
			line := list.At(i)
			add(line.Start, line.Stop)
		}
	}
	_ = ast.Walk(Parser().Parse(text.NewReader(source)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			if n.IsRaw() {
				add(n.Segment.Start, n.Segment.Stop)
			} else {
				unescaped(source, n.Segment, add)
			}
		case *ast.CodeBlock, *ast.FencedCodeBlock, *MathBlock:
			lines(n.Lines())
		case *ast.HTMLBlock:
			lines(n.Lines())
			add(n.ClosureLine.Start, n.ClosureLine.Stop)
		case *ast.RawHTML:
			for i := range n.Segments.Len() {
				tag := n.Segments.At(i)
				if !IsBreak(string(tag.Value(source))) {
					add(tag.Start, tag.Stop)
				}
			}
		case *ast.AutoLink:
			label := n.Label(source)
			if at := bytes.Index(source[max(0, n.Pos()):], label); at >= 0 {
				at += max(0, n.Pos())
				add(at, at+len(label))
			}
		case *Math:
			add(n.from, n.to)
		}
		return ast.WalkContinue, nil
	})
	slices.SortFunc(out, func(a, b Span) int { return cmp.Compare(a.From, b.From) }) // notes come last in the tree
	joined := out[:0]
	for _, s := range out {
		if n := len(joined); n > 0 && s.From <= joined[n-1].To {
			joined[n-1].To = max(joined[n-1].To, s.To)
		} else {
			joined = append(joined, s)
		}
	}
	return joined
}

// unescaped adds a piece without the backslashes before signs that are meant.
func unescaped(source []byte, s text.Segment, add func(from, to int)) {
	from := s.Start
	for i := s.Start; i+1 < s.Stop; i++ {
		if source[i] == '\\' && util.IsPunct(source[i+1]) {
			add(from, i)
			from = i + 1
			i++
		}
	}
	add(from, s.Stop)
}

// IsBreak says whether the tag is <br>, the one piece of HTML that models need:
// a cell of a table has no other way to begin a line.
func IsBreak(tag string) bool {
	name := strings.ToLower(strings.Trim(tag, "<>/ \t\n"))
	return name == "br" && strings.HasPrefix(tag, "<")
}
