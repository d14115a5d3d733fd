package factor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kakoi/internal/errs"
)

// Requirement says what holds for second factors.
type Requirement string

// What may hold, from the loosest to the strictest. Where they are off, those
// that somebody has are kept, and neither asked for nor accepted.
const (
	Off      Requirement = "off"
	Optional Requirement = "optional"
	Required Requirement = "required"
)

var strictness = []Requirement{Off, Optional, Required}

// Policy is what the organisation has decided of second factors.
type Policy struct {
	// Roles are the requirements by the names of roles; Others holds for every
	// role that is not named.
	Roles  map[string]Requirement `json:"roles"`
	Others Requirement            `json:"others"`
	// GraceDays is how long somebody may put off what is required, from their
	// first sign-in under it.
	GraceDays int64 `json:"graceDays"`
	// ProofMinutes is how long a proof is enough for what is dangerous.
	ProofMinutes int64 `json:"proofMinutes"`
}

// Bounds of a policy.
const (
	maxGraceDays    = 90
	maxProofMinutes = 24 * 60
	maxRoles        = 500
)

// InitialPolicy holds until something else is decided.
func InitialPolicy() Policy {
	return Policy{Roles: map[string]Requirement{"administrator": Required}, Others: Optional, GraceDays: 7, ProofMinutes: 10}
}

// For returns what holds for somebody who has the roles: the strictest wins.
func (p Policy) For(roles ...string) Requirement {
	strictest := -1
	for _, role := range roles {
		r, ok := p.Roles[role]
		if !ok {
			r = p.Others
		}
		strictest = max(strictest, slices.Index(strictness, r))
	}
	if strictest < 0 {
		return p.Others
	}
	return strictness[strictest]
}

// Grace is how long somebody may put off what is required.
func (p Policy) Grace() time.Duration { return time.Duration(p.GraceDays) * 24 * time.Hour }

// ProofFor is how long a proof is enough for what is dangerous.
func (p Policy) ProofFor() time.Duration { return time.Duration(p.ProofMinutes) * time.Minute }

func checkPolicy(p Policy) (Policy, error) {
	if !slices.Contains(strictness, p.Others) {
		return p, errs.InField("others", "this is not one of the choices")
	}
	if len(p.Roles) > maxRoles {
		return p, errs.InField("roles", "these are too many roles")
	}
	for role, r := range p.Roles {
		if role == "" || !slices.Contains(strictness, r) {
			return p, errs.InField("roles", "this is not one of the choices")
		}
	}
	if p.GraceDays < 0 || p.GraceDays > maxGraceDays {
		return p, errs.InField("graceDays", fmt.Sprintf("between 0 and %d days", maxGraceDays))
	}
	if p.ProofMinutes < 1 || p.ProofMinutes > maxProofMinutes {
		return p, errs.InField("proofMinutes", fmt.Sprintf("between 1 and %d minutes", maxProofMinutes))
	}
	return p, nil
}

// String is the policy in one line, for the record.
func (p Policy) String() string {
	var roles []string
	for role, r := range p.Roles {
		roles = append(roles, role+"="+string(r))
	}
	slices.Sort(roles)
	return strings.Join(append(roles, "others="+string(p.Others), "grace_days="+strconv.FormatInt(p.GraceDays, 10), "proof_minutes="+strconv.FormatInt(p.ProofMinutes, 10)), " ")
}
