package bedrock

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// embedder is how a family of embedding models is asked.
type embedder struct {
	prefix     string
	texts      int   // at once
	characters int   // of one text; 0 is whatever the model reads
	dimensions []int // that it can be asked for; nil: it has one number
	ask        func(ctx context.Context, c *Client, e model.Embedding, texts []string) (model.Vectors, error)
}

// The first whose prefix fits is taken.
var embedders = []embedder{
	{"amazon.titan-embed-text-v2", 1, 50_000, []int{256, 512, 1024}, titanVector},
	{"amazon.titan-embed-text-v1", 1, 50_000, nil, titanVector},
	{"amazon.titan-embed-g1-text", 1, 50_000, nil, titanVector},
	{"cohere.embed-v4", 96, 0, []int{256, 512, 1024, 1536}, cohereVectors},
	{"cohere.embed-english-v3", 96, 2_048, nil, cohereVectors},
	{"cohere.embed-multilingual-v3", 96, 2_048, nil, cohereVectors},
}

const (
	embedBytes    = 1 << 20 // of the texts that are sent at once
	embedParallel = 4       // requests at a time, since some models take one text in each
)

// Embed implements model.Embedder with InvokeModel. A text that is longer than
// the model reads is refused, and never cut without a word.
func (c *Client) Embed(ctx context.Context, e model.Embedding) iter.Seq2[model.Vectors, error] {
	return func(yield func(model.Vectors, error) bool) {
		way, err := embedderOf(e)
		if err != nil {
			yield(model.Vectors{}, err)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		for batches := way.batches(e.Texts); len(batches) > 0; {
			group := batches[:min(len(batches), embedParallel)]
			batches = batches[len(group):]
			vectors, failures := make([]model.Vectors, len(group)), make([]error, len(group))
			var wg sync.WaitGroup
			for i, texts := range group {
				wg.Go(func() { vectors[i], failures[i] = way.ask(ctx, c, e, texts) })
			}
			wg.Wait()
			for i := range group {
				if !yield(vectors[i], failures[i]) || failures[i] != nil {
					return
				}
			}
		}
	}
}

// embedderOf returns the way to ask for e, once the model can do it.
func embedderOf(e model.Embedding) (embedder, error) {
	base, err := modelOf(e.Model, e.Options)
	if err != nil {
		return embedder{}, err
	}
	i := slices.IndexFunc(embedders, func(w embedder) bool { return strings.HasPrefix(base, w.prefix) })
	if i < 0 {
		return embedder{}, unspoken(base, "embeddings")
	}
	way := embedders[i]
	if e.Dimensions != 0 && !slices.Contains(way.dimensions, e.Dimensions) {
		return embedder{}, errs.InField("dimensions", fmt.Sprintf("%s makes no vectors of %d dimensions", base, e.Dimensions)).With("model", base)
	}
	for _, t := range e.Texts {
		if n := utf8.RuneCountInString(t); way.characters > 0 && n > way.characters {
			return embedder{}, errs.Newf(errs.ModelContextTooLong, "a text is longer than %s reads", base).
				With("limit", strconv.Itoa(way.characters)).With("characters", strconv.Itoa(n)).With("model", base)
		}
	}
	return way, nil
}

// batches cuts texts into what is sent at once.
func (w embedder) batches(texts []string) [][]string {
	var out [][]string
	for len(texts) > 0 {
		n, size := 0, 0
		for n < len(texts) && n < w.texts && (n == 0 || size+len(texts[n]) <= embedBytes) {
			size += len(texts[n])
			n++
		}
		out, texts = append(out, texts[:n]), texts[n:]
	}
	return out
}

// titanVector asks a model of Amazon's for the vector of one text.
func titanVector(ctx context.Context, c *Client, e model.Embedding, texts []string) (model.Vectors, error) {
	body := map[string]any{"inputText": texts[0]}
	if e.Dimensions > 0 {
		body["dimensions"] = e.Dimensions
	}
	var answer struct {
		Embedding []float32 `json:"embedding"`
		Tokens    int       `json:"inputTextTokenCount"`
	}
	header, err := c.invoke(ctx, invocation{e.Model, body, e.Caller}, &answer)
	if err != nil {
		return model.Vectors{}, err
	}
	if len(answer.Embedding) == 0 {
		return model.Vectors{}, noVectors()
	}
	tokens := answer.Tokens
	if tokens == 0 {
		tokens = inputTokens(header)
	}
	return model.Vectors{Vectors: [][]float32{answer.Embedding}, Usage: model.Usage{InputTokens: tokens}}, nil
}

// cohereVectors asks a model of Cohere's for the vectors of several texts.
func cohereVectors(ctx context.Context, c *Client, e model.Embedding, texts []string) (model.Vectors, error) {
	body := map[string]any{
		"texts": texts, "input_type": "search_document", "truncate": "NONE", "embedding_types": []string{"float"},
	}
	if e.Purpose == model.PurposeQuery {
		body["input_type"] = "search_query"
	}
	if e.Dimensions > 0 {
		body["output_dimension"] = e.Dimensions
	}
	var answer struct {
		Embeddings struct {
			Float [][]float32 `json:"float"`
		} `json:"embeddings"`
	}
	header, err := c.invoke(ctx, invocation{e.Model, body, e.Caller}, &answer)
	if err != nil {
		return model.Vectors{}, err
	}
	if len(answer.Embeddings.Float) != len(texts) {
		return model.Vectors{}, noVectors()
	}
	return model.Vectors{Vectors: answer.Embeddings.Float, Usage: model.Usage{InputTokens: inputTokens(header)}}, nil
}

func noVectors() error {
	return errs.New(errs.ModelFailed, "the model's answer does not hold a vector for each text").With("reason", "vectors")
}

func (c *Client) tryEmbedding(ctx context.Context, modelID string) (string, error) {
	start := time.Now()
	for v, err := range c.Embed(ctx, model.Embedding{Model: modelID, Texts: []string{"Hello, world."}, Purpose: model.PurposeDocument}) {
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("a vector of %d dimensions in %d ms, %d tokens", len(v.Vectors[0]), time.Since(start).Milliseconds(), v.Usage.InputTokens), nil
	}
	return "", noVectors()
}
