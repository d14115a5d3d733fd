// Package script decides what a fake model server says and how it fails. The
// fakes of the Bedrock and the OpenAI-compatible wire protocols share it, so
// that one prompt behaves the same on both.
//
// A prompt steers the fake with markers in double square brackets, so that a
// test in a browser needs no other channel to it:
//
//	[[long N]]          an answer of N tokens
//	[[say TEXT]]        answers TEXT and nothing else
//	[[markdown]]        an answer with headings, a table, code, a formula, a diagram
//	[[reason]]          thinks aloud first; [[reason N]] for N tokens of it
//	[[redacted]]        with [[reason]]: the thinking is encrypted (Bedrock only)
//	[[cached N]]        N tokens of the prompt came from the cache
//	[[rate N]] [[slow]] N tokens per second; slow is 3
//	[[wait S]]          S seconds before the first token
//	[[stamp]]           every token is the time it was sent, in Unix microseconds
//	[[tool NAME INPUT]] wants the tool called, if it is offered; several are
//	                    wanted at once. INPUT is written as it stands
//	[[length]]          stops because the output limit was reached
//	[[filtered]]        stops because of a content filter
//	[[throttle]]        too many requests; [[throttle N]] for the first N tries only;
//	                    [[throttle FORM]] for one of its forms, such as tokens
//	[[retry-after S]]   what the throttled answer says about waiting, in seconds
//	[[unavailable]]     HTTP 503; [[unavailable N]] for the first N tries only
//	[[failure]]         HTTP 500; [[failure N]] for the first N tries only
//	[[denied]]          access denied; [[denied FORM]] for one of its forms, such as scp
//	[[credentials]]     the key or signature is not accepted; [[credentials FORM]]
//	[[notfound]]        the model does not exist
//	[[invalid]]         the request's form is rejected; [[invalid FORM]]
//	[[toolong]]         the prompt exceeds the context; [[toolong FORM]]
//	[[silence]]         connected, and never an answer; [[silence N]] after N tokens
//	[[cut]] [[cut N]]   the connection breaks inside a frame after N tokens (3)
//	[[early N]]         the body ends cleanly after N tokens (3), without its end mark
//	[[corrupt N]]       a frame that cannot be decoded after N tokens (3)
//	[[error N]]         an error inside the stream after N tokens (3); [[error N FORM]]
//
// Unknown markers are text.
package script

import (
	"hash/fnv"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// Fault is one way to fail.
type Fault string

// The faults. Those before FaultCut happen instead of an answer; FaultSilence is
// before the headers when Script.FaultAfter is negative.
const (
	FaultNone        Fault = ""
	FaultThrottle    Fault = "throttle"
	FaultUnavailable Fault = "unavailable"
	FaultFailure     Fault = "failure"
	FaultDenied      Fault = "denied"
	FaultCredentials Fault = "credentials"
	FaultNotFound    Fault = "notfound"
	FaultInvalid     Fault = "invalid"
	FaultTooLong     Fault = "toolong"
	FaultSilence     Fault = "silence"
	FaultCut         Fault = "cut"
	FaultEarly       Fault = "early"
	FaultCorrupt     Fault = "corrupt"
	FaultError       Fault = "error"
)

// Stop is why the scripted answer ends.
type Stop string

// The ends of an answer that is not broken off.
const (
	StopEnd      Stop = "end"
	StopLength   Stop = "length"
	StopFiltered Stop = "filtered"
	StopTool     Stop = "tool"
)

// ToolUse is a tool that the scripted model wants called.
type ToolUse struct {
	ID, Name string
	Input    string // as the model writes it, which need not be JSON
}

// Usage is what the fake reports for an answer. Input excludes what the cache
// gave or took; Output includes Reasoning.
type Usage struct {
	Input, Output, Reasoning, CacheRead, CacheWrite int
}

// Script is one scripted answer.
type Script struct {
	Reasoning       []string // thinking, token by token
	Redacted        bool     // the thinking is encrypted
	Deltas          []string // answer, token by token
	ToolUses        []ToolUse
	TokensPerSecond float64 // 0 is as fast as the connection takes them
	FirstDelay      time.Duration
	Stamp           bool // each delta is replaced by the time it is sent (StampText)
	Stop            Stop
	Fault           Fault
	FaultAfter      int           // tokens (reasoning and answer) before the fault; -1 is before the headers
	FaultTimes      int           // the first n tries only; 0 is always
	FaultForm       string        // which of the fault's texts, as the fake at hand names them
	RetryAfter      time.Duration // for FaultThrottle and FaultUnavailable; 0 says nothing
	Usage           Usage
}

// Turn is what a fake knows of the request it answers.
type Turn struct {
	Text      string  // of the last user message
	Images    []Image // of the last user message
	Documents []Document
	Tools     []string // names of those that are offered
	Results   []string // texts of the results of tools in the last user message
	MaxTokens int      // of answer; 0 is no limit
	Thinking  bool     // the request asks for reasoning
	Prompt    int      // bytes of the whole prompt, for the usage; 0 takes Text
}

// Document is a document block of a request.
type Document struct {
	Name string
	Size int
}

// FromPrompt returns the script for a plain prompt.
func FromPrompt(text string) Script { return FromTurn(Turn{Text: text}) }

var marker = regexp.MustCompile(`\[\[([a-z-]+)((?:\s+[^\]]*)?)\]\]`)

// FromTurn returns the script for a turn. Equal turns give equal scripts.
func FromTurn(t Turn) Script {
	s := Script{Stop: StopEnd}
	tokens, reasoning := 0, 0
	if t.Thinking {
		reasoning = 12
	}
	var answer string
	said := false

	plain := marker.ReplaceAllStringFunc(t.Text, func(m string) string {
		sub := marker.FindStringSubmatch(m)
		arg := strings.TrimSpace(sub[2])
		switch sub[1] {
		case "long":
			tokens = number(arg, 500)
		case "say":
			answer, said = arg, true
		case "markdown":
			answer, said = markdown, true
		case "reason":
			reasoning = number(arg, 24)
		case "redacted":
			s.Redacted = true
		case "cached":
			s.Usage.CacheRead = number(arg, 100)
		case "slow":
			s.TokensPerSecond = 3
		case "rate":
			s.TokensPerSecond = float64(number(arg, 30))
		case "wait":
			s.FirstDelay = seconds(arg, 3*time.Second)
		case "stamp":
			s.Stamp = true
		case "tool":
			name, input, _ := strings.Cut(arg, " ")
			if !slices.Contains(t.Tools, name) {
				return m
			}
			s.ToolUses = append(s.ToolUses, ToolUse{ID: "tooluse_" + strconv.Itoa(len(s.ToolUses)+1), Name: name, Input: strings.TrimSpace(input)})
			said = true
		case "length":
			s.Stop = StopLength
		case "filtered":
			s.Stop = StopFiltered
		case "retry-after":
			s.RetryAfter = seconds(arg, time.Second)
		case "throttle", "unavailable", "failure":
			n, form, _ := strings.Cut(arg, " ")
			if s.FaultTimes = number(n, 0); s.FaultTimes == 0 {
				form = arg
			}
			s.Fault, s.FaultAfter, s.FaultForm = Fault(sub[1]), -1, strings.TrimSpace(form)
		case "denied", "credentials", "notfound", "invalid", "toolong":
			s.Fault, s.FaultAfter, s.FaultForm = Fault(sub[1]), -1, arg
		case "silence":
			s.Fault, s.FaultAfter = FaultSilence, number(arg, -1)
		case "cut", "early", "corrupt", "error":
			n, form, _ := strings.Cut(arg, " ")
			s.Fault, s.FaultAfter, s.FaultForm = Fault(sub[1]), number(n, 3), strings.TrimSpace(form)
		default:
			return m
		}
		return ""
	})
	plain = strings.Join(strings.Fields(plain), " ")

	japanese := isJapanese(t.Text)
	switch {
	case said:
	case len(t.Results) > 0:
		answer = "結果: " + strings.Join(t.Results, " / ")
	case tokens > 0:
		answer = ""
	default:
		answer = reply(plain, t.Images, t.Documents, japanese)
	}
	s.Deltas = Tokens(answer)
	if tokens > 0 && !said {
		s.Deltas = filler(plain, tokens, japanese)
	}
	if reasoning > 0 {
		s.Reasoning = thinking(plain, reasoning, japanese)
	}
	if t.MaxTokens > 0 && len(s.Reasoning)+len(s.Deltas) > t.MaxTokens {
		s.Stop = StopLength
		s.Reasoning = s.Reasoning[:min(len(s.Reasoning), t.MaxTokens)]
		s.Deltas = s.Deltas[:t.MaxTokens-len(s.Reasoning)]
	}
	wanted := 0
	for _, use := range s.ToolUses {
		wanted += len(Tokens(use.Input)) + 1
	}
	if wanted > 0 && s.Stop == StopEnd {
		s.Stop = StopTool
	}
	prompt := t.Prompt
	if prompt == 0 {
		prompt = len(t.Text)
	}
	s.Usage = Usage{
		Input:     prompt/3 + 8,
		Output:    len(s.Reasoning) + len(s.Deltas) + wanted,
		Reasoning: len(s.Reasoning),
		CacheRead: s.Usage.CacheRead,
	}
	return s
}

// Sent returns the usage to report when only n tokens of s went out.
func (s Script) Sent(n int) Usage {
	u := s.Usage
	u.Output, u.Reasoning = min(u.Output, n), min(u.Reasoning, n)
	return u
}

// Tries counts how often each prompt was asked, for faults that go away.
type Tries struct {
	mu sync.Mutex
	n  map[uint64]int
}

// Fault returns the fault of s for this try of the prompt that key stands for.
// A fault with FaultTimes n is FaultNone from the n+1st try on.
func (t *Tries) Fault(key string, s Script) Fault {
	if s.Fault == FaultNone || s.FaultTimes == 0 {
		return s.Fault
	}
	h := fnv.New64a()
	h.Write([]byte(key))
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == nil {
		t.n = map[uint64]int{}
	}
	t.n[h.Sum64()]++
	if t.n[h.Sum64()] > s.FaultTimes {
		return FaultNone
	}
	return s.Fault
}

// StampText is the delta of a stamped stream sent at t: the Unix time in
// microseconds and a space.
func StampText(t time.Time) string { return strconv.FormatInt(t.UnixMicro(), 10) + " " }

// Tokens cuts text into pieces about as long as a model's tokens: a word with
// its leading space, or two characters where words are not set apart. No piece
// splits a character, and together they are the text.
func Tokens(text string) []string {
	var out []string
	for len(text) > 0 {
		n := tokenLen(text)
		out = append(out, text[:n])
		text = text[n:]
	}
	return out
}

func tokenLen(s string) int {
	i := 0
	for i < len(s) { // leading white space belongs to the word after it
		r, w := utf8.DecodeRuneInString(s[i:])
		if !unicode.IsSpace(r) {
			break
		}
		i += w
	}
	wide := 0
	for i < len(s) {
		r, w := utf8.DecodeRuneInString(s[i:])
		if unicode.IsSpace(r) {
			break
		}
		i += w
		if r > 0x2E7F {
			if wide++; wide == 2 {
				break
			}
		}
	}
	return i
}

func isJapanese(s string) bool {
	for _, r := range s {
		if unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han) {
			return true
		}
	}
	return false
}

// number reads a decimal, or gives def for anything else.
func number(s string, def int) int {
	if n, err := strconv.Atoi(s); err == nil && n >= 0 {
		return n
	}
	return def
}

func seconds(s string, def time.Duration) time.Duration {
	if f, err := strconv.ParseFloat(s, 64); err == nil && f >= 0 {
		return time.Duration(f * float64(time.Second))
	}
	return def
}
