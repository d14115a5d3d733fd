package search

import (
	"strings"

	"kakoi/internal/chat/markdown"
)

// read returns what is shown of the piece from ≤ at < to of a Markdown text. It
// parses that piece alone, as if it stood in the block of code or the table that
// it begins in the middle of.
func read(text string, from, to int) []span {
	block := openFence(text[:from])
	if block == "" {
		block = tableHead(text[from:to])
	}
	var out []span
	for _, s := range markdown.Shown([]byte(block + text[from:to])) {
		if s.To > len(block) {
			out = append(out, span{From: max(s.From-len(block), 0), To: s.To - len(block)})
		}
	}
	return out
}

// openFence returns the line that began the block of code at the end of a text,
// or "".
func openFence(text string) string {
	open := ""
	if !strings.Contains(text, "```") && !strings.Contains(text, "~~~") {
		return open
	}
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimLeft(line, " \t>")
		rest := strings.TrimLeft(line, "`")
		if rest == line {
			rest = strings.TrimLeft(line, "~")
		}
		fence := line[:len(line)-len(rest)]
		switch {
		case len(fence) < 3:
		case open == "" && !strings.Contains(rest, "`"):
			open = fence
		case open != "" && strings.HasPrefix(fence, open) && strings.TrimSpace(rest) == "":
			open = ""
		}
	}
	if open != "" {
		open += "\n"
	}
	return open
}

// tableHead returns the lines that would stand over the text if it begins with a
// row of a table that has begun before, or "".
func tableHead(text string) string {
	row, rest, _ := strings.Cut(text, "\n")
	next, _, _ := strings.Cut(rest, "\n")
	row = strings.TrimSpace(row)
	if !strings.HasPrefix(row, "|") || isRule(next) {
		return ""
	}
	n := strings.Count(row, "|") + 1
	return "|" + strings.Repeat(" |", n) + "\n|" + strings.Repeat("-|", n) + "\n"
}

// isRule reports whether a line is the one between the head of a table and its
// rows.
func isRule(line string) bool {
	return strings.Contains(line, "-") && strings.Trim(line, " \t\r|:-") == ""
}
