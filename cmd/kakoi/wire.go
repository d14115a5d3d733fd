package main

import (
	"context"
	"errors"
	"log/slog"

	"kakoi/internal/config"
)

// wired connects the commands to the parts that do the work.
func wired() actions {
	return actions{
		serve: func(context.Context, *config.Effective, *slog.Logger) error {
			return errors.New("the server is not part of this build")
		},
		setupLink: func(context.Context, *config.Effective, *slog.Logger) (string, error) {
			return "", errors.New("the server is not part of this build")
		},
	}
}
