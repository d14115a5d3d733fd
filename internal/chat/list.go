package chat

import (
	"context"
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"

	"kakoi/internal/access"
	"kakoi/internal/errs"
)

// Filter chooses conversations of a list.
type Filter struct {
	FolderID string // "" is any
	Tag      string // "" is any
	Archived bool   // those put away, instead of the others
}

// List returns the person's conversations: pinned ones first, then by latest
// activity.
func (s *Service) List(ctx context.Context, f Filter, token string, limit int) (Page[Conversation], error) {
	p, err := s.authorize(ctx, access.ConversationCreate)
	if err != nil {
		return Page[Conversation]{}, err
	}
	after := place{pinned: true, active: math.MaxInt64}
	if token != "" {
		if after, err = parsePlace(token); err != nil {
			return Page[Conversation]{}, err
		}
	}
	limit = bounded(limit, 30)
	items, err := s.conversations(ctx, p.AccountID, f, after, limit+1)
	if err != nil {
		return Page[Conversation]{}, err
	}
	page := Page[Conversation]{Items: items}
	if len(items) > limit {
		page.Items = items[:limit]
		last := page.Items[limit-1]
		page.Next = place{last.Pinned, last.ActiveAt.UnixMilli(), last.ID}.String()
	}
	return page, nil
}

// place is one in the order of the list.
type place struct {
	pinned bool
	active int64 // Unix milliseconds
	id     string
}

func (p place) String() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%t|%d|%s", p.pinned, p.active, p.id))
}

func parsePlace(token string) (place, error) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	fields := strings.SplitN(string(raw), "|", 3)
	if err == nil && len(fields) == 3 {
		pinned, err1 := strconv.ParseBool(fields[0])
		active, err2 := strconv.ParseInt(fields[1], 10, 64)
		if err1 == nil && err2 == nil {
			return place{pinned, active, fields[2]}, nil
		}
	}
	return place{}, errs.InField("pageToken", "this is not a page token that this list gave")
}

// listQuery returns the query of a page of the list: what a filter chooses of
// the owner's that comes after a place.
func listQuery(owner string, f Filter, after place, limit int) (query string, args []any) {
	where := `c.owner_id = $1 AND c.deleted_at = 0 AND c.archived = $2 AND (c.pinned, c.active_at, c.id) < ($3, $4, $5)`
	args = []any{owner, f.Archived, after.pinned, after.active, after.id, limit}
	if f.FolderID != "" {
		args = append(args, f.FolderID)
		where += fmt.Sprintf(` AND c.folder_id = $%d`, len(args))
	}
	if f.Tag != "" {
		args = append(args, f.Tag)
		where += fmt.Sprintf(` AND c.id IN (SELECT t.conversation_id FROM conversation_tags t WHERE t.owner_id = $1 AND t.tag = $%d)`, len(args))
	}
	return `
		SELECT ` + summaryColumns + ` FROM conversations c
		WHERE  ` + where + `
		ORDER  BY c.pinned DESC, c.active_at DESC, c.id DESC
		LIMIT  $6`, args
}

// conversations lists the owner's that come after a place in the list.
func (s store) conversations(ctx context.Context, owner string, f Filter, after place, limit int) ([]Conversation, error) {
	query, args := listQuery(owner, f, after, limit)
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list conversations: %w", err)
	}
	defer rows.Close()
	var out []Conversation
	var listed []string
	for rows.Next() {
		c, err := scanSummary(rows)
		if err != nil {
			return nil, fmt.Errorf("list conversations: %w", err)
		}
		out, listed = append(out, c), append(listed, c.ID)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list conversations: %w", err)
	}
	tags, err := s.tagsOf(ctx, s.db, listed)
	for i := range out {
		out[i].Tags = tags[out[i].ID]
	}
	return out, err
}
