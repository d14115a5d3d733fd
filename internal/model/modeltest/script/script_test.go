package script

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

func TestMarkersSteerTheAnswer(t *testing.T) {
	for _, tt := range []struct {
		name, prompt string
		ok           func(Script) bool
	}{
		{"no marker is a plain answer that names the question", "市民税の期限は?", func(s Script) bool {
			return s.Fault == FaultNone && s.Stop == StopEnd && strings.Contains(strings.Join(s.Deltas, ""), "市民税の期限は?") && len(s.Reasoning) == 0
		}},
		{"an English question is answered in English", "When is the tax due?", func(s Script) bool {
			return strings.HasPrefix(strings.Join(s.Deltas, ""), "You asked")
		}},
		{"long is exact", "[[long 321]] ください", func(s Script) bool { return len(s.Deltas) == 321 && s.Usage.Output == 321 }},
		{"say is literal", "[[say はい、そうです。]]", func(s Script) bool { return strings.Join(s.Deltas, "") == "はい、そうです。" }},
		{"reason thinks first and is counted", "[[reason 7]] why", func(s Script) bool { return len(s.Reasoning) == 7 && s.Usage.Reasoning == 7 }},
		{"throttle for ever", "[[throttle]]", func(s Script) bool { return s.Fault == FaultThrottle && s.FaultTimes == 0 && s.FaultAfter == -1 }},
		{"throttle twice, with a wait", "[[throttle 2]][[retry-after 1.5]]", func(s Script) bool { return s.FaultTimes == 2 && s.RetryAfter == 1500*time.Millisecond }},
		{"silence before the headers", "[[silence]]", func(s Script) bool { return s.Fault == FaultSilence && s.FaultAfter == -1 }},
		{"silence in the middle", "[[silence 4]]", func(s Script) bool { return s.Fault == FaultSilence && s.FaultAfter == 4 }},
		{"an error with a form", "[[error 5 throttling]]", func(s Script) bool {
			return s.Fault == FaultError && s.FaultAfter == 5 && s.FaultForm == "throttling"
		}},
		{"markers combine", "[[slow]] [[cut]]", func(s Script) bool {
			return s.TokensPerSecond == 3 && s.Fault == FaultCut && s.FaultAfter == 3
		}},
		{"an unknown marker is text", "[[wiki]] page", func(s Script) bool { return strings.Contains(strings.Join(s.Deltas, ""), "[[wiki]]") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if s := FromPrompt(tt.prompt); !tt.ok(s) {
				t.Errorf("FromPrompt(%q) = %+v", tt.prompt, s)
			}
		})
	}
}

func TestTheSameTurnIsAnsweredTheSame(t *testing.T) {
	turn := Turn{Text: "[[long 50]] 予算"}
	if a, b := FromTurn(turn), FromTurn(turn); !slices.Equal(a.Deltas, b.Deltas) {
		t.Error("two scripts of one turn differ")
	}
	if a, b := FromPrompt("予算の件").Deltas, FromPrompt("会議の件").Deltas; slices.Equal(a, b) {
		t.Error("two prompts have one answer")
	}
}

func TestTheOutputLimitCutsTheAnswer(t *testing.T) {
	s := FromTurn(Turn{Text: "[[long 50]][[reason 10]]", MaxTokens: 20})
	if len(s.Reasoning) != 10 || len(s.Deltas) != 10 || s.Stop != StopLength {
		t.Errorf("got %d + %d tokens, stop %s", len(s.Reasoning), len(s.Deltas), s.Stop)
	}
}

func TestTokensAreTheTextAndSplitNoCharacter(t *testing.T) {
	text := "# 見出し\n\nHello, world.  二つの 空白と🍵絵文字  "
	toks := Tokens(text)
	if got := strings.Join(toks, ""); got != text {
		t.Errorf("joined: %q", got)
	}
	for _, tok := range toks {
		if !utf8.ValidString(tok) {
			t.Errorf("token %q is not UTF-8", tok)
		}
	}
}

func TestAFaultForSomeTriesGoesAway(t *testing.T) {
	var tries Tries
	s := FromPrompt("[[throttle 2]]")
	got := []Fault{tries.Fault("a", s), tries.Fault("a", s), tries.Fault("b", s), tries.Fault("a", s)}
	if want := []Fault{FaultThrottle, FaultThrottle, FaultThrottle, FaultNone}; !slices.Equal(got, want) {
		t.Errorf("faults = %q, want %q", got, want)
	}
}

func TestAnImageIsSeenWithItsSize(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 640, 480))); err != nil {
		t.Fatal(err)
	}
	vp8x := append([]byte("RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00"), 0x7F, 0x02, 0x00, 0xDF, 0x01, 0x00)
	for name, data := range map[string][]byte{"png": b.Bytes(), "webp": vp8x} {
		m, ok := Look(data)
		if want := (Image{name, 640, 480}); !ok || m != want {
			t.Errorf("Look(%s) = %v, %v; want %v", name, m, ok, want)
		}
	}
	if _, ok := Look([]byte("no image")); ok {
		t.Error("Look took text for an image")
	}
}

func TestThePacerWakesManyAtTheirTimes(t *testing.T) {
	var p Pacer
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			c := p.Cadence(Script{TokensPerSecond: 100, FirstDelay: time.Duration(i%10) * time.Millisecond})
			start := time.Now()
			for range 20 {
				if _, err := c.Next(t.Context()); err != nil {
					t.Error(err)
				}
			}
			if d := time.Since(start); d < 190*time.Millisecond {
				t.Errorf("20 tokens at 100/s took %v", d)
			}
		})
	}
	wg.Wait()
}

func TestThePacerLeavesAtOnceWhenTheStreamEnds(t *testing.T) {
	var p Pacer
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, d := range []time.Duration{100 * time.Millisecond, time.Hour} {
		if err := p.Wait(ctx, NewWaiter(), time.Now().Add(d)); !errors.Is(err, context.Canceled) {
			t.Errorf("Wait = %v", err)
		}
	}
}
