package openai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// CheckTask implements model.TaskChecker with the steps of Check, the last of
// which is the model's task in small: it hears a second of silence, turns two
// words into a vector, puts two documents in order, draws a circle.
func (c *Client) CheckTask(ctx context.Context, modelID string, task model.Task) []model.CheckStep {
	var try func(context.Context, string, *time.Time) (string, error)
	switch task {
	case model.TaskTranscription:
		try = c.tryTranscription
	case model.TaskEmbedding:
		try = c.tryEmbedding
	case model.TaskRerank:
		try = c.tryRerank
	case model.TaskImage:
		try = c.tryImage
	default:
		return c.Check(ctx, modelID)
	}
	return slices.Collect(c.examine(ctx, modelID, func(ctx context.Context, id string) []model.CheckStep {
		start := time.Now()
		detail, err := try(ctx, id, &start)
		return []model.CheckStep{{Name: "answer", Detail: detail, Err: err, Elapsed: time.Since(start)}}
	}))
}

// maxTaskBody bounds answers that hold vectors or images.
const maxTaskBody = 128 << 20

// post sends a request that is answered with one JSON document, which it reads
// into answer. asked is what the request says of the model and holds of the
// person's words, for the failure's sake.
func (c *Client) post(ctx context.Context, path string, body, answer any, asked model.Request) error {
	if c.broken != nil {
		return c.broken
	}
	b, err := json.Marshal(body)
	if err != nil {
		return errs.Wrap(errs.ModelInvalidRequest, "the request to the model server could not be made", err)
	}
	ctx, wait := newPatience(ctx, c.cfg.FirstByteTimeout)
	defer wait.end()
	req, err := c.newRequest(ctx, http.MethodPost, c.endpoint(path), b)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return c.transportError(ctx, err)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(wait.reader(resp.Body, c.cfg.IdleTimeout), maxTaskBody))
	if err != nil {
		return c.transportError(ctx, err)
	}
	if resp.StatusCode != http.StatusOK {
		return c.refusedTask(resp, said[:min(len(said), maxErrorBody)], path, asked)
	}
	if looksLikeHTML(said) {
		return errs.Wrap(errs.ModelInvalidRequest, "there is a web page and no API at this address; "+c.baseHint(), errors.New("the answer is HTML")).
			With("host", c.base.Host).With("reason", "base_url")
	}
	if err := json.Unmarshal(said, answer); err != nil {
		return c.unreadable()
	}
	return nil
}

// unreadable is the error of an answer that is none. What was answered may
// repeat what somebody wrote: it is not repeated.
func (c *Client) unreadable() error {
	return errs.New(errs.ModelFailed, "the model server's answer cannot be read").With("host", c.base.Host).With("reason", "unknown")
}

// refusedTask is failure, which speaks of chat completions, for another path.
func (c *Client) refusedTask(resp *http.Response, body []byte, path string, asked model.Request) error {
	err := c.failure(resp, body, asked)
	var known *errs.Error
	if errors.As(err, &known) && known.Params["reason"] == "base_url" {
		return errs.Wrap(errs.ModelInvalidRequest, fmt.Sprintf("the model server has no /%s; %s", path, c.baseHint()), err).
			With("host", c.base.Host).With("reason", "base_url")
	}
	return err
}

// asked is what failures know of a task: its model, and the texts that must not
// be repeated in a log.
func asked(modelID string, texts ...string) model.Request {
	parts := make([]model.Part, len(texts))
	for i, t := range texts {
		parts[i] = model.Part{Type: model.PartText, Text: t}
	}
	return model.Request{Model: modelID, Messages: []model.Message{{Role: model.RoleUser, Parts: parts}}}
}

func took(start time.Time) int64 { return time.Since(start).Milliseconds() }
