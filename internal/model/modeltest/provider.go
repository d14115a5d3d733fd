// Package modeltest holds what every model adapter must do. RunProvider runs an
// adapter against a fake server of its wire protocol (openaifake, bedrockfake)
// whose behaviour the prompts choose, as package script describes.
package modeltest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image"
	"image/png"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// Setup is what a test wants of its subject.
type Setup struct {
	BadCredentials bool          // the adapter is given a key that the server refuses
	Unreachable    bool          // nothing listens where the adapter looks
	Patience       time.Duration // how long the adapter waits for a byte; 0 is long enough
}

// Subject is an adapter and the fake server that it talks to.
type Subject struct {
	Provider model.Provider
	Model    string // a model that the server has

	// WaitLive waits until the server is answering exactly n requests. Asked
	// counts the answers that were asked for.
	WaitLive func(ctx context.Context, n int) error
	Asked    func() int
}

// Factory makes a subject for one test; it cleans up through t.
type Factory func(t *testing.T, s Setup) Subject

// Answer is what a stream said.
type Answer struct {
	Text, Reasoning string
	ToolUses        []model.ToolUse
	Signature       string
	Interventions   []model.Intervention
	Fields          json.RawMessage
	Usage           model.Usage
	Usages          int
	Stop            model.StopReason
	Stops           int
	AfterStop       []model.EventType // events other than usage after the stop
	Interleaved     bool              // reasoning after text
	Err             error
}

// Gather ranges over a stream to its end.
func Gather(t *testing.T, ctx context.Context, p model.Provider, req model.Request) Answer {
	t.Helper()
	var a Answer
	for ev, err := range p.Stream(ctx, req) {
		if a.Err != nil {
			t.Errorf("the stream went on after its error: %+v, %v", ev, err)
		}
		if err != nil {
			a.Err = err
			continue
		}
		if a.Stops > 0 && ev.Type != model.EventUsage && ev.Type != model.EventGuardrail {
			a.AfterStop = append(a.AfterStop, ev.Type)
		}
		if !utf8.ValidString(ev.Text) {
			t.Errorf("event text %q is not UTF-8", ev.Text)
		}
		switch ev.Type {
		case model.EventText:
			a.Text += ev.Text
		case model.EventReasoning:
			a.Reasoning += ev.Text
			a.Signature += ev.Signature
			a.Interleaved = a.Interleaved || a.Text != ""
		case model.EventToolUse:
			a.ToolUses = append(a.ToolUses, ev.ToolUse)
		case model.EventGuardrail:
			a.Interventions = append(a.Interventions, ev.Interventions...)
		case model.EventUsage:
			a.Usage = ev.Usage
			a.Usages++
		case model.EventStop:
			a.Stop, a.Fields = ev.StopReason, ev.Fields
			a.Stops++
		default:
			t.Errorf("unknown event %q", ev.Type)
		}
	}
	return a
}

// Prompt is a request with one user message.
func Prompt(s Subject, text string, media ...*model.Media) model.Request {
	parts := []model.Part{{Type: model.PartText, Text: text}}
	for _, m := range media {
		parts = append(parts, model.Part{Type: model.PartImage, Media: m})
	}
	return model.Request{
		Model:        s.Model,
		Capabilities: model.Capabilities{Vision: true, Documents: true, Reasoning: true, Tools: true},
		System:       "あなたは市役所の職員を助けます。",
		Messages:     []model.Message{{Role: model.RoleUser, Parts: parts}},
	}
}

// PNG is an image of a size, for a model that sees.
func PNG(t *testing.T, width, height int) *model.Media {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return &model.Media{Name: "職員証 山田太郎.png", MediaType: "image/png", Data: b.Bytes()}
}

// complete fails the test unless a is a whole answer.
func complete(t *testing.T, a Answer) {
	t.Helper()
	switch {
	case a.Err != nil:
		t.Fatalf("the stream failed: %v", a.Err)
	case a.Stops != 1:
		t.Errorf("%d stop events, want 1", a.Stops)
	case len(a.AfterStop) > 0:
		t.Errorf("events after the stop: %v", a.AfterStop)
	case a.Usages == 0:
		t.Error("no usage")
	case a.Interleaved:
		t.Error("reasoning came after text")
	}
}

// failed fails the test unless a ended with an error of one of the codes.
func failed(t *testing.T, a Answer, codes ...errs.Code) {
	t.Helper()
	if a.Stops > 0 {
		t.Errorf("a failed answer has a stop event (%s)", a.Stop)
	}
	if got := errs.CodeOf(a.Err); !slices.Contains(codes, got) {
		t.Errorf("code %q (%v), want one of %q", got, a.Err, codes)
	}
}

// RunAnswers holds what every provider does when nothing goes wrong, the
// built-in demonstration too.
func RunAnswers(t *testing.T, factory Factory) {
	t.Run("a question is answered in Japanese, with usage and one end", func(t *testing.T) {
		s := factory(t, Setup{})
		a := Gather(t, t.Context(), s.Provider, Prompt(s, "市民税の納期限を教えてください。"))
		complete(t, a)
		if a.Stop != model.StopEnd || !strings.ContainsFunc(a.Text, func(r rune) bool { return r >= 0x3040 && r <= 0x30FF }) {
			t.Errorf("stop %s, text %q", a.Stop, a.Text)
		}
		if a.Usage.InputTokens <= 0 || a.Usage.OutputTokens <= 0 {
			t.Errorf("usage %+v", a.Usage)
		}
	})
	t.Run("nothing is sent before the sequence is ranged over", func(t *testing.T) {
		s := factory(t, Setup{})
		s.Provider.Stream(t.Context(), Prompt(s, "hello"))
		if n := s.Asked(); n != 0 {
			t.Errorf("%d requests were sent", n)
		}
	})
	t.Run("reasoning comes before the answer", func(t *testing.T) {
		s := factory(t, Setup{})
		req := Prompt(s, "なぜ空は青いのですか。")
		req.Parameters.ReasoningEffort = model.EffortMedium
		a := Gather(t, t.Context(), s.Provider, req)
		complete(t, a)
		if a.Reasoning == "" || a.Text == "" {
			t.Errorf("reasoning %q, text %q", a.Reasoning, a.Text)
		}
	})
	t.Run("an image is seen", func(t *testing.T) {
		s := factory(t, Setup{})
		a := Gather(t, t.Context(), s.Provider, Prompt(s, "この画像の大きさは?", PNG(t, 640, 480)))
		complete(t, a)
		if !strings.Contains(a.Text, "640") || !strings.Contains(a.Text, "480") {
			t.Errorf("text %q does not name the image's size", a.Text)
		}
		if strings.Contains(a.Text, "山田") {
			t.Errorf("the file's name reached the model: %q", a.Text)
		}
	})
	t.Run("the output limit is heeded and told", func(t *testing.T) {
		s := factory(t, Setup{})
		req := Prompt(s, "[[long 200]] 条例の一覧を長く書いてください。")
		limit := 20
		req.Parameters.MaxTokens = &limit
		a := Gather(t, t.Context(), s.Provider, req)
		complete(t, a)
		if a.Stop != model.StopLength || a.Usage.OutputTokens > limit {
			t.Errorf("stop %s, usage %+v", a.Stop, a.Usage)
		}
	})
	t.Run("a conversation with a failed answer and two questions in a row is sent", func(t *testing.T) {
		s := factory(t, Setup{})
		req := Prompt(s, "はじめまして。")
		text := func(r model.Role, s string) model.Message {
			return model.Message{Role: r, Parts: []model.Part{{Type: model.PartText, Text: s}}}
		}
		req.Messages = append(req.Messages,
			model.Message{Role: model.RoleAssistant, Parts: []model.Part{{Type: model.PartReasoning, Text: "考え中"}, {Type: model.PartText, Text: "こんにちは。"}}},
			text(model.RoleUser, "税金の件です。"),
			text(model.RoleAssistant, ""), // failed before its first word
			text(model.RoleUser, "もう一度お願いします。"))
		complete(t, Gather(t, t.Context(), s.Provider, req))
	})
	t.Run("a cancelled context ends the answer at once", func(t *testing.T) {
		s := factory(t, Setup{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var start time.Time
		var last error
		for _, err := range s.Provider.Stream(ctx, Prompt(s, "[[slow]][[long 500]] 長い文章をください。")) {
			if start.IsZero() {
				start = time.Now()
				cancel()
			}
			last = err
		}
		if !errors.Is(last, context.Canceled) || time.Since(start) > time.Second {
			t.Errorf("ended after %v with %v", time.Since(start), last)
		}
		gone(t, s)
	})
	t.Run("leaving the loop ends the answer", func(t *testing.T) {
		s := factory(t, Setup{})
		for _, err := range s.Provider.Stream(t.Context(), Prompt(s, "[[slow]][[long 500]] 長い文章をください。")) {
			if err != nil {
				t.Error(err)
			}
			break
		}
		gone(t, s)
	})
	t.Run("many answers at once do not mix", func(t *testing.T) {
		s := factory(t, Setup{})
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				word := strings.Repeat("様", i+1) + "。"
				a := Gather(t, t.Context(), s.Provider, Prompt(s, "次の言葉を含めてください: "+word))
				if a.Err != nil || !strings.Contains(a.Text, word) && i < 10 {
					t.Errorf("answer %d: %v, %q", i, a.Err, a.Text)
				}
			})
		}
		wg.Wait()
	})
	t.Run("the models are listed", func(t *testing.T) {
		s := factory(t, Setup{})
		models, err := s.Provider.Models(t.Context())
		if err != nil || !slices.ContainsFunc(models, func(m model.RemoteModel) bool { return m.ID == s.Model && m.Name != "" }) {
			t.Errorf("models %+v, %v; want %q among them", models, err, s.Model)
		}
	})
	t.Run("a check passes every step", func(t *testing.T) {
		s := factory(t, Setup{})
		steps := s.Provider.Check(t.Context(), s.Model)
		for _, step := range steps {
			if step.Err != nil {
				t.Errorf("%s: %v", step.Name, step.Err)
			}
		}
		if n := len(steps); n == 0 || steps[0].Name != "configuration" || !slices.ContainsFunc(steps, func(c model.CheckStep) bool { return c.Name == "answer" }) {
			t.Errorf("steps %+v", steps)
		}
	})
}

// gone fails the test unless the server is rid of its requests within a second.
func gone(t *testing.T, s Subject) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.WaitLive(ctx, 0); err != nil {
		t.Error("the upstream request was still open after a second")
	}
}

// RunProvider is RunAnswers and everything that can go wrong with a server.
func RunProvider(t *testing.T, factory Factory) {
	RunAnswers(t, factory)

	runTools(t, factory)
	t.Run("what the server says arrives unchanged", func(t *testing.T) {
		s := factory(t, Setup{})
		const said = "はい、そうです。🍵 \"引用\" \\ <b> 𠮷野家"
		a := Gather(t, t.Context(), s.Provider, Prompt(s, "[[say "+said+"]]"))
		complete(t, a)
		if a.Text != said {
			t.Errorf("text %q, want %q", a.Text, said)
		}
	})
	t.Run("a content filter in the answer is told", func(t *testing.T) {
		s := factory(t, Setup{})
		a := Gather(t, t.Context(), s.Provider, Prompt(s, "[[filtered]] hello"))
		complete(t, a)
		if a.Stop != model.StopFiltered {
			t.Errorf("stop %s", a.Stop)
		}
	})
	t.Run("a cancel before the first byte closes the upstream", func(t *testing.T) {
		s := factory(t, Setup{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan Answer)
		go func() { ended <- Gather(t, ctx, s.Provider, Prompt(s, "[[silence]] hello")) }()
		if err := s.WaitLive(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		cancel()
		select {
		case a := <-ended:
			if !errors.Is(a.Err, context.Canceled) {
				t.Errorf("error %v, want context.Canceled", a.Err)
			}
		case <-time.After(time.Second):
			t.Error("the stream had not ended after a second")
		}
		gone(t, s)
	})
	for _, tt := range []struct {
		name, prompt string
		partial      bool
		codes        []errs.Code
	}{
		{"a connection that is cut is no end", "[[cut 3]] hello", true, []errs.Code{errs.ModelBrokeOff}},
		{"a body that ends without its end mark is no end", "[[early 3]] hello", true, []errs.Code{errs.ModelBrokeOff}},
		{"a cut before the first word is no empty answer", "[[cut 0]] hello", false, []errs.Code{errs.ModelBrokeOff}},
		{"an error inside the stream is an error", "[[error 3]] hello", true, []errs.Code{errs.ModelFailed}},
		{"a frame that cannot be read is an error", "[[corrupt 3]] hello", true, []errs.Code{errs.ModelFailed, errs.ModelBrokeOff}},
		{"too many requests", "[[throttle]] hello", false, []errs.Code{errs.ModelThrottled}},
		{"a server that is not ready", "[[unavailable]] hello", false, []errs.Code{errs.ModelFailed, errs.ModelThrottled}},
		{"a server that fails", "[[failure]] hello", false, []errs.Code{errs.ModelFailed}},
		{"access denied", "[[denied]] hello", false, []errs.Code{errs.ModelAccessDenied}},
		{"credentials refused", "[[credentials]] hello", false, []errs.Code{errs.ModelCredentials}},
		{"an unknown model", "[[notfound]] hello", false, []errs.Code{errs.ModelNotFound}},
		{"a request that is refused", "[[invalid]] hello", false, []errs.Code{errs.ModelInvalidRequest}},
		{"a context that is too long", "[[toolong]] hello", false, []errs.Code{errs.ModelContextTooLong}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := factory(t, Setup{})
			a := Gather(t, t.Context(), s.Provider, Prompt(s, tt.prompt))
			failed(t, a, tt.codes...)
			if tt.partial != (a.Text != "") {
				t.Errorf("text before the error: %q", a.Text)
			}
			if a.Err != nil && strings.Contains(a.Err.Error(), "市役所の職員") {
				t.Errorf("the error holds the prompt: %v", a.Err)
			}
			gone(t, s)
		})
	}
	t.Run("a throttled call says how long to wait", func(t *testing.T) {
		s := factory(t, Setup{})
		a := Gather(t, t.Context(), s.Provider, Prompt(s, "[[throttle]][[retry-after 7]] hello"))
		failed(t, a, errs.ModelThrottled)
		var wait model.RetryAfter
		if !errors.As(a.Err, &wait) || wait.RetryAfter() != 7*time.Second {
			t.Errorf("error %v (%v), want a wait of 7s", a.Err, wait)
		}
	})
	for name, prompt := range map[string]string{"before the answer": "[[silence]] hello", "in the answer": "[[silence 2]] hello"} {
		t.Run("silence "+name+" is a timeout", func(t *testing.T) {
			s := factory(t, Setup{Patience: 200 * time.Millisecond})
			start := time.Now()
			failed(t, Gather(t, t.Context(), s.Provider, Prompt(s, prompt)), errs.ModelTimeout)
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("it took %v", d)
			}
			gone(t, s)
		})
	}
	t.Run("a consumer that takes its time is not a silent server", func(t *testing.T) {
		s := factory(t, Setup{Patience: 200 * time.Millisecond})
		slow := true
		for _, err := range s.Provider.Stream(t.Context(), Prompt(s, "[[rate 100]][[long 30]] hello")) {
			if err != nil {
				t.Errorf("the stream failed: %v", err)
			}
			if slow {
				<-time.After(400 * time.Millisecond)
				slow = false
			}
		}
	})
	t.Run("nobody listens", func(t *testing.T) {
		s := factory(t, Setup{Unreachable: true})
		failed(t, Gather(t, t.Context(), s.Provider, Prompt(s, "hello")), errs.ModelUnreachable)
		if _, err := s.Provider.Models(t.Context()); errs.CodeOf(err) != errs.ModelUnreachable {
			t.Errorf("Models: %v", err)
		}
		if step := lastStep(t, s); step.Name != "connect" || errs.CodeOf(step.Err) != errs.ModelUnreachable {
			t.Errorf("the check ended at %s: %v", step.Name, step.Err)
		}
	})
	t.Run("a wrong key", func(t *testing.T) {
		s := factory(t, Setup{BadCredentials: true})
		failed(t, Gather(t, t.Context(), s.Provider, Prompt(s, "hello")), errs.ModelCredentials)
		if step := lastStep(t, s); step.Name != "credentials" || errs.CodeOf(step.Err) != errs.ModelCredentials {
			t.Errorf("the check ended at %s: %v", step.Name, step.Err)
		}
	})
	t.Run("a check of an unknown model fails at the answer", func(t *testing.T) {
		s := factory(t, Setup{})
		steps := s.Provider.Check(t.Context(), "no-such-model")
		if step := steps[len(steps)-1]; step.Name != "answer" || errs.CodeOf(step.Err) != errs.ModelNotFound {
			t.Errorf("the check ended at %s: %v", step.Name, step.Err)
		}
	})
}

func lastStep(t *testing.T, s Subject) model.CheckStep {
	t.Helper()
	steps := s.Provider.Check(t.Context(), s.Model)
	if len(steps) == 0 {
		t.Fatal("the check has no steps")
	}
	for _, step := range steps[:len(steps)-1] {
		if step.Err != nil {
			t.Errorf("the check went on after %s failed", step.Name)
		}
	}
	return steps[len(steps)-1]
}
