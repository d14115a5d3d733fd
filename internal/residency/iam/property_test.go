package iam

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// The properties below hold for policies that nobody thought of: a generator
// with a fixed seed makes them, small enough that everything meets often.

const (
	rounds = 5000
	seed   = 20261122
)

type generator struct{ *rand.Rand }

func pick[T any](g generator, list ...T) T { return list[g.IntN(len(list))] }

// each runs holds on many requests and policies, and prints the round that fails.
func each(t *testing.T, holds func(g generator, req Request, p Policies) error) {
	t.Helper()
	for round := range uint64(rounds) {
		g := generator{rand.New(rand.NewPCG(seed, round))}
		req, p := g.request(), g.policies()
		if err := holds(g, req, p); err != nil {
			t.Fatalf("seed %d, round %d: %v\nrequest %+v\npolicies %s", seed, round, err, req, describe(p))
		}
	}
}

func describe(p Policies) string {
	s := ""
	for _, kind := range groups(&p) {
		for _, q := range *kind {
			s += fmt.Sprintf("\n%s %+v", q.Kind, q.Statements)
		}
	}
	return s
}

var (
	someActions   = []string{"sts:AssumeRole", "s3:GetObject", "bedrock:InvokeModel"}
	someResources = []string{target, bucket, "arn:aws:bedrock:ap-northeast-1::foundation-model/m", "arn:aws:iam::111111111111:role/bedrock"}
	somePrincipal = []string{account, role, session, other, "arn:aws:iam::222222222222:root"}
)

func (g generator) request() Request {
	r := Request{Principal: app, Action: pick(g, someActions...), Resource: pick(g, someResources...), Context: Context{}}
	r.ResourceAccount = pick(g, "", account, other)
	r.Principal.Management = g.IntN(12) == 0
	if g.IntN(3) > 0 {
		r.Context.Set("aws:RequestedRegion", pick(g, "ap-northeast-1", "ap-northeast-3", "unspecified"))
	}
	if g.IntN(2) > 0 {
		r.Context.Set("aws:PrincipalTag/Team", pick(g, "a", "b", "*"))
	}
	return r
}

func (g generator) statement(kind Kind) Statement {
	s := Statement{Number: 1, Effect: pick(g, Allow, Allow, Allow, Deny)}
	actions := pick(g, []string{"*"}, []string{pick(g, someActions...)}, []string{"sts:*", "s3:Get*"})
	if g.IntN(8) == 0 {
		s.NotActions = actions
	} else {
		s.Actions = actions
	}
	resources := pick(g, []string{"*"}, []string{"*"}, []string{pick(g, someResources...)}, []string{"arn:aws:*:*:*:${aws:PrincipalTag/Team, 'role'}/*"})
	switch {
	case kind == Trust:
	case g.IntN(8) == 0:
		s.NotResources = resources
	default:
		s.Resources = resources
	}
	if kind.namesPrincipals() {
		s.Principal = &Principals{Everyone: g.IntN(4) == 0, AWS: []string{pick(g, somePrincipal...)}}
	}
	for g.IntN(3) == 0 {
		s.Conditions = append(s.Conditions, g.condition())
	}
	return s
}

func (g generator) condition() Condition {
	base := pick(g, "StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "Null")
	c := Condition{Operator: Operator{Base: base}, Key: pick(g, "aws:RequestedRegion", "aws:principaltag/team", "x:Missing")}
	if base == nullOperator {
		c.Values = []string{pick(g, "true", "false")}
		return c
	}
	c.Operator.IfExists = g.IntN(4) == 0
	c.Operator.Quantifier = pick(g, Single, Single, ForAllValues, ForAnyValue)
	c.Values = []string{pick(g, "ap-northeast-1", "ap-northeast-*", "a", "${aws:PrincipalTag/Team}", "${x:Missing, 'a'}")}
	return c
}

func (g generator) policy(kind Kind) *Policy {
	p := &Policy{Name: string(kind), Kind: kind, Version: Version2012}
	for range 1 + g.IntN(2) {
		p.Statements = append(p.Statements, g.statement(kind))
	}
	return p
}

func (g generator) some(kind Kind, often int) (list []*Policy) {
	for g.IntN(10) < often && len(list) < 2 {
		list = append(list, g.policy(kind))
	}
	return list
}

func (g generator) policies() Policies {
	p := Policies{
		Identity: g.some(Identity, 8), Boundary: g.some(Boundary, 2), Session: g.some(Session, 2), Endpoint: g.some(Endpoint, 2),
		Resource: g.some(pick(g, Resource, Trust), 5),
	}
	for g.IntN(3) == 0 {
		p.SCPs = append(p.SCPs, Level{"level", append(g.some(SCP, 8), fullAccess(SCP))})
	}
	if g.IntN(3) == 0 {
		p.RCPs = append(p.RCPs, Level{"root", g.some(RCP, 5)})
	}
	return p
}

func fullAccess(kind Kind) *Policy {
	p := &Policy{Name: "full", Kind: kind, Version: Version2012, Statements: []Statement{{Number: 1, Effect: Allow, Actions: []string{"*"}, Resources: []string{"*"}}}}
	if kind.namesPrincipals() {
		p.Statements[0].Principal = &Principals{Everyone: true}
	}
	return p
}

// groups returns the lists of policies, to be changed in place.
func groups(p *Policies) []*[]*Policy {
	list := []*[]*Policy{&p.Identity, &p.Boundary, &p.Session, &p.Endpoint, &p.Resource}
	for i := range p.SCPs {
		list = append(list, &p.SCPs[i].Policies)
	}
	for i := range p.RCPs {
		list = append(list, &p.RCPs[i].Policies)
	}
	return list
}

// edited returns p with statements changed by edit, which gets those of each
// policy. p stays as it is.
func edited(p Policies, edit func(kind Kind, statements []Statement) []Statement) Policies {
	p.SCPs, p.RCPs = slices.Clone(p.SCPs), slices.Clone(p.RCPs)
	for _, group := range groups(&p) {
		changed := make([]*Policy, len(*group))
		for i, q := range *group {
			c := *q
			c.Statements = edit(c.Kind, slices.Clone(c.Statements))
			changed[i] = &c
		}
		*group = changed
	}
	return p
}

func TestADenyAlwaysWins(t *testing.T) {
	each(t, func(g generator, req Request, p Policies) error {
		all := Policy{Name: "deny", Kind: Identity, Statements: []Statement{{Number: 1, Effect: Deny, Actions: []string{"*"}, Resources: []string{"*"}}}}
		switch g.IntN(3) {
		case 0:
			p.Identity = append(slices.Clone(p.Identity), &all)
		case 1:
			all.Kind = Boundary
			p.Boundary = append(slices.Clone(p.Boundary), &all)
		case 2:
			all.Kind = SCP
			if req.Principal.Management { // whom it does not bind
				return nil
			}
			p.SCPs = append(slices.Clone(p.SCPs), Level{"account", these(fullAccess(SCP), &all)})
		}
		if got := Evaluate(req, p); got.Decision != ExplicitDeny {
			return fmt.Errorf("%s in spite of a deny of everything", got.Decision)
		}
		return nil
	})
}

func TestWhatOnlyLimitsNeverGrants(t *testing.T) {
	granted := 0
	each(t, func(_ generator, req Request, p Policies) error {
		without := p
		without.SCPs, without.RCPs, without.Boundary, without.Session, without.Endpoint = nil, nil, nil, nil, nil
		if Evaluate(req, p).Decision != Allowed {
			return nil
		}
		granted++
		if got := Evaluate(req, without); got.Decision != Allowed {
			return fmt.Errorf("allowed with SCP, RCP, boundary, session and endpoint policy, %s without", got.Decision)
		}
		return nil
	})
	if granted < rounds/20 {
		t.Errorf("only %d of %d were allowed: the generator shows too little", granted, rounds)
	}
}

func TestRemovingAnAllowNeverAllows(t *testing.T) {
	each(t, func(g generator, req Request, p Policies) error {
		before := Evaluate(req, p)
		after := Evaluate(req, edited(p, func(_ Kind, s []Statement) []Statement {
			return slices.DeleteFunc(s, func(s Statement) bool { return s.Effect == Allow && g.IntN(2) == 0 })
		}))
		if before.Decision != Allowed && after.Decision == Allowed {
			return fmt.Errorf("%s became allowed by removing Allow statements", before.Decision)
		}
		return nil
	})
}

func TestAddingAnAllowNeverDenies(t *testing.T) {
	each(t, func(g generator, req Request, p Policies) error {
		before := Evaluate(req, p)
		after := Evaluate(req, edited(p, func(kind Kind, s []Statement) []Statement {
			added := g.statement(kind)
			added.Effect = Allow
			return append(s, added)
		}))
		if before.Decision == Allowed && after.Decision != Allowed {
			return fmt.Errorf("allowed became %s by adding Allow statements", after.Decision)
		}
		if (before.Decision == ExplicitDeny) != (after.Decision == ExplicitDeny) {
			return fmt.Errorf("%s became %s by adding Allow statements", before.Decision, after.Decision)
		}
		return nil
	})
}

func TestRemovingADenyNeverDenies(t *testing.T) {
	each(t, func(_ generator, req Request, p Policies) error {
		before := Evaluate(req, p)
		after := Evaluate(req, edited(p, func(_ Kind, s []Statement) []Statement {
			return slices.DeleteFunc(s, func(s Statement) bool { return s.Effect == Deny })
		}))
		if after.Decision == ExplicitDeny || (before.Decision == Allowed && after.Decision != Allowed) {
			return fmt.Errorf("%s became %s by removing Deny statements", before.Decision, after.Decision)
		}
		return nil
	})
}

func TestOrderDoesNotMatter(t *testing.T) {
	each(t, func(g generator, req Request, p Policies) error {
		shuffled := edited(p, func(_ Kind, s []Statement) []Statement {
			g.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
			return s
		})
		for _, group := range groups(&shuffled) {
			g.Shuffle(len(*group), func(i, j int) { (*group)[i], (*group)[j] = (*group)[j], (*group)[i] })
		}
		g.Shuffle(len(shuffled.SCPs), func(i, j int) { shuffled.SCPs[i], shuffled.SCPs[j] = shuffled.SCPs[j], shuffled.SCPs[i] })
		before, after := Evaluate(req, p), Evaluate(req, shuffled)
		if before.Decision != after.Decision || before.Kind != after.Kind || len(before.Denies) != len(after.Denies) {
			return fmt.Errorf("%s by %s became %s by %s in another order", before.Decision, before.Kind, after.Decision, after.Kind)
		}
		return nil
	})
}

func TestANegatedOperatorIsTheOpposite(t *testing.T) {
	each(t, func(g generator, req Request, _ Policies) error {
		c := g.condition()
		pairs := map[string]string{"StringEquals": "StringNotEquals", "StringLike": "StringNotLike"}
		negation, ok := pairs[c.Operator.Base]
		if !ok || c.Operator.Quantifier != Single || c.Operator.IfExists {
			return nil
		}
		plain := c.holds(req.Context, true, nil)
		c.Operator.Base = negation
		if negated := c.holds(req.Context, true, nil); plain.missing == "" && plain.holds == negated.holds {
			return fmt.Errorf("%v and its negation are both %v", c, plain.holds)
		}
		return nil
	})
}

func TestALiteralPatternIsEquality(t *testing.T) {
	letters := []rune("ab:/*?$日")
	text := func(g generator) string {
		s := make([]rune, g.IntN(6))
		for i := range s {
			s[i] = pick(g, letters...)
		}
		return string(s)
	}
	for round := range uint64(rounds) {
		g := generator{rand.New(rand.NewPCG(seed, round))}
		a, b := text(g), text(g)
		if got := literal(a).match(b); got != (a == b) {
			t.Fatalf("literal %q matches %q: %v", a, b, got)
		}
		if !wildcards("*").match(a) {
			t.Fatalf("* does not match %q", a)
		}
		if s := text(g); covers(a, b) && wildcards(b).match(s) && !wildcards(a).match(s) {
			t.Fatalf("%q covers %q, but only the latter matches %q", a, b, s)
		}
		if wildcards(a).match(b) != slow([]rune(a), []rune(b)) {
			t.Fatalf("%q matches %q: %v, by definition %v", a, b, wildcards(a).match(b), slow([]rune(a), []rune(b)))
		}
	}
}

// slow is matching as it is defined, without cleverness.
func slow(p, s []rune) bool {
	switch {
	case len(p) == 0:
		return len(s) == 0
	case p[0] == '*':
		return slow(p[1:], s) || (len(s) > 0 && slow(p, s[1:]))
	}
	return len(s) > 0 && (p[0] == '?' || p[0] == s[0]) && slow(p[1:], s[1:])
}
