package egress

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
)

func TestTheRecordOfAnHourAddsUpOverFlushesAndNodes(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		clock := time.Date(2026, 4, 1, 9, 59, 0, 0, time.UTC)
		now := func() time.Time { return clock }
		dial := func(g *Gate, n int) {
			for range n {
				conn, err := g.DialContext("database", ln.Addr().String())(t.Context(), "tcp", ln.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := conn.Write([]byte("12345")); err != nil {
					t.Fatal(err)
				}
				conn.Close()
			}
		}
		first, second := New(Options{}), New(Options{})
		a := NewRecorder(first, d, audit.New(d, now), "a", "1.0", now, slog.New(slog.DiscardHandler))
		b := NewRecorder(second, d, audit.New(d, now), "b", "1.0", now, slog.New(slog.DiscardHandler))
		flush := func(r *Recorder) {
			t.Helper()
			if err := r.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		dial(first, 2)
		flush(a)
		flush(a) // nothing new: nothing added
		dial(first, 1)
		flush(a)
		dial(second, 5)
		flush(b)
		clock = clock.Add(time.Minute) // the next hour
		dial(first, 1)
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		if err := a.Flush(cancelled); err == nil {
			t.Error("a flush that cannot write reports nothing")
		}
		a.Run(cancelled) // ends at once, with a last flush that does write

		type row struct {
			node        string
			hour        int64
			dials, sent int64
		}
		var got []row
		rows, err := d.QueryContext(t.Context(), `SELECT node, hour, dials, bytes_sent FROM egress_records ORDER BY node, hour`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var r row
			if err := rows.Scan(&r.node, &r.hour, &r.dials, &r.sent); err != nil {
				t.Fatal(err)
			}
			got = append(got, r)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		nine := time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC).UnixMilli()
		ten := time.Date(2026, 4, 1, 10, 0, 0, 0, time.UTC).UnixMilli()
		want := []row{{"a", nine, 3, 15}, {"a", ten, 1, 5}, {"b", nine, 5, 25}}
		if len(got) != len(want) {
			t.Fatalf("rows = %+v, want %+v", got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("row %d = %+v, want %+v", i, got[i], want[i])
			}
		}
	})
}

func TestItIsOnRecordWhoKeptTheRecordUntilWhen(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		start := time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)
		clock := start
		now := func() time.Time { return clock }
		kept := func(name string) *Recorder {
			return NewRecorder(New(Options{}), d, audit.New(d, now), name, "1.0", now, slog.New(slog.DiscardHandler))
		}
		a, b := kept("a"), kept("b")
		clock = clock.Add(30 * time.Second)
		if err := a.Flush(t.Context()); err != nil { // nothing went out, which is on record
			t.Fatal(err)
		}
		clock = clock.Add(30 * time.Second)
		ended, end := context.WithCancel(t.Context())
		end()
		b.Run(ended)
		got, err := Watches(t.Context(), d, start, start.Add(time.Hour))
		want := []Watch{{"a", "1.0", start, start.Add(30 * time.Second), false}, {"b", "1.0", start, start.Add(time.Minute), true}}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("watches %+v, %v; want %+v", got, err, want)
		}
		for _, span := range [][2]time.Time{{start.Add(-time.Hour), start}, {start.Add(2 * time.Minute), start.Add(time.Hour)}} {
			if got, err := Watches(t.Context(), d, span[0], span[1]); err != nil || len(got) != 0 {
				t.Errorf("from %s to %s: %+v, %v", span[0], span[1], got, err)
			}
		}
		if first, err := FirstHour(t.Context(), d); err != nil || !first.IsZero() {
			t.Errorf("nothing went out, but the first hour is %s, %v", first, err)
		}
	})
}

func TestRefusalsAreOneAuditEventOfADestination(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		gate := New(Options{})
		now := func() time.Time { return time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC) }
		r := NewRecorder(gate, d, audit.New(d, now), "a", "1.0", now, slog.New(slog.DiscardHandler))
		dial := gate.DialContext("model:1", "llm.example:443")
		for range 3 {
			if _, err := dial(t.Context(), "tcp", "telemetry.example:443"); err == nil {
				t.Fatal("an undeclared destination was dialled")
			}
		}
		for range 2 { // what is written is not written again
			if err := r.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		rows, err := d.QueryContext(t.Context(), `SELECT action, resource_id, outcome, details FROM audit_events`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var got []string
		for rows.Next() {
			var action, id, outcome, details string
			if err := rows.Scan(&action, &id, &outcome, &details); err != nil {
				t.Fatal(err)
			}
			got = append(got, action+" "+id+" "+outcome+" "+details)
		}
		want := `egress.refuse telemetry.example:443 denied {"node":"a","purpose":"model:1","refusals":"3"}`
		if err := rows.Err(); err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	})
}

// A server may redirect to any name at all, which must not keep what else went
// out from being recorded.
func TestARefusedNameOfAnyLengthIsRecorded(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		var to string
		ln := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}))
		defer ln.Close()
		gate := New(Options{})
		client, err := gate.Client(Spec{Purpose: "model:1", Allow: []string{ln.Listener.Addr().String()}})
		if err != nil {
			t.Fatal(err)
		}
		random := make([]byte, 20_000)
		_, _ = rand.Read(random)
		for _, host := range []string{hex.EncodeToString(random), "%ff%fe", strings.Repeat("あ", 400), "x." + strings.Repeat("%E3%81%82.", 300) + "jp", "x:" + strings.Repeat("9", 9000)} {
			to = "http://" + host + "/"
			_, err := client.Get(ln.URL)
			if f := Classify(err); f.Code != errs.EgressDenied || len(f.Message) > 1000 {
				t.Errorf("%d bytes of %v, %.100q", len(f.Message), f.Code, f.Message)
			}
		}
		recorder := NewRecorder(gate, d, audit.New(d, time.Now), "a", "1.0", time.Now, slog.New(slog.DiscardHandler))
		if err := recorder.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		list, err := Summaries(t.Context(), d, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		refusals := int64(0)
		for _, s := range list {
			if len(s.Destination) > 300 {
				t.Errorf("%d bytes of a destination", len(s.Destination))
			}
			refusals += s.Refusals
		}
		if refusals != 5 {
			t.Errorf("%d refusals in %d rows", refusals, len(list))
		}
	})
}

// Names that a server makes up leave room in the record for those that are reached.
func TestRefusalsLeaveRoomForWhatGoesOut(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	g := New(Options{})
	dial := g.DialContext("model:1", ln.Addr().String())
	for i := range 2 * maxFlows {
		if _, err := dial(t.Context(), "tcp", fmt.Sprintf("h%d.example:443", i)); errs.CodeOf(err) != errs.EgressDenied {
			t.Fatal(err)
		}
	}
	conn, err := dial(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if r := record(t, g, "model:1", ln.Addr().String()); r.Dials != 1 {
		t.Errorf("record = %+v", r)
	}
	if r := record(t, g, otherFlowName, otherFlowName); r.Refusals < maxFlows {
		t.Errorf("of the others %+v", r)
	}
}
