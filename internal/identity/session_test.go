package identity

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
)

func TestASessionEndsWhenIdleAndWhenOld(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		in := h.setUp()
		h.pass(sessionIdle - time.Millisecond)
		h.authenticates("before the idle end", in.Token, true) // and so it goes on
		h.pass(sessionIdle - time.Millisecond)
		h.authenticates("used in between", in.Token, true)
		h.pass(sessionIdle)
		h.authenticates("idle for too long", in.Token, false)

		in = h.signIn(adminEmail, adminPassword)
		if !in.EndsAt.Equal(h.now().Add(sessionLifetime)) || !in.Session.ExpiresAt.Equal(h.now().Add(sessionIdle)) {
			t.Errorf("the session ends %v and expires %v", in.EndsAt, in.Session.ExpiresAt)
		}
		for range int(sessionLifetime/time.Hour) - 1 {
			h.pass(time.Hour)
			h.authenticates("used every hour", in.Token, true)
		}
		if list, err := h.Sessions(as(t, in)); err != nil || len(list) != 1 || !list[0].ExpiresAt.Equal(in.EndsAt) {
			t.Errorf("Sessions = %+v, %v, want one that ends with its lifetime", list, err)
		}
		h.pass(time.Hour)
		h.authenticates("at its absolute end", in.Token, false)
	})
}

func TestBeingSeenIsWrittenOnceAMinute(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		in := h.setUp()
		start := h.now()
		seen := func() time.Duration {
			list, err := h.Sessions(as(t, in))
			if err != nil {
				t.Fatal(err)
			}
			return list[0].LastSeenAt.Sub(start)
		}
		h.pass(59 * time.Second)
		h.authenticates("within the minute", in.Token, true)
		if got := seen(); got != 0 {
			t.Errorf("seen %v after it was opened, want it unwritten", got)
		}
		h.pass(time.Second)
		h.authenticates("after a minute", in.Token, true)
		if got := seen(); got != time.Minute {
			t.Errorf("seen %v after it was opened, want a minute", got)
		}
	})
}

func TestPeopleEndTheirOwnSessionsOnly(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin := h.setUp()
		member := h.person(admin, "yamada@example.jp", access.Member)
		phone := h.signIn("yamada@example.jp", ownPassword)
		for what, id := range map[string]string{
			"the administrator's": admin.Session.ID, "none": db.NewID(), "no id": "", "a NUL": "\x00", "SQL": "' OR ''='",
		} {
			want(t, "EndSession of "+what, h.EndSession(as(t, member), id), errs.NotFound)
		}
		want(t, "a member's as the administrator's own", h.EndSession(as(t, admin), phone.Session.ID), errs.NotFound)
		list, err := h.Sessions(as(t, member))
		if err != nil || len(list) != 2 || slices.ContainsFunc(list, func(s Session) bool { return s.AccountID != member.Account.ID }) {
			t.Errorf("Sessions = %+v, %v, want one's own two", list, err)
		}
		want(t, "EndSession of one's own", h.EndSession(as(t, member), phone.Session.ID), "")
		h.authenticates("the ended session", phone.Token, false)
		h.authenticates("the current session", member.Token, true)
		h.authenticates("the administrator", admin.Token, true)
		want(t, "EndSession again", h.EndSession(as(t, member), phone.Session.ID), errs.NotFound)
		want(t, "SignOut", h.SignOut(as(t, member)), "")
		h.authenticates("after SignOut", member.Token, false)
		want(t, "SignOut of nobody", h.SignOut(t.Context()), errs.Unauthenticated)
		if e := h.events(auditSignOut); len(e) != 1 || e[0].ActorID != member.Account.ID || e[0].Resource.ID != member.Session.ID {
			t.Errorf("audit events %+v, want one sign-out", e)
		}
	})
}

func TestSigningOutEverywhere(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin := h.setUp()
		member := h.person(admin, "yamada@example.jp", access.Member)
		phone, office := h.signIn("yamada@example.jp", ownPassword), h.signIn("yamada@example.jp", ownPassword)
		if n, err := h.SignOutEverywhere(as(t, member), true); err != nil || n != 2 {
			t.Errorf("SignOutEverywhere keeping the current = %d, %v, want 2", n, err)
		}
		h.authenticates("the phone", phone.Token, false)
		h.authenticates("the office", office.Token, false)
		h.authenticates("the current", member.Token, true)
		if n, err := h.SignOutEverywhere(as(t, member), false); err != nil || n != 1 {
			t.Errorf("SignOutEverywhere = %d, %v, want 1", n, err)
		}
		h.authenticates("the current", member.Token, false)
		h.authenticates("the administrator", admin.Token, true)
	})
}

func TestAnAdministratorSeesAndEndsSessions(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin := h.setUp()
		member := h.person(admin, "yamada@example.jp", access.Member)
		phone, office := h.signIn("yamada@example.jp", ownPassword), h.signIn("yamada@example.jp", ownPassword)
		id := member.Account.ID
		if list, err := h.AccountSessions(as(t, admin), id); err != nil || len(list) != 3 {
			t.Errorf("AccountSessions = %+v, %v, want three", list, err)
		}
		want(t, "a session under the wrong account", h.EndAccountSession(as(t, admin), admin.Account.ID, phone.Session.ID), errs.NotFound)
		want(t, "EndAccountSession", h.EndAccountSession(as(t, admin), id, phone.Session.ID), "")
		h.authenticates("the phone", phone.Token, false)
		h.authenticates("the office", office.Token, true)
		if n, err := h.EndAccountSessions(as(t, admin), id); err != nil || n != 2 {
			t.Errorf("EndAccountSessions = %d, %v, want 2", n, err)
		}
		h.authenticates("the office", office.Token, false)
		h.authenticates("the administrator", admin.Token, true)
	})
}

func TestSweepTakesWhatHasEndedAndTheSurplus(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		idle := h.setUp()
		h.pass(sessionIdle)
		other := h.person(h.signIn(adminEmail, adminPassword), "yamada@example.jp", access.Member)
		var sessions []SignedIn
		for range maxSessions + 1 {
			h.pass(time.Millisecond)
			sessions = append(sessions, h.signIn(adminEmail, adminPassword))
		}
		if err := h.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		var left int
		if err := d.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM sessions`).Scan(&left); err != nil || left != maxSessions+1 {
			t.Errorf("%d sessions left, %v, want the newest %d of one account and one of another", left, err, maxSessions)
		}
		h.authenticates("the idle one", idle.Token, false)
		h.authenticates("the oldest", sessions[0].Token, false)
		h.authenticates("the next", sessions[1].Token, true)
		h.authenticates("somebody else's", other.Token, true)
	})
}

func TestAStreamEndsWithItsSession(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		for name, end := range map[string]func(h *house, admin, member SignedIn) error{
			"signed out":            func(h *house, _, m SignedIn) error { return h.SignOut(as(t, m)) },
			"signed out everywhere": func(h *house, _, m SignedIn) error { return second(h.SignOutEverywhere(as(t, m), false)) },
			"revoked": func(h *house, a, m SignedIn) error {
				return h.EndAccountSession(as(t, a), m.Account.ID, m.Session.ID)
			},
			"disabled": func(h *house, a, m SignedIn) error {
				return second(h.UpdateAccount(as(t, a), m.Account.ID, AccountChange{Disabled: new(true)}))
			},
			"reset": func(h *house, a, m SignedIn) error { return second(h.ResetPassword(as(t, a), m.Account.ID)) },
			"password changed": func(h *house, _, m SignedIn) error {
				return second(h.ChangePassword(as(t, m), ownPassword, "ちりぬるをわかよたれそつね", Client{Token: m.Token}))
			},
			"replaced by another sign-in": func(h *house, _, m SignedIn) error {
				return second(h.SignIn(t.Context(), adminEmail, adminPassword, Client{Token: m.Token}))
			},
		} {
			t.Run(name, func(t *testing.T) {
				h := newHouse(t, d)
				admin := SignedIn{}
				if needed, err := h.NeedsSetup(t.Context()); err != nil {
					t.Fatal(err)
				} else if needed {
					admin = h.setUp()
				} else {
					admin = h.signIn(adminEmail, adminPassword)
				}
				member := h.person(admin, fmt.Sprintf("p%d@example.jp", len(h.events("session."))), access.Member)
				other := h.signIn(member.Account.Email, ownPassword)
				stream, stop, err := h.Watch(as(t, member))
				if err != nil {
					t.Fatal(err)
				}
				defer stop()
				others, stopOthers, err := h.Watch(as(t, other))
				if err != nil {
					t.Fatal(err)
				}
				defer stopOthers()
				admins, stopAdmins, err := h.Watch(as(t, admin))
				if err != nil {
					t.Fatal(err)
				}
				defer stopAdmins()
				if err := end(h, admin, member); err != nil {
					t.Fatal(err)
				}
				// Nobody runs Run here: on its own node the stream has ended when
				// the act returns.
				if stream.Err() == nil || errs.CodeOf(context.Cause(stream)) != errs.Unauthenticated {
					t.Errorf("the stream's cause is %v, want unauthenticated", context.Cause(stream))
				}
				if stays := name == "signed out" || name == "revoked" || name == "replaced by another sign-in"; stays != (others.Err() == nil) {
					t.Errorf("the person's other session: %v", others.Err())
				}
				if admins.Err() != nil {
					t.Error("the administrator's stream ended too")
				}
				_, _, err = h.Watch(as(t, member))
				want(t, "Watch of an ended session", err, errs.Unauthenticated)
			})
		}
	})
}

func TestAnotherNodesStreamsEndToo(t *testing.T) {
	url := dbtest.URL(t, db.Postgres)
	clock := newClock()
	node := func() *house {
		d, err := db.Open(t.Context(), db.Options{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		return newNode(t, d, clock)
	}
	here, there := node(), node()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); there.Run(ctx) }()
	defer func() { cancel(); <-done }()

	admin := here.setUp()
	member := here.person(admin, "yamada@example.jp", access.Member)
	stream, stop, err := there.Watch(as(t, member))
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if _, err := here.UpdateAccount(as(t, admin), member.Account.ID, AccountChange{Disabled: new(true)}); err != nil {
		t.Fatal(err)
	}
	// Run may not have subscribed when this was announced; then the watch that
	// was already open is found by the next announcement.
	for stream.Err() == nil {
		if err := here.db.Publish(t.Context(), access.Changed, member.Account.ID); err != nil {
			t.Fatal(err)
		}
		runtime.Gosched()
	}
	want(t, "the stream's cause", context.Cause(stream), errs.Unauthenticated)
}

func TestAStreamEndsWhenItsSessionRunsOut(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		in := h.setUp()
		stream, stop, err := h.Watch(as(t, in))
		if err != nil {
			t.Fatal(err)
		}
		defer stop()
		h.pass(sessionIdle - 1)
		if err := h.recheck(t.Context(), h.watchers.all()); err != nil || stream.Err() != nil {
			t.Errorf("before the end: %v, stream %v", err, stream.Err())
		}
		h.pass(time.Second)
		if err := h.recheck(t.Context(), h.watchers.all()); err != nil || stream.Err() == nil {
			t.Errorf("after the end: %v, stream %v", err, stream.Err())
		}
	})
}

func TestAStreamWhoseStateIsUnknownEnds(t *testing.T) {
	h := newHouse(t, dbtest.Open(t, db.SQLite))
	stream, stop, err := h.Watch(as(t, h.setUp()))
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	gone, cancel := context.WithCancel(t.Context())
	cancel() // the store cannot be asked
	p, _ := access.From(stream)
	h.sessionsChanged(gone, p.AccountID)
	want(t, "the stream's cause", context.Cause(stream), errs.Unauthenticated)
}

func TestAThousandStreamsAreWatchedWithoutGoroutinesOrLeaks(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		in := h.setUp()
		before := runtime.NumGoroutine()
		parent, cancelParent := context.WithCancel(as(t, in))
		stops := make([]context.CancelFunc, 0, 1000)
		for range 1000 {
			_, stop, err := h.Watch(parent)
			if err != nil {
				t.Fatal(err)
			}
			stops = append(stops, stop)
		}
		// Those of the last queries are still going when their results are in.
		settled := time.Now().Add(10 * time.Second)
		for runtime.NumGoroutine()-before > 20 && time.Now().Before(settled) {
			runtime.Gosched()
		}
		if n := runtime.NumGoroutine() - before; n > 20 {
			t.Errorf("%d goroutines for 1,000 streams, want none of ours", n)
		}
		if n := len(h.watchers.all()); n != 1000 {
			t.Errorf("%d streams are watched, want 1000", n)
		}
		if err := h.recheck(t.Context(), h.watchers.all()); err != nil {
			t.Fatal(err)
		}
		for _, stop := range stops[:500] {
			stop()
		}
		cancelParent() // the rest go with their request
		for len(h.watchers.all()) > 0 {
			runtime.Gosched()
		}
		if len(h.watchers.byAccount) != 0 {
			t.Errorf("%d accounts are remembered for nothing", len(h.watchers.byAccount))
		}
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		d := dbtest.Open(b, engine)
		h := newHouse(b, d)
		in := h.setUp()
		for _, parallel := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/parallel=%v", engine, parallel), func(b *testing.B) {
				b.ReportAllocs()
				once := func() {
					if _, _, err := h.Authenticate(b.Context(), in.Token); err != nil {
						b.Error(err)
					}
				}
				if !parallel {
					for b.Loop() {
						once()
					}
					return
				}
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						once()
					}
				})
			})
		}
	}
}
