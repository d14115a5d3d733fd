// Package search finds what was said in conversations, and their titles, by any
// piece of it, in any width and case. docs/design/search.md says how.
//
// It reads the rows of conversations, their messages, folders and tags; it keeps
// the index beside them, search_documents, search_index and search_pending, which
// nobody else writes. Who may search is decided before: every question names the
// owner of the texts.
package search

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"kakoi/internal/db"
)

// Index is where texts are found.
type Index struct {
	db    *db.DB
	words func(content []byte) (string, error)
	log   *slog.Logger
}

// New returns the index of a store. words tells what of the content of a message,
// as it is stored, can be found. Keep Run running.
func New(d *db.DB, words func(content []byte) (string, error), log *slog.Logger) *Index {
	return &Index{db: d, words: words, log: log}
}

// NoteMessages notes, in the transaction that writes them, that messages of the
// owner's are to be found as they are now.
func (x *Index) NoteMessages(ctx context.Context, q db.Queryer, owner string, ids ...string) error {
	return x.note(ctx, q, owner, aMessage, ids...)
}

// NoteTitle is NoteMessages for the title of a conversation.
func (x *Index) NoteTitle(ctx context.Context, q db.Queryer, owner, conversation string) error {
	return x.note(ctx, q, owner, aTitle, conversation)
}

// Remove takes all of a conversation out of the index, in the transaction that
// deletes it.
func (x *Index) Remove(ctx context.Context, q db.Queryer, conversation string) error {
	if _, err := q.ExecContext(ctx, `DELETE FROM search_documents WHERE conversation_id = $1`, conversation); err != nil {
		return fmt.Errorf("take conversation %s out of the index: %w", conversation, err)
	}
	return nil
}

// kind says what a text that waits is, whose id it is noted by.
type kind string

const (
	aMessage kind = "message"
	aTitle   kind = "title" // of the conversation
)

func (x *Index) note(ctx context.Context, q db.Queryer, owner string, k kind, ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	var values []string
	var args []any
	for _, id := range ids {
		values = append(values, `(`+db.Marks(1+len(args), 3)+`)`)
		args = append(args, id, k, owner)
	}
	_, err := q.ExecContext(ctx, `
		INSERT INTO search_pending (id, kind, owner_id) VALUES `+strings.Join(values, ", ")+`
		ON CONFLICT (id) DO NOTHING`, args...)
	if err != nil {
		return fmt.Errorf("note %d texts to index: %w", len(ids), err)
	}
	return nil
}
