package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"kakoi/internal/config"
)

// write creates a configuration file and returns its path.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kakoi.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, in config.Input) *config.Effective {
	t.Helper()
	e, err := config.Load(in)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestNothingSetIsAWorkingConfiguration(t *testing.T) {
	t.Chdir(t.TempDir())
	e := load(t, config.Input{})
	if e.HTTP.Addr != "127.0.0.1:8080" || e.DatabaseURL() != "data/kakoi.db" || e.MasterKeyFile() != "data/keys/master.json" {
		t.Errorf("got %+v", e.Config)
	}
	if e.Runs.StopGrace != 20*time.Second || e.Limits.AttachmentBytes != 20<<20 || e.Session.Lifetime != 7*24*time.Hour {
		t.Errorf("got %+v", e.Config)
	}
}

func TestTheFileInTheWorkingFolderIsFound(t *testing.T) {
	path := write(t, "http:\n  addr: 127.0.0.1:1\n")
	t.Chdir(filepath.Dir(path))
	if e := load(t, config.Input{}); e.HTTP.Addr != "127.0.0.1:1" || e.File != "kakoi.yaml" {
		t.Errorf("got %s from %q", e.HTTP.Addr, e.File)
	}
}

func TestFlagWinsOverEnvironmentOverFileOverDefault(t *testing.T) {
	file := write(t, "http:\n  addr: 127.0.0.1:1\n")
	in := config.Input{File: file}
	if e := load(t, in); e.HTTP.Addr != "127.0.0.1:1" {
		t.Errorf("file: got %s", e.HTTP.Addr)
	}
	in.Environ = []string{"KAKOI_HTTP_ADDR=127.0.0.1:2", "HOME=/root"}
	if e := load(t, in); e.HTTP.Addr != "127.0.0.1:2" {
		t.Errorf("environment: got %s", e.HTTP.Addr)
	}
	in.Flags = map[string]string{"http.addr": "127.0.0.1:3"}
	if e := load(t, in); e.HTTP.Addr != "127.0.0.1:3" {
		t.Errorf("flag: got %s", e.HTTP.Addr)
	}
}

func TestTheEnvironmentCanNameTheFile(t *testing.T) {
	file := write(t, "log:\n  level: debug\n")
	e := load(t, config.Input{Environ: []string{"KAKOI_CONFIG=" + file}})
	if e.File != file || e.Log.Level.String() != "DEBUG" {
		t.Errorf("got level %s from %q", e.Log.Level, e.File)
	}
}

func TestListsAreReadFromYAMLAndFromText(t *testing.T) {
	want := []string{"10.0.0.0/8", "fd00::/8"}
	for name, in := range map[string]config.Input{
		"flow":        {File: write(t, "http:\n  trustedProxies: [10.0.0.0/8, 'fd00::/8']\n")},
		"block":       {File: write(t, "http:\n  trustedProxies:\n    - 10.0.0.0/8\n    - fd00::/8\n")},
		"environment": {File: write(t, ""), Environ: []string{"KAKOI_HTTP_TRUSTED_PROXIES=10.0.0.0/8, fd00::/8"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, p := range load(t, in).HTTP.TrustedProxies {
				got = append(got, p.String())
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestASecretMayComeFromAFile(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(secret, []byte("postgres://kakoi:s3cret@db:5432/kakoi\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := load(t, config.Input{File: write(t, ""), Environ: []string{"KAKOI_DATABASE_URL_FILE=" + secret}})
	if e.DatabaseURL() != "postgres://kakoi:s3cret@db:5432/kakoi" {
		t.Errorf("got %s", e.DatabaseURL())
	}
}

func TestWhatIsPrintedHidesSecretsAndNamesSources(t *testing.T) {
	e := load(t, config.Input{
		File:    write(t, "http:\n  addr: 127.0.0.1:1\n"),
		Environ: []string{"KAKOI_DATABASE_URL=postgres://kakoi:s3cret@db:5432/kakoi?sslmode=require&sslpassword=s3cret"},
		Flags:   map[string]string{"runs.stopGrace": "90s"},
	})
	text := e.Lines()
	if strings.Contains(text, "s3cret") {
		t.Errorf("the password is printed:\n%s", text)
	}
	for _, want := range []string{
		`addr: "127.0.0.1:1" # `, "kakoi.yaml:2", "postgres://kakoi:hidden@db:5432/kakoi?", "# KAKOI_DATABASE_URL",
		"stopGrace: 1m30s # --runs-stop-grace", "flushInterval: 500ms # default", "lifetime: 7d", "attachmentBytes: 20MiB", "level: info",
	} {
		if !strings.Contains(strings.ReplaceAll(text, "addr: 127.0.0.1:1", `addr: "127.0.0.1:1"`), want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

func TestWhatIsPrintedCanBeReadBack(t *testing.T) {
	first := load(t, config.Input{File: write(t, "http:\n  publicUrl: https://ai.example.lg.jp\n  trustedProxies: [10.0.0.0/8]\n")})
	second := load(t, config.Input{File: write(t, first.Lines())})
	if d := cmp.Diff(first.Config, second.Config, cmp.Comparer(func(a, b interface{ String() string }) bool { return a.String() == b.String() })); d != "" {
		t.Error(d)
	}
}

func TestABadConfigurationIsRefusedWithTheKeyTheReasonAndAnExample(t *testing.T) {
	for _, tt := range []struct {
		name    string
		file    string
		environ []string
		flags   map[string]string
		key     string
		source  string // suffix
		reason  string // part
		example string // part
	}{
		{"an unknown key, nearly right", "http:\n  adr: x\n", nil, nil, "http.adr", "kakoi.yaml:2", "no such setting", "http.addr"},
		{"an unknown section", "htpp:\n  addr: x\n", nil, nil, "htpp", "kakoi.yaml:1", "no such setting", ""},
		{"a key set twice", "http:\n  addr: 127.0.0.1:1\n  addr: 127.0.0.1:2\n", nil, nil, "http.addr", "kakoi.yaml:3", "twice", ""},
		{"a section that is a value", "http: 8080\n", nil, nil, "http", "kakoi.yaml:1", "settings are expected", ""},
		{"a value that is a section", "http:\n  addr:\n    port: 1\n", nil, nil, "http.addr", "kakoi.yaml:3", "single value", "http.addr: 0.0.0.0:8080"},
		{"broken YAML", "http:\n\taddr: x\n", nil, nil, "", "file", "line 2", "addr:"},
		{"an address without a port", "http:\n  addr: localhost\n", nil, nil, "http.addr", ":2", "not an address with a port", "0.0.0.0:8080"},
		{"an address that is a port only", "http:\n  addr: 8080\n", nil, nil, "http.addr", ":2", "not an address with a port", ""},
		{"a host name to listen on", "", nil, map[string]string{"http.addr": "ai.example:80"}, "http.addr", "--http-addr", "not an IP address", "--http-addr=0.0.0.0:8080"},
		{"a port out of range", "", []string{"KAKOI_HTTP_ADDR=127.0.0.1:70000"}, nil, "http.addr", "KAKOI_HTTP_ADDR", "port", "KAKOI_HTTP_ADDR="},
		{"a public address with a path", "http:\n  publicUrl: https://a/kakoi\n", nil, nil, "http.publicUrl", ":2", "served at the root", "https://"},
		{"a public address without a scheme", "http:\n  publicUrl: ai.example.lg.jp\n", nil, nil, "http.publicUrl", ":2", "not an http or https", ""},
		{"a destination without a port", "network:\n  publicDestinations: [llm.example.lg.jp]\n", nil, nil, "network.publicDestinations", ":2", `"llm.example.lg.jp" is not a host with its port`, "bedrock-runtime.ap-northeast-1.amazonaws.com:443"},
		{"a network that is not one", "http:\n  trustedProxies: [10.0.0.0/8, proxy]\n", nil, nil, "http.trustedProxies", ":2", `"proxy" is not a network`, "10.0.0.0/8"},
		{"a certificate without its key", "http:\n  tls:\n    certFile: config_test.go\n", nil, nil, "http.tls.certFile", ":3", "http.tls.keyFile must be set", "keyFile"},
		{"a certificate that is not there", "http:\n  tls:\n    certFile: /no/such\n    keyFile: config_test.go\n", nil, nil, "http.tls.certFile", ":3", "cannot be read", ""},
		{"an empty data folder", "data:\n  dir: ''\n", nil, nil, "data.dir", ":2", "must not be empty", "/var/lib/kakoi"},
		{"a database that is not PostgreSQL", "database:\n  url: mysql://db\n", nil, nil, "database.url", ":2", "not a postgres:// URL", "postgres://"},
		{"a secret in the environment and in a file", "", []string{"KAKOI_DATABASE_URL=postgres://db/k", "KAKOI_DATABASE_URL_FILE=/x"}, nil, "database.url", "_FILE", "is set too", ""},
		{"a secret's file that is not there", "", []string{"KAKOI_DATABASE_URL_FILE=/no/such"}, nil, "database.url", "_FILE", "cannot be read", "/run/secrets"},
		{"a file for what is no secret", "", []string{"KAKOI_HTTP_ADDR_FILE=/x"}, nil, "KAKOI_HTTP_ADDR_FILE", "environment", "no such setting", "KAKOI_HTTP_ADDR"},
		{"an unknown variable", "", []string{"KAKOI_HTTP_ADRR=x"}, nil, "KAKOI_HTTP_ADRR", "environment", "no such setting", "KAKOI_HTTP_ADDR"},
		{"a level that is not one", "log:\n  level: loud\n", nil, nil, "log.level", ":2", "not one of debug", "debug"},
		{"a format that is not one", "log:\n  format: xml\n", nil, nil, "log.format", ":2", "not one of json, text", "text"},
		{"a duration without a unit", "runs:\n  stopGrace: 20\n", nil, nil, "runs.stopGrace", ":2", "not a duration", "1m"},
		{"a duration that is too short", "runs:\n  flushInterval: 1ms\n", nil, nil, "runs.flushInterval", ":2", "at least 50ms", "250ms"},
		{"a size that is too large", "limits:\n  attachmentBytes: 2GiB\n", nil, nil, "limits.attachmentBytes", ":2", "at most 1GiB", "50MiB"},
		{"a size in no known unit", "limits:\n  attachmentBytes: 20 MB\n", nil, nil, "limits.attachmentBytes", ":2", "not a size", ""},
		{"a number that is not one", "limits:\n  attachmentsPerTurn: few\n", nil, nil, "limits.attachmentsPerTurn", ":2", "not a whole number", "5"},
		{"an idle time beyond the lifetime", "session:\n  idle: 8d\n", nil, nil, "session.idle", ":2", "longer than session.lifetime", "1h"},
		{"a wrong value that a flag overrides", "http:\n  addr: x\n", nil, map[string]string{"http.addr": "127.0.0.1:1"}, "http.addr", ":2", "not an address", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.Load(config.Input{File: write(t, tt.file), Environ: tt.environ, Flags: tt.flags})
			var problems config.Problems
			if !errors.As(err, &problems) || len(problems) != 1 {
				t.Fatalf("got %v, want one problem", err)
			}
			p := problems[0]
			if (tt.key != "" && p.Key != tt.key) || !strings.HasSuffix(p.Source, tt.source) || !strings.Contains(p.Reason, tt.reason) || !strings.Contains(p.Example, tt.example) {
				t.Errorf("got %+v\nwant key %s, source …%s, reason …%s…, example …%s…", p, tt.key, tt.source, tt.reason, tt.example)
			}
			if !strings.Contains(err.Error(), p.Key) || !strings.Contains(err.Error(), p.Reason) {
				t.Errorf("the message leaves something out: %s", err)
			}
		})
	}
}

func TestAllProblemsAreToldAtOnce(t *testing.T) {
	_, err := config.Load(config.Input{
		File:    write(t, "http:\n  addr: x\n  adr: y\nlog:\n  level: loud\n"),
		Environ: []string{"KAKOI_RUNS_STOP_GRACE=long"},
		Flags:   map[string]string{"log.format": "xml"},
	})
	var problems config.Problems
	if !errors.As(err, &problems) || len(problems) != 5 {
		t.Errorf("got %v, want five problems", err)
	}
}

func TestAFileThatIsNamedMustBeThere(t *testing.T) {
	_, err := config.Load(config.Input{File: filepath.Join(t.TempDir(), "none.yaml")})
	if err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("got %v", err)
	}
}

func TestAPasswordIsNotInAnyProblem(t *testing.T) {
	for _, url := range []string{"postgres://kakoi:s3cret%zz@db/kakoi", "mysql://kakoi:s3cret@db", "postgres://kakoi:s3cret@/kakoi"} {
		_, err := config.Load(config.Input{File: write(t, ""), Environ: []string{"KAKOI_DATABASE_URL=" + url}})
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %v", url, err)
		}
	}
}

func TestVariablesOfTheTestsAreNoSettings(t *testing.T) {
	load(t, config.Input{File: write(t, ""), Environ: []string{"KAKOI_TEST_POSTGRES_URL=postgres://x/y"}})
}

func TestTheThreeNamesOfASettingFollowFromItsKey(t *testing.T) {
	flags := pflag.NewFlagSet("kakoi", pflag.ContinueOnError)
	config.AddFlags(flags)
	if err := flags.Parse([]string{"--http-public-url=https://a.example", "--data-dir=d"}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"http.publicUrl": "https://a.example", "data.dir": "d"}
	if d := cmp.Diff(want, config.FlagValues(flags)); d != "" {
		t.Error(d)
	}
	for _, s := range config.Settings() {
		if s.Key == "http.publicUrl" && (s.Flag != "http-public-url" || s.Env != "KAKOI_HTTP_PUBLIC_URL") {
			t.Errorf("got %s and %s", s.Flag, s.Env)
		}
	}
}

func TestEverySettingIsExplainedAndItsExampleIsValid(t *testing.T) {
	for _, s := range config.Settings() {
		if s.Doc == "" || s.Example == "" {
			t.Errorf("%s lacks a doc or an example", s.Key)
		}
		if strings.Contains(s.Key, "tls") || s.Key == "network.profilesFile" {
			continue // its example is a file of another machine
		}
		if _, err := config.Load(config.Input{File: write(t, ""), Flags: map[string]string{s.Key: s.Example}}); err != nil {
			t.Errorf("the example of %s: %v", s.Key, err)
		}
	}
}

func TestTheExampleFileIsWhatTheStructSays(t *testing.T) {
	compareFile(t, "../../kakoi.example.yaml", config.Example())
}

func TestTheReferenceIsWhatTheStructSays(t *testing.T) {
	compareFile(t, "../../docs/configuration.md", config.Reference())
}

func compareFile(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("%s is stale; run make generate (-want +got):\n%s", path, d)
	}
}

func TestTheExampleFileChangesNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	none := load(t, config.Input{})
	if d := cmp.Diff(none.Config, load(t, config.Input{File: write(t, config.Example())}).Config); d != "" {
		t.Errorf("with the example as it is: %s", d)
	}
	// And with each commented setting in force, at its default.
	setting := regexp.MustCompile(`(?m)^( *)#([a-zA-Z]+: )`)
	all := setting.ReplaceAllString(config.Example(), "$1$2")
	if d := cmp.Diff(none.Config, load(t, config.Input{File: write(t, all)}).Config); d != "" {
		t.Errorf("with every setting of the example: %s\n%s", d, all)
	}
}
