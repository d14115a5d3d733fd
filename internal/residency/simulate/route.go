package simulate

import (
	"slices"
	"strings"

	"kakoi/internal/residency/iam"
)

// RouteKind is how a model is reached.
type RouteKind string

// The kinds of routes.
const (
	InRegion   RouteKind = "inRegion"   // processed in the Region that is called
	Geographic RouteKind = "geographic" // a profile over some Regions
	Global     RouteKind = "global"     // a profile over every commercial Region
)

// Route is where a model id leads from one Region.
type Route struct {
	Kind  RouteKind
	Model string // the foundation model behind it
	// Destinations are the Regions that may process the prompt, or nil for
	// Global.
	Destinations []string
}

// Router knows where model ids and system inference profiles lead. It answers
// false for what it does not know; nothing is inferred from a name.
type Router interface {
	Route(region, modelID string) (Route, bool)
}

// path is a route with what the checks of it name.
type path struct {
	Route
	id          string // as the call names it
	region      string // that is called
	profile     string // ARN of the profile, or ""
	application bool
	resource    string // ARN of what is no foundation model but a model of one's own, or ""
}

// ownModels are the resources that are models by themselves, in one Region.
var ownModels = []string{"provisioned-model", "custom-model-deployment", "imported-model", "custom-model"}

// resolve finds where id leads. ok is false where nobody knows.
func (r *run) resolve(id, region, account string) (p path, ok bool) {
	p = path{id: id, region: region}
	a, isARN := iam.ParseARN(id)
	if !isARN {
		if p.Route, ok = r.router.Route(region, id); ok && p.Kind != InRegion {
			p.profile = bedrockARN(region, account, "inference-profile/"+id)
		}
		return p, ok
	}
	kind, name := a.Kind()
	switch {
	case kind == "foundation-model":
		p.Route, ok = r.router.Route(region, name)
		return p, ok && p.Kind == InRegion && a.Region == region
	case kind == "inference-profile":
		p.profile = id
		p.Route, ok = r.router.Route(region, name)
		return p, ok && p.Kind != InRegion && a.Region == region
	case kind == "application-inference-profile":
		p.profile, p.application = id, true
		p.Route, ok = r.copied(id, region)
		return p, ok && a.Region == region
	case slices.Contains(ownModels, kind):
		p.resource = id
		p.Route = Route{Kind: InRegion, Model: name, Destinations: []string{region}}
		return p, a.Region == region
	}
	return p, false
}

// copied finds where an application profile leads: where the one does that it
// was made from.
func (r *run) copied(arn, region string) (Route, bool) {
	at := slices.IndexFunc(r.in.ApplicationProfiles, func(a ApplicationProfile) bool { return a.ARN == arn })
	if at < 0 {
		return r.router.Route(region, arn)
	}
	from, ok := iam.ParseARN(r.in.ApplicationProfiles[at].CopyFrom)
	kind, name := from.Kind()
	if !ok || from.Region != region || (kind != "foundation-model" && kind != "inference-profile") {
		return Route{}, false
	}
	return r.router.Route(region, name)
}

// bedrockARN writes an ARN of Amazon Bedrock in the partition of region.
func bedrockARN(region, account, resource string) string {
	return iam.ARN{Partition: partition(region), Service: "bedrock", Region: region, Account: account, Resource: resource}.String()
}

func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	}
	return "aws"
}
