package search

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"kakoi/internal/db"
	"kakoi/internal/label"
)

// lookup is a query as the store understands it.
type lookup struct {
	owner      string
	words      []string // folded
	from, to   int64    // documents: from ≤ id < to
	titles     bool     // nothing but operators on conversations
	conditions []string // each begins with AND and has a ? for each of its arguments
	args       []any
}

func (l *lookup) require(condition string, args ...any) {
	l.conditions, l.args = append(l.conditions, " AND "+condition), append(l.args, args...)
}

// where returns the conditions, the first of their arguments being $first.
func (l *lookup) where(first int) string {
	var b strings.Builder
	for _, r := range strings.Join(l.conditions, "") {
		if r == '?' {
			b.WriteString("$" + strconv.Itoa(first))
			first++
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// lookFor resolves names; possible is false if one is of nothing the person has.
func (x *Index) lookFor(ctx context.Context, owner string, q query, before int64) (look lookup, possible bool, err error) {
	look = lookup{owner: owner, words: q.words, to: before, titles: len(q.models) == 0}
	if !q.from.IsZero() {
		look.from = firstDocument(q.from)
	}
	if !q.to.IsZero() {
		look.to = min(look.to, firstDocument(q.to))
	}
	if len(q.folders) > 0 {
		look.require(`c.folder_id IN (SELECT f.id FROM folders f WHERE f.owner_id = $1 AND f.search_key IN (`+questions(len(q.folders))+`))`, anys(q.folders)...)
	}
	var have []string
	if len(q.tags) > 0 {
		if have, err = db.Column[string](ctx, x.db, `SELECT DISTINCT tag FROM conversation_tags WHERE owner_id = $1`, owner); err != nil {
			return look, false, fmt.Errorf("read tags: %w", err)
		}
	}
	for _, t := range q.tags {
		var alike []string
		for _, name := range have {
			if label.Fold(name) == t {
				alike = append(alike, name)
			}
		}
		if len(alike) == 0 {
			return look, false, nil
		}
		look.require(`EXISTS (SELECT 1 FROM conversation_tags t WHERE t.owner_id = $1 AND t.conversation_id = c.id AND t.tag IN (`+questions(len(alike))+`))`, anys(alike)...)
	}
	for _, m := range q.models {
		look.require(`d.model_key LIKE ? ESCAPE '!'`, label.Pattern(m))
	}
	if q.archived != nil {
		look.require(`c.archived = ?`, *q.archived)
	}
	return look, look.from < look.to, nil
}

func questions(n int) string { return strings.Repeat(", ?", n)[2:] }

func anys(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// statement is one that finds hits, with its arguments.
type statement struct {
	text string
	args []any
}

// hits yields what a lookup finds, the newest first.
func (x *Index) hits(ctx context.Context, look lookup) iter.Seq2[Hit, error] {
	return func(yield func(Hit, error) bool) {
		switch {
		case len(look.words) == 0:
			x.yieldHits(ctx, yield, look.byConversation())
		case x.db.Engine() == db.SQLite:
			x.yieldHits(ctx, yield, look.onSQLite())
		default:
			x.yieldOnPostgres(ctx, yield, look)
		}
	}
}

const hitColumns = `d.id, d.conversation_id, coalesce(d.message_id, ''), c.title, coalesce(c.folder_id, ''), c.archived`

// joinedConversations are those of documents that a person may find.
const joinedConversations = ` JOIN conversations c ON c.id = d.conversation_id AND c.owner_id = $1 AND c.deleted_at = 0`

// yieldHits yields the hits of a statement; it reports whether the caller wants
// more, and how many there were.
func (x *Index) yieldHits(ctx context.Context, yield func(Hit, error) bool, find statement) (n int, more bool) {
	rows, err := x.db.QueryContext(ctx, find.text, find.args...)
	if err != nil {
		yield(Hit{}, fmt.Errorf("search: %w", err))
		return 0, false
	}
	defer rows.Close()
	for rows.Next() {
		var h Hit
		if err := rows.Scan(&h.document, &h.ConversationID, &h.MessageID, &h.Title, &h.FolderID, &h.Archived); err != nil {
			yield(Hit{}, fmt.Errorf("search: %w", err))
			return n, false
		}
		n++
		h.At = documentTime(h.document)
		if !yield(h, nil) {
			return n, false
		}
	}
	if err := rows.Err(); err != nil {
		yield(Hit{}, fmt.Errorf("search: %w", err))
		return n, false
	}
	return n, true
}

// byConversation finds titles, or answers of a model, in which no word is looked
// for.
func (l lookup) byConversation() statement {
	kind := `d.message_id IS NULL`
	if !l.titles {
		kind = `d.model_key <> ''`
	}
	return statement{`
		SELECT ` + hitColumns + ` FROM search_documents d` + joinedConversations + `
		WHERE  d.owner_id = $1 AND d.id >= $2 AND d.id < $3 AND ` + kind + l.where(5) + `
		ORDER  BY d.id DESC LIMIT $4`, append([]any{l.owner, l.from, l.to, mostExamined + 1}, l.args...)}
}
