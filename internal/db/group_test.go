package db_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"kakoi/internal/db"
)

// together runs each of fns in a transaction, in this order, and all of them
// behind one that holds the writer until the last of them waits: so they share
// a commit. It returns what became of each.
func together(t *testing.T, d *db.DB, fns ...func(ctx context.Context, tx *db.Tx) error) []error {
	t.Helper()
	results := make([]error, len(fns))
	var wg sync.WaitGroup
	queued := false
	check(t, d.Transact(t.Context(), func(context.Context, *db.Tx) error {
		if queued {
			return nil // it was undone with the others
		}
		queued = true
		for i, fn := range fns {
			wg.Go(func() {
				defer func() {
					if cause := recover(); cause != nil {
						results[i] = fmt.Errorf("panic: %v", cause)
					}
				}()
				results[i] = d.Transact(t.Context(), fn)
			})
			for db.Waiting(d) <= i {
				if t.Context().Err() != nil {
					return t.Context().Err()
				}
			}
		}
		return nil
	}))
	wg.Wait()
	return results
}

func adding(id string) func(ctx context.Context, tx *db.Tx) error {
	return func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO folders (id, total) VALUES ($1, 0)`, id)
		return err
	}
}

func TestWhoSharesACommitFailsAlone(t *testing.T) {
	d := openFile(t, filepath.Join(t.TempDir(), "kakoi.db"), nil)
	defer d.Close()
	ctx, cancel := context.WithCancel(t.Context())
	results := together(t, d,
		adding("a"),
		func(ctx context.Context, tx *db.Tx) error { return errors.Join(adding("b")(ctx, tx), errChangedMind) },
		adding("a"), // there already
		func(ctx context.Context, tx *db.Tx) error { check(t, adding("c")(ctx, tx)); panic("broken") },
		func(_ context.Context, tx *db.Tx) error {
			check(t, adding("d")(ctx, tx))
			cancel()
			return adding("e")(ctx, tx)
		},
		adding("f"),
	)
	for i, fails := range []bool{false, true, true, true, true, false} {
		if (results[i] != nil) != fails {
			t.Errorf("transaction %d: %v", i, results[i])
		}
	}
	if got := scan[string](t, d, `SELECT group_concat(id) FROM (SELECT id FROM folders ORDER BY id)`); got != "a,f" {
		t.Errorf("the store holds %s, want a,f", got)
	}
}

func TestWhoIsUndoneWithAnotherIsRunAgain(t *testing.T) {
	d := openFile(t, filepath.Join(t.TempDir(), "kakoi.db"), nil)
	defer d.Close()
	results := together(t, d,
		adding("before"),
		func(ctx context.Context, tx *db.Tx) error { // as SQLite does by itself when the disk is full
			_, err := tx.ExecContext(ctx, `ROLLBACK`)
			return errors.Join(err, errChangedMind)
		},
		adding("after"),
	)
	if results[0] != nil || !errors.Is(results[1], errChangedMind) || results[2] != nil {
		t.Errorf("got %v", results)
	}
	if got := scan[int](t, d, `SELECT count(*) FROM folders`); got != 2 {
		t.Errorf("%d of the 2 rows are there", got)
	}
}

func TestWhoFailsByARowOfAnotherHearsItWhenTheRowIsThere(t *testing.T) {
	d := openFile(t, filepath.Join(t.TempDir(), "kakoi.db"), nil)
	defer d.Close()
	for round := range 50 {
		id := fmt.Sprint(round)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				err := d.Transact(t.Context(), adding(id))
				if err != nil && !db.IsUniqueViolation(err) {
					t.Error(err)
				}
				if scan[int](t, d, `SELECT count(*) FROM folders WHERE id = $1`, id) != 1 {
					t.Errorf("told %v, and the row is not there", err)
				}
			})
		}
		wg.Wait()
	}
}

func TestWhoWaitsForTheWriterMayLeave(t *testing.T) {
	d := openFile(t, filepath.Join(t.TempDir(), "kakoi.db"), nil)
	defer d.Close()
	check(t, d.Transact(t.Context(), func(context.Context, *db.Tx) error {
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		defer cancel()
		left := make(chan error)
		go func() { left <- d.Transact(ctx, adding("a")) }()
		for db.Waiting(d) == 0 {
			if t.Context().Err() != nil {
				return t.Context().Err()
			}
		}
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		return nil
	}))
	check(t, d.Transact(t.Context(), adding("b")))
	if got := scan[string](t, d, `SELECT group_concat(id) FROM folders`); got != "b" {
		t.Errorf("the store holds %s, want b", got)
	}
}

// BenchmarkTransact is one transaction of many people at once.
func BenchmarkTransact(b *testing.B) {
	for _, people := range []int{1, 64} {
		b.Run(fmt.Sprintf("people=%d", people), func(b *testing.B) {
			d := openFile(b, filepath.Join(b.TempDir(), "kakoi.db"), nil)
			defer d.Close()
			b.SetParallelism(people)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := d.Transact(b.Context(), adding(db.NewID())); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
