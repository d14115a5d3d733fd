package server

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

var built = fstest.MapFS{
	"index.html":               {Data: []byte("<!doctype html>start")},
	"index.html.br":            {Data: []byte("brotli of start")},
	"theme.js":                 {Data: []byte("theme")},
	"assets/main-3f2a.js":      {Data: []byte("main")},
	"assets/main-3f2a.js.gz":   {Data: []byte("gzip of main")},
	"sandbox/mermaid.html":     {Data: []byte("frame")},
	"sandbox/mermaid-3f2a.js":  {Data: []byte("mermaid")},
	".keep":                    {Data: []byte("")},
	"assets/font-81aa.woff2":   {Data: []byte("font")},
	"assets/font-81aa.unknown": {Data: []byte("?")},
}

func TestTheInterfaceIsServedWithItsCachingAndForms(t *testing.T) {
	server, _ := edge(t)
	pages, err := newUI(built, server.answer)
	if err != nil {
		t.Fatal(err)
	}
	const forever = "public, max-age=31536000, immutable"
	for _, tt := range []struct {
		name, path, accepts                string
		status                             int
		body, mediaType, caching, encoding string
	}{
		{"the start page", "/", "", 200, "<!doctype html>start", "text/html; charset=utf-8", "no-cache", ""},
		{"an address of the interface's own", "/c/0190-ab", "", 200, "<!doctype html>start", "text/html; charset=utf-8", "no-cache", ""},
		{"the start page in brotli", "/admin/models", "gzip, deflate, br", 200, "brotli of start", "text/html; charset=utf-8", "no-cache", "br"},
		{"a browser without brotli", "/", "gzip, br;q=0", 200, "<!doctype html>start", "text/html; charset=utf-8", "no-cache", ""},
		{"a hashed file", "/assets/main-3f2a.js", "", 200, "main", "text/javascript; charset=utf-8", forever, ""},
		{"a hashed file in gzip", "/assets/main-3f2a.js", "gzip, br", 200, "gzip of main", "text/javascript; charset=utf-8", forever, "gzip"},
		{"a font", "/assets/font-81aa.woff2", "br", 200, "font", "font/woff2", forever, ""},
		{"a plain file", "/theme.js", "", 200, "theme", "text/javascript; charset=utf-8", "no-cache", ""},
		{"a hashed file of another release", "/assets/main-0000.js", "", 404, "", problemType, "no-store", ""},
		{"a file that is not there", "/logo.png", "", 404, "", problemType, "no-store", ""},
		{"a hidden file", "/.keep", "", 404, "", problemType, "no-store", ""},
		{"a way up", "/assets/../../secret.txt", "", 404, "", problemType, "no-store", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, tt.path, nil)
			r.Header.Set("Accept-Encoding", tt.accepts)
			w := httptest.NewRecorder()
			pages.ServeHTTP(w, r)
			if w.Code != tt.status || tt.body != "" && w.Body.String() != tt.body || w.Header().Get("Content-Encoding") != tt.encoding {
				t.Errorf("got %d %q in %q", w.Code, w.Body.String(), w.Header().Get("Content-Encoding"))
			}
			if w.Header().Get("Content-Type") != tt.mediaType || w.Header().Get("Cache-Control") != tt.caching {
				t.Errorf("headers %v", w.Header())
			}
			tag := w.Header().Get("ETag")
			if tag == "" {
				return
			}
			r.Header.Set("If-None-Match", tag)
			w = httptest.NewRecorder()
			if pages.ServeHTTP(w, r); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
				t.Errorf("again: %d %q", w.Code, w.Body.String())
			}
		})
	}
	w := httptest.NewRecorder()
	if pages.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestAProgramWithoutItsInterfaceSaysSo(t *testing.T) {
	w := httptest.NewRecorder()
	missingUI(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "make build") || !strings.Contains(w.Body.String(), "画面") {
		t.Errorf("%d %s", w.Code, w.Body.String())
	}
}

// TestThePoliciesAreThoseTheInterfaceWasTriedUnder compares with what the web
// side serves while it is built: a page that works there works here.
func TestThePoliciesAreThoseTheInterfaceWasTriedUnder(t *testing.T) {
	for name, tt := range map[string]struct{ policy, file, marked string }{
		"pages":   {pagePolicy, "web/vite.config.ts", `const csp = \[([^\]]*)\]`},
		"sandbox": {sandboxPolicy, "web/build/diagram-sandbox.ts", `"Content-Security-Policy":\s*("[^\n]*"),`},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(fromRoot(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			found := regexp.MustCompile(tt.marked).FindSubmatch(text)
			if found == nil {
				t.Fatalf("%s has no policy any more", tt.file)
			}
			var rules []string
			for _, quoted := range regexp.MustCompile(`"([^"]*)"`).FindAllStringSubmatch(string(found[1]), -1) {
				rules = append(rules, quoted[1])
			}
			if got := strings.Join(rules, "; "); got != tt.policy {
				t.Errorf("%s has %q, the server %q", tt.file, got, tt.policy)
			}
			if strings.Contains(pagePolicy, "unsafe") {
				t.Error("a page may run what is written into it")
			}
		})
	}
}
