package server

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"kakoi/internal/audit"
	"kakoi/internal/classification"
	"kakoi/internal/errs"
	"kakoi/internal/model/modeltest/bedrockfake"
	"kakoi/internal/model/modeltest/openaifake"
)

const sonnet = "anthropic.claude-sonnet-4-5-20250929-v1:0"

// bedrock connects a fake that answers whatever reaches it, and makes a model of
// each id.
func (h *house) bedrock(fake *bedrockfake.Server, remoteIDs ...string) (connectionID string, models map[string]string) {
	h.t.Helper()
	var made connection
	h.admin.must("POST", "/admin/connections", map[string]any{
		"name": "東京", "kind": "bedrock", "enabled": true,
		"settings": map[string]any{"region": "ap-northeast-1", "endpoint": fake.URL, "controlEndpoint": fake.URL, "stsEndpoint": fake.URL, "credentials": "static"},
		"secret":   map[string]any{"accessKeyId": bedrockfake.DefaultKey.ID, "secretAccessKey": bedrockfake.DefaultKey.Secret},
	}, &made)
	models = map[string]string{}
	for _, id := range remoteIDs {
		var m catalogueModel
		h.admin.must("POST", "/admin/models", map[string]any{"connectionId": made.ID, "remoteId": id, "enabled": true}, &m)
		models[id] = m.ID
	}
	return made.ID, models
}

// decides changes the policy.
func (p *person) decides(rules ...map[string]any) residencyPolicy {
	p.h.t.Helper()
	var now, after residencyPolicy
	p.must("GET", "/admin/residency", nil, &now)
	for _, r := range rules {
		for _, list := range []string{"groupIds", "regions", "countries", "models"} {
			if r[list] == nil {
				r[list] = []string{}
			}
		}
	}
	p.must("PUT", "/admin/residency", map[string]any{"open": len(rules) == 0, "rules": append([]map[string]any{}, rules...), "version": now.Version}, &after)
	return after
}

var inJapan = []string{"ap-northeast-1", "ap-northeast-3"}

func (p *person) offered() (names []string, all offers) {
	p.must("GET", "/models", nil, &all)
	for _, o := range all.Items {
		names = append(names, o.DisplayName)
	}
	return names, all
}

// invocations are the audit events of calls, oldest first.
func (h *house) invocations(by string) []audit.Entry {
	h.t.Helper()
	if err := h.invoker.Flush(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	events, err := h.audit.List(h.t.Context(), audit.Filter{Action: "model.invoke", ActorID: by, Limit: 50})
	if err != nil {
		h.t.Fatal(err)
	}
	slices.Reverse(events.Items)
	return events.Items
}

func TestWhatIsBarredStaysHereAndIsRecorded(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		fake := bedrockfake.Run(t, bedrockfake.Options{})
		jp, global := "jp."+sonnet, "global."+sonnet
		_, models := h.bedrock(fake, jp, global)
		anna := h.resident("anna")
		if names, _ := anna.offered(); !slices.Contains(names, jp) || slices.Contains(names, global) {
			t.Errorf("offered: %q", names)
		}
		ask := func(p *person, model string) *chatFailure {
			var begun started
			p.must("POST", "/conversations", map[string]any{"modelId": model, "turn": map[string]any{"text": "[[say はい]]"}}, &begun)
			p.follows("/runs/"+begun.Answers[0].RunID+"/events", "").rest()
			var answers list[message]
			p.must("GET", "/conversations/"+begun.Conversation.ID+"/messages", nil, &answers)
			last := answers.Items[len(answers.Items)-1]
			return &chatFailure{string(last.Status), last.Error}
		}

		if got := ask(anna, models[jp]); got.status != "complete" {
			t.Errorf("what is permitted: %+v", got)
		}
		reached := func() (n int) {
			for _, r := range fake.Requests() {
				if r.Model != jp {
					n++
				}
			}
			return n
		}
		got := ask(anna, models[global])
		if got.status != "failed" || got.err == nil || got.err.Code != errs.ResidencyDenied || got.err.Params["reason"] != "anywhere_barred" ||
			got.err.Params["profile"] != global || got.err.Params["rule"] != "Japan" || got.err.Params["instead"] != sonnet+", "+jp {
			t.Errorf("what is barred: %+v %+v", got, got.err)
		}
		if n := reached(); n != 0 {
			t.Errorf("%d requests for it reached Bedrock", n)
		}
		events := h.invocations(anna.id)
		calls := map[string]audit.Entry{}
		for _, e := range events {
			if e.Details["feature"] == "chat" {
				calls[e.Resource.ID] = e
			}
		}
		if e := calls[models[jp]]; e.Outcome != audit.Success || e.Details["place"] != "ap-northeast-1 or ap-northeast-3 (from ap-northeast-1)" || e.Details["place_rule"] != "Japan" || e.Details["place_profile"] != jp {
			t.Errorf("permitted: %+v", e)
		}
		if e := calls[models[global]]; e.Outcome != audit.Denied || e.Details["place_profile"] != global || e.Details["place_rule"] != "Japan" || !strings.HasPrefix(e.Details["place"], "any region") {
			t.Errorf("barred: %+v", e)
		}

		// A region that the rule leaves out is named.
		h.admin.decides(map[string]any{"name": "東京だけ", "regions": []string{"ap-northeast-1"}})
		if got := ask(anna, models[jp]); got.err == nil || got.err.Params["region"] != "ap-northeast-3" || got.err.Params["rule"] != "東京だけ" || got.err.Params["profile"] != jp {
			t.Errorf("Osaka barred: %+v %+v", got, got.err)
		}
	})
}

type chatFailure struct {
	status string
	err    *failure
}

func TestEachPersonIsTreatedByTheirOwnGroups(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		fake := bedrockfake.Run(t, bedrockfake.Options{})
		jp, global := "jp."+sonnet, "global."+sonnet
		connection, models := h.bedrock(fake, "us."+sonnet, global, jp)
		anna, ben := h.resident("anna"), h.resident("ben")
		var research group
		h.admin.must("POST", "/admin/groups", map[string]any{"name": "研究"}, &research)
		h.admin.must("PUT", "/admin/groups/"+research.ID+"/members/"+ben.id, nil, nil)
		h.admin.decides(
			map[string]any{"name": "研究", "groupIds": []string{research.ID}, "regions": inJapan, "models": []string{"anthropic.*", openaifake.DefaultModels[0]}},
			map[string]any{"name": "全員", "models": []string{openaifake.DefaultModels[0]}},
		)
		if names, _ := anna.offered(); slices.Contains(names, jp) {
			t.Errorf("anna is offered %q", names)
		}
		if names, _ := ben.offered(); !slices.Contains(names, jp) || slices.Contains(names, global) {
			t.Errorf("ben is offered %q", names)
		}
		turn := map[string]any{"modelId": models[jp], "messages": []map[string]any{{"role": "user", "text": "[[say はい]]"}}}
		if _, text := anna.do(anna.request("POST", "/temporary/turns", turn)); !strings.Contains(string(text), `"code":"residency_denied"`) || !strings.Contains(string(text), `"reason":"model_barred","rule":"全員"`) {
			t.Errorf("anna in a temporary conversation: %s", text)
		}
		if reached := fake.Requests(); len(reached) != 0 {
			t.Errorf("%d requests reached Bedrock", len(reached))
		}
		if resp, text := ben.do(ben.request("POST", "/temporary/turns", turn)); resp.StatusCode != http.StatusOK || !strings.Contains(string(text), "はい") {
			t.Errorf("ben in a temporary conversation: %d %s", resp.StatusCode, text)
		}
		var listed list[catalogueModel]
		h.admin.must("GET", "/admin/models", nil, &listed)
		for _, m := range listed.Items {
			if m.ID == models[jp] && (m.Residency.Allowed || !slices.Equal(m.Residency.Only, []string{research.ID})) {
				t.Errorf("for a group only: %+v", m.Residency)
			}
			if m.ID == models[global] && (m.Residency.Allowed || len(m.Residency.Only) != 0) {
				t.Errorf("for nobody: %+v", m.Residency)
			}
			if m.ID == h.modelA && !m.Residency.Allowed {
				t.Errorf("for everybody: %+v", m.Residency)
			}
		}

		explain := func(in map[string]any) (d decision) {
			h.admin.must("POST", "/admin/residency/explain", in, &d)
			return d
		}
		if d := explain(map[string]any{"connectionId": connection, "modelId": jp}); d.Allowed || d.Reason != "model_barred" {
			t.Errorf("for somebody in no group: %+v", d)
		}
		if d := explain(map[string]any{"connectionId": connection, "modelId": jp, "groupIds": []string{research.ID}}); !d.Allowed || d.Params["rule"] != "研究" {
			t.Errorf("for the group: %+v", d)
		}
		if d := explain(map[string]any{"region": "ap-northeast-1", "modelId": jp, "groupIds": []string{research.ID}}); !d.Allowed || !slices.Equal(d.Place.Regions, inJapan) || d.Place.Basis == "" {
			t.Errorf("of no connection: %+v", d)
		}
		if d := explain(map[string]any{"region": "ap-northeast-1", "modelId": "jp.anthropic.claude-unheard-of", "groupIds": []string{research.ID}}); d.Allowed || d.Place.Kind != "unknown" {
			t.Errorf("unknown: %+v", d)
		}
		if got := h.admin.refused("POST", "/admin/residency/explain", map[string]any{"region": "ap-northeast-1"}); got.Field != "modelId" {
			t.Errorf("without a model: %+v", got)
		}
		if got := h.admin.refused("POST", "/admin/residency/explain", map[string]any{"entryId": "none"}); got.Code != errs.NotFound {
			t.Errorf("of no model: %+v", got)
		}
		if got := h.admin.refused("POST", "/admin/residency/explain", map[string]any{"modelId": jp}); got.Field != "region" {
			t.Errorf("without region or connection: %+v", got)
		}
		if got := h.admin.refused("POST", "/admin/residency/explain", map[string]any{"connectionId": "none", "modelId": jp}); got.Code != errs.NotFound {
			t.Errorf("by no connection: %+v", got)
		}

		// Neither may read or change what is decided, nor ask about it.
		for _, p := range []*person{anna, ben} {
			for _, r := range []*http.Request{
				p.request("GET", "/admin/residency", nil), p.request("PUT", "/admin/residency", map[string]any{"open": true, "rules": []any{}, "version": 1}),
				p.request("POST", "/admin/residency/preview", map[string]any{"open": true, "rules": []any{}}),
				p.request("POST", "/admin/residency/explain", map[string]any{"region": "ap-northeast-1", "modelId": jp}),
				p.request("GET", "/admin/residency/profiles?region=ap-northeast-1", nil),
			} {
				if got := p.refusedRequest(r); got.Code != errs.Forbidden {
					t.Errorf("%s %s: %+v", r.Method, r.URL.Path, got)
				}
			}
		}
		if got := h.admin.refused("GET", "/admin/residency/profiles?region=nowhere", nil); got.Field != "region" {
			t.Errorf("profiles of a region that nobody knows: %+v", got)
		}
	})
}

func TestSpeechAndTitlesObeyThePolicyToo(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		ear := h.listens()
		h.admin.must("PATCH", "/admin/models/"+h.modelA, map[string]any{"light": true}, nil)
		anna := h.resident("anna")
		h.admin.decides(map[string]any{"name": "会話だけ", "models": []string{openaifake.DefaultModels[1]}})
		reached := h.fake.Total()
		got := anna.refusedRequest(anna.speech("?modelId="+ear, "audio/wav", wavOf(1, "")))
		if got.Code != errs.ResidencyDenied || got.Params["reason"] != "model_barred" || got.Params["rule"] != "会話だけ" || got.Params["model"] != openaifake.SpeechModel {
			t.Errorf("a dictation: %+v", got)
		}
		names, all := anna.offered()
		if len(names) != 0 || all.Barred != 2 || all.Transcriber != nil { // the demonstration is the other
			t.Errorf("offered %q, %d barred, %+v", names, all.Barred, all.Transcriber)
		}
		if n := h.fake.Total(); n != reached {
			t.Errorf("%d calls reached the server", n-reached)
		}
		events := h.invocations(anna.id)
		if len(events) != 1 || events[0].Outcome != audit.Denied || events[0].Details["feature"] != "dictation" || events[0].Details["place_rule"] != "会話だけ" || events[0].Details["place_model"] != openaifake.SpeechModel {
			t.Errorf("audit = %+v", events)
		}

		// A light model that is barred makes no titles; the one that answers does.
		h.admin.must("PATCH", "/admin/models/"+h.modelA, map[string]any{"light": false}, nil)
		var here list[connection]
		h.admin.must("GET", "/admin/connections", nil, &here)
		at := slices.IndexFunc(here.Items, func(c connection) bool { return c.Name == "局所" })
		var light catalogueModel
		h.admin.must("POST", "/admin/models", map[string]any{"connectionId": here.Items[at].ID, "remoteId": openaifake.DefaultModels[1], "displayName": "題名用", "enabled": true, "light": true}, &light)
		h.admin.decides(map[string]any{"name": "会話だけ", "models": []string{openaifake.DefaultModels[0]}})
		begun := anna.asks("[[say はい]] 題名のある会話")
		anna.follows("/runs/"+begun.Answers[0].RunID+"/events", "").rest()
		soon, done := context.WithTimeout(t.Context(), 30*time.Second)
		defer done()
		for {
			titles := slices.DeleteFunc(h.invocations(anna.id), func(e audit.Entry) bool { return e.Details["feature"] != "title" })
			if len(titles) == 0 {
				if soon.Err() != nil {
					t.Fatal("no title was made")
				}
				continue
			}
			if e := titles[0]; len(titles) != 1 || e.Resource.ID != h.modelA || e.Details["place"] != "this server" || e.Details["place_rule"] != "会話だけ" {
				t.Errorf("titles = %+v", titles)
			}
			return
		}
	})
}

func TestAPolicyIsForeseenWrittenAndRefused(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		fake := bedrockfake.Run(t, bedrockfake.Options{})
		_, models := h.bedrock(fake, "jp."+sonnet)
		var now residencyPolicy
		h.admin.must("GET", "/admin/residency", nil, &now)
		if now.Open || now.Version != 0 || len(now.Rules) != 1 || !slices.Equal(now.Rules[0].Regions, inJapan) || !slices.Equal(now.Rules[0].Countries, []string{"JP"}) {
			t.Fatalf("a fresh installation: %+v", now)
		}
		rule := func(regions ...string) map[string]any {
			return map[string]any{"name": "東京", "groupIds": []string{}, "regions": regions, "countries": []string{}, "models": []string{}}
		}
		var seen list[foreseen]
		h.admin.must("POST", "/admin/residency/preview", map[string]any{"open": false, "rules": []any{rule("ap-northeast-1")}}, &seen)
		at := slices.IndexFunc(seen.Items, func(f foreseen) bool { return f.ModelID == models["jp."+sonnet] })
		if at < 0 || !seen.Items[at].Now.Allowed || seen.Items[at].Then.Allowed || seen.Items[at].Then.Params["region"] != "ap-northeast-3" {
			t.Errorf("foreseen = %+v", seen)
		}
		if names, _ := h.admin.offered(); !slices.Contains(names, "jp."+sonnet) {
			t.Errorf("what was only foreseen holds: %q", names)
		}
		bad := map[string]any{"open": false, "rules": []any{rule("ap-northeast-1"), rule("ap-nowhere-1")}}
		for path, method := range map[string]string{"/admin/residency/preview": "POST", "/admin/residency": "PUT"} {
			if bad["version"] = 0; method == "POST" {
				delete(bad, "version")
			}
			if got := h.admin.refused(method, path, bad); got.Code != errs.InvalidInput || got.Field != "rules[1].regions" || got.Params["value"] != "ap-nowhere-1" {
				t.Errorf("%s: %+v", path, got)
			}
		}
		after := h.admin.decides(rule("ap-northeast-1"))
		if after.Version != 1 || after.ChangedByName != "管理者" {
			t.Errorf("written: %+v", after)
		}
		if got := h.admin.refused("PUT", "/admin/residency", map[string]any{"open": true, "rules": []any{}, "version": 0}); got.Code != errs.Conflict {
			t.Errorf("of two who change at once: %+v", got)
		}
		events, err := h.audit.List(t.Context(), audit.Filter{Action: "setting.update", Limit: 10})
		if err != nil || len(events.Items) != 1 || !strings.Contains(events.Items[0].Details["policy"], "東京") || !strings.Contains(events.Items[0].Details["policy_before"], "Japan") {
			t.Errorf("audit = %+v, %v", events.Items, err)
		}
		var known list[profileRoute]
		h.admin.must("GET", "/admin/residency/profiles?region=ap-northeast-3", nil, &known)
		if len(known.Items) == 0 || slices.ContainsFunc(known.Items, func(p profileRoute) bool { return p.Place.Kind == "unknown" }) {
			t.Errorf("known from Osaka: %+v", known)
		}
	})
}

func TestWhatIsExplainedIsForAClass(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		jp, global := "jp."+sonnet, "global."+sonnet
		connection, models := h.bedrock(bedrockfake.Run(t, bedrockfake.Options{}), jp)
		var research group
		h.admin.must("POST", "/admin/groups", map[string]any{"name": "研究"}, &research)
		h.admin.decides(
			map[string]any{"name": "秘密", "regions": inJapan, "classes": []int{3}},
			map[string]any{"name": "研究", "regions": inJapan, "groupIds": []string{research.ID}, "classes": []int{1}},
		)
		for _, tt := range []struct {
			name   string
			class  int
			groups []string
			want   string // the rule that permits it
		}{
			{"what nobody has classified", 0, nil, ""},
			{"what is secret", 3, nil, "秘密"},
			{"what is public, to somebody in no group", 1, nil, ""},
			{"what is public, to the group", 1, []string{"研究"}, "研究"},
		} {
			var ids []string
			if tt.groups != nil {
				ids = []string{research.ID}
			}
			for way, in := range map[string]map[string]any{
				"a model of the catalogue": {"entryId": models[jp]}, "by a connection": {"connectionId": connection, "modelId": jp}, "by a region": {"region": "ap-northeast-1", "modelId": jp},
			} {
				in["class"], in["groupIds"] = tt.class, ids
				var d decision
				if h.admin.must("POST", "/admin/residency/explain", in, &d); d.Allowed != (tt.want != "") || d.Allowed && d.Params["rule"] != tt.want {
					t.Errorf("%s, %s: %+v", tt.name, way, d)
				}
			}
			a, err := CheckPolicy(t.Context(), h.cfg, h.App.log, PolicyQuestion{ModelID: jp, Region: "ap-northeast-1", Groups: tt.groups, Class: classification.Class(tt.class)})
			if err != nil || a.Allowed != (tt.want != "") || a.Allowed && !strings.Contains(a.Reason, tt.want) {
				t.Errorf("%s, by the command: %+v, %v", tt.name, a, err)
			}
		}
		if got := h.admin.refused("POST", "/admin/residency/explain", map[string]any{"entryId": models[jp], "class": 4}); got.Code != errs.InvalidInput {
			t.Errorf("a class that there is not: %+v", got)
		}
		// What would pass instead is asked for the same class.
		var d decision
		h.admin.must("POST", "/admin/residency/explain", map[string]any{"region": "ap-northeast-1", "modelId": global, "class": 3}, &d)
		if d.Allowed || !slices.Contains(d.Instead, jp) {
			t.Errorf("instead of what leaves: %+v", d)
		}
		if _, err := CheckPolicy(t.Context(), h.cfg, h.App.log, PolicyQuestion{ModelID: jp, Region: "ap-northeast-1", Groups: []string{"研修"}}); errs.CodeOf(err) != errs.NotFound {
			t.Errorf("a group that there is not: %v", err)
		}
	})
}

func TestACheckSaysWhetherTheServerMayBeUsed(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		check := func(baseURL, country string) *decision {
			var got checkResult
			h.admin.must("POST", "/admin/connections/check", map[string]any{
				"name": "x", "kind": "openai", "enabled": true, "settings": map[string]any{"baseUrl": baseURL, "country": country},
			}, &got)
			return got.Residency
		}
		if d := check(h.upstream+"/v1", ""); d == nil || !d.Allowed || d.Place.Kind != "server" {
			t.Errorf("this machine: %+v", d)
		}
		if d := check("http://llm.example.invalid/v1", ""); d == nil || d.Allowed || d.Reason != "country_unknown" {
			t.Errorf("undeclared: %+v", d)
		}
		if d := check("http://llm.example.invalid/v1", "US"); d == nil || d.Allowed || d.Reason != "country_barred" || d.Params["country"] != "US" {
			t.Errorf("of another country: %+v", d)
		}
		if d := check("http://llm.example.invalid/v1", "JP"); d == nil || !d.Allowed {
			t.Errorf("of Japan: %+v", d)
		}
		fake := bedrockfake.Run(t, bedrockfake.Options{})
		id, _ := h.bedrock(fake)
		var got checkResult
		h.admin.must("POST", "/admin/connections/"+id+"/check", nil, &got)
		if got.Residency != nil {
			t.Errorf("Bedrock without a model: %+v", got.Residency)
		}
		h.admin.must("POST", "/admin/connections/"+id+"/check?remoteId=global."+sonnet, nil, &got)
		if got.Residency == nil || got.Residency.Allowed {
			t.Errorf("Bedrock with a model that is barred: %+v", got.Residency)
		}
	})
}
