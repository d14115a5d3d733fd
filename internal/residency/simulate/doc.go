// Package simulate answers whether AWS would allow one call of Amazon Bedrock,
// which statement of which policy decides, and where the prompt could be
// processed. A call is many checks: each role of a chain is assumed first, and
// an inference profile is checked on itself, on the model where it is called
// and on the model in every Region it leads to. docs/policy-simulate.md
// describes the documents that go in and come out.
//
// The checks are those of the Amazon Bedrock User Guide ("Prerequisites for
// inference profiles", "Increase throughput with cross-Region inference"), the
// Service Authorization Reference ("Actions, resources, and condition keys for
// Amazon Bedrock") and the IAM User Guide ("Pass session tags in AWS STS",
// "Monitor and control actions taken with assumed roles"). Where a profile
// leads is data, and is asked of a Router.
package simulate
