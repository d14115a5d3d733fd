package export_test

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"kakoi/internal/chat/export"
)

// unzip reads every entry.
func unzip(t testing.TB, data []byte) map[string][]byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if out[f.Name] != nil {
			t.Fatalf("two entries are called %s", f.Name)
		}
		if out[f.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// xmlElement is an element of a part; its words are those below it.
type xmlElement struct {
	name     string // local
	attr     map[string]string
	children []*xmlElement
	words    string
}

func parseXML(data []byte) (*xmlElement, error) {
	d := xml.NewDecoder(bytes.NewReader(data))
	stack := []*xmlElement{{}}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := &xmlElement{name: token.Name.Local, attr: map[string]string{}}
			for _, a := range token.Attr {
				e.attr[a.Name.Local] = a.Value
			}
			top := stack[len(stack)-1]
			top.children = append(top.children, e)
			stack = append(stack, e)
		case xml.EndElement:
			e := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			stack[len(stack)-1].words += e.words
		case xml.CharData:
			stack[len(stack)-1].words += string(token)
		}
	}
	return stack[0], nil
}

func (e *xmlElement) all(name string) []*xmlElement {
	var out []*xmlElement
	for _, c := range e.children {
		if c.name == name {
			out = append(out, c)
		}
		out = append(out, c.all(name)...)
	}
	return out
}

func (e *xmlElement) val(path ...string) string {
	for _, name := range path {
		found := e.all(name)
		if len(found) == 0 {
			return ""
		}
		e = found[0]
	}
	return e.attr["val"]
}

// checkPackage holds an OOXML file to its own declarations.
func checkPackage(t testing.TB, data []byte) map[string]*xmlElement {
	t.Helper()
	parts := unzip(t, data)
	trees := map[string]*xmlElement{}
	types := map[string]bool{}
	for name, content := range parts {
		if strings.HasSuffix(name, ".xml") || strings.HasSuffix(name, ".rels") {
			tree, err := parseXML(content)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			trees[name] = tree
		}
	}
	for _, d := range trees["[Content_Types].xml"].all("Default") {
		types["."+d.attr["Extension"]] = true
	}
	for _, o := range trees["[Content_Types].xml"].all("Override") {
		if parts[strings.TrimPrefix(o.attr["PartName"], "/")] == nil {
			t.Errorf("the content types name %s, which is not there", o.attr["PartName"])
		}
		types[o.attr["PartName"]] = true
	}
	for name := range parts {
		if !types["/"+name] && !types[path.Ext(name)] {
			t.Errorf("%s has no content type", name)
		}
	}
	for name, tree := range trees {
		ids := map[string]bool{}
		for _, r := range tree.all("Relationship") {
			if ids[r.attr["Id"]] {
				t.Errorf("%s: %s stands twice", name, r.attr["Id"])
			}
			ids[r.attr["Id"]] = true
			if r.attr["TargetMode"] == "External" {
				if u, err := url.Parse(r.attr["Target"]); err != nil || !u.IsAbs() {
					t.Errorf("%s leads to %q", name, r.attr["Target"])
				}
				continue
			}
			source := path.Dir(path.Dir(name))
			if parts[path.Join(source, r.attr["Target"])] == nil {
				t.Errorf("%s names %s, which is not there", name, r.attr["Target"])
			}
		}
		if !strings.HasSuffix(name, ".rels") {
			continue
		}
		part := trees[path.Join(path.Dir(path.Dir(name)), strings.TrimSuffix(path.Base(name), ".rels"))]
		if part == nil {
			continue
		}
		var check func(*xmlElement)
		check = func(e *xmlElement) {
			for _, key := range []string{"embed", "id"} {
				if v := e.attr[key]; strings.HasPrefix(v, "rId") && !ids[v] {
					t.Errorf("%s: no relationship %s", name, v)
				}
			}
			for _, c := range e.children {
				check(c)
			}
		}
		check(part)
	}
	return trees
}

func TestDOCXIsARealWordDocument(t *testing.T) {
	trees := checkPackage(t, write(t, sample(t), export.FormatDOCX))
	body := trees["word/document.xml"]

	styles := map[string]bool{}
	for _, s := range trees["word/styles.xml"].all("style") {
		styles[s.attr["styleId"]] = true
	}
	numbers := map[string]bool{}
	for _, n := range trees["word/numbering.xml"].all("num") {
		numbers[n.attr["numId"]] = true
	}
	outline := []string{}
	code := []string{}
	for _, p := range body.all("p") {
		style := p.val("pStyle")
		if style != "" && !styles[style] {
			t.Errorf("no style %s", style)
		}
		if n := p.val("numId"); n != "" && !numbers[n] {
			t.Errorf("no numbering %s", n)
		}
		if strings.HasPrefix(style, "Heading") || style == "Title" {
			outline = append(outline, style+" "+p.words)
		}
		if style == "Code" {
			code = append(code, p.words)
		}
	}
	want := []string{
		"Title 住民説明会の準備について", "Heading1 モデルへの指示", "Heading1 山田 花子　2026年11月22日(日) 14:05",
		"Heading1 Nova　2026年11月22日(日) 14:07", "Heading2 住民説明会の準備", "Heading3 手順", "Heading4 計算",
		"Heading1 山田 花子　2026年11月22日(日) 14:08",
	}
	if !slices.Equal(outline, want) {
		t.Errorf("headings %q, want %q", outline, want)
	}
	if !slices.Contains(code, "def count(names: list[str]) -> int:") || !slices.Contains(code, "graph TD; A[受付] --> B[案内];") {
		t.Errorf("code %q", code)
	}

	tables := body.all("tbl")
	if len(tables) != 1 {
		t.Fatalf("%d tables, want 1", len(tables))
	}
	rows := tables[0].all("tr")
	if len(rows) != 4 || len(rows[0].all("tblHeader")) != 1 || len(rows[1].all("tblHeader")) != 0 {
		t.Errorf("the first of %d rows is not the repeated header", len(rows))
	}
	if cells := rows[1].all("tc"); len(cells) != 4 || cells[1].words != "12,000" || cells[1].val("jc") != "right" {
		t.Errorf("the cells are wrong")
	}

	levels := map[string]string{}
	for _, p := range body.all("p") {
		if p.val("numId") != "" {
			levels[p.words] = p.val("ilvl") + "/" + p.val("numId")
		}
	}
	for words, want := range map[string]string{"会場を予約する": "0/2", "定員は120名": "1/1", "車いす席は4席": "2/1", "当日の係を決める": "0/2"} {
		if levels[words] != want {
			t.Errorf("%s is at %q, want %q", words, levels[words], want)
		}
	}

	if refs := body.all("footnoteReference"); len(refs) != 1 || refs[0].attr["id"] != "1" {
		t.Errorf("%d footnote references", len(refs))
	}
	if notes := trees["word/footnotes.xml"].all("footnote"); len(notes) != 3 || !strings.Contains(notes[2].words, "宛名は世帯主です。") {
		t.Errorf("the footnotes are wrong")
	}
	if !strings.Contains(body.words, "だれも参照しない注。") {
		t.Error("a note without reference is lost")
	}
	if links := body.all("hyperlink"); len(links) != 2 {
		t.Errorf("%d links, want 2", len(links))
	}
	if pictures := body.all("blip"); len(pictures) != 2 {
		t.Errorf("%d pictures, want 2", len(pictures))
	}
	if lang := trees["word/styles.xml"].all("lang")[0]; lang.attr["val"] != "ja-JP" || lang.attr["eastAsia"] != "ja-JP" {
		t.Errorf("language %v", lang.attr)
	}
	if fonts := trees["word/styles.xml"].all("rFonts")[0]; fonts.attr["eastAsia"] != "游ゴシック" {
		t.Errorf("fonts %v", fonts.attr)
	}
	if size := body.all("pgSz")[0]; size.attr["w"] != "11906" || size.attr["h"] != "16838" {
		t.Errorf("paper %v, want A4", size.attr)
	}
	if footer := trees["word/footer1.xml"].all("fldSimple"); len(footer) != 2 || footer[0].attr["instr"] != "PAGE" {
		t.Error("the footer has no page number")
	}
	if !strings.Contains(trees["word/header1.xml"].words, "住民説明会の準備について") {
		t.Error("the header has no title")
	}
	en := sample(t)
	en.Locale = export.English
	trees = checkPackage(t, write(t, en, export.FormatDOCX))
	if lang := trees["word/styles.xml"].all("lang")[0]; lang.attr["val"] != "en-US" {
		t.Errorf("language %v", lang.attr)
	}
}

func TestDOCXNumbersEachListFromItsStart(t *testing.T) {
	trees := checkPackage(t, write(t, say("1. 一\n2. 二\n\n間\n\n5. 五\n6. 六"), export.FormatDOCX))
	var starts []string
	for _, n := range trees["word/numbering.xml"].all("startOverride") {
		starts = append(starts, n.attr["val"])
	}
	if !slices.Equal(starts, []string{"1", "5"}) {
		t.Errorf("lists start at %v", starts)
	}
}

func TestDOCXTakesWhatWordDoesNot(t *testing.T) {
	wide := "|" + strings.Repeat(" 列 |", 150) + "\n|" + strings.Repeat("---|", 150) + "\n|" + strings.Repeat(" 値 |", 150) + "\n"
	doc := say(hostile + "\n\n" + wide + "\n[長い](https://ok.example/" + strings.Repeat("a", 5000) + ")\n\n[^a]\n\n[^a]: 甲[^b]\n[^b]: 乙[^a]\n")
	for _, m := range []string{"image/webp", "image/png"} {
		doc.Conversations[0].Messages[0].Parts = append(doc.Conversations[0].Messages[0].Parts,
			export.Part{Kind: export.File, Name: "壊れた.png", MediaType: m, Data: func() ([]byte, error) { return []byte("\x89PNG\r\n\x1a\n"), nil }})
	}
	trees := checkPackage(t, write(t, doc, export.FormatDOCX))
	columns := 0
	for _, tbl := range trees["word/document.xml"].all("tbl") {
		n := len(tbl.all("gridCol"))
		if n > 63 {
			t.Errorf("a table of %d columns", n)
		}
		columns += n
	}
	if columns != 150+1 { // the hostile text has one more
		t.Errorf("%d columns, want 151", columns)
	}
	for _, r := range trees["word/_rels/document.xml.rels"].all("Relationship") {
		if len(r.attr["Target"]) > 2000 || strings.HasPrefix(r.attr["Target"], "javascript") {
			t.Errorf("a link to %.40s…", r.attr["Target"])
		}
	}
	for _, word := range []string{"甲", "乙"} {
		if n := strings.Count(trees["word/footnotes.xml"].words+trees["word/document.xml"].words, word); n != 1 {
			t.Errorf("%s stands %d times", word, n)
		}
	}
}

func TestManyConversationsStandBelowTheirTitles(t *testing.T) {
	doc := sample(t)
	doc.Title = "二つの会話"
	doc.Conversations = append(doc.Conversations, say("# 答え").Conversations...)
	trees := checkPackage(t, write(t, doc, export.FormatDOCX))
	var outline []string
	for _, p := range trees["word/document.xml"].all("p") {
		if s := p.val("pStyle"); s == "Title" || s == "Heading1" {
			outline = append(outline, p.words)
		}
	}
	if want := []string{"二つの会話", "住民説明会の準備について", "題"}; !slices.Equal(outline, want) {
		t.Errorf("outline %q, want %q", outline, want)
	}
}
