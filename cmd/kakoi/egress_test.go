package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kakoi/internal/config"
	"kakoi/internal/server"
)

func TestTheEgressReportGoesWhereItIsAskedFor(t *testing.T) {
	a := actions{
		egressReport: func(_ context.Context, _ *config.Effective, _ *slog.Logger, month string) ([]byte, error) {
			return []byte("report of " + month), nil
		},
		egressKey: func(context.Context, *config.Effective, *slog.Logger) ([]byte, error) { return []byte("key"), nil },
	}
	if out, err := run(t, a, nil, "egress", "report", "--month", "2026-11"); err != nil || out != "report of 2026-11" {
		t.Errorf("printed %q, %v", out, err)
	}
	name := filepath.Join(t.TempDir(), "report.json")
	if out, err := run(t, a, nil, "egress", "report", "--month", "2026-11", "--out", name); err != nil || out != "" {
		t.Errorf("printed %q, %v", out, err)
	}
	if text, err := os.ReadFile(name); err != nil || string(text) != "report of 2026-11" {
		t.Errorf("wrote %q, %v", text, err)
	}
	if out, err := run(t, a, nil, "egress", "key"); err != nil || out != "key" {
		t.Errorf("printed %q, %v", out, err)
	}
	var coded exitError
	if _, err := run(t, a, nil, "egress", "report"); !errors.As(err, &coded) || coded.code != exitBadInput {
		t.Errorf("without a month: %v", err)
	}
}

func TestVerifyingAReportEndsWithWhatItFound(t *testing.T) {
	dir := t.TempDir()
	file, key := filepath.Join(dir, "report.json"), filepath.Join(dir, "key.pem")
	for name, text := range map[string]string{file: "F", key: "K"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a := actions{egressVerify: func(f, k []byte) (server.EgressVerified, error) {
		if string(f) != "F" || string(k) != "K" {
			t.Errorf("verified %q with %q", f, k)
		}
		r := server.EgressVerified{Month: "2026-11", Version: "1.0", Closed: true, Fingerprint: "sha256:ab", Gaps: 2}
		r.HTML = func(w io.Writer, locale string) error { _, err := io.WriteString(w, "page in "+locale); return err }
		return r, nil
	}}
	page := filepath.Join(dir, "report.html")
	out, err := run(t, a, nil, "egress", "verify", file, "--key", key, "--html", page, "--lang", "en")
	if err != nil || !strings.HasPrefix(out, "GENUINE: signed with sha256:ab\nMonth: 2026-11") || !strings.Contains(out, "before the month was over") || !strings.Contains(out, "without a record: 2") {
		t.Errorf("printed %q, %v", out, err)
	}
	if text, err := os.ReadFile(page); err != nil || string(text) != "page in en" {
		t.Errorf("wrote %q, %v", text, err)
	}
	for _, tt := range []struct {
		name string
		fail error
		args []string
		code int
		says string
	}{
		{"an altered report", fmt.Errorf("%w: it was altered", errNotVerified), []string{file, "--key", key}, 1, "NOT GENUINE: it was altered"},
		{"no report", errors.New("this is no report"), []string{file, "--key", key}, 2, "this is no report"},
		{"no key", nil, []string{file}, 2, "--key"},
		{"a key that is not there", nil, []string{file, "--key", filepath.Join(dir, "none")}, 2, "none"},
		{"a file that is not there", nil, []string{filepath.Join(dir, "none"), "--key", key}, 2, "none"},
		{"another language", nil, []string{file, "--key", key, "--lang", "fr"}, 2, "--lang"},
	} {
		a.egressVerify = func([]byte, []byte) (server.EgressVerified, error) { return server.EgressVerified{}, tt.fail }
		var coded exitError
		out, err := run(t, a, nil, append([]string{"egress", "verify"}, tt.args...)...)
		if !errors.As(err, &coded) || coded.code != tt.code || !strings.Contains(err.Error(), tt.says) || out != "" {
			t.Errorf("%s: printed %q, %v", tt.name, out, err)
		}
	}
}
