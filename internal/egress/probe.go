package egress

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"kakoi/internal/errs"
)

// Trouble is what kept a probe from its answer.
type Trouble string

// The troubles of a probe, in the order in which they are met.
const (
	TroubleDenied        Trouble = "egress_denied" // by us
	TroubleNameUnknown   Trouble = "name_unknown"
	TroubleNameTimeout   Trouble = "name_timeout"
	TroubleNameFailed    Trouble = "name_failed"
	TroubleRefused       Trouble = "connect_refused"
	TroubleDialTimeout   Trouble = "connect_timeout"
	TroubleNoRoute       Trouble = "no_route"
	TroubleDialFailed    Trouble = "connect_failed"
	TroubleProxy         Trouble = "proxy_refused" // it asks for a name and a password
	TroubleProxyPassword Trouble = "proxy_password"
	TroubleProxyScheme   Trouble = "proxy_scheme"
	TroubleProxyDenied   Trouble = "proxy_denied"
	TroubleAuthority     Trouble = "tls_authority"
	TroubleWrongName     Trouble = "tls_wrong_name"
	TroubleExpired       Trouble = "tls_expired"
	TroubleNotYetValid   Trouble = "tls_not_yet_valid"
	TroubleUntrusted     Trouble = "tls_untrusted"
	TroublePlain         Trouble = "tls_plain"
	TroubleTLSRefused    Trouble = "tls_refused"
	TroubleTLSTimeout    Trouble = "tls_timeout"
	TroubleAnswerTimeout Trouble = "answer_timeout"
	TroubleBrokeOff      Trouble = "broke_off"
)

// Handshake is the certificate that a server has shown.
type Handshake struct {
	Version    string   // of TLS, "" where the handshake failed
	Subject    string   // of the server's own certificate
	Issuer     string   // likewise
	Names      []string // it is for
	NotBefore  time.Time
	NotAfter   time.Time
	SelfSigned bool
	Authority  string // the trusted root it leads to, "" if it leads to none
	OwnCA      bool   // that root is one of Spec.CAPEM
}

// Probe is what was found on the way to a server, as far as it came.
type Probe struct {
	Addresses []netip.Addr // that the name stands for
	Address   string       // that was connected to
	TLS       *Handshake   // nil if no certificate was seen
	Status    int          // of the answer over HTTP, 0 without one
	Proxies   string       // that name themselves in the answer
	Skew      time.Duration
	Dated     bool // the answer was dated; Skew is its clock less ours

	Resolving, Connecting, Shaking, Answering time.Duration

	Trouble Trouble // "" when the server answered
	Err     error   // behind the trouble, for the log

	shaken bool // TLS was agreed on
}

// Resolved reports whether the name has led to addresses.
func (p Probe) Resolved() bool {
	return len(p.Addresses) > 0 && !slices.Contains([]Trouble{TroubleNameUnknown, TroubleNameTimeout, TroubleNameFailed}, p.Trouble)
}

// Connected reports whether there was a connection.
func (p Probe) Connected() bool { return p.Address != "" }

// Probe asks the server at rawURL, which s must declare, for anything at all
// and tells how it went. Like every client it is judged, counted and bounded.
func (g *Gate) Probe(ctx context.Context, s Spec, rawURL string) Probe {
	client, err := g.Client(s)
	if err != nil {
		return Probe{Trouble: TroubleDenied, Err: err}
	}
	defer client.CloseIdleConnections()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	w := &observation{took: map[string]time.Duration{}}
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, w.trace()), http.MethodGet, rawURL, nil)
	if err != nil {
		return Probe{Trouble: TroubleDenied, Err: err}
	}
	request.Header.Set("User-Agent", "kakoi")
	response, err := client.Do(request)
	received := time.Now()
	p := w.probe()
	if err != nil {
		p.Trouble, p.Err = troubleOf(err, p, request.URL), err
		if p.TLS == nil {
			p.TLS = shownIn(err)
		}
		return p
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10)
	p.Answering = received.Sub(w.asked(received))
	p.Status = response.StatusCode
	p.Proxies = cut(strings.Join(response.Header.Values("Via"), ", "), 200)
	if response.StatusCode == http.StatusProxyAuthRequired {
		p.Trouble, p.Err = TroubleProxy, errs.New(errs.ModelUnreachable, "a proxy asks for credentials")
	}
	if at, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		// A date has whole seconds: the middle of its second against the middle
		// of the exchange.
		p.Skew, p.Dated = at.Add(500*time.Millisecond).Sub(received.Add(-p.Answering/2)), true
	}
	if response.TLS != nil {
		p.TLS = handshakeOf(*response.TLS, s.CAPEM)
	}
	return p
}

// Declares reports whether s lets a client go to destination (host:port). It
// looks nothing up and sends nothing.
func (s Spec) Declares(destination string) bool {
	declared, err := declare(s.Allow)
	if err != nil {
		return false
	}
	destination, err = normalise("tcp", destination)
	return err == nil && declared.has(destination)
}

// Refuses tries destination with a client of s, which must not declare it, and
// reports whether the gate has kept it from going. Nothing is looked up or sent
// before the gate has judged the name.
func (g *Gate) Refuses(ctx context.Context, s Spec, destination string) bool {
	if s.Declares(destination) {
		return false
	}
	conn, err := g.DialContext(s.Purpose, s.Allow...)(ctx, "tcp", destination)
	if err == nil {
		_ = conn.Close()
		return false
	}
	return errs.CodeOf(err) == errs.EgressDenied
}

// Escapes connects to a destination that a closed network keeps everybody from,
// sends nothing and hangs up, and reports whether the network has let it reach
// an address outside: one of its own may stand in for every name. It is the one
// thing that the gate of a closed network lets out, and is on record; name
// servers, this machine and metadata services are judged as ever.
func (g *Gate) Escapes(ctx context.Context, purpose, destination string) bool {
	declared, err := declare([]string{destination})
	if err != nil {
		return false
	}
	open := g.rules
	open.Closed = false
	conn, err := g.dialerBy(open, purpose, declared, false)(ctx, "tcp", destination)
	if err != nil {
		return false
	}
	_ = conn.Close()
	remote, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	return err == nil && g.rules.Reach(remote.Addr()) == ReachPublic
}

// observation follows one request. Its marks come from several goroutines.
type observation struct {
	mu        sync.Mutex
	took      map[string]time.Duration
	addresses []netip.Addr
	address   string
	wrote     time.Time
	shaken    bool
}

func (w *observation) locked(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *observation) trace() *httptrace.ClientTrace {
	var resolving, connecting, shaking time.Time
	return &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { w.locked(func() { resolving = time.Now() }) },
		DNSDone: func(i httptrace.DNSDoneInfo) {
			w.locked(func() {
				w.took["resolve"] = time.Since(resolving)
				for _, a := range i.Addrs {
					if ip, ok := netip.AddrFromSlice(a.IP); ok && !slices.Contains(w.addresses, ip.Unmap()) {
						w.addresses = append(w.addresses, ip.Unmap())
					}
				}
			})
		},
		ConnectStart: func(_, address string) {
			w.locked(func() {
				if connecting.IsZero() {
					connecting = time.Now()
				}
				if ap, err := netip.ParseAddrPort(address); err == nil && !slices.Contains(w.addresses, ap.Addr().Unmap()) {
					w.addresses = append(w.addresses, ap.Addr().Unmap())
				}
			})
		},
		ConnectDone: func(_, address string, err error) {
			w.locked(func() {
				w.took["connect"] = time.Since(connecting)
				if err == nil && w.address == "" {
					w.address = address
				}
			})
		},
		TLSHandshakeStart: func() { w.locked(func() { shaking = time.Now() }) },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			w.locked(func() { w.took["tls"], w.shaken = time.Since(shaking), err == nil })
		},
		WroteRequest: func(httptrace.WroteRequestInfo) { w.locked(func() { w.wrote = time.Now() }) },
	}
}

// asked is when the request was sent.
func (w *observation) asked(otherwise time.Time) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wrote.IsZero() {
		return otherwise
	}
	return w.wrote
}

func (w *observation) probe() Probe {
	w.mu.Lock()
	defer w.mu.Unlock()
	return Probe{
		Addresses: slices.Clone(w.addresses), Address: w.address,
		shaken: w.shaken, Resolving: w.took["resolve"], Connecting: w.took["connect"], Shaking: w.took["tls"],
	}
}

// proxyTrouble names the refusals of a proxy by their reasons.
var proxyTrouble = map[string]Trouble{
	proxyAsks: TroubleProxy, proxyPassword: TroubleProxyPassword, proxyScheme: TroubleProxyScheme, proxyDenied: TroubleProxyDenied,
}

// troubleOf names the failure of a request that came as far as p.
func troubleOf(err error, p Probe, u *url.URL) Trouble {
	if refusal, ok := refusedByProxy(err); ok {
		return proxyTrouble[refusal.Params["reason"]]
	}
	var dns *net.DNSError
	switch {
	case errs.CodeOf(err) == errs.EgressDenied:
		return TroubleDenied
	case errors.As(err, &dns) && dns.IsNotFound:
		return TroubleNameUnknown
	case errors.As(err, &dns) && dns.IsTimeout:
		return TroubleNameTimeout
	case errors.As(err, &dns) && p.Address == "":
		return TroubleNameFailed
	case errors.Is(err, context.DeadlineExceeded) && len(p.Addresses) == 0:
		return TroubleNameTimeout
	case p.Address == "":
		return dialTrouble(err)
	}
	if trouble := tlsTrouble(err); trouble != "" {
		return trouble
	}
	switch {
	case isTimeout(err) && u.Scheme == "https" && !p.shaken:
		return TroubleTLSTimeout
	case isTimeout(err):
		return TroubleAnswerTimeout
	case u.Scheme == "https" && !p.shaken:
		return TroubleTLSRefused
	}
	return TroubleBrokeOff
}

func dialTrouble(err error) Trouble {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return TroubleRefused
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return TroubleNoRoute
	case isTimeout(err):
		return TroubleDialTimeout
	}
	return TroubleDialFailed
}

func tlsTrouble(err error) Trouble {
	var (
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		record   tls.RecordHeaderError
		alert    tls.AlertError
		verify   *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &unknown):
		return TroubleAuthority
	case errors.As(err, &hostname):
		return TroubleWrongName
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if invalid.Cert != nil && time.Now().Before(invalid.Cert.NotBefore) {
			return TroubleNotYetValid
		}
		return TroubleExpired
	case errors.As(err, &invalid), errors.As(err, &verify):
		return TroubleUntrusted
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return TroublePlain
	case errors.As(err, &alert), oldTLS(err):
		return TroubleTLSRefused
	case strings.Contains(err.Error(), "TLS handshake timeout"):
		return TroubleTLSTimeout
	}
	return ""
}

// shownIn finds the certificate that was not accepted.
func shownIn(err error) *Handshake {
	var verify *tls.CertificateVerificationError
	if !errors.As(err, &verify) || len(verify.UnverifiedCertificates) == 0 {
		return nil
	}
	return certificateOf(verify.UnverifiedCertificates)
}

func certificateOf(chain []*x509.Certificate) *Handshake {
	leaf := chain[0]
	h := &Handshake{
		Subject: nameOf(leaf.Subject.String(), leaf.Subject.CommonName), Issuer: nameOf(leaf.Issuer.String(), leaf.Issuer.CommonName),
		NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter, SelfSigned: bytes.Equal(leaf.RawIssuer, leaf.RawSubject),
	}
	for _, name := range leaf.DNSNames {
		h.Names = append(h.Names, cut(name, 253))
	}
	for _, ip := range leaf.IPAddresses {
		h.Names = append(h.Names, ip.String())
	}
	return h
}

func handshakeOf(state tls.ConnectionState, own []byte) *Handshake {
	if len(state.PeerCertificates) == 0 {
		return nil
	}
	h := certificateOf(state.PeerCertificates)
	h.Version = tls.VersionName(state.Version)
	if len(state.VerifiedChains) > 0 {
		root := state.VerifiedChains[0][len(state.VerifiedChains[0])-1]
		h.Authority, h.OwnCA = nameOf(root.Subject.String(), root.Subject.CommonName), holds(own, root)
	}
	return h
}

func holds(text []byte, root *x509.Certificate) bool {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return false
		}
		if bytes.Equal(block.Bytes, root.Raw) {
			return true
		}
	}
}

// nameOf is a short name of whom a certificate speaks.
func nameOf(whole, common string) string {
	if common != "" {
		whole = common
	}
	return cut(whole, 200)
}

// cut bounds what others have written.
func cut(s string, most int) string {
	if r := []rune(strings.ToValidUTF8(s, "�")); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// Lookup returns the addresses that the name of a destination (host:port)
// stands for, which s must declare. An address stands for itself. Behind a
// proxy, which looks names up itself, there are none.
func (g *Gate) Lookup(ctx context.Context, s Spec, destination string) ([]netip.Addr, Trouble, error) {
	if !s.Declares(destination) {
		return nil, TroubleDenied, g.refuse(ctx, s.Purpose, destination, notDeclared(s.Purpose, destination))
	}
	host, _, err := net.SplitHostPort(destination)
	if err != nil {
		return nil, TroubleDenied, err
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.Unmap()}, "", nil
	}
	if s.Proxy != "" {
		return nil, "", nil
	}
	resolver := g.resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	found, err := resolver.LookupNetIP(ctx, "ip", host)
	for i := range found {
		found[i] = found[i].Unmap()
	}
	var dns *net.DNSError
	switch {
	case err == nil:
		return found, "", nil
	case errors.As(err, &dns) && dns.IsNotFound:
		return nil, TroubleNameUnknown, err
	case isTimeout(err):
		return nil, TroubleNameTimeout, err
	}
	return nil, TroubleNameFailed, err
}
