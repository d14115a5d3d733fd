package server

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/identity"
	"kakoi/internal/identity/factor"
	"kakoi/internal/setting"
)

// myFactor is how one stands to what is asked of second factors.
type myFactor struct {
	Requirement factor.Requirement `json:"requirement" enum:"off,optional,required"`
	Enrolled    bool               `json:"enrolled"`
	DueBy       time.Time          `json:"dueBy,omitzero" doc:"Until when one that is required and lacking may be put off."`
}

// secondFactors are those of an account.
type secondFactors struct {
	TOTP               *totp          `json:"totp,omitempty" doc:"An authenticator app; absent: there is none."`
	Passkeys           []passkeyEntry `json:"passkeys"`
	RecoveryCodes      recoveryCodes  `json:"recoveryCodes"`
	PasskeyUnavailable string         `json:"passkeyUnavailable" enum:"no_public_url,ip_address,not_https,short_name," doc:"Why there can be no passkeys under this address; empty: there can."`
}

type totp struct {
	CreatedAt  time.Time `json:"createdAt"`
	LastUsedAt time.Time `json:"lastUsedAt,omitzero" doc:"Absent if never."`
}

type passkeyEntry struct {
	ID             string    `json:"id"`
	Name           string    `json:"name"`
	Verifies       bool      `json:"verifies" doc:"The device confirms its person, so that it signs in without a password."`
	BackupEligible bool      `json:"backupEligible" doc:"May be copied to other devices of its person."`
	BackedUp       bool      `json:"backedUp"`
	ClonedAt       time.Time `json:"clonedAt,omitzero" doc:"When its counter last went backwards: there may be a copy of the key."`
	CreatedAt      time.Time `json:"createdAt"`
	LastUsedAt     time.Time `json:"lastUsedAt,omitzero" doc:"Absent if never."`
}

type recoveryCodes struct {
	Left      int       `json:"left"`
	Total     int       `json:"total" doc:"0: there is no set."`
	CreatedAt time.Time `json:"createdAt,omitzero"`
}

func passkeyOf(k factor.Passkey) passkeyEntry {
	return passkeyEntry{k.ID, k.Name, k.Verifies, k.BackupEligible, k.BackedUp, k.ClonedAt, k.CreatedAt, k.LastUsedAt}
}

func (s *Server) factorsOf(m factor.Methods) secondFactors {
	out := secondFactors{
		Passkeys: mapped(m.Passkeys, passkeyOf), RecoveryCodes: recoveryCodes(m.RecoveryCodes), PasskeyUnavailable: s.factors.Unavailable(),
	}
	if m.TOTP != nil {
		out.TOTP = &totp{m.TOTP.CreatedAt, m.TOTP.LastUsedAt}
	}
	return out
}

// secondStep is what a session that waits for its second factor may bring.
type secondStep struct {
	TOTP          bool `json:"totp"`
	Passkeys      bool `json:"passkeys"`
	RecoveryCodes bool `json:"recoveryCodes"`
}

type totpEnrolment struct {
	Enrolment string `json:"enrolment" doc:"To be brought back with the first code, within ten minutes."`
	Secret    string `json:"secret" doc:"Base32, for apps that cannot scan."`
	URI       string `json:"uri" doc:"What the picture says."`
	QRSize    int    `json:"qrSize" doc:"Squares on a side of the picture, with its margin."`
	QRPath    string `json:"qrPath" doc:"The dark squares as an SVG path."`
}

type totpConfirmation struct {
	Enrolment string `json:"enrolment" kind:"secret" minLength:"1" maxLength:"2000"`
	Code      string `json:"code" kind:"secret" minLength:"1" maxLength:"40"`
}

type enrolled struct {
	RecoveryCodes []string `json:"recoveryCodes" doc:"Shown this once; empty where there is a set already."`
}

type newPasskey struct {
	Ceremony   string          `json:"ceremony" kind:"secret" minLength:"1" maxLength:"8000"`
	Name       string          `json:"name" kind:"name" minLength:"1" maxLength:"200"`
	Credential json.RawMessage `json:"credential" kind:"blob" doc:"What navigator.credentials.create gave, as JSON."`
}

type enrolledPasskey struct {
	Passkey       passkeyEntry `json:"passkey"`
	RecoveryCodes []string     `json:"recoveryCodes" doc:"Shown this once; empty where there is a set already."`
}

type passkeyName struct {
	Name string `json:"name" kind:"name" minLength:"1" maxLength:"200"`
}

type passkeyChallenge struct {
	Ceremony string          `json:"ceremony" doc:"To be brought back with the answer."`
	Options  json.RawMessage `json:"options" doc:"For navigator.credentials, as the publicKey of WebAuthn in JSON."`
}

type passkeyAnswer struct {
	Ceremony   string          `json:"ceremony" kind:"secret" minLength:"1" maxLength:"8000"`
	Credential json.RawMessage `json:"credential" kind:"blob" doc:"What navigator.credentials.get gave, as JSON."`
}

// secondProof is one of its fields.
type secondProof struct {
	Code         string         `json:"code,omitempty" kind:"secret" maxLength:"40" doc:"Of an authenticator app."`
	RecoveryCode string         `json:"recoveryCode,omitempty" kind:"secret" maxLength:"80"`
	Passkey      *passkeyAnswer `json:"passkey,omitempty"`
}

// proof is one of its fields.
type proof struct {
	Password string         `json:"password,omitempty" kind:"secret" maxLength:"1000"`
	Code     string         `json:"code,omitempty" kind:"secret" maxLength:"40" doc:"Of an authenticator app."`
	Passkey  *passkeyAnswer `json:"passkey,omitempty"`
}

func answerOf(a *passkeyAnswer) *identity.PasskeyAnswer {
	if a == nil {
		return nil
	}
	return &identity.PasskeyAnswer{Token: a.Ceremony, Response: a.Credential}
}

type roleRequirement struct {
	Role        string             `json:"role" kind:"id" minLength:"1" maxLength:"64"`
	Requirement factor.Requirement `json:"requirement" kind:"enum" enum:"off,optional,required"`
}

// factorSettings is what is decided of second factors.
type factorSettings struct {
	Roles              []roleRequirement  `json:"roles" doc:"By the names of roles."`
	Others             factor.Requirement `json:"others" enum:"off,optional,required" doc:"Of every role that is not named."`
	GraceDays          int64              `json:"graceDays" doc:"How long what is required may be put off, from the first sign-in under it."`
	ProofMinutes       int64              `json:"proofMinutes" doc:"How long a proof is enough for what is dangerous."`
	Version            int64              `json:"version" doc:"0: nothing was decided yet."`
	ChangedBy          string             `json:"changedBy,omitempty" doc:"The account."`
	ChangedByName      string             `json:"changedByName,omitempty"`
	ChangedAt          time.Time          `json:"changedAt,omitzero"`
	PasskeyUnavailable string             `json:"passkeyUnavailable" enum:"no_public_url,ip_address,not_https,short_name," doc:"Why there can be no passkeys under this address; empty: there can."`
}

type factorSettingsChange struct {
	Roles        []roleRequirement  `json:"roles" kind:"enum" maxItems:"500"`
	Others       factor.Requirement `json:"others" kind:"enum" enum:"off,optional,required"`
	GraceDays    int64              `json:"graceDays" kind:"number" minimum:"0" maximum:"90"`
	ProofMinutes int64              `json:"proofMinutes" kind:"number" minimum:"1" maximum:"1440"`
	Version      int64              `json:"version" kind:"number" minimum:"0" doc:"That was read before."`
}

type factorReset struct {
	Reason string `json:"reason" kind:"freeText" minLength:"1" maxLength:"2000" doc:"Why, for the record."`
}

func (s *Server) factorOperations() {
	register(s, route{method: http.MethodGet, path: "/sign-in/second-factor", id: "getSecondStep", tag: "account", summary: "What one may bring to the second step of signing in."}, s.getSecondStep)
	register(s, route{method: http.MethodPost, path: "/sign-in/second-factor", id: "passSecondFactor", tag: "account", summary: "Passes the second step of signing in, with one of a code, a recovery code and a passkey."}, s.passSecondFactor)
	register(s, route{method: http.MethodPost, path: "/sign-in/passkey/challenge", id: "challengePasskeySignIn", tag: "account", public: true, summary: "Begins to sign in with a passkey alone."}, s.challengePasskeySignIn)
	register(s, route{method: http.MethodPost, path: "/sign-in/passkey", id: "signInWithPasskey", tag: "account", public: true, summary: "Opens a session for whoever has proved a passkey."}, s.signInWithPasskey)

	register(s, route{method: http.MethodPost, path: "/me/proof", id: "prove", tag: "account", summary: "Proves again who one is, with one of a password, a code and a passkey."}, s.prove)
	register(s, route{method: http.MethodPost, path: "/me/proof/challenge", id: "challengePasskey", tag: "account", summary: "Asks for one of one's passkeys."}, s.challengePasskey)
	register(s, route{method: http.MethodGet, path: "/me/second-factors", id: "getSecondFactors", tag: "account", summary: "One's second factors."}, s.getSecondFactors)
	register(s, route{method: http.MethodPost, path: "/me/totp", id: "beginTotp", tag: "account", summary: "Begins to set up an authenticator app."}, s.beginTOTP)
	register(s, route{method: http.MethodPost, path: "/me/totp/confirm", id: "confirmTotp", tag: "account", summary: "Keeps the app, once it shows a right code."}, s.confirmTOTP)
	register(s, route{method: http.MethodDelete, path: "/me/totp", id: "removeTotp", tag: "account", summary: "Takes the app away.", status: http.StatusNoContent}, s.removeTOTP)
	register(s, route{method: http.MethodPost, path: "/me/recovery-codes", id: "newRecoveryCodes", tag: "account", summary: "Makes new recovery codes; those from before stop working."}, s.newRecoveryCodes)
	register(s, route{method: http.MethodPost, path: "/me/passkeys/challenge", id: "beginPasskey", tag: "account", summary: "Begins to make a passkey."}, s.beginPasskey)
	register(s, route{method: http.MethodPost, path: "/me/passkeys", id: "addPasskey", tag: "account", summary: "Keeps the passkey that the browser made.", status: http.StatusCreated}, s.addPasskey)
	register(s, route{method: http.MethodPatch, path: "/me/passkeys/{id}", id: "renamePasskey", tag: "account", summary: "Gives a passkey another name."}, s.renamePasskey)
	register(s, route{method: http.MethodDelete, path: "/me/passkeys/{id}", id: "removePasskey", tag: "account", summary: "Takes a passkey away.", status: http.StatusNoContent}, s.removePasskey)

	register(s, route{method: http.MethodGet, path: "/admin/settings/second-factor", id: "getSecondFactorSettings", tag: "admin", needs: needs(access.SystemRead), summary: "What is decided of second factors."}, s.getFactorSettings)
	register(s, route{method: http.MethodPut, path: "/admin/settings/second-factor", id: "updateSecondFactorSettings", tag: "admin", needs: needs(access.SystemWriteSignIn), summary: "Decides of second factors, from the next request on."}, s.updateFactorSettings)
	register(s, route{method: http.MethodGet, path: "/admin/accounts/{id}/second-factors", id: "getAccountSecondFactors", tag: "admin", needs: needs(access.AccountRead), summary: "The second factors of an account."}, s.getAccountFactors)
	register(s, route{method: http.MethodPost, path: "/admin/accounts/{id}/second-factors/reset", id: "resetSecondFactors", tag: "admin", needs: needs(access.AccountResetSecondFactor), summary: "Takes all second factors of an account away and ends its sessions, for a stated reason."}, s.resetFactors)
}

func (s *Server) getSecondStep(ctx context.Context, _ *none) (*body[secondStep], error) {
	m, err := s.identity.SecondStep(ctx)
	if err != nil {
		return nil, err
	}
	return ok(secondStep{
		TOTP: m.TOTP != nil, Passkeys: len(m.Passkeys) > 0 && s.factors.Unavailable() == "", RecoveryCodes: m.RecoveryCodes.Left > 0,
	}), nil
}

func (s *Server) passSecondFactor(ctx context.Context, in *struct{ Body secondProof }) (*signedIn, error) {
	opened, err := s.identity.PassSecondFactor(ctx, identity.Proof{
		Code: in.Body.Code, RecoveryCode: in.Body.RecoveryCode, Passkey: answerOf(in.Body.Passkey),
	}, s.client(ctx))
	return s.opened(opened, err)
}

func challengeOf(c factor.Challenge, err error) (*body[passkeyChallenge], error) {
	if err != nil {
		return nil, err
	}
	return ok(passkeyChallenge{c.Token, c.Options}), nil
}

func (s *Server) challengePasskeySignIn(ctx context.Context, _ *none) (*body[passkeyChallenge], error) {
	return challengeOf(s.factors.BeginAlone(ctx))
}

func (s *Server) signInWithPasskey(ctx context.Context, in *struct{ Body passkeyAnswer }) (*signedIn, error) {
	opened, err := s.identity.SignInWithPasskey(ctx, *answerOf(&in.Body), s.client(ctx))
	return s.opened(opened, err)
}

func (s *Server) prove(ctx context.Context, in *struct{ Body proof }) (*none, error) {
	return nil, s.identity.Prove(ctx, identity.Proof{
		Password: in.Body.Password, Code: in.Body.Code, Passkey: answerOf(in.Body.Passkey),
	}, s.client(ctx))
}

func (s *Server) challengePasskey(ctx context.Context, _ *none) (*body[passkeyChallenge], error) {
	return challengeOf(s.identity.BeginPasskeyProof(ctx))
}

func (s *Server) getSecondFactors(ctx context.Context, _ *none) (*body[secondFactors], error) {
	m, err := s.factors.Methods(ctx)
	if err != nil {
		return nil, err
	}
	return ok(s.factorsOf(m)), nil
}

func (s *Server) beginTOTP(ctx context.Context, _ *none) (*body[totpEnrolment], error) {
	e, err := s.factors.BeginTOTP(ctx)
	if err != nil {
		return nil, err
	}
	return ok(totpEnrolment{e.Token, e.Secret, e.URI, e.QR.Size, e.QR.Path}), nil
}

func (s *Server) confirmTOTP(ctx context.Context, in *struct{ Body totpConfirmation }) (*body[enrolled], error) {
	codes, err := s.identity.ConfirmTOTP(ctx, in.Body.Enrolment, in.Body.Code)
	if err != nil {
		return nil, err
	}
	return ok(enrolled{orEmpty(codes)}), nil
}

func (s *Server) removeTOTP(ctx context.Context, _ *none) (*none, error) {
	return nil, s.factors.RemoveTOTP(ctx)
}

func (s *Server) newRecoveryCodes(ctx context.Context, _ *none) (*body[enrolled], error) {
	codes, err := s.factors.NewRecoveryCodes(ctx)
	if err != nil {
		return nil, err
	}
	return ok(enrolled{codes}), nil
}

func (s *Server) beginPasskey(ctx context.Context, _ *none) (*body[passkeyChallenge], error) {
	return challengeOf(s.factors.BeginPasskey(ctx))
}

func (s *Server) addPasskey(ctx context.Context, in *struct{ Body newPasskey }) (*body[enrolledPasskey], error) {
	key, codes, err := s.identity.AddPasskey(ctx, in.Body.Ceremony, in.Body.Name, in.Body.Credential)
	if err != nil {
		return nil, err
	}
	return ok(enrolledPasskey{passkeyOf(key), orEmpty(codes)}), nil
}

func (s *Server) renamePasskey(ctx context.Context, in *struct {
	IDInput
	Body passkeyName
}) (*body[passkeyEntry], error) {
	key, err := s.factors.RenamePasskey(ctx, in.ID, in.Body.Name)
	if err != nil {
		return nil, err
	}
	return ok(passkeyOf(key)), nil
}

func (s *Server) removePasskey(ctx context.Context, in *IDInput) (*none, error) {
	return nil, s.factors.RemovePasskey(ctx, in.ID)
}

func (s *Server) factorSettingsOf(k setting.Kept[factor.Policy]) factorSettings {
	out := factorSettings{
		Roles: []roleRequirement{}, Others: k.Value.Others, GraceDays: k.Value.GraceDays, ProofMinutes: k.Value.ProofMinutes,
		Version: k.Version, ChangedBy: k.ChangedBy, ChangedByName: k.ChangedByName, ChangedAt: k.ChangedAt, PasskeyUnavailable: s.factors.Unavailable(),
	}
	for _, role := range slices.SortedFunc(maps.Keys(k.Value.Roles), cmp.Compare) {
		out.Roles = append(out.Roles, roleRequirement{role, k.Value.Roles[role]})
	}
	return out
}

func (s *Server) getFactorSettings(ctx context.Context, _ *none) (*body[factorSettings], error) {
	k, err := s.factors.Policy.Read(ctx)
	if err != nil {
		return nil, err
	}
	return ok(s.factorSettingsOf(k)), nil
}

func (s *Server) updateFactorSettings(ctx context.Context, in *struct{ Body factorSettingsChange }) (*body[factorSettings], error) {
	b := in.Body
	p := factor.Policy{Roles: map[string]factor.Requirement{}, Others: b.Others, GraceDays: b.GraceDays, ProofMinutes: b.ProofMinutes}
	for _, r := range b.Roles {
		p.Roles[r.Role] = r.Requirement
	}
	k, err := s.factors.Policy.Write(ctx, b.Version, p)
	if err != nil {
		return nil, err
	}
	return ok(s.factorSettingsOf(k)), nil
}

func (s *Server) getAccountFactors(ctx context.Context, in *IDInput) (*body[secondFactors], error) {
	m, err := s.identity.SecondFactors(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ok(s.factorsOf(m)), nil
}

func (s *Server) resetFactors(ctx context.Context, in *struct {
	IDInput
	Body factorReset
}) (*body[ended], error) {
	n, err := s.identity.ResetSecondFactor(ctx, in.ID, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return ok(ended{n}), nil
}

// pendingOf names the steps that a session has still to pass.
func pendingOf(p access.Principal) []string {
	return mapped(p.Pending, func(s access.Step) string { return string(s) })
}
