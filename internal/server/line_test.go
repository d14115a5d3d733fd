package server

import (
	"strings"
	"testing"

	"kakoi/internal/errs"
)

// lastModel returns the last of the catalogue, which the residents talk with.
func (h *house) lastModel() catalogueModel {
	var models list[catalogueModel]
	h.admin.must("GET", "/admin/models", nil, &models)
	return models.Items[len(models.Items)-1]
}

// firstHasItsTurn waits until a call of the last model has its turn.
func (h *house) firstHasItsTurn() {
	for range 1000 {
		if l := h.lastModel().Line; l != nil && l.Running == 1 {
			return
		}
	}
}

func TestWhoeverWaitsForAModelIsToldTheirPlace(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		h.admin.must("PATCH", "/admin/models/"+h.modelA, map[string]any{"limits": map[string]any{"concurrent": 1, "requestsPerMinute": 0, "tokensPerMinute": 0}}, nil)
		anna, ben := h.resident("anna"), h.resident("ben")
		first := anna.asks("[[silence]]")
		running := anna.follows("/runs/"+first.Answers[0].RunID+"/events", "")
		h.firstHasItsTurn()
		second := ben.asks("[[say お待たせしました]]")
		waiting := ben.follows("/runs/"+second.Answers[0].RunID+"/events", "")
		waiting.until(`{"type":"data-queue","data":{"waiting":true,"ahead":0},"transient":true}`)
		m := h.lastModel()
		if m.Limits.Concurrent != 1 || m.Line == nil || *m.Line != (modelLine{Running: 1, Waiting: 1}) {
			t.Errorf("limits %+v, line %+v", m.Limits, m.Line)
		}
		anna.must("POST", "/runs/"+first.Answers[0].RunID+"/stop", nil, nil)
		running.rest()
		after := waiting.rest()
		if !isWhole(after) || said(t, after)["0"] != "お待たせしました" {
			t.Errorf("after its turn came: %v", after)
		}
		h.quiet(t)
	})
}

// Who may is decided again when somebody's turn comes: a wait may take minutes.
func TestWhoMayNotAnyMoreDoesNotGoOutAfterTheWait(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		var group struct{ ID string }
		h.admin.must("POST", "/admin/groups", map[string]any{"name": "課"}, &group)
		anna, ben, chie := h.resident("anna"), h.resident("ben"), h.resident("chie")
		for _, p := range []*person{anna, ben, chie} {
			h.admin.must("PUT", "/admin/groups/"+group.ID+"/members/"+p.id, nil, nil)
		}
		h.admin.must("PATCH", "/admin/models/"+h.modelA, map[string]any{
			"grants": forGroups(group.ID), "limits": map[string]any{"concurrent": 1, "requestsPerMinute": 0, "tokensPerMinute": 0},
		}, nil)
		first := anna.asks("[[silence]]")
		running := anna.follows("/runs/"+first.Answers[0].RunID+"/events", "")
		h.firstHasItsTurn()
		var waiting []stream
		for _, p := range []*person{ben, chie} {
			asked := p.asks("[[say これは出てはならない]]")
			w := p.follows("/runs/"+asked.Answers[0].RunID+"/events", "")
			w.until(`"waiting":true`)
			waiting = append(waiting, w)
		}
		h.admin.must("PATCH", "/admin/accounts/"+ben.id, map[string]any{"disabled": true}, nil)
		h.admin.must("DELETE", "/admin/groups/"+group.ID+"/members/"+chie.id, nil, nil)
		anna.must("POST", "/runs/"+first.Answers[0].RunID+"/stop", nil, nil)
		running.rest()
		for _, w := range waiting {
			w.rest()
		}
		h.quiet(t)
		if sent := string(h.fake.LastBody()); strings.Contains(sent, "出てはならない") {
			t.Errorf("it went out: %s", sent)
		}
	})
}

func TestAnAdministratorGivesAModelRoutes(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		var second connection
		h.admin.must("POST", "/admin/connections", map[string]any{
			"name": "もう一つ", "kind": "openai", "enabled": true, "settings": map[string]any{"baseUrl": h.upstream + "/v1"},
		}, &second)
		var m catalogueModel
		h.admin.must("PATCH", "/admin/models/"+h.modelA, map[string]any{
			"weight": 2, "routes": []any{map[string]any{"connectionId": second.ID, "priority": 2}},
		}, &m)
		if len(m.Routes) != 1 || m.Routes[0].Priority != 2 || m.Routes[0].Weight != 1 || m.Routes[0].RemoteID != m.RemoteID || m.Weight != 2 {
			t.Errorf("routes %+v", m)
		}
		if r := h.lastModel().Routes; len(r) != 1 || r[0].Residency == nil || !r[0].Residency.Allowed {
			t.Errorf("in the list %+v", r)
		}
		if got := h.admin.refused("PATCH", "/admin/models/"+h.modelA, map[string]any{"routes": []any{map[string]any{"connectionId": "nobody's"}}}); !strings.Contains(got.Field, "routes[0].connectionId") {
			t.Errorf("a connection that there is not: %+v", got)
		}
		// Who takes the connection away is told who loses a way, and must mean it.
		var needed dependents
		h.admin.must("GET", "/admin/connections/"+second.ID+"/dependents", nil, &needed)
		if len(needed.Models) != 0 || len(needed.Routed) != 1 || needed.Routed[0] != (dependent{m.ID, m.DisplayName}) {
			t.Errorf("dependents %+v", needed)
		}
		if got := h.admin.refused("DELETE", "/admin/connections/"+second.ID, nil); got.Code != errs.Conflict || got.Params["routed"] != "1" {
			t.Errorf("deleting it unasked: %+v", got)
		}
		// A member neither sees nor sets them.
		anna := h.resident("anna")
		anna.refused("GET", "/admin/connections/"+second.ID+"/dependents", nil)
		anna.refused("GET", "/admin/models", nil)
		anna.refused("PATCH", "/admin/models/"+h.modelA, map[string]any{"routes": []any{}})
	})
}
