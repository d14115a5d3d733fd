package bedrock

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// probeTimeout bounds each step of a check but the answer.
const probeTimeout = 10 * time.Second

// Check implements model.Provider with the steps of Examine.
func (c *Client) Check(ctx context.Context, modelID string) []model.CheckStep {
	return slices.Collect(c.Examine(ctx, modelID))
}

// optional reports whether a call's failure says nothing about the runtime.
func optional(err error) bool {
	switch errs.CodeOf(err) {
	case errs.ModelUnreachable, errs.ModelTimeout, errs.ModelAccessDenied, errs.EgressDenied:
		return true
	}
	return errors.Is(err, context.DeadlineExceeded)
}

// checkConnection sends an empty request to the runtime endpoint and watches
// how far it comes. Any answer will do.
func (c *Client) checkConnection(ctx context.Context) []model.CheckStep {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	u, err := url.Parse(c.probe)
	if err != nil {
		return []model.CheckStep{{Name: "resolve", Err: unreachable(err)}}
	}
	t := probe{last: time.Now(), secure: u.Scheme == "https", host: u.Host}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, t.trace()), http.MethodGet, c.probe+"/", nil)
	if err != nil {
		return []model.CheckStep{{Name: "resolve", Err: unreachable(err)}}
	}
	asked := time.Now()
	resp, err := c.http.Do(req)
	if err != nil {
		return t.steps(err)
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	resp.Body.Close()
	return append(t.steps(nil), model.Clock(resp.Header.Get("Date"), asked, time.Now())...)
}

// probe collects the marks of one connection. Dialling may try several
// addresses at once, so the marks come from several goroutines.
type probe struct {
	mu                       sync.Mutex
	last                     time.Time
	secure                   bool
	host, addresses, address string
	tls                      string
	reused                   bool
	took                     map[string]time.Duration
}

func (p *probe) mark(step string, set func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.took == nil {
		p.took = map[string]time.Duration{}
	}
	if _, done := p.took[step]; done {
		return
	}
	set()
	p.took[step] = time.Since(p.last)
	p.last = time.Now()
}

func (p *probe) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSDone: func(i httptrace.DNSDoneInfo) {
			if i.Err == nil {
				p.mark("resolve", func() {
					var a []string
					for _, ip := range i.Addrs {
						a = append(a, ip.String())
					}
					p.addresses = strings.Join(a, ", ")
				})
			}
		},
		ConnectDone: func(_, addr string, err error) {
			if err == nil {
				p.mark("connect", func() { p.address = addr })
			}
		},
		TLSHandshakeDone: func(s tls.ConnectionState, err error) {
			if err == nil {
				p.mark("tls", func() {
					p.tls = tls.VersionName(s.Version)
					if len(s.PeerCertificates) > 0 {
						p.tls += ", certificate issued by " + s.PeerCertificates[0].Issuer.String()
					}
				})
			}
		},
		GotConn: func(i httptrace.GotConnInfo) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.reused = i.Reused
			if p.address == "" {
				p.address = i.Conn.RemoteAddr().String()
			}
		},
	}
}

// steps tells how far the request came, and why no further.
func (p *probe) steps(err error) []model.CheckStep {
	p.mu.Lock()
	defer p.mu.Unlock()
	names := []string{"resolve", "connect"}
	if p.secure {
		names = append(names, "tls")
	}
	detail := map[string]string{"resolve": p.addresses, "connect": p.address, "tls": p.tls}
	if p.addresses == "" {
		detail["resolve"] = p.host + " is an address, or was resolved before"
	}
	if p.reused {
		detail["connect"] += " (a connection was open already)"
	}
	at := "connect"
	if err != nil {
		err = classify(err, false)
		var e *errs.Error
		if errors.As(err, &e) {
			switch reason := e.Params["reason"]; {
			case reason == "dns":
				at = "resolve"
			case strings.HasPrefix(reason, "proxy"):
				at = "connect"
			case strings.HasPrefix(reason, "tls"), p.took["connect"] > 0 && p.secure && p.tls == "":
				at = "tls"
			}
		}
	}
	var out []model.CheckStep
	for _, n := range names {
		s := model.CheckStep{Name: n, Detail: detail[n], Elapsed: p.took[n]}
		if err != nil && n == at {
			s.Detail, s.Err = p.host, err
			return append(out, s)
		}
		out = append(out, s)
	}
	return out
}

// mask keeps of an access key id what tells one from another.
func mask(id string) string {
	if len(id) < 12 {
		return "…"
	}
	return id[:4] + "…" + id[len(id)-4:]
}
