package model

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/egress"
	"kakoi/internal/errs"
	"kakoi/internal/residency"
	"kakoi/internal/secret"
	"kakoi/internal/secret/secrettest"
)

// office is a catalogue over a real store with an adapter that only remembers
// what it was made of.
type office struct {
	*Catalogue
	db     *db.DB
	audit  *audit.Log
	groups *access.Groups
	key    secret.MasterKey
	gate   *egress.Gate

	mu    sync.Mutex
	built []AdapterConfig
}

func newOffice(t *testing.T, d *db.DB) *office {
	t.Helper()
	key := secrettest.NewKey(t)
	record := audit.New(d, time.Now)
	o := &office{db: d, audit: record, groups: access.NewGroups(d, record, access.NewCharts(d, time.Now), time.Now), key: key, gate: egress.New(egress.Options{})}
	o.Catalogue = o.node(d, key)
	return o
}

// node returns another catalogue over the same office's store, as a second
// process has it.
func (o *office) node(d *db.DB, key secret.MasterKey) *Catalogue {
	adapter := Adapter{
		New: func(_ context.Context, c AdapterConfig) (Provider, error) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.built = append(o.built, c)
			return clerk{c}, nil
		},
		CheckOptions: func(raw json.RawMessage) error {
			if strings.Contains(string(raw), "bad") {
				return errs.InField("options", "no")
			}
			return nil
		},
	}
	return NewCatalogue(CatalogueOptions{
		DB: d, Secrets: secret.New(key), Audit: o.audit, Grants: access.NewGrants(d, time.Now), Fetch: o.gate, Places: anywhere(d),
		Adapters: map[Kind]Adapter{KindOpenAI: adapter, KindBedrock: adapter, KindDemo: {New: adapter.New}},
		Now:      time.Now, Log: slog.New(slog.DiscardHandler),
	})
}

// anywhere permits every place.
func anywhere(d *db.DB) *residency.Service {
	return residency.New(residency.Options{DB: d, Profiles: residency.Bundled(), Policies: residency.Always{Open: true}, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
}

func (o *office) lastBuilt() AdapterConfig {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.built[len(o.built)-1]
}

// clerk is a provider that answers with the key it was given.
type clerk struct{ c AdapterConfig }

func (c clerk) Stream(ctx context.Context, r Request) iter.Seq2[Event, error] {
	return says(c.c.Secret.APIKey).Stream(ctx, r)
}

func (c clerk) Models(context.Context) ([]RemoteModel, error) {
	return []RemoteModel{{ID: "demo", Name: "Demonstration", Capabilities: Capabilities{Vision: true}}}, nil
}

func (c clerk) Check(_ context.Context, model string) []CheckStep {
	if c.c.Secret.APIKey == "wrong" {
		return []CheckStep{{Name: "configuration"}, {Name: "credentials", Err: errs.New(errs.ModelCredentials, "no")}}
	}
	return []CheckStep{{Name: "configuration"}, {Name: "answer", Detail: model + " with " + c.c.Settings.BaseURL}}
}

func openAIDraft() ConnectionDraft {
	return ConnectionDraft{
		Name: "Local", Kind: KindOpenAI, Enabled: true, Settings: Settings{BaseURL: "http://llm.example:8000/v1/", Headers: map[string]string{"X-Team": "a"}},
		Secret: Secret{APIKey: " canary-key\n", Headers: map[string]string{"X-Secret": "canary-header"}},
	}
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantCode(t *testing.T, what string, err error, code errs.Code, field string) {
	t.Helper()
	var e *errs.Error
	if errs.CodeOf(err) != code || (field != "" && (!errors.As(err, &e) || e.Field != field)) {
		t.Errorf("%s: error = %v (%s), want code %s in field %q", what, err, errs.CodeOf(err), code, field)
	}
}

func TestASecretGoesInAndNeverComesOut(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		ctx := administrator(t.Context())
		c := must(o.CreateConnection(ctx, openAIDraft()))(t)
		if want := []string{"apiKey", "headers.X-Secret"}; !slices.Equal(c.SecretNames, want) {
			t.Errorf("secret names = %q, want %q", c.SecretNames, want)
		}
		if c.Settings.BaseURL != "http://llm.example:8000/v1" {
			t.Errorf("base URL = %q", c.Settings.BaseURL)
		}
		stored := must(o.Connection(ctx, c.ID))(t)
		provider := must(o.provider(ctx, stored))(t)
		got := o.lastBuilt()
		if got.Secret.APIKey != "canary-key" || got.Secret.Headers["X-Secret"] != "canary-header" {
			t.Error("the adapter did not get the secret")
		}
		if got.Egress.Purpose != "model:"+c.ID || !slices.Equal(got.Egress.Allow, []string{"llm.example:8000"}) || got.Egress.Metadata {
			t.Errorf("egress = %+v", got.Egress)
		}
		var shown strings.Builder
		log := slog.New(slog.NewJSONHandler(&shown, nil))
		for _, v := range []any{stored, got, got.Secret, &got.Secret, openAIDraft()} {
			text, err := json.Marshal(v)
			if err != nil {
				if _, ok := v.(AdapterConfig); !ok { // it holds a logger
					t.Errorf("marshal %T: %v", v, err)
				}
			}
			fmt.Fprintf(&shown, "%s %v %+v %#v", text, v, v, v)
			log.Info("x", "v", v)
		}
		_ = provider
		events := must(o.audit.List(ctx, audit.Filter{}))(t)
		fmt.Fprintf(&shown, "%+v", events)
		var settings, names string
		var sealed []byte
		if err := d.QueryRowContext(ctx, `SELECT settings, secret_names, secret FROM connections`).Scan(&settings, &names, &sealed); err != nil {
			t.Fatal(err)
		}
		if all := shown.String() + settings + names + string(sealed); strings.Contains(all, "canary") {
			t.Errorf("the secret shows in %s", all)
		}
	})
}

// What decides where prompts may go, and who judges them, is on record with
// whoever changed it.
func TestTheRecordSaysWhatDecidesWherePromptsGo(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		ctx := administrator(t.Context())
		c := must(o.CreateConnection(ctx, openAIDraft()))(t)
		must(o.UpdateConnection(ctx, c.ID, ConnectionPatch{Settings: &Settings{BaseURL: c.Settings.BaseURL, Country: "JP"}}))(t)
		must(o.CreateConnection(ctx, ConnectionDraft{Name: "Tokyo", Kind: KindBedrock, Settings: Settings{
			Region: "ap-northeast-1", Proxy: "http://proxy.example:8080", Roles: []AssumedRole{{ARN: "arn:aws:iam::123456789012:role/a"}, {ARN: "arn:aws:iam::999988887777:role/b"}},
		}}))(t)
		m := must(o.CreateModel(ctx, ModelDraft{ConnectionID: c.ID, RemoteID: "m", Options: json.RawMessage(`{"guardrail":"g"}`)}))(t)
		var said []map[string]string
		for _, e := range must(o.audit.List(ctx, audit.Filter{}))(t).Items {
			said = append(said, e.Details)
		}
		slices.Reverse(said)
		for i, want := range []map[string]string{
			{"country": ""}, {"country": "JP"},
			{"region": "ap-northeast-1", "proxy": "http://proxy.example:8080", "roles": "arn:aws:iam::123456789012:role/a arn:aws:iam::999988887777:role/b"},
			{"grants": "everyone", "options": string(m.Options)},
		} {
			for name, value := range want {
				if got, ok := said[i][name]; !ok || got != value {
					t.Errorf("event %d: %s is %q, want %q", i, name, got, value)
				}
			}
		}
	})
}

func TestAChangeOfAConnectionTakesEffectWithTheNextCallOnEveryNode(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		second := o.node(d, o.key)
		ctx := administrator(t.Context())
		c := must(o.CreateConnection(ctx, openAIDraft()))(t)
		m := must(o.CreateModel(ctx, ModelDraft{ConnectionID: c.ID, RemoteID: "gemma3", Enabled: true}))(t)
		answer := func(node *Catalogue) string {
			i := NewInvoker(InvokerOptions{Catalogue: node, DB: d, Masker: &steps{}, Residency: &steps{}, Budgets: &steps{}, Audit: o.audit, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
			h := listen(i.Stream(person(t.Context()), Call{ModelID: m.ID, Feature: "chat", Messages: question("a")}))
			if h.err != nil {
				return string(errs.CodeOf(h.err))
			}
			return h.text()
		}
		for _, node := range []*Catalogue{o.Catalogue, second, o.Catalogue, second} {
			if got := answer(node); got != "canary-key" {
				t.Errorf("answer = %q, want the first key", got)
			}
		}
		if n := len(o.built); n != 2 {
			t.Errorf("%d providers were made, want one for each node", n)
		}
		must(o.UpdateConnection(ctx, c.ID, ConnectionPatch{Secret: &SecretPatch{APIKey: new("second")}}))(t)
		for _, node := range []*Catalogue{o.Catalogue, second} {
			if got := answer(node); got != "second" {
				t.Errorf("answer = %q, want the second key", got)
			}
		}
		if s := o.lastBuilt().Secret; s.Headers["X-Secret"] != "canary-header" {
			t.Error("a secret that was not changed is gone")
		}
		must(o.UpdateConnection(ctx, c.ID, ConnectionPatch{Enabled: new(false)}))(t)
		for _, node := range []*Catalogue{o.Catalogue, second} {
			if got := answer(node); got != string(errs.ModelUnavailable) {
				t.Errorf("answer of a disabled connection = %q", got)
			}
		}
	})
}

func TestUpdatingAConnectionKeepsWhatIsNotNamed(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		ctx := administrator(t.Context())
		c := must(o.CreateConnection(ctx, openAIDraft()))(t)
		update := func(p ConnectionPatch) (Connection, error) { return o.UpdateConnection(ctx, c.ID, p) }

		got := must(update(ConnectionPatch{Name: new("Renamed")}))(t)
		if got.Name != "Renamed" || !got.Enabled || got.Settings.BaseURL != c.Settings.BaseURL || !slices.Equal(got.SecretNames, c.SecretNames) {
			t.Errorf("after renaming: %+v", got)
		}
		same := Settings{BaseURL: "http://LLM.example:8000/other"}
		if got = must(update(ConnectionPatch{Settings: &same}))(t); len(got.Settings.Headers) != 0 || len(got.SecretNames) != 2 {
			t.Errorf("after new settings on the same server: %+v", got)
		}
		moved := Settings{BaseURL: "http://elsewhere.example/v1"}
		_, err := update(ConnectionPatch{Settings: &moved})
		wantCode(t, "a stored key for another server", err, errs.InvalidInput, "secret.apiKey")
		_, err = update(ConnectionPatch{Settings: &moved, Secret: &SecretPatch{APIKey: new("new")}})
		wantCode(t, "a stored header for another server", err, errs.InvalidInput, "secret.headers.X-Secret")
		got = must(update(ConnectionPatch{Settings: &moved, Secret: &SecretPatch{APIKey: new("new"), Headers: map[string]string{"x-secret": ""}}}))(t)
		if !slices.Equal(got.SecretNames, []string{"apiKey"}) {
			t.Errorf("secret names after moving = %q", got.SecretNames)
		}
		if got = must(update(ConnectionPatch{Secret: &SecretPatch{APIKey: new("")}}))(t); len(got.SecretNames) != 0 {
			t.Errorf("secret names after removing = %q", got.SecretNames)
		}
		other := openAIDraft()
		other.Name = "Other"
		must(o.CreateConnection(ctx, other))(t)
		_, err = update(ConnectionPatch{Name: new("Other")})
		wantCode(t, "a name that is taken", err, errs.Conflict, "name")
		_, err = o.UpdateConnection(ctx, "none", ConnectionPatch{})
		wantCode(t, "a connection that is not there", err, errs.NotFound, "")
	})
}

func TestBedrockKeepsOnlyTheSecretsItsCredentialsUse(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		ctx := administrator(t.Context())
		draft := ConnectionDraft{
			Name: "Tokyo", Kind: KindBedrock, Enabled: true, Settings: Settings{Region: "ap-northeast-1", Credentials: CredentialsStatic},
			Secret: Secret{AccessKeyID: "AKIA", APIKey: "not used"},
		}
		_, err := o.CreateConnection(ctx, draft)
		wantCode(t, "half a key", err, errs.InvalidInput, "secret.secretAccessKey")
		draft.Secret.SecretAccessKey = "s"
		c := must(o.CreateConnection(ctx, draft))(t)
		if !slices.Equal(c.SecretNames, []string{"accessKeyId", "secretAccessKey"}) {
			t.Errorf("secret names = %q", c.SecretNames)
		}
		settings := Settings{Region: "ap-northeast-1", Credentials: CredentialsBearer}
		_, err = o.UpdateConnection(ctx, c.ID, ConnectionPatch{Settings: &settings})
		wantCode(t, "a bearer without its token", err, errs.InvalidInput, "secret.bearerToken")
		c = must(o.UpdateConnection(ctx, c.ID, ConnectionPatch{Settings: &settings, Secret: &SecretPatch{BearerToken: new("t")}}))(t)
		if !slices.Equal(c.SecretNames, []string{"bearerToken"}) {
			t.Errorf("secret names = %q", c.SecretNames)
		}
		settings.Endpoint = "https://vpce.example"
		_, err = o.UpdateConnection(ctx, c.ID, ConnectionPatch{Settings: &settings})
		wantCode(t, "a stored token for another endpoint", err, errs.InvalidInput, "secret.bearerToken")
		_, err = o.UpdateConnection(ctx, c.ID, ConnectionPatch{Settings: &Settings{Region: "ap-northeast-1", Credentials: CredentialsBearer, ControlEndpoint: "https://elsewhere.example"}})
		wantCode(t, "a stored token for another endpoint of the lists", err, errs.InvalidInput, "secret.bearerToken")
	})
}

func TestASecretUnderAnotherMasterKeyCanBeEnteredAgain(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		ctx := administrator(t.Context())
		c := must(o.CreateConnection(ctx, openAIDraft()))(t)
		other := newOffice(t, d) // another key file
		_, err := other.RemoteModels(ctx, c.ID)
		wantCode(t, "a call", err, errs.SecretUnreadable, "")
		if steps, err := other.CheckConnection(ctx, c.ID, ConnectionPatch{}, ""); err != nil || errs.CodeOf(steps[0].Err) != errs.SecretUnreadable {
			t.Errorf("check = %+v, %v", steps, err)
		}
		must(other.UpdateConnection(ctx, c.ID, ConnectionPatch{Enabled: new(false)}))(t)
		got := must(other.UpdateConnection(ctx, c.ID, ConnectionPatch{Enabled: new(true), Secret: &SecretPatch{APIKey: new("again")}}))(t)
		if !slices.Equal(got.SecretNames, []string{"apiKey"}) {
			t.Errorf("secret names = %q", got.SecretNames)
		}
		if _, err := other.RemoteModels(ctx, c.ID); err != nil {
			t.Errorf("after entering it again: %v", err)
		}
	})
}

func TestDeletingAConnectionWithModelsMustBeMeant(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		ctx := administrator(t.Context())
		c := must(o.CreateConnection(ctx, openAIDraft()))(t)
		draft := openAIDraft()
		draft.Name = "Other"
		kept := must(o.CreateConnection(ctx, draft))(t)
		gone := must(o.CreateModel(ctx, ModelDraft{ConnectionID: c.ID, RemoteID: "a", Enabled: true}))(t)
		left := must(o.CreateModel(ctx, ModelDraft{ConnectionID: kept.ID, RemoteID: "b", Enabled: true, FallbackID: gone.ID}))(t)
		err := o.DeleteConnection(ctx, c.ID, false)
		wantCode(t, "deleting it alone", err, errs.Conflict, "")
		if err := o.DeleteConnection(ctx, c.ID, true); err != nil {
			t.Fatal(err)
		}
		models := must(o.Models(ctx))(t)
		if len(models) != 1 || models[0].ID != left.ID || models[0].FallbackID != "" {
			t.Errorf("models = %+v, want the other one without its fallback", models)
		}
		wantCode(t, "deleting it twice", o.DeleteConnection(ctx, c.ID, true), errs.NotFound, "")
		if err := o.DeleteModel(ctx, left.ID); err != nil {
			t.Fatal(err)
		}
		if err := o.DeleteConnection(ctx, kept.ID, false); err != nil {
			t.Errorf("deleting an empty connection: %v", err)
		}
	})
}

func TestAConnectionSaysWhichModelsNeedItBeforeItGoes(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		ctx := administrator(t.Context())
		connection := func(name string) Connection {
			draft := openAIDraft()
			draft.Name = name
			return must(o.CreateConnection(ctx, draft))(t)
		}
		tokyo, osaka := connection("Tokyo"), connection("Osaka")
		routed := must(o.CreateModel(ctx, ModelDraft{ConnectionID: tokyo.ID, RemoteID: "a", DisplayName: "A", Enabled: true, Routes: []Route{{ConnectionID: osaka.ID}, {ConnectionID: osaka.ID, RemoteID: "a2"}}}))(t)
		names := func(of []Dependent) string {
			var out []string
			for _, d := range of {
				out = append(out, d.DisplayName)
			}
			return strings.Join(out, " ")
		}
		if got := must(o.Dependents(ctx, osaka.ID))(t); names(got.Models) != "" || names(got.Routed) != "A" {
			t.Errorf("osaka: %+v", got)
		}
		// One that is its own is not told twice, however many ways it has.
		must(o.CreateModel(ctx, ModelDraft{ConnectionID: osaka.ID, RemoteID: "b", DisplayName: "B", Routes: []Route{{ConnectionID: osaka.ID, RemoteID: "b2"}}}))(t)
		if got := must(o.Dependents(ctx, osaka.ID))(t); names(got.Models) != "B" || names(got.Routed) != "A" {
			t.Errorf("osaka with a model: %+v", got)
		}
		err := o.DeleteConnection(ctx, osaka.ID, false)
		wantCode(t, "deleting it unasked", err, errs.Conflict, "")
		if e := (*errs.Error)(nil); !errors.As(err, &e) || e.Params["models"] != "1" || e.Params["routed"] != "1" {
			t.Errorf("deleting it unasked: %v", err)
		}
		must(o.UpdateModel(ctx, routed.ID, ModelPatch{Routes: &[]Route{}}))(t)
		if got := must(o.Dependents(ctx, osaka.ID))(t); names(got.Routed) != "" {
			t.Errorf("without routes: %+v", got)
		}
		must(o.UpdateModel(ctx, routed.ID, ModelPatch{Routes: &[]Route{{ConnectionID: osaka.ID}}}))(t)
		if err := o.DeleteConnection(ctx, osaka.ID, true); err != nil {
			t.Fatal(err)
		}
		if models := must(o.Models(ctx))(t); len(models) != 1 || models[0].ID != routed.ID || len(models[0].Routes) != 0 {
			t.Errorf("left: %+v", models)
		}
		_, err = o.Dependents(ctx, osaka.ID)
		wantCode(t, "of one that is gone", err, errs.NotFound, "")
		member := access.WithPrincipal(t.Context(), access.Principal{AccountID: "p"})
		_, err = o.Dependents(member, tokyo.ID)
		wantCode(t, "a member asks", err, errs.Forbidden, "")
	})
}

func TestPeopleAreOfferedTheModelsOfTheirGroupsInOrder(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		ctx := administrator(t.Context())
		tax := must(o.groups.Create(ctx, "税務課", nil))(t)
		welfare := must(o.groups.Create(ctx, "福祉課", nil))(t)
		c := must(o.CreateConnection(ctx, openAIDraft()))(t)
		add := func(name string, enabled bool, groups ...string) Model {
			return must(o.CreateModel(ctx, ModelDraft{ConnectionID: c.ID, RemoteID: "r", DisplayName: name, Enabled: enabled, Grants: forGroups(groups...)}))(t)
		}
		all := add("all", true)
		forTax := add("tax", true, tax.ID)
		both := add("both", true, welfare.ID, tax.ID, tax.ID)
		off := add("off", false)
		names := func(ctx context.Context) string {
			offers := must(o.Offers(ctx))(t)
			var names []string
			for _, offer := range offers {
				names = append(names, offer.DisplayName)
				if offer.Grants != nil {
					t.Errorf("%s shows its grants", offer.DisplayName)
				}
			}
			return strings.Join(names, " ")
		}
		for _, tt := range []struct {
			name string
			ctx  context.Context
			want string
		}{
			{"nobody's member", person(t.Context()), "all"},
			{"tax", person(t.Context(), tax.ID), "all tax both"},
			{"welfare", person(t.Context(), welfare.ID), "all both"},
			{"an administrator", administrator(t.Context()), "all"},
		} {
			if got := names(tt.ctx); got != tt.want {
				t.Errorf("%s is offered %q, want %q", tt.name, got, tt.want)
			}
			for _, m := range []Model{all, forTax, both, off} {
				_, err := o.Offer(tt.ctx, m.ID)
				if want := strings.Contains(tt.want, m.DisplayName); (err == nil) != want {
					t.Errorf("%s asks for %s: %v, want offered %v", tt.name, m.DisplayName, err, want)
				} else if err != nil {
					wantCode(t, tt.name, err, errs.ModelUnavailable, "")
				}
			}
		}
		if err := o.OrderModels(ctx, []string{both.ID, "deleted meanwhile", all.ID}); err != nil {
			t.Fatal(err)
		}
		if got := names(person(t.Context(), tax.ID)); got != "both all tax" {
			t.Errorf("after ordering: %q", got)
		}
		wantCode(t, "a model twice", o.OrderModels(ctx, []string{all.ID, all.ID}), errs.InvalidInput, "ids")
		if m := add("last", true); m.Position != 5 {
			t.Errorf("a new model has position %d, want 5", m.Position)
		}

		// What was given to a group alone is nobody's when the group is gone.
		if err := o.groups.Delete(ctx, tax.ID); err != nil {
			t.Fatal(err)
		}
		if got := names(person(t.Context(), tax.ID, welfare.ID)); strings.Contains(strings.ReplaceAll(got, "tax", ""), "tax") {
			t.Errorf("after the group was deleted: %q", got)
		}
		if got := names(person(t.Context())); got != "all last" {
			t.Errorf("after the group was deleted others are offered %q", got)
		}
		_, err := o.UpdateModel(ctx, forTax.ID, ModelPatch{Grants: new(forGroups(tax.ID))})
		wantCode(t, "a group that is gone", err, errs.InvalidInput, "grants")
		must(o.UpdateModel(ctx, forTax.ID, ModelPatch{Grants: new(access.ForEveryone)}))(t)
		if got := names(person(t.Context())); got != "all tax last" {
			t.Errorf("after opening it to everyone: %q", got)
		}
	})
}

func TestAModelIsStoredAsItWasGiven(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		ctx := administrator(t.Context())
		c := must(o.CreateConnection(ctx, openAIDraft()))(t)
		made := must(o.CreateModel(ctx, ModelDraft{
			ConnectionID: c.ID, RemoteID: "jp.anthropic.claude-sonnet-4-6", DisplayName: "  Claude　Sonnet ", Description: "長い文書に",
			Capabilities: Capabilities{Vision: true, ContextTokens: 200_000, OutputTokens: 8192}, Defaults: Parameters{Temperature: new(0.7), ReasoningEffort: EffortLow},
			Options: json.RawMessage(`{"cachePoints":true}`), Enabled: true, Light: true, Price: Price{Currency: "JPY", Input: 450.5, Output: 2250, CacheRead: new(45.0)},
		}))(t)
		models := must(o.Models(ctx))(t)
		if a, b := fmt.Sprintf("%+v", show(made)), fmt.Sprintf("%+v", show(models[0])); a != b {
			t.Errorf("made %s\nread %s", a, b)
		}
		if made.DisplayName != "Claude Sonnet" {
			t.Errorf("display name = %q", made.DisplayName)
		}
		changed := must(o.UpdateModel(ctx, made.ID, ModelPatch{Enabled: new(false)}))(t)
		if changed.Enabled || changed.Description != made.Description || *changed.Price.CacheRead != 45 || changed.Price.CacheWrite != nil || string(changed.Options) != `{"cachePoints":true}` {
			t.Errorf("after switching off: %+v", show(changed))
		}
		offer, err := o.Offer(ctx, made.ID)
		wantCode(t, "a model that is off", err, errs.ModelUnavailable, "")
		if offer.ID != "" {
			t.Error("a refused offer is not empty")
		}
		plain := must(o.CreateModel(ctx, ModelDraft{ConnectionID: c.ID, RemoteID: "gemma3:4b", Enabled: true}))(t)
		if plain.DisplayName != "gemma3:4b" {
			t.Errorf("display name = %q, want the id", plain.DisplayName)
		}
		_, err = o.UpdateModel(ctx, made.ID, ModelPatch{FallbackID: &plain.ID})
		if err != nil {
			t.Fatal(err)
		}
		_, err = o.UpdateModel(ctx, plain.ID, ModelPatch{FallbackID: &made.ID})
		wantCode(t, "a circle", err, errs.InvalidInput, "fallbackId")
		for _, tt := range []struct {
			name  string
			draft ModelDraft
			field string
		}{
			{"no id", ModelDraft{ConnectionID: c.ID}, "remoteId"},
			{"no connection", ModelDraft{ConnectionID: "none", RemoteID: "r"}, "connectionId"},
			{"an unknown fallback", ModelDraft{ConnectionID: c.ID, RemoteID: "r", FallbackID: "none"}, "fallbackId"},
			{"an unknown group", ModelDraft{ConnectionID: c.ID, RemoteID: "r", Grants: forGroups("none")}, "grants"},
			{"options the adapter refuses", ModelDraft{ConnectionID: c.ID, RemoteID: "r", Options: json.RawMessage(`{"bad":1}`)}, "options"},
			{"options that are no JSON", ModelDraft{ConnectionID: c.ID, RemoteID: "r", Options: json.RawMessage(`{`)}, "options"},
			{"a price without a currency", ModelDraft{ConnectionID: c.ID, RemoteID: "r", Price: Price{Input: 1}}, "price.currency"},
			{"another currency", ModelDraft{ConnectionID: c.ID, RemoteID: "r", Price: Price{Currency: "EUR"}}, "price.currency"},
			{"a negative price", ModelDraft{ConnectionID: c.ID, RemoteID: "r", Price: Price{Currency: "JPY", Output: -1}}, "price.output"},
			{"a temperature", ModelDraft{ConnectionID: c.ID, RemoteID: "r", Defaults: Parameters{Temperature: new(2.5)}}, "defaults.temperature"},
			{"a top-p", ModelDraft{ConnectionID: c.ID, RemoteID: "r", Defaults: Parameters{TopP: new(-0.1)}}, "defaults.topP"},
			{"a limit", ModelDraft{ConnectionID: c.ID, RemoteID: "r", Defaults: Parameters{MaxTokens: new(0)}}, "defaults.maxTokens"},
			{"an effort", ModelDraft{ConnectionID: c.ID, RemoteID: "r", Defaults: Parameters{ReasoningEffort: "extreme"}}, "defaults.reasoningEffort"},
			{"a context", ModelDraft{ConnectionID: c.ID, RemoteID: "r", Capabilities: Capabilities{ContextTokens: -1}}, "capabilities.contextTokens"},
		} {
			_, err := o.CreateModel(ctx, tt.draft)
			wantCode(t, tt.name, err, errs.InvalidInput, tt.field)
		}
	})
}

// show makes what pointers point to comparable as text.
func show(m Model) any {
	b, _ := json.Marshal(m)
	return string(b)
}

func TestAFreshInstallationHasADemonstrationOnce(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		ctx := administrator(t.Context())
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if err := o.Seed(t.Context()); err != nil { // nobody acts at the start
					t.Error(err)
				}
			})
		}
		wg.Wait()
		connections := must(o.Connections(ctx))(t)
		offers := must(o.Offers(person(t.Context())))(t)
		if len(connections) != 1 || connections[0].Models != 1 || len(offers) != 1 || offers[0].Kind != KindDemo || !offers[0].Capabilities.Vision {
			t.Fatalf("connections = %+v, offers = %+v; want one demonstration", connections, offers)
		}
		if err := o.DeleteConnection(ctx, connections[0].ID, true); err != nil {
			t.Fatal(err)
		}
		must(o.CreateConnection(ctx, openAIDraft()))(t)
		if err := o.Seed(t.Context()); err != nil {
			t.Fatal(err)
		}
		if connections := must(o.Connections(ctx))(t); len(connections) != 1 {
			t.Errorf("the demonstration came back: %+v", connections)
		}
	})
}

func TestTheDefaultIsThePersonsChoiceThenTheFirstRealModel(t *testing.T) {
	demo := Offer{Model: Model{ID: "demo", Light: true}, Kind: KindDemo}
	first := Offer{Model: Model{ID: "first"}, Kind: KindOpenAI}
	light := Offer{Model: Model{ID: "light", Light: true}, Kind: KindOpenAI}
	for _, tt := range []struct {
		name      string
		offers    []Offer
		preferred string
		want      string
		light     string
	}{
		{"a choice", []Offer{demo, first, light}, "demo", "demo", "demo"},
		{"no choice", []Offer{demo, first, light}, "", "first", "light"},
		{"a choice that is gone", []Offer{demo, first}, "gone", "first", "first"},
		{"the demonstration alone", []Offer{demo}, "", "demo", "demo"},
	} {
		o, ok := DefaultOf(tt.offers, tt.preferred)
		if !ok || o.ID != tt.want {
			t.Errorf("%s: default = %q, want %q", tt.name, o.ID, tt.want)
		}
		if l, ok := LightOf(tt.offers, o.ID); !ok || l.ID != tt.light {
			t.Errorf("%s: light = %q, want %q", tt.name, l.ID, tt.light)
		}
	}
	if _, ok := DefaultOf(nil, ""); ok {
		t.Error("nothing has a default")
	}
	if _, ok := LightOf([]Offer{first}, "gone"); ok {
		t.Error("a model that is gone has a light one")
	}
}

func TestOnlyAdministratorsManageConnectionsAndModels(t *testing.T) {
	d := dbtest.Open(t, db.SQLite)
	o := newOffice(t, d)
	acts := map[string]func(ctx context.Context) error{
		"list connections":  func(ctx context.Context) error { _, err := o.Connections(ctx); return err },
		"read connection":   func(ctx context.Context) error { _, err := o.Connection(ctx, "x"); return err },
		"create connection": func(ctx context.Context) error { _, err := o.CreateConnection(ctx, openAIDraft()); return err },
		"update connection": func(ctx context.Context) error {
			_, err := o.UpdateConnection(ctx, "x", ConnectionPatch{})
			return err
		},
		"delete connection": func(ctx context.Context) error { return o.DeleteConnection(ctx, "x", true) },
		"check draft":       func(ctx context.Context) error { _, err := o.CheckDraft(ctx, openAIDraft(), ""); return err },
		"check connection": func(ctx context.Context) error {
			_, err := o.CheckConnection(ctx, "x", ConnectionPatch{}, "")
			return err
		},
		"remote models": func(ctx context.Context) error { _, err := o.RemoteModels(ctx, "x"); return err },
		"detect":        func(ctx context.Context) error { _, err := o.Detect(ctx); return err },
		"list models":   func(ctx context.Context) error { _, err := o.Models(ctx); return err },
		"create model":  func(ctx context.Context) error { _, err := o.CreateModel(ctx, ModelDraft{}); return err },
		"update model":  func(ctx context.Context) error { _, err := o.UpdateModel(ctx, "x", ModelPatch{}); return err },
		"delete model":  func(ctx context.Context) error { return o.DeleteModel(ctx, "x") },
		"order models":  func(ctx context.Context) error { return o.OrderModels(ctx, nil) },
	}
	for name, act := range acts {
		wantCode(t, name+" as nobody", act(t.Context()), errs.Unauthenticated, "")
		wantCode(t, name+" as a member", act(person(t.Context())), errs.Forbidden, "")
	}
	if connections := must(o.Connections(administrator(t.Context())))(t); len(connections) != 0 {
		t.Errorf("connections = %+v, want none", connections)
	}
}

func TestACheckTriesWhatIsBeingEdited(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		ctx := administrator(t.Context())
		c := must(o.CreateConnection(ctx, openAIDraft()))(t)
		last := func(steps []CheckStep, err error) CheckStep {
			t.Helper()
			if err != nil || len(steps) == 0 {
				t.Fatalf("check = %+v, %v", steps, err)
			}
			return steps[len(steps)-1]
		}
		if s := last(o.CheckConnection(ctx, c.ID, ConnectionPatch{}, "gemma3")); s.Err != nil || s.Detail != "gemma3 with http://llm.example:8000/v1" {
			t.Errorf("the stored connection: %+v", s)
		}
		if got := o.lastBuilt(); got.Secret.APIKey != "canary-key" || got.Egress.Purpose != "check:"+c.ID {
			t.Errorf("checked with %+v", got.Egress)
		}
		edited := Settings{BaseURL: "http://llm.example:8000/v2"}
		if s := last(o.CheckConnection(ctx, c.ID, ConnectionPatch{Settings: &edited}, "")); s.Detail != " with http://llm.example:8000/v2" {
			t.Errorf("the edited connection: %+v", s)
		}
		moved := Settings{BaseURL: "http://elsewhere.example/v1"}
		if s := last(o.CheckConnection(ctx, c.ID, ConnectionPatch{Settings: &moved}, "")); s.Name != "configuration" || errs.CodeOf(s.Err) != errs.InvalidInput {
			t.Errorf("a stored key for another server: %+v", s)
		}
		if got := must(o.Connection(ctx, c.ID))(t); got.Settings.BaseURL != c.Settings.BaseURL {
			t.Errorf("the check changed the connection: %+v", got)
		}
		draft := openAIDraft()
		draft.Name, draft.Secret.APIKey = "", "wrong"
		if s := last(o.CheckDraft(ctx, draft, "")); s.Name != "credentials" || errs.CodeOf(s.Err) != errs.ModelCredentials {
			t.Errorf("a draft with a wrong key: %+v", s)
		}
		draft.Settings.BaseURL = "llm.example"
		if s := last(o.CheckDraft(ctx, draft, "")); s.Name != "configuration" || errs.CodeOf(s.Err) != errs.InvalidInput {
			t.Errorf("a draft with a malformed address: %+v", s)
		}
		events := must(o.audit.List(ctx, audit.Filter{Action: "connection.check"}))(t)
		if len(events.Items) != 3 || events.Items[0].Outcome != audit.Failure || events.Items[0].Details["code"] != "model_credentials" {
			t.Errorf("audit = %+v", events.Items)
		}
	})
}

func TestWhatAPersonUsesIsKeptAndAudited(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		ctx := administrator(t.Context())
		group := must(o.groups.Create(ctx, "税務課", nil))(t)
		c := must(o.CreateConnection(ctx, openAIDraft()))(t)
		m := must(o.CreateModel(ctx, ModelDraft{ConnectionID: c.ID, RemoteID: "gemma3", Enabled: true, Grants: forGroups(group.ID), Price: Price{Currency: "JPY", Input: 10, Output: 20}}))(t)
		i := NewInvoker(InvokerOptions{Catalogue: o.Catalogue, DB: d, Masker: &steps{}, Residency: &steps{}, Budgets: &steps{}, Audit: o.audit, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		running, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { i.Run(running); close(done) }()
		call := Call{ModelID: m.ID, Feature: "chat", Messages: question("a"), ConversationID: "conversation", RunID: "run"}
		request := audit.WithRequest(person(t.Context(), group.ID), audit.RequestInfo{ID: "request"})
		if h := listen(i.Stream(request, call)); h.err != nil {
			t.Fatal(h.err)
		}
		h := listen(i.Stream(person(t.Context(), "another group"), call))
		wantCode(t, "another group", h.err, errs.ModelUnavailable, "")
		stop()
		<-done // what was left is written now

		rows, err := d.QueryContext(t.Context(), `SELECT account_id, model_name, connection_id, run_id, input_tokens, cost_micros, currency, outcome, place, place_reason, first_token_ms IS NULL FROM usage_records ORDER BY id`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var got []string
		for rows.Next() {
			var account, name, connection, run, currency, outcome, place, reason string
			var input, cost int64
			var silent bool
			if err := rows.Scan(&account, &name, &connection, &run, &input, &cost, &currency, &outcome, &place, &reason, &silent); err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(account, name, connection == c.ID, run, input, cost, currency, outcome, place, reason, silent))
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		want := []string{
			fmt.Sprint("account", "gemma3", true, "run", 1_000_000, 20_000_000, "JPY", "complete", "llm.example", "no policy is decided", false),
			fmt.Sprint("account", "", false, "run", 0, 0, "", "model_unavailable", "", "", true),
		}
		if !slices.Equal(got, want) {
			t.Errorf("usage = %q\nwant    %q", got, want)
		}
		events := must(o.audit.List(ctx, audit.Filter{Action: "model.invoke"}))(t)
		if len(events.Items) != 2 || events.Items[0].Outcome != audit.Denied || events.Items[1].Outcome != audit.Success ||
			events.Items[1].ActorID != "account" || events.Items[1].SessionID != "session" || events.Items[1].Request.ID != "request" || events.Items[1].Resource.ID != m.ID {
			t.Errorf("audit = %+v", events.Items)
		}
	})
}

func TestUsageWaitsForAStoreThatIsAway(t *testing.T) {
	d := dbtest.Open(t, db.SQLite)
	l := newLedger(d, audit.New(d, time.Now), slog.New(slog.DiscardHandler))
	for n := range 3 * usageBatch {
		l.add(person(t.Context()), UsageRecord{ID: fmt.Sprint(n), AccountID: "account", ModelID: "m", Outcome: OutcomeComplete}, nil)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.flush(ended); err == nil {
		t.Error("a flush that cannot write reports nothing")
	}
	if err := l.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := d.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM usage_records`).Scan(&n); err != nil || n != 3*usageBatch {
		t.Errorf("%d records, %v; want %d", n, err, 3*usageBatch)
	}
	if len(l.pending) != 0 {
		t.Errorf("%d records still wait", len(l.pending))
	}
}

func TestManyCallsWhileTheConnectionChanges(t *testing.T) {
	d := dbtest.Open(t, db.SQLite)
	o := newOffice(t, d)
	ctx := administrator(t.Context())
	c := must(o.CreateConnection(ctx, openAIDraft()))(t)
	m := must(o.CreateModel(ctx, ModelDraft{ConnectionID: c.ID, RemoteID: "gemma3", Enabled: true}))(t)
	i := NewInvoker(InvokerOptions{Catalogue: o.Catalogue, DB: d, Masker: &steps{}, Residency: &steps{}, Budgets: &steps{}, Audit: o.audit, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	running, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { i.Run(running); close(done) }()
	const calls = 200
	var wg sync.WaitGroup
	for range calls {
		wg.Go(func() {
			if h := listen(i.Stream(person(t.Context()), Call{ModelID: m.ID, Feature: "chat", Messages: question("a")})); h.err != nil {
				t.Error(h.err)
			}
		})
	}
	for n := range 10 {
		must(o.UpdateConnection(ctx, c.ID, ConnectionPatch{Secret: &SecretPatch{APIKey: new(fmt.Sprint("key", n))}}))(t)
	}
	wg.Wait()
	h := listen(i.Stream(person(t.Context()), Call{ModelID: m.ID, Feature: "chat", Messages: question("a")}))
	if h.text() != "key9" {
		t.Errorf("the last key is %q, want key9", h.text())
	}
	stop()
	<-done
	var n int
	if err := d.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM usage_records WHERE outcome = 'complete'`).Scan(&n); err != nil || n != calls+1 {
		t.Errorf("%d records, %v; want %d", n, err, calls+1)
	}
}

func TestServersOnThisMachineAreFoundByTheirAnswers(t *testing.T) {
	d := dbtest.Open(t, db.SQLite)
	o := newOffice(t, d)
	serve := func(handler http.HandlerFunc) string {
		s := httptest.NewServer(handler)
		t.Cleanup(s.Close)
		return strings.TrimPrefix(s.URL, "http://")
	}
	listing := func(owner string, ids ...string) string {
		var data []string
		for _, id := range ids {
			data = append(data, fmt.Sprintf(`{"id":%q,"object":"model","owned_by":%q}`, id, owner))
		}
		return `{"object":"list","data":[` + strings.Join(data, ",") + `]}`
	}
	ollama := serve(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/models":
			_, _ = io.WriteString(w, listing("library", "gemma3:4b", "qwen3:8b"))
		case "/api/version":
			_, _ = io.WriteString(w, `{"version":"0.12.3"}`)
		}
	})
	llama := serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "llama.cpp")
		_, _ = io.WriteString(w, listing("llamacpp", "gemma-3-270m"))
	})
	other := serve(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/models" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, listing("me"))
	})
	web := serve(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") })
	slow := serve(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	start := time.Now()
	found := o.detect(t.Context(), []string{web, ollama, slow, llama, other, "127.0.0.1:1"})
	if took := time.Since(start); took > 10*detectTimeout {
		t.Errorf("took %v", took)
	}
	var got []string
	for _, f := range found {
		var ids []string
		for _, m := range f.Models {
			ids = append(ids, m.ID)
		}
		got = append(got, fmt.Sprintf("%s %s %s", f.Product, strings.TrimPrefix(f.BaseURL, "http://"), strings.Join(ids, ",")))
	}
	want := []string{"Ollama " + ollama + "/v1 gemma3:4b,qwen3:8b", "llama.cpp " + llama + "/v1 gemma-3-270m", "OpenAI-compatible server " + other + "/v1 "}
	if !slices.Equal(got, want) {
		t.Errorf("found %q\nwant  %q", got, want)
	}
	for _, r := range o.gate.Snapshot() {
		if r.Purpose != "detect" || !strings.HasPrefix(r.Destination, "127.0.0.1:") {
			t.Errorf("looking for servers went to %s for %s", r.Destination, r.Purpose)
		}
	}
}

func TestOurOwnAddressIsNoModelServer(t *testing.T) {
	for _, tt := range []struct {
		own  string
		want bool
	}{
		{"127.0.0.1:8080", true}, {":8080", true}, {"0.0.0.0:8080", true}, {"[::]:8080", true}, {"localhost:8080", true}, {"[::1]:8080", true},
		{"127.0.0.1:8090", false}, {"10.0.0.5:8080", false}, {"", false},
	} {
		if got := isOwn(tt.own, "127.0.0.1:8080"); got != tt.want {
			t.Errorf("isOwn(%q) = %v, want %v", tt.own, got, tt.want)
		}
	}
}

// forGroups are the grants of what is for the groups alone, or for everyone.
func forGroups(ids ...string) []access.Grant {
	if len(ids) == 0 {
		return access.ForEveryone
	}
	var grants []access.Grant
	for _, id := range ids {
		grants = append(grants, access.Grant{Subject: access.Subject{Kind: access.SubjectGroup, ID: id}})
	}
	return grants
}
