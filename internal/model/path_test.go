package model_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/egress"
	"kakoi/internal/errs"
	"kakoi/internal/governance"
	"kakoi/internal/model"
	"kakoi/internal/model/bedrock"
	"kakoi/internal/model/demo"
	"kakoi/internal/model/modeltest/bedrockfake"
	"kakoi/internal/model/modeltest/openaifake"
	"kakoi/internal/model/openai"
	"kakoi/internal/privacy"
	"kakoi/internal/residency"
	"kakoi/internal/secret"
	"kakoi/internal/secret/secrettest"
)

// adapters wires the real ones to the real way out.
func adapters(gate *egress.Gate) map[model.Kind]model.Adapter {
	return map[model.Kind]model.Adapter{
		model.KindOpenAI: {
			New: func(_ context.Context, c model.AdapterConfig) (model.Provider, error) {
				client, err := gate.Client(c.Egress)
				if err != nil {
					return nil, err
				}
				return openai.New(openai.Config{BaseURL: c.Settings.BaseURL, APIKey: c.Secret.APIKey, Headers: c.Headers(), HTTP: client, Log: c.Log}), nil
			},
			CheckOptions: func(raw json.RawMessage) error { _, err := openai.ParseOptions(raw); return err },
			Tasks:        []model.Task{model.TaskTranscription, model.TaskEmbedding, model.TaskRerank, model.TaskImage},
		},
		model.KindBedrock: {
			New: func(ctx context.Context, c model.AdapterConfig) (model.Provider, error) {
				client, err := gate.Client(c.Egress)
				if err != nil {
					return nil, err
				}
				var roles []bedrock.Role
				for _, r := range c.Settings.Roles {
					roles = append(roles, bedrock.Role{ARN: r.ARN, Endpoint: c.Settings.STSEndpoint})
				}
				return bedrock.New(ctx, bedrock.Config{
					Region: c.Settings.Region, Endpoint: c.Settings.Endpoint, ControlEndpoint: c.Settings.ControlEndpoint, STSEndpoint: c.Settings.STSEndpoint,
					AgentRuntimeEndpoint: c.Settings.AgentRuntimeEndpoint,
					Credentials: bedrock.Credentials{
						Kind: bedrock.CredentialKind(c.Settings.Credentials), AccessKeyID: c.Secret.AccessKeyID, SecretAccessKey: c.Secret.SecretAccessKey,
						SessionToken: c.Secret.SessionToken, Profile: c.Settings.Profile, BearerToken: c.Secret.BearerToken,
					},
					Roles: roles, HTTP: client, Log: c.Log,
				})
			},
			CheckOptions: func(raw json.RawMessage) error { _, err := bedrock.ParseOptions(raw); return err },
			Tasks:        []model.Task{model.TaskEmbedding, model.TaskRerank, model.TaskImage, model.TaskGuardrail},
			Reaches:      bedrock.Reaches,
		},
		model.KindDemo: {New: func(context.Context, model.AdapterConfig) (model.Provider, error) {
			return demo.New(demo.Config{}), nil
		}},
	}
}

// upstream is one of the fakes, as the tests below see it.
type upstream struct {
	draft    model.ConnectionDraft
	remoteID string
	task     model.Task
	place    string
	rotate   func() *model.SecretPatch
	calls    func() int
	idle     func(ctx context.Context) error // returns when nothing is being answered
	busy     func(ctx context.Context) error
}

func startOpenAI(t testing.TB) upstream {
	fake := &openaifake.Server{Key: "first-key"}
	s := httptest.NewServer(fake)
	t.Cleanup(s.Close)
	return upstream{
		draft: model.ConnectionDraft{
			Name: "Local", Kind: model.KindOpenAI, Enabled: true, Settings: model.Settings{BaseURL: s.URL + "/v1"}, Secret: model.Secret{APIKey: "first-key"},
		},
		remoteID: openaifake.DefaultModels[0], place: "this server",
		rotate: func() *model.SecretPatch {
			fake.Key = "second-key"
			return &model.SecretPatch{APIKey: new("second-key")}
		},
		calls: fake.Total,
		idle:  func(ctx context.Context) error { return fake.WaitLive(ctx, 0) },
		busy:  func(ctx context.Context) error { return fake.WaitLive(ctx, 1) },
	}
}

func startBedrock(t testing.TB) upstream {
	return bedrockAt(bedrockfake.Run(t, bedrockfake.Options{}))
}

func bedrockAt(fake *bedrockfake.Server) upstream {
	second := bedrockfake.DefaultKey
	second.ID, second.Secret = "AKIAKAKOIFAKE0000002", "fake/second"
	return upstream{
		draft: model.ConnectionDraft{
			Name: "Tokyo", Kind: model.KindBedrock, Enabled: true,
			Settings: model.Settings{Region: "ap-northeast-1", Endpoint: fake.URL, ControlEndpoint: fake.URL, STSEndpoint: fake.URL, AgentRuntimeEndpoint: fake.URL, Credentials: model.CredentialsStatic},
			Secret:   model.Secret{AccessKeyID: bedrockfake.DefaultKey.ID, SecretAccessKey: bedrockfake.DefaultKey.Secret},
		},
		remoteID: "jp.anthropic.claude-sonnet-4-5-20250929-v1:0", place: "ap-northeast-1 or ap-northeast-3 (from ap-northeast-1)",
		rotate: func() *model.SecretPatch {
			fake.SetKeys(second)
			return &model.SecretPatch{AccessKeyID: &second.ID, SecretAccessKey: &second.Secret}
		},
		calls: func() int {
			n := 0
			for _, r := range fake.Requests() {
				if r.Operation == "ConverseStream" {
					n++
				}
			}
			return n
		},
		idle: func(ctx context.Context) error {
			return fake.Await(ctx, func(s bedrockfake.Stats) bool { return s.Running == 0 })
		},
		busy: func(ctx context.Context) error {
			return fake.Await(ctx, func(s bedrockfake.Stats) bool { return s.Running == 1 })
		},
	}
}

// installation is everything between a feature and the wire.
type installation struct {
	db        *db.DB
	gate      *egress.Gate
	catalogue *model.Catalogue
	invoker   *model.Invoker
	model     model.Model
	audit     *audit.Log
	admin     context.Context
	person    context.Context
}

func install(t testing.TB, d *db.DB, up upstream) *installation {
	t.Helper()
	record := audit.New(d, time.Now)
	log := slog.New(slog.DiscardHandler)
	in := &installation{db: d, audit: record, gate: egress.New(egress.Options{Log: log})}
	places := residency.New(residency.Options{DB: d, Profiles: residency.Bundled(), Policies: residency.Always(residency.Japan()), Now: time.Now, Log: log})
	in.catalogue = model.NewCatalogue(model.CatalogueOptions{
		DB: d, Secrets: secret.New(secrettest.NewKey(t)), Audit: record, Grants: access.NewGrants(d, time.Now),
		Adapters: adapters(in.gate), Fetch: in.gate, Places: places, Now: time.Now, Log: log,
	})
	in.invoker = model.NewInvoker(model.InvokerOptions{
		Catalogue: in.catalogue, DB: d, Masker: privacy.Masker{}, Residency: places, Budgets: governance.Budgets{},
		Audit: record, Now: time.Now, Log: log,
	})
	in.admin = access.WithPrincipal(t.Context(), access.Principal{AccountID: "admin", Rights: access.Rights(access.Administrator)})
	in.person = access.WithPrincipal(t.Context(), access.Principal{AccountID: "person"})
	connection, err := in.catalogue.CreateConnection(in.admin, up.draft)
	if err != nil {
		t.Fatal(err)
	}
	in.model, err = in.catalogue.CreateModel(in.admin, model.ModelDraft{
		ConnectionID: connection.ID, RemoteID: up.remoteID, Task: up.task, Enabled: true, Price: model.Price{Currency: "JPY", Input: 100, Output: 200},
	})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

type answer struct {
	text  string
	usage model.Usage
	cost  model.Money
	stop  model.StopReason
	err   error
}

func (in *installation) ask(ctx context.Context, prompt string) (a answer) {
	call := model.Call{ModelID: in.model.ID, Feature: "chat", Messages: []model.Message{{Role: model.RoleUser, Parts: []model.Part{{Type: model.PartText, Text: prompt}}}}}
	for e, err := range in.invoker.Stream(ctx, call) {
		if err != nil {
			a.err = err
			break
		}
		switch e.Type {
		case model.EventText:
			a.text += e.Text
		case model.EventUsage:
			a.usage, a.cost = e.Usage, e.Cost
		case model.EventStop:
			a.stop = e.StopReason
		}
	}
	return a
}

// TestAPersonReachesEachKindOfProvider goes the whole path, from the principal
// over the store, the seal, the adapter and the only way out, to the wire.
func TestAPersonReachesEachKindOfProvider(t *testing.T) {
	for name, start := range map[string]func(testing.TB) upstream{"openai": startOpenAI, "bedrock": startBedrock} {
		t.Run(name, func(t *testing.T) {
			dbtest.Run(t, func(t *testing.T, d *db.DB) {
				up := start(t)
				in := install(t, d, up)

				a := in.ask(in.person, "[[say こんにちは、山田さん。]]")
				if a.err != nil || a.text != "こんにちは、山田さん。" || a.stop != model.StopEnd || a.usage.Estimated || a.usage.OutputTokens == 0 || a.cost.Micros == 0 {
					t.Fatalf("answer = %+v", a)
				}
				steps, err := in.catalogue.CheckConnection(in.admin, in.model.ConnectionID, model.ConnectionPatch{}, up.remoteID)
				if err != nil || len(steps) < 5 || steps[len(steps)-1].Name != "stream" || steps[len(steps)-1].Err != nil {
					t.Errorf("check = %+v, %v", steps, err)
				}
				if models, err := in.catalogue.RemoteModels(in.admin, in.model.ConnectionID); err != nil || len(models) == 0 {
					t.Errorf("remote models = %+v, %v", models, err)
				}

				before := up.calls()
				if a := in.ask(in.person, "[[throttle 1]][[say again]] "+t.Name()); a.err != nil || a.text != "again" || up.calls() != before+2 {
					t.Errorf("after being throttled once: %+v with %d calls, want 2", a, up.calls()-before)
				}
				if a := in.ask(in.person, "[[long 20]][[cut 5]]"); errs.CodeOf(a.err) != errs.ModelBrokeOff || a.text == "" || a.usage.OutputTokens == 0 {
					t.Errorf("a stream that was cut: %+v", a)
				}

				// Stopped before the first byte: the provider sees it within a second.
				if err := up.idle(t.Context()); err != nil { // it may still be closing the stream that was cut
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(in.person)
				go func() {
					_ = up.busy(t.Context())
					cancel()
				}()
				if a := in.ask(ctx, "[[silence]]"); !errors.Is(a.err, context.Canceled) {
					t.Errorf("a stopped call: %+v", a)
				}
				soon, done := context.WithTimeout(t.Context(), time.Second)
				defer done()
				if err := up.idle(soon); err != nil {
					t.Errorf("the provider still works on a stopped call after a second: %v", err)
				}

				patch := up.rotate()
				if a := in.ask(in.person, "[[say no]]"); errs.CodeOf(a.err) != errs.ModelCredentials {
					t.Errorf("with a key that was withdrawn: %+v", a)
				}
				if _, err := in.catalogue.UpdateConnection(in.admin, in.model.ConnectionID, model.ConnectionPatch{Secret: patch}); err != nil {
					t.Fatal(err)
				}
				if a := in.ask(in.person, "[[say yes]]"); a.err != nil || a.text != "yes" {
					t.Errorf("with the new key: %+v", a)
				}

				if err := in.invoker.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				var outcomes []string
				rows, err := d.QueryContext(t.Context(), `SELECT outcome, place FROM usage_records ORDER BY id`)
				if err != nil {
					t.Fatal(err)
				}
				defer rows.Close()
				for rows.Next() {
					var outcome, place string
					if err := rows.Scan(&outcome, &place); err != nil {
						t.Fatal(err)
					}
					if place != up.place {
						t.Errorf("processed in %q, want %q", place, up.place)
					}
					outcomes = append(outcomes, outcome)
				}
				if err := rows.Err(); err != nil {
					t.Fatal(err)
				}
				if got, want := strings.Join(outcomes, " "), "complete complete model_broke_off stopped model_credentials complete"; got != want {
					t.Errorf("outcomes = %q, want %q", got, want)
				}
				for _, r := range in.gate.Snapshot() {
					if r.Refusals != 0 || !strings.HasPrefix(r.Destination, "127.0.0.1:") || !strings.HasSuffix(r.Purpose, ":"+in.model.ConnectionID) {
						t.Errorf("egress = %+v", r)
					}
				}
			})
		})
	}
}

func TestAFreshInstallationAnswersWithoutANetwork(t *testing.T) {
	d := dbtest.Open(t, db.SQLite)
	in := install(t, d, startOpenAI(t))
	if err := in.catalogue.DeleteConnection(in.admin, in.model.ConnectionID, true); err != nil {
		t.Fatal(err)
	}
	if err := in.catalogue.Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	offers, err := in.catalogue.Offers(in.person)
	if err != nil {
		t.Fatal(err)
	}
	o, ok := model.DefaultOf(offers, "")
	if !ok || o.Kind != model.KindDemo || o.Place.Kind != residency.Server {
		t.Fatalf("offers = %+v", offers)
	}
	in.model = o.Model
	if a := in.ask(in.person, "こんにちは"); a.err != nil || a.text == "" || a.stop != model.StopEnd {
		t.Errorf("answer = %+v", a)
	}
	if records := in.gate.Snapshot(); len(records) != 0 {
		t.Errorf("egress = %+v, want none", records)
	}
}

// TestABarredCallStaysHere goes the whole path with a fake of Bedrock that would
// answer whatever reached it.
func TestABarredCallStaysHere(t *testing.T) {
	const sonnet = "anthropic.claude-sonnet-4-5-20250929-v1:0"
	for _, tt := range []struct {
		name, remoteID string
		code           residency.Code
		details        map[string]string // of the audit event
		place, instead string
	}{
		{"a profile that leads anywhere", "global." + sonnet, residency.AnywhereBarred,
			map[string]string{"place_profile": "global." + sonnet, "place_rule": "Japan", "place_code": "anywhere_barred"},
			"any region of the world (from ap-northeast-1)", sonnet + ", jp." + sonnet},
		{"a profile that leaves Japan", "apac.anthropic.claude-3-haiku-20240307-v1:0", residency.RegionBarred,
			map[string]string{"place_profile": "apac.anthropic.claude-3-haiku-20240307-v1:0", "place_rule": "Japan", "place_region": "ap-northeast-2", "place_code": "region_barred"},
			"", "anthropic.claude-3-haiku-20240307-v1:0"},
		{"a profile that nobody knows", "jp.anthropic.claude-unheard-of", residency.PlaceUnknown,
			map[string]string{"place_name": "jp.anthropic.claude-unheard-of", "place_code": "place_unknown"},
			"nobody knows where: jp.anthropic.claude-unheard-of (from ap-northeast-1)", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dbtest.Run(t, func(t *testing.T, d *db.DB) {
				up := startBedrock(t)
				up.remoteID = tt.remoteID
				in := install(t, d, up)
				for _, feature := range []string{"chat", "title", "summary"} {
					call := model.Call{ModelID: in.model.ID, Feature: feature, Messages: []model.Message{{Role: model.RoleUser, Parts: []model.Part{{Type: model.PartText, Text: "口外無用"}}}}}
					var err error
					for _, e := range in.invoker.Stream(in.person, call) {
						err = e
					}
					var refused *errs.Error
					if !errors.As(err, &refused) || refused.Code != errs.ResidencyDenied || refused.Params["reason"] != string(tt.code) || refused.Params["instead"] != tt.instead {
						t.Errorf("%s: %v with %v, want %s, instead %q", feature, err, refused, tt.code, tt.instead)
					}
				}
				if n := up.calls(); n != 0 {
					t.Errorf("%d calls reached Bedrock", n)
				}
				if records := in.gate.Snapshot(); len(records) != 0 {
					t.Errorf("egress = %+v, want none", records)
				}
				offers, err := in.catalogue.Offers(in.person)
				barred, err2 := in.catalogue.Barred(in.person)
				if err != nil || err2 != nil || len(offers) != 0 || barred != 1 {
					t.Errorf("offers = %+v, %d barred, %v %v", offers, barred, err, err2)
				}
				if err := in.invoker.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				events, err := audit.New(d, time.Now).List(in.admin, audit.Filter{Action: "model.invoke", Limit: 10})
				if err != nil || len(events.Items) != 3 {
					t.Fatalf("audit = %+v, %v", events.Items, err)
				}
				for _, e := range events.Items {
					if e.Outcome != audit.Denied || e.ActorID != "person" || e.Details["place_reason"] == "" || tt.place != "" && e.Details["place"] != tt.place {
						t.Errorf("audit = %+v", e)
					}
					for name, want := range tt.details {
						if e.Details[name] != want {
							t.Errorf("%s: %s = %q, want %q", e.Details["feature"], name, e.Details[name], want)
						}
					}
				}
			})
		})
	}
}
