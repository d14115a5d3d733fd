package openai

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"time"

	"kakoi/internal/model"
)

// What is sent at once. Servers differ in what they take; these bounds hold for
// OpenAI (2048 texts, 300,000 tokens) and for vLLM, llama.cpp and Ollama.
const (
	embedBatch = 64
	embedBytes = 256 << 10
)

type wireEmbedding struct {
	Model          string   `json:"model"`
	Input          []string `json:"input"`
	Dimensions     int      `json:"dimensions,omitempty"`
	EncodingFormat string   `json:"encoding_format"`
}

type wireVectors struct {
	Data []struct {
		Index     int        `json:"index"`
		Embedding wireVector `json:"embedding"`
	} `json:"data"`
	Usage struct {
		PromptTokens int `json:"prompt_tokens"`
		TotalTokens  int `json:"total_tokens"`
	} `json:"usage"`
}

// wireVector is a list of numbers, or what OpenAI's own clients ask for: the
// base64 of little-endian float32.
type wireVector []float32

// UnmarshalJSON implements json.Unmarshaler for both forms.
func (v *wireVector) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '"' {
		return json.Unmarshal(b, (*[]float32)(v))
	}
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw)%4 != 0 {
		return fmt.Errorf("a vector of %d bytes: %w", len(raw), err)
	}
	*v = make([]float32, len(raw)/4)
	for i := range *v {
		(*v)[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return nil
}

// Embed implements model.Embedder with POST /embeddings. The protocol knows no
// purposes: a model that wants a prefix before questions is given it by whoever
// asks.
func (c *Client) Embed(ctx context.Context, e model.Embedding) iter.Seq2[model.Vectors, error] {
	return func(yield func(model.Vectors, error) bool) {
		for rest := e.Texts; len(rest) > 0; {
			n, size := 0, 0
			for n < len(rest) && n < embedBatch && (n == 0 || size+len(rest[n]) <= embedBytes) {
				size += len(rest[n])
				n++
			}
			v, err := c.embed(ctx, e, rest[:n])
			if !yield(v, err) || err != nil {
				return
			}
			rest = rest[n:]
		}
	}
}

func (c *Client) embed(ctx context.Context, e model.Embedding, texts []string) (model.Vectors, error) {
	var answer wireVectors
	err := c.post(ctx, "embeddings", wireEmbedding{
		Model: e.Model, Input: texts, Dimensions: e.Dimensions, EncodingFormat: "float",
	}, &answer, asked(e.Model, texts...))
	if err != nil {
		return model.Vectors{}, err
	}
	out := model.Vectors{Vectors: make([][]float32, len(texts)), Usage: model.Usage{InputTokens: max(answer.Usage.PromptTokens, answer.Usage.TotalTokens)}}
	for _, d := range answer.Data {
		if d.Index < 0 || d.Index >= len(texts) || len(d.Embedding) == 0 || out.Vectors[d.Index] != nil {
			return model.Vectors{}, c.unreadable()
		}
		out.Vectors[d.Index] = d.Embedding
	}
	if len(answer.Data) != len(texts) {
		return model.Vectors{}, c.unreadable()
	}
	return out, nil
}

func (c *Client) tryEmbedding(ctx context.Context, modelID string, start *time.Time) (string, error) {
	*start = time.Now()
	v, err := c.embed(ctx, model.Embedding{Model: modelID}, []string{"Hello, world."})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("a vector of %d dimensions in %d ms", len(v.Vectors[0]), took(*start)), nil
}
