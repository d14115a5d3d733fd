package generate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"kakoi/internal/residency/iam"
	"kakoi/internal/residency/simulate"
)

// document and statement are written in the order in which people write them.
type document struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid       string     `json:",omitempty"`
	Effect    iam.Effect `json:""`
	Principal any        `json:",omitempty"`
	Action    []string   `json:",omitempty"`
	NotAction []string   `json:",omitempty"`
	Resource  []string   `json:",omitempty"`
	Condition conditions `json:",omitempty"`
}

// conditions are operator → key → values.
type conditions map[string]map[string][]string

func (c conditions) add(operator, key string, values ...string) {
	if len(values) == 0 {
		return
	}
	if c[operator] == nil {
		c[operator] = map[string][]string{}
	}
	c[operator][key] = append(c[operator][key], values...)
}

func (d document) json() json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(d); err != nil {
		panic(err) // strings alone
	}
	return bytes.TrimSpace(b.Bytes())
}

func policy(statements ...statement) document {
	seen := map[string]int{}
	for i := range statements { // a Sid is there once
		sid := statements[i].Sid
		if seen[sid]++; seen[sid] > 1 {
			statements[i].Sid = fmt.Sprint(sid, seen[sid])
		}
	}
	return document{iam.Version2012, statements}
}

const (
	assumeRole     = "sts:AssumeRole"
	tagSession     = "sts:TagSession"
	setIdentity    = "sts:SetSourceIdentity"
	callerIdentity = "sts:GetCallerIdentity"

	profileKey   = "bedrock:InferenceProfileArn"
	principalKey = "aws:PrincipalArn"
)

// assuming is what who assumes role i must be allowed on it.
func (c Case) assuming(i int) []string {
	actions := []string{assumeRole}
	if len(c.Chain[i].SessionTags) > 0 || c.tagged(i) {
		actions = append(actions, tagSession)
	}
	if c.Chain[i].SourceIdentity != "" || c.identified(i) {
		actions = append(actions, setIdentity)
	}
	return actions
}

// assume is the policy of who assumes role i.
func (c Case) assume(i int) document {
	return policy(statement{Sid: "AssumeRole", Effect: iam.Allow, Action: c.assuming(i), Resource: []string{c.Chain[i].RoleARN}})
}

// trust is the policy of role i on who may assume it, and how.
func (c Case) trust(i int) document {
	hop := c.Chain[i]
	principal := map[string]string{"AWS": c.before(i)}
	how := conditions{}
	if hop.ExternalID != "" {
		how.add("StringEquals", "sts:ExternalId", hop.ExternalID)
	}
	how.add("StringEquals", "aws:SourceVpce", c.endpoints(sts, hop.STSRegion)...)
	must := func(key, value string) { // so that nobody comes without a name
		if varies(value) {
			how.add("StringLike", key, "*")
		} else {
			how.add("StringEquals", key, value)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(hop.SessionTags)) {
		must("aws:RequestTag/"+key, hop.SessionTags[key])
	}
	if hop.SourceIdentity != "" {
		must("sts:SourceIdentity", hop.SourceIdentity)
	}
	statements := []statement{{Sid: "Assume", Effect: iam.Allow, Principal: principal, Action: []string{assumeRole}, Condition: how}}
	if actions := c.assuming(i); slices.Contains(actions, tagSession) {
		tags := conditions{}
		if !c.tagged(i) { // what comes along from before has keys that only its maker knows
			tags.add("ForAllValues:StringEquals", "aws:TagKeys", slices.Sorted(maps.Keys(hop.SessionTags))...)
			tags.add("Null", "aws:TagKeys", "false")
		}
		statements = append(statements, statement{Sid: "Tag", Effect: iam.Allow, Principal: principal, Action: []string{tagSession}, Condition: tags})
	}
	if slices.Contains(c.assuming(i), setIdentity) {
		statements = append(statements, statement{Sid: "NameThePerson", Effect: iam.Allow, Principal: principal, Action: []string{setIdentity}})
	}
	return policy(statements...)
}

const (
	sts            = "sts"
	bedrockRuntime = "bedrock-runtime"
)

// services are those whose endpoints the calls of c pass in region.
func (c Case) services() (list []string) {
	for _, op := range c.Operations {
		if service := simulate.Service(op); !slices.Contains(list, service) {
			list = append(list, service)
		}
	}
	return list
}

// stsRegions are those whose STS is asked.
func (c Case) stsRegions() (list []string) {
	for _, hop := range c.Chain {
		list = append(list, hop.STSRegion)
	}
	return sorted(list)
}

// stsEndpoint is the policy of an endpoint of STS in region: for the roles of
// the chain that are assumed there, by who assumes them. Everybody on the way
// may ask who they are, which tests of a connection do.
func (c Case) stsEndpoint(region string, account string) document {
	var statements []statement
	var people []string
	for i, hop := range c.Chain {
		if account != "" && accountOf(c.before(i)) != account {
			continue
		}
		if hop.STSRegion == region {
			statements = append(statements, statement{
				Sid: "AssumeRole", Effect: iam.Allow, Principal: "*", Action: c.assuming(i), Resource: []string{hop.RoleARN}, Condition: by(c.before(i)),
			})
		}
	}
	for _, arn := range append([]string{c.Caller.ARN}, c.roles()...) {
		if account == "" || accountOf(arn) == account {
			people = append(people, arn)
		}
	}
	return policy(append(statements, statement{
		Sid: "WhoAmI", Effect: iam.Allow, Principal: "*", Action: []string{callerIdentity}, Resource: []string{"*"}, Condition: by(people...),
	})...)
}

func (c Case) roles() (list []string) {
	for _, hop := range c.Chain {
		list = append(list, hop.RoleARN)
	}
	return list
}

// by is the condition that one of arns asks. An endpoint policy names roles of
// other accounts by it, whose sessions a Principal would not take in.
func by(arns ...string) conditions {
	c := conditions{}
	c.add("ArnEquals", principalKey, arns...)
	return c
}

// right is one thing that a call is checked for.
type right struct{ action, resource, profile, service, region string }

// rights are all that the calls of c are checked for, as simulate lists them
// when everything is allowed.
func (c Case) rights(dir Directory) ([]right, error) {
	var list []right
	for _, call := range c.calls() {
		in := simulate.Input{
			Version: simulate.Version, Call: call, ApplicationProfiles: c.ApplicationProfiles, AllowedRegions: c.AllowedRegions,
			Caller:   simulate.Caller{ARN: c.last(), Policies: simulate.RolePolicies{Identity: named("everything", anything)}},
			Accounts: []simulate.Account{{ID: accountOf(c.last())}},
		}
		out, err := simulate.Run(&in, dir)
		if err != nil {
			return nil, inCase(err)
		}
		if out.Decision != simulate.Allowed {
			return nil, simulate.UnknownModel("models", call.ModelID, call.Region)
		}
		for _, check := range out.Checks {
			list = append(list, right{check.Action, check.Resource, check.InferenceProfileARN, simulate.Service(call.Operation), call.Region})
		}
	}
	return list, nil
}

var (
	anything     = json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	allOfBedrock = json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"bedrock:*","Resource":"*"}]}`)
)

func named(name string, document json.RawMessage) []simulate.Policy {
	if document == nil {
		return nil
	}
	return []simulate.Policy{{Name: name, Document: document}}
}

// group is rights that one statement can say.
type group struct {
	sid       string
	actions   []string
	resources []string
	profiles  []string
}

// invoke is the policy that allows the rights and nothing else. A model behind
// a profile is allowed through that profile only, so that nobody calls it by
// its own id.
func invoke(rights []right, principal any, who conditions) document {
	type thing struct{ sid, resource, profile string }
	actions := map[thing][]string{}
	for _, r := range rights {
		t := thing{sidOf(r), r.resource, r.profile}
		actions[t] = append(actions[t], r.action)
	}
	// resources that need the same actions in the same way
	groups := map[string]*group{}
	for t, list := range actions {
		list = sorted(list)
		key := t.sid + "|" + t.profile + "|" + strings.Join(list, " ")
		if groups[key] == nil {
			groups[key] = &group{sid: t.sid, actions: list}
			if t.profile != "" {
				groups[key].profiles = []string{t.profile}
			}
		}
		groups[key].resources = append(groups[key].resources, t.resource)
	}
	// profiles that lead to the same models
	merged := map[string]*group{}
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		g := groups[key]
		g.resources = sorted(g.resources)
		same := g.sid + "|" + strings.Join(g.actions, " ") + "|" + strings.Join(g.resources, " ")
		if merged[same] == nil {
			merged[same] = g
			continue
		}
		merged[same].profiles = sorted(append(merged[same].profiles, g.profiles...))
	}
	list := slices.SortedFunc(maps.Values(merged), func(a, b *group) int {
		if d := slices.Index(sids, a.sid) - slices.Index(sids, b.sid); d != 0 {
			return d
		}
		return slices.Compare(append(a.actions, a.resources...), append(b.actions, b.resources...))
	})
	statements := make([]statement, len(list))
	for i, g := range list {
		how := conditions{}
		for operator, keys := range who {
			for key, values := range keys {
				how.add(operator, key, values...)
			}
		}
		how.add("ArnEquals", profileKey, g.profiles...)
		statements[i] = statement{Sid: g.sid, Effect: iam.Allow, Principal: principal, Action: g.actions, Resource: g.resources, Condition: how}
	}
	return policy(statements...)
}

// sids are the names of statements, in the order in which they are written.
var sids = []string{"InferenceProfile", "ModelsThroughProfile", "Models", "Guardrail", "Other"}

func sidOf(r right) string {
	a, _ := iam.ParseARN(r.resource)
	kind, _ := a.Kind()
	switch {
	case strings.HasSuffix(kind, "inference-profile"):
		return "InferenceProfile"
	case r.profile != "":
		return "ModelsThroughProfile"
	case strings.HasPrefix(kind, "guardrail"):
		return "Guardrail"
	case r.resource == "*":
		return "Other"
	}
	return "Models"
}
