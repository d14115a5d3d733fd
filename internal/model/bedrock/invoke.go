package bedrock

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// invocation is a call of InvokeModel.
type invocation struct {
	model  string
	body   any
	caller model.Caller
}

// invoke sends the body, reads the answer's into answer and returns the answer's
// headers. The answer comes in one piece, so that the silence before it is all
// the silence there is.
func (c *Client) invoke(ctx context.Context, in invocation, answer any) (http.Header, error) {
	body, err := json.Marshal(in.body)
	if err != nil {
		return nil, errs.Wrap(errs.ModelInvalidRequest, "the request to Bedrock could not be made", err)
	}
	var out *bedrockruntime.InvokeModelOutput
	err = c.patiently(ctx, func(ctx context.Context) error {
		var err error
		out, err = c.runtime.InvokeModel(ctx, &bedrockruntime.InvokeModelInput{
			ModelId: aws.String(in.model), Body: body, ContentType: aws.String("application/json"), Accept: aws.String("application/json"),
		}, func(o *bedrockruntime.Options) { c.as(in.caller, o) })
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(out.Body, answer); err != nil {
		// What was answered may repeat what somebody wrote: it is not repeated.
		return nil, errs.New(errs.ModelFailed, "the model's answer cannot be read").With("reason", "answer")
	}
	if resp, ok := awsmiddleware.GetRawResponse(out.ResultMetadata).(*smithyhttp.Response); ok {
		return resp.Header, nil
	}
	return http.Header{}, nil
}

// patiently makes a call whose answer comes in one piece, and gives its failure
// a code.
func (c *Client) patiently(ctx context.Context, call func(context.Context) error) error {
	timed, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := &watchdog{limit: c.firstByte}
	watch.timer = time.AfterFunc(c.firstByte, func() { cancel(errSilent) })
	defer watch.timer.Stop()
	if err := call(timed); err != nil {
		return c.failure(ctx, timed, watch, err, false)
	}
	return nil
}

// inputTokens is what Bedrock counted of a request, or 0 where it says nothing.
func inputTokens(h http.Header) int {
	n, err := strconv.Atoi(h.Get("X-Amzn-Bedrock-Input-Token-Count"))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// modelOf returns the foundation model that a call is for, as far as its id or
// its options tell.
func modelOf(id string, raw json.RawMessage) (string, error) {
	opts, err := ParseOptions(raw)
	if err != nil {
		return "", err
	}
	if opts.BaseModel != "" {
		id = opts.BaseModel
	}
	return baseModel(id), nil
}

// unspoken is the error of a model whose form of request is not known. Each has
// its own with InvokeModel.
func unspoken(id, task string) error {
	return errs.Newf(errs.ModelInvalidRequest, "Kakoi does not know how to ask %s for %s", id, task).
		With("reason", "unknown_form").With("model", id)
}
