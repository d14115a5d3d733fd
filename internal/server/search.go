package server

import (
	"context"
	"net/http"
	"time"

	"kakoi/internal/chat"
	"kakoi/internal/chat/search"
	"kakoi/internal/model"
)

// searchHit is a message, or the title of a conversation, that was found.
type searchHit struct {
	ConversationID string         `json:"conversationId"`
	Title          string         `json:"title"`
	FolderID       string         `json:"folderId,omitempty"`
	Tags           []string       `json:"tags"`
	Archived       bool           `json:"archived"`
	MessageID      string         `json:"messageId,omitempty" doc:"Absent when it is the title that was found."`
	Role           model.Role     `json:"role,omitempty" enum:"user,assistant"`
	Snippet        []snippetPiece `json:"snippet" doc:"What is around the first place, in one line."`
	At             time.Time      `json:"at"`
}

type snippetPiece struct {
	Text  string `json:"text"`
	Match bool   `json:"match" doc:"This is what was looked for."`
}

func searchHitOf(h chat.Hit) searchHit {
	return searchHit{
		h.ConversationID, h.Title, h.FolderID, orEmpty(h.Tags), h.Archived, h.MessageID, h.Role,
		mapped(h.Snippet, func(p search.Piece) snippetPiece { return snippetPiece(p) }), h.At,
	}
}

func (s *Server) searchOperations() {
	register(s, route{method: http.MethodGet, path: "/search", id: "search", tag: "chat", summary: "Finds messages and titles of one's conversations, the newest first."}, s.search)
}

func (s *Server) search(ctx context.Context, in *struct {
	Query     string `query:"q" kind:"freeText" maxLength:"2000" doc:"Words that all occur, each anywhere in a text, in any width and case; \"a phrase\"; folder:NAME, tag:NAME, model:NAME (answers of it), before:2026-11-22, after:2026-11-22 (from that day on), archived:yes or no."`
	PageToken string `query:"pageToken" kind:"id" maxLength:"2000"`
	Limit     int    `query:"limit" kind:"number" minimum:"1" maximum:"100"`
}) (*body[list[searchHit]], error) {
	page, err := s.chat.Search(ctx, in.Query, in.PageToken, in.Limit)
	if err != nil {
		return nil, err
	}
	return ok(list[searchHit]{mapped(page.Items, searchHitOf), page.Next}), nil
}
