package bedrock

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"kakoi/internal/errs"
)

// Reasoning is how a model is told to think.
type Reasoning string

// The forms of reasoning; the package comment says what each sends.
const (
	ReasoningNone         Reasoning = "none"
	ReasoningClaudeBudget Reasoning = "claude-budget"
	ReasoningClaudeEffort Reasoning = "claude-effort"
	ReasoningNova         Reasoning = "nova"
	ReasoningOpenAI       Reasoning = "openai"
)

// Options are the Bedrock-specific extras of a catalogue entry, as JSON in
// model.Request.Options.
type Options struct {
	// BaseModel is the foundation model behind an opaque id, such as the ARN of
	// an application inference profile, so that what is known of it applies.
	BaseModel string `json:"baseModel,omitempty"`
	// Reasoning overrides what is known of the model id.
	Reasoning Reasoning `json:"reasoning,omitempty"`
	// Sampling says whether the model takes temperature and top-p. Unset goes by
	// the model id.
	Sampling *bool `json:"sampling,omitempty"`
	// CachePoints marks the system prompt and the last two user messages for the
	// provider's prompt cache. Writing to the cache costs extra.
	CachePoints bool `json:"cachePoints,omitempty"`
	// ReplayReasoning sends signed reasoning of earlier answers back.
	ReplayReasoning bool `json:"replayReasoning,omitempty"`
	// AdditionalFields are merged into additionalModelRequestFields and win over
	// what the adapter puts there.
	AdditionalFields map[string]any `json:"additionalFields,omitempty"`
	// InvokeRerank asks a model that puts documents in order by InvokeModel, for
	// networks without an endpoint of bedrock-agent-runtime.
	InvokeRerank bool `json:"invokeRerank,omitempty"`
	// Guardrail is applied to the prompt and the answer.
	Guardrail *Guardrail `json:"guardrail,omitempty"`
}

// Guardrail names a Bedrock guardrail.
type Guardrail struct {
	ID      string `json:"id"`
	Version string `json:"version"`
}

// ParseOptions reads and checks the options of a catalogue entry. Its errors
// are InvalidInput, so that an administrator meets them when saving the entry.
func ParseOptions(raw json.RawMessage) (Options, error) {
	var o Options
	if len(bytes.TrimSpace(raw)) == 0 {
		return o, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields() // a misspelt option must not be ignored
	dec.UseNumber()             // 8192 must not arrive as 8192.0
	if err := dec.Decode(&o); err != nil {
		e := errs.Wrap(errs.InvalidInput, "the model's options are not valid", err)
		e.Field = "options"
		return Options{}, e
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Options{}, errs.InField("options", "the model's options must be one JSON object")
	}
	switch o.Reasoning {
	case "", ReasoningNone, ReasoningClaudeBudget, ReasoningClaudeEffort, ReasoningNova, ReasoningOpenAI:
	default:
		return Options{}, errs.InField("options.reasoning",
			"reasoning must be none, claude-budget, claude-effort, nova or openai")
	}
	if o.Guardrail != nil && (o.Guardrail.ID == "" || o.Guardrail.Version == "") {
		return Options{}, errs.InField("options.guardrail", "a guardrail needs an id and a version")
	}
	o.AdditionalFields, _ = numbers(o.AdditionalFields).(map[string]any)
	return o, nil
}

// numbers turns json.Number into the plain numbers that the SDK's document
// encoder takes, whole ones staying whole.
func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case map[string]any:
		for k, e := range v {
			v[k] = numbers(e)
		}
	case []any:
		for i, e := range v {
			v[i] = numbers(e)
		}
	}
	return v
}
