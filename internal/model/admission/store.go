package admission

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/errs"
)

// keeper keeps lines.
type keeper interface {
	// with changes the line of a model while nobody else does. change may be
	// called more than once, each time with the line as it was before; done is
	// called once, with what was kept.
	with(ctx context.Context, node, model string, change, done func(l *line, now int64)) error
	// read shows the line of a model.
	read(ctx context.Context, model string, see func(l *line, now int64)) error
	// clock is about what now is, in milliseconds.
	clock() int64
}

// memory keeps the lines of one node.
type memory struct {
	mu    sync.Mutex
	lines map[string]*line
	start time.Time // for times that never go back
}

func newMemory() *memory { return &memory{lines: make(map[string]*line), start: time.Now()} }

func (m *memory) clock() int64 { return m.start.UnixMilli() + time.Since(m.start).Milliseconds() }

func (m *memory) with(_ context.Context, _, model string, change, done func(l *line, now int64)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.lines[model]
	if l == nil {
		l = &line{}
		m.lines[model] = l
	}
	now := m.clock()
	l.Version++
	change(l, now)
	done(l, now)
	return nil
}

func (m *memory) read(_ context.Context, model string, see func(l *line, now int64)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l := m.lines[model]; l != nil {
		see(l, m.clock())
	}
	return nil
}

// stored keeps the lines that nodes share in their PostgreSQL, whose clock
// counts. A line is a row that one transaction at a time holds.
type stored struct {
	db *db.DB

	mu   sync.Mutex
	skew int64 // how far the store's clock is ahead of ours
}

func (s *stored) clock() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().UnixMilli() + s.skew
}

// Nobody waits until a line is on the disk: what a crash of the store loses of
// the last moment is a few calls beyond the limit, until they have ended.
const lockLineQuery = `
	SELECT l.state, m.max_concurrent, m.requests_per_minute, m.tokens_per_minute,
	       (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::BIGINT, set_config('synchronous_commit', 'off', true)
	FROM   model_lines l JOIN models m ON m.id = l.model_id
	WHERE  l.model_id = $1`

func (s *stored) with(ctx context.Context, node, model string, change, done func(l *line, now int64)) error {
	var kept *line
	var now int64
	err := s.db.TransactByKey(ctx, func(ctx context.Context, tx *db.Tx) error {
		l, at, err := s.find(ctx, tx, model, lockLineQuery+` FOR UPDATE OF l`)
		if errors.Is(err, sql.ErrNoRows) {
			// The model's first call; of a model that is gone nothing is inserted.
			if _, err := tx.ExecContext(ctx, `INSERT INTO model_lines (model_id, state) SELECT id, '{}' FROM models WHERE id = $1 ON CONFLICT DO NOTHING`, model); err != nil {
				return fmt.Errorf("begin the line of model %s: %w", model, err)
			}
			l, at, err = s.find(ctx, tx, model, lockLineQuery+` FOR UPDATE OF l`)
		}
		if errors.Is(err, sql.ErrNoRows) {
			return errs.New(errs.ModelUnavailable, "this model is not available to you any more; choose another")
		} else if err != nil {
			return err
		}
		waited := len(l.Waiting)
		l.tick(at)
		l.Version++
		l.heard(node, nil, l.Last)
		change(l, l.Last)
		state, err := json.Marshal(l)
		if err != nil {
			return fmt.Errorf("write the line of model %s: %w", model, err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE model_lines SET state = $1 WHERE model_id = $2`, string(state), model); err != nil {
			return fmt.Errorf("write the line of model %s: %w", model, err)
		}
		kept, now = l, l.Last
		if waited == 0 && len(l.Waiting) == 0 {
			return nil // nobody waits to hear of it
		}
		return s.db.Publish(ctx, channel, node+" "+model)
	})
	if err == nil {
		done(kept, now)
	}
	return err
}

func (s *stored) read(ctx context.Context, model string, see func(l *line, now int64)) error {
	l, at, err := s.find(ctx, s.db, model, lockLineQuery)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // nobody has called it yet
	} else if err != nil {
		return err
	}
	see(l, max(l.Last, at))
	return nil
}

// find reads the line of a model, with its limits as they are now.
func (s *stored) find(ctx context.Context, q db.Queryer, model, query string) (*line, int64, error) {
	var state, off string
	var limits Limits
	var now int64
	if err := q.QueryRowContext(ctx, query, model).Scan(&state, &limits.Concurrent, &limits.RequestsPerMinute, &limits.TokensPerMinute, &now, &off); err != nil {
		return nil, 0, fmt.Errorf("read the line of model %s: %w", model, err)
	}
	var l line
	if err := json.Unmarshal([]byte(state), &l); err != nil {
		return nil, 0, fmt.Errorf("read the line of model %s: %w", model, err)
	}
	l.Limits = limits
	s.mu.Lock()
	s.skew = now - time.Now().UnixMilli()
	s.mu.Unlock()
	return &l, now, nil
}

func selectLimits(ctx context.Context, q db.Queryer, model string) (Limits, error) {
	var l Limits
	err := q.QueryRowContext(ctx, `SELECT max_concurrent, requests_per_minute, tokens_per_minute FROM models WHERE id = $1`, model).
		Scan(&l.Concurrent, &l.RequestsPerMinute, &l.TokensPerMinute)
	if err != nil {
		return Limits{}, fmt.Errorf("read the limits of model %s: %w", model, err)
	}
	return l, nil
}
