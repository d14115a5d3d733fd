package script

import (
	"bytes"
	"encoding/binary"
	"image"

	// Decoders whose headers Look reads.
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"
)

// Image is what a fake sees of an image: its real size, read from the data.
type Image struct {
	Format        string // png, jpeg, gif, webp
	Width, Height int
}

// Look reads the format and size of an image. It reports false for data that
// is not an image of a known format, which a real model would reject too.
func Look(data []byte) (Image, bool) {
	if cfg, format, err := image.DecodeConfig(bytes.NewReader(data)); err == nil {
		return Image{Format: format, Width: cfg.Width, Height: cfg.Height}, true
	}
	return lookWebP(data)
}

// lookWebP reads the canvas size of the three kinds of WebP files.
func lookWebP(d []byte) (Image, bool) {
	if len(d) < 30 || string(d[:4]) != "RIFF" || string(d[8:12]) != "WEBP" {
		return Image{}, false
	}
	le24 := func(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
	m := Image{Format: "webp"}
	switch string(d[12:16]) {
	case "VP8X":
		m.Width, m.Height = le24(d[24:])+1, le24(d[27:])+1
	case "VP8L":
		bits := binary.LittleEndian.Uint32(d[21:])
		m.Width, m.Height = int(bits&0x3FFF)+1, int(bits>>14&0x3FFF)+1
	case "VP8 ":
		m.Width = int(binary.LittleEndian.Uint16(d[26:]) & 0x3FFF)
		m.Height = int(binary.LittleEndian.Uint16(d[28:]) & 0x3FFF)
	default:
		return Image{}, false
	}
	return m, true
}
