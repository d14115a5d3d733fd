package server

import (
	"context"
	"net/http"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/classification"
	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/residency"
	"kakoi/internal/setting"
)

// place is where a model's input is processed.
type place struct {
	Kind    string   `json:"kind" enum:"server,host,regions,anywhere,unknown"`
	Name    string   `json:"name,omitempty" doc:"Host, or the name that does not tell."`
	Country string   `json:"country,omitempty" doc:"Of a host, as its owner declared it: ISO 3166-1 alpha-2."`
	Regions []string `json:"regions,omitempty" doc:"Every region that may be chosen, sorted."`
	From    string   `json:"from,omitempty" doc:"The region that is called, unless the place is that region alone."`
	Profile string   `json:"profile,omitempty" doc:"The inference profile that leads there."`
	Model   string   `json:"model,omitempty" doc:"The foundation model, as its provider calls it, where that is known."`
	Basis   string   `json:"basis,omitempty" doc:"How it is known, where the data of inference profiles says it."`
	// Listed is of profiles that Amazon Bedrock told us of.
	Listed time.Time `json:"listed,omitzero" doc:"When Amazon Bedrock itself listed the profile."`
}

func placeOf(p residency.Place) place {
	return place{string(p.Kind), p.Name, p.Country, p.Regions, p.From, p.Profile, p.Model, p.Basis, p.Listed}
}

// decision is what the residency policy says of a call.
type decision struct {
	Allowed bool                   `json:"allowed"`
	Place   place                  `json:"place"`
	Reason  residency.Code         `json:"reason" enum:"nothing_decided,permitted,no_rule,model_barred,class_barred,region_barred,anywhere_barred,place_unknown,country_unknown,country_barred,decision_missing"`
	Params  map[string]string      `json:"params" doc:"What the reason speaks of."`
	Text    string                 `json:"text" doc:"The reason in one English clause, as the record has it."`
	Instead []string               `json:"instead" doc:"Other ways to the same model that the policy permits."`
	Only    []string               `json:"only,omitempty" doc:"Groups whose members may use a model that not everybody may whom it is for."`
	Classes []classification.Class `json:"classes,omitempty" doc:"How confidential what is written to a model may be that not everything may be written to; 0 is unclassified."`
}

func decisionOf(d residency.Decision) *decision {
	return &decision{d.Allowed, placeOf(d.Place), d.Reason.Code, d.Reason.Params(), d.Reason.String(), orEmpty(d.Instead), d.Only, d.Classes}
}

type residencyRule struct {
	Name      string                 `json:"name" kind:"name" minLength:"1" maxLength:"200"`
	GroupIDs  []string               `json:"groupIds" kind:"id" maxItems:"200" doc:"Whom it is for; empty: everyone."`
	Regions   []string               `json:"regions" kind:"name" maxItems:"100" doc:"Regions of clouds that it permits."`
	Countries []string               `json:"countries" kind:"name" maxItems:"300" doc:"Countries, of servers whose owner declared one."`
	Models    []string               `json:"models" kind:"name" maxItems:"200" doc:"Foundation models that it is for, * for any text; empty: all."`
	Classes   []classification.Class `json:"classes" required:"false" kind:"number" maxItems:"3" doc:"How confidential what is sent may be, of 1 to 3; empty: whatever it is, also unclassified."`
}

type residencyPolicy struct {
	Open          bool            `json:"open" doc:"Every place is permitted, known or not."`
	Rules         []residencyRule `json:"rules"`
	Version       int64           `json:"version" doc:"0: nothing was decided yet, and what the installation begins with holds."`
	ChangedBy     string          `json:"changedBy,omitempty" doc:"The account."`
	ChangedByName string          `json:"changedByName,omitempty"`
	ChangedAt     time.Time       `json:"changedAt,omitzero"`
	Data          residencyData   `json:"data"`
}

// residencyData is what is known of regions.
type residencyData struct {
	Version string   `json:"version" doc:"Date of the data of inference profiles."`
	Regions []region `json:"regions"`
}

type region struct {
	ID       string `json:"id"`
	Country  string `json:"country" doc:"ISO 3166-1 alpha-2."`
	Japanese string `json:"ja"`
	English  string `json:"en"`
}

type residencyChange struct {
	Open    bool            `json:"open" kind:"enum" doc:"Every place is permitted; the rules are dropped."`
	Rules   []residencyRule `json:"rules" maxItems:"50" doc:"A call is permitted if one of them permits it."`
	Version int64           `json:"version" kind:"number" minimum:"0" doc:"That was read before."`
}

// residencyDraft is a policy that is being written.
type residencyDraft struct {
	Open  bool            `json:"open" kind:"enum" doc:"Every place is permitted; the rules are dropped."`
	Rules []residencyRule `json:"rules" maxItems:"50" doc:"A call is permitted if one of them permits it."`
}

// foreseen is what a policy would mean for a model of the catalogue.
type foreseen struct {
	ModelID string   `json:"modelId"`
	Now     decision `json:"now" doc:"By the policy that holds."`
	Then    decision `json:"then" doc:"By the one that is asked about."`
}

// profileRoute is where an inference profile leads.
type profileRoute struct {
	ID    string `json:"id" doc:"As calls name it: id or ARN."`
	Place place  `json:"place"`
}

type explainInput struct {
	EntryID      string `json:"entryId,omitempty" kind:"id" maxLength:"64" doc:"A model of the catalogue, with all that its calls reach; absent: one that is named."`
	ConnectionID string `json:"connectionId,omitempty" kind:"id" maxLength:"64" doc:"By which a model that is named is called; absent: Amazon Bedrock in the region."`

	Region   string               `json:"region,omitempty" kind:"name" maxLength:"64" doc:"That is called, without a connection."`
	ModelID  string               `json:"modelId,omitempty" kind:"name" maxLength:"2048" doc:"Model, inference profile or ARN, unless it is one of the catalogue."`
	GroupIDs []string             `json:"groupIds,omitempty" kind:"id" maxItems:"200" doc:"Of the person who asks; absent: none."`
	Class    classification.Class `json:"class,omitempty" kind:"number" minimum:"0" maximum:"3" doc:"How confidential what is sent is, 1 to 3; 0 or absent: nobody has said."`
}

func (s *Server) residencyOperations() {
	register(s, route{method: http.MethodGet, path: "/admin/residency", id: "getResidency", tag: "admin", needs: needs(access.SystemRead), summary: "Where what people write may be processed, and what is known of regions."}, s.getResidency)
	register(s, route{method: http.MethodPut, path: "/admin/residency", id: "updateResidency", tag: "admin", needs: needs(access.SystemWrite), summary: "Decides where what people write may be processed, from the next call on."}, s.updateResidency)
	register(s, route{method: http.MethodPost, path: "/admin/residency/explain", id: "explainResidency", tag: "admin", needs: needs(access.SystemRead), summary: "Where a model would process a call, and whether the policy permits it."}, s.explainResidency)
	register(s, route{method: http.MethodPost, path: "/admin/residency/preview", id: "previewResidency", tag: "admin", needs: needs(access.ModelRead), summary: "What a policy would mean for each model of the catalogue, if it held."}, s.previewResidency)
	register(s, route{method: http.MethodGet, path: "/admin/residency/profiles", id: "listInferenceProfiles", tag: "admin", needs: needs(access.SystemRead), summary: "The inference profiles that are known from a region, and where they lead."}, s.listInferenceProfiles)
}

func (s *Server) residencyOf(k setting.Kept[residency.Policy]) residencyPolicy {
	known := s.places.Profiles()
	regions := mapped(known.RegionNames(), func(name string) region {
		r, _ := known.Region(name)
		return region{name, r.Country, r.Japanese, r.English}
	})
	return residencyPolicy{
		k.Value.Open, mapped(k.Value.Rules, func(r residency.Rule) residencyRule {
			r.Classes = orEmpty(r.Classes)
			return residencyRule(r)
		}),
		k.Version, k.ChangedBy, k.ChangedByName, k.ChangedAt, residencyData{known.Version(), regions},
	}
}

func (s *Server) getResidency(ctx context.Context, _ *none) (*body[residencyPolicy], error) {
	k, err := s.residency.Read(ctx)
	if err != nil {
		return nil, err
	}
	return ok(s.residencyOf(k)), nil
}

func (s *Server) updateResidency(ctx context.Context, in *struct{ Body residencyChange }) (*body[residencyPolicy], error) {
	rules := mapped(in.Body.Rules, func(r residencyRule) residency.Rule { return residency.Rule(r) })
	k, err := s.residency.Write(ctx, in.Body.Version, residency.Policy{Open: in.Body.Open, Rules: rules})
	if err != nil {
		return nil, err
	}
	return ok(s.residencyOf(k)), nil
}

func (s *Server) explainResidency(ctx context.Context, in *struct{ Body explainInput }) (*body[decision], error) {
	b := in.Body
	call := residency.Call{ModelID: b.ModelID, GroupIDs: b.GroupIDs, Class: b.Class}
	var d residency.Decision
	var err error
	switch {
	case b.EntryID != "":
		d, err = s.catalogue.ExplainModel(ctx, b.EntryID, call)
	case b.ConnectionID != "":
		d, err = s.catalogue.Explain(ctx, b.ConnectionID, call)
	default:
		d, err = s.places.Explain(ctx, b.Region, call)
	}
	if err != nil {
		return nil, err
	}
	return ok(*decisionOf(d)), nil
}

func (s *Server) previewResidency(ctx context.Context, in *struct{ Body residencyDraft }) (*body[list[foreseen]], error) {
	rules := mapped(in.Body.Rules, func(r residencyRule) residency.Rule { return residency.Rule(r) })
	now, err := s.catalogue.Judged(ctx)
	if err != nil {
		return nil, err
	}
	judge, err := s.places.Foresee(residency.Policy{Open: in.Body.Open, Rules: rules})
	if err != nil {
		return nil, err
	}
	then, err := s.catalogue.JudgedBy(ctx, judge)
	if err != nil {
		return nil, err
	}
	models, err := s.catalogue.Models(ctx)
	if err != nil {
		return nil, err
	}
	return ok(list[foreseen]{Items: mapped(models, func(m model.Model) foreseen {
		return foreseen{m.ID, *decisionOf(now[m.ID]), *decisionOf(then[m.ID])}
	})}), nil
}

func (s *Server) listInferenceProfiles(ctx context.Context, in *struct {
	Region string `query:"region" kind:"name" maxLength:"64" doc:"That is called."`
}) (*body[list[profileRoute]], error) {
	known, err := s.places.Known(ctx)
	if err != nil {
		return nil, err
	}
	if _, exists := known.Region(in.Region); !exists {
		return nil, errs.InField("region", "this is not a region that is known, such as ap-northeast-1")
	}
	return ok(list[profileRoute]{Items: mapped(known.From(in.Region), func(id string) profileRoute {
		return profileRoute{id, placeOf(known.Bedrock(in.Region, id))}
	})}), nil
}
