package model

import (
	"context"
	"encoding/json"
	"iter"
	"strconv"
	"strings"

	"kakoi/internal/errs"
	"kakoi/internal/model/tokenest"
)

// Purpose is what a text is embedded for. Models that tell the purposes apart
// place a question near its answer, and not near other questions.
type Purpose string

// The purposes.
const (
	PurposeDocument Purpose = "document" // to be found
	PurposeQuery    Purpose = "query"    // to find
)

// Embedding is texts to be turned into vectors, in the provider's terms.
type Embedding struct {
	Model      string
	Options    json.RawMessage
	Texts      []string
	Purpose    Purpose
	Dimensions int // 0 is the model's own number
	Caller     Caller
}

// Vectors are those of the next texts, in their order.
type Vectors struct {
	Vectors [][]float32
	Usage   Usage // zero where the provider counts no tokens
}

// Embedder is a Provider that turns texts into vectors, too.
type Embedder interface {
	Provider
	// Embed yields the vectors of all texts in order, in as many batches as the
	// model's limits make of them, or ends with one error that carries a code.
	// What came before it stands.
	Embed(ctx context.Context, e Embedding) iter.Seq2[Vectors, error]
}

// EmbedCall is one call of a model that turns texts into vectors, by a feature,
// for the person who acts in the context.
type EmbedCall struct {
	ModelID    string // of the catalogue
	Feature    string // "index", "search", …
	Texts      []string
	Purpose    Purpose
	Dimensions int // 0 is the model's own number

	ConversationID, RunID string // for the record; may be empty
}

// Embedded is the vectors of texts, in their order.
type Embedded struct {
	Model   Answering
	Vectors [][]float32
	Usage   Usage
	Cost    Money
}

// Bounds of one call.
const (
	maxEmbedTexts = 2048
	maxEmbedBytes = 16 << 20 // of all texts
)

// Embed has a model turn texts into vectors. It goes the way of every call, and
// what the masker hides is hidden in the vectors too. Where it fails in the
// middle, the vectors of the first texts come with the error, and count as used.
// A model stands in for another only if it is the same one elsewhere: vectors of
// different models say nothing of each other.
func (i *Invoker) Embed(ctx context.Context, c EmbedCall) (Embedded, error) {
	if err := c.validate(); err != nil {
		return Embedded{}, err
	}
	op := &embedding{call: c}
	did, err := i.operate(ctx, Call{
		ModelID: c.ModelID, Feature: c.Feature, Messages: texts(c.Texts), ConversationID: c.ConversationID, RunID: c.RunID,
	}, TaskEmbedding, op)
	return Embedded{Model: did.model, Vectors: op.vectors, Usage: did.usage, Cost: did.cost}, err
}

func (c EmbedCall) validate() error {
	bytes := 0
	for _, t := range c.Texts {
		if strings.TrimSpace(t) == "" {
			return errs.InField("texts", "a text to be embedded is empty")
		}
		bytes += len(t)
	}
	switch {
	case len(c.Texts) == 0:
		return errs.InField("texts", "there is no text to be embedded")
	case len(c.Texts) > maxEmbedTexts || bytes > maxEmbedBytes:
		return errs.InField("texts", "these are too many texts for one call").With("max", strconv.Itoa(maxEmbedTexts))
	case c.Purpose != PurposeDocument && c.Purpose != PurposeQuery:
		return errs.InField("purpose", "texts are embedded as document or as query")
	case c.Dimensions < 0 || c.Dimensions > maxDimensions:
		return errs.InField("dimensions", "this is not a number of dimensions, such as 1024")
	}
	return nil
}

const maxDimensions = 16_384

// embedding is the operation of Embed.
type embedding struct {
	call    EmbedCall
	model   string // that makes the vectors, as its provider calls it
	vectors [][]float32
	usage   Usage
}

func (e *embedding) name() string { return string(TaskEmbedding) }

func (e *embedding) units() int { return 0 }

func (e *embedding) begin(t target) error {
	if m := t.foundation(); e.model == "" {
		e.model = m
	} else if m != e.model {
		return otherVectors()
	}
	e.vectors, e.usage = nil, Usage{}
	return nil
}

// foundation is what the model is, wherever it is served: vectors of one can be
// compared with each other.
func (t target) foundation() string {
	if t.place.Model != "" {
		return t.place.Model
	}
	return t.model.RemoteID
}

func otherVectors() error {
	return errs.InField("fallbackId", "a model that makes vectors can be stood in for only by the same model elsewhere: vectors of different models cannot be compared")
}

func (e *embedding) run(ctx context.Context, p Provider, r Request, tell func(Event)) error {
	embedder, ok := p.(Embedder)
	if !ok {
		return unable("turn texts into vectors")
	}
	all, err := textsOf(r, len(e.call.Texts))
	if err != nil {
		return err
	}
	tell(Event{Type: EventUsage, Usage: e.usage})
	rest := all[len(e.vectors):]
	for batch, err := range embedder.Embed(ctx, Embedding{
		Model: r.Model, Options: r.Options, Texts: rest, Purpose: e.call.Purpose, Dimensions: e.call.Dimensions, Caller: r.Caller,
	}) {
		if err != nil {
			return err
		}
		n := len(batch.Vectors)
		if n == 0 || len(e.vectors)+n > len(all) || !e.alike(batch.Vectors) {
			return errs.New(errs.ModelFailed, "the model's vectors are not one of one length for each text").With("reason", "vectors")
		}
		if batch.Usage == (Usage{}) {
			batch.Usage.Estimated = true
			for _, t := range all[len(e.vectors) : len(e.vectors)+n] {
				batch.Usage.InputTokens += tokenest.Text(t)
			}
		}
		e.vectors = append(e.vectors, batch.Vectors...)
		e.usage = e.usage.Add(batch.Usage)
		tell(Event{Type: EventUsage, Usage: e.usage})
	}
	if len(e.vectors) != len(all) {
		return errs.New(errs.ModelFailed, "the model's vectors are not one of one length for each text").With("reason", "vectors")
	}
	return nil
}

// alike reports whether vectors are as long as those before them, and as long
// as was asked for.
func (e *embedding) alike(vectors [][]float32) bool {
	want := e.call.Dimensions
	if len(e.vectors) > 0 {
		want = len(e.vectors[0])
	} else if want == 0 {
		want = len(vectors[0])
	}
	for _, v := range vectors {
		if len(v) != want || want == 0 {
			return false
		}
	}
	return true
}
