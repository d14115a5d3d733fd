package audit_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
)

var start = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)

func TestAnEventCarriesItsActorAndItsRequest(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		l := audit.New(d, func() time.Time { return start })
		ctx := audit.WithActor(t.Context(), audit.Actor{AccountID: "a1", SessionID: "s1"})
		ctx = audit.WithRequest(ctx, audit.RequestInfo{ID: "r1", Address: "192.0.2.7", UserAgent: "Edge\r\nX: y\x00" + strings.Repeat("あ", 200)})
		if err := l.Record(ctx, audit.Event{Action: "group.create", Resource: audit.Resource{Kind: "group", ID: "g1"}, Details: map[string]string{"name": "税務課"}}); err != nil {
			t.Fatal(err)
		}
		page, err := l.List(ctx, audit.Filter{})
		if err != nil || len(page.Items) != 1 {
			t.Fatalf("List = %+v, %v, want one entry", page, err)
		}
		got := page.Items[0]
		if len(got.Request.UserAgent) > 256 || strings.ContainsAny(got.Request.UserAgent, "\r\n\x00\uFFFD") {
			t.Errorf("user agent %q is not bounded and printable", got.Request.UserAgent)
		}
		got.Request.UserAgent = ""
		want := audit.Entry{
			ID: got.ID, OccurredAt: start, ActorID: "a1", SessionID: "s1", Action: "group.create",
			Resource: audit.Resource{Kind: "group", ID: "g1"}, Outcome: audit.Success,
			Details: map[string]string{"name": "税務課"}, Request: audit.RequestInfo{ID: "r1", Address: "192.0.2.7"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("recorded entry (-want +got):\n%s", diff)
		}
	})
}

func TestAnEventFallsWithTheActItRecords(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		l := audit.New(d, time.Now)
		failed := errors.New("the act failed")
		err := d.Transact(t.Context(), func(ctx context.Context, _ *db.Tx) error {
			if err := l.Record(ctx, audit.Event{Action: "group.create", Resource: audit.Resource{Kind: "group"}}); err != nil {
				return err
			}
			return failed
		})
		if !errors.Is(err, failed) {
			t.Fatalf("Transact = %v, want the act's own error", err)
		}
		if page, err := l.List(t.Context(), audit.Filter{}); err != nil || len(page.Items) != 0 {
			t.Errorf("List = %d entries, %v, want none", len(page.Items), err)
		}
	})
}

func TestTheRecordCannotBeChanged(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		l := audit.New(d, time.Now)
		if err := l.Record(t.Context(), audit.Event{Action: "group.create", Resource: audit.Resource{Kind: "group"}}); err != nil {
			t.Fatal(err)
		}
		statements := []string{`UPDATE audit_events SET action = 'x'`, `DELETE FROM audit_events`}
		if d.Engine() == db.Postgres {
			statements = append(statements, `TRUNCATE audit_events`)
		}
		for _, statement := range statements {
			if _, err := d.ExecContext(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: %v, want it refused", statement, err)
			}
		}
	})
}

func TestAnIncompleteEventIsRefused(t *testing.T) {
	l := audit.New(dbtest.Open(t, db.SQLite), time.Now)
	many := map[string]string{}
	for i := range 33 {
		many[fmt.Sprint(i)] = "x"
	}
	for name, e := range map[string]audit.Event{
		"no action":        {Resource: audit.Resource{Kind: "group"}},
		"no kind":          {Action: "group.create"},
		"unknown outcome":  {Action: "group.create", Resource: audit.Resource{Kind: "group"}, Outcome: "maybe"},
		"too many details": {Action: "group.create", Resource: audit.Resource{Kind: "group"}, Details: many},
	} {
		if err := l.Record(t.Context(), e); err == nil {
			t.Errorf("%s: recorded, want an error", name)
		}
	}
}

func TestTheRecordIsReadNewestFirstPageByPage(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		now := start
		l := audit.New(d, func() time.Time { return now })
		for i := range 25 {
			now = start.Add(time.Duration(i/3) * time.Second) // several in the same millisecond
			action := []string{"account.create", "account_x.create", "group.create"}[i%3]
			e := audit.Event{Action: action, Resource: audit.Resource{Kind: "thing", ID: fmt.Sprint(i)}, ActorID: fmt.Sprint("actor", i%2)}
			if err := l.Record(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		ids := func(f audit.Filter) []string {
			t.Helper()
			var got []string
			for {
				page, err := l.List(t.Context(), f)
				if err != nil {
					t.Fatal(err)
				}
				if len(page.Items) > f.Limit {
					t.Fatalf("a page of %d has %d items", f.Limit, len(page.Items))
				}
				for _, e := range page.Items {
					got = append(got, e.Resource.ID)
				}
				if f.PageToken = page.NextPageToken; f.PageToken == "" {
					return got
				}
			}
		}
		var all, accounts []string
		for i := 24; i >= 0; i-- {
			all = append(all, fmt.Sprint(i))
			if i%3 == 0 {
				accounts = append(accounts, fmt.Sprint(i))
			}
		}
		for _, tt := range []struct {
			name   string
			filter audit.Filter
			want   []string
		}{
			{"everything", audit.Filter{Limit: 4}, all},
			{"everything in pages that come out even", audit.Filter{Limit: 5}, all},
			{"actions of one kind", audit.Filter{Action: "account.", Limit: 3}, accounts},
			{"one action", audit.Filter{Action: "account.create", Limit: 3}, accounts},
			{"one resource", audit.Filter{Resource: audit.Resource{Kind: "thing", ID: "7"}, Limit: 3}, []string{"7"}},
			{"one actor in a span of time", audit.Filter{ActorID: "actor0", From: start.Add(time.Second), To: start.Add(2 * time.Second), Limit: 3}, []string{"4"}},
			{"an outcome nobody had", audit.Filter{Outcome: audit.Denied, Limit: 3}, nil},
		} {
			t.Run(tt.name, func(t *testing.T) {
				if diff := cmp.Diff(tt.want, ids(tt.filter)); diff != "" {
					t.Errorf("ids (-want +got):\n%s", diff)
				}
			})
		}
		for _, token := range []string{"x", "!!", "MTIz", "YS5i", "MS4AAA"} {
			if _, err := l.List(t.Context(), audit.Filter{PageToken: token}); errs.CodeOf(err) != errs.InvalidInput {
				t.Errorf("List with page token %q = %v, want invalid_input", token, err)
			}
		}
	})
}
