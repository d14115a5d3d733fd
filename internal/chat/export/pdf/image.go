package pdf

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // read GIF
	"image/jpeg"
	_ "image/png" // read PNG

	_ "golang.org/x/image/webp" // read WebP
)

// Image places a picture, PNG, JPEG, GIF or WebP. The caller has judged its
// size. It answers false if the data is no picture, and draws nothing.
func (d *Writer) Image(x, y, w, h float64, data []byte, alt string) bool {
	if d.err != nil {
		return false
	}
	n, ok := d.embed(data)
	if !ok {
		return false
	}
	name := fmt.Sprintf("I%d", n)
	d.page().images[name] = n
	d.Begin("Figure")
	d.open[len(d.open)-1].alt = alt
	d.mark()
	fmt.Fprintf(d.body, "q %s 0 0 %s %s %s cm /%s Do Q\n", number(w), number(h), number(x), number(d.up(y+h)), name)
	d.End()
	return true
}

func (d *Writer) embed(data []byte) (object int, ok bool) {
	config, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return 0, false
	}
	dict := fmt.Sprintf("/Type /XObject /Subtype /Image /Width %d /Height %d /BitsPerComponent 8", config.Width, config.Height)
	if format == "jpeg" && (config.ColorModel == color.YCbCrModel || config.ColorModel == color.GrayModel) {
		if _, err := jpeg.Decode(bytes.NewReader(data)); err != nil {
			return 0, false
		}
		space := "/DeviceRGB"
		if config.ColorModel == color.GrayModel {
			space = "/DeviceGray"
		}
		n := d.allot()
		d.packed(n, dict+" /ColorSpace "+space+" /Filter /DCTDecode", data)
		return n, true
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return 0, false
	}
	bounds := img.Bounds()
	colors := make([]byte, 0, 3*bounds.Dx()*bounds.Dy())
	alpha := make([]byte, 0, bounds.Dx()*bounds.Dy())
	opaque := true
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c, _ := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			colors = append(colors, c.R, c.G, c.B)
			alpha = append(alpha, c.A)
			opaque = opaque && c.A == 255
		}
	}
	dict = fmt.Sprintf("/Type /XObject /Subtype /Image /Width %d /Height %d /BitsPerComponent 8", bounds.Dx(), bounds.Dy())
	if !opaque {
		mask := d.allot()
		d.stream(mask, dict+" /ColorSpace /DeviceGray", alpha)
		dict += fmt.Sprintf(" /SMask %d 0 R", mask)
	}
	n := d.allot()
	d.stream(n, dict+" /ColorSpace /DeviceRGB", colors)
	return n, true
}
