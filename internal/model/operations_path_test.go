package model_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/modeltest/bedrockfake"
	"kakoi/internal/model/modeltest/openaifake"
	"kakoi/internal/residency"
)

// performance is an operation as a feature performs it.
type performance struct {
	name     string
	remoteID string // of a model that is in Tokyo
	barred   string // of one that leaves Japan
	task     model.Task
	wire     []string // operations that the fake may see for it
	units    int      // of the record
	tokens   bool     // the provider counts tokens
	do       func(ctx context.Context, i *model.Invoker, id, text string) error
}

var performances = []performance{
	{
		name: "embedding", remoteID: "amazon.titan-embed-text-v2:0", barred: "global.cohere.embed-v4:0", task: model.TaskEmbedding, wire: []string{"InvokeModel"}, tokens: true,
		do: func(ctx context.Context, i *model.Invoker, id, text string) error {
			got, err := i.Embed(ctx, model.EmbedCall{ModelID: id, Feature: "index", Texts: []string{text, "二つ目"}, Purpose: model.PurposeDocument})
			if err == nil && (len(got.Vectors) != 2 || len(got.Vectors[0]) == 0 || got.Usage.InputTokens == 0 || got.Cost.Micros == 0 || got.Model.ModelID != id) {
				return fmt.Errorf("embedded %d vectors: %+v", len(got.Vectors), got.Usage)
			}
			return err
		},
	},
	{
		name: "rerank", remoteID: "amazon.rerank-v1:0", barred: "arn:aws:bedrock:us-west-2::foundation-model/cohere.rerank-v3-5:0", task: model.TaskRerank, wire: []string{"Rerank", "InvokeModel"}, units: 1,
		do: func(ctx context.Context, i *model.Invoker, id, text string) error {
			got, err := i.Rerank(ctx, model.RerankCall{ModelID: id, Feature: "search", Query: text, Documents: []string{"天気", "予算の説明", "議会"}, Top: 2})
			if err == nil && (len(got.Ranked) != 2 || got.Ranked[0].Index != 1 || got.Model.ModelID != id) {
				return fmt.Errorf("order %+v", got)
			}
			return err
		},
	},
	{
		name: "image", remoteID: "amazon.nova-canvas-v1:0", barred: "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-canvas-v1:0", task: model.TaskImage, wire: []string{"InvokeModel"}, units: 2,
		do: func(ctx context.Context, i *model.Invoker, id, text string) error {
			got, err := i.Image(ctx, model.ImageCall{ModelID: id, Feature: "image", Picture: model.Picture{Drawing: model.DrawNew, Prompt: text, Width: 320, Height: 320, Count: 2}})
			if err == nil && (len(got.Images) != 2 || got.Images[0].MediaType != "image/png" || got.Model.ModelID != id) {
				return fmt.Errorf("%d images by %+v", len(got.Images), got.Model)
			}
			return err
		},
	},
	{
		name: "guardrail", remoteID: "grhome000001:1", barred: "grabroad0001:1", task: model.TaskGuardrail, wire: []string{"ApplyGuardrail"}, units: 1,
		do: func(ctx context.Context, i *model.Invoker, id, text string) error {
			got, err := i.Guard(ctx, model.GuardCall{ModelID: id, Feature: "chat", Side: model.SideInput, Text: text + " a@example.jp"})
			if err == nil && (!got.Intervened || !strings.HasSuffix(got.Text, " {EMAIL}") || len(got.Findings) != 1 || !got.Findings[0].Masked || got.Guardrail.ModelID != id) {
				return fmt.Errorf("verdict %+v", got)
			}
			return err
		},
	},
}

// TestEveryOperationGoesTheOnePath performs each over the store, the seal, the
// adapter and the only way out, at a Bedrock that checks signatures.
func TestEveryOperationGoesTheOnePath(t *testing.T) {
	for _, p := range performances {
		t.Run(p.name, func(t *testing.T) {
			dbtest.Run(t, func(t *testing.T, d *db.DB) {
				fake := bedrockfake.Run(t, bedrockfake.Options{})
				up := bedrockAt(fake)
				up.remoteID = p.remoteID
				if p.task == model.TaskGuardrail { // its name tells nothing
					up.task = p.task
				}
				in := install(t, d, up)
				if in.model.Task != p.task {
					t.Fatalf("%s is entered for %s, want %s", p.remoteID, in.model.Task, p.task)
				}
				if _, err := in.catalogue.RemoteModels(in.admin, in.model.ConnectionID); err != nil {
					t.Fatal(err)
				}
				seen := func() (n int) {
					for _, r := range settled(t, fake) {
						if slices.Contains(p.wire, r.Operation) {
							n++
						}
					}
					return n
				}
				perform := func(ctx context.Context, id, text string) error { return p.do(ctx, in.invoker, id, text) }

				if err := perform(in.person, in.model.ID, "予算の説明"); err != nil {
					t.Fatal(err)
				}
				before := seen()
				if err := perform(in.person, in.model.ID, "予算[[throttle 1]]"); err != nil || seen() < before+2 {
					t.Errorf("throttled once: %v with %d requests", err, seen()-before)
				}
				if err := perform(in.person, in.model.ID, "[[denied scp]]"); errs.CodeOf(err) != errs.ModelAccessDenied {
					t.Errorf("denied by AWS: %v", err)
				}
				steps, err := in.catalogue.CheckConnection(in.admin, in.model.ConnectionID, model.ConnectionPatch{}, p.remoteID)
				if err != nil || len(steps) == 0 || steps[len(steps)-1].Name != "answer" || steps[len(steps)-1].Err != nil {
					t.Errorf("check = %+v, %v", steps, err)
				}

				// What must not leave, or not for this person, is not sent.
				before = seen()
				abroad := entered(t, in, model.ModelDraft{RemoteID: p.barred, Task: p.task, Enabled: true})
				if err := perform(in.person, abroad.ID, "予算"); errs.CodeOf(err) != errs.ResidencyDenied {
					t.Errorf("at a place that is barred: %v", err)
				}
				tax, err := access.NewGroups(d, in.audit, access.NewCharts(d, time.Now), time.Now).Create(in.admin, "税務課", nil)
				if err != nil {
					t.Fatal(err)
				}
				theirs := entered(t, in, model.ModelDraft{RemoteID: p.remoteID, Task: up.task, Enabled: true, Grants: []access.Grant{{Subject: access.Subject{Kind: access.SubjectGroup, ID: tax.ID}}}})
				if err := perform(in.person, theirs.ID, "予算"); errs.CodeOf(err) != errs.ModelUnavailable {
					t.Errorf("without the right to the model: %v", err)
				}
				if err := perform(t.Context(), in.model.ID, "予算"); errs.CodeOf(err) != errs.Unauthenticated {
					t.Errorf("nobody: %v", err)
				}
				if seen() != before {
					t.Errorf("%d requests were sent that should not have been", seen()-before)
				}
				clerk := access.WithPrincipal(t.Context(), access.Principal{AccountID: "clerk", GroupIDs: []string{tax.ID}})
				if err := perform(clerk, theirs.ID, "予算"); err != nil {
					t.Errorf("another person, of the group: %v", err)
				}

				// The picker of chat knows none of them.
				offers, err := in.catalogue.Offers(clerk)
				if err != nil || p.task != model.TaskChat && len(offers) != 0 {
					t.Errorf("to talk with: %+v, %v", offers, err)
				}
				if p.task != model.TaskChat {
					if a := in.ask(in.person, "hello"); errs.CodeOf(a.err) != errs.ModelUnavailable {
						t.Errorf("talking with it: %+v", a)
					}
				}

				if err := in.invoker.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				want := "person complete person complete person model_access_denied person residency_denied person model_unavailable clerk complete"
				if got := records(t, d, p); got != want {
					t.Errorf("records = %q, want %q", got, want)
				}
				auditor := access.WithPrincipal(t.Context(), access.Principal{AccountID: "auditor", Rights: access.Rights(access.Administrator)})
				events, err := in.audit.List(auditor, audit.Filter{Action: "model.invoke", Limit: 20})
				if err != nil || len(events.Items) < 6 || !slices.ContainsFunc(events.Items, func(e audit.Entry) bool {
					return e.Details["operation"] == p.name && e.Details["place"] == "ap-northeast-1" && e.Details["outcome"] == "complete"
				}) {
					t.Errorf("audit = %+v, %v", events, err)
				}
				for _, r := range in.gate.Snapshot() {
					if r.Refusals != 0 {
						t.Errorf("egress = %+v", r)
					}
				}
			})
		})
	}
}

// settled returns every request, once all have been answered: the fake writes a
// request down when it is through with it.
func settled(t *testing.T, fake *bedrockfake.Server) []bedrockfake.Request {
	t.Helper()
	if err := fake.Await(t.Context(), func(s bedrockfake.Stats) bool { return s.Running == 0 }); err != nil {
		t.Fatal(err)
	}
	return fake.Requests()
}

// entered makes a model on the connection of in.
func entered(t *testing.T, in *installation, m model.ModelDraft) model.Model {
	t.Helper()
	m.ConnectionID, m.Price = in.model.ConnectionID, in.model.Price
	made, err := in.catalogue.CreateModel(in.admin, m)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// records returns who did p and what came of it, in order, once what the
// records count is right. A call to talk is passed over.
func records(t *testing.T, d *db.DB, p performance) string {
	t.Helper()
	rows, err := d.QueryContext(t.Context(), `
	SELECT account_id, outcome, place, units, input_tokens FROM usage_records WHERE operation = $1 ORDER BY id`, p.name)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var account, outcome, place string
		var units, tokens int
		if err := rows.Scan(&account, &outcome, &place, &units, &tokens); err != nil {
			t.Fatal(err)
		}
		complete := outcome == "complete"
		if complete && (place != "ap-northeast-1" || units != p.units || (tokens > 0) != p.tokens) || !complete && (units != 0 || tokens != 0) {
			t.Errorf("%s of %s: %d units, %d tokens, in %q", outcome, account, units, tokens, place)
		}
		all = append(all, account, outcome)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

// TestOtherServersDoTheSame performs what an OpenAI-compatible server offers.
func TestOtherServersDoTheSame(t *testing.T) {
	remote := map[model.Task]string{
		model.TaskEmbedding: openaifake.EmbeddingModel, model.TaskRerank: openaifake.RerankModel, model.TaskImage: openaifake.ImageModel,
	}
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		up := startOpenAI(t)
		in := install(t, d, up)
		for _, p := range performances {
			id, offered := remote[p.task]
			if !offered {
				_, err := in.catalogue.CreateModel(in.admin, model.ModelDraft{ConnectionID: in.model.ConnectionID, RemoteID: p.remoteID, Task: p.task})
				if errs.CodeOf(err) != errs.InvalidInput {
					t.Errorf("a %s at a server without one: %v", p.name, err)
				}
				continue
			}
			m := entered(t, in, model.ModelDraft{RemoteID: id, Task: p.task, Enabled: true})
			before := up.calls()
			if err := p.do(in.person, in.invoker, m.ID, "予算[[throttle 1]]"); err != nil || up.calls() != before+2 {
				t.Errorf("%s, throttled once: %v with %d requests", p.name, err, up.calls()-before)
			}
			steps, err := in.catalogue.CheckConnection(in.admin, in.model.ConnectionID, model.ConnectionPatch{}, id)
			if err != nil || steps[len(steps)-1].Name != "answer" || steps[len(steps)-1].Err != nil {
				t.Errorf("%s: check = %+v, %v", p.name, steps, err)
			}
		}
		if err := in.invoker.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := d.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM usage_records WHERE operation IN ('embedding', 'rerank', 'image') AND outcome = 'complete' AND place = 'this server' AND attempts = 2`).Scan(&n); err != nil || n != 3 {
			t.Errorf("%d records, %v", n, err)
		}
	})
}

// TestAGuardrailCountsForWhereACallGoes has models whose calls a guardrail sees:
// where that is processed must be permitted, and be known.
func TestAGuardrailCountsForWhereACallGoes(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		fake := bedrockfake.Run(t, bedrockfake.Options{})
		in := install(t, d, bedrockAt(fake))
		guarded := func(id string) string {
			return entered(t, in, model.ModelDraft{RemoteID: in.model.RemoteID, Enabled: true, Options: json.RawMessage(`{"guardrail":{"id":"` + id + `","version":"1"}}`)}).ID
		}
		home, abroad, nobody := guarded("grhome000001"), guarded("grabroad0001"), guarded("grnobody0001")
		talk := func(id string) error { in.model.ID = id; return in.ask(in.person, "hello").err }
		if err := talk(home); errs.CodeOf(err) != errs.ResidencyDenied {
			t.Errorf("a guardrail that was never listed: %v", err)
		}
		if _, err := in.catalogue.RemoteModels(in.admin, in.model.ConnectionID); err != nil {
			t.Fatal(err)
		}
		if err := talk(home); err != nil {
			t.Errorf("a guardrail of the same region: %v", err)
		}
		err := talk(abroad)
		var e *errs.Error
		if !errors.As(err, &e) || e.Code != errs.ResidencyDenied || e.Params["region"] != "ap-northeast-2" || e.Params["profile"] != "grabroad0001:1" {
			t.Errorf("a guardrail that leaves Japan: %v, %+v", err, e)
		}
		if err := talk(nobody); errs.CodeOf(err) != errs.ResidencyDenied {
			t.Errorf("a guardrail profile that nobody knows: %v", err)
		}
		for id, want := range map[string]bool{home: true, abroad: false, nobody: false} { // what is asked of an administrator is answered alike
			if d, err := in.catalogue.ExplainModel(in.admin, id, residency.Call{}); err != nil || d.Allowed != want {
				t.Errorf("explained %+v, %v; want %v", d, err, want)
			}
			if _, err := in.catalogue.ExplainModel(in.person, id, residency.Call{}); errs.CodeOf(err) != errs.Forbidden {
				t.Errorf("explained to a member: %v", err)
			}
		}
		own := entered(t, in, model.ModelDraft{RemoteID: "grnobody0001:1", Task: model.TaskGuardrail, Enabled: true})
		if _, err := in.invoker.Guard(in.person, model.GuardCall{ModelID: own.ID, Feature: "chat", Side: model.SideInput, Text: "a"}); errs.CodeOf(err) != errs.ResidencyDenied {
			t.Errorf("the same, to judge a text: %v", err)
		}
		if offers, err := in.catalogue.Offers(in.person); err != nil || len(offers) != 2 {
			t.Errorf("%d models to talk with, want those that may be used: %v", len(offers), err)
		}
	})
}

// TestTokensAreCountedOrEstimated asks before a call what it will use.
func TestTokensAreCountedOrEstimated(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		fake := bedrockfake.Run(t, bedrockfake.Options{})
		in := install(t, d, bedrockAt(fake))
		count := func(ctx context.Context, id, text string) (model.TokenCount, error) {
			return in.invoker.CountTokens(ctx, model.Call{ModelID: id, Feature: "chat", Messages: []model.Message{{Role: model.RoleUser, Parts: []model.Part{{Type: model.PartText, Text: text}}}}})
		}
		if got, err := count(in.person, in.model.ID, "予算の説明"); err != nil || got.Estimated || got.Tokens == 0 {
			t.Errorf("by Bedrock: %+v, %v", got, err)
		}
		nova := entered(t, in, model.ModelDraft{RemoteID: "amazon.nova-lite-v1:0", Enabled: true})
		for name, ask := range map[string][2]string{
			"a model whose tokens it does not count": {nova.ID, "予算の説明"}, "without the right to count": {in.model.ID, "[[denied]]予算の説明"}, "throttled": {in.model.ID, "[[throttle]]予算の説明"},
		} {
			if got, err := count(in.person, ask[0], ask[1]); err != nil || !got.Estimated || got.Tokens == 0 {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
		before := len(settled(t, fake))
		abroad := entered(t, in, model.ModelDraft{RemoteID: "global.anthropic.claude-haiku-4-5-20251001-v1:0", Enabled: true})
		if _, err := count(in.person, abroad.ID, "予算"); errs.CodeOf(err) != errs.ResidencyDenied {
			t.Errorf("at a place that is barred: %v", err)
		}
		if _, err := count(in.person, "gone", "予算"); errs.CodeOf(err) != errs.ModelUnavailable {
			t.Errorf("a model that is not there: %v", err)
		}
		if _, err := count(t.Context(), in.model.ID, "予算"); errs.CodeOf(err) != errs.Unauthenticated {
			t.Errorf("nobody: %v", err)
		}
		if len(settled(t, fake)) != before {
			t.Error("what must not leave was sent to be counted")
		}
		if err := in.invoker.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		var n, tokens int
		if err := d.QueryRowContext(t.Context(), `SELECT COUNT(*), SUM(input_tokens) FROM usage_records WHERE operation = 'count_tokens' AND outcome = 'complete'`).Scan(&n, &tokens); err != nil || n != 4 || tokens != 0 {
			t.Errorf("%d counts that used %d tokens, %v", n, tokens, err)
		}
	})
}
