// Package db gives the capabilities one store over two engines: SQLite in a
// file for one server, PostgreSQL for many. It knows connections,
// transactions, migrations and the differences between the engines, and
// nothing about what is stored.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/google/uuid"

	"kakoi/internal/errs"
)

// Engine names the database that is behind a DB.
type Engine string

// The engines. SQLite serves one process on one machine; Postgres serves any
// number of nodes.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Options say which database to open and lend what opening it needs.
type Options struct {
	// URL is a postgres:// URL or the path of a SQLite file, which is created
	// if it does not exist (its folder must).
	URL string
	// Key encrypts the whole SQLite file, its journal and its temporary files
	// at rest. It has 64 bytes (AES-256-XTS) or is nil for a plain file. It
	// must be the key the file was created with.
	Key []byte
	// Dial connects to PostgreSQL; nil uses net.Dialer. It is given the host as
	// it stands in the URL, so that an allow list can judge names.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Log receives what an operator should know; nil discards it.
	Log *slog.Logger
	// Now is the clock for records of migrations; nil is time.Now.
	Now func() time.Time

	migrations fs.FS // nil is the embedded set; tests bring their own
}

// Queryer is what DB and Tx share: the context methods of database/sql.
type Queryer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// DB is an open store. It is safe for concurrent use.
//
// A call on a DB with the context that Transact hands to its function takes
// part in that transaction, so a capability need not know whether its caller
// has begun one.
type DB struct {
	engine     Engine
	write      *sql.DB // SQLite: the one connection that may write; PostgreSQL: the pool
	read       *sql.DB // SQLite: connections that cannot write; PostgreSQL: the same pool
	group      group   // SQLite: those who wait for write
	file       string  // SQLite: path of the file
	key        []byte
	log        *slog.Logger
	now        func() time.Time
	migrations fs.FS
	bus        *bus
	listener   *listener // PostgreSQL only
}

// Open connects to the store and proves that it answers. It does not touch the
// schema; Migrate does.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.migrations == nil {
		o.migrations = embedded
	}
	d := &DB{log: o.Log, now: o.Now, migrations: o.migrations, bus: newBus()}
	var err error
	if isPostgres(o.URL) {
		err = d.openPostgres(ctx, o)
	} else {
		err = d.openSQLite(ctx, o)
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func isPostgres(url string) bool {
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}

// Engine reports which database is behind d.
func (d *DB) Engine() Engine { return d.engine }

// Ping reports whether the store answers.
func (d *DB) Ping(ctx context.Context) error {
	if err := d.read.QueryRowContext(ctx, "SELECT 1").Scan(new(int)); err != nil {
		return errs.Wrap(errs.Unavailable, "the database does not answer", err)
	}
	return nil
}

// Close ends all connections and subscriptions. Queries in progress finish or
// fail first.
func (d *DB) Close() error {
	if d.listener != nil {
		d.listener.close()
	}
	d.bus.close()
	var failures []error
	if d.read != nil && d.read != d.write {
		failures = append(failures, d.read.Close())
	}
	if d.write != nil {
		failures = append(failures, d.write.Close())
	}
	if err := errors.Join(failures...); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

// ExecContext runs a statement that returns no rows.
func (d *DB) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if tx := d.txOf(ctx); tx != nil {
		return tx.ExecContext(ctx, query, args...)
	}
	if d.engine == SQLite {
		return d.execInGroup(ctx, query, args)
	}
	return d.write.ExecContext(ctx, query, args...)
}

// execInGroup lets a single statement share its commit too.
func (d *DB) execInGroup(ctx context.Context, query string, args []any) (res sql.Result, err error) {
	err = d.Transact(ctx, func(ctx context.Context, tx *Tx) error {
		res, err = tx.ExecContext(ctx, query, args...)
		return err
	})
	return res, err
}

// QueryContext runs a statement that returns rows; the caller closes them. On
// SQLite a statement that only reads does not wait for writers, and rows of
// one that writes hold up all other writers until they are closed.
func (d *DB) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if tx := d.txOf(ctx); tx != nil {
		return tx.QueryContext(ctx, query, args...)
	}
	return d.pool(query).QueryContext(ctx, query, args...)
}

// QueryRowContext runs a statement that returns at most one row.
func (d *DB) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if tx := d.txOf(ctx); tx != nil {
		return tx.QueryRowContext(ctx, query, args...)
	}
	return d.pool(query).QueryRowContext(ctx, query, args...)
}

func (d *DB) pool(query string) *sql.DB {
	if d.read == d.write || !onlyReads(query) {
		return d.write
	}
	return d.read
}

// onlyReads errs on the side of false: a reading statement may go to the
// writer, a writing one must never go to a reader.
func onlyReads(query string) bool {
	s := strings.ToUpper(strings.TrimLeft(query, " \t\r\n"))
	if strings.HasPrefix(s, "SELECT") {
		return true
	}
	return strings.HasPrefix(s, "WITH") &&
		!strings.Contains(s, "INSERT") && !strings.Contains(s, "UPDATE") && !strings.Contains(s, "DELETE")
}

// NewID returns a fresh UUIDv7 as text. Ids made by one process sort in the
// order in which they were made.
func NewID() string {
	return uuid.Must(uuid.NewV7()).String() // fails only if the system has no randomness
}
