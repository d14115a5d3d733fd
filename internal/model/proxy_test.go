package model_test

import (
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/egress/proxytest"
	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/modeltest/bedrockfake"
	"kakoi/internal/model/modeltest/openaifake"
)

const (
	proxyUser     = "soumu"
	proxyPassword = "canary-pass:word"
)

// behind makes the connection of up go through p, which asks for a login.
func behind(p *proxytest.Proxy, up upstream) upstream {
	p.User, p.Password = proxyUser, proxyPassword
	up.draft.Settings.Proxy, up.draft.Settings.ProxyUser, up.draft.Secret.ProxyPassword = p.URL, proxyUser, proxyPassword
	return up
}

// startSecureOpenAI starts a server that speaks https, to which a proxy opens a
// tunnel.
func startSecureOpenAI(t testing.TB) upstream {
	up := startOpenAI(t)
	s := httptest.NewTLSServer(&openaifake.Server{Key: "first-key"})
	t.Cleanup(s.Close)
	up.draft.Settings.BaseURL = s.URL + "/v1"
	up.draft.Settings.CAPEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	return up
}

// startSecureBedrock likewise, behind two roles.
func startSecureBedrock(t testing.TB) upstream {
	const first, second = "arn:aws:iam::111122223333:role/first", "arn:aws:iam::444455556666:role/second"
	fake := bedrockfake.Run(t, bedrockfake.Options{TLS: true, Roles: []bedrockfake.Role{{ARN: first}, {ARN: second, Trusts: []string{first}}}})
	up := bedrockAt(fake)
	up.draft.Settings.CAPEM = string(fake.CertPEM)
	up.draft.Settings.Roles = []model.AssumedRole{{ARN: first}, {ARN: second}}
	t.Cleanup(func() {
		for _, r := range fake.Requests() {
			if r.Header.Get("Proxy-Authorization") != "" {
				t.Errorf("%s has the login of the proxy", r.Operation)
			}
		}
		for _, operation := range []string{"AssumeRole", "ConverseStream"} {
			if _, ok := fake.LastRequest(operation); !ok {
				t.Errorf("nobody has asked for %s", operation)
			}
		}
	})
	return up
}

func TestEveryClientOfAConnectionLogsInToItsProxy(t *testing.T) {
	for _, tt := range []struct {
		name   string
		start  func(testing.TB) upstream
		secure bool
	}{
		{"openai", startOpenAI, false},
		{"openai in a tunnel", startSecureOpenAI, true},
		{"bedrock", startBedrock, false},
		{"bedrock and two roles in tunnels", startSecureBedrock, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dbtest.Run(t, func(t *testing.T, d *db.DB) {
				proxy := proxytest.Run(t)
				in := install(t, d, behind(proxy, tt.start(t)))
				if a := in.ask(in.person, "[[say はい]]"); a.err != nil || a.text != "はい" {
					t.Errorf("answer %+v", a)
				}
				tunnels, plain, refused := proxy.Passed()
				if tt.secure != (len(tunnels) > 0) || tt.secure == (len(plain) > 0) || refused > 0 {
					t.Errorf("the proxy opened tunnels to %v, passed requests to %v, refused %d", tunnels, plain, refused)
				}
				for _, r := range in.gate.Snapshot() {
					if r.Dials > 0 && "http://"+r.Destination != proxy.URL {
						t.Errorf("past the proxy: %+v", r)
					}
				}
				steps, err := in.catalogue.CheckConnection(in.admin, in.model.ConnectionID, model.ConnectionPatch{}, in.model.RemoteID)
				if err != nil || len(steps) < 4 || steps[len(steps)-1].Err != nil {
					t.Errorf("check %+v, %v", steps, err)
				}
			})
		})
	}
}

func TestThePasswordOfAProxyIsKept(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		proxy := proxytest.Run(t)
		in := install(t, d, behind(proxy, startBedrock(t)))
		id := in.model.ConnectionID
		connection, err := in.catalogue.Connection(in.admin, id)
		if err != nil {
			t.Fatal(err)
		}
		if connection.Settings.ProxyUser != proxyUser || !slices.Contains(connection.SecretNames, "proxyPassword") {
			t.Errorf("connection %+v", connection)
		}
		var settings string
		var sealed []byte
		if err := d.QueryRowContext(t.Context(), `SELECT settings, secret FROM connections WHERE id = $1`, id).Scan(&settings, &sealed); err != nil {
			t.Fatal(err)
		}
		events, err := in.audit.List(in.admin, audit.Filter{Limit: 50})
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{
			"the settings": settings, "the sealed secret": string(sealed), "the audit trail": fmt.Sprintf("%+v", events.Items), "the connection": fmt.Sprintf("%+v", connection),
		} {
			if strings.Contains(text, "canary") {
				t.Errorf("%s tells the password: %s", name, text)
			}
		}

		// It does not follow the connection to another proxy.
		elsewhere := connection.Settings
		elsewhere.Proxy = "http://elsewhere.example:8080"
		_, err = in.catalogue.UpdateConnection(in.admin, id, model.ConnectionPatch{Settings: &elsewhere})
		if e := (*errs.Error)(nil); !errors.As(err, &e) || e.Field != "secret.proxyPassword" {
			t.Errorf("another proxy: %v", err)
		}
		if _, err := in.catalogue.UpdateConnection(in.admin, id, model.ConnectionPatch{Settings: &elsewhere, Secret: &model.SecretPatch{ProxyPassword: new("another")}}); err != nil {
			t.Errorf("another proxy with its own password: %v", err)
		}
		// Without the name it goes, and with the name it must come.
		nameless := connection.Settings
		nameless.ProxyUser = ""
		if connection, err = in.catalogue.UpdateConnection(in.admin, id, model.ConnectionPatch{Settings: &nameless}); err != nil || slices.Contains(connection.SecretNames, "proxyPassword") {
			t.Errorf("without a name: %v, %v", connection.SecretNames, err)
		}
		named := nameless
		named.ProxyUser = proxyUser
		_, err = in.catalogue.UpdateConnection(in.admin, id, model.ConnectionPatch{Settings: &named})
		if e := (*errs.Error)(nil); !errors.As(err, &e) || e.Field != "secret.proxyPassword" {
			t.Errorf("a name without a password: %v", err)
		}
	})
}

func TestAProxyThatRefusesIsToldFromTheServer(t *testing.T) {
	for _, tt := range []struct {
		name   string
		ill    func(p *proxytest.Proxy, up *upstream)
		reason string
		tunnel bool // only there it can be told
	}{
		{"nobody logs in", func(_ *proxytest.Proxy, up *upstream) {
			up.draft.Settings.ProxyUser, up.draft.Secret.ProxyPassword = "", ""
		}, "proxy", false},
		{"a wrong password", func(p *proxytest.Proxy, _ *upstream) { p.Password = "changed" }, "proxy_password", false},
		{"a login that Kakoi does not speak", func(p *proxytest.Proxy, _ *upstream) { p.User, p.Offers = "other", "Negotiate, NTLM" }, "proxy_scheme", false},
		{"a destination that it does not let through", func(p *proxytest.Proxy, _ *upstream) { p.Denies = http.StatusForbidden }, "proxy_denied", true},
	} {
		for kind, start := range map[string]func(testing.TB) upstream{"openai": startOpenAI, "openai in a tunnel": startSecureOpenAI, "bedrock": startBedrock, "bedrock in a tunnel": startTunnelledBedrock} {
			if tt.tunnel && !strings.HasSuffix(kind, "tunnel") {
				continue
			}
			t.Run(tt.name+", "+kind, func(t *testing.T) {
				proxy := proxytest.Run(t)
				up := behind(proxy, start(t))
				tt.ill(proxy, &up)
				in := install(t, dbtest.Open(t, db.SQLite), up)
				a := in.ask(in.person, "hello")
				if code, reason := errs.CodeOf(a.err), reasonOf(a.err); code != errs.ModelUnreachable || reason != tt.reason {
					t.Errorf("%s, %s: %v", code, reason, a.err)
				}
				if _, _, refused := proxy.Passed(); refused > 1 {
					t.Errorf("it was tried %d times", refused)
				}
				steps, err := in.catalogue.CheckConnection(in.admin, in.model.ConnectionID, model.ConnectionPatch{}, in.model.RemoteID)
				if err != nil {
					t.Fatal(err)
				}
				if last := steps[len(steps)-1]; last.Name != "connect" || reasonOf(last.Err) != tt.reason {
					t.Errorf("the check ends with %+v", last)
				}
				if strings.Contains(fmt.Sprint(a.err, steps), "canary") {
					t.Errorf("the password is told: %v, %v", a.err, steps)
				}
			})
		}
	}
}

func startTunnelledBedrock(t testing.TB) upstream {
	fake := bedrockfake.Run(t, bedrockfake.Options{TLS: true})
	up := bedrockAt(fake)
	up.draft.Settings.CAPEM = string(fake.CertPEM)
	return up
}

func reasonOf(err error) string {
	if e := (*errs.Error)(nil); errors.As(err, &e) {
		return e.Params["reason"]
	}
	return ""
}
