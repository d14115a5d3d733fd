package imports

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"regexp"
	"slices"
	"strings"

	"kakoi/internal/errs"
)

// Reader reads one export.
type Reader struct {
	limits   Limits
	source   Source
	records  bool                 // of a database, in which a conversation is in many
	sections []section            // the JSON files
	assets   map[string]*zip.File // pictures and attachments in a zip, by the id in their names
	all      *everything          // of a person's, if that is what the file is
	report   Report
	number   int
	unpacked int64             // bytes of JSON that one reading may still take from the zip
	ids      map[[16]byte]bool // of the conversations taken
}

// section is one file of JSON.
type section struct {
	name string
	open func() (io.ReadCloser, error)
}

// Open tells what kind of export a file is. The file may be JSON, JSON lines,
// or a zip of them. The error has code UnsupportedType if it is none of those
// we know, InvalidInput if it is damaged or holds no conversation, TooLarge if
// it is beyond a limit. The file must stay open while the conversations and
// their attachments are read.
func Open(file io.ReaderAt, size int64, limits Limits) (*Reader, error) {
	r := &Reader{limits: limits.withDefaults()}
	head := make([]byte, 4)
	if _, err := file.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read export: %w", err)
	}
	if string(head[:2]) == "PK" {
		if err := r.openZip(file, size); err != nil {
			return nil, err
		}
	} else {
		r.sections = []section{{"", func() (io.ReadCloser, error) {
			return io.NopCloser(io.NewSectionReader(file, 0, size)), nil
		}}}
	}
	if err := r.detect(); err != nil {
		return nil, err
	}
	r.report.Source = r.source
	return r, nil
}

// Source returns which program the export comes from.
func (r *Reader) Source() Source { return r.source }

// Report returns what became of what Conversations has passed so far.
func (r *Reader) Report() Report { return r.report }

var conversationFiles = regexp.MustCompile(`^conversations(-\d+)?\.json$`)

// openZip finds the JSON files and the attachments of a zip.
func (r *Reader) openZip(file io.ReaderAt, size int64) error {
	if n, err := directorySize(file, size); err != nil {
		return err
	} else if n > int64(r.limits.ZipEntries)*512 {
		return r.tooMany()
	}
	z, err := zip.NewReader(file, size)
	if err != nil {
		return errs.Wrap(errs.InvalidInput, "The zip file is damaged. It may not have been saved or sent completely.", err)
	}
	if len(z.File) > r.limits.ZipEntries {
		return r.tooMany()
	}
	r.assets = make(map[string]*zip.File)
	root, mine := rootOfEverything(z.File)
	if mine {
		r.all = &everything{files: make(map[string]*zip.File)}
	}
	var all, named []section
	for _, f := range z.File {
		base := path.Base(f.Name)
		switch {
		case f.Mode().IsDir() || strings.HasPrefix(base, ".") || strings.HasPrefix(f.Name, "__MACOSX/"):
		case mine && !r.all.isConversation(f, root):
			r.all.add(f, root, r.unpack)
		case strings.HasSuffix(strings.ToLower(base), ".json"), strings.HasSuffix(strings.ToLower(base), ".jsonl"):
			s := section{f.Name, func() (io.ReadCloser, error) { return r.unpack(f) }}
			all = append(all, s)
			if conversationFiles.MatchString(base) {
				named = append(named, s)
			}
		default:
			if id := assetID(base); id != "" && r.assets[id] == nil {
				r.assets[id] = f
			}
		}
	}
	if r.sections = named; len(named) == 0 {
		r.sections = all
	}
	byName := func(a, b section) int { return strings.Compare(a.name, b.name) }
	slices.SortStableFunc(r.sections, byName)
	if mine {
		slices.SortStableFunc(r.all.folders, byName)
	}
	return nil
}

func (r *Reader) tooMany() error {
	return errs.Newf(errs.TooLarge, "The zip file holds more than %d files.", r.limits.ZipEntries)
}

// directorySize returns how many bytes the list of a zip's files takes, which
// must be known before it is read into memory.
func directorySize(file io.ReaderAt, size int64) (int64, error) {
	tail := make([]byte, min(size, 22+20+65535))
	if _, err := file.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("read export: %w", err)
	}
	end := bytes.LastIndex(tail, []byte("PK\x05\x06"))
	if end < 0 || len(tail) < end+22 {
		return 0, errs.New(errs.InvalidInput, "The zip file is damaged. It may not have been saved or sent completely.")
	}
	n := int64(le(tail[end+12 : end+16]))
	if locator := end - 20; n == 0xffffffff && locator >= 0 && string(tail[locator:locator+4]) == "PK\x06\x07" {
		record := make([]byte, 56)
		at := int64(le(tail[locator+8 : locator+16]))
		if at < 0 || at > size {
			return 0, nil // zip.NewReader says what is wrong
		}
		if _, err := file.ReadAt(record, at); err != nil {
			return 0, nil //nolint:nilerr // likewise
		}
		n = int64(le(record[40:48]) & (1<<62 - 1))
	}
	return n, nil
}

// le reads a little-endian number.
func le(b []byte) (n uint64) {
	for i, c := range b {
		n |= uint64(c) << (8 * i)
	}
	return n
}

// unpacking reads an entry of a zip, within what all of them may unpack to.
type unpacking struct {
	io.ReadCloser
	packed, unpacked int64
	left             *int64 // of all entries
}

// maxRatio is how much larger JSON may become, once it is large. Text shrinks
// to a tenth; a bomb to a thousandth.
const maxRatio = 200

func (r *Reader) unpack(f *zip.File) (io.ReadCloser, error) {
	rc, err := f.Open()
	if err != nil {
		return nil, errs.Wrap(errs.InvalidInput, "The zip file is damaged or locked with a password.", err)
	}
	return &unpacking{ReadCloser: rc, packed: int64(f.CompressedSize64), left: &r.unpacked}, nil
}

// Read implements io.Reader.
func (u *unpacking) Read(p []byte) (int, error) {
	n, err := u.ReadCloser.Read(p)
	u.unpacked += int64(n)
	*u.left -= int64(n)
	if *u.left < 0 || u.unpacked > 64<<20 && u.unpacked > maxRatio*u.packed {
		return 0, errs.New(errs.TooLarge, "The zip file unpacks to more than can be read.")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = errs.Wrap(errs.InvalidInput, "The zip file is damaged. It may not have been saved or sent completely.", err)
	}
	return n, err
}

// errNothing ends a section whose first values are nothing we know.
var errNothing = errors.New("nothing known")

// detect finds the source by the first value that is one we know, and leaves
// out the files of a zip that hold none.
func (r *Reader) detect() error {
	const tries = 50
	r.unpacked = r.limits.UnpackedBytes
	files := len(r.sections)
	var firstErr error
	kept := r.sections[:0]
	values := 0
	for _, s := range r.sections {
		n, known := 0, false
		err := r.elements(s, func(e element) error {
			n++
			values++
			if e.problem == "" {
				if source, records := classify(e); source != "" {
					known = true
					if r.source == "" {
						r.source, r.records = source, records
					}
					return errStop
				}
			}
			if n == tries {
				return errNothing
			}
			return nil
		})
		failed := err != nil && !errors.Is(err, errNothing)
		if failed && errs.CodeOf(err) != errs.InvalidInput {
			return err // of the disk, or of a limit
		}
		if known || failed { // what cannot be read is told when its turn comes
			kept = append(kept, s)
		}
		if failed && firstErr == nil {
			firstErr = err
		}
	}
	r.sections = kept
	if r.all != nil && files == 0 { // somebody who has no conversations
		r.source = Kakoi
	}
	switch {
	case r.source != "":
		return nil
	case firstErr != nil && values > 0:
		return firstErr // of a known kind it may be, but it is damaged from the start
	case firstErr == nil && values == 0 && files > 0:
		return errs.New(errs.InvalidInput, "The file holds no conversations.")
	}
	return errs.New(errs.UnsupportedType, "This is not an export of conversations from ChatGPT, Open WebUI, LibreChat, GenU or Kakoi.")
}

// elements cuts one section. It ends without an error when each returns errStop.
func (r *Reader) elements(s section, each func(element) error) error {
	rc, err := s.open()
	if err != nil {
		return err
	}
	defer rc.Close()
	if err := newSplitter(rc, r.limits).elements(each); err != nil && !errors.Is(err, errStop) {
		return err
	}
	return nil
}

// classify tells whose a value is by the names of its members, and whether it
// is a record of a database rather than a conversation.
func classify(e element) (source Source, records bool) {
	var h struct {
		Format, Schema, Version str
	}
	if e.header != nil && json.Unmarshal(e.header, &h) == nil {
		if format := firstOf(h.Format, h.Schema, h.Version); isKakoi(format) {
			if format != kakoiFormat+kakoiVersion {
				return "", false // of a newer Kakoi
			}
			return Kakoi, false
		}
	}
	var p struct {
		Mapping, Chat, History        shape
		Messages, MessagesTree        shape
		RecordedMessages, Item        shape
		ConversationID                shape `json:"conversationId"`
		ID, CreatedDate, ChatID, Role shape
	}
	if !object(e.raw, &p) {
		return "", false
	}
	messages := p.Messages == '[' || p.MessagesTree == '[' || p.RecordedMessages == '['
	switch {
	case p.Mapping == '{':
		return ChatGPT, false
	case p.Chat == '{' && messages:
		return GenU, false
	case p.Chat == '{', p.History == '{':
		return OpenWebUI, false
	case p.ConversationID != 0 && (messages || p.Messages == '{' || p.MessagesTree == '{'):
		return LibreChat, false
	case p.Item == '{', p.ID != 0 && p.CreatedDate != 0:
		return GenU, true
	case messages && kakoiMessages(e.raw):
		return Kakoi, false
	case messages && p.RecordedMessages != 0, messages && genuMessages(e.raw):
		return GenU, false
	}
	return "", false
}

// Conversations yields the conversations of the export in its order. A
// *Problem comes for each that is skipped, with what is known of it, and the
// reading goes on; any other error is the end. It may be ranged over again,
// which reads the file again and begins a new report.
func (r *Reader) Conversations() iter.Seq2[Conversation, error] {
	return func(yield func(Conversation, error) bool) {
		r.report, r.number, r.ids = Report{Source: r.source}, 0, make(map[[16]byte]bool)
		give := func(c Conversation, t tally, p *Problem) error {
			if !r.give(c, t, p, yield) {
				return errStop
			}
			return nil
		}
		var err error
		if r.records {
			err = r.readRecords(give)
		} else {
			r.unpacked = r.limits.UnpackedBytes
			for _, s := range r.sections {
				err = r.elements(s, func(e element) error { return give(r.conversation(e)) })
				if errs.CodeOf(err) == errs.InvalidInput && len(r.sections) > 1 {
					// One of several files is damaged; the others may be whole.
					err = give(Conversation{Source: r.source, Title: path.Base(s.name)}, tally{}, &Problem{Reason: ReasonMalformed, cause: err})
				}
				if err != nil {
					break
				}
			}
		}
		if err != nil && !errors.Is(err, errStop) {
			yield(Conversation{}, err)
		}
	}
}

// give counts a conversation and hands it out.
func (r *Reader) give(c Conversation, t tally, p *Problem, yield func(Conversation, error) bool) bool {
	r.number++
	c.Number = r.number
	if p == nil {
		var id [16]byte
		sum := sha256.Sum256([]byte(c.ExternalID))
		copy(id[:], sum[:])
		switch {
		case r.ids[id]:
			p = &Problem{Reason: ReasonDuplicate}
		case len(c.Messages) == 0:
			p = &Problem{Reason: ReasonEmpty}
		case len(c.Messages) > r.limits.Messages:
			p = &Problem{Reason: ReasonTooMany}
		default:
			r.ids[id] = true
		}
	}
	for why, n := range t.omitted {
		if r.report.Omitted == nil {
			r.report.Omitted = make(map[Reason]int)
		}
		r.report.Omitted[why] += n
	}
	if p == nil {
		r.report.Conversations.Take()
		r.report.Messages.add(t.messages, "")
		r.report.Attachments.add(t.attachments, "")
		r.report.Merged += t.merged
		return yield(c, nil)
	}
	p.Number, p.Title = c.Number, c.Title
	r.report.Conversations.Skip(p.Reason, 1)
	r.report.Messages.add(t.messages, ReasonConversation)
	r.report.Attachments.add(t.attachments, ReasonConversation)
	if len(r.report.Problems) < maxProblems {
		r.report.Problems = append(r.report.Problems, *p)
	}
	c.Messages, c.LeafID = nil, ""
	return yield(c, p)
}

// conversation reads one element.
func (r *Reader) conversation(e element) (Conversation, tally, *Problem) {
	if e.problem != "" {
		return Conversation{Source: r.source, Title: titleOf(e.raw)}, tally{}, &Problem{Reason: e.problem}
	}
	source, records := classify(e)
	var read func([]byte, *tally) (Conversation, error)
	switch source {
	case ChatGPT:
		read = r.chatGPT
	case OpenWebUI:
		read = r.openWebUI
	case LibreChat:
		read = r.libreChat
	case GenU:
		read = r.genU
	case Kakoi:
		read = r.kakoi
	}
	if read == nil || records {
		why := ReasonUnknownFormat
		if !json.Valid(e.raw) || titleOf(e.raw) != "" { // a conversation of which something is missing
			why = ReasonMalformed
		}
		return Conversation{Source: r.source, Title: titleOf(e.raw)}, tally{}, &Problem{Reason: why}
	}
	var t tally
	c, err := read(e.raw, &t)
	c.Source = source
	if err != nil {
		var p *Problem
		if !errors.As(err, &p) {
			p = &Problem{Reason: ReasonMalformed, cause: err}
		}
		if c.Title == "" {
			c.Title = titleOf(e.raw)
		}
		return c, t, p
	}
	finish(&c, &t)
	return c, t, nil
}

// finish fills in what follows from the messages, and counts the attachments.
func finish(c *Conversation, t *tally) {
	id := strings.TrimPrefix(c.ExternalID, string(c.Source)+":")
	if id == "" {
		id = contentID(*c)
	}
	c.ExternalID = string(c.Source) + ":" + id
	told := !c.CreatedAt.IsZero()
	for _, m := range c.Messages {
		if at := m.CreatedAt; !told && !at.IsZero() && (c.CreatedAt.IsZero() || at.Before(c.CreatedAt)) {
			c.CreatedAt = at
		}
		for _, p := range m.Parts {
			switch {
			case p.Kind != KindFile:
			case p.File.Missing != "":
				t.attachments.Skip(p.File.Missing, 1)
			default:
				t.attachments.Take()
			}
		}
	}
	if c.UpdatedAt.IsZero() {
		for _, m := range c.Messages {
			if m.CreatedAt.After(c.UpdatedAt) {
				c.UpdatedAt = m.CreatedAt
			}
		}
	}
	if c.UpdatedAt.Before(c.CreatedAt) {
		c.UpdatedAt = c.CreatedAt
	}
}

// contentID stands for the id that a conversation does not have.
func contentID(c Conversation) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%d\x00", c.Title, c.CreatedAt.UnixMilli())
	for _, m := range c.Messages {
		fmt.Fprintf(h, "%s\x00%s\x00", m.Role, m.Text())
	}
	return "sha256-" + hex.EncodeToString(h.Sum(nil)[:16])
}

var titleMember = regexp.MustCompile(`"(?:title|name)"\s*:\s*("(?:[^"\\]|\\.){0,1000}")`)

// titleOf finds the title of a conversation that cannot be read, near its
// beginning.
func titleOf(raw []byte) string {
	m := titleMember.FindSubmatch(raw[:min(len(raw), 4<<10)])
	var s str
	if m == nil || s.UnmarshalJSON(m[1]) != nil {
		return ""
	}
	return line(s)
}
