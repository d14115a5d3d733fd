package chat

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	_ "image/gif"  // so that sizes of GIFs are read
	_ "image/jpeg" // likewise
	_ "image/png"  // likewise
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gabriel-vasile/mimetype"
	_ "golang.org/x/image/webp" // likewise

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// Upload is a file on its way in.
type Upload struct {
	Name      string
	MediaType string // as the browser says; the content decides
	Data      []byte
}

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

const (
	maxNameRunes = 255
	maxPixels    = 8000 // a side of an image; what the large models take
	// unsentFor is how long a file waits for its message.
	unsentFor = 24 * time.Hour
)

// attachable maps the media types that may be attached to the part they become.
var attachable = map[string]model.PartType{
	"image/png": model.PartImage, "image/jpeg": model.PartImage, "image/gif": model.PartImage, "image/webp": model.PartImage,
	"application/pdf": model.PartDocument, "text/plain": model.PartDocument, "text/csv": model.PartDocument,
	"text/html": model.PartDocument, "text/markdown": model.PartDocument,
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document": model.PartDocument,
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":       model.PartDocument,
}

// Attach stores a file for a message to come. The content decides the type: a
// file that is not what its name says is taken for what it is or refused.
func (s *Service) Attach(ctx context.Context, u Upload) (Attachment, error) {
	p, err := access.Require(ctx)
	if err != nil {
		return Attachment{}, err
	}
	if _, err := access.Authorize(ctx, access.AttachmentCreate, access.Resource{Kind: access.KindAttachment, OwnerID: p.AccountID}); err != nil {
		return Attachment{}, err
	}
	if int64(len(u.Data)) > s.maxUpload {
		return Attachment{}, errs.Newf(errs.TooLarge, "The file is larger than %d MB.", s.maxUpload>>20).
			With("limitBytes", strconv.FormatInt(s.maxUpload, 10))
	}
	if len(u.Data) == 0 {
		return Attachment{}, errs.InField("file", "the file is empty")
	}
	a := Attachment{ID: db.NewID(), OwnerID: p.AccountID, Name: fileName(u.Name), Size: int64(len(u.Data)), CreatedAt: s.now()}
	if a.MediaType, err = mediaTypeOf(u); err != nil {
		return Attachment{}, err
	}
	if attachable[a.MediaType] == model.PartImage {
		cfg, _, err := image.DecodeConfig(bytes.NewReader(u.Data))
		if err != nil {
			return Attachment{}, errs.Wrap(errs.InvalidInput, "The image cannot be read; it may be damaged.", err)
		}
		if cfg.Width > maxPixels || cfg.Height > maxPixels {
			return Attachment{}, errs.Newf(errs.TooLarge, "The image has %d × %d pixels; a side may have %d.", cfg.Width, cfg.Height, maxPixels).
				With("limitPixels", strconv.Itoa(maxPixels))
		}
		a.Width, a.Height = cfg.Width, cfg.Height
	}
	sum := sha256.Sum256(u.Data)
	a.BlobHash = hex.EncodeToString(sum[:])
	return a, s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error { return s.insertAttachment(ctx, tx, a, u.Data) })
}

// AttachmentContent returns a file of the person's with its bytes.
func (s *Service) AttachmentContent(ctx context.Context, id string) (Attachment, []byte, error) {
	a, err := s.ownAttachment(ctx, id, access.AttachmentRead)
	if err != nil {
		return Attachment{}, nil, err
	}
	data, err := s.blob(ctx, a.BlobHash)
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
		parts = append(parts, Part{Type: attachable[a.MediaType], AttachmentID: file.id, Name: a.Name, MediaType: a.MediaType, Size: a.Size})
	}
	if strings.TrimSpace(t.Text) != "" {
		parts = append(parts, Part{Type: model.PartText, Text: t.Text})
	}
	return parts, files, nil
}

// readable tells whether a model can be given a file: as it is, or, of one that
// is text, as words.
func readable(mediaType string, can model.Capabilities) bool {
	if attachable[mediaType] == model.PartImage {
		return can.Vision
	}
	return can.Documents || isText(mediaType)
}

// isText reports whether a file of the type is words in UTF-8.
func isText(mediaType string) bool { return strings.HasPrefix(mediaType, "text/") }

func mediaTypeOf(u Upload) (string, error) {
	found := mimetype.Detect(u.Data)
	for m := found; m != nil; m = m.Parent() {
		base, _, _ := strings.Cut(m.String(), ";")
		if _, ok := attachable[base]; !ok {
			continue
		}
		if base == "text/plain" { // the name tells which text it is
			if !utf8.Valid(u.Data) {
				break
			}
			switch strings.ToLower(path.Ext(u.Name)) {
			case ".md", ".markdown":
				return "text/markdown", nil
			case ".csv":
				return "text/csv", nil
			}
		}
		return base, nil
	}
	base, _, _ := strings.Cut(found.String(), ";")
	return "", errs.Newf(errs.UnsupportedType, "Files of the type %s cannot be attached.", base).With("mediaType", base)
}

// fileName keeps a name as the person knows it, without folders and control
// characters.
func fileName(name string) string {
	name = strings.ToValidUTF8(name, "")
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return -1 // control characters, and those that turn the reading direction
		}
		return r
	}, name)
	if name = strings.TrimSpace(name); name == "" {
		return "file"
	}
	if r := []rune(name); len(r) > maxNameRunes {
		name = string(r[len(r)-maxNameRunes:])
	}
	return name
}

func (s store) insertAttachment(ctx context.Context, q db.Queryer, a Attachment, data []byte) error {
	_, err := q.ExecContext(ctx, `
		INSERT INTO blobs (hash, size, data, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (hash) DO NOTHING`,
		a.BlobHash, a.Size, data, a.CreatedAt.UnixMilli())
	if err != nil {
		return fmt.Errorf("insert blob: %w", err)
	}
	_, err = q.ExecContext(ctx, `
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

func (s store) blob(ctx context.Context, hash string) ([]byte, error) {
	var data []byte
	if err := s.db.QueryRowContext(ctx, `SELECT data FROM blobs WHERE hash = $1`, hash).Scan(&data); err != nil {
		return nil, fmt.Errorf("read blob %s: %w", hash, err)
	}
	return data, nil
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

// deleteUnusedBlobs removes those of the contents that no attachment names.
func (s store) deleteUnusedBlobs(ctx context.Context, q db.Queryer, hashes []string) error {
	for chunk := range slices.Chunk(hashes, 200) {
		args := make([]any, len(chunk))
		for i, h := range chunk {
			args[i] = h
		}
		_, err := q.ExecContext(ctx, `
			DELETE FROM blobs WHERE hash IN (`+placeholders(1, len(args))+`)
			AND NOT EXISTS (SELECT 1 FROM attachments a WHERE a.blob_hash = blobs.hash)`, args...)
		if err != nil {
			return fmt.Errorf("delete unused blobs: %w", err)
		}
	}
	return nil
}

// deleteAttachments removes the attachments that where selects, with the
// contents nobody else has.
func (s store) deleteAttachments(ctx context.Context, q db.Queryer, where string, args ...any) error {
	hashes, err := ids(ctx, q, `SELECT DISTINCT blob_hash FROM attachments WHERE `+where, args...)
	if err != nil || len(hashes) == 0 {
		return err
	}
	if _, err := q.ExecContext(ctx, `DELETE FROM attachments WHERE `+where, args...); err != nil {
		return fmt.Errorf("delete attachments: %w", err)
	}
	return s.deleteUnusedBlobs(ctx, q, hashes)
}

// deleteUnsent removes files whose message never came.
func (s store) deleteUnsent(ctx context.Context, q db.Queryer, before time.Time) error {
	return s.deleteAttachments(ctx, q,
		`message_id IS NULL AND queued_turn_id IS NULL AND folder_id IS NULL AND created_at < $1`, before.UnixMilli())
}
