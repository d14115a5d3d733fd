package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/config"
	"kakoi/internal/db"
	"kakoi/internal/doctor"
	"kakoi/internal/egress"
	"kakoi/internal/egress/proxytest"
	"kakoi/internal/model"
	"kakoi/internal/model/modeltest/bedrockfake"
	"kakoi/internal/model/modeltest/openaifake"
	"kakoi/internal/residency"
	"kakoi/internal/secret"
)

// clinic is an installation to be made ill.
type clinic struct {
	t         *testing.T
	cfg       config.Config
	names     *nameServer
	gate      *egress.Gate
	store     *db.DB
	record    *audit.Log
	groups    *access.Groups
	catalogue *model.Catalogue
	admin     context.Context
	log       *syncBuffer

	// Of the case at hand:
	o        doctor.Options
	question doctor.Question
}

func newClinic(t *testing.T, engine db.Engine) *clinic {
	t.Helper()
	c := &clinic{t: t, cfg: settings(t, engine, nil), names: &nameServer{names: map[string]string{}}, log: &syncBuffer{}}
	if err := os.MkdirAll(c.cfg.Data.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(c.cfg.Data.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(c.log, nil))
	// The names of the cases stand for servers on this machine.
	own := egress.Network{Own: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	c.gate = egress.New(egress.Options{Log: log, Resolver: c.names.resolver(), Network: own})
	store, err := openStore(t.Context(), c.cfg, egress.New(egress.Options{}), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.store, c.record = store, audit.New(store, time.Now)
	c.groups = access.NewGroups(store, c.record, access.NewCharts(store, time.Now), time.Now)
	key, _, err := secret.LoadOrCreateFile(c.cfg.MasterKeyFile())
	if err != nil {
		t.Fatal(err)
	}
	c.catalogue = c.with(key)
	c.admin = access.WithPrincipal(t.Context(), access.Principal{AccountID: "admin", Rights: access.Rights(access.Administrator)})
	return c
}

// anywhere is a policy that permits every place.
type anywhere struct{}

// Now implements residency.Policies.
func (anywhere) Now(context.Context) (residency.Policy, error) {
	return residency.Policy{Open: true}, nil
}

// with is the catalogue under a master key.
func (c *clinic) with(key *secret.FileKey) *model.Catalogue {
	return model.NewCatalogue(model.CatalogueOptions{
		DB: c.store, Secrets: secret.New(key), Audit: c.record, Grants: access.NewGrants(c.store, time.Now), Adapters: adapters(c.gate), Fetch: c.gate, Now: time.Now,
		Places: residency.New(residency.Options{DB: c.store, Profiles: residency.Bundled(), Policies: anywhere{}, Now: time.Now}),
		Log:    slog.New(slog.NewTextHandler(c.log, nil)),
	})
}

// healthy resets the case at hand.
func (c *clinic) healthy() {
	c.o = doctorOptions(c.cfg, c.gate, slog.New(slog.NewTextHandler(c.log, nil)))
	c.o.Connections, c.o.Store, c.o.Audit = c.catalogue, c.store, c.record
	c.o.Region, c.o.Patience = "", 2*time.Second
	c.o.Room = func(string) (uint64, uint64, error) { return 50 << 30, 100 << 30, nil }
	c.question = doctor.Question{}
}

func (c *clinic) examine() []doctor.Step {
	c.t.Helper()
	steps, err := doctor.New(c.o).Examine(c.admin, c.question)
	if err != nil {
		c.t.Fatal(err)
	}
	return slices.Collect(steps)
}

// connect makes a connection with a model, if one is named, for the case at hand.
func (c *clinic) connect(d model.ConnectionDraft, remoteID string) {
	c.t.Helper()
	d.Name, d.Enabled = "模範 "+db.NewID(), true
	made, err := c.catalogue.CreateConnection(c.admin, d)
	if err != nil {
		c.t.Fatal(err)
	}
	c.question.ConnectionID = made.ID
	if remoteID == "" {
		return
	}
	if _, err := c.catalogue.CreateModel(c.admin, model.ModelDraft{ConnectionID: made.ID, RemoteID: remoteID, Enabled: true}); err != nil {
		c.t.Fatal(err)
	}
}

// openai connects to a server that speaks its protocol.
func (c *clinic) openai(base string, change func(*model.ConnectionDraft)) {
	c.t.Helper()
	d := model.ConnectionDraft{Kind: model.KindOpenAI, Settings: model.Settings{BaseURL: base}}
	if change != nil {
		change(&d)
	}
	c.connect(d, openaifake.DefaultModels[0])
}

const haiku = "jp.anthropic.claude-haiku-4-5-20251001-v1:0"

// bedrock connects to a fake of Bedrock and STS.
func (c *clinic) bedrock(o bedrockfake.Options, change func(*bedrockfake.Server, *model.ConnectionDraft)) *bedrockfake.Server {
	c.t.Helper()
	fake := bedrockfake.Run(c.t, o)
	d := model.ConnectionDraft{Kind: model.KindBedrock, Settings: model.Settings{
		Region: "ap-northeast-1", Endpoint: fake.URL, ControlEndpoint: fake.URL, STSEndpoint: fake.URL, Credentials: model.CredentialsStatic,
	}, Secret: model.Secret{AccessKeyID: bedrockfake.DefaultKey.ID, SecretAccessKey: bedrockfake.DefaultKey.Secret}}
	remote := haiku
	if change != nil {
		change(fake, &d)
	}
	c.connect(d, remote)
	return fake
}

// storedGlobalSTS gives the connection the global STS, as one may have it that was
// stored before that was refused.
func (c *clinic) storedGlobalSTS() {
	c.t.Helper()
	_, err := c.store.ExecContext(c.admin, `UPDATE connections SET settings = replace(settings, '"stsEndpoint":"', '"stsEndpoint":"https://sts.amazonaws.com","was":"') WHERE id = $1`, c.question.ConnectionID)
	if err != nil {
		c.t.Fatal(err)
	}
}

// refusing makes the fake refuse operations, in AWS's words.
func (c *clinic) refusing(status int, exception, message string, operations ...string) {
	c.t.Helper()
	fake := c.bedrock(bedrockfake.Options{}, nil)
	fake.Refuse(func(operation string) *bedrockfake.Refusal {
		if slices.Contains(operations, operation) {
			return &bedrockfake.Refusal{Status: status, Exception: exception, Message: message}
		}
		return nil
	})
}

const (
	chain1 = "arn:aws:iam::111122223333:role/first"
	chain2 = "arn:aws:iam::444455556666:role/second"
)

// assuming connects with a chain of two roles.
func (c *clinic) assuming(roles []bedrockfake.Role, change func(*bedrockfake.Server, *model.ConnectionDraft)) *bedrockfake.Server {
	c.t.Helper()
	if roles == nil {
		roles = []bedrockfake.Role{{ARN: chain1}, {ARN: chain2, ExternalID: "city-2026", Trusts: []string{chain1}}}
	}
	return c.bedrock(bedrockfake.Options{Roles: roles}, func(f *bedrockfake.Server, d *model.ConnectionDraft) {
		d.Settings.Roles = []model.AssumedRole{{ARN: chain1}, {ARN: chain2, ExternalID: "city-2026", Tags: map[string]string{"department": "{group}"}}}
		if change != nil {
			change(f, d)
		}
	})
}

func (c *clinic) stsRefusing(exception, message string) {
	c.assuming(nil, nil).Refuse(func(operation string) *bedrockfake.Refusal {
		if operation == "AssumeRole" {
			return &bedrockfake.Refusal{Status: 403, Exception: exception, Message: message}
		}
		return nil
	})
}

// serveHTTP starts a server of anything.
func (c *clinic) serveHTTP(h http.HandlerFunc) string {
	c.t.Helper()
	s := httptest.NewServer(h)
	c.t.Cleanup(s.Close)
	return s.URL
}

// listen starts what does not even speak HTTP.
func (c *clinic) listen(each func(net.Conn)) string {
	c.t.Helper()
	l, err := new(net.ListenConfig).Listen(c.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go each(conn)
		}
	}()
	return l.Addr().String()
}

func silentServer(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// certificate is what an authority of the test has issued, or itself.
type certificate struct {
	names      []string
	from, till time.Time
	usage      x509.ExtKeyUsage
	alone      bool // self-signed
}

// issue makes a certificate and returns it with its authority's PEM.
func (c *clinic) issue(want certificate) (pair tls.Certificate, authority []byte) {
	c.t.Helper()
	fail := func(err error) {
		if err != nil {
			c.t.Helper()
			c.t.Fatal(err)
		}
	}
	now := time.Now()
	if want.from.IsZero() {
		want.from = now.Add(-48 * time.Hour)
	}
	if want.till.IsZero() {
		want.till = now.Add(365 * 24 * time.Hour)
	}
	if want.usage == 0 {
		want.usage = x509.ExtKeyUsageServerAuth
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fail(err)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "試験認証局"}, NotBefore: now.Add(-96 * time.Hour), NotAfter: now.Add(1000 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fail(err)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "llm"}, NotBefore: want.from, NotAfter: want.till,
		DNSNames: want.names, ExtKeyUsage: []x509.ExtKeyUsage{want.usage}, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	parent, signer := ca, caKey
	if want.alone {
		parent, signer = leaf, key
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	fail(err)
	der, err := x509.CreateCertificate(rand.Reader, leaf, parent, &key.PublicKey, signer)
	fail(err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER})
}

// secure starts a model's server with a certificate under the name llm.test.
func (c *clinic) secure(want certificate, version uint16) (base string, authority []byte) {
	c.t.Helper()
	pair, authority := c.issue(want)
	s := httptest.NewUnstartedServer(&openaifake.Server{})
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MaxVersion: version} // old versions are the illness
	s.StartTLS()
	c.t.Cleanup(s.Close)
	c.names.set("llm.test", "127.0.0.1")
	return "https://llm.test:" + portOf(c.t, s.URL), authority
}

func portOf(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

// trusting connects to a server under an authority of the connection's own.
func (c *clinic) trusting(want certificate) {
	base, authority := c.secure(want, 0)
	c.openai(base+"/v1", func(d *model.ConnectionDraft) { d.Settings.CAPEM = string(authority) })
}

// proxied connects to a server of https through a proxy that asks for a login.
func (c *clinic) proxied(ill func(*proxytest.Proxy), change func(*model.ConnectionDraft)) {
	base, authority := c.secure(certificate{names: []string{"llm.test"}}, 0)
	proxy := proxytest.Run(c.t)
	proxy.User, proxy.Password = "soumu", "proxy-canary"
	c.openai(base+"/v1", func(d *model.ConnectionDraft) {
		d.Settings.CAPEM, d.Settings.Proxy, d.Settings.ProxyUser, d.Secret.ProxyPassword = string(authority), proxy.URL, "soumu", "proxy-canary"
		if change != nil {
			change(d)
		}
	})
	if ill != nil {
		ill(proxy)
	}
}

// files writes a certificate and a key as http.tls names them.
func (c *clinic) files(pair tls.Certificate, key any) {
	c.t.Helper()
	dir := c.t.TempDir()
	c.o.CertFile, c.o.KeyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err == nil {
		err = os.WriteFile(c.o.KeyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
	}
	if err == nil {
		err = os.WriteFile(c.o.CertFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}), 0o600)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *clinic) ownCertificate(want certificate) {
	pair, _ := c.issue(want)
	c.files(pair, pair.PrivateKey)
	c.o.PublicURL = "https://ai.example.lg.jp"
}

// keyFile makes the master key something else.
func (c *clinic) keyFile(text string, mode os.FileMode) {
	c.t.Helper()
	c.o.MasterKeyFile = filepath.Join(c.t.TempDir(), "master.json")
	if err := os.WriteFile(c.o.MasterKeyFile, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	if err := os.Chmod(c.o.MasterKeyFile, mode); err != nil {
		c.t.Fatal(err)
	}
}

// feigned is a gate on which what no test may do, or no machine does twice, has
// happened.
type feigned struct {
	*egress.Gate
	trouble egress.Trouble
	public  bool
	lenient bool
	leaky   bool
}

func (f feigned) Escapes(ctx context.Context, purpose, destination string) bool {
	return f.leaky || f.Gate.Escapes(ctx, purpose, destination)
}

func (f feigned) Probe(ctx context.Context, s egress.Spec, rawURL string) egress.Probe {
	if f.trouble != "" {
		return egress.Probe{Trouble: f.trouble, Err: errors.New(string(f.trouble))}
	}
	return f.Gate.Probe(ctx, s, rawURL)
}

func (f feigned) Lookup(ctx context.Context, s egress.Spec, destination string) ([]netip.Addr, egress.Trouble, error) {
	if f.public {
		return []netip.Addr{netip.MustParseAddr("203.0.113.7")}, "", nil
	}
	return f.Gate.Lookup(ctx, s, destination)
}

func (f feigned) Refuses(ctx context.Context, s egress.Spec, destination string) bool {
	return !f.lenient && f.Gate.Refuses(ctx, s, destination)
}

func bare(address string) func(c *clinic) {
	return func(c *clinic) {
		c.names.set("llm.test", address)
		c.openai("http://llm.test:9/v1", nil)
	}
}

func denied(message string) func(c *clinic) {
	const begins = "User: arn:aws:iam::111122223333:user/kakoi is not authorized to perform: bedrock:InvokeModel on resource: arn:aws:bedrock:ap-northeast-3::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0 "
	return func(c *clinic) {
		c.refusing(403, "AccessDeniedException", begins+message, "Converse", "ConverseStream")
	}
}
