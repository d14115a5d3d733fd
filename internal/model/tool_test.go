package model

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"kakoi/internal/access"
	"kakoi/internal/errs"
)

// deepMask hides the name 山田 wherever a request holds it, tools included.
type deepMask struct{ seen []string }

func (d *deepMask) Mask(_ context.Context, r Request) (Request, func(iter.Seq2[Event, error]) iter.Seq2[Event, error], error) {
	hide := func(s string) string { d.seen = append(d.seen, s); return strings.ReplaceAll(s, "山田", "<NAME>") }
	r.Messages = slices.Clone(r.Messages)
	for i, m := range r.Messages {
		r.Messages[i].Parts = slices.Clone(m.Parts)
		for j, p := range m.Parts {
			switch {
			case p.ToolUse != nil:
				use := *p.ToolUse
				use.Input = json.RawMessage(hide(string(use.Input)))
				r.Messages[i].Parts[j].ToolUse = &use
			case p.ToolResult != nil:
				result := *p.ToolResult
				result.Parts = []Part{{Type: PartText, Text: hide(result.Parts[0].Text)}}
				r.Messages[i].Parts[j].ToolResult = &result
			}
		}
	}
	return r, func(answer iter.Seq2[Event, error]) iter.Seq2[Event, error] {
		return func(yield func(Event, error) bool) {
			for e, err := range answer {
				e.ToolUse.Input = json.RawMessage(strings.ReplaceAll(string(e.ToolUse.Input), "<NAME>", "山田"))
				if !yield(e, err) {
					return
				}
			}
		}
	}, nil
}

func clockTool() []Tool {
	return []Tool{{Name: "clock", Description: "tells the time", InputSchema: json.RawMessage(`{"type":"object"}`)}}
}

// toolTurns is a conversation in which a tool was used and has answered.
func toolTurns() []Message {
	return []Message{
		question("何時?")[0],
		{Role: RoleAssistant, Parts: []Part{{Type: PartToolUse, ToolUse: &ToolUse{ID: "1", Name: "clock", Input: json.RawMessage(`{"for":"山田"}`)}}}},
		{Role: RoleUser, Parts: []Part{{Type: PartToolResult, ToolResult: &ToolResult{ToolUseID: "1", Parts: []Part{{Type: PartText, Text: "山田は正午"}}}}}},
	}
}

func TestToolsGoTheWayOfEveryCall(t *testing.T) {
	b, mask := newBench(), &deepMask{}
	b.masker = mask
	var sent Request
	b.add(Model{ID: "m", Capabilities: Capabilities{Tools: true}}, func(_ context.Context, r Request, yield func(Event, error) bool) {
		sent = r
		_ = yield(Event{Type: EventToolUse, ToolUse: ToolUse{ID: "2", Name: "clock", Input: json.RawMessage(`{"for":"<NAME>"}`)}}, nil) &&
			yield(Event{Type: EventStop, StopReason: StopTool, Fields: json.RawMessage(`{"a":1}`)}, nil)
	})
	call := Call{ModelID: "m", Messages: toolTurns(), Tools: clockTool(), ToolChoice: ToolChoice{Mode: ToolNamed, Name: "clock"}}
	h := listen(b.Stream(person(t.Context()), call))
	if h.err != nil || h.types() != "model tool_use usage stop" {
		t.Fatalf("events %s, %v", h.types(), h.err)
	}
	if use := h.events[1].ToolUse; string(use.Input) != `{"for":"山田"}` {
		t.Errorf("the use has not been restored: %s", use.Input)
	}
	if stop := h.events[3]; stop.StopReason != StopTool || string(stop.Fields) != `{"a":1}` {
		t.Errorf("stop %+v", stop)
	}
	if !slices.Equal(mask.seen, []string{`{"for":"山田"}`, "山田は正午"}) {
		t.Errorf("the masker saw %q", mask.seen)
	}
	if len(sent.Tools) != 1 || sent.ToolChoice.Name != "clock" || strings.Contains(string(sent.Messages[1].Parts[0].ToolUse.Input)+sent.Messages[2].Parts[0].ToolResult.Parts[0].Text, "山田") {
		t.Errorf("sent %+v", sent)
	}
	if got := b.last(t).Usage; got.InputTokens == 0 || got.OutputTokens == 0 || !got.Estimated {
		t.Errorf("usage %+v: what a tool is told counts", got)
	}
}

func TestToolsThatNoProviderTakesAreRefused(t *testing.T) {
	object := json.RawMessage(`{"type":"object"}`)
	turns := func(change func([]Message)) []Message {
		m := toolTurns()
		change(m)
		return m
	}
	for name, tt := range map[string]struct {
		call  Call
		field string
	}{
		"a name":                               {Call{Tools: []Tool{{Name: "時計", InputSchema: object}}}, "tools.0.name"},
		"two of a name":                        {Call{Tools: append(clockTool(), clockTool()...)}, "tools.1.name"},
		"no schema":                            {Call{Tools: []Tool{{Name: "a"}}}, "tools.0.inputSchema"},
		"a schema that is torn":                {Call{Tools: []Tool{{Name: "a", InputSchema: json.RawMessage(`{"type":`)}}}, "tools.0.inputSchema"},
		"too many":                             {Call{Tools: make([]Tool, 129)}, "tools"},
		"a tool that is absent":                {Call{Tools: clockTool(), ToolChoice: ToolChoice{Mode: ToolNamed, Name: "a"}}, "toolChoice.name"},
		"any of none":                          {Call{ToolChoice: ToolChoice{Mode: ToolAny}}, "toolChoice"},
		"an unknown mode":                      {Call{Tools: clockTool(), ToolChoice: ToolChoice{Mode: "never"}}, "toolChoice"},
		"a use without result":                 {Call{Messages: toolTurns()[:2]}, "messages"},
		"a use without result, but with words": {Call{Messages: turns(func(m []Message) { m[2].Parts = []Part{{Type: PartText, Text: "?"}} })}, "messages.2"},
		"a result without use":                 {Call{Messages: turns(func(m []Message) { m[1].Parts = []Part{{Type: PartText, Text: "?"}} })}, "messages.2"},
		"a result twice":                       {Call{Messages: turns(func(m []Message) { m[2].Parts = append(m[2].Parts, m[2].Parts[0]) })}, "messages.2"},
		"an input that is torn":                {Call{Messages: turns(func(m []Message) { m[1].Parts[0].ToolUse.Input = json.RawMessage(`{"a"`) })}, "messages.1"},
		"a use by the person":                  {Call{Messages: turns(func(m []Message) { m[1].Role = RoleUser })}, "messages.1"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			b.add(Model{ID: "m", Capabilities: Capabilities{Tools: true}}, says("no"))
			tt.call.ModelID = "m"
			if tt.call.Messages == nil {
				tt.call.Messages = question("q")
			}
			h := listen(b.Stream(person(t.Context()), tt.call))
			var e *errs.Error
			if !errors.As(h.err, &e) || e.Code != errs.InvalidInput || e.Field != tt.field {
				t.Errorf("error %v, want one in %s", h.err, tt.field)
			}
		})
	}
}

func TestWhatAToolShowsMustBeSeenByTheModelToo(t *testing.T) {
	b := newBench()
	b.add(Model{ID: "m", Capabilities: Capabilities{Tools: true}}, says("no"))
	b.add(Model{ID: "plain"}, says("no"))
	messages := toolTurns()
	messages[2].Parts[0].ToolResult.Parts = []Part{{Type: PartImage, Media: &Media{MediaType: "image/png", Data: []byte("x")}}}
	for _, call := range []Call{
		{ModelID: "m", Messages: messages},
		{ModelID: "m", Messages: []Message{{Role: RoleUser, Parts: []Part{{Type: PartVideo, Media: &Media{MediaType: "video/mp4", Data: []byte("x")}}}}}},
		{ModelID: "plain", Messages: question("q"), Tools: clockTool()},
	} {
		if h := listen(b.Stream(person(t.Context()), call)); errs.CodeOf(h.err) != errs.ModelInput {
			t.Errorf("%s: %v", call.ModelID, h.err)
		}
	}
}

func TestWhatAGuardrailDidIsToldAndRecorded(t *testing.T) {
	b := newBench()
	hit := Intervention{Guardrail: "g", Side: "input", Policy: "topic", Rule: "政治", Action: "blocked"}
	b.add(Model{ID: "m"}, func(_ context.Context, _ Request, yield func(Event, error) bool) {
		_ = yield(Event{Type: EventText, Text: "答えられません。"}, nil) && yield(Event{Type: EventStop, StopReason: StopFiltered}, nil) &&
			yield(Event{Type: EventGuardrail, Interventions: []Intervention{hit, hit}}, nil)
	})
	h := listen(b.Stream(person(t.Context()), Call{ModelID: "m", Messages: question("q")}))
	if h.err != nil || h.types() != "model text usage stop" || len(h.events[3].Interventions) != 2 || h.events[3].StopReason != StopFiltered {
		t.Fatalf("events %s: %+v, %v", h.types(), h.events, h.err)
	}
	b.usage.mu.Lock()
	defer b.usage.mu.Unlock()
	if got := b.usage.pending[0].details["guardrail"]; got != "input topic 政治 blocked" {
		t.Errorf("recorded %q", got)
	}
}

func TestAModelWhoseOptionsNameTheCallerIsTold(t *testing.T) {
	for options, want := range map[string]string{`{"requestMetadata":{"a":"{email}"}}`: "taro@example.lg.jp", `{"requestMetadata":{"a":"kakoi"}}`: ""} {
		b := newBench()
		b.people = knownPeople{}
		var sent Caller
		b.add(Model{ID: "m", Options: json.RawMessage(options)}, func(ctx context.Context, r Request, yield func(Event, error) bool) {
			sent = r.Caller
			says("ok")(ctx, r, yield)
		})
		if h := listen(b.Stream(person(t.Context()), Call{ModelID: "m", Messages: question("q")})); h.err != nil || sent.Email != want {
			t.Errorf("%s: the provider was told %+v, %v", options, sent, h.err)
		}
	}
}

type knownPeople struct{}

func (knownPeople) Caller(context.Context) (Caller, error) {
	return Caller{AccountID: "account", Email: "taro@example.lg.jp"}, nil
}

func (knownPeople) Still(ctx context.Context) (access.Principal, error) { return access.Require(ctx) }

func FuzzToolInput(f *testing.F) {
	for _, s := range []string{"", " ", "{}", `{"a":1}`, `{"a":`, `[]`, `"x"`, `{}{}`, "{\"a\":\"\xff\"}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, written []byte) {
		input, ok := ToolInput(written)
		var v map[string]any
		err := json.Unmarshal(input, &v)
		if ok != (err == nil && v != nil) {
			t.Errorf("ToolInput(%q) = %s, %t; it decodes with %v", written, input, ok, err)
		}
	})
}
