package main

import (
	"context"
	"io"
	"log/slog"

	"kakoi/internal/config"
	"kakoi/internal/server"
)

// wired connects the commands to the parts that do the work.
func wired() actions {
	return actions{
		serve: func(ctx context.Context, cfg *config.Effective, log *slog.Logger, out io.Writer) error {
			return server.Run(ctx, cfg.Config, version, log, out)
		},
		setupLink: func(ctx context.Context, cfg *config.Effective, log *slog.Logger) (string, error) {
			return server.SetupLink(ctx, cfg.Config, log)
		},
		openAPI: server.OpenAPI,
	}
}
