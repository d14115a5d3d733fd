package openai

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"kakoi/internal/egress"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// later is an error with the time after which a new try makes sense.
type later struct {
	error
	after time.Duration
}

func (e *later) Unwrap() error { return e.error }

// RetryAfter implements model.RetryAfter.
func (e *later) RetryAfter() time.Duration { return e.after }

var _ model.RetryAfter = (*later)(nil)

// upstream is what a server's error body says, in any of the forms in use.
type upstream struct {
	Message string
	Type    string
	Code    string
	json    bool // the body was a JSON object that speaks of an error
}

func (u upstream) describe(status int) error {
	what := u.Message
	if what == "" {
		what = "no message"
	}
	if status > 0 {
		what = "HTTP " + strconv.Itoa(status) + ": " + what
	}
	if u.Type != "" || u.Code != "" {
		what += " (" + strings.Trim(u.Type+" "+u.Code, " ") + ")"
	}
	return errors.New(what)
}

// parseError reads {"error": {…}} (OpenAI, vLLM, llama.cpp), {"error": "…"}
// (Ollama, LM Studio, TGI), {"message": …} (older vLLM) and {"detail": …}
// (FastAPI).
func parseError(body []byte) upstream {
	var w struct {
		Error     json.RawMessage `json:"error"`
		ErrorType string          `json:"error_type"`
		Message   string          `json:"message"`
		Type      string          `json:"type"`
		Code      any             `json:"code"`
		Detail    json.RawMessage `json:"detail"`
		Object    string          `json:"object"`
	}
	if json.Unmarshal(body, &w) != nil {
		return upstream{Message: clip(printable(body))}
	}
	u := upstream{Message: w.Message, Type: w.Type, Code: codeText(w.Code)}
	u.json = w.Error != nil || w.Detail != nil || w.Object == "error" || w.Message != ""
	var text string
	var inner struct {
		Message string `json:"message"`
		Type    string `json:"type"`
		Code    any    `json:"code"`
	}
	switch {
	case json.Unmarshal(w.Error, &text) == nil && text != "":
		u.Message, u.Type = text, w.ErrorType
	case json.Unmarshal(w.Error, &inner) == nil && w.Error != nil:
		u.Message, u.Type, u.Code = inner.Message, inner.Type, codeText(inner.Code)
	case json.Unmarshal(w.Detail, &text) == nil && text != "":
		u.Message = text
	case w.Detail != nil:
		u.Message = string(w.Detail)
	}
	u.Message = clip(u.Message)
	return u
}

func codeText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.Itoa(int(v))
	}
	return ""
}

// clip bounds an upstream message, and cuts it where validators begin to repeat
// the request that they did not like.
func clip(s string) string {
	if i := echo.FindStringIndex(s); i != nil {
		s = s[:i[0]] + "…"
	}
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300]) + "…"
	}
	return s
}

var echo = regexp.MustCompile(`(?i)['"]?\binput(_value)?['"]?\s*[:=]`)

func printable(b []byte) string {
	if looksLikeHTML(b) {
		return "an HTML page"
	}
	return strings.ToValidUTF8(string(b[:min(len(b), 2000)]), "�")
}

func looksLikeHTML(b []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(b), []byte("<")) }

// redact takes secrets out of an upstream message, and the whole message away
// when it repeats part of what was asked: causes go to the log, prompts do not.
func (c *Client) redact(u upstream, req model.Request) upstream {
	for _, secret := range append(slices.Collect(maps.Values(c.cfg.Headers)), c.cfg.APIKey) {
		if len(secret) >= 6 {
			u.Message = strings.ReplaceAll(u.Message, secret, "…")
		}
	}
	const run = 16 // bytes that must coincide
	for i := 0; i+run <= len(u.Message); i += run / 2 {
		piece := u.Message[i : i+run]
		if strings.Contains(req.System, piece) {
			u.Message = withheld
			return u
		}
		for _, m := range req.Messages {
			if slices.ContainsFunc(m.Parts, func(p model.Part) bool { return repeats(p, piece) }) {
				u.Message = withheld
				return u
			}
		}
	}
	return u
}

// repeats reports whether a piece of an upstream message is from p.
func repeats(p model.Part, piece string) bool {
	switch {
	case p.ToolUse != nil:
		return strings.Contains(string(p.ToolUse.Input), piece)
	case p.ToolResult != nil:
		return slices.ContainsFunc(p.ToolResult.Parts, func(p model.Part) bool { return repeats(p, piece) })
	}
	return strings.Contains(p.Text, piece)
}

const withheld = "a message that repeats the prompt and is withheld"

var (
	tooLong = regexp.MustCompile(`(?i)exceed_context_size|context_length_exceeded|maximum context length|` +
		`exceeds? the (available )?context|context (size|window|length) (exceeded|is too small)|context length exceeded|` +
		`longer than the (model'?s )?(maximum|max) (model|context) length|prompt is too long|` +
		`input length .*exceed|inputs. (tokens|must have less)|context the overflows|loaded with context length`)
	tooMany               = regexp.MustCompile(`(?i)max(_completion)?_tokens.{0,60} too large`)
	filtered              = regexp.MustCompile(`(?i)content_filter|content_policy|content management policy|responsibleaipolicy`)
	noTools               = regexp.MustCompile(`(?i)(does not|doesn.t|not) support (tools|function|tool)|tool choice requires|--enable-auto-tool-choice|tools param requires --jinja`)
	noMedia               = regexp.MustCompile(`(?i)(image|multimodal|vision|file).{0,40}(not support|unsupported)|(not support|unsupported|does not (accept|take)).{0,40}(image|multimodal|vision|file|image_url)|at most 0 image|is not a multimodal model|missing data required for image`)
	unknownModel          = regexp.MustCompile(`(?i)model_not_found|model .{0,200}(not found|does not exist|is not (a valid|loaded|available))|(no|unknown|invalid) (such )?model|try pulling it first|no models? loaded`)
	streamOptions         = regexp.MustCompile(`(?i)stream_options|include_usage`)
	wantsCompletionTokens = regexp.MustCompile(`(?i)(unsupported|not supported|use).{0,80}max_completion_tokens`)
	loading               = regexp.MustCompile(`(?i)loading|warming up|starting`)
	noQuota               = regexp.MustCompile(`(?i)insufficient_quota|billing`)
)

// failure turns an answer that is not a success into an error with a code.
func (c *Client) failure(resp *http.Response, body []byte, req model.Request) error {
	u := c.redact(parseError(body), req)
	host := c.base.Host
	wrap := c.wrapper(u, resp.StatusCode, req)
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		to := "elsewhere"
		if loc, err := resp.Location(); err == nil {
			to = loc.Scheme + "://" + loc.Host
		}
		return errs.Newf(errs.ModelUnreachable, "%s redirects to %s; enter the final address as the base URL", host, to).With("host", host).With("reason", "redirect")
	}
	err := c.classify(resp.StatusCode, u, wrap)
	if err.Code != errs.ModelThrottled && resp.StatusCode < 500 {
		return err // the same request will fail again
	}
	wait := retryAfter(resp.Header, time.Now())
	if wait == 0 && err.Params["reason"] == "loading" {
		wait = 2 * time.Second // llama.cpp while it reads the weights
	}
	if wait == 0 {
		return err
	}
	seconds := strconv.Itoa(int((wait + time.Second - 1) / time.Second))
	return &later{err.With("retryAfterSeconds", seconds), wait}
}

// wrapper makes errors about one upstream message. Their params are for the
// translated text: a stable reason, the host, the model.
func (c *Client) wrapper(u upstream, status int, req model.Request) func(errs.Code, string, string) *errs.Error {
	return func(code errs.Code, reason, message string) *errs.Error {
		e := errs.Wrap(code, message, u.describe(status)).With("host", c.base.Host)
		if reason != "" {
			e = e.With("reason", reason)
		}
		if req.Model != "" {
			e = e.With("model", req.Model)
		}
		return e
	}
}

// classify chooses the code. What the message says goes before the status,
// since servers use 400, 413, 422 and 500 for the same thing.
func (c *Client) classify(status int, u upstream, wrap func(errs.Code, string, string) *errs.Error) *errs.Error {
	text := u.Message + " " + u.Type + " " + u.Code
	switch {
	case status == http.StatusUnauthorized:
		return wrap(errs.ModelCredentials, "api_key", "the model server does not accept the API key")
	case status == http.StatusForbidden:
		return wrap(errs.ModelAccessDenied, "denied", "the model server does not allow this")
	case status == http.StatusProxyAuthRequired:
		return wrap(errs.ModelUnreachable, "proxy", "a proxy before the model server asks for a user name and a password")
	case status == http.StatusTooManyRequests && noQuota.MatchString(text):
		return wrap(errs.ModelAccessDenied, "quota", "the account at the model server has no quota left")
	case status == http.StatusTooManyRequests, status == 529:
		return wrap(errs.ModelThrottled, "requests", "the model server has too many requests")
	case tooMany.MatchString(text):
		return wrap(errs.ModelInvalidRequest, "max_tokens", "the output limit is higher than the model server allows")
	case tooLong.MatchString(text):
		return wrap(errs.ModelContextTooLong, "", "the conversation is longer than the model can read")
	case filtered.MatchString(text):
		return wrap(errs.ModelRefused, "content_filter", "a content filter at the model server refused the request")
	case noTools.MatchString(text):
		return wrap(errs.ModelInput, "no_tools", "this model does not use tools, or its server was started without them")
	case noMedia.MatchString(text):
		return wrap(errs.ModelInput, "media", "this model does not take this kind of attachment")
	case status == http.StatusRequestEntityTooLarge:
		return wrap(errs.ModelContextTooLong, "body_size", "the request is larger than the model server takes")
	case unknownModel.MatchString(text):
		return wrap(errs.ModelNotFound, "model_id", "the model server does not have this model")
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed:
		return wrap(errs.ModelInvalidRequest, "base_url", "there is no chat completions API at this address; "+c.baseHint())
	case status == http.StatusRequestTimeout, status == http.StatusGatewayTimeout:
		return wrap(errs.ModelTimeout, "upstream", "the model server did not answer in time")
	case status == http.StatusServiceUnavailable && loading.MatchString(text):
		return wrap(errs.ModelFailed, "loading", "the model server is still loading the model")
	case status >= 500:
		return wrap(errs.ModelFailed, "internal", "the model server failed")
	case status >= 400:
		return wrap(errs.ModelInvalidRequest, "validation", "the model server rejected the request")
	}
	return wrap(errs.ModelFailed, "unknown", "the model server reported an error")
}

// baseHint says what a base URL usually looks like.
func (c *Client) baseHint() string {
	if strings.HasSuffix(c.base.Path, "/v1") {
		return "check the base URL"
	}
	hint := *c.base
	hint.RawQuery = ""
	return "the base URL usually ends in /v1, as in " + hint.JoinPath("v1").String()
}

// streamFailure turns an error inside a stream, or in a body with status 200,
// into an error with a code.
func (c *Client) streamFailure(data []byte, req model.Request) error {
	u := c.redact(parseError(data), req)
	wrap := c.wrapper(u, 0, req)
	status, _ := strconv.Atoi(u.Code)
	switch {
	case status == 0 && strings.Contains(u.Type+u.Code, "rate_limit"):
		status = http.StatusTooManyRequests
	case status == 0 && strings.Contains(u.Type+u.Code, "overloaded"):
		status = 529
	}
	return c.classify(status, u, wrap)
}

// retryAfter reads how long a server asks us to wait: Retry-After in seconds or
// as a date, retry-after-ms, and the reset headers of rate limits.
func retryAfter(h http.Header, now time.Time) time.Duration {
	const most = 24 * time.Hour
	clamp := func(d time.Duration) time.Duration { return min(max(d, 0), most) }
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil {
		return clamp(time.Duration(ms * float64(time.Millisecond)))
	}
	if v := h.Get("Retry-After"); v != "" {
		if s, err := strconv.ParseFloat(v, 64); err == nil && s < most.Seconds() {
			return clamp(time.Duration(s * float64(time.Second)))
		}
		if t, err := http.ParseTime(v); err == nil {
			return clamp(t.Sub(now))
		}
	}
	// Requests and tokens have their own limits; only the one that is used up matters.
	for _, kind := range []string{"-requests", "-tokens", ""} {
		if left := h.Get("X-Ratelimit-Remaining" + kind); left != "" && left != "0" {
			continue
		}
		v := h.Get("X-Ratelimit-Reset" + kind)
		if d, err := time.ParseDuration(v); err == nil { // "6m0s", "20ms"
			return clamp(d)
		}
		if s, err := strconv.ParseFloat(v, 64); err == nil {
			if s > 1e9 { // a Unix time
				return clamp(time.Unix(int64(s), 0).Sub(now))
			}
			return clamp(time.Duration(s * float64(time.Second)))
		}
	}
	return 0
}

// transportError gives a code to a failure to connect, to send or to read.
func (c *Client) transportError(ctx context.Context, err error) error {
	host := c.base.Host
	switch {
	case errors.Is(context.Cause(ctx), errSilent):
		return errs.Wrap(errs.ModelTimeout, "the model server was silent for too long", errSilent).With("host", host).With("reason", "silent")
	case ctx.Err() != nil: // the caller's own doing comes back as it is
		return context.Cause(ctx)
	}
	var coded *errs.Error
	if errors.As(err, &coded) { // egress refused the destination, or the proxy did
		return coded
	}
	var address *url.Error
	if errors.As(err, &address) {
		err = address.Err // the address is known, and its query may hold a key
	}
	f := egress.Classify(err)
	if strings.Contains(err.Error(), "malformed HTTP") {
		f.Message = "the server does not speak HTTP at this port; perhaps the address should begin with https://"
	}
	return errs.Wrap(f.Code, host+": "+f.Message, err).With("host", host).With("reason", string(f.Step))
}

// brokeOff is the error for a stream that ended without the model's end mark.
func (c *Client) brokeOff(cause error) error {
	return errs.Wrap(errs.ModelBrokeOff, "the answer broke off before its end", fmt.Errorf("stream from %s: %w", c.base.Host, cause)).With("host", c.base.Host)
}
