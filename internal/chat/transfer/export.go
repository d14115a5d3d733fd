// Package transfer takes conversations out as files and brings those of other
// programs in: it stands between the conversations of a person and the formats
// of chat/export and chat/imports.
package transfer

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/chat"
	"kakoi/internal/chat/export"
	"kakoi/internal/errs"
	"kakoi/internal/feedback"
	"kakoi/internal/jst"
	"kakoi/internal/library"
	"kakoi/internal/model"
)

// Service takes conversations out and in, each time those of the person who
// acts in the context.
type Service struct {
	chat     *chat.Service
	feedback *feedback.Service
	library  *library.Service
	audit    *audit.Log
	now      func() time.Time
}

// New returns a service over the conversations of c, what people think of their
// answers, and their prompts.
func New(c *chat.Service, opinions *feedback.Service, prompts *library.Service, record *audit.Log, now func() time.Time) *Service {
	return &Service{c, opinions, prompts, record, now}
}

// Wish is what a file of conversations is to be like.
type Wish struct {
	Format    export.Format
	Reasoning bool
	Era       bool
	Author    string // the name the person speaks by
}

// Export is a file that is ready to be written.
type Export struct {
	Name      string
	MediaType string
	Write     func(w io.Writer) error
}

// may decides about what a person does with conversations of their own.
func may(ctx context.Context, a access.Action) error {
	who, err := access.Require(ctx)
	if err != nil {
		return err
	}
	return access.Decide(who, a, access.Resource{Kind: access.KindConversation, OwnerID: who.AccountID})
}

// Conversation returns a conversation as a file. Markdown, which cannot hold
// the files of a conversation, comes in a zip with them if there are any.
func (s *Service) Conversation(ctx context.Context, id string, wish Wish) (Export, error) {
	if err := may(ctx, access.ConversationExport); err != nil {
		return Export{}, err
	}
	head, err := s.head(ctx, wish)
	if err != nil {
		return Export{}, err
	}
	w, err := s.chat.Whole(ctx, id)
	if err != nil {
		return Export{}, err
	}
	c, err := s.exported(ctx, w)
	if err != nil {
		return Export{}, err
	}
	if err := s.record(ctx, "conversation.export", id, 1, wish); err != nil {
		return Export{}, err
	}
	if wish.Format == export.FormatMarkdown && hasFiles(c) {
		return Export{export.FileName(c.Title, c.CreatedAt, "zip"), "application/zip", func(out io.Writer) error {
			return export.Archive(out, head, wish.Format, func(yield func(export.Conversation, error) bool) { yield(c, nil) })
		}}, nil
	}
	head.Conversations = []export.Conversation{c}
	return Export{export.FileName(c.Title, c.CreatedAt, string(wish.Format)), wish.Format.MediaType(), func(out io.Writer) error {
		return export.Write(out, head, wish.Format)
	}}, nil
}

// Conversations returns a zip with a file for each of the conversations. All of
// them must be the person's; one at a time is read as the zip is written.
func (s *Service) Conversations(ctx context.Context, ids []string, wish Wish) (Export, error) {
	if err := may(ctx, access.ConversationExport); err != nil {
		return Export{}, err
	}
	head, err := s.head(ctx, wish)
	if err != nil {
		return Export{}, err
	}
	if err := s.chat.CheckOwn(ctx, ids); err != nil {
		return Export{}, err
	}
	if err := s.record(ctx, "conversation.export", "", len(ids), wish); err != nil {
		return Export{}, err
	}
	return Export{"kakoi-" + jst.Stamp(s.now()) + ".zip", "application/zip", func(out io.Writer) error {
		return export.Archive(out, head, wish.Format, s.each(ctx, ids))
	}}, nil
}

// Tables returns the tables of an answer of the person's for a spreadsheet: as
// XLSX all of them, or the one of an index; as CSV one.
func (s *Service) Tables(ctx context.Context, message, format string, index int) (Export, error) {
	if err := may(ctx, access.ConversationExport); err != nil {
		return Export{}, err
	}
	e, err := s.chat.Answer(ctx, message)
	if err != nil {
		return Export{}, err
	}
	tables := export.Tables(e.Answer)
	if format == "csv" {
		index = max(index, 0)
	}
	if len(tables) == 0 || index >= len(tables) {
		return Export{}, errs.New(errs.NotFound, "The answer has no such table.")
	}
	if index >= 0 {
		tables = tables[index : index+1]
	}
	title := tables[0].Title
	if title == "" {
		title = "table"
	}
	p, _ := access.From(ctx)
	if format == "csv" {
		return Export{export.FileName(title, time.Time{}, "csv"), "text/csv; charset=utf-8", func(w io.Writer) error { return export.CSV(w, tables[0]) }}, nil
	}
	return Export{export.FileName(title, time.Time{}, "xlsx"), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
		func(w io.Writer) error { return export.XLSX(w, tables, localeOf(p)) }}, nil
}

// Thing is something of a person's beside their conversations.
type Thing struct {
	Name  string // of the file
	Value any    // as JSON
}

// Everything returns a zip with all that is the person's: the things, their
// folders with the files in them, and every conversation with its files. Import
// takes prompts.json, folders and conversations back.
func (s *Service) Everything(ctx context.Context, author string, things []Thing) (Export, error) {
	wish := Wish{Format: export.FormatJSON, Reasoning: true, Author: author}
	head, err := s.head(ctx, wish)
	if err != nil {
		return Export{}, err
	}
	ids, err := s.chat.Everything(ctx)
	if err != nil {
		return Export{}, err
	}
	folders, err := s.chat.Folders(ctx)
	if err != nil {
		return Export{}, err
	}
	if err := s.record(ctx, "account.export", "", len(ids), wish); err != nil {
		return Export{}, err
	}
	return Export{"kakoi-" + jst.Stamp(s.now()) + ".zip", "application/zip", func(out io.Writer) error {
		z := zip.NewWriter(out)
		for i, f := range folders {
			kept, err := s.writeFolder(ctx, z, i, f)
			if err != nil {
				return err
			}
			things = append(things, Thing{fmt.Sprintf("folders/%03d.json", i+1), kept})
		}
		for _, t := range things {
			entry, err := create(z, t.Name, s.now())
			if err != nil {
				return err
			}
			text := json.NewEncoder(entry)
			text.SetIndent("", "  ")
			if err := text.Encode(t.Value); err != nil {
				return fmt.Errorf("write %s: %w", t.Name, err)
			}
		}
		n := 0
		for c, err := range s.each(ctx, ids) {
			if err != nil {
				return err
			}
			n++
			entry, err := create(z, fmt.Sprintf("conversations/%05d %s", n, export.FileName(c.Title, c.CreatedAt, "json")), c.UpdatedAt)
			if err != nil {
				return err
			}
			doc := head
			doc.Conversations = []export.Conversation{c}
			if err := export.JSON(entry, doc); err != nil {
				return err
			}
		}
		return z.Close()
	}}, nil
}

// folder is one as it stands in the zip of everything.
type folder struct {
	Name         string   `json:"name"`
	Instructions string   `json:"instructions"`
	Files        []string `json:"files"` // in the zip
}

func (s *Service) writeFolder(ctx context.Context, z *zip.Writer, number int, f chat.Folder) (folder, error) {
	whole, err := s.chat.Folder(ctx, f.ID)
	if err != nil {
		return folder{}, err
	}
	out := folder{whole.Name, whole.Instructions, []string{}}
	for i, a := range whole.Files {
		data, err := s.content(ctx, a.ID)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return folder{}, err
		}
		ending := path.Ext(a.Name)
		name := fmt.Sprintf("folders/%03d files/%02d %s", number+1, i+1,
			export.FileName(strings.TrimSuffix(a.Name, ending), time.Time{}, strings.TrimPrefix(ending, ".")))
		entry, err := create(z, name, a.CreatedAt)
		if err != nil {
			return folder{}, err
		}
		if _, err := entry.Write(data); err != nil {
			return folder{}, fmt.Errorf("write %s: %w", name, err)
		}
		out.Files = append(out.Files, name)
	}
	return out, nil
}

// content reads a file. One that cannot be read counts as gone: it must not keep
// everything else from coming out.
func (s *Service) content(ctx context.Context, id string) ([]byte, error) {
	_, data, err := s.chat.AttachmentContent(ctx, id)
	if code := errs.CodeOf(err); code == errs.FileUnreadable || code == errs.NotFound {
		return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return data, err
}

func create(z *zip.Writer, name string, at time.Time) (io.Writer, error) {
	entry, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: at, Flags: 0x800})
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	return entry, nil
}

// head is a document without conversations as a person wants it.
func (s *Service) head(ctx context.Context, wish Wish) (export.Document, error) {
	p, err := access.Require(ctx)
	if err != nil {
		return export.Document{}, err
	}
	if wish.Format.MediaType() == "" {
		return export.Document{}, errs.InField("format", "this is no format of files")
	}
	return export.Document{
		Author: wish.Author, ExportedAt: s.now(), Locale: localeOf(p), Era: wish.Era, Reasoning: wish.Reasoning,
	}, nil
}

func localeOf(p access.Principal) export.Locale {
	if p.Locale == string(export.English) {
		return export.English
	}
	return export.Japanese
}

func (s *Service) record(ctx context.Context, action, id string, n int, wish Wish) error {
	return s.audit.Record(ctx, audit.Event{
		Action: action, Resource: audit.Resource{Kind: string(access.KindConversation), ID: id},
		Details: map[string]string{"format": string(wish.Format), "conversations": strconv.Itoa(n)},
	})
}

// each reads conversations one after the other. One that was deleted since they
// were asked for is left out.
func (s *Service) each(ctx context.Context, ids []string) iter.Seq2[export.Conversation, error] {
	return func(yield func(export.Conversation, error) bool) {
		for _, id := range ids {
			w, err := s.chat.Whole(ctx, id)
			if errs.CodeOf(err) == errs.NotFound {
				continue
			}
			if err != nil {
				yield(export.Conversation{}, err)
				return
			}
			if c, err := s.exported(ctx, w); !yield(c, err) || err != nil {
				return
			}
		}
	}
}

func (s *Service) exported(ctx context.Context, w chat.Whole) (export.Conversation, error) {
	thought, err := s.thought(ctx, w)
	if err != nil {
		return export.Conversation{}, err
	}
	c := export.Conversation{
		ID: w.ID, Title: w.Title, SystemPrompt: w.SystemPrompt, Folder: w.Folder, Tags: w.Tags, Pinned: w.Pinned, Archived: w.Archived, Class: int(w.Class),
		LeafID: w.LeafID, CreatedAt: w.CreatedAt, UpdatedAt: w.ActiveAt,
	}
	if w.Parameters != (model.Parameters{}) {
		if c.Parameters, err = json.Marshal(w.Parameters); err != nil {
			return export.Conversation{}, fmt.Errorf("export the parameters of %s: %w", w.ID, err)
		}
	}
	for _, m := range w.Messages {
		msg := export.Message{
			ID: m.ID, ParentID: m.ParentID, Role: export.Role(m.Role), ModelName: m.ModelName, At: m.CreatedAt, FinishedAt: m.FinishedAt,
			Status: string(m.Status), StopReason: string(m.StopReason),
		}
		if f, ok := thought[m.ID]; ok {
			msg.Feedback = &export.Feedback{Rating: string(f.Rating), Comment: f.Comment, Shared: f.ShareContent, At: f.UpdatedAt}
			for _, r := range f.Reasons {
				msg.Feedback.Reasons = append(msg.Feedback.Reasons, string(r))
			}
		}
		if m.Status == chat.StatusRunning {
			msg.Status = string(chat.StatusInterrupted)
		}
		if m.ModelName != "" {
			c.ModelName = m.ModelName
		}
		for _, p := range m.Parts {
			msg.Parts = append(msg.Parts, s.exportedPart(ctx, p))
		}
		c.Messages = append(c.Messages, msg)
	}
	return c, nil
}

// thought is what the person thinks of the answers of a conversation.
func (s *Service) thought(ctx context.Context, w chat.Whole) (map[string]feedback.Feedback, error) {
	var ids []string
	for _, m := range w.Messages {
		if m.Role == model.RoleAssistant {
			ids = append(ids, m.ID)
		}
	}
	all := make(map[string]feedback.Feedback)
	for some := range slices.Chunk(ids, 500) {
		of, err := s.feedback.Of(ctx, some)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, of)
	}
	return all, nil
}

func (s *Service) exportedPart(ctx context.Context, p chat.Part) export.Part {
	switch {
	case p.AttachmentID != "":
		return export.Part{Kind: export.File, Name: p.Name, MediaType: p.MediaType, Size: p.Size, Data: func() ([]byte, error) {
			return s.content(ctx, p.AttachmentID)
		}}
	case p.Type == model.PartReasoning:
		return export.Part{Kind: export.Reasoning, Text: p.Text}
	default:
		return export.Part{Kind: export.Text, Text: p.Text}
	}
}

// hasFiles reports whether there are files on the open branch.
func hasFiles(c export.Conversation) bool {
	next := c.LeafID
	for _, m := range slices.Backward(c.Messages) { // a message is newer than the one it follows
		if m.ID != next {
			continue
		}
		next = m.ParentID
		if slices.ContainsFunc(m.Parts, func(p export.Part) bool { return p.Kind == export.File }) {
			return true
		}
	}
	return false
}
