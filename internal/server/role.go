package server

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"kakoi/internal/access"
)

type role struct {
	ID          string    `json:"id"`
	Name        string    `json:"name" doc:"Empty of a built-in one, which the interface calls by its own name."`
	Description string    `json:"description"`
	BuiltIn     bool      `json:"builtIn"`
	Permissions []permits `json:"permissions"`
	Holders     int       `json:"holders" doc:"Accounts that hold it now."`
	CreatedAt   time.Time `json:"createdAt,omitzero"`
	UpdatedAt   time.Time `json:"updatedAt,omitzero"`
}

func roleOf(r access.Role) role {
	return role{
		ID: string(r.ID), Name: r.Name, Description: r.Description, BuiltIn: r.BuiltIn, Holders: r.Holders, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
		Permissions: mapped(r.Permissions, func(a access.Action) permits { return permits(a) }),
	}
}

// permits is one of the permissions there are, which the description lists.
type permits access.Action

// Schema implements huma.SchemaProvider.
func (permits) Schema(huma.Registry) *huma.Schema {
	all := mapped(access.Permissions(), func(a access.Action) any { return string(a) })
	return &huma.Schema{Type: huma.TypeString, Enum: all}
}

type roleDraft struct {
	Name        string    `json:"name" kind:"name" minLength:"1" maxLength:"100"`
	Description string    `json:"description,omitempty" kind:"freeText" maxLength:"500"`
	Permissions []permits `json:"permissions" kind:"enum" maxItems:"100"`
}

func (d roleDraft) draft() access.RoleDraft {
	return access.RoleDraft{
		Name: d.Name, Description: d.Description,
		Permissions: mapped(d.Permissions, func(a permits) access.Action { return access.Action(a) }),
	}
}

// permission is something that a role can permit.
type permission struct {
	Action   permits `json:"action"`
	Scopable bool    `json:"scopable" doc:"It can be held for one unit of the organisation."`
}

type roleList struct {
	Items       []role       `json:"items"`
	Permissions []permission `json:"permissions" doc:"All there are, in order."`
}

func (s *Server) roleOperations() {
	register(s, route{method: http.MethodGet, path: "/admin/roles", id: "listRoles", tag: "admin", needs: needs(access.RoleRead), summary: "The roles and what they permit, the built-in ones first."}, s.listRoles)
	register(s, route{method: http.MethodPost, path: "/admin/roles", id: "createRole", tag: "admin", needs: needs(access.RoleWrite), summary: "Makes a role.", status: http.StatusCreated}, s.createRole)
	register(s, route{method: http.MethodPut, path: "/admin/roles/{id}", id: "updateRole", tag: "admin", needs: needs(access.RoleWrite), summary: "Changes a role, at once for all who hold it."}, s.updateRole)
	register(s, route{method: http.MethodDelete, path: "/admin/roles/{id}", id: "deleteRole", tag: "admin", needs: needs(access.RoleWrite), summary: "Removes a role that nobody holds.", status: http.StatusNoContent}, s.deleteRole)
}

func (s *Server) listRoles(ctx context.Context, _ *none) (*body[roleList], error) {
	roles, err := s.roles.List(ctx)
	if err != nil {
		return nil, err
	}
	all := mapped(access.Permissions(), func(a access.Action) permission { return permission{permits(a), access.Scopable(a)} })
	return ok(roleList{mapped(roles, roleOf), all}), nil
}

func (s *Server) createRole(ctx context.Context, in *struct{ Body roleDraft }) (*body[role], error) {
	r, err := s.roles.Create(ctx, in.Body.draft())
	if err != nil {
		return nil, err
	}
	return ok(roleOf(r)), nil
}

func (s *Server) updateRole(ctx context.Context, in *struct {
	IDInput
	Body roleDraft
}) (*body[role], error) {
	r, err := s.roles.Update(ctx, access.RoleID(in.ID), in.Body.draft())
	if err != nil {
		return nil, err
	}
	return ok(roleOf(r)), nil
}

func (s *Server) deleteRole(ctx context.Context, in *IDInput) (*none, error) {
	return nil, s.roles.Delete(ctx, access.RoleID(in.ID))
}
