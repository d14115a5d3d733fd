package script

import (
	"bytes"
	"hash/fnv"
	"image"
	"image/color"
	"image/png"
)

// Draw is what the fakes draw: a ground in a colour of the text's and a square
// in the middle in one of the seed's, as PNG. Equal ones are the same.
func Draw(text string, seed int64, width, height int) []byte {
	shade := func(s string, n int64) color.Color {
		h := fnv.New32a()
		h.Write([]byte(s))
		sum := h.Sum32() + uint32(n)*2654435761
		return color.RGBA{R: byte(sum >> 16), G: byte(sum >> 8), B: byte(sum), A: 255}
	}
	m := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{shade(text, 0), shade("square", seed)})
	for y := height / 3; y < height*2/3; y++ {
		for x := width / 3; x < width*2/3; x++ {
			m.SetColorIndex(x, y, 1)
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		panic(err) // the buffer takes everything
	}
	return out.Bytes()
}
