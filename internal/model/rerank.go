package model

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"kakoi/internal/errs"
)

// Reranking is documents to be put in order by how well they answer a query, in
// the provider's terms.
type Reranking struct {
	Model     string
	Options   json.RawMessage
	Query     string
	Documents []string
	Top       int // how many are wanted; 0 is all
	Caller    Caller
}

// Ranked is a document and how well it answers the query.
type Ranked struct {
	Index int     // of the document, as it was given
	Score float64 // what it means is the model's; higher is better
}

// Ranking is documents in order, or as the provider has put them.
type Ranking struct {
	Ranked   []Ranked
	Usage    Usage // zero where the provider counts no tokens
	Searches int   // that the provider charges for; 0 where it does not say
}

// Reranker is a Provider that puts documents in order, too.
type Reranker interface {
	Provider
	// Rerank returns the order of documents, or an error with a code.
	Rerank(ctx context.Context, r Reranking) (Ranking, error)
}

// RerankCall is one call of a model that puts documents in order, by a feature,
// for the person who acts in the context.
type RerankCall struct {
	ModelID   string // of the catalogue
	Feature   string // "search", …
	Query     string
	Documents []string
	Top       int // how many are wanted; 0 is all

	ConversationID, RunID string // for the record; may be empty
}

// Reranked is the best documents, the best first.
type Reranked struct {
	Model  Answering
	Ranked []Ranked
	Usage  Usage
	Cost   Money
}

// Bounds of one call.
const (
	maxRerankDocuments = 1000 // what Amazon Bedrock takes
	maxRerankBytes     = 16 << 20
	documentsOfSearch  = 100 // that providers charge for as one search
)

// Rerank has a model put documents in order. It goes the way of every call.
func (i *Invoker) Rerank(ctx context.Context, c RerankCall) (Reranked, error) {
	if err := c.validate(); err != nil {
		return Reranked{}, err
	}
	op := &reranking{call: c}
	did, err := i.operate(ctx, Call{
		ModelID: c.ModelID, Feature: c.Feature, Messages: texts(append([]string{c.Query}, c.Documents...)), ConversationID: c.ConversationID, RunID: c.RunID,
	}, TaskRerank, op)
	if err != nil {
		return Reranked{}, err
	}
	return Reranked{Model: did.model, Ranked: op.ranked, Usage: did.usage, Cost: did.cost}, nil
}

func (c RerankCall) validate() error {
	bytes := len(c.Query)
	for _, d := range c.Documents {
		if strings.TrimSpace(d) == "" {
			return errs.InField("documents", "a document to be put in order is empty")
		}
		bytes += len(d)
	}
	switch {
	case strings.TrimSpace(c.Query) == "":
		return errs.InField("query", "there is no query to put documents in order by")
	case len(c.Documents) == 0:
		return errs.InField("documents", "there is no document to be put in order")
	case len(c.Documents) > maxRerankDocuments || bytes > maxRerankBytes:
		return errs.InField("documents", "these are too many documents for one call").With("max", strconv.Itoa(maxRerankDocuments))
	case c.Top < 0:
		return errs.InField("top", "how many documents are wanted is a number from 1, or 0 for all")
	}
	return nil
}

// reranking is the operation of Rerank.
type reranking struct {
	call     RerankCall
	ranked   []Ranked
	searches int // that were charged; 0 before that is known
}

func (o *reranking) name() string { return string(TaskRerank) }

func (o *reranking) begin(target) error { return nil }

func (o *reranking) units() int {
	return cmp.Or(o.searches, (len(o.call.Documents)+documentsOfSearch-1)/documentsOfSearch)
}

func (o *reranking) run(ctx context.Context, p Provider, r Request, tell func(Event)) error {
	reranker, ok := p.(Reranker)
	if !ok {
		return unable("put documents in order")
	}
	all, err := textsOf(r, len(o.call.Documents)+1)
	if err != nil {
		return err
	}
	got, err := reranker.Rerank(ctx, Reranking{
		Model: r.Model, Options: r.Options, Query: all[0], Documents: all[1:], Top: o.call.Top, Caller: r.Caller,
	})
	if err != nil {
		return err
	}
	o.ranked, o.searches = got.Ranked, got.Searches
	tell(Event{Type: EventUsage, Usage: got.Usage})
	return o.order()
}

// order puts the best first and leaves out what is more than was asked for,
// which not every server does.
func (o *reranking) order() error {
	seen := make([]bool, len(o.call.Documents))
	for _, r := range o.ranked {
		if r.Index < 0 || r.Index >= len(seen) || seen[r.Index] || math.IsNaN(r.Score) {
			return errs.New(errs.ModelFailed, "the model's order is not one of the documents").With("reason", "order")
		}
		seen[r.Index] = true
	}
	want := len(seen)
	if o.call.Top > 0 {
		want = min(want, o.call.Top)
	}
	if len(o.ranked) < want {
		return errs.New(errs.ModelFailed, "the model's order leaves documents out").With("reason", "order")
	}
	slices.SortStableFunc(o.ranked, func(a, b Ranked) int { return cmp.Compare(b.Score, a.Score) })
	o.ranked = o.ranked[:want]
	return nil
}
