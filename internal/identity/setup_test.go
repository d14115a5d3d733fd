package identity

import (
	"sync"
	"testing"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
)

func TestTheFirstAdministratorComesThroughTheLinkOnce(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		if needed, err := h.NeedsSetup(t.Context()); err != nil || !needed {
			t.Fatalf("NeedsSetup = %v, %v, want true", needed, err)
		}
		token, expires, err := h.CreateSetupLink(t.Context())
		if err != nil || !expires.Equal(h.now().Add(24*time.Hour)) {
			t.Fatalf("CreateSetupLink expires %v, %v, want in 24 hours", expires, err)
		}
		setup := Setup{Token: token, Email: " Admin@Example.jp", Name: "管理者", Password: adminPassword, Locale: "ja"}
		in, err := h.CompleteSetup(t.Context(), setup, Client{Address: "192.0.2.7", UserAgent: "Edge"})
		if err != nil {
			t.Fatal(err)
		}
		if a := in.Account; a.Email != adminEmail || !holds(in.Principal, access.Administrator) || a.MustChangePassword || a.Preferences.Locale != "ja" {
			t.Errorf("account %+v, want an administrator with a password of their own", a)
		}
		p, _, err := h.Authenticate(t.Context(), in.Token)
		if err != nil || p.AccountID != in.Account.ID || !holds(p, access.Administrator) || p.Locale != "ja" || p.SessionID != in.Session.ID {
			t.Errorf("Authenticate = %+v, %v, want the administrator", p, err)
		}
		want(t, "using the link again", second(h.CompleteSetup(t.Context(), setup, Client{})), errs.SetupLinkInvalid)
		want(t, "making another link", third(h.CreateSetupLink(t.Context())), errs.Conflict)
		if needed, err := h.NeedsSetup(t.Context()); err != nil || needed {
			t.Errorf("NeedsSetup afterwards = %v, %v, want false", needed, err)
		}
		events := h.events(auditSetup)
		if len(events) != 2 || events[0].Outcome != audit.Success || events[0].ActorID != in.Account.ID || events[1].Outcome != audit.Denied {
			t.Errorf("audit events %+v, want a success of the new account and a denial", events)
		}
	})
}

func TestWhichSetupLinksWork(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		first, _, err := h.CreateSetupLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		latest, _, err := h.CreateSetupLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		check := func(what, token string, valid bool) {
			t.Helper()
			if ok, err := h.SetupLinkValid(t.Context(), token); err != nil || ok != valid {
				t.Errorf("SetupLinkValid of %s = %v, %v, want %v", what, ok, err, valid)
			}
			if !valid {
				_, err := h.CompleteSetup(t.Context(), Setup{Token: token, Email: adminEmail, Name: "a", Password: adminPassword}, Client{})
				want(t, "CompleteSetup with "+what, err, errs.SetupLinkInvalid)
			}
		}
		check("an earlier link", first, false)
		check("nothing", "", false)
		check("a NUL", "\x00", false)
		check("a wrong link of the right length", first[:42]+"_", false)
		check("the latest link", latest, true)
		h.pass(setupLinkFor - time.Millisecond)
		check("the latest link at its last moment", latest, true)
		h.pass(time.Millisecond)
		check("an expired link", latest, false)
		if err := h.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		var left int
		if err := d.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM setup_links`).Scan(&left); err != nil || left != 0 {
			t.Errorf("%d links left after Sweep, %v, want none", left, err)
		}
	})
}

func TestARefusedSetupLeavesTheLinkUsable(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		token, _, err := h.CreateSetupLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		good := Setup{Token: token, Email: adminEmail, Name: "管理者", Password: adminPassword}
		for name, tt := range map[string]struct {
			change func(*Setup)
			code   errs.Code
		}{
			"no e-mail":       {func(s *Setup) { s.Email = "x" }, errs.InvalidInput},
			"no name":         {func(s *Setup) { s.Name = " " }, errs.InvalidInput},
			"a weak password": {func(s *Setup) { s.Password = "short" }, errs.PasswordTooWeak},
			"no such locale":  {func(s *Setup) { s.Locale = "xx" }, errs.InvalidInput},
		} {
			bad := good
			tt.change(&bad)
			want(t, name, second(h.CompleteSetup(t.Context(), bad, Client{})), tt.code)
		}
		want(t, "the same link, filled in well", second(h.CompleteSetup(t.Context(), good, Client{})), "")
	})
}

func TestOfRacingSetupsOneWins(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		token, _, err := h.CreateSetupLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		results := make([]error, 12)
		var wg sync.WaitGroup
		for i := range results {
			wg.Go(func() {
				email := string(rune('a'+i)) + "@example.jp"
				_, results[i] = h.CompleteSetup(t.Context(), Setup{Token: token, Email: email, Name: "a", Password: adminPassword}, Client{})
			})
		}
		wg.Wait()
		won := 0
		for _, err := range results {
			if err == nil {
				won++
			} else {
				want(t, "a setup that lost", err, errs.SetupLinkInvalid)
			}
		}
		var accounts int
		if err := d.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM accounts`).Scan(&accounts); err != nil || accounts != 1 || won != 1 {
			t.Errorf("%d won and %d accounts exist (%v), want 1 and 1", won, accounts, err)
		}
	})
}

func TestGuessingAtTheSetupLinkIsSlowedDown(t *testing.T) {
	h := newHouse(t, dbtest.Open(t, db.SQLite))
	from := Client{Address: "192.0.2.7"}
	guess := Setup{Token: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}
	for range addressPatience.free {
		want(t, "a guess", second(h.CompleteSetup(t.Context(), guess, from)), errs.SetupLinkInvalid)
	}
	want(t, "one guess too many", second(h.CompleteSetup(t.Context(), guess, from)), errs.RateLimited)
}
