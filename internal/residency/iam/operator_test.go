package iam

import "testing"

func TestConditionOperators(t *testing.T) {
	tested := map[string]bool{}
	context := Context{}
	context.Set("aws:RequestedRegion", "ap-northeast-1")
	context.Set("aws:PrincipalTag/Team", "Zaisei")
	context.Set("aws:PrincipalTag/Star", "*")
	context.Set("aws:PrincipalTag/Empty", "")
	context.Set("bedrock:InferenceProfileArn", "arn:aws:bedrock:ap-northeast-1:111111111111:inference-profile/jp.anthropic.claude-haiku-4-5")
	context.Set("aws:SourceIp", "10.1.2.3")
	context.Set("aws:VpcSourceIp", "2001:db8::5")
	context.Set("aws:SecureTransport", "TRUE")
	context.Set("aws:MultiFactorAuthAge", "300.5")
	context.Set("aws:CurrentTime", "2026-11-22T08:00:00Z")
	context.Set("aws:EpochTime", "1795334400") // the same moment
	context.Set("x:Binary", "QmluYXJ5")
	context.Set("aws:TagKeys", "team", "purpose")
	for _, tt := range []struct {
		operator, key string
		values        []string
		want          bool
	}{
		{"StringEquals", "aws:requestedREGION", []string{"us-east-1", "ap-northeast-1"}, true}, // one of the values; keys know no case
		{"StringEquals", "aws:RequestedRegion", []string{"AP-NORTHEAST-1"}, false},
		{"StringEquals", "aws:RequestedRegion", []string{"ap-northeast-*"}, false}, // no wildcards
		{"StringEqualsIgnoreCase", "aws:RequestedRegion", []string{"AP-NORTHEAST-1"}, true},
		{"StringNotEquals", "aws:RequestedRegion", []string{"us-east-1", "ap-northeast-1"}, false}, // none may match
		{"StringNotEquals", "aws:RequestedRegion", []string{"us-east-1", "ap-northeast-3"}, true},
		{"StringNotEqualsIgnoreCase", "aws:RequestedRegion", []string{"AP-northeast-1"}, false},
		{"StringLike", "aws:RequestedRegion", []string{"ap-*"}, true},
		{"StringLike", "aws:RequestedRegion", []string{"ap-northeast-?"}, true},
		{"StringLike", "aws:RequestedRegion", []string{"ap-northeast-1?"}, false},
		{"StringNotLike", "aws:RequestedRegion", []string{"us-*", "eu-*"}, true},

		// a missing key: false, or true where the operator is negated or says IfExists
		{"StringEquals", "bedrock:ServiceTier", []string{"x"}, false},
		{"StringNotEquals", "bedrock:ServiceTier", []string{"x"}, true},
		{"ArnNotLike", "bedrock:PromptRouterArn", []string{"arn:aws:bedrock:*:*:prompt-router/x"}, true},
		{"NotIpAddress", "x:Missing", []string{"10.0.0.0/8"}, true},
		{"DateNotEquals", "x:Missing", []string{"2026-01-01"}, true},
		{"NumericNotEquals", "x:Missing", []string{"1"}, true},
		{"NumericLessThan", "x:Missing", []string{"1"}, false},
		{"StringEqualsIfExists", "bedrock:ServiceTier", []string{"x"}, true},
		{"StringNotEqualsIfExists", "bedrock:ServiceTier", []string{"x"}, true},
		{"StringEqualsIfExists", "aws:RequestedRegion", []string{"us-east-1"}, false},
		{"Null", "bedrock:ServiceTier", []string{"true"}, true},
		{"Null", "bedrock:ServiceTier", []string{"false"}, false},
		{"Null", "aws:RequestedRegion", []string{"true"}, false},
		{"Null", "aws:RequestedRegion", []string{"false"}, true},

		{"ArnLike", "bedrock:InferenceProfileArn", []string{"arn:aws:bedrock:*:*:inference-profile/jp.*"}, true},
		{"ArnEquals", "bedrock:InferenceProfileArn", []string{"arn:aws:bedrock:*:*:inference-profile/jp.*"}, true},
		{"ArnNotLike", "bedrock:InferenceProfileArn", []string{"arn:aws:bedrock:*:*:inference-profile/jp.*"}, false},
		{"ArnNotEquals", "bedrock:InferenceProfileArn", []string{"arn:aws:bedrock:*:*:inference-profile/apac.*"}, true},
		{"ArnLike", "bedrock:InferenceProfileArn", []string{"arn:aws:bedrock:*/jp.*"}, false},          // * stays in its part
		{"StringLike", "bedrock:InferenceProfileArn", []string{"arn:aws:bedrock:*/jp.*"}, true},        // of a string it does not
		{"ArnLike", "aws:RequestedRegion", []string{"arn:aws:bedrock:*:*:inference-profile/*"}, false}, // no ARN at all
		{"ArnLike", "bedrock:InferenceProfileArn", []string{"*"}, false},                               // no ARN either: it has one part

		{"IpAddress", "aws:SourceIp", []string{"10.0.0.0/8"}, true},
		{"IpAddress", "aws:SourceIp", []string{"10.1.2.3"}, true},
		{"IpAddress", "aws:SourceIp", []string{"192.168.0.0/16"}, false},
		{"NotIpAddress", "aws:SourceIp", []string{"192.168.0.0/16", "10.0.0.0/8"}, false},
		{"IpAddress", "aws:VpcSourceIp", []string{"2001:db8::/32"}, true},
		{"IpAddress", "aws:RequestedRegion", []string{"0.0.0.0/0"}, false},

		{"Bool", "aws:SecureTransport", []string{"true"}, true},
		{"Bool", "aws:SecureTransport", []string{"false"}, false},
		{"BinaryEquals", "x:Binary", []string{"QmluYXJ5"}, true},
		{"BinaryEquals", "x:Binary", []string{"QmluYXJ6"}, false},

		{"NumericEquals", "aws:MultiFactorAuthAge", []string{"300.50"}, true},
		{"NumericNotEquals", "aws:MultiFactorAuthAge", []string{"300.50"}, false},
		{"NumericLessThan", "aws:MultiFactorAuthAge", []string{"300.5"}, false},
		{"NumericLessThanEquals", "aws:MultiFactorAuthAge", []string{"300.5"}, true},
		{"NumericGreaterThan", "aws:MultiFactorAuthAge", []string{"-1"}, true},
		{"NumericGreaterThanEquals", "aws:MultiFactorAuthAge", []string{"301"}, false},
		{"NumericEquals", "aws:RequestedRegion", []string{"0"}, false},

		{"DateEquals", "aws:CurrentTime", []string{"2026-11-22T17:00:00+09:00"}, true},
		{"DateEquals", "aws:EpochTime", []string{"2026-11-22T08:00Z"}, true},
		{"DateNotEquals", "aws:CurrentTime", []string{"2026-11-22T08:00:00Z"}, false},
		{"DateLessThan", "aws:CurrentTime", []string{"2026-11-23"}, true},
		{"DateLessThanEquals", "aws:CurrentTime", []string{"1795334400"}, true},
		{"DateGreaterThan", "aws:CurrentTime", []string{"2026"}, true},
		{"DateGreaterThan", "aws:CurrentTime", []string{"2026-12"}, false},
		{"DateGreaterThanEquals", "aws:CurrentTime", []string{"2026-11-22T08:00:00.001Z"}, false},

		// sets
		{"ForAllValues:StringEquals", "aws:TagKeys", []string{"team", "purpose", "x"}, true},
		{"ForAllValues:StringEquals", "aws:TagKeys", []string{"team"}, false},
		{"ForAllValues:StringNotEquals", "aws:TagKeys", []string{"x"}, true},
		{"ForAllValues:StringNotEquals", "aws:TagKeys", []string{"team"}, false},
		{"ForAllValues:StringEquals", "aws:CalledVia", []string{"x"}, true}, // of nothing, all
		{"ForAllValues:StringEquals", "aws:PrincipalTag/Empty", []string{"x"}, true},
		{"ForAnyValue:StringEquals", "aws:TagKeys", []string{"team"}, true},
		{"ForAnyValue:StringLike", "aws:TagKeys", []string{"cost*"}, false},
		{"ForAnyValue:StringNotEquals", "aws:TagKeys", []string{"team"}, true}, // purpose is another
		{"ForAnyValue:StringNotEquals", "aws:TagKeys", []string{"team", "purpose"}, false},
		{"ForAnyValue:StringEquals", "aws:CalledVia", []string{"x"}, false}, // of nothing, none
		{"ForAnyValue:StringNotEquals", "aws:CalledVia", []string{"x"}, false},
		{"ForAnyValue:StringEqualsIfExists", "aws:CalledVia", []string{"x"}, true},
		{"ForAnyValue:StringEquals", "aws:PrincipalTag/Empty", []string{""}, false},

		// variables
		{"StringEquals", "aws:PrincipalTag/Team", []string{"${aws:principaltag/team}"}, true},
		{"StringLike", "aws:RequestedRegion", []string{"${aws:PrincipalTag/Star}"}, false}, // a star from a variable is a star
		{"StringEquals", "aws:PrincipalTag/Star", []string{"${*}"}, true},
		{"StringLike", "aws:RequestedRegion", []string{"ap-northeast-${?}"}, false},
		{"StringEquals", "aws:RequestedRegion", []string{"${x:Missing, 'ap-northeast-1'}"}, true},
		{"StringEquals", "aws:RequestedRegion", []string{"${aws:RequestedRegion, 'x'}"}, true},
		{"StringNotEquals", "aws:RequestedRegion", []string{"${x:Missing}"}, false}, // the statement is invalid
		{"StringEqualsIfExists", "x:Other", []string{"${x:Missing}"}, true},
		{"StringNotLike", "x:Other", []string{"${x:Missing}"}, true},       // without the key, its values do not count
		{"StringEquals", "aws:TagKeys", []string{"${aws:TagKeys}"}, false}, // many values are no value
		{"StringEquals", "aws:RequestedRegion", []string{"${"}, false},
	} {
		o, _, ok := parseOperator(tt.operator)
		tested[o.Base] = true
		if !ok || o.String() != tt.operator {
			t.Fatalf("parseOperator(%s) = %v, %v", tt.operator, o, ok)
		}
		if got := (Condition{o, tt.key, tt.values}).holds(context, true, nil); got.holds != tt.want {
			t.Errorf("%s %s %v = %+v, want %v", tt.operator, tt.key, tt.values, got, tt.want)
		}
	}
	for _, name := range operatorNames() {
		if !tested[name] {
			t.Errorf("no case tries %s", name)
		}
	}
}

func TestTheLanguageOf2008HasNoVariables(t *testing.T) {
	context := Context{"aws:username": {"taro"}}
	c := Condition{Operator{Base: "StringEquals"}, "aws:username", []string{"${aws:username}"}}
	if !c.holds(context, true, nil).holds || c.holds(context, false, nil).holds {
		t.Error("variables must be replaced in 2012-10-17 and stay text in 2008-10-17")
	}
}

func TestPatternsOfARNs(t *testing.T) {
	for _, tt := range []struct {
		pattern, resource string
		want              bool
	}{
		{"*", "*", true},
		{"arn:aws:bedrock:*::foundation-model/m", "*", false}, // an action without resources
		{"arn:aws:bedrock:*::foundation-model/m", "arn:aws:bedrock:::foundation-model/m", true},
		{"arn:aws:bedrock:ap-northeast-1::foundation-model/m", "arn:aws:bedrock:::foundation-model/m", false},
		{"arn:aws:bedrock:*:*:inference-profile/jp.*", "arn:aws:bedrock:ap-northeast-1:111111111111:inference-profile/jp.m-v1:0", true},
		{"arn:aws:bedrock:*", "arn:aws:bedrock:ap-northeast-1::foundation-model/m", true}, // completed
		{"arn:*", "arn:aws:s3:::x", true},
		{"arn:aws:s3:*/x", "arn:aws:s3:::y/x", false},
		{"arn:aws:bedrock:ap-northeast-1::foundation-model/M", "arn:aws:bedrock:ap-northeast-1::foundation-model/m", false},
	} {
		if got := wildcards(tt.pattern).matchResource(tt.resource); got != tt.want {
			t.Errorf("%s matches %s: %v, want %v", tt.pattern, tt.resource, got, tt.want)
		}
	}
}
