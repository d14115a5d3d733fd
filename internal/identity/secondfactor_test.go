package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
	"kakoi/internal/identity/factor"
	"kakoi/internal/identity/factor/factortest"
	"kakoi/internal/identity/passkey"
	"kakoi/internal/identity/passkey/passkeytest"
	"kakoi/internal/secret"
	"kakoi/internal/secret/secrettest"
	"kakoi/internal/setting"
)

const site = "https://ai.example.jp"

// secured is a house whose people may have second factors.
func secured(t testing.TB, d *db.DB) *house {
	t.Helper()
	return securedNode(t, d, newClock(), secrettest.NewKey(t))
}

func securedNode(t testing.TB, d *db.DB, c *clock, key secret.MasterKey) *house {
	t.Helper()
	h := newNode(t, d, c)
	keys, err := passkey.New(site)
	if err != nil {
		t.Fatal(err)
	}
	h.factors = factor.New(factor.Options{
		DB: d, Secrets: secret.New(key), Audit: h.audit, Settings: setting.New(d, h.audit, c.now), Keys: keys, Now: c.now,
		Hash: func(_ context.Context, code string, salt []byte) ([]byte, error) {
			return hashToken(code + string(salt)), nil
		},
	})
	return h
}

// decide writes the policy, changed by f.
func (h *house) decide(admin SignedIn, f func(*factor.Policy)) {
	h.t.Helper()
	ctx := as(h.t, admin)
	k, err := h.factors.Policy.Read(ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	f(&k.Value)
	if _, err := h.factors.Policy.Write(ctx, k.Version, k.Value); err != nil {
		h.t.Fatal(err)
	}
}

// app sets up an authenticator app and returns its secret and the recovery codes.
func (h *house) app(in SignedIn) (secret string, codes []string) {
	h.t.Helper()
	e, err := h.factors.BeginTOTP(as(h.t, in))
	if err != nil {
		h.t.Fatalf("BeginTOTP: %v", err)
	}
	codes, err = h.ConfirmTOTP(as(h.t, in), e.Token, factortest.Code(h.t, e.Secret, h.clock.now()))
	if err != nil {
		h.t.Fatalf("ConfirmTOTP: %v", err)
	}
	h.pass(time.Minute) // the code is spent
	return e.Secret, codes
}

func (h *house) key(in SignedIn, name string) (*passkeytest.Device, factor.Passkey) {
	h.t.Helper()
	d := &passkeytest.Device{Origin: site, Verifies: true}
	c, err := h.factors.BeginPasskey(as(h.t, in))
	if err != nil {
		h.t.Fatalf("BeginPasskey: %v", err)
	}
	k, _, err := h.AddPasskey(as(h.t, in), c.Token, name, d.Create(h.t, c.Options))
	if err != nil {
		h.t.Fatalf("AddPasskey: %v", err)
	}
	return d, k
}

// alone signs in with a passkey and nothing else.
func (h *house) alone(d *passkeytest.Device) (SignedIn, error) {
	h.t.Helper()
	c, err := h.factors.BeginAlone(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return h.SignInWithPasskey(h.t.Context(), PasskeyAnswer{c.Token, d.Get(h.t, c.Options)}, Client{Address: "192.0.2.7"})
}

// acting is the principal of a session as the next request has it.
func (h *house) acting(token string) access.Principal {
	h.t.Helper()
	p, _, err := h.Authenticate(h.t.Context(), token)
	if err != nil {
		h.t.Fatalf("Authenticate: %v", err)
	}
	return p
}

func (h *house) waits(what, token string, steps ...access.Step) {
	h.t.Helper()
	if got := h.acting(token).Pending; !slices.Equal(got, steps) {
		h.t.Errorf("%s waits for %q, want %q", what, got, steps)
	}
}

func (h *house) ctx(token string) context.Context {
	return access.WithPrincipal(h.t.Context(), h.acting(token))
}

func TestTheSecondFactorIsAskedForAndOpensTheSession(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := secured(t, d)
		admin := h.setUp()
		anna := h.person(admin, "anna@example.jp", access.Member)
		elsewhere := h.signIn("anna@example.jp", ownPassword)
		secret, codes := h.app(anna)
		if len(codes) != 10 {
			t.Errorf("recovery codes: %q", codes)
		}
		h.waits("the session that set it up", anna.Token)
		h.waits("another session of hers", elsewhere.Token, access.StepSecondFactor)

		half := h.signIn("anna@example.jp", ownPassword)
		h.waits("after the password", half.Token, access.StepSecondFactor)
		if !slices.Equal(half.Principal.Pending, []access.Step{access.StepSecondFactor}) || !half.Standing.Enrolled {
			t.Errorf("signed in as %+v, %+v", half.Principal, half.Standing)
		}
		want(t, "her sessions", second(h.Sessions(h.ctx(half.Token))), errs.SecondFactorRequired)
		want(t, "her factors", second(h.factors.Methods(h.ctx(half.Token))), errs.SecondFactorRequired)
		want(t, "another app", second(h.factors.BeginTOTP(h.ctx(half.Token))), errs.SecondFactorRequired)
		want(t, "a change of password", second(h.ChangePassword(h.ctx(half.Token), ownPassword, "another long enough", Client{})), errs.SecondFactorRequired)
		want(t, "a proof again", h.Prove(h.ctx(half.Token), Proof{Password: ownPassword}, Client{}), errs.SecondFactorRequired)
		for name, proof := range map[string]Proof{"nothing": {}, "the password": {Password: ownPassword}, "two": {Code: "1", RecoveryCode: "2"}} {
			want(t, name, second(h.PassSecondFactor(h.ctx(half.Token), proof, Client{})), errs.InvalidInput)
		}
		want(t, "a wrong code", second(h.PassSecondFactor(h.ctx(half.Token), Proof{Code: "000000"}, Client{})), errs.SecondFactorFailed)

		code := factortest.Code(t, secret, h.clock.now())
		whole, err := h.PassSecondFactor(h.ctx(half.Token), Proof{Code: code}, Client{Token: half.Token})
		if err != nil {
			t.Fatal(err)
		}
		h.waits("after the code", whole.Token)
		h.authenticates("with the half session", half.Token, false)

		again := h.signIn("anna@example.jp", ownPassword)
		err = second(h.PassSecondFactor(h.ctx(again.Token), Proof{Code: code}, Client{}))
		want(t, "the same code again", err, errs.SecondFactorFailed)
		if e := new(errs.Error); !errors.As(err, &e) || e.Params["reason"] != "used" {
			t.Errorf("the same code again: %v", err)
		}
		h.pass(30 * time.Second)
		if _, err := h.PassSecondFactor(h.ctx(again.Token), Proof{Code: factortest.Code(t, secret, h.clock.now().Add(-30*time.Second))}, Client{}); errs.CodeOf(err) != errs.SecondFactorFailed {
			t.Errorf("the same code within the skew: %v", err)
		}
		if got := h.events(auditSecondFactor); len(got) < 4 || got[len(got)-1].Outcome != audit.Failure {
			t.Errorf("the record has %d: %+v", len(got), got)
		}
	})
}

// TestOneCodeOpensOneSession sends one code fifty times at once, to two nodes.
func TestOneCodeOpensOneSession(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		clock, key := newClock(), secrettest.NewKey(t)
		one, two := securedNode(t, d, clock, key), securedNode(t, d, clock, key)
		admin := one.setUp()
		anna := one.person(admin, "anna@example.jp", access.Member)
		secret, codes := one.app(anna)
		for name, proof := range map[string]Proof{"code": {Code: factortest.Code(t, secret, clock.now())}, "recovery code": {RecoveryCode: codes[3]}} {
			half := one.signIn("anna@example.jp", ownPassword)
			ctx := one.ctx(half.Token)
			var opened, refused sync.Map
			var all sync.WaitGroup
			for i := range 50 {
				node := []*house{one, two}[i%2]
				all.Go(func() {
					var err error
					if proof.Code != "" {
						err = node.factors.CheckTOTP(ctx, anna.Account.ID, proof.Code)
					} else {
						err = node.factors.CheckRecoveryCode(ctx, anna.Account.ID, proof.RecoveryCode)
					}
					if err == nil {
						opened.Store(i, true)
					} else if errs.CodeOf(err) == errs.SecondFactorFailed {
						refused.Store(i, true)
					} else {
						t.Errorf("%s: %v", name, err)
					}
				})
			}
			all.Wait()
			count := func(m *sync.Map) (n int) {
				m.Range(func(any, any) bool { n++; return true })
				return n
			}
			if count(&opened) != 1 || count(&refused) != 49 {
				t.Errorf("one %s was accepted %d times and refused %d times", name, count(&opened), count(&refused))
			}
		}
	})
}

func TestGuessesOfCodesAreSlowedDown(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := secured(t, d)
		admin := h.setUp()
		anna := h.person(admin, "anna@example.jp", access.Member)
		secret, _ := h.app(anna)
		half := h.signIn("anna@example.jp", ownPassword)
		var err error
		for i := range 6 {
			if i == 3 { // a fresh half session does not help
				half = h.signIn("anna@example.jp", ownPassword)
			}
			_, err = h.PassSecondFactor(h.ctx(half.Token), Proof{Code: fmt.Sprintf("%06d", i)}, Client{})
		}
		want(t, "the sixth guess", err, errs.RateLimited)
		want(t, "the right code meanwhile", second(h.PassSecondFactor(h.ctx(half.Token), Proof{Code: factortest.Code(t, secret, h.clock.now())}, Client{})), errs.RateLimited)
		h.pass(time.Minute)
		want(t, "the right code later", second(h.PassSecondFactor(h.ctx(half.Token), Proof{Code: factortest.Code(t, secret, h.clock.now())}, Client{})), "")
	})
}

func TestARecoveryCodeWorksOnceAndANewSetEndsTheOld(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := secured(t, d)
		admin := h.setUp()
		anna := h.person(admin, "anna@example.jp", access.Member)
		want(t, "codes without a factor", second(h.factors.NewRecoveryCodes(as(t, anna))), errs.Conflict)
		_, codes := h.app(anna)
		use := func(code string) error {
			half := h.signIn("anna@example.jp", ownPassword)
			return second(h.PassSecondFactor(h.ctx(half.Token), Proof{RecoveryCode: code}, Client{}))
		}
		want(t, "a code as it was shown", use(codes[0]), "")
		want(t, "the same again", use(codes[0]), errs.SecondFactorFailed)
		want(t, "another, typed otherwise", use(" "+strings.ToUpper(strings.ReplaceAll(codes[1], "-", ""))), "")
		want(t, "none", use("aaaaa-aaaaa"), errs.SecondFactorFailed)
		m, err := h.factors.Methods(as(t, anna))
		if err != nil || m.RecoveryCodes.Left != 8 || m.RecoveryCodes.Total != 10 {
			t.Errorf("left: %+v, %v", m.RecoveryCodes, err)
		}
		fresh, err := h.factors.NewRecoveryCodes(as(t, anna))
		if err != nil {
			t.Fatal(err)
		}
		want(t, "one of the old set", use(codes[2]), errs.SecondFactorFailed)
		want(t, "one of the new set", use(fresh[2]), "")
		rows, err := db.Column[[]byte](t.Context(), d, `SELECT hash FROM recovery_codes`)
		if err != nil || len(rows) != 10 {
			t.Fatalf("stored: %d, %v", len(rows), err)
		}
	})
}

func TestNoSecretIsReadableInTheStore(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := secured(t, d)
		admin := h.setUp()
		e, err := h.factors.BeginTOTP(as(t, admin))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.ConfirmTOTP(as(t, admin), e.Token, factortest.Code(t, e.Secret, h.clock.now())); err != nil {
			t.Fatal(err)
		}
		sealed, err := db.Column[[]byte](t.Context(), d, `SELECT secret FROM totp_secrets`)
		if err != nil || len(sealed) != 1 || strings.Contains(string(sealed[0]), string(factortest.Secret(t, e.Secret))) {
			t.Errorf("stored: %q, %v", sealed, err)
		}
		other := securedNode(t, d, h.clock, secrettest.NewKey(t))
		h.pass(time.Minute)
		want(t, "under another master key", other.factors.CheckTOTP(t.Context(), admin.Account.ID, factortest.Code(t, e.Secret, h.clock.now())), errs.SecretUnreadable)
	})
}

func TestASetUpIsFinishedOnceByItsPersonInTime(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := secured(t, d)
		admin := h.setUp()
		ben := h.person(admin, "ben@example.jp", access.Member)
		begin := func() factor.Enrolment {
			e, err := h.factors.BeginTOTP(h.ctx(admin.Token))
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
		confirm := func(in SignedIn, e factor.Enrolment) error {
			return second(h.ConfirmTOTP(h.ctx(in.Token), e.Token, factortest.Code(t, e.Secret, h.clock.now())))
		}
		e := begin()
		want(t, "somebody else", confirm(ben, e), errs.SecondFactorFailed)
		want(t, "a wrong code", second(h.ConfirmTOTP(h.ctx(admin.Token), e.Token, "000000")), errs.SecondFactorFailed)
		want(t, "in time", confirm(admin, e), "")
		want(t, "again", confirm(admin, e), errs.SecondFactorFailed)
		late := begin()
		h.pass(9*time.Minute + 59*time.Second)
		want(t, "within ten minutes of the sign-in", h.Prove(h.ctx(admin.Token), Proof{Password: adminPassword}, Client{}), "")
		h.pass(2 * time.Second)
		want(t, "too late", confirm(admin, late), errs.SecondFactorFailed)
		for _, token := range []string{"", "x", "%", late.Token + "A"} {
			want(t, "no token of ours", second(h.ConfirmTOTP(h.ctx(admin.Token), token, "123456")), errs.SecondFactorFailed)
		}
	})
}

func TestAPasskeyIsASecondFactorAndTheOnlyOne(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := secured(t, d)
		admin := h.setUp()
		anna := h.person(admin, "anna@example.jp", access.Member)
		ben := h.person(admin, "ben@example.jp", access.Member)
		device, key := h.key(anna, "  端末 1 ")
		if key.Name != "端末 1" || !key.Verifies {
			t.Errorf("made %+v", key)
		}
		half := h.signIn("anna@example.jp", ownPassword)
		answer := func() *PasskeyAnswer {
			c, err := h.BeginPasskeyProof(h.ctx(half.Token))
			if err != nil {
				t.Fatal(err)
			}
			return &PasskeyAnswer{c.Token, device.Get(t, c.Options)}
		}
		first := answer()
		whole, err := h.PassSecondFactor(h.ctx(half.Token), Proof{Passkey: first}, Client{})
		if err != nil {
			t.Fatal(err)
		}
		h.waits("after the passkey", whole.Token)
		half = h.signIn("anna@example.jp", ownPassword)
		want(t, "the same answer again", second(h.PassSecondFactor(h.ctx(half.Token), Proof{Passkey: first}, Client{})), errs.PasskeyFailed)
		benHalf := h.signIn("ben@example.jp", ownPassword)
		want(t, "another person's passkey", h.Prove(h.ctx(benHalf.Token), Proof{Passkey: answer()}, Client{}), errs.PasskeyFailed)

		in, err := h.alone(device)
		if err != nil || in.Account.ID != anna.Account.ID {
			t.Fatalf("alone: %+v, %v", in.Account, err)
		}
		h.waits("with a passkey alone", in.Token)
		device.Verifies = false
		want(t, "a device that does not confirm its person", second(h.alone(device)), errs.PasskeyFailed)
		device.Verifies = true

		device.Keys[0].Count = 0
		if _, err := h.alone(device); err != nil {
			t.Fatal(err)
		}
		m, err := h.factors.Methods(as(t, in))
		if err != nil || len(m.Passkeys) != 1 || m.Passkeys[0].ClonedAt.IsZero() || m.Passkeys[0].LastUsedAt.IsZero() {
			t.Errorf("after its counter went back: %+v, %v", m.Passkeys, err)
		}
		if got := h.events("account.passkey_cloned"); len(got) != 1 {
			t.Errorf("the record of it: %+v", got)
		}
		if k, err := h.factors.RenamePasskey(as(t, in), key.ID, "机の端末"); err != nil || k.Name != "机の端末" {
			t.Errorf("RenamePasskey: %+v, %v", k, err)
		}
		want(t, "renamed by somebody else", second(h.factors.RenamePasskey(as(t, ben), key.ID, "x")), errs.NotFound)
		want(t, "removed by somebody else", h.factors.RemovePasskey(as(t, ben), key.ID), errs.NotFound)

		yes := true
		if _, err := h.UpdateAccount(as(t, admin), anna.Account.ID, AccountChange{Disabled: &yes}); err != nil {
			t.Fatal(err)
		}
		want(t, "of a disabled account", second(h.alone(device)), errs.PasskeyFailed)
		yes = false
		if _, err := h.UpdateAccount(as(t, admin), anna.Account.ID, AccountChange{Disabled: &yes}); err != nil {
			t.Fatal(err)
		}
		if in, err = h.alone(device); err != nil {
			t.Fatal(err)
		}
		want(t, "removed", h.factors.RemovePasskey(as(t, in), key.ID), "")
		want(t, "a removed passkey", second(h.alone(device)), errs.PasskeyFailed)
		h.waits("after the last factor went", h.signIn("anna@example.jp", ownPassword).Token)
		if m, err = h.factors.Methods(as(t, in)); err != nil || m.RecoveryCodes.Total != 0 {
			t.Errorf("recovery codes for nothing: %+v, %v", m, err)
		}
	})
}

func TestWhatIsRequiredMayBePutOffUntilTheGraceIsOver(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := secured(t, d)
		admin := h.setUp()
		begun := h.clock.now()
		if due := admin.Standing.DueBy; !due.Equal(begun.Add(7 * 24 * time.Hour)) {
			t.Errorf("the first administrator is due by %v", due)
		}
		h.waits("the first administrator", admin.Token)
		member := h.person(admin, "anna@example.jp", access.Member)
		if member.Standing.Requirement != factor.Optional || !member.Standing.DueBy.IsZero() {
			t.Errorf("a member: %+v", member.Standing)
		}
		h.pass(7*24*time.Hour - time.Second)
		in := h.signIn(adminEmail, adminPassword)
		h.waits("on the last second", in.Token)
		if !in.Standing.DueBy.Equal(begun.Add(7 * 24 * time.Hour)) {
			t.Errorf("a later sign-in moved the end: %v", in.Standing.DueBy)
		}
		h.pass(time.Second)
		h.waits("when it is over, without a new sign-in", in.Token, access.StepEnrolSecondFactor)
		want(t, "the accounts", second(h.Accounts(h.ctx(in.Token), AccountFilter{})), errs.SecondFactorEnrolmentRequired)

		e, err := h.factors.BeginTOTP(h.ctx(in.Token))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.ConfirmTOTP(h.ctx(in.Token), e.Token, factortest.Code(t, e.Secret, h.clock.now())); err != nil {
			t.Fatal(err)
		}
		h.waits("with a factor", in.Token)
		want(t, "taking the last one away", h.factors.RemoveTOTP(h.ctx(in.Token)), errs.Conflict)

		// A policy acts at once, on those who are signed in.
		anna := h.signIn("anna@example.jp", ownPassword)
		h.decide(in, func(p *factor.Policy) { p.Others = factor.Required })
		h.waits("a member newly asked", anna.Token)
		standing, err := h.Standing(h.ctx(anna.Token))
		if err != nil || !standing.DueBy.Equal(h.clock.now().Add(7*24*time.Hour)) {
			t.Errorf("a member newly asked: %+v, %v", standing, err)
		}
		h.decide(in, func(p *factor.Policy) { p.GraceDays = 0 })
		h.waits("without grace", anna.Token, access.StepEnrolSecondFactor)
		h.decide(in, func(p *factor.Policy) { p.Others = factor.Off })
		h.waits("when it is off", anna.Token)
		want(t, "setting one up when it is off", second(h.factors.BeginTOTP(h.ctx(anna.Token))), errs.Conflict)
		h.decide(in, func(p *factor.Policy) { p.Roles["administrator"] = factor.Off })
		h.waits("an administrator whose factor is not asked any more", h.signIn(adminEmail, adminPassword).Token)
	})
}

func TestStepsComeOneAfterTheOther(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := secured(t, d)
		admin := h.setUp()
		anna := h.person(admin, "anna@example.jp", access.Member)
		secret, _ := h.app(anna)
		temporary, err := h.ResetPassword(as(t, admin), anna.Account.ID)
		if err != nil {
			t.Fatal(err)
		}
		half := h.signIn("anna@example.jp", temporary)
		h.waits("with a temporary password", half.Token, access.StepSecondFactor, access.StepPasswordChange)
		whole, err := h.PassSecondFactor(h.ctx(half.Token), Proof{Code: factortest.Code(t, secret, h.clock.now())}, Client{})
		if err != nil {
			t.Fatal(err)
		}
		h.waits("after the code", whole.Token, access.StepPasswordChange)
		done, err := h.ChangePassword(h.ctx(whole.Token), temporary, "yet another long one", Client{Token: whole.Token})
		if err != nil {
			t.Fatal(err)
		}
		h.waits("after the new password", done.Token)

		boss, temporary := h.newcomer(admin, "boss@example.jp", access.Administrator)
		h.decide(admin, func(p *factor.Policy) { p.GraceDays = 0 })
		in := h.signIn(boss.Email, temporary)
		h.waits("a new administrator", in.Token, access.StepPasswordChange, access.StepEnrolSecondFactor)
		want(t, "an app before the password", second(h.factors.BeginTOTP(h.ctx(in.Token))), errs.PasswordChangeRequired)
	})
}

func TestAResetNeedsAReasonAndEndsEverything(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := secured(t, d)
		admin := h.setUp()
		anna := h.person(admin, "anna@example.jp", access.Member)
		h.app(anna)
		h.key(anna, "鍵")
		reset := func(in SignedIn, id, reason string) error {
			return second(h.ResetSecondFactor(as(t, in), id, reason))
		}
		want(t, "without a reason", reset(admin, anna.Account.ID, " \t"), errs.InvalidInput)
		want(t, "by a member", reset(anna, anna.Account.ID, "x"), errs.Forbidden)
		want(t, "of nobody", reset(admin, db.NewID(), "x"), errs.NotFound)
		if n, err := h.ResetSecondFactorOf(as(t, admin), "ANNA@example.jp", "電話を紛失"); n != 1 || err != nil {
			t.Errorf("ResetSecondFactorOf = %d, %v", n, err)
		}
		want(t, "of an address that nobody has", second(h.ResetSecondFactorOf(as(t, admin), "nobody@example.jp", "x")), errs.NotFound)
		h.authenticates("after the reset", anna.Token, false)
		h.waits("signing in anew", h.signIn("anna@example.jp", ownPassword).Token)
		m, err := h.SecondFactors(as(t, admin), anna.Account.ID)
		if err != nil || m.Enrolled() || m.RecoveryCodes.Total != 0 {
			t.Errorf("left: %+v, %v", m, err)
		}
		got := h.events(auditSecondFactorReset)
		if len(got) != 1 || got[0].Details["reason"] != "電話を紛失" || got[0].Details["totp"] != "true" || got[0].Details["passkeys"] != "1" || got[0].ActorID != admin.Account.ID {
			t.Errorf("the record: %+v", got)
		}
	})
}

func TestDangerousActsAskAgain(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := secured(t, d)
		admin := h.setUp()
		anna := h.person(admin, "anna@example.jp", access.Member)
		act := func() error {
			_, err := h.EndAccountSessions(h.ctx(admin.Token), anna.Account.ID)
			return err
		}
		h.pass(10*time.Minute - time.Second)
		want(t, "shortly after signing in", act(), "")
		h.pass(time.Second)
		want(t, "ten minutes later", act(), errs.ReauthenticationRequired)
		want(t, "reading", second(h.Accounts(h.ctx(admin.Token), AccountFilter{})), "")
		want(t, "a wrong password", h.Prove(h.ctx(admin.Token), Proof{Password: "wrong"}, Client{}), errs.InvalidInput)
		want(t, "a recovery code", h.Prove(h.ctx(admin.Token), Proof{RecoveryCode: "x"}, Client{}), errs.InvalidInput)
		want(t, "still", act(), errs.ReauthenticationRequired)
		want(t, "the password", h.Prove(h.ctx(admin.Token), Proof{Password: adminPassword}, Client{}), "")
		want(t, "after the proof", act(), "")
		h.decide(SignedIn{Principal: h.acting(admin.Token)}, func(p *factor.Policy) { p.ProofMinutes = 1 })
		h.pass(time.Minute)
		want(t, "by a shorter policy", act(), errs.ReauthenticationRequired)
	})
}

func TestOnlyAdministratorsDecideAndSeeOtherPeoplesFactors(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := secured(t, d)
		admin := h.setUp()
		anna := h.person(admin, "anna@example.jp", access.Member)
		want(t, "SecondFactors", second(h.SecondFactors(as(t, anna), admin.Account.ID)), errs.Forbidden)
		want(t, "SecondFactors nobody", second(h.SecondFactors(as(t, admin), db.NewID())), errs.NotFound)
		want(t, "Policy.Write", second(h.factors.Policy.Write(as(t, anna), 0, factor.InitialPolicy())), errs.Forbidden)
		for name, err := range map[string]error{
			"Methods": second(h.factors.Methods(t.Context())), "BeginTOTP": second(h.factors.BeginTOTP(t.Context())), "SecondStep": second(h.SecondStep(t.Context())),
			"BeginPasskey": second(h.factors.BeginPasskey(t.Context())), "BeginPasskeyProof": second(h.BeginPasskeyProof(t.Context())), "Prove": h.Prove(t.Context(), Proof{Password: "x"}, Client{}),
			"PassSecondFactor": second(h.PassSecondFactor(t.Context(), Proof{Code: "1"}, Client{})), "RemoveTOTP": h.factors.RemoveTOTP(t.Context()), "RemovePasskey": h.factors.RemovePasskey(t.Context(), "x"),
			"NewRecoveryCodes": second(h.factors.NewRecoveryCodes(t.Context())), "ResetSecondFactor": second(h.ResetSecondFactor(t.Context(), "x", "y")),
		} {
			want(t, name+" by nobody", err, errs.Unauthenticated)
		}
	})
}
