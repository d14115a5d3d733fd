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
)

// Session is one browser that is signed in.
type Session struct {
	ID         string
	AccountID  string
	Current    bool // the one that asks
	UserAgent  string
	Address    string // where it was opened from
	CreatedAt  time.Time
	LastSeenAt time.Time // to the minute
	ExpiresAt  time.Time // if it is not used again
}

// Client is where a sign-in comes from.
type Client struct {
	Address   string // after trusted proxies
	UserAgent string
	Token     string // of the session this browser had until now, or ""

	passedAt time.Time // when a second factor was proved on the way here; zero if it was not
}

// SignedIn is a session that was just opened. Token is its secret: it is
// returned this once and belongs in the browser's cookie and nowhere else.
type SignedIn struct {
	Account   Account
	Session   Session
	Principal access.Principal
	Standing  Standing
	Token     string
	EndsAt    time.Time // the absolute end, for the cookie

	replaced string // account whose session the browser had until now, or ""
}

const (
	// seenEvery is how often at most a session's last use is written down.
	seenEvery = time.Minute
	// seenWait bounds what that may cost a request while the writer is busy.
	seenWait = time.Second
	// maxSessions of one account are kept by Sweep, the newest ones.
	maxSessions = 100
)

// Authenticate returns who a session's token stands for. It is on the path of
// every request: one indexed query. The error has code Unauthenticated if the
// token is unknown, its session has ended or its account is disabled.
func (s *Service) Authenticate(ctx context.Context, token string) (access.Principal, Account, error) {
	if len(token) != tokenChars {
		return access.Principal{}, Account{}, sessionEnded()
	}
	now := s.now()
	var sessionID, version string
	var seen int64
	var shown evidence
	a, err := scanAccount(s.db.QueryRowContext(ctx, selectBySessionToken,
		hashToken(token), now.UnixMilli(), now.Add(-s.idle).UnixMilli(), now.UnixMilli(), now.UnixMilli()), append([]any{&sessionID, &seen, &version}, shown.columns()...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return access.Principal{}, Account{}, sessionEnded()
	} else if err != nil {
		return access.Principal{}, Account{}, fmt.Errorf("read session: %w", err)
	}
	if now.Sub(time.UnixMilli(seen)) >= seenEvery {
		s.markSeen(ctx, sessionID, now)
	}
	chart, err := s.charts.At(ctx, version)
	if err != nil {
		return access.Principal{}, Account{}, err
	}
	p, standing, err := s.judge(ctx, chart, a, sessionID, shown)
	if err != nil {
		return access.Principal{}, Account{}, err
	}
	if standing.DueBy.IsZero() && standing.lacking {
		s.markAsked(ctx, a.ID, now)
	}
	return p, a, nil
}

// Still returns the principal of ctx as it is now, for what has waited or goes
// on for long. The error has code Forbidden if the account may not sign in any
// more.
func (s *Service) Still(ctx context.Context) (access.Principal, error) {
	p, err := access.Require(ctx)
	if err != nil {
		return access.Principal{}, err
	}
	a, err := selectAccount(ctx, s.db, p.AccountID)
	if err != nil {
		return access.Principal{}, err
	}
	if a.Disabled || !a.Valid.Holds(s.now()) {
		return access.Principal{}, errs.New(errs.Forbidden, "this account has been switched off")
	}
	chart, err := s.charts.Now(ctx)
	if err != nil {
		return access.Principal{}, err
	}
	now := a.principal(chart, p.SessionID)
	now.Pending, now.Stale = p.Pending, p.Stale // of the session, which may have ended since
	return now, nil
}

// markSeen writes down that a session is in use, unless another of its requests
// is at it. It failing must not fail the request: the next one tries again.
func (s *Service) markSeen(ctx context.Context, sessionID string, now time.Time) {
	if _, under := s.marking.LoadOrStore(sessionID, true); under {
		return
	}
	defer s.marking.Delete(sessionID)
	const mark = `UPDATE sessions SET last_seen_at = $1 WHERE id = $2 AND last_seen_at <= $3`
	wait, cancel := context.WithTimeout(ctx, seenWait)
	defer cancel()
	if _, err := s.db.ExecContext(wait, mark, now.UnixMilli(), sessionID, now.Add(-seenEvery).UnixMilli()); err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "cannot write down that a session is in use", "session_id", sessionID, "err", err)
	}
}

// openSession makes a session for a, in tx, in place of the one that the
// browser had: a token from before a sign-in is worth nothing after it.
func (s *Service) openSession(ctx context.Context, tx *db.Tx, a Account, from Client) (SignedIn, error) {
	replaced := ""
	if len(from.Token) == tokenChars {
		const replace = `DELETE FROM sessions WHERE token_hash = $1 RETURNING account_id`
		err := tx.QueryRowContext(ctx, replace, hashToken(from.Token)).Scan(&replaced)
		if err == nil {
			err = s.db.Publish(ctx, access.Changed, replaced)
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return SignedIn{}, fmt.Errorf("end the browser's earlier session: %w", err)
		}
	}
	token, hash, err := s.newToken()
	if err != nil {
		return SignedIn{}, err
	}
	now := stored(s.now())
	where := audit.RequestInfo{Address: from.Address, UserAgent: from.UserAgent}.Clean()
	session := Session{
		ID: db.NewID(), AccountID: a.ID, Current: true, UserAgent: where.UserAgent, Address: where.Address,
		CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(s.lifetime),
	}
	if err := insertSession(ctx, tx, session, hash, from.passedAt); err != nil {
		return SignedIn{}, err
	}
	p, standing, err := s.admit(ctx, tx, a, session.ID)
	if err != nil {
		return SignedIn{}, err
	}
	ends := session.ExpiresAt
	session.ExpiresAt = earlier(ends, now.Add(s.idle))
	return SignedIn{
		Account: a, Session: session, Principal: p, Standing: standing, Token: token, EndsAt: ends, replaced: replaced,
	}, nil
}

// Sessions returns the sessions of the person who asks, the last used first.
func (s *Service) Sessions(ctx context.Context) ([]Session, error) {
	p, err := s.authorizeSession(ctx, access.SessionRead, "")
	if err != nil {
		return nil, err
	}
	list, err := selectSessions(ctx, s.db, p.AccountID, s.now(), s.idle)
	for i := range list {
		list[i].Current = list[i].ID == p.SessionID
	}
	return list, err
}

func (s *Service) authorizeSession(ctx context.Context, a access.Action, id string) (access.Principal, error) {
	p, err := access.Arrived(ctx)
	if err != nil {
		return access.Principal{}, err
	}
	return p, access.Decide(p, a, access.Resource{Kind: access.KindSession, ID: id, OwnerID: p.AccountID})
}

// SignOut ends the session of the principal.
func (s *Service) SignOut(ctx context.Context) error {
	p, err := s.authorizeSession(ctx, access.SessionEnd, "")
	if err != nil {
		return err
	}
	return s.endSession(ctx, p.AccountID, p.SessionID, auditSignOut)
}

// EndSession ends one session of the person who asks. The error has code
// NotFound if they have no such session, whoever else may.
func (s *Service) EndSession(ctx context.Context, id string) error {
	p, err := s.authorizeSession(ctx, access.SessionEnd, id)
	if err != nil {
		return err
	}
	return s.endSession(ctx, p.AccountID, id, auditEndSession)
}

// SignOutEverywhere ends all sessions of the person who asks, or all but the
// current one, and returns how many ended.
func (s *Service) SignOutEverywhere(ctx context.Context, keepCurrent bool) (int, error) {
	p, err := s.authorizeSession(ctx, access.SessionEnd, "")
	if err != nil {
		return 0, err
	}
	keep := ""
	if keepCurrent {
		keep = p.SessionID
	}
	return s.endSessions(ctx, p.AccountID, keep)
}

// AccountSessions returns the sessions of account id, for an administrator.
func (s *Service) AccountSessions(ctx context.Context, id string) ([]Session, error) {
	p, err := s.authorizeAccount(ctx, access.AccountRead, id)
	if err != nil {
		return nil, err
	}
	if _, err := selectAccount(ctx, s.db, id); err != nil {
		return nil, err
	}
	list, err := selectSessions(ctx, s.db, id, s.now(), s.idle)
	for i := range list {
		list[i].Current = list[i].ID == p.SessionID
	}
	return list, err
}

// EndAccountSession ends one session of an account, for an administrator.
func (s *Service) EndAccountSession(ctx context.Context, accountID, id string) error {
	if _, err := s.authorizeAccount(ctx, access.AccountWrite, accountID); err != nil {
		return err
	}
	return s.endSession(ctx, accountID, id, auditEndSession)
}

// EndAccountSessions ends all sessions of an account, for an administrator, and
// returns how many ended.
func (s *Service) EndAccountSessions(ctx context.Context, accountID string) (int, error) {
	if _, err := s.authorizeAccount(ctx, access.AccountWrite, accountID); err != nil {
		return 0, err
	}
	if _, err := selectAccount(ctx, s.db, accountID); err != nil {
		return 0, err
	}
	return s.endSessions(ctx, accountID, "")
}

func (s *Service) endSession(ctx context.Context, accountID, id, action string) error {
	err := s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		ended, err := deleteSession(ctx, tx, accountID, id)
		if err != nil {
			return err
		}
		if !ended {
			return errs.New(errs.NotFound, "there is no such session")
		}
		if err := s.db.Publish(ctx, access.Changed, accountID); err != nil {
			return err
		}
		return s.audit.Record(ctx, audit.Event{
			Action: action, Resource: sessionResource(id), Details: map[string]string{"account_id": accountID},
		})
	})
	if err != nil {
		return err
	}
	s.sessionsChanged(context.WithoutCancel(ctx), accountID)
	return nil
}

func (s *Service) endSessions(ctx context.Context, accountID, keep string) (int, error) {
	var n int64
	err := s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		var err error
		if n, err = deleteSessions(ctx, tx, accountID, keep); err != nil {
			return err
		}
		if err := s.db.Publish(ctx, access.Changed, accountID); err != nil {
			return err
		}
		return s.audit.Record(ctx, audit.Event{
			Action: auditEndSessions, Resource: accountResource(accountID),
			Details: map[string]string{"sessions_ended": strconv.FormatInt(n, 10)},
		})
	})
	if err != nil {
		return 0, err
	}
	s.sessionsChanged(context.WithoutCancel(ctx), accountID)
	return int(n), nil
}

// Sweep removes what nobody can use any more: ended sessions, sessions beyond
// the newest hundred of an account, and setup links used or expired. Run calls
// it. It leaves no audit events: nothing ends by it that had not ended.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.now()
	const ended = `DELETE FROM sessions WHERE expires_at <= $1 OR last_seen_at <= $2`
	if _, err := s.db.ExecContext(ctx, ended, now.UnixMilli(), now.Add(-s.idle).UnixMilli()); err != nil {
		return fmt.Errorf("sweep sessions: %w", err)
	}
	const surplus = `
	DELETE FROM sessions WHERE id IN (
		SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY account_id ORDER BY created_at DESC, id DESC) AS place FROM sessions) ranked
		WHERE  place > $1)`
	if _, err := s.db.ExecContext(ctx, surplus, maxSessions); err != nil {
		return fmt.Errorf("sweep surplus sessions: %w", err)
	}
	if s.factors != nil {
		if err := s.factors.Sweep(ctx); err != nil {
			return err
		}
	}
	const links = `DELETE FROM setup_links WHERE used_at IS NOT NULL OR expires_at <= $1`
	if _, err := s.db.ExecContext(ctx, links, now.UnixMilli()); err != nil {
		return fmt.Errorf("sweep setup links: %w", err)
	}
	return nil
}
