package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/config"
	"kakoi/internal/db"
	"kakoi/internal/doctor"
	"kakoi/internal/egress"
	"kakoi/internal/errs"
	"kakoi/internal/model/modeltest/openaifake"
	"kakoi/internal/sse"
)

func TestForbiddenHostsAreRefusedBeforeAnythingLeaves(t *testing.T) {
	c := newClinic(t, db.SQLite)
	c.healthy()
	c.openai(c.serveHTTP((&openaifake.Server{}).ServeHTTP)+"/v1", nil)
	c.question = doctor.Question{Quick: true}
	steps := c.examine()
	i := slices.IndexFunc(steps, func(s doctor.Step) bool { return s.Name == "forbidden" })
	if i < 0 || steps[i].Status != doctor.OK {
		t.Fatalf("steps %+v", steps)
	}
	if n := c.names.asked.Load(); n != 0 {
		t.Errorf("%d names were asked for", n)
	}
	refused := 0
	for _, r := range c.gate.Snapshot() {
		if r.Purpose == "doctor" && (r.Dials != 0 || r.BytesSent != 0 || r.Refusals == 0) {
			t.Errorf("the ledger has %+v", r)
		} else if r.Purpose == "doctor" {
			refused++
		}
	}
	if refused < 5 {
		t.Errorf("the ledger has %d hosts that were refused", refused)
	}
}

// The gate of a closed network keeps everybody in, the doctor too. Whether the
// network would do without it shows only if the gate lets the doctor try.
func TestAClosedGateDoesNotAnswerForTheNetwork(t *testing.T) {
	c := newClinic(t, db.SQLite)
	c.healthy()
	gate := egress.New(egress.Options{Resolver: c.names.resolver(), Network: egress.Network{Closed: true}})
	c.names.set("outside.test", "203.0.113.9")
	c.o.Gate, c.o.Forbidden, c.o.Patience = gate, []string{"outside.test:9"}, 50*time.Millisecond
	c.question.Outside = true
	c.examine()
	tried := egress.Record{}
	for _, r := range gate.Snapshot() {
		if r.Destination == "outside.test:9" {
			tried = r
		}
	}
	if tried.Dials != 1 || tried.BytesSent != 0 {
		t.Errorf("the ledger has %+v", tried)
	}
}

func TestTheCommandKeepsToTheNetworkAndTheRecord(t *testing.T) {
	c := newClinic(t, db.SQLite)
	c.healthy()
	c.openai("http://203.0.113.9:9/v1", nil)
	c.cfg.Network.Closed = true
	steps, err := commanded(t, c.cfg, DoctorCommand{Quick: true, Version: "9.9"})
	if err != nil || steps["connect"].Code != doctor.Code(egress.TroubleDenied) {
		t.Errorf("%+v, %v", steps["connect"], err)
	}
	from, to := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	went, err := egress.Summaries(t.Context(), c.store, from, to)
	if err != nil || !slices.ContainsFunc(went, func(s egress.Summary) bool { return s.Destination == "203.0.113.9:9" && s.Refusals > 0 }) {
		t.Errorf("the record has %+v, %v", went, err)
	}
	watches, err := egress.Watches(t.Context(), c.store, from, to)
	if err != nil || len(watches) != 1 || !watches[0].Ended || watches[0].Version != "9.9" {
		t.Errorf("the record was kept by %+v, %v", watches, err)
	}
}

func TestTheNetworksOwnRangesAreNotOutside(t *testing.T) {
	c := newClinic(t, db.SQLite)
	c.healthy()
	c.openai("http://llm.test:9/v1", nil)
	c.o.Gate = feigned{Gate: c.gate, public: true}
	c.o.OwnRanges = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
	for _, s := range c.examine() {
		if s.Name == "resolve" && s.Status != doctor.OK {
			t.Errorf("%+v", s)
		}
	}
}

func TestAnOpenNetworkPromisesNothing(t *testing.T) {
	c := newClinic(t, db.SQLite)
	c.healthy()
	c.o.Closed = false
	if steps := c.examine(); slices.ContainsFunc(steps, func(s doctor.Step) bool { return s.Group == doctor.Closed }) {
		t.Errorf("steps %+v", steps)
	}
}

func TestOneExaminationRunsAtATimeAndEndsWithItsReader(t *testing.T) {
	c := newClinic(t, db.SQLite)
	c.healthy()
	d := doctor.New(c.o)
	first, err := d.Examine(c.admin, doctor.Question{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Examine(c.admin, doctor.Question{}); errs.CodeOf(err) != errs.RateLimited {
		t.Errorf("a second examination: %v", err)
	}
	told := 0
	for range first {
		if told++; told == 2 {
			break
		}
	}
	second, err := d.Examine(c.admin, doctor.Question{})
	if err != nil {
		t.Fatalf("after the first: %v", err)
	}
	if n := len(slices.Collect(second)); n < 8 || told != 2 {
		t.Errorf("%d steps after %d", n, told)
	}
	if _, err := d.Examine(t.Context(), doctor.Question{}); errs.CodeOf(err) != errs.Unauthenticated {
		t.Errorf("nobody: %v", err)
	}
	member := access.WithPrincipal(t.Context(), access.Principal{AccountID: "m"})
	if _, err := d.Examine(member, doctor.Question{}); errs.CodeOf(err) != errs.Forbidden {
		t.Errorf("a member: %v", err)
	}
	if _, err := d.Examine(c.admin, doctor.Question{ConnectionID: "x"}); errs.CodeOf(err) != errs.NotFound {
		t.Errorf("no such connection: %v", err)
	}
}

// What panics over what a server has answered must not end everybody's answers.
func TestAnExaminationThatPanicsEndsAlone(t *testing.T) {
	c := newClinic(t, db.SQLite)
	c.healthy()
	c.o.Room = func(string) (uint64, uint64, error) { panic("no such disk") }
	d := doctor.New(c.o)
	steps, err := heard(c.admin, d, doctor.Question{})
	if err != nil {
		t.Fatal(err)
	}
	var told int
	var failed error
	for _, err := range steps {
		if told++; err != nil {
			failed = err
		}
	}
	if told != 2 || failed == nil || !strings.Contains(failed.Error(), "no such disk") {
		t.Errorf("%d steps, %v", told, failed)
	}
	if _, err := heard(c.admin, d, doctor.Question{}); err != nil {
		t.Errorf("the next: %v", err)
	}
}

// stepsIn reads the events of an examination.
func stepsIn(t *testing.T, text []byte) (steps []DoctorStep, done bool) {
	t.Helper()
	for event, err := range sse.Read(bytes.NewReader(text)) {
		if err != nil {
			t.Fatal(err)
		}
		var e doctorEvent
		unmarshal(t, event.Data, &e)
		if e.Step != nil {
			steps = append(steps, *e.Step)
		}
		done = e.Type == "done"
	}
	return steps, done
}

func TestAnExaminationIsStreamedAndRecorded(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		resp, text := h.admin.do(h.admin.request("POST", doctorPath, map[string]any{}))
		steps, done := stepsIn(t, text)
		if resp.Header.Get("Content-Type") != "text/event-stream" || !done || len(steps) < 12 {
			t.Fatalf("%s, done %v: %s", resp.Status, done, text)
		}
		for _, want := range []string{"store", "key", "forbidden", "connect", "answer", "stream"} {
			if !slices.ContainsFunc(steps, func(s DoctorStep) bool { return s.Name == want && s.Status == doctor.OK }) {
				t.Errorf("no step %s has passed: %+v", want, steps)
			}
		}
		events, err := h.audit.List(context.WithoutCancel(t.Context()), audit.Filter{Limit: 50})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(events.Items, func(e audit.Entry) bool { return e.Action == "doctor.run" })
		if i < 0 || events.Items[i].Details["failed"] != "0" || events.Items[i].Request.ID == "" {
			t.Errorf("the audit trail has %+v", events.Items)
		}
		if resp, text := h.admin.do(h.admin.request("POST", doctorPath, map[string]any{"connectionId": "nothing"})); resp.StatusCode != http.StatusNotFound {
			t.Errorf("no such connection: %s", text)
		}
	})
}

// commanded runs the command line's examination.
func commanded(t *testing.T, cfg config.Config, c DoctorCommand) (map[string]DoctorStep, error) {
	t.Helper()
	steps := map[string]DoctorStep{}
	err := Doctor(t.Context(), cfg, slog.New(slog.DiscardHandler), c, func(s DoctorStep) error {
		steps[s.Name] = s
		return nil
	})
	return steps, err
}

func TestTheCommandExaminesBesideTheServerAndWithoutIt(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		steps, err := commanded(t, h.cfg, DoctorCommand{})
		if err != nil || steps["store"].Status != doctor.OK || steps["stream"].Status != doctor.OK || steps["stream"].ConnectionName != "局所" {
			t.Errorf("beside the server: %+v, %v", steps, err)
		}
		if steps, err := commanded(t, h.cfg, DoctorCommand{Connection: "局所", Quick: true}); err != nil || steps["answer"].Code != doctor.SkippedQuick || steps["store"].Name != "" {
			t.Errorf("one connection: %+v, %v", steps, err)
		}
		if _, err := commanded(t, h.cfg, DoctorCommand{Connection: "大阪"}); errs.CodeOf(err) != errs.NotFound {
			t.Errorf("no such connection: %v", err)
		}
		events, err := h.audit.List(context.WithoutCancel(t.Context()), audit.Filter{Limit: 50})
		if err != nil || !slices.ContainsFunc(events.Items, func(e audit.Entry) bool { return e.Action == "doctor.run" && e.ActorID == operator.AccountID }) {
			t.Errorf("the audit trail has %+v, %v", events.Items, err)
		}
	})
	t.Run("before the first start", func(t *testing.T) {
		cfg := settings(t, db.SQLite, nil)
		steps, err := commanded(t, cfg, DoctorCommand{})
		if err != nil || steps["store"].Code != doctor.StoreMissing || steps["key"].Code != doctor.KeyMissing || steps["forbidden"].Status != doctor.OK {
			t.Errorf("%+v, %v", steps, err)
		}
		if _, err := os.Stat(cfg.DatabaseURL()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("it has made a database: %v", err)
		}
		if _, err := commanded(t, cfg, DoctorCommand{Connection: "局所"}); errs.CodeOf(err) != errs.Unavailable {
			t.Errorf("a connection: %v", err)
		}
	})
	t.Run("before an upgrade", func(t *testing.T) {
		c := newClinic(t, db.SQLite)
		if _, err := c.store.ExecContext(t.Context(), `DELETE FROM schema_migrations WHERE version > 3`); err != nil {
			t.Fatal(err)
		}
		steps, err := commanded(t, c.cfg, DoctorCommand{})
		if err != nil || steps["store"].Code != doctor.StoreSchema || !strings.Contains(steps["store"].Detail, "older") {
			t.Errorf("%+v, %v", steps, err)
		}
		if version, err := c.store.SchemaVersion(t.Context()); err != nil || version != 3 {
			t.Errorf("it has upgraded the database to %d, %v", version, err)
		}
	})
}
