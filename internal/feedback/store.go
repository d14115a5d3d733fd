package feedback

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"kakoi/internal/chat"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/label"
)

// store is the SQL of feedback.
type store struct{ db *db.DB }

func joined(list []Reason) string {
	words := make([]string, len(list))
	for i, r := range list {
		words[i] = string(r)
	}
	return strings.Join(words, " ")
}

func split(words string) []Reason {
	var list []Reason
	for _, w := range strings.Fields(words) {
		list = append(list, Reason(w))
	}
	return list
}

func (s store) put(ctx context.Context, q db.Queryer, account string, about chat.Exchange, f Feedback) error {
	const upsert = `
	INSERT INTO feedback (message_id, conversation_id, account_id, model_id, model_name, rating, reasons, comment, search_key, share_content,
	                      created_at, updated_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
	ON CONFLICT (message_id) DO UPDATE
	SET    model_id = excluded.model_id, model_name = excluded.model_name, rating = excluded.rating, reasons = excluded.reasons,
	       comment = excluded.comment, search_key = excluded.search_key, share_content = excluded.share_content, updated_at = excluded.updated_at
	WHERE  feedback.account_id = excluded.account_id`
	at := f.UpdatedAt.UnixMilli()
	_, err := q.ExecContext(ctx, upsert, about.MessageID, about.ConversationID, account, about.ModelID, about.ModelName,
		f.Rating, " "+joined(f.Reasons)+" ", f.Comment, label.Fold(f.Comment), f.ShareContent, at, at)
	if err != nil {
		return fmt.Errorf("store feedback on %s: %w", about.MessageID, err)
	}
	return nil
}

// remove reports whether there was any.
func (s store) remove(ctx context.Context, q db.Queryer, account, message string) (bool, error) {
	res, err := q.ExecContext(ctx, `DELETE FROM feedback WHERE message_id = $1 AND account_id = $2`, message, account)
	var n int64
	if err == nil {
		n, err = res.RowsAffected()
	}
	if err != nil {
		return false, fmt.Errorf("withdraw feedback on %s: %w", message, err)
	}
	return n > 0, nil
}

func (s store) of(ctx context.Context, q db.Queryer, account string, messages []string) (map[string]Feedback, error) {
	marks := make([]string, len(messages))
	args := []any{account}
	for i, id := range messages {
		args = append(args, id)
		marks[i] = "$" + strconv.Itoa(len(args))
	}
	rows, err := q.QueryContext(ctx, `
	SELECT message_id, rating, reasons, comment, share_content, updated_at FROM feedback
	WHERE  account_id = $1 AND message_id IN (`+strings.Join(marks, ", ")+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("read feedback: %w", err)
	}
	defer rows.Close()
	found := map[string]Feedback{}
	for rows.Next() {
		var id, words string
		var f Feedback
		var at int64
		if err := rows.Scan(&id, &f.Rating, &words, &f.Comment, &f.ShareContent, &at); err != nil {
			return nil, fmt.Errorf("read feedback: %w", err)
		}
		f.Reasons, f.UpdatedAt = split(words), time.UnixMilli(at).UTC()
		found[id] = f
	}
	return found, rows.Err()
}

func (s store) ofAccount(ctx context.Context, q db.Queryer, account string) ([]Own, error) {
	rows, err := q.QueryContext(ctx, `
	SELECT message_id, conversation_id, model_name, rating, reasons, comment, share_content, updated_at FROM feedback
	WHERE  account_id = $1 ORDER BY updated_at, message_id`, account)
	if err != nil {
		return nil, fmt.Errorf("read feedback: %w", err)
	}
	defer rows.Close()
	var all []Own
	for rows.Next() {
		var o Own
		var words string
		var at int64
		err := rows.Scan(&o.MessageID, &o.ConversationID, &o.ModelName, &o.Rating, &words, &o.Comment, &o.ShareContent, &at)
		if err != nil {
			return nil, fmt.Errorf("read feedback: %w", err)
		}
		o.Reasons, o.UpdatedAt = split(words), time.UnixMilli(at).UTC()
		all = append(all, o)
	}
	return all, rows.Err()
}

const (
	defaultLimit = 50
	maxLimit     = 200
)

func (s store) entries(ctx context.Context, q db.Queryer, f Filter) (Page, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	limit = min(limit, maxLimit)
	var where db.Conditions
	if f.Rating != "" {
		where.Add("f.rating = ?", f.Rating)
	}
	if f.Reason != "" {
		where.Add("f.reasons LIKE ? ESCAPE '!'", "% "+strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(string(f.Reason))+" %")
	}
	if f.ModelID != "" {
		where.Add("f.model_id = ?", f.ModelID)
	}
	if !f.From.IsZero() {
		where.Add("f.updated_at >= ?", f.From.UnixMilli())
	}
	if !f.To.IsZero() {
		where.Add("f.updated_at < ?", f.To.UnixMilli())
	}
	if label.Fold(f.Text) != "" {
		where.Add("f.search_key LIKE ? ESCAPE '!'", label.Pattern(f.Text))
	}
	if f.PageToken != "" {
		at, id, err := parsePageToken(f.PageToken)
		if err != nil {
			return Page{}, err
		}
		where.Add("(f.updated_at, f.message_id) < (?, ?)", at, id)
	}
	query := `
	SELECT f.message_id, f.account_id, COALESCE(a.name, ''), COALESCE(a.email, ''), f.model_id, f.model_name, f.rating, f.reasons, f.comment,
	       f.share_content, f.updated_at
	FROM   feedback f LEFT JOIN accounts a ON a.id = f.account_id`
	query += where.Where() + "\n\tORDER  BY f.updated_at DESC, f.message_id DESC LIMIT " + strconv.Itoa(limit+1)

	rows, err := q.QueryContext(ctx, query, where.Args()...)
	if err != nil {
		return Page{}, fmt.Errorf("list feedback: %w", err)
	}
	defer rows.Close()
	page := Page{Items: make([]Entry, 0, limit)}
	for rows.Next() {
		if len(page.Items) == limit { // one more than asked for: there is a next page
			page.NextPageToken = pageToken(page.Items[limit-1])
			break
		}
		var e Entry
		var words string
		var at int64
		err := rows.Scan(&e.MessageID, &e.AccountID, &e.PersonName, &e.PersonEmail, &e.ModelID, &e.ModelName, &e.Rating, &words, &e.Comment,
			&e.ShareContent, &at)
		if err != nil {
			return Page{}, fmt.Errorf("list feedback: %w", err)
		}
		e.Reasons, e.UpdatedAt = split(words), time.UnixMilli(at).UTC()
		page.Items = append(page.Items, e)
	}
	if err := rows.Err(); err != nil {
		return Page{}, fmt.Errorf("list feedback: %w", err)
	}
	return page, nil
}

func pageToken(e Entry) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(e.UpdatedAt.UnixMilli(), 10) + "." + e.MessageID))
}

func parsePageToken(token string) (at int64, id string, err error) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		first, rest, ok := strings.Cut(string(b), ".")
		if at, err = strconv.ParseInt(first, 10, 64); err == nil && ok && label.IsID(rest) {
			return at, rest, nil
		}
	}
	return 0, "", errs.InField("pageToken", "the page token is not one of ours")
}
