package chat

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"kakoi/internal/db"
	"kakoi/internal/errs"
)

// path returns up to limit messages of the owner's conversation on the way from
// message end to the first, oldest first; none if end is "". The way holds whole
// messages: to find them again by their ids PostgreSQL would read all there are,
// as long as it has no statistics.
func (s store) path(ctx context.Context, q db.Queryer, owner, conversation, end string, limit int) ([]Message, error) {
	if end == "" {
		return nil, nil
	}
	rows, err := q.QueryContext(ctx, `
		WITH RECURSIVE path AS (
			SELECT m.*, 1 AS depth
			FROM   messages m JOIN conversations c ON c.id = m.conversation_id
			WHERE  m.id = $1 AND m.conversation_id = $2 AND c.owner_id = $3
			UNION ALL
			SELECT m.*, p.depth + 1
			FROM   path p JOIN messages m ON m.id = p.parent_id
			WHERE  p.depth < $4
		)
		SELECT `+messageColumns+` FROM path m ORDER BY m.depth DESC`, end, conversation, owner, limit)
	if err != nil {
		return nil, fmt.Errorf("read the branch of %s: %w", conversation, err)
	}
	return scanMessages(rows)
}

func scanMessages(rows *sql.Rows) ([]Message, error) {
	defer rows.Close()
	var out []Message
	for rows.Next() {
		m, err := scanMessage(rows)
		if err != nil {
			return nil, fmt.Errorf("read messages: %w", err)
		}
		out = append(out, m)
	}
	return out, rows.Err()
}

// addSiblings tells each of the messages, which are of one conversation, which
// ones follow the same message.
func (s store) addSiblings(ctx context.Context, q db.Queryer, conversation string, messages []Message) error {
	args := []any{conversation}
	var parents []string
	first := false
	for _, m := range messages {
		if m.ParentID == "" {
			first = true
		} else if !slices.Contains(parents, m.ParentID) {
			parents = append(parents, m.ParentID)
			args = append(args, m.ParentID)
		}
	}
	where := "FALSE"
	if len(parents) > 0 {
		where = "parent_id IN (" + db.Marks(2, len(parents)) + ")"
	}
	if first {
		where += " OR parent_id IS NULL"
	}
	rows, err := q.QueryContext(ctx, `
		SELECT coalesce(parent_id, ''), id FROM messages WHERE conversation_id = $1 AND (`+where+`) ORDER BY position`, args...)
	if err != nil {
		return fmt.Errorf("read the siblings in %s: %w", conversation, err)
	}
	defer rows.Close()
	following := make(map[string][]string, len(messages))
	for rows.Next() {
		var parent, id string
		if err := rows.Scan(&parent, &id); err != nil {
			return fmt.Errorf("read the siblings in %s: %w", conversation, err)
		}
		following[parent] = append(following[parent], id)
	}
	for i := range messages {
		messages[i].SiblingIDs = following[messages[i].ParentID]
	}
	return rows.Err()
}

// end returns the last message of the branch that goes through message id and
// then always to the newest that follows.
func (s store) end(ctx context.Context, q db.Queryer, conversation, id string) (string, error) {
	var leaf string
	err := q.QueryRowContext(ctx, `
		WITH RECURSIVE down (id, depth) AS (
			SELECT m.id, 1 FROM messages m WHERE m.id = $1 AND m.conversation_id = $2
			UNION ALL
			SELECT (SELECT m.id FROM messages m WHERE m.conversation_id = $2 AND m.parent_id = d.id ORDER BY m.position DESC LIMIT 1),
			       d.depth + 1
			FROM   down d WHERE d.id IS NOT NULL
		)
		SELECT id FROM down WHERE id IS NOT NULL ORDER BY depth DESC LIMIT 1`, id, conversation).Scan(&leaf)
	if errors.Is(err, sql.ErrNoRows) {
		return "", errs.New(errs.NotFound, "There is no such message.")
	} else if err != nil {
		return "", fmt.Errorf("find the end of the branch of %s: %w", id, err)
	}
	return leaf, nil
}

// following returns the messages that follow message id, oldest first.
func (s store) following(ctx context.Context, q db.Queryer, conversation, id string) ([]Message, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT `+messageColumns+` FROM messages m WHERE m.conversation_id = $1 AND m.parent_id = $2 ORDER BY m.position`, conversation, id)
	if err != nil {
		return nil, fmt.Errorf("read what follows %s: %w", id, err)
	}
	return scanMessages(rows)
}

// compared returns the answers that stand side by side under a name.
func (s store) compared(ctx context.Context, q db.Queryer, conversation, parent, comparison string) ([]Message, error) {
	all, err := s.following(ctx, q, conversation, parent)
	return slices.DeleteFunc(all, func(m Message) bool { return m.ComparisonID != comparison }), err
}

// everyMessage returns all branches of a conversation in order of creation.
func (s store) everyMessage(ctx context.Context, q db.Queryer, owner, conversation string) ([]Message, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT `+messageColumns+`
		FROM   messages m JOIN conversations c ON c.id = m.conversation_id
		WHERE  m.conversation_id = $1 AND c.owner_id = $2
		ORDER  BY m.position`, conversation, owner)
	if err != nil {
		return nil, fmt.Errorf("read all of %s: %w", conversation, err)
	}
	return scanMessages(rows)
}

// ownMessage returns a message of the owner's conversation; code NotFound
// otherwise.
func (s store) ownMessage(ctx context.Context, q db.Queryer, owner, conversation, id string) (Message, error) {
	found, err := s.path(ctx, q, owner, conversation, id, 1)
	if err != nil {
		return Message{}, err
	}
	if len(found) == 0 {
		return Message{}, errs.New(errs.NotFound, "There is no such message.")
	}
	return found[0], nil
}

// onBranch reports whether a message is on the way from message end to the
// first. It reads no bodies.
func (s store) onBranch(ctx context.Context, q db.Queryer, conversation, end, message string) (on bool, err error) {
	err = q.QueryRowContext(ctx, `
		WITH RECURSIVE path (id, parent_id) AS (
			SELECT m.id, m.parent_id FROM messages m WHERE m.id = $1 AND m.conversation_id = $2
			UNION ALL
			SELECT m.id, m.parent_id FROM path p JOIN messages m ON m.id = p.parent_id
			WHERE  p.id <> $3
		)
		SELECT EXISTS (SELECT 1 FROM path WHERE id = $3)`, end, conversation, message).Scan(&on)
	if err != nil {
		return false, fmt.Errorf("look for %s on the branch of %s: %w", message, end, err)
	}
	return on, nil
}

// setLeaf opens another branch and ends a comparison. It does not move the
// conversation: looking is not talking.
func (s store) setLeaf(ctx context.Context, q db.Queryer, owner, conversation, leaf string) error {
	_, err := q.ExecContext(ctx, `
		UPDATE conversations SET leaf_id = $1, comparison_id = '' WHERE id = $2 AND owner_id = $3`, leaf, conversation, owner)
	if err != nil {
		return fmt.Errorf("open the branch of %s: %w", leaf, err)
	}
	return nil
}

// activeRuns lists the running runs of a conversation.
func (s store) activeRuns(ctx context.Context, q db.Queryer, conversation string) ([]string, error) {
	return db.Column[string](ctx, q, `SELECT id FROM runs WHERE conversation_id = $1 AND state = 'running' ORDER BY id`, conversation)
}
