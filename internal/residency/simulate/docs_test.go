package simulate

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the answers into docs/policy-simulate.md")

// example is a block of JSON in the document; they come in pairs of a question
// and its answer.
var example = regexp.MustCompile("(?s)```json\n(.*?)```")

// TestTheExamplesOfTheDocumentAreTrue runs the questions in both documents and
// compares what comes out with the answers there.
func TestTheExamplesOfTheDocumentAreTrue(t *testing.T) {
	var english []string
	for _, name := range []string{"../../../docs/policy-simulate.md", "../../../docs/policy-simulate.ja.md"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		blocks := example.FindAllStringSubmatch(string(data), -1)
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
	for _, name := range []string{"../../../docs/policy-simulate.md", "../../../docs/policy-simulate.ja.md"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text := example.ReplaceAllString(string(data), "")
		for _, field := range append(fields(reflect.TypeFor[Input]()), fields(reflect.TypeFor[Output]())...) {
			if !strings.Contains(text, "`"+field+"`") {
				t.Errorf("%s does not say what %s is", name, field)
			}
		}
		for _, operation := range Operations() {
			if !strings.Contains(text, operation) {
				t.Errorf("%s does not name %s", name, operation)
			}
		}
	}
}

// fields lists the JSON names of a type and of those inside it.
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
		if name != "" {
			names = append(names, name)
		}
		if f.IsExported() {
			names = append(names, fields(f.Type)...)
		}
	}
	return names
}
