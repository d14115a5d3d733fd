package imports

import (
	"encoding/json"
	"strings"
)

// Kakoi's own export, "kakoi.conversations/1": an object with the format and a
// list "conversations". Each has the whole tree of its messages; files are
// base64.

// kakoiFormat is the name of the format without its version.
const kakoiFormat = "kakoi.conversations/"

// kakoiVersion is the version that is read.
const kakoiVersion = "1"

func isKakoi(format str) bool { return strings.HasPrefix(string(format), kakoiFormat) }

// kakoiMessages reports whether the messages of an object are those of Kakoi,
// for a file whose format is written after its conversations.
func kakoiMessages(raw []byte) bool {
	var p struct {
		Messages list[struct{ Parts, Role shape }]
	}
	return object(raw, &p) && len(p.Messages) > 0 && p.Messages[0].Parts == '[' && p.Messages[0].Role != 0
}

type kakoiConversation struct {
	ID           str
	Title        str
	ModelName    str `json:"modelName"`
	SystemPrompt str `json:"systemPrompt"`
	Parameters   json.RawMessage
	CreatedAt    stamp
	UpdatedAt    stamp
	ActiveAt     stamp
	LeafID       str
	FolderID     str
	Folder       kakoiFolder
	Tags         list[str]
	Pinned       yes
	Archived     yes
	Class        json.RawMessage
	Messages     list[json.RawMessage]
}

// kakoiFolder is a folder by its name, or with its id.
type kakoiFolder Folder

// UnmarshalJSON implements json.Unmarshaler.
func (f *kakoiFolder) UnmarshalJSON(b []byte) error {
	var name str
	var o struct{ ID, Name str }
	if object(b, &o) {
		*f = kakoiFolder{ID: string(o.ID), Name: line(o.Name)}
	} else if err := name.UnmarshalJSON(b); err != nil {
		return err
	} else {
		*f = kakoiFolder{Name: line(name)}
	}
	return nil
}

type kakoiMessage struct {
	ID         str
	ParentID   str
	Role       str
	ModelName  str
	At         stamp
	CreatedAt  stamp
	FinishedAt stamp
	Status     str
	StopReason str
	Feedback   kakoiFeedback
	Parts      list[kakoiPart]
}

// kakoiFeedback is a rating by its word, or an object that holds it.
type kakoiFeedback Feedback

// UnmarshalJSON implements json.Unmarshaler.
func (f *kakoiFeedback) UnmarshalJSON(b []byte) error {
	var word str
	var o struct {
		Rating, Value, Comment str
		Reasons                list[str]
		At                     stamp
	}
	*f = kakoiFeedback{}
	if object(b, &o) {
		word = firstOf(o.Rating, o.Value)
		f.Comment, f.At = string(o.Comment), o.At.Time
		for _, r := range o.Reasons {
			f.Reasons = append(f.Reasons, string(r))
		}
	} else if err := word.UnmarshalJSON(b); err != nil {
		return err
	}
	switch word {
	case "good", "up":
		f.Rating = Good
	case "bad", "down":
		f.Rating = Bad
	default:
		*f = kakoiFeedback{}
	}
	return nil
}

type kakoiPart struct {
	Kind, Type str
	Text       str
	Name       str
	MediaType  str
	Data       *str // absent if the content did not come along
}

func (r *Reader) kakoi(raw []byte, t *tally) (Conversation, error) {
	var k kakoiConversation
	if err := decode(raw, &k); err != nil {
		return Conversation{}, err
	}
	c := Conversation{
		Source: Kakoi, ExternalID: string(k.ID), Title: line(k.Title), ModelName: string(k.ModelName), SystemPrompt: string(k.SystemPrompt), Parameters: k.Parameters,
		CreatedAt: k.CreatedAt.Time, UpdatedAt: firstTime(k.UpdatedAt, k.ActiveAt), Folder: Folder(k.Folder), Pinned: bool(k.Pinned), Archived: bool(k.Archived),
	}
	if json.Unmarshal(k.Class, &c.Class) != nil {
		c.Class = 0
	}
	if c.Folder.ID == "" {
		c.Folder.ID = string(k.FolderID)
	}
	for _, tag := range k.Tags {
		c.Tags = append(c.Tags, line(tag))
	}
	if len(k.Messages) > 4*r.limits.Messages {
		return c, &Problem{Reason: ReasonTooMany}
	}
	nodes := make([]node, 0, len(k.Messages))
	linked := false
	for i, raw := range k.Messages {
		var m kakoiMessage
		n := node{}
		if !object(raw, &m) {
			n.skip = ReasonMalformed
		} else {
			n.id, n.parent = string(m.ID), string(m.ParentID)
			linked = linked || n.parent != ""
			n.message, n.skip = r.kakoiMessage(m, &c, t)
		}
		if n.id == "" {
			n.id = counted(i)
		}
		nodes = append(nodes, n)
	}
	for i := 1; i < len(nodes) && !linked; i++ { // a list without a tree
		nodes[i].parent = nodes[i-1].id
	}
	c.Messages, c.LeafID = assemble(nodes, string(k.LeafID), false, t)
	return c, nil
}

func (r *Reader) kakoiMessage(k kakoiMessage, c *Conversation, t *tally) (*Message, Reason) {
	m := Message{CreatedAt: firstTime(k.CreatedAt, k.At), FinishedAt: k.FinishedAt.Time, Feedback: Feedback(k.Feedback)}
	switch k.Role {
	case "user":
		m.Role = User
	case "assistant":
		m.Role, m.ModelName = Assistant, string(k.ModelName)
		m.StopReason = string(k.StopReason)
		if k.Status != "" && k.Status != "complete" {
			m.Unfinished, m.Status = true, string(k.Status)
		}
	case "system":
		var text strings.Builder
		for _, p := range k.Parts {
			text.WriteString(string(p.Text))
		}
		return nil, systemPrompt(c, text.String(), t)
	default:
		return nil, ReasonUnknownRole
	}
	for _, p := range k.Parts {
		switch kind := firstOf(p.Kind, p.Type); kind {
		case "text":
			m.Parts = addText(m.Parts, KindText, string(p.Text))
		case "reasoning":
			m.Parts = addText(m.Parts, KindReasoning, string(p.Text))
		case "file", "image", "document":
			f := File{Name: line(p.Name), MediaType: string(p.MediaType), Missing: ReasonNotInFile}
			if p.Data != nil {
				f = r.base64File(f.Name, f.MediaType, string(*p.Data))
			}
			m.Parts = append(m.Parts, Part{Kind: KindFile, File: f})
		default:
			t.omit(ReasonUnknownContent)
		}
	}
	if len(m.Parts) == 0 {
		return nil, ReasonEmpty
	}
	return &m, ""
}
