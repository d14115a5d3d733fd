package access

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/label"
)

// Unit is a part of the organisation (部, 課, 係) as it is at one moment.
type Unit struct {
	ID       string
	Code     string // the organisation's own, unique
	Name     string
	ParentID string   // "" at the top
	Position int      // among those of one parent
	Members  int      // people who have a post in it, not in those below
	Within   int      // people who have a post in it or below it
	May      []Action // what whoever asks may do in it, of unitActions
	Span              // of this name and place
}

// unitActions are those that an interface has to know before it offers them in
// a unit.
var unitActions = []Action{OrganisationWrite, AccountWrite, RoleAssign}

// UnitDraft is what an administrator says of a new unit.
type UnitDraft struct {
	Code     string
	Name     string
	ParentID string
	Position int
	From     time.Time // zero: now
}

// UnitChange is what changes from a moment on; nil leaves it as it is.
type UnitChange struct {
	Code     *string // at once, whatever From says: it is how lists name the unit
	Name     *string
	ParentID *string
	Position *int
	From     time.Time // zero: now
}

// The actions on units and posts as the audit log names them.
const (
	auditUnitCreate  = "unit.create"
	auditUnitUpdate  = "unit.update"
	auditUnitAbolish = "unit.abolish"
	auditPosts       = "account.set_posts"
)

const (
	maxUnitName  = 100 // characters
	maxUnitCode  = 50
	maxTitle     = 100
	maxPosts     = 50    // of one account, from now on
	maxUnitDepth = 20    // units above one another
	maxUnits     = 20000 // in all
)

// Units keeps the organisation's units and who has which post in them.
type Units struct {
	db     *db.DB
	audit  *audit.Log
	charts *Charts
	now    func() time.Time
}

// NewUnits returns the units kept in d. now is the clock.
func NewUnits(d *db.DB, record *audit.Log, charts *Charts, now func() time.Time) *Units {
	return &Units{db: d, audit: record, charts: charts, now: now}
}

// List returns the units that there are at a moment, those of one parent in
// their order.
func (u *Units) List(ctx context.Context, at time.Time) ([]Unit, error) {
	p, err := Authorize(ctx, OrganisationRead, Resource{Kind: KindUnit, Any: true})
	if err != nil {
		return nil, err
	}
	ms := at.UnixMilli()
	list, err := u.selectPeriods(ctx, p, `p.starts_at <= $1 AND p.ends_at > $2 ORDER BY p.parent_id, p.position, u.code_key`, ms, ms)
	if err != nil {
		return nil, err
	}
	if err := u.count(ctx, list, ms); err != nil {
		return nil, err
	}
	return list, nil
}

// Planned returns what units are to be from a moment later than at on, by that
// moment. What ends without anything planned after it is not among it: Unit has
// its end.
func (u *Units) Planned(ctx context.Context, at time.Time) ([]Unit, error) {
	p, err := Authorize(ctx, OrganisationRead, Resource{Kind: KindUnit, Any: true})
	if err != nil {
		return nil, err
	}
	return u.selectPeriods(ctx, p, `p.starts_at > $1 ORDER BY p.starts_at, p.position, u.code_key`, at.UnixMilli())
}

// Periods returns all that unit id was, is and is to be, from the beginning.
func (u *Units) Periods(ctx context.Context, id string) ([]Unit, error) {
	p, err := Authorize(ctx, OrganisationRead, Resource{Kind: KindUnit, Any: true})
	if err != nil {
		return nil, err
	}
	if !label.IsID(id) {
		return nil, noUnit()
	}
	list, err := u.selectPeriods(ctx, p, `u.id = $1 ORDER BY p.starts_at`, id)
	if err == nil && len(list) == 0 {
		err = noUnit()
	}
	return list, err
}

// selectPeriods returns what units are at some time, as conditions say.
func (u *Units) selectPeriods(ctx context.Context, p Principal, conditions string, args ...any) ([]Unit, error) {
	query := `
	SELECT u.id, u.code, p.name, p.parent_id, p.position, p.starts_at, p.ends_at
	FROM   units u JOIN unit_periods p ON p.unit_id = u.id
	WHERE  ` + conditions
	list, may := []Unit{}, p.inUnit()
	err := each(ctx, u.db, query, func(scan func(...any) error) error {
		var unit Unit
		err := scan(&unit.ID, &unit.Code, &unit.Name, &unit.ParentID, &unit.Position, &unit.StartsAt, &unit.EndsAt)
		unit.May = may(unit.ID)
		list = append(list, unit)
		return err
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("list units: %w", err)
	}
	return list, nil
}

// inUnit returns what says which of unitActions p may do in a unit.
func (p Principal) inUnit() func(unitID string) []Action {
	everywhere, within := map[Action]bool{}, map[Action][]string{}
	for _, a := range unitActions {
		everywhere[a], within[a] = p.Scope(a)
	}
	return func(unitID string) []Action {
		var may []Action
		for _, a := range unitActions {
			if _, found := slices.BinarySearch(within[a], unitID); found || everywhere[a] {
				may = append(may, a)
			}
		}
		return may
	}
}

// count says of each unit how many people have posts in it, and in it or below
// it, at a moment. Whoever has several posts there is one.
func (u *Units) count(ctx context.Context, list []Unit, at int64) error {
	parents, people := map[string]string{}, map[string]map[string]bool{}
	for _, unit := range list {
		parents[unit.ID], people[unit.ID] = unit.ParentID, map[string]bool{}
	}
	tree, members := NewTree(parents), map[string]int{}
	const posts = `SELECT DISTINCT o.unit_id, o.account_id FROM posts o WHERE o.starts_at <= $1 AND o.ends_at > $2`
	err := each(ctx, u.db, posts, func(scan func(...any) error) error {
		var unitID, accountID string
		err := scan(&unitID, &accountID)
		members[unitID]++
		for _, above := range tree.Path(unitID) {
			people[above][accountID] = true
		}
		return err
	}, at, at)
	if err != nil {
		return fmt.Errorf("count who is in units: %w", err)
	}
	for i, unit := range list {
		list[i].Members, list[i].Within = members[unit.ID], len(people[unit.ID])
	}
	return nil
}

// Create makes a unit. The error has code Conflict if its code is another's.
func (u *Units) Create(ctx context.Context, d UnitDraft) (Unit, error) {
	p, err := Authorize(ctx, OrganisationWrite, Resource{Kind: KindUnit, Any: true})
	if err != nil {
		return Unit{}, err
	}
	if d.Name, err = label.Clean("name", d.Name, maxUnitName); err != nil {
		return Unit{}, err
	}
	if d.Code, err = label.Clean("code", d.Code, maxUnitCode); err != nil {
		return Unit{}, err
	}
	unit := Unit{ID: db.NewID(), Code: d.Code, Name: d.Name, ParentID: d.ParentID, Position: d.Position, Span: Span{u.from(d.From), Forever}}
	err = u.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if !p.mayChange(d.ParentID) {
			return forbidden()
		}
		all, err := periodsOf(ctx, tx)
		if err != nil {
			return err
		}
		if len(all) > maxUnits {
			return errs.New(errs.TooLarge, "there are too many units")
		}
		all = append(all, period{unit.ID, d.ParentID, unit.Span})
		if err := standing(all, unit.ID, unit.StartsAt); err != nil {
			return err
		}
		const insert = `INSERT INTO units (id, code, code_key, created_at) VALUES ($1, $2, $3, $4)`
		_, err = tx.ExecContext(ctx, insert, unit.ID, unit.Code, label.Fold(unit.Code), u.now().UnixMilli())
		if err := coded("create unit", err); err != nil {
			return err
		}
		if err := insertPeriod(ctx, tx, unit, ""); err != nil {
			return err
		}
		return u.changed(ctx, tx, auditUnitCreate, unit.ID, map[string]string{
			"code": unit.Code, "name": unit.Name, "parent_id": unit.ParentID, "from": strconv.FormatInt(unit.StartsAt, 10),
		})
	})
	if err != nil {
		return Unit{}, err
	}
	return unit, nil
}

// from is a moment that is not past, in Unix milliseconds.
func (u *Units) from(t time.Time) int64 { return max(t.UnixMilli(), u.now().UnixMilli()) }

// mayChange reports whether p may change what stands in a unit, "" being the
// top of the tree.
func (p Principal) mayChange(unitID string) bool {
	everywhere, within := p.Scope(OrganisationWrite)
	return everywhere || unitID != "" && slices.Contains(within, unitID)
}

// Update changes unit id from a moment on, and returns it as it is from then.
// What was decided for later stays.
func (u *Units) Update(ctx context.Context, id string, c UnitChange) (Unit, error) {
	p, err := Authorize(ctx, OrganisationWrite, Resource{Kind: KindUnit, Any: true})
	if err != nil {
		return Unit{}, err
	}
	if c.Name != nil {
		if *c.Name, err = label.Clean("name", *c.Name, maxUnitName); err != nil {
			return Unit{}, err
		}
	}
	if c.Code != nil {
		if *c.Code, err = label.Clean("code", *c.Code, maxUnitCode); err != nil {
			return Unit{}, err
		}
	}
	var after Unit
	err = u.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		before, err := selectUnit(ctx, tx, id, u.from(c.From))
		if err != nil {
			return err
		}
		if !p.mayChange(id) || c.ParentID != nil && *c.ParentID != before.ParentID && (!p.mayChange(*c.ParentID) || !p.mayChange(before.ParentID)) {
			return forbidden()
		}
		after = before
		set(&after.Name, c.Name)
		set(&after.Code, c.Code)
		set(&after.ParentID, c.ParentID)
		set(&after.Position, c.Position)
		if after.Code != before.Code {
			_, err := tx.ExecContext(ctx, `UPDATE units SET code = $1, code_key = $2 WHERE id = $3`, after.Code, label.Fold(after.Code), id)
			if err := coded("change the code of unit "+id, err); err != nil {
				return err
			}
		}
		after.StartsAt = u.from(c.From)
		if err := u.replacePeriod(ctx, tx, before, after); err != nil {
			return err
		}
		details := map[string]string{"from": strconv.FormatInt(after.StartsAt, 10)}
		for key, pair := range map[string][2]string{
			"code": {before.Code, after.Code}, "name": {before.Name, after.Name}, "parent_id": {before.ParentID, after.ParentID},
			"position": {strconv.Itoa(before.Position), strconv.Itoa(after.Position)},
		} {
			if pair[0] != pair[1] {
				details[key+"_from"], details[key] = pair[0], pair[1]
			}
		}
		return u.changed(ctx, tx, auditUnitUpdate, id, details)
	})
	if err != nil {
		return Unit{}, err
	}
	return after, nil
}

func set[T any](value *T, change *T) {
	if change != nil {
		*value = *change
	}
}

// replacePeriod ends before where after begins, which takes what is left of it.
func (u *Units) replacePeriod(ctx context.Context, tx *db.Tx, before, after Unit) error {
	if err := endPeriod(ctx, tx, before, after.StartsAt); err != nil {
		return err
	}
	if err := insertPeriod(ctx, tx, after, ""); err != nil {
		return err
	}
	all, err := periodsOf(ctx, tx)
	if err != nil {
		return err
	}
	return standing(all, after.ID, after.StartsAt)
}

// Abolish ends unit id at a moment. The error has code Conflict while units
// stand below it then or people have posts in it.
func (u *Units) Abolish(ctx context.Context, id string, from time.Time) error {
	p, err := Authorize(ctx, OrganisationWrite, Resource{Kind: KindUnit, Any: true})
	if err != nil {
		return err
	}
	return u.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		at := u.from(from)
		before, err := selectUnit(ctx, tx, id, at)
		if err != nil {
			return err
		}
		if !p.mayChange(id) || !p.mayChange(before.ParentID) {
			return forbidden()
		}
		var below, posts int
		const count = `
		SELECT (SELECT COUNT(*) FROM unit_periods c WHERE c.parent_id = $1 AND c.ends_at > $2),
		       (SELECT COUNT(*) FROM posts o WHERE o.unit_id = $3 AND o.ends_at > $4)`
		if err := tx.QueryRowContext(ctx, count, id, at, id, at).Scan(&below, &posts); err != nil {
			return fmt.Errorf("look what is in unit %s: %w", id, err)
		}
		if below+posts > 0 {
			return errs.New(errs.Conflict, "units stand below it, or people have posts in it, after that day").With("reason", "unit_in_use").
				With("units", strconv.Itoa(below)).With("posts", strconv.Itoa(posts))
		}
		if err := endPeriod(ctx, tx, before, at); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM unit_periods WHERE unit_id = $1 AND starts_at >= $2`, id, at); err != nil {
			return fmt.Errorf("abolish unit %s: %w", id, err)
		}
		return u.changed(ctx, tx, auditUnitAbolish, id, map[string]string{
			"code": before.Code, "name": before.Name, "from": strconv.FormatInt(at, 10),
		})
	})
}

func (u *Units) changed(ctx context.Context, tx *db.Tx, action, id string, details map[string]string) error {
	if err := touch(ctx, tx); err != nil {
		return err
	}
	return u.audit.Record(ctx, audit.Event{
		Action: action, Resource: audit.Resource{Kind: string(KindUnit), ID: id}, Details: details,
	})
}

// standing refuses a tree in which unit id, from a moment on, stands below
// itself, below nothing that is there, or too deep.
func standing(all []period, id string, from int64) error {
	moments := []int64{from}
	for _, p := range all {
		if p.StartsAt > from {
			moments = append(moments, p.StartsAt)
		}
	}
	slices.Sort(moments)
	for _, at := range slices.Compact(moments) {
		parents := map[string]string{}
		for _, p := range all {
			if p.StartsAt <= at && at < p.EndsAt {
				parents[p.unitID] = p.parentID
			}
		}
		above, there := parents[id]
		if !there || above == "" {
			continue
		}
		if _, known := parents[above]; !known && at == from {
			return errs.InField("parentId", "there is no such unit on that day")
		}
		depth := 0
		for next := above; next != ""; next = parents[next] {
			if depth++; next == id || depth > maxUnitDepth {
				return errs.InField("parentId", "a unit cannot stand below itself, nor below more than "+strconv.Itoa(maxUnitDepth)+" others")
			}
		}
	}
	return nil
}

func periodsOf(ctx context.Context, q db.Queryer) ([]period, error) {
	var all []period
	err := each(ctx, q, `SELECT unit_id, parent_id, starts_at, ends_at FROM unit_periods`, func(scan func(...any) error) error {
		var p period
		err := scan(&p.unitID, &p.parentID, &p.StartsAt, &p.EndsAt)
		all = append(all, p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the units: %w", err)
	}
	return all, nil
}

func selectUnit(ctx context.Context, q db.Queryer, id string, at int64) (Unit, error) {
	if !label.IsID(id) {
		return Unit{}, noUnit()
	}
	const query = `
	SELECT u.id, u.code, p.name, p.parent_id, p.position, p.starts_at, p.ends_at
	FROM   units u JOIN unit_periods p ON p.unit_id = u.id
	WHERE  u.id = $1 AND p.starts_at <= $2 AND p.ends_at > $3`
	var unit Unit
	err := q.QueryRowContext(ctx, query, id, at, at).
		Scan(&unit.ID, &unit.Code, &unit.Name, &unit.ParentID, &unit.Position, &unit.StartsAt, &unit.EndsAt)
	if errors.Is(err, sql.ErrNoRows) {
		return Unit{}, noUnit()
	} else if err != nil {
		return Unit{}, fmt.Errorf("read unit %s: %w", id, err)
	}
	return unit, nil
}

func noUnit() error { return errs.New(errs.NotFound, "there is no such unit") }

// hasUnit returns NotFound if there is no such unit at any time.
func hasUnit(ctx context.Context, q db.Queryer, id string) error {
	var n int
	if label.IsID(id) {
		if err := q.QueryRowContext(ctx, `SELECT COUNT(*) FROM units WHERE id = $1`, id).Scan(&n); err != nil {
			return fmt.Errorf("look for unit %s: %w", id, err)
		}
	}
	if n == 0 {
		return noUnit()
	}
	return nil
}

func insertPeriod(ctx context.Context, q db.Queryer, unit Unit, changeID string) error {
	const insert = `
	INSERT INTO unit_periods (unit_id, starts_at, ends_at, parent_id, name, position, change_id)
	VALUES ($1, $2, $3, $4, $5, $6, $7)`
	_, err := q.ExecContext(ctx, insert, unit.ID, unit.StartsAt, unit.EndsAt, unit.ParentID, unit.Name, unit.Position, changeID)
	if err != nil {
		return fmt.Errorf("write unit %s: %w", unit.ID, err)
	}
	return nil
}

// endPeriod ends what a unit is at a moment; what would begin then never was.
func endPeriod(ctx context.Context, q db.Queryer, unit Unit, at int64) error {
	_, err := q.ExecContext(ctx, `UPDATE unit_periods SET ends_at = $1 WHERE unit_id = $2 AND starts_at = $3 AND starts_at < $4`, at, unit.ID, unit.StartsAt, at)
	if err == nil {
		_, err = q.ExecContext(ctx, `DELETE FROM unit_periods WHERE unit_id = $1 AND starts_at = $2 AND starts_at >= $3`, unit.ID, unit.StartsAt, at)
	}
	if err != nil {
		return fmt.Errorf("end what unit %s is: %w", unit.ID, err)
	}
	return nil
}

// coded is what became of writing the code of a unit.
func coded(act string, err error) error {
	if db.IsUniqueViolation(err) {
		taken := errs.New(errs.Conflict, "another unit has this code, or had it")
		taken.Field = "code"
		return taken
	} else if err != nil {
		return fmt.Errorf("%s: %w", act, err)
	}
	return nil
}

// SetPosts makes posts what an account is from now on, within the transaction
// of ctx if it has one; what it was stays on record. A post without a beginning
// begins now. Whoever sets them needs AccountWrite of the account as it is, and
// of every unit in which a post begins or ends: nobody takes people over from
// another department.
func (u *Units) SetPosts(ctx context.Context, accountID string, posts []Post) error {
	return u.setPosts(ctx, accountID, posts, false)
}

// FirstPosts is SetPosts of an account that was just made.
func (u *Units) FirstPosts(ctx context.Context, accountID string, posts []Post) error {
	return u.setPosts(ctx, accountID, posts, true)
}

func (u *Units) setPosts(ctx context.Context, accountID string, posts []Post, first bool) error {
	p, err := Authorize(ctx, AccountWrite, Resource{Kind: KindAccount, Any: true})
	if err != nil {
		return err
	}
	now := u.now().UnixMilli()
	wanted, err := cleanPosts(posts, now)
	if err != nil {
		return err
	}
	return u.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		facts, err := FactsOf(ctx, tx, accountID)
		if err != nil {
			return err
		}
		if !first {
			chart, err := u.charts.Now(ctx)
			if err != nil {
				return err
			}
			if err := Decide(p, AccountWrite, chart.Resource(accountID, facts)); err != nil {
				return err
			}
		}
		held := slices.DeleteFunc(slices.Clone(facts.Posts), func(h Post) bool { return h.EndsAt <= now })
		var ends, begins []Post
		for _, h := range held {
			if !slices.ContainsFunc(wanted, h.goesOn(now)) {
				ends = append(ends, h)
			}
		}
		for _, w := range wanted {
			if !slices.ContainsFunc(held, func(h Post) bool { return h.goesOn(now)(w) }) {
				begins = append(begins, w)
			}
		}
		for _, w := range begins {
			if err := hasUnit(ctx, tx, w.UnitID); errs.CodeOf(err) == errs.NotFound {
				return errs.InField(fmt.Sprintf("posts[%d].unitId", slices.Index(wanted, w)), "there is no such unit")
			} else if err != nil {
				return err
			}
		}
		for _, moved := range append(slices.Clone(ends), begins...) {
			if !p.may(AccountWrite, []string{moved.UnitID}) {
				return forbidden()
			}
		}
		if len(ends)+len(begins) == 0 {
			return nil
		}
		if err := writePosts(ctx, tx, accountID, ends, begins, now); err != nil {
			return err
		}
		if err := u.db.Publish(ctx, Changed, accountID); err != nil {
			return err
		}
		return u.audit.Record(ctx, audit.Event{
			Action: auditPosts, Resource: audit.Resource{Kind: string(KindAccount), ID: accountID},
			Details: map[string]string{"ended": postsText(ends), "begun": postsText(begins)},
		})
	})
}

// goesOn reports whether a post that is wanted is h, which there is.
func (h Post) goesOn(now int64) func(Post) bool {
	return func(w Post) bool {
		return h.UnitID == w.UnitID && h.Title == w.Title && h.Main == w.Main && h.EndsAt == w.EndsAt &&
			(h.StartsAt == w.StartsAt || h.StartsAt <= now && w.StartsAt <= now)
	}
}

// cleanPosts returns posts as they are stored: one of those at a time is the
// main one, the first if none is named.
func cleanPosts(posts []Post, now int64) ([]Post, error) {
	if len(posts) > maxPosts {
		return nil, errs.InField("posts", "these are too many at once")
	}
	list := slices.Clone(posts)
	for i := range list {
		p := &list[i]
		field := fmt.Sprintf("posts[%d]", i)
		if p.Title = strings.TrimSpace(p.Title); p.Title != "" {
			title, err := label.Clean(field+".title", p.Title, maxTitle)
			if err != nil {
				return nil, err
			}
			p.Title = title
		}
		if p.EndsAt == 0 {
			p.EndsAt = Forever
		}
		p.StartsAt = max(p.StartsAt, now)
		if p.EndsAt <= p.StartsAt {
			return nil, errs.InField(field+".until", "it would end before it begins")
		}
		for _, other := range list[:i] {
			if !p.Overlaps(other.Span) {
				continue
			}
			if p.UnitID == other.UnitID && p.Title == other.Title {
				return nil, errs.InField(field+".unitId", "a post is there twice for the same time")
			}
			if p.Main && other.Main {
				return nil, errs.InField(field+".main", "two posts cannot both be the main one")
			}
		}
	}
	for i := range list {
		if !slices.ContainsFunc(list, func(o Post) bool { return o.Main && o.Overlaps(list[i].Span) }) {
			list[i].Main = true
		}
	}
	return list, nil
}

func writePosts(ctx context.Context, tx *db.Tx, accountID string, ends, begins []Post, now int64) error {
	for _, h := range ends {
		const end = `
		UPDATE posts SET ends_at = $1
		WHERE  account_id = $2 AND unit_id = $3 AND title = $4 AND starts_at = $5 AND ends_at = $6`
		if _, err := tx.ExecContext(ctx, end, max(now, h.StartsAt), accountID, h.UnitID, h.Title, h.StartsAt, h.EndsAt); err != nil {
			return fmt.Errorf("end a post of account %s: %w", accountID, err)
		}
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM posts WHERE account_id = $1 AND ends_at <= starts_at`, accountID); err != nil {
		return fmt.Errorf("end a post of account %s: %w", accountID, err)
	}
	for _, w := range begins {
		const insert = `
		INSERT INTO posts (id, account_id, unit_id, title, main, starts_at, ends_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`
		if _, err := tx.ExecContext(ctx, insert, db.NewID(), accountID, w.UnitID, w.Title, w.Main, w.StartsAt, w.EndsAt); err != nil {
			return fmt.Errorf("give account %s a post: %w", accountID, err)
		}
	}
	return nil
}

func postsText(posts []Post) string {
	words := make([]string, len(posts))
	for i, p := range posts {
		words[i] = fmt.Sprintf("%s[%d,%d)", p.UnitID, p.StartsAt, p.EndsAt)
	}
	return strings.Join(words, " ")
}
