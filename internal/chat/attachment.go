package chat

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// Attachment is a file of a person, sent with a message or about to be.
type Attachment struct {
	ID            string
	OwnerID       string
	MessageID     string // "" until it is sent
	FolderID      string // of a file that goes with every turn in a folder
	Name          string
	MediaType     string
	Size          int64 // bytes
	Width, Height int   // pixels; 0 for what is not an image
	BlobHash      string
	CreatedAt     time.Time
}

// unsentFor is how long a file waits for its message.
const unsentFor = 24 * time.Hour

// Attach stores a file for a message to come. The content decides the type: a
// file that is not what its name says is taken for what it is or refused. Text
// in any of the character sets of offices is kept as UTF-8.
func (s *Service) Attach(ctx context.Context, u Upload) (Attachment, error) {
	p, err := access.Require(ctx)
	if err != nil {
		return Attachment{}, err
	}
	if _, err := access.Authorize(ctx, access.AttachmentCreate, access.Resource{Kind: access.KindAttachment, OwnerID: p.AccountID}); err != nil {
		return Attachment{}, err
	}
	policy, err := s.policyNow(ctx)
	if err != nil {
		return Attachment{}, err
	}
	if err := policy.keeps(); err != nil {
		return Attachment{}, err
	}
	f, err := ReadFile(u, policy.fileBytes(s.maxUpload))
	if err != nil {
		return Attachment{}, err
	}
	return s.keepFile(ctx, p.AccountID, f)
}

// keepFile stores a file of the owner's.
func (s *Service) keepFile(ctx context.Context, owner string, f File) (Attachment, error) {
	content, err := s.files.Seal(ctx, f.Data)
	if err != nil {
		return Attachment{}, err
	}
	a := Attachment{
		ID: db.NewID(), OwnerID: owner, Name: f.Name, MediaType: f.MediaType, Size: int64(len(f.Data)),
		Width: f.Width, Height: f.Height, BlobHash: content.Hash, CreatedAt: s.now(),
	}
	return a, s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := s.files.Insert(ctx, tx, content); err != nil {
			return err
		}
		return s.insertAttachment(ctx, tx, a)
	})
}

// AttachmentContent returns a file of the person's with its bytes.
func (s *Service) AttachmentContent(ctx context.Context, id string) (Attachment, []byte, error) {
	a, err := s.ownAttachment(ctx, id, access.AttachmentRead)
	if err != nil {
		return Attachment{}, nil, err
	}
	data, err := s.files.Read(ctx, a.BlobHash)
	return a, data, err
}

// RemoveAttachment removes a file that has not been sent.
func (s *Service) RemoveAttachment(ctx context.Context, id string) error {
	a, err := s.ownAttachment(ctx, id, access.AttachmentDelete)
	if err != nil {
		return err
	}
	if a.MessageID != "" {
		return errs.New(errs.Conflict, "The file has been sent; it goes with its conversation.")
	}
	return s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		return s.deleteAttachments(ctx, tx, `id = $1 AND message_id IS NULL`, id)
	})
}

func (s *Service) ownAttachment(ctx context.Context, id string, act access.Action) (Attachment, error) {
	p, err := access.Require(ctx)
	if err != nil {
		return Attachment{}, err
	}
	a, err := s.attachment(ctx, s.db, p.AccountID, id)
	if err != nil {
		return Attachment{}, err
	}
	_, err = access.Authorize(ctx, act, access.Resource{Kind: access.KindAttachment, ID: id, OwnerID: a.OwnerID})
	return a, err
}

// sentFile is a file on its way into a message: it is taken, or copied from a
// message it was sent with before.
type sentFile struct {
	id   string // as the message names it
	from string // the file it is a copy of, or ""
}

// sentParts turns what a person sends into the parts of their message, which
// every one of the models must be able to read.
func (s *Service) sentParts(ctx context.Context, q db.Queryer, owner string, t Turn, offers []model.Offer) ([]Part, []sentFile, error) {
	var parts []Part
	var files []sentFile
	for _, id := range t.AttachmentIDs {
		a, err := s.attachment(ctx, q, owner, id)
		if err != nil {
			return nil, nil, err
		}
		for _, o := range offers {
			if !readable(a.MediaType, o.Capabilities) {
				return nil, nil, errs.Newf(errs.ModelInput, "%s cannot read %s. Choose another model or remove the file.", o.DisplayName, a.Name).
					With("name", a.Name)
			}
		}
		file := sentFile{id: a.ID}
		if a.MessageID != "" || a.FolderID != "" {
			file = sentFile{id: db.NewID(), from: a.ID}
		}
		files = append(files, file)
		parts = append(parts, Part{Type: partOf(a.MediaType), AttachmentID: file.id, Name: a.Name, MediaType: a.MediaType, Size: a.Size})
	}
	if strings.TrimSpace(t.Text) != "" {
		parts = append(parts, Part{Type: model.PartText, Text: t.Text})
	}
	return parts, files, nil
}

func (s store) insertAttachment(ctx context.Context, q db.Queryer, a Attachment) error {
	_, err := q.ExecContext(ctx, `
		INSERT INTO attachments (id, owner_id, message_id, name, media_type, size, width, height, blob_hash, created_at)
		VALUES ($1, $2, NULL, $3, $4, $5, $6, $7, $8, $9)`,
		a.ID, a.OwnerID, a.Name, a.MediaType, a.Size, a.Width, a.Height, a.BlobHash, a.CreatedAt.UnixMilli())
	if err != nil {
		return fmt.Errorf("insert attachment: %w", err)
	}
	return nil
}

// attachment returns the owner's attachment id; code NotFound otherwise.
func (s store) attachment(ctx context.Context, q db.Queryer, owner, id string) (Attachment, error) {
	var a Attachment
	var created int64
	err := q.QueryRowContext(ctx, `
		SELECT id, owner_id, coalesce(message_id, ''), coalesce(folder_id, ''), name, media_type, size, width, height, blob_hash, created_at
		FROM   attachments WHERE id = $1 AND owner_id = $2`, id, owner).
		Scan(&a.ID, &a.OwnerID, &a.MessageID, &a.FolderID, &a.Name, &a.MediaType, &a.Size, &a.Width, &a.Height, &a.BlobHash, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return Attachment{}, errs.New(errs.NotFound, "There is no such file.")
	} else if err != nil {
		return Attachment{}, fmt.Errorf("read attachment %s: %w", id, err)
	}
	a.CreatedAt = fromMillis(created)
	return a, nil
}

// claimAttachments ties files to the message they were sent with.
func (s store) claimAttachments(ctx context.Context, q db.Queryer, owner, message string, files []sentFile) error {
	for _, f := range files {
		if f.from != "" {
			if err := s.copyAttachment(ctx, q, f, owner, message); err != nil {
				return err
			}
			continue
		}
		res, err := q.ExecContext(ctx, `
			UPDATE attachments SET message_id = $1, queued_turn_id = NULL
			WHERE  id = $2 AND owner_id = $3 AND (message_id IS NULL OR message_id = $1) AND folder_id IS NULL`, message, f.id, owner)
		if err != nil {
			return fmt.Errorf("claim attachment %s: %w", f.id, err)
		}
		if n, err := res.RowsAffected(); err != nil {
			return fmt.Errorf("claim attachment %s: %w", f.id, err)
		} else if n == 0 {
			return errs.New(errs.Conflict, "A file has been sent already; attach it again.")
		}
	}
	return nil
}

// copyAttachment gives a message a file that another has. The content is shared.
func (s store) copyAttachment(ctx context.Context, q db.Queryer, f sentFile, owner, message string) error {
	_, err := q.ExecContext(ctx, `
		INSERT INTO attachments (id, owner_id, message_id, name, media_type, size, width, height, blob_hash, created_at)
		SELECT $1, $2, $3, name, media_type, size, width, height, blob_hash, created_at FROM attachments WHERE id = $4`,
		f.id, owner, message, f.from)
	if err != nil {
		return fmt.Errorf("copy attachment %s: %w", f.from, err)
	}
	return nil
}

// deleteAttachments removes the attachments that where selects, with the
// contents nobody else has.
func (s store) deleteAttachments(ctx context.Context, q db.Queryer, where string, args ...any) error {
	hashes, err := db.Column[string](ctx, q, `SELECT DISTINCT blob_hash FROM attachments WHERE `+where, args...)
	if err != nil || len(hashes) == 0 {
		return err
	}
	if _, err := q.ExecContext(ctx, `DELETE FROM attachments WHERE `+where, args...); err != nil {
		return fmt.Errorf("delete attachments: %w", err)
	}
	return s.files.DeleteUnused(ctx, q, hashes)
}

// deleteUnsent removes files whose message never came.
func (s store) deleteUnsent(ctx context.Context, q db.Queryer, before time.Time) error {
	return s.deleteAttachments(ctx, q,
		`message_id IS NULL AND queued_turn_id IS NULL AND folder_id IS NULL AND created_at < $1`, before.UnixMilli())
}
