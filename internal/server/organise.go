package server

import (
	"context"
	"net/http"
	"time"

	"kakoi/internal/chat"
)

type folder struct {
	ID            string       `json:"id"`
	Name          string       `json:"name"`
	Instructions  string       `json:"instructions" doc:"They go with every turn in the folder."`
	Files         []attachment `json:"files" doc:"They go with every turn in the folder; a list of folders does not name them."`
	Conversations int          `json:"conversations"`
	CreatedAt     time.Time    `json:"createdAt"`
	UpdatedAt     time.Time    `json:"updatedAt"`
}

type folderChange struct {
	Name         *string   `json:"name,omitempty" kind:"name" maxLength:"1000"`
	Instructions *string   `json:"instructions,omitempty" kind:"freeText"`
	FileIDs      *[]string `json:"fileIds,omitempty" kind:"id" maxItems:"100" doc:"Attachments: all it is to have."`
}

type tag struct {
	Name          string `json:"name"`
	Conversations int    `json:"conversations"`
}

type bulkOrder struct {
	IDs      []string `json:"ids" kind:"id" maxItems:"10000"`
	Action   string   `json:"action" kind:"enum" enum:"delete,restore,archive,unarchive,move,addTag,removeTag"`
	FolderID string   `json:"folderId,omitempty" kind:"id" maxLength:"64" doc:"To move to; empty is out of all."`
	Tag      string   `json:"tag,omitempty" kind:"name" maxLength:"200"`
}

type bulkResult struct {
	Changed int `json:"changed" doc:"Those that are not there, or someone else's, are passed over."`
}

type folderDeleted struct {
	DeletedConversations int `json:"deletedConversations"`
}

func (s *Server) organiseOperations() {
	register(s, route{method: http.MethodPost, path: "/conversations/{id}/restore", id: "restoreConversation", tag: "chat", summary: "Brings back a conversation that was deleted a moment ago."}, s.restoreConversation)
	register(s, route{method: http.MethodPost, path: "/conversations/bulk", id: "changeConversations", tag: "chat", summary: "Does one thing to many conversations.", body: 1 << 20}, s.changeConversations)
	register(s, route{method: http.MethodGet, path: "/folders", id: "listFolders", tag: "chat", summary: "One's folders, by name."}, s.listFolders)
	register(s, route{method: http.MethodPost, path: "/folders", id: "createFolder", tag: "chat", summary: "Makes a folder.", status: http.StatusCreated, body: 2 << 20}, s.createFolder)
	register(s, route{method: http.MethodGet, path: "/folders/{id}", id: "getFolder", tag: "chat", summary: "One folder with its files."}, s.getFolder)
	register(s, route{method: http.MethodPatch, path: "/folders/{id}", id: "updateFolder", tag: "chat", summary: "Changes a folder.", body: 2 << 20}, s.updateFolder)
	register(s, route{method: http.MethodDelete, path: "/folders/{id}", id: "deleteFolder", tag: "chat", summary: "Deletes a folder with its files; its conversations stay unless they are to go too."}, s.deleteFolder)
	register(s, route{method: http.MethodGet, path: "/tags", id: "listTags", tag: "chat", summary: "One's tags, by name."}, s.listTags)
}

func folderOf(f chat.Folder) folder {
	return folder{f.ID, f.Name, f.Instructions, mapped(f.Files, attachmentOf), f.Conversations, f.CreatedAt, f.UpdatedAt}
}

func (s *Server) restoreConversation(ctx context.Context, in *IDInput) (*body[conversation], error) {
	c, err := s.chat.Restore(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ok(conversationOf(c)), nil
}

func (s *Server) changeConversations(ctx context.Context, in *struct{ Body bulkOrder }) (*body[bulkResult], error) {
	with := in.Body.FolderID
	if act := chat.BulkAct(in.Body.Action); act == chat.BulkAddTag || act == chat.BulkRemoveTag {
		with = in.Body.Tag
	}
	n, err := s.chat.Bulk(ctx, in.Body.IDs, chat.BulkAct(in.Body.Action), with)
	if err != nil {
		return nil, err
	}
	return ok(bulkResult{n}), nil
}

func (s *Server) listFolders(ctx context.Context, _ *struct{}) (*body[list[folder]], error) {
	all, err := s.chat.Folders(ctx)
	if err != nil {
		return nil, err
	}
	return ok(list[folder]{Items: mapped(all, folderOf)}), nil
}

func (s *Server) createFolder(ctx context.Context, in *struct{ Body folderChange }) (*body[folder], error) {
	f, err := s.chat.CreateFolder(ctx, chat.FolderChange(in.Body))
	if err != nil {
		return nil, err
	}
	return ok(folderOf(f)), nil
}

func (s *Server) getFolder(ctx context.Context, in *IDInput) (*body[folder], error) {
	f, err := s.chat.Folder(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ok(folderOf(f)), nil
}

func (s *Server) updateFolder(ctx context.Context, in *struct {
	IDInput
	Body folderChange
}) (*body[folder], error) {
	f, err := s.chat.UpdateFolder(ctx, in.ID, chat.FolderChange(in.Body))
	if err != nil {
		return nil, err
	}
	return ok(folderOf(f)), nil
}

func (s *Server) deleteFolder(ctx context.Context, in *struct {
	IDInput
	Conversations string `query:"conversations" kind:"enum" enum:"keep,delete" doc:"Keep them (the default), or delete them too."`
}) (*body[folderDeleted], error) {
	n, err := s.chat.DeleteFolder(ctx, in.ID, in.Conversations == "delete")
	if err != nil {
		return nil, err
	}
	return ok(folderDeleted{n}), nil
}

func (s *Server) listTags(ctx context.Context, _ *struct{}) (*body[list[tag]], error) {
	all, err := s.chat.Tags(ctx)
	if err != nil {
		return nil, err
	}
	return ok(list[tag]{Items: mapped(all, func(t chat.Tag) tag { return tag(t) })}), nil
}
