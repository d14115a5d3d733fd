// Package passkey speaks WebAuthn for second factors: it asks browsers for
// passkeys and verifies their answers. It keeps nothing.
package passkey

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"

	"kakoi/internal/identity/factor"
)

// The reasons why there can be no passkeys.
const (
	NoPublicURL = "no_public_url"
	IPAddress   = "ip_address"
	NotHTTPS    = "not_https"
	ShortName   = "short_name" // without a dot, which the library takes for no domain
)

// Party is the site that passkeys belong to. Its name and address come from the
// configuration, never from a request.
type Party struct {
	web    *webauthn.WebAuthn // nil where there can be none
	reason string
}

// New returns the party at publicURL, an origin or "".
func New(publicURL string) (*Party, error) {
	u, err := url.Parse(publicURL)
	if err != nil {
		return nil, fmt.Errorf("read the public address: %w", err)
	}
	host := u.Hostname()
	local := host == "localhost" || strings.HasSuffix(host, ".localhost") // browsers trust it without https
	switch _, notAddress := netip.ParseAddr(host); {
	case host == "":
		return &Party{reason: NoPublicURL}, nil
	case notAddress == nil:
		return &Party{reason: IPAddress}, nil
	case u.Scheme != "https" && !local:
		return &Party{reason: NotHTTPS}, nil
	case !isDomain(host):
		return &Party{reason: ShortName}, nil
	}
	web, err := webauthn.New(&webauthn.Config{
		RPID: host, RPDisplayName: "Kakoi", RPOrigins: []string{u.Scheme + "://" + u.Host},
		AttestationPreference: protocol.PreferNoAttestation,
	})
	if err != nil {
		return nil, fmt.Errorf("set up passkeys for %s: %w", publicURL, err)
	}
	return &Party{web: web}, nil
}

// isDomain reports whether browsers tie passkeys to host.
func isDomain(host string) bool { return protocol.ValidateRPID(host) == nil }

// Unavailable implements factor.Keys.
func (p *Party) Unavailable() string { return p.reason }

// user is an owner as the library asks for it. The handle that devices keep is
// the account's id, which says nothing of the person.
type user struct {
	factor.Owner
	credentials []webauthn.Credential
}

// WebAuthnID implements webauthn.User.
func (u user) WebAuthnID() []byte {
	id, err := uuid.Parse(u.ID)
	if err != nil {
		return []byte(u.ID)
	}
	return id[:]
}

// WebAuthnName implements webauthn.User.
func (u user) WebAuthnName() string { return u.Email }

// WebAuthnDisplayName implements webauthn.User.
func (u user) WebAuthnDisplayName() string { return u.Name }

// WebAuthnCredentials implements webauthn.User.
func (u user) WebAuthnCredentials() []webauthn.Credential { return u.credentials }

func userOf(o factor.Owner, have ...[]byte) (user, error) {
	u := user{Owner: o}
	for _, record := range have {
		var c webauthn.Credential
		if err := json.Unmarshal(record, &c); err != nil {
			return user{}, fmt.Errorf("read a passkey: %w", err)
		}
		u.credentials = append(u.credentials, c)
	}
	return u, nil
}

// BeginCreation implements factor.Keys.
func (p *Party) BeginCreation(o factor.Owner, have [][]byte) (json.RawMessage, []byte, error) {
	u, err := userOf(o, have...)
	if err != nil {
		return nil, nil, err
	}
	creation, session, err := p.web.BeginRegistration(u,
		webauthn.WithExclusions(webauthn.Credentials(u.credentials).CredentialDescriptors()),
		// A key that can do neither is still a second factor.
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementPreferred, UserVerification: protocol.VerificationPreferred,
		}),
	)
	if err != nil {
		return nil, nil, err
	}
	return both(creation.Response, session)
}

func both(options any, session *webauthn.SessionData) (json.RawMessage, []byte, error) {
	question, err := json.Marshal(options)
	if err != nil {
		return nil, nil, err
	}
	state, err := json.Marshal(session)
	return question, state, err
}

// FinishCreation implements factor.Keys.
func (p *Party) FinishCreation(o factor.Owner, state []byte, response json.RawMessage) (factor.Credential, error) {
	var session webauthn.SessionData
	if err := json.Unmarshal(state, &session); err != nil {
		return factor.Credential{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return factor.Credential{}, explained(err)
	}
	c, err := p.web.CreateCredential(user{Owner: o}, session, parsed)
	if err != nil {
		return factor.Credential{}, explained(err)
	}
	return shown(c, c.Flags.UserVerified)
}

// BeginAssertion implements factor.Keys.
func (p *Party) BeginAssertion(o *factor.Owner, have [][]byte) (json.RawMessage, []byte, error) {
	if o == nil {
		assertion, session, err := p.web.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
		if err != nil {
			return nil, nil, err
		}
		return both(assertion.Response, session)
	}
	u, err := userOf(*o, have...)
	if err != nil {
		return nil, nil, err
	}
	assertion, session, err := p.web.BeginLogin(u, webauthn.WithUserVerification(protocol.VerificationPreferred))
	if err != nil {
		return nil, nil, err
	}
	return both(assertion.Response, session)
}

// FinishAssertion implements factor.Keys.
func (p *Party) FinishAssertion(state []byte, response json.RawMessage, find func([]byte) (factor.Owner, []byte, error)) (factor.Credential, error) {
	var session webauthn.SessionData
	if err := json.Unmarshal(state, &session); err != nil {
		return factor.Credential{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return factor.Credential{}, explained(err)
	}
	owner, record, err := find(parsed.RawID)
	if err != nil {
		return factor.Credential{}, err
	}
	u, err := userOf(owner, record)
	if err != nil {
		return factor.Credential{}, err
	}
	var c *webauthn.Credential
	if len(session.UserID) == 0 {
		c, err = p.web.ValidateDiscoverableLogin(func(_, handle []byte) (webauthn.User, error) {
			if string(handle) != string(u.WebAuthnID()) {
				return nil, fmt.Errorf("the passkey is of another account")
			}
			return u, nil
		}, session, parsed)
	} else {
		// What was asked for may have been removed since: only this one counts.
		session.AllowedCredentialIDs = [][]byte{parsed.RawID}
		c, err = p.web.ValidateLogin(u, session, parsed)
	}
	if err != nil {
		return factor.Credential{}, explained(err)
	}
	return shown(c, parsed.Response.AuthenticatorData.Flags.HasUserVerified())
}

func shown(c *webauthn.Credential, verified bool) (factor.Credential, error) {
	cloned := c.Authenticator.CloneWarning
	c.Authenticator.CloneWarning = false // of this once; it is noted beside the record
	record, err := json.Marshal(c)
	return factor.Credential{
		ID: c.ID, Record: record, SignCount: c.Authenticator.SignCount, Verified: verified,
		BackupEligible: c.Flags.BackupEligible, BackedUp: c.Flags.BackupState, Cloned: cloned,
	}, err
}

// explained puts what the library keeps for developers into the error, which is
// for the log.
func explained(err error) error {
	if e, ok := err.(*protocol.Error); ok { //nolint:errorlint // the library returns it bare
		return fmt.Errorf("%s: %s: %s", e.Type, e.Details, e.DevInfo)
	}
	return err
}
