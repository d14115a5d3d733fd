package server

import (
	"bytes"
	"context"
	"encoding/binary"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/model/modeltest/openaifake"
)

// wavOf is silence of some seconds, after words that must be found nowhere.
func wavOf(seconds int, note string) []byte {
	const rate = 16000
	b := append([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00data"), 0, 0, 0, 0)
	binary.LittleEndian.PutUint32(b[len(b)-4:], uint32(2*rate*seconds))
	b = append(b, make([]byte, 2*rate*seconds)...)
	copy(b[44:], note)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

func (p *person) speech(query, mediaType string, data []byte) *http.Request {
	r := p.request("POST", "/transcriptions"+query, nil)
	r.Body, r.ContentLength = bodyOf(data), int64(len(data))
	r.Header.Set("Content-Type", mediaType)
	return r
}

// listens adds a model that transcribes for groups, found by its name.
func (h *house) listens(groups ...string) string {
	h.t.Helper()
	var made connection
	h.admin.must("POST", "/admin/connections", map[string]any{
		"name": "音声", "kind": "openai", "enabled": true, "settings": map[string]any{"baseUrl": h.upstream + "/v1"},
	}, &made)
	var entry catalogueModel
	h.admin.must("POST", "/admin/models", map[string]any{
		"connectionId": made.ID, "remoteId": openaifake.SpeechModel, "displayName": "音声認識", "enabled": true, "grants": forGroups(groups...),
	}, &entry)
	if entry.Task != "transcription" {
		h.t.Fatalf("made %+v", entry)
	}
	return entry.ID
}

func TestSpeechBecomesTextAndIsKeptNowhere(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		anna := h.resident("anna")
		var before offers
		if anna.must("GET", "/models", nil, &before); before.Transcriber != nil {
			t.Errorf("without a speech server: %+v", before.Transcriber)
		}
		if got := anna.refusedRequest(anna.speech("", "audio/wav", wavOf(1, ""))); got.Code != errs.NoModel {
			t.Errorf("without a speech server: %+v", got)
		}
		id := h.listens()
		var told offers
		anna.must("GET", "/models", nil, &told)
		if tr := told.Transcriber; tr == nil || tr.ID != id || tr.DisplayName != "音声認識" || tr.MaxSeconds != 300 || tr.MaxBytes != 25<<20 || tr.Place.Kind != "server" || len(told.Items) != len(before.Items) {
			t.Fatalf("told %+v", told)
		}
		for query, want := range map[string]string{"": openaifake.Spoken[""], "?language=ja": openaifake.Spoken["ja"], "?language=en&modelId=" + id: openaifake.Spoken["en"]} {
			resp, text := anna.do(anna.speech(query, "audio/wav", wavOf(2, "口外無用の話")))
			var got transcript
			if unmarshal(t, text, &got); resp.StatusCode != http.StatusOK || got.Text != want || resp.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%q: %d %s", query, resp.StatusCode, text)
			}
		}
		if err := h.invoker.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		var calls, audio, rows int
		if err := h.db.QueryRowContext(t.Context(), `SELECT count(*), sum(audio_ms) FROM usage_records WHERE feature = 'dictation' AND outcome = 'complete' AND account_id = $1`, anna.id).Scan(&calls, &audio); err != nil || calls != 3 || audio != 6000 {
			t.Errorf("%d calls with %d ms in the ledger, %v", calls, audio, err)
		}
		if err := h.db.QueryRowContext(t.Context(), `SELECT (SELECT count(*) FROM conversations) + (SELECT count(*) FROM messages) + (SELECT count(*) FROM blobs)`).Scan(&rows); err != nil || rows != 0 {
			t.Errorf("%d rows, %v", rows, err)
		}
		events, err := h.audit.List(t.Context(), audit.Filter{Action: "model.invoke", ActorID: anna.id, Limit: 10})
		if err != nil || len(events.Items) != 3 || events.Items[0].Details["audio_ms"] != "2000" || events.Items[0].Details["feature"] != "dictation" || events.Items[0].Resource.ID != id {
			t.Errorf("audit = %+v, %v", events.Items, err)
		}
		secrets := []string{"口外無用", openaifake.Spoken[""], openaifake.Spoken["ja"], openaifake.Spoken["en"]}
		for _, secret := range secrets {
			if strings.Contains(h.log.String(), secret) {
				t.Errorf("the log holds %q", secret)
			}
		}
		if h.db.Engine() != db.SQLite {
			return
		}
		err = filepath.WalkDir(h.cfg.Data.Dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			for _, secret := range secrets {
				if bytes.Contains(data, []byte(secret)) {
					t.Errorf("%s holds %q", path, secret)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestOnlyWhoMayUseTheModelDictates(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		anna, ben := h.resident("anna"), h.resident("ben")
		var tax group
		h.admin.must("POST", "/admin/groups", map[string]any{"name": "税務課"}, &tax)
		h.admin.must("PATCH", "/admin/accounts/"+anna.id, map[string]any{"groupIds": []string{tax.ID}}, nil)
		id := h.listens(tax.ID)
		if resp, text := anna.do(anna.speech("?modelId="+id, "audio/wav", wavOf(1, ""))); resp.StatusCode != http.StatusOK {
			t.Errorf("a member of the group: %d %s", resp.StatusCode, text)
		}
		heard := h.fake.Total()
		for who, p := range map[string]*person{"another member": ben, "an administrator": h.admin} {
			var told offers
			if p.must("GET", "/models", nil, &told); told.Transcriber != nil {
				t.Errorf("%s is told of %+v", who, told.Transcriber)
			}
			got := p.refusedRequest(p.speech("?modelId="+id, "audio/wav", wavOf(1, "")))
			absent := p.refusedRequest(p.speech("?modelId=01900000-0000-7000-8000-000000000000", "audio/wav", wavOf(1, "")))
			if got.Code != errs.ModelUnavailable || got.Detail != absent.Detail || got.Code != absent.Code {
				t.Errorf("%s: %+v; of what does not exist: %+v", who, got, absent)
			}
			if got := p.refusedRequest(p.speech("", "audio/wav", wavOf(1, ""))); got.Code != errs.NoModel {
				t.Errorf("%s without naming one: %+v", who, got)
			}
		}
		if got := anna.refusedRequest(anna.speech("?modelId="+h.modelA, "audio/wav", wavOf(1, ""))); got.Code != errs.ModelUnavailable {
			t.Errorf("a model to talk with: %+v", got)
		}
		if got := anna.refused("POST", "/conversations", map[string]any{"modelId": id, "turn": map[string]any{"text": "hello"}}); got.Code != errs.ModelUnavailable {
			t.Errorf("talking with an ear: %+v", got)
		}
		if h.fake.Total() != heard {
			t.Error("something of it reached the server")
		}
	})
}

func TestADictationHasBoundsAndSaysThem(t *testing.T) {
	h := furnished(t, db.SQLite, map[string]string{"limits.recordingBytes": "128KiB", "limits.recordingDuration": "10s"})
	h.listens()
	anna := h.resident("anna")
	var told offers
	if anna.must("GET", "/models", nil, &told); told.Transcriber.MaxSeconds != 10 || told.Transcriber.MaxBytes != 128<<10 {
		t.Errorf("told %+v", told.Transcriber)
	}
	quiet := wavOf(1, "")
	slow := bytes.Clone(quiet)
	binary.LittleEndian.PutUint32(slow[28:], 1000) // a second takes less: the same bytes last longer
	chunked := anna.speech("", "audio/wav", wavOf(5, ""))
	chunked.ContentLength = -1
	for name, tt := range map[string]struct {
		r     *http.Request
		code  errs.Code
		param string
		want  string
	}{
		"too large":                  {anna.speech("", "audio/wav", wavOf(5, "")), errs.TooLarge, "limitBytes", "131072"},
		"too large, unannounced":     {chunked, errs.TooLarge, "", ""},
		"too long":                   {anna.speech("", "audio/wav", slow), errs.TooLarge, "limitSeconds", "10"},
		"no recording":               {anna.speech("", "audio/wav", []byte("hello")), errs.UnsupportedType, "", ""},
		"another type":               {anna.speech("", "application/json", []byte("{}")), errs.UnsupportedType, "", ""},
		"of another site, by a form": {anna.speech("", "text/plain", quiet), errs.UnsupportedType, "", ""},
		"a wrong language":           {anna.speech("?language=j1", "audio/wav", quiet), errs.InvalidInput, "", ""},
	} {
		if got := anna.refusedRequest(tt.r); got.Code != tt.code || tt.param != "" && got.Params[tt.param] != tt.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	foreign := anna.speech("", "audio/wav", quiet)
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	if got := anna.refusedRequest(foreign); got.Code != errs.CrossOrigin {
		t.Errorf("from another site: %+v", got)
	}

	h.fake.Listen(openaifake.Speech{Silent: true})
	resp, text := anna.do(anna.speech("", "audio/wav", quiet))
	var said transcript
	if unmarshal(t, text, &said); resp.StatusCode != http.StatusOK || said.Text != "" {
		t.Errorf("silence: %d %s", resp.StatusCode, text)
	}
	h.fake.Listen(openaifake.Speech{Fault: "denied"})
	if got := anna.refusedRequest(anna.speech("", "audio/wav", quiet)); got.Code != errs.ModelAccessDenied {
		t.Errorf("a server that refuses: %+v", got)
	}

	// Who goes away stops the speech server, too.
	h.fake.Listen(openaifake.Speech{Wait: true})
	leaving := anna.speech("", "audio/wav", quiet)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		_ = h.fake.WaitLive(t.Context(), 1)
		cancel()
	}()
	if resp, err := anna.client.Do(leaving.WithContext(ctx)); err == nil {
		resp.Body.Close()
		t.Error("there is an answer")
	}
	if err := h.fake.WaitLive(t.Context(), 0); err != nil {
		t.Errorf("the speech server goes on: %v", err)
	}
}
