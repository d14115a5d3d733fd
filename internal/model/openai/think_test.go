package openai

import (
	"strings"
	"testing"
)

func split(tags string, pieces ...string) (reasoning, answer string) {
	s := newThinkSplitter(tags)
	for _, p := range pieces {
		r, a := s.push(p)
		reasoning, answer = reasoning+r, answer+a
	}
	r, a := s.flush()
	return reasoning + r, answer + a
}

func TestThinkingIsToldFromTheAnswer(t *testing.T) {
	for _, tt := range []struct{ name, tags, content, reasoning, answer string }{
		{"no tags are looked for", "", "<think>a</think>b", "", "<think>a</think>b"},
		{"tagged", "tagged", "<think>\na\n</think>\n\nb", "a", "b"},
		{"tagged, after white space", "tagged", " \n<think>a</think>b", "a", "b"},
		{"no thinking", "tagged", "b <think>c</think>", "", "b <think>c</think>"},
		{"almost a tag", "tagged", "<thin b", "", "<thin b"},
		{"only white space", "tagged", " \n", "", " \n"},
		{"empty thinking", "tagged", "<think>\n\n</think>\n\nb", "", "b"},
		{"thinking that never ends", "tagged", "<think>a</thi", "a</thi", ""},
		{"open", "open", "a</think>b", "a", "b"},
		{"tags in the answer are the answer's", "open", "a</think>b</think>c", "a", "b</think>c"},
		{"a smaller sign in thinking", "open", "1 < 2 </ x\n\n3</think>b", "1 < 2 </ x\n\n3", "b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, pieces := range map[string][]string{"whole": {tt.content}, "letter by letter": strings.Split(tt.content, "")} {
				if r, a := split(tt.tags, pieces...); r != tt.reasoning || a != tt.answer {
					t.Errorf("%s: reasoning %q, answer %q; want %q, %q", name, r, a, tt.reasoning, tt.answer)
				}
			}
		})
	}
}

// FuzzThinkSplitter holds that the pieces in which content arrives do not matter.
func FuzzThinkSplitter(f *testing.F) {
	f.Add("<think>\nabc\n</think>\n\ndef", 3, true)
	f.Add("</think></think>", 1, false)
	f.Fuzz(func(t *testing.T, content string, size int, open bool) {
		tags := "tagged"
		if open {
			tags = "open"
		}
		size = size&7 + 1
		var pieces []string
		for rest := content; rest != ""; {
			n := min(size, len(rest))
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		r1, a1 := split(tags, content)
		r2, a2 := split(tags, pieces...)
		if r1 != r2 || a1 != a2 {
			t.Errorf("whole: %q, %q; in pieces of %d: %q, %q", r1, a1, size, r2, a2)
		}
	})
}
