package iam

import "strings"

// Context is what a request tells about itself: condition keys and their
// values. The names of keys know no case.
type Context map[string][]string

// Set gives key its values.
func (c Context) Set(key string, values ...string) { c[strings.ToLower(key)] = values }

// Get returns the values of key, and whether the request has it at all.
func (c Context) Get(key string) ([]string, bool) {
	values, ok := c[strings.ToLower(key)]
	return values, ok
}

// expand puts the request's values into the variables of s. Wildcards stay
// wildcards if wild is set, and what a variable brings is never one. Where a
// variable has no value, no default, many values, or one too long to be any,
// missing names it
// ("IAM policy elements: Variables and tags").
func expand(s string, context Context, wild bool) (p pattern, missing string) {
	for s != "" {
		before, rest, found := strings.Cut(s, "${")
		p = append(p, plain(before, wild)...)
		if !found {
			return p, ""
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed { // no variable, only text
			return append(p, plain("${"+rest, wild)...), ""
		}
		value, ok := variable(name, context)
		if !ok || len(p)+len(value) > maxBytes {
			return nil, strings.TrimSpace(name)
		}
		p = append(p, literal(value)...)
		s = after
	}
	return p, ""
}

func plain(s string, wild bool) pattern {
	if wild {
		return wildcards(s)
	}
	return literal(s)
}

// variable returns what ${name} stands for: a special character, the value of
// a key, or the default behind a comma.
func variable(name string, context Context) (string, bool) {
	switch name {
	case "*", "?", "$":
		return name, true
	}
	key, fallback, hasDefault := strings.Cut(name, ",")
	if values, ok := context.Get(strings.TrimSpace(key)); ok && len(values) == 1 {
		return values[0], true
	}
	fallback = strings.TrimSpace(fallback)
	if hasDefault && len(fallback) >= 2 && fallback[0] == '\'' && fallback[len(fallback)-1] == '\'' {
		return fallback[1 : len(fallback)-1], true
	}
	return "", false
}
