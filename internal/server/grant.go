package server

import (
	"context"
	"net/http"
	"slices"

	"kakoi/internal/access"
)

// grant lets a subject use an object, or keeps it from it.
type grant struct {
	Kind  access.SubjectKind `json:"kind" kind:"enum" enum:"everyone,account,group,unit"`
	ID    string             `json:"id,omitempty" kind:"id" maxLength:"64" doc:"Of the account, group or unit; absent for everyone."`
	Below bool               `json:"below,omitempty" kind:"enum" doc:"Of a unit: those who have a post in the units below it, too."`
	Deny  bool               `json:"deny,omitempty" kind:"enum" doc:"Keeps it from them, whatever else allows it."`
	Name  string             `json:"name,omitempty" kind:"name" maxLength:"200" doc:"Of the subject, in answers."`
}

func grantOf(g access.Grant) grant {
	return grant{Kind: g.Kind, ID: g.ID, Below: g.Below, Deny: g.Deny}
}

func (g grant) grant() access.Grant {
	return access.Grant{Subject: access.Subject{Kind: g.Kind, ID: g.ID, Below: g.Below}, Deny: g.Deny}
}

// grantsIn are those that a request gives; nil if it gives none.
func grantsIn(grants *[]grant) []access.Grant {
	if grants == nil {
		return nil
	}
	return mapped(*grants, grant.grant)
}

// grantsChanged are those that a request changes; nil if it leaves them.
func grantsChanged(grants *[]grant) *[]access.Grant {
	if grants == nil {
		return nil
	}
	all := grantsIn(grants)
	return &all
}

// namer returns what turns grants into those of an answer, which tells the name
// of their subject.
func (s *Server) namer(ctx context.Context, grants ...[]access.Grant) (func(access.Grant) grant, error) {
	names, err := s.grants.Names(ctx, slices.Concat(grants...)...)
	return func(g access.Grant) grant {
		out := grantOf(g)
		out.Name = names[g.Subject]
		return out
	}, err
}

// feature is a part of the program that can be kept from some people.
type feature struct {
	ID     access.Feature `json:"id" enum:"temporary,dictation,sharing,export,import"`
	Grants []grant        `json:"grants" doc:"Whom it is for. A deny wins; whom nothing allows does not have it."`
}

func (s *Server) featureOperations() {
	register(s, route{method: http.MethodGet, path: "/admin/features", id: "listFeatures", tag: "admin", needs: needs(access.SystemRead), summary: "The features and whom they are for."}, s.listFeatures)
	register(s, route{method: http.MethodPut, path: "/admin/features/{id}", id: "setFeature", tag: "admin", needs: needs(access.SystemWrite), summary: "Says whom a feature is for, from their next request on.", status: http.StatusNoContent}, s.setFeature)
}

func (s *Server) listFeatures(ctx context.Context, _ *none) (*body[list[feature]], error) {
	features, err := s.grants.Features(ctx)
	if err != nil {
		return nil, err
	}
	name, err := s.namer(ctx, mapped(features, func(f access.FeatureGrants) []access.Grant { return f.Grants })...)
	if err != nil {
		return nil, err
	}
	return ok(list[feature]{Items: mapped(features, func(f access.FeatureGrants) feature { return feature{f.Feature, mapped(f.Grants, name)} })}), nil
}

func (s *Server) setFeature(ctx context.Context, in *struct {
	IDInput
	Body struct {
		Grants []grant `json:"grants" maxItems:"500" doc:"Replaces all; none: nobody."`
	}
}) (*none, error) {
	return nil, s.grants.SetFeature(ctx, s.audit, access.Feature(in.ID), mapped(in.Body.Grants, grant.grant))
}
