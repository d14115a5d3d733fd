package chat

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"kakoi/internal/db"
	"kakoi/internal/label"
	"kakoi/internal/model"
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

func documentOf(owner string, m Message) document {
	d := document{owner: owner, conversation: m.ConversationID, message: m.ID, at: m.CreatedAt, text: m.text()}
	if m.Role == model.RoleAssistant {
		d.modelName = m.ModelName
	}
	return d
}

func titleOf(c Conversation) document {
	return document{owner: c.OwnerID, conversation: c.ID, at: c.CreatedAt, text: c.Title}
}

// reindexMessage makes a message that has ended findable as it is now.
func (s store) reindexMessage(ctx context.Context, q db.Queryer, owner string, m Message) error {
	if _, err := q.ExecContext(ctx, `DELETE FROM search_documents WHERE message_id = $1`, m.ID); err != nil {
		return fmt.Errorf("index message %s: %w", m.ID, err)
	}
	if m.Status == StatusRunning {
		return nil
	}
	return s.insertDocuments(ctx, q, []document{documentOf(owner, m)})
}

// reindexTitle makes a conversation findable by its title as it is now.
func (s store) reindexTitle(ctx context.Context, q db.Queryer, c Conversation) error {
	_, err := q.ExecContext(ctx, `DELETE FROM search_documents WHERE conversation_id = $1 AND message_id IS NULL`, c.ID)
	if err != nil {
		return fmt.Errorf("index the title of %s: %w", c.ID, err)
	}
	return s.insertDocuments(ctx, q, []document{titleOf(c)})
}

// documentRow is a document as it is stored.
type documentRow struct {
	document
	id   int64
	body string // folded
}

// insertDocuments indexes texts. One without characters is no document, except
// for titles, by which conversations are found that are looked for by operators
// alone.
func (s store) insertDocuments(ctx context.Context, q db.Queryer, documents []document) error {
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
		stored, err := s.insertRows(ctx, q, rows)
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
func (s store) insertRows(ctx context.Context, q db.Queryer, list []documentRow) (stored []int64, err error) {
	postgres := s.db.Engine() == db.Postgres
	columns, width := `id, owner_id, conversation_id, message_id, model_key`, 5
	if postgres {
		columns, width = columns+`, body, pairs`, 7
	}
	var values []string
	var args []any
	for _, r := range list {
		values = append(values, `(`+placeholders(1+len(args), width)+`)`)
		args = append(args, r.id, r.owner, r.conversation, nullable(r.message), label.Fold(r.modelName))
		if postgres {
			args = append(args, r.body, hashedPairs(r.owner, r.id>>periodBits, r.body))
		}
	}
	stored, err = column[int64](ctx, q, `
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

// pairWords returns the words that SQLite indexes for a folded text: each pair
// of neighbours, and the last character alone, each after the owner's key. A
// run of words is then a piece of the text, and a word that begins with one
// character is that character.
func pairWords(owner, body string) string {
	key := ownerKey(owner)
	var b strings.Builder
	b.Grow(len(body)*2 + utf8.RuneCountInString(body)*(len(key)+1))
	previous := rune(-1)
	for _, r := range body {
		r = indexed(r)
		if previous >= 0 {
			b.WriteString(key)
			b.WriteRune(previous)
			b.WriteRune(r)
			b.WriteByte(' ')
		}
		previous = r
	}
	if previous >= 0 {
		b.WriteString(key)
		b.WriteRune(previous)
	}
	return b.String()
}

// indexed returns the character that stands for r in the words of the index,
// where ASCII but letters and digits would separate words.
func indexed(r rune) rune {
	if r < utf8.RuneSelf && (r < 'a' || r > 'z') && (r < '0' || r > '9') {
		return 0xF0000 + r
	}
	return r
}

// ownerKey returns 8 letters and digits that stand for an account.
func ownerKey(owner string) string {
	sum := sha256.Sum256([]byte(owner))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:5]))
}

// hashedPairs returns what PostgreSQL indexes for a folded text: its characters
// and pairs, hashed below the hash of owner and period. So what is written at a
// time lies together in the index, and what somebody else wrote elsewhere.
func hashedPairs(owner string, period int64, body string) []int64 {
	above := periodKey(owner, period)
	out := make([]int64, 0, 2*utf8.RuneCountInString(body))
	previous := rune(-1)
	for _, r := range body {
		out = append(out, above|pairHash(-1, r))
		if previous >= 0 {
			out = append(out, above|pairHash(previous, r))
		}
		previous = r
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func periodKey(owner string, period int64) int64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", owner, period))
	return int64(binary.BigEndian.Uint32(sum[:])) << 32
}

// pairHash returns 32 bits for a character, or for two.
func pairHash(first, second rune) int64 {
	h := fnv.New32a()
	var b [8]byte
	binary.BigEndian.PutUint32(b[:4], uint32(first))
	binary.BigEndian.PutUint32(b[4:], uint32(second))
	_, _ = h.Write(b[:])
	return int64(h.Sum32())
}

// indexedAtOnce bounds what one transaction indexes of what was there before.
const indexedAtOnce = 100

// IndexExisting makes findable what was stored before there was an index, or by
// an older program, from where it was left: what has been done is recorded with
// it. After each transaction it rests for as long as that took, and for rest.
func (s *Service) IndexExisting(ctx context.Context, rest time.Duration) error {
	for _, kind := range []string{"titles", "messages"} {
		for {
			began := time.Now()
			n, err := s.indexSome(ctx, kind)
			if err != nil {
				return fmt.Errorf("index %s: %w", kind, err)
			}
			if n == 0 {
				break
			}
			if rest == 0 {
				continue
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Since(began) + rest):
			}
		}
	}
	return nil
}

// indexSome looks at some more and returns at how many.
func (s *Service) indexSome(ctx context.Context, kind string) (n int, err error) {
	err = s.db.TransactByKey(ctx, func(ctx context.Context, tx *db.Tx) error {
		n = 0
		var done string // written first: nodes take turns
		err := tx.QueryRowContext(ctx, `UPDATE search_progress SET done = done WHERE kind = $1 RETURNING done`, kind).Scan(&done)
		if err != nil {
			return err
		}
		table := "messages"
		if kind == "titles" {
			table = "conversations"
		}
		next, err := ids(ctx, tx, `SELECT id FROM `+table+` WHERE id > $1 ORDER BY id LIMIT $2`, done, indexedAtOnce)
		if err != nil || len(next) == 0 {
			return err
		}
		n, done = len(next), next[len(next)-1]
		documents, err := s.unindexed(ctx, tx, kind, next)
		if err != nil {
			return err
		}
		if err := s.insertDocuments(ctx, tx, documents); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE search_progress SET done = $1 WHERE kind = $2`, done, kind)
		return err
	})
	return n, err
}

// unindexed returns those of the messages, or of the titles, that have ended
// and are not indexed.
func (s store) unindexed(ctx context.Context, q db.Queryer, kind string, ids []string) ([]document, error) {
	query := `
		SELECT c.owner_id, c.id, m.id, m.role, m.model_name, m.created_at, m.content
		FROM   messages m JOIN conversations c ON c.id = m.conversation_id
		WHERE  m.id IN (` + placeholders(1, len(ids)) + `) AND m.status <> 'running'
		AND    NOT EXISTS (SELECT 1 FROM search_documents d WHERE d.message_id = m.id) ORDER BY m.id`
	if kind == "titles" {
		query = `
		SELECT c.owner_id, c.id, '', '', '', c.created_at, c.title
		FROM   conversations c
		WHERE  c.id IN (` + placeholders(1, len(ids)) + `)
		AND    NOT EXISTS (SELECT 1 FROM search_documents d WHERE d.conversation_id = c.id AND d.message_id IS NULL) ORDER BY c.id`
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
		if kind == "messages" {
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
