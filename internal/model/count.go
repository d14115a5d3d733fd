package model

import "context"

// TokenCounter is a Provider that counts the tokens of a request before it is
// made, for some of its models.
type TokenCounter interface {
	Provider
	// CountTokens returns the input tokens of a request, or an error with a code:
	// ModelInput where the model is not one whose tokens it counts, which it
	// knows without asking.
	CountTokens(ctx context.Context, req Request) (int, error)
}

// TokenCount is how many tokens a request has.
type TokenCount struct {
	Tokens    int
	Estimated bool // nobody has counted; it is our guess
}

// countTokens is what the record calls an operation that is no task of its own.
const countTokens = "count_tokens"

// CountTokens returns how many input tokens a call of Stream would have: as the
// provider counts them, and by our own estimate where it does not or cannot be
// asked. It goes the way of every call, since what is counted is sent.
func (i *Invoker) CountTokens(ctx context.Context, c Call) (TokenCount, error) {
	op := &counting{}
	_, err := i.operate(ctx, c, TaskChat, op)
	return op.count, err
}

// counting is the operation of CountTokens.
type counting struct{ count TokenCount }

func (o *counting) name() string { return countTokens }

func (o *counting) begin(target) error { return nil }

func (o *counting) units() int { return 0 }

func (o *counting) run(ctx context.Context, p Provider, r Request, _ func(Event)) error {
	o.count = TokenCount{Tokens: estimateInput(r), Estimated: true}
	counter, ok := p.(TokenCounter)
	if !ok {
		return nil
	}
	n, err := counter.CountTokens(ctx, r)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err == nil && n > 0:
		o.count = TokenCount{Tokens: n}
	}
	return nil
}
