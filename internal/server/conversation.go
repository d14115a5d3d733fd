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
	"kakoi/internal/classification"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// ConversationSummary is a conversation in a list.
type ConversationSummary struct {
	ID          string               `json:"id"`
	Title       string               `json:"title"`
	TitleSource chat.TitleSource     `json:"titleSource" enum:"first_words,model,person"`
	ModelID     string               `json:"modelId"`
	Running     bool                 `json:"running" doc:"An answer is being written."`
	FolderID    string               `json:"folderId,omitempty"`
	Tags        []string             `json:"tags"`
	Pinned      bool                 `json:"pinned"`
	Archived    bool                 `json:"archived"`
	Class       classification.Class `json:"class,omitempty" doc:"How confidential it is, 1 to 3. Absent: nobody has said, and what the organisation begins with counts."`
	Shared      bool                 `json:"shared,omitempty" doc:"Others may see it now. Told in lists."`
	CreatedAt   time.Time            `json:"createdAt"`
	UpdatedAt   time.Time            `json:"updatedAt" doc:"Of the last activity."`
}

// conversation is one with what was chosen for it.
type conversation struct {
	ConversationSummary
	Parameters   parameters   `json:"parameters"`
	SystemPrompt string       `json:"systemPrompt"`
	LeafID       string       `json:"leafId" doc:"The last message of the branch that is open."`
	Comparing    bool         `json:"comparing" doc:"Answers stand side by side at the end of the open branch until one is chosen."`
	Queue        []queuedTurn `json:"queue" doc:"Turns that wait for the end of an answer, in the order in which they will be sent."`
}

// queuedTurn is a turn that waits until the answer before it has ended.
type queuedTurn struct {
	ID              string    `json:"id"`
	Text            string    `json:"text"`
	AttachmentIDs   []string  `json:"attachmentIds"`
	CompareModelIDs []string  `json:"compareModelIds,omitempty"`
	CreatedAt       time.Time `json:"createdAt"`
}

func queuedTurnOf(q chat.QueuedTurn) queuedTurn {
	return queuedTurn{q.ID, q.Turn.Text, orEmpty(q.Turn.AttachmentIDs), q.Turn.CompareIDs, q.CreatedAt}
}

func conversationSummaryOf(c chat.Conversation) ConversationSummary {
	return ConversationSummary{
		ID: c.ID, Title: c.Title, TitleSource: c.TitleSource, ModelID: c.ModelID, Running: c.Running,
		FolderID: c.FolderID, Tags: orEmpty(c.Tags), Pinned: c.Pinned, Archived: c.Archived, Class: c.Class,
		CreatedAt: c.CreatedAt, UpdatedAt: c.ActiveAt,
	}
}

func conversationOf(c chat.Conversation) conversation {
	return conversation{
		conversationSummaryOf(c), parameters(c.Parameters), c.SystemPrompt, c.LeafID, c.ComparisonID != "", mapped(c.Queue, queuedTurnOf),
	}
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
	ParentID     string           `json:"parentId,omitempty" doc:"The message it follows; absent of the first."`
	SiblingIDs   []string         `json:"siblingIds,omitempty" doc:"The messages that follow the same one, itself among them, oldest first."`
	EditedFromID string           `json:"editedFromId,omitempty" doc:"The message that a person gave these other words."`
	Context      *messageContext  `json:"context,omitempty"`
	Feedback     *opinion         `json:"feedback,omitempty" doc:"What one thinks of the answer oneself."`
}

// messageContext is what of its conversation the model of an answer was given.
type messageContext struct {
	Tokens     int  `json:"tokens" doc:"Of the prompt, estimated."`
	Limit      int  `json:"limit" doc:"Of the model; 0 is unknown."`
	Omitted    int  `json:"omitted" doc:"Messages at the beginning that no longer fitted."`
	Summarised bool `json:"summarised" doc:"A summary stood for the beginning."`
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
		ParentID: m.ParentID, SiblingIDs: m.SiblingIDs, EditedFromID: m.EditedFromID, Context: contextOf(m.Context),
	}
}

func contextOf(c *chat.Context) *messageContext {
	if c == nil {
		return nil
	}
	return &messageContext{c.Tokens, c.Limit, c.Omitted, c.Summarised}
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
	Items             []message `json:"items" doc:"Oldest first: a stretch of one branch."`
	PreviousPageToken string    `json:"previousPageToken,omitempty" doc:"Give it as before to read what came before; absent at the beginning."`
	LeafID            string    `json:"leafId" doc:"The end of the branch."`
	Compared          []message `json:"compared,omitempty" doc:"The answers that stand side by side at the end of the branch."`
}

// Turn is what a person sends.
type Turn struct {
	Text          string   `json:"text" required:"false" kind:"freeText"`
	AttachmentIDs []string `json:"attachmentIds,omitempty" kind:"id" maxItems:"100"`
	ClientID      string   `json:"clientId,omitempty" kind:"id" maxLength:"100" doc:"The sender's own id: sending it twice is sending it once."`
	CompareIDs    []string `json:"compareModelIds,omitempty" kind:"id" maxItems:"10" doc:"Two or three models that answer side by side, instead of the conversation's."`
}

type newConversation struct {
	ModelID      string               `json:"modelId,omitempty" kind:"id" maxLength:"64" doc:"Empty: the person's first model."`
	Parameters   *parameters          `json:"parameters,omitempty"`
	SystemPrompt string               `json:"systemPrompt,omitempty" kind:"freeText"`
	Class        classification.Class `json:"class,omitempty" kind:"number" minimum:"0" maximum:"3" doc:"How confidential it is, 1 to 3. 0: as the organisation begins with."`
	FolderID     string               `json:"folderId,omitempty" kind:"id" maxLength:"64"`
	Turn         Turn                 `json:"turn"`
}

type newTurn struct {
	Turn
	ModelID    *string     `json:"modelId,omitempty" kind:"id" maxLength:"64" doc:"From now on."`
	Parameters *parameters `json:"parameters,omitempty" doc:"From now on."`
	WhenBusy   string      `json:"whenBusy,omitempty" kind:"enum" enum:"refuse,queue,replace" doc:"While an answer is being written: refuse the turn (the default), let it wait, or stop the answer for it."`
}

type conversationChange struct {
	Title        *string               `json:"title,omitempty" kind:"freeText" maxLength:"2000"`
	ModelID      *string               `json:"modelId,omitempty" kind:"id" maxLength:"64"`
	Parameters   *parameters           `json:"parameters,omitempty" doc:"Replaces all."`
	SystemPrompt *string               `json:"systemPrompt,omitempty" kind:"freeText"`
	Class        *classification.Class `json:"class,omitempty" kind:"number" minimum:"0" maximum:"3" doc:"How confidential it is, 1 to 3. 0: as the organisation begins with."`
	FolderID     *string               `json:"folderId,omitempty" kind:"id" maxLength:"64" doc:"Empty takes it out of its folder."`
	Tags         *[]string             `json:"tags,omitempty" kind:"name" maxItems:"100" doc:"All it is to have."`
	Pinned       *bool                 `json:"pinned,omitempty" kind:"enum"`
	Archived     *bool                 `json:"archived,omitempty" kind:"enum"`
}

// started is what a turn has begun.
type started struct {
	Conversation conversation `json:"conversation"`
	UserMessage  *message     `json:"userMessage,omitempty" doc:"Absent when an answer is asked for anew or goes on."`
	Answers      []message    `json:"answers" doc:"The answer, or those side by side; follow each at /runs/{runId}/events. Empty if the turn waits."`
	Queued       *queuedTurn  `json:"queued,omitempty" doc:"The turn, if it waits for the end of an answer."`
}

func startedOf(st chat.Started) started {
	out := started{Conversation: conversationOf(st.Conversation), Answers: mapped(st.Answers, messageOf)}
	if st.User != nil {
		said := messageOf(*st.User)
		out.UserMessage = &said
	}
	if st.Queued != nil {
		waits := queuedTurnOf(*st.Queued)
		out.Queued = &waits
	}
	return out
}

func (s *Server) conversationOperations() {
	// JSON may write a character in six bytes, and instructions come along.
	most := 6*s.limits.MessageBytes + 2<<20
	register(s, route{method: http.MethodGet, path: "/conversations", id: "listConversations", tag: "chat", summary: "One's conversations: pinned ones first, then the last active."}, s.listConversations)
	register(s, route{method: http.MethodPost, path: "/conversations", id: "createConversation", tag: "chat", summary: "Begins a conversation with its first message.", status: http.StatusCreated, body: most}, s.createConversation)
	register(s, route{method: http.MethodGet, path: "/conversations/{id}", id: "getConversation", tag: "chat", summary: "One conversation, without its messages."}, s.getConversation)
	register(s, route{method: http.MethodPatch, path: "/conversations/{id}", id: "updateConversation", tag: "chat", summary: "Renames a conversation, or chooses for it.", body: most}, s.updateConversation)
	register(s, route{method: http.MethodDelete, path: "/conversations/{id}", id: "deleteConversation", tag: "chat", summary: "Deletes a conversation with its messages and files. For some minutes it can be restored.", status: http.StatusNoContent}, s.deleteConversation)
	register(s, route{method: http.MethodGet, path: "/conversations/{id}/messages", id: "listMessages", tag: "chat", summary: "The messages of a branch of a conversation: its last page, or the one before."}, s.listMessages)
	register(s, route{method: http.MethodPost, path: "/conversations/{id}/turns", id: "sendTurn", tag: "chat", summary: "Sends a message.", status: http.StatusAccepted, body: most}, s.sendTurn)
	s.branchOperations(most)
	s.queueOperations(most)
	s.organiseOperations()
	s.searchOperations()
}

func (s *Server) listConversations(ctx context.Context, in *struct {
	FolderID  string `query:"folderId" kind:"id" maxLength:"64"`
	Tag       string `query:"tag" kind:"name" maxLength:"200"`
	State     string `query:"state" kind:"enum" enum:"active,archived" doc:"Those in use (the default), or those put away."`
	PageToken string `query:"pageToken" kind:"id" maxLength:"2000"`
	Limit     int    `query:"limit" kind:"number" minimum:"1" maximum:"100"`
}) (*body[list[ConversationSummary]], error) {
	page, err := s.chat.List(ctx, chat.Filter{FolderID: in.FolderID, Tag: in.Tag, Archived: in.State == "archived"}, in.PageToken, in.Limit)
	if err != nil {
		return nil, err
	}
	shared, err := s.shares.Among(ctx, mapped(page.Items, func(c chat.Conversation) string { return c.ID }))
	if err != nil {
		return nil, err
	}
	return ok(list[ConversationSummary]{mapped(page.Items, func(c chat.Conversation) ConversationSummary {
		out := conversationSummaryOf(c)
		out.Shared = shared[c.ID]
		return out
	}), page.Next}), nil
}

func (s *Server) createConversation(ctx context.Context, in *struct{ Body newConversation }) (*body[started], error) {
	b := in.Body
	said, err := s.turnOf(b.Turn, "turn.")
	if err != nil {
		return nil, err
	}
	st, err := s.chat.Create(ctx, chat.NewConversation{
		ModelID: b.ModelID, Parameters: (*model.Parameters)(b.Parameters), SystemPrompt: b.SystemPrompt, Class: b.Class, FolderID: b.FolderID, Turn: said,
	})
	if err != nil {
		return nil, err
	}
	return ok(startedOf(st)), nil
}

// turnOf checks the bounds that the installation sets; those that were decided
// since, the conversations do.
func (s *Server) turnOf(t Turn, at string) (chat.Turn, error) {
	if int64(len(t.Text)) > s.limits.MessageBytes {
		err := errs.Newf(errs.TooLarge, "The message is longer than %d bytes.", s.limits.MessageBytes).
			With("limitBytes", strconv.FormatInt(s.limits.MessageBytes, 10))
		err.Field = at + "text"
		return chat.Turn{}, err
	}
	if most := s.limits.AttachmentsPerTurn; int64(len(t.AttachmentIDs)) > most {
		err := errs.Newf(errs.TooLarge, "A message carries at most %d files.", most).With("limitFiles", strconv.FormatInt(most, 10))
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
		Class: b.Class, FolderID: b.FolderID, Tags: b.Tags, Pinned: b.Pinned, Archived: b.Archived,
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
	Before  string `query:"before" kind:"id" maxLength:"64" doc:"previousPageToken of the page after."`
	Through string `query:"through" kind:"id" maxLength:"64" doc:"A message: the branch that goes through it, instead of the open one."`
	Limit   int    `query:"limit" kind:"number" minimum:"1" maximum:"100"`
}) (*body[messagePage], error) {
	page, err := s.chat.Messages(ctx, in.ID, in.Through, in.Before, in.Limit)
	if err != nil {
		return nil, err
	}
	out := messagePage{mapped(page.Items, messageOf), page.Previous, page.LeafID, mapped(page.Compared, messageOf)}
	return ok(out), s.addFeedback(ctx, out.Items, out.Compared)
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
	st, err := s.chat.Send(ctx, in.ID, said, chat.Change{ModelID: b.ModelID, Parameters: (*model.Parameters)(b.Parameters)}, chat.WhenBusy(b.WhenBusy))
	if err != nil {
		return nil, err
	}
	return ok(startedOf(st)), nil
}

// addFeedback says of each message what its reader thinks of it.
func (s *Server) addFeedback(ctx context.Context, lists ...[]message) error {
	var ids []string
	for _, messages := range lists {
		for _, m := range messages {
			if m.Role == model.RoleAssistant {
				ids = append(ids, m.ID)
			}
		}
	}
	given, err := s.feedback.Of(ctx, ids)
	if err != nil {
		return err
	}
	for _, messages := range lists {
		for i := range messages {
			if f, ok := given[messages[i].ID]; ok {
				said := opinionOf(f)
				messages[i].Feedback = &said
			}
		}
	}
	return nil
}
