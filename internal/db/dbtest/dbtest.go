// Package dbtest gives tests a fresh, migrated database of each engine.
package dbtest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx", for the server's own databases

	"kakoi/internal/db"
	"kakoi/internal/db/dbtest/pgserver"
)

// Run runs fn as the subtests "sqlite" and "postgres", each with an empty
// database at the newest schema. It fails, and never skips, when there is no
// PostgreSQL.
func Run(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(engine), func(t *testing.T) { fn(t, Open(t, engine)) })
	}
}

// Open returns an empty database at the newest schema that ends with the test.
func Open(t testing.TB, engine db.Engine) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), db.Options{URL: URL(t, engine)})
	if err != nil {
		t.Fatalf("open the test database: %v", err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close the test database: %v", err)
		}
	})
	return d
}

// URL returns the db.Options.URL of an empty database at the newest schema
// that ends with the test. Tests of several nodes open it more than once.
func URL(t testing.TB, engine db.Engine) string {
	t.Helper()
	if engine == db.SQLite {
		return sqliteCopy(t)
	}
	server := postgresServer(t)
	return create(t, server, postgresTemplate(t, server))
}

// EmptyURL is URL without any schema.
func EmptyURL(t testing.TB, engine db.Engine) string {
	t.Helper()
	if engine == db.SQLite {
		return filepath.Join(t.TempDir(), "kakoi.db")
	}
	return create(t, postgresServer(t), "template0")
}

// migratedSQLite is the content of a SQLite file that was just migrated.
var migratedSQLite = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "kakoi-dbtest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "kakoi.db")
	if err := migrate(path); err != nil {
		return nil, err
	}
	return os.ReadFile(path) // closing has folded the journal into it
})

func sqliteCopy(t testing.TB) string {
	t.Helper()
	content, err := migratedSQLite()
	if err != nil {
		t.Fatalf("migrate a SQLite file: %v", err)
	}
	path := filepath.Join(t.TempDir(), "kakoi.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatalf("copy the migrated SQLite file: %v", err)
	}
	return path
}

func migrate(dbURL string) error {
	ctx := context.Background()
	d, err := db.Open(ctx, db.Options{URL: dbURL})
	if err != nil {
		return err
	}
	if err := d.Migrate(ctx); err != nil {
		return errors.Join(err, d.Close())
	}
	return d.Close()
}

var sharedServer = sync.OnceValues(func() (string, error) { return pgserver.Shared(context.Background()) })

func postgresServer(t testing.TB) string {
	t.Helper()
	server, err := sharedServer()
	if err != nil {
		t.Fatalf("PostgreSQL for the tests: %v", err)
	}
	return server
}

var template struct {
	sync.Mutex
	name string
}

// postgresTemplate returns the name of a migrated database to copy. All test
// programs of the server share it; its name follows from the migrations.
func postgresTemplate(t testing.TB, server string) string {
	t.Helper()
	template.Lock()
	defer template.Unlock()
	if template.name == "" {
		name, err := makeTemplate(t.Context(), server)
		if err != nil {
			t.Fatalf("make the migrated PostgreSQL database that tests copy: %v", err)
		}
		template.name = name
	}
	return template.name
}

func makeTemplate(ctx context.Context, server string) (name string, err error) {
	sum := sha256.New()
	files := db.Migrations()
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		text, err := fs.ReadFile(files, e.Name())
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s %d\n%s", e.Name(), len(text), text)
	}
	name = "kakoi_template_" + hex.EncodeToString(sum.Sum(nil)[:8])

	admin, err := sql.Open("pgx", server)
	if err != nil {
		return "", err
	}
	defer admin.Close()
	conn, err := admin.Conn(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close() // and with the connection the lock
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock(hashtext($1))`, name); err != nil {
		return "", err
	}
	var exists bool
	if err := conn.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)`, name).Scan(&exists); err != nil || exists {
		return name, err
	}
	// Under another name until it is complete.
	making := name + "_making"
	for _, statement := range []string{`DROP DATABASE IF EXISTS ` + making + ` WITH (FORCE)`, `CREATE DATABASE ` + making + ` TEMPLATE template0`} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return "", err
		}
	}
	if err := migrate(inDatabase(server, making)); err != nil {
		return "", err
	}
	_, err = conn.ExecContext(ctx, `ALTER DATABASE `+making+` RENAME TO `+name)
	return name, err
}

// create makes a database out of a template, to be dropped with the test.
func create(t testing.TB, server, from string) string {
	t.Helper()
	admin, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatalf("connect to PostgreSQL: %v", err)
	}
	name := "kakoi_test_" + strings.ReplaceAll(db.NewID(), "-", "")
	if _, err := admin.ExecContext(t.Context(), `CREATE DATABASE `+name+` TEMPLATE `+from); err != nil {
		t.Fatalf("create a PostgreSQL database for the test: %v", err)
	}
	t.Cleanup(func() {
		defer admin.Close()
		if _, err := admin.ExecContext(context.Background(), `DROP DATABASE `+name+` WITH (FORCE)`); err != nil {
			t.Errorf("drop the test's PostgreSQL database: %v", err)
		}
	})
	return inDatabase(server, name)
}

func inDatabase(server, name string) string {
	u, err := url.Parse(server)
	if err != nil {
		panic(err) // the server has been reached through this URL
	}
	u.Path = "/" + name
	return u.String()
}
