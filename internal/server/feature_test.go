package server

import (
	"net/http"
	"slices"
	"testing"

	"kakoi/internal/access"
	"kakoi/internal/errs"
)

// TestAFeatureIsForThoseItIsSwitchedOnFor walks a use of each feature, by who
// has it and by who does not, and back again.
func TestAFeatureIsForThoseItIsSwitchedOnFor(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		anna, ben := h.resident("anna"), h.resident("ben")
		var g group
		h.admin.must("POST", "/admin/groups", map[string]any{"name": "試行"}, &g)
		h.admin.must("PUT", "/admin/groups/"+g.ID+"/members/"+anna.id, nil, nil)
		uses := func(p *person) map[access.Feature]errs.Code {
			begun := p.asks("[[say hello]]")
			p.follows("/runs/"+begun.Answers[0].RunID+"/events", "").rest()
			got := map[access.Feature]errs.Code{}
			for f, r := range map[access.Feature]*http.Request{
				access.FeatureTemporary: p.request("POST", "/temporary/turns", map[string]any{"messages": []map[string]any{{"role": "user", "text": "[[say hello]]"}}}),
				access.FeatureDictation: p.speech("", "audio/wav", wavOf(1, "")),
				access.FeatureSharing:   p.request("POST", "/conversations/"+begun.Conversation.ID+"/shares", map[string]any{"live": true}),
				access.FeatureExport:    p.request("GET", "/conversations/"+begun.Conversation.ID+"/export?format=md", nil),
				access.FeatureImport:    p.bringing([]byte("{}"), ""),
			} {
				resp, text := p.do(r)
				if got[f] = ""; resp.StatusCode == http.StatusForbidden {
					got[f] = problemIn(t, resp, text).Code
				}
			}
			return got
		}
		withheld := func(p *person) []string {
			var who me
			p.must("GET", "/me", nil, &who)
			return who.Account.Withheld
		}
		var features list[feature]
		h.admin.must("GET", "/admin/features", nil, &features)
		if len(features.Items) != len(access.Features()) {
			t.Fatalf("listed %+v", features.Items)
		}
		for f, code := range uses(ben) {
			if code != "" {
				t.Errorf("%s is everyone's to begin with: %q", f, code)
			}
		}
		for _, f := range features.Items {
			h.admin.must("PUT", "/admin/features/"+string(f.ID), map[string]any{"grants": forGroups(g.ID)}, nil)
		}
		for f, code := range uses(ben) {
			if code != errs.FeatureWithheld {
				t.Errorf("%s, by who is not in the group: %q", f, code)
			}
		}
		for f, code := range uses(anna) {
			if code != "" {
				t.Errorf("%s, by who is in the group: %q", f, code)
			}
		}
		if got := withheld(ben); len(got) != len(features.Items) || len(withheld(anna)) != 0 {
			t.Errorf("told that %v are withheld, and %v", got, withheld(anna))
		}
		// What is one's own is not kept from anybody.
		ben.must("GET", "/me", nil, nil)
		if resp, _ := ben.do(ben.request("GET", "/me/export", nil)); resp.StatusCode != http.StatusOK {
			t.Errorf("all one has: %d", resp.StatusCode)
		}
		// A group that goes takes what it was given with it.
		h.admin.must("DELETE", "/admin/groups/"+g.ID, nil, nil)
		if got := withheld(anna); !slices.Contains(got, string(access.FeatureSharing)) {
			t.Errorf("after its group has gone a feature is everyone's: %v", got)
		}
		h.admin.must("PUT", "/admin/features/sharing", map[string]any{"grants": forGroups()}, nil)
		if got := withheld(ben); slices.Contains(got, string(access.FeatureSharing)) {
			t.Errorf("switched on for everyone: %v", got)
		}
		if got := h.admin.refused("PUT", "/admin/features/x", map[string]any{"grants": []grant{}}); got.Code != errs.NotFound {
			t.Errorf("a feature that there is not: %+v", got)
		}
	})
}
