package iam

import (
	"slices"
	"strings"
)

// Request is one authorization check: AWS makes one or many for a call.
type Request struct {
	Principal Principal
	Action    string // bedrock:InvokeModel
	// Resource is an ARN, or "*" for an action that knows no resources.
	Resource string
	// ResourceAccount is the account that owns the resource, or "" for one that
	// is nobody's, such as a foundation model, and for "*": those count as the
	// principal's own.
	ResourceAccount string
	// ResourceManagement is set where the resource is in an organization's
	// management account, whose resources RCPs do not bind.
	ResourceManagement bool
	Context            Context
	// Effort bounds what is spent on matching; nil is without a bound.
	Effort *Effort
}

// Effort is what may be spent on matching texts with wildcards, for which
// policies and requests can be made to take hours. What is evaluated after it is
// spent means nothing.
type Effort struct{ left int }

// NewEffort returns so much effort: about a nanosecond each.
func NewEffort(n int) *Effort { return &Effort{n} }

// Spent reports whether it was not enough.
func (e *Effort) Spent() bool { return e != nil && e.left < 0 }

// match spends what comparing p with so many characters may take at the most,
// and reports whether there was as much.
func (e *Effort) match(p pattern, text int) bool {
	if e == nil {
		return true
	}
	cost := len(p) + text
	if slices.ContainsFunc(p, func(c symbol) bool { return c.wild }) {
		cost += len(p) * text
	}
	e.left -= min(cost, max(e.left, 0)+1)
	return e.left >= 0
}

func (r Request) crossAccount() bool {
	return r.ResourceAccount != "" && r.ResourceAccount != r.Principal.Account
}

// service is the prefix of the action.
func (r Request) service() string {
	service, _, _ := strings.Cut(r.Action, ":")
	return strings.ToLower(service)
}

// Level is one step from an organization's root down to an account, with the
// policies that are attached there.
type Level struct {
	Name     string
	Policies []*Policy
}

// Policies is everything that may speak about a request. Empty means there is
// none of the kind, and that it does not limit.
type Policies struct {
	SCPs     []Level   // of the principal's account, from the root down
	RCPs     []Level   // of the resource's account, from the root down
	Endpoint []*Policy // of the VPC endpoint that the request passes
	Identity []*Policy
	Boundary []*Policy
	Session  []*Policy
	Resource []*Policy // of the resource; for AssumeRole the role's trust policy
}

// rcpServices are those whose resources RCPs bind, by the prefix of their
// actions ("Resource control policies (RCPs)", list of services, with the
// additions of June 2025 and January 2026). Amazon Bedrock is not among them.
var rcpServices = []string{
	"s3", "sts", "kms", "sqs", "secretsmanager", "ecr", "aoss", "cognito-idp", "cognito-identity", "logs",
}
