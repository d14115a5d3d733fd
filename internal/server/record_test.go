package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"kakoi/internal/db"
	"kakoi/internal/errs"
)

// TestTheLogHoldsNothingThatWasSaidOrIsSecret goes through what people do and
// what goes wrong, at the most talkative level, and looks for any of it in the
// log and in the audit trail.
func TestTheLogHoldsNothingThatWasSaidOrIsSecret(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		secrets := map[string]string{"the administrator's password": password}
		keep := func(what, value string) string {
			if value == "" {
				t.Fatalf("%s is empty", what)
			}
			secrets[what] = value
			return value
		}

		var made createdAccount
		h.admin.must("POST", "/admin/accounts", map[string]any{"email": "anna@example.jp", "name": "安奈"}, &made)
		anna := h.somebody()
		mistyped := keep("what was typed for an address", "nyuryoku-chigai-9081")
		anna.refused("POST", "/sign-in", map[string]any{"email": mistyped, "password": keep("a wrong password", "chigau-aikotoba-4471")})
		anna.must("POST", "/sign-in", map[string]any{"email": "anna@example.jp", "password": keep("a temporary password", made.TemporaryPassword)}, nil)
		keep("a session from before", h.cookieOf(anna))
		anna.must("POST", "/me/password", map[string]any{"current": made.TemporaryPassword, "new": keep("a new password", "himitsu no aikotoba 7")}, nil)
		keep("a session", h.cookieOf(anna))

		r := anna.request("GET", "/setup", nil)
		r.Header.Set("X-Kakoi-Setup-Token", keep("a setup token", "setsutei-no-shirushi-5520"))
		anna.do(r)

		draft := map[string]any{
			"name": "鍵つき", "kind": "openai", "enabled": true,
			"settings": map[string]any{"baseUrl": h.upstream + "/v1"},
			"secret": map[string]any{
				"apiKey": keep("a key", "sk-kagi-6612"), "headers": map[string]any{"X-Team-Key": keep("a secret header", "team-kagi-3307")},
			},
		}
		var c connection
		h.admin.must("POST", "/admin/connections", draft, &c)
		h.admin.must("POST", "/admin/connections/"+c.ID+"/check", nil, nil)
		h.admin.must("PATCH", "/admin/connections/"+c.ID, map[string]any{"secret": map[string]any{"apiKey": keep("the next key", "sk-kagi-7723")}}, nil)
		draft["settings"] = map[string]any{"baseUrl": "http://127.0.0.1:1/v1"}
		h.admin.must("POST", "/admin/connections/check", draft, nil)
		h.admin.must("PATCH", "/admin/models/"+h.modelA, map[string]any{"light": true}, nil)

		said := func(n int) string { return keep(fmt.Sprintf("prompt %d", n), fmt.Sprintf("極秘の相談%d", n)) }
		keep("an answer", "極秘の答え")
		var talk string
		for n, marker := range []string{
			"[[say 極秘の答え]]", "[[reason]][[say 極秘の答え]]", "[[throttle 1]]", "[[invalid]]", "[[toolong]]", "[[credentials]]", "[[denied]]",
			"[[notfound]]", "[[filtered]]", "[[cut]]", "[[early]]", "[[corrupt]]", "[[error]]", "[[length]]",
		} {
			begun := anna.asks(marker + said(n))
			anna.follows("/runs/"+begun.Answers[0].RunID+"/events", "").rest()
			talk = begun.Conversation.ID
		}
		anna.must("PATCH", "/conversations/"+talk, map[string]any{"title": keep("a title", "極秘の題名")}, nil)
		anna.must("GET", "/conversations?search="+keep("a search", "gokuhi-no-kensaku"), nil, nil)
		name, content := keep("the name of a file", "gokuhi-no-shorui"), keep("a file", "極秘の書類の中身")
		anna.do(anna.upload(name+".txt", "text/plain", []byte(content)))
		anna.refusedRequest(anna.upload(name+".exe", "image/png", []byte("MZ\x90\x00\x03\x00\x00\x00"+content)))
		broken := anna.request("POST", "/conversations", nil)
		broken.Body, broken.Header = bodyOf([]byte(`{"turn":{"text":"`+said(99))), http.Header{"Content-Type": {"application/json"}}
		anna.refusedRequest(broken)
		anna.refused("POST", "/conversations", map[string]any{"turn": map[string]any{"text": []string{said(98)}}})
		anna.refused("POST", "/conversations", map[string]any{"modelId": said(97), "turn": map[string]any{"text": "a"}})

		if err := h.stop(); err != nil { // what is written late is written now
			t.Fatal(err)
		}
		log := h.log.String()
		for _, want := range []string{"level=DEBUG", "code=" + string(errs.SignInFailed), "code=" + string(errs.ModelCredentials), "code=" + string(errs.ModelBrokeOff)} {
			if !strings.Contains(log, want) {
				t.Fatalf("this is not the log of all that, it lacks %s:\n%s", want, log)
			}
		}
		trail := strings.Join(everyDetail(t, h), "\n")
		for what, value := range secrets {
			if at := strings.Index(log, value); at >= 0 {
				t.Errorf("the log has %s: …%s…", what, log[max(0, at-300):min(len(log), at+100)])
			}
			if strings.Contains(trail, value) {
				t.Errorf("the audit trail has %s", what)
			}
		}
	})
}

// everyDetail opens the store of a house that has stopped and returns all that
// its audit trail says.
func everyDetail(t *testing.T, h *house) (all []string) {
	t.Helper()
	store, err := db.Open(t.Context(), db.Options{URL: h.cfg.DatabaseURL()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	rows, err := store.QueryContext(t.Context(), `SELECT action || ' ' || resource_id || ' ' || details FROM audit_events`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	if err := rows.Err(); err != nil || len(all) < 10 {
		t.Fatalf("%d events, %v", len(all), err)
	}
	return all
}

// TestWhatIsDoneIsRecorded holds that each act of signing in and of
// administration leaves one event that says who did it, to what and from where.
func TestWhatIsDoneIsRecorded(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		var (
			made      createdAccount
			g         group
			c         connection
			m         catalogueModel
			sessions  list[session]
			anna, ben = h.somebody(), h.somebody()
			adminID   = h.me(h.admin).Account.ID
		)
		events := func() []auditEvent {
			var page list[auditEvent]
			h.admin.must("GET", "/admin/audit-events?limit=200", nil, &page)
			return page.Items
		}
		known := len(events())
		// did checks the events that an act has left.
		did := func(act func(), actorID, resourceID string, want ...string) {
			t.Helper()
			act()
			all := events()
			fresh := all[:len(all)-known]
			known = len(all)
			var got []string
			for _, e := range slices.Backward(fresh) {
				got = append(got, e.Action+" "+string(e.Outcome))
				if e.ActorID != actorID || e.RequestID == "" || e.Address != "127.0.0.1" || e.UserAgent == "" || e.OccurredAt.IsZero() {
					t.Errorf("an event without its actor or its request: %+v", e)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("recorded %q, want %q", got, want)
			} else if last := fresh[0]; resourceID != "" && last.ResourceID != resourceID {
				t.Errorf("%s was done to %q, want %q", last.Action, last.ResourceID, resourceID)
			}
		}
		as := func(p *person, method, path string, in, out any) func() {
			return func() { t.Helper(); p.must(method, path, in, out) }
		}
		admin := func(method, path string, in, out any) func() { return as(h.admin, method, path, in, out) }

		did(admin("POST", "/admin/accounts", map[string]any{"email": "anna@example.jp", "name": "安奈"}, &made), adminID, "", "account.create success")
		id := made.Account.ID
		did(func() {
			anna.refused("POST", "/sign-in", map[string]any{"email": "anna@example.jp", "password": "wrong"})
		}, "", id, "session.sign_in failure")
		did(as(anna, "POST", "/sign-in", map[string]any{"email": "anna@example.jp", "password": made.TemporaryPassword}, nil), id, "", "session.sign_in success")
		did(as(anna, "POST", "/me/password", map[string]any{"current": made.TemporaryPassword, "new": password}, nil), id, id, "account.change_password success")
		did(as(ben, "POST", "/sign-in", map[string]any{"email": "anna@example.jp", "password": password}, nil), id, "", "session.sign_in success")
		anna.must("GET", "/me/sessions", nil, &sessions)
		other := sessions.Items[slices.IndexFunc(sessions.Items, func(s session) bool { return !s.Current })].ID
		did(as(anna, "DELETE", "/me/sessions/"+other, nil, nil), id, other, "session.end success")
		did(as(anna, "PATCH", "/me", map[string]any{"name": "安奈・山田"}, nil), id, id, "account.update success")
		did(as(anna, "PATCH", "/me/preferences", map[string]any{"theme": "dark"}, nil), id, id, "account.update_preferences success")
		did(func() { anna.refused("GET", "/admin/accounts", nil) }, id, "listAccounts", "access.denied denied")
		did(as(anna, "POST", "/me/sign-out-everywhere?keepCurrent=true", nil, nil), id, id, "session.end_all success")
		did(as(anna, "POST", "/sign-out", nil, nil), id, "", "session.sign_out success")

		did(admin("PATCH", "/admin/accounts/"+id, map[string]any{"roles": []map[string]any{{"roleId": "administrator"}}}, nil), adminID, id, "account.set_roles success")
		did(admin("POST", "/admin/accounts/"+id+"/password", nil, nil), adminID, id, "account.reset_password success")
		did(admin("DELETE", "/admin/accounts/"+id+"/sessions", nil, nil), adminID, id, "session.end_all success")
		did(admin("PATCH", "/admin/accounts/"+id, map[string]any{"disabled": true}, nil), adminID, id, "account.disable success")
		did(admin("PATCH", "/admin/accounts/"+id, map[string]any{"disabled": false}, nil), adminID, id, "account.enable success")

		did(admin("POST", "/admin/groups", map[string]any{"name": "税務課"}, &g), adminID, "", "group.create success")
		did(admin("PATCH", "/admin/groups/"+g.ID, map[string]any{"name": "収税課"}, nil), adminID, g.ID, "group.rename success")
		did(admin("PUT", "/admin/groups/"+g.ID+"/members/"+id, nil, nil), adminID, g.ID, "group.add_member success")
		did(admin("DELETE", "/admin/groups/"+g.ID+"/members/"+id, nil, nil), adminID, g.ID, "group.remove_member success")
		did(admin("DELETE", "/admin/groups/"+g.ID, nil, nil), adminID, g.ID, "group.delete success")

		draft := map[string]any{"name": "鍵つき", "kind": "openai", "enabled": true, "settings": map[string]any{"baseUrl": h.upstream + "/v1"}}
		did(admin("POST", "/admin/connections/check", draft, nil), adminID, "", "connection.check success")
		did(admin("POST", "/admin/connections", draft, &c), adminID, "", "connection.create success")
		did(admin("PATCH", "/admin/connections/"+c.ID, map[string]any{"enabled": false}, nil), adminID, c.ID, "connection.update success")
		did(admin("POST", "/admin/models", map[string]any{"connectionId": c.ID, "remoteId": "fake-light", "enabled": true}, &m), adminID, "", "model.create success")
		did(admin("PATCH", "/admin/models/"+m.ID, map[string]any{"displayName": "軽量"}, nil), adminID, m.ID, "model.update success")
		did(admin("DELETE", "/admin/models/"+m.ID, nil, nil), adminID, m.ID, "model.delete success")
		did(admin("DELETE", "/admin/connections/"+c.ID, nil, nil), adminID, c.ID, "connection.delete success")
	})
}

func (h *house) me(p *person) (who me) {
	h.t.Helper()
	p.must("GET", "/me", nil, &who)
	return who
}
