package identity

import (
	"context"
	"crypto/rand"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
)

const (
	adminEmail    = "admin@example.jp"
	adminPassword = "correct horse battery"
	ownPassword   = "いろはにほへとちりぬるを"

	sessionIdle     = 12 * time.Hour
	sessionLifetime = 7 * 24 * time.Hour
)

// clock is a time that tests move.
type clock struct{ millis atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.millis.Store(time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC).UnixMilli())
	return c
}

func (c *clock) now() time.Time       { return time.UnixMilli(c.millis.Load()) }
func (c *clock) pass(d time.Duration) { c.millis.Add(d.Milliseconds()) }

// house is a service over a database, with a clock and hashes that cost nothing.
type house struct {
	*Service
	clock *clock
	t     testing.TB
}

func (h *house) pass(d time.Duration) { h.clock.pass(d) }

func newHouse(t testing.TB, d *db.DB) *house {
	t.Helper()
	return newNode(t, d, newClock())
}

func newNode(t testing.TB, d *db.DB, c *clock) *house {
	t.Helper()
	record, charts := audit.New(d, c.now), access.NewCharts(d, c.now)
	s, err := New(Options{
		DB: d, Audit: record, Now: c.now,
		Groups: access.NewGroups(d, record, charts, c.now), Roles: access.NewRoles(d, record, charts, c.now), Units: access.NewUnits(d, record, charts, c.now), Charts: charts,
		SessionIdle: sessionIdle, SessionLifetime: sessionLifetime,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.passwords = newHasher(cheap, rand.Reader)
	return &house{Service: s, clock: c, t: t}
}

// as returns a context in which whoever was signed in acts.
func as(t testing.TB, in SignedIn) context.Context {
	return access.WithPrincipal(t.Context(), in.Principal)
}

// setUp makes the first administrator.
func (h *house) setUp() SignedIn {
	h.t.Helper()
	token, _, err := h.CreateSetupLink(h.t.Context())
	if err != nil {
		h.t.Fatalf("CreateSetupLink: %v", err)
	}
	in, err := h.CompleteSetup(h.t.Context(), Setup{Token: token, Email: adminEmail, Name: "管理者", Password: adminPassword, Locale: "ja"}, Client{})
	if err != nil {
		h.t.Fatalf("CompleteSetup: %v", err)
	}
	return in
}

func (h *house) signIn(email, password string) SignedIn {
	h.t.Helper()
	in, err := h.SignIn(h.t.Context(), email, password, Client{Address: "192.0.2.7", UserAgent: "Edge"})
	if err != nil {
		h.t.Fatalf("SignIn(%s): %v", email, err)
	}
	return in
}

// newcomer makes an account that has only its temporary password.
func (h *house) newcomer(admin SignedIn, email string, role access.RoleID) (a Account, temporary string) {
	h.t.Helper()
	a, temporary, err := h.CreateAccount(as(h.t, admin), NewAccount{Email: email, Name: "山田 " + email, Roles: held(role)})
	if err != nil {
		h.t.Fatalf("CreateAccount(%s): %v", email, err)
	}
	return a, temporary
}

// person makes an account that has a password of its own and is signed in.
func (h *house) person(admin SignedIn, email string, role access.RoleID) SignedIn {
	h.t.Helper()
	_, temporary := h.newcomer(admin, email, role)
	return h.settle(email, temporary)
}

// settle signs a newcomer in and replaces the temporary password.
func (h *house) settle(email, temporary string) SignedIn {
	h.t.Helper()
	first := h.signIn(email, temporary)
	in, err := h.ChangePassword(as(h.t, first), temporary, ownPassword, Client{Token: first.Token})
	if err != nil {
		h.t.Fatalf("ChangePassword(%s): %v", email, err)
	}
	return in
}

// want fails the test unless err has the code.
func want(t testing.TB, what string, err error, code errs.Code) {
	t.Helper()
	if got := errs.CodeOf(err); got != code {
		t.Errorf("%s = %v (%q), want %q", what, err, got, code)
	}
}

func second[T any](_ T, err error) error { return err }

func third[A, B any](_ A, _ B, err error) error { return err }

// authenticates fails the test unless token's session is alive, or is not.
func (h *house) authenticates(what, token string, alive bool) {
	h.t.Helper()
	_, _, err := h.Authenticate(h.t.Context(), token)
	code := errs.Code("")
	if !alive {
		code = errs.Unauthenticated
	}
	want(h.t, "Authenticate "+what, err, code)
}

// events returns the audit events of an action, the oldest first.
func (h *house) events(action string) []audit.Entry {
	h.t.Helper()
	page, err := h.audit.List(h.t.Context(), audit.Filter{Action: action, Limit: 200})
	if err != nil {
		h.t.Fatal(err)
	}
	list := make([]audit.Entry, 0, len(page.Items))
	for i := len(page.Items) - 1; i >= 0; i-- {
		list = append(list, page.Items[i])
	}
	return list
}

// held is a role as an account has it for good.
func held(role access.RoleID) []access.Held {
	if role == access.Member {
		return nil
	}
	return []access.Held{{RoleID: role, Span: access.Always}}
}

// holds reports whether somebody has a role everywhere.
func holds(p access.Principal, role access.RoleID) bool {
	return slices.ContainsFunc(p.Rights, func(r access.Right) bool { return r.RoleID == role && r.UnitID == "" })
}
