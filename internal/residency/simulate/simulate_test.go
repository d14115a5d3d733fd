package simulate

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

const (
	tokyo   = "ap-northeast-1"
	osaka   = "ap-northeast-3"
	jakarta = "ap-southeast-3"

	haiku       = "anthropic.claude-haiku-4-5-20251001-v1:0"
	jpHaiku     = "jp." + haiku
	globalHaiku = "global." + haiku
	apacSonnet  = "apac.anthropic.claude-sonnet-4-20250514-v1:0"
	apacNova    = "apac.amazon.nova-lite-v1:0"

	municipality = "111111111111"
	vendor       = "222222222222"
	vendorRole   = "arn:aws:iam::222222222222:role/bedrock"
	workplace    = "arn:aws:iam::111111111111:role/workplace"
)

// table is a Router over the profiles of testdata/profiles.json. Ids without
// an entry are models in their own Region, if they are ones of the profiles.
type table map[string]struct {
	Model        string
	Destinations json.RawMessage
}

func profiles(t testing.TB) table {
	t.Helper()
	data, err := os.ReadFile("testdata/profiles.json")
	if err != nil {
		t.Fatal(err)
	}
	var p table
	if err := json.Unmarshal(data, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p table) Route(region, id string) (Route, bool) {
	profile, ok := p[id]
	if !ok {
		for _, other := range p {
			if other.Model == id {
				return Route{Kind: InRegion, Model: id, Destinations: []string{region}}, true
			}
		}
		return Route{}, false
	}
	var byRegion map[string][]string
	if json.Unmarshal(profile.Destinations, &byRegion) != nil {
		return Route{Kind: Global, Model: profile.Model}, true
	}
	destinations, ok := byRegion[region]
	return Route{Kind: Geographic, Model: profile.Model, Destinations: destinations}, ok
}

// file is a policy of testdata.
func file(t testing.TB, name string) Policy {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return Policy{Name: name, Document: data}
}

func files(t testing.TB, names ...string) (list []Policy) {
	t.Helper()
	for _, name := range names {
		list = append(list, file(t, name))
	}
	return list
}

// simulate runs in as it comes from outside.
func simulate(t testing.TB, in Input) Output {
	t.Helper()
	in.Version = Version
	data, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	read, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	out, err := Run(read, profiles(t))
	if err != nil {
		t.Fatal(err)
	}
	checkWords(t, out)
	return out
}

// direct is a call by a role of the vendor's, with everything allowed.
func direct(t testing.TB, model, region string) Input {
	t.Helper()
	return Input{
		Call:     Call{Operation: "Converse", ModelID: model, Region: region},
		Caller:   Caller{ARN: vendorRole, Policies: RolePolicies{Identity: files(t, "identity/all")}},
		Accounts: []Account{{ID: vendor}},
	}
}

func codes(list []Message) string {
	var s []string
	for _, m := range list {
		s = append(s, m.Code)
	}
	return strings.Join(s, " ")
}

// withSCP puts an SCP on the vendor's unit, under a root with full access. The
// one that allows stands in the place of full access.
func withSCP(t testing.TB, in Input, name string) Input {
	t.Helper()
	full := Policy{Managed: "FullAWSAccess"}
	unit := []Policy{full, file(t, name)}
	if strings.HasPrefix(name, "scp/allow") {
		unit = unit[1:]
	}
	in.Accounts = []Account{{ID: vendor, SCPs: []Level{{"root", []Policy{full}}, {"unit", unit}, {"account", []Policy{full}}}}}
	return in
}

// TestChecksOfOneInvocation is the table of that name, row by row.
func TestChecksOfOneInvocation(t *testing.T) {
	const (
		jpARN     = "arn:aws:bedrock:ap-northeast-1:222222222222:inference-profile/" + jpHaiku
		globalARN = "arn:aws:bedrock:ap-northeast-1:222222222222:inference-profile/" + globalHaiku
		appARN    = "arn:aws:bedrock:ap-northeast-1:222222222222:application-inference-profile/abcdefghijkl"
		inTokyo   = "arn:aws:bedrock:ap-northeast-1::foundation-model/" + haiku
		inOsaka   = "arn:aws:bedrock:ap-northeast-3::foundation-model/" + haiku
		nowhere   = "arn:aws:bedrock:::foundation-model/" + haiku
	)
	for _, tt := range []struct {
		name, model string
		copyFrom    string
		want        [][3]string // resource, aws:RequestedRegion, bedrock:InferenceProfileArn
	}{
		{"geographic", jpHaiku, "", [][3]string{{jpARN, tokyo, ""}, {inTokyo, tokyo, jpARN}, {inOsaka, osaka, jpARN}}},
		{"geographic by ARN", jpARN, "", [][3]string{{jpARN, tokyo, ""}, {inTokyo, tokyo, jpARN}, {inOsaka, osaka, jpARN}}},
		{"global", globalHaiku, "", [][3]string{{globalARN, tokyo, ""}, {inTokyo, tokyo, globalARN}, {nowhere, "unspecified", globalARN}}},
		{"application, from a profile", appARN, jpARN, [][3]string{{appARN, tokyo, ""}, {inTokyo, tokyo, appARN}, {inOsaka, osaka, appARN}}},
		{"application, from a model", appARN, inTokyo, [][3]string{{appARN, tokyo, ""}, {inTokyo, tokyo, appARN}}},
		{"bare", haiku, "", [][3]string{{inTokyo, tokyo, ""}}},
		{"bare by ARN", inTokyo, "", [][3]string{{inTokyo, tokyo, ""}}},
		{"a model of one's own", "arn:aws:bedrock:ap-northeast-1:222222222222:provisioned-model/abcdefghijkl", "", [][3]string{{"arn:aws:bedrock:ap-northeast-1:222222222222:provisioned-model/abcdefghijkl", tokyo, ""}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := direct(t, tt.model, tokyo)
			if tt.copyFrom != "" {
				in.ApplicationProfiles = []ApplicationProfile{{ARN: appARN, CopyFrom: tt.copyFrom}}
			}
			out := simulate(t, in)
			var got [][3]string
			for _, c := range out.Checks {
				got = append(got, [3]string{c.Resource, c.RequestedRegion, c.InferenceProfileARN})
				if c.Action != invokeModel {
					t.Errorf("Converse is checked for %s", c.Action)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %v\nwant %v", got, tt.want)
			}
		})
	}
}

func TestAnApplicationProfileIsNoCopyOfAnotherRegions(t *testing.T) {
	in := direct(t, "arn:aws:bedrock:ap-northeast-1:222222222222:application-inference-profile/abcdefghijkl", tokyo)
	for _, from := range []string{
		"arn:aws:bedrock:ap-northeast-3:222222222222:inference-profile/" + jpHaiku,
		"arn:aws:bedrock:ap-northeast-1:222222222222:application-inference-profile/mnopqrstuvwx",
	} {
		in.ApplicationProfiles = []ApplicationProfile{{ARN: in.Call.ModelID, CopyFrom: from}}
		if out := simulate(t, in); out.Reason.Code != "route_unknown" {
			t.Errorf("a copy of %s: %s", from, out.Reason.Code)
		}
	}
}

func TestAnUnknownRouteIsDenied(t *testing.T) {
	for _, model := range []string{
		"jp.anthropic.claude-sonnet-5", // no such profile was ever listed
		"arn:aws:bedrock:ap-northeast-1:222222222222:application-inference-profile/notdescribed",
		"arn:aws:bedrock:ap-northeast-1:222222222222:default-prompt-router/anthropic.claude:1",
		"arn:aws:bedrock:ap-northeast-1:222222222222:prompt/ABCDEFGHIJ",
		"arn:aws:sagemaker:ap-northeast-1:222222222222:endpoint/x",
	} {
		out := simulate(t, direct(t, model, tokyo))
		if out.Decision != Denied || out.Reason.Code != "route_unknown" || out.Resident != Unknown || len(out.Checks) != 0 {
			t.Errorf("%s: %s, %s, resident %s", model, out.Decision, out.Reason.Code, out.Resident)
		}
	}
}

// TestActionsOfOperations is the table of IAM actions.
func TestActionsOfOperations(t *testing.T) {
	kb := "arn:aws:bedrock:ap-northeast-1:222222222222:knowledge-base/KB1"
	alias := "arn:aws:bedrock:ap-northeast-1:222222222222:agent-alias/A/B"
	flow := "arn:aws:bedrock:ap-northeast-1:222222222222:flow/F/alias/A"
	guardrail := "arn:aws:bedrock:ap-northeast-1:222222222222:guardrail/g1"
	jobs := "arn:aws:bedrock:ap-northeast-1:222222222222:async-invoke/*"
	model := "arn:aws:bedrock:ap-northeast-1::foundation-model/" + haiku
	seen := map[string]bool{}
	for _, tt := range []struct {
		call Call
		want []string
	}{
		{Call{Operation: "Converse", ModelID: haiku}, []string{"bedrock:InvokeModel " + model}},
		{Call{Operation: "InvokeModel", ModelID: haiku}, []string{"bedrock:InvokeModel " + model}},
		{Call{Operation: "InvokeModelWithBidirectionalStream", ModelID: haiku}, []string{"bedrock:InvokeModel " + model}},
		{Call{Operation: "ConverseStream", ModelID: haiku}, []string{"bedrock:InvokeModelWithResponseStream " + model}},
		{Call{Operation: "InvokeModelWithResponseStream", ModelID: haiku}, []string{"bedrock:InvokeModelWithResponseStream " + model}},
		{Call{Operation: "Converse", ModelID: haiku, BearerToken: "LONG_TERM"}, []string{"bedrock:CallWithBearerToken *", "bedrock:InvokeModel " + model}},
		{Call{Operation: "Converse", ModelID: haiku, GuardrailARN: guardrail}, []string{"bedrock:InvokeModel " + model, "bedrock:ApplyGuardrail " + guardrail}},
		{Call{Operation: "StartAsyncInvoke", ModelID: haiku, OutputS3URI: "s3://kekka/out/"}, []string{"bedrock:InvokeModel " + model, "bedrock:InvokeModel " + jobs, "s3:PutObject arn:aws:s3:::kekka/out/*"}},
		{Call{Operation: "GetAsyncInvoke"}, []string{"bedrock:GetAsyncInvoke " + jobs}},
		{Call{Operation: "ListAsyncInvokes"}, []string{"bedrock:ListAsyncInvokes *"}},
		{Call{Operation: "CountTokens", ModelID: haiku}, []string{"bedrock:CountTokens " + model}},
		{Call{Operation: "ApplyGuardrail", GuardrailARN: guardrail}, []string{"bedrock:ApplyGuardrail " + guardrail}},
		{Call{Operation: "Rerank", ModelID: haiku}, []string{"bedrock:Rerank *", "bedrock:InvokeModel " + model}},
		{Call{Operation: "Retrieve", KnowledgeBaseARN: kb}, []string{"bedrock:Retrieve " + kb}},
		{Call{Operation: "RetrieveAndGenerate", KnowledgeBaseARN: kb, ModelID: haiku}, []string{"bedrock:RetrieveAndGenerate *", "bedrock:Retrieve " + kb, "bedrock:InvokeModel " + model}},
		{Call{Operation: "RetrieveAndGenerateStream", KnowledgeBaseARN: kb, ModelID: haiku}, []string{"bedrock:RetrieveAndGenerate *", "bedrock:Retrieve " + kb, "bedrock:InvokeModel " + model}},
		{Call{Operation: "InvokeAgent", AgentAliasARN: alias}, []string{"bedrock:InvokeAgent " + alias}},
		{Call{Operation: "InvokeInlineAgent", InlineAgentName: "kakari"}, []string{"bedrock:InvokeInlineAgent *"}},
		{Call{Operation: "InvokeFlow", FlowAliasARN: flow}, []string{"bedrock:InvokeFlow " + flow}},
		{Call{Operation: "OptimizePrompt"}, []string{"bedrock:OptimizePrompt *"}},
		{Call{Operation: "ListFoundationModels"}, []string{"bedrock:ListFoundationModels *"}},
		{Call{Operation: "ListInferenceProfiles"}, []string{"bedrock:ListInferenceProfiles *"}},
	} {
		seen[tt.call.Operation] = true
		t.Run(tt.call.Operation, func(t *testing.T) {
			in := direct(t, "", tokyo)
			in.Call, in.Call.Region = tt.call, tokyo
			in.Caller.Policies.Identity = []Policy{{Name: "all", Document: json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)}}
			out := simulate(t, in)
			var got []string
			for _, c := range out.Checks {
				got = append(got, c.Action+" "+c.Resource)
			}
			if !slices.Equal(got, tt.want) || out.Decision != Allowed {
				t.Errorf("%s by %v, want %v", out.Decision, got, tt.want)
			}
			if want := map[bool]Resident{true: Unknown, false: Yes}[operations[tt.call.Operation].behind]; out.Resident != want {
				t.Errorf("resident %s, want %s", out.Resident, want)
			}
		})
	}
	for _, name := range Operations() {
		if !seen[name] {
			t.Errorf("no case calls %s", name)
		}
	}
}

func TestModelsBehindTheCallCount(t *testing.T) {
	in := direct(t, "", tokyo)
	in.Call = Call{Operation: "InvokeAgent", Region: tokyo, AgentAliasARN: "arn:aws:bedrock:ap-northeast-1:222222222222:agent-alias/A/B"}
	for _, tt := range []struct {
		behind []string
		want   Resident
	}{
		{nil, Unknown},
		{[]string{jpHaiku}, Yes},
		{[]string{jpHaiku, apacNova}, No},
		{[]string{globalHaiku}, No},
		{[]string{"jp.somebody.new"}, Unknown},
	} {
		in.Call.ModelsBehind = tt.behind
		if out := simulate(t, in); out.Resident != tt.want || out.Decision != Allowed {
			t.Errorf("%v: resident %s (%s), want %s", tt.behind, out.Resident, out.Decision, tt.want)
		}
	}
}

// TestEveryDestinationCounts holds for every profile, wherever it is called:
// an SCP that denies any one Region it leads to denies the call, and an
// identity policy that leaves out any one but the Region called is partial.
func TestEveryDestinationCounts(t *testing.T) {
	tried := 0
	for id, profile := range profiles(t) {
		var byRegion map[string][]string
		if json.Unmarshal(profile.Destinations, &byRegion) != nil {
			continue // global
		}
		for from, destinations := range byRegion {
			for _, region := range destinations {
				tried++
				in := direct(t, id, from)
				in.Accounts[0].SCPs = []Level{{"root", []Policy{{Managed: "FullAWSAccess"}, {Name: "deny", Document: json.RawMessage(
					`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"` + region + `"}}}]}`)}}}}
				if out := simulate(t, in); out.Decision != Denied || !slices.Contains(out.Destinations, region) {
					t.Errorf("%s from %s under a deny of %s: %s", id, from, region, out.Decision)
				}

				in = direct(t, id, from)
				in.Caller.Policies.Identity = []Policy{{Name: "all but one", Document: json.RawMessage(
					`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"bedrock:InvokeModel","NotResource":"arn:aws:bedrock:` + region + `::foundation-model/*"}]}`)}}
				want := map[bool]Decision{true: Denied, false: Partial}[region == from]
				if out := simulate(t, in); out.Decision != want {
					t.Errorf("%s from %s without %s: %s, want %s", id, from, region, out.Decision, want)
				}
			}
		}
	}
	if tried < 100 {
		t.Errorf("only %d destinations were tried", tried)
	}
}

func TestAnotherPlaceMayBeAllowed(t *testing.T) {
	in := direct(t, haiku, "us-east-1")
	in.AllowedRegions = []string{"us-east-1"}
	if out := simulate(t, in); out.Resident != Yes || !slices.Equal(out.Destinations, []string{"us-east-1"}) {
		t.Errorf("resident %s, destinations %v", out.Resident, out.Destinations)
	}
}

func TestAnARNOfAnotherRegionLeadsNowhereKnown(t *testing.T) {
	in := direct(t, "", tokyo)
	in.Call = Call{Operation: "InvokeAgent", Region: tokyo, AgentAliasARN: "arn:aws:bedrock:ap-northeast-1:222222222222:agent-alias/A/B"}
	for _, behind := range []string{
		"arn:aws:bedrock:ap-northeast-3::foundation-model/" + haiku,
		"arn:aws:bedrock:ap-northeast-1::foundation-model/" + jpHaiku, // a profile is no model
		"arn:aws:bedrock:ap-northeast-3:222222222222:inference-profile/" + jpHaiku,
		"arn:aws:bedrock:ap-northeast-1:222222222222:inference-profile/" + haiku, // a model is no profile
		"arn:aws:bedrock:ap-northeast-3:222222222222:provisioned-model/abcdefghijkl",
	} {
		in.Call.ModelsBehind = []string{behind}
		if out := simulate(t, in); out.Resident != Unknown {
			t.Errorf("%s: resident %s", behind, out.Resident)
		}
	}
}

// Amazon Bedrock writes the results by itself: past the caller's VPC endpoint,
// but with the caller's rights, and into another account only where the
// bucket's policy lets it.
func TestResultsAreWrittenWithTheCallersRights(t *testing.T) {
	in := direct(t, haiku, tokyo)
	in.Call = Call{Operation: "StartAsyncInvoke", Region: tokyo, ModelID: haiku, OutputS3URI: "s3://kekka/out", VPCEndpoint: "vpce-0bedrock"}
	in.VPCEndpoints = []VPCEndpoint{{ID: "vpce-0bedrock", Service: "bedrock-runtime", Policies: []Policy{{
		Name: "bedrock only", Document: json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"bedrock:*","Resource":"*"}]}`),
	}}}}
	write := Policy{Name: "write", Document: json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::kekka/*"}]}`)}
	if out := simulate(t, in); out.Decision != Denied || out.Checks[out.DecidedBy-1].Purpose != ForOutput {
		t.Errorf("without s3:PutObject: %s by check %d", out.Decision, out.DecidedBy)
	}
	in.Caller.Policies.Identity = append(in.Caller.Policies.Identity, write)
	if out := simulate(t, in); out.Decision != Allowed {
		t.Errorf("with it: %s", out.Text("en"))
	}
	in.Call.OutputS3Account = municipality
	if out := simulate(t, in); out.Decision != Denied {
		t.Errorf("into another account: %s", out.Decision)
	}
	in.ResourcePolicies = []ResourcePolicy{{ResourceARN: "arn:aws:s3:::kekka", Policies: []Policy{{
		Name: "bucket", Document: json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::kekka/*"}]}`),
	}}}}
	if out := simulate(t, in); out.Decision != Allowed {
		t.Errorf("into another account whose bucket lets it: %s", out.Text("en"))
	}
}
