package main

import (
	"github.com/spf13/cobra"
)

// openAPICommand prints the contract of the API; api/openapi.json is its output.
func openAPICommand(p program) *cobra.Command {
	return &cobra.Command{
		Use:   "openapi",
		Short: "Print the description of the API (OpenAPI 3.1)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := p.actions.openAPI()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
}
