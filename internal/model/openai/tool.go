package openai

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

type wireTool struct {
	Type     string          `json:"type"`
	Function wireDeclaration `json:"function"`
}

type wireDeclaration struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters"`
}

// wireToolCall is a call of a tool, whole in a request and piece by piece in a
// stream.
type wireToolCall struct {
	Index    *int         `json:"index,omitempty"`
	ID       string       `json:"id,omitempty"`
	Type     string       `json:"type,omitempty"`
	Function wireFunction `json:"function"`
}

type wireFunction struct {
	Name      string        `json:"name,omitempty"`
	Arguments wireArguments `json:"arguments"`
}

// wireArguments is JSON in a string. Some servers send it as it is.
type wireArguments string

// UnmarshalJSON implements json.Unmarshaler for both forms.
func (a *wireArguments) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		*a = wireArguments(b)
		return nil
	}
	return json.Unmarshal(b, (*string)(a))
}

func wireTools(tools []model.Tool) []wireTool {
	out := make([]wireTool, len(tools))
	for i, t := range tools {
		out[i] = wireTool{Type: "function", Function: wireDeclaration{Name: t.Name, Description: t.Description, Parameters: t.InputSchema}}
	}
	return out
}

// results returns parts with the results of tools first: nothing may stand
// between a call and its result.
func results(parts []model.Part) []model.Part {
	rank := func(p model.Part) int {
		if p.Type == model.PartToolResult {
			return 0
		}
		return 1
	}
	return slices.SortedStableFunc(slices.Values(parts), func(a, b model.Part) int { return rank(a) - rank(b) })
}

// resultText is what a tool said. The protocol has no mark for one that failed.
func resultText(r *model.ToolResult) string {
	var texts []string
	for _, p := range r.Parts {
		if p.Type == model.PartText {
			texts = append(texts, p.Text)
		}
	}
	text := strings.Join(texts, "\n\n")
	if r.Failed {
		return strings.TrimSpace("Error: " + text)
	}
	return text
}

// The bounds of what a model may want of tools in one answer.
const (
	maxCalls     = 128
	maxArguments = 4 << 20
)

// calls gathers the pieces of calls of tools.
type calls struct {
	list   []*call
	excess bool // there are too many, or one is too long
}

type call struct {
	index int
	id    string
	name  string
	input strings.Builder
}

// add takes one piece. Calls are told apart by their index; but some servers
// leave it out or always send 0, with an id of its own for each call.
func (c *calls) add(piece wireToolCall) {
	index := len(c.list)
	switch {
	case piece.Index != nil:
		index = *piece.Index
	case piece.ID == "" && len(c.list) > 0:
		index = c.list[len(c.list)-1].index // more of the last
	}
	var at *call
	for _, known := range slices.Backward(c.list) {
		if known.index == index {
			at = known
			break
		}
	}
	if at == nil || piece.ID != "" && at.id != "" && piece.ID != at.id {
		if len(c.list) == maxCalls {
			c.excess = true
			return
		}
		at = &call{index: index}
		c.list = append(c.list, at)
	}
	if at.id == "" {
		at.id = piece.ID
	}
	if at.name == "" {
		at.name = piece.Function.Name
	}
	if at.input.Len()+len(piece.Function.Arguments) > maxArguments {
		c.excess = true
		return
	}
	at.input.WriteString(string(piece.Function.Arguments))
}

// uses returns the calls as uses of tools, and false if one of them is torn.
func (c *calls) uses() ([]model.ToolUse, bool) {
	whole := !c.excess
	var out []model.ToolUse
	seen := map[string]bool{}
	for i, made := range c.list {
		input, ok := model.ToolInput([]byte(made.input.String()))
		if !ok || made.name == "" {
			whole = false
			continue
		}
		id := made.id
		for n := i + 1; id == "" || seen[id]; n++ { // some servers give none, or the same to all
			id = "call_" + strconv.Itoa(n)
		}
		seen[id] = true
		out = append(out, model.ToolUse{ID: id, Name: made.name, Input: input})
	}
	return out, whole
}

// tellCalls yields the calls of an answer that came to its end for reason. The
// output limit may have cut the last one, which then is left out; otherwise a
// torn one is the model's failure.
func (a *answer) tellCalls(reason model.StopReason) (model.StopReason, error) {
	if len(a.calls.list) == 0 {
		return reason, nil
	}
	uses, whole := a.calls.uses()
	if !whole && reason != model.StopLength && reason != model.StopFiltered {
		return "", errs.Wrap(errs.ModelFailed, "the model's answer was malformed", errors.New("the input of a tool is no JSON object")).
			With("reason", "malformed_tool_use").With("host", a.c.base.Host)
	}
	for _, use := range uses {
		if !a.yield(model.Event{Type: model.EventToolUse, ToolUse: use}, nil) {
			return "", errLeft
		}
	}
	if reason == model.StopEnd {
		reason = model.StopTool // servers differ in what they call this end
	}
	return reason, nil
}
