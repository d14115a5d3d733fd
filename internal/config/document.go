package config

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// AddFlags declares a flag for each setting. FlagValues reads them back.
func AddFlags(flags *pflag.FlagSet) {
	for _, s := range Settings() {
		usage, _, _ := strings.Cut(s.Doc, ". ")
		usage = strings.TrimSuffix(usage, ".")
		if values := s.Values(); values != "" {
			usage += " (" + values + ")"
		}
		flags.String(s.Flag, "", usage)
		if s.Default != "" {
			flags.Lookup(s.Flag).DefValue = s.Default
		}
	}
}

// FlagValues returns the flags that were given, for Input.Flags.
func FlagValues(flags *pflag.FlagSet) map[string]string {
	given := map[string]string{}
	for _, s := range Settings() {
		if f := flags.Lookup(s.Flag); f != nil && f.Changed {
			given[s.Key] = f.Value.String()
		}
	}
	return given
}

// Lines prints the configuration in force as a YAML file, each value with its
// source, secrets hidden.
func (e *Effective) Lines() string {
	return writeYAML(func(s Setting, indent string) string {
		v := s.field(&e.Config)
		name := s.Key[strings.LastIndex(s.Key, ".")+1:]
		return fmt.Sprintf("%s%s: %s # %s\n", indent, name, yamlValue(s, s.format(v)), e.sources[s.Key])
	}, func(section) string { return "" })
}

// Example returns the commented example file: every setting with what it is
// for, its default and an example, all commented out.
func Example() string {
	const head = `# The configuration of Kakoi. Every line here is optional: without this file
# Kakoi listens on 127.0.0.1:8080 and keeps everything in ./data.
#
# A setting has one name three ways: http.addr in this file, --http-addr as a
# flag, KAKOI_HTTP_ADDR in the environment. A flag wins over the environment,
# the environment over this file. Whatever Kakoi does not know it refuses.
# What is not here is set in the administration pages of the running server.
#
# "make generate" writes this file out of internal/config/config.go.
`
	return head + writeYAML(func(s Setting, indent string) string {
		var b strings.Builder
		b.WriteByte('\n')
		for _, line := range wrap(s.Doc, 76-len(indent)) {
			fmt.Fprintf(&b, "%s# %s\n", indent, line)
		}
		if values := s.Values(); values != "" {
			fmt.Fprintf(&b, "%s# Allowed: %s.\n", indent, values)
		}
		if s.Secret {
			fmt.Fprintf(&b, "%s# Better not in this file: %s_FILE names a file that holds it.\n", indent, s.Env)
		}
		fmt.Fprintf(&b, "%s# Example: %s\n", indent, s.Example)
		fmt.Fprintf(&b, "%s#%s: %s\n", indent, s.Key[strings.LastIndex(s.Key, ".")+1:], yamlValue(s, s.Default))
		return b.String()
	}, func(g section) string {
		if g.doc == "" {
			return "\n"
		}
		return "\n# " + g.doc + "\n"
	})
}

// Reference returns the settings as a Markdown page.
func Reference() string {
	var b strings.Builder
	b.WriteString(`# Configuration

What a process must know before it can read the rest from its database. "make
generate" writes this page out of internal/config/config.go.

A setting has one name three ways: the key in ` + "`kakoi.yaml`" + `, the flag, and the
variable in the environment. A flag wins over the environment, the environment
over the file, the file over the default. The file is ` + "`./kakoi.yaml`" + ` if it exists,
or what ` + "`--config`" + ` or ` + "`KAKOI_CONFIG`" + ` names. Whatever Kakoi does not know, and
any value that cannot be right, is refused at the start, with the key, where it
stands, the reason and an example. ` + "`kakoi config show`" + ` prints what is in force
and where each value came from.

Durations are written 500ms, 20s, 5m, 12h, 7d; sizes 512KiB, 20MiB, 1GiB or in
bytes; lists with commas, in the file also as a YAML list.
`)
	walk(func(s Setting) {
		fmt.Fprintf(&b, "\n### `%s`\n\n%s\n\n", s.Key, s.Doc)
		fmt.Fprintf(&b, "| | |\n|---|---|\n| Flag | `--%s` |\n| Environment | `%s`", s.Flag, s.Env)
		if s.Secret {
			fmt.Fprintf(&b, ", or `%s_FILE` with the path of a file that holds it", s.Env)
		}
		fmt.Fprintf(&b, " |\n| Type | %s", s.Type)
		if values := s.Values(); values != "" {
			fmt.Fprintf(&b, ", %s", values)
		}
		def := "empty"
		if s.Default != "" {
			def = "`" + s.Default + "`"
		}
		fmt.Fprintf(&b, " |\n| Default | %s |\n| Example | `%s` |\n", def, s.Example)
	}, func(g section) {
		if g.doc != "" {
			fmt.Fprintf(&b, "\n## %s\n\n%s\n", g.key, g.doc)
		}
	})
	return b.String()
}

// writeYAML walks the settings as nested YAML mappings.
func writeYAML(onSetting func(s Setting, indent string) string, comment func(section) string) string {
	var b strings.Builder
	walk(func(s Setting) {
		b.WriteString(onSetting(s, strings.Repeat("  ", strings.Count(s.Key, "."))))
	}, func(g section) {
		b.WriteString(comment(g))
		fmt.Fprintf(&b, "%s%s:\n", strings.Repeat("  ", g.depth), g.key[strings.LastIndex(g.key, ".")+1:])
	})
	return b.String()
}

// yamlValue writes text so that YAML reads it back as the same text.
func yamlValue(s Setting, text string) string {
	switch {
	case s.Type == "list":
		return "[" + text + "]"
	case text == "" || strings.ContainsAny(text, "#'\"{}[]&*!|>%@`\\") || strings.Contains(text, ": "):
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
	default:
		return text
	}
}

// wrap breaks text into lines of at most width characters.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
