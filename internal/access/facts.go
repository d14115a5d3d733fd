package access

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Forever is the end of what has none, in Unix milliseconds: the year 10000.
const Forever int64 = 253402300800000

// Span is from when to when something holds, in Unix milliseconds: from
// StartsAt on, and no more from EndsAt on.
type Span struct{ StartsAt, EndsAt int64 }

// Always is the span without beginning and end.
var Always = Span{0, Forever}

// Holds reports whether now is within s.
func (s Span) Holds(now time.Time) bool {
	at := now.UnixMilli()
	return s.StartsAt <= at && at < s.EndsAt
}

// Overlaps reports whether the spans have a moment in common.
func (s Span) Overlaps(o Span) bool { return s.StartsAt < o.EndsAt && o.StartsAt < s.EndsAt }

// Post is what a person is in a unit. A person may have several at a time, one
// of them the main one.
type Post struct {
	UnitID string
	Title  string // 係長; may be empty
	Main   bool
	Span
}

// Held is a role that an account has.
type Held struct {
	RoleID RoleID
	UnitID string // it holds for this unit and all below; "": everywhere
	Span
}

// Facts are what rights follow from: what the store says of an account, also of
// times that are past and to come.
type Facts struct {
	Email    string
	GroupIDs []string // chosen one by one; sorted
	Posts    []Post   // by their beginning
	Roles    []Held   // by their beginning
}

// FactColumns select the facts of accounts a; FactRow scans them.
const FactColumns = `
	COALESCE((SELECT string_agg(gm.group_id, ',') FROM group_members gm WHERE gm.account_id = a.id), ''),
	COALESCE((SELECT string_agg(po.starts_at || ' ' || po.ends_at || ' ' || po.unit_id || ' ' || CASE WHEN po.main THEN '1' ELSE '0' END || ' ' || po.title, '
') FROM posts po WHERE po.account_id = a.id), ''),
	COALESCE((SELECT string_agg(rh.starts_at || ' ' || rh.ends_at || ' ' || rh.role_id || ' ' || rh.unit_id, '
') FROM role_holders rh WHERE rh.account_id = a.id), '')`

// FactRow is FactColumns as they are scanned.
type FactRow struct{ groups, posts, roles string }

// Dest returns where to scan.
func (r *FactRow) Dest() []any { return []any{&r.groups, &r.posts, &r.roles} }

// Facts returns what was scanned, of the account with an e-mail address.
func (r *FactRow) Facts(email string) (Facts, error) {
	f := Facts{Email: email}
	if r.groups != "" {
		f.GroupIDs = strings.Split(r.groups, ",")
		slices.Sort(f.GroupIDs)
	}
	for _, fields := range lines(r.posts, 5) {
		span, err := spanOf(fields)
		if err != nil {
			return Facts{}, fmt.Errorf("read a post: %w", err)
		}
		f.Posts = append(f.Posts, Post{UnitID: fields[2], Main: fields[3] == "1", Title: fields[4], Span: span})
	}
	slices.SortFunc(f.Posts, func(a, b Post) int {
		return compare(a.Span, b.Span, b.Main, a.Main, a.UnitID+a.Title, b.UnitID+b.Title)
	})
	for _, fields := range lines(r.roles, 4) {
		span, err := spanOf(fields)
		if err != nil {
			return Facts{}, fmt.Errorf("read a role: %w", err)
		}
		f.Roles = append(f.Roles, Held{RoleID: RoleID(fields[2]), UnitID: fields[3], Span: span})
	}
	slices.SortFunc(f.Roles, func(a, b Held) int {
		return compare(a.Span, b.Span, false, false, string(a.RoleID)+" "+a.UnitID, string(b.RoleID)+" "+b.UnitID)
	})
	return f, nil
}

// compare orders by beginning, then what is first, then by name.
func compare(a, b Span, bFirst, aFirst bool, aName, bName string) int {
	switch {
	case a.StartsAt != b.StartsAt:
		return int(min(1, max(-1, a.StartsAt-b.StartsAt)))
	case aFirst != bFirst && aFirst:
		return -1
	case aFirst != bFirst:
		return 1
	}
	return strings.Compare(aName, bName)
}

// lines splits text into lines of n fields; the last has the rest of its line.
func lines(text string, n int) [][]string {
	if text == "" {
		return nil
	}
	var list [][]string
	for line := range strings.SplitSeq(text, "\n") {
		if fields := strings.SplitN(line, " ", n); len(fields) == n {
			list = append(list, fields)
		}
	}
	return list
}

func spanOf(fields []string) (Span, error) {
	starts, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return Span{}, err
	}
	ends, err := strconv.ParseInt(fields[1], 10, 64)
	return Span{starts, ends}, err
}
