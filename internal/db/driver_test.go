package db_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"kakoi/internal/db"
)

func TestAStatementThatWasKeptIsAsGoodAsANewOne(t *testing.T) {
	d := openFile(t, filepath.Join(t.TempDir(), "kakoi.db"), nil)
	defer d.Close()
	const add, find = `INSERT INTO folders (id, total) VALUES ($1, $2)`, `SELECT total FROM folders WHERE id = $1`
	exec(t, d, add, "a", 1)
	for range 2 { // it fails like a new one, and works afterwards
		if _, err := d.ExecContext(t.Context(), add, "a", 2); !db.IsUniqueViolation(err) {
			t.Errorf("got %v", err)
		}
	}
	exec(t, d, add, "b", 2)
	if _, err := d.ExecContext(t.Context(), add, "c"); err == nil {
		t.Error("a forgotten argument is taken from the call before")
	}
	exec(t, d, `ALTER TABLE folders ADD COLUMN more TEXT`)
	if got := scan[int](t, d, find, "b"); got != 2 {
		t.Errorf("after a change of the schema: %d, want 2", got)
	}

	// The same text twice at once, on one connection.
	check(t, d.Transact(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		outer, err := tx.QueryContext(ctx, `SELECT id FROM folders ORDER BY id`)
		if err != nil {
			return err
		}
		defer outer.Close()
		var found []string
		for outer.Next() {
			found = append(found, scan[string](t, tx, `SELECT id FROM folders ORDER BY id`))
		}
		if len(found) != 2 {
			t.Errorf("found %v, want two", found)
		}
		return outer.Err()
	}))
}

func TestTheStatementsThatAreKeptHaveABound(t *testing.T) {
	d := openFile(t, filepath.Join(t.TempDir(), "kakoi.db"), nil)
	defer d.Close()
	check(t, d.Transact(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		for round := range 2 {
			for i := range 2*db.KeptStatements + 1 {
				var got int
				if err := tx.QueryRowContext(ctx, fmt.Sprintf(`SELECT %d + $1`, i), round).Scan(&got); err != nil || got != i+round {
					t.Fatalf("statement %d: %d, %v", i, got, err)
				}
			}
		}
		return nil
	}))
}

// BenchmarkQuery is what most requests do first: one row by its key.
func BenchmarkQuery(b *testing.B) {
	d := openFile(b, filepath.Join(b.TempDir(), "kakoi.db"), nil)
	defer d.Close()
	if err := d.Transact(b.Context(), adding("a")); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var total int
		if err := d.QueryRowContext(b.Context(), `SELECT total FROM folders WHERE id = $1`, "a").Scan(&total); err != nil {
			b.Fatal(err)
		}
	}
}
