// Package residency knows where data is processed and decides whether it may
// go there. There is no policy yet: every place is permitted, and
// the decision that is recorded says "no policy".
package residency

import (
	"context"
	"net/netip"
	"slices"
	"strings"
)

// Kind is how precisely a place is known.
type Kind string

// The kinds of places.
const (
	Server    Kind = "server"    // this machine
	Host      Kind = "host"      // a server by its name or address; where it stands, its owner knows
	Region    Kind = "region"    // one region of a cloud
	Geography Kind = "geography" // whichever region of a geography the cloud chooses, or anywhere for "global"
	Unknown   Kind = "unknown"   // a name that does not tell, such as an application inference profile
)

// Place is where a model's input is processed.
type Place struct {
	Kind Kind
	Name string // host, region, geography ("jp", "apac", "us", "eu", "global", …), or the name that does not tell
	From string // region that is called, for Geography and Unknown
}

// String returns p as records and API show it.
func (p Place) String() string {
	switch {
	case p.Kind == Server:
		return "this server"
	case p.From != "":
		return p.Name + " (from " + p.From + ")"
	}
	return p.Name
}

// ThisServer is the place of what never leaves the machine.
func ThisServer() Place { return Place{Kind: Server} }

// geographies are the prefixes of Amazon Bedrock's inference profiles. A
// profile is served by any region of its geography, whichever is called; which
// these are depends on the profile and the region that calls.
var geographies = []string{"jp", "apac", "au", "ca", "eu", "global", "us", "us-gov"}

// OfBedrock returns where Amazon Bedrock processes what is sent to modelID (an
// id, an inference profile or an ARN) in region.
func OfBedrock(region, modelID string) Place {
	if arn, ok := strings.CutPrefix(modelID, "arn:"); ok {
		return ofARN(region, arn, modelID)
	}
	return ofModel(region, modelID)
}

// ofModel judges a bare id: a geography's prefix makes it a profile.
func ofModel(region, id string) Place {
	if prefix, rest, ok := strings.Cut(id, "."); ok && slices.Contains(geographies, prefix) && strings.Contains(rest, ".") {
		return Place{Kind: Geography, Name: prefix, From: region}
	}
	return Place{Kind: Region, Name: region}
}

// ofARN judges "aws:bedrock:<region>:<account>:<type>/<id>".
func ofARN(region, arn, whole string) Place {
	fields := strings.SplitN(arn, ":", 5)
	if len(fields) != 5 {
		return Place{Kind: Unknown, Name: whole, From: region}
	}
	kind, id, _ := strings.Cut(fields[4], "/")
	in := fields[2]
	switch kind {
	case "foundation-model":
		if in == "" { // the region-less ARN is how global routing is written
			return Place{Kind: Geography, Name: "global", From: region}
		}
		return Place{Kind: Region, Name: in}
	case "inference-profile":
		if place := ofModel(in, id); place.Kind == Geography {
			return place
		}
	case "provisioned-model", "custom-model", "custom-model-deployment", "imported-model":
		if in != "" {
			return Place{Kind: Region, Name: in}
		}
	}
	// Application profiles, prompt routers and what comes next lead elsewhere
	// by settings that are not in their name.
	return Place{Kind: Unknown, Name: kind + "/" + id, From: in}
}

// OfHost returns where a server that is reached by host (a name or an address)
// processes what is sent to modelID. A cloud's host tells its region.
func OfHost(host, modelID string) Place {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return ThisServer()
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Unmap().IsLoopback() {
			return ThisServer()
		}
		return Place{Kind: Host, Name: ip.Unmap().String()}
	}
	if region, ok := bedrockRegion(host); ok {
		return OfBedrock(region, modelID)
	}
	return Place{Kind: Host, Name: host}
}

// bedrockRegion finds the region in the host of a Bedrock endpoint, public or
// in a private network: bedrock-runtime.<region>.amazonaws.com,
// vpce-….bedrock-runtime.<region>.vpce.amazonaws.com, bedrock-mantle.<region>.api.aws.
func bedrockRegion(host string) (string, bool) {
	if !strings.HasSuffix(host, ".amazonaws.com") && !strings.HasSuffix(host, ".amazonaws.com.cn") && !strings.HasSuffix(host, ".api.aws") {
		return "", false
	}
	labels := strings.Split(host, ".")
	for i, label := range labels[:len(labels)-1] {
		if label == "bedrock" || strings.HasPrefix(label, "bedrock-") {
			return labels[i+1], true
		}
	}
	return "", false
}

// Decision says whether data may be processed at a place, and why.
type Decision struct {
	Allowed bool
	Reason  string // for the person who is refused and for the record
	Place   Place
}

// Policy decides where data may be processed.
type Policy struct{}

// Decide permits every place: there is no policy yet, and the reason says so.
func (Policy) Decide(_ context.Context, p Place) Decision {
	return Decision{Allowed: true, Reason: "no policy", Place: p}
}
