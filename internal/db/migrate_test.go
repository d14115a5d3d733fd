package db_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
)

// files makes migrations out of name, text pairs.
func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return m
}

const (
	first  = "0001_create_notes.sql"
	second = "0002_add_color.sql"
	create = "CREATE TABLE notes (id TEXT PRIMARY KEY);\n"
	add    = "ALTER TABLE notes ADD COLUMN color TEXT NOT NULL DEFAULT 'white';\n"
)

// migrate opens dbURL, migrates it with set and returns the open store.
func migrate(t *testing.T, o db.Options, set fs.FS) (*db.DB, error) {
	t.Helper()
	d, err := db.OpenWith(t.Context(), o, set)
	check(t, err)
	t.Cleanup(func() { check(t, d.Close()) })
	return d, d.Migrate(t.Context())
}

// onBoth runs fn for each engine with the URL of an empty database.
func onBoth(t *testing.T, fn func(t *testing.T, engine db.Engine, dbURL string)) {
	t.Helper()
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(engine), func(t *testing.T) { fn(t, engine, dbtest.EmptyURL(t, engine)) })
	}
}

func TestTheProductsMigrationsAreNumberedWithoutGapsAndRunOnBothEngines(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		check(t, d.Migrate(t.Context()))
		highest := scan[int](t, d, `SELECT coalesce(max(version), 0) FROM schema_migrations`)
		if got := scan[int](t, d, `SELECT count(*) FROM schema_migrations`); got != highest || got == 0 {
			t.Errorf("%d migrations are on record, the highest is %d", got, highest)
		}
	})
}

func TestAnUpgradeKeepsTheDataAndRunsEachStepOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, _ db.Engine, dbURL string) {
		old, err := migrate(t, db.Options{URL: dbURL}, files(first, create))
		check(t, err)
		exec(t, old, `INSERT INTO notes (id) VALUES ('n')`)
		at := time.UnixMilli(1_800_000_000_000)
		d, err := migrate(t, db.Options{URL: dbURL, Now: func() time.Time { return at }}, files(first, create, second, add))
		check(t, err)
		check(t, d.Migrate(t.Context()))
		if got := scan[string](t, d, `SELECT color FROM notes WHERE id = 'n'`); got != "white" {
			t.Errorf("got %q", got)
		}
		if got := scan[int64](t, d, `SELECT applied_at FROM schema_migrations WHERE version = 2`); got != at.UnixMilli() {
			t.Errorf("applied at %d, want %d", got, at.UnixMilli())
		}
	})
}

func TestANewerSchemaIsRefusedAndLeftAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, _ db.Engine, dbURL string) {
		newer, err := migrate(t, db.Options{URL: dbURL}, files(first, create, second, add))
		check(t, err)
		_, err = migrate(t, db.Options{URL: dbURL}, files(first, create))
		if !errors.Is(err, db.ErrNewerSchema) || !strings.Contains(err.Error(), "0002_add_color") || !strings.Contains(err.Error(), "0001_create_notes") || !strings.Contains(err.Error(), "snapshot") {
			t.Errorf("got %v", err)
		}
		if got := scan[int](t, newer, `SELECT count(*) FROM schema_migrations`); got != 2 {
			t.Errorf("%d migrations are on record", got)
		}
	})
}

func TestMigrationsThatAreNotTheOnesOnRecordAreRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, _ db.Engine, dbURL string) {
		_, err := migrate(t, db.Options{URL: dbURL}, files(first, create))
		check(t, err)
		for name, set := range map[string]fs.FS{
			"another text":          files(first, create+"-- and more\n"),
			"another name":          files("0001_create_papers.sql", create),
			"a step put in between": files("0000_x_y.sql", "", first, create),
		} {
			if _, err := migrate(t, db.Options{URL: dbURL}, set); err == nil {
				t.Errorf("%s is accepted", name)
			} else if name != "a step put in between" && !errors.Is(err, db.ErrChangedSchema) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestAFailingStepLeavesNothingBehind(t *testing.T) {
	onBoth(t, func(t *testing.T, _ db.Engine, dbURL string) {
		d, err := migrate(t, db.Options{URL: dbURL}, files(first, create, second, add+"CREATE TABLE broken (;\n"))
		if err == nil || !strings.Contains(err.Error(), "0002_add_color") || !strings.Contains(err.Error(), "CREATE TABLE broken") {
			t.Errorf("got %v", err)
		}
		if got := scan[int](t, d, `SELECT count(*) FROM schema_migrations`); got != 1 {
			t.Errorf("%d steps are on record, want the first", got)
		}
		if _, err := d.ExecContext(t.Context(), `SELECT color FROM notes`); err == nil {
			t.Error("half of the failing step is there")
		}
	})
}

func TestAStepMayHaveAPartForOneEngine(t *testing.T) {
	set := files(first, create, "0001_create_notes.sqlite.sql", "INSERT INTO notes VALUES ('only sqlite');\n",
		"0002_fill_notes.postgres.sql", "INSERT INTO notes VALUES ('only postgres');\n")
	onBoth(t, func(t *testing.T, engine db.Engine, dbURL string) {
		d, err := migrate(t, db.Options{URL: dbURL}, set)
		check(t, err)
		if got := scan[string](t, d, `SELECT id FROM notes`); got != "only "+string(engine) {
			t.Errorf("got %q", got)
		}
		if got := scan[int](t, d, `SELECT max(version) FROM schema_migrations`); got != 2 {
			t.Errorf("at version %d on %s", got, engine)
		}
	})
}

func TestNodesThatStartTogetherMigrateOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, _ db.Engine, dbURL string) {
		set := files(first, create, second, add, "0003_fill_notes.sql", "INSERT INTO notes (id) VALUES ('once');\n")
		nodes := make([]*db.DB, 5)
		for i := range nodes {
			var err error
			nodes[i], err = db.OpenWith(t.Context(), db.Options{URL: dbURL}, set)
			check(t, err)
			t.Cleanup(func() { check(t, nodes[i].Close()) })
		}
		var wg sync.WaitGroup
		for _, d := range nodes {
			wg.Go(func() {
				if err := d.Migrate(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := scan[int](t, nodes[0], `SELECT count(*) FROM notes`); got != 1 {
			t.Errorf("the last step ran %d times", got)
		}
	})
}

func TestMigrationsWithWrongNamesAreRefused(t *testing.T) {
	for name, set := range map[string]fs.FS{
		"no number":        files("create_notes.sql", create),
		"one word":         files("0001_notes.sql", create),
		"number zero":      files("0000_create_notes.sql", create),
		"an engine of old": files("0001_create_notes.mysql.sql", create),
		"the same number":  files(first, create, "0001_create_papers.sql", create),
	} {
		d, err := db.OpenWith(t.Context(), db.Options{URL: dbtest.EmptyURL(t, db.SQLite)}, set)
		check(t, err)
		if err := d.Migrate(t.Context()); err == nil {
			t.Errorf("%s is accepted", name)
		}
		check(t, d.Close())
	}
}

func TestAStatementEndsWithASemicolonAtTheEndOfALine(t *testing.T) {
	got := db.Statements(`-- a comment; with a semicolon;
CREATE TABLE a (id TEXT); -- and one behind; it
CREATE TRIGGER t BEFORE UPDATE ON a BEGIN SELECT 1; SELECT 2; END;
INSERT INTO a VALUES ('x');
-- the end
`)
	want := []string{
		"-- a comment; with a semicolon;\nCREATE TABLE a (id TEXT); -- and one behind; it",
		"CREATE TRIGGER t BEFORE UPDATE ON a BEGIN SELECT 1; SELECT 2; END;",
		"INSERT INTO a VALUES ('x');",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got := db.Statements("DELETE FROM a"); len(got) != 1 {
		t.Errorf("a last statement without a semicolon: %q", got)
	}
}

// snapshots returns the files beside dbPath that hold copies of it.
func snapshots(t *testing.T, dbPath string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(filepath.Dir(dbPath), "snapshots", "*"))
	check(t, err)
	return list
}

func TestASQLiteFileWithDataIsCopiedBeforeAnUpgrade(t *testing.T) {
	for name, key := range map[string][]byte{"plain": nil, "encrypted": testKey} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			o := db.Options{
				URL: filepath.Join(t.TempDir(), "kakoi.db"), Key: key,
				Log: slog.New(slog.NewTextHandler(&log, nil)),
				Now: func() time.Time { return time.Date(2026, 11, 22, 4, 5, 6, 0, time.UTC) },
			}
			old, err := migrate(t, o, files(first, create))
			check(t, err)
			if got := snapshots(t, o.URL); len(got) != 0 {
				t.Errorf("a new file was copied: %v", got)
			}
			exec(t, old, `INSERT INTO notes (id) VALUES ('n')`)
			upgraded, err := migrate(t, o, files(first, create, second, add))
			check(t, err)
			check(t, upgraded.Migrate(t.Context()))

			copies := snapshots(t, o.URL)
			want := filepath.Join(filepath.Dir(o.URL), "snapshots", "kakoi-schema0001-20261122T040506Z.db")
			if !slices.Equal(copies, []string{want}) {
				t.Fatalf("got %v, want %s", copies, want)
			}
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not name the copy:\n%s", &log)
			}
			if info, err := os.Stat(want); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("mode %v, %v", info.Mode(), err)
			}
			restored := o
			restored.URL = want
			back, err := migrate(t, restored, files(first, create)) // the old program, on the copy
			check(t, err)
			if got := scan[string](t, back, `SELECT id FROM notes`); got != "n" {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestNothingIsUpgradedWithoutASnapshot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kakoi.db")
	_, err := migrate(t, db.Options{URL: path}, files(first, create))
	check(t, err)
	// A file where the folder should be.
	check(t, os.WriteFile(filepath.Join(filepath.Dir(path), "snapshots"), nil, 0o600))
	d, err := migrate(t, db.Options{URL: path}, files(first, create, second, add))
	if err == nil || !strings.Contains(err.Error(), "snapshot") {
		t.Errorf("got %v", err)
	}
	if got := scan[int](t, d, `SELECT max(version) FROM schema_migrations`); got != 1 {
		t.Errorf("upgraded to %d all the same", got)
	}
}

func TestACancelledMigrationLetsTheNextNodeIn(t *testing.T) {
	onBoth(t, func(t *testing.T, _ db.Engine, dbURL string) {
		set := files(first, create)
		d, err := db.OpenWith(t.Context(), db.Options{URL: dbURL}, set)
		check(t, err)
		t.Cleanup(func() { check(t, d.Close()) })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := d.Migrate(ctx); err == nil {
			t.Error("a cancelled migration succeeds")
		}
		_, err = migrate(t, db.Options{URL: dbURL}, set)
		check(t, err)
	})
}
