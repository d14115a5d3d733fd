package export

import (
	"archive/zip"
	"fmt"
	"io"
	"iter"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"kakoi/internal/jst"
)

// Archive writes a zip with a file for each conversation, in the format f. Only
// one conversation is held at a time. The head's own conversations are not
// written. Beside Markdown, which cannot hold them, stand the files of the
// conversations.
func Archive(w io.Writer, head Document, f Format, conversations iter.Seq2[Conversation, error]) error {
	if f.MediaType() == "" {
		return fmt.Errorf("%w: %q", ErrFormat, string(f))
	}
	out := zip.NewWriter(w)
	names := uniqueNames{}
	words := head.words()
	for c, err := range conversations {
		if err != nil {
			return err
		}
		doc := head
		doc.Title, doc.Conversations = "", []Conversation{c}
		name := names.take(FileName(words.titleOf(c), c.CreatedAt, string(f)))
		files := map[string]Part{}
		var order []string
		var entry strings.Builder
		if f == FormatMarkdown {
			folder := strings.TrimSuffix(name, ".md")
			inner := uniqueNames{}
			err = writeMarkdown(&entry, doc, func(p Part) (string, error) {
				if _, ok, err := p.content(); err != nil || !ok {
					return "", err
				}
				base := FileName(strings.TrimSuffix(p.Name, path.Ext(p.Name)), time.Time{}, strings.TrimPrefix(path.Ext(p.Name), "."))
				at := folder + "/" + inner.take(base)
				files[at], order = p, append(order, at)
				return strings.NewReplacer("<", "%3C", ">", "%3E", "\\", "%5C", "%", "%25").Replace(at), nil
			})
			if err != nil {
				return err
			}
		}
		file, err := create(out, name, c.UpdatedAt)
		if err != nil {
			return err
		}
		if f == FormatMarkdown {
			_, err = io.WriteString(file, entry.String())
		} else {
			err = Write(file, doc, f)
		}
		if err != nil {
			return err
		}
		for _, at := range order {
			data, _, err := files[at].content()
			if err != nil {
				return err
			}
			if file, err = create(out, at, c.UpdatedAt); err != nil {
				return err
			}
			if _, err := file.Write(data); err != nil {
				return err
			}
		}
	}
	return out.Close()
}

// create begins an entry. The name is UTF-8 and says so.
func create(out *zip.Writer, name string, at time.Time) (io.Writer, error) {
	return out.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: at.In(jst.Zone), NonUTF8: false, Flags: 0x800})
}

// maxNameBytes bounds a file's name without its ending. Names of 255 bytes are
// the least that file systems take, and three bytes are a Japanese character.
const maxNameBytes = 180

// FileName is a name for the file of a conversation, as every system takes it:
// 2026-11-22 予算の相談.docx. The date is left out if it is zero.
func FileName(title string, at time.Time, ending string) string {
	clean := func(s string) string {
		return strings.Map(func(r rune) rune {
			switch {
			case strings.ContainsRune(`\/:*?"<>|`, r), unicode.IsControl(r), r == utf8.RuneError:
				return ' '
			case unicode.Is(unicode.Cf, r) && r != '\u200d': // among them those that turn the direction of text
				return -1
			}
			return r
		}, norm.NFC.String(s))
	}
	name := strings.Trim(oneLine(clean(title)), " .~-")
	if len(name) > maxNameBytes {
		cut := maxNameBytes
		for cut > 0 && !utf8.RuneStart(name[cut]) {
			cut--
		}
		name = strings.TrimRight(name[:cut], " .")
	}
	if name == "" {
		name = "_"
	}
	if stem, _, _ := strings.Cut(strings.ToUpper(name), "."); reservedNames[strings.TrimSpace(stem)] {
		name = "_" + name
	}
	if !at.IsZero() {
		name = at.In(jst.Zone).Format(time.DateOnly) + " " + name
	}
	ending = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, ending)
	if ending == "" || len(ending) > 16 {
		return name
	}
	return name + "." + ending
}

// reservedNames are devices on Windows, whatever their ending.
var reservedNames = map[string]bool{
	"CON": true, "PRN": true, "AUX": true, "NUL": true,
	"COM1": true, "COM2": true, "COM3": true, "COM4": true, "COM5": true, "COM6": true, "COM7": true, "COM8": true, "COM9": true,
	"LPT1": true, "LPT2": true, "LPT3": true, "LPT4": true, "LPT5": true, "LPT6": true, "LPT7": true, "LPT8": true, "LPT9": true,
}

// uniqueNames are the names taken so far, with the number that is next for each;
// upper and lower case are one.
type uniqueNames map[string]int

func (u uniqueNames) take(name string) string {
	ending := path.Ext(name)
	base := strings.TrimSuffix(name, ending)
	first := strings.ToLower(name)
	for u[strings.ToLower(name)] > 0 {
		u[first]++
		name = fmt.Sprintf("%s (%d)%s", base, u[first], ending)
	}
	u[strings.ToLower(name)] = 1
	return name
}
