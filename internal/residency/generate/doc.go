// Package generate makes the policies for calls of Amazon Bedrock, exact and no
// wider: for the one who calls, for every role on the way, for the VPC
// endpoints, and for the SCP that stands in the way. What a call is checked for
// is asked of package simulate, so a document lists just that; and every set of
// documents is linted and simulated before anybody sees it.
// docs/policy-generate.md describes what goes in and comes out.
package generate
