package imports

import (
	"encoding/json"
	"regexp"
	"strings"
)

// The export of ChatGPT: conversations.json, in large exports also
// conversations-000.json and on, is a list of conversations. Each has its
// messages under "mapping" as a tree of nodes; "current_node" is the end of the
// open path. The zip has the files beside it, by the ids that messages name.

type gptConversation struct {
	ID             str
	ConversationID str `json:"conversation_id"`
	Title          str
	CreateTime     stamp `json:"create_time"`
	UpdateTime     stamp `json:"update_time"`
	Mapping        json.RawMessage
	CurrentNode    str   `json:"current_node"`
	IsArchived     yes   `json:"is_archived"`
	IsStarred      yes   `json:"is_starred"`
	PinnedTime     stamp `json:"pinned_time"`
	Model          str   `json:"default_model_slug"`
	GizmoID        str   `json:"gizmo_id"`
	TemplateID     str   `json:"conversation_template_id"`
}

type gptNode struct {
	Message  json.RawMessage
	Parent   str
	Children list[str]
}

type gptMessage struct {
	Author     struct{ Role, Name str }
	CreateTime stamp `json:"create_time"`
	Content    json.RawMessage
	Status     str
	Recipient  str
	Channel    str
	Metadata   gptMetadata
}

type gptMetadata struct {
	ModelSlug   str `json:"model_slug"`
	Hidden      yes `json:"is_visually_hidden_from_conversation"`
	UserSystem  yes `json:"is_user_system_message"`
	Attachments list[gptAttachment]
}

type gptAttachment struct {
	ID, Name str
	MimeType str `json:"mime_type"`
	Mime     str `json:"mimeType"`
}

type gptContent struct {
	Type     str `json:"content_type"`
	Parts    list[json.RawMessage]
	Text     str
	Language str
	Result   str
	Content  str
	Title    str
	Thoughts list[struct{ Summary, Content str }]
}

type gptPart struct {
	Type    str `json:"content_type"`
	Pointer str `json:"asset_pointer"`
	Text    str
	Name    str
	Audio   json.RawMessage `json:"audio_asset_pointer"`
	Video   json.RawMessage `json:"video_container_asset_pointer"`
}

func (r *Reader) chatGPT(raw []byte, t *tally) (Conversation, error) {
	var g gptConversation
	if err := decode(raw, &g); err != nil {
		return Conversation{}, err
	}
	c := Conversation{
		Source: ChatGPT, ExternalID: string(g.ConversationID), Title: line(g.Title), ModelName: string(g.Model),
		CreatedAt: g.CreateTime.Time, UpdatedAt: g.UpdateTime.Time,
		Archived: bool(g.IsArchived), Pinned: bool(g.IsStarred) || !g.PinnedTime.IsZero(),
	}
	if c.ExternalID == "" {
		c.ExternalID = string(g.ID)
	}
	for _, id := range []str{g.GizmoID, g.TemplateID} {
		if strings.HasPrefix(string(id), "g-p-") { // a project; other ids are of custom models
			c.Folder.ID = string(id)
		}
	}
	entries, err := members(g.Mapping)
	if err != nil {
		return c, err
	}
	if len(entries) > 4*r.limits.Messages {
		return c, &Problem{Reason: ReasonTooMany}
	}
	nodes := make([]node, 0, len(entries))
	for _, e := range entries {
		n := node{id: clean(e.name)}
		var g gptNode
		if !object(e.value, &g) {
			n.skip = ReasonMalformed
			nodes = append(nodes, n)
			continue
		}
		n.parent = string(g.Parent)
		for _, id := range g.Children {
			n.children = append(n.children, string(id))
		}
		if len(g.Message) > 0 && string(g.Message) != "null" {
			n.message, n.skip = r.gptMessage(g.Message)
		}
		nodes = append(nodes, n)
	}
	c.Messages, c.LeafID = assemble(nodes, string(g.CurrentNode), true, t)
	return c, nil
}

// gptMessage reads a message, or says why it is none of the conversation.
func (r *Reader) gptMessage(raw json.RawMessage) (*Message, Reason) {
	var g gptMessage
	var content gptContent
	if !object(raw, &g) || !object(g.Content, &content) {
		return nil, ReasonMalformed
	}
	m := Message{
		Role: Assistant, ModelName: string(g.Metadata.ModelSlug), CreatedAt: g.CreateTime.Time,
		Unfinished: g.Status == "in_progress" || g.Status == "finished_partial_completion",
	}
	hidden := g.Metadata.Hidden || g.Metadata.UserSystem || content.Type == "user_editable_context" || content.Type == "model_editable_context"
	switch {
	case bool(hidden):
		return nil, ReasonHidden
	case g.Author.Role == "system":
		return nil, ReasonSystem
	case g.Author.Role == "user":
		m.Role, m.ModelName = User, ""
	case g.Author.Role != "assistant" && g.Author.Role != "tool":
		return nil, ReasonUnknownRole
	}
	parts, why := r.gptParts(g, content)
	if why != "" {
		return nil, why
	}
	if m.Parts = r.gptAttachments(g.Metadata.Attachments, parts); len(m.Parts) == 0 {
		return nil, ReasonEmpty
	}
	return &m, ""
}

// canvas is the call that writes a document beside the conversation.
const canvas = "canmore.create_textdoc"

func (r *Reader) gptParts(g gptMessage, c gptContent) ([]Part, Reason) {
	tool := g.Author.Role == "tool"
	toTool := g.Author.Role == "assistant" && g.Recipient != "" && g.Recipient != "all"
	switch c.Type {
	case "thoughts":
		var parts []Part
		for _, t := range c.Thoughts {
			text := string(t.Content)
			if t.Summary != "" {
				text = strings.TrimSpace("**" + string(t.Summary) + "**\n\n" + text)
			}
			parts = addText(parts, KindReasoning, text)
		}
		return parts, ""
	case "reasoning_recap":
		return nil, ReasonRecap
	case "execution_output":
		return fenced("", string(c.Text)), ""
	case "code", "text":
		text := string(c.Text)
		if c.Type == "text" {
			text = gptText(c.Parts)
		}
		switch {
		case g.Recipient == canvas:
			return gptCanvas(text)
		case toTool && g.Recipient == "python":
			return fenced("python", text), ""
		case toTool || tool:
			return nil, ReasonTool
		case c.Type == "code":
			if c.Language == "unknown" {
				c.Language = ""
			}
			return fenced(string(c.Language), text), ""
		case g.Channel == "analysis":
			return addText(nil, KindReasoning, text), ""
		}
		return addText(nil, KindText, withoutMarks(text)), ""
	case "multimodal_text":
		if toTool {
			return nil, ReasonTool
		}
		parts := r.gptMultimodal(c.Parts, tool)
		if tool && len(parts) == 0 {
			return nil, ReasonTool
		}
		return parts, ""
	case "tether_quote":
		if tool {
			return nil, ReasonTool
		}
		return addText(nil, KindText, "> "+strings.ReplaceAll(strings.TrimSpace(string(c.Text)), "\n", "\n> ")), ""
	}
	if tool || toTool || strings.HasPrefix(string(c.Type), "tether_") {
		return nil, ReasonTool
	}
	if c.Type == "system_error" {
		return nil, ReasonError
	}
	// Of a kind we do not know we take what is plainly its text.
	for _, text := range []string{gptText(c.Parts), string(c.Text), string(c.Result), string(c.Content)} {
		if parts := addText(nil, KindText, withoutMarks(text)); parts != nil {
			return parts, ""
		}
	}
	return nil, ReasonUnknownContent
}

func fenced(language, code string) []Part {
	if strings.TrimSpace(code) == "" {
		return nil
	}
	return []Part{{Kind: KindText, Text: fence(language, code)}}
}

// gptCanvas returns the document of a canvas.
func gptCanvas(call string) ([]Part, Reason) {
	var doc struct{ Name, Type, Content str }
	if !object(json.RawMessage(call), &doc) || doc.Content == "" {
		return nil, ReasonTool
	}
	if language, ok := strings.CutPrefix(string(doc.Type), "code/"); ok {
		return fenced(language, string(doc.Content)), ""
	}
	return addText(nil, KindText, string(doc.Content)), ""
}

func gptText(parts list[json.RawMessage]) string {
	var texts []string
	for _, p := range parts {
		var s str
		if s.UnmarshalJSON(p) == nil && s != "" {
			texts = append(texts, string(s))
		}
	}
	return strings.Join(texts, "\n\n")
}

// gptMultimodal reads texts, pictures and speech in their order; of a tool's
// message it takes the files alone.
func (r *Reader) gptMultimodal(raw list[json.RawMessage], filesOnly bool) []Part {
	var parts []Part
	for _, p := range raw {
		var text str
		if p[0] == '"' && text.UnmarshalJSON(p) == nil {
			if !filesOnly {
				parts = addText(parts, KindText, withoutMarks(string(text)))
			}
			continue
		}
		var g gptPart
		if !object(p, &g) {
			continue
		}
		for _, inner := range []json.RawMessage{g.Audio, g.Video} { // of a live talk
			var pointer str
			var f gptPart
			if object(inner, &f) {
				pointer = f.Pointer
			} else if len(inner) > 0 {
				_ = pointer.UnmarshalJSON(inner)
			}
			if pointer != "" {
				parts = append(parts, Part{Kind: KindFile, File: r.gptFile(pointer, "", "")})
			}
		}
		switch {
		case g.Pointer != "":
			parts = append(parts, Part{Kind: KindFile, File: r.gptFile(g.Pointer, g.Name, "")})
		case g.Text != "" && !filesOnly:
			parts = addText(parts, KindText, withoutMarks(string(g.Text)))
		}
	}
	return parts
}

// gptFile returns the file of a pointer such as file-service://file-Ab12.
func (r *Reader) gptFile(pointer, name, mediaType str) File {
	_, id, ok := strings.Cut(string(pointer), "://")
	if !ok {
		id = string(pointer)
	}
	if i := strings.IndexAny(id, "#?/"); i >= 0 {
		id = id[:i]
	}
	f := r.zipFile(id, line(name), string(mediaType))
	f.id = id
	return f
}

// gptAttachments adds the attachments that the metadata name: their names to
// the files that are in the parts, and before the text those that are not.
func (r *Reader) gptAttachments(named list[gptAttachment], parts []Part) []Part {
	var first []Part
	for _, a := range named {
		if a.MimeType == "" {
			a.MimeType = a.Mime
		}
		found := false
		for i := range parts {
			f := &parts[i].File
			if parts[i].Kind == KindFile && f.id != "" && assetID(f.id) == assetID(string(a.ID)) {
				found = true
				if a.Name != "" {
					f.Name = line(a.Name)
				}
				f.MediaType = string(a.MimeType)
			}
		}
		if !found {
			first = append(first, Part{Kind: KindFile, File: r.gptFile(a.ID, a.Name, a.MimeType)})
		}
	}
	return append(first, parts...)
}

// marks are the references to sources that the interface of ChatGPT draws, in
// characters of private use.
var marks = regexp.MustCompile(`\x{e200}[a-z_]+\x{e202}[^\x{e200}\x{e201}]*\x{e201}`)

func withoutMarks(s string) string {
	if !strings.ContainsRune(s, '\ue200') {
		return s
	}
	return marks.ReplaceAllString(s, "")
}
