package access

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/label"
)

func insertGroup(ctx context.Context, q db.Queryer, g Group) error {
	const insert = `
	INSERT INTO groups (id, name, name_key, created_at, updated_at, rule)
	VALUES ($1, $2, $3, $4, $5, $6)`
	_, err := q.ExecContext(ctx, insert, g.ID, g.Name, label.Fold(g.Name), g.CreatedAt.UnixMilli(), g.UpdatedAt.UnixMilli(), ruleText(g.Rule))
	if db.IsUniqueViolation(err) {
		return nameTaken()
	} else if err != nil {
		return fmt.Errorf("create group: %w", err)
	}
	return nil
}

func nameTaken() error {
	err := errs.New(errs.Conflict, "another group has this name")
	err.Field = "name"
	return err
}

func updateGroup(ctx context.Context, q db.Queryer, id, name string, now time.Time) error {
	const update = `
	UPDATE groups SET name = $1, name_key = $2, updated_at = $3
	WHERE  id = $4`
	_, err := q.ExecContext(ctx, update, name, label.Fold(name), now.UnixMilli(), id)
	if db.IsUniqueViolation(err) {
		return nameTaken()
	} else if err != nil {
		return fmt.Errorf("rename group %s: %w", id, err)
	}
	return nil
}

// deleteGroup removes a group and returns the accounts that were in it.
func deleteGroup(ctx context.Context, q db.Queryer, id string) ([]string, error) {
	members, err := db.Column[string](ctx, q, `DELETE FROM group_members WHERE group_id = $1 RETURNING account_id`, id)
	if err != nil {
		return nil, fmt.Errorf("delete group %s: %w", id, err)
	}
	if _, err := q.ExecContext(ctx, `DELETE FROM grants WHERE subject_kind = 'group' AND subject_id = $1`, id); err != nil {
		return nil, fmt.Errorf("delete group %s: %w", id, err)
	}
	if _, err := q.ExecContext(ctx, `DELETE FROM groups WHERE id = $1`, id); err != nil {
		return nil, fmt.Errorf("delete group %s: %w", id, err)
	}
	return members, nil
}

const groupColumns = `
	SELECT g.id, g.name, g.created_at, g.updated_at, g.rule,
	       (SELECT COUNT(*) FROM group_members m WHERE m.group_id = g.id)
	FROM   groups g`

func scanGroup(row interface{ Scan(...any) error }) (Group, error) {
	var g Group
	var created, updated int64
	var rule string
	if err := row.Scan(&g.ID, &g.Name, &created, &updated, &rule, &g.Members); err != nil {
		return Group{}, err
	}
	g.CreatedAt, g.UpdatedAt = time.UnixMilli(created).UTC(), time.UnixMilli(updated).UTC()
	if rule == "" {
		return g, nil
	}
	g.Rule = new(Rule)
	return g, json.Unmarshal([]byte(rule), g.Rule)
}

func selectGroup(ctx context.Context, q db.Queryer, id string) (Group, error) {
	if !label.IsID(id) {
		return Group{}, noGroup()
	}
	g, err := scanGroup(q.QueryRowContext(ctx, groupColumns+` WHERE g.id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return Group{}, noGroup()
	} else if err != nil {
		return Group{}, fmt.Errorf("read group %s: %w", id, err)
	}
	return g, nil
}

func selectGroupNamed(ctx context.Context, q db.Queryer, name string) (Group, error) {
	g, err := scanGroup(q.QueryRowContext(ctx, groupColumns+` WHERE g.name_key = $1 OR g.id = $2`, label.Fold(name), name))
	if errors.Is(err, sql.ErrNoRows) {
		return Group{}, errs.Newf(errs.NotFound, "there is no group called %q", name)
	} else if err != nil {
		return Group{}, fmt.Errorf("read group %q: %w", name, err)
	}
	return g, nil
}

func noGroup() error { return errs.New(errs.NotFound, "there is no such group") }

const (
	defaultLimit = 50
	maxLimit     = 200
)

// The key of a page is the folded name, which is unique; the engine's own
// order of text decides on both sides of the comparison.
const selectGroupPage = groupColumns + `
	WHERE  g.name_key > $1 AND g.name_key LIKE $2 ESCAPE '!'
	ORDER  BY g.name_key LIMIT $3`

func selectGroups(ctx context.Context, q db.Queryer, f GroupFilter) (GroupPage, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	limit = min(limit, maxLimit)
	after, err := base64.RawURLEncoding.DecodeString(f.PageToken)
	if err != nil || !utf8.Valid(after) || bytes.IndexByte(after, 0) >= 0 {
		return GroupPage{}, errs.InField("pageToken", "the page token is not one of ours")
	}
	rows, err := q.QueryContext(ctx, selectGroupPage, string(after), label.Pattern(f.Search), limit+1)
	if err != nil {
		return GroupPage{}, fmt.Errorf("list groups: %w", err)
	}
	defer rows.Close()
	page := GroupPage{Items: make([]Group, 0, limit)}
	for rows.Next() {
		if len(page.Items) == limit { // one more than asked for: there is a next page
			last := label.Fold(page.Items[limit-1].Name)
			page.NextPageToken = base64.RawURLEncoding.EncodeToString([]byte(last))
			break
		}
		g, err := scanGroup(rows)
		if err != nil {
			return GroupPage{}, fmt.Errorf("list groups: %w", err)
		}
		page.Items = append(page.Items, g)
	}
	if err := rows.Err(); err != nil {
		return GroupPage{}, fmt.Errorf("list groups: %w", err)
	}
	return page, nil
}

// selectGroupsNamed returns the groups that have the ids, by name.
func selectGroupsNamed(ctx context.Context, q db.Queryer, ids []string) ([]Group, error) {
	var list []Group
	if len(ids) == 0 {
		return nil, nil
	}
	query := groupColumns + ` WHERE g.id IN (` + db.Marks(1, len(ids)) + `) ORDER BY g.name_key`
	err := each(ctx, q, query, func(scan func(...any) error) error {
		group, err := scanGroup(scanner(scan))
		list = append(list, group)
		return err
	}, values(ids)...)
	if err != nil {
		return nil, fmt.Errorf("list groups: %w", err)
	}
	return list, nil
}

// scanner is a function that scans a row, as one that has the method.
type scanner func(...any) error

// Scan implements what scanGroup reads from.
func (s scanner) Scan(dest ...any) error { return s(dest...) }

func selectGroupIDs(ctx context.Context, q db.Queryer, accountID string) ([]string, error) {
	if !label.IsID(accountID) {
		return nil, nil
	}
	ids, err := db.Column[string](ctx, q, `SELECT group_id FROM group_members WHERE account_id = $1 ORDER BY group_id`, accountID)
	if err != nil {
		return nil, fmt.Errorf("read groups of account %s: %w", accountID, err)
	}
	return ids, nil
}

// insertMember reports whether the account was not in the group before.
func insertMember(ctx context.Context, q db.Queryer, groupID, accountID string, now time.Time) (bool, error) {
	const exists = `SELECT COUNT(*) FROM accounts WHERE id = $1`
	const insert = `
	INSERT INTO group_members (group_id, account_id, created_at)
	VALUES ($1, $2, $3)
	ON CONFLICT (group_id, account_id) DO NOTHING`
	var n int64
	if !label.IsID(accountID) {
		return false, errs.New(errs.NotFound, "there is no such account")
	}
	if err := q.QueryRowContext(ctx, exists, accountID).Scan(&n); err != nil {
		return false, fmt.Errorf("add account %s to group %s: %w", accountID, groupID, err)
	}
	if n == 0 {
		return false, errs.New(errs.NotFound, "there is no such account")
	}
	res, err := q.ExecContext(ctx, insert, groupID, accountID, now.UnixMilli())
	if err == nil {
		n, err = res.RowsAffected()
	}
	if err != nil {
		return false, fmt.Errorf("add account %s to group %s: %w", accountID, groupID, err)
	}
	return n == 1, nil
}

// deleteMember reports whether the account was in the group.
func deleteMember(ctx context.Context, q db.Queryer, groupID, accountID string) (bool, error) {
	if !label.IsID(accountID) {
		return false, nil
	}
	res, err := q.ExecContext(ctx, `DELETE FROM group_members WHERE group_id = $1 AND account_id = $2`, groupID, accountID)
	var n int64
	if err == nil {
		n, err = res.RowsAffected()
	}
	if err != nil {
		return false, fmt.Errorf("take account %s out of group %s: %w", accountID, groupID, err)
	}
	return n == 1, nil
}
