package server

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/residency/generate"
)

// connected makes a connection to a provider's account as a municipality has
// it, with one model.
func (h *house) connected(t *testing.T) connection {
	t.Helper()
	var made connection
	h.admin.must("POST", "/admin/connections", map[string]any{
		"name": "事業者の Bedrock", "kind": "bedrock", "enabled": true,
		"settings": map[string]any{
			"region": "ap-northeast-1", "credentials": "static",
			"endpoint":    "https://vpce-0a1b-xyz.bedrock-runtime.ap-northeast-1.vpce.amazonaws.com",
			"stsEndpoint": "https://vpce-0c2d-xyz-ap-northeast-1a.sts.ap-northeast-1.vpce.amazonaws.com",
			"roles": []any{map[string]any{
				"arn": "arn:aws:iam::222222222222:role/bedrock", "externalId": "shiyakusho-7f3a", "tags": map[string]any{"department": "{group}"}, "transitiveTags": true,
				"sourceIdentity": "{account}",
			}},
		},
		"secret": map[string]any{"accessKeyId": "AKIA1", "secretAccessKey": "s"},
	}, &made)
	h.admin.must("POST", "/admin/models", map[string]any{
		"connectionId": made.ID, "remoteId": "jp.anthropic.claude-haiku-4-5-20251001-v1:0", "enabled": true,
		"capabilities": map[string]any{"vision": true, "documents": true, "reasoning": true, "tools": false, "contextTokens": 0, "outputTokens": 0},
		"price":        map[string]any{"currency": "JPY", "input": 100, "output": 200},
	}, nil)
	return made
}

func TestPoliciesAreGeneratedFromAConnectionAndSimulated(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		made := h.connected(t)
		in := map[string]any{"connectionId": made.ID, "case": map[string]any{"version": 1, "principal": map[string]any{"arn": "arn:aws:iam::111111111111:user/kakoi"}}}
		var out generation
		h.admin.must("POST", "/admin/policy/generate?lang=ja", in, &out)
		var names []string
		trust := ""
		for _, d := range out.Documents {
			if !d.Optional {
				names = append(names, string(d.Side)+" "+d.Name+" "+d.AttachTo)
			}
			if d.Name == "trust-bedrock" {
				trust = string(d.Document)
			}
			if !strings.HasSuffix(d.Purpose.Said, "。") {
				t.Errorf("%s: %q", d.Name, d.Purpose.Said)
			}
		}
		want := []string{
			"caller assume-bedrock arn:aws:iam::111111111111:user/kakoi", "caller endpoint-sts-ap-northeast-1 vpce-0c2d", "caller endpoint-bedrock-runtime-ap-northeast-1 vpce-0a1b",
			"provider invoke-models arn:aws:iam::222222222222:role/bedrock", "provider trust-bedrock arn:aws:iam::222222222222:role/bedrock",
		}
		if !slices.Equal(names, want) {
			t.Errorf("documents\n%s\nwant\n%s", strings.Join(names, "\n"), strings.Join(want, "\n"))
		}
		for _, part := range []string{`"sts:ExternalId"`, `"shiyakusho-7f3a"`, `"vpce-0c2d"`, `"aws:RequestTag/department"`, `"sts:SetSourceIdentity"`} {
			if !strings.Contains(trust, part) {
				t.Errorf("%s is not in %s", part, trust)
			}
		}
		if !slices.Equal(out.Destinations, []string{"ap-northeast-1", "ap-northeast-3"}) || out.Resident != "yes" || len(out.Calls) != 2 || len(out.Organization.Approaches) != 5 {
			t.Errorf("%v, resident %s, %d calls, %d approaches", out.Destinations, out.Resident, len(out.Calls), len(out.Organization.Approaches))
		}

		// What comes out asks the simulator, and changed it asks again.
		var answer simulation
		h.admin.must("POST", "/admin/policy/simulate?lang=ja", out.Question, &answer)
		if answer.Decision != "allowed" || answer.Reason.Said != "AWS はこの呼び出しを許可し、プロンプトは許可リージョンの中にとどまります。" {
			t.Errorf("%s: %s", answer.Decision, answer.Reason.Said)
		}
		out.Question.Chain[0].ExternalID = "x"
		h.admin.must("POST", "/admin/policy/simulate", out.Question, &answer)
		if answer.Decision != "denied" || answer.Checks[0].Hints[0].Said != "The ExternalId is not the one that the trust policy asks for." {
			t.Errorf("%s: %+v", answer.Decision, answer.Checks)
		}
	})
}

func TestAQuestionThatIsNoneIsSaidInThePersonsLanguage(t *testing.T) {
	h := furnished(t, "sqlite", nil)
	made := h.connected(t)
	for _, tt := range []struct {
		name, path string
		in         any
		code       errs.Code
		field      string
		detail     string
	}{
		{"simulate", "/admin/policy/simulate?lang=ja", map[string]any{"version": 1, "call": map[string]any{"operation": "Chat"}, "principal": map[string]any{"arn": "x", "policies": map[string]any{}}}, errs.InvalidInput, "call.operation", "「Chat」は選べません"},
		{"an unknown field", "/admin/policy/simulate?lang=ja", map[string]any{"version": 1, "cal": 1}, errs.InvalidInput, "cal", "この項目はありません"},
		{"generate", "/admin/policy/generate?lang=en", map[string]any{"connectionId": made.ID, "case": map[string]any{"version": 1, "principal": map[string]any{"arn": "x"}}}, errs.InvalidInput, "principal.arn", "is not the ARN of a"},
		{"another kind of connection", "/admin/policy/generate", map[string]any{"connectionId": h.connectionID(t), "case": map[string]any{"version": 1, "principal": map[string]any{"arn": "x"}}}, errs.InvalidInput, "connectionId", "no connection to Amazon Bedrock"},
		{"no such connection", "/admin/policy/generate", map[string]any{"connectionId": "01900000-0000-7000-8000-000000000000", "case": map[string]any{"version": 1, "principal": map[string]any{"arn": "x"}}}, errs.NotFound, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := h.admin.refusedRequest(h.admin.request("POST", tt.path, tt.in))
			if got.Code != tt.code || got.Field != tt.field || !strings.Contains(got.Detail, tt.detail) {
				t.Errorf("got %+v, want %s at %q: %q", got, tt.code, tt.field, tt.detail)
			}
		})
	}
}

// connectionID is the connection that the house was furnished with.
func (h *house) connectionID(t *testing.T) string {
	t.Helper()
	var all list[connection]
	h.admin.must("GET", "/admin/connections", nil, &all)
	return all.Items[0].ID
}

func TestMembersDoNotSimulate(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		made := h.connected(t)
		member := h.resident("anna")
		for path, in := range map[string]any{
			"/admin/policy/simulate": map[string]any{"version": 2}, "/admin/policy/generate": map[string]any{"connectionId": made.ID, "case": map[string]any{"version": 2}},
		} {
			if got := member.refused("POST", path, in); got.Code != errs.Forbidden {
				t.Errorf("%s: %+v", path, got)
			}
		}
	})
}

// The example of the document that the command line is tested with is answered
// the same by the API.
func TestTheAPIAnswersTheExamplesOfTheDocument(t *testing.T) {
	h := furnished(t, "sqlite", nil)
	text, err := os.ReadFile("../../docs/policy-simulate.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```json\n")
	question, _, _ := strings.Cut(rest, "```")
	r := h.admin.request("POST", "/admin/policy/simulate", nil)
	r.Body, r.ContentLength = bodyOf([]byte(question)), int64(len(question))
	r.Header.Set("Content-Type", "application/json")
	resp, answer := h.admin.do(r)
	var out simulation
	unmarshal(t, answer, &out)
	if resp.StatusCode != http.StatusOK || out.Decision != "allowed" || len(out.Checks) != 4 {
		t.Errorf("%d: %s", resp.StatusCode, answer)
	}
}

func TestVPCEndpointsAreReadFromAddresses(t *testing.T) {
	got := endpointsOf(model.Settings{
		Endpoint:    "https://vpce-0a1b-xyz.bedrock-runtime.ap-northeast-1.vpce.amazonaws.com",
		STSEndpoint: "https://vpce-0c2d-xyz-ap-northeast-1a.sts.ap-northeast-3.vpce.amazonaws.com",
		Roles: []model.AssumedRole{
			{Endpoint: "https://sts.ap-northeast-1.amazonaws.com"}, {Endpoint: "https://vpce-0c2d-xyz.sts.ap-northeast-3.vpce.amazonaws.com"}, {Endpoint: "http://127.0.0.1:9000"},
		},
	})
	want := []generate.Endpoint{{ID: "vpce-0a1b", Service: "bedrock-runtime", Region: "ap-northeast-1"}, {ID: "vpce-0c2d", Service: "sts", Region: "ap-northeast-3"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
