package server

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"kakoi/internal/chat"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// ConversationSummary is a conversation in a list.
type ConversationSummary struct {
	ID          string           `json:"id"`
	Title       string           `json:"title"`
	TitleSource chat.TitleSource `json:"titleSource" enum:"first_words,model,person"`
	ModelID     string           `json:"modelId"`
	Running     bool             `json:"running" doc:"An answer is being written."`
	CreatedAt   time.Time        `json:"createdAt"`
	UpdatedAt   time.Time        `json:"updatedAt" doc:"Of the last activity."`
}

// conversation is one with what was chosen for it.
type conversation struct {
	ConversationSummary
	Parameters   parameters `json:"parameters"`
	SystemPrompt string     `json:"systemPrompt"`
}

func conversationSummaryOf(c chat.Conversation) ConversationSummary {
	return ConversationSummary{
		ID: c.ID, Title: c.Title, TitleSource: c.TitleSource, ModelID: c.ModelID, Running: c.RunID != "",
		CreatedAt: c.CreatedAt, UpdatedAt: c.ActiveAt,
	}
}

func conversationOf(c chat.Conversation) conversation {
	return conversation{conversationSummaryOf(c), parameters(c.Parameters), c.SystemPrompt}
}

// message is what one speaker said in one turn.
type message struct {
	ID           string           `json:"id"`
	Role         model.Role       `json:"role" enum:"user,assistant"`
	Status       chat.Status      `json:"status" enum:"complete,running,stopped,failed,interrupted"`
	StopReason   model.StopReason `json:"stopReason,omitempty" enum:"end,length,filtered,tool,sequence"`
	Parts        []messagePart    `json:"parts"`
	ModelID      string           `json:"modelId,omitempty"`
	ModelName    string           `json:"modelName,omitempty" doc:"As it was called then."`
	RunID        string           `json:"runId,omitempty" doc:"Of an answer: its latest run."`
	Error        *failure         `json:"error,omitempty"`
	Usage        *usage           `json:"usage,omitempty"`
	Cost         *cost            `json:"cost,omitempty"`
	CreatedAt    time.Time        `json:"createdAt"`
	FinishedAt   time.Time        `json:"finishedAt,omitzero"`
	FirstTokenMS int64            `json:"firstTokenMs,omitempty"`
	ReasoningMS  int64            `json:"reasoningMs,omitempty"`
}

type failure struct {
	Code   errs.Code         `json:"code"`
	Detail string            `json:"detail,omitempty"`
	Params map[string]string `json:"params,omitempty"`
}

// usage has the fields of model.Usage.
type usage struct {
	InputTokens      int  `json:"inputTokens" doc:"Without those of the provider's cache."`
	OutputTokens     int  `json:"outputTokens" doc:"With those of reasoning."`
	ReasoningTokens  int  `json:"reasoningTokens"`
	CacheReadTokens  int  `json:"cacheReadTokens"`
	CacheWriteTokens int  `json:"cacheWriteTokens"`
	Estimated        bool `json:"estimated" doc:"The provider did not say; counted here."`
}

type cost struct {
	Amount   float64 `json:"amount"`
	Currency string  `json:"currency"`
}

// messagePart is a textPart or a filePart.
type messagePart struct{ part any }

type textPart struct {
	Type model.PartType `json:"type" enum:"text,reasoning"`
	Text string         `json:"text"`
}

type filePart struct {
	Type         model.PartType `json:"type" enum:"image,document"`
	AttachmentID string         `json:"attachmentId"`
	Name         string         `json:"name"`
	MediaType    string         `json:"mediaType"`
	Size         int64          `json:"size" doc:"Bytes."`
}

// MarshalJSON implements json.Marshaler.
func (p messagePart) MarshalJSON() ([]byte, error) { return json.Marshal(p.part) }

// Schema implements huma.SchemaProvider.
func (messagePart) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{
		r.Schema(reflect.TypeFor[textPart](), true, ""), r.Schema(reflect.TypeFor[filePart](), true, ""),
	}}
}

func messageOf(m chat.Message) message {
	return message{
		ID: m.ID, Role: m.Role, Status: m.Status, StopReason: m.StopReason, Parts: mapped(m.Parts, messagePartOf),
		ModelID: m.ModelID, ModelName: m.ModelName, RunID: m.RunID, Error: failureOf(m.Failure), Usage: (*usage)(m.Usage), Cost: costOf(m.Cost),
		CreatedAt: m.CreatedAt, FinishedAt: m.FinishedAt, FirstTokenMS: m.FirstToken.Milliseconds(), ReasoningMS: m.Reasoning.Milliseconds(),
	}
}

// messagePartOf keeps every part, also reasoning that has nothing to show:
// places in a stream count parts.
func messagePartOf(p chat.Part) messagePart {
	switch p.Type {
	case model.PartImage, model.PartDocument:
		return messagePart{filePart{p.Type, p.AttachmentID, p.Name, p.MediaType, p.Size}}
	default:
		return messagePart{textPart{p.Type, p.Text}}
	}
}

func failureOf(f *chat.Failure) *failure {
	if f == nil {
		return nil
	}
	return &failure{f.Code, f.Detail, f.Params}
}

func costOf(c *chat.Cost) *cost {
	if c == nil || c.Currency == "" {
		return nil
	}
	return &cost{float64(c.Micros) / 1e6, c.Currency}
}

type messagePage struct {
	Items             []message `json:"items" doc:"Oldest first."`
	PreviousPageToken string    `json:"previousPageToken,omitempty" doc:"Give it as before to read what came before; absent at the beginning."`
}

// Turn is what a person sends.
type Turn struct {
	Text          string   `json:"text" required:"false" kind:"freeText"`
	AttachmentIDs []string `json:"attachmentIds,omitempty" kind:"id" maxItems:"100"`
	ClientID      string   `json:"clientId,omitempty" kind:"id" maxLength:"100" doc:"The sender's own id: sending it twice is sending it once."`
}

type newConversation struct {
	ModelID      string      `json:"modelId,omitempty" kind:"id" maxLength:"64" doc:"Empty: the person's first model."`
	Parameters   *parameters `json:"parameters,omitempty"`
	SystemPrompt string      `json:"systemPrompt,omitempty" kind:"freeText"`
	Turn         Turn        `json:"turn"`
}

type newTurn struct {
	Turn
	ModelID    *string     `json:"modelId,omitempty" kind:"id" maxLength:"64" doc:"From now on."`
	Parameters *parameters `json:"parameters,omitempty" doc:"From now on."`
}

type conversationChange struct {
	Title        *string     `json:"title,omitempty" kind:"freeText" maxLength:"2000"`
	ModelID      *string     `json:"modelId,omitempty" kind:"id" maxLength:"64"`
	Parameters   *parameters `json:"parameters,omitempty" doc:"Replaces all."`
	SystemPrompt *string     `json:"systemPrompt,omitempty" kind:"freeText"`
}

type startedConversation struct {
	Conversation     conversation `json:"conversation"`
	UserMessage      message      `json:"userMessage"`
	AssistantMessage message      `json:"assistantMessage"`
	RunID            string       `json:"runId" doc:"Follow it at /runs/{id}/events."`
}

type started struct {
	UserMessage      *message `json:"userMessage,omitempty" doc:"Absent when an answer goes on rather than begins."`
	AssistantMessage message  `json:"assistantMessage"`
	RunID            string   `json:"runId" doc:"Follow it at /runs/{id}/events."`
}

func startedOf(st chat.Started) started {
	out := started{AssistantMessage: messageOf(st.Assistant), RunID: st.RunID}
	if st.User != nil {
		said := messageOf(*st.User)
		out.UserMessage = &said
	}
	return out
}

func (s *Server) conversationOperations() {
	// JSON may write a character in six bytes, and instructions come along.
	most := 6*s.limits.MessageBytes + 2<<20
	register(s, route{method: http.MethodGet, path: "/conversations", id: "listConversations", tag: "chat", summary: "One's conversations, the last active first."}, s.listConversations)
	register(s, route{method: http.MethodPost, path: "/conversations", id: "createConversation", tag: "chat", summary: "Begins a conversation with its first message.", status: http.StatusCreated, body: most}, s.createConversation)
	register(s, route{method: http.MethodGet, path: "/conversations/{id}", id: "getConversation", tag: "chat", summary: "One conversation, without its messages."}, s.getConversation)
	register(s, route{method: http.MethodPatch, path: "/conversations/{id}", id: "updateConversation", tag: "chat", summary: "Renames a conversation, or chooses for it.", body: most}, s.updateConversation)
	register(s, route{method: http.MethodDelete, path: "/conversations/{id}", id: "deleteConversation", tag: "chat", summary: "Deletes a conversation with its messages and files.", status: http.StatusNoContent}, s.deleteConversation)
	register(s, route{method: http.MethodGet, path: "/conversations/{id}/messages", id: "listMessages", tag: "chat", summary: "The messages of a conversation: the newest page, or the one before."}, s.listMessages)
	register(s, route{method: http.MethodPost, path: "/conversations/{id}/turns", id: "sendTurn", tag: "chat", summary: "Sends a message.", status: http.StatusAccepted, body: most}, s.sendTurn)
	register(s, route{method: http.MethodPost, path: "/conversations/{id}/continue", id: "continueAnswer", tag: "chat", summary: "Lets the last answer go on where it was cut, stopped or interrupted.", status: http.StatusAccepted}, s.continueAnswer)
	register(s, route{method: http.MethodPost, path: "/conversations/{id}/retry", id: "retryAnswer", tag: "chat", summary: "Asks again for the last answer, which failed.", status: http.StatusAccepted}, s.retryAnswer)
}

func (s *Server) listConversations(ctx context.Context, in *struct {
	PageToken string `query:"pageToken" kind:"id" maxLength:"2000"`
	Limit     int    `query:"limit" kind:"number" minimum:"1" maximum:"100"`
}) (*body[list[ConversationSummary]], error) {
	page, err := s.chat.List(ctx, in.PageToken, in.Limit)
	if err != nil {
		return nil, err
	}
	return ok(list[ConversationSummary]{mapped(page.Items, conversationSummaryOf), page.Next}), nil
}

func (s *Server) createConversation(ctx context.Context, in *struct{ Body newConversation }) (*body[startedConversation], error) {
	b := in.Body
	said, err := s.turnOf(b.Turn, "turn.")
	if err != nil {
		return nil, err
	}
	st, err := s.chat.Create(ctx, chat.NewConversation{
		ModelID: b.ModelID, Parameters: (*model.Parameters)(b.Parameters), SystemPrompt: b.SystemPrompt, Turn: said,
	})
	if err != nil {
		return nil, err
	}
	begun := startedOf(st)
	return ok(startedConversation{conversationOf(st.Conversation), value(begun.UserMessage), begun.AssistantMessage, begun.RunID}), nil
}

// turnOf checks the bounds that the installation sets.
func (s *Server) turnOf(t Turn, at string) (chat.Turn, error) {
	if int64(len(t.Text)) > s.limits.MessageBytes {
		err := errs.Newf(errs.TooLarge, "The message is longer than %d bytes.", s.limits.MessageBytes).
			With("limitBytes", strconv.FormatInt(s.limits.MessageBytes, 10))
		err.Field = at + "text"
		return chat.Turn{}, err
	}
	if int64(len(t.AttachmentIDs)) > s.limits.AttachmentsPerTurn {
		err := errs.Newf(errs.TooLarge, "A message carries at most %d files.", s.limits.AttachmentsPerTurn).
			With("limitFiles", strconv.FormatInt(s.limits.AttachmentsPerTurn, 10))
		err.Field = at + "attachmentIds"
		return chat.Turn{}, err
	}
	return chat.Turn(t), nil
}

func (s *Server) getConversation(ctx context.Context, in *IDInput) (*body[conversation], error) {
	c, err := s.chat.Conversation(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ok(conversationOf(c)), nil
}

func (s *Server) updateConversation(ctx context.Context, in *struct {
	IDInput
	Body conversationChange
}) (*body[conversation], error) {
	b := in.Body
	c, err := s.chat.Update(ctx, in.ID, chat.Change{
		Title: b.Title, ModelID: b.ModelID, SystemPrompt: b.SystemPrompt, Parameters: (*model.Parameters)(b.Parameters),
	})
	if err != nil {
		return nil, err
	}
	return ok(conversationOf(c)), nil
}

func (s *Server) deleteConversation(ctx context.Context, in *IDInput) (*none, error) {
	return nil, s.chat.Delete(ctx, in.ID)
}

func (s *Server) listMessages(ctx context.Context, in *struct {
	IDInput
	Before string `query:"before" kind:"id" maxLength:"64" doc:"previousPageToken of the page after."`
	Limit  int    `query:"limit" kind:"number" minimum:"1" maximum:"100"`
}) (*body[messagePage], error) {
	page, err := s.chat.Messages(ctx, in.ID, in.Before, in.Limit)
	if err != nil {
		return nil, err
	}
	return ok(messagePage{mapped(page.Items, messageOf), page.Next}), nil
}

func (s *Server) sendTurn(ctx context.Context, in *struct {
	IDInput
	Body newTurn
}) (*body[started], error) {
	b := in.Body
	said, err := s.turnOf(b.Turn, "")
	if err != nil {
		return nil, err
	}
	st, err := s.chat.Send(ctx, in.ID, said, chat.Change{ModelID: b.ModelID, Parameters: (*model.Parameters)(b.Parameters)})
	if err != nil {
		return nil, err
	}
	return ok(startedOf(st)), nil
}

func (s *Server) continueAnswer(ctx context.Context, in *IDInput) (*body[started], error) {
	st, err := s.chat.Continue(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ok(startedOf(st)), nil
}

func (s *Server) retryAnswer(ctx context.Context, in *IDInput) (*body[started], error) {
	st, err := s.chat.Retry(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ok(startedOf(st)), nil
}
