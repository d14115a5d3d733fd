package bedrock

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// errSilent is why a context ended: the upstream said nothing for too long.
var errSilent = errors.New("the upstream is silent")

// metadataTimeout is how long a complete answer waits for its count of tokens.
const metadataTimeout = 10 * time.Second

// Stream implements model.Provider with ConverseStream, and with Converse for a
// model that does not stream.
func (c *Client) Stream(ctx context.Context, req model.Request) iter.Seq2[model.Event, error] {
	return func(yield func(model.Event, error) bool) {
		r, err := translate(req)
		if err != nil {
			yield(model.Event{}, err)
			return
		}
		firstByte := c.firstByte
		if r.thinking {
			firstByte *= reasoningPatience
		}
		call, cancel := context.WithCancelCause(ctx)
		defer cancel(nil) // closes the upstream connection, however the loop ends
		watch := &watchdog{limit: firstByte}
		watch.timer = time.AfterFunc(firstByte, func() { cancel(errSilent) })
		defer watch.timer.Stop()

		if r.whole || c.unstreamed.has(r) {
			watch.stretch()
			c.converse(ctx, call, r, watch, yield)
			return
		}
		body, err := c.open(call, r)
		if c.unstreamed.learn(r, err) {
			c.log.InfoContext(ctx, "bedrock: this model does not stream; asking for the whole answer", "model", req.Model, "tools", len(req.Tools) > 0)
			watch.stretch()
			c.converse(ctx, call, r, watch, yield)
			return
		}
		if err != nil {
			yield(model.Event{}, c.failure(ctx, call, watch, err, false))
			return
		}
		defer body.Close()

		a := answer{yield: yield}
		for frames := newFrameReader(body); ; {
			fr, err := frames.next()
			watch.pause() // the reader's time is not the upstream's
			var ev event
			if err == nil {
				ev, err = fr.open()
			}
			if err != nil {
				c.end(ctx, call, &a, watch, err)
				return
			}
			content, ok := a.take(fr.name, ev)
			if !ok {
				return
			}
			switch {
			case a.stopped:
				watch.limit = min(c.idle, metadataTimeout)
			case content:
				watch.limit = c.idle
			}
			watch.resume()
		}
	}
}

// open makes the call and returns the body of its answer.
func (c *Client) open(ctx context.Context, r request) (io.ReadCloser, error) {
	out, err := c.runtime.ConverseStream(ctx, r.input, func(o *bedrockruntime.Options) {
		o.APIOptions = append(o.APIOptions, withoutReader)
		c.as(r.caller, o)
	})
	if err != nil {
		return nil, err
	}
	resp, ok := awsmiddleware.GetRawResponse(out.ResultMetadata).(*smithyhttp.Response)
	if !ok {
		return nil, errors.New("bedrock: the SDK has no response")
	}
	return resp.Body, nil
}

// end tells how the stream ended: err is what ended the reading.
func (c *Client) end(ctx, call context.Context, a *answer, w *watchdog, err error) {
	switch {
	case a.late != nil:
		a.yield(model.Event{}, a.late)
	case a.stopped:
		// Complete. What may be missing is the count of tokens after the end mark.
		if !a.counted {
			c.log.WarnContext(ctx, "bedrock: the answer ended without its usage", "err", err)
		}
	default:
		a.yield(model.Event{}, c.failure(ctx, call, w, err, true))
	}
}

// failure gives err its code; begun says that the answer had begun. The
// caller's own cancellation comes back as it is, the watchdog's as a timeout.
func (c *Client) failure(caller, call context.Context, w *watchdog, err error, begun bool) error {
	if caller.Err() != nil {
		return ended(caller)
	}
	if errors.Is(context.Cause(call), errSilent) {
		return errs.Wrap(errs.ModelTimeout, "the model was silent for too long", errSilent).
			With("seconds", seconds(w.limit))
	}
	return classify(err, begun)
}

// ended is the error of a call whose caller ended it.
func ended(caller context.Context) error {
	if errors.Is(caller.Err(), context.DeadlineExceeded) {
		return errs.Wrap(errs.ModelTimeout, "the model took too long to answer", caller.Err())
	}
	return caller.Err()
}

// watchdog ends a call whose upstream is silent. Its timer runs only while
// waiting for the upstream.
type watchdog struct {
	timer *time.Timer
	limit time.Duration
}

// stretch gives the upstream the time for a whole answer without a word.
func (w *watchdog) stretch() {
	w.limit *= reasoningPatience
	w.timer.Reset(w.limit)
}

func (w *watchdog) pause()  { w.timer.Stop() }
func (w *watchdog) resume() { w.timer.Reset(w.limit) }

// answer turns the events of one stream into those of model.
type answer struct {
	yield   func(model.Event, error) bool
	stopped bool  // the end mark was seen
	late    error // what the end mark turned out to mean, told after the usage
	counted bool

	// The seal of the reasoning block at hand, which may come in pieces and is
	// told at the block's end.
	signature strings.Builder
	redacted  []byte

	tool  *toolStart // the use of a tool at hand
	input []byte     // what it has of its input
	torn  bool       // a use of a tool came whose input is no JSON object
}

// maxToolInput bounds what a model may write as the input of a tool.
const maxToolInput = 4 << 20

// take passes one event on. It reports whether the event was a piece of the
// answer, and false if the reader left.
func (a *answer) take(name string, ev event) (content, ok bool) {
	switch name {
	case "contentBlockStart":
		a.tool, a.input = ev.Start.ToolUse, a.input[:0]
		return a.tool != nil, true
	case "contentBlockDelta":
		if d := ev.Delta.ToolUse; d != nil {
			if len(a.input) <= maxToolInput {
				a.input = append(a.input, d.Input...)
			}
			return true, true
		}
		if d := ev.Delta.Reasoning; d != nil {
			a.signature.WriteString(d.Signature)
			a.redacted = append(a.redacted, d.Redacted...)
			return true, a.text(model.EventReasoning, d.Text)
		}
		return true, a.text(model.EventText, ev.Delta.Text)
	case "contentBlockStop":
		return true, a.seal() && a.use()
	case "messageStop":
		if !a.seal() {
			return true, false
		}
		a.stopped = true
		reason, err := a.stopReason(types.StopReason(ev.StopReason))
		if err != nil {
			a.late = err
			return true, true
		}
		return true, a.yield(model.Event{Type: model.EventStop, StopReason: reason, Fields: ev.Fields}, nil)
	case "metadata": // comes after messageStop
		if stepped := ev.Trace.interventions(); len(stepped) > 0 && !a.yield(model.Event{Type: model.EventGuardrail, Interventions: stepped}, nil) {
			return true, false
		}
		if ev.Usage != nil {
			a.counted = true
			return true, a.yield(model.Event{Type: model.EventUsage, Usage: ev.Usage.tokens()}, nil)
		}
	}
	return false, true
}

func (a *answer) text(t model.EventType, s string) bool {
	if s == "" {
		return true
	}
	return a.yield(model.Event{Type: t, Text: s}, nil) // valid UTF-8: it was decoded from JSON
}

// seal tells the reasoning block's seal, if it has one.
func (a *answer) seal() bool {
	if a.signature.Len() > 0 {
		s := a.signature.String()
		a.signature.Reset()
		if !a.yield(model.Event{Type: model.EventReasoning, Signature: s}, nil) {
			return false
		}
	}
	if len(a.redacted) > 0 {
		b := a.redacted
		a.redacted = nil
		return a.yield(model.Event{Type: model.EventReasoning, Redacted: b}, nil)
	}
	return true
}

// use tells the use of a tool that has come to its end.
func (a *answer) use() bool {
	tool := a.tool
	a.tool = nil
	if tool == nil || tool.Type != "" {
		return true
	}
	input, ok := model.ToolInput(a.input)
	if !ok || len(a.input) > maxToolInput {
		a.torn = true
		return true
	}
	return a.yield(model.Event{Type: model.EventToolUse, ToolUse: model.ToolUse{ID: tool.ID, Name: tool.Name, Input: input}}, nil)
}

// stopReason is that of the whole answer. The output limit may cut the input of
// a tool, which then is left out; otherwise a torn one is the model's failure.
func (a *answer) stopReason(r types.StopReason) (model.StopReason, error) {
	reason, err := stopReason(r)
	if err == nil && a.torn && reason != model.StopLength && reason != model.StopFiltered {
		return "", malformed("malformed_tool_use")
	}
	return reason, err
}

func malformed(reason string) error {
	return errs.New(errs.ModelFailed, "the model's answer was malformed").With("reason", reason)
}

func (u *usage) tokens() model.Usage {
	out := model.Usage{
		InputTokens:     u.Input,
		OutputTokens:    u.Output,
		CacheReadTokens: u.CacheRead,
	}
	if u.CacheWrite != nil {
		out.CacheWriteTokens = *u.CacheWrite
		return out
	}
	for _, d := range u.CacheDetails {
		out.CacheWriteTokens += d.Input
	}
	return out
}

// stopReason translates why the model stopped. Some of Bedrock's reasons are
// failures.
func stopReason(r types.StopReason) (model.StopReason, error) {
	switch r {
	case types.StopReasonMaxTokens:
		return model.StopLength, nil
	case types.StopReasonStopSequence:
		return model.StopSequence, nil
	case types.StopReasonToolUse:
		return model.StopTool, nil
	case types.StopReasonGuardrailIntervened, types.StopReasonContentFiltered, "refusal":
		return model.StopFiltered, nil
	case types.StopReasonModelContextWindowExceeded:
		return "", errs.New(errs.ModelContextTooLong, "the answer filled what was left of the model's context")
	case types.StopReasonMalformedModelOutput, types.StopReasonMalformedToolUse:
		return "", malformed(string(r))
	default: // end_turn, and reasons newer than this table
		return model.StopEnd, nil
	}
}
