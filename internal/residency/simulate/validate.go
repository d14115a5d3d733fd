package simulate

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"kakoi/internal/residency/iam"
)

// Bounds of what an input holds. AWS takes no longer ids and tags, and no chain
// of roles that people make is longer.
const (
	maxHops   = 10
	maxLength = 2048
	maxList   = 100
	// maxProblems bounds what one bad document has people read.
	maxProblems = 50
)

const (
	stsRegional = "regional"
	stsGlobal   = "global"
)

// prepare checks in and parses its policies.
func prepare(in *Input) error {
	v := &validation{in: in}
	v.check()
	if len(v.problems) > 0 {
		return &InputError{v.problems}
	}
	return nil
}

type validation struct {
	in       *Input
	problems []Problem
}

func (v *validation) problem(field, code string, params ...string) {
	if len(v.problems) >= maxProblems {
		return
	}
	p := Problem{Code: code, Field: field}
	for i := 0; i+1 < len(params); i += 2 {
		if p.Params == nil {
			p.Params = map[string]string{}
		}
		p.Params[params[i]] = params[i+1]
	}
	v.problems = append(v.problems, p)
}

func (v *validation) check() {
	if v.in.Version != Version {
		v.problem("version", "version", "want", fmt.Sprint(Version))
		return // what follows would be misread
	}
	v.bounds()
	if len(v.problems) > 0 {
		return // before anything long is compared
	}
	v.accounts()
	v.endpoints()
	v.call()
	v.caller()
	for i := range v.in.Chain {
		v.hop(fmt.Sprintf("chain[%d]", i), &v.in.Chain[i])
	}
	for i := range v.in.ResourcePolicies {
		of, at := &v.in.ResourcePolicies[i], fmt.Sprintf("resourcePolicies[%d]", i)
		v.arn(at+".resourceArn", of.ResourceARN, "")
		v.list(at+".policies", of.Policies, iam.Resource)
	}
	for i, p := range v.in.ApplicationProfiles {
		at := fmt.Sprintf("applicationProfiles[%d]", i)
		v.arn(at+".arn", p.ARN, "bedrock")
		v.arn(at+".copyFrom", p.CopyFrom, "bedrock")
	}
	for i, region := range v.in.AllowedRegions {
		v.region(fmt.Sprintf("allowedRegions[%d]", i), region)
	}
}

// bounds holds every text and list of the input to a length. The documents of
// policies have their own.
func (v *validation) bounds() {
	if len(v.in.Chain) > maxHops {
		v.problem("chain", "too_many", "limit", fmt.Sprint(maxHops))
	}
	v.bound("", reflect.ValueOf(*v.in))
}

func (v *validation) bound(field string, value reflect.Value) {
	switch value.Kind() {
	case reflect.String:
		if value.Len() > maxLength {
			v.problem(field, "too_long", "limit", fmt.Sprint(maxLength))
		}
	case reflect.Slice:
		if value.Type() == reflect.TypeFor[json.RawMessage]() {
			return
		}
		if value.Len() > maxList {
			v.problem(field, "too_many", "limit", fmt.Sprint(maxList))
			return
		}
		for i := range value.Len() {
			v.bound(fmt.Sprintf("%s[%d]", field, i), value.Index(i))
		}
	case reflect.Map:
		if value.Len() > maxList {
			v.problem(field, "too_many", "limit", fmt.Sprint(maxList))
			return
		}
		for _, key := range value.MapKeys() {
			v.bound(field, key)
			v.bound(field+"."+key.String(), value.MapIndex(key))
		}
	case reflect.Struct:
		for i := range value.NumField() {
			if f := value.Type().Field(i); f.IsExported() {
				name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				v.bound(strings.TrimPrefix(field+"."+name, "."), value.Field(i))
			}
		}
	}
}

var (
	accountForm  = regexp.MustCompile(`^\d{12}$`)
	regionForm   = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$`)
	endpointForm = regexp.MustCompile(`^vpce-[0-9a-z]+$`)
	sessionForm  = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
)

func (v *validation) region(field, s string) {
	if !regionForm.MatchString(s) {
		v.problem(field, "region", "value", s)
	}
}

// literal refuses what stands for something else in a policy that names it.
func (v *validation) literal(field, s string) {
	if strings.ContainsAny(s, "*?$") {
		v.problem(field, "pattern", "value", s)
	}
}

func (v *validation) arn(field, s, service string) {
	v.literal(field, s)
	a, ok := iam.ParseARN(s)
	if !ok || (service != "" && a.Service != service) {
		v.problem(field, "arn", "value", s)
	}
}

func (v *validation) accounts() {
	seen := map[string]bool{}
	for i := range v.in.Accounts {
		a, at := &v.in.Accounts[i], fmt.Sprintf("accounts[%d]", i)
		if !accountForm.MatchString(a.ID) {
			v.problem(at+".id", "account", "value", a.ID)
		}
		if seen[a.ID] {
			v.problem(at+".id", "twice", "value", a.ID)
		}
		seen[a.ID] = true
		v.levels(at+".scps", a.SCPs, iam.SCP)
		v.levels(at+".rcps", a.RCPs, iam.RCP)
	}
}

func (v *validation) levels(field string, list []Level, kind iam.Kind) {
	for i := range list {
		at := fmt.Sprintf("%s[%d]", field, i)
		if list[i].Name == "" {
			v.problem(at+".name", "required")
		}
		v.list(at+".policies", list[i].Policies, kind)
	}
}

func (v *validation) endpoints() {
	seen := map[string]bool{}
	for i := range v.in.VPCEndpoints {
		e, at := &v.in.VPCEndpoints[i], fmt.Sprintf("vpcEndpoints[%d]", i)
		if !endpointForm.MatchString(e.ID) {
			v.problem(at+".id", "endpoint_id", "value", e.ID)
		}
		if seen[e.ID] {
			v.problem(at+".id", "twice", "value", e.ID)
		}
		seen[e.ID] = true
		if services := []string{bedrockRuntime, bedrockAgents, bedrockControl, sts}; !slices.Contains(services, e.Service) {
			v.problem(at+".service", "choice", "value", e.Service, "choices", join(services))
		}
		v.list(at+".policies", e.Policies, iam.Endpoint)
	}
}

// through checks that a request to service can pass the endpoint id.
func (v *validation) through(field, id, service string) {
	if id == "" {
		return
	}
	for _, e := range v.in.VPCEndpoints {
		if e.ID == id {
			if e.Service != service {
				v.problem(field, "endpoint_service", "value", id, "service", e.Service, "want", service)
			}
			return
		}
	}
	v.problem(field, "endpoint_unknown", "value", id)
}

func (v *validation) call() {
	c := &v.in.Call
	op, ok := operations[c.Operation]
	if !ok {
		v.problem("call.operation", "choice", "value", c.Operation, "choices", join(Operations()))
		return
	}
	v.region("call.region", c.Region)
	v.through("call.vpcEndpoint", c.VPCEndpoint, op.service)
	for _, n := range op.needs {
		if c.field(n) == "" {
			v.problem("call."+string(n), "required")
		}
	}
	if tokens := []string{"", "SHORT_TERM", "LONG_TERM"}; !slices.Contains(tokens, c.BearerToken) {
		v.problem("call.bearerToken", "choice", "value", c.BearerToken, "choices", join(tokens[1:]))
	}
	for _, f := range []struct{ field, value string }{
		{"guardrailArn", c.GuardrailARN}, {"guardrailProfileArn", c.GuardrailProfileARN}, {"knowledgeBaseArn", c.KnowledgeBaseARN},
		{"agentAliasArn", c.AgentAliasARN}, {"flowAliasArn", c.FlowAliasARN},
	} {
		if f.value != "" {
			v.arn("call."+f.field, f.value, "bedrock")
		}
	}
	v.literal("call.modelId", c.ModelID)
	if a, isARN := iam.ParseARN(c.ModelID); isARN && a.Region != c.Region {
		v.problem("call.modelId", "other_region", "value", c.ModelID, "region", c.Region)
	}
	if c.OutputS3URI != "" && (!strings.HasPrefix(c.OutputS3URI, "s3://") || len(c.OutputS3URI) < len("s3://abc")) {
		v.problem("call.outputS3Uri", "s3_uri", "value", c.OutputS3URI)
	}
	if c.OutputS3Account != "" && !accountForm.MatchString(c.OutputS3Account) {
		v.problem("call.outputS3Account", "account", "value", c.OutputS3Account)
	}
}

func (v *validation) caller() {
	c := &v.in.Caller
	v.person("principal.arn", c.ARN, "role", "user")
	v.sessionName("principal.sessionName", c.SessionName)
	v.rolePolicies("principal.policies", &c.Policies)
	if len(c.Policies.Trust) > 0 {
		v.problem("principal.policies.trust", "trust_not_here")
	}
}

func (v *validation) person(field, arn string, kinds ...string) {
	v.literal(field, arn)
	a, ok := iam.ParseARN(arn)
	kind, name := a.Kind()
	if !ok || a.Service != "iam" || !accountForm.MatchString(a.Account) || !slices.Contains(kinds, kind) || name == "" {
		v.problem(field, "principal", "value", arn, "choices", join(kinds))
	}
}

func (v *validation) sessionName(field, name string) {
	if name != "" && !sessionForm.MatchString(name) {
		v.problem(field, "session_name", "value", name)
	}
}

func (v *validation) hop(at string, h *Hop) {
	v.person(at+".roleArn", h.RoleARN, "role")
	v.sessionName(at+".sessionName", h.SessionName)
	v.rolePolicies(at+".policies", &h.Policies)
	v.literal(at+".externalId", h.ExternalID)
	v.literal(at+".sourceIdentity", h.SourceIdentity)
	for _, key := range slices.Sorted(maps.Keys(h.SessionTags)) {
		v.literal(at+".sessionTags."+key, key)
		v.literal(at+".sessionTags."+key, h.SessionTags[key])
	}
	switch h.STS.Endpoint {
	case "", stsRegional:
		v.region(at+".sts.region", h.STS.Region)
	case stsGlobal:
		if h.STS.Region != "" {
			v.region(at+".sts.region", h.STS.Region)
		}
	default:
		v.problem(at+".sts.endpoint", "choice", "value", h.STS.Endpoint, "choices", join([]string{stsRegional, stsGlobal}))
	}
	v.through(at+".sts.vpcEndpoint", h.STS.VPCEndpoint, sts)
	for _, key := range h.TransitiveTagKeys {
		if _, ok := h.SessionTags[key]; !ok {
			v.problem(at+".transitiveTagKeys", "transitive_tag", "value", key)
		}
	}
}

func (v *validation) rolePolicies(at string, p *RolePolicies) {
	v.list(at+".trust", p.Trust, iam.Trust)
	v.list(at+".identity", p.Identity, iam.Identity)
	v.list(at+".permissionsBoundary", p.Boundary, iam.Boundary)
	v.list(at+".session", p.Session, iam.Session)
}

// list parses policies in place.
func (v *validation) list(at string, list []Policy, kind iam.Kind) {
	for i := range list {
		if len(v.problems) >= maxProblems {
			return
		}
		v.policy(fmt.Sprintf("%s[%d]", at, i), &list[i], kind)
	}
}

func (v *validation) policy(at string, p *Policy, kind iam.Kind) {
	document := []byte(p.Document)
	if p.Managed != "" {
		known, ok := managed[p.Managed]
		switch {
		case !ok || known.kind != kind:
			v.problem(at+".managed", "managed_unknown", "value", p.Managed)
			return
		case len(document) > 0:
			v.problem(at, "managed_and_document")
			return
		case p.Name == "":
			p.Name = p.Managed
		}
		document = []byte(known.document)
	}
	if p.Name == "" {
		v.problem(at+".name", "required")
	}
	if len(document) == 0 {
		v.problem(at+".document", "required")
		return
	}
	parsed, err := iam.Parse(kind, p.Name, document)
	var bad *iam.ParseError
	if errors.As(err, &bad) {
		for i := range bad.Problems {
			found := bad.Problems[i]
			found.Line = 0 // that within the document, which nobody sees inside an input
			v.problems = append(v.problems, Problem{Code: "policy", Field: at + ".document", Policy: &found, Params: map[string]string{"policy": p.Name}})
		}
		return
	}
	parsed.ARN = p.ARN
	p.parsed = parsed
}
