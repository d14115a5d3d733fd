package chat

import (
	"bytes"
	"fmt"
	"image"
	_ "image/gif"  // so that sizes of GIFs are read
	_ "image/jpeg" // likewise
	_ "image/png"  // likewise
	"slices"
	"strconv"
	"strings"

	"github.com/gabriel-vasile/mimetype"
	_ "golang.org/x/image/webp" // likewise
	"golang.org/x/text/unicode/norm"

	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/textfile"
)

// Upload is a file on its way in.
type Upload struct {
	Name      string
	MediaType string // as the browser says; the content decides
	Data      []byte
}

// File is a file that was read: what it is, and its content as it is kept.
type File struct {
	Name          string
	MediaType     string
	Width, Height int // pixels; 0 for what is not an image
	Data          []byte
}

const (
	maxNameRunes = 255
	maxPixels    = 8000 // a side of an image; what the large models take
)

const (
	wordDocument  = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	excelDocument = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
)

// attachable maps the media types of files that are no text to the part they
// become. Text is attachable whatever it is about.
var attachable = map[string]model.PartType{
	"image/png": model.PartImage, "image/jpeg": model.PartImage, "image/gif": model.PartImage, "image/webp": model.PartImage,
	"application/pdf": model.PartDocument, wordDocument: model.PartDocument, excelDocument: model.PartDocument,
}

// AttachableTypes lists what may be attached as a file picker wants it: media
// types, and the endings of names of text files.
func AttachableTypes() []string {
	var list []string
	for mediaType := range attachable {
		list = append(list, mediaType)
	}
	slices.Sort(list)
	return append(list, textfile.Extensions()...)
}

// partOf is the part that a file of the type becomes.
func partOf(mediaType string) model.PartType {
	if p, ok := attachable[mediaType]; ok {
		return p
	}
	return model.PartDocument
}

// readable tells whether a model can be given a file: as it is, or, of one that
// is text, as words.
func readable(mediaType string, can model.Capabilities) bool {
	if partOf(mediaType) == model.PartImage {
		return can.Vision
	}
	return can.Documents || isText(mediaType)
}

// isText reports whether a file of the type is words in UTF-8.
func isText(mediaType string) bool {
	switch mediaType {
	case textfile.JSON, textfile.XML, textfile.YAML, textfile.TOML:
		return true
	}
	return strings.HasPrefix(mediaType, "text/")
}

// isDocument reports whether models that read documents know the type. They
// know few kinds of text.
func isDocument(mediaType string) bool {
	switch mediaType {
	case textfile.Plain, textfile.Markdown, textfile.CSV, textfile.HTML:
		return true
	}
	return !isText(mediaType)
}

// ReadFile says what a file is by its content and returns it as it is kept: text
// in UTF-8, everything else as it came. most bounds its bytes.
func ReadFile(u Upload, most int64) (File, error) {
	if int64(len(u.Data)) > most {
		return File{}, errs.Newf(errs.TooLarge, "The file is larger than %d MB.", most>>20).
			With("limitBytes", strconv.FormatInt(most, 10))
	}
	if len(u.Data) == 0 {
		return File{}, errs.InField("file", "the file is empty")
	}
	f := File{Name: fileName(u.Name), Data: u.Data}
	if err := textfile.RefuseHEIF(u.Data); err != nil {
		return File{}, err
	}
	found, known := mediaTypeOf(u.Data)
	switch {
	case !known:
		text, _, mediaType, err := textfile.Read(f.Name, u.Data)
		if errs.CodeOf(err) == errs.UnsupportedType && !strings.HasPrefix(found, "text/") {
			err = errs.Newf(errs.UnsupportedType, "Files of the type %s cannot be attached.", found).With("mediaType", found)
		}
		if err != nil {
			return File{}, err
		}
		if text == "" {
			return File{}, errs.InField("file", "the file is empty")
		}
		f.MediaType, f.Data = mediaType, []byte(text)
	case partOf(found) == model.PartImage:
		cfg, _, err := image.DecodeConfig(bytes.NewReader(u.Data))
		if err != nil {
			return File{}, errs.Wrap(errs.InvalidInput, "The image cannot be read; it may be damaged.", err)
		}
		if cfg.Width > maxPixels || cfg.Height > maxPixels {
			return File{}, errs.Newf(errs.TooLarge, "The image has %d × %d pixels; a side may have %d.", cfg.Width, cfg.Height, maxPixels).
				With("limitPixels", strconv.Itoa(maxPixels))
		}
		f.MediaType, f.Width, f.Height = found, cfg.Width, cfg.Height
	default:
		f.MediaType = found
	}
	return f, nil
}

// mediaTypeOf is the type that content shows, and whether it is attachable as it
// is: a kind of an attachable type is taken for that type.
func mediaTypeOf(data []byte) (mediaType string, known bool) {
	found := mimetype.Detect(data)
	for m := found; m != nil; m = m.Parent() {
		base, _, _ := strings.Cut(m.String(), ";")
		if _, ok := attachable[base]; ok {
			return base, true
		}
	}
	mediaType, _, _ = strings.Cut(found.String(), ";")
	return mediaType, false
}

// part gives a file as it is or, if it is text that a model does not take as a
// document, as words.
func (f File) part(can model.Capabilities) model.Part {
	if isText(f.MediaType) && (!can.Documents || !isDocument(f.MediaType)) {
		return model.Part{Type: model.PartText, Text: fmt.Sprintf("<file name=%q>\n%s\n</file>", f.Name, f.Data)}
	}
	return model.Part{Type: partOf(f.MediaType), Media: &model.Media{Name: f.Name, MediaType: f.MediaType, Data: f.Data}}
}

// fileName keeps a name as the person knows it, without folders and control
// characters. Some systems take characters apart (が as か and its mark), which
// neither searches nor fonts put together.
func fileName(name string) string {
	name = norm.NFC.String(strings.ToValidUTF8(name, ""))
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return -1 // control characters, and those that turn the reading direction
		}
		return r
	}, name)
	if name = strings.TrimSpace(name); name == "" {
		return "file"
	}
	if r := []rune(name); len(r) > maxNameRunes {
		name = string(r[len(r)-maxNameRunes:])
	}
	return name
}
