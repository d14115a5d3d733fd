package share_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/blob"
	"kakoi/internal/chat"
	"kakoi/internal/classification"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/secret"
	"kakoi/internal/secret/secrettest"
	"kakoi/internal/share"
)

// fixture is a workplace where conversations are shared.
type fixture struct {
	*share.Service
	t      *testing.T
	db     *db.DB
	chat   *chat.Service
	groups *access.Groups
	audit  *audit.Log
	model  *echo
	clock  time.Time
	admin  context.Context
}

// echo answers what it is told to, and breaks off after it if it is to. Titles
// are asked for beside the answers.
type echo struct {
	mu     sync.Mutex
	says   string
	breaks bool
}

func (e *echo) answers(says string, breaks bool) {
	e.mu.Lock()
	e.says, e.breaks = says, breaks
	e.mu.Unlock()
}

func (e *echo) Stream(_ context.Context, c model.Call) iter.Seq2[model.Event, error] {
	e.mu.Lock()
	says, breaks := e.says, e.breaks
	e.mu.Unlock()
	return func(yield func(model.Event, error) bool) {
		if c.Feature != "chat" {
			yield(model.Event{}, errs.New(errs.ModelFailed, "only answers"))
			return
		}
		if !yield(model.Event{Type: model.EventText, Text: says}, nil) {
			return
		}
		if breaks {
			yield(model.Event{}, errs.New(errs.ModelBrokeOff, "the answer broke off"))
			return
		}
		yield(model.Event{Type: model.EventStop, StopReason: model.StopEnd}, nil)
	}
}

type offers struct{}

func (offers) Offers(context.Context) ([]model.Offer, error) { return []model.Offer{theModel}, nil }

func (offers) Offer(_ context.Context, id string) (model.Offer, error) {
	if id != theModel.ID {
		return model.Offer{}, errs.New(errs.ModelUnavailable, "no such model")
	}
	return theModel, nil
}

var theModel = model.Offer{Model: model.Model{ID: "m1", DisplayName: "一号", Enabled: true, Capabilities: model.Capabilities{Documents: true}}, Kind: model.KindOpenAI, Classes: []classification.Class{classification.None}}

func inBoth(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	dbtest.Run(t, func(t *testing.T, d *db.DB) { test(t, open(t, d)) })
}

func open(t *testing.T, d *db.DB) *fixture {
	t.Helper()
	f := &fixture{t: t, db: d, model: &echo{says: "答え"}, clock: time.Date(2026, time.November, 22, 1, 0, 0, 0, time.UTC)}
	now := func() time.Time { return f.clock }
	f.audit = audit.New(d, time.Now)
	f.groups = access.NewGroups(d, f.audit, access.NewCharts(d, time.Now), time.Now)
	f.chat = chat.New(chat.Options{
		DB: d, Files: blob.New(d, secret.New(secrettest.NewKey(t)), time.Now), Invoker: f.model, Models: offers{}, Audit: f.audit, Log: slog.New(slog.DiscardHandler), Now: time.Now, NodeID: "n",
		FlushEvery: 10 * time.Millisecond, MaxAttachmentBytes: 1 << 20,
	})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { _ = f.chat.Run(ctx); close(done) }()
	t.Cleanup(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		f.chat.Drain(ended)
		stop()
		<-done
	})
	f.Service = share.New(d, f.chat, f.audit, now)
	f.admin = f.person("管理者", access.Administrator)
	return f
}

// person is a new account, and what it does.
func (f *fixture) person(name string, role access.RoleID, groupIDs ...string) context.Context {
	f.t.Helper()
	id := db.NewID()
	_, err := f.db.ExecContext(f.t.Context(), `
	INSERT INTO accounts (id, email, name, search_key, password_hash, created_at, updated_at)
	VALUES ($1, $2, $3, $4, '', 0, 0)`, id, id+"@example.jp", name, strings.ToLower(name)+"\n"+id+"@example.jp")
	if err != nil {
		f.t.Fatal(err)
	}
	if len(groupIDs) > 0 {
		f.join(id, groupIDs...)
	}
	return access.WithPrincipal(f.t.Context(), access.Principal{AccountID: id, Rights: access.Rights(role), GroupIDs: groupIDs, SessionID: "s"})
}

func (f *fixture) join(account string, groupIDs ...string) {
	f.t.Helper()
	for _, g := range groupIDs {
		if err := f.groups.AddMembers(f.admin, g, account); err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *fixture) group(name string) string {
	f.t.Helper()
	g, err := f.groups.Create(f.admin, name, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return g.ID
}

func idOf(ctx context.Context) string {
	p, _ := access.From(ctx)
	return p.AccountID
}

func (f *fixture) disable(ctx context.Context, disabled bool) {
	f.t.Helper()
	if _, err := f.db.ExecContext(f.t.Context(), `UPDATE accounts SET disabled = $1 WHERE id = $2`, disabled, idOf(ctx)); err != nil {
		f.t.Fatal(err)
	}
}

// begins asks in a new conversation and waits for the answer.
func (f *fixture) begins(ctx context.Context, text string, files ...string) chat.Started {
	f.t.Helper()
	begun, err := f.chat.Create(ctx, chat.NewConversation{SystemPrompt: "内緒の指示", Turn: chat.Turn{Text: text, AttachmentIDs: files}})
	return f.answered(ctx, begun, err)
}

func (f *fixture) says(ctx context.Context, conversation, text string) chat.Started {
	f.t.Helper()
	begun, err := f.chat.Send(ctx, conversation, chat.Turn{Text: text}, chat.Change{}, chat.BusyRefuse)
	return f.answered(ctx, begun, err)
}

func (f *fixture) answered(ctx context.Context, begun chat.Started, err error) chat.Started {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
	events, err := f.chat.Follow(ctx, begun.Answers[0].RunID, "")
	if err != nil {
		f.t.Fatal(err)
	}
	for _, err := range events {
		if err != nil {
			f.t.Fatal(err)
		}
	}
	return begun
}

func (f *fixture) file(ctx context.Context, text string) string {
	f.t.Helper()
	a, err := f.chat.Attach(ctx, chat.Upload{Name: "memo.txt", MediaType: "text/plain", Data: []byte(text)})
	if err != nil {
		f.t.Fatal(err)
	}
	return a.ID
}

func (f *fixture) shares(ctx context.Context, conversation string, d share.Draft) share.Share {
	f.t.Helper()
	sh, err := f.Create(ctx, conversation, d)
	if err != nil {
		f.t.Fatal(err)
	}
	return sh
}

// shown returns the words of all that a share shows, in pages of two.
func (f *fixture) shown(ctx context.Context, id string) []string {
	f.t.Helper()
	var words []string
	before := ""
	for {
		_, page, err := f.Messages(ctx, id, before, 2)
		if err != nil {
			f.t.Fatal(err)
		}
		words = append(wordsOf(page.Items), words...)
		if before = page.Previous; before == "" {
			return words
		}
	}
}

func wordsOf(messages []chat.Message) (words []string) {
	for _, m := range messages {
		text := ""
		for _, p := range m.Parts {
			text += p.Text
		}
		words = append(words, text)
	}
	return words
}

// fileIn is the first file of what a share shows.
func (f *fixture) fileIn(ctx context.Context, id string) string {
	f.t.Helper()
	_, page, err := f.Messages(ctx, id, "", 0)
	if err != nil {
		f.t.Fatal(err)
	}
	return page.Items[0].Parts[0].AttachmentID
}

// gone reports whether every way to read a share is closed to a person as if
// there were none.
func (f *fixture) gone(ctx context.Context, id, file string) error {
	_, _, share := f.Share(ctx, id)
	_, _, messages := f.Messages(ctx, id, "", 0)
	_, _, content := f.File(ctx, id, file)
	_, copied := f.Copy(ctx, id, false)
	var open []error
	for name, err := range map[string]error{"share": share, "messages": messages, "file": content, "copy": copied} {
		if errs.CodeOf(err) != errs.NotFound {
			open = append(open, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(open...)
}

// listed returns the ids of a list, newest first, in pages of two.
func (f *fixture) listed(ctx context.Context, scope share.Scope) []string {
	f.t.Helper()
	found, token := []string{}, ""
	for {
		page, err := f.Lists(ctx, scope, token, 2)
		if err != nil {
			f.t.Fatal(err)
		}
		for _, l := range page.Items {
			found = append(found, l.ID)
		}
		if token = page.Next; token == "" {
			return found
		}
	}
}

func TestASnapshotStaysAndWhatIsLiveGoesOn(t *testing.T) {
	inBoth(t, func(t *testing.T, f *fixture) {
		anna, ben := f.person("anna", access.Member), f.person("ben", access.Member)
		first := f.begins(anna, "問い")
		id := first.Conversation.ID
		with := []string{idOf(ben)}
		still := f.shares(anna, id, share.Draft{AccountIDs: with, WithSystem: true})
		live := f.shares(anna, id, share.Draft{AccountIDs: with, WithSystem: true, Live: true})
		title := still.Title

		f.model.answers("次の答え", false)
		f.says(anna, id, "次の問い")
		named, prompt := "新しい題", "新しい指示"
		if _, err := f.chat.Update(anna, id, chat.Change{Title: &named, SystemPrompt: &prompt}); err != nil {
			t.Fatal(err)
		}
		old := []string{"問い", "答え"}
		if got := f.shown(ben, still.ID); !slices.Equal(got, old) {
			t.Errorf("the snapshot after another turn: %q", got)
		}
		if got := f.shown(ben, live.ID); !slices.Equal(got, []string{"問い", "答え", "次の問い", "次の答え"}) {
			t.Errorf("the live one after another turn: %q", got)
		}
		f.model.answers("別の答え", false)
		edited, err := f.chat.Edit(anna, id, first.User.ID, chat.Turn{Text: "別の問い"})
		f.answered(anna, edited, err)
		if got := f.shown(ben, still.ID); !slices.Equal(got, old) {
			t.Errorf("the snapshot after an edit: %q", got)
		}
		if got := f.shown(ben, live.ID); !slices.Equal(got, []string{"別の問い", "別の答え"}) {
			t.Errorf("the live one after an edit: %q", got)
		}
		for sh, want := range map[string]struct{ title, system string }{still.ID: {title, "内緒の指示"}, live.ID: {named, prompt}} {
			seen, _, err := f.Share(ben, sh)
			if err != nil || seen.Title != want.title {
				t.Errorf("title %q, %v; want %q", seen.Title, err, want.title)
			}
			mine, err := f.Copy(ben, sh, true)
			if err != nil || mine.SystemPrompt != want.system || mine.Title != want.title || mine.OwnerID != idOf(ben) {
				t.Errorf("copy: %+v, %v; want %+v", mine, err, want)
			}
		}
		// What is not on the branch that is shown cannot be asked for.
		if _, _, err := f.Messages(ben, still.ID, edited.User.ID, 2); errs.CodeOf(err) != errs.InvalidInput {
			t.Errorf("a page before a message of another branch: %v", err)
		}
	})
}

func TestASnapshotKeepsAnEndThatGoesOn(t *testing.T) {
	inBoth(t, func(t *testing.T, f *fixture) {
		anna, ben := f.person("anna", access.Member), f.person("ben", access.Member)
		f.model.answers("前半", true)
		id := f.begins(anna, "問い").Conversation.ID
		still := f.shares(anna, id, share.Draft{AccountIDs: []string{idOf(ben)}})
		live := f.shares(anna, id, share.Draft{AccountIDs: []string{idOf(ben)}, Live: true})
		f.model.answers("後半", false)
		more, err := f.chat.Continue(anna, id, "")
		f.answered(anna, more, err)
		if got := f.shown(ben, still.ID); !slices.Equal(got, []string{"問い", "前半"}) {
			t.Errorf("the snapshot: %q", got)
		}
		if got := f.shown(ben, live.ID); !slices.Equal(got, []string{"問い", "前半後半"}) {
			t.Errorf("the live one: %q", got)
		}
		mine, err := f.Copy(ben, still.ID, false)
		if err != nil {
			t.Fatal(err)
		}
		page, err := f.chat.Messages(ben, mine.ID, "", "", 0)
		if got := wordsOf(page.Items); err != nil || !slices.Equal(got, []string{"問い", "前半"}) || page.Items[1].Status != chat.StatusFailed {
			t.Errorf("the copy: %q, %v", got, err)
		}
	})
}

func TestOnlyThoseChosenSeeIt(t *testing.T) {
	inBoth(t, func(t *testing.T, f *fixture) {
		sales, tax := f.group("営業課"), f.group("税務課")
		anna := f.person("anna", access.Member, sales)
		ben, chie, dan := f.person("ben", access.Member), f.person("chie", access.Member, sales), f.person("dan", access.Member, tax)
		file := f.file(anna, "覚え書き")
		id := f.begins(anna, "問い", file).Conversation.ID
		toBen := f.shares(anna, id, share.Draft{AccountIDs: []string{idOf(ben), idOf(ben)}})
		toSales := f.shares(anna, id, share.Draft{GroupIDs: []string{sales}})
		toAll := f.shares(anna, id, share.Draft{Everyone: true})
		toNobody := f.shares(anna, id, share.Draft{})
		file = f.fileIn(anna, toBen.ID)
		for _, tt := range []struct {
			who  string
			ctx  context.Context
			sees []share.Share
		}{
			{"ben", ben, []share.Share{toBen, toAll}},
			{"chie", chie, []share.Share{toSales, toAll}},
			{"dan", dan, []share.Share{toAll}},
			{"an administrator", f.admin, []share.Share{toAll}},
			{"the owner", anna, []share.Share{toBen, toSales, toAll, toNobody}},
		} {
			for _, sh := range []share.Share{toBen, toSales, toAll, toNobody} {
				sees := slices.ContainsFunc(tt.sees, func(one share.Share) bool { return one.ID == sh.ID })
				if !sees {
					if err := f.gone(tt.ctx, sh.ID, file); err != nil {
						t.Errorf("%s reaches %s: %v", tt.who, sh.ID, err)
					}
				} else if _, data, err := f.File(tt.ctx, sh.ID, file); err != nil || string(data) != "覚え書き" {
					t.Errorf("%s reads the file: %q, %v", tt.who, data, err)
				}
				if _, err := f.Update(tt.ctx, sh.ID, share.Change{}); tt.who != "the owner" && errs.CodeOf(err) != errs.NotFound {
					t.Errorf("%s changes it: %v", tt.who, err)
				}
				if err := f.Revoke(tt.ctx, sh.ID); tt.who != "the owner" && errs.CodeOf(err) != errs.NotFound {
					t.Errorf("%s ends it: %v", tt.who, err)
				} else if tt.who == "the owner" && err != nil {
					t.Errorf("the owner ends it: %v", err)
				}
			}
		}
	})
}

func TestAFileOutsideWhatIsShownIsNotGiven(t *testing.T) {
	inBoth(t, func(t *testing.T, f *fixture) {
		anna, ben := f.person("anna", access.Member), f.person("ben", access.Member)
		id := f.begins(anna, "問い").Conversation.ID
		still := f.shares(anna, id, share.Draft{AccountIDs: []string{idOf(ben)}})
		live := f.shares(anna, id, share.Draft{AccountIDs: []string{idOf(ben)}, Live: true})
		later := f.file(anna, "後のもの")
		begun, err := f.chat.Send(anna, id, chat.Turn{Text: "後で", AttachmentIDs: []string{later}}, chat.Change{}, chat.BusyRefuse)
		f.answered(anna, begun, err)
		unsent, other := f.file(anna, "まだ送らない"), f.file(anna, "別の会話のもの")
		f.begins(anna, "別の会話", other)
		if _, data, err := f.File(ben, live.ID, later); err != nil || string(data) != "後のもの" {
			t.Errorf("of the live one: %q, %v", data, err)
		}
		for name, args := range map[string][2]string{
			"what came after the snapshot": {still.ID, later}, "what is not sent": {live.ID, unsent}, "of another conversation": {live.ID, other},
			"nothing": {live.ID, ""}, "no id": {live.ID, "%"},
		} {
			if _, _, err := f.File(ben, args[0], args[1]); errs.CodeOf(err) != errs.NotFound {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestASharingEnds(t *testing.T) {
	inBoth(t, func(t *testing.T, f *fixture) {
		tax := f.group("税務課")
		anna, ben := f.person("anna", access.Member, tax), f.person("ben", access.Member, tax)
		member, _ := access.From(ben)
		member.GroupIDs = nil
		left := access.WithPrincipal(t.Context(), member)
		for _, tt := range []struct {
			name  string
			draft share.Draft
			end   func(id string, sh share.Share) error
			undo  func() // it can be seen again after it
		}{
			{name: "taken back", end: func(_ string, sh share.Share) error { return f.Revoke(anna, sh.ID) }},
			{
				name: "at its time", draft: share.Draft{ExpiresAt: f.clock.Add(time.Hour)},
				end: func(string, share.Share) error { f.clock = f.clock.Add(time.Hour); return nil },
			},
			{name: "with its conversation", end: func(id string, _ share.Share) error { return f.chat.Delete(anna, id) }},
			{
				name: "with the account of its owner", end: func(string, share.Share) error { f.disable(anna, true); return nil },
				undo: func() { f.disable(anna, false) },
			},
			{
				name: "for who is no longer chosen",
				end: func(_ string, sh share.Share) error {
					_, err := f.Update(anna, sh.ID, share.Change{AccountIDs: new([]string)})
					return err
				},
			},
		} {
			tt.draft.AccountIDs = []string{idOf(ben)}
			id := f.begins(anna, "問い", f.file(anna, "覚え書き")).Conversation.ID
			sh := f.shares(anna, id, tt.draft)
			file := f.fileIn(anna, sh.ID)
			if _, _, err := f.File(ben, sh.ID, file); err != nil || !slices.Equal(f.listed(ben, share.ScopeShared), []string{sh.ID}) {
				t.Errorf("before it ends %s: %v", tt.name, err)
			}
			if err := tt.end(id, sh); err != nil {
				t.Fatal(err)
			}
			if err := f.gone(ben, sh.ID, file); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			if got := f.listed(ben, share.ScopeShared); len(got) != 0 {
				t.Errorf("%s: still listed: %q", tt.name, got)
			}
			if tt.undo != nil {
				tt.undo()
				if _, _, err := f.Share(ben, sh.ID); err != nil {
					t.Errorf("%s, undone: %v", tt.name, err)
				}
				if err := f.Revoke(anna, sh.ID); err != nil {
					t.Fatal(err)
				}
			}
		}

		// Who leaves the group no longer sees what is the group's.
		id := f.begins(anna, "問い").Conversation.ID
		sh := f.shares(anna, id, share.Draft{GroupIDs: []string{tax}})
		if got := f.listed(ben, share.ScopeShared); !slices.Equal(got, []string{sh.ID}) {
			t.Errorf("of the group: %q", got)
		}
		if err := f.groups.RemoveMembers(f.admin, tax, idOf(ben)); err != nil {
			t.Fatal(err)
		}
		if err := f.gone(left, sh.ID, ""); err != nil || len(f.listed(left, share.ScopeShared)) != 0 {
			t.Errorf("after leaving: %v", err)
		}
	})
}

func TestAListMarksWhatOneShares(t *testing.T) {
	inBoth(t, func(t *testing.T, f *fixture) {
		anna, ben := f.person("anna", access.Member), f.person("ben", access.Member)
		var ids []string
		for range 5 {
			ids = append(ids, f.begins(anna, "問い").Conversation.ID)
		}
		live := f.shares(anna, ids[0], share.Draft{Live: true, Everyone: true})
		f.shares(anna, ids[0], share.Draft{AccountIDs: []string{idOf(ben)}}) // twice
		f.shares(anna, ids[1], share.Draft{Everyone: true, ExpiresAt: f.clock.Add(time.Hour)})
		revoked := f.shares(anna, ids[2], share.Draft{Everyone: true})
		if err := f.Revoke(anna, revoked.ID); err != nil {
			t.Fatal(err)
		}
		f.shares(anna, ids[4], share.Draft{Everyone: true}) // on another page
		marked := func(who context.Context) map[string]bool {
			t.Helper()
			got, err := f.Among(who, ids[:4])
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		if diff := cmp.Diff(map[string]bool{ids[0]: true, ids[1]: true}, marked(anna)); diff != "" {
			t.Errorf("hers (-want +got):\n%s", diff)
		}
		if got := marked(ben); len(got) != 0 {
			t.Errorf("another's are marked: %v", got)
		}
		f.clock = f.clock.Add(time.Hour)
		if err := f.Revoke(anna, live.ID); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]bool{ids[0]: true}, marked(anna)); diff != "" {
			t.Errorf("later (-want +got):\n%s", diff)
		}
		if got, err := f.Among(anna, nil); err != nil || len(got) != 0 {
			t.Errorf("of an empty page: %v, %v", got, err)
		}
		if _, err := f.Among(t.Context(), ids); errs.CodeOf(err) != errs.Unauthenticated {
			t.Errorf("nobody: %v", err)
		}
	})
}

func TestWhoHasSeenItIsTheOwnersToKnow(t *testing.T) {
	inBoth(t, func(t *testing.T, f *fixture) {
		anna, ben, chie := f.person("anna", access.Member), f.person("ben", access.Member), f.person("chie", access.Member)
		id := f.begins(anna, "問い").Conversation.ID
		sh := f.shares(anna, id, share.Draft{AccountIDs: []string{idOf(ben), idOf(chie)}, Live: true})
		begun := f.clock
		f.shown(anna, sh.ID) // the owner's own looks are not told
		for _, wait := range []time.Duration{0, 30 * time.Second, 20 * time.Minute, 29 * time.Minute, 31 * time.Minute} {
			f.clock = f.clock.Add(wait)
			f.shown(ben, sh.ID)
		}
		last := f.clock
		f.clock = f.clock.Add(time.Hour)
		f.shown(chie, sh.ID)
		got, views, err := f.Share(anna, sh.ID)
		if err != nil || got.Viewers != 2 {
			t.Fatalf("%+v, %v", got, err)
		}
		want := []share.View{{idOf(ben), "ben", begun, last, 2}, {idOf(chie), "chie", f.clock, f.clock, 1}}
		if diff := cmp.Diff(want, views); diff != "" {
			t.Errorf("who has seen it (-want +got):\n%s", diff)
		}
		seen, page, err := f.Messages(ben, sh.ID, "", 0)
		if err != nil || seen.Viewers != 0 || seen.People != nil || len(page.Items) != 2 {
			t.Errorf("to a viewer: %+v, %v", seen, err)
		}
		if seen, views, err = f.Share(ben, sh.ID); err != nil || seen.Viewers != 0 || seen.People != nil || views != nil {
			t.Errorf("to a viewer: %+v, %v, %v", seen, views, err)
		}
		actions := map[string]int{}
		events, err := f.audit.List(t.Context(), audit.Filter{Action: "share.", Limit: 50})
		for _, e := range events.Items {
			actions[e.Action]++
			if e.Resource.ID != sh.ID || e.Details["conversation_id"] != id {
				t.Errorf("event %+v", e)
			}
		}
		if diff := cmp.Diff(map[string]int{"share.create": 1, "share.view": 2}, actions); err != nil || diff != "" {
			t.Errorf("events (-want +got):\n%s, %v", diff, err)
		}
	})
}

func TestACopyIsOnesOwn(t *testing.T) {
	inBoth(t, func(t *testing.T, f *fixture) {
		anna, ben := f.person("anna", access.Member), f.person("ben", access.Member)
		id := f.begins(anna, "問い", f.file(anna, "覚え書き")).Conversation.ID
		f.says(anna, id, "次の問い")
		with := []string{idOf(ben)}
		closed := f.shares(anna, id, share.Draft{AccountIDs: with})
		opened := f.shares(anna, id, share.Draft{AccountIDs: with, WithSystem: true})
		for _, tt := range []struct {
			name   string
			id     string
			wanted bool
			want   string
		}{
			{"not let go", closed.ID, true, ""},
			{"not wanted", opened.ID, false, ""},
			{"let go and wanted", opened.ID, true, "内緒の指示"},
		} {
			if c, err := f.Copy(ben, tt.id, tt.wanted); err != nil || c.SystemPrompt != tt.want {
				t.Errorf("instructions %s: %q, %v", tt.name, c.SystemPrompt, err)
			}
		}
		if c, err := f.Copy(anna, closed.ID, true); err != nil || c.SystemPrompt != "内緒の指示" {
			t.Errorf("the owner's own: %q, %v", c.SystemPrompt, err)
		}

		mine, err := f.Copy(ben, closed.ID, false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.chat.DeleteAll(anna); err != nil {
			t.Fatal(err)
		}
		for _, stmt := range []string{ // what the sweep does to what was deleted long ago
			`DELETE FROM attachments WHERE owner_id = $1`, `DELETE FROM conversations WHERE owner_id = $1`,
		} {
			if _, err := f.db.ExecContext(t.Context(), stmt, idOf(anna)); err != nil {
				t.Fatal(err)
			}
		}
		page, err := f.chat.Messages(ben, mine.ID, "", "", 0)
		if err != nil || len(page.Items) != 4 {
			t.Fatalf("the copy: %+v, %v", page, err)
		}
		a, data, err := f.chat.AttachmentContent(ben, page.Items[0].Parts[0].AttachmentID)
		if err != nil || string(data) != "覚え書き" || a.OwnerID != idOf(ben) {
			t.Errorf("its file: %q of %+v, %v", data, a, err)
		}
		f.says(ben, mine.ID, "続き")
		if _, err := f.chat.Messages(anna, mine.ID, "", "", 0); errs.CodeOf(err) != errs.NotFound {
			t.Errorf("the first owner reads the copy: %v", err)
		}
		events, err := f.audit.List(t.Context(), audit.Filter{Action: "share.copy", Limit: 50})
		if err != nil || len(events.Items) != 5 {
			t.Errorf("%d events, %v", len(events.Items), err)
		}
	})
}

func TestAListHasWhatIsForOneself(t *testing.T) {
	inBoth(t, func(t *testing.T, f *fixture) {
		sales := f.group("営業課")
		anna, ben, chie := f.person("anna", access.Member, sales), f.person("ben", access.Member, sales), f.person("chie", access.Member)
		one, two := f.begins(anna, "一つ目").Conversation, f.begins(anna, "二つ目").Conversation
		begin := func(c chat.Conversation, d share.Draft) string { return f.shares(anna, c.ID, d).ID }
		toBen := begin(one, share.Draft{AccountIDs: []string{idOf(ben)}})
		toBoth := begin(two, share.Draft{AccountIDs: []string{idOf(ben), idOf(chie)}, GroupIDs: []string{sales}, Live: true})
		toSales := begin(one, share.Draft{GroupIDs: []string{sales}})
		toAll := begin(one, share.Draft{Everyone: true})
		brief := begin(one, share.Draft{AccountIDs: []string{idOf(ben)}, ExpiresAt: f.clock.Add(time.Minute)})
		revoked := begin(one, share.Draft{AccountIDs: []string{idOf(ben)}})
		ofBen := f.shares(ben, f.begins(ben, "ben のもの").Conversation.ID, share.Draft{GroupIDs: []string{sales}}).ID
		if err := f.Revoke(anna, revoked); err != nil {
			t.Fatal(err)
		}
		check := func(when string, ctx context.Context, scope share.Scope, want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, f.listed(ctx, scope)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
		}
		check("anna's", anna, share.ScopeMine, brief, toAll, toSales, toBoth, toBen)
		check("with anna", anna, share.ScopeShared, ofBen)
		check("with ben", ben, share.ScopeShared, brief, toSales, toBoth, toBen)
		check("with chie", chie, share.ScopeShared, toBoth)
		f.shown(chie, toAll)
		f.clock = f.clock.Add(time.Minute)
		check("with chie, who has opened what is for everyone", chie, share.ScopeShared, toAll, toBoth)
		check("with ben, later", ben, share.ScopeShared, toSales, toBoth, toBen)
		check("anna's, later", anna, share.ScopeMine, toAll, toSales, toBoth, toBen)
		if _, err := f.Update(anna, toAll, share.Change{Everyone: new(bool)}); err != nil {
			t.Fatal(err)
		}
		check("with chie, when it is no longer for everyone", chie, share.ScopeShared, toBoth)

		page, err := f.Lists(anna, share.ScopeMine, toSales, 1)
		if err != nil || len(page.Items) != 1 || page.Next != toBoth {
			t.Fatalf("%+v, %v", page, err)
		}
		if l := page.Items[0]; !slices.Equal(l.Names, []string{"営業課", "ben", "chie"}) || l.Chosen != 3 || l.Title != two.Title || !l.Live() {
			t.Errorf("listed as %+v", l)
		}
		f.shown(ben, toBoth)
		page, err = f.Lists(ben, share.ScopeShared, toSales, 1)
		if err != nil || len(page.Items) != 1 || !page.Items[0].SeenAt.Equal(f.clock) || page.Items[0].OwnerName != "anna" {
			t.Errorf("%+v, %v", page, err)
		}
		if _, err := f.Lists(anna, share.ScopeMine, "x y", 1); errs.CodeOf(err) != errs.InvalidInput {
			t.Errorf("a token of nobody's: %v", err)
		}
		temporary, _ := access.From(ben)
		temporary.Pending = []access.Step{access.StepPasswordChange}
		if _, err := f.Lists(access.WithPrincipal(t.Context(), temporary), share.ScopeShared, "", 0); errs.CodeOf(err) != errs.PasswordChangeRequired {
			t.Errorf("with a temporary password: %v", err)
		}
		if _, err := f.Lists(t.Context(), share.ScopeShared, "", 0); errs.CodeOf(err) != errs.Unauthenticated {
			t.Errorf("as nobody: %v", err)
		}
	})
}

func TestWhoIsChosenMayStay(t *testing.T) {
	inBoth(t, func(t *testing.T, f *fixture) {
		sales, tax := f.group("営業課"), f.group("税務課")
		anna, ben, chie := f.person("anna", access.Member, sales), f.person("ben", access.Member), f.person("chie", access.Member)
		id := f.begins(anna, "問い").Conversation.ID
		for field, d := range map[string]share.Draft{
			"accountIds": {AccountIDs: []string{"nobody"}}, "groupIds": {GroupIDs: []string{tax}}, "expiresAt": {ExpiresAt: f.clock},
		} {
			var e *errs.Error
			if _, err := f.Create(anna, id, d); !errors.As(err, &e) || e.Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		sh := f.shares(anna, id, share.Draft{AccountIDs: []string{idOf(ben)}, GroupIDs: []string{sales}})
		f.disable(ben, true)
		principal, _ := access.From(anna)
		if err := f.groups.RemoveMembers(f.admin, sales, principal.AccountID); err != nil {
			t.Fatal(err)
		}
		principal.GroupIDs = nil
		anna = access.WithPrincipal(t.Context(), principal)
		accounts, groups := []string{idOf(ben), idOf(chie)}, []string{sales}
		got, err := f.Update(anna, sh.ID, share.Change{AccountIDs: &accounts, GroupIDs: &groups})
		if err != nil || len(got.People) != 2 || len(got.Groups) != 1 {
			t.Fatalf("one more: %+v, %v", got, err)
		}
		accounts, groups = accounts[1:], nil
		got, err = f.Update(anna, sh.ID, share.Change{AccountIDs: &accounts, GroupIDs: &groups})
		if err != nil || len(got.People) != 1 || got.People[0].ID != idOf(chie) || len(got.Groups) != 0 {
			t.Fatalf("fewer: %+v, %v", got, err)
		}
		accounts, groups = []string{idOf(ben)}, []string{sales}
		for _, ch := range []share.Change{{AccountIDs: &accounts}, {GroupIDs: &groups}} {
			if _, err := f.Update(anna, sh.ID, ch); errs.CodeOf(err) != errs.InvalidInput {
				t.Errorf("chosen anew: %v", err)
			}
		}
	})
}

func TestWhatHasEndedDoesNotCount(t *testing.T) {
	inBoth(t, func(t *testing.T, f *fixture) {
		anna := f.person("anna", access.Member)
		id := f.begins(anna, "問い").Conversation.ID
		brief := share.Draft{Everyone: true, ExpiresAt: f.clock.Add(time.Minute)}
		for range 100 {
			f.shares(anna, id, brief)
		}
		if _, err := f.Create(anna, id, brief); errs.CodeOf(err) != errs.ResourceExceeded {
			t.Errorf("one more than there may be: %v", err)
		}
		f.clock = f.clock.Add(time.Minute)
		f.shares(anna, id, share.Draft{Everyone: true})
	})
}

func TestPeopleAreFoundByName(t *testing.T) {
	inBoth(t, func(t *testing.T, f *fixture) {
		sales, tax := f.group("営業課"), f.group("税務課")
		anna := f.person("anna", access.Member, sales)
		for i := range 30 {
			f.person(fmt.Sprintf("aa%02d", i), access.Member)
		}
		ben := f.person("比企 example", access.Member, tax)
		gone := f.person("比企 停止", access.Member)
		f.disable(gone, true)
		for search, want := range map[string][]string{"比企": {"比企 example"}, "ＥＸＡＭＰＬＥ": {"比企 example"}, "example.jp": {}, "anna": {}, "%": {}, "": {}} {
			people, _, err := f.People(anna, search)
			names := []string{}
			for _, p := range people {
				names = append(names, p.Name)
			}
			if diff := cmp.Diff(want, names); diff != "" || err != nil {
				t.Errorf("%q (-want +got):\n%s, %v", search, diff, err)
			}
		}
		people, groups, err := f.People(anna, "課")
		if err != nil || len(people) != 0 || len(groups) != 1 || groups[0].ID != sales {
			t.Errorf("a member finds %+v, %v", groups, err)
		}
		if people, groups, err = f.People(f.admin, "税"); err != nil || len(people) != 0 || len(groups) != 1 || groups[0].ID != tax {
			t.Errorf("an administrator finds %+v, %v", groups, err)
		}
		if people, _, err = f.People(anna, "企"); err != nil || people[0].ID != idOf(ben) || !slices.Equal(people[0].Groups, []string{"税務課"}) {
			t.Errorf("found %+v, %v", people, err)
		}
	})
}
