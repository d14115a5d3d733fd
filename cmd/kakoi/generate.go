package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"kakoi/internal/residency/generate"
	"kakoi/internal/residency/iam"
	"kakoi/internal/residency/simulate"
)

// generateCommand makes the policies for a case.
func generateCommand(p program) *cobra.Command {
	var format, lang, dir, from, externalID string
	var roles, regions, models, operations []string
	cmd := &cobra.Command{
		Use:   "generate [file]",
		Short: "Write the exact policies that calls of Amazon Bedrock need, on both sides",
		Long: `Write the policies that calls of Amazon Bedrock need, and no wider: of the one
who calls, of every role on the way, of VPC endpoints, and what can be done
about an SCP that stands in the way. The case is a JSON document
(docs/policy-generate.md), from the file or from standard input, or is told by
flags:

  kakoi policy generate --from arn:aws:iam::111111111111:role/workplace \
    --role arn:aws:iam::222222222222:role/bedrock --external-id city-7f3a \
    --region ap-northeast-1 --model jp.anthropic.claude-haiku-4-5-20251001-v1:0

Every document is linted and simulated before it is shown. AWS is not asked.

Ends with 0, or with 2 if the case is wrong.`,
		Args: cobra.MaximumNArgs(1),
	}
	cmd.Flags().StringVar(&from, "from", "", "ARN of the role or user that begins; with it, the flags tell the case")
	cmd.Flags().StringSliceVar(&roles, "role", nil, "ARN of a role that is assumed; several in their order")
	cmd.Flags().StringVar(&externalID, "external-id", "", "that the first role asks for")
	cmd.Flags().StringSliceVar(&regions, "region", nil, "Region that is called")
	cmd.Flags().StringSliceVar(&models, "model", nil, "model or inference profile")
	cmd.Flags().StringSliceVar(&operations, "operation", nil, "operation of the API; Converse and ConverseStream if none is named")
	cmd.Flags().StringVar(&dir, "out", "", "directory into which each document is written as a file, too")
	cmd.Flags().StringVar(&format, "format", "json", "json or text")
	cmd.Flags().StringVar(&lang, "lang", "en", "language of text and of what is wrong: en or ja")
	load := withInstallation(p, cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := sayable(format, lang); err != nil {
			return err
		}
		if from != "" && len(args) > 0 {
			return exitError{exitBadInput, "give a file or --from, not both"}
		}
		cfg, err := load()
		if err != nil {
			return err
		}
		directory, err := p.actions.directory(cfg)
		if err != nil {
			return err
		}
		c := &generate.Case{Version: generate.Version, Caller: generate.Caller{ARN: from}, Regions: regions, Models: models, Operations: operations}
		for i, role := range roles {
			c.Chain = append(c.Chain, generate.Hop{RoleARN: role})
			if i == 0 {
				c.Chain[0].ExternalID = externalID
			}
		}
		if from == "" {
			document, err := question(cmd.InOrStdin(), args)
			if err != nil {
				return exitError{exitBadInput, err.Error()}
			}
			if c, err = generate.Decode(document); err != nil {
				return badInput(err, lang)
			}
		}
		out, err := generate.Run(c, directory)
		if err != nil {
			return badInput(err, lang)
		}
		if dir != "" {
			if err := writeDocuments(dir, out); err != nil {
				return err
			}
		}
		if format == "text" {
			_, err = io.WriteString(cmd.OutOrStdout(), out.Text(iam.Lang(lang)))
			return err
		}
		return encode(cmd.OutOrStdout(), out)
	}
	return cmd
}

// sayable checks the flags that every policy command has.
func sayable(format, lang string) error {
	if !slices.Contains([]string{"json", "text"}, format) {
		return exitError{exitBadInput, fmt.Sprintf("--format is %q; write json or text", format)}
	}
	if !slices.Contains([]string{"en", "ja"}, lang) {
		return exitError{exitBadInput, fmt.Sprintf("--lang is %q; write en or ja", lang)}
	}
	return nil
}

// badInput says in lang what is wrong with a question.
func badInput(err error, lang string) error {
	var wrong *simulate.InputError
	if errors.As(err, &wrong) {
		return exitError{exitBadInput, wrong.Text(iam.Lang(lang))}
	}
	return err
}

// writeDocuments writes each document into dir, as <account>-<name>.json.
func writeDocuments(dir string, out generate.Output) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	write := func(name string, document json.RawMessage) error {
		var b bytes.Buffer
		if err := json.Indent(&b, document, "", "  "); err != nil {
			return err
		}
		b.WriteByte('\n')
		return os.WriteFile(filepath.Join(dir, name+".json"), b.Bytes(), 0o644)
	}
	for _, d := range out.Documents {
		if err := write(d.Account+"-"+d.Name, d.Document); err != nil {
			return err
		}
	}
	for _, a := range out.Organization.Approaches {
		if a.SCP == nil {
			continue
		}
		if err := write("scp-"+a.Name, a.SCP); err != nil {
			return err
		}
	}
	return nil
}
