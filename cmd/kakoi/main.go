// Command kakoi is the whole of Kakoi: the server and the commands that look
// after it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"kakoi/internal/config"
	"kakoi/internal/residency/generate"
	"kakoi/internal/residency/simulate"
	"kakoi/internal/server"
)

func main() {
	ctx, stop := untilSignal(context.Background(), os.Exit)
	err := newCommand(program{
		in:      os.Environ(),
		out:     os.Stdout,
		errOut:  os.Stderr,
		actions: wired(),
	}).ExecuteContext(ctx)
	stop()
	if err != nil {
		os.Exit(fail(os.Stderr, err))
	}
}

// fail says err, unless that has been said, and returns what to end with.
func fail(w io.Writer, err error) int {
	if text := err.Error(); text != "" {
		fmt.Fprintln(w, "kakoi:", text)
	}
	var coded exitError
	if errors.As(err, &coded) {
		return coded.code
	}
	return 1
}

// program is what the commands have of the world.
type program struct {
	in      []string // environment
	out     io.Writer
	errOut  io.Writer
	actions actions
}

// actions is what the commands do. They are handed in so that a command is
// only its flags, a call and what it prints.
type actions struct {
	// serve runs the server until ctx ends and returns once it has stopped. It
	// writes to out where people find it.
	serve func(ctx context.Context, cfg *config.Effective, log *slog.Logger, out io.Writer) error
	// setupLink returns a fresh one-time link that makes the first
	// administrator; its error says so if there is one already.
	setupLink func(ctx context.Context, cfg *config.Effective, log *slog.Logger) (string, error)
	// router knows where inference profiles lead, by the data that the
	// configuration names.
	router func(cfg *config.Effective) (simulate.Router, error)
	// directory is router, and knows the other ways to a model.
	directory func(cfg *config.Effective) (generate.Directory, error)
	// checkPolicy says what the residency policy says of a model that is called
	// in a region.
	checkPolicy func(ctx context.Context, cfg *config.Effective, log *slog.Logger, q server.PolicyQuestion) (policyAnswer, error)
	// policyData returns the data of regions and inference profiles.
	policyData func(cfg *config.Effective) ([]byte, error)
	// egressReport returns the signed report of what left in a month.
	egressReport func(ctx context.Context, cfg *config.Effective, log *slog.Logger, month string) ([]byte, error)
	// egressKey returns the public key of such reports.
	egressKey func(ctx context.Context, cfg *config.Effective, log *slog.Logger) ([]byte, error)
	// egressVerify returns what a report says if the key signed it. Its error
	// wraps errNotVerified if it did not.
	egressVerify func(file, key []byte) (server.EgressVerified, error)
	// doctor examines the installation and passes on each step.
	doctor func(ctx context.Context, cfg *config.Effective, log *slog.Logger, c server.DoctorCommand, tell func(server.DoctorStep) error) error
	// resetSecondFactor takes away what an account proves who it is with beside
	// its password, and returns how many sessions ended.
	resetSecondFactor func(ctx context.Context, cfg *config.Effective, log *slog.Logger, email, reason string) (int, error)
	// openAPI returns the description of the API.
	openAPI func() ([]byte, error)
}

// newCommand returns the root of the command line.
func newCommand(p program) *cobra.Command {
	root := &cobra.Command{
		Use:   "kakoi",
		Short: "A generative-AI workplace for closed networks, in one file",
		// The error is printed once, in main; a wrong value is no reason to
		// print every flag there is.
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetOut(p.out)
	root.SetErr(p.errOut)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(serveCommand(p), configCommand(p), setupLinkCommand(p), openAPICommand(p), policyCommand(p), egressCommand(p), doctorCommand(p), accountCommand(p), versionCommand())
	return root
}

// whereabouts are the flags that say which installation a command is about.
var whereabouts = []string{"data-dir", "database-url", "keys-master-file"}

// withInstallation gives cmd the flags of withConfig, and shows those by which
// an installation is found: the rest would bury the command's own.
func withInstallation(p program, cmd *cobra.Command) func() (*config.Effective, error) {
	settings := pflag.NewFlagSet("", pflag.ContinueOnError)
	config.AddFlags(settings)
	load := withConfig(p, cmd)
	settings.VisitAll(func(f *pflag.Flag) {
		cmd.Flags().Lookup(f.Name).Hidden = !slices.Contains(whereabouts, f.Name)
	})
	cmd.Flags().Lookup("config").Usage += "; every flag of kakoi serve works too"
	return load
}

// withConfig gives cmd the flags of all settings and --config, and returns
// what reads them.
func withConfig(p program, cmd *cobra.Command) func() (*config.Effective, error) {
	var file string
	cmd.Flags().StringVar(&file, "config", "", "configuration file (default: $KAKOI_CONFIG, or ./"+config.DefaultFile+" if it exists)")
	cmd.Flags().SortFlags = false
	config.AddFlags(cmd.Flags())
	return func() (*config.Effective, error) {
		return config.Load(config.Input{File: file, Environ: p.in, Flags: config.FlagValues(cmd.Flags())})
	}
}

// newLog returns the logger that the configuration asks for.
func newLog(cfg *config.Effective, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.Log.Level}
	if cfg.Log.Format == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

var errSignal = errors.New("told to stop by a signal")

// untilSignal returns a context that ends at the first SIGTERM or SIGINT,
// which asks for a graceful stop; the second one exits at once.
func untilSignal(ctx context.Context, exit func(int)) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	done := make(chan struct{})
	go func() {
		select {
		case <-signals:
			cancel(errSignal)
		case <-done:
			return
		}
		select {
		case <-signals:
			exit(1)
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}
