// Package audit keeps the record of who did what: append-only, written where
// the act is decided, inside the act's own transaction where it has one.
//
// An event names its actor, action, resource and outcome and says where the
// request came from. It holds no prompt, no answer, no password and no token.
package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"kakoi/internal/db"
)

// Outcome says how an act ended.
type Outcome string

// The outcomes. Failure is an act that was allowed and did not succeed; denied
// is an act that was refused.
const (
	Success Outcome = "success"
	Failure Outcome = "failure"
	Denied  Outcome = "denied"
)

// Event is one act as the capability that performed it describes it. Time,
// actor and request are filled in from the context.
type Event struct {
	Action   string // what was done: "account.create", "connection.update"
	Resource Resource
	Outcome  Outcome           // Success when empty
	Details  map[string]string // facts an auditor needs; never a secret or a prompt

	// ActorID replaces the actor of the context, for the acts that make one:
	// a sign-in has no principal yet.
	ActorID string
	// SessionID replaces the session of the context in the same way.
	SessionID string
}

// Resource names what an act was done to.
type Resource struct {
	Kind string // "account", "session", "conversation"
	ID   string // "" when there is none, as for a list
}

// Log writes and reads the record.
type Log struct {
	db  *db.DB
	now func() time.Time
}

// New returns the log kept in d. now is the clock.
func New(d *db.DB, now func() time.Time) *Log {
	return &Log{db: d, now: now}
}

// Record writes e. With the context of a transaction (db.Transact) it takes
// part in that transaction, so that the act and its record stand or fall
// together.
func (l *Log) Record(ctx context.Context, e Event) error {
	if e.Action == "" || e.Resource.Kind == "" {
		return fmt.Errorf("record event: action %q on kind %q is incomplete", e.Action, e.Resource.Kind)
	}
	if e.Outcome == "" {
		e.Outcome = Success
	}
	actor := actorFrom(ctx)
	if e.ActorID == "" {
		e.ActorID = actor.AccountID
	}
	if e.SessionID == "" {
		e.SessionID = actor.SessionID
	}
	details, err := encodeDetails(e.Details)
	if err != nil {
		return fmt.Errorf("record %s: %w", e.Action, err)
	}
	return insert(ctx, l.db, db.NewID(), l.now(), e, details, RequestFrom(ctx))
}

// The bounds of what is stored: an event is a line, not a document.
const (
	maxDetail    = 500 // bytes of one value
	maxDetails   = 32  // values of one event
	maxRequestID = 128
	maxAddress   = 64
	maxUserAgent = 256
)

func encodeDetails(details map[string]string) (string, error) {
	if len(details) == 0 {
		return "{}", nil
	}
	if len(details) > maxDetails {
		return "", fmt.Errorf("%d details are more than %d", len(details), maxDetails)
	}
	bounded := make(map[string]string, len(details))
	for k, v := range details {
		bounded[k] = clip(v, maxDetail)
	}
	b, err := json.Marshal(bounded) // sorts the keys: the same facts are the same text
	return string(b), err
}

// clip bounds text that came from outside and takes out what a store or a
// reader of logs chokes on: invalid UTF-8 and control characters.
func clip(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit]
		for len(s) > 0 && !utf8.RuneStart(s[len(s)-1]) {
			s = s[:len(s)-1]
		}
		if r, size := utf8.DecodeLastRuneInString(s); r == utf8.RuneError && size <= 1 && len(s) > 0 {
			s = s[:len(s)-1]
		}
	}
	return strings.Map(func(r rune) rune {
		if r < 0x20 || (r >= 0x7f && r < 0xa0) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// RequestInfo says where an act came from.
type RequestInfo struct {
	ID        string // request id, as in the logs and the problem document
	Address   string // the client's address, after trusted proxies
	UserAgent string
}

// Actor is who acts: an account through one of its sessions.
type Actor struct {
	AccountID string
	SessionID string
}

type (
	requestKey struct{}
	actorKey   struct{}
)

// WithRequest returns a context whose events say that they came with r.
func WithRequest(ctx context.Context, r RequestInfo) context.Context {
	return context.WithValue(ctx, requestKey{}, r.Clean())
}

// Clean returns r with every text bounded and printable, fit for a store.
func (r RequestInfo) Clean() RequestInfo {
	return RequestInfo{
		ID:        clip(r.ID, maxRequestID),
		Address:   clip(r.Address, maxAddress),
		UserAgent: clip(r.UserAgent, maxUserAgent),
	}
}

// RequestFrom returns what WithRequest put into ctx, clean, or the zero value.
func RequestFrom(ctx context.Context) RequestInfo {
	r, _ := ctx.Value(requestKey{}).(RequestInfo)
	return r
}

// WithActor returns a context whose events are a's. access.WithPrincipal calls
// it; nothing else needs to.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

func actorFrom(ctx context.Context) Actor {
	a, _ := ctx.Value(actorKey{}).(Actor)
	return a
}
