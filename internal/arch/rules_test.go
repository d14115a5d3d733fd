package arch

// This file is the one place where the layers and their rules are written
// down. docs/layers.md is made from it: go test ./internal/arch -update.

// layer is a set of packages that may import the same things.
type layer struct {
	name      string
	is        string   // what its packages are, for docs/layers.md
	packages  []string // import paths below the module; "/..." takes everything beneath too
	mayImport []string // layers
	http      []string // of its packages, those that may import net/http; "*" is all
}

// layers, from the outside to the inside. A package belongs to the most
// specific entry; one that is nowhere must be given its place here first.
var layers = []layer{
	{
		name: "command", is: "the command line: parse, call, print",
		packages:  []string{"cmd/kakoi"},
		mayImport: []string{"edge", "foundation"},
	},
	{
		name: "edge", is: "translates HTTP to calls of capabilities; server wires everything",
		packages:  []string{"internal/server", "web"},
		mayImport: []string{"edge", "adapter", "capability", "foundation"},
		http:      []string{"*"},
	},
	{
		name: "adapter", is: "speaks one protocol for the capability above it, over an HTTP client that egress made",
		packages:  []string{"internal/identity/passkey", "internal/model/bedrock", "internal/model/demo", "internal/model/openai"},
		mayImport: []string{"capability", "foundation"},
		http:      []string{"internal/model/bedrock", "internal/model/openai"},
	},
	{
		name: "capability", is: "types, rules and SQL of one noun of the product; knows no HTTP and no SDK",
		packages: []string{
			"internal/access", "internal/audit", "internal/blob", "internal/chat", "internal/chat/export", "internal/chat/imports", "internal/chat/search", "internal/chat/transfer", "internal/doctor", "internal/egress", "internal/egress/report",
			"internal/feedback", "internal/governance", "internal/identity", "internal/identity/factor", "internal/library", "internal/media", "internal/model", "internal/model/admission", "internal/privacy",
			"internal/residency", "internal/secret", "internal/setting", "internal/share",
		},
		mayImport: []string{"capability", "foundation"},
		http:      []string{"internal/egress"},
	},
	{
		name: "foundation", is: "what every layer stands on",
		packages: []string{
			"internal/chat/export/pdf", "internal/chat/markdown", "internal/classification", "internal/config", "internal/db", "internal/dsse", "internal/errs", "internal/jst", "internal/label", "internal/model/tokenest",
			"internal/residency/generate", "internal/residency/iam", "internal/residency/simulate",
			"internal/spreadsheet", "internal/sse", "internal/textfile",
		},
		mayImport: []string{"foundation"},
		http:      []string{"internal/sse"},
	},
	{
		name: "test", is: "fakes, test databases and measuring; never part of the program",
		packages: []string{
			"bench/...", "internal/arch", "internal/db/dbtest/...", "internal/egress/proxytest", "internal/errs/errstest", "internal/identity/factor/factortest", "internal/identity/passkey/passkeytest", "internal/model/modeltest/...", "internal/residency/doctest", "internal/secret/secrettest", "test/...",
		},
		mayImport: []string{"test", "command", "edge", "adapter", "capability", "foundation"},
		http:      []string{"*"},
	},
}

// homes says which packages may import a module that is the business of one
// place. Modules that are not listed may be used anywhere.
var homes = []struct {
	module string
	in     []string
	why    string
}{
	{"github.com/aws/", []string{"internal/model/bedrock", "internal/model/modeltest/..."}, "AWS types stay in their adapter"},
	{"github.com/danielgtaylor/huma/", []string{"internal/server"}, "the API is described where it is served"},
	{"github.com/go-webauthn/", []string{"internal/identity/passkey"}, "WebAuthn's types stay in their adapter"},
	{"github.com/jackc/", []string{"internal/db", "internal/db/dbtest/..."}, "only db knows the engines"},
	{"github.com/ncruces/", []string{"internal/db"}, "only db knows the engines"},
	{"github.com/spf13/cobra", []string{"cmd/kakoi"}, "only the command line parses commands"},
	{"github.com/tink-crypto/", []string{"internal/secret"}, "only secret encrypts what is stored"},
	{"golang.org/x/crypto/argon2", []string{"internal/identity", "internal/identity/factor"}, "only identity hashes passwords, and what stands in for them"},
}

// ways out of the program, as package.name. Only the packages in dialers (and
// tests) may use them.
var waysOut = []string{
	"net.Dial", "net.DialTimeout", "net.DialTCP", "net.DialUDP", "net.DialIP", "net.DialUnix", "net.Dialer",
	"net.ListenPacket", "net.ListenUDP", "net.ListenIP", "net.ListenMulticastUDP", "net.ListenUnixgram",
	"net.Resolver", "net.DefaultResolver", "net.LookupAddr", "net.LookupCNAME", "net.LookupHost", "net.LookupIP",
	"net.LookupMX", "net.LookupNS", "net.LookupPort", "net.LookupSRV", "net.LookupTXT",
	"net.ResolveIPAddr", "net.ResolveTCPAddr", "net.ResolveUDPAddr",
	"crypto/tls.Dial", "crypto/tls.DialWithDialer", "crypto/tls.Dialer",
	"net/http.Get", "net/http.Head", "net/http.Post", "net/http.PostForm", "net/http.DefaultClient", "net/http.DefaultTransport",
	"net/http.Transport", "net/http.ProxyFromEnvironment",
	"net/http/httputil.ReverseProxy", "net/http/httputil.NewSingleHostReverseProxy",
	"net/rpc.Dial", "net/rpc.DialHTTP", "net/smtp.Dial", "net/smtp.SendMail", "net/textproto.Dial", "log/syslog.Dial", "log/syslog.New",
	"os/exec.Command", "os/exec.CommandContext", "os/exec.Cmd", "os.StartProcess", // another program dials unseen
	"syscall.Connect", "syscall.Socket", "golang.org/x/sys/unix.Connect", "golang.org/x/sys/unix.Socket",
	"github.com/aws/aws-sdk-go-v2/aws/transport/http.NewBuildableClient",
	"github.com/coder/websocket.Dial",
}

// made are types that must not be made either, though they may be handed in:
// an http.Client with nothing in it dials by itself.
var made = []string{"net/http.Client"}

var dialers = []string{"internal/egress"}

// holders may hold a model.Provider; the adapters, which are ones, are below
// internal/model.
var holders = []string{"internal/model/...", "internal/server"}

// grabBags are names that say nothing of what a package is for.
var grabBags = []string{"base", "common", "core", "helper", "helpers", "lib", "misc", "models", "shared", "tools", "types", "util", "utils"}

// rules are the sentences of docs/layers.md that the tests below hold.
var rules = []string{
	"A package imports only the layers its own may import. Go itself refuses cycles.",
	"A package that is not listed fails the test until it is given its place.",
	"Only the packages named in the column HTTP import `net/http` or what is below it.",
	"Only `internal/egress` dials, resolves names, makes HTTP clients or starts other programs; everything else is given a client or a dial function.",
	"A dependency that could dial is named in `internal/arch` with what keeps it from doing so past the gate.",
	"Only `internal/model`, its adapters and the wiring in `internal/server` name `model.Provider`; every other package calls `model.Invoker`.",
	"No package is called " + "`util`, `common`, `helpers` or any other name that says nothing.",
	"Packages of the layer test are imported by tests and by each other only.",
}
