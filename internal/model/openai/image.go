package openai

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// wireDrawing is a request for images. Seed and negative prompt are what local
// servers add; OpenAI itself refuses them.
type wireDrawing struct {
	Model          string   `json:"model"`
	Prompt         string   `json:"prompt"`
	N              int      `json:"n"`
	Size           string   `json:"size,omitempty"`
	ResponseFormat string   `json:"response_format,omitempty"`
	Negative       string   `json:"negative_prompt,omitempty"`
	Seed           *int64   `json:"seed,omitempty"`
	Guidance       *float64 `json:"guidance_scale,omitempty"`
}

type wireImages struct {
	Data []struct {
		Image []byte `json:"b64_json"`
		URL   string `json:"url"`
	} `json:"data"`
	Usage struct {
		InputTokens  int `json:"input_tokens"`
		OutputTokens int `json:"output_tokens"`
	} `json:"usage"`
}

// Draw implements model.Drawer with POST /images/generations.
func (c *Client) Draw(ctx context.Context, r model.ImageRequest) (model.Images, error) {
	p := r.Picture
	if p.Drawing != model.DrawNew {
		return model.Images{}, errs.InField("drawing", "this server makes new images only").With("model", r.Model)
	}
	q := wireDrawing{
		Model: r.Model, Prompt: p.Prompt, N: max(p.Count, 1), ResponseFormat: "b64_json", Negative: p.Negative, Seed: p.Seed, Guidance: p.Guidance,
	}
	if strings.Contains(r.Model, "gpt-image") {
		q.ResponseFormat = "" // it has no other, and refuses to be told
	}
	if p.Width > 0 {
		q.Size = fmt.Sprintf("%dx%d", p.Width, p.Height)
	}
	var answer wireImages
	if err := c.post(ctx, "images/generations", q, &answer, asked(r.Model, p.Prompt, p.Negative)); err != nil {
		return model.Images{}, err
	}
	out := model.Images{Usage: model.Usage{InputTokens: answer.Usage.InputTokens, OutputTokens: answer.Usage.OutputTokens}}
	for _, d := range answer.Data {
		kind := http.DetectContentType(d.Image)
		switch {
		case len(d.Image) == 0 && d.URL != "": // an address of its own choice is nothing to follow
			return model.Images{}, errs.New(errs.ModelFailed, "the server answers with the address of an image and not with the image; set it up to answer in base64").
				With("host", c.base.Host).With("reason", "url")
		case !slices.Contains([]string{"image/png", "image/jpeg", "image/webp"}, kind):
			return model.Images{}, c.unreadable()
		}
		out.Images = append(out.Images, model.Media{MediaType: kind, Data: d.Image})
	}
	if len(out.Images) == 0 {
		return model.Images{}, c.unreadable()
	}
	return out, nil
}

func (c *Client) tryImage(ctx context.Context, modelID string, start *time.Time) (string, error) {
	*start = time.Now()
	got, err := c.Draw(ctx, model.ImageRequest{Model: modelID, Picture: model.Picture{Drawing: model.DrawNew, Prompt: "a white circle on a blue ground", Count: 1}})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("an image of %d KB after %d ms", (len(got.Images[0].Data)+1023)>>10, took(*start)), nil
}
