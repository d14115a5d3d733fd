package identity

import (
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
)

func TestEveryFailedSignInLooksTheSame(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin := h.setUp()
		gone := h.person(admin, "gone@example.jp", access.Member)
		if _, err := h.UpdateAccount(as(t, admin), gone.Account.ID, AccountChange{Disabled: new(true)}); err != nil {
			t.Fatal(err)
		}
		_, temporary := h.newcomer(admin, "late@example.jp", access.Member)
		h.pass(temporaryPasswordFor)
		var texts []string
		for _, tt := range []struct{ name, email, password, reason string }{
			{"a wrong password", adminEmail, "wrong", reasonPassword},
			{"no password", adminEmail, "", reasonPassword},
			{"the password and more", adminEmail, adminPassword + " ", reasonPassword},
			{"a password too long", adminEmail, strings.Repeat("x", 1<<20), reasonPassword},
			{"an unknown account", "nobody@example.jp", adminPassword, reasonUnknown},
			{"what is no e-mail", "my-secret-password\x00", adminPassword, reasonUnknown},
			{"a disabled account with its password", "gone@example.jp", ownPassword, reasonDisabled},
			{"a temporary password after a week", "late@example.jp", temporary, reasonExpired},
		} {
			t.Run(tt.name, func(t *testing.T) {
				before := len(h.events(auditSignIn))
				_, err := h.SignIn(t.Context(), tt.email, tt.password, Client{})
				var e *errs.Error
				if !errors.As(err, &e) || e.Code != errs.SignInFailed || e.Field != "" || len(e.Params) > 0 {
					t.Fatalf("SignIn = %#v, want a bare sign_in_failed", err)
				}
				texts = append(texts, err.Error())
				events := h.events(auditSignIn)
				if len(events) != before+1 {
					t.Fatalf("%d audit events, want one", len(events)-before)
				}
				last := events[before]
				if last.Outcome != audit.Failure || last.Details["reason"] != tt.reason || last.ActorID != "" {
					t.Errorf("recorded %+v, want a failure because %s by nobody", last, tt.reason)
				}
				if known := tt.reason != reasonUnknown; known != (last.Details["email"] == tt.email) || known != (last.Resource.ID != "") ||
					known == (last.Details["email_hash"] != "") {
					t.Errorf("recorded %v on %q, want the e-mail of a known account only", last.Details, last.Resource.ID)
				}
			})
		}
		for _, text := range texts {
			if text != texts[0] {
				t.Errorf("two failures read %q and %q", texts[0], text)
			}
		}
		for _, e := range h.events("session.") {
			for _, v := range e.Details {
				if strings.Contains(v, "my-secret") || strings.Contains(v, adminPassword) || strings.Contains(v, temporary) {
					t.Errorf("a secret is on record: %v", e.Details)
				}
			}
		}
	})
}

// TestAFailedSignInCostsTheSameWork counts hashes, which are all of the time
// that a clock outside could tell apart.
func TestAFailedSignInCostsTheSameWork(t *testing.T) {
	h := newHouse(t, dbtest.Open(t, db.SQLite))
	h.setUp()
	slots := make(chan struct{}) // each hash hands a slot over and takes it back
	h.passwords.slots = slots
	var hashes atomic.Int32
	go func() {
		for range slots {
			hashes.Add(1)
			slots <- struct{}{}
		}
	}()
	for i, email := range []string{adminEmail, "nobody@example.jp", "no e-mail"} {
		want(t, email, second(h.SignIn(t.Context(), email, "wrong", Client{})), errs.SignInFailed)
		if got := int(hashes.Load()); got != i+1 {
			t.Errorf("after %s %d passwords were hashed, want %d", email, got, i+1)
		}
	}
	close(slots)
}

func TestSigningInReplacesTheBrowsersSession(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin := h.setUp()
		member := h.person(admin, "yamada@example.jp", access.Member)
		in, err := h.SignIn(t.Context(), " ADMIN@example.jp", adminPassword, Client{Address: "192.0.2.7", UserAgent: "Edge\x00\n", Token: admin.Token})
		if err != nil {
			t.Fatal(err)
		}
		if in.Token == admin.Token || len(in.Token) != tokenChars {
			t.Error("the token did not change")
		}
		h.authenticates("the new session", in.Token, true)
		h.authenticates("the browser's session before", admin.Token, false)
		// The browser may have been somebody else's before.
		other, err := h.SignIn(t.Context(), adminEmail, adminPassword, Client{Token: member.Token})
		if err != nil {
			t.Fatal(err)
		}
		h.authenticates("the other person's session", member.Token, false)
		h.authenticates("another browser", in.Token, true)
		list, err := h.Sessions(as(t, other))
		if err != nil || len(list) != 2 {
			t.Fatalf("Sessions = %+v, %v, want two", list, err)
		}
		for _, s := range list {
			if s.Current != (s.ID == other.Session.ID) {
				t.Errorf("session %s is current: %v", s.ID, s.Current)
			}
			if s.ID == in.Session.ID && (s.Address != "192.0.2.7" || s.UserAgent != "Edge  ") {
				t.Errorf("session came from %q with %q", s.Address, s.UserAgent)
			}
		}
		_, a, err := h.Authenticate(t.Context(), in.Token)
		if err != nil || !a.LastSignedInAt.Equal(h.now()) {
			t.Errorf("last signed in %v, %v, want now", a.LastSignedInAt, err)
		}
	})
}

func TestTokensAreKeptAsHashesOnly(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		in := h.setUp()
		var kept []byte
		if err := d.QueryRowContext(t.Context(), `SELECT token_hash FROM sessions`).Scan(&kept); err != nil {
			t.Fatal(err)
		}
		if len(kept) != 32 || strings.Contains(in.Token, string(kept)) || string(kept) == in.Token {
			t.Errorf("the store keeps %x", kept)
		}
		for _, wrong := range []string{"", "x", in.Token + "x", in.Token[:42], strings.ToLower(in.Token), string(kept), "\x00" + in.Token[1:]} {
			h.authenticates("a wrong token", wrong, false)
		}
	})
}

func TestGuessersWaitAndOwnersGetIn(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.setUp()
		for _, email := range []string{adminEmail, "nobody@example.jp"} { // the same for both, or it would tell
			for range accountPatience.free {
				want(t, "a guess", second(h.SignIn(t.Context(), email, "wrong", Client{})), errs.SignInFailed)
			}
			for range 3 {
				_, err := h.SignIn(t.Context(), strings.ToUpper(email), adminPassword, Client{})
				want(t, "an attempt during the pause", err, errs.RateLimited)
				var e *errs.Error
				if errors.As(err, &e) && e.Params["retryAfterSeconds"] != "1" {
					t.Errorf("params %v, want to wait one second", e.Params)
				}
			}
		}
		throttled := 0
		for _, e := range h.events(auditSignIn) {
			if e.Details["reason"] == reasonThrottled && e.Outcome == audit.Denied {
				throttled++
			}
		}
		if throttled != 2 {
			t.Errorf("%d refusals on record, want one for each pause", throttled)
		}
		h.pass(time.Second)
		h.signIn(adminEmail, adminPassword)
		for range accountPatience.free {
			want(t, "a guess after a success", second(h.SignIn(t.Context(), adminEmail, "wrong", Client{})), errs.SignInFailed)
		}
	})
}

func TestOneAddressCannotTryEveryAccount(t *testing.T) {
	h := newHouse(t, dbtest.Open(t, db.SQLite))
	h.setUp()
	from := Client{Address: "2001:db8::1"}
	for i := range addressPatience.free {
		_, err := h.SignIn(t.Context(), strings.Repeat("a", i%40+1)+"@example.jp", "wrong", from)
		want(t, "a guess", err, errs.SignInFailed)
	}
	_, err := h.SignIn(t.Context(), adminEmail, adminPassword, Client{Address: "2001:db8::2"})
	want(t, "the next account from the same network", err, errs.RateLimited)
	h.signIn(adminEmail, adminPassword) // from elsewhere
}

func TestGuessesMadeTogetherDoNotSlipThrough(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.setUp()
		results := make([]error, 40)
		var wg sync.WaitGroup
		for i := range results {
			wg.Go(func() { _, results[i] = h.SignIn(t.Context(), adminEmail, "wrong", Client{}) })
		}
		wg.Wait()
		tried := 0
		for _, err := range results {
			if errs.CodeOf(err) == errs.SignInFailed {
				tried++
			} else {
				want(t, "an attempt", err, errs.RateLimited)
			}
		}
		if tried != accountPatience.free {
			t.Errorf("%d passwords were tried, want %d", tried, accountPatience.free)
		}
	})
}

func TestAHashOfAnotherCostIsReplacedAtSignIn(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.setUp()
		stored := func() (hash string) {
			if err := d.QueryRowContext(t.Context(), `SELECT password_hash FROM accounts`).Scan(&hash); err != nil {
				t.Fatal(err)
			}
			return hash
		}
		before := stored()
		h.signIn(adminEmail, adminPassword)
		if stored() != before {
			t.Error("a hash of today's cost was replaced")
		}
		h.passwords = newHasher(cost{time: 2, memory: 16, threads: 1}, rand.Reader)
		h.signIn(adminEmail, adminPassword)
		if after := stored(); !strings.HasPrefix(after, "$argon2id$v=19$m=16,t=2,p=1$") {
			t.Errorf("the hash is still %s", after)
		}
		h.signIn(adminEmail, adminPassword)
	})
}

func TestManyPeopleSignInAtOnce(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.setUp()
		results := make([]error, 30)
		var wg sync.WaitGroup
		for i := range results {
			wg.Go(func() { results[i] = signInOnceFree(h) })
		}
		wg.Wait()
		for _, err := range results {
			want(t, "SignIn", err, "")
		}
	})
}

// signInOnceFree signs in, again when the throttle counts attempts that are
// still under way.
func signInOnceFree(h *house) error {
	for {
		_, err := h.SignIn(h.t.Context(), adminEmail, adminPassword, Client{})
		if errs.CodeOf(err) != errs.RateLimited {
			return err
		}
		h.pass(time.Second)
	}
}

func TestChangingAPasswordEndsEveryOtherSession(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin := h.setUp()
		me := h.person(admin, "yamada@example.jp", access.Member)
		elsewhere := h.signIn("yamada@example.jp", ownPassword)
		const replacement = "ちりぬるをわかよたれそつね"
		for _, tt := range []struct {
			name, current, replacement, field string
			code                              errs.Code
		}{
			{"a wrong current password", "wrong", replacement, "current", errs.InvalidInput},
			{"a current password too long", strings.Repeat("x", 1<<20), replacement, "current", errs.InvalidInput},
			{"a weak one", ownPassword, "short", "new", errs.PasswordTooWeak},
			{"the e-mail address", ownPassword, "yamada@example.jp", "new", errs.PasswordTooWeak},
			{"the same one", ownPassword, ownPassword, "new", errs.PasswordTooWeak},
		} {
			_, err := h.ChangePassword(as(t, me), tt.current, tt.replacement, Client{Token: me.Token})
			want(t, tt.name, err, tt.code)
			var e *errs.Error
			if errors.As(err, &e) && e.Field != tt.field {
				t.Errorf("%s: the error is about %q, want %q", tt.name, e.Field, tt.field)
			}
		}
		h.authenticates("after refusals", me.Token, true)
		after, err := h.ChangePassword(as(t, me), ownPassword, replacement, Client{Token: me.Token})
		if err != nil {
			t.Fatal(err)
		}
		h.authenticates("the old token", me.Token, false)
		h.authenticates("elsewhere", elsewhere.Token, false)
		h.authenticates("the new token", after.Token, true)
		h.authenticates("the administrator", admin.Token, true)
		want(t, "the old password", second(h.SignIn(t.Context(), "yamada@example.jp", ownPassword, Client{})), errs.SignInFailed)
		h.signIn("yamada@example.jp", replacement)
	})
}

func TestGuessingTheCurrentPasswordIsSlowedDownWithoutLockingTheOwnerOut(t *testing.T) {
	h := newHouse(t, dbtest.Open(t, db.SQLite))
	admin := h.setUp()
	for range accountPatience.free {
		want(t, "a guess", second(h.ChangePassword(as(t, admin), "wrong", ownPassword, Client{})), errs.InvalidInput)
	}
	want(t, "one guess too many", second(h.ChangePassword(as(t, admin), adminPassword, ownPassword, Client{})), errs.RateLimited)
	h.signIn(adminEmail, adminPassword)
}

func TestOfTwoRacingPasswordChangesOneWins(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin := h.setUp()
		passwords := []string{"ちりぬるをわかよたれそつね", "うゐのおくやまけふこえて"}
		results := make([]SignedIn, 2)
		failures := make([]error, 2)
		var wg sync.WaitGroup
		for i := range passwords {
			wg.Go(func() {
				results[i], failures[i] = h.ChangePassword(as(t, admin), adminPassword, passwords[i], Client{Token: admin.Token})
			})
		}
		wg.Wait()
		won := 0
		for i, err := range failures {
			if err != nil {
				want(t, "the change that lost", second(h.SignIn(t.Context(), adminEmail, passwords[i], Client{})), errs.SignInFailed)
				continue
			}
			won++
			h.authenticates("the change that won", results[i].Token, true)
		}
		if won != 1 {
			t.Errorf("%d changes won (%v), want 1", won, failures)
		}
	})
}

func TestATemporaryPasswordAllowsNothingButReplacingIt(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin := h.setUp()
		_, temporary := h.newcomer(admin, "suzuki@example.jp", access.Administrator)
		in := h.signIn("suzuki@example.jp", temporary)
		if !in.Account.MustChangePassword || len(in.Principal.Pending) == 0 {
			t.Errorf("signed in as %+v without having to change the password", in.Account)
		}
		ctx := as(t, in)
		for name, err := range map[string]error{
			"Accounts": second(h.Accounts(ctx, AccountFilter{})), "Rename": second(h.Rename(ctx, "x")),
			"UpdatePreferences": second(h.UpdatePreferences(ctx, PreferencesChange{})), "Sessions": second(h.Sessions(ctx)),
		} {
			want(t, name, err, errs.PasswordChangeRequired)
		}
		want(t, "Preferences", second(h.Preferences(ctx)), "")
		want(t, "keeping the temporary password", second(h.ChangePassword(ctx, temporary, temporary, Client{Token: in.Token})), errs.PasswordTooWeak)
		after, err := h.ChangePassword(ctx, temporary, ownPassword, Client{Token: in.Token})
		if err != nil || after.Account.MustChangePassword || len(after.Principal.Pending) > 0 {
			t.Fatalf("ChangePassword = %+v, %v, want a password of their own", after.Account, err)
		}
		want(t, "Accounts afterwards", second(h.Accounts(as(t, after), AccountFilter{})), "")
		want(t, "the temporary password again", second(h.SignIn(t.Context(), "suzuki@example.jp", temporary, Client{})), errs.SignInFailed)
		h.pass(temporaryPasswordFor) // the own password does not expire with the temporary one
		h.signIn("suzuki@example.jp", ownPassword)
	})
}
