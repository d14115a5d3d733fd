package chat

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

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
