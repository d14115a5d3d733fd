package chat

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/label"
)

const (
	maxTags     = 20 // of one conversation
	maxTagRunes = 40
)

// Tag is a word that a person put on conversations.
type Tag struct {
	Name          string
	Conversations int
}

// Tags lists the person's tags by name.
func (s *Service) Tags(ctx context.Context) ([]Tag, error) {
	p, err := s.authorize(ctx, access.ConversationCreate)
	if err != nil {
		return nil, err
	}
	rows, err := s.db.QueryContext(ctx, `
		SELECT t.tag, count(*) FROM conversation_tags t JOIN conversations c ON c.id = t.conversation_id
		WHERE  t.owner_id = $1 AND c.deleted_at = 0 GROUP BY t.tag ORDER BY t.tag`, p.AccountID)
	if err != nil {
		return nil, fmt.Errorf("list tags: %w", err)
	}
	defer rows.Close()
	var out []Tag
	for rows.Next() {
		var t Tag
		if err := rows.Scan(&t.Name, &t.Conversations); err != nil {
			return nil, fmt.Errorf("list tags: %w", err)
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

func cleanTags(tags []string) ([]string, error) {
	var out []string
	for _, t := range tags {
		t, err := label.Clean("tags", strings.TrimPrefix(strings.TrimSpace(t), "#"), maxTagRunes)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	if len(out) > maxTags {
		return nil, errs.InField("tags", fmt.Sprintf("a conversation has at most %d tags", maxTags))
	}
	slices.Sort(out)
	return out, nil
}

func (s store) setTags(ctx context.Context, q db.Queryer, owner, conversation string, tags []string) error {
	if _, err := q.ExecContext(ctx, `DELETE FROM conversation_tags WHERE conversation_id = $1`, conversation); err != nil {
		return fmt.Errorf("tag conversation %s: %w", conversation, err)
	}
	for _, t := range tags {
		_, err := q.ExecContext(ctx, `INSERT INTO conversation_tags (owner_id, tag, conversation_id) VALUES ($1, $2, $3)`, owner, t, conversation)
		if err != nil {
			return fmt.Errorf("tag conversation %s: %w", conversation, err)
		}
	}
	return nil
}

// tagsOf returns the tags of conversations, by conversation.
func (s store) tagsOf(ctx context.Context, q db.Queryer, conversations []string) (map[string][]string, error) {
	out := make(map[string][]string, len(conversations))
	if len(conversations) == 0 {
		return out, nil
	}
	args := make([]any, len(conversations))
	for i, id := range conversations {
		args[i] = id
	}
	rows, err := q.QueryContext(ctx, `
		SELECT conversation_id, tag FROM conversation_tags WHERE conversation_id IN (`+db.Marks(1, len(args))+`) ORDER BY tag`, args...)
	if err != nil {
		return nil, fmt.Errorf("read tags: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, tag string
		if err := rows.Scan(&id, &tag); err != nil {
			return nil, fmt.Errorf("read tags: %w", err)
		}
		out[id] = append(out[id], tag)
	}
	return out, rows.Err()
}
