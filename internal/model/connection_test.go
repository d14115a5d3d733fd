package model

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"kakoi/internal/errs"
)

const testCA = `-----BEGIN CERTIFICATE-----
MIIBdzCCAR2gAwIBAgIBATAKBggqhkjOPQQDAjAWMRQwEgYDVQQDEwtsbG0uZXhh
-----END CERTIFICATE-----`

func TestSettingsAreRefusedWithTheFieldAndAnExample(t *testing.T) {
	openAI := func(change func(*Settings)) Settings {
		s := Settings{BaseURL: "http://llm.example/v1"}
		change(&s)
		return s
	}
	bedrock := func(change func(*Settings)) Settings {
		s := Settings{Region: "ap-northeast-1"}
		change(&s)
		return s
	}
	for _, tt := range []struct {
		name     string
		kind     Kind
		settings Settings
		field    string
		says     string
	}{
		{"an unknown kind", "azure", Settings{}, "kind", "openai"},
		{"no address", KindOpenAI, Settings{}, "settings.baseUrl", "11434/v1"},
		{"an address without a scheme", KindOpenAI, Settings{BaseURL: "llm.example:8000"}, "settings.baseUrl", "http://"},
		{"another scheme", KindOpenAI, Settings{BaseURL: "ftp://llm.example"}, "settings.baseUrl", "http://"},
		{"a name that is none", KindOpenAI, Settings{BaseURL: "http://" + strings.Repeat("llm.", 70) + "jp/v1"}, "settings.baseUrl", "not an address"},
		{"a port that is none", KindOpenAI, Settings{BaseURL: "http://llm.example:70000/v1"}, "settings.baseUrl", "not an address"},
		{"a password in the address", KindOpenAI, Settings{BaseURL: "http://a:b@llm.example"}, "settings.baseUrl", "password"},
		{"a query", KindOpenAI, Settings{BaseURL: "http://llm.example/v1?key=1"}, "settings.baseUrl", "?"},
		{"the whole path", KindOpenAI, Settings{BaseURL: "http://llm.example/v1/chat/completions"}, "settings.baseUrl", "http://llm.example/v1"},
		{"a line end in the address", KindOpenAI, Settings{BaseURL: "http://llm.example/\r\nX: y"}, "settings.baseUrl", "address"},
		{"a header's name", KindOpenAI, openAI(func(s *Settings) { s.Headers = map[string]string{"a b": "c"} }), "settings.headers", "X-Department"},
		{"a header that breaks out", KindOpenAI, openAI(func(s *Settings) { s.Headers = map[string]string{"X-A": "a\r\nX-B: b"} }), "settings.headers.X-A", "one line"},
		{"a header of HTTP's own", KindOpenAI, openAI(func(s *Settings) { s.Headers = map[string]string{"Host": "x"} }), "settings.headers.Host", "Kakoi"},
		{"a header twice", KindOpenAI, openAI(func(s *Settings) { s.Headers = map[string]string{"X-A": "1", "x-a": "2"} }), "settings.headers.x-a", "twice"},
		{"a key among what is not secret", KindOpenAI, openAI(func(s *Settings) { s.Headers = map[string]string{"Authorization": "Bearer x"} }), "settings.headers.Authorization", "secret"},
		{"a setting of another kind", KindOpenAI, openAI(func(s *Settings) { s.Region = "ap-northeast-1" }), "settings.region", "no such setting"},
		{"text that is no certificate", KindOpenAI, openAI(func(s *Settings) { s.CAPEM = "hello" }), "settings.caPem", "BEGIN CERTIFICATE"},
		{"a certificate that is none", KindOpenAI, openAI(func(s *Settings) { s.CAPEM = testCA }), "settings.caPem", "BEGIN CERTIFICATE"},
		{"a relative path", KindOpenAI, openAI(func(s *Settings) { s.CAFile = "ca.pem" }), "settings.caFile", "/etc/ssl"},
		{"no region", KindBedrock, Settings{}, "settings.region", "ap-northeast-1"},
		{"a region that is none", KindBedrock, Settings{Region: "tokyo"}, "settings.region", "ap-northeast-1"},
		{"an endpoint without a scheme", KindBedrock, bedrock(func(s *Settings) { s.Endpoint = "vpce.example" }), "settings.endpoint", "https://"},
		{"an STS endpoint", KindBedrock, bedrock(func(s *Settings) { s.STSEndpoint = "sts" }), "settings.stsEndpoint", "https://"},
		{"the global STS endpoint", KindBedrock, bedrock(func(s *Settings) { s.STSEndpoint = "https://STS.amazonaws.com./" }), "settings.stsEndpoint", "us-east-1"},
		{"the global STS endpoint of a role", KindBedrock, bedrock(func(s *Settings) {
			s.Roles = []AssumedRole{{ARN: "arn:aws:iam::123456789012:role/a", Region: "ap-northeast-3", Endpoint: "https://sts.amazonaws.com"}}
		}), "settings.roles[0].endpoint", "https://sts.ap-northeast-3.amazonaws.com"},
		{"an endpoint of agents", KindBedrock, bedrock(func(s *Settings) { s.AgentRuntimeEndpoint = "vpce" }), "settings.agentRuntimeEndpoint", "https://"},
		{"another endpoint of agents", KindBedrock, bedrock(func(s *Settings) { s.AgentEndpoint = "vpce" }), "settings.agentEndpoint", "https://"},
		{"FIPS where there is none", KindBedrock, bedrock(func(s *Settings) { s.FIPS = true }), "settings.fips", "ap-northeast-1"},
		{"a proxy without a scheme", KindOpenAI, openAI(func(s *Settings) { s.Proxy = "proxy:8080" }), "settings.proxy", "http://"},
		{"a proxy with a path", KindBedrock, bedrock(func(s *Settings) { s.Proxy = "http://proxy:8080/a" }), "settings.proxy", "path"},
		{"a password in the address of a proxy", KindBedrock, bedrock(func(s *Settings) { s.Proxy = "http://a:b@proxy:8080" }), "settings.proxy", "fields of their own"},
		{"a name in the address of a proxy", KindOpenAI, openAI(func(s *Settings) { s.Proxy = " http://soumu@proxy:8080/ " }), "settings.proxy", "fields of their own"},
		{"a name for no proxy", KindOpenAI, openAI(func(s *Settings) { s.ProxyUser = "soumu" }), "settings.proxyUser", "address"},
		{"a name that Basic authentication cannot say", KindBedrock, bedrock(func(s *Settings) { s.Proxy, s.ProxyUser = "http://proxy:8080", "a:b" }), "settings.proxyUser", "colon"},
		{"a name for the demonstration's proxy", KindDemo, Settings{ProxyUser: "soumu"}, "settings.proxyUser", "no such setting"},
		{"a proxy for the demonstration", KindDemo, Settings{Proxy: "http://proxy:8080"}, "settings.proxy", "no such setting"},
		{"FIPS for a server of one's own", KindOpenAI, openAI(func(s *Settings) { s.FIPS = true }), "settings.fips", "no such setting"},
		{"unknown credentials", KindBedrock, bedrock(func(s *Settings) { s.Credentials = "iam" }), "settings.credentials", "bearer"},
		{"no profile", KindBedrock, bedrock(func(s *Settings) { s.Credentials = CredentialsProfile }), "settings.profile", "kakoi"},
		{"a profile that is not used", KindBedrock, bedrock(func(s *Settings) { s.Profile = "kakoi" }), "settings.profile", "profile"},
		{"a bearer in the clear", KindBedrock, bedrock(func(s *Settings) { s.Credentials, s.Endpoint = CredentialsBearer, "http://vpce.example" }), "settings.endpoint", "https"},
		{"a base URL for Bedrock", KindBedrock, bedrock(func(s *Settings) { s.BaseURL = "http://llm.example" }), "settings.baseUrl", "no such setting"},
		{"anything for the demonstration", KindDemo, Settings{BaseURL: "http://llm.example"}, "settings.baseUrl", "no such setting"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.settings.validate(tt.kind)
			wantCode(t, tt.name, err, errs.InvalidInput, tt.field)
			if err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %q does not say %q", err, tt.says)
			}
		})
	}
}

func TestAKeyWithAForeignCharacterIsRefused(t *testing.T) {
	for _, bad := range []string{"sk-あ", "a\x00b", "a\nb"} {
		_, err := Secret{APIKey: bad}.validate(KindOpenAI, Settings{})
		wantCode(t, bad, err, errs.InvalidInput, "secret.apiKey")
	}
	_, err := Secret{Headers: map[string]string{"X-A": "b"}}.validate(KindOpenAI, Settings{Headers: map[string]string{"X-A": "a"}})
	wantCode(t, "a header that is secret and not", err, errs.InvalidInput, "secret.headers.X-A")
}

func TestAConnectionDeclaresWhatItReaches(t *testing.T) {
	for _, tt := range []struct {
		name     string
		kind     Kind
		settings Settings
		want     []string
		metadata bool
	}{
		{"http without a port", KindOpenAI, Settings{BaseURL: "http://llm.example/v1"}, []string{"llm.example:80"}, false},
		{"https without a port", KindOpenAI, Settings{BaseURL: "https://llm.example/v1"}, []string{"llm.example:443"}, false},
		{"an IPv6 address", KindOpenAI, Settings{BaseURL: "http://[::1]:8080/v1"}, []string{"[::1]:8080"}, false},
		{"Bedrock with a key", KindBedrock, Settings{Region: "ap-northeast-1", Credentials: CredentialsStatic},
			[]string{"bedrock-runtime.ap-northeast-1.amazonaws.com:443", "bedrock.ap-northeast-1.amazonaws.com:443", "sts.ap-northeast-1.amazonaws.com:443", "bedrock-agent-runtime.ap-northeast-1.amazonaws.com:443"}, false},
		{"Bedrock through VPC endpoints", KindBedrock, Settings{Region: "ap-northeast-1", Credentials: CredentialsStatic, Endpoint: "https://a.example", ControlEndpoint: "https://b.example", STSEndpoint: "https://c.example:8443", AgentRuntimeEndpoint: "https://d.example"},
			[]string{"a.example:443", "b.example:443", "c.example:8443", "d.example:443"}, false},
		{"Bedrock in China", KindBedrock, Settings{Region: "cn-north-1", Credentials: CredentialsStatic},
			[]string{"bedrock-runtime.cn-north-1.amazonaws.com.cn:443", "bedrock.cn-north-1.amazonaws.com.cn:443", "sts.cn-north-1.amazonaws.com.cn:443", "bedrock-agent-runtime.cn-north-1.amazonaws.com.cn:443"}, false},
		{"Bedrock with every endpoint", KindBedrock, Settings{Region: "ap-northeast-1", Credentials: CredentialsStatic, Endpoint: "https://a.example", ControlEndpoint: "https://b.example", STSEndpoint: "https://c.example", AgentRuntimeEndpoint: "https://d.example", AgentEndpoint: "https://e.example"},
			[]string{"a.example:443", "b.example:443", "c.example:443", "d.example:443", "e.example:443"}, false},
		{"FIPS, where no endpoint is given", KindBedrock, Settings{Region: "us-west-2", Credentials: CredentialsStatic, FIPS: true, ControlEndpoint: "https://b.example", Roles: []AssumedRole{{Region: "us-east-1"}}},
			[]string{"bedrock-runtime-fips.us-west-2.amazonaws.com:443", "b.example:443", "sts-fips.us-west-2.amazonaws.com:443", "bedrock-agent-runtime-fips.us-west-2.amazonaws.com:443", "sts-fips.us-east-1.amazonaws.com:443"}, false},
		{"the demonstration", KindDemo, Settings{}, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, metadata := tt.settings.destinations(tt.kind)
			if !slices.Equal(got, tt.want) || metadata != tt.metadata {
				t.Errorf("destinations = %q, %v; want %q, %v", got, metadata, tt.want, tt.metadata)
			}
		})
	}
	got, metadata := Settings{Region: "ap-northeast-1", Credentials: CredentialsDefault}.destinations(KindBedrock)
	if !metadata || !slices.Contains(got, "169.254.169.254:80") {
		t.Errorf("the default chain reaches %q, %v; want the instance's credentials too", got, metadata)
	}
}

func TestWhereAConnectionsModelsAreProcessed(t *testing.T) {
	catalogue := NewCatalogue(CatalogueOptions{Places: anywhere(nil)})
	for _, tt := range []struct {
		connection Connection
		model      string
		want       string
	}{
		{Connection{Kind: KindDemo}, "demo", "this server"},
		{Connection{Kind: KindOpenAI, Settings: Settings{BaseURL: "http://localhost:11434/v1"}}, "gemma3", "this server"},
		{Connection{Kind: KindOpenAI, Settings: Settings{BaseURL: "http://10.1.2.3:8000/v1"}}, "gemma3", "10.1.2.3"},
		{Connection{Kind: KindOpenAI, Settings: Settings{BaseURL: "http://10.1.2.3:8000/v1", Country: "JP"}}, "gemma3", "10.1.2.3 (JP)"},
		{Connection{Kind: KindBedrock, Settings: Settings{Region: "ap-northeast-3"}}, "jp.anthropic.claude-sonnet-4-6", "ap-northeast-1 or ap-northeast-3 (from ap-northeast-3)"},
		{Connection{Kind: KindBedrock, Settings: Settings{Region: "ap-northeast-3", Endpoint: "http://127.0.0.1:9000"}}, "anthropic.claude-3-haiku-20240307-v1:0", "ap-northeast-3"},
		// An endpoint that is elsewhere than the connection says:
		{Connection{Kind: KindBedrock, Settings: Settings{Region: "ap-northeast-1", Endpoint: "https://bedrock-runtime.us-east-1.amazonaws.com"}}, "anthropic.claude-3-haiku-20240307-v1:0", "ap-northeast-1 or us-east-1 (from ap-northeast-1)"},
		{Connection{Kind: KindBedrock, Settings: Settings{Region: "ap-northeast-1"}}, "global.anthropic.claude-sonnet-4-6", "any region of the world (from ap-northeast-1)"},
	} {
		if got := catalogue.place(target{model: Model{RemoteID: tt.model}, connection: tt.connection}).String(); got != tt.want {
			t.Errorf("place of %s over %s = %q, want %q", tt.model, tt.connection.Kind, got, tt.want)
		}
	}
	// What puts documents in order is reached by an endpoint of its own, which may
	// be elsewhere too.
	abroad := Connection{Kind: KindBedrock, Settings: Settings{Region: "ap-northeast-1", AgentRuntimeEndpoint: "https://vpce-1.bedrock-agent-runtime.us-east-1.vpce.amazonaws.com"}}
	for task, want := range map[Task]string{TaskRerank: "ap-northeast-1 or us-east-1 (from ap-northeast-1)", TaskEmbedding: "ap-northeast-1"} {
		if got := catalogue.place(target{model: Model{RemoteID: "amazon.rerank-v1:0", Task: task}, connection: abroad}).String(); got != want {
			t.Errorf("place of a model for %s = %q, want %q", task, got, want)
		}
	}
}

func TestACertificateFileIsReadWhereItIsOne(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("canary"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, text, dir, filepath.Join(dir, "none"), "/dev/zero"} {
		_, err := Settings{CAFile: path}.trust()
		wantCode(t, path, err, errs.InvalidInput, "settings.caFile")
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("the error shows what is in the file: %v", err)
		}
	}
}

func TestAStoredKeyDoesNotTravelUnseen(t *testing.T) {
	const v1 = "https://llm.example/v1"
	loggedIn := func(proxy string) Settings { return Settings{Proxy: proxy, ProxyUser: "soumu"} }
	for _, tt := range []struct {
		name          string
		kind          Kind
		before, after Settings
		secrets       []string
		want          string
	}{
		{"nothing changes", KindOpenAI, Settings{BaseURL: v1}, Settings{BaseURL: v1 + "/b"}, []string{"apiKey"}, ""},
		{"another server", KindOpenAI, Settings{BaseURL: v1}, Settings{BaseURL: "https://else.example/v1"}, []string{"apiKey"}, "apiKey"},
		{"a proxy", KindOpenAI, Settings{BaseURL: v1}, Settings{BaseURL: v1, Proxy: "http://proxy:8080"}, []string{"apiKey"}, "apiKey"},
		{"the same proxy", KindOpenAI, Settings{BaseURL: v1, Proxy: "http://proxy:8080"}, Settings{BaseURL: v1, Proxy: "http://proxy:8080"}, []string{"apiKey"}, ""},
		{"no proxy any more", KindOpenAI, Settings{BaseURL: v1, Proxy: "http://proxy:8080"}, Settings{BaseURL: v1}, []string{"apiKey"}, ""},
		{"another proxy and another server", KindOpenAI, Settings{BaseURL: v1, Proxy: "http://proxy:8080"}, Settings{BaseURL: "https://else.example/v1"}, []string{"apiKey"}, "apiKey"},
		{"no secret", KindOpenAI, Settings{BaseURL: v1}, Settings{BaseURL: v1, Proxy: "http://proxy:8080"}, nil, ""},
		{"a bearer to another control plane", KindBedrock, Settings{}, Settings{ControlEndpoint: v1}, []string{"bearerToken"}, "bearerToken"},
		{"a bearer to another agent runtime", KindBedrock, Settings{}, Settings{AgentRuntimeEndpoint: v1}, []string{"bearerToken"}, "bearerToken"},
		{"a bearer and another STS", KindBedrock, Settings{}, Settings{STSEndpoint: v1}, []string{"bearerToken"}, ""},
		{"a key that only signs", KindBedrock, Settings{}, Settings{Endpoint: v1, Proxy: "http://proxy:8080"}, []string{"secretAccessKey"}, ""},
		{"the password of a proxy to another", KindBedrock, loggedIn("http://proxy:8080"), loggedIn("http://elsewhere:8080"), []string{"accessKeyId", "proxyPassword", "secretAccessKey"}, "proxyPassword"},
		{"the password of a proxy, which stays", KindOpenAI, loggedIn("http://proxy:8080"), loggedIn("http://proxy:8080"), []string{"proxyPassword"}, ""},
		{"the password of a proxy and another server", KindOpenAI, loggedIn("http://proxy:8080"), Settings{BaseURL: v1, Proxy: "http://proxy:8080", ProxyUser: "soumu"}, []string{"proxyPassword"}, ""},
		{"a password that nobody asks for any more", KindOpenAI, loggedIn("http://proxy:8080"), Settings{Proxy: "http://elsewhere:8080"}, []string{"proxyPassword"}, ""},
	} {
		if got := travelling(tt.kind, tt.before, tt.after, tt.secrets); got != tt.want {
			t.Errorf("%s: travelling = %q, want %q", tt.name, got, tt.want)
		}
	}
}
