package bedrock

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"kakoi/internal/model"
)

// maxWhole bounds the body of a whole answer.
const maxWhole = 64 << 20

// wholeAnswer is the body of Converse's answer, as far as we read it.
type wholeAnswer struct {
	Output struct {
		Message struct {
			Content []struct {
				Text    string `json:"text"`
				ToolUse *struct {
					toolStart
					Input json.RawMessage `json:"input"`
				} `json:"toolUse"`
				Reasoning *struct {
					Text *struct {
						Text      string `json:"text"`
						Signature string `json:"signature"`
					} `json:"reasoningText"`
					Redacted []byte `json:"redactedContent"`
				} `json:"reasoningContent"`
			} `json:"content"`
		} `json:"message"`
	} `json:"output"`
	StopReason string          `json:"stopReason"`
	Fields     json.RawMessage `json:"additionalModelResponseFields"`
	Usage      *usage          `json:"usage"`
	Trace      trace           `json:"trace"`
}

// converse asks for a whole answer and tells it like a stream.
func (c *Client) converse(ctx, call context.Context, r request, w *watchdog, yield func(model.Event, error) bool) {
	var body []byte
	_, err := c.runtime.Converse(call, r.converse(), func(o *bedrockruntime.Options) {
		o.APIOptions = append(o.APIOptions, keepBody(&body))
		c.as(r.caller, o)
	})
	w.pause()
	if err != nil {
		yield(model.Event{}, c.failure(ctx, call, w, err, false))
		return
	}
	var said wholeAnswer
	if err := json.Unmarshal(body, &said); err != nil {
		err = fmt.Errorf("%w: the answer is not JSON", errFrame) // the cause may hold the answer
		yield(model.Event{}, c.failure(ctx, call, w, err, true))
		return
	}
	a := answer{yield: yield}
	if a.tell(said) && a.late != nil {
		yield(model.Event{}, a.late)
	}
}

// tell passes a whole answer on as the events of a stream. It reports false if
// the reader left.
func (a *answer) tell(said wholeAnswer) bool {
	take := func(name string, ev event) bool {
		_, ok := a.take(name, ev)
		return ok
	}
	for _, block := range said.Output.Message.Content {
		ok := true
		switch {
		case block.Reasoning != nil && block.Reasoning.Text != nil:
			a.signature.WriteString(block.Reasoning.Text.Signature)
			ok = a.text(model.EventReasoning, block.Reasoning.Text.Text)
		case block.Reasoning != nil:
			a.redacted = block.Reasoning.Redacted
		case block.ToolUse != nil:
			a.tool, a.input = &block.ToolUse.toolStart, block.ToolUse.Input
		default:
			ok = a.text(model.EventText, block.Text)
		}
		if !ok || !take("contentBlockStop", event{}) {
			return false
		}
	}
	return take("messageStop", event{StopReason: said.StopReason, Fields: said.Fields}) &&
		take("metadata", event{Usage: said.Usage, Trace: said.Trace})
}

// keepBody reads the body of a successful answer into body before the SDK does.
func keepBody(body *[]byte) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return stack.Deserialize.Insert(middleware.DeserializeMiddlewareFunc("KakoiBody",
			func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
				out, metadata, err := next.HandleDeserialize(ctx, in)
				resp, ok := out.RawResponse.(*smithyhttp.Response)
				if err != nil || !ok || resp.StatusCode != http.StatusOK {
					return out, metadata, err
				}
				*body, err = io.ReadAll(io.LimitReader(resp.Body, maxWhole))
				resp.Body.Close()
				resp.Body = io.NopCloser(bytes.NewReader(*body))
				return out, metadata, err
			}), "OperationDeserializer", middleware.After)
	}
}

// unstreamed remembers which models answer only in one piece, some of them only
// when they may use tools.
type unstreamed struct{ models sync.Map }

type unstreamedKey struct {
	model string
	tools bool
}

func (u *unstreamed) has(r request) bool {
	id := aws.ToString(r.input.ModelId)
	if _, never := u.models.Load(unstreamedKey{id, false}); never {
		return true
	}
	_, yes := u.models.Load(unstreamedKey{id, r.input.ToolConfig != nil})
	return yes
}

func (u *unstreamed) add(modelID string, tools bool) {
	u.models.Store(unstreamedKey{modelID, tools}, struct{}{})
}

var noStream = regexp.MustCompile(`(?i)(not|n.t|un)\s?support(ed)?\b.{0,40}\bstream`)

// learn reports whether err says that the model does not stream what r asks.
func (u *unstreamed) learn(r request, err error) bool {
	if err == nil {
		return false
	}
	up, ok := upstreamOf(err)
	if !ok || up.status != http.StatusBadRequest || !noStream.MatchString(up.message) {
		return false
	}
	u.add(aws.ToString(r.input.ModelId), r.input.ToolConfig != nil)
	return true
}
