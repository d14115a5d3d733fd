package export

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"
)

// Locale is the language of the words that a file adds to what was said.
type Locale string

// The locales.
const (
	Japanese Locale = "ja"
	English  Locale = "en"
)

// Document is what one file holds.
type Document struct {
	Title      string // of the file; the title of its conversation if empty and there is only one
	Author     string // the name by which the person speaks; a general word if empty
	ExportedAt time.Time
	Locale     Locale
	Era        bool // Japanese dates by era: 令和8年11月22日(日)
	Reasoning  bool // show what the model thought before it answered; JSON always keeps it

	Conversations []Conversation
}

// Conversation is a tree of messages. A message without a parent, or with one
// that is not there, is a beginning.
type Conversation struct {
	ID           string
	Title        string
	ModelName    string
	SystemPrompt string
	Parameters   json.RawMessage // of the model, for JSON alone; empty if there are none
	Folder       string
	Tags         []string
	Pinned       bool
	Archived     bool
	Class        int    // how confidential it is: 1 to 3, for JSON alone; 0 if nobody has said
	LeafID       string // the end of the open branch; the last message if empty
	CreatedAt    time.Time
	UpdatedAt    time.Time
	Messages     []Message // siblings in their order
}

// Role is who speaks.
type Role string

// The roles. Any other role speaks under its own name.
const (
	User      Role = "user"
	Assistant Role = "assistant"
	System    Role = "system"
)

// Message is what was said at once.
type Message struct {
	ID         string
	ParentID   string
	Role       Role
	ModelName  string // of an answer; the conversation's if empty
	At         time.Time
	FinishedAt time.Time // for JSON alone
	Feedback   *Feedback // likewise; nil if there is none
	Status     string    // complete, stopped, failed, interrupted; empty is complete
	StopReason string
	Parts      []Part
}

// Feedback is what the person thinks of an answer.
type Feedback struct {
	Rating  string
	Reasons []string
	Comment string
	Shared  bool // with administrators, who may read question and answer
	At      time.Time
}

// PartKind is what a part holds.
type PartKind string

// The kinds of parts.
const (
	Text      PartKind = "text"
	Reasoning PartKind = "reasoning"
	File      PartKind = "file"
)

// Part is a piece of a message.
type Part struct {
	Kind      PartKind
	Text      string // of text and reasoning
	Name      string // of a file
	MediaType string // of a file
	Size      int64  // of a file, in bytes

	// Data reads a file's content. It is nil if the content does not come along,
	// and answers fs.ErrNotExist if the file is gone; both are said in the file
	// that is written. It may be called more than once.
	Data func() ([]byte, error)
}

// Format is a kind of file.
type Format string

// The formats. Each is also the ending of its files' names.
const (
	FormatMarkdown Format = "md"
	FormatJSON     Format = "json"
	FormatHTML     Format = "html"
	FormatDOCX     Format = "docx"
	FormatPDF      Format = "pdf"
)

// ErrFormat is the answer to a format that does not exist.
var ErrFormat = errors.New("unknown export format")

// MediaType of the format's files, empty if there is no such format.
func (f Format) MediaType() string {
	switch f {
	case FormatMarkdown:
		return "text/markdown; charset=utf-8"
	case FormatJSON:
		return "application/json"
	case FormatHTML:
		return "text/html; charset=utf-8"
	case FormatDOCX:
		return "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	case FormatPDF:
		return "application/pdf"
	}
	return ""
}

// Write writes doc in the format f.
func Write(w io.Writer, doc Document, f Format) error {
	switch f {
	case FormatMarkdown:
		return Markdown(w, doc)
	case FormatJSON:
		return JSON(w, doc)
	case FormatHTML:
		return HTML(w, doc)
	case FormatDOCX:
		return DOCX(w, doc)
	case FormatPDF:
		return PDF(w, doc)
	}
	return fmt.Errorf("%w: %q", ErrFormat, string(f))
}

// title of the file; never empty.
func (d Document) title() string {
	if d.Title != "" {
		return oneLine(d.Title)
	}
	if len(d.Conversations) == 1 {
		return d.words().titleOf(d.Conversations[0])
	}
	return d.words().Conversations
}

// alone says whether the file is one conversation, whose title is the file's.
func (d Document) alone() bool { return len(d.Conversations) == 1 }

// branch is the open branch, oldest first. It ends whatever the parents say:
// trees come from imports too, and one may bite its own tail.
func (c Conversation) branch() []Message {
	if len(c.Messages) == 0 {
		return nil
	}
	at := make(map[string]int, len(c.Messages))
	for i, m := range c.Messages {
		at[m.ID] = i
	}
	i, ok := at[c.LeafID]
	if !ok {
		i = len(c.Messages) - 1
	}
	seen := make(map[int]bool)
	var back []Message
	for !seen[i] {
		seen[i] = true
		m := c.Messages[i]
		back = append(back, m)
		parent, ok := at[m.ParentID]
		if !ok || m.ParentID == "" {
			break
		}
		i = parent
	}
	for a, b := 0, len(back)-1; a < b; a, b = a+1, b-1 {
		back[a], back[b] = back[b], back[a]
	}
	return back
}

// shown says whether the part appears in a readable format.
func (d Document) shown(p Part) bool {
	switch p.Kind {
	case Reasoning:
		return d.Reasoning && p.Text != ""
	case Text:
		return p.Text != ""
	default:
		return true
	}
}

// content reads the file; ok is false if it does not come along or is gone.
func (p Part) content() (data []byte, ok bool, err error) {
	if p.Data == nil {
		return nil, false, nil
	}
	data, err = p.Data()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read file %q: %w", p.Name, err)
	}
	return data, true, nil
}
