package model

import (
	"context"
	"fmt"
	"time"

	"kakoi/internal/access"
)

// LastCall says when a connection was used last and how that call ended.
type LastCall struct {
	At      time.Time
	Outcome Outcome
}

const (
	lastCallWithin = 7 * 24 * time.Hour
	// lastCallAmong bounds what is read for the answer, however busy the models are.
	lastCallAmong = 2000
)

// LastCalls returns the last call of each connection, by its id, as far as it
// is among the newest calls of the last week.
func (c *Catalogue) LastCalls(ctx context.Context) (map[string]LastCall, error) {
	if _, err := access.Authorize(ctx, access.ConnectionRead, access.Resource{Kind: access.KindConnection}); err != nil {
		return nil, err
	}
	const newest = `
	SELECT connection_id, outcome, started_at FROM usage_records
	WHERE  started_at >= $1 AND connection_id <> '' ORDER BY started_at DESC, id DESC LIMIT $2`
	rows, err := c.db.QueryContext(ctx, newest, c.now().Add(-lastCallWithin).UnixMilli(), lastCallAmong)
	if err != nil {
		return nil, fmt.Errorf("read the last calls: %w", err)
	}
	defer rows.Close()
	last := map[string]LastCall{}
	for rows.Next() {
		var id, outcome string
		var at int64
		if err := rows.Scan(&id, &outcome, &at); err != nil {
			return nil, fmt.Errorf("read the last calls: %w", err)
		}
		if _, known := last[id]; !known {
			last[id] = LastCall{At: fromMillis(at), Outcome: Outcome(outcome)}
		}
	}
	return last, rows.Err()
}
