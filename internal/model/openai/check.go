package openai

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"time"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// Check implements model.Provider. The steps are "configuration", "resolve",
// "connect", "tls" (https only), "credentials", "list_models" and "answer".
func (c *Client) Check(ctx context.Context, modelID string) []model.CheckStep {
	return c.check(ctx, modelID, c.tryAnswer)
}

// check makes the steps of Check. try is the last.
func (c *Client) check(ctx context.Context, modelID string, try func(context.Context, string, *time.Time) (string, error)) []model.CheckStep {
	var steps []model.CheckStep
	add := func(name, detail string, err error, elapsed time.Duration) bool {
		steps = append(steps, model.CheckStep{Name: name, Detail: detail, Err: err, Elapsed: elapsed})
		return err == nil
	}
	if c.broken != nil {
		add("configuration", "", c.broken, 0)
		return steps
	}
	shown := *c.base
	shown.RawQuery = "" // may hold a key
	add("configuration", shown.String(), nil, 0)

	// One request shows the whole way to the server; the trace tells its steps apart.
	watch := newRoute(c.base.Scheme == "https", c.base.Hostname())
	start := time.Now()
	resp, body, err := c.get(httptrace.WithClientTrace(ctx, watch.trace()), c.endpoint("models")) //nolint:bodyclose // exchange has read and closed it
	if !watch.report(add, err) {
		return steps
	}
	if err != nil {
		add("credentials", "", err, time.Since(start))
		return steps
	}
	if resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden {
		add("credentials", "", c.failure(resp, body, model.Request{}), time.Since(start))
		return steps
	}
	said := "accepted"
	if c.cfg.APIKey == "" {
		said = "no key, and none asked for"
	}
	add("credentials", said, nil, time.Since(start))

	models, err := c.readModels(ctx, resp, body)
	switch missing := resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusMethodNotAllowed; {
	case missing && modelID != "": // some servers have no list; whether it is that, the answer will show
		add("list_models", "the server has no list of models", nil, time.Since(start))
	case err != nil:
		add("list_models", "", err, time.Since(start))
		return steps
	default:
		add("list_models", listed(models, modelID), nil, time.Since(start))
	}
	if modelID == "" {
		return steps
	}
	detail, err := try(ctx, modelID, &start)
	add("answer", detail, err, time.Since(start))
	return steps
}

// listed describes a list of models, and whether the one in question is on it.
func listed(models []model.RemoteModel, id string) string {
	names := make([]string, 0, 5)
	found := false
	for _, m := range models {
		found = found || m.ID == id
		if len(names) < 5 {
			names = append(names, m.ID)
		}
	}
	s := fmt.Sprintf("%d models: %s", len(models), strings.Join(names, ", "))
	if len(models) > len(names) {
		s += ", …"
	}
	if id != "" && !found {
		s += "; " + id + " is not among them"
	}
	return s
}

// tryAnswer asks the model for a few words.
func (c *Client) tryAnswer(ctx context.Context, modelID string, start *time.Time) (string, error) {
	*start = time.Now()
	few := 16
	req := model.Request{
		Model:      modelID,
		Messages:   []model.Message{{Role: model.RoleUser, Parts: []model.Part{{Type: model.PartText, Text: "Say: OK"}}}},
		Parameters: model.Parameters{MaxTokens: &few},
	}
	var first time.Duration
	var usage model.Usage
	for ev, err := range c.Stream(ctx, req) {
		if err != nil {
			return "", err
		}
		if first == 0 {
			first = time.Since(*start)
		}
		if ev.Type == model.EventUsage {
			usage = ev.Usage
		}
	}
	return fmt.Sprintf("first words after %d ms, %d tokens", first.Milliseconds(), usage.OutputTokens), nil
}

// route follows one request on its way to the server.
type route struct {
	tls  bool
	host string

	mu                                sync.Mutex
	began                             time.Time
	dnsStart, dialStart, tlsStart     time.Time
	dnsDone, dialDone, tlsDone        time.Duration
	addresses                         []string
	resolved, dialed, shaken, arrived bool
	reused                            bool
	version                           uint16
}

func newRoute(tls bool, host string) *route { return &route{tls: tls, host: host, began: time.Now()} }

func (r *route) trace() *httptrace.ClientTrace {
	locked := func(fn func()) {
		r.mu.Lock()
		defer r.mu.Unlock()
		fn()
	}
	return &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { locked(func() { r.dnsStart = time.Now() }) },
		DNSDone: func(i httptrace.DNSDoneInfo) {
			locked(func() {
				r.dnsDone, r.resolved = time.Since(r.dnsStart), i.Err == nil
				r.addresses = nil
				for _, a := range i.Addrs {
					r.addresses = append(r.addresses, a.String())
				}
			})
		},
		ConnectStart: func(_, address string) {
			locked(func() {
				r.resolved = true
				if r.dialStart.IsZero() {
					r.dialStart = time.Now()
				}
				if host, _, err := net.SplitHostPort(address); err == nil && !slices.Contains(r.addresses, host) {
					r.addresses = append(r.addresses, host)
				}
			})
		},
		ConnectDone: func(_, _ string, err error) {
			locked(func() { r.dialDone, r.dialed = time.Since(r.dialStart), r.dialed || err == nil })
		},
		TLSHandshakeStart: func() { locked(func() { r.dialed, r.tlsStart = true, time.Now() }) },
		TLSHandshakeDone: func(s tls.ConnectionState, err error) {
			locked(func() { r.tlsDone, r.shaken, r.version = time.Since(r.tlsStart), err == nil, s.Version })
		},
		GotConn: func(i httptrace.GotConnInfo) { locked(func() { r.arrived, r.reused = true, i.Reused }) },
	}
}

// report adds the steps up to a connection and reports whether there was one.
// Steps that the dialler does not tell of are known from those after them.
func (r *route) report(add func(string, string, error, time.Duration) bool, err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.arrived || err == nil {
		r.resolved, r.dialed, r.shaken = true, true, true
	}
	if err != nil && !r.arrived && errs.CodeOf(err) == errs.EgressDenied {
		return add("connect", "", err, time.Since(r.began))
	}
	known := func(detail string) string {
		if detail == "" && r.reused {
			return "a connection was open already"
		}
		return detail
	}
	if !r.resolved {
		return add("resolve", "", err, time.Since(r.began))
	}
	detail := strings.Join(r.addresses, ", ")
	if net.ParseIP(r.host) != nil {
		detail = "an address, not a name"
	}
	add("resolve", known(detail), nil, r.dnsDone)
	if !r.dialed {
		return add("connect", "", err, time.Since(r.began))
	}
	add("connect", known(""), nil, r.dialDone)
	if r.tls {
		if !r.shaken {
			return add("tls", "", err, time.Since(r.began))
		}
		version := ""
		if r.version != 0 {
			version = tls.VersionName(r.version)
		}
		add("tls", known(version), nil, r.tlsDone)
	}
	return true
}
