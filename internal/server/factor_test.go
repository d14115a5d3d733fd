package server

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/identity/factor/factortest"
	"kakoi/internal/identity/passkey/passkeytest"
)

// app sets up an authenticator app and returns its secret.
func (p *person) app() string {
	p.h.t.Helper()
	var begun totpEnrolment
	p.must("POST", "/me/totp", nil, &begun)
	// The code of the next half minute, which is within the skew: the present
	// one is left for the test.
	var kept enrolled
	p.must("POST", "/me/totp/confirm", map[string]any{"enrolment": begun.Enrolment, "code": factortest.Code(p.h.t, begun.Secret, time.Now().Add(-30*time.Second))}, &kept)
	if len(kept.RecoveryCodes) != 10 || begun.QRSize == 0 || !strings.HasPrefix(begun.QRPath, "M") || !strings.Contains(begun.URI, begun.Secret) {
		p.h.t.Errorf("set up %+v with %d codes", begun, len(kept.RecoveryCodes))
	}
	return begun.Secret
}

// halfway is a browser of name's person that has shown the password alone.
func (h *house) halfway(name string) (*person, me) {
	h.t.Helper()
	p := h.somebody()
	var who me
	p.must("POST", "/sign-in", map[string]any{"email": name + "@example.jp", "password": password}, &who)
	return p, who
}

// TestASessionThatWaitsForItsSecondFactorGetsNothingElse tries every operation
// there is, and the streams beside them.
func TestASessionThatWaitsForItsSecondFactorGetsNothingElse(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		d := described(t)
		boss := h.resident("boss", held{RoleID: "administrator"})
		secret := boss.app()
		half, who := h.halfway("boss")
		if !slices.Equal(who.Pending, []string{"second_factor"}) {
			t.Fatalf("signed in as %+v", who)
		}
		remains := map[string]bool{"getMe": true, "signOut": true, "getSecondStep": true, "passSecondFactor": true, "challengePasskey": true,
			// To leave: one's sessions are ended, not shown.
			"endSession": true, "signOutEverywhere": true}
		walked := 0
		ids := map[string]string{"id": "01900000-0000-7000-8000-000000000000", "accountId": boss.id, "sessionId": "x", "n": "1"}
		for path, methods := range d.Paths {
			for method, op := range methods {
				if op.Access == "public" || remains[op.OperationID] {
					continue
				}
				walked++
				if got := half.call(d, method, path, op, ids); got.Code != errs.SecondFactorRequired || got.Status != http.StatusForbidden {
					t.Errorf("%s %s: %+v", method, path, got)
				}
			}
		}
		if walked < 100 {
			t.Errorf("only %d operations were walked", walked)
		}
		var step secondStep
		half.must("GET", "/sign-in/second-factor", nil, &step)
		if !step.TOTP || step.Passkeys || !step.RecoveryCodes {
			t.Errorf("may bring %+v", step)
		}
		before := h.cookieOf(half)
		half.must("POST", "/sign-in/second-factor", map[string]any{"code": factortest.Code(t, secret, time.Now())}, &who)
		if len(who.Pending) != 0 || !who.SecondFactor.Enrolled || h.cookieOf(half) == before {
			t.Errorf("passed as %+v", who)
		}
		half.must("GET", "/admin/accounts", nil, nil)
		thief := h.somebody()
		thief.steal(before)
		if got := thief.refused("GET", "/me", nil); got.Code != errs.Unauthenticated {
			t.Errorf("the session from before: %+v", got)
		}
	})
}

func TestAPasskeyOpensASession(t *testing.T) {
	h := furnished(t, db.SQLite, map[string]string{"http.publicUrl": "http://localhost:8080"})
	device := &passkeytest.Device{Origin: "http://localhost:8080", Verifies: true}
	p := h.resident("anna")
	var asked passkeyChallenge
	p.must("POST", "/me/passkeys/challenge", nil, &asked)
	var made enrolledPasskey
	p.must("POST", "/me/passkeys", map[string]any{"ceremony": asked.Ceremony, "name": "端末", "credential": device.Create(t, asked.Options)}, &made)
	if made.Passkey.Name != "端末" || len(made.RecoveryCodes) != 10 {
		t.Errorf("made %+v", made)
	}
	phone := h.somebody()
	phone.must("POST", "/sign-in/passkey/challenge", nil, &asked)
	if !json.Valid(asked.Options) || !strings.Contains(string(asked.Options), `"rpId":"localhost"`) {
		t.Errorf("asked %s", asked.Options)
	}
	var who me
	in := map[string]any{"ceremony": asked.Ceremony, "credential": device.Get(t, asked.Options)}
	phone.must("POST", "/sign-in/passkey", in, &who)
	if who.Account.ID != p.id || len(who.Pending) != 0 {
		t.Errorf("signed in as %+v", who)
	}
	if got := h.somebody().refused("POST", "/sign-in/passkey", in); got.Code != errs.PasskeyFailed || got.Status != http.StatusUnprocessableEntity {
		t.Errorf("the same answer again: %+v", got)
	}
	half, _ := h.halfway("anna")
	half.must("POST", "/me/proof/challenge", nil, &asked)
	half.must("POST", "/sign-in/second-factor", map[string]any{"passkey": map[string]any{"ceremony": asked.Ceremony, "credential": device.Get(t, asked.Options)}}, nil)
	half.must("POST", "/me/proof/challenge", nil, &asked)
	half.must("POST", "/me/proof", map[string]any{"passkey": map[string]any{"ceremony": asked.Ceremony, "credential": device.Get(t, asked.Options)}}, nil)
	half.must("PATCH", "/me/passkeys/"+made.Passkey.ID, map[string]any{"name": "机"}, nil)
	half.must("DELETE", "/me/passkeys/"+made.Passkey.ID, nil, nil)
	phone.must("POST", "/sign-in/passkey/challenge", nil, &asked)
	if got := phone.refused("POST", "/sign-in/passkey", map[string]any{"ceremony": asked.Ceremony, "credential": device.Get(t, asked.Options)}); got.Code != errs.PasskeyFailed {
		t.Errorf("a removed passkey: %+v", got)
	}
}

func TestWithoutAnAddressForThemPasskeysSayWhy(t *testing.T) {
	h := furnished(t, db.SQLite, nil)
	for _, path := range []string{"/sign-in/passkey/challenge", "/me/passkeys/challenge"} {
		r := h.admin.request("POST", path, nil)
		r.Host = "ai.example.jp"                                                  // whatever a request says
		r.AddCookie(&http.Cookie{Name: h.cookieName, Value: h.cookieOf(h.admin)}) // the jar goes by the host
		if got := h.admin.refusedRequest(r); got.Code != errs.PasskeyUnavailable || got.Params["reason"] != "no_public_url" {
			t.Errorf("%s: %+v", path, got)
		}
	}
}

func TestTheOperatorResetsOnARunningStore(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.admin.app()
		if n, err := ResetSecondFactor(t.Context(), h.cfg, slog.New(slog.DiscardHandler), "Admin@example.jp", "唯一の管理者が電話を紛失"); n != 1 || err != nil {
			t.Fatalf("ResetSecondFactor = %d, %v", n, err)
		}
		if got := h.admin.refused("GET", "/me", nil); got.Code != errs.Unauthenticated {
			t.Errorf("after the reset: %+v", got)
		}
		_, who := h.halfway("admin")
		if len(who.Pending) != 0 {
			t.Errorf("signing in anew: %+v", who)
		}
		if _, err := ResetSecondFactor(t.Context(), h.cfg, slog.New(slog.DiscardHandler), "nobody@example.jp", "x"); errs.CodeOf(err) != errs.NotFound {
			t.Errorf("of nobody: %v", err)
		}
	})
}

func TestAnAdministratorDecidesAndResets(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		var now factorSettings
		h.admin.must("GET", "/admin/settings/second-factor", nil, &now)
		if len(now.Roles) != 1 || now.Roles[0] != (roleRequirement{"administrator", "required"}) || now.Others != "optional" || now.GraceDays != 7 || now.ProofMinutes != 10 {
			t.Errorf("at first: %+v", now)
		}
		change := map[string]any{"roles": []any{map[string]any{"role": "administrator", "requirement": "optional"}}, "others": "off", "graceDays": 3, "proofMinutes": 5, "version": 0}
		h.admin.must("PUT", "/admin/settings/second-factor", change, &now)
		if now.Version != 1 || now.Roles[0].Requirement != "optional" || now.Others != "off" {
			t.Errorf("decided: %+v", now)
		}
		if got := h.admin.refused("PUT", "/admin/settings/second-factor", change); got.Code != errs.Conflict {
			t.Errorf("over a newer decision: %+v", got)
		}
		boss := h.resident("boss", held{RoleID: "administrator"})
		boss.app()
		var has secondFactors
		h.admin.must("GET", "/admin/accounts/"+boss.id+"/second-factors", nil, &has)
		if has.TOTP == nil || has.RecoveryCodes.Left != 10 {
			t.Errorf("has %+v", has)
		}
		path := "/admin/accounts/" + boss.id + "/second-factors/reset"
		if got := h.admin.refused("POST", path, map[string]any{"reason": "　"}); got.Code != errs.InvalidInput || got.Field != "reason" {
			t.Errorf("without a reason: %+v", got)
		}
		var n ended
		h.admin.must("POST", path, map[string]any{"reason": "端末の紛失"}, &n)
		if n.Ended != 1 {
			t.Errorf("ended %d", n.Ended)
		}
		if got := boss.refused("GET", "/me", nil); got.Code != errs.Unauthenticated {
			t.Errorf("after the reset: %+v", got)
		}
		_, who := h.halfway("boss")
		if len(who.Pending) != 0 || who.SecondFactor.Enrolled {
			t.Errorf("signing in anew: %+v", who)
		}
		if strings.Contains(h.log.String(), "紛失") {
			t.Error("the log has the reason")
		}
	})
}
