package iam

import "strings"

// outcome is what a condition comes to for one request.
type outcome struct {
	holds   bool
	absent  bool   // the request does not have the key
	missing string // a variable of the condition has no value
}

// holds decides one condition ("IAM JSON policy elements: Condition operators"
// and "Set operators for multivalued context keys"):
//   - a missing key makes an operator false, a negated one true, …IfExists and
//     ForAllValues true, ForAnyValue false;
//   - of several values in the policy one is enough; for a negated operator
//     none may match.
func (c Condition) holds(context Context, variables bool, effort *Effort) outcome {
	have, present := context.Get(c.Key)
	if c.Operator.Base == nullOperator {
		return outcome{holds: c.null(present), absent: !present}
	}
	op := comparisons[c.Operator.Base]
	if !present {
		return outcome{holds: c.withoutKey(op), absent: true}
	}
	want, missing := c.patterns(op, context, variables)
	if missing != "" {
		return outcome{missing: missing}
	}
	// one decides a single value of the request.
	one := func(value string) bool {
		for _, w := range want {
			if effort.match(w, len(value)) && op.match(w, value) {
				return !op.negated
			}
		}
		return op.negated
	}
	switch c.Operator.Quantifier {
	case ForAllValues:
		return outcome{holds: every(filled(have), one)}
	case ForAnyValue:
		return outcome{holds: some(filled(have), one)}
	}
	// Without a set operator a key should have one value. Of several, one is
	// enough, and a negated operator wants none to match.
	if op.negated {
		return outcome{holds: every(have, one)}
	}
	return outcome{holds: some(have, one)}
}

// withoutKey decides where the request does not have the key, whatever the
// values are.
func (c Condition) withoutKey(op comparison) bool {
	switch {
	case c.Operator.IfExists || c.Operator.Quantifier == ForAllValues:
		return true
	case c.Operator.Quantifier == ForAnyValue:
		return false
	}
	return op.negated
}

func (c Condition) null(present bool) bool {
	for _, v := range c.Values {
		if strings.EqualFold(v, "true") != present {
			return true
		}
	}
	return false
}

// patterns returns the values of c with its variables replaced.
func (c Condition) patterns(op comparison, context Context, variables bool) (want []pattern, missing string) {
	for _, v := range c.Values {
		if !op.variables || !variables {
			want = append(want, plain(v, op.wild))
			continue
		}
		p, missing := expand(v, context, op.wild)
		if missing != "" {
			return nil, missing
		}
		want = append(want, p)
	}
	return want, ""
}

// filled drops empty values: for a set operator, a key that holds only an
// empty string is an empty set.
func filled(values []string) (list []string) {
	for _, v := range values {
		if v != "" {
			list = append(list, v)
		}
	}
	return list
}

func every(values []string, holds func(string) bool) bool {
	for _, v := range values {
		if !holds(v) {
			return false
		}
	}
	return true
}

func some(values []string, holds func(string) bool) bool {
	for _, v := range values {
		if holds(v) {
			return true
		}
	}
	return false
}
