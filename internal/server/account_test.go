package server

import (
	"net/http"
	"strings"
	"testing"
)

func TestAccountsAreTakenOutAsATableThatRunsNothing(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		var tax unit
		h.admin.must("POST", "/admin/units", map[string]any{"code": "100", "name": "税務部"}, &tax)
		h.admin.must("POST", "/admin/accounts", map[string]any{
			"email": "yamada@example.jp", "name": "=HYPERLINK(1)", "posts": []any{map[string]any{"unitId": tax.ID, "title": "係長", "main": true}},
		}, nil)
		h.admin.must("POST", "/admin/accounts", map[string]any{"email": "suzuki@example.jp", "name": "鈴木"}, nil)
		resp, text := h.admin.do(h.admin.request("GET", "/admin/accounts/export?unitId="+tax.ID, nil))
		if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Disposition"), "attachment; filename=accounts-") {
			t.Fatalf("export: %d %v %s", resp.StatusCode, resp.Header, text)
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\r\n")
		if len(lines) != 2 || !strings.HasPrefix(lines[0], "\uFEFFメールアドレス,") || !strings.HasPrefix(lines[1], "yamada@example.jp,'=HYPERLINK(1),利用中,,100,税務部,係長,") {
			t.Errorf("the table is %q", lines)
		}
		emil := h.resident("emil")
		if p := emil.refused("GET", "/admin/accounts/export", nil); p.Status != http.StatusForbidden {
			t.Errorf("a member takes them out: %+v", p)
		}
	})
}

func TestAHeadOfDepartmentSeesAndChangesOnlyTheirOwn(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		var tax, welfare unit
		h.admin.must("POST", "/admin/units", map[string]any{"code": "100", "name": "税務部"}, &tax)
		h.admin.must("POST", "/admin/units", map[string]any{"code": "200", "name": "福祉部"}, &welfare)
		head := h.resident("head", held{RoleID: "department_administrator", UnitID: tax.ID})
		var other createdAccount
		h.admin.must("POST", "/admin/accounts", map[string]any{"email": "w@example.jp", "name": "w", "posts": []any{map[string]any{"unitId": welfare.ID}}}, &other)
		head.must("POST", "/admin/accounts", map[string]any{"email": "t@example.jp", "name": "t", "posts": []any{map[string]any{"unitId": tax.ID}}}, nil)

		var page accountPage
		head.must("GET", "/admin/accounts?sort=lastSignedIn&descending=true", nil, &page)
		if len(page.Items) != 1 || page.Items[0].Email != "t@example.jp" || page.Matching != 1 || len(page.Items[0].May) != 2 {
			t.Errorf("the head sees %+v", page)
		}
		var report accountsReport
		head.must("POST", "/admin/accounts/bulk", map[string]any{"act": "disable", "accountIds": []string{page.Items[0].ID, other.Account.ID}}, &report)
		if report.Done != 1 || len(report.Failed) != 1 || report.Failed[0].Code != "not_found" || report.Failed[0].Email != "" {
			t.Errorf("disabling both: %+v", report)
		}
		if p := head.refused("POST", "/admin/accounts/bulk", map[string]any{"act": "disable", "accountIds": []string{"x"}, "filter": map[string]any{}}); p.Field != "filter" {
			t.Errorf("both at once: %+v", p)
		}
		if p := head.refused("POST", "/admin/groups/preview", map[string]any{"emailDomains": []string{"example.jp"}}); p.Status != http.StatusForbidden {
			t.Errorf("the head tries a rule: %+v", p)
		}
		var units list[unit]
		head.must("GET", "/admin/units", nil, &units)
		for _, u := range units.Items {
			if (len(u.May) == 3) != (u.ID == tax.ID) {
				t.Errorf("the head may do %v in %s", u.May, u.Name)
			}
		}
		head.must("GET", "/admin/units/planned", nil, &units)
		head.must("GET", "/admin/units/"+welfare.ID+"/periods", nil, &units)
		if len(units.Items) != 1 || units.Items[0].Name != "福祉部" {
			t.Errorf("what the unit was: %+v", units)
		}
	})
}
