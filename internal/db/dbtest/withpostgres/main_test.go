package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kakoi/internal/db/dbtest/pgserver"
)

func TestTheCommandFindsAServerAndItsExitCodeIsOurs(t *testing.T) {
	t.Setenv(pgserver.EnvURL, "")
	out := filepath.Join(t.TempDir(), "url")
	code, err := run([]string{"sh", "-c", `printf %s "$` + pgserver.EnvURL + `" > "$1"; exit 7`, "sh", out})
	if err != nil || code != 7 {
		t.Errorf("got code %d, %v", code, err)
	}
	url, err := os.ReadFile(out)
	if err != nil || !strings.HasPrefix(string(url), "postgres://postgres:") {
		t.Errorf("the command found %q, %v", url, err)
	}
}

func TestAServerThatIsThereIsUsed(t *testing.T) {
	t.Setenv(pgserver.EnvURL, "postgres://elsewhere")
	code, err := run([]string{"sh", "-c", `test "$` + pgserver.EnvURL + `" = postgres://elsewhere`})
	if err != nil || code != 0 {
		t.Errorf("got code %d, %v", code, err)
	}
}

func TestACommandThatIsMissingIsAnError(t *testing.T) {
	t.Setenv(pgserver.EnvURL, "postgres://elsewhere")
	for _, args := range [][]string{nil, {filepath.Join(t.TempDir(), "none")}} {
		if code, err := run(args); err == nil || code == 0 {
			t.Errorf("%v: code %d, %v", args, code, err)
		}
	}
}
