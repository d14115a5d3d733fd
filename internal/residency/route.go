package residency

import "kakoi/internal/residency/simulate"

// Route implements simulate.Router by what is known of profiles.
func (p *Profiles) Route(region, modelID string) (simulate.Route, bool) {
	place := p.Bedrock(region, modelID)
	route := simulate.Route{Kind: simulate.InRegion, Model: place.Model, Destinations: place.Regions}
	switch {
	case place.Kind == Anywhere:
		route.Kind = simulate.Global
	case place.Kind != Regions:
		return simulate.Route{}, false
	case place.Profile != "":
		route.Kind = simulate.Geographic
	}
	return route, place.Model != "" // sources that disagree on the model tell none
}
