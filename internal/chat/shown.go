package chat

import (
	"context"
	"math"
	"slices"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/errs"
)

// Shown is a branch of somebody's conversation, as others may be shown it.
type Shown struct {
	OwnerID        string
	ConversationID string
	LeafID         string // "": of the branch that is open
}

// ShownMessages returns the conversation of a branch with the last messages of
// the branch, or those before the message named before. It does not ask who
// may see them: the caller has.
func (s *Service) ShownMessages(ctx context.Context, of Shown, before string, limit int) (Conversation, MessagePage, error) {
	c, branch, err := s.shown(ctx, of)
	if err != nil {
		return Conversation{}, MessagePage{}, err
	}
	if before != "" { // nothing that is not on the branch can be asked for
		at := slices.IndexFunc(branch, func(m Message) bool { return m.ID == before })
		if at < 0 {
			return Conversation{}, MessagePage{}, errs.InField("before", "this is not a page token that this list gave")
		}
		branch = branch[:at]
	}
	page := MessagePage{LeafID: c.LeafID}
	limit = bounded(limit, 50)
	if len(branch) > limit {
		branch = branch[len(branch)-limit:]
		page.Previous = branch[0].ID
	}
	page.Items = branch
	return c, page, nil
}

// ShownFile returns a file of a message on the branch with its content. It does
// not ask who may see it: the caller has.
func (s *Service) ShownFile(ctx context.Context, of Shown, attachment string) (Attachment, []byte, error) {
	c, branch, err := s.shown(ctx, of)
	if err != nil {
		return Attachment{}, nil, err
	}
	if !slices.ContainsFunc(branch, func(m Message) bool {
		return slices.ContainsFunc(m.Parts, func(p Part) bool { return p.AttachmentID == attachment && attachment != "" })
	}) {
		return Attachment{}, nil, errs.New(errs.NotFound, "There is no such file.")
	}
	a, err := s.attachment(ctx, s.db, c.OwnerID, attachment)
	if err != nil {
		return Attachment{}, nil, err
	}
	data, err := s.blob(ctx, a.BlobHash)
	return a, data, err
}

// TakeShown makes a conversation of the person's out of the branch. It does not
// ask who may see it: the caller has.
func (s *Service) TakeShown(ctx context.Context, of Shown, title string, withSystemPrompt bool) (Conversation, error) {
	p, err := s.authorize(ctx, access.ConversationCreate)
	if err != nil {
		return Conversation{}, err
	}
	c, branch, err := s.shown(ctx, of)
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
		ID: db.NewID(), OwnerID: p.AccountID, Title: title, TitleSource: TitlePerson, ModelID: c.ModelID, CreatedAt: now, ActiveAt: now,
	}
	if withSystemPrompt {
		mine.SystemPrompt, mine.Parameters = c.SystemPrompt, c.Parameters
	}
	if _, err := s.models.Offer(ctx, c.ModelID); err != nil { // theirs, but not this person's
		mine.ModelID = ""
		if o, err := s.offer(ctx, ""); err == nil {
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

func (s *Service) shown(ctx context.Context, of Shown) (Conversation, []Message, error) {
	c, err := s.conversation(ctx, s.db, of.OwnerID, of.ConversationID)
	if err != nil {
		return Conversation{}, nil, err
	}
	if of.LeafID != "" {
		c.LeafID = of.LeafID
	}
	branch, err := s.path(ctx, s.db, of.OwnerID, of.ConversationID, c.LeafID, math.MaxInt32)
	return c, branch, err
}
