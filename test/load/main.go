// Command load measures Kakoi under many answers at once: it starts the program
// and the fake model servers, lets every conversation stream through the whole
// path (session, store, run, event stream), and compares what arrives with the
// same streams taken from the fake directly, in one run on one machine.
//
// Every token of the fake is the time it was sent, so a token's delay is known
// where it arrives: no clock but this machine's is needed.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run() error {
	kakoi := flag.String("kakoi", "bin/kakoi", "the program")
	fakes := flag.String("fakes", "bin/fakemodels", "the fake model servers")
	streams := flag.Int("streams", 1000, "answers at once")
	seconds := flag.Int("seconds", 20, "how long an answer takes")
	rate := flag.Int("rate", 30, "tokens per second of one answer")
	database := flag.String("database", "", "database URL; empty is SQLite")
	flag.Parse()
	ctx := context.Background()

	dir, err := os.MkdirTemp("", "kakoi-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	model, stopModel, err := startFakes(ctx, *fakes)
	if err != nil {
		return err
	}
	defer stopModel()
	server, err := startKakoi(ctx, *kakoi, dir, *database)
	if err != nil {
		return err
	}
	defer server.stop()
	if err := server.setUp(ctx, model); err != nil {
		return err
	}
	info, err := os.Stat(*kakoi)
	if err != nil {
		return err
	}
	<-time.After(2 * time.Second)
	idle := server.memory()
	fmt.Printf("start to ready %v, file %.1f MB, idle memory %.0f MB\n", server.ready.Round(time.Millisecond), float64(info.Size())/1e6, idle)

	prompt := fmt.Sprintf("[[stamp]] [[rate %d]] [[long %d]]", *rate, *rate**seconds)
	tokens := *rate * *seconds
	direct := many(*streams, func(int) result { return directStream(ctx, model, prompt) })
	report("direct to the fake", direct, tokens)
	before := server.cpu()
	began := time.Now()
	through := many(*streams, func(int) result { return server.stream(ctx, prompt) })
	took := time.Since(began)
	report("through Kakoi", through, tokens)
	cpu := server.cpu() - before
	fmt.Printf("Kakoi: peak memory %.0f MB, CPU %.2f cores over %v\n", server.peakMemory(), cpu/took.Seconds(), took.Round(time.Second))
	d, t := summary(direct), summary(through)
	fmt.Printf("added time to first token: p50 %v, p99 %v; added delay per chunk: p50 %v, p99 %v\n",
		t.first50-d.first50, t.first99-d.first99, t.delay50-d.delay50, t.delay99-d.delay99)
	for _, r := range through {
		if r.err != nil {
			return fmt.Errorf("a stream failed: %w", r.err)
		}
	}
	return nil
}

// result is one stream as it arrived.
type result struct {
	err    error
	first  time.Duration // from the question to the first token
	delays []time.Duration
}

func many(n int, stream func(int) result) []result {
	out := make([]result, n)
	var wg sync.WaitGroup
	for i := range out {
		wg.Go(func() {
			<-time.After(time.Duration(i) * 2 * time.Second / time.Duration(n)) // people do not press Enter in step
			out[i] = stream(i)
		})
	}
	wg.Wait()
	return out
}

type figures struct {
	failed, lost                       int
	first50, first99, delay50, delay99 time.Duration
}

func summary(rs []result) figures {
	var f figures
	var first, delays []time.Duration
	for _, r := range rs {
		if r.err != nil {
			f.failed++
			continue
		}
		first = append(first, r.first)
		delays = append(delays, r.delays...)
	}
	f.first50, f.first99 = quantile(first, 0.5), quantile(first, 0.99)
	f.delay50, f.delay99 = quantile(delays, 0.5), quantile(delays, 0.99)
	return f
}

func report(what string, rs []result, tokens int) {
	f := summary(rs)
	for _, r := range rs {
		if r.err == nil {
			f.lost += tokens - len(r.delays)
		}
	}
	fmt.Printf("%s: %d streams, %d failed, %d tokens lost; first token p50 %v p99 %v; delay per chunk p50 %v p99 %v\n",
		what, len(rs), f.failed, f.lost, f.first50, f.first99, f.delay50, f.delay99)
}

func quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[min(int(q*float64(len(d))), len(d)-1)].Round(10 * time.Microsecond)
}

// stamps takes the times out of the text of a stream, piece by piece.
type stamps struct {
	rest   string
	began  time.Time
	result result
}

func (s *stamps) add(text string, at time.Time) {
	if len(s.result.delays) == 0 && s.result.first == 0 {
		s.result.first = at.Sub(s.began)
	}
	s.rest += text
	for {
		stamp, rest, ok := strings.Cut(s.rest, " ")
		if !ok {
			return
		}
		s.rest = rest
		if us, err := strconv.ParseInt(stamp, 10, 64); err == nil {
			s.result.delays = append(s.result.delays, at.Sub(time.UnixMicro(us)))
		}
	}
}

var plain = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2000}}

func directStream(ctx context.Context, model fakeModels, prompt string) result {
	body, _ := json.Marshal(map[string]any{
		"model": "fake-large", "stream": true, "messages": []any{map[string]string{"role": "user", "content": prompt}},
	})
	s := stamps{began: time.Now()}
	resp, err := send(ctx, plain, http.MethodPost, model.OpenAI+"/chat/completions", body)
	if err != nil {
		return result{err: err}
	}
	defer resp.Body.Close()
	err = lines(resp.Body, func(data []byte, at time.Time) {
		var chunk struct {
			Choices []struct{ Delta struct{ Content string } }
		}
		if json.Unmarshal(data, &chunk) == nil && len(chunk.Choices) > 0 && chunk.Choices[0].Delta.Content != "" {
			s.add(chunk.Choices[0].Delta.Content, at)
		}
	})
	s.result.err = err
	return s.result
}

// send asks as a program of the same origin does.
func send(ctx context.Context, c *http.Client, method, address string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Origin", req.URL.Scheme+"://"+req.URL.Host)
	}
	return c.Do(req)
}

// lines reads an event stream to its [DONE].
func lines(r io.Reader, each func(data []byte, at time.Time)) error {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 4096), 1<<20)
	for sc.Scan() {
		data, ok := bytes.CutPrefix(sc.Bytes(), []byte("data: "))
		if !ok {
			continue
		}
		if string(data) == "[DONE]" {
			return nil
		}
		each(data, time.Now())
	}
	return errors.Join(errors.New("the stream ended without its end mark"), sc.Err())
}

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

type kakoiServer struct {
	cmd    *exec.Cmd
	base   string
	token  string
	ready  time.Duration
	client *http.Client
	model  string
}

func startKakoi(ctx context.Context, program, dir, database string) (*kakoiServer, error) {
	const addr = "127.0.0.1:18980"
	s := &kakoiServer{cmd: exec.CommandContext(ctx, program, "serve", "--http-addr", addr, "--data-dir", dir, "--log-level", "warn"), base: "http://" + addr}
	if database != "" {
		s.cmd.Args = append(s.cmd.Args, "--database-url", database)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.cmd.Stderr = os.Stderr
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	link := regexp.MustCompile(`/setup#token=(\S+)`)
	sc := bufio.NewScanner(out)
	for s.token == "" && sc.Scan() {
		if m := link.FindStringSubmatch(sc.Text()); m != nil {
			s.token = m[1]
		}
	}
	for time.Since(began) < 30*time.Second {
		resp, err := send(ctx, http.DefaultClient, http.MethodGet, s.base+"/readyz", nil)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				break
			}
		}
		<-time.After(2 * time.Millisecond)
	}
	s.ready = time.Since(began)
	go func() { _, _ = io.Copy(io.Discard, out) }()
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	s.client = &http.Client{Jar: jar, Transport: &http.Transport{MaxIdleConnsPerHost: 2000}}
	return s, nil
}

func (s *kakoiServer) stop() { _ = s.cmd.Process.Kill(); _ = s.cmd.Wait() }

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

// stream asks in a conversation of its own and reads the answer as a browser
// does.
func (s *kakoiServer) stream(ctx context.Context, prompt string) result {
	in := stamps{began: time.Now()}
	var started struct {
		Answers []struct{ RunID string `json:"runId"` } `json:"answers"`
	}
	err := s.post(ctx, "/conversations", map[string]any{
		"modelId": s.model, "turn": map[string]any{"text": prompt, "attachmentIds": []string{}},
	}, &started)
	if err != nil {
		return result{err: err}
	}
	resp, err := send(ctx, s.client, http.MethodGet, s.base+"/api/v1/runs/"+url.PathEscape(started.Answers[0].RunID)+"/events", nil)
	if err != nil {
		return result{err: err}
	}
	defer resp.Body.Close()
	in.result.err = lines(resp.Body, func(data []byte, at time.Time) {
		var part struct{ Type, Delta string }
		if json.Unmarshal(data, &part) == nil && part.Type == "text-delta" {
			in.add(part.Delta, at)
		}
	})
	return in.result
}

// memory returns the resident memory of the server in MB.
func (s *kakoiServer) memory() float64 { return s.status("VmRSS:") }

func (s *kakoiServer) peakMemory() float64 { return s.status("VmHWM:") }

func (s *kakoiServer) status(field string) float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
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

// cpu returns the seconds of processor time that the server has used.
func (s *kakoiServer) cpu() float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100 // clock ticks
}
