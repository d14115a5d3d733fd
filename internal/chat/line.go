package chat

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/model"
)

// tellQueuedEvery bounds how often the other nodes hear where in line a run
// stands.
const tellQueuedEvery = time.Second

// tellQueued lets readers on other nodes know where in the line of its model a
// run stands, and returns when they were last told. Readers here know already.
func (s *Service) tellQueued(ctx context.Context, run string, q model.Queued, told time.Time) time.Time {
	if s.db.Engine() == db.SQLite || q.Waiting && time.Since(told) < tellQueuedEvery {
		return told
	}
	if err := s.setQueuedAt(ctx, run, q); err != nil {
		if ctx.Err() == nil {
			s.log.WarnContext(ctx, "other nodes were not told where in line a run stands", "run", run, "err", err)
		}
		return told
	}
	s.wakeNodes(ctx, []string{run})
	return time.Now()
}

func (s store) setQueuedAt(ctx context.Context, run string, q model.Queued) error {
	var ahead, wait sql.NullInt64
	if q.Waiting {
		ahead, wait = sql.NullInt64{Int64: int64(q.Ahead), Valid: true}, sql.NullInt64{Int64: q.Wait.Milliseconds(), Valid: true}
	}
	if _, err := s.db.ExecContext(ctx, `UPDATE runs SET line_ahead = $1, line_wait_ms = $2 WHERE id = $3`, ahead, wait, run); err != nil {
		return fmt.Errorf("write where in line run %s stands: %w", run, err)
	}
	return nil
}

func (s store) queuedAt(ctx context.Context, run string) (model.Queued, error) {
	var ahead, wait sql.NullInt64
	if err := s.db.QueryRowContext(ctx, `SELECT line_ahead, line_wait_ms FROM runs WHERE id = $1`, run).Scan(&ahead, &wait); err != nil {
		return model.Queued{}, fmt.Errorf("read where in line run %s stands: %w", run, err)
	}
	return model.Queued{Waiting: ahead.Valid, Ahead: int(ahead.Int64), Wait: time.Duration(wait.Int64) * time.Millisecond}, nil
}
