package search

import (
	"context"
	"fmt"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/model"
)

// Indexing a page of text takes longer than storing it, so a question does not
// wait for it: what is written is noted in search_pending by the transaction
// that writes it, and indexed after. What a person looks for is indexed before.

const (
	indexedAtOnce = 64                     // texts of a transaction
	indexEvery    = 500 * time.Millisecond // looks for texts, where there were none
	indexRetry    = 10 * time.Second       // after a failure
	indexedFirst  = 10 * indexedAtOnce     // texts of a person that a search waits for
)

// Run indexes what waits, the newest first, and keeps the index tidy, until ctx
// ends. After each transaction it rests for as long as that took: questions go
// before.
func (x *Index) Run(ctx context.Context) {
	tidy := false
	for ctx.Err() == nil {
		began := time.Now()
		n, err := x.indexSome(ctx, "", leaveTaken)
		if n > 0 {
			tidy = false
		}
		merged := false
		if err == nil && n == 0 && !tidy {
			merged, err = x.mergeSome(ctx)
			tidy = err == nil && !merged
		}
		rest := time.Since(began)
		switch {
		case err != nil && ctx.Err() == nil:
			x.log.WarnContext(ctx, "the index of what was said is not up to date yet; it is tried again", "err", err)
			rest = indexRetry
		case n == 0 && !merged:
			rest = indexEvery
		}
		select {
		case <-ctx.Done():
		case <-time.After(rest):
		}
	}
}

// CatchUp indexes everything that waits and tidies the index. When it returns
// nil, whatever waited when it was asked is indexed, by itself or by another node.
func (x *Index) CatchUp(ctx context.Context) error {
	for {
		if n, err := x.indexSome(ctx, "", waitForTaken); err != nil {
			return err
		} else if n > 0 {
			continue
		}
		if merged, err := x.mergeSome(ctx); err != nil || !merged {
			return err
		}
	}
}

// indexOwn indexes what a person wrote last, before they look for it.
func (x *Index) indexOwn(ctx context.Context, owner string) {
	for done := 0; done < indexedFirst; {
		var waits bool
		err := x.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM search_pending WHERE owner_id = $1)`, owner).Scan(&waits)
		if err == nil && !waits {
			return
		}
		n := 0
		if err == nil {
			n, err = x.indexSome(ctx, owner, waitForTaken)
		}
		if err != nil { // what was indexed before is found all the same
			x.log.WarnContext(ctx, "the last texts of a person could not be indexed for a search", "err", err)
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
func (x *Index) indexSome(ctx context.Context, owner string, others taken) (n int, err error) {
	err = x.db.TransactByKey(ctx, func(ctx context.Context, tx *db.Tx) error {
		texts, err := x.takePending(ctx, tx, owner, others)
		n = len(texts[aMessage]) + len(texts[aTitle])
		if err != nil {
			return err
		}
		for k, ids := range texts {
			documents, err := x.documents(ctx, tx, k, ids)
			if err != nil {
				return err
			}
			if err := x.insert(ctx, tx, documents); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

// takePending takes the newest texts that wait out of the table, by their kind.
func (x *Index) takePending(ctx context.Context, q db.Queryer, owner string, others taken) (map[kind][]string, error) {
	lock, where, args := "", "", []any{indexedAtOnce}
	if owner != "" {
		where, args = "WHERE owner_id = $2", append(args, owner)
	}
	if x.db.Engine() == db.Postgres { // SQLite has one writer
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
	texts := map[kind][]string{}
	for rows.Next() {
		var id string
		var k kind
		if err := rows.Scan(&id, &k); err != nil {
			return nil, err
		}
		texts[k] = append(texts[k], id)
	}
	return texts, rows.Err()
}

// documents takes the texts of the ids out of the index and returns those that
// belong there: messages that have ended, titles, of what is still stored.
func (x *Index) documents(ctx context.Context, q db.Queryer, k kind, ids []string) ([]document, error) {
	in := ` IN (` + db.Marks(1, len(ids)) + `)`
	old, query := `message_id`+in, `
		SELECT c.owner_id, c.id, m.id, m.role, m.model_name, m.created_at, m.content
		FROM   messages m JOIN conversations c ON c.id = m.conversation_id
		WHERE  m.id`+in+` AND m.status <> 'running'`
	if k == aTitle {
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
		d.at = time.UnixMilli(at)
		if role != model.RoleAssistant {
			d.modelName = ""
		}
		if k == aMessage {
			if d.text, err = x.words([]byte(d.text)); err != nil {
				return nil, fmt.Errorf("message %s: %w", d.message, err)
			}
		}
		out = append(out, d)
	}
	return out, rows.Err()
}
