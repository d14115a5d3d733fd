package server

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"kakoi/internal/access"
	"kakoi/internal/errs"
)

// nobodys is an id that nothing has.
const nobodys = "01900000-0000-7000-8000-000000000000"

// whoMay returns the permissions that the description says an operation needs;
// open is true of one that needs none.
func whoMay(t *testing.T, where string, op operation) (needs []access.Action, open bool) {
	t.Helper()
	switch v := op.Access.(type) {
	case string:
		if v == "public" || v == "signed-in" {
			return nil, true
		}
	case []any:
		for _, one := range v {
			name, _ := one.(string)
			if !slices.Contains(access.Permissions(), access.Action(name)) {
				t.Fatalf("%s needs %q, which no role permits", where, name)
			}
			needs = append(needs, access.Action(name))
		}
	}
	if len(needs) == 0 {
		t.Errorf("%s does not say who may: give its route needs or public", where)
	}
	return needs, false
}

// TestEveryOperationSaysWhoMayAndMeansIt walks every operation of the
// description as everybody there is. What it says it needs is what it needs:
// who holds all else is refused, who holds nothing else is not.
func TestEveryOperationSaysWhoMayAndMeansIt(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		d := described(t)
		holders := map[string]*person{}
		holder := func(permits ...access.Action) *person {
			t.Helper()
			key := strings.Trim(strings.Join(mapped(permits, func(a access.Action) string { return string(a) }), "-"), "-")
			if holders[key] == nil {
				var made role
				name := "r" + string(rune('a'+len(holders)%26)) + string(rune('a'+len(holders)/26))
				h.admin.must("POST", "/admin/roles", map[string]any{"name": name, "permissions": permits}, &made)
				holders[key] = h.resident(name, held{RoleID: made.ID})
			}
			return holders[key]
		}
		auditor, member := h.resident("auditor", held{RoleID: string(access.Auditor)}), h.resident("member")
		ids := map[string]string{"id": nobodys, "accountId": nobodys, "sessionId": nobodys}
		walked := 0
		for path, methods := range d.Paths {
			for method, op := range methods {
				where := strings.ToUpper(method) + " " + path
				needs, open := whoMay(t, where, op)
				if open != !strings.HasPrefix(path, "/admin/") {
					t.Errorf("%s: what is below /admin/ needs permissions, and nothing else does: %v", where, op.Access)
				}
				if open {
					continue
				}
				walked++
				refused := func(who string, p *person, want bool) {
					t.Helper()
					got := p.tries(d, method, path, op, ids)
					if is := got.Code == errs.Forbidden && got.Status == http.StatusForbidden; is != want || got.Code == errs.Unauthenticated {
						t.Errorf("%s, as %s: %d %s %s (refused: %v, want %v)", where, who, got.Status, got.Code, got.Detail, is, want)
					}
				}
				refused("a member", member, true)
				refused("whoever holds "+strings.Join(mapped(needs, func(a access.Action) string { return string(a) }), " and ")+" alone", holder(needs...), false)
				for _, missing := range needs {
					others := slices.DeleteFunc(access.Permissions(), func(a access.Action) bool { return a == missing })
					refused("whoever holds all but "+string(missing), holder(others...), true)
				}
				reads := !slices.ContainsFunc(needs, func(a access.Action) bool { return !slices.Contains(auditor.rights(t), string(a)) })
				refused("an auditor", auditor, !reads)
				if reads && method != "get" && !readsByPost[op.OperationID] {
					t.Errorf("%s changes something, and an auditor may", where)
				}
			}
		}
		if walked < 50 {
			t.Errorf("only %d operations were walked", walked)
		}
	})
}

// readsByPost are operations that change nothing though they are not GET: what
// they are asked does not fit into an address.
var readsByPost = map[string]bool{"explainResidency": true, "previewResidency": true, "generatePolicy": true, "simulatePolicy": true}

// rights are the permissions of a person, as they are told.
func (p *person) rights(t *testing.T) []string {
	t.Helper()
	var who me
	p.must("GET", "/me", nil, &who)
	return mapped(who.Account.Permissions, func(a permits) string { return string(a) })
}

// TestADepartmentAdministratorHasTheirDepartment walks every operation about an
// account as the administrator of a department: one of theirs, one of another,
// and one of theirs who may do more than they.
func TestADepartmentAdministratorHasTheirDepartment(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		d := described(t)
		unitNamed := func(name, parent string) string {
			var made unit
			h.admin.must("POST", "/admin/units", map[string]any{"code": name, "name": name, "parentId": parent}, &made)
			return made.ID
		}
		city := unitNamed("市", "")
		tax := unitNamed("税務課", city)
		desk := unitNamed("市民税係", tax)
		welfare := unitNamed("福祉課", city)
		place := func(p *person, unit string) *person {
			h.admin.must("PATCH", "/admin/accounts/"+p.id, map[string]any{"posts": []post{{UnitID: unit}}}, nil)
			return p
		}
		chief := place(h.resident("chief", held{RoleID: string(access.DepartmentAdministrator), UnitID: tax}), tax)
		mine, theirs := place(h.resident("mine"), desk), place(h.resident("theirs"), welfare)
		above := place(h.resident("above", held{RoleID: string(access.Administrator)}), tax)
		wider := place(h.resident("wider", held{RoleID: string(access.DepartmentAdministrator), UnitID: city}), tax)

		walked := 0
		for path, methods := range d.Paths {
			for method, op := range methods {
				if !strings.HasPrefix(path, "/admin/accounts/{id}") {
					continue
				}
				walked++
				where := strings.ToUpper(method) + " " + path
				as := func(p *person) problem {
					return chief.tries(d, method, path, op, map[string]string{"id": p.id, "sessionId": nobodys})
				}
				if got := as(mine); got.Code == errs.Forbidden || got.Code == errs.NotFound && !strings.Contains(path, "{sessionId}") {
					t.Errorf("%s of one of theirs: %+v", where, got)
				}
				got, absent := as(theirs), chief.call(d, method, path, op, map[string]string{"id": nobodys, "sessionId": nobodys})
				got.RequestID, absent.RequestID = "", ""
				if got.Code != errs.NotFound || got.Detail != absent.Detail {
					t.Errorf("%s of another department's: %+v; of nobody's: %+v", where, got, absent)
				}
				for who, p := range map[string]*person{"an administrator": above, "the administrator of the city": wider} {
					if got := as(p); (got.Code == errs.Forbidden) != (method != "get") {
						t.Errorf("%s of %s in their department: %+v", where, who, got)
					}
				}
			}
		}
		if walked < 5 {
			t.Errorf("only %d operations were walked", walked)
		}

		// Lists are theirs alone, and so are the numbers beside them.
		var page accountPage
		chief.must("GET", "/admin/accounts", nil, &page)
		var names []string
		for _, a := range page.Items {
			names = append(names, a.Name)
		}
		if want := []string{"above", "chief", "mine", "wider"}; !slices.Equal(names, want) || page.Counts.Total != len(want) {
			t.Errorf("listed %v, counted %+v; want %v", names, page.Counts, want)
		}

		// Nobody comes to be outside of it, and nobody is taken from elsewhere.
		for what, got := range map[string]problem{
			"an account of another department":   chief.refused("POST", "/admin/accounts", map[string]any{"email": "a@example.jp", "name": "a", "posts": []post{{UnitID: welfare}}}),
			"an account of no department":        chief.refused("POST", "/admin/accounts", map[string]any{"email": "b@example.jp", "name": "b"}),
			"an account of theirs and another's": chief.refused("POST", "/admin/accounts", map[string]any{"email": "c@example.jp", "name": "c", "posts": []post{{UnitID: desk}, {UnitID: welfare}}}),
			"an administrator":                   chief.refused("POST", "/admin/accounts", map[string]any{"email": "e@example.jp", "name": "e", "posts": []post{{UnitID: desk}}, "roles": []held{{RoleID: "administrator"}}}),
			"a role that reaches further":        chief.refused("PATCH", "/admin/accounts/"+mine.id, map[string]any{"roles": []held{{RoleID: "department_administrator", UnitID: city}}}),
			"a post in another department":       chief.refused("PATCH", "/admin/accounts/"+mine.id, map[string]any{"posts": []post{{UnitID: welfare}}}),
			"a unit of another department":       chief.refused("POST", "/admin/units", map[string]any{"code": "x", "name": "x", "parentId": welfare}),
			"a unit at the top":                  chief.refused("POST", "/admin/units", map[string]any{"code": "y", "name": "y"}),
			"another department's unit renamed":  chief.refused("PATCH", "/admin/units/"+welfare, map[string]any{"name": "z"}),
			"their own department moved":         chief.refused("PATCH", "/admin/units/"+tax, map[string]any{"parentId": welfare}),
			"a group":                            chief.refused("POST", "/admin/groups", map[string]any{"name": "g"}),
			"more for themselves":                chief.refused("PATCH", "/admin/accounts/"+chief.id, map[string]any{"roles": []held{{RoleID: "administrator"}}}),
			"a role":                             chief.refused("POST", "/admin/roles", map[string]any{"name": "r", "permissions": []string{"account.read"}}),
		} {
			if got.Code != errs.Forbidden {
				t.Errorf("%s: %+v, want forbidden", what, got)
			}
		}
		if got := chief.refused("PATCH", "/admin/accounts/"+theirs.id, map[string]any{"posts": []post{{UnitID: desk}}}); got.Code != errs.NotFound {
			t.Errorf("taking one of another department over: %+v", got)
		}
		var made createdAccount
		chief.must("POST", "/admin/accounts", map[string]any{"email": "d@example.jp", "name": "d", "posts": []post{{UnitID: desk, Title: "主事"}}}, &made)
		chief.must("PATCH", "/admin/accounts/"+made.Account.ID, map[string]any{"roles": []held{{RoleID: "department_administrator", UnitID: desk}}}, nil)
		chief.must("POST", "/admin/units", map[string]any{"code": "s", "name": "資産税係", "parentId": tax}, nil)
	})
}
