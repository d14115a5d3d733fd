package generate

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"kakoi/internal/residency/iam"
	"kakoi/internal/residency/simulate"
)

// Version is that of the documents that go in and come out.
const Version = 1

// Case is who calls what. Its fields are named like those of simulate.Input.
type Case struct {
	Version int    `json:"version"`
	Caller  Caller `json:"principal"`
	Chain   []Hop  `json:"chain,omitempty"`
	// Regions are those whose endpoints are called.
	Regions []string `json:"regions"`
	// Models are ids of models and inference profiles, or ARNs of either.
	Models []string `json:"models"`
	// Operations are those of the API; empty means Converse and ConverseStream.
	Operations          []string                      `json:"operations,omitempty"`
	GuardrailARN        string                        `json:"guardrailArn,omitempty"`
	ApplicationProfiles []simulate.ApplicationProfile `json:"applicationProfiles,omitempty"`
	VPCEndpoints        []Endpoint                    `json:"vpcEndpoints,omitempty"`
	// GovernedRegions are those that the organization's SCP leaves open today;
	// empty means the Regions called and no other.
	GovernedRegions []string `json:"governedRegions,omitempty"`
	// AllowedRegions is where prompts may be processed; empty means Japan.
	AllowedRegions []string `json:"allowedRegions,omitempty"`
}

// Caller is who begins.
type Caller struct {
	ARN string `json:"arn"` // of a role or a user
}

// Hop is a role that is assumed. In values of tags and in the source identity,
// {account}, {email} and {group} stand for who asks, so any value must pass; a
// value without them is fixed, and nothing else passes.
type Hop struct {
	RoleARN           string            `json:"roleArn"`
	ExternalID        string            `json:"externalId,omitempty"`
	SessionTags       map[string]string `json:"sessionTags,omitempty"`
	TransitiveTagKeys []string          `json:"transitiveTagKeys,omitempty"`
	SourceIdentity    string            `json:"sourceIdentity,omitempty"`
	STSRegion         string            `json:"stsRegion,omitempty"` // empty: the first of Regions
}

// Endpoint is a VPC endpoint of the caller's.
type Endpoint struct {
	ID      string `json:"id"`
	Service string `json:"service"`
	Region  string `json:"region,omitempty"` // empty: the first of Regions
}

// Directory knows where models and inference profiles lead, and the other ways
// to a model.
type Directory interface {
	simulate.Router
	Alternatives(region, model string) []string
}

// operations are those that policies are made for, in the order in which they
// are shown. Agents, flows and knowledge bases work with rights of their own.
var operations = []string{
	"Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream", "CountTokens", "Rerank", "ApplyGuardrail",
	"ListFoundationModels", "ListInferenceProfiles",
}

// Operations returns the operations that policies can be made for.
func Operations() []string { return slices.Clone(operations) }

// without are the operations that name no model.
var without = []string{"ApplyGuardrail", "ListFoundationModels", "ListInferenceProfiles"}

// maxCalls bounds how many combinations of Region, model and operation are
// simulated.
const maxCalls = 400

// Decode reads a case strictly. The error is a *simulate.InputError.
func Decode(data []byte) (*Case, error) {
	c := &Case{}
	if err := simulate.DecodeStrictly(data, c); err != nil {
		return nil, err
	}
	return c, nil
}

var regionForm = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$`)

// fill returns c with its defaults, in an order that does not depend on how it
// was written. The error is a *simulate.InputError.
func (c Case) fill(dir Directory) (Case, error) {
	v := &problems{}
	if c.Version != Version {
		v.add("version", "version", "want", fmt.Sprint(Version))
		return c, v.err()
	}
	c.Regions, c.Models, c.Operations = sorted(c.Regions), sorted(c.Models), slices.Clone(c.Operations)
	if len(c.Operations) == 0 {
		c.Operations = []string{"Converse", "ConverseStream"}
		if len(c.Models) == 0 {
			v.add("models", "required")
		}
	}
	if len(c.Regions) == 0 {
		v.add("regions", "required")
		return c, v.err()
	}
	for i, op := range c.Operations {
		switch {
		case !slices.Contains(operations, op):
			v.add(fmt.Sprintf("operations[%d]", i), "choice", "value", op, "choices", strings.Join(operations, ", "))
		case op == "ApplyGuardrail" && c.GuardrailARN == "":
			v.add("guardrailArn", "required")
		case !slices.Contains(without, op) && len(c.Models) == 0:
			v.add("models", "required")
		}
	}
	for i, region := range c.GovernedRegions {
		if region != unspecified && !regionForm.MatchString(region) {
			v.add(fmt.Sprintf("governedRegions[%d]", i), "region", "value", region)
		}
	}
	if n := len(c.Regions) * max(1, len(c.Models)) * len(c.Operations); n > maxCalls {
		v.add("models", "too_many", "limit", fmt.Sprint(maxCalls/(len(c.Regions)*len(c.Operations))))
	}
	if err := v.err(); err != nil {
		return c, err
	}
	slices.SortFunc(c.Operations, func(a, b string) int { return slices.Index(operations, a) - slices.Index(operations, b) })
	c.Operations = slices.Compact(c.Operations)
	c.Chain = slices.Clone(c.Chain)
	for i := range c.Chain {
		if c.Chain[i].STSRegion == "" {
			c.Chain[i].STSRegion = c.Regions[0]
		}
	}
	c.VPCEndpoints = slices.Clone(c.VPCEndpoints)
	for i := range c.VPCEndpoints {
		if c.VPCEndpoints[i].Region == "" {
			c.VPCEndpoints[i].Region = c.Regions[0]
		}
	}
	if c.GovernedRegions = sorted(c.GovernedRegions); len(c.GovernedRegions) == 0 {
		c.GovernedRegions = c.Regions
	}
	if c.AllowedRegions = sorted(c.AllowedRegions); len(c.AllowedRegions) == 0 {
		c.AllowedRegions = simulate.Japan
	}
	return c, c.known(dir)
}

// known looks for models that lead nowhere known from a Region: nothing can be
// made for those.
func (c Case) known(dir Directory) error {
	v := &problems{}
	for i, id := range c.Models {
		for _, region := range c.Regions {
			if a, isARN := iam.ParseARN(id); isARN {
				kind, name := a.Kind()
				described := slices.ContainsFunc(c.ApplicationProfiles, func(p simulate.ApplicationProfile) bool { return p.ARN == id })
				if described || (kind != "foundation-model" && kind != "inference-profile" && kind != "application-inference-profile") {
					continue // simulate judges the rest
				}
				if kind != "application-inference-profile" {
					id = name
				}
			}
			if _, ok := dir.Route(region, id); !ok {
				return simulate.UnknownModel(fmt.Sprintf("models[%d]", i), id, region)
			}
		}
	}
	return v.err()
}

// problems collects what is wrong with a case.
type problems struct{ list []simulate.Problem }

func (v *problems) add(field, code string, params ...string) {
	p := simulate.Problem{Field: field, Code: code}
	for i := 0; i+1 < len(params); i += 2 {
		if p.Params == nil {
			p.Params = map[string]string{}
		}
		p.Params[params[i]] = params[i+1]
	}
	v.list = append(v.list, p)
}

func (v *problems) err() error {
	if len(v.list) == 0 {
		return nil
	}
	return &simulate.InputError{Problems: v.list}
}

func sorted(list []string) []string {
	out := slices.Sorted(slices.Values(list))
	return slices.Compact(out)
}

// last is the ARN of who makes the calls: the last role, or the caller.
func (c Case) last() string {
	if len(c.Chain) == 0 {
		return c.Caller.ARN
	}
	return c.Chain[len(c.Chain)-1].RoleARN
}

// before is the ARN of who assumes role i.
func (c Case) before(i int) string {
	if i == 0 {
		return c.Caller.ARN
	}
	return c.Chain[i-1].RoleARN
}

func accountOf(arn string) string {
	a, _ := iam.ParseARN(arn)
	return a.Account
}

// accounts lists every account on the way, once.
func (c Case) accounts() []string {
	list := []string{accountOf(c.Caller.ARN)}
	for _, hop := range c.Chain {
		if id := accountOf(hop.RoleARN); !slices.Contains(list, id) {
			list = append(list, id)
		}
	}
	return list
}

// endpoints lists the ids of the VPC endpoints of service.
func (c Case) endpoints(service, region string) (ids []string) {
	for _, e := range c.VPCEndpoints {
		if e.Service == service && e.Region == region {
			ids = append(ids, e.ID)
		}
	}
	return sorted(ids)
}

// identified reports whether the session that assumes role i carries a source
// identity already, which every further role must let through.
func (c Case) identified(i int) bool {
	return slices.ContainsFunc(c.Chain[:i], func(h Hop) bool { return h.SourceIdentity != "" })
}

// tagged reports whether that session carries tags that go on.
func (c Case) tagged(i int) bool {
	return slices.ContainsFunc(c.Chain[:i], func(h Hop) bool { return len(h.TransitiveTagKeys) > 0 })
}

var persons = []string{"{account}", "{email}", "{group}"}

// varies reports whether text stands for whoever asks.
func varies(text string) bool {
	return text == "" || slices.ContainsFunc(persons, func(p string) bool { return strings.Contains(text, p) })
}

// sample is text as Kakoi sends it for what it does by itself.
func sample(text string) string {
	for _, p := range persons {
		text = strings.ReplaceAll(text, p, "kakoi")
	}
	if text == "" {
		return "kakoi"
	}
	return text
}

// call is one call of the case.
func (c Case) call(region, model, operation string) simulate.Call {
	call := simulate.Call{Operation: operation, Region: region}
	if !slices.Contains(without, operation) {
		call.ModelID = model
	}
	if operation == "ApplyGuardrail" || strings.HasPrefix(operation, "Converse") || strings.HasPrefix(operation, "InvokeModel") {
		call.GuardrailARN = c.GuardrailARN
	}
	return call
}

// calls lists every call of the case.
func (c Case) calls() (list []simulate.Call) {
	for _, region := range c.Regions {
		for _, op := range c.Operations {
			if slices.Contains(without, op) {
				list = append(list, c.call(region, "", op))
				continue
			}
			for _, model := range c.Models {
				list = append(list, c.call(region, model, op))
			}
		}
	}
	return list
}

// chain is the roles as they are simulated.
func (c Case) chain() []simulate.Hop {
	hops := make([]simulate.Hop, len(c.Chain))
	for i, h := range c.Chain {
		hops[i] = simulate.Hop{RoleARN: h.RoleARN, ExternalID: h.ExternalID, TransitiveTagKeys: h.TransitiveTagKeys, STS: simulate.STS{Region: h.STSRegion}}
		for _, key := range slices.Sorted(maps.Keys(h.SessionTags)) {
			if hops[i].SessionTags == nil {
				hops[i].SessionTags = map[string]string{}
			}
			hops[i].SessionTags[key] = sample(h.SessionTags[key])
		}
		if h.SourceIdentity != "" {
			hops[i].SourceIdentity = sample(h.SourceIdentity)
		}
	}
	return hops
}
