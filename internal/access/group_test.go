package access_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
)

type fixture struct {
	*access.Groups
	t      *testing.T
	db     *db.DB
	audit  *audit.Log
	charts *access.Charts
	admin  context.Context
}

func groups(t *testing.T, d *db.DB) fixture {
	t.Helper()
	record := audit.New(d, time.Now)
	charts := access.NewCharts(d, time.Now)
	f := fixture{Groups: access.NewGroups(d, record, charts, time.Now), t: t, db: d, audit: record, charts: charts}
	f.admin = access.WithPrincipal(t.Context(), access.Principal{AccountID: f.account("admin"), Rights: access.Rights(access.Administrator)})
	return f
}

// account inserts an account the short way; how accounts come to be is the
// business of package identity.
func (f fixture) account(name string) string {
	f.t.Helper()
	id := db.NewID()
	const insert = `
	INSERT INTO accounts (id, email, name, search_key, password_hash, created_at, updated_at)
	VALUES ($1, $2, $3, $4, '', 0, 0)`
	if _, err := f.db.ExecContext(f.t.Context(), insert, id, name+"@example.jp", name, name); err != nil {
		f.t.Fatal(err)
	}
	return id
}

func (f fixture) create(name string) access.Group {
	f.t.Helper()
	g, err := f.Create(f.admin, name, nil)
	if err != nil {
		f.t.Fatalf("Create(%q): %v", name, err)
	}
	return g
}

// groupIDs are the groups that an account is in now.
func (f fixture) groupIDs(account string) ([]string, error) {
	facts, err := access.FactsOf(f.t.Context(), f.db, account)
	if err != nil {
		return nil, err
	}
	chart, err := f.charts.Now(f.t.Context())
	if err != nil {
		return nil, err
	}
	return chart.Groups(facts), nil
}

func (f fixture) actions() []string {
	f.t.Helper()
	page, err := f.audit.List(f.t.Context(), audit.Filter{})
	if err != nil {
		f.t.Fatal(err)
	}
	var list []string
	for i := len(page.Items) - 1; i >= 0; i-- {
		list = append(list, page.Items[i].Action)
	}
	return list
}

func TestAGroupsLife(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		f := groups(t, d)
		yamada, suzuki := f.account("yamada"), f.account("suzuki")
		g := f.create(" 税務課 ")
		if g.Name != "税務課" || g.Members != 0 {
			t.Errorf("created %+v, want 税務課 without members", g)
		}
		if err := f.AddMembers(f.admin, g.ID, yamada, suzuki, yamada); err != nil {
			t.Fatal(err)
		}
		if err := f.AddMembers(f.admin, g.ID, yamada); err != nil {
			t.Errorf("adding a member again: %v, want it passed over", err)
		}
		if err := f.RemoveMembers(f.admin, g.ID, suzuki, suzuki); err != nil {
			t.Fatal(err)
		}
		if got, err := f.Rename(f.admin, g.ID, "税務課 第一係"); err != nil || got.Name != "税務課 第一係" || got.Members != 1 {
			t.Errorf("Rename = %+v, %v, want the new name and one member", got, err)
		}
		if got, err := f.groupIDs(yamada); err != nil || !cmp.Equal(got, []string{g.ID}) {
			t.Errorf("GroupIDs = %v, %v, want %s", got, err, g.ID)
		}
		if err := f.Delete(f.admin, g.ID); err != nil {
			t.Fatal(err)
		}
		if got, err := f.groupIDs(yamada); err != nil || len(got) != 0 {
			t.Errorf("GroupIDs after Delete = %v, %v, want none", got, err)
		}
		for name, err := range map[string]error{
			"Rename": second(f.Rename(f.admin, g.ID, "x")), "Delete": f.Delete(f.admin, g.ID), "Group": second(f.Group(f.admin, g.ID)),
			"AddMembers": f.AddMembers(f.admin, g.ID, yamada), "RemoveMembers": f.RemoveMembers(f.admin, g.ID, yamada),
			"Group with an id that cannot be": second(f.Group(f.admin, "\x00")),
		} {
			if errs.CodeOf(err) != errs.NotFound {
				t.Errorf("%s of a group that is gone: %v, want not_found", name, err)
			}
		}
		want := []string{"group.create", "group.add_member", "group.add_member", "group.remove_member", "group.rename", "group.delete"}
		if diff := cmp.Diff(want, f.actions()); diff != "" {
			t.Errorf("audit events (-want +got):\n%s", diff)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestOnlyAdministratorsManageGroups(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		f := groups(t, d)
		g := f.create("税務課")
		me := f.account("yamada")
		member := access.WithPrincipal(t.Context(), access.Principal{AccountID: me})
		before := f.actions()
		for who, tt := range map[string]struct {
			ctx  context.Context
			want errs.Code
		}{"a member": {member, errs.Forbidden}, "nobody": {t.Context(), errs.Unauthenticated}} {
			for name, err := range map[string]error{
				"Create": second(f.Create(tt.ctx, "x", nil)), "Rename": second(f.Rename(tt.ctx, g.ID, "x")), "Delete": f.Delete(tt.ctx, g.ID),
				"Group": second(f.Group(tt.ctx, g.ID)), "List": second(f.List(tt.ctx, access.GroupFilter{})), "Named": second(f.Named(tt.ctx, g.Name)),
				"AddMembers": f.AddMembers(tt.ctx, g.ID, me), "RemoveMembers": f.RemoveMembers(tt.ctx, g.ID, me),
				"SetGroupsOf": f.SetGroupsOf(tt.ctx, me, []string{g.ID}),
			} {
				if errs.CodeOf(err) != tt.want {
					t.Errorf("%s as %s: %v, want %s", name, who, err, tt.want)
				}
			}
		}
		if diff := cmp.Diff(before, f.actions()); diff != "" {
			t.Errorf("something happened all the same (-before +after):\n%s", diff)
		}
	})
}

func TestTwoGroupsNeverLookTheSame(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		f := groups(t, d)
		f.create("IT 推進課")
		other := f.create("総務課")
		if _, err := f.Create(f.admin, "ｉｔ　推進課", nil); errs.CodeOf(err) != errs.Conflict {
			t.Errorf("Create = %v, want conflict", err)
		}
		if _, err := f.Rename(f.admin, other.ID, "It 推進課"); errs.CodeOf(err) != errs.Conflict {
			t.Errorf("Rename = %v, want conflict", err)
		}
		if _, err := f.Rename(f.admin, other.ID, "総務課 "); err != nil {
			t.Errorf("Rename to its own name = %v, want nil", err)
		}
		for _, name := range []string{"ｉｔ推進課", "ｉｔ　推進課", other.ID} {
			want := map[string]string{"ｉｔ　推進課": "IT 推進課", other.ID: "総務課"}[name]
			if got, err := f.Named(f.admin, name); got.Name != want || (errs.CodeOf(err) == errs.NotFound) != (want == "") {
				t.Errorf("Named(%q) = %+v, %v, want %q", name, got, err, want)
			}
		}
	})
}

func TestAddingSomebodyUnknownAddsNobody(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		f := groups(t, d)
		g, me := f.create("税務課"), f.account("yamada")
		for _, unknown := range []string{db.NewID(), "", "\x00", "x'; DROP TABLE groups; --"} {
			if err := f.AddMembers(f.admin, g.ID, me, unknown); errs.CodeOf(err) != errs.NotFound {
				t.Errorf("AddMembers(%q) = %v, want not_found", unknown, err)
			}
			if err := f.SetGroupsOf(f.admin, me, []string{g.ID, unknown}); errs.CodeOf(err) != errs.NotFound {
				t.Errorf("SetGroupsOf(%q) = %v, want not_found", unknown, err)
			}
		}
		if got, err := f.groupIDs(me); err != nil || len(got) != 0 {
			t.Errorf("GroupIDs = %v, %v, want none", got, err)
		}
	})
}

func TestSetGroupsOfReplacesThem(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		f := groups(t, d)
		me := f.account("yamada")
		a, b, c := f.create("a"), f.create("b"), f.create("c")
		changed, stop := d.Subscribe(access.Changed)
		defer stop()
		for i, want := range [][]string{{a.ID, b.ID}, {b.ID, c.ID}, {b.ID, c.ID}, nil} {
			if err := f.SetGroupsOf(f.admin, me, append(want, want...)); err != nil {
				t.Fatal(err)
			}
			if got, err := f.groupIDs(me); err != nil || !cmp.Equal(got, want) {
				t.Errorf("GroupIDs = %v, %v, want %v", got, err, want)
			}
			if i == 2 {
				continue // the same groups again
			}
			if got := <-changed; got != me {
				t.Errorf("announced %q, want %q", got, me)
			}
		}
	})
}

func TestGroupsAreListedByNameAndFound(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		f := groups(t, d)
		var all []string
		for i := range 7 {
			all = append(all, f.create(fmt.Sprintf("group%d", i)).Name)
		}
		f.create("１００%の課")
		list := func(filter access.GroupFilter) (names []string) {
			t.Helper()
			for {
				page, err := f.List(f.admin, filter)
				if err != nil {
					t.Fatal(err)
				}
				for _, g := range page.Items {
					names = append(names, g.Name)
				}
				if filter.PageToken = page.NextPageToken; filter.PageToken == "" {
					return names
				}
			}
		}
		for _, limit := range []int{1, 3, 7, 0} {
			if diff := cmp.Diff(all, list(access.GroupFilter{Search: "ＧＲＯＵＰ", Limit: limit})); diff != "" {
				t.Errorf("in pages of %d (-want +got):\n%s", limit, diff)
			}
		}
		if got := list(access.GroupFilter{Search: "0%"}); !cmp.Equal(got, []string{"１００%の課"}) {
			t.Errorf("searching for a wildcard found %q", got)
		}
		if got := list(access.GroupFilter{Search: "group_"}); got != nil {
			t.Errorf("searching for a wildcard found %q, want nothing", got)
		}
		for _, token := range []string{"%", "_w", "AA"} {
			if _, err := f.List(f.admin, access.GroupFilter{PageToken: token}); errs.CodeOf(err) != errs.InvalidInput {
				t.Errorf("List with page token %q = %v, want invalid_input", token, err)
			}
		}
	})
}
