package access_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
)

// office is an organisation under a clock of its own.
type office struct {
	t      *testing.T
	db     *db.DB
	audit  *audit.Log
	charts *access.Charts
	roles  *access.Roles
	units  *access.Units
	groups *access.Groups
	now    time.Time
	admin  context.Context
}

var (
	midMarch   = time.Date(2026, time.March, 15, 0, 0, 0, 0, time.UTC)
	firstApril = time.Date(2026, time.March, 31, 15, 0, 0, 0, time.UTC) // 00:00 JST
)

func newOffice(t *testing.T, d *db.DB) *office {
	t.Helper()
	o := &office{t: t, db: d, now: midMarch}
	clock := func() time.Time { return o.now }
	o.audit, o.charts = audit.New(d, clock), access.NewCharts(d, clock)
	o.roles, o.units = access.NewRoles(d, o.audit, o.charts, clock), access.NewUnits(d, o.audit, o.charts, clock)
	o.groups = access.NewGroups(d, o.audit, o.charts, clock)
	admin := o.account("admin")
	o.admin = access.WithPrincipal(t.Context(), access.Principal{AccountID: admin, Rights: access.Rights(access.Administrator)})
	if err := o.roles.Assign(o.admin, admin, []access.Held{{RoleID: access.Administrator}}); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *office) account(name string) string {
	o.t.Helper()
	id := db.NewID()
	const insert = `INSERT INTO accounts (id, email, name, search_key, password_hash, created_at, updated_at) VALUES ($1, $2, $3, $4, '', 0, 0)`
	if _, err := o.db.ExecContext(o.t.Context(), insert, id, name+"@example.jp", name, name); err != nil {
		o.t.Fatal(err)
	}
	return id
}

// as is what an account does, with what it may do now.
func (o *office) as(account string) context.Context {
	o.t.Helper()
	return access.WithPrincipal(o.t.Context(), principalAt(o.t, o.db, o.charts, account))
}

func (o *office) unit(name, parent string) string {
	o.t.Helper()
	u, err := o.units.Create(o.admin, access.UnitDraft{Code: name, Name: name, ParentID: parent})
	if err != nil {
		o.t.Fatalf("Create(%s): %v", name, err)
	}
	return u.ID
}

func (o *office) names(at time.Time) map[string]string {
	o.t.Helper()
	list, err := o.units.List(o.admin, at)
	if err != nil {
		o.t.Fatal(err)
	}
	byID := map[string]string{"": ""}
	for _, u := range list {
		byID[u.ID] = u.Name
	}
	names := map[string]string{}
	for _, u := range list {
		names[u.Name] = byID[u.ParentID]
	}
	return names
}

func (o *office) want(what string, err error, code errs.Code, field string) {
	o.t.Helper()
	if got := errs.CodeOf(err); got != code || field != "" && fieldOf(err) != field {
		o.t.Errorf("%s: %v, want %q about %q", what, err, code, field)
	}
}

func TestUnitsChangeOnTheDayThatWasDecided(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		city := o.unit("市", "")
		tax, welfare := o.unit("税務課", city), o.unit("福祉課", city)
		desk := o.unit("市民税係", tax)
		if _, err := o.units.Update(o.admin, desk, access.UnitChange{Name: new("市民税担当"), ParentID: &welfare, From: firstApril}); err != nil {
			t.Fatal(err)
		}
		if _, err := o.units.Create(o.admin, access.UnitDraft{Code: "DX", Name: "DX推進課", ParentID: city, From: firstApril}); err != nil {
			t.Fatal(err)
		}
		before := map[string]string{"市": "", "税務課": "市", "福祉課": "市", "市民税係": "税務課"}
		after := map[string]string{"市": "", "税務課": "市", "福祉課": "市", "市民税担当": "福祉課", "DX推進課": "市"}
		for at, want := range map[time.Time]map[string]string{midMarch: before, firstApril.Add(-time.Millisecond): before, firstApril: after, firstApril.AddDate(1, 0, 0): after} {
			if diff := cmp.Diff(want, o.names(at)); diff != "" {
				t.Errorf("at %v (-want +got):\n%s", at, diff)
			}
		}

		// Who belongs where follows at that moment, without anything being done.
		clerk := o.account("clerk")
		if err := o.units.SetPosts(o.admin, clerk, []access.Post{{UnitID: desk, Title: "主事"}}); err != nil {
			t.Fatal(err)
		}
		chief := o.account("chief")
		if err := o.roles.Assign(o.admin, chief, []access.Held{{RoleID: access.DepartmentAdministrator, UnitID: welfare}}); err != nil {
			t.Fatal(err)
		}
		reads := func() error {
			chart, err := o.charts.Now(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			facts, err := access.FactsOf(t.Context(), d, clerk)
			if err != nil {
				t.Fatal(err)
			}
			return access.Decide(principalAt(t, d, o.charts, chief), access.AccountRead, chart.Resource(clerk, facts))
		}
		o.want("before", reads(), errs.NotFound, "")
		o.now = firstApril.Add(-time.Millisecond)
		o.want("a moment before", reads(), errs.NotFound, "")
		o.now = firstApril
		o.want("at midnight", reads(), "", "")
	})
}

func TestATreeStaysATree(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		city := o.unit("市", "")
		tax := o.unit("税務課", city)
		desk := o.unit("市民税係", tax)
		move := func(id, parent string, from time.Time) error {
			return second(o.units.Update(o.admin, id, access.UnitChange{ParentID: &parent, From: from}))
		}
		o.want("below itself", move(tax, tax, time.Time{}), errs.InvalidInput, "parentId")
		o.want("below what is below it", move(tax, desk, time.Time{}), errs.InvalidInput, "parentId")
		o.want("below nothing", move(tax, db.NewID(), time.Time{}), errs.InvalidInput, "parentId")
		// Two moves, each of which is right by itself on the day it is decided.
		if err := move(desk, "", firstApril); err != nil {
			t.Fatal(err)
		}
		if err := move(tax, desk, firstApril); err != nil {
			t.Fatal(err)
		}
		o.want("in a circle from a later day on", move(desk, tax, firstApril.AddDate(0, 1, 0)), errs.InvalidInput, "parentId")
		o.want("a code that looks the same", second(o.units.Create(o.admin, access.UnitDraft{Code: "税務課 ", Name: "x"})), errs.Conflict, "code")
		o.want("no name", second(o.units.Create(o.admin, access.UnitDraft{Code: "x"})), errs.InvalidInput, "name")
		o.want("nobody's unit", move("\x00", "", time.Time{}), errs.NotFound, "")

		o.want("with units below", o.units.Abolish(o.admin, city, time.Time{}), errs.Conflict, "")
		clerk := o.account("clerk")
		if err := o.units.SetPosts(o.admin, clerk, []access.Post{{UnitID: desk}}); err != nil {
			t.Fatal(err)
		}
		o.want("with people in it", o.units.Abolish(o.admin, desk, firstApril), errs.Conflict, "")
		if err := o.units.SetPosts(o.admin, clerk, nil); err != nil {
			t.Fatal(err)
		}
		if err := move(tax, city, firstApril); err != nil {
			t.Fatal(err)
		}
		if err := o.units.Abolish(o.admin, desk, firstApril); err != nil {
			t.Fatal(err)
		}
		if _, there := o.names(firstApril)["市民税係"]; there {
			t.Error("a unit that was abolished is still there")
		}
		if _, there := o.names(midMarch)["市民税係"]; !there {
			t.Error("a unit that is to be abolished is gone already")
		}
	})
}

func TestPostsBeginAndEndAndStayOnRecord(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		tax, welfare := o.unit("税務課", ""), o.unit("福祉課", "")
		clerk := o.account("clerk")
		set := func(posts ...access.Post) error { return o.units.SetPosts(o.admin, clerk, posts) }
		posts := func() []access.Post {
			facts, err := access.FactsOf(t.Context(), d, clerk)
			if err != nil {
				t.Fatal(err)
			}
			return facts.Posts
		}
		if err := set(access.Post{UnitID: tax, Title: "係長"}, access.Post{UnitID: welfare, Title: "兼務"}); err != nil {
			t.Fatal(err)
		}
		began := midMarch.UnixMilli()
		want := []access.Post{
			{UnitID: tax, Title: "係長", Main: true, Span: access.Span{StartsAt: began, EndsAt: access.Forever}},
			{UnitID: welfare, Title: "兼務", Span: access.Span{StartsAt: began, EndsAt: access.Forever}},
		}
		if diff := cmp.Diff(want, posts()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		o.now = midMarch.Add(time.Hour)
		if err := set(want...); err != nil { // the same again
			t.Fatal(err)
		}
		// From April somewhere else: the old ones end by themselves.
		april := firstApril.UnixMilli()
		want[0].EndsAt, want[1].EndsAt = april, april
		later := access.Post{UnitID: welfare, Title: "課長補佐", Span: access.Span{StartsAt: april, EndsAt: access.Forever}}
		if err := set(want[0], want[1], later); err != nil {
			t.Fatal(err)
		}
		o.now = firstApril
		if p := principalAt(t, d, o.charts, clerk); !cmp.Equal(p.UnitIDs, []string{welfare}) {
			t.Errorf("in April in %v, want %s alone", p.UnitIDs, welfare)
		}
		ended := 0
		for _, p := range posts() {
			if p.EndsAt <= april {
				ended++
			}
		}
		if ended < 2 {
			t.Errorf("the past is gone: %+v", posts())
		}
		o.want("two main ones", set(access.Post{UnitID: tax, Main: true}, access.Post{UnitID: welfare, Main: true}), errs.InvalidInput, "posts[1].main")
		o.want("the same twice", set(access.Post{UnitID: tax}, access.Post{UnitID: tax}), errs.InvalidInput, "posts[1].unitId")
		o.want("it ends first", set(access.Post{UnitID: tax, Span: access.Span{EndsAt: 5}}), errs.InvalidInput, "posts[0].until")
		o.want("no such unit", set(access.Post{UnitID: db.NewID()}), errs.InvalidInput, "posts[0].unitId")
		o.want("no such account", o.units.SetPosts(o.admin, db.NewID(), nil), errs.NotFound, "")
	})
}

func TestNobodyGivesARoleThatPermitsMoreThanTheyMay(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		city := o.unit("市", "")
		tax := o.unit("税務課", city)
		clerk, colleague := o.account("clerk"), o.account("colleague")
		for _, id := range []string{clerk, colleague} {
			if err := o.units.SetPosts(o.admin, id, []access.Post{{UnitID: tax}}); err != nil {
				t.Fatal(err)
			}
		}
		keeper, err := o.roles.Create(o.admin, access.RoleDraft{Name: "名簿係", Permissions: []access.Action{access.RoleWrite, access.RoleAssign, access.AccountRead, access.AccountRead}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]access.Action{access.AccountRead, access.RoleAssign, access.RoleWrite}, keeper.Permissions); diff != "" {
			t.Errorf("permissions (-want +got):\n%s", diff)
		}
		give := func(ctx context.Context, id string, held ...access.Held) error { return o.roles.Assign(ctx, id, held) }
		if err := give(o.admin, clerk, access.Held{RoleID: keeper.ID}); err != nil {
			t.Fatal(err)
		}
		who := o.as(clerk)
		o.want("an administrator", give(who, colleague, access.Held{RoleID: access.Administrator}), errs.Forbidden, "")
		o.want("a role with more", second(o.roles.Create(who, access.RoleDraft{Name: "x", Permissions: []access.Action{access.SystemWrite}})), errs.Forbidden, "")
		o.want("one's own", give(who, colleague, access.Held{RoleID: keeper.ID}), "", "")
		o.want("from an administrator", give(who, idOf(o.admin)), errs.Forbidden, "")
		more, err := o.roles.Create(o.admin, access.RoleDraft{Name: "全部", Permissions: access.Permissions()})
		if err != nil {
			t.Fatal(err)
		}
		o.want("a role with more, made less", second(o.roles.Update(who, more.ID, access.RoleDraft{Name: "全部", Permissions: []access.Action{access.AccountRead}})), errs.Forbidden, "")

		// A role for a unit is given within it only, and no role's end is missed.
		if err := give(o.admin, clerk, access.Held{RoleID: access.DepartmentAdministrator, UnitID: tax}); err != nil {
			t.Fatal(err)
		}
		who = o.as(clerk)
		o.want("of one who holds more", give(who, colleague), errs.Forbidden, "")
		if err := give(o.admin, colleague); err != nil {
			t.Fatal(err)
		}
		o.want("for the city", give(who, colleague, access.Held{RoleID: access.DepartmentAdministrator, UnitID: city}), errs.Forbidden, "")
		o.want("everywhere", give(who, colleague, access.Held{RoleID: access.DepartmentAdministrator}), errs.Forbidden, "")
		o.want("for the department", give(who, colleague, access.Held{RoleID: access.DepartmentAdministrator, UnitID: tax, Span: access.Span{StartsAt: 0, EndsAt: firstApril.UnixMilli()}}), "", "")
		if !principalAt(t, d, o.charts, colleague).Has(access.AccountWrite) {
			t.Error("the role does not hold")
		}
		o.now = firstApril
		if principalAt(t, d, o.charts, colleague).Has(access.AccountWrite) {
			t.Error("the role holds on the day on which it has ended")
		}

		o.want("no such role", give(o.admin, clerk, access.Held{RoleID: "root"}), errs.InvalidInput, "roles[0].roleId")
		o.want("no such unit", give(o.admin, clerk, access.Held{RoleID: access.Auditor, UnitID: db.NewID()}), errs.InvalidInput, "roles[0].unitId")
		o.want("twice at once", give(o.admin, clerk, access.Held{RoleID: access.Auditor}, access.Held{RoleID: access.Auditor, Span: access.Span{StartsAt: 1, EndsAt: 9}}), errs.InvalidInput, "roles")
		o.want("what is built in", o.roles.Delete(o.admin, access.Auditor), errs.Conflict, "")
		if err := give(o.admin, colleague, access.Held{RoleID: keeper.ID}); err != nil {
			t.Fatal(err)
		}
		o.want("what somebody holds", o.roles.Delete(o.admin, keeper.ID), errs.Conflict, "")
		// A change of a role is everybody's who holds it, at once.
		if _, err := o.roles.Update(o.admin, keeper.ID, access.RoleDraft{Name: "名簿係", Permissions: []access.Action{access.ModelRead}}); err != nil {
			t.Fatal(err)
		}
		if p := principalAt(t, d, o.charts, colleague); p.Has(access.RoleWrite) || !p.Has(access.ModelRead) {
			t.Errorf("what the role permits is not what it was changed to: %+v", p.Rights)
		}
		if err := give(o.admin, colleague); err != nil {
			t.Fatal(err)
		}
		o.want("what nobody holds any more", o.roles.Delete(o.admin, keeper.ID), "", "")
	})
}

func TestWhoIsInAGroupWithARule(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		tax := o.unit("税務課", "")
		desk := o.unit("市民税係", tax)
		head, clerk := o.account("head"), o.account("clerk")
		for id, post := range map[string]access.Post{head: {UnitID: tax, Title: "課長"}, clerk: {UnitID: desk, Title: "主事"}} {
			if err := o.units.SetPosts(o.admin, id, []access.Post{post}); err != nil {
				t.Fatal(err)
			}
		}
		g, err := o.groups.Create(o.admin, "税務の課長", &access.Rule{UnitIDs: []string{tax, tax}, Below: true, Titles: []string{"課長"}})
		if err != nil || g.Members != 1 {
			t.Fatalf("Create = %+v, %v, want one member", g, err)
		}
		if g, err = o.groups.SetRule(o.admin, g.ID, access.Rule{UnitIDs: []string{tax}, Below: true}); err != nil || g.Members != 2 {
			t.Errorf("SetRule = %+v, %v, want two members", g, err)
		}
		if p := principalAt(t, d, o.charts, clerk); !cmp.Equal(p.GroupIDs, []string{g.ID}) {
			t.Errorf("the clerk is in %v, want %s", p.GroupIDs, g.ID)
		}
		o.want("putting somebody there", o.groups.AddMembers(o.admin, g.ID, clerk), errs.Conflict, "")
		o.want("and by the account", o.groups.SetGroupsOf(o.admin, clerk, []string{g.ID}), errs.Conflict, "")
		plain, err := o.groups.Create(o.admin, "有志", nil)
		if err != nil {
			t.Fatal(err)
		}
		o.want("a rule for a group without", second(o.groups.SetRule(o.admin, plain.ID, access.Rule{Titles: []string{"課長"}})), errs.Conflict, "")
		o.want("nothing said", second(o.groups.Create(o.admin, "x", &access.Rule{})), errs.InvalidInput, "rule")
		o.want("no such unit", second(o.groups.Create(o.admin, "x", &access.Rule{UnitIDs: []string{db.NewID()}})), errs.InvalidInput, "rule.unitIds")
		o.want("no domain", second(o.groups.Create(o.admin, "x", &access.Rule{EmailDomains: []string{"%"}})), errs.InvalidInput, "rule.emailDomains")
		if err := o.groups.Delete(o.admin, g.ID); err != nil {
			t.Fatal(err)
		}
		if p := principalAt(t, d, o.charts, clerk); len(p.GroupIDs) != 0 {
			t.Errorf("the clerk is in %v, which is gone", p.GroupIDs)
		}
	})
}

func idOf(ctx context.Context) string {
	p, _ := access.From(ctx)
	return p.AccountID
}

func fieldOf(err error) string {
	var e *errs.Error
	if errors.As(err, &e) {
		return e.Field
	}
	return ""
}
