// Package setting keeps what administrators decide for the whole organisation.
// Every call reads it, so a change holds from the next request on every node.
// Each change is a version with its author.
package setting

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/classification"
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
	// DefaultClass is that of conversations until their person says otherwise;
	// None: they are not classified.
	DefaultClass classification.Class `json:"defaultClass"`
}

// Kept is a version of what holds.
type Kept[T any] struct {
	Value         T
	Version       int64 // 0: nothing was decided yet
	ChangedBy     string
	ChangedByName string
	ChangedAt     time.Time
}

// Service keeps the settings.
type Service struct {
	// Chat is what holds for conversations.
	Chat *Document[Chat]

	db    *db.DB
	audit *audit.Log
	now   func() time.Time
}

// New returns the settings kept in d.
func New(d *db.DB, record *audit.Log, now func() time.Time) *Service {
	s := &Service{db: d, audit: record, now: now}
	s.Chat = Define(s, Definition[Chat]{
		Name: "chat", Initial: Chat{Temporary: TemporaryAllowed}, Check: checkChat, Details: chatDetails,
	})
	return s
}

func checkChat(c Chat) (Chat, error) {
	switch c.Temporary {
	case TemporaryAllowed, TemporaryOff, TemporaryEnforced:
	default:
		return c, errs.InField("temporary", "this is not one of the choices")
	}
	if c.AttachmentBytes < 0 || c.AttachmentsPerTurn < 0 {
		return c, errs.InField("attachmentBytes", "this must not be negative")
	}
	if c.DefaultClass != classification.None && !c.DefaultClass.Valid() {
		return c, errs.InField("defaultClass", "the classes are 1, 2 and 3, and 0 is not to classify")
	}
	return c, nil
}

func chatDetails(before, after Chat) map[string]string {
	return map[string]string{
		"temporary": string(after.Temporary), "temporary_before": string(before.Temporary),
		"attachment_bytes": strconv.FormatInt(after.AttachmentBytes, 10), "attachments_per_turn": strconv.FormatInt(after.AttachmentsPerTurn, 10),
		"default_class": after.DefaultClass.String(), "default_class_before": before.DefaultClass.String(),
	}
}

// Definition says what one document of settings is.
type Definition[T any] struct {
	Name    string
	Initial T                                       // holds while nothing is decided
	Check   func(T) (T, error)                      // returns it as it is stored; its errors name the field
	Details func(before, after T) map[string]string // for the audit log
	Guard   access.Action                           // of whoever writes it; "" is SystemWrite
}

// Document is what is decided about one matter.
type Document[T any] struct {
	*Service
	definition Definition[T]
}

// Define returns the document that d describes, kept in s.
func Define[T any](s *Service, d Definition[T]) *Document[T] { return &Document[T]{s, d} }

// Now returns what holds, to whatever obeys it.
func (d *Document[T]) Now(ctx context.Context) (T, error) {
	kept, err := d.latest(ctx, d.db)
	return kept.Value, err
}

// Read returns what holds, to administrators.
func (d *Document[T]) Read(ctx context.Context) (Kept[T], error) {
	if _, err := access.Authorize(ctx, access.SystemRead, access.Resource{Kind: access.KindSystem}); err != nil {
		return Kept[T]{}, err
	}
	return d.latest(ctx, d.db)
}

// Write decides what holds. base is the version that was read before; the
// error has code Conflict if there is a newer one.
func (d *Document[T]) Write(ctx context.Context, base int64, value T) (Kept[T], error) {
	who, err := access.Authorize(ctx, cmp.Or(d.definition.Guard, access.SystemWrite), access.Resource{Kind: access.KindSystem})
	if err != nil {
		return Kept[T]{}, err
	}
	if value, err = d.definition.Check(value); err != nil {
		return Kept[T]{}, err
	}
	var kept Kept[T]
	err = d.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		before, err := d.latest(ctx, tx)
		if err != nil {
			return err
		}
		if before.Version != base {
			return errs.New(errs.Conflict, "Somebody else has changed these settings.").With("version", strconv.FormatInt(before.Version, 10))
		}
		body, err := json.Marshal(value)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO settings (name, version, body, changed_by, changed_at) VALUES ($1, $2, $3, $4, $5)`,
			d.definition.Name, base+1, string(body), who.AccountID, d.now().UnixMilli())
		if err != nil {
			return fmt.Errorf("write settings: %w", err)
		}
		if kept, err = d.latest(ctx, tx); err != nil {
			return err
		}
		details := d.definition.Details(before.Value, kept.Value)
		details["version"] = strconv.FormatInt(kept.Version, 10)
		return d.audit.Record(ctx, audit.Event{
			Action: "setting.update", Resource: audit.Resource{Kind: string(access.KindSystem), ID: d.definition.Name}, Details: details,
		})
	})
	if db.IsUniqueViolation(err) {
		err = errs.New(errs.Conflict, "Somebody else has changed these settings.")
	}
	return kept, err
}

func (d *Document[T]) latest(ctx context.Context, q db.Queryer) (Kept[T], error) {
	kept := Kept[T]{Value: d.definition.Initial}
	var body string
	var at int64
	err := q.QueryRowContext(ctx, `
		SELECT s.version, s.body, s.changed_by, coalesce(a.name, ''), s.changed_at
		FROM   settings s LEFT JOIN accounts a ON a.id = s.changed_by
		WHERE  s.name = $1 ORDER BY s.version DESC LIMIT 1`, d.definition.Name).
		Scan(&kept.Version, &body, &kept.ChangedBy, &kept.ChangedByName, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return kept, nil
	}
	if err == nil {
		kept.Value, err = d.decode(body)
	}
	if err != nil {
		return Kept[T]{}, fmt.Errorf("read settings: %w", err)
	}
	kept.ChangedAt = time.UnixMilli(at).UTC()
	return kept, nil
}

// decode reads a stored document. What it leaves out is as at first, in a copy:
// decoding writes into what the slices of its target point at.
func (d *Document[T]) decode(body string) (value T, err error) {
	initial, err := json.Marshal(d.definition.Initial)
	if err != nil {
		return value, err
	}
	if err := json.Unmarshal(initial, &value); err != nil {
		return value, err
	}
	return value, json.Unmarshal([]byte(body), &value)
}
