package iam

import (
	"bytes"
	"encoding/base64"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Quantifier says how an operator treats a key with several values ("Set
// operators for multivalued context keys").
type Quantifier string

// The quantifiers. Single is no prefix at all.
const (
	Single       Quantifier = ""
	ForAllValues Quantifier = "ForAllValues"
	ForAnyValue  Quantifier = "ForAnyValue"
)

// Operator is a condition operator in its parts: ForAnyValue:StringLikeIfExists.
type Operator struct {
	Quantifier Quantifier
	Base       string // StringLike, Null, …
	IfExists   bool
}

func (o Operator) String() string {
	s := o.Base
	if o.IfExists {
		s += "IfExists"
	}
	if o.Quantifier != Single {
		s = string(o.Quantifier) + ":" + s
	}
	return s
}

// comparison is what an operator without prefix and suffix does ("IAM JSON
// policy elements: Condition operators").
type comparison struct {
	negated   bool                   // true where no value matches, and so where the key is missing
	variables bool                   // ${…} may stand in the value
	wild      bool                   // * and ? are wildcards
	valid     func(want string) bool // whether want can be a value; nil: any
	match     func(want pattern, have string) bool
}

var comparisons = map[string]comparison{
	"StringEquals":              {variables: true, match: pattern.equal},
	"StringNotEquals":           {negated: true, variables: true, match: pattern.equal},
	"StringEqualsIgnoreCase":    {variables: true, match: equalFold},
	"StringNotEqualsIgnoreCase": {negated: true, variables: true, match: equalFold},
	"StringLike":                {variables: true, wild: true, match: pattern.match},
	"StringNotLike":             {negated: true, variables: true, wild: true, match: pattern.match},

	"NumericEquals":            {valid: isNumber, match: numbers(func(order int) bool { return order == 0 })},
	"NumericNotEquals":         {negated: true, valid: isNumber, match: numbers(func(order int) bool { return order == 0 })},
	"NumericLessThan":          {valid: isNumber, match: numbers(func(order int) bool { return order < 0 })},
	"NumericLessThanEquals":    {valid: isNumber, match: numbers(func(order int) bool { return order <= 0 })},
	"NumericGreaterThan":       {valid: isNumber, match: numbers(func(order int) bool { return order > 0 })},
	"NumericGreaterThanEquals": {valid: isNumber, match: numbers(func(order int) bool { return order >= 0 })},

	"DateEquals":            {valid: isDate, match: dates(func(order int) bool { return order == 0 })},
	"DateNotEquals":         {negated: true, valid: isDate, match: dates(func(order int) bool { return order == 0 })},
	"DateLessThan":          {valid: isDate, match: dates(func(order int) bool { return order < 0 })},
	"DateLessThanEquals":    {valid: isDate, match: dates(func(order int) bool { return order <= 0 })},
	"DateGreaterThan":       {valid: isDate, match: dates(func(order int) bool { return order > 0 })},
	"DateGreaterThanEquals": {valid: isDate, match: dates(func(order int) bool { return order >= 0 })},

	"Bool":         {variables: true, match: equalFold},
	"BinaryEquals": {valid: isBase64, match: sameBytes},
	"IpAddress":    {valid: isPrefix, match: inPrefix},
	"NotIpAddress": {negated: true, valid: isPrefix, match: inPrefix},

	// Equals and Like are the same for ARNs: both know wildcards.
	"ArnEquals":    {variables: true, wild: true, match: pattern.matchARN},
	"ArnLike":      {variables: true, wild: true, match: pattern.matchARN},
	"ArnNotEquals": {negated: true, variables: true, wild: true, match: pattern.matchARN},
	"ArnNotLike":   {negated: true, variables: true, wild: true, match: pattern.matchARN},

	nullOperator: {valid: isBool},
}

// nullOperator asks only whether the key is missing.
const nullOperator = "Null"

// parseOperator reads the name of an operator. near is the known name that
// differs in case only, for people who mistyped it.
func parseOperator(s string) (o Operator, near string, ok bool) {
	name := s
	if before, after, found := strings.Cut(s, ":"); found {
		o.Quantifier, name = Quantifier(before), after
		if o.Quantifier != ForAllValues && o.Quantifier != ForAnyValue {
			return o, "", false
		}
	}
	name, o.IfExists = strings.CutSuffix(name, "IfExists")
	o.Base = name
	_, known := comparisons[name]
	if known && name == nullOperator && (o.IfExists || o.Quantifier != Single) {
		return o, nullOperator, false
	}
	if !known {
		for _, candidate := range operatorNames() {
			if strings.EqualFold(candidate, name) {
				near = candidate
			}
		}
	}
	return o, near, known
}

func operatorNames() []string {
	names := make([]string, 0, len(comparisons))
	for name := range comparisons {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func equalFold(want pattern, have string) bool { return strings.EqualFold(want.String(), have) }

func isNumber(s string) bool { _, ok := parseNumber(s); return ok }

func parseNumber(s string) (*big.Rat, bool) {
	if len(s) > 40 || strings.Trim(s, "0123456789.+-") != "" { // no fractions, no 1e999999999
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

func numbers(holds func(order int) bool) func(pattern, string) bool {
	return func(want pattern, have string) bool {
		w, ok1 := parseNumber(want.String())
		h, ok2 := parseNumber(have)
		return ok1 && ok2 && holds(h.Cmp(w))
	}
}

// dateLayouts are the forms of the W3C note on ISO 8601.
var dateLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02", "2006-01", "2006"}

func isDate(s string) bool { _, ok := parseDate(s); return ok }

// parseDate reads an ISO 8601 date or, from five digits up, seconds since 1970.
func parseDate(s string) (time.Time, bool) {
	if n, ok := parseNumber(s); ok && len(s) > 4 && n.IsInt() && n.Num().IsInt64() {
		return time.Unix(n.Num().Int64(), 0), true
	}
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func dates(holds func(order int) bool) func(pattern, string) bool {
	return func(want pattern, have string) bool {
		w, ok1 := parseDate(want.String())
		h, ok2 := parseDate(have)
		return ok1 && ok2 && holds(h.Compare(w))
	}
}

func isBool(s string) bool { return strings.EqualFold(s, "true") || strings.EqualFold(s, "false") }

func isBase64(s string) bool { _, err := base64.StdEncoding.DecodeString(s); return err == nil }

// sameBytes compares binary values; the request's come as base64 too.
func sameBytes(want pattern, have string) bool {
	w, err1 := base64.StdEncoding.DecodeString(want.String())
	h, err2 := base64.StdEncoding.DecodeString(have)
	return err1 == nil && err2 == nil && bytes.Equal(w, h)
}

func isPrefix(s string) bool { _, ok := parsePrefix(s); return ok }

// parsePrefix reads a CIDR range, or an address as the range of itself.
func parsePrefix(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}

func inPrefix(want pattern, have string) bool {
	p, ok := parsePrefix(want.String())
	a, err := netip.ParseAddr(have)
	return ok && err == nil && p.Contains(a.Unmap())
}
