package openai

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// wireModel is a model in the list, with what servers add to the protocol.
type wireModel struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	OwnedBy string `json:"owned_by"`
	Task    string `json:"task"` // Speaches, in the words of Hugging Face

	MaxModelLen   int `json:"max_model_len"`  // vLLM
	ContextLength int `json:"context_length"` // OpenRouter and other gateways
	TopProvider   struct {
		MaxCompletionTokens int `json:"max_completion_tokens"` // OpenRouter
	} `json:"top_provider"`
	SupportedParameters []string `json:"supported_parameters"` // OpenRouter
	Meta                struct { // llama.cpp
		NCtx      int `json:"n_ctx"`       // as served, of one slot
		NCtxTrain int `json:"n_ctx_train"` // as trained
	} `json:"meta"`
	Architecture struct { // llama.cpp, OpenRouter
		InputModalities []string `json:"input_modalities"`
	} `json:"architecture"`
}

func (m wireModel) remote() model.RemoteModel {
	r := model.RemoteModel{ID: m.ID, Name: m.Name, Task: model.TaskOf(m.ID)}
	if m.Task == "automatic-speech-recognition" {
		r.Task = model.TaskTranscription
	}
	if r.Name == "" {
		r.Name = m.ID
	}
	c := &r.Capabilities
	for _, n := range []int{m.MaxModelLen, m.ContextLength, m.Meta.NCtx, m.Meta.NCtxTrain} {
		if n > 0 {
			c.ContextTokens = n
			break
		}
	}
	c.OutputTokens = m.TopProvider.MaxCompletionTokens
	c.Vision = slices.Contains(m.Architecture.InputModalities, "image")
	c.Tools = slices.Contains(m.SupportedParameters, "tools")
	c.Reasoning = slices.Contains(m.SupportedParameters, "reasoning")
	return r
}

// Models implements model.Provider with GET /models, and on Ollama, whose list
// says nothing about its models, with its own API beside it.
func (c *Client) Models(ctx context.Context) ([]model.RemoteModel, error) {
	if c.broken != nil {
		return nil, c.broken
	}
	resp, body, err := c.get(ctx, c.endpoint("models")) //nolint:bodyclose // exchange has read and closed it
	if err != nil {
		return nil, err
	}
	return c.readModels(ctx, resp, body)
}

func (c *Client) readModels(ctx context.Context, resp *http.Response, body []byte) ([]model.RemoteModel, error) {
	if resp.StatusCode != http.StatusOK {
		err := c.failure(resp, body, model.Request{})
		if resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusMethodNotAllowed {
			return nil, errs.Wrap(errs.ModelInvalidRequest, "there is no list of models at this address; "+c.baseHint(), err).With("host", c.base.Host)
		}
		return nil, err
	}
	var list struct {
		Data *[]wireModel `json:"data"`
	}
	if err := json.Unmarshal(body, &list); err != nil || list.Data == nil {
		if err == nil {
			err = errors.New("no data in the list")
		}
		what := "the list of models cannot be read; "
		if looksLikeHTML(body) {
			what = "there is a web page and no API at this address; "
		}
		return nil, errs.Wrap(errs.ModelInvalidRequest, what+c.baseHint(), err).With("host", c.base.Host)
	}
	out := make([]model.RemoteModel, 0, len(*list.Data))
	var bare []int // models that their own server can tell more about
	for _, m := range *list.Data {
		if m.ID == "" {
			continue
		}
		if m.OwnedBy == "library" {
			bare = append(bare, len(out))
		}
		out = append(out, m.remote())
	}
	c.askOllama(ctx, out, bare)
	slices.SortFunc(out, func(a, b model.RemoteModel) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// askOllama fills in what POST /api/show says. A server that only looks like
// Ollama does not answer, which changes nothing.
func (c *Client) askOllama(ctx context.Context, models []model.RemoteModel, which []int) {
	root := *c.base
	root.Path = strings.TrimSuffix(strings.TrimRight(root.Path, "/"), "/v1")
	address := root.JoinPath("api/show").String()
	which = which[:min(len(which), 100)]
	var wg sync.WaitGroup
	turns := make(chan struct{}, 4)
	for _, i := range which {
		wg.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			body, err := json.Marshal(map[string]string{"model": models[i].ID})
			if err != nil {
				return
			}
			resp, said, err := c.exchange(ctx, http.MethodPost, address, body) //nolint:bodyclose // exchange has read and closed it
			if err == nil && resp.StatusCode == http.StatusOK {
				models[i].Capabilities = ollamaCapabilities(said)
				models[i].Task = ollamaTask(said, models[i].Task)
			}
		})
	}
	wg.Wait()
}

// ollamaTask is what the answer of /api/show says the model is for, or otherwise
// what its name has told.
func ollamaTask(body []byte, named model.Task) model.Task {
	var show struct {
		Capabilities []string `json:"capabilities"`
	}
	switch {
	case json.Unmarshal(body, &show) != nil:
	case slices.Contains(show.Capabilities, "completion"):
		return model.TaskChat
	case slices.Contains(show.Capabilities, "embedding"):
		return model.TaskEmbedding
	}
	return named
}

// ollamaCapabilities reads the answer of /api/show. The context length is taken
// only where the model file sets it: Ollama serves a shorter one than the model
// could take by default, and cuts longer prompts without a word.
func ollamaCapabilities(body []byte) model.Capabilities {
	var show struct {
		Capabilities []string `json:"capabilities"`
		Parameters   string   `json:"parameters"`
	}
	var c model.Capabilities
	if json.Unmarshal(body, &show) != nil {
		return c
	}
	c.Vision = slices.Contains(show.Capabilities, "vision")
	c.Tools = slices.Contains(show.Capabilities, "tools")
	c.Reasoning = slices.Contains(show.Capabilities, "thinking")
	for line := range strings.Lines(show.Parameters) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == "num_ctx" {
			c.ContextTokens, _ = strconv.Atoi(f[1])
		}
	}
	return c
}
