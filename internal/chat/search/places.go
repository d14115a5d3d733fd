package search

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// places is a folded text with the places in the original that its pieces were
// made of: characters with what is written on them.
type places struct {
	folded string
	cuts   []int // where the pieces begin in the original, and the last ends
	at     []int // where they begin in the folded text
}

// foldPlaces folds as label.Fold does.
func foldPlaces(text string) places {
	p := places{cuts: make([]int, 0, len(text)/3+1), at: make([]int, 0, len(text)/3+1)}
	var b strings.Builder
	b.Grow(len(text))
	var it norm.Iter
	it.InitString(norm.NFKC, text)
	space := false // one that is not written yet
	for !it.Done() {
		p.cuts = append(p.cuts, it.Pos())
		begin := b.Len()
		for _, r := range strings.ToValidUTF8(string(it.Next()), "") {
			switch {
			case r == 0:
				continue
			case unicode.IsSpace(r):
				space = true
				continue
			}
			if space && b.Len() > 0 {
				b.WriteByte(' ')
				if begin == b.Len()-1 { // of the pieces before
					begin++
				}
			}
			space = false
			b.WriteRune(unicode.ToLower(r))
		}
		p.at = append(p.at, begin)
	}
	p.cuts = append(p.cuts, len(text))
	p.folded = b.String()
	return p
}

// original returns the place of a piece of the folded text that neither begins nor
// ends with a space.
func (p places) original(from, to int) span {
	return span{From: p.cuts[p.piece(from)], To: p.cuts[p.piece(to-1)+1]}
}

// piece returns which of the pieces a byte of the folded text is of: the last that
// begins there or before.
func (p places) piece(at int) int {
	i, _ := slices.BinarySearch(p.at, at+1)
	return i - 1
}

// find returns where the folded words are in the original, in order.
func (p places) find(words []string) []span {
	var out []span
	for _, w := range words {
		for at := range indexes(p.folded, w) {
			out = append(out, p.original(at, at+len(w)))
		}
	}
	sortSpans(out)
	return out
}
