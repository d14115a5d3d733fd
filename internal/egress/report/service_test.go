package report

import (
	"context"
	"sync"
	"testing"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/dsse"
	"kakoi/internal/egress"
	"kakoi/internal/errs"
	"kakoi/internal/secret"
	"kakoi/internal/secret/secrettest"
)

func open(t *testing.T, d *db.DB, key secret.MasterKey) *Service {
	t.Helper()
	now := func() time.Time { return at(22, 3, 0) }
	return New(Options{
		DB: d, Secrets: secret.New(key), Audit: audit.New(d, now), Version: "1.0", Now: now, Network: egress.Network{Closed: true},
		Declared: func(context.Context) ([]egress.Declaration, error) {
			return []egress.Declaration{{Purpose: "model:1", Name: "東京", Destinations: []string{"llm.example:443"}}}, nil
		},
	})
}

func as(t *testing.T, role access.RoleID) context.Context {
	t.Helper()
	return access.WithPrincipal(t.Context(), access.Principal{AccountID: "hanako", Rights: access.Rights(role)})
}

func insert(t *testing.T, d *db.DB, node, destination string, hour time.Time, dials, refusals int64) {
	t.Helper()
	_, err := d.ExecContext(t.Context(), `
		INSERT INTO egress_records (node, purpose, destination, hour, dials, failures, refusals, bytes_sent, bytes_received)
		VALUES ($1, 'model:1', $2, $3, $4, 0, $5, 1000, 2000)`, node, destination, hour.UnixMilli(), dials, refusals)
	if err != nil {
		t.Fatal(err)
	}
}

func TestASignedReportHoldsTheMonthOfAllNodes(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s := open(t, d, secrettest.NewKey(t))
		first := time.Date(2026, 10, 31, 15, 0, 0, 0, time.UTC) // midnight of the 1st in Japan
		insert(t, d, "a", "llm.example:443", first.Add(-time.Hour), 100, 0)
		insert(t, d, "a", "llm.example:443", first, 1, 0)
		insert(t, d, "b", "llm.example:443", at(3, 0, 0), 2, 0)
		insert(t, d, "b", "Telemetry.example:443", at(4, 0, 0), 0, 7)
		_, err := d.ExecContext(t.Context(), `INSERT INTO egress_watches (node, version, started_at, seen_at, ended) VALUES ('a', '1.0', $1, $2, 1)`, first.UnixMilli(), at(22, 3, 0).UnixMilli())
		if err != nil {
			t.Fatal(err)
		}
		file, err := s.Signed(as(t, access.Administrator), "2026-11")
		if err != nil {
			t.Fatal(err)
		}
		public, err := s.PublicKey(as(t, access.Administrator))
		if err != nil {
			t.Fatal(err)
		}
		key, err := dsse.ParseKey(public.PEM)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Verify(file, key)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Destinations) != 2 || r.Destinations[0].Destination != "Telemetry.example:443" || r.Destinations[1].Dials != 3 || r.Destinations[1].Name != "東京" ||
			r.Destinations[1].BytesReceived != 4000 || !r.Destinations[1].First.Equal(first) || !r.Destinations[1].Last.Equal(at(3, 0, 0)) {
			t.Errorf("destinations: %+v", r.Destinations)
		}
		if r.Total != (Amounts{3, 0, 7, 3000, 6000}) || len(r.Watches) != 1 || len(r.Gaps) != 0 || len(r.Unwatched) != 1 || r.Unwatched[0] != "b" {
			t.Errorf("total %+v, watches %+v, gaps %+v, unwatched %q", r.Total, r.Watches, r.Gaps, r.Unwatched)
		}
		if read, month, err := s.Read(as(t, access.Administrator), ""); err != nil || read.Month != "2026-11" || month != "2026-10" {
			t.Errorf("read %s since %s, %v", read.Month, month, err)
		}
		log, err := audit.New(d, time.Now).List(t.Context(), audit.Filter{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		actions := map[string]int{}
		for _, e := range log.Items {
			actions[e.Action]++
		}
		if actions["egress.key_create"] != 1 || actions["egress.report"] != 1 {
			t.Errorf("audited %v", actions)
		}
	})
}

func TestOnlyAdministratorsReadWhatLeft(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s := open(t, d, secrettest.NewKey(t))
		for name, ctx := range map[string]context.Context{"a member": as(t, access.Member), "nobody": t.Context()} {
			_, _, readErr := s.Read(ctx, "2026-11")
			_, signErr := s.Signed(ctx, "2026-11")
			_, keyErr := s.PublicKey(ctx)
			for what, err := range map[string]error{"read": readErr, "sign": signErr, "key": keyErr} {
				if code := errs.CodeOf(err); code != errs.Forbidden && code != errs.Unauthenticated {
					t.Errorf("%s, %s: %v", name, what, err)
				}
			}
		}
		if _, err := s.Signed(as(t, access.Administrator), "2026-12"); errs.CodeOf(err) != errs.InvalidInput {
			t.Errorf("a month to come: %v", err)
		}
	})
}

func TestTheSigningKeyIsMadeOnceAndOfOneMasterKey(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		master := secrettest.NewKey(t)
		prints := make([]string, 4)
		var done sync.WaitGroup
		for i := range prints {
			done.Go(func() { // as nodes that start together
				key, err := open(t, d, master).PublicKey(as(t, access.Administrator))
				if err != nil {
					t.Error(err)
				}
				prints[i] = key.Fingerprint
			})
		}
		done.Wait()
		for _, p := range prints {
			if p == "" || p != prints[0] {
				t.Errorf("fingerprints %q", prints)
			}
		}
		other, err := open(t, d, secrettest.NewKey(t)).PublicKey(as(t, access.Administrator))
		if err != nil || other.Fingerprint == prints[0] {
			t.Errorf("under another master key: %s, %v", other.Fingerprint, err)
		}
		var sealed []byte
		if err := d.QueryRowContext(t.Context(), `SELECT sealed FROM egress_report_keys LIMIT 1`).Scan(&sealed); err != nil || len(sealed) <= 32 {
			t.Errorf("stored are %d bytes, %v", len(sealed), err)
		}
		if _, err := d.ExecContext(t.Context(), `UPDATE egress_report_keys SET sealed = $1`, []byte("damaged")); err != nil {
			t.Fatal(err)
		}
		if _, err := open(t, d, master).Signed(as(t, access.Administrator), "2026-11"); errs.CodeOf(err) != errs.SecretUnreadable {
			t.Errorf("a damaged key: %v", err)
		}
	})
}
