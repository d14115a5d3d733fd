package server

import (
	"context"
	"net/http"

	"kakoi/internal/access"
	"kakoi/internal/identity"
)

type group struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Members int    `json:"members" doc:"Accounts in it."`
}

func groupOf(g access.Group) group { return group{g.ID, g.Name, g.Members} }

type member struct {
	AccountID string `json:"accountId"`
	Name      string `json:"name"`
	Email     string `json:"email"`
}

type groupName struct {
	Name string `json:"name" kind:"name" minLength:"1" maxLength:"100"`
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
	register(s, route{method: http.MethodGet, path: "/admin/groups", id: "listGroups", tag: "admin", summary: "The groups, by name."}, s.listGroups)
	register(s, route{method: http.MethodPost, path: "/admin/groups", id: "createGroup", tag: "admin", summary: "Makes a group.", status: http.StatusCreated}, s.createGroup)
	register(s, route{method: http.MethodPatch, path: "/admin/groups/{id}", id: "renameGroup", tag: "admin", summary: "Renames a group."}, s.renameGroup)
	register(s, route{method: http.MethodDelete, path: "/admin/groups/{id}", id: "deleteGroup", tag: "admin", summary: "Removes a group; its members stay.", status: http.StatusNoContent}, s.deleteGroup)
	register(s, route{method: http.MethodGet, path: "/admin/groups/{id}/members", id: "listMembers", tag: "admin", summary: "Who is in a group, by e-mail address."}, s.listMembers)
	register(s, route{method: http.MethodPut, path: "/admin/groups/{id}/members/{accountId}", id: "addMember", tag: "admin", summary: "Puts an account into a group.", status: http.StatusNoContent}, s.addMember)
	register(s, route{method: http.MethodDelete, path: "/admin/groups/{id}/members/{accountId}", id: "removeMember", tag: "admin", summary: "Takes an account out of a group.", status: http.StatusNoContent}, s.removeMember)
}

func (s *Server) listGroups(ctx context.Context, in *groupFilter) (*body[list[group]], error) {
	page, err := s.groups.List(ctx, access.GroupFilter(*in))
	if err != nil {
		return nil, err
	}
	return ok(list[group]{mapped(page.Items, groupOf), page.NextPageToken}), nil
}

func (s *Server) createGroup(ctx context.Context, in *struct{ Body groupName }) (*body[group], error) {
	g, err := s.groups.Create(ctx, in.Body.Name)
	if err != nil {
		return nil, err
	}
	return ok(groupOf(g)), nil
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

func (s *Server) deleteGroup(ctx context.Context, in *IDInput) (*none, error) {
	return nil, s.groups.Delete(ctx, in.ID)
}

func (s *Server) listMembers(ctx context.Context, in *struct {
	IDInput
	PageToken string `query:"pageToken" kind:"id" maxLength:"2000"`
	Limit     int    `query:"limit" kind:"number" minimum:"1" maximum:"200" default:"200"`
}) (*body[list[member]], error) {
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
