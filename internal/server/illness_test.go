package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/doctor"
	"kakoi/internal/egress"
	"kakoi/internal/egress/proxytest"
	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/modeltest/bedrockfake"
	"kakoi/internal/model/modeltest/openaifake"
	"kakoi/internal/model/modeltest/script"
	"kakoi/internal/secret"
)

// illness is one failure, and what it must be called.
type illness struct {
	name   string
	make   func(c *clinic)
	step   string
	status doctor.Status
	code   doctor.Code
	// param is a value that the texts need.
	param [2]string
}

func illnesses() []illness {
	const ok, warning, failed, unknown, skipped = doctor.OK, doctor.Warning, doctor.Failed, doctor.Unknown, doctor.Skipped
	scp := "with an explicit deny in a service control policy"
	return []illness{
		// The server.
		{"the store does not answer", func(c *clinic) { c.o.Store = away{} }, "store", failed, doctor.StoreUnreachable, [2]string{}},
		{"there is no store", func(c *clinic) { c.o.Store, c.o.StoreCode = nil, doctor.StoreMissing }, "store", failed, doctor.StoreMissing, [2]string{}},
		{"the store is another version's", func(c *clinic) { c.o.Store, c.o.StoreCode = nil, doctor.StoreSchema }, "store", failed, doctor.StoreSchema, [2]string{}},
		{"the disk is full", func(c *clinic) { c.o.Room = func(string) (uint64, uint64, error) { return 100 << 20, 100 << 30, nil } }, "disk", failed, doctor.DiskFull, [2]string{"free", "100 MiB"}},
		{"the disk is getting full", func(c *clinic) { c.o.Room = func(string) (uint64, uint64, error) { return 5 << 30, 100 << 30, nil } }, "disk", warning, doctor.DiskLow, [2]string{}},
		{"others may look into the data", func(c *clinic) {
			c.o.DataDir = c.t.TempDir()
			if err := os.Chmod(c.o.DataDir, 0o755); err != nil {
				c.t.Fatal(err)
			}
		}, "folder", warning, doctor.DataOpen, [2]string{"mode", "0755"}},
		{"the master key is gone", func(c *clinic) { c.o.MasterKeyFile += ".gone" }, "key", failed, doctor.KeyMissing, [2]string{}},
		{"others can read the master key", func(c *clinic) { c.keyFile("{}", 0o640) }, "key", failed, doctor.KeyOpen, [2]string{"mode", "0640"}},
		{"the master key is damaged", func(c *clinic) { c.keyFile("{}", 0o600) }, "key", failed, doctor.KeyUnreadable, [2]string{}},
		{"the clock has been reset", func(c *clinic) { c.o.Now = func() time.Time { return time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC) } }, "time", failed, doctor.ClockImplausible, [2]string{}},
		{"passwords go unencrypted", func(c *clinic) { c.o.Addr = "0.0.0.0:8080" }, "encryption", warning, doctor.OwnPlain, [2]string{}},
		{"our own name is unknown", func(c *clinic) { c.o.PublicURL = "https://gone.test" }, "own_name", failed, doctor.OwnNameUnknown, [2]string{"host", "gone.test"}},
		{"our own name leads outside", func(c *clinic) {
			c.names.set("ours.test", "203.0.113.5")
			c.o.PublicURL = "https://ours.test"
		}, "own_name", warning, doctor.OwnNamePublic, [2]string{"address", "203.0.113.5"}},
		{"nobody answers under our own name", func(c *clinic) {
			c.names.set("ours.test", "127.0.0.1")
			c.o.PublicURL = "https://ours.test:9"
		}, "own_server", warning, doctor.OwnUnreachable, [2]string{}},
		{"our own server's authority is not trusted here", func(c *clinic) {
			base, _ := c.secure(certificate{names: []string{"llm.test"}}, 0)
			c.o.PublicURL = base
		}, "own_server", warning, doctor.CertificateUnproven, [2]string{}},
		{"our certificate and key do not belong together", func(c *clinic) {
			pair, _ := c.issue(certificate{names: []string{"ai.example.lg.jp"}})
			other, _ := c.issue(certificate{})
			c.files(pair, other.PrivateKey)
		}, "certificate", failed, doctor.CertificateBroken, [2]string{}},
		{"our certificate is for another name", func(c *clinic) { c.ownCertificate(certificate{names: []string{"old.example.lg.jp"}}) }, "certificate", failed, doctor.CertificateName, [2]string{"names", "old.example.lg.jp"}},
		{"our certificate has expired", func(c *clinic) {
			c.ownCertificate(certificate{names: []string{"ai.example.lg.jp"}, till: time.Now().Add(-time.Hour)})
		}, "certificate", failed, doctor.CertificateExpired, [2]string{}},
		{"our certificate expires soon", func(c *clinic) {
			c.ownCertificate(certificate{names: []string{"ai.example.lg.jp"}, till: time.Now().Add(9 * 24 * time.Hour)})
		}, "certificate", warning, doctor.CertificateExpiring, [2]string{}},
		{"anybody is a proxy", func(c *clinic) { c.o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")} }, "proxies", failed, doctor.ProxiesEveryone, [2]string{"network", "0.0.0.0/0"}},
		{"the load balancer is not known", func(c *clinic) { c.o.PublicURL = "https://gone.test" }, "proxies", warning, doctor.ProxiesMissing, [2]string{}},

		// Closed mode.
		{"our own gate is open", func(c *clinic) { c.o.Gate = feigned{Gate: c.gate, lenient: true} }, "forbidden", failed, doctor.GateOpen, [2]string{"host", "example.com:443"}},
		{"a connection is made to a forbidden host", func(c *clinic) {
			c.openai("https://api.openai.com/v1", nil)
			c.o.Gate = feigned{Gate: c.gate, trouble: egress.TroubleRefused} // it is not to be asked for
			c.question = doctor.Question{Quick: true}
		}, "forbidden", failed, doctor.ForbiddenDeclared, [2]string{"host", "api.openai.com:443"}},
		{"the network lets one out", func(c *clinic) {
			c.o.Gate, c.question.Outside = feigned{Gate: c.gate, leaky: true}, true
		}, "outside", failed, doctor.NetworkOpen, [2]string{}},
		{"whether it does is not tried unasked", func(*clinic) {}, "outside", skipped, doctor.OutsideNotAsked, [2]string{}},

		// The way.
		{"a certificate file that is gone", func(c *clinic) {
			c.openai("http://127.0.0.1:9/v1", func(d *model.ConnectionDraft) { d.Settings.CAFile = "/nowhere/ca.pem" })
		}, "configuration", failed, doctor.ConnectionBroken, [2]string{}},
		{"a secret under another master key", func(c *clinic) {
			c.openai("http://127.0.0.1:9/v1", func(d *model.ConnectionDraft) { d.Secret.APIKey = "sk-123456" })
			other, _, err := secret.LoadOrCreateFile(filepath.Join(c.t.TempDir(), "other.json"))
			if err != nil {
				c.t.Fatal(err)
			}
			c.o.Connections = c.with(other)
		}, "configuration", failed, doctor.SecretUnreadable, [2]string{}},
		{"an endpoint of another region", func(c *clinic) {
			c.bedrock(bedrockfake.Options{}, func(_ *bedrockfake.Server, d *model.ConnectionDraft) {
				d.Settings.Endpoint = "https://vpce-0123-ab.bedrock-runtime.us-east-1.vpce.amazonaws.com"
			})
		}, "region", failed, doctor.EndpointRegion, [2]string{"endpointRegion", "us-east-1"}},
		{"a model of another region without an endpoint there", func(c *clinic) {
			c.names.set("bedrock-runtime.us-west-2.amazonaws.com", "203.0.113.8")
			c.bedrock(bedrockfake.Options{}, func(_ *bedrockfake.Server, d *model.ConnectionDraft) {
				d.Settings.Region, d.Settings.Endpoint = "us-west-2", ""
			})
			c.o.Region = "ap-northeast-1"
		}, "region", failed, doctor.RegionElsewhere, [2]string{"here", "ap-northeast-1"}},
		{"a model of another region with an endpoint there", func(c *clinic) {
			c.bedrock(bedrockfake.Options{Region: "ap-northeast-3"}, func(_ *bedrockfake.Server, d *model.ConnectionDraft) { d.Settings.Region = "ap-northeast-3" })
			c.o.Region = "ap-northeast-1"
		}, "stream", ok, "", [2]string{}},
		{"the global STS", func(c *clinic) {
			c.bedrock(bedrockfake.Options{}, nil)
			c.storedGlobalSTS()
		}, "region", failed, doctor.STSGlobal, [2]string{"region", "ap-northeast-1"}},
		{"private DNS is off", func(c *clinic) {
			c.names.set("bedrock-runtime.ap-northeast-1.amazonaws.com", "203.0.113.9")
			c.bedrock(bedrockfake.Options{}, func(_ *bedrockfake.Server, d *model.ConnectionDraft) { d.Settings.Endpoint = "" })
		}, "resolve", failed, doctor.PrivateDNSMissing, [2]string{"address", "203.0.113.9"}},
		{"a VPC endpoint's name leads outside", func(c *clinic) {
			c.names.set("vpce-0123-ab.bedrock-runtime.ap-northeast-1.vpce.amazonaws.com", "203.0.113.9")
			c.bedrock(bedrockfake.Options{}, func(_ *bedrockfake.Server, d *model.ConnectionDraft) {
				d.Settings.Endpoint = "https://vpce-0123-ab.bedrock-runtime.ap-northeast-1.vpce.amazonaws.com"
			})
		}, "resolve", failed, doctor.EndpointPublic, [2]string{}},
		{"a name leads outside", func(c *clinic) {
			c.openai(c.serveHTTP((&openaifake.Server{}).ServeHTTP)+"/v1", nil)
			c.o.Gate = feigned{Gate: c.gate, public: true}
		}, "resolve", warning, doctor.PublicAddress, [2]string{"address", "203.0.113.7"}},
		{"a name leads to the metadata service", bare("169.254.169.254"), "connect", failed, doctor.Code(egress.TroubleDenied), [2]string{}},
		{"a name that is unknown", bare(""), "resolve", failed, doctor.Code(egress.TroubleNameUnknown), [2]string{"host", "llm.test"}},
		{"a name server that fails", bare("servfail"), "resolve", failed, doctor.Code(egress.TroubleNameFailed), [2]string{}},
		{"a name server that is silent", func(c *clinic) { bare("silent")(c); c.o.Patience = 200 * time.Millisecond }, "resolve", failed, doctor.Code(egress.TroubleNameTimeout), [2]string{}},
		{"a closed port", bare("127.0.0.1"), "connect", failed, doctor.Code(egress.TroubleRefused), [2]string{}},
		{"packets are dropped", func(c *clinic) {
			bare("127.0.0.1")(c)
			c.o.Gate = feigned{Gate: c.gate, trouble: egress.TroubleDialTimeout}
		}, "connect", failed, doctor.Code(egress.TroubleDialTimeout), [2]string{}},
		{"no route", func(c *clinic) {
			bare("127.0.0.1")(c)
			c.o.Gate = feigned{Gate: c.gate, trouble: egress.TroubleNoRoute}
		}, "connect", failed, doctor.Code(egress.TroubleNoRoute), [2]string{}},
		{"a connection that fails otherwise", func(c *clinic) {
			bare("127.0.0.1")(c)
			c.o.Gate = feigned{Gate: c.gate, trouble: egress.TroubleDialFailed}
		}, "connect", failed, doctor.Code(egress.TroubleDialFailed), [2]string{}},
		{"a server that hangs", func(c *clinic) {
			c.openai("http://"+c.listen(silentServer)+"/v1", nil)
			c.o.Patience = 200 * time.Millisecond
		}, "reach", failed, doctor.Code(egress.TroubleAnswerTimeout), [2]string{}},
		{"a server that hangs before TLS", func(c *clinic) {
			c.openai("https://"+c.listen(silentServer)+"/v1", nil)
			c.o.Patience = 200 * time.Millisecond
		}, "tls", failed, doctor.Code(egress.TroubleTLSTimeout), [2]string{}},
		{"a server that hangs up", func(c *clinic) {
			c.openai("http://"+c.listen(func(conn net.Conn) { _, _ = conn.Read(make([]byte, 16)); _ = conn.Close() })+"/v1", nil)
		}, "reach", failed, doctor.Code(egress.TroubleBrokeOff), [2]string{}},
		{"HTTP where HTTPS is due", func(c *clinic) {
			c.openai(strings.Replace(c.serveHTTP(http.NotFound), "http:", "https:", 1)+"/v1", nil)
		}, "tls", failed, doctor.Code(egress.TroublePlain), [2]string{}},
		{"a proxy that asks for a password", func(c *clinic) {
			c.openai(c.serveHTTP(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) })+"/v1", nil)
		}, "connect", failed, doctor.Code(egress.TroubleProxy), [2]string{}},
		{"a proxy that the connection does not log in to", func(c *clinic) {
			c.proxied(nil, func(d *model.ConnectionDraft) { d.Settings.ProxyUser, d.Secret.ProxyPassword = "", "" })
		}, "connect", failed, doctor.Code(egress.TroubleProxy), [2]string{}},
		{"a proxy whose password has changed", func(c *clinic) {
			c.proxied(func(p *proxytest.Proxy) { p.Password = "changed" }, nil)
		}, "connect", failed, doctor.Code(egress.TroubleProxyPassword), [2]string{}},
		{"a proxy that wants another login", func(c *clinic) {
			c.proxied(func(p *proxytest.Proxy) { p.Password, p.Offers = "other", "Negotiate, NTLM" }, nil)
		}, "connect", failed, doctor.Code(egress.TroubleProxyScheme), [2]string{"schemes", "Negotiate, NTLM"}},
		{"a proxy that does not let the destination through", func(c *clinic) {
			c.proxied(func(p *proxytest.Proxy) { p.Denies = http.StatusForbidden }, nil)
		}, "connect", failed, doctor.Code(egress.TroubleProxyDenied), [2]string{"status", "403"}},
		{"a proxy that answers", func(c *clinic) {
			c.openai(c.serveHTTP(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Via", "1.1 proxy.example.lg.jp (squid)")
				(&openaifake.Server{}).ServeHTTP(w, r)
			})+"/v1", nil)
		}, "reach", warning, doctor.ProxyAnswers, [2]string{"proxy", "1.1 proxy.example.lg.jp (squid)"}},
		{"an authority nobody trusts", func(c *clinic) {
			base, _ := c.secure(certificate{names: []string{"llm.test"}}, 0)
			c.openai(base+"/v1", nil)
		}, "tls", failed, doctor.Code(egress.TroubleAuthority), [2]string{"issuer", "試験認証局"}},
		{"a self-signed certificate", func(c *clinic) {
			base, _ := c.secure(certificate{names: []string{"llm.test"}, alone: true}, 0)
			c.openai(base+"/v1", nil)
		}, "tls", failed, doctor.TLSSelfSigned, [2]string{}},
		{"another authority than the connection's", func(c *clinic) {
			base, _ := c.secure(certificate{names: []string{"llm.test"}}, 0)
			_, other := c.issue(certificate{})
			c.openai(base+"/v1", func(d *model.ConnectionDraft) { d.Settings.CAPEM = string(other) })
		}, "tls", failed, doctor.TLSWrongCA, [2]string{}},
		{"a certificate for another name", func(c *clinic) { c.trusting(certificate{names: []string{"other.test"}}) }, "tls", failed, doctor.Code(egress.TroubleWrongName), [2]string{"names", "other.test"}},
		{"a certificate that has expired", func(c *clinic) {
			c.trusting(certificate{names: []string{"llm.test"}, till: time.Now().Add(-time.Hour)})
		}, "tls", failed, doctor.Code(egress.TroubleExpired), [2]string{}},
		{"a certificate that is not valid yet", func(c *clinic) { c.trusting(certificate{names: []string{"llm.test"}, from: time.Now().Add(time.Hour)}) }, "tls", failed, doctor.Code(egress.TroubleNotYetValid), [2]string{}},
		{"a certificate that expires soon", func(c *clinic) {
			c.trusting(certificate{names: []string{"llm.test"}, till: time.Now().Add(9 * 24 * time.Hour)})
		}, "tls", warning, doctor.TLSExpiring, [2]string{}},
		{"a certificate for something else", func(c *clinic) {
			c.trusting(certificate{names: []string{"llm.test"}, usage: x509.ExtKeyUsageClientAuth})
		}, "tls", failed, doctor.Code(egress.TroubleUntrusted), [2]string{}},
		{"a server of old TLS", func(c *clinic) {
			base, _ := c.secure(certificate{names: []string{"llm.test"}}, tls.VersionTLS11)
			c.openai(base+"/v1", nil)
		}, "tls", failed, doctor.Code(egress.TroubleTLSRefused), [2]string{}},
		{"clocks far apart", func(c *clinic) {
			c.bedrock(bedrockfake.Options{Now: func() time.Time { return time.Now().Add(11 * time.Minute) }}, nil)
		}, "clock", failed, doctor.ClockSkew, [2]string{"skew", "11m0s"}},

		// Credentials and roles.
		{"no credentials", func(c *clinic) {
			for name, value := range map[string]string{
				"AWS_EC2_METADATA_DISABLED": "true", "AWS_CA_BUNDLE": "", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "", "AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
			} {
				c.t.Setenv(name, value)
			}
			c.bedrock(bedrockfake.Options{}, func(_ *bedrockfake.Server, d *model.ConnectionDraft) {
				d.Settings.Credentials, d.Secret = model.CredentialsDefault, model.Secret{}
			})
		}, "credentials", failed, doctor.CredentialsNone, [2]string{}},
		{"an unknown key", func(c *clinic) {
			c.bedrock(bedrockfake.Options{}, func(_ *bedrockfake.Server, d *model.ConnectionDraft) { d.Secret.AccessKeyID = "AKIAUNKNOWN000000000" })
		}, "credentials", failed, doctor.CredentialsUnknown, [2]string{}},
		{"a wrong secret", func(c *clinic) {
			c.bedrock(bedrockfake.Options{}, func(_ *bedrockfake.Server, d *model.ConnectionDraft) { d.Secret.SecretAccessKey = "wrong" })
		}, "credentials", failed, doctor.CredentialsSignature, [2]string{}},
		{"a key that has expired", func(c *clinic) {
			key := bedrockfake.DefaultKey
			key.Token, key.Expires = "token", time.Now().Add(-time.Minute)
			c.bedrock(bedrockfake.Options{Keys: []bedrockfake.Key{key}}, func(_ *bedrockfake.Server, d *model.ConnectionDraft) { d.Secret.SessionToken = "token" })
		}, "credentials", failed, doctor.CredentialsExpired, [2]string{}},
		{"a wrong API key", func(c *clinic) {
			c.openai(c.serveHTTP((&openaifake.Server{Key: "right"}).ServeHTTP)+"/v1", func(d *model.ConnectionDraft) { d.Secret.APIKey = "wrong-key" })
		}, "credentials", failed, doctor.CredentialsRefused, [2]string{}},
		{"a signature for another region", func(c *clinic) { c.bedrock(bedrockfake.Options{Region: "us-east-1"}, nil) }, "credentials", failed, doctor.SignedElsewhere, [2]string{}},
		{"a role that does not trust us", func(c *clinic) {
			c.assuming([]bedrockfake.Role{{ARN: chain1, Trusts: []string{"arn:aws:iam::999999999999:user/x"}}}, nil)
		}, "role_1", failed, doctor.RoleRefused, [2]string{"role", chain1}},
		{"a wrong external id", func(c *clinic) {
			c.assuming([]bedrockfake.Role{{ARN: chain1}, {ARN: chain2, ExternalID: "another"}}, nil)
		}, "role_2", failed, doctor.RoleExternalID, [2]string{"role", chain2}},
		{"a second hop that does not trust the first", func(c *clinic) {
			c.assuming([]bedrockfake.Role{{ARN: chain1}, {ARN: chain2, ExternalID: "city-2026", Trusts: []string{chain2}}}, nil)
		}, "role_2", failed, doctor.RoleExternalID, [2]string{"role", chain2}},
		{"a role that we may not ask for", func(c *clinic) {
			c.stsRefusing("AccessDenied", "User: x is not authorized to perform: sts:AssumeRole on resource: "+chain1+" because no identity-based policy allows the sts:AssumeRole action")
		}, "role_1", failed, doctor.RoleCaller, [2]string{}},
		{"a role that an SCP forbids", func(c *clinic) {
			c.stsRefusing("AccessDenied", "User: x is not authorized to perform: sts:AssumeRole on resource: "+chain1+" "+scp)
		}, "role_1", failed, doctor.RoleSCP, [2]string{}},
		{"a role that the endpoint stops", func(c *clinic) {
			c.stsRefusing("AccessDenied", "User: x is not authorized to perform: sts:AssumeRole on resource: "+chain1+" because no VPC endpoint policy allows the sts:AssumeRole action")
		}, "role_1", failed, doctor.RoleEndpointPolicy, [2]string{}},
		{"a role that takes no tags", func(c *clinic) {
			c.assuming([]bedrockfake.Role{{ARN: chain1}, {ARN: chain2, ExternalID: "city-2026", NoTags: true}}, nil)
		}, "role_2", failed, doctor.RoleTags, [2]string{"role", chain2}},
		{"a role that takes no source identity", func(c *clinic) {
			c.stsRefusing("AccessDenied", "User: x is not authorized to perform: sts:SetSourceIdentity on resource: "+chain1)
		}, "role_1", failed, doctor.RoleSource, [2]string{}},
		{"a region where STS is off", func(c *clinic) { c.stsRefusing("RegionDisabledException", "STS is not activated in this region") }, "role_1", failed, doctor.RoleRegion, [2]string{}},
		{"a role that fails otherwise", func(c *clinic) { c.stsRefusing("PackedPolicyTooLarge", "too large") }, "role_1", failed, doctor.RoleFailed, [2]string{}},
		{"an STS that hangs up on the role", func(c *clinic) {
			sts := bedrockfake.New(bedrockfake.Options{})
			at := c.serveHTTP(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if strings.Contains(string(body), "AssumeRole") {
					panic(http.ErrAbortHandler)
				}
				r.Body = bodyOf(body)
				sts.ServeHTTP(w, r)
			})
			c.assuming(nil, func(_ *bedrockfake.Server, d *model.ConnectionDraft) { d.Settings.STSEndpoint = at })
		}, "role_1", failed, doctor.STSUnreachable, [2]string{}},
		{"a chain that holds", func(c *clinic) { c.assuming(nil, nil) }, "role_2", ok, "", [2]string{}},

		// The model.
		{"models that may not be listed", func(c *clinic) {
			c.refusing(403, "AccessDeniedException", "not authorized to perform: bedrock:ListFoundationModels", "ListFoundationModels")
		}, "list_models", warning, doctor.ListUnavailable, [2]string{}},
		{"a web page where models should be", func(c *clinic) {
			c.openai(c.serveHTTP(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>intranet</html>") })+"/v1", nil)
		}, "list_models", failed, doctor.WrongAddress, [2]string{}},
		{"an SCP", denied(scp), "answer", failed, doctor.DeniedSCP, [2]string{"region", "ap-northeast-3"}},
		{"an SCP that allows nothing", denied("because no service control policy allows the bedrock:InvokeModel action"), "answer", failed, doctor.DeniedSCP, [2]string{}},
		{"an RCP", denied("with an explicit deny in a resource control policy"), "answer", failed, doctor.DeniedRCP, [2]string{}},
		{"an endpoint policy", denied("because no VPC endpoint policy allows the bedrock:InvokeModel action"), "answer", failed, doctor.DeniedEndpointPolicy, [2]string{}},
		{"a boundary", denied("because no permissions boundary allows the bedrock:InvokeModel action"), "answer", failed, doctor.DeniedBoundary, [2]string{}},
		{"a session policy", denied("because no session policy allows the bedrock:InvokeModel action"), "answer", failed, doctor.DeniedSession, [2]string{}},
		{"an identity policy", denied("because no identity-based policy allows the bedrock:InvokeModel action"), "answer", failed, doctor.DeniedIdentity, [2]string{"action", "bedrock:InvokeModel"}},
		{"a denial without a reason", func(c *clinic) { c.refusing(403, "AccessDeniedException", "no", "Converse", "ConverseStream") }, "answer", failed, doctor.Denied, [2]string{}},
		{"model access that is missing", func(c *clinic) {
			c.refusing(403, "AccessDeniedException", "You don't have access to the model with the specified model ID.", "Converse", "ConverseStream")
		}, "answer", failed, doctor.ModelAccess, [2]string{"model", haiku}},
		{"a subscription that is missing", func(c *clinic) {
			c.refusing(403, "AccessDeniedException", "Model access is denied due to IAM user or service role is not authorized to perform the required AWS Marketplace actions (aws-marketplace:ViewSubscriptions)", "Converse", "ConverseStream")
		}, "answer", failed, doctor.Marketplace, [2]string{}},
		{"a form that is missing", func(c *clinic) {
			c.refusing(404, "ResourceNotFoundException", "Model use case details have not been submitted for this account.", "Converse", "ConverseStream")
		}, "answer", failed, doctor.UseCaseForm, [2]string{}},
		{"the article's policy: streaming is missing", func(c *clinic) {
			c.refusing(403, "AccessDeniedException", "User: x is not authorized to perform: bedrock:InvokeModelWithResponseStream on resource: arn:aws:bedrock:ap-northeast-1::foundation-model/m because no identity-based policy allows the bedrock:InvokeModelWithResponseStream action", "ConverseStream")
		}, "stream", failed, doctor.StreamDenied, [2]string{}},
		{"an SCP on streaming alone", func(c *clinic) {
			c.refusing(403, "AccessDeniedException", "User: x is not authorized to perform: bedrock:InvokeModelWithResponseStream on resource: arn:aws:bedrock:ap-northeast-3::foundation-model/m "+scp, "ConverseStream")
		}, "stream", failed, doctor.DeniedSCP, [2]string{}},
		{"only streaming is allowed", func(c *clinic) {
			c.refusing(403, "AccessDeniedException", "User: x is not authorized to perform: bedrock:InvokeModel on resource: y because no identity-based policy allows the bedrock:InvokeModel action", "Converse")
		}, "answer", warning, doctor.PlainDenied, [2]string{}},
		{"a server that does not stream", func(c *clinic) { c.openai(c.serveHTTP((&openaifake.Server{Whole: true}).ServeHTTP)+"/v1", nil) }, "stream", warning, doctor.StreamWhole, [2]string{}},
		{"a model that is not there", func(c *clinic) {
			c.openai(c.serveHTTP((&openaifake.Server{Models: []string{"other"}}).ServeHTTP)+"/v1", nil)
		}, "answer", failed, doctor.ModelUnknown, [2]string{"model", openaifake.DefaultModels[0]}},
		{"a model that has been retired", func(c *clinic) {
			c.refusing(404, "ResourceNotFoundException", "This model version has reached the end of its life.", "Converse")
		}, "answer", failed, doctor.ModelRetired, [2]string{}},
		{"a model without its profile", func(c *clinic) {
			c.refusing(400, "ValidationException", "Invocation of model ID x with on-demand throughput isn\u2019t supported.", "Converse")
		}, "answer", failed, doctor.NeedsProfile, [2]string{}},
		{"throttling", func(c *clinic) {
			c.refusing(429, "ThrottlingException", "Too many requests, please wait before trying again.", "Converse")
		}, "answer", failed, doctor.Throttled, [2]string{}},
		{"the day's tokens are used up", func(c *clinic) {
			c.refusing(429, "ThrottlingException", "Too many tokens per day, please wait before trying again.", "Converse")
		}, "answer", failed, doctor.QuotaUsedUp, [2]string{}},
		{"a model that is silent", func(c *clinic) { c.refusing(408, "ModelTimeoutException", "", "Converse") }, "answer", failed, doctor.ModelSilent, [2]string{}},
		{"an answer that breaks off", func(c *clinic) {
			c.bedrock(bedrockfake.Options{Script: func(turn script.Turn) script.Script {
				if turn.MaxTokens > 1 {
					turn.Text = "[[cut 2]][[long 9]]"
				}
				return script.FromTurn(turn)
			}}, nil)
		}, "stream", failed, doctor.BrokeOff, [2]string{}},
		{"trouble at the provider", func(c *clinic) { c.refusing(500, "InternalServerException", "unexpected", "Converse") }, "answer", failed, doctor.CallFailed, [2]string{}},
		{"limits that are almost reached", func(c *clinic) {
			c.openai(c.serveHTTP(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Ratelimit-Limit-Requests", "1000")
				w.Header().Set("X-Ratelimit-Remaining-Requests", "12")
				(&openaifake.Server{}).ServeHTTP(w, r)
			})+"/v1", nil)
		}, "headroom", warning, doctor.HeadroomLow, [2]string{"left", "12"}},
		{"limits that nobody tells", func(c *clinic) { c.bedrock(bedrockfake.Options{}, nil) }, "headroom", unknown, doctor.HeadroomUnknown, [2]string{}},
		{"no model is called in haste", func(c *clinic) { c.bedrock(bedrockfake.Options{}, nil); c.question.Quick = true }, "answer", skipped, doctor.SkippedQuick, [2]string{}},
		{"there is no model", func(c *clinic) {
			c.connect(model.ConnectionDraft{Kind: model.KindOpenAI, Settings: model.Settings{BaseURL: c.serveHTTP((&openaifake.Server{}).ServeHTTP) + "/v1"}}, "")
		}, "answer", skipped, doctor.SkippedNoModel, [2]string{}},
		{"what cannot be reached is not asked", bare(""), "answer", skipped, doctor.SkippedUnreachable, [2]string{}},
	}
}

// away is a store that does not answer.
type away struct{ doctor.Store }

func (away) Ping(context.Context) error {
	return errs.New(errs.Unavailable, "the database does not answer")
}

func TestEachFailureIsProvokedAndNamed(t *testing.T) {
	c := newClinic(t, db.SQLite)
	provoked := map[doctor.Code]bool{}
	for _, tt := range illnesses() {
		t.Run(tt.name, func(t *testing.T) {
			c.t = t
			c.healthy()
			tt.make(c)
			steps := c.examine()
			i := slices.IndexFunc(steps, func(s doctor.Step) bool { return s.Name == tt.step && s.Code == tt.code })
			if i < 0 {
				t.Fatalf("no step %s has found %q: %+v", tt.step, tt.code, steps)
			}
			s := steps[i]
			if s.Status != tt.status || tt.param[0] != "" && s.Params[tt.param[0]] != tt.param[1] {
				t.Errorf("got %+v, want %s and %v", s, tt.status, tt.param)
			}
			for _, s := range steps {
				provoked[s.Code] = true
				for _, hidden := range []string{bedrockfake.DefaultKey.Secret, bedrockfake.DefaultKey.ID, "wrong-key", "sk-123456", "proxy-canary"} {
					if strings.Contains(s.Detail, hidden) || slices.ContainsFunc(s.Facts, func(f doctor.Fact) bool { return strings.Contains(f.Value, hidden) }) {
						t.Errorf("%s tells a secret: %+v", s.Name, s)
					}
				}
				if s.Status == doctor.Failed && tt.status != doctor.Failed && tt.code != doctor.SkippedUnreachable && c.question.ConnectionID != "" {
					t.Errorf("besides, %s fails with %s: %s", s.Name, s.Code, s.Detail)
				}
			}
		})
	}
	for _, code := range doctor.Codes() {
		if !provoked[code] {
			t.Errorf("nothing has provoked %s", code)
		}
	}
}
