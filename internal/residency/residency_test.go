package residency

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kakoi/internal/classification"
	"time"
)

const (
	tokyo = "ap-northeast-1"
	osaka = "ap-northeast-3"
	seoul = "ap-northeast-2"
)

func TestWhereBedrockProcesses(t *testing.T) {
	const (
		haiku   = "anthropic.claude-haiku-4-5-20251001-v1:0"
		account = "arn:aws:bedrock:ap-northeast-1:123456789012:"
	)
	listed := []Listed{
		{ID: account + "application-inference-profile/copyofjp0000", Region: tokyo, At: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
			Models: []string{"arn:aws:bedrock:ap-northeast-1::foundation-model/" + haiku, "arn:aws:bedrock:ap-northeast-3::foundation-model/" + haiku}},
		{ID: account + "application-inference-profile/copyofglobal", Region: tokyo,
			Models: []string{"arn:aws:bedrock:ap-northeast-1::foundation-model/" + haiku, "arn:aws:bedrock:::foundation-model/" + haiku}},
		{ID: account + "application-inference-profile/withoutmodel", Region: tokyo},
		{ID: "jp.anthropic.claude-new", Region: tokyo, Models: []string{"arn:aws:bedrock:ap-northeast-1::foundation-model/anthropic.claude-new"}},
		// A list that says more than the data is believed, one that says less too:
		{ID: "jp." + haiku, Region: tokyo, Models: []string{"arn:aws:bedrock:ap-northeast-2::foundation-model/" + haiku}},
	}
	bundled := Bundled()
	grown := bundled.With(listed)
	regions := func(names ...string) Place { return Place{Kind: Regions, Regions: names} }
	unknown := Place{Kind: Unknown}
	for _, tt := range []struct {
		data          *Profiles
		region, model string
		want          Place // of which kind and regions are compared
	}{
		{bundled, tokyo, "anthropic.claude-3-haiku-20240307-v1:0", regions(tokyo)},
		{bundled, tokyo, "openai.gpt-5.6-sol", regions(tokyo)},
		{bundled, tokyo, "jp." + haiku, regions(tokyo, osaka)},
		{bundled, osaka, "jp." + haiku, regions(tokyo, osaka)},
		{bundled, "us-east-1", "jp." + haiku, unknown},                  // is not offered there
		{bundled, osaka, "jp.amazon.nova-2-lite-v1:0", unknown},         // documented from Tokyo only
		{bundled, tokyo, "jp.anthropic.claude-sonnet-5", unknown},       // follows the naming, and does not exist
		{bundled, tokyo, "mx.anthropic.claude-haiku-4-5-v1:0", unknown}, // a geography nobody has heard of
		{bundled, tokyo, "nobody.model-1", unknown},                     // a provider nobody has heard of
		{bundled, tokyo, "gpt-oss", unknown},
		{bundled, tokyo, "global.anthropic.claude-sonnet-4-6", Place{Kind: Anywhere}},
		{bundled, tokyo, "apac.anthropic.claude-3-haiku-20240307-v1:0", regions(tokyo, seoul, "ap-south-1", "ap-southeast-1", "ap-southeast-2")},
		{bundled, tokyo, "arn:aws:bedrock:ap-northeast-1::foundation-model/" + haiku, regions(tokyo)},
		{bundled, tokyo, "arn:aws:bedrock:ap-northeast-3::foundation-model/" + haiku, regions(tokyo, osaka)},
		{bundled, tokyo, "arn:aws:bedrock:::foundation-model/" + haiku, Place{Kind: Anywhere}},
		{bundled, tokyo, account + "inference-profile/jp." + haiku, regions(tokyo, osaka)},
		{bundled, osaka, account + "inference-profile/jp." + haiku, regions(tokyo, osaka)},
		{bundled, "us-east-1", account + "inference-profile/jp." + haiku, unknown},
		{bundled, tokyo, account + "inference-profile/jp.anthropic.claude-sonnet-5", unknown},
		{bundled, tokyo, account + "provisioned-model/abcdefghijkl", regions(tokyo)},
		{bundled, tokyo, account + "default-prompt-router/anthropic.claude:1", unknown},
		{bundled, tokyo, account + "prompt/ABCDEFGHIJ:1", unknown},
		{bundled, tokyo, account + "application-inference-profile/copyofjp0000", unknown},
		{bundled, tokyo, "arn:aws:broken", unknown},
		{bundled, tokyo, "", unknown},
		{grown, tokyo, account + "application-inference-profile/copyofjp0000", regions(tokyo, osaka)},
		{grown, "us-east-1", account + "application-inference-profile/copyofjp0000", regions(tokyo, osaka, "us-east-1")},
		{bundled, "us-east-2", "us.anthropic.claude-3-5-sonnet-20240620-v1:0", regions("us-east-1", "us-east-2", "us-west-2")},
		{grown, tokyo, account + "application-inference-profile/copyofglobal", Place{Kind: Anywhere}},
		{grown, tokyo, account + "application-inference-profile/withoutmodel", unknown},
		{grown, tokyo, account + "application-inference-profile/another00000", unknown},
		{grown, tokyo, "jp.anthropic.claude-new", regions(tokyo)},
		{grown, osaka, "jp.anthropic.claude-new", unknown},
		{grown, tokyo, "jp." + haiku, regions(tokyo, seoul, osaka)},
		{grown, osaka, "jp." + haiku, regions(tokyo, osaka)},
	} {
		got := tt.data.Bedrock(tt.region, tt.model)
		if got.Kind != tt.want.Kind || !slices.Equal(got.Regions, tt.want.Regions) {
			t.Errorf("Bedrock(%s, %s) = %s %v, want %s %v", tt.region, tt.model, got.Kind, got.Regions, tt.want.Kind, tt.want.Regions)
		}
	}
}

func TestWhereAHostProcesses(t *testing.T) {
	for _, tt := range []struct {
		host, country, model string
		want                 Place
	}{
		{"localhost", "", "gemma3", Place{Kind: Server}},
		{"127.0.0.1", "US", "gemma3", Place{Kind: Server}},
		{"::1", "", "gemma3", Place{Kind: Server}},
		{"::ffff:127.0.0.2", "", "gemma3", Place{Kind: Server}},
		{"LLM.example.lg.jp.", "JP", "gemma3", Place{Kind: Host, Name: "llm.example.lg.jp", Country: "JP"}},
		{"10.0.0.5", "", "gemma3", Place{Kind: Host, Name: "10.0.0.5"}},
		// What a cloud's own name says, nobody can declare away:
		{"bedrock-runtime.us-east-1.amazonaws.com", "JP", "openai.gpt-oss-120b-1:0", Place{Kind: Regions, Regions: []string{"us-east-1"}, Model: "openai.gpt-oss-120b-1:0"}},
		{"bedrock-mantle.us-east-1.api.aws", "", "somewhere.gpt", Place{Kind: Unknown, Name: "somewhere.gpt", From: "us-east-1"}},
		{"vpce-0a1b.bedrock-runtime.ap-northeast-3.vpce.amazonaws.com", "", "amazon.m", Place{Kind: Regions, Regions: []string{osaka}, Model: "amazon.m"}},
		{"bedrock-runtime.ap-northeast-1.example.com", "JP", "m", Place{Kind: Host, Name: "bedrock-runtime.ap-northeast-1.example.com", Country: "JP"}},
	} {
		if got := Bundled().Host(tt.host, tt.country, tt.model); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("Host(%s, %s) = %+v, want %+v", tt.host, tt.model, got, tt.want)
		}
	}
}

func TestAGuardrailIsWhereItsProfileLeads(t *testing.T) {
	const account = ":111122223333:"
	listed := func(id, arn string) Listed {
		return Listed{ID: id, Region: tokyo, Models: []string{"arn:aws:bedrock:" + arn}}
	}
	p := Bundled().With([]Listed{
		listed("home:1", tokyo+account+"guardrail/home"),
		listed("apac:1", tokyo+account+"guardrail-profile/apac.guardrail.v1:0"),
		listed("new:1", tokyo+account+"guardrail-profile/zz.guardrail.v1:0"),
		listed("us:1", tokyo+account+"guardrail-profile/us.guardrail.v1:0"),
	})
	for id, want := range map[string]string{
		"home:1": tokyo,
		"arn:aws:bedrock:" + tokyo + account + "guardrail/home:1": tokyo,
		"apac:1": "ap-northeast-1 or ap-northeast-2 or ap-northeast-3 or ap-south-1 or ap-southeast-1 or ap-southeast-2 (from ap-northeast-1)",
		"new:1":  "nobody knows where: zz.guardrail.v1:0 (from ap-northeast-1)",
		"us:1":   "nobody knows where: us.guardrail.v1:0 (from ap-northeast-1)", // which cannot be called from Tokyo
		"home:2": "nobody knows where: home:2 (from ap-northeast-1)",            // never listed
		"arn:aws:bedrock:us-east-1" + account + "guardrail/home:1": "nobody knows where: arn:aws:bedrock:us-east-1:111122223333:guardrail/home:1 (from ap-northeast-1)",
	} {
		if got := p.Bedrock(tokyo, id).String(); got != want {
			t.Errorf("%s is at %q, want %q", id, got, want)
		}
	}

	model := p.Bedrock(tokyo, "jp.anthropic.claude-haiku-4-5-20251001-v1:0")
	if got := model.And(p.Bedrock(tokyo, "home:1")); !reflect.DeepEqual(got, model) {
		t.Errorf("with a guardrail of the region: %+v", got)
	}
	both := model.And(p.Bedrock(tokyo, "apac:1"))
	if d := Japan().Decide(Call{Place: both, ModelID: "jp.anthropic.claude-haiku-4-5-20251001-v1:0"}); d.Allowed || d.Reason.Region != "ap-northeast-2" || d.Reason.Profile != "apac:1" || both.Model != model.Model {
		t.Errorf("with a guardrail that leaves: %+v", d)
	}
	if d := Japan().Decide(Call{Place: model.And(p.Bedrock(tokyo, "new:1"))}); d.Allowed || d.Reason.Code != PlaceUnknown {
		t.Errorf("with a guardrail that leads nobody knows where: %+v", d)
	}
	for bad, why := range map[string]string{`{"jp.guardrail.v1:0": {"to": {"ap-northeast-1": ["us-east-1"]}, "basis": "x"}}`: "leaves Japan", `{"x.guardrail.v1:0": {"to": {}, "basis": "x"}}`: "leads"} {
		text := strings.Replace(string(bundled), `"guardrails": {`, `"guardrails": `+bad+`, "was": {`, 1)
		text = regexp.MustCompile(`(?s), "was": .*`).ReplaceAllString(text, "}")
		if _, err := ParseProfiles([]byte(text)); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s is taken: %v", bad, err)
		}
	}
}

// raw is profiles.json without any of the code that reads it.
func raw(t *testing.T) (data struct {
	Regions  map[string]struct{ Country string }
	Profiles map[string]struct {
		Model    string
		To       map[string][]string
		Anywhere bool
		From     []string
	}
	Guardrails map[string]struct{ To map[string][]string }
}) {
	t.Helper()
	if err := json.Unmarshal(bundled, &data); err != nil {
		t.Fatal(err)
	}
	return data
}

func TestTheDataIsConsistent(t *testing.T) {
	data := raw(t)
	if len(data.Profiles) < 100 || len(data.Regions) < 30 {
		t.Fatalf("%d profiles and %d regions", len(data.Profiles), len(data.Regions))
	}
	japanese := 0
	for id, p := range data.Profiles {
		if p.Anywhere != strings.HasPrefix(id, "global.") {
			t.Errorf("%s: anywhere is %v", id, p.Anywhere)
		}
		for from, to := range p.To {
			if !slices.IsSorted(to) {
				t.Errorf("%s: destinations from %s are not sorted", id, from)
			}
			for _, r := range append([]string{from}, to...) {
				if data.Regions[r].Country == "" {
					t.Errorf("%s: region %s is unknown", id, r)
				}
			}
			if strings.HasPrefix(id, "jp.") {
				japanese++
				if want := []string{tokyo, osaka}; !slices.Equal(to, want) {
					t.Errorf("%s from %s leads to %v, want %v", id, from, to, want)
				}
			}
		}
	}
	if japanese < 7 {
		t.Errorf("%d routes of Japanese profiles", japanese)
	}
}

func TestTheDataOfGuardrailsIsConsistent(t *testing.T) {
	data := raw(t)
	found := map[string]string{}
	for id, p := range data.Guardrails {
		countries := map[string]bool{}
		for from, to := range p.To {
			if !slices.IsSorted(to) || !slices.Contains(to, from) {
				t.Errorf("%s: destinations from %s are not sorted, or are not where it is asked for: %v", id, from, to)
			}
			for _, r := range to {
				country := data.Regions[r].Country
				if country == "" {
					t.Errorf("%s: region %s is unknown", id, r)
				}
				countries[country] = true
			}
		}
		found[id] = strings.Join(slices.Sorted(maps.Keys(countries)), " ")
	}
	want := map[string]string{
		"apac.guardrail.v1:0":   "AE AU ID IN JP KR MY SG TH TW",
		"au.guardrail.v1:0":     "AU",
		"ca.guardrail.v1:0":     "CA",
		"eu.guardrail.v1:0":     "DE ES FR IE IL IT SE",
		"uk.guardrail.v1:0":     "GB",
		"us-gov.guardrail.v1:0": "US",
		"us.guardrail.v1:0":     "US",
	}
	if !maps.Equal(found, want) {
		t.Errorf("guardrails are judged in %v, want %v", found, want)
	}
	if from := data.Guardrails["apac.guardrail.v1:0"].To; from[osaka] != nil {
		t.Errorf("the documentation does not let Osaka use it: %v", from[osaka])
	}
}

// Everything against everything: each profile, and the id of each model that a
// profile leads to, from each region, under each policy, to each of three
// groups. What is expected is worked out from the raw data by the sentence
// "permitted if every region it may be answered in is permitted".
func TestTheTruthTable(t *testing.T) {
	data := raw(t)
	rule := func(name string, models []string, regions ...string) Rule {
		return Rule{Name: name, Regions: regions, Models: models}
	}
	apac := slices.Collect(func(yield func(string) bool) {
		for name := range data.Regions {
			if strings.HasPrefix(name, "ap-") && !yield(name) {
				return
			}
		}
	})
	all := slices.Collect(maps.Keys(data.Regions))
	research := rule("research", nil, all...)
	research.GroupIDs = []string{"research"}
	secret := rule("secret stays in Tokyo", nil, tokyo)
	public := rule("public anywhere", nil, all...)
	public.Classes = []classification.Class{classification.Public, classification.Internal}
	policies := map[string]Policy{
		"open":                {Open: true},
		"Japan":               Japan(),
		"Tokyo":               {Rules: []Rule{rule("a", nil, tokyo)}},
		"APAC":                {Rules: []Rule{rule("a", nil, apac...)}},
		"every region":        {Rules: []Rule{rule("a", nil, all...)}},
		"nowhere":             {Rules: []Rule{rule("a", nil)}},
		"Anthropic in Japan":  {Rules: []Rule{rule("a", []string{"anthropic.*"}, tokyo, osaka)}},
		"two rules":           {Rules: []Rule{rule("a", []string{"amazon.*"}, tokyo), rule("b", []string{"*claude*"}, tokyo, osaka)}},
		"research everywhere": {Rules: []Rule{research, rule("japan", nil, tokyo, osaka)}},
		"nobody":              {Rules: []Rule{research}},
		"by class":            {Rules: []Rule{secret, public}},
	}
	models := make(map[string]bool)
	for _, p := range data.Profiles {
		models[p.Model] = true
	}
	permits := func(policy string, groups []string, class classification.Class, model string, places []string) bool {
		inside := func(allowed ...string) bool {
			return !slices.ContainsFunc(places, func(r string) bool { return !slices.Contains(allowed, r) })
		}
		switch policy {
		case "open":
			return true
		case "Japan":
			return inside(tokyo, osaka)
		case "Tokyo":
			return inside(tokyo)
		case "APAC":
			return inside(apac...)
		case "every region":
			return inside(all...)
		case "Anthropic in Japan":
			return strings.HasPrefix(model, "anthropic.") && inside(tokyo, osaka)
		case "two rules":
			return strings.HasPrefix(model, "amazon.") && inside(tokyo) || strings.Contains(model, "claude") && inside(tokyo, osaka)
		case "research everywhere":
			return slices.Contains(groups, "research") && inside(all...) || inside(tokyo, osaka)
		case "nobody":
			return slices.Contains(groups, "research") && inside(all...)
		case "by class":
			return (class == classification.Public || class == classification.Internal) && inside(all...) || inside(tokyo)
		}
		return false
	}
	places := Bundled()
	rows, allowed := 0, 0
	for name, policy := range policies {
		for region := range data.Regions {
			for _, groups := range [][]string{nil, {"welfare"}, {"welfare", "research"}} {
				one := func(id, model string, answeredIn []string) {
					for class := classification.None; class <= classification.Restricted; class++ {
						rows++
						got := policy.Decide(Call{Place: places.Bedrock(region, id), ModelID: id, GroupIDs: groups, Class: class})
						if got.Allowed {
							allowed++
						}
						if want := permits(name, groups, class, model, answeredIn); got.Allowed != want {
							t.Errorf("%s of class %s from %s under %q for %v: %v (%s), want %v", id, class, region, name, groups, got.Allowed, got.Reason, want)
						}
					}
				}
				for id, p := range data.Profiles {
					switch {
					case p.Anywhere:
						one(id, p.Model, []string{"anywhere"})
					case p.To[region] == nil:
						one(id, p.Model, []string{"unknown"})
					default:
						one(id, p.Model, p.To[region])
					}
				}
				for model := range models {
					one(model, model, []string{region})
				}
			}
		}
	}
	t.Logf("%d rows, %d of them permitted", rows, allowed)
}

func TestARefusalNamesTheRegionTheRuleAndTheWayThatWouldPass(t *testing.T) {
	const apac = "apac.anthropic.claude-sonnet-4-20250514-v1:0"
	places := Bundled()
	for _, tt := range []struct {
		policy Policy
		call   Call
		want   string
	}{
		{Japan(), Call{Place: places.Bedrock(tokyo, apac)}, apac + ` may be answered in ap-northeast-2, which is not among the regions that the rule "Japan" permits`},
		{Japan(), Call{Place: places.Bedrock("us-east-1", "anthropic.claude-opus-4-8")}, `us-east-1 is not among the regions that the rule "Japan" permits`},
		{Japan(), Call{Place: places.Bedrock(tokyo, "global.anthropic.claude-opus-5")}, `global.anthropic.claude-opus-5 may be answered in any region of the world, and not only in those that the rule "Japan" permits`},
		{Japan(), Call{Place: places.Bedrock(tokyo, "jp.anthropic.claude-opus-9")}, `it is not known where jp.anthropic.claude-opus-9 is answered`},
		{Japan(), Call{Place: places.Host("llm.example", "", "m")}, `nobody has declared in which country llm.example is`},
		{Japan(), Call{Place: places.Host("llm.example", "US", "m")}, `llm.example is in US, which is not among the countries that the rule "Japan" permits`},
		{Policy{Rules: []Rule{{Name: "a", Classes: []classification.Class{classification.Public}}, {Name: "b", Models: []string{"x"}}}}, Call{Place: ThisServer(), Class: classification.Restricted}, `what is of class 3 is not among what the rule "a" permits`},
		{Policy{Rules: []Rule{{Name: "a", Classes: classification.All()}}}, Call{Place: ThisServer()}, `what nobody has classified is not among what the rule "a" permits`},
		{Policy{}, Call{Place: ThisServer()}, `no rule of the residency policy is for this person`},
		{Policy{Rules: []Rule{{Name: "a", Models: []string{"anthropic.*"}}}}, Call{Place: ThisServer(), ModelID: "gemma3"}, `gemma3 is not among the models that the rule "a" permits`},
	} {
		got := tt.policy.Decide(tt.call)
		if got.Allowed || got.Reason.String() != tt.want {
			t.Errorf("%+v: %v %q, want %q", tt.call.Place, got.Allowed, got.Reason, tt.want)
		}
	}
	if got := Japan().Decide(Call{Place: ThisServer()}); !got.Allowed {
		t.Errorf("this server: %+v", got)
	}
	if got, want := places.Alternatives(tokyo, "anthropic.claude-sonnet-4-5-20250929-v1:0"), []string{
		"anthropic.claude-sonnet-4-5-20250929-v1:0", "global.anthropic.claude-sonnet-4-5-20250929-v1:0", "jp.anthropic.claude-sonnet-4-5-20250929-v1:0",
	}; !slices.Equal(got, want) {
		t.Errorf("Alternatives = %v, want %v", got, want)
	}
}

func TestBadDataIsRefused(t *testing.T) {
	good := `{"format":1,"version":"2026-11-22","providers":["anthropic"],"regions":{
		"ap-northeast-1":{"country":"JP","ja":"東京","en":"Tokyo"},"ap-northeast-2":{"country":"KR","ja":"ソウル","en":"Seoul"}},
		"profiles":{"jp.anthropic.m":{"model":"anthropic.m","to":{"ap-northeast-1":["ap-northeast-1"]},"basis":"seen"}}}`
	if _, err := ParseProfiles([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for old, bad := range map[string]string{
		`"format":1`:                                 `"format":2`,
		`"2026-11-22"`:                               `"today"`,
		`"country":"JP"`:                             `"country":"Japan"`,
		`"model":"anthropic.m"`:                      `"model":"anthropic.other"`,
		`["ap-northeast-1"]`:                         `["ap-northeast-1","ap-northeast-2"]`,
		`{"ap-northeast-1":["ap-northeast-1"]}`:      `{"ap-northeast-1":[]}`,
		`"to":{"ap-northeast-1":["ap-northeast-1"]}`: `"anywhere":true,"to":{"ap-northeast-1":["ap-northeast-1"]}`,
		`["ap-northeast-1"]}`:                        `["eu-nowhere-1"]}`,
		`"basis":"seen"`:                             `"basis":""`,
		`"providers"`:                                `"provider"`,
		`"profiles"`:                                 `"profile"`,
	} {
		text := strings.Replace(good, old, bad, 1)
		if text == good {
			t.Fatalf("%s is not in the text", old)
		}
		if _, err := ParseProfiles([]byte(text)); err == nil {
			t.Errorf("accepted with %s", bad)
		}
	}
}

func TestAPolicyIsCheckedBeforeItHolds(t *testing.T) {
	rule := Rule{Name: " 国内 ", Regions: []string{osaka, tokyo, tokyo, " "}, Countries: []string{"JP"}, Models: []string{"anthropic.*"}}
	clean, err := (Policy{Rules: []Rule{rule}}).Validate(Bundled())
	if want := (Rule{Name: "国内", GroupIDs: []string{}, Regions: []string{tokyo, osaka}, Countries: []string{"JP"}, Models: []string{"anthropic.*"}, Classes: []classification.Class{}}); err != nil || !reflect.DeepEqual(clean.Rules[0], want) {
		t.Errorf("Validate = %+v, %v", clean, err)
	}
	many := make([]Rule, maxRules+1)
	for i := range many {
		many[i] = Rule{Name: fmt.Sprint(i)}
	}
	for name, rules := range map[string][]Rule{
		"none":             {},
		"too many":         many,
		"without a name":   {{Name: " "}},
		"a name twice":     {{Name: "a"}, {Name: "a"}},
		"a region unknown": {{Name: "a", Regions: []string{"ap-northeast-9"}}},
		"a country":        {{Name: "a", Countries: []string{"日本"}}},
		"a model":          {{Name: "a", Models: []string{"anthropic. claude"}}},
	} {
		if _, err := (Policy{Rules: rules}).Validate(Bundled()); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestWildcards(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"anthropic.*", "anthropic.claude", true},
		{"anthropic.*", "xanthropic.claude", false},
		{"*claude*", "anthropic.claude-3", true},
		{"a*b*c", "aXbYc", true},
		{"a*b*c", "acb", false},
		{"ab*ba", "aba", false},
		{"*", "", true},
		{"m", "m", true},
		{"m", "mm", false},
	} {
		if got := matches(tt.pattern, tt.text); got != tt.want {
			t.Errorf("matches(%q, %q) = %v", tt.pattern, tt.text, got)
		}
	}
}

func TestAModelForManyIsBarredUnlessEachOfThemMayUseIt(t *testing.T) {
	global := Bundled().Bedrock(tokyo, "global.anthropic.claude-sonnet-4-6")
	jp := Bundled().Bedrock(tokyo, "jp.anthropic.claude-sonnet-4-6")
	seoulOnly := Bundled().Bedrock(seoul, "anthropic.claude-sonnet-4-6")
	japan := Japan().Rules[0]
	research := Rule{Name: "research", GroupIDs: []string{"research"}, Regions: []string{seoul}}
	tax := Rule{Name: "tax", GroupIDs: []string{"tax"}, Regions: []string{seoul}}
	for _, tt := range []struct {
		name    string
		policy  Policy
		place   Place
		groups  []string
		allowed bool
		only    []string
	}{
		{"for everyone, permitted to everyone", Japan(), jp, nil, true, nil},
		{"for everyone, permitted to nobody", Policy{Rules: []Rule{japan, research}}, global, nil, false, nil},
		{"for everyone, permitted to a group", Policy{Rules: []Rule{japan, research}}, seoulOnly, nil, false, []string{"research"}},
		{"for the group that may", Policy{Rules: []Rule{japan, research}}, seoulOnly, []string{"research"}, true, nil},
		{"for two groups that may", Policy{Rules: []Rule{tax, research}}, seoulOnly, []string{"research", "tax"}, true, nil},
		{"for two of which one may", Policy{Rules: []Rule{japan, research}}, seoulOnly, []string{"research", "tax"}, false, []string{"research"}},
		{"for a group of which some are in another that may", Policy{Rules: []Rule{research}}, seoulOnly, []string{"tax"}, false, []string{"research"}},
		{"for everyone, while the one rule is for a group and another region", Policy{Rules: []Rule{research}}, jp, nil, false, nil},
		{"open", Policy{Open: true}, global, []string{"tax"}, true, nil},
	} {
		got := tt.policy.Among(Call{Place: tt.place, ModelID: "m", GroupIDs: tt.groups})
		if got.Allowed != tt.allowed || !slices.Equal(got.Only, tt.only) || !got.Allowed && got.Reason.Code == Permitted {
			t.Errorf("%s: %+v, want %v only %v", tt.name, got, tt.allowed, tt.only)
		}
	}
	// What is barred for its place is not explained by a class, and a group that
	// may have it for one class is not told that nobody may.
	japan.Classes, research.Classes = []classification.Class{classification.Public}, []classification.Class{classification.Internal}
	classed := Policy{Rules: []Rule{japan, research}}
	if got := classed.Among(Call{Place: global, ModelID: "m"}); got.Allowed || got.Reason.Code != AnywhereBarred || len(got.Classes)+len(got.Only) != 0 {
		t.Errorf("what leaves, whatever the class: %+v", got)
	}
	if got := classed.Among(Call{Place: jp, ModelID: "m"}); got.Allowed || got.Reason.Code != ClassBarred || !slices.Equal(got.Classes, []classification.Class{classification.Public}) {
		t.Errorf("of one class: %+v", got)
	}
	if got := classed.Among(Call{Place: seoulOnly, ModelID: "m"}); got.Allowed || !slices.Equal(got.Only, []string{"research"}) || len(got.Classes) != 0 {
		t.Errorf("for a group and one class: %+v", got)
	}
	research.Classes = nil
	// The rule that comes near explains, also to those whom it is not for.
	if got := (Policy{Rules: []Rule{research}}).Among(Call{Place: jp, ModelID: "m"}); got.Reason.Code != RegionBarred || got.Reason.Rule != "research" || got.Reason.Region != tokyo {
		t.Errorf("why nobody may: %+v", got.Reason)
	}
}

func TestProfilesThatAreKnownFromARegion(t *testing.T) {
	const own = "arn:aws:bedrock:ap-northeast-1:123456789012:application-inference-profile/own"
	known := Bundled().With([]Listed{{ID: own, Region: tokyo, Models: []string{"arn:aws:bedrock:ap-northeast-1::foundation-model/a.b"}}})
	from := known.From(tokyo)
	for id, want := range map[string]bool{"jp.anthropic.claude-sonnet-4-6": true, own: true, "eu.anthropic.claude-sonnet-4-6": false} {
		if slices.Contains(from, id) != want {
			t.Errorf("%s from Tokyo: %v, want %v", id, !want, want)
		}
	}
	for _, id := range from {
		if place := known.Bedrock(tokyo, id); place.Kind == Unknown {
			t.Errorf("%s is offered from Tokyo and leads nowhere that is known", id)
		}
	}
	if slices.Contains(known.From(osaka), own) {
		t.Error("a profile of Tokyo is known from Osaka")
	}
}
