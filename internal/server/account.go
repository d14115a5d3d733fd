package server

import (
	"context"
	"net/http"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/identity"
)

// account is a person as an administrator sees them.
type account struct {
	ID                 string      `json:"id"`
	Email              string      `json:"email"`
	Name               string      `json:"name"`
	Role               access.Role `json:"role" enum:"administrator,member"`
	Disabled           bool        `json:"disabled"`
	MustChangePassword bool        `json:"mustChangePassword" doc:"Holds a temporary password."`
	GroupIDs           []string    `json:"groupIds"`
	LastSignedInAt     time.Time   `json:"lastSignedInAt,omitzero" doc:"Absent if never."`
	CreatedAt          time.Time   `json:"createdAt"`
	UpdatedAt          time.Time   `json:"updatedAt"`
}

func accountOf(a identity.Account) account {
	return account{
		ID: a.ID, Email: a.Email, Name: a.Name, Role: a.Role, Disabled: a.Disabled, MustChangePassword: a.MustChangePassword,
		GroupIDs: orEmpty(a.GroupIDs), LastSignedInAt: a.LastSignedInAt, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
	}
}

type accountCounts struct {
	Total          int `json:"total"`
	Active         int `json:"active"`
	Disabled       int `json:"disabled"`
	Administrators int `json:"administrators" doc:"Active ones."`
}

type accountPage struct {
	Items         []account     `json:"items"`
	NextPageToken string        `json:"nextPageToken,omitempty"`
	Counts        accountCounts `json:"counts" doc:"Of all accounts, whatever was searched for."`
}

type accountFilter struct {
	Search    string          `query:"search" kind:"freeText" maxLength:"200" doc:"Part of the name or the e-mail, in any width and case."`
	Role      access.Role     `query:"role" kind:"enum" enum:"administrator,member"`
	Status    identity.Status `query:"status" kind:"enum" enum:"active,disabled"`
	GroupID   string          `query:"groupId" kind:"id" maxLength:"64"`
	PageToken string          `query:"pageToken" kind:"id" maxLength:"2000"`
	Limit     int             `query:"limit" kind:"number" minimum:"1" maximum:"200"`
}

type newAccount struct {
	Email    string      `json:"email" kind:"name" minLength:"1" maxLength:"254"`
	Name     string      `json:"name" kind:"name" minLength:"1" maxLength:"200"`
	Role     access.Role `json:"role" kind:"enum" enum:"administrator,member"`
	GroupIDs []string    `json:"groupIds,omitempty" kind:"id" maxItems:"200"`
}

type accountChange struct {
	Name     *string      `json:"name,omitempty" kind:"name" minLength:"1" maxLength:"200"`
	Role     *access.Role `json:"role,omitempty" kind:"enum" enum:"administrator,member"`
	Disabled *bool        `json:"disabled,omitempty" kind:"enum"`
	GroupIDs *[]string    `json:"groupIds,omitempty" kind:"id" maxItems:"200"`
}

type createdAccount struct {
	Account           account `json:"account"`
	TemporaryPassword string  `json:"temporaryPassword" doc:"Shown this once; must be replaced at the first sign-in, within seven days."`
}

type temporaryPassword struct {
	TemporaryPassword string `json:"temporaryPassword" doc:"Shown this once; must be replaced at the next sign-in, within seven days."`
}

func (s *Server) accountOperations() {
	register(s, route{method: http.MethodGet, path: "/admin/accounts", id: "listAccounts", tag: "admin", summary: "The accounts, by e-mail address."}, s.listAccounts)
	register(s, route{method: http.MethodPost, path: "/admin/accounts", id: "createAccount", tag: "admin", summary: "Makes an account with a temporary password.", status: http.StatusCreated}, s.createAccount)
	register(s, route{method: http.MethodGet, path: "/admin/accounts/{id}", id: "getAccount", tag: "admin", summary: "One account."}, s.getAccount)
	register(s, route{method: http.MethodPatch, path: "/admin/accounts/{id}", id: "updateAccount", tag: "admin", summary: "Changes an account; disabling it ends its sessions and streams."}, s.updateAccount)
	register(s, route{method: http.MethodPost, path: "/admin/accounts/{id}/password", id: "resetPassword", tag: "admin", summary: "Gives an account a temporary password and ends its sessions."}, s.resetPassword)
	register(s, route{method: http.MethodGet, path: "/admin/accounts/{id}/sessions", id: "listAccountSessions", tag: "admin", summary: "Where an account is signed in."}, s.listAccountSessions)
	register(s, route{method: http.MethodDelete, path: "/admin/accounts/{id}/sessions", id: "endAccountSessions", tag: "admin", summary: "Signs an account out everywhere."}, s.endAccountSessions)
	register(s, route{method: http.MethodDelete, path: "/admin/accounts/{id}/sessions/{sessionId}", id: "endAccountSession", tag: "admin", summary: "Ends one session of an account.", status: http.StatusNoContent}, s.endAccountSession)
}

func (s *Server) listAccounts(ctx context.Context, in *accountFilter) (*body[accountPage], error) {
	page, err := s.identity.Accounts(ctx, identity.AccountFilter{
		Search: in.Search, Role: in.Role, Status: in.Status, GroupID: in.GroupID, PageToken: in.PageToken, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	counts, err := s.identity.AccountCounts(ctx)
	if err != nil {
		return nil, err
	}
	return ok(accountPage{Items: mapped(page.Items, accountOf), NextPageToken: page.NextPageToken, Counts: accountCounts(counts)}), nil
}

func (s *Server) createAccount(ctx context.Context, in *struct{ Body newAccount }) (*body[createdAccount], error) {
	b := in.Body
	a, password, err := s.identity.CreateAccount(ctx, identity.NewAccount{Email: b.Email, Name: b.Name, Role: b.Role, GroupIDs: b.GroupIDs})
	if err != nil {
		return nil, err
	}
	return ok(createdAccount{accountOf(a), password}), nil
}

func (s *Server) getAccount(ctx context.Context, in *IDInput) (*body[account], error) {
	a, err := s.identity.Account(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ok(accountOf(a)), nil
}

func (s *Server) updateAccount(ctx context.Context, in *struct {
	IDInput
	Body accountChange
}) (*body[account], error) {
	a, err := s.identity.UpdateAccount(ctx, in.ID, identity.AccountChange(in.Body))
	if err != nil {
		return nil, err
	}
	return ok(accountOf(a)), nil
}

func (s *Server) resetPassword(ctx context.Context, in *IDInput) (*body[temporaryPassword], error) {
	password, err := s.identity.ResetPassword(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ok(temporaryPassword{password}), nil
}

func (s *Server) listAccountSessions(ctx context.Context, in *IDInput) (*body[list[session]], error) {
	sessions, err := s.identity.AccountSessions(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ok(list[session]{Items: mapped(sessions, sessionOf)}), nil
}

func (s *Server) endAccountSessions(ctx context.Context, in *IDInput) (*body[ended], error) {
	n, err := s.identity.EndAccountSessions(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ok(ended{n}), nil
}

func (s *Server) endAccountSession(ctx context.Context, in *struct {
	IDInput
	SessionID string `path:"sessionId" kind:"id" maxLength:"64"`
}) (*none, error) {
	return nil, s.identity.EndAccountSession(ctx, in.ID, in.SessionID)
}
