package simulate

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"slices"
	"testing"

	"kakoi/internal/residency/doctest"
)

var update = flag.Bool("update", false, "write the answers into docs/policy-simulate.md")

var ownDocuments = []string{"../../../docs/policy-simulate.md", "../../../docs/policy-simulate.ja.md"}

// TestTheExamplesOfTheDocumentAreTrue runs the questions in both documents and
// compares what comes out with the answers, each of which follows its question.
func TestTheExamplesOfTheDocumentAreTrue(t *testing.T) {
	var english []string
	for _, name := range ownDocuments {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		blocks := doctest.Example.FindAllStringSubmatch(string(data), -1)
		if len(blocks) < 4 || len(blocks)%2 != 0 {
			t.Fatalf("%s has %d blocks of JSON, want two questions and their answers", name, len(blocks))
		}
		var questions []string
		for i := 0; i < len(blocks); i += 2 {
			question, written := blocks[i][1], blocks[i+1][1]
			questions = append(questions, question)
			in, err := Decode([]byte(question))
			if err != nil {
				t.Fatalf("%s, example %d: %v", name, i/2+1, err)
			}
			out, err := Run(in, profiles(t))
			if err != nil {
				t.Fatalf("%s, example %d: %v", name, i/2+1, err)
			}
			checkWords(t, out)
			answer, err := json.MarshalIndent(out, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				data = bytes.Replace(data, []byte("```json\n"+written+"```"), slices.Concat([]byte("```json\n"), answer, []byte("\n```")), 1)
				continue
			}
			if !reflect.DeepEqual(anyJSON(t, string(answer)), anyJSON(t, written)) {
				t.Errorf("%s, example %d: the answer is now\n%s\nrun: go test ./internal/residency/simulate -update", name, i/2+1, answer)
			}
		}
		if *update {
			if err := os.WriteFile(name, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if english == nil {
			english = questions
		} else if !slices.Equal(english, questions) {
			t.Errorf("the two languages ask different questions")
		}
	}
}

func anyJSON(t *testing.T, s string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	return v
}

// TestTheDocumentNamesEveryField holds that both documents describe every field
// of the input and the output.
func TestTheDocumentNamesEveryField(t *testing.T) {
	doctest.Format{
		Documents: ownDocuments, Words: Operations(),
		Types: []reflect.Type{reflect.TypeFor[Input](), reflect.TypeFor[Output]()},
	}.Check(t)
}
