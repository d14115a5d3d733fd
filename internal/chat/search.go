package chat

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/label"
	"kakoi/internal/model"
)

// Hit is a message, or the title of a conversation, that was found.
type Hit struct {
	ConversationID string
	Title          string
	FolderID       string
	Tags           []string
	Archived       bool
	MessageID      string // "" for the title
	Role           model.Role
	Snippet        []Piece
	At             time.Time

	document int64
}

const (
	hitsOfConversation = 3     // that are shown one after the other
	mostExamined       = 5_000 // texts of one page
)

// Search finds texts of the person's conversations that are not deleted, the
// newest first: those put away too. Of one conversation it shows a few. The
// error names field q if an operator in it cannot be understood.
func (s *Service) Search(ctx context.Context, text, token string, limit int) (Page[Hit], error) {
	p, err := s.authorize(ctx, access.ConversationRead)
	if err != nil {
		return Page[Hit]{}, err
	}
	query, err := parseQuery(text)
	if err != nil || query.empty() {
		return Page[Hit]{}, err
	}
	after := searchPlace{document: math.MaxInt64}
	if token != "" {
		if after, err = parseSearchPlace(token); err != nil {
			return Page[Hit]{}, err
		}
	}
	s.indexOwn(ctx, p.AccountID)
	look, possible, err := s.lookFor(ctx, p.AccountID, query, after.document)
	if err != nil || !possible {
		return Page[Hit]{}, err
	}
	page, err := s.collect(ctx, look, after, bounded(limit, 20))
	if err != nil {
		return Page[Hit]{}, err
	}
	return page, s.addSnippets(ctx, page.Items, query.words)
}

// collect takes hits until there are enough and one more, or enough were seen.
func (s *Service) collect(ctx context.Context, look lookup, last searchPlace, limit int) (Page[Hit], error) {
	var page Page[Hit]
	shown := map[string]int{last.conversation: last.shown}
	examined := 0
	for h, err := range s.hits(ctx, look) {
		if err != nil {
			return page, err
		}
		if len(page.Items) == limit || examined == mostExamined {
			page.Next = last.String()
			return page, nil
		}
		examined++
		last.document = h.document
		if shown[h.ConversationID] == hitsOfConversation {
			continue
		}
		shown[h.ConversationID]++
		last.conversation, last.shown = h.ConversationID, shown[h.ConversationID]
		page.Items = append(page.Items, h)
	}
	return page, nil
}

// searchPlace is one in the order of what is found, and how many hits of the
// last conversation were shown.
type searchPlace struct {
	document     int64
	conversation string
	shown        int
}

func (p searchPlace) String() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d|%d|%s", p.document, p.shown, p.conversation))
}

func parseSearchPlace(token string) (searchPlace, error) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	fields := strings.SplitN(string(raw), "|", 3)
	if err == nil && len(fields) == 3 {
		document, err1 := strconv.ParseInt(fields[0], 10, 64)
		shown, err2 := strconv.Atoi(fields[1])
		if err1 == nil && err2 == nil && document >= 0 {
			return searchPlace{document, fields[2], shown}, nil
		}
	}
	return searchPlace{}, errs.InField("pageToken", "this is not a page token that this list gave")
}

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
func (s *Service) lookFor(ctx context.Context, owner string, q searchQuery, before int64) (look lookup, possible bool, err error) {
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
	var have []Tag
	if len(q.tags) > 0 {
		if have, err = s.Tags(ctx); err != nil {
			return look, false, err
		}
	}
	for _, t := range q.tags {
		var alike []string
		for _, h := range have {
			if label.Fold(h.Name) == t {
				alike = append(alike, h.Name)
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

// hits yields what a lookup finds, the newest first.
func (s store) hits(ctx context.Context, look lookup) iter.Seq2[Hit, error] {
	switch {
	case len(look.words) == 0:
		return s.hitsByConversation(ctx, look)
	case s.db.Engine() == db.SQLite:
		return s.hitsOnSQLite(ctx, look)
	default:
		return s.hitsOnPostgres(ctx, look)
	}
}

const hitColumns = `d.id, d.conversation_id, coalesce(d.message_id, ''), c.title, coalesce(c.folder_id, ''), c.archived`

// joined are the conversations of documents that a person may find.
const joinedConversations = ` JOIN conversations c ON c.id = d.conversation_id AND c.owner_id = $1 AND c.deleted_at = 0`

// yieldHits runs a query and yields its hits; it reports whether the caller
// wants more, and how many there were.
func (s store) yieldHits(ctx context.Context, yield func(Hit, error) bool, query string, args ...any) (n int, more bool) {
	rows, err := s.db.QueryContext(ctx, query, args...)
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

// hitsByConversation yields titles, or answers of a model, in which no word is
// looked for.
func (s store) hitsByConversation(ctx context.Context, look lookup) iter.Seq2[Hit, error] {
	kind := `d.message_id IS NULL`
	if !look.titles {
		kind = `d.model_key <> ''`
	}
	query := `
		SELECT ` + hitColumns + ` FROM search_documents d` + joinedConversations + `
		WHERE  d.owner_id = $1 AND d.id >= $2 AND d.id < $3 AND ` + kind + look.where(5) + `
		ORDER  BY d.id DESC LIMIT $4`
	return func(yield func(Hit, error) bool) {
		s.yieldHits(ctx, yield, query, append([]any{look.owner, look.from, look.to, mostExamined + 1}, look.args...)...)
	}
}

// hitsOnSQLite asks the full-text index for runs of pairs. It reads the index
// from its end, so a common word is as fast as a rare one.
func (s store) hitsOnSQLite(ctx context.Context, look lookup) iter.Seq2[Hit, error] {
	query := `
		SELECT ` + hitColumns + `
		FROM   search_index x CROSS JOIN search_documents d ON d.id = x.rowid` + joinedConversations + `
		WHERE  search_index MATCH $2 AND x.rowid >= $3 AND x.rowid < $4 AND d.owner_id = $1` + look.where(6) + `
		ORDER  BY x.rowid DESC LIMIT $5`
	phrases := make([]string, len(look.words))
	for i, w := range look.words {
		phrases[i] = wordPhrase(look.owner, w)
	}
	match := strings.Join(phrases, " AND ")
	return func(yield func(Hit, error) bool) {
		s.yieldHits(ctx, yield, query, append([]any{look.owner, match, look.from, look.to, mostExamined + 1}, look.args...)...)
	}
}

// wordPhrase returns what finds a folded word among pairWords.
func wordPhrase(owner, word string) string {
	words := strings.Fields(pairWords(owner, word))
	if len(words) == 1 { // one character: any pair that begins with it
		return `"` + words[0] + `" *`
	}
	return `"` + strings.Join(words[:len(words)-1], " ") + `"`
}

const (
	newestFirst    = 500 // texts that PostgreSQL reads before it asks its index
	periodsAtOnce  = 64  // at most
	hitsAtOnce     = 500
	growthOfRounds = 4
)

// hitsOnPostgres reads the newest texts one by one, where common words are,
// and then asks the index for one period after the other, more and more of them
// in a query: an index of PostgreSQL cannot begin with the newest.
func (s store) hitsOnPostgres(ctx context.Context, look lookup) iter.Seq2[Hit, error] {
	return func(yield func(Hit, error) bool) {
		var oldest int64
		err := s.db.QueryRowContext(ctx, `
			SELECT coalesce((SELECT min(id) FROM search_documents WHERE owner_id = $1 AND id >= $2), $3)`,
			look.owner, look.from, look.to).Scan(&oldest)
		if err != nil {
			yield(Hit{}, fmt.Errorf("search: %w", err))
			return
		}
		border := look.to
		err = s.db.QueryRowContext(ctx, `
			SELECT coalesce((SELECT id FROM search_documents WHERE owner_id = $1 AND id >= $2 AND id < $3
			                 ORDER BY id DESC OFFSET $4 LIMIT 1), $2)`, look.owner, oldest, look.to, newestFirst-1).Scan(&border)
		if err != nil {
			yield(Hit{}, fmt.Errorf("search: %w", err))
			return
		}
		if _, more := s.newestOnPostgres(ctx, yield, look, border); !more {
			return
		}
		atOnce := int64(1)
		for border > oldest {
			last := (border - 1) >> periodBits
			first := max(last-atOnce+1, oldest>>periodBits)
			from := max(first<<periodBits, oldest)
			if more := s.periodsOnPostgres(ctx, yield, look, from, border); !more {
				return
			}
			border, atOnce = from, min(atOnce*growthOfRounds, periodsAtOnce)
		}
	}
}

func (s store) newestOnPostgres(ctx context.Context, yield func(Hit, error) bool, look lookup, from int64) (int, bool) {
	query := `
		SELECT ` + hitColumns + `
		FROM   search_documents d` + joinedConversations + `
		WHERE  d.owner_id = $1 AND d.id >= $2 AND d.id < $3` + holdsWords(4, len(look.words)) + look.where(4+len(look.words)) + `
		ORDER  BY d.id DESC`
	args := append([]any{look.owner, from, look.to}, anys(look.words)...)
	return s.yieldHits(ctx, yield, query, append(args, look.args...)...)
}

// periodsOnPostgres yields the hits of the periods of from ≤ id < to.
func (s store) periodsOnPostgres(ctx context.Context, yield func(Hit, error) bool, look lookup, from, to int64) bool {
	periods := make([]int64, 0, periodsAtOnce)
	for p := from >> periodBits; p <= (to-1)>>periodBits; p++ {
		periods = append(periods, periodKey(look.owner, p))
	}
	query := `
		SELECT ` + hitColumns + `
		FROM   (SELECT array_agg(period + pair) AS pairs
		        FROM   unnest($2::bigint[]) period, unnest($3::bigint[]) pair GROUP BY period) wanted
		CROSS  JOIN LATERAL (SELECT * FROM search_documents s WHERE s.pairs @> wanted.pairs) d` + joinedConversations + `
		WHERE  d.owner_id = $1 AND d.id >= $4 AND d.id < $5` + holdsWords(7, len(look.words)) + look.where(7+len(look.words)) + `
		ORDER  BY d.id DESC LIMIT $6`
	pairs := wordPairs(look.words)
	for {
		last := int64(0)
		seen := func(h Hit, err error) bool { last = h.document; return yield(h, err) }
		args := append([]any{look.owner, periods, pairs, from, to, hitsAtOnce}, anys(look.words)...)
		n, more := s.yieldHits(ctx, seen, query, append(args, look.args...)...)
		if !more || n < hitsAtOnce {
			return more
		}
		to = last
	}
}

// holdsWords is the condition that a document holds n words, the first $first.
func holdsWords(first, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " AND strpos(d.body, $%d) > 0", first+i)
	}
	return b.String()
}

// wordPairs returns the hashes of what a text must have to hold folded words.
func wordPairs(words []string) []int64 {
	var out []int64
	for _, w := range words {
		characters := []rune(w)
		if len(characters) == 1 {
			out = append(out, pairHash(-1, characters[0]))
		}
		for i := 1; i < len(characters); i++ {
			out = append(out, pairHash(characters[i-1], characters[i]))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// addSnippets reads the messages that were found and cuts what is shown.
func (s *Service) addSnippets(ctx context.Context, hits []Hit, words []string) error {
	var messages, conversations []string
	for _, h := range hits {
		if h.MessageID != "" {
			messages = append(messages, h.MessageID)
		}
		conversations = append(conversations, h.ConversationID)
	}
	tags, err := s.tagsOf(ctx, s.db, conversations)
	if err != nil {
		return err
	}
	found, err := s.texts(ctx, messages)
	if err != nil {
		return err
	}
	for i, h := range hits {
		text := h.Title
		if h.MessageID != "" {
			m := found[h.MessageID]
			text, hits[i].Role, hits[i].At = m.text(), m.Role, m.CreatedAt
		}
		hits[i].Tags = tags[h.ConversationID]
		hits[i].Snippet, _ = snippet(text, words)
	}
	return nil
}

// texts returns role, time and parts of messages by their ids.
func (s store) texts(ctx context.Context, messages []string) (map[string]Message, error) {
	if len(messages) == 0 {
		return nil, nil
	}
	rows, err := s.db.QueryContext(ctx, `
		SELECT id, role, created_at, content FROM messages WHERE id IN (`+placeholders(1, len(messages))+`)`, anys(messages)...)
	if err != nil {
		return nil, fmt.Errorf("read what was found: %w", err)
	}
	defer rows.Close()
	out := make(map[string]Message, len(messages))
	for rows.Next() {
		var m Message
		var created int64
		var content string
		if err := rows.Scan(&m.ID, &m.Role, &created, &content); err != nil {
			return nil, fmt.Errorf("read what was found: %w", err)
		}
		m.CreatedAt = fromMillis(created)
		if err := json.Unmarshal([]byte(content), &m.Parts); err != nil {
			return nil, fmt.Errorf("message %s: %w", m.ID, err)
		}
		out[m.ID] = m
	}
	return out, rows.Err()
}
