package generate

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"kakoi/internal/residency/iam"
	"kakoi/internal/residency/simulate"
)

// generator makes the documents of one case.
type generator struct {
	Case
	dir    Directory
	rights []right
	routes []simulate.Routed // of the models, without repetition
	// destinations are those of every call, "unspecified" for anywhere.
	destinations []string
	documents    set
	out          Output
}

// set is the documents as the simulator takes them.
type set struct {
	identity  []json.RawMessage // of the caller, then of each role
	trust     []json.RawMessage // of each role
	endpoints []endpoint
}

type endpoint struct {
	id, service, region string
	document            json.RawMessage
}

// Run makes the documents for c. It asks nothing but dir. The error is a
// *simulate.InputError where the case is at fault; any other means that the
// documents did not do what they are for, and nobody gets to see them.
func Run(c *Case, dir Directory) (Output, error) {
	filled, err := c.fill(dir)
	if err != nil {
		return Output{}, err
	}
	g := &generator{Case: filled, dir: dir, out: Output{Version: Version, AllowedRegions: filled.AllowedRegions}}
	if err := g.valid(); err != nil {
		return Output{}, err
	}
	if g.rights, err = g.Case.rights(dir); err != nil {
		return Output{}, err
	}
	if err := g.lead(); err != nil {
		return Output{}, err
	}
	if err := g.write(); err != nil {
		return Output{}, err
	}
	if err := g.prove(); err != nil {
		return Output{}, err
	}
	if err := g.organization(); err != nil {
		return Output{}, err
	}
	g.note()
	return g.out, nil
}

// valid lets the simulator check what the case says of people and places.
func (g *generator) valid() error {
	in := simulate.Input{
		Version: simulate.Version, Call: g.calls()[0], Caller: simulate.Caller{ARN: g.Caller.ARN}, Chain: g.chain(),
		ApplicationProfiles: g.ApplicationProfiles, AllowedRegions: g.AllowedRegions,
	}
	for _, e := range g.VPCEndpoints {
		in.VPCEndpoints = append(in.VPCEndpoints, simulate.VPCEndpoint{ID: e.ID, Service: e.Service})
	}
	_, err := simulate.Run(&in, g.dir)
	return inCase(err)
}

// inCase names the fields of a case in the problems of an input.
func inCase(err error) error {
	var bad *simulate.InputError
	if !errors.As(err, &bad) {
		return err
	}
	names := strings.NewReplacer("call.region", "regions", "call.modelId", "models", "call.guardrailArn", "guardrailArn", "call.operation", "operations", ".sts.region", ".stsRegion")
	problems := slices.Clone(bad.Problems)
	for i := range problems {
		problems[i].Field = names.Replace(problems[i].Field)
	}
	return &simulate.InputError{Problems: problems}
}

// lead finds out where the calls lead.
func (g *generator) lead() error {
	for _, call := range g.calls() {
		out, err := g.direct(call, g.last(), anything, nil)
		if err != nil {
			return err
		}
		if out.Route != nil && !slices.Contains(g.routes, *out.Route) {
			g.routes = append(g.routes, *out.Route)
		}
		g.destinations = append(g.destinations, out.Destinations...)
		g.out.Destinations = append(g.out.Destinations, out.Destinations...)
		g.out.Anywhere = g.out.Anywhere || out.Anywhere
		g.out.Resident = worse(g.out.Resident, out.Resident)
	}
	if g.out.Anywhere {
		g.destinations = append(g.destinations, unspecified)
	}
	g.destinations, g.out.Destinations = sorted(g.destinations), sorted(g.out.Destinations)
	return nil
}

// unspecified is what AWS calls the Region of a global profile.
const unspecified = "unspecified"

func worse(a, b simulate.Resident) simulate.Resident {
	order := []simulate.Resident{"", simulate.Yes, simulate.Unknown, simulate.No}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

// write writes every document.
func (g *generator) write() error {
	last := len(g.Chain)
	for i := range g.Chain {
		who, hop := g.before(i), g.Chain[i]
		assume, trust := g.assume(i).json(), g.trust(i).json()
		g.documents.identity, g.documents.trust = append(g.documents.identity, assume), append(g.documents.trust, trust)
		if err := g.add(Document{
			Name: "assume-" + nameOf(hop.RoleARN), Account: accountOf(who), Kind: iam.Identity, AttachTo: who, Document: assume,
			Purpose: message("for_assume", "principal", who, "role", hop.RoleARN),
		}); err != nil {
			return err
		}
	}
	allow := invoke(g.rights, nil, nil).json()
	g.documents.identity = append(g.documents.identity, allow)
	if err := g.add(Document{
		Name: "invoke-models", Account: accountOf(g.last()), Kind: iam.Identity, AttachTo: g.last(), Document: allow,
		Purpose: message("for_invoke", "principal", g.last(), "models", strings.Join(g.Models, ", "), "regions", strings.Join(g.Regions, ", ")),
	}); err != nil {
		return err
	}
	for i := range last {
		if err := g.add(Document{
			Name: "trust-" + nameOf(g.Chain[i].RoleARN), Account: accountOf(g.Chain[i].RoleARN), Kind: iam.Trust, AttachTo: g.Chain[i].RoleARN,
			Document: g.documents.trust[i], Purpose: message("for_trust", "role", g.Chain[i].RoleARN, "principal", g.before(i)),
		}); err != nil {
			return err
		}
	}
	if err := g.writeEndpoints(); err != nil {
		return err
	}
	slices.SortStableFunc(g.out.Documents, func(a, b Document) int { return sideOrder(a.Side) - sideOrder(b.Side) })
	return nil
}

func sideOrder(s Side) int { return slices.Index([]Side{CallerSide, BetweenSide, ProviderSide}, s) }

// writeEndpoints writes the policies of VPC endpoints: of the caller's, which
// all requests pass, and of the provider's, should it have some of its own.
func (g *generator) writeEndpoints() error {
	for _, region := range g.stsRegions() {
		if err := g.endpoint(sts, region, g.stsEndpoint(region, ""), false); err != nil {
			return err
		}
	}
	for _, region := range g.Regions {
		for _, service := range g.services() {
			if err := g.endpoint(service, region, invoke(g.passing(service, region), "*", by(g.last())), false); err != nil {
				return err
			}
		}
	}
	provider := accountOf(g.last())
	if provider == accountOf(g.Caller.ARN) {
		return nil
	}
	for _, region := range g.stsRegions() {
		if err := g.endpoint(sts, region, g.stsEndpoint(region, provider), true); err != nil {
			return err
		}
	}
	for _, region := range g.Regions {
		for _, service := range g.services() {
			if err := g.endpoint(service, region, invoke(g.passing(service, region), "*", by(g.last())), true); err != nil {
				return err
			}
		}
	}
	return nil
}

// passing are the rights of calls to service in region.
func (g *generator) passing(service, region string) (list []right) {
	for _, r := range g.rights {
		if r.service == service && r.region == region {
			list = append(list, r)
		}
	}
	return list
}

func (g *generator) endpoint(service, region string, policy document, provider bool) error {
	d := Document{
		Name: "endpoint-" + service + "-" + region, Account: accountOf(g.Caller.ARN), Kind: iam.Endpoint, Service: service, Region: region,
		Document: policy.json(),
	}
	if provider {
		d.Account, d.Optional = accountOf(g.last()), true
		d.Purpose = message("for_endpoint_provider", "service", service, "region", region)
		return g.add(d)
	}
	ids := g.endpoints(service, region)
	d.AttachTo = strings.Join(ids, ", ")
	d.Purpose = message("for_endpoint", "service", service, "region", region)
	id := fmt.Sprintf("vpce-%d", len(g.documents.endpoints)+1) // stands for one that has no name yet
	if len(ids) > 0 {
		id = ids[0]
	}
	g.documents.endpoints = append(g.documents.endpoints, endpoint{id, service, region, d.Document})
	return g.add(d)
}

// add lints a document and puts it into the output.
func (g *generator) add(d Document) error {
	d.Side = BetweenSide
	switch d.Account {
	case accountOf(g.Caller.ARN):
		d.Side = CallerSide
	case accountOf(g.last()):
		d.Side = ProviderSide
	}
	same := func(other Document) bool { return other.Account == d.Account && other.Name == d.Name }
	for n, name := 2, d.Name; slices.ContainsFunc(g.out.Documents, same); n++ { // roles of one name under several paths
		d.Name = fmt.Sprintf("%s-%d", name, n)
	}
	service := ""
	if d.Kind == iam.Endpoint {
		service = strings.SplitN(d.Service, "-", 2)[0] // actions begin with bedrock or sts
	}
	var err error
	if d.Findings, err = lint(d.Kind, d.Name, d.Document, service); err != nil {
		return err
	}
	g.out.Documents = append(g.out.Documents, d)
	return nil
}

func lint(kind iam.Kind, name string, document json.RawMessage, service string) ([]iam.Finding, error) {
	parsed, err := iam.Parse(kind, name, document)
	if err != nil {
		return nil, fmt.Errorf("the document %s that was made is no policy: %w", name, err)
	}
	return iam.Lint(parsed, service), nil
}

// nameOf is the last part of a role's or user's ARN.
func nameOf(arn string) string { return arn[strings.LastIndexAny(arn, "/:")+1:] }

// through simulates a call by the whole chain with the documents of s, under
// the SCP if there is one.
func (g *generator) through(call simulate.Call, s set, scp json.RawMessage, change ...func(*simulate.Input)) (simulate.Output, error) {
	in := g.question(call, s, scp)
	for _, f := range change {
		f(&in)
	}
	return simulate.Run(&in, g.dir)
}

// question asks about a call by the whole chain.
func (g *generator) question(call simulate.Call, s set, scp json.RawMessage) simulate.Input {
	in := simulate.Input{
		Version: simulate.Version, Call: call, ApplicationProfiles: g.ApplicationProfiles, AllowedRegions: g.AllowedRegions,
		Caller: simulate.Caller{ARN: g.Caller.ARN, Policies: simulate.RolePolicies{Identity: named("caller", s.identity[0])}},
		Chain:  g.chain(),
	}
	for i := range in.Chain {
		in.Chain[i].Policies = simulate.RolePolicies{Trust: named("trust-"+nameOf(in.Chain[i].RoleARN), s.trust[i]), Identity: named(nameOf(in.Chain[i].RoleARN), s.identity[i+1])}
	}
	for _, e := range s.endpoints {
		in.VPCEndpoints = append(in.VPCEndpoints, simulate.VPCEndpoint{ID: e.id, Service: e.service, Policies: named("endpoint-"+e.service, e.document)})
		if e.service == simulate.Service(call.Operation) && e.region == call.Region {
			in.Call.VPCEndpoint = e.id
		}
		for i := range in.Chain {
			if e.service == sts && e.region == in.Chain[i].STS.Region {
				in.Chain[i].STS.VPCEndpoint = e.id
			}
		}
	}
	in.Accounts = g.governed(scp)
	return in
}

// direct simulates a call by one role alone.
func (g *generator) direct(call simulate.Call, by string, identity, scp json.RawMessage, change ...func(*simulate.Input)) (simulate.Output, error) {
	in := simulate.Input{
		Version: simulate.Version, Call: call, ApplicationProfiles: g.ApplicationProfiles, AllowedRegions: g.AllowedRegions,
		Caller: simulate.Caller{ARN: by, Policies: simulate.RolePolicies{Identity: named("role", identity)}}, Accounts: g.governed(scp),
	}
	for _, f := range change {
		f(&in)
	}
	return simulate.Run(&in, g.dir)
}

// governed describes the accounts, that of the provider under scp.
func (g *generator) governed(scp json.RawMessage) (list []simulate.Account) {
	for _, id := range g.accounts() {
		a := simulate.Account{ID: id}
		if id == accountOf(g.last()) && scp != nil {
			a.SCPs = []simulate.Level{{Name: "organization", Policies: []simulate.Policy{{Managed: "FullAWSAccess"}, {Name: "regions", Document: scp}}}}
		}
		list = append(list, a)
	}
	return list
}

func outcome(try string, call simulate.Call, out simulate.Output) Outcome {
	return Outcome{
		Try: try, Operation: call.Operation, Region: call.Region, ModelID: call.ModelID, Principal: out.Principal, Decision: out.Decision,
		Reason: out.Reason, Resident: out.Resident, Destinations: out.Destinations, Anywhere: out.Anywhere,
	}
}

// prove simulates the documents: what they are for must pass, from the caller's
// network and from the provider's, and what is near it must not.
func (g *generator) prove() error {
	g.out.Question = g.question(g.calls()[0], g.documents, nil)
	for _, call := range g.calls() {
		out, err := g.through(call, g.documents, nil)
		if err != nil {
			return err
		}
		if out.Decision != simulate.Allowed {
			return fmt.Errorf("the documents that were made do not allow %s of %s in %s: %s", call.Operation, call.ModelID, call.Region, out.Reason.Text(iam.English))
		}
		g.out.Calls = append(g.out.Calls, outcome("", call, out))
	}
	if err := g.proveProvider(); err != nil {
		return err
	}
	for _, near := range g.near() {
		out, err := g.through(near.call, g.documents, nil, near.change...)
		if err != nil {
			return err
		}
		if out.Decision == simulate.Allowed {
			return fmt.Errorf("the documents that were made allow too much: %s of %s in %s (%s)", near.call.Operation, near.call.ModelID, near.call.Region, near.try)
		}
		g.out.Refused = append(g.out.Refused, outcome(near.try, near.call, out))
	}
	return nil
}

// proveProvider simulates the provider's own endpoints.
func (g *generator) proveProvider() error {
	for _, d := range g.out.Documents {
		if !d.Optional || d.Service == sts {
			continue
		}
		for _, call := range g.calls() {
			if call.Region != d.Region || simulate.Service(call.Operation) != d.Service {
				continue
			}
			out, err := g.direct(call, g.last(), g.documents.identity[len(g.Chain)], nil, func(in *simulate.Input) {
				in.VPCEndpoints = []simulate.VPCEndpoint{{ID: "vpce-1", Service: d.Service, Policies: named(d.Name, d.Document)}}
				in.Call.VPCEndpoint = "vpce-1"
			})
			if err != nil {
				return err
			}
			if out.Decision != simulate.Allowed {
				return fmt.Errorf("the policy of the provider's endpoint does not allow %s of %s in %s: %s", call.Operation, call.ModelID, call.Region, out.Reason.Text(iam.English))
			}
		}
	}
	return nil
}

func message(code string, params ...string) simulate.Message {
	m := simulate.Message{Code: code}
	for i := 0; i+1 < len(params); i += 2 {
		if m.Params == nil {
			m.Params = map[string]string{}
		}
		m.Params[params[i]] = params[i+1]
	}
	return m
}
