package chat

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// Summary stands for the beginning of a branch.
type Summary struct {
	MessageID string // the last message it tells
	Text      string
	ModelName string
}

const (
	summaryIntroduction = "The conversation before the messages below, summarised:"
	summaryPrompt       = "Summarise the conversation below so that it can go on without its text: what was asked, what was found and decided, facts, names, numbers and dates that may matter later, and what is still open. " +
		"Write in the language of the conversation, as a list, without introduction. Add nothing that is not in it."
	summaryTokens = 2000 // of the summary
	keptTurns     = 2    // turns at the end that are never summarised
)

// Summarise has a light model tell the beginning of the open branch in short,
// and from then on gives models that instead. The error is NothingToResume if
// there is nothing to summarise.
func (s *Service) Summarise(ctx context.Context, id string) (Summary, error) {
	c, err := s.own(ctx, id, access.ConversationWrite)
	if err != nil {
		return Summary{}, err
	}
	c, policy, err := s.counted(ctx, c)
	if err == nil {
		err = policy.keeps()
	}
	if err != nil {
		return Summary{}, err
	}
	branch, err := s.path(ctx, s.db, c.OwnerID, id, c.LeafID, math.MaxInt32)
	if err != nil {
		return Summary{}, err
	}
	old, from, err := s.summaryOf(ctx, branch)
	if err != nil {
		return Summary{}, err
	}
	to := max(0, len(branch)-2*keptTurns)
	for to > 0 && branch[to-1].Role != model.RoleAssistant { // it ends with an answer
		to--
	}
	if to <= from {
		return Summary{}, errs.New(errs.NothingToResume, "The conversation is too short to summarise.")
	}
	offers, err := s.offersFor(ctx, c.Class)
	if err != nil {
		return Summary{}, err
	}
	light, ok := model.LightOf(offers, c.ModelID)
	if !ok {
		return Summary{}, errs.New(errs.NoModel, "No model is set up for you yet. Ask an administrator to connect one.")
	}
	text := ""
	if old != nil {
		text = old.Text
	}
	// In stretches that fit: each is summarised together with the summary before it.
	room := math.MaxInt
	if limit := light.Capabilities.ContextTokens; limit > 0 {
		room = max(1000, limit-2*summaryTokens-500)
	}
	for from < to {
		next, used := from, 0
		for next < to && (next == from || used+messageTokens(branch[next]) <= room) {
			used += messageTokens(branch[next])
			next++
		}
		if text, err = s.summarise(ctx, c, light, text, branch[from:next], room); err != nil {
			return Summary{}, err
		}
		from = next
	}
	made := Summary{MessageID: branch[to-1].ID, Text: text, ModelName: light.DisplayName}
	if err := s.writeSummary(context.WithoutCancel(ctx), id, made, s.now().UnixMilli()); err != nil {
		return Summary{}, err
	}
	s.announce(ctx, c.OwnerID, ChangeEvent{Type: ChangeConversation, ConversationID: id})
	return made, nil
}

func (s *Service) summarise(ctx context.Context, c Conversation, light model.Offer, before string, messages []Message, room int) (string, error) {
	var b strings.Builder
	if before != "" {
		fmt.Fprintf(&b, "<summary_so_far>\n%s\n</summary_so_far>\n", before)
	}
	for _, m := range messages {
		text := m.text()
		if n := 2 * room; room < math.MaxInt/2 && len(text) > n { // a message longer than the model
			text = strings.ToValidUTF8(text[:n/2], "") + "\n…\n" + strings.ToValidUTF8(text[len(text)-n/2:], "")
		}
		fmt.Fprintf(&b, "<%s>\n%s\n</%s>\n", m.Role, text, m.Role)
	}
	said, err := s.ask(ctx, c, light, "summary", summaryPrompt, summaryTokens, b.String())
	if err != nil {
		return "", err
	}
	if text := strings.TrimSpace(said); text != "" {
		return text, nil
	}
	return "", errs.New(errs.ModelFailed, "The model gave no summary.")
}

// ForgetSummary gives models the whole conversation again, as far as it fits.
func (s *Service) ForgetSummary(ctx context.Context, id string) error {
	c, err := s.own(ctx, id, access.ConversationWrite)
	if err != nil {
		return err
	}
	if _, err := s.db.ExecContext(ctx, `DELETE FROM summaries WHERE conversation_id = $1`, id); err != nil {
		return fmt.Errorf("forget the summaries of %s: %w", id, err)
	}
	s.announce(ctx, c.OwnerID, ChangeEvent{Type: ChangeConversation, ConversationID: id})
	return nil
}

// summaryOf returns the summary that tells most of a branch, and how many of
// the branch's messages it tells; nil if there is none.
func (s *Service) summaryOf(ctx context.Context, branch []Message) (*Summary, int, error) {
	if len(branch) < 2 { // a summary tells at least a question and its answer
		return nil, 0, nil
	}
	told, err := s.summarised(ctx, s.db, branch[0].ConversationID)
	if err != nil || len(told) == 0 {
		return nil, 0, err
	}
	for i, m := range slices.Backward(branch) {
		if !slices.Contains(told, m.ID) {
			continue
		}
		sum := Summary{MessageID: m.ID}
		err := s.db.QueryRowContext(ctx, `SELECT body, model_name FROM summaries WHERE message_id = $1`, m.ID).Scan(&sum.Text, &sum.ModelName)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, 0, nil
		} else if err != nil {
			return nil, 0, fmt.Errorf("read summary: %w", err)
		}
		return &sum, i + 1, nil
	}
	return nil, 0, nil
}

func (s store) summarised(ctx context.Context, q db.Queryer, conversation string) ([]string, error) {
	return db.Column[string](ctx, q, `SELECT message_id FROM summaries WHERE conversation_id = $1`, conversation)
}

func (s store) writeSummary(ctx context.Context, conversation string, sum Summary, now int64) error {
	_, err := s.db.ExecContext(ctx, `
		INSERT INTO summaries (message_id, conversation_id, body, model_name, created_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (message_id) DO UPDATE SET body = excluded.body, model_name = excluded.model_name, created_at = excluded.created_at`,
		sum.MessageID, conversation, sum.Text, sum.ModelName, now)
	if err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}
