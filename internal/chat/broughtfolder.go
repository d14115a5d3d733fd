package chat

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/label"
)

// BroughtFolder is a folder from elsewhere with what goes with every turn in it.
type BroughtFolder struct {
	Name         string
	Instructions string
	Files        []func() (File, error) // read one at a time
}

// Became says what became of a folder from elsewhere, or of a file of it.
type Became string

// What may become of them.
const (
	BecameNew        Became = "new"        // of a folder that is here without instructions: these
	BecameNothing    Became = "nothing"    // the same is here
	BecameOther      Became = "other"      // of a folder: the one here has other instructions, which stay
	BecameTooMany    Became = "too_many"   // there are as many as there may be
	BecameUnreadable Became = "unreadable" // of a file that could not be attached either
)

// BringFolder takes a folder from elsewhere in, or only says what would become
// of it and of each of its files. One of its name that is here is completed,
// never changed. The error has code InvalidInput if it is none that could be
// made here.
func (s *Service) BringFolder(ctx context.Context, b BroughtFolder, dryRun bool) (folder Became, files []Became, err error) {
	p, err := s.bringer(ctx)
	if err != nil {
		return "", nil, err
	}
	if b.Name, err = label.Clean("name", label.Clip(b.Name, maxFolderRunes), maxFolderRunes); err != nil {
		return "", nil, err
	}
	if len(b.Instructions) > maxSystemBytes {
		return "", nil, errs.InField("instructions", fmt.Sprintf("the instructions have more than %d bytes", maxSystemBytes))
	}
	here, err := s.folderCalled(ctx, s.db, p.AccountID, b.Name)
	if err != nil {
		return "", nil, err
	}
	if folder, err = s.folderBecomes(ctx, s.db, p.AccountID, here, b); err != nil {
		return "", nil, err
	}
	files = make([]Became, len(b.Files))
	var fresh []string
	n := len(here.Files)
	for i, read := range b.Files {
		if folder == BecameTooMany || i >= maxFolderFiles {
			files[i] = BecameTooMany
			continue
		}
		f, err := read()
		if err != nil {
			files[i] = BecameUnreadable
			continue
		}
		if same, err := s.hasFile(ctx, here, f); err != nil {
			return "", nil, err
		} else if same {
			files[i] = BecameNothing
			continue
		}
		if n >= maxFolderFiles {
			files[i] = BecameTooMany
			continue
		}
		files[i], n = BecameNew, n+1
		if dryRun {
			continue
		}
		a, err := s.keepFile(ctx, p.AccountID, f) // swept away like any that was never sent, should the folder fail
		if err != nil {
			return "", nil, err
		}
		fresh = append(fresh, a.ID)
	}
	if dryRun || folder != BecameNew && len(fresh) == 0 {
		return folder, files, nil
	}
	return folder, files, s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		f, err := s.folderCalled(ctx, tx, p.AccountID, b.Name)
		if err != nil {
			return err
		}
		now, isNew, ch := s.now(), f.ID == "", FolderChange{}
		if isNew {
			f = Folder{ID: db.NewID(), OwnerID: p.AccountID, CreatedAt: now}
			ch.Name = &b.Name
		}
		if f.Instructions == "" {
			ch.Instructions = &b.Instructions
		}
		if len(fresh) > 0 {
			all := make([]string, 0, len(f.Files)+len(fresh))
			for _, a := range f.Files {
				all = append(all, a.ID)
			}
			all = append(all, fresh...)
			ch.FileIDs = &all
		}
		f.UpdatedAt = now
		return s.changeFolder(ctx, tx, &f, ch, isNew)
	})
}

// folderBecomes says what becomes of b where here is, or nothing.
func (s *Service) folderBecomes(ctx context.Context, q db.Queryer, owner string, here Folder, b BroughtFolder) (Became, error) {
	switch {
	case here.ID == "":
		all, err := s.folders(ctx, q, owner)
		if err != nil {
			return "", err
		}
		if len(all) >= maxFolders {
			return BecameTooMany, nil
		}
		return BecameNew, nil
	case strings.TrimSpace(b.Instructions) == "" || here.Instructions == b.Instructions:
		return BecameNothing, nil
	case here.Instructions == "":
		return BecameNew, nil
	}
	return BecameOther, nil
}

// hasFile reports whether a folder has the content of a file. Its name may have
// changed on the way out.
func (s *Service) hasFile(ctx context.Context, in Folder, f File) (bool, error) {
	for _, a := range in.Files {
		if a.Size != int64(len(f.Data)) {
			continue
		}
		data, err := s.files.Read(ctx, a.BlobHash)
		if code := errs.CodeOf(err); code == errs.FileUnreadable || code == errs.NotFound {
			continue // it comes again, whole
		} else if err != nil {
			return false, err
		}
		if bytes.Equal(data, f.Data) {
			return true, nil
		}
	}
	return false, nil
}

// folderCalled returns the owner's folder of that name with its files; the zero
// one if there is none.
func (s store) folderCalled(ctx context.Context, q db.Queryer, owner, name string) (Folder, error) {
	found, err := db.Column[string](ctx, q, `SELECT id FROM folders WHERE owner_id = $1 AND search_key = $2`, owner, label.Fold(name))
	if err != nil || len(found) == 0 {
		return Folder{}, err
	}
	return s.folder(ctx, q, owner, found[0])
}
