package simulate

import (
	"maps"
	"slices"
	"strings"

	"kakoi/internal/residency/iam"
)

// unspecified is the Region of a request that a global profile may process
// anywhere.
const unspecified = "unspecified"

// globalSTS is what aws:RequestedRegion is at sts.amazonaws.com, wherever that
// is answered ("AWS STS Regions and endpoints").
const globalSTS = "us-east-1"

// spec is a check before it is made.
type spec struct {
	step            Step
	purpose         Purpose
	session         session
	action          string
	resource        string
	resourceAccount string
	region          string // aws:RequestedRegion
	profile         string // bedrock:InferenceProfileArn
	via             *VPCEndpoint
	keys            iam.Context // of this request alone
	hop             *Hop
	path            *path
}

func (s spec) request(r *run) iam.Request {
	context := r.context(s.session, s.region, s.via, s.resourceAccount)
	maps.Copy(context, s.keys)
	if s.profile != "" {
		context.Set("bedrock:InferenceProfileArn", s.profile)
	}
	return iam.Request{
		Principal: s.session.principal, Action: s.action, Resource: s.resource, ResourceAccount: s.resourceAccount,
		ResourceManagement: r.account(s.resourceAccount).Management, Context: context, Effort: r.effort,
	}
}

// policies are those that speak about s: SCPs by the account of the principal,
// RCPs by that of the resource.
func (s spec) policies(r *run) iam.Policies {
	p := iam.Policies{
		SCPs: levels(r.account(s.session.principal.Account).SCPs), RCPs: levels(r.account(s.resourceAccount).RCPs),
		Identity: documents(s.session.policies.Identity), Boundary: documents(s.session.policies.Boundary), Session: documents(s.session.policies.Session),
	}
	if s.resourceAccount == "" { // nobody's resource counts as the principal's own
		p.RCPs = levels(r.account(s.session.principal.Account).RCPs)
	}
	if s.via != nil {
		p.Endpoint = documents(s.via.Policies)
	}
	if s.hop != nil {
		p.Resource = documents(s.hop.Policies.Trust)
		return p
	}
	for _, of := range r.in.ResourcePolicies {
		if of.ResourceARN == s.resource || strings.HasPrefix(s.resource, of.ResourceARN+"/") {
			p.Resource = append(p.Resource, documents(of.Policies)...)
		}
	}
	return p
}

func documents(list []Policy) []*iam.Policy {
	parsed := make([]*iam.Policy, len(list))
	for i, p := range list {
		parsed[i] = p.parsed
	}
	return parsed
}

func levels(list []Level) []iam.Level {
	parsed := make([]iam.Level, len(list))
	for i, l := range list {
		parsed[i] = iam.Level{Name: l.Name, Policies: documents(l.Policies)}
	}
	return parsed
}

// assumption lists the checks of one hop. Passing tags and a source identity
// are actions of their own, asked of both sides; transitive tags and a source
// identity that an earlier session brought along are asked for again at every
// hop.
func (r *run) assumption(before session, hop *Hop) []spec {
	a, _ := iam.ParseARN(hop.RoleARN)
	s := spec{
		step: AssumeRole, purpose: ForRole, session: before, action: "sts:AssumeRole", resource: hop.RoleARN,
		resourceAccount: a.Account, region: hop.STS.requestedRegion(), via: r.endpoint(hop.STS.VPCEndpoint), hop: hop, keys: iam.Context{},
	}
	name := hop.SessionName
	if name == "" {
		name = defaultSessionName
	}
	s.keys.Set("sts:RoleSessionName", name)
	if hop.ExternalID != "" {
		s.keys.Set("sts:ExternalId", hop.ExternalID)
	}
	for key, value := range hop.RoleTags {
		s.keys.Set("aws:ResourceTag/"+key, value)
		s.keys.Set("iam:ResourceTag/"+key, value)
	}
	for key, value := range hop.SessionTags {
		s.keys.Set("aws:RequestTag/"+key, value)
	}
	if len(hop.SessionTags) > 0 {
		s.keys.Set("aws:TagKeys", slices.Sorted(maps.Keys(hop.SessionTags))...)
	}
	if len(hop.TransitiveTagKeys) > 0 {
		s.keys.Set("sts:TransitiveTagKeys", hop.TransitiveTagKeys...)
	}
	identity := r.assume(before, hop).sourceIdentity
	if identity != "" {
		s.keys.Set("sts:SourceIdentity", identity)
	}
	list := []spec{s}
	if len(hop.SessionTags) > 0 || before.handsTagsOn() {
		s.purpose, s.action = ForTags, "sts:TagSession"
		list = append(list, s)
	}
	if identity != "" {
		s.purpose, s.action = ForIdentity, "sts:SetSourceIdentity"
		list = append(list, s)
	}
	return list
}

func (s STS) requestedRegion() string {
	if s.Endpoint == stsGlobal {
		return globalSTS
	}
	return s.Region
}

// call lists the checks of the operation itself.
func (r *run) call(by session, p *path) []spec {
	c, op := &r.in.Call, operations[r.in.Call.Operation]
	base := spec{step: TheCall, session: by, region: c.Region, via: r.endpoint(c.VPCEndpoint), keys: iam.Context{}}
	var list []spec
	add := func(purpose Purpose, action, resource string, change ...func(*spec)) {
		s := base
		s.purpose, s.action, s.resource = purpose, action, resource
		if a, ok := iam.ParseARN(resource); ok {
			s.resourceAccount = a.Account
		}
		for _, f := range change {
			f(&s)
		}
		list = append(list, s)
	}
	if c.BearerToken != "" {
		add(ForToken, bearerToken, "*", func(s *spec) { s.keys = iam.Context{"bedrock:bearertokentype": {c.BearerToken}} })
	}
	if op.action != "" {
		add(ForOperation, op.action, r.target(op, by, p), func(s *spec) {
			if c.InlineAgentName != "" {
				s.keys = iam.Context{"bedrock:inlineagentname": {c.InlineAgentName}}
			}
		})
	}
	if c.KnowledgeBaseARN != "" && op.action != retrieve {
		add(ForOperation, retrieve, c.KnowledgeBaseARN)
	}
	if op.invoke != "" {
		r.invocation(op.invoke, p, add)
	}
	if c.GuardrailARN != "" {
		add(ForGuardrail, applyGuardrail, c.GuardrailARN)
	}
	if c.GuardrailProfileARN != "" {
		add(ForGuardrail, applyGuardrail, c.GuardrailProfileARN)
	}
	if op.needsField(needOutput) {
		add(ForOperation, op.invoke, r.target(operation{resource: asyncInvoke}, by, p))
		r.output(by, add)
	}
	return list
}

func (op operation) needsField(n need) bool { return slices.Contains(op.needs, n) }

// target is the resource that an operation's own action is checked on.
func (r *run) target(op operation, by session, p *path) string {
	switch op.resource {
	case "":
		return "*"
	case asyncInvoke:
		return bedrockARN(r.in.Call.Region, by.principal.Account, "async-invoke/*")
	case needModel:
		return p.modelARN(r.in.Call.Region)
	}
	return r.in.Call.field(op.resource)
}

// modelARN is that of the model behind p in region; "" is the ARN that stands
// for every Region.
func (p *path) modelARN(region string) string {
	if p.resource != "" {
		return p.resource
	}
	if region == "" {
		return iam.ARN{Partition: partition(p.region), Service: "bedrock", Resource: "foundation-model/" + p.Model}.String()
	}
	return bedrockARN(region, "", "foundation-model/"+p.Model)
}

// invocation lists the checks of inference: for a profile on itself, on the
// model where it is called and on the model in every Region it leads to, each
// with that Region and the profile in its context.
func (r *run) invocation(action string, p *path, add func(Purpose, string, string, ...func(*spec))) {
	guarded := func(s *spec) {
		s.path = p
		if r.in.Call.GuardrailARN != "" {
			s.keys = iam.Context{"bedrock:guardrailidentifier": {r.in.Call.GuardrailARN}}
		}
	}
	if p.profile == "" {
		add(ForModel, action, p.modelARN(p.region), guarded)
		return
	}
	through := func(region string) func(*spec) {
		return func(s *spec) { s.region, s.profile = region, p.profile }
	}
	add(ForProfile, action, p.profile, guarded)
	add(ForSource, action, p.modelARN(p.region), guarded, through(p.region))
	if p.Kind == Global {
		add(ForGlobal, action, p.modelARN(""), guarded, through(unspecified))
		return
	}
	for _, region := range p.Destinations {
		if region != p.region {
			add(ForDestination, action, p.modelARN(region), guarded, through(region))
		}
	}
}

// output is the bucket to which an asynchronous call writes with the caller's
// rights. Amazon Bedrock makes that request, so it passes no VPC endpoint of
// the caller's.
func (r *run) output(by session, add func(Purpose, string, string, ...func(*spec))) {
	c := &r.in.Call
	bucket := strings.TrimSuffix(strings.TrimPrefix(c.OutputS3URI, "s3://"), "/")
	add(ForOutput, "s3:PutObject", iam.ARN{Partition: partition(c.Region), Service: "s3", Resource: bucket + "/*"}.String(), func(s *spec) {
		s.via, s.resourceAccount = nil, c.OutputS3Account
		if s.resourceAccount == "" {
			s.resourceAccount = by.principal.Account
		}
	})
}
