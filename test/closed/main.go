//go:build linux

// Command closed runs a command in a network that has no way out, and fails if
// anything in it tried to leave:
//
//	closed [-report file] command [argument…]
//
// The command gets a network namespace of its own in which there is no device
// but loopback and no default route. So that an attempt is not just an error
// that its maker may swallow, every address of the world is made to be local:
// what is sent anywhere, name servers included, becomes a packet on loopback,
// where it is captured, and is answered that nobody listens. A destination that
// is not loopback fails the run, as does a capture that lost packets.
//
// It ends with the command's code, or with 3 for what was caught. It needs
// iproute2, and root or the right to make user namespaces.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// exitCaught is what the run ends with when something tried to leave.
const exitCaught = 3

// inside tells the process that the namespace is around it.
const inside = "CLOSED_INSIDE"

func main() {
	code, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "closed:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func run() (int, error) {
	report := flag.String("report", "", "file for the list of destinations, besides standard error")
	flag.Parse()
	if flag.NArg() == 0 {
		return 2, errors.New("usage: closed [-report file] command [argument…]")
	}
	if os.Getenv(inside) == "" {
		return enter()
	}
	return observe(flag.Args(), *report)
}

// enter starts this program again in a namespace of its own.
func enter() (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 1, err
	}
	cmd := exec.Command(self, os.Args[1:]...) //nolint:gosec,noctx // itself; it ends with its command
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS}
	if uid, gid := os.Getuid(), os.Getgid(); uid != 0 {
		// The account stays what it is: PostgreSQL does not run as root, nor as
		// somebody whom the namespace does not know.
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
		cmd.SysProcAttr.AmbientCaps = []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_SYS_ADMIN}
	}
	code, err := wait(cmd)
	if errors.Is(err, syscall.EPERM) {
		err = fmt.Errorf("%w: this account may not make network namespaces; run as root, or allow unprivileged user namespaces", err)
	}
	return code, err
}

// wait runs cmd with our standard streams, passes signals on, and returns its
// exit code.
func wait(cmd *exec.Cmd) (int, error) {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("run %s: %w", cmd.Path, err)
	}
	go func() {
		for s := range signals {
			if s == syscall.SIGTERM { // an interrupt reaches the whole group by itself
				_ = cmd.Process.Signal(s)
			}
		}
	}()
	err := cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	return 0, err
}

// everywhere makes loopback the whole world. No route leads to a device that
// leaves, so none is a default route in the usual sense.
var everywhere = [][]string{
	{"link", "set", "lo", "up"},
	{"route", "add", "local", "0.0.0.0/0", "dev", "lo"},
}

// everywhere6 is the same for IPv6, where the machine has it at all.
var everywhere6 = []string{"-6", "route", "add", "local", "::/0", "dev", "lo"}

// noIPv6 is what machines without IPv6 do not have; where it is only turned
// off, it is turned on in here, so that attempts over it are seen.
const noIPv6 = "/proc/sys/net/ipv6/conf/all/disable_ipv6"

// settle is how long packets may take from the last write to the capture.
const settle = 300 * time.Millisecond

const hosts = "/etc/hosts"

// knowLocalhost has the namespace's own list of hosts name localhost for IPv6,
// too. Where the machine's does not, programs that look for both kinds of
// address ask a name server for the other, and nobody meant to leave.
func knowLocalhost() error {
	known, err := os.ReadFile(hosts)
	if err != nil {
		return fmt.Errorf("read the names of this machine: %w", err)
	}
	own, err := os.CreateTemp("", "hosts")
	if err != nil {
		return fmt.Errorf("write names of our own: %w", err)
	}
	defer os.Remove(own.Name())
	_, err = fmt.Fprintf(own, "%s\n::1 localhost\n", known)
	if err = errors.Join(err, own.Chmod(0o644), own.Close()); err != nil {
		return fmt.Errorf("write names of our own: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep the names to ourselves: %w", err)
	}
	if err := unix.Mount(own.Name(), hosts, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("put our names in place: %w", err)
	}
	return nil
}

func observe(args []string, report string) (int, error) {
	runtime.LockOSThread() // capabilities are a thread's
	walls := everywhere
	if _, err := os.Stat(noIPv6); err == nil {
		_ = os.WriteFile(noIPv6, []byte("0"), 0) // where it may not be turned on, the route below says so
		walls = append(slices.Clone(walls), everywhere6)
	}
	for _, arguments := range walls {
		if out, err := exec.Command("ip", arguments...).CombinedOutput(); err != nil { //nolint:noctx // the list above
			return 1, fmt.Errorf("ip %s: %w: %s", strings.Join(arguments, " "), err, out)
		}
	}
	if err := knowLocalhost(); err != nil {
		return 1, err
	}
	capture, err := open()
	if err != nil {
		return 1, fmt.Errorf("capture packets: %w", err)
	}
	seen := make(chan *destinations, 1)
	go func() { seen <- capture.read() }()

	// The command has none of what was needed to build its walls.
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return 1, fmt.Errorf("drop capabilities: %w", err)
	}
	cmd := exec.Command(args[0], args[1:]...) //nolint:noctx // what we are asked to run
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, inside+"=") })
	code, err := wait(cmd)
	if err != nil {
		return code, err
	}
	<-time.After(settle)
	lost, err := capture.stop()
	if err != nil {
		return 1, fmt.Errorf("capture packets: %w", err)
	}
	all := <-seen
	if report != "" {
		if err := write(report, all); err != nil {
			return 1, err
		}
	}
	if outside := all.outside(); len(outside) > 0 {
		fmt.Fprintf(os.Stderr, "closed: something tried to leave:\n\n%s\n", table(outside))
		return exitCaught, nil
	}
	if lost > 0 {
		return exitCaught, fmt.Errorf("%d packets were not seen: the capture proves nothing", lost)
	}
	if all.packets == 0 {
		return exitCaught, errors.New("not a single packet was seen: the capture proves nothing")
	}
	fmt.Fprintf(os.Stderr, "closed: %d connections and datagrams, all of them within loopback\n", all.packets)
	return code, nil
}

func write(name string, all *destinations) error {
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	_, err = io.WriteString(f, table(all.list()))
	return errors.Join(err, f.Close())
}
