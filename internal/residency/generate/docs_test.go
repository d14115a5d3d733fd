package generate_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"kakoi/internal/residency/generate"
)

var example = regexp.MustCompile("(?s)```json\n(.*?)```")

var documents = []string{"../../../docs/policy-generate.md", "../../../docs/policy-generate.ja.md"}

// TestTheExampleOfTheDocumentIsTrue makes the policies of the case in both
// documents and compares them with those that stand there.
func TestTheExampleOfTheDocumentIsTrue(t *testing.T) {
	for _, name := range documents {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		blocks := example.FindAllSubmatch(text, -1)
		if len(blocks) != 3 {
			t.Fatalf("%s has %d blocks of JSON, want a case and two policies", name, len(blocks))
		}
		c, err := generate.Decode(blocks[0][1])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out := made(t, c)
		for i, document := range []json.RawMessage{documentOf(t, out, generate.ProviderSide, "invoke-models"), documentOf(t, out, generate.ProviderSide, "trust-bedrock")} {
			var b bytes.Buffer
			if err := json.Indent(&b, document, "", "  "); err != nil {
				t.Fatal(err)
			}
			b.WriteByte('\n')
			if *update {
				text = bytes.Replace(text, append([]byte("```json\n"), blocks[i+1][1]...), append([]byte("```json\n"), b.Bytes()...), 1)
			} else if !bytes.Equal(b.Bytes(), blocks[i+1][1]) {
				t.Errorf("%s: the policy is now\n%s\nrun: go test ./internal/residency/generate -update", name, b.Bytes())
			}
		}
		if *update {
			if err := os.WriteFile(name, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestTheDocumentNamesEveryField holds that both documents describe every field
// of the case and of what comes out.
func TestTheDocumentNamesEveryField(t *testing.T) {
	for _, name := range documents {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		said := example.ReplaceAllString(string(text), "")
		for _, field := range append(fields(reflect.TypeFor[generate.Case]()), fields(reflect.TypeFor[generate.Output]())...) {
			if !strings.Contains(said, "`"+field+"`") {
				t.Errorf("%s does not say what %s is", name, field)
			}
		}
		for _, operation := range generate.Operations() {
			if !strings.Contains(said, operation) {
				t.Errorf("%s does not name %s", name, operation)
			}
		}
	}
}

// fields lists the JSON names of a type of this package and of those inside it.
func fields(t reflect.Type) (names []string) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return fields(t.Elem())
	case reflect.Struct:
	default:
		return nil
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
		if strings.HasSuffix(t.PkgPath(), "/generate") {
			names = append(names, fields(inner(f.Type))...)
		}
	}
	return names
}

// inner is what a field holds, where that is described here too.
func inner(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if !strings.HasSuffix(t.PkgPath(), "/generate") {
		return reflect.TypeFor[string]()
	}
	return t
}
