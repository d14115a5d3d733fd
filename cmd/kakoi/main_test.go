package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"syscall"
	"testing"

	"kakoi/internal/config"
)

// run runs the command line and returns what it printed.
func run(t *testing.T, a actions, env []string, args ...string) (string, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	var out bytes.Buffer
	cmd := newCommand(program{in: env, out: &out, errOut: &out, actions: a})
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestServeGetsTheConfigurationFromFlagsAndEnvironment(t *testing.T) {
	var got *config.Effective
	a := actions{serve: func(_ context.Context, cfg *config.Effective, _ *slog.Logger, _ io.Writer) error {
		got = cfg
		return nil
	}}
	if _, err := run(t, a, []string{"KAKOI_DATA_DIR=/srv/kakoi"}, "serve", "--http-addr", "127.0.0.1:9"); err != nil {
		t.Fatal(err)
	}
	if got.HTTP.Addr != "127.0.0.1:9" || got.Data.Dir != "/srv/kakoi" {
		t.Errorf("got %+v", got.Config)
	}
}

func TestServeIsNotStartedWithABadConfiguration(t *testing.T) {
	a := actions{serve: func(context.Context, *config.Effective, *slog.Logger, io.Writer) error {
		t.Error("started")
		return nil
	}}
	out, err := run(t, a, nil, "serve", "--http-addr", "nowhere")
	if err == nil || !strings.Contains(err.Error(), "http.addr (--http-addr)") || !strings.Contains(err.Error(), "--http-addr=0.0.0.0:8080") {
		t.Errorf("got %v", err)
	}
	if out != "" {
		t.Errorf("printed %q besides the error", out)
	}
}

func TestHelpOfServeNamesEverySettingWithItsDefault(t *testing.T) {
	out, err := run(t, actions{}, nil, "serve", "--help")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range config.Settings() {
		if !strings.Contains(out, "--"+s.Flag+" ") {
			t.Errorf("%s is not in the help", s.Flag)
		}
	}
	if !strings.Contains(out, "127.0.0.1:8080") || !strings.Contains(out, "KAKOI_HTTP_ADDR") {
		t.Errorf("the help lacks a default or the way to set it:\n%s", out)
	}
}

func TestSetupLinkPrintsTheLinkAlone(t *testing.T) {
	a := actions{setupLink: func(context.Context, *config.Effective, *slog.Logger) (string, error) {
		return "http://127.0.0.1:8080/setup#token", nil
	}}
	out, err := run(t, a, nil, "setup-link")
	if err != nil || out != "http://127.0.0.1:8080/setup#token\n" {
		t.Errorf("got %q, %v", out, err)
	}
	refused := errors.New("there is an administrator already")
	a.setupLink = func(context.Context, *config.Effective, *slog.Logger) (string, error) { return "", refused }
	if out, err := run(t, a, nil, "setup-link"); !errors.Is(err, refused) || out != "" {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestConfigShowPrintsWhatIsInForceWithoutSecrets(t *testing.T) {
	out, err := run(t, actions{}, []string{"KAKOI_DATABASE_URL=postgres://kakoi:s3cret@db/kakoi"}, "config", "show", "--log-format=text")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out, "s3cret") || !strings.Contains(out, "format: text # --log-format") || !strings.Contains(out, "# KAKOI_DATABASE_URL") {
		t.Errorf("got\n%s", out)
	}
}

func TestVersionNamesTheProgramAndTheCompiler(t *testing.T) {
	out, err := run(t, actions{}, nil, "version")
	if err != nil || !strings.HasPrefix(out, "kakoi dev") || !strings.Contains(out, " go1.") {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestAnUnknownCommandIsAnError(t *testing.T) {
	if _, err := run(t, actions{}, nil, "sevre"); err == nil {
		t.Error("accepted")
	}
}

func TestTheFirstSignalAsksAndTheSecondExits(t *testing.T) {
	exited := make(chan int, 1)
	ctx, stop := untilSignal(t.Context(), func(code int) { exited <- code })
	defer stop()
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	if !errors.Is(context.Cause(ctx), errSignal) {
		t.Errorf("cause %v", context.Cause(ctx))
	}
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := <-exited; code == 0 {
		t.Error("a stop that was not waited for counts as success")
	}
}
