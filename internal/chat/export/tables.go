package export

import (
	"archive/zip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"kakoi/internal/chat/markdown"
)

// Table is a table of an answer, as words.
type Table struct {
	Title string     // the heading that stands over it, if any
	Rows  [][]string // the first is the header
}

// ErrNoTable is the answer to a text without tables.
var ErrNoTable = errors.New("the text has no table")

// Tables are the tables of an answer, in their order.
func Tables(answer string) []Table {
	var out []Table
	title := ""
	var walk func([]block)
	walk = func(list []block) {
		for _, b := range list {
			switch b.kind {
			case heading:
				title = oneLine(plain(b.runs))
			case table:
				t := Table{Title: title}
				for _, cells := range b.rows {
					var line []string
					for _, c := range cells {
						line = append(line, plain(c))
					}
					t.Rows = append(t.Rows, line)
				}
				out = append(out, t)
			default:
				walk(b.blocks)
			}
		}
	}
	text := parse(answer)
	walk(text.blocks)
	for _, n := range text.notes {
		walk(n)
	}
	return out
}

// CSV writes one table with the mark by which Excel knows UTF-8. A cell that a
// spreadsheet would calculate begins with an apostrophe; numbers stay numbers.
func CSV(w io.Writer, t Table) error {
	if _, err := io.WriteString(w, "\uFEFF"); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	for _, line := range t.Rows {
		safe := make([]string, len(line))
		for i, cell := range line {
			safe[i] = safeCell(cell)
		}
		if err := out.Write(safe); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// safeCell keeps a spreadsheet from reading a formula into words. Excel in
// Japanese takes the full-width signs for the others.
func safeCell(s string) string {
	s = strings.ReplaceAll(s, "\r", "")
	if !dangerous(s) {
		return s
	}
	if _, ok := number(s); ok {
		return s
	}
	return "'" + s
}

func dangerous(s string) bool {
	if strings.Trim(s, "-－") == "" {
		return false // nothing, or the dash that stands for it
	}
	if strings.ContainsRune("\t\r\n", rune(s[0])) {
		return true
	}
	r, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == '\uFEFF' }))
	return strings.ContainsRune("=+-@＝＋－＠", r) && r != utf8.RuneError
}

// numeric is a cell that is calculated with.
type numeric struct {
	value string // as XML has numbers
	style int
}

// Styles of cells, by their place in the style sheet.
const (
	styleNone = iota
	styleHeader
	styleText    // quoted: stays text when somebody edits it
	styleGrouped // 1,234
	styleGroupedDecimals
	stylePercent
	stylePercentDecimals
	styleDate
)

var (
	plainNumber   = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,14})?$`)
	groupedNumber = regexp.MustCompile(`^-?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]{1,10})?$`)
	isoDate       = regexp.MustCompile(`^(19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}$`)
)

// number reads what is certainly a number. A telephone number, a code with a
// leading zero and more digits than a spreadsheet keeps are words.
func number(s string) (numeric, bool) {
	bare, percent := strings.CutSuffix(s, "%")
	grouped := groupedNumber.MatchString(bare)
	if !grouped && !plainNumber.MatchString(bare) {
		return numeric{}, false
	}
	bare = strings.ReplaceAll(bare, ",", "")
	if len(strings.Trim(strings.ReplaceAll(bare, ".", ""), "-")) > 15 {
		return numeric{}, false
	}
	n := numeric{value: bare}
	decimals := strings.Contains(bare, ".")
	switch {
	case percent:
		f, err := strconv.ParseFloat(bare, 64)
		if err != nil {
			return numeric{}, false
		}
		n.value, n.style = strconv.FormatFloat(f/100, 'g', 15, 64), stylePercent
		if decimals {
			n.style = stylePercentDecimals
		}
	case grouped && decimals:
		n.style = styleGroupedDecimals
	case grouped:
		n.style = styleGrouped
	}
	return n, true
}

// date reads 2026-11-22 as the day's number that spreadsheets count.
func date(s string) (numeric, bool) {
	if !isoDate.MatchString(s) {
		return numeric{}, false
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return numeric{}, false
	}
	days := t.Sub(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)).Hours() / 24
	return numeric{strconv.Itoa(int(days)), styleDate}, true
}

const (
	sheetML   = "application/vnd.openxmlformats-officedocument.spreadsheetml."
	sheetXML  = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	maxCell   = 32767 // characters Excel takes in a cell
	maxSheets = 255
)

// XLSX writes each table as a sheet: numbers and ISO dates as such, everything
// else as text, nothing as a formula. The error is [ErrNoTable] if there is none.
func XLSX(w io.Writer, tables []Table, locale Locale) error {
	if len(tables) == 0 {
		return ErrNoTable
	}
	tables = tables[:min(len(tables), maxSheets)]
	words := Document{Locale: locale}.words()
	names := sheetNames(tables, words)
	types := [][2]string{
		{"/xl/workbook.xml", sheetML + "sheet.main+xml"},
		{"/xl/styles.xml", sheetML + "styles+xml"},
	}
	rels := []relation{{id: "rIdStyles", kind: "styles", target: "styles.xml"}}
	for i := range tables {
		types = append(types, [2]string{fmt.Sprintf("/xl/worksheets/sheet%d.xml", i+1), sheetML + "worksheet+xml"})
		rels = append(rels, relation{id: fmt.Sprintf("rId%d", i+1), kind: "worksheet", target: fmt.Sprintf("worksheets/sheet%d.xml", i+1)})
	}
	p := &packageWriter{zip: zip.NewWriter(w)}
	parts := []struct {
		name  string
		write func(*xmlWriter)
	}{
		{"[Content_Types].xml", func(x *xmlWriter) { contentTypes(x, types) }},
		{"_rels/.rels", func(x *xmlWriter) {
			relations(x, []relation{{id: "rId1", kind: "officeDocument", target: "xl/workbook.xml"}})
		}},
		{"xl/workbook.xml", func(x *xmlWriter) {
			x.start("workbook", "xmlns", sheetXML, "xmlns:r", relOffice)
			x.start("sheets")
			for i, name := range names {
				x.empty("sheet", "name", name, "sheetId", strconv.Itoa(i+1), "r:id", fmt.Sprintf("rId%d", i+1))
			}
			x.end(2)
		}},
		{"xl/_rels/workbook.xml.rels", func(x *xmlWriter) { relations(x, rels) }},
		{"xl/styles.xml", sheetStyles},
	}
	for _, part := range parts {
		if err := p.add(part.name, part.write); err != nil {
			return err
		}
	}
	for i, t := range tables {
		if err := p.add(fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1), func(x *xmlWriter) { sheet(x, t) }); err != nil {
			return err
		}
	}
	return p.zip.Close()
}

func sheet(x *xmlWriter, t Table) {
	x.start("worksheet", "xmlns", sheetXML)
	x.start("sheetViews")
	x.start("sheetView", "workbookViewId", "0")
	x.empty("pane", "ySplit", "1", "topLeftCell", "A2", "activePane", "bottomLeft", "state", "frozen")
	x.end(2)
	if len(t.Rows) > 0 && len(t.Rows[0]) > 0 {
		x.start("cols")
		for j := range t.Rows[0] {
			width := 8
			for i := range t.Rows[:min(len(t.Rows), 500)] {
				if j < len(t.Rows[i]) {
					for line := range strings.SplitSeq(t.Rows[i][j], "\n") {
						width = max(width, min(columnsOf(line)+2, 60))
					}
				}
			}
			x.empty("col", "min", strconv.Itoa(j+1), "max", strconv.Itoa(j+1), "width", strconv.Itoa(width), "customWidth", "1")
		}
		x.end(1)
	}
	x.start("sheetData")
	for i, line := range t.Rows {
		x.start("row", "r", strconv.Itoa(i+1))
		for j, cell := range line {
			sheetCell(x, cellName(j)+strconv.Itoa(i+1), cell, i == 0)
		}
		x.end(1)
	}
	x.end(2)
}

func sheetCell(x *xmlWriter, at, s string, header bool) {
	if s == "" && !header {
		return
	}
	n, ok := number(s)
	if !ok {
		n, ok = date(s)
	}
	if ok && !header {
		x.start("c", "r", at, "s", strconv.Itoa(n.style))
		x.start("v")
		x.text(n.value)
		x.end(2)
		return
	}
	style := styleNone
	switch {
	case header:
		style = styleHeader
	case dangerous(s):
		style = styleText
	}
	x.start("c", "r", at, "s", strconv.Itoa(style), "t", "inlineStr")
	x.start("is")
	x.start("t", "xml:space", "preserve")
	x.text(excelText(s))
	x.end(3)
}

// excelText is s in a cell: within Excel's bound, and without its own escapes,
// by which _x0041_ would become A.
func excelText(s string) string {
	s = excelEscape.ReplaceAllString(s, "_x005F$0")
	if utf8.RuneCountInString(s) > maxCell/2 {
		if u := utf16.Encode([]rune(s)); len(u) > maxCell {
			s = string(utf16.Decode(u[:maxCell-1]))
		}
	}
	return s
}

var excelEscape = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`)

func sheetStyles(x *xmlWriter) {
	x.start("styleSheet", "xmlns", sheetXML)
	x.start("numFmts", "count", "1")
	x.empty("numFmt", "numFmtId", "164", "formatCode", `yyyy\-mm\-dd`)
	x.end(1)
	x.start("fonts", "count", "2")
	for _, bold := range []bool{false, true} {
		x.start("font")
		if bold {
			x.empty("b")
		}
		x.empty("sz", "val", "11")
		x.empty("name", "val", japaneseFont)
		x.empty("charset", "val", "128")
		x.end(1)
	}
	x.end(1)
	x.start("fills", "count", "3")
	for _, pattern := range []string{"none", "gray125"} {
		x.start("fill")
		x.empty("patternFill", "patternType", pattern)
		x.end(1)
	}
	x.start("fill")
	x.start("patternFill", "patternType", "solid")
	x.empty("fgColor", "rgb", "FFF4F4F6")
	x.end(3)
	x.start("borders", "count", "1")
	x.start("border")
	x.end(2)
	x.start("cellStyleXfs", "count", "1")
	x.empty("xf", "numFmtId", "0", "fontId", "0", "fillId", "0", "borderId", "0")
	x.end(1)
	formats := [...]string{styleGrouped: "3", styleGroupedDecimals: "4", stylePercent: "9", stylePercentDecimals: "10", styleDate: "164"}
	x.start("cellXfs", "count", strconv.Itoa(len(formats)))
	for style, format := range formats {
		attributes := []string{"numFmtId", format, "fontId", "0", "fillId", "0", "borderId", "0", "xfId", "0", "applyAlignment", "1"}
		switch {
		case style == styleHeader:
			attributes[1], attributes[3], attributes[5] = "49", "1", "2"
		case style == styleText:
			attributes[1] = "49"
			attributes = append(attributes, "quotePrefix", "1")
		case format == "":
			attributes[1] = "0"
		}
		x.start("xf", append(attributes, "applyNumberFormat", "1")...)
		x.empty("alignment", "vertical", "top", "wrapText", "1")
		x.end(1)
	}
	x.end(2)
}

// cellName is the letters of a column: A, Z, AA.
func cellName(j int) string {
	name := ""
	for j++; j > 0; j = (j - 1) / 26 {
		name = string(rune('A'+(j-1)%26)) + name
	}
	return name
}

// columnsOf is how wide a line is, in half-width characters.
func columnsOf(s string) int {
	n := 0
	for _, r := range s {
		n++
		if markdown.IsCJK(r) && (r < 0xff61 || r > 0xffdc) {
			n++
		}
	}
	return n
}

// sheetNames are the titles as Excel lets sheets be called: 31 characters, some
// of them not, each name once.
func sheetNames(tables []Table, w words) []string {
	taken := map[string]bool{"history": true}
	names := make([]string, len(tables))
	for i, t := range tables {
		base := strings.Map(func(r rune) rune {
			if strings.ContainsRune(`[]:*?/\`, r) || unicode.IsControl(r) {
				return ' '
			}
			return r
		}, norm.NFC.String(oneLine(t.Title)))
		base = cutUTF16(strings.Trim(oneLine(base), "' "), 31)
		if base == "" {
			base = fmt.Sprintf("%s%d", w.Table, i+1)
		}
		name := base
		for n := 2; taken[strings.ToLower(name)]; n++ {
			suffix := fmt.Sprintf(" (%d)", n)
			name = cutUTF16(base, 31-len(suffix)) + suffix
		}
		taken[strings.ToLower(name)] = true
		names[i] = name
	}
	return names
}

// cutUTF16 is at most n UTF-16 units of s, whole characters only.
func cutUTF16(s string, n int) string {
	for i, r := range s {
		if n -= utf16.RuneLen(r); n < 0 {
			return strings.TrimRight(s[:i], "' ")
		}
	}
	return s
}
