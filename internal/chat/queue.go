package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

const maxQueued = 20 // turns that wait in one conversation

// enqueue keeps a turn until the answer before it has ended, or ends that answer
// for it.
func (s *Service) enqueue(ctx context.Context, c Conversation, turn Turn, offers []model.Offer, replace bool) (Started, error) {
	if len(c.Queue) >= maxQueued {
		return Started{}, errs.Newf(errs.Conflict, "%d messages wait already.", maxQueued)
	}
	waiting := QueuedTurn{ID: db.NewID(), Turn: turn, CreatedAt: s.now()}
	var active []string
	err := s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, _, err := s.sentParts(ctx, tx, c.OwnerID, turn, offers); err != nil {
			return err
		}
		var err error
		if active, err = s.activeRuns(ctx, tx, c.ID); err != nil {
			return err
		}
		return s.insertQueued(ctx, tx, c, waiting, replace)
	})
	if err != nil {
		return Started{}, err
	}
	if replace {
		for _, id := range active {
			if err := s.Stop(ctx, id); err != nil && errs.CodeOf(err) != errs.RunNotActive {
				return Started{}, err
			}
		}
	}
	s.announce(ctx, c.OwnerID, ChangeEvent{Type: ChangeConversation, ConversationID: c.ID})
	// The answer may have ended before the turn was there to be seen: then nobody
	// else sends it.
	if active, err = s.activeRuns(ctx, s.db, c.ID); err == nil && len(active) == 0 {
		s.sendQueued(ctx, c, StatusComplete)
	}
	c.Queue = append(c.Queue, waiting)
	return Started{Conversation: c, Queued: &waiting}, nil
}

// sendQueued sends the oldest turn that waits for the end of an answer, which
// ended so. After an answer that did not end well the person decides: only a
// turn that was to replace the answer goes.
func (s *Service) sendQueued(ctx context.Context, c Conversation, ended Status) {
	next, ok, err := s.nextQueued(ctx, c.ID, ended == StatusComplete)
	if err != nil {
		s.log.ErrorContext(ctx, "waiting messages could not be read", "conversation", c.ID, "err", err)
	}
	if err != nil || !ok {
		return
	}
	_, err = s.sendOne(ctx, c.OwnerID, c.ID, next)
	switch {
	case err == nil, errs.CodeOf(err) == errs.RunActive, errs.CodeOf(err) == errs.NotFound, errs.CodeOf(err) == errs.Unavailable:
	default: // it waits; the person sees it and why when they send it by hand
		s.log.WarnContext(ctx, "a waiting message could not be sent", "conversation", c.ID, "code", errs.CodeOf(err))
	}
}

func (s *Service) sendOne(ctx context.Context, owner, conversation string, next QueuedTurn) (Started, error) {
	c, err := s.conversation(ctx, s.db, owner, conversation)
	if err != nil {
		return Started{}, err
	}
	c, policy, err := s.counted(ctx, c)
	if err != nil {
		return Started{}, err
	}
	offers, err := s.answering(ctx, c, next.Turn)
	if err != nil {
		return Started{}, err
	}
	return s.begin(ctx, beginning{conversation: c, policy: policy, turn: &next.Turn, parent: openEnd, offers: offers, queued: next.ID})
}

// SendQueued sends the oldest turn that waits, now.
func (s *Service) SendQueued(ctx context.Context, id string) (Started, error) {
	c, err := s.own(ctx, id, access.ConversationWrite)
	if err != nil {
		return Started{}, err
	}
	if len(c.Queue) == 0 {
		return Started{}, errs.New(errs.NotFound, "No message waits.")
	}
	return s.sendOne(ctx, c.OwnerID, id, c.Queue[0])
}

// ChangeQueued gives a turn that waits other words.
func (s *Service) ChangeQueued(ctx context.Context, id, queued, text string) (QueuedTurn, error) {
	var changed QueuedTurn
	c, err := s.own(ctx, id, access.ConversationWrite)
	if err != nil {
		return changed, err
	}
	if err := s.allows(ctx); err != nil {
		return changed, err
	}
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		queue, err := s.queue(ctx, tx, id)
		if err != nil {
			return err
		}
		for _, q := range queue {
			if q.ID != queued {
				continue
			}
			q.Turn.Text = text
			if q.Turn, err = q.Turn.clean(); err != nil {
				return err
			}
			changed = q
			return s.updateQueued(ctx, tx, q)
		}
		return errs.New(errs.NotFound, "This message does not wait any more.")
	})
	if err == nil {
		s.announce(ctx, c.OwnerID, ChangeEvent{Type: ChangeConversation, ConversationID: id})
	}
	return changed, err
}

// RemoveQueued takes back a turn that waits, with its files: they wait for a
// message again, from now on.
func (s *Service) RemoveQueued(ctx context.Context, id, queued string) (QueuedTurn, []Attachment, error) {
	c, err := s.own(ctx, id, access.ConversationWrite)
	if err != nil {
		return QueuedTurn{}, nil, err
	}
	var removed QueuedTurn
	var files []Attachment
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		queue, err := s.queue(ctx, tx, id)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(queue, func(q QueuedTurn) bool { return q.ID == queued })
		if at < 0 {
			return errs.New(errs.NotFound, "This message does not wait any more.")
		}
		removed, files = queue[at], nil
		for _, file := range removed.Turn.AttachmentIDs {
			a, err := s.attachment(ctx, tx, c.OwnerID, file)
			if errs.CodeOf(err) == errs.NotFound {
				continue
			} else if err != nil {
				return err
			}
			files = append(files, a)
		}
		_, err = tx.ExecContext(ctx, `UPDATE attachments SET created_at = $1 WHERE queued_turn_id = $2 AND message_id IS NULL`,
			s.now().UnixMilli(), queued)
		if err != nil {
			return fmt.Errorf("free the files of queued turn %s: %w", queued, err)
		}
		return s.deleteQueued(ctx, tx, id, queued)
	})
	if err != nil {
		return QueuedTurn{}, nil, err
	}
	s.announce(ctx, c.OwnerID, ChangeEvent{Type: ChangeConversation, ConversationID: id})
	return removed, files, nil
}

// queuedBody is a turn as it waits in the store.
type queuedBody struct {
	Text        string   `json:"text"`
	Attachments []string `json:"attachments,omitempty"`
	Compare     []string `json:"compare,omitempty"`
}

func bodyOf(t Turn) (string, error) {
	b, err := json.Marshal(queuedBody{t.Text, t.AttachmentIDs, t.CompareIDs})
	return string(b), err
}

func (s store) insertQueued(ctx context.Context, q db.Queryer, c Conversation, w QueuedTurn, atAnyEnd bool) error {
	body, err := bodyOf(w.Turn)
	if err != nil {
		return err
	}
	_, err = q.ExecContext(ctx, `
		INSERT INTO queued_turns (id, conversation_id, owner_id, client_id, body, at_any_end, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		w.ID, c.ID, c.OwnerID, nullable(w.Turn.ClientID), body, atAnyEnd, w.CreatedAt.UnixMilli())
	if err != nil {
		return fmt.Errorf("insert queued turn: %w", err)
	}
	for _, id := range w.Turn.AttachmentIDs { // so that they are not swept
		_, err := q.ExecContext(ctx, `
			UPDATE attachments SET queued_turn_id = $1 WHERE id = $2 AND owner_id = $3 AND message_id IS NULL AND folder_id IS NULL`,
			w.ID, id, c.OwnerID)
		if err != nil {
			return fmt.Errorf("keep attachment %s: %w", id, err)
		}
	}
	return nil
}

func (s store) updateQueued(ctx context.Context, q db.Queryer, w QueuedTurn) error {
	body, err := bodyOf(w.Turn)
	if err != nil {
		return err
	}
	if _, err := q.ExecContext(ctx, `UPDATE queued_turns SET body = $1 WHERE id = $2`, body, w.ID); err != nil {
		return fmt.Errorf("update queued turn %s: %w", w.ID, err)
	}
	return nil
}

// deleteQueued removes a turn that waits; code NotFound if it does not.
func (s store) deleteQueued(ctx context.Context, q db.Queryer, conversation, id string) error {
	// A file that the turn took along has its message by now.
	if _, err := q.ExecContext(ctx, `UPDATE attachments SET queued_turn_id = NULL WHERE queued_turn_id = $1`, id); err != nil {
		return fmt.Errorf("delete queued turn %s: %w", id, err)
	}
	res, err := q.ExecContext(ctx, `DELETE FROM queued_turns WHERE id = $1 AND conversation_id = $2`, id, conversation)
	if err != nil {
		return fmt.Errorf("delete queued turn %s: %w", id, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errs.New(errs.NotFound, "This message does not wait any more.")
	}
	return nil
}

// queue lists the turns that wait in a conversation, those that replace an
// answer first, then oldest first.
func (s store) queue(ctx context.Context, q db.Queryer, conversation string) ([]QueuedTurn, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT id, coalesce(client_id, ''), body, created_at FROM queued_turns
		WHERE  conversation_id = $1 ORDER BY at_any_end DESC, id`, conversation)
	if err != nil {
		return nil, fmt.Errorf("read the queue of %s: %w", conversation, err)
	}
	defer rows.Close()
	var out []QueuedTurn
	for rows.Next() {
		var w QueuedTurn
		var body string
		var created int64
		if err := rows.Scan(&w.ID, &w.Turn.ClientID, &body, &created); err != nil {
			return nil, fmt.Errorf("read the queue of %s: %w", conversation, err)
		}
		var b queuedBody
		if err := json.Unmarshal([]byte(body), &b); err != nil {
			return nil, fmt.Errorf("queued turn %s: %w", w.ID, err)
		}
		w.Turn.Text, w.Turn.AttachmentIDs, w.Turn.CompareIDs = b.Text, b.Attachments, b.Compare
		w.CreatedAt = fromMillis(created)
		out = append(out, w)
	}
	return out, rows.Err()
}

// nextQueued returns the turn to send after an answer that ended well or, if it
// did not, the one that was to replace it.
func (s store) nextQueued(ctx context.Context, conversation string, endedWell bool) (QueuedTurn, bool, error) {
	if !endedWell {
		replacing, err := db.Column[string](ctx, s.db, `SELECT id FROM queued_turns WHERE conversation_id = $1 AND at_any_end = TRUE LIMIT 1`, conversation)
		if err != nil || len(replacing) == 0 {
			return QueuedTurn{}, false, err
		}
	}
	queue, err := s.queue(ctx, s.db, conversation)
	if err != nil || len(queue) == 0 {
		return QueuedTurn{}, false, err
	}
	return queue[0], true, nil
}
