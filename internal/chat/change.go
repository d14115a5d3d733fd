package chat

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/classification"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// Change is what a person may change of a conversation; nil stays as it is.
type Change struct {
	Title        *string
	ModelID      *string
	SystemPrompt *string
	Parameters   *model.Parameters
	Class        *classification.Class
	FolderID     *string // "" takes it out of its folder
	Tags         *[]string
	Pinned       *bool
	Archived     *bool
}

// Update changes a conversation's title and choices.
func (s *Service) Update(ctx context.Context, id string, ch Change) (Conversation, error) {
	c, err := s.own(ctx, id, access.ConversationWrite)
	if err != nil {
		return Conversation{}, err
	}
	before := c.Class
	if c, err = change(c, ch); err != nil {
		return Conversation{}, err
	}
	if ch.Class != nil {
		if c.Class, err = s.Classify(ctx, *ch.Class); err != nil {
			return Conversation{}, err
		}
	}
	if ch.ModelID != nil {
		if _, err := s.models.Offer(ctx, *ch.ModelID); err != nil {
			return Conversation{}, err
		}
	}
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if ch.FolderID != nil && *ch.FolderID != "" {
			if _, err := s.folder(ctx, tx, c.OwnerID, *ch.FolderID); err != nil {
				return err
			}
		}
		if ch.Tags != nil {
			if err := s.setTags(ctx, tx, c.OwnerID, c.ID, c.Tags); err != nil {
				return err
			}
		}
		if ch.Title != nil {
			if err := s.index.NoteTitle(ctx, tx, c.OwnerID, c.ID); err != nil {
				return err
			}
		}
		if c.Class != before {
			err := s.audit.Record(ctx, audit.Event{
				Action: "conversation.classify", Resource: audit.Resource{Kind: string(access.KindConversation), ID: c.ID},
				Details: map[string]string{"class": c.Class.String(), "class_before": before.String()},
			})
			if err != nil {
				return err
			}
		}
		return s.updateConversation(ctx, tx, c)
	})
	if err != nil {
		return Conversation{}, err
	}
	s.announce(ctx, c.OwnerID, ChangeEvent{Type: ChangeConversation, ConversationID: c.ID})
	return c, nil
}

func change(c Conversation, ch Change) (Conversation, error) {
	if ch.Title != nil {
		title := strings.TrimSpace(strings.Join(strings.Fields(*ch.Title), " "))
		if title == "" || utf8.RuneCountInString(title) > maxTitleRunes || !utf8.ValidString(title) {
			return c, errs.InField("title", fmt.Sprintf("a title has 1 to %d characters", maxTitleRunes))
		}
		c.Title, c.TitleSource = title, TitlePerson
	}
	if ch.ModelID != nil {
		c.ModelID = *ch.ModelID
	}
	if ch.SystemPrompt != nil {
		if len(*ch.SystemPrompt) > maxSystemBytes || !utf8.ValidString(*ch.SystemPrompt) {
			return c, errs.InField("systemPrompt", fmt.Sprintf("the instructions have more than %d bytes", maxSystemBytes))
		}
		c.SystemPrompt = *ch.SystemPrompt
	}
	if ch.Parameters != nil {
		if err := ch.Parameters.Validate("parameters"); err != nil {
			return c, err
		}
		c.Parameters = *ch.Parameters
	}
	if ch.FolderID != nil {
		c.FolderID = *ch.FolderID
	}
	if ch.Tags != nil {
		var err error
		if c.Tags, err = cleanTags(*ch.Tags); err != nil {
			return c, err
		}
	}
	if ch.Pinned != nil {
		c.Pinned = *ch.Pinned
	}
	if ch.Archived != nil {
		c.Archived = *ch.Archived
	}
	return c, nil
}
