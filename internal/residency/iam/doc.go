// Package iam reads the policies of AWS Identity and Access Management and
// decides what they decide: whether one request is allowed, and which
// statement of which policy says so. It knows the language (JSON policy
// elements, condition operators, policy variables) and the evaluation logic
// (identity, resource and trust policies, permissions boundaries, session
// policies, VPC endpoint policies, SCPs and RCPs, within an account and across
// two). It asks nobody: everything it needs is handed in.
//
// The rules are those of the IAM User Guide ("IAM JSON policy element
// reference", "Policy evaluation logic", "Grammar of the IAM JSON policy
// language") and the AWS Organizations User Guide ("SCP syntax", "SCP
// evaluation", "Resource control policies"). Where a rule is not obvious, its
// comment names the page.
package iam
