package bedrockfake

import (
	"regexp"
	"slices"
	"strings"

	"kakoi/internal/model/modeltest/script"
)

// GuardrailID is of the guardrail that Converse has, in its version 1. It blocks a prompt
// that speaks of ForbiddenTopic, and hides e-mail addresses in answers.
const (
	GuardrailID    = "gr1234567890"
	ForbiddenTopic = "選挙運動"
	Blocked        = "この内容には答えられません。"
)

const stopGuardrail script.Stop = "guardrail_intervened"

// guard applies the guardrail to the script.
func (r *converseRequest) guard(prompt string, sc *script.Script) {
	if r.GuardrailConfig == nil {
		return
	}
	judged := prompt
	var marked string
	for _, m := range r.Messages {
		for _, b := range m.Content {
			if b.GuardContent != nil {
				marked += b.GuardContent.Text.Text
			} else if b.Text != nil {
				judged += *b.Text
			}
		}
	}
	if marked != "" {
		judged = marked
	}
	if strings.Contains(judged, ForbiddenTopic) {
		r.guarded = append(r.guarded, "topic")
		*sc = script.Script{Deltas: script.Tokens(Blocked), Stop: stopGuardrail, Usage: sc.Usage}
		return
	}
	said := strings.Join(sc.Deltas, "")
	if hidden := address.ReplaceAllString(said, "{EMAIL}"); hidden != said {
		r.guarded = append(r.guarded, "email")
		sc.Deltas = script.Tokens(hidden)
	}
}

// told adds to the end of an answer what the guardrail found, and the settings
// that Bedrock repeats.
func (r *converseRequest) told(end map[string]any) {
	if r.PerformanceConfig != nil {
		end["performanceConfig"] = map[string]any{"latency": r.PerformanceConfig.Latency}
	}
	if r.ServiceTier != nil {
		end["serviceTier"] = map[string]any{"type": r.ServiceTier.Type}
	}
	if r.GuardrailConfig == nil || !strings.HasPrefix(r.GuardrailConfig.Trace, "enabled") {
		return
	}
	found := map[string]any{}
	if slices.Contains(r.guarded, "topic") {
		found["inputAssessment"] = map[string]any{GuardrailID: map[string]any{
			"topicPolicy": map[string]any{"topics": []any{map[string]any{"name": "政治", "type": "DENY", "action": "BLOCKED"}}},
			"wordPolicy":  map[string]any{"customWords": []any{map[string]any{"match": ForbiddenTopic, "action": "BLOCKED"}}},
			"contentPolicy": map[string]any{"filters": []any{
				map[string]any{"type": "HATE", "confidence": "LOW", "action": "NONE"},
			}},
		}}
	}
	if slices.Contains(r.guarded, "email") {
		found["outputAssessments"] = map[string]any{GuardrailID: []any{map[string]any{
			"sensitiveInformationPolicy": map[string]any{"piiEntities": []any{
				map[string]any{"match": "taro@example.lg.jp", "type": "EMAIL", "action": "ANONYMIZED"},
			}},
		}}}
	}
	end["trace"] = map[string]any{"guardrail": found}
}

// asked returns the fields of the model's own answer that were asked for.
func (r *converseRequest) asked(stop string) map[string]any {
	if len(r.AdditionalModelResponseFieldPaths) == 0 {
		return nil
	}
	fields := map[string]any{}
	for _, path := range r.AdditionalModelResponseFieldPaths {
		if path == "/stop_reason" {
			fields["stop_reason"] = stop
		}
	}
	return fields
}

var metadataText = regexp.MustCompile(`^[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}$`)

// isGuardrail reports whether there is a guardrail of that id and version.
func isGuardrail(id, version string) bool {
	return id == GuardrailID && (version == "1" || version == "DRAFT") || slices.ContainsFunc(defaultGuardrails, func(g Guardrail) bool {
		return g.ID == id && (version == "DRAFT" || slices.Contains(g.Versions, version))
	})
}

// optionProblem says what Bedrock would reject about what is asked of itself.
func (r *converseRequest) optionProblem() string {
	if g := r.GuardrailConfig; g != nil && !isGuardrail(g.ID, g.Version) {
		return "The guardrail identifier or version provided in the request does not exist."
	}
	if p := r.PerformanceConfig; p != nil && p.Latency != "standard" && p.Latency != "optimized" {
		return "Value at 'performanceConfig.latency' failed to satisfy constraint: Member must satisfy enum value set: [standard, optimized]"
	}
	if t := r.ServiceTier; t != nil && !slices.Contains([]string{"priority", "default", "flex", "reserved"}, t.Type) {
		return "Value at 'serviceTier.type' failed to satisfy constraint: Member must satisfy enum value set: [priority, default, flex, reserved]"
	}
	if len(r.AdditionalModelResponseFieldPaths) > 10 || len(r.RequestMetadata) > 16 {
		return "1 validation error detected: a list or map of the request is too long."
	}
	for name, value := range r.RequestMetadata {
		if name == "" || !metadataText.MatchString(name) || !metadataText.MatchString(value) {
			return "Value at 'requestMetadata' failed to satisfy constraint: Map value must satisfy constraint"
		}
	}
	return ""
}
