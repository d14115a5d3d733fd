package export

import (
	"archive/zip"
	"bytes"
	"fmt"
	"image"
	"image/png"
	"io"
	"strconv"
	"strings"
)

// DOCX writes doc as a Word document: real headings, tables with a repeated
// header, numbered lists, footnotes and links, on A4.
func DOCX(w io.Writer, doc Document) error {
	words := doc.words()
	p := &packageWriter{zip: zip.NewWriter(w), at: doc.ExportedAt}
	d := &docxWriter{doc: doc, words: words, links: map[string]string{}, numbers: 1}
	parts := []struct {
		name  string
		write func(*xmlWriter)
	}{
		{"[Content_Types].xml", func(x *xmlWriter) { contentTypes(x, docxParts) }},
		{"_rels/.rels", func(x *xmlWriter) {
			relations(x, []relation{
				{id: "rId1", kind: "officeDocument", target: "word/document.xml"},
				{id: "rId2", kind: coreRelation, target: "docProps/core.xml"},
			})
		}},
		{"docProps/core.xml", func(x *xmlWriter) { coreProperties(x, doc.title(), words.Lang, doc.ExportedAt) }},
		{"word/document.xml", d.document},
		{"word/footnotes.xml", d.footnotes},
		{"word/numbering.xml", d.numbering},
		{"word/styles.xml", d.styles},
		{"word/settings.xml", d.settings},
		{"word/fontTable.xml", fontTable},
		{"word/header1.xml", d.header},
		{"word/footer1.xml", d.footer},
		{"word/_rels/document.xml.rels", func(x *xmlWriter) { relations(x, d.relations()) }},
		{"word/_rels/footnotes.xml.rels", func(x *xmlWriter) { relations(x, d.links4notes) }},
	}
	for _, part := range parts {
		if err := p.add(part.name, part.write); err != nil {
			return err
		}
		if d.err != nil {
			return d.err
		}
	}
	for _, m := range d.media {
		if err := m.write(p); err != nil {
			return err
		}
	}
	return p.zip.Close()
}

const wordML = "application/vnd.openxmlformats-officedocument.wordprocessingml."

var docxParts = [][2]string{
	{"/word/document.xml", wordML + "document.main+xml"},
	{"/word/styles.xml", wordML + "styles+xml"},
	{"/word/numbering.xml", wordML + "numbering+xml"},
	{"/word/footnotes.xml", wordML + "footnotes+xml"},
	{"/word/settings.xml", wordML + "settings+xml"},
	{"/word/fontTable.xml", wordML + "fontTable+xml"},
	{"/word/header1.xml", wordML + "header+xml"},
	{"/word/footer1.xml", wordML + "footer+xml"},
	{"/docProps/core.xml", "application/vnd.openxmlformats-package.core-properties+xml"},
}

var wordSpaces = []string{
	"xmlns:w", "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
	"xmlns:r", relOffice,
	"xmlns:wp", nsDrawing + "/wordprocessingDrawing",
	"xmlns:a", nsDrawing + "/main",
	"xmlns:pic", nsDrawing + "/picture",
}

// Lengths. A twip is a twentieth of a point; an EMU is 1/12,700 of one.
const (
	indentStep   = 420 // twips: two characters
	textWidth    = 9070
	maxImageWide = 160 * 36000 // EMU
	maxImageHigh = 210 * 36000
	emuPerPixel  = 9525
	maxColumns   = 60   // Word takes no more than 63
	maxLink      = 2000 // longer addresses keep Word from opening the file
)

type docxWriter struct {
	doc   Document
	words words
	x     *xmlWriter
	err   error

	level       int // of the speakers' headings
	links       map[string]string
	rels        []relation
	links4notes []relation
	starts      []listStart // of the numbered lists
	numbers     int         // numbering instances so far; 1 is the bullets
	media       []media
	notes       [][]block // footnotes so far
	inNotes     bool

	text   prose // the message text at hand
	placed []int // by its notes: the footnote it became
}

type listStart struct{ level, start int }

// place is where a block stands.
type place struct {
	indent int    // twips
	style  string // of its paragraphs
	depth  int    // of lists
	number int    // numbering instance for the next paragraph; 0 is none
	mark   string // text before the next paragraph
}

func (d *docxWriter) document(x *xmlWriter) {
	d.x = x
	x.start("w:document", wordSpaces...)
	x.start("w:body")
	d.line("Title", d.doc.title())
	d.level = 1
	if !d.doc.alone() {
		d.level = 2
		d.line("Facts", d.words.Exported+d.words.colon+d.words.time(d.doc.ExportedAt))
	}
	for _, c := range d.doc.Conversations {
		if !d.doc.alone() {
			d.line("Heading1", d.words.titleOf(c))
		}
		d.conversation(c)
		if d.err != nil {
			return
		}
	}
	x.start("w:sectPr")
	x.empty("w:headerReference", "w:type", "default", "r:id", "rIdHeader")
	x.empty("w:footerReference", "w:type", "default", "r:id", "rIdFooter")
	x.empty("w:pgSz", "w:w", "11906", "w:h", "16838")
	x.empty("w:pgMar", "w:top", "1418", "w:right", "1418", "w:bottom", "1418", "w:left", "1418", "w:header", "709", "w:footer", "709", "w:gutter", "0")
	x.empty("w:docGrid", "w:linePitch", "360")
	x.end(3)
}

func (d *docxWriter) conversation(c Conversation) {
	for _, f := range d.words.facts(d.doc, c) {
		d.line("Facts", f.Label+d.words.colon+f.Value)
	}
	speaker := "Heading" + strconv.Itoa(d.level)
	if c.SystemPrompt != "" {
		d.line(speaker, d.words.SystemPrompt)
		d.prose(plainText(c.SystemPrompt), place{})
	}
	for _, m := range c.branch() {
		d.start(speaker, place{})
		d.run(run{text: d.words.speaker(d.doc, c, m)})
		if at := d.words.time(m.At); at != "" {
			d.styled("At", "　"+at)
		}
		d.x.end(1)
		for _, p := range m.Parts {
			if !d.doc.shown(p) {
				continue
			}
			if d.part(m, p); d.err != nil {
				return
			}
		}
		if end := d.words.ending(m); end != "" {
			d.line("Facts", end)
		}
	}
}

func (d *docxWriter) part(m Message, p Part) {
	switch p.Kind {
	case Text:
		d.prose(read(m, p), place{})
		return
	case Reasoning:
		d.line("Facts", d.words.Reasoning)
		d.prose(read(m, p), place{indent: indentStep, style: "Quote"})
		return
	}
	pic, ok, err := p.picture()
	if err != nil {
		d.err = err
		return
	}
	if ok {
		d.picture(p, pic)
	}
	d.line("Facts", fileLabel(d.words, p))
}

func (d *docxWriter) prose(p prose, at place) {
	d.text, d.placed = p, make([]int, len(p.notes))
	d.blocks(p.blocks, at)
	for i, n := range p.notes {
		if d.placed[i] == 0 { // nobody refers to it, or only another note
			d.line("Facts", fmt.Sprintf("%s%d", d.words.Notes, i+1))
			d.blocks(n, place{indent: indentStep})
		}
	}
}

func (d *docxWriter) blocks(list []block, at place) {
	for i, b := range list {
		if i > 0 {
			at.number, at.mark = 0, ""
		}
		d.block(b, at)
	}
}

func (d *docxWriter) block(b block, at place) {
	if b.kind != paragraph && b.kind != list && (at.number > 0 || at.mark != "") {
		d.start(at.style, at) // the item's mark stands alone
		d.x.end(1)
		at.number, at.mark = 0, ""
	}
	switch b.kind {
	case paragraph:
		d.start(at.style, at)
		d.runs(b.runs)
		d.x.end(1)
	case heading:
		d.start("Heading"+strconv.Itoa(min(b.level+d.level, 9)), place{indent: at.indent})
		d.runs(b.runs)
		d.x.end(1)
	case quote:
		at.indent += indentStep
		at.style = "Quote"
		d.blocks(b.blocks, at)
	case list:
		d.list(b, at)
	case item:
	case code:
		if b.lang != "" {
			d.start("CodeName", place{indent: at.indent})
			d.run(run{text: b.lang})
			d.x.end(1)
		}
		for line := range strings.SplitSeq(strings.TrimRight(b.text, "\n"), "\n") {
			d.start("Code", place{indent: at.indent})
			d.run(run{text: line})
			d.x.end(1)
		}
		d.line("Gap", "")
	case table:
		for from := 0; from < len(b.columns); from += maxColumns {
			d.table(b, from, min(from+maxColumns, len(b.columns)), at)
		}
	case rule:
		d.line("Rule", "")
	}
}

func (d *docxWriter) list(b block, at place) {
	depth := min(at.depth, 8)
	number := 1
	if b.ordered {
		d.numbers++
		number = d.numbers
		d.starts = append(d.starts, listStart{depth, b.start})
	}
	if at.number > 0 || at.mark != "" { // a list at once in an item
		d.start(at.style, at)
		d.x.end(1)
	}
	inner := place{indent: at.indent + indentStep, style: at.style, depth: at.depth + 1}
	if !b.loose && inner.style == "" && !d.inNotes {
		inner.style = "ListText"
	}
	for _, it := range b.blocks {
		inner.number, inner.mark = number, ""
		if it.task != noTask {
			inner.number, inner.mark = 0, taskMark(it.task)+" "
		}
		if len(it.blocks) == 0 {
			d.start(inner.style, inner)
			d.x.end(1)
			continue
		}
		d.blocks(it.blocks, inner)
	}
}

// start opens a paragraph.
func (d *docxWriter) start(style string, at place) {
	x := d.x
	x.start("w:p")
	if d.inNotes && style == "" {
		style = "FootnoteText"
	}
	x.start("w:pPr")
	if style != "" {
		x.empty("w:pStyle", "w:val", style)
	}
	if at.number > 0 {
		x.start("w:numPr")
		x.empty("w:ilvl", "w:val", strconv.Itoa(min(at.depth-1, 8)))
		x.empty("w:numId", "w:val", strconv.Itoa(at.number))
		x.end(1)
	}
	if at.indent > 0 {
		hanging := ""
		if at.number > 0 || at.mark != "" {
			hanging = strconv.Itoa(indentStep)
		}
		x.empty("w:ind", "w:left", strconv.Itoa(min(at.indent, textWidth*2/3)), "w:hanging", hanging)
	}
	x.end(1)
	if at.mark != "" {
		d.run(run{text: at.mark})
	}
}

// line is a paragraph of one run.
func (d *docxWriter) line(style, s string) {
	d.start(style, place{})
	if s != "" {
		d.run(run{text: s})
	}
	d.x.end(1)
}

func (d *docxWriter) styled(style, s string) {
	d.x.start("w:r")
	d.x.start("w:rPr")
	d.x.empty("w:rStyle", "w:val", style)
	d.x.end(1)
	d.characters(s)
	d.x.end(1)
}

func (d *docxWriter) runs(runs []run) {
	for _, r := range runs {
		if r.kind == noteRun {
			d.reference(r.note)
			continue
		}
		if id := d.link(r.href); id != "" {
			d.x.start("w:hyperlink", "r:id", id, "w:history", "1", "w:tooltip", oneLine(r.title))
			d.run(r)
			d.x.end(1)
			continue
		}
		d.run(r)
	}
}

func (d *docxWriter) run(r run) {
	x := d.x
	x.start("w:r")
	x.start("w:rPr")
	switch {
	case r.kind == codeRun || r.kind == mathRun:
		x.empty("w:rStyle", "w:val", "CodeText")
	case r.href != "" && len(r.href) <= maxLink:
		x.empty("w:rStyle", "w:val", "Hyperlink")
	}
	for _, look := range []struct {
		on   bool
		name string
	}{{r.bold, "w:b"}, {r.italic, "w:i"}, {r.strike, "w:strike"}} {
		if look.on {
			x.empty(look.name)
		}
	}
	x.end(1)
	if r.kind == breakRun {
		x.empty("w:br")
	} else {
		d.characters(r.text)
	}
	x.end(1)
}

// characters writes text within a run; Word has elements for tabs and lines.
func (d *docxWriter) characters(s string) {
	for i, line := range strings.Split(s, "\n") {
		if i > 0 {
			d.x.empty("w:br")
		}
		for j, piece := range strings.Split(line, "\t") {
			if j > 0 {
				d.x.empty("w:tab")
			}
			if piece != "" {
				d.x.start("w:t", "xml:space", "preserve")
				d.x.text(piece)
				d.x.end(1)
			}
		}
	}
}

// link is the relation for an address; empty if it leads nowhere.
func (d *docxWriter) link(href string) string {
	if href == "" || len(href) > maxLink {
		return ""
	}
	if d.inNotes {
		id := fmt.Sprintf("rIdNoteLink%d", len(d.links4notes)+1)
		d.links4notes = append(d.links4notes, relation{id, "hyperlink", href, "External"})
		return id
	}
	id, ok := d.links[href]
	if !ok {
		id = fmt.Sprintf("rIdLink%d", len(d.links)+1)
		d.links[href] = id
		d.rels = append(d.rels, relation{id, "hyperlink", href, "External"})
	}
	return id
}

// reference refers to a note of the text. The first time it becomes a footnote;
// Word wants no second reference to one, so later ones are its number.
func (d *docxWriter) reference(note int) {
	i := note - 1
	if d.inNotes { // a note in a note stands below the text
		d.styled("FootnoteReference", fmt.Sprintf("%s%d", d.words.Notes, note))
		return
	}
	if d.placed[i] > 0 {
		d.styled("FootnoteReference", strconv.Itoa(d.placed[i]))
		return
	}
	d.notes = append(d.notes, d.text.notes[i])
	d.placed[i] = len(d.notes)
	d.x.start("w:r")
	d.x.start("w:rPr")
	d.x.empty("w:rStyle", "w:val", "FootnoteReference")
	d.x.end(1)
	d.x.empty("w:footnoteReference", "w:id", strconv.Itoa(len(d.notes)))
	d.x.end(1)
}

func (d *docxWriter) table(b block, from, to int, at place) {
	x := d.x
	small := to-from > 8
	cellStyle := "Cell"
	if small {
		cellStyle = "SmallCell"
	}
	widths := columnShares(b, from, to, textWidth-min(at.indent, textWidth/2), small)
	x.start("w:tbl")
	x.start("w:tblPr")
	x.empty("w:tblStyle", "w:val", "Grid")
	x.empty("w:tblW", "w:w", "0", "w:type", "auto")
	if at.indent > 0 {
		x.empty("w:tblInd", "w:w", strconv.Itoa(min(at.indent, textWidth/2)), "w:type", "dxa")
	}
	if small {
		x.start("w:tblCellMar")
		x.empty("w:left", "w:w", "50", "w:type", "dxa")
		x.empty("w:right", "w:w", "50", "w:type", "dxa")
		x.end(1)
	}
	x.empty("w:tblLook", "w:val", "0020", "w:firstRow", "1", "w:lastRow", "0", "w:firstColumn", "0", "w:lastColumn", "0", "w:noHBand", "1", "w:noVBand", "1")
	x.end(1)
	x.start("w:tblGrid")
	for _, width := range widths {
		x.empty("w:gridCol", "w:w", strconv.Itoa(width))
	}
	x.end(1)
	for i, cells := range b.rows {
		x.start("w:tr")
		x.start("w:trPr")
		x.empty("w:cantSplit")
		if i == 0 {
			x.empty("w:tblHeader")
		}
		x.end(1)
		for j := from; j < to; j++ {
			x.start("w:tc")
			x.start("w:tcPr")
			x.empty("w:tcW", "w:w", strconv.Itoa(widths[j-from]), "w:type", "dxa")
			x.end(1)
			x.start("w:p")
			x.start("w:pPr")
			x.empty("w:pStyle", "w:val", cellStyle)
			if jc := map[align]string{alignCenter: "center", alignRight: "right"}[b.columns[j]]; jc != "" {
				x.empty("w:jc", "w:val", jc)
			}
			x.end(1)
			if j < len(cells) {
				d.runs(cells[j])
			}
			x.end(2)
		}
		x.end(1)
	}
	x.end(1)
	d.line("Gap", "") // without it two tables would be one
}

// columnShares divides the width by what the columns hold, in half-width
// characters: each gets what a short entry needs before any gets more.
func columnShares(b block, from, to, width int, small bool) []int {
	character, margins := 110.0, 240.0 // twips
	if small {
		character, margins = 80, 130
	}
	least, most := make([]float64, to-from), make([]float64, to-from)
	for j := range most {
		for _, cells := range b.rows[:min(len(b.rows), 1000)] { // enough to know
			if j+from < len(cells) {
				for line := range strings.SplitSeq(plain(cells[j+from]), "\n") {
					most[j] = max(most[j], float64(columnsOf(line)))
				}
			}
		}
		least[j] = margins + character*min(max(most[j], 2), 10)
		most[j] = max(margins+character*min(most[j], 400), least[j])
	}
	shares := make([]int, len(most))
	for j, w := range share(least, most, float64(width)) {
		shares[j] = int(w)
	}
	return shares
}

// media is a picture whose bytes are read again when its turn comes, so that
// only one is held at a time.
type media struct {
	name    string
	part    Part
	convert bool
}

func (m media) write(p *packageWriter) error {
	data, ok, err := m.part.content()
	if err != nil {
		return err
	}
	w, err := p.create("word/media/" + m.name)
	if err != nil || !ok {
		return err
	}
	if !m.convert {
		_, err = w.Write(data)
		return err
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		img = image.NewGray(image.Rect(0, 0, 1, 1)) // its head was well, the rest is not
	}
	return png.Encode(w, img)
}

func (d *docxWriter) picture(p Part, pic picture) {
	n := len(d.media) + 1
	format, convert := pic.format, false
	if format == "webp" { // which Word does not know
		format, convert = "png", true
	}
	m := media{fmt.Sprintf("image%d.%s", n, format), p, convert}
	d.media = append(d.media, m)
	id := fmt.Sprintf("rIdImage%d", n)
	d.rels = append(d.rels, relation{id: id, kind: "image", target: "media/" + m.name})

	scale := min(1, maxImageWide/float64(pic.width*emuPerPixel), maxImageHigh/float64(pic.height*emuPerPixel))
	cx := strconv.Itoa(max(1, int(float64(pic.width*emuPerPixel)*scale)))
	cy := strconv.Itoa(max(1, int(float64(pic.height*emuPerPixel)*scale)))
	number, name := strconv.Itoa(n), oneLine(p.Name)
	if name == "" {
		name = m.name
	}
	x := d.x
	x.start("w:p")
	x.start("w:r")
	x.start("w:drawing")
	x.start("wp:inline", "distT", "0", "distB", "0", "distL", "0", "distR", "0")
	x.empty("wp:extent", "cx", cx, "cy", cy)
	x.empty("wp:docPr", "id", number, "name", name, "descr", name)
	x.start("a:graphic")
	x.start("a:graphicData", "uri", nsDrawing+"/picture")
	x.start("pic:pic")
	x.start("pic:nvPicPr")
	x.empty("pic:cNvPr", "id", number, "name", name)
	x.empty("pic:cNvPicPr")
	x.end(1)
	x.start("pic:blipFill")
	x.empty("a:blip", "r:embed", id)
	x.start("a:stretch")
	x.empty("a:fillRect")
	x.end(2)
	x.start("pic:spPr")
	x.start("a:xfrm")
	x.empty("a:off", "x", "0", "y", "0")
	x.empty("a:ext", "cx", cx, "cy", cy)
	x.end(1)
	x.start("a:prstGeom", "prst", "rect")
	x.empty("a:avLst")
	x.end(9)
}
