package search

import (
	"log/slog"
	"testing"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/model"
)

// fixture is an index over a real store, whose rows the test writes.
type fixture struct {
	*Index
	t *testing.T
}

func run(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	dbtest.Run(t, func(t *testing.T, d *db.DB) { test(t, newFixture(t, d)) })
}

func newFixture(t *testing.T, d *db.DB) *fixture {
	t.Helper()
	f := &fixture{newIndex(d), t}
	for _, id := range []string{"anna", "ben"} {
		f.exec(`
			INSERT INTO accounts (id, email, name, search_key, password_hash, preferences, created_at, updated_at)
			VALUES ($1, $2, $1, '', '', '{}', 0, 0)`, id, id+"@example.jp")
	}
	return f
}

// newIndex returns the index of a store in which the content of a message is the
// words themselves.
func newIndex(d *db.DB) *Index {
	return New(d, func(content []byte) (string, error) { return string(content), nil }, slog.New(slog.DiscardHandler))
}

func (f *fixture) exec(statement string, args ...any) {
	f.t.Helper()
	if _, err := f.db.ExecContext(f.t.Context(), statement, args...); err != nil {
		f.t.Fatal(err)
	}
}

// message is what somebody said.
type message struct {
	id    string
	role  model.Role // "": the person
	text  string
	at    time.Time
	model string // of an answer: the name
}

// conversation stores one and notes what is in it.
func (f *fixture) conversation(owner, title string, messages ...message) (id string) {
	f.t.Helper()
	id = db.NewID()
	f.exec(`
		INSERT INTO conversations (id, owner_id, title, title_source, model_id, parameters, system_prompt, next_position, created_at, active_at)
		VALUES ($1, $2, $3, 'person', 'm', '{}', '', $4, $5, $5)`, id, owner, title, len(messages)+1, time.Now().UnixMilli())
	if err := f.NoteTitle(f.t.Context(), f.db, owner, id); err != nil {
		f.t.Fatal(err)
	}
	for i, m := range messages {
		if m.role == "" {
			m.role = model.RoleUser
		}
		if m.at.IsZero() {
			m.at = time.Now()
		}
		f.exec(`
			INSERT INTO messages (id, conversation_id, position, role, status, stop_reason, content, model_id, model_name, error, usage,
				cost_micros, cost_currency, first_token_ms, reasoning_ms, created_at, finished_at)
			VALUES ($1, $2, $3, $4, 'complete', '', $5, 'm', $6, '', '', 0, '', 0, 0, $7, $7)`,
			m.id, id, i+1, m.role, m.text, m.model, m.at.UnixMilli())
		if err := f.NoteMessages(f.t.Context(), f.db, owner, m.id); err != nil {
			f.t.Fatal(err)
		}
	}
	return id
}

// finds returns the ids of the messages that a search finds, "title" for titles,
// in pages of two.
func (f *fixture) finds(owner, text string) []string {
	f.t.Helper()
	var out []string
	token := ""
	for {
		hits, next, err := f.Find(f.t.Context(), owner, text, token, 2)
		if err != nil {
			f.t.Fatalf("search %q: %v", text, err)
		}
		for _, h := range hits {
			id := h.MessageID
			if id == "" {
				id = "title"
			}
			out = append(out, id)
			var marked bool
			for _, p := range h.Snippet {
				marked = marked || p.Match
			}
			if q, err := parseQuery(text); err == nil && len(q.words) > 0 && !marked {
				f.t.Errorf("search %q: nothing is marked in %+v", text, h.Snippet)
			}
		}
		if token = next; token == "" {
			return out
		}
	}
}
