package imports

import (
	"encoding/json"
	"fmt"
	"time"
)

// Source is the program that a conversation comes from.
type Source string

// The programs whose exports are read.
const (
	ChatGPT   Source = "chatgpt"
	OpenWebUI Source = "open_webui"
	LibreChat Source = "librechat"
	GenU      Source = "genu"
	Kakoi     Source = "kakoi"
)

// Conversation is one conversation of an export.
type Conversation struct {
	Source       Source
	ExternalID   string // the source and its id: the same in every export of the conversation
	Number       int    // where it stands in the file, from 1
	Title        string // "" if it has none
	SystemPrompt string
	ModelName    string          // the one it was last set to, or ""
	Parameters   json.RawMessage // of its model, where Kakoi wrote it, or nil
	CreatedAt    time.Time       // zero if nothing tells
	UpdatedAt    time.Time       // likewise
	Folder       Folder
	Tags         []string
	Pinned       bool
	Archived     bool
	Class        int       // how confidential it is, where Kakoi wrote it: 1 to 3; 0 if nobody has said
	Messages     []Message // each parent before its children, siblings in their order
	LeafID       string    // the message at the end of the path that was open
}

// Folder is where a conversation lay. Some exports have its id only.
type Folder struct{ ID, Name string }

// Role says who speaks. What tools said in between is part of the assistant's
// message.
type Role string

// The roles of messages.
const (
	User      Role = "user"
	Assistant Role = "assistant"
)

// Rating is whether the person found an answer good.
type Rating string

// The ratings; "" is none.
const (
	Good Rating = "good"
	Bad  Rating = "bad"
)

// Feedback is what the person thought of an answer. Only Kakoi's export has
// more than the rating.
type Feedback struct {
	Rating  Rating
	Reasons []string
	Comment string
	At      time.Time // zero if nothing tells
}

// Message is one node of the tree of a conversation.
type Message struct {
	ID         string // unique in the conversation
	ParentID   string // "" at the beginning
	Role       Role
	Parts      []Part
	ModelName  string    // of an answer, or ""
	CreatedAt  time.Time // zero if nothing tells
	FinishedAt time.Time // likewise
	Unfinished bool      // the answer was broken off
	Status     string    // in which way, where Kakoi wrote it
	StopReason string    // why it ended, where Kakoi wrote it
	Feedback   Feedback
}

// Kind is what a part of a message is.
type Kind string

// The kinds of parts.
const (
	KindText      Kind = "text"
	KindReasoning Kind = "reasoning"
	KindFile      Kind = "file"
)

// Part is one piece of a message.
type Part struct {
	Kind Kind
	Text string // of text and reasoning, as Markdown
	File File   // of a file
}

// Text returns the words of the message without reasoning.
func (m Message) Text() string { return m.join(KindText) }

// Reasoning returns what the model thought before it answered.
func (m Message) Reasoning() string { return m.join(KindReasoning) }

func (m Message) join(kind Kind) string {
	var out string
	for _, p := range m.Parts {
		if p.Kind != kind {
			continue
		}
		if out != "" {
			out += "\n\n"
		}
		out += p.Text
	}
	return out
}

// File is an attachment or a picture of a message.
type File struct {
	Name      string // as the export has it; it may hold anything
	MediaType string // as the export says, or ""; the content decides
	Missing   Reason // why there is no content, or ""
	id        string // in the export, while it is read
	data      func() ([]byte, error)
}

// Data returns the content. It reads the export, which must still be open.
func (f File) Data() ([]byte, error) {
	if f.data == nil {
		return nil, fmt.Errorf("the content of %q was not exported", f.Name)
	}
	return f.data()
}

// Reason is why something was not taken. The codes are stable: they are stored
// in reports and translated for people.
type Reason string

// The reasons, with what they are said of.
const (
	ReasonHidden         Reason = "hidden"          // message: instructions and memories that were never shown
	ReasonSystem         Reason = "system"          // message: of the program, beyond the system prompt that is kept
	ReasonTool           Reason = "tool"            // message: a call of a tool or what it returned
	ReasonRecap          Reason = "reasoning_recap" // message: "thought for 8 seconds"
	ReasonError          Reason = "error"           // message: an error that was shown in place of an answer
	ReasonEmpty          Reason = "empty"           // message without content; conversation without messages
	ReasonUnknownContent Reason = "unknown_content" // message: of a kind we do not know
	ReasonUnknownRole    Reason = "unknown_role"    // message: of a speaker we do not know
	ReasonMalformed      Reason = "malformed"       // anything: not as its format has it
	ReasonDuplicate      Reason = "duplicate"       // anything: the file has it already
	ReasonTooLarge       Reason = "too_large"       // anything: beyond a limit
	ReasonTooDeep        Reason = "too_deep"        // conversation: nested beyond a limit
	ReasonTooMany        Reason = "too_many"        // conversation: more messages than a limit; prompt, folder, its file: as many as there may be are here
	ReasonUnknownFormat  Reason = "unknown_format"  // conversation: of none of the formats, or a newer version
	ReasonNotInFile      Reason = "not_in_file"     // attachment: the export only names it
	ReasonHere           Reason = "here"            // anything that is kept: it was imported before, or was never away
	ReasonNameTaken      Reason = "name_taken"      // prompt: another of this name is here, and stays
	ReasonOtherText      Reason = "other_text"      // folder: the one here has other instructions, which stay
	ReasonUnsupported    Reason = "unsupported"     // attachment: of a type that is not taken, or damaged
	ReasonConversation   Reason = "conversation"    // message, attachment: skipped with its conversation
	ReasonOtherRecord    Reason = "other_record"    // omitted: a record that is no conversation
	ReasonToolCall       Reason = "tool_call"       // omitted: a tool call inside of a message that was taken
)

// Counts say what became of the things of one kind: Seen is Taken and all that
// is Skipped.
type Counts struct {
	Seen    int            `json:"seen"`
	Taken   int            `json:"taken"`
	Skipped map[Reason]int `json:"skipped,omitempty"`
}

// Take counts one thing that was taken.
func (c *Counts) Take() { c.Seen++; c.Taken++ }

// Skip counts n things that were not, and why.
func (c *Counts) Skip(why Reason, n int) {
	if n == 0 {
		return
	}
	if c.Skipped == nil {
		c.Skipped = make(map[Reason]int)
	}
	c.Seen += n
	c.Skipped[why] += n
}

// Untake counts n of what was taken as skipped: who asked for it could not use
// it.
func (c *Counts) Untake(why Reason, n int) {
	c.Taken -= n
	c.Seen -= n
	c.Skip(why, n)
}

// add adds d to c; if why is not empty, what d took counts as skipped.
func (c *Counts) add(d Counts, why Reason) {
	for reason, n := range d.Skipped {
		c.Skip(reason, n)
	}
	if why != "" {
		c.Skip(why, d.Taken)
		return
	}
	c.Seen += d.Taken
	c.Taken += d.Taken
}

// Add adds what became of other things of the kind.
func (c *Counts) Add(d Counts) { c.add(d, "") }

// Reconciles reports whether the counts add up.
func (c Counts) Reconciles() bool {
	n := c.Taken
	for _, skipped := range c.Skipped {
		n += skipped
	}
	return n == c.Seen
}

// Report says what became of everything in an export.
type Report struct {
	Source        Source         `json:"source"`
	Conversations Counts         `json:"conversations"`
	Messages      Counts         `json:"messages"`
	Merged        int            `json:"merged"`      // of the messages taken, those that became part of the one before them
	Attachments   Counts         `json:"attachments"` // those of folders, too
	Prompts       Counts         `json:"prompts"`
	Folders       Counts         `json:"folders"`            // that stand in the file on their own, with their instructions
	Omitted       map[Reason]int `json:"omitted,omitempty"`  // pieces of messages and records that are none of the above
	Problems      []Problem      `json:"problems,omitempty"` // the conversations that were skipped; at most the first hundred
}

// maxProblems is how many skipped conversations a report names.
const maxProblems = 100

// Problem is a conversation that was skipped. As an error it comes from
// Conversations, which goes on after it.
type Problem struct {
	Number int    `json:"number"` // where it stands in the file, from 1
	Title  string `json:"title"`  // "" if it cannot be told
	Reason Reason `json:"reason"`
	cause  error
}

func (p *Problem) Error() string {
	s := fmt.Sprintf("conversation %d (%q) was skipped: %s", p.Number, p.Title, p.Reason)
	if p.cause != nil {
		s += ": " + p.cause.Error()
	}
	return s
}

// Unwrap returns what went wrong, if it was more than the reason says.
func (p *Problem) Unwrap() error { return p.cause }

// Limits bound what a file may ask of us. A zero field has its default.
type Limits struct {
	FileBytes         int64 // of one attachment; 20 MiB
	ConversationBytes int   // of one conversation as JSON; 64 MiB
	UnpackedBytes     int64 // of all JSON in a zip; 8 GiB
	Depth             int   // of nesting; 8,000, which is 4,000 messages in formats that nest them
	Messages          int   // of one conversation; 20,000
	ZipEntries        int   // 200,000
}

func (l Limits) withDefaults() Limits {
	if l.FileBytes == 0 {
		l.FileBytes = 20 << 20
	}
	if l.ConversationBytes == 0 {
		l.ConversationBytes = 64 << 20
	}
	if l.UnpackedBytes == 0 {
		l.UnpackedBytes = 8 << 30
	}
	if l.Depth == 0 {
		l.Depth = 8000
	}
	if l.Messages == 0 {
		l.Messages = 20_000
	}
	if l.ZipEntries == 0 {
		l.ZipEntries = 200_000
	}
	return l
}
