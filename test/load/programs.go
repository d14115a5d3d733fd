package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// fakeModels says where the fake model servers are.
type fakeModels struct {
	OpenAI string `json:"openai"`
}

func startFakes(ctx context.Context, program string) (fakeModels, func(), error) {
	var f fakeModels
	cmd := exec.CommandContext(ctx, program)
	in, err := cmd.StdinPipe()
	if err != nil {
		return f, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return f, nil, err
	}
	if err := cmd.Start(); err != nil {
		return f, nil, err
	}
	stop := func() { _ = in.Close(); _ = cmd.Wait() }
	if err := json.NewDecoder(out).Decode(&f); err != nil {
		stop()
		return f, nil, fmt.Errorf("the fakes did not start: %w", err)
	}
	return f, stop, nil
}

// kakoiServer is the program that is measured.
type kakoiServer struct {
	cmd    *exec.Cmd
	base   string
	token  string // makes the first administrator
	ready  time.Duration
	client *http.Client
	model  string
}

// setupLink is what a server without accounts prints.
var setupLink = regexp.MustCompile(`(http://\S+)/setup#token=(\S+)`)

func startKakoi(ctx context.Context, program, dir, database string) (*kakoiServer, error) {
	cmd := exec.CommandContext(ctx, program, "serve", "--http-addr", "127.0.0.1:0", "--data-dir", dir, "--log-level", "warn")
	if database != "" {
		cmd.Args = append(cmd.Args, "--database-url", database)
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	s := &kakoiServer{cmd: cmd, client: &http.Client{Jar: jar, Transport: &http.Transport{MaxIdleConnsPerHost: 2000}}}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	printed := bufio.NewScanner(out)
	for s.token == "" && printed.Scan() {
		if m := setupLink.FindStringSubmatch(printed.Text()); m != nil {
			s.base, s.token = m[1], m[2]
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	for {
		resp, err := send(ctx, client, http.MethodGet, s.base+"/readyz", nil)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				s.ready = time.Since(began)
				return s, nil
			}
		}
		if time.Since(began) > 30*time.Second {
			s.stop()
			return nil, fmt.Errorf("the server is not ready: %w", err)
		}
		<-time.After(time.Millisecond)
	}
}

func (s *kakoiServer) stop() { _ = s.cmd.Process.Kill(); _ = s.cmd.Wait() }

// setUp makes an administrator, who asks all questions, and connects the fake.
func (s *kakoiServer) setUp(ctx context.Context, model fakeModels) error {
	err := s.post(ctx, "/setup", map[string]any{
		"token": s.token, "email": "load@example.jp", "name": "Load", "password": "correct horse battery", "locale": "en",
	}, nil)
	if err != nil {
		return err
	}
	var made struct{ ID string }
	err = s.post(ctx, "/admin/connections", map[string]any{
		"name": "fake", "kind": "openai", "enabled": true, "settings": map[string]string{"baseUrl": model.OpenAI},
	}, &made)
	if err != nil {
		return err
	}
	err = s.post(ctx, "/admin/models", map[string]any{
		"connectionId": made.ID, "remoteId": "fake-large", "displayName": "fake", "enabled": true,
		"capabilities": map[string]any{"vision": false, "documents": false, "reasoning": false, "tools": false, "contextTokens": 0, "outputTokens": 0},
	}, &made)
	s.model = made.ID
	return err
}

func (s *kakoiServer) post(ctx context.Context, path string, body, into any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	resp, err := send(ctx, s.client, http.MethodPost, s.base+"/api/v1"+path, b)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 2000))
		return fmt.Errorf("POST %s: %s %s", path, resp.Status, text)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// memory returns the resident memory of the server in MB.
func (s *kakoiServer) memory() float64 { return s.status("VmRSS:") }

// peakMemory returns the most there was since forgetPeak.
func (s *kakoiServer) peakMemory() float64 { return s.status("VmHWM:") }

// forgetPeak begins the peak anew, where the system allows it.
func (s *kakoiServer) forgetPeak() { _ = os.WriteFile(s.proc("clear_refs"), []byte("5"), 0o600) }

func (s *kakoiServer) proc(file string) string {
	return fmt.Sprintf("/proc/%d/%s", s.cmd.Process.Pid, file)
}

func (s *kakoiServer) status(field string) float64 {
	b, err := os.ReadFile(s.proc("status"))
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		if rest, ok := strings.CutPrefix(line, field); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1000
		}
	}
	return 0
}

// ticksPerSecond is what the system counts processor time in.
const ticksPerSecond = 100

// cpu returns the seconds of processor time that the server has used; none if
// there is no server.
func (s *kakoiServer) cpu() float64 {
	if s == nil {
		return 0
	}
	b, err := os.ReadFile(s.proc("stat"))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	return ticks(fields[11:13])
}

// machineCPU returns the seconds of processor time that the machine was not idle.
func machineCPU() float64 {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(b), "\n")
	fields := strings.Fields(first) // cpu user nice system idle iowait irq softirq steal
	return ticks(fields[1:4]) + ticks(fields[6:9])
}

func ticks(fields []string) float64 {
	var sum float64
	for _, f := range fields {
		n, _ := strconv.ParseFloat(f, 64)
		sum += n
	}
	return sum / ticksPerSecond
}
