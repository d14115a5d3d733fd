package iam

import "strings"

// symbol is one character of a pattern: itself, or a wildcard.
type symbol struct {
	char rune
	wild bool // '*' is any number of characters, '?' exactly one
}

// pattern is a text with wildcards. It is not a string, because the value of a
// variable and ${*} bring characters that look like wildcards and are none.
type pattern []symbol

// wildcards reads s with * and ? as wildcards, literal without.
func wildcards(s string) pattern {
	p := make(pattern, 0, len(s))
	for _, c := range s {
		p = append(p, symbol{c, c == '*' || c == '?'})
	}
	return p
}

func literal(s string) pattern {
	p := make(pattern, 0, len(s))
	for _, c := range s {
		p = append(p, symbol{char: c})
	}
	return p
}

func (p pattern) match(s string) bool {
	text := []rune(s)
	at, star, mark := 0, -1, 0
	for i := 0; i < len(text); {
		switch {
		case at < len(p) && p[at].wild && p[at].char == '*':
			star, mark = at, i
			at++
		case at < len(p) && (p[at].wild || p[at].char == text[i]):
			at++
			i++
		case star >= 0: // let the last * take one character more
			mark++
			at, i = star+1, mark
		default:
			return false
		}
	}
	for at < len(p) && p[at].wild && p[at].char == '*' {
		at++
	}
	return at == len(p)
}

// equal reports whether s is the text of p, taking every character literally.
func (p pattern) equal(s string) bool { return p.String() == s }

// everything reports whether p is "*".
func (p pattern) everything() bool { return len(p) == 1 && p[0].wild && p[0].char == '*' }

func (p pattern) String() string {
	var b strings.Builder
	for _, c := range p {
		b.WriteRune(c.char)
	}
	return b.String()
}

// covers reports whether every text that matches narrow matches wide too. It
// may miss such a pair, but never invents one.
func covers(wide, narrow string) bool {
	n := []rune(narrow)
	// reach[j]: the part of wide read so far covers n[:j].
	reach := make([]bool, len(n)+1)
	reach[0] = true
	for _, c := range wide {
		next := make([]bool, len(n)+1)
		for j := range next {
			switch c {
			case '*':
				next[j] = reach[j] || (j > 0 && next[j-1])
			case '?':
				next[j] = j > 0 && reach[j-1] && n[j-1] != '*'
			default:
				next[j] = j > 0 && reach[j-1] && n[j-1] == c
			}
		}
		reach = next
	}
	return reach[len(n)]
}
