package generate

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"kakoi/internal/residency/iam"
	"kakoi/internal/residency/simulate"
)

// exempt are services that answer from one Region for the whole world, which a
// restriction of Regions spares.
var exempt = []string{
	"account:*", "budgets:*", "ce:*", "cloudfront:*", "globalaccelerator:*", "health:*", "iam:*", "organizations:*", "route53:*",
	"shield:*", "sts:*", "support:*", "trustedadvisor:*", "waf:*",
}

const regionKey = "aws:RequestedRegion"

// outside is a statement that denies what is outside regions.
func outside(sid string, spared, regions []string) statement {
	s := statement{Sid: sid, Effect: iam.Deny, NotAction: sorted(slices.Concat(exempt, spared)), Resource: []string{"*"}, Condition: conditions{}}
	s.Condition.add("StringNotEquals", regionKey, regions...)
	return s
}

// organization makes the SCP as it stands, and the five approaches.
func (g *generator) organization() error {
	o := &g.out.Organization
	o.Regions, o.SCP = g.GovernedRegions, policy(outside("DenyOutsideRegions", nil, g.GovernedRegions)).json()
	var err error
	if o.Calls, err = g.under(g.documents, g.calls(), o.SCP); err != nil {
		return err
	}
	for _, approach := range []func() (Approach, error){g.leave, g.directly, g.widen, g.spareBedrock, g.roleAndModel} {
		a, err := approach()
		if err != nil {
			return err
		}
		if err := g.finish(&a); err != nil {
			return err
		}
		o.Approaches = append(o.Approaches, a)
	}
	return nil
}

// under simulates calls by the whole chain under an SCP.
func (g *generator) under(s set, calls []simulate.Call, scp json.RawMessage) ([]Outcome, error) {
	list := []Outcome{}
	for _, call := range calls {
		out, err := g.through(call, s, scp)
		if err != nil {
			return nil, err
		}
		list = append(list, outcome("", call, out))
	}
	return list, nil
}

// finish simulates an approach and finds what it opens besides.
func (g *generator) finish(a *Approach) error {
	a.Title = message("approach_" + a.Name)
	var err error
	if a.Calls == nil {
		if a.Calls, err = g.under(g.documents, g.calls(), a.SCP); err != nil {
			return err
		}
	}
	if a.SCP != nil {
		if a.Findings, err = lint(iam.SCP, "scp-"+a.Name, a.SCP, ""); err != nil {
			return err
		}
	}
	a.Opens = []Outcome{}
	for _, at := range g.beyond() {
		out, err := g.direct(at.call, g.last(), allOfBedrock, a.SCP, at.change...)
		if err != nil {
			return err
		}
		a.Opens = append(a.Opens, outcome(at.try, at.call, out))
	}
	return nil
}

// beyond are calls by which one sees what an SCP lets through besides those of
// the case.
func (g *generator) beyond() (list []attempt) {
	op := "Converse"
	region := g.Regions[0]
	for _, id := range g.otherWays(region) {
		list = append(list, attempt{try: "other_way", call: g.call(region, id, op)})
	}
	for _, id := range g.otherModels() {
		list = append(list, attempt{try: "other_model", call: g.call(region, id, op)})
	}
	for _, model := range g.models() {
		for _, other := range []string{"eu-central-1", "us-east-1"} {
			if !slices.Contains(g.Regions, other) {
				list = append(list, attempt{try: "other_region", call: g.call(other, model, op)})
			}
		}
	}
	for _, id := range g.Models {
		list = append(list, attempt{"other_principal", g.call(region, id, op), []func(*simulate.Input){func(in *simulate.Input) { in.Caller.ARN += "-other" }}})
	}
	for i := range list {
		list[i].call.GuardrailARN = ""
	}
	return list
}

// leave is the first approach: the SCP no longer binds the account.
func (g *generator) leave() (Approach, error) {
	return Approach{
		Name: "leave", Change: message("approach_leave_change", "account", accountOf(g.last())),
		Merits: said("approach_leave_merit", 2), Risks: said("approach_leave_risk", 2),
	}, nil
}

// said are the numbered sentences of a code.
func said(code string, n int) (list []simulate.Message) {
	for i := range n {
		list = append(list, message(fmt.Sprint(code, i+1)))
	}
	return list
}

// directly is the second: only models that answer where they are called.
func (g *generator) directly() (Approach, error) {
	other := g.Case
	other.Models = g.models()
	a := Approach{
		Name: "direct", SCP: g.out.Organization.SCP, Models: other.Models,
		Change: message("approach_direct_change", "models", strings.Join(other.Models, ", "), "regions", strings.Join(g.Regions, ", ")),
		Merits: said("approach_direct_merit", 2), Risks: said("approach_direct_risk", 2),
	}
	rights, err := other.rights(g.dir)
	if err != nil {
		return a, err
	}
	s := g.documents
	s.identity = slices.Clone(s.identity)
	s.identity[len(g.Chain)] = invoke(rights, nil, nil).json()
	a.Policy = s.identity[len(g.Chain)]
	s.endpoints = slices.DeleteFunc(slices.Clone(s.endpoints), func(e endpoint) bool { return e.service != sts }) // theirs follow from the same rights
	a.Calls, err = g.under(s, other.calls(), a.SCP)
	return a, err
}

// widen is the third: every destination is inside.
func (g *generator) widen() (Approach, error) {
	regions := sorted(slices.Concat(g.GovernedRegions, g.Regions, g.destinations))
	added := slices.DeleteFunc(slices.Clone(regions), func(r string) bool { return slices.Contains(g.GovernedRegions, r) })
	a := Approach{
		Name: "widen", SCP: policy(outside("DenyOutsideRegions", nil, regions)).json(),
		Change: message("approach_widen_change", "regions", strings.Join(added, ", ")),
		Merits: said("approach_widen_merit", 2), Risks: said("approach_widen_risk", 2),
	}
	switch {
	case len(added) == 0:
		a.Change = message("approach_widen_nothing")
	case slices.Contains(added, unspecified):
		a.Risks = append(a.Risks, message("approach_widen_risk_global"))
	}
	return a, nil
}

// spareBedrock is the fourth: inference is no business of the SCP.
func (g *generator) spareBedrock() (Approach, error) {
	actions := []string{}
	for _, r := range g.rights {
		if r.profile != "" || strings.HasPrefix(r.action, "bedrock:InvokeModel") {
			actions = append(actions, r.action)
		}
	}
	actions = sorted(actions)
	return Approach{
		Name: "bedrock", SCP: policy(outside("DenyOutsideRegions", actions, g.GovernedRegions)).json(),
		Change: message("approach_bedrock_change", "actions", strings.Join(actions, ", ")),
		Merits: said("approach_bedrock_merit", 2), Risks: said("approach_bedrock_risk", 2),
	}, nil
}

// roleAndModel is the fifth: this role, by these profiles, and nobody else.
func (g *generator) roleAndModel() (Approach, error) {
	regions := sorted(slices.Concat(g.GovernedRegions, g.Regions))
	var profiles []string
	for _, route := range g.routes {
		if route.Profile != "" {
			profiles = append(profiles, route.Profile)
		}
	}
	profiles = sorted(profiles)
	everybody := outside("DenyOutsideRegions", nil, regions)
	statements := []statement{everybody}
	change := message("approach_role_model_nothing")
	if len(profiles) > 0 {
		everybody.Condition.add("ArnNotEquals", principalKey, g.last())
		role := outside("OnlyApprovedProfiles", nil, regions)
		role.Condition.add("ArnEquals", principalKey, g.last())
		role.Condition.add("ArnNotEquals", profileKey, profiles...)
		statements = append(statements, role)
		change = message("approach_role_model_change", "role", g.last(), "profiles", strings.Join(profiles, ", "))
	}
	return Approach{
		Name: "role_model", SCP: policy(statements...).json(), Change: change,
		Merits: said("approach_role_model_merit", 2), Risks: said("approach_role_model_risk", 2),
	}, nil
}

// note adds what people should know of the whole.
func (g *generator) note() {
	switch {
	case g.out.Anywhere && g.out.Resident == simulate.No:
		g.out.Notes = append(g.out.Notes, message("leaves_anywhere"))
	case g.out.Resident == simulate.No:
		leaving := slices.DeleteFunc(slices.Clone(g.out.Destinations), func(r string) bool { return slices.Contains(g.AllowedRegions, r) })
		g.out.Notes = append(g.out.Notes, message("leaves", "regions", strings.Join(leaving, ", ")))
	}
	for i, hop := range g.Chain {
		if hop.ExternalID == "" && accountOf(hop.RoleARN) != accountOf(g.before(i)) {
			g.out.Notes = append(g.out.Notes, message("external_id_advised", "role", hop.RoleARN))
		}
	}
	if len(g.Models) > 0 {
		g.out.Notes = append(g.out.Notes, message("model_access", "account", accountOf(g.last())))
	}
	fits := !slices.ContainsFunc(g.out.Organization.Calls, func(o Outcome) bool { return o.Decision != simulate.Allowed })
	if fits {
		g.out.Notes = append(g.out.Notes, message("scp_fits", "regions", strings.Join(g.GovernedRegions, ", ")))
	} else {
		g.out.Notes = append(g.out.Notes, message("scp_stands_in_the_way", "regions", strings.Join(g.GovernedRegions, ", ")))
	}
	g.out.Notes = append(g.out.Notes, message("scp_keep_exemptions"))
}

// nameOfModel is the id in an ARN.
func nameOfModel(arn string) string {
	a, ok := iam.ParseARN(arn)
	if !ok {
		return arn
	}
	_, name := a.Kind()
	return name
}
