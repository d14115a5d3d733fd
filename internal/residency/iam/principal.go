package iam

import (
	"slices"
	"strings"
)

// Principal is who makes a request.
type Principal struct {
	// ARN is that of a user (arn:aws:iam::…:user/…) or of a role's session
	// (arn:aws:sts::…:assumed-role/role/session).
	ARN string
	// RoleARN is the role behind a session, or "".
	RoleARN string
	Account string
	// Management is set for principals of an organization's management account,
	// whom SCPs do not bind.
	Management bool
	// ServiceLinked is set for service-linked roles, which neither SCPs nor
	// RCPs bind.
	ServiceLinked bool
}

// grant is how directly a Principal element names somebody. It decides what
// else must allow the request ("Determining whether a request is allowed or
// denied within an account").
type grant int

const (
	notNamed   grant = iota
	viaAccount       // the account: its own identity policies decide
	viaRole          // the role: boundary and session policy still limit
	viaSession       // the user, the session itself, or everyone: nothing else is needed
)

// match returns how p names who.
func (p *Principals) match(who Principal) grant {
	best := notNamed
	if p.Everyone {
		return viaSession
	}
	for _, named := range p.AWS {
		switch {
		case named == who.ARN:
			best = max(best, viaSession)
		case who.RoleARN != "" && named == who.RoleARN:
			best = max(best, viaRole)
		case accountOf(named) == who.Account && who.Account != "":
			best = max(best, viaAccount)
		}
	}
	return best
}

// exempts reports whether a NotPrincipal element leaves who out. It must list
// the account as well as the user, or the role and its session, and never
// leaves out who has a permissions boundary ("AWS JSON policy elements:
// NotPrincipal").
func (p *Principals) exempts(who Principal, bounded bool) bool {
	if bounded || p.Everyone {
		return p.Everyone
	}
	account := slices.ContainsFunc(p.AWS, func(named string) bool { return accountOf(named) == who.Account })
	role := who.RoleARN == "" || slices.Contains(p.AWS, who.RoleARN)
	return account && role && slices.Contains(p.AWS, who.ARN)
}

// accountOf returns the account that named stands for as a whole, or "".
func accountOf(named string) string {
	if isAccountID(named) {
		return named
	}
	if a, ok := ParseARN(named); ok && a.Service == "iam" && a.Resource == "root" {
		return a.Account
	}
	return ""
}

func isAccountID(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}
