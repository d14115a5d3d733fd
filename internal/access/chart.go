package access

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"kakoi/internal/db"
)

// Chart is the organisation at one moment: its units, its roles, and the groups
// that have a rule.
type Chart struct {
	Tree *Tree

	now      time.Time
	until    int64 // the next moment at which another chart holds
	roles    map[RoleID][]Action
	rules    []groupRule
	features map[Feature][]Grant
}

type groupRule struct {
	groupID string
	rule    Rule
}

// Rule says who is in a group without being put there. Each part that is given
// has to fit; where units and titles are, one and the same post has to.
type Rule struct {
	UnitIDs      []string `json:"unitIds,omitempty"`
	Below        bool     `json:"below,omitempty"` // posts in units below those count too
	Titles       []string `json:"titles,omitempty"`
	EmailDomains []string `json:"emailDomains,omitempty"` // what stands behind the @
}

// fits reports whether who has the facts, now, is in a group with rule r.
func (c *Chart) fits(r Rule, f Facts) bool {
	if len(r.UnitIDs)+len(r.Titles)+len(r.EmailDomains) == 0 {
		return false
	}
	if len(r.EmailDomains) > 0 {
		_, domain, _ := strings.Cut(f.Email, "@")
		if !slices.Contains(r.EmailDomains, domain) {
			return false
		}
	}
	if len(r.UnitIDs)+len(r.Titles) == 0 {
		return true
	}
	return slices.ContainsFunc(f.Posts, func(p Post) bool {
		if !p.Holds(c.now) || !c.Tree.Has(p.UnitID) || len(r.Titles) > 0 && !slices.Contains(r.Titles, p.Title) {
			return false
		}
		if len(r.UnitIDs) == 0 {
			return true
		}
		if r.Below {
			return c.Tree.Within(p.UnitID, r.UnitIDs...)
		}
		return slices.Contains(r.UnitIDs, p.UnitID)
	})
}

// Posts returns the posts of f that hold now, in units that there are now.
func (c *Chart) Posts(f Facts) []Post {
	var now []Post
	for _, p := range f.Posts {
		if p.Holds(c.now) && c.Tree.Has(p.UnitID) {
			now = append(now, p)
		}
	}
	return now
}

// Rights returns what f permits now.
func (c *Chart) Rights(f Facts) []Right {
	var rights []Right
	for _, h := range f.Roles {
		permits, known := c.roles[h.RoleID]
		if known && h.Holds(c.now) && (h.UnitID == "" || c.Tree.Has(h.UnitID)) {
			rights = append(rights, Right{RoleID: h.RoleID, UnitID: h.UnitID, Permissions: permits})
		}
	}
	return rights
}

// Groups returns the sorted ids of the groups that f is in now: those chosen,
// and those whose rule fits.
func (c *Chart) Groups(f Facts) []string {
	groups := slices.Clone(f.GroupIDs)
	for _, g := range c.rules {
		if c.fits(g.rule, f) {
			groups = append(groups, g.groupID)
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}

// InGroup bounds accounts a to those that are in a group now: Groups in SQL.
func (c *Chart) InGroup(where *db.Conditions, groupID string) {
	i := slices.IndexFunc(c.rules, func(g groupRule) bool { return g.groupID == groupID })
	if i < 0 {
		where.Add("EXISTS (SELECT 1 FROM group_members g WHERE g.account_id = a.id AND g.group_id = ?)", groupID)
		return
	}
	c.fitting(where, c.rules[i].rule)
}

// fitting bounds accounts a to those that a rule fits now: fits in SQL.
func (c *Chart) fitting(where *db.Conditions, r Rule) {
	at := c.now.UnixMilli()
	if len(r.UnitIDs)+len(r.Titles)+len(r.EmailDomains) == 0 {
		where.Add("FALSE")
		return
	}
	if len(r.EmailDomains) > 0 {
		suffixes := make([]any, len(r.EmailDomains))
		for i, domain := range r.EmailDomains { // it has no wildcard: see Rule.clean
			suffixes[i] = "%@" + domain
		}
		where.Add("(a.email LIKE ?"+strings.Repeat(" OR a.email LIKE ?", len(suffixes)-1)+")", suffixes...)
	}
	if len(r.UnitIDs)+len(r.Titles) == 0 {
		return
	}
	condition, args := "EXISTS (SELECT 1 FROM posts o WHERE o.account_id = a.id AND o.starts_at <= ? AND o.ends_at > ?", []any{at, at}
	units := c.Tree.Units()
	if len(r.UnitIDs) > 0 {
		units = nil
		for _, id := range r.UnitIDs {
			if r.Below {
				units = append(units, c.Tree.Below(id)...)
			} else if c.Tree.Has(id) {
				units = append(units, id)
			}
		}
	}
	if len(units) == 0 {
		where.Add("FALSE")
		return
	}
	condition, args = condition+" AND o.unit_id IN ("+marks(len(units))+")", append(args, values(units)...)
	if len(r.Titles) > 0 {
		condition, args = condition+" AND o.title IN ("+marks(len(r.Titles))+")", append(args, values(r.Titles)...)
	}
	where.Add(condition+")", args...)
}

func marks(n int) string { return "?" + strings.Repeat(", ?", n-1) }

func values(list []string) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}

// Fill gives p what follows from f now.
func (c *Chart) Fill(p Principal, f Facts) Principal {
	p.Tree, p.Rights, p.GroupIDs, p.UnitIDs = c.Tree, c.Rights(f), c.Groups(f), unitsOf(c.Posts(f))
	p.Withheld = c.withheld(p)
	return p
}

// Resource returns account id, which has the facts, as Decide takes it. Whoever
// has no post yet belongs where they will have their first ones.
func (c *Chart) Resource(id string, f Facts) Resource {
	posts := c.Posts(f)
	if len(posts) == 0 {
		for _, p := range f.Posts {
			if p.StartsAt > c.now.UnixMilli() && (len(posts) == 0 || p.StartsAt == posts[0].StartsAt) {
				posts = append(posts, p)
			}
		}
	}
	return Resource{Kind: KindAccount, ID: id, OwnerID: id, UnitIDs: unitsOf(posts), Rights: c.Rights(f)}
}

func unitsOf(posts []Post) []string {
	var units []string
	for _, p := range posts {
		units = append(units, p.UnitID)
	}
	slices.Sort(units)
	return slices.Compact(units)
}

// Charts remembers the organisation. What it remembers is never older than what
// the store said in the same request: each change leaves another version.
type Charts struct {
	db  *db.DB
	now func() time.Time

	mu    sync.Mutex
	known *outline
	chart *Chart
}

// outline is what the store has of the organisation, also of times that are
// past and to come.
type outline struct {
	version string
	periods []period
	roles   map[RoleID][]Action
	rules   []groupRule

	features map[Feature][]Grant
}

// period is where a unit stands from when to when.
type period struct {
	unitID, parentID string
	Span
}

// NewCharts returns the charts of the organisation kept in d. now is the clock.
func NewCharts(d *db.DB, now func() time.Time) *Charts { return &Charts{db: d, now: now} }

// VersionColumn selects the version to give to At.
const VersionColumn = `(SELECT version FROM directory_state)`

// Now returns the organisation as it is now.
func (c *Charts) Now(ctx context.Context) (*Chart, error) {
	var version string
	if err := c.db.QueryRowContext(ctx, `SELECT `+VersionColumn).Scan(&version); err != nil {
		return nil, fmt.Errorf("read the version of the organisation: %w", err)
	}
	return c.At(ctx, version)
}

// At returns the organisation as it is now, given the version that the store
// said.
func (c *Charts) At(ctx context.Context, version string) (*Chart, error) {
	now := c.now()
	c.mu.Lock()
	known := c.known
	c.mu.Unlock()
	if known == nil || known.version != version { // not under the lock: whoever has it must not wait for a connection
		var err error
		if known, err = readOutline(ctx, c.db, version); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known != known {
		c.known, c.chart = known, nil
	}
	if at := now.UnixMilli(); c.chart == nil || at >= c.chart.until || at < c.chart.now.UnixMilli() {
		c.chart = c.known.chart(now)
	}
	current := *c.chart
	current.now = now
	return &current, nil
}

// chart returns what holds now.
func (o *outline) chart(now time.Time) *Chart {
	parents, until := map[string]string{}, Forever
	for _, p := range o.periods {
		if p.Holds(now) {
			parents[p.unitID] = p.parentID
		}
		for _, edge := range []int64{p.StartsAt, p.EndsAt} {
			if edge > now.UnixMilli() {
				until = min(until, edge)
			}
		}
	}
	return &Chart{Tree: NewTree(parents), now: now, until: until, roles: o.roles, rules: o.rules, features: o.features}
}

func readOutline(ctx context.Context, q db.Queryer, version string) (*outline, error) {
	o := &outline{version: version, roles: maps.Clone(builtIn)}
	var err error
	if o.periods, err = periodsOf(ctx, q); err != nil {
		return nil, err
	}
	err = each(ctx, q, `SELECT id, permissions FROM roles`, func(scan func(...any) error) error {
		var id RoleID
		var text string
		if err := scan(&id, &text); err != nil {
			return err
		}
		var permits []Action
		err := json.Unmarshal([]byte(text), &permits)
		o.roles[id] = permits
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the roles: %w", err)
	}
	err = each(ctx, q, `SELECT id, rule FROM groups WHERE rule <> ''`, func(scan func(...any) error) error {
		var g groupRule
		var text string
		if err := scan(&g.groupID, &text); err != nil {
			return err
		}
		err := json.Unmarshal([]byte(text), &g.rule)
		o.rules = append(o.rules, g)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the rules of groups: %w", err)
	}
	said, err := grantsOf(ctx, q, KindFeature)
	if err != nil {
		return nil, err
	}
	o.features = make(map[Feature][]Grant, len(said))
	for id, grants := range said {
		o.features[Feature(id)] = grants
	}
	return o, nil
}

// each calls fn with every row of a query.
func each(ctx context.Context, q db.Queryer, query string, fn func(scan func(...any) error) error, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// touch leaves another version, so that every node looks again.
func touch(ctx context.Context, tx *db.Tx) error {
	if _, err := tx.ExecContext(ctx, `UPDATE directory_state SET version = $1 WHERE id = 1`, db.NewID()); err != nil {
		return fmt.Errorf("note that the organisation changed: %w", err)
	}
	return nil
}
