// Package doctest holds the documents of a format of JSON to what the format has.
package doctest

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Example is a block of JSON in a document.
var Example = regexp.MustCompile("(?s)```json\n(.*?)```")

// Format is what each of the documents must describe outside its examples.
type Format struct {
	Documents []string       // their files
	Types     []reflect.Type // whose fields, and those of the types inside them, are described
	Elsewhere []string       // packages whose types another document describes
	Words     []string       // that are named too
}

// Check complains of each field and each word that a document does not name.
func (f Format) Check(tb testing.TB) {
	tb.Helper()
	for _, name := range f.Documents {
		data, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		text := Example.ReplaceAllString(string(data), "")
		for _, t := range f.Types {
			for _, field := range f.fields(t) {
				if !strings.Contains(text, "`"+field+"`") {
					tb.Errorf("%s does not say what %s is", name, field)
				}
			}
		}
		for _, word := range f.Words {
			if !strings.Contains(text, word) {
				tb.Errorf("%s does not name %s", name, word)
			}
		}
	}
}

// fields lists the JSON names of a type and of those inside it.
func (f Format) fields(t reflect.Type) (names []string) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return f.fields(t.Elem())
	case reflect.Struct:
	default:
		return nil
	}
	if slices.Contains(f.Elsewhere, t.PkgPath()) {
		return nil
	}
	for i := range t.NumField() {
		field := t.Field(i)
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
			names = append(names, name)
		}
		if field.IsExported() {
			names = append(names, f.fields(field.Type)...)
		}
	}
	return names
}
