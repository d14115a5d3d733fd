package pgserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// EnvURL names the environment variable with the URL of a server that is
// there already. Its account must be allowed to create databases.
const EnvURL = "KAKOI_TEST_POSTGRES_URL"

// Shared returns the URL of a server that all test programs of one `go test`
// use: the one EnvURL names, or a private one that the first program starts
// and that ends with their common parent.
func Shared(ctx context.Context) (string, error) {
	if url := os.Getenv(EnvURL); url != "" {
		return url, nil
	}
	parent := os.Getppid()
	place := filepath.Join(os.TempDir(), fmt.Sprintf("kakoi-test-postgres-%d-%d", os.Getuid(), parent))
	lock, err := os.OpenFile(place+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", fmt.Errorf("share a PostgreSQL server: %w", err)
	}
	defer lock.Close() // and with it the lock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("share a PostgreSQL server: %w", err)
	}
	// The process number may have been used before by another parent, whose
	// server is gone; the start time tells them apart.
	urlFile := filepath.Join(place, "url-"+startTime(parent))
	url, err := os.ReadFile(urlFile)
	if err == nil {
		return string(url), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("share a PostgreSQL server: %w", err)
	}
	if err := os.RemoveAll(place); err != nil {
		return "", fmt.Errorf("share a PostgreSQL server: %w", err)
	}
	if err := os.Mkdir(place, 0o700); err != nil {
		return "", fmt.Errorf("share a PostgreSQL server: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	s, err := Start(ctx, place)
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(place))
	}
	watch := s.stopWhenGone(parent)
	if err := watch.Start(); err != nil {
		return "", errors.Join(fmt.Errorf("watch over the PostgreSQL server: %w", err), s.Stop())
	}
	if err := os.WriteFile(urlFile, []byte(s.URL), 0o600); err != nil {
		return "", errors.Join(fmt.Errorf("share a PostgreSQL server: %w", err), s.Stop())
	}
	return s.URL, nil
}

// startTime returns when process pid started, in the kernel's own unit, or ""
// where there is no /proc to ask.
func startTime(pid int) string {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return ""
	}
	// Fields are counted after the name, which is in brackets and may hold spaces.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const start = 22 - 3 // the 22nd field; the third is the first after the name
	if len(fields) <= start {
		return ""
	}
	return fields[start]
}
