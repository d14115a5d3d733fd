package server

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
)

// call makes the smallest valid request of an operation, with ids for what its
// path names, and returns how it was refused.
func (p *person) call(d document, method, path string, op operation, ids map[string]string) problem {
	p.h.t.Helper()
	return p.refusedRequest(p.smallest(d, method, path, op, ids))
}

// tries is call of what need not be refused: then the code is empty.
func (p *person) tries(d document, method, path string, op operation, ids map[string]string) problem {
	p.h.t.Helper()
	resp, text := p.do(p.smallest(d, method, path, op, ids))
	if resp.StatusCode < http.StatusBadRequest {
		return problem{Status: resp.StatusCode}
	}
	return problemIn(p.h.t, resp, text)
}

func (p *person) smallest(d document, method, path string, op operation, ids map[string]string) *http.Request {
	p.h.t.Helper()
	for name, id := range ids {
		path = strings.ReplaceAll(path, "{"+name+"}", id)
	}
	var in any
	if op.RequestBody != nil {
		if content, ok := op.RequestBody.Content["application/json"]; ok {
			in = d.example(content.Schema)
		}
	}
	r := p.request(strings.ToUpper(method), path, in)
	if op.OperationID == "createAttachment" {
		r = p.upload("a.txt", "text/plain", []byte("x"))
	}
	if op.OperationID == "createTranscription" {
		r = p.speech("", "audio/wav", wavOf(1, ""))
	}
	if op.OperationID == "importConversations" {
		r = p.bringing([]byte("{}"), "")
	}
	return r
}

func (p *person) upload(name, mediaType string, data []byte) *http.Request {
	r := p.request("POST", "/attachments?name="+name, nil)
	r.Body, r.ContentLength = http.NoBody, int64(len(data))
	if len(data) > 0 {
		r.Body = bodyOf(data)
	}
	r.Header.Set("Content-Type", mediaType)
	return r
}

func TestWithoutASessionNothingIsGranted(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		d, nobody := described(t), h.somebody()
		ids := map[string]string{"id": "01900000-0000-7000-8000-000000000000", "accountId": "x", "sessionId": "x", "n": "1"}
		for path, methods := range d.Paths {
			for method, op := range methods {
				if op.Access == "public" {
					continue
				}
				if got := nobody.call(d, method, path, op, ids); got.Code != errs.Unauthenticated || got.Status != http.StatusUnauthorized {
					t.Errorf("%s %s: %+v", method, path, got)
				}
			}
		}
	})
}

// passkeyOf writes a passkey of p's straight into the store, as proved: under the
// address of these tests there can be none.
func (h *house) passkeyOf(p *person) string {
	h.t.Helper()
	id := db.NewID()
	const insert = `
	INSERT INTO passkeys (id, account_id, credential_id, record, name, sign_count, verifies, backup_eligible, backed_up, created_at)
	VALUES ($1, $2, $3, $4, '鍵', 0, TRUE, FALSE, FALSE, 0)`
	if _, err := h.db.ExecContext(h.t.Context(), insert, id, p.id, []byte(id), []byte("{}")); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.db.ExecContext(h.t.Context(), `UPDATE sessions SET second_factor_at = 1 WHERE account_id = $1`, p.id); err != nil {
		h.t.Fatal(err)
	}
	return id
}

// TestWhatIsSomebodyElsesDoesNotExist walks every operation with an id, as
// another member and as another administrator.
func TestWhatIsSomebodyElsesDoesNotExist(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		d := described(t)
		anna, ben := h.resident("anna"), h.resident("ben")
		begun := anna.asks("[[say hello]]")
		anna.follows("/runs/"+begun.Answers[0].RunID+"/events", "").rest()
		var file attachment
		resp, text := anna.do(anna.upload("memo.txt", "text/plain", []byte("memo")))
		unmarshal(t, text, &file)
		if resp.StatusCode != http.StatusCreated {
			t.Fatalf("upload: %s", text)
		}
		var sessions list[session]
		anna.must("GET", "/me/sessions", nil, &sessions)
		var kept folder
		anna.must("POST", "/folders", map[string]any{"name": "秘", "fileIds": []string{}}, &kept)
		var saved prompt
		anna.must("POST", "/prompts", map[string]any{"kind": "message", "name": "私用", "body": "{{件名}}"}, &saved)
		anna.must("PUT", "/messages/"+begun.Answers[0].ID+"/feedback", map[string]any{"rating": "good"}, nil)
		var shared Sharing
		anna.must("POST", "/conversations/"+begun.Conversation.ID+"/shares", map[string]any{"live": true}, &shared)
		key := h.passkeyOf(anna)
		owned := map[string]string{
			"/me/passkeys/": key,
			"/shares/":      shared.ID,
			"/prompts/":     saved.ID, "/messages/": begun.Answers[0].ID, "/folders/": kept.ID,
			"/conversations/": begun.Conversation.ID, "/runs/": begun.Answers[0].RunID, "/attachments/": file.ID, "/me/sessions/": sessions.Items[0].ID,
		}
		walked := 0
		for path, methods := range d.Paths {
			for method, op := range methods {
				if !strings.Contains(path, "{") {
					continue
				}
				if strings.HasPrefix(path, "/admin/") {
					ids := map[string]string{"id": anna.id, "accountId": anna.id, "sessionId": sessions.Items[0].ID}
					if got := ben.call(d, method, path, op, ids); got.Code != errs.Forbidden || got.Status != http.StatusForbidden {
						t.Errorf("a member may %s %s: %+v", method, path, got)
					}
					continue
				}
				var id string
				for prefix, known := range owned {
					if strings.HasPrefix(path, prefix) {
						id = known
					}
				}
				if id == "" {
					t.Errorf("%s %s: this test knows nothing that has such an id; add it", method, path)
					continue
				}
				walked++
				for who, stranger := range map[string]*person{"another member": ben, "an administrator": h.admin} {
					got := stranger.call(d, method, path, op, map[string]string{"id": id, "n": "1"})
					absent := stranger.call(d, method, path, op, map[string]string{"id": "01900000-0000-7000-8000-000000000000", "n": "1"})
					got.RequestID, absent.RequestID = "", ""
					if got.Code != errs.NotFound || got.Detail != absent.Detail || got.Field != absent.Field || got.Status != absent.Status {
						t.Errorf("%s, %s %s: %+v; of what does not exist: %+v", who, method, path, got, absent)
					}
				}
			}
		}
		if walked < 10 {
			t.Errorf("only %d operations were walked", walked)
		}

		// All of it is still there, and hers.
		var page messagePage
		anna.must("GET", "/conversations/"+begun.Conversation.ID+"/messages", nil, &page)
		anna.must("GET", "/me", nil, nil)
		anna.must("GET", "/prompts/"+saved.ID, nil, nil)
		if resp, text := anna.do(anna.request("GET", "/attachments/"+file.ID+"/content", nil)); resp.StatusCode != http.StatusOK || string(text) != "memo" {
			t.Errorf("her file: %d %q", resp.StatusCode, text)
		}
		if len(page.Items) != 2 {
			t.Errorf("her messages: %+v", page)
		}

		denied, err := h.audit.List(context.WithoutCancel(t.Context()), audit.Filter{Outcome: audit.Denied, ActorID: ben.id, Limit: 200})
		if err != nil {
			t.Fatal(err)
		}
		if len(denied.Items) < 10 || denied.Items[0].Action != "access.denied" || denied.Items[0].Request.ID == "" {
			t.Errorf("the audit trail has %d refusals: %+v", len(denied.Items), denied.Items)
		}
	})
}

func TestAMemberMayDoNothingOfAnAdministrators(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		d, member := described(t), h.resident("emil")
		for path, methods := range d.Paths {
			for method, op := range methods {
				if !strings.HasPrefix(path, "/admin/") {
					continue
				}
				got := member.call(d, method, path, op, map[string]string{"id": h.modelA, "accountId": member.id, "sessionId": "x"})
				if got.Code != errs.Forbidden {
					t.Errorf("%s %s: %+v", method, path, got)
				}
			}
		}
	})
}
