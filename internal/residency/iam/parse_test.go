package iam

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// statement wraps the elements of one statement in a policy.
func statement(elements string) string {
	return `{"Version":"2012-10-17","Statement":[{` + elements + `}]}`
}

const allowAll = `"Effect":"Allow","Action":"*","Resource":"*"`

var badDocuments = []struct {
	name, code, element string
	statement, line     int
	kind                Kind
	document            string
}{
	{name: "more bytes than any policy", code: "too_large", line: 1, document: strings.Repeat(" ", maxBytes+1)},
	{name: "another character set", code: "not_utf8", line: 1, document: "\x83\x7c\x83\x8a"},
	{name: "nothing", code: "empty", line: 1, document: " \n "},
	{name: "a comma too many", code: "json_syntax", line: 2, document: "{\"Version\":\n,}"},
	{name: "a document that breaks off", code: "json_syntax", line: 2, document: "{\"Statement\":\n[{"},
	{name: "deep nesting", code: "json_depth", line: 1, document: strings.Repeat("[", maxDepth+2)},
	{name: "two documents", code: "json_trailing", line: 1, document: statement(allowAll) + "{}"},
	{name: "Effect twice", code: "duplicate_key", line: 2, document: statement(`"Effect":"Allow",` + "\n" + `"Effect":"Deny","Action":"*","Resource":"*"`)},
	{name: "a list where a policy should be", code: "wrong_type", line: 1, document: `[]`},
	{name: "an action that is a number", code: "wrong_type", statement: 1, line: 1, element: "Action", document: statement(`"Effect":"Allow","Action":5,"Resource":"*"`)},
	{name: "a condition value that is an object", code: "wrong_type", statement: 1, line: 1, element: "Condition.StringEquals.aws:RequestedRegion", document: statement(allowAll + `,"Condition":{"StringEquals":{"aws:RequestedRegion":{}}}`)},
	{name: "no statement", code: "statement_missing", line: 1, element: "Statement", document: `{"Version":"2012-10-17"}`},
	{name: "an empty list of statements", code: "statement_missing", line: 1, element: "Statement", document: `{"Statement":[]}`},
	{name: "an element that does not exist", code: "element_unknown", statement: 1, line: 1, element: "Comment", document: statement(allowAll + `,"Comment":"x"`)},
	{name: "a plural", code: "element_misspelled", statement: 1, line: 1, element: "Conditions", document: statement(allowAll + `,"Conditions":{}`)},
	{name: "the date of today as the version", code: "version_unknown", line: 1, element: "Version", document: `{"Version":"2026-11-22","Statement":[{` + allowAll + `}]}`},
	{name: "an Id in an identity policy", code: "id_not_here", line: 1, element: "Id", document: `{"Id":"x","Statement":[{` + allowAll + `}]}`},
	{name: "Action and NotAction", code: "both_elements", statement: 1, line: 1, element: "NotAction", document: statement(allowAll + `,"NotAction":"s3:*"`)},
	{name: "no resource", code: "element_missing", statement: 1, line: 1, element: "Resource", document: statement(`"Effect":"Allow","Action":"*"`)},
	{name: "no principal in a trust policy", code: "element_missing", statement: 1, line: 1, element: "Principal", kind: Trust, document: statement(`"Effect":"Allow","Action":"sts:AssumeRole"`)},
	{name: "a Sid with a space", code: "sid_form", statement: 1, line: 1, element: "Sid", document: statement(`"Sid":"a b",` + allowAll)},
	{name: "a Sid twice", code: "sid_twice", statement: 2, line: 2, element: "Sid", document: `{"Statement":[{"Sid":"a",` + allowAll + "},\n" + `{"Sid":"a",` + allowAll + `}]}`},
	{name: "no effect", code: "effect_missing", statement: 1, line: 1, element: "Effect", document: statement(`"Action":"*","Resource":"*"`)},
	{name: "an effect in capitals", code: "effect_unknown", statement: 1, line: 1, element: "Effect", document: statement(`"Effect":"ALLOW","Action":"*","Resource":"*"`)},
	{name: "no value in a list", code: "list_empty", statement: 1, line: 1, element: "Action", document: statement(`"Effect":"Allow","Action":[],"Resource":"*"`)},
	{name: "an action without its service", code: "action_form", statement: 1, line: 1, element: "Action", document: statement(`"Effect":"Allow","Action":"InvokeModel","Resource":"*"`)},
	{name: "a resource that is a bare id", code: "resource_form", statement: 1, line: 1, element: "Resource", document: statement(`"Effect":"Allow","Action":"*","Resource":"jp.anthropic.claude"`)},
	{name: "a resource in a trust policy", code: "resource_not_here", statement: 1, line: 1, element: "Resource", kind: Trust, document: statement(`"Principal":"*",` + allowAll)},
	{name: "a variable for the account", code: "variable_place", statement: 1, line: 1, element: "Resource", document: statement(`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3::${aws:PrincipalAccount}:x"`)},
	{name: "an RCP that allows one service", code: "rcp_allow", statement: 1, line: 1, element: "Effect", kind: RCP, document: statement(`"Principal":"*","Effect":"Allow","Action":"sts:*","Resource":"*"`)},
	{name: "an RCP with NotAction", code: "rcp_not_action", statement: 1, line: 1, element: "NotAction", kind: RCP, document: statement(`"Principal":"*","Effect":"Deny","NotAction":"sts:*","Resource":"*"`)},
	{name: "an RCP that denies everything", code: "rcp_action_all", statement: 1, line: 1, element: "Action", kind: RCP, document: statement(`"Principal":"*","Effect":"Deny","Action":"*","Resource":"*"`)},
	{name: "an RCP for one account", code: "rcp_principal", statement: 1, line: 1, element: "Principal", kind: RCP, document: statement(`"Principal":{"AWS":"111111111111"},"Effect":"Deny","Action":"sts:*","Resource":"*"`)},
	{name: "an operator that does not exist", code: "operator_unknown", statement: 1, line: 1, element: "Condition.StringMatches", document: statement(allowAll + `,"Condition":{"StringMatches":{"aws:RequestedRegion":"x"}}`)},
	{name: "a quantifier that does not exist", code: "operator_unknown", statement: 1, line: 1, element: "Condition.ForSome:StringLike", document: statement(allowAll + `,"Condition":{"ForSome:StringLike":{"aws:TagKeys":"x"}}`)},
	{name: "an operator in small letters", code: "operator_misspelled", statement: 1, line: 1, element: "Condition.stringequals", document: statement(allowAll + `,"Condition":{"stringequals":{"aws:RequestedRegion":"x"}}`)},
	{name: "Null with IfExists", code: "operator_misspelled", statement: 1, line: 1, element: "Condition.NullIfExists", document: statement(allowAll + `,"Condition":{"NullIfExists":{"aws:RequestedRegion":"true"}}`)},
	{name: "an operator without a key", code: "condition_empty", statement: 1, line: 1, element: "Condition.Bool", document: statement(allowAll + `,"Condition":{"Bool":{}}`)},
	{name: "a key twice in different case", code: "condition_key_twice", statement: 1, line: 1, element: "Condition.Bool", document: statement(allowAll + `,"Condition":{"Bool":{"aws:SecureTransport":true,"AWS:securetransport":true}}`)},
	{name: "a key without its service", code: "condition_key_form", statement: 1, line: 1, element: "Condition.Bool.SecureTransport", document: statement(allowAll + `,"Condition":{"Bool":{"SecureTransport":true}}`)},
	{name: "a range that is no range", code: "condition_value", statement: 1, line: 1, element: "Condition.IpAddress.aws:SourceIp", document: statement(allowAll + `,"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}}`)},
	{name: "a principal in an identity policy", code: "principal_not_here", statement: 1, line: 1, element: "Principal", document: statement(`"Principal":"*",` + allowAll)},
	{name: "a principal in an SCP", code: "principal_not_here", statement: 1, line: 1, element: "Principal", kind: SCP, document: statement(`"Principal":"*",` + allowAll)},
	{name: "a principal as a bare string", code: "principal_string", statement: 1, line: 1, element: "Principal", kind: Trust, document: statement(`"Principal":"111111111111","Effect":"Allow","Action":"sts:AssumeRole"`)},
	{name: "nobody", code: "principal_empty", statement: 1, line: 1, element: "Principal", kind: Trust, document: statement(`"Principal":{},"Effect":"Allow","Action":"sts:AssumeRole"`)},
	{name: "an unknown type of principal", code: "principal_type", statement: 1, line: 1, element: "Principal", kind: Trust, document: statement(`"Principal":{"Role":"x"},"Effect":"Allow","Action":"sts:AssumeRole"`)},
	{name: "any role of an account", code: "principal_wildcard", statement: 1, line: 1, element: "Principal", kind: Trust, document: statement(`"Principal":{"AWS":"arn:aws:iam::111111111111:role/*"},"Effect":"Allow","Action":"sts:AssumeRole"`)},
	{name: "an account with a digit missing", code: "principal_form", statement: 1, line: 1, element: "Principal", kind: Trust, document: statement(`"Principal":{"AWS":"11111111111"},"Effect":"Allow","Action":"sts:AssumeRole"`)},
	{name: "all but one allowed", code: "allow_not_principal", statement: 1, line: 1, element: "NotPrincipal", kind: Resource, document: statement(`"NotPrincipal":{"AWS":"111111111111"},` + allowAll)},
	{name: "a trust policy for all but one", code: "trust_not_principal", statement: 1, line: 1, element: "NotPrincipal", kind: Trust, document: statement(`"NotPrincipal":{"AWS":"111111111111"},"Effect":"Allow","Action":"sts:AssumeRole"`)},
}

func TestABadDocumentIsNamedPrecisely(t *testing.T) {
	provoked := map[string]bool{}
	for _, tt := range badDocuments {
		t.Run(tt.name, func(t *testing.T) {
			kind := tt.kind
			if kind == "" {
				kind = Identity
			}
			_, err := Parse(kind, "policy", []byte(tt.document))
			var parse *ParseError
			if !errors.As(err, &parse) || len(parse.Problems) != 1 {
				t.Fatalf("Parse = %v, want one problem", err)
			}
			got := parse.Problems[0]
			provoked[got.Code] = true
			if got.Code != tt.code || got.Statement != tt.statement || got.Element != tt.element || got.Line != tt.line {
				t.Errorf("got %s, statement %d, element %q, line %d; want %s, %d, %q, %d",
					got.Code, got.Statement, got.Element, got.Line, tt.code, tt.statement, tt.element, tt.line)
			}
			for _, lang := range []Lang{English, Japanese} {
				if s := parse.Text(lang); strings.HasSuffix(s, ": ") || (placeholder.MatchString(s) && !strings.Contains(s, "${")) {
					t.Errorf("%s: %q has a parameter that was not filled", lang, s)
				}
			}
		})
	}
	for code := range problemPhrases {
		if !provoked[code] {
			t.Errorf("no test provokes %s", code)
		}
	}
}

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// checkPhrases fails where a sentence is missing in a language or names other
// parameters than the other.
func checkPhrases(t *testing.T, phrases map[string]Phrase) {
	t.Helper()
	for code, p := range phrases {
		names := func(s string) string {
			found := map[string]bool{}
			for _, name := range placeholder.FindAllString(s, -1) {
				found[name] = true
			}
			return fmt.Sprint(found)
		}
		if p.En == "" || p.Ja == "" || names(p.En) != names(p.Ja) {
			t.Errorf("%s: the languages differ: %q and %q", code, p.En, p.Ja)
		}
	}
}

func TestBothLanguagesSayTheSame(t *testing.T) {
	checkPhrases(t, problemPhrases)
	checkPhrases(t, findingPhrases)
	for _, kind := range Kinds() {
		if kind.Text(English) == "" || kind.Text(Japanese) == "" || phrases[kind] == "" {
			t.Errorf("kind %s has no name", kind)
		}
	}
}

func TestSeveralProblemsAreToldAtOnce(t *testing.T) {
	_, err := Parse(Identity, "our policy", []byte("{\"Statement\":[{\n\"Sid\":\"First\",\"Effect\":\"allow\",\"Action\":\"x\"}]}"))
	want := "our policy: line 2, statement 1 (First), Effect: Effect is allow; write Allow or Deny, in just this spelling.\n" +
		"our policy: line 2, statement 1 (First), Action: x is no action; write service:Action, such as bedrock:InvokeModel.\n" +
		"our policy: line 1, statement 1 (First), Resource: Resource (or NotResource) is missing."
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestWhatAWSTakesIsRead(t *testing.T) {
	for _, tt := range []struct {
		name, document string
		kind           Kind
	}{
		{"one statement without a list", `{"Statement":{` + allowAll + `}}`, Identity},
		{"values without quotes", statement(allowAll + `,"Condition":{"Bool":{"aws:SecureTransport":true},"NumericLessThan":{"s3:max-keys":10.5}}`), Identity},
		{"the Version behind the statements", `{"Statement":[{` + allowAll + `,"Condition":{"StringLike":{"aws:PrincipalTag/x":"${aws:username}"}}}],"Version":"2012-10-17"}`, Identity},
		{"an SCP that allows by condition and NotAction", statement(`"Effect":"Allow","NotAction":"iam:*","NotResource":"arn:aws:s3:::x","Condition":{"StringEquals":{"aws:RequestedRegion":"ap-northeast-1"}}`), SCP},
		{"RCPFullAWSAccess", statement(`"Principal":"*",` + allowAll), RCP},
		{"a Sid with a space on a resource", statement(`"Sid":"all of it","Principal":"*",` + allowAll), Resource},
		{"everyone in an endpoint policy", statement(`"Principal":"*",` + allowAll), Endpoint},
		{"a service and a federation", statement(`"Principal":{"Service":["ec2.amazonaws.com"],"Federated":"cognito-identity.amazonaws.com"},"Effect":"Allow","Action":"sts:*"`), Trust},
		{"a tag whose key has spaces", statement(allowAll + `,"Condition":{"StringEquals":{"aws:PrincipalTag/Cost Center":"1"}}`), Identity},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse(tt.kind, "p", []byte(tt.document))
			if err != nil || len(p.Statements) != 1 {
				t.Fatalf("Parse = %+v, %v", p, err)
			}
		})
	}
}

// FuzzParse holds the parser to three promises: it ends, it fails with a
// ParseError that both languages can tell, and what it reads can be evaluated.
func FuzzParse(f *testing.F) {
	for _, tt := range badDocuments {
		if len(tt.document) < 1000 {
			f.Add(tt.document)
		}
	}
	files, err := filepath.Glob("../simulate/testdata/*/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no policies to begin with: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Fuzz(func(t *testing.T, document string) {
		for _, kind := range Kinds() {
			p, err := Parse(kind, "p", []byte(document))
			var parse *ParseError
			if err != nil && (!errors.As(err, &parse) || len(parse.Problems) == 0 || parse.Text(Japanese) == "" || parse.Text(English) == "") {
				t.Fatalf("Parse = %v", err)
			}
			if err != nil {
				continue
			}
			for _, finding := range Lint(p, "bedrock") {
				if finding.Text(Japanese) == "" {
					t.Errorf("%s has no text", finding.Code)
				}
			}
			result := Evaluate(Request{
				Principal: Principal{ARN: session, RoleARN: role, Account: account},
				Action:    "bedrock:InvokeModel", Resource: "arn:aws:bedrock:ap-northeast-1::foundation-model/m",
				Context: Context{"aws:requestedregion": {"ap-northeast-1"}},
			}, Policies{Identity: []*Policy{p}})
			allows := false
			for _, s := range p.Statements {
				allows = allows || s.Effect == Allow
			}
			if result.Decision == Allowed && !allows {
				t.Errorf("allowed without an Allow statement")
			}
		}
	})
}
