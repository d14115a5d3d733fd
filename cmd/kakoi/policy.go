package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"kakoi/internal/residency/iam"
	"kakoi/internal/residency/simulate"
)

// What the process ends with, besides 1 for every other failure.
const (
	exitNotAllowed = 1
	exitBadInput   = 2
)

// exitError ends the process with a code of its own. One without a message has
// said what it had to say already.
type exitError struct {
	code    int
	message string
}

func (e exitError) Error() string { return e.message }

// policyCommand answers about policies, without asking anybody.
func policyCommand(p program) *cobra.Command {
	root := &cobra.Command{Use: "policy", Short: "Ask what policies allow"}
	root.AddCommand(simulateCommand(p))
	return root
}

func simulateCommand(p program) *cobra.Command {
	var format, lang string
	cmd := &cobra.Command{
		Use:   "simulate [file]",
		Short: "Say whether AWS would allow a call of Amazon Bedrock, and where it would run",
		Long: `Say whether AWS would allow a call of Amazon Bedrock, which statement of which
policy decides, and where the prompt could be processed. The question is a JSON
document (docs/policy-simulate.md), from the file or from standard input. AWS is
not asked.

Ends with 0 if the call is allowed, 1 if it is not, 2 if the question is wrong.`,
		Args: cobra.MaximumNArgs(1),
	}
	cmd.Flags().StringVar(&format, "format", "json", "json or text")
	cmd.Flags().StringVar(&lang, "lang", "en", "language of text and of what is wrong: en or ja")
	load := withConfig(p, cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !slices.Contains([]string{"json", "text"}, format) {
			return exitError{exitBadInput, fmt.Sprintf("--format is %q; write json or text", format)}
		}
		if !slices.Contains([]string{"en", "ja"}, lang) {
			return exitError{exitBadInput, fmt.Sprintf("--lang is %q; write en or ja", lang)}
		}
		cfg, err := load()
		if err != nil {
			return err
		}
		router, err := p.actions.router(cfg)
		if err != nil {
			return err
		}
		document, err := question(cmd.InOrStdin(), args)
		if err != nil {
			return exitError{exitBadInput, err.Error()}
		}
		out, err := answer(document, router)
		var wrong *simulate.InputError
		if errors.As(err, &wrong) {
			return exitError{exitBadInput, wrong.Text(iam.Lang(lang))}
		} else if err != nil {
			return err
		}
		if err := show(cmd.OutOrStdout(), out, format, iam.Lang(lang)); err != nil {
			return err
		}
		if out.Decision != simulate.Allowed {
			return exitError{code: exitNotAllowed}
		}
		return nil
	}
	return cmd
}

// question reads the document from the file, or from in without one.
func question(in io.Reader, args []string) ([]byte, error) {
	if len(args) > 0 && args[0] != "-" {
		file, err := os.Open(args[0])
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	return io.ReadAll(io.LimitReader(in, simulate.MaxBytes+1)) // one too many is refused by its reader
}

func answer(document []byte, router simulate.Router) (simulate.Output, error) {
	in, err := simulate.Decode(document)
	if err != nil {
		return simulate.Output{}, err
	}
	return simulate.Run(in, router)
}

func show(w io.Writer, out simulate.Output, format string, lang iam.Lang) error {
	if format == "text" {
		_, err := io.WriteString(w, out.Text(lang))
		return err
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}
