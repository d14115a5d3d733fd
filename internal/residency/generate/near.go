package generate

import (
	"maps"
	"slices"

	"kakoi/internal/residency/simulate"
)

// attempt is a call that is near those of a case.
type attempt struct {
	try    string
	call   simulate.Call
	change []func(*simulate.Input)
}

// elsewhere are Regions on three continents, tried where the case does not call
// them.
var elsewhere = []string{"ap-northeast-1", "ap-northeast-3", "ap-southeast-2", "eu-central-1", "us-east-1"}

// others are models of two providers and profiles to several places, tried
// where they are not the case's.
var others = []string{
	"amazon.nova-lite-v1:0", "apac.amazon.nova-lite-v1:0", "anthropic.claude-3-haiku-20240307-v1:0",
	"apac.anthropic.claude-3-haiku-20240307-v1:0", "global.amazon.nova-2-lite-v1:0",
}

// near are calls that nobody asked for and that must not pass.
func (g *generator) near() (list []attempt) {
	region, op := g.Regions[0], g.Operations[0]
	add := func(try string, call simulate.Call, change ...func(*simulate.Input)) {
		list = append(list, attempt{try, call, change})
	}
	if len(g.Models) > 0 {
		model := g.Models[0]
		for _, other := range operations {
			call := g.call(region, model, other)
			call.GuardrailARN = ""
			if !g.mayAct(other) && other != "ApplyGuardrail" {
				add("other_operation", call)
			}
		}
		if slices.Contains(without, op) {
			op = "Converse"
		}
		for _, id := range g.otherWays(region) {
			add("other_way", g.call(region, id, op))
		}
		for _, id := range g.otherModels() {
			add("other_model", g.call(region, id, op))
		}
		for _, other := range elsewhere {
			if slices.Contains(g.Regions, other) {
				continue
			}
			for _, model := range g.models() {
				add("other_region", g.call(other, model, op))
			}
		}
	}
	return append(list, g.strangers(g.calls()[0])...)
}

// mayAct reports whether operation needs no more than what the case has.
func (g *generator) mayAct(operation string) bool {
	same := map[string]string{"InvokeModel": "Converse", "InvokeModelWithResponseStream": "ConverseStream"}
	of := func(op string) string {
		if other, ok := same[op]; ok {
			return other
		}
		return op
	}
	return slices.ContainsFunc(g.Operations, func(op string) bool { return of(op) == of(operation) })
}

// otherWays are further ways to the models of the case, from region.
func (g *generator) otherWays(region string) []string {
	var list []string
	for _, model := range g.models() {
		for _, id := range g.dir.Alternatives(region, model) {
			if !slices.Contains(g.Models, id) && !g.named(id) {
				list = append(list, id)
			}
		}
	}
	return sorted(list)
}

// models are the foundation models of the case.
func (g *generator) models() (list []string) {
	for _, route := range g.routes {
		list = append(list, route.Model)
	}
	return sorted(list)
}

// named reports whether the case has id in an ARN.
func (g *generator) named(id string) bool {
	return slices.ContainsFunc(g.Models, func(arn string) bool { return nameOfModel(arn) == id })
}

func (g *generator) otherModels() (list []string) {
	for _, id := range others {
		route, ok := g.dir.Route(g.Regions[0], id)
		if ok && !slices.ContainsFunc(g.routes, func(r simulate.Routed) bool { return r.Model == route.Model }) {
			list = append(list, id)
		}
	}
	return list
}

// strangers make the case's own call as somebody else, or in another way.
func (g *generator) strangers(call simulate.Call) []attempt {
	if len(g.Chain) == 0 {
		return nil
	}
	list := []attempt{{"other_caller", call, []func(*simulate.Input){func(in *simulate.Input) { in.Caller.ARN += "-other" }}}}
	for i, hop := range g.Chain {
		change := func(try string, f func(*simulate.Hop)) {
			list = append(list, attempt{try, call, []func(*simulate.Input){func(in *simulate.Input) { f(&in.Chain[i]) }}})
		}
		if hop.ExternalID != "" {
			change("external_id_missing", func(h *simulate.Hop) { h.ExternalID = "" })
			change("external_id_wrong", func(h *simulate.Hop) { h.ExternalID += "x" })
		}
		if hop.SourceIdentity != "" && !g.identified(i) {
			change("source_identity_missing", func(h *simulate.Hop) { h.SourceIdentity = "" })
		}
		if len(hop.SessionTags) > 0 {
			change("tags_missing", func(h *simulate.Hop) { h.SessionTags, h.TransitiveTagKeys = nil, nil })
			if !g.tagged(i) {
				change("tag_unknown", func(h *simulate.Hop) { h.SessionTags = maps.Clone(h.SessionTags); h.SessionTags["kakoi-unknown"] = "x" })
			}
		}
		if len(g.endpoints(sts, hop.STSRegion)) > 0 {
			change("past_the_endpoint", func(h *simulate.Hop) { h.STS.VPCEndpoint = "" })
		}
	}
	return list
}
