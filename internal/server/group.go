package server

import (
	"context"
	"net/http"

	"kakoi/internal/access"
	"kakoi/internal/identity"
)

type group struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Rule    *groupRule `json:"rule,omitempty" doc:"Who is in it by what they are; absent: its members are chosen one by one."`
	Members int        `json:"members" doc:"Accounts in it."`
}

// groupRule says who is in a group. Each part that is given has to fit; where
// units and titles are, one and the same post has to.
type groupRule struct {
	UnitIDs      []string `json:"unitIds,omitempty" kind:"id" maxItems:"200"`
	Below        bool     `json:"below,omitempty" kind:"enum" doc:"Posts in units below those count too."`
	Titles       []string `json:"titles,omitempty" kind:"name" maxItems:"200"`
	EmailDomains []string `json:"emailDomains,omitempty" kind:"name" maxItems:"200" doc:"What stands behind the @, in lower case."`
}

func groupOf(g access.Group) group { return group{g.ID, g.Name, (*groupRule)(g.Rule), g.Members} }

type member struct {
	AccountID string `json:"accountId"`
	Name      string `json:"name"`
	Email     string `json:"email"`
}

type groupName struct {
	Name string `json:"name" kind:"name" minLength:"1" maxLength:"100"`
}

type newGroup struct {
	Name string     `json:"name" kind:"name" minLength:"1" maxLength:"100"`
	Rule *groupRule `json:"rule,omitempty" doc:"Absent: its members are chosen one by one."`
}

type groupFilter struct {
	Search    string `query:"search" kind:"freeText" maxLength:"200" doc:"Part of the name, in any width and case."`
	PageToken string `query:"pageToken" kind:"id" maxLength:"2000"`
	Limit     int    `query:"limit" kind:"number" minimum:"1" maximum:"200"`
}

type memberInput struct {
	IDInput
	AccountID string `path:"accountId" kind:"id" maxLength:"64"`
}

func (s *Server) groupOperations() {
	register(s, route{method: http.MethodGet, path: "/admin/groups", id: "listGroups", tag: "admin", needs: needs(access.GroupRead), summary: "The groups, by name."}, s.listGroups)
	register(s, route{method: http.MethodPost, path: "/admin/groups", id: "createGroup", tag: "admin", needs: needs(access.GroupWrite), summary: "Makes a group.", status: http.StatusCreated}, s.createGroup)
	register(s, route{method: http.MethodPost, path: "/admin/groups/preview", id: "previewGroup", tag: "admin", needs: needs(access.GroupWrite), summary: "Counts whom a rule fits; nothing changes."}, s.previewGroup)
	register(s, route{method: http.MethodPatch, path: "/admin/groups/{id}", id: "renameGroup", tag: "admin", needs: needs(access.GroupWrite), summary: "Renames a group."}, s.renameGroup)
	register(s, route{method: http.MethodPut, path: "/admin/groups/{id}/rule", id: "setGroupRule", tag: "admin", needs: needs(access.GroupWrite), summary: "Says who is in a group that has a rule."}, s.setGroupRule)
	register(s, route{method: http.MethodDelete, path: "/admin/groups/{id}", id: "deleteGroup", tag: "admin", needs: needs(access.GroupWrite), summary: "Removes a group; its members stay.", status: http.StatusNoContent}, s.deleteGroup)
	register(s, route{method: http.MethodGet, path: "/admin/groups/{id}/members", id: "listMembers", tag: "admin", needs: needs(access.GroupRead, access.AccountRead), summary: "Who is in a group, by e-mail address."}, s.listMembers)
	register(s, route{method: http.MethodPut, path: "/admin/groups/{id}/members/{accountId}", id: "addMember", tag: "admin", needs: needs(access.GroupWrite), summary: "Puts an account into a group.", status: http.StatusNoContent}, s.addMember)
	register(s, route{method: http.MethodDelete, path: "/admin/groups/{id}/members/{accountId}", id: "removeMember", tag: "admin", needs: needs(access.GroupWrite), summary: "Takes an account out of a group.", status: http.StatusNoContent}, s.removeMember)
}

func (s *Server) listGroups(ctx context.Context, in *groupFilter) (*body[list[group]], error) {
	page, err := s.groups.List(ctx, access.GroupFilter(*in))
	if err != nil {
		return nil, err
	}
	return ok(list[group]{mapped(page.Items, groupOf), page.NextPageToken}), nil
}

func (s *Server) createGroup(ctx context.Context, in *struct{ Body newGroup }) (*body[group], error) {
	g, err := s.groups.Create(ctx, in.Body.Name, (*access.Rule)(in.Body.Rule))
	if err != nil {
		return nil, err
	}
	return ok(groupOf(g)), nil
}

// fitting says whom a rule fits.
type fitting struct {
	Members int `json:"members" doc:"Accounts, now."`
}

func (s *Server) previewGroup(ctx context.Context, in *struct{ Body groupRule }) (*body[fitting], error) {
	n, err := s.groups.Preview(ctx, access.Rule(in.Body))
	if err != nil {
		return nil, err
	}
	return ok(fitting{n}), nil
}

func (s *Server) renameGroup(ctx context.Context, in *struct {
	IDInput
	Body groupName
}) (*body[group], error) {
	g, err := s.groups.Rename(ctx, in.ID, in.Body.Name)
	if err != nil {
		return nil, err
	}
	return ok(groupOf(g)), nil
}

func (s *Server) setGroupRule(ctx context.Context, in *struct {
	IDInput
	Body groupRule
}) (*body[group], error) {
	g, err := s.groups.SetRule(ctx, in.ID, access.Rule(in.Body))
	if err != nil {
		return nil, err
	}
	return ok(groupOf(g)), nil
}

func (s *Server) deleteGroup(ctx context.Context, in *IDInput) (*none, error) {
	return nil, s.groups.Delete(ctx, in.ID)
}

func (s *Server) listMembers(ctx context.Context, in *struct {
	IDInput
	PageToken string `query:"pageToken" kind:"id" maxLength:"2000"`
	Limit     int    `query:"limit" kind:"number" minimum:"1" maximum:"200" default:"200"`
}) (*body[list[member]], error) {
	// Who may not know people is told nothing of the group either.
	if _, err := access.Authorize(ctx, access.AccountRead, access.Resource{Kind: access.KindAccount, Any: true}); err != nil {
		return nil, err
	}
	if _, err := s.groups.Group(ctx, in.ID); err != nil {
		return nil, err
	}
	page, err := s.identity.Accounts(ctx, identity.AccountFilter{GroupID: in.ID, PageToken: in.PageToken, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	members := mapped(page.Items, func(a identity.Account) member { return member{a.ID, a.Name, a.Email} })
	return ok(list[member]{members, page.NextPageToken}), nil
}

func (s *Server) addMember(ctx context.Context, in *memberInput) (*none, error) {
	return nil, s.groups.AddMembers(ctx, in.ID, in.AccountID)
}

func (s *Server) removeMember(ctx context.Context, in *memberInput) (*none, error) {
	return nil, s.groups.RemoveMembers(ctx, in.ID, in.AccountID)
}
