// Package arch holds the layers: its tests read the program's source and fail
// where a package reaches for what is not its business.
package arch

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/types"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/go/packages"
)

var update = flag.Bool("update", false, "write docs/layers.md")

const module = "kakoi"

// program is every package of the module with its syntax and types, without
// tests.
var program = sync.OnceValues(func() ([]*packages.Package, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return nil, err
	}
	return load(root, "./...")
})

func load(dir string, patterns ...string) ([]*packages.Package, error) {
	list, err := packages.Load(&packages.Config{
		Dir:  dir,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedImports | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo,
	}, patterns...)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(p *packages.Package) bool { return strings.Contains(p.PkgPath, "/node_modules/") })
	var failed bytes.Buffer
	for _, p := range list {
		for _, e := range p.Errors {
			fmt.Fprintln(&failed, e)
		}
	}
	if failed.Len() > 0 {
		return nil, fmt.Errorf("the program does not compile:\n%s", failed.String())
	}
	return list, nil
}

func loaded(t *testing.T) []*packages.Package {
	t.Helper()
	list, err := program()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 10 {
		t.Fatalf("only %d packages were found", len(list))
	}
	return list
}

// local returns the path of a package below the module.
func local(importPath string) (string, bool) { return strings.CutPrefix(importPath, module+"/") }

// matches reports whether a package is one of patterns, and how specifically.
func matches(patterns []string, pkg string) (specificity int) {
	for _, p := range patterns {
		if base, ok := strings.CutSuffix(p, "/..."); ok && (pkg == base || strings.HasPrefix(pkg, base+"/")) {
			specificity = max(specificity, len(base))
		} else if p == pkg {
			specificity = max(specificity, len(p)+1)
		}
	}
	return specificity
}

// layerOf returns the layer of a package, or nil.
func layerOf(pkg string) *layer {
	var found *layer
	best := 0
	for i := range layers {
		if n := matches(layers[i].packages, pkg); n > best {
			found, best = &layers[i], n
		}
	}
	return found
}

func TestImportsPointInward(t *testing.T) {
	for _, p := range loaded(t) {
		for _, complaint := range judgeImports(p) {
			t.Error(complaint)
		}
	}
}

func judgeImports(p *packages.Package) (complaints []string) {
	pkg, ok := local(p.PkgPath)
	if !ok {
		return nil
	}
	from := layerOf(pkg)
	if from == nil {
		return []string{fmt.Sprintf("%s has no layer: give it its place in internal/arch/rules_test.go", pkg)}
	}
	for _, imported := range importsOf(p) {
		if target, ok := local(imported.path); ok {
			to := layerOf(target)
			if to == nil || slices.Contains(from.mayImport, to.name) {
				continue
			}
			complaints = append(complaints, fmt.Sprintf("%s: %s (%s) imports %s (%s); a package of the layer %s may import %s: declare a small interface here and have it handed in",
				imported.at, pkg, from.name, target, to.name, from.name, strings.Join(from.mayImport, ", ")))
			continue
		}
		isHTTP := imported.path == "net/http" || strings.HasPrefix(imported.path, "net/http/")
		if isHTTP && matches(from.http, pkg) == 0 && !slices.Contains(from.http, "*") {
			complaints = append(complaints, fmt.Sprintf("%s: %s (%s) imports %s: HTTP belongs to the edges, the adapters and egress", imported.at, pkg, from.name, imported.path))
		}
		for _, home := range homes {
			if (strings.HasPrefix(imported.path, home.module) || imported.path == strings.TrimSuffix(home.module, "/")) && matches(home.in, pkg) == 0 {
				complaints = append(complaints, fmt.Sprintf("%s: %s imports %s, which belongs to %s: %s", imported.at, pkg, imported.path, strings.Join(home.in, ", "), home.why))
			}
		}
	}
	return complaints
}

type imported struct{ path, at string }

func importsOf(p *packages.Package) (list []imported) {
	for _, file := range p.Syntax {
		for _, spec := range file.Imports {
			if name, err := strconv.Unquote(spec.Path.Value); err == nil {
				list = append(list, imported{name, position(p, spec)})
			}
		}
	}
	return list
}

func position(p *packages.Package, n ast.Node) string {
	at := p.Fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d", filepath.Join(strings.TrimPrefix(p.PkgPath, module+"/"), filepath.Base(at.Filename)), at.Line)
}

func TestOnlyEgressDials(t *testing.T) {
	for _, p := range loaded(t) {
		for _, complaint := range judgeDialling(p) {
			t.Error(complaint)
		}
	}
}

func judgeDialling(p *packages.Package) (complaints []string) {
	pkg, ok := local(p.PkgPath)
	if l := layerOf(pkg); !ok || matches(dialers, pkg) > 0 || (l != nil && l.name == "test") {
		return nil
	}
	complain := func(n ast.Node, what string) {
		complaints = append(complaints, fmt.Sprintf("%s: %s uses %s, a way out that egress does not see: have an *http.Client or a dial function of egress.Gate handed in", position(p, n), pkg, what))
	}
	for _, file := range p.Syntax {
		// What a pointer type names is only spoken of, not made.
		pointedTo := map[ast.Expr]bool{}
		ast.Inspect(file, func(n ast.Node) bool {
			if star, ok := n.(*ast.StarExpr); ok {
				pointedTo[star.X] = true
			}
			if sel, ok := n.(*ast.SelectorExpr); ok && !pointedTo[sel] && slices.Contains(made, nameOf(p.TypesInfo.Uses[sel.Sel])) {
				complain(sel, nameOf(p.TypesInfo.Uses[sel.Sel]))
			}
			if id, ok := n.(*ast.Ident); ok {
				if name := nameOf(p.TypesInfo.Uses[id]); slices.Contains(waysOut, name) {
					complain(id, name)
				}
			}
			return true
		})
	}
	return complaints
}

// nameOf returns package.name of an object at the top of its package, or "".
func nameOf(obj types.Object) string {
	if obj == nil || obj.Pkg() == nil || obj.Parent() != obj.Pkg().Scope() {
		return ""
	}
	return obj.Pkg().Path() + "." + obj.Name()
}

func TestOnlyTheInvokerHoldsAProvider(t *testing.T) {
	found := false
	for _, p := range loaded(t) {
		if p.PkgPath == module+"/internal/model" {
			found = p.Types.Scope().Lookup("Provider") != nil
		}
		for _, complaint := range judgeProviders(p) {
			t.Error(complaint)
		}
	}
	if !found {
		t.Error("internal/model has no Provider any more: this test looks for the wrong name")
	}
}

func judgeProviders(p *packages.Package) (complaints []string) {
	pkg, ok := local(p.PkgPath)
	if l := layerOf(pkg); !ok || matches(holders, pkg) > 0 || (l != nil && l.name == "test") {
		return nil
	}
	for id, obj := range p.TypesInfo.Uses {
		if nameOf(obj) == module+"/internal/model.Provider" {
			complaints = append(complaints, fmt.Sprintf("%s: %s holds a model.Provider: call model.Invoker, which decides who, what, where and how much, and keeps the record", position(p, id), pkg))
		}
	}
	return complaints
}

func TestPackagesAreNamedForWhatTheyDo(t *testing.T) {
	for _, p := range loaded(t) {
		if name := path.Base(p.PkgPath); slices.Contains(grabBags, name) {
			t.Errorf("%s: a package called %s is for everything; name it for the one thing it does", p.PkgPath, name)
		}
	}
}

func TestTheRulesAreWrittenDown(t *testing.T) {
	const file = "../../docs/layers.md"
	want := document()
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/layers.md differs from internal/arch/rules_test.go (%v); run: go test ./internal/arch -update", err)
	}
}

// document writes the rules for people.
func document() []byte {
	var b bytes.Buffer
	b.WriteString("# Layers\n\n<!-- Made from internal/arch/rules_test.go by: go test ./internal/arch -update -->\n\n" +
		"Which package may know which. A test reads the source and holds every line of this page.\n\n")
	for _, rule := range rules {
		fmt.Fprintf(&b, "- %s\n", rule)
	}
	b.WriteString("\n| Layer | What it is | Packages | May import | HTTP |\n|---|---|---|---|---|\n")
	for _, l := range layers {
		http := "none"
		switch {
		case slices.Contains(l.http, "*"):
			http = "all"
		case len(l.http) > 0:
			http = code(l.http)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", l.name, l.is, code(l.packages), strings.Join(l.mayImport, ", "), http)
	}
	b.WriteString("\nModules that are the business of one place:\n\n| Module | Only in | Why |\n|---|---|---|\n")
	for _, home := range homes {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", strings.TrimSuffix(home.module, "/"), code(home.in), home.why)
	}
	return b.Bytes()
}

func code(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = "`" + s + "`"
	}
	return strings.Join(quoted, ", ")
}

// TestTheRulesBite judges small programs that break each rule.
func TestTheRulesBite(t *testing.T) {
	cases := []struct {
		name    string
		pkg     string
		source  string
		imports bool
		dials   bool
		holds   bool
	}{
		{"a capability serves HTTP", "internal/chat", `import "net/http"; var _ http.Handler`, true, false, false},
		{"a capability traces HTTP", "internal/chat", `import "net/http/httptrace"; var _ httptrace.ClientTrace`, true, false, false},
		{"a capability imports the server", "internal/chat", `import _ "kakoi/web"`, true, false, false},
		{"a capability imports a fake", "internal/chat", `import _ "kakoi/internal/model/modeltest/script"`, true, false, false},
		{"a capability imports an adapter", "internal/chat", `import _ "kakoi/internal/model/demo"`, true, false, false},
		{"a foundation imports a capability", "internal/errs", `import _ "kakoi/internal/residency"`, true, false, false},
		{"another package encrypts", "internal/chat", `import _ "github.com/tink-crypto/tink-go/v2/tink"`, true, false, false},
		{"a package without a place", "internal/unheardof", `var X int`, true, false, false},
		{"net.Dial", "internal/chat", `import "net"; var _ = net.Dial`, false, true, false},
		{"a dialer", "internal/chat", `import "net"; var d net.Dialer`, false, true, false},
		{"an import by another name", "internal/chat", `import n "net"; var d = &n.Dialer{}`, false, true, false},
		{"an import without a name", "internal/chat", `import . "net"; var d = LookupHost`, false, true, false},
		{"a client of one's own", "internal/server", `import "net/http"; var c = &http.Client{}`, false, true, false},
		{"a new client", "internal/server", `import "net/http"; var c = new(http.Client)`, false, true, false},
		{"the default client", "internal/server", `import "net/http"; var c = http.DefaultClient`, false, true, false},
		{"a transport", "internal/model/openai", `import "net/http"; var c = http.Transport{}`, false, true, false},
		{"another program", "internal/chat", `import "os/exec"; var _ = exec.Command`, false, true, false},
		{"a provider", "internal/chat", `import "kakoi/internal/model"; type x struct{ p model.Provider }`, false, false, true},
		{"a client that is handed in", "internal/model/openai", `import "net/http"; func F(c *http.Client) {}`, false, false, false},
		{"a listener", "internal/server", `import "net"; var _ = net.Listen`, false, false, false},
		{"the invoker", "internal/chat", `import "kakoi/internal/model"; type x struct{ i *model.Invoker }`, false, false, false},
		{"a dial in egress", "internal/egress", `import "net"; var d net.Dialer`, false, false, false},
	}
	sources := make([]string, len(cases))
	for i, tt := range cases {
		sources[i] = tt.source
	}
	compiled := compile(t, sources)
	for i, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			p := compiled[i]
			p.PkgPath = module + "/" + tt.pkg
			for _, judged := range []struct {
				rule       string
				complaints []string
				want       bool
			}{{"imports", judgeImports(p), tt.imports}, {"dialling", judgeDialling(p), tt.dials}, {"providers", judgeProviders(p), tt.holds}} {
				if got := len(judged.complaints) > 0; got != judged.want {
					t.Errorf("%s: complaints = %q, want any %v", judged.rule, judged.complaints, judged.want)
				}
			}
		})
	}
}

// compile type-checks each source as a package of this module, beside those
// that are there.
func compile(t *testing.T, sources []string) []*packages.Package {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	// Files that exist only in memory, in folders that do too.
	overlay := make(map[string][]byte, len(sources))
	dirs := make([]string, len(sources))
	for i, source := range sources {
		dirs[i] = filepath.Join(root, "internal", "arch", fmt.Sprintf("example%02d", i))
		overlay[filepath.Join(dirs[i], "x.go")] = []byte("package x; " + source)
	}
	list, err := packages.Load(&packages.Config{
		Dir:     root,
		Mode:    packages.NeedName | packages.NeedImports | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo,
		Overlay: overlay,
	}, dirs...)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		if len(p.Errors) > 0 {
			t.Fatalf("an example does not compile: %v", p.Errors)
		}
	}
	if len(list) != len(sources) {
		t.Fatalf("%d examples were read, want %d", len(list), len(sources))
	}
	slices.SortFunc(list, func(a, b *packages.Package) int { return strings.Compare(a.PkgPath, b.PkgPath) })
	return list
}
