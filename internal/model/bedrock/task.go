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
	var try func(context.Context, string) (string, error)
	switch task {
	case model.TaskEmbedding:
		try = c.tryEmbedding
	case model.TaskRerank:
		try = c.tryRerank
	case model.TaskImage:
		try = c.tryImage
	case model.TaskGuardrail:
		try = c.tryGuard
	default:
		return c.Check(ctx, modelID)
	}
	return slices.Collect(c.examine(ctx, modelID, func(ctx context.Context, id string) []model.CheckStep {
		return []model.CheckStep{examined("answer", func(s *model.CheckStep) (err error) {
			s.Detail, err = try(ctx, id)
			return err
		})}
	}))
}

// taskOf returns what a foundation model is asked for: what this package has a
// form of request for, and otherwise words.
func taskOf(base string) model.Task {
	base = baseModel(base)
	begins := func(prefix string) bool { return strings.HasPrefix(base, prefix) }
	switch {
	case slices.ContainsFunc(embedders, func(e embedder) bool { return begins(e.prefix) }):
		return model.TaskEmbedding
	case slices.ContainsFunc(rerankers, begins):
		return model.TaskRerank
	case slices.ContainsFunc(drawers, func(d drawer) bool { return begins(d.prefix) }):
		return model.TaskImage
	}
	return model.TaskChat
}
