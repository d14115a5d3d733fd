// Package setting keeps what administrators decide for the whole organisation.
// Every call reads it, so a change holds from the next request on every node.
// Each change is a version with its author.
package setting

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
)

// Temporary says what holds for conversations that are never stored.
type Temporary string

// What may hold for them.
const (
	TemporaryAllowed  Temporary = "allowed"
	TemporaryOff      Temporary = "off"
	TemporaryEnforced Temporary = "enforced" // there are no others
)

// Chat is what holds for conversations.
type Chat struct {
	Temporary          Temporary `json:"temporary"`
	AttachmentBytes    int64     `json:"attachmentBytes"`    // of the largest file; 0: as installed
	AttachmentsPerTurn int64     `json:"attachmentsPerTurn"` // 0: as installed
}

// Kept is a version of what holds.
type Kept struct {
	Chat
	Version       int64 // 0: nothing was decided yet
	ChangedBy     string
	ChangedByName string
	ChangedAt     time.Time
}

const chatName = "chat"

// Service keeps the settings.
type Service struct {
	db    *db.DB
	audit *audit.Log
	now   func() time.Time
}

// New returns the settings kept in d.
func New(d *db.DB, record *audit.Log, now func() time.Time) *Service { return &Service{d, record, now} }

// Chat returns what holds for conversations now, to whatever obeys it.
func (s *Service) Chat(ctx context.Context) (Chat, error) {
	kept, err := s.latest(ctx, s.db)
	return kept.Chat, err
}

// ReadChat returns what holds for conversations, to administrators.
func (s *Service) ReadChat(ctx context.Context) (Kept, error) {
	if _, err := access.Authorize(ctx, access.SystemRead, access.Resource{Kind: access.KindSystem}); err != nil {
		return Kept{}, err
	}
	return s.latest(ctx, s.db)
}

// WriteChat decides what holds for conversations. base is the version that was
// read before; the error has code Conflict if there is a newer one.
func (s *Service) WriteChat(ctx context.Context, base int64, c Chat) (Kept, error) {
	who, err := access.Authorize(ctx, access.SystemWrite, access.Resource{Kind: access.KindSystem})
	if err != nil {
		return Kept{}, err
	}
	switch c.Temporary {
	case TemporaryAllowed, TemporaryOff, TemporaryEnforced:
	default:
		return Kept{}, errs.InField("temporary", "this is not one of the choices")
	}
	if c.AttachmentBytes < 0 || c.AttachmentsPerTurn < 0 {
		return Kept{}, errs.InField("attachmentBytes", "this must not be negative")
	}
	var kept Kept
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		before, err := s.latest(ctx, tx)
		if err != nil {
			return err
		}
		if before.Version != base {
			return errs.New(errs.Conflict, "Somebody else has changed these settings.").With("version", strconv.FormatInt(before.Version, 10))
		}
		body, err := json.Marshal(c)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO settings (name, version, body, changed_by, changed_at) VALUES ($1, $2, $3, $4, $5)`,
			chatName, base+1, string(body), who.AccountID, s.now().UnixMilli())
		if err != nil {
			return fmt.Errorf("write settings: %w", err)
		}
		if kept, err = s.latest(ctx, tx); err != nil {
			return err
		}
		return s.audit.Record(ctx, audit.Event{
			Action: "setting.update", Resource: audit.Resource{Kind: string(access.KindSystem), ID: chatName},
			Details: map[string]string{
				"version": strconv.FormatInt(kept.Version, 10), "temporary": string(c.Temporary), "temporary_before": string(before.Temporary),
				"attachment_bytes": strconv.FormatInt(c.AttachmentBytes, 10), "attachments_per_turn": strconv.FormatInt(c.AttachmentsPerTurn, 10),
			},
		})
	})
	if db.IsUniqueViolation(err) {
		err = errs.New(errs.Conflict, "Somebody else has changed these settings.")
	}
	return kept, err
}

func (s *Service) latest(ctx context.Context, q db.Queryer) (Kept, error) {
	kept := Kept{Chat: Chat{Temporary: TemporaryAllowed}}
	var body string
	var at int64
	err := q.QueryRowContext(ctx, `
		SELECT s.version, s.body, s.changed_by, coalesce(a.name, ''), s.changed_at
		FROM   settings s LEFT JOIN accounts a ON a.id = s.changed_by
		WHERE  s.name = $1 ORDER BY s.version DESC LIMIT 1`, chatName).
		Scan(&kept.Version, &body, &kept.ChangedBy, &kept.ChangedByName, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return kept, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(body), &kept.Chat)
	}
	if err != nil {
		return Kept{}, fmt.Errorf("read settings: %w", err)
	}
	kept.ChangedAt = time.UnixMilli(at).UTC()
	return kept, nil
}
