package chat

import (
	"time"

	"kakoi/internal/classification"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// TitleSource says who gave a conversation its title.
type TitleSource string

// The sources of a title. A person's title is never replaced by a model's.
const (
	TitleFirstWords TitleSource = "first_words"
	TitleModel      TitleSource = "model"
	TitlePerson     TitleSource = "person"
)

// Conversation is a thread of messages with what the person chose for it.
type Conversation struct {
	ID           string
	OwnerID      string
	Title        string
	TitleSource  TitleSource
	ModelID      string
	Parameters   model.Parameters
	SystemPrompt string
	Class        classification.Class // None: as the organisation begins with
	FolderID     string               // "" in none
	Tags         []string             // in order of their names
	Pinned       bool
	Archived     bool
	LeafID       string // the last message of the branch that is open
	ComparisonID string // of the answers that stand side by side at its end, or ""
	Queue        []QueuedTurn
	CreatedAt    time.Time
	ActiveAt     time.Time
	Running      bool // an answer is being written
}

// QueuedTurn is a turn that waits until the answer before it has ended.
type QueuedTurn struct {
	ID        string
	Turn      Turn
	CreatedAt time.Time
}

// Status is how far a message has come.
type Status string

// The statuses of a message; a run has the same ones.
const (
	StatusComplete    Status = "complete"
	StatusRunning     Status = "running"
	StatusStopped     Status = "stopped"     // by the person
	StatusFailed      Status = "failed"      // by an error, with what came before it
	StatusInterrupted Status = "interrupted" // by the end of the process
)

// Part is one piece of a stored message.
type Part struct {
	Type         model.PartType `json:"type"`
	Text         string         `json:"text,omitempty"`
	Signature    string         `json:"signature,omitempty"`
	Redacted     []byte         `json:"redacted,omitempty"`
	AttachmentID string         `json:"attachmentId,omitempty"`
	Name         string         `json:"name,omitempty"`
	MediaType    string         `json:"mediaType,omitempty"`
	Size         int64          `json:"size,omitempty"` // bytes
}

// Context is what of its conversation the model of an answer was given.
type Context struct {
	Tokens     int  `json:"tokens"`               // of the prompt, estimated
	Limit      int  `json:"limit"`                // of the model; 0 = unknown
	Omitted    int  `json:"omitted,omitempty"`    // messages at the beginning that no longer fitted
	Summarised bool `json:"summarised,omitempty"` // a summary stood for the beginning
}

// Failure is why a message failed, as it is told to the person.
type Failure struct {
	Code   errs.Code         `json:"code"`
	Detail string            `json:"detail"`
	Params map[string]string `json:"params,omitempty"`
}

// Cost is what an answer cost by the catalogue's prices.
type Cost struct {
	Micros   int64  `json:"micros"` // millionths of the currency unit
	Currency string `json:"currency"`
}

// Message is what one speaker said in one turn.
type Message struct {
	ID             string
	ConversationID string
	ParentID       string   // "" of the first
	SiblingIDs     []string // the messages that follow the same one, itself among them, oldest first
	Position       int64
	ComparisonID   string // the same for answers asked for side by side
	EditedFromID   string // the message a person wrote anew
	Context        *Context
	Role           model.Role
	Status         Status
	StopReason     model.StopReason
	Parts          []Part
	ModelID        string
	ModelName      string
	RunID          string // of an assistant message: the latest run
	Failure        *Failure
	Usage          *model.Usage
	Cost           *Cost
	FirstToken     time.Duration
	Reasoning      time.Duration
	CreatedAt      time.Time
	FinishedAt     time.Time // zero while running

	clientID string // the sender's own id; only on the way into the store
}

// text returns the message's words without its reasoning.
func (m Message) text() string {
	var n int
	for _, p := range m.Parts {
		if p.Type == model.PartText {
			n += len(p.Text)
		}
	}
	b := make([]byte, 0, n)
	for _, p := range m.Parts {
		if p.Type == model.PartText {
			b = append(b, p.Text...)
		}
	}
	return string(b)
}

// Run is one attempt of a model to write, or go on writing, one message.
type Run struct {
	ID             string
	ConversationID string
	MessageID      string
	OwnerID        string
	NodeID         string
	State          Status
	StopRequested  bool
	StartedAt      time.Time
}

// Turn is what a person sends: words, files, or both.
type Turn struct {
	Text          string
	AttachmentIDs []string
	ClientID      string   // the sender's own id; a second send with it is the first
	CompareIDs    []string // models that answer side by side, instead of the conversation's
}

// Started is what a person gets back when a run has begun.
type Started struct {
	Conversation Conversation
	User         *Message  // nil when an answer is asked for anew or goes on
	Answers      []Message // the answer, or those side by side; each names its run
	Queued       *QueuedTurn
}

// Page is a part of a list and the token of the next part, "" at the end.
type Page[T any] struct {
	Items []T
	Next  string
}
