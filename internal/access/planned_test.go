package access_test

import (
	"testing"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
)

func TestWhatUnitsWereAndAreToBe(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		f := groups(t, d)
		now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		clock := func() time.Time { return now }
		charts := access.NewCharts(d, clock)
		units := access.NewUnits(d, f.audit, charts, clock)
		unit := func(code, parent string) access.Unit {
			u, err := units.Create(f.admin, access.UnitDraft{Code: code, Name: code, ParentID: parent})
			if err != nil {
				t.Fatal(err)
			}
			return u
		}
		soumu := unit("100", "")
		jinji := unit("110", soumu.ID)
		april, name := now.AddDate(0, 1, 0), "人事厚生課"
		if _, err := units.Update(f.admin, jinji.ID, access.UnitChange{Name: &name, From: april}); err != nil {
			t.Fatal(err)
		}
		if err := units.Abolish(f.admin, jinji.ID, april.AddDate(1, 0, 0)); err != nil {
			t.Fatal(err)
		}
		yamada := f.account("yamada")
		for _, id := range []string{jinji.ID, soumu.ID} {
			const insert = `INSERT INTO posts (id, account_id, unit_id, title, main, starts_at, ends_at) VALUES ($1, $2, $3, '', FALSE, 0, $4)`
			if _, err := d.ExecContext(t.Context(), insert, db.NewID(), yamada, id, access.Forever); err != nil {
				t.Fatal(err)
			}
		}

		planned, err := units.Planned(f.admin, now)
		if err != nil || len(planned) != 1 || planned[0].Name != name || planned[0].StartsAt != april.UnixMilli() {
			t.Errorf("Planned = %+v, %v, want the new name", planned, err)
		}
		periods, err := units.Periods(f.admin, jinji.ID)
		if err != nil || len(periods) != 2 || periods[0].Name != "110" || periods[1].EndsAt != april.AddDate(1, 0, 0).UnixMilli() {
			t.Errorf("Periods = %+v, %v, want what it is and what it is to be", periods, err)
		}
		list, err := units.List(f.admin, now)
		if err != nil || len(list) != 2 {
			t.Fatalf("List = %+v, %v", list, err)
		}
		for _, u := range list {
			if u.Members != 1 || u.Within != 1 { // one person, whatever their posts
				t.Errorf("unit %s has %d people, %d with those below; want 1 and 1", u.Code, u.Members, u.Within)
			}
		}

		// Who administers one unit may change that one alone.
		chart, err := charts.Now(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		head := access.WithPrincipal(t.Context(), access.Principal{AccountID: yamada, Tree: chart.Tree, Rights: []access.Right{{
			RoleID: access.DepartmentAdministrator, UnitID: jinji.ID, Permissions: access.Rights(access.DepartmentAdministrator)[0].Permissions,
		}}})
		list, err = units.List(head, now)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range list {
			if may := len(u.May) == 3; may != (u.ID == jinji.ID) {
				t.Errorf("the head of 110 may do %v in %s", u.May, u.Code)
			}
		}
		stranger := access.WithPrincipal(t.Context(), access.Principal{AccountID: yamada})
		for what, err := range map[string]error{"Planned": second(units.Planned(stranger, now)), "Periods": second(units.Periods(stranger, jinji.ID))} {
			if errs.CodeOf(err) != errs.Forbidden {
				t.Errorf("%s by a member: %v", what, err)
			}
		}
		for _, id := range []string{"x", db.NewID()} {
			if _, err := units.Periods(f.admin, id); errs.CodeOf(err) != errs.NotFound {
				t.Errorf("Periods of %q: %v", id, err)
			}
		}
	})
}

func TestARuleIsTriedWithoutAChange(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		f := groups(t, d)
		f.account("yamada")
		n, err := f.Preview(f.admin, access.Rule{EmailDomains: []string{"example.jp"}})
		if err != nil || n != 2 {
			t.Errorf("Preview = %d, %v, want the administrator and yamada", n, err)
		}
		if _, err := f.Preview(f.admin, access.Rule{}); errs.CodeOf(err) != errs.InvalidInput {
			t.Errorf("Preview of nothing: %v", err)
		}
		page, err := f.List(f.admin, access.GroupFilter{})
		if err != nil || len(page.Items) != 0 || len(f.actions()) != 0 {
			t.Errorf("there are groups %+v, %v, and events %v", page.Items, err, f.actions())
		}
		stranger := access.WithPrincipal(t.Context(), access.Principal{AccountID: f.account("suzuki")})
		if _, err := f.Preview(stranger, access.Rule{EmailDomains: []string{"example.jp"}}); errs.CodeOf(err) != errs.Forbidden {
			t.Errorf("Preview by a member: %v", err)
		}
	})
}
