package pgserver_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"kakoi/internal/db/dbtest/pgserver"
)

func TestAServerAnswersUntilItIsStopped(t *testing.T) {
	dir, err := os.MkdirTemp("", "kakoi-pgserver-") //nolint:usetesting // the folder above t.TempDir is closed to the server's account
	if err != nil {
		t.Fatal(err)
	}
	s, err := pgserver.Start(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := sql.Open("pgx", s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var encoding string
	if err := conn.QueryRowContext(t.Context(), `SHOW server_encoding`).Scan(&encoding); err != nil || encoding != "UTF8" {
		t.Errorf("got %q, %v", encoding, err)
	}
	if wrong, err := sql.Open("pgx", strings.Replace(s.URL, "postgres:", "postgres:not-", 1)); err != nil || wrong.PingContext(t.Context()) == nil {
		t.Errorf("a wrong password is accepted (%v)", err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := conn.PingContext(t.Context()); err == nil {
		t.Error("it answers after it was stopped")
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("its folder is still there: %v", err)
	}
}

func TestAServerThatCannotStartSaysWhy(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	if _, err := pgserver.Start(t.Context(), dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v", err)
	}
}
