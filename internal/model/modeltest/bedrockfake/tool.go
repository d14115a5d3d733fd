package bedrockfake

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	toolName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
	toolID   = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`) // as Claude wants them
)

// streaming says what Bedrock would say of a model that does not stream.
func (c *call) streaming(base string, req *converseRequest, stream bool) string {
	for _, m := range c.opts.Models {
		switch {
		case m.ID != base || !stream:
		case m.NoStream:
			return "The model is unsupported for streaming."
		case m.NoToolStream && req.ToolConfig != nil:
			return "This model doesn't support tool use in streaming mode."
		}
	}
	return ""
}

// toolProblem says what Bedrock would reject about tools and their results.
func (r *converseRequest) toolProblem(model string) string {
	offered := map[string]bool{}
	if r.ToolConfig != nil {
		for i, tool := range r.ToolConfig.Tools {
			switch spec := tool.ToolSpec; {
			case tool.CachePoint != nil:
				if !strings.HasPrefix(model, "anthropic.") {
					return "This model doesn't support the cachePoint field in tools. Remove cachePoint and try again."
				}
			case spec == nil || !toolName.MatchString(spec.Name):
				return fmt.Sprintf("1 validation error detected: Value at 'toolConfig.tools.%d.member.toolSpec.name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+", i+1)
			case spec.InputSchema.JSON["type"] != "object":
				return fmt.Sprintf("The value at toolConfig.tools.%d.toolSpec.inputSchema.json.type must be one of the following: object.", i)
			case offered[spec.Name]:
				return "The toolConfig.tools list has duplicate tool names."
			default:
				offered[spec.Name] = true
			}
		}
		if tool, ok := r.ToolConfig.ToolChoice["tool"]; ok && !offered[tool.Name] {
			return "The toolChoice names a tool that is not in toolConfig.tools."
		}
	}
	var open []string // ids of the message before
	for i, m := range r.Messages {
		var used, answered []string
		others := false
		for j, b := range m.Content {
			at := fmt.Sprintf("messages.%d.content.%d", i, j)
			switch {
			case b.ToolUse != nil:
				if !toolID.MatchString(b.ToolUse.ID) || !toolName.MatchString(b.ToolUse.Name) || m.Role != "assistant" {
					return "The toolUse block at " + at + " is malformed."
				}
				if len(b.ToolUse.Input) == 0 || b.ToolUse.Input[0] != '{' {
					return "The format of the value at " + at + ".toolUse.input is invalid. Provide a json object for the field and try again."
				}
				used = append(used, b.ToolUse.ID)
			case b.ToolResult != nil:
				switch {
				case m.Role != "user":
					return "The toolResult block at " + at + " is malformed."
				case len(b.ToolResult.Content) == 0:
					return "The content field at " + at + ".toolResult cannot be empty."
				case others && strings.HasPrefix(model, "anthropic."):
					return fmt.Sprintf("The model returned the following errors: messages.%d: `tool_use` ids were found without `tool_result` blocks immediately after: %s. Each `tool_use` block must have a corresponding `tool_result` block in the next message.", i-1, b.ToolResult.ID)
				case !slices.Contains(open, b.ToolResult.ID):
					return fmt.Sprintf("The number of toolResult blocks at messages.%d.content exceeds the number of toolUse blocks of previous turn.", i)
				}
				answered = append(answered, b.ToolResult.ID)
			default:
				others = true
			}
		}
		missing := slices.DeleteFunc(open, func(id string) bool { return slices.Contains(answered, id) })
		if len(missing) > 0 {
			return fmt.Sprintf("Expected toolResult blocks at messages.%d.content for the following Ids: %s", i, strings.Join(missing, ", "))
		}
		if len(used)+len(answered) > 0 && r.ToolConfig == nil {
			return "The toolConfig field must be defined when using toolUse and toolResult content blocks."
		}
		open = used
	}
	if len(open) > 0 {
		return fmt.Sprintf("Expected toolResult blocks at messages.%d.content for the following Ids: %s", len(r.Messages), strings.Join(open, ", "))
	}
	return r.thoughtProblem(model)
}

// thoughtProblem knows what Claude demands of tools while it thinks.
func (r *converseRequest) thoughtProblem(model string) string {
	thinking, _ := r.AdditionalModelRequestFields["thinking"].(map[string]any)
	if thinking == nil || !strings.HasPrefix(model, "anthropic.") {
		return ""
	}
	if r.ToolConfig != nil {
		for choice := range r.ToolConfig.ToolChoice {
			if choice != "auto" {
				return "The model returned the following errors: Thinking may not be enabled when tool_choice forces tool use."
			}
		}
	}
	if thinking["type"] != "enabled" {
		return ""
	}
	begin := len(r.Messages)
	for i, m := range slices.Backward(r.Messages) {
		if m.Role == "user" && !slices.ContainsFunc(m.Content, func(b block) bool { return b.ToolResult != nil }) {
			break
		}
		begin = i
	}
	for i, m := range r.Messages[begin:] {
		if m.Role == "assistant" {
			if m.Content[0].ReasoningContent == nil {
				return fmt.Sprintf("The model returned the following errors: messages.%d.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks).", begin+i) //nolint:misspell // so does the real one
			}
			break
		}
	}
	return ""
}
