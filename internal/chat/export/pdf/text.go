package pdf

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf16"

	"golang.org/x/text/unicode/norm"
)

// Face is a way to write.
type Face uint8

// The faces.
const (
	Regular Face = iota
	Bold
	Mono // half-width characters are one cell wide, the others two
)

// The fonts behind the faces.
const (
	fontRegular = iota
	fontBold
	fontMono
	fontEmoji
	fontCount
)

var fontNames = [fontCount]struct {
	name  string
	scale float64
}{{"NotoSansJP-Regular", 1}, {"NotoSansJP-Bold", 1}, {"NotoSansMono-Regular", 1}, {"NotoEmoji-Regular", 0.8}}

// Cell is the width of a half-width character of Mono, in ems. Noto Sans Mono is
// made wider, and Japanese characters are two cells.
const Cell = 0.54

// Geta stands for a character that no font has. It is copied and searched as
// the character itself.
const Geta = '〓'

type glyphKey struct {
	face Face
	r    rune
}

// glyph is how a face draws a character.
type glyph struct {
	font    int8
	cid     uint16
	width   float32 // that it takes in the line, in ems
	natural float32 // that its font gives it, in ems, squeezed
	squeeze float32 // horizontally
	heavy   bool    // drawn with a thicker line: bold without a bold glyph
}

func (d *Writer) font(i int) *font {
	if d.fonts[i] == nil {
		f, err := useFont(i)
		if err != nil {
			if d.err == nil {
				d.err = err
			}
			return nil
		}
		d.fonts[i] = f
		d.used[i] = d.allot()
	}
	return d.fonts[i]
}

// invisible says whether the character takes no room: joiners, selectors of
// variants, marks of direction, what colours the skin of the emoji before it.
func invisible(r rune) bool {
	return r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0100 && r <= 0xe01ef || r >= 0x1f3fb && r <= 0x1f3ff ||
		r >= 0xe0020 && r <= 0xe007f || r == 0x20e3 || r == 0xad || unicode.Is(unicode.Cf, r) || unicode.IsControl(r)
}

func (d *Writer) glyph(face Face, r rune) glyph {
	key := glyphKey{face, r}
	if g, ok := d.glyphs[key]; ok {
		return g
	}
	g := d.find(face, r)
	d.glyphs[key] = g
	return g
}

func (d *Writer) find(face Face, r rune) glyph {
	if invisible(r) {
		return glyph{font: -1}
	}
	order := []int{fontRegular, fontMono, fontEmoji}
	switch face {
	case Bold:
		order = []int{fontBold, fontRegular, fontMono, fontEmoji}
	case Mono:
		order = []int{fontMono, fontRegular, fontEmoji}
	}
	for _, shown := range []rune{r, standIn(r), Geta} {
		for _, i := range order {
			f := d.font(i)
			if f == nil {
				return glyph{font: -1}
			}
			gid := f.lookup(shown)
			if gid == 0 {
				continue
			}
			g := glyph{font: int8(i), cid: uint16(f.cid(r, gid)), squeeze: 1, heavy: face == Bold && i != fontBold}
			g.natural = float32(f.advance(gid) * f.scale)
			g.width = g.natural
			if face == Mono {
				g.mono(i)
			}
			return g
		}
	}
	return glyph{font: -1}
}

// standIn is a character that looks and means nearly the same: an arrow for an
// arrow, x for a slanted x of formulas. It is still copied as what it was.
func standIn(r rune) rune {
	switch r {
	case '☐':
		return '□'
	case '☒', '✗', '✘', '✕':
		return '×'
	case '➔', '➜', '➤', '↳':
		return '→'
	}
	if plain := []rune(norm.NFKC.String(string(r))); len(plain) == 1 {
		return plain[0]
	}
	return r
}

// mono fits the glyph into one or two cells.
func (g *glyph) mono(font int) {
	switch {
	case g.natural == 0: // a mark over the one before
	case font == fontMono:
		g.squeeze = Cell / g.natural
		g.natural, g.width = Cell, Cell
	case g.natural <= Cell*1.1:
		g.width = Cell
	default:
		g.width = 2 * Cell
	}
}

// Width is how wide the face writes the character at a size of one point.
func (d *Writer) Width(face Face, r rune) float64 { return float64(d.glyph(face, r).width) }

// Style is how text looks.
type Style struct {
	Face   Face
	Size   float64
	Color  Color
	Italic bool    // slanted: Japanese fonts have no italics
	Space  float64 // added after each character
}

// Text writes s on the line whose foot is y, and returns how wide it is.
func (d *Writer) Text(x, y float64, s string, style Style) float64 {
	if s == "" || d.body == nil || d.err != nil {
		return 0
	}
	d.mark()
	d.fill(style.Color)
	// Glyphs of one font and look go out together.
	var run []glyph
	start, at := x, x
	flush := func() {
		if len(run) > 0 {
			d.show(start, y, run, style)
			run = run[:0]
		}
	}
	for _, r := range s {
		g := d.glyph(style.Face, r)
		if d.err != nil {
			return 0
		}
		if g.font < 0 {
			continue
		}
		if len(run) > 0 && (run[0].font != g.font || run[0].heavy != g.heavy || run[0].squeeze != g.squeeze) {
			flush()
		}
		if len(run) == 0 {
			start = at
		}
		run = append(run, g)
		at += float64(g.width)*style.Size + style.Space
	}
	flush()
	return at - x
}

func (d *Writer) show(x, y float64, run []glyph, style Style) {
	f := d.fonts[run[0].font]
	size := style.Size * f.scale
	slant := 0.0
	if style.Italic {
		slant = 0.2
	}
	squeeze := float64(run[0].squeeze)
	b := d.body
	fmt.Fprintf(b, "BT /F%d %s Tf ", run[0].font, number(size))
	if run[0].heavy {
		d.stroke(style.Color)
		fmt.Fprintf(b, "2 Tr %s w ", number(style.Size*0.03))
	}
	lead := (float64(run[0].width) - float64(run[0].natural)) / 2 * style.Size
	fmt.Fprintf(b, "%s 0 %s 1 %s %s Tm [<", number(squeeze), number(slant), number(x+lead), number(d.up(y)))
	for i, g := range run {
		fmt.Fprintf(b, "%04X", g.cid)
		if i == len(run)-1 {
			break
		}
		// The room after it, and what centres the next in its own.
		extra := (float64(g.width-g.natural)+float64(run[i+1].width-run[i+1].natural))/2*style.Size + style.Space
		if thousandths := math.Round(-extra / (size * squeeze) * 1000); thousandths != 0 {
			fmt.Fprintf(b, "> %d <", int(thousandths))
		}
	}
	b.WriteString(">] TJ")
	if run[0].heavy {
		b.WriteString(" 0 Tr")
	}
	b.WriteString(" ET\n")
}

// embedFonts writes what was used of each font, and answers the names by which
// pages call them.
func (d *Writer) embedFonts() string {
	var names strings.Builder
	for i, f := range d.fonts {
		if f == nil || len(f.runes) == 1 || d.err != nil {
			continue
		}
		name := fmt.Sprintf("KAKOI%c+%s", 'A'+i, f.name)
		file, descriptor, descendant, unicodes, gids := d.allot(), d.allot(), d.allot(), d.allot(), d.allot()
		data, cidToGID := f.subset()
		d.stream(file, fmt.Sprintf("/Length1 %d", len(data)), data)
		d.stream(gids, "", cidToGID)
		d.stream(unicodes, "", f.toUnicode())
		head, hhea := f.tables["head"], f.tables["hhea"]
		milli := func(b []byte) int { return int(math.Round(float64(int16(be16(b))) / f.units * 1000)) }
		d.object(descriptor, fmt.Sprintf("<< /Type /FontDescriptor /FontName /%s /Flags 4 /FontBBox [%d %d %d %d] /ItalicAngle 0 "+
			"/Ascent %d /Descent %d /CapHeight 733 /StemV 80 /FontFile2 %d 0 R >>",
			name, milli(head[36:]), milli(head[38:]), milli(head[40:]), milli(head[42:]), milli(hhea[4:]), milli(hhea[6:]), file))
		var widths strings.Builder
		for cid, gid := range f.gids {
			fmt.Fprintf(&widths, "%d ", int(math.Round(f.advance(gid)*1000)))
			if cid%32 == 31 {
				widths.WriteByte('\n')
			}
		}
		d.object(descendant, fmt.Sprintf("<< /Type /Font /Subtype /CIDFontType2 /BaseFont /%s /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> "+
			"/FontDescriptor %d 0 R /DW 1000 /W [0 [%s]] /CIDToGIDMap %d 0 R >>", name, descriptor, widths.String(), gids))
		d.object(d.used[i], fmt.Sprintf("<< /Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /Identity-H /DescendantFonts [%d 0 R] /ToUnicode %d 0 R >>",
			name, descendant, unicodes))
		fmt.Fprintf(&names, "/F%d %d 0 R ", i, d.used[i])
	}
	return names.String()
}

// toUnicode says which character each CID is.
func (f *font) toUnicode() []byte {
	var b bytes.Buffer
	b.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n" +
		"/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n" +
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	for from := 1; from < len(f.runes); from += 100 {
		to := min(from+100, len(f.runes))
		fmt.Fprintf(&b, "%d beginbfchar\n", to-from)
		for cid := from; cid < to; cid++ {
			fmt.Fprintf(&b, "<%04X> <", cid)
			for _, u := range utf16.Encode([]rune{f.runes[cid]}) {
				fmt.Fprintf(&b, "%04X", u)
			}
			b.WriteString(">\n")
		}
		b.WriteString("endbfchar\n")
	}
	b.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n")
	return b.Bytes()
}
