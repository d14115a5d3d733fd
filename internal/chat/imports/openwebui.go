package imports

import (
	"encoding/json"
	"html"
	"regexp"
	"strings"
	"time"
)

// The export of Open WebUI is a list of chats. A chat has its messages under
// chat.history.messages by id, with parentId and childrenIds, and the end of
// the open path in chat.history.currentId; older chats have the open path
// alone, as the list chat.messages. Files are named, not included, but for
// pictures in data: URLs and the text that was read from documents.

type webuiChat struct {
	ID        str
	Title     str
	Chat      json.RawMessage
	CreatedAt stamp `json:"created_at"`
	UpdatedAt stamp `json:"updated_at"`
	Timestamp stamp
	Archived  yes
	Pinned    yes
	FolderID  str `json:"folder_id"`
	Folder    struct{ ID, Name str }
	Meta      struct{ Tags list[webuiTag] }
	CurrentID str `json:"current_message_id"`
}

type webuiBody struct {
	ID, Title str
	Models    list[str]
	Tags      list[webuiTag]
	Timestamp stamp
	System    str
	Params    struct{ System str }
	History   struct {
		CurrentID str `json:"currentId"`
		Messages  json.RawMessage
	}
	Messages list[json.RawMessage]
}

// webuiTag is a tag as a word or as an object.
type webuiTag string

// UnmarshalJSON implements json.Unmarshaler.
func (t *webuiTag) UnmarshalJSON(b []byte) error {
	var s str
	var o struct{ Name, Tag, ID str }
	if object(b, &o) {
		for _, s = range []str{o.Name, o.Tag, o.ID} {
			if s != "" {
				break
			}
		}
	} else if err := s.UnmarshalJSON(b); err != nil {
		return err
	}
	*t = webuiTag(line(s))
	return nil
}

type webuiMessage struct {
	ID          str
	ParentID    str       `json:"parentId"`
	ChildrenIDs list[str] `json:"childrenIds"`
	Role        str
	Content     json.RawMessage
	Model       str
	ModelName   str `json:"modelName"`
	Timestamp   stamp
	CompletedAt stamp `json:"completedAt"`
	Done        *yes
	Files       list[webuiFile]
	Output      list[webuiOutput]
	Error       json.RawMessage
	Annotation  struct{ Rating str }
	Reasoning   str `json:"reasoning_content"`
}

type webuiFile struct {
	Type, Name, URL str
	ContentType     str `json:"content_type"`
	File            struct {
		Filename str
		Meta     struct {
			Name        str
			ContentType str `json:"content_type"`
		}
		Data struct{ Content str }
	}
}

type webuiOutput struct {
	Type    str
	Content list[struct{ Text str }]
	Summary list[struct{ Text str }]
	Code    str
	Lang    str
}

func (r *Reader) openWebUI(raw []byte, t *tally) (Conversation, error) {
	var w webuiChat
	if err := decode(raw, &w); err != nil {
		return Conversation{}, err
	}
	if w.Chat == nil {
		w.Chat = raw // the chat without its envelope
	}
	var b webuiBody
	if err := decode(w.Chat, &b); err != nil {
		return Conversation{Title: line(w.Title)}, err
	}
	c := Conversation{
		Source: OpenWebUI, ExternalID: string(firstOf(w.ID, b.ID)), Title: line(firstOf(w.Title, b.Title)),
		SystemPrompt: string(firstOf(b.Params.System, b.System)),
		CreatedAt:    firstTime(w.CreatedAt, w.Timestamp, b.Timestamp), UpdatedAt: w.UpdatedAt.Time,
		Archived: bool(w.Archived), Pinned: bool(w.Pinned),
		Folder: Folder{ID: string(firstOf(w.FolderID, w.Folder.ID)), Name: line(w.Folder.Name)},
	}
	if len(b.Models) > 0 {
		c.ModelName = string(b.Models[0])
	}
	tags := w.Meta.Tags
	if len(tags) == 0 {
		tags = b.Tags
	}
	for _, tag := range tags {
		if tag != "" {
			c.Tags = append(c.Tags, string(tag))
		}
	}

	entries, err := members(b.History.Messages)
	if err != nil {
		return c, err
	}
	chain := len(entries) == 0
	if chain {
		for _, m := range b.Messages {
			entries = append(entries, member{value: m})
		}
	}
	if len(entries) > 4*r.limits.Messages {
		return c, &Problem{Reason: ReasonTooMany}
	}
	nodes := make([]node, 0, len(entries))
	before := ""
	for i, e := range entries {
		var m webuiMessage
		n := node{id: clean(e.name)}
		if !object(e.value, &m) {
			n.skip = ReasonMalformed
		} else {
			n.parent = string(m.ParentID)
			for _, id := range m.ChildrenIDs {
				n.children = append(n.children, string(id))
			}
			n.message, n.skip = r.webuiMessage(m, &c, t)
		}
		if n.id == "" {
			n.id = string(m.ID)
		}
		if n.id == "" {
			n.id = counted(i)
		}
		if chain && n.parent == "" {
			n.parent = before
		}
		before = n.id
		nodes = append(nodes, n)
	}
	c.Messages, c.LeafID = assemble(nodes, string(firstOf(b.History.CurrentID, w.CurrentID)), false, t)
	return c, nil
}

func (r *Reader) webuiMessage(w webuiMessage, c *Conversation, t *tally) (*Message, Reason) {
	m := Message{CreatedAt: w.Timestamp.Time, FinishedAt: w.CompletedAt.Time}
	text := webuiText(w.Content)
	switch w.Role {
	case "user":
		m.Role = User
	case "assistant":
		m.Role = Assistant
		m.ModelName = string(firstOf(w.Model, w.ModelName))
		m.Unfinished = w.Done != nil && !bool(*w.Done)
		switch w.Annotation.Rating {
		case "1":
			m.Feedback.Rating = Good
		case "-1":
			m.Feedback.Rating = Bad
		}
	case "system":
		return nil, systemPrompt(c, text, t)
	case "tool":
		return nil, ReasonTool
	default:
		return nil, ReasonUnknownRole
	}
	for _, f := range w.Files {
		m.Parts = append(m.Parts, Part{Kind: KindFile, File: r.webuiFile(f)})
	}
	if m.Role == Assistant {
		if parts := webuiOutputs(w.Output, t); len(parts) > 0 {
			m.Parts = append(m.Parts, parts...)
		} else {
			m.Parts = addText(m.Parts, KindReasoning, string(w.Reasoning))
			m.Parts = webuiDetails(m.Parts, text, t)
		}
	} else {
		m.Parts = addText(m.Parts, KindText, text)
	}
	if len(m.Parts) == 0 {
		if len(w.Error) > 0 && w.Error[0] != 'n' && w.Error[0] != 'f' { // null, false
			return nil, ReasonError
		}
		return nil, ReasonEmpty
	}
	return &m, ""
}

// webuiText reads a content that is a text, or a list of parts as the API of
// models has it.
func webuiText(raw json.RawMessage) string {
	var s str
	if len(raw) == 0 {
		return ""
	}
	if raw[0] != '[' {
		_ = s.UnmarshalJSON(raw)
		return string(s)
	}
	var parts list[struct{ Text str }]
	_ = parts.UnmarshalJSON(raw)
	var texts []string
	for _, p := range parts {
		texts = append(texts, string(p.Text))
	}
	return strings.Join(texts, "\n\n")
}

func (r *Reader) webuiFile(f webuiFile) File {
	name := line(firstOf(f.File.Meta.Name, f.File.Filename, f.Name))
	mediaType := string(firstOf(f.File.Meta.ContentType, f.ContentType))
	if text := string(f.File.Data.Content); text != "" {
		if !strings.HasPrefix(mediaType, "text/") {
			name += ".txt" // the text that was read from the document, not the document
		}
		return r.textFile(name, text)
	}
	return r.dataURL(name, mediaType, string(f.URL))
}

// webuiOutputs reads the steps of an answer that newer versions keep.
func webuiOutputs(steps list[webuiOutput], t *tally) []Part {
	var parts []Part
	calls := 0
	for _, s := range steps {
		var text []string
		for _, p := range append(s.Content, s.Summary...) {
			text = append(text, string(p.Text))
		}
		switch joined := strings.Join(text, "\n\n"); s.Type {
		case "reasoning":
			parts = addText(parts, KindReasoning, joined)
		case "message":
			parts = addText(parts, KindText, joined)
		default:
			calls++
		}
	}
	if len(parts) > 0 {
		for range calls {
			t.omit(ReasonToolCall)
		}
	}
	return parts
}

var details = regexp.MustCompile(`(?s)<details\s+type="([a-z_]+)"[^>]*>\s*(?:<summary>.*?</summary>)?(.*?)</details>\s*`)

// webuiDetails takes apart an answer in which reasoning and tool calls stand
// as <details> in the text.
func webuiDetails(parts []Part, text string, t *tally) []Part {
	for {
		m := details.FindStringSubmatchIndex(text)
		if m == nil {
			return addText(parts, KindText, text)
		}
		parts = addText(parts, KindText, text[:m[0]])
		if text[m[2]:m[3]] == "reasoning" {
			lines := strings.Split(html.UnescapeString(strings.TrimSpace(text[m[4]:m[5]])), "\n")
			for i := range lines {
				lines[i] = strings.TrimPrefix(strings.TrimPrefix(lines[i], ">"), " ")
			}
			parts = addText(parts, KindReasoning, strings.Join(lines, "\n"))
		} else {
			t.omit(ReasonToolCall)
		}
		text = text[m[1]:]
	}
}

// systemPrompt keeps the first system message as the prompt of the
// conversation and returns the reason under which the message is counted.
func systemPrompt(c *Conversation, text string, t *tally) Reason {
	switch {
	case strings.TrimSpace(text) == "":
		return ReasonEmpty
	case c.SystemPrompt == "":
		c.SystemPrompt = text
		t.messages.Take()
		return ""
	case c.SystemPrompt == text:
		return ReasonDuplicate
	}
	return ReasonSystem
}

func firstOf(list ...str) str {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

func firstTime(list ...stamp) time.Time {
	for _, t := range list {
		if !t.IsZero() {
			return t.Time
		}
	}
	return time.Time{}
}
