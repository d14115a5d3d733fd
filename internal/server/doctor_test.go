package server

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
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
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/config"
	"kakoi/internal/db"
	"kakoi/internal/doctor"
	"kakoi/internal/egress"
	"kakoi/internal/egress/proxytest"
	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/modeltest/bedrockfake"
	"kakoi/internal/model/modeltest/openaifake"
	"kakoi/internal/model/modeltest/script"
	"kakoi/internal/residency"
	"kakoi/internal/secret"
	"kakoi/internal/sse"
)

// nameServer answers the questions of a resolver over a pipe: nothing of a
// test's names leaves the machine.
type nameServer struct {
	mu    sync.Mutex
	names map[string]string // address, or "servfail", "silent"
	asked atomic.Int64
}

func (n *nameServer) set(name, address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[name] = address
}

func (n *nameServer) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go n.answer(theirs)
		return ours, nil
	}}
}

// answer reads questions with their lengths before them, as over TCP.
func (n *nameServer) answer(conn net.Conn) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		text := make([]byte, binary.BigEndian.Uint16(size[:]))
		var question dnsmessage.Message
		if _, err := io.ReadFull(conn, text); err != nil || question.Unpack(text) != nil {
			return
		}
		n.asked.Add(1)
		q := question.Questions[0]
		n.mu.Lock()
		address := n.names[strings.TrimSuffix(strings.ToLower(q.Name.String()), ".")]
		n.mu.Unlock()
		reply := dnsmessage.Message{Header: dnsmessage.Header{ID: question.ID, Response: true, RecursionAvailable: true, Authoritative: true}, Questions: question.Questions}
		switch ip, err := netip.ParseAddr(address); {
		case address == "silent":
			continue
		case address == "servfail":
			reply.RCode = dnsmessage.RCodeServerFailure
		case err != nil:
			reply.RCode = dnsmessage.RCodeNameError
		case q.Type == dnsmessage.TypeA:
			reply.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}, Body: &dnsmessage.AResource{A: ip.As4()},
			}}
		}
		packed, err := reply.Pack()
		if err != nil {
			return
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(packed))), packed...)); err != nil {
			return
		}
	}
}

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
	c.groups = access.NewGroups(store, c.record, time.Now)
	key, _, err := secret.LoadOrCreateFile(c.cfg.MasterKeyFile())
	if err != nil {
		t.Fatal(err)
	}
	c.catalogue = c.with(key)
	c.admin = access.WithPrincipal(t.Context(), access.Principal{AccountID: "admin", Role: access.Administrator})
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
		DB: c.store, Secrets: secret.New(key), Audit: c.record, Groups: c.groups, Adapters: adapters(c.gate), Fetch: c.gate, Now: time.Now,
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
			c.o.Forbidden, c.question.Outside = []string{c.listen(silentServer)}, true
			c.o.Patience = 200 * time.Millisecond
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

func TestForbiddenHostsAreRefusedBeforeAnythingLeaves(t *testing.T) {
	c := newClinic(t, db.SQLite)
	c.healthy()
	c.openai(c.serveHTTP((&openaifake.Server{}).ServeHTTP)+"/v1", nil)
	c.question = doctor.Question{Quick: true}
	steps := c.examine()
	i := slices.IndexFunc(steps, func(s doctor.Step) bool { return s.Name == "forbidden" })
	if i < 0 || steps[i].Status != doctor.OK {
		t.Fatalf("steps %+v", steps)
	}
	if n := c.names.asked.Load(); n != 0 {
		t.Errorf("%d names were asked for", n)
	}
	refused := 0
	for _, r := range c.gate.Snapshot() {
		if r.Purpose == "doctor" && (r.Dials != 0 || r.BytesSent != 0 || r.Refusals == 0) {
			t.Errorf("the ledger has %+v", r)
		} else if r.Purpose == "doctor" {
			refused++
		}
	}
	if refused < 5 {
		t.Errorf("the ledger has %d hosts that were refused", refused)
	}
}

func TestAnOpenNetworkPromisesNothing(t *testing.T) {
	c := newClinic(t, db.SQLite)
	c.healthy()
	c.o.Closed = false
	if steps := c.examine(); slices.ContainsFunc(steps, func(s doctor.Step) bool { return s.Group == doctor.Closed }) {
		t.Errorf("steps %+v", steps)
	}
}

func TestOneExaminationRunsAtATimeAndEndsWithItsReader(t *testing.T) {
	c := newClinic(t, db.SQLite)
	c.healthy()
	d := doctor.New(c.o)
	first, err := d.Examine(c.admin, doctor.Question{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Examine(c.admin, doctor.Question{}); errs.CodeOf(err) != errs.RateLimited {
		t.Errorf("a second examination: %v", err)
	}
	told := 0
	for range first {
		if told++; told == 2 {
			break
		}
	}
	second, err := d.Examine(c.admin, doctor.Question{})
	if err != nil {
		t.Fatalf("after the first: %v", err)
	}
	if n := len(slices.Collect(second)); n < 8 || told != 2 {
		t.Errorf("%d steps after %d", n, told)
	}
	if _, err := d.Examine(t.Context(), doctor.Question{}); errs.CodeOf(err) != errs.Unauthenticated {
		t.Errorf("nobody: %v", err)
	}
	member := access.WithPrincipal(t.Context(), access.Principal{AccountID: "m", Role: access.Member})
	if _, err := d.Examine(member, doctor.Question{}); errs.CodeOf(err) != errs.Forbidden {
		t.Errorf("a member: %v", err)
	}
	if _, err := d.Examine(c.admin, doctor.Question{ConnectionID: "x"}); errs.CodeOf(err) != errs.NotFound {
		t.Errorf("no such connection: %v", err)
	}
}

// stepsIn reads the events of an examination.
func stepsIn(t *testing.T, text []byte) (steps []DoctorStep, done bool) {
	t.Helper()
	for event, err := range sse.Read(bytes.NewReader(text)) {
		if err != nil {
			t.Fatal(err)
		}
		var e doctorEvent
		unmarshal(t, event.Data, &e)
		if e.Step != nil {
			steps = append(steps, *e.Step)
		}
		done = e.Type == "done"
	}
	return steps, done
}

func TestAnExaminationIsStreamedAndRecorded(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		resp, text := h.admin.do(h.admin.request("POST", doctorPath, map[string]any{}))
		steps, done := stepsIn(t, text)
		if resp.Header.Get("Content-Type") != "text/event-stream" || !done || len(steps) < 12 {
			t.Fatalf("%s, done %v: %s", resp.Status, done, text)
		}
		for _, want := range []string{"store", "key", "forbidden", "connect", "answer", "stream"} {
			if !slices.ContainsFunc(steps, func(s DoctorStep) bool { return s.Name == want && s.Status == doctor.OK }) {
				t.Errorf("no step %s has passed: %+v", want, steps)
			}
		}
		events, err := h.audit.List(context.WithoutCancel(t.Context()), audit.Filter{Limit: 50})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(events.Items, func(e audit.Entry) bool { return e.Action == "doctor.run" })
		if i < 0 || events.Items[i].Details["failed"] != "0" || events.Items[i].Request.ID == "" {
			t.Errorf("the audit trail has %+v", events.Items)
		}
		if resp, text := h.admin.do(h.admin.request("POST", doctorPath, map[string]any{"connectionId": "nothing"})); resp.StatusCode != http.StatusNotFound {
			t.Errorf("no such connection: %s", text)
		}
	})
}

// commanded runs the command line's examination.
func commanded(t *testing.T, cfg config.Config, c DoctorCommand) (map[string]DoctorStep, error) {
	t.Helper()
	steps := map[string]DoctorStep{}
	err := Doctor(t.Context(), cfg, slog.New(slog.DiscardHandler), c, func(s DoctorStep) error {
		steps[s.Name] = s
		return nil
	})
	return steps, err
}

func TestTheCommandExaminesBesideTheServerAndWithoutIt(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		steps, err := commanded(t, h.cfg, DoctorCommand{})
		if err != nil || steps["store"].Status != doctor.OK || steps["stream"].Status != doctor.OK || steps["stream"].ConnectionName != "局所" {
			t.Errorf("beside the server: %+v, %v", steps, err)
		}
		if steps, err := commanded(t, h.cfg, DoctorCommand{Connection: "局所", Quick: true}); err != nil || steps["answer"].Code != doctor.SkippedQuick || steps["store"].Name != "" {
			t.Errorf("one connection: %+v, %v", steps, err)
		}
		if _, err := commanded(t, h.cfg, DoctorCommand{Connection: "大阪"}); errs.CodeOf(err) != errs.NotFound {
			t.Errorf("no such connection: %v", err)
		}
		events, err := h.audit.List(context.WithoutCancel(t.Context()), audit.Filter{Limit: 50})
		if err != nil || !slices.ContainsFunc(events.Items, func(e audit.Entry) bool { return e.Action == "doctor.run" && e.ActorID == operator.AccountID }) {
			t.Errorf("the audit trail has %+v, %v", events.Items, err)
		}
	})
	t.Run("before the first start", func(t *testing.T) {
		cfg := settings(t, db.SQLite, nil)
		steps, err := commanded(t, cfg, DoctorCommand{})
		if err != nil || steps["store"].Code != doctor.StoreMissing || steps["key"].Code != doctor.KeyMissing || steps["forbidden"].Status != doctor.OK {
			t.Errorf("%+v, %v", steps, err)
		}
		if _, err := os.Stat(cfg.DatabaseURL()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("it has made a database: %v", err)
		}
		if _, err := commanded(t, cfg, DoctorCommand{Connection: "局所"}); errs.CodeOf(err) != errs.Unavailable {
			t.Errorf("a connection: %v", err)
		}
	})
	t.Run("before an upgrade", func(t *testing.T) {
		c := newClinic(t, db.SQLite)
		if _, err := c.store.ExecContext(t.Context(), `DELETE FROM schema_migrations WHERE version > 3`); err != nil {
			t.Fatal(err)
		}
		steps, err := commanded(t, c.cfg, DoctorCommand{})
		if err != nil || steps["store"].Code != doctor.StoreSchema || !strings.Contains(steps["store"].Detail, "older") {
			t.Errorf("%+v, %v", steps, err)
		}
		if version, err := c.store.SchemaVersion(t.Context()); err != nil || version != 3 {
			t.Errorf("it has upgraded the database to %d, %v", version, err)
		}
	})
}
