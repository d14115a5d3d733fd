package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// TestDependenciesThatCouldDialAreKnown reads the source of everything that is
// built into the program, beside its own and Go's, for ways out. Each package
// that has one must say in foreignDialers what keeps it from being used past
// the gate; one that comes with a new dependency, or a new version, is caught.
func TestDependenciesThatCouldDialAreKnown(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	list, err := packages.Load(&packages.Config{
		Dir: root, Mode: packages.NeedName | packages.NeedImports | packages.NeedDeps | packages.NeedModule | packages.NeedCompiledGoFiles,
	}, "./cmd/kakoi")
	if err != nil {
		t.Fatal(err)
	}
	read, found := 0, map[string][]string{}
	packages.Visit(list, nil, func(p *packages.Package) {
		if p.Module == nil || p.Module.Main {
			return
		}
		read++
		used := map[string]bool{}
		for _, name := range p.CompiledGoFiles {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, way := range waysOutOf(file) {
				used[way] = true
			}
		}
		if len(used) > 0 {
			found[p.PkgPath] = slices.Sorted(maps.Keys(used))
		}
	})
	if read < 100 {
		t.Fatalf("only %d packages were read", read)
	}
	for _, pkg := range slices.Sorted(maps.Keys(found)) {
		if foreignDialers[pkg] == "" {
			t.Errorf("%s uses %s: make sure that it is only reached with a client or a dial function of egress.Gate, and write in foreignDialers how",
				pkg, strings.Join(found[pkg], ", "))
		}
	}
	for pkg := range foreignDialers {
		if found[pkg] == nil {
			t.Errorf("%s is in foreignDialers, but is no longer built in or dials no more", pkg)
		}
	}
}

// waysOutOf lists what a file names of waysOut and made. It goes by the imports,
// without types, so that reading a few hundred packages takes a moment.
func waysOutOf(file *ast.File) (used []string) {
	imported := map[string]string{} // path by name
	var unnamed []string            // what "." imports
	for _, spec := range file.Imports {
		from, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		switch {
		case spec.Name == nil:
			imported[path.Base(from)] = from
		case spec.Name.Name == ".":
			unnamed = append(unnamed, from)
		default:
			imported[spec.Name.Name] = from
		}
	}
	pointedTo := map[ast.Expr]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.StarExpr:
			pointedTo[n.X] = true
		case *ast.SelectorExpr:
			from, ok := n.X.(*ast.Ident)
			if !ok {
				break
			}
			name := imported[from.Name] + "." + n.Sel.Name
			if slices.Contains(waysOut, name) || slices.Contains(made, name) && !pointedTo[n] {
				used = append(used, name)
			}
		case *ast.Ident:
			for _, from := range unnamed {
				if name := from + "." + n.Name; slices.Contains(waysOut, name) || slices.Contains(made, name) {
					used = append(used, name)
				}
			}
		}
		return true
	})
	return used
}

func TestADependencyThatDialsIsSeen(t *testing.T) {
	for source, want := range map[string]string{
		`import "net"; func F() { net.Dial("tcp", "telemetry.example:443") }`:                       "net.Dial",
		`import n "net"; var d n.Dialer`:                                                            "net.Dialer",
		`import . "net"; func F() { LookupHost("telemetry.example") }`:                              "net.LookupHost",
		`import "net/http"; func F() { http.Get("https://telemetry.example") }`:                     "net/http.Get",
		`import "net/http"; var c = &http.Client{}`:                                                 "net/http.Client",
		`import "net/http"; var c = http.DefaultClient`:                                             "net/http.DefaultClient",
		`import "os/exec"; func F() { exec.Command("curl", "https://telemetry.example") }`:          "os/exec.Command",
		`import "golang.org/x/sys/unix"; func F() { unix.Connect(0, nil) }`:                         "golang.org/x/sys/unix.Connect",
		`import "net/http"; func F(c *http.Client) { var net struct{ Dial func() }; net.Dial() }`:   "",
		`import "net"; func F(c net.Conn) { l, _ := net.Listen("tcp", "127.0.0.1:0"); l.Accept() }`: "",
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x; "+source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(waysOutOf(file), " "); got != want {
			t.Errorf("%s: found %q, want %q", source, got, want)
		}
	}
}

// foreignDialers are packages of others that could dial, and why they do not
// past the gate.
var foreignDialers = map[string]string{
	"github.com/aws/aws-sdk-go-v2/aws/transport/http":                        awsClient,
	"github.com/aws/aws-sdk-go-v2/config":                                    awsClient + " It resolves the host of AWS_CONTAINER_CREDENTIALS_FULL_URI, which bedrock refuses unless it is an address.",
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds/internal/client": awsClient,
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds":                  "bedrock refuses profiles with a credential_process; TestCredentialsOfAnotherProgramAreRefused.",
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds":                          awsClient,
	"github.com/aws/aws-sdk-go-v2/service/bedrock":                           awsClient,
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentruntime":               awsClient,
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime":                    awsClient,
	"github.com/aws/aws-sdk-go-v2/service/signin":                            awsClient,
	"github.com/aws/aws-sdk-go-v2/service/sso":                               awsClient,
	"github.com/aws/aws-sdk-go-v2/service/ssooidc":                           awsClient,
	"github.com/aws/aws-sdk-go-v2/service/sts":                               awsClient,
	"github.com/go-webauthn/webauthn/metadata":                               noMetadata,
	"github.com/go-webauthn/x/revoke":                                        noMetadata,
	"github.com/google/go-tpm/tpmutil":                                       "It dials the simulator of a TPM that it is told to open; webauthn takes only its formats of attestations.",
	"github.com/jackc/pgx/v5/pgconn":                                         "db sets DialFunc and LookupFunc; TestPostgresIsReachedThroughTheGivenDialerByName.",
}

// noMetadata: the service of metadata of authenticators, and the revocation of its certificates, is all that asks.
const noMetadata = "passkey asks no metadata service of authenticators; TestNobodyIsAskedAboutAuthenticators."

const awsClient = "bedrock sets the HTTP client; TestEverySourceOfCredentialsAsksThroughTheClientThatIsGiven."
