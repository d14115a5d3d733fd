package generate_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kakoi/internal/residency"
	"kakoi/internal/residency/generate"
	"kakoi/internal/residency/iam"
	"kakoi/internal/residency/simulate"
)

// data is parsed once: thousands of calls are asked of it.
var data = residency.Bundled()

var update = flag.Bool("update", false, "write the documents of testdata, and the answers into docs/policy-generate.md")

const (
	tokyo = "ap-northeast-1"
	osaka = "ap-northeast-3"

	haiku   = "anthropic.claude-haiku-4-5-20251001-v1:0"
	jpHaiku = "jp." + haiku

	workplace = "arn:aws:iam::111111111111:role/workplace"
	bedrock   = "arn:aws:iam::222222222222:role/bedrock"
)

// article is the case of the source document: a municipality's role assumes the
// provider's and calls Haiku by the profile for Japan, from Tokyo.
func article(change ...func(*generate.Case)) *generate.Case {
	c := &generate.Case{
		Version: 1, Caller: generate.Caller{ARN: workplace},
		Chain:   []generate.Hop{{RoleARN: bedrock, ExternalID: "shiyakusho-7f3a"}},
		Regions: []string{tokyo}, Models: []string{jpHaiku},
	}
	for _, f := range change {
		f(c)
	}
	return c
}

func made(t testing.TB, c *generate.Case) generate.Output {
	t.Helper()
	out, err := generate.Run(c, data)
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range []iam.Lang{iam.English, iam.Japanese} {
		said := out
		said.Say(lang)
		checkSaid(t, said)
		if text := said.Text(lang); strings.Contains(text, "{") && strings.Contains(text, "{regions}") {
			t.Errorf("a parameter was not filled:\n%s", text)
		}
	}
	return out
}

// checkSaid holds that every message has words and no hole.
func checkSaid(t testing.TB, out generate.Output) {
	t.Helper()
	var all []simulate.Message
	for _, d := range out.Documents {
		all = append(all, d.Purpose)
		for _, f := range d.Findings {
			all = append(all, simulate.Message{Code: f.Code, Said: f.Said})
		}
	}
	all = append(all, out.Notes...)
	for _, a := range out.Organization.Approaches {
		all = append(append(append(all, a.Title, a.Change), a.Merits...), a.Risks...)
	}
	for _, m := range all {
		if m.Said == "" || strings.ContainsAny(m.Said, "{}") {
			t.Errorf("%s: %q", m.Code, m.Said)
		}
	}
	for _, o := range append(out.Calls, out.Refused...) {
		if o.Reason.Said == "" || (o.Try != "") != (o.TrySaid != "") {
			t.Errorf("%+v has no words", o)
		}
	}
}

// documentOf finds a document by its name and side.
func documentOf(t testing.TB, out generate.Output, side generate.Side, name string) json.RawMessage {
	t.Helper()
	for _, d := range out.Documents {
		if d.Side == side && d.Name == name {
			return d.Document
		}
	}
	t.Fatalf("there is no %s on the side of the %s", name, side)
	return nil
}

func policies(name string, document json.RawMessage) []simulate.Policy {
	return []simulate.Policy{{Name: name, Document: document}}
}

// question asks about a call with the documents as they came out, put where
// each says that it belongs.
func question(t testing.TB, c *generate.Case, out generate.Output, call simulate.Call) *simulate.Input {
	t.Helper()
	hop := c.Chain[0]
	in := &simulate.Input{
		Version: simulate.Version, Call: call,
		Caller:   simulate.Caller{ARN: c.Caller.ARN},
		Chain:    []simulate.Hop{{RoleARN: hop.RoleARN, ExternalID: hop.ExternalID, STS: simulate.STS{Region: tokyo, VPCEndpoint: "vpce-0sts"}}},
		Accounts: []simulate.Account{{ID: "111111111111"}, {ID: "222222222222"}},
		VPCEndpoints: []simulate.VPCEndpoint{
			{ID: "vpce-0sts", Service: "sts", Policies: policies("sts", documentOf(t, out, generate.CallerSide, "endpoint-sts-"+tokyo))},
		},
	}
	if call.Region == tokyo && simulate.Service(call.Operation) == "bedrock-runtime" {
		in.Call.VPCEndpoint = "vpce-0bedrock"
		in.VPCEndpoints = append(in.VPCEndpoints, simulate.VPCEndpoint{
			ID: "vpce-0bedrock", Service: "bedrock-runtime", Policies: policies("bedrock", documentOf(t, out, generate.CallerSide, "endpoint-bedrock-runtime-"+tokyo)),
		})
	}
	in.Caller.Policies.Identity = policies("assume", documentOf(t, out, generate.CallerSide, "assume-bedrock"))
	in.Chain[0].Policies = simulate.RolePolicies{
		Trust: policies("trust", documentOf(t, out, generate.ProviderSide, "trust-bedrock")), Identity: policies("invoke", documentOf(t, out, generate.ProviderSide, "invoke-models")),
	}
	return in
}

func ask(t testing.TB, in *simulate.Input) simulate.Output {
	t.Helper()
	out, err := simulate.Run(in, data)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// known lists every inference profile of the data, and every model behind one.
func known(t testing.TB) (ids, regions []string) {
	t.Helper()
	var listed struct {
		Regions  map[string]json.RawMessage
		Profiles map[string]struct{ Model string }
	}
	if err := json.Unmarshal(residency.BundledText(), &listed); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for id, p := range listed.Profiles {
		seen[id], seen[p.Model] = true, true
	}
	return slices.Sorted(maps.Keys(seen)), slices.Sorted(maps.Keys(listed.Regions))
}

// TestTheArticlesCaseAllowsTokyoAndOsakaAndNothingElse tries everything that the
// data knows with the documents that were made: every model and profile in every
// Region by every operation.
func TestTheArticlesCaseAllowsTokyoAndOsakaAndNothingElse(t *testing.T) {
	c := article()
	out := made(t, c)
	if out.Resident != simulate.Yes || !slices.Equal(out.Destinations, []string{tokyo, osaka}) {
		t.Errorf("resident %s, destinations %v", out.Resident, out.Destinations)
	}
	ids, regions := known(t)
	if len(ids) < 100 || len(regions) < 20 {
		t.Fatalf("only %d models and %d Regions are known", len(ids), len(regions))
	}
	arn := "arn:aws:bedrock:ap-northeast-1:222222222222:"
	var allowed []string
	tried := 0
	try := func(call simulate.Call) {
		tried++
		got := ask(t, question(t, c, out, call))
		if got.Decision != simulate.Allowed {
			return
		}
		allowed = append(allowed, call.Operation+" "+call.ModelID+" "+call.Region)
		if got.Resident != simulate.Yes || !slices.Equal(got.Destinations, []string{tokyo, osaka}) {
			t.Errorf("%s of %s in %s goes to %v", call.Operation, call.ModelID, call.Region, got.Destinations)
		}
	}
	for _, region := range regions {
		for _, id := range ids {
			if _, ok := data.Route(region, id); !ok {
				continue // denied before any policy is asked: TestAnUnknownRouteIsDenied
			}
			for _, op := range []string{"Converse", "ConverseStream"} {
				try(simulate.Call{Operation: op, ModelID: id, Region: region})
			}
		}
	}
	// every other operation, on the model of the case
	for _, op := range simulate.Operations() {
		if strings.HasPrefix(op, "Converse") {
			continue
		}
		try(simulate.Call{
			Operation: op, ModelID: jpHaiku, Region: tokyo, GuardrailARN: arn + "guardrail/g1", KnowledgeBaseARN: arn + "knowledge-base/K", AgentAliasARN: arn + "agent-alias/A/B",
			InlineAgentName: "n", FlowAliasARN: arn + "flow/F/alias/A", OutputS3URI: "s3://bucket/out",
		})
	}
	want := []string{
		"Converse " + jpHaiku + " " + tokyo, "ConverseStream " + jpHaiku + " " + tokyo,
	}
	if !slices.Equal(allowed, want) {
		t.Errorf("of %d calls, allowed are\n%s\nwant\n%s", tried, strings.Join(allowed, "\n"), strings.Join(want, "\n"))
	}
	for _, op := range []string{"InvokeModel", "InvokeModelWithResponseStream"} { // the same two rights under another name of the API
		if got := ask(t, question(t, c, out, simulate.Call{Operation: op, ModelID: jpHaiku, Region: tokyo})); got.Decision != simulate.Allowed {
			t.Errorf("%s: %s", op, got.Decision)
		}
	}
	t.Logf("%d calls tried", tried)
}

func TestNobodyElseMayMakeTheCall(t *testing.T) {
	c := article(func(c *generate.Case) {
		c.VPCEndpoints = []generate.Endpoint{{ID: "vpce-0sts", Service: "sts"}}
	})
	out := made(t, c)
	converse := simulate.Call{Operation: "Converse", ModelID: jpHaiku, Region: tokyo}
	if got := ask(t, question(t, c, out, converse)); got.Decision != simulate.Allowed {
		t.Fatalf("the case itself: %s", got.Text(iam.English))
	}
	all := policies("everything", json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`))
	for _, tt := range []struct {
		name   string
		change func(*simulate.Input)
	}{
		{"another role of the municipality, whatever it may do", func(in *simulate.Input) {
			in.Caller.ARN, in.Caller.Policies.Identity = "arn:aws:iam::111111111111:role/other", all
		}},
		{"a role of a third account", func(in *simulate.Input) {
			in.Caller.ARN, in.Caller.Policies.Identity = "arn:aws:iam::333333333333:role/workplace", all
		}},
		{"the municipality's role by itself", func(in *simulate.Input) { in.Chain = nil; in.Caller.Policies.Identity = all }},
		{"without the ExternalId", func(in *simulate.Input) { in.Chain[0].ExternalID = "" }},
		{"with another ExternalId", func(in *simulate.Input) { in.Chain[0].ExternalID = "x" }},
		{"past the endpoint of STS", func(in *simulate.Input) { in.Chain[0].STS.VPCEndpoint = "" }},
		{"another role of the provider", func(in *simulate.Input) {
			in.Chain[0].RoleARN = "arn:aws:iam::222222222222:role/other"
			in.Chain[0].Policies.Identity = all
		}},
		{"stray credentials behind the endpoint of Bedrock", func(in *simulate.Input) {
			in.Chain = nil
			in.Caller = simulate.Caller{ARN: "arn:aws:iam::444444444444:user/visitor", Policies: simulate.RolePolicies{Identity: all}}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := question(t, c, out, converse)
			tt.change(in)
			if got := ask(t, in); got.Decision != simulate.Denied {
				t.Errorf("got %s\n%s", got.Decision, got.Text(iam.English))
			}
		})
	}
}

// TestTheArticlesOwnSetIsToldForWhatItIs compares the article's documents with
// the ones that are made.
func TestTheArticlesOwnSetIsToldForWhatItIs(t *testing.T) {
	read := func(name string) simulate.Policy {
		text, err := os.ReadFile(filepath.Join("../simulate/testdata", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		return simulate.Policy{Name: name, Document: text}
	}
	c := article()
	out := made(t, c)
	theirs := func(call simulate.Call, names ...string) simulate.Output {
		in := question(t, c, out, call)
		in.VPCEndpoints, in.Call.VPCEndpoint, in.Chain[0].STS.VPCEndpoint = nil, "", ""
		in.Caller.Policies.Identity, in.Chain[0].Policies.Trust = []simulate.Policy{read("identity/assume-vendor")}, []simulate.Policy{read("trust/article")}
		in.Chain[0].Policies.Identity = nil
		for _, name := range names {
			in.Chain[0].Policies.Identity = append(in.Chain[0].Policies.Identity, read(name))
		}
		return ask(t, in)
	}
	const alone, managed = "identity/article", "identity/AmazonBedrockLimitedAccess"
	plain := simulate.Call{Operation: "Converse", ModelID: jpHaiku, Region: tokyo}
	stream := simulate.Call{Operation: "ConverseStream", ModelID: jpHaiku, Region: tokyo}

	if got := theirs(plain, alone); got.Decision != simulate.Allowed || got.Resident != simulate.Yes {
		t.Errorf("the customer policy alone, plain: %s, resident %s", got.Decision, got.Resident)
	}
	got := theirs(stream, alone)
	if got.Decision != simulate.Denied || !slices.ContainsFunc(got.Checks[got.DecidedBy-1].Hints, func(m simulate.Message) bool { return m.Code == "streaming_missing" }) {
		t.Errorf("the customer policy alone, streaming: %s, %s", got.Decision, got.Text(iam.English))
	}
	if !slices.ContainsFunc(got.Findings, func(f iam.Finding) bool { return f.Code == "allow_without_stream" }) {
		t.Errorf("nothing is found in a policy without streaming: %v", got.Findings)
	}

	// With the managed policy beside it, everything that leads anywhere is open.
	ids, regions := known(t)
	routes, open := 0, 0
	for _, region := range regions {
		for _, id := range ids {
			if _, ok := data.Route(region, id); !ok {
				continue
			}
			routes++
			got := theirs(simulate.Call{Operation: "Converse", ModelID: id, Region: region}, alone, managed)
			if got.Decision == simulate.Allowed {
				open++
			}
			if got.Resident == simulate.No && !strings.HasPrefix(got.Warnings[0].Code, "leaves") {
				t.Errorf("%s in %s leaves, and the first warning is %s", id, region, got.Warnings[0].Code)
			}
		}
	}
	if routes < 1000 || open != routes {
		t.Errorf("with the managed policy %d of %d ways are open, want all", open, routes)
	}
}

// TestTheGlobalEndpointOfSTSIsDiagnosed is the municipality's own SCP, which
// leaves only Tokyo open and does not spare STS.
func TestTheGlobalEndpointOfSTSIsDiagnosed(t *testing.T) {
	c := article()
	out := made(t, c)
	scp, err := os.ReadFile("../simulate/testdata/scp/tokyo-sts-too.json")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(sts simulate.STS) simulate.Output {
		in := question(t, c, out, simulate.Call{Operation: "Converse", ModelID: jpHaiku, Region: tokyo})
		in.Accounts[0].SCPs = []simulate.Level{{Name: "root", Policies: []simulate.Policy{{Managed: "FullAWSAccess"}, {Name: "tokyo", Document: scp}}}}
		in.Chain[0].STS = sts
		return ask(t, in)
	}
	if got := ask(simulate.STS{Region: tokyo}); got.Decision != simulate.Allowed {
		t.Errorf("the regional endpoint: %s", got.Text(iam.English))
	}
	got := ask(simulate.STS{Endpoint: "global", Region: tokyo})
	if got.Decision != simulate.Denied || got.Statement == nil || got.Statement.Sid != "TokyoOnly" || got.Checks[0].RequestedRegion != "us-east-1" ||
		len(got.Checks[0].Hints) == 0 || got.Checks[0].Hints[0].Code != "sts_global_endpoint" {
		t.Errorf("the global endpoint: %s", got.Text(iam.English))
	}
}

// TestTheFiveApproaches compares what each gives with what the talk says of it.
func TestTheFiveApproaches(t *testing.T) {
	type row struct {
		calls   simulate.Decision // of the case, under it
		resides simulate.Resident
		opens   []string // attempts that it lets through
	}
	summary := func(t *testing.T, a generate.Approach) row {
		t.Helper()
		r := row{calls: a.Calls[0].Decision, resides: a.Calls[0].Resident}
		for _, o := range a.Calls {
			if o.Decision != r.calls {
				t.Errorf("%s: %s is %s, and another is %s", a.Name, o.Operation, o.Decision, r.calls)
			}
		}
		for _, o := range a.Opens {
			if o.Decision == simulate.Allowed && o.Resident != simulate.Yes && !slices.Contains(r.opens, o.Try) {
				r.opens = append(r.opens, o.Try)
			}
		}
		return r
	}
	everything := []string{"other_way", "other_model", "other_region"}
	for _, tt := range []struct {
		name  string
		c     *generate.Case
		today simulate.Decision
		want  map[string]row
	}{
		{"jp. under an SCP for Tokyo alone", article(), simulate.Denied, map[string]row{
			"leave":      {simulate.Allowed, simulate.Yes, everything},
			"direct":     {simulate.Allowed, simulate.Yes, nil},
			"widen":      {simulate.Allowed, simulate.Yes, nil},
			"bedrock":    {simulate.Allowed, simulate.Yes, everything},
			"role_model": {simulate.Allowed, simulate.Yes, nil},
		}},
		{"jp. under an SCP for Tokyo and Osaka", article(func(c *generate.Case) { c.GovernedRegions = []string{tokyo, osaka} }), simulate.Allowed, map[string]row{
			"leave":      {simulate.Allowed, simulate.Yes, everything},
			"direct":     {simulate.Allowed, simulate.Yes, nil},
			"widen":      {simulate.Allowed, simulate.Yes, nil},
			"bedrock":    {simulate.Allowed, simulate.Yes, everything},
			"role_model": {simulate.Allowed, simulate.Yes, nil},
		}},
		// the talk's own: apac. leads out of the country however it is allowed
		{"apac. under an SCP for Tokyo and Osaka", article(func(c *generate.Case) {
			c.GovernedRegions, c.Models = []string{tokyo, osaka}, []string{"apac.anthropic.claude-sonnet-4-20250514-v1:0"}
		}), simulate.Denied, map[string]row{
			"leave":      {simulate.Allowed, simulate.No, append(slices.Clone(everything), "other_principal")},
			"direct":     {simulate.Allowed, simulate.Yes, nil},
			"widen":      {simulate.Allowed, simulate.No, []string{"other_model", "other_principal"}},
			"bedrock":    {simulate.Allowed, simulate.No, append(slices.Clone(everything), "other_principal")},
			"role_model": {simulate.Allowed, simulate.No, nil},
		}},
		{"global. under an SCP for Tokyo and Osaka", article(func(c *generate.Case) {
			c.GovernedRegions, c.Models = []string{tokyo, osaka}, []string{"global." + haiku}
		}), simulate.Denied, map[string]row{
			"leave":      {simulate.Allowed, simulate.No, []string{"other_model", "other_region", "other_principal"}},
			"direct":     {simulate.Allowed, simulate.Yes, nil},
			"widen":      {simulate.Allowed, simulate.No, []string{"other_model", "other_principal"}},
			"bedrock":    {simulate.Allowed, simulate.No, []string{"other_model", "other_region", "other_principal"}},
			"role_model": {simulate.Allowed, simulate.No, nil},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := made(t, tt.c)
			for _, o := range out.Organization.Calls {
				if o.Decision != tt.today {
					t.Errorf("today %s is %s, want %s", o.Operation, o.Decision, tt.today)
				}
			}
			for _, a := range out.Organization.Approaches {
				got, want := summary(t, a), tt.want[a.Name]
				if got.calls != want.calls || got.resides != want.resides || !slices.Equal(got.opens, want.opens) {
					t.Errorf("%s: %+v, want %+v", a.Name, got, want)
				}
				if len(a.Merits) == 0 || len(a.Risks) == 0 {
					t.Errorf("%s has %d merits and %d risks", a.Name, len(a.Merits), len(a.Risks))
				}
			}
			if len(out.Organization.Approaches) != 5 {
				t.Errorf("%d approaches", len(out.Organization.Approaches))
			}
			if out.Resident == simulate.No && !strings.HasPrefix(out.Notes[0].Code, "leaves") {
				t.Errorf("prompts leave, and the first note is %s", out.Notes[0].Code)
			}
		})
	}
}

// TestDocuments compares the documents with those of testdata, which people have
// read.
func TestDocuments(t *testing.T) {
	for name, c := range map[string]*generate.Case{
		"article": article(),
		"tagged-chain": article(func(c *generate.Case) {
			c.Chain[0].SessionTags, c.Chain[0].TransitiveTagKeys = map[string]string{"department": "{group}", "system": "kakoi"}, []string{"department"}
			c.Chain[0].SourceIdentity = "{account}"
			c.Chain = append(c.Chain, generate.Hop{RoleARN: "arn:aws:iam::333333333333:role/path/models", ExternalID: "second", STSRegion: osaka})
			c.Regions, c.VPCEndpoints = []string{osaka, tokyo}, []generate.Endpoint{{ID: "vpce-0sts", Service: "sts"}, {ID: "vpce-0rt", Service: "bedrock-runtime"}}
		}),
		"own-account": {
			Version: 1, Caller: generate.Caller{ARN: "arn:aws:iam::111111111111:user/kakoi"}, Regions: []string{tokyo},
			Models:       []string{"amazon.nova-lite-v1:0", jpHaiku},
			Operations:   []string{"ListInferenceProfiles", "ConverseStream", "Converse", "CountTokens", "ApplyGuardrail", "Rerank"},
			GuardrailARN: "arn:aws:bedrock:ap-northeast-1:111111111111:guardrail/g1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			out := made(t, c)
			var b bytes.Buffer
			for _, d := range out.Documents {
				b.WriteString("# " + d.Account + " " + d.Name + " (" + string(d.Kind) + ") " + d.AttachTo + "\n")
				if err := json.Indent(&b, d.Document, "", "  "); err != nil {
					t.Fatal(err)
				}
				b.WriteString("\n")
				for _, f := range d.Findings {
					b.WriteString("! " + f.Text(iam.English) + "\n")
				}
			}
			file := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(b.Bytes(), want) {
				t.Errorf("the documents are now\n%s", b.String())
			}
		})
	}
}

func TestTheSameCaseGivesTheSameBytes(t *testing.T) {
	a := article(func(c *generate.Case) {
		c.Models, c.Regions = []string{"global." + haiku, jpHaiku}, []string{tokyo, osaka}
		c.Chain[0].SessionTags = map[string]string{"a": "1", "b": "{email}", "c": "3"}
	})
	b := article(func(c *generate.Case) {
		c.Models, c.Regions = []string{jpHaiku, "global." + haiku, jpHaiku}, []string{osaka, tokyo}
		c.Operations = []string{"ConverseStream", "Converse"}
		c.Chain[0].SessionTags = map[string]string{"c": "3", "b": "{email}", "a": "1"}
	})
	first, err := json.Marshal(made(t, a))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		again, err := json.Marshal(made(t, b))
		if err != nil {
			t.Fatal(err)
		}
		// an SCP for the Regions called is made of the Regions in their order
		if !bytes.Equal(first, again) {
			t.Fatalf("got\n%s\nand\n%s", first, again)
		}
	}
}

// TestEveryProfileHasDocuments makes documents for every way from Tokyo, and
// every way to one model from anywhere; Run itself fails where they do not do what they are for.
func TestEveryProfileHasDocuments(t *testing.T) {
	ids, regions := known(t)
	tried := 0
	for _, region := range regions {
		for _, id := range ids {
			if _, ok := data.Route(region, id); !ok || (region != tokyo && !strings.Contains(id, "haiku-4-5")) { // the others are alike
				continue
			}
			tried++
			if _, err := generate.Run(article(func(c *generate.Case) { c.Models, c.Regions = []string{id}, []string{region} }), data); err != nil {
				t.Errorf("%s in %s: %v", id, region, err)
			}
		}
	}
	if tried < 100 {
		t.Errorf("only %d were tried", tried)
	}
}

// Roles may be called the same under several paths; their documents may not.
func TestDocumentsHaveNamesOfTheirOwn(t *testing.T) {
	out := made(t, article(func(c *generate.Case) {
		c.Chain = append(c.Chain, generate.Hop{RoleARN: "arn:aws:iam::222222222222:role/second/bedrock"})
	}))
	seen := map[string]bool{}
	for _, d := range out.Documents {
		if name := d.Account + "-" + d.Name; seen[name] {
			t.Errorf("%s is there twice", name)
		} else {
			seen[name] = true
		}
	}
}

func TestABadCaseIsNamedPrecisely(t *testing.T) {
	for _, tt := range []struct {
		name        string
		change      func(*generate.Case)
		code, field string
	}{
		{"another version", func(c *generate.Case) { c.Version = 2 }, "version", "version"},
		{"no Region", func(c *generate.Case) { c.Regions = nil }, "required", "regions"},
		{"no Region that is one", func(c *generate.Case) { c.Regions, c.Models = []string{"tokyo"}, []string{"anthropic.m"} }, "region", "regions"},
		{"no model", func(c *generate.Case) { c.Models = nil }, "required", "models"},
		{"no such operation", func(c *generate.Case) { c.Operations = []string{"InvokeAgent"} }, "choice", "operations[0]"},
		{"no guardrail", func(c *generate.Case) { c.Operations = []string{"ApplyGuardrail"} }, "required", "guardrailArn"},
		{"no role", func(c *generate.Case) { c.Chain[0].RoleARN = "bedrock" }, "principal", "chain[0].roleArn"},
		{"no caller", func(c *generate.Case) { c.Caller.ARN = "" }, "principal", "principal.arn"},
		{"no Region of STS", func(c *generate.Case) { c.Chain[0].STSRegion = "x" }, "region", "chain[0].stsRegion"},
		{"no Region of the organization", func(c *generate.Case) { c.GovernedRegions = []string{"unspecified", "Japan"} }, "region", "governedRegions[1]"},
		{"no endpoint", func(c *generate.Case) { c.VPCEndpoints = []generate.Endpoint{{ID: "e", Service: "sts"}} }, "endpoint_id", "vpcEndpoints[0].id"},
		{"an unknown profile", func(c *generate.Case) { c.Models = []string{"jp.somebody.new"} }, "model_unknown", "models[0]"},
		{"an application profile that nobody described", func(c *generate.Case) {
			c.Models = []string{"arn:aws:bedrock:ap-northeast-1:222222222222:application-inference-profile/abcdefghijkl"}
		}, "model_unknown", "models[0]"},
		{"too many", func(c *generate.Case) {
			c.Models = slices.Repeat([]string{jpHaiku}, 1)
			for i := range 300 {
				c.Models = append(c.Models, "anthropic.m"+string(rune('a'+i%26))+string(rune('a'+i/26)))
			}
		}, "too_many", "models"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := generate.Run(article(tt.change), data)
			var bad *simulate.InputError
			if !errors.As(err, &bad) {
				t.Fatalf("got %v, want a problem", err)
			}
			got := bad.Problems[0]
			if got.Code != tt.code || got.Field != tt.field {
				t.Errorf("got %s at %q, want %s at %q", got.Code, got.Field, tt.code, tt.field)
			}
			for _, lang := range []iam.Lang{iam.English, iam.Japanese} {
				if text := got.Text(lang); text == "" || strings.HasSuffix(text, ": ") || strings.ContainsAny(text, "{}") {
					t.Errorf("%q", text)
				}
			}
		})
	}
	if _, err := generate.Decode([]byte(`{"version":1,"modell":[]}`)); err == nil {
		t.Error("a misspelt field was accepted")
	}
}

// An application profile is allowed by its own ARN, and its models through it.
// What stands in a case becomes part of a policy, where some characters stand
// for all others and ${…} for whatever the request brings.
func TestACaseWidensNoPolicy(t *testing.T) {
	for field, change := range map[string]func(*generate.Case){
		"principal.arn":           func(c *generate.Case) { c.Caller.ARN = "arn:aws:iam::111111111111:role/*" },
		"chain[0].roleArn":        func(c *generate.Case) { c.Chain[0].RoleARN = "arn:aws:iam::222222222222:role/bed?ock" },
		"chain[0].externalId":     func(c *generate.Case) { c.Chain[0].ExternalID = "${aws:PrincipalTag/x}" },
		"chain[0].sourceIdentity": func(c *generate.Case) { c.Chain[0].SourceIdentity = "${aws:username}" },
		"chain[0].sessionTags.x":  func(c *generate.Case) { c.Chain[0].SessionTags = map[string]string{"x": "${aws:username}"} },
		"models":                  func(c *generate.Case) { c.Models = []string{"anthropic.*"} },
		"models ": func(c *generate.Case) {
			c.Models = []string{"arn:aws:bedrock:ap-northeast-1:222222222222:provisioned-model/*"}
		},
		"guardrailArn": func(c *generate.Case) {
			c.GuardrailARN = "arn:aws:bedrock:ap-northeast-1:222222222222:guardrail/${aws:username}"
		},
	} {
		out, err := generate.Run(article(change), data)
		var bad *simulate.InputError
		if !errors.As(err, &bad) || bad.Problems[0].Field != strings.TrimSpace(field) || bad.Problems[0].Code != "pattern" {
			t.Errorf("%s: %d documents, %v", field, len(out.Documents), err)
		}
	}
	templates := article(func(c *generate.Case) {
		c.Chain[0].SourceIdentity, c.Chain[0].SessionTags = "{email}", map[string]string{"person": "{account}", "place": "課: a/b+c=d@e"}
	})
	made(t, templates)
}

func TestAnApplicationProfile(t *testing.T) {
	const own = "arn:aws:bedrock:ap-northeast-1:222222222222:application-inference-profile/abcdefghijkl"
	c := article(func(c *generate.Case) {
		c.Models = []string{own}
		c.ApplicationProfiles = []simulate.ApplicationProfile{{ARN: own, CopyFrom: "arn:aws:bedrock:ap-northeast-1:222222222222:inference-profile/" + jpHaiku}}
	})
	out := made(t, c)
	text := string(documentOf(t, out, generate.ProviderSide, "invoke-models"))
	for _, want := range []string{own, "arn:aws:bedrock:ap-northeast-3::foundation-model/" + haiku, `"ArnEquals":{"bedrock:InferenceProfileArn":["` + own + `"]}`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
	if strings.Contains(text, "inference-profile/"+jpHaiku) {
		t.Errorf("the profile that it was copied from is allowed too: %s", text)
	}
}
