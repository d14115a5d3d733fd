package iam

import (
	"slices"
	"strings"
)

// miss is what kept a statement from applying.
type miss struct {
	element Element
	Near
}

// apply matches one statement, and returns how directly it names the
// principal; a policy that names nobody is for whom it is attached to.
func (e *evaluation) apply(p *Policy, s *Statement, source Source) (grant, *miss) {
	how := viaSession
	if p.Kind.namesPrincipals() {
		how = e.principal(s)
		if how == notNamed {
			return how, &miss{PrincipalElement, Near{Source: source, Have: []string{e.req.Principal.ARN}, Want: s.named()}}
		}
	}
	if !e.action(s) {
		return how, &miss{ActionElement, Near{Source: source, Have: []string{e.req.Action}, Want: slices.Concat(s.Actions, s.NotActions)}}
	}
	matched, missing := e.resource(p, s)
	if missing != "" {
		e.unresolved = append(e.unresolved, source)
	}
	if !matched {
		return how, &miss{ResourceElement, Near{Source: source, Have: []string{e.req.Resource}, Want: slices.Concat(s.Resources, s.NotResources), Variable: missing}}
	}
	for _, c := range s.Conditions {
		o := c.holds(e.req.Context, p.variables(), e.req.Effort)
		if o.absent {
			e.absent[strings.ToLower(c.Key)] = true
		}
		if o.missing != "" {
			e.unresolved = append(e.unresolved, source)
		}
		if !o.holds {
			have, _ := e.req.Context.Get(c.Key)
			return how, &miss{ConditionElement, Near{
				Source: source, Operator: c.Operator.String(), Key: c.Key, Want: c.Values, Have: have, Variable: o.missing,
			}}
		}
	}
	return how, nil
}

func (e *evaluation) principal(s *Statement) grant {
	switch {
	case s.Principal != nil:
		return s.Principal.match(e.req.Principal)
	case s.NotPrincipal != nil && !s.NotPrincipal.exempts(e.req.Principal, e.bounded):
		return viaSession
	}
	return notNamed
}

// named lists the principals of s for people.
func (s *Statement) named() []string {
	p := s.Principal
	if p == nil {
		p = s.NotPrincipal
	}
	if p == nil {
		return nil
	}
	list := slices.Concat(p.AWS, p.Service, p.Federated, p.Canonical)
	if p.Everyone {
		list = append(list, "*")
	}
	return list
}

// action matches without regard to case ("IAM JSON policy elements: Action").
func (e *evaluation) action(s *Statement) bool {
	in := func(actions []string) bool {
		return slices.ContainsFunc(actions, func(a string) bool {
			p := wildcards(strings.ToLower(a))
			return e.req.Effort.match(p, len(e.req.Action)) && p.match(strings.ToLower(e.req.Action))
		})
	}
	if s.NotActions != nil {
		return !in(s.NotActions)
	}
	return in(s.Actions)
}

// resource matches the resource. A variable without a value makes the whole
// statement invalid ("Variables and tags"). A trust policy has no resources: it
// is the role's own.
func (e *evaluation) resource(p *Policy, s *Statement) (matched bool, missing string) {
	if s.Resources == nil && s.NotResources == nil {
		return true, ""
	}
	found := false
	for _, r := range slices.Concat(s.Resources, s.NotResources) {
		if !strings.ContainsAny(r, "*?$") && strings.Count(r, ":") >= arnParts-1 { // as nearly all are: a whole ARN
			found = found || r == e.req.Resource
			continue
		}
		pat := wildcards(r)
		if p.variables() {
			if pat, missing = expand(r, e.req.Context, true); missing != "" {
				return false, missing
			}
		}
		found = found || e.req.Effort.match(pat, len(e.req.Resource)) && pat.matchResource(e.req.Resource)
	}
	return found == (s.NotResources == nil), ""
}
