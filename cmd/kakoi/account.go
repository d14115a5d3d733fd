package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// accountCommand is about the accounts of people.
func accountCommand(p program) *cobra.Command {
	root := &cobra.Command{Use: "account", Short: "Let somebody back in"}
	root.AddCommand(resetSecondFactorCommand(p))
	return root
}

func resetSecondFactorCommand(p program) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "reset-second-factor e-mail --reason text",
		Short: "Take away an account's authenticator app, passkeys and recovery codes",
		Long: `Take away the authenticator app, the passkeys and the recovery codes of an
account, for somebody who has lost them: the last administrator, say. Its
sessions end; the person signs in with the password and sets up a new second
factor, if the policy asks for one. The reason goes into the audit trail.

A server may be running on the same database.`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the audit trail")
	load := withInstallation(p, cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if strings.TrimSpace(reason) == "" {
			return exitError{exitBadInput, "write why: --reason \"lost telephone\""}
		}
		cfg, err := load()
		if err != nil {
			return err
		}
		ended, err := p.actions.resetSecondFactor(cmd.Context(), cfg, newLog(cfg, p.errOut), args[0], reason)
		if err != nil {
			return err
		}
		cmd.Printf("The second factors of %s are gone; sessions ended: %d\n", args[0], ended)
		return nil
	}
	return cmd
}
