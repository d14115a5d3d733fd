// Package factor keeps what a person proves who they are with beside a
// password: an authenticator app (TOTP), passkeys, recovery codes, and the
// policy that asks for them.
//
// It checks proofs and knows no sessions: identity decides what a proof opens,
// and slows down those who guess.
package factor

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/secret"
	"kakoi/internal/setting"
)

// Options are what a Service is made from.
type Options struct {
	DB       *db.DB
	Secrets  *secret.Sealer
	Audit    *audit.Log
	Settings *setting.Service
	Keys     Keys
	Site     string           // host of the installation, for the list in an app; "" where none is configured
	Now      func() time.Time // nil is time.Now
	Random   io.Reader        // nil is crypto/rand
	// Hash is the slow hash of recovery codes; nil is argon2id, as for passwords.
	Hash func(ctx context.Context, code string, salt []byte) ([]byte, error)
}

// Service keeps the second factors of the people of one installation. It is
// safe for concurrent use.
type Service struct {
	// Policy is what the organisation has decided.
	Policy *setting.Document[Policy]

	db      *db.DB
	secrets *secret.Sealer
	audit   *audit.Log
	keys    Keys
	site    string
	now     func() time.Time
	random  io.Reader
	hash    func(ctx context.Context, code string, salt []byte) ([]byte, error)
}

// New returns a Service over o.
func New(o Options) *Service {
	s := &Service{db: o.DB, secrets: o.Secrets, audit: o.Audit, keys: o.Keys, site: o.Site, now: o.Now, random: o.Random, hash: o.Hash}
	if s.now == nil {
		s.now = time.Now
	}
	if s.random == nil {
		s.random = rand.Reader
	}
	if s.hash == nil {
		s.hash = argon()
	}
	s.Policy = setting.Define(o.Settings, setting.Definition[Policy]{
		Name: "second_factor", Initial: InitialPolicy(), Check: checkPolicy, Guard: access.SystemWriteSignIn,
		Details: func(before, after Policy) map[string]string {
			return map[string]string{"policy": after.String(), "policy_before": before.String()}
		},
	})
	return s
}

// Owner is whose factors they are, as a device shows it.
type Owner struct {
	ID    string
	Email string
	Name  string
}

// Methods are the second factors of an account.
type Methods struct {
	TOTP          *TOTP // nil: there is none
	Passkeys      []Passkey
	RecoveryCodes RecoveryCodes
}

// Enrolled reports whether there is a second factor. Recovery codes alone are
// none.
func (m Methods) Enrolled() bool { return m.TOTP != nil || len(m.Passkeys) > 0 }

// TOTP is an authenticator app.
type TOTP struct {
	CreatedAt  time.Time
	LastUsedAt time.Time // zero if never
}

// RecoveryCodes says how many there are.
type RecoveryCodes struct {
	Left      int
	Total     int // 0: there is no set
	CreatedAt time.Time
}

// The actions of this package as the audit log names them.
const (
	auditEnrolTOTP     = "account.enrol_totp"
	auditRemoveTOTP    = "account.remove_totp"
	auditAddPasskey    = "account.add_passkey"
	auditRenamePasskey = "account.rename_passkey"
	auditRemovePasskey = "account.remove_passkey"
	auditClonedPasskey = "account.passkey_cloned"
	auditRecoveryCodes = "account.new_recovery_codes"
	auditRecoveryUsed  = "account.use_recovery_code"
)

func (s *Service) record(ctx context.Context, action, accountID string, details map[string]string) error {
	return s.audit.Record(ctx, audit.Event{
		Action: action, Resource: audit.Resource{Kind: string(access.KindAccount), ID: accountID}, Details: details,
	})
}

func authorize(ctx context.Context, a access.Action) (access.Principal, error) {
	p, err := access.Arrived(ctx)
	if err != nil {
		return access.Principal{}, err
	}
	return p, access.Decide(p, a, access.Resource{Kind: access.KindAccount, ID: p.AccountID, OwnerID: p.AccountID})
}

// Methods returns those of the person who asks.
func (s *Service) Methods(ctx context.Context) (Methods, error) {
	p, err := authorize(ctx, access.AccountReadSecondFactor)
	if err != nil {
		return Methods{}, err
	}
	return selectMethods(ctx, s.db, p.AccountID)
}

// Having returns those of an account, for whoever is about to prove one or looks
// after the account. It asks nobody.
func (s *Service) Having(ctx context.Context, accountID string) (Methods, error) {
	return selectMethods(ctx, s.db, accountID)
}

// Clear takes away all factors of an account, in the transaction of ctx, and
// returns what there was. It asks nobody and records nothing: whoever resets
// does.
func (s *Service) Clear(ctx context.Context, accountID string) (Methods, error) {
	var had Methods
	err := s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		if had, err = selectMethods(ctx, tx, accountID); err != nil {
			return err
		}
		return deleteAll(ctx, tx, accountID)
	})
	return had, err
}

// Sweep removes what was finished so long ago that it has expired anyway.
func (s *Service) Sweep(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM spent_ceremonies WHERE expires_at <= $1`, s.now().UnixMilli()); err != nil {
		return fmt.Errorf("sweep ceremonies: %w", err)
	}
	return nil
}

// mayEnrol returns the policy's refusal where second factors are off.
func (s *Service) mayEnrol(ctx context.Context, p access.Principal) error {
	policy, err := s.Policy.Now(ctx)
	if err != nil {
		return err
	}
	if policy.For(p.RoleNames()...) == Off {
		return errs.New(errs.Conflict, "second factors are switched off for this role").With("reason", "second_factor_off")
	}
	return nil
}

// mayRemove returns a refusal if the account would be left without the second
// factor that the policy asks of it.
func (s *Service) mayRemove(ctx context.Context, p access.Principal, left Methods) error {
	if left.Enrolled() {
		return nil
	}
	policy, err := s.Policy.Now(ctx)
	if err != nil {
		return err
	}
	if policy.For(p.RoleNames()...) == Required {
		return errs.New(errs.Conflict, "your role needs a second factor; add another one first").With("reason", "second_factor_last")
	}
	return nil
}

// ceremonyFor is how long one has to finish what was begun.
const ceremonyFor = 10 * time.Minute

// ceremony is what was begun, as the browser keeps it for us, sealed: beginning
// costs the store nothing, whoever does it how often.
type ceremony struct {
	State     []byte `json:"s"`
	ExpiresAt int64  `json:"e"`
}

func place(purpose, accountID string) string { return secret.Place("ceremonies", accountID, purpose) }

func (s *Service) begin(purpose, accountID string, state []byte) (string, error) {
	body, err := json.Marshal(ceremony{state, s.now().Add(ceremonyFor).UnixMilli()})
	if err != nil {
		return "", fmt.Errorf("begin %s: %w", purpose, err)
	}
	sealed, err := s.secrets.Seal(body, place(purpose, accountID))
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// finish returns what was begun and marks it spent, in tx. It reports false for
// what is not ours, of somebody else, expired or spent.
func (s *Service) finish(ctx context.Context, tx *db.Tx, purpose, accountID, token string) ([]byte, bool, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, false, nil //nolint:nilerr // nobody's token
	}
	body, err := s.secrets.Open(sealed, place(purpose, accountID))
	if err != nil {
		return nil, false, nil //nolint:nilerr // sealed elsewhere, or for something else
	}
	var c ceremony
	if err := json.Unmarshal(body, &c); err != nil {
		return nil, false, fmt.Errorf("finish %s: %w", purpose, err)
	}
	if s.now().UnixMilli() >= c.ExpiresAt {
		return nil, false, nil
	}
	hash := sha256.Sum256(sealed)
	const spend = `INSERT INTO spent_ceremonies (hash, expires_at) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING RETURNING expires_at`
	spent, err := db.Column[int64](ctx, tx, spend, hash[:], c.ExpiresAt)
	if err != nil {
		return nil, false, fmt.Errorf("finish %s: %w", purpose, err)
	}
	return c.State, len(spent) == 1, nil
}

func failed(reason, message string) error {
	err := errs.New(errs.SecondFactorFailed, message)
	if reason != "" {
		err = err.With("reason", reason)
	}
	err.Field = "code"
	return err
}

func stored(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }
