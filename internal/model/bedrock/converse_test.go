package bedrock_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/modeltest"
	fake "kakoi/internal/model/modeltest/bedrockfake"
)

func TestWhatTheOptionsAskOfBedrockArrives(t *testing.T) {
	req := ask("hello")
	req.Model = "amazon.nova-lite-v1:0"
	req.Caller = model.Caller{AccountID: "0199-a", Email: "taro@example.lg.jp", Groups: []string{"総務課", "soumu (IT)"}}
	req.Options = json.RawMessage(`{
		"guardrail": {"id": "` + fake.GuardrailID + `", "version": "1", "stream": "async"},
		"latency": "optimized", "serviceTier": "flex", "responseFields": ["/stop_reason"],
		"requestMetadata": {"person": "{account}", "mail": "{email}", "department": "{group}"}}`)
	w := sent(t, req)
	if want := (map[string]any{"guardrailIdentifier": fake.GuardrailID, "guardrailVersion": "1", "streamProcessingMode": "async", "trace": "enabled"}); !reflect.DeepEqual(w.GuardrailConfig, want) {
		t.Errorf("guardrail %v", w.GuardrailConfig)
	}
	if w.PerformanceConfig["latency"] != "optimized" || w.ServiceTier["type"] != "flex" || !slices.Equal(w.AdditionalModelResponseFieldPaths, []string{"/stop_reason"}) {
		t.Errorf("sent %+v", w)
	}
	if want := (map[string]string{"person": "0199-a", "mail": "taro@example.lg.jp", "department": "___ soumu _IT_"}); !reflect.DeepEqual(w.RequestMetadata, want) {
		t.Errorf("metadata %v", w.RequestMetadata)
	}
}

func TestFieldsOfTheModelsOwnAnswerComeWithTheEnd(t *testing.T) {
	_, c := start(t, fake.Options{})
	for _, options := range []string{`{"responseFields":["/stop_reason"]}`, `{"responseFields":["/stop_reason"],"streaming":false}`} {
		req := ask("hello")
		req.Options = json.RawMessage(options)
		a := modeltest.Gather(t, t.Context(), connect(t, c), req)
		if a.Err != nil || string(a.Fields) != `{"stop_reason":"end_turn"}` {
			t.Errorf("%s: fields %s, %v", options, a.Fields, a.Err)
		}
	}
}

func TestAGuardrailSaysWhatItDidAndNotAboutWhichWords(t *testing.T) {
	_, c := start(t, fake.Options{})
	p := connect(t, c)
	for _, tt := range []struct {
		name, prompt, options string
		stop                  model.StopReason
		text                  string
		want                  []string
	}{
		{"a topic is blocked", fake.ForbiddenTopic + "のちらしを書いて", ``, model.StopFiltered, fake.Blocked, []string{"input topic 政治 blocked", "input word blocked"}},
		{"an address is hidden", "[[say 宛先は hanako@example.lg.jp です]]", ``, model.StopEnd, "宛先は {EMAIL} です", []string{"output sensitive EMAIL anonymized"}},
		{"without a trace nothing is said", fake.ForbiddenTopic, `,"trace":"disabled"`, model.StopFiltered, fake.Blocked, nil},
		{"nothing stepped in", "[[say はい]]", ``, model.StopEnd, "はい", nil},
	} {
		for _, streaming := range []string{"true", "false"} {
			t.Run(tt.name+", streaming "+streaming, func(t *testing.T) {
				req := ask(tt.prompt)
				req.Options = json.RawMessage(`{"streaming":` + streaming + `,"guardrail":{"id":"` + fake.GuardrailID + `","version":"1"` + tt.options + `}}`)
				a := modeltest.Gather(t, t.Context(), p, req)
				if a.Err != nil || a.Stop != tt.stop || a.Text != tt.text || a.Usages != 1 {
					t.Fatalf("answer %+v", a)
				}
				var got []string
				for _, i := range a.Interventions {
					if i.Guardrail != fake.GuardrailID {
						t.Errorf("of the guardrail %q", i.Guardrail)
					}
					got = append(got, i.String())
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("interventions %q, want %q", got, tt.want)
				}
				if all := strings.Join(got, ""); strings.Contains(all, fake.ForbiddenTopic) || strings.Contains(all, "@") {
					t.Errorf("the person's words are in %q", all)
				}
			})
		}
	}
}

func TestAGuardrailMayJudgeTheLastQuestionAlone(t *testing.T) {
	_, c := start(t, fake.Options{})
	req := ask(fake.ForbiddenTopic + "とは")
	req.Messages = append(req.Messages, text(model.RoleAssistant, "答えられません。"), text(model.RoleUser, "では天気は?"))
	options := func(last string) json.RawMessage {
		return json.RawMessage(`{"guardrail":{"id":"` + fake.GuardrailID + `","version":"1","lastOnly":` + last + `}}`)
	}
	for last, want := range map[string]model.StopReason{"false": model.StopFiltered, "true": model.StopEnd} {
		req.Options = options(last)
		if a := modeltest.Gather(t, t.Context(), connect(t, c), req); a.Err != nil || a.Stop != want {
			t.Errorf("lastOnly %s: stop %s, %v", last, a.Stop, a.Err)
		}
	}
	req.Messages, req.Options = req.Messages[:1], options("true")
	if a := modeltest.Gather(t, t.Context(), connect(t, c), req); a.Stop != model.StopFiltered {
		t.Errorf("the last question was not judged: %+v", a)
	}
}

// tooled is a conversation in which a tool was used and its result is due.
func tooled(reasoning ...model.Part) []model.Message {
	parts := append(slices.Clip(reasoning), model.Part{Type: model.PartToolUse, ToolUse: &model.ToolUse{ID: "call:1/x", Name: "clock", Input: json.RawMessage(`{"zone":"JST"}`)}})
	return []model.Message{text(model.RoleUser, "q"), {Role: model.RoleAssistant, Parts: parts}, {Role: model.RoleUser, Parts: []model.Part{
		{Type: model.PartText, Text: "also"},
		{Type: model.PartToolResult, ToolResult: &model.ToolResult{ToolUseID: "call:1/x", Parts: []model.Part{{Type: model.PartText, Text: "noon"}}}},
	}}}
}

func TestThoughtsGoBackWhileToolsAreUsed(t *testing.T) {
	sealed := model.Part{Type: model.PartReasoning, Text: "t", Signature: fake.Signature}
	after := func(messages []model.Message) []model.Message {
		return append(messages, text(model.RoleAssistant, "noon"), text(model.RoleUser, "thanks"))
	}
	for _, tt := range []struct {
		name, model string
		messages    []model.Message
		effort      model.Effort
		choice      model.ToolChoice
		want        string
		thinks      bool
	}{
		{"an answer that waits for its tools", "anthropic.claude-sonnet-4-5-20250929-v1:0", tooled(sealed), model.EffortLow, model.ToolChoice{},
			`u(text"q")a(reasoningContent toolUse)u(toolResult text"also")`, true},
		{"not once it is complete", "anthropic.claude-sonnet-4-5-20250929-v1:0", after(tooled(sealed)), model.EffortLow, model.ToolChoice{},
			`u(text"q")a(toolUse)u(toolResult text"also")a(text"noon")u(text"thanks")`, true},
		{"not to a model that does not think", "anthropic.claude-sonnet-4-5-20250929-v1:0", tooled(sealed), "", model.ToolChoice{},
			`u(text"q")a(toolUse)u(toolResult text"also")`, false},
		{"an answer that began without cannot begin to think", "anthropic.claude-sonnet-4-5-20250929-v1:0", tooled(), model.EffortLow, model.ToolChoice{},
			`u(text"q")a(toolUse)u(toolResult text"also")`, false},
		{"a newer model can", "anthropic.claude-opus-4-8", tooled(), model.EffortLow, model.ToolChoice{},
			`u(text"q")a(toolUse)u(toolResult text"also")`, true},
		{"who must use a tool does not think", "anthropic.claude-opus-4-8", []model.Message{text(model.RoleUser, "q")}, model.EffortLow, model.ToolChoice{Mode: model.ToolAny},
			`u(text"q")`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := ask("")
			req.Model, req.Messages, req.Tools, req.ToolChoice = tt.model, tt.messages, modeltest.Tools(), tt.choice
			req.Parameters.ReasoningEffort = tt.effort
			w := sent(t, req)
			if got := shape(w); got != tt.want {
				t.Errorf("sent %s, want %s", got, tt.want)
			}
			if _, thinks := w.AdditionalModelRequestFields["thinking"]; thinks != tt.thinks {
				t.Errorf("fields %v", w.AdditionalModelRequestFields)
			}
		})
	}
}

func TestToolsAreSentAsBedrockWantsThem(t *testing.T) {
	req := ask("")
	req.Model, req.Messages = "anthropic.claude-sonnet-4-5-20250929-v1:0", tooled()
	w := sent(t, req)
	var spec struct {
		Name        string
		InputSchema map[string]any
	}
	if len(w.ToolConfig.Tools) != 1 || json.Unmarshal(w.ToolConfig.Tools[0]["toolSpec"], &spec) != nil || spec.Name != "clock" {
		t.Errorf("tools %v; want the one that was used", w.ToolConfig.Tools)
	}
	var use struct {
		ToolUseID string
		Input     map[string]string
	}
	if err := json.Unmarshal(w.Messages[1].Content[0]["toolUse"], &use); err != nil || use.ToolUseID != "use-1" || use.Input["zone"] != "JST" {
		t.Errorf("use %+v, %v", use, err)
	}

	t.Run("a result whose use was cut off is left out", func(t *testing.T) {
		req := req
		req.Messages = append(tooled()[1:], text(model.RoleAssistant, "noon"), text(model.RoleUser, "and now?"))
		if got := shape(sent(t, req)); got != `u(text"also")a(text"noon")u(text"and now?")` {
			t.Errorf("sent %s", got)
		}
	})
}

func TestTheCacheIsMarkedAsFarAsTheModelHasOne(t *testing.T) {
	for _, tt := range []struct {
		model, want string
		tools       int
	}{
		{"anthropic.claude-sonnet-4-5-20250929-v1:0", `u(text"q" cachePoint)a(toolUse)u(toolResult text"also" cachePoint)`, 3},
		{"amazon.nova-lite-v1:0", `u(text"q" cachePoint)a(toolUse)u(toolResult text"also")`, 2},
	} {
		t.Run(tt.model, func(t *testing.T) {
			req := ask("")
			req.Model, req.Messages, req.Tools = tt.model, tooled(), modeltest.Tools()
			req.Options = json.RawMessage(`{"cachePoints":true,"cacheTTL":"1h"}`)
			w := sent(t, req)
			if got := shape(w); got != tt.want || len(w.ToolConfig.Tools) != tt.tools {
				t.Errorf("sent %s with %d tools, want %s with %d", got, len(w.ToolConfig.Tools), tt.want, tt.tools)
			}
			if got := string(w.System[1]["cachePoint"]); got != `{"type":"default","ttl":"1h"}` && got != `{"ttl":"1h","type":"default"}` {
				t.Errorf("cache point %s", got)
			}
		})
	}
	t.Run("what it read and wrote is counted", func(t *testing.T) {
		_, c := start(t, fake.Options{})
		for _, streaming := range []string{"true", "false"} {
			req := ask("[[cached 40]] hello")
			req.Options = json.RawMessage(`{"cachePoints":true,"streaming":` + streaming + `}`)
			a := modeltest.Gather(t, t.Context(), connect(t, c), req)
			if a.Err != nil || a.Usage.CacheReadTokens != 40 || a.Usage.CacheWriteTokens == 0 || a.Usage.InputTokens == 0 {
				t.Errorf("streaming %s: usage %+v, %v", streaming, a.Usage, a.Err)
			}
		}
	})
}

func TestAVideoIsSent(t *testing.T) {
	req := ask("")
	req.Model, req.Capabilities.Video = "amazon.nova-lite-v1:0", true
	req.Messages[0].Parts = []model.Part{video("video/quicktime"), {Type: model.PartText, Text: "何が見える?"}}
	w := sent(t, req)
	var got struct{ Format string }
	if err := json.Unmarshal(w.Messages[0].Content[0]["video"], &got); err != nil || got.Format != "mov" {
		t.Errorf("video %+v, %v", got, err)
	}
}

func TestTheLimitsAreThoseOfTheModel(t *testing.T) {
	large := model.Part{Type: model.PartImage, Media: modeltest.PNG(t, 3, 2)}
	large.Media.Data = append(large.Media.Data, make([]byte, 4_000_000)...)
	for _, tt := range []struct {
		model  string
		parts  []model.Part
		reason string
	}{
		{"amazon.nova-lite-v1:0", []model.Part{large}, ""},
		{"anthropic.claude-3-haiku-20240307-v1:0", []model.Part{large}, "file_too_large"},
		{"meta.llama3-2-11b-instruct-v1:0", []model.Part{{Type: model.PartImage, Media: modeltest.PNG(t, 3, 2)}, {Type: model.PartImage, Media: modeltest.PNG(t, 4, 2)}}, "too_many_images"},
	} {
		_, c := start(t, fake.Options{Models: append(slices.Clip(everyModel), fake.Model{ID: "meta.llama3-2-11b-instruct-v1:0"})})
		req := ask("")
		req.Model, req.Messages[0].Parts = tt.model, tt.parts
		if a := modeltest.Gather(t, t.Context(), connect(t, c), req); reason(a.Err) != tt.reason {
			t.Errorf("%s: %v (%s), want %q", tt.model, a.Err, reason(a.Err), tt.reason)
		}
	}
}

func TestAModelThatDoesNotStreamAnswersWhole(t *testing.T) {
	s, c := start(t, fake.Options{Models: []fake.Model{
		{ID: "mistral.whole-v1", Maker: "Mistral AI", NoStream: true}, {ID: "meta.llama4-maverick-17b-instruct-v1:0", Maker: "Meta", NoToolStream: true},
	}, Profiles: []fake.Profile{{ID: "us.mistral.whole-v1", Model: "mistral.whole-v1", Regions: []string{"us-east-1"}}}})
	operations := func() (ops []string) {
		for _, r := range s.Requests() {
			ops = append(ops, r.Operation)
		}
		return ops
	}
	p := connect(t, c)
	req := ask("[[say はい]]")
	req.Model = "mistral.whole-v1"
	for range 2 {
		if a := modeltest.Gather(t, t.Context(), p, req); a.Err != nil || a.Text != "はい" || a.Stop != model.StopEnd || a.Usages != 1 {
			t.Fatalf("answer %+v", a)
		}
	}
	if got := operations(); !slices.Equal(got, []string{"ConverseStream", "Converse", "Converse"}) {
		t.Errorf("requests %v: what was learnt must be remembered", got)
	}

	t.Run("some only when they may use tools", func(t *testing.T) {
		req := ask(`[[tool clock {"zone":"JST"}]] 何時?`)
		req.Model = "meta.llama4-maverick-17b-instruct-v1:0"
		plain := req
		req.Tools = modeltest.Tools()
		a := modeltest.Gather(t, t.Context(), p, req)
		if a.Err != nil || len(a.ToolUses) != 1 || string(a.ToolUses[0].Input) != `{"zone":"JST"}` || a.Stop != model.StopTool {
			t.Fatalf("answer %+v", a)
		}
		modeltest.Gather(t, t.Context(), p, plain)
		if got := operations(); got[len(got)-1] != "ConverseStream" {
			t.Errorf("requests %v: without tools the model streams", got)
		}
	})
	t.Run("the list of models tells it", func(t *testing.T) {
		p := connect(t, c)
		models, err := p.Models(t.Context())
		if err != nil || !slices.ContainsFunc(models, func(m model.RemoteModel) bool { return m.ID == "us.mistral.whole-v1" }) {
			t.Fatalf("models %+v, %v", models, err)
		}
		before := len(operations())
		req.Model = "us.mistral.whole-v1"
		if a := modeltest.Gather(t, t.Context(), p, req); a.Err != nil {
			t.Fatal(a.Err)
		}
		if got := operations()[before:]; !slices.Equal(got, []string{"Converse"}) {
			t.Errorf("requests %v", got)
		}
	})
	t.Run("reasoning comes with its seal, failures with their code", func(t *testing.T) {
		req := ask("なぜ?")
		req.Options = json.RawMessage(`{"streaming":false}`)
		req.Parameters.ReasoningEffort = model.EffortLow
		_, c := start(t, fake.Options{})
		c.FirstByteTimeout = 20 * time.Millisecond
		p := connect(t, c)
		if a := modeltest.Gather(t, t.Context(), p, req); a.Err != nil || a.Reasoning == "" || a.Signature != fake.Signature {
			t.Errorf("answer %+v", a)
		}
		for prompt, code := range map[string]errs.Code{
			"[[throttle]]": errs.ModelThrottled, "[[denied scp]]": errs.ModelAccessDenied, "[[toolong]]": errs.ModelContextTooLong,
			"[[silence]]": errs.ModelTimeout, "[[cut 3]]": errs.ModelUnreachable,
		} {
			req.Messages = question(prompt + " hello")
			if a := modeltest.Gather(t, t.Context(), p, req); errs.CodeOf(a.Err) != code {
				t.Errorf("%s: %v, want %s", prompt, a.Err, code)
			}
		}
	})
}

func question(s string) []model.Message { return []model.Message{text(model.RoleUser, s)} }
