package egress

import (
	"context"
	"fmt"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/errs"
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

// maxSummaries bounds an answer; a server with more destinations than this in
// the time that is asked for has a report made instead.
const maxSummaries = 1000

// Summaries returns what went out in the hours from from to before to, those
// with refusals first, then by destination.
func Summaries(ctx context.Context, store *db.DB, from, to time.Time) ([]Summary, error) {
	if _, err := access.Authorize(ctx, access.SystemRead, access.Resource{Kind: access.KindSystem}); err != nil {
		return nil, err
	}
	if !from.Before(to) {
		return nil, errs.InField("to", "the end lies before the beginning")
	}
	return selectSummaries(ctx, store, from, to)
}

func selectSummaries(ctx context.Context, q db.Queryer, from, to time.Time) ([]Summary, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT purpose, destination, CAST(SUM(dials) AS BIGINT), CAST(SUM(failures) AS BIGINT), CAST(SUM(refusals) AS BIGINT), CAST(SUM(bytes_sent) AS BIGINT), CAST(SUM(bytes_received) AS BIGINT), MIN(hour), MAX(hour)
		FROM   egress_records
		WHERE  hour >= $1 AND hour < $2
		GROUP  BY purpose, destination
		ORDER  BY CASE WHEN SUM(refusals) > 0 THEN 0 ELSE 1 END, destination, purpose
		LIMIT  $3`, from.UTC().Truncate(time.Hour).UnixMilli(), to.UnixMilli(), maxSummaries)
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
	return list, nil
}
