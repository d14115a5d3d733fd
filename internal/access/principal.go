// Package access says what a person may do: the principal of a request, the
// groups people belong to, and the one function that decides.
//
// Capabilities call Decide (or Authorize) before they act; routes do not. What
// is not granted is refused, and someone else's object looks like one that does
// not exist.
package access

import (
	"context"

	"kakoi/internal/audit"
	"kakoi/internal/errs"
)

// Role is what an account is in the organisation.
type Role string

// The roles. An administrator manages accounts, groups, connections and
// models; it does not see other people's conversations.
const (
	Administrator Role = "administrator"
	Member        Role = "member"
)

// Valid reports whether r is a role there is.
func (r Role) Valid() bool { return r == Administrator || r == Member }

// Principal is who makes a request, as established when it came in.
type Principal struct {
	AccountID string
	Role      Role
	GroupIDs  []string // sorted
	SessionID string
	Locale    string // "ja", "en", or "" when the person has not chosen
	// Pending are the steps that the session has still to pass: nothing but the
	// first of them is granted.
	Pending []Step
	// Stale is set when the person proved who they are too long ago for what
	// is dangerous.
	Stale bool
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
