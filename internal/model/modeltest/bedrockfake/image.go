package bedrockfake

import (
	"bytes"
	"fmt"
	"image"
	"strings"
	"unicode/utf8"

	"kakoi/internal/model/modeltest/script"
)

// amazonDrawing is a task of Nova Canvas and Titan Image Generator.
type amazonDrawing struct {
	Text       string   `json:"text"`
	Negative   string   `json:"negativeText"`
	Image      []byte   `json:"image"`
	Images     [][]byte `json:"images"`
	Similarity *float64 `json:"similarityStrength"`
	MaskPrompt string   `json:"maskPrompt"`
	MaskImage  []byte   `json:"maskImage"`
	Mode       string   `json:"outPaintingMode"`
}

// amazonImage draws by InvokeModel. A text with [[filtered]] has its last image
// withheld; [[filtered]] alone, all of them.
func amazonImage(model string, body []byte) invoked {
	var in struct {
		Task    string         `json:"taskType"`
		New     *amazonDrawing `json:"textToImageParams"`
		Vary    *amazonDrawing `json:"imageVariationParams"`
		Inside  *amazonDrawing `json:"inPaintingParams"`
		Around  *amazonDrawing `json:"outPaintingParams"`
		Cut     *amazonDrawing `json:"backgroundRemovalParams"`
		Options *struct {
			Count   *int     `json:"numberOfImages"`
			Width   *int     `json:"width"`
			Height  *int     `json:"height"`
			Quality string   `json:"quality"`
			Scale   *float64 `json:"cfgScale"`
			Seed    *int64   `json:"seed"`
		} `json:"imageGenerationConfig"`
	}
	out := invoked{problem: strict(body, &in)}
	invalid := func(format string, args ...any) invoked {
		out.problem = "Malformed input request: " + fmt.Sprintf(format, args...) + ", please reformat your input and try again."
		return out
	}
	if out.problem != "" {
		return out
	}
	d := map[string]*amazonDrawing{
		"TEXT_IMAGE": in.New, "IMAGE_VARIATION": in.Vary, "INPAINTING": in.Inside, "OUTPAINTING": in.Around, "BACKGROUND_REMOVAL": in.Cut,
	}[in.Task]
	if d == nil {
		return invalid("#/taskType: the parameters of %s are missing", in.Task)
	}
	out.text = d.Text
	longest := 1024
	if strings.HasPrefix(model, "amazon.titan") {
		longest = 512
	}
	masked := in.Task == "INPAINTING" || in.Task == "OUTPAINTING"
	width, height, count, seed := 1024, 1024, 1, int64(12)
	begun := d.Image
	if in.Task == "IMAGE_VARIATION" && len(d.Images) > 0 {
		begun = d.Images[0]
	}
	switch {
	case utf8.RuneCountInString(d.Text) > longest:
		return invalid("#/text: expected maxLength: %d, actual: %d", longest, utf8.RuneCountInString(d.Text))
	case (in.Task == "TEXT_IMAGE" || in.Task == "OUTPAINTING") && d.Text == "":
		return invalid("#/text: expected minLength: 1, actual: 0")
	case (in.Task == "TEXT_IMAGE") != (begun == nil):
		return invalid("required key [image] not found")
	case masked != (d.MaskPrompt != "" || d.MaskImage != nil) || d.MaskPrompt != "" && d.MaskImage != nil:
		return invalid("#: exactly one of [maskPrompt, maskImage] is required")
	case d.Similarity != nil && (*d.Similarity < 0.2 || *d.Similarity > 1):
		return invalid("#/similarityStrength: %g is not between 0.2 and 1.0", *d.Similarity)
	case in.Task == "BACKGROUND_REMOVAL" && in.Options != nil:
		return invalid("extraneous key [imageGenerationConfig] is not permitted")
	}
	if begun != nil {
		size, ok := script.Look(begun)
		if !ok {
			return invalid("the image cannot be decoded")
		}
		width, height = size.Width, size.Height
		if d.MaskImage != nil && !pureMask(d.MaskImage, size) {
			return invalid("the mask must be of the image's size, and pure black and white")
		}
	}
	if o := in.Options; o != nil {
		if o.Count != nil {
			count = *o.Count
		}
		if o.Seed != nil {
			seed = *o.Seed
		}
		switch {
		case o.Width != nil && masked:
			return invalid("extraneous key [width] is not permitted")
		case (o.Width == nil) != (o.Height == nil):
			return invalid("required key [height] not found")
		case o.Width != nil:
			width, height = *o.Width, *o.Height
		}
		switch {
		case count < 1 || count > 5:
			return invalid("#/numberOfImages: %d is not between 1 and 5", count)
		case o.Scale != nil && (*o.Scale < 1.1 || *o.Scale > 10):
			return invalid("#/cfgScale: %g is not between 1.1 and 10", *o.Scale)
		case seed < 0 || seed > 2_147_483_646:
			return invalid("#/seed: %d is not less or equal to 2147483646", seed)
		case width < 16 || height < 16 || width > 4096 || height > 4096:
			return invalid("#/width: %d is not a size", width)
		}
	}
	answer := map[string]any{}
	if strings.Contains(d.Text, "[[filtered]]") {
		answer["error"] = "Some of the generated images have been blocked by our content filters."
		if count--; strings.TrimSpace(d.Text) == "[[filtered]]" {
			count = 0
		}
	}
	images := make([][]byte, count)
	for i := range images {
		images[i] = script.Draw(in.Task+d.Text, seed+int64(i), width, height)
	}
	answer["images"] = images
	out.answer = answer
	return out
}

// pureMask reports whether data is an image of a size in black and white alone.
func pureMask(data []byte, size script.Image) bool {
	m, _, err := image.Decode(bytes.NewReader(data))
	if err != nil || m.Bounds().Dx() != size.Width || m.Bounds().Dy() != size.Height {
		return false
	}
	for y := m.Bounds().Min.Y; y < m.Bounds().Max.Y; y++ {
		for x := m.Bounds().Min.X; x < m.Bounds().Max.X; x++ {
			r, g, b, _ := m.At(x, y).RGBA()
			if r != g || g != b || r != 0 && r != 0xffff {
				return false
			}
		}
	}
	return true
}

// stabilityImage draws one image by InvokeModel.
func stabilityImage(model string, body []byte) invoked {
	var in struct {
		Prompt   string   `json:"prompt"`
		Negative string   `json:"negative_prompt"`
		Mode     string   `json:"mode"`
		Ratio    string   `json:"aspect_ratio"`
		Seed     *int64   `json:"seed"`
		Format   string   `json:"output_format"`
		Image    []byte   `json:"image"`
		Strength *float64 `json:"strength"`
	}
	out := invoked{problem: strict(body, &in), text: in.Prompt}
	if out.problem != "" {
		return out
	}
	fromImage := in.Mode == "image-to-image"
	seed := int64(7)
	if in.Seed != nil {
		seed = *in.Seed
	}
	sizes := map[string][2]int{"": {1024, 1024}, "1:1": {1024, 1024}, "16:9": {1344, 768}, "9:16": {768, 1344}, "3:2": {1216, 832}, "2:3": {832, 1216}}
	size, known := sizes[in.Ratio]
	_, decodes := script.Look(in.Image)
	switch {
	case in.Prompt == "" || len(in.Prompt) > 10_000:
		out.problem = "prompt: must be between 1 and 10000 characters"
	case in.Mode != "text-to-image" && !fromImage, fromImage && strings.Contains(model, "core"):
		out.problem = "mode: is not supported"
	case fromImage != (in.Image != nil) || fromImage != (in.Strength != nil) || fromImage && in.Ratio != "" || fromImage && !decodes:
		out.problem = "image, strength: go with image-to-image and with nothing else"
	case in.Strength != nil && (*in.Strength < 0 || *in.Strength > 1):
		out.problem = "strength: must be between 0 and 1"
	case !known || !oneOf(in.Format, "", "png", "jpeg", "webp") || seed < 0 || seed > 4_294_967_294:
		out.problem = "aspect_ratio, output_format, seed: one is not valid"
	}
	var reason any
	images := []any{script.Draw(in.Mode+in.Prompt, seed, size[0], size[1])}
	if strings.Contains(in.Prompt, "[[filtered]]") {
		reason, images = "Filter reason: prompt", []any{""}
	}
	out.answer = map[string]any{"seeds": []int64{seed}, "finish_reasons": []any{reason}, "images": images}
	return out
}
