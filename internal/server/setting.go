package server

import (
	"context"
	"net/http"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/classification"
	"kakoi/internal/setting"
)

// chatSettings is what administrators have decided for conversations.
type chatSettings struct {
	Temporary          setting.Temporary    `json:"temporary" enum:"allowed,off,enforced"`
	AttachmentBytes    int64                `json:"attachmentBytes" doc:"0: as installed."`
	AttachmentsPerTurn int64                `json:"attachmentsPerTurn" doc:"0: as installed."`
	DefaultClass       classification.Class `json:"defaultClass" doc:"Of conversations until their person says otherwise, 1 to 3. 0: they are not classified."`
	Version            int64                `json:"version" doc:"0: nothing was decided yet."`
	ChangedBy          string               `json:"changedBy,omitempty" doc:"The account."`
	ChangedByName      string               `json:"changedByName,omitempty"`
	ChangedAt          time.Time            `json:"changedAt,omitzero"`
	Installed          installedLimits      `json:"installed"`
}

// installedLimits is how much the installation allows at most.
type installedLimits struct {
	AttachmentBytes    int64 `json:"attachmentBytes"`
	AttachmentsPerTurn int64 `json:"attachmentsPerTurn"`
}

type chatSettingsChange struct {
	Temporary          setting.Temporary    `json:"temporary" kind:"enum" enum:"allowed,off,enforced" doc:"Conversations that are never stored: allowed, off, or no others."`
	AttachmentBytes    int64                `json:"attachmentBytes,omitempty" kind:"number" minimum:"0" doc:"Of the largest file; at most what the installation allows, which 0 takes."`
	AttachmentsPerTurn int64                `json:"attachmentsPerTurn,omitempty" kind:"number" minimum:"0" doc:"At most what the installation allows, which 0 takes."`
	DefaultClass       classification.Class `json:"defaultClass,omitempty" kind:"number" minimum:"0" maximum:"3" doc:"Of conversations until their person says otherwise, 1 to 3. 0: they are not classified."`
	Version            int64                `json:"version" kind:"number" minimum:"0" doc:"That was read before."`
}

func (s *Server) chatSettingsOf(k setting.Kept[setting.Chat]) chatSettings {
	return chatSettings{
		k.Value.Temporary, k.Value.AttachmentBytes, k.Value.AttachmentsPerTurn, k.Value.DefaultClass, k.Version, k.ChangedBy, k.ChangedByName, k.ChangedAt,
		installedLimits{s.limits.AttachmentBytes, s.limits.AttachmentsPerTurn},
	}
}

func (s *Server) settingOperations() {
	register(s, route{method: http.MethodGet, path: "/admin/settings/chat", id: "getChatSettings", tag: "admin", needs: needs(access.SystemRead), summary: "What is decided for conversations."}, s.getChatSettings)
	register(s, route{method: http.MethodPut, path: "/admin/settings/chat", id: "updateChatSettings", tag: "admin", needs: needs(access.SystemWrite), summary: "Decides for conversations, from the next request on."}, s.updateChatSettings)
}

func (s *Server) getChatSettings(ctx context.Context, _ *none) (*body[chatSettings], error) {
	k, err := s.settings.Chat.Read(ctx)
	if err != nil {
		return nil, err
	}
	return ok(s.chatSettingsOf(k)), nil
}

func (s *Server) updateChatSettings(ctx context.Context, in *struct{ Body chatSettingsChange }) (*body[chatSettings], error) {
	b := in.Body
	k, err := s.settings.Chat.Write(ctx, b.Version, setting.Chat{Temporary: b.Temporary, AttachmentBytes: b.AttachmentBytes, AttachmentsPerTurn: b.AttachmentsPerTurn, DefaultClass: b.DefaultClass})
	if err != nil {
		return nil, err
	}
	return ok(s.chatSettingsOf(k)), nil
}
