package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kakoi/internal/server"
)

// maxReportFile is more than any report; what is longer is refused by its
// reader.
const maxReportFile = 65 << 20

// errNotVerified is what ends the verification of a report that is not what it
// claims to be.
var errNotVerified = errors.New("not verified")

// egressCommand is about the record of outgoing connections.
func egressCommand(p program) *cobra.Command {
	root := &cobra.Command{Use: "egress", Short: "Report what left, and verify such reports"}
	root.AddCommand(egressReportCommand(p), egressKeyCommand(p), egressVerifyCommand(p))
	return root
}

func egressReportCommand(p program) *cobra.Command {
	var month, out string
	cmd := &cobra.Command{
		Use:   "report --month 2026-11",
		Short: "Write the signed report of what left in a month",
		Long: `Write the signed report of what left this installation in a month of Japan's
time: what may be reached, what was, what was refused, and for which times there
is no record. A server may be running on the same database. kakoi egress verify
checks and shows the file anywhere else.`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&month, "month", "", "month, as 2026-11")
	cmd.Flags().StringVar(&out, "out", "", "file to write (default: standard output)")
	load := withInstallation(p, cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if month == "" {
			return exitError{exitBadInput, "write which month: --month 2026-11"}
		}
		cfg, err := load()
		if err != nil {
			return err
		}
		file, err := p.actions.egressReport(cmd.Context(), cfg, newLog(cfg, p.errOut), month)
		if err != nil {
			return err
		}
		return put(cmd.OutOrStdout(), out, file)
	}
	return cmd
}

func egressKeyCommand(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Print the public key that verifies the reports of this installation",
		Args:  cobra.NoArgs,
	}
	load := withInstallation(p, cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		key, err := p.actions.egressKey(cmd.Context(), cfg, newLog(cfg, p.errOut))
		if err != nil {
			return err
		}
		return put(cmd.OutOrStdout(), "", key)
	}
	return cmd
}

func egressVerifyCommand(p program) *cobra.Command {
	var keyFile, html, lang string
	cmd := &cobra.Command{
		Use:   "verify file --key keyfile",
		Short: "Check that a report is what the owner of a key signed, and show it",
		Long: `Check that a report is, to the last bit, what the owner of the key signed. It
needs no server, no database and no network. Get the key from the installation
once, by a way you trust, and compare its fingerprint.

Ends with 0 if the report is genuine, 1 if it is not, 2 if the files cannot be
read as what they should be.`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&keyFile, "key", "", "file of the public key")
	cmd.Flags().StringVar(&html, "html", "", "file to write the report to as a page, when it is genuine")
	cmd.Flags().StringVar(&lang, "lang", "ja", "language of that page: ja or en")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case keyFile == "":
			return exitError{exitBadInput, "write which key: --key kakoi-egress-key.pem"}
		case lang != "ja" && lang != "en":
			return exitError{exitBadInput, fmt.Sprintf("--lang is %q; write ja or en", lang)}
		}
		key, err := readBounded(keyFile)
		if err != nil {
			return exitError{exitBadInput, err.Error()}
		}
		file, err := readBounded(args[0])
		if err != nil {
			return exitError{exitBadInput, err.Error()}
		}
		r, err := p.actions.egressVerify(file, key)
		switch {
		case errors.Is(err, errNotVerified):
			return exitError{exitNotAllowed, "NOT GENUINE: " + strings.TrimPrefix(err.Error(), errNotVerified.Error()+": ")}
		case err != nil:
			return exitError{exitBadInput, err.Error()}
		}
		if html != "" {
			page := new(strings.Builder)
			if err := r.HTML(page, lang); err != nil {
				return err
			}
			if err := put(nil, html, []byte(page.String())); err != nil {
				return err
			}
		}
		_, err = io.WriteString(cmd.OutOrStdout(), reportText(r))
		return err
	}
	return cmd
}

func reportText(r server.EgressVerified) string {
	network, period := "closed", ""
	if !r.Closed {
		network = "not closed"
	}
	if !r.Complete {
		period = ", before the month was over"
	}
	return fmt.Sprintf(`GENUINE: signed with %s
Month: %s, made %s by Kakoi %s%s
Network: %s
Destinations: %d, connections %d, refused %d, bytes sent %d, received %d
Times without a record: %d; processes whose end is not on record: %d
`, r.Fingerprint, r.Month, r.MadeAt.Format(time.RFC3339), r.Version, period, network,
		r.Total.Destinations, r.Total.Dials, r.Total.Refusals, r.Total.BytesSent, r.Total.BytesReceived, r.Gaps, r.Lost)
}

// put writes to a file, or to w where none is named.
func put(w io.Writer, name string, data []byte) error {
	if name == "" {
		_, err := w.Write(data)
		return err
	}
	return os.WriteFile(name, data, 0o600)
}

func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxReportFile))
}
