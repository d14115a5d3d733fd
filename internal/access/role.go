package access

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/label"
)

// Role is a set of permissions that accounts hold, everywhere or for a unit and
// all below it.
type Role struct {
	ID          RoleID
	Name        string // "" of a built-in one, which every language calls by its own name
	Description string
	BuiltIn     bool
	Permissions []Action // in the order of Permissions
	Holders     int      // accounts that hold it now
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// RoleDraft is what an administrator says of a role.
type RoleDraft struct {
	Name        string
	Description string
	Permissions []Action
}

// The actions on roles as the audit log names them.
const (
	auditRoleCreate = "role.create"
	auditRoleUpdate = "role.update"
	auditRoleDelete = "role.delete"
	auditRoleAssign = "account.set_roles"
)

const (
	maxRoleName        = 100 // characters
	maxRoleDescription = 500
	maxHeld            = 50 // roles of one account
)

// Roles keeps the roles and who holds them.
type Roles struct {
	db     *db.DB
	audit  *audit.Log
	charts *Charts
	now    func() time.Time
}

// NewRoles returns the roles kept in d. now is the clock.
func NewRoles(d *db.DB, record *audit.Log, charts *Charts, now func() time.Time) *Roles {
	return &Roles{db: d, audit: record, charts: charts, now: now}
}

// List returns all roles, the built-in ones first, then by name.
func (r *Roles) List(ctx context.Context) ([]Role, error) {
	if _, err := Authorize(ctx, RoleRead, Resource{Kind: KindRole, Any: true}); err != nil {
		return nil, err
	}
	holders, err := r.holders(ctx)
	if err != nil {
		return nil, err
	}
	var list []Role
	for _, id := range BuiltInRoles() {
		list = append(list, Role{ID: id, BuiltIn: true, Permissions: builtIn[id], Holders: holders[id]})
	}
	err = each(ctx, r.db, roleColumns+` ORDER BY name_key`, func(scan func(...any) error) error {
		role, err := scanRole(scan)
		role.Holders = holders[role.ID]
		list = append(list, role)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list roles: %w", err)
	}
	return list, nil
}

func (r *Roles) holders(ctx context.Context) (map[RoleID]int, error) {
	const count = `
	SELECT role_id, COUNT(DISTINCT account_id) FROM role_holders WHERE starts_at <= $1 AND ends_at > $2 GROUP BY role_id`
	holders, now := map[RoleID]int{}, r.now().UnixMilli()
	err := each(ctx, r.db, count, func(scan func(...any) error) error {
		var id RoleID
		var n int
		err := scan(&id, &n)
		holders[id] = n
		return err
	}, now, now)
	if err != nil {
		return nil, fmt.Errorf("count who holds roles: %w", err)
	}
	return holders, nil
}

const roleColumns = `SELECT id, name, description, permissions, created_at, updated_at FROM roles`

func scanRole(scan func(...any) error) (Role, error) {
	var role Role
	var text string
	var created, updated int64
	if err := scan(&role.ID, &role.Name, &role.Description, &text, &created, &updated); err != nil {
		return Role{}, err
	}
	role.CreatedAt, role.UpdatedAt = time.UnixMilli(created).UTC(), time.UnixMilli(updated).UTC()
	return role, json.Unmarshal([]byte(text), &role.Permissions)
}

func selectRole(ctx context.Context, q db.Queryer, id RoleID) (Role, error) {
	if permits, known := builtIn[id]; known {
		return Role{ID: id, BuiltIn: true, Permissions: permits}, nil
	}
	if !label.IsID(string(id)) {
		return Role{}, noRole()
	}
	role, err := scanRole(q.QueryRowContext(ctx, roleColumns+` WHERE id = $1`, string(id)).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Role{}, noRole()
	} else if err != nil {
		return Role{}, fmt.Errorf("read role %s: %w", id, err)
	}
	return role, nil
}

func noRole() error { return errs.New(errs.NotFound, "there is no such role") }

// clean returns d as it is stored. Nobody makes a role that permits what they
// may not do themselves.
func (d RoleDraft) clean(p Principal) (RoleDraft, error) {
	var err error
	if d.Name, err = label.Clean("name", d.Name, maxRoleName); err != nil {
		return d, err
	}
	if d.Description = strings.TrimSpace(d.Description); d.Description != "" {
		if d.Description, err = label.Clean("description", d.Description, maxRoleDescription); err != nil {
			return d, err
		}
	}
	var permits []Action
	for _, a := range Permissions() {
		if slices.Contains(d.Permissions, a) {
			permits = append(permits, a)
		}
	}
	for _, a := range d.Permissions {
		if !slices.Contains(permits, a) {
			return d, errs.InField("permissions", "there is no permission "+string(a))
		}
	}
	if len(permits) == 0 {
		return d, errs.InField("permissions", "choose at least one permission")
	}
	d.Permissions = permits
	if !p.covers([]Right{{Permissions: permits}}) {
		return d, forbidden()
	}
	return d, nil
}

// Create makes a role. The error has code Conflict if one of that name exists.
func (r *Roles) Create(ctx context.Context, d RoleDraft) (Role, error) {
	p, err := Authorize(ctx, RoleWrite, Resource{Kind: KindRole})
	if err != nil {
		return Role{}, err
	}
	if d, err = d.clean(p); err != nil {
		return Role{}, err
	}
	now := stored(r.now())
	role := Role{ID: RoleID(db.NewID()), Name: d.Name, Description: d.Description, Permissions: d.Permissions, CreatedAt: now, UpdatedAt: now}
	err = r.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		const insert = `
		INSERT INTO roles (id, name, name_key, description, permissions, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`
		_, err := tx.ExecContext(ctx, insert, string(role.ID), d.Name, label.Fold(d.Name), d.Description, encode(d.Permissions), now.UnixMilli(), now.UnixMilli())
		if err := named("create role", err); err != nil {
			return err
		}
		return r.changed(ctx, tx, auditRoleCreate, role.ID, map[string]string{"name": d.Name, "permissions": join(d.Permissions)})
	})
	if err != nil {
		return Role{}, err
	}
	return role, nil
}

// Update changes role id, which whoever holds it notices with their next
// request.
func (r *Roles) Update(ctx context.Context, id RoleID, d RoleDraft) (Role, error) {
	p, err := Authorize(ctx, RoleWrite, Resource{Kind: KindRole, ID: string(id)})
	if err != nil {
		return Role{}, err
	}
	if d, err = d.clean(p); err != nil {
		return Role{}, err
	}
	var role Role
	err = r.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		before, err := ownRole(ctx, tx, p, id)
		if err != nil {
			return err
		}
		const update = `
		UPDATE roles SET name = $1, name_key = $2, description = $3, permissions = $4, updated_at = $5 WHERE id = $6`
		_, err = tx.ExecContext(ctx, update, d.Name, label.Fold(d.Name), d.Description, encode(d.Permissions), r.now().UnixMilli(), string(id))
		if err := named("update role "+string(id), err); err != nil {
			return err
		}
		if role, err = selectRole(ctx, tx, id); err != nil {
			return err
		}
		return r.changed(ctx, tx, auditRoleUpdate, id, map[string]string{
			"name_from": before.Name, "name": role.Name, "permissions_from": join(before.Permissions), "permissions": join(role.Permissions),
		})
	})
	if err != nil {
		return Role{}, err
	}
	holders, err := r.holders(ctx)
	role.Holders = holders[id]
	return role, err
}

// Delete removes role id. The error has code Conflict while somebody holds it,
// or is to hold it.
func (r *Roles) Delete(ctx context.Context, id RoleID) error {
	p, err := Authorize(ctx, RoleWrite, Resource{Kind: KindRole, ID: string(id)})
	if err != nil {
		return err
	}
	return r.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		before, err := ownRole(ctx, tx, p, id)
		if err != nil {
			return err
		}
		var held int
		const count = `SELECT COUNT(*) FROM role_holders WHERE role_id = $1 AND ends_at > $2`
		if err := tx.QueryRowContext(ctx, count, string(id), r.now().UnixMilli()).Scan(&held); err != nil {
			return fmt.Errorf("count who holds role %s: %w", id, err)
		}
		if held > 0 {
			return errs.New(errs.Conflict, "accounts hold this role; take it from them first").With("reason", "role_held")
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM role_holders WHERE role_id = $1`, string(id)); err != nil {
			return fmt.Errorf("delete role %s: %w", id, err)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM roles WHERE id = $1`, string(id)); err != nil {
			return fmt.Errorf("delete role %s: %w", id, err)
		}
		return r.changed(ctx, tx, auditRoleDelete, id, map[string]string{"name": before.Name})
	})
}

// ownRole returns a role that the installation made and p may change: one that
// permits no more than p may do.
func ownRole(ctx context.Context, tx *db.Tx, p Principal, id RoleID) (Role, error) {
	role, err := selectRole(ctx, tx, id)
	if err != nil {
		return Role{}, err
	}
	if role.BuiltIn {
		return Role{}, errs.New(errs.Conflict, "a built-in role stays as it is; make one of your own").With("reason", "built_in")
	}
	if !p.covers([]Right{{Permissions: role.Permissions}}) {
		return Role{}, forbidden()
	}
	return role, nil
}

func (r *Roles) changed(ctx context.Context, tx *db.Tx, action string, id RoleID, details map[string]string) error {
	if err := touch(ctx, tx); err != nil {
		return err
	}
	return r.audit.Record(ctx, audit.Event{
		Action: action, Resource: audit.Resource{Kind: string(KindRole), ID: string(id)}, Details: details,
	})
}

// Assign makes held the roles of an account, within the transaction of ctx if
// it has one. Nobody gives or takes what they may not do themselves.
func (r *Roles) Assign(ctx context.Context, accountID string, held []Held) error {
	p, err := Authorize(ctx, RoleAssign, Resource{Kind: KindAccount, Any: true})
	if err != nil {
		return err
	}
	if len(held) > maxHeld {
		return errs.InField("roles", "these are too many at once")
	}
	return r.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		chart, err := r.charts.Now(ctx)
		if err != nil {
			return err
		}
		facts, err := FactsOf(ctx, tx, accountID)
		if err != nil {
			return err
		}
		wanted, err := r.clean(ctx, tx, held)
		if err != nil {
			return err
		}
		// What it holds at any time counts, not only what holds now.
		about := chart.Resource(accountID, facts)
		if about.Rights, err = r.rights(ctx, tx, append(slices.Clone(facts.Roles), wanted...)); err != nil {
			return err
		}
		if err := Decide(p, RoleAssign, about); err != nil {
			return err
		}
		if slices.Equal(wanted, facts.Roles) {
			return nil
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM role_holders WHERE account_id = $1`, accountID); err != nil {
			return fmt.Errorf("set the roles of account %s: %w", accountID, err)
		}
		for _, h := range wanted {
			const insert = `
			INSERT INTO role_holders (account_id, role_id, unit_id, starts_at, ends_at) VALUES ($1, $2, $3, $4, $5)`
			if _, err := tx.ExecContext(ctx, insert, accountID, string(h.RoleID), h.UnitID, h.StartsAt, h.EndsAt); err != nil {
				return fmt.Errorf("set the roles of account %s: %w", accountID, err)
			}
		}
		if err := r.db.Publish(ctx, Changed, accountID); err != nil {
			return err
		}
		return r.audit.Record(ctx, audit.Event{
			Action: auditRoleAssign, Resource: audit.Resource{Kind: string(KindAccount), ID: accountID},
			Details: map[string]string{"roles_from": describe(facts.Roles), "roles": describe(wanted)},
		})
	})
}

// rights are those of roles whatever the time. A role that is gone permits
// nothing.
func (r *Roles) rights(ctx context.Context, q db.Queryer, held []Held) ([]Right, error) {
	var rights []Right
	for _, h := range held {
		role, err := selectRole(ctx, q, h.RoleID)
		if err != nil && errs.CodeOf(err) != errs.NotFound {
			return nil, err
		}
		rights = append(rights, Right{RoleID: h.RoleID, UnitID: h.UnitID, Permissions: role.Permissions})
	}
	return rights, nil
}

// clean returns held as it is stored: sorted, each once, of roles and units
// that there are.
func (r *Roles) clean(ctx context.Context, tx *db.Tx, held []Held) ([]Held, error) {
	list := slices.Clone(held)
	for i, h := range list {
		field := fmt.Sprintf("roles[%d]", i)
		role, err := selectRole(ctx, tx, h.RoleID)
		if errs.CodeOf(err) == errs.NotFound {
			return nil, errs.InField(field+".roleId", "there is no such role")
		} else if err != nil {
			return nil, err
		}
		if h.Span == (Span{}) {
			list[i].Span = Always
		} else if h.StartsAt >= h.EndsAt {
			return nil, errs.InField(field+".until", "it would end before it begins")
		}
		if h.UnitID == "" {
			continue
		}
		if err := hasUnit(ctx, tx, h.UnitID); errs.CodeOf(err) == errs.NotFound {
			return nil, errs.InField(field+".unitId", "there is no such unit")
		} else if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(role.Permissions, Scopable) {
			return nil, errs.InField(field+".unitId", "nothing that this role permits can be held for one unit")
		}
	}
	slices.SortFunc(list, func(a, b Held) int {
		return compare(a.Span, b.Span, false, false, string(a.RoleID)+" "+a.UnitID, string(b.RoleID)+" "+b.UnitID)
	})
	list = slices.Compact(list)
	for i, h := range list {
		for _, other := range list[:i] {
			if h.RoleID == other.RoleID && h.UnitID == other.UnitID && h.Overlaps(other.Span) {
				return nil, errs.InField("roles", "a role is there twice for the same time")
			}
		}
	}
	return list, nil
}

// FactsOf returns the facts of an account. The error has code NotFound if there
// is none.
func FactsOf(ctx context.Context, q db.Queryer, accountID string) (Facts, error) {
	var row FactRow
	var email string
	if !label.IsID(accountID) {
		return Facts{}, errs.New(errs.NotFound, "there is no such account")
	}
	err := q.QueryRowContext(ctx, `SELECT a.email, `+FactColumns+` FROM accounts a WHERE a.id = $1`, accountID).Scan(append([]any{&email}, row.Dest()...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return Facts{}, errs.New(errs.NotFound, "there is no such account")
	} else if err != nil {
		return Facts{}, fmt.Errorf("read the posts and roles of account %s: %w", accountID, err)
	}
	return row.Facts(email)
}

// describe tells the record which roles somebody holds.
func describe(held []Held) string {
	words := make([]string, len(held))
	for i, h := range held {
		words[i] = string(h.RoleID)
		if h.UnitID != "" {
			words[i] += "@" + h.UnitID
		}
		if h.Span != Always {
			words[i] += fmt.Sprintf("[%d,%d)", h.StartsAt, h.EndsAt)
		}
	}
	return strings.Join(words, " ")
}

func join(actions []Action) string {
	words := make([]string, len(actions))
	for i, a := range actions {
		words[i] = string(a)
	}
	return strings.Join(words, " ")
}

func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil { // of strings and flags: it cannot be
		panic(err)
	}
	return string(text)
}

// named is what became of writing something with a name of its own.
func named(act string, err error) error {
	if db.IsUniqueViolation(err) {
		taken := errs.New(errs.Conflict, "another one has this name")
		taken.Field = "name"
		return taken
	} else if err != nil {
		return fmt.Errorf("%s: %w", act, err)
	}
	return nil
}
