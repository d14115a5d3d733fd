package server

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"
)

func TestAddressesOfTheInterfaceGetItsPageAndMissingFilesDoNot(t *testing.T) {
	pages, err := newUI(fstest.MapFS{
		"index.html":       {Data: []byte("page")},
		"theme.js":         {Data: []byte("theme")},
		"assets/a-1234.js": {Data: []byte("script")},
		".keep":            {},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path   string
		status int
		body   string
	}{
		{"/", http.StatusOK, "page"},
		{"/setup", http.StatusOK, "page"},
		{"/conversations/0192", http.StatusOK, "page"},
		{"/theme.js", http.StatusOK, "theme"},
		{"/assets/a-1234.js", http.StatusOK, "script"},
		{"/assets/gone-1234.js", http.StatusNotFound, ""},
		{"/favicon.ico", http.StatusNotFound, ""},
		{"/.keep", http.StatusNotFound, ""},
	} {
		t.Run(tt.path, func(t *testing.T) {
			w := httptest.NewRecorder()
			pages.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, tt.path, nil))
			if w.Code != tt.status || tt.body != "" && w.Body.String() != tt.body {
				t.Errorf("GET %s gives %d %q, want %d %q", tt.path, w.Code, w.Body, tt.status, tt.body)
			}
		})
	}
}
