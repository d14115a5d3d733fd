package openai

import "strings"

// thinkSplitter tells thinking from answer in content that holds both. Only
// thinking at the very start counts: an answer may well speak of <think> later.
type thinkSplitter struct {
	state thinkState
	held  string // the start of a tag, or white space whose side is not known yet
}

type thinkState int

const (
	thinkOff    thinkState = iota
	thinkStart             // nothing but white space so far
	thinkLead              // line breaks right after <think>
	thinkInside            // after them
	thinkGap               // white space between </think> and the answer
)

const thinkOpen, thinkClose = "<think>", "</think>"

func newThinkSplitter(tags string) *thinkSplitter {
	switch tags {
	case "tagged":
		return &thinkSplitter{state: thinkStart}
	case "open":
		return &thinkSplitter{state: thinkLead}
	}
	return &thinkSplitter{}
}

// push takes the next piece of content and returns what is certain of it.
func (s *thinkSplitter) push(text string) (reasoning, answer string) {
	text = s.held + text
	s.held = ""
	for {
		switch s.state {
		case thinkOff:
			return reasoning, text
		case thinkStart:
			trimmed := strings.TrimLeft(text, " \t\r\n")
			if strings.HasPrefix(trimmed, thinkOpen) {
				s.state, text = thinkLead, trimmed[len(thinkOpen):]
				continue
			}
			if strings.HasPrefix(thinkOpen, trimmed) { // perhaps a tag, or still nothing
				s.held = text
				return reasoning, ""
			}
			s.state = thinkOff
		case thinkLead:
			text = strings.TrimLeft(text, "\r\n")
			if text == "" {
				return reasoning, ""
			}
			s.state = thinkInside
		case thinkInside:
			if before, after, ok := strings.Cut(text, thinkClose); ok {
				reasoning += strings.TrimRight(before, "\r\n")
				s.state, text = thinkGap, after
				continue
			}
			keep := tagStart(text)
			reasoning += text[:keep]
			s.held = text[keep:]
			return reasoning, ""
		case thinkGap:
			text = strings.TrimLeft(text, " \t\r\n")
			if text == "" {
				return reasoning, ""
			}
			s.state = thinkOff
		}
	}
}

// flush gives out what was held back when the content ends.
func (s *thinkSplitter) flush() (reasoning, answer string) {
	held := s.held
	s.held = ""
	if s.state == thinkInside {
		return held, ""
	}
	return "", held
}

// tagStart is where a </think> that is not whole yet, with the line breaks
// before it, may begin at the end of s.
func tagStart(s string) int {
	end := len(s)
	for n := min(len(thinkClose)-1, len(s)); n > 0; n-- {
		if strings.HasSuffix(s, thinkClose[:n]) {
			end = len(s) - n
			break
		}
	}
	return len(strings.TrimRight(s[:end], "\r\n"))
}
