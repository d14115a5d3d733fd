package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kakoi/internal/classification"
	"kakoi/internal/config"
	"kakoi/internal/residency/generate"
	"kakoi/internal/residency/simulate"
	"kakoi/internal/server"
)

// oneModel is a Router that knows one model, in the Region that is called.
type oneModel string

func (m oneModel) Route(region, id string) (simulate.Route, bool) {
	return simulate.Route{Kind: simulate.InRegion, Model: id, Destinations: []string{region}}, id == string(m)
}

func ask(effect string) string {
	return `{"version":1,"call":{"operation":"Converse","region":"ap-northeast-1","modelId":"anthropic.m"},
	"principal":{"arn":"arn:aws:iam::111111111111:role/app","policies":{"identity":[{"name":"p","document":
	{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Action":"bedrock:*","Resource":"*"}]}}]}}}`
}

func TestPolicySimulate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "question.json")
	if err := os.WriteFile(file, []byte(ask("Deny")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, in string
		args     []string
		code     int
		out      string // begins with
		errOut   string
	}{
		{"allowed", ask("Allow"), nil, 0, "{\n  \"version\": 1,\n  \"decision\": \"allowed\"", ""},
		{"allowed, for people", ask("Allow"), []string{"--format", "text"}, 0, "ALLOWED: AWS allows this call, and the prompt stays", ""},
		{"denied, from a file", "", []string{file, "--format=text", "--lang=ja"}, 1, "拒否: ", ""},
		{"denied", ask("Deny"), []string{"-"}, 1, "{\n  \"version\": 1,\n  \"decision\": \"denied\"", ""},
		{"a bad policy", ask("Alow"), nil, 2, "", "kakoi: principal.policies.identity[0].document: p: statement 1, Effect: Effect is Alow"},
		{"a bad policy, in Japanese", ask("Alow"), []string{"--lang=ja"}, 2, "", "kakoi: principal.policies.identity[0].document: p: ステートメント1、Effect：Effect が Alow"},
		{"no JSON", "hello", nil, 2, "", "kakoi: line 1: this is not JSON"},
		{"no such file", "", []string{"missing.json"}, 2, "", "kakoi: open missing.json"},
		{"no such format", "", []string{"--format=yaml"}, 2, "", `kakoi: --format is "yaml"`},
		{"no such language", "", []string{"--lang=fr"}, 2, "", `kakoi: --lang is "fr"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			var out, errOut bytes.Buffer
			cmd := newCommand(program{out: &out, errOut: &errOut, actions: actions{
				router: func(*config.Effective) (simulate.Router, error) { return oneModel("anthropic.m"), nil },
			}})
			cmd.SetIn(strings.NewReader(tt.in))
			cmd.SetArgs(append([]string{"policy", "simulate"}, tt.args...))
			code := 0
			if err := cmd.ExecuteContext(t.Context()); err != nil {
				code = fail(&errOut, err)
			}
			if code != tt.code || !strings.HasPrefix(out.String(), tt.out) || (tt.out == "") != (out.Len() == 0) {
				t.Errorf("ended with %d and printed %q; want %d and %q", code, out.String(), tt.code, tt.out)
			}
			if !strings.HasPrefix(errOut.String(), tt.errOut) || (tt.errOut == "") != (errOut.Len() == 0) {
				t.Errorf("complained %q, want %q", errOut.String(), tt.errOut)
			}
			if tt.out != "" && tt.out[0] == '{' && !json.Valid(out.Bytes()) {
				t.Errorf("not JSON: %s", out.String())
			}
		})
	}
}

func TestPolicyCheck(t *testing.T) {
	model := []string{"--model", "jp.m", "--from", "ap-northeast-1"}
	for _, tt := range []struct {
		name   string
		args   []string
		want   server.PolicyQuestion
		code   int
		errOut string // begins with
	}{
		{"of nobody and no class", model, server.PolicyQuestion{ModelID: "jp.m", Region: "ap-northeast-1"}, 0, ""},
		{"of groups and a class", append([]string{"--group", "税務課", "--group", "IT, 推進課", "--class=3"}, model...),
			server.PolicyQuestion{ModelID: "jp.m", Region: "ap-northeast-1", Groups: []string{"税務課", "IT, 推進課"}, Class: 3}, 1, ""},
		{"without a region", model[:2], server.PolicyQuestion{}, 2, "kakoi: write what is called and where"},
		{"a class that there is not", append([]string{"--class=4"}, model...), server.PolicyQuestion{}, 2, "kakoi: --class is 4"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			var out, errOut bytes.Buffer
			var asked server.PolicyQuestion
			cmd := newCommand(program{out: &out, errOut: &errOut, actions: actions{
				checkPolicy: func(_ context.Context, _ *config.Effective, _ *slog.Logger, q server.PolicyQuestion) (policyAnswer, error) {
					asked = q
					return policyAnswer{Allowed: q.Class != classification.Restricted, Place: "Tokyo"}, nil
				},
			}})
			cmd.SetArgs(append([]string{"policy", "check"}, tt.args...))
			code := 0
			if err := cmd.ExecuteContext(t.Context()); err != nil {
				code = fail(&errOut, err)
			}
			if diff := cmp.Diff(tt.want, asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			if code != tt.code || !strings.HasPrefix(errOut.String(), tt.errOut) || (out.Len() == 0) != (tt.code == 2) {
				t.Errorf("ended with %d, printed %q and complained %q", code, out.String(), errOut.String())
			}
		})
	}
}

func TestOtherFailuresEndWithOne(t *testing.T) {
	var out bytes.Buffer
	if code := fail(&out, errors.New("the disk is full")); code != 1 || out.String() != "kakoi: the disk is full\n" {
		t.Errorf("ended with %d and said %q", code, out.String())
	}
}

// Alternatives implements generate.Directory.
func (m oneModel) Alternatives(string, string) []string { return []string{string(m)} }

func TestPolicyGenerate(t *testing.T) {
	const role = "arn:aws:iam::222222222222:role/bedrock"
	flags := []string{"--from", "arn:aws:iam::111111111111:role/app", "--role", role, "--external-id", "city", "--region", "ap-northeast-1", "--model", "anthropic.m"}
	document := `{"version":1,"principal":{"arn":"arn:aws:iam::111111111111:role/app"},"chain":[{"roleArn":"` + role + `","externalId":"city"}],
		"regions":["ap-northeast-1"],"models":["anthropic.m"]}`
	for _, tt := range []struct {
		name, in string
		args     []string
		code     int
		out      string // is in it
		errOut   string // begins with
	}{
		{"by flags", "", flags, 0, `"arn:aws:bedrock:ap-northeast-1::foundation-model/anthropic.m"`, ""},
		{"by a document", document, nil, 0, `"sts:ExternalId": [`, ""},
		{"for people", document, []string{"--format=text", "--lang=ja"}, 0, "== 提供側: trust-bedrock (", ""},
		{"an unknown model", strings.Replace(document, "anthropic.m", "anthropic.n", 1), nil, 2, "", "kakoi: models[0]: it is not known where anthropic.n leads"},
		{"an unknown model, in Japanese", strings.Replace(document, "anthropic.m", "anthropic.n", 1), []string{"--lang=ja"}, 2, "", "kakoi: models[0]: ap-northeast-1 から見て"},
		{"a misspelt field", strings.Replace(document, "models", "model", 1), nil, 2, "", "kakoi: model: there is no such field"},
		{"a file and flags", "", append([]string{"case.json"}, flags...), 2, "", "kakoi: give a file or --from"},
		{"no such language", "", []string{"--lang=fr"}, 2, "", `kakoi: --lang is "fr"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			var out, errOut bytes.Buffer
			cmd := newCommand(program{out: &out, errOut: &errOut, actions: actions{
				directory: func(*config.Effective) (generate.Directory, error) { return oneModel("anthropic.m"), nil },
			}})
			cmd.SetIn(strings.NewReader(tt.in))
			cmd.SetArgs(append([]string{"policy", "generate", "--out=made"}, tt.args...))
			code := 0
			if err := cmd.ExecuteContext(t.Context()); err != nil {
				code = fail(&errOut, err)
			}
			if code != tt.code || !strings.Contains(out.String(), tt.out) || (tt.out == "") != (out.Len() == 0) {
				t.Errorf("ended with %d and printed %q; want %d and %q", code, out.String(), tt.code, tt.out)
			}
			if !strings.HasPrefix(errOut.String(), tt.errOut) || (tt.errOut == "") != (errOut.Len() == 0) {
				t.Errorf("complained %q, want %q", errOut.String(), tt.errOut)
			}
			if tt.code != 0 {
				return
			}
			for _, name := range []string{"222222222222-invoke-models", "222222222222-trust-bedrock", "111111111111-assume-bedrock", "scp-role_model"} {
				text, err := os.ReadFile(filepath.Join("made", name+".json"))
				if err != nil || !json.Valid(text) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}
