package server

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
)

func TestATemporaryConversationLeavesNoTrace(t *testing.T) {
	h := furnished(t, db.SQLite, nil)
	p := h.resident("anna")
	turn := map[string]any{"modelId": h.modelA, "systemPrompt": "極秘の指示", "messages": []map[string]any{
		{"role": "user", "text": "前の極秘の問い"}, {"role": "assistant", "text": "前の極秘の答え"},
		{"role": "user", "text": "[[say 極秘の答え]]", "files": []map[string]any{{"name": "極秘.txt", "data": []byte("極秘の添付")}}},
	}}
	resp, text := p.do(p.request("POST", "/temporary/turns", turn))
	if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Vercel-Ai-Ui-Message-Stream") != "v1" ||
		!strings.Contains(string(text), `"delta":"極秘`) || !strings.Contains(string(text), `"context":{"tokens":`) || !strings.HasSuffix(strings.TrimSpace(string(text)), "[DONE]") {
		t.Fatalf("%d %s", resp.StatusCode, text)
	}
	if err := h.invoker.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var calls, rows int
	if err := h.db.QueryRowContext(t.Context(), `SELECT count(*) FROM usage_records WHERE feature = 'temporary' AND output_tokens > 0`).Scan(&calls); err != nil || calls != 1 {
		t.Errorf("%d calls in the ledger, %v", calls, err)
	}
	if err := h.db.QueryRowContext(t.Context(), `SELECT (SELECT count(*) FROM conversations) + (SELECT count(*) FROM messages) + (SELECT count(*) FROM blobs)`).Scan(&rows); err != nil || rows != 0 {
		t.Errorf("%d rows, %v", rows, err)
	}
	files, err := filepath.Glob(h.cfg.DatabaseURL() + "*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no database: %v", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte("極秘")) {
			t.Errorf("%s holds what was said", filepath.Base(name))
		}
	}
	if strings.Contains(h.log.String(), "極秘") {
		t.Error("the log holds what was said")
	}
}

func TestAdministratorsDecideForConversations(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		anna := h.resident("anna")
		turn := map[string]any{"modelId": h.modelA, "messages": []map[string]any{{"role": "user", "text": "[[say x]]"}}}
		decide := func(version int, in map[string]any) chatSettings {
			in["version"] = version
			var kept chatSettings
			h.admin.must("PUT", "/admin/settings/chat", in, &kept)
			return kept
		}
		if kept := decide(0, map[string]any{"temporary": "off", "attachmentBytes": 10, "attachmentsPerTurn": 1}); kept.Version != 1 || kept.ChangedBy == "" ||
			kept.ChangedByName != "管理者" || kept.ChangedAt.IsZero() || kept.Installed.AttachmentBytes != h.cfg.Limits.AttachmentBytes {
			t.Errorf("kept %+v", kept)
		}
		if got := anna.refused("GET", "/admin/settings/chat", nil); got.Code != errs.Forbidden {
			t.Errorf("a member reads: %+v", got)
		}
		if got := anna.refused("PUT", "/admin/settings/chat", map[string]any{"temporary": "allowed", "version": 1}); got.Code != errs.Forbidden {
			t.Errorf("a member decides: %+v", got)
		}
		if got := anna.refused("POST", "/temporary/turns", turn); got.Code != errs.TemporaryPolicy || got.Params["policy"] != "off" {
			t.Errorf("off: %+v", got)
		}
		var told limits
		if anna.must("GET", "/limits", nil, &told); told.AttachmentBytes != 10 || told.AttachmentsPerTurn != 1 || told.Temporary != "off" {
			t.Errorf("told %+v", told)
		}
		if got := anna.refusedRequest(anna.upload("a.txt", "text/plain", []byte("more than ten"))); got.Code != errs.TooLarge {
			t.Errorf("a large file: %+v", got)
		}
		if got := anna.refused("POST", "/conversations", map[string]any{"turn": map[string]any{"text": "x", "attachmentIds": []string{"a", "b"}}}); got.Params["limitFiles"] != "1" {
			t.Errorf("two files: %+v", got)
		}
		if got := h.admin.refused("PUT", "/admin/settings/chat", map[string]any{"temporary": "allowed", "version": 0}); got.Code != errs.Conflict {
			t.Errorf("an old version: %+v", got)
		}
		decide(1, map[string]any{"temporary": "enforced"})
		if got := anna.refused("POST", "/conversations", map[string]any{"turn": map[string]any{"text": "x"}}); got.Code != errs.TemporaryPolicy || got.Params["policy"] != "enforced" {
			t.Errorf("enforced: %+v", got)
		}
		for _, query := range []string{"?dryRun=true", ""} {
			if got := anna.refusedRequest(anna.bringing([]byte(`{"schema":"kakoi.conversations/1","conversations":[]}`), query)); got.Code != errs.TemporaryPolicy || got.Params["policy"] != "enforced" {
				t.Errorf("enforced, import%s: %+v", query, got)
			}
		}
		if resp, text := anna.do(anna.request("POST", "/temporary/turns", turn)); resp.StatusCode != http.StatusOK {
			t.Errorf("enforced: %d %s", resp.StatusCode, text)
		}
		decide(2, map[string]any{"temporary": "allowed"})
		anna.asks("[[say x]]")
		events, err := h.audit.List(t.Context(), audit.Filter{Action: "setting.", Limit: 50})
		if err != nil || len(events.Items) != 3 {
			t.Errorf("%d events, %v", len(events.Items), err)
		}
	})
}
