// Package access says what a person may do: the principal of a request, the
// groups people belong to, and the one function that decides.
//
// Capabilities call Decide (or Authorize) before they act; routes do not. What
// is not granted is refused, and someone else's object looks like one that does
// not exist.
package access

import (
	"context"
	"slices"

	"kakoi/internal/audit"
	"kakoi/internal/errs"
)

// Principal is who makes a request, as established when it came in.
type Principal struct {
	AccountID string
	SessionID string
	Locale    string   // "ja", "en", or "" when the person has not chosen
	GroupIDs  []string // sorted; chosen ones and those whose rule fits
	UnitIDs   []string // sorted; where the person has a post now
	Rights    []Right  // beyond what everybody may
	Tree      *Tree    // of the organisation, now
	Withheld  []Feature
	// PasswordChangeRequired is set while the person holds a temporary
	// password: nothing but replacing it is granted.
	PasswordChangeRequired bool
}

// Has reports whether p may do a at all, be it in one unit only.
func (p Principal) Has(a Action) bool {
	for _, right := range p.Rights {
		if slices.Contains(right.Permissions, a) && (right.UnitID == "" || Scopable(a)) {
			return true
		}
	}
	return false
}

// Scope returns the units, each with all below it, in which p may do a;
// everywhere is true if nothing bounds it.
func (p Principal) Scope(a Action) (everywhere bool, unitIDs []string) {
	for _, right := range p.Rights {
		if !slices.Contains(right.Permissions, a) {
			continue
		}
		switch r := reachOf(a); {
		case right.UnitID == "", r == anything:
			return true, nil
		case r == ofUnit:
			unitIDs = append(unitIDs, p.Tree.Below(right.UnitID)...)
		}
	}
	slices.Sort(unitIDs)
	return false, slices.Compact(unitIDs)
}

// may reports whether p may do a to what belongs to the units.
func (p Principal) may(a Action, unitIDs []string) bool {
	everywhere, within := p.Scope(a)
	return everywhere || slices.ContainsFunc(unitIDs, func(id string) bool { return slices.Contains(within, id) })
}

// covers reports whether p holds all that the rights hold, wherever they hold it.
func (p Principal) covers(rights []Right) bool {
	for _, right := range rights {
		for _, a := range right.Permissions {
			switch everywhere, within := p.Scope(a); {
			case everywhere:
			case right.UnitID == "" || !slices.Contains(within, right.UnitID):
				return false
			}
		}
	}
	return true
}

type principalKey struct{}

// WithPrincipal returns a context in which p acts; audit events made with it
// name p as their actor.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	ctx = audit.WithActor(ctx, audit.Actor{AccountID: p.AccountID, SessionID: p.SessionID})
	return context.WithValue(ctx, principalKey{}, p)
}

// From returns the principal that acts in ctx and whether there is one.
func From(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok && p.AccountID != ""
}

// Require returns the principal that acts in ctx. The error has code
// Unauthenticated if nobody is signed in.
func Require(ctx context.Context) (Principal, error) {
	p, ok := From(ctx)
	if !ok {
		return Principal{}, errs.New(errs.Unauthenticated, "sign in to do this")
	}
	return p, nil
}
