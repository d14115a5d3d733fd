package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Tx is a transaction in progress. It is not safe for concurrent use.
type Tx struct {
	tx          *sql.Tx
	db          *DB
	shared      bool     // with other transactions, in a group
	depth       int      // savepoints open
	afterCommit []func() // runs once the transaction is durable
}

type txKey struct{}

// txOf returns the transaction of d that ctx belongs to, or nil.
func (d *DB) txOf(ctx context.Context) *Tx {
	if tx, ok := ctx.Value(txKey{}).(*Tx); ok && tx.db == d {
		return tx
	}
	return nil
}

// ExecContext runs a statement that returns no rows.
func (t *Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return t.tx.ExecContext(t.unbroken(ctx), query, args...)
}

// QueryContext runs a statement that returns rows. The caller closes them
// before the next statement: PostgreSQL has one conversation per transaction.
func (t *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return t.tx.QueryContext(t.unbroken(ctx), query, args...)
}

// QueryRowContext runs a statement that returns at most one row.
func (t *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return t.tx.QueryRowContext(t.unbroken(ctx), query, args...)
}

// Erase runs fn so that what it deletes is overwritten in a SQLite file, too,
// and not only given free. PostgreSQL does so in its own time, by VACUUM.
func (t *Tx) Erase(ctx context.Context, fn func() error) error {
	if t.db.engine != SQLite {
		return fn()
	}
	if _, err := t.ExecContext(ctx, `PRAGMA secure_delete = ON`); err != nil {
		return err
	}
	err := fn()
	_, back := t.ExecContext(context.WithoutCancel(ctx), `PRAGMA secure_delete = FAST`) // as in writerPragmas
	return errors.Join(err, back)
}

// unbroken keeps a statement from being interrupted halfway where others share
// the transaction: SQLite would undo all of it. Under a context that has ended
// already no statement begins.
func (t *Tx) unbroken(ctx context.Context) context.Context {
	if t.shared && ctx.Err() == nil {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// How long a transaction that lost against others is tried again, and how
// long it steps back at most before the next attempt.
const (
	retryFor     = 15 * time.Second
	longestPause = 100 * time.Millisecond
)

// Transact runs fn in a write transaction and commits if fn returns nil.
//
// Transactions behave as if they ran one after the other: on SQLite they do
// (on the one writer, where those that wait together share a commit), on
// PostgreSQL they are serializable. fn is run again, from the start, when its
// transaction lost against another, so it must not leave anything outside the
// database behind.
//
// The context handed to fn carries the transaction: calls on d with it take
// part. A Transact inside a Transact is a savepoint: its failure undoes its
// own statements and leaves the decision to the outer function.
func (d *DB) Transact(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	return d.transact(ctx, sql.LevelSerializable, fn)
}

// TransactByKey is Transact for what happens all the time and at once, and
// whose rules are kept by the keys and conditions of the rows that it writes,
// never by something it has read before. PostgreSQL runs it at READ COMMITTED:
// there, rows that many insert side by side are a conflict of serializable
// transactions even if none of them reads another's.
func (d *DB) TransactByKey(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	return d.transact(ctx, sql.LevelReadCommitted, fn)
}

func (d *DB) transact(ctx context.Context, level sql.IsolationLevel, fn func(ctx context.Context, tx *Tx) error) error {
	if tx := d.txOf(ctx); tx != nil {
		return tx.nest(ctx, fn)
	}
	giveUp := time.Now().Add(retryFor)
	for pause := time.Millisecond; ; pause = min(2*pause, longestPause) {
		err := d.transactOnce(ctx, level, fn)
		if err == nil || !lostToOther(err) || time.Now().After(giveUp) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause/2 + rand.N(pause)): // spread out, or they meet again
		}
	}
}

func (d *DB) transactOnce(ctx context.Context, level sql.IsolationLevel, fn func(ctx context.Context, tx *Tx) error) (err error) {
	if d.engine == SQLite {
		return d.transactInGroup(ctx, fn)
	}
	sqlTx, err := d.write.BeginTx(ctx, &sql.TxOptions{Isolation: level})
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	tx := &Tx{tx: sqlTx, db: d}
	defer func() {
		// Also on a panic in fn, which goes on to the caller.
		if rollbackErr := sqlTx.Rollback(); rollbackErr != nil && !errors.Is(rollbackErr, sql.ErrTxDone) && err != nil {
			err = errors.Join(err, fmt.Errorf("roll back: %w", rollbackErr))
		}
	}()
	if err := fn(context.WithValue(ctx, txKey{}, tx), tx); err != nil {
		return err
	}
	if err := sqlTx.Commit(); err != nil {
		return fmt.Errorf("commit transaction: %w", err)
	}
	for _, f := range tx.afterCommit {
		f()
	}
	return nil
}

// nest runs fn under a savepoint.
func (t *Tx) nest(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) (err error) {
	t.depth++
	defer func() { t.depth-- }()
	name := fmt.Sprintf("nested_%d", t.depth)
	if _, err := t.ExecContext(ctx, "SAVEPOINT "+name); err != nil {
		return fmt.Errorf("begin nested transaction: %w", err)
	}
	published := len(t.afterCommit)
	if err := fn(ctx, t); err != nil {
		t.afterCommit = t.afterCommit[:published]
		if _, rollbackErr := t.ExecContext(ctx, "ROLLBACK TO SAVEPOINT "+name); rollbackErr != nil {
			return errors.Join(err, fmt.Errorf("roll back nested transaction: %w", rollbackErr))
		}
		return err
	}
	if _, err := t.ExecContext(ctx, "RELEASE SAVEPOINT "+name); err != nil {
		return fmt.Errorf("end nested transaction: %w", err)
	}
	return nil
}

// lostToOther reports whether nothing is wrong with a transaction that was
// undone, so that it may succeed when run again: PostgreSQL could not put it in
// an order with another (40001), or each waited for the other (40P01); or
// another broke the group it was in.
func lostToOther(err error) bool {
	var pg *pgconn.PgError
	return errors.Is(err, errUndone) || errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}
