package bedrock

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Identify asks STS who calls.
func Identify(ctx context.Context, c *Client) {
	_, _ = c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
}
