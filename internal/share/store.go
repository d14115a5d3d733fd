package share

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/label"
)

// store is the SQL of shares.
type store struct{ db *db.DB }

// current selects shares that have not ended: not revoked, not expired, of a
// conversation that is there and an owner who may sign in. $1 is the time.
const current = `
	SELECT s.id, s.conversation_id, s.owner_id, a.name, CASE WHEN s.leaf_id = '' THEN c.title ELSE s.title END, s.leaf_id,
	       s.everyone, s.with_system, s.expires_at, s.created_at, s.updated_at
	FROM   shares s JOIN conversations c ON c.id = s.conversation_id JOIN accounts a ON a.id = s.owner_id
	WHERE  s.revoked_at = 0 AND (s.expires_at = 0 OR s.expires_at > $1) AND c.deleted_at = 0 AND a.disabled = FALSE`

func scan(r row) (Share, error) {
	var s Share
	var expires, created, updated int64
	err := r.Scan(&s.ID, &s.ConversationID, &s.OwnerID, &s.OwnerName, &s.Title, &s.LeafID, &s.Everyone, &s.WithSystem, &expires, &created, &updated)
	if expires != 0 {
		s.ExpiresAt = time.UnixMilli(expires).UTC()
	}
	s.CreatedAt, s.UpdatedAt = time.UnixMilli(created).UTC(), time.UnixMilli(updated).UTC()
	return s, err
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
	v.FirstAt, v.LastAt = time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC()
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

func (s store) countOf(ctx context.Context, q db.Queryer, conversation string) (n int, err error) {
	err = q.QueryRowContext(ctx, `SELECT count(*) FROM shares WHERE conversation_id = $1 AND revoked_at = 0`, conversation).Scan(&n)
	return n, err
}

func (s store) insert(ctx context.Context, q db.Queryer, sh Share) error {
	_, err := q.ExecContext(ctx, `
		INSERT INTO shares (id, conversation_id, owner_id, leaf_id, title, everyone, with_system, expires_at, revoked_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10)`,
		sh.ID, sh.ConversationID, sh.OwnerID, sh.LeafID, sh.Title, sh.Everyone, sh.WithSystem, millis(sh.ExpiresAt), millis(sh.CreatedAt), millis(sh.UpdatedAt))
	if err != nil {
		return fmt.Errorf("insert share: %w", err)
	}
	return nil
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

func (s store) clear(ctx context.Context, q db.Queryer, id string) error {
	for _, stmt := range []string{`DELETE FROM share_accounts WHERE share_id = $1`, `DELETE FROM share_groups WHERE share_id = $1`} {
		if _, err := q.ExecContext(ctx, stmt, id); err != nil {
			return fmt.Errorf("change with whom %s is shared: %w", id, err)
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
	return added(q.ExecContext(ctx, `
		INSERT INTO share_groups (share_id, group_id) SELECT $1, g.id FROM groups g
		WHERE  g.id = $2 AND ($3 OR EXISTS (SELECT 1 FROM group_members m WHERE m.group_id = g.id AND m.account_id = $4))`,
		id, group, who.Role == access.Administrator, who.AccountID))
}

func added(res sql.Result, err error) (bool, error) {
	if err != nil {
		return false, fmt.Errorf("share: %w", err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// seen notes that a person has seen a share and reports whether for the first
// time.
func (s store) seen(ctx context.Context, q db.Queryer, id, account string, now time.Time) (first bool, err error) {
	var views int64
	err = q.QueryRowContext(ctx, `
		INSERT INTO share_views (share_id, account_id, first_at, last_at, views) VALUES ($1, $2, $3, $4, 1)
		ON CONFLICT (share_id, account_id) DO UPDATE SET last_at = excluded.last_at, views = share_views.views + 1
		RETURNING views`, id, account, now.UnixMilli(), now.UnixMilli()).Scan(&views)
	if err != nil {
		return false, fmt.Errorf("note who saw share %s: %w", id, err)
	}
	return views == 1, nil
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
// e-mail address, by which nobody is found here.
func (s store) people(ctx context.Context, who access.Principal, search string) ([]Person, error) {
	if label.Fold(search) == "" {
		return nil, nil
	}
	list, err := all(ctx, s.db, scanPerson, `
		SELECT a.id, a.name FROM accounts a
		WHERE  a.disabled = FALSE AND a.id <> $1 AND a.search_key LIKE $2 ESCAPE '!' ORDER BY a.name, a.id LIMIT 200`, who.AccountID, label.Pattern(search))
	if err != nil {
		return nil, fmt.Errorf("find people: %w", err)
	}
	var out []Person
	for _, p := range list {
		if !strings.Contains(label.Fold(p.Name), label.Fold(search)) || len(out) == maxPeople {
			continue
		}
		groups, err := all(ctx, s.db, scanGroup, `
			SELECT g.id, g.name FROM group_members m JOIN groups g ON g.id = m.group_id WHERE m.account_id = $1 ORDER BY g.name_key LIMIT 5`, p.ID)
		if err != nil {
			return nil, fmt.Errorf("find people: %w", err)
		}
		p.Groups = ids(groups, func(g Group) string { return g.Name })
		out = append(out, p)
	}
	return out, nil
}

// groups finds those that who may share with.
func (s store) groups(ctx context.Context, who access.Principal, search string) ([]Group, error) {
	list, err := all(ctx, s.db, scanGroup, `
		SELECT g.id, g.name FROM groups g
		WHERE  g.name_key LIKE $1 ESCAPE '!' AND ($2 OR EXISTS (SELECT 1 FROM group_members m WHERE m.group_id = g.id AND m.account_id = $3))
		ORDER  BY g.name_key LIMIT 20`, label.Pattern(search), who.Role == access.Administrator, who.AccountID)
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
