package iam

import "fmt"

// phrases names each kind as AWS does in its refusals.
var phrases = map[Kind]string{
	Identity: "identity-based policy",
	Boundary: "permissions boundary",
	Session:  "session policy",
	Resource: "resource-based policy",
	Trust:    "role trust policy",
	Endpoint: "VPC endpoint policy",
	SCP:      "service control policy",
	RCP:      "resource control policy",
}

// Refusal returns what AWS would print for a request that r denies, or "" for
// an allowed one ("Troubleshoot access denied error messages"). Since 2026 AWS
// adds the ARN of the policy that denies; so do we, where it is known.
func (r Result) Refusal(req Request) string {
	if r.Decision == Allowed {
		return ""
	}
	what := fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s", req.Principal.ARN, req.Action, req.Resource)
	if r.Kind == Trust {
		what = fmt.Sprintf("User: %s is not authorized to perform: %s", req.Principal.ARN, req.Action)
	}
	if r.Decision == ImplicitDeny {
		return fmt.Sprintf("%s because no %s allows the %s action", what, phrases[r.Kind], req.Action)
	}
	article := "a"
	switch r.Kind {
	case Identity:
		article = "an"
	case Trust:
		article = "the"
	}
	text := fmt.Sprintf("%s with an explicit deny in %s %s", what, article, phrases[r.Kind])
	if arn := r.Denies[0].ARN; arn != "" {
		text += ": " + arn
	}
	return text
}
