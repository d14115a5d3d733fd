package bedrock_test

import (
	"crypto/sha1" // the AWS tools name their files so
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"kakoi/internal/errs"
	"kakoi/internal/model/bedrock"
	"kakoi/internal/model/modeltest"
	fake "kakoi/internal/model/modeltest/bedrockfake"
)

// wayOut stands for the client that the gate makes: it notes who is asked, and
// lets nothing pass.
type wayOut struct {
	mu    sync.Mutex
	hosts []string
}

func (w *wayOut) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Contains(w.hosts, r.URL.Host) {
		w.hosts = append(w.hosts, r.URL.Host)
	}
	return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

// TestEverySourceOfCredentialsAsksThroughTheClientThatIsGiven has the SDK look
// for credentials wherever it can. Were one of its parts to make a client of its
// own, the request would be missing here.
func TestEverySourceOfCredentialsAsksThroughTheClientThatIsGiven(t *testing.T) {
	const sso = "sso_region=ap-northeast-1\nsso_account_id=111122223333\nsso_role_name=clerk\nregion=ap-northeast-1\n"
	for _, tt := range []struct {
		name    string
		prepare func(t *testing.T, home string)
		profile string
		asks    string
	}{
		{"the instance", func(t *testing.T, _ string) { t.Setenv("AWS_EC2_METADATA_DISABLED", "") }, "", "169.254.169.254"},
		{"the instance over IPv6", func(t *testing.T, _ string) {
			t.Setenv("AWS_EC2_METADATA_DISABLED", "")
			t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6")
		}, "", "[fd00:ec2::254]"},
		{"the container", func(t *testing.T, _ string) { t.Setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/x") }, "", "169.254.170.2"},
		{"the pod", func(t *testing.T, _ string) {
			t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials")
			t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "x")
		}, "", "169.254.170.23"},
		{"a web identity", func(t *testing.T, home string) {
			file := filepath.Join(home, "token")
			write(t, file, "x")
			t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", file)
			t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/clerk")
		}, "", "sts.ap-northeast-1.amazonaws.com"},
		{"a profile signed in to IAM Identity Center", func(t *testing.T, home string) {
			const address = "https://city.awsapps.com/start"
			write(t, filepath.Join(home, "config"), "[profile city]\nsso_start_url="+address+"\n"+sso)
			write(t, cached(home, address), `{"startUrl":"`+address+`","region":"ap-northeast-1","accessToken":"x","expiresAt":"2099-01-01T00:00:00Z"}`)
		}, "city", "portal.sso.ap-northeast-1.amazonaws.com"},
		{"a sign-in that has to be renewed", func(t *testing.T, home string) {
			write(t, filepath.Join(home, "config"), "[profile city]\nsso_session=city\n"+sso+"[sso-session city]\nsso_region=ap-northeast-1\nsso_start_url=https://city.awsapps.com/start\n")
			write(t, cached(home, "city"), `{"startUrl":"https://city.awsapps.com/start","region":"ap-northeast-1","accessToken":"x","expiresAt":"2020-01-01T00:00:00Z","clientId":"c","clientSecret":"s","registrationExpiresAt":"2099-01-01T00:00:00Z","refreshToken":"r"}`)
		}, "city", "oidc.ap-northeast-1.amazonaws.com"},
		{"a profile whose role is assumed", func(t *testing.T, home string) {
			write(t, filepath.Join(home, "config"), "[profile city]\nregion=ap-northeast-1\nrole_arn=arn:aws:iam::111122223333:role/clerk\nsource_profile=base\n[profile base]\naws_access_key_id=AKIAX\naws_secret_access_key=x\n")
		}, "city", "sts.ap-northeast-1.amazonaws.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bare(t)
			home := t.TempDir()
			t.Setenv("HOME", home)
			t.Setenv("USERPROFILE", home)
			t.Setenv("AWS_CONFIG_FILE", filepath.Join(home, "config"))
			tt.prepare(t, home)
			_, c := start(t, fake.Options{})
			out := &wayOut{}
			c.HTTP = &http.Client{Transport: out, CheckRedirect: c.HTTP.CheckRedirect}
			c.STSEndpoint = ""
			c.Credentials = bedrock.Credentials{}
			if tt.profile != "" {
				c.Credentials = bedrock.Credentials{Kind: bedrock.CredentialsProfile, Profile: tt.profile}
			}
			if a := modeltest.Gather(t, t.Context(), connect(t, c), ask("hello")); a.Err == nil {
				t.Error("a model answered")
			}
			if !slices.Equal(out.hosts, []string{tt.asks}) {
				t.Errorf("asked %q, want %s alone", out.hosts, tt.asks)
			}
		})
	}
}

func TestCredentialsOfAnotherProgramAreRefused(t *testing.T) {
	for name, profile := range map[string]string{
		"its own":                     "[profile city]\nregion=ap-northeast-1\ncredential_process=/bin/false\n",
		"of the profile it builds on": "[profile city]\nregion=ap-northeast-1\nrole_arn=arn:aws:iam::111122223333:role/clerk\nsource_profile=base\n[profile base]\ncredential_process=/bin/false\n",
	} {
		t.Run(name, func(t *testing.T) {
			bare(t)
			file := filepath.Join(t.TempDir(), "config")
			write(t, file, profile)
			t.Setenv("AWS_CONFIG_FILE", file)
			_, c := start(t, fake.Options{})
			c.Credentials = bedrock.Credentials{Kind: bedrock.CredentialsProfile, Profile: "city"}
			if _, err := bedrock.New(t.Context(), c); errs.CodeOf(err) != errs.InvalidInput || !strings.Contains(err.Error(), "credential_process") {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestContainerCredentialsAtANameAreRefusedUnresolved(t *testing.T) {
	bare(t)
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://credentials.example/v1")
	_, c := start(t, fake.Options{})
	c.Credentials = bedrock.Credentials{}
	if _, err := bedrock.New(t.Context(), c); errs.CodeOf(err) != errs.ModelCredentials || !strings.Contains(err.Error(), "FULL_URI") {
		t.Errorf("error %v", err)
	}
}

// cached is where the AWS tools keep the token of a sign-in.
func cached(home, key string) string {
	sum := sha1.Sum([]byte(key))
	return filepath.Join(home, ".aws", "sso", "cache", hex.EncodeToString(sum[:])+".json")
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
