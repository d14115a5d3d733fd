package openai_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"kakoi/internal/model/modeltest"
	"kakoi/internal/model/modeltest/openaifake"
	"kakoi/internal/model/openai"
)

// serve starts a fake and returns its base URL.
func serve(t testing.TB, f http.Handler) string {
	t.Helper()
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	return srv.URL + "/v1"
}

func factory(flavor openaifake.Flavor) modeltest.Factory {
	return func(t *testing.T, s modeltest.Setup) modeltest.Subject {
		fake := &openaifake.Server{Flavor: flavor, Key: "sk-right"}
		cfg := openai.Config{
			BaseURL: serve(t, fake), APIKey: "sk-right", HTTP: &http.Client{Transport: &http.Transport{}},
			FirstByteTimeout: s.Patience, IdleTimeout: s.Patience,
		}
		t.Cleanup(cfg.HTTP.CloseIdleConnections)
		if s.BadCredentials {
			cfg.APIKey = "sk-wrong"
		}
		if s.Unreachable {
			cfg.BaseURL = "http://" + unusedAddress(t) + "/v1"
		}
		return modeltest.Subject{Provider: openai.New(cfg), Model: "fake-large", WaitLive: fake.WaitLive, Asked: fake.Total}
	}
}

func unusedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestTheAdapterIsAProviderOnEveryServer(t *testing.T) {
	for _, flavor := range []openaifake.Flavor{openaifake.OpenAI, openaifake.LlamaCpp, openaifake.VLLM, openaifake.Ollama} {
		t.Run(string(flavor), func(t *testing.T) {
			t.Parallel()
			modeltest.RunProvider(t, factory(flavor))
		})
	}
}
