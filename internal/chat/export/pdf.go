package export

import (
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"kakoi/internal/chat/export/pdf"
)

// PDF writes doc on A4: Japanese line breaking, tables that go on over pages
// under their header, bookmarks, text that can be searched, copied and read
// aloud.
func PDF(w io.Writer, doc Document) error {
	words := doc.words()
	title := doc.title()
	p := &paper{
		doc: doc, words: words, title: title,
		out: pdf.New(w, pdf.Info{Title: title, Lang: words.Lang, Created: doc.ExportedAt}),
	}
	p.newPage()
	p.heading(title, "H1", 18, 0)
	if !doc.alone() {
		p.small(words.Exported + words.colon + words.time(doc.ExportedAt))
	}
	for _, c := range doc.Conversations {
		if !doc.alone() {
			p.space(14)
			p.heading(words.titleOf(c), "H2", 15, 0)
			p.level = 1
		}
		if err := p.conversation(c); err != nil {
			return err
		}
	}
	return p.out.Close(func(page, pages int) {
		style := pdf.Style{Size: 8, Color: grey}
		p.centred(itoa(page)+" / "+itoa(pages), pageHeight-30, style)
		if page > 1 {
			p.right(p.cut(title, style, pageWidth-2*margin), 36, style)
		}
	})
}

// A4, in points.
const (
	pageWidth  = 595.28
	pageHeight = 841.89
	margin     = 62.0
	topMargin  = 58.0
	bottom     = pageHeight - 56.0
)

type paper struct {
	doc   Document
	words words
	title string
	out   *pdf.Writer
	level int // of bookmarks of messages

	y     float64
	fresh bool      // nothing is on the page yet
	bars  []float64 // of quotes, by x
}

// frame is the column a block stands in.
type frame struct {
	left, right float64
	style       pdf.Style
	depth       int  // of lists
	inner       bool // not of the text itself: no bookmarks
}

func (f frame) width() float64 { return f.right - f.left }

// narrow moves the left edge in, as long as there is room for words.
func (f frame) narrow(by float64) frame {
	if f.width()-by >= 160 {
		f.left += by
	}
	return f
}

func itoa(n int) string { return strconv.Itoa(n) }

func (p *paper) newPage() {
	p.out.Page(pageWidth, pageHeight)
	p.y, p.fresh = topMargin, true
}

// space leaves room, if anything is above it.
func (p *paper) space(h float64) {
	if p.fresh {
		return
	}
	if p.y+h > bottom {
		p.newPage()
		return
	}
	p.advance(h)
}

// need begins a page if less than h is left of this one.
func (p *paper) need(h float64) {
	if p.y+h > bottom && !p.fresh {
		p.newPage()
	}
}

// advance moves down, drawing the bars beside quotes.
func (p *paper) advance(h float64) {
	for _, x := range p.bars {
		p.out.Rect(x, p.y, 2, h, rim)
	}
	p.y += h
	p.fresh = false
}

func (p *paper) frame() frame {
	return frame{left: margin, right: pageWidth - margin, style: pdf.Style{Size: bodySize, Color: black}}
}

func (p *paper) width(s string, style pdf.Style) float64 {
	w := 0.0
	for _, r := range s {
		w += p.out.Width(style.Face, r) * style.Size
	}
	return w
}

func (p *paper) cut(s string, style pdf.Style, width float64) string {
	w := 0.0
	for i, r := range s {
		if w += p.out.Width(style.Face, r) * style.Size; w > width {
			return s[:i] + "…"
		}
	}
	return s
}

func (p *paper) centred(s string, y float64, style pdf.Style) {
	p.out.Text((pageWidth-p.width(s, style))/2, y, s, style)
}

func (p *paper) right(s string, y float64, style pdf.Style) {
	p.out.Text(pageWidth-margin-p.width(s, style), y, s, style)
}

// leading is the height of a line.
func leading(size float64) float64 { return size * 1.65 }

// text places a flow as lines in the frame. mark is drawn beside the first.
func (p *paper) text(f flow, in frame, size float64, mark func(y float64)) {
	height := leading(size)
	for i, l := range f.lines(in.width(), true) {
		p.need(height)
		top := p.y
		p.advance(height)
		foot := top + height*0.5 + size*0.38
		if i == 0 && mark != nil {
			mark(foot)
		}
		l.draw(p.out, f.inks, in.left, foot)
	}
}

func (p *paper) heading(s, tag string, size float64, level int) {
	style := pdf.Style{Face: pdf.Bold, Size: size, Color: black}
	p.need(leading(size) + 3*leading(bodySize))
	p.out.Bookmark(s, level, p.y)
	p.out.Begin(tag)
	p.text(flowOf(p.out, []run{{text: s, bold: true}}, style, p.words), p.frame(), size, nil)
	p.out.End()
	p.space(4)
}

func (p *paper) small(s string) {
	style := pdf.Style{Size: noteSize, Color: grey}
	p.out.Begin("P")
	p.text(flowOf(p.out, []run{{text: s}}, style, p.words), p.frame(), noteSize, nil)
	p.out.End()
}

func (p *paper) conversation(c Conversation) error {
	p.out.Begin("Sect")
	defer p.out.End()
	for _, f := range p.words.facts(p.doc, c) {
		p.small(f.Label + p.words.colon + f.Value)
	}
	if c.SystemPrompt != "" {
		p.speaker(p.words.SystemPrompt, "", "")
		p.prose(plainText(c.SystemPrompt), p.frame())
	}
	for _, m := range c.branch() {
		p.speaker(p.words.speaker(p.doc, c, m), p.words.time(m.At), opening(m))
		for _, part := range m.Parts {
			if !p.doc.shown(part) {
				continue
			}
			if err := p.part(m, part); err != nil {
				return err
			}
		}
		if end := p.words.ending(m); end != "" {
			p.small(end)
		}
	}
	return nil
}

// opening is the first words of a message, for its bookmark.
func opening(m Message) string {
	for _, part := range m.Parts {
		if part.Kind == Text {
			s := oneLine(strings.Trim(strings.ToValidUTF8(part.Text[:min(len(part.Text), 400)], ""), "#*-> \n"))
			if utf8.RuneCountInString(s) > 30 {
				return string([]rune(s)[:30]) + "…"
			}
			return s
		}
	}
	return ""
}

func (p *paper) speaker(name, at, begins string) {
	p.space(16)
	p.need(5 * leading(bodySize))
	p.out.Line(margin, p.y, pageWidth-margin, p.y, 0.5, rim)
	p.advance(4)
	label := name
	if begins != "" {
		label += p.words.colon + begins
	}
	p.out.Bookmark(label, p.level, p.y)
	p.out.Begin("H" + itoa(p.level+2))
	runs := []run{{text: name, bold: true}}
	style := pdf.Style{Size: bodySize, Color: black}
	f := flowOf(p.out, runs, style, p.words)
	p.text(f, p.frame(), bodySize, nil)
	p.out.End()
	if at != "" {
		p.out.Begin("P")
		p.y -= leading(noteSize) * 0.1
		p.text(flowOf(p.out, []run{{text: at}}, pdf.Style{Size: noteSize, Color: grey}, p.words), p.frame(), noteSize, nil)
		p.out.End()
	}
	p.space(3)
}

func (p *paper) part(m Message, part Part) error {
	switch part.Kind {
	case Text:
		p.prose(read(m, part), p.frame())
		return nil
	case Reasoning:
		p.small(p.words.Reasoning)
		in := p.frame()
		in.style.Color = grey
		p.quoted(in, func(in frame) { p.prose(read(m, part), in) })
		return nil
	}
	pic, ok, err := part.picture()
	if err != nil {
		return err
	}
	if ok {
		p.picture(part, pic)
	}
	p.small(fileLabel(p.words, part))
	return nil
}

func (p *paper) picture(part Part, pic picture) {
	const perPixel = 72.0 / 96
	w, h := float64(pic.width)*perPixel, float64(pic.height)*perPixel
	scale := min(1, (pageWidth-2*margin)/w, (bottom-topMargin)*0.7/h)
	w, h = w*scale, h*scale
	p.space(4)
	p.need(h)
	if p.out.Image(margin, p.y, w, h, pic.data, oneLine(part.Name)) {
		p.advance(h)
		p.space(4)
	}
}

func (p *paper) prose(text prose, in frame) {
	p.blocks(text.blocks, in)
	if len(text.notes) == 0 {
		return
	}
	p.space(8)
	p.need(2 * leading(noteSize))
	p.out.Line(in.left, p.y, in.left+120, p.y, 0.5, rim)
	p.advance(4)
	in.style.Size = noteSize
	for i, n := range text.notes {
		p.out.Begin("Note")
		p.item("["+p.words.Notes+itoa(i+1)+"]", n, in, 30)
		p.out.End()
	}
}

func (p *paper) blocks(list []block, in frame) {
	for i, b := range list {
		if b.kind == heading {
			p.need(headroom(list[i:]))
		} else if i > 0 {
			p.space(in.style.Size * 0.5)
		}
		p.block(b, in, nil)
	}
}

// headingSize is that of a heading in what is said, by its level from 1.
func headingSize(level int) float64 { return [...]float64{15, 13.5, 12, 11.5, 11, 10.5}[level-1] }

// headroom is what the headings at the beginning of a list need on a page, so
// that none of them is left behind at its foot.
func headroom(list []block) float64 {
	room := 2 * leading(bodySize)
	for _, b := range list {
		if b.kind != heading {
			break
		}
		size := headingSize(b.level)
		room += size*0.8 + leading(size) + 2
	}
	return min(room, 20*leading(bodySize)) // more than that is no page's fault
}

// block places one; mark is drawn beside its first line, if it has lines.
func (p *paper) block(b block, in frame, mark func(y float64)) {
	if mark != nil && b.kind != paragraph {
		p.text(flow{}, in, in.style.Size, mark)
		if b.kind == list { // beside it
			p.y -= leading(in.style.Size)
		}
	}
	switch b.kind {
	case paragraph:
		p.out.Begin("P")
		p.text(flowOf(p.out, b.runs, in.style, p.words), in, in.style.Size, mark)
		p.out.End()
	case heading:
		style := in.style
		style.Face = pdf.Bold
		style.Size = headingSize(b.level)
		p.space(style.Size * 0.8)
		p.need(leading(style.Size) + 2*leading(bodySize))
		if !in.inner {
			p.out.Bookmark(oneLine(plain(b.runs)), p.level+b.level, p.y)
		}
		p.out.Begin("H" + itoa(min(b.level+p.level+2, 6)))
		runs := make([]run, len(b.runs))
		for i, r := range b.runs {
			r.bold = true
			runs[i] = r
		}
		p.text(flowOf(p.out, runs, style, p.words), in, style.Size, nil)
		p.out.End()
		p.space(2)
	case quote:
		p.out.Begin("BlockQuote")
		p.quoted(in, func(in frame) { p.blocks(b.blocks, in) })
		p.out.End()
	case list:
		p.list(b, in)
	case item:
	case code:
		p.code(b, in)
	case table:
		p.table(b, in)
	case rule:
		p.space(4)
		p.need(8)
		p.out.Line(in.left, p.y, in.right, p.y, 0.5, rim)
		p.advance(4)
	}
}

func (p *paper) quoted(in frame, draw func(frame)) {
	inner := in.narrow(14)
	inner.inner = true
	if inner.left > in.left {
		p.bars = append(p.bars, in.left+3)
		defer func() { p.bars = p.bars[:len(p.bars)-1] }()
	}
	draw(inner)
}

func (p *paper) list(b block, in frame) {
	p.out.Begin("L")
	defer p.out.End()
	number := b.start
	room := in.style.Size * 1.6
	if b.ordered {
		room = max(room, p.width(itoa(b.start+len(b.blocks))+". ", in.style)+3)
	}
	for i, it := range b.blocks {
		if i > 0 && b.loose {
			p.space(in.style.Size * 0.4)
		}
		label := [...]string{"•", "◦", "▪"}[in.depth%3]
		switch {
		case it.task != noTask:
			label = taskMark(it.task)
		case b.ordered:
			label = itoa(number) + "."
		}
		number++
		p.out.Begin("LI")
		p.item(label, it.blocks, in, room)
		p.out.End()
	}
}

// item places blocks with a label to the left of the first.
func (p *paper) item(label string, blocks []block, in frame, room float64) {
	inner := in.narrow(room)
	inner.depth++
	inner.inner = true
	style := in.style
	x := inner.left - room
	if inner.left == in.left {
		x = in.left // no room is left: the label goes before
	}
	mark := func(y float64) {
		p.out.Begin("Lbl")
		if inner.left == in.left {
			x = max(margin-room, 10)
		}
		p.out.Text(x, y, label, style)
		p.out.End()
	}
	if len(blocks) == 0 {
		p.text(flow{}, inner, style.Size, mark)
		return
	}
	p.out.Begin("LBody")
	defer p.out.End()
	for i, b := range blocks {
		if i > 0 && b.kind != list {
			p.space(style.Size * 0.3)
		}
		p.block(b, inner, mark)
		mark = nil
	}
}

func (p *paper) code(b block, in frame) {
	p.out.Begin("Code")
	defer p.out.End()
	if b.lang != "" {
		p.need(5 * leading(codeSize))
		style := pdf.Style{Size: 8, Color: grey}
		p.text(flowOf(p.out, []run{{text: b.lang}}, style, p.words), in, 8, nil)
	}
	const pad = 6.0
	height := codeSize * 1.45
	style := pdf.Style{Face: pdf.Mono, Size: codeSize, Color: black}
	ground := func(h float64) {
		p.out.Rect(in.left, p.y, in.width(), h, pale)
		p.advance(h)
	}
	p.need(2*pad + 2*height)
	ground(pad)
	for source := range strings.SplitSeq(strings.TrimRight(b.text, "\n"), "\n") {
		f := flowOf(p.out, []run{{text: source}}, style, p.words)
		for i := range f.letters { // code breaks where it must, not where words end
			if f.letters[i].after == mayBreak {
				f.letters[i].after = together
			}
		}
		for _, l := range f.lines(in.width()-2*pad, false) {
			p.need(height)
			top := p.y
			ground(height)
			l.draw(p.out, f.inks, in.left+pad, top+height*0.5+codeSize*0.36)
		}
	}
	if p.y+pad <= bottom+pad {
		ground(pad)
	}
}
