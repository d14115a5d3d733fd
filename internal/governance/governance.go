// Package governance keeps use within bounds. There are no budgets and rate
// limits yet: every reservation is granted and settles nothing.
package governance

import (
	"context"
	"time"
)

// Claim is what a call is about to use. It is an estimate: the usage that
// settles the reservation is what counts.
type Claim struct {
	AccountID    string
	GroupIDs     []string
	ModelID      string
	Feature      string        // "chat", "title", …
	Operation    string        // what is asked of the model: "chat", "embedding", …
	InputTokens  int           // estimated
	OutputTokens int           // at most; 0 = no bound is known
	Audio        time.Duration // of speech to be transcribed
	Units        int           // images, searches or units of text
}

// Spent is what a call has used.
type Spent struct {
	Tokens     int           // input, output and cache together
	CostMicros int64         // millionths of Currency
	Currency   string        // "" when the price is not known
	Audio      time.Duration // of speech that was transcribed
	Units      int           // images, searches or units of text
}

// Reservation holds a claim until it is settled, which happens exactly once,
// also for a call that failed.
type Reservation interface {
	Settle(ctx context.Context, s Spent) error
}

// Budgets grants and settles reservations.
type Budgets struct{}

// Reserve grants every claim: there are no budgets yet.
func (Budgets) Reserve(context.Context, Claim) (Reservation, error) { return granted{}, nil }

type granted struct{}

// Settle implements Reservation.
func (granted) Settle(context.Context, Spent) error { return nil }
