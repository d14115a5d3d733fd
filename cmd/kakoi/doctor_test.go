package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"kakoi/internal/config"
	"kakoi/internal/server"
)

var examined = []server.DoctorStep{
	{Group: "server", Name: "store", Status: "ok", Params: map[string]string{}, Facts: []server.DoctorFact{{Name: "schema", Value: "14"}}},
	{Group: "connection", ConnectionID: "c1", ConnectionName: "東京", Name: "role_2", Status: "failed", Code: "role_external_id",
		Params: map[string]string{"role": "arn:aws:iam::444455556666:role/second"}, Facts: []server.DoctorFact{}, Detail: "refused\x1b[2J"},
	{Group: "connection", ConnectionID: "c1", ConnectionName: "東京", Name: "answer", Status: "skipped", Code: "skipped_quick", Params: map[string]string{}, Facts: []server.DoctorFact{}},
}

func TestDoctorTellsPeopleAndMachines(t *testing.T) {
	healthy := func() []server.DoctorStep { return examined[:1] }
	ill := func() []server.DoctorStep { return examined }
	for _, tt := range []struct {
		name  string
		env   []string
		args  []string
		steps func() []server.DoctorStep
		err   error
		code  int
		says  []string
		not   []string
	}{
		{"all is well", nil, nil, healthy, nil, 0, []string{"This server", "[ ok ]  Database", "Schema: 14", "0 failed, 0 to look at, 1 in order"}, nil},
		{"something fails", nil, nil, ill, nil, 1,
			[]string{"Connection “東京”", "[FAIL]  Role 2", "The role arn:aws:iam::444455556666:role/second may not be assumed", "letter by letter", "[skip]"}, []string{"\x1b", "{{"}},
		{"in Japanese by the environment", []string{"LANG=ja_JP.UTF-8"}, nil, ill, nil, 1, []string{"[失敗]  役割の引き受け（2段目）", "外部 ID が違うか"}, []string{"{{"}},
		{"the flag goes before the environment", []string{"LANG=ja_JP.UTF-8"}, []string{"--lang=en"}, healthy, nil, 0, []string{"Database"}, nil},
		{"LC_ALL goes before LANG", []string{"LANG=ja_JP.UTF-8", "LC_ALL=C"}, nil, healthy, nil, 0, []string{"Database"}, nil},
		{"no such language", nil, []string{"--lang=fr"}, ill, nil, 2, []string{`--lang is "fr"`}, []string{"Database"}},
		{"a wrong setting", nil, []string{"--http-addr=nowhere"}, ill, nil, 2, []string{"http.addr"}, []string{"Database"}},
		{"no such connection", nil, []string{"--connection=Osaka"}, func() []server.DoctorStep { return nil }, errors.New(`there is no connection called "Osaka"`), 2, []string{"Osaka"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			var out, errOut bytes.Buffer
			cmd := newCommand(program{in: tt.env, out: &out, errOut: &errOut, actions: actions{
				doctor: func(_ context.Context, _ *config.Effective, _ *slog.Logger, _ server.DoctorCommand, tell func(server.DoctorStep) error) error {
					for _, s := range tt.steps() {
						if err := tell(s); err != nil {
							return err
						}
					}
					return tt.err
				},
			}})
			cmd.SetArgs(append([]string{"doctor"}, tt.args...))
			code := 0
			if err := cmd.ExecuteContext(t.Context()); err != nil {
				code = fail(&errOut, err)
			}
			if code != tt.code {
				t.Errorf("ended with %d, want %d: %s", code, tt.code, errOut.String())
			}
			for _, want := range tt.says {
				if !strings.Contains(out.String()+errOut.String(), want) {
					t.Errorf("does not say %q:\n%s%s", want, out.String(), errOut.String())
				}
			}
			for _, not := range tt.not {
				if strings.Contains(out.String(), not) {
					t.Errorf("says %q:\n%s", not, out.String())
				}
			}
		})
	}
}

func TestDoctorWritesJSON(t *testing.T) {
	var asked server.DoctorCommand
	a := actions{doctor: func(_ context.Context, _ *config.Effective, _ *slog.Logger, c server.DoctorCommand, tell func(server.DoctorStep) error) error {
		asked = c
		for _, s := range examined {
			if err := tell(s); err != nil {
				return err
			}
		}
		return nil
	}}
	out, err := run(t, a, nil, "doctor", "--json", "--quick", "--outside", "--connection", "東京")
	var coded exitError
	if !errors.As(err, &coded) || coded.code != exitFailures || coded.message != "" {
		t.Errorf("ended with %v", err)
	}
	type step struct {
		Code string
		Text *struct{ What, Cause, Remedy string }
	}
	var got struct {
		Version int
		Summary map[string]int
		Steps   []step
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if got.Version != 1 || got.Summary["failed"] != 1 || got.Summary["ok"] != 1 || got.Summary["skipped"] != 1 || len(got.Steps) != 3 {
		t.Errorf("got %+v", got)
	}
	i := slices.IndexFunc(got.Steps, func(s step) bool { return s.Code == "role_external_id" })
	if i < 0 || got.Steps[i].Text == nil || !strings.Contains(got.Steps[i].Text.Remedy, "external ID") || got.Steps[0].Text != nil {
		t.Errorf("texts: %+v", got.Steps)
	}
	if asked != (server.DoctorCommand{Connection: "東京", Quick: true, Outside: true, Version: version}) {
		t.Errorf("asked %+v", asked)
	}
}
