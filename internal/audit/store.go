package audit

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/errs"
)

const insertEvent = `
	INSERT INTO audit_events (id, occurred_at, actor_id, session_id, action, resource_kind, resource_id,
	                          outcome, details, request_id, address, user_agent)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`

func insert(ctx context.Context, q db.Queryer, id string, at time.Time, e Event, details string, r RequestInfo) error {
	_, err := q.ExecContext(ctx, insertEvent, id, at.UnixMilli(), e.ActorID, e.SessionID, e.Action,
		e.Resource.Kind, clip(e.Resource.ID, maxDetail), string(e.Outcome), details, r.ID, r.Address, r.UserAgent)
	if err != nil {
		return fmt.Errorf("record %s: %w", e.Action, err)
	}
	return nil
}

// Entry is one event as it was recorded.
type Entry struct {
	ID         string
	OccurredAt time.Time
	ActorID    string // "" when nobody was signed in
	ActorName  string // the actor's name and e-mail today, "" for nobody
	ActorEmail string
	SessionID  string
	Action     string
	Resource   Resource
	Outcome    Outcome
	Details    map[string]string
	Request    RequestInfo
}

// Filter selects entries. An empty field selects everything.
type Filter struct {
	ActorID   string
	Action    string // exact, or a prefix when it ends in "."
	Resource  Resource
	Outcome   Outcome
	From, To  time.Time // From is included, To is not
	PageToken string
	Limit     int // 1 to 200; 50 when 0
}

// Page is one page of entries.
type Page struct {
	Items         []Entry
	NextPageToken string // "" on the last page
}

const (
	defaultLimit = 50
	maxLimit     = 200
)

// List returns the entries that f selects, newest first. It asks nobody's
// permission: the caller has done that (access.AuditRead).
func (l *Log) List(ctx context.Context, f Filter) (Page, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	limit = min(limit, maxLimit)

	var where db.Conditions
	if f.ActorID != "" {
		where.Add("e.actor_id = ?", f.ActorID)
	}
	switch {
	case strings.HasSuffix(f.Action, "."):
		// Not LIKE, which would read "_" in an action as any letter.
		where.Add("substr(e.action, 1, "+strconv.Itoa(len(f.Action))+") = ?", f.Action)
	case f.Action != "":
		where.Add("e.action = ?", f.Action)
	}
	if f.Resource.Kind != "" {
		where.Add("e.resource_kind = ?", f.Resource.Kind)
	}
	if f.Resource.ID != "" {
		where.Add("e.resource_id = ?", f.Resource.ID)
	}
	if f.Outcome != "" {
		where.Add("e.outcome = ?", string(f.Outcome))
	}
	if !f.From.IsZero() {
		where.Add("e.occurred_at >= ?", f.From.UnixMilli())
	}
	if !f.To.IsZero() {
		where.Add("e.occurred_at < ?", f.To.UnixMilli())
	}
	if f.PageToken != "" {
		at, id, err := parsePageToken(f.PageToken)
		if err != nil {
			return Page{}, err
		}
		where.Add("(e.occurred_at < ? OR (e.occurred_at = ? AND e.id < ?))", at, at, id)
	}
	query := `
	SELECT e.id, e.occurred_at, e.actor_id, COALESCE(a.name, ''), COALESCE(a.email, ''), e.session_id, e.action,
	       e.resource_kind, e.resource_id, e.outcome, e.details, e.request_id, e.address, e.user_agent
	FROM   audit_events e LEFT JOIN accounts a ON a.id = e.actor_id`
	query += where.Where() + "\n\tORDER BY e.occurred_at DESC, e.id DESC LIMIT " + strconv.Itoa(limit+1)

	rows, err := l.db.QueryContext(ctx, query, where.Args()...)
	if err != nil {
		return Page{}, fmt.Errorf("list audit events: %w", err)
	}
	defer rows.Close()
	page := Page{Items: make([]Entry, 0, limit)}
	for rows.Next() {
		if len(page.Items) == limit { // one more than asked for: there is a next page
			page.NextPageToken = pageToken(page.Items[limit-1])
			break
		}
		var e Entry
		var at int64
		var details string
		err := rows.Scan(&e.ID, &at, &e.ActorID, &e.ActorName, &e.ActorEmail, &e.SessionID, &e.Action,
			&e.Resource.Kind, &e.Resource.ID, &e.Outcome, &details, &e.Request.ID, &e.Request.Address, &e.Request.UserAgent)
		if err != nil {
			return Page{}, fmt.Errorf("list audit events: %w", err)
		}
		e.OccurredAt = time.UnixMilli(at).UTC()
		if err := json.Unmarshal([]byte(details), &e.Details); err != nil {
			return Page{}, fmt.Errorf("read audit event %s: %w", e.ID, err)
		}
		page.Items = append(page.Items, e)
	}
	if err := rows.Err(); err != nil {
		return Page{}, fmt.Errorf("list audit events: %w", err)
	}
	return page, nil
}

func pageToken(e Entry) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(e.OccurredAt.UnixMilli(), 10) + "." + e.ID))
}

func parsePageToken(token string) (at int64, id string, err error) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		first, rest, ok := strings.Cut(string(b), ".")
		if at, err = strconv.ParseInt(first, 10, 64); err == nil && ok && clip(rest, maxDetail) == rest {
			return at, rest, nil
		}
	}
	return 0, "", errs.InField("pageToken", "the page token is not one of ours")
}
