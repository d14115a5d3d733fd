// Package markdown reads the Markdown of answers as the interface does
// (web/src/lib/markdown): GFM, footnotes, formulas, and emphasis that knows
// Japanese punctuation.
package markdown

import (
	"bytes"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// maxCells bounds a table. GFM fills every row up to the header's length, so a
// few kilobytes of text could ask for millions of cells; such text stays text.
const maxCells = 200_000

// Parser returns what reads Markdown to a tree.
var Parser = sync.OnceValue(func() parser.Parser {
	return parser.NewParser(
		parser.WithBlockParsers(append(parser.DefaultBlockParsers(),
			util.Prioritized(mathBlockParser{}, 650),
			util.Prioritized(extension.NewFootnoteBlockParser(), 999),
		)...),
		parser.WithInlineParsers(append(parser.DefaultInlineParsers(),
			util.Prioritized(extension.NewTaskCheckBoxParser(), 0),
			util.Prioritized(mathParser{}, 50), // before the backslash escapes
			util.Prioritized(extension.NewFootnoteParser(), 101),
			util.Prioritized(emphasisParser{}, 450), // before goldmark's own
			util.Prioritized(strikeParser{}, 450),
			util.Prioritized(extension.NewLinkifyParser(), 999),
		)...),
		parser.WithParagraphTransformers(append(parser.DefaultParagraphTransformers(),
			util.Prioritized(boundedTables{extension.NewTableParagraphTransformer()}, 200),
		)...),
		parser.WithASTTransformers(util.Prioritized(extension.NewTableASTTransformer(), 0)),
	)
})

// boundedTables leaves paragraphs that would become too large a table alone.
type boundedTables struct{ parser.ParagraphTransformer }

// Transform implements parser.ParagraphTransformer.
func (b boundedTables) Transform(node *ast.Paragraph, reader text.Reader, pc parser.Context) {
	lines := node.Lines()
	for i := 1; i < lines.Len(); i++ {
		segment := lines.At(i)
		line := segment.Value(reader.Source())
		if len(bytes.Trim(line, " \t\r\n|:-")) == 0 && (bytes.Count(line, []byte("|"))+1)*(lines.Len()-i) > maxCells {
			return
		}
	}
	b.ParagraphTransformer.Transform(node, reader, pc)
}

// Emphasis. CommonMark's rule was made for words with spaces between them and
// leaves **「重要」**です as it is; with these characters beside it, a run of
// asterisks opens and closes as it would beside a letter.

var cjkRanges = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo,
	{R16: []unicode.Range16{{Lo: 0x3000, Hi: 0x303f, Stride: 1}, {Lo: 0x30a0, Hi: 0x30ff, Stride: 1}, {Lo: 0xff00, Hi: 0xffef, Stride: 1}}},
}

// IsCJK reports characters of Chinese, Japanese and Korean, and their punctuation.
func IsCJK(r rune) bool { return unicode.In(r, cjkRanges...) }

func scanDelimiter(block text.Reader, minimum int, p parser.DelimiterProcessor) *parser.Delimiter {
	before := block.PrecendingCharacter()
	line, segment := block.PeekLine()
	d := parser.ScanDelimiter(line, before, minimum, p)
	if d == nil {
		return nil
	}
	after := ' '
	if d.OriginalLength < len(line) {
		after = util.ToRune(line, d.OriginalLength)
	}
	punct := func(r rune) bool { return util.IsPunctRune(r) && !IsCJK(r) }
	left := !util.IsSpaceRune(after) && (!punct(after) || util.IsSpaceRune(before) || util.IsPunctRune(before) || IsCJK(before))
	right := !util.IsSpaceRune(before) && (!punct(before) || util.IsSpaceRune(after) || util.IsPunctRune(after) || IsCJK(after))
	if line[0] == '_' {
		d.CanOpen = left && (!right || util.IsPunctRune(before))
		d.CanClose = right && (!left || util.IsPunctRune(after))
	} else {
		d.CanOpen, d.CanClose = left, right
	}
	d.Segment = segment.WithStop(segment.Start + d.OriginalLength)
	return d
}

type emphasisParser struct{}

// Trigger implements parser.InlineParser.
func (emphasisParser) Trigger() []byte { return []byte{'*', '_'} }

// IsDelimiter implements parser.DelimiterProcessor.
func (emphasisParser) IsDelimiter(b byte) bool { return b == '*' || b == '_' }

// OnMatch implements parser.DelimiterProcessor.
func (emphasisParser) OnMatch(n int) ast.Node { return ast.NewEmphasis(n) }

// CanOpenCloser implements parser.DelimiterProcessor.
func (emphasisParser) CanOpenCloser(o, c *parser.Delimiter) bool { return o.Char == c.Char }

// Parse implements parser.InlineParser.
func (p emphasisParser) Parse(_ ast.Node, block text.Reader, pc parser.Context) ast.Node {
	d := scanDelimiter(block, 1, p)
	if d == nil {
		return nil
	}
	block.Advance(d.OriginalLength)
	pc.PushDelimiter(d)
	return d
}

// Strike is struck-out text, ~~so~~. One tilde is a range: 10~20.
type Strike struct{ ast.BaseInline }

var kindStrike = ast.NewNodeKind("Strike")

// Kind implements ast.Node.
func (*Strike) Kind() ast.NodeKind { return kindStrike }

// Dump implements ast.Node.
func (n *Strike) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

type strikeParser struct{}

// Trigger implements parser.InlineParser.
func (strikeParser) Trigger() []byte { return []byte{'~'} }

// IsDelimiter implements parser.DelimiterProcessor.
func (strikeParser) IsDelimiter(b byte) bool { return b == '~' }

// OnMatch implements parser.DelimiterProcessor.
func (strikeParser) OnMatch(int) ast.Node { return &Strike{} }

// CanOpenCloser implements parser.DelimiterProcessor.
func (strikeParser) CanOpenCloser(o, c *parser.Delimiter) bool {
	return o.Char == c.Char && o.OriginalLength == c.OriginalLength
}

// Parse implements parser.InlineParser.
func (p strikeParser) Parse(_ ast.Node, block text.Reader, pc parser.Context) ast.Node {
	if block.PrecendingCharacter() == '~' {
		return nil
	}
	d := scanDelimiter(block, 2, p)
	if d == nil || d.OriginalLength != 2 {
		return nil
	}
	block.Advance(d.OriginalLength)
	pc.PushDelimiter(d)
	return d
}

// Math is a formula, kept as it was written.
type Math struct {
	ast.BaseInline
	Source string // with its delimiters
	from   int    // where it is in the text
	to     int
}

var kindMath = ast.NewNodeKind("Math")

// Kind implements ast.Node.
func (*Math) Kind() ast.NodeKind { return kindMath }

// Dump implements ast.Node.
func (n *Math) Dump(source []byte, level int) {
	ast.DumpHelper(n, source, level, map[string]string{"source": n.Source}, nil)
}

// mathParser reads $x$, $$x$$, \(x\) and \[x\] in running text by the rules of
// web/src/lib/markdown/math-syntax.ts: "$5 and $10" is no formula.
type mathParser struct{}

// Trigger implements parser.InlineParser.
func (mathParser) Trigger() []byte { return []byte{'$', '\\'} }

// Parse implements parser.InlineParser.
func (mathParser) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, _ := block.PeekLine()
	opener, closer := "", ""
	switch {
	case bytes.HasPrefix(line, []byte("$$")):
		opener, closer = "$$", "$$"
	case line[0] == '$':
		opener, closer = "$", "$"
	case bytes.HasPrefix(line, []byte(`\(`)):
		opener, closer = `\(`, `\)`
	case bytes.HasPrefix(line, []byte(`\[`)):
		opener, closer = `\[`, `\]`
	default:
		return nil
	}
	savedLine, saved := block.Position()
	var b strings.Builder
	for first := true; ; first = false {
		line, _ := block.PeekLine()
		if line == nil || !first && opener == "$" {
			block.SetPosition(savedLine, saved)
			return nil
		}
		from := 0
		if first {
			from = len(opener)
		}
		end := closing(line, from, closer)
		if end < 0 {
			b.Write(line)
			block.AdvanceLine()
			continue
		}
		b.Write(line[:end])
		source := b.String()
		inner := strings.TrimSuffix(strings.TrimPrefix(source, opener), closer)
		digit := end < len(line) && line[end] >= '0' && line[end] <= '9'
		if strings.TrimSpace(inner) == "" || opener == "$" && (digit || !looksLikeMath(inner)) {
			block.SetPosition(savedLine, saved)
			return nil
		}
		block.Advance(end)
		_, stop := block.Position()
		return &Math{Source: source, from: saved.Start, to: stop.Start}
	}
}

// closing finds the end of the closer in line, at or after from.
func closing(line []byte, from int, closer string) int {
	for i := from; i < len(line); i++ {
		if bytes.HasPrefix(line[i:], []byte(closer)) {
			if closer == "$" && i+1 < len(line) && line[i+1] == '$' {
				return -1
			}
			return i + len(closer)
		}
		if line[i] == '\\' {
			i++
		}
	}
	return -1
}

func looksLikeMath(inner string) bool {
	first, _ := utf8.DecodeRuneInString(inner)
	last, _ := utf8.DecodeLastRuneInString(inner)
	if unicode.IsSpace(first) || unicode.IsSpace(last) {
		return false
	}
	return strings.ContainsAny(inner, `\^_{}`) || !strings.ContainsFunc(inner, IsCJK)
}

// MathBlock is a formula on lines of its own, whose lines are no Markdown.
type MathBlock struct {
	ast.BaseBlock
	closer string
}

var kindMathBlock = ast.NewNodeKind("MathBlock")

// Kind implements ast.Node.
func (*MathBlock) Kind() ast.NodeKind { return kindMathBlock }

// IsRaw implements ast.Node.
func (*MathBlock) IsRaw() bool { return true }

// Dump implements ast.Node.
func (n *MathBlock) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

// maxMathLines is how far the end of a formula is looked for.
const maxMathLines = 200

type mathBlockParser struct{}

// Trigger implements parser.BlockParser.
func (mathBlockParser) Trigger() []byte { return []byte{'$', '\\'} }

// CanInterruptParagraph implements parser.BlockParser.
func (mathBlockParser) CanInterruptParagraph() bool { return true }

// CanAcceptIndentedLine implements parser.BlockParser.
func (mathBlockParser) CanAcceptIndentedLine() bool { return false }

// Open implements parser.BlockParser.
func (mathBlockParser) Open(_ ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	line, segment := reader.PeekLine()
	closer := ""
	switch trimmed := bytes.TrimSpace(line); {
	case bytes.HasPrefix(trimmed, []byte("$$")):
		closer = "$$"
	case bytes.HasPrefix(trimmed, []byte(`\[`)):
		closer = `\]`
	default:
		return nil, parser.NoChildren
	}
	if at := bytes.IndexAny(line, `$\`); closing(line, at+2, closer) >= 0 {
		return nil, parser.NoChildren // ends on its line: running text
	}
	rest := reader.Source()[segment.Stop:]
	for n := 0; n < maxMathLines && len(rest) > 0; n++ {
		next, after, _ := bytes.Cut(rest, []byte("\n"))
		if len(bytes.TrimSpace(next)) == 0 {
			return nil, parser.NoChildren
		}
		if closing(next, 0, closer) >= 0 {
			node := &MathBlock{closer: closer}
			node.Lines().Append(segment)
			reader.AdvanceToEOL()
			return node, parser.NoChildren
		}
		rest = after
	}
	return nil, parser.NoChildren
}

// Continue implements parser.BlockParser.
func (mathBlockParser) Continue(node ast.Node, reader text.Reader, _ parser.Context) parser.State {
	math, ok := node.(*MathBlock)
	line, segment := reader.PeekLine()
	if !ok || math.closer == "" || util.IsBlank(line) {
		return parser.Close
	}
	math.Lines().Append(segment)
	if closing(line, 0, math.closer) >= 0 {
		math.closer = "" // what follows is not of it
	}
	reader.AdvanceToEOL()
	return parser.Continue | parser.NoChildren
}

// Close implements parser.BlockParser.
func (mathBlockParser) Close(ast.Node, text.Reader, parser.Context) {}
