package factor

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/label"
	"kakoi/internal/secret"
)

var errNone = errors.New("there is none")

func secretPlace(accountID string) string { return secret.Place("totp_secrets", accountID, "secret") }

func timeOf(millis sql.NullInt64) time.Time {
	if !millis.Valid {
		return time.Time{}
	}
	return time.UnixMilli(millis.Int64).UTC()
}

func selectOwner(ctx context.Context, q db.Queryer, accountID string) (Owner, error) {
	o := Owner{ID: accountID}
	none := errs.New(errs.NotFound, "there is no such account")
	if !label.IsID(accountID) {
		return Owner{}, none
	}
	err := q.QueryRowContext(ctx, `SELECT email, name FROM accounts WHERE id = $1`, accountID).Scan(&o.Email, &o.Name)
	if errors.Is(err, sql.ErrNoRows) {
		return Owner{}, none
	} else if err != nil {
		return Owner{}, fmt.Errorf("read account %s: %w", accountID, err)
	}
	return o, nil
}

func selectMethods(ctx context.Context, q db.Queryer, accountID string) (m Methods, err error) {
	var created int64
	var used sql.NullInt64
	err = q.QueryRowContext(ctx, `SELECT created_at, last_used_at FROM totp_secrets WHERE account_id = $1`, accountID).Scan(&created, &used)
	switch {
	case err == nil:
		m.TOTP = &TOTP{CreatedAt: time.UnixMilli(created).UTC(), LastUsedAt: timeOf(used)}
	case !errors.Is(err, sql.ErrNoRows):
		return Methods{}, fmt.Errorf("read the app of account %s: %w", accountID, err)
	}
	if m.Passkeys, err = selectPasskeys(ctx, q, accountID); err != nil {
		return Methods{}, err
	}
	m.RecoveryCodes, err = selectRecovery(ctx, q, accountID)
	return m, err
}

func deleteAll(ctx context.Context, q db.Queryer, accountID string) error {
	for _, query := range []string{
		`DELETE FROM totp_secrets WHERE account_id = $1`, `DELETE FROM passkeys WHERE account_id = $1`, `DELETE FROM recovery_codes WHERE account_id = $1`,
	} {
		if _, err := q.ExecContext(ctx, query, accountID); err != nil {
			return fmt.Errorf("remove the second factors of account %s: %w", accountID, err)
		}
	}
	return nil
}

// upsertTOTP reports whether there was another secret before.
func upsertTOTP(ctx context.Context, q db.Queryer, accountID string, sealed []byte, step int64, now time.Time) (replaced bool, err error) {
	gone, err := db.Column[string](ctx, q, `DELETE FROM totp_secrets WHERE account_id = $1 RETURNING account_id`, accountID)
	if err == nil {
		const insert = `INSERT INTO totp_secrets (account_id, secret, last_step, created_at) VALUES ($1, $2, $3, $4)`
		_, err = q.ExecContext(ctx, insert, accountID, sealed, step, now.UnixMilli())
	}
	if err != nil {
		return false, fmt.Errorf("keep the app of account %s: %w", accountID, err)
	}
	return len(gone) > 0, nil
}

func selectTOTP(ctx context.Context, q db.Queryer, accountID string) ([]byte, error) {
	var sealed []byte
	err := q.QueryRowContext(ctx, `SELECT secret FROM totp_secrets WHERE account_id = $1`, accountID).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNone
	} else if err != nil {
		return nil, fmt.Errorf("read the app of account %s: %w", accountID, err)
	}
	return sealed, nil
}

// advanceTOTP reports whether the step was later than that of every code
// accepted before. The secret must still be the one that was compared.
func advanceTOTP(ctx context.Context, q db.Queryer, accountID string, sealed []byte, step int64, now time.Time) (bool, error) {
	const advance = `
	UPDATE totp_secrets SET last_step = $1, last_used_at = $2
	WHERE  account_id = $3 AND secret = $4 AND last_step < $5`
	res, err := q.ExecContext(ctx, advance, step, now.UnixMilli(), accountID, sealed, step)
	n, err := affected(res, err)
	if err != nil {
		return false, fmt.Errorf("use a code of account %s: %w", accountID, err)
	}
	return n == 1, nil
}

func affected(res sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func selectRecovery(ctx context.Context, q db.Queryer, accountID string) (RecoveryCodes, error) {
	const count = `
	SELECT COUNT(*), COUNT(*) FILTER (WHERE used_at IS NULL), MAX(created_at)
	FROM   recovery_codes WHERE account_id = $1`
	var c RecoveryCodes
	var created sql.NullInt64
	if err := q.QueryRowContext(ctx, count, accountID).Scan(&c.Total, &c.Left, &created); err != nil {
		return RecoveryCodes{}, fmt.Errorf("count the recovery codes of account %s: %w", accountID, err)
	}
	c.CreatedAt = timeOf(created)
	return c, nil
}

// selectSalt returns nil where there is no set.
func selectSalt(ctx context.Context, q db.Queryer, accountID string) ([]byte, error) {
	salts, err := db.Column[[]byte](ctx, q, `SELECT salt FROM recovery_codes WHERE account_id = $1 LIMIT 1`, accountID)
	if err != nil {
		return nil, fmt.Errorf("read the recovery codes of account %s: %w", accountID, err)
	}
	if len(salts) == 0 {
		return nil, nil
	}
	return salts[0], nil
}

func replaceCodes(ctx context.Context, q db.Queryer, accountID string, set codeSet, now time.Time) error {
	_, err := q.ExecContext(ctx, `DELETE FROM recovery_codes WHERE account_id = $1`, accountID)
	for _, hash := range set.hashes {
		if err != nil {
			break
		}
		const insert = `INSERT INTO recovery_codes (account_id, hash, salt, created_at) VALUES ($1, $2, $3, $4)`
		_, err = q.ExecContext(ctx, insert, accountID, hash, set.salt, now.UnixMilli())
	}
	if err != nil {
		return fmt.Errorf("keep recovery codes of account %s: %w", accountID, err)
	}
	return nil
}

// useCode reports whether the code was there and unused.
func useCode(ctx context.Context, q db.Queryer, accountID string, hash []byte, now time.Time) (bool, error) {
	const use = `UPDATE recovery_codes SET used_at = $1 WHERE account_id = $2 AND hash = $3 AND used_at IS NULL`
	res, err := q.ExecContext(ctx, use, now.UnixMilli(), accountID, hash)
	n, err := affected(res, err)
	if err != nil {
		return false, fmt.Errorf("use a recovery code of account %s: %w", accountID, err)
	}
	return n == 1, nil
}

const keyColumns = `id, account_id, credential_id, record, name, sign_count, verifies, backup_eligible, backed_up, cloned_at, created_at, last_used_at`

func scanPasskey(r interface{ Scan(dest ...any) error }) (k Passkey, accountID string, err error) {
	var cloned, used sql.NullInt64
	var created, count int64
	err = r.Scan(&k.ID, &accountID, &k.credentialID, &k.record, &k.Name, &count, &k.Verifies, &k.BackupEligible, &k.BackedUp, &cloned, &created, &used)
	k.signCount = uint32(count)
	k.ClonedAt, k.LastUsedAt, k.CreatedAt = timeOf(cloned), timeOf(used), time.UnixMilli(created).UTC()
	return k, accountID, err
}

func selectPasskeys(ctx context.Context, q db.Queryer, accountID string) ([]Passkey, error) {
	rows, err := q.QueryContext(ctx, `SELECT `+keyColumns+` FROM passkeys WHERE account_id = $1 ORDER BY created_at, id`, accountID)
	if err != nil {
		return nil, fmt.Errorf("list passkeys of account %s: %w", accountID, err)
	}
	defer rows.Close()
	var keys []Passkey
	for rows.Next() {
		k, _, err := scanPasskey(rows)
		if err != nil {
			return nil, fmt.Errorf("list passkeys of account %s: %w", accountID, err)
		}
		keys = append(keys, k)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list passkeys of account %s: %w", accountID, err)
	}
	return keys, nil
}

func selectPasskey(ctx context.Context, q db.Queryer, accountID, id string) (Passkey, error) {
	none := errs.New(errs.NotFound, "there is no such passkey")
	if !label.IsID(id) {
		return Passkey{}, none
	}
	k, _, err := scanPasskey(q.QueryRowContext(ctx, `SELECT `+keyColumns+` FROM passkeys WHERE id = $1 AND account_id = $2`, id, accountID))
	if errors.Is(err, sql.ErrNoRows) {
		return Passkey{}, none
	} else if err != nil {
		return Passkey{}, fmt.Errorf("read passkey %s: %w", id, err)
	}
	return k, nil
}

func selectByCredential(ctx context.Context, q db.Queryer, credentialID []byte) (k Passkey, accountID string, found bool, err error) {
	k, accountID, err = scanPasskey(q.QueryRowContext(ctx, `SELECT `+keyColumns+` FROM passkeys WHERE credential_id = $1`, credentialID))
	if errors.Is(err, sql.ErrNoRows) {
		return Passkey{}, "", false, nil
	} else if err != nil {
		return Passkey{}, "", false, fmt.Errorf("read a passkey: %w", err)
	}
	return k, accountID, true, nil
}

func insertPasskey(ctx context.Context, q db.Queryer, accountID string, k Passkey) error {
	const insert = `
	INSERT INTO passkeys (id, account_id, credential_id, record, name, sign_count, verifies, backup_eligible, backed_up, created_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	_, err := q.ExecContext(ctx, insert, k.ID, accountID, k.credentialID, k.record, k.Name, int64(k.signCount), k.Verifies, k.BackupEligible, k.BackedUp, k.CreatedAt.UnixMilli())
	if db.IsUniqueViolation(err) {
		return keyFailed(errors.New("it is registered already"))
	} else if err != nil {
		return fmt.Errorf("keep a passkey of account %s: %w", accountID, err)
	}
	return nil
}

// usePasskey writes down what an assertion has shown. It reports false if
// another assertion came in between.
func usePasskey(ctx context.Context, q db.Queryer, k Passkey, shown Credential, now time.Time) (bool, error) {
	cloned := any(nil)
	if shown.Cloned {
		cloned = now.UnixMilli()
	}
	const use = `
	UPDATE passkeys SET record = $1, sign_count = $2, backed_up = $3, last_used_at = $4, cloned_at = COALESCE($5, cloned_at)
	WHERE  id = $6 AND sign_count = $7`
	res, err := q.ExecContext(ctx, use, shown.Record, int64(shown.SignCount), shown.BackedUp, now.UnixMilli(), cloned, k.ID, int64(k.signCount))
	n, err := affected(res, err)
	if err != nil {
		return false, fmt.Errorf("use passkey %s: %w", k.ID, err)
	}
	return n == 1, nil
}
