package modeltest

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// Tools are offered in the tests: one that looks weather up, and a clock.
func Tools() []model.Tool {
	return []model.Tool{
		{Name: "get_weather", Description: "天気を調べます。", InputSchema: json.RawMessage(`{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer","minimum":1}},"required":["city"]}`)},
		{Name: "clock", Description: "Tells the time.", InputSchema: json.RawMessage(`{"type":"object"}`)},
	}
}

// Asked is a question to which a model has answered with uses of tools.
func Asked(req model.Request, a Answer) model.Request {
	var parts []model.Part
	if a.Reasoning != "" || a.Signature != "" {
		parts = append(parts, model.Part{Type: model.PartReasoning, Text: a.Reasoning, Signature: a.Signature})
	}
	if a.Text != "" {
		parts = append(parts, model.Part{Type: model.PartText, Text: a.Text})
	}
	for _, use := range a.ToolUses {
		parts = append(parts, model.Part{Type: model.PartToolUse, ToolUse: &use})
	}
	req.Messages = append(slices.Clip(req.Messages), model.Message{Role: model.RoleAssistant, Parts: parts})
	return req
}

// Answered is a request that goes on with the results of the tools, one text
// for each use.
func Answered(req model.Request, uses []model.ToolUse, texts ...string) model.Request {
	var parts []model.Part
	for i, use := range uses {
		parts = append(parts, model.Part{Type: model.PartToolResult, ToolResult: &model.ToolResult{
			ToolUseID: use.ID, Parts: []model.Part{{Type: model.PartText, Text: texts[i]}},
		}})
	}
	req.Messages = append(slices.Clip(req.Messages), model.Message{Role: model.RoleUser, Parts: parts})
	return req
}

// runTools holds what a provider does with tools.
func runTools(t *testing.T, factory Factory) {
	offered := func(s Subject, prompt string) model.Request {
		req := Prompt(s, prompt)
		req.Tools = Tools()
		return req
	}
	const input = `{"city":"札幌 \"北\"","days":3,"exact":12345678901234567,"note":"\u3042\n<&>"}`

	t.Run("a tool is wanted with its whole input", func(t *testing.T) {
		s := factory(t, Setup{})
		a := Gather(t, t.Context(), s.Provider, offered(s, "[[tool get_weather "+input+"]] 天気は?"))
		complete(t, a)
		if a.Stop != model.StopTool || len(a.ToolUses) != 1 {
			t.Fatalf("stop %s, uses %+v", a.Stop, a.ToolUses)
		}
		if use := a.ToolUses[0]; use.Name != "get_weather" || use.ID == "" || string(use.Input) != input {
			t.Errorf("use %+v, input %s", use, use.Input)
		}
		if a.Usage.OutputTokens == 0 {
			t.Errorf("usage %+v", a.Usage)
		}
	})
	t.Run("several tools are wanted at once, and their results answered", func(t *testing.T) {
		s := factory(t, Setup{})
		req := offered(s, `[[tool get_weather {"city":"東京"}]][[tool clock]][[tool get_weather {"city":"大阪"}]] 天気は?`)
		a := Gather(t, t.Context(), s.Provider, req)
		complete(t, a)
		ids := map[string]bool{}
		var wanted []string
		for _, use := range a.ToolUses {
			ids[use.ID] = true
			wanted = append(wanted, use.Name+" "+string(use.Input))
		}
		if got := strings.Join(wanted, ", "); len(ids) != 3 || got != `get_weather {"city":"東京"}, clock {}, get_weather {"city":"大阪"}` {
			t.Fatalf("%d ids, uses %s", len(ids), got)
		}
		a = Gather(t, t.Context(), s.Provider, Answered(Asked(req, a), a.ToolUses, "晴れ", "正午", "雨"))
		complete(t, a)
		if a.Stop != model.StopEnd || !strings.Contains(a.Text, "晴れ / 正午 / 雨") {
			t.Errorf("stop %s, text %q", a.Stop, a.Text)
		}
	})
	t.Run("a tool that failed and an empty result are told", func(t *testing.T) {
		s := factory(t, Setup{})
		req := offered(s, `[[tool clock]][[tool clock]] 何時?`)
		a := Gather(t, t.Context(), s.Provider, req)
		complete(t, a)
		req = Answered(Asked(req, a), a.ToolUses, "電池切れ", "")
		req.Messages[2].Parts[0].ToolResult.Failed = true
		a = Gather(t, t.Context(), s.Provider, req)
		complete(t, a)
		if !strings.Contains(a.Text, "failed: 電池切れ") {
			t.Errorf("text %q", a.Text)
		}
	})
	t.Run("a tool shows an image", func(t *testing.T) {
		s := factory(t, Setup{})
		req := offered(s, `[[tool clock]] 何時?`)
		a := Gather(t, t.Context(), s.Provider, req)
		complete(t, a)
		req = Answered(Asked(req, a), a.ToolUses, "写真です")
		result := req.Messages[2].Parts[0].ToolResult
		result.Parts = append(result.Parts, model.Part{Type: model.PartImage, Media: PNG(t, 320, 200)})
		complete(t, Gather(t, t.Context(), s.Provider, req))
	})
	t.Run("a conversation goes on without the tools that were used", func(t *testing.T) {
		s := factory(t, Setup{})
		req := offered(s, `[[tool clock]] 何時?`)
		a := Gather(t, t.Context(), s.Provider, req)
		complete(t, a)
		req = Answered(Asked(req, a), a.ToolUses, "正午")
		req.Tools = nil
		a = Gather(t, t.Context(), s.Provider, req)
		complete(t, a)
		if !strings.Contains(a.Text, "正午") {
			t.Errorf("text %q", a.Text)
		}
	})
	t.Run("a tool is demanded", func(t *testing.T) {
		s := factory(t, Setup{})
		for _, choice := range []model.ToolChoice{{Mode: model.ToolAny}, {Mode: model.ToolNamed, Name: "clock"}} {
			req := offered(s, `[[tool clock]] 何時?`)
			req.ToolChoice = choice
			req.Parameters.ReasoningEffort = model.EffortMedium
			complete(t, Gather(t, t.Context(), s.Provider, req))
		}
	})
	t.Run("reasoning and tools go together", func(t *testing.T) {
		s := factory(t, Setup{})
		req := offered(s, `[[tool clock]] 何時?`)
		req.Parameters.ReasoningEffort = model.EffortMedium
		a := Gather(t, t.Context(), s.Provider, req)
		complete(t, a)
		if a.Reasoning == "" || len(a.ToolUses) != 1 {
			t.Fatalf("answer %+v", a)
		}
		complete(t, Gather(t, t.Context(), s.Provider, Answered(Asked(req, a), a.ToolUses, "正午")))
	})
	t.Run("an input that is no JSON object is a failure", func(t *testing.T) {
		s := factory(t, Setup{})
		for _, torn := range []string{`{"city":`, `"東京"`, `{"city":"東京"}}`} {
			failed(t, Gather(t, t.Context(), s.Provider, offered(s, "[[tool get_weather "+torn+"]] 天気は?")), errs.ModelFailed)
		}
	})
	t.Run("an input that the output limit cut is left out", func(t *testing.T) {
		s := factory(t, Setup{})
		a := Gather(t, t.Context(), s.Provider, offered(s, `[[length]][[tool clock]][[tool get_weather {"city":"東]] 天気は?`))
		complete(t, a)
		if a.Stop != model.StopLength || len(a.ToolUses) != 1 || a.ToolUses[0].Name != "clock" {
			t.Errorf("stop %s, uses %+v", a.Stop, a.ToolUses)
		}
	})
	t.Run("a model without tools is not sent any", func(t *testing.T) {
		s := factory(t, Setup{})
		req := offered(s, "hello")
		req.Capabilities.Tools = false
		failed(t, Gather(t, t.Context(), s.Provider, req), errs.ModelInput)
		if n := s.Asked(); n != 0 {
			t.Errorf("%d requests were sent", n)
		}
	})
}
