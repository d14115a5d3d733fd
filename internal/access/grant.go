package access

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/label"
)

// SubjectKind says what a grant is given to.
type SubjectKind string

// The kinds of subject.
const (
	SubjectEveryone SubjectKind = "everyone"
	SubjectAccount  SubjectKind = "account"
	SubjectGroup    SubjectKind = "group"
	SubjectUnit     SubjectKind = "unit" // whoever has a post there now
)

// Subject is whom a grant is about.
type Subject struct {
	Kind  SubjectKind
	ID    string // "" for everyone
	Below bool   // of a unit: those who have a post in the units below it, too
}

// Everyone is whoever is signed in.
var Everyone = Subject{Kind: SubjectEveryone}

// Grant lets a subject use an object, or keeps it from it. A deny wins over
// every allow, on the object itself and on all that it is in. Who is neither
// allowed nor denied may not use it.
type Grant struct {
	Subject
	Deny bool
}

// ForEveryone is what lets everyone use an object.
var ForEveryone = []Grant{{Subject: Everyone}}

// Object is what grants are about.
type Object struct {
	Kind Kind
	ID   string
}

// is reports whether p is meant by s.
func (p Principal) is(s Subject) bool {
	switch s.Kind {
	case SubjectEveryone:
		return true
	case SubjectAccount:
		return s.ID == p.AccountID
	case SubjectGroup:
		return slices.Contains(p.GroupIDs, s.ID)
	case SubjectUnit:
		return slices.ContainsFunc(p.UnitIDs, func(unit string) bool {
			return unit == s.ID || s.Below && slices.Contains(p.Tree.Path(unit), s.ID)
		})
	}
	return false
}

// granted reports whether grants let p use what they are on.
func granted(p Principal, grants []Grant) bool {
	allowed := false
	for _, g := range grants {
		if !p.is(g.Subject) {
			continue
		}
		if g.Deny {
			return false
		}
		allowed = true
	}
	return allowed
}

// Within is an object that a row is or is in: its kind, and the SQL of its id.
type Within struct {
	Kind   Kind
	Column string
}

// Granted bounds rows to those that p may use, by the grants on each row's own
// object and on those that it is in: granted in SQL.
func Granted(where *db.Conditions, p Principal, objects ...Within) {
	on := make([]string, len(objects))
	for i, o := range objects {
		on[i] = "g.object_kind = " + where.Mark(string(o.Kind)) + " AND g.object_id = " + o.Column
	}
	var above []string
	for _, unit := range p.UnitIDs {
		above = append(above, p.Tree.Path(unit)...)
	}
	slices.Sort(above)
	meant := `(g.subject_kind = 'everyone'
	     OR g.subject_kind = 'account' AND g.subject_id = ` + where.Mark(p.AccountID) + `
	     OR g.subject_kind = 'group' AND g.subject_id IN (` + where.Marks(p.GroupIDs) + `)
	     OR g.subject_kind = 'unit' AND (g.subject_id IN (` + where.Marks(p.UnitIDs) + `) OR g.below AND g.subject_id IN (` + where.Marks(slices.Compact(above)) + `)))`
	grants := "SELECT 1 FROM grants g WHERE (" + strings.Join(on, " OR ") + ") AND " + meant
	where.Add("EXISTS (" + grants + " AND NOT g.deny)")
	where.Add("NOT EXISTS (" + grants + " AND g.deny)")
}

// maxGrants are those of one object.
const maxGrants = 500

// Grants keeps who may use which object. The capability whose object it is
// decides who may change them, and puts it on record (Describe).
type Grants struct {
	db  *db.DB
	now func() time.Time
}

// NewGrants returns the grants kept in d. now is the clock.
func NewGrants(d *db.DB, now func() time.Time) *Grants {
	return &Grants{db: d, now: now}
}

// Set makes grants those of an object, within the transaction of ctx if it has
// one. The error is about field if one of them names nobody.
func (g *Grants) Set(ctx context.Context, o Object, field string, grants []Grant) error {
	wanted, err := cleanGrants(field, grants)
	if err != nil {
		return err
	}
	return g.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		before, err := g.Of(ctx, o)
		if err != nil {
			return err
		}
		if slices.Equal(before, wanted) {
			return nil
		}
		for _, grant := range wanted {
			if !slices.Contains(before, grant) { // whoever has gone since may stay
				if err := hasSubject(ctx, tx, grant.Subject); errs.CodeOf(err) == errs.NotFound {
					return errs.InField(field, "there is no such "+string(grant.Kind))
				} else if err != nil {
					return err
				}
			}
		}
		if err := g.remove(ctx, tx, o); err != nil {
			return err
		}
		for _, grant := range wanted {
			const insert = `
			INSERT INTO grants (object_kind, object_id, subject_kind, subject_id, below, deny, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`
			_, err := tx.ExecContext(ctx, insert, string(o.Kind), o.ID, string(grant.Kind), grant.ID, grant.Below, grant.Deny, g.now().UnixMilli())
			if err != nil {
				return fmt.Errorf("grant %s %s: %w", o.Kind, o.ID, err)
			}
		}
		return nil
	})
}

// Remove takes away all grants of an object that is removed itself, within the
// transaction of ctx.
func (g *Grants) Remove(ctx context.Context, o Object) error {
	return g.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error { return g.remove(ctx, tx, o) })
}

func (g *Grants) remove(ctx context.Context, tx *db.Tx, o Object) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM grants WHERE object_kind = $1 AND object_id = $2`, string(o.Kind), o.ID)
	if err != nil {
		return fmt.Errorf("take the grants of %s %s away: %w", o.Kind, o.ID, err)
	}
	return nil
}

// Of returns the grants of an object, those that deny first.
func (g *Grants) Of(ctx context.Context, o Object) ([]Grant, error) {
	all, err := g.OfKind(ctx, o.Kind, o.ID)
	return all[o.ID], err
}

// OfKind returns the grants of objects of one kind by their id: of those named,
// or of all.
func (g *Grants) OfKind(ctx context.Context, kind Kind, ids ...string) (map[string][]Grant, error) {
	return grantsOf(ctx, g.db, kind, ids...)
}

func grantsOf(ctx context.Context, q db.Queryer, kind Kind, ids ...string) (map[string][]Grant, error) {
	where := db.Given(string(kind))
	where.Add("object_kind = $1")
	if len(ids) > 0 {
		where.Add("object_id IN (" + where.Marks(ids) + ")")
	}
	all := map[string][]Grant{}
	err := each(ctx, q, `SELECT object_id, subject_kind, subject_id, below, deny FROM grants`+where.Where(), func(scan func(...any) error) error {
		var id string
		var grant Grant
		err := scan(&id, &grant.Kind, &grant.ID, &grant.Below, &grant.Deny)
		all[id] = append(all[id], grant)
		return err
	}, where.Args()...)
	if err != nil {
		return nil, fmt.Errorf("read the grants of %s: %w", kind, err)
	}
	for _, grants := range all {
		slices.SortFunc(grants, inOrder)
	}
	return all, nil
}

// inOrder puts those that deny first.
func inOrder(a, b Grant) int {
	if a.Deny != b.Deny {
		if a.Deny {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID), strings.Compare(fmt.Sprint(a.Below), fmt.Sprint(b.Below)))
}

// cleanGrants returns grants as they are stored: in order, each once.
func cleanGrants(field string, grants []Grant) ([]Grant, error) {
	if len(grants) > maxGrants {
		return nil, errs.InField(field, "these are too many")
	}
	list := slices.Clone(grants)
	for i, grant := range list {
		switch grant.Kind {
		case SubjectEveryone:
			list[i].Subject = Everyone
		case SubjectAccount, SubjectGroup:
			list[i].Below = false
		case SubjectUnit:
		default:
			return nil, errs.InField(field, "this is not a kind of subject: "+string(grant.Kind))
		}
	}
	slices.SortFunc(list, inOrder)
	return slices.Compact(list), nil
}

func hasSubject(ctx context.Context, q db.Queryer, s Subject) error {
	table := ""
	switch s.Kind {
	case SubjectEveryone:
		return nil
	case SubjectAccount:
		table = "accounts"
	case SubjectGroup:
		table = "groups"
	case SubjectUnit:
		table = "units"
	}
	var n int
	if label.IsID(s.ID) {
		if err := q.QueryRowContext(ctx, `SELECT COUNT(*) FROM `+table+` WHERE id = $1`, s.ID).Scan(&n); err != nil {
			return fmt.Errorf("look for %s %s: %w", s.Kind, s.ID, err)
		}
	}
	if n == 0 {
		return errs.Newf(errs.NotFound, "there is no such %s", s.Kind)
	}
	return nil
}

// Describe tells the record of grants: those that deny begin with -, a unit with
// all below it ends with +.
func Describe(grants []Grant) string {
	words := make([]string, len(grants))
	for i, g := range grants {
		words[i] = string(g.Kind)
		if g.ID != "" {
			words[i] += ":" + g.ID
		}
		if g.Below {
			words[i] += "+"
		}
		if g.Deny {
			words[i] = "-" + words[i]
		}
	}
	return strings.Join(words, " ")
}

// GrantsColumn selects the grants of the object of a kind whose id is in a
// column; ParseGrants reads them.
func GrantsColumn(kind Kind, column string) string {
	return `COALESCE((SELECT string_agg(g.subject_kind || ' ' || g.subject_id || ' ' || CASE WHEN g.below THEN '1' ELSE '0' END || ' ' || CASE WHEN g.deny THEN '1' ELSE '0' END, ',')
	        FROM grants g WHERE g.object_kind = '` + string(kind) + `' AND g.object_id = ` + column + `), '')`
}

// ParseGrants returns what GrantsColumn selected.
func ParseGrants(text string) []Grant {
	var grants []Grant
	for part := range strings.SplitSeq(text, ",") {
		if fields := strings.Split(part, " "); len(fields) == 4 {
			subject := Subject{Kind: SubjectKind(fields[0]), ID: fields[1], Below: fields[2] == "1"}
			grants = append(grants, Grant{Subject: subject, Deny: fields[3] == "1"})
		}
	}
	slices.SortFunc(grants, inOrder)
	return grants
}

// Names returns what the subjects of grants are called, now or last.
func (g *Grants) Names(ctx context.Context, grants ...Grant) (map[Subject]string, error) {
	ids := map[SubjectKind][]string{}
	for _, grant := range grants {
		ids[grant.Kind] = append(ids[grant.Kind], grant.ID)
	}
	found := map[string]string{}
	for kind, query := range map[SubjectKind]string{
		SubjectAccount: `SELECT id, name FROM accounts WHERE id IN (%s)`,
		SubjectGroup:   `SELECT id, name FROM groups WHERE id IN (%s)`,
		SubjectUnit:    `SELECT unit_id, name FROM unit_periods WHERE unit_id IN (%s) ORDER BY starts_at`,
	} {
		if len(ids[kind]) == 0 {
			continue
		}
		unique := sortedSet(ids[kind])
		err := each(ctx, g.db, fmt.Sprintf(query, db.Marks(1, len(unique))), func(scan func(...any) error) error {
			var id, name string
			err := scan(&id, &name)
			found[id] = name
			return err
		}, values(unique)...)
		if err != nil {
			return nil, fmt.Errorf("read what grants are about: %w", err)
		}
	}
	names := map[Subject]string{}
	for _, grant := range grants {
		names[grant.Subject] = found[grant.ID]
	}
	return names, nil
}

// Audience returns the groups that grants are for, if they are for groups alone.
func Audience(grants []Grant) (groupIDs []string) {
	for _, g := range grants {
		switch {
		case g.Deny:
		case g.Kind != SubjectGroup:
			return nil
		default:
			groupIDs = append(groupIDs, g.ID)
		}
	}
	return groupIDs
}
