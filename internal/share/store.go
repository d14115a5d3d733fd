package share

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/chat"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/label"
)

// store is the SQL of shares.
type store struct{ db *db.DB }

// current selects shares that have not ended: not revoked, not expired, of a
// conversation that is there and an owner who may sign in. $1 is the time.
const current = `
	SELECT ` + columns + `
	` + tables + `
	WHERE  ` + going

const columns = `s.id, s.conversation_id, s.owner_id, a.name, CASE WHEN s.leaf_id = '' THEN c.title ELSE s.title END, s.leaf_id,
	       s.everyone, s.with_system, (SELECT count(*) FROM share_views v WHERE v.share_id = s.id), s.expires_at, s.created_at, s.updated_at`

const tables = `FROM   shares s JOIN conversations c ON c.id = s.conversation_id JOIN accounts a ON a.id = s.owner_id`

const going = `s.revoked_at = 0 AND (s.expires_at = 0 OR s.expires_at > $1) AND c.deleted_at = 0 AND a.disabled = FALSE`

func scan(r row) (Share, error) { return scanWith(r) }

func scanWith(r row, more ...any) (Share, error) {
	var s Share
	var expires, created, updated int64
	err := r.Scan(append([]any{
		&s.ID, &s.ConversationID, &s.OwnerID, &s.OwnerName, &s.Title, &s.LeafID, &s.Everyone, &s.WithSystem, &s.Viewers, &expires, &created, &updated,
	}, more...)...)
	s.ExpiresAt, s.CreatedAt, s.UpdatedAt = fromMillis(expires), fromMillis(created), fromMillis(updated)
	return s, err
}

func scanListed(r row) (Listed, error) {
	var l Listed
	var seen int64
	var err error
	l.Share, err = scanWith(r, &seen)
	l.SeenAt = fromMillis(seen)
	return l, err
}

// sharedWith selects the ids of the shares of others that are for who: for them,
// for a group they are in, or for everyone and opened by them before. A link for
// everyone is not put before everyone's eyes. It is access.ShareRead in SQL,
// taken together from what each index gives.
func sharedWith(where *db.Conditions, who access.Principal) string {
	account := where.Mark(who.AccountID)
	return `
	SELECT x.share_id FROM share_accounts x WHERE x.account_id = ` + account + `
	UNION
	SELECT x.share_id FROM share_groups x WHERE x.group_id IN (` + where.Marks(who.GroupIDs) + `)
	UNION
	SELECT v.share_id FROM share_views v JOIN shares e ON e.id = v.share_id WHERE v.account_id = ` + account + ` AND e.everyone`
}

// list returns the shares of a scope that come after the one named after, newest
// first, without those they are for.
func (s store) list(ctx context.Context, q db.Queryer, scope Scope, who access.Principal, after string, limit int, now time.Time) ([]Listed, error) {
	where := db.Given(now.UnixMilli(), who.AccountID)
	where.Add(going)
	if scope == ScopeMine {
		where.Add("s.owner_id = $2")
	} else {
		where.Add("s.owner_id <> $2")
		where.Add("s.id IN (" + sharedWith(&where, who) + ")")
	}
	if after != "" {
		where.Add("s.id < ?", after)
	}
	list, err := all(ctx, q, scanListed, `
	SELECT `+columns+`,
	       coalesce((SELECT v.last_at FROM share_views v WHERE v.share_id = s.id AND v.account_id = $2), 0)
	`+tables+where.Where()+"\n\tORDER  BY s.id DESC LIMIT "+strconv.Itoa(limit), where.Args()...)
	if err != nil {
		return nil, fmt.Errorf("list shares: %w", err)
	}
	return list, nil
}

const maxNames = 3 // tell with whom something is shared

// name tells shares of a list the first names of those they are for, groups
// first.
func (s store) name(ctx context.Context, q db.Queryer, list []Listed) error {
	if len(list) == 0 {
		return nil
	}
	at, args, marks := make(map[string]*Listed, len(list)), make([]any, 0, len(list)), make([]string, 0, len(list))
	for i := range list {
		at[list[i].ID] = &list[i]
		args = append(args, list[i].ID)
		marks = append(marks, "$"+strconv.Itoa(len(args)))
	}
	these := " (" + strings.Join(marks, ", ") + ")"
	type named struct {
		share, name string
		total       int
	}
	names, err := all(ctx, q, func(r row) (n named, err error) { return n, r.Scan(&n.share, &n.name, &n.total) }, `
	SELECT share_id, name, total FROM (
		SELECT share_id, name, kind, count(*) OVER (PARTITION BY share_id) AS total,
		       row_number() OVER (PARTITION BY share_id ORDER BY kind, name, id) AS nth
		FROM   (SELECT x.share_id, 1 AS kind, g.name, g.id FROM share_groups x JOIN groups g ON g.id = x.group_id WHERE x.share_id IN`+these+`
		        UNION ALL
		        SELECT x.share_id, 2 AS kind, a.name, a.id FROM share_accounts x JOIN accounts a ON a.id = x.account_id WHERE x.share_id IN`+these+`) chosen
	) numbered
	WHERE  nth <= `+strconv.Itoa(maxNames)+` ORDER BY share_id, nth`, args...)
	if err != nil {
		return fmt.Errorf("read with whom is shared: %w", err)
	}
	for _, n := range names {
		at[n.share].Names, at[n.share].Chosen = append(at[n.share].Names, n.name), n.total
	}
	return nil
}

// share returns share id with those it is for; code NotFound if it has ended.
func (s store) share(ctx context.Context, q db.Queryer, id string, now time.Time) (Share, error) {
	sh, err := scan(q.QueryRowContext(ctx, current+` AND s.id = $2`, now.UnixMilli(), id))
	if errors.Is(err, sql.ErrNoRows) {
		return Share{}, errs.New(errs.NotFound, "There is no such share.")
	} else if err != nil {
		return Share{}, fmt.Errorf("read share %s: %w", id, err)
	}
	return s.withChosen(ctx, q, sh)
}

func (s store) sharesOf(ctx context.Context, q db.Queryer, conversation string, now time.Time) ([]Share, error) {
	list, err := all(ctx, q, scan, current+` AND s.conversation_id = $2 ORDER BY s.id`, now.UnixMilli(), conversation)
	if err != nil {
		return nil, fmt.Errorf("list shares: %w", err)
	}
	for i := range list {
		if list[i], err = s.withChosen(ctx, q, list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (s store) withChosen(ctx context.Context, q db.Queryer, sh Share) (Share, error) {
	var err error
	sh.People, err = all(ctx, q, scanPerson, `
		SELECT a.id, a.name FROM share_accounts x JOIN accounts a ON a.id = x.account_id WHERE x.share_id = $1 ORDER BY a.name, a.id`, sh.ID)
	if err == nil {
		sh.Groups, err = all(ctx, q, scanGroup, `
			SELECT g.id, g.name FROM share_groups x JOIN groups g ON g.id = x.group_id WHERE x.share_id = $1 ORDER BY g.name_key`, sh.ID)
	}
	if err != nil {
		return Share{}, fmt.Errorf("read with whom %s is shared: %w", sh.ID, err)
	}
	return sh, nil
}

type row = interface{ Scan(...any) error }

func scanPerson(r row) (p Person, err error) { err = r.Scan(&p.ID, &p.Name); return p, err }

func scanGroup(r row) (g Group, err error) { err = r.Scan(&g.ID, &g.Name); return g, err }

func scanView(r row) (View, error) {
	var v View
	var first, last int64
	err := r.Scan(&v.AccountID, &v.Name, &first, &last, &v.Count)
	v.FirstAt, v.LastAt = fromMillis(first), fromMillis(last)
	return v, err
}

func all[T any](ctx context.Context, q db.Queryer, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// amongQuery selects those of n conversations of $1 that are shared at $2.
func amongQuery(n int) string {
	marks := make([]string, n)
	for i := range marks {
		marks[i] = "$" + strconv.Itoa(i+3)
	}
	return `
	SELECT DISTINCT s.conversation_id FROM shares s
	WHERE  s.owner_id = $1 AND s.revoked_at = 0 AND (s.expires_at = 0 OR s.expires_at > $2)
	AND    s.conversation_id IN (` + strings.Join(marks, ", ") + `)`
}

func (s store) among(ctx context.Context, q db.Queryer, owner string, conversations []string, now time.Time) ([]string, error) {
	if len(conversations) == 0 {
		return nil, nil
	}
	args := []any{owner, now.UnixMilli()}
	for _, id := range conversations {
		args = append(args, id)
	}
	shared, err := all(ctx, q, func(r row) (id string, err error) { return id, r.Scan(&id) }, amongQuery(len(conversations)), args...)
	if err != nil {
		return nil, fmt.Errorf("look for shared conversations: %w", err)
	}
	return shared, nil
}

// countOf counts the shares of a conversation that have not ended.
func (s store) countOf(ctx context.Context, q db.Queryer, conversation string, now time.Time) (n int, err error) {
	err = q.QueryRowContext(ctx, `
		SELECT count(*) FROM shares WHERE conversation_id = $1 AND revoked_at = 0 AND (expires_at = 0 OR expires_at > $2)`,
		conversation, now.UnixMilli()).Scan(&n)
	return n, err
}

func (s store) insert(ctx context.Context, q db.Queryer, sh Share, kept chat.Kept) error {
	parameters, err := json.Marshal(kept.Parameters)
	if err != nil {
		return err
	}
	var ending []byte
	if kept.Ending != nil {
		if ending, err = json.Marshal(kept.Ending); err != nil {
			return err
		}
	}
	_, err = q.ExecContext(ctx, `
		INSERT INTO shares (id, conversation_id, owner_id, leaf_id, title, everyone, with_system, expires_at, revoked_at, created_at, updated_at,
		                    system_prompt, parameters, ending)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11, $12, $13)`,
		sh.ID, sh.ConversationID, sh.OwnerID, sh.LeafID, sh.Title, sh.Everyone, sh.WithSystem, millis(sh.ExpiresAt), millis(sh.CreatedAt), millis(sh.UpdatedAt),
		kept.SystemPrompt, string(parameters), string(ending))
	if err != nil {
		return fmt.Errorf("insert share: %w", err)
	}
	return nil
}

// kept reads what a snapshot keeps.
func (s store) kept(ctx context.Context, q db.Queryer, id string) (chat.Kept, error) {
	var kept chat.Kept
	var parameters, ending string
	err := q.QueryRowContext(ctx, `SELECT system_prompt, parameters, ending FROM shares WHERE id = $1`, id).Scan(&kept.SystemPrompt, &parameters, &ending)
	if err == nil {
		err = json.Unmarshal([]byte(parameters), &kept.Parameters)
	}
	if err == nil && ending != "" {
		err = json.Unmarshal([]byte(ending), &kept.Ending)
	}
	if err != nil {
		return chat.Kept{}, fmt.Errorf("read what share %s keeps: %w", id, err)
	}
	return kept, nil
}

func (s store) update(ctx context.Context, q db.Queryer, sh Share) error {
	_, err := q.ExecContext(ctx, `UPDATE shares SET everyone = $1, with_system = $2, expires_at = $3, updated_at = $4 WHERE id = $5 AND owner_id = $6`,
		sh.Everyone, sh.WithSystem, millis(sh.ExpiresAt), millis(sh.UpdatedAt), sh.ID, sh.OwnerID)
	if err != nil {
		return fmt.Errorf("update share %s: %w", sh.ID, err)
	}
	return nil
}

func (s store) revoke(ctx context.Context, q db.Queryer, id string, now time.Time) error {
	_, err := q.ExecContext(ctx, `UPDATE shares SET revoked_at = $1 WHERE id = $2`, now.UnixMilli(), id)
	return err
}

// removeChosen ends sharing with people and groups.
func (s store) removeChosen(ctx context.Context, q db.Queryer, id string, accounts, groups []string) error {
	for stmt, list := range map[string][]string{
		`DELETE FROM share_accounts WHERE share_id = $1 AND account_id = $2`: accounts,
		`DELETE FROM share_groups WHERE share_id = $1 AND group_id = $2`:     groups,
	} {
		for _, one := range list {
			if _, err := q.ExecContext(ctx, stmt, id, one); err != nil {
				return fmt.Errorf("change with whom %s is shared: %w", id, err)
			}
		}
	}
	return nil
}

// addAccount shares with a person and reports whether there is one.
func (s store) addAccount(ctx context.Context, q db.Queryer, id, account string) (bool, error) {
	return added(q.ExecContext(ctx, `
		INSERT INTO share_accounts (share_id, account_id) SELECT $1, a.id FROM accounts a WHERE a.id = $2 AND a.disabled = FALSE`, id, account))
}

// addGroup shares with a group and reports whether who may.
func (s store) addGroup(ctx context.Context, q db.Queryer, who access.Principal, id, group string) (bool, error) {
	if !who.Has(access.GroupRead) && !slices.Contains(who.GroupIDs, group) {
		return false, nil
	}
	return added(q.ExecContext(ctx, `
		INSERT INTO share_groups (share_id, group_id) SELECT $1, g.id FROM groups g WHERE g.id = $2`, id, group))
}

func added(res sql.Result, err error) (bool, error) {
	if err != nil {
		return false, fmt.Errorf("share: %w", err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// lastSeen returns when a person saw a share last; zero if never.
func (s store) lastSeen(ctx context.Context, q db.Queryer, id, account string) (time.Time, error) {
	var at int64
	err := q.QueryRowContext(ctx, `SELECT last_at FROM share_views WHERE share_id = $1 AND account_id = $2`, id, account).Scan(&at)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, fmt.Errorf("read who saw share %s: %w", id, err)
	}
	return fromMillis(at), nil
}

// seen notes that a person has seen a share, as another visit after a while, and
// reports whether for the first time.
func (s store) seen(ctx context.Context, q db.Queryer, id, account string, now time.Time) (first bool, err error) {
	var began, last int64
	err = q.QueryRowContext(ctx, `
		INSERT INTO share_views (share_id, account_id, first_at, last_at, views) VALUES ($1, $2, $3, $3, 1)
		ON CONFLICT (share_id, account_id) DO UPDATE SET
		       last_at = excluded.last_at,
		       views   = share_views.views + CASE WHEN excluded.last_at - share_views.last_at >= $4 THEN 1 ELSE 0 END
		RETURNING first_at, last_at`, id, account, now.UnixMilli(), visit.Milliseconds()).Scan(&began, &last)
	if err != nil {
		return false, fmt.Errorf("note who saw share %s: %w", id, err)
	}
	return began == last, nil
}

func (s store) views(ctx context.Context, q db.Queryer, id string) ([]View, error) {
	list, err := all(ctx, q, scanView, `
		SELECT v.account_id, a.name, v.first_at, v.last_at, v.views FROM share_views v JOIN accounts a ON a.id = v.account_id
		WHERE  v.share_id = $1 ORDER BY v.first_at, v.account_id`, id)
	if err != nil {
		return nil, fmt.Errorf("read who saw share %s: %w", id, err)
	}
	return list, nil
}

const maxPeople = 20 // one search finds

// people finds others by a part of their name. The stored key also holds the
// e-mail address, after a line's end; by that nobody is found here.
func (s store) people(ctx context.Context, who access.Principal, search string) ([]Person, error) {
	if label.Fold(search) == "" {
		return nil, nil
	}
	list, err := all(ctx, s.db, scanPerson, `
		SELECT a.id, a.name FROM accounts a
		WHERE  a.disabled = FALSE AND a.id <> $1 AND a.search_key LIKE $2 ESCAPE '!' ORDER BY a.name, a.id LIMIT `+strconv.Itoa(maxPeople),
		who.AccountID, label.Pattern(search)+"\n%")
	for i := 0; err == nil && i < len(list); i++ {
		var groups []Group
		groups, err = all(ctx, s.db, scanGroup, `
			SELECT g.id, g.name FROM group_members m JOIN groups g ON g.id = m.group_id WHERE m.account_id = $1 ORDER BY g.name_key LIMIT 5`, list[i].ID)
		list[i].Groups = ids(groups, func(g Group) string { return g.Name })
	}
	if err != nil {
		return nil, fmt.Errorf("find people: %w", err)
	}
	return list, nil
}

// groups finds those that who may share with.
func (s store) groups(ctx context.Context, who access.Principal, search string) ([]Group, error) {
	var where db.Conditions
	where.Add("g.name_key LIKE ? ESCAPE '!'", label.Pattern(search))
	if !who.Has(access.GroupRead) {
		where.Add("g.id IN (" + where.Marks(who.GroupIDs) + ")")
	}
	list, err := all(ctx, s.db, scanGroup, `SELECT g.id, g.name FROM groups g`+where.Where()+` ORDER BY g.name_key LIMIT 20`, where.Args()...)
	if err != nil {
		return nil, fmt.Errorf("find groups: %w", err)
	}
	return list, nil
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// fromMillis is the time of a stored one; zero of 0.
func fromMillis(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return time.UnixMilli(at).UTC()
}
