package server

import (
	"bufio"
	"context"
	"io"
	"iter"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"kakoi/internal/access"
	"kakoi/internal/errs"
	"kakoi/internal/identity"
	"kakoi/internal/jst"
	"kakoi/internal/spreadsheet"
)

// accountHeadings of the table of accounts, by language.
var accountHeadings = map[string][]string{
	"ja": {"メールアドレス", "氏名", "状態", "役割", "主な所属コード", "主な所属", "役職", "ほかの所属", "グループ", "利用開始日", "利用終了日", "最終サインイン", "追加した日", "ID"},
	"en": {"E-mail", "Name", "State", "Roles", "Main unit code", "Main unit", "Title", "Other posts", "Groups", "Valid from", "Valid until", "Last sign-in", "Added", "ID"},
}

// accountWords are the other words of the table, by language.
var accountWords = map[string]map[string]string{
	"ja": {
		"active": "利用中", "disabled": "停止中",
		string(access.Administrator): "管理者", string(access.DepartmentAdministrator): "部門管理者", string(access.Auditor): "監査担当者",
	},
	"en": {
		"active": "active", "disabled": "disabled",
		string(access.Administrator): "System administrator", string(access.DepartmentAdministrator): "Department administrator", string(access.Auditor): "Auditor",
	},
}

// accountTable writes accounts with the names of what they are in.
type accountTable struct {
	locale string
	now    time.Time
	units  map[string]access.Unit
	roles  map[access.RoleID]string
	groups map[string]string
}

// accountTableFor knows the names that whoever acts in ctx may read; of the
// others there are the ids.
func (s *Server) accountTableFor(ctx context.Context) (*accountTable, error) {
	who, _ := access.From(ctx)
	t := &accountTable{locale: "ja", now: time.Now(), units: map[string]access.Unit{}, roles: map[access.RoleID]string{}, groups: map[string]string{}}
	if who.Locale == "en" {
		t.locale = "en"
	}
	readable := func(err error) error {
		if errs.CodeOf(err) == errs.Forbidden {
			return nil
		}
		return err
	}
	units, err := s.units.List(ctx, t.now)
	if err := readable(err); err != nil {
		return nil, err
	}
	for _, u := range units {
		t.units[u.ID] = u
	}
	roles, err := s.roles.List(ctx)
	if err := readable(err); err != nil {
		return nil, err
	}
	for _, r := range roles {
		t.roles[r.ID] = r.Name
	}
	for f := (access.GroupFilter{Limit: 200}); ; {
		page, err := s.groups.List(ctx, f)
		if err := readable(err); err != nil {
			return nil, err
		}
		for _, g := range page.Items {
			t.groups[g.ID] = g.Name
		}
		if f.PageToken = page.NextPageToken; f.PageToken == "" {
			return t, nil
		}
	}
}

func (t *accountTable) word(key string) string { return accountWords[t.locale][key] }

// path is a unit under all above it.
func (t *accountTable) path(id string) string {
	var names []string
	for next := id; next != ""; {
		u, known := t.units[next]
		if !known {
			break
		}
		names, next = append(names, u.Name), u.ParentID
	}
	if len(names) == 0 {
		return id
	}
	slices.Reverse(names)
	return strings.Join(names, "／")
}

func (t *accountTable) role(h access.Held) string {
	name := t.roles[h.RoleID]
	if name == "" {
		name = t.word(string(h.RoleID))
	}
	if name == "" {
		name = string(h.RoleID)
	}
	if h.UnitID != "" {
		name += " (" + t.path(h.UnitID) + ")"
	}
	return name
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(jst.Zone).Format(time.DateOnly)
}

func (t *accountTable) row(a identity.Account) []string {
	state := "active"
	if a.Disabled {
		state = "disabled"
	}
	var roles, others, groups []string
	for _, h := range a.Facts.Roles {
		if h.Holds(t.now) {
			roles = append(roles, t.role(h))
		}
	}
	var main access.Post
	for _, p := range a.Facts.Posts {
		switch {
		case !p.Holds(t.now):
		case p.Main && main.UnitID == "":
			main = p
		default:
			others = append(others, strings.TrimSpace(t.path(p.UnitID)+" "+p.Title))
		}
	}
	for _, id := range a.Facts.GroupIDs {
		groups = append(groups, t.groups[id])
	}
	from, until := timesOf(a.Valid)
	signedIn := ""
	if !a.LastSignedInAt.IsZero() {
		signedIn = a.LastSignedInAt.In(jst.Zone).Format("2006-01-02 15:04:05")
	}
	return []string{
		a.Email, a.Name, t.word(state), strings.Join(roles, "; "), t.units[main.UnitID].Code, t.path(main.UnitID), main.Title, strings.Join(others, "; "),
		strings.Join(groups, "; "), day(from), lastDay(until), signedIn, day(a.CreatedAt), a.ID,
	}
}

// lastDay is the last day before something ends.
func lastDay(end time.Time) string {
	if end.IsZero() {
		return ""
	}
	return day(end.Add(-time.Millisecond))
}

func (t *accountTable) write(w io.Writer, accounts iter.Seq2[identity.Account, error]) error {
	out, err := spreadsheet.NewWriter(w, accountHeadings[t.locale])
	if err != nil {
		return err
	}
	for a, err := range accounts {
		if err != nil {
			return err
		}
		if err := out.Write(t.row(a)); err != nil {
			return err
		}
	}
	return out.Flush()
}

func (s *Server) exportAccounts(ctx context.Context, in *struct {
	AccountWish
	AccountOrder
}) (*huma.StreamResponse, error) {
	f := in.filter()
	f.Sort, f.Backwards = in.sort(), in.Descending
	accounts, err := s.identity.ExportAccounts(ctx, f)
	if err != nil {
		return nil, err
	}
	table, err := s.accountTableFor(ctx)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(out huma.Context) {
		if known := requestOf(ctx); known.control != nil {
			_ = known.control.SetWriteDeadline(time.Now().Add(transferPatience))
		}
		out.SetHeader("Content-Type", "text/csv; charset=utf-8")
		out.SetHeader("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": "accounts-" + jst.Stamp(time.Now()) + ".csv"}))
		out.SetHeader("Cache-Control", "no-store")
		file := bufio.NewWriterSize(out.BodyWriter(), 64<<10)
		err := table.write(file, accounts)
		if err == nil {
			err = file.Flush()
		}
		if err != nil {
			// Too late for a status. Half a file must not pass for a whole one.
			_ = s.fail(ctx, "exportAccounts", err)
			panic(http.ErrAbortHandler)
		}
	}}, nil
}
