package openai

import (
	"context"
	"fmt"
	"time"

	"kakoi/internal/model"
)

type wireRerank struct {
	Model     string   `json:"model"`
	Query     string   `json:"query"`
	Documents []string `json:"documents"`
	TopN      int      `json:"top_n,omitempty"`
}

// wireRanking is an answer in the form of Cohere and Jina, which vLLM and
// llama.cpp share.
type wireRanking struct {
	Results *[]struct {
		Index int      `json:"index"`
		Score *float64 `json:"relevance_score"`
	} `json:"results"`
	Usage struct {
		PromptTokens int `json:"prompt_tokens"`
		TotalTokens  int `json:"total_tokens"`
	} `json:"usage"`
	Meta struct {
		BilledUnits struct {
			SearchUnits int `json:"search_units"`
		} `json:"billed_units"`
	} `json:"meta"`
}

// Rerank implements model.Reranker with POST /rerank.
func (c *Client) Rerank(ctx context.Context, r model.Reranking) (model.Ranking, error) {
	var answer wireRanking
	err := c.post(ctx, "rerank", wireRerank{Model: r.Model, Query: r.Query, Documents: r.Documents, TopN: r.Top}, &answer,
		asked(r.Model, append([]string{r.Query}, r.Documents...)...))
	if err != nil {
		return model.Ranking{}, err
	}
	if answer.Results == nil {
		return model.Ranking{}, c.unreadable()
	}
	out := model.Ranking{
		Usage: model.Usage{InputTokens: max(answer.Usage.PromptTokens, answer.Usage.TotalTokens)}, Searches: answer.Meta.BilledUnits.SearchUnits,
	}
	for _, one := range *answer.Results {
		if one.Score == nil {
			return model.Ranking{}, c.unreadable()
		}
		out.Ranked = append(out.Ranked, model.Ranked{Index: one.Index, Score: *one.Score})
	}
	return out, nil
}

func (c *Client) tryRerank(ctx context.Context, modelID string, start *time.Time) (string, error) {
	*start = time.Now()
	got, err := c.Rerank(ctx, model.Reranking{Model: modelID, Query: "Hello", Documents: []string{"Hello, world.", "Goodbye."}})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d documents in order after %d ms", len(got.Ranked), took(*start)), nil
}
