package bedrock

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// errSilent is why a context ended: the upstream said nothing for too long.
var errSilent = errors.New("the upstream is silent")

// metadataTimeout is how long a complete answer waits for its count of tokens.
const metadataTimeout = 10 * time.Second

// Stream implements model.Provider with ConverseStream.
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

		out, err := c.runtime.ConverseStream(call, r.input)
		if err != nil {
			yield(model.Event{}, c.failure(ctx, call, watch, err, false))
			return
		}
		stream := out.GetStream()
		defer stream.Close()

		a := answer{yield: yield}
		for ev := range stream.Events() {
			watch.pause() // the reader's time is not the upstream's
			content, ok := a.take(ev)
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
		switch err := stream.Err(); {
		case a.stopped && a.late != nil:
			yield(model.Event{}, a.late)
		case a.stopped:
			// Complete. What may be missing is the count of tokens after the end mark.
			if err != nil || !a.counted {
				c.log.WarnContext(ctx, "bedrock: the stream ended without its usage", "err", err)
			}
		case err == nil && call.Err() == nil:
			yield(model.Event{}, brokeOff(nil))
		default:
			yield(model.Event{}, c.failure(ctx, call, watch, err, true))
		}
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
}

// take passes one event on. It reports whether the event was a piece of the
// answer, and false if the reader left.
func (a *answer) take(ev types.ConverseStreamOutput) (content, ok bool) {
	switch ev := ev.(type) {
	case *types.ConverseStreamOutputMemberContentBlockDelta:
		switch d := ev.Value.Delta.(type) {
		case *types.ContentBlockDeltaMemberText:
			return true, a.text(model.EventText, d.Value)
		case *types.ContentBlockDeltaMemberReasoningContent:
			switch d := d.Value.(type) {
			case *types.ReasoningContentBlockDeltaMemberText:
				return true, a.text(model.EventReasoning, d.Value)
			case *types.ReasoningContentBlockDeltaMemberSignature:
				a.signature.WriteString(d.Value)
			case *types.ReasoningContentBlockDeltaMemberRedactedContent:
				a.redacted = append(a.redacted, d.Value...)
			}
		}
		return true, true
	case *types.ConverseStreamOutputMemberContentBlockStop:
		return true, a.seal()
	case *types.ConverseStreamOutputMemberMessageStop:
		if !a.seal() {
			return true, false
		}
		a.stopped = true
		reason, err := stopReason(ev.Value.StopReason)
		if err != nil {
			a.late = err
			return true, true
		}
		return true, a.yield(model.Event{Type: model.EventStop, StopReason: reason}, nil)
	case *types.ConverseStreamOutputMemberMetadata: // comes after messageStop
		if u := ev.Value.Usage; u != nil {
			a.counted = true
			return true, a.yield(model.Event{Type: model.EventUsage, Usage: usage(u)}, nil)
		}
	}
	return false, true
}

func (a *answer) text(t model.EventType, s string) bool {
	if s == "" {
		return true
	}
	return a.yield(model.Event{Type: t, Text: strings.ToValidUTF8(s, "\uFFFD")}, nil)
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

func usage(u *types.TokenUsage) model.Usage {
	out := model.Usage{
		InputTokens:      int(aws.ToInt32(u.InputTokens)),
		OutputTokens:     int(aws.ToInt32(u.OutputTokens)),
		CacheReadTokens:  int(aws.ToInt32(u.CacheReadInputTokens)),
		CacheWriteTokens: int(aws.ToInt32(u.CacheWriteInputTokens)),
	}
	if u.CacheWriteInputTokens == nil {
		for _, d := range u.CacheDetails {
			out.CacheWriteTokens += int(aws.ToInt32(d.InputTokens))
		}
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
		return "", errs.New(errs.ModelFailed, "the model's answer was malformed").With("reason", string(r))
	default: // end_turn, and reasons newer than this table
		return model.StopEnd, nil
	}
}
