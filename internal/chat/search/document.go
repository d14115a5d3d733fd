package search

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/label"
)

// document is a text that can be found: a message, or a conversation's title.
type document struct {
	owner        string
	conversation string
	message      string // "" for a title
	modelName    string // of an answer
	at           time.Time
	text         string
}

// Ids of documents begin with the second, so that they are in order of time;
// a period is the time of the ids that are the same above periodBits.
const (
	documentBits = 20
	periodBits   = 40 // 12 days
)

// firstDocument returns the least id of a document of that second or later.
func firstDocument(at time.Time) int64 { return max(0, at.Unix()) << documentBits }

func documentTime(id int64) time.Time { return time.Unix(id>>documentBits, 0).UTC() }

// documentRow is a document as it is stored.
type documentRow struct {
	document
	id   int64
	body string // folded
}

// insert indexes texts. One without characters is no document, except
// for titles, by which conversations are found that are looked for by operators
// alone.
func (x *Index) insert(ctx context.Context, q db.Queryer, documents []document) error {
	var rows []documentRow
	for _, d := range documents {
		if body := label.Fold(d.text); body != "" || d.message == "" {
			rows = append(rows, documentRow{document: d, body: body})
		}
	}
	for try := int64(0); len(rows) > 0; try++ {
		drawn := map[int64]bool{}
		for i := range rows {
			for drawn[rows[i].id] || rows[i].id == 0 {
				rows[i].id = drawID(rows[i].at, try)
			}
			drawn[rows[i].id] = true
		}
		stored, err := x.insertRows(ctx, q, rows)
		if err != nil {
			return fmt.Errorf("index %d texts: %w", len(rows), err)
		}
		rows = slices.DeleteFunc(rows, func(r documentRow) bool { return slices.Contains(stored, r.id) })
		for i := range rows {
			rows[i].id = 0 // somebody else's
		}
	}
	return nil
}

// drawID draws an id for a text of that time: of a million ids of a second one
// is free, or of the next.
func drawID(at time.Time, try int64) int64 {
	const perSecond = 1 << documentBits
	return firstDocument(at) + try/4*perSecond | (1 + rand.Int64N(perSecond-1))
}

// insertRows stores documents and returns the ids of those whose id was free.
func (x *Index) insertRows(ctx context.Context, q db.Queryer, list []documentRow) (stored []int64, err error) {
	postgres := x.db.Engine() == db.Postgres
	columns, width := `id, owner_id, conversation_id, message_id, model_key`, 5
	if postgres {
		columns, width = columns+`, body, pairs`, 7
	}
	var values []string
	var args []any
	for _, r := range list {
		values = append(values, `(`+db.Marks(1+len(args), width)+`)`)
		args = append(args, r.id, r.owner, r.conversation, sql.NullString{String: r.message, Valid: r.message != ""}, label.Fold(r.modelName))
		if postgres {
			args = append(args, r.body, hashedPairs(r.owner, r.id>>periodBits, r.body))
		}
	}
	stored, err = db.Column[int64](ctx, q, `
		INSERT INTO search_documents (`+columns+`) VALUES `+strings.Join(values, ", ")+`
		ON CONFLICT (id) DO NOTHING RETURNING id`, args...)
	if err != nil || postgres {
		return stored, err
	}
	for _, r := range list {
		if !slices.Contains(stored, r.id) {
			continue
		}
		if _, err := q.ExecContext(ctx, `INSERT INTO search_index (rowid, pairs) VALUES ($1, $2)`, r.id, pairWords(r.owner, r.body)); err != nil {
			return nil, err
		}
	}
	return stored, nil
}
