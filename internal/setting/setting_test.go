package setting_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
	"kakoi/internal/setting"
)

var noon = time.Date(2026, time.November, 22, 3, 0, 0, 0, time.UTC)

// open returns the settings of d, which Hanako and Taro administer.
func open(t *testing.T, d *db.DB) (*setting.Service, *audit.Log) {
	t.Helper()
	for id, name := range map[string]string{"hanako": "管理 花子", "taro": "管理 太郎"} {
		const insert = `
			INSERT INTO accounts (id, email, name, search_key, password_hash, created_at, updated_at)
			VALUES ($1, $2, $3, '', '', 0, 0)`
		if _, err := d.ExecContext(t.Context(), insert, id, id+"@example.jp", name); err != nil {
			t.Fatal(err)
		}
	}
	record := audit.New(d, time.Now)
	return setting.New(d, record, func() time.Time { return noon }), record
}

func as(t *testing.T, id string, role access.RoleID) context.Context {
	return access.WithPrincipal(t.Context(), access.Principal{AccountID: id, Rights: access.Rights(role)})
}

func TestNothingIsDecidedAtFirst(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s, _ := open(t, d)
		want := setting.Kept[setting.Chat]{Value: setting.Chat{Temporary: setting.TemporaryAllowed}}
		got, err := s.Chat.Read(as(t, "hanako", access.Administrator))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if c, err := s.Chat.Now(t.Context()); err != nil || c != want.Value {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

func TestEachChangeIsAVersionWithItsAuthor(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s, record := open(t, d)
		first := setting.Chat{Temporary: setting.TemporaryOff, AttachmentBytes: 5 << 20, AttachmentsPerTurn: 3}
		kept, err := s.Chat.Write(as(t, "hanako", access.Administrator), 0, first)
		if err != nil {
			t.Fatal(err)
		}
		want := setting.Kept[setting.Chat]{Value: first, Version: 1, ChangedBy: "hanako", ChangedByName: "管理 花子", ChangedAt: noon}
		if diff := cmp.Diff(want, kept); diff != "" {
			t.Error(diff)
		}
		second := setting.Chat{Temporary: setting.TemporaryEnforced}
		if kept, err = s.Chat.Write(as(t, "taro", access.Administrator), 1, second); err != nil {
			t.Fatal(err)
		}
		want = setting.Kept[setting.Chat]{Value: second, Version: 2, ChangedBy: "taro", ChangedByName: "管理 太郎", ChangedAt: noon}
		if diff := cmp.Diff(want, kept); diff != "" {
			t.Error(diff)
		}
		if got, err := s.Chat.Read(as(t, "hanako", access.Administrator)); err != nil || got != want {
			t.Errorf("read %+v, %v", got, err)
		}
		if c, err := s.Chat.Now(t.Context()); err != nil || c != second {
			t.Errorf("holds %+v, %v", c, err)
		}
		events, err := record.List(t.Context(), audit.Filter{Action: "setting.", Limit: 9})
		if err != nil || len(events.Items) != 2 {
			t.Fatalf("%+v, %v", events, err)
		}
		if got := events.Items[0].Details; got["temporary_before"] != "off" || got["temporary"] != "enforced" || got["version"] != "2" {
			t.Errorf("on record: %v", got)
		}
	})
}

func TestOneOfTwoWhoChangeAtOnceIsTold(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s, _ := open(t, d)
		refused := make(chan error, 2)
		var both sync.WaitGroup
		for _, who := range []string{"hanako", "taro"} {
			ctx := as(t, who, access.Administrator)
			both.Go(func() {
				_, err := s.Chat.Write(ctx, 0, setting.Chat{Temporary: setting.TemporaryOff})
				refused <- err
			})
		}
		both.Wait()
		one, other := <-refused, <-refused
		if one != nil {
			one, other = other, one
		}
		if one != nil || errs.CodeOf(other) != errs.Conflict {
			t.Errorf("%v and %v; want one to conflict", one, other)
		}
		_, err := s.Chat.Write(as(t, "taro", access.Administrator), 0, setting.Chat{Temporary: setting.TemporaryOff})
		if errs.CodeOf(err) != errs.Conflict {
			t.Errorf("an old version: %v", err)
		}
		_, err = s.Chat.Write(as(t, "taro", access.Administrator), 7, setting.Chat{Temporary: setting.TemporaryOff})
		if errs.CodeOf(err) != errs.Conflict {
			t.Errorf("a version that is not there yet: %v", err)
		}
		if kept, err := s.Chat.Read(as(t, "taro", access.Administrator)); err != nil || kept.Version != 1 {
			t.Errorf("%+v, %v", kept, err)
		}
	})
}

func TestWhatCannotBeDecidedIsRefused(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s, record := open(t, d)
		admin := as(t, "hanako", access.Administrator)
		for _, tt := range []struct {
			name string
			who  context.Context
			in   setting.Chat
			want errs.Code
		}{
			{"a word that means nothing", admin, setting.Chat{Temporary: "sometimes"}, errs.InvalidInput},
			{"no word", admin, setting.Chat{}, errs.InvalidInput},
			{"less than no bytes", admin, setting.Chat{Temporary: setting.TemporaryOff, AttachmentBytes: -1}, errs.InvalidInput},
			{"less than no files", admin, setting.Chat{Temporary: setting.TemporaryOff, AttachmentsPerTurn: -1}, errs.InvalidInput},
			{"a member", as(t, "hanako", access.Member), setting.Chat{Temporary: setting.TemporaryOff}, errs.Forbidden},
			{"nobody", t.Context(), setting.Chat{Temporary: setting.TemporaryOff}, errs.Unauthenticated},
		} {
			if _, err := s.Chat.Write(tt.who, 0, tt.in); errs.CodeOf(err) != tt.want {
				t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
			}
		}
		if _, err := s.Chat.Read(as(t, "hanako", access.Member)); errs.CodeOf(err) != errs.Forbidden {
			t.Errorf("a member reads: %v", err)
		}
		if kept, err := s.Chat.Read(admin); err != nil || kept.Version != 0 {
			t.Errorf("kept %+v, %v", kept, err)
		}
		if events, err := record.List(t.Context(), audit.Filter{Action: "setting.update", Limit: 9}); err != nil || len(events.Items) != 0 {
			t.Errorf("on record: %+v, %v", events.Items, err)
		}
	})
}

func TestWhatHoldsAtFirstStaysAsItWas(t *testing.T) {
	type rules struct{ Rules []struct{ Names []string } }
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s, _ := open(t, d)
		initial := rules{Rules: []struct{ Names []string }{{[]string{"first"}}}}
		document := setting.Define(s, setting.Definition[rules]{
			Name: "rules", Initial: initial, Check: func(r rules) (rules, error) { return r, nil },
			Details: func(before, after rules) map[string]string {
				return map[string]string{"before": before.Rules[0].Names[0], "after": after.Rules[0].Names[0]}
			},
		})
		ctx := as(t, "admin", access.Administrator)
		before, err := document.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := document.Write(ctx, 0, rules{Rules: []struct{ Names []string }{{[]string{"second"}}}}); err != nil {
			t.Fatal(err)
		}
		if got := before.Value.Rules[0].Names[0]; got != "first" {
			t.Errorf("what was read before the change has become %q", got)
		}
	})
}
