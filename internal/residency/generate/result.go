package generate

import (
	"encoding/json"

	"kakoi/internal/residency/iam"
	"kakoi/internal/residency/simulate"
)

// Side is whose account a document belongs to.
type Side string

// The sides.
const (
	CallerSide   Side = "caller"
	BetweenSide  Side = "between" // of a role that is assumed on the way
	ProviderSide Side = "provider"
)

// Document is one policy and where it belongs.
type Document struct {
	Name    string   `json:"name"` // stands for it in refusals, and is the name of its file
	Side    Side     `json:"side" enum:"caller,between,provider"`
	Account string   `json:"account"`
	Kind    iam.Kind `json:"kind"`
	// AttachTo is the role or the user, or the ids of VPC endpoints; empty where
	// nobody has said which endpoint.
	AttachTo string `json:"attachTo,omitempty"`
	Service  string `json:"service,omitempty"` // of an endpoint
	Region   string `json:"region,omitempty"`  // likewise
	// Optional is set where the calls do without.
	Optional bool             `json:"optional,omitempty"`
	Purpose  simulate.Message `json:"purpose"`
	Document json.RawMessage  `json:"document"`
	Findings []iam.Finding    `json:"findings,omitempty"`
}

// Outcome is what the simulator says of one call.
type Outcome struct {
	// Try says in what the call differs from those of the case; empty for one
	// of these.
	Try       string            `json:"try,omitempty"`
	TrySaid   string            `json:"tryText,omitempty"` // set by Say
	Operation string            `json:"operation"`
	Region    string            `json:"region"`
	ModelID   string            `json:"modelId,omitempty"`
	Principal string            `json:"principal"`
	Decision  simulate.Decision `json:"decision" enum:"allowed,denied,partial"`
	Reason    simulate.Message  `json:"reason"`
	Resident  simulate.Resident `json:"resident" enum:"yes,no,unknown"`
	// Destinations are the Regions where the prompt may be processed. Anywhere
	// is set where that is any commercial Region.
	Destinations []string `json:"destinations"`
	Anywhere     bool     `json:"anywhere,omitempty"`
}

// Approach is one way to let the calls through an SCP that restricts Regions.
type Approach struct {
	Name   string             `json:"name" enum:"leave,direct,widen,bedrock,role_model"`
	Title  simulate.Message   `json:"title"`
	Change simulate.Message   `json:"change"`
	Merits []simulate.Message `json:"merits"`
	Risks  []simulate.Message `json:"risks"`
	// SCP takes the place of the present one; absent where none is left.
	SCP json.RawMessage `json:"scp,omitempty"`
	// Models are what is called instead, where the approach is to call others,
	// and Policy is what the role then needs.
	Models   []string        `json:"models,omitempty"`
	Policy   json.RawMessage `json:"policy,omitempty"`
	Findings []iam.Finding   `json:"findings,omitempty"`
	Calls    []Outcome       `json:"calls"`
	// Opens is what the SCP lets through besides, to a role that is allowed all
	// of Bedrock.
	Opens []Outcome `json:"opens"`
}

// Output is the documents, and what the simulator says of them.
type Output struct {
	Version   int        `json:"version"`
	Documents []Document `json:"documents"`
	// Calls are those of the case. All are allowed, or there is no output.
	Calls []Outcome `json:"calls"`
	// Refused are calls near those of the case. All are denied, or there is no
	// output.
	Refused        []Outcome          `json:"refused"`
	Resident       simulate.Resident  `json:"resident" enum:"yes,no,unknown"`
	Destinations   []string           `json:"destinations"`
	Anywhere       bool               `json:"anywhere,omitempty"`
	AllowedRegions []string           `json:"allowedRegions"`
	Organization   Organization       `json:"organization"`
	Notes          []simulate.Message `json:"notes,omitempty"`
	// Question asks the simulator about the first call with these documents, so
	// that people can change one and see what comes of it.
	Question simulate.Input `json:"question"`
}

// Organization is the provider's, with an SCP that restricts Regions.
type Organization struct {
	Regions []string        `json:"regions"` // that the SCP leaves open
	SCP     json.RawMessage `json:"scp"`     // as it stands today
	// Calls are those of the case under it.
	Calls      []Outcome  `json:"calls"`
	Approaches []Approach `json:"approaches"`
}
