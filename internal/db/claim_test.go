package db_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
)

func TestOneServerClaimsASQLiteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kakoi.db")
	one, other := open(t, path), open(t, path)
	release, err := one.Claim()
	check(t, err)
	if _, err := other.Claim(); !errors.Is(err, db.ErrClaimed) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("a second claim: %v", err)
	}
	exec(t, other, `INSERT INTO folders (id, total) VALUES ('beside', 1)`) // a command is not kept out
	check(t, release())
	release, err = other.Claim()
	check(t, err)
	check(t, release())
}

func TestNodesOnPostgresDoNotExcludeEachOther(t *testing.T) {
	dbURL := dbtest.EmptyURL(t, db.Postgres)
	for range 2 {
		release, err := open(t, dbURL).Claim()
		check(t, err)
		defer func() { check(t, release()) }()
	}
}
