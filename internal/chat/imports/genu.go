package imports

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"kakoi/internal/errs"
)

// GenU has no export of its own. What can be had is what its API answers, one
// {chat, messages} for each chat, and the records of its DynamoDB table: a
// chat is one record, each message another, whose id is that of the chat and
// whose createdDate gives the order. Messages are a list without branches;
// files lie elsewhere unless they were sent as base64.

type genuChat struct {
	ID          str // user#…, of the person
	ChatID      str `json:"chatId"`
	Title       str
	CreatedDate str `json:"createdDate"`
	UpdatedDate str `json:"updatedDate"`
}

type genuMessage struct {
	ID          str // chat#…
	MessageID   str `json:"messageId"`
	CreatedDate str `json:"createdDate"`
	Role        str
	Content     str
	Trace       str
	ExtraData   list[struct {
		Type, Name str
		Source     struct {
			Type, Data str
			MediaType  str `json:"mediaType"`
		}
	}] `json:"extraData"`
	Feedback str
	Model    str `json:"llmType"`
}

func (r *Reader) genU(raw []byte, t *tally) (Conversation, error) {
	var g struct {
		Chat             genuChat
		Messages         list[genuMessage]
		RecordedMessages list[genuMessage] `json:"recordedMessages"`
	}
	if err := decode(raw, &g); err != nil {
		return Conversation{}, err
	}
	if len(g.Messages) == 0 {
		g.Messages = g.RecordedMessages
	}
	return r.genuConversation(g.Chat, g.Messages, t)
}

func (r *Reader) genuConversation(chat genuChat, messages []genuMessage, t *tally) (Conversation, error) {
	id := chat.ChatID
	if id == "" && len(messages) > 0 {
		id = messages[0].ID
	}
	c := Conversation{
		Source: GenU, ExternalID: strings.TrimPrefix(string(id), "chat#"), Title: line(chat.Title),
		CreatedAt: genuTime(chat.CreatedDate), UpdatedAt: genuTime(chat.UpdatedDate),
	}
	if len(messages) > r.limits.Messages {
		return c, &Problem{Reason: ReasonTooMany}
	}
	slices.SortStableFunc(messages, func(a, b genuMessage) int { return genuTime(a.CreatedDate).Compare(genuTime(b.CreatedDate)) })
	nodes := make([]node, 0, len(messages))
	before := ""
	for i, g := range messages {
		n := node{id: string(firstOf(g.MessageID, g.CreatedDate)), parent: before}
		if n.id == "" {
			n.id = counted(i)
		}
		n.message, n.skip = r.genuMessage(g, &c, t)
		if n.message != nil && n.message.ModelName != "" {
			c.ModelName = n.message.ModelName
		}
		before = n.id
		nodes = append(nodes, n)
	}
	c.Messages, c.LeafID = assemble(nodes, before, false, t)
	return c, nil
}

func (r *Reader) genuMessage(g genuMessage, c *Conversation, t *tally) (*Message, Reason) {
	m := Message{CreatedAt: genuTime(g.CreatedDate)}
	switch g.Role {
	case "system":
		return nil, systemPrompt(c, string(g.Content), t)
	case "user":
		m.Role = User
	case "assistant":
		m.Role, m.ModelName = Assistant, string(g.Model)
		switch g.Feedback {
		case "good":
			m.Feedback.Rating = Good
		case "bad":
			m.Feedback.Rating = Bad
		}
	default:
		return nil, ReasonUnknownRole
	}
	for _, e := range g.ExtraData {
		f := File{Name: line(e.Name), MediaType: string(e.Source.MediaType), Missing: ReasonNotInFile}
		if e.Source.Type == "base64" {
			if strings.HasPrefix(string(e.Source.Data), "data:") {
				f = r.dataURL(f.Name, f.MediaType, string(e.Source.Data))
			} else {
				f = r.base64File(f.Name, f.MediaType, string(e.Source.Data))
			}
		}
		m.Parts = append(m.Parts, Part{Kind: KindFile, File: f})
	}
	m.Parts = addText(m.Parts, KindReasoning, string(g.Trace))
	m.Parts = addText(m.Parts, KindText, string(g.Content))
	if len(m.Parts) == 0 {
		return nil, ReasonEmpty
	}
	return &m, ""
}

// genuTime reads a time such as 1712345678901#0.
func genuTime(s str) time.Time {
	digits, _, _ := strings.Cut(string(s), "#")
	return parseTime(digits)
}

// genuMessages reports whether the messages of an object are those of GenU.
func genuMessages(raw []byte) bool {
	var p struct {
		Messages list[struct {
			MessageID, CreatedDate shape
			Content, Role          shape
		}]
	}
	return object(raw, &p) && len(p.Messages) > 0 && p.Messages[0].MessageID != 0 && p.Messages[0].CreatedDate != 0 && p.Messages[0].Role != 0
}

// record is one of the table, with what kind of record it is.
type record struct {
	chat    *genuChat
	message *genuMessage
	size    int
}

// readRecord reads one, with the types of DynamoDB or without.
func readRecord(raw []byte) (record, Reason) {
	var wrapped struct{ Item json.RawMessage }
	if object(raw, &wrapped) && len(wrapped.Item) > 0 {
		raw = wrapped.Item
	}
	var p struct {
		ID                      shape
		ChatID, Role, MessageID shape
	}
	if !object(raw, &p) {
		return record{}, ReasonMalformed
	}
	if p.ID == '{' {
		var typed any
		if err := json.Unmarshal(raw, &typed); err != nil {
			return record{}, ReasonMalformed
		}
		plain := make(map[string]any)
		for name, v := range typed.(map[string]any) { // object has seen that it is one
			plain[name] = untyped(v)
		}
		var err error
		if raw, err = json.Marshal(plain); err != nil {
			return record{}, ReasonMalformed
		}
	}
	switch {
	case p.Role != 0 && p.MessageID != 0:
		var m genuMessage
		if decode(raw, &m) != nil || m.ID == "" {
			return record{}, ReasonMalformed
		}
		return record{message: &m, size: len(raw)}, ""
	case p.ChatID != 0:
		var c genuChat
		if decode(raw, &c) != nil || c.ChatID == "" || strings.HasPrefix(string(c.ID), "share#") {
			return record{}, ReasonOtherRecord
		}
		return record{chat: &c, size: len(raw)}, ""
	}
	return record{}, ReasonOtherRecord
}

// untyped takes the types out of a value as DynamoDB exports it: {"S": "x"}
// is "x".
func untyped(v any) any {
	m, ok := v.(map[string]any)
	if !ok || len(m) != 1 {
		return v
	}
	for kind, v := range m {
		switch kind {
		case "S", "BOOL", "SS", "NS", "B", "BS":
			return v
		case "N":
			s, _ := v.(string)
			return json.Number(s)
		case "L":
			items, _ := v.([]any)
			out := make([]any, len(items))
			for i := range items {
				out[i] = untyped(items[i])
			}
			return out
		case "M":
			fields, _ := v.(map[string]any)
			out := make(map[string]any, len(fields))
			for name := range fields {
				out[name] = untyped(fields[name])
			}
			return out
		}
	}
	return nil // NULL, and what there is not
}

// readRecords reads the records twice: first the titles and how many messages
// each chat has, then the messages, so that a chat is handed out as soon as
// its last message has come. Records of a chat stand together in exports of
// the table, so few are held at a time.
func (r *Reader) readRecords(give func(Conversation, tally, *Problem) error) error {
	chats := make(map[str]genuChat)
	counts := make(map[str]int)
	var order []str // of the chats
	err := r.eachRecord(func(rec record, _ Reason) error {
		switch {
		case rec.chat != nil:
			if _, twice := chats[rec.chat.ChatID]; !twice {
				order = append(order, rec.chat.ChatID)
			}
			chats[rec.chat.ChatID] = *rec.chat
		case rec.message != nil:
			counts[rec.message.ID]++
		}
		return nil
	})
	if err != nil {
		return err
	}
	open := make(map[str][]genuMessage)
	sizes := make(map[str]int)
	held := 0
	err = r.eachRecord(func(rec record, why Reason) error {
		if why != "" {
			if r.report.Omitted == nil {
				r.report.Omitted = make(map[Reason]int)
			}
			r.report.Omitted[why]++
			return nil
		}
		if rec.message == nil {
			return nil
		}
		id := rec.message.ID
		open[id] = append(open[id], *rec.message)
		sizes[id] += rec.size
		if held += rec.size; held > 4*r.limits.ConversationBytes {
			return errs.New(errs.TooLarge, "The messages of the chats in this file are too far apart to be put together. Export the chats one by one.")
		}
		if len(open[id]) < counts[id] {
			return nil
		}
		messages := open[id]
		held -= sizes[id]
		delete(open, id)
		delete(sizes, id)
		chat := chats[id]
		chat.ChatID = id
		delete(chats, id)
		return r.giveChat(chat, messages, give)
	})
	if err != nil {
		return err
	}
	for _, id := range order {
		if chat, left := chats[id]; left { // without a message
			if err := r.giveChat(chat, nil, give); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *Reader) giveChat(chat genuChat, messages []genuMessage, give func(Conversation, tally, *Problem) error) error {
	var t tally
	c, err := r.genuConversation(chat, messages, &t)
	if p, ok := err.(*Problem); ok { //nolint:errorlint // genuConversation returns nothing else
		return give(c, t, p)
	}
	finish(&c, &t)
	return give(c, t, nil)
}

func (r *Reader) eachRecord(each func(record, Reason) error) error {
	r.unpacked = r.limits.UnpackedBytes
	for _, s := range r.sections {
		stopped := false
		err := r.elements(s, func(e element) error {
			rec, why := record{}, e.problem
			if why == "" {
				rec, why = readRecord(e.raw)
			}
			err := each(rec, why)
			stopped = err != nil
			return err
		})
		if err != nil {
			return err
		}
		if stopped {
			return errStop
		}
	}
	return nil
}
