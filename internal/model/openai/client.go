package openai

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"kakoi/internal/errs"
)

// Config is what a connection needs.
type Config struct {
	BaseURL string            // up to and without /chat/completions; usually ends in /v1
	APIKey  string            // sent as a bearer token; "" sends none
	Headers map[string]string // sent with every request; they win over our own
	HTTP    *http.Client      // from egress, the only package that dials

	// FirstByteTimeout bounds the wait for the first byte of the answer's body,
	// IdleTimeout each wait after it. A model that is loaded from disk or reads a
	// long prompt on a CPU may need minutes for the first. 0 takes the default.
	FirstByteTimeout time.Duration
	IdleTimeout      time.Duration

	Log *slog.Logger
}

// Default timeouts.
const (
	DefaultFirstByteTimeout = 5 * time.Minute
	DefaultIdleTimeout      = 2 * time.Minute
)

const (
	maxErrorBody = 64 << 10 // of a failed answer, which is read for its message only
	maxJSONBody  = 8 << 20  // of an answer that is not a stream
)

// Client is a connection to one OpenAI-compatible server. It implements
// model.Provider and may be used by many goroutines.
type Client struct {
	cfg    Config
	base   *url.URL
	broken error // why base cannot be used
	http   *http.Client
	log    *slog.Logger

	mu     sync.Mutex
	quirks map[string]quirks // by model; learned from refusals
}

// quirks is what a server turned out not to take for a model.
type quirks struct {
	noStreamOptions     bool // usage is then estimated
	maxCompletionTokens bool // wants max_completion_tokens for max_tokens
}

// New returns a client. A configuration that cannot work is reported by every
// call, and by Check as its first step.
func New(cfg Config) *Client {
	if cfg.FirstByteTimeout <= 0 {
		cfg.FirstByteTimeout = DefaultFirstByteTimeout
	}
	if cfg.IdleTimeout <= 0 {
		cfg.IdleTimeout = DefaultIdleTimeout
	}
	c := &Client{cfg: cfg, log: cfg.Log, quirks: map[string]quirks{}}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.base, c.broken = parseBase(cfg.BaseURL)
	if cfg.HTTP == nil {
		c.broken = errors.New("openai: no HTTP client was given")
		return c
	}
	h := *cfg.HTTP
	h.CheckRedirect = stayOnHost
	c.http = &h
	return c
}

func parseBase(s string) (*url.URL, error) {
	const field = "baseUrl"
	u, err := url.Parse(strings.TrimSpace(s))
	switch {
	case err != nil:
		return nil, errs.InField(field, "the base URL is not a URL; an example is http://127.0.0.1:11434/v1")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errs.InField(field, "the base URL must begin with http:// or https://; an example is http://127.0.0.1:11434/v1")
	case u.Hostname() == "":
		return nil, errs.InField(field, "the base URL names no host; an example is http://127.0.0.1:11434/v1")
	case u.User != nil:
		return nil, errs.InField(field, "the base URL holds a user name or password; enter the key in its own field")
	case u.Fragment != "":
		return nil, errs.InField(field, "the base URL must not have a # part")
	}
	u.Path = strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/chat/completions")
	u.RawPath = ""
	return u, nil
}

// stayOnHost follows redirects of reads within the host only. What is sent to a
// model, and the key, go nowhere but where the administrator said.
func stayOnHost(req *http.Request, via []*http.Request) error {
	first := via[0]
	if req.Method == http.MethodGet && first.Method == http.MethodGet &&
		req.URL.Host == first.URL.Host && req.URL.Scheme == first.URL.Scheme && len(via) < 4 {
		return nil
	}
	return http.ErrUseLastResponse
}

// endpoint returns the address of a path under the base URL, whose query
// (such as Azure's api-version) is kept.
func (c *Client) endpoint(path string) string { return c.base.JoinPath(path).String() }

// newRequest makes a request to a full address. body may be nil.
func (c *Client) newRequest(ctx context.Context, method, address string, body []byte) (*http.Request, error) {
	var r io.Reader
	if body != nil {
		r = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, r)
	if err != nil {
		return nil, errs.Wrap(errs.ModelInvalidRequest, "the request to the model server could not be made", err)
	}
	h := req.Header
	h.Set("User-Agent", "kakoi")
	if body != nil {
		h.Set("Content-Type", "application/json")
	}
	if c.cfg.APIKey != "" {
		h.Set("Authorization", "Bearer "+c.cfg.APIKey)
	}
	for name, value := range c.cfg.Headers {
		if strings.EqualFold(name, "Host") {
			req.Host = value
			continue
		}
		h.Set(name, value)
	}
	return req, nil
}

// get fetches a small JSON document.
func (c *Client) get(ctx context.Context, address string) (*http.Response, []byte, error) {
	return c.exchange(ctx, http.MethodGet, address, nil)
}

// exchange makes a request whose answer is small and comes at once.
func (c *Client) exchange(ctx context.Context, method, address string, body []byte) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.probeTimeout(), errSilent)
	defer cancel()
	req, err := c.newRequest(ctx, method, address, body)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, nil, c.transportError(ctx, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxJSONBody))
	if err != nil {
		return nil, nil, c.transportError(ctx, err)
	}
	return resp, b, nil
}

// probeTimeout bounds a small request; a model is not involved.
func (c *Client) probeTimeout() time.Duration { return min(c.cfg.FirstByteTimeout, 15*time.Second) }

func (c *Client) quirksOf(model string) quirks {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.quirks[model]
}

func (c *Client) learn(model string, q quirks) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.quirks[model] = q
}
