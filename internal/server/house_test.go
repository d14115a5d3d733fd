package server

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"kakoi/internal/access"
	"kakoi/internal/config"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/model/modeltest/openaifake"
	"kakoi/internal/sse"
)

// house is the whole server on a real port, over a real store, with a fake
// model server behind it.
type house struct {
	*App
	t    *testing.T
	url  string
	fake *openaifake.Server
	// upstream is where the fake is.
	upstream string
	cfg      config.Config
	log      *syncBuffer
	stop     func() error // tells it to stop and waits until it has
	admin    *person
	modelA   string
}

const password = "正しい 馬 電池 ホチキス"

// inBoth opens a house over each engine.
func inBoth(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(engine), func(t *testing.T) { test(t, furnished(t, engine, nil)) })
	}
}

// settings are the defaults with a store of their own.
func settings(t *testing.T, engine db.Engine, flags map[string]string) config.Config {
	t.Helper()
	all := map[string]string{"http.addr": "127.0.0.1:0", "data.dir": t.TempDir(), "runs.stopGrace": "0s", "runs.flushInterval": "50ms"}
	if engine == db.Postgres {
		all["database.url"] = dbtest.EmptyURL(t, engine)
	}
	for k, v := range flags {
		all[k] = v
	}
	cfg, err := config.Load(config.Input{Flags: all})
	if err != nil {
		t.Fatal(err)
	}
	return cfg.Config
}

// empty opens a house nobody lives in yet.
func empty(t *testing.T, cfg config.Config) *house {
	t.Helper()
	h := &house{t: t, cfg: cfg, log: &syncBuffer{}}
	log := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	app, err := Open(t.Context(), cfg, "test", log)
	if err != nil {
		t.Fatal(err)
	}
	h.App = app
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", cfg.HTTP.Addr)
	if err != nil {
		t.Fatal(err)
	}
	h.url = "http://" + listener.Addr().String()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	stopped := make(chan struct{})
	var failed error
	go func() { failed = app.Serve(ctx, listener); close(stopped) }()
	h.stop = func() error { cancel(); <-stopped; return failed }
	t.Cleanup(func() {
		if err := h.stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return h
}

// furnished opens a house with an administrator and a model.
func furnished(t *testing.T, engine db.Engine, flags map[string]string) *house {
	t.Helper()
	h := empty(t, settings(t, engine, flags))
	h.admin = h.somebody()
	var who me
	h.admin.must("POST", "/setup", map[string]any{"token": h.setupToken(), "email": "admin@example.jp", "name": "管理者", "password": password}, &who)
	h.fake = &openaifake.Server{}
	upstream := httptest.NewServer(h.fake)
	t.Cleanup(upstream.Close)
	h.upstream = upstream.URL
	var made connection
	h.admin.must("POST", "/admin/connections", map[string]any{
		"name": "局所", "kind": "openai", "enabled": true, "settings": map[string]any{"baseUrl": upstream.URL + "/v1"},
	}, &made)
	var entry catalogueModel
	h.admin.must("POST", "/admin/models", map[string]any{
		"connectionId": made.ID, "remoteId": openaifake.DefaultModels[0], "enabled": true,
		"capabilities": map[string]any{"vision": true, "documents": true, "reasoning": true, "tools": false, "contextTokens": 0, "outputTokens": 0},
		"price":        map[string]any{"currency": "JPY", "input": 100, "output": 200},
	}, &entry)
	h.modelA = entry.ID
	return h
}

func (h *house) setupToken() string {
	h.t.Helper()
	token, _, err := h.identity.CreateSetupLink(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return token
}

// person is a browser.
type person struct {
	h      *house
	client *http.Client
	id     string
}

func (h *house) somebody() *person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	transport := &http.Transport{}
	h.t.Cleanup(transport.CloseIdleConnections)
	return &person{h: h, client: &http.Client{Jar: jar, Transport: transport}}
}

// resident is a new account, signed in with a password of its own.
func (h *house) resident(name string, roles ...held) *person {
	h.t.Helper()
	var made createdAccount
	h.admin.must("POST", "/admin/accounts", map[string]any{"email": name + "@example.jp", "name": name, "roles": orEmpty(roles)}, &made)
	p := h.somebody()
	p.id = made.Account.ID
	p.must("POST", "/sign-in", map[string]any{"email": name + "@example.jp", "password": made.TemporaryPassword}, nil)
	p.must("POST", "/me/password", map[string]any{"current": made.TemporaryPassword, "new": password}, nil)
	return p
}

func (p *person) request(method, path string, in any) *http.Request {
	p.h.t.Helper()
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			p.h.t.Fatal(err)
		}
		body = bytes.NewReader(text)
	}
	if strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "/api/") {
		path = apiPrefix + path
	}
	r, err := http.NewRequestWithContext(p.h.t.Context(), method, p.h.url+path, body)
	if err != nil {
		p.h.t.Fatal(err)
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func (p *person) do(r *http.Request) (*http.Response, []byte) {
	p.h.t.Helper()
	resp, err := p.client.Do(r)
	if err != nil {
		p.h.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.h.t.Fatal(err)
	}
	return resp, text
}

// must does what has to succeed.
func (p *person) must(method, path string, in, out any) {
	p.h.t.Helper()
	resp, text := p.do(p.request(method, path, in))
	if resp.StatusCode >= 300 {
		p.h.t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			p.h.t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
}

// refused does what has to fail and returns the problem.
func (p *person) refused(method, path string, in any) problem {
	p.h.t.Helper()
	return p.refusedRequest(p.request(method, path, in))
}

func (p *person) refusedRequest(r *http.Request) problem {
	p.h.t.Helper()
	resp, text := p.do(r)
	return problemIn(p.h.t, resp, text)
}

func problemIn(t *testing.T, resp *http.Response, text []byte) problem {
	t.Helper()
	var got problem
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%s %s: %d is no problem document: %s", resp.Request.Method, resp.Request.URL.Path, resp.StatusCode, text)
	}
	if resp.StatusCode < 400 || got.Status != resp.StatusCode || got.Code == "" || got.RequestID == "" || got.Type != "about:blank" ||
		got.RequestID != resp.Header.Get("X-Request-Id") || resp.Header.Get("Content-Type") != problemType || got.Title != http.StatusText(got.Status) {
		t.Errorf("%s %s: %d with %v is not the form of a problem: %s", resp.Request.Method, resp.Request.URL.Path, resp.StatusCode, resp.Header, text)
	}
	return got
}

// asks begins a conversation.
func (p *person) asks(text string) started {
	p.h.t.Helper()
	var begun started
	p.must("POST", "/conversations", map[string]any{"modelId": p.h.modelA, "turn": map[string]any{"text": text}}, &begun)
	return begun
}

// stream is an open event stream.
type stream struct {
	t      *testing.T
	resp   *http.Response
	events <-chan event
}

type event struct{ id, data string }

// follows opens a stream; its channel is closed when it has ended.
func (p *person) follows(path, after string) stream {
	p.h.t.Helper()
	r := p.request("GET", path, nil)
	if after != "" {
		r.Header.Set("Last-Event-ID", after)
	}
	resp, err := p.client.Do(r)
	if err != nil {
		p.h.t.Fatal(err)
	}
	p.h.t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		p.h.t.Fatalf("GET %s after %q: %d %s", path, after, resp.StatusCode, text)
	}
	events := make(chan event, 10_000)
	go func() {
		defer close(events)
		for e, err := range sse.Read(resp.Body) {
			if err != nil {
				return
			}
			events <- event{e.ID, string(e.Data)}
		}
	}()
	return stream{p.h.t, resp, events}
}

// rest reads a stream to its end.
func (s stream) rest() (all []event) {
	for e := range s.events {
		all = append(all, e)
	}
	return all
}

// until reads a stream to the first event that holds text.
func (s stream) until(text string) {
	s.t.Helper()
	for e := range s.events {
		if strings.Contains(e.data, text) {
			return
		}
	}
	s.t.Fatalf("the stream ended before %q", text)
}

func isWhole(all []event) bool { return len(all) > 0 && all[len(all)-1].data == "[DONE]" }

// said puts the parts of an answer together again.
func said(t *testing.T, all []event) map[string]string {
	t.Helper()
	parts := map[string]string{}
	for _, e := range all {
		if e.data == "[DONE]" {
			continue
		}
		var c struct{ Type, ID, Delta string }
		if err := json.Unmarshal([]byte(e.data), &c); err != nil {
			t.Fatalf("%v in %s", err, e.data)
		}
		if c.Delta != "" {
			parts[c.ID] += c.Delta
		}
	}
	return parts
}

type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// fromRoot is a path from the root of the repository.
func fromRoot(name string) string { return filepath.Join("..", "..", name) }

func decode(t *testing.T, resp *http.Response, out any) {
	t.Helper()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		t.Fatal(err)
	}
}

// cookieOf is the session that a browser holds.
func (h *house) cookieOf(p *person) string {
	for _, c := range p.client.Jar.Cookies(p.request("GET", "/me", nil).URL) {
		if c.Name == h.cookieName {
			return c.Value
		}
	}
	return ""
}

// steal makes a browser show somebody's session.
func (p *person) steal(token string) {
	p.client.Jar.SetCookies(p.request("GET", "/me", nil).URL, []*http.Cookie{{Name: p.h.cookieName, Value: token, Path: "/"}})
}

func unmarshal(t *testing.T, text []byte, out any) {
	t.Helper()
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

func bodyOf(data []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(data)) }

// forGroups are the grants of what is for the groups alone, or for everyone.
func forGroups(ids ...string) []grant {
	if len(ids) == 0 {
		return []grant{{Kind: access.SubjectEveryone}}
	}
	return mapped(ids, func(id string) grant { return grant{Kind: access.SubjectGroup, ID: id} })
}
