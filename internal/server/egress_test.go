package server

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/dsse"
	"kakoi/internal/egress/report"
	"kakoi/internal/errs"
	"kakoi/internal/jst"
)

func (p *person) file(path string) (int, http.Header, []byte) {
	p.h.t.Helper()
	resp, text := p.do(p.request("GET", path, nil))
	return resp.StatusCode, resp.Header, text
}

func TestAdministratorsSeeWhatLeftAndTakeItAlongSigned(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		ben := h.resident("ben")
		begun := ben.asks("[[say hello]]")
		ben.follows("/runs/"+begun.Answers[0].RunID+"/events", "").rest()
		for range 2 { // as the recorder does from time to time
			if err := h.recorder.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		var month egressMonth
		h.admin.must("GET", "/admin/egress", nil, &month)
		upstream := strings.TrimPrefix(h.upstream, "http://")
		var to *egressDestination
		for i, d := range month.Destinations {
			if d.Destination == upstream && strings.HasPrefix(d.Purpose, "model:") {
				to = &month.Destinations[i]
			}
		}
		if to == nil || to.Name != "局所" || to.Amounts.Dials < 1 || to.Amounts.BytesSent == 0 || to.Amounts.BytesReceived == 0 || to.First.After(time.Now()) {
			t.Fatalf("destinations: %+v", month.Destinations)
		}
		want := time.Now().In(jst.Zone).Format("2006-01")
		if month.Month != want || month.FirstMonth != want || month.Complete || !month.Network.Closed || len(month.Watches) != 1 || month.Watches[0].End != report.EndRunning {
			t.Errorf("month: %+v", month)
		}
		allowed := map[string]bool{}
		for _, a := range month.Allowed {
			allowed[a.Name+" "+a.Destination] = true
		}
		if !allowed["局所 "+upstream] || (h.db.Engine() == db.Postgres) != (len(databaseHosts(h.cfg.Database.URL)) > 0) {
			t.Errorf("allowed: %+v", month.Allowed)
		}

		status, header, signed := h.admin.file("/admin/egress/report?month=" + want)
		if status != http.StatusOK || header.Get("Cache-Control") != "no-store" || !strings.Contains(header.Get("Content-Disposition"), "kakoi-egress-"+want+".json") {
			t.Fatalf("report: %d %v", status, header)
		}
		v, _, err := VerifyEgress(signed, []byte(month.Key.PEM))
		if err != nil || v.Month != want || v.Fingerprint != month.Key.Fingerprint || v.Total.Dials < to.Amounts.Dials {
			t.Errorf("verified %+v, %v", v, err)
		}
		if _, malformed, err := VerifyEgress(bytes.Replace(signed, []byte(`"sig": "`), []byte(`"sig": "AAAA`), 1), []byte(month.Key.PEM)); err == nil || malformed {
			t.Errorf("altered: %v, malformed %v", err, malformed)
		}
		if _, malformed, err := VerifyEgress([]byte("{}"), []byte(month.Key.PEM)); !errors.Is(err, dsse.ErrMalformed) || !malformed {
			t.Errorf("no report: %v, malformed %v", err, malformed)
		}
		if status, header, page := h.admin.file("/admin/egress/report?format=html"); status != http.StatusOK || !strings.Contains(header.Get("Content-Disposition"), "attachment") || !bytes.Contains(page, []byte("局所")) {
			t.Errorf("page: %d %v", status, header)
		}

		// The commands of the same machine, while the server runs.
		log := slog.New(slog.DiscardHandler)
		key, err := EgressKey(t.Context(), h.cfg, "test", log)
		if err != nil || string(key) != month.Key.PEM {
			t.Errorf("the command's key differs (%v)", err)
		}
		mine, err := EgressReport(t.Context(), h.cfg, "test", log, want)
		if err != nil {
			t.Fatal(err)
		}
		if v, _, err := VerifyEgress(mine, key); err != nil || v.Month != want {
			t.Errorf("the command's report: %+v, %v", v, err)
		}
	})
}

// A command that is told the wrong folder says so: it makes no database there,
// and no key, to sign that nothing has left.
func TestCommandsMakeNoInstallation(t *testing.T) {
	cfg := settings(t, db.SQLite, nil)
	cfg.Data.Dir = filepath.Join(cfg.Data.Dir, "elsewhere")
	log := slog.New(slog.DiscardHandler)
	if file, err := EgressReport(t.Context(), cfg, "test", log, "2026-10"); errs.CodeOf(err) != errs.NotFound || file != nil {
		t.Errorf("a report of %d bytes, %v", len(file), err)
	}
	if key, err := EgressKey(t.Context(), cfg, "test", log); errs.CodeOf(err) != errs.NotFound || key != nil {
		t.Errorf("the key %q, %v", key, err)
	}
	// What an installation begins with can be said before there is one.
	q := PolicyQuestion{ModelID: "jp.anthropic.claude-haiku-4-5-20251001-v1:0", Region: "ap-northeast-1"}
	if a, err := CheckPolicy(t.Context(), cfg, log, q); err != nil || !a.Allowed {
		t.Errorf("%+v, %v", a, err)
	}
	q.Groups = []string{"研修"}
	if a, err := CheckPolicy(t.Context(), cfg, log, q); errs.CodeOf(err) != errs.NotFound {
		t.Errorf("of a group that there is not: %+v, %v", a, err)
	}
	if _, err := os.Stat(cfg.Data.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a folder now: %v", err)
	}

	c := newClinic(t, db.SQLite)
	if _, err := c.store.ExecContext(t.Context(), `DELETE FROM schema_migrations WHERE version > 3`); err != nil {
		t.Fatal(err)
	}
	if _, err := EgressReport(t.Context(), c.cfg, "test", log, "2026-10"); !errors.Is(err, db.ErrOlderSchema) {
		t.Errorf("a report: %v", err)
	}
	if _, err := CheckPolicy(t.Context(), c.cfg, log, q); !errors.Is(err, db.ErrOlderSchema) {
		t.Errorf("a question: %v", err)
	}
	if version, err := c.store.SchemaVersion(t.Context()); err != nil || version != 3 {
		t.Errorf("the database was upgraded to %d, %v", version, err)
	}
}

func TestOthersThanAdministratorsSeeNothingOfWhatLeft(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		for _, path := range []string{"/admin/egress", "/admin/egress/report", "/admin/egress/report?format=html"} {
			if got := h.resident("ben"+strings.NewReplacer("/", "", "?", "", "=", "").Replace(path)).refused("GET", path, nil); got.Code != errs.Forbidden {
				t.Errorf("a member, %s: %+v", path, got)
			}
			if got := h.somebody().refused("GET", path, nil); got.Code != errs.Unauthenticated {
				t.Errorf("nobody, %s: %+v", path, got)
			}
		}
		for _, month := range []string{"2999-01", "2026-13"} {
			if got := h.admin.refused("GET", "/admin/egress?month="+month, nil); got.Code != errs.InvalidInput {
				t.Errorf("%s: %+v", month, got)
			}
		}
	})
}
