package textfile

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"

	"kakoi/internal/errs"
)

// The character sets that Decode tells apart, by the names people know.
const (
	UTF8      = "UTF-8"
	UTF16LE   = "UTF-16LE"
	UTF16BE   = "UTF-16BE"
	ISO2022JP = "ISO-2022-JP"
	ShiftJIS  = "Shift_JIS" // as Windows has it (code page 932), with the extensions of NEC and IBM and users' own characters
	EUCJP     = "EUC-JP"
)

const (
	bom8     = "\xef\xbb\xbf"
	bom16LE  = "\xff\xfe"
	bom16BE  = "\xfe\xff"
	unknown  = utf8.RuneError
	perError = 500 // bytes of text for each character that may be unreadable
)

// Decode returns the text of a file as UTF-8 without a byte order mark, and
// the character set it was in. Lines end as they ended in the file; see
// Newlines.
//
// A set must explain the whole file. Where none does, a file that is damaged
// in a few places, such as a log that was cut in the middle of a character, is
// read with U+FFFD in those places. Anything worse is refused: with code
// UnsupportedType what is no text, with code InvalidInput what looks like text
// in a set that is not one of ours. An empty file is empty text in UTF-8.
func Decode(data []byte) (text, charset string, err error) {
	switch {
	case bytes.HasPrefix(data, []byte(bom8)):
		text, charset = string(data[len(bom8):]), UTF8
		if !utf8.ValidString(text) {
			text = strings.ToValidUTF8(text, string(unknown))
		}
		return checked(text, charset, len(data))
	case bytes.HasPrefix(data, []byte(bom16LE)):
		return checked(decode16(data[2:], binary.LittleEndian), UTF16LE, len(data))
	case bytes.HasPrefix(data, []byte(bom16BE)):
		return checked(decode16(data[2:], binary.BigEndian), UTF16BE, len(data))
	}
	if err := notText(data); err != nil {
		return "", "", err
	}
	if escapes(data) {
		if text = decodeWith(japanese.ISO2022JP, data); !strings.ContainsRune(text, unknown) {
			return checked(text, ISO2022JP, len(data))
		}
	}
	text, charset = guess(data)
	return checked(text, charset, len(data))
}

// Newlines returns text with every line end, of Windows, of old Macs and of
// mainframes, as a single "\n".
func Newlines(text string) string {
	if !strings.ContainsAny(text, "\r\u0085") {
		return text
	}
	return strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n").Replace(text)
}

// checked returns the text if it reads like one: few unreadable characters and
// few controls that no text has.
func checked(text, charset string, size int) (string, string, error) {
	var broken, controls int
	for _, r := range text {
		switch {
		case r == unknown:
			broken++
		case isControl(r):
			controls++
		}
	}
	if controls > size/perError && controls > 1 || strings.ContainsRune(text, 0) {
		return "", "", errNotText()
	}
	if broken > size/perError+1 || broken > 0 && size < 16 {
		return "", "", errs.InField("file", "The characters of this text file cannot be read. Save it as UTF-8 and try again.")
	}
	return text, charset, nil
}

// isControl reports controls that text files do not hold. Line ends, tabs,
// form feeds, the escapes of coloured logs and the end mark of old DOS files
// (0x1A) are not among them.
func isControl(r rune) bool {
	switch r {
	case '\t', '\n', '\v', '\f', '\r', '\b', 0x1a, 0x1b, 0x85:
		return false
	}
	return r < ' ' || r >= 0x7f && r < 0xa0
}

// notText returns why data is not text in any set without a byte order mark,
// or nil if it may be.
func notText(data []byte) error {
	switch {
	case HEIF(data) != "":
		return errHEIF(HEIF(data))
	case bytes.HasPrefix(data, []byte("%PDF-")):
		return errNotText().With("mediaType", "application/pdf")
	case bytes.HasPrefix(data, []byte(`{\rtf`)):
		return errNotText().With("mediaType", "application/rtf")
	case bytes.IndexByte(data, 0) >= 0: // in the old sets and in UTF-8 no text holds it
		return errNotText()
	}
	return nil
}

func errNotText() *errs.Error {
	return errs.New(errs.UnsupportedType, "This file is not a text file.")
}

// escapes reports whether data is 7-bit and switches to Japanese at least
// once. The sequence that only returns to ASCII is no sign of it: terminals
// write it too.
func escapes(data []byte) bool {
	found := false
	for i, c := range data {
		if c >= utf8.RuneSelf {
			return false
		}
		if c == 0x1b && !found {
			rest := data[i+1:]
			found = bytes.HasPrefix(rest, []byte("$@")) || bytes.HasPrefix(rest, []byte("$B")) ||
				bytes.HasPrefix(rest, []byte("$(D")) || bytes.HasPrefix(rest, []byte("(I"))
		}
	}
	return found
}

// decode16 reads UTF-16; a surrogate that is alone or a last odd byte is U+FFFD.
func decode16(data []byte, order binary.ByteOrder) string {
	units := make([]uint16, len(data)/2, len(data)/2+1)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	if len(data)%2 == 1 {
		units = append(units, uint16(unknown))
	}
	return string(utf16.Decode(units))
}

// decodeWith reads data in a set of x/text, whose decoders put U+FFFD where
// they cannot read and never fail.
func decodeWith(e encoding.Encoding, data []byte) string {
	out, err := e.NewDecoder().Bytes(data)
	if err != nil {
		return string(unknown)
	}
	return string(out)
}

// decodeShiftJIS is x/text's reading and beside it users' own characters
// (gaiji), which stand in rows F0 to F9 and are U+E000 and on in Unicode.
func decodeShiftJIS(data []byte) string {
	return withOwn(japanese.ShiftJIS, data, func(p []byte) (size int, own rune) {
		lead := p[0]
		if lead < 0x81 || lead > 0x9f && lead < 0xe0 || lead > 0xfc || len(p) < 2 {
			return 1, 0
		}
		trail := p[1]
		if trail < 0x40 || trail == 0x7f || trail > 0xfc {
			return 1, 0
		}
		if lead < 0xf0 || lead > 0xf9 {
			return 2, 0
		}
		cell := rune(trail) - 0x40
		if trail > 0x7f {
			cell--
		}
		return 2, 0xe000 + rune(lead-0xf0)*188 + cell
	})
}

// decodeEUCJP is x/text's reading and beside it users' own characters, rows
// F5 to F8; in the rows after them Windows has IBM's.
func decodeEUCJP(data []byte) string {
	return withOwn(japanese.EUCJP, data, func(p []byte) (size int, own rune) {
		lead := p[0]
		switch {
		case lead == 0x8f && len(p) > 2 && p[1] >= 0xa1 && p[2] >= 0xa1:
			return 3, 0
		case (lead == 0x8e || lead >= 0xa1) && len(p) > 1 && p[1] >= 0xa1:
			if lead >= 0xf5 && lead <= 0xf8 && p[1] <= 0xfe {
				return 2, 0xe000 + rune(lead-0xf5)*94 + rune(p[1]-0xa1)
			}
			return 2, 0
		}
		return 1, 0
	})
}

// withOwn reads data in a set of x/text except for the characters that next
// knows; next returns the bytes of the first character and, for such a one,
// what it is.
func withOwn(e encoding.Encoding, data []byte, next func([]byte) (int, rune)) string {
	var b strings.Builder
	start := 0
	for i := 0; i < len(data); {
		size, own := next(data[i:])
		if own != 0 {
			b.WriteString(decodeWith(e, data[start:i]))
			b.WriteRune(own)
			start = i + size
		}
		i += size
	}
	if start == 0 {
		return decodeWith(e, data)
	}
	b.WriteString(decodeWith(e, data[start:]))
	return b.String()
}
