package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"

	"kakoi/internal/errs"
)

// Tool is something that a model may ask to have done.
type Tool struct {
	Name        string // 1 to 64 letters, digits, _ and -
	Description string // what it does and when to use it, for the model
	InputSchema json.RawMessage
}

// ToolMode says how free a model is to use tools.
type ToolMode string

// The modes; the empty value leaves the choice to the model.
const (
	ToolAuto  ToolMode = ""
	ToolAny   ToolMode = "any"   // at least one of them
	ToolNamed ToolMode = "named" // the one that ToolChoice names
)

// ToolChoice is which tools a model must use.
type ToolChoice struct {
	Mode ToolMode
	Name string // with ToolNamed
}

// ToolUse is a tool that a model wants called. A model may want several at once.
type ToolUse struct {
	ID    string // tells the uses of one answer apart
	Name  string
	Input json.RawMessage // one JSON object
}

// ToolResult is what came of a ToolUse.
type ToolResult struct {
	ToolUseID string
	Parts     []Part // text, images and documents
	Failed    bool   // the tool could not do it, and Parts say why
}

const (
	maxTools      = 128
	maxToolSchema = 64 << 10
	maxToolText   = 10_000
)

var toolName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// checkTools refuses tools that no provider takes, and a conversation in which
// a use of a tool is not answered in the message after it.
func (c Call) checkTools() error {
	if len(c.Tools) > maxTools {
		return errs.InField("tools", fmt.Sprintf("these are more than %d tools", maxTools))
	}
	known := make(map[string]bool, len(c.Tools))
	for i, tool := range c.Tools {
		field := fmt.Sprintf("tools.%d", i)
		switch {
		case !toolName.MatchString(tool.Name):
			return errs.InField(field+".name", "the name of a tool has 1 to 64 letters, digits, _ and -")
		case known[tool.Name]:
			return errs.InField(field+".name", "there is another tool of this name")
		case len(tool.Description) > maxToolText:
			return errs.InField(field+".description", "the description of a tool is too long")
		case len(tool.InputSchema) > maxToolSchema || !isObject(tool.InputSchema):
			return errs.InField(field+".inputSchema", "the input of a tool is described by a JSON schema of an object")
		}
		known[tool.Name] = true
	}
	switch c.ToolChoice.Mode {
	case ToolAuto:
	case ToolAny:
		if len(c.Tools) == 0 {
			return errs.InField("toolChoice", "there is no tool to use")
		}
	case ToolNamed:
		if !known[c.ToolChoice.Name] {
			return errs.InField("toolChoice.name", "there is no tool of this name")
		}
	default:
		return errs.InField("toolChoice", "a model is free to use tools, must use any, or a named one")
	}
	return checkToolTurns(c.Messages)
}

func checkToolTurns(messages []Message) error {
	open := map[string]bool{} // uses that the next message must answer
	for i, message := range messages {
		field := fmt.Sprintf("messages.%d", i)
		used := map[string]bool{}
		for _, part := range message.Parts {
			switch part.Type {
			case PartToolUse:
				use := part.ToolUse
				if message.Role != RoleAssistant || use == nil || use.ID == "" || used[use.ID] || !toolName.MatchString(use.Name) || !isObject(use.Input) {
					return errs.InField(field, "a use of a tool is the assistant's, with an id of its own, the tool's name and a JSON object as input")
				}
				used[use.ID] = true
			case PartToolResult:
				if message.Role != RoleUser || part.ToolResult == nil || !open[part.ToolResult.ToolUseID] {
					return errs.InField(field, "the result of a tool follows its use")
				}
				delete(open, part.ToolResult.ToolUseID)
			}
		}
		if len(open) > 0 {
			return errs.InField(field, "each use of a tool is answered in the message after it")
		}
		open = used
	}
	if len(open) > 0 {
		return errs.InField("messages", "the last uses of tools have no results")
	}
	return nil
}

// ToolInput returns what a model wrote as the input of a tool, which must be
// one JSON object; nothing at all stands for an empty one. It reports false for
// anything else, such as an object that was cut in the middle.
func ToolInput(written []byte) (json.RawMessage, bool) {
	written = bytes.TrimSpace(written)
	if len(written) == 0 {
		return json.RawMessage("{}"), true
	}
	return bytes.Clone(written), isObject(written)
}

func isObject(b []byte) bool {
	b = bytes.TrimSpace(b)
	return len(b) > 0 && b[0] == '{' && json.Valid(b)
}

// walk visits the parts of messages, those inside the results of tools too.
func walk(messages []Message, visit func(Part) error) error {
	var parts func([]Part) error
	parts = func(list []Part) error {
		for _, p := range list {
			if err := visit(p); err != nil {
				return err
			}
			if p.ToolResult != nil {
				if err := parts(p.ToolResult.Parts); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for _, m := range messages {
		if err := parts(m.Parts); err != nil {
			return err
		}
	}
	return nil
}
