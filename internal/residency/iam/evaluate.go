package iam

import "slices"

// Decision is what a request comes to.
type Decision string

// The decisions.
const (
	Allowed      Decision = "allowed"
	ExplicitDeny Decision = "explicitDeny" // a Deny statement applies
	ImplicitDeny Decision = "implicitDeny" // a kind of policy that must allow does not
)

// Source names one statement.
type Source struct {
	Policy    string `json:"policy"`
	ARN       string `json:"arn,omitempty"`
	Kind      Kind   `json:"kind"`
	Level     string `json:"level,omitempty"` // of an SCP or RCP
	Statement int    `json:"statement"`       // from 1
	Sid       string `json:"sid,omitempty"`
}

// Element is a part of a statement that a request must match.
type Element string

// The elements, in the order they are looked at.
const (
	NoStatement      Element = "" // there is no Allow statement at all
	PrincipalElement Element = "Principal"
	ActionElement    Element = "Action"
	ResourceElement  Element = "Resource"
	ConditionElement Element = "Condition"
)

var elements = []Element{NoStatement, PrincipalElement, ActionElement, ResourceElement, ConditionElement}

// Lack is a kind of policy that must allow a request and does not.
type Lack struct {
	Kind  Kind   `json:"kind"`
	Level string `json:"level,omitempty"`
	// Element is how far the nearest Allow statement came: the element at which
	// it missed.
	Element Element `json:"element,omitempty"`
	Near    *Near   `json:"near,omitempty"`
}

// Near is the Allow statement that came nearest, and what it missed by.
type Near struct {
	Source
	Operator string   `json:"operator,omitempty"`
	Key      string   `json:"key,omitempty"`
	Want     []string `json:"want,omitempty"`
	Have     []string `json:"have,omitempty"` // nil where the request has no such key
	Variable string   `json:"variable,omitempty"`
}

// Result is the decision on one request, and whose it is.
type Result struct {
	Decision Decision
	// Kind is the kind of policy that decided against: that of Denies[0], or of
	// Lacks[0].
	Kind Kind
	// Grants are the Allow statements by which an allowed request is allowed,
	// the one that grants first, then those that do not limit.
	Grants []Source
	Denies []Source // every Deny statement that applies, the deciding one first
	Lacks  []Lack   // every kind that should allow and does not, the deciding one first
	// Absent are condition keys that a statement asked about and the request
	// does not have. A wrong answer usually comes from one of them.
	Absent []string
	// Unresolved are statements that were left out because a variable in them
	// has no value.
	Unresolved []Source
}

// verdict is what the policies of one kind (or level) say.
type verdict struct {
	denies []Source
	allow  *Source
	grant  grant // of allow, the most direct
	lack   Lack
}

// Evaluate decides req by the policies that apply to it ("Policy evaluation
// logic"): a Deny anywhere wins; then SCPs must allow at every level and a VPC
// endpoint's policy must; then identity, boundary and session policy, or a
// resource's own policy in place of them, as far as it names the principal
// itself. Across accounts both sides must allow.
func Evaluate(req Request, policies Policies) Result {
	e := &evaluation{req: req, bounded: len(policies.Boundary) > 0, absent: map[string]bool{}}
	identity := e.judge(Identity, "", policies.Identity)
	resource := e.judge(Resource, "", policies.Resource)
	limits := e.limits(policies)
	own := e.own(policies)

	all := append(slices.Clone(limits), e.rcps(policies)...)
	all = append(append(all, resource, identity), own...)
	result := Result{Absent: e.absentKeys(), Unresolved: e.unresolved}
	for _, v := range all {
		result.Denies = append(result.Denies, v.denies...)
	}
	if len(result.Denies) > 0 {
		result.Decision, result.Kind = ExplicitDeny, result.Denies[0].Kind
		return result
	}

	needed := append(slices.Clone(limits), e.needed(identity, resource, own)...)
	for _, v := range needed {
		if v.allow == nil {
			result.Lacks = append(result.Lacks, v.lack)
		} else {
			result.Grants = append(result.Grants, *v.allow)
		}
	}
	if len(result.Lacks) > 0 {
		result.Decision, result.Kind, result.Grants = ImplicitDeny, result.Lacks[0].Kind, nil
		return result
	}
	slices.SortStableFunc(result.Grants, func(a, b Source) int { return limiting(a.Kind) - limiting(b.Kind) })
	result.Decision = Allowed
	return result
}

// limiting is 0 for kinds that grant, 1 for those that only limit.
func limiting(k Kind) int {
	if k == Identity || k == Resource || k == Trust {
		return 0
	}
	return 1
}

type evaluation struct {
	req        Request
	bounded    bool // the principal has a permissions boundary
	absent     map[string]bool
	unresolved []Source
}

// limits judges what stands around the accounts: SCPs and endpoint policies.
func (e *evaluation) limits(policies Policies) (list []verdict) {
	if !e.req.Principal.Management && !e.req.Principal.ServiceLinked {
		for _, level := range policies.SCPs {
			list = append(list, e.judge(SCP, level.Name, level.Policies))
		}
	}
	if len(policies.Endpoint) > 0 {
		list = append(list, e.judge(Endpoint, "", policies.Endpoint))
	}
	return list
}

// rcps judges the RCPs of the resource's account. They only ever deny: the one
// that allows, RCPFullAWSAccess, is attached everywhere and cannot be detached.
func (e *evaluation) rcps(policies Policies) (list []verdict) {
	if e.req.Principal.ServiceLinked || e.req.ResourceManagement || !slices.Contains(rcpServices, e.req.service()) {
		return nil
	}
	for _, level := range policies.RCPs {
		list = append(list, e.judge(RCP, level.Name, level.Policies))
	}
	return list
}

// own judges what limits the principal itself.
func (e *evaluation) own(policies Policies) (list []verdict) {
	if len(policies.Boundary) > 0 {
		list = append(list, e.judge(Boundary, "", policies.Boundary))
	}
	if len(policies.Session) > 0 {
		list = append(list, e.judge(Session, "", policies.Session))
	}
	return list
}

// needed returns the verdicts that must allow, in the order AWS names them.
func (e *evaluation) needed(identity, resource verdict, own []verdict) []verdict {
	whole := append([]verdict{identity}, own...)
	if e.req.crossAccount() { // "Cross-account policy evaluation logic"
		return append([]verdict{resource}, whole...)
	}
	if e.req.trusted() && resource.allow == nil {
		// A role without a trust policy that allows can be assumed by nobody,
		// whatever the identity policy says.
		return append([]verdict{resource}, whole...)
	}
	switch {
	case resource.allow == nil:
		return whole
	case resource.grant == viaSession:
		return []verdict{resource}
	case resource.grant == viaRole:
		return append([]verdict{resource}, own...)
	case e.req.trusted(): // the account is trusted, which leaves it to its identity policies
		return append([]verdict{resource}, whole...)
	}
	return whole
}

// trusted reports whether the request is for assuming a role, or for what goes
// with it, so that the resource's policy is its trust policy.
func (r Request) trusted() bool { return slices.Contains(trustActions, r.Action) }

var trustActions = []string{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"}

// judge collects what the policies of one kind say.
func (e *evaluation) judge(kind Kind, level string, policies []*Policy) verdict {
	v := verdict{lack: Lack{Kind: kind, Level: level}}
	if kind == Resource && e.req.trusted() {
		v.lack.Kind = Trust
	}
	for _, p := range policies {
		for i := range p.Statements {
			s := &p.Statements[i]
			source := Source{Policy: p.Name, ARN: p.ARN, Kind: p.Kind, Level: level, Statement: s.Number, Sid: s.Sid}
			how, miss := e.apply(p, s, source)
			switch {
			case miss == nil && s.Effect == Deny:
				v.denies = append(v.denies, source)
			case miss == nil:
				if v.allow == nil || how > v.grant {
					v.allow, v.grant = &source, how
				}
			case s.Effect == Allow && nearer(miss.element, v.lack.Element):
				v.lack.Element, v.lack.Near = miss.element, &miss.Near
			}
		}
	}
	return v
}

func nearer(a, than Element) bool { return slices.Index(elements, a) > slices.Index(elements, than) }

func (e *evaluation) absentKeys() []string {
	keys := make([]string, 0, len(e.absent))
	for k := range e.absent {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
