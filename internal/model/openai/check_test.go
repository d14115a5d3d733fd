package openai_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"kakoi/internal/egress"
	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/modeltest"
	"kakoi/internal/model/modeltest/openaifake"
	"kakoi/internal/model/openai"
)

func names(steps []model.CheckStep) string {
	var n []string
	for _, s := range steps {
		n = append(n, s.Name)
	}
	return strings.Join(n, " ")
}

func TestACheckNamesTheStepThatFails(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>welcome</html>") })
	secure := httptest.NewTLSServer(&openaifake.Server{})
	defer secure.Close()
	plain := httptest.NewServer(&openaifake.Server{})
	defer plain.Close()
	noList := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/models") {
			http.NotFound(w, r)
			return
		}
		(&openaifake.Server{}).ServeHTTP(w, r)
	})
	for _, tt := range []struct {
		name, base, model string
		client            *http.Client
		steps             string
		code              errs.Code
		says              string
	}{
		{"all is well", plain.URL + "/v1", "fake-large", nil, "configuration resolve connect clock credentials list_models answer stream", "", "2 models"},
		{"all is well over TLS", secure.URL + "/v1", "fake-large", secure.Client(), "configuration resolve connect tls clock credentials list_models answer stream", "", "TLS 1.3"},
		{"without a model there is no answer to try", plain.URL + "/v1", "", nil, "configuration resolve connect clock credentials list_models", "", ""},
		{"a server without a list", serve(t, noList), "fake-large", nil, "configuration resolve connect clock credentials list_models answer stream", "", "no list"},
		{"no URL", "127.0.0.1:11434", "m", nil, "configuration", errs.InvalidInput, "http://127.0.0.1:11434/v1"},
		{"another scheme", "ftp://host/v1", "m", nil, "configuration", errs.InvalidInput, "must begin with http"},
		{"no host", "http:///v1", "m", nil, "configuration", errs.InvalidInput, "no host"},
		{"a password in the URL", "http://a:b@host/v1", "m", nil, "configuration", errs.InvalidInput, "its own field"},
		{"a name that does not exist", "http://does-not-exist.invalid/v1", "m", nil, "configuration resolve", errs.ModelUnreachable, "does-not-exist.invalid"},
		{"nobody listens", "http://" + unusedAddress(t) + "/v1", "m", nil, "configuration resolve connect", errs.ModelUnreachable, "nothing listens"},
		{"an authority that is not trusted", secure.URL + "/v1", "m", nil, "configuration resolve connect tls", errs.ModelUnreachable, "add the authority's certificate"},
		{"https where http is spoken", strings.Replace(plain.URL, "http:", "https:", 1) + "/v1", "m", nil, "configuration resolve connect tls", errs.ModelUnreachable, "begin with http://"},
		{"http where https is spoken", strings.Replace(secure.URL, "https:", "http:", 1) + "/v1", "m", nil, "configuration resolve connect credentials list_models", errs.ModelInvalidRequest, ""},
		{"the base URL lacks /v1", plain.URL + "/api", "", nil, "configuration resolve connect clock credentials list_models", errs.ModelInvalidRequest, "/api/v1"},
		{"a web page", serve(t, page), "m", nil, "configuration resolve connect clock credentials list_models", errs.ModelInvalidRequest, "web page"},
		{"a model that is not there", plain.URL + "/v1", "m", nil, "configuration resolve connect clock credentials list_models answer", errs.ModelNotFound, "not have this model"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.client == nil {
				tt.client = gated(t, tt.base)
			}
			steps := openai.New(openai.Config{BaseURL: tt.base, HTTP: tt.client}).Check(t.Context(), tt.model)
			if got := names(steps); got != tt.steps {
				t.Errorf("steps %q, want %q", got, tt.steps)
			}
			last := steps[len(steps)-1]
			if errs.CodeOf(last.Err) != tt.code {
				t.Errorf("%s: %v, want %s", last.Name, last.Err, tt.code)
			}
			var all strings.Builder
			for _, s := range steps {
				all.WriteString(s.Detail + "\n")
				if s.Err != nil {
					all.WriteString(s.Err.Error() + "\n")
				}
			}
			if !strings.Contains(all.String(), tt.says) {
				t.Errorf("it says\n%swant %q", all.String(), tt.says)
			}
		})
	}
}

// gated is the client that the program gives to an adapter.
func gated(t *testing.T, base string, allow ...string) *http.Client {
	t.Helper()
	if u, err := url.Parse(base); err == nil && u.Host != "" && len(allow) == 0 {
		allow = []string{u.Host}
		if u.Port() == "" {
			allow[0] += ":80"
		}
	}
	c, err := egress.New(egress.Options{}).Client(egress.Spec{Purpose: "check", Allow: allow})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func TestADestinationThatIsNotDeclaredIsNotTried(t *testing.T) {
	fake := &openaifake.Server{}
	base := serve(t, fake)
	c := openai.New(openai.Config{BaseURL: base, HTTP: gated(t, "", "127.0.0.1:1")})
	steps := c.Check(t.Context(), "fake-large")
	if last := steps[len(steps)-1]; last.Name != "connect" || errs.CodeOf(last.Err) != errs.EgressDenied {
		t.Errorf("the check ended at %s: %v", last.Name, last.Err)
	}
	if err := modeltest.Gather(t, t.Context(), c, ask("x")).Err; errs.CodeOf(err) != errs.EgressDenied {
		t.Errorf("Stream: %v", err)
	}
	if fake.Total() != 0 {
		t.Error("the server was reached")
	}
}

func TestAClientWithoutHTTPSaysSo(t *testing.T) {
	c := openai.New(openai.Config{BaseURL: "http://127.0.0.1/v1"})
	if steps := c.Check(t.Context(), ""); len(steps) != 1 || steps[0].Err == nil {
		t.Errorf("steps %+v", steps)
	}
}
