// Package tokenest estimates how many tokens a text has, for budgets before a
// call and for providers that do not report usage.
//
// No tokenizer is shipped: each model has its own, and they need megabytes of
// tables. The weights here are fitted to what a current tokenizer of 262,144
// entries (Gemma 3) makes of Japanese and English office text, code and tables;
// expect errors of about a quarter either way, and more for rare scripts. An
// estimate is always shown as one (model.Usage.Estimated).
package tokenest

import "unicode/utf8"

// What a message and an image cost beyond their text, roughly: the marks around
// a turn, and a picture at the usual resolution.
const (
	PerMessage = 4
	PerImage   = 1000
)

// Text estimates the tokens of s. It is 0 only for the empty string.
func Text(s string) int {
	sum := 0 // in twentieths of a token
	prev := none
	for i := 0; i < len(s); {
		var k kind
		if c := s[i]; c < utf8.RuneSelf {
			k = ascii[c]
			i++
		} else {
			r, n := utf8.DecodeRuneInString(s[i:])
			k = wide(r)
			i += n
		}
		sum += weight[k]
		if k != prev {
			sum += start[k]
		}
		prev = k
	}
	return (sum + 19) / 20
}

// kind is a class of characters that tokenizers treat alike.
type kind uint8

const (
	none kind = iota
	space
	letter
	digit
	mark
	kana
	han
	other
	kinds
)

// weight is what one character costs and start what beginning a run of its kind
// adds, in twentieths of a token.
var (
	weight = [kinds]int{space: 1, letter: 3, digit: 14, mark: 15, kana: 7, han: 13, other: 24}
	start  = [kinds]int{space: 1, letter: 7, digit: 2, mark: 3, kana: 3, han: 3, other: 0}
)

var ascii = func() (t [utf8.RuneSelf]kind) {
	for c := range t {
		switch {
		case c <= ' ':
			t[c] = space
		case c >= '0' && c <= '9':
			t[c] = digit
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			t[c] = letter
		default:
			t[c] = mark
		}
	}
	return t
}()

func wide(r rune) kind {
	switch {
	case r >= 0x3040 && r <= 0x30FF, r >= 0xFF66 && r <= 0xFF9F:
		return kana
	case r >= 0x3400 && r <= 0x9FFF, r >= 0xF900 && r <= 0xFAFF, r >= 0x20000 && r <= 0x3FFFF:
		return han
	case r >= 0x3000 && r <= 0x303F, r >= 0xFF00 && r <= 0xFFEF, r >= 0x2000 && r <= 0x206F:
		return mark
	case r >= 0x00C0 && r <= 0x024F, r >= 0x0370 && r <= 0x052F:
		return letter
	}
	return other
}
