package iam

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Parse reads a policy of the given kind strictly: AWS refuses what it refuses.
// The error is a *ParseError with every problem that was found. name is by
// which people know the policy, and appears in results.
func Parse(kind Kind, name string, data []byte) (*Policy, error) {
	root, bad := readJSON(data, maxBytes)
	if bad != nil {
		return nil, bad.parseError(name)
	}
	p := &parser{policy: &Policy{Name: name, Kind: kind, size: size(data)}, sids: map[string]int{}}
	p.document(root)
	if len(p.problems) > 0 {
		return nil, &ParseError{Policy: name, Problems: p.problems}
	}
	return p.policy, nil
}

// size counts what counts against a quota: everything but white space. A space
// inside a string is rare, and its loss only makes the warning lenient.
func size(data []byte) int {
	n := utf8.RuneCount(data)
	for _, c := range data {
		if c == ' ' || c == '\t' || c == '\r' || c == '\n' {
			n--
		}
	}
	return n
}

// maxProblems bounds what one bad document has people read.
const maxProblems = 20

type parser struct {
	policy   *Policy
	at       *Statement // being read, or nil
	sids     map[string]int
	problems []Problem
}

// problem notes what is wrong with element, given in pairs of names and values.
func (p *parser) problem(n *node, element, code string, params ...string) {
	if len(p.problems) >= maxProblems {
		return
	}
	found := Problem{Code: code, Element: element, Line: n.line, Params: map[string]string{}}
	if p.at != nil {
		found.Statement, found.Sid = p.at.Number, p.at.Sid
	}
	for i := 0; i+1 < len(params); i += 2 {
		found.Params[params[i]] = params[i+1]
	}
	p.problems = append(p.problems, found)
}

// is notes a wrong type and reports whether n is of kind.
func (p *parser) is(n *node, element string, kind nodeKind) bool {
	if n.kind != kind {
		p.problem(n, element, "wrong_type", "want", string(kind), "got", string(n.kind))
	}
	return n.kind == kind
}

func (p *parser) document(n *node) {
	if !p.is(n, "", object) {
		return
	}
	var statements *node
	for _, f := range n.fields {
		switch f.key {
		case "Version":
			p.version(f.value)
		case "Id":
			p.id(f.value)
		case "Statement":
			statements = f.value
		default:
			p.unknown(f, []string{"Version", "Id", "Statement"})
		}
	}
	switch {
	case statements == nil:
		p.problem(n, "Statement", "statement_missing")
	case statements.kind == object: // one statement needs no list
		p.statement(statements, 1)
	case p.is(statements, "Statement", list):
		if len(statements.items) == 0 {
			p.problem(statements, "Statement", "statement_missing")
		}
		for i, item := range statements.items {
			p.statement(item, i+1)
		}
	}
}

// unknown notes a key that is no element, and the element it may be meant as.
func (p *parser) unknown(f field, elements []string) {
	for _, e := range elements {
		if strings.EqualFold(e, f.key) || strings.EqualFold(e, strings.TrimSuffix(f.key, "s")) {
			p.problem(f.value, f.key, "element_misspelled", "key", f.key, "meant", e)
			return
		}
	}
	p.problem(f.value, f.key, "element_unknown", "key", f.key)
}

func (p *parser) version(n *node) {
	if !p.is(n, "Version", text) {
		return
	}
	if n.text != Version2008 && n.text != Version2012 {
		p.problem(n, "Version", "version_unknown", "version", n.text)
	}
	p.policy.Version = n.text
}

// id is for policies of resources only ("Grammar of the IAM JSON policy
// language").
func (p *parser) id(n *node) {
	if p.is(n, "Id", text) {
		p.policy.ID = n.text
	}
	if !p.policy.Kind.namesPrincipals() {
		p.problem(n, "Id", "id_not_here", "kind", string(p.policy.Kind))
	}
}

var statementElements = []string{
	"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
}

func (p *parser) statement(n *node, number int) {
	s := Statement{Number: number, line: n.line}
	p.at = &s
	defer func() { p.at = nil }()
	if !p.is(n, "Statement", object) {
		return
	}
	has := map[string]*node{}
	for _, f := range n.fields {
		if !slices.Contains(statementElements, f.key) {
			p.unknown(f, statementElements)
		}
		has[f.key] = f.value
	}
	p.sid(has["Sid"]) // first, so that what follows can name the statement
	p.effect(n, has["Effect"])
	p.oneOf(n, has, "Action", "NotAction", true)
	s.Actions = p.actions(has["Action"], "Action")
	s.NotActions = p.actions(has["NotAction"], "NotAction")
	p.resourceElements(n, has)
	p.principalElements(n, has)
	s.Conditions = p.conditions(has["Condition"])
	p.organization(n, &s)
	p.policy.Statements = append(p.policy.Statements, s)
}

// oneOf notes where two elements that exclude each other are both there, or
// neither is.
func (p *parser) oneOf(n *node, has map[string]*node, a, b string, required bool) {
	switch {
	case has[a] != nil && has[b] != nil:
		p.problem(has[b], b, "both_elements", "a", a, "b", b)
	case has[a] == nil && has[b] == nil && required:
		p.problem(n, a, "element_missing", "a", a, "b", b)
	}
}

var sidForm = regexp.MustCompile(`^[A-Za-z0-9]*$`)

func (p *parser) sid(n *node) {
	if n == nil || !p.is(n, "Sid", text) {
		return
	}
	p.at.Sid = n.text
	if p.policy.Kind == Identity && !sidForm.MatchString(n.text) {
		p.problem(n, "Sid", "sid_form", "sid", n.text)
	}
	if first, twice := p.sids[n.text]; twice && n.text != "" {
		p.problem(n, "Sid", "sid_twice", "sid", n.text, "first", fmt.Sprint(first))
	}
	p.sids[n.text] = p.at.Number
}

func (p *parser) effect(statement, n *node) {
	if n == nil {
		p.problem(statement, "Effect", "effect_missing")
		return
	}
	if !p.is(n, "Effect", text) {
		return
	}
	p.at.Effect = Effect(n.text)
	if p.at.Effect != Allow && p.at.Effect != Deny {
		p.problem(n, "Effect", "effect_unknown", "effect", n.text)
	}
}

// strings reads one string or a list of them.
func (p *parser) strings(n *node, element string) []string {
	switch n.kind {
	case text:
		return []string{n.text}
	case list:
		if len(n.items) == 0 {
			p.problem(n, element, "list_empty")
		}
		values := make([]string, 0, len(n.items))
		for _, item := range n.items {
			if p.is(item, element, text) {
				values = append(values, item.text)
			}
		}
		return values
	}
	p.problem(n, element, "wrong_type", "want", string(textOrList), "got", string(n.kind))
	return nil
}

var actionForm = regexp.MustCompile(`^(\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+)$`)

func (p *parser) actions(n *node, element string) []string {
	if n == nil {
		return nil
	}
	actions := p.strings(n, element)
	for _, a := range actions {
		if !actionForm.MatchString(a) {
			p.problem(n, element, "action_form", "action", a)
		}
	}
	return actions
}

// resourceElements reads Resource and NotResource. A trust policy has neither:
// it is about the role it is on.
func (p *parser) resourceElements(n *node, has map[string]*node) {
	if p.policy.Kind == Trust {
		for _, element := range []string{"Resource", "NotResource"} {
			if has[element] != nil {
				p.problem(has[element], element, "resource_not_here")
			}
		}
		return
	}
	p.oneOf(n, has, "Resource", "NotResource", p.policy.Kind != Resource)
	p.at.Resources = p.resources(has["Resource"], "Resource")
	p.at.NotResources = p.resources(has["NotResource"], "NotResource")
}

func (p *parser) resources(n *node, element string) []string {
	if n == nil {
		return nil
	}
	resources := p.strings(n, element)
	for _, r := range resources {
		if r != "*" && !strings.HasPrefix(r, "arn:") && !strings.HasPrefix(r, "*:") {
			p.problem(n, element, "resource_form", "resource", r)
			continue
		}
		// A variable may stand only behind the fifth colon.
		if at := strings.Index(r, "${"); at >= 0 && p.policy.variables() && strings.Count(r[:at], ":") < arnParts-1 {
			p.problem(n, element, "variable_place", "resource", r)
		}
	}
	return resources
}

// organization holds SCPs and RCPs to what AWS Organizations takes of the
// language ("SCP syntax", with the whole language since September 2025; "RCP
// syntax").
func (p *parser) organization(n *node, s *Statement) {
	if p.policy.Kind != RCP {
		return
	}
	if s.Effect == Allow && !s.allowsEverything() {
		p.problem(n, "Effect", "rcp_allow")
	}
	if s.NotActions != nil {
		p.problem(n, "NotAction", "rcp_not_action")
	}
	if s.Effect == Deny && slices.Contains(s.Actions, "*") {
		p.problem(n, "Action", "rcp_action_all")
	}
	if s.Principal == nil || !s.Principal.Everyone || len(s.Principal.AWS) > 0 {
		p.problem(n, "Principal", "rcp_principal")
	}
}

// allowsEverything reports whether s is the statement of RCPFullAWSAccess.
func (s *Statement) allowsEverything() bool {
	return slices.Equal(s.Actions, []string{"*"}) && slices.Equal(s.Resources, []string{"*"}) && len(s.Conditions) == 0
}

func (p *parser) conditions(n *node) (list []Condition) {
	if n == nil || !p.is(n, "Condition", object) {
		return nil
	}
	for _, f := range n.fields {
		element := "Condition." + f.key
		operator, near, ok := parseOperator(f.key)
		if !ok {
			if near != "" {
				p.problem(f.value, element, "operator_misspelled", "operator", f.key, "meant", near)
			} else {
				p.problem(f.value, element, "operator_unknown", "operator", f.key)
			}
			continue
		}
		if !p.is(f.value, element, object) {
			continue
		}
		if len(f.value.fields) == 0 {
			p.problem(f.value, element, "condition_empty")
		}
		keys := map[string]bool{}
		for _, k := range f.value.fields {
			if keys[strings.ToLower(k.key)] { // keys know no case
				p.problem(k.value, element, "condition_key_twice", "key", k.key)
			}
			keys[strings.ToLower(k.key)] = true
			list = append(list, Condition{operator, k.key, p.values(k, element+"."+k.key, operator)})
		}
	}
	return list
}

var keyForm = regexp.MustCompile(`^[A-Za-z0-9-]+:[^\s${}*?]+( [^\s${}*?]+)*$`)

// values reads the values of one condition key. Numbers and booleans may stand
// without quotes.
func (p *parser) values(f field, element string, operator Operator) []string {
	if !keyForm.MatchString(f.key) {
		p.problem(f.value, element, "condition_key_form", "key", f.key)
	}
	items := []*node{f.value}
	if f.value.kind == list {
		items = f.value.items
		if len(items) == 0 {
			p.problem(f.value, element, "list_empty")
		}
	}
	valid := comparisons[operator.Base].valid
	values := make([]string, 0, len(items))
	for _, item := range items {
		switch {
		case item.kind != text && item.kind != number && item.kind != boolean:
			p.problem(item, element, "wrong_type", "want", string(scalar), "got", string(item.kind))
		case valid != nil && !valid(item.text):
			p.problem(item, element, "condition_value", "operator", operator.Base, "value", item.text)
		}
		values = append(values, item.text)
	}
	return values
}
