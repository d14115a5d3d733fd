package simulate

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"kakoi/internal/residency/iam"
)

// article is the case of the source document: a municipality's role assumes
// one of the provider's and calls Haiku by the jp. profile from Tokyo.
func article(t testing.TB, identity ...string) Input {
	t.Helper()
	return Input{
		Call:   Call{Operation: "Converse", ModelID: jpHaiku, Region: tokyo},
		Caller: Caller{ARN: workplace, SessionName: "i-0abc", Policies: RolePolicies{Identity: files(t, "identity/assume-vendor")}},
		Chain: []Hop{{
			RoleARN: vendorRole, SessionName: "assume_role_session", STS: STS{Region: tokyo},
			Policies: RolePolicies{Trust: files(t, "trust/article"), Identity: files(t, identity...)},
		}},
		Accounts: []Account{{ID: municipality}, {ID: vendor}},
	}
}

func scps(t testing.TB, names ...string) []Level {
	t.Helper()
	return []Level{{"root", append([]Policy{{Managed: "FullAWSAccess"}}, files(t, names...)...)}}
}

// hints are those of the check that decided.
func hints(out Output) string {
	if out.DecidedBy == 0 {
		return ""
	}
	return codes(out.Checks[out.DecidedBy-1].Hints)
}

func TestTheChainOfTheSourceDocument(t *testing.T) {
	out := simulate(t, article(t, "identity/article"))
	if out.Decision != Allowed || out.Resident != Yes {
		t.Fatalf("got %s, resident %s: %s", out.Decision, out.Resident, out.Reason.Text("en"))
	}
	var got []string
	for _, c := range out.Checks {
		got = append(got, c.Principal+" "+c.Action+" "+c.RequestedRegion)
	}
	session := "arn:aws:sts::222222222222:assumed-role/bedrock/assume_role_session"
	want := []string{
		"arn:aws:sts::111111111111:assumed-role/workplace/i-0abc sts:AssumeRole " + tokyo,
		session + " bedrock:InvokeModel " + tokyo, session + " bedrock:InvokeModel " + tokyo, session + " bedrock:InvokeModel " + osaka,
	}
	if !slices.Equal(got, want) {
		t.Errorf("checks\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !slices.Equal(out.Destinations, []string{tokyo, osaka}) {
		t.Errorf("destinations %v", out.Destinations)
	}

	// The article's own set, told for what it is: without the managed policy
	// streaming is missing, with it every Region is open.
	in := article(t, "identity/article")
	in.Call.Operation = "ConverseStream"
	if out := simulate(t, in); out.Decision != Denied || hints(out) != "streaming_missing" {
		t.Errorf("streaming: %s, hints %q", out.Decision, hints(out))
	}
	in = article(t, "identity/article", "identity/AmazonBedrockLimitedAccess")
	in.Call.ModelID = globalHaiku
	if out := simulate(t, in); out.Decision != Allowed || out.Resident != No || !out.Anywhere || out.Reason.Code != "allowed_anywhere" {
		t.Errorf("with the managed policy: %s, resident %s, %s", out.Decision, out.Resident, out.Reason.Code)
	}
}

func TestChains(t *testing.T) {
	second := "arn:aws:iam::222222222222:role/path/second"
	inline := func(name, document string) []Policy {
		return []Policy{{Name: name, Document: json.RawMessage(document)}}
	}
	sts := func(action string) []Policy {
		return inline("assume second", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[`+action+`],"Resource":"`+second+`"}]}`)
	}
	for _, tt := range []struct {
		name   string
		change func(*Input)
		want   Decision
		hint   string
		kind   iam.Kind // that decides against it
	}{
		{"both sides allow", func(*Input) {}, Allowed, "", ""},
		{"the municipality's role may not assume", func(in *Input) { in.Caller.Policies.Identity = nil }, Denied, "", iam.Identity},
		{"the provider trusts nobody", func(in *Input) { in.Chain[0].Policies.Trust = nil }, Denied, "", iam.Trust},
		{"the provider trusts the account", func(in *Input) { in.Chain[0].Policies.Trust = files(t, "trust/account") }, Allowed, "", ""},
		{"trusting the account leaves it to the identity policy", func(in *Input) {
			in.Chain[0].Policies.Trust, in.Caller.Policies.Identity = files(t, "trust/account"), nil
		}, Denied, "", iam.Identity},

		{"an ExternalId is asked for and missing", func(in *Input) { in.Chain[0].Policies.Trust = files(t, "trust/external-id") }, Denied, "external_id_missing", iam.Trust},
		{"an ExternalId is wrong", func(in *Input) {
			in.Chain[0].Policies.Trust, in.Chain[0].ExternalID = files(t, "trust/external-id"), "x1"
		}, Denied, "external_id_wrong", iam.Trust},
		{"an ExternalId is right", func(in *Input) {
			in.Chain[0].Policies.Trust, in.Chain[0].ExternalID = files(t, "trust/external-id"), "shiyakusho-7f3a"
		}, Allowed, "", ""},
		{"an ExternalId nobody asks for", func(in *Input) { in.Chain[0].ExternalID = "x1" }, Allowed, "", ""},

		{"the global STS endpoint under a Tokyo-only SCP", func(in *Input) {
			in.Accounts[0].SCPs, in.Chain[0].STS = scps(t, "scp/tokyo-sts-too"), STS{Endpoint: "global"}
		}, Denied, "sts_global_endpoint", iam.SCP},
		{"the regional one in Osaka is no better", func(in *Input) {
			in.Accounts[0].SCPs, in.Chain[0].STS.Region = scps(t, "scp/tokyo-sts-too"), osaka
		}, Denied, "", iam.SCP},
		{"the regional one in Tokyo is", func(in *Input) { in.Accounts[0].SCPs = scps(t, "scp/tokyo-sts-too") }, Allowed, "", ""},
		{"the municipality's SCPs no longer bind the call", func(in *Input) { in.Accounts[0].SCPs = scps(t, "scp/tokyo-sts-too", "scp/no-bedrock") }, Allowed, "", ""},
		{"the provider's SCPs do", func(in *Input) { in.Accounts[1].SCPs = scps(t, "scp/no-bedrock") }, Denied, "", iam.SCP},
		{"one destination denied by an SCP denies the whole", func(in *Input) { in.Accounts[1].SCPs = scps(t, "scp/tokyo") }, Denied, "profile_leads_there", iam.SCP},
		{"the provider's management account has no SCPs", func(in *Input) {
			in.Accounts[1].SCPs, in.Accounts[1].Management = scps(t, "scp/no-bedrock"), true
		}, Allowed, "", ""},
		{"a unit whose FullAWSAccess was detached", func(in *Input) {
			in.Accounts[1].SCPs = append(scps(t), Level{Name: "unit", Policies: files(t, "scp/deny-melbourne")})
		}, Denied, "full_access_missing", iam.SCP},

		{"an RCP of the provider keeps other organizations out", func(in *Input) {
			in.Accounts[0].OrganizationID = "o-city"
			in.Accounts[1].RCPs = []Level{{"root", files(t, "rcp/own-organization")}}
		}, Denied, "", iam.RCP},
		{"and lets its own in", func(in *Input) {
			in.Accounts[0].OrganizationID = "o-vendor"
			in.Accounts[1].RCPs = []Level{{"root", files(t, "rcp/own-organization")}}
		}, Allowed, "", ""},

		{"but not where the role is in the management account", func(in *Input) {
			in.Accounts[0].OrganizationID, in.Accounts[1].Management = "o-city", true
			in.Accounts[1].RCPs = []Level{{"root", files(t, "rcp/own-organization")}}
		}, Allowed, "", ""},
		{"a service-linked role is bound by no SCP", func(in *Input) {
			in.Accounts[1].SCPs = scps(t, "scp/no-bedrock")
			in.Caller, in.Chain = Caller{ARN: "arn:aws:iam::222222222222:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX", Policies: RolePolicies{Identity: files(t, "identity/all")}}, nil
		}, Allowed, "", ""},

		{"the trust policy wants a VPC endpoint", func(in *Input) { in.Chain[0].Policies.Trust = files(t, "trust/endpoint") }, Denied, "vpc_endpoint_missing", iam.Trust},
		{"and gets it", func(in *Input) {
			in.Chain[0].Policies.Trust, in.Chain[0].STS.VPCEndpoint = files(t, "trust/endpoint"), "vpce-0sts"
		}, Allowed, "", ""},
		{"endpoint policies that fit", func(in *Input) { in.Chain[0].STS.VPCEndpoint, in.Call.VPCEndpoint = "vpce-0sts", "vpce-0bedrock" }, Allowed, "", ""},
		{"an endpoint policy that does not let apac. out", func(in *Input) {
			in.Call.VPCEndpoint, in.Call.ModelID = "vpce-0bedrock", apacSonnet
			in.Chain[0].Policies.Identity = files(t, "identity/all")
		}, Denied, "", iam.Endpoint},
		{"stray credentials behind the endpoint", func(in *Input) {
			in.Call.VPCEndpoint, in.Chain = "vpce-0bedrock", nil
			in.Caller.Policies.Identity = files(t, "identity/all")
		}, Denied, "", iam.Endpoint},

		{"session tags without sts:TagSession", func(in *Input) { in.Chain[0].SessionTags = map[string]string{"department": "zaisei"} }, Denied, "tag_session_both_sides", iam.Trust},
		{"session tags and a source identity with both sides", func(in *Input) {
			in.Chain[0].SessionTags, in.Chain[0].SourceIdentity = map[string]string{"department": "zaisei"}, "taro@city.example.lg.jp"
			in.Chain[0].Policies.Trust, in.Caller.Policies.Identity = files(t, "trust/tagged"), files(t, "identity/assume-vendor-tagged")
		}, Allowed, "", ""},
		{"a source identity of somebody else", func(in *Input) {
			in.Chain[0].SessionTags, in.Chain[0].SourceIdentity = map[string]string{"department": "zaisei"}, "taro@example.com"
			in.Chain[0].Policies.Trust, in.Caller.Policies.Identity = files(t, "trust/tagged"), files(t, "identity/assume-vendor-tagged")
		}, Denied, "", iam.Trust},
		{"tags only in the trust policy", func(in *Input) {
			in.Chain[0].SessionTags, in.Chain[0].SourceIdentity = map[string]string{"department": "zaisei"}, "taro@city.example.lg.jp"
			in.Chain[0].Policies.Trust = files(t, "trust/tagged")
		}, Denied, "tag_session_both_sides", iam.Identity},

		{"a second role in the same account, trusted by name", func(in *Input) {
			trust := inline("trust", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+vendorRole+`"},"Action":"sts:AssumeRole"}]}`)
			in.Chain = append(in.Chain, Hop{RoleARN: second, STS: STS{Region: tokyo}, Policies: RolePolicies{Trust: trust, Identity: files(t, "identity/article")}})
		}, Allowed, "", ""},
		{"a transitive tag reaches the last role", func(in *Input) {
			in.Chain[0].SessionTags, in.Chain[0].TransitiveTagKeys = map[string]string{"department": "zaisei"}, []string{"department"}
			in.Chain[0].SourceIdentity = "taro@city.example.lg.jp"
			in.Chain[0].Policies.Trust, in.Caller.Policies.Identity = files(t, "trust/tagged"), files(t, "identity/assume-vendor-tagged")
			in.Chain[0].Policies.Identity = sts(`"sts:AssumeRole","sts:SetSourceIdentity","sts:TagSession"`)
			in.Chain = append(in.Chain, Hop{RoleARN: second, STS: STS{Region: tokyo}, Policies: RolePolicies{
				Trust:    inline("trust", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":["sts:AssumeRole","sts:SetSourceIdentity","sts:TagSession"]}]}`),
				Identity: inline("by department", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"bedrock:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/department":"zaisei"}}}]}`),
			}})
		}, Allowed, "", ""},
		{"a transitive tag is asked for again at the next role", func(in *Input) {
			in.Caller.Tags, in.Caller.TransitiveTagKeys = map[string]string{"department": "zaisei"}, []string{"department"}
		}, Denied, "tag_session_both_sides", iam.Trust},
		{"a source identity is asked for again at the next role", func(in *Input) {
			in.Caller.SourceIdentity = "taro"
		}, Denied, "source_identity_both_sides", iam.Trust},

		{"a session policy narrows the role", func(in *Input) {
			in.Chain[0].Policies.Session = inline("session", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"bedrock:InvokeModel","Resource":"arn:aws:bedrock:ap-northeast-1:*:*"}]}`)
		}, Denied, "profile_leads_there", iam.Session},
		{"a boundary narrows the role", func(in *Input) {
			in.Chain[0].Policies.Boundary = inline("boundary", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`)
		}, Denied, "", iam.Boundary},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := article(t, "identity/article")
			in.VPCEndpoints = []VPCEndpoint{
				{ID: "vpce-0sts", Service: "sts", VPC: "vpc-1", Policies: files(t, "endpoint/sts-vendor")},
				{ID: "vpce-0bedrock", Service: "bedrock-runtime", VPC: "vpc-1", Policies: files(t, "endpoint/bedrock-jp")},
			}
			tt.change(&in)
			out := simulate(t, in)
			if out.Decision != tt.want || hints(out) != tt.hint {
				t.Fatalf("got %s with hints %q, want %s with %q\n%s", out.Decision, hints(out), tt.want, tt.hint, out.Text("en"))
			}
			if tt.want == Allowed {
				return
			}
			c := out.Checks[out.DecidedBy-1]
			kind := iam.Kind("")
			if c.Decision == iam.ExplicitDeny {
				kind = c.Statement.Kind
			} else {
				kind = c.Lacks[0].Kind
			}
			if kind != tt.kind {
				t.Errorf("decided by %s, want %s", kind, tt.kind)
			}
		})
	}
}

func TestARoleThatCannotBeAssumedEndsTheChecks(t *testing.T) {
	in := article(t, "identity/article")
	in.Chain[0].Policies.Trust = files(t, "trust/external-id")
	in.Chain = append(in.Chain, Hop{RoleARN: "arn:aws:iam::222222222222:role/ka/second", STS: STS{Region: tokyo}})
	out := simulate(t, in)
	if out.Decision != Denied || len(out.Checks) != 1 || out.DecidedBy != 1 || out.Reason.Code != "denied_assume_role" {
		t.Errorf("%s by check %d of %d: %s", out.Decision, out.DecidedBy, len(out.Checks), out.Reason.Code)
	}
	// Who would have called, and where to, is told all the same. A session's
	// ARN has the role's name without its path.
	if want := "arn:aws:sts::222222222222:assumed-role/second/kakoi"; out.Principal != want || !slices.Equal(out.Destinations, []string{tokyo, osaka}) {
		t.Errorf("%s to %v, want %s", out.Principal, out.Destinations, want)
	}
}

func TestThatTheSCPsEndIsSaid(t *testing.T) {
	in := article(t, "identity/article")
	in.Accounts[0].SCPs = scps(t, "scp/no-bedrock")
	if out := simulate(t, in); codes(out.Warnings) != "scps_end_here" {
		t.Errorf("warnings %q", codes(out.Warnings))
	}
}

// TestTheFiveApproachesOfTheTalk is the other source document: apac. profiles
// under the Region restriction of Control Tower, and what each way out gives.
func TestTheFiveApproachesOfTheTalk(t *testing.T) {
	approved := "arn:aws:iam::222222222222:role/bedrock-approved"
	for _, tt := range []struct {
		name, scp, role, model, region string
		want                           Decision
		resident                       Resident
	}{
		{"the problem: a Region is denied that nobody named", "scp/control-tower", vendorRole, apacSonnet, tokyo, Denied, No},
		{"1. out of control", "scp/full", vendorRole, apacSonnet, tokyo, Allowed, No},
		{"2. models without cross-Region inference", "scp/control-tower", vendorRole, haiku, tokyo, Allowed, Yes},
		{"3. more Regions", "scp/approach-3-widen", vendorRole, apacSonnet, tokyo, Allowed, No},
		{"3. but not for the other services' sake only: Regions of one model are not those of all", "scp/approach-3-widen", vendorRole, apacNova, jakarta, Denied, No},
		{"4. Bedrock allowed", "scp/approach-4-bedrock", vendorRole, apacSonnet, tokyo, Allowed, No},
		{"4. which allows any Region", "scp/approach-4-bedrock", vendorRole, haiku, "eu-west-1", Allowed, No},
		{"5. one role and one model", "scp/approach-5-role-and-model", approved, apacSonnet, tokyo, Allowed, No},
		{"5. not another role", "scp/approach-5-role-and-model", vendorRole, apacSonnet, tokyo, Denied, No},
		{"5. not another model", "scp/approach-5-role-and-model", approved, apacNova, tokyo, Denied, No},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := withSCP(t, direct(t, tt.model, tt.region), tt.scp)
			in.Caller.ARN = tt.role
			out := simulate(t, in)
			if out.Decision != tt.want || out.Resident != tt.resident {
				t.Errorf("got %s, resident %s: %s", out.Decision, out.Resident, out.Reason.Text("en"))
			}
		})
	}

	out := simulate(t, withSCP(t, direct(t, apacSonnet, tokyo), "scp/control-tower"))
	want := "User: arn:aws:sts::222222222222:assumed-role/bedrock/kakoi is not authorized to perform: bedrock:InvokeModel on resource: " +
		"arn:aws:bedrock:ap-northeast-2::foundation-model/anthropic.claude-sonnet-4-20250514-v1:0 with an explicit deny in a service control policy"
	if out.AWSMessage != want {
		t.Errorf("AWS prints\n%s\nwant\n%s", out.AWSMessage, want)
	}
	if s := out.Statement; s == nil || s.Sid != "DenyOutsideRegions" || s.Level != "unit" || s.Policy != "scp/control-tower" {
		t.Errorf("decided by %+v", s)
	}
	if hints(out) != "profile_leads_there" {
		t.Errorf("hints %q", hints(out))
	}
}
