package export

import (
	"bytes"
	"fmt"
	"image"
	_ "image/gif"  // read sizes of GIF
	_ "image/jpeg" // read sizes of JPEG
	_ "image/png"  // read sizes of PNG
	"mime"
	"strings"

	_ "golang.org/x/image/webp" // read WebP
)

// maxPixels is the largest picture that is decoded; a small file can claim any size.
const maxPixels = 25_000_000

// imageType says whether files of the media type are pictures that we can place.
func imageType(mediaType string) bool {
	t, _, err := mime.ParseMediaType(mediaType)
	if err != nil {
		return false
	}
	switch t {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return true
	}
	return false
}

// picture is an image file whose content is what its type says.
type picture struct {
	data          []byte
	format        string // png, jpeg, gif, webp: by content
	width, height int
}

// picture reads the part as an image; ok is false if it is none, is gone or is
// not to be trusted.
func (p Part) picture() (pic picture, ok bool, err error) {
	if p.Kind != File || !imageType(p.MediaType) {
		return picture{}, false, nil
	}
	data, ok, err := p.content()
	if err != nil || !ok {
		return picture{}, false, err
	}
	config, format, decodeErr := image.DecodeConfig(bytes.NewReader(data))
	if decodeErr != nil || config.Width <= 0 || config.Height <= 0 || config.Width > maxPixels/config.Height {
		return picture{}, false, nil //nolint:nilerr // a broken picture is named like any other file
	}
	return picture{data, format, config.Width, config.Height}, true, nil
}

// fileLabel names a file in words.
func fileLabel(w words, p Part) string {
	kind := w.File
	if strings.HasPrefix(p.MediaType, "image/") {
		kind = w.Image
	}
	label := kind + w.colon + oneLine(p.Name)
	if p.Size > 0 {
		label += " (" + bytesInWords(p.Size) + ")"
	}
	return label
}

func bytesInWords(n int64) string {
	size, unit := float64(n), 0
	units := [...]string{"B", "KB", "MB", "GB"}
	for size >= 1000 && unit < len(units)-1 {
		size /= 1024
		unit++
	}
	if unit > 1 && size < 10 {
		return fmt.Sprintf("%.1f %s", size, units[unit])
	}
	return fmt.Sprintf("%.0f %s", size, units[unit])
}
