package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/model"
)

// Indexing a page of text takes longer than storing it, so a question does not
// wait for it: what is written is noted in search_pending by the transaction
// that writes it, and indexed after. What a person looks for is indexed before.

// textKind says what of a pending text the id is of.
type textKind string

const (
	textMessage textKind = "message"
	textTitle   textKind = "title" // of the conversation
)

// indexLater notes that the texts of the ids are to be found as they are now.
func (s store) indexLater(ctx context.Context, q db.Queryer, owner string, kind textKind, ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	var values []string
	var args []any
	for _, id := range ids {
		values = append(values, `(`+placeholders(1+len(args), 3)+`)`)
		args = append(args, id, kind, owner)
	}
	_, err := q.ExecContext(ctx, `
		INSERT INTO search_pending (id, kind, owner_id) VALUES `+strings.Join(values, ", ")+`
		ON CONFLICT (id) DO NOTHING`, args...)
	if err != nil {
		return fmt.Errorf("note %d texts to index: %w", len(ids), err)
	}
	return nil
}

const (
	indexedAtOnce = 64                     // texts of a transaction
	indexEvery    = 500 * time.Millisecond // looks for texts, where there were none
	indexRetry    = 10 * time.Second       // after a failure
	indexedFirst  = 10 * indexedAtOnce     // texts of a person that a search waits for
)

// indexPending indexes what waits, the newest first, until ctx ends. After each
// transaction it rests for as long as that took: questions go before.
func (s *Service) indexPending(ctx context.Context) {
	for ctx.Err() == nil {
		began := time.Now()
		n, err := s.indexSome(ctx, "", leaveTaken)
		rest := time.Since(began)
		switch {
		case err != nil && ctx.Err() == nil:
			s.log.WarnContext(ctx, "what was written is not all to be found yet; it is tried again", "err", err)
			rest = indexRetry
		case n == 0:
			rest = indexEvery
		}
		select {
		case <-ctx.Done():
		case <-time.After(rest):
		}
	}
}

// IndexPending indexes what a person wrote, or, with "", everyone. When it
// returns nil, everything that waited when it was asked is indexed, by itself or
// by another node.
func (s *Service) IndexPending(ctx context.Context, owner string) error {
	for {
		if n, err := s.indexSome(ctx, owner, waitForTaken); err != nil || n == 0 {
			return err
		}
	}
}

// indexOwn indexes what a person wrote last, before they look for it.
func (s *Service) indexOwn(ctx context.Context, owner string) {
	for done := 0; done < indexedFirst; {
		var waits bool
		err := s.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM search_pending WHERE owner_id = $1)`, owner).Scan(&waits)
		if err == nil && !waits {
			return
		}
		n := 0
		if err == nil {
			n, err = s.indexSome(ctx, owner, waitForTaken)
		}
		if err != nil { // what was indexed before is found all the same
			s.log.WarnContext(ctx, "the last texts of a person could not be indexed for a search", "err", err)
		}
		if err != nil || n == 0 {
			return
		}
		done += n
	}
}

// taken says what to do about texts that another node is about to index.
type taken bool

const (
	leaveTaken   taken = false // work on others meanwhile
	waitForTaken taken = true  // they are to be found when this returns
)

// indexSome indexes some of what waits, of one person or, with "", everyone, and
// returns how many it took.
func (s *Service) indexSome(ctx context.Context, owner string, others taken) (n int, err error) {
	err = s.db.TransactByKey(ctx, func(ctx context.Context, tx *db.Tx) error {
		texts, err := s.takePending(ctx, tx, owner, others)
		n = len(texts[textMessage]) + len(texts[textTitle])
		if err != nil {
			return err
		}
		for kind, list := range texts {
			documents, err := s.documents(ctx, tx, kind, list)
			if err != nil {
				return err
			}
			if err := s.insertDocuments(ctx, tx, documents); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

// takePending takes the newest texts that wait out of the table, by their kind.
func (s store) takePending(ctx context.Context, q db.Queryer, owner string, others taken) (map[textKind][]string, error) {
	lock, where, args := "", "", []any{indexedAtOnce}
	if owner != "" {
		where, args = "WHERE owner_id = $2", append(args, owner)
	}
	if s.db.Engine() == db.Postgres { // SQLite has one writer
		lock = "FOR UPDATE"
		if others == leaveTaken {
			lock = "FOR UPDATE SKIP LOCKED"
		}
	}
	rows, err := q.QueryContext(ctx, `
		DELETE FROM search_pending WHERE id IN (SELECT id FROM search_pending `+where+` ORDER BY id DESC LIMIT $1 `+lock+`)
		RETURNING id, kind`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	texts := map[textKind][]string{}
	for rows.Next() {
		var id string
		var kind textKind
		if err := rows.Scan(&id, &kind); err != nil {
			return nil, err
		}
		texts[kind] = append(texts[kind], id)
	}
	return texts, rows.Err()
}

// documents takes the texts of the ids out of the index and returns those that
// belong there: messages that have ended, titles, of what is still stored.
func (s store) documents(ctx context.Context, q db.Queryer, kind textKind, ids []string) ([]document, error) {
	in := ` IN (` + placeholders(1, len(ids)) + `)`
	old, query := `message_id`+in, `
		SELECT c.owner_id, c.id, m.id, m.role, m.model_name, m.created_at, m.content
		FROM   messages m JOIN conversations c ON c.id = m.conversation_id
		WHERE  m.id`+in+` AND m.status <> 'running'`
	if kind == textTitle {
		old, query = `message_id IS NULL AND conversation_id`+in, `
		SELECT c.owner_id, c.id, '', '', '', c.created_at, c.title FROM conversations c WHERE c.id`+in
	}
	if _, err := q.ExecContext(ctx, `DELETE FROM search_documents WHERE `+old, anys(ids)...); err != nil {
		return nil, err
	}
	rows, err := q.QueryContext(ctx, query, anys(ids)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []document
	for rows.Next() {
		var d document
		var role model.Role
		var at int64
		if err := rows.Scan(&d.owner, &d.conversation, &d.message, &role, &d.modelName, &at, &d.text); err != nil {
			return nil, err
		}
		d.at = fromMillis(at)
		if role != model.RoleAssistant {
			d.modelName = ""
		}
		if kind == textMessage {
			var m Message
			if err := json.Unmarshal([]byte(d.text), &m.Parts); err != nil {
				return nil, fmt.Errorf("message %s: %w", d.message, err)
			}
			d.text = m.text()
		}
		out = append(out, d)
	}
	return out, rows.Err()
}
