package iam

import (
	"regexp"
	"strings"
)

// principalElements reads Principal and NotPrincipal ("IAM JSON policy
// elements: Principal"). Policies of identities have neither: they are for the
// identity they are attached to.
func (p *parser) principalElements(n *node, has map[string]*node) {
	if !p.policy.Kind.namesPrincipals() {
		for _, element := range []string{"Principal", "NotPrincipal"} {
			if has[element] != nil {
				p.problem(has[element], element, "principal_not_here", "kind", string(p.policy.Kind))
			}
		}
		return
	}
	p.oneOf(n, has, "Principal", "NotPrincipal", true)
	p.at.Principal = p.principals(has["Principal"], "Principal")
	p.at.NotPrincipal = p.principals(has["NotPrincipal"], "NotPrincipal")
	switch {
	case has["NotPrincipal"] == nil:
	case p.policy.Kind == Trust:
		p.problem(has["NotPrincipal"], "NotPrincipal", "trust_not_principal")
	case p.at.Effect == Allow:
		p.problem(has["NotPrincipal"], "NotPrincipal", "allow_not_principal")
	}
}

func (p *parser) principals(n *node, element string) *Principals {
	if n == nil {
		return nil
	}
	found := &Principals{}
	if n.kind == text {
		if n.text != "*" {
			p.problem(n, element, "principal_string", "principal", n.text)
		}
		found.Everyone = n.text == "*"
		return found
	}
	if !p.is(n, element, object) {
		return nil
	}
	if len(n.fields) == 0 {
		p.problem(n, element, "principal_empty")
	}
	for _, f := range n.fields {
		values := p.strings(f.value, element+"."+f.key)
		switch f.key {
		case "AWS":
			p.awsPrincipals(f, element, values, found)
		case "Service":
			found.Service = values
		case "Federated":
			found.Federated = values
		case "CanonicalUser":
			found.Canonical = values
		default:
			p.problem(f.value, element, "principal_type", "type", f.key)
		}
	}
	return found
}

// uniqueID is what AWS leaves of a user or role that was deleted.
var uniqueID = regexp.MustCompile(`^A[A-Z]{3}[A-Z0-9]{12,124}$`)

func (p *parser) awsPrincipals(f field, element string, values []string, found *Principals) {
	for _, v := range values {
		a, isARN := ParseARN(v)
		switch {
		case v == "*":
			found.Everyone = true
			continue
		case strings.ContainsAny(v, "*?"):
			p.problem(f.value, element, "principal_wildcard", "principal", v)
		case isAccountID(v) || uniqueID.MatchString(v):
		case !isARN || (a.Service != "iam" && a.Service != "sts") || !isAccountID(a.Account):
			p.problem(f.value, element, "principal_form", "principal", v)
		}
		found.AWS = append(found.AWS, v)
	}
}
