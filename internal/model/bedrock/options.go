package bedrock

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"

	"kakoi/internal/errs"
	"kakoi/internal/model"
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
	// Streaming false asks for whole answers. Unset streams, and goes over to
	// whole answers where Bedrock says that the model cannot.
	Streaming *bool `json:"streaming,omitempty"`
	// CachePoints marks the tools, the system prompt and the last two user
	// messages for the provider's prompt cache, as far as the model caches them.
	// Writing to the cache costs extra.
	CachePoints bool `json:"cachePoints,omitempty"`
	// CacheTTL is how long the cache is kept: 5m, which is Bedrock's own, or 1h.
	CacheTTL types.CacheTTL `json:"cacheTTL,omitempty"`
	// ReplayReasoning sends signed reasoning of all earlier answers back. That of
	// an answer which waits for its tools is sent back in any case.
	ReplayReasoning bool `json:"replayReasoning,omitempty"`
	// AdditionalFields are merged into additionalModelRequestFields and win over
	// what the adapter puts there.
	AdditionalFields map[string]any `json:"additionalFields,omitempty"`
	// ResponseFields are JSON pointers into the model's own answer, at most ten,
	// whose values come with the end of ours.
	ResponseFields []string `json:"responseFields,omitempty"`
	// InvokeRerank asks a model that puts documents in order by InvokeModel, for
	// networks without an endpoint of bedrock-agent-runtime.
	InvokeRerank bool `json:"invokeRerank,omitempty"`
	// Guardrail is applied to the prompt and the answer.
	Guardrail *Guardrail `json:"guardrail,omitempty"`
	// Latency is standard or optimized.
	Latency types.PerformanceConfigLatency `json:"latency,omitempty"`
	// ServiceTier is priority, default, flex or reserved.
	ServiceTier types.ServiceTierType `json:"serviceTier,omitempty"`
	// RequestMetadata goes into the provider's invocation log with every call.
	// {account}, {email} and {group} stand for who asks.
	RequestMetadata map[string]string `json:"requestMetadata,omitempty"`
}

// Guardrail names a Bedrock guardrail.
type Guardrail struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	// Trace is disabled, enabled or enabled_full. Unset is enabled: what stepped
	// in is recorded, without the words that it was about.
	Trace types.GuardrailTrace `json:"trace,omitempty"`
	// Stream is how a streamed answer is judged: sync, before it is shown, or
	// async, while it is. Unset is Bedrock's own choice, sync.
	Stream types.GuardrailStreamProcessingMode `json:"stream,omitempty"`
	// LastOnly has the guardrail judge what was asked last and the answer, not
	// the conversation before it.
	LastOnly bool `json:"lastOnly,omitempty"`
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
	if err := o.check(); err != nil {
		return Options{}, err
	}
	o.AdditionalFields, _ = numbers(o.AdditionalFields).(map[string]any)
	return o, nil
}

const (
	maxResponseFields = 10
	maxFieldPath      = 256
	maxMetadata       = 16
	maxMetadataText   = 256
)

var (
	metadataName      = regexp.MustCompile(`^[a-zA-Z0-9\s:_@$#=/+,.-]{1,256}$`)
	metadataForbidden = regexp.MustCompile(`[^a-zA-Z0-9 :_@$#=/+,.-]`)
)

func (o Options) check() error {
	for _, f := range []struct {
		field string
		ok    bool
		want  string
	}{
		{"cacheTTL", among(o.CacheTTL, o.CacheTTL.Values()), "cacheTTL must be 5m or 1h"},
		{"latency", among(o.Latency, o.Latency.Values()), "latency must be standard or optimized"},
		{"serviceTier", among(o.ServiceTier, o.ServiceTier.Values()), "serviceTier must be priority, default, flex or reserved"},
	} {
		if !f.ok {
			return errs.InField("options."+f.field, f.want)
		}
	}
	if g := o.Guardrail; g != nil {
		switch {
		case g.ID == "" || g.Version == "":
			return errs.InField("options.guardrail", "a guardrail needs an id and a version")
		case !among(g.Trace, g.Trace.Values()):
			return errs.InField("options.guardrail.trace", "trace must be enabled, disabled or enabled_full")
		case !among(g.Stream, g.Stream.Values()):
			return errs.InField("options.guardrail.stream", "stream must be sync or async")
		}
	}
	if len(o.ResponseFields) > maxResponseFields {
		return errs.InField("options.responseFields", "at most ten fields of the answer can be asked for")
	}
	for _, path := range o.ResponseFields {
		if !strings.HasPrefix(path, "/") || len(path) > maxFieldPath {
			return errs.InField("options.responseFields", "a field of the answer is named by a JSON pointer, such as /stop_sequence")
		}
	}
	if len(o.RequestMetadata) > maxMetadata {
		return errs.InField("options.requestMetadata", "a request has at most 16 metadata")
	}
	for name, text := range o.RequestMetadata {
		rest := named(text, model.Caller{})
		if !metadataName.MatchString(name) || len(text) > maxMetadataText || strings.ContainsAny(rest, "{}\n\r") {
			return errs.InField("options.requestMetadata", "metadata are short texts of ASCII letters, digits and : _ @ $ # = / + , . - in which {account}, {email} and {group} may stand for who asks")
		}
	}
	return nil
}

// among reports whether v is unset or one of the values.
func among[T ~string](v T, values []T) bool { return v == "" || slices.Contains(values, v) }

// metadata fills the request's metadata in with who asks. Bedrock takes ASCII
// alone; what else there is becomes an underscore.
func (o Options) metadata(who model.Caller) map[string]string {
	if len(o.RequestMetadata) == 0 {
		return nil
	}
	filled := make(map[string]string, len(o.RequestMetadata))
	for name, text := range o.RequestMetadata {
		filled[name] = clip(metadataForbidden.ReplaceAllString(named(text, who), "_"), maxMetadataText)
	}
	return filled
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
