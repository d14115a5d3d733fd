package bedrock

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// CountTokens implements model.TokenCounter with CountTokens, which knows the
// models of Anthropic alone, by their own ids. What is counted goes to the
// region that is called and no further, whatever profile the model is reached by.
func (c *Client) CountTokens(ctx context.Context, req model.Request) (int, error) {
	base, err := modelOf(req.Model, req.Options)
	if err != nil {
		return 0, err
	}
	if !strings.HasPrefix(base, "anthropic.") {
		return 0, errs.Newf(errs.ModelInput, "Bedrock does not count the tokens of %s", base).With("reason", "count_tokens").With("model", base)
	}
	r, err := translate(req)
	if err != nil {
		return 0, err
	}
	var out *bedrockruntime.CountTokensOutput
	err = c.patiently(ctx, func(ctx context.Context) error {
		var err error
		out, err = c.runtime.CountTokens(ctx, &bedrockruntime.CountTokensInput{
			ModelId: aws.String(base),
			Input: &types.CountTokensInputMemberConverse{Value: types.ConverseTokensRequest{
				Messages: r.input.Messages, System: r.input.System, ToolConfig: r.input.ToolConfig,
				AdditionalModelRequestFields: r.input.AdditionalModelRequestFields,
			}},
		}, func(o *bedrockruntime.Options) { c.as(req.Caller, o) })
		return err
	})
	if err != nil {
		return 0, err
	}
	return int(aws.ToInt32(out.InputTokens)), nil
}
