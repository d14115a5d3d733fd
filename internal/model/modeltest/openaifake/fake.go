// Package openaifake is a model server for tests that speaks the wire protocol
// of OpenAI-compatible servers. What it says and how it fails is decided by the
// prompt, through the markers of package script; how it words its failures
// follows the server it plays (Flavor, and the FORM of a marker).
package openaifake

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"kakoi/internal/model/modeltest/script"
)

// Flavor is the server that the fake plays.
type Flavor string

// The flavors: OpenAI itself, and local servers whose fields and errors differ.
const (
	OpenAI   Flavor = "openai"
	LlamaCpp Flavor = "llama.cpp"
	VLLM     Flavor = "vllm"
	Ollama   Flavor = "ollama"
)

// DefaultModels are those of a server made with none.
var DefaultModels = []string{"fake-large", "fake-light"}

// Server is the fake. It is an http.Handler for paths with and without /v1.
// Its fields are set before its first request.
type Server struct {
	Flavor Flavor
	Key    string   // the bearer token to insist on; "" takes every request
	Models []string // DefaultModels when empty; [[notfound]] apart, others are refused
	Rate   float64  // tokens per second where the prompt does not say; 0 is no limit

	NoStreamOptions     bool // refuses stream_options, as older servers do
	MaxCompletionTokens bool // refuses max_tokens, as OpenAI's reasoning models do
	NoUsage             bool // never reports usage
	NoDone              bool // leaves [DONE] out
	DoneOnly            bool // leaves finish_reason out
	ThinkTags           bool // thinks inside the content
	Whole               bool // answers a stream request with one JSON document
	CRLF                bool // ends lines in CRLF

	pacer  script.Pacer
	tries  script.Tries
	live   atomic.Int64
	total  atomic.Int64
	mu     sync.Mutex
	last   []byte
	change chan struct{} // closed and replaced when live changes
	speech Speech
	told   chan struct{} // closed and replaced by Listen
	heard  Heard
}

// Live is the number of requests that are being answered.
func (s *Server) Live() int { return int(s.live.Load()) }

// Total is the number of answers that were asked for, lists apart.
func (s *Server) Total() int { return int(s.total.Load()) }

// LastBody is the body of the last request of JSON.
func (s *Server) LastBody() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// WaitLive waits until exactly n requests are being answered.
func (s *Server) WaitLive(ctx context.Context, n int) error {
	for {
		s.mu.Lock()
		if s.change == nil {
			s.change = make(chan struct{})
		}
		change := s.change
		s.mu.Unlock()
		if s.Live() == n {
			return nil
		}
		select {
		case <-change:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *Server) count(d int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live.Add(d)
	if s.change != nil {
		close(s.change)
		s.change = nil
	}
}

func (s *Server) models() []string {
	if len(s.Models) == 0 {
		return DefaultModels
	}
	return s.Models
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.Key != "" && r.Header.Get("Authorization") != "Bearer "+s.Key {
		s.refuse(w, http.StatusUnauthorized, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key")
		return
	}
	switch path := strings.TrimPrefix(r.URL.Path, "/v1"); {
	case path == "/chat/completions" && r.Method == http.MethodPost:
		s.chat(w, r)
	case path == "/audio/transcriptions" && r.Method == http.MethodPost:
		s.transcribe(w, r)
	case path == "/embeddings" && r.Method == http.MethodPost:
		s.embed(w, r)
	case path == "/images/generations" && r.Method == http.MethodPost:
		s.draw(w, r)
	case path == "/rerank" && r.Method == http.MethodPost:
		s.rerank(w, r)
	case path == "/models" && r.Method == http.MethodGet:
		s.list(w)
	case path == "/api/show" && r.Method == http.MethodPost && s.Flavor == Ollama:
		writeJSON(w, http.StatusOK, map[string]any{
			"capabilities": []string{"completion", "vision", "tools", "thinking"},
			"parameters":   "stop \"<end>\"\nnum_ctx 8192",
			"model_info":   map[string]any{"fake.context_length": 131072},
		})
	case r.URL.Path == "/health":
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	default:
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, "404 page not found")
	}
}

func (s *Server) list(w http.ResponseWriter) {
	data := make([]map[string]any, 0, len(s.models()))
	for _, id := range s.models() {
		m := map[string]any{"id": id, "object": "model", "created": 1, "owned_by": "fake"}
		switch s.Flavor {
		case VLLM:
			m["owned_by"], m["max_model_len"] = "vllm", 32768
		case LlamaCpp:
			m["owned_by"], m["meta"] = "llamacpp", map[string]any{"n_ctx": 2048, "n_ctx_train": 32768}
			m["architecture"] = map[string]any{"input_modalities": []string{"text", "image"}}
		case Ollama:
			m["owned_by"] = "library"
		}
		data = append(data, m)
	}
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": data})
}

// request is what the fake reads of a request.
type request struct {
	Model         string `json:"model"`
	Stream        bool   `json:"stream"`
	StreamOptions *struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	MaxTokens           int    `json:"max_tokens"`
	MaxCompletionTokens int    `json:"max_completion_tokens"`
	ReasoningEffort     string `json:"reasoning_effort"`
	Messages            []struct {
		Role       string          `json:"role"`
		Content    json.RawMessage `json:"content"`
		ToolCallID string          `json:"tool_call_id"`
		ToolCalls  []struct {
			ID       string `json:"id"`
			Type     string `json:"type"`
			Function struct {
				Name      string `json:"name"`
				Arguments string `json:"arguments"`
			} `json:"function"`
		} `json:"tool_calls"`
	} `json:"messages"`
	Tools []struct {
		Type     string `json:"type"`
		Function struct {
			Name       string         `json:"name"`
			Parameters map[string]any `json:"parameters"`
		} `json:"function"`
	} `json:"tools"`
	ToolChoice json.RawMessage `json:"tool_choice"`
}

// turn reads what the script needs. It returns a sentence for a request that a
// real server would refuse.
func (q *request) turn(size int) (script.Turn, string) {
	t := script.Turn{Prompt: size, MaxTokens: max(q.MaxTokens, q.MaxCompletionTokens)}
	t.Thinking = q.ReasoningEffort != "" && q.ReasoningEffort != "none"
	for _, tool := range q.Tools {
		if tool.Type != "function" || tool.Function.Name == "" || tool.Function.Parameters["type"] != "object" {
			return t, "Invalid tool."
		}
		t.Tools = append(t.Tools, tool.Function.Name)
	}
	user := false
	var open []string // calls that wait for their results
	for i, m := range q.Messages {
		if m.Role == "tool" {
			at := slices.Index(open, m.ToolCallID)
			if at < 0 {
				return t, "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'." //nolint:misspell // so does the real one
			}
			open = slices.Delete(open, at, at+1)
		} else if len(open) > 0 {
			return t, "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'."
		}
		for _, call := range m.ToolCalls {
			if m.Role != "assistant" || call.ID == "" || call.Type != "function" || !json.Valid([]byte(call.Function.Arguments)) {
				return t, fmt.Sprintf("Invalid tool call in messages[%d].", i)
			}
			open = append(open, call.ID)
		}
		var text string
		var parts []struct {
			Type     string `json:"type"`
			Text     string `json:"text"`
			ImageURL struct {
				URL string `json:"url"`
			} `json:"image_url"`
			File struct {
				Filename string `json:"filename"`
				FileData string `json:"file_data"`
			} `json:"file"`
		}
		if json.Unmarshal(m.Content, &text) != nil {
			if err := json.Unmarshal(m.Content, &parts); err != nil {
				return t, "content must be a string or a list of parts"
			}
		}
		if m.Role == "tool" {
			t.Results = append(t.Results, strings.Replace(text, "Error: ", "failed: ", 1))
		}
		if m.Role != "user" {
			continue
		}
		user = true
		t.Text, t.Images, t.Documents = text, nil, nil
		if i > 0 && q.Messages[i-1].Role != "tool" {
			t.Results = nil
		}
		for _, p := range parts {
			switch p.Type {
			case "text":
				t.Text += p.Text
			case "image_url":
				img, ok := script.Look(fromDataURL(p.ImageURL.URL))
				if !ok {
					return t, "the image cannot be decoded"
				}
				t.Images = append(t.Images, img)
			case "file":
				t.Documents = append(t.Documents, script.Document{Name: p.File.Filename, Size: len(fromDataURL(p.File.FileData))})
			default:
				return t, "unknown part type"
			}
		}
	}
	if len(open) > 0 {
		return t, "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'."
	}
	if n := len(q.Messages); n > 0 && q.Messages[n-1].Role == "tool" {
		t.Text = "" // the question is answered with what the tools have said
	}
	if !user {
		return t, "there is no user message"
	}
	return t, ""
}

func fromDataURL(s string) []byte {
	_, encoded, ok := strings.Cut(s, ";base64,")
	if !ok {
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil
	}
	return b
}

func (s *Server) chat(w http.ResponseWriter, r *http.Request) {
	s.count(1)
	defer s.count(-1)
	s.total.Add(1)
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<20))
	if err != nil {
		return
	}
	s.mu.Lock()
	s.last = body
	s.mu.Unlock()
	var q request
	if err := json.Unmarshal(body, &q); err != nil {
		s.refuse(w, http.StatusBadRequest, "the body is not valid JSON", "invalid_request_error", "")
		return
	}
	turn, wrong := q.turn(len(body))
	sc := script.FromTurn(turn)
	if sc.TokensPerSecond == 0 {
		sc.TokensPerSecond = s.Rate
	}
	fault := s.tries.Fault(turn.Text, sc)
	switch {
	case wrong != "":
		s.refuse(w, http.StatusBadRequest, wrong, "invalid_request_error", "")
	case s.NoStreamOptions && q.StreamOptions != nil:
		s.refuse(w, http.StatusBadRequest, "Unrecognized request argument supplied: stream_options", "invalid_request_error", "")
	case s.MaxCompletionTokens && q.MaxTokens > 0:
		s.refuse(w, http.StatusBadRequest, "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", "invalid_request_error", "unsupported_parameter")
	case !slices.Contains(s.models(), q.Model):
		s.fail(w, r, script.FaultNotFound, sc, q.Model)
	case fault != script.FaultNone && sc.FaultAfter < 0:
		s.fail(w, r, fault, sc, q.Model)
	case s.Whole || !q.Stream:
		s.whole(w, q, sc)
	default:
		s.stream(w, r, q, sc, fault)
	}
}

// fail answers with a failure in place of an answer.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, fault script.Fault, sc script.Script, model string) {
	if sc.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(sc.RetryAfter.Seconds()))))
		if sc.RetryAfter%time.Second != 0 {
			w.Header().Set("Retry-After-Ms", strconv.FormatInt(sc.RetryAfter.Milliseconds(), 10))
		}
	}
	switch fault {
	case script.FaultThrottle:
		s.refuse(w, http.StatusTooManyRequests, "Rate limit reached for requests", "requests", "rate_limit_exceeded")
	case script.FaultUnavailable:
		s.refuse(w, http.StatusServiceUnavailable, "Loading model", "unavailable_error", "")
	case script.FaultFailure:
		s.refuse(w, http.StatusInternalServerError, "The server had an error while processing your request", "server_error", "")
	case script.FaultDenied:
		s.refuse(w, http.StatusForbidden, "You are not allowed to sample from this model", "invalid_request_error", "")
	case script.FaultCredentials:
		s.refuse(w, http.StatusUnauthorized, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key")
	case script.FaultInvalid:
		s.refuse(w, http.StatusBadRequest, "Invalid value for 'top_p'", "invalid_request_error", "invalid_value")
	case script.FaultNotFound:
		s.refuse(w, http.StatusNotFound, "The model `"+model+"` does not exist or you do not have access to it.", "invalid_request_error", "model_not_found")
	case script.FaultTooLong:
		switch s.Flavor {
		case LlamaCpp:
			writeJSON(w, http.StatusBadRequest, map[string]any{"error": map[string]any{"code": 400, "type": "exceed_context_size_error",
				"message": "request (15006 tokens) exceeds the available context size (2048 tokens), try increasing it", "n_prompt_tokens": 15006, "n_ctx": 2048}})
		default:
			s.refuse(w, http.StatusBadRequest, "This model's maximum context length is 8192 tokens. However, your messages resulted in 15006 tokens.", "invalid_request_error", "context_length_exceeded")
		}
	case script.FaultSilence:
		<-r.Context().Done()
	}
}

// refuse writes an error as the flavor words it.
func (s *Server) refuse(w http.ResponseWriter, status int, message, kind, code string) {
	writeJSON(w, status, s.errorBody(status, message, kind, code))
}

func (s *Server) errorBody(status int, message, kind, code string) any {
	switch s.Flavor {
	case VLLM:
		return map[string]any{"object": "error", "message": message, "type": kind, "param": nil, "code": status}
	case Ollama:
		return map[string]any{"error": message}
	case LlamaCpp:
		return map[string]any{"error": map[string]any{"message": message, "type": kind, "code": status}}
	}
	e := map[string]any{"message": message, "type": kind, "param": nil, "code": nil}
	if code != "" {
		e["code"] = code
	}
	return map[string]any{"error": e}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // a fake's own maps always encode
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b)
}

// finish translates the script's end into a finish_reason.
func finish(s script.Stop) string {
	switch s {
	case script.StopTool:
		return "tool_calls"
	case script.StopLength:
		return "length"
	case script.StopFiltered:
		return "content_filter"
	}
	return "stop"
}

func (s *Server) usage(u script.Usage) map[string]any {
	out := map[string]any{
		"prompt_tokens": u.Input + u.CacheRead + u.CacheWrite, "completion_tokens": u.Output,
		"total_tokens":          u.Input + u.CacheRead + u.CacheWrite + u.Output,
		"prompt_tokens_details": map[string]int{"cached_tokens": u.CacheRead},
	}
	if u.Reasoning > 0 {
		out["completion_tokens_details"] = map[string]int{"reasoning_tokens": u.Reasoning}
	}
	return out
}

func (s *Server) whole(w http.ResponseWriter, q request, sc script.Script) {
	message := map[string]any{"role": "assistant", "content": strings.Join(sc.Deltas, "")}
	if len(sc.ToolUses) > 0 {
		message["tool_calls"] = s.toolCalls(sc)
	}
	if len(sc.Reasoning) > 0 {
		message[s.reasoningField()] = strings.Join(sc.Reasoning, "")
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": q.Model, "usage": s.usage(sc.Usage),
		"choices": []any{map[string]any{"index": 0, "finish_reason": finish(sc.Stop), "message": message}},
	})
}

func (s *Server) reasoningField() string {
	if s.Flavor == Ollama {
		return "reasoning"
	}
	return "reasoning_content"
}

// stream writes the answer token by token. Chunks are written by hand: a
// thousand streams of thirty tokens a second must cost the machine that also
// runs what is measured as little as possible.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, q request, sc script.Script, fault script.Fault) {
	ctx := r.Context()
	ctl := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")

	out := &stream{end: "\n"}
	if s.CRLF {
		out.end = "\r\n"
	}
	out.head = `{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":` + quote(q.Model) + `,`
	out.delta(`"role":"assistant","content":null`)

	cadence := s.pacer.Cadence(sc)
	send := func() error {
		if len(out.buf) == 0 {
			return nil
		}
		if _, err := w.Write(out.buf); err != nil {
			return err
		}
		out.buf = out.buf[:0]
		return ctl.Flush()
	}
	reasoning, content := `"`+s.reasoningField()+`":`, `"content":`
	if s.ThinkTags {
		reasoning = content
	}
	total := len(sc.Reasoning) + len(sc.Deltas)
	for i := 0; ; i++ {
		if fault != script.FaultNone && i == min(sc.FaultAfter, total) {
			if send() == nil {
				s.breakStream(ctx, w, fault, out, send)
			}
			return
		}
		if i == total {
			break
		}
		paused, err := cadence.Next(ctx)
		if err != nil {
			return
		}
		switch n := i - len(sc.Reasoning); {
		case n < 0:
			text := sc.Reasoning[i]
			if s.ThinkTags && i == 0 {
				text = "<think>\n" + text
			}
			if s.ThinkTags && n == -1 {
				text += "\n</think>\n\n"
			}
			out.token(reasoning, text)
		case sc.Stamp:
			out.token(content, script.StampText(time.Now()))
		default:
			out.token(content, sc.Deltas[n])
		}
		if paused || len(out.buf) > 8<<10 {
			if send() != nil {
				return
			}
		}
	}
	s.streamCalls(out, sc)
	if !s.DoneOnly {
		out.event(out.head + `"choices":[{"index":0,"delta":{},"finish_reason":"` + finish(sc.Stop) + `"}]}`)
	}
	if q.StreamOptions != nil && q.StreamOptions.IncludeUsage && !s.NoUsage {
		b, _ := json.Marshal(s.usage(sc.Usage)) // maps of numbers always encode
		out.event(out.head + `"choices":[],"usage":` + string(b) + `}`)
	}
	if !s.NoDone {
		out.event("[DONE]")
	}
	_ = send() // whether the client still listens does not matter any more
}

// breakStream ends a stream in one of the wrong ways.
func (s *Server) breakStream(ctx context.Context, w http.ResponseWriter, fault script.Fault, out *stream, send func() error) {
	switch fault {
	case script.FaultSilence:
		<-ctx.Done()
	case script.FaultEarly: // the body ends as if it were whole
	case script.FaultError:
		b, _ := json.Marshal(s.errorBody(http.StatusInternalServerError, "the model worker died", "server_error", ""))
		out.event(string(b))
		_ = send()
	case script.FaultCorrupt:
		out.event(`{"choices":[{"index":0,"delta":{"content":`)
		_ = send()
	default: // a cut: half an event, then the connection is gone
		out.buf = append(out.buf, `data: {"id":"chatcmpl-1","choi`...)
		_ = send()
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0) // a reset, as from a process that was killed
			}
			_ = conn.Close()
			return
		} else if errors.Is(err, http.ErrNotSupported) {
			panic(http.ErrAbortHandler) // HTTP/2
		}
	}
}

// stream gathers events in a buffer.
type stream struct {
	head, end string
	buf       []byte
}

func (o *stream) event(data string) {
	o.buf = append(append(append(append(o.buf, "data: "...), data...), o.end...), o.end...)
}

func (o *stream) delta(inside string) {
	o.buf = append(append(o.buf, "data: "...), o.head...)
	o.buf = append(append(o.buf, `"choices":[{"index":0,"delta":{`...), inside...)
	o.buf = append(append(append(o.buf, `},"finish_reason":null}]}`...), o.end...), o.end...)
}

func (o *stream) token(field, text string) {
	o.buf = append(append(o.buf, "data: "...), o.head...)
	o.buf = append(append(o.buf, `"choices":[{"index":0,"delta":{`...), field...)
	o.buf = appendQuoted(o.buf, text)
	o.buf = append(append(append(o.buf, `},"finish_reason":null}]}`...), o.end...), o.end...)
}

// appendQuoted appends s, which is valid UTF-8, as a JSON string.
func appendQuoted(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

func quote(s string) string { return string(appendQuoted(nil, strings.ToValidUTF8(s, "�"))) }
