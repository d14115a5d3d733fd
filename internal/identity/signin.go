package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/label"
)

// signInFailed is the one answer to every failure to prove who one is.
func signInFailed() error {
	return errs.New(errs.SignInFailed, "the e-mail address or the password is not right")
}

// The reasons for a failed sign-in, as only the record says them.
const (
	reasonUnknown   = "unknown_account"
	reasonPassword  = "wrong_password"
	reasonDisabled  = "disabled"
	reasonInvalid   = "not_valid_now"
	reasonExpired   = "temporary_password_expired"
	reasonChanged   = "account_changed_meanwhile"
	reasonThrottled = "throttled"
)

// SignIn opens a session for whoever knows the password of an account. All
// failures look alike and take the same work, whether or not there is such an
// account; the error has code SignInFailed, or RateLimited with
// retryAfterSeconds in its params after too many of them.
func (s *Service) SignIn(ctx context.Context, email, password string, from Client) (SignedIn, error) {
	typed := email
	email, err := normalEmail(typed)
	if err != nil { // no account has it, but that must not show
		email = s.blind(typed)
	}
	place := network(from.Address)
	err = s.slowDown(email, place, func() error {
		c, known, err := selectCredential(ctx, s.db, email)
		if err != nil {
			return err
		}
		return s.audit.Record(ctx, s.failure(c, known, email, reasonThrottled, audit.Denied))
	})
	if err != nil {
		return SignedIn{}, err
	}
	c, known, err := selectCredential(ctx, s.db, email)
	if err != nil {
		s.withdraw(email, place)
		return SignedIn{}, err
	}
	hash := c.hash
	if !known {
		hash = s.passwords.decoy
	}
	if len(password) > maxPassword {
		password = password[:maxPassword+1] // nobody's, and it bounds the work
	}
	ok, outdated, err := s.passwords.verify(ctx, hash, password)
	if err != nil {
		s.withdraw(email, place)
		return SignedIn{}, err
	}
	switch {
	case !known:
		return SignedIn{}, s.failed(ctx, c, email, reasonUnknown)
	case !ok || len(password) > maxPassword:
		return SignedIn{}, s.failed(ctx, c, email, reasonPassword)
	case c.account.Disabled:
		return SignedIn{}, s.failed(ctx, c, email, reasonDisabled)
	case !c.account.Valid.Holds(s.now()):
		return SignedIn{}, s.failed(ctx, c, email, reasonInvalid)
	case !c.expiresAt.IsZero() && !s.now().Before(c.expiresAt):
		return SignedIn{}, s.failed(ctx, c, email, reasonExpired)
	}
	renewed := c.hash
	if outdated {
		if renewed, err = s.passwords.hash(ctx, password); err != nil {
			s.withdraw(email, place)
			return SignedIn{}, err
		}
	}
	out, err := s.signIn(ctx, c, renewed, from)
	if errs.CodeOf(err) == errs.SignInFailed {
		return SignedIn{}, s.failed(ctx, c, email, reasonChanged)
	} else if err != nil {
		s.withdraw(email, place)
		return SignedIn{}, err
	}
	s.byAccount.succeed(email)
	s.byAddress.giveBack(place, 2) // its own, and one earlier: an office with many people mistypes now and then
	if out.replaced != "" {
		s.sessionsChanged(context.WithoutCancel(ctx), out.replaced)
	}
	return out, nil
}

// signIn writes a successful sign-in, unless the account was disabled or its
// password changed since it was read.
func (s *Service) signIn(ctx context.Context, c credential, hash string, from Client) (SignedIn, error) {
	var out SignedIn
	err := s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		now := stored(s.now())
		const mark = `
		UPDATE accounts SET last_signed_in_at = $1, password_hash = $2
		WHERE  id = $3 AND password_hash = $4 AND disabled = FALSE
		RETURNING id`
		var id string
		err := tx.QueryRowContext(ctx, mark, now.UnixMilli(), hash, c.account.ID, c.hash).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return signInFailed()
		} else if err != nil {
			return fmt.Errorf("mark sign-in of account %s: %w", c.account.ID, err)
		}
		a := c.account
		a.LastSignedInAt = now
		if out, err = s.openSession(ctx, tx, a, from); err != nil {
			return err
		}
		return s.audit.Record(ctx, audit.Event{
			Action: auditSignIn, Resource: sessionResource(out.Session.ID), ActorID: a.ID, SessionID: out.Session.ID,
		})
	})
	if err != nil {
		return SignedIn{}, err
	}
	return out, nil
}

// slowDown counts an attempt and refuses it when there were too many. Of the
// attempts that one pause refuses only the first is recorded: the record must
// not be a way to fill the disk.
func (s *Service) slowDown(key, place string, record func() error) error {
	wait, first := s.byAddress.take(place)
	if wait == 0 {
		if wait, first = s.byAccount.take(key); wait > 0 {
			s.byAddress.giveBack(place, 1)
		}
	}
	if wait == 0 {
		return nil
	}
	if first {
		if err := record(); err != nil {
			return err
		}
	}
	return tooMany(wait)
}

// withdraw takes back an attempt that we, not the person, failed.
func (s *Service) withdraw(key, place string) {
	s.byAccount.giveBack(key, 1)
	s.byAddress.giveBack(place, 1)
}

// failed records a failed sign-in and returns the error that says nothing.
func (s *Service) failed(ctx context.Context, c credential, email, reason string) error {
	if err := s.audit.Record(ctx, s.failure(c, reason != reasonUnknown, email, reason, audit.Failure)); err != nil {
		return err
	}
	return signInFailed()
}

// failure is the event of a failed sign-in. It names the account if there is
// one; otherwise what was typed may be a password in the wrong field, and only
// its keyed hash is kept.
func (s *Service) failure(c credential, known bool, email, reason string, outcome audit.Outcome) audit.Event {
	e := audit.Event{Action: auditSignIn, Resource: accountResource(c.account.ID), Outcome: outcome, Details: map[string]string{"reason": reason}}
	if known {
		e.Details["email"] = email
	} else {
		e.Details["email_hash"] = s.blind(email)
	}
	return e
}

// ChangePassword replaces the password of the person who asks. Their other
// sessions end and the current one is replaced by the one that is returned.
// The error is about field "current" if that password is not right.
func (s *Service) ChangePassword(ctx context.Context, current, replacement string, from Client) (SignedIn, error) {
	p, err := authorizeSelf(ctx, access.AccountChangePassword)
	if err != nil {
		return SignedIn{}, err
	}
	c, err := selectCredentialByID(ctx, s.db, p.AccountID)
	if err != nil {
		return SignedIn{}, err
	}
	if err := checkPassword("new", replacement, c.account.Email, c.account.Name); err != nil {
		return SignedIn{}, err
	}
	place := network(from.Address)
	key := "change " + p.AccountID // apart from sign-ins: a borrowed session must not keep the owner out
	refused := func(reason string, outcome audit.Outcome) error {
		return s.audit.Record(ctx, audit.Event{
			Action: auditPasswordChange, Resource: accountResource(p.AccountID), Outcome: outcome,
			Details: map[string]string{"reason": reason},
		})
	}
	err = s.slowDown(key, place, func() error { return refused(reasonThrottled, audit.Denied) })
	if err != nil {
		return SignedIn{}, err
	}
	if len(current) > maxPassword {
		current = current[:maxPassword+1]
	}
	ok, _, err := s.passwords.verify(ctx, c.hash, current)
	if err != nil {
		s.withdraw(key, place)
		return SignedIn{}, err
	}
	if !ok || len(current) > maxPassword || (!c.expiresAt.IsZero() && !s.now().Before(c.expiresAt)) {
		if err := refused(reasonPassword, audit.Failure); err != nil {
			return SignedIn{}, err
		}
		return SignedIn{}, errs.InField("current", "the current password is not right").With("reason", reasonPassword)
	}
	s.byAccount.succeed(key)
	s.byAddress.giveBack(place, 1)
	if label.Fold(current) == label.Fold(replacement) {
		same := errs.New(errs.PasswordTooWeak, "this is the password you have").With("reason", "same")
		same.Field = "new"
		return SignedIn{}, same
	}
	hash, err := s.passwords.hash(ctx, replacement)
	if err != nil {
		return SignedIn{}, err
	}
	var out SignedIn
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		now := s.now()
		latest, err := selectCredentialByID(ctx, tx, p.AccountID)
		if err != nil {
			return err
		}
		if latest.hash != c.hash || latest.account.Disabled {
			return sessionEnded() // somebody changed it first, which ended this session too
		}
		if err := updatePassword(ctx, tx, p.AccountID, hash, time.Time{}, now); err != nil {
			return err
		}
		shown, err := selectEvidence(ctx, tx, p.SessionID)
		if err != nil {
			return err
		}
		from.passedAt = shown.passedAt() // the new session goes on where this one was
		n, err := deleteSessions(ctx, tx, p.AccountID, "")
		if err != nil {
			return err
		}
		if err := s.db.Publish(ctx, access.Changed, p.AccountID); err != nil {
			return err
		}
		a := latest.account
		a.MustChangePassword, a.UpdatedAt = false, stored(now)
		if out, err = s.openSession(ctx, tx, a, from); err != nil {
			return err
		}
		return s.audit.Record(ctx, audit.Event{
			Action: auditPasswordChange, Resource: accountResource(p.AccountID),
			Details: map[string]string{"sessions_ended": strconv.FormatInt(n, 10)},
		})
	})
	if err != nil {
		return SignedIn{}, err
	}
	s.sessionsChanged(context.WithoutCancel(ctx), p.AccountID)
	return out, nil
}
