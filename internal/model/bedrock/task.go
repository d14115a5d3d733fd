package bedrock

import (
	"context"
	"slices"
	"strings"

	"kakoi/internal/model"
)

// CheckTask implements model.TaskChecker with the steps of Check, the last of
// which is the model's task in small.
func (c *Client) CheckTask(ctx context.Context, modelID string, task model.Task) []model.CheckStep {
	try := c.checkAnswer
	if task == model.TaskEmbedding {
		try = c.tryEmbedding
	}
	return c.check(ctx, modelID, try)
}

// taskOf returns what a foundation model is asked for: what this package has a
// form of request for, and otherwise words.
func taskOf(base string) model.Task {
	base = baseModel(base)
	if slices.ContainsFunc(embedders, func(e embedder) bool { return strings.HasPrefix(base, e.prefix) }) {
		return model.TaskEmbedding
	}
	return model.TaskChat
}
