package model

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/errs"
	"kakoi/internal/label"
	"kakoi/internal/residency"
)

// Kind is the kind of a connection: which protocol it speaks.
type Kind string

// The kinds of connections.
const (
	KindOpenAI  Kind = "openai"  // chat completions, as OpenAI, llama.cpp, Ollama, vLLM and others speak it
	KindBedrock Kind = "bedrock" // Amazon Bedrock
	KindDemo    Kind = "demo"    // built in
)

// Valid reports whether k is a kind there is.
func (k Kind) Valid() bool { return k == KindOpenAI || k == KindBedrock || k == KindDemo }

// Connection is a way to a provider of models. What is secret of it is not
// here: only the names of the secrets it has.
type Connection struct {
	ID          string
	Name        string
	Kind        Kind
	Enabled     bool
	Settings    Settings
	SecretNames []string // sorted: "apiKey", "headers.X-Team-Key", …
	Models      int      // in the catalogue
	CreatedAt   time.Time
	UpdatedAt   time.Time

	version int64 // counts the changes
}

// Settings are what a connection needs and nobody must hide. Each kind has its
// own; those of another kind are refused.
type Settings struct {
	BaseURL string            `json:"baseUrl,omitempty"` // openai: up to and without /chat/completions
	Headers map[string]string `json:"headers,omitempty"` // openai: sent with every request

	// Country is where the server stands, as the administrator declares it:
	// ISO 3166-1 alpha-2, "" while nobody has. openai only; a cloud's host tells.
	Country string `json:"country,omitempty"`

	Region          string `json:"region,omitempty"`          // bedrock: the region that is called
	Endpoint        string `json:"endpoint,omitempty"`        // bedrock: URL of bedrock-runtime instead of the public one
	ControlEndpoint string `json:"controlEndpoint,omitempty"` // bedrock: likewise of bedrock, which lists models
	STSEndpoint     string `json:"stsEndpoint,omitempty"`     // bedrock: likewise of STS, which is always a region's own
	// AgentRuntimeEndpoint is likewise of bedrock-agent-runtime, which puts documents in order.
	AgentRuntimeEndpoint string `json:"agentRuntimeEndpoint,omitempty"`
	AgentEndpoint        string `json:"agentEndpoint,omitempty"` // bedrock: likewise of bedrock-agent, which keeps knowledge bases
	FIPS                 bool   `json:"fips,omitempty"`          // bedrock: the public FIPS endpoints, where none is given

	Credentials string `json:"credentials,omitempty"` // bedrock: one of the Credentials constants
	Profile     string `json:"profile,omitempty"`     // bedrock: with CredentialsProfile, its name

	Roles []AssumedRole `json:"roles,omitempty"` // bedrock: assumed one after the other, beginning with Credentials

	CAPEM  string `json:"caPem,omitempty"`  // openai, bedrock: the only authorities that are trusted; empty: the system's
	CAFile string `json:"caFile,omitempty"` // the same, as a file on the server
	Proxy  string `json:"proxy,omitempty"`  // openai, bedrock: URL of the HTTP proxy that everything goes through

	ProxyUser string `json:"proxyUser,omitempty"` // openai, bedrock: where the proxy asks for a name and a password
}

// Where a Bedrock connection's credentials come from.
const (
	CredentialsDefault = "default" // the SDK's chain: environment, files, the machine's role
	CredentialsStatic  = "static"  // an access key
	CredentialsProfile = "profile" // a profile in the server's AWS configuration
	CredentialsBearer  = "bearer"  // a Bedrock API key
)

const (
	maxConnectionName = 100
	maxURL            = 2000
	maxHost           = 253 // of DNS
	maxHeaders        = 32
	maxHeaderValue    = 4096
	maxCA             = 256 << 10
	maxProxyUser      = 200
)

var (
	headerName  = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")
	regionName  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d{1,2}$`)
	countryCode = regexp.MustCompile(`^[A-Z]{2}$`)
	fipsRegion  = regexp.MustCompile(`^(us|ca)-`)
	profileName = regexp.MustCompile(`^[^\s\[\]]{1,128}$`)
)

// ownHeaders are what the adapter or HTTP itself decides.
var ownHeaders = []string{"host", "content-length", "content-type", "transfer-encoding", "connection", "te", "trailer", "upgrade", "accept", "accept-encoding", "expect"}

// secretHeaders carry keys whatever else they are called for.
var secretHeaders = []string{"authorization", "proxy-authorization", "cookie", "api-key", "x-api-key", "x-goog-api-key"}

func cleanConnectionName(name string) (string, error) {
	return label.Clean("name", name, maxConnectionName)
}

// validate returns s as it is stored for kind. Its errors name the field.
func (s Settings) validate(kind Kind) (Settings, error) {
	var clean Settings
	var err error
	switch kind {
	case KindOpenAI:
		clean, err = s.validateOpenAI()
	case KindBedrock:
		clean, err = s.validateBedrock()
	case KindDemo:
	default:
		return Settings{}, errs.InField("kind", "the kind of a connection is openai, bedrock or demo")
	}
	if err != nil {
		return Settings{}, err
	}
	if field := s.foreign(kind); field != "" {
		return Settings{}, errs.InField("settings."+field, fmt.Sprintf("a connection of kind %s has no such setting", kind))
	}
	return clean, nil
}

// foreign returns a field that is set and does not belong to kind, or "".
func (s Settings) foreign(kind Kind) string {
	for _, f := range []struct {
		name  string
		set   bool
		kinds []Kind
	}{
		{"baseUrl", s.BaseURL != "", []Kind{KindOpenAI}},
		{"headers", len(s.Headers) > 0, []Kind{KindOpenAI}},
		{"country", s.Country != "", []Kind{KindOpenAI}},
		{"region", s.Region != "", []Kind{KindBedrock}},
		{"endpoint", s.Endpoint != "", []Kind{KindBedrock}},
		{"controlEndpoint", s.ControlEndpoint != "", []Kind{KindBedrock}},
		{"stsEndpoint", s.STSEndpoint != "", []Kind{KindBedrock}},
		{"agentRuntimeEndpoint", s.AgentRuntimeEndpoint != "", []Kind{KindBedrock}},
		{"agentEndpoint", s.AgentEndpoint != "", []Kind{KindBedrock}},
		{"fips", s.FIPS, []Kind{KindBedrock}},
		{"credentials", s.Credentials != "", []Kind{KindBedrock}},
		{"profile", s.Profile != "", []Kind{KindBedrock}},
		{"roles", len(s.Roles) > 0, []Kind{KindBedrock}},
		{"caPem", s.CAPEM != "", []Kind{KindOpenAI, KindBedrock}},
		{"caFile", s.CAFile != "", []Kind{KindOpenAI, KindBedrock}},
		{"proxy", s.Proxy != "", []Kind{KindOpenAI, KindBedrock}},
		{"proxyUser", s.ProxyUser != "", []Kind{KindOpenAI, KindBedrock}},
	} {
		if f.set && !slices.Contains(f.kinds, kind) {
			return f.name
		}
	}
	return ""
}

func (s Settings) validateOpenAI() (Settings, error) {
	c := s
	if strings.TrimSpace(s.BaseURL) == "" {
		return c, errs.InField("settings.baseUrl", "give the address of the API, for example http://127.0.0.1:11434/v1")
	}
	var err error
	if c.BaseURL, err = cleanURL("settings.baseUrl", s.BaseURL, "http://llm.example.lg.jp:8000/v1"); err != nil {
		return c, err
	}
	if base, ok := strings.CutSuffix(c.BaseURL, "/chat/completions"); ok {
		return c, errs.InField("settings.baseUrl", "leave off /chat/completions: "+base)
	}
	if c.Headers, err = cleanHeaders("settings.headers", s.Headers); err != nil {
		return c, err
	}
	for name := range c.Headers {
		if slices.Contains(secretHeaders, strings.ToLower(name)) {
			return c, errs.InField("settings.headers."+name, "this header carries a secret; give it as a secret header, so that it is stored sealed and not shown again")
		}
	}
	if c.Country != "" && !countryCode.MatchString(c.Country) {
		return c, errs.InField("settings.country", "give the country in which the server stands as two letters, for example JP")
	}
	if c.Proxy, c.ProxyUser, err = cleanProxy(s.Proxy, s.ProxyUser); err != nil {
		return c, err
	}
	return c, c.validateCA()
}

func (s Settings) validateBedrock() (Settings, error) {
	c := s
	c.Region = strings.TrimSpace(s.Region)
	if !regionName.MatchString(c.Region) {
		return c, errs.InField("settings.region", "give the AWS region that is called, for example ap-northeast-1 (Tokyo) or ap-northeast-3 (Osaka)")
	}
	for _, f := range []struct {
		field   string
		value   *string
		example string
	}{
		{"settings.endpoint", &c.Endpoint, "https://vpce-0123.bedrock-runtime.ap-northeast-1.vpce.amazonaws.com"},
		{"settings.controlEndpoint", &c.ControlEndpoint, "https://vpce-0123.bedrock.ap-northeast-1.vpce.amazonaws.com"},
		{"settings.stsEndpoint", &c.STSEndpoint, "https://vpce-0123.sts.ap-northeast-1.vpce.amazonaws.com"},
		{"settings.agentRuntimeEndpoint", &c.AgentRuntimeEndpoint, "https://vpce-0123.bedrock-agent-runtime.ap-northeast-1.vpce.amazonaws.com"},
		{"settings.agentEndpoint", &c.AgentEndpoint, "https://vpce-0123.bedrock-agent.ap-northeast-1.vpce.amazonaws.com"},
	} {
		var err error
		if *f.value, err = cleanURL(f.field, *f.value, f.example); err != nil {
			return c, err
		}
	}
	if err := CheckSTS("settings.stsEndpoint", c.STSEndpoint, c.Region); err != nil {
		return c, err
	}
	if c.FIPS && !fipsRegion.MatchString(c.Region) {
		return c, errs.InField("settings.fips", "AWS has FIPS endpoints of Bedrock in regions of the United States and of Canada; for "+c.Region+", give the endpoints themselves")
	}
	var err error
	if c.Proxy, c.ProxyUser, err = cleanProxy(s.Proxy, s.ProxyUser); err != nil {
		return c, err
	}
	if c.Credentials == "" {
		c.Credentials = CredentialsDefault
	}
	switch c.Credentials {
	case CredentialsDefault, CredentialsStatic, CredentialsBearer:
		if s.Profile != "" {
			return c, errs.InField("settings.profile", "a profile is used only with credentials from a profile")
		}
	case CredentialsProfile:
		if !profileName.MatchString(c.Profile) {
			return c, errs.InField("settings.profile", "give the name of a profile in the server's AWS configuration, for example kakoi")
		}
	default:
		return c, errs.InField("settings.credentials", "credentials are default, static, profile or bearer")
	}
	if c.Credentials == CredentialsBearer && strings.HasPrefix(c.Endpoint, "http://") {
		return c, errs.InField("settings.endpoint", "a Bedrock API key is only sent over https")
	}
	if len(c.Roles) > 0 && c.Credentials == CredentialsBearer {
		return c, errs.InField("settings.roles", "a Bedrock API key cannot assume a role; use other credentials")
	}
	if c.Roles, err = cleanRoles(c.Roles, c.Region); err != nil {
		return c, err
	}
	return c, c.validateCA()
}

// CheckSTS refuses the global endpoint of STS, which a region's own replaces.
func CheckSTS(field, endpoint, region string) error {
	if host := strings.ToLower(strings.TrimSuffix(hostOf(endpoint), ".")); host != "sts.amazonaws.com" {
		return nil
	}
	own := "https://sts." + region + ".amazonaws.com"
	return errs.InField(field, "sts.amazonaws.com is the global endpoint: AWS takes its calls as made in us-east-1, wherever they come from, so that a policy which allows Japan alone denies them, "+
		"and no VPC endpoint stands for it; use the region's own, "+own).With("reason", "global_sts").With("instead", own)
}

// cleanProxy checks the address of a proxy, which is asked for hosts and has no
// path, and who logs in to it. "" stays "".
func cleanProxy(raw, user string) (address, name string, err error) {
	const field, userField, example = "settings.proxy", "settings.proxyUser", "http://proxy.example.lg.jp:8080"
	if u, err := url.Parse(strings.TrimSpace(raw)); err == nil && u.User != nil {
		return "", "", errs.InField(field, "leave name and password out of the address of the proxy; they have fields of their own, and the password is stored sealed").
			With("reason", "login")
	}
	if address, err = cleanURL(field, raw, example); err != nil {
		return "", "", err
	}
	if u, err := url.Parse(address); err != nil || u.Path != "" {
		return "", "", errs.InField(field, "the address of a proxy has no path; an example is "+example)
	}
	name = strings.TrimSpace(user)
	switch {
	case name != "" && address == "":
		return "", "", errs.InField(userField, "this name is for a proxy; give its address too")
	case len(name) > maxProxyUser || strings.Contains(name, ":") || strings.ContainsFunc(name, unprintable):
		return "", "", errs.InField(userField, "the name that a proxy asks for is one line of ASCII text without a colon")
	}
	return address, name, nil
}

// cleanURL checks the address of a server. "" stays "".
func cleanURL(field, raw, example string) (string, error) {
	raw = strings.TrimRight(strings.TrimSpace(raw), "/")
	if raw == "" {
		return "", nil
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || len(raw) > maxURL || u.Hostname() == "" || len(u.Hostname()) > maxHost || !validPort(u.Port()) || strings.ContainsFunc(raw, unprintable):
		return "", errs.InField(field, "this is not an address; an example is "+example)
	case u.Scheme != "http" && u.Scheme != "https":
		return "", errs.InField(field, "the address begins with http:// or https://, for example "+example)
	case u.User != nil:
		return "", errs.InField(field, "leave name and password out of the address; give them as secrets")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", errs.InField(field, "leave out what follows ? or #; an example is "+example)
	}
	return raw, nil
}

// validPort reports whether a port is one, or "" for the usual one.
func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

func cleanHeaders(field string, headers map[string]string) (map[string]string, error) {
	if len(headers) > maxHeaders {
		return nil, errs.InField(field, fmt.Sprintf("these are more than %d headers", maxHeaders))
	}
	clean := make(map[string]string, len(headers))
	seen := make(map[string]bool, len(headers))
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		value := strings.TrimSpace(headers[name])
		switch lower := strings.ToLower(name); {
		case !headerName.MatchString(name):
			return nil, errs.InField(field, "the name of a header consists of letters, digits and hyphens, for example X-Department")
		case slices.Contains(ownHeaders, lower):
			return nil, errs.InField(field+"."+name, "this header is set by Kakoi itself")
		case seen[lower]:
			return nil, errs.InField(field+"."+name, "this header is there twice")
		case len(value) > maxHeaderValue || strings.ContainsFunc(value, unprintable):
			return nil, errs.InField(field+"."+name, "the value of a header is one line of ASCII text")
		default:
			seen[lower] = true
			clean[name] = value
		}
	}
	if len(clean) == 0 {
		return nil, nil
	}
	return clean, nil
}

// unprintable reports what cannot stand in a header or an address.
func unprintable(r rune) bool { return r < ' ' || r > '~' }

func (s Settings) validateCA() error {
	if s.CAPEM != "" && s.CAFile != "" {
		return errs.InField("settings.caFile", "give the certificate as text or as a file, not both")
	}
	if s.CAPEM != "" {
		return checkPEM("settings.caPem", []byte(s.CAPEM))
	}
	if s.CAFile != "" && !filepath.IsAbs(s.CAFile) {
		return errs.InField("settings.caFile", "give the whole path on the server, for example /etc/ssl/certs/lgwan-ca.pem")
	}
	return nil
}

func checkPEM(field string, text []byte) error {
	if len(text) > maxCA || !x509.NewCertPool().AppendCertsFromPEM(text) {
		return errs.InField(field, "this holds no certificate; it is PEM text that begins with -----BEGIN CERTIFICATE-----")
	}
	return nil
}

// trust returns the certificates that are trusted besides the system's, or nil.
// A file is read each time a provider is made, so that it can be renewed.
func (s Settings) trust() ([]byte, error) {
	if s.CAFile == "" {
		return []byte(s.CAPEM), nil
	}
	unreadable := func(cause error) error {
		e := errs.Wrap(errs.InvalidInput, "the certificate file "+s.CAFile+" cannot be read on the server", cause)
		e.Field = "settings.caFile"
		return e
	}
	info, err := os.Stat(s.CAFile)
	if err != nil {
		return nil, unreadable(err)
	}
	if !info.Mode().IsRegular() { // a pipe or a device would be read forever
		return nil, unreadable(fmt.Errorf("mode %s", info.Mode()))
	}
	f, err := os.Open(s.CAFile)
	if err != nil {
		return nil, unreadable(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxCA+1))
	if err != nil {
		return nil, unreadable(err)
	}
	return text, checkPEM("settings.caFile", text)
}

// The addresses at which clouds lend their machines credentials.
var metadataServices = []string{
	"169.254.169.254:80", "[fd00:ec2::254]:80", // instances
	"169.254.170.2:80",                       // containers
	"169.254.170.23:80", "[fd00:ec2::23]:80", // pods
}

// destinations returns what a connection of kind with these settings reaches,
// and whether that includes metadata services.
func (s Settings) destinations(kind Kind) (allow []string, metadata bool) {
	switch kind {
	case KindOpenAI:
		return []string{destinationOf(s.BaseURL)}, false
	case KindBedrock:
		suffix := "." + s.Region + ".amazonaws.com"
		if strings.HasPrefix(s.Region, "cn-") {
			suffix += ".cn"
		}
		fips := ""
		if s.FIPS {
			fips = "-fips"
		}
		for _, e := range []struct{ override, service string }{
			{s.Endpoint, "bedrock-runtime"}, {s.ControlEndpoint, "bedrock"}, {s.STSEndpoint, "sts"},
			{s.AgentRuntimeEndpoint, "bedrock-agent-runtime"},
		} {
			if e.override != "" {
				allow = append(allow, destinationOf(e.override))
			} else {
				allow = append(allow, e.service+fips+suffix+":443")
			}
		}
		if s.AgentEndpoint != "" {
			allow = append(allow, destinationOf(s.AgentEndpoint))
		}
		for _, role := range s.Roles {
			switch {
			case role.Endpoint != "":
				allow = append(allow, destinationOf(role.Endpoint))
			case role.Region != "":
				allow = append(allow, "sts"+fips+"."+role.Region+".amazonaws.com:443")
			}
		}
		switch s.Credentials {
		case CredentialsDefault, CredentialsProfile:
			// A profile may sign in through IAM Identity Center.
			allow = append(allow, "oidc"+suffix+":443", "portal.sso"+suffix+":443")
			return append(allow, metadataServices...), true
		}
	}
	return allow, false
}

// destinationOf returns host:port of a URL that cleanURL has passed.
func destinationOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// place returns where what is sent to the model of t is processed.
func (c *Catalogue) place(t target) residency.Place {
	settings := t.connection.Settings
	switch t.connection.Kind {
	case KindOpenAI:
		return c.places.Host(hostOf(settings.BaseURL), settings.Country, t.model.RemoteID)
	case KindBedrock:
		host := hostOf(settings.Endpoint)
		place := c.places.Bedrock(host, settings.Region, t.model.RemoteID)
		if t.model.Task == TaskRerank && settings.AgentRuntimeEndpoint != "" {
			place = place.And(c.places.Bedrock(hostOf(settings.AgentRuntimeEndpoint), settings.Region, t.model.RemoteID))
		}
		if reaches := c.providers.adapters[t.connection.Kind].Reaches; reaches != nil {
			for _, also := range reaches(t.model.Options) {
				place = place.And(c.places.Bedrock(host, settings.Region, also))
			}
		}
		return place
	default:
		return residency.ThisServer()
	}
}

// Explain returns where the model of call is processed when it is called by
// connection id, and whether the policy permits that to whom and for what the
// call is. Its place is not looked at.
func (c *Catalogue) Explain(ctx context.Context, id string, call residency.Call) (residency.Decision, error) {
	connection, err := c.Connection(ctx, id)
	if err != nil {
		return residency.Decision{}, err
	}
	if err := call.Validate(); err != nil {
		return residency.Decision{}, err
	}
	call.Place = c.place(target{connection: connection, model: Model{RemoteID: call.ModelID}})
	return c.places.Judge(ctx)(call), nil
}

// ExplainModel is Explain for model id of the catalogue, with all that its
// calls reach, such as a guardrail.
func (c *Catalogue) ExplainModel(ctx context.Context, id string, call residency.Call) (residency.Decision, error) {
	if _, err := access.Authorize(ctx, access.ModelRead, access.Resource{Kind: access.KindModel, ID: id}); err != nil {
		return residency.Decision{}, err
	}
	t, err := selectTarget(ctx, c.db, id)
	if err != nil {
		return residency.Decision{}, err
	}
	call.Place, call.ModelID = c.place(t), t.model.RemoteID
	return c.places.Judge(ctx)(call), nil
}

// DraftPlace returns where what is sent to a connection that is being made is
// processed, and whether the policy permits that to everybody. ok is false
// where the connection does not tell: it cannot be right, or only the name of a
// model says it and remoteID is "".
func (c *Catalogue) DraftPlace(ctx context.Context, d ConnectionDraft, remoteID string) (decision residency.Decision, ok bool, err error) {
	if _, err := access.Authorize(ctx, access.ConnectionWrite, access.Resource{Kind: access.KindConnection}); err != nil {
		return residency.Decision{}, false, err
	}
	if settings, refused := d.Settings.validate(d.Kind); refused == nil { // else the check has said so
		decision, ok = c.decidePlace(ctx, Connection{Kind: d.Kind, Settings: settings}, remoteID)
	}
	return decision, ok, nil
}

// ConnectionPlace is DraftPlace for connection id as it would be with p.
func (c *Catalogue) ConnectionPlace(ctx context.Context, id string, p ConnectionPatch, remoteID string) (decision residency.Decision, ok bool, err error) {
	connection, err := c.Connection(ctx, id)
	if err != nil {
		return residency.Decision{}, false, err
	}
	if p.Settings == nil {
		p.Settings = &connection.Settings
	}
	return c.DraftPlace(ctx, ConnectionDraft{Kind: connection.Kind, Settings: *p.Settings}, remoteID)
}

func (c *Catalogue) decidePlace(ctx context.Context, connection Connection, remoteID string) (residency.Decision, bool) {
	place := c.place(target{connection: connection, model: Model{RemoteID: remoteID}})
	switch {
	case remoteID != "":
		return c.places.Among(ctx)(residency.Call{Place: place, ModelID: remoteID}), true
	case place.Kind == residency.Unknown || connection.Kind == KindBedrock:
		return residency.Decision{}, false
	default:
		return c.places.DecidePlace(ctx, place), true
	}
}

// hostOf returns the host of a URL that cleanURL has passed, or "".
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
