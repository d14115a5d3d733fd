package openai

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"strings"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// Options are the extras of a catalogue entry, in model.Request.Options. The
// zero value fits most servers.
type Options struct {
	// SystemRole is who says the system prompt: "system" (default), "developer",
	// or "user" for models whose template knows no system role.
	SystemRole string `json:"systemRole,omitempty"`
	// ThinkTags tells how thinking stands in the content: "" not at all,
	// "tagged" between <think> and </think> at its start, "open" from the start
	// to </think>, for templates that put <think> into the prompt.
	ThinkTags string `json:"thinkTags,omitempty"`
	// MaxCompletionTokens sends max_completion_tokens in place of max_tokens.
	MaxCompletionTokens bool `json:"maxCompletionTokens,omitempty"`
	// Extra is merged into the request body, for what a server has beyond the
	// protocol: {"top_k": 20, "chat_template_kwargs": {"enable_thinking": false}}.
	Extra map[string]json.RawMessage `json:"extra,omitempty"`
}

// ParseOptions reads the options of a catalogue entry and refuses what it does
// not know, so that a misspelt option is not silently without effect.
func ParseOptions(raw json.RawMessage) (Options, error) {
	var o Options
	if len(raw) == 0 {
		return o, nil
	}
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil {
		return o, errs.InField("options", "the options of the model cannot be read: "+err.Error())
	}
	switch o.SystemRole {
	case "", "system", "developer", "user":
	default:
		return o, errs.InField("options.systemRole", "systemRole must be system, developer or user")
	}
	switch o.ThinkTags {
	case "", "tagged", "open":
	default:
		return o, errs.InField("options.thinkTags", "thinkTags must be tagged, open or empty")
	}
	for _, name := range []string{"model", "messages", "stream", "stream_options"} {
		if _, ok := o.Extra[name]; ok {
			return o, errs.InField("options.extra", "extra must not set "+name)
		}
	}
	return o, nil
}

type wireMessage struct {
	Role       string         `json:"role"`
	Content    any            `json:"content"` // a string where all is text, as some servers take nothing else
	ToolCalls  []wireToolCall `json:"tool_calls,omitempty"`
	ToolCallID string         `json:"tool_call_id,omitempty"`
}

type wirePart struct {
	Type     string    `json:"type"`
	Text     string    `json:"text,omitempty"`
	ImageURL *wireURL  `json:"image_url,omitempty"`
	File     *wireFile `json:"file,omitempty"`
}

type wireURL struct {
	URL string `json:"url"`
}

type wireFile struct {
	Filename string `json:"filename"`
	FileData string `json:"file_data"`
}

// toWire returns the body of a chat completions request.
func toWire(req model.Request, o Options, q quirks) ([]byte, error) {
	messages, err := wireMessages(req, o)
	if err != nil {
		return nil, err
	}
	body := make(map[string]any, 8+len(o.Extra))
	for name, value := range o.Extra {
		body[name] = value
	}
	fields := map[string]any{"model": req.Model, "messages": messages, "stream": true}
	if !q.noStreamOptions {
		fields["stream_options"] = map[string]bool{"include_usage": true}
	}
	if len(req.Tools) > 0 {
		if !req.Capabilities.Tools {
			return nil, errs.New(errs.ModelInput, "this model does not use tools").With("kind", "tool").With("reason", "no_tools")
		}
		fields["tools"] = wireTools(req.Tools)
		switch req.ToolChoice.Mode {
		case model.ToolAny:
			fields["tool_choice"] = "required"
		case model.ToolNamed:
			fields["tool_choice"] = map[string]any{"type": "function", "function": map[string]string{"name": req.ToolChoice.Name}}
		}
	}
	p := req.Parameters
	if p.Temperature != nil {
		fields["temperature"] = *p.Temperature
	}
	if p.TopP != nil {
		fields["top_p"] = *p.TopP
	}
	if p.MaxTokens != nil {
		if o.MaxCompletionTokens || q.maxCompletionTokens {
			fields["max_completion_tokens"] = *p.MaxTokens
		} else {
			fields["max_tokens"] = *p.MaxTokens
		}
	}
	if p.ReasoningEffort != "" && req.Capabilities.Reasoning {
		fields["reasoning_effort"] = string(p.ReasoningEffort)
	}
	maps.Copy(body, fields)
	b, err := json.Marshal(body)
	if err != nil {
		return nil, errs.Wrap(errs.ModelInvalidRequest, "the request to the model could not be written", err)
	}
	return b, nil
}

// wireMessages translates the conversation. Neighbours of one role become one
// message, because many chat templates insist on turns that alternate; messages
// without content, such as an answer that failed at once, are left out.
func wireMessages(req model.Request, o Options) ([]wireMessage, error) {
	type turn struct {
		role   string
		parts  []wirePart
		calls  []wireToolCall
		callID string
	}
	var turns []turn
	add := func(role string, parts []wirePart, calls ...wireToolCall) {
		if len(parts)+len(calls) == 0 {
			return
		}
		if n := len(turns); n > 0 && turns[n-1].role == role {
			turns[n-1].parts = append(turns[n-1].parts, parts...)
			turns[n-1].calls = append(turns[n-1].calls, calls...)
			return
		}
		turns = append(turns, turn{role: role, parts: parts, calls: calls})
	}
	if req.System != "" {
		role := o.SystemRole
		if role == "" {
			role = "system"
		}
		add(role, []wirePart{{Type: "text", Text: req.System}})
	}
	docs := 0
	// media translates the images and documents among parts.
	media := func(list []model.Part) ([]wirePart, error) {
		var parts []wirePart
		for _, p := range list {
			switch p.Type {
			case model.PartImage:
				if !req.Capabilities.Vision {
					return nil, errs.New(errs.ModelInput, "this model does not take images").With("kind", "image")
				}
				if p.Media == nil || len(p.Media.Data) == 0 {
					return nil, errs.New(errs.ModelInput, "the image is empty").With("kind", "image")
				}
				parts = append(parts, wirePart{Type: "image_url", ImageURL: &wireURL{dataURL(p.Media)}})
			case model.PartDocument:
				if !req.Capabilities.Documents {
					return nil, errs.New(errs.ModelInput, "this model does not take document files").With("kind", "document")
				}
				if p.Media == nil || len(p.Media.Data) == 0 {
					return nil, errs.New(errs.ModelInput, "the document is empty").With("kind", "document")
				}
				docs++
				parts = append(parts, wirePart{Type: "file", File: &wireFile{neutralName(docs, p.Media.MediaType), dataURL(p.Media)}})
			}
		}
		return parts, nil
	}
	said := false
	for _, m := range req.Messages {
		var parts, shown []wirePart
		var calls []wireToolCall
		for _, p := range results(m.Parts) {
			switch p.Type {
			case model.PartText:
				if strings.TrimSpace(p.Text) != "" {
					parts = append(parts, wirePart{Type: "text", Text: p.Text})
				}
			case model.PartReasoning: // never sent back: servers drop or refuse it
			case model.PartToolUse:
				calls = append(calls, wireToolCall{ID: p.ToolUse.ID, Type: "function", Function: wireFunction{Name: p.ToolUse.Name, Arguments: wireArguments(p.ToolUse.Input)}})
			case model.PartToolResult:
				turns = append(turns, turn{role: "tool", callID: p.ToolResult.ToolUseID, parts: []wirePart{{Type: "text", Text: resultText(p.ToolResult)}}})
				more, err := media(p.ToolResult.Parts)
				if err != nil {
					return nil, err
				}
				shown = append(shown, more...)
			case model.PartImage, model.PartDocument:
				more, err := media([]model.Part{p})
				if err != nil {
					return nil, err
				}
				parts = append(parts, more...)
			default:
				return nil, errs.Newf(errs.ModelInput, "this model does not take parts of the kind %s", p.Type)
			}
		}
		said = said || len(parts)+len(calls) > 0
		// What a tool shows follows its results, which are text alone.
		add(string(m.Role), append(shown, parts...), calls...)
	}
	if !said {
		return nil, errs.New(errs.ModelInvalidRequest, "there is nothing to send to the model")
	}
	out := make([]wireMessage, len(turns))
	for i, t := range turns {
		out[i] = wireMessage{Role: t.role, Content: content(t.parts), ToolCalls: t.calls, ToolCallID: t.callID}
		if len(t.parts) == 0 {
			out[i].Content = nil // nothing but calls
		}
	}
	return out, nil
}

// content is a plain string where all parts are text.
func content(parts []wirePart) any {
	texts := make([]string, len(parts))
	for i, p := range parts {
		if p.Type != "text" {
			return parts
		}
		texts[i] = p.Text
	}
	return strings.Join(texts, "\n\n")
}

func dataURL(m *model.Media) string {
	return "data:" + m.MediaType + ";base64," + base64.StdEncoding.EncodeToString(m.Data)
}

// neutralName is what the model reads as the file's name: the name that a
// person gave may say more than the person meant to send.
func neutralName(n int, mediaType string) string {
	ext := map[string]string{
		"application/pdf": ".pdf", "text/plain": ".txt", "text/markdown": ".md", "text/csv": ".csv", "text/html": ".html",
		"application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":       ".xlsx",
	}[mediaType]
	if ext == "" {
		if all, _ := mime.ExtensionsByType(mediaType); len(all) > 0 {
			ext = all[0]
		}
	}
	return fmt.Sprintf("document-%d%s", n, ext)
}
