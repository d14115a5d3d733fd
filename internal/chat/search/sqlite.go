package search

import "strings"

// onSQLite asks the full-text index for runs of pairs. It reads the index from
// its end, so a common word is as fast as a rare one.
func (l lookup) onSQLite() statement {
	phrases := make([]string, len(l.words))
	for i, w := range l.words {
		phrases[i] = wordPhrase(l.owner, w)
	}
	return statement{`
		SELECT ` + hitColumns + `
		FROM   search_index x CROSS JOIN search_documents d ON d.id = x.rowid` + joinedConversations + `
		WHERE  search_index MATCH $2 AND x.rowid >= $3 AND x.rowid < $4 AND d.owner_id = $1` + l.where(6) + `
		ORDER  BY x.rowid DESC LIMIT $5`,
		append([]any{l.owner, strings.Join(phrases, " AND "), l.from, l.to, mostExamined + 1}, l.args...)}
}
