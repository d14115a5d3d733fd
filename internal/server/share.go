package server

import (
	"context"
	"net/http"
	"time"

	"kakoi/internal/chat"
	"kakoi/internal/share"
)

// sharedPerson is somebody as colleagues know them.
type sharedPerson struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Groups []string `json:"groups" doc:"Their departments, by name."`
}

type sharedGroup struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type sharedWith struct {
	People []sharedPerson `json:"people"`
	Groups []sharedGroup  `json:"groups"`
}

type shareView struct {
	AccountID string    `json:"accountId"`
	Name      string    `json:"name"`
	FirstAt   time.Time `json:"firstAt"`
	LastAt    time.Time `json:"lastAt"`
	Count     int64     `json:"count"`
}

// Sharing is a conversation that its owner shows to others.
type Sharing struct {
	ID               string      `json:"id"`
	Title            string      `json:"title"`
	Live             bool        `json:"live" doc:"Others see what the owner goes on to say; otherwise it stays as it was."`
	Mine             bool        `json:"mine"`
	OwnerName        string      `json:"ownerName"`
	ConversationID   string      `json:"conversationId,omitempty" doc:"For the owner."`
	Everyone         bool        `json:"everyone" doc:"Everyone who is signed in; otherwise those who are chosen."`
	WithSystemPrompt bool        `json:"withSystemPrompt" doc:"The instructions may be copied too."`
	With             *sharedWith `json:"with,omitempty" doc:"For the owner: those who are chosen."`
	Views            []shareView `json:"views,omitempty" doc:"For the owner: who has seen it."`
	Viewers          int64       `json:"viewers" doc:"For the owner: how many have seen it; otherwise 0."`
	ExpiresAt        time.Time   `json:"expiresAt,omitzero"`
	CreatedAt        time.Time   `json:"createdAt"`
	UpdatedAt        time.Time   `json:"updatedAt"`
}

func sharingOf(ctx context.Context, sh share.Share, views []share.View) Sharing {
	out := Sharing{
		ID: sh.ID, Title: sh.Title, Live: sh.Live(), Mine: requestOf(ctx).account.ID == sh.OwnerID, OwnerName: sh.OwnerName,
		Everyone: sh.Everyone, WithSystemPrompt: sh.WithSystem, ExpiresAt: sh.ExpiresAt, CreatedAt: sh.CreatedAt, UpdatedAt: sh.UpdatedAt,
	}
	if out.Mine {
		out.ConversationID = sh.ConversationID
		with := sharedWithOf(sh.People, sh.Groups)
		out.With = &with
		out.Views, out.Viewers = mapped(views, func(v share.View) shareView { return shareView(v) }), sh.Viewers
	}
	return out
}

// listedShare is a share in a list.
type listedShare struct {
	Sharing
	WithNames []string  `json:"withNames,omitempty" doc:"For the owner: a few names of those who are chosen, groups first."`
	WithCount int       `json:"withCount" doc:"For the owner: how many groups and people are chosen; otherwise 0."`
	SeenAt    time.Time `json:"seenAt,omitzero" doc:"When one saw it last oneself; absent if never."`
}

func listedShareOf(ctx context.Context) func(share.Listed) listedShare {
	return func(l share.Listed) listedShare {
		out := listedShare{Sharing: sharingOf(ctx, l.Share, nil), SeenAt: l.SeenAt}
		out.With = nil // they are named only
		if out.Mine {
			out.WithNames, out.WithCount = l.Names, l.Chosen
		}
		return out
	}
}

func sharedWithOf(people []share.Person, groups []share.Group) sharedWith {
	return sharedWith{
		mapped(people, func(p share.Person) sharedPerson { return sharedPerson{p.ID, p.Name, orEmpty(p.Groups)} }),
		mapped(groups, func(g share.Group) sharedGroup { return sharedGroup(g) }),
	}
}

type newShare struct {
	Live             bool      `json:"live,omitempty" kind:"enum" doc:"Others see what comes later too."`
	Everyone         bool      `json:"everyone,omitempty" kind:"enum" doc:"Everyone who is signed in."`
	WithSystemPrompt bool      `json:"withSystemPrompt,omitempty" kind:"enum" doc:"Let the instructions be copied too."`
	AccountIDs       []string  `json:"accountIds,omitempty" kind:"id" maxItems:"500"`
	GroupIDs         []string  `json:"groupIds,omitempty" kind:"id" maxItems:"500"`
	ExpiresAt        time.Time `json:"expiresAt,omitzero" required:"false" kind:"number" doc:"Absent: never."`
}

type shareChange struct {
	Everyone         *bool      `json:"everyone,omitempty" kind:"enum"`
	WithSystemPrompt *bool      `json:"withSystemPrompt,omitempty" kind:"enum"`
	AccountIDs       *[]string  `json:"accountIds,omitempty" kind:"id" maxItems:"500" doc:"All it is to be shared with."`
	GroupIDs         *[]string  `json:"groupIds,omitempty" kind:"id" maxItems:"500" doc:"All it is to be shared with."`
	ExpiresAt        *time.Time `json:"expiresAt,omitempty" kind:"number" doc:"0001-01-01T00:00:00Z: never."`
}

type sharedPage struct {
	Share             Sharing   `json:"share"`
	Items             []message `json:"items" doc:"Oldest first."`
	PreviousPageToken string    `json:"previousPageToken,omitempty" doc:"Give it as before to read what came before; absent at the beginning."`
}

type copyOrder struct {
	WithSystemPrompt bool `json:"withSystemPrompt,omitempty" kind:"enum" doc:"Also the instructions, if the owner lets them be copied."`
}

func (s *Server) shareOperations() {
	register(s, route{method: http.MethodGet, path: "/people", id: "findPeople", tag: "chat", summary: "Finds people and groups to share with, by a part of their name."}, s.findPeople)
	register(s, route{method: http.MethodPost, path: "/conversations/{id}/shares", id: "createShare", tag: "chat", summary: "Shares a conversation.", status: http.StatusCreated}, s.createShare)
	register(s, route{method: http.MethodGet, path: "/conversations/{id}/shares", id: "listShares", tag: "chat", summary: "How a conversation is shared."}, s.listShares)
	register(s, route{method: http.MethodGet, path: "/shares", id: "listAllShares", tag: "chat", summary: "What one shares, or what others share with one; newest first, without what has ended."}, s.listAllShares)
	register(s, route{method: http.MethodGet, path: "/shares/{id}", id: "getShare", tag: "chat", summary: "One share: for its owner with those who have seen it."}, s.getShare)
	register(s, route{method: http.MethodPatch, path: "/shares/{id}", id: "updateShare", tag: "chat", summary: "Changes with whom and how long a conversation is shared."}, s.updateShare)
	register(s, route{method: http.MethodDelete, path: "/shares/{id}", id: "revokeShare", tag: "chat", summary: "Ends a share at once.", status: http.StatusNoContent}, s.revokeShare)
	register(s, route{method: http.MethodGet, path: "/shares/{id}/messages", id: "listSharedMessages", tag: "chat", summary: "The messages of what is shared: the last page, or the one before."}, s.listSharedMessages)
	register(s, route{method: http.MethodGet, path: "/shares/{id}/attachments/{attachmentId}/content", id: "getSharedAttachment", tag: "chat", summary: "The bytes of a file of what is shared."}, s.getSharedAttachment)
	register(s, route{method: http.MethodPost, path: "/shares/{id}/copy", id: "copyShare", tag: "chat", summary: "Makes a conversation of one's own out of what is shared.", status: http.StatusCreated}, s.copyShare)
}

func (s *Server) findPeople(ctx context.Context, in *struct {
	Search string `query:"search" kind:"freeText" maxLength:"200" doc:"Part of the name, in any width and case. Empty finds nobody, and one's own groups."`
}) (*body[sharedWith], error) {
	people, groups, err := s.shares.People(ctx, in.Search)
	if err != nil {
		return nil, err
	}
	return ok(sharedWithOf(people, groups)), nil
}

func (s *Server) createShare(ctx context.Context, in *struct {
	IDInput
	Body newShare
}) (*body[Sharing], error) {
	b := in.Body
	sh, err := s.shares.Create(ctx, in.ID, share.Draft{
		Live: b.Live, Everyone: b.Everyone, WithSystem: b.WithSystemPrompt, AccountIDs: b.AccountIDs, GroupIDs: b.GroupIDs, ExpiresAt: b.ExpiresAt,
	})
	if err != nil {
		return nil, err
	}
	return ok(sharingOf(ctx, sh, nil)), nil
}

func (s *Server) listShares(ctx context.Context, in *IDInput) (*body[list[Sharing]], error) {
	all, err := s.shares.List(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ok(list[Sharing]{Items: mapped(all, func(sh share.Share) Sharing { return sharingOf(ctx, sh, nil) })}), nil
}

func (s *Server) listAllShares(ctx context.Context, in *struct {
	Scope     share.Scope `query:"scope" kind:"enum" enum:"mine,shared" doc:"What one shares oneself, or what others share with one, which holds when it is absent. Of that which is for everyone, shared has what one has opened."`
	PageToken string      `query:"pageToken" kind:"id" maxLength:"64"`
	Limit     int         `query:"limit" kind:"number" minimum:"1" maximum:"200"`
}) (*body[list[listedShare]], error) {
	page, err := s.shares.Lists(ctx, in.Scope, in.PageToken, in.Limit)
	if err != nil {
		return nil, err
	}
	return ok(list[listedShare]{Items: mapped(page.Items, listedShareOf(ctx)), NextPageToken: page.Next}), nil
}

func (s *Server) getShare(ctx context.Context, in *IDInput) (*body[Sharing], error) {
	sh, views, err := s.shares.Share(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ok(sharingOf(ctx, sh, views)), nil
}

func (s *Server) updateShare(ctx context.Context, in *struct {
	IDInput
	Body shareChange
}) (*body[Sharing], error) {
	b := in.Body
	sh, err := s.shares.Update(ctx, in.ID, share.Change{
		Everyone: b.Everyone, WithSystem: b.WithSystemPrompt, AccountIDs: b.AccountIDs, GroupIDs: b.GroupIDs, ExpiresAt: b.ExpiresAt,
	})
	if err != nil {
		return nil, err
	}
	return ok(sharingOf(ctx, sh, nil)), nil
}

func (s *Server) revokeShare(ctx context.Context, in *IDInput) (*none, error) {
	return nil, s.shares.Revoke(ctx, in.ID)
}

func (s *Server) listSharedMessages(ctx context.Context, in *struct {
	IDInput
	Before string `query:"before" kind:"id" maxLength:"64"`
	Limit  int    `query:"limit" kind:"number" minimum:"1" maximum:"100"`
}) (*body[sharedPage], error) {
	sh, page, err := s.shares.Messages(ctx, in.ID, in.Before, in.Limit)
	if err != nil {
		return nil, err
	}
	return ok(sharedPage{sharingOf(ctx, sh, nil), mapped(page.Items, sharedMessageOf), page.Previous}), nil
}

// sharedMessageOf is a message without what concerns its owner alone.
func sharedMessageOf(m chat.Message) message {
	out := messageOf(m)
	out.RunID, out.Usage, out.Cost, out.Context, out.SiblingIDs, out.EditedFromID = "", nil, nil, nil, nil, ""
	out.FirstTokenMS = 0
	return out
}

func (s *Server) getSharedAttachment(ctx context.Context, in *struct {
	IDInput
	AttachmentID string `path:"attachmentId" kind:"id" maxLength:"64"`
	Seen         string `header:"If-None-Match" kind:"id" maxLength:"1000"`
}) (*attachmentContent, error) {
	a, data, err := s.shares.File(ctx, in.ID, in.AttachmentID)
	if err != nil {
		return nil, err
	}
	return contentOf(a, data, in.Seen), nil
}

func (s *Server) copyShare(ctx context.Context, in *struct {
	IDInput
	Body copyOrder
}) (*body[conversation], error) {
	c, err := s.shares.Copy(ctx, in.ID, in.Body.WithSystemPrompt)
	if err != nil {
		return nil, err
	}
	return ok(conversationOf(c)), nil
}
