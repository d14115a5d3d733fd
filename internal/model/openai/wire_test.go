package openai_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/modeltest"
	"kakoi/internal/model/modeltest/openaifake"
	"kakoi/internal/model/openai"
)

// client returns an adapter for a handler.
func client(t *testing.T, h http.Handler) *openai.Client {
	t.Helper()
	return openai.New(openai.Config{BaseURL: serve(t, h), APIKey: "sk-very-secret", HTTP: &http.Client{}})
}

func ask(text string) model.Request {
	return model.Request{Model: "m", Messages: []model.Message{{Role: model.RoleUser, Parts: []model.Part{{Type: model.PartText, Text: text}}}}}
}

// answer serves one body and returns what the adapter makes of it.
func answer(t *testing.T, contentType, body string, req model.Request) modeltest.Answer {
	t.Helper()
	c := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		io.WriteString(w, body)
	}))
	return modeltest.Gather(t, t.Context(), c, req)
}

// The streams are as the servers write them, shortened.
func TestStreamsOfRealServersAreUnderstood(t *testing.T) {
	for _, tt := range []struct {
		name, stream string
		options      string
		want         modeltest.Answer
		code         errs.Code
	}{
		{
			name: "llama.cpp",
			stream: `data: {"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"object":"chat.completion.chunk"}

data: {"choices":[{"finish_reason":null,"index":0,"delta":{"reasoning_content":"考"}}]}

data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"東京"}}]}

data: {"choices":[{"finish_reason":"length","index":0,"delta":{}}]}

data: {"choices":[],"usage":{"completion_tokens":60,"prompt_tokens":56,"total_tokens":116,"prompt_tokens_details":{"cached_tokens":50}},"timings":{"cache_n":0}}

data: [DONE]

`,
			want: modeltest.Answer{Reasoning: "考", Text: "東京", Stop: model.StopLength, Usage: model.Usage{InputTokens: 6, CacheReadTokens: 50, OutputTokens: 60}},
		},
		{
			name: "OpenAI, with reasoning tokens and a null usage in each chunk",
			stream: `data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}

data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}],"usage":null,"obfuscation":"x"}

data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}

data: {"choices":[],"usage":{"prompt_tokens":20,"completion_tokens":9,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":7}}}

data: [DONE]
`,
			want: modeltest.Answer{Text: "Hi", Stop: model.StopEnd, Usage: model.Usage{InputTokens: 20, OutputTokens: 9, ReasoningTokens: 7}},
		},
		{
			name: "DeepSeek's cache, and reasoning in both fields at once",
			stream: `data: {"choices":[{"delta":{"content":null,"reasoning_content":"R","reasoning":"R"}}]}

data: {"choices":[{"delta":{"content":"A","reasoning_content":null},"finish_reason":"stop"}],"usage":{"prompt_tokens":30,"completion_tokens":2,"prompt_cache_hit_tokens":10}}

data: [DONE]

`,
			want: modeltest.Answer{Reasoning: "R", Text: "A", Stop: model.StopEnd, Usage: model.Usage{InputTokens: 20, CacheReadTokens: 10, OutputTokens: 2}},
		},
		{
			name: "OpenRouter's comments and Ollama's field for reasoning",
			stream: `: OPENROUTER PROCESSING

data: {"choices":[{"delta":{"content":"","reasoning":"R"},"finish_reason":null}]}

data: {"choices":[{"delta":{"content":"A"},"finish_reason":null}]}

data: {"choices":[{"delta":{"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}

data: [DONE]

`,
			want: modeltest.Answer{Reasoning: "R", Text: "A", Stop: model.StopEnd, Usage: model.Usage{InputTokens: 3, OutputTokens: 2}},
		},
		{
			name: "vLLM's usage in every chunk: the last one counts",
			stream: `data: {"choices":[{"index":0,"delta":{"content":"A"},"finish_reason":null}],"usage":{"prompt_tokens":3,"completion_tokens":1}}

data: {"choices":[{"index":0,"delta":{"content":"B"},"finish_reason":"stop","stop_reason":null}],"usage":{"prompt_tokens":3,"completion_tokens":2}}

data: [DONE]

`,
			want: modeltest.Answer{Text: "AB", Stop: model.StopEnd, Usage: model.Usage{InputTokens: 3, OutputTokens: 2}},
		},
		{
			name:   "TGI's end and its space-less data lines",
			stream: "data:{\"choices\":[{\"delta\":{\"content\":\"A\"},\"finish_reason\":\"eos_token\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\ndata:[DONE]\n\n",
			want:   modeltest.Answer{Text: "A", Stop: model.StopEnd, Usage: model.Usage{InputTokens: 1, OutputTokens: 1}},
		},
		{
			name:   "Mistral's content in parts",
			stream: `data: {"choices":[{"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"R"}]},{"type":"text","text":"A"}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}` + "\n\ndata: [DONE]\n\n",
			want:   modeltest.Answer{Reasoning: "R", Text: "A", Stop: model.StopEnd, Usage: model.Usage{InputTokens: 1, OutputTokens: 2}},
		},
		{
			name:    "thinking in tags that are split over chunks",
			options: `{"thinkTags":"tagged"}`,
			stream: `data: {"choices":[{"delta":{"content":"<th"}}]}

data: {"choices":[{"delta":{"content":"ink>\nR</thi"}}]}

data: {"choices":[{"delta":{"content":"nk>\n\nA of <think>"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}

data: [DONE]

`,
			want: modeltest.Answer{Reasoning: "R", Text: "A of <think>", Stop: model.StopEnd, Usage: model.Usage{InputTokens: 1, OutputTokens: 2}},
		},
		{
			name:   "a finish_reason and a clean end without [DONE] is complete",
			stream: `data: {"choices":[{"delta":{"content":"A"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}` + "\n\n",
			want:   modeltest.Answer{Text: "A", Stop: model.StopEnd, Usage: model.Usage{InputTokens: 1, OutputTokens: 1}},
		},
		{
			name:   "[DONE] without a finish_reason is what gateways write after an upstream that died",
			stream: `data: {"choices":[{"delta":{"content":"A"},"finish_reason":null}],"usage":{"prompt_tokens":1,"completion_tokens":1}}` + "\n\ndata: [DONE]\n\n",
			want:   modeltest.Answer{Text: "A", Usage: model.Usage{InputTokens: 1, OutputTokens: 1}},
			code:   errs.ModelBrokeOff,
		},
		{
			name: "escapes, and bytes that are no text",
			stream: `data: {"choices":[{"delta":{"content":"\"a\"\n\u6771\ud83d\ude00\\"}}]}` + "\n\n" +
				`data: {"choices":[{"delta":{"content":"b` + "\xff" + `"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}` + "\n\ndata: [DONE]\n\n",
			want: modeltest.Answer{Text: "\"a\"\n東😀\\b\ufffd", Stop: model.StopEnd, Usage: model.Usage{InputTokens: 1, OutputTokens: 1}},
		},
		{
			name:   "a number for a text",
			stream: `data: {"choices":[{"delta":{"content":1}}]}` + "\n\n",
			code:   errs.ModelFailed,
		},
		{
			name:   "an empty body",
			stream: "",
			code:   errs.ModelBrokeOff,
		},
		{
			name:   "an aborted answer",
			stream: `data: {"choices":[{"delta":{"content":"A"},"finish_reason":"abort"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}` + "\n\ndata: [DONE]\n\n",
			want:   modeltest.Answer{Text: "A", Usage: model.Usage{InputTokens: 1, OutputTokens: 1}},
			code:   errs.ModelBrokeOff,
		},
		{
			name:   "an answer that was cut has its tokens counted",
			stream: `data: {"choices":[{"delta":{"content":"東京です"}}]}` + "\n\n",
			want:   modeltest.Answer{Text: "東京です", Usage: model.Usage{InputTokens: 7, OutputTokens: 3, Estimated: true}},
			code:   errs.ModelBrokeOff,
		},
		{
			name:   "an error of OpenAI inside the stream",
			stream: `data: {"error":{"message":"The server had an error","type":"server_error","code":null}}` + "\n\n",
			code:   errs.ModelFailed,
		},
		{
			name:   "an error event",
			stream: "event: error\ndata: {\"error\":{\"message\":\"Rate limit\",\"type\":\"rate_limit_error\"}}\n\n",
			code:   errs.ModelThrottled,
		},
		{
			name:   "an error of an older llama.cpp",
			stream: "error: {\"code\":400,\"message\":\"the request exceeds the available context size\",\"type\":\"exceed_context_size_error\"}\n\n",
			code:   errs.ModelContextTooLong,
		},
		{
			name:   "an error of an older vLLM",
			stream: `data: {"object":"error","message":"EngineDeadError","type":"InternalServerError","code":500}` + "\n\ndata: [DONE]\n\n",
			code:   errs.ModelFailed,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := ask("首都は?")
			req.Options = json.RawMessage(tt.options)
			got := answer(t, "text/event-stream", tt.stream, req)
			if c := errs.CodeOf(got.Err); c != tt.code {
				t.Fatalf("code %q (%v), want %q", c, got.Err, tt.code)
			}
			if got.Err == nil {
				tt.want.Stops = 1
			}
			got.Err, tt.want.Usages = nil, got.Usages
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("answer (want, got):\n%s", d)
			}
		})
	}
}

func TestAnAnswerThatIsNoStreamIsTaken(t *testing.T) {
	whole := ` {"object":"chat.completion","choices":[{"finish_reason":"stop","message":{"role":"assistant","content":"東京","reasoning_content":"考"}}],"usage":{"prompt_tokens":5,"completion_tokens":2}}`
	for _, contentType := range []string{"application/json", "", "text/plain"} {
		a := answer(t, contentType, whole, ask("x"))
		if a.Err != nil || a.Text != "東京" || a.Reasoning != "考" || a.Stop != model.StopEnd || a.Usage.OutputTokens != 2 {
			t.Errorf("%q: %+v", contentType, a)
		}
	}
	if a := answer(t, "application/json", `{"error":{"message":"maximum context length is 8","code":400}}`, ask("x")); errs.CodeOf(a.Err) != errs.ModelContextTooLong {
		t.Errorf("an error with status 200: %v", a.Err)
	}
	if a := answer(t, "text/html", "<!doctype html><title>Login</title>", ask("x")); errs.CodeOf(a.Err) != errs.ModelInvalidRequest {
		t.Errorf("a web page: %v", a.Err)
	}
	if a := answer(t, "text/plain", "data: {\"choices\":[{\"delta\":{\"content\":\"A\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n", ask("x")); a.Err != nil || a.Text != "A" {
		t.Errorf("a stream under the wrong type: %+v", a)
	}
}

func TestFailuresHaveCodes(t *testing.T) {
	in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	for _, tt := range []struct {
		name   string
		status int
		header map[string]string
		body   string
		code   errs.Code
		reason string
		wait   time.Duration
	}{
		{"OpenAI: wrong key", 401, nil, `{"error":{"message":"Incorrect API key provided: sk-very-secret.","type":"invalid_request_error","code":"invalid_api_key"}}`, errs.ModelCredentials, "api_key", 0},
		{"denied", 403, nil, `{"error":{"message":"Country not supported"}}`, errs.ModelAccessDenied, "denied", 0},
		{"Retry-After in seconds", 429, map[string]string{"Retry-After": "20"}, `{"error":{"message":"Rate limit reached"}}`, errs.ModelThrottled, "requests", 20 * time.Second},
		{"Retry-After as a date", 429, map[string]string{"Retry-After": in(30 * time.Second)}, ``, errs.ModelThrottled, "requests", 30 * time.Second},
		{"retry-after-ms", 429, map[string]string{"Retry-After": "1", "Retry-After-Ms": "1250"}, ``, errs.ModelThrottled, "requests", 1250 * time.Millisecond},
		{"x-ratelimit-reset of the limit that is used up", 429, map[string]string{"X-Ratelimit-Remaining-Requests": "10", "X-Ratelimit-Reset-Requests": "10ms", "X-Ratelimit-Remaining-Tokens": "0", "X-Ratelimit-Reset-Tokens": "6m0s"}, ``, errs.ModelThrottled, "requests", 6 * time.Minute},
		{"x-ratelimit-reset in seconds", 429, map[string]string{"X-Ratelimit-Reset": "12"}, ``, errs.ModelThrottled, "requests", 12 * time.Second},
		{"no word about waiting", 429, nil, ``, errs.ModelThrottled, "requests", 0},
		{"a wait out of reason is bounded", 429, map[string]string{"Retry-After": in(900 * time.Hour)}, ``, errs.ModelThrottled, "requests", 24 * time.Hour},
		{"OpenAI: quota", 429, map[string]string{"Retry-After": "1"}, `{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","code":"insufficient_quota"}}`, errs.ModelAccessDenied, "quota", 0},
		{"Anthropic's overload", 529, nil, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, errs.ModelThrottled, "requests", 0},
		{"OpenAI: context", 400, nil, `{"error":{"message":"This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`, errs.ModelContextTooLong, "", 0},
		{"vLLM: context", 400, nil, `{"object":"error","message":"This model's maximum context length is 2048 tokens. However, you requested 3000 tokens (2000 in the messages, 1000 in the completion).","type":"BadRequestError","param":null,"code":400}`, errs.ModelContextTooLong, "", 0},
		{"vLLM: decoder prompt", 400, nil, `{"error":{"message":"The decoder prompt (length 3000) is longer than the maximum model length of 2048.","type":"BadRequestError","code":400}}`, errs.ModelContextTooLong, "", 0},
		{"vLLM: output limit", 400, nil, `{"error":{"message":"'max_tokens' or 'max_completion_tokens' is too large: 9999. This model's maximum context length is 2048 tokens","code":400}}`, errs.ModelInvalidRequest, "max_tokens", 0},
		{"llama.cpp: context", 400, nil, `{"error":{"code":400,"message":"request (15006 tokens) exceeds the available context size (1024 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":15006,"n_ctx":1024}}`, errs.ModelContextTooLong, "", 0},
		{"Ollama: context", 400, nil, `{"error":"input length exceeds maximum context length"}`, errs.ModelContextTooLong, "", 0},
		{"TGI: context", 422, nil, "{\"error\":\"Input validation error: `inputs` must have less than 1024 tokens. Given: 2000\",\"error_type\":\"validation\"}", errs.ModelContextTooLong, "", 0},
		{"LM Studio: context", 400, nil, `{"error":"Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens"}`, errs.ModelContextTooLong, "", 0},
		{"too large a body", 413, nil, `<html>413 Request Entity Too Large</html>`, errs.ModelContextTooLong, "body_size", 0},
		{"Azure: content filter", 400, nil, `{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.","code":"content_filter"}}`, errs.ModelRefused, "content_filter", 0},
		{"llama.cpp: image", 500, nil, `{"error":{"code":500,"message":"image input is not supported - hint: if this is unexpected, you may need to provide the mmproj","type":"server_error"}}`, errs.ModelInput, "media", 0},
		{"vLLM: image", 400, nil, `{"error":{"message":"m is not a multimodal model","code":400}}`, errs.ModelInput, "media", 0},
		{"OpenAI: unknown model", 404, nil, `{"error":{"message":"The model 'm' does not exist or you do not have access to it.","type":"invalid_request_error","code":"model_not_found"}}`, errs.ModelNotFound, "model_id", 0},
		{"vLLM: unknown model", 404, nil, `{"object":"error","message":"The model 'm' does not exist.","type":"NotFoundError","code":404}`, errs.ModelNotFound, "model_id", 0},
		{"Ollama: unknown model", 404, nil, `{"error":{"message":"model \"m\" not found, try pulling it first","type":"api_error"}}`, errs.ModelNotFound, "model_id", 0},
		{"a wrong base URL, on Ollama", 404, nil, `404 page not found`, errs.ModelInvalidRequest, "base_url", 0},
		{"a wrong base URL, on llama.cpp", 404, nil, `{"error":{"message":"File Not Found","type":"not_found_error","code":404}}`, errs.ModelInvalidRequest, "base_url", 0},
		{"a wrong base URL, on FastAPI", 404, nil, `{"detail":"Not Found"}`, errs.ModelInvalidRequest, "base_url", 0},
		{"another method", 405, nil, `{"detail":"Method Not Allowed"}`, errs.ModelInvalidRequest, "base_url", 0},
		{"llama.cpp while it loads", 503, nil, `{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}`, errs.ModelFailed, "loading", 2 * time.Second},
		{"unavailable, with a wait", 503, map[string]string{"Retry-After": "3"}, `busy`, errs.ModelFailed, "internal", 3 * time.Second},
		{"a gateway's timeout", 504, nil, `<html>504</html>`, errs.ModelTimeout, "upstream", 0},
		{"a bad gateway", 502, nil, `<html>502</html>`, errs.ModelFailed, "internal", 0},
		{"a request that is refused", 422, nil, `{"detail":[{"loc":["body","top_p"],"msg":"too high"}]}`, errs.ModelInvalidRequest, "validation", 0},
		{"a proxy", 407, nil, ``, errs.ModelUnreachable, "proxy", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for k, v := range tt.header {
					w.Header().Set(k, v)
				}
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			}))
			err := modeltest.Gather(t, t.Context(), c, ask("x")).Err
			var e *errs.Error
			if !errors.As(err, &e) || e.Code != tt.code || e.Params["reason"] != tt.reason {
				t.Fatalf("got %q %v, want %q, reason %q", errs.CodeOf(err), err, tt.code, tt.reason)
			}
			var wait time.Duration
			var later model.RetryAfter
			if errors.As(err, &later) {
				wait = later.RetryAfter()
			}
			if d := tt.wait - wait; d < 0 || d > 2*time.Second {
				t.Errorf("wait %v, want %v", wait, tt.wait)
			}
			if strings.Contains(err.Error(), "sk-very-secret") {
				t.Errorf("the error holds the key: %v", err)
			}
		})
	}
}

func TestAPromptThatIsRepeatedByAnErrorIsWithheld(t *testing.T) {
	const secret = "佐藤花子の住民票の住所は東京都千代田区一番町です"
	for name, body := range map[string]string{
		"as a message":    `{"error":{"message":"cannot tokenize '` + secret + `'"}}`,
		"by a validator":  `{"detail":[{"type":"x","loc":["body"],"msg":"bad","input":{"messages":[{"content":"` + secret + `"}]}}]}`,
		"with its escape": `{"object":"error","message":"1 validation error: input_value={'content': '` + secret + `'}"}`,
		"as text":         secret,
	} {
		t.Run(name, func(t *testing.T) {
			c := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusBadRequest)
				io.WriteString(w, body)
			}))
			err := modeltest.Gather(t, t.Context(), c, ask("次を要約: "+secret)).Err
			if errs.CodeOf(err) != errs.ModelInvalidRequest || strings.Contains(err.Error(), "佐藤") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestRequestsAreWrittenAsServersReadThem compares with golden files; UPDATE=1
// writes them anew.
func TestRequestsAreWrittenAsServersReadThem(t *testing.T) {
	num := func(f float64) *float64 { return &f }
	limit := 100
	part := func(t model.PartType, text string) model.Part { return model.Part{Type: t, Text: text} }
	file := func(t model.PartType, name, mediaType string) model.Part {
		return model.Part{Type: t, Media: &model.Media{Name: name, MediaType: mediaType, Data: []byte("data")}}
	}
	plain := model.Request{Model: "m", System: "S", Messages: []model.Message{
		{Role: model.RoleUser, Parts: []model.Part{part(model.PartText, "A")}},
		{Role: model.RoleAssistant, Parts: []model.Part{part(model.PartReasoning, "hidden"), part(model.PartText, "B")}},
		{Role: model.RoleUser, Parts: []model.Part{part(model.PartText, "C"), part(model.PartText, " ")}},
		{Role: model.RoleAssistant},
		{Role: model.RoleUser, Parts: []model.Part{part(model.PartText, "D")}},
	}}
	with := func(change func(*model.Request)) model.Request {
		r := plain
		change(&r)
		return r
	}
	for name, req := range map[string]model.Request{
		"plain": plain,
		"parameters": with(func(r *model.Request) {
			r.Parameters = model.Parameters{Temperature: num(0), TopP: num(0.5), MaxTokens: &limit, ReasoningEffort: model.EffortLow}
			r.Capabilities.Reasoning = true
		}),
		"no-reasoning-model": with(func(r *model.Request) { r.Parameters.ReasoningEffort = model.EffortLow }),
		"options": with(func(r *model.Request) {
			r.Options = json.RawMessage(`{"systemRole":"developer","maxCompletionTokens":true,"extra":{"top_k":20,"temperature":0.1,"chat_template_kwargs":{"enable_thinking":false}}}`)
			r.Parameters = model.Parameters{Temperature: num(1), MaxTokens: &limit}
		}),
		"no-system-role": with(func(r *model.Request) { r.Options = json.RawMessage(`{"systemRole":"user"}`) }),
		"media": {
			Model: "m", Capabilities: model.Capabilities{Vision: true, Documents: true},
			Messages: []model.Message{{Role: model.RoleUser, Parts: []model.Part{part(model.PartText, "A"), file(model.PartImage, "山田.png", "image/png"), file(model.PartDocument, "山田.pdf", "application/pdf")}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got map[string]any
			c := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
					t.Error(err)
				}
				io.WriteString(w, `{"choices":[{"message":{"content":"ok"},"finish_reason":"stop"}]}`)
			}))
			if err := modeltest.Gather(t, t.Context(), c, req).Err; err != nil {
				t.Fatal(err)
			}
			b, err := json.MarshalIndent(got, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", "request-"+name+".json")
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), string(b)+"\n"); d != "" {
				t.Errorf("request (want, got):\n%s", d)
			}
		})
	}
}

func TestWhatAModelCannotTakeIsRefusedBeforeTheCall(t *testing.T) {
	fake := &openaifake.Server{}
	c := client(t, fake)
	media := func(kind model.PartType) model.Request {
		return model.Request{Model: "fake-large", Messages: []model.Message{{Role: model.RoleUser, Parts: []model.Part{{Type: kind, Media: &model.Media{MediaType: "x/y", Data: []byte("x")}}}}}}
	}
	for name, tt := range map[string]struct {
		req  model.Request
		code errs.Code
	}{
		"an image for a model that does not see":     {media(model.PartImage), errs.ModelInput},
		"a document for a server without file parts": {media(model.PartDocument), errs.ModelInput},
		"nothing at all":                              {model.Request{Model: "fake-large", System: "S"}, errs.ModelInvalidRequest},
		"options that do not exist":                   {model.Request{Model: "fake-large", Options: json.RawMessage(`{"thinktag":"x"}`)}, errs.InvalidInput},
		"options that would change the model":         {model.Request{Model: "fake-large", Options: json.RawMessage(`{"extra":{"model":"x"}}`)}, errs.InvalidInput},
		"an unknown way to think":                     {model.Request{Model: "fake-large", Options: json.RawMessage(`{"thinkTags":"x"}`)}, errs.InvalidInput},
		"an unknown speaker of the system's own word": {model.Request{Model: "fake-large", Options: json.RawMessage(`{"systemRole":"x"}`)}, errs.InvalidInput},
	} {
		if err := modeltest.Gather(t, t.Context(), c, tt.req).Err; errs.CodeOf(err) != tt.code {
			t.Errorf("%s: %v, want %s", name, err, tt.code)
		}
	}
	if n := fake.Total(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestOddServersAreLearned(t *testing.T) {
	for _, tt := range []struct {
		name      string
		fake      *openaifake.Server
		options   string
		first     int // requests for the first answer
		estimated bool
		reasoning bool
	}{
		{"refuses stream_options", &openaifake.Server{NoStreamOptions: true}, "", 2, true, false},
		{"refuses max_tokens", &openaifake.Server{MaxCompletionTokens: true}, "", 2, false, false},
		{"refuses both", &openaifake.Server{MaxCompletionTokens: true, NoStreamOptions: true}, "", 3, true, false},
		{"takes stream_options and reports no usage", &openaifake.Server{NoUsage: true}, "", 1, true, false},
		{"leaves [DONE] out", &openaifake.Server{NoDone: true}, "", 1, false, false},
		{"answers in one piece", &openaifake.Server{Whole: true}, "", 1, false, false},
		{"ends lines in CRLF", &openaifake.Server{CRLF: true}, "", 1, false, false},
		{"thinks in the content", &openaifake.Server{ThinkTags: true}, `{"thinkTags":"tagged"}`, 1, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := client(t, tt.fake)
			req := ask("[[say 東京です]]")
			limit := 50
			req.Model, req.Parameters.MaxTokens = "fake-large", &limit
			req.Options = json.RawMessage(tt.options)
			if tt.reasoning {
				req.Messages[0].Parts[0].Text += "[[reason 5]]"
			}
			for i, want := range []int{tt.first, tt.first + 1} {
				a := modeltest.Gather(t, t.Context(), c, req)
				if a.Err != nil || a.Text != "東京です" || a.Stop != model.StopEnd {
					t.Fatalf("answer %d: %+v", i, a)
				}
				if a.Usage.Estimated != tt.estimated || a.Usage.OutputTokens == 0 {
					t.Errorf("usage %+v", a.Usage)
				}
				if (a.Reasoning != "") != tt.reasoning || strings.Contains(a.Reasoning, "think>") {
					t.Errorf("reasoning %q", a.Reasoning)
				}
				if n := tt.fake.Total(); n != want {
					t.Errorf("%d requests after answer %d, want %d: what was learned is kept", n, i+1, want)
				}
			}
		})
	}
}

func TestAnAnswerIsCompleteAtItsFinishReason(t *testing.T) {
	const chunk = "data: {\"choices\":[{\"delta\":{\"content\":\"A\"},\"finish_reason\":\"stop\"}]}\n\n"
	for name, after := range map[string]func(http.ResponseWriter, *http.Request){
		"a connection that breaks after it": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "data: {\"choices\":[],\"usa")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		},
		"silence after it":    func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"what is no JSON":     func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "data: <html>\n\n") },
		"the end of the body": func(w http.ResponseWriter, r *http.Request) {},
		"[DONE], then a silence": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "data: [DONE]\n\n")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				io.WriteString(w, chunk)
				w.(http.Flusher).Flush()
				after(w, r)
			})
			c := openai.New(openai.Config{BaseURL: serve(t, h), HTTP: &http.Client{}, IdleTimeout: 100 * time.Millisecond})
			if a := modeltest.Gather(t, t.Context(), c, ask("x")); a.Err != nil || a.Text != "A" || a.Stop != model.StopEnd || !a.Usage.Estimated {
				t.Errorf("answer %+v", a)
			}
		})
	}
	t.Run("but an error after it is an error", func(t *testing.T) {
		if a := answer(t, "text/event-stream", chunk+"data: {\"error\":{\"message\":\"boom\"}}\n\n", ask("x")); errs.CodeOf(a.Err) != errs.ModelFailed {
			t.Errorf("answer %+v", a)
		}
	})
}

func TestAConnectionIsUsedAgain(t *testing.T) {
	var opened atomic.Int64
	fake := &openaifake.Server{}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fake.ServeHTTP(w, r)
		w.(http.Flusher).Flush()
		<-time.After(5 * time.Millisecond) // the end of the body comes after [DONE] was read
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	c := openai.New(openai.Config{BaseURL: srv.URL, HTTP: &http.Client{Transport: &http.Transport{}}})
	req := ask("hello")
	req.Model = "fake-large"
	for range 5 {
		if a := modeltest.Gather(t, t.Context(), c, req); a.Err != nil {
			t.Fatal(a.Err)
		}
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("5 answers took %d connections", n)
	}
}

func TestThingsThatOnlySayDoneAreCuts(t *testing.T) {
	fake := &openaifake.Server{DoneOnly: true}
	req := ask("hello")
	req.Model = "fake-large"
	a := modeltest.Gather(t, t.Context(), client(t, fake), req)
	if errs.CodeOf(a.Err) != errs.ModelBrokeOff || a.Text == "" || a.Usages != 1 {
		t.Errorf("answer %+v", a)
	}
}

func TestNothingFollowsARedirectElsewhere(t *testing.T) {
	var reached atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 307, 308} {
		c := client(t, http.RedirectHandler(elsewhere.URL+"/v1/chat/completions", status))
		for name, err := range map[string]error{
			"Stream": modeltest.Gather(t, t.Context(), c, ask("x")).Err,
			"Models": func() error { _, err := c.Models(t.Context()); return err }(),
		} {
			if errs.CodeOf(err) != errs.ModelUnreachable || !strings.Contains(err.Error(), elsewhere.URL) {
				t.Errorf("%s, %d: %v", name, status, err)
			}
		}
	}
	if reached.Load() != 0 {
		t.Error("a redirect was followed to another host")
	}
}

func TestHeadersOfTheConnectionAreSent(t *testing.T) {
	var got http.Header
	var host, query string
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, host, query = r.Header, r.Host, r.URL.RawQuery
		io.WriteString(w, `{"choices":[{"message":{"content":"ok"},"finish_reason":"stop"}]}`)
	})
	c := openai.New(openai.Config{
		BaseURL: serve(t, h) + "/chat/completions?api-version=2025-01-01", HTTP: &http.Client{}, APIKey: "k",
		Headers: map[string]string{"api-key": "azure", "Host": "models.example"},
	})
	if err := modeltest.Gather(t, t.Context(), c, ask("x")).Err; err != nil {
		t.Fatal(err)
	}
	if got.Get("Api-Key") != "azure" || got.Get("Authorization") != "Bearer k" || host != "models.example" || query != "api-version=2025-01-01" {
		t.Errorf("headers %v, host %q, query %q", got, host, query)
	}
}

func TestAServerThatOnlySendsCommentsIsAlive(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for range 10 {
			io.WriteString(w, ": working\n\n")
			w.(http.Flusher).Flush()
			<-time.After(50 * time.Millisecond)
		}
		io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"A\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
	})
	c := openai.New(openai.Config{BaseURL: serve(t, h), HTTP: &http.Client{}, FirstByteTimeout: 250 * time.Millisecond, IdleTimeout: 250 * time.Millisecond})
	if a := modeltest.Gather(t, t.Context(), c, ask("x")); a.Err != nil || a.Text != "A" {
		t.Errorf("answer %+v", a)
	}
}

func TestALineWithoutEndIsNotHeld(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		piece := []byte(strings.Repeat("x", 1<<20))
		for {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	})
	if a := modeltest.Gather(t, t.Context(), client(t, h), ask("x")); errs.CodeOf(a.Err) != errs.ModelFailed {
		t.Errorf("error %v", a.Err)
	}
}

func TestModelsTellWhatTheServerKnows(t *testing.T) {
	for flavor, want := range map[openaifake.Flavor]model.Capabilities{
		openaifake.OpenAI:   {},
		openaifake.VLLM:     {ContextTokens: 32768},
		openaifake.LlamaCpp: {ContextTokens: 2048, Vision: true},
		openaifake.Ollama:   {ContextTokens: 8192, Vision: true, Tools: true, Reasoning: true},
	} {
		models, err := client(t, &openaifake.Server{Flavor: flavor}).Models(t.Context())
		if err != nil || len(models) != 2 || models[0].ID != "fake-large" || models[0].Capabilities != want {
			t.Errorf("%s: %+v, %v; want %+v", flavor, models, err, want)
		}
	}
}

func ExampleParseOptions() {
	_, err := openai.ParseOptions(json.RawMessage(`{"thinktags": "open"}`))
	o, _ := openai.ParseOptions(json.RawMessage(`{"thinkTags": "open"}`))
	fmt.Println(o.ThinkTags, err == nil)
	// Output: open true
}
