package egress

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"kakoi/internal/egress/proxytest"
	"kakoi/internal/errs"
)

// nameServer answers every question for an IPv4 address with what answer says,
// and counts nothing else. It returns a resolver that asks it.
func nameServer(t *testing.T, answer func(name string) netip.Addr) *net.Resolver {
	t.Helper()
	return asking(serveDNS(t, func(query []byte) []byte { return dnsReply(query, answer) }))
}

// asking returns a resolver that asks the name server at an address.
func asking(server string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server)
	}}
}

// serveDNS starts a name server and returns its address. A nil reply is none.
func serveDNS(t *testing.T, reply func(query []byte) []byte) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if said := reply(buf[:n]); said != nil {
				_, _ = conn.WriteTo(said, from)
			}
		}
	}()
	return conn.LocalAddr().String()
}

func dnsReply(query []byte, answer func(name string) netip.Addr) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	q := m.Questions[0]
	ip := answer(strings.TrimSuffix(q.Name.String(), "."))
	header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}
	switch {
	case !ip.IsValid():
		m.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA && ip.Is4():
		m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AResource{A: ip.As4()}}}
	case q.Type == dnsmessage.TypeAAAA && ip.Is6():
		m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AAAAResource{AAAA: ip.As16()}}}
	}
	reply, _ := m.Pack()
	return reply
}

// here is a network whose names may stand for the servers of these tests.
var here = Network{Own: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}

func hostOf(t *testing.T, s *httptest.Server) string {
	t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

func client(t *testing.T, g *Gate, s Spec) *http.Client {
	t.Helper()
	c, err := g.Client(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func record(t *testing.T, g *Gate, purpose, destination string) Record {
	t.Helper()
	for _, r := range g.Snapshot() {
		if r.Purpose == purpose && r.Destination == destination {
			return r
		}
	}
	t.Fatalf("no record of %s to %s in %+v", purpose, destination, g.Snapshot())
	return Record{}
}

func TestADeclaredDestinationOnLoopbackIsReachedAndCounted(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(bytes.Repeat(body, 2))
	}))
	defer s.Close()
	g := New(Options{})
	c := client(t, g, Spec{Purpose: "model:1", Allow: []string{hostOf(t, s)}})
	resp, err := c.Post(s.URL, "text/plain", strings.NewReader(strings.Repeat("x", 1000)))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if len(body) != 2000 {
		t.Errorf("body has %d bytes, want 2000", len(body))
	}
	r := record(t, g, "model:1", hostOf(t, s))
	if r.Dials != 1 || r.Refusals != 0 || r.Failures != 0 || r.Open != 1 {
		t.Errorf("record = %+v, want one dial, open", r)
	}
	if r.BytesSent < 1000 || r.BytesReceived < 2000 {
		t.Errorf("record counts %d bytes out and %d in, want at least 1000 and 2000", r.BytesSent, r.BytesReceived)
	}
	c.CloseIdleConnections()
	if r := record(t, g, "model:1", hostOf(t, s)); r.Open != 0 {
		t.Errorf("%d connections open after closing, want 0", r.Open)
	}
}

func TestAnUndeclaredDestinationIsRefusedBeforeAnythingIsSent(t *testing.T) {
	var reached atomic.Bool
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer s.Close()
	var log bytes.Buffer
	g := New(Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	c := client(t, g, Spec{Purpose: "model:1", Allow: []string{"llm.example:443"}})
	_, err := c.Get(s.URL)
	if errs.CodeOf(err) != errs.EgressDenied {
		t.Fatalf("error = %v, want code egress_denied", err)
	}
	if !strings.Contains(err.Error(), hostOf(t, s)) || !strings.Contains(err.Error(), "administrator") {
		t.Errorf("error %q does not name the destination and what to do", err)
	}
	if r := record(t, g, "model:1", hostOf(t, s)); r.Refusals != 1 || r.Dials != 0 {
		t.Errorf("record = %+v, want one refusal and no dial", r)
	}
	if reached.Load() {
		t.Error("the server was reached")
	}
	if !strings.Contains(log.String(), "egress refused") {
		t.Errorf("the log %q does not tell of the refusal", log.String())
	}
}

func TestARedirectNeverLeavesTheOrigin(t *testing.T) {
	var keys atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { keys.Add(1) }))
	defer other.Close()
	var s *httptest.Server
	s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		case "/within":
			http.Redirect(w, r, s.URL+"/end", http.StatusFound)
		case "/circle":
			http.Redirect(w, r, s.URL+"/circle", http.StatusFound)
		}
	}))
	defer s.Close()
	g := New(Options{})
	// The other server is declared too: still a key for one is not the other's.
	c := client(t, g, Spec{Purpose: "model:1", Allow: []string{hostOf(t, s), hostOf(t, other)}})
	if _, err := c.Get(s.URL + "/away"); errs.CodeOf(err) != errs.EgressDenied {
		t.Errorf("a redirect to another origin gives %v, want code egress_denied", err)
	}
	if keys.Load() != 0 {
		t.Error("the other origin was asked")
	}
	resp, err := c.Get(s.URL + "/within")
	if err != nil {
		t.Fatalf("a redirect within the origin: %v", err)
	}
	resp.Body.Close()
	if resp.Request.URL.Path != "/end" {
		t.Errorf("ended at %s, want /end", resp.Request.URL.Path)
	}
	if _, err := c.Get(s.URL + "/circle"); errs.CodeOf(err) != errs.ModelFailed {
		t.Errorf("a circle of redirects gives %v, want code model_failed", err)
	}
}

func TestADeclaredNameDoesNotLeadToMetadataServices(t *testing.T) {
	for _, to := range []string{"169.254.169.254", "0.0.0.0", "224.0.0.1", "fd00:ec2::254", "fe80::1", "64:ff9b::a9fe:a9fe"} {
		t.Run(to, func(t *testing.T) {
			g := New(Options{Network: here, Resolver: nameServer(t, func(string) netip.Addr { return netip.MustParseAddr(to) })})
			c := client(t, g, Spec{Purpose: "model:1", Allow: []string{"llm.example:80"}, Metadata: true})
			_, err := c.Get("http://llm.example/latest/meta-data/")
			if errs.CodeOf(err) != errs.EgressDenied {
				t.Fatalf("error = %v, want code egress_denied", err)
			}
			if r := record(t, g, "model:1", "llm.example:80"); r.Refusals != 1 || r.Dials != 0 {
				t.Errorf("record = %+v, want one refusal", r)
			}
		})
	}
}

func TestANameThatChangesItsAddressIsJudgedAtEachConnection(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") }))
	defer s.Close()
	_, port, _ := net.SplitHostPort(hostOf(t, s))
	var rebound atomic.Bool
	g := New(Options{Network: here, Resolver: nameServer(t, func(string) netip.Addr {
		if rebound.Load() {
			return netip.MustParseAddr("169.254.169.254")
		}
		return netip.MustParseAddr("127.0.0.1")
	})})
	c := client(t, g, Spec{Purpose: "model:1", Allow: []string{"llm.example:" + port}})
	resp, err := c.Get("http://llm.example:" + port)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	rebound.Store(true)
	if _, err := c.Get("http://llm.example:" + port); errs.CodeOf(err) != errs.EgressDenied {
		t.Errorf("after rebinding: %v, want code egress_denied", err)
	}
}

func TestALinkLocalAddressNeedsItsOwnDeclarationAndThePurposeForIt(t *testing.T) {
	for _, tt := range []struct {
		name        string
		destination string
		address     string
		metadata    bool
		allowed     bool
	}{
		{"declared literally for the purpose", "169.254.169.254:80", "169.254.169.254:80", true, true},
		{"declared literally over IPv6", "[fd00:ec2::254]:80", "[fd00:ec2::254]:80", true, true},
		{"declared literally without the purpose", "169.254.169.254:80", "169.254.169.254:80", false, false},
		{"reached through a name", "llm.example:80", "169.254.169.254:80", true, false},
		{"another one than declared", "169.254.170.2:80", "169.254.169.254:80", true, false},
		{"the purpose opens nothing else", "0.0.0.0:80", "0.0.0.0:80", true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := newRules(Network{}).judgeAddress("model:1", tt.destination, netip.MustParseAddrPort(tt.address).Addr(), tt.metadata)
			if (err == nil) != tt.allowed {
				t.Errorf("error = %v, want allowed %v", err, tt.allowed)
			}
		})
	}
}

func TestDestinationsAreComparedInOneSpelling(t *testing.T) {
	for _, tt := range []struct{ a, b string }{
		{"LLM.Example:443", "llm.example:443"},
		{"llm.example.:443", "llm.example:443"},
		{"[::ffff:127.0.0.1]:80", "127.0.0.1:80"},
		{"[0:0:0:0:0:0:0:1]:80", "[::1]:80"},
		{"モデル.example:443", "xn--edktc2a.example:443"},
	} {
		got, err := normalise("tcp", tt.a)
		if err != nil {
			t.Errorf("normalise(%q): %v", tt.a, err)
		} else if want, _ := normalise("tcp", tt.b); got != want {
			t.Errorf("normalise(%q) = %q, want %q", tt.a, got, want)
		}
	}
	for _, bad := range []string{"llm.example", ":443", "llm.example:", ""} {
		if _, err := normalise("tcp", bad); errs.CodeOf(err) != errs.EgressDenied {
			t.Errorf("normalise(%q) gives %v, want code egress_denied", bad, err)
		}
	}
	if _, err := New(Options{}).Client(Spec{Allow: []string{"llm.example"}}); err == nil {
		t.Error("a destination without a port was accepted")
	}
}

func TestTheEnvironmentsProxyIsNeverUsed(t *testing.T) {
	var proxied atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied.Add(1) }))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("http_proxy", proxy.URL)
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	_, port, _ := net.SplitHostPort(hostOf(t, s))
	g := New(Options{Network: here, Resolver: nameServer(t, func(string) netip.Addr { return netip.MustParseAddr("127.0.0.1") })})
	c := client(t, g, Spec{Purpose: "model:1", Allow: []string{"llm.example:" + port}})
	resp, err := c.Get("http://llm.example:" + port)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if proxied.Load() != 0 {
		t.Error("the request went to the environment's proxy")
	}
}

func TestAConfiguredProxyIsDialledAndStillOnlyForDeclaredDestinations(t *testing.T) {
	var asked atomic.Value
	proxy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked.Store(r.URL.Host) }))
	defer proxy.Close()
	g := New(Options{})
	c := client(t, g, Spec{Purpose: "model:1", Allow: []string{"llm.example:8000"}, Proxy: proxy.URL})
	resp, err := c.Get("http://llm.example:8000/v1")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if asked.Load() != "llm.example:8000" {
		t.Errorf("the proxy was asked for %v, want llm.example:8000", asked.Load())
	}
	if _, err := c.Get("http://elsewhere.example:8000/"); errs.CodeOf(err) != errs.EgressDenied {
		t.Errorf("an undeclared destination through the proxy gives %v, want code egress_denied", err)
	}
	if _, err := c.Get(proxy.URL); errs.CodeOf(err) != errs.EgressDenied {
		t.Errorf("the proxy itself as a destination gives %v, want code egress_denied", err)
	}
	if _, err := g.Client(Spec{Proxy: "proxy:8080"}); errs.CodeOf(err) != errs.InvalidInput {
		t.Errorf("a malformed proxy gives %v, want code invalid_input", err)
	}
}

func TestAProxyIsLoggedInToAndItsRefusalsAreTold(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/407" {
			w.WriteHeader(http.StatusProxyAuthRequired) // a server may say it too; through a tunnel it is its own word
		}
		fmt.Fprint(w, r.Header.Get("Proxy-Authorization"))
	}))
	defer plain.Close()
	secure := httptest.NewTLSServer(plain.Config.Handler)
	defer secure.Close()
	right := Login{User: "soumu", Password: "pa:ss"}
	for _, tt := range []struct {
		name    string
		login   Login
		offers  string
		denies  int
		reason  string // "" is no refusal
		param   [2]string
		passing bool
		only    string // scheme
	}{
		{"the right login", right, "", 0, "", [2]string{}, false, ""},
		{"no login", Login{}, "", 0, "proxy", [2]string{}, false, ""},
		{"a wrong password", Login{User: "soumu", Password: "old"}, `Basic realm="a, b", charset="UTF-8"`, 0, "proxy_password", [2]string{}, false, ""},
		{"Basic among others", Login{User: "soumu"}, `Negotiate, NTLM, basic realm="town"`, 0, "proxy_password", [2]string{}, false, ""},
		{"no Basic", Login{User: "soumu"}, `Negotiate, NTLM, Digest realm="town", nonce="x"`, 0, "proxy_scheme", [2]string{"schemes", "Negotiate, NTLM, Digest"}, false, ""},
		{"a destination that is denied", right, "", http.StatusForbidden, "proxy_denied", [2]string{"status", "403"}, false, "https"},
		{"a destination that the proxy cannot reach", right, "", http.StatusBadGateway, "proxy_denied", [2]string{"status", "502"}, true, "https"},
	} {
		for _, s := range []*httptest.Server{plain, secure} {
			u, err := url.Parse(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			if tt.only != "" && u.Scheme != tt.only {
				continue
			}
			t.Run(tt.name+" by "+u.Scheme, func(t *testing.T) {
				proxy := proxytest.Run(t)
				proxy.User, proxy.Password, proxy.Offers, proxy.Denies = right.User, right.Password, tt.offers, tt.denies
				spec := Spec{Purpose: "model:1", Allow: []string{hostOf(t, s)}, Proxy: proxy.URL, ProxyLogin: tt.login, CAPEM: pemOf(secure.Certificate().Raw)}
				var log bytes.Buffer
				g := New(Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
				c := client(t, g, spec)
				resp, err := c.Get(s.URL)
				if tt.reason == "" {
					if err != nil {
						t.Fatal(err)
					}
					if told, _ := io.ReadAll(resp.Body); len(told) > 0 {
						t.Errorf("the server is told %s", told)
					}
					resp.Body.Close()
					own, err := c.Get(s.URL + "/407")
					if (err == nil) != (u.Scheme == "https") {
						t.Errorf("a server's own 407: %v", err)
					}
					if err == nil {
						own.Body.Close()
					}
					return
				}
				var refusal *errs.Error
				if !errors.As(err, &refusal) || refusal.Code != errs.ModelUnreachable || refusal.Params["reason"] != tt.reason || tt.param[0] != "" && refusal.Params[tt.param[0]] != tt.param[1] {
					t.Fatalf("got %v, %+v", err, refusal)
				}
				if f := Classify(err); f.Step != StepConnect || f.Code != errs.ModelUnreachable || f.Passing != tt.passing {
					t.Errorf("classified as %+v", f)
				}
				if p := g.Probe(t.Context(), spec, s.URL); p.Trouble != proxyTrouble[tt.reason] || p.TLS != nil {
					t.Errorf("probed %+v", p)
				}
				open := int64(0)
				for _, r := range g.Snapshot() {
					open += r.Open
				}
				c.CloseIdleConnections()
				if u.Scheme == "https" && open != 0 {
					t.Errorf("%d connections to the proxy stay open", open)
				}
				for _, hidden := range []string{tt.login.Password, "c291bXU6"} { // as it is encoded
					if text := fmt.Sprint(err, log.String()); hidden != "" && strings.Contains(text, hidden) {
						t.Errorf("%s is told: %s", hidden, text)
					}
				}
			})
		}
	}
}

func TestALoginShowsNothing(t *testing.T) {
	spec := Spec{ProxyLogin: Login{User: "soumu", Password: "canary"}}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("spec", "login", spec.ProxyLogin, "spec", spec)
	encoded, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprintf("%v", spec), fmt.Sprintf("%+v", &spec), fmt.Sprintf("%#v", spec), string(encoded), log.String()} {
		if strings.Contains(text, "canary") {
			t.Errorf("it is in %s", text)
		}
	}
}

func TestMetadataIsNotAskedThroughAProxy(t *testing.T) {
	var asked atomic.Bool
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Store(true) }))
	defer proxy.Close()
	const metadata = "169.254.169.254:80"
	for _, tt := range []struct {
		metadata, proxied bool
	}{{true, false}, {false, true}} {
		asked.Store(false)
		c := client(t, New(Options{}), Spec{Purpose: "model:1", Allow: []string{metadata, "llm.example:80"}, Metadata: tt.metadata, Proxy: proxy.URL})
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond) // nobody answers there
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+metadata+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := c.Do(r); err == nil {
			resp.Body.Close()
		}
		if asked.Load() != tt.proxied {
			t.Errorf("metadata %t: through the proxy %t", tt.metadata, asked.Load())
		}
	}
}

func TestIdleConnectionsOfManyStreamsAreUsedAgain(t *testing.T) {
	const streams = 200
	var arrived sync.WaitGroup
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived.Done()
		<-release
		_, _ = io.WriteString(w, "ok")
	}))
	defer s.Close()
	g := New(Options{})
	c := client(t, g, Spec{Purpose: "model:1", Allow: []string{hostOf(t, s)}})
	round := func() {
		arrived.Add(streams)
		var done sync.WaitGroup
		for range streams {
			done.Go(func() {
				resp, err := c.Get(s.URL)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			})
		}
		arrived.Wait()
		close(release)
		done.Wait()
		release = make(chan struct{})
	}
	round()
	round()
	if r := record(t, g, "model:1", hostOf(t, s)); r.Dials != streams {
		t.Errorf("two rounds of %d streams took %d dials, want %d", streams, r.Dials, streams)
	}
}

func TestDialContextReachesOnlyWhatItWasMadeFor(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	path := filepath.Join(t.TempDir(), "s.5432")
	socket, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	g := New(Options{})
	dial := g.DialContext("database", ln.Addr().String(), path)
	for _, tt := range []struct{ network, addr string }{{"tcp", ln.Addr().String()}, {"unix", path}} {
		conn, err := dial(t.Context(), tt.network, tt.addr)
		if err != nil {
			t.Errorf("dial %s %s: %v", tt.network, tt.addr, err)
			continue
		}
		conn.Close()
		conn.Close() // counted once
		if r := record(t, g, "database", tt.addr); r.Dials != 1 || r.Open != 0 {
			t.Errorf("record = %+v, want one dial, closed", r)
		}
	}
	if _, err := dial(t.Context(), "tcp", "127.0.0.1:1"); errs.CodeOf(err) != errs.EgressDenied {
		t.Errorf("another port gives %v, want code egress_denied", err)
	}
	if _, err := g.DialContext("database", "no port")(t.Context(), "tcp", "127.0.0.1:1"); errs.CodeOf(err) != errs.EgressDenied {
		t.Errorf("a malformed declaration gives %v, want code egress_denied", err)
	}
}

func TestFetchTakesASmallPageAndNoMore(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "llama.cpp")
		_, _ = io.WriteString(w, strings.Repeat("x", len(r.URL.Path)))
	}))
	defer s.Close()
	g := New(Options{})
	spec := Spec{Purpose: "detect", Allow: []string{hostOf(t, s)}}
	page, err := g.Fetch(t.Context(), spec, s.URL+"/123456789", 10)
	if err != nil || page.Status != http.StatusOK || page.Server != "llama.cpp" || len(page.Body) != 10 {
		t.Errorf("Fetch = %+v, %v", page, err)
	}
	if _, err := g.Fetch(t.Context(), spec, s.URL+"/1234567890", 10); err == nil {
		t.Error("a page over the limit was taken")
	}
	if _, err := g.Fetch(t.Context(), Spec{Purpose: "detect"}, s.URL, 10); errs.CodeOf(err) != errs.EgressDenied {
		t.Errorf("an undeclared page gives %v, want code egress_denied", err)
	}
}

// certificate returns a self-signed certificate for name and its PEM.
func certificate(t *testing.T, name string, from, to time.Time) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: from, NotAfter: to, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func tlsServer(t *testing.T, cert tls.Certificate) (port string) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) }))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	s.EnableHTTP2 = true
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	_, port, _ = net.SplitHostPort(s.Listener.Addr().String())
	return port
}

func TestACertificateOfOurOwnAuthorityIsTrustedWhereItIsGiven(t *testing.T) {
	now := time.Now()
	cert, caPEM := certificate(t, "llm.example", now.Add(-time.Hour), now.Add(time.Hour))
	port := tlsServer(t, cert)
	loopback := nameServer(t, func(string) netip.Addr { return netip.MustParseAddr("127.0.0.1") })
	c := client(t, New(Options{Network: here, Resolver: loopback}), Spec{Purpose: "model:1", Allow: []string{"llm.example:" + port}, CAPEM: caPEM})
	resp, err := c.Get("https://llm.example:" + port)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if proto, _ := io.ReadAll(resp.Body); string(proto) != "HTTP/2.0" {
		t.Errorf("spoke %s, want HTTP/2.0", proto)
	}
	if _, err := New(Options{}).Client(Spec{CAPEM: []byte("not PEM")}); errs.CodeOf(err) != errs.InvalidInput {
		t.Errorf("CA text that is none gives %v, want code invalid_input", err)
	}
}

func TestClassifyTellsHowFarAConnectionCame(t *testing.T) {
	now := time.Now()
	good, _ := certificate(t, "llm.example", now.Add(-time.Hour), now.Add(time.Hour))
	expired, expiredPEM := certificate(t, "llm.example", now.Add(-2*time.Hour), now.Add(-time.Hour))
	otherName, otherPEM := certificate(t, "other.example", now.Add(-time.Hour), now.Add(time.Hour))
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	_, plainPort, _ := net.SplitHostPort(hostOf(t, plain))
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, closedPort, _ := net.SplitHostPort(closed.Addr().String())
	closed.Close()
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer silent.Close()
	_, silentPort, _ := net.SplitHostPort(hostOf(t, silent))
	cut := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer cut.Close()
	_, cutPort, _ := net.SplitHostPort(hostOf(t, cut))
	resolver := nameServer(t, func(name string) netip.Addr {
		if name != "llm.example" {
			return netip.Addr{}
		}
		return netip.MustParseAddr("127.0.0.1")
	})
	goodPort := tlsServer(t, good)

	for _, tt := range []struct {
		name    string
		url     string
		caPEM   []byte
		step    Step
		code    errs.Code
		says    string
		passing bool
	}{
		{"an unknown name", "http://nowhere.example:80", nil, StepResolve, errs.ModelUnreachable, "nowhere.example", false},
		{"nothing listens", "http://llm.example:" + closedPort, nil, StepConnect, errs.ModelUnreachable, "nothing listens", true},
		{"an unknown authority", "https://llm.example:" + goodPort, nil, StepTLS, errs.ModelUnreachable, "authority", false},
		{"a certificate for another name", "https://llm.example:" + tlsServer(t, otherName), otherPEM, StepTLS, errs.ModelUnreachable, "other.example", false},
		{"an expired certificate", "https://llm.example:" + tlsServer(t, expired), expiredPEM, StepTLS, errs.ModelUnreachable, "valid from", false},
		{"no TLS at the port", "https://llm.example:" + plainPort, nil, StepTLS, errs.ModelUnreachable, "http://", false},
		{"a server that never answers", "http://llm.example:" + silentPort, nil, StepAnswer, errs.ModelTimeout, "did not answer", true},
		{"a server that hangs up", "http://llm.example:" + cutPort, nil, StepAnswer, errs.ModelBrokeOff, "broke off", true},
		{"an undeclared destination", "http://llm.example:1", nil, StepEgress, errs.EgressDenied, "not a declared", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u, _ := url.Parse(tt.url)
			allow := []string{u.Host}
			if tt.step == StepEgress {
				allow = nil
			}
			c := client(t, New(Options{Network: here, Resolver: resolver}), Spec{Purpose: "model:1", Allow: allow, CAPEM: tt.caPEM})
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			if tt.code == errs.ModelTimeout {
				ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
			}
			request, _ := http.NewRequestWithContext(ctx, http.MethodGet, tt.url, nil)
			_, err := c.Do(request)
			got := Classify(err)
			if got.Step != tt.step || got.Code != tt.code || got.Passing != tt.passing || !strings.Contains(got.Message, tt.says) {
				t.Errorf("Classify(%v) = %+v, want %s, %s, %q, passing %v", err, got, tt.step, tt.code, tt.says, tt.passing)
			}
		})
	}
	if got := Classify(nil); got != (Failure{}) {
		t.Errorf("Classify(nil) = %+v", got)
	}
	if got := Classify(errors.New("odd")); got.Code != errs.ModelUnreachable || got.Message == "" {
		t.Errorf("Classify of an unknown error = %+v", got)
	}
}

func TestTheLedgerIsBounded(t *testing.T) {
	l := newLedger()
	for i := range maxFlows + 100 {
		l.flow("model:1", fmt.Sprintf("h%d:443", i)).refusals.Add(1)
	}
	if len(l.flows) > maxFlows+1 {
		t.Errorf("the ledger has %d flows, want at most %d", len(l.flows), maxFlows+1)
	}
	if got := l.flow(otherFlowName, otherFlowName).refusals.Load(); got != 100 {
		t.Errorf("%d refusals were counted together, want 100", got)
	}
}
