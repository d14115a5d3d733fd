package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kakoi/internal/server"
	"kakoi/web"
)

// exitFailures is what an examination ends with that has found failures; one
// that could not be made ends with exitBadInput.
const exitFailures = 1

// doctorCommand examines the installation.
func doctorCommand(p program) *cobra.Command {
	var c server.DoctorCommand
	var asJSON bool
	var lang string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Examine the installation: the server, the closed network, the way to each model",
		Long: `Examine the installation: the server and its machine, what closed mode promises,
and for each connection names, addresses, certificates, clocks, credentials, roles,
the model's answer and its limits. What fails is told with its cause and its remedy.
It may be run while the server runs, and while it does not. docs/doctor.md explains
every finding.

Ends with 0 if nothing fails, 1 if something does, 2 if it could not be examined.`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&c.Connection, "connection", "", "examine this connection alone: its name or id")
	cmd.Flags().BoolVar(&c.Quick, "quick", false, "call no model")
	cmd.Flags().BoolVar(&c.Outside, "outside", false, "try whether the network lets forbidden hosts be reached; packets leave for it")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON for machines")
	cmd.Flags().StringVar(&lang, "lang", "", "language: en or ja (default: that of LC_ALL, LC_MESSAGES or LANG)")
	load := withInstallation(p, cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if lang == "" {
			lang = languageOf(p.in)
		}
		if lang != "en" && lang != "ja" {
			return exitError{exitBadInput, fmt.Sprintf("--lang is %q; write en or ja", lang)}
		}
		words, err := readWords(lang)
		if err != nil {
			return exitError{exitBadInput, err.Error()}
		}
		cfg, err := load()
		if err != nil {
			return exitError{exitBadInput, err.Error()}
		}
		// What it finds, it tells; the log would only tell it again.
		cfg.Log.Level = max(cfg.Log.Level, slog.LevelError)
		r := doctorReport{Version: 1, Program: version, At: time.Now().UTC(), Steps: []reportedStep{}}
		out := cmd.OutOrStdout()
		var group string
		c.Version = version
		err = p.actions.doctor(cmd.Context(), cfg, newLog(cfg, p.errOut), c, func(s server.DoctorStep) error {
			step := reportedStep{DoctorStep: s, Text: words.of(s)}
			r.add(step)
			if asJSON {
				return nil
			}
			if heading := words.heading(s); heading != group {
				group = heading
				if _, err := fmt.Fprintf(out, "\n%s\n", heading); err != nil {
					return err
				}
			}
			_, err := io.WriteString(out, words.line(step))
			return err
		})
		if err != nil {
			return exitError{exitBadInput, err.Error()}
		}
		if asJSON {
			err = encode(out, r)
		} else {
			_, err = fmt.Fprintf(out, "\n%s\n", words.fill("summary.counts", map[string]string{
				"failed": fmt.Sprint(r.Summary.Failed), "warning": fmt.Sprint(r.Summary.Warning), "ok": fmt.Sprint(r.Summary.OK),
			}))
		}
		if err != nil {
			return exitError{exitBadInput, err.Error()}
		}
		if r.Summary.Failed > 0 {
			return exitError{code: exitFailures}
		}
		return nil
	}
	return cmd
}

// doctorReport is the whole of an examination, as --json writes it.
type doctorReport struct {
	Version int       `json:"version"` // of this form
	Program string    `json:"program"`
	At      time.Time `json:"at"`
	Summary struct {
		OK      int `json:"ok"`
		Warning int `json:"warning"`
		Failed  int `json:"failed"`
		Unknown int `json:"unknown"`
		Skipped int `json:"skipped"`
	} `json:"summary"`
	Steps []reportedStep `json:"steps"`
}

// reportedStep is a step with its words in the language that was asked for.
type reportedStep struct {
	server.DoctorStep
	Text *stepText `json:"text,omitempty"`
}

// stepText says what was found, why that is, and what to do.
type stepText struct {
	What   string `json:"what"`
	Cause  string `json:"cause"`
	Remedy string `json:"remedy"`
}

func (r *doctorReport) add(s reportedStep) {
	r.Steps = append(r.Steps, s)
	switch s.Status {
	case "ok":
		r.Summary.OK++
	case "warning":
		r.Summary.Warning++
	case "failed":
		r.Summary.Failed++
	case "unknown":
		r.Summary.Unknown++
	case "skipped":
		r.Summary.Skipped++
	}
}

// languageOf is the language that the environment asks for; English where it
// asks for one that we do not have.
func languageOf(environ []string) string {
	for _, name := range []string{"LC_ALL=", "LC_MESSAGES=", "LANG="} {
		i := slices.IndexFunc(environ, func(v string) bool { return strings.HasPrefix(v, name) && len(v) > len(name) })
		if i < 0 {
			continue
		}
		if strings.HasPrefix(environ[i][len(name):], "ja") {
			return "ja"
		}
		break
	}
	return "en"
}

// doctorWords are the texts of the interface, by their paths.
type doctorWords struct {
	language string
	texts    map[string]string
}

func readWords(language string) (doctorWords, error) {
	w := doctorWords{language, map[string]string{}}
	text, err := web.Words(language, "doctor")
	if err != nil {
		return w, err
	}
	var tree map[string]any
	if err := json.Unmarshal(text, &tree); err != nil {
		return w, err
	}
	w.flatten("", tree)
	return w, nil
}

func (w doctorWords) flatten(path string, tree map[string]any) {
	for name, value := range tree {
		switch value := value.(type) {
		case string:
			w.texts[path+name] = value
		case map[string]any:
			w.flatten(path+name+".", value)
		}
	}
}

// fill returns a text with its values put in. A value that is missing leaves
// nothing behind.
func (w doctorWords) fill(path string, values map[string]string) string {
	text := w.texts[path]
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{{")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		name, after, _ := strings.Cut(rest, "}}")
		out.WriteString(values[strings.TrimSpace(name)])
		text = after
	}
}

// of returns the words of a step's finding, or nil where all is well.
func (w doctorWords) of(s server.DoctorStep) *stepText {
	if s.Code == "" {
		return nil
	}
	at := "code." + string(s.Code)
	return &stepText{w.fill(at+".what", s.Params), w.fill(at+".cause", s.Params), w.fill(at+".remedy", s.Params)}
}

// heading names what a step is about.
func (w doctorWords) heading(s server.DoctorStep) string {
	if s.ConnectionName != "" {
		return w.fill("group.connection", map[string]string{"name": s.ConnectionName})
	}
	return w.texts["group."+string(s.Group)]
}

// name is what a step is called.
func (w doctorWords) name(s server.DoctorStep) string {
	if n, isRole := strings.CutPrefix(s.Name, "role_"); isRole {
		return w.fill("step.role", map[string]string{"n": n})
	}
	return w.texts["step."+s.Name]
}

// line writes a step as people read it.
func (w doctorWords) line(s reportedStep) string {
	var out strings.Builder
	fmt.Fprintf(&out, "  %s  %s", w.texts["mark."+string(s.Status)], w.name(s.DoctorStep))
	if s.Target != "" {
		fmt.Fprintf(&out, "  %s", plain(s.Target))
	}
	out.WriteByte('\n')
	const indent = "          "
	if s.Text != nil {
		for _, text := range []string{s.Text.What, s.Text.Cause, s.Text.Remedy} {
			if text != "" {
				fmt.Fprintf(&out, "%s%s\n", indent, plain(text))
			}
		}
	}
	for _, f := range s.Facts {
		fmt.Fprintf(&out, "%s%s: %s\n", indent, w.texts["fact."+f.Name], plain(f.Value))
	}
	if s.Text != nil && s.Detail != "" {
		fmt.Fprintf(&out, "%s%s\n", indent, plain(s.Detail))
	}
	return out.String()
}

// plain keeps what servers and certificates say from steering a terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}
