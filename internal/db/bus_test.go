package db_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
)

// next returns the next message, or fails after a while.
func next(t *testing.T, ch <-chan string) string {
	t.Helper()
	select {
	case m, ok := <-ch:
		if !ok {
			t.Fatal("the subscription has ended")
		}
		return m
	case <-time.After(20 * time.Second):
		t.Fatal("nothing arrives")
	}
	return ""
}

func TestASubscriberHearsItsChannelInOrder(t *testing.T) {
	run(t, func(t *testing.T, d *db.DB) {
		mine, stop := d.Subscribe("runs:1")
		defer stop()
		other, stopOther := d.Subscribe("runs:2")
		defer stopOther()
		for _, m := range []string{"a", "b", "改行\nも"} {
			check(t, d.Publish(t.Context(), "runs:1", m))
		}
		check(t, d.Publish(t.Context(), "runs:2", "x"))
		if got := next(t, mine) + next(t, mine) + next(t, mine); got != "ab改行\nも" {
			t.Errorf("got %q", got)
		}
		if got := next(t, other); got != "x" {
			t.Errorf("the other channel got %q", got)
		}
	})
}

func TestNothingIsHeardOfATransactionThatWasUndone(t *testing.T) {
	run(t, func(t *testing.T, d *db.DB) {
		ch, stop := d.Subscribe("c")
		defer stop()
		_ = d.Transact(t.Context(), func(ctx context.Context, _ *db.Tx) error {
			check(t, d.Publish(ctx, "c", "undone"))
			return errChangedMind
		})
		check(t, d.Transact(t.Context(), func(ctx context.Context, _ *db.Tx) error {
			check(t, d.Publish(ctx, "c", "kept"))
			err := d.Transact(ctx, func(ctx context.Context, _ *db.Tx) error {
				return errors.Join(d.Publish(ctx, "c", "undone"), errChangedMind)
			})
			if !errors.Is(err, errChangedMind) {
				t.Error(err)
			}
			if len(ch) != 0 {
				t.Error("heard before the commit")
			}
			return nil
		}))
		if got := next(t, ch); got != "kept" {
			t.Errorf("got %q", got)
		}
	})
}

func TestASlowReaderIsToldThatItMissedSomething(t *testing.T) {
	run(t, func(t *testing.T, d *db.DB) {
		slow, stop := d.Subscribe("c")
		defer stop()
		other, stopOther := d.Subscribe("end")
		defer stopOther()
		for range db.SubscriberBuffer + 50 {
			check(t, d.Publish(t.Context(), "c", "m"))
		}
		check(t, d.Publish(t.Context(), "end", "m"))
		next(t, other) // everything before has been delivered or dropped
		for range db.SubscriberBuffer - 1 {
			if got := next(t, slow); got != "m" {
				t.Fatalf("got %q", got)
			}
		}
		if got := next(t, slow); got != "" {
			t.Errorf("after the buffer: got %q, want the mark that something is missing", got)
		}
		check(t, d.Publish(t.Context(), "c", "later"))
		if got := next(t, slow); got != "later" {
			t.Errorf("got %q", got)
		}
	})
}

func TestASubscriptionEndsOnceAndWithTheStore(t *testing.T) {
	run(t, func(t *testing.T, d *db.DB) {
		ch, stop := d.Subscribe("c")
		stop()
		stop()
		if _, open := <-ch; open {
			t.Error("still open")
		}
		ch, stop = d.Subscribe("c")
		check(t, d.Close())
		if _, open := <-ch; open {
			t.Error("still open after the store is closed")
		}
		stop()
		ch, _ = d.Subscribe("c")
		if _, open := <-ch; open {
			t.Error("a closed store gives an open subscription")
		}
	})
}

func TestWhatCannotBePublishedIsRefused(t *testing.T) {
	run(t, func(t *testing.T, d *db.DB) {
		for name, m := range map[string][2]string{
			"no channel":          {"", "m"},
			"a channel of lines":  {"a\nb", "m"},
			"a long channel":      {strings.Repeat("c", 201), "m"},
			"nothing":             {"c", ""},
			"more than it allows": {"c", strings.Repeat("m", 7001)},
		} {
			if err := d.Publish(t.Context(), m[0], m[1]); err == nil {
				t.Errorf("%s is accepted", name)
			}
		}
		ch, stop := d.Subscribe("c")
		defer stop()
		most := strings.Repeat("m", 7000)
		check(t, d.Publish(t.Context(), "c", most))
		if got := next(t, ch); got != most {
			t.Errorf("got %d bytes of %d", len(got), len(most))
		}
	})
}

func TestNodesHearEachOther(t *testing.T) {
	dbURL := dbtest.EmptyURL(t, db.Postgres)
	one, two := open(t, dbURL), open(t, dbURL)
	ch, stop := one.Subscribe("c")
	defer stop()
	check(t, two.Publish(t.Context(), "c", "from two"))
	if got := next(t, ch); got != "from two" {
		t.Errorf("got %q", got)
	}
}

func TestALostConnectionIsMadeAgainAndSubscribersAreTold(t *testing.T) {
	d := open(t, dbtest.EmptyURL(t, db.Postgres))
	ch, stop := d.Subscribe("c")
	defer stop()
	const kill = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`
	if got := scan[int](t, d, kill); got != 1 {
		t.Fatalf("%d connections listen, want 1", got)
	}
	if got := next(t, ch); got != "" {
		t.Errorf("got %q, want the mark that something may be missing", got)
	}
	check(t, d.Publish(t.Context(), "c", "again"))
	if got := next(t, ch); got != "again" {
		t.Errorf("got %q", got)
	}
}
