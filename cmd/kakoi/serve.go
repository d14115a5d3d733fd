package main

import (
	"github.com/spf13/cobra"
)

// serveCommand runs the server.
func serveCommand(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Run the server until it is told to stop. The first SIGTERM or SIGINT lets
answers in progress finish for runs.stopGrace; the second stops at once.

Every setting is a flag below, a key in kakoi.yaml and a variable in the
environment: http.addr, --http-addr and KAKOI_HTTP_ADDR are one.`,
		Args: cobra.NoArgs,
	}
	load := withConfig(p, cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		return p.actions.serve(cmd.Context(), cfg, newLog(cfg, p.errOut), p.out)
	}
	return cmd
}

// setupLinkCommand prints a way in for the first administrator.
func setupLinkCommand(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "setup-link",
		Short: "Print a fresh one-time link that makes the first administrator",
		Long: `Print a fresh one-time link that makes the first administrator. Links that
were printed before stop working. It is refused once there is an administrator.`,
		Args: cobra.NoArgs,
	}
	load := withConfig(p, cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		link, err := p.actions.setupLink(cmd.Context(), cfg, newLog(cfg, p.errOut))
		if err != nil {
			return err
		}
		cmd.Println(link)
		return nil
	}
	return cmd
}
