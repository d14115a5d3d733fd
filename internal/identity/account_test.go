package identity

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
)

func TestAnAdministratorLetsSomebodyIn(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin := h.setUp()
		g, err := h.groups.Create(as(t, admin), "税務課", nil)
		if err != nil {
			t.Fatal(err)
		}
		a, temporary, err := h.CreateAccount(as(t, admin), NewAccount{
			Email: "Ｙａｍａｄａ＠example.jp", Name: " 山田　太郎 ", GroupIDs: []string{g.ID},
		})
		if err != nil {
			t.Fatal(err)
		}
		if a.Email != "yamada@example.jp" || a.Name != "山田 太郎" || !a.MustChangePassword || !a.LastSignedInAt.IsZero() || !cmp.Equal(a.Facts.GroupIDs, []string{g.ID}) {
			t.Errorf("created %+v", a)
		}
		read, err := h.Account(as(t, admin), a.ID)
		if diff := cmp.Diff(a, read); diff != "" || err != nil {
			t.Errorf("Account differs from what CreateAccount returned (-created +read): %v\n%s", err, diff)
		}
		in := h.signIn("yamada@example.jp", temporary)
		if p, _, err := h.Authenticate(t.Context(), in.Token); err != nil || !cmp.Equal(p.GroupIDs, []string{g.ID}) {
			t.Errorf("Authenticate = %+v, %v, want a member of the group", p, err)
		}
		events := h.events(auditAccountCreate)
		if len(events) != 1 || events[0].ActorID != admin.Account.ID || events[0].Resource.ID != a.ID {
			t.Errorf("audit events %+v, want one by the administrator", events)
		}
	})
}

func TestWhichAccountsAreRefused(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin := h.setUp()
		good := NewAccount{Email: "yamada@example.jp", Name: "山田"}
		for name, tt := range map[string]struct {
			change func(*NewAccount)
			code   errs.Code
		}{
			"a taken e-mail in other letters": {func(n *NewAccount) { n.Email = "ADMIN@EXAMPLE.JP" }, errs.EmailTaken},
			"no e-mail":                       {func(n *NewAccount) { n.Email = "" }, errs.InvalidInput},
			"no name":                         {func(n *NewAccount) { n.Name = "\u200b" }, errs.InvalidInput},
			"an unknown role":                 {func(n *NewAccount) { n.Roles = held("root") }, errs.InvalidInput},
			"a unit that there is not":        {func(n *NewAccount) { n.Posts = []access.Post{{UnitID: db.NewID()}} }, errs.InvalidInput},
			"no day on which it is valid":     {func(n *NewAccount) { n.Valid = access.Span{StartsAt: 5, EndsAt: 5} }, errs.InvalidInput},
			"an unknown group":                {func(n *NewAccount) { n.GroupIDs = []string{db.NewID()} }, errs.NotFound},
		} {
			bad := good
			tt.change(&bad)
			want(t, name, third(h.CreateAccount(as(t, admin), bad)), tt.code)
		}
		if counts, err := h.AccountCounts(as(t, admin)); err != nil || counts != (AccountCounts{Total: 1, Active: 1, Administrators: 1}) {
			t.Errorf("AccountCounts = %+v, %v, want the administrator alone", counts, err)
		}
	})
}

func TestOfRacingAccountsWithOneEmailOneIsMade(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin := h.setUp()
		results := make([]error, 8)
		var wg sync.WaitGroup
		for i := range results {
			wg.Go(func() {
				_, _, results[i] = h.CreateAccount(as(t, admin), NewAccount{Email: "yamada@example.jp", Name: "山田"})
			})
		}
		wg.Wait()
		made := 0
		for _, err := range results {
			if err == nil {
				made++
			} else {
				want(t, "CreateAccount", err, errs.EmailTaken)
			}
		}
		if made != 1 {
			t.Errorf("%d accounts were made, want 1", made)
		}
	})
}

func TestOnlyAdministratorsManageAccounts(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin := h.setUp()
		member := h.person(admin, "yamada@example.jp", access.Member)
		before := len(h.events(""))
		for who, tt := range map[string]struct {
			ctx  context.Context
			code errs.Code
		}{"a member": {as(t, member), errs.Forbidden}, "nobody": {t.Context(), errs.Unauthenticated}} {
			for _, id := range []string{admin.Account.ID, member.Account.ID, db.NewID()} { // never says which exist
				for name, err := range map[string]error{
					"CreateAccount":      third(h.CreateAccount(tt.ctx, NewAccount{Email: "x@example.jp", Name: "x", Roles: held(access.Administrator)})),
					"Accounts":           second(h.Accounts(tt.ctx, AccountFilter{})),
					"AccountCounts":      second(h.AccountCounts(tt.ctx)),
					"Account":            second(h.Account(tt.ctx, id)),
					"UpdateAccount":      second(h.UpdateAccount(tt.ctx, id, AccountChange{Roles: new(held(access.Administrator))})),
					"ResetPassword":      second(h.ResetPassword(tt.ctx, id)),
					"AccountSessions":    second(h.AccountSessions(tt.ctx, id)),
					"EndAccountSession":  h.EndAccountSession(tt.ctx, id, admin.Session.ID),
					"EndAccountSessions": second(h.EndAccountSessions(tt.ctx, id)),
				} {
					want(t, name+" as "+who, err, tt.code)
				}
			}
		}
		h.authenticates("the administrator", admin.Token, true)
		if after := len(h.events("")); after != before {
			t.Errorf("%d acts are on record, want none", after-before)
		}
	})
}

func TestADisabledAccountIsOutAtOnce(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin := h.setUp()
		member := h.person(admin, "yamada@example.jp", access.Member)
		id := member.Account.ID
		changed, stop := d.Subscribe(access.Changed)
		defer stop()
		a, err := h.UpdateAccount(as(t, admin), id, AccountChange{Disabled: new(true)})
		if err != nil || !a.Disabled {
			t.Fatalf("UpdateAccount = %+v, %v, want it disabled", a, err)
		}
		if got := <-changed; got != id {
			t.Errorf("announced %q, want %q", got, id)
		}
		h.authenticates("the disabled account", member.Token, false)
		want(t, "SignIn", second(h.SignIn(t.Context(), "yamada@example.jp", ownPassword, Client{})), errs.SignInFailed)
		if counts, err := h.AccountCounts(as(t, admin)); err != nil || counts != (AccountCounts{Total: 2, Active: 1, Disabled: 1, Administrators: 1}) {
			t.Errorf("AccountCounts = %+v, %v", counts, err)
		}
		if _, err := h.UpdateAccount(as(t, admin), id, AccountChange{Disabled: new(false)}); err != nil {
			t.Fatal(err)
		}
		h.authenticates("a session from before", member.Token, false)
		h.signIn("yamada@example.jp", ownPassword)
		if e := h.events(auditAccountDisable); len(e) != 1 || e[0].Details["sessions_ended"] != "1" {
			t.Errorf("audit events %+v, want one disabling that ended a session", e)
		}
		if e := h.events(auditAccountEnable); len(e) != 1 {
			t.Errorf("audit events %+v, want one enabling", e)
		}
	})
}

func TestAChangeOfRoleCountsAtTheNextRequest(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin := h.setUp()
		member := h.person(admin, "yamada@example.jp", access.Member)
		a, err := h.UpdateAccount(as(t, admin), member.Account.ID, AccountChange{Roles: new(held(access.Administrator)), Name: new("山田部長")})
		if err != nil || len(a.Facts.Roles) != 1 || a.Facts.Roles[0].RoleID != access.Administrator || a.Name != "山田部長" {
			t.Fatalf("UpdateAccount = %+v, %v", a, err)
		}
		if p, _, err := h.Authenticate(t.Context(), member.Token); err != nil || !holds(p, access.Administrator) {
			t.Errorf("Authenticate = %+v, %v, want an administrator", p, err)
		}
		e := h.events(auditAccountUpdate)
		if len(e) != 1 || e[0].Details["name_to"] != "山田部長" {
			t.Errorf("audit events %+v, want one with the name", e)
		}
		if _, err := h.UpdateAccount(as(t, admin), member.Account.ID, AccountChange{Name: new("山田部長"), Disabled: new(false)}); err != nil {
			t.Fatal(err)
		}
		if n := len(h.events(auditAccountUpdate)); n != 1 {
			t.Errorf("a change of nothing is on record (%d events)", n)
		}
		for _, id := range []string{db.NewID(), "", "\x00"} {
			want(t, "UpdateAccount of nobody", second(h.UpdateAccount(as(t, admin), id, AccountChange{})), errs.NotFound)
			want(t, "Account of nobody", second(h.Account(as(t, admin), id)), errs.NotFound)
			want(t, "ResetPassword of nobody", second(h.ResetPassword(as(t, admin), id)), errs.NotFound)
			want(t, "AccountSessions of nobody", second(h.AccountSessions(as(t, admin), id)), errs.NotFound)
			want(t, "EndAccountSessions of nobody", second(h.EndAccountSessions(as(t, admin), id)), errs.NotFound)
		}
	})
}

func TestTheLastAdministratorStays(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin := h.setUp()
		me := admin.Account.ID
		refused := func(what string) {
			t.Helper()
			want(t, "disabling, "+what, second(h.UpdateAccount(as(t, admin), me, AccountChange{Disabled: new(true)})), errs.LastAdministrator)
			want(t, "demoting, "+what, second(h.UpdateAccount(as(t, admin), me, AccountChange{Roles: new(held(access.Member))})), errs.LastAdministrator)
			h.authenticates("the administrator", admin.Token, true)
		}
		refused("alone")
		h.person(admin, "member@example.jp", access.Member)
		other, temporary := h.newcomer(admin, "other@example.jp", access.Administrator)
		refused("beside one who has never signed in")
		h.settle("other@example.jp", temporary)
		if _, err := h.UpdateAccount(as(t, admin), other.ID, AccountChange{Disabled: new(true)}); err != nil {
			t.Fatal(err)
		}
		refused("beside one who is disabled")
		if _, err := h.UpdateAccount(as(t, admin), other.ID, AccountChange{Disabled: new(false)}); err != nil {
			t.Fatal(err)
		}
		colleague := h.signIn("other@example.jp", ownPassword)
		if _, err := h.UpdateAccount(as(t, colleague), me, AccountChange{Roles: new(held(access.Member))}); err != nil {
			t.Errorf("demoting one of two: %v", err)
		}
	})
}

func TestOfTwoAdministratorsWhoDisableEachOtherOneStays(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		a := h.setUp()
		b := h.person(a, "b@example.jp", access.Administrator)
		for round := range 5 {
			results := make([]error, 2)
			var wg sync.WaitGroup
			wg.Go(func() { _, results[0] = h.UpdateAccount(as(t, a), b.Account.ID, AccountChange{Disabled: new(true)}) })
			wg.Go(func() {
				_, results[1] = h.UpdateAccount(as(t, b), a.Account.ID, AccountChange{Roles: new(held(access.Member))})
			})
			wg.Wait()
			counts, err := selectAccountCounts(t.Context(), d, access.Principal{AccountID: "a", Rights: access.Rights(access.Administrator)}, time.Now())
			if err != nil || counts.Administrators != 1 || (results[0] == nil) == (results[1] == nil) {
				t.Fatalf("round %d: %+v remain after %v and %v, want one administrator and one refusal (%v)", round, counts, results[0], results[1], err)
			}
			winner, loser := a, b
			if results[1] == nil {
				winner, loser = b, a
			}
			change := AccountChange{Disabled: new(false), Roles: new(held(access.Administrator))}
			if _, err := h.UpdateAccount(as(t, winner), loser.Account.ID, change); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestResettingAPassword(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin := h.setUp()
		member := h.person(admin, "yamada@example.jp", access.Member)
		want(t, "one's own", second(h.ResetPassword(as(t, admin), admin.Account.ID)), errs.Forbidden)
		temporary, err := h.ResetPassword(as(t, admin), member.Account.ID)
		if err != nil {
			t.Fatal(err)
		}
		h.authenticates("a session from before", member.Token, false)
		want(t, "the password before", second(h.SignIn(t.Context(), "yamada@example.jp", ownPassword, Client{})), errs.SignInFailed)
		if in := h.signIn("yamada@example.jp", temporary); !in.Account.MustChangePassword {
			t.Error("the temporary password need not be changed")
		}
		if e := h.events(auditPasswordReset); len(e) != 1 || e[0].ActorID != admin.Account.ID || e[0].Details["sessions_ended"] != "1" {
			t.Errorf("audit events %+v, want one by the administrator", e)
		}
	})
}

func TestAccountsAreListedAndFound(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin := h.setUp()
		g, err := h.groups.Create(as(t, admin), "税務課", nil)
		if err != nil {
			t.Fatal(err)
		}
		all := []string{adminEmail}
		var inGroup []string
		for i := range 7 {
			n := NewAccount{Email: fmt.Sprintf("person%d@example.jp", i), Name: fmt.Sprintf("Person １００%% %d", i)}
			if i%2 == 0 {
				n.GroupIDs = []string{g.ID}
				inGroup = append(inGroup, n.Email)
			}
			a, _, err := h.CreateAccount(as(t, admin), n)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, a.Email)
			if i == 6 {
				if _, err := h.UpdateAccount(as(t, admin), a.ID, AccountChange{Disabled: new(true), Name: new("ﾔﾏﾀﾞ")}); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, tt := range []struct {
			name   string
			filter AccountFilter
			want   []string
		}{
			{"everybody", AccountFilter{}, all},
			{"everybody, one to a page", AccountFilter{Limit: 1}, all},
			{"everybody, in pages that come out even", AccountFilter{Limit: 4}, all},
			{"part of an e-mail", AccountFilter{Search: "PERSON3@"}, all[4:5]},
			{"part of a name in another width", AccountFilter{Search: "ヤマダ"}, all[7:]},
			{"a wildcard", AccountFilter{Search: "100% 4"}, all[5:6]},
			{"a wildcard nobody has", AccountFilter{Search: "person_"}, nil},
			{"administrators", AccountFilter{RoleID: access.Administrator}, all[:1]},
			{"disabled", AccountFilter{Status: StatusDisabled}, all[7:]},
			{"a group", AccountFilter{GroupID: g.ID, Limit: 2}, inGroup},
			{"a group that cannot be", AccountFilter{GroupID: "\x00"}, nil},
		} {
			t.Run(tt.name, func(t *testing.T) {
				var got []string
				f := tt.filter
				for {
					page, err := h.Accounts(as(t, admin), f)
					if err != nil {
						t.Fatal(err)
					}
					for _, a := range page.Items {
						got = append(got, a.Email)
					}
					if f.PageToken = page.NextPageToken; f.PageToken == "" {
						break
					}
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("found (-want +got):\n%s", diff)
				}
			})
		}
		for name, f := range map[string]AccountFilter{
			"page token": {PageToken: "%"}, "page token with a NUL": {PageToken: "AA"}, "status": {Status: "x"},
		} {
			want(t, name, second(h.Accounts(as(t, admin), f)), errs.InvalidInput)
		}
	})
}

func TestPeopleRenameThemselves(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin := h.setUp()
		h.pass(time.Second)
		a, err := h.Rename(as(t, admin), " 山田　花子 ")
		if err != nil || a.Name != "山田 花子" || !a.UpdatedAt.Equal(h.now()) {
			t.Fatalf("Rename = %+v, %v", a, err)
		}
		page, err := h.Accounts(as(t, admin), AccountFilter{Search: "花子"})
		if err != nil || len(page.Items) != 1 || page.Items[0].Name != "山田 花子" {
			t.Errorf("Accounts = %+v, %v, want to find the new name", page, err)
		}
		want(t, "no name", second(h.Rename(as(t, admin), "")), errs.InvalidInput)
		want(t, "nobody", second(h.Rename(t.Context(), "x")), errs.Unauthenticated)
		if e := h.events(auditAccountUpdate); len(e) != 1 || e[0].Details["name_to"] != "山田 花子" || e[0].Outcome != audit.Success {
			t.Errorf("audit events %+v, want one", e)
		}
	})
}

func TestPreferencesAreValidatedAndKept(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin := h.setUp()
		member := h.person(admin, "yamada@example.jp", access.Member)
		if p, err := h.Preferences(as(t, member)); err != nil || p != DefaultPreferences() {
			t.Errorf("Preferences = %+v, %v, want the defaults", p, err)
		}
		if p, err := h.UpdatePreferences(as(t, member), PreferencesChange{Locale: new("en"), SendKey: new("ctrlEnter")}); err != nil ||
			p != (Preferences{Locale: "en", Theme: "system", SendKey: "ctrlEnter", Density: "comfortable", Calendar: "western"}) {
			t.Errorf("UpdatePreferences = %+v, %v", p, err)
		}
		for name, c := range map[string]PreferencesChange{
			"locale": {Locale: new("fr")}, "theme": {Theme: new("")}, "send key": {SendKey: new("space")},
			"model": {DefaultModelID: new("a b")}, "prompt": {DefaultPromptID: new("あ")}, "density": {Density: new("")},
			"calendar": {Calendar: new("lunar")}, "one good, one bad": {Locale: new("ja"), Theme: new("pink")},
		} {
			want(t, name, second(h.UpdatePreferences(as(t, member), c)), errs.InvalidInput)
		}
		p, a, err := h.Authenticate(t.Context(), member.Token)
		if err != nil || p.Locale != "en" || a.Preferences.SendKey != "ctrlEnter" {
			t.Errorf("Authenticate = %+v, %+v, %v, want the preferences", p, a.Preferences, err)
		}
		if p, err := h.Preferences(as(t, admin)); err != nil || p.Locale != "ja" {
			t.Errorf("the administrator's preferences are %+v, %v", p, err)
		}
		want(t, "nobody", second(h.Preferences(t.Context())), errs.Unauthenticated)
		// What an earlier version stored knows nothing of what came later.
		if _, err := d.ExecContext(t.Context(), `UPDATE accounts SET preferences = '{"locale":"en","theme":"dark","sendKey":"enter","defaultModelId":""}' WHERE id = $1`, a.ID); err != nil {
			t.Fatal(err)
		}
		if _, a, err := h.Authenticate(t.Context(), member.Token); err != nil ||
			a.Preferences != (Preferences{Locale: "en", Theme: "dark", SendKey: "enter", Density: "comfortable", Calendar: "western"}) {
			t.Errorf("Authenticate = %+v, %v, want what was chosen and the defaults", a.Preferences, err)
		}
		// What a later version stored must not keep anybody out.
		if _, err := d.ExecContext(t.Context(), `UPDATE accounts SET preferences = '{"theme":"sepia","new":1}' WHERE id = $1`, a.ID); err != nil {
			t.Fatal(err)
		}
		if _, a, err := h.Authenticate(t.Context(), member.Token); err != nil || a.Preferences != DefaultPreferences() {
			t.Errorf("Authenticate = %+v, %v, want the defaults", a.Preferences, err)
		}
	})
}

func TestTwoTabsChangeDifferentPreferencesAtOnce(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin := h.setUp()
		var wg sync.WaitGroup
		for _, c := range []PreferencesChange{
			{Locale: new("en")}, {Theme: new("dark")}, {SendKey: new("ctrlEnter")}, {DefaultModelID: new("m1")},
			{DefaultPromptID: new("p1")}, {Density: new("compact")}, {Calendar: new("japanese")},
		} {
			wg.Go(func() { want(t, "UpdatePreferences", second(h.UpdatePreferences(as(t, admin), c)), "") })
		}
		wg.Wait()
		got, err := h.Preferences(as(t, admin))
		all := Preferences{
			Locale: "en", Theme: "dark", SendKey: "ctrlEnter", DefaultModelID: "m1",
			DefaultPromptID: "p1", Density: "compact", Calendar: "japanese",
		}
		if err != nil || got != all {
			t.Errorf("Preferences = %+v, %v, want %+v", got, err, all)
		}
	})
}
