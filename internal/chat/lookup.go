package chat

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"kakoi/internal/access"
	"kakoi/internal/errs"
	"kakoi/internal/label"
)

// Exchange is an answer with the question before it, for those who look at
// single answers.
type Exchange struct {
	MessageID      string // of the answer
	ConversationID string
	OwnerID        string
	ModelID        string
	ModelName      string // as it was called when it answered
	Status         Status
	Question       string // "" if nothing was asked in words
	Answer         string // without its reasoning
}

// Answer is Exchange for the owner of the answer.
func (s *Service) Answer(ctx context.Context, id string) (Exchange, error) {
	p, err := s.authorize(ctx, access.ConversationRead)
	if err != nil {
		return Exchange{}, err
	}
	e, err := s.Exchange(ctx, id)
	if err == nil && e.OwnerID != p.AccountID {
		err = errs.New(errs.NotFound, "There is no such message.")
	}
	if err != nil {
		return Exchange{}, err
	}
	return e, nil
}

const selectExchange = `
	SELECT m.id, m.conversation_id, c.owner_id, m.model_id, m.model_name, m.status, m.content, COALESCE(q.content, '[]')
	FROM   messages m
	       JOIN conversations c ON c.id = m.conversation_id
	       LEFT JOIN messages q ON q.id = m.parent_id AND q.role = 'user'
	WHERE  m.id = $1 AND m.role = 'assistant' AND c.deleted_at = 0`

// Exchange returns the answer id, whosever it is: the caller decides who may
// have it. The error has code NotFound if there is no such answer.
func (s *Service) Exchange(ctx context.Context, id string) (Exchange, error) {
	absent := errs.New(errs.NotFound, "There is no such message.")
	if !label.IsID(id) {
		return Exchange{}, absent
	}
	var e Exchange
	var question, answer Message
	var asked, answered string
	err := s.db.QueryRowContext(ctx, selectExchange, id).
		Scan(&e.MessageID, &e.ConversationID, &e.OwnerID, &e.ModelID, &e.ModelName, &e.Status, &answered, &asked)
	if errors.Is(err, sql.ErrNoRows) {
		return Exchange{}, absent
	}
	if err == nil {
		err = errors.Join(json.Unmarshal([]byte(answered), &answer.Parts), json.Unmarshal([]byte(asked), &question.Parts))
	}
	if err != nil {
		return Exchange{}, fmt.Errorf("read answer %s: %w", id, err)
	}
	e.Question, e.Answer = question.text(), answer.text()
	return e, nil
}
