package chat

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/label"
)

// Folder is a project of a person's: conversations with the instructions and
// files that go with every turn in them.
type Folder struct {
	ID            string
	OwnerID       string
	Name          string
	Instructions  string
	Files         []Attachment
	Conversations int
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

const (
	maxFolders     = 1000
	maxFolderRunes = 100
	maxFolderFiles = 20
)

// FolderChange is what a person may change of a folder; nil stays as it is.
type FolderChange struct {
	Name         *string
	Instructions *string
	FileIDs      *[]string // all files it is to have
}

// Folders lists the person's folders by name.
func (s *Service) Folders(ctx context.Context) ([]Folder, error) {
	p, err := s.authorize(ctx, access.ConversationCreate)
	if err != nil {
		return nil, err
	}
	return s.folders(ctx, s.db, p.AccountID)
}

// Folder returns the person's folder id with its files.
func (s *Service) Folder(ctx context.Context, id string) (Folder, error) {
	p, err := s.authorize(ctx, access.ConversationRead)
	if err != nil {
		return Folder{}, err
	}
	return s.folder(ctx, s.db, p.AccountID, id)
}

// CreateFolder makes a folder.
func (s *Service) CreateFolder(ctx context.Context, ch FolderChange) (Folder, error) {
	p, err := s.authorize(ctx, access.ConversationCreate)
	if err != nil {
		return Folder{}, err
	}
	if ch.Name == nil {
		return Folder{}, errs.InField("name", "give the folder a name")
	}
	now := s.now()
	f := Folder{ID: db.NewID(), OwnerID: p.AccountID, CreatedAt: now, UpdatedAt: now}
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		all, err := s.folders(ctx, tx, p.AccountID)
		if err != nil {
			return err
		}
		if len(all) >= maxFolders {
			return errs.Newf(errs.Conflict, "You have %d folders already.", maxFolders)
		}
		return s.changeFolder(ctx, tx, &f, ch, true)
	})
	return f, err
}

// UpdateFolder changes a folder.
func (s *Service) UpdateFolder(ctx context.Context, id string, ch FolderChange) (Folder, error) {
	p, err := s.authorize(ctx, access.ConversationWrite)
	if err != nil {
		return Folder{}, err
	}
	var f Folder
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if f, err = s.folder(ctx, tx, p.AccountID, id); err != nil {
			return err
		}
		f.UpdatedAt = s.now()
		return s.changeFolder(ctx, tx, &f, ch, false)
	})
	return f, err
}

func (s *Service) changeFolder(ctx context.Context, tx *db.Tx, f *Folder, ch FolderChange, fresh bool) error {
	var err error
	if ch.Name != nil {
		if f.Name, err = label.Clean("name", *ch.Name, maxFolderRunes); err != nil {
			return err
		}
	}
	if ch.Instructions != nil {
		if len(*ch.Instructions) > maxSystemBytes {
			return errs.InField("instructions", fmt.Sprintf("the instructions have more than %d bytes", maxSystemBytes))
		}
		f.Instructions = *ch.Instructions
	}
	if err := s.writeFolder(ctx, tx, *f, fresh); err != nil {
		return err
	}
	if ch.FileIDs == nil {
		return nil
	}
	if len(*ch.FileIDs) > maxFolderFiles {
		return errs.InField("attachmentIds", fmt.Sprintf("a folder has at most %d files", maxFolderFiles))
	}
	for _, old := range f.Files {
		if !slices.Contains(*ch.FileIDs, old.ID) {
			if err := s.deleteAttachments(ctx, tx, `id = $1`, old.ID); err != nil {
				return err
			}
		}
	}
	f.Files = nil
	for _, id := range *ch.FileIDs {
		a, err := s.attachment(ctx, tx, f.OwnerID, id)
		if err != nil {
			return err
		}
		if a.MessageID != "" || a.FolderID != "" && a.FolderID != f.ID {
			return errs.Newf(errs.Conflict, "%s is used elsewhere; attach it again.", a.Name)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE attachments SET folder_id = $1 WHERE id = $2`, f.ID, id); err != nil {
			return fmt.Errorf("put %s into folder %s: %w", id, f.ID, err)
		}
		a.FolderID = f.ID
		f.Files = append(f.Files, a)
	}
	return nil
}

// DeleteFolder removes a folder with its files. Its conversations stay, unless
// they are to be deleted too; the number of those is returned.
func (s *Service) DeleteFolder(ctx context.Context, id string, andConversations bool) (int, error) {
	p, err := s.authorize(ctx, access.ConversationDelete)
	if err != nil {
		return 0, err
	}
	if _, err := s.folder(ctx, s.db, p.AccountID, id); err != nil {
		return 0, err
	}
	deleted := 0
	if andConversations {
		within, err := db.Column[string](ctx, s.db, `SELECT id FROM conversations WHERE folder_id = $1 AND owner_id = $2 AND deleted_at = 0`, id, p.AccountID)
		if err != nil {
			return 0, err
		}
		if deleted, err = s.Bulk(ctx, within, BulkDelete, ""); err != nil {
			return 0, err
		}
	}
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE conversations SET folder_id = NULL WHERE folder_id = $1`, id); err != nil {
			return fmt.Errorf("empty folder %s: %w", id, err)
		}
		if err := s.deleteAttachments(ctx, tx, `folder_id = $1`, id); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM folders WHERE id = $1 AND owner_id = $2`, id, p.AccountID)
		return err
	})
	return deleted, err
}

const folderColumns = `
	f.id, f.owner_id, f.name, f.instructions, f.created_at, f.updated_at,
	(SELECT count(*) FROM conversations c WHERE c.folder_id = f.id AND c.archived = FALSE AND c.deleted_at = 0)`

func scanFolder(row interface{ Scan(...any) error }) (Folder, error) {
	var f Folder
	var created, updated int64
	err := row.Scan(&f.ID, &f.OwnerID, &f.Name, &f.Instructions, &created, &updated, &f.Conversations)
	f.CreatedAt, f.UpdatedAt = fromMillis(created), fromMillis(updated)
	return f, err
}

func (s store) folders(ctx context.Context, q db.Queryer, owner string) ([]Folder, error) {
	rows, err := q.QueryContext(ctx, `SELECT `+folderColumns+` FROM folders f WHERE f.owner_id = $1 ORDER BY f.search_key, f.id`, owner)
	if err != nil {
		return nil, fmt.Errorf("list folders: %w", err)
	}
	defer rows.Close()
	var out []Folder
	for rows.Next() {
		f, err := scanFolder(rows)
		if err != nil {
			return nil, fmt.Errorf("list folders: %w", err)
		}
		out = append(out, f)
	}
	return out, rows.Err()
}

// folder returns the owner's folder id with its files; code NotFound otherwise.
func (s store) folder(ctx context.Context, q db.Queryer, owner, id string) (Folder, error) {
	f, err := scanFolder(q.QueryRowContext(ctx, `SELECT `+folderColumns+` FROM folders f WHERE f.id = $1 AND f.owner_id = $2`, id, owner))
	if errors.Is(err, sql.ErrNoRows) {
		return Folder{}, errs.New(errs.NotFound, "There is no such folder.")
	} else if err != nil {
		return Folder{}, fmt.Errorf("read folder %s: %w", id, err)
	}
	files, err := db.Column[string](ctx, q, `SELECT id FROM attachments WHERE folder_id = $1 ORDER BY id`, id)
	if err != nil {
		return Folder{}, err
	}
	for _, file := range files {
		a, err := s.attachment(ctx, q, owner, file)
		if err != nil {
			return Folder{}, err
		}
		f.Files = append(f.Files, a)
	}
	return f, nil
}

func (s store) writeFolder(ctx context.Context, q db.Queryer, f Folder, fresh bool) error {
	stmt := `UPDATE folders SET name = $1, search_key = $2, instructions = $3, updated_at = $4 WHERE id = $5 AND owner_id = $6`
	args := []any{f.Name, label.Fold(f.Name), f.Instructions, f.UpdatedAt.UnixMilli(), f.ID, f.OwnerID}
	if fresh {
		stmt = `INSERT INTO folders (name, search_key, instructions, updated_at, id, owner_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`
		args = append(args, f.CreatedAt.UnixMilli())
	}
	_, err := q.ExecContext(ctx, stmt, args...)
	if db.IsUniqueViolation(err) {
		return errs.InField("name", "you have a folder of this name")
	} else if err != nil {
		return fmt.Errorf("write folder %s: %w", f.ID, err)
	}
	return nil
}
