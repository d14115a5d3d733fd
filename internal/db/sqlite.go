package db

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/fts5"
	_ "github.com/ncruces/go-sqlite3/vfs/xts" // the encrypting file layer, by name

	"kakoi/internal/errs"
)

// keyBytes is the size of an AES-256-XTS key: two AES-256 keys.
const keyBytes = 64

// writerPragmas and readerPragmas are run on each new connection.
//
// synchronous=FULL makes a commit wait for the disk, so a power cut loses
// nothing that was answered for; with one batched commit per flush that costs
// little (docs/design/sqlite-driver.md). temp_store=MEMORY keeps sorts and
// indexes in the making off the disk. wal_autocheckpoint is in pages, some
// 16 MB: whose commit fills the journal waits until it is carried into the
// file, so that is done rarely and finds pages that were written many times.
const (
	writerPragmas = `
		PRAGMA journal_mode = WAL;
		PRAGMA synchronous = FULL;
		PRAGMA foreign_keys = ON;
		PRAGMA temp_store = MEMORY;
		PRAGMA secure_delete = FAST;
		PRAGMA cache_size = -16000;
		PRAGMA wal_autocheckpoint = 4000;
		PRAGMA journal_size_limit = 67108864;`
	readerPragmas = `
		PRAGMA query_only = ON;
		PRAGMA temp_store = MEMORY;
		PRAGMA cache_size = -8000;`
	busyTimeout = 15_000 // ms, for the rare other process: a command beside the server
)

func (d *DB) openSQLite(ctx context.Context, o Options) error {
	d.engine = SQLite
	if o.Key != nil && len(o.Key) != keyBytes {
		return errs.Newf(errs.InvalidInput, "a database key has %d bytes, not %d", keyBytes, len(o.Key))
	}
	path, err := filepath.Abs(o.URL)
	if err != nil {
		return fmt.Errorf("open SQLite file %s: %w", o.URL, err)
	}
	d.file, d.key = path, o.Key
	if err := createPrivate(path); err != nil {
		return err
	}
	if d.write, err = d.openPool(ctx, writerPragmas, 1); err != nil {
		return err
	}
	d.group.write = d.write
	d.read, err = d.openPool(ctx, readerPragmas, max(4, 2*runtime.NumCPU()))
	return err
}

// openPool opens conns connections at most, all prepared alike.
func (d *DB) openPool(ctx context.Context, pragmas string, conns int) (*sql.DB, error) {
	c, err := newConnector(d.fileURI(d.file), d.prepare(pragmas))
	if err != nil {
		return nil, fmt.Errorf("open SQLite file %s: %w", d.file, err)
	}
	pool := sql.OpenDB(c)
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(d.explainOpen(err), pool.Close())
	}
	return pool, nil
}

// prepare returns what a new connection does first. The key goes in by PRAGMA
// because everything in a URI can be read by other code of the process.
func (d *DB) prepare(pragmas string) func(*sqlite3.Conn) error {
	return func(c *sqlite3.Conn) error {
		if d.key != nil {
			if err := c.Exec(`PRAGMA hexkey = '` + hex.EncodeToString(d.key) + `'`); err != nil {
				return err
			}
		}
		if err := c.Exec(fmt.Sprintf("PRAGMA busy_timeout = %d;", busyTimeout) + pragmas); err != nil {
			return err
		}
		return fts5.Register(c) // it reads the file
	}
}

// fileURI names a file to SQLite. modeof gives the journals the mode of the
// file; the index of the journal (-shm) holds page numbers only.
func (d *DB) fileURI(path string) string {
	query := url.Values{"modeof": {path}}
	if d.key != nil {
		query.Set("vfs", "xts")
	}
	// SQLite does not read + as a space.
	encoded := strings.ReplaceAll(query.Encode(), "+", "%20")
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: encoded}
	return u.String()
}

// createPrivate creates the file, if it is not there, for its owner alone.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open SQLite file: %w", err)
	}
	return f.Close()
}

// explainOpen says what the usual mistakes look like to SQLite.
func (d *DB) explainOpen(err error) error {
	switch {
	case errors.Is(err, sqlite3.NOTADB) && d.key != nil:
		err = fmt.Errorf("it was not written with this key: %w", err)
	case errors.Is(err, sqlite3.NOTADB):
		err = fmt.Errorf("it is encrypted, or not a SQLite database: %w", err)
	}
	return fmt.Errorf("open SQLite file %s: %w", d.file, err)
}

// IsUniqueViolation reports whether err says that a row with the same key
// exists already.
func IsUniqueViolation(err error) bool {
	return postgresUnique(err) ||
		errors.Is(err, sqlite3.CONSTRAINT_UNIQUE) || errors.Is(err, sqlite3.CONSTRAINT_PRIMARYKEY)
}

// copyTo writes a complete copy of the database to path, which must be an
// empty file, under the same key, and waits until the disk has it.
func (d *DB) copyTo(ctx context.Context, path string) error {
	target := d.fileURI(path)
	if d.key != nil {
		target += "&hexkey=" + hex.EncodeToString(d.key)
	}
	// On the writer, because SQLite counts this as writing.
	if _, err := d.write.ExecContext(ctx, `VACUUM INTO $1`, target); err != nil {
		return fmt.Errorf("copy the database to %s: %w", path, err)
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("copy the database to %s: %w", path, err)
	}
	return nil
}
