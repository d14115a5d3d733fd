package main

import (
	"context"
	"io"
	"log/slog"

	"kakoi/internal/config"
	"kakoi/internal/residency/simulate"
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
		router: func(cfg *config.Effective) (simulate.Router, error) { return server.Router(cfg.Config) },
		checkPolicy: func(ctx context.Context, cfg *config.Effective, log *slog.Logger, region, modelID string) (policyAnswer, error) {
			a, err := server.CheckPolicy(ctx, cfg.Config, log, region, modelID)
			return policyAnswer(a), err
		},
		policyData: func(cfg *config.Effective) ([]byte, error) { return server.PolicyData(cfg.Config) },
		doctor: func(ctx context.Context, cfg *config.Effective, log *slog.Logger, c server.DoctorCommand, tell func(server.DoctorStep) error) error {
			return server.Doctor(ctx, cfg.Config, log, c, tell)
		},
		openAPI: server.OpenAPI,
	}
}
