package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"
)

// groupFor bounds how long a group takes members before it is committed: what
// its first member may wait for the others.
const groupFor = 5 * time.Millisecond

// errUndone is the end of a member whose group was undone by another's failure.
// Nothing is wrong with it, and it may succeed when run again.
var errUndone = errors.New("the transaction was undone with another that it shared a commit with")

// group lets transactions on SQLite share a commit. Its one writer waits for
// the disk once per commit; with many people asking at once, that wait and not
// the work would decide how many are served. So those who are there when the
// writer becomes free run one after the other, each under a savepoint of its
// own, and are committed together. Each hears how it ended only after that:
// who succeeded, because only then it holds; who failed, because the reason may
// be a row of another member.
type group struct {
	write *sql.DB

	mu      sync.Mutex
	queue   []*member
	serving bool
}

// member is one transaction that waits for its turn.
type member struct {
	turn      chan turn     // unbuffered: taken, or the member has left
	left      chan struct{} // closed when the member waits no more
	ended     chan bool     // its part is over; true if it broke the whole transaction
	committed chan error    // what became of the group
}

// turn hands the group's transaction to a member, or says why there is none.
type turn struct {
	tx  *sql.Tx
	err error
}

// join waits for the caller's turn.
func (g *group) join(ctx context.Context) (*member, *sql.Tx, error) {
	m := &member{turn: make(chan turn), left: make(chan struct{}), ended: make(chan bool, 1), committed: make(chan error, 1)}
	g.mu.Lock()
	g.queue = append(g.queue, m)
	if !g.serving {
		g.serving = true
		go g.serve(context.WithoutCancel(ctx))
	}
	g.mu.Unlock()
	select {
	case t := <-m.turn:
		if t.err != nil {
			return nil, nil, fmt.Errorf("begin transaction: %w", t.err)
		}
		return m, t.tx, nil
	case <-ctx.Done():
		close(m.left)
		return nil, nil, fmt.Errorf("begin transaction: %w", ctx.Err())
	}
}

// serve commits groups until nobody waits.
func (g *group) serve(ctx context.Context) {
	for g.waiting() {
		tx, err := g.write.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
		members, broken := g.admit(turn{tx, err})
		switch {
		case err != nil: // they know
			continue
		case broken:
			_ = tx.Rollback() // what it held is undone already
			err = errUndone
		default:
			if err = tx.Commit(); err != nil {
				err = fmt.Errorf("commit transaction: %w", err)
			}
		}
		for _, m := range members {
			m.committed <- err
		}
	}
}

// admit gives one member after the other its turn. It returns those that wait
// for the commit, and whether another broke the transaction.
func (g *group) admit(t turn) (members []*member, broken bool) {
	for until := time.Now().Add(groupFor); ; {
		m := g.next()
		if m == nil {
			return members, false
		}
		select {
		case m.turn <- t:
		case <-m.left:
			continue
		}
		if t.err != nil {
			continue
		}
		if broken := <-m.ended; broken {
			return members, true
		}
		members = append(members, m)
		if time.Now().After(until) {
			return members, false
		}
	}
}

func (g *group) next() *member {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.queue) == 0 {
		return nil
	}
	m := g.queue[0]
	g.queue[0] = nil
	g.queue = g.queue[1:]
	return m
}

// waiting reports whether somebody waits; if not, the next to join begins to
// serve again.
func (g *group) waiting() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.serving = len(g.queue) > 0
	return g.serving
}

// transactInGroup runs fn as one member of a group.
func (d *DB) transactInGroup(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	m, sqlTx, err := d.group.join(ctx)
	if err != nil {
		return err
	}
	tx := &Tx{tx: sqlTx, db: d, shared: true}
	broken, failed := m.run(ctx, tx, fn)
	if broken {
		return failed
	}
	if err := <-m.committed; failed == nil || errors.Is(err, errUndone) {
		failed = err
	}
	if failed != nil {
		return failed
	}
	for _, f := range tx.afterCommit {
		f()
	}
	return nil
}

// run runs fn under the member's savepoint and tells the group when it is over,
// also when fn panics. broken says that more than the member's part is undone.
func (m *member) run(ctx context.Context, tx *Tx, fn func(ctx context.Context, tx *Tx) error) (broken bool, err error) {
	whole := context.WithoutCancel(ctx)
	broken = true
	defer func() { m.ended <- broken }()
	if _, err := tx.tx.ExecContext(whole, "SAVEPOINT member"); err != nil {
		return true, fmt.Errorf("begin transaction: %w", err)
	}
	well := false
	defer func() {
		if well {
			return
		}
		_, undoErr := tx.tx.ExecContext(whole, "ROLLBACK TO member")
		if undoErr == nil {
			_, undoErr = tx.tx.ExecContext(whole, "RELEASE member")
		}
		if broken = undoErr != nil; broken && err != nil { // a panic goes on to the caller as it is
			err = errors.Join(err, fmt.Errorf("roll back: %w", undoErr))
		}
	}()
	if err := fn(context.WithValue(ctx, txKey{}, tx), tx); err != nil {
		return false, err
	}
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("commit transaction: %w", err)
	}
	if _, err := tx.tx.ExecContext(whole, "RELEASE member"); err != nil {
		return false, fmt.Errorf("commit transaction: %w", err)
	}
	well = true
	return false, nil
}
