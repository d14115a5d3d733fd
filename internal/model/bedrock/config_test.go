package bedrock_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/bedrock"
	"kakoi/internal/model/modeltest"
	fake "kakoi/internal/model/modeltest/bedrockfake"
)

// bare takes away whatever AWS configuration the machine has.
func bare(t *testing.T) {
	t.Helper()
	for _, e := range os.Environ() {
		if name, _, _ := strings.Cut(e, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	none := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

func TestABadConfigurationIsRefusedWithItsField(t *testing.T) {
	bare(t)
	for _, tt := range []struct {
		name   string
		change func(*bedrock.Config)
		field  string
	}{
		{"a region that is none", func(c *bedrock.Config) { c.Region = "Tokyo" }, "region"},
		{"no region anywhere", func(c *bedrock.Config) { c.Region = "" }, "region"},
		{"an endpoint without a scheme", func(c *bedrock.Config) { c.Endpoint = "vpce.example" }, "endpoint"},
		{"an endpoint with a password", func(c *bedrock.Config) { c.ControlEndpoint = "https://a:b@vpce.example" }, "controlEndpoint"},
		{"an endpoint that is no URL", func(c *bedrock.Config) { c.STSEndpoint = "ftp://x" }, "stsEndpoint"},
		{"half a key", func(c *bedrock.Config) { c.Credentials.SecretAccessKey = "" }, "accessKeyId"},
		{"an unknown kind of credentials", func(c *bedrock.Config) { c.Credentials.Kind = "magic" }, "credentials"},
		{"a bearer token that is missing", func(c *bedrock.Config) {
			c.Credentials.Kind, c.Endpoint, c.ControlEndpoint, c.STSEndpoint = "bearer", "", "", ""
		}, "bearerToken"},
		{"a bearer token over http", func(c *bedrock.Config) { c.Credentials.Kind, c.Credentials.BearerToken = "bearer", "x" }, "endpoint"},
		{"a profile without a name", func(c *bedrock.Config) { c.Credentials.Kind = "profile" }, "profile"},
		{"a profile that the server does not have", func(c *bedrock.Config) { c.Credentials.Kind, c.Credentials.Profile = "profile", "nobody" }, "profile"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, c := start(t, fake.Options{})
			tt.change(&c)
			_, err := bedrock.New(t.Context(), c)
			var e *errs.Error
			if !errors.As(err, &e) || e.Code != errs.InvalidInput || e.Field != tt.field {
				t.Errorf("error %v, want one in %s", err, tt.field)
			}
		})
	}
	t.Run("no HTTP client of its own", func(t *testing.T) {
		for _, h := range []*http.Client{nil, {}, {Transport: &http.Transport{}, Timeout: time.Second}} {
			_, c := start(t, fake.Options{})
			c.HTTP = h
			if _, err := bedrock.New(t.Context(), c); err == nil {
				t.Errorf("accepted %+v", h)
			}
		}
	})
	t.Run("a CA bundle from the environment", func(t *testing.T) {
		bundle := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(bundle, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("AWS_CA_BUNDLE", bundle)
		_, c := start(t, fake.Options{})
		c.Credentials = bedrock.Credentials{}
		_, err := bedrock.New(t.Context(), c)
		var e *errs.Error
		if !errors.As(err, &e) || e.Field != "caPem" {
			t.Errorf("error %v", err)
		}
	})
}

func TestStaticKeysIgnoreTheEnvironment(t *testing.T) {
	bare(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "other")
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	t.Setenv("AWS_BEARER_TOKEN_BEDROCK", "token")
	t.Setenv("AWS_CA_BUNDLE", "/nowhere")
	s, c := start(t, fake.Options{})
	if a := modeltest.Gather(t, t.Context(), connect(t, c), ask("hello")); a.Err != nil {
		t.Fatal(a.Err)
	}
	if r, _ := s.LastRequest("ConverseStream"); r.Key != fake.DefaultKey.ID || r.Region != "ap-northeast-1" || r.Service != "bedrock" {
		t.Errorf("signed by %s for %s/%s", r.Key, r.Region, r.Service)
	}
}

func TestTheDefaultChainIsReadOnce(t *testing.T) {
	bare(t)
	t.Setenv("AWS_ACCESS_KEY_ID", fake.DefaultKey.ID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", fake.DefaultKey.Secret)
	t.Setenv("AWS_REGION", "ap-northeast-1")
	s, c := start(t, fake.Options{})
	t.Setenv("AWS_ENDPOINT_URL", s.URL)
	c.Credentials, c.Region, c.Endpoint, c.ControlEndpoint, c.STSEndpoint = bedrock.Credentials{}, "", "", "", ""
	p := connect(t, c)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIALATER")
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	for range 3 {
		if a := modeltest.Gather(t, t.Context(), p, ask("hello")); a.Err != nil {
			t.Fatal(a.Err)
		}
	}
	if p.Region() != "ap-northeast-1" {
		t.Errorf("region %s", p.Region())
	}
}

func TestNoCredentialsAnywhereIsSaid(t *testing.T) {
	bare(t)
	_, c := start(t, fake.Options{})
	c.Credentials = bedrock.Credentials{}
	p := connect(t, c)
	a := modeltest.Gather(t, t.Context(), p, ask("hello"))
	if errs.CodeOf(a.Err) != errs.ModelCredentials || reason(a.Err) != "none" {
		t.Errorf("error %v (%s)", a.Err, reason(a.Err))
	}
	steps := p.Check(t.Context(), haiku)
	if last := steps[len(steps)-1]; last.Name != "credentials" || errs.CodeOf(last.Err) != errs.ModelCredentials {
		t.Errorf("the check ended at %s: %v", last.Name, last.Err)
	}
}

func TestAProfilesRoleIsAssumedOnceThroughOurClient(t *testing.T) {
	bare(t)
	const role = "arn:aws:iam::999988887777:role/vendor"
	files := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(files, []byte("[profile base]\naws_access_key_id="+fake.DefaultKey.ID+"\naws_secret_access_key="+fake.DefaultKey.Secret+
		"\n[profile vendor]\nregion=ap-northeast-1\nrole_arn="+role+"\nsource_profile=base\nexternal_id=city-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", files)
	s, c := start(t, fake.Options{Roles: []fake.Role{{ARN: role, ExternalID: "city-1"}}})
	c.Credentials = bedrock.Credentials{Kind: bedrock.CredentialsProfile, Profile: "vendor"}
	p := connect(t, c)
	for range 3 {
		if a := modeltest.Gather(t, t.Context(), p, ask("hello")); a.Err != nil {
			t.Fatal(a.Err)
		}
	}
	assumed := 0
	for _, r := range s.Requests() {
		if r.Operation == "AssumeRole" {
			assumed++
		}
	}
	r, _ := s.LastRequest("ConverseStream")
	if assumed != 1 || !strings.HasPrefix(r.Key, "ASIA") {
		t.Errorf("%d AssumeRole, signed by %s", assumed, r.Key)
	}
	t.Run("a role that may not be assumed is a matter of credentials", func(t *testing.T) {
		_, c := start(t, fake.Options{})
		c.Credentials = bedrock.Credentials{Kind: bedrock.CredentialsProfile, Profile: "vendor"}
		a := modeltest.Gather(t, t.Context(), connect(t, c), ask("hello"))
		if errs.CodeOf(a.Err) != errs.ModelCredentials || reason(a.Err) != "source" || params(a.Err)["exception"] != "AccessDenied" {
			t.Errorf("error %v, %v", a.Err, params(a.Err))
		}
	})
}

func TestACredentialThatChangesIsSaidAndANewOneWorks(t *testing.T) {
	s, c := start(t, fake.Options{})
	p := connect(t, c)
	if a := modeltest.Gather(t, t.Context(), p, ask("hello")); a.Err != nil {
		t.Fatal(a.Err)
	}
	next := fake.Key{ID: "AKIAKAKOIFAKE0000002", Secret: "another", Account: "111122223333"}
	s.SetKeys(next)
	if a := modeltest.Gather(t, t.Context(), p, ask("hello")); errs.CodeOf(a.Err) != errs.ModelCredentials || reason(a.Err) != "unknown_key" {
		t.Errorf("error %v", a.Err)
	}
	c.Credentials.AccessKeyID, c.Credentials.SecretAccessKey = next.ID, next.Secret
	if a := modeltest.Gather(t, t.Context(), connect(t, c), ask("hello")); a.Err != nil {
		t.Error(a.Err)
	}
}

func TestAnotherRegionsSignatureIsTold(t *testing.T) {
	_, c := start(t, fake.Options{})
	c.Region = "ap-northeast-3"
	a := modeltest.Gather(t, t.Context(), connect(t, c), ask("hello"))
	if errs.CodeOf(a.Err) != errs.ModelCredentials || reason(a.Err) != "region" {
		t.Errorf("error %v (%s)", a.Err, reason(a.Err))
	}
}

func TestAWrongClockIsCorrectedAtOnce(t *testing.T) {
	s, c := start(t, fake.Options{Now: func() time.Time { return time.Now().Add(3 * time.Hour) }})
	p := connect(t, c)
	for i := range 2 {
		if a := modeltest.Gather(t, t.Context(), p, ask("hello")); a.Err != nil {
			t.Fatalf("call %d: %v", i+1, a.Err)
		}
	}
	if n := len(s.Requests()); n != 3 {
		t.Errorf("%d requests, want 3: a refused one, its correction, and one that was right", n)
	}
}

// startBearer starts a fake over TLS that takes an API key, which c has.
func startBearer(t *testing.T) (s *fake.Server, c bedrock.Config) {
	t.Helper()
	s, c = start(t, fake.Options{TLS: true, BearerTokens: []string{"right"}})
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.CertPEM)
	c.HTTP = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	t.Cleanup(c.HTTP.CloseIdleConnections)
	c.Credentials = bedrock.Credentials{Kind: bedrock.CredentialsBearer, BearerToken: "right"}
	return s, c
}

func TestABearerTokenIsSentInsteadOfASignature(t *testing.T) {
	bare(t)
	_, c := startBearer(t)
	p := connect(t, c)
	if a := modeltest.Gather(t, t.Context(), p, ask("hello")); a.Err != nil {
		t.Fatal(a.Err)
	}
	for _, step := range p.Check(t.Context(), haiku) {
		if step.Err != nil {
			t.Errorf("%s: %v", step.Name, step.Err)
		}
	}
	c.Credentials.BearerToken = "wrong"
	if a := modeltest.Gather(t, t.Context(), connect(t, c), ask("hello")); errs.CodeOf(a.Err) != errs.ModelCredentials || reason(a.Err) != "api_key" {
		t.Errorf("error %v (%s)", a.Err, reason(a.Err))
	}
	t.Run("from the environment in the default chain", func(t *testing.T) {
		t.Setenv("AWS_BEARER_TOKEN_BEDROCK", "right")
		c.Credentials = bedrock.Credentials{}
		if a := modeltest.Gather(t, t.Context(), connect(t, c), ask("hello")); a.Err != nil {
			t.Error(a.Err)
		}
	})
}

func TestModelsAreListedUnderTheIDsToCallThemBy(t *testing.T) {
	s, c := start(t, fake.Options{})
	p := connect(t, c)
	list, err := p.Models(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	find := func(id string) (model.RemoteModel, bool) {
		i := slices.IndexFunc(list, func(m model.RemoteModel) bool { return m.ID == id })
		if i < 0 {
			return model.RemoteModel{}, false
		}
		return list[i], true
	}
	for _, id := range []string{"anthropic.claude-haiku-4-5-20251001-v1:0", "cohere.embed-v4:0", "twelvelabs.pegasus-1-2-v1:0"} {
		if _, ok := find(id); ok {
			t.Errorf("%s is listed, and cannot be called", id)
		}
	}
	for id, task := range map[string]model.Task{
		haiku: model.TaskChat, "amazon.titan-embed-text-v2:0": model.TaskEmbedding, "global.cohere.embed-v4:0": model.TaskEmbedding,
		"amazon.rerank-v1:0": model.TaskRerank, "amazon.nova-lite-v1:0": model.TaskChat,
		"amazon.nova-canvas-v1:0": model.TaskImage, "stability.sd3-5-large-v1:0": model.TaskImage,
	} {
		if m, ok := find(id); !ok || m.Task != task {
			t.Errorf("%s is listed as %+v, want %s", id, m, task)
		}
	}
	const application = "arn:aws:bedrock:ap-northeast-1:111122223333:application-inference-profile/abcdef123456"
	for id, want := range map[string]model.Capabilities{
		haiku:                          {Vision: true, Documents: true, Reasoning: true, Tools: true, ContextTokens: 200_000, OutputTokens: 64_000},
		application:                    {Vision: true, Documents: true, Reasoning: true, Tools: true, ContextTokens: 200_000, OutputTokens: 64_000},
		"amazon.nova-lite-v1:0":        {Vision: true, Documents: true, Video: true, Tools: true, ContextTokens: 300_000, OutputTokens: 10_000},
		"openai.gpt-oss-20b-1:0":       {Reasoning: true, Tools: true, ContextTokens: 128_000, OutputTokens: 16_384},
		"jp.anthropic.claude-opus-4-8": {Vision: true, Documents: true, Reasoning: true, Tools: true, ContextTokens: 200_000, OutputTokens: 64_000},
	} {
		m, ok := find(id)
		if !ok || m.Capabilities != want || m.Name == "" {
			t.Errorf("%s: %+v, %v; want %+v", id, m, ok, want)
		}
		if a := modeltest.Gather(t, t.Context(), p, model.Request{Model: id, Messages: ask("hello").Messages}); a.Err != nil {
			t.Errorf("%s is listed, and: %v", id, a.Err)
		}
	}

	refuse := func(op string) func(string) *fake.Refusal {
		return func(o string) *fake.Refusal {
			if o != op {
				return nil
			}
			return &fake.Refusal{Status: 403, Exception: "AccessDeniedException", Message: "not authorized to perform: bedrock:" + op}
		}
	}
	t.Run("who may not list profiles gets the models", func(t *testing.T) {
		s.Refuse(refuse("ListInferenceProfiles"))
		if l, err := p.Models(t.Context()); err != nil || len(l) == 0 {
			t.Errorf("%d models, %v", len(l), err)
		}
	})
	t.Run("who may not list models is told so", func(t *testing.T) {
		s.Refuse(refuse("ListFoundationModels"))
		if _, err := p.Models(t.Context()); errs.CodeOf(err) != errs.ModelAccessDenied {
			t.Errorf("error %v", err)
		}
	})
}

func names(steps []model.CheckStep) string {
	var out []string
	for _, s := range steps {
		if s.Err != nil {
			out = append(out, s.Name+"!")
		} else {
			out = append(out, s.Name)
		}
	}
	return strings.Join(out, " ")
}

func TestACheckGoesStepByStep(t *testing.T) {
	const all = "configuration resolve connect clock credentials list_models"
	_, c := start(t, fake.Options{})
	good := connect(t, c)
	for _, tt := range []struct {
		name, model string
		change      func(*bedrock.Config)
		want        string
	}{
		{"everything", haiku, nil, all + " answer stream"},
		{"no model", "", nil, all},
		{"an unknown model", "x.y", nil, all + " answer!"},
		{"a wrong key", haiku, func(c *bedrock.Config) { c.Credentials.SecretAccessKey = "x" }, "configuration resolve connect clock credentials!"},
		{"nobody listens", haiku, func(c *bedrock.Config) { c.Endpoint = nowhere(t) }, "configuration resolve connect!"},
		{"a name that does not exist", haiku, func(c *bedrock.Config) { c.Endpoint = "http://bedrock.invalid" }, "configuration resolve!"},
		{"a server without TLS", haiku, func(c *bedrock.Config) { c.Endpoint = strings.Replace(c.Endpoint, "http:", "https:", 1) }, "configuration resolve connect tls!"},
		{"a closed network with the runtime endpoint alone", haiku, func(c *bedrock.Config) { c.ControlEndpoint, c.STSEndpoint = nowhere(t), nowhere(t) }, all + " answer stream"},
		{"the same, and no model to try", "", func(c *bedrock.Config) { c.ControlEndpoint, c.STSEndpoint = nowhere(t), nowhere(t) }, all + "!"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := good
			if tt.change != nil {
				changed := c
				tt.change(&changed)
				p = connect(t, changed)
			}
			steps := p.Check(t.Context(), tt.model)
			if got := names(steps); got != tt.want {
				t.Errorf("steps %s, want %s", got, tt.want)
			}
			for _, s := range steps {
				if strings.Contains(s.Detail, fake.DefaultKey.ID) || strings.Contains(s.Detail, fake.DefaultKey.Secret) {
					t.Errorf("%s tells the key: %s", s.Name, s.Detail)
				}
				if errs.CodeOf(s.Err) == errs.Internal {
					t.Errorf("%s has no code: %v", s.Name, s.Err)
				}
			}
		})
	}
	t.Run("the answer names the account", func(t *testing.T) {
		steps := good.Check(t.Context(), "")
		if i := slices.IndexFunc(steps, func(s model.CheckStep) bool { return strings.Contains(s.Detail, fake.DefaultKey.Account) }); i < 0 {
			t.Errorf("steps %+v", steps)
		}
	})
}
