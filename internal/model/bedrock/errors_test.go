package bedrock_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/modeltest"
	fake "kakoi/internal/model/modeltest/bedrockfake"
)

func params(err error) map[string]string {
	var e *errs.Error
	if errors.As(err, &e) {
		return e.Params
	}
	return nil
}

func reason(err error) string { return params(err)["reason"] }

func TestEveryRefusalHasItsCodeAndReason(t *testing.T) {
	s, c := start(t, fake.Options{})
	p := connect(t, c)
	const base = "anthropic.claude-haiku-4-5-20251001-v1:0"
	for _, tt := range []struct {
		marker string
		code   errs.Code
		reason string
		params map[string]string
	}{
		{"[[throttle]]", errs.ModelThrottled, "requests", nil},
		{"[[throttle tokens]]", errs.ModelThrottled, "tokens", nil},
		{"[[throttle day]]", errs.ModelThrottled, "daily_tokens", nil},
		{"[[unavailable]]", errs.ModelFailed, "unavailable", nil},
		{"[[failure]]", errs.ModelFailed, "internal", nil},
		{"[[notfound]]", errs.ModelNotFound, "model_id", nil},
		{"[[denied]]", errs.ModelAccessDenied, "identity_policy", map[string]string{"region": "ap-northeast-3", "model": base, "action": "bedrock:InvokeModelWithResponseStream"}},
		{"[[denied scp]]", errs.ModelAccessDenied, "service_control_policy", map[string]string{"region": "ap-northeast-3", "model": base}},
		{"[[denied scp-policy]]", errs.ModelAccessDenied, "service_control_policy", map[string]string{"region": "us-west-2"}},
		{"[[denied scp-allow]]", errs.ModelAccessDenied, "service_control_policy", map[string]string{"region": "ap-southeast-2"}},
		{"[[denied global]]", errs.ModelAccessDenied, "service_control_policy", map[string]string{"region": "global"}},
		{"[[denied endpoint]]", errs.ModelAccessDenied, "vpc_endpoint_policy", map[string]string{"region": "ap-northeast-1"}},
		{"[[denied boundary]]", errs.ModelAccessDenied, "permissions_boundary", nil},
		{"[[denied session]]", errs.ModelAccessDenied, "session_policy", nil},
		{"[[denied model]]", errs.ModelAccessDenied, "model_access", nil},
		{"[[denied marketplace]]", errs.ModelAccessDenied, "marketplace", nil},
		{"[[denied form]]", errs.ModelAccessDenied, "use_case_form", nil},
		{"[[credentials]]", errs.ModelCredentials, "unknown_key", nil},
		{"[[credentials expired]]", errs.ModelCredentials, "expired", nil},
		{"[[credentials signature]]", errs.ModelCredentials, "signature", nil},
		{"[[credentials apikey]]", errs.ModelCredentials, "api_key", nil},
		{"[[invalid]]", errs.ModelInvalidRequest, "validation", nil},
		{"[[invalid ondemand]]", errs.ModelInvalidRequest, "needs_inference_profile", nil},
		{"[[invalid sampling]]", errs.ModelInvalidRequest, "sampling", nil},
		{"[[invalid prefill]]", errs.ModelInvalidRequest, "prefill", nil},
		{"[[invalid filter]]", errs.ModelRefused, "content_filter", nil},
		{"[[invalid echo]]", errs.ModelInvalidRequest, "validation", nil},
		{"[[toolong]]", errs.ModelContextTooLong, "", nil},
		{"[[toolong claude]]", errs.ModelContextTooLong, "", map[string]string{"tokens": "215000", "limit": "200000"}},
		{"[[toolong count]]", errs.ModelContextTooLong, "", map[string]string{"tokens": "9000", "limit": "8192"}},
		{"[[toolong nova]]", errs.ModelContextTooLong, "", nil},
	} {
		t.Run(tt.marker, func(t *testing.T) {
			before := len(s.Requests())
			a := modeltest.Gather(t, t.Context(), p, ask(tt.marker+" 住民の氏名"))
			if errs.CodeOf(a.Err) != tt.code || reason(a.Err) != tt.reason {
				t.Fatalf("error %v: %s (%s), want %s (%s)", a.Err, errs.CodeOf(a.Err), reason(a.Err), tt.code, tt.reason)
			}
			got := params(a.Err)
			for k, v := range tt.params {
				if got[k] != v {
					t.Errorf("%s = %q, want %q", k, got[k], v)
				}
			}
			if got["requestId"] == "" {
				t.Error("the request id of AWS is missing")
			}
			var e *errs.Error
			errors.As(a.Err, &e)
			if strings.ContainsAny(e.Message, "{}") || (tt.params["region"] != "") != (strings.Contains(e.Message, tt.params["region"]) && tt.params["region"] != "") {
				t.Errorf("message %q", e.Message)
			}
			if all := a.Err.Error(); strings.Contains(all, "住民") || strings.Contains(all, "secret words") {
				t.Errorf("the error holds the prompt: %s", all)
			}
			if n := len(s.Requests()) - before; n != 1 {
				t.Errorf("%d attempts, want 1", n)
			}
		})
	}
}

func TestAWaitIsPassedOnInFractionsAndDates(t *testing.T) {
	_, c := start(t, fake.Options{})
	a := modeltest.Gather(t, t.Context(), connect(t, c), ask("[[throttle]][[retry-after 1.5]] hello"))
	var wait model.RetryAfter
	if !errors.As(a.Err, &wait) || wait.RetryAfter() != 1500*time.Millisecond || params(a.Err)["retryAfterSeconds"] != "2" {
		t.Errorf("error %v, params %v", a.Err, params(a.Err))
	}
}

func TestAThrottledCallSucceedsLater(t *testing.T) {
	_, c := start(t, fake.Options{})
	p := connect(t, c)
	for i, want := range []errs.Code{errs.ModelThrottled, errs.ModelThrottled, ""} {
		if a := modeltest.Gather(t, t.Context(), p, ask("[[throttle 2]] hello")); errs.CodeOf(a.Err) != want {
			t.Errorf("try %d: %v", i+1, a.Err)
		}
	}
}

// failing answers every request with an error, as a dialer would.
type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// page answers every request with a status and a page that is not AWS's.
type page int

func (p page) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: int(p), Header: http.Header{"Content-Type": {"text/html"}}, Request: r,
		Body: readCloser{strings.NewReader("<html>gateway</html>")}}, nil
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

func TestWhatNeverReachedAWSIsToldApart(t *testing.T) {
	denied := errs.New(errs.EgressDenied, "not declared")
	for _, tt := range []struct {
		name   string
		with   http.RoundTripper
		code   errs.Code
		reason string
	}{
		{"a name that does not resolve", failing{&net.OpError{Op: "dial", Err: &net.DNSError{Name: "bedrock-runtime.ap-northeast-1.amazonaws.com", IsNotFound: true}}}, errs.ModelUnreachable, "dns"},
		{"no answer to the dial", failing{&net.OpError{Op: "dial", Err: context.DeadlineExceeded}}, errs.ModelTimeout, ""},
		{"a connection that breaks before the answer", failing{errors.New("EOF")}, errs.ModelUnreachable, "connection"},
		{"a destination that egress refuses", failing{denied}, errs.EgressDenied, ""},
		{"a proxy that wants a password", page(407), errs.ModelUnreachable, "proxy"},
		{"a proxy that says no", page(403), errs.ModelAccessDenied, "status"},
		{"a proxy that cannot reach AWS", page(502), errs.ModelFailed, "status"},
		{"a proxy that gave up", page(504), errs.ModelTimeout, "status"},
		{"some other server", page(404), errs.ModelInvalidRequest, "status"},
		{"a limit of a proxy", page(413), errs.ModelInvalidRequest, "status"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := modeltest.Gather(t, t.Context(), connectTo(t, tt.with), ask("hello"))
			if errs.CodeOf(a.Err) != tt.code || reason(a.Err) != tt.reason {
				t.Errorf("error %v: %s (%s), want %s (%s)", a.Err, errs.CodeOf(a.Err), reason(a.Err), tt.code, tt.reason)
			}
		})
	}
	t.Run("a certificate that is not trusted", func(t *testing.T) {
		_, c := start(t, fake.Options{TLS: true})
		a := modeltest.Gather(t, t.Context(), connect(t, c), ask("hello"))
		if errs.CodeOf(a.Err) != errs.ModelUnreachable || reason(a.Err) != "tls_authority" {
			t.Errorf("error %v (%s)", a.Err, reason(a.Err))
		}
	})
	t.Run("https to a server without it", func(t *testing.T) {
		_, c := start(t, fake.Options{})
		c.Endpoint = strings.Replace(c.Endpoint, "http:", "https:", 1)
		a := modeltest.Gather(t, t.Context(), connect(t, c), ask("hello"))
		if errs.CodeOf(a.Err) != errs.ModelUnreachable || !strings.HasPrefix(reason(a.Err), "tls") {
			t.Errorf("error %v (%s)", a.Err, reason(a.Err))
		}
	})
}
