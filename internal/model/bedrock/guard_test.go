package bedrock_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/bedrock"
	fake "kakoi/internal/model/modeltest/bedrockfake"
)

func TestAGuardrailJudgesTexts(t *testing.T) {
	s, c := start(t, fake.Options{})
	p := connect(t, c)
	const arn = "arn:aws:bedrock:ap-northeast-1:111122223333:guardrail/grhome000001:1"
	for _, tt := range []struct {
		name string
		in   model.Guarding
		want model.Verdict
		sent []string
	}{
		{"nothing to say against it", model.Guarding{Guardrail: "grhome000001:1", Side: model.SideInput, Text: "予算の説明"}, model.Verdict{Units: 1}, []string{`"source":"INPUT"`, `"text":"予算の説明"`}},
		{"blocked", model.Guarding{Guardrail: arn, Side: model.SideInput, Text: "機密の話"}, model.Verdict{
			Intervened: true, Text: fake.BlockedMessage, Units: 1,
			Findings: []model.Finding{{Policy: "content", Name: "misconduct", Blocked: true, Confidence: "medium"}, {Policy: "word", Name: "custom", Blocked: true}},
		}, nil},
		{"masked, by the draft", model.Guarding{Guardrail: "grhome000001:DRAFT", Side: model.SideOutput, Text: "a@example.jp へ" + strings.Repeat("。", 1000)}, model.Verdict{
			Intervened: true, Text: "{EMAIL} へ" + strings.Repeat("。", 1000), Units: 2, Findings: []model.Finding{{Policy: "personal", Name: "email", Masked: true}},
		}, []string{`"source":"OUTPUT"`}},
		{"not what its source says", model.Guarding{Guardrail: "grhome000001:1", Side: model.SideOutput, Text: "明日は雨です", Source: "手数料は三百円", Query: "手数料は?"}, model.Verdict{
			Intervened: true, Text: fake.BlockedMessage, Units: 1, Findings: []model.Finding{{Policy: "grounding", Name: "grounding", Blocked: true}},
		}, []string{`["grounding_source"]`, `["query"]`, `["guard_content"]`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := p.Guard(t.Context(), tt.in)
			if err != nil || got.Intervened != tt.want.Intervened || got.Text != tt.want.Text || got.Units != tt.want.Units || !slices.Equal(got.Findings, tt.want.Findings) {
				t.Errorf("%+v, %v; want %+v", got, err, tt.want)
			}
			sent := calls(t, s, "ApplyGuardrail")
			for _, want := range tt.sent {
				if body := string(sent[len(sent)-1].Body); !strings.Contains(body, want) {
					t.Errorf("sent %s, want %s", body, want)
				}
			}
		})
	}
	for _, tt := range []struct {
		guardrail, text string
		code            errs.Code
		reason          string
	}{
		{"grhome000001", "a", errs.ModelInvalidRequest, "guardrail"}, // no version
		{"grhome000001:9", "a", errs.ModelInvalidRequest, "guardrail"},
		{haiku, "a", errs.ModelInvalidRequest, "guardrail"},
		{"grhome000001:1", "[[throttle]]", errs.ModelThrottled, "requests"},
		{"grhome000001:1", "[[denied scp]]", errs.ModelAccessDenied, "service_control_policy"},
	} {
		if _, err := p.Guard(t.Context(), model.Guarding{Guardrail: tt.guardrail, Side: model.SideInput, Text: tt.text}); errs.CodeOf(err) != tt.code || reason(err) != tt.reason {
			t.Errorf("%s of %s: %v (%s), want %s (%s)", tt.text, tt.guardrail, err, reason(err), tt.code, tt.reason)
		}
	}
}

func TestGuardrailsAreListedWithTheirPlaces(t *testing.T) {
	s, c := start(t, fake.Options{})
	p := connect(t, c)
	list, err := p.Models(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"grhome000001:1", "grhome000001:2", "grhome000001:DRAFT", "grabroad0001:1"} {
		if !slices.ContainsFunc(list, func(m model.RemoteModel) bool {
			return m.ID == id && m.Task == model.TaskGuardrail && strings.HasPrefix(m.Name, "soumu")
		}) {
			t.Errorf("%s is not listed", id)
		}
	}
	places, err := p.InferenceProfiles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	leads := map[string]string{}
	for _, l := range places {
		leads[l.ID] = strings.Join(l.Models, " ")
	}
	for id, want := range map[string]string{
		"grhome000001:2": "arn:aws:bedrock:ap-northeast-1:111122223333:guardrail/grhome000001",
		"grabroad0001:1": "arn:aws:bedrock:ap-northeast-1:111122223333:guardrail-profile/apac.guardrail.v1:0",
	} {
		if leads[id] != want {
			t.Errorf("%s leads to %q, want %q", id, leads[id], want)
		}
	}

	// Who may not list them has the models and profiles nevertheless.
	s.Refuse(func(operation string) *fake.Refusal {
		if operation != "ListGuardrails" {
			return nil
		}
		return &fake.Refusal{Status: 403, Exception: "AccessDeniedException", Message: "not authorized to perform: bedrock:ListGuardrails"}
	})
	if l, err := p.Models(t.Context()); err != nil || len(l) == 0 {
		t.Errorf("%d models, %v", len(l), err)
	}
	if l, err := p.InferenceProfiles(t.Context()); err != nil || len(l) == 0 {
		t.Errorf("%d profiles, %v", len(l), err)
	}
}

func TestOptionsTellWhatElseACallReaches(t *testing.T) {
	for options, want := range map[string]string{
		`{"guardrail":{"id":"gr1","version":"2"}}`: "gr1:2", `{"cachePoints":true}`: "", ``: "", `{"nonsense":1}`: "",
	} {
		if got := strings.Join(bedrock.Reaches(json.RawMessage(options)), " "); got != want {
			t.Errorf("%s reaches %q, want %q", options, got, want)
		}
	}
}

func TestTokensAreCountedBeforeTheyAreSpent(t *testing.T) {
	s, c := start(t, fake.Options{})
	p := connect(t, c)
	req := ask("予算の説明")
	req.System = "簡潔に答えます。"
	n, err := p.CountTokens(t.Context(), req)
	if err != nil || n < 10 {
		t.Fatalf("%d tokens, %v", n, err)
	}
	sent := calls(t, s, "CountTokens")
	if len(sent) != 1 || sent[0].Model != "anthropic.claude-haiku-4-5-20251001-v1:0" || !strings.Contains(string(sent[0].Body), "簡潔に答えます。") {
		t.Errorf("sent %+v", sent)
	}
	for id, code := range map[string]errs.Code{"amazon.nova-lite-v1:0": errs.ModelInput, "jp.anthropic.claude-opus-9": errs.ModelNotFound} {
		req.Model = id
		if _, err := p.CountTokens(t.Context(), req); errs.CodeOf(err) != code {
			t.Errorf("%s: %v, want %s", id, err, code)
		}
	}
	if n := len(calls(t, s, "CountTokens")); n != 2 {
		t.Errorf("%d requests, want none for a model whose tokens are not counted", n-1)
	}
}
