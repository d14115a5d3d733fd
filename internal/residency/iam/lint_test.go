package iam

import (
	"strings"
	"testing"
)

const model = "arn:aws:bedrock:ap-northeast-1::foundation-model/m"

func TestLint(t *testing.T) {
	both := `"bedrock:InvokeModel","bedrock:InvokeModelWithResponseStream"`
	trustAccount := `"Principal":{"AWS":"111111111111"},"Effect":"Allow","Action":"sts:AssumeRole"`
	condition := func(c string) string { return `"Effect":"Allow","Action":"*","Resource":"*","Condition":{` + c + `}` }
	denyUnless := func(c string) string { return `"Effect":"Deny","Action":"*","Resource":"*","Condition":{` + c + `}` }
	found := map[string]bool{}
	for _, tt := range []struct {
		name      string
		kind      Kind
		service   string
		document  string
		want      string // codes
		statement int
	}{
		{"a sound policy", Identity, "", statement(`"Effect":"Allow","Action":[` + both + `],"Resource":"` + model + `"`), "", 0},
		{"a sound trust policy", Trust, "", statement(trustAccount), "", 0},
		{"too large", SCP, "", statement(`"Effect":"Deny","Action":"s3:*","Resource":["arn:aws:s3:::` + strings.Repeat("x", 5200) + `"]`), "size", 0},
		{"no version", Identity, "", `{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`, "version_missing", 0},
		{"a variable in 2008", Identity, "", `{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}"}]}`, "variable_in_2008", 1},
		{"an operation as an action", Identity, "", statement(allow("bedrock:Converse", model)), "action_is_operation", 1},
		{"an endpoint as a service", Identity, "", statement(allow("bedrock-runtime:InvokeModel", "*")), "action_is_endpoint", 1},
		{"another service in a trust policy", Trust, "", statement(`"Principal":{"AWS":"111111111111"},"Effect":"Allow","Action":"iam:PassRole"`), "action_other_service", 1},
		{"another service in an endpoint policy", Endpoint, "sts", statement(`"Principal":"*",` + allow("s3:GetObject", "*")), "action_other_service", 1},
		{"Allow and NotAction", Identity, "", statement(`"Effect":"Allow","NotAction":"iam:*","Resource":"*"`), "allow_not_action", 1},
		{"no streaming", Identity, "", statement(allow("bedrock:InvokeModel", model)), "allow_without_stream", 1},
		{"streaming in another statement", Identity, "", statement(allow("bedrock:InvokeModel", model) + "},{" + allow("bedrock:InvokeModelWithResponseStream", model)), "", 0},
		{"half a deny", SCP, "", statement(deny("bedrock:InvokeModel", "*")), "deny_half", 1},
		{"a model with an account", Identity, "", statement(allow("bedrock:Get*", "arn:aws:bedrock:ap-northeast-1:111111111111:foundation-model/m")), "account_unexpected", 1},
		{"a profile without an account", Identity, "", statement(allow("bedrock:Get*", "arn:aws:bedrock:ap-northeast-1::inference-profile/jp.m")), "account_missing", 1},
		{"anybody may assume", Trust, "", statement(`"Principal":"*","Effect":"Allow","Action":"sts:AssumeRole"`), "trust_everyone", 1},
		{"a deleted role is trusted", Trust, "", statement(`"Principal":{"AWS":"AROAEXAMPLEEXAMPLE12"},"Effect":"Allow","Action":"sts:AssumeRole"`), "principal_deleted", 1},
		{"a wildcard in StringEquals", Identity, "", statement(condition(`"StringEquals":{"aws:PrincipalTag/x":"a*"}`)), "wildcard_in_equals", 1},
		{"a literal star in StringEquals", Identity, "", statement(condition(`"StringEquals":{"aws:PrincipalTag/x":"a${*}"}`)), "", 0},
		{"half an ARN", Identity, "", statement(condition(`"ArnLike":{"bedrock:InferenceProfileArn":"arn:aws:bedrock:*"}`)), "arn_incomplete", 1},
		{"all of north-east Asia", SCP, "", statement(denyUnless(`"StringNotLike":{"aws:RequestedRegion":"ap-northeast-*"}`)), "region_beyond_japan", 1},
		{"unspecified spared", SCP, "", statement(denyUnless(`"StringNotEquals":{"aws:RequestedRegion":["ap-northeast-1","unspecified"]}`)), "unspecified_opens_global", 1},
		{"unspecified denied", SCP, "", statement(denyUnless(`"StringEquals":{"aws:RequestedRegion":"unspecified"}`)), "", 0},
		{"many values without a set operator", Identity, "", statement(condition(`"StringEquals":{"aws:TagKeys":"a"}`)), "multivalued_key", 1},
		{"all of nothing", Identity, "", statement(condition(`"ForAllValues:StringEquals":{"aws:TagKeys":"a"}`)), "for_all_values", 1},
		{"all of something", Identity, "", statement(condition(`"ForAllValues:StringEquals":{"aws:TagKeys":"a"},"Null":{"aws:TagKeys":"false"}`)), "", 0},
		{"covered by another", Identity, "", statement(allow("s3:Get*", "arn:aws:s3:::a/*") + "},{" + allow("S3:*", "*")), "redundant", 1},
		{"twice the same", Identity, "", statement(allow("s3:*", "*") + "},{" + allow("s3:*", "*")), "redundant", 2},
		{"covered only under a condition", Identity, "", statement(allow("s3:Get*", "*") + "},{" + allow("s3:*", "*") + `,"Condition":{"Bool":{"aws:SecureTransport":true}}`), "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse(tt.kind, "p", []byte(tt.document))
			if err != nil {
				t.Fatal(err)
			}
			var codes []string
			for _, f := range Lint(p, tt.service) {
				codes = append(codes, f.Code)
				found[f.Code] = true
				if f.Statement != tt.statement {
					t.Errorf("%s: statement %d, want %d", f.Code, f.Statement, tt.statement)
				}
				for _, lang := range []Lang{English, Japanese} {
					if text := f.Text(lang); placeholder.MatchString(text) {
						t.Errorf("%q has a parameter that was not filled", text)
					}
				}
			}
			if got := strings.Join(codes, " "); got != tt.want {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
	for code := range findingPhrases {
		if !found[code] {
			t.Errorf("no test provokes %s", code)
		}
	}
}
