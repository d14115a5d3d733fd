package iam

import "strings"

// arnParts is how many parts an Amazon Resource Name has: arn, partition,
// service, region, account, resource. Colons after the fifth belong to the
// resource.
const arnParts = 6

// ARN is an Amazon Resource Name in its parts.
type ARN struct {
	Partition, Service, Region, Account, Resource string
}

// ParseARN reads s. Every part but the partition, the service and the resource
// may be empty: arn:aws:bedrock:::foundation-model/m is how Amazon Bedrock
// writes a model wherever it runs.
func ParseARN(s string) (ARN, bool) {
	p := strings.SplitN(s, ":", arnParts)
	if len(p) != arnParts || p[0] != "arn" || p[1] == "" || p[2] == "" || p[5] == "" {
		return ARN{}, false
	}
	return ARN{Partition: p[1], Service: p[2], Region: p[3], Account: p[4], Resource: p[5]}, true
}

func (a ARN) String() string {
	return strings.Join([]string{"arn", a.Partition, a.Service, a.Region, a.Account, a.Resource}, ":")
}

// Kind returns what the resource is (role, inference-profile, …) and the rest
// of its name.
func (a ARN) Kind() (kind, name string) {
	kind, name, _ = strings.Cut(a.Resource, "/")
	return kind, name
}

// split cuts p at its first five colons. A pattern with fewer has fewer parts.
func (p pattern) split() []pattern {
	var parts []pattern
	start := 0
	for i, c := range p {
		if c.char == ':' && !c.wild && len(parts) < arnParts-1 {
			parts = append(parts, p[start:i])
			start = i + 1
		}
	}
	return append(parts, p[start:])
}

// matchARN matches each of the six parts by itself, so that a wildcard never
// runs over a colon into the next ("IAM JSON policy elements: Condition
// operators", ARN condition operators; "… Resource").
func (p pattern) matchARN(s string) bool {
	parts, have := p.split(), strings.SplitN(s, ":", arnParts)
	if len(parts) != arnParts || len(have) != arnParts {
		return false
	}
	for i := range parts {
		if !parts[i].match(have[i]) {
			return false
		}
	}
	return true
}

// matchResource is matchARN for the Resource element, where * alone is
// everything and AWS completes an ARN of fewer parts with * ("IAM JSON policy elements: Resource").
func (p pattern) matchResource(s string) bool {
	if p.everything() {
		return true
	}
	if n := len(p.split()); n < arnParts {
		for range arnParts - n {
			p = append(p[:len(p):len(p)], symbol{char: ':'}, symbol{'*', true})
		}
	}
	return p.matchARN(s)
}
