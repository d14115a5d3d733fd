package identity

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/label"
)

// accountColumns are what scanAccount reads, of accounts a.
const accountColumns = `
	a.id, a.email, a.name, a.disabled, a.must_change_password, a.preferences,
	COALESCE(a.last_signed_in_at, 0), a.created_at, a.updated_at, a.valid_from, a.valid_until,` + access.FactColumns

type row interface{ Scan(dest ...any) error }

// scanAccount reads accountColumns and then into more.
func scanAccount(r row, more ...any) (Account, error) {
	var a Account
	var preferences string
	var signedIn, created, updated int64
	var facts access.FactRow
	err := r.Scan(slices.Concat([]any{
		&a.ID, &a.Email, &a.Name, &a.Disabled, &a.MustChangePassword, &preferences,
		&signedIn, &created, &updated, &a.Valid.StartsAt, &a.Valid.EndsAt,
	}, facts.Dest(), more)...)
	if err != nil {
		return Account{}, err
	}
	if a.Facts, err = facts.Facts(a.Email); err != nil {
		return Account{}, err
	}
	a.Preferences = parsePreferences(preferences)
	if signedIn > 0 {
		a.LastSignedInAt = time.UnixMilli(signedIn).UTC()
	}
	a.CreatedAt, a.UpdatedAt = time.UnixMilli(created).UTC(), time.UnixMilli(updated).UTC()
	return a, nil
}

func selectAccount(ctx context.Context, q db.Queryer, id string) (Account, error) {
	if !label.IsID(id) {
		return Account{}, noAccount()
	}
	a, err := scanAccount(q.QueryRowContext(ctx, `SELECT`+accountColumns+` FROM accounts a WHERE a.id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return Account{}, noAccount()
	} else if err != nil {
		return Account{}, fmt.Errorf("read account %s: %w", id, err)
	}
	return a, nil
}

func noAccount() error { return errs.New(errs.NotFound, "there is no such account") }

// credential is what it takes to prove to be an account.
type credential struct {
	account   Account
	hash      string
	expiresAt time.Time // of a temporary password; zero for a person's own
}

const credentialColumns = `SELECT` + accountColumns + `, a.password_hash, COALESCE(a.password_expires_at, 0) FROM accounts a`

func scanCredential(r row) (credential, error) {
	var c credential
	var expires int64
	var err error
	c.account, err = scanAccount(r, &c.hash, &expires)
	if expires > 0 {
		c.expiresAt = time.UnixMilli(expires).UTC()
	}
	return c, err
}

// selectCredential returns the credential of the account with a normalised
// e-mail, and false if there is none.
func selectCredential(ctx context.Context, q db.Queryer, email string) (credential, bool, error) {
	c, err := scanCredential(q.QueryRowContext(ctx, credentialColumns+` WHERE a.email = $1`, email))
	if errors.Is(err, sql.ErrNoRows) {
		return credential{}, false, nil
	} else if err != nil {
		return credential{}, false, fmt.Errorf("read account for sign-in: %w", err)
	}
	return c, true, nil
}

func selectCredentialByID(ctx context.Context, q db.Queryer, id string) (credential, error) {
	c, err := scanCredential(q.QueryRowContext(ctx, credentialColumns+` WHERE a.id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return credential{}, noAccount()
	} else if err != nil {
		return credential{}, fmt.Errorf("read account %s: %w", id, err)
	}
	return c, nil
}

func insertAccount(ctx context.Context, q db.Queryer, a Account, hash string, expiresAt time.Time) error {
	const insert = `
	INSERT INTO accounts (id, email, name, search_key, disabled, password_hash, must_change_password,
	                      password_expires_at, preferences, created_at, updated_at, valid_from, valid_until)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`
	_, err := q.ExecContext(ctx, insert, a.ID, a.Email, a.Name, searchKey(a.Name, a.Email), a.Disabled, hash,
		a.MustChangePassword, millisOrNull(expiresAt), a.Preferences.encode(), a.CreatedAt.UnixMilli(), a.UpdatedAt.UnixMilli(), a.Valid.StartsAt, a.Valid.EndsAt)
	if db.IsUniqueViolation(err) {
		taken := errs.New(errs.EmailTaken, "another account has this e-mail address")
		taken.Field = "email"
		return taken
	} else if err != nil {
		return fmt.Errorf("create account: %w", err)
	}
	return nil
}

func searchKey(name, email string) string { return label.Fold(name) + "\n" + label.Fold(email) }

func millisOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

func updateAccount(ctx context.Context, q db.Queryer, a Account) error {
	const update = `
	UPDATE accounts SET name = $1, search_key = $2, disabled = $3, updated_at = $4, valid_from = $5, valid_until = $6
	WHERE  id = $7`
	_, err := q.ExecContext(ctx, update, a.Name, searchKey(a.Name, a.Email), a.Disabled, a.UpdatedAt.UnixMilli(), a.Valid.StartsAt, a.Valid.EndsAt, a.ID)
	if err != nil {
		return fmt.Errorf("update account %s: %w", a.ID, err)
	}
	return nil
}

// updatePassword replaces the hash of an account. A zero expiresAt makes it the
// person's own; any other time makes it temporary.
func updatePassword(ctx context.Context, q db.Queryer, accountID, hash string, expiresAt, now time.Time) error {
	const update = `
	UPDATE accounts SET password_hash = $1, must_change_password = $2, password_expires_at = $3, updated_at = $4
	WHERE  id = $5`
	_, err := q.ExecContext(ctx, update, hash, !expiresAt.IsZero(), millisOrNull(expiresAt), now.UnixMilli(), accountID)
	if err != nil {
		return fmt.Errorf("replace password of account %s: %w", accountID, err)
	}
	return nil
}

// countAdministrators counts the administrators who can act, now and for good:
// not disabled, with a password of their own, and with no day on which their
// role or their account ends.
func countAdministrators(ctx context.Context, q db.Queryer, now time.Time) (int, error) {
	const count = `
	SELECT COUNT(DISTINCT a.id) FROM role_holders h JOIN accounts a ON a.id = h.account_id
	WHERE  h.role_id = $1 AND h.unit_id = '' AND h.starts_at <= $2 AND h.ends_at = $3
	AND    a.disabled = FALSE AND a.must_change_password = FALSE AND a.valid_from <= $4 AND a.valid_until = $5`
	var n int
	at := now.UnixMilli()
	err := q.QueryRowContext(ctx, count, string(access.Administrator), at, access.Forever, at, access.Forever).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count administrators: %w", err)
	}
	return n, nil
}

func hasAdministrator(ctx context.Context, q db.Queryer) (bool, error) {
	const first = `SELECT COUNT(*) FROM (SELECT 1 FROM role_holders WHERE role_id = $1 AND unit_id = '' LIMIT 1) found`
	var n int
	if err := q.QueryRowContext(ctx, first, string(access.Administrator)).Scan(&n); err != nil {
		return false, fmt.Errorf("look for an administrator: %w", err)
	}
	return n > 0, nil
}

// insertAdministrator makes an account the first administrator. No one is there
// who could be asked whether they may.
func insertAdministrator(ctx context.Context, q db.Queryer, accountID string) error {
	const insert = `INSERT INTO role_holders (account_id, role_id, unit_id, starts_at, ends_at) VALUES ($1, $2, '', 0, $3)`
	if _, err := q.ExecContext(ctx, insert, accountID, string(access.Administrator), access.Forever); err != nil {
		return fmt.Errorf("make account %s the administrator: %w", accountID, err)
	}
	return nil
}

// visible bounds accounts a to those that p may do act to.
func visible(where *db.Conditions, p access.Principal, act access.Action, now time.Time) {
	if everywhere, unitIDs := p.Scope(act); !everywhere {
		inUnits(where, unitIDs, now)
	}
}

// inUnits bounds accounts a to those that have a post in one of the units.
func inUnits(where *db.Conditions, unitIDs []string, now time.Time) {
	if len(unitIDs) == 0 {
		where.Add("FALSE")
		return
	}
	values := []any{now.UnixMilli(), now.UnixMilli()}
	for _, id := range unitIDs {
		values = append(values, id)
	}
	where.Add("EXISTS (SELECT 1 FROM posts o WHERE o.account_id = a.id AND o.starts_at <= ? AND o.ends_at > ? AND o.unit_id IN (?"+
		strings.Repeat(", ?", len(unitIDs)-1)+"))", values...)
}

func selectAccountCounts(ctx context.Context, q db.Queryer, p access.Principal, now time.Time) (AccountCounts, error) {
	at := now.UnixMilli()
	where := db.Given(string(access.Administrator), at, at)
	visible(&where, p, access.AccountRead, now)
	count := `
	SELECT COUNT(*), COUNT(*) FILTER (WHERE disabled = FALSE), COUNT(*) FILTER (WHERE disabled = TRUE),
	       COUNT(*) FILTER (WHERE disabled = FALSE AND EXISTS (
	              SELECT 1 FROM role_holders h WHERE h.account_id = a.id AND h.role_id = $1 AND h.unit_id = '' AND h.starts_at <= $2 AND h.ends_at > $3))
	FROM   accounts a` + where.Where()
	var c AccountCounts
	if err := q.QueryRowContext(ctx, count, where.Args()...).Scan(&c.Total, &c.Active, &c.Disabled, &c.Administrators); err != nil {
		return AccountCounts{}, fmt.Errorf("count accounts: %w", err)
	}
	return c, nil
}

const (
	defaultLimit = 50
	maxLimit     = 200
)

// selected are the conditions on accounts a that f asks for, of those that p may
// see.
func (f AccountFilter) selected(p access.Principal, chart *access.Chart, now time.Time) db.Conditions {
	var where db.Conditions
	if f.Search != "" {
		where.Add("a.search_key LIKE ? ESCAPE '!'", label.Pattern(f.Search))
	}
	if f.RoleID != "" {
		where.Add("EXISTS (SELECT 1 FROM role_holders h WHERE h.account_id = a.id AND h.role_id = ? AND h.starts_at <= ? AND h.ends_at > ?)",
			string(f.RoleID), now.UnixMilli(), now.UnixMilli())
	}
	if f.Status != "" {
		where.Add("a.disabled = ?", f.Status == StatusDisabled)
	}
	if f.GroupID != "" {
		chart.InGroup(&where, f.GroupID)
	}
	if f.UnitID != "" {
		inUnits(&where, chart.Tree.Below(f.UnitID), now)
	}
	visible(&where, p, access.AccountRead, now)
	return where
}

func countAccounts(ctx context.Context, q db.Queryer, f AccountFilter, p access.Principal, chart *access.Chart, now time.Time) (int, error) {
	where := f.selected(p, chart, now)
	var n int
	if err := q.QueryRowContext(ctx, `SELECT COUNT(*) FROM accounts a`+where.Where(), where.Args()...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count accounts: %w", err)
	}
	return n, nil
}

// after adds to where what comes after the page that token ends, and returns
// the order. Each order ends with something unique; the engine's own order of
// text decides on both sides of the comparison.
func (f AccountFilter) after(where *db.Conditions, token string) (order string, err error) {
	then, direction := ">", ""
	if f.Backwards {
		then, direction = "<", " DESC"
	}
	switch f.Sort {
	case SortName: // the search key is the folded name and then the address
		order = "a.search_key" + direction
		if token != "" {
			where.Add("a.search_key "+then+" ?", token)
		}
	case SortLastSeen:
		order = "COALESCE(a.last_signed_in_at, 0)" + direction + ", a.email" + direction
		if token == "" {
			return order, nil
		}
		at, email, _ := strings.Cut(token, " ")
		millis, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			return "", foreignToken()
		}
		where.Add("(COALESCE(a.last_signed_in_at, 0) "+then+" ? OR COALESCE(a.last_signed_in_at, 0) = ? AND a.email "+then+" ?)", millis, millis, email)
	default:
		order = "a.email" + direction
		if token != "" {
			where.Add("a.email "+then+" ?", token)
		}
	}
	return order, nil
}

// end is the token of a page that ends with a.
func (f AccountFilter) end(a Account) string {
	token := a.Email
	switch f.Sort {
	case SortName:
		token = searchKey(a.Name, a.Email)
	case SortLastSeen:
		at := int64(0)
		if !a.LastSignedInAt.IsZero() {
			at = a.LastSignedInAt.UnixMilli()
		}
		token = strconv.FormatInt(at, 10) + " " + a.Email
	}
	return base64.RawURLEncoding.EncodeToString([]byte(token))
}

func foreignToken() error { return errs.InField("pageToken", "the page token is not one of ours") }

func selectAccounts(ctx context.Context, q db.Queryer, f AccountFilter, p access.Principal, chart *access.Chart, now time.Time) (AccountPage, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	limit = min(limit, maxLimit)

	token, err := base64.RawURLEncoding.DecodeString(f.PageToken)
	if err != nil || !utf8.Valid(token) || slices.Contains(token, 0) {
		return AccountPage{}, foreignToken()
	}
	where := f.selected(p, chart, now)
	order, err := f.after(&where, string(token))
	if err != nil {
		return AccountPage{}, err
	}
	// What follows from other tables is read for the page alone, not for all that is sorted.
	query := `SELECT` + accountColumns + `
	FROM   accounts a JOIN (SELECT a.id FROM accounts a` + where.Where() + `
	ORDER  BY ` + order + ` LIMIT ` + strconv.Itoa(limit+1) + `) page ON page.id = a.id
	ORDER  BY ` + order

	rows, err := q.QueryContext(ctx, query, where.Args()...)
	if err != nil {
		return AccountPage{}, fmt.Errorf("list accounts: %w", err)
	}
	defer rows.Close()
	page := AccountPage{Items: make([]Account, 0, limit)}
	for rows.Next() {
		if len(page.Items) == limit { // one more than asked for: there is a next page
			page.NextPageToken = f.end(page.Items[limit-1])
			break
		}
		a, err := scanAccount(rows)
		if err != nil {
			return AccountPage{}, fmt.Errorf("list accounts: %w", err)
		}
		page.Items = append(page.Items, a)
	}
	if err := rows.Err(); err != nil {
		return AccountPage{}, fmt.Errorf("list accounts: %w", err)
	}
	return page, nil
}

func insertSession(ctx context.Context, q db.Queryer, s Session, tokenHash []byte, passedAt time.Time) error {
	const insert = `
	INSERT INTO sessions (id, account_id, token_hash, user_agent, address, created_at, last_seen_at, expires_at, proved_at, second_factor_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	_, err := q.ExecContext(ctx, insert, s.ID, s.AccountID, tokenHash, s.UserAgent, s.Address,
		s.CreatedAt.UnixMilli(), s.LastSeenAt.UnixMilli(), s.ExpiresAt.UnixMilli(), s.CreatedAt.UnixMilli(), millisOrNull(passedAt))
	if err != nil {
		return fmt.Errorf("create session of account %s: %w", s.AccountID, err)
	}
	return nil
}

// A session is alive while neither its absolute nor its idle end has come and
// its account is valid and not disabled. The parameters after the token are now,
// now less the idle time, and now twice more.
const selectBySessionToken = `
	SELECT` + accountColumns + `, s.id, s.last_seen_at, ` + access.VersionColumn + `, ` + evidenceColumns + `
	FROM   sessions s JOIN accounts a ON a.id = s.account_id
	WHERE  s.token_hash = $1 AND s.expires_at > $2 AND s.last_seen_at > $3
	AND    a.disabled = FALSE AND a.valid_from <= $4 AND a.valid_until > $5`

// selectAlive returns which of the sessions are alive.
func selectAlive(ctx context.Context, q db.Queryer, ids []string, now time.Time, idle time.Duration) (map[string]bool, error) {
	args := make([]any, 0, len(ids)+2)
	marks := make([]string, len(ids))
	for i, id := range ids {
		args = append(args, id)
		marks[i] = "$" + strconv.Itoa(i+1)
	}
	args = append(args, now.UnixMilli(), now.Add(-idle).UnixMilli(), now.UnixMilli(), now.UnixMilli())
	query := fmt.Sprintf(`
	SELECT s.id FROM sessions s JOIN accounts a ON a.id = s.account_id
	WHERE  s.id IN (%s) AND s.expires_at > $%d AND s.last_seen_at > $%d
	AND    a.disabled = FALSE AND a.valid_from <= $%d AND a.valid_until > $%d`,
		strings.Join(marks, ", "), len(ids)+1, len(ids)+2, len(ids)+3, len(ids)+4)
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("look which sessions are alive: %w", err)
	}
	defer rows.Close()
	alive := make(map[string]bool, len(ids))
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("look which sessions are alive: %w", err)
		}
		alive[id] = true
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look which sessions are alive: %w", err)
	}
	return alive, nil
}

func selectSessions(ctx context.Context, q db.Queryer, accountID string, now time.Time, idle time.Duration) ([]Session, error) {
	const list = `
	SELECT id, account_id, user_agent, address, created_at, last_seen_at, expires_at
	FROM   sessions
	WHERE  account_id = $1 AND expires_at > $2 AND last_seen_at > $3
	ORDER  BY last_seen_at DESC, id DESC LIMIT 200`
	rows, err := q.QueryContext(ctx, list, accountID, now.UnixMilli(), now.Add(-idle).UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("list sessions of account %s: %w", accountID, err)
	}
	defer rows.Close()
	sessions := []Session{}
	for rows.Next() {
		var s Session
		var created, seen, expires int64
		if err := rows.Scan(&s.ID, &s.AccountID, &s.UserAgent, &s.Address, &created, &seen, &expires); err != nil {
			return nil, fmt.Errorf("list sessions of account %s: %w", accountID, err)
		}
		s.CreatedAt, s.LastSeenAt = time.UnixMilli(created).UTC(), time.UnixMilli(seen).UTC()
		s.ExpiresAt = earlier(time.UnixMilli(expires).UTC(), s.LastSeenAt.Add(idle))
		sessions = append(sessions, s)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list sessions of account %s: %w", accountID, err)
	}
	return sessions, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// deleteSession ends one session of an account and reports whether there was
// such a one.
func deleteSession(ctx context.Context, q db.Queryer, accountID, id string) (bool, error) {
	if !label.IsID(id) || !label.IsID(accountID) {
		return false, nil
	}
	res, err := q.ExecContext(ctx, `DELETE FROM sessions WHERE id = $1 AND account_id = $2`, id, accountID)
	n, err := affected(res, err)
	if err != nil {
		return false, fmt.Errorf("end session %s: %w", id, err)
	}
	return n > 0, nil
}

// deleteSessions ends the sessions of an account except the one called keep
// ("" keeps none) and returns how many.
func deleteSessions(ctx context.Context, q db.Queryer, accountID, keep string) (int64, error) {
	res, err := q.ExecContext(ctx, `DELETE FROM sessions WHERE account_id = $1 AND id <> $2`, accountID, keep)
	n, err := affected(res, err)
	if err != nil {
		return 0, fmt.Errorf("end sessions of account %s: %w", accountID, err)
	}
	return n, nil
}

func affected(res sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}
