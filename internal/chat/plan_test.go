package chat

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
)

// Nothing that a list does grows with the history: no table is read
// whole, nothing is sorted, and no text of a message is read for a list.
func TestQueriesOfAHistoryUseItsIndexes(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.oldConversations(3000, 2)
		if err := f.IndexPending(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := f.db.ExecContext(t.Context(), `ANALYZE`); err != nil {
			t.Fatal(err)
		}
		middle := place{active: 1_600_000_000_000 + 1500*60_000, id: "x"}
		const conversation, message, folder = "0190aaaa-0000-7000-8000-000000000001", "0190aaaa-0000-7000-8000-000000000002", "0190aaaa-0000-7000-8000-000000000003"
		list := func(filter Filter) func(db.Queryer) {
			return func(q db.Queryer) {
				query, args := listQuery("anna", filter, middle, 31)
				_ = q.QueryRowContext(t.Context(), query, args...)
			}
		}
		s := f.store
		for _, tt := range []struct {
			name   string
			sorts  bool // few rows, of one conversation or folder
			bodies bool
			ask    func(db.Queryer)
		}{
			{"list", false, false, list(Filter{})},
			{"archived", false, false, list(Filter{Archived: true})},
			{"a folder", false, false, list(Filter{FolderID: folder})},
			{"a tag", true, false, list(Filter{Tag: "重要"})},
			{"a branch", true, true, func(q db.Queryer) { _, _ = s.path(t.Context(), q, "anna", conversation, message, 51) }},
			{"the end of a branch", true, false, func(q db.Queryer) { _, _ = s.end(t.Context(), q, conversation, message) }},
			{"siblings", true, false, func(q db.Queryer) {
				_ = s.addSiblings(t.Context(), q, conversation, []Message{{ParentID: message}, {}})
			}},
			{"what follows", true, true, func(q db.Queryer) { _, _ = s.following(t.Context(), q, conversation, message) }},
			{"active runs", true, false, func(q db.Queryer) { _, _ = s.activeRuns(t.Context(), q, conversation) }},
		} {
			asked := &asking{f: f}
			func() {
				defer func() { _ = recover() }() // the query has no rows to give
				tt.ask(asked)
			}()
			if asked.plan == "" {
				t.Fatalf("%s asked nothing", tt.name)
			}
			plan := asked.plan
			if strings.Contains(asked.query, "FROM path m ") {
				plan = strings.Replace(plan, "SCAN m\n", "", 1) // of what was found, and not of the table
			}
			for _, bad := range []string{"SCAN messages", "SCAN m\n", "SCAN c\n", "SCAN conversations", "SCAN r\n", "Seq Scan on messages", "Seq Scan on public.messages", "Seq Scan on public.conversations"} {
				if strings.Contains(plan, bad) {
					t.Errorf("%s reads a whole table (%s):\n%s", tt.name, strings.TrimSpace(bad), asked.plan)
				}
			}
			if !tt.sorts && (strings.Contains(asked.plan, "TEMP B-TREE") || strings.Contains(asked.plan, "Sort")) {
				t.Errorf("%s sorts:\n%s", tt.name, asked.plan)
			}
			if !tt.bodies && (strings.Contains(asked.plan, "content") || strings.Contains(asked.query, "content")) {
				t.Errorf("%s reads bodies:\n%s", tt.name, asked.plan)
			}
			if strings.HasPrefix(tt.name, "list") && strings.Contains(asked.plan, "messages") {
				t.Errorf("a list reads messages:\n%s", asked.plan)
			}
		}
	})
}

// asking is a Queryer that has queries explained instead of running them.
type asking struct {
	f           *fixture
	query, plan string
}

func (a *asking) explain(query string, args []any) {
	a.query, a.plan = query, a.plan+dbtest.Explain(a.f.t, a.f.db, query, args...)
}

func (a *asking) ExecContext(_ context.Context, query string, args ...any) (sql.Result, error) {
	a.explain(query, args)
	return nil, sql.ErrConnDone
}

func (a *asking) QueryContext(_ context.Context, query string, args ...any) (*sql.Rows, error) {
	a.explain(query, args)
	return nil, sql.ErrConnDone
}

func (a *asking) QueryRowContext(_ context.Context, query string, args ...any) *sql.Row {
	a.explain(query, args)
	return nil // whoever scans it panics, which the test expects
}

// oldConversations stores conversations that are not indexed yet, newer than all
// others, with that many messages each.
func (f *fixture) oldConversations(n, messages int) {
	f.t.Helper()
	err := f.db.Transact(f.t.Context(), func(ctx context.Context, tx *db.Tx) error {
		for i := range n {
			id := db.NewID()
			_, err := tx.ExecContext(ctx, `
				INSERT INTO conversations (id, owner_id, title, title_source, model_id, parameters, system_prompt, next_position, created_at, active_at, leaf_id)
				VALUES ($1, 'anna', $2, 'person', 'm1', '{}', '', $3, $4, $4, $5)`,
				id, fmt.Sprintf("昔 %d", i), messages+1, 1_600_000_000_000+int64(i)*60_000, fmt.Sprintf("%s-%d", id, messages))
			if err != nil {
				return err
			}
			for k := 1; k <= messages; k++ {
				parent, role := any(nil), "user"
				if k > 1 {
					parent = fmt.Sprintf("%s-%d", id, k-1)
				}
				if k%2 == 0 {
					role = "assistant"
				}
				_, err := tx.ExecContext(ctx, `
					INSERT INTO messages (id, conversation_id, parent_id, position, role, status, stop_reason, content, model_id, model_name, error, usage,
						cost_micros, cost_currency, first_token_ms, reasoning_ms, created_at, finished_at)
					VALUES ($1, $2, $3, $4, $5, 'complete', '', $6, 'm1', '', '', '', 0, '', 0, 0, $7, $7)`,
					fmt.Sprintf("%s-%d", id, k), id, parent, k, role, fmt.Sprintf(`[{"type":"text","text":"昔の話の%d番"}]`, i*messages+k), 1_600_000_000_000+int64(i)*60_000)
				if err != nil {
					return err
				}
				if err := f.index.NoteMessages(ctx, tx, "anna", fmt.Sprintf("%s-%d", id, k)); err != nil {
					return err
				}
			}
			if err := f.index.NoteTitle(ctx, tx, "anna", id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

func TestSendingWritesAsManyRowsInALongConversation(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.oldConversations(1, 2)
		f.oldConversations(1, 600)
		if err := f.IndexPending(t.Context()); err != nil {
			t.Fatal(err)
		}
		conversations, err := db.Column[string](t.Context(), f.db, `SELECT id FROM conversations ORDER BY next_position`)
		if err != nil || len(conversations) != 2 {
			t.Fatal(conversations, err)
		}
		f.countWrites("conversations", "messages", "runs", "search_pending", "attachments", "conversation_tags", "summaries")
		var written []int
		for _, id := range conversations {
			before := f.writes()
			f.model.answers("はい")
			st, err := f.Send(as(t, "anna"), id, Turn{Text: "次の質問"}, Change{}, BusyRefuse)
			if err != nil {
				t.Fatal(err)
			}
			f.read(as(t, "anna"), f.Service, st.Answers[0].RunID, "")
			written = append(written, f.writes()-before)
		}
		if written[0] != written[1] || written[0] > 12 {
			t.Errorf("a turn writes %d rows in a short conversation and %d in a long one", written[0], written[1])
		}
	})
}

// countWrites lets the store count the rows that are written to tables.
func (f *fixture) countWrites(tables ...string) {
	f.t.Helper()
	statements := []string{`CREATE TABLE written (n BIGINT)`}
	if f.db.Engine() == db.Postgres {
		statements = append(statements, `CREATE FUNCTION count_write() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN INSERT INTO written VALUES (1); RETURN NULL; END $f$`)
	}
	for _, table := range tables {
		for _, act := range []string{"INSERT", "UPDATE", "DELETE"} {
			if table == "search_pending" && act == "DELETE" {
				continue // the index takes what waits there when it likes
			}
			body := `BEGIN INSERT INTO written VALUES (1); END`
			if f.db.Engine() == db.Postgres {
				body = `FOR EACH ROW EXECUTE FUNCTION count_write()`
			}
			statements = append(statements, fmt.Sprintf(`CREATE TRIGGER count_%s_%s AFTER %s ON %s %s`, table, act, act, table, body))
		}
	}
	for _, statement := range statements {
		if _, err := f.db.ExecContext(f.t.Context(), statement); err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *fixture) writes() (n int) {
	f.t.Helper()
	if err := f.db.QueryRowContext(f.t.Context(), `SELECT count(*) FROM written`).Scan(&n); err != nil {
		f.t.Fatal(err)
	}
	return n
}

// GenU cuts threads of more than a megabyte and cannot reach more than some
// 5,000 conversations (its defects D7 and D20).
func TestEveryConversationAndEveryMessageIsReached(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		anna := access.WithPrincipal(t.Context(), access.Principal{AccountID: "anna", SessionID: "s"})
		f.oldConversations(5200, 1)
		seen := map[string]bool{}
		for token := ""; ; {
			page, err := f.List(anna, Filter{}, token, 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range page.Items {
				seen[c.ID] = true
			}
			if token = page.Next; token == "" {
				break
			}
		}
		if len(seen) != 5200 {
			t.Errorf("%d of 5,200 conversations are reached", len(seen))
		}

		f.oldConversations(1, 300)
		var long string
		if err := f.db.QueryRowContext(t.Context(), `SELECT id FROM conversations WHERE next_position = 301`).Scan(&long); err != nil {
			t.Fatal(err)
		}
		body := `[{"type":"text","text":"` + strings.Repeat("長", 4000) + `"}]` // 3.6 MB of them
		if _, err := f.db.ExecContext(t.Context(), `UPDATE messages SET content = $1 WHERE conversation_id = $2`, body, long); err != nil {
			t.Fatal(err)
		}
		read, bytes := 0, 0
		for before := ""; ; {
			page, err := f.Messages(anna, long, "", before, 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range page.Items {
				read++
				bytes += len(m.text())
			}
			if before = page.Previous; before == "" {
				break
			}
		}
		if read != 300 || bytes != 300*12_000 {
			t.Errorf("%d messages of %d bytes are read", read, bytes)
		}
	})
}
