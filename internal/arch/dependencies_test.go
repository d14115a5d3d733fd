package arch

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// direct returns every module and package that Kakoi names itself, by the file
// that names it.
func direct(t *testing.T) map[string]string {
	t.Helper()
	named := map[string]string{}
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^(?:require )?\t?([a-z0-9.-]+\.[a-z]+/\S+) v\S+$`).FindAllStringSubmatch(string(mod), -1) {
		named[m[1]] = "go.mod"
	}
	manifests, err := filepath.Glob("../../test/*/package.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(manifests, "../../web/package.json") {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var manifest struct{ Dependencies, DevDependencies map[string]string }
		if err := json.Unmarshal(b, &manifest); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, packages := range []map[string]string{manifest.Dependencies, manifest.DevDependencies} {
			for name, version := range packages {
				named[name] = strings.TrimPrefix(path, "../../")
				if !regexp.MustCompile(`^\d+\.\d+\.\d+`).MatchString(version) {
					t.Errorf("%s: %s is %q; pin one version", named[name], name, version)
				}
			}
		}
	}
	return named
}

func TestEveryDependencyHasItsLicenceAndItsReason(t *testing.T) {
	page, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	named := direct(t)
	var written []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]+) \\| ([^|]+) \\|$").FindAllStringSubmatch(string(page), -1) {
		name, licence := m[1], m[2]
		if slices.Contains(written, name) {
			t.Errorf("docs/dependencies.md has %s twice", name)
		}
		written = append(written, name)
		if named[name] == "" {
			t.Errorf("docs/dependencies.md has %s, which nothing names any more", name)
		}
		if regexp.MustCompile(`GPL|SSPL`).MatchString(licence) {
			t.Errorf("%s is under %s, which we cannot pass on", name, licence)
		}
	}
	for name, file := range named {
		if !slices.Contains(written, name) {
			t.Errorf("%s names %s, and docs/dependencies.md does not say why", file, name)
		}
	}
}
