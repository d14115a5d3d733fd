package imports

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The export of LibreChat is one conversation: "messages" is a list whose
// entries name their parent, or, in an export that is recursive, a tree by
// "children", also under "messagesTree".

type libreConversation struct {
	ConversationID str `json:"conversationId"`
	Title          str
	CreatedAt      stamp `json:"createdAt"`
	UpdatedAt      stamp `json:"updatedAt"`
	Tags           list[str]
	IsArchived     yes `json:"isArchived"`
	Model          str
	PromptPrefix   str `json:"promptPrefix"`
	Options        struct {
		Model        str
		PromptPrefix str `json:"promptPrefix"`
		System       str
	}
	Messages     libreMessages
	MessagesTree libreMessages `json:"messagesTree"`
}

// libreMessages is a list of messages, or one message alone.
type libreMessages []libreMessage

// UnmarshalJSON implements json.Unmarshaler.
func (l *libreMessages) UnmarshalJSON(b []byte) error {
	if b[0] == '{' {
		*l = make(libreMessages, 1)
		return decode(b, &(*l)[0])
	}
	var many []libreMessage
	err := decode(b, &many)
	*l = many
	return err
}

type libreMessage struct {
	MessageID       str `json:"messageId"`
	ParentMessageID str `json:"parentMessageId"`
	Sender          str
	Text            str
	Content         json.RawMessage
	IsCreatedByUser *yes `json:"isCreatedByUser"`
	Model           str
	Error           yes
	Unfinished      yes
	CreatedAt       stamp `json:"createdAt"`
	Files           list[libreFile]
	Attachments     list[libreFile]
	Feedback        struct{ Rating str }
	Children        []libreMessage
}

type libreFile struct {
	FileID   str `json:"file_id"`
	Filename str
	Type     str
	Filepath str
}

type librePart struct {
	Type      str
	Text      json.RawMessage
	Think     json.RawMessage
	ImageFile libreFile         `json:"image_file"`
	ImageURL  struct{ URL str } `json:"image_url"`
}

func (r *Reader) libreChat(raw []byte, t *tally) (Conversation, error) {
	var l libreConversation
	if err := decode(raw, &l); err != nil {
		return Conversation{}, err
	}
	c := Conversation{
		Source: LibreChat, ExternalID: string(l.ConversationID), Title: line(l.Title),
		CreatedAt: l.CreatedAt.Time, UpdatedAt: l.UpdatedAt.Time, Archived: bool(l.IsArchived),
		ModelName: string(firstOf(l.Model, l.Options.Model)), SystemPrompt: string(firstOf(l.PromptPrefix, l.Options.PromptPrefix, l.Options.System)),
	}
	for _, tag := range l.Tags {
		c.Tags = append(c.Tags, line(tag))
	}
	messages := l.MessagesTree
	if len(messages) == 0 {
		messages = l.Messages
	}
	nodes := r.libreNodes(messages, t)
	if len(nodes) > 4*r.limits.Messages {
		return c, &Problem{Reason: ReasonTooMany}
	}
	c.Messages, c.LeafID = assemble(nodes, "", false, t)
	return c, nil
}

// noParent is the parent of a message that is the first.
const noParent = "00000000-0000-0000-0000-000000000000"

// libreNodes flattens lists and trees alike.
func (r *Reader) libreNodes(messages []libreMessage, t *tally) []node {
	type step struct {
		m      *libreMessage
		parent string
	}
	var stack []step
	push := func(list []libreMessage, parent string) {
		for i := range slices.Backward(list) {
			stack = append(stack, step{&list[i], parent})
		}
	}
	push(messages, "")
	var nodes []node
	for len(stack) > 0 {
		s := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		n := node{id: string(s.m.MessageID), parent: s.parent}
		if n.id == "" {
			n.id = counted(len(nodes))
		}
		if n.parent == "" && s.m.ParentMessageID != noParent {
			n.parent = string(s.m.ParentMessageID)
		}
		n.message, n.skip = r.libreMessage(s.m, t)
		nodes = append(nodes, n)
		push(s.m.Children, n.id)
	}
	return nodes
}

func (r *Reader) libreMessage(l *libreMessage, t *tally) (*Message, Reason) {
	m := Message{Role: Assistant, CreatedAt: l.CreatedAt.Time, Unfinished: bool(l.Unfinished)}
	if l.IsCreatedByUser != nil && bool(*l.IsCreatedByUser) || l.IsCreatedByUser == nil && strings.EqualFold(string(l.Sender), "user") {
		m.Role, m.Unfinished = User, false
	} else {
		m.ModelName = string(firstOf(l.Model, l.Sender))
		switch l.Feedback.Rating {
		case "thumbsUp":
			m.Feedback.Rating = Good
		case "thumbsDown":
			m.Feedback.Rating = Bad
		}
	}
	if l.Error {
		return nil, ReasonError
	}
	ids := make(map[str]bool)
	file := func(f libreFile) {
		if f.FileID != "" && ids[f.FileID] {
			return
		}
		ids[f.FileID] = true
		m.Parts = append(m.Parts, Part{Kind: KindFile, File: r.dataURL(line(f.Filename), string(f.Type), string(f.Filepath))})
	}
	for _, f := range append(l.Files, l.Attachments...) {
		if f.Filename != "" || f.FileID != "" {
			file(f)
		}
	}
	var parts list[librePart]
	if len(l.Content) > 0 {
		_ = parts.UnmarshalJSON(l.Content)
	}
	said := false
	for _, p := range parts {
		switch p.Type {
		case "text", "error":
			m.Parts = addText(m.Parts, KindText, libreText(p.Text))
			said = said || p.Type == "text"
		case "think":
			m.Parts = addText(m.Parts, KindReasoning, libreText(p.Think))
		case "image_file":
			file(p.ImageFile)
		case "image_url":
			m.Parts = append(m.Parts, Part{Kind: KindFile, File: r.dataURL("", "", string(p.ImageURL.URL))})
		case "tool_call":
			t.omit(ReasonToolCall)
		default:
			t.omit(ReasonUnknownContent)
		}
	}
	if !said {
		thought, text := libreThinking(string(l.Text))
		m.Parts = addText(m.Parts, KindReasoning, thought)
		m.Parts = addText(m.Parts, KindText, text)
	}
	if len(m.Parts) == 0 {
		return nil, ReasonEmpty
	}
	return &m, ""
}

// libreText reads a text, or an object that holds it.
func libreText(raw json.RawMessage) string {
	var o struct{ Value str }
	var s str
	if object(raw, &o) {
		return string(o.Value)
	}
	if len(raw) > 0 {
		_ = s.UnmarshalJSON(raw)
	}
	return string(s)
}

var thinking = regexp.MustCompile(`(?s)^\s*:::thinking\s*\n(.*?)\n:::\s*`)

// libreThinking parts the reasoning from an answer in which both are one text.
func libreThinking(text string) (thought, rest string) {
	m := thinking.FindStringSubmatchIndex(text)
	if m == nil {
		return "", text
	}
	return text[m[2]:m[3]], text[m[1]:]
}

// counted is the id of a message that has none, by its place.
func counted(i int) string { return "n" + strconv.Itoa(i+1) }
