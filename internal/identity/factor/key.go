package factor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/label"
)

// Passkey is a passkey or security key of an account.
type Passkey struct {
	ID             string
	Name           string
	Verifies       bool // the device confirms its person: it signs in without a password
	BackupEligible bool // may be copied to other devices of its person
	BackedUp       bool
	ClonedAt       time.Time // when its counter last went backwards; zero if never
	CreatedAt      time.Time
	LastUsedAt     time.Time // zero if never

	credentialID []byte
	record       []byte
	signCount    uint32
}

// Keys speaks WebAuthn. What it calls a state it gets back unchanged, and
// nobody else reads it; what it calls a record is a credential as it keeps it.
type Keys interface {
	// Unavailable says why there can be no passkeys here, as a reason of
	// PasskeyUnavailable, or "".
	Unavailable() string
	// BeginCreation returns what the browser is asked for a new passkey, apart
	// from the devices that have one already.
	BeginCreation(o Owner, have [][]byte) (options json.RawMessage, state []byte, err error)
	// FinishCreation reads the browser's answer.
	FinishCreation(o Owner, state []byte, response json.RawMessage) (Credential, error)
	// BeginAssertion asks for one of the records of o, or for any passkey whose
	// device confirms its person if o is nil.
	BeginAssertion(o *Owner, have [][]byte) (options json.RawMessage, state []byte, err error)
	// FinishAssertion reads the browser's answer. find returns whose a
	// credential is, and its record.
	FinishAssertion(state []byte, response json.RawMessage, find func(credentialID []byte) (Owner, []byte, error)) (Credential, error)
}

// Credential is what the browser's answer has shown.
type Credential struct {
	ID             []byte
	Record         []byte
	SignCount      uint32
	Verified       bool // the device has confirmed its person
	BackupEligible bool
	BackedUp       bool
	Cloned         bool // its counter did not go on: there may be a copy
}

const (
	purposeCreation = "create_passkey"
	purposeSecond   = "second_passkey"
	purposeAlone    = "alone_passkey"

	maxKeys    = 20
	maxKeyName = 60
)

// Unavailable says why there can be no passkeys here, or "".
func (s *Service) Unavailable() string { return s.keys.Unavailable() }

func (s *Service) available() error {
	if reason := s.keys.Unavailable(); reason != "" {
		return errs.New(errs.PasskeyUnavailable, "passkeys need this site to have a name and https, set as http.publicUrl").With("reason", reason)
	}
	return nil
}

func keyFailed(cause error) error {
	return errs.Wrap(errs.PasskeyFailed, "this passkey was not accepted", cause)
}

// Challenge is a question to the browser, in the words of WebAuthn, and what to
// bring back with its answer.
type Challenge struct {
	Token   string
	Options json.RawMessage
}

func (s *Service) challenge(purpose, accountID string, options json.RawMessage, state []byte, err error) (Challenge, error) {
	if err != nil {
		return Challenge{}, fmt.Errorf("ask for a passkey: %w", err)
	}
	token, err := s.begin(purpose, accountID, state)
	return Challenge{Token: token, Options: options}, err
}

func records(keys []Passkey) [][]byte {
	out := make([][]byte, len(keys))
	for i, k := range keys {
		out[i] = k.record
	}
	return out
}

// BeginPasskey asks the browser of the person who asks for a new passkey.
func (s *Service) BeginPasskey(ctx context.Context) (Challenge, error) {
	p, err := authorize(ctx, access.AccountEnrolSecondFactor)
	if err != nil {
		return Challenge{}, err
	}
	if err := s.mayEnrol(ctx, p); err != nil {
		return Challenge{}, err
	}
	if err := s.available(); err != nil {
		return Challenge{}, err
	}
	owner, err := selectOwner(ctx, s.db, p.AccountID)
	if err != nil {
		return Challenge{}, err
	}
	have, err := selectPasskeys(ctx, s.db, p.AccountID)
	if err != nil {
		return Challenge{}, err
	}
	if len(have) >= maxKeys {
		return Challenge{}, errs.Newf(errs.Conflict, "an account has at most %d passkeys", maxKeys).With("reason", "passkeys_full").With("limit", strconv.Itoa(maxKeys))
	}
	options, state, err := s.keys.BeginCreation(owner, records(have))
	return s.challenge(purposeCreation, p.AccountID, options, state, err)
}

// AddPasskey keeps the passkey that the browser made. It returns recovery codes
// if the account has none yet. then takes part in its transaction. Its error
// has code PasskeyFailed.
func (s *Service) AddPasskey(ctx context.Context, token, name string, response json.RawMessage, then func(ctx context.Context) error) (Passkey, []string, error) {
	p, err := authorize(ctx, access.AccountEnrolSecondFactor)
	if err != nil {
		return Passkey{}, nil, err
	}
	if err := s.mayEnrol(ctx, p); err != nil {
		return Passkey{}, nil, err
	}
	if name, err = label.Clean("name", name, maxKeyName); err != nil {
		return Passkey{}, nil, err
	}
	set, err := s.drawCodes(ctx)
	if err != nil {
		return Passkey{}, nil, err
	}
	var key Passkey
	var codes []string
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		owner, err := selectOwner(ctx, tx, p.AccountID)
		if err != nil {
			return err
		}
		state, ok, err := s.finish(ctx, tx, purposeCreation, p.AccountID, token)
		if err != nil {
			return err
		}
		if !ok {
			return keyFailed(errCeremony)
		}
		made, err := s.keys.FinishCreation(owner, state, response)
		if err != nil {
			return keyFailed(err)
		}
		key = Passkey{
			ID: db.NewID(), Name: name, Verifies: made.Verified, BackupEligible: made.BackupEligible, BackedUp: made.BackedUp,
			CreatedAt: stored(s.now()), credentialID: made.ID, record: made.Record, signCount: made.SignCount,
		}
		if err := insertPasskey(ctx, tx, p.AccountID, key); err != nil {
			return err
		}
		details := map[string]string{"passkey_id": key.ID, "name": name, "verifies": strconv.FormatBool(key.Verifies), "backup_eligible": strconv.FormatBool(key.BackupEligible)}
		if err := s.record(ctx, auditAddPasskey, p.AccountID, details); err != nil {
			return err
		}
		if codes, err = s.firstCodes(ctx, tx, p.AccountID, set); err != nil {
			return err
		}
		return then(ctx)
	})
	if err != nil {
		return Passkey{}, nil, err
	}
	return key, codes, nil
}

var errCeremony = errors.New("what was begun is not ours, has expired, or was finished already")

// RenamePasskey gives one of the passkeys of the person who asks another name.
func (s *Service) RenamePasskey(ctx context.Context, id, name string) (Passkey, error) {
	p, err := authorize(ctx, access.AccountWriteSecondFactor)
	if err != nil {
		return Passkey{}, err
	}
	if name, err = label.Clean("name", name, maxKeyName); err != nil {
		return Passkey{}, err
	}
	var key Passkey
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		if key, err = selectPasskey(ctx, tx, p.AccountID, id); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE passkeys SET name = $1 WHERE id = $2 AND account_id = $3`, name, id, p.AccountID); err != nil {
			return fmt.Errorf("rename passkey %s: %w", id, err)
		}
		details := map[string]string{"passkey_id": id, "name_from": key.Name, "name_to": name}
		key.Name = name
		return s.record(ctx, auditRenamePasskey, p.AccountID, details)
	})
	return key, err
}

// RemovePasskey takes one of the passkeys of the person who asks away.
func (s *Service) RemovePasskey(ctx context.Context, id string) error {
	p, err := authorize(ctx, access.AccountWriteSecondFactor)
	if err != nil {
		return err
	}
	return s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		key, err := selectPasskey(ctx, tx, p.AccountID, id)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM passkeys WHERE id = $1 AND account_id = $2`, id, p.AccountID); err != nil {
			return fmt.Errorf("remove passkey %s: %w", id, err)
		}
		left, err := selectMethods(ctx, tx, p.AccountID)
		if err != nil {
			return err
		}
		if err := s.mayRemove(ctx, p, left); err != nil {
			return err
		}
		if err := s.forgetCodesOf(ctx, tx, p.AccountID, left); err != nil {
			return err
		}
		return s.record(ctx, auditRemovePasskey, p.AccountID, map[string]string{"passkey_id": id, "name": key.Name})
	})
}

// BeginCheck asks the browser for one of the passkeys of an account.
func (s *Service) BeginCheck(ctx context.Context, accountID string) (Challenge, error) {
	if err := s.available(); err != nil {
		return Challenge{}, err
	}
	owner, err := selectOwner(ctx, s.db, accountID)
	if err != nil {
		return Challenge{}, err
	}
	have, err := selectPasskeys(ctx, s.db, accountID)
	if err != nil {
		return Challenge{}, err
	}
	if len(have) == 0 {
		return Challenge{}, keyFailed(errors.New("the account has none"))
	}
	options, state, err := s.keys.BeginAssertion(&owner, records(have))
	return s.challenge(purposeSecond, accountID, options, state, err)
}

// BeginAlone asks the browser for any passkey that can be the only factor.
func (s *Service) BeginAlone(context.Context) (Challenge, error) {
	if err := s.available(); err != nil {
		return Challenge{}, err
	}
	options, state, err := s.keys.BeginAssertion(nil, nil)
	return s.challenge(purposeAlone, "", options, state, err)
}

// CheckPasskey returns nil if the browser has proved one of the passkeys of an
// account. The error has code PasskeyFailed.
func (s *Service) CheckPasskey(ctx context.Context, accountID, token string, response json.RawMessage) error {
	_, err := s.check(ctx, purposeSecond, accountID, token, response)
	return err
}

// CheckAlone returns whose passkey the browser has proved; the device has
// confirmed its person. The error has code PasskeyFailed.
func (s *Service) CheckAlone(ctx context.Context, token string, response json.RawMessage) (accountID string, err error) {
	return s.check(ctx, purposeAlone, "", token, response)
}

// check proves a passkey, in the transaction of ctx if there is one.
func (s *Service) check(ctx context.Context, purpose, accountID, token string, response json.RawMessage) (string, error) {
	if err := s.available(); err != nil {
		return "", err
	}
	whose := ""
	err := s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		state, ok, err := s.finish(ctx, tx, purpose, accountID, token)
		if err != nil {
			return err
		}
		if !ok {
			return keyFailed(errCeremony)
		}
		var key Passkey
		var broken error // the store's failure, which is not the passkey's
		shown, err := s.keys.FinishAssertion(state, response, func(credentialID []byte) (Owner, []byte, error) {
			var found bool
			key, whose, found, broken = selectByCredential(ctx, tx, credentialID)
			if broken != nil {
				return Owner{}, nil, broken
			}
			if !found || accountID != "" && whose != accountID {
				return Owner{}, nil, errors.New("nobody has this passkey, or somebody else")
			}
			var owner Owner
			owner, broken = selectOwner(ctx, tx, whose)
			return owner, key.record, broken
		})
		if broken != nil {
			return broken
		}
		if err != nil {
			return keyFailed(err)
		}
		if purpose == purposeAlone && !shown.Verified {
			return keyFailed(errors.New("the device has not confirmed its person"))
		}
		won, err := usePasskey(ctx, tx, key, shown, s.now())
		if err != nil {
			return err
		}
		if !won {
			return keyFailed(errors.New("it was used by somebody else in the same moment"))
		}
		if shown.Cloned {
			return s.record(ctx, auditClonedPasskey, whose, map[string]string{"passkey_id": key.ID, "name": key.Name})
		}
		return nil
	})
	return whose, err
}
