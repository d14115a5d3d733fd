package search

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"unicode/utf8"
)

// A text is indexed by its pairs of neighbouring characters: SQLite has them as
// words in their order, PostgreSQL as a set of numbers.

// pairWords returns the words that SQLite indexes for a folded text: each pair
// of neighbours, and the last character alone, each after the owner's key. A
// run of words is then a piece of the text, and a word that begins with one
// character is that character.
func pairWords(owner, body string) string {
	key := ownerKey(owner)
	var b strings.Builder
	b.Grow(len(body)*2 + utf8.RuneCountInString(body)*(len(key)+1))
	previous := rune(-1)
	for _, r := range body {
		r = indexed(r)
		if previous >= 0 {
			b.WriteString(key)
			b.WriteRune(previous)
			b.WriteRune(r)
			b.WriteByte(' ')
		}
		previous = r
	}
	if previous >= 0 {
		b.WriteString(key)
		b.WriteRune(previous)
	}
	return b.String()
}

// indexed returns the character that stands for r in the words of the index,
// where ASCII but letters and digits would separate words.
func indexed(r rune) rune {
	if r < utf8.RuneSelf && (r < 'a' || r > 'z') && (r < '0' || r > '9') {
		return 0xF0000 + r
	}
	return r
}

// ownerKey returns 8 letters and digits that stand for an account.
func ownerKey(owner string) string {
	sum := sha256.Sum256([]byte(owner))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:5]))
}

// wordPhrase returns what finds a folded word among pairWords.
func wordPhrase(owner, word string) string {
	words := strings.Fields(pairWords(owner, word))
	if len(words) == 1 { // one character: any pair that begins with it
		return `"` + words[0] + `" *`
	}
	return `"` + strings.Join(words[:len(words)-1], " ") + `"`
}

// hashedPairs returns what PostgreSQL indexes for a folded text: its characters
// and pairs, hashed below the hash of owner and period. So what is written at a
// time lies together in the index, and what somebody else wrote elsewhere.
func hashedPairs(owner string, period int64, body string) []int64 {
	above := periodKey(owner, period)
	out := make([]int64, 0, 2*utf8.RuneCountInString(body))
	previous := rune(-1)
	for _, r := range body {
		out = append(out, above|pairHash(-1, r))
		if previous >= 0 {
			out = append(out, above|pairHash(previous, r))
		}
		previous = r
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func periodKey(owner string, period int64) int64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", owner, period))
	return int64(binary.BigEndian.Uint32(sum[:])) << 32
}

// pairHash returns 32 bits for a character, or for two.
func pairHash(first, second rune) int64 {
	h := fnv.New32a()
	var b [8]byte
	binary.BigEndian.PutUint32(b[:4], uint32(first))
	binary.BigEndian.PutUint32(b[4:], uint32(second))
	_, _ = h.Write(b[:])
	return int64(h.Sum32())
}

// wordPairs returns the hashes of what a text must have to hold folded words.
func wordPairs(words []string) []int64 {
	var out []int64
	for _, w := range words {
		characters := []rune(w)
		if len(characters) == 1 {
			out = append(out, pairHash(-1, characters[0]))
		}
		for i := 1; i < len(characters); i++ {
			out = append(out, pairHash(characters[i-1], characters[i]))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
