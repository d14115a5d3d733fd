package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/label"
)

// setupLinkFor is how long a setup link works.
const setupLinkFor = 24 * time.Hour

const setupLinkKind = "setup_link"

// NeedsSetup reports whether there is no administrator yet.
func (s *Service) NeedsSetup(ctx context.Context) (bool, error) {
	has, err := hasAdministrator(ctx, s.db)
	return !has, err
}

// CreateSetupLink returns the token of a new setup link, which is shown this
// once, and when it expires. Links made earlier stop working, so with several
// nodes the one printed last is the one that counts. It is for whoever starts
// the server; the error has code Conflict if there is an administrator.
func (s *Service) CreateSetupLink(ctx context.Context) (token string, expiresAt time.Time, err error) {
	token, hash, err := s.newToken()
	if err != nil {
		return "", time.Time{}, err
	}
	now := stored(s.now())
	expiresAt = now.Add(setupLinkFor)
	id := db.NewID()
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if has, err := hasAdministrator(ctx, tx); err != nil {
			return err
		} else if has {
			return errs.New(errs.Conflict, "the first administrator exists already")
		}
		const insert = `INSERT INTO setup_links (id, token_hash, created_at, expires_at) VALUES ($1, $2, $3, $4)`
		if _, err := tx.ExecContext(ctx, `DELETE FROM setup_links`); err != nil {
			return fmt.Errorf("end earlier setup links: %w", err)
		}
		if _, err := tx.ExecContext(ctx, insert, id, hash, now.UnixMilli(), expiresAt.UnixMilli()); err != nil {
			return fmt.Errorf("create setup link: %w", err)
		}
		return s.audit.Record(ctx, audit.Event{Action: auditSetupLink, Resource: audit.Resource{Kind: setupLinkKind, ID: id}})
	})
	if err != nil {
		return "", time.Time{}, err
	}
	return token, expiresAt, nil
}

// SetupLinkValid reports whether token would be accepted now.
func (s *Service) SetupLinkValid(ctx context.Context, token string) (bool, error) {
	if len(token) != tokenChars {
		return false, nil
	}
	const find = `SELECT id FROM setup_links WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2`
	var id string
	err := s.db.QueryRowContext(ctx, find, hashToken(token), s.now().UnixMilli()).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("look for a setup link: %w", err)
	}
	return s.NeedsSetup(ctx)
}

// Setup is what the first administrator enters.
type Setup struct {
	Token    string
	Email    string
	Name     string
	Password string
	Locale   string // "ja", "en" or ""
}

// CompleteSetup makes the first administrator and signs them in. The link works
// once, also when two requests race; the error of the others has code
// SetupLinkInvalid.
func (s *Service) CompleteSetup(ctx context.Context, in Setup, from Client) (SignedIn, error) {
	invalid := errs.New(errs.SetupLinkInvalid, "this setup link is wrong, used or expired; start Kakoi again for a new one")
	// First the link, so that nobody without one can make us hash passwords.
	place := network(from.Address)
	if wait, _ := s.byAddress.take(place); wait > 0 {
		return SignedIn{}, tooMany(wait)
	}
	if ok, err := s.SetupLinkValid(ctx, in.Token); err != nil {
		return SignedIn{}, err
	} else if !ok {
		err := s.audit.Record(ctx, audit.Event{
			Action: auditSetup, Resource: audit.Resource{Kind: setupLinkKind}, Outcome: audit.Denied,
		})
		if err != nil {
			return SignedIn{}, err
		}
		return SignedIn{}, invalid
	}
	s.byAddress.giveBack(place, 1)
	email, err := normalEmail(in.Email)
	if err != nil {
		return SignedIn{}, err
	}
	name, err := label.Clean("name", in.Name, maxName)
	if err != nil {
		return SignedIn{}, err
	}
	preferences := DefaultPreferences().with(PreferencesChange{Locale: &in.Locale})
	if err := preferences.validate(); err != nil {
		return SignedIn{}, err
	}
	if err := checkPassword("password", in.Password, email, name); err != nil {
		return SignedIn{}, err
	}
	hash, err := s.passwords.hash(ctx, in.Password)
	if err != nil {
		return SignedIn{}, err
	}
	now := stored(s.now())
	a := Account{
		ID: db.NewID(), Email: email, Name: name, Valid: access.Always,
		Preferences: preferences, LastSignedInAt: now, CreatedAt: now, UpdatedAt: now,
	}
	var out SignedIn
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		const use = `
		UPDATE setup_links SET used_at = $1
		WHERE  token_hash = $2 AND used_at IS NULL AND expires_at > $3
		RETURNING id`
		var link string
		err := tx.QueryRowContext(ctx, use, now.UnixMilli(), hashToken(in.Token), now.UnixMilli()).Scan(&link)
		if errors.Is(err, sql.ErrNoRows) {
			return invalid
		} else if err != nil {
			return fmt.Errorf("use setup link: %w", err)
		}
		if has, err := hasAdministrator(ctx, tx); err != nil {
			return err
		} else if has {
			return invalid
		}
		if err := insertAccount(ctx, tx, a, hash, time.Time{}); err != nil {
			return err
		}
		if err := insertAdministrator(ctx, tx, a.ID); err != nil {
			return err
		}
		if a, err = selectAccount(ctx, tx, a.ID); err != nil {
			return err
		}
		a.LastSignedInAt = now
		if _, err := tx.ExecContext(ctx, `UPDATE accounts SET last_signed_in_at = $1 WHERE id = $2`, now.UnixMilli(), a.ID); err != nil {
			return fmt.Errorf("mark sign-in of account %s: %w", a.ID, err)
		}
		if out, err = s.openSession(ctx, tx, a, from); err != nil {
			return err
		}
		return s.audit.Record(ctx, audit.Event{
			Action: auditSetup, Resource: accountResource(a.ID), ActorID: a.ID, SessionID: out.Session.ID,
			Details: map[string]string{"email": email, "setup_link_id": link},
		})
	})
	if err != nil {
		return SignedIn{}, err
	}
	return out, nil
}
