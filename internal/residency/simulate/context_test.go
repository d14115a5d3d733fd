package simulate

import (
	"encoding/json"
	"slices"
	"testing"
)

// when is a policy that allows everything on the condition alone.
func when(condition string) []Policy {
	return []Policy{{Name: "when", Document: json.RawMessage(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{` + condition + `}}]}`)}}
}

// TestWhatARequestTells tries each condition key by a policy that allows
// nothing without it.
func TestWhatARequestTells(t *testing.T) {
	guardrail := "arn:aws:bedrock:ap-northeast-1:222222222222:guardrail/g1"
	for _, tt := range []struct {
		name, condition string
		change          func(*Input)
		checks          []int // those that are allowed
	}{
		{"the Region", `"StringEquals":{"aws:RequestedRegion":"ap-northeast-3"}`, nil, []int{3}},
		{"the profile", `"ArnLike":{"bedrock:InferenceProfileArn":"arn:aws:bedrock:*:222222222222:inference-profile/jp.*"}`, nil, []int{2, 3}},
		{"the account of the resource", `"StringEquals":{"aws:ResourceAccount":"222222222222"}`, nil, []int{1}},
		{"the organization of the resource", `"StringEquals":{"aws:ResourceOrgID":"o-1"}`, func(in *Input) { in.Accounts[0].OrganizationID = "o-1" }, []int{1}},
		{"the role, not its session", `"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::222222222222:role/bedrock"}`, nil, []int{1, 2, 3}},
		{"the kind of principal", `"StringEquals":{"aws:PrincipalType":"AssumedRole","aws:PrincipalAccount":"222222222222"}`, nil, []int{1, 2, 3}},
		{"the organization and its unit", `"StringEquals":{"aws:PrincipalOrgID":"o-1"},"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-1/r-1/ou-1/*"}`,
			func(in *Input) {
				in.Accounts[0].OrganizationID, in.Accounts[0].OrganizationPath = "o-1", "o-1/r-1/ou-1/"
			}, []int{1, 2, 3}},
		{"a tag", `"StringEquals":{"aws:PrincipalTag/team":"zaisei"}`, func(in *Input) { in.Caller.Tags = map[string]string{"team": "zaisei"} }, []int{1, 2, 3}},
		{"the source identity", `"StringEquals":{"aws:SourceIdentity":"taro"}`, func(in *Input) { in.Caller.SourceIdentity = "taro" }, []int{1, 2, 3}},
		{"the public address", `"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}`, func(in *Input) { in.Context.SourceIP = "203.0.113.9" }, []int{1, 2, 3}},
		{"the address inside a VPC, which is another key", `"IpAddress":{"aws:VpcSourceIp":"10.0.0.0/8"},"Null":{"aws:SourceIp":"true"},"StringEquals":{"aws:SourceVpc":"vpc-1","aws:SourceVpce":"vpce-1"}`,
			func(in *Input) {
				in.Context.SourceIP, in.Call.VPCEndpoint = "10.1.2.3", "vpce-1"
				in.VPCEndpoints = []VPCEndpoint{{ID: "vpce-1", Service: "bedrock-runtime", VPC: "vpc-1"}}
			}, []int{1, 2, 3}},
		{"a guardrail", `"ArnEquals":{"bedrock:GuardrailIdentifier":"` + guardrail + `"}`, func(in *Input) { in.Call.GuardrailARN = guardrail }, []int{1, 2, 3}},
		{"the kind of API key", `"StringEquals":{"bedrock:BearerTokenType":"SHORT_TERM"}`, func(in *Input) { in.Call.BearerToken = "SHORT_TERM" }, []int{1}},
		{"a key of the input's own", `"StringEquals":{"bedrock:ServiceTier":"default"}`, func(in *Input) { in.Context.Keys = map[string]Values{"bedrock:ServiceTier": {"default"}} }, []int{1, 2, 3}},
		{"a key of the input's own does not win over what is so", `"StringEquals":{"aws:RequestedRegion":"us-east-1"}`, func(in *Input) { in.Context.Keys = map[string]Values{"aws:RequestedRegion": {"us-east-1"}} }, nil},
		{"a user", `"StringEquals":{"aws:username":"taro","aws:PrincipalType":"User"},"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/ka/taro"}`,
			func(in *Input) { in.Caller.ARN = "arn:aws:iam::222222222222:user/ka/taro" }, []int{1, 2, 3}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := direct(t, jpHaiku, tokyo)
			in.Caller.Policies.Identity = when(tt.condition)
			if tt.change != nil {
				tt.change(&in)
			}
			var got []int
			for _, c := range simulate(t, in).Checks {
				if c.ok() {
					got = append(got, c.Number)
				}
			}
			if !slices.Equal(got, tt.checks) {
				t.Errorf("allowed are the checks %v, want %v", got, tt.checks)
			}
		})
	}
}

func TestWhatAssumeRoleTells(t *testing.T) {
	for _, tt := range []struct {
		name, condition string
		change          func(*Hop)
	}{
		{"the session's name", `"StringEquals":{"sts:RoleSessionName":"assume_role_session"}`, func(*Hop) {}},
		{"its tags", `"StringEquals":{"aws:RequestTag/team":"a"},"ForAllValues:StringEquals":{"aws:TagKeys":["team"]},"ForAnyValue:StringEquals":{"sts:TransitiveTagKeys":"team"}`,
			func(h *Hop) { h.SessionTags, h.TransitiveTagKeys = map[string]string{"team": "a"}, []string{"team"} }},
		{"the role's tags", `"StringEquals":{"aws:ResourceTag/use":"kakoi","iam:ResourceTag/use":"kakoi"}`, func(h *Hop) { h.RoleTags = map[string]string{"use": "kakoi"} }},
		{"the source identity", `"StringEquals":{"sts:SourceIdentity":"taro"}`, func(h *Hop) { h.SourceIdentity = "taro" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := article(t, "identity/article")
			in.Chain[0].Policies.Trust = []Policy{{Name: "all", Document: json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:*"}]}`)}}
			in.Caller.Policies.Identity = when(tt.condition)
			in.Chain[0].SessionName = "another"
			if out := simulate(t, in); out.Decision != Denied || out.DecidedBy != 1 {
				t.Fatalf("without: %s by check %d", out.Decision, out.DecidedBy)
			}
			tt.change(&in.Chain[0])
			in.Chain[0].SessionName = "assume_role_session"
			if out := simulate(t, in); out.Decision != Allowed {
				t.Errorf("with: %s", out.Text("en"))
			}
		})
	}
}

func TestKeysThatTheInputDoesNotGiveAreWarnedOf(t *testing.T) {
	in := direct(t, haiku, tokyo)
	in.Caller.Policies.Identity = append(files(t, "identity/all"), when(`"StringEquals":{"bedrock:ServiceTier":"default"}`)...)
	in.Caller.Policies.Identity = append(in.Caller.Policies.Identity, when(`"StringEquals":{"aws:PrincipalOrgID":"o-1"}`)...)
	in.Caller.Policies.Identity = append(in.Caller.Policies.Identity, when(`"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}`)...)
	// Of these it is certain that AWS does not have them either.
	in.Caller.Policies.Identity = append(in.Caller.Policies.Identity, when(`"ArnLike":{"bedrock:InferenceProfileArn":"arn:aws:bedrock:*:*:inference-profile/*"}`)...)
	in.Caller.Policies.Identity = append(in.Caller.Policies.Identity, when(`"StringEquals":{"aws:PrincipalTag/team":"a"}`)...)
	in.Caller.Policies.Identity = append(in.Caller.Policies.Identity, when(`"StringEquals":{"aws:SourceVpce":"vpce-1"}`)...)
	var keys []string
	for _, w := range simulate(t, in).Warnings {
		if w.Code == "key_not_given" {
			keys = append(keys, w.Params["key"])
		}
	}
	if want := []string{"aws:principalorgid", "aws:sourceip", "bedrock:servicetier"}; !slices.Equal(keys, want) {
		t.Errorf("warned of %v, want %v", keys, want)
	}
}

func TestAnAccountThatIsNotDescribedIsWarnedOf(t *testing.T) {
	in := direct(t, haiku, tokyo)
	in.Accounts = nil
	if out := simulate(t, in); codes(out.Warnings) != "account_not_described" || out.Decision != Allowed {
		t.Errorf("%s with %q", out.Decision, codes(out.Warnings))
	}
}
