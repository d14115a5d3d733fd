package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/errs"
)

func TestTheSetupLinkMakesOneAdministratorAndIsSpent(t *testing.T) {
	h := empty(t, settings(t, db.SQLite, nil))
	first, second := h.somebody(), h.somebody()
	token := h.setupToken()
	state := func(p *person, token string) (got setupState) {
		r := p.request("GET", "/setup", nil)
		if token != "" {
			r.Header.Set("X-Kakoi-Setup-Token", token)
		}
		resp, err := p.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		decode(t, resp, &got)
		return got
	}
	if got := state(first, ""); !got.Needed || got.LinkValid != nil {
		t.Errorf("before: %+v", got)
	}
	if got := state(first, token); got.LinkValid == nil || !*got.LinkValid {
		t.Errorf("with the link: %+v", got)
	}
	if got := state(first, "wrong"); got.LinkValid == nil || *got.LinkValid {
		t.Errorf("with another link: %+v", got)
	}
	in := map[string]any{"token": token, "email": "Anna@Example.jp ", "name": "安奈", "password": password, "locale": "ja"}
	var who me
	first.must("POST", "/setup", in, &who)
	if len(who.Account.Roles) != 1 || who.Account.Roles[0].RoleID != "administrator" || len(who.Account.Permissions) != len(access.Permissions()) || who.Account.Email != "anna@example.jp" || who.Preferences.Locale != "ja" || who.Version != "test" {
		t.Errorf("made %+v", who)
	}
	first.must("GET", "/me", nil, &who)
	if got := second.refused("POST", "/setup", in); got.Code != errs.SetupLinkInvalid {
		t.Errorf("a spent link: %+v", got)
	}
	if got := state(second, token); got.Needed || *got.LinkValid {
		t.Errorf("after: %+v", got)
	}
	if strings.Contains(h.log.String(), token) || strings.Contains(h.log.String(), password) {
		t.Error("the log has a secret")
	}
}

func TestTheSessionIsAnotherOneAfterEachSignIn(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		p := h.resident("berta")
		before := h.cookieOf(p)
		p.must("POST", "/sign-in", map[string]any{"email": "berta@example.jp", "password": password}, nil)
		if after := h.cookieOf(p); after == before {
			t.Error("signing in kept the session")
		}
		thief := h.somebody()
		thief.steal(before)
		if got := thief.refused("GET", "/me", nil); got.Code != errs.Unauthenticated {
			t.Errorf("the session from before: %+v", got)
		}

		kept := h.cookieOf(p)
		p.must("POST", "/sign-out", nil, nil)
		thief.steal(kept)
		if got := thief.refused("GET", "/me", nil); got.Code != errs.Unauthenticated {
			t.Errorf("a session that was signed out: %+v", got)
		}
		if h.cookieOf(p) != "" {
			t.Error("signing out left the cookie")
		}
		p.must("POST", "/sign-out", nil, nil) // once more does no harm
		if got := p.refused("POST", "/sign-in", map[string]any{"email": "berta@example.jp", "password": "wrong"}); got.Code != errs.SignInFailed || got.Status != http.StatusUnauthorized {
			t.Errorf("a wrong password: %+v", got)
		}
	})
}

func TestATemporaryPasswordGrantsNothingButItsReplacement(t *testing.T) {
	h := furnished(t, db.SQLite, nil)
	var made createdAccount
	h.admin.must("POST", "/admin/accounts", map[string]any{"email": "carla@example.jp", "name": "Carla", "roles": []map[string]any{{"roleId": "administrator"}}}, &made)
	p := h.somebody()
	in := map[string]any{"email": "carla@example.jp", "password": made.TemporaryPassword}
	var who me
	p.must("POST", "/sign-in", in, &who)
	if !who.Account.MustChangePassword {
		t.Errorf("signed in as %+v", who)
	}
	for _, path := range []string{"/conversations", "/models", "/admin/accounts", "/events"} {
		if got := p.refused("GET", path, nil); got.Code != errs.PasswordChangeRequired || got.Status != http.StatusForbidden {
			t.Errorf("%s: %+v", path, got)
		}
	}
	if got := p.refused("POST", "/me/password", map[string]any{"current": made.TemporaryPassword, "new": "short"}); got.Code != errs.PasswordTooWeak {
		t.Errorf("a weak password: %+v", got)
	}
	p.must("POST", "/me/password", map[string]any{"current": made.TemporaryPassword, "new": password}, nil)
	p.must("GET", "/conversations", nil, nil)
}

func TestOnesSessionsAreListedAndEnded(t *testing.T) {
	h := furnished(t, db.SQLite, nil)
	p := h.resident("dora")
	phone := h.somebody()
	phone.must("POST", "/sign-in", map[string]any{"email": "dora@example.jp", "password": password}, nil)
	var sessions list[session]
	p.must("GET", "/me/sessions", nil, &sessions)
	if len(sessions.Items) != 2 {
		t.Fatalf("sessions = %+v", sessions)
	}
	for _, s := range sessions.Items {
		if s.Address != "127.0.0.1" || s.UserAgent == "" {
			t.Errorf("a session does not say from where: %+v", s)
		}
		if !s.Current {
			p.must("DELETE", "/me/sessions/"+s.ID, nil, nil)
		}
	}
	if got := phone.refused("GET", "/me", nil); got.Code != errs.Unauthenticated {
		t.Errorf("an ended session: %+v", got)
	}
	var n ended
	p.must("POST", "/me/sign-out-everywhere?keepCurrent=true", nil, &n)
	p.must("GET", "/me", nil, nil)
	p.must("POST", "/me/sign-out-everywhere", nil, &n)
	if n.Ended != 1 || h.cookieOf(p) != "" {
		t.Errorf("%d sessions ended, the cookie is %q", n.Ended, h.cookieOf(p))
	}
}

func TestTheCookieIsKeptFromScriptsAndFromOtherSites(t *testing.T) {
	for _, tt := range []struct {
		name, publicURL, cookie string
		secure                  bool
	}{
		{"over plain http", "", "kakoi_session", false},
		{"behind a proxy that speaks https", "https://ai.example.lg.jp", "__Host-kakoi", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := empty(t, settings(t, db.SQLite, map[string]string{"http.publicUrl": tt.publicURL}))
			p := h.somebody()
			resp, _ := p.do(p.request("POST", "/setup", map[string]any{"token": h.setupToken(), "email": "a@example.jp", "name": "A", "password": password}))
			cookies := resp.Cookies()
			if len(cookies) != 1 {
				t.Fatalf("cookies = %v", cookies)
			}
			c := cookies[0]
			if c.Name != tt.cookie || c.Secure != tt.secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.Expires.IsZero() {
				t.Errorf("cookie = %s", c)
			}
		})
	}
}

func TestAnotherSiteCannotMakeABrowserAct(t *testing.T) {
	h := empty(t, settings(t, db.SQLite, map[string]string{"http.publicUrl": "http://ai.example.lg.jp"}))
	p := h.somebody()
	for _, tt := range []struct {
		name   string
		header map[string]string
		body   string
		want   errs.Code
	}{
		{"a fetch of another site", map[string]string{"Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"}, `{}`, errs.CrossOrigin},
		{"a subdomain", map[string]string{"Sec-Fetch-Site": "same-site", "Content-Type": "application/json"}, `{}`, errs.CrossOrigin},
		{"an older browser on another site", map[string]string{"Origin": "http://evil.example", "Content-Type": "application/json"}, `{}`, errs.CrossOrigin},
		{"a form", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, `email=a`, errs.UnsupportedType},
		{"a form that pretends to be text", map[string]string{"Content-Type": "text/plain"}, `{}`, errs.UnsupportedType},
		{"a body without a type", nil, `{}`, errs.UnsupportedType},
		{"our own page behind a proxy", map[string]string{"Origin": "http://ai.example.lg.jp", "Content-Type": "application/json; charset=utf-8"}, `{}`, errs.InvalidInput},
		{"our own page", map[string]string{"Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}, `{}`, errs.InvalidInput},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+apiPrefix+"/sign-in", strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range tt.header {
				r.Header.Set(k, v)
			}
			if got := p.refusedRequest(r); got.Code != tt.want {
				t.Errorf("got %+v, want %s", got, tt.want)
			}
		})
	}
}

func TestTheAddressOfAClientIsNotWhatItClaims(t *testing.T) {
	s := &Server{proxies: settings(t, db.SQLite, map[string]string{"http.trustedProxies": "10.0.0.0/8, 192.168.1.5/32"}).HTTP.TrustedProxies}
	for _, tt := range []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"without a proxy the connection counts", "203.0.113.9:4000", nil, "203.0.113.9"},
		{"a stranger's header is nothing", "203.0.113.9:4000", []string{"198.51.100.1"}, "203.0.113.9"},
		{"a trusted proxy says who it was", "10.0.0.1:4000", []string{"198.51.100.1"}, "198.51.100.1"},
		{"through two proxies, and what a client invented", "10.0.0.1:4000", []string{"1.1.1.1, 198.51.100.1", "192.168.1.5"}, "198.51.100.1"},
		{"nothing but proxies", "10.0.0.1:4000", []string{"10.0.0.7"}, "10.0.0.7"},
		{"nonsense stops the walk", "10.0.0.1:4000", []string{"198.51.100.1, unknown"}, "10.0.0.1"},
		{"with a port", "10.0.0.1:4000", []string{"198.51.100.1:5000"}, "198.51.100.1"},
		{"IPv6", "10.0.0.1:4000", []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:4000", []string{"2001:db8::1"}, "2001:db8::1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			r.RemoteAddr = tt.peer
			r.Header["X-Forwarded-For"] = tt.forwarded
			if got := s.clientAddress(r); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestConversationsBeginOnlyWithInstructionsThatThePersonMayRead(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		anna, ben := h.resident("anna"), h.resident("ben")
		write := func(p *person, kind string) string {
			var made prompt
			p.must("POST", "/prompts", map[string]any{"kind": kind, "name": kind, "body": "簡潔に", "locale": "ja"}, &made)
			return made.ID
		}
		instructions, message, others := write(anna, "system"), write(anna, "message"), write(ben, "system")
		putAway := write(anna, "system")
		anna.must("PATCH", "/prompts/"+putAway, map[string]any{"archived": true}, nil)

		choose := func(id string) map[string]any { return map[string]any{"defaultPromptId": id} }
		for name, id := range map[string]string{"a message": message, "another person's": others, "put away": putAway, "none at all": "no-such-prompt"} {
			if got := anna.refused("PATCH", "/me/preferences", choose(id)); got.Code != errs.InvalidInput || got.Field != "defaultPromptId" {
				t.Errorf("%s: %+v", name, got)
			}
		}
		var chosen preferences
		anna.must("PATCH", "/me/preferences", choose(instructions), &chosen)
		anna.must("PATCH", "/me/preferences", map[string]any{"density": "compact", "calendar": "japanese"}, &chosen)
		if chosen.DefaultPromptID != instructions || chosen.Density != "compact" || chosen.Calendar != "japanese" {
			t.Errorf("%+v", chosen)
		}
		// What is deleted later keeps nobody from choosing anything else, or nothing.
		anna.must("DELETE", "/prompts/"+instructions, nil, nil)
		anna.must("PATCH", "/me/preferences", map[string]any{"density": "comfortable"}, &chosen)
		if chosen.DefaultPromptID != instructions {
			t.Errorf("%+v", chosen)
		}
		anna.must("PATCH", "/me/preferences", choose(""), &chosen)
		if chosen.DefaultPromptID != "" {
			t.Errorf("%+v", chosen)
		}
	})
}
