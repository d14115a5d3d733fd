package library

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/label"
)

// store is the SQL of prompts, their versions and uses.
type store struct{ db *db.DB }

func noPrompt() error { return errs.Newf(errs.NotFound, "there is no such %s", access.KindPrompt) }

// columns are those of a prompt, its body last; $1 is who reads it.
const (
	columns = `
	p.id, COALESCE(p.owner_id, ''), COALESCE(a.name, ''), p.kind, p.name, COALESCE(p.command, ''), p.description, p.category,
	p.locale, p.visibility, p.hidden, p.archived, p.version, p.uses, p.created_at, p.updated_at,
	COALESCE(u.uses, 0), COALESCE(u.last_used_at, 0)`
	tables = `
	FROM   prompts p
	       LEFT JOIN accounts a ON a.id = p.owner_id
	       LEFT JOIN prompt_uses u ON u.prompt_id = p.id AND u.account_id = $1`
)

func scanPrompt(row interface{ Scan(...any) error }, who access.Principal, more ...any) (Prompt, error) {
	var p Prompt
	var created, updated, used int64
	into := []any{
		&p.ID, &p.OwnerID, &p.OwnerName, &p.Kind, &p.Name, &p.Command, &p.Description, &p.Category,
		&p.Locale, &p.Visibility, &p.Hidden, &p.Archived, &p.Version, &p.Uses, &created, &updated, &p.MyUses, &used,
	}
	if err := row.Scan(append(into, more...)...); err != nil {
		return Prompt{}, err
	}
	p.CreatedAt, p.UpdatedAt = time.UnixMilli(created).UTC(), time.UnixMilli(updated).UTC()
	if used > 0 {
		p.MyLastUse = time.UnixMilli(used).UTC()
	}
	p.Editable = p.OwnerID == who.AccountID || p.Official() && who.Has(access.PromptCreateOfficial)
	return p, nil
}

// prompt returns a prompt, whosever it is: the caller decides who may have it.
func (s store) prompt(ctx context.Context, q db.Queryer, who access.Principal, id string) (Prompt, error) {
	if !label.IsID(id) {
		return Prompt{}, noPrompt()
	}
	var body string
	p, err := scanPrompt(q.QueryRowContext(ctx, `SELECT`+columns+`, p.body`+tables+` WHERE p.id = $2`, who.AccountID, id), who, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return Prompt{}, noPrompt()
	} else if err != nil {
		return Prompt{}, fmt.Errorf("read prompt %s: %w", id, err)
	}
	p.Body = body
	if p.Visibility == Groups {
		if p.GroupIDs, err = s.groupsOf(ctx, q, id); err != nil {
			return Prompt{}, err
		}
	}
	return p, nil
}

func (s store) groupsOf(ctx context.Context, q db.Queryer, id string) ([]string, error) {
	rows, err := q.QueryContext(ctx, `SELECT group_id FROM prompt_groups WHERE prompt_id = $1 ORDER BY group_id`, id)
	if err != nil {
		return nil, fmt.Errorf("read groups of prompt %s: %w", id, err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var group string
		if err := rows.Scan(&group); err != nil {
			return nil, fmt.Errorf("read groups of prompt %s: %w", id, err)
		}
		list = append(list, group)
	}
	return list, rows.Err()
}

func (s store) insertPrompt(ctx context.Context, q db.Queryer, p Prompt) error {
	const insert = `
	INSERT INTO prompts (id, owner_id, kind, name, name_key, command, description, category, locale, visibility, hidden, archived,
	                     version, created_at, updated_at, body, search_key)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`
	_, err := q.ExecContext(ctx, insert, p.ID, nullable(p.OwnerID), p.Kind, p.Name, label.Fold(p.Name), nullable(p.Command),
		p.Description, p.Category, p.Locale, p.Visibility, p.Hidden, p.Archived, p.Version, p.CreatedAt.UnixMilli(), p.UpdatedAt.UnixMilli(),
		p.Body, p.searchKey())
	if err != nil {
		return failed(err, "create prompt")
	}
	return s.setGroups(ctx, q, p)
}

func (s store) updatePrompt(ctx context.Context, q db.Queryer, p Prompt) error {
	const update = `
	UPDATE prompts
	SET    name = $1, name_key = $2, command = $3, description = $4, category = $5, locale = $6, visibility = $7, hidden = $8, archived = $9,
	       version = $10, updated_at = $11, body = $12, search_key = $13
	WHERE  id = $14`
	_, err := q.ExecContext(ctx, update, p.Name, label.Fold(p.Name), nullable(p.Command), p.Description, p.Category, p.Locale, p.Visibility,
		p.Hidden, p.Archived, p.Version, p.UpdatedAt.UnixMilli(), p.Body, p.searchKey(), p.ID)
	if err != nil {
		return failed(err, "update prompt "+p.ID)
	}
	if _, err := q.ExecContext(ctx, `DELETE FROM prompt_groups WHERE prompt_id = $1`, p.ID); err != nil {
		return fmt.Errorf("update prompt %s: %w", p.ID, err)
	}
	return s.setGroups(ctx, q, p)
}

// failed tells a command that is taken from other failures: it is what is
// unique, besides ids.
func failed(err error, act string) error {
	if db.IsUniqueViolation(err) {
		taken := errs.New(errs.Conflict, "another prompt has this command")
		taken.Field = "command"
		return taken
	}
	return fmt.Errorf("%s: %w", act, err)
}

func (s store) setGroups(ctx context.Context, q db.Queryer, p Prompt) error {
	for _, group := range p.GroupIDs {
		if _, err := q.ExecContext(ctx, `INSERT INTO prompt_groups (prompt_id, group_id) VALUES ($1, $2)`, p.ID, group); err != nil {
			return fmt.Errorf("share prompt %s with group %s: %w", p.ID, group, err)
		}
	}
	return nil
}

func (s store) deletePrompt(ctx context.Context, q db.Queryer, id string) error {
	if _, err := q.ExecContext(ctx, `DELETE FROM prompts WHERE id = $1`, id); err != nil {
		return fmt.Errorf("delete prompt %s: %w", id, err)
	}
	return nil
}

func (s store) countOf(ctx context.Context, q db.Queryer, owner string) (n int64, err error) {
	if err := q.QueryRowContext(ctx, `SELECT COUNT(*) FROM prompts WHERE owner_id = $1`, owner).Scan(&n); err != nil {
		return 0, fmt.Errorf("count prompts: %w", err)
	}
	return n, nil
}

// commandTaken reports whether a prompt of owner, or an official one if owner
// is "", has the command.
func (s store) commandTaken(ctx context.Context, q db.Queryer, owner, command string) (bool, error) {
	query, args := `SELECT COUNT(*) FROM prompts WHERE owner_id IS NULL AND command = $1`, []any{command}
	if owner != "" {
		query, args = `SELECT COUNT(*) FROM prompts WHERE command = $1 AND owner_id = $2`, []any{command, owner}
	}
	var n int64
	if err := q.QueryRowContext(ctx, query, args...).Scan(&n); err != nil {
		return false, fmt.Errorf("look for command: %w", err)
	}
	return n > 0, nil
}

// mayShareWith reports whether the group exists and who is in it, or knows all
// groups.
func (s store) mayShareWith(ctx context.Context, q db.Queryer, who access.Principal, group string) (bool, error) {
	if !label.IsID(group) {
		return false, nil
	}
	if !who.Has(access.GroupRead) && !slices.Contains(who.GroupIDs, group) {
		return false, nil
	}
	var n int64
	if err := q.QueryRowContext(ctx, `SELECT COUNT(*) FROM groups WHERE id = $1`, group).Scan(&n); err != nil {
		return false, fmt.Errorf("look for group %s: %w", group, err)
	}
	return n == 1, nil
}

// readable selects the ids of the prompts that who may read. It is
// access.PromptRead in SQL, taken together from what each index gives, so that
// other people's private prompts cost nothing.
func readable(where *db.Conditions, who access.Principal) string {
	account, official, hidden := where.Mark(who.AccountID), where.Mark(who.Has(access.PromptCreateOfficial)), where.Mark(who.Has(access.PromptHide))
	return `
	SELECT r.id FROM prompts r WHERE r.owner_id = ` + account + `
	UNION
	SELECT r.id FROM prompts r
	WHERE  (r.visibility = 'everyone' OR r.owner_id IS NULL)
	AND    (` + official + ` AND r.owner_id IS NULL OR r.visibility = 'everyone' AND NOT r.archived AND (` + hidden + ` OR NOT r.hidden))
	UNION
	SELECT r.id FROM prompt_groups g JOIN prompts r ON r.id = g.prompt_id
	WHERE  g.group_id IN (` + where.Marks(who.GroupIDs) + `) AND r.visibility = 'groups' AND NOT r.archived AND (` + hidden + ` OR NOT r.hidden)`
}

const (
	defaultLimit = 50
	maxLimit     = 200
)

// place is where a page of prompts ends.
type place struct {
	Used int64  `json:"u"`
	Name string `json:"n"` // folded
	ID   string `json:"i"`
}

func (s store) prompts(ctx context.Context, q db.Queryer, who access.Principal, f Filter) (Page, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	limit = min(limit, maxLimit)

	where := db.Given(who.AccountID)
	where.Add("p.id IN (" + readable(&where, who) + ")")
	where.Add("p.archived = ?", f.Archived)
	switch f.Scope {
	case ScopeMine:
		where.Add("p.owner_id = $1")
	case ScopeOfficial:
		where.Add("p.owner_id IS NULL")
	case ScopeShared:
		where.Add("p.owner_id <> $1")
	}
	if f.Kind != "" {
		where.Add("p.kind = ?", f.Kind)
	}
	if f.Category != "" {
		where.Add("p.category = ?", categoryID(f.Category))
	}
	if f.Locale != "" {
		where.Add("p.locale IN (?, 'any')", f.Locale)
	}
	if start := strings.TrimPrefix(label.Fold(f.Command), "/"); start != "" {
		where.Add("p.command LIKE ? ESCAPE '!'", strings.TrimPrefix(label.Pattern(start), "%"))
	}
	if label.Fold(f.Search) != "" {
		where.Add("p.search_key LIKE ? ESCAPE '!'", label.Pattern(f.Search))
	}
	var after place
	if f.PageToken != "" {
		if err := after.parse(f.PageToken); err != nil {
			return Page{}, err
		}
	}
	order := "p.name_key, p.id"
	switch {
	case f.Order == OrderRecent && f.PageToken != "":
		where.Add("(COALESCE(u.last_used_at, 0) < ? OR COALESCE(u.last_used_at, 0) = ? AND (p.name_key, p.id) > (?, ?))",
			after.Used, after.Used, after.Name, after.ID)
	case f.PageToken != "":
		where.Add("(p.name_key, p.id) > (?, ?)", after.Name, after.ID)
	}
	if f.Order == OrderRecent {
		order = "COALESCE(u.last_used_at, 0) DESC, " + order
	}
	query := `SELECT` + columns + tables + where.Where() +
		"\n\tORDER  BY " + order + " LIMIT " + strconv.Itoa(limit+1)

	rows, err := q.QueryContext(ctx, query, where.Args()...)
	if err != nil {
		return Page{}, fmt.Errorf("list prompts: %w", err)
	}
	defer rows.Close()
	page := Page{Items: make([]Prompt, 0, limit)}
	for rows.Next() {
		if len(page.Items) == limit { // one more than asked for: there is a next page
			last := page.Items[limit-1]
			var used int64
			if !last.MyLastUse.IsZero() {
				used = last.MyLastUse.UnixMilli()
			}
			page.NextPageToken = place{used, label.Fold(last.Name), last.ID}.token()
			break
		}
		p, err := scanPrompt(rows, who)
		if err != nil {
			return Page{}, fmt.Errorf("list prompts: %w", err)
		}
		page.Items = append(page.Items, p)
	}
	if err := rows.Err(); err != nil {
		return Page{}, fmt.Errorf("list prompts: %w", err)
	}
	return page, nil
}

func (p place) token() string {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // numbers and texts can be written
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func (p *place) parse(token string) error {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(b, p)
	}
	if err != nil || !label.IsID(p.ID) || p.Name != label.Fold(p.Name) {
		return badToken()
	}
	return nil
}

func badToken() error { return errs.InField("pageToken", "the page token is not one of ours") }

func (s store) categoryCounts(ctx context.Context, q db.Queryer, who access.Principal) (map[string]int64, error) {
	var where db.Conditions
	where.Add("NOT p.archived")
	where.Add("p.id IN (" + readable(&where, who) + ")")
	rows, err := q.QueryContext(ctx, `SELECT p.category, COUNT(*) FROM prompts p`+where.Where()+` GROUP BY p.category`, where.Args()...)
	if err != nil {
		return nil, fmt.Errorf("count prompts by category: %w", err)
	}
	defer rows.Close()
	counts := map[string]int64{}
	for rows.Next() {
		var category string
		var n int64
		if err := rows.Scan(&category, &n); err != nil {
			return nil, fmt.Errorf("count prompts by category: %w", err)
		}
		counts[category] = n
	}
	return counts, rows.Err()
}

func (s store) insertVersion(ctx context.Context, q db.Queryer, p Prompt, note, author string, restoredFrom int64) error {
	const insert = `
	INSERT INTO prompt_versions (prompt_id, number, note, author_id, restored_from, created_at, body)
	VALUES ($1, $2, $3, $4, $5, $6, $7)`
	_, err := q.ExecContext(ctx, insert, p.ID, p.Version, note, author, restoredFrom, p.UpdatedAt.UnixMilli(), p.Body)
	if err != nil {
		return fmt.Errorf("store version %d of prompt %s: %w", p.Version, p.ID, err)
	}
	// Old versions go: what is kept has a bound.
	if _, err := q.ExecContext(ctx, `DELETE FROM prompt_versions WHERE prompt_id = $1 AND number <= $2`, p.ID, p.Version-maxVersions); err != nil {
		return fmt.Errorf("drop old versions of prompt %s: %w", p.ID, err)
	}
	return nil
}

// maxVersions is how many versions of a prompt are kept.
const maxVersions = 200

const versionColumns = `
	SELECT v.number, v.note, v.author_id, COALESCE(a.name, ''), v.restored_from, v.created_at`

func scanVersion(row interface{ Scan(...any) error }, more ...any) (Version, error) {
	var v Version
	var created int64
	err := row.Scan(append([]any{&v.Number, &v.Note, &v.AuthorID, &v.AuthorName, &v.RestoredFrom, &created}, more...)...)
	v.CreatedAt = time.UnixMilli(created).UTC()
	return v, err
}

func (s store) versions(ctx context.Context, q db.Queryer, id, pageToken string, limit int) (VersionPage, error) {
	if limit <= 0 {
		limit = defaultLimit
	}
	limit = min(limit, maxLimit)
	before := int64(math.MaxInt64)
	if pageToken != "" {
		var err error
		if before, err = strconv.ParseInt(pageToken, 10, 64); err != nil {
			return VersionPage{}, badToken()
		}
	}
	rows, err := q.QueryContext(ctx, versionColumns+`
	FROM   prompt_versions v LEFT JOIN accounts a ON a.id = v.author_id
	WHERE  v.prompt_id = $1 AND v.number < $2
	ORDER  BY v.number DESC LIMIT $3`, id, before, limit+1)
	if err != nil {
		return VersionPage{}, fmt.Errorf("list versions of prompt %s: %w", id, err)
	}
	defer rows.Close()
	var page VersionPage
	for rows.Next() {
		v, err := scanVersion(rows)
		if err != nil {
			return VersionPage{}, fmt.Errorf("list versions of prompt %s: %w", id, err)
		}
		page.Items = append(page.Items, v)
	}
	if err := rows.Err(); err != nil {
		return VersionPage{}, fmt.Errorf("list versions of prompt %s: %w", id, err)
	}
	if len(page.Items) > limit {
		page.Items = slices.Clip(page.Items[:limit])
		page.NextPageToken = strconv.FormatInt(page.Items[limit-1].Number, 10)
	}
	return page, nil
}

func (s store) version(ctx context.Context, q db.Queryer, id string, number int64) (Version, error) {
	var body string
	v, err := scanVersion(q.QueryRowContext(ctx, versionColumns+`, v.body
	FROM   prompt_versions v LEFT JOIN accounts a ON a.id = v.author_id
	WHERE  v.prompt_id = $1 AND v.number = $2`, id, number), &body)
	if errors.Is(err, sql.ErrNoRows) {
		return Version{}, errs.New(errs.NotFound, "there is no such version")
	} else if err != nil {
		return Version{}, fmt.Errorf("read version %d of prompt %s: %w", number, id, err)
	}
	v.Body = body
	return v, nil
}

func (s store) countUse(ctx context.Context, q db.Queryer, account, id string, now time.Time) error {
	const mine = `
	INSERT INTO prompt_uses (account_id, prompt_id, uses, last_used_at)
	VALUES ($1, $2, 1, $3)
	ON CONFLICT (account_id, prompt_id) DO UPDATE SET uses = prompt_uses.uses + 1, last_used_at = excluded.last_used_at`
	n, err := q.ExecContext(ctx, `UPDATE prompts SET uses = uses + 1 WHERE id = $1`, id)
	var found int64
	if err == nil {
		found, err = n.RowsAffected()
	}
	if err == nil && found == 0 {
		return noPrompt() // deleted in this very moment
	}
	if err == nil {
		_, err = q.ExecContext(ctx, mine, account, id, now.UnixMilli())
	}
	if err != nil {
		return fmt.Errorf("count use of prompt %s: %w", id, err)
	}
	return nil
}

func (s store) accountName(ctx context.Context, q db.Queryer, id string) (name string, err error) {
	if err := q.QueryRowContext(ctx, `SELECT name FROM accounts WHERE id = $1`, id).Scan(&name); err != nil {
		return "", fmt.Errorf("read name of account %s: %w", id, err)
	}
	return name, nil
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}
