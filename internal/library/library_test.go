package library_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
	"kakoi/internal/library"
)

type fixture struct {
	*library.Service
	t      *testing.T
	db     *db.DB
	audit  *audit.Log
	groups *access.Groups
	clock  time.Time
	admin  context.Context
}

func open(t *testing.T, d *db.DB) *fixture {
	t.Helper()
	record := audit.New(d, time.Now)
	f := &fixture{t: t, db: d, audit: record, groups: access.NewGroups(d, record, access.NewCharts(d, time.Now), time.Now), clock: time.Date(2026, time.July, 4, 3, 0, 0, 0, time.UTC)}
	f.Service = library.New(d, record, func() time.Time { f.clock = f.clock.Add(time.Second); return f.clock })
	f.admin = f.person("管理者", access.Administrator)
	return f
}

func inBoth(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	dbtest.Run(t, func(t *testing.T, d *db.DB) { test(t, open(t, d)) })
}

// person is a new account, and what it does.
func (f *fixture) person(name string, role access.RoleID, groupIDs ...string) context.Context {
	f.t.Helper()
	id := db.NewID()
	const insert = `
	INSERT INTO accounts (id, email, name, search_key, password_hash, created_at, updated_at)
	VALUES ($1, $2, $3, $4, '', 0, 0)`
	if _, err := f.db.ExecContext(f.t.Context(), insert, id, id+"@example.jp", name, name); err != nil {
		f.t.Fatal(err)
	}
	for _, g := range groupIDs {
		if err := f.groups.AddMembers(f.admin, g, id); err != nil {
			f.t.Fatal(err)
		}
	}
	return access.WithPrincipal(f.t.Context(), access.Principal{AccountID: id, Rights: access.Rights(role), GroupIDs: groupIDs, Locale: "ja"})
}

func (f *fixture) group(name string) string {
	f.t.Helper()
	g, err := f.groups.Create(f.admin, name, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return g.ID
}

func (f *fixture) create(ctx context.Context, d library.Draft) library.Prompt {
	f.t.Helper()
	if d.Kind == "" {
		d.Kind = library.KindMessage
	}
	if d.Body == "" {
		d.Body = "{{件名}}について"
	}
	p, err := f.Create(ctx, d)
	if err != nil {
		f.t.Fatalf("create %q: %v", d.Name, err)
	}
	return p
}

func (f *fixture) names(ctx context.Context, filter library.Filter) []string {
	f.t.Helper()
	names := []string{}
	for {
		page, err := f.List(ctx, filter)
		if err != nil {
			f.t.Fatal(err)
		}
		for _, p := range page.Items {
			if p.Body != "" {
				f.t.Errorf("the list has read the body of %s", p.Name)
			}
			names = append(names, p.Name)
		}
		if filter.PageToken = page.NextPageToken; filter.PageToken == "" {
			return names
		}
	}
}

func code(err error) errs.Code { return errs.CodeOf(err) }

func second[T any](_ T, err error) error { return err }

// TestTheBodyOfASavedPromptIsEditedAndItsVersionsStay is defect D20 of the
// product we replace: only the title of a saved prompt could be changed, and
// lists had no pages.
func TestTheBodyOfASavedPromptIsEditedAndItsVersionsStay(t *testing.T) {
	inBoth(t, func(t *testing.T, f *fixture) {
		me := f.person("山田", access.Member)
		p := f.create(me, library.Draft{Kind: library.KindSystem, Name: " 校正 ", Command: "／校正", Category: "校正", Body: "一つめ", Note: "始め"})
		if p.Name != "校正" || p.Command != "校正" || p.Category != "proofreading" || p.Version != 1 || p.Visibility != library.Private || !p.Editable || p.OwnerName != "山田" {
			t.Errorf("created %+v", p)
		}
		p, err := f.Update(me, p.ID, library.Change{Body: new("二つめ"), Note: "言い回し", BaseVersion: 1})
		if err != nil || p.Body != "二つめ" || p.Version != 2 {
			t.Fatalf("edited: %+v, %v", p, err)
		}
		if _, err := f.Update(me, p.ID, library.Change{Body: new("別の窓で"), BaseVersion: 1}); code(err) != errs.Conflict {
			t.Errorf("an edit upon an old version: %v", err)
		}
		if p, err = f.Update(me, p.ID, library.Change{Name: new("新しい名前")}); err != nil || p.Version != 2 || p.Name != "新しい名前" || p.Body != "二つめ" {
			t.Errorf("renamed: %+v, %v; want no new version", p, err)
		}
		if p, err = f.Restore(me, p.ID, 1); err != nil || p.Body != "一つめ" || p.Version != 3 {
			t.Errorf("restored: %+v, %v", p, err)
		}
		if p, err = f.Restore(me, p.ID, 1); err != nil || p.Version != 3 {
			t.Errorf("restored what it says already: %+v, %v", p, err)
		}
		page, err := f.Versions(me, p.ID, "", 2)
		if err != nil || len(page.Items) != 2 || page.NextPageToken == "" {
			t.Fatalf("versions: %+v, %v", page, err)
		}
		rest, err := f.Versions(me, p.ID, page.NextPageToken, 2)
		if err != nil || len(rest.Items) != 1 || rest.NextPageToken != "" {
			t.Fatalf("versions: %+v, %v", rest, err)
		}
		all := slices.Concat(page.Items, rest.Items)
		if all[0].RestoredFrom != 1 || all[1].Note != "言い回し" || all[2].Note != "始め" || all[2].AuthorName != "山田" || all[0].Body != "" {
			t.Errorf("versions: %+v", all)
		}
		if v, err := f.Version(me, p.ID, 2); err != nil || v.Body != "二つめ" {
			t.Errorf("version 2: %+v, %v", v, err)
		}
		if _, err := f.Version(me, p.ID, 9); code(err) != errs.NotFound {
			t.Errorf("version 9: %v", err)
		}
		if err := f.Delete(me, p.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Prompt(me, p.ID); code(err) != errs.NotFound {
			t.Errorf("what was deleted: %v", err)
		}
		var actions []string
		events, err := f.audit.List(t.Context(), audit.Filter{Resource: audit.Resource{Kind: "prompt", ID: p.ID}})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range slices.Backward(events.Items) {
			actions = append(actions, e.Action+" "+e.Details["changed"])
			for _, text := range e.Details {
				if strings.Contains(text, "つめ") {
					t.Errorf("the audit trail quotes the body: %+v", e)
				}
			}
		}
		want := []string{"prompt.create ", "prompt.update body", "prompt.update name", "prompt.restore_version body", "prompt.delete "}
		if diff := cmp.Diff(want, actions); diff != "" {
			t.Errorf("audit events (-want +got):\n%s", diff)
		}
	})
}

func TestOldVersionsGo(t *testing.T) {
	inBoth(t, func(t *testing.T, f *fixture) {
		me := f.person("山田", access.Member)
		p := f.create(me, library.Draft{Name: "x"})
		for i := range 205 {
			if _, err := f.Update(me, p.ID, library.Change{Body: new(fmt.Sprint(i))}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := f.Version(me, p.ID, 6); code(err) != errs.NotFound {
			t.Errorf("version 6 of 206: %v", err)
		}
		if v, err := f.Version(me, p.ID, 7); err != nil || v.Body != "5" {
			t.Errorf("version 7 of 206: %+v, %v", v, err)
		}
	})
}

func TestWhoSeesAndKeepsAPrompt(t *testing.T) {
	inBoth(t, func(t *testing.T, f *fixture) {
		tax, welfare := f.group("税務課"), f.group("福祉課")
		owner, colleague := f.person("所有者", access.Member, tax), f.person("同僚", access.Member, tax, welfare)
		stranger, admin := f.person("他課", access.Member, welfare), f.admin
		private := f.create(owner, library.Draft{Name: "私用"})
		shared := f.create(owner, library.Draft{Name: "課内", Visibility: library.Groups, GroupIDs: []string{tax}})
		public := f.create(owner, library.Draft{Name: "全員", Visibility: library.Everyone})
		official := f.create(admin, library.Draft{Name: "公式", Official: true})
		restricted := f.create(admin, library.Draft{Name: "公式福祉", Official: true, Visibility: library.Groups, GroupIDs: []string{welfare}})
		hidden := f.create(owner, library.Draft{Name: "隠し", Visibility: library.Everyone})
		if _, err := f.Update(admin, hidden.ID, library.Change{Hidden: new(true)}); err != nil {
			t.Fatal(err)
		}
		away := f.create(owner, library.Draft{Name: "しまった", Visibility: library.Everyone})
		if _, err := f.Update(owner, away.ID, library.Change{Archived: new(true)}); err != nil {
			t.Fatal(err)
		}

		const no, not, yes = errs.NotFound, errs.Forbidden, errs.Code("")
		for _, tt := range []struct {
			name  string
			who   context.Context
			list  []string
			reads map[string]errs.Code // by id
			keeps map[string]errs.Code
		}{
			{
				"the owner", owner, []string{"全員", "公式", "私用", "課内", "隠し"},
				map[string]errs.Code{private.ID: yes, shared.ID: yes, public.ID: yes, official.ID: yes, restricted.ID: no, hidden.ID: yes, away.ID: yes},
				map[string]errs.Code{private.ID: yes, shared.ID: yes, public.ID: yes, official.ID: not, restricted.ID: no, hidden.ID: yes, away.ID: yes},
			},
			{
				"a colleague", colleague, []string{"全員", "公式", "公式福祉", "課内"},
				map[string]errs.Code{private.ID: no, shared.ID: yes, public.ID: yes, official.ID: yes, restricted.ID: yes, hidden.ID: no, away.ID: no},
				map[string]errs.Code{private.ID: no, shared.ID: not, public.ID: not, official.ID: not, restricted.ID: not, hidden.ID: no, away.ID: no},
			},
			{
				"a stranger", stranger, []string{"全員", "公式", "公式福祉"},
				map[string]errs.Code{private.ID: no, shared.ID: no, public.ID: yes, official.ID: yes, restricted.ID: yes, hidden.ID: no, away.ID: no},
				map[string]errs.Code{private.ID: no, shared.ID: no, public.ID: not, official.ID: not, restricted.ID: not, hidden.ID: no, away.ID: no},
			},
			{
				"an administrator", admin, []string{"全員", "公式", "公式福祉", "隠し"},
				map[string]errs.Code{private.ID: no, shared.ID: no, public.ID: yes, official.ID: yes, restricted.ID: yes, hidden.ID: yes, away.ID: no},
				map[string]errs.Code{private.ID: no, shared.ID: no, public.ID: not, official.ID: yes, restricted.ID: yes, hidden.ID: not, away.ID: no},
			},
		} {
			t.Run(tt.name, func(t *testing.T) {
				got := f.names(tt.who, library.Filter{})
				slices.Sort(got)
				slices.Sort(tt.list)
				if diff := cmp.Diff(tt.list, got); diff != "" {
					t.Errorf("list (-want +got):\n%s", diff)
				}
				var n int64
				categories, err := f.Categories(tt.who)
				for _, c := range categories {
					n += c.Prompts
				}
				if err != nil || n != 0 {
					t.Errorf("categories count %d prompts without one, %v", n, err)
				}
				for id, want := range tt.reads {
					for act, err := range map[string]error{
						"read": second(f.Prompt(tt.who, id)), "render": second(f.Render(tt.who, id, nil, true, 1000)), "copy": second(f.Copy(tt.who, id)),
					} {
						if code(err) != want {
							t.Errorf("%s %s: %v, want %q", act, id, err, want)
						}
					}
				}
				for id, want := range tt.keeps {
					for act, err := range map[string]error{
						"update": second(f.Update(tt.who, id, library.Change{Description: new("x")})), "versions": second(f.Versions(tt.who, id, "", 0)),
						"version": second(f.Version(tt.who, id, 1)), "restore": second(f.Restore(tt.who, id, 1)),
					} {
						if code(err) != want {
							t.Errorf("%s %s: %v, want %q", act, id, err, want)
						}
					}
					if want != yes {
						if err := f.Delete(tt.who, id); code(err) != want {
							t.Errorf("delete %s: %v, want %q", id, err, want)
						}
					}
				}
				// What was copied is theirs, and away again.
				page, err := f.List(tt.who, library.Filter{Scope: library.ScopeMine, Limit: 200})
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range page.Items {
					if !slices.Contains([]string{private.ID, shared.ID, public.ID, hidden.ID, away.ID}, p.ID) {
						if p.Visibility != library.Private || !p.Editable {
							t.Errorf("a copy is %+v", p)
						}
						if err := f.Delete(tt.who, p.ID); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		if got := f.names(owner, library.Filter{Archived: true}); !slices.Equal(got, []string{"しまった"}) {
			t.Errorf("what the owner put away: %v", got)
		}
		if got := f.names(stranger, library.Filter{Archived: true}); len(got) > 0 {
			t.Errorf("a stranger sees what somebody else put away: %v", got)
		}
		if err := second(f.Update(owner, hidden.ID, library.Change{Hidden: new(false)})); code(err) != errs.Forbidden {
			t.Errorf("the owner of what an administrator has hidden shows it again: %v", err)
		}
		if err := second(f.Update(admin, public.ID, library.Change{Hidden: new(true), Name: new("x")})); code(err) != errs.Forbidden {
			t.Errorf("an administrator edits what is somebody's: %v", err)
		}
		if err := second(f.Create(owner, library.Draft{Official: true, Kind: library.KindMessage, Name: "x", Body: "x"})); code(err) != errs.Forbidden {
			t.Errorf("a member makes an official prompt: %v", err)
		}
		if err := second(f.Prompt(t.Context(), public.ID)); code(err) != errs.Unauthenticated {
			t.Errorf("nobody reads: %v", err)
		}
		temporary := access.WithPrincipal(t.Context(), access.Principal{AccountID: db.NewID(), Pending: []access.Step{access.StepPasswordChange}})
		for act, err := range map[string]error{
			"read": second(f.Prompt(temporary, public.ID)), "read what is not there": second(f.Prompt(temporary, db.NewID())),
			"list": second(f.List(temporary, library.Filter{})), "categories": second(f.Categories(temporary)),
			"create": second(f.Create(temporary, library.Draft{})),
		} {
			if code(err) != errs.PasswordChangeRequired {
				t.Errorf("%s with a temporary password: %v", act, err)
			}
		}

		// A group that goes takes nothing into the open.
		if err := f.groups.Delete(admin, tax); err != nil {
			t.Fatal(err)
		}
		gone := f.person("新人", access.Member)
		if err := second(f.Prompt(gone, shared.ID)); code(err) != errs.NotFound {
			t.Errorf("a prompt of a group that is gone: %v", err)
		}
	})
}

func TestOneSharesWithOnesOwnGroups(t *testing.T) {
	inBoth(t, func(t *testing.T, f *fixture) {
		mine, other := f.group("税務課"), f.group("福祉課")
		me := f.person("山田", access.Member, mine)
		p := f.create(me, library.Draft{Name: "x"})
		groups := library.Groups
		for name, ids := range map[string][]string{"another": {other}, "one of two": {mine, other}, "none": {}, "unknown": {db.NewID()}, "no id": {"\x00"}} {
			if err := second(f.Update(me, p.ID, library.Change{Visibility: &groups, GroupIDs: &ids})); code(err) != errs.InvalidInput {
				t.Errorf("%s: %v", name, err)
			}
		}
		p, err := f.Update(me, p.ID, library.Change{Visibility: &groups, GroupIDs: &[]string{mine, mine}})
		if err != nil || !slices.Equal(p.GroupIDs, []string{mine}) {
			t.Fatalf("%+v, %v", p, err)
		}
		// Who has left the group may still edit what is shared with it.
		id := p.OwnerID
		if err := f.groups.RemoveMembers(f.admin, mine, id); err != nil {
			t.Fatal(err)
		}
		left := access.WithPrincipal(t.Context(), access.Principal{AccountID: id})
		if p, err = f.Update(left, p.ID, library.Change{Name: new("y")}); err != nil || p.Name != "y" || len(p.GroupIDs) != 1 {
			t.Errorf("after leaving the group: %+v, %v", p, err)
		}
		everyone := library.Everyone
		if p, err = f.Update(left, p.ID, library.Change{Visibility: &everyone}); err != nil || len(p.GroupIDs) != 0 {
			t.Errorf("for everyone: %+v, %v", p, err)
		}
		if p := f.create(f.admin, library.Draft{Name: "z", Visibility: library.Groups, GroupIDs: []string{other}}); len(p.GroupIDs) != 1 {
			t.Errorf("an administrator shares with any group: %+v", p)
		}
	})
}

func TestACommandIsItsOwnersOnce(t *testing.T) {
	inBoth(t, func(t *testing.T, f *fixture) {
		me, you := f.person("山田", access.Member), f.person("鈴木", access.Member)
		first := f.create(me, library.Draft{Name: "a", Command: "/Memo"})
		if first.Command != "memo" {
			t.Errorf("command %q", first.Command)
		}
		err := second(f.Create(me, library.Draft{Kind: library.KindMessage, Name: "b", Body: "b", Command: "ｍｅｍｏ"}))
		if known, ok := err.(*errs.Error); !ok || known.Code != errs.Conflict || known.Field != "command" { //nolint:errorlint // made here, not wrapped
			t.Errorf("the same command again: %v", err)
		}
		f.create(you, library.Draft{Name: "a", Command: "memo"})
		official := f.create(f.admin, library.Draft{Name: "a", Command: "memo", Official: true})
		if err := second(f.Create(f.admin, library.Draft{Official: true, Kind: library.KindMessage, Name: "b", Body: "b", Command: "memo"})); code(err) != errs.Conflict {
			t.Errorf("the same official command again: %v", err)
		}
		third := f.create(me, library.Draft{Name: "c"})
		if err := second(f.Update(me, third.ID, library.Change{Command: new("memo")})); code(err) != errs.Conflict {
			t.Errorf("another's command: %v", err)
		}
		f.create(me, library.Draft{Name: "d"}) // prompts without a command are as many as one likes
		for _, bad := range []string{"a b", "a/b", "-a", "{{x}}", strings.Repeat("長", 41)} {
			if err := second(f.Update(me, third.ID, library.Change{Command: &bad})); code(err) != errs.InvalidInput {
				t.Errorf("command %q: %v", bad, err)
			}
		}
		// A copy keeps the command where it is free.
		if p, err := f.Copy(me, official.ID); err != nil || p.Command != "" {
			t.Errorf("copy: %+v, %v", p, err)
		}
		if err := second(f.Update(me, first.ID, library.Change{Command: new("")})); err != nil {
			t.Fatal(err)
		}
		if p, err := f.Copy(me, official.ID); err != nil || p.Command != "memo" {
			t.Errorf("copy: %+v, %v", p, err)
		}
	})
}

func TestPromptsAreFoundPageByPage(t *testing.T) {
	inBoth(t, func(t *testing.T, f *fixture) {
		me, you := f.person("山田", access.Member), f.person("鈴木", access.Member)
		var want []string
		for i := range 23 {
			name := fmt.Sprintf("番号 %02d", i)
			want = append(want, name)
			f.create(me, library.Draft{Name: name, Category: "planning"})
		}
		f.create(you, library.Draft{Name: "見えない"})
		for _, limit := range []int{1, 4, 23, 200} {
			if diff := cmp.Diff(want, f.names(me, library.Filter{Limit: limit})); diff != "" {
				t.Fatalf("pages of %d (-want +got):\n%s", limit, diff)
			}
		}
		used := f.create(me, library.Draft{Name: "要約", Command: "要約", Locale: "ja", Category: "私の分類", Body: "ＰＤＦの内容を要約 100%_!"})
		other := f.create(me, library.Draft{Kind: library.KindSystem, Name: "要点", Command: "要点", Locale: "en", Description: "箇条書き"})
		f.create(you, library.Draft{Name: "共有", Visibility: library.Everyone})
		f.create(f.admin, library.Draft{Name: "公式", Official: true})
		for _, id := range []string{other.ID, used.ID, used.ID} {
			if _, err := f.Render(me, id, nil, false, 1000); err != nil {
				t.Fatal(err)
			}
		}
		for _, tt := range []struct {
			name   string
			filter library.Filter
			want   []string
		}{
			{"by a word of the body in another width and case", library.Filter{Search: "pdf"}, []string{"要約"}},
			{"by signs that SQL knows", library.Filter{Search: "100%_!"}, []string{"要約"}},
			{"by signs that are not there", library.Filter{Search: "1%内"}, []string{}},
			{"by the description", library.Filter{Search: "箇条"}, []string{"要点"}},
			{"by the command", library.Filter{Search: "/要約"}, []string{"要約"}},
			{"by the beginning of the command", library.Filter{Command: "/要"}, []string{"要点", "要約"}},
			{"by kind", library.Filter{Kind: library.KindSystem}, []string{"要点"}},
			{"by category", library.Filter{Category: "私の分類"}, []string{"要約"}},
			{"by language", library.Filter{Search: "要", Locale: "ja"}, []string{"要約"}},
			{"official", library.Filter{Scope: library.ScopeOfficial}, []string{"公式"}},
			{"other people's", library.Filter{Scope: library.ScopeShared}, []string{"共有"}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				got := f.names(me, tt.filter)
				slices.Sort(got)
				slices.Sort(tt.want)
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
		for _, limit := range []int{1, 5, 200} {
			got := f.names(me, library.Filter{Order: library.OrderRecent, Scope: library.ScopeMine, Limit: limit})
			if diff := cmp.Diff(append([]string{"要約", "要点"}, want...), got); diff != "" {
				t.Fatalf("by last use in pages of %d (-want +got):\n%s", limit, diff)
			}
		}
		page, err := f.List(me, library.Filter{Order: library.OrderRecent, Limit: 1})
		if err != nil || page.Items[0].Uses != 2 || page.Items[0].MyUses != 2 || page.Items[0].MyLastUse.IsZero() {
			t.Errorf("%+v, %v", page, err)
		}
		for _, token := range []string{"x", "!!", "e30", "eyJpIjoiYSIsIm4iOiJBIn0"} {
			if err := second(f.List(me, library.Filter{PageToken: token})); code(err) != errs.InvalidInput {
				t.Errorf("page token %q: %v", token, err)
			}
		}
		categories, err := f.Categories(me)
		if err != nil || len(categories) < 10 {
			t.Fatalf("%v, %v", categories, err)
		}
		last := categories[len(categories)-1]
		if last.ID != "私の分類" || last.Prompts != 1 || last.Builtin || categories[0].Names["ja"] != "文章作成" || categories[0].Names["en"] != "Writing" {
			t.Errorf("%+v", categories)
		}
	})
}

func TestWhatIsRefused(t *testing.T) {
	inBoth(t, func(t *testing.T, f *fixture) {
		me := f.person("山田", access.Member)
		p := f.create(me, library.Draft{Name: "x"})
		private, no := library.Private, library.Visibility("no")
		for field, ch := range map[string]library.Change{
			"name": {Name: new(" ")}, "description": {Description: new(strings.Repeat("長", 501))}, "category": {Category: new(strings.Repeat("長", 51))},
			"locale": {Locale: new("fr")}, "visibility": {Visibility: &no}, "body": {Body: new("{{x:number}}{{x:date}}")}, "note": {Note: strings.Repeat("長", 201)},
		} {
			err := second(f.Update(me, p.ID, ch))
			if known, ok := err.(*errs.Error); !ok || known.Code != errs.InvalidInput || known.Field != field { //nolint:errorlint // made here, not wrapped
				t.Errorf("%s: %v", field, err)
			}
		}
		for name, body := range map[string]string{"empty": " \n", "too long": strings.Repeat("長", 50_001), "unreadable": "\xff", "NUL": "a\x00b"} {
			if err := second(f.Update(me, p.ID, library.Change{Body: &body})); code(err) != errs.InvalidInput {
				t.Errorf("a body that is %s: %v", name, err)
			}
		}
		official := f.create(f.admin, library.Draft{Name: "公式", Official: true})
		if err := second(f.Update(f.admin, official.ID, library.Change{Visibility: &private})); code(err) != errs.InvalidInput {
			t.Errorf("a private official prompt: %v", err)
		}
		if err := second(f.Render(me, p.ID, map[string]string{"件名": strings.Repeat("x", 100)}, false, 50)); code(err) != errs.TooLarge {
			t.Errorf("a text over the limit: %v", err)
		}
	})
}

func TestATextIsFilledIn(t *testing.T) {
	inBoth(t, func(t *testing.T, f *fixture) {
		me := f.person("山田 太郎", access.Member)
		p := f.create(me, library.Draft{Name: "x", Body: "{{today:wareki}} {{my_name}}{{my_department}} {{件名}} {{数:number}} {{today}}"})
		out, err := f.Render(me, p.ID, map[string]string{"件名": "{{数}}", "数": "３"}, false, 1000)
		if want := "令和8年7月4日 山田 太郎 {{数}} 3 2026年7月4日"; err != nil || out.Text != want || len(out.Missing) > 0 {
			t.Errorf("%+v, %v; want %s", out, err, want)
		}
		if out, err = f.Render(me, p.ID, nil, true, 1000); err != nil || !slices.Equal(out.Missing, []string{"件名", "数"}) {
			t.Errorf("%+v, %v", out, err)
		}
		if p, err = f.Prompt(me, p.ID); err != nil || p.Uses != 1 {
			t.Errorf("a preview counts: %+v, %v", p, err)
		}
		out, variables, err := f.Try(me, "{{a:choice:x|y=y}} {{today}}", "en", nil, 1000)
		if err != nil || out.Text != "y 4 July 2026" || len(variables) != 1 || variables[0].Type != library.VariableChoice {
			t.Errorf("%+v, %+v, %v", out, variables, err)
		}
		if _, _, err := f.Try(me, "{{a:number}}{{a:date}}", "", nil, 1000); code(err) != errs.InvalidInput {
			t.Errorf("a body that declares a variable in two ways: %v", err)
		}
	})
}

func TestTheStarterSetComesOnceAndLeavesEditsAlone(t *testing.T) {
	inBoth(t, func(t *testing.T, f *fixture) {
		var nodes sync.WaitGroup
		for range 4 {
			nodes.Go(func() {
				if err := f.InstallStarterSet(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		nodes.Wait()
		me := f.person("山田", access.Member)
		all := f.names(me, library.Filter{Limit: 200})
		if len(all) < 60 {
			t.Fatalf("%d prompts", len(all))
		}
		for _, locale := range []string{"ja", "en"} {
			if n := len(f.names(me, library.Filter{Locale: locale})); n < 30 {
				t.Errorf("%d prompts in %s", n, locale)
			}
		}
		installs, err := f.audit.List(t.Context(), audit.Filter{Action: "prompt.install_starter_set"})
		if err != nil || len(installs.Items) != 1 {
			t.Errorf("%d installations are on record, %v", len(installs.Items), err)
		}

		find := func(command string) library.Prompt {
			t.Helper()
			page, err := f.List(f.admin, library.Filter{Command: command, Scope: library.ScopeOfficial})
			if err != nil || len(page.Items) == 0 {
				t.Fatalf("%s: %v, %v", command, page, err)
			}
			p, err := f.Prompt(f.admin, page.Items[0].ID)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		edited, deleted, untouched := find("要約"), find("通知文"), find("faq")
		if edited, err = f.Update(f.admin, edited.ID, library.Change{Body: new("うちの要約")}); err != nil {
			t.Fatal(err)
		}
		if err := f.Delete(f.admin, deleted.ID); err != nil {
			t.Fatal(err)
		}
		// As if an older program had installed other texts, and one prompt fewer,
		// whose command somebody has taken meanwhile.
		taken := find("翻訳")
		for _, statement := range []string{
			`UPDATE starter_prompts SET source = 'older'`,
			`DELETE FROM starter_prompts WHERE prompt_id = '` + taken.ID + `'`,
		} {
			if _, err := f.db.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if err := f.InstallStarterSet(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if p, err := f.Prompt(me, edited.ID); err != nil || p.Body != "うちの要約" || p.Version != 2 {
			t.Errorf("the edited one: %+v, %v", p, err)
		}
		if err := second(f.Prompt(me, deleted.ID)); code(err) != errs.NotFound {
			t.Errorf("the deleted one: %v", err)
		}
		if p, err := f.Prompt(me, untouched.ID); err != nil || p.Body != untouched.Body || p.Version != 1 {
			t.Errorf("the untouched one: %+v, %v", p, err)
		}
		page, err := f.List(me, library.Filter{Search: taken.Name, Scope: library.ScopeOfficial})
		if err != nil {
			t.Fatal(err)
		}
		var commands []string
		for _, p := range page.Items {
			if p.Name == taken.Name {
				commands = append(commands, p.Command)
			}
		}
		slices.Sort(commands)
		if !slices.Equal(commands, []string{"", "翻訳"}) {
			t.Errorf("commands %q", commands)
		}
		if n := len(f.names(me, library.Filter{Limit: 200})); n != len(all) {
			t.Errorf("%d prompts, want %d: one deleted, one installed again", n, len(all))
		}
	})
}
