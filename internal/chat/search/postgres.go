package search

import (
	"context"
	"fmt"
	"strings"
)

const (
	newestFirst    = 500 // texts that PostgreSQL reads before it asks its index
	periodsAtOnce  = 64  // at most
	hitsAtOnce     = 500
	growthOfRounds = 4
)

// yieldOnPostgres reads the newest texts one by one, where common words are,
// and then asks the index for one period after the other, more and more of them
// in a query: an index of PostgreSQL cannot begin with the newest.
func (x *Index) yieldOnPostgres(ctx context.Context, yield func(Hit, error) bool, look lookup) {
	var oldest int64
	err := x.db.QueryRowContext(ctx, `
		SELECT coalesce((SELECT min(id) FROM search_documents WHERE owner_id = $1 AND id >= $2), $3)`,
		look.owner, look.from, look.to).Scan(&oldest)
	if err != nil {
		yield(Hit{}, fmt.Errorf("search: %w", err))
		return
	}
	border := look.to
	err = x.db.QueryRowContext(ctx, `
		SELECT coalesce((SELECT id FROM search_documents WHERE owner_id = $1 AND id >= $2 AND id < $3
		                 ORDER BY id DESC OFFSET $4 LIMIT 1), $2)`, look.owner, oldest, look.to, newestFirst-1).Scan(&border)
	if err != nil {
		yield(Hit{}, fmt.Errorf("search: %w", err))
		return
	}
	if _, more := x.yieldHits(ctx, yield, look.newest(border)); !more {
		return
	}
	atOnce := int64(1)
	for border > oldest {
		last := (border - 1) >> periodBits
		first := max(last-atOnce+1, oldest>>periodBits)
		from := max(first<<periodBits, oldest)
		if more := x.yieldPeriods(ctx, yield, look, from, border); !more {
			return
		}
		border, atOnce = from, min(atOnce*growthOfRounds, periodsAtOnce)
	}
}

// newest reads the texts of id ≥ from.
func (l lookup) newest(from int64) statement {
	args := append([]any{l.owner, from, l.to}, anys(l.words)...)
	return statement{`
		SELECT ` + hitColumns + `
		FROM   search_documents d` + joinedConversations + `
		WHERE  d.owner_id = $1 AND d.id >= $2 AND d.id < $3` + holdsWords(4, len(l.words)) + l.where(4+len(l.words)) + `
		ORDER  BY d.id DESC`, append(args, l.args...)}
}

// yieldPeriods yields the hits of the periods of from ≤ id < to.
func (x *Index) yieldPeriods(ctx context.Context, yield func(Hit, error) bool, look lookup, from, to int64) (more bool) {
	for {
		last := int64(0)
		seen := func(h Hit, err error) bool { last = h.document; return yield(h, err) }
		n, more := x.yieldHits(ctx, seen, look.inPeriods(from, to))
		if !more || n < hitsAtOnce {
			return more
		}
		to = last
	}
}

// inPeriods asks the index for texts of the periods of from ≤ id < to. OFFSET 0
// keeps the planner from anything else: it believes that a third of all texts
// hold any word, and would rather read them all in their order.
func (l lookup) inPeriods(from, to int64) statement {
	periods := make([]int64, 0, periodsAtOnce)
	for p := from >> periodBits; p <= (to-1)>>periodBits; p++ {
		periods = append(periods, periodKey(l.owner, p))
	}
	args := append([]any{l.owner, periods, wordPairs(l.words), from, to, hitsAtOnce}, anys(l.words)...)
	return statement{`
		SELECT ` + hitColumns + `
		FROM   (SELECT array_agg(period + pair) AS pairs
		        FROM   unnest($2::bigint[]) period, unnest($3::bigint[]) pair GROUP BY period) wanted
		CROSS  JOIN LATERAL (SELECT * FROM search_documents s WHERE s.pairs @> wanted.pairs OFFSET 0) d` + joinedConversations + `
		WHERE  d.owner_id = $1 AND d.id >= $4 AND d.id < $5` + holdsWords(7, len(l.words)) + l.where(7+len(l.words)) + `
		ORDER  BY d.id DESC LIMIT $6`, append(args, l.args...)}
}

// holdsWords is the condition that a document holds n words, the first $first.
func holdsWords(first, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " AND strpos(d.body, $%d) > 0", first+i)
	}
	return b.String()
}
