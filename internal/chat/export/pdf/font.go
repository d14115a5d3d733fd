package pdf

import (
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"weak"

	"github.com/klauspost/compress/zstd"
)

// The fonts, made by fonts/make.py. Bold has the characters of JIS X 0208 and
// Windows; rarer ones are drawn from the regular font with a thicker line.
//
//go:embed fonts/*.zst
var fontFiles embed.FS

var unpacker = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
})

// unpacked are the fonts that documents are using now. Unpacking takes longer
// than a short document, and an archive is many of them; when none is being
// written the memory, some 9 MB, is free again.
var unpacked [fontCount]struct {
	sync.Mutex
	at weak.Pointer[typeface]
}

// typeface is a TrueType font.
type typeface struct {
	name   string
	tables map[string][]byte

	units    float64
	metrics  int // entries of hmtx with a width
	glyphs   int
	longLoca bool
}

// font is what of a typeface a document has used.
type font struct {
	*typeface
	scale float64 // of its size, so that it sits well beside the others

	cids  map[rune]int
	runes []rune   // by CID
	gids  []uint16 // by CID
}

var errFont = errors.New("the embedded font is damaged")

func useFont(i int) (*font, error) {
	u := &unpacked[i]
	u.Lock()
	defer u.Unlock()
	face := u.at.Value()
	if face == nil {
		var err error
		if face, err = unpack(fontNames[i].name); err != nil {
			return nil, err
		}
		u.at = weak.Make(face)
	}
	return &font{typeface: face, scale: fontNames[i].scale, cids: map[rune]int{}, runes: []rune{0}, gids: []uint16{0}}, nil
}

func unpack(name string) (*typeface, error) {
	packed, err := fontFiles.ReadFile("fonts/" + name + ".ttf.zst")
	if err != nil {
		return nil, err
	}
	z, err := unpacker()
	if err != nil {
		return nil, err
	}
	data, err := z.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("unpack font %s: %w", name, err)
	}
	f := &typeface{name: name, tables: map[string][]byte{}}
	if len(data) < 12 {
		return nil, errFont
	}
	for i := range int(be16(data[4:])) {
		entry := data[12+16*i:]
		offset, length := be32(entry[8:]), be32(entry[12:])
		f.tables[string(entry[:4])] = data[offset : offset+length]
	}
	for _, t := range []string{"head", "hhea", "hmtx", "maxp", "loca", "glyf", "cmap"} {
		if len(f.tables[t]) == 0 {
			return nil, fmt.Errorf("%w: no %s in %s", errFont, t, name)
		}
	}
	f.units = float64(be16(f.tables["head"][18:]))
	f.longLoca = be16(f.tables["head"][50:]) == 1
	f.metrics = int(be16(f.tables["hhea"][34:]))
	f.glyphs = int(be16(f.tables["maxp"][4:]))
	return f, nil
}

func be16(b []byte) uint16 { return binary.BigEndian.Uint16(b) }
func be32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }

// lookup finds the glyph of a character; 0 is none.
func (f *typeface) lookup(r rune) uint16 {
	cmap := f.tables["cmap"]
	best := -1
	for i := range int(be16(cmap[2:])) {
		at := int(be32(cmap[4+8*i+4:]))
		if format := be16(cmap[at:]); format == 12 {
			return lookup12(cmap[at:], r)
		} else if format == 4 {
			best = at
		}
	}
	if best < 0 || r > 0xffff {
		return 0
	}
	return lookup4(cmap[best:], uint16(r))
}

func lookup12(t []byte, r rune) uint16 {
	groups := t[16:]
	lo, hi := 0, int(be32(t[12:]))
	for lo < hi {
		mid := (lo + hi) / 2
		g := groups[12*mid:]
		switch start, end := rune(be32(g)), rune(be32(g[4:])); {
		case r < start:
			hi = mid
		case r > end:
			lo = mid + 1
		default:
			return uint16(rune(be32(g[8:])) + r - start)
		}
	}
	return 0
}

func lookup4(t []byte, r uint16) uint16 {
	n := int(be16(t[6:])) / 2
	ends, starts := t[14:], t[16+2*n:]
	deltas, offsets := t[16+4*n:], t[16+6*n:]
	for i := range n {
		if r > be16(ends[2*i:]) {
			continue
		}
		start := be16(starts[2*i:])
		if r < start {
			return 0
		}
		offset := int(be16(offsets[2*i:]))
		if offset == 0 {
			return r + be16(deltas[2*i:])
		}
		if g := be16(offsets[2*i+offset+2*int(r-start):]); g != 0 {
			return g + be16(deltas[2*i:])
		}
		return 0
	}
	return 0
}

// advance is the width of a glyph, in ems.
func (f *typeface) advance(gid uint16) float64 {
	i := min(int(gid), f.metrics-1)
	return float64(be16(f.tables["hmtx"][4*i:])) / f.units
}

// cid is the number by which the document calls the character r, drawn by the
// glyph gid. Every character has its own, so that each is copied as itself even
// if two look the same.
func (f *font) cid(r rune, gid uint16) int {
	if c, ok := f.cids[r]; ok {
		return c
	}
	if len(f.runes) >= 0xffff {
		return 0
	}
	c := len(f.runes)
	f.cids[r] = c
	f.runes = append(f.runes, r)
	f.gids = append(f.gids, gid)
	return c
}

func (f *typeface) glyph(gid uint16) []byte {
	loca, glyf := f.tables["loca"], f.tables["glyf"]
	if int(gid) >= f.glyphs {
		return nil
	}
	var from, to uint32
	if f.longLoca {
		from, to = be32(loca[4*int(gid):]), be32(loca[4*int(gid)+4:])
	} else {
		from, to = 2*uint32(be16(loca[2*int(gid):])), 2*uint32(be16(loca[2*int(gid)+2:]))
	}
	return glyf[from:to]
}

// components are the places in a composite glyph that name other glyphs.
func components(g []byte) []int {
	if len(g) < 10 || int16(be16(g)) >= 0 {
		return nil
	}
	var at []int
	for i := 10; i+4 <= len(g); {
		flags := be16(g[i:])
		at = append(at, i+2)
		i += 6
		if flags&1 != 0 { // arguments are words
			i += 2
		}
		switch {
		case flags&0x08 != 0:
			i += 2
		case flags&0x40 != 0:
			i += 4
		case flags&0x80 != 0:
			i += 8
		}
		if flags&0x20 == 0 { // no more
			break
		}
	}
	return at
}

// subset is a font with the used glyphs only, and the new number of each CID's.
func (f *font) subset() (data []byte, cidToGID []byte) {
	order := []uint16{0}
	renamed := map[uint16]uint16{0: 0}
	add := func(gid uint16) uint16 {
		if n, ok := renamed[gid]; ok {
			return n
		}
		n := uint16(len(order))
		renamed[gid] = n
		order = append(order, gid)
		return n
	}
	for _, gid := range f.gids {
		cidToGID = binary.BigEndian.AppendUint16(cidToGID, add(gid))
	}
	var glyf, loca, hmtx []byte
	for i := 0; i < len(order); i++ { // grows by components
		loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
		g := slices.Clone(f.glyph(order[i]))
		for _, at := range components(g) {
			binary.BigEndian.PutUint16(g[at:], add(be16(g[at:])))
		}
		glyf = append(glyf, g...)
		for len(glyf)%4 != 0 {
			glyf = append(glyf, 0)
		}
		metric := f.tables["hmtx"]
		if int(order[i]) < f.metrics {
			hmtx = append(hmtx, metric[4*int(order[i]):4*int(order[i])+4]...)
		} else {
			hmtx = append(hmtx, metric[4*(f.metrics-1):4*(f.metrics-1)+2]...)
			side := 4*f.metrics + 2*(int(order[i])-f.metrics)
			hmtx = append(hmtx, metric[side:side+2]...)
		}
	}
	loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
	head, hhea, maxp := slices.Clone(f.tables["head"]), slices.Clone(f.tables["hhea"]), slices.Clone(f.tables["maxp"])
	binary.BigEndian.PutUint32(head[8:], 0)
	binary.BigEndian.PutUint16(head[50:], 1)
	binary.BigEndian.PutUint16(hhea[34:], uint16(len(order)))
	binary.BigEndian.PutUint16(maxp[4:], uint16(len(order)))
	return sfnt([]sfntTable{
		{"glyf", glyf}, {"head", head}, {"hhea", hhea}, {"hmtx", hmtx}, {"loca", loca}, {"maxp", maxp},
	}), cidToGID
}

type sfntTable struct {
	tag  string
	data []byte
}

// sfnt joins tables, sorted by tag, to a font file.
func sfnt(tables []sfntTable) []byte {
	n := len(tables)
	log := 0
	for 1<<(log+1) <= n {
		log++
	}
	out := []byte{0, 1, 0, 0}
	for _, v := range []int{n, 16 << log, log, 16*n - 16<<log} {
		out = binary.BigEndian.AppendUint16(out, uint16(v))
	}
	offset := 12 + 16*n
	for _, t := range tables {
		out = append(out, t.tag...)
		out = binary.BigEndian.AppendUint32(out, checksum(t.data))
		out = binary.BigEndian.AppendUint32(out, uint32(offset))
		out = binary.BigEndian.AppendUint32(out, uint32(len(t.data)))
		offset += (len(t.data) + 3) &^ 3
	}
	for _, t := range tables {
		out = append(out, t.data...)
		for len(out)%4 != 0 {
			out = append(out, 0)
		}
	}
	return out
}

func checksum(b []byte) uint32 {
	var sum uint32
	for ; len(b) >= 4; b = b[4:] {
		sum += be32(b)
	}
	var last [4]byte
	copy(last[:], b)
	return sum + be32(last[:])
}
