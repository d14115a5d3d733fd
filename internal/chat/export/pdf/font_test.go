package pdf

import (
	"bytes"
	"io"
	"testing"
)

func TestSubsetHoldsTheGlyphsAndTheirParts(t *testing.T) {
	for i, name := range fontNames {
		f, err := useFont(i)
		if err != nil {
			t.Fatal(err)
		}
		composite := false
		for r := rune(0x20); r < 0x30000; r++ {
			if gid := f.lookup(r); gid != 0 && (r < 0x600 || r%37 == 0) {
				f.cid(r, gid)
				composite = composite || len(components(f.glyph(gid))) > 0
			}
		}
		if len(f.runes) < 20 {
			t.Fatalf("%s has only %d characters", name.name, len(f.runes))
		}
		data, cidToGID := f.subset()
		sub := &typeface{tables: map[string][]byte{}, longLoca: true}
		for n := range int(be16(data[4:])) {
			entry := data[12+16*n:]
			table := data[be32(entry[8:]) : be32(entry[8:])+be32(entry[12:])]
			if checksum(table) != be32(entry[4:]) {
				t.Errorf("%s: checksum of %s", name.name, entry[:4])
			}
			sub.tables[string(entry[:4])] = table
		}
		sub.glyphs = int(be16(sub.tables["maxp"][4:]))
		sub.metrics, sub.units = int(be16(sub.tables["hhea"][34:])), f.units
		for cid, gid := range f.gids {
			renamed := be16(cidToGID[2*cid:])
			if sub.advance(renamed) != f.advance(gid) {
				t.Fatalf("%s: %q is %v wide, want %v", name.name, f.runes[cid], sub.advance(renamed), f.advance(gid))
			}
			want, got := f.glyph(gid), sub.glyph(renamed)
			parts := components(want)
			if len(parts) == 0 && !bytes.HasPrefix(got, want) {
				t.Fatalf("%s: %q has another outline", name.name, f.runes[cid])
			}
			for k, at := range components(got) {
				part := be16(got[at:])
				if int(part) >= sub.glyphs || !bytes.HasPrefix(sub.glyph(part), f.glyph(be16(want[parts[k]:]))[:10]) {
					t.Fatalf("%s: %q is made of the wrong parts", name.name, f.runes[cid])
				}
			}
		}
		if name.name == "NotoSansMono-Regular" && !composite {
			t.Error("no glyph is made of others: nothing was tested")
		}
	}
}

func TestEveryCharacterHasAGlyphOrTheGeta(t *testing.T) {
	d := New(io.Discard, Info{})
	d.Page(100, 100)
	for r := rune(0); r <= 0x10ffff; r += 7 {
		for _, face := range []Face{Regular, Bold, Mono} {
			g := d.find(face, r)
			if d.err != nil {
				t.Fatal(d.err)
			}
			if g.font < 0 && !invisible(r) {
				t.Fatalf("%U is not drawn", r)
			}
			if g.width < 0 || g.width > 4 {
				t.Fatalf("%U is %v wide", r, g.width)
			}
		}
	}
	if err := d.Close(nil); err != nil {
		t.Fatal(err)
	}
}

// TestOfficeTextHasItsOwnGlyphs guards the making of the fonts.
func TestOfficeTextHasItsOwnGlyphs(t *testing.T) {
	d := New(io.Discard, Info{})
	for _, r := range "日本語の文書、「記号」①②③㈱㍻№→⇒±×÷∞≠≦≧√∫αβγΔ←↑↓■□●○◆◇★☆▲▼〒々〆ヶｱｲｳ𠮷髙﨑鷗噓剝塡頰│├└─%#@€£¥–—…‥™©✓✔✅❌⚠🎉👍📌₂ℝ‣►⟶éñüß" {
		for _, face := range []Face{Regular, Bold, Mono} {
			g := d.find(face, r)
			if g.font < 0 {
				t.Fatalf("%c is not drawn", r)
			}
			f := d.fonts[g.font]
			if f.gids[g.cid] == f.lookup(Geta) {
				t.Errorf("%c is missing from the fonts", r)
			}
		}
	}
	for _, r := range "日本語の文書、「記号」髙﨑一丁亜熙ABCabc0123" {
		if g := d.find(Bold, r); g.font != fontBold {
			t.Errorf("%c has no bold glyph", r)
		}
	}
	if a, b := d.Width(Mono, 'i'), d.Width(Mono, '漢'); a != float64(float32(Cell)) || b != float64(float32(2*Cell)) {
		t.Errorf("cells are %v and %v wide", a, b)
	}
}
