package model

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"kakoi/internal/egress"
	"kakoi/internal/errs"
)

// Secret is what a connection must keep to itself. It is stored sealed and
// never returned; printed, logged or encoded it shows nothing.
type Secret struct {
	APIKey  string            // openai
	Headers map[string]string // openai: headers whose values are secret

	AccessKeyID     string // bedrock, static
	SecretAccessKey string // bedrock, static
	SessionToken    string // bedrock, static: only with temporary keys
	BearerToken     string // bedrock, bearer

	ProxyPassword string // openai, bedrock: of Settings.ProxyUser
}

// SecretPatch changes some of a secret. A nil field stays as it is, an empty
// one is removed; so is a header with an empty value.
type SecretPatch struct {
	APIKey          *string
	Headers         map[string]string
	AccessKeyID     *string
	SecretAccessKey *string
	SessionToken    *string
	BearerToken     *string
	ProxyPassword   *string
}

const redacted = "[secret]"

// proxyPassword is the name of the one secret that goes to the proxy, and not
// through it.
const proxyPassword = "proxyPassword"

// String hides s from fmt.
func (Secret) String() string { return redacted }

// GoString hides s from fmt's %#v.
func (Secret) GoString() string { return redacted }

// LogValue hides s from logs.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON hides s from everything that encodes it; sealing does not.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// UnmarshalJSON refuses: a secret is sealed, not encoded.
func (*Secret) UnmarshalJSON([]byte) error { return fmt.Errorf("a secret has no JSON form") }

// sealedSecret is Secret as it is encoded inside the seal.
type sealedSecret Secret

func (s Secret) encode() ([]byte, error) {
	return json.Marshal(sealedSecret(s)) //nolint:gosec // it is about to be sealed
}

func decodeSecret(b []byte) (Secret, error) {
	var s sealedSecret
	err := json.Unmarshal(b, &s)
	return Secret(s), err
}

// names returns which secrets are set, sorted.
func (s Secret) names() []string {
	var names []string
	for _, f := range s.fields() {
		if *f.value != "" {
			names = append(names, f.name)
		}
	}
	for name := range s.Headers {
		names = append(names, "headers."+name)
	}
	slices.Sort(names)
	return names
}

type secretField struct {
	name  string
	value *string
}

func (s *Secret) fields() []secretField {
	return []secretField{
		{"apiKey", &s.APIKey}, {"accessKeyId", &s.AccessKeyID}, {"secretAccessKey", &s.SecretAccessKey},
		{"sessionToken", &s.SessionToken}, {"bearerToken", &s.BearerToken}, {proxyPassword, &s.ProxyPassword},
	}
}

// patched returns s changed by p.
func (s Secret) patched(p SecretPatch) Secret {
	for _, f := range []struct {
		to   *string
		from *string
	}{
		{&s.APIKey, p.APIKey}, {&s.AccessKeyID, p.AccessKeyID}, {&s.SecretAccessKey, p.SecretAccessKey},
		{&s.SessionToken, p.SessionToken}, {&s.BearerToken, p.BearerToken}, {&s.ProxyPassword, p.ProxyPassword},
	} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	headers := maps.Clone(s.Headers)
	for name, value := range p.Headers {
		for old := range headers { // a header's name has no case
			if strings.EqualFold(old, name) {
				delete(headers, old)
			}
		}
		if value != "" {
			if headers == nil {
				headers = make(map[string]string)
			}
			headers[name] = value
		}
	}
	s.Headers = headers
	return s
}

// validate returns s as it is stored: trimmed, and without what the kind of
// connection and credentials do not use.
func (s Secret) validate(kind Kind, settings Settings) (Secret, error) {
	var err error
	if s.Headers, err = cleanHeaders("secret.headers", s.Headers); err != nil {
		return s, err
	}
	for name := range s.Headers {
		if _, both := settings.Headers[name]; both {
			return s, errs.InField("secret.headers."+name, "this header is also among those that are not secret")
		}
	}
	for _, f := range s.fields() {
		*f.value = strings.TrimSpace(*f.value) // pasted with a line end
		if strings.ContainsFunc(*f.value, unprintable) || len(*f.value) > 8*maxHeaderValue {
			return s, errs.InField("secret."+f.name, "a key is one line of ASCII text; copy it again")
		}
	}
	for _, f := range s.fields() {
		if !usesSecret(kind, settings, f.name) {
			*f.value = ""
		}
	}
	if kind != KindOpenAI {
		s.Headers = nil
	}
	for _, name := range requiredSecrets(kind, settings) {
		if !slices.Contains(s.names(), name) {
			return s, missingSecret(name)
		}
	}
	return s, nil
}

func missingSecret(name string) error {
	if name == proxyPassword {
		return errs.InField("secret."+name, "this is missing: who logs in to a proxy by name has a password")
	}
	return errs.InField("secret."+name, "this is missing: the credentials that were chosen need it")
}

// usesSecret reports whether a connection uses the secret of that name.
func usesSecret(kind Kind, settings Settings, name string) bool {
	switch {
	case name == proxyPassword:
		return settings.ProxyUser != ""
	case kind == KindOpenAI:
		return name == "apiKey" || strings.HasPrefix(name, "headers.")
	case kind == KindBedrock && settings.Credentials == CredentialsStatic:
		return name == "accessKeyId" || name == "secretAccessKey" || name == "sessionToken"
	case kind == KindBedrock && settings.Credentials == CredentialsBearer:
		return name == "bearerToken"
	}
	return false
}

// requiredSecrets returns the names without which a connection cannot work.
func requiredSecrets(kind Kind, settings Settings) []string {
	var names []string
	switch {
	case kind == KindBedrock && settings.Credentials == CredentialsStatic:
		names = []string{"accessKeyId", "secretAccessKey"}
	case kind == KindBedrock && settings.Credentials == CredentialsBearer:
		names = []string{"bearerToken"}
	}
	if settings.ProxyUser != "" {
		names = append(names, proxyPassword)
	}
	return names
}

// travelling returns the first of the secrets that are sent as they are (not
// merely used to sign) and would go to another server under the new settings, or
// "". It must be entered again: a stored key is not to be had by pointing its
// connection at a server of one's own.
func travelling(kind Kind, before, after Settings, names []string) string {
	otherProxy := after.Proxy != "" && originOf(before.Proxy) != originOf(after.Proxy)
	for _, name := range names {
		sent, elsewhere := false, false
		switch {
		case name == proxyPassword:
			sent, elsewhere = after.ProxyUser != "", otherProxy
		case kind == KindOpenAI:
			// A proxy sees what is not encrypted, and with a CA of its own the rest.
			sent, elsewhere = true, otherProxy || originOf(before.BaseURL) != originOf(after.BaseURL)
		case kind == KindBedrock:
			sent, elsewhere = name == "bearerToken", otherProxy || !slices.Equal(before.bearers(), after.bearers())
		}
		if sent && elsewhere {
			return name
		}
	}
	return ""
}

// login is what the connection's proxy is told, or nothing.
func (s Secret) login(settings Settings) egress.Login {
	if settings.ProxyUser == "" {
		return egress.Login{}
	}
	return egress.Login{User: settings.ProxyUser, Password: s.ProxyPassword}
}

// bearers are the endpoints that a Bedrock API key is sent to.
func (s Settings) bearers() []string {
	return []string{originOf(s.Endpoint), originOf(s.ControlEndpoint), originOf(s.AgentRuntimeEndpoint), originOf(s.AgentEndpoint)}
}

// originOf returns scheme and destination of a URL, or "".
func originOf(raw string) string {
	if raw == "" {
		return ""
	}
	scheme, _, _ := strings.Cut(raw, "://")
	return scheme + "://" + strings.ToLower(destinationOf(raw))
}
