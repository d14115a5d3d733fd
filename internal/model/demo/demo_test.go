package demo_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/demo"
	"kakoi/internal/model/modeltest"
)

// instant is a clock that only moves when somebody waits.
func instant() demo.Config {
	return demo.Config{
		Now:  func() time.Time { return time.Unix(0, 0) },
		Wait: func(ctx context.Context, _ time.Time) error { return context.Cause(ctx) },
	}
}

func TestTheDemonstrationIsAProvider(t *testing.T) {
	modeltest.RunAnswers(t, func(t *testing.T, s modeltest.Setup) modeltest.Subject {
		return modeltest.Subject{
			Provider: demo.New(instant()), Model: demo.ModelID,
			WaitLive: func(context.Context, int) error { return nil }, // nothing is upstream
			Asked:    func() int { return 0 },
		}
	})
}

func ask(text string) model.Request {
	return model.Request{Model: demo.ModelID, Messages: []model.Message{{Role: model.RoleUser, Parts: []model.Part{{Type: model.PartText, Text: text}}}}}
}

func TestItSaysWhatItIsInTheLanguageOfTheQuestion(t *testing.T) {
	c := demo.New(instant())
	for question, want := range map[string]string{
		"市民税の納期限は?":       "これは**デモ用モデル**の応答です",
		"When is it due?": "**demonstration model**",
	} {
		a := modeltest.Gather(t, t.Context(), c, ask(question))
		if !strings.Contains(a.Text, want) || a.Reasoning != "" {
			t.Errorf("%q is answered %q", question, a.Text)
		}
		if again := modeltest.Gather(t, t.Context(), c, ask(question)); again.Text != a.Text {
			t.Errorf("the same question has another answer")
		}
	}
}

func TestItShowsWhatIsAskedFor(t *testing.T) {
	c := demo.New(instant())
	marks := map[string]string{"表": "|:---|", "コード": "```python", "数式": `\frac`, "図": "```mermaid", "脚注": "[^1]:"}
	for question, want := range map[string][]string{
		"表の例を見せて":                {"表"},
		"コードと数式をお願いします":          {"コード", "数式"},
		"Draw a flowchart":       {"図"},
		"a footnote, please":     {"脚注"},
		"マークダウンの見本":              {"表", "コード", "数式", "図", "脚注"},
		"発表の準備について":              {},
		"what can you do for me": {},
	} {
		text := modeltest.Gather(t, t.Context(), c, ask(question)).Text
		for what, mark := range marks {
			wanted := false
			for _, w := range want {
				wanted = wanted || w == what
			}
			if strings.Contains(text, mark) != wanted {
				t.Errorf("%q: %s shown is %v, want %v", question, what, !wanted, wanted)
			}
		}
	}
	if text := modeltest.Gather(t, t.Context(), c, ask("長い文章をください")).Text; len(text) < 3000 {
		t.Errorf("the long text has %d bytes", len(text))
	}
}

func TestWhatAPersonWroteIsNotReadAsMarkdown(t *testing.T) {
	text := modeltest.Gather(t, t.Context(), demo.New(instant()), ask("<img src=x> [a](b) **c**")).Text
	if strings.Contains(text, "<img") && !strings.Contains(text, `\<img`) || strings.Contains(text, "[a](b)") || strings.Contains(text, " **c**") {
		t.Errorf("answer %q", text)
	}
}

func TestMoreEffortIsMoreThought(t *testing.T) {
	c := demo.New(instant())
	last := -1
	for _, e := range []model.Effort{model.EffortNone, model.EffortLow, model.EffortMedium, model.EffortHigh} {
		req := ask("hello")
		req.Parameters.ReasoningEffort = e
		a := modeltest.Gather(t, t.Context(), c, req)
		if len(a.Reasoning) <= last || (a.Usage.ReasoningTokens > 0) != (a.Reasoning != "") {
			t.Errorf("%s: %q, usage %+v", e, a.Reasoning, a.Usage)
		}
		last = len(a.Reasoning)
	}
}

func TestItTalksAtFortyTokensASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var first time.Duration
		tokens := 0
		for ev, err := range demo.New(demo.Config{}).Stream(t.Context(), ask("hello")) {
			if err != nil {
				t.Fatal(err)
			}
			if ev.Type == model.EventText {
				if tokens++; tokens == 1 {
					first = time.Since(start)
				}
			}
		}
		pace := float64(tokens-1) / (time.Since(start) - first).Seconds()
		if first != 300*time.Millisecond || pace < 39.9 || pace > 40.1 {
			t.Errorf("first token after %v, then %.1f a second", first, pace)
		}
	})
}

func TestAnotherModelIsNotFound(t *testing.T) {
	req := ask("hello")
	req.Model = "gpt"
	if err := modeltest.Gather(t, t.Context(), demo.New(instant()), req).Err; errs.CodeOf(err) != errs.ModelNotFound {
		t.Errorf("error %v", err)
	}
	if steps := demo.New(instant()).Check(t.Context(), "gpt"); steps[len(steps)-1].Err == nil {
		t.Error("the check of another model passed")
	}
}
