package bedrock

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// probeTimeout bounds each step of a check but the answer.
const probeTimeout = 10 * time.Second

// Check implements model.Provider. A control plane or an STS that cannot be
// reached does not fail a check that names a model: a closed network may well
// have no endpoint but the runtime's.
func (c *Client) Check(ctx context.Context, modelID string) []model.CheckStep {
	return c.check(ctx, modelID, c.checkAnswer)
}

// check makes the steps of Check. try is the last.
func (c *Client) check(ctx context.Context, modelID string, try func(context.Context, string) (string, error)) []model.CheckStep {
	steps := []model.CheckStep{{Name: "configuration", Detail: "region " + c.region}}
	failed := func() bool { return steps[len(steps)-1].Err != nil }

	steps = append(steps, c.checkConnection(ctx)...)
	if failed() {
		return steps
	}
	if steps = append(steps, timed("credentials", func() (string, error) { return c.checkCredentials(ctx) })); failed() {
		return steps
	}
	steps = append(steps, timed("list_models", func() (string, error) {
		ctx, cancel := context.WithTimeout(ctx, probeTimeout)
		defer cancel()
		list, err := c.Models(ctx)
		switch {
		case err == nil:
			return fmt.Sprintf("%d models and inference profiles", len(list)), nil
		case modelID != "" && optional(err):
			return "not available, enter model ids by hand: " + err.Error(), nil
		}
		return "", err
	}))
	if failed() || modelID == "" {
		return steps
	}
	return append(steps, timed("answer", func() (string, error) { return try(ctx, modelID) }))
}

// optional reports whether a call's failure says nothing about the runtime.
func optional(err error) bool {
	switch errs.CodeOf(err) {
	case errs.ModelUnreachable, errs.ModelTimeout, errs.ModelAccessDenied, errs.EgressDenied:
		return true
	}
	return errors.Is(err, context.DeadlineExceeded)
}

func timed(name string, f func() (string, error)) model.CheckStep {
	start := time.Now()
	detail, err := f()
	return model.CheckStep{Name: name, Detail: detail, Err: err, Elapsed: time.Since(start)}
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
	resp, err := c.http.Do(req)
	if err == nil {
		_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
		resp.Body.Close()
	}
	return t.steps(err)
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

// checkCredentials gets the credentials and, where STS can be reached, asks
// whose they are.
func (c *Client) checkCredentials(ctx context.Context) (string, error) {
	if c.creds == nil {
		return "Bedrock API key; whose it is shows when a model answers", nil
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	v, err := c.creds.Retrieve(ctx)
	if err != nil {
		return "", classify(err, false)
	}
	detail := "access key " + mask(v.AccessKeyID)
	if v.Source != "" {
		detail += " from " + v.Source
	}
	if v.CanExpire {
		detail += ", valid until " + v.Expires.UTC().Format(time.RFC3339)
	}
	who, err := c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	switch {
	case err == nil:
		return fmt.Sprintf("%s; account %s as %s", detail, aws.ToString(who.Account), aws.ToString(who.Arn)), nil
	case optional(classify(err, false)):
		return detail + "; STS cannot be asked whose it is", nil
	}
	return "", classify(err, false)
}

// mask keeps of an access key id what tells one from another.
func mask(id string) string {
	if len(id) < 12 {
		return "…"
	}
	return id[:4] + "…" + id[len(id)-4:]
}

// checkAnswer asks the model for one short answer.
func (c *Client) checkAnswer(ctx context.Context, modelID string) (string, error) {
	limit := 16
	start := time.Now()
	var first time.Duration
	var usage model.Usage
	for ev, err := range c.Stream(ctx, model.Request{
		Model:      modelID,
		Messages:   []model.Message{{Role: model.RoleUser, Parts: []model.Part{{Type: model.PartText, Text: "Reply with OK."}}}},
		Parameters: model.Parameters{MaxTokens: &limit},
	}) {
		if err != nil {
			return "", err
		}
		if first == 0 {
			first = time.Since(start)
		}
		if ev.Type == model.EventUsage {
			usage = ev.Usage
		}
	}
	return fmt.Sprintf("first words after %d ms, %d tokens in, %d out",
		first.Milliseconds(), usage.InputTokens, usage.OutputTokens), nil
}
