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
// own, and are committed together. Each hears of success only after that.
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
	ended     chan ending   // how its own part ended
	committed chan error    // what became of the group
}

// turn hands the group's transaction to a member, or says why there is none.
type turn struct {
	tx  *sql.Tx
	err error
}

// ending is how a member's part ended.
type ending int

const (
	endedWell   ending = iota
	endedUndone        // it is undone; the others stand
	endedBroken        // it took the whole transaction with it
)

// join waits for the caller's turn.
func (g *group) join(ctx context.Context) (*member, *sql.Tx, error) {
	m := &member{turn: make(chan turn), left: make(chan struct{}), ended: make(chan ending, 1), committed: make(chan error, 1)}
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
		kept, broken := g.admit(turn{tx, err})
		if err != nil {
			continue
		}
		switch {
		case broken:
			_ = tx.Rollback() // what it holds is undone already
			err = errUndone
		case len(kept) == 0:
			_ = tx.Rollback() // there is nothing in it
		default:
			if err = tx.Commit(); err != nil {
				err = fmt.Errorf("commit transaction: %w", err)
			}
		}
		for _, m := range kept {
			m.committed <- err
		}
	}
}

// admit gives one member after the other its turn. It returns those whose part
// waits for the commit, and whether a member broke the transaction.
func (g *group) admit(t turn) (kept []*member, broken bool) {
	for until := time.Now().Add(groupFor); ; {
		m := g.next()
		if m == nil {
			return kept, false
		}
		select {
		case m.turn <- t:
		case <-m.left:
			continue
		}
		if t.err != nil {
			continue
		}
		switch <-m.ended {
		case endedWell:
			kept = append(kept, m)
		case endedBroken:
			return kept, true
		case endedUndone:
		}
		if time.Now().After(until) {
			return kept, false
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
	if err := m.run(ctx, tx, fn); err != nil {
		return err
	}
	if err := <-m.committed; err != nil {
		return err
	}
	for _, f := range tx.afterCommit {
		f()
	}
	return nil
}

// run runs fn under the member's savepoint and tells the group how it ended,
// also when fn panics.
func (m *member) run(ctx context.Context, tx *Tx, fn func(ctx context.Context, tx *Tx) error) (err error) {
	whole := context.WithoutCancel(ctx)
	ended := endedBroken
	defer func() { m.ended <- ended }()
	if _, err := tx.tx.ExecContext(whole, "SAVEPOINT member"); err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	well := false
	defer func() {
		if well {
			return
		}
		if _, undoErr := tx.tx.ExecContext(whole, "ROLLBACK TO member"); undoErr != nil {
			if err != nil { // not on a panic, which goes on to the caller
				err = errors.Join(err, fmt.Errorf("roll back: %w", undoErr))
			}
			return
		}
		if _, undoErr := tx.tx.ExecContext(whole, "RELEASE member"); undoErr == nil {
			ended = endedUndone
		}
	}()
	if err := fn(context.WithValue(ctx, txKey{}, tx), tx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("commit transaction: %w", err)
	}
	if _, err := tx.tx.ExecContext(whole, "RELEASE member"); err != nil {
		return fmt.Errorf("commit transaction: %w", err)
	}
	well, ended = true, endedWell
	return nil
}
