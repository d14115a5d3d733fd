package model

import (
	"math"

	"kakoi/internal/errs"
)

// Money is an amount in millionths of a currency. The zero value is "not
// known", which is not the same as free.
type Money struct {
	Micros   int64
	Currency string // "JPY", "USD", or "" when no price is known
}

// Price is what a model costs for a million tokens, in units of Currency. The
// zero value is "not known".
type Price struct {
	Currency   string   `json:"currency"`             // "JPY", "USD", or ""
	Input      float64  `json:"input"`                // input that no cache held
	Output     float64  `json:"output"`               // answer and reasoning
	CacheRead  *float64 `json:"cacheRead,omitempty"`  // nil: as input
	CacheWrite *float64 `json:"cacheWrite,omitempty"` // nil: as input
}

const (
	microsPerUnit = 1_000_000
	perTokens     = 1_000_000
	maxPrice      = 1_000_000 // units for a million tokens; the dearest models cost a tenth, in yen
	maxTokens     = 1_000_000_000
)

// Of returns what u costs. Rounding is to the nearest millionth, once.
func (p Price) Of(u Usage) Money {
	if p.Currency == "" {
		return Money{}
	}
	input := micros(p.Input)
	var whole, rest int64 // millionths, and millionths of millionths
	for _, line := range []struct {
		tokens int
		price  int64
	}{
		{u.InputTokens, input},
		{u.OutputTokens, micros(p.Output)},
		{u.CacheReadTokens, microsOr(p.CacheRead, input)},
		{u.CacheWriteTokens, microsOr(p.CacheWrite, input)},
	} {
		tokens := int64(min(max(line.tokens, 0), maxTokens))
		whole += tokens / perTokens * line.price
		rest += tokens % perTokens * line.price
	}
	return Money{Micros: whole + (rest+perTokens/2)/perTokens, Currency: p.Currency}
}

func micros(units float64) int64 { return int64(math.Round(units * microsPerUnit)) }

func microsOr(units *float64, otherwise int64) int64 {
	if units == nil {
		return otherwise
	}
	return micros(*units)
}

// validate checks p as the field "price".
func (p Price) validate() error {
	switch p.Currency {
	case "":
		if p.Input != 0 || p.Output != 0 || p.CacheRead != nil || p.CacheWrite != nil {
			return errs.InField("price.currency", "say which currency the price is in: JPY or USD")
		}
		return nil
	case "JPY", "USD":
	default:
		return errs.InField("price.currency", "the currency is JPY or USD")
	}
	for _, f := range []struct {
		field string
		value *float64
	}{{"input", &p.Input}, {"output", &p.Output}, {"cacheRead", p.CacheRead}, {"cacheWrite", p.CacheWrite}} {
		if f.value != nil && (math.IsNaN(*f.value) || *f.value < 0 || *f.value > maxPrice) {
			return errs.InField("price."+f.field, "a price for a million tokens is from 0 to 1,000,000, for example 0.25")
		}
	}
	return nil
}
