package bedrock

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentruntime/types"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// rerankers are the models that put documents in order, by the beginnings of
// their ids.
var rerankers = []string{"amazon.rerank-", "cohere.rerank-"}

// maxRerankText is how many characters Bedrock takes of a query or a document.
const maxRerankText = 32_000

// Rerank implements model.Reranker with Rerank of bedrock-agent-runtime. With
// Options.InvokeRerank, or where a Bedrock API key is used, which that service
// does not take, InvokeModel of bedrock-runtime does the same.
func (c *Client) Rerank(ctx context.Context, r model.Reranking) (model.Ranking, error) {
	base, err := modelOf(r.Model, r.Options)
	if err != nil {
		return model.Ranking{}, err
	}
	if !slices.ContainsFunc(rerankers, func(prefix string) bool { return strings.HasPrefix(base, prefix) }) {
		return model.Ranking{}, unspoken(base, "an order of documents")
	}
	for _, t := range append([]string{r.Query}, r.Documents...) {
		if n := utf8.RuneCountInString(t); n > maxRerankText {
			return model.Ranking{}, errs.New(errs.ModelContextTooLong, "a text is longer than Bedrock takes to put in order").
				With("limit", strconv.Itoa(maxRerankText)).With("characters", strconv.Itoa(n))
		}
	}
	opts, err := ParseOptions(r.Options)
	if err != nil {
		return model.Ranking{}, err
	}
	if opts.InvokeRerank || c.creds == nil {
		return c.invokeRerank(ctx, r, base)
	}
	return c.agentRerank(ctx, r)
}

func (r reranked) ranking() model.Ranking {
	out := model.Ranking{Ranked: make([]model.Ranked, len(r))}
	for i, one := range r {
		out.Ranked[i] = model.Ranked{Index: one.Index, Score: one.Score}
	}
	return out
}

type reranked []struct {
	Index int     `json:"index"`
	Score float64 `json:"relevance_score"`
}

func (c *Client) invokeRerank(ctx context.Context, r model.Reranking, base string) (model.Ranking, error) {
	body := map[string]any{"query": r.Query, "documents": r.Documents, "top_n": wanted(r)}
	if strings.HasPrefix(base, "cohere.") {
		body["api_version"] = 2
	}
	var answer struct {
		Results reranked `json:"results"`
	}
	if _, err := c.invoke(ctx, invocation{r.Model, body, r.Caller}, &answer); err != nil {
		return model.Ranking{}, err
	}
	return answer.Results.ranking(), nil
}

func wanted(r model.Reranking) int {
	if r.Top == 0 {
		return len(r.Documents)
	}
	return min(r.Top, len(r.Documents))
}

func (c *Client) agentRerank(ctx context.Context, r model.Reranking) (model.Ranking, error) {
	in := &bedrockagentruntime.RerankInput{
		Queries: []types.RerankQuery{{Type: types.RerankQueryContentTypeText, TextQuery: &types.RerankTextDocument{Text: aws.String(r.Query)}}},
		RerankingConfiguration: &types.RerankingConfiguration{
			Type: types.RerankingConfigurationTypeBedrockRerankingModel,
			BedrockRerankingConfiguration: &types.BedrockRerankingConfiguration{
				ModelConfiguration: &types.BedrockRerankingModelConfiguration{ModelArn: aws.String(c.arnOf(r.Model))},
				NumberOfResults:    aws.Int32(int32(wanted(r))),
			},
		},
	}
	for _, d := range r.Documents {
		in.Sources = append(in.Sources, types.RerankSource{
			Type: types.RerankSourceTypeInline,
			InlineDocumentSource: &types.RerankDocument{
				Type: types.RerankDocumentTypeText, TextDocument: &types.RerankTextDocument{Text: aws.String(d)},
			},
		})
	}
	var out model.Ranking
	for {
		var page *bedrockagentruntime.RerankOutput
		err := c.patiently(ctx, func(ctx context.Context) error {
			var err error
			page, err = c.agents.Rerank(ctx, in, func(o *bedrockagentruntime.Options) {
				if c.chain != nil {
					credentials := c.chain.provider(r.Caller)
					o.Credentials, o.Retryer = &provider{inner: credentials}, renewing{credentials: credentials}
				}
			})
			return err
		})
		if err != nil {
			return model.Ranking{}, err
		}
		for _, one := range page.Results {
			out.Ranked = append(out.Ranked, model.Ranked{Index: int(aws.ToInt32(one.Index)), Score: float64(aws.ToFloat32(one.RelevanceScore))})
		}
		if aws.ToString(page.NextToken) == "" || len(page.Results) == 0 || len(out.Ranked) > len(r.Documents) {
			return out, nil
		}
		in.NextToken = page.NextToken
	}
}

// arnOf is the ARN of a foundation model in the region that is called. What is
// an ARN already stays one.
func (c *Client) arnOf(id string) string {
	if strings.HasPrefix(id, "arn:") {
		return id
	}
	partition := "aws"
	switch {
	case strings.HasPrefix(c.region, "cn-"):
		partition = "aws-cn"
	case strings.HasPrefix(c.region, "us-gov-"):
		partition = "aws-us-gov"
	}
	return "arn:" + partition + ":bedrock:" + c.region + "::foundation-model/" + id
}

func (c *Client) tryRerank(ctx context.Context, modelID string) (string, error) {
	start := time.Now()
	got, err := c.Rerank(ctx, model.Reranking{Model: modelID, Query: "Hello", Documents: []string{"Hello, world.", "Goodbye."}})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d documents in order after %d ms", len(got.Ranked), time.Since(start).Milliseconds()), nil
}
