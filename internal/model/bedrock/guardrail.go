package bedrock

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"kakoi/internal/model"
)

// trace is what came with an answer about how it was made. Of a guardrail's
// assessment the matches are not read: they are the person's words.
type trace struct {
	Guardrail struct {
		Input  map[string]assessment   `json:"inputAssessment"`
		Output map[string][]assessment `json:"outputAssessments"`
	} `json:"guardrail"`
}

type assessment struct {
	Topic struct {
		Topics []finding `json:"topics"`
	} `json:"topicPolicy"`
	Content struct {
		Filters []finding `json:"filters"`
	} `json:"contentPolicy"`
	Word struct {
		Custom  []wordFinding `json:"customWords"`
		Managed []finding     `json:"managedWordLists"`
	} `json:"wordPolicy"`
	Sensitive struct {
		Entities []finding `json:"piiEntities"`
		Regexes  []finding `json:"regexes"`
	} `json:"sensitiveInformationPolicy"`
	Grounding struct {
		Filters []finding `json:"filters"`
	} `json:"contextualGroundingPolicy"`
}

// finding is one rule that was looked at: by its name, or by its type where it
// has none.
type finding struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Action string `json:"action"`
}

// wordFinding is a word of the guardrail's own list, which is what was said.
type wordFinding struct {
	Action string `json:"action"`
}

// interventions are the rules that did something.
func (t trace) interventions() []model.Intervention {
	var out []model.Intervention
	for _, id := range slices.Sorted(maps.Keys(t.Guardrail.Input)) {
		out = t.Guardrail.Input[id].add(out, id, "input")
	}
	for _, id := range slices.Sorted(maps.Keys(t.Guardrail.Output)) {
		for _, a := range t.Guardrail.Output[id] {
			out = a.add(out, id, "output")
		}
	}
	return out
}

func (a assessment) add(out []model.Intervention, id, side string) []model.Intervention {
	note := func(policy, rule, action string) {
		if action == "" || action == "NONE" {
			return
		}
		out = append(out, model.Intervention{Guardrail: id, Side: side, Policy: policy, Rule: rule, Action: strings.ToLower(action)})
	}
	for _, f := range a.Topic.Topics { // their type is DENY, always
		note("topic", f.Name, f.Action)
	}
	for _, f := range a.Content.Filters {
		note("content", f.Type, f.Action)
	}
	for _, f := range a.Word.Custom {
		note("word", "", f.Action)
	}
	for _, f := range a.Word.Managed {
		note("word", f.Type, f.Action)
	}
	for _, f := range slices.Concat(a.Sensitive.Entities, a.Sensitive.Regexes) {
		note("sensitive", cmp.Or(f.Type, f.Name), f.Action)
	}
	for _, f := range a.Grounding.Filters {
		note("grounding", f.Type, f.Action)
	}
	return out
}
