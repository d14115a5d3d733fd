package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"kakoi/internal/classification"
	"kakoi/internal/residency/iam"
	"kakoi/internal/residency/simulate"
	"kakoi/internal/server"
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
	root := &cobra.Command{Use: "policy", Short: "Ask what policies allow, and make those that are needed"}
	root.AddCommand(checkCommand(p), simulateCommand(p), generateCommand(p), dataCommand(p))
	return root
}

// policyAnswer is what the residency policy says of one model.
type policyAnswer struct {
	Allowed bool     `json:"allowed"`
	Place   string   `json:"place"`
	Reason  string   `json:"reason"`
	Basis   string   `json:"basis,omitempty"`
	Instead []string `json:"instead,omitempty"`
	Data    string   `json:"data"` // version of the data
}

// checkCommand says where a model would answer, and whether the policy of this
// installation permits that.
func checkCommand(p program) *cobra.Command {
	var q server.PolicyQuestion
	var class int
	var format string
	cmd := &cobra.Command{
		Use:   "check --model id --from region [--group name]... [--class 1|2|3]",
		Short: "Say where a model of Amazon Bedrock would answer, and whether the residency policy permits that",
		Long: `Say where a model or inference profile of Amazon Bedrock would answer when a
region is called, and whether the residency policy of this installation permits
that to a member of the groups, for what is of the class of confidentiality.
Without them it is asked for somebody who is in no group, and for what nobody
has classified. AWS is not asked.

Ends with 0 if it is permitted, 1 if it is not, 2 if the question is wrong.`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&q.ModelID, "model", "", "id or ARN of the model or inference profile")
	cmd.Flags().StringVar(&q.Region, "from", "", "region that is called, such as ap-northeast-1")
	cmd.Flags().StringArrayVar(&q.Groups, "group", nil, "name of a group that the person is in; may be repeated")
	cmd.Flags().IntVar(&class, "class", 0, "how confidential what is sent is, 1 to 3; 0: not classified")
	cmd.Flags().StringVar(&format, "format", "text", "json or text")
	load := withInstallation(p, cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch {
		case q.ModelID == "" || q.Region == "":
			return exitError{exitBadInput, "write what is called and where: --model jp.anthropic.claude-haiku-4-5-20251001-v1:0 --from ap-northeast-1"}
		case format != "json" && format != "text":
			return exitError{exitBadInput, fmt.Sprintf("--format is %q; write json or text", format)}
		}
		if q.Class = classification.Class(class); q.Class != classification.None && !q.Class.Valid() {
			return exitError{exitBadInput, fmt.Sprintf("--class is %d; write 1, 2 or 3, or leave it out for what nobody has classified", class)}
		}
		cfg, err := load()
		if err != nil {
			return err
		}
		a, err := p.actions.checkPolicy(cmd.Context(), cfg, newLog(cfg, p.errOut), q)
		if err != nil {
			return exitError{exitBadInput, err.Error()}
		}
		if format == "json" {
			err = encode(cmd.OutOrStdout(), a)
		} else {
			_, err = io.WriteString(cmd.OutOrStdout(), a.text())
		}
		if err == nil && !a.Allowed {
			return exitError{code: exitNotAllowed}
		}
		return err
	}
	return cmd
}

func (a policyAnswer) text() string {
	verdict := "DENIED"
	if a.Allowed {
		verdict = "PERMITTED"
	}
	text := fmt.Sprintf("%s: %s\nAnswered in: %s\n", verdict, a.Reason, a.Place)
	if a.Basis != "" {
		text += "Known from: " + a.Basis + "\n"
	}
	for _, id := range a.Instead {
		text += "Instead: " + id + "\n"
	}
	return text + "Data of: " + a.Data + "\n"
}

// dataCommand prints what is known of inference profiles.
func dataCommand(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "Print the regions and inference profiles that are known, as network.profilesFile takes them",
		Args:  cobra.NoArgs,
	}
	load := withInstallation(p, cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		text, err := p.actions.policyData(cfg)
		if err != nil {
			return err
		}
		_, err = cmd.OutOrStdout().Write(text)
		return err
	}
	return cmd
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
	load := withInstallation(p, cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := sayable(format, lang); err != nil {
			return err
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
		if err != nil {
			return badInput(err, lang)
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
	return encode(w, out)
}

func encode(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
