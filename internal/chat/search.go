package chat

import (
	"context"
	"encoding/json"

	"kakoi/internal/access"
	"kakoi/internal/chat/search"
)

// Hit is what a search found, with the tags of its conversation.
type Hit struct {
	search.Hit
	Tags []string
}

// Search finds texts of the person's conversations that are not deleted, the
// newest first: those put away too. Of one conversation it shows a few. The
// error names field q if an operator in it cannot be understood.
func (s *Service) Search(ctx context.Context, text, token string, limit int) (Page[Hit], error) {
	p, err := s.authorize(ctx, access.ConversationRead)
	if err != nil {
		return Page[Hit]{}, err
	}
	found, next, err := s.index.Find(ctx, p.AccountID, text, token, bounded(limit, 20))
	if err != nil {
		return Page[Hit]{}, err
	}
	conversations := make([]string, len(found))
	for i, h := range found {
		conversations[i] = h.ConversationID
	}
	tags, err := s.tagsOf(ctx, s.db, conversations)
	if err != nil {
		return Page[Hit]{}, err
	}
	page := Page[Hit]{Next: next}
	for _, h := range found {
		page.Items = append(page.Items, Hit{h, tags[h.ConversationID]})
	}
	return page, nil
}

// IndexPending makes findable whatever waits for it. Run does so in the
// background; this is for those who cannot wait.
func (s *Service) IndexPending(ctx context.Context) error { return s.index.CatchUp(ctx) }

// wordsOf returns the words of a message by its content as it is stored.
func wordsOf(content []byte) (string, error) {
	var m Message
	if err := json.Unmarshal(content, &m.Parts); err != nil {
		return "", err
	}
	return m.text(), nil
}
