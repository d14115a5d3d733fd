package egress

import (
	"context"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"kakoi/internal/errs"
)

func TestTheTroubleOfADialIsNamed(t *testing.T) {
	dial := func(err error) error {
		return &url.Error{Op: "Get", URL: "https://llm.test", Err: &net.OpError{Op: "dial", Net: "tcp", Err: err}}
	}
	refused := &os.SyscallError{Syscall: "connect", Err: syscall.ECONNREFUSED}
	for _, tt := range []struct {
		name string
		err  error
		want Trouble
	}{
		{"nobody listens", dial(refused), TroubleRefused},
		{"no route to the host", dial(&os.SyscallError{Syscall: "connect", Err: syscall.EHOSTUNREACH}), TroubleNoRoute},
		{"no route to the network", dial(&os.SyscallError{Syscall: "connect", Err: syscall.ENETUNREACH}), TroubleNoRoute},
		{"packets are dropped", dial(os.ErrDeadlineExceeded), TroubleDialTimeout},
		{"our patience ends", dial(context.DeadlineExceeded), TroubleDialTimeout},
		{"something else", dial(errors.New("no buffer space")), TroubleDialFailed},
		{"we refuse", dial(errs.New(errs.EgressDenied, "no")), TroubleDenied},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addresses := Probe{Addresses: addressesOf("10.0.0.1")}
			if got := troubleOf(tt.err, addresses, &url.URL{Scheme: "https"}); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAProbeGoesNowhereUndeclared(t *testing.T) {
	asked := false
	g := New(Options{Resolver: &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		asked = true
		return nil, errors.New("nobody is asked")
	}}})
	s := Spec{Purpose: "doctor", Allow: []string{"llm.test:443"}}
	if p := g.Probe(t.Context(), s, "https://other.test"); p.Trouble != TroubleDenied || p.Connected() {
		t.Errorf("got %+v", p)
	}
	if _, trouble, err := g.Lookup(t.Context(), s, "other.test:443"); trouble != TroubleDenied || errs.CodeOf(err) != errs.EgressDenied {
		t.Errorf("lookup: %s, %v", trouble, err)
	}
	if !g.Refuses(t.Context(), s, "other.test:443") || g.Refuses(t.Context(), s, "LLM.test.:443") {
		t.Error("a host is refused that is declared, or the other way round")
	}
	if asked {
		t.Error("the name server was asked")
	}
	for _, r := range g.Snapshot() {
		if r.Dials != 0 || r.Refusals == 0 {
			t.Errorf("the ledger has %+v", r)
		}
	}
}

func TestAProbeTellsWhatItHasSeen(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(-10*time.Minute).UTC().Format(http.TimeFormat))
		http.Redirect(w, &http.Request{URL: &url.URL{}}, "https://elsewhere.test/", http.StatusFound)
	}))
	defer server.Close()
	authority := pemOf(server.Certificate().Raw)
	g := New(Options{})
	p := g.Probe(t.Context(), Spec{Purpose: "doctor", Allow: []string{strings.TrimPrefix(server.URL, "https://")}, CAPEM: authority}, server.URL)
	if p.Trouble != "" || p.Err != nil || p.Status != http.StatusFound || !p.Connected() {
		t.Fatalf("got %+v", p)
	}
	if p.TLS == nil || !p.TLS.OwnCA || p.TLS.Version == "" || p.TLS.NotAfter.IsZero() || len(p.TLS.Names) == 0 {
		t.Errorf("certificate %+v", p.TLS)
	}
	if off := p.Skew + 10*time.Minute; !p.Dated || off.Abs() > 3*time.Second {
		t.Errorf("skew %s", p.Skew)
	}
	for _, r := range g.Snapshot() {
		if strings.Contains(r.Destination, "elsewhere") {
			t.Errorf("a redirect was followed or counted: %+v", r)
		}
	}
}

func TestAProxyThatRefusesIsNotTheServer(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Proxy-Authenticate", "Basic")
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	defer proxy.Close()
	s := Spec{Purpose: "doctor", Allow: []string{"llm.test:443"}, Proxy: proxy.URL}
	if p := New(Options{}).Probe(t.Context(), s, "https://llm.test"); p.Trouble != TroubleProxy {
		t.Errorf("got %+v", p)
	}
	if found, trouble, err := New(Options{}).Lookup(t.Context(), s, "llm.test:443"); len(found) != 0 || trouble != "" || err != nil {
		t.Errorf("a name behind a proxy is looked up: %v, %s, %v", found, trouble, err)
	}
}

func addressesOf(text string) []netip.Addr { return []netip.Addr{netip.MustParseAddr(text)} }

func pemOf(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// A network that answers every name with a page of its own lets nobody out.
func TestWhoIsAnsweredFromInsideHasNotEscaped(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for _, own := range []bool{false, true} {
		n := Network{Closed: true}
		if own {
			n.Own = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		}
		g := New(Options{Network: n})
		if g.Escapes(t.Context(), "doctor", ln.Addr().String()) {
			t.Errorf("own %v: an address of this machine is outside", own)
		}
		if r := record(t, g, "doctor", ln.Addr().String()); r.Dials != 1 || r.Open != 0 {
			t.Errorf("own %v: the ledger has %+v", own, r)
		}
	}
}
