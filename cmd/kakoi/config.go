package main

import (
	"github.com/spf13/cobra"

	"kakoi/internal/config"
)

// configCommand shows the configuration and what it may hold.
func configCommand(p program) *cobra.Command {
	root := &cobra.Command{Use: "config", Short: "Show the configuration"}
	show := &cobra.Command{
		Use:   "show",
		Short: "Check the configuration and print what is in force, with sources, without secrets",
		Args:  cobra.NoArgs,
	}
	load := withConfig(p, show)
	show.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		cmd.Print(cfg.Lines())
		return nil
	}
	root.AddCommand(show,
		printing("example", "Print a commented configuration file", config.Example),
		printing("reference", "Print the reference of all settings as Markdown", config.Reference))
	return root
}

func printing(use, short string, text func() string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) { cmd.Print(text()) },
	}
}
