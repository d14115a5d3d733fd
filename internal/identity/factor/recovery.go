package factor

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/errs"
)

// A set of recovery codes: ten of ten letters, which are some 49 bits behind a
// slow hash.
const (
	recoveryCodes  = 10
	recoveryLength = 10
	recoverySalt   = 16
	recoveryHash   = 32
)

// recoveryAlphabet leaves out what is mistaken for something else on paper.
const recoveryAlphabet = "abcdefghjkmnpqrstuvwxyz23456789"

// The work of one argon2id hash; that of passwords is the same.
const (
	hashPasses = 2
	hashKiB    = 19 * 1024
)

// codeSet is a set that was drawn and is not kept yet.
type codeSet struct {
	codes  []string
	salt   []byte
	hashes [][]byte
}

// drawCodes makes a set. It takes a while, and belongs before a transaction.
func (s *Service) drawCodes(ctx context.Context) (codeSet, error) {
	set := codeSet{salt: make([]byte, recoverySalt)}
	if _, err := io.ReadFull(s.random, set.salt); err != nil {
		return codeSet{}, fmt.Errorf("read randomness: %w", err)
	}
	const fair = 256 - 256%len(recoveryAlphabet) // bytes from here on would favour some letters
	b := make([]byte, 1)
	for range recoveryCodes {
		var letters strings.Builder
		for letters.Len() < recoveryLength {
			if _, err := io.ReadFull(s.random, b); err != nil {
				return codeSet{}, fmt.Errorf("read randomness: %w", err)
			}
			if int(b[0]) < fair {
				letters.WriteByte(recoveryAlphabet[int(b[0])%len(recoveryAlphabet)])
			}
		}
		plain := letters.String()
		hash, err := s.hash(ctx, plain, set.salt)
		if err != nil {
			return codeSet{}, err
		}
		set.codes = append(set.codes, plain[:recoveryLength/2]+"-"+plain[recoveryLength/2:])
		set.hashes = append(set.hashes, hash)
	}
	return set, nil
}

// argon returns the slow hash, which runs as often at once as there are
// processors: the memory that it takes is bounded.
func argon() func(ctx context.Context, code string, salt []byte) ([]byte, error) {
	slots := make(chan struct{}, max(1, runtime.GOMAXPROCS(0)))
	return func(ctx context.Context, code string, salt []byte) ([]byte, error) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		case <-ctx.Done():
			return nil, fmt.Errorf("wait to hash a recovery code: %w", context.Cause(ctx))
		}
		return argon2.IDKey([]byte(code), salt, hashPasses, hashKiB, 1, recoveryHash), nil
	}
}

// letters are those of a recovery code as a person typed it.
func letters(typed string) string {
	return strings.Map(func(r rune) rune {
		if !strings.ContainsRune(recoveryAlphabet, r) {
			return -1
		}
		return r
	}, strings.ToLower(norm.NFKC.String(typed)))
}

// firstCodes keeps set if the account has no codes, and returns them.
func (s *Service) firstCodes(ctx context.Context, tx *db.Tx, accountID string, set codeSet) ([]string, error) {
	have, err := selectRecovery(ctx, tx, accountID)
	if err != nil || have.Total > 0 {
		return nil, err
	}
	return set.codes, s.keepCodes(ctx, tx, accountID, set)
}

func (s *Service) keepCodes(ctx context.Context, tx *db.Tx, accountID string, set codeSet) error {
	if err := replaceCodes(ctx, tx, accountID, set, s.now()); err != nil {
		return err
	}
	return s.record(ctx, auditRecoveryCodes, accountID, nil)
}

// forgetCodesOf removes the codes of an account that has no second factor any
// more: there is nothing left that they could stand in for.
func (s *Service) forgetCodesOf(ctx context.Context, tx *db.Tx, accountID string, left Methods) error {
	if left.Enrolled() {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM recovery_codes WHERE account_id = $1`, accountID); err != nil {
		return fmt.Errorf("remove the recovery codes of account %s: %w", accountID, err)
	}
	return nil
}

// NewRecoveryCodes returns a new set for the person who asks, which is shown
// this once. Those from before stop working.
func (s *Service) NewRecoveryCodes(ctx context.Context) ([]string, error) {
	p, err := authorize(ctx, access.AccountWriteSecondFactor)
	if err != nil {
		return nil, err
	}
	set, err := s.drawCodes(ctx)
	if err != nil {
		return nil, err
	}
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		have, err := selectMethods(ctx, tx, p.AccountID)
		if err != nil {
			return err
		}
		if !have.Enrolled() {
			return errs.New(errs.Conflict, "recovery codes stand in for a second factor; set one up first").With("reason", "second_factor_none")
		}
		return s.keepCodes(ctx, tx, p.AccountID, set)
	})
	if err != nil {
		return nil, err
	}
	return set.codes, nil
}

// CheckRecoveryCode uses up a recovery code of an account. The error has code
// SecondFactorFailed if it is not one, or was used.
func (s *Service) CheckRecoveryCode(ctx context.Context, accountID, typed string) error {
	wrong := failed("recovery", "this recovery code is not right, or has been used")
	salt, err := selectSalt(ctx, s.db, accountID)
	if err != nil {
		return err
	}
	plain := letters(typed)
	if salt == nil || len(plain) != recoveryLength {
		return wrong
	}
	hash, err := s.hash(ctx, plain, salt)
	if err != nil {
		return err
	}
	return s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		used, err := useCode(ctx, tx, accountID, hash, s.now())
		if err != nil {
			return err
		}
		if !used {
			return wrong
		}
		left, err := selectRecovery(ctx, tx, accountID)
		if err != nil {
			return err
		}
		return s.record(ctx, auditRecoveryUsed, accountID, map[string]string{"left": fmt.Sprint(left.Left)})
	})
}
