package identity

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
)

// department makes a unit and people in it, and who administers it alone.
func (h *house) department(admin SignedIn, code string, people ...string) (unit access.Unit, head SignedIn, ids []string) {
	h.t.Helper()
	unit, err := h.units.Create(as(h.t, admin), access.UnitDraft{Code: code, Name: code})
	if err != nil {
		h.t.Fatal(err)
	}
	posts := []access.Post{{UnitID: unit.ID, Main: true}}
	_, temporary, err := h.CreateAccount(as(h.t, admin), NewAccount{
		Email: "head@" + code + ".example.jp", Name: "長 " + code, Posts: posts,
		Roles: []access.Held{{RoleID: access.DepartmentAdministrator, UnitID: unit.ID, Span: access.Always}},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	head = h.settle("head@"+code+".example.jp", temporary)
	for _, name := range people {
		a, _, err := h.CreateAccount(as(h.t, admin), NewAccount{Email: name + "@" + code + ".example.jp", Name: name, Posts: posts})
		if err != nil {
			h.t.Fatal(err)
		}
		ids = append(ids, a.ID)
	}
	return unit, head, ids
}

func TestAnActOnManyReportsEachThatFailed(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin := h.setUp()
		_, head, mine := h.department(admin, "zeimu", "a", "b")
		_, _, others := h.department(admin, "fukushi", "c")

		report, err := h.ActOn(as(t, head), Bulk{Act: ActDisable, AccountIDs: append(slices.Clone(mine), others[0], head.Account.ID, admin.Account.ID)})
		if err != nil || report.Done != 2 || len(report.Failed) != 3 {
			t.Fatalf("ActOn = %+v, %v, want two done and three failed", report, err)
		}
		for _, f := range report.Failed {
			switch f.AccountID {
			case head.Account.ID:
				want(t, "oneself", f.Err, errs.Conflict)
			default: // of another department: not theirs to know, neither by name
				want(t, "another department's", f.Err, errs.NotFound)
				if f.Name != "" || f.Email != "" {
					t.Errorf("the report names %+v", f)
				}
			}
		}
		for id, disabled := range map[string]bool{mine[0]: true, mine[1]: true, others[0]: false} {
			if a, err := h.Account(as(t, admin), id); err != nil || a.Disabled != disabled {
				t.Errorf("account %s is disabled: %v, %v, want %v", a.Email, a.Disabled, err, disabled)
			}
		}
		if n := len(h.events(auditAccountDisable)); n != 2 {
			t.Errorf("%d accounts were disabled on record, want 2", n)
		}

		// The whole filter, which reaches no further than whoever asks.
		report, err = h.ActOn(as(t, head), Bulk{Act: ActEnable, Filter: &AccountFilter{}})
		if err != nil || report.Done != 3 || len(report.Failed) != 0 {
			t.Errorf("enabling all = %+v, %v, want the three of the department", report, err)
		}
		group, err := h.groups.Create(as(t, admin), "試行", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.ActOn(as(t, head), Bulk{Act: ActAddToGroup, GroupID: group.ID, Filter: &AccountFilter{}})
		want(t, "a group by the head", err, errs.Forbidden)
		report, err = h.ActOn(as(t, admin), Bulk{Act: ActAddToGroup, GroupID: group.ID, Filter: &AccountFilter{Search: "zeimu"}})
		if err != nil || report.Done != 3 {
			t.Errorf("adding to a group = %+v, %v, want three", report, err)
		}
		page, err := h.Accounts(as(t, admin), AccountFilter{GroupID: group.ID})
		if err != nil || page.Matching != 3 {
			t.Errorf("the group has %d, %v, want 3", page.Matching, err)
		}
		want(t, "no act", second(h.ActOn(as(t, admin), Bulk{Act: "dance"})), errs.InvalidInput)
	})
}

func TestAccountsAreListedInEachOrder(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin := h.setUp()
		for i := range 7 {
			email := fmt.Sprintf("p%d@example.jp", i)
			_, temporary, err := h.CreateAccount(as(t, admin), NewAccount{Email: email, Name: fmt.Sprintf("n%d", (i*3)%7)})
			if err != nil {
				t.Fatal(err)
			}
			if i%2 == 0 {
				h.pass(1_000_000_000)
				h.settle(email, temporary)
			}
		}
		for _, sort := range []Sort{SortEmail, SortName, SortLastSeen} {
			walk := func(backwards bool) (emails []string) {
				f := AccountFilter{Search: "p", Sort: sort, Backwards: backwards, Limit: 2}
				for {
					page, err := h.Accounts(as(t, admin), f)
					if err != nil {
						t.Fatal(err)
					}
					if f.PageToken == "" && page.Matching != 8 {
						t.Errorf("by %q: %d match, want 8", sort, page.Matching)
					}
					for _, a := range page.Items {
						emails = append(emails, a.Email)
					}
					if f.PageToken = page.NextPageToken; f.PageToken == "" {
						return emails
					}
				}
			}
			there, back := walk(false), walk(true)
			slices.Reverse(back)
			if len(there) != 8 || !slices.Equal(there, back) {
				t.Errorf("by %q: %v, and backwards %v", sort, there, back)
			}
		}
		if page, err := h.Accounts(as(t, admin), AccountFilter{Sort: SortName, Limit: 1, Search: "n"}); err != nil || page.Items[0].Email != "p0@example.jp" {
			t.Errorf("the first by name is %+v, %v", page.Items, err)
		}
		want(t, "a token of another order", second(h.Accounts(as(t, admin), AccountFilter{Sort: SortLastSeen, PageToken: "YQ"})), errs.InvalidInput)
		want(t, "an unknown order", second(h.Accounts(as(t, admin), AccountFilter{Sort: "age"})), errs.InvalidInput)
	})
}

func TestWhoAsksIsToldWhatTheyMayDoToAnAccount(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin := h.setUp()
		unit, head, mine := h.department(admin, "zeimu", "a", "b")
		if _, err := h.UpdateAccount(as(t, admin), mine[1], AccountChange{Roles: &[]access.Held{{RoleID: access.Administrator, Span: access.Always}}}); err != nil {
			t.Fatal(err)
		}
		page, err := h.Accounts(as(t, head), AccountFilter{UnitID: unit.ID})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range page.Items {
			if may := slices.Contains(a.May, access.AccountWrite); may != (a.ID != mine[1]) {
				t.Errorf("the head may change %s: %v", a.Email, may)
			}
		}
		exported, err := h.ExportAccounts(as(t, head), AccountFilter{})
		if err != nil {
			t.Fatal(err)
		}
		var emails []string
		for a, err := range exported {
			if err != nil {
				t.Fatal(err)
			}
			emails = append(emails, a.Email)
		}
		if got := strings.Join(emails, " "); got != "a@zeimu.example.jp b@zeimu.example.jp head@zeimu.example.jp" {
			t.Errorf("the head took out %s", got)
		}
		if n := len(h.events(auditAccountExport)); n != 1 {
			t.Errorf("%d exports on record, want 1", n)
		}
		member := h.person(admin, "yamada@example.jp", access.Member)
		want(t, "export by a member", second(h.ExportAccounts(as(t, member), AccountFilter{})), errs.Forbidden)
	})
}
