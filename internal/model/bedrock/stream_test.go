package bedrock_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/bedrock"
	"kakoi/internal/model/modeltest"
	fake "kakoi/internal/model/modeltest/bedrockfake"
	"kakoi/internal/model/modeltest/script"
)

func ask(text string) model.Request {
	return modeltest.Prompt(modeltest.Subject{Model: haiku}, text)
}

func TestReasoningArrivesWithItsSeal(t *testing.T) {
	s, c := start(t, fake.Options{})
	_ = s
	p := connect(t, c)
	want := script.FromPrompt("[[reason 5]]hello")
	var text, reasoning, signature string
	var order []model.EventType
	for ev, err := range p.Stream(t.Context(), ask("[[reason 5]]hello")) {
		if err != nil {
			t.Fatal(err)
		}
		if n := len(order); n == 0 || order[n-1] != ev.Type {
			order = append(order, ev.Type)
		}
		switch ev.Type {
		case model.EventReasoning:
			reasoning += ev.Text
			signature += ev.Signature
			if ev.Signature != "" && ev.Text != "" {
				t.Error("the seal came with text")
			}
		case model.EventText:
			text += ev.Text
		case model.EventUsage:
			if ev.Usage.OutputTokens != want.Usage.Output || ev.Usage.Estimated {
				t.Errorf("usage %+v", ev.Usage)
			}
		}
	}
	if text != strings.Join(want.Deltas, "") || reasoning != strings.Join(want.Reasoning, "") || signature != fake.Signature {
		t.Errorf("reasoning %q, seal %q, text %q", reasoning, signature, text)
	}
	if got := len(order); got != 4 || order[2] != model.EventStop || order[3] != model.EventUsage {
		t.Errorf("order = %v", order)
	}
}

func TestEncryptedReasoningArrivesAsOnePart(t *testing.T) {
	_, c := start(t, fake.Options{})
	var parts [][]byte
	for ev, err := range connect(t, c).Stream(t.Context(), ask("[[reason 4]][[redacted]]hello")) {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Type == model.EventReasoning {
			parts = append(parts, ev.Redacted)
		}
	}
	want := strings.Join(script.FromPrompt("[[reason 4]]hello").Reasoning, "")
	if len(parts) != 1 || string(parts[0]) != want {
		t.Errorf("redacted parts %q, want one: %q", parts, want)
	}
}

func TestTokensOfThePromptCacheAreCountedApart(t *testing.T) {
	_, c := start(t, fake.Options{})
	req := ask("[[cached 40]]hello")
	req.Options = json.RawMessage(`{"cachePoints":true}`)
	a := modeltest.Gather(t, t.Context(), connect(t, c), req)
	if a.Err != nil || a.Usage.CacheReadTokens != 40 || a.Usage.CacheWriteTokens == 0 || a.Usage.InputTokens == 0 {
		t.Errorf("usage %+v, %v", a.Usage, a.Err)
	}
}

func TestAFullContextIsAnErrorAfterWhatWasSaid(t *testing.T) {
	_, c := start(t, fake.Options{})
	a := modeltest.Gather(t, t.Context(), connect(t, c), ask("[[toolong window]] hello"))
	if errs.CodeOf(a.Err) != errs.ModelContextTooLong || a.Text == "" || a.Usages != 1 || a.Stops != 0 {
		t.Errorf("got %+v", a)
	}
}

func TestACompleteAnswerWithoutItsUsageIsComplete(t *testing.T) {
	_, c := start(t, fake.Options{})
	a := modeltest.Gather(t, t.Context(), connect(t, c), ask("[[early 0 usage]] hello"))
	if a.Err != nil || a.Stops != 1 || a.Usages != 0 {
		t.Errorf("got %+v", a)
	}
}

func TestFaultsInsideTheStreamKeepWhatWasSaid(t *testing.T) {
	_, c := start(t, fake.Options{})
	p := connect(t, c)
	for _, tt := range []struct {
		name, prompt string
		want         errs.Code
	}{
		{"internal", "[[error 3]]", errs.ModelFailed},
		{"throttling", "[[error 3 throttling]]", errs.ModelThrottled},
		{"the model's own", "[[error 3 model]]", errs.ModelFailed},
		{"validation", "[[error 3 validation]]", errs.ModelContextTooLong},
		{"unavailable", "[[error 3 unavailable]]", errs.ModelFailed},
		{"one that nobody knows", "[[error 3 unknown]]", errs.ModelFailed},
		{"cut inside a frame", "[[cut 3]]", errs.ModelBrokeOff},
		{"cut inside the thinking", "[[reason 9]][[cut 3]]", errs.ModelBrokeOff},
		{"a wrong checksum", "[[corrupt 3]]", errs.ModelBrokeOff},
		{"a clean end too early", "[[early 3]]", errs.ModelBrokeOff},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := modeltest.Gather(t, t.Context(), p, ask(tt.prompt+" hello"))
			said := script.FromPrompt(tt.prompt + " hello")
			all := append(said.Reasoning, said.Deltas...)
			if got, want := a.Reasoning+a.Text, strings.Join(all[:3], ""); got != want {
				t.Errorf("kept %q, want %q", got, want)
			}
			if errs.CodeOf(a.Err) != tt.want || a.Stops != 0 {
				t.Errorf("error %v, stops %d; want %s", a.Err, a.Stops, tt.want)
			}
		})
	}
}

// upstream is a Bedrock inside the test's own time, for what takes minutes.
type upstream func(r *http.Request, body *io.PipeWriter)

// RoundTrip implements http.RoundTripper. The upstream writes the answer; if it
// is nil, not even headers come.
func (u upstream) RoundTrip(r *http.Request) (*http.Response, error) {
	if u == nil {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	pr, pw := io.Pipe()
	context.AfterFunc(r.Context(), func() { pw.CloseWithError(r.Context().Err()) })
	go u(r, pw)
	return &http.Response{
		StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/vnd.amazon.eventstream"}},
		Body:   pr,
	}, nil
}

func send(w io.Writer, name, payload string) {
	var h eventstream.Headers
	h.Set(":event-type", eventstream.StringValue(name))
	h.Set(":content-type", eventstream.StringValue("application/json"))
	h.Set(":message-type", eventstream.StringValue("event"))
	var b bytes.Buffer
	if err := eventstream.NewEncoder().Encode(&b, eventstream.Message{Headers: h, Payload: []byte(payload)}); err != nil {
		panic(err)
	}
	_, _ = w.Write(b.Bytes())
}

func word(w io.Writer) {
	send(w, "contentBlockDelta", `{"contentBlockIndex":0,"delta":{"text":"a"}}`)
}

// connectTo makes a client of u whose times are the defaults.
func connectTo(t *testing.T, u http.RoundTripper) *bedrock.Client {
	t.Helper()
	return connect(t, bedrock.Config{
		Region:      "ap-northeast-1",
		Credentials: bedrock.Credentials{Kind: bedrock.CredentialsStatic, AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "s"},
		HTTP:        &http.Client{Transport: u},
	})
}

func TestSilenceIsEndedInTime(t *testing.T) {
	silent := func(_ *http.Request, w *io.PipeWriter) { send(w, "messageStart", `{"role":"assistant"}`) }
	afterAWord := func(_ *http.Request, w *io.PipeWriter) { word(w) }
	for _, tt := range []struct {
		name     string
		upstream upstream
		effort   model.Effort
		want     time.Duration
		said     string
	}{
		{"before the headers", nil, "", 120 * time.Second, ""},
		{"before the first word", silent, "", 120 * time.Second, ""},
		{"before the first word of a model that thinks", silent, model.EffortHigh, 600 * time.Second, ""},
		{"after a word", afterAWord, "", 60 * time.Second, "a"},
		{"after a word of a model that thinks", afterAWord, model.EffortHigh, 60 * time.Second, "a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				req := ask("hello")
				req.Parameters.ReasoningEffort = tt.effort
				start := time.Now()
				a := modeltest.Gather(t, t.Context(), connectTo(t, tt.upstream), req)
				if errs.CodeOf(a.Err) != errs.ModelTimeout || a.Text != tt.said {
					t.Errorf("got %q, %v", a.Text, a.Err)
				}
				if d := time.Since(start); d != tt.want {
					t.Errorf("ended after %v, want %v", d, tt.want)
				}
				synctest.Wait() // and nothing of the call is left behind
			})
		})
	}
}

func TestAReaderMayTakeItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := connectTo(t, upstream(func(_ *http.Request, w *io.PipeWriter) {
			word(w)
			word(w)
			send(w, "messageStop", `{"stopReason":"end_turn"}`)
			send(w, "metadata", `{"usage":{"inputTokens":1,"outputTokens":2,"totalTokens":3}}`)
			w.Close()
		}))
		for _, err := range p.Stream(t.Context(), ask("hello")) {
			if err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Hour)
		}
	})
}

func TestAnAnswerThatKeepsComingIsNotTimedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := connectTo(t, upstream(func(_ *http.Request, w *io.PipeWriter) {
			for range 100 {
				<-time.After(59 * time.Second)
				word(w)
			}
			send(w, "messageStop", `{"stopReason":"end_turn"}`)
			w.Close()
		}))
		if a := modeltest.Gather(t, t.Context(), p, ask("hello")); a.Err != nil || len(a.Text) != 100 {
			t.Errorf("%d words, %v", len(a.Text), a.Err)
		}
	})
}

func TestACompleteAnswerDoesNotWaitLongForItsUsage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := connectTo(t, upstream(func(r *http.Request, w *io.PipeWriter) {
			word(w)
			send(w, "messageStop", `{"stopReason":"end_turn"}`)
		}))
		start := time.Now()
		if a := modeltest.Gather(t, t.Context(), p, ask("hello")); a.Err != nil || a.Stops != 1 || time.Since(start) > 10*time.Second {
			t.Errorf("got %+v after %v", a, time.Since(start))
		}
	})
}

// net/http may ask the request's body for more after the answer began. The SDK
// has closed it by then, and must not thereby break the answer.
func TestAnAnswerThatComesEarlyIsWhole(t *testing.T) {
	p := connectTo(t, upstream(func(r *http.Request, w *io.PipeWriter) {
		word(w) // read only once the SDK has the response, and has closed the body
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			w.CloseWithError(err)
			return
		}
		send(w, "messageStop", `{"stopReason":"end_turn"}`)
		w.Close()
	}))
	if a := modeltest.Gather(t, t.Context(), p, ask("hello")); a.Err != nil || a.Stops != 1 {
		t.Errorf("got %+v", a)
	}
}

func TestStopReasons(t *testing.T) {
	for reason, want := range map[string]model.StopReason{
		"end_turn": model.StopEnd, "max_tokens": model.StopLength, "stop_sequence": model.StopSequence, "tool_use": model.StopTool,
		"guardrail_intervened": model.StopFiltered, "content_filtered": model.StopFiltered, "refusal": model.StopFiltered,
		"one_of_next_year": model.StopEnd,
	} {
		t.Run(reason, func(t *testing.T) {
			p := connectTo(t, upstream(func(_ *http.Request, w *io.PipeWriter) {
				word(w)
				send(w, "messageStop", `{"stopReason":"`+reason+`"}`)
				w.Close()
			}))
			if a := modeltest.Gather(t, t.Context(), p, ask("hello")); a.Err != nil || a.Stop != want {
				t.Errorf("stop %q, %v; want %q", a.Stop, a.Err, want)
			}
		})
	}
	for reason, want := range map[string]errs.Code{
		"malformed_model_output": errs.ModelFailed, "malformed_tool_use": errs.ModelFailed,
		"model_context_window_exceeded": errs.ModelContextTooLong,
	} {
		t.Run(reason, func(t *testing.T) {
			p := connectTo(t, upstream(func(_ *http.Request, w *io.PipeWriter) {
				send(w, "messageStop", `{"stopReason":"`+reason+`"}`)
				w.Close()
			}))
			if a := modeltest.Gather(t, t.Context(), p, ask("hello")); errs.CodeOf(a.Err) != want || a.Stops != 0 {
				t.Errorf("got %+v, want %s", a, want)
			}
		})
	}
}

func TestACallersDeadlineIsATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		a := modeltest.Gather(t, ctx, connectTo(t, upstream(nil)), ask("hello"))
		if errs.CodeOf(a.Err) != errs.ModelTimeout || !errors.Is(a.Err, context.DeadlineExceeded) {
			t.Errorf("error %v", a.Err)
		}
	})
}

func TestLeavingClosesTheConnectionItself(t *testing.T) {
	s, c := start(t, fake.Options{})
	p := connect(t, c)
	for _, tt := range []struct{ name, prompt string }{
		{"before the headers", "[[silence]]"},
		{"before the first word", "[[silence 0]]"},
		{"in the middle", "[[slow]][[long 500]]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- modeltest.Gather(t, ctx, p, ask(tt.prompt)).Err }()
			if err := s.Await(t.Context(), func(st fake.Stats) bool { return st.Running == 1 }); err != nil {
				t.Fatal(err)
			}
			cancel()
			soon, stop := context.WithTimeout(t.Context(), time.Second)
			defer stop()
			if err := s.Await(soon, func(st fake.Stats) bool { return st.Running == 0 && st.Connections == 0 }); err != nil {
				t.Errorf("a second later: %+v", s.Stats())
			}
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestAConnectionServesManyCalls(t *testing.T) {
	s, c := start(t, fake.Options{})
	p := connect(t, c)
	for range 5 {
		for _, prompt := range []string{"hello", "[[throttle]]", "[[denied]]"} {
			modeltest.Gather(t, t.Context(), p, ask(prompt))
		}
	}
	if n := s.Stats().Connections; n != 1 {
		t.Errorf("%d connections are open, want 1", n)
	}
}

func TestStampedAnswersArePlainNumbers(t *testing.T) {
	_, c := start(t, fake.Options{})
	a := modeltest.Gather(t, t.Context(), connect(t, c), ask("[[stamp]][[reason 3]][[long 5]]"))
	if a.Err != nil || len(strings.Fields(a.Text)) != 5 || len(strings.Fields(a.Reasoning)) != 3 {
		t.Errorf("got %q, %q, %v", a.Reasoning, a.Text, a.Err)
	}
}
