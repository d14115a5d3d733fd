package export

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Schema is the name and version of our JSON.
const Schema = "kakoi.conversations/1"

// ErrSchema is the answer to JSON that is not of [Schema].
var ErrSchema = errors.New("not a " + Schema + " document")

type jsonHead struct {
	Schema     string `json:"schema"`
	Title      string `json:"title,omitempty"`
	Author     string `json:"author,omitempty"`
	ExportedAt string `json:"exportedAt,omitempty"`
	Locale     Locale `json:"locale,omitempty"`
}

type jsonConversation struct {
	ID           string          `json:"id"`
	Title        string          `json:"title"`
	ModelName    string          `json:"modelName,omitempty"`
	SystemPrompt string          `json:"systemPrompt,omitempty"`
	Parameters   json.RawMessage `json:"parameters,omitempty"`
	Folder       string          `json:"folder,omitempty"`
	Tags         []string        `json:"tags,omitempty"`
	Pinned       bool            `json:"pinned,omitempty"`
	Archived     bool            `json:"archived,omitempty"`
	Class        int             `json:"class,omitempty"`
	LeafID       string          `json:"leafId,omitempty"`
	CreatedAt    string          `json:"createdAt,omitempty"`
	UpdatedAt    string          `json:"updatedAt,omitempty"`
}

type jsonMessage struct {
	ID         string        `json:"id"`
	ParentID   string        `json:"parentId,omitempty"`
	Role       Role          `json:"role"`
	ModelName  string        `json:"modelName,omitempty"`
	At         string        `json:"at,omitempty"`
	FinishedAt string        `json:"finishedAt,omitempty"`
	Feedback   *jsonFeedback `json:"feedback,omitempty"`
	Status     string        `json:"status,omitempty"`
	StopReason string        `json:"stopReason,omitempty"`
	Parts      []jsonPart    `json:"parts"`
}

type jsonFeedback struct {
	Rating  string   `json:"rating"`
	Reasons []string `json:"reasons,omitempty"`
	Comment string   `json:"comment,omitempty"`
	Shared  bool     `json:"shared,omitempty"`
	At      string   `json:"at,omitempty"`
}

type jsonPart struct {
	Kind      PartKind `json:"kind"`
	Text      string   `json:"text,omitempty"`
	Name      string   `json:"name,omitempty"`
	MediaType string   `json:"mediaType,omitempty"`
	Size      int64    `json:"size,omitempty"`
	Data      *[]byte  `json:"data,omitempty"` // base64; absent if the content did not come along
}

// JSON writes doc whole: every branch, every part, the files that come along.
// [ReadJSON] reads it back.
func JSON(w io.Writer, doc Document) error {
	out := &jsonWriter{out: bufio.NewWriter(w)}
	out.object(jsonHead{Schema, doc.Title, doc.Author, jsonTime(doc.ExportedAt), doc.Locale}, "conversations")
	for i, c := range doc.Conversations {
		out.next(i)
		out.object(jsonConversation{
			c.ID, c.Title, c.ModelName, c.SystemPrompt, c.Parameters, c.Folder, c.Tags, c.Pinned, c.Archived, c.Class, c.LeafID,
			jsonTime(c.CreatedAt), jsonTime(c.UpdatedAt),
		}, "messages")
		for i, m := range c.Messages {
			out.next(i)
			msg := jsonMessage{
				m.ID, m.ParentID, m.Role, m.ModelName, jsonTime(m.At), jsonTime(m.FinishedAt), nil, m.Status, m.StopReason, make([]jsonPart, 0, len(m.Parts)),
			}
			if f := m.Feedback; f != nil {
				msg.Feedback = &jsonFeedback{f.Rating, f.Reasons, f.Comment, f.Shared, jsonTime(f.At)}
			}
			for _, p := range m.Parts {
				part := jsonPart{p.Kind, p.Text, p.Name, p.MediaType, p.Size, nil}
				data, ok, err := p.content()
				if err != nil {
					return err
				}
				if ok {
					part.Data = &data
				}
				msg.Parts = append(msg.Parts, part)
			}
			out.value(msg)
		}
		out.raw("]}")
	}
	out.raw("]}\n")
	if out.err != nil {
		return out.err
	}
	return out.out.Flush()
}

// jsonWriter writes lists without holding them.
type jsonWriter struct {
	out *bufio.Writer
	err error
}

func (w *jsonWriter) raw(s string) {
	if w.err == nil {
		_, w.err = w.out.WriteString(s)
	}
}

func (w *jsonWriter) next(i int) {
	if i > 0 {
		w.raw(",")
	}
	w.raw("\n")
}

func (w *jsonWriter) value(v any) {
	b, err := json.Marshal(v)
	if w.err == nil {
		w.err = err
	}
	w.raw(string(b))
}

// object opens v with one more field, a list that follows.
func (w *jsonWriter) object(v any, field string) {
	b, err := json.Marshal(v)
	if err != nil {
		if w.err == nil {
			w.err = err
		}
		return
	}
	w.raw(string(b[:len(b)-1]) + `,"` + field + `":[`)
}

func jsonTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// ReadJSON reads what [JSON] wrote. The error is [ErrSchema] for JSON of another
// kind or version.
func ReadJSON(r io.Reader) (Document, error) {
	var in struct {
		jsonHead
		Conversations []struct {
			jsonConversation
			Messages []jsonMessage `json:"messages"`
		} `json:"conversations"`
	}
	if err := json.NewDecoder(r).Decode(&in); err != nil {
		return Document{}, fmt.Errorf("%w: %w", ErrSchema, err)
	}
	if in.Schema != Schema {
		return Document{}, fmt.Errorf("%w: its schema is %q", ErrSchema, in.Schema)
	}
	var times timeReader
	doc := Document{Title: in.Title, Author: in.Author, ExportedAt: times.read(in.ExportedAt), Locale: in.Locale}
	for _, c := range in.Conversations {
		conv := Conversation{
			ID: c.ID, Title: c.Title, ModelName: c.ModelName, SystemPrompt: c.SystemPrompt, Parameters: c.Parameters, Folder: c.Folder, Tags: c.Tags,
			Pinned: c.Pinned, Archived: c.Archived, Class: c.Class, LeafID: c.LeafID,
			CreatedAt: times.read(c.CreatedAt), UpdatedAt: times.read(c.UpdatedAt),
		}
		for _, m := range c.Messages {
			msg := Message{
				ID: m.ID, ParentID: m.ParentID, Role: m.Role, ModelName: m.ModelName, At: times.read(m.At), FinishedAt: times.read(m.FinishedAt),
				Status: m.Status, StopReason: m.StopReason,
			}
			if f := m.Feedback; f != nil {
				msg.Feedback = &Feedback{f.Rating, f.Reasons, f.Comment, f.Shared, times.read(f.At)}
			}
			for _, p := range m.Parts {
				part := Part{Kind: p.Kind, Text: p.Text, Name: p.Name, MediaType: p.MediaType, Size: p.Size}
				if p.Data != nil {
					part.Data = func() ([]byte, error) { return *p.Data, nil }
				}
				msg.Parts = append(msg.Parts, part)
			}
			conv.Messages = append(conv.Messages, msg)
		}
		doc.Conversations = append(doc.Conversations, conv)
	}
	if times.err != nil {
		return Document{}, fmt.Errorf("%w: %w", ErrSchema, times.err)
	}
	return doc, nil
}

// timeReader keeps the first time that is none.
type timeReader struct{ err error }

func (r *timeReader) read(s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil && r.err == nil {
		r.err = err
	}
	return t
}
