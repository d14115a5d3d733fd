package bedrock

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // masks may be JPEG
	"image/png"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// drawer is how a family of image models is asked.
type drawer struct {
	prefix   string
	drawings []model.Drawing
	words    int   // characters of a prompt
	seed     int64 // the highest
	sizes    func(width, height int) bool
	ask      func(ctx context.Context, c *Client, d drawer, r model.ImageRequest) (model.Images, error)
}

var (
	allDrawings = []model.Drawing{model.DrawNew, model.DrawVariation, model.DrawInside, model.DrawAround, model.DrawNoBackground}
	fromImage   = []model.Drawing{model.DrawNew, model.DrawVariation}
)

// The first whose prefix fits is taken.
var drawers = []drawer{
	{"amazon.nova-canvas", allDrawings, 1024, 2_147_483_646, canvasSize, amazonImages},
	{"amazon.titan-image-generator-v2", allDrawings, 512, 2_147_483_646, titanSize, amazonImages},
	{"stability.sd3", fromImage, 10_000, 4_294_967_294, ratioSize, stabilityImages},
	{"stability.stable-image-ultra", fromImage, 10_000, 4_294_967_294, ratioSize, stabilityImages},
	{"stability.stable-image-core", fromImage[:1], 10_000, 4_294_967_294, ratioSize, stabilityImages},
}

// Draw implements model.Drawer with InvokeModel.
func (c *Client) Draw(ctx context.Context, r model.ImageRequest) (model.Images, error) {
	base, err := modelOf(r.Model, r.Options)
	if err != nil {
		return model.Images{}, err
	}
	i := slices.IndexFunc(drawers, func(d drawer) bool { return strings.HasPrefix(base, d.prefix) })
	if i < 0 {
		return model.Images{}, unspoken(base, "images")
	}
	d, p := drawers[i], r.Picture
	refuse := func(field, format string, args ...any) (model.Images, error) {
		return model.Images{}, errs.InField(field, fmt.Sprintf(format, args...)).With("model", base)
	}
	switch n := utf8.RuneCountInString(p.Prompt); {
	case !slices.Contains(d.drawings, p.Drawing):
		return refuse("drawing", "%s cannot do this to an image: %s", base, p.Drawing)
	case n > d.words || utf8.RuneCountInString(p.Negative) > d.words || utf8.RuneCountInString(p.MaskPrompt) > d.words:
		return refuse("prompt", "%s takes descriptions of at most %d characters", base, d.words)
	case p.Seed != nil && *p.Seed > d.seed:
		return refuse("seed", "%s takes seeds from 0 to %d", base, d.seed)
	case p.Width > 0 && !d.sizes(p.Width, p.Height):
		return refuse("width", "%s does not draw images of %d x %d", base, p.Width, p.Height)
	}
	r.Picture.Count = max(p.Count, 1)
	return d.ask(ctx, c, d, r)
}

// canvasSize reports whether Nova Canvas draws images of a size.
func canvasSize(w, h int) bool {
	return w >= 320 && h >= 320 && w <= 4096 && h <= 4096 && w%16 == 0 && h%16 == 0 && w <= 4*h && h <= 4*w && w*h <= 4_194_304
}

// titanSizes are those of Titan Image Generator.
var titanSizes = map[[2]int]bool{
	{1024, 1024}: true, {768, 768}: true, {512, 512}: true, {768, 1152}: true, {384, 576}: true, {1152, 768}: true, {576, 384}: true,
	{768, 1280}: true, {384, 640}: true, {1280, 768}: true, {640, 384}: true, {896, 1152}: true, {448, 576}: true, {1152, 896}: true,
	{576, 448}: true, {768, 1408}: true, {384, 704}: true, {1408, 768}: true, {704, 384}: true, {640, 1408}: true, {320, 704}: true,
	{1408, 640}: true, {704, 320}: true, {1152, 640}: true, {1173, 640}: true,
}

func titanSize(w, h int) bool { return titanSizes[[2]int{w, h}] }

// ratios are what Stability's models draw; the number of pixels is their own.
var ratios = [][2]int{{1, 1}, {16, 9}, {21, 9}, {2, 3}, {3, 2}, {4, 5}, {5, 4}, {9, 16}, {9, 21}}

func ratioSize(w, h int) bool { return ratioOf(w, h) != "" }

// ratioOf returns the nearest ratio within a fiftieth, or "".
func ratioOf(w, h int) string {
	for _, r := range ratios {
		if d := float64(w*r[1]) / float64(h*r[0]); d > 0.98 && d < 1.02 {
			return strconv.Itoa(r[0]) + ":" + strconv.Itoa(r[1])
		}
	}
	return ""
}

// amazonImages asks Nova Canvas or Titan Image Generator, which share a form.
func amazonImages(ctx context.Context, c *Client, _ drawer, r model.ImageRequest) (model.Images, error) {
	p := r.Picture
	words := map[string]any{}
	if p.Prompt != "" {
		words["text"] = p.Prompt
	}
	if p.Negative != "" {
		words["negativeText"] = p.Negative
	}
	if p.Image != nil && p.Drawing != model.DrawVariation {
		words["image"] = p.Image.Data
	}
	if p.MaskPrompt != "" {
		words["maskPrompt"] = p.MaskPrompt
	}
	if p.Mask != nil {
		// What an inpainting changes is black for these models, and white for an
		// outpainting.
		mask, err := blackAndWhite(p.Mask.Data, p.Drawing == model.DrawInside)
		if err != nil {
			return model.Images{}, err
		}
		words["maskImage"] = mask
	}
	body := map[string]any{}
	switch p.Drawing {
	case model.DrawNew:
		body["taskType"], body["textToImageParams"] = "TEXT_IMAGE", words
	case model.DrawVariation:
		words["images"] = [][]byte{p.Image.Data}
		if p.Likeness != nil {
			words["similarityStrength"] = max(*p.Likeness, 0.2) // the least there is
		}
		body["taskType"], body["imageVariationParams"] = "IMAGE_VARIATION", words
	case model.DrawInside:
		body["taskType"], body["inPaintingParams"] = "INPAINTING", words
	case model.DrawAround:
		body["taskType"], body["outPaintingParams"] = "OUTPAINTING", words
	case model.DrawNoBackground:
		body["taskType"], body["backgroundRemovalParams"] = "BACKGROUND_REMOVAL", map[string]any{"image": p.Image.Data}
	}
	if p.Drawing != model.DrawNoBackground {
		conf := map[string]any{"numberOfImages": p.Count}
		if p.Width > 0 && (p.Drawing == model.DrawNew || p.Drawing == model.DrawVariation) { // else as large as the image
			conf["width"], conf["height"] = p.Width, p.Height
		}
		if p.Seed != nil {
			conf["seed"] = *p.Seed
		}
		if p.Guidance != nil {
			conf["cfgScale"] = min(max(*p.Guidance, 1.1), 10)
		}
		body["imageGenerationConfig"] = conf
	}
	var answer struct {
		Images [][]byte `json:"images"`
		Error  string   `json:"error"`
	}
	if _, err := c.invoke(ctx, invocation{r.Model, body, r.Caller}, &answer); err != nil {
		return model.Images{}, err
	}
	out, err := pictures(answer.Images)
	if err != nil {
		return model.Images{}, err
	}
	// The error tells that a filter has kept images back; it says no more.
	if answer.Error != "" {
		if out.Withheld = p.Count - len(out.Images); len(out.Images) == 0 {
			return model.Images{}, withheld()
		}
	}
	return out, nil
}

// stabilityImages asks a model of Stability's, which draws one image at a time.
func stabilityImages(ctx context.Context, c *Client, d drawer, r model.ImageRequest) (model.Images, error) {
	p := r.Picture
	var out model.Images
	for i := range p.Count {
		body := map[string]any{"prompt": p.Prompt, "output_format": "png", "mode": "text-to-image"}
		if p.Negative != "" {
			body["negative_prompt"] = p.Negative
		}
		if p.Seed != nil {
			body["seed"] = (*p.Seed + int64(i)) % (d.seed + 1)
		}
		if p.Image != nil {
			body["mode"], body["image"] = "image-to-image", p.Image.Data
			likeness := 0.65
			if p.Likeness != nil {
				likeness = *p.Likeness
			}
			body["strength"] = 1 - likeness // how far it may go from the image
		} else if p.Width > 0 {
			body["aspect_ratio"] = ratioOf(p.Width, p.Height)
		}
		var answer struct {
			Images  [][]byte  `json:"images"`
			Reasons []*string `json:"finish_reasons"`
		}
		if _, err := c.invoke(ctx, invocation{r.Model, body, r.Caller}, &answer); err != nil {
			return model.Images{}, err
		}
		if len(answer.Reasons) > 0 && answer.Reasons[0] != nil {
			out.Withheld++
			continue
		}
		made, err := pictures(answer.Images)
		if err != nil {
			return model.Images{}, err
		}
		out.Images = append(out.Images, made.Images...)
	}
	if len(out.Images) == 0 {
		return model.Images{}, withheld()
	}
	return out, nil
}

func withheld() error {
	return errs.New(errs.ModelRefused, "the model's filter has withheld the image").With("reason", "content_filter")
}

// pictures names what came, by its content.
func pictures(all [][]byte) (model.Images, error) {
	var out model.Images
	for _, data := range all {
		kind := http.DetectContentType(data)
		if !slices.Contains([]string{"image/png", "image/jpeg", "image/webp"}, kind) {
			return model.Images{}, errs.New(errs.ModelFailed, "what the model has drawn is no image").With("reason", "images")
		}
		out.Images = append(out.Images, model.Media{MediaType: kind, Data: data})
	}
	return out, nil
}

// maxMaskPixels bounds what a mask unpacks to.
const maxMaskPixels = 4096 * 4096

// blackAndWhite returns a mask as PNG of nothing but black and white, which the
// models insist on; the other way round if inverted.
func blackAndWhite(data []byte, inverted bool) ([]byte, error) {
	unreadable := func(cause error) error {
		return errs.Wrap(errs.ModelInput, "the mask cannot be read as an image", cause).With("reason", "mask")
	}
	size, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || size.Width*size.Height > maxMaskPixels {
		return nil, unreadable(err)
	}
	mask, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, unreadable(err)
	}
	b := mask.Bounds()
	pure := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		for x := range b.Dx() {
			gray, ok := color.GrayModel.Convert(mask.At(b.Min.X+x, b.Min.Y+y)).(color.Gray)
			if ok && (gray.Y >= 128) != inverted {
				pure.SetGray(x, y, color.Gray{Y: 255})
			}
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, pure); err != nil {
		return nil, unreadable(err)
	}
	return out.Bytes(), nil
}

func (c *Client) tryImage(ctx context.Context, modelID string) (string, error) {
	start := time.Now()
	got, err := c.Draw(ctx, model.ImageRequest{Model: modelID, Picture: model.Picture{Drawing: model.DrawNew, Prompt: "a white circle on a blue ground", Count: 1}})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("an image of %d KB after %d ms", (len(got.Images[0].Data)+1023)>>10, time.Since(start).Milliseconds()), nil
}
