package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// DefaultFile is read if it exists and no other file is named.
const DefaultFile = "kakoi.yaml"

const (
	envPrefix  = "KAKOI_"
	envFile    = "KAKOI_CONFIG" // names the file
	envTests   = "KAKOI_TEST_"  // belongs to the tests of Kakoi, not to Kakoi
	fileSuffix = "_FILE"        // KAKOI_DATABASE_URL_FILE holds the path of a file with the value
	maxFile    = 1 << 20
)

// Input is where settings come from. Later in this list wins: the default, the
// file, the environment, the flags.
type Input struct {
	File    string            // "" is KAKOI_CONFIG, or else DefaultFile if it exists
	Environ []string          // as os.Environ gives it
	Flags   map[string]string // by setting key, only those that were given
}

// Effective is a configuration that is in force, and where each part of it
// came from.
type Effective struct {
	Config
	File    string            // the file that was read, or ""
	sources map[string]string // by setting key: "kakoi.yaml:12", "KAKOI_HTTP_ADDR", "--http-addr", "default"
}

// Problem is one thing wrong with the configuration.
type Problem struct {
	Key     string // the setting, or what stands where one should
	Source  string // where it stands
	Reason  string
	Example string // how it would be right, or ""
}

// Problems is everything that is wrong with a configuration, at once.
type Problems []Problem

func (p Problems) Error() string {
	var b strings.Builder
	b.WriteString("the configuration is not usable:")
	for _, problem := range p {
		fmt.Fprintf(&b, "\n  %s (%s): %s", problem.Key, problem.Source, problem.Reason)
		if problem.Example != "" {
			fmt.Fprintf(&b, "\n      for example: %s", problem.Example)
		}
	}
	return b.String()
}

// Load reads and checks the configuration. If anything is wrong the error is a
// Problems.
func Load(in Input) (*Effective, error) {
	l := &loader{out: &Effective{sources: map[string]string{}}, byKey: map[string]Setting{}}
	for _, s := range Settings() {
		l.byKey[s.Key] = s
		l.keys = append(l.keys, s.Key)
		if s.Default != "" {
			l.set(s, "default", s.Default)
		} else {
			l.out.sources[s.Key] = "default"
		}
	}
	l.readFile(in)
	l.readEnviron(in.Environ)
	for _, key := range l.keys {
		if text, ok := in.Flags[key]; ok {
			l.set(l.byKey[key], "--"+l.byKey[key].Flag, text)
		}
	}
	l.checkTogether()
	if len(l.problems) > 0 {
		return nil, l.problems
	}
	return l.out, nil
}

type loader struct {
	out      *Effective
	byKey    map[string]Setting
	keys     []string
	problems Problems
}

func (l *loader) problem(key, source, reason, example string) {
	l.problems = append(l.problems, Problem{Key: key, Source: source, Reason: reason, Example: example})
}

// set parses text into the setting. A value that is overridden later must be
// right too: it is there to be used one day.
func (l *loader) set(s Setting, source, text string) {
	if err := s.parse(text, s.field(&l.out.Config)); err != nil {
		example := s.Example
		switch {
		case strings.HasPrefix(source, "--"):
			example = source + "=" + example
		case strings.HasPrefix(source, envPrefix):
			example = s.Env + "=" + example
		case s.Type == "list":
			example = s.Key + ": [" + example + "]"
		default:
			example = s.Key + ": " + example
		}
		l.problem(s.Key, source, err.Error(), example)
		return
	}
	l.out.sources[s.Key] = source
}

// readFile reads the YAML file, if there is one.
func (l *loader) readFile(in Input) {
	path, source := in.File, "--config"
	if path == "" {
		for _, pair := range in.Environ {
			if value, ok := strings.CutPrefix(pair, envFile+"="); ok {
				path, source = value, envFile
			}
		}
	}
	named := path != ""
	if !named {
		path = DefaultFile
	}
	text, err := readSmall(path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return
	}
	if err != nil {
		l.problem(path, source, "the configuration file cannot be read: "+err.Error(), "")
		return
	}
	l.out.File = path
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		l.problem(path, "file", strings.TrimPrefix(err.Error(), "yaml: "), "http:\n        addr: 127.0.0.1:8080")
		return
	}
	if len(document.Content) == 0 || isNull(document.Content[0]) {
		return // empty, or only comments
	}
	l.readMapping(path, "", document.Content[0])
}

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s is larger than %s", path, formatSize(maxFile))
	}
	return text, err
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// readMapping reads the settings below prefix.
func (l *loader) readMapping(path, prefix string, node *yaml.Node) {
	if node.Kind != yaml.MappingNode {
		l.problem(strings.TrimSuffix(prefix, "."), at(path, node), "settings are expected here, as name: value", "")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		key := prefix + name.Value
		s, isSetting := l.byKey[key]
		switch {
		case seen[key]:
			l.problem(key, at(path, name), "it is set twice", "")
		case isSetting:
			l.readValue(path, s, value)
		case l.isSection(key):
			if !isNull(value) { // a section whose settings are all commented out
				l.readMapping(path, key+".", value)
			}
		default:
			l.problem(key, at(path, name), "there is no such setting", l.suggest(key, l.keys))
		}
		seen[key] = true
	}
}

func (l *loader) readValue(path string, s Setting, node *yaml.Node) {
	isList := s.field(&l.out.Config).Kind().String() == "slice"
	switch {
	case isNull(node): // "publicUrl:" with nothing behind it is not set
	case node.Kind == yaml.SequenceNode && isList:
		items := make([]string, 0, len(node.Content))
		for _, item := range node.Content {
			if item.Kind != yaml.ScalarNode {
				l.problem(s.Key, at(path, item), "each entry must be a single value", s.Key+": ["+s.Example+"]")
				return
			}
			items = append(items, item.Value)
		}
		l.set(s, at(path, node), strings.Join(items, ","))
	case node.Kind == yaml.ScalarNode:
		l.set(s, at(path, node), node.Value)
	default:
		l.problem(s.Key, at(path, node), "a single value is expected", s.Key+": "+s.Example)
	}
}

func (l *loader) isSection(key string) bool {
	return slices.ContainsFunc(l.keys, func(k string) bool { return strings.HasPrefix(k, key+".") })
}

func at(path string, n *yaml.Node) string { return fmt.Sprintf("%s:%d", path, n.Line) }

// readEnviron reads KAKOI_… and refuses what it does not know: a misspelt
// setting that is ignored is worse than one that is refused.
func (l *loader) readEnviron(environ []string) {
	byEnv := map[string]Setting{}
	var names []string
	for _, key := range l.keys {
		s := l.byKey[key]
		byEnv[s.Env] = s
		names = append(names, s.Env)
	}
	given := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, envPrefix) && name != envFile && !strings.HasPrefix(name, envTests) {
			given[name] = value
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		value := given[name]
		if s, ok := byEnv[name]; ok {
			l.set(s, name, value)
			continue
		}
		s, ok := byEnv[strings.TrimSuffix(name, fileSuffix)]
		if !ok || !s.Secret || !strings.HasSuffix(name, fileSuffix) {
			l.problem(name, "environment", "there is no such setting", l.suggest(name, names))
			continue
		}
		if _, both := given[s.Env]; both {
			l.problem(s.Key, name, s.Env+" is set too; use one of them", "")
			continue
		}
		text, err := readSmall(value)
		if err != nil {
			l.problem(s.Key, name, "the file cannot be read: "+err.Error(), name+"=/run/secrets/"+dashed(s.Key))
			continue
		}
		l.set(s, name, strings.TrimRight(string(text), "\r\n"))
	}
}

// wrong reports whether one of the settings has a problem already.
func (l *loader) wrong(keys ...string) bool {
	return slices.ContainsFunc(l.problems, func(p Problem) bool { return slices.Contains(keys, p.Key) })
}

// checkTogether checks what no setting can know alone.
func (l *loader) checkTogether() {
	c := &l.out.Config
	if (c.HTTP.TLS.CertFile == "") != (c.HTTP.TLS.KeyFile == "") && !l.wrong("http.tls.certFile", "http.tls.keyFile") {
		set, missing := "http.tls.certFile", "http.tls.keyFile"
		if c.HTTP.TLS.CertFile == "" {
			set, missing = missing, set
		}
		l.problem(set, l.out.sources[set], missing+" must be set with it", missing+": "+l.byKey[missing].Example)
	}
	if c.Session.Idle > c.Session.Lifetime && !l.wrong("session.idle", "session.lifetime") {
		l.problem("session.idle", l.out.sources["session.idle"],
			fmt.Sprintf("%s is longer than session.lifetime (%s, %s)", formatDuration(c.Session.Idle), formatDuration(c.Session.Lifetime), l.out.sources["session.lifetime"]),
			"session.idle: "+l.byKey["session.idle"].Example)
	}
}

// suggest names the known name that is nearest to a wrong one, if any is near.
func (l *loader) suggest(wrong string, known []string) string {
	best, nearest := "", len(wrong)/3+1
	for _, name := range known {
		if d := distance(strings.ToLower(wrong), strings.ToLower(name)); d < nearest {
			best, nearest = name, d
		}
	}
	if best == "" {
		return ""
	}
	return best + " (is that what is meant?)"
}

// distance is the number of single-letter changes between two names.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substituted := diagonal
			if a[i] != b[j] {
				substituted++
			}
			diagonal = row[j+1]
			row[j+1] = min(substituted, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
