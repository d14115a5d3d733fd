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
	// Pending are the steps that the session has still to pass: nothing but the
	// first of them is granted.
	Pending []Step
	// Stale is set when the person proved who they are too long ago for what
	// is dangerous.
	Stale bool
}

// RoleNames returns the roles that p holds, be it for one unit only.
func (p Principal) RoleNames() []string {
	names := make([]string, len(p.Rights))
	for i, right := range p.Rights {
		names[i] = string(right.RoleID)
	}
	return names
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
// Unauthenticated if nobody is signed in, and that of the first open step if
// the session has one still to pass: an operation that asks nothing else is
// refused, too.
func Require(ctx context.Context) (Principal, error) {
	p, err := Arrived(ctx)
	if err == nil {
		err = p.Waiting()
	}
	if err != nil {
		return Principal{}, err
	}
	return p, nil
}

// Arrived is Require for what has to do with the steps themselves: whoever calls
// it asks Decide, which grants nothing but the first open one.
func Arrived(ctx context.Context) (Principal, error) {
	p, ok := From(ctx)
	if !ok {
		return Principal{}, errs.New(errs.Unauthenticated, "sign in to do this")
	}
	return p, nil
}
