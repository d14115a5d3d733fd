package chat

import (
	"context"
	"fmt"
	"math"
	"slices"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// MessagePage is a stretch of a branch of a conversation.
type MessagePage struct {
	Items    []Message // oldest first, each with its siblings
	Previous string    // the token of what came before, "" at the beginning
	LeafID   string    // the end of the branch the items are of
	Compared []Message // the answers side by side at its end, if they are
}

// Messages returns messages of a branch of a conversation: those before the
// message named before, or the last ones of the branch that goes through the
// message named through, or of the open branch. Messages that are being written
// stand as far as the store knows them: readers follow their run for the rest.
func (s *Service) Messages(ctx context.Context, id, through, before string, limit int) (MessagePage, error) {
	c, err := s.own(ctx, id, access.ConversationRead)
	if err != nil {
		return MessagePage{}, err
	}
	page := MessagePage{LeafID: c.LeafID}
	if through != "" {
		if page.LeafID, err = s.end(ctx, s.db, id, through); err != nil {
			return MessagePage{}, err
		}
	}
	end := page.LeafID
	if before != "" {
		m, err := s.ownMessage(ctx, s.db, c.OwnerID, id, before)
		if err != nil {
			return MessagePage{}, errs.InField("before", "this is not a page token that this list gave")
		}
		end = m.ParentID
	}
	limit = bounded(limit, 50)
	if page.Items, err = s.path(ctx, s.db, c.OwnerID, id, end, limit+1); err != nil {
		return MessagePage{}, err
	}
	if len(page.Items) > limit {
		page.Items = page.Items[1:]
		page.Previous = page.Items[0].ID
	}
	if err := s.addSiblings(ctx, s.db, id, page.Items); err != nil {
		return MessagePage{}, err
	}
	if n := len(page.Items); n > 0 && before == "" && c.ComparisonID != "" && page.Items[n-1].ComparisonID == c.ComparisonID {
		page.Compared, err = s.compared(ctx, s.db, id, page.Items[n-1].ParentID, c.ComparisonID)
	}
	return page, err
}

// OpenBranch opens the branch through a message: the one that is shown and that
// the next turn goes on from. It ends a comparison by choosing the message.
func (s *Service) OpenBranch(ctx context.Context, id, message string) (Conversation, error) {
	c, err := s.own(ctx, id, access.ConversationWrite)
	if err != nil {
		return Conversation{}, err
	}
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		leaf, err := s.end(ctx, tx, id, message)
		if err != nil {
			return err
		}
		c.LeafID, c.ComparisonID = leaf, ""
		return s.setLeaf(ctx, tx, c.OwnerID, id, leaf)
	})
	if err != nil {
		return Conversation{}, err
	}
	s.announce(ctx, c.OwnerID, ChangeEvent{Type: ChangeConversation, ConversationID: id})
	return c, nil
}

// Edit gives a message other words, beside the old ones, which are kept. A
// person's message is answered anew; an answer stands as the person wrote it.
func (s *Service) Edit(ctx context.Context, id, message string, turn Turn) (Started, error) {
	c, err := s.own(ctx, id, access.ConversationWrite)
	if err != nil {
		return Started{}, err
	}
	old, err := s.ownMessage(ctx, s.db, c.OwnerID, id, message)
	if err != nil {
		return Started{}, err
	}
	if old.Role == model.RoleUser && len(turn.AttachmentIDs) == 0 && turn.Text == "" {
		return Started{}, errs.InField("text", "write something, or attach a file")
	}
	if turn, err = turn.clean(); err != nil {
		return Started{}, err
	}
	if first, ok, err := s.sentBefore(ctx, c, turn.ClientID); err != nil || ok {
		return first, err
	}
	if old.Role == model.RoleAssistant {
		return s.editAnswer(ctx, c, old, turn)
	}
	c, policy, err := s.counted(ctx, c)
	if err != nil {
		return Started{}, err
	}
	offers, err := s.answering(ctx, c, turn)
	if err != nil {
		return Started{}, err
	}
	return s.begin(ctx, beginning{conversation: c, policy: policy, turn: &turn, parent: old.ParentID, editedFrom: old.ID, offers: offers})
}

func (s *Service) editAnswer(ctx context.Context, c Conversation, old Message, turn Turn) (Started, error) {
	if err := s.allows(ctx); err != nil {
		return Started{}, err
	}
	if old.Status == StatusRunning {
		return Started{}, errs.New(errs.RunActive, "The answer is still being written.")
	}
	now := s.now()
	edited := Message{
		ID: db.NewID(), ParentID: old.ParentID, Role: old.Role, Status: StatusComplete, EditedFromID: old.ID,
		ModelID: old.ModelID, ModelName: old.ModelName, Parts: []Part{{Type: model.PartText, Text: turn.Text}},
		CreatedAt: now, FinishedAt: now, clientID: turn.ClientID,
	}
	err := s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := s.idle(ctx, tx, c.ID); err != nil {
			return err
		}
		if err := s.insertMessages(ctx, tx, c.ID, edited.ID, "", now, &edited); err != nil {
			return err
		}
		answers := []Message{edited}
		err := s.addSiblings(ctx, tx, c.ID, answers)
		edited = answers[0]
		return err
	})
	if err != nil {
		return Started{}, err
	}
	c.LeafID, c.ComparisonID, c.ActiveAt = edited.ID, "", now
	s.announce(ctx, c.OwnerID, ChangeEvent{Type: ChangeConversation, ConversationID: c.ID})
	return Started{Conversation: c, Answers: []Message{edited}}, nil
}

// Regenerate asks for another answer to what message answers, from a model or,
// if it is "", from the conversation's. The one there is stays beside it.
func (s *Service) Regenerate(ctx context.Context, id, message, modelID, clientID string) (Started, error) {
	c, err := s.own(ctx, id, access.ConversationWrite)
	if err != nil {
		return Started{}, err
	}
	if len(clientID) > maxClientID {
		return Started{}, errs.InField("clientId", fmt.Sprintf("a client id has at most %d characters", maxClientID))
	}
	if first, ok, err := s.sentBefore(ctx, c, clientID); err != nil || ok {
		return first, err
	}
	old, err := s.ownMessage(ctx, s.db, c.OwnerID, id, message)
	if err != nil {
		return Started{}, err
	}
	if old.Role != model.RoleAssistant || old.ParentID == "" {
		return Started{}, errs.New(errs.InvalidInput, "Only an answer can be asked for anew.")
	}
	if modelID == "" {
		modelID = c.ModelID
	}
	c, policy, err := s.counted(ctx, c)
	if err != nil {
		return Started{}, err
	}
	offer, err := s.offer(ctx, modelID, c.Class)
	if err != nil {
		return Started{}, err
	}
	return s.begin(ctx, beginning{conversation: c, policy: policy, parent: old.ParentID, clientID: clientID, offers: []model.Offer{offer}})
}

// errBusy is the refusal of a turn while another is answered.
func errBusy() error {
	return errs.New(errs.RunActive, "This conversation is already being answered.")
}

// idle returns an error with code RunActive while a conversation is answered.
func (s *Service) idle(ctx context.Context, q db.Queryer, id string) error {
	active, err := s.activeRuns(ctx, q, id)
	if err == nil && len(active) > 0 {
		err = errBusy()
	}
	return err
}

// Fork copies a conversation up to a message into a new one: the branch of the
// message alone, or every branch that begins before it.
func (s *Service) Fork(ctx context.Context, id, message string, everyBranch bool) (Conversation, error) {
	c, err := s.own(ctx, id, access.ConversationRead)
	if err != nil {
		return Conversation{}, err
	}
	if err := s.allows(ctx); err != nil {
		return Conversation{}, err
	}
	now := s.now()
	fork := c
	fork.ID, fork.CreatedAt, fork.ActiveAt = db.NewID(), now, now
	fork.Pinned, fork.Archived, fork.Running, fork.ComparisonID, fork.Queue = false, false, false, "", nil
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		branch, err := s.path(ctx, tx, c.OwnerID, id, message, math.MaxInt32)
		if err != nil {
			return err
		}
		if len(branch) == 0 {
			return errs.New(errs.NotFound, "There is no such message.")
		}
		if everyBranch {
			if branch, err = s.branchesBefore(ctx, tx, c.OwnerID, id, branch); err != nil {
				return err
			}
		}
		if err := s.insertConversation(ctx, tx, fork, ""); err != nil {
			return err
		}
		if err := s.setTags(ctx, tx, fork.OwnerID, fork.ID, fork.Tags); err != nil {
			return err
		}
		fork.LeafID, err = s.copyMessages(ctx, tx, fork, branch, message)
		return err
	})
	if err != nil {
		return Conversation{}, err
	}
	s.announce(ctx, c.OwnerID, ChangeEvent{Type: ChangeConversation, ConversationID: fork.ID})
	return fork, nil
}

// branchesBefore returns all messages but those that come after the end of the
// branch.
func (s *Service) branchesBefore(ctx context.Context, tx *db.Tx, owner, id string, branch []Message) ([]Message, error) {
	all, err := s.everyMessage(ctx, tx, owner, id)
	if err != nil {
		return nil, err
	}
	after := map[string]bool{}
	last := branch[len(branch)-1].ID
	return slices.DeleteFunc(all, func(m Message) bool {
		after[m.ID] = m.ParentID == last || after[m.ParentID] // a parent is older than what follows it
		return after[m.ID]
	}), nil
}

// copyMessages puts messages with their files into a conversation of the same
// or another owner and returns the new id of the one that becomes its leaf.
// Answers that are being written are copied as far as they are stored.
func (s *Service) copyMessages(ctx context.Context, tx *db.Tx, into Conversation, messages []Message, leaf string) (string, error) {
	renamed := make(map[string]string, len(messages))
	copies := make([]*Message, 0, len(messages))
	files := map[string][]sentFile{} // by message
	for _, m := range messages {
		renamed[m.ID] = db.NewID()
		m.ID, m.ParentID, m.EditedFromID = renamed[m.ID], renamed[m.ParentID], renamed[m.EditedFromID]
		m.ComparisonID, m.RunID, m.clientID = "", "", ""
		if m.Status == StatusRunning {
			m.Status, m.FinishedAt = StatusStopped, into.CreatedAt
		}
		m.Parts = slices.Clone(m.Parts)
		for i, p := range m.Parts {
			if p.AttachmentID != "" {
				m.Parts[i].AttachmentID = db.NewID()
				files[m.ID] = append(files[m.ID], sentFile{id: m.Parts[i].AttachmentID, from: p.AttachmentID})
			}
		}
		copies = append(copies, &m)
	}
	if err := s.insertMessages(ctx, tx, into.ID, renamed[leaf], "", into.ActiveAt, copies...); err != nil {
		return "", err
	}
	for message, of := range files {
		if err := s.claimAttachments(ctx, tx, into.OwnerID, message, of); err != nil {
			return "", err
		}
	}
	return renamed[leaf], nil
}
