package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"kakoi/internal/access"
	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/residency/generate"
	"kakoi/internal/residency/iam"
	"kakoi/internal/residency/simulate"
)

// simulation and generation are the documents of `kakoi policy`.
type (
	simulation simulate.Output
	generation generate.Output
)

// SaidIn is the language of the sentences in an answer.
type SaidIn struct {
	Lang string `query:"lang" kind:"enum" enum:"ja,en" default:"en" doc:"Of the sentences in the answer."`
}

type generationInput struct {
	ConnectionID string          `json:"connectionId,omitempty" kind:"id" maxLength:"64" doc:"Fills in what the case leaves out: regions, roles, endpoints, and the models of the catalogue."`
	Case         json.RawMessage `json:"case" kind:"freeText" doc:"As kakoi policy generate takes it, docs/policy-generate.md."`
}

// policyBody bounds a question: the documents of two accounts.
const policyBody = simulate.MaxBytes + 64<<10

func (s *Server) simulationOperations() {
	register(s, route{method: http.MethodPost, path: "/admin/policy/simulate", id: "simulatePolicy", tag: "admin", needs: needs(access.SystemRead), body: policyBody,
		summary: "Whether AWS would allow a call of Amazon Bedrock, and where it would run (docs/policy-simulate.md). AWS is not asked."}, s.simulatePolicy)
	register(s, route{method: http.MethodPost, path: "/admin/policy/generate", id: "generatePolicy", tag: "admin", needs: needs(access.SystemRead), body: policyBody,
		summary: "The exact policies that calls of Amazon Bedrock need, on both sides (docs/policy-generate.md)."}, s.generatePolicy)
}

func (s *Server) simulatePolicy(ctx context.Context, in *struct {
	SaidIn
	Body json.RawMessage `kind:"freeText" doc:"The question, docs/policy-simulate.md."`
}) (*body[simulation], error) {
	out, err := s.places.Simulate(ctx, in.Body)
	if err != nil {
		return nil, badPolicy(err, in.Lang)
	}
	out.Say(iam.Lang(in.Lang))
	return ok(simulation(out)), nil
}

func (s *Server) generatePolicy(ctx context.Context, in *struct {
	SaidIn
	Body generationInput
}) (*body[generation], error) {
	out, err := s.places.Generate(ctx, in.Body.Case, func(c *generate.Case) error {
		if in.Body.ConnectionID == "" {
			return nil
		}
		return s.fillCase(ctx, c, in.Body.ConnectionID)
	})
	if err != nil {
		return nil, badPolicy(err, in.Lang)
	}
	out.Say(iam.Lang(in.Lang))
	return ok(generation(out)), nil
}

// badPolicy is the failure for a question or a case that is none. What is wrong
// is said in the person's language, with the place.
func badPolicy(err error, lang string) error {
	var wrong *simulate.InputError
	if !errors.As(err, &wrong) {
		return err
	}
	return errs.InField(wrong.Problems[0].Field, wrong.Text(iam.Lang(lang)))
}

// fillCase puts what a stored connection says into a case, where the case does
// not say it.
func (s *Server) fillCase(ctx context.Context, c *generate.Case, id string) error {
	connection, err := s.catalogue.Connection(ctx, id)
	if err != nil {
		return err
	}
	if connection.Kind != model.KindBedrock {
		return errs.InField("connectionId", "this is no connection to Amazon Bedrock")
	}
	set := connection.Settings
	if len(c.Regions) == 0 {
		c.Regions = []string{set.Region}
	}
	if len(c.Chain) == 0 {
		for _, role := range set.Roles {
			c.Chain = append(c.Chain, hopOf(role, set.Region))
		}
	}
	if len(c.VPCEndpoints) == 0 {
		c.VPCEndpoints = endpointsOf(set)
	}
	if len(c.Models) == 0 {
		models, err := s.catalogue.Models(ctx)
		if err != nil {
			return err
		}
		for _, m := range models {
			if m.ConnectionID == id && m.Enabled {
				c.Models = append(c.Models, m.RemoteID)
			}
		}
	}
	if len(c.AllowedRegions) > 0 {
		return nil
	}
	policy, err := s.residency.Read(ctx)
	if err != nil {
		return err
	}
	for _, rule := range policy.Value.Rules {
		c.AllowedRegions = append(c.AllowedRegions, rule.Regions...)
	}
	return nil
}

func hopOf(r model.AssumedRole, region string) generate.Hop {
	hop := generate.Hop{RoleARN: r.ARN, ExternalID: r.ExternalID, SessionTags: r.Tags, SourceIdentity: r.SourceIdentity, STSRegion: r.Region}
	if hop.STSRegion == "" {
		hop.STSRegion = region
	}
	if r.TransitiveTags {
		for key := range r.Tags {
			hop.TransitiveTagKeys = append(hop.TransitiveTagKeys, key)
		}
		slices.Sort(hop.TransitiveTagKeys)
	}
	return hop
}

// endpointsOf are the VPC endpoints that a connection's addresses name.
func endpointsOf(set model.Settings) (list []generate.Endpoint) {
	addresses := []string{set.Endpoint, set.ControlEndpoint, set.STSEndpoint}
	for _, role := range set.Roles {
		addresses = append(addresses, role.Endpoint)
	}
	for _, address := range addresses {
		if e, ok := endpointOf(address); ok && !slices.Contains(list, e) {
			list = append(list, e)
		}
	}
	return list
}

// endpointOf reads vpce-<id>-<random>[-<zone>].<service>.<region>.vpce.amazonaws.com.
func endpointOf(address string) (generate.Endpoint, bool) {
	u, err := url.Parse(address)
	if err != nil {
		return generate.Endpoint{}, false
	}
	labels := strings.Split(u.Hostname(), ".")
	name := strings.Split(labels[0], "-")
	if len(labels) < 5 || labels[3] != "vpce" || len(name) < 2 || name[0] != "vpce" {
		return generate.Endpoint{}, false
	}
	return generate.Endpoint{ID: "vpce-" + name[1], Service: labels[1], Region: labels[2]}, true
}
