package simulate

import "kakoi/internal/residency/iam"

// lint collects the findings of every policy of the input, each policy once.
func (r *run) lint() {
	seen := map[*iam.Policy]bool{}
	add := func(list []Policy, service string) {
		for _, p := range list {
			if p.Managed == "" && !seen[p.parsed] {
				seen[p.parsed] = true
				r.out.Findings = append(r.out.Findings, iam.Lint(p.parsed, service)...)
			}
		}
	}
	role := func(p *RolePolicies) {
		for _, list := range [][]Policy{p.Trust, p.Identity, p.Boundary, p.Session} {
			add(list, "")
		}
	}
	role(&r.in.Caller.Policies)
	for i := range r.in.Chain {
		role(&r.in.Chain[i].Policies)
	}
	for _, a := range r.in.Accounts {
		for _, level := range append(a.SCPs[:len(a.SCPs):len(a.SCPs)], a.RCPs...) {
			add(level.Policies, "")
		}
	}
	for _, e := range r.in.VPCEndpoints {
		add(e.Policies, actionPrefixes[e.Service])
	}
	for _, of := range r.in.ResourcePolicies {
		add(of.Policies, "")
	}
}

// actionPrefixes are what the actions behind each endpoint begin with.
var actionPrefixes = map[string]string{bedrockRuntime: "bedrock", bedrockAgents: "bedrock", bedrockControl: "bedrock", sts: "sts"}
