package model_test

import (
	"net/http/httptest"
	"net/http/httputil"
	"sync/atomic"
	"testing"

	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/modeltest/bedrockfake"
)

const arnOf = "arn:aws:bedrock:ap-northeast-1:111122223333:application-inference-profile/"

// A copy shows nothing of where it leads: only Bedrock can tell, and until it
// has, nothing leaves.
func TestAnApplicationProfileIsPermittedByWhatItCopies(t *testing.T) {
	const haiku = "anthropic.claude-haiku-4-5-20251001-v1:0"
	profiles := []bedrockfake.Profile{
		{ID: "copyofjp0000", Name: "soumu", Model: haiku, Regions: []string{"ap-northeast-1", "ap-northeast-3"}, Application: true},
		{ID: "copyofglobal", Name: "kikaku", Model: haiku, Regions: []string{"", "ap-northeast-1"}, Application: true},
	}
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		up := startBedrock(t)
		fake := bedrockfake.Run(t, bedrockfake.Options{Profiles: profiles})
		up.draft.Settings.Endpoint, up.draft.Settings.ControlEndpoint, up.draft.Settings.STSEndpoint = fake.URL, fake.URL, fake.URL
		up.remoteID = arnOf + "copyofjp0000"
		in := install(t, d, up)
		if a := in.ask(in.person, "[[say はい]]"); a.err != nil || a.text != "はい" {
			t.Errorf("a copy of a profile inside Japan: %+v", a)
		}
		abroad := in.model
		enter := func(remoteID string) {
			t.Helper()
			var err error
			if in.model, err = in.catalogue.CreateModel(in.admin, model.ModelDraft{ConnectionID: abroad.ConnectionID, RemoteID: remoteID, Enabled: true}); err != nil {
				t.Fatal(err)
			}
		}
		enter(arnOf + "copyofglobal")
		if a := in.ask(in.person, "hello"); errs.CodeOf(a.err) != errs.ResidencyDenied {
			t.Errorf("a copy of a global profile: %+v", a)
		}

		// Nobody may look it up; the entry is made, and barred.
		fake.Refuse(func(operation string) *bedrockfake.Refusal {
			if operation != "GetInferenceProfile" && operation != "ListInferenceProfiles" {
				return nil
			}
			return &bedrockfake.Refusal{Status: 403, Exception: "AccessDeniedException", Message: "not authorized to perform: bedrock:" + operation}
		})
		if _, err := in.catalogue.UpdateModel(in.admin, in.model.ID, model.ModelPatch{RemoteID: new(arnOf + "unheardof000")}); err != nil {
			t.Fatal(err)
		}
		if a := in.ask(in.person, "hello"); errs.CodeOf(a.err) != errs.ResidencyDenied {
			t.Errorf("a profile that nobody knows: %+v", a)
		}
		if _, err := in.catalogue.UpdateModel(in.admin, in.model.ID, model.ModelPatch{RemoteID: new(arnOf + "copyofjp0000")}); err != nil {
			t.Fatal(err)
		}
		if a := in.ask(in.person, "[[say はい]]"); a.err != nil {
			t.Errorf("what was known of it is forgotten: %+v", a)
		}
	})
}

func TestTheListOfModelsSaysWhatAnEntryNeeds(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		in := install(t, d, startBedrock(t))
		models, err := in.catalogue.RemoteModels(in.admin, in.model.ConnectionID)
		if err != nil {
			t.Fatal(err)
		}
		options := map[string]string{}
		for _, m := range models {
			options[m.ID] = string(m.Options)
		}
		if got, want := options[arnOf+"abcdef123456"], `{"baseModel":"anthropic.claude-haiku-4-5-20251001-v1:0"}`; got != want {
			t.Errorf("the options of an application profile are %s, want %s", got, want)
		}
		for _, id := range []string{"jp.anthropic.claude-haiku-4-5-20251001-v1:0", "amazon.nova-lite-v1:0"} {
			if got, ok := options[id]; !ok || got != "" {
				t.Errorf("the options of %s are %s, %t", id, got, ok)
			}
		}
	})
}

func TestAConnectionGoesThroughItsProxyAndNoOther(t *testing.T) {
	var seen atomic.Int64
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:       func(*httputil.ProxyRequest) { seen.Add(1) }, // the request names its host
		FlushInterval: -1,
	})
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1") // is not asked
	for name, start := range map[string]func(testing.TB) upstream{"openai": startOpenAI, "bedrock": startBedrock} {
		t.Run(name, func(t *testing.T) {
			dbtest.Run(t, func(t *testing.T, d *db.DB) {
				up := start(t)
				up.draft.Settings.Proxy = proxy.URL + "/"
				in := install(t, d, up)
				before := seen.Load()
				if a := in.ask(in.person, "[[say はい]]"); a.err != nil || a.text != "はい" || seen.Load() != before+1 {
					t.Errorf("answer %+v, %d requests through the proxy", a, seen.Load()-before)
				}
			})
		})
	}
}
