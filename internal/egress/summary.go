package egress

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"kakoi/internal/db"
)

// Summary is what went to one destination for one purpose, from all nodes.
type Summary struct {
	Purpose       string
	Destination   string // host:port
	Dials         int64
	Failures      int64
	Refusals      int64
	BytesSent     int64
	BytesReceived int64
	First, Last   time.Time // hours in which something happened, by their beginning
}

// Summaries returns what went out in the hours from from to before to, by
// destination and purpose. Whoever shows it decides who may see it.
func Summaries(ctx context.Context, q db.Queryer, from, to time.Time) ([]Summary, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT purpose, destination, CAST(SUM(dials) AS BIGINT), CAST(SUM(failures) AS BIGINT), CAST(SUM(refusals) AS BIGINT), CAST(SUM(bytes_sent) AS BIGINT), CAST(SUM(bytes_received) AS BIGINT), MIN(hour), MAX(hour)
		FROM   egress_records
		WHERE  hour >= $1 AND hour < $2
		GROUP  BY purpose, destination`, from.UTC().Truncate(time.Hour).UnixMilli(), to.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("read the egress record: %w", err)
	}
	defer rows.Close()
	list := []Summary{}
	for rows.Next() {
		var s Summary
		var first, last int64
		if err := rows.Scan(&s.Purpose, &s.Destination, &s.Dials, &s.Failures, &s.Refusals, &s.BytesSent, &s.BytesReceived, &first, &last); err != nil {
			return nil, fmt.Errorf("read the egress record: %w", err)
		}
		s.First, s.Last = time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC()
		list = append(list, s)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the egress record: %w", err)
	}
	// Here rather than there: engines sort text differently, and a report must
	// not depend on which one it is.
	slices.SortFunc(list, func(a, b Summary) int {
		return cmp.Or(cmp.Compare(a.Destination, b.Destination), cmp.Compare(a.Purpose, b.Purpose))
	})
	return list, nil
}

// Watch is the time for which one process kept the record.
type Watch struct {
	Node    string
	Version string // of the program
	Started time.Time
	Seen    time.Time // until then nothing is missing
	Ended   bool      // it stopped in order at Seen
}

// Watches returns who kept the record between from and to, by their beginning.
func Watches(ctx context.Context, q db.Queryer, from, to time.Time) ([]Watch, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT node, version, started_at, seen_at, ended FROM egress_watches
		WHERE  seen_at >= $1 AND started_at < $2
		ORDER  BY started_at, node`, from.UnixMilli(), to.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("read who recorded egress: %w", err)
	}
	defer rows.Close()
	list := []Watch{}
	for rows.Next() {
		var w Watch
		var started, seen, ended int64
		if err := rows.Scan(&w.Node, &w.Version, &started, &seen, &ended); err != nil {
			return nil, fmt.Errorf("read who recorded egress: %w", err)
		}
		w.Started, w.Seen, w.Ended = time.UnixMilli(started).UTC(), time.UnixMilli(seen).UTC(), ended == 1
		list = append(list, w)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read who recorded egress: %w", err)
	}
	return list, nil
}

// FirstHour returns the beginning of the first hour on record, or the zero time.
func FirstHour(ctx context.Context, q db.Queryer) (time.Time, error) {
	var first sql.NullInt64
	if err := q.QueryRowContext(ctx, `SELECT MIN(hour) FROM egress_records`).Scan(&first); err != nil {
		return time.Time{}, fmt.Errorf("read the egress record: %w", err)
	}
	if !first.Valid {
		return time.Time{}, nil
	}
	return time.UnixMilli(first.Int64).UTC(), nil
}

// Declaration is what somebody has declared that may be reached, and for what.
type Declaration struct {
	Purpose      string
	Name         string   // of the connection, as people know it
	Destinations []string // host:port
}

// Unwatched returns the nodes that have rows between from and to but are not
// among those that noted when they kept the record.
func Unwatched(ctx context.Context, q db.Queryer, from, to time.Time) ([]string, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT DISTINCT node FROM egress_records r
		WHERE  hour >= $1 AND hour < $2 AND NOT EXISTS (SELECT 1 FROM egress_watches w WHERE w.node = r.node)
		ORDER  BY node`, from.UTC().Truncate(time.Hour).UnixMilli(), to.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("read who recorded egress: %w", err)
	}
	defer rows.Close()
	list := []string{}
	for rows.Next() {
		var node string
		if err := rows.Scan(&node); err != nil {
			return nil, fmt.Errorf("read who recorded egress: %w", err)
		}
		list = append(list, node)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read who recorded egress: %w", err)
	}
	return list, nil
}
