package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/identity/factor"
	"kakoi/internal/label"
)

// The actions of second factors as the audit log names them.
const (
	auditSecondFactor      = "session.second_factor"
	auditProve             = "session.prove"
	auditSecondFactorReset = "account.reset_second_factor"

	maxReason = 500 // characters
)

// Proof is one way of proving who one is; exactly one of its fields is set.
type Proof struct {
	Password     string
	Code         string // of an authenticator app
	RecoveryCode string
	Passkey      *PasskeyAnswer
}

// PasskeyAnswer is what a browser answered to a challenge.
type PasskeyAnswer struct {
	Token    string
	Response json.RawMessage
}

// method names the proof in the record, "" if it is none or several.
func (p Proof) method() string {
	method, n := "", 0
	for name, set := range map[string]bool{"password": p.Password != "", "totp": p.Code != "", "recovery_code": p.RecoveryCode != "", "passkey": p.Passkey != nil} {
		if set {
			method, n = name, n+1
		}
	}
	if n != 1 {
		return ""
	}
	return method
}

// PassSecondFactor proves a second factor of the person who asks, and opens a
// session that has in place of theirs, which had only shown the first. Its
// error has code SecondFactorFailed or PasskeyFailed, or RateLimited after too
// many of them.
func (s *Service) PassSecondFactor(ctx context.Context, proof Proof, from Client) (SignedIn, error) {
	p, err := authorizeSelf(ctx, access.AccountPassSecondFactor)
	if err != nil {
		return SignedIn{}, err
	}
	if m := proof.method(); m == "" || m == "password" {
		return SignedIn{}, errs.InField("code", "bring a code, a recovery code or a passkey")
	}
	if err := s.prove(ctx, p, proof, from, auditSecondFactor); err != nil {
		return SignedIn{}, err
	}
	var out SignedIn
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		a, err := selectAccount(ctx, tx, p.AccountID)
		if err != nil {
			return err
		}
		ended, err := deleteSession(ctx, tx, p.AccountID, p.SessionID)
		if err != nil {
			return err
		}
		if !ended || a.Disabled {
			return sessionEnded()
		}
		from := from
		from.passedAt = s.now()
		if out, err = s.openSession(ctx, tx, a, from); err != nil {
			return err
		}
		return s.audit.Record(ctx, audit.Event{
			Action: auditSecondFactor, Resource: sessionResource(out.Session.ID), ActorID: a.ID, SessionID: out.Session.ID,
			Details: map[string]string{"method": proof.method()},
		})
	})
	if err != nil {
		return SignedIn{}, err
	}
	s.sessionsChanged(context.WithoutCancel(ctx), p.AccountID)
	return out, nil
}

// Prove notes that the person who asks has just proved who they are. Its errors
// are those of PassSecondFactor; one about a password is about field "password".
func (s *Service) Prove(ctx context.Context, proof Proof, from Client) error {
	p, err := authorizeSelf(ctx, access.AccountProve)
	if err != nil {
		return err
	}
	if m := proof.method(); m == "" || m == "recovery_code" {
		return errs.InField("password", "bring a password, a code or a passkey")
	}
	if err := s.prove(ctx, p, proof, from, auditProve); err != nil {
		return err
	}
	return s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		const mark = `UPDATE sessions SET proved_at = $1 WHERE id = $2`
		if _, err := tx.ExecContext(ctx, mark, s.now().UnixMilli(), p.SessionID); err != nil {
			return fmt.Errorf("note a proof of session %s: %w", p.SessionID, err)
		}
		return s.audit.Record(ctx, audit.Event{
			Action: auditProve, Resource: sessionResource(p.SessionID), Details: map[string]string{"method": proof.method()},
		})
	})
}

// prove checks a proof of p's person, slows down those who guess, and records
// what fails as action.
func (s *Service) prove(ctx context.Context, p access.Principal, proof Proof, from Client, action string) error {
	if s.factors == nil && proof.Password == "" {
		return errs.New(errs.SecondFactorFailed, "there are no second factors here")
	}
	// Apart from sign-ins, as for a change of password; what cannot be guessed
	// is counted by the address alone.
	place, key := network(from.Address), ""
	switch {
	case proof.Password != "":
		key = "change " + p.AccountID
	case proof.Passkey == nil:
		key = "factor " + p.AccountID
	}
	refused := func(reason string, outcome audit.Outcome) error {
		return s.audit.Record(ctx, audit.Event{
			Action: action, Resource: accountResource(p.AccountID), Outcome: outcome,
			Details: map[string]string{"reason": reason, "method": proof.method()},
		})
	}
	err := s.slowDown(key, place, func() error { return refused(reasonThrottled, audit.Denied) })
	if err != nil {
		return err
	}
	switch err = s.check(ctx, p.AccountID, proof); errs.CodeOf(err) {
	case "":
		s.byAccount.succeed(key)
		s.byAddress.giveBack(place, 1)
		return nil
	case errs.SecondFactorFailed, errs.PasskeyFailed, errs.InvalidInput:
		if err := refused("wrong_"+proof.method(), audit.Failure); err != nil {
			return err
		}
		return err
	default:
		s.withdraw(key, place)
		return err
	}
}

func (s *Service) check(ctx context.Context, accountID string, proof Proof) error {
	switch {
	case proof.Code != "":
		return s.factors.CheckTOTP(ctx, accountID, proof.Code)
	case proof.RecoveryCode != "":
		return s.factors.CheckRecoveryCode(ctx, accountID, proof.RecoveryCode)
	case proof.Passkey != nil:
		return s.factors.CheckPasskey(ctx, accountID, proof.Passkey.Token, proof.Passkey.Response)
	}
	c, err := selectCredentialByID(ctx, s.db, accountID)
	if err != nil {
		return err
	}
	password := proof.Password
	if len(password) > maxPassword {
		password = password[:maxPassword+1]
	}
	ok, _, err := s.passwords.verify(ctx, c.hash, password)
	if err != nil {
		return err
	}
	if !ok || len(password) > maxPassword {
		return errs.InField("password", "the password is not right").With("reason", reasonPassword)
	}
	return nil
}

// SecondFactors returns those of account id, for an administrator.
func (s *Service) SecondFactors(ctx context.Context, id string) (factor.Methods, error) {
	if _, err := s.authorizeAccount(ctx, access.AccountRead, id); err != nil {
		return factor.Methods{}, err
	}
	return s.factors.Having(ctx, id)
}

// SecondStep returns what the person who asks may bring to the second step.
func (s *Service) SecondStep(ctx context.Context) (factor.Methods, error) {
	p, err := authorizeSelf(ctx, access.AccountPassSecondFactor)
	if err != nil {
		return factor.Methods{}, err
	}
	return s.factors.Having(ctx, p.AccountID)
}

// BeginPasskeyProof asks the browser of the person who asks for one of their
// passkeys, to pass the second step or to prove again who they are.
func (s *Service) BeginPasskeyProof(ctx context.Context) (factor.Challenge, error) {
	p, err := access.Arrived(ctx)
	if err != nil {
		return factor.Challenge{}, err
	}
	a := access.AccountProve
	if slices.Contains(p.Pending, access.StepSecondFactor) {
		a = access.AccountPassSecondFactor
	}
	if err := access.Decide(p, a, self(p)); err != nil {
		return factor.Challenge{}, err
	}
	return s.factors.BeginCheck(ctx, p.AccountID)
}

// SignInWithPasskey opens a session for whoever has a passkey whose device has
// confirmed its person: that is both factors. Unknown, removed and disabled
// look alike; the error has code PasskeyFailed.
func (s *Service) SignInWithPasskey(ctx context.Context, answer PasskeyAnswer, from Client) (SignedIn, error) {
	place := network(from.Address)
	if err := s.slowDown("", place, func() error {
		return s.audit.Record(ctx, s.failedPasskey("", reasonThrottled, audit.Denied))
	}); err != nil {
		return SignedIn{}, err
	}
	accountID, err := s.factors.CheckAlone(ctx, answer.Token, answer.Response)
	if errs.CodeOf(err) == errs.PasskeyFailed {
		if err := s.audit.Record(ctx, s.failedPasskey(accountID, "wrong_passkey", audit.Failure)); err != nil {
			return SignedIn{}, err
		}
		return SignedIn{}, err
	} else if err != nil {
		s.withdraw("", place)
		return SignedIn{}, err
	}
	var out SignedIn
	disabled := false
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		a, err := selectAccount(ctx, tx, accountID)
		if err != nil {
			return err
		}
		if disabled = a.Disabled || !a.Valid.Holds(s.now()); disabled {
			return nil
		}
		chart, err := s.charts.Now(ctx)
		if err != nil {
			return err
		}
		policy, err := s.policy(ctx)
		if err != nil {
			return err
		}
		if policy.For(a.principal(chart, "").RoleNames()...) == factor.Off {
			return errs.New(errs.PasskeyUnavailable, "passkeys are switched off for this role").With("reason", "policy")
		}
		now := stored(s.now())
		if _, err := tx.ExecContext(ctx, `UPDATE accounts SET last_signed_in_at = $1 WHERE id = $2`, now.UnixMilli(), a.ID); err != nil {
			return fmt.Errorf("mark sign-in of account %s: %w", a.ID, err)
		}
		a.LastSignedInAt = now
		from := from
		from.passedAt = now
		if out, err = s.openSession(ctx, tx, a, from); err != nil {
			return err
		}
		return s.audit.Record(ctx, audit.Event{
			Action: auditSignIn, Resource: sessionResource(out.Session.ID), ActorID: a.ID, SessionID: out.Session.ID,
			Details: map[string]string{"method": "passkey"},
		})
	})
	if err != nil {
		s.withdraw("", place)
		return SignedIn{}, err
	}
	if disabled {
		if err := s.audit.Record(ctx, s.failedPasskey(accountID, reasonDisabled, audit.Failure)); err != nil {
			return SignedIn{}, err
		}
		return SignedIn{}, errs.New(errs.PasskeyFailed, "this passkey was not accepted")
	}
	s.byAddress.giveBack(place, 1)
	if out.replaced != "" {
		s.sessionsChanged(context.WithoutCancel(ctx), out.replaced)
	}
	return out, nil
}

func (s *Service) failedPasskey(accountID, reason string, outcome audit.Outcome) audit.Event {
	return audit.Event{
		Action: auditSignIn, Resource: accountResource(accountID), Outcome: outcome, Details: map[string]string{"reason": reason, "method": "passkey"},
	}
}

// ConfirmTOTP is that of factor. The session has shown the new factor thereby;
// the person's other sessions have not, and are asked for it.
func (s *Service) ConfirmTOTP(ctx context.Context, token, code string) ([]string, error) {
	return s.factors.ConfirmTOTP(ctx, token, code, s.markPassed)
}

// AddPasskey is that of factor; what holds for ConfirmTOTP holds here.
func (s *Service) AddPasskey(ctx context.Context, token, name string, response json.RawMessage) (factor.Passkey, []string, error) {
	return s.factors.AddPasskey(ctx, token, name, response, s.markPassed)
}

func (s *Service) markPassed(ctx context.Context) error {
	p, err := access.Arrived(ctx)
	if err != nil {
		return err
	}
	const mark = `UPDATE sessions SET second_factor_at = COALESCE(second_factor_at, $1) WHERE id = $2`
	if _, err := s.db.ExecContext(ctx, mark, s.now().UnixMilli(), p.SessionID); err != nil {
		return fmt.Errorf("note a second factor of session %s: %w", p.SessionID, err)
	}
	return nil
}

// ResetSecondFactor takes away all second factors of account id, ends its
// sessions and returns how many those were. It is for somebody who has lost
// theirs; the reason is recorded.
func (s *Service) ResetSecondFactor(ctx context.Context, id, reason string) (int, error) {
	if _, err := s.authorizeAccount(ctx, access.AccountResetSecondFactor, id); err != nil {
		return 0, err
	}
	reason, err := label.Clean("reason", reason, maxReason)
	if err != nil {
		return 0, err
	}
	var n int64
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := selectAccount(ctx, tx, id); err != nil {
			return err
		}
		had, err := s.factors.Clear(ctx, id)
		if err != nil {
			return err
		}
		if n, err = deleteSessions(ctx, tx, id, ""); err != nil {
			return err
		}
		if err := s.db.Publish(ctx, access.Changed, id); err != nil {
			return err
		}
		return s.audit.Record(ctx, audit.Event{
			Action: auditSecondFactorReset, Resource: accountResource(id), Details: map[string]string{
				"reason": reason, "totp": strconv.FormatBool(had.TOTP != nil), "passkeys": strconv.Itoa(len(had.Passkeys)),
				"recovery_codes": strconv.Itoa(had.RecoveryCodes.Left), "sessions_ended": strconv.FormatInt(n, 10),
			},
		})
	})
	if err != nil {
		return 0, err
	}
	s.sessionsChanged(context.WithoutCancel(ctx), id)
	return int(n), nil
}

// ResetSecondFactorOf is ResetSecondFactor by e-mail address.
func (s *Service) ResetSecondFactorOf(ctx context.Context, email, reason string) (int, error) {
	email, err := normalEmail(email)
	if err != nil {
		return 0, err
	}
	c, known, err := selectCredential(ctx, s.db, email)
	if err != nil {
		return 0, err
	}
	if !known {
		return 0, errs.Newf(errs.NotFound, "no account has the e-mail address %s", email)
	}
	return s.ResetSecondFactor(ctx, c.account.ID, reason)
}
