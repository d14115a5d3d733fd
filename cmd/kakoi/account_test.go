package main

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"kakoi/internal/config"
)

func TestASecondFactorIsResetForAReason(t *testing.T) {
	var email, reason string
	a := actions{resetSecondFactor: func(_ context.Context, _ *config.Effective, _ *slog.Logger, e, r string) (int, error) {
		email, reason = e, r
		return 2, nil
	}}
	out, err := run(t, a, nil, "account", "reset-second-factor", "anna@example.jp", "--reason", "電話を紛失")
	if err != nil || email != "anna@example.jp" || reason != "電話を紛失" || !strings.Contains(out, "sessions ended: 2") {
		t.Errorf("reset %q for %q: %q, %v", email, reason, out, err)
	}
	email = ""
	for _, args := range [][]string{{"anna@example.jp"}, {"anna@example.jp", "--reason", " "}, {"--reason", "x"}} {
		if _, err := run(t, a, nil, append([]string{"account", "reset-second-factor"}, args...)...); err == nil || email != "" {
			t.Errorf("%q: %v, reset %q", args, err, email)
		}
	}
}
