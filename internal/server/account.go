package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/errs"
	"kakoi/internal/identity"
)

// account is a person as an administrator sees them.
type account struct {
	ID                 string    `json:"id"`
	Email              string    `json:"email"`
	Name               string    `json:"name"`
	Roles              []held    `json:"roles" doc:"Also those that are past and to come."`
	Posts              []post    `json:"posts" doc:"Also those that are past and to come."`
	Disabled           bool      `json:"disabled"`
	MustChangePassword bool      `json:"mustChangePassword" doc:"Holds a temporary password."`
	GroupIDs           []string  `json:"groupIds" doc:"Those it was put into; groups with a rule are not among them."`
	ValidFrom          time.Time `json:"validFrom,omitzero" doc:"May not sign in before; absent: no such day."`
	ValidUntil         time.Time `json:"validUntil,omitzero" doc:"May not sign in from then on; absent: no such day."`
	LastSignedInAt     time.Time `json:"lastSignedInAt,omitzero" doc:"Absent if never."`
	CreatedAt          time.Time `json:"createdAt"`
	UpdatedAt          time.Time `json:"updatedAt"`
	May                []permits `json:"may" doc:"What whoever asks may do to it: account.write, role.assign."`
}

// held is a role that an account has.
type held struct {
	RoleID string    `json:"roleId" kind:"id" maxLength:"64" doc:"Of a built-in role, its name: administrator, department_administrator, auditor."`
	UnitID string    `json:"unitId,omitempty" kind:"id" maxLength:"64" doc:"It holds for this unit and all below; absent: everywhere."`
	From   time.Time `json:"from,omitzero" kind:"number" doc:"Absent: from the beginning."`
	Until  time.Time `json:"until,omitzero" kind:"number" doc:"No more from then on; absent: for good."`
}

// post is what a person is in a unit of the organisation.
type post struct {
	UnitID string    `json:"unitId" kind:"id" minLength:"1" maxLength:"64"`
	Title  string    `json:"title,omitempty" kind:"name" maxLength:"200"`
	Main   bool      `json:"main,omitempty" kind:"enum" doc:"The main one of those at the same time."`
	From   time.Time `json:"from,omitzero" kind:"number" doc:"Absent: from now on."`
	Until  time.Time `json:"until,omitzero" kind:"number" doc:"No more from then on; absent: for good."`
}

func heldOf(h access.Held) held {
	from, until := timesOf(h.Span)
	return held{string(h.RoleID), h.UnitID, from, until}
}

func (h held) held() access.Held {
	return access.Held{RoleID: access.RoleID(h.RoleID), UnitID: h.UnitID, Span: spanOf(h.From, h.Until)}
}

func postOf(p access.Post) post {
	from, until := timesOf(p.Span)
	return post{p.UnitID, p.Title, p.Main, from, until}
}

func (p post) post() access.Post {
	return access.Post{UnitID: p.UnitID, Title: p.Title, Main: p.Main, Span: spanOf(p.From, p.Until)}
}

// spanOf is from when to when; a zero time is no such day.
func spanOf(from, until time.Time) access.Span {
	span := access.Always
	if !from.IsZero() {
		span.StartsAt = max(0, from.UnixMilli())
	}
	if !until.IsZero() {
		span.EndsAt = min(access.Forever, until.UnixMilli())
	}
	return span
}

// timesOf is a span as times, zero where it has no such day.
func timesOf(s access.Span) (from, until time.Time) {
	if s.StartsAt > 0 {
		from = time.UnixMilli(s.StartsAt).UTC()
	}
	if s.EndsAt < access.Forever {
		until = time.UnixMilli(s.EndsAt).UTC()
	}
	return from, until
}

func accountOf(a identity.Account) account {
	from, until := timesOf(a.Valid)
	return account{
		ID: a.ID, Email: a.Email, Name: a.Name, Roles: mapped(a.Facts.Roles, heldOf), Posts: mapped(a.Facts.Posts, postOf),
		Disabled: a.Disabled, MustChangePassword: a.MustChangePassword, GroupIDs: orEmpty(a.Facts.GroupIDs), ValidFrom: from, ValidUntil: until,
		LastSignedInAt: a.LastSignedInAt, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt, May: permitted(a.May),
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
	Matching      int           `json:"matching,omitempty" doc:"That the filter selects; on the first page only."`
}

// AccountWish selects accounts.
type AccountWish struct {
	Search  string          `query:"search" json:"search,omitempty" kind:"freeText" maxLength:"200" doc:"Part of the name or the e-mail, in any width and case."`
	RoleID  access.RoleID   `query:"roleId" json:"roleId,omitempty" kind:"id" maxLength:"64"`
	Status  identity.Status `query:"status" json:"status,omitempty" kind:"enum" enum:"active,disabled"`
	GroupID string          `query:"groupId" json:"groupId,omitempty" kind:"id" maxLength:"64"`
	UnitID  string          `query:"unitId" json:"unitId,omitempty" kind:"id" maxLength:"64" doc:"Has a post there or below it."`
}

func (w AccountWish) filter() identity.AccountFilter {
	return identity.AccountFilter{Search: w.Search, RoleID: w.RoleID, Status: w.Status, GroupID: w.GroupID, UnitID: w.UnitID}
}

// AccountOrder is the order of a list of accounts.
type AccountOrder struct {
	Sort       string `query:"sort" kind:"enum" enum:"email,name,lastSignedIn" default:"email"`
	Descending bool   `query:"descending" kind:"enum"`
}

func (o AccountOrder) sort() identity.Sort {
	return map[string]identity.Sort{"name": identity.SortName, "lastSignedIn": identity.SortLastSeen}[o.Sort]
}

type accountFilter struct {
	AccountWish
	AccountOrder
	PageToken string `query:"pageToken" kind:"id" maxLength:"2000"`
	Limit     int    `query:"limit" kind:"number" minimum:"1" maximum:"200"`
}

// accountsOrder is one act on many accounts: on those named, or on all that the
// filter selects.
type accountsOrder struct {
	Act        string       `json:"act" kind:"enum" enum:"disable,enable,endSessions,addToGroup,removeFromGroup"`
	GroupID    string       `json:"groupId,omitempty" kind:"id" maxLength:"64" doc:"Of addToGroup and removeFromGroup."`
	AccountIDs []string     `json:"accountIds,omitempty" kind:"id" maxItems:"20000"`
	Filter     *AccountWish `json:"filter,omitempty" doc:"Instead of accountIds; empty: all accounts."`
}

type accountsReport struct {
	Done   int              `json:"done" doc:"Accounts that are now as was asked."`
	Failed []accountFailure `json:"failed"`
}

// accountFailure is an account that stayed as it was.
type accountFailure struct {
	AccountID string            `json:"accountId"`
	Name      string            `json:"name"`
	Email     string            `json:"email"`
	Code      errs.Code         `json:"code" doc:"As of a refused request."`
	Detail    string            `json:"detail"`
	Params    map[string]string `json:"params,omitempty"`
}

var bulkActs = map[string]identity.Act{
	"disable": identity.ActDisable, "enable": identity.ActEnable, "endSessions": identity.ActEndSessions,
	"addToGroup": identity.ActAddToGroup, "removeFromGroup": identity.ActRemoveFromGroup,
}

type newAccount struct {
	Email      string    `json:"email" kind:"name" minLength:"1" maxLength:"254"`
	Name       string    `json:"name" kind:"name" minLength:"1" maxLength:"200"`
	Roles      []held    `json:"roles,omitempty" maxItems:"50"`
	Posts      []post    `json:"posts,omitempty" maxItems:"50"`
	GroupIDs   []string  `json:"groupIds,omitempty" kind:"id" maxItems:"200"`
	ValidFrom  time.Time `json:"validFrom,omitzero" kind:"number" doc:"Absent: no such day."`
	ValidUntil time.Time `json:"validUntil,omitzero" kind:"number" doc:"Absent: no such day."`
}

type accountChange struct {
	Name     *string   `json:"name,omitempty" kind:"name" minLength:"1" maxLength:"200"`
	Roles    *[]held   `json:"roles,omitempty" maxItems:"50" doc:"Replaces all."`
	Posts    *[]post   `json:"posts,omitempty" maxItems:"50" doc:"Replaces those of now and later; past ones stay."`
	Disabled *bool     `json:"disabled,omitempty" kind:"enum"`
	GroupIDs *[]string `json:"groupIds,omitempty" kind:"id" maxItems:"200" doc:"Replaces all."`
	Valid    *valid    `json:"valid,omitempty"`
}

// valid is when an account may sign in.
type valid struct {
	From  time.Time `json:"from,omitzero" kind:"number" doc:"Absent: no such day."`
	Until time.Time `json:"until,omitzero" kind:"number" doc:"Absent: no such day."`
}

func (c accountChange) change() identity.AccountChange {
	out := identity.AccountChange{Name: c.Name, Disabled: c.Disabled, GroupIDs: c.GroupIDs}
	if c.Roles != nil {
		roles := mapped(*c.Roles, held.held)
		out.Roles = &roles
	}
	if c.Posts != nil {
		posts := mapped(*c.Posts, post.post)
		out.Posts = &posts
	}
	if c.Valid != nil {
		span := spanOf(c.Valid.From, c.Valid.Until)
		out.Valid = &span
	}
	return out
}

type createdAccount struct {
	Account           account `json:"account"`
	TemporaryPassword string  `json:"temporaryPassword" doc:"Shown this once; must be replaced at the first sign-in, within seven days."`
}

type temporaryPassword struct {
	TemporaryPassword string `json:"temporaryPassword" doc:"Shown this once; must be replaced at the next sign-in, within seven days."`
}

func (s *Server) accountOperations() {
	register(s, route{method: http.MethodGet, path: "/admin/accounts", id: "listAccounts", tag: "admin", needs: needs(access.AccountRead), summary: "The accounts, page by page."}, s.listAccounts)
	register(s, route{method: http.MethodGet, path: "/admin/accounts/export", id: "exportAccounts", tag: "admin", needs: needs(access.AccountRead), summary: "The accounts as CSV, all that the filter selects."}, s.exportAccounts)
	register(s, route{method: http.MethodPost, path: "/admin/accounts/bulk", id: "changeAccounts", tag: "admin", needs: needs(access.AccountRead, access.AccountWrite), summary: "Does one act on many accounts and says which it failed for.", body: 2 << 20}, s.changeAccounts)
	register(s, route{method: http.MethodPost, path: "/admin/accounts", id: "createAccount", tag: "admin", needs: needs(access.AccountWrite), summary: "Makes an account with a temporary password.", status: http.StatusCreated}, s.createAccount)
	register(s, route{method: http.MethodGet, path: "/admin/accounts/{id}", id: "getAccount", tag: "admin", needs: needs(access.AccountRead), summary: "One account."}, s.getAccount)
	register(s, route{method: http.MethodPatch, path: "/admin/accounts/{id}", id: "updateAccount", tag: "admin", needs: needs(access.AccountWrite), summary: "Changes an account; disabling it ends its sessions and streams."}, s.updateAccount)
	register(s, route{method: http.MethodPost, path: "/admin/accounts/{id}/password", id: "resetPassword", tag: "admin", needs: needs(access.AccountWrite), summary: "Gives an account a temporary password and ends its sessions."}, s.resetPassword)
	register(s, route{method: http.MethodGet, path: "/admin/accounts/{id}/sessions", id: "listAccountSessions", tag: "admin", needs: needs(access.AccountRead), summary: "Where an account is signed in."}, s.listAccountSessions)
	register(s, route{method: http.MethodDelete, path: "/admin/accounts/{id}/sessions", id: "endAccountSessions", tag: "admin", needs: needs(access.AccountWrite), summary: "Signs an account out everywhere."}, s.endAccountSessions)
	register(s, route{method: http.MethodDelete, path: "/admin/accounts/{id}/sessions/{sessionId}", id: "endAccountSession", tag: "admin", needs: needs(access.AccountWrite), summary: "Ends one session of an account.", status: http.StatusNoContent}, s.endAccountSession)
}

func (s *Server) listAccounts(ctx context.Context, in *accountFilter) (*body[accountPage], error) {
	f := in.filter()
	f.Sort, f.Backwards, f.PageToken, f.Limit = in.sort(), in.Descending, in.PageToken, in.Limit
	page, err := s.identity.Accounts(ctx, f)
	if err != nil {
		return nil, err
	}
	counts, err := s.identity.AccountCounts(ctx)
	if err != nil {
		return nil, err
	}
	return ok(accountPage{Items: mapped(page.Items, accountOf), NextPageToken: page.NextPageToken, Counts: accountCounts(counts), Matching: page.Matching}), nil
}

func (s *Server) changeAccounts(ctx context.Context, in *struct{ Body accountsOrder }) (*body[accountsReport], error) {
	order := identity.Bulk{Act: bulkActs[in.Body.Act], GroupID: in.Body.GroupID, AccountIDs: in.Body.AccountIDs}
	if in.Body.Filter != nil {
		if len(order.AccountIDs) > 0 {
			return nil, errs.InField("filter", "name the accounts or say which they are, not both")
		}
		f := in.Body.Filter.filter()
		order.Filter = &f
	}
	if known := requestOf(ctx); known.control != nil {
		_ = known.control.SetWriteDeadline(time.Now().Add(transferPatience))
	}
	report, err := s.identity.ActOn(ctx, order)
	if err != nil {
		return nil, err
	}
	return ok(accountsReport{report.Done, mapped(report.Failed, func(f identity.BulkFailure) accountFailure {
		out := accountFailure{AccountID: f.AccountID, Name: f.Name, Email: f.Email, Code: errs.CodeOf(f.Err)}
		var why *errs.Error
		if errors.As(f.Err, &why) {
			out.Detail, out.Params = why.Message, why.Params
		}
		return out
	})}), nil
}

func (s *Server) createAccount(ctx context.Context, in *struct{ Body newAccount }) (*body[createdAccount], error) {
	b := in.Body
	a, password, err := s.identity.CreateAccount(ctx, identity.NewAccount{
		Email: b.Email, Name: b.Name, Roles: mapped(b.Roles, held.held), Posts: mapped(b.Posts, post.post), GroupIDs: b.GroupIDs, Valid: spanOf(b.ValidFrom, b.ValidUntil),
	})
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
	a, err := s.identity.UpdateAccount(ctx, in.ID, in.Body.change())
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
