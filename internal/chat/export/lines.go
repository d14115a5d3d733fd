package export

import (
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
	"golang.org/x/text/unicode/norm"

	"kakoi/internal/chat/export/pdf"
	"kakoi/internal/chat/markdown"
)

// Lines for paper. Where a line may end is Unicode's rule (UAX #14), which holds
// kinsoku: nothing that closes begins a line, nothing that opens ends one.

// ink is how a stretch of text looks.
type ink struct {
	style     pdf.Style
	href      string
	rise      float64 // of small figures above the line
	ground    bool    // of code within text
	strike    bool
	underline bool
}

// letter is a character with its look and what follows it.
type letter struct {
	r     rune
	ink   int // of the line's inks
	width float64
	after breaking
}

type breaking uint8

const (
	together breaking = iota
	mayBreak
	mustBreak
)

// flow is text to be broken into lines.
type flow struct {
	letters []letter
	inks    []ink
	natural float64 // the widest line if none is broken
	longest float64 // the widest piece that should not be broken
}

// line is one of them.
type line struct {
	letters []letter
	width   float64
	stretch float64 // after each letter, to fill the line
}

const (
	paperInk   = 0x1a
	bodySize   = 10.5
	codeSize   = 9.0
	noteSize   = 8.5
	smallTimes = 0.7 // of the figures of notes
)

var (
	black = pdf.Color{R: paperInk, G: paperInk, B: 0x1c}
	grey  = pdf.Color{R: 0x62, G: 0x62, B: 0x64}
	pale  = pdf.Color{R: 0xf4, G: 0xf4, B: 0xf6}
	rim   = pdf.Color{R: 0xd0, G: 0xd0, B: 0xd4}
	blue  = pdf.Color{R: 0x00, G: 0x17, B: 0xc1}
)

// flowOf measures runs in the given style.
func flowOf(out *pdf.Writer, runs []run, base pdf.Style, w words) flow {
	var f flow
	var all strings.Builder
	for _, r := range runs {
		k := ink{style: base, href: r.href, strike: r.strike}
		text := r.text
		if r.bold {
			k.style.Face = pdf.Bold
		}
		k.style.Italic = r.italic
		switch r.kind {
		case breakRun:
			text = "\n"
		case codeRun, mathRun:
			k.style.Face = pdf.Mono
			k.style.Size = base.Size * 0.95
			k.ground = true
		case noteRun:
			text = "[" + w.Notes + itoa(r.note) + "]"
			k.style.Size = base.Size * smallTimes
			k.rise = base.Size * 0.35
		}
		if r.href != "" {
			k.style.Color = blue
			k.underline = true
		}
		text = onPaper(text)
		f.inks = append(f.inks, k)
		for _, c := range text {
			f.letters = append(f.letters, letter{r: c, ink: len(f.inks) - 1, width: out.Width(k.style.Face, c) * k.style.Size})
		}
		all.WriteString(text)
	}
	f.breaks(all.String())
	return f
}

// onPaper is text without what paper does not know. Marks join their letters.
func onPaper(s string) string {
	s = norm.NFC.String(strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) {
			return '\uFFFD'
		}
		return r
	}, strings.ReplaceAll(s, "\t", "    "))
}

// breaks finds where lines may end, and how wide the pieces between are.
func (f *flow) breaks(s string) {
	at, state := 0, -1
	piece, whole := 0.0, 0.0
	for len(s) > 0 {
		var segment string
		var must bool
		segment, s, must, state = uniseg.FirstLineSegmentInString(s, state)
		width, trailing := 0.0, 0.0
		for range segment { // one letter each
			l := f.letters[at]
			if l.r == ' ' || l.r == '\n' {
				trailing += l.width
			} else {
				width += trailing + l.width
				trailing = 0
			}
			at++
		}
		piece = width
		f.longest = max(f.longest, piece)
		f.natural = max(f.natural, whole+width)
		whole += width + trailing
		last := &f.letters[at-1]
		switch {
		case must && last.r == '\n':
			last.after = mustBreak
			whole = 0
		default:
			last.after = mayBreak
		}
	}
}

// hanging may stand outside the column, as Japanese typesetters let them.
const hanging = "、。，．"

// lines breaks the text to a width. In running text (hang) 、 and 。 may hang over
// the edge, and lines of Japanese are filled.
func (f *flow) lines(width float64, hang bool) []line {
	var out []line
	start, lastBreak := 0, -1
	used, atBreak := 0.0, 0.0 // up to here, and up to the last place to break
	emit := func(end int, w float64, filled bool) {
		l := line{letters: f.letters[start:end], width: w}
		for len(l.letters) > 0 {
			last := l.letters[len(l.letters)-1]
			if last.r != ' ' && last.r != '\n' {
				break
			}
			l.width -= last.width
			l.letters = l.letters[:len(l.letters)-1]
		}
		if filled && hang {
			l.fill(width)
		}
		out = append(out, l)
	}
	for i := 0; i < len(f.letters); i++ {
		c := f.letters[i]
		hangs := hang && strings.ContainsRune(hanging, c.r) && used <= width+0.01
		if used+c.width > width+0.01 && c.width > 0 && c.r != ' ' && c.r != '\n' && !hangs && i > start {
			if lastBreak >= start {
				emit(lastBreak+1, atBreak, true)
				start = lastBreak + 1
				used -= atBreak
			} else {
				emit(i, used, false)
				start, used = i, 0
			}
			lastBreak = -1
			// What was carried over may itself be too wide: look at it again.
			if start < i {
				i, used = start-1, 0
				continue
			}
		}
		used += c.width
		switch c.after {
		case mustBreak:
			emit(i+1, used, false)
			start, used, lastBreak = i+1, 0, -1
		case mayBreak:
			lastBreak, atBreak = i, used
		}
	}
	if start < len(f.letters) {
		emit(len(f.letters), used, false)
	}
	if len(out) == 0 {
		out = append(out, line{})
	}
	return out
}

// fill spreads a line of Japanese over the width if little is missing.
func (l *line) fill(width float64) {
	n := len(l.letters)
	if n < 10 {
		return
	}
	japanese := 0
	for _, c := range l.letters {
		if markdown.IsCJK(c.r) {
			japanese++
		}
	}
	if slack := width - l.width; slack > 0 && japanese*2 > n && slack/float64(n-1) < bodySize*0.08 {
		l.stretch = slack / float64(n-1)
	}
}

// draw writes the line from x with its foot at y.
func (l line) draw(out *pdf.Writer, inks []ink, x, y float64) {
	for from := 0; from < len(l.letters); {
		to := from + 1
		for to < len(l.letters) && l.letters[to].ink == l.letters[from].ink {
			to++
		}
		k := inks[l.letters[from].ink]
		var b strings.Builder
		width := 0.0
		for _, c := range l.letters[from:to] {
			b.WriteRune(c.r)
			width += c.width + l.stretch
		}
		size := k.style.Size
		if k.ground {
			out.Rect(x, y-size*0.95, width, size*1.25, pale)
		}
		style := k.style
		style.Space = l.stretch
		out.Text(x, y-k.rise, b.String(), style)
		if k.strike {
			out.Line(x, y-size*0.35, x+width, y-size*0.35, 0.6, style.Color)
		}
		if k.underline {
			out.Line(x, y+size*0.15, x+width, y+size*0.15, 0.4, style.Color)
		}
		if k.href != "" {
			out.Link(x, y-size, width, size*1.3, k.href)
		}
		x += width
		from = to
	}
}
