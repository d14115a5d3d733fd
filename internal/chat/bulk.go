package chat

import (
	"context"
	"fmt"
	"slices"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
)

const (
	maxBulk       = 10_000 // conversations in one act
	restorableFor = 10 * time.Minute
	sweptAtOnce   = 100 // conversations in one transaction
)

// Delete takes a conversation out of sight, to be swept away with its files
// when it can no longer be restored. A running answer is stopped first.
func (s *Service) Delete(ctx context.Context, id string) error {
	if _, err := s.own(ctx, id, access.ConversationDelete); err != nil {
		return err
	}
	_, err := s.Bulk(ctx, []string{id}, BulkDelete, "")
	return err
}

// DeleteAll takes all conversations of the person's out of sight and returns
// how many.
func (s *Service) DeleteAll(ctx context.Context) (int, error) {
	p, err := s.authorize(ctx, access.ConversationDelete)
	if err != nil {
		return 0, err
	}
	all, err := s.everyConversation(ctx, p.AccountID)
	if err != nil {
		return 0, err
	}
	deleted := 0
	for some := range slices.Chunk(all, maxBulk) {
		n, err := s.Bulk(ctx, some, BulkDelete, "")
		if err != nil {
			return deleted, err
		}
		deleted += n
	}
	return deleted, nil
}

// Restore brings back conversations that were deleted a moment ago; code
// NotFound where it is too late.
func (s *Service) Restore(ctx context.Context, id string) (Conversation, error) {
	n, err := s.Bulk(ctx, []string{id}, BulkRestore, "")
	if err != nil {
		return Conversation{}, err
	}
	if n == 0 {
		return Conversation{}, errs.New(errs.NotFound, "There is no such conversation.")
	}
	return s.Conversation(ctx, id)
}

// BulkAct is what is done to many conversations at once.
type BulkAct string

// The acts on many conversations.
const (
	BulkDelete    BulkAct = "delete"
	BulkRestore   BulkAct = "restore"
	BulkArchive   BulkAct = "archive"
	BulkUnarchive BulkAct = "unarchive"
	BulkMove      BulkAct = "move" // to a folder, or out of one with ""
	BulkAddTag    BulkAct = "addTag"
	BulkRemoveTag BulkAct = "removeTag"
)

// Bulk does one thing to many conversations of the person's and returns to how
// many: those that are not theirs, or not there, are passed over. with is the
// folder or tag of the acts that name one.
func (s *Service) Bulk(ctx context.Context, conversations []string, act BulkAct, with string) (int, error) {
	p, err := s.authorize(ctx, access.ConversationWrite)
	if err != nil {
		return 0, err
	}
	if len(conversations) > maxBulk {
		return 0, errs.InField("ids", fmt.Sprintf("choose at most %d conversations", maxBulk))
	}
	if act == BulkAddTag || act == BulkRemoveTag {
		tags, err := cleanTags([]string{with})
		if err != nil {
			return 0, err
		}
		with = tags[0]
	}
	var done []string
	err = s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		done = nil
		if act == BulkMove && with != "" {
			if _, err := s.folder(ctx, tx, p.AccountID, with); err != nil {
				return err
			}
		}
		for chunk := range slices.Chunk(conversations, 200) {
			theirs, err := s.bulk(ctx, tx, p.AccountID, chunk, act, with, s.now())
			if err != nil {
				return err
			}
			done = append(done, theirs...)
		}
		if act != BulkDelete && act != BulkRestore {
			return nil
		}
		action := string(access.ConversationDelete)
		if act == BulkRestore {
			action = "conversation.restore"
		}
		for _, id := range done {
			err := s.audit.Record(ctx, audit.Event{
				Action: action, Resource: audit.Resource{Kind: string(access.KindConversation), ID: id}, Outcome: audit.Success,
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, id := range done {
		if act == BulkDelete {
			if err := s.endRunsIn(ctx, p.AccountID, id); err != nil {
				return 0, err
			}
		}
	}
	switch {
	case len(done) == 1 && act == BulkDelete:
		s.announce(ctx, p.AccountID, ChangeEvent{Type: ChangeDeleted, ConversationID: done[0]})
	case len(done) == 1:
		s.announce(ctx, p.AccountID, ChangeEvent{Type: ChangeConversation, ConversationID: done[0]})
	case len(done) > 1:
		s.announce(ctx, p.AccountID, ChangeEvent{Type: ChangeMissed}) // read the list again
	}
	return len(done), nil
}

// endRunsIn stops the answers of a deleted conversation, wherever they run.
func (s *Service) endRunsIn(ctx context.Context, owner, conversation string) error {
	active, err := s.activeRuns(ctx, s.db, conversation)
	if err != nil {
		return err
	}
	for _, id := range active {
		if s.endHere(id, errDeleted) {
			continue
		}
		if err := s.requestStop(ctx, owner, id); err != nil {
			return err
		}
	}
	return nil
}

// bulk does act to those of the conversations that are the owner's, and returns
// them.
func (s store) bulk(ctx context.Context, q db.Queryer, owner string, conversations []string, act BulkAct, with string, now time.Time) ([]string, error) {
	args := []any{owner}
	for _, id := range conversations {
		args = append(args, id)
	}
	of := `owner_id = $1 AND id IN (` + db.Marks(2, len(conversations)) + `)`
	live := of + ` AND deleted_at = 0`
	set := func(where, assignment string, more ...any) ([]string, error) {
		return db.Column[string](ctx, q, `UPDATE conversations SET `+assignment+` WHERE `+where+` RETURNING id`, append(args, more...)...)
	}
	mark := fmt.Sprintf("$%d", len(args)+1)
	switch act {
	case BulkDelete: // its client id is free again: a send, or an import, repeated after this is a new one
		return set(live, `deleted_at = `+mark+`, client_id = NULL, external_id = NULL`, now.UnixMilli())
	case BulkRestore:
		return set(of+` AND deleted_at > `+mark, `deleted_at = 0`, now.Add(-restorableFor).UnixMilli())
	case BulkArchive:
		return set(live, `archived = TRUE, pinned = FALSE`)
	case BulkUnarchive:
		return set(live, `archived = FALSE`)
	case BulkMove:
		return set(live, `folder_id = `+mark, nullable(with))
	case BulkAddTag, BulkRemoveTag:
		theirs, err := db.Column[string](ctx, q, `SELECT id FROM conversations WHERE `+live, args...)
		if err != nil {
			return nil, err
		}
		stmt := `INSERT INTO conversation_tags (owner_id, tag, conversation_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
		if act == BulkRemoveTag {
			stmt = `DELETE FROM conversation_tags WHERE owner_id = $1 AND tag = $2 AND conversation_id = $3`
		}
		for _, id := range theirs {
			if _, err := q.ExecContext(ctx, stmt, owner, with, id); err != nil {
				return nil, fmt.Errorf("tag conversation %s: %w", id, err)
			}
		}
		return theirs, nil
	}
	return nil, errs.InField("action", "this is not something that is done to conversations")
}

// sweep removes conversations that were deleted before a time.
func (s *Service) sweep(ctx context.Context, before time.Time) error {
	for {
		var gone []string
		err := s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
			var err error
			gone, err = db.Column[string](ctx, tx, `
				SELECT id FROM conversations WHERE deleted_at > 0 AND deleted_at < $1 ORDER BY deleted_at LIMIT $2`,
				before.UnixMilli(), sweptAtOnce)
			if err != nil {
				return err
			}
			for _, id := range gone {
				if err := s.deleteConversation(ctx, tx, id); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || len(gone) < sweptAtOnce {
			return err
		}
	}
}

func (s store) deleteConversation(ctx context.Context, q db.Queryer, id string) error {
	err := s.deleteAttachments(ctx, q, `
		message_id IN (SELECT id FROM messages WHERE conversation_id = $1)
		OR queued_turn_id IN (SELECT id FROM queued_turns WHERE conversation_id = $1)`, id)
	if err != nil {
		return err
	}
	if err := s.index.Remove(ctx, q, id); err != nil {
		return err
	}
	// In this order the rows that point at others go first, on both engines.
	for _, stmt := range []string{
		`DELETE FROM queued_turns WHERE conversation_id = $1`,
		`DELETE FROM summaries WHERE conversation_id = $1`,
		`DELETE FROM run_segments WHERE run_id IN (SELECT id FROM runs WHERE conversation_id = $1)`,
		`DELETE FROM runs WHERE conversation_id = $1`,
		`DELETE FROM messages WHERE conversation_id = $1`,
		`DELETE FROM conversation_tags WHERE conversation_id = $1`,
		`DELETE FROM conversations WHERE id = $1`,
	} {
		if _, err := q.ExecContext(ctx, stmt, id); err != nil {
			return fmt.Errorf("delete conversation %s: %w", id, err)
		}
	}
	return nil
}
