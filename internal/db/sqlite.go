package db

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
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
// indexes in the making off the disk.
const (
	writerPragmas = `
		PRAGMA journal_mode = WAL;
		PRAGMA synchronous = FULL;
		PRAGMA foreign_keys = ON;
		PRAGMA temp_store = MEMORY;
		PRAGMA secure_delete = FAST;
		PRAGMA cache_size = -16000;
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
	dsn := d.fileURI(path)
	d.write, err = driver.Open(dsn, d.prepare(writerPragmas))
	if err != nil {
		return fmt.Errorf("open SQLite file %s: %w", path, err)
	}
	d.write.SetMaxOpenConns(1)
	d.write.SetMaxIdleConns(1)
	if err := d.write.PingContext(ctx); err != nil {
		return d.explainOpen(path, err)
	}
	d.read, err = driver.Open(dsn, d.prepare(readerPragmas))
	if err != nil {
		return fmt.Errorf("open SQLite file %s for reading: %w", path, err)
	}
	readers := max(4, 2*runtime.NumCPU())
	d.read.SetMaxOpenConns(readers)
	d.read.SetMaxIdleConns(readers)
	if err := d.read.PingContext(ctx); err != nil {
		return d.explainOpen(path, err)
	}
	return nil
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
		return c.Exec(fmt.Sprintf("PRAGMA busy_timeout = %d;", busyTimeout) + pragmas)
	}
}

func (d *DB) fileURI(path string) string {
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	if d.key != nil {
		u.RawQuery = "vfs=xts"
	}
	return u.String()
}

// createPrivate creates the file for its owner alone: SQLite gives its
// journals the mode of the file.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open SQLite file: %w", err)
	}
	return f.Close()
}

func (d *DB) explainOpen(path string, err error) error {
	if errors.Is(err, sqlite3.NOTADB) {
		if d.key != nil {
			return fmt.Errorf("open SQLite file %s: it was not written with this key: %w", path, err)
		}
		return fmt.Errorf("open SQLite file %s: it is encrypted or not a SQLite database: %w", path, err)
	}
	return fmt.Errorf("open SQLite file %s: %w", path, err)
}

// IsUniqueViolation reports whether err says that a row with the same key
// exists already.
func IsUniqueViolation(err error) bool {
	return postgresUnique(err) ||
		errors.Is(err, sqlite3.CONSTRAINT_UNIQUE) || errors.Is(err, sqlite3.CONSTRAINT_PRIMARYKEY)
}

// copyTo writes a complete copy of the database to path, which must not exist,
// under the same key, and waits until the disk has it.
func (d *DB) copyTo(ctx context.Context, path string) error {
	if err := createPrivate(path); err != nil {
		return err
	}
	target := d.fileURI(path)
	if d.key != nil {
		target += "&hexkey=" + hex.EncodeToString(d.key)
	}
	if _, err := d.read.ExecContext(ctx, `VACUUM INTO `+sqlite3.Quote(target)); err != nil {
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
