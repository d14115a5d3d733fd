// Package privacy classifies and masks what is about to leave for a model, and
// restores it in the answer. It does neither yet: a request and its answer pass
// as they are.
package privacy

import (
	"context"
	"iter"

	"kakoi/internal/model"
)

// Masker stands at the data step of model.Invoker.
type Masker struct{}

// Mask implements model.Masker by hiding nothing.
func (Masker) Mask(_ context.Context, r model.Request) (model.Request, func(iter.Seq2[model.Event, error]) iter.Seq2[model.Event, error], error) {
	return r, func(answer iter.Seq2[model.Event, error]) iter.Seq2[model.Event, error] { return answer }, nil
}
