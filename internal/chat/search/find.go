package search

import (
	"context"
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// Hit is a message, or the title of a conversation, that was found.
type Hit struct {
	ConversationID string
	Title          string
	FolderID       string
	Archived       bool
	MessageID      string // "" for the title
	Role           model.Role
	Snippet        []Piece
	At             time.Time

	document int64
}

const (
	hitsOfConversation = 3     // that are shown one after the other
	mostExamined       = 5_000 // texts of one page
)

// Find finds texts of the owner's conversations that are not deleted, the newest
// first: those put away too. Of one conversation it shows a few. next is the token
// of the next page, "" at the end. The error names field q if an operator in text
// cannot be understood.
func (x *Index) Find(ctx context.Context, owner, text, token string, limit int) (hits []Hit, next string, err error) {
	q, err := parseQuery(text)
	if err != nil || q.empty() {
		return nil, "", err
	}
	after := place{document: math.MaxInt64}
	if token != "" {
		if after, err = parsePlace(token); err != nil {
			return nil, "", err
		}
	}
	x.indexOwn(ctx, owner)
	look, possible, err := x.lookFor(ctx, owner, q, after.document)
	if err != nil || !possible {
		return nil, "", err
	}
	if hits, next, err = x.collect(ctx, look, after, limit); err != nil {
		return nil, "", err
	}
	return hits, next, x.addSnippets(ctx, hits, q.words)
}

// collect takes hits until there are enough and one more, or enough were seen.
func (x *Index) collect(ctx context.Context, look lookup, last place, limit int) (hits []Hit, next string, err error) {
	shown := map[string]int{last.conversation: last.shown}
	examined := 0
	for h, err := range x.hits(ctx, look) {
		if err != nil {
			return nil, "", err
		}
		if len(hits) == limit || examined == mostExamined {
			return hits, last.String(), nil
		}
		examined++
		last.document = h.document
		if shown[h.ConversationID] == hitsOfConversation {
			continue
		}
		shown[h.ConversationID]++
		last.conversation, last.shown = h.ConversationID, shown[h.ConversationID]
		hits = append(hits, h)
	}
	return hits, "", nil
}

// place is one in the order of what is found, and how many hits of the last
// conversation were shown.
type place struct {
	document     int64
	conversation string
	shown        int
}

func (p place) String() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d|%d|%s", p.document, p.shown, p.conversation))
}

func parsePlace(token string) (place, error) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	fields := strings.SplitN(string(raw), "|", 3)
	if err == nil && len(fields) == 3 {
		document, err1 := strconv.ParseInt(fields[0], 10, 64)
		shown, err2 := strconv.Atoi(fields[1])
		if err1 == nil && err2 == nil && document >= 0 {
			return place{document, fields[2], shown}, nil
		}
	}
	return place{}, errs.InField("pageToken", "this is not a page token that this list gave")
}

// addSnippets reads the messages that were found and cuts what is shown.
func (x *Index) addSnippets(ctx context.Context, hits []Hit, words []string) error {
	var messages []string
	for _, h := range hits {
		if h.MessageID != "" {
			messages = append(messages, h.MessageID)
		}
	}
	found, err := x.texts(ctx, messages)
	if err != nil {
		return err
	}
	for i, h := range hits {
		text := h.Title
		if h.MessageID != "" {
			m := found[h.MessageID]
			text, hits[i].Role, hits[i].At = m.words, m.role, m.at
		}
		hits[i].Snippet = snippet(text, hits[i].Role == model.RoleAssistant, words)
	}
	return nil
}

// said is a message as a snippet needs it.
type said struct {
	role  model.Role
	at    time.Time
	words string
}

// texts returns messages by their ids.
func (x *Index) texts(ctx context.Context, messages []string) (map[string]said, error) {
	if len(messages) == 0 {
		return nil, nil
	}
	rows, err := x.db.QueryContext(ctx, `
		SELECT id, role, created_at, content FROM messages WHERE id IN (`+db.Marks(1, len(messages))+`)`, anys(messages)...)
	if err != nil {
		return nil, fmt.Errorf("read what was found: %w", err)
	}
	defer rows.Close()
	out := make(map[string]said, len(messages))
	for rows.Next() {
		var m said
		var id string
		var created int64
		var content []byte
		if err := rows.Scan(&id, &m.role, &created, &content); err != nil {
			return nil, fmt.Errorf("read what was found: %w", err)
		}
		m.at = time.UnixMilli(created).UTC()
		if m.words, err = x.words(content); err != nil {
			return nil, fmt.Errorf("message %s: %w", id, err)
		}
		out[id] = m
	}
	return out, rows.Err()
}
