package openai

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"kakoi/internal/model"
)

// wireChunk is a chunk of a stream, or a whole answer.
type wireChunk struct {
	Choices []wireChoice    `json:"choices"`
	Usage   *wireUsage      `json:"usage"`
	Error   json.RawMessage `json:"error"`

	// An older vLLM writes its error without an envelope.
	Object  string          `json:"object"`
	Message json.RawMessage `json:"message"`
}

func (c wireChunk) failed() bool {
	return len(c.Error) > 0 && !bytes.Equal(c.Error, []byte("null")) || c.Object == "error"
}

// errorBody is the error in the form that parseError reads.
func (c wireChunk) errorBody() []byte {
	if c.Object == "error" && len(c.Error) == 0 {
		return append(append([]byte(`{"error":{"message":`), c.Message...), `}}`...)
	}
	return append(append([]byte(`{"error":`), c.Error...), '}')
}

type wireChoice struct {
	Delta        wireDelta  `json:"delta"`
	Message      *wireDelta `json:"message"` // of an answer that is no stream
	FinishReason string     `json:"finish_reason"`
}

type wireDelta struct {
	Content          wireContent    `json:"content"`
	ReasoningContent string         `json:"reasoning_content"` // DeepSeek, vLLM, llama.cpp
	Reasoning        string         `json:"reasoning"`         // Ollama, OpenRouter, newer vLLM
	Refusal          string         `json:"refusal"`
	ToolCalls        []wireToolCall `json:"tool_calls"`
}

// wireContent is a string, or a list of parts (Mistral).
type wireContent struct{ Text, Thinking string }

// UnmarshalJSON implements json.Unmarshaler for both forms.
func (c *wireContent) UnmarshalJSON(b []byte) error {
	if b[0] == '"' && bytes.IndexByte(b, '\\') < 0 && utf8.Valid(b) {
		c.Text = string(b[1 : len(b)-1]) // most tokens; to decode them again finds the same
		return nil
	}
	if b[0] != '[' {
		return json.Unmarshal(b, &c.Text)
	}
	var parts []struct {
		Type     string      `json:"type"`
		Text     string      `json:"text"`
		Thinking wireContent `json:"thinking"`
	}
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	for _, p := range parts {
		c.Text += p.Text
		c.Thinking += p.Thinking.Text
	}
	return nil
}

type wireUsage struct {
	PromptTokens        int `json:"prompt_tokens"`
	CompletionTokens    int `json:"completion_tokens"`
	PromptTokensDetails struct {
		CachedTokens int `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
	CompletionTokensDetails struct {
		ReasoningTokens int `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
	PromptCacheHitTokens int `json:"prompt_cache_hit_tokens"` // DeepSeek
}

func (u *wireUsage) usage() model.Usage {
	cached := min(max(u.PromptTokensDetails.CachedTokens, u.PromptCacheHitTokens), u.PromptTokens)
	return model.Usage{
		InputTokens:     u.PromptTokens - cached,
		OutputTokens:    u.CompletionTokens,
		ReasoningTokens: min(u.CompletionTokensDetails.ReasoningTokens, u.CompletionTokens),
		CacheReadTokens: cached,
	}
}
