package server

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write api/openapi.json anew")

func TestTheDescriptionOfTheAPIIsTheOneThatIsCheckedIn(t *testing.T) {
	text, err := OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	name := fromRoot("api/openapi.json")
	if *update {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, stored) {
		t.Error("api/openapi.json is not what the server says; run make generate")
	}
}

// document is as much of OpenAPI as the tests read.
type document struct {
	OpenAPI    string
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]*schema }
}

type operation struct {
	OperationID string
	Summary     string
	Tags        []string
	Parameters  []struct {
		Name, In string
		Required bool
		Schema   *schema
	}
	Access      any `json:"x-kakoi-access"`
	RequestBody *struct {
		Required bool
		Content  map[string]struct{ Schema *schema }
	}
	Responses map[string]any
}

type schema struct {
	Ref                  string `json:"$ref"`
	Type                 any
	Enum                 []any
	Properties           map[string]*schema
	AdditionalProperties any
	Items                *schema
	Required             []string
	WriteOnly            bool
	MinLength            int
	Kind                 string `json:"x-kakoi-kind"`
}

func described(t *testing.T) document {
	t.Helper()
	text, err := OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d document) resolve(s *schema) *schema {
	for s != nil && s.Ref != "" {
		s = d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	return s
}

func TestEveryInputOfEveryOperationSaysWhatItIs(t *testing.T) {
	d := described(t)
	var checked int
	var check func(where string, s *schema, seen map[*schema]bool)
	check = func(where string, s *schema, seen map[*schema]bool) {
		s = d.resolve(s)
		if seen[s] {
			return
		}
		if len(s.Properties) > 0 {
			seen[s] = true
			for name, p := range s.Properties {
				check(where+"."+name, p, seen)
			}
			return
		}
		if s.Items != nil && s.Kind == "" {
			check(where+"[]", s.Items, seen)
			return
		}
		checked++
		if !kinds[s.Kind] {
			t.Errorf("%s has the kind %q, which does not exist; tag the field with kind", where, s.Kind)
		}
		if (s.Kind == "secret") != s.WriteOnly {
			t.Errorf("%s: a secret, and nothing else, is writeOnly", where)
		}
	}
	ids := map[string]bool{}
	for path, methods := range d.Paths {
		for method, op := range methods {
			where := strings.ToUpper(method) + " " + path
			if op.OperationID == "" || ids[op.OperationID] || !strings.HasSuffix(op.Summary, ".") && !strings.HasSuffix(op.Summary, "}.") || len(op.Tags) != 1 {
				t.Errorf("%s lacks an id of its own, a sentence or its tag: %+v", where, op)
			}
			ids[op.OperationID] = true
			if _, told := op.Responses["default"]; !told {
				t.Errorf("%s does not tell what its failures look like", where)
			}
			for _, p := range op.Parameters {
				check(where+" "+p.In+" "+p.Name, p.Schema, map[*schema]bool{})
			}
			if op.RequestBody != nil {
				for _, content := range op.RequestBody.Content {
					check(where+" body", content.Schema, map[*schema]bool{})
				}
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d inputs were looked at; the test has lost sight of them", checked)
	}
	if d.OpenAPI != "3.1.0" {
		t.Errorf("OpenAPI %s", d.OpenAPI)
	}
}

func TestASecretIsNeverInAnAnswer(t *testing.T) {
	d := described(t)
	for _, name := range []string{"Connection", "ConnectionSettings", "Account", "Session", "Me"} {
		for property, s := range d.Components.Schemas[name].Properties {
			if s.Kind == "secret" || s.WriteOnly {
				t.Errorf("%s.%s is secret and would be answered", name, property)
			}
		}
	}
}

// example is the smallest body that an operation takes.
func (d document) example(s *schema) any {
	s = d.resolve(s)
	if len(s.Enum) > 0 {
		return s.Enum[0]
	}
	switch s.Type {
	case "object":
		out := map[string]any{}
		for _, name := range s.Required {
			out[name] = d.example(s.Properties[name])
		}
		return out
	case "array":
		return []any{}
	case "integer", "number":
		return 1
	case "boolean":
		return true
	}
	return "x"
}
