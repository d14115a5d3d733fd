package export_test

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"kakoi/internal/chat/export"
)

// paperLine is text as it stands on a page.
type paperLine struct {
	page int
	x, y float64
	text string
}

var (
	pdfObject  = regexp.MustCompile(`(?s)^(\d+) 0 obj\n(.*?)\nendobj\n`)
	pdfStream  = regexp.MustCompile(`(?s)^(<<.*?>>)\nstream\n(.*)\nendstream$`)
	pdfShow    = regexp.MustCompile(`BT /F(\d) (\S+) Tf .*?(\S+) (\S+) Tm \[(.*?)\] TJ`)
	pdfChar    = regexp.MustCompile(`<([0-9A-F]{4})> <([0-9A-F]+)>`)
	pdfRef     = regexp.MustCompile(`(\d+) 0 R`)
	pdfLiteral = regexp.MustCompile(`<([0-9A-F]*)>`)
)

// readPDF follows the cross-reference table of a PDF of ours and reads its text
// the way a viewer copies it.
func readPDF(t testing.TB, data []byte) (lines []paperLine, objects map[int]string) {
	t.Helper()
	_, end, ok := bytes.Cut(data, []byte("startxref\n"))
	if !ok {
		t.Fatal("no startxref")
	}
	at, err := strconv.Atoi(strings.Fields(string(end))[0])
	if err != nil || !bytes.HasPrefix(data[at:], []byte("xref\n")) {
		t.Fatalf("no cross-references at %d: %v", at, err)
	}
	objects = map[int]string{}
	for n, entry := range strings.Split(string(data[at:bytes.Index(data, []byte("trailer\n"))]), "\n")[2:] {
		if n == 0 || !strings.HasSuffix(entry, " n ") {
			continue
		}
		offset, _ := strconv.Atoi(entry[:10])
		m := pdfObject.FindSubmatch(data[offset:])
		if m == nil || string(m[1]) != strconv.Itoa(n) {
			t.Fatalf("object %d is not at %d", n, offset)
		}
		objects[n] = string(m[2])
	}
	for n, o := range objects {
		head, _, _ := strings.Cut(o, "\nstream\n")
		for _, m := range pdfRef.FindAllStringSubmatch(head, -1) {
			ref, _ := strconv.Atoi(m[1])
			if _, ok := objects[ref]; !ok {
				t.Fatalf("object %d names %d, which is not there", n, ref)
			}
		}
	}
	inflate := func(ref string) string {
		n, _ := strconv.Atoi(ref)
		m := pdfStream.FindStringSubmatch(objects[n])
		if m == nil {
			t.Fatalf("object %s is no stream", ref)
		}
		z, err := zlib.NewReader(strings.NewReader(m[2]))
		if err != nil {
			t.Fatal(err)
		}
		out, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	fonts := map[string]map[string]string{}
	one := func(pattern, in string) string {
		m := regexp.MustCompile(pattern).FindStringSubmatch(in)
		if m == nil {
			return ""
		}
		return m[1]
	}
	page := 0
	for _, m := range pdfRef.FindAllStringSubmatch(one(`(?s)/Kids \[(.*?)\]`, objects[2]), -1) {
		page++
		n, _ := strconv.Atoi(m[1])
		for _, f := range regexp.MustCompile(`/F(\d) (\d+) 0 R`).FindAllStringSubmatch(objects[n], -1) {
			if fonts[f[1]] != nil {
				continue
			}
			fonts[f[1]] = map[string]string{}
			font, _ := strconv.Atoi(f[2])
			for _, c := range pdfChar.FindAllStringSubmatch(inflate(one(`/ToUnicode (\d+)`, objects[font])), -1) {
				b, _ := hex.DecodeString(c[2])
				units := make([]uint16, len(b)/2)
				for i := range units {
					units[i] = uint16(b[2*i])<<8 | uint16(b[2*i+1])
				}
				fonts[f[1]][c[1]] = string(utf16.Decode(units))
			}
		}
		content := inflate(one(`/Contents \[(\d+)`, objects[n]))
		for _, show := range pdfShow.FindAllStringSubmatch(content, -1) {
			var b strings.Builder
			for _, s := range pdfLiteral.FindAllStringSubmatch(show[5], -1) {
				for cid := s[1]; len(cid) >= 4; cid = cid[4:] {
					c, ok := fonts[show[1]][cid[:4]]
					if !ok {
						t.Fatalf("no character for %s of font %s", cid[:4], show[1])
					}
					b.WriteString(c)
				}
			}
			x, _ := strconv.ParseFloat(show[3], 64)
			y, _ := strconv.ParseFloat(show[4], 64)
			if k := len(lines) - 1; k >= 0 && lines[k].page == page && lines[k].y == y && x > lines[k].x {
				lines[k].text += b.String()
				continue
			}
			lines = append(lines, paperLine{page, x, y, b.String()})
		}
	}
	return lines, objects
}

func joined(lines []paperLine) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.text)
	}
	return b.String()
}

func TestPDFHoldsTheText(t *testing.T) {
	lines, objects := readPDF(t, write(t, sample(t), export.FormatPDF))
	all := joined(lines)
	for _, want := range []string{
		"住民説明会の準備について", "山田 花子", "2026年11月22日(日) 14:05", "「案内」は2週間前までに送ります。",
		"𠮷", "髙橋", "山﨑", "🎉✅", "☐", "12,000", "def count(names: list[str]) -> int:", "全角と半角 half/全角",
		"宛名は世帯主です。", "だれも参照しない注。", "# 見出しではない", "名簿.xlsx", "市民会館", "大ホール",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is missing", want)
		}
	}
	catalog := objects[1]
	for _, want := range []string{"/Lang (ja-JP)", "/Outlines", "/Marked true", "/StructTreeRoot"} {
		if !strings.Contains(catalog, want) {
			t.Errorf("the catalog has no %s: %s", want, catalog)
		}
	}
	tags, marks, links, pictures := map[string]int{}, 0, 0, 0
	for _, o := range objects {
		if m := regexp.MustCompile(`^<< /Type /StructElem /S /(\w+)`).FindStringSubmatch(o); m != nil {
			tags[m[1]]++
		}
		if strings.Contains(o, "/Dest [") {
			marks++
		}
		if strings.Contains(o, "/URI (https://www.") {
			links++
		}
		if strings.Contains(o, "/Subtype /Image") {
			pictures++
		}
	}
	if tags["H1"] != 1 || tags["Table"] != 1 || tags["TR"] != 4 || tags["TH"] != 4 || tags["L"] != 6 || tags["Figure"] != 2 {
		t.Errorf("structure %v", tags)
	}
	if marks != 8 { // the title, four speakers, three headings
		t.Errorf("%d bookmarks, want 8", marks)
	}
	if links != 2 || pictures != 3 { // and one mask
		t.Errorf("%d links and %d pictures", links, pictures)
	}
}

func TestPDFKeepsKinsoku(t *testing.T) {
	// One character more each time moves every line's end over the punctuation.
	for n := range 24 {
		body := strings.Repeat("あ", n) + strings.Repeat("これは、「試験」です。（はい）ちょっとキャッチーな文ー！？々", 12)
		lines, _ := readPDF(t, write(t, say(body), export.FormatPDF))
		for _, l := range lines {
			first, last := []rune(l.text)[0], []rune(l.text)[len([]rune(l.text))-1]
			if strings.ContainsRune("、。」）！？ー々ょっャッ", first) {
				t.Fatalf("a line begins with %c: %s", first, l.text)
			}
			if strings.ContainsRune("「（", last) {
				t.Fatalf("a line ends with %c: %s", last, l.text)
			}
		}
		if all := joined(lines); !strings.Contains(all, body) {
			t.Fatalf("text is lost at %d", n)
		}
	}
}

func TestPDFRepeatsTheHeaderOfATableOnEachPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("| 項目 | 説明 |\n|---|---|\n")
	for i := range 90 {
		fmt.Fprintf(&b, "| 項目その%d | %s |\n", i, strings.Repeat("説明です。", 12))
	}
	fmt.Fprintf(&b, "| 巨大 | %s終わり |\n", strings.Repeat("ページより高い欄です。", 500))
	lines, _ := readPDF(t, write(t, say(b.String()), export.FormatPDF))
	pages := map[int]bool{}
	heads := map[int]int{}
	for _, l := range lines {
		pages[l.page] = true
		if strings.HasPrefix(l.text, "項目説明") {
			heads[l.page]++
		}
		if l.y < 40 {
			t.Fatalf("%q stands below the page's foot", l.text)
		}
	}
	if len(pages) < 4 {
		t.Fatalf("only %d pages", len(pages))
	}
	for page := range pages {
		if heads[page] != 1 {
			t.Errorf("page %d has the header %d times", page, heads[page])
		}
	}
	all := joined(lines)
	for i := range 90 {
		if !strings.Contains(all, fmt.Sprintf("項目その%d", i)) {
			t.Errorf("row %d is lost", i)
		}
	}
	if rest := strings.ReplaceAll(all, "項目説明", ""); strings.Count(rest, "欄") != 500 || !strings.Contains(rest, "終わり") {
		t.Error("the high row is not whole")
	}
}

func TestPDFKeepsHeadingsWithWhatTheyHead(t *testing.T) {
	for n := range 40 {
		text := strings.Repeat("埋め草です。\n\n", 20+n) + "# 大見出し\n\n## 中見出し\n\n### 小見出し\n\n最初の行です。"
		lines, _ := readPDF(t, write(t, say(text), export.FormatPDF))
		pages := map[string]int{}
		for _, l := range lines {
			pages[strings.TrimSpace(l.text)] = l.page
		}
		for _, heading := range []string{"大見出し", "中見出し", "小見出し"} {
			if pages[heading] == 0 || pages[heading] != pages["最初の行です。"] {
				t.Errorf("after %d lines %q is on page %d, its text on %d", 20+n, heading, pages[heading], pages["最初の行です。"])
			}
		}
	}
}

func TestPDFKeepsEverythingOnThePage(t *testing.T) {
	wide := "|" + strings.Repeat(" 長い見出し |", 40) + "\n|" + strings.Repeat("---|", 40) + "\n|" + strings.Repeat(" 値の説明です |", 40) + "\n"
	deep := ""
	for i := range 60 {
		deep += strings.Repeat("  ", i) + "- 深さ\n"
	}
	lines, _ := readPDF(t, write(t, say(wide+"\n"+deep+"\n"+strings.Repeat(">", 80)+" 引用\n\n"+strings.Repeat("x", 3000)), export.FormatPDF))
	for _, l := range lines {
		if l.x < 5 || l.x > 560 || l.y < 20 || l.y > 830 {
			t.Errorf("%q stands at %.0f, %.0f", l.text, l.x, l.y)
		}
	}
	all := joined(lines)
	if n := strings.Count(all, "深さ"); n != 60 {
		t.Errorf("%d of 60 items", n)
	}
	if !strings.Contains(all, "引用") || strings.Count(all, "x") < 3000 {
		t.Error("text is lost")
	}
}

func TestPDFSaysWhatItsFontsLack(t *testing.T) {
	lines, objects := readPDF(t, write(t, say("한국어とไทยと\U000E0001と𝒳と"+string(rune(0x10FFFD))), export.FormatPDF))
	all := joined(lines)
	for _, want := range []string{"한국어", "ไทย", "𝒳", string(rune(0x10FFFD))} {
		if !strings.Contains(all, want) {
			t.Errorf("%q cannot be copied from the file", want)
		}
	}
	// All that are missing are one glyph, and it is not the empty box.
	gids := ""
	for n, o := range objects {
		if strings.Contains(o, "/BaseFont /KAKOIA+NotoSansJP-Regular") && strings.Contains(o, "CIDToGIDMap") {
			m := regexp.MustCompile(`/CIDToGIDMap (\d+)`).FindStringSubmatch(o)
			at, _ := strconv.Atoi(m[1])
			stream := pdfStream.FindStringSubmatch(objects[at])
			z, err := zlib.NewReader(strings.NewReader(stream[2]))
			if err != nil {
				t.Fatal(n, err)
			}
			b, _ := io.ReadAll(z)
			gids = string(b)
		}
	}
	count := map[string]int{}
	for i := 2; i+1 < len(gids); i += 2 {
		count[gids[i:i+2]]++
	}
	if count["\x00\x00"] > 0 {
		t.Errorf("%d characters are drawn as the empty box", count["\x00\x00"])
	}
	most := 0
	for _, n := range count {
		most = max(most, n)
	}
	if most < 7 {
		t.Errorf("the sign for missing characters stands for %d, want 7", most)
	}
}

func TestPDFOfALongTextIsSmallAndWhole(t *testing.T) {
	body := essay(100_000)
	data := write(t, say(body), export.FormatPDF)
	if len(data) > 1<<20 {
		t.Errorf("%d bytes for 100,000 characters", len(data))
	}
	lines, _ := readPDF(t, data)
	want := strings.ReplaceAll(body, "\n", "")
	// A space at the end of a line is not drawn.
	bare := func(s string) string { return strings.ReplaceAll(s, " ", "") }
	if !strings.Contains(bare(joined(lines)), bare(want)) {
		t.Error("text is lost")
	}
}

func TestTheSameDocumentIsTheSameFile(t *testing.T) {
	for _, f := range formats {
		if !slices.Equal(write(t, sample(t), f), write(t, sample(t), f)) {
			t.Errorf("%s differs from one time to the next", f)
		}
	}
}
