// Package pdf writes PDF files for Japanese offices: text in embedded subsets of
// Japanese fonts that can be searched, copied and read aloud, links, bookmarks
// and pictures. It places what it is told to place; where lines and pages end is
// the caller's business.
//
// It is our own because the libraries there are lose what lies beyond the first
// 65,536 characters of Unicode: names written with 𠮷, and emoji.
package pdf

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

// Info says what the document is.
type Info struct {
	Title   string
	Lang    string // ja-JP
	Created time.Time
}

// Writer writes a document page by page. Lengths are points; x grows to the
// right, y downwards from the top. Methods after the first error do nothing;
// Close returns it.
type Writer struct {
	out     *bufio.Writer
	written int64
	err     error
	info    Info
	offsets []int64 // by object number, less one
	deflate *zlib.Writer

	pages []page
	body  *bytes.Buffer // of the page at hand
	style state

	fonts   [fontCount]*font
	used    [fontCount]int // object numbers
	glyphs  map[glyphKey]glyph
	outline []bookmark

	root    *element
	open    []*element
	marking *element // whose marked content is open
	aside   bool     // what is drawn is not of the text
}

type page struct {
	object, content int
	width, height   float64
	links           []int
	images          map[string]int
	marked          []*element // by mark
}

// state is what the content stream has set, so that it is not set again.
type state struct{ fill, stroke Color }

// Color is red, green and blue, 0 to 255.
type Color struct{ R, G, B uint8 }

type bookmark struct {
	title string
	level int
	page  int
	y     float64
}

// element is a node of the tree by which readers read aloud.
type element struct {
	tag    string
	parent *element
	kids   []kid
	object int
	attr   string
	alt    string
}

type kid struct {
	page, mark int // of text
	child      *element
}

// Fixed objects.
const (
	objCatalog = 1 + iota
	objPages
	objInfo
	objStructure
	objParents
	objOutline
	objFixed = objOutline
)

// New begins a document.
func New(w io.Writer, info Info) *Writer {
	d := &Writer{
		out: bufio.NewWriterSize(w, 64<<10), info: info, offsets: make([]int64, objFixed),
		glyphs: map[glyphKey]glyph{}, root: &element{tag: "Document"},
	}
	d.open = []*element{d.root}
	d.raw("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	return d
}

func (d *Writer) raw(s string) {
	if d.err != nil {
		return
	}
	n, err := d.out.WriteString(s)
	d.written += int64(n)
	d.err = err
}

// allot gives a number to an object that is written later.
func (d *Writer) allot() int {
	d.offsets = append(d.offsets, 0)
	return len(d.offsets)
}

func (d *Writer) object(n int, body string) {
	d.offsets[n-1] = d.written
	d.raw(fmt.Sprintf("%d 0 obj\n%s\nendobj\n", n, body))
}

// stream writes a compressed stream; dict is what else stands in its dictionary.
func (d *Writer) stream(n int, dict string, data []byte) {
	var packed bytes.Buffer
	if d.deflate == nil {
		d.deflate = zlib.NewWriter(&packed) // a megabyte: one for all
	} else {
		d.deflate.Reset(&packed)
	}
	_, err := d.deflate.Write(data)
	if err == nil {
		err = d.deflate.Close()
	}
	if d.err == nil {
		d.err = err
	}
	d.packed(n, dict+" /Filter /FlateDecode", packed.Bytes())
}

func (d *Writer) packed(n int, dict string, data []byte) {
	d.offsets[n-1] = d.written
	d.raw(fmt.Sprintf("%d 0 obj\n<< %s /Length %d >>\nstream\n", n, dict, len(data)))
	d.raw(string(data))
	d.raw("\nendstream\nendobj\n")
}

// Page begins a page.
func (d *Writer) Page(width, height float64) {
	d.endPage()
	d.pages = append(d.pages, page{object: d.allot(), content: d.allot(), width: width, height: height, images: map[string]int{}})
	d.body = bytes.NewBufferString("q\n")
	d.style = state{}
}

// Pages is how many there are so far.
func (d *Writer) Pages() int { return len(d.pages) }

func (d *Writer) page() *page { return &d.pages[len(d.pages)-1] }

func (d *Writer) endPage() {
	if d.body == nil {
		return
	}
	d.unmark()
	d.body.WriteString("Q\n")
	d.stream(d.page().content, "", d.body.Bytes())
	d.body = nil
}

// Begin opens a part of the text: Sect, H1 to H6, P, L, LI, Table, TR, TH, TD,
// Code, Figure, Note. What is drawn until its End belongs to it.
func (d *Writer) Begin(tag string) {
	parent := d.open[len(d.open)-1]
	e := &element{tag: tag, parent: parent}
	if tag == "TH" {
		e.attr = "/A << /O /Table /Scope /Column >>"
	}
	if !d.aside {
		parent.kids = append(parent.kids, kid{child: e})
	}
	d.open = append(d.open, e)
}

// End closes what Begin opened last.
func (d *Writer) End() { d.open = d.open[:len(d.open)-1] }

// Aside draws what is not of the text: lines, grounds, the heads of pages.
func (d *Writer) Aside(draw func()) {
	before := d.aside
	d.aside = true
	draw()
	d.aside = before
}

// mark opens the marked content of what is drawn now.
func (d *Writer) mark() {
	e := d.open[len(d.open)-1]
	if d.aside {
		e = artifact
	}
	if d.marking == e {
		return
	}
	d.unmark()
	if e == artifact {
		d.body.WriteString("/Artifact BMC\n")
		d.marking = artifact
		return
	}
	p := d.page()
	fmt.Fprintf(d.body, "/%s << /MCID %d >> BDC\n", e.tag, len(p.marked))
	e.kids = append(e.kids, kid{page: len(d.pages) - 1, mark: len(p.marked)})
	p.marked = append(p.marked, e)
	d.marking = e
}

var artifact = &element{tag: "Artifact"}

func (d *Writer) unmark() {
	if d.marking != nil && d.body != nil {
		d.body.WriteString("EMC\n")
	}
	d.marking = nil
}

// number is v as PDF writes it, to a hundredth of a point.
func number(v float64) string {
	s := fmt.Sprintf("%.2f", v)
	s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	if s == "-0" {
		return "0"
	}
	return s
}

func (d *Writer) fill(c Color) {
	if d.style.fill != c {
		fmt.Fprintf(d.body, "%s rg\n", rgb(c))
		d.style.fill = c
	}
}

func (d *Writer) stroke(c Color) {
	if d.style.stroke != c {
		fmt.Fprintf(d.body, "%s RG\n", rgb(c))
		d.style.stroke = c
	}
}

func rgb(c Color) string {
	return number(float64(c.R)/255) + " " + number(float64(c.G)/255) + " " + number(float64(c.B)/255)
}

// up turns y to PDF's, which grows upwards.
func (d *Writer) up(y float64) float64 { return d.page().height - y }

// Rect fills a rectangle. It is an aside.
func (d *Writer) Rect(x, y, w, h float64, c Color) {
	d.Aside(func() {
		d.mark()
		d.fill(c)
		fmt.Fprintf(d.body, "%s %s %s %s re f\n", number(x), number(d.up(y+h)), number(w), number(h))
	})
}

// Line draws a line. It is an aside.
func (d *Writer) Line(x1, y1, x2, y2, width float64, c Color) {
	d.Aside(func() {
		d.mark()
		d.stroke(c)
		fmt.Fprintf(d.body, "%s w %s %s m %s %s l S\n", number(width), number(x1), number(d.up(y1)), number(x2), number(d.up(y2)))
	})
}

// Link makes a rectangle lead to an address.
func (d *Writer) Link(x, y, w, h float64, address string) {
	n := d.allot()
	d.object(n, fmt.Sprintf("<< /Type /Annot /Subtype /Link /Rect [%s %s %s %s] /Border [0 0 0] /F 4 /A << /S /URI /URI %s >> /Contents %s >>",
		number(x), number(d.up(y+h)), number(x+w), number(d.up(y)), literal(address), text(address)))
	p := d.page()
	p.links = append(p.links, n)
}

// Bookmark names this place in the outline; level begins at 0.
func (d *Writer) Bookmark(title string, level int, y float64) {
	d.outline = append(d.outline, bookmark{title, level, len(d.pages) - 1, y})
}

// literal is s as a string of bytes.
func literal(s string) string {
	var b strings.Builder
	b.WriteByte('(')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '(' || c == ')' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < 0x20 || c > 0x7e:
			fmt.Fprintf(&b, "\\%03o", c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte(')')
	return b.String()
}

// text is s as words.
func text(s string) string {
	var b strings.Builder
	b.WriteString("<FEFF")
	for _, u := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, "%04X", u)
	}
	b.WriteByte('>')
	return b.String()
}

// Close ends the document. foot draws on every page, last of all, when it is
// known how many there are.
func (d *Writer) Close(foot func(page, pages int)) error {
	if len(d.pages) == 0 {
		d.Page(595, 842)
	}
	d.endPage()
	total := len(d.pages)
	feet := make([]int, total)
	all := d.pages
	for i := range all {
		d.pages = all[:i+1]
		d.body, d.style = &bytes.Buffer{}, state{}
		d.body.WriteString("q\n")
		if foot != nil {
			d.Aside(func() { foot(i+1, total) })
		}
		d.unmark()
		d.body.WriteString("Q\n")
		feet[i] = d.allot()
		d.stream(feet[i], "", d.body.Bytes())
	}
	d.body = nil
	d.structure()
	d.bookmarks()
	fonts := d.embedFonts()
	var kids strings.Builder
	for i, p := range d.pages {
		fmt.Fprintf(&kids, "%d 0 R ", p.object)
		images := ""
		for _, name := range slices.Sorted(maps.Keys(p.images)) { // the same document is the same file
			images += fmt.Sprintf("/%s %d 0 R ", name, p.images[name])
		}
		links := ""
		for _, n := range p.links {
			links += fmt.Sprintf("%d 0 R ", n)
		}
		if links != "" {
			links = "/Annots [" + links + "] "
		}
		d.object(p.object, fmt.Sprintf("<< /Type /Page /Parent %d 0 R /MediaBox [0 0 %s %s] /Contents [%d 0 R %d 0 R] "+
			"/Resources << /Font << %s>> /XObject << %s>> >> /StructParents %d /Tabs /S %s>>",
			objPages, number(p.width), number(p.height), p.content, feet[i], fonts, images, i, links))
	}
	d.object(objPages, fmt.Sprintf("<< /Type /Pages /Count %d /Kids [%s] >>", total, kids.String()))
	outline := ""
	if len(d.outline) > 0 {
		outline = fmt.Sprintf("/Outlines %d 0 R /PageMode /UseOutlines ", objOutline)
	}
	d.object(objCatalog, fmt.Sprintf("<< /Type /Catalog /Pages %d 0 R /Lang %s /MarkInfo << /Marked true >> /StructTreeRoot %d 0 R "+
		"/ViewerPreferences << /DisplayDocTitle true >> %s>>", objPages, literal(d.info.Lang), objStructure, outline))
	created := ""
	if !d.info.Created.IsZero() {
		created = "/CreationDate " + literal(d.info.Created.UTC().Format("D:20060102150405Z"))
	}
	d.object(objInfo, fmt.Sprintf("<< /Title %s /Producer (Kakoi) %s >>", text(d.info.Title), created))
	at := d.written
	d.raw(fmt.Sprintf("xref\n0 %d\n0000000000 65535 f \n", len(d.offsets)+1))
	for _, offset := range d.offsets {
		if offset == 0 {
			d.raw("0000000000 00000 f \n")
			continue
		}
		d.raw(fmt.Sprintf("%010d 00000 n \n", offset))
	}
	d.raw(fmt.Sprintf("trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(d.offsets)+1, objCatalog, objInfo, at))
	if d.err != nil {
		return d.err
	}
	return d.out.Flush()
}

// structure writes the tree of elements, without recursion: it is as deep as
// the text is nested.
func (d *Writer) structure() {
	all := []*element{d.root}
	for i := 0; i < len(all); i++ {
		all[i].object = d.allot()
		for _, k := range all[i].kids {
			if k.child != nil {
				all = append(all, k.child)
			}
		}
	}
	for _, e := range all {
		parent := objStructure
		if e.parent != nil {
			parent = e.parent.object
		}
		var kids strings.Builder
		for _, k := range e.kids {
			if k.child != nil {
				fmt.Fprintf(&kids, "%d 0 R ", k.child.object)
			} else {
				fmt.Fprintf(&kids, "<< /Type /MCR /Pg %d 0 R /MCID %d >> ", d.pages[k.page].object, k.mark)
			}
		}
		alt := ""
		if e.alt != "" {
			alt = "/Alt " + text(e.alt)
		}
		d.object(e.object, fmt.Sprintf("<< /Type /StructElem /S /%s /P %d 0 R %s %s /K [%s] >>", e.tag, parent, e.attr, alt, kids.String()))
	}
	var parents strings.Builder
	for i, p := range d.pages {
		fmt.Fprintf(&parents, "%d [", i)
		for _, e := range p.marked {
			fmt.Fprintf(&parents, "%d 0 R ", e.object)
		}
		parents.WriteString("] ")
	}
	d.object(objParents, "<< /Nums ["+parents.String()+"] >>")
	d.object(objStructure, fmt.Sprintf("<< /Type /StructTreeRoot /K [%d 0 R] /ParentTree %d 0 R /ParentTreeNextKey %d >>", d.root.object, objParents, len(d.pages)))
}

// bookmarks writes the outline. A level that skips one stands below what is there.
func (d *Writer) bookmarks() {
	if len(d.outline) == 0 {
		return
	}
	type node struct {
		bookmark
		object, parent   int // parent: index, -1 is the root
		prev, next       int
		first, last, all int
	}
	nodes := make([]node, len(d.outline))
	root := node{object: objOutline, first: -1, last: -1}
	var path []int
	for i, b := range d.outline {
		for len(path) > 0 && nodes[path[len(path)-1]].level >= b.level {
			path = path[:len(path)-1]
		}
		parent, p := -1, &root
		if len(path) > 0 {
			parent = path[len(path)-1]
			p = &nodes[parent]
		}
		nodes[i] = node{bookmark: b, object: d.allot(), parent: parent, prev: p.last, next: -1, first: -1, last: -1}
		if p.last >= 0 {
			nodes[p.last].next = i
		} else {
			p.first = i
		}
		p.last = i
		p.all++
		path = append(path, i)
	}
	ref := func(key string, i int) string {
		if i < 0 {
			return ""
		}
		return fmt.Sprintf("/%s %d 0 R ", key, nodes[i].object)
	}
	for _, n := range nodes {
		parent := objOutline
		if n.parent >= 0 {
			parent = nodes[n.parent].object
		}
		count := ""
		if n.all > 0 {
			count = fmt.Sprintf("/Count -%d ", n.all)
		}
		p := d.pages[n.page]
		d.object(n.object, fmt.Sprintf("<< /Title %s /Parent %d 0 R %s%s%s%s%s/Dest [%d 0 R /XYZ 0 %s null] >>",
			text(n.title), parent, ref("Prev", n.prev), ref("Next", n.next), ref("First", n.first), ref("Last", n.last), count,
			p.object, number(p.height-n.y)))
	}
	d.object(objOutline, fmt.Sprintf("<< /Type /Outlines %s%s/Count %d >>", ref("First", root.first), ref("Last", root.last), root.all))
}
