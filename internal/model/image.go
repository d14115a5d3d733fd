package model

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"kakoi/internal/errs"
)

// Drawing is how an image comes about.
type Drawing string

// The drawings. All but the first begin with an image.
const (
	DrawNew          Drawing = "new"               // from words alone
	DrawVariation    Drawing = "variation"         // another like it
	DrawInside       Drawing = "inpaint"           // a part of it is replaced
	DrawAround       Drawing = "outpaint"          // all but a part of it is replaced
	DrawNoBackground Drawing = "remove_background" // what is behind its subject becomes transparent
)

// Picture is what is to be drawn.
type Picture struct {
	Drawing  Drawing
	Prompt   string // what is to be seen; a drawing that begins with an image may leave it out
	Negative string // what is not to be seen

	Image *Media // that it begins with; PNG or JPEG
	// Mask is an image of the same size in which what changes is white and what
	// stays is black. MaskPrompt names in words what the mask is about instead:
	// what is replaced by an inpainting, what is kept by an outpainting.
	Mask       *Media
	MaskPrompt string

	Width, Height int      // in pixels; 0 is the model's own
	Count         int      // how many; 0 is one
	Seed          *int64   // the same one draws the same again
	Likeness      *float64 // of a variation to its image, from 0 to 1
	Guidance      *float64 // how closely the prompt is followed, as the model counts it
}

// ImageRequest is a picture to be drawn, in the provider's terms.
type ImageRequest struct {
	Model   string
	Options json.RawMessage
	Picture Picture
	Caller  Caller
}

// Images are what was drawn.
type Images struct {
	Images   []Media
	Withheld int   // by the provider's filter, beside those that are here
	Usage    Usage // zero where the provider counts no tokens
}

// Drawer is a Provider that makes images, too.
type Drawer interface {
	Provider
	// Draw returns the images, or an error with a code: ModelRefused where a
	// filter has withheld all of them.
	Draw(ctx context.Context, r ImageRequest) (Images, error)
}

// ImageCall is one call of a model that makes images, by a feature, for the
// person who acts in the context.
type ImageCall struct {
	ModelID string // of the catalogue
	Feature string // "image", …
	Picture Picture

	ConversationID, RunID string // for the record; may be empty
}

// Drawn is the images that were made.
type Drawn struct {
	Model    Answering
	Images   []Media
	Withheld int // by the provider's filter, beside those that are here
	Usage    Usage
	Cost     Money
}

// Bounds of one call.
const (
	maxImages     = 5
	maxImagePart  = 10 << 20
	maxImageSide  = 8192
	maxImageWords = 10_000
	maxImageSeed  = 4_294_967_295
)

// Image has a model make images. It goes the way of every call: the masker may
// hide what the prompts say, and lets images pass or refuses them. Nothing is
// kept.
func (i *Invoker) Image(ctx context.Context, c ImageCall) (Drawn, error) {
	if c.Picture.Count == 0 {
		c.Picture.Count = 1
	}
	if err := c.Picture.validate(); err != nil {
		return Drawn{}, err
	}
	var files []Media
	for _, m := range []*Media{c.Picture.Image, c.Picture.Mask} {
		if m != nil {
			files = append(files, *m)
		}
	}
	op := &drawing{picture: c.Picture}
	did, err := i.operate(ctx, Call{
		ModelID: c.ModelID, Feature: c.Feature, Messages: texts([]string{c.Picture.Prompt, c.Picture.Negative, c.Picture.MaskPrompt}, files...),
		ConversationID: c.ConversationID, RunID: c.RunID,
	}, TaskImage, op)
	if err != nil {
		return Drawn{}, err
	}
	return Drawn{Model: did.model, Images: op.made.Images, Withheld: op.made.Withheld, Usage: did.usage, Cost: did.cost}, nil
}

func (p Picture) validate() error {
	edits := p.Drawing == DrawInside || p.Drawing == DrawAround
	switch {
	case !slices.Contains([]Drawing{DrawNew, DrawVariation, DrawInside, DrawAround, DrawNoBackground}, p.Drawing):
		return errs.InField("drawing", "an image is new, a variation, an inpaint, an outpaint or one with remove_background")
	case (p.Drawing == DrawNew || p.Drawing == DrawAround) && strings.TrimSpace(p.Prompt) == "":
		return errs.InField("prompt", "say what is to be seen in the image")
	case len(p.Prompt) > maxImageWords || len(p.Negative) > maxImageWords || len(p.MaskPrompt) > maxImageWords:
		return errs.InField("prompt", "the description is too long").With("max", strconv.Itoa(maxImageWords))
	case (p.Drawing == DrawNew) != (p.Image == nil):
		return errs.InField("image", "a new image begins with none, and every other with one")
	case edits != (p.Mask != nil || p.MaskPrompt != "") || p.Mask != nil && p.MaskPrompt != "":
		return errs.InField("mask", "what changes in an image is said by a mask or in words, and only where a part of it changes")
	case p.Count < 1 || p.Count > maxImages:
		return errs.InField("count", "the number of images is from 1 to 5").With("max", strconv.Itoa(maxImages))
	case (p.Width == 0) != (p.Height == 0) || p.Width < 0 || p.Height < 0 || p.Width > maxImageSide || p.Height > maxImageSide:
		return errs.InField("width", "an image has a width and a height in pixels, such as 1024 and 1024, or neither")
	case p.Seed != nil && (*p.Seed < 0 || *p.Seed > maxImageSeed):
		return errs.InField("seed", "the seed is a number from 0 to 4294967295")
	case p.Likeness != nil && !(*p.Likeness >= 0 && *p.Likeness <= 1):
		return errs.InField("likeness", "the likeness is from 0 to 1, for example 0.7")
	case p.Guidance != nil && !(*p.Guidance >= 0 && *p.Guidance <= 30):
		return errs.InField("guidance", "the guidance is from 0 to 30, for example 6.5")
	}
	for field, m := range map[string]*Media{"image": p.Image, "mask": p.Mask} {
		switch {
		case m == nil:
		case m.MediaType != "image/png" && m.MediaType != "image/jpeg":
			return errs.InField(field, "an image to begin with is PNG or JPEG")
		case len(m.Data) == 0 || len(m.Data) > maxImagePart:
			return errs.InField(field, "this image is empty or too large").With("max", strconv.Itoa(maxImagePart))
		}
	}
	return nil
}

// drawing is the operation of Image.
type drawing struct {
	picture Picture
	made    Images
	ran     bool
}

func (d *drawing) name() string { return string(TaskImage) }

func (d *drawing) begin(target) error { return nil }

func (d *drawing) units() int {
	if d.ran {
		return len(d.made.Images) + d.made.Withheld
	}
	return d.picture.Count
}

func (d *drawing) run(ctx context.Context, p Provider, r Request, tell func(Event)) error {
	drawer, ok := p.(Drawer)
	if !ok {
		return unable("make images")
	}
	words, err := textsOf(r, 3)
	if err != nil {
		return err
	}
	picture := d.picture
	picture.Prompt, picture.Negative, picture.MaskPrompt = words[0], words[1], words[2]
	files := mediaOf(r)
	for _, m := range []**Media{&picture.Image, &picture.Mask} {
		if *m == nil {
			continue
		}
		if len(files) == 0 {
			return errs.New(errs.Internal, "the masker took an image away")
		}
		*m, files = files[0], files[1:]
	}
	made, err := drawer.Draw(ctx, ImageRequest{Model: r.Model, Options: r.Options, Picture: picture, Caller: r.Caller})
	if err != nil {
		return err
	}
	if len(made.Images) == 0 || slices.ContainsFunc(made.Images, func(m Media) bool { return len(m.Data) == 0 }) {
		return errs.New(errs.ModelFailed, "the model's answer holds no image").With("reason", "images")
	}
	d.made, d.ran = made, true
	tell(Event{Type: EventUsage, Usage: made.Usage})
	return nil
}

// mediaOf returns the files of an operation's message, as they may leave.
func mediaOf(r Request) (files []*Media) {
	for _, m := range r.Messages {
		for _, p := range m.Parts {
			if p.Media != nil {
				files = append(files, p.Media)
			}
		}
	}
	return files
}
