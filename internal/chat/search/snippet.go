package search

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Piece is a piece of a snippet: what was looked for, or what is around it.
type Piece struct {
	Text  string
	Match bool
}

// How much of a text is shown around what was found in it, in characters.
const (
	snippetBefore = 30
	snippetLength = 120
)

// snippet cuts text around the place where most of the folded words are near
// each other. found is false if not all of them are in the text.
func snippet(text string, words []string) (pieces []Piece, found bool) {
	f := foldPlaces(text)
	var spans [][2]int // in the folded text
	found = true
	for _, w := range words {
		var here [][2]int
		for from := 0; ; {
			at := strings.Index(f.folded[from:], w)
			if at < 0 {
				break
			}
			here = append(here, [2]int{from + at, from + at + len(w)})
			from += at + len(w)
		}
		found = found && len(here) > 0
		spans = append(spans, here...)
	}
	for i := range spans {
		spans[i] = [2]int{f.from[spans[i][0]], f.to[spans[i][1]-1]}
	}
	slices.SortFunc(spans, func(a, b [2]int) int { return a[0] - b[0] })
	begin, end := f.window(spans)
	var out []Piece
	add := func(from, to int, match bool) {
		if t := oneLine(text[from:to]); t != "" {
			out = append(out, Piece{t, match})
		}
	}
	if begin > 0 {
		out = append(out, Piece{Text: "…"})
	}
	at := begin
	for _, s := range spans {
		if s[1] <= at || s[0] >= end {
			continue
		}
		from, to := max(s[0], at), min(s[1], end)
		add(at, from, false)
		add(from, to, true)
		at = to
	}
	add(at, end, false)
	if end < len(text) {
		out = append(out, Piece{Text: "…"})
	}
	return joinPieces(out), found
}

// joinPieces makes one of neighbours of a kind.
func joinPieces(pieces []Piece) []Piece {
	var out []Piece
	for _, p := range pieces {
		if n := len(out); n > 0 && out[n-1].Match == p.Match {
			out[n-1].Text += p.Text
		} else {
			out = append(out, p)
		}
	}
	return out
}

// oneLine makes every run of space a single one.
func oneLine(s string) string {
	var b strings.Builder
	space := false
	for _, r := range s {
		if unicode.IsSpace(r) {
			if !space {
				b.WriteByte(' ')
			}
			space = true
			continue
		}
		space = false
		b.WriteRune(r)
	}
	return b.String()
}

// places is a folded text, and for each of its bytes where in the original
// the characters it was made of begin and end.
type places struct {
	folded   string
	from, to []int
	cuts     []int // where the original may be cut
}

// foldPlaces folds as label.Fold does.
func foldPlaces(text string) places {
	var p places
	var b strings.Builder
	var it norm.Iter
	it.InitString(norm.NFKC, text)
	space := -1 // where a space that is not written yet began
	for !it.Done() {
		begin := it.Pos()
		segment := it.Next()
		p.cuts = append(p.cuts, begin)
		end := it.Pos()
		for _, r := range strings.ToValidUTF8(string(segment), "") {
			switch {
			case r == 0:
				continue
			case unicode.IsSpace(r):
				if space < 0 {
					space = begin
				}
				continue
			}
			if space >= 0 && b.Len() > 0 {
				b.WriteByte(' ')
				p.from, p.to = append(p.from, space), append(p.to, begin)
			}
			space = -1
			before := b.Len()
			b.WriteRune(unicode.ToLower(r))
			for range b.Len() - before {
				p.from, p.to = append(p.from, begin), append(p.to, end)
			}
		}
	}
	p.cuts = append(p.cuts, len(text))
	p.folded = b.String()
	return p
}

// window chooses what to show: some characters before the first of the spans
// that has the most spans after it within the length.
func (p places) window(spans [][2]int) (begin, end int) {
	first := 0
	if len(spans) > 0 {
		best := -1
		const near = 3 * snippetLength // bytes, roughly
		for i, j := 0, 0; i < len(spans); i++ {
			for j < len(spans) && spans[j][1]-spans[i][0] <= near {
				j++
			}
			if j-i > best {
				best, first = j-i, spans[i][0]
			}
			if i > 1000 { // enough to choose from
				break
			}
		}
	}
	at, _ := slices.BinarySearch(p.cuts, first)
	from := max(0, at-snippetBefore)
	to := min(len(p.cuts)-1, from+snippetLength)
	for len(spans) > 0 && to < len(p.cuts)-1 { // never in the middle of what was found
		inside := slices.ContainsFunc(spans[:min(len(spans), 1000)], func(s [2]int) bool { return s[0] >= first && s[0] < p.cuts[to] && s[1] > p.cuts[to] })
		if !inside || to-from > 4*snippetLength {
			break
		}
		to++
	}
	return p.cuts[from], p.cuts[to]
}
