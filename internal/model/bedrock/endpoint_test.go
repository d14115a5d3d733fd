package bedrock_test

import (
	"errors"
	"net/http"
	"sync"
	"testing"

	"kakoi/internal/errs"
	"kakoi/internal/model/bedrock"
)

// hosts remembers which hosts were asked, and answers nothing.
type hosts struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (h *hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen[r.URL.Host] = true
	return nil, errors.New("nobody there")
}

func TestPublicNamesAreThoseOfTheRegionAndOfFIPSWhereWanted(t *testing.T) {
	key := bedrock.Credentials{Kind: bedrock.CredentialsStatic, AccessKeyID: "AKIA", SecretAccessKey: "s"}
	role := []bedrock.Role{{ARN: "arn:aws:iam::123456789012:role/a", Region: "us-east-1"}}
	for _, tt := range []struct {
		name string
		conf bedrock.Config
		want []string
	}{
		{"the region's own", bedrock.Config{Region: "ap-northeast-1", Credentials: key},
			[]string{"bedrock-runtime.ap-northeast-1.amazonaws.com", "bedrock.ap-northeast-1.amazonaws.com", "sts.ap-northeast-1.amazonaws.com"}},
		{"FIPS", bedrock.Config{Region: "us-west-2", Credentials: key, FIPS: true},
			[]string{"bedrock-runtime-fips.us-west-2.amazonaws.com", "bedrock-fips.us-west-2.amazonaws.com", "sts-fips.us-west-2.amazonaws.com"}},
		{"an endpoint goes before FIPS", bedrock.Config{Region: "us-west-2", Credentials: key, FIPS: true, Endpoint: "https://a.example", ControlEndpoint: "https://b.example", STSEndpoint: "https://c.example"},
			[]string{"a.example", "b.example", "c.example"}},
		{"a role of another region", bedrock.Config{Region: "us-west-2", Credentials: key, FIPS: true, Roles: role},
			[]string{"bedrock-runtime-fips.us-west-2.amazonaws.com", "sts-fips.us-east-1.amazonaws.com"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("AWS_USE_FIPS_ENDPOINT", "true") // nobody else decides it
			h := &hosts{seen: map[string]bool{}}
			tt.conf.HTTP = &http.Client{Transport: h}
			p := connect(t, tt.conf)
			p.Check(t.Context(), "") // the connection, which fails
			for range p.Stream(t.Context(), ask("hello")) {
			}
			_, _ = p.Models(t.Context())
			bedrock.Identify(t.Context(), p)
			for _, want := range tt.want {
				if !h.seen[want] {
					t.Errorf("%s was not asked, but %v", want, h.seen)
				}
				delete(h.seen, want)
			}
			if len(h.seen) > 0 {
				t.Errorf("%v were asked too", h.seen)
			}
		})
	}
}

func TestTheGlobalEndpointOfSTSIsRefused(t *testing.T) {
	_, err := bedrock.New(t.Context(), bedrock.Config{
		Region: "ap-northeast-1", STSEndpoint: "https://sts.amazonaws.com", HTTP: &http.Client{Transport: &hosts{}},
		Credentials: bedrock.Credentials{Kind: bedrock.CredentialsStatic, AccessKeyID: "AKIA", SecretAccessKey: "s"},
	})
	var e *errs.Error
	if !errors.As(err, &e) || e.Field != "stsEndpoint" || e.Params["reason"] != "global_sts" || e.Params["instead"] != "https://sts.ap-northeast-1.amazonaws.com" {
		t.Errorf("error %v, %+v", err, e)
	}
}
