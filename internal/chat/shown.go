package chat

import (
	"context"
	"math"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// Shown is a branch of somebody's conversation, as others may be shown it.
type Shown struct {
	OwnerID        string
	ConversationID string
	LeafID         string // "": of the branch that is open
	Kept           Kept   // if LeafID is named
}

// Kept is what is changed in its place while a conversation goes on, as it was.
// Messages that are complete are not: what comes later stands beside them.
type Kept struct {
	SystemPrompt string
	Parameters   model.Parameters
	Ending       *Ending // of the last message; nil if it cannot go on
}

// Ending is how an answer stood that was cut off and may go on.
type Ending struct {
	Parts      []Part           `json:"parts"`
	Status     Status           `json:"status"`
	StopReason model.StopReason `json:"stopReason,omitempty"`
	Failure    *Failure         `json:"failure,omitempty"`
	ModelName  string           `json:"modelName"`
	FinishedAt time.Time        `json:"finishedAt"`
}

// Keep returns the branch of the person's that is open, to be shown as it is
// now, and its title. The error has code RunActive while its end is being
// written.
func (s *Service) Keep(ctx context.Context, id string) (Shown, string, error) {
	c, err := s.own(ctx, id, access.ConversationRead)
	if err != nil {
		return Shown{}, "", err
	}
	if c.LeafID == "" {
		return Shown{}, "", errs.New(errs.InvalidInput, "There is nothing in the conversation yet.")
	}
	last, err := s.ownMessage(ctx, s.db, c.OwnerID, id, c.LeafID)
	if err != nil {
		return Shown{}, "", err
	}
	if last.Status == StatusRunning {
		return Shown{}, "", errBusy()
	}
	shown := Shown{OwnerID: c.OwnerID, ConversationID: id, LeafID: last.ID, Kept: Kept{SystemPrompt: c.SystemPrompt, Parameters: c.Parameters}}
	if last.Role == model.RoleAssistant && (last.Status != StatusComplete || last.StopReason == model.StopLength) {
		shown.Kept.Ending = &Ending{last.Parts, last.Status, last.StopReason, last.Failure, last.ModelName, last.FinishedAt}
	}
	return shown, c.Title, nil
}

// ShownMessages returns the last messages of a branch, or those before the
// message named before, also what is being written as far as it is stored. It
// does not ask who may see them: the caller has.
func (s *Service) ShownMessages(ctx context.Context, of Shown, before string, limit int) (MessagePage, error) {
	c, err := s.shown(ctx, of)
	if err != nil {
		return MessagePage{}, err
	}
	page, end := MessagePage{LeafID: c.LeafID}, c.LeafID
	if before != "" { // nothing that is not on the branch can be asked for
		m, err := s.ownMessage(ctx, s.db, c.OwnerID, c.ID, before)
		on := false
		if err == nil {
			on, err = s.onBranch(ctx, s.db, c.ID, c.LeafID, before)
		}
		if errs.CodeOf(err) == errs.NotFound || err == nil && !on {
			return MessagePage{}, errs.InField("before", "this is not a page token that this list gave")
		} else if err != nil {
			return MessagePage{}, err
		}
		end = m.ParentID
	}
	limit = bounded(limit, 50)
	if page.Items, err = s.path(ctx, s.db, c.OwnerID, c.ID, end, limit+1); err != nil {
		return MessagePage{}, err
	}
	if len(page.Items) > limit {
		page.Items = page.Items[1:]
		page.Previous = page.Items[0].ID
	}
	return page, s.asShown(ctx, of, page.Items)
}

// ShownFile returns a file of a message on the branch with its content. It does
// not ask who may see it: the caller has.
func (s *Service) ShownFile(ctx context.Context, of Shown, attachment string) (Attachment, []byte, error) {
	c, err := s.shown(ctx, of)
	if err != nil {
		return Attachment{}, nil, err
	}
	a, err := s.attachment(ctx, s.db, c.OwnerID, attachment)
	if err != nil {
		return Attachment{}, nil, err
	}
	if on, err := s.onBranch(ctx, s.db, c.ID, c.LeafID, a.MessageID); err != nil {
		return Attachment{}, nil, err
	} else if !on {
		return Attachment{}, nil, errs.New(errs.NotFound, "There is no such file.")
	}
	data, err := s.files.Read(ctx, a.BlobHash)
	return a, data, err
}

// TakeShown makes a conversation of the person's out of the branch. It does not
// ask who may see it: the caller has.
func (s *Service) TakeShown(ctx context.Context, of Shown, title string, withSystemPrompt bool) (Conversation, error) {
	p, err := s.authorize(ctx, access.ConversationCreate)
	if err != nil {
		return Conversation{}, err
	}
	c, err := s.shown(ctx, of)
	if err != nil {
		return Conversation{}, err
	}
	branch, err := s.path(ctx, s.db, c.OwnerID, c.ID, c.LeafID, math.MaxInt32)
	if err == nil {
		err = s.asShown(ctx, of, branch)
	}
	if err != nil {
		return Conversation{}, err
	}
	if len(branch) == 0 {
		return Conversation{}, errs.New(errs.NotFound, "There is no such conversation.")
	}
	if err := s.allows(ctx); err != nil {
		return Conversation{}, err
	}
	now := s.now()
	mine := Conversation{
		ID: db.NewID(), OwnerID: p.AccountID, Title: title, TitleSource: TitlePerson, ModelID: c.ModelID, Class: c.Class, CreatedAt: now, ActiveAt: now,
	}
	if withSystemPrompt {
		mine.SystemPrompt, mine.Parameters = c.SystemPrompt, c.Parameters
	}
	if _, err := s.models.Offer(ctx, c.ModelID); err != nil { // theirs, but not this person's
		mine.ModelID = ""
		if o, err := s.offer(ctx, "", c.Class); err == nil {
			mine.ModelID = o.ID
		}
	}
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := s.insertConversation(ctx, tx, mine, ""); err != nil {
			return err
		}
		mine.LeafID, err = s.copyMessages(ctx, tx, mine, branch, branch[len(branch)-1].ID)
		return err
	})
	if err != nil {
		return Conversation{}, err
	}
	s.announce(ctx, p.AccountID, ChangeEvent{Type: ChangeConversation, ConversationID: mine.ID})
	return mine, nil
}

// shown returns the conversation of a branch as it is shown.
func (s *Service) shown(ctx context.Context, of Shown) (Conversation, error) {
	c, err := s.conversation(ctx, s.db, of.OwnerID, of.ConversationID)
	if err == nil && of.LeafID != "" {
		c.LeafID, c.SystemPrompt, c.Parameters = of.LeafID, of.Kept.SystemPrompt, of.Kept.Parameters
	}
	return c, err
}

// asShown gives the end of what is kept its old form, and what is being written
// the words that are stored beside it.
func (s *Service) asShown(ctx context.Context, of Shown, messages []Message) error {
	for i := range messages {
		m := &messages[i]
		if e := of.Kept.Ending; e != nil && m.ID == of.LeafID {
			m.Parts, m.Status, m.StopReason, m.Failure = e.Parts, e.Status, e.StopReason, e.Failure
			m.ModelName, m.FinishedAt = e.ModelName, e.FinishedAt
			continue
		}
		if m.Status != StatusRunning {
			continue
		}
		written, err := s.segments(ctx, s.db, m.RunID, 0)
		if err != nil {
			return err
		}
		if m.Parts, err = assemble(m.Parts, written); err != nil {
			return err
		}
	}
	return nil
}
