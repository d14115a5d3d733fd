package residency_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/classification"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
	"kakoi/internal/residency"
)

const (
	tokyo = "ap-northeast-1"
	haiku = "anthropic.claude-haiku-4-5-20251001-v1:0"
	own   = "arn:aws:bedrock:ap-northeast-1:123456789012:application-inference-profile/kakoi"
)

// changing is a policy that a test changes, or cannot read.
type changing struct {
	policy residency.Policy
	err    error
}

func (c *changing) Now(context.Context) (residency.Policy, error) { return c.policy, c.err }

func open(d *db.DB, policies residency.Policies) *residency.Service {
	return residency.New(residency.Options{DB: d, Profiles: residency.Bundled(), Policies: policies, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
}

func administrator(ctx context.Context) context.Context {
	return access.WithPrincipal(ctx, access.Principal{AccountID: "admin", Rights: access.Rights(access.Administrator)})
}

func arn(region string) string { return "arn:aws:bedrock:" + region + "::foundation-model/" + haiku }

func TestWhatAnyNodeListsIsKnownOnEveryNode(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		ctx := administrator(t.Context())
		one, other := open(d, residency.Always(residency.Japan())), open(d, residency.Always(residency.Japan()))
		if got, err := one.Explain(ctx, tokyo, residency.Call{ModelID: own}); err != nil || got.Allowed || got.Reason.Code != residency.PlaceUnknown {
			t.Fatalf("before it is listed: %+v, %v", got, err)
		}
		at := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
		if err := one.Note(ctx, []residency.Listed{{ID: own, Region: tokyo, Models: []string{arn(tokyo), arn("ap-northeast-3")}, At: at}}); err != nil {
			t.Fatal(err)
		}
		if err := other.Load(ctx); err != nil {
			t.Fatal(err)
		}
		for name, s := range map[string]*residency.Service{"the node that listed it": one, "another": other} {
			got, err := s.Explain(ctx, tokyo, residency.Call{ModelID: own})
			if err != nil || !got.Allowed || got.Reason.Rule != "Japan" || !slices.Equal(got.Place.Regions, []string{tokyo, "ap-northeast-3"}) ||
				!got.Place.Listed.Equal(at) || got.Place.Source() != "listed by Amazon Bedrock, 2026-11-01" {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
		// It leads elsewhere now: the newer list holds, and no longer passes.
		if err := other.Note(ctx, []residency.Listed{{ID: own, Region: tokyo, Models: []string{arn(tokyo), arn("ap-northeast-2")}, At: at.Add(time.Hour)}}); err != nil {
			t.Fatal(err)
		}
		if err := one.Load(ctx); err != nil {
			t.Fatal(err)
		}
		got, err := one.Explain(ctx, tokyo, residency.Call{ModelID: own})
		if err != nil || got.Allowed || got.Reason.Region != "ap-northeast-2" || got.Reason.Profile != own {
			t.Errorf("after it was changed: %+v, %v", got, err)
		}
		if want := "jp." + haiku; !slices.Contains(got.Instead, want) {
			t.Errorf("instead = %q, want %s among them", got.Instead, want)
		}
	})
}

func TestWhatIsExplainedIsForSomebodyAndOfAClass(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s := open(d, residency.Always(residency.Policy{Rules: []residency.Rule{
			{Name: "secret", Regions: []string{tokyo}, Classes: []classification.Class{classification.Restricted}},
			{Name: "research", GroupIDs: []string{"research"}, Regions: []string{tokyo}, Classes: []classification.Class{classification.Public}},
		}}))
		for _, tt := range []struct {
			name   string
			groups []string
			class  classification.Class
			want   string // rule that permits
		}{
			{"what nobody has classified", nil, classification.None, ""},
			{"what is secret", nil, classification.Restricted, "secret"},
			{"what is public, by anybody", nil, classification.Public, ""},
			{"what is public, by the group", []string{"research"}, classification.Public, "research"},
		} {
			got, err := s.Explain(administrator(t.Context()), tokyo, residency.Call{
				Place: residency.ThisServer(), ModelID: haiku, GroupIDs: tt.groups, Class: tt.class,
			})
			if err != nil || got.Allowed != (tt.want != "") || got.Allowed && got.Reason.Rule != tt.want || got.Place.Kind != residency.Regions {
				t.Errorf("%s: %+v, %v; want the rule %q", tt.name, got, err, tt.want)
			}
		}
	})
}

func TestAPolicyThatCannotBeReadPermitsNothing(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		policies := &changing{policy: residency.Policy{Open: true}}
		s := open(d, policies)
		call := residency.Call{Place: residency.ThisServer(), ModelID: "gemma3"}
		if got := s.Decide(t.Context(), call); !got.Allowed {
			t.Fatalf("open: %+v", got)
		}
		policies.err = errors.New("the store is away")
		for name, got := range map[string]residency.Decision{
			"a call": s.Decide(t.Context(), call), "a model for many": s.Among(t.Context())(call), "a place": s.DecidePlace(t.Context(), call.Place),
		} {
			if got.Allowed || got.Reason.Code != residency.DecisionMissing {
				t.Errorf("%s: %+v", name, got)
			}
		}
	})
}

func TestAnotherPolicyIsForeseenWithoutHolding(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s := open(d, residency.Always(residency.Japan()))
		if err := s.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		call := residency.Call{Place: s.Bedrock("", "us-east-1", haiku), ModelID: haiku}
		then, err := s.Foresee(residency.Policy{Rules: []residency.Rule{{Name: "a", Regions: []string{"us-east-1"}}}})
		if err != nil || !then(call).Allowed || s.Decide(t.Context(), call).Allowed {
			t.Errorf("foreseen %+v, %v; holds %+v", then(call), err, s.Decide(t.Context(), call))
		}
		_, err = s.Foresee(residency.Policy{Rules: []residency.Rule{{Name: "a", Regions: []string{"us-nowhere-1"}}}})
		var refused *errs.Error
		if !errors.As(err, &refused) || refused.Field != "rules[0].regions" || refused.Params["value"] != "us-nowhere-1" {
			t.Errorf("an unknown region: %v", err)
		}
		// Rules for models say nothing against a place.
		models := open(d, residency.Always(residency.Policy{Rules: []residency.Rule{{Name: "a", Countries: []string{"JP"}, Models: []string{"gemma*"}}}}))
		if got := models.DecidePlace(t.Context(), residency.Place{Kind: residency.Host, Name: "llm.example", Country: "JP"}); !got.Allowed {
			t.Errorf("a permitted country: %+v", got)
		}
		if got := models.DecidePlace(t.Context(), residency.Place{Kind: residency.Host, Name: "llm.example"}); got.Allowed || got.Reason.Code != residency.CountryUnknown {
			t.Errorf("an undeclared country: %+v", got)
		}
	})
}

func TestOnlyWhoMayReadTheSystemIsTold(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		s := open(d, residency.Always(residency.Japan()))
		member := access.WithPrincipal(t.Context(), access.Principal{AccountID: "a"})
		for name, ctx := range map[string]context.Context{"a member": member, "nobody": t.Context()} {
			if _, err := s.Explain(ctx, tokyo, residency.Call{ModelID: haiku}); err == nil {
				t.Errorf("%s may explain", name)
			}
			if _, err := s.Known(ctx); err == nil {
				t.Errorf("%s may list what is known", name)
			}
		}
		if _, err := s.Explain(administrator(t.Context()), "nowhere", residency.Call{ModelID: haiku}); errs.CodeOf(err) != errs.InvalidInput {
			t.Errorf("an unknown region: %v", err)
		}
	})
}
