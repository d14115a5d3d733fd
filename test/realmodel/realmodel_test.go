//go:build e2e

// Package realmodel holds the OpenAI-compatible adapter against a server that
// we did not write: llama.cpp with a small real model. It keeps the fake in
// internal/model/modeltest honest. scripts/real-model installs both, about
// 350 MB; the package is therefore behind the tag e2e (make test-real-model).
package realmodel

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/modeltest"
	"kakoi/internal/model/openai"
)

const (
	key   = "sk-real-model"
	named = "gemma3-270m"
)

var baseURL string

func TestMain(m *testing.M) {
	stop, err := start()
	if err != nil {
		os.Stderr.WriteString("real model: " + err.Error() + "\n")
		os.Exit(1)
	}
	code := m.Run()
	stop()
	os.Exit(code)
}

// start runs the server until stop, or until this process is gone: it ends with
// its standard input.
func start() (stop func(), err error) {
	cmd := exec.Command(filepath.Join("..", "..", "scripts", "real-model", "serve.sh"), "--port", "0", "--api-key", key, "--until-stdin-closes")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop = func() {
		stdin.Close()
		cmd.Wait()
	}
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if !ok {
		stop()
		return nil, errors.New("the server did not start:\n" + log.String())
	}
	baseURL = url
	return stop, nil
}

func client(apiKey string) *openai.Client {
	return openai.New(openai.Config{BaseURL: baseURL, APIKey: apiKey, HTTP: &http.Client{Transport: &http.Transport{}}})
}

func ask(text string, limit int) model.Request {
	zero := 0.0
	return model.Request{
		Model:      named,
		Messages:   []model.Message{{Role: model.RoleUser, Parts: []model.Part{{Type: model.PartText, Text: text}}}},
		Parameters: model.Parameters{Temperature: &zero, MaxTokens: &limit},
	}
}

func TestARealModelAnswersInJapanese(t *testing.T) {
	a := modeltest.Gather(t, t.Context(), client(key), ask("日本の首都はどこですか。", 32))
	if a.Err != nil || a.Stops != 1 || !strings.ContainsFunc(a.Text, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		t.Fatalf("answer %+v", a)
	}
	if a.Usage.Estimated || a.Usage.InputTokens+a.Usage.CacheReadTokens == 0 || a.Usage.OutputTokens == 0 {
		t.Errorf("usage %+v", a.Usage)
	}
	t.Logf("it says: %s", a.Text)
}

func TestARealModelKnowsWhatWasSaidBefore(t *testing.T) {
	req := ask("日本の首都はどこですか。", 16)
	say := func(r model.Role, s string) model.Message {
		return model.Message{Role: r, Parts: []model.Part{{Type: model.PartText, Text: s}}}
	}
	req.Messages = append(req.Messages, say(model.RoleAssistant, "東京です。"), say(model.RoleUser, "フランスの首都はどこですか。"))
	if a := modeltest.Gather(t, t.Context(), client(key), req); a.Err != nil || !strings.Contains(a.Text, "パリ") {
		t.Errorf("answer %+v", a)
	}
}

func TestTheOutputLimitIsHeeded(t *testing.T) {
	a := modeltest.Gather(t, t.Context(), client(key), ask("富士山について一文で説明してください。", 5))
	if a.Err != nil || a.Stop != model.StopLength || a.Usage.OutputTokens != 5 {
		t.Errorf("answer %+v", a)
	}
}

func TestAPromptBeyondTheContextIsToldAsSuch(t *testing.T) {
	a := modeltest.Gather(t, t.Context(), client(key), ask(strings.Repeat("市民税の納期限。", 2000), 5))
	if errs.CodeOf(a.Err) != errs.ModelContextTooLong || strings.Contains(a.Err.Error(), "市民税") {
		t.Errorf("error %v", a.Err)
	}
}

func TestAStopFreesTheServerAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for _, err := range client(key).Stream(ctx, ask("富士山について一文で説明してください。", 256)) {
		cancel()
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Fatalf("ended with %v", last)
	}
	start := time.Now()
	for busy(t) {
		if time.Since(start) > time.Second {
			t.Fatal("the model still writes a second after the stop")
		}
	}
}

// busy asks llama.cpp whether any of its slots is at work.
func busy(t *testing.T) bool {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, strings.TrimSuffix(baseURL, "/v1")+"/slots", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("/slots: %s", resp.Status)
	}
	for s := bufio.NewScanner(resp.Body); s.Scan(); {
		if strings.Contains(s.Text(), `"is_processing":true`) {
			return true
		}
	}
	return false
}

func TestTheServerIsChecked(t *testing.T) {
	models, err := client(key).Models(t.Context())
	if err != nil || len(models) != 1 || models[0].ID != named || models[0].Capabilities.ContextTokens != 2048 || models[0].Capabilities.Vision {
		t.Errorf("models %+v, %v", models, err)
	}
	for _, step := range client(key).Check(t.Context(), named) {
		t.Logf("%s: %s %v (%v)", step.Name, step.Detail, step.Err, step.Elapsed.Round(time.Millisecond))
		if step.Err != nil {
			t.Errorf("%s: %v", step.Name, step.Err)
		}
	}
	err = modeltest.Gather(t, t.Context(), client("sk-wrong"), ask("x", 5)).Err
	if errs.CodeOf(err) != errs.ModelCredentials {
		t.Errorf("a wrong key: %v", err)
	}
	image := ask("何が見えますか。", 5)
	image.Capabilities.Vision = true // as an administrator may wrongly say
	image.Messages[0].Parts = append(image.Messages[0].Parts, model.Part{Type: model.PartImage, Media: modeltest.PNG(t, 8, 8)})
	if err := modeltest.Gather(t, t.Context(), client(key), image).Err; errs.CodeOf(err) != errs.ModelInput {
		t.Errorf("an image for a model without sight: %v", err)
	}
}
