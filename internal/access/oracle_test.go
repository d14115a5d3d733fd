package access_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
)

// world is an organisation with objects and grants, written down as simply as
// can be: the oracle reads it line by line, and shares no code with what it
// judges.
type world struct {
	units   []wUnit
	posts   []wPost
	members map[[2]string]bool // of chosen groups: group, account
	rules   map[string]access.Rule
	emails  map[string]string
	within  map[string]string // models and what they are in
	grants  []wGrant
}

type wUnit struct {
	id, parent string
	from, to   int64
}

type wPost struct {
	account, unit, title string
	from, to             int64
}

type wGrant struct {
	object string
	g      access.Grant
}

// unitNow returns where a unit stands at a moment.
func (w *world) unitNow(id string, at int64) (parent string, there bool) {
	for _, u := range w.units {
		if u.id == id && u.from <= at && at < u.to {
			return u.parent, true
		}
	}
	return "", false
}

// isBelow reports whether a unit is another or stands below it.
func (w *world) isBelow(id, other string, at int64) bool {
	for range w.units {
		if _, there := w.unitNow(id, at); !there {
			return false
		}
		if id == other {
			return true
		}
		id, _ = w.unitNow(id, at)
	}
	return false
}

// inUnit reports whether an account has a post there, or below.
func (w *world) inUnit(account, unit string, below bool, titles []string, at int64) bool {
	for _, p := range w.posts {
		if p.account != account || at < p.from || at >= p.to {
			continue
		}
		if _, there := w.unitNow(p.unit, at); !there {
			continue
		}
		if len(titles) > 0 && !strings.Contains(","+strings.Join(titles, ",")+",", ","+p.title+",") {
			continue
		}
		if unit == "" || p.unit == unit || below && w.isBelow(p.unit, unit, at) {
			return true
		}
	}
	return false
}

func (w *world) inGroup(account, group string, at int64) bool {
	rule, has := w.rules[group]
	if !has {
		return w.members[[2]string{group, account}]
	}
	if len(rule.EmailDomains) > 0 {
		found := false
		for _, domain := range rule.EmailDomains {
			found = found || strings.HasSuffix(w.emails[account], "@"+domain)
		}
		if !found {
			return false
		}
	}
	if len(rule.UnitIDs) == 0 {
		return len(rule.Titles) == 0 || w.inUnit(account, "", false, rule.Titles, at)
	}
	for _, unit := range rule.UnitIDs {
		if w.inUnit(account, unit, rule.Below, rule.Titles, at) {
			return true
		}
	}
	return false
}

// may is the oracle: may the account use the model at that moment?
func (w *world) may(account, model string, at int64) bool {
	allowed, denied := false, false
	for object := model; object != ""; object = w.within[object] {
		for _, g := range w.grants {
			if g.object != object {
				continue
			}
			var meant bool
			switch g.g.Kind {
			case access.SubjectEveryone:
				meant = true
			case access.SubjectAccount:
				meant = g.g.ID == account
			case access.SubjectGroup:
				meant = w.inGroup(account, g.g.ID, at)
			case access.SubjectUnit:
				meant = w.inUnit(account, g.g.ID, g.g.Below, nil, at)
			}
			if meant && g.g.Deny {
				denied = true
			}
			if meant && !g.g.Deny {
				allowed = true
			}
		}
	}
	return allowed && !denied
}

// invent makes a world and writes it into a store.
func invent(t *testing.T, d *db.DB, r *rand.Rand) (w *world, accounts, models []string) {
	t.Helper()
	w = &world{members: map[[2]string]bool{}, rules: map[string]access.Rule{}, emails: map[string]string{}, within: map[string]string{}}
	moment := func() int64 { return int64(r.IntN(100)) }
	some := func(list []string) string { return list[r.IntN(len(list))] }
	run := func(query string, args ...any) {
		t.Helper()
		if _, err := d.ExecContext(t.Context(), query, args...); err != nil {
			t.Fatal(err)
		}
	}

	var units []string
	for i := range 3 + r.IntN(12) {
		id := db.NewID()
		run(`INSERT INTO units (id, code, code_key, created_at) VALUES ($1, $2, $3, 0)`, id, id, id)
		// Each unit has one to three periods, with or without gaps, and may
		// stand somewhere else in each: below an earlier one, so never in a
		// circle.
		at := int64(0)
		if r.IntN(4) == 0 {
			at = moment()
		}
		for range 1 + r.IntN(3) {
			parent := ""
			if i > 0 && r.IntN(5) > 0 {
				parent = some(units)
			}
			end := at + 1 + moment()
			if r.IntN(3) == 0 {
				end = access.Forever
			}
			w.units = append(w.units, wUnit{id, parent, at, end})
			run(`INSERT INTO unit_periods (unit_id, starts_at, ends_at, parent_id, name, position) VALUES ($1, $2, $3, $4, $5, 0)`, id, at, end, parent, "課")
			if at = end; r.IntN(3) == 0 {
				at += 1 + int64(r.IntN(10))
			}
			if end == access.Forever {
				break
			}
		}
		units = append(units, id)
	}
	titles := []string{"", "係長", "課長"}
	domains := []string{"a.example.jp", "b.example.jp", "example.jp"}
	for i := range 4 + r.IntN(6) {
		id := db.NewID()
		email := fmt.Sprintf("p%d-%s@%s", i, id, some(domains))
		w.emails[id] = email
		run(`INSERT INTO accounts (id, email, name, search_key, password_hash, created_at, updated_at) VALUES ($1, $2, '名', '', '', 0, 0)`, id, email)
		accounts = append(accounts, id)
		for range r.IntN(4) {
			p := wPost{id, some(units), some(titles), moment(), 0}
			if p.to = p.from + 1 + moment(); r.IntN(3) == 0 {
				p.to = access.Forever
			}
			w.posts = append(w.posts, p)
			run(`INSERT INTO posts (id, account_id, unit_id, title, main, starts_at, ends_at) VALUES ($1, $2, $3, $4, FALSE, $5, $6)`,
				db.NewID(), p.account, p.unit, p.title, p.from, p.to)
		}
	}
	var groups []string
	for i := range 1 + r.IntN(5) {
		id, text := db.NewID(), ""
		if r.IntN(2) == 0 {
			var rule access.Rule
			for len(rule.UnitIDs)+len(rule.Titles)+len(rule.EmailDomains) == 0 {
				if r.IntN(2) == 0 {
					rule.UnitIDs, rule.Below = []string{some(units), some(units)}[:1+r.IntN(2)], r.IntN(2) == 0
				}
				if r.IntN(2) == 0 {
					rule.Titles = []string{some(titles[1:])}
				}
				if r.IntN(3) == 0 {
					rule.EmailDomains = []string{some(domains)}
				}
			}
			w.rules[id] = rule
			encoded, err := json.Marshal(rule)
			if err != nil {
				t.Fatal(err)
			}
			text = string(encoded)
		}
		run(`INSERT INTO groups (id, name, name_key, created_at, updated_at, rule) VALUES ($1, $2, $3, 0, 0, $4)`, id, id, fmt.Sprint(i, id), text)
		groups = append(groups, id)
		for _, account := range accounts {
			if text == "" && r.IntN(3) == 0 {
				w.members[[2]string{id, account}] = true
				run(`INSERT INTO group_members (group_id, account_id, created_at) VALUES ($1, $2, 0)`, id, account)
			}
		}
	}
	// Objects are in one another, up to three deep: a document in a collection
	// in a folder. Any kind does; these are stored nowhere but here.
	for i := range 4 + r.IntN(8) {
		id := db.NewID()
		if i > 0 && r.IntN(2) == 0 {
			if above := some(models); w.within[w.within[above]] == "" {
				w.within[id] = above
			}
		}
		models = append(models, id)
		for range r.IntN(4) {
			g := access.Grant{Deny: r.IntN(4) == 0}
			switch r.IntN(7) {
			case 0:
				g.Subject = access.Everyone
			case 1, 2:
				g.Kind, g.ID = access.SubjectAccount, some(accounts)
			case 3, 4:
				g.Kind, g.ID = access.SubjectGroup, some(groups)
			default:
				g.Kind, g.ID, g.Below = access.SubjectUnit, some(units), r.IntN(2) == 0
			}
			w.grants = append(w.grants, wGrant{id, g})
			run(`INSERT INTO grants (object_kind, object_id, subject_kind, subject_id, below, deny, created_at) VALUES ('model', $1, $2, $3, $4, $5, 0)
			     ON CONFLICT DO NOTHING`, id, string(g.Kind), g.ID, g.Below, g.Deny)
		}
	}
	run(`UPDATE directory_state SET version = $1`, db.NewID())
	return w, accounts, models
}

// TestEveryDecisionAboutGrantsIsTheOracles asks, of random organisations at
// random moments, the decision function, its form in SQL, and the oracle. They
// agree about every pair of a person and an object: 10,000 at least.
func TestEveryDecisionAboutGrantsIsTheOracles(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		const wanted = 10_000
		seed := uint64(time.Now().UnixNano())
		r := rand.New(rand.NewPCG(seed, 1))
		var at int64
		charts := access.NewCharts(d, func() time.Time { return time.UnixMilli(at) })
		grants := access.NewGrants(d, time.Now)
		pairs, yes := 0, 0
		for pairs < wanted {
			w, accounts, models := invent(t, d, r)
			kept, err := grants.OfKind(t.Context(), access.KindModel, models...)
			if err != nil {
				t.Fatal(err)
			}
			for range 6 {
				at = int64(r.IntN(250))
				for _, account := range accounts {
					p := principalAt(t, d, charts, account)
					listed := usable(t, d, p, w, models)
					for _, model := range models {
						pairs++
						var on []access.Grant
						for object := model; object != ""; object = w.within[object] {
							on = append(on, kept[object]...)
						}
						err := access.Decide(p, access.ModelUse, access.Resource{Kind: access.KindModel, ID: model, Grants: on})
						if code := errs.CodeOf(err); code != "" && code != errs.NotFound {
							t.Fatalf("Decide: %v", err)
						}
						want := w.may(account, model, at)
						if want {
							yes++
						}
						if got := err == nil; got != want || listed[model] != want {
							t.Fatalf("seed %d, pair %d: the oracle says %v, Decide %v, the list %v\n%+v\nmodel %s, at %d\n%+v", seed, pairs, want, got, listed[model], p, model, at, w)
						}
					}
				}
			}
		}
		if yes < pairs/20 || yes > pairs*19/20 {
			t.Errorf("of %d pairs %d may: the worlds are too much the same", pairs, yes)
		}
		t.Logf("%d pairs, of which %d may (seed %d)", pairs, yes, seed)
	})
}

func principalAt(t *testing.T, d *db.DB, charts *access.Charts, account string) access.Principal {
	t.Helper()
	facts, err := access.FactsOf(t.Context(), d, account)
	if err != nil {
		t.Fatal(err)
	}
	chart, err := charts.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return chart.Fill(access.Principal{AccountID: account}, facts)
}

// usable lists models as a capability would: in one query, by their grants and
// those of what they are in.
func usable(t *testing.T, d *db.DB, p access.Principal, w *world, models []string) map[string]bool {
	t.Helper()
	where := db.Conditions{}
	rows := make([]string, len(models))
	for i, model := range models {
		one := w.within[model]
		rows[i] = fmt.Sprintf("SELECT %s AS id, %s AS one, %s AS two", text(&where, model), text(&where, one), text(&where, w.within[one]))
	}
	access.Granted(&where, p, access.Within{Kind: access.KindModel, Column: "m.id"}, access.Within{Kind: access.KindModel, Column: "m.one"}, access.Within{Kind: access.KindModel, Column: "m.two"})
	ids, err := db.Column[string](context.WithoutCancel(t.Context()), d, `SELECT m.id FROM (`+strings.Join(rows, " UNION ALL ")+`) m`+where.Where(), where.Args()...)
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, id := range ids {
		listed[id] = true
	}
	return listed
}

func text(where *db.Conditions, v string) string { return "CAST(" + where.Mark(v) + " AS TEXT)" }
