package db_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"

	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
)

// schema is a small one that needs nothing of the product's.
var schema = fstest.MapFS{"0001_create_notes.sql": {Data: []byte(`
	CREATE TABLE folders (id TEXT PRIMARY KEY, total BIGINT NOT NULL);
	CREATE TABLE notes (
		id        TEXT PRIMARY KEY,
		folder_id TEXT REFERENCES folders (id),
		title     TEXT NOT NULL UNIQUE,
		done      BOOLEAN NOT NULL DEFAULT FALSE,
		body      BYTEA,
		score     DOUBLE PRECISION
	);`)}}

// run is dbtest.Run with that schema instead of the product's.
func run(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(engine), func(t *testing.T) { fn(t, open(t, dbtest.EmptyURL(t, engine))) })
	}
}

// open opens and migrates to that schema.
func open(t *testing.T, dbURL string) *db.DB {
	t.Helper()
	d, err := db.OpenWith(t.Context(), db.Options{URL: dbURL}, schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { check(t, d.Close()) })
	check(t, d.Migrate(t.Context()))
	return d
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func exec(t testing.TB, q db.Queryer, query string, args ...any) {
	t.Helper()
	if _, err := q.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// scan reads one value.
func scan[T any](t testing.TB, q interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}, query string, args ...any) T {
	t.Helper()
	var v T
	if err := q.QueryRowContext(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

func TestValuesComeBackAsTheyWentIn(t *testing.T) {
	run(t, func(t *testing.T, d *db.DB) {
		body := []byte{0, 1, 0xff, '\n'}
		const title = "議事録 𠮷野家 ㈱ — '引用' \"quoted\""
		var (
			gotTitle string
			done     bool
			gotBody  []byte
			score    float64
			folder   *string
		)
		err := d.QueryRowContext(t.Context(), `
			INSERT INTO notes (id, title, done, body, score) VALUES ($1, $2, $3, $4, $5)
			RETURNING title, done, body, score, folder_id`, "n1", title, true, body, 0.1).
			Scan(&gotTitle, &done, &gotBody, &score, &folder)
		check(t, err)
		if gotTitle != title || !done || !bytes.Equal(gotBody, body) || score != 0.1 || folder != nil {
			t.Errorf("got %q %v %v %v %v", gotTitle, done, gotBody, score, folder)
		}
		rows, err := d.QueryContext(t.Context(), `WITH all_notes AS (SELECT id, done FROM notes) SELECT id FROM all_notes WHERE done = $1`, true)
		check(t, err)
		defer rows.Close()
		if !rows.Next() {
			t.Errorf("the row is not found by its boolean: %v", rows.Err())
		}
	})
}

func TestParametersAreBoundByNumber(t *testing.T) {
	run(t, func(t *testing.T, d *db.DB) {
		exec(t, d, `INSERT INTO notes (title, id) VALUES ($2, $1)`, "the id", "the title")
		if got := scan[string](t, d, `SELECT title FROM notes WHERE title <> $2 AND id = $1 AND id <> $2`, "the id", "other"); got != "the title" {
			t.Errorf("got %q", got)
		}
	})
}

func TestAForgottenArgumentIsAnError(t *testing.T) {
	run(t, func(t *testing.T, d *db.DB) {
		for _, args := range [][]any{{}, {"a"}, {"a", "b", "c"}} {
			if _, err := d.ExecContext(t.Context(), `INSERT INTO notes (id, title) VALUES ($1, $2)`, args...); err == nil {
				t.Errorf("%d arguments for 2 are accepted", len(args))
			}
		}
	})
}

func TestNumberParametersLeavesTextAlone(t *testing.T) {
	for _, tt := range []struct {
		query, want string
		count       int
	}{
		{"SELECT 1", "SELECT 1", 0},
		{"SELECT $1, $12", "SELECT ?1, ?12", 12},
		{"SELECT '$1', $2", "SELECT '$1', ?2", 2},
		{"SELECT 'it''s $1' || $1", "SELECT 'it''s $1' || ?1", 1},
		{`SELECT "a$1", b$2, $3`, `SELECT "a$1", b$2, ?3`, 3},
		{"SELECT 1 -- $1\n, $1", "SELECT 1 -- $1\n, ?1", 1},
		{"SELECT /* $1 */ $2 /* open $3", "SELECT /* $1 */ ?2 /* open $3", 2},
		{"SELECT '表$1' || $1 || '", "SELECT '表$1' || ?1 || '", 1},
		{"SELECT 5-$1/$2", "SELECT 5-?1/?2", 2},
		{"SELECT $name", "SELECT $name", 0},
	} {
		if got, count := db.NumberParameters(tt.query); got != tt.want || count != tt.count {
			t.Errorf("%s: got %s with %d parameters, want %s with %d", tt.query, got, count, tt.want, tt.count)
		}
	}
}

func TestOnlyWhatCannotWriteGoesToAReader(t *testing.T) {
	for query, want := range map[string]bool{
		"\n\t SELECT 1":                           true,
		"select id from t":                        true,
		"WITH a AS (SELECT 1) SELECT * FROM a":    true,
		"WITH a AS (SELECT 1) DELETE FROM t":      false,
		"with a as (select 1) insert into t":      false,
		"INSERT INTO t VALUES (1) RETURNING id":   false,
		"UPDATE t SET a = 1 RETURNING id":         false,
		"DELETE FROM t RETURNING id":              false,
		"-- a comment\nSELECT 1":                  false, // safe, only slower
		"PRAGMA foreign_keys":                     false,
		"REPLACE INTO t VALUES (1) RETURNING 1":   false,
		"SELECT id FROM t WHERE word = 'UPDATE '": true,
	} {
		if got := db.OnlyReads(query); got != want {
			t.Errorf("%s: got %v", query, got)
		}
	}
}

func TestReferencesAreEnforced(t *testing.T) {
	run(t, func(t *testing.T, d *db.DB) {
		_, err := d.ExecContext(t.Context(), `INSERT INTO notes (id, title, folder_id) VALUES ('n', 't', 'none')`)
		if err == nil {
			t.Fatal("a reference to nothing is accepted")
		}
		if db.IsUniqueViolation(err) {
			t.Errorf("%v counts as a unique violation", err)
		}
	})
}

func TestUniqueViolationsAreRecognised(t *testing.T) {
	run(t, func(t *testing.T, d *db.DB) {
		const insert = `INSERT INTO notes (id, title) VALUES ($1, $2)`
		exec(t, d, insert, "a", "one")
		for name, args := range map[string][]any{"primary key": {"a", "two"}, "unique column": {"b", "one"}} {
			_, err := d.ExecContext(t.Context(), insert, args...)
			if !db.IsUniqueViolation(err) {
				t.Errorf("%s: %v", name, err)
			}
			err = d.Transact(t.Context(), func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.ExecContext(ctx, insert, args...)
				return err
			})
			if !db.IsUniqueViolation(err) {
				t.Errorf("%s, in a transaction: %v", name, err)
			}
		}
		_, err := d.ExecContext(t.Context(), `INSERT INTO notes (id, title) VALUES ('c', NULL)`)
		if err == nil || db.IsUniqueViolation(err) || db.IsUniqueViolation(nil) {
			t.Errorf("a missing value: %v", err)
		}
	})
}

func TestIDsSortInTheOrderTheyWereMade(t *testing.T) {
	ids := make([]string, 10_000)
	for i := range ids {
		ids[i] = db.NewID()
	}
	if !slices.IsSorted(ids) || len(slices.Compact(ids)) != 10_000 {
		t.Error("ids are not in order, or not unique")
	}
	if id, err := uuid.Parse(ids[0]); err != nil || id.Version() != 7 || id.String() != ids[0] {
		t.Errorf("%s is not a UUIDv7: %v", ids[0], err)
	}
}

func TestReadersDoNotWaitForAWriter(t *testing.T) {
	run(t, func(t *testing.T, d *db.DB) {
		exec(t, d, `INSERT INTO folders (id, total) VALUES ('f', 1)`)
		check(t, d.Transact(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			if _, err := tx.ExecContext(ctx, `UPDATE folders SET total = 2`); err != nil {
				return err
			}
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					// t.Context is not the transaction's: this is somebody else.
					if got := scan[int](t, d, `SELECT total FROM folders`); got != 1 {
						t.Errorf("a reader sees %d, which is not committed", got)
					}
				})
			}
			wg.Wait()
			return nil
		}))
		if got := scan[int](t, d, `SELECT total FROM folders`); got != 2 {
			t.Errorf("after the commit: %d", got)
		}
	})
}

func TestACancelledContextEndsAQuery(t *testing.T) {
	slow := map[db.Engine]string{
		db.SQLite:   `WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c`,
		db.Postgres: `SELECT pg_sleep(600)`,
	}
	run(t, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		var n any
		if err := d.QueryRowContext(ctx, slow[d.Engine()]).Scan(&n); err == nil {
			t.Error("it ended by itself")
		}
		check(t, d.Ping(t.Context()))
	})
}

func TestAClosedStoreDoesNotAnswer(t *testing.T) {
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			d, err := db.Open(t.Context(), db.Options{URL: dbtest.EmptyURL(t, engine)})
			check(t, err)
			check(t, d.Close())
			if err := d.Ping(t.Context()); errs.CodeOf(err) != errs.Unavailable {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestOpeningWhatCannotBeOpenedSaysWhy(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    db.Options
		want string
	}{
		{"a folder that is missing", db.Options{URL: filepath.Join(t.TempDir(), "no", "kakoi.db")}, "no such file"},
		{"a folder in place of a file", db.Options{URL: t.TempDir()}, "directory"},
		{"a server that is not there", db.Options{URL: "postgres://k:s3cret@127.0.0.1:1/k?sslmode=disable"}, "127.0.0.1:1"},
		{"a URL that is none", db.Options{URL: "postgres://k:s3cret@[::1/k"}, "malformed"},
		{"a pool that is too small", db.Options{URL: "postgres://k:s3cret@h/k?pool_max_conns=1"}, "pool_max_conns"},
		{"a key for PostgreSQL", db.Options{URL: "postgres://k:s3cret@h/k", Key: make([]byte, 64)}, "for SQLite"},
		{"a key of the wrong size", db.Options{URL: filepath.Join(t.TempDir(), "kakoi.db"), Key: make([]byte, 32)}, "64 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := db.Open(t.Context(), tt.o)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("got %v, want …%s…", err, tt.want)
			}
		})
	}
}

func TestPostgresIsReachedThroughTheGivenDialerByName(t *testing.T) {
	server, err := url.Parse(dbtest.EmptyURL(t, db.Postgres))
	check(t, err)
	address := server.Host
	server.Host = net.JoinHostPort("db.example.invalid", server.Port())
	var mu sync.Mutex
	asked, dials := map[string]bool{}, 0
	d, err := db.Open(t.Context(), db.Options{URL: server.String(), Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		mu.Lock()
		asked[addr] = true
		dials++
		mu.Unlock()
		return new(net.Dialer).DialContext(ctx, network, address)
	}})
	check(t, err)
	check(t, d.Close())
	if len(asked) != 1 || !asked[server.Host] {
		t.Errorf("asked to dial %v, want only %s", asked, server.Host)
	}
	if dials < 2 { // for queries, and to listen
		t.Errorf("asked to dial %d times, want one for the connection that listens too", dials)
	}

	refusal := errors.New("not declared")
	_, err = db.Open(t.Context(), db.Options{URL: server.String(), Dial: func(context.Context, string, string) (net.Conn, error) { return nil, refusal }})
	if !errors.Is(err, refusal) {
		t.Errorf("a refused dial gives %v", err)
	}
}
