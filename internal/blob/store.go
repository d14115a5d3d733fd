package blob

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/errs"
)

// store is the SQL of contents. Attachments are all that names them.
type store struct{ db *db.DB }

type row struct {
	data   []byte
	master string // "" if it is not sealed
}

func (s store) insert(ctx context.Context, q db.Queryer, b Sealed, now time.Time) error {
	_, err := q.ExecContext(ctx, `
		INSERT INTO blobs (hash, size, data, master, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (hash) DO NOTHING`,
		b.Hash, b.size, b.data, b.master, now.UnixMilli())
	if err != nil {
		return fmt.Errorf("insert blob: %w", err)
	}
	return nil
}

func (s store) read(ctx context.Context, hash string) (row, error) {
	var r row
	err := s.db.QueryRowContext(ctx, `SELECT data, master FROM blobs WHERE hash = $1`, hash).Scan(&r.data, &r.master)
	if errors.Is(err, sql.ErrNoRows) {
		return row{}, errs.New(errs.NotFound, "There is no such file.")
	} else if err != nil {
		return row{}, fmt.Errorf("read blob %s: %w", hash, err)
	}
	return r, nil
}

// DeleteUnused removes those of the contents that no attachment names.
func (s store) DeleteUnused(ctx context.Context, q db.Queryer, hashes []string) error {
	for chunk := range slices.Chunk(hashes, 200) {
		args := make([]any, len(chunk))
		for i, h := range chunk {
			args[i] = h
		}
		var which db.Conditions
		which.Add("hash IN (?"+strings.Repeat(", ?", len(args)-1)+")", args...)
		which.Add("NOT EXISTS (SELECT 1 FROM attachments a WHERE a.blob_hash = blobs.hash)")
		if _, err := q.ExecContext(ctx, `DELETE FROM blobs`+which.Where(), which.Args()...); err != nil {
			return fmt.Errorf("delete unused blobs: %w", err)
		}
	}
	return nil
}

// keepKey stores the key of a master key, sealed, unless there is one, and
// returns the one there is.
func (s store) keepKey(ctx context.Context, master string, sealed []byte, now time.Time) (stored []byte, err error) {
	const get = `SELECT sealed FROM blob_keys WHERE master = $1`
	err = s.db.QueryRowContext(ctx, get, master).Scan(&stored)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = s.db.ExecContext(ctx, `
			INSERT INTO blob_keys (master, sealed, created_at) VALUES ($1, $2, $3) ON CONFLICT (master) DO NOTHING`,
			master, sealed, now.UnixMilli())
		if err == nil {
			err = s.db.QueryRowContext(ctx, get, master).Scan(&stored)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read the key of files: %w", err)
	}
	return stored, nil
}

// nextPlain returns the hash of content that is not sealed, or "".
func (s store) nextPlain(ctx context.Context) (hash string, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT hash FROM blobs WHERE master = '' ORDER BY hash LIMIT 1`).Scan(&hash)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("look for contents that are not sealed: %w", err)
	}
	return hash, nil
}

// replace puts what was sealed in the place of the content hash.
func (s store) replace(ctx context.Context, hash string, b Sealed, now time.Time) error {
	return s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := s.insert(ctx, tx, b, now); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE attachments SET blob_hash = $1 WHERE blob_hash = $2`, b.Hash, hash); err != nil {
			return fmt.Errorf("seal blob %s: %w", hash, err)
		}
		err := tx.Erase(ctx, func() error {
			_, err := tx.ExecContext(ctx, `DELETE FROM blobs WHERE hash = $1`, hash)
			return err
		})
		if err != nil {
			return fmt.Errorf("seal blob %s: %w", hash, err)
		}
		return s.DeleteUnused(ctx, tx, []string{b.Hash}) // nobody had it, or another node was quicker
	})
}

func (s store) countOthers(ctx context.Context, master string) (n int, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT count(*) FROM blobs WHERE master <> '' AND master <> $1`, master).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count sealed contents: %w", err)
	}
	return n, nil
}
