package iam

// Kind is what a policy is attached to, which decides what it may say and what
// it can do.
type Kind string

// The kinds of policies, named as AWS names them.
const (
	Identity Kind = "identity"            // of a user or a role: grants
	Boundary Kind = "permissionsBoundary" // limits what identity policies grant
	Session  Kind = "session"             // handed over with AssumeRole: limits the session
	Resource Kind = "resource"            // of a bucket, a key, …: grants
	Trust    Kind = "trust"               // of a role: who may assume it
	Endpoint Kind = "vpcEndpoint"         // of a VPC endpoint: limits what passes it
	SCP      Kind = "scp"                 // service control policy: limits the principals of accounts
	RCP      Kind = "rcp"                 // resource control policy: limits who reaches the resources of accounts
)

// Kinds returns every kind.
func Kinds() []Kind {
	return []Kind{Identity, Boundary, Session, Resource, Trust, Endpoint, SCP, RCP}
}

// namesPrincipals reports whether a policy of kind k says who it is for. The
// others are for whoever they are attached to.
func (k Kind) namesPrincipals() bool {
	return k == Resource || k == Trust || k == Endpoint || k == RCP
}

// Effect is what a statement does where it applies.
type Effect string

// The effects.
const (
	Allow Effect = "Allow"
	Deny  Effect = "Deny"
)

// The versions of the language. Version2008, the default where a policy names
// none, has no variables ("IAM JSON policy elements: Version").
const (
	Version2008 = "2008-10-17"
	Version2012 = "2012-10-17"
)

// Policy is one policy document.
type Policy struct {
	Name       string // by which the people who wrote it know it
	ARN        string // or ""; AWS names the ARN of an SCP in its refusals
	Kind       Kind
	Version    string // as written; "" means Version2008
	ID         string
	Statements []Statement
	size       int // characters that count against a quota
}

// variables reports whether ${…} means anything in p.
func (p *Policy) variables() bool { return p.Version == Version2012 }

// Statement is one statement of a policy. Of each pair (Actions and
// NotActions, …) one is nil.
type Statement struct {
	Number       int // its place in the policy, from 1
	Sid          string
	Effect       Effect
	Actions      []string
	NotActions   []string
	Resources    []string
	NotResources []string
	Principal    *Principals
	NotPrincipal *Principals
	Conditions   []Condition
	line         int
}

// Principals is what a Principal or NotPrincipal element lists.
type Principals struct {
	Everyone  bool     // "*" or {"AWS": "*"}
	AWS       []string // accounts (12 digits or their root's ARN), users, roles, role sessions
	Service   []string
	Federated []string
	Canonical []string // canonical user ids of S3
}

// Condition is one key of one operator of a Condition element. All conditions
// of a statement must hold; of Values one is enough (for a negated operator:
// none may match).
type Condition struct {
	Operator Operator
	Key      string
	Values   []string
}
