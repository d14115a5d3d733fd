package dbtest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"kakoi/internal/db"
)

// Explain returns how the engine would run a query.
func Explain(t testing.TB, d *db.DB, query string, args ...any) string {
	t.Helper()
	explain := "EXPLAIN QUERY PLAN "
	if d.Engine() == db.Postgres {
		explain = "EXPLAIN (VERBOSE) "
	}
	var out strings.Builder
	err := d.Transact(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		out.Reset()
		rows, err := tx.QueryContext(ctx, explain+query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var line string
			into := []any{&line}
			if d.Engine() == db.SQLite {
				into = []any{new(int), new(int), new(int), &line}
			}
			if err := rows.Scan(into...); err != nil {
				return err
			}
			fmt.Fprintln(&out, line)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatalf("%v in %s", err, query)
	}
	return out.String()
}
