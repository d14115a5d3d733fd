package db_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"kakoi/internal/db"
)

var errChangedMind = errors.New("changed my mind")

func TestATransactionIsKeptWholeOrNotAtAll(t *testing.T) {
	run(t, func(t *testing.T, d *db.DB) {
		insert := func(ctx context.Context, tx *db.Tx, id string) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO folders (id, total) VALUES ($1, 0)`, id)
			return err
		}
		check(t, d.Transact(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			return errors.Join(insert(ctx, tx, "a"), insert(ctx, tx, "b"))
		}))
		err := d.Transact(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			check(t, insert(ctx, tx, "c"))
			return errChangedMind
		})
		if !errors.Is(err, errChangedMind) {
			t.Errorf("got %v", err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic is swallowed")
				}
			}()
			_ = d.Transact(t.Context(), func(ctx context.Context, tx *db.Tx) error {
				check(t, insert(ctx, tx, "d"))
				panic("broken")
			})
		}()
		ctx, cancel := context.WithCancel(t.Context())
		err = d.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
			check(t, insert(ctx, tx, "e"))
			cancel()
			return nil
		})
		if err == nil {
			t.Error("a cancelled transaction is committed")
		}
		if got := scan[int](t, d, `SELECT count(*) FROM folders`); got != 2 {
			t.Errorf("%d rows, want the 2 of the transaction that ended well", got)
		}
	})
}

func TestCallsOnTheStoreTakePartInTheTransactionOfTheirContext(t *testing.T) {
	run(t, func(t *testing.T, d *db.DB) {
		err := d.Transact(t.Context(), func(ctx context.Context, _ *db.Tx) error {
			if _, err := d.ExecContext(ctx, `INSERT INTO folders (id, total) VALUES ('a', 7)`); err != nil {
				return err
			}
			var total int
			if err := d.QueryRowContext(ctx, `SELECT total FROM folders`).Scan(&total); err != nil || total != 7 {
				t.Errorf("the transaction does not see its own row: %d, %v", total, err)
			}
			rows, err := d.QueryContext(ctx, `SELECT total FROM folders`)
			if err != nil {
				return err
			}
			defer rows.Close()
			if !rows.Next() {
				t.Error("the transaction does not see its own rows")
			}
			return errors.Join(rows.Err(), errChangedMind)
		})
		if !errors.Is(err, errChangedMind) {
			t.Fatal(err)
		}
		if got := scan[int](t, d, `SELECT count(*) FROM folders`); got != 0 {
			t.Error("the row outlived the transaction it was part of")
		}
	})
}

func TestANestedTransactionUndoesOnlyItself(t *testing.T) {
	run(t, func(t *testing.T, d *db.DB) {
		insert := func(ctx context.Context, id string) error {
			_, err := d.ExecContext(ctx, `INSERT INTO folders (id, total) VALUES ($1, 0)`, id)
			return err
		}
		check(t, d.Transact(t.Context(), func(ctx context.Context, _ *db.Tx) error {
			check(t, insert(ctx, "outer"))
			err := d.Transact(ctx, func(ctx context.Context, _ *db.Tx) error {
				check(t, insert(ctx, "undone"))
				return insert(ctx, "outer") // breaks the transaction on PostgreSQL, up to the savepoint
			})
			if !db.IsUniqueViolation(err) {
				t.Errorf("got %v", err)
			}
			return d.Transact(ctx, func(ctx context.Context, _ *db.Tx) error {
				return d.Transact(ctx, func(ctx context.Context, _ *db.Tx) error { return insert(ctx, "inner") })
			})
		}))
		if got := scan[int](t, d, `SELECT count(*) FROM folders WHERE id IN ('outer', 'inner')`); got != 2 {
			t.Errorf("%d of the 2 rows are there", got)
		}
		if got := scan[int](t, d, `SELECT count(*) FROM folders`); got != 2 {
			t.Errorf("%d rows, want 2", got)
		}
	})
}

func TestTransactionsBehaveAsIfOneFollowedTheOther(t *testing.T) {
	run(t, func(t *testing.T, d *db.DB) {
		exec(t, d, `INSERT INTO folders (id, total) VALUES ('counter', 0), ('guard-1', 1), ('guard-2', 1)`)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 20 {
					err := d.Transact(t.Context(), func(ctx context.Context, tx *db.Tx) error {
						var total int
						if err := tx.QueryRowContext(ctx, `SELECT total FROM folders WHERE id = 'counter'`).Scan(&total); err != nil {
							return err
						}
						_, err := tx.ExecContext(ctx, `UPDATE folders SET total = $1 WHERE id = 'counter'`, total+1)
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if got := scan[int](t, d, `SELECT total FROM folders WHERE id = 'counter'`); got != 160 {
			t.Errorf("counted to %d, want 160", got)
		}

		// Each may leave only if the other stays: neither sees the other's
		// write, and yet they must not both go.
		for i := range 2 {
			wg.Go(func() {
				err := d.Transact(t.Context(), func(ctx context.Context, tx *db.Tx) error {
					var guards int
					if err := tx.QueryRowContext(ctx, `SELECT sum(total) FROM folders WHERE id LIKE 'guard-%'`).Scan(&guards); err != nil {
						return err
					}
					if guards < 2 {
						return nil
					}
					_, err := tx.ExecContext(ctx, `UPDATE folders SET total = 0 WHERE id = $1`, fmt.Sprintf("guard-%d", i+1))
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := scan[int](t, d, `SELECT sum(total) FROM folders WHERE id LIKE 'guard-%'`); got != 1 {
			t.Errorf("%d guards are left, want 1", got)
		}
	})
}

func TestTransactionsByKeyDoNotMeetWhereTheyOnlyStandSideBySide(t *testing.T) {
	run(t, func(t *testing.T, d *db.DB) {
		exec(t, d, `INSERT INTO folders (id, total) VALUES ('counter', 0)`)
		var attempts atomic.Int64
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for range 20 {
					err := d.TransactByKey(t.Context(), func(ctx context.Context, tx *db.Tx) error {
						attempts.Add(1)
						id := db.NewID()
						if _, err := tx.ExecContext(ctx, `INSERT INTO folders (id, total) VALUES ($1, 0)`, id); err != nil {
							return err
						}
						if _, err := tx.ExecContext(ctx, `UPDATE folders SET total = total + 1 WHERE id = $1`, id); err != nil {
							return err
						}
						_, err := tx.ExecContext(ctx, `UPDATE folders SET total = total + 1 WHERE id = 'counter'`)
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if got := scan[int](t, d, `SELECT total FROM folders WHERE id = 'counter'`); got != 320 {
			t.Errorf("counted to %d, want 320", got)
		}
		if got := attempts.Load(); got != 320 {
			t.Errorf("%d attempts for 320 transactions", got)
		}
	})
}
