package iam

import (
	"slices"
	"strings"
	"testing"
)

const (
	account = "111111111111"
	other   = "222222222222"
	role    = "arn:aws:iam::111111111111:role/app"
	session = "arn:aws:sts::111111111111:assumed-role/app/kakoi"
	target  = "arn:aws:iam::222222222222:role/bedrock"
	bucket  = "arn:aws:s3:::bunsho/a.txt"
)

var app = Principal{ARN: session, RoleARN: role, Account: account}

func policy(t testing.TB, kind Kind, statements ...string) *Policy {
	t.Helper()
	p, err := Parse(kind, string(kind), []byte(`{"Version":"2012-10-17","Statement":[{`+strings.Join(statements, "},{")+`}]}`))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func allow(action, resource string) string {
	return `"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"`
}

func deny(action, resource string) string {
	return `"Sid":"No","Effect":"Deny","Action":"` + action + `","Resource":"` + resource + `"`
}

func to(principal, rest string) string { return `"Principal":{"AWS":"` + principal + `"},` + rest }

func these(policies ...*Policy) []*Policy { return policies }

func TestPolicyEvaluationLogic(t *testing.T) {
	all := policy(t, Identity, allow("*", "*"))
	nothing := policy(t, Identity, deny("ec2:*", "*"))
	full := Level{"root", these(policy(t, SCP, allow("*", "*")))}
	read := Request{Principal: app, Action: "s3:GetObject", Resource: bucket, ResourceAccount: account}
	foreign := read
	foreign.ResourceAccount = other
	assume := Request{Principal: app, Action: "sts:AssumeRole", Resource: target, ResourceAccount: other}
	within := assume
	within.Resource, within.ResourceAccount = "arn:aws:iam::111111111111:role/bedrock", account
	manager := read
	manager.Principal.Management = true
	linked := read
	linked.Principal.ServiceLinked = true
	bedrock := Request{Principal: app, Action: "bedrock:InvokeModel", Resource: "arn:aws:bedrock:ap-northeast-1::foundation-model/m"}
	trust := func(principal string) []*Policy {
		return these(policy(t, Trust, `"Principal":{"AWS":"`+principal+`"},"Effect":"Allow","Action":"sts:AssumeRole"`))
	}
	bucketPolicy := func(principal string) []*Policy {
		return these(policy(t, Resource, to(principal, allow("s3:GetObject", "*"))))
	}
	small := policy(t, Boundary, allow("ec2:*", "*"))
	smallSession := policy(t, Session, allow("ec2:*", "*"))

	for _, tt := range []struct {
		name     string
		req      Request
		policies Policies
		want     Decision
		kind     Kind
		refusal  string // the end of it
	}{
		{"nothing allows by default", read, Policies{}, ImplicitDeny, Identity, "because no identity-based policy allows the s3:GetObject action"},
		{"an identity policy allows", read, Policies{Identity: these(nothing, all)}, Allowed, "", ""},
		{"a Deny wins over an Allow", read, Policies{Identity: these(all, policy(t, Identity, deny("S3:get*", "arn:aws:s3:::bunsho/*")))}, ExplicitDeny, Identity, "with an explicit deny in an identity-based policy"},

		{"an SCP allows nothing by itself", read, Policies{SCPs: []Level{full}}, ImplicitDeny, Identity, ""},
		{"every level must allow", read, Policies{Identity: these(all), SCPs: []Level{full, {"ou", these(policy(t, SCP, allow("bedrock:*", "*")))}, full}}, ImplicitDeny, SCP, "because no service control policy allows the s3:GetObject action"},
		{"a level without a policy allows nothing", read, Policies{Identity: these(all), SCPs: []Level{full, {Name: "ou"}}}, ImplicitDeny, SCP, ""},
		{"a Deny at any level wins", read, Policies{Identity: these(all), SCPs: []Level{{"root", append(full.Policies, policy(t, SCP, deny("s3:*", "*")))}, full}}, ExplicitDeny, SCP, "with an explicit deny in a service control policy"},
		{"SCPs do not bind the management account", manager, Policies{Identity: these(all), SCPs: []Level{{"root", these(policy(t, SCP, deny("s3:*", "*")))}}}, Allowed, "", ""},
		{"SCPs do not bind service-linked roles", linked, Policies{Identity: these(all), SCPs: []Level{{"root", these(policy(t, SCP, deny("s3:*", "*")))}}}, Allowed, "", ""},

		{"an RCP denies where its service has them", read, Policies{Identity: these(all), RCPs: []Level{{"root", these(policy(t, RCP, `"Principal":"*",`+deny("s3:*", "*")))}}}, ExplicitDeny, RCP, "with an explicit deny in a resource control policy"},
		{"an RCP says nothing of Bedrock", bedrock, Policies{Identity: these(all), RCPs: []Level{{"root", these(policy(t, RCP, `"Principal":"*",`+deny("bedrock:*", "*")))}}}, Allowed, "", ""},
		{"RCPFullAWSAccess need not be listed", read, Policies{Identity: these(all), RCPs: []Level{{"root", these(policy(t, RCP, `"Principal":"*",`+deny("kms:*", "*")))}}}, Allowed, "", ""},

		{"an endpoint policy limits", read, Policies{Identity: these(all), Endpoint: these(policy(t, Endpoint, `"Principal":"*",`+allow("bedrock:*", "*")))}, ImplicitDeny, Endpoint, "because no VPC endpoint policy allows the s3:GetObject action"},
		{"an endpoint policy grants nothing", read, Policies{Endpoint: these(policy(t, Endpoint, `"Principal":"*",`+allow("*", "*")))}, ImplicitDeny, Identity, ""},
		{"an endpoint policy denies", read, Policies{Identity: these(all), Endpoint: these(policy(t, Endpoint, `"Principal":"*",`+allow("*", "*"), to(account, deny("s3:*", "*"))))}, ExplicitDeny, Endpoint, "with an explicit deny in a VPC endpoint policy"},

		{"a boundary limits", read, Policies{Identity: these(all), Boundary: these(small)}, ImplicitDeny, Boundary, "because no permissions boundary allows the s3:GetObject action"},
		{"a session policy limits", read, Policies{Identity: these(all), Session: these(smallSession)}, ImplicitDeny, Session, "because no session policy allows the s3:GetObject action"},
		{"a boundary grants nothing", read, Policies{Boundary: these(policy(t, Boundary, allow("*", "*")))}, ImplicitDeny, Identity, ""},

		{"a resource policy for the session needs nothing else", read, Policies{Resource: bucketPolicy(session), Boundary: these(small), Session: these(smallSession)}, Allowed, "", ""},
		{"a resource policy for everyone needs nothing else", read, Policies{Resource: bucketPolicy("*"), Boundary: these(small), Session: these(smallSession)}, Allowed, "", ""},
		{"a resource policy for the role needs no identity policy", read, Policies{Resource: bucketPolicy(role)}, Allowed, "", ""},
		{"a resource policy for the role is limited by the boundary", read, Policies{Resource: bucketPolicy(role), Boundary: these(small)}, ImplicitDeny, Boundary, ""},
		{"a resource policy for the role is limited by the session policy", read, Policies{Resource: bucketPolicy(role), Session: these(smallSession)}, ImplicitDeny, Session, ""},
		{"a resource policy for the account leaves it to the identity policy", read, Policies{Resource: bucketPolicy(account)}, ImplicitDeny, Identity, ""},
		{"a resource policy for the account's root is the same", read, Policies{Resource: bucketPolicy("arn:aws:iam::111111111111:root"), Identity: these(all)}, Allowed, "", ""},
		{"a resource policy denies", read, Policies{Identity: these(all), Resource: these(policy(t, Resource, to(account, deny("*", "*"))))}, ExplicitDeny, Resource, "with an explicit deny in a resource-based policy"},
		{"an SCP limits what a resource policy grants", read, Policies{Resource: bucketPolicy(session), SCPs: []Level{{Name: "root"}}}, ImplicitDeny, SCP, ""},

		{"across accounts the identity policy is not enough", foreign, Policies{Identity: these(all)}, ImplicitDeny, Resource, "because no resource-based policy allows the s3:GetObject action"},
		{"across accounts the resource policy is not enough", foreign, Policies{Resource: bucketPolicy(session)}, ImplicitDeny, Identity, ""},
		{"across accounts both sides are", foreign, Policies{Identity: these(all), Resource: bucketPolicy(account)}, Allowed, "", ""},
		{"across accounts the boundary limits even the session", foreign, Policies{Identity: these(all), Resource: bucketPolicy(session), Boundary: these(small)}, ImplicitDeny, Boundary, ""},

		{"AssumeRole across accounts needs the trust policy", assume, Policies{Identity: these(all)}, ImplicitDeny, Trust, "is not authorized to perform: sts:AssumeRole because no role trust policy allows the sts:AssumeRole action"},
		{"AssumeRole across accounts needs the identity policy", assume, Policies{Resource: trust(role)}, ImplicitDeny, Identity, ""},
		{"AssumeRole across accounts with both", assume, Policies{Identity: these(all), Resource: trust("arn:aws:iam::111111111111:root")}, Allowed, "", ""},
		{"AssumeRole of one's own account needs the trust policy", within, Policies{Identity: these(all)}, ImplicitDeny, Trust, ""},
		{"AssumeRole of one's own account, trusted by role, needs nothing else", within, Policies{Resource: trust(role)}, Allowed, "", ""},
		{"AssumeRole of one's own account, trusted by account, is left to the identity policy", within, Policies{Resource: trust(account)}, ImplicitDeny, Identity, ""},
		{"a trust policy for somebody else", assume, Policies{Identity: these(all), Resource: trust(other)}, ImplicitDeny, Trust, ""},
		{"a trust policy that denies", assume, Policies{Identity: these(all), Resource: these(policy(t, Trust, `"Principal":"*","Effect":"Deny","Action":"sts:*"`))}, ExplicitDeny, Trust, "with an explicit deny in the role trust policy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Evaluate(tt.req, tt.policies)
			if got.Decision != tt.want || got.Kind != tt.kind {
				t.Fatalf("got %s by %q (%+v), want %s by %q", got.Decision, got.Kind, got, tt.want, tt.kind)
			}
			if text := got.Refusal(tt.req); !strings.HasSuffix(text, tt.refusal) || (text == "") != (tt.want == Allowed) {
				t.Errorf("refusal %q, want its end %q", text, tt.refusal)
			}
			if tt.want == Allowed && len(got.Grants) == 0 {
				t.Error("an allowed request must name the statement that allows it")
			}
		})
	}
}

func TestTheRefusalIsThatOfAWS(t *testing.T) {
	scp := policy(t, SCP, deny("bedrock:*", "*"))
	scp.ARN = "arn:aws:organizations::333333333333:policy/o-a1/service_control_policy/p-b2"
	req := Request{Principal: app, Action: "bedrock:InvokeModel", Resource: "arn:aws:bedrock:ap-northeast-3::foundation-model/m"}
	got := Evaluate(req, Policies{SCPs: []Level{{"root", these(scp)}}})
	want := "User: arn:aws:sts::111111111111:assumed-role/app/kakoi is not authorized to perform: bedrock:InvokeModel on resource: " +
		"arn:aws:bedrock:ap-northeast-3::foundation-model/m with an explicit deny in a service control policy: " + scp.ARN
	if text := got.Refusal(req); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	if want := (Source{Policy: "scp", ARN: scp.ARN, Kind: SCP, Level: "root", Statement: 1, Sid: "No"}); !slices.Equal(got.Denies, []Source{want}) {
		t.Errorf("denied by %+v, want %+v", got.Denies, want)
	}
}

func TestWhatIsLackingNamesTheNearestStatement(t *testing.T) {
	req := Request{
		Principal: app, Action: "bedrock:InvokeModel", Resource: "arn:aws:bedrock:ap-northeast-3::foundation-model/m",
		Context: Context{"aws:requestedregion": {"ap-northeast-3"}},
	}
	tokyo := `,"Condition":{"StringEquals":{"aws:RequestedRegion":"ap-northeast-1"}}`
	for _, tt := range []struct {
		name       string
		statements []string
		element    Element
		statement  int
	}{
		{"no Allow", []string{deny("s3:*", "*")}, NoStatement, 0},
		{"another action", []string{allow("s3:*", "*"), allow("bedrock:InvokeModelWithResponseStream", "*")}, ActionElement, 1},
		{"another resource", []string{allow("s3:*", "*"), allow("bedrock:InvokeModel", "arn:aws:bedrock:ap-northeast-1::foundation-model/m")}, ResourceElement, 2},
		{"a condition", []string{allow("bedrock:*", "arn:aws:s3:::x"), allow("bedrock:*", "*") + tokyo}, ConditionElement, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Evaluate(req, Policies{Identity: these(policy(t, Identity, tt.statements...))})
			if len(got.Lacks) != 1 || got.Lacks[0].Element != tt.element {
				t.Fatalf("got %+v, want %s", got.Lacks, tt.element)
			}
			if near := got.Lacks[0].Near; (near == nil) != (tt.statement == 0) || (near != nil && near.Statement != tt.statement) {
				t.Errorf("nearest %+v, want statement %d", near, tt.statement)
			}
			if tt.element == ConditionElement {
				near := got.Lacks[0].Near
				if near.Key != "aws:RequestedRegion" || !slices.Equal(near.Have, []string{"ap-northeast-3"}) || !slices.Equal(near.Want, []string{"ap-northeast-1"}) {
					t.Errorf("missed by %+v", near)
				}
			}
		})
	}
}

func TestKeysThatTheRequestLacksAreTold(t *testing.T) {
	got := Evaluate(Request{Principal: app, Action: "sts:AssumeRole", Resource: target, ResourceAccount: other}, Policies{
		Identity: these(policy(t, Identity, allow("*", "*"))),
		Resource: these(policy(t, Trust,
			`"Principal":{"AWS":"111111111111"},"Effect":"Allow","Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x"}}`,
			`"Principal":{"AWS":"333333333333"},"Effect":"Allow","Action":"sts:AssumeRole","Condition":{"Bool":{"aws:NotAsked":"true"}}`)),
	})
	if !slices.Equal(got.Absent, []string{"sts:externalid"}) {
		t.Errorf("absent: %v", got.Absent)
	}
}

func TestAVariableWithoutAValueVoidsItsStatement(t *testing.T) {
	got := Evaluate(Request{Principal: app, Action: "s3:GetObject", Resource: bucket, ResourceAccount: account}, Policies{Identity: these(policy(t, Identity,
		allow("*", "*"), deny("*", "arn:aws:s3:::${aws:username}/*")))})
	if got.Decision != Allowed || len(got.Unresolved) != 1 || got.Unresolved[0].Statement != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestNotPrincipalExemptsOnlyWhoIsListedWhole(t *testing.T) {
	req := Request{Principal: app, Action: "s3:GetObject", Resource: bucket, ResourceAccount: account}
	everything := these(policy(t, Boundary, allow("*", "*")))
	for _, tt := range []struct {
		listed   string
		boundary []*Policy
		want     Decision
	}{
		{`"` + role + `"`, nil, ExplicitDeny},
		{`"` + role + `","` + account + `"`, nil, ExplicitDeny},
		{`"` + role + `","` + session + `","arn:aws:iam::111111111111:root"`, nil, Allowed},
		{`"` + role + `","` + session + `","arn:aws:iam::111111111111:root"`, everything, ExplicitDeny},
	} {
		got := Evaluate(req, Policies{
			Boundary: tt.boundary,
			Identity: these(policy(t, Identity, allow("*", "*"))),
			Resource: these(policy(t, Resource, `"NotPrincipal":{"AWS":[`+tt.listed+`]},`+deny("*", "*"))),
		})
		if got.Decision != tt.want {
			t.Errorf("%s: %s, want %s", tt.listed, got.Decision, tt.want)
		}
	}
}
