package simulate

import (
	"slices"

	"kakoi/internal/residency/iam"
)

// Japan is where prompts may be processed unless the input says otherwise.
var Japan = []string{"ap-northeast-1", "ap-northeast-3"}

// run is one simulation.
type run struct {
	in     *Input
	router Router
	effort *iam.Effort
	out    Output
}

// effort is a few seconds at the most, and some hundred times what the policies
// of large organizations take.
const effort = 2_000_000_000

// Run answers in. It asks nothing but router. The error is an *InputError.
func Run(in *Input, router Router) (Output, error) {
	if err := prepare(in); err != nil {
		return Output{}, err
	}
	r := &run{in: in, router: router, effort: iam.NewEffort(effort), out: Output{Version: Version, Decision: Allowed, Checks: []Check{}, Destinations: []string{}, AllowedRegions: in.AllowedRegions}}
	if len(in.AllowedRegions) == 0 {
		r.out.AllowedRegions = Japan
	}
	by := r.begin()
	assumed := true
	for i := range in.Chain {
		hop := &in.Chain[i]
		if assumed { // what comes after a refusal is not asked any more
			assumed = r.make(r.assumption(by, hop))
			r.leave(by, hop)
		}
		by = r.assume(by, hop)
	}
	r.out.Principal = by.principal.ARN
	p, known := r.path(by)
	r.residency(p, known)
	switch {
	case !assumed:
		r.out.Decision = Denied
	case !known:
		r.out.Decision = Denied
		r.out.Reason = message("route_unknown", "model", in.Call.ModelID, "region", in.Call.Region)
	case !r.make(r.call(by, p)):
		r.out.Decision = r.refused()
	}
	if r.effort.Spent() {
		return Output{}, &InputError{[]Problem{{Code: "too_costly"}}}
	}
	r.decide()
	r.warn()
	return r.out, nil
}

// path resolves the model of the call; an operation without one leads nowhere.
func (r *run) path(by session) (p *path, known bool) {
	if !operations[r.in.Call.Operation].needsField(needModel) {
		return &path{region: r.in.Call.Region}, true
	}
	found, ok := r.resolve(r.in.Call.ModelID, r.in.Call.Region, by.principal.Account)
	if ok {
		r.out.Route = &Routed{Kind: found.Kind, Model: found.Model, Profile: found.profile}
	}
	return &found, ok
}

// make makes the checks and reports whether all pass.
func (r *run) make(specs []spec) bool {
	all := true
	for _, s := range specs {
		if r.effort.Spent() {
			return false
		}
		req := s.request(r)
		result := iam.Evaluate(req, s.policies(r))
		c := Check{
			Number: len(r.out.Checks) + 1, Step: s.step, Purpose: s.purpose, Principal: req.Principal.ARN, Action: s.action, Resource: s.resource,
			RequestedRegion: s.region, InferenceProfileARN: s.profile, Decision: result.Decision, Lacks: result.Lacks, AWSMessage: result.Refusal(req),
		}
		switch {
		case len(result.Denies) > 0:
			c.Statement, c.AlsoDenied = &result.Denies[0], result.Denies[1:]
		case len(result.Grants) > 0:
			c.Statement = &result.Grants[0]
		}
		c.Reason = reasonOf(result)
		c.Hints = r.hints(s, result)
		r.out.Checks = append(r.out.Checks, c)
		r.notice(s, result)
		all = all && c.ok()
	}
	return all
}

// refused tells Denied from Partial: only an identity policy that leaves out
// some destinations fails just when a request is routed there.
func (r *run) refused() Decision {
	for _, c := range r.out.Checks {
		if c.ok() {
			continue
		}
		gap := c.Purpose == ForDestination && c.Decision == iam.ImplicitDeny && len(c.Lacks) == 1 && c.Lacks[0].Kind == iam.Identity
		if !gap {
			return Denied
		}
	}
	return Partial
}

// decide names the check that decided, and the sentence for the whole.
func (r *run) decide() {
	if r.out.Reason.Code != "" {
		return
	}
	if r.out.Decision == Allowed {
		r.out.Reason = r.allowed()
		return
	}
	var missing []string
	for _, c := range r.out.Checks {
		if c.ok() {
			continue
		}
		missing = append(missing, c.RequestedRegion)
		if r.out.DecidedBy != 0 {
			continue
		}
		r.out.DecidedBy, r.out.AWSMessage = c.Number, c.AWSMessage
		if c.Decision == iam.ExplicitDeny {
			r.out.Statement = c.Statement
		}
		code := "denied_call"
		if c.Step == AssumeRole {
			code = "denied_assume_role"
		}
		r.out.Reason = message(code, "action", c.Action, "resource", c.Resource, "region", c.RequestedRegion)
	}
	if r.out.Decision == Partial {
		r.out.Reason = message("partial", "regions", join(missing))
	}
}

// allowed is the sentence for a call that AWS allows.
func (r *run) allowed() Message {
	switch {
	case r.out.Resident == Yes:
		return message("allowed_resident")
	case r.out.Resident == Unknown:
		return message("allowed_residency_unknown")
	case r.out.Anywhere:
		return message("allowed_anywhere")
	}
	return message("allowed_not_resident", "regions", join(r.leaving()))
}

// residency compares where the prompt may go with where it may.
func (r *run) residency(p *path, known bool) {
	op := operations[r.in.Call.Operation]
	unknown := !known || (op.behind && len(r.in.Call.ModelsBehind) == 0) || r.in.Call.GuardrailProfileARN != ""
	r.out.Destinations = append(r.out.Destinations, r.in.Call.Region)
	if known {
		r.lead(p.Route)
	}
	for _, id := range r.in.Call.ModelsBehind {
		behind, ok := r.resolve(id, r.in.Call.Region, "")
		unknown = unknown || !ok
		if ok {
			r.lead(behind.Route)
		}
	}
	slices.Sort(r.out.Destinations)
	r.out.Destinations = slices.Compact(r.out.Destinations)
	switch {
	case r.out.Anywhere || len(r.leaving()) > 0:
		r.out.Resident = No
	case unknown:
		r.out.Resident = Unknown
	default:
		r.out.Resident = Yes
	}
}

func (r *run) lead(route Route) {
	r.out.Destinations = append(r.out.Destinations, route.Destinations...)
	r.out.Anywhere = r.out.Anywhere || route.Kind == Global
}

// leaving lists the destinations that are not allowed.
func (r *run) leaving() (list []string) {
	for _, region := range r.out.Destinations {
		if !slices.Contains(r.out.AllowedRegions, region) {
			list = append(list, region)
		}
	}
	return list
}
