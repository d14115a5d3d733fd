// Command withpostgres runs a command with a private PostgreSQL server, whose
// URL the command finds in KAKOI_TEST_POSTGRES_URL. With -usual before the
// command, the server is set as one that people rely on, for measuring.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"kakoi/internal/db/dbtest/pgserver"
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "withpostgres:", err)
	}
	os.Exit(code)
}

// run returns the exit code of the command, or 1 and why it could not be run.
func run(args []string) (code int, err error) {
	var settings []string
	if len(args) > 0 && args[0] == "-usual" {
		settings, args = pgserver.Usual, args[1:]
	}
	if len(args) == 0 {
		return 2, errors.New("usage: withpostgres [-usual] command [argument…]")
	}
	ctx := context.Background()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if os.Getenv(pgserver.EnvURL) == "" {
		dir, err := os.MkdirTemp("", "kakoi-test-postgres-")
		if err != nil {
			return 1, fmt.Errorf("make a folder for the server: %w", err)
		}
		server, err := pgserver.Start(ctx, dir, settings...)
		if err != nil {
			return 1, errors.Join(err, os.RemoveAll(dir))
		}
		defer func() {
			if stopErr := server.Stop(); stopErr != nil {
				code, err = max(code, 1), errors.Join(err, fmt.Errorf("stop the server: %w", stopErr))
			}
		}()
		cmd.Env = append(os.Environ(), pgserver.EnvURL+"="+server.URL)
	}
	// The command hears the terminal's signals itself; we outlive it to clean
	// up, and pass on what is sent to us alone.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("run %s: %w", args[0], err)
	}
	go func() {
		for s := range signals {
			if s == syscall.SIGTERM {
				_ = cmd.Process.Signal(s) // it may have ended already
			}
		}
	}()
	err = cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	if err != nil {
		return 1, fmt.Errorf("run %s: %w", args[0], err)
	}
	return 0, nil
}
