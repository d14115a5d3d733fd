// Package pgserver starts a private PostgreSQL for tests out of the programs
// that are installed on the machine, and stops it when the tests are over.
package pgserver

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrNotInstalled is returned when no PostgreSQL server is on the machine.
var ErrNotInstalled = errors.New("PostgreSQL is not installed (no initdb on PATH or in /usr/lib/postgresql); run scripts/install-postgres.sh or set KAKOI_TEST_POSTGRES_URL")

// Server is a running PostgreSQL that keeps nothing.
type Server struct {
	URL string // as superuser, database "postgres"
	dir string
	bin string
	as  *syscall.SysProcAttr
}

// Usual are the settings of a server that people rely on, for measuring: the
// tests' own trade all durability and its upkeep for speed.
var Usual = []string{"fsync=on", "synchronous_commit=on", "full_page_writes=on", "autovacuum=on"}

// Start creates a server in the empty folder dir and returns when it answers.
// Settings (name=value) win over those of the tests.
// As root it runs under the account "postgres" or "nobody", because PostgreSQL
// refuses to be root; every folder above dir must be open to that account.
func Start(ctx context.Context, dir string, settings ...string) (*Server, error) {
	bin, err := findBin()
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, bin: bin}
	if err := s.dropRoot(); err != nil {
		return nil, err
	}
	password := rand.Text()
	passwordFile := filepath.Join(dir, "password")
	if err := os.WriteFile(passwordFile, []byte(password), 0o600); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	if err := s.own(dir, passwordFile); err != nil {
		return nil, err
	}
	if err := s.run(ctx, "initdb", "-D", s.data(), "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync",
		"--auth=scram-sha-256", "--pwfile="+passwordFile); err != nil {
		return nil, err
	}
	// Another program may take the port between our choice and the start.
	for range 5 {
		var port int
		if port, err = freePort(ctx); err != nil {
			return nil, err
		}
		if err = s.run(ctx, "pg_ctl", "-D", s.data(), "-l", filepath.Join(dir, "log"), "-w", "-t", "60", "-o", options(port, settings), "start"); err == nil {
			s.URL = fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/postgres?sslmode=disable", password, port)
			return s, nil
		}
	}
	log, _ := os.ReadFile(filepath.Join(dir, "log"))
	return nil, fmt.Errorf("%w\n%s", err, log)
}

// options trade all durability for speed: the data does not outlive the tests.
func options(port int, more []string) string {
	settings := append([]string{
		"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(port), "unix_socket_directories=",
		"fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_wal_size=4GB",
		"max_connections=500", "shared_buffers=128MB", "autovacuum=off", "log_min_messages=warning",
	}, more...)
	for i, s := range settings {
		settings[i] = "-c " + s
	}
	// An empty value needs quotes that survive pg_ctl's shell.
	return strings.ReplaceAll(strings.Join(settings, " "), "unix_socket_directories=", "unix_socket_directories=''")
}

// Stop ends the server at once and deletes its folder.
func (s *Server) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return errors.Join(
		s.run(ctx, "pg_ctl", "-D", s.data(), "-m", "immediate", "-w", "stop"),
		os.RemoveAll(s.dir))
}

// stopWhenGone returns a command that waits for the process pid to end, stops
// the server and deletes its folder and lock.
func (s *Server) stopWhenGone(pid int) *exec.Cmd {
	const script = `
		while kill -0 "$1" || [ -e "/proc/$1" ]; do sleep 1; done # it may be another account's
		server=$(head -n 1 "$2/data/postmaster.pid") && kill -QUIT "$server"
		while kill -0 "$server"; do sleep 1; done
		rm -rf "$2" "$2.lock"`
	cmd := exec.CommandContext(context.Background(), "/bin/sh", "-c", script, "sh", strconv.Itoa(pid), s.dir)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C is for the tests, not for the one who cleans up
	return cmd
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// dropRoot chooses the account for the server's programs if we are root.
func (s *Server) dropRoot() error {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return fmt.Errorf("account %s: %w", name, err)
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return fmt.Errorf("account %s: %w", name, err)
		}
		s.as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		return nil
	}
	return errors.New("PostgreSQL does not run as root, and there is neither an account postgres nor nobody to run it as")
}

func (s *Server) own(paths ...string) error {
	if s.as == nil {
		return nil
	}
	for _, path := range paths {
		if err := os.Chown(path, int(s.as.Credential.Uid), int(s.as.Credential.Gid)); err != nil {
			return fmt.Errorf("start PostgreSQL: %w", err)
		}
	}
	return nil
}

func (s *Server) run(ctx context.Context, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, program), args...)
	cmd.SysProcAttr = s.as
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	// A file, not a pipe: the server inherits it and would keep a pipe open.
	out, err := os.CreateTemp("", "kakoi-"+program)
	if err != nil {
		return fmt.Errorf("run %s: %w", program, err)
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(out.Name())
		return fmt.Errorf("run %s: %w: %s", program, err, bytes.TrimSpace(said))
	}
	return nil
}

// findBin returns the folder of a complete server installation, the newest if
// there are several.
func findBin() (string, error) {
	var found []string
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			found = append(found, filepath.Dir(real))
		}
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin"} {
		dirs, err := filepath.Glob(pattern)
		if err != nil {
			return "", fmt.Errorf("look for PostgreSQL: %w", err)
		}
		slices.Reverse(dirs)
		found = append(found, dirs...)
	}
	for _, dir := range found {
		complete := true
		for _, program := range []string{"initdb", "pg_ctl", "postgres"} {
			if _, err := os.Stat(filepath.Join(dir, program)); err != nil {
				complete = false
			}
		}
		if complete {
			return dir, nil
		}
	}
	return "", ErrNotInstalled
}

func freePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
