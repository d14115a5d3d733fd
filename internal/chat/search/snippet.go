package search

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"kakoi/internal/chat/markdown"
)

// Piece is a piece of a snippet: what was looked for, or what is around it.
type Piece struct {
	Text  string
	Match bool
}

// How much of a text is shown around what was found in it, in characters, and
// how much of it is looked at for that, in bytes.
const (
	shownBefore   = 30
	shownLength   = 120
	excerptBefore = 400
	excerptAfter  = 900
)

// span is a piece of a text: its bytes from ≤ at < to.
type span = markdown.Span

// snippet cuts text around the place where most of the folded words are near
// each other. Of Markdown it shows what is read, not the marks, unless they were
// looked for. Of a long text only what is near the place is folded and parsed.
func snippet(text string, isMarkdown bool, words []string) []Piece {
	first := densest(occurrences(text, words))
	from, to := excerpt(text, first, words)
	f := foldPlaces(text[from:to])
	found := f.find(words)
	shown := []span{{From: 0, To: to - from}}
	if isMarkdown {
		shown = withFound(read(text, from, to), found, to-from)
	}
	begin, end, before, after := window(text[from:to], f.cuts, shown, found, first-from)
	var out pieces
	if from > 0 || before {
		out.add("…", false)
	}
	last := -1
	for _, s := range shown {
		s.From, s.To = max(s.From, begin), min(s.To, end)
		if s.From >= s.To {
			continue
		}
		if last >= 0 && apart(text[from+last:from+s.From]) {
			out.add(" ", false)
		}
		last = s.To
		for _, m := range found {
			if m.To <= s.From || m.From >= s.To {
				continue
			}
			out.add(text[from+s.From:from+max(s.From, m.From)], false)
			s.From = max(s.From, m.From)
			out.add(text[from+s.From:from+min(s.To, m.To)], true)
			s.From = min(s.To, m.To)
		}
		out.add(text[from+s.From:from+s.To], false)
	}
	if to < len(text) || after {
		out.add("…", false)
	}
	return out.list
}

// occurrences returns where the folded words are in a text, in order. It looks
// for them as they are first: that is a hundred times as fast as folding the text.
func occurrences(text string, words []string) []span {
	var out []span
	for _, w := range words {
		n := len(out)
		for at := range indexes(text, w) {
			if boundary(text, at) && boundary(text, at+len(w)) {
				out = append(out, span{From: at, To: at + len(w)})
			}
		}
		if n == len(out) {
			return foldPlaces(text).find(words)
		}
	}
	sortSpans(out)
	return out
}

// boundary reports whether what follows the place is not part of the character
// before it.
func boundary(text string, at int) bool {
	return at == len(text) || norm.NFKC.PropertiesString(text[at:]).BoundaryBefore()
}

// mostOccurrences of a word in a text are enough to choose from.
const mostOccurrences = 1000

// indexes yields where word is in text, one after the other.
func indexes(text, word string) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for from, n := 0, 0; n < mostOccurrences; n++ {
			at := strings.Index(text[from:], word)
			if at < 0 || !yield(from+at) {
				return
			}
			from += at + len(word)
		}
	}
}

func sortSpans(list []span) {
	slices.SortFunc(list, func(a, b span) int { return a.From - b.From })
}

// densest returns where the first of the spans is that has the most spans after
// it within the length of a snippet, or 0.
func densest(spans []span) int {
	const near = 3 * shownLength // bytes, roughly
	first, best := 0, -1
	for i, j := 0, 0; i < len(spans); i++ {
		for j < len(spans) && spans[j].To-spans[i].From <= near {
			j++
		}
		if j-i > best {
			best, first = j-i, spans[i].From
		}
	}
	return first
}

// excerpt returns the piece of a text in which a snippet around first is cut. It
// begins with a line, if one begins there.
func excerpt(text string, first int, words []string) (from, to int) {
	longest := 0
	for _, w := range words {
		longest = max(longest, len(w))
	}
	if from = max(0, first-excerptBefore); from > 0 {
		if line := strings.IndexByte(text[from-1:first], '\n'); line >= 0 {
			from += line
		}
	}
	to = min(len(text), first+excerptAfter+4*longest)
	for from > 0 && !utf8.RuneStart(text[from]) {
		from--
	}
	for to < len(text) && !utf8.RuneStart(text[to]) {
		to++
	}
	return from, to
}

// withFound adds to what is shown of a text whatever is between, if something
// was found there.
func withFound(shown, found []span, length int) []span {
	var out []span
	last := 0
	gap := func(to int) {
		if slices.ContainsFunc(found, func(m span) bool { return m.From < to && m.To > last }) && last < to {
			out = append(out, span{From: last, To: to})
		}
	}
	for _, s := range shown {
		gap(s.From)
		out = append(out, s)
		last = s.To
	}
	gap(length)
	if len(out) == 0 { // nothing but marks
		return []span{{From: 0, To: length}}
	}
	return out
}

// apart reports whether what is not shown between two pieces keeps them apart.
func apart(gap string) bool {
	return strings.ContainsFunc(gap, func(r rune) bool { return r == '|' || unicode.IsSpace(r) }) || strings.Contains(gap, "<br")
}

// window chooses what to show: some characters before first, and as many as there
// is room for after it. before and after tell whether there are more. It does not
// begin in the middle of a word or number: of the 11th it would make the 1st.
func window(text string, cuts []int, shown, found []span, first int) (begin, end int, before, after bool) {
	var visible []int
	s := 0
	for _, at := range cuts {
		for s < len(shown) && shown[s].To <= at {
			s++
		}
		if s < len(shown) && shown[s].From <= at {
			visible = append(visible, at)
		}
	}
	at, _ := slices.BinarySearch(visible, first)
	from := max(0, at-shownBefore)
	for i := from; i >= 0 && i >= from-shownBefore/2 && i < len(visible); i-- {
		if !within(text, visible[i]) {
			from = i
			break
		}
	}
	to := min(len(visible), from+shownLength)
	for to < len(visible) && to-from <= 4*shownLength { // never in the middle of what was found
		if !slices.ContainsFunc(found, func(s span) bool { return s.From >= first && s.From < visible[to] && s.To > visible[to] }) {
			break
		}
		to++
	}
	if len(visible) > 0 {
		begin, end = visible[from], shown[len(shown)-1].To
	}
	if to < len(visible) {
		end = visible[to]
	}
	return begin, end, from > 0, to < len(visible)
}

// within reports whether a place is in the middle of a number or of a word of a
// script that shows where words end, as katakana among kanji does.
func within(text string, at int) bool {
	runs := func(r rune) bool {
		return unicode.IsNumber(r) || r == 'ー' || unicode.IsLetter(r) && !unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
	}
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	after, _ := utf8.DecodeRuneInString(text[at:])
	return runs(before) && runs(after)
}

// pieces are put together to one line, neighbours of a kind to one.
type pieces struct {
	list  []Piece
	space bool // the last character is one
}

func (p *pieces) add(text string, match bool) {
	var b strings.Builder
	for _, r := range text {
		if !unicode.IsSpace(r) {
			b.WriteRune(r)
			p.space = false
		} else if !p.space {
			b.WriteByte(' ')
			p.space = true
		}
	}
	n := len(p.list)
	switch {
	case b.Len() == 0:
	case n > 0 && p.list[n-1].Match == match:
		p.list[n-1].Text += b.String()
	default:
		p.list = append(p.list, Piece{b.String(), match})
	}
}
