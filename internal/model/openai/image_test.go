package openai_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/modeltest/openaifake"
	"kakoi/internal/model/modeltest/script"
)

func TestImagesAreDrawn(t *testing.T) {
	fake := &openaifake.Server{Key: "sk-very-secret"}
	c := client(t, fake)
	got, err := c.Draw(t.Context(), model.ImageRequest{Model: openaifake.ImageModel, Picture: model.Picture{
		Drawing: model.DrawNew, Prompt: "市役所", Negative: "雨", Width: 320, Height: 240, Count: 2, Seed: new(int64(5)),
	}})
	if err != nil || len(got.Images) != 2 {
		t.Fatalf("%d images, %v", len(got.Images), err)
	}
	if size, ok := script.Look(got.Images[1].Data); !ok || size.Width != 320 || size.Height != 240 || got.Images[1].MediaType != "image/png" {
		t.Errorf("%s of %+v", got.Images[1].MediaType, size)
	}
	if sent := string(fake.LastBody()); sent != `{"model":"fake-image","prompt":"市役所","n":2,"size":"320x240","response_format":"b64_json","negative_prompt":"雨","seed":5}` {
		t.Errorf("sent %s", sent)
	}
	steps := c.CheckTask(t.Context(), openaifake.ImageModel, model.TaskImage)
	if last := steps[len(steps)-1]; last.Name != "answer" || last.Err != nil || last.Detail == "" {
		t.Errorf("check = %+v", last)
	}
}

func TestAnImageThatCannotBeDrawnHasACode(t *testing.T) {
	says := func(body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, body) })
	}
	words := model.Picture{Drawing: model.DrawNew, Prompt: "秘密の市役所"}
	for _, tt := range []struct {
		name    string
		server  http.Handler
		model   string
		picture model.Picture
		code    errs.Code
		message string
	}{
		{"throttled", &openaifake.Server{}, "fake-image", model.Picture{Drawing: model.DrawNew, Prompt: "[[throttle]]"}, errs.ModelThrottled, ""},
		{"an edit", &openaifake.Server{}, "fake-image", model.Picture{Drawing: model.DrawInside}, errs.InvalidInput, "new images only"},
		{"an address, as a model that takes no format gives it here", &openaifake.Server{}, "fake-gpt-image", words, errs.ModelFailed, "base64"},
		{"no image", says(`{"data":[]}`), "m", words, errs.ModelFailed, ""},
		{"what is none", says(`{"data":[{"b64_json":"aGVsbG8="}]}`), "m", words, errs.ModelFailed, ""},
	} {
		_, err := client(t, tt.server).Draw(t.Context(), model.ImageRequest{Model: tt.model, Picture: tt.picture})
		if errs.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.message) || strings.Contains(err.Error(), "秘密") {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.code)
		}
	}
}
