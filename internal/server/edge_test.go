package server

import (
	"compress/gzip"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kakoi/internal/config"
	"kakoi/internal/db"
	"kakoi/internal/doctor"
	"kakoi/internal/errs"
	"kakoi/internal/model/modeltest/openaifake"
)

func TestAFailureTellsItsCodeAndNothingOfTheInside(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want problem
	}{
		{"a plain error is our fault", errors.New("pq: password of kakoi is hunter2"),
			problem{Status: 500, Code: errs.Internal, Detail: "Something went wrong on our side. The log knows this request by its id."}},
		{"even with words of its own", errs.Wrap(errs.Internal, "table accounts", io.EOF),
			problem{Status: 500, Code: errs.Internal, Detail: "Something went wrong on our side. The log knows this request by its id."}},
		{"a code survives wrapping", fmt.Errorf("read it: %w", errs.New(errs.NotFound, "There is no such thing.")),
			problem{Status: 404, Code: errs.NotFound, Detail: "There is no such thing."}},
		{"a field and params", errs.InField("email", "it is taken").With("email", "a"),
			problem{Status: 422, Code: errs.InvalidInput, Detail: "it is taken", Field: "email", Params: map[string]string{"email": "a"}}},
		{"a cause stays inside", errs.Wrap(errs.ModelUnreachable, "The server cannot be reached.", errors.New("dial 10.0.0.1")),
			problem{Status: 502, Code: errs.ModelUnreachable, Detail: "The server cannot be reached."}},
		{"a code nobody knows", errs.New("made_up", "secret"),
			problem{Status: 500, Code: errs.Internal, Detail: "Something went wrong on our side. The log knows this request by its id."}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := problemOf(t.Context(), tt.err)
			tt.want.Type, tt.want.Title = "about:blank", http.StatusText(tt.want.Status)
			a, _ := json.Marshal(got)
			b, _ := json.Marshal(tt.want)
			if string(a) != string(b) {
				t.Errorf("got %s, want %s", a, b)
			}
		})
	}
}

func TestWhoMustWaitIsToldHowLong(t *testing.T) {
	h := furnished(t, db.SQLite, nil)
	p := h.somebody()
	in := map[string]any{"email": "admin@example.jp", "password": "wrong"}
	for range 200 {
		resp, text := p.do(p.request("POST", "/sign-in", in))
		if got := problemIn(t, resp, text); got.Code == errs.RateLimited {
			if resp.Header.Get("Retry-After") == "" || resp.Header.Get("Retry-After") != got.Params["retryAfterSeconds"] {
				t.Errorf("Retry-After %q, params %v", resp.Header.Get("Retry-After"), got.Params)
			}
			return
		}
	}
	t.Error("200 wrong passwords were tried and nobody minded")
}

func TestARequestOfTheWrongFormIsRefusedWithoutRepeatingIt(t *testing.T) {
	h := furnished(t, db.SQLite, map[string]string{"limits.messageBytes": "1KiB", "limits.attachmentsPerTurn": "2"})
	for _, tt := range []struct {
		name, method, path, body string
		code                     errs.Code
		field                    string
	}{
		{"a field of the wrong type", "POST", "/sign-in", `{"email":"a@example.jp","password":["geheim"]}`, errs.InvalidInput, "password"},
		{"a field too many", "POST", "/sign-in", `{"email":"a@example.jp","password":"geheim","geheim":1}`, errs.InvalidInput, "geheim"},
		{"a field too few", "POST", "/sign-in", `{"password":"geheim"}`, errs.InvalidInput, "email"},
		{"a field deep inside", "POST", "/conversations", `{"turn":{"text":["geheim"]}}`, errs.InvalidInput, "turn.text"},
		{"a value that is none of those there are", "PATCH", "/me/preferences", `{"theme":"geheim"}`, errs.InvalidInput, "theme"},
		{"no JSON", "POST", "/sign-in", `{"password":"geheim`, errs.InvalidInput, ""},
		{"a wrong query", "GET", "/conversations?limit=geheim", ``, errs.InvalidInput, "limit"},
		{"a page token that is none", "GET", "/conversations?pageToken=geheim", ``, errs.InvalidInput, "pageToken"},
		{"nothing to say", "POST", "/conversations", `{"turn":{"text":"  "}}`, errs.InvalidInput, "turn.text"},
		{"too long a message", "POST", "/conversations", `{"turn":{"text":"` + strings.Repeat("あ", 400) + `"}}`, errs.TooLarge, "turn.text"},
		{"too many files", "POST", "/conversations", `{"turn":{"text":"a","attachmentIds":["1","2","3"]}}`, errs.TooLarge, "turn.attachmentIds"},
		{"a body beyond every bound", "PATCH", "/me", `{"name":"` + strings.Repeat("x", smallBody) + `"}`, errs.TooLarge, ""},
		{"an operation that is none", "POST", "/nothing", `{}`, errs.NotFound, ""},
		{"a method that is none", "PUT", "/me", `{}`, errs.WrongMethod, ""},
		{"a method that a stream has not", "DELETE", "/events", ``, errs.WrongMethod, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := h.admin.request(tt.method, tt.path, nil)
			if tt.body != "" {
				r.Body, r.ContentLength = bodyOf([]byte(tt.body)), int64(len(tt.body))
				r.Header.Set("Content-Type", "application/json")
			}
			resp, text := h.admin.do(r)
			got := problemIn(t, resp, text)
			if got.Code != tt.code || got.Field != tt.field || got.Detail == "" {
				t.Errorf("got %+v, want %s in %q", got, tt.code, tt.field)
			}
			if tt.name != "a field too many" && strings.Contains(string(text), "geheim") {
				t.Errorf("repeats what it was sent: %s", text)
			}
		})
	}
	if strings.Contains(h.log.String(), "geheim") {
		t.Error("the log repeats what was sent")
	}
}

func TestWhatIsNotThereIsAProblemEverywhere(t *testing.T) {
	h := furnished(t, db.SQLite, nil)
	for _, tt := range []struct {
		method, path string
		code         errs.Code
		allow        string
	}{
		{"GET", "/api/v1/nothing", errs.NotFound, ""},
		{"GET", "/api/v2/me", errs.NotFound, ""},
		{"GET", "/api/", errs.NotFound, ""},
		{"PUT", "/api/v1/me", errs.WrongMethod, "GET, PATCH"},
		{"OPTIONS", "/api/v1/conversations", errs.WrongMethod, "GET, POST"},
		{"POST", "/api/v1/runs/x/events", errs.WrongMethod, "GET"},
		{"POST", "/api/openapi.json", errs.WrongMethod, "GET"},
		{"GET", "/assets/main-0000.js", errs.NotFound, ""},
		{"GET", "/.keep", errs.NotFound, ""},
		{"POST", "/", errs.WrongMethod, "GET, HEAD"},
		{"POST", "/healthz", errs.WrongMethod, "GET, HEAD"},
		{"DELETE", "/metrics", errs.WrongMethod, "GET, HEAD"},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			r := h.admin.request(tt.method, tt.path, nil)
			r.URL.Path = tt.path
			resp, text := h.admin.do(r)
			if got := problemIn(t, resp, text); got.Code != tt.code || resp.Header.Get("Allow") != tt.allow {
				t.Errorf("got %+v, allowed %q; want %s, %q", got, resp.Header.Get("Allow"), tt.code, tt.allow)
			}
		})
	}
}

func TestAPanicIsOneAnswerAndOneLine(t *testing.T) {
	for name, panics := range map[string]http.HandlerFunc{
		"before the answer": func(http.ResponseWriter, *http.Request) { panic("inside") },
		"with a header written": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/csv")
			panic("inside")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, log := edge(t)
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			r.Header.Set("Accept-Encoding", "gzip")
			s.around(compressed(t, panics)).ServeHTTP(w, r)
			resp := w.Result()
			resp.Request = r
			if got := problemIn(t, resp, w.Body.Bytes()); got.Code != errs.Internal || strings.Contains(w.Body.String(), "inside") {
				t.Errorf("answered %+v", got)
			}
			if n := strings.Count(log.String(), "cause=inside"); n != 1 {
				t.Errorf("%d lines in the log:\n%s", n, log)
			}
		})
	}
}

// A panic in the middle of an answer cuts it: a client must not take the half
// for the whole.
func TestAPanicInTheMiddleOfAnAnswerCutsIt(t *testing.T) {
	s, log := edge(t)
	server := httptest.NewServer(s.around(compressed(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("half ", 10_000))
		panic("inside")
	})))
	defer server.Close()
	resp, err := server.Client().Get(server.URL)
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
	}
	if err == nil {
		t.Error("half an answer looked like a whole one")
	}
	if !strings.Contains(log.String(), "cause=inside") {
		t.Errorf("the log says nothing:\n%s", log)
	}
}

// edge is as much of a server as the middleware needs.
func edge(t *testing.T) (*Server, *syncBuffer) {
	t.Helper()
	log := &syncBuffer{}
	return &Server{log: slog.New(slog.NewTextHandler(log, nil)), metrics: newMeasures(func() int { return 0 })}, log
}

func compressed(t *testing.T, next http.HandlerFunc) http.Handler {
	t.Helper()
	compress, err := compression()
	if err != nil {
		t.Fatal(err)
	}
	return compress(next)
}

func TestEveryAnswerBindsTheBrowser(t *testing.T) {
	h := furnished(t, db.SQLite, nil)
	for path, policy := range map[string]string{"/": pagePolicy, "/api/v1/me": dataPolicy, "/sandbox/mermaid.html": sandboxPolicy, "/api/v1/nothing": dataPolicy} {
		r := h.admin.request("GET", path, nil)
		r.URL.Path = path
		resp, _ := h.admin.do(r)
		if got := resp.Header.Get("Content-Security-Policy"); got != policy {
			t.Errorf("%s: policy %q", path, got)
		}
		framed := strings.HasPrefix(path, "/sandbox/")
		if resp.Header.Get("X-Content-Type-Options") != "nosniff" || resp.Header.Get("X-Request-Id") == "" ||
			!strings.Contains(resp.Header.Get("Permissions-Policy"), named(framed, "microphone=(),", "microphone=(self),")) ||
			(resp.Header.Get("X-Frame-Options") == "") != framed || (resp.Header.Get("Cross-Origin-Resource-Policy") == "cross-origin") != framed {
			t.Errorf("%s: %v", path, resp.Header)
		}
		if strings.HasPrefix(path, "/api/") && resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be kept", path)
		}
	}
}

func TestLongAnswersAreCompressed(t *testing.T) {
	h := furnished(t, db.SQLite, nil)
	r := h.admin.request("GET", "/api/openapi.json", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	resp, text := h.admin.do(r)
	if resp.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("headers %v", resp.Header)
	}
	plain, err := gzip.NewReader(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.NewDecoder(plain).Decode(&d); err != nil || len(d.Paths) < 30 {
		t.Errorf("%v, %d paths", err, len(d.Paths))
	}
	begun := h.admin.asks("[[say " + strings.Repeat("長い答え", 500) + "]]")
	r = h.admin.request("GET", "/runs/"+begun.Answers[0].RunID+"/events", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	if resp, text := h.admin.do(r); resp.Header.Get("Content-Encoding") != "" || !strings.Contains(string(text), "[DONE]") {
		t.Error("a stream was compressed, which holds its events back")
	}
}

func TestHealthIsForEverybodyAndMetricsAreNot(t *testing.T) {
	h := furnished(t, db.SQLite, nil)
	nobody := h.somebody()
	for _, path := range []string{"/healthz", "/readyz"} {
		r := nobody.request("GET", path, nil)
		r.URL.Path = path
		if resp, text := nobody.do(r); resp.StatusCode != http.StatusOK || string(text) != "ok\n" {
			t.Errorf("%s: %d %s", path, resp.StatusCode, text)
		}
	}
	metrics := func(p *person, header string) (*http.Response, []byte) {
		r := p.request("GET", "/metrics", nil)
		r.URL.Path = "/metrics"
		if header != "" {
			r.Header.Set(header, "203.0.113.9")
		}
		return p.do(r)
	}
	_, text := metrics(nobody, "")
	for _, want := range []string{
		`http_server_requests_total{http_request_method="POST",http_response_status_code="200",http_route="POST /api/v1/setup"} 1`,
		"kakoi_runs_active 0", "kakoi_streams_active 0", "go_goroutines", "kakoi_model_calls_active",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	for _, header := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"} {
		resp, text := metrics(nobody, header)
		if got := problemIn(t, resp, text); got.Code != errs.Unauthenticated {
			t.Errorf("through a proxy with %s: %+v", header, got)
		}
	}
	if resp, _ := metrics(h.admin, "X-Forwarded-For"); resp.StatusCode != http.StatusOK {
		t.Errorf("an administrator through a proxy: %d", resp.StatusCode)
	}
	if resp, text := metrics(h.resident("anna"), "X-Forwarded-For"); problemIn(t, resp, text).Code != errs.Forbidden {
		t.Errorf("a member through a proxy: %s", text)
	}
}

func TestTheStatusKnowsHowAConnectionDid(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		state := func() (of connectionStatus, all status) {
			h.admin.must("GET", "/admin/status", nil, &all)
			for _, c := range all.Connections {
				if c.Name == "局所" {
					of = c
				}
			}
			return of, all
		}
		if got, all := state(); got.State != "unknown" || all.Store.SchemaVersion < 3 || !all.Store.OK || all.MemoryBytes == 0 || (all.Store.Engine == db.SQLite) != (all.Store.SizeBytes > 0) {
			t.Errorf("before: %+v in %+v", got, all)
		}
		for prompt, want := range map[string]string{"[[say hello]]": "ok", "[[credentials]]": "failing"} {
			begun := h.admin.asks(prompt)
			h.admin.follows("/runs/"+begun.Answers[0].RunID+"/events", "").rest()
			if err := h.invoker.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			got, all := state()
			// The title of the first conversation is a call, too.
			if got.LastUsedAt.IsZero() || len(all.Egress) == 0 || want == "failing" && got.State == want && got.Code != string(errs.ModelCredentials) {
				t.Errorf("%s: %+v", prompt, got)
			}
		}
	})
}

func TestAConnectionIsCheckedChangedAndListed(t *testing.T) {
	h := furnished(t, db.SQLite, nil)
	var connections list[connection]
	h.admin.must("GET", "/admin/connections", nil, &connections)
	at := slices.IndexFunc(connections.Items, func(c connection) bool { return c.Kind == "openai" })
	id := connections.Items[at].ID
	var got checkResult
	h.admin.must("POST", "/admin/connections/"+id+"/check", nil, &got)
	if last := got.Steps[len(got.Steps)-1]; last.Name != "stream" || !last.OK {
		t.Errorf("steps = %+v", got.Steps)
	}
	h.admin.must("POST", "/admin/connections/check", map[string]any{
		"name": "x", "kind": "openai", "enabled": true, "settings": map[string]any{"baseUrl": "http://127.0.0.1:1/v1"},
	}, &got)
	if last := got.Steps[len(got.Steps)-1]; last.OK || last.Code != errs.ModelUnreachable || last.Detail == "" {
		t.Errorf("steps = %+v", got.Steps)
	}
	// What passed and should be looked at has the doctor's name.
	whole := httptest.NewServer(&openaifake.Server{Whole: true})
	defer whole.Close()
	h.admin.must("POST", "/admin/connections/check?remoteId="+openaifake.DefaultModels[0], map[string]any{
		"name": "x", "kind": "openai", "enabled": true, "settings": map[string]any{"baseUrl": whole.URL + "/v1"},
	}, &got)
	if last := got.Steps[len(got.Steps)-1]; !last.OK || last.Name != "stream" || last.Finding != doctor.StreamWhole || last.Code != "" || last.Params["reason"] != "whole" {
		t.Errorf("steps = %+v", got.Steps)
	}
	for _, s := range got.Steps[:len(got.Steps)-1] {
		if s.Finding != "" {
			t.Errorf("step %+v", s)
		}
	}
	// So has what failed, where it knows more than the code.
	locked := httptest.NewServer(&openaifake.Server{Key: "right"})
	defer locked.Close()
	h.admin.must("POST", "/admin/connections/check", map[string]any{
		"name": "x", "kind": "openai", "enabled": true, "settings": map[string]any{"baseUrl": locked.URL + "/v1"}, "secret": map[string]any{"apiKey": "wrong-key"},
	}, &got)
	if last := got.Steps[len(got.Steps)-1]; last.OK || last.Code != errs.ModelCredentials || last.Finding != doctor.CredentialsRefused {
		t.Errorf("steps = %+v", got.Steps)
	}
	var changed connection
	h.admin.must("PATCH", "/admin/connections/"+id, map[string]any{"secret": map[string]any{"apiKey": "sk-geheim"}}, &changed)
	if !slices.Equal(changed.SecretNames, []string{"apiKey"}) {
		t.Errorf("changed = %+v", changed)
	}
	if _, text := h.admin.do(h.admin.request("GET", "/admin/connections/"+id, nil)); strings.Contains(string(text), "sk-geheim") {
		t.Errorf("a secret came back: %s", text)
	}
	if got := h.admin.refused("PATCH", "/admin/connections/"+id, map[string]any{"kind": "bedrock"}); got.Field != "kind" {
		t.Errorf("another kind: %+v", got)
	}
	var remote list[remoteModel]
	h.admin.must("GET", "/admin/connections/"+id+"/remote-models", nil, &remote)
	if len(remote.Items) == 0 {
		t.Error("no remote models")
	}
	if got := h.admin.refused("DELETE", "/admin/connections/"+id, nil); got.Code != errs.Conflict {
		t.Errorf("a connection with models: %+v", got)
	}
	h.admin.must("DELETE", "/admin/connections/"+id+"?withModels=true", nil, nil)
	var offers list[offer]
	h.admin.must("GET", "/models", nil, &offers)
	if len(offers.Items) != 1 || !offers.Items[0].Demo || !offers.Items[0].IsDefault || offers.Items[0].Place.Kind != "server" {
		t.Errorf("offers = %+v", offers)
	}
}

func TestGroupsDecideWhoIsOfferedAModel(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		anna := h.resident("anna")
		var g group
		h.admin.must("POST", "/admin/groups", map[string]any{"name": "総務課"}, &g)
		h.admin.must("PATCH", "/admin/models/"+h.modelA, map[string]any{"grants": forGroups(g.ID)}, nil)
		has := func() bool {
			var offers list[offer]
			anna.must("GET", "/models", nil, &offers)
			return slices.ContainsFunc(offers.Items, func(o offer) bool { return o.ID == h.modelA })
		}
		if has() {
			t.Error("offered to somebody outside the group")
		}
		if got := anna.refused("POST", "/conversations", map[string]any{"modelId": h.modelA, "turn": map[string]any{"text": "a"}}); got.Code != errs.ModelUnavailable {
			t.Errorf("used from outside the group: %+v", got)
		}
		h.admin.must("PUT", "/admin/groups/"+g.ID+"/members/"+anna.id, nil, nil)
		var members list[member]
		h.admin.must("GET", "/admin/groups/"+g.ID+"/members", nil, &members)
		if len(members.Items) != 1 || members.Items[0].AccountID != anna.id || !has() {
			t.Errorf("members = %+v, offered: %v", members, has())
		}
		h.admin.must("DELETE", "/admin/groups/"+g.ID+"/members/"+anna.id, nil, nil)
		if has() {
			t.Error("offered after leaving the group")
		}
	})
}

func TestTheStoreIsReachedThroughTheGate(t *testing.T) {
	for raw, want := range map[string][]string{
		"": nil,
		"postgres://kakoi@db.example.lg.jp/kakoi":               {"db.example.lg.jp:5432"},
		"postgres://kakoi@db.example.lg.jp:6432/kakoi":          {"db.example.lg.jp:6432"},
		"postgres://kakoi@a,b:6432/kakoi":                       {"a:5432", "b:6432"},
		"postgres://kakoi@[2001:db8::1]/kakoi":                  {"[2001:db8::1]:5432"},
		"postgres://kakoi@/kakoi?host=/var/run/postgresql":      {"/var/run/postgresql/.s.PGSQL.5432"},
		"postgres:///kakoi?host=%2Ftmp%2Fpg&port=6000&user=abc": {"/tmp/pg/.s.PGSQL.6000"},
	} {
		if got := databaseHosts(raw); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
}

func TestTheAddressThatIsPrintedWorks(t *testing.T) {
	for _, tt := range []struct {
		addr, publicURL, cert string
		bound                 net.Addr
		want                  string
	}{
		{addr: "127.0.0.1:8080", want: "http://127.0.0.1:8080"},
		{addr: "0.0.0.0:8080", want: "http://127.0.0.1:8080"},
		{addr: ":8080", want: "http://127.0.0.1:8080"},
		{addr: "[::]:8080", want: "http://127.0.0.1:8080"},
		{addr: "127.0.0.1:0", bound: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4711}, want: "http://127.0.0.1:4711"},
		{addr: "0.0.0.0:8443", cert: "tls.crt", want: "https://127.0.0.1:8443"},
		{addr: "0.0.0.0:8080", publicURL: "https://ai.example.lg.jp", want: "https://ai.example.lg.jp"},
	} {
		cfg := config.Config{HTTP: config.HTTP{Addr: tt.addr, PublicURL: tt.publicURL, TLS: config.TLS{CertFile: tt.cert}}}
		if got := origin(cfg, tt.bound); got != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
	}
}

func TestTheLinkIsPrintedWhileThereIsNoAdministrator(t *testing.T) {
	h := empty(t, settings(t, db.SQLite, nil))
	var out strings.Builder
	if err := h.greet(t.Context(), &out, nil); err != nil {
		t.Fatal(err)
	}
	_, token, found := strings.Cut(out.String(), "/setup#token=")
	if !found {
		t.Fatalf("printed %q", out.String())
	}
	// A command beside the server makes another, and the first is worth nothing then.
	link, err := SetupLink(t.Context(), h.cfg, h.App.log)
	if err != nil {
		t.Fatal(err)
	}
	p := h.somebody()
	in := map[string]any{"token": strings.TrimSpace(token), "email": "a@example.jp", "name": "A", "password": password}
	if got := p.refused("POST", "/setup", in); got.Code != errs.SetupLinkInvalid {
		t.Errorf("the older link: %+v", got)
	}
	_, in["token"], _ = cut(link, "#token=")
	p.must("POST", "/setup", in, nil)
	out.Reset()
	if err := h.greet(t.Context(), &out, nil); err != nil || strings.Contains(out.String(), "token") {
		t.Errorf("printed %q, %v", out.String(), err)
	}
	if _, err := SetupLink(t.Context(), h.cfg, h.App.log); errs.CodeOf(err) != errs.Conflict {
		t.Errorf("a link for a second administrator: %v", err)
	}
}

func cut(s, at string) (string, any, bool) {
	before, after, found := strings.Cut(s, at)
	return before, after, found
}

func TestAnotherServerOnTheSameFileIsRefused(t *testing.T) {
	h := empty(t, settings(t, db.SQLite, nil))
	if _, err := Open(t.Context(), h.cfg, "test", h.App.log); !errors.Is(err, db.ErrClaimed) {
		t.Errorf("got %v", err)
	}
}

// TestTheServerSpeaksHTTPSItself also holds streams to work over HTTP/2.
func TestTheServerSpeaksHTTPSItself(t *testing.T) {
	known := httptest.NewUnstartedServer(nil) // for its certificate, which its client trusts
	known.EnableHTTP2 = true
	known.StartTLS()
	defer known.Close()
	pair, dir := known.TLS.Certificates[0], t.TempDir()
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"tls.crt": {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, "tls.key": {Type: "PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h := empty(t, settings(t, db.SQLite, map[string]string{"http.tls.certFile": filepath.Join(dir, "tls.crt"), "http.tls.keyFile": filepath.Join(dir, "tls.key")}))
	h.url = strings.Replace(h.url, "http:", "https:", 1)
	p := h.somebody()
	p.client.Transport = known.Client().Transport
	resp, text := p.do(p.request("POST", "/setup", map[string]any{"token": h.setupToken(), "email": "a@example.jp", "name": "A", "password": password}))
	cookies := resp.Cookies()
	if resp.StatusCode != http.StatusOK || resp.Proto != "HTTP/2.0" || len(cookies) != 1 || cookies[0].Name != "__Host-kakoi" || !cookies[0].Secure {
		t.Fatalf("%s %d %s with %v", resp.Proto, resp.StatusCode, text, cookies)
	}
	var offers list[offer]
	p.must("GET", "/models", nil, &offers)
	var begun started
	p.must("POST", "/conversations", map[string]any{"modelId": offers.Items[0].ID, "turn": map[string]any{"text": "こんにちは"}}, &begun)
	if all := p.follows("/runs/"+begun.Answers[0].RunID+"/events", "").rest(); !isWhole(all) || len(said(t, all)) == 0 {
		t.Errorf("the stream ended with %v", all)
	}
}
