package simulate

import (
	"encoding/json"

	"kakoi/internal/residency/iam"
)

// Version is that of the documents. It changes when a document that was right
// would be read differently.
const Version = 1

// Input is the question: one call, who makes it, and every policy that may
// speak about it.
type Input struct {
	Version int    `json:"version"`
	Call    Call   `json:"call"`
	Caller  Caller `json:"principal"`
	// Chain are the roles that are assumed one after the other before the call.
	Chain               []Hop                `json:"chain,omitempty"`
	Accounts            []Account            `json:"accounts,omitempty"`
	VPCEndpoints        []VPCEndpoint        `json:"vpcEndpoints,omitempty"`
	ResourcePolicies    []ResourcePolicy     `json:"resourcePolicies,omitempty"`
	ApplicationProfiles []ApplicationProfile `json:"applicationProfiles,omitempty"`
	Context             Context              `json:"context,omitzero"`
	// AllowedRegions is where prompts may be processed; empty means Japan.
	AllowedRegions []string `json:"allowedRegions,omitempty"`
}

// Call is the API operation.
type Call struct {
	Operation   string `json:"operation"`
	Region      string `json:"region"` // of the endpoint that is called
	VPCEndpoint string `json:"vpcEndpoint,omitempty"`
	// ModelID is what the operation names: a model, a profile, or an ARN.
	ModelID string `json:"modelId,omitempty"`
	// BearerToken is SHORT_TERM or LONG_TERM where a Bedrock API key takes the
	// place of a signature.
	BearerToken         string `json:"bearerToken,omitempty"`
	GuardrailARN        string `json:"guardrailArn,omitempty"`
	GuardrailProfileARN string `json:"guardrailProfileArn,omitempty"`
	KnowledgeBaseARN    string `json:"knowledgeBaseArn,omitempty"`
	AgentAliasARN       string `json:"agentAliasArn,omitempty"`
	InlineAgentName     string `json:"inlineAgentName,omitempty"`
	FlowAliasARN        string `json:"flowAliasArn,omitempty"`
	OutputS3URI         string `json:"outputS3Uri,omitempty"`
	// OutputS3Account owns the bucket; empty means the account that calls.
	OutputS3Account string `json:"outputS3Account,omitempty"`
	// ModelsBehind are models that a knowledge base, an agent or a flow uses by
	// itself. The caller needs no right to them, but prompts go there.
	ModelsBehind []string `json:"modelsBehind,omitempty"`
}

// Caller is who begins: a role's session, or a user.
type Caller struct {
	ARN               string            `json:"arn"` // of the role or the user
	SessionName       string            `json:"sessionName,omitempty"`
	Tags              map[string]string `json:"tags,omitempty"` // of the role and the session
	TransitiveTagKeys []string          `json:"transitiveTagKeys,omitempty"`
	SourceIdentity    string            `json:"sourceIdentity,omitempty"`
	Policies          RolePolicies      `json:"policies"`
}

// Hop is one AssumeRole.
type Hop struct {
	RoleARN           string            `json:"roleArn"`
	SessionName       string            `json:"sessionName,omitempty"`
	ExternalID        string            `json:"externalId,omitempty"`
	SessionTags       map[string]string `json:"sessionTags,omitempty"`
	TransitiveTagKeys []string          `json:"transitiveTagKeys,omitempty"`
	SourceIdentity    string            `json:"sourceIdentity,omitempty"`
	RoleTags          map[string]string `json:"roleTags,omitempty"`
	STS               STS               `json:"sts"`
	Policies          RolePolicies      `json:"policies"`
}

// STS is the endpoint that a hop calls.
type STS struct {
	Endpoint    string `json:"endpoint,omitempty"` // regional (the default) or global
	Region      string `json:"region,omitempty"`   // of a regional endpoint
	VPCEndpoint string `json:"vpcEndpoint,omitempty"`
}

// RolePolicies are the policies on a role or a user, and those of its session.
type RolePolicies struct {
	Trust    []Policy `json:"trust,omitempty"` // of a role in the chain
	Identity []Policy `json:"identity,omitempty"`
	Boundary []Policy `json:"permissionsBoundary,omitempty"`
	Session  []Policy `json:"session,omitempty"`
}

// Account is what its organization imposes on an account.
type Account struct {
	ID               string  `json:"id"`
	Management       bool    `json:"managementAccount,omitempty"`
	OrganizationID   string  `json:"organizationId,omitempty"`
	OrganizationPath string  `json:"organizationPath,omitempty"`
	SCPs             []Level `json:"scps,omitempty"` // from the root down to the account
	RCPs             []Level `json:"rcps,omitempty"`
}

// Level is the root, an organizational unit or the account itself.
type Level struct {
	Name     string   `json:"name"`
	Policies []Policy `json:"policies"`
}

// VPCEndpoint is an endpoint that a call can pass. Without policies it has the
// default one, which allows everything.
type VPCEndpoint struct {
	ID       string   `json:"id"`
	Service  string   `json:"service"`
	VPC      string   `json:"vpc,omitempty"`
	Policies []Policy `json:"policies,omitempty"`
}

// ResourcePolicy is the policy of one resource.
type ResourcePolicy struct {
	ResourceARN string   `json:"resourceArn"`
	Policies    []Policy `json:"policies"`
}

// ApplicationProfile says what an application inference profile was made from.
type ApplicationProfile struct {
	ARN      string `json:"arn"`
	CopyFrom string `json:"copyFrom"` // ARN of a model or a system profile
}

// Policy is a document, or the name of one that AWS has.
type Policy struct {
	Name     string          `json:"name"`
	ARN      string          `json:"arn,omitempty"`
	Document json.RawMessage `json:"document,omitempty"`
	// Managed is FullAWSAccess or RCPFullAWSAccess, in place of a document.
	Managed string `json:"managed,omitempty"`

	parsed *iam.Policy
}

// Context is what else a request tells about itself.
type Context struct {
	SourceIP string `json:"sourceIp,omitempty"`
	// Keys are condition keys besides those that are worked out from the rest.
	Keys map[string]Values `json:"keys,omitempty"`
}

// Values is one value or a list.
type Values []string

// UnmarshalJSON reads a string or a list of strings.
func (v *Values) UnmarshalJSON(data []byte) error {
	var one string
	if err := json.Unmarshal(data, &one); err == nil {
		*v = Values{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(v))
}

// managed are the documents that AWS Organizations attaches by itself.
var managed = map[string]struct {
	kind     iam.Kind
	document string
}{
	"FullAWSAccess":    {iam.SCP, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`},
	"RCPFullAWSAccess": {iam.RCP, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`},
}
