// Command history measures Kakoi with a long history: it fills a store with a
// million messages in 5,000 conversations of one person, makes them findable as
// an upgrade does, and times what people do: lists, opening, searching, sending.
// It calls the capability; what HTTP adds is the same with any history.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/blob"
	"kakoi/internal/chat"
	"kakoi/internal/db"
	"kakoi/internal/model"
	"kakoi/internal/secret"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "history:", err)
		os.Exit(1)
	}
}

type history struct {
	store         *db.DB
	chat          *chat.Service
	random        *rand.Rand
	messages      int
	conversations int
}

func run() error {
	messages := flag.Int("messages", 1_000_000, "messages of the person")
	conversations := flag.Int("conversations", 5_000, "conversations they are in")
	database := flag.String("database", "", "URL of an empty PostgreSQL database; empty is SQLite")
	keep := flag.String("keep", "", "SQLite file to fill, or to measure as it is if it is there; empty is one that is deleted")
	flag.Parse()
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "kakoi-history-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	url, engine := filepath.Join(dir, "kakoi.db"), "SQLite"
	if *keep != "" {
		url = *keep
	}
	if *database != "" {
		url, engine = *database, "PostgreSQL"
	}
	store, err := db.Open(ctx, db.Options{URL: url})
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }() // the figures are out
	if err := store.Migrate(ctx); err != nil {
		return err
	}
	h := &history{store: store, random: rand.New(rand.NewPCG(1, 2)), messages: *messages, conversations: *conversations}
	key, _, err := secret.LoadOrCreateFile(filepath.Join(dir, "master.json"))
	if err != nil {
		return err
	}
	h.chat = chat.New(chat.Options{
		DB: store, Files: blob.New(store, secret.New(key), time.Now), Invoker: echo{}, Models: offers{}, Audit: audit.New(store, time.Now), Log: slog.New(slog.DiscardHandler),
		Now: time.Now, NodeID: "history", FlushEvery: time.Second, MaxAttachmentBytes: 1 << 20,
	})
	fmt.Printf("%s: %d messages, %d conversations\n", engine, *messages, *conversations)
	var there int
	if err := store.QueryRowContext(ctx, `SELECT count(*) FROM accounts`).Scan(&there); err != nil {
		return err
	}
	if there == 0 {
		if err := h.fill(ctx); err != nil {
			return err
		}
	}
	return h.measure(access.WithPrincipal(ctx, access.Principal{AccountID: person, SessionID: "s"}))
}

const (
	person = "0190aaaa-0000-7000-8000-000000000001"
	other  = "0190aaaa-0000-7000-8000-000000000002"
	long   = "0190aaaa-0000-7000-8000-0000000000ff" // the conversation of 500 messages
	years  = 3
)

// fill writes the history as an older program would have left it, and indexes it.
func (h *history) fill(ctx context.Context) error {
	began := time.Now()
	for _, id := range []string{person, other} {
		_, err := h.store.ExecContext(ctx, `
			INSERT INTO accounts (id, email, name, search_key, password_hash, preferences, created_at, updated_at)
			VALUES ($1, $2, $3, '', '', '{}', 0, 0)`, id, id+"@example.jp", id)
		if err != nil {
			return err
		}
	}
	each := h.messages / h.conversations
	first := time.Now().AddDate(-years, 0, 0)
	step := time.Since(first) / time.Duration(h.conversations)
	var c, m rows
	for i := range h.conversations {
		owner := person
		at := first.Add(time.Duration(i) * step)
		h.conversation(&c, &m, owner, idAt(at, h.random), at, each)
		if i%20 == 0 { // somebody else has a history too
			h.conversation(&c, &m, other, idAt(at, h.random), at, each)
		}
		if i == h.conversations/2 {
			h.conversation(&c, &m, owner, long, at, 500)
		}
		if len(m) >= 4000 || i == h.conversations-1 {
			if err := h.insert(ctx, c, m); err != nil {
				return err
			}
			c, m = c[:0], m[:0]
		}
	}
	fmt.Printf("  written in %v", time.Since(began).Round(time.Second))
	began = time.Now()
	for _, pending := range []string{
		`INSERT INTO search_pending (id, kind, owner_id) SELECT id, 'title', owner_id FROM conversations`,
		`INSERT INTO search_pending (id, kind, owner_id) SELECT m.id, 'message', c.owner_id FROM messages m JOIN conversations c ON c.id = m.conversation_id`,
	} {
		if _, err := h.store.ExecContext(ctx, pending); err != nil {
			return err
		}
	}
	if err := h.chat.IndexPending(ctx); err != nil {
		return err
	}
	if h.store.Engine() == db.Postgres { // as its own cleaning does within a minute; before, it knows nothing of the tables
		if _, err := h.store.ExecContext(ctx, `ANALYZE`); err != nil {
			return err
		}
	}
	fmt.Printf(", made findable in %v", time.Since(began).Round(time.Second))
	fmt.Println()
	return nil
}

// rows are those of a table, in the order of its columns.
type rows [][]any

func (h *history) conversation(c, m *rows, owner, id string, at time.Time, messages int) {
	parent, leaf := "", ""
	for n := range messages {
		role, characters := "user", 30+h.random.IntN(100)
		if n%2 == 1 {
			role, characters = "assistant", 100+h.random.IntN(300)
		}
		said := at.Add(time.Duration(n) * time.Minute)
		content, err := json.Marshal([]chat.Part{{Type: model.PartText, Text: text(h.random, characters)}})
		if err != nil {
			panic(err) // strings are JSON
		}
		leaf = idAt(said, h.random)
		*m = append(*m, []any{leaf, id, parent, n + 1, role, string(content), said.UnixMilli()})
		parent = leaf
	}
	*c = append(*c, []any{id, owner, text(h.random, 12), messages + 1, leaf, at.UnixMilli(), at.Add(time.Duration(messages) * time.Minute).UnixMilli()})
}

// idAt returns an id as one made then.
func idAt(at time.Time, r *rand.Rand) string {
	ms := at.UnixMilli()
	return fmt.Sprintf("%08x-%04x-7%03x-8%03x-%012x", ms>>16, ms&0xffff, r.IntN(1<<12), r.IntN(1<<12), r.Int64N(1<<48))
}

// insert writes many rows by one statement each.
func (h *history) insert(ctx context.Context, c, m rows) error {
	from := func(columns string) string {
		if h.store.Engine() == db.SQLite {
			list := ""
			for i := range columns {
				list += fmt.Sprintf(", value ->> %d AS c%d", i, i)
			}
			return `(SELECT ` + list[2:] + ` FROM json_each($1))`
		}
		list := ""
		for i, k := range columns {
			t := "text"
			if k == 'n' {
				t = "bigint"
			}
			list += fmt.Sprintf(", (value ->> %d)::%s AS c%d", i, t, i)
		}
		return `(SELECT ` + list[2:] + ` FROM json_array_elements($1::json)) r`
	}
	for _, table := range []struct {
		query string
		rows  rows
	}{
		{`INSERT INTO conversations (id, owner_id, title, title_source, model_id, parameters, system_prompt, next_position, leaf_id, created_at, active_at)
			SELECT c0, c1, c2, 'model', 'm', '{}', '', c3, c4, c5, c6 FROM ` + from("tttntnn"), c},
		{`INSERT INTO messages (id, conversation_id, parent_id, position, role, status, stop_reason, content, model_id, model_name, error, usage,
				cost_micros, cost_currency, first_token_ms, reasoning_ms, created_at, finished_at)
			SELECT c0, c1, nullif(c2, ''), c3, c4, 'complete', '', c5, 'm', CASE c4 WHEN 'user' THEN '' ELSE '一号' END, '', '', 0, '', 0, 0, c6, c6 FROM ` + from("tttnttn"), m},
	} {
		list, err := json.Marshal(table.rows)
		if err != nil {
			return err
		}
		if _, err := h.store.ExecContext(ctx, table.query, string(list)); err != nil {
			return err
		}
	}
	return nil
}

// echo answers with a few words.
type echo struct{}

func (echo) Stream(context.Context, model.Call) iter.Seq2[model.Event, error] {
	return func(yield func(model.Event, error) bool) {
		_ = yield(model.Event{Type: model.EventText, Text: "承知しました。"}, nil) && yield(model.Event{Type: model.EventStop, StopReason: model.StopEnd}, nil)
	}
}

type offers struct{}

func (offers) Offer(context.Context, string) (model.Offer, error) {
	return model.Offer{Model: model.Model{ID: "m", DisplayName: "一号", Enabled: true}, Kind: model.KindDemo}, nil
}

func (o offers) Offers(ctx context.Context) ([]model.Offer, error) {
	m, err := o.Offer(ctx, "")
	return []model.Offer{m}, err
}

// measure times each act many times and prints what half and what 95 of 100
// took at most.
func (h *history) measure(ctx context.Context) error {
	list := func(f chat.Filter) func() error {
		return func() error {
			token := ""
			for range 1 + h.random.IntN(3) {
				page, err := h.chat.List(ctx, f, token, 30)
				if err != nil {
					return err
				}
				if token = page.Next; token == "" {
					break
				}
			}
			return nil
		}
	}
	search := func(q func() string) func() error {
		return func() error { _, err := h.chat.Search(ctx, q(), "", 20); return err }
	}
	some := func(list []string) func() string { return func() string { return list[h.random.IntN(len(list))] } }
	firstPage := func(f chat.Filter) func() error {
		return func() error { _, err := h.chat.List(ctx, f, "", 30); return err }
	}
	acts := []struct {
		name   string
		target string
		times  int
		do     func() error
	}{
		{"list: first page", "50 ms", 200, firstPage(chat.Filter{})},
		{"list: one to three pages", "", 100, list(chat.Filter{})},
		{"list: archived (none)", "50 ms", 100, firstPage(chat.Filter{Archived: true})},
		{"search: common words of two characters", "200 ms", 200, search(some(topics[:20]))},
		{"search: one character", "200 ms", 100, search(some([]string{"市", "水", "の", "鬱", "罠", "獣", "Q", "9"}))},
		{"search: rare words", "200 ms", 200, search(some(topics[60:]))},
		{"search: names and numbers", "200 ms", 200, search(func() string { return fmt.Sprintf("整理番号%06d", h.random.IntN(1_000_000)) })},
		{"search: two words", "200 ms", 200, search(func() string { return often(h.random, topics) + " " + places[h.random.IntN(len(places))] })},
		{"search: nothing is found", "200 ms", 200, search(some([]string{"宇宙飛行士", "してですのには", "予算予算", "確認検討作成", "zzzz", "火星人"}))},
		{"search: a month", "200 ms", 100, search(func() string {
			day := time.Now().AddDate(0, -h.random.IntN(12*years), 0)
			return "予算 after:" + day.AddDate(0, -1, 0).Format(time.DateOnly) + " before:" + day.Format(time.DateOnly)
		})},
		{"search: half-width letters", "200 ms", 100, search(some([]string{"ﾊﾞｽ", "ＥＸＣＥＬ", "ﾈｯﾄﾜｰｸ"}))},
		{"open the conversation of 500 messages, all of it", "150 ms", 50, func() error {
			read, before := 0, ""
			for {
				page, err := h.chat.Messages(ctx, long, "", before, 100)
				if err != nil {
					return err
				}
				read += len(page.Items)
				if before = page.Previous; before == "" {
					break
				}
			}
			if read < 500 {
				return errors.New("it has " + strconv.Itoa(read) + " messages")
			}
			return nil
		}},
		{"send a turn to it", "", 20, func() error {
			_, err := h.chat.Send(ctx, long, chat.Turn{Text: "続けてください"}, chat.Change{}, chat.BusyRefuse)
			if err != nil {
				return err
			}
			for h.chat.Running() > 0 {
				<-time.After(time.Millisecond)
			}
			return nil
		}},
	}
	fmt.Printf("  %-50s %9s %9s %9s  %s\n", "", "p50", "p95", "most", "target (p95)")
	for _, a := range acts {
		took := make([]time.Duration, a.times)
		for i := range took {
			began := time.Now()
			if err := a.do(); err != nil {
				return fmt.Errorf("%s: %w", a.name, err)
			}
			took[i] = time.Since(began)
		}
		slices.Sort(took)
		at := func(p int) time.Duration { return took[(len(took)-1)*p/100].Round(10 * time.Microsecond) }
		fmt.Printf("  %-50s %9v %9v %9v  %s\n", a.name, at(50), at(95), at(100), a.target)
	}
	return nil
}
