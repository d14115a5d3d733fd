package residency

import (
	"slices"
	"strings"
)

// Bedrock returns where Amazon Bedrock processes what is sent to modelID (an
// id, an inference profile or an ARN) in region. The region itself is among the
// places: its endpoint has what is sent, wherever that is answered.
func (p *Profiles) Bedrock(region, modelID string) Place {
	place := p.byID(region, modelID)
	if strings.HasPrefix(modelID, "arn:") {
		place = p.byARN(region, modelID)
	}
	if place.Kind == Regions && !slices.Contains(place.Regions, region) {
		place.Regions, place.From = slices.Sorted(slices.Values(append(slices.Clone(place.Regions), region))), region
	}
	return place
}

// BedrockAt is Bedrock for calls that go to an endpoint by its own host. Where
// the host tells another region than the one that is called, both count.
func (p *Profiles) BedrockAt(host, region, modelID string) Place {
	place := p.Bedrock(region, modelID)
	reached, ok := bedrockRegion(strings.ToLower(strings.TrimSuffix(host, ".")))
	if !ok || reached == region {
		return place
	}
	other := p.Bedrock(reached, modelID)
	sum := union([]Place{place, other})
	sum.From = region
	return sum
}

// byID judges an id that is no ARN: an inference profile that is known, or a
// foundation model, which is answered where it is called.
func (p *Profiles) byID(region, id string) Place {
	if place, ok := p.byProfile(region, id, id); ok {
		return place
	}
	// A model's id begins with its provider. Anything else in that place may be
	// the geography of a profile that we do not know.
	if provider, model, ok := strings.Cut(id, "."); ok && model != "" && p.providers[provider] {
		return Place{Kind: Regions, Regions: []string{region}, Model: id}
	}
	return Place{Kind: Unknown, Name: id, From: region}
}

// byProfile returns where the profile leads when region is called: everywhere
// that the data or the provider's own list says, and false if neither knows it.
// named is what the call names it.
func (p *Profiles) byProfile(region, id, named string) (Place, bool) {
	var places []Place
	if d, ok := p.profiles[id]; ok {
		switch {
		case d.Anywhere:
			places = append(places, Place{Kind: Anywhere, Model: d.Model, Basis: d.Basis})
		case d.To[region] != nil:
			places = append(places, Place{Kind: Regions, Regions: d.To[region], Model: d.Model, Basis: d.Basis})
		}
	}
	if l, ok := p.listed[listedKey{named, region}]; ok {
		places = append(places, p.placeOf(l))
	}
	if len(places) == 0 {
		return Place{}, false
	}
	place := union(places)
	if place.Profile = named; place.Kind != Regions || !slices.Equal(place.Regions, []string{region}) {
		place.From = region
	}
	return place, true
}

// placeOf is where a listed profile leads: to the regions of its models' ARNs.
// The ARN without a region is how global routing is written. A guardrail is
// processed in its region, or where its own profile leads.
func (p *Profiles) placeOf(l Listed) Place {
	if len(l.Models) == 1 {
		switch a, _ := parseARN(l.Models[0]); a.kind {
		case "guardrail":
			return Place{Kind: Regions, Regions: []string{a.region}, Listed: l.At}
		case "guardrail-profile":
			if d := p.guards[a.id]; d.To[l.Region] != nil {
				return Place{Kind: Regions, Regions: d.To[l.Region], Basis: d.Basis}
			}
			return Place{Kind: Unknown, Name: a.id}
		}
	}
	return l.place()
}

func (l Listed) place() Place {
	place := Place{Kind: Regions, Model: modelOf(l.Models), Listed: l.At}
	for _, arn := range l.Models {
		a, ok := parseARN(arn)
		switch {
		case !ok || a.kind != "foundation-model":
			return Place{Kind: Unknown, Name: l.ID}
		case a.region == "":
			place.Kind = Anywhere
		case !slices.Contains(place.Regions, a.region):
			place.Regions = append(place.Regions, a.region)
		}
	}
	if len(l.Models) == 0 {
		return Place{Kind: Unknown, Name: l.ID}
	}
	if place.Kind == Anywhere {
		place.Regions = nil
	}
	slices.Sort(place.Regions)
	return place
}

// modelOf returns the foundation model that all the ARNs name, or "".
func modelOf(arns []string) string {
	var model string
	for _, arn := range arns {
		a, ok := parseARN(arn)
		if !ok || a.kind != "foundation-model" || model != "" && a.id != model {
			return ""
		}
		model = a.id
	}
	return model
}

// union is the place that is any of places. Sources that disagree are all
// believed: what may be sent somewhere must be permitted there.
func union(places []Place) Place {
	sum := places[0]
	for _, next := range places[1:] {
		if next.Kind == Unknown || sum.Kind == Unknown {
			return Place{Kind: Unknown, Name: sum.Name + next.Name}
		}
		if next.Kind == Anywhere || sum.Kind == Anywhere {
			sum.Kind, sum.Regions = Anywhere, nil
		} else {
			sum.Regions = slices.Concat(sum.Regions, next.Regions)
			slices.Sort(sum.Regions)
			sum.Regions = slices.Compact(sum.Regions)
		}
		if next.Model != sum.Model {
			sum.Model = ""
		}
		switch {
		case sum.Basis == "":
			sum.Basis = next.Basis
		case next.Basis != "" && next.Basis != sum.Basis:
			sum.Basis += "; " + next.Basis
		}
		if next.Listed.After(sum.Listed) {
			sum.Listed = next.Listed
		}
	}
	return sum
}

// arn is the ARN of something that a call may name as its model:
// arn:<partition>:bedrock:<region>:<account>:<kind>/<id>.
type arn struct{ region, account, kind, id string }

func parseARN(text string) (arn, bool) {
	fields := strings.SplitN(text, ":", 6)
	if len(fields) != 6 || fields[0] != "arn" || fields[2] != "bedrock" {
		return arn{}, false
	}
	kind, id, ok := strings.Cut(fields[5], "/")
	return arn{region: fields[3], account: fields[4], kind: kind, id: id}, ok && id != ""
}

// byARN judges an ARN. Where it names another region than the one that is
// called, Bedrock refuses the call or follows one of the two: both count.
func (p *Profiles) byARN(region, text string) Place {
	unknown := Place{Kind: Unknown, Name: text, From: region}
	a, ok := parseARN(text)
	if !ok {
		return unknown
	}
	switch a.kind {
	case "foundation-model":
		if a.region == "" {
			return Place{Kind: Anywhere, From: region, Model: a.id}
		}
		return between(region, a.region, Place{Model: a.id})
	case "inference-profile":
		home, ok := p.byProfile(a.region, a.id, a.id)
		if !ok {
			return unknown
		}
		if a.region != region {
			called, ok := p.byProfile(region, a.id, a.id)
			if !ok {
				return unknown
			}
			home = union([]Place{home, called})
		}
		home.From, home.Profile = region, text
		return home
	case "guardrail":
		if place, ok := p.byProfile(region, a.id, a.id); ok && a.region == region {
			return place
		}
	case "application-inference-profile":
		// It leads where the profile leads that it was copied from, which only
		// the account's own list says.
		if place, ok := p.byProfile(a.region, text, text); ok {
			place.From = region
			return place
		}
	case "provisioned-model", "custom-model", "custom-model-deployment", "imported-model":
		if a.region != "" {
			return between(region, a.region, Place{})
		}
	}
	// Prompt routers and what comes next lead elsewhere by settings that are not
	// in their name.
	return unknown
}

// between is the region that is called, and the one that an ARN names if that
// is another.
func between(called, named string, p Place) Place {
	p.Kind, p.Regions = Regions, []string{called}
	if named != called {
		p.Regions, p.From = []string{called, named}, called
		slices.Sort(p.Regions)
	}
	return p
}
