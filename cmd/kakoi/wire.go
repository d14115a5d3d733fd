package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"kakoi/internal/config"
	"kakoi/internal/residency/generate"
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
		router:    func(cfg *config.Effective) (simulate.Router, error) { return server.Profiles(cfg.Config) },
		directory: func(cfg *config.Effective) (generate.Directory, error) { return server.Profiles(cfg.Config) },
		checkPolicy: func(ctx context.Context, cfg *config.Effective, log *slog.Logger, q server.PolicyQuestion) (policyAnswer, error) {
			a, err := server.CheckPolicy(ctx, cfg.Config, log, q)
			return policyAnswer(a), err
		},
		policyData: func(cfg *config.Effective) ([]byte, error) { return server.PolicyData(cfg.Config) },
		egressReport: func(ctx context.Context, cfg *config.Effective, log *slog.Logger, month string) ([]byte, error) {
			return server.EgressReport(ctx, cfg.Config, version, log, month)
		},
		egressKey: func(ctx context.Context, cfg *config.Effective, log *slog.Logger) ([]byte, error) {
			return server.EgressKey(ctx, cfg.Config, version, log)
		},
		egressVerify: func(file, key []byte) (server.EgressVerified, error) {
			r, malformed, err := server.VerifyEgress(file, key)
			if err != nil && !malformed {
				err = fmt.Errorf("%w: %w", errNotVerified, err)
			}
			return r, err
		},
		doctor: func(ctx context.Context, cfg *config.Effective, log *slog.Logger, c server.DoctorCommand, tell func(server.DoctorStep) error) error {
			return server.Doctor(ctx, cfg.Config, log, c, tell)
		},
		resetSecondFactor: func(ctx context.Context, cfg *config.Effective, log *slog.Logger, email, reason string) (int, error) {
			return server.ResetSecondFactor(ctx, cfg.Config, log, email, reason)
		},
		openAPI: server.OpenAPI,
	}
}
