package share

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
)

// A list of conversations asks once for a page which of them are shared, and
// that does not grow with what is shared.
func TestWhatAListMarksIsFoundByAnIndex(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		err := d.Transact(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.ExecContext(ctx, `
				INSERT INTO accounts (id, email, name, search_key, password_hash, preferences, created_at, updated_at)
				VALUES ('anna', 'anna@example.jp', 'anna', '', '', '{}', 0, 0)`)
			if err != nil {
				return err
			}
			for i := range 3000 {
				id := fmt.Sprintf("c%04d", i)
				_, err := tx.ExecContext(ctx, `
					INSERT INTO conversations (id, owner_id, title, title_source, model_id, parameters, system_prompt, next_position, created_at, active_at, leaf_id)
					VALUES ($1, 'anna', '', 'person', 'm1', '{}', '', 1, 0, 0, '')`, id)
				if err == nil {
					_, err = tx.ExecContext(ctx, `
						INSERT INTO shares (id, conversation_id, owner_id, leaf_id, title, everyone, with_system, expires_at, revoked_at, created_at, updated_at)
						VALUES ($1, $2, 'anna', '', '', TRUE, FALSE, 0, 0, 0, 0)`, "s"+id, id)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.ExecContext(t.Context(), `ANALYZE`); err != nil {
			t.Fatal(err)
		}
		args := []any{"anna", int64(1)}
		for i := range 30 {
			args = append(args, fmt.Sprintf("c%04d", 100*i))
		}
		explain := "EXPLAIN QUERY PLAN "
		if d.Engine() == db.Postgres {
			explain = "EXPLAIN "
		}
		plan, err := all(t.Context(), d, func(r row) (line string, err error) {
			if d.Engine() == db.SQLite {
				return line, r.Scan(new(int), new(int), new(int), &line)
			}
			return line, r.Scan(&line)
		}, explain+amongQuery(30), args...)
		if err != nil || len(plan) == 0 {
			t.Fatalf("%q, %v", plan, err)
		}
		text := strings.Join(plan, "\n")
		for _, bad := range []string{"SCAN s", "Seq Scan", "messages"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s in\n%s", bad, text)
			}
		}
		if !strings.Contains(text, "shares_by_conversation") {
			t.Errorf("the plan is\n%s", text)
		}
	})
}
