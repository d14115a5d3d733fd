package export

import (
	"fmt"
	"strconv"
)

// The parts of a Word document beside its text.

func (d *docxWriter) relations() []relation {
	return append([]relation{
		{id: "rIdStyles", kind: "styles", target: "styles.xml"},
		{id: "rIdNumbering", kind: "numbering", target: "numbering.xml"},
		{id: "rIdFootnotes", kind: "footnotes", target: "footnotes.xml"},
		{id: "rIdSettings", kind: "settings", target: "settings.xml"},
		{id: "rIdFonts", kind: "fontTable", target: "fontTable.xml"},
		{id: "rIdHeader", kind: "header", target: "header1.xml"},
		{id: "rIdFooter", kind: "footer", target: "footer1.xml"},
	}, d.rels...)
}

func (d *docxWriter) footnotes(x *xmlWriter) {
	d.x, d.inNotes = x, true
	x.start("w:footnotes", wordSpaces...)
	for i, kind := range []string{"separator", "continuationSeparator"} {
		x.start("w:footnote", "w:type", kind, "w:id", strconv.Itoa(i-1))
		x.start("w:p")
		x.start("w:r")
		x.empty("w:" + kind)
		x.end(3)
	}
	for i, n := range d.notes {
		d.text, d.placed = prose{}, nil
		x.start("w:footnote", "w:id", strconv.Itoa(i+1))
		x.start("w:p")
		x.start("w:pPr")
		x.empty("w:pStyle", "w:val", "FootnoteText")
		x.end(1)
		x.start("w:r")
		x.start("w:rPr")
		x.empty("w:rStyle", "w:val", "FootnoteReference")
		x.end(1)
		x.empty("w:footnoteRef")
		x.end(1)
		d.run(run{text: " "})
		if len(n) > 0 && n[0].kind == paragraph {
			d.runs(n[0].runs)
			n = n[1:]
		}
		x.end(1)
		d.blocks(n, place{})
		x.end(1)
	}
	x.end(1)
}

// numbering defines the lists: 0 bullets, 1 numbers. Every numbered list is an
// instance of its own, or it would go on counting from the one before.
func (d *docxWriter) numbering(x *xmlWriter) {
	x.start("w:numbering", wordSpaces...)
	for kind := range 2 {
		x.start("w:abstractNum", "w:abstractNumId", strconv.Itoa(kind))
		x.empty("w:multiLevelType", "w:val", "hybridMultilevel")
		for level := range 9 {
			x.start("w:lvl", "w:ilvl", strconv.Itoa(level))
			x.empty("w:start", "w:val", "1")
			if kind == 0 {
				x.empty("w:numFmt", "w:val", "bullet")
				x.empty("w:lvlText", "w:val", [...]string{"•", "◦", "▪"}[level%3])
			} else {
				x.empty("w:numFmt", "w:val", [...]string{"decimal", "lowerLetter", "lowerRoman"}[level%3])
				x.empty("w:lvlText", "w:val", fmt.Sprintf("%%%d.", level+1))
			}
			x.empty("w:lvlJc", "w:val", "left")
			x.start("w:pPr")
			x.empty("w:ind", "w:left", strconv.Itoa(indentStep*(level+1)), "w:hanging", strconv.Itoa(indentStep))
			x.end(2)
		}
		x.end(1)
	}
	x.start("w:num", "w:numId", "1")
	x.empty("w:abstractNumId", "w:val", "0")
	x.end(1)
	for i, s := range d.starts {
		x.start("w:num", "w:numId", strconv.Itoa(i+2))
		x.empty("w:abstractNumId", "w:val", "1")
		x.start("w:lvlOverride", "w:ilvl", strconv.Itoa(s.level))
		x.empty("w:startOverride", "w:val", strconv.Itoa(s.start))
		x.end(2)
	}
	x.end(1)
}

func (d *docxWriter) settings(x *xmlWriter) {
	x.start("w:settings", wordSpaces...)
	x.empty("w:zoom", "w:percent", "100")
	x.empty("w:defaultTabStop", "w:val", "840")
	x.empty("w:characterSpacingControl", "w:val", "compressPunctuation")
	x.start("w:footnotePr")
	x.empty("w:footnote", "w:id", "-1")
	x.empty("w:footnote", "w:id", "0")
	x.end(1)
	x.start("w:compat")
	x.empty("w:compatSetting", "w:name", "compatibilityMode", "w:uri", "http://schemas.microsoft.com/office/word", "w:val", "15")
	x.end(1)
	x.empty("w:themeFontLang", "w:val", d.words.Lang, "w:eastAsia", "ja-JP")
	x.end(1)
}

// Fonts. Word and Windows in Japan have 游ゴシック; what has not takes the others.
const (
	latinFont    = "Yu Gothic"
	japaneseFont = "游ゴシック"
	codeFont     = "Consolas"
	codeJapanese = "ＭＳ ゴシック"
)

func fontTable(x *xmlWriter) {
	x.start("w:fonts", wordSpaces...)
	for _, f := range []struct{ name, alternative, panose, charset, family, pitch string }{
		{japaneseFont, "Yu Gothic,ＭＳ ゴシック,MS Gothic", "020B0400000000000000", "80", "modern", "variable"},
		{latinFont, japaneseFont, "020B0400000000000000", "80", "swiss", "variable"},
		{codeJapanese, "MS Gothic", "020B0609070205080204", "80", "modern", "fixed"},
		{codeFont, "Courier New", "020B0609020204030204", "00", "modern", "fixed"},
	} {
		x.start("w:font", "w:name", f.name)
		x.empty("w:altName", "w:val", f.alternative)
		x.empty("w:panose1", "w:val", f.panose)
		x.empty("w:charset", "w:val", f.charset)
		x.empty("w:family", "w:val", f.family)
		x.empty("w:pitch", "w:val", f.pitch)
		x.end(1)
	}
	x.end(1)
}

func (d *docxWriter) header(x *xmlWriter) {
	d.x, d.inNotes = x, false
	x.start("w:hdr", wordSpaces...)
	d.line("Header", d.doc.title())
	x.end(1)
}

func (d *docxWriter) footer(x *xmlWriter) {
	d.x = x
	x.start("w:ftr", wordSpaces...)
	d.start("Footer", place{})
	for i, field := range []string{"PAGE", "NUMPAGES"} {
		if i > 0 {
			d.run(run{text: " / "})
		}
		x.start("w:fldSimple", "w:instr", field)
		d.run(run{text: "1"})
		x.end(1)
	}
	x.end(2)
}

// docxStyle is a style of paragraphs, of characters, or of tables.
type docxStyle struct {
	id, name, based, next string
	paragraph, run        func(x *xmlWriter)
}

func (d *docxWriter) styles(x *xmlWriter) {
	x.start("w:styles", wordSpaces...)
	x.start("w:docDefaults")
	x.start("w:rPrDefault")
	x.start("w:rPr")
	x.empty("w:rFonts", "w:ascii", latinFont, "w:hAnsi", latinFont, "w:eastAsia", japaneseFont, "w:cs", "Times New Roman")
	x.empty("w:sz", "w:val", "21")
	x.empty("w:szCs", "w:val", "21")
	x.empty("w:lang", "w:val", d.words.Lang, "w:eastAsia", "ja-JP", "w:bidi", "ar-SA")
	x.end(2)
	x.start("w:pPrDefault")
	x.start("w:pPr")
	x.empty("w:kinsoku", "w:val", "1")
	x.empty("w:overflowPunct", "w:val", "1")
	x.empty("w:spacing", "w:after", "120", "w:line", "300", "w:lineRule", "auto")
	x.end(3)

	x.start("w:style", "w:type", "paragraph", "w:default", "1", "w:styleId", "Normal")
	x.empty("w:name", "w:val", "Normal")
	x.empty("w:qFormat")
	x.end(1)
	x.start("w:style", "w:type", "character", "w:default", "1", "w:styleId", "DefaultParagraphFont")
	x.empty("w:name", "w:val", "Default Paragraph Font")
	x.end(1)
	x.start("w:style", "w:type", "table", "w:default", "1", "w:styleId", "TableNormal")
	x.empty("w:name", "w:val", "Normal Table")
	x.start("w:tblPr")
	x.empty("w:tblInd", "w:w", "0", "w:type", "dxa")
	x.start("w:tblCellMar")
	x.empty("w:top", "w:w", "0", "w:type", "dxa")
	x.empty("w:left", "w:w", "108", "w:type", "dxa")
	x.empty("w:bottom", "w:w", "0", "w:type", "dxa")
	x.empty("w:right", "w:w", "108", "w:type", "dxa")
	x.end(3)

	for level, size := range []string{"30", "26", "24", "23", "22", "21", "21", "21", "21"} {
		d.style(x, docxStyle{
			id: fmt.Sprintf("Heading%d", level+1), name: fmt.Sprintf("heading %d", level+1), based: "Normal", next: "Normal",
			paragraph: func(x *xmlWriter) {
				x.empty("w:keepNext")
				x.empty("w:keepLines")
				if level == d.level-1 { // a speaker
					x.start("w:pBdr")
					x.empty("w:top", "w:val", "single", "w:sz", "4", "w:space", "6", "w:color", "D8D8DB")
					x.end(1)
				}
				x.empty("w:spacing", "w:before", "300", "w:after", "100")
				x.empty("w:outlineLvl", "w:val", strconv.Itoa(level))
			},
			run: bold(size, ""),
		})
	}
	border := func(x *xmlWriter, sides ...string) {
		for _, side := range sides {
			x.empty("w:"+side, "w:val", "single", "w:sz", "4", "w:space", "0", "w:color", "BFBFC4")
		}
	}
	for _, s := range []docxStyle{
		{"Title", "Title", "Normal", "Normal", spacing("0", "120"), bold("36", "")},
		{"Facts", "Kakoi Facts", "Normal", "", spacing("0", "40"), look("18", "626264")},
		{"Gap", "Kakoi Gap", "Normal", "", spacing("0", "0"), look("12", "")},
		{"ListText", "Kakoi List", "Normal", "", spacing("0", "30"), nil},
		{"Cell", "Kakoi Cell", "Normal", "", spacing("40", "40"), look("19", "")},
		{"SmallCell", "Kakoi Small Cell", "Normal", "", spacing("20", "20"), look("14", "")},
		{"Quote", "Quote", "Normal", "Normal", func(x *xmlWriter) {
			x.start("w:pBdr")
			x.empty("w:left", "w:val", "single", "w:sz", "18", "w:space", "8", "w:color", "D8D8DB")
			x.end(1)
			x.empty("w:ind", "w:left", strconv.Itoa(indentStep))
		}, look("", "414143")},
		{"Rule", "Kakoi Rule", "Normal", "Normal", func(x *xmlWriter) {
			x.start("w:pBdr")
			border(x, "bottom")
			x.end(1)
			x.empty("w:spacing", "w:before", "0", "w:after", "160", "w:line", "120", "w:lineRule", "exact")
		}, nil},
		{"CodeName", "Kakoi Code Name", "Normal", "Code", func(x *xmlWriter) {
			x.empty("w:keepNext")
			x.empty("w:spacing", "w:before", "60", "w:after", "20")
		}, look("17", "626264")},
		{"Code", "Kakoi Code", "Normal", "", func(x *xmlWriter) {
			x.empty("w:shd", "w:val", "clear", "w:color", "auto", "w:fill", "F4F4F6")
			x.empty("w:wordWrap", "w:val", "0")
			x.empty("w:autoSpaceDE", "w:val", "0")
			x.empty("w:autoSpaceDN", "w:val", "0")
			x.empty("w:spacing", "w:before", "0", "w:after", "0", "w:line", "260", "w:lineRule", "exact")
		}, func(x *xmlWriter) {
			x.empty("w:rFonts", "w:ascii", codeFont, "w:hAnsi", codeFont, "w:eastAsia", codeJapanese, "w:cs", "Courier New")
			x.empty("w:noProof")
			x.empty("w:sz", "w:val", "18")
		}},
		{"FootnoteText", "footnote text", "Normal", "", spacing("0", "0"), look("18", "")},
		{"Header", "header", "Normal", "", func(x *xmlWriter) {
			x.empty("w:spacing", "w:after", "0")
			x.empty("w:jc", "w:val", "right")
		}, look("17", "626264")},
		{"Footer", "footer", "Normal", "", func(x *xmlWriter) {
			x.empty("w:spacing", "w:after", "0")
			x.empty("w:jc", "w:val", "center")
		}, look("17", "626264")},
		{"CodeText", "Kakoi Code Text", "DefaultParagraphFont", "", nil, func(x *xmlWriter) {
			x.empty("w:rFonts", "w:ascii", codeFont, "w:hAnsi", codeFont, "w:eastAsia", codeJapanese)
			x.empty("w:noProof")
			x.empty("w:shd", "w:val", "clear", "w:color", "auto", "w:fill", "F4F4F6")
		}},
		{"At", "Kakoi Time", "DefaultParagraphFont", "", nil, func(x *xmlWriter) {
			x.empty("w:b", "w:val", "0")
			x.empty("w:color", "w:val", "626264")
			x.empty("w:sz", "w:val", "18")
		}},
		{"Hyperlink", "Hyperlink", "DefaultParagraphFont", "", nil, func(x *xmlWriter) {
			x.empty("w:color", "w:val", "0017C1")
			x.empty("w:u", "w:val", "single")
		}},
		{"FootnoteReference", "footnote reference", "DefaultParagraphFont", "", nil, func(x *xmlWriter) {
			x.empty("w:vertAlign", "w:val", "superscript")
		}},
	} {
		d.style(x, s)
	}
	x.start("w:style", "w:type", "table", "w:styleId", "Grid")
	x.empty("w:name", "w:val", "Kakoi Grid")
	x.empty("w:basedOn", "w:val", "TableNormal")
	x.start("w:tblPr")
	x.start("w:tblBorders")
	border(x, "top", "left", "bottom", "right", "insideH", "insideV")
	x.end(2)
	x.start("w:tblStylePr", "w:type", "firstRow")
	x.start("w:rPr")
	x.empty("w:b")
	x.end(1)
	x.start("w:tcPr")
	x.empty("w:shd", "w:val", "clear", "w:color", "auto", "w:fill", "F4F4F6")
	x.end(4)
}

func (d *docxWriter) style(x *xmlWriter, s docxStyle) {
	kind := "paragraph"
	if s.based == "DefaultParagraphFont" {
		kind = "character"
	}
	x.start("w:style", "w:type", kind, "w:styleId", s.id)
	x.empty("w:name", "w:val", s.name)
	x.empty("w:basedOn", "w:val", s.based)
	if s.next != "" {
		x.empty("w:next", "w:val", s.next)
	}
	x.empty("w:qFormat")
	if s.paragraph != nil {
		x.start("w:pPr")
		s.paragraph(x)
		x.end(1)
	}
	if s.run != nil {
		x.start("w:rPr")
		s.run(x)
		x.end(1)
	}
	x.end(1)
}

func spacing(before, after string) func(*xmlWriter) {
	return func(x *xmlWriter) { x.empty("w:spacing", "w:before", before, "w:after", after) }
}

func look(size, color string) func(*xmlWriter) {
	return func(x *xmlWriter) {
		if color != "" {
			x.empty("w:color", "w:val", color)
		}
		if size != "" {
			x.empty("w:sz", "w:val", size)
		}
	}
}

func bold(size, color string) func(*xmlWriter) {
	return func(x *xmlWriter) {
		x.empty("w:b")
		look(size, color)(x)
	}
}
