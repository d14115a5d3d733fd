package server

import (
	"context"
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
