package bedrock_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"kakoi/internal/errs"
	"kakoi/internal/model"
	fake "kakoi/internal/model/modeltest/bedrockfake"
	"kakoi/internal/model/modeltest/script"
)

// softMask is a mask whose edge is grey, as an editor leaves it.
func softMask(w, h int) *model.Media {
	m := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetGray(x, y, color.Gray{Y: byte(x * 255 / w)})
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		panic(err)
	}
	return &model.Media{MediaType: "image/png", Data: out.Bytes()}
}

func photo(w, h int) *model.Media {
	return &model.Media{MediaType: "image/png", Data: script.Draw("photo", 1, w, h)}
}

func TestImagesAreDrawn(t *testing.T) {
	const (
		canvas    = "amazon.nova-canvas-v1:0"
		titan     = "amazon.titan-image-generator-v2:0"
		diffusion = "stability.sd3-5-large-v1:0"
		ultra     = "stability.stable-image-ultra-v1:1"
	)
	for _, tt := range []struct {
		name, model string
		picture     model.Picture
		w, h, n     int
		calls       int
		sent        []string
	}{
		{"from words", canvas, model.Picture{Drawing: model.DrawNew, Prompt: "市役所", Negative: "雨", Width: 1280, Height: 720, Count: 3, Seed: new(int64(5)), Guidance: new(20.0)}, 1280, 720, 3, 1,
			[]string{`"taskType":"TEXT_IMAGE"`, `"negativeText":"雨"`, `"numberOfImages":3`, `"seed":5`, `"cfgScale":10`}},
		{"from words, as the model likes", titan, model.Picture{Drawing: model.DrawNew, Prompt: "市役所"}, 1024, 1024, 1, 1, []string{`"numberOfImages":1`}},
		{"a variation", canvas, model.Picture{Drawing: model.DrawVariation, Image: photo(320, 480), Likeness: new(0.1), Count: 2}, 320, 480, 2, 1,
			[]string{`"taskType":"IMAGE_VARIATION"`, `"similarityStrength":0.2`}},
		{"a part by its name", titan, model.Picture{Drawing: model.DrawInside, Prompt: "桜", Image: photo(320, 320), MaskPrompt: "木"}, 320, 320, 1, 1, []string{`"taskType":"INPAINTING"`, `"maskPrompt":"木"`}},
		{"a part by a mask", canvas, model.Picture{Drawing: model.DrawInside, Image: photo(320, 336), Mask: softMask(320, 336)}, 320, 336, 1, 1, []string{`"maskImage":`}},
		{"all around", canvas, model.Picture{Drawing: model.DrawAround, Prompt: "海", Image: photo(320, 336), Mask: softMask(320, 336)}, 320, 336, 1, 1, []string{`"taskType":"OUTPAINTING"`}},
		{"without what is behind", titan, model.Picture{Drawing: model.DrawNoBackground, Image: photo(64, 48)}, 64, 48, 1, 1, []string{`"taskType":"BACKGROUND_REMOVAL"`}},
		{"by Stability, one at a time", diffusion, model.Picture{Drawing: model.DrawNew, Prompt: "市役所", Width: 1920, Height: 1080, Count: 2, Seed: new(int64(4_294_967_294))}, 1344, 768, 2, 2,
			[]string{`"aspect_ratio":"16:9"`, `"seed":0`, `"mode":"text-to-image"`}},
		{"by Stability from an image", ultra, model.Picture{Drawing: model.DrawVariation, Prompt: "水彩", Image: photo(64, 64), Likeness: new(0.25)}, 1024, 1024, 1, 1, []string{`"strength":0.75`, `"mode":"image-to-image"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, c := start(t, fake.Options{})
			got, err := connect(t, c).Draw(t.Context(), model.ImageRequest{Model: tt.model, Picture: tt.picture})
			if err != nil || len(got.Images) != tt.n || got.Withheld != 0 {
				t.Fatalf("%d images, %v", len(got.Images), err)
			}
			for _, m := range got.Images {
				if size, ok := script.Look(m.Data); !ok || size.Width != tt.w || size.Height != tt.h || m.MediaType != "image/png" {
					t.Errorf("%s of %+v, want %d x %d", m.MediaType, size, tt.w, tt.h)
				}
			}
			if tt.n > 1 && bytes.Equal(got.Images[0].Data, got.Images[1].Data) {
				t.Error("two images are the same")
			}
			seen := calls(t, s, "InvokeModel")
			last := string(seen[len(seen)-1].Body)
			for _, want := range tt.sent {
				if !strings.Contains(last, want) {
					t.Errorf("sent %.300s, want %s", last, want)
				}
			}
			if len(seen) != tt.calls {
				t.Errorf("%d calls, want %d", len(seen), tt.calls)
			}
		})
	}
}

func TestAMaskIsWhiteWhereTheImageChanges(t *testing.T) {
	s, c := start(t, fake.Options{})
	for drawing, white := range map[model.Drawing]bool{model.DrawInside: false, model.DrawAround: true} {
		_, err := connect(t, c).Draw(t.Context(), model.ImageRequest{Model: "amazon.nova-canvas-v1:0", Picture: model.Picture{
			Drawing: drawing, Prompt: "海", Image: photo(64, 64), Mask: softMask(64, 64), // its right half is white
		}})
		if err != nil {
			t.Fatal(err)
		}
		sent := calls(t, s, "InvokeModel")
		r := sent[len(sent)-1]
		if got := maskOf(t, r.Body).At(63, 10) == (color.Gray{Y: 255}); got != white {
			t.Errorf("%s: what changes is white %v, want %v", drawing, got, white)
		}
	}
}

func TestAnImageThatCannotBeDrawnHasACode(t *testing.T) {
	s, c := start(t, fake.Options{})
	p := connect(t, c)
	draw := func(id string, picture model.Picture) error {
		got, err := p.Draw(t.Context(), model.ImageRequest{Model: id, Picture: picture})
		if err == nil {
			t.Logf("%d images, %d withheld", len(got.Images), got.Withheld)
		}
		return err
	}
	words := model.Picture{Drawing: model.DrawNew, Prompt: "海", Count: 1}
	long, odd, seed := words, words, words
	long.Prompt, odd.Width, odd.Height, seed.Seed = strings.Repeat("海", 513), 1000, 1000, new(int64(4_294_967_295))
	say := func(prompt string) model.Picture { p := words; p.Prompt = prompt; return p }
	for _, tt := range []struct {
		name, model string
		picture     model.Picture
		code        errs.Code
		reason      string
		sent        bool
	}{
		{"a model that talks", haiku, words, errs.ModelInvalidRequest, "unknown_form", false},
		{"a drawing that it does not know", "stability.stable-image-core-v1:1", model.Picture{Drawing: model.DrawVariation, Image: photo(8, 8)}, errs.InvalidInput, "drawing", false},
		{"too many words", "amazon.titan-image-generator-v2:0", long, errs.InvalidInput, "prompt", false},
		{"a size that it does not draw", "amazon.nova-canvas-v1:0", odd, errs.InvalidInput, "width", false},
		{"a seed that it does not take", "amazon.nova-canvas-v1:0", seed, errs.InvalidInput, "seed", false},
		{"a mask that is none", "amazon.nova-canvas-v1:0", model.Picture{Drawing: model.DrawInside, Image: photo(8, 8), Mask: &model.Media{Data: []byte("x")}}, errs.ModelInput, "mask", false},
		{"all withheld", "amazon.nova-canvas-v1:0", say("[[filtered]]"), errs.ModelRefused, "content_filter", true},
		{"the prompt withheld", "stability.sd3-5-large-v1:0", say("[[filtered]]"), errs.ModelRefused, "content_filter", true},
		{"throttled", "stability.sd3-5-large-v1:0", say("[[throttle]]"), errs.ModelThrottled, "requests", true},
		{"blocked before it is drawn", "amazon.nova-canvas-v1:0", say("[[invalid filter]]"), errs.ModelRefused, "content_filter", true},
	} {
		before := len(settled(t, s))
		if err := draw(tt.model, tt.picture); errs.CodeOf(err) != tt.code || cmp.Or(reason(err), fieldOf(err)) != tt.reason || (len(settled(t, s)) > before) != tt.sent {
			t.Errorf("%s: %v (%s), want %s (%s)", tt.name, err, reason(err), tt.code, tt.reason)
		}
	}
	some := say("海[[filtered]]")
	some.Count = 3
	if got, err := p.Draw(t.Context(), model.ImageRequest{Model: "amazon.nova-canvas-v1:0", Picture: some}); err != nil || len(got.Images) != 2 || got.Withheld != 1 {
		t.Errorf("one withheld: %d images, %d, %v", len(got.Images), got.Withheld, err)
	}
}

// fieldOf returns the field that an error names, or "".
func fieldOf(err error) string {
	var e *errs.Error
	if errors.As(err, &e) {
		return e.Field
	}
	return ""
}

func maskOf(t *testing.T, body []byte) image.Image {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(maskData(t, body)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func maskData(t *testing.T, body []byte) []byte {
	t.Helper()
	type edit struct {
		Mask []byte `json:"maskImage"`
	}
	var in struct {
		Inside *edit `json:"inPaintingParams"`
		Around *edit `json:"outPaintingParams"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		t.Fatal(err)
	}
	if in.Inside != nil {
		return in.Inside.Mask
	}
	return in.Around.Mask
}
