// Package proxytest is an HTTP proxy for tests: it opens tunnels by CONNECT and
// passes plain requests on, and may ask for a name and a password first.
package proxytest

import (
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"sync"
	"testing"
)

// Proxy is a running proxy. Its fields are set before anybody asks it.
type Proxy struct {
	URL            string
	User, Password string // asked for by Basic authentication, if there is a user
	Offers         string // says how to log in; "" is Basic
	Denies         int    // the status with which CONNECT is answered; 0 connects

	server *httptest.Server

	mu       sync.Mutex
	tunnels  []string // hosts of CONNECT that was granted
	plain    []string // hosts of requests that were passed on
	refusals int
}

// Run starts a proxy that ends with the test.
func Run(tb testing.TB) *Proxy {
	tb.Helper()
	p := &Proxy{}
	p.server = httptest.NewServer(p)
	tb.Cleanup(p.server.Close)
	p.URL = p.server.URL
	return p
}

// Passed returns the hosts that tunnels led to, those that plain requests asked
// for, and how many requests were refused.
func (p *Proxy) Passed() (tunnels, plain []string, refusals int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.tunnels...), append([]string(nil), p.plain...), p.refusals
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if want := "Basic " + base64.StdEncoding.EncodeToString([]byte(p.User+":"+p.Password)); p.User != "" && r.Header.Get("Proxy-Authorization") != want {
		p.note(func() { p.refusals++ })
		offers := p.Offers
		if offers == "" {
			offers = `Basic realm="proxy, of the town"`
		}
		w.Header().Set("Proxy-Authenticate", offers)
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	if r.Method != http.MethodConnect {
		p.note(func() { p.plain = append(p.plain, r.Host) })
		// The request names its host, and the login goes no further.
		(&httputil.ReverseProxy{Rewrite: func(pr *httputil.ProxyRequest) { pr.Out.Header.Del("Proxy-Authorization") }, FlushInterval: -1}).ServeHTTP(w, r)
		return
	}
	if p.Denies != 0 {
		w.WriteHeader(p.Denies)
		return
	}
	there, err := new(net.Dialer).DialContext(r.Context(), "tcp", r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer there.Close()
	p.note(func() { p.tunnels = append(p.tunnels, r.Host) })
	w.WriteHeader(http.StatusOK)
	here, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	go func() {
		_, _ = io.Copy(there, buffered)
		_ = there.Close()
	}()
	_, _ = io.Copy(here, there)
}

func (p *Proxy) note(what func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	what()
}
