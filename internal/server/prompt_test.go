package server

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
)

func TestAPromptIsWrittenUsedSharedAndRestored(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		anna, ben := h.resident("anna"), h.resident("ben")
		var tax group
		h.admin.must("POST", "/admin/groups", map[string]any{"name": "税務課"}, &tax)
		for _, p := range []*person{anna, ben} {
			h.admin.must("PUT", "/admin/groups/"+tax.ID+"/members/"+p.id, nil, nil)
		}
		var mine myGroups
		anna.must("GET", "/me/groups", nil, &mine)
		if len(mine.Items) != 1 || mine.Items[0].Name != "税務課" {
			t.Errorf("her groups: %+v", mine)
		}

		var made prompt
		anna.must("POST", "/prompts", map[string]any{
			"kind": "message", "name": "督促の案内", "command": "/督促", "category": "住民向け", "locale": "ja", "note": "始め",
			"body": "{{宛先}}様\n{{調子:choice:丁寧|簡潔=簡潔}}に、{{期限:date}}までに{{金額:number}}円。{{today:wareki}} {{my_name}} \\{{そのまま}}",
		}, &made)
		if !made.Mine || !made.Editable || made.Official || made.Command != "督促" || made.Category != "residents" || made.Visibility != "private" || len(made.Variables) != 4 {
			t.Fatalf("%+v", made)
		}
		if v := made.Variables[1]; v.Name != "調子" || v.Type != "choice" || v.Default != "簡潔" || !slices.Equal(v.Choices, []string{"丁寧", "簡潔"}) {
			t.Errorf("%+v", v)
		}
		var out Rendered
		anna.must("POST", "/prompts/"+made.ID+"/render", map[string]any{"values": map[string]string{"宛先": "{{金額}}", "期限": "2026-08-31", "金額": "１，０００"}}, &out)
		if !strings.HasPrefix(out.Text, "{{金額}}様\n簡潔に、2026年8月31日までに1,000円。令和") || !strings.HasSuffix(out.Text, " anna {{そのまま}}") || len(out.Missing) != 0 {
			t.Errorf("%+v", out)
		}
		if p := anna.refused("POST", "/prompts/"+made.ID+"/render", map[string]any{"values": map[string]string{"金額": "千"}}); p.Code != errs.InvalidInput || p.Field != "values.金額" || p.Params["variable"] != "金額" {
			t.Errorf("%+v", p)
		}

		// The body of what is saved can be edited.
		path := "/prompts/" + made.ID
		var edited prompt
		anna.must("PATCH", path, map[string]any{"body": "{{a}}", "note": "短く", "baseVersion": 1}, &edited)
		if edited.Version != 2 || len(edited.Variables) != 1 || edited.Name != made.Name {
			t.Errorf("%+v", edited)
		}
		if p := anna.refused("PATCH", path, map[string]any{"body": "{{b}}", "baseVersion": 1}); p.Code != errs.Conflict || p.Field != "baseVersion" {
			t.Errorf("%+v", p)
		}
		var versions list[promptVersion]
		anna.must("GET", path+"/versions?limit=1", nil, &versions)
		if len(versions.Items) != 1 || versions.Items[0].Note != "短く" || versions.Items[0].Body != "" || versions.NextPageToken == "" {
			t.Errorf("%+v", versions)
		}
		var old promptVersion
		anna.must("GET", path+"/versions/1", nil, &old)
		var restored prompt
		anna.must("POST", path+"/versions/1/restore", nil, &restored)
		if restored.Body != old.Body || restored.Body != made.Body || restored.Version != 3 {
			t.Errorf("%+v", restored)
		}

		// Shared, it is read, used and copied; not edited.
		if p := ben.refused("GET", path, nil); p.Code != errs.NotFound {
			t.Errorf("%+v", p)
		}
		anna.must("PATCH", path, map[string]any{"visibility": "groups", "groupIds": []string{tax.ID}}, nil)
		var seen prompt
		ben.must("GET", path, nil, &seen)
		if seen.Mine || seen.Editable || seen.OwnerName != "anna" || seen.GroupIDs != nil || seen.Body != made.Body {
			t.Errorf("%+v", seen)
		}
		if p := ben.refused("PATCH", path, map[string]any{"name": "x"}); p.Code != errs.Forbidden {
			t.Errorf("%+v", p)
		}
		if p := ben.refused("GET", path+"/versions", nil); p.Code != errs.Forbidden {
			t.Errorf("%+v", p)
		}
		var copied prompt
		ben.must("POST", path+"/copy", nil, &copied)
		if !copied.Mine || copied.Visibility != "private" || copied.Body != made.Body || copied.Command != "督促" {
			t.Errorf("%+v", copied)
		}
		if p := h.admin.refused("GET", path, nil); p.Code != errs.NotFound {
			t.Errorf("an administrator outside of the group: %+v", p)
		}
		var found list[PromptSummary]
		ben.must("GET", "/prompts?scope=shared&search="+url.QueryEscape("ﾄｸｿｸ"), nil, &found)
		ben.must("GET", "/prompts?scope=shared&search="+url.QueryEscape("督促"), nil, &found)
		if len(found.Items) != 1 || found.Items[0].ID != made.ID || found.Items[0].Uses != 1 || found.Items[0].MyUses != 0 {
			t.Errorf("%+v", found)
		}
		anna.must("DELETE", path, nil, nil)
		if p := anna.refused("GET", path, nil); p.Code != errs.NotFound {
			t.Errorf("%+v", p)
		}
		var trial tried
		anna.must("POST", "/prompts/preview", map[string]any{"body": "{{x:number}}/{{y}}", "values": map[string]string{"x": "3"}}, &trial)
		if trial.Text != "3/" || !slices.Equal(trial.Missing, []string{"y"}) || len(trial.Variables) != 2 {
			t.Errorf("%+v", trial)
		}

		events, err := h.audit.List(t.Context(), audit.Filter{Action: "prompt.", ActorID: anna.id, Limit: 50})
		if err != nil {
			t.Fatal(err)
		}
		var actions []string
		for _, e := range slices.Backward(events.Items) {
			actions = append(actions, e.Action)
			if e.Request.ID == "" || e.Outcome != audit.Success {
				t.Errorf("%+v", e)
			}
		}
		if want := []string{"prompt.create", "prompt.update", "prompt.restore_version", "prompt.update", "prompt.delete"}; !slices.Equal(actions, want) {
			t.Errorf("audit events %v, want %v", actions, want)
		}
	})
}

func TestTheStarterSetIsThereAndAdministratorsEditIt(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		member := h.resident("emil")
		var all list[PromptSummary]
		member.must("GET", "/prompts?scope=official&locale=ja&limit=200", nil, &all)
		if len(all.Items) < 30 || all.NextPageToken != "" {
			t.Fatalf("%d prompts", len(all.Items))
		}
		var categories promptCategories
		member.must("GET", "/prompt-categories", nil, &categories)
		if len(categories.Items) != 9 || categories.Items[2].Names["ja"] != "議会" || categories.Items[2].Prompts < 6 {
			t.Errorf("%+v", categories)
		}
		var found list[PromptSummary]
		member.must("GET", "/prompts?category="+url.QueryEscape("議会")+"&command="+url.QueryEscape("/答"), nil, &found)
		if len(found.Items) != 1 || found.Items[0].Name != "答弁案" || !found.Items[0].Official || found.Items[0].Editable {
			t.Fatalf("%+v", found)
		}
		path := "/prompts/" + found.Items[0].ID
		if p := member.refused("PATCH", path, map[string]any{"hidden": true}); p.Code != errs.Forbidden {
			t.Errorf("%+v", p)
		}
		if p := member.refused("POST", "/prompts", map[string]any{"official": true, "kind": "system", "name": "x", "body": "x"}); p.Code != errs.Forbidden {
			t.Errorf("%+v", p)
		}
		var edited prompt
		h.admin.must("PATCH", path, map[string]any{"body": "うちの答弁案"}, &edited)
		if edited.Version != 2 || !edited.Editable {
			t.Errorf("%+v", edited)
		}
		h.admin.must("PATCH", path, map[string]any{"hidden": true}, nil)
		if p := member.refused("GET", path, nil); p.Code != errs.NotFound {
			t.Errorf("hidden: %+v", p)
		}
		h.admin.must("PATCH", path, map[string]any{"hidden": false}, nil)
		member.must("GET", path, nil, &edited)
		if edited.Body != "うちの答弁案" {
			t.Errorf("%+v", edited)
		}
		h.admin.must("DELETE", path, nil, nil)
		if p := member.refused("GET", path, nil); p.Code != errs.NotFound {
			t.Errorf("deleted: %+v", p)
		}
	})
}

func TestAPromptHasItsBounds(t *testing.T) {
	h := furnished(t, db.SQLite, map[string]string{"limits.messageBytes": "2KiB"})
	var made prompt
	h.admin.must("POST", "/prompts", map[string]any{"kind": "message", "name": "x", "body": "{{x}}{{x}}"}, &made)
	if p := h.admin.refused("POST", "/prompts/"+made.ID+"/render", map[string]any{"values": map[string]string{"x": strings.Repeat("x", 1100)}}); p.Code != errs.TooLarge || p.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a text over the limit: %+v", p)
	}
	for name, in := range map[string]map[string]any{
		"body": {"kind": "message", "name": "x", "body": strings.Repeat("長", 50_001)}, "kind": {"kind": "x", "name": "x", "body": "x"},
		"command": {"kind": "message", "name": "x", "body": "x", "command": "a b"},
	} {
		if p := h.admin.refused("POST", "/prompts", in); p.Code != errs.InvalidInput || p.Field != name {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if p := h.admin.refused("GET", "/prompts/"+made.ID+"/versions/0", nil); p.Code != errs.InvalidInput {
		t.Errorf("version 0: %+v", p)
	}
}
