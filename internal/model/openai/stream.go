package openai

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/tokenest"
	"kakoi/internal/sse"
)

// Stream implements model.Provider with POST /chat/completions. A usage event
// comes before the end, and before an error too when part of an answer was
// received, since that part is charged for.
func (c *Client) Stream(ctx context.Context, req model.Request) iter.Seq2[model.Event, error] {
	return func(yield func(model.Event, error) bool) {
		if err := c.stream(ctx, req, yield, func(*http.Response) {}); err != nil && !errors.Is(err, errLeft) {
			yield(model.Event{}, err)
		}
	}
}

// errLeft says that the consumer left the loop and must not be called again.
var errLeft = errors.New("openai: the consumer left")

// stream makes the call; answered hears of the answer before it is read.
func (c *Client) stream(ctx context.Context, req model.Request, yield func(model.Event, error) bool, answered func(*http.Response)) error {
	if c.broken != nil {
		return c.broken
	}
	opts, err := ParseOptions(req.Options)
	if err != nil {
		return err
	}
	ctx, wait := newPatience(ctx, c.cfg.FirstByteTimeout)
	defer wait.end()

	resp, err := c.open(ctx, req, opts)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answered(resp)

	body := wait.reader(resp.Body, c.cfg.IdleTimeout)
	a := &answer{c: c, req: req, body: body, think: newThinkSplitter(opts.ThinkTags), yield: yield}
	var stream io.Reader = body
	if !strings.Contains(resp.Header.Get("Content-Type"), "event-stream") { // what is it?
		buffered := bufio.NewReader(body)
		switch first, err := firstByte(buffered); {
		case err != nil && err != io.EOF: //nolint:errorlint // a reader says io.EOF itself; wrapped, it is a failure
			return c.transportError(ctx, err)
		case first == '{':
			return a.whole(ctx, buffered)
		case first == '<':
			return errs.Wrap(errs.ModelInvalidRequest, "there is a web page and no chat completions API at this address; "+c.baseHint(),
				errors.New("the answer is HTML")).With("host", c.base.Host)
		}
		stream = buffered
	}
	if err := a.read(ctx, stream); err != nil {
		return err
	}
	body.idle = forReuse
	_, _ = io.CopyN(io.Discard, body, 4096) // a connection is used again only if its body was read to the end
	return nil
}

// forReuse is how long the end of a body is waited for after [DONE], so that
// the connection can be used again.
const forReuse = 100 * time.Millisecond

// open sends the request until the server answers with success. A server that
// refuses an optional field by its name is asked again without it, and that is
// remembered for the model.
func (c *Client) open(ctx context.Context, req model.Request, opts Options) (*http.Response, error) {
	q := c.quirksOf(req.Model)
	for {
		body, err := toWire(req, opts, q)
		if err != nil {
			return nil, err
		}
		hreq, err := c.newRequest(ctx, http.MethodPost, c.endpoint("chat/completions"), body)
		if err != nil {
			return nil, err
		}
		hreq.Header.Set("Accept", "text/event-stream")
		hreq.Header.Set("Accept-Encoding", "identity") // a compressed stream arrives in lumps
		resp, err := c.http.Do(hreq)
		if err != nil {
			return nil, c.transportError(ctx, err)
		}
		if resp.StatusCode == http.StatusOK {
			return resp, nil
		}
		said, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		resp.Body.Close()
		if err != nil && ctx.Err() != nil {
			return nil, c.transportError(ctx, err)
		}
		better, ok := q.without(resp.StatusCode, said, req.Parameters)
		if !ok {
			return nil, c.failure(resp, said, req)
		}
		q = better
		c.learn(req.Model, q)
		c.log.InfoContext(ctx, "model server refuses an optional field; asking without it", "host", c.base.Host, "model", req.Model)
	}
}

// without returns the quirks to try after a refusal, and whether they differ.
func (q quirks) without(status int, body []byte, p model.Parameters) (quirks, bool) {
	if status != http.StatusBadRequest && status != http.StatusUnprocessableEntity {
		return q, false
	}
	switch {
	case !q.noStreamOptions && streamOptions.Match(body):
		q.noStreamOptions = true
	case !q.maxCompletionTokens && p.MaxTokens != nil && wantsCompletionTokens.Match(body):
		q.maxCompletionTokens = true
	default:
		return q, false
	}
	return q, true
}

// firstByte looks at the first byte that is not white space.
func firstByte(r *bufio.Reader) (byte, error) {
	for {
		b, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		if b != ' ' && b != '\t' && b != '\r' && b != '\n' {
			return b, r.UnreadByte()
		}
	}
}

// answer gathers what a stream says into events.
type answer struct {
	c     *Client
	req   model.Request
	body  *patientReader
	think *thinkSplitter
	yield func(model.Event, error) bool

	finish        string // the finish_reason, once it came
	calls         calls
	usage         *wireUsage
	said, thought int // estimated tokens so far
}

// afterFinish is how long a complete answer waits for its usage and [DONE].
const afterFinish = 10 * time.Second

// read translates an event stream.
func (a *answer) read(ctx context.Context, stream io.Reader) error {
	var failed error
	for chunk, err := range sse.JSON[wireChunk](stream) {
		var event *sse.EventError
		switch {
		case err == nil && !chunk.failed():
			if !a.take(chunk) {
				return errLeft
			}
			if a.finish != "" {
				a.body.idle = min(a.body.idle, afterFinish)
			}
			continue
		case err == nil:
			failed = a.c.streamFailure(chunk.errorBody(), a.req)
		case errors.As(err, &event):
			failed = a.c.streamFailure(event.Data, a.req)
		case a.finish != "" && !a.stopped(ctx):
			a.c.log.WarnContext(ctx, "model server left a complete answer without [DONE]", "host", a.c.base.Host, "model", a.req.Model, "err", err)
		case errors.Is(err, sse.ErrNoDone):
			failed = a.c.brokeOff(err)
		case errors.Is(err, sse.ErrTooLong):
			failed = errs.Wrap(errs.ModelFailed, "the model server sent an event that is too long", err)
		default:
			failed = a.readError(ctx, err)
		}
		break
	}
	if failed == nil && a.finish == "" {
		failed = a.c.brokeOff(errors.New("[DONE] without a finish_reason"))
	}
	return a.end(failed)
}

// stopped reports whether the caller, and not our patience, ended the call.
func (a *answer) stopped(ctx context.Context) bool {
	return ctx.Err() != nil && !errors.Is(context.Cause(ctx), errSilent)
}

// readError tells a connection that broke, or a call that was stopped, from an
// event that is not JSON.
func (a *answer) readError(ctx context.Context, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	if ctx.Err() == nil && (errors.As(err, &syntax) || errors.As(err, &kind)) {
		return errs.Wrap(errs.ModelFailed, "the model server sent an event that cannot be read", err)
	}
	if e := a.c.transportError(ctx, err); errs.CodeOf(e) != errs.ModelUnreachable {
		return e
	}
	return a.c.brokeOff(err) // we were connected
}

// take yields the events of one chunk. It reports false when the consumer left.
func (a *answer) take(chunk wireChunk) bool {
	if chunk.Usage != nil && chunk.Usage.CompletionTokens+chunk.Usage.PromptTokens > 0 {
		a.usage = chunk.Usage
	}
	if len(chunk.Choices) == 0 {
		return true
	}
	choice := chunk.Choices[0]
	d := choice.Delta
	if choice.Message != nil {
		d = *choice.Message
	}
	for _, piece := range d.ToolCalls {
		a.calls.add(piece)
		a.said += tokenest.Text(piece.Function.Name) + tokenest.Text(string(piece.Function.Arguments))
	}
	reasoning := d.ReasoningContent
	if reasoning == "" {
		reasoning = d.Reasoning
	}
	tagged, text := a.think.push(d.Content.Text + d.Refusal)
	if choice.FinishReason != "" {
		a.finish = choice.FinishReason
		r, t := a.think.flush()
		tagged, text = tagged+r, text+t
	}
	return a.say(model.EventReasoning, reasoning+d.Content.Thinking+tagged) && a.say(model.EventText, text)
}

func (a *answer) say(kind model.EventType, text string) bool {
	if text == "" {
		return true
	}
	if kind == model.EventReasoning {
		a.thought += tokenest.Text(text)
	} else {
		a.said += tokenest.Text(text)
	}
	return a.yield(model.Event{Type: kind, Text: text}, nil)
}

// end yields what concludes the answer and returns the error that it ends with.
func (a *answer) end(failed error) error {
	var stop model.StopReason
	if failed == nil {
		stop, failed = a.stopReason()
	}
	if failed == nil {
		if stop, failed = a.tellCalls(stop); errors.Is(failed, errLeft) {
			return errLeft
		}
	}
	if failed != nil {
		if r, t := a.think.flush(); !a.say(model.EventReasoning, r) || !a.say(model.EventText, t) {
			return errLeft
		}
	}
	if failed == nil || a.said+a.thought > 0 || a.usage != nil {
		if !a.yield(model.Event{Type: model.EventUsage, Usage: a.counted()}, nil) {
			return errLeft
		}
	}
	if failed == nil && !a.yield(model.Event{Type: model.EventStop, StopReason: stop}, nil) {
		return errLeft
	}
	return failed
}

func (a *answer) stopReason() (model.StopReason, error) {
	switch a.finish {
	case "length", "max_tokens", "model_length":
		return model.StopLength, nil
	case "content_filter":
		return model.StopFiltered, nil
	case "tool_calls", "function_call":
		return model.StopTool, nil
	case "stop_sequence":
		return model.StopSequence, nil
	case "error":
		return "", errs.Wrap(errs.ModelFailed, "the model server failed in the middle of the answer", errors.New("finish_reason error"))
	case "abort", "cancelled":
		return "", a.c.brokeOff(errors.New("finish_reason " + a.finish))
	}
	return model.StopEnd, nil // stop, eos_token, and words we do not know: the model says that it ended
}

// counted is the usage as reported, or our estimate of it.
func (a *answer) counted() model.Usage {
	if u := a.usage; u != nil {
		return u.usage()
	}
	in := tokenest.Text(a.req.System)
	for _, m := range a.req.Messages {
		for _, p := range m.Parts {
			switch p.Type {
			case model.PartText:
				in += tokenest.Text(p.Text) + tokenest.PerMessage
			case model.PartImage:
				in += tokenest.PerImage
			case model.PartToolUse:
				in += tokenest.Text(p.ToolUse.Name) + tokenest.Text(string(p.ToolUse.Input)) + tokenest.PerMessage
			case model.PartToolResult:
				in += tokenest.Text(resultText(p.ToolResult)) + tokenest.PerMessage
			}
		}
	}
	return model.Usage{InputTokens: in, OutputTokens: a.said + a.thought, ReasoningTokens: a.thought, Estimated: true}
}

// whole translates an answer that came as one JSON document although a stream
// was asked for, or an error that came with status 200.
func (a *answer) whole(ctx context.Context, body io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(body, maxJSONBody+1))
	if err != nil {
		return a.readError(ctx, err)
	}
	var chunk wireChunk
	if err := json.Unmarshal(b, &chunk); err != nil {
		if len(b) > maxJSONBody {
			return errs.Wrap(errs.ModelFailed, "the model server's answer is too long", err)
		}
		return a.readError(ctx, err)
	}
	if chunk.failed() || len(chunk.Choices) == 0 {
		return a.c.streamFailure(b, a.req)
	}
	if !a.take(chunk) {
		return errLeft
	}
	if a.finish == "" {
		return a.end(a.c.brokeOff(errors.New("an answer without a finish_reason")))
	}
	return a.end(nil)
}
