package generate_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"kakoi/internal/residency/doctest"
	"kakoi/internal/residency/generate"
)

var documents = []string{"../../../docs/policy-generate.md", "../../../docs/policy-generate.ja.md"}

// TestTheExampleOfTheDocumentIsTrue makes the policies of the case in both
// documents and compares them with those that stand there.
func TestTheExampleOfTheDocumentIsTrue(t *testing.T) {
	for _, name := range documents {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		blocks := doctest.Example.FindAllSubmatch(text, -1)
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
	doctest.Format{
		Documents: documents, Words: generate.Operations(),
		Types:     []reflect.Type{reflect.TypeFor[generate.Case](), reflect.TypeFor[generate.Output]()},
		Elsewhere: []string{"kakoi/internal/residency/simulate", "kakoi/internal/residency/iam"},
	}.Check(t)
}
