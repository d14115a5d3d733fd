package imports

import (
	"archive/zip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// assetID returns the id in the name of a file that ChatGPT exported, such as
// file-Ab12 of "file-Ab12-plan.png" and file_0a1b of "file_0a1b.dat", or "".
func assetID(base string) string {
	if !strings.HasPrefix(base, "file-") && !strings.HasPrefix(base, "file_") {
		return ""
	}
	end := len("file-")
	for end < len(base) && (base[end] >= '0' && base[end] <= '9' || base[end]|0x20 >= 'a' && base[end]|0x20 <= 'z') {
		end++
	}
	if end == len("file-") {
		return ""
	}
	return base[:end]
}

// zipFile returns the attachment id of the zip.
func (r *Reader) zipFile(id, name, mediaType string) File {
	z := r.assets[assetID(id)]
	if z == nil {
		return File{Name: name, MediaType: mediaType, Missing: ReasonNotInFile}
	}
	if name == "" {
		name = path.Base(z.Name)
	}
	return r.entry(z, name, mediaType)
}

// entry returns an entry of the zip as an attachment.
func (r *Reader) entry(z *zip.File, name, mediaType string) File {
	f := File{Name: name, MediaType: mediaType}
	limit := r.limits.FileBytes
	if z.UncompressedSize64 > uint64(limit) {
		f.Missing = ReasonTooLarge
		return f
	}
	f.data = func() ([]byte, error) { return readZip(z, limit) }
	return f
}

func readZip(z *zip.File, limit int64) ([]byte, error) {
	rc, err := z.Open()
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", z.Name, err)
	}
	defer rc.Close()
	data, err := io.ReadAll(io.LimitReader(rc, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", z.Name, err)
	}
	if int64(len(data)) > limit {
		return nil, errors.New("the file is larger than its entry says")
	}
	return data, nil
}

// base64File returns an attachment whose content stands in the JSON.
func (r *Reader) base64File(name, mediaType, data string) File {
	f := File{Name: name, MediaType: mediaType}
	switch {
	case int64(len(data))/4*3 > r.limits.FileBytes+2:
		f.Missing = ReasonTooLarge
	case !looksBase64(data):
		f.Missing = ReasonMalformed
	default:
		f.data = func() ([]byte, error) {
			return base64.RawStdEncoding.DecodeString(strings.TrimRight(data, "="))
		}
	}
	return f
}

// looksBase64 reports whether data will decode.
func looksBase64(data string) bool {
	data = strings.TrimRight(data, "=")
	if len(data)%4 == 1 {
		return false
	}
	for _, c := range []byte(data) {
		if c != '+' && c != '/' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

// dataURL returns the attachment in a data: URL, or one that is missing for
// any other address: imports fetch nothing.
func (r *Reader) dataURL(name, mediaType, url string) File {
	head, data, ok := strings.Cut(url, ",")
	if !ok || !strings.HasPrefix(head, "data:") || !strings.HasSuffix(head, ";base64") {
		return File{Name: name, MediaType: mediaType, Missing: ReasonNotInFile}
	}
	if mediaType == "" {
		mediaType, _, _ = strings.Cut(strings.TrimPrefix(head, "data:"), ";")
	}
	return r.base64File(name, mediaType, data)
}

// textFile returns an attachment of which the export has the text only.
func (r *Reader) textFile(name, text string) File {
	if int64(len(text)) > r.limits.FileBytes {
		return File{Name: name, MediaType: "text/plain", Missing: ReasonTooLarge}
	}
	return File{Name: name, MediaType: "text/plain", data: func() ([]byte, error) { return []byte(text), nil }}
}

// addText appends text as a part, unless it is blank.
func addText(parts []Part, kind Kind, text string) []Part {
	if strings.TrimSpace(text) == "" {
		return parts
	}
	return append(parts, Part{Kind: kind, Text: text})
}

// fence returns code as a block of Markdown.
func fence(language, code string) string {
	mark := "```"
	for strings.Contains(code, mark) {
		mark += "`"
	}
	return mark + language + "\n" + strings.TrimRight(code, "\n") + "\n" + mark
}
