package iam

import (
	"fmt"
	"slices"
	"strings"
)

// Lint looks for what AWS accepts but its author hardly means. service is the
// one that an endpoint policy is for, such as "bedrock" or "sts"; "" is any.
func Lint(p *Policy, service string) []Finding {
	l := &linter{policy: p, service: service}
	l.document()
	for i := range p.Statements {
		s := &p.Statements[i]
		l.actions(s)
		l.resources(s)
		l.principals(s)
		for _, c := range s.Conditions {
			l.condition(s, c)
		}
		l.redundant(i)
	}
	return l.findings
}

type linter struct {
	policy   *Policy
	service  string
	findings []Finding
}

func (l *linter) find(severity Severity, s *Statement, element, code string, params ...string) {
	f := Finding{Severity: severity, Code: code, Policy: l.policy.Name, Element: element, Params: map[string]string{}}
	if s != nil {
		f.Statement, f.Sid = s.Number, s.Sid
	}
	for i := 0; i+1 < len(params); i += 2 {
		f.Params[params[i]] = params[i+1]
	}
	l.findings = append(l.findings, f)
}

// quotas are the documented sizes without an increase ("IAM and AWS STS
// quotas", "Quotas for AWS Organizations", "Control access to VPC endpoints
// using endpoint policies").
var quotas = map[Kind]int{
	Identity: 6144, Boundary: 6144, Session: 2048, Trust: 2048, Endpoint: 20480, SCP: 5120, RCP: 5120,
}

func (l *linter) document() {
	if limit, ok := quotas[l.policy.Kind]; ok && l.policy.size > limit {
		l.find(Warning, nil, "", "size", "size", fmt.Sprint(l.policy.size), "limit", fmt.Sprint(limit))
	}
	if l.policy.variables() {
		return
	}
	for i := range l.policy.Statements {
		s := &l.policy.Statements[i]
		if s.hasVariable() {
			l.find(Warning, s, "", "variable_in_2008")
		}
	}
	if l.policy.Version == "" {
		l.find(Note, nil, "Version", "version_missing")
	}
}

func (s *Statement) hasVariable() bool {
	values := slices.Concat(s.Resources, s.NotResources)
	for _, c := range s.Conditions {
		values = append(values, c.Values...)
	}
	return slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, "${") })
}

// notActions are operations of Amazon Bedrock that people write as actions,
// and the action that governs each ("Actions, resources, and condition keys
// for Amazon Bedrock").
var notActions = map[string]string{
	"converse":                           "bedrock:InvokeModel",
	"conversestream":                     "bedrock:InvokeModelWithResponseStream",
	"invokemodelwithbidirectionalstream": "bedrock:InvokeModel",
	"startasyncinvoke":                   "bedrock:InvokeModel",
	"retrieveandgeneratestream":          "bedrock:RetrieveAndGenerate",
}

// endpointNames are hosts of Amazon Bedrock that are no prefix of its actions.
var endpointNames = []string{"bedrock-runtime", "bedrock-agent", "bedrock-agent-runtime"}

const (
	invoke       = "bedrock:InvokeModel"
	invokeStream = "bedrock:InvokeModelWithResponseStream"
)

func (l *linter) actions(s *Statement) {
	for _, a := range slices.Concat(s.Actions, s.NotActions) {
		service, name, _ := strings.Cut(strings.ToLower(a), ":")
		switch {
		case service == "bedrock" && notActions[name] != "":
			l.find(Warning, s, "Action", "action_is_operation", "action", a, "meant", notActions[name])
		case slices.Contains(endpointNames, service):
			l.find(Warning, s, "Action", "action_is_endpoint", "action", a, "service", service)
		case l.policy.Kind == Trust && service != "sts" && a != "*":
			l.find(Warning, s, "Action", "action_other_service", "action", a, "service", "sts")
		case l.policy.Kind == Endpoint && l.service != "" && service != l.service && a != "*" && !strings.ContainsAny(service, "*?"):
			l.find(Warning, s, "Action", "action_other_service", "action", a, "service", l.service)
		}
	}
	if s.Effect == Allow && s.NotActions != nil {
		l.find(Note, s, "NotAction", "allow_not_action")
	}
	l.streaming(s)
}

// streaming notices where only one of the two actions of inference is named.
func (l *linter) streaming(s *Statement) {
	if s.NotActions != nil {
		return
	}
	one, other := names(s.Actions, invoke), names(s.Actions, invokeStream)
	switch {
	case one == other || l.elsewhere(s):
	case s.Effect == Allow && one && l.policy.Kind != SCP:
		l.find(Note, s, "Action", "allow_without_stream")
	case s.Effect == Deny:
		l.find(Warning, s, "Action", "deny_half", "missing", map[bool]string{true: invokeStream, false: invoke}[one])
	}
}

func names(actions []string, action string) bool {
	return slices.ContainsFunc(actions, func(a string) bool { return wildcards(strings.ToLower(a)).match(strings.ToLower(action)) })
}

// elsewhere reports whether the two actions are split over statements of the
// same effect.
func (l *linter) elsewhere(s *Statement) bool {
	for i := range l.policy.Statements {
		other := &l.policy.Statements[i]
		if other.Number != s.Number && other.Effect == s.Effect && (names(other.Actions, invoke) || names(other.Actions, invokeStream)) {
			return true
		}
	}
	return false
}

// ownerless are the resources of Amazon Bedrock that belong to no account.
var ownerless = []string{"foundation-model"}

// owned are those whose ARN needs one.
var owned = []string{"inference-profile", "application-inference-profile", "guardrail", "knowledge-base", "agent-alias", "provisioned-model", "custom-model"}

func (l *linter) resources(s *Statement) {
	for _, r := range slices.Concat(s.Resources, s.NotResources) {
		a, ok := ParseARN(r)
		if !ok || a.Service != "bedrock" {
			continue
		}
		kind, _ := a.Kind()
		switch {
		case slices.Contains(ownerless, kind) && a.Account != "" && a.Account != "*":
			l.find(Warning, s, "Resource", "account_unexpected", "resource", r, "account", a.Account)
		case slices.Contains(owned, kind) && a.Account == "":
			l.find(Warning, s, "Resource", "account_missing", "resource", r)
		}
	}
}

func (l *linter) principals(s *Statement) {
	if s.Principal == nil {
		return
	}
	if l.policy.Kind == Trust && s.Effect == Allow && s.Principal.Everyone && len(s.Conditions) == 0 {
		l.find(Warning, s, "Principal", "trust_everyone")
	}
	for _, named := range s.Principal.AWS {
		if uniqueID.MatchString(named) {
			l.find(Warning, s, "Principal", "principal_deleted", "principal", named)
		}
	}
}

// multivalued are the common keys that hold many values, and need ForAllValues
// or ForAnyValue ("AWS global condition context keys").
var multivalued = []string{"aws:tagkeys", "aws:calledvia", "aws:principalorgpaths", "aws:resourceorgpaths", "aws:principalservicenameslist", "sts:transitivetagkeys"}

func (l *linter) condition(s *Statement, c Condition) {
	key, element := strings.ToLower(c.Key), "Condition."+c.Operator.String()+"."+c.Key
	exact := strings.HasPrefix(c.Operator.Base, "StringEquals") || strings.HasPrefix(c.Operator.Base, "StringNotEquals")
	for _, v := range c.Values {
		if exact && strings.ContainsAny(strings.NewReplacer("${*}", "", "${?}", "").Replace(v), "*?") {
			like := strings.NewReplacer("Equals", "Like", "IgnoreCase", "").Replace(c.Operator.Base)
			l.find(Warning, s, element, "wildcard_in_equals", "operator", c.Operator.Base, "value", v, "meant", like)
		}
		if strings.HasPrefix(c.Operator.Base, "Arn") && !strings.Contains(v, "${") && len(wildcards(v).split()) != arnParts {
			l.find(Warning, s, element, "arn_incomplete", "value", v)
		}
		if key == "aws:requestedregion" && strings.HasPrefix(v, "ap-northeast-") && strings.ContainsAny(v, "*?") {
			l.find(Warning, s, element, "region_beyond_japan", "value", v)
		}
		if key == "aws:requestedregion" && v == "unspecified" && spares(s.Effect, c.Operator.Base) {
			l.find(Warning, s, element, "unspecified_opens_global")
		}
	}
	if c.Operator.Quantifier == Single && c.Operator.Base != nullOperator && slices.Contains(multivalued, key) {
		l.find(Warning, s, element, "multivalued_key", "key", c.Key)
	}
	if c.Operator.Quantifier == ForAllValues && s.Effect == Allow && !s.asksForPresence(key) {
		l.find(Note, s, element, "for_all_values", "key", c.Key)
	}
}

// spares reports whether a condition lets what it lists through: Allow where it
// matches, or Deny where it does not.
func spares(e Effect, base string) bool {
	return (e == Deny) == comparisons[base].negated
}

// asksForPresence reports whether s has a Null condition that wants key there.
func (s *Statement) asksForPresence(key string) bool {
	return slices.ContainsFunc(s.Conditions, func(c Condition) bool {
		return c.Operator.Base == nullOperator && strings.EqualFold(c.Key, key) && slices.Contains(c.Values, "false")
	})
}

// maxCompared is the statements that are compared with each other; more than a
// policy within its quota has.
const maxCompared = 200

// redundant notices a statement that another of the same effect covers whole.
func (l *linter) redundant(i int) {
	if len(l.policy.Statements) > maxCompared {
		return
	}
	s := &l.policy.Statements[i]
	for j := range l.policy.Statements {
		wide := &l.policy.Statements[j]
		if i == j || !wide.coversAll(s) || (j > i && s.coversAll(wide)) { // of two equal ones, the later
			continue
		}
		l.find(Note, s, "", "redundant", "by", fmt.Sprint(wide.Number))
		return
	}
}

// coversAll reports whether s applies wherever narrow does.
func (s *Statement) coversAll(narrow *Statement) bool {
	if s.Effect != narrow.Effect || len(s.Conditions) > 0 || s.Principal != nil || s.NotPrincipal != nil ||
		s.NotActions != nil || s.NotResources != nil || narrow.NotActions != nil || narrow.NotResources != nil {
		return false
	}
	return coversEach(lower(s.Actions), lower(narrow.Actions)) && coversEach(s.Resources, narrow.Resources)
}

func lower(list []string) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = strings.ToLower(v)
	}
	return out
}

func coversEach(wide, narrow []string) bool {
	for _, n := range narrow {
		if !slices.ContainsFunc(wide, func(w string) bool {
			return w == n || w == "*" || (strings.ContainsAny(w, "*?") && !strings.Contains(w, "${") && covers(w, n))
		}) {
			return false
		}
	}
	return true
}
