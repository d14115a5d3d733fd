// Package egress is the only way out of the program: it dials, nothing else
// does. Every connection has a purpose and goes to a destination that somebody
// declared for that purpose; all others are refused. What was dialled, refused
// and carried is counted, so that an auditor can be shown everything that left.
package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"kakoi/internal/errs"
)

// Bounds of every connection. None of them bounds a whole exchange: an answer
// may stream for as long as it has something to say.
const (
	dialTimeout   = 10 * time.Second
	tlsTimeout    = 10 * time.Second
	idleTimeout   = 90 * time.Second // of a connection nobody uses
	headerTimeout = 10 * time.Minute // from the request to the first byte of its answer; a local model may first be loaded
	// Idle connections kept to one destination. A thousand streams that end
	// together leave a thousand connections that the next thousand can use.
	idlePerDestination = 1024
	maxResponseHeader  = 256 << 10
	maxRedirects       = 5
)

// keepAlive notices within about a minute that the other side has gone without
// a word, which on a stream is otherwise indistinguishable from thinking.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 20 * time.Second, Interval: 10 * time.Second, Count: 4}

// Options lend a Gate what it needs; every field may be left out.
type Options struct {
	Log      *slog.Logger  // refusals are logged here; nil discards
	Network  Network       // the zero Network is an open one
	Resolver *net.Resolver // nil asks the machine's name servers, through the gate
}

// Gate opens connections to declared destinations and counts them. It is safe
// for concurrent use.
type Gate struct {
	log      *slog.Logger
	rules    rules
	resolver *net.Resolver
	ledger   ledger
	streams  eventStreams
}

// New returns a gate through which nothing has gone yet.
func New(o Options) *Gate {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	g := &Gate{log: o.Log, rules: newRules(o.Network), resolver: o.Resolver, ledger: newLedger()}
	if g.resolver == nil {
		g.resolver = &net.Resolver{PreferGo: true, Dial: g.askNameServer}
	}
	return g
}

// Spec declares what one client may reach and how.
type Spec struct {
	Purpose string   // what the connection is for, as the record shows it: "model:<connection id>", "database", "detect"
	Allow   []string // destinations as host:port; nothing else is reached
	// Metadata lets link-local addresses through that Allow names literally,
	// where a cloud lends its machines credentials. Everything else is kept
	// from there even if a declared name resolves to such an address.
	Metadata bool
	CAPEM    []byte // the only authorities that are trusted; without any, the system's are
	Proxy    string // URL of an HTTP proxy, or "" for none; the environment is never asked

	ProxyLogin Login // what the proxy asks for, if it does
}

// Client returns an HTTP client for the destinations of s. It never times out
// a whole exchange, follows redirects only within the origin that was asked,
// and neither sends nor keeps cookies.
func (g *Gate) Client(s Spec) (*http.Client, error) {
	declared, err := declare(s.Allow)
	if err != nil {
		return nil, err
	}
	tlsConfig, err := tlsConfig(s.CAPEM)
	if err != nil {
		return nil, err
	}
	// What may be dialled and what may be asked for differ only with a proxy:
	// then the proxy is dialled, and it dials the destination.
	dialled := declared
	var proxy func(*http.Request) (*url.URL, error)
	var proxyAnswered func(context.Context, *url.URL, *http.Request, *http.Response) error
	if s.Proxy != "" {
		proxyURL, destination, err := parseProxy(s.Proxy)
		if err != nil {
			return nil, err
		}
		proxy, dialled, proxyAnswered = s.proxied(proxyURL), set{destination: {}}, s.connected
		if s.Metadata {
			for _, a := range s.Allow { // no proxy can reach what is this machine's own
				if own, err := normalise("tcp", a); err == nil && isLinkLocal(own) {
					dialled[own] = struct{}{}
				}
			}
		}
	}
	transport := &http.Transport{
		Proxy:                  proxy,
		OnProxyConnectResponse: proxyAnswered,
		DialContext:            g.dialer(s.Purpose, dialled, s.Metadata),
		TLSClientConfig:        tlsConfig,
		TLSHandshakeTimeout:    tlsTimeout,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           0, // bounded by destination
		MaxIdleConnsPerHost:    idlePerDestination,
		IdleConnTimeout:        idleTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxResponseHeader,
		// A compressed event stream is held back by whoever compresses it, and
		// a compressed body can be far larger than it looks.
		DisableCompression: true,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout: 30 * time.Second,
			PingTimeout:     15 * time.Second,
		},
	}
	return &http.Client{
		Transport:     &guard{gate: g, spec: s, declared: declared, next: transport},
		CheckRedirect: g.checkRedirect(s.Purpose),
	}, nil
}

// isLinkLocal reports whether a destination is literally a link-local or
// metadata address.
func isLinkLocal(destination string) bool {
	host, _, err := net.SplitHostPort(destination)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	return ReachOf(ip) == ReachLinkLocal
}

// DialContext returns a dial function for purpose that reaches the allowed
// destinations (host:port, or the path of a Unix socket) and nothing else.
func (g *Gate) DialContext(purpose string, allow ...string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	declared, err := declare(allow)
	if err != nil {
		return func(context.Context, string, string) (net.Conn, error) { return nil, err }
	}
	return g.dialer(purpose, declared, false)
}

// dialer judges the name that is asked for, and then, between resolving it and
// connecting, every address it stands for.
func (g *Gate) dialer(purpose string, declared set, metadata bool) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return g.dialerBy(g.rules, purpose, declared, metadata)
}

// dialerBy is dialer by rules that may be others than the gate's.
func (g *Gate) dialerBy(rules rules, purpose string, declared set, metadata bool) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		destination, err := normalise(network, addr)
		if err != nil {
			return nil, err
		}
		if !declared.has(destination) {
			return nil, g.refuse(ctx, purpose, destination, notDeclared(purpose, destination))
		}
		dialer := net.Dialer{
			Timeout:         dialTimeout,
			KeepAliveConfig: keepAlive,
			Resolver:        g.resolver,
			ControlContext: func(_ context.Context, network, address string, _ syscall.RawConn) error {
				if strings.HasPrefix(network, "unix") {
					return nil // a path was declared literally
				}
				ap, err := netip.ParseAddrPort(address)
				if err != nil {
					return errs.Wrap(errs.EgressDenied, destination+" leads to an address that cannot be judged", err)
				}
				return rules.judgeAddress(purpose, destination, ap.Addr(), metadata)
			},
		}
		flow := g.ledger.flow(purpose, destination)
		conn, err := dialer.DialContext(ctx, network, addr)
		if refusal, ok := refused(err); ok {
			return nil, g.refuse(ctx, purpose, destination, refusal)
		}
		flow.dials.Add(1)
		if err != nil {
			flow.failures.Add(1)
			return nil, err
		}
		flow.open.Add(1)
		return &countedConn{Conn: conn, flow: flow}, nil
	}
}

// refused finds in err that the gate refused something.
func refused(err error) (*errs.Error, bool) {
	var denied *errs.Error
	ok := errors.As(err, &denied) && denied.Code == errs.EgressDenied
	return denied, ok
}

// refuse counts and logs a refusal and returns its reason.
func (g *Gate) refuse(ctx context.Context, purpose, destination string, reason error) error {
	g.ledger.refused(purpose, destination).refusals.Add(1)
	g.log.WarnContext(ctx, "egress refused", "purpose", purpose, "destination", destination, "reason", reason.Error())
	return reason
}

// guard refuses requests for undeclared destinations before anything is
// dialled, which also holds when a proxy or a pooled connection carries them.
type guard struct {
	gate     *Gate
	spec     Spec
	declared set
	next     *http.Transport
}

// RoundTrip implements http.RoundTripper.
func (t *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	destination, err := destinationOf(r.URL)
	if err == nil && !t.declared.has(destination) {
		err = t.gate.refuse(r.Context(), t.spec.Purpose, destination, notDeclared(t.spec.Purpose, destination))
	}
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // a RoundTripper closes the body, on errors too
		}
		return nil, err
	}
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if err := t.spec.answeredByProxy(r.URL, resp); err != nil {
		_ = resp.Body.Close()
		return nil, err
	}
	t.gate.streams.paced(resp)
	return resp, nil
}

// CloseIdleConnections lets http.Client.CloseIdleConnections through.
func (t *guard) CloseIdleConnections() { t.next.CloseIdleConnections() }

// checkRedirect keeps a client at the origin it asked first: headers of ours
// that hold a key would travel with it to any other.
func (g *Gate) checkRedirect(purpose string) func(r *http.Request, via []*http.Request) error {
	return func(r *http.Request, via []*http.Request) error {
		to, err := destinationOf(r.URL)
		if err != nil {
			return err
		}
		from, err := destinationOf(via[0].URL)
		if err != nil {
			return err
		}
		if to != from || r.URL.Scheme != via[0].URL.Scheme {
			return g.refuse(r.Context(), purpose, to, errs.Newf(errs.EgressDenied,
				"%s redirects to %s://%s, which is not followed; if that is the right address, configure it",
				from, r.URL.Scheme, to).With("destination", to).With("purpose", purpose))
		}
		if len(via) > maxRedirects {
			return errs.Newf(errs.ModelFailed, "%s redirects in a circle", from).With("destination", from)
		}
		return nil
	}
}

// destinationOf returns the normalised host:port that u asks for.
func destinationOf(u *url.URL) (string, error) {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	case u.Scheme == "http":
		port = "80"
	default:
		return "", errs.Newf(errs.EgressDenied, "addresses that start with %q are not supported; use http:// or https://", cut(u.Scheme, 20)+":")
	}
	return normalise("tcp", net.JoinHostPort(u.Hostname(), port))
}

func notDeclared(purpose, destination string) *errs.Error {
	return errs.Newf(errs.EgressDenied,
		"%s is not a declared destination for %s; an administrator can declare it where the connection or the server is configured",
		destination, purpose).With("destination", destination).With("purpose", purpose)
}

// tlsConfig trusts the authorities in pinned and no others, or the system's if
// there are none: who names the authority of a server wants nobody else's word
// for it. Nothing before TLS 1.2 is spoken.
func tlsConfig(pinned []byte) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(pinned) == 0 {
		return c, nil
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pinned) {
		return nil, errs.InField("caPem", "holds no certificate; paste the PEM text that begins with -----BEGIN CERTIFICATE-----")
	}
	return c, nil
}
