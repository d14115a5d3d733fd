package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/identity/factor"
)

// evidence is what a session has shown of its person, and what their account
// has of second factors, in milliseconds as the store keeps it.
type evidence struct {
	proved, passed, asked int64 // 0: never
	enrolled              bool
}

// evidenceColumns are what evidence.columns reads, of sessions s and accounts a.
const evidenceColumns = `
	s.proved_at, COALESCE(s.second_factor_at, 0), COALESCE(a.second_factor_asked_at, 0),
	EXISTS (SELECT 1 FROM totp_secrets f WHERE f.account_id = a.id) OR EXISTS (SELECT 1 FROM passkeys f WHERE f.account_id = a.id)`

func (e *evidence) columns() []any { return []any{&e.proved, &e.passed, &e.asked, &e.enrolled} }

func (e *evidence) passedAt() time.Time {
	if e.passed == 0 {
		return time.Time{}
	}
	return time.UnixMilli(e.passed).UTC()
}

func selectEvidence(ctx context.Context, q db.Queryer, sessionID string) (e evidence, err error) {
	const query = `SELECT` + evidenceColumns + ` FROM sessions s JOIN accounts a ON a.id = s.account_id WHERE s.id = $1`
	err = q.QueryRowContext(ctx, query, sessionID).Scan(e.columns()...)
	if errors.Is(err, sql.ErrNoRows) {
		return evidence{}, sessionEnded()
	} else if err != nil {
		return evidence{}, fmt.Errorf("read what session %s has shown: %w", sessionID, err)
	}
	return e, nil
}

// Standing is how an account stands to what is asked of second factors.
type Standing struct {
	Requirement factor.Requirement
	Enrolled    bool
	DueBy       time.Time // until when a second factor that is required may be put off; zero if none is lacking

	lacking bool // one is required and there is none
}

// judge works out, by the policy of this moment, what a session has still to
// pass and whether its last proof is recent.
func (s *Service) judge(ctx context.Context, chart *access.Chart, a Account, sessionID string, e evidence) (access.Principal, Standing, error) {
	p := a.principal(chart, sessionID)
	policy, err := s.policy(ctx)
	if err != nil {
		return access.Principal{}, Standing{}, err
	}
	now := s.now()
	standing := Standing{Requirement: policy.For(p.RoleNames()...), Enrolled: e.enrolled}
	standing.lacking = standing.Requirement == factor.Required && !e.enrolled
	if standing.lacking && e.asked > 0 {
		standing.DueBy = time.UnixMilli(e.asked).UTC().Add(policy.Grace())
	}
	if standing.Requirement != factor.Off && e.enrolled && e.passed == 0 {
		p.Pending = append(p.Pending, access.StepSecondFactor)
	}
	if a.MustChangePassword {
		p.Pending = append(p.Pending, access.StepPasswordChange)
	}
	if standing.lacking && (policy.GraceDays == 0 || e.asked > 0 && !now.Before(standing.DueBy)) {
		p.Pending = append(p.Pending, access.StepEnrolSecondFactor)
	}
	p.Stale = s.factors != nil && now.Sub(time.UnixMilli(e.proved)) >= policy.ProofFor()
	return p, standing, nil
}

func (s *Service) policy(ctx context.Context) (factor.Policy, error) {
	if s.factors == nil {
		p := factor.InitialPolicy()
		p.Roles, p.Others = nil, factor.Off
		return p, nil
	}
	return s.factors.Policy.Now(ctx)
}

// admit is judge for a session that was just opened in tx. The grace of an
// account that lacks what is required begins with the first of them.
func (s *Service) admit(ctx context.Context, tx *db.Tx, a Account, sessionID string) (access.Principal, Standing, error) {
	e, err := selectEvidence(ctx, tx, sessionID)
	if err != nil {
		return access.Principal{}, Standing{}, err
	}
	chart, err := s.charts.Now(ctx)
	if err != nil {
		return access.Principal{}, Standing{}, err
	}
	p, standing, err := s.judge(ctx, chart, a, sessionID, e)
	if err != nil || !standing.lacking || e.asked > 0 {
		return p, standing, err
	}
	now := s.now()
	if err := updateAsked(ctx, tx, a.ID, now); err != nil {
		return access.Principal{}, Standing{}, err
	}
	e.asked = now.UnixMilli()
	return s.judge(ctx, chart, a, sessionID, e)
}

// markAsked begins the grace of an account that was signed in already when the
// policy came. It failing must not fail the request: the next one tries again.
func (s *Service) markAsked(ctx context.Context, accountID string, now time.Time) {
	wait, cancel := context.WithTimeout(ctx, seenWait)
	defer cancel()
	if err := updateAsked(wait, s.db, accountID, now); err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "cannot write down since when a second factor is asked for", "account_id", accountID, "err", err)
	}
}

func updateAsked(ctx context.Context, q db.Queryer, accountID string, now time.Time) error {
	const ask = `UPDATE accounts SET second_factor_asked_at = $1 WHERE id = $2 AND second_factor_asked_at IS NULL`
	if _, err := q.ExecContext(ctx, ask, now.UnixMilli(), accountID); err != nil {
		return fmt.Errorf("note that account %s is asked for a second factor: %w", accountID, err)
	}
	return nil
}

// Standing returns how the person who asks stands.
func (s *Service) Standing(ctx context.Context) (Standing, error) {
	p, err := authorizeSelf(ctx, access.AccountReadSelf)
	if err != nil {
		return Standing{}, err
	}
	a, err := selectAccount(ctx, s.db, p.AccountID)
	if err != nil {
		return Standing{}, err
	}
	e, err := selectEvidence(ctx, s.db, p.SessionID)
	if err != nil {
		return Standing{}, err
	}
	chart, err := s.charts.Now(ctx)
	if err != nil {
		return Standing{}, err
	}
	_, standing, err := s.judge(ctx, chart, a, p.SessionID, e)
	return standing, err
}
