package openai

import (
	"context"
	"crypto/tls"
	"fmt"
	"iter"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"kakoi/internal/egress"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// Check implements model.Provider with the steps of Examine: "configuration",
// "resolve", "connect", "tls" (https only), "clock", "credentials",
// "list_models", "answer", "stream" and, where the server tells its limits,
// "headroom".
func (c *Client) Check(ctx context.Context, modelID string) []model.CheckStep {
	return slices.Collect(c.Examine(ctx, modelID))
}

// Examine implements model.Examiner.
func (c *Client) Examine(ctx context.Context, modelID string) iter.Seq[model.CheckStep] {
	return c.examine(ctx, modelID, c.tryAnswer)
}

// examine makes the steps of Check. try makes the last ones.
func (c *Client) examine(ctx context.Context, modelID string, try func(context.Context, string) []model.CheckStep) iter.Seq[model.CheckStep] {
	return func(yield func(model.CheckStep) bool) {
		tell := func(s model.CheckStep) bool { return yield(s) && s.Err == nil }
		add := func(name, detail string, err error, elapsed time.Duration) bool {
			return tell(model.CheckStep{Name: name, Detail: detail, Err: err, Elapsed: elapsed})
		}
		if c.broken != nil {
			add("configuration", "", c.broken, 0)
			return
		}
		shown := *c.base
		shown.RawQuery = "" // may hold a key
		if !add("configuration", shown.String(), nil, 0) {
			return
		}

		// One request shows the whole way to the server; the trace tells its steps apart.
		watch := newRoute(c.base.Scheme == "https", c.base.Hostname())
		start := time.Now()
		resp, body, err := c.get(httptrace.WithClientTrace(ctx, watch.trace()), c.endpoint("models")) //nolint:bodyclose // exchange has read and closed it
		if !watch.report(add, err) {
			return
		}
		if err != nil {
			add("credentials", "", err, time.Since(start))
			return
		}
		for _, s := range model.Clock(resp.Header.Get("Date"), start, time.Now()) {
			if !tell(s) {
				return
			}
		}
		if resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden {
			add("credentials", "", c.failure(resp, body, model.Request{}), time.Since(start))
			return
		}
		said := "accepted"
		if c.cfg.APIKey == "" {
			said = "no key, and none asked for"
		}
		if !add("credentials", said, nil, time.Since(start)) || !tell(c.checkList(ctx, resp, body, modelID, start)) || modelID == "" {
			return
		}
		for _, s := range try(ctx, modelID) {
			if !tell(s) {
				return
			}
		}
	}
}

// checkList reads the list of models.
func (c *Client) checkList(ctx context.Context, resp *http.Response, body []byte, modelID string, start time.Time) model.CheckStep {
	s := model.CheckStep{Name: "list_models"}
	models, err := c.readModels(ctx, resp, body)
	switch missing := resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusMethodNotAllowed; {
	case missing && modelID != "": // some servers have no list; whether it is that, the answer will show
		s.Detail = "the server has no list of models"
	case err != nil:
		s.Err = err
	default:
		s.Detail = listed(models, modelID)
		s.Facts = []model.Fact{{Name: "models", Value: strconv.Itoa(len(models))}}
	}
	s.Elapsed = time.Since(start)
	return s
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

// tryAnswer asks the model for a few words, and looks at how they come.
func (c *Client) tryAnswer(ctx context.Context, modelID string) []model.CheckStep {
	start := time.Now()
	few := 16
	req := model.Request{
		Model:      modelID,
		Messages:   []model.Message{{Role: model.RoleUser, Parts: []model.Part{{Type: model.PartText, Text: "Say: OK"}}}},
		Parameters: model.Parameters{MaxTokens: &few},
	}
	var first time.Duration
	var usage model.Usage
	var answered http.Header
	err := c.stream(ctx, req, func(ev model.Event, err error) bool {
		if first == 0 {
			first = time.Since(start)
		}
		if ev.Type == model.EventUsage {
			usage = ev.Usage
		}
		return true
	}, func(resp *http.Response) { answered = resp.Header })
	answer := model.CheckStep{Name: "answer", Err: err, Elapsed: time.Since(start)}
	if err != nil {
		return []model.CheckStep{answer}
	}
	answer.Detail = fmt.Sprintf("first words after %d ms, %d tokens", first.Milliseconds(), usage.OutputTokens)
	answer.Facts = []model.Fact{{Name: "tokens", Value: fmt.Sprintf("%d + %d", usage.InputTokens, usage.OutputTokens)}}
	return append([]model.CheckStep{answer, streamed(answered, first)}, headroom(answered)...)
}

// streamed says whether the answer came as it was written.
func streamed(h http.Header, first time.Duration) model.CheckStep {
	s := model.CheckStep{Name: "stream", Detail: "an event stream", Facts: []model.Fact{{Name: "firstWords", Value: strconv.FormatInt(first.Milliseconds(), 10) + " ms"}}}
	if kind := h.Get("Content-Type"); strings.HasPrefix(kind, "application/json") {
		s.Detail = "one document"
		s.Warning = errs.New(errs.ModelFailed, "the server answers in one piece although it was asked for a stream").With("reason", "whole")
	}
	return s
}

// headroom reads how much of their limits servers say is left.
func headroom(h http.Header) []model.CheckStep {
	s := model.CheckStep{Name: "headroom"}
	for _, what := range []string{"requests", "tokens"} {
		limit, err := strconv.Atoi(h.Get("X-Ratelimit-Limit-" + what))
		left, leftErr := strconv.Atoi(h.Get("X-Ratelimit-Remaining-" + what))
		if err != nil || leftErr != nil || limit <= 0 {
			continue
		}
		s.Facts = append(s.Facts, model.Fact{Name: what + "Left", Value: fmt.Sprintf("%d / %d", left, limit)})
		if left*10 < limit {
			s.Warning = errs.Newf(errs.ModelThrottled, "only %d of %d %s are left", left, limit, what).With("reason", "headroom").With("left", strconv.Itoa(left)).With("limit", strconv.Itoa(limit))
		}
	}
	if len(s.Facts) == 0 {
		return nil
	}
	return []model.CheckStep{s}
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
	if !r.dialed || egress.Classify(err).Step == egress.StepConnect { // a proxy may refuse after it was dialled
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
