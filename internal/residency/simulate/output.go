package simulate

import "kakoi/internal/residency/iam"

// Decision is what a call comes to.
type Decision string

// The decisions. Partial is not allowed: such a call fails whenever the profile
// routes it to a Region that the identity policy left out.
const (
	Allowed Decision = "allowed"
	Denied  Decision = "denied"
	Partial Decision = "partial"
)

// Resident says whether the prompt stays in the allowed Regions.
type Resident string

// The answers. Unknown is not yes: it counts as leaving.
const (
	Yes     Resident = "yes"
	No      Resident = "no"
	Unknown Resident = "unknown"
)

// Message is a sentence for people: a stable code and what fills it.
type Message struct {
	Code   string            `json:"code"`
	Params map[string]string `json:"params,omitempty"`
	// Said is the sentence, where somebody asked for it in a language.
	Said string `json:"text,omitempty"`
}

// Output is the answer.
type Output struct {
	Version  int      `json:"version"`
	Decision Decision `json:"decision" enum:"allowed,denied,partial"`
	Reason   Message  `json:"reason"`
	// DecidedBy is the number of the check that decided against the call, or 0.
	DecidedBy int `json:"decidedBy,omitempty"`
	// Statement decided against the call, where a statement did.
	Statement *iam.Source `json:"statement,omitempty"`
	// AWSMessage is what AWS would print.
	AWSMessage string  `json:"awsMessage,omitempty"`
	Principal  string  `json:"principal"` // who makes the call in the end
	Checks     []Check `json:"checks"`
	Route      *Routed `json:"route,omitempty"`
	// Destinations are the Regions where the prompt may be processed. Anywhere
	// is set where that is any commercial Region.
	Destinations   []string      `json:"destinations"`
	Anywhere       bool          `json:"anywhere,omitempty"`
	Resident       Resident      `json:"resident" enum:"yes,no,unknown"`
	AllowedRegions []string      `json:"allowedRegions"`
	Warnings       []Message     `json:"warnings,omitempty"`
	Findings       []iam.Finding `json:"findings,omitempty"`
}

// Routed is where the model id of the call leads.
type Routed struct {
	Kind    RouteKind `json:"kind"`
	Model   string    `json:"model"`
	Profile string    `json:"profile,omitempty"` // ARN
}

// Step is the part of the way that a check belongs to.
type Step string

// The steps.
const (
	AssumeRole Step = "assumeRole"
	TheCall    Step = "call"
)

// Purpose is what a check is for.
type Purpose string

// The purposes.
const (
	ForRole        Purpose = "role"        // assuming it
	ForTags        Purpose = "sessionTags" // passing them on
	ForIdentity    Purpose = "sourceIdentity"
	ForToken       Purpose = "bearerToken"
	ForOperation   Purpose = "operation" // the operation itself
	ForProfile     Purpose = "profile"
	ForSource      Purpose = "sourceModel"      // the model in the Region called
	ForDestination Purpose = "destinationModel" // the model in a Region of the profile
	ForGlobal      Purpose = "globalModel"      // the model without a Region
	ForModel       Purpose = "model"            // called by its own id
	ForGuardrail   Purpose = "guardrail"
	ForOutput      Purpose = "output" // the bucket of the results
)

// Check is one request for authorization.
type Check struct {
	Number              int          `json:"number"`
	Step                Step         `json:"step"`
	Purpose             Purpose      `json:"purpose"`
	Principal           string       `json:"principal"`
	Action              string       `json:"action"`
	Resource            string       `json:"resource"`
	RequestedRegion     string       `json:"requestedRegion"`
	InferenceProfileARN string       `json:"inferenceProfileArn,omitempty"`
	Decision            iam.Decision `json:"decision" enum:"allowed,explicitDeny,implicitDeny"`
	Reason              Message      `json:"reason"`
	Hints               []Message    `json:"hints,omitempty"`
	// Statement is that which denies, or which grants.
	Statement  *iam.Source  `json:"statement,omitempty"`
	AlsoDenied []iam.Source `json:"alsoDenied,omitempty"`
	Lacks      []iam.Lack   `json:"lacks,omitempty"`
	AWSMessage string       `json:"awsMessage,omitempty"`
}

// ok reports whether the check passes.
func (c Check) ok() bool { return c.Decision == iam.Allowed }
