package bedrockfake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"kakoi/internal/model/modeltest/script"
)

// The parts of Converse's request that the fake reads.
type converseRequest struct {
	Messages []struct {
		Role    string  `json:"role"`
		Content []block `json:"content"`
	} `json:"messages"`
	System          []block `json:"system"`
	InferenceConfig struct {
		MaxTokens   *int     `json:"maxTokens"`
		Temperature *float64 `json:"temperature"`
		TopP        *float64 `json:"topP"`
	} `json:"inferenceConfig"`
	AdditionalModelRequestFields      map[string]any `json:"additionalModelRequestFields"`
	AdditionalModelResponseFieldPaths []string       `json:"additionalModelResponseFieldPaths"`

	ToolConfig *struct {
		Tools []struct {
			ToolSpec *struct {
				Name        string `json:"name"`
				InputSchema struct {
					JSON map[string]any `json:"json"`
				} `json:"inputSchema"`
			} `json:"toolSpec"`
			CachePoint *struct{} `json:"cachePoint"`
		} `json:"tools"`
		ToolChoice map[string]struct {
			Name string `json:"name"`
		} `json:"toolChoice"`
	} `json:"toolConfig"`
	GuardrailConfig *struct {
		ID      string `json:"guardrailIdentifier"`
		Version string `json:"guardrailVersion"`
		Trace   string `json:"trace"`
	} `json:"guardrailConfig"`
	PerformanceConfig *struct {
		Latency string `json:"latency"`
	} `json:"performanceConfig"`
	ServiceTier *struct {
		Type string `json:"type"`
	} `json:"serviceTier"`
	RequestMetadata map[string]string `json:"requestMetadata"`

	guarded []string // what the guardrail found, after guardrail
}

type block struct {
	Text  *string `json:"text"`
	Image *struct {
		Format string `json:"format"`
		Source struct {
			Bytes []byte `json:"bytes"`
		} `json:"source"`
	} `json:"image"`
	Document *struct {
		Format string `json:"format"`
		Name   string `json:"name"`
		Source struct {
			Bytes []byte `json:"bytes"`
		} `json:"source"`
	} `json:"document"`
	Video *struct {
		Format string `json:"format"`
		Source struct {
			Bytes []byte `json:"bytes"`
		} `json:"source"`
	} `json:"video"`
	ToolUse *struct {
		ID    string          `json:"toolUseId"`
		Name  string          `json:"name"`
		Input json.RawMessage `json:"input"`
	} `json:"toolUse"`
	ToolResult *struct {
		ID      string  `json:"toolUseId"`
		Content []block `json:"content"`
		Status  string  `json:"status"`
	} `json:"toolResult"`
	GuardContent *struct {
		Text struct {
			Text string `json:"text"`
		} `json:"text"`
	} `json:"guardContent"`
	ReasoningContent *struct {
		ReasoningText *struct {
			Text      string `json:"text"`
			Signature string `json:"signature"`
		} `json:"reasoningText"`
		RedactedContent []byte `json:"redactedContent"`
	} `json:"reasoningContent"`
	CachePoint *struct {
		Type string `json:"type"`
	} `json:"cachePoint"`
}

// Signature seals the fake's reasoning; a block sent back must carry it.
const Signature = "ZmFrZS1zaWduYXR1cmU="

// named returns the model that a path names, once the caller is admitted;
// otherwise it has answered.
func (c *call) named(escapedModel string) (id string, ok bool) {
	id, err := url.PathUnescape(escapedModel)
	if err != nil {
		c.fail(400, "ValidationException", "The provided model identifier is invalid.")
		return "", false
	}
	c.rec.Model = id
	return id, c.admitted("bedrock")
}

// converse answers Converse and ConverseStream.
func (c *call) converse(escapedModel string, stream bool) (gone bool) {
	id, ok := c.named(escapedModel)
	if !ok {
		return false
	}
	var req converseRequest
	if err := json.Unmarshal(c.rec.Body, &req); err != nil {
		c.fail(400, "SerializationException", "The request body cannot be read.")
		return false
	}
	base, problem := c.resolve(id)
	if problem == "" {
		problem = c.streaming(base, &req, stream)
	}
	if problem == "" {
		problem = req.problem(base)
	}
	if problem != "" {
		c.fail(400, "ValidationException", problem)
		return false
	}

	turn := req.turn(len(c.rec.Body))
	sc := c.opts.Script(turn)
	req.guard(turn.Text, &sc)
	if sc.TokensPerSecond == 0 {
		sc.TokensPerSecond = c.opts.Rate
	}
	if req.cachePoints() {
		sc.Usage.CacheWrite = sc.Usage.Input / 2
		sc.Usage.Input -= sc.Usage.CacheWrite
	}
	sc.Fault = c.tries.Fault(id+"\x00"+turn.Text, sc)
	if e := c.refusal(sc, base); e != nil {
		c.refuseWith(*e)
		return false
	}
	if sc.Fault == script.FaultSilence && sc.FaultAfter < 0 {
		return c.silence()
	}
	if stream {
		return c.stream(sc, &req)
	}
	return c.whole(sc, &req)
}

// silence waits until the client or the fake ends.
func (c *call) silence() (gone bool) {
	<-c.r.Context().Done()
	return true
}

// resolve finds the foundation model behind any form of id, or says why not.
func (c *call) resolve(id string) (base, problem string) {
	bare := id
	if strings.HasPrefix(id, "arn:") {
		i := strings.LastIndexByte(id, '/')
		if i < 0 || !strings.HasPrefix(id, "arn:aws:bedrock:"+c.opts.Region+":") {
			return "", "The provided model identifier is invalid."
		}
		bare = id[i+1:]
	}
	for _, p := range c.opts.Profiles {
		if p.ID == bare {
			return p.Model, ""
		}
	}
	for _, m := range c.opts.Models {
		if m.ID != bare {
			continue
		}
		if m.ProfileOnly {
			return "", "Invocation of model ID " + id + " with on-demand throughput isn\u2019t supported. " +
				"Retry your request with the ID or ARN of an inference profile that contains this model."
		}
		return m.ID, ""
	}
	return "", "The provided model identifier is invalid."
}

var documentName = regexp.MustCompile(`^[A-Za-z0-9()\[\]-]+( [A-Za-z0-9()\[\]-]+)*$`)

// problem says what Bedrock would reject about the request.
func (r *converseRequest) problem(model string) string {
	if len(r.Messages) == 0 || r.Messages[0].Role != "user" {
		return "A conversation must start with a user message. Try again with a conversation that starts with a user message."
	}
	names := map[string]bool{}
	for i, m := range r.Messages {
		if i > 0 && m.Role == r.Messages[i-1].Role {
			return "A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again."
		}
		if len(m.Content) == 0 {
			return fmt.Sprintf("The content field in the Message object at messages.%d is empty. Add a ContentBlock object to the content field and try again.", i)
		}
		texts, documents, videos := 0, 0, 0
		for j, b := range m.Content {
			at := fmt.Sprintf("messages.%d.content.%d", i, j)
			switch {
			case b.Text != nil:
				texts++
				if strings.TrimSpace(*b.Text) == "" {
					return "The text field in the ContentBlock object at " + at + " is blank. Add text to the text field, and try again."
				}
				last := i == len(r.Messages)-1 && j == len(m.Content)-1
				if last && m.Role == "assistant" && strings.TrimRightFunc(*b.Text, unicode.IsSpace) != *b.Text {
					return "final assistant content cannot end with trailing whitespace"
				}
			case b.Image != nil:
				if m.Role != "user" {
					return "Images are only allowed in user messages."
				}
				got, ok := script.Look(b.Image.Source.Bytes)
				if !ok || got.Format != b.Image.Format {
					return "The model returned the following errors: " + at + ".image.source.base64: Could not process image"
				}
			case b.Document != nil:
				documents++
				switch {
				case m.Role != "user":
					return "Documents are only allowed in user messages."
				case !documentName.MatchString(b.Document.Name) || len(b.Document.Name) > 200:
					return "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and square brackets."
				case names[b.Document.Name]:
					return "Two documents have the same name. Rename one of them and try again."
				case len(b.Document.Source.Bytes) == 0:
					return "The document at " + at + " is empty."
				}
				names[b.Document.Name] = true
			case b.ReasoningContent != nil:
				t := b.ReasoningContent.ReasoningText
				if m.Role != "assistant" || (t != nil && t.Signature != Signature) {
					return "The model returned the following errors: " + at + ": Invalid `signature` in `thinking` block"
				}
			case b.GuardContent != nil:
				texts++
				if r.GuardrailConfig == nil {
					return "The guardContent field is not supported without a guardrailConfig."
				}
			case b.Video != nil:
				videos++
				if m.Role != "user" || !strings.HasPrefix(model, "amazon.nova") {
					return "This model doesn't support the video field. Remove video and try again."
				}
			case b.ToolUse != nil, b.ToolResult != nil: // toolProblem
			case b.CachePoint != nil:
				if b.CachePoint.Type != "default" {
					return "Invalid cache point."
				}
				if strings.HasPrefix(model, "amazon.nova") && j > 0 && m.Content[j-1].ToolResult != nil {
					return "The cachePoint is not allowed after a toolResult."
				}
			default:
				return "The content block at " + at + " is empty or of an unknown type."
			}
		}
		switch {
		case documents > 0 && texts == 0:
			return "The document in messages needs to be accompanied by text."
		case documents > 5:
			return "The message holds more than 5 documents."
		case videos > 1:
			return "The message holds more than 1 video."
		}
	}
	if problem := r.toolProblem(model); problem != "" {
		return problem
	}
	if problem := r.optionProblem(); problem != "" {
		return problem
	}
	return r.parameterProblem(model)
}

// parameterProblem knows the models' own demands on parameters.
func (r *converseRequest) parameterProblem(model string) string {
	conf := r.InferenceConfig
	claude := strings.HasPrefix(model, "anthropic.")
	adaptive := claude && slices.ContainsFunc([]string{"-4-7", "-4-8", "-5-5", "-opus-5", "-sonnet-5"}, func(s string) bool {
		return strings.Contains(model, s)
	})
	switch {
	case conf.MaxTokens != nil && *conf.MaxTokens < 1:
		return "Value at 'inferenceConfig.maxTokens' failed to satisfy constraint: Member must have value greater than or equal to 1"
	case conf.Temperature != nil && (*conf.Temperature < 0 || *conf.Temperature > 1):
		return "Value at 'inferenceConfig.temperature' failed to satisfy constraint: Member must have value less than or equal to 1"
	case conf.TopP != nil && (*conf.TopP < 0 || *conf.TopP > 1):
		return "Value at 'inferenceConfig.topP' failed to satisfy constraint: Member must have value less than or equal to 1"
	case adaptive && conf.Temperature != nil:
		return "The model returned the following errors: `temperature` is deprecated for this model."
	case adaptive && conf.TopP != nil:
		return "The model returned the following errors: `top_p` is deprecated for this model."
	case claude && strings.Contains(model, "-4-5") && conf.Temperature != nil && conf.TopP != nil:
		return "The model returned the following errors: `temperature` and `top_p` cannot both be specified for this model. Please use only one."
	}
	thinking, _ := r.AdditionalModelRequestFields["thinking"].(map[string]any)
	if thinking != nil {
		budget, _ := thinking["budget_tokens"].(float64)
		switch {
		case !claude:
			return "Malformed input request: extraneous key [thinking] is not permitted, please reformat your input and try again."
		case thinking["type"] == "adaptive":
		case thinking["type"] != "enabled":
			return "The model returned the following errors: thinking.type is not supported for this model."
		case adaptive:
			return "The model returned the following errors: \"thinking.type.enabled\" is not supported for this model. Use \"thinking.type.adaptive\" and \"output_config.effort\" to control thinking behavior."
		case budget < 1024 || budget != float64(int(budget)):
			return "The model returned the following errors: thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
		case conf.MaxTokens == nil || float64(*conf.MaxTokens) <= budget:
			return "The model returned the following errors: `max_tokens` must be greater than `thinking.budget_tokens`."
		case conf.Temperature != nil && *conf.Temperature != 1:
			return "The model returned the following errors: `temperature` may only be set to 1 when thinking is enabled."
		case conf.TopP != nil:
			return "The model returned the following errors: `top_p` must be unset when thinking is enabled."
		}
	}
	if nova, _ := r.AdditionalModelRequestFields["reasoningConfig"].(map[string]any); nova != nil {
		if nova["maxReasoningEffort"] == "high" && (conf.MaxTokens != nil || conf.Temperature != nil || conf.TopP != nil) {
			return "inferenceConfig must be unset when maxReasoningEffort is high."
		}
	}
	return ""
}

// turn is what the script needs to know of the request.
func (r *converseRequest) turn(size int) script.Turn {
	t := script.Turn{Prompt: size}
	if n := r.InferenceConfig.MaxTokens; n != nil {
		t.MaxTokens = *n
	}
	for _, k := range []string{"thinking", "reasoningConfig", "reasoning_effort"} {
		if _, ok := r.AdditionalModelRequestFields[k]; ok {
			t.Thinking = true
		}
	}
	if r.ToolConfig != nil {
		for _, tool := range r.ToolConfig.Tools {
			if tool.ToolSpec != nil {
				t.Tools = append(t.Tools, tool.ToolSpec.Name)
			}
		}
	}
	for _, m := range slices.Backward(r.Messages) {
		if m.Role != "user" {
			continue
		}
		for _, b := range m.Content {
			switch {
			case b.Text != nil:
				t.Text += *b.Text
			case b.GuardContent != nil:
				t.Text += b.GuardContent.Text.Text
			case b.ToolResult != nil:
				text := ""
				for _, content := range b.ToolResult.Content {
					if content.Text != nil {
						text += *content.Text
					}
				}
				if b.ToolResult.Status == "error" {
					text = "failed: " + text
				}
				t.Results = append(t.Results, text)
			case b.Image != nil:
				img, _ := script.Look(b.Image.Source.Bytes)
				t.Images = append(t.Images, img)
				t.Prompt -= len(b.Image.Source.Bytes) * 4 / 3 // an image is not counted by its bytes
			case b.Document != nil:
				t.Documents = append(t.Documents, script.Document{Name: b.Document.Name, Size: len(b.Document.Source.Bytes)})
			}
		}
		break
	}
	return t
}

func (r *converseRequest) cachePoints() bool {
	has := func(b block) bool { return b.CachePoint != nil }
	if slices.ContainsFunc(r.System, has) {
		return true
	}
	if r.ToolConfig != nil {
		for _, tool := range r.ToolConfig.Tools {
			if tool.CachePoint != nil {
				return true
			}
		}
	}
	for _, m := range r.Messages {
		if slices.ContainsFunc(m.Content, has) {
			return true
		}
	}
	return false
}

// whole answers Converse. Faults in the middle of a stream have no place here
// but as a connection that breaks.
func (c *call) whole(sc script.Script, req *converseRequest) (gone bool) {
	cadence := c.pacer.Cadence(sc)
	for range len(sc.Reasoning) + len(sc.Deltas) {
		if _, err := cadence.Next(c.r.Context()); err != nil {
			return true
		}
	}
	switch sc.Fault {
	case script.FaultNone:
	case script.FaultSilence:
		return c.silence()
	default:
		panic(http.ErrAbortHandler)
	}
	var content []any
	if len(sc.Reasoning) > 0 {
		content = append(content, map[string]any{"reasoningContent": map[string]any{
			"reasoningText": map[string]any{"text": strings.Join(sc.Reasoning, ""), "signature": Signature},
		}})
	}
	if len(sc.Deltas) > 0 {
		content = append(content, map[string]any{"text": strings.Join(sc.Deltas, "")})
	}
	for _, use := range sc.ToolUses {
		var input any
		if json.Unmarshal([]byte(use.Input), &input) != nil { // Bedrock itself reads it, where it does not stream
			sc.Stop, content = "malformed_tool_use", nil
			break
		}
		content = append(content, map[string]any{"toolUse": map[string]any{"toolUseId": use.ID, "name": use.Name, "input": input}})
	}
	answer := map[string]any{
		"output":     map[string]any{"message": map[string]any{"role": "assistant", "content": content}},
		"stopReason": stopReason(sc),
		"usage":      usageOf(sc.Usage),
		"metrics":    map[string]any{"latencyMs": 12},
	}
	if fields := req.asked(stopReason(sc)); fields != nil {
		answer["additionalModelResponseFields"] = fields
	}
	req.told(answer)
	c.json(http.StatusOK, answer)
	return false
}

func stopReason(sc script.Script) string {
	switch sc.Stop {
	case script.StopLength:
		return "max_tokens"
	case script.StopFiltered:
		return "content_filtered"
	case script.StopTool:
		return "tool_use"
	case stopGuardrail, "malformed_tool_use":
		return string(sc.Stop)
	}
	return "end_turn"
}

func usageOf(u script.Usage) map[string]any {
	out := map[string]any{
		"inputTokens":  u.Input,
		"outputTokens": u.Output,
		"totalTokens":  u.Input + u.Output + u.CacheRead + u.CacheWrite,
	}
	if u.CacheRead+u.CacheWrite > 0 {
		out["cacheReadInputTokens"] = u.CacheRead
		out["cacheWriteInputTokens"] = u.CacheWrite
		out["cacheDetails"] = []any{map[string]any{"ttl": "5m", "inputTokens": u.CacheWrite}}
	}
	return out
}
