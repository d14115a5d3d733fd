package server

import (
	"context"
	"net/http"

	"kakoi/internal/chat"
)

// MessageInput names a message of a conversation.
type MessageInput struct {
	IDInput
	MessageID string `path:"messageId" kind:"id" maxLength:"64"`
}

type editedMessage struct {
	Text          string   `json:"text" required:"false" kind:"freeText"`
	AttachmentIDs []string `json:"attachmentIds,omitempty" kind:"id" maxItems:"100" doc:"Also those that were sent with the message before."`
	ClientID      string   `json:"clientId,omitempty" kind:"id" maxLength:"100" doc:"The sender's own id: sending it twice is sending it once."`
}

type anotherAnswer struct {
	ModelID  string `json:"modelId,omitempty" kind:"id" maxLength:"64" doc:"Empty: the conversation's."`
	ClientID string `json:"clientId,omitempty" kind:"id" maxLength:"100" doc:"The sender's own id: sending it twice is sending it once."`
}

type chosenAnswer struct {
	MessageID string `json:"messageId,omitempty" kind:"id" maxLength:"64" doc:"Empty: the end of the open branch."`
}

type chosenMessage struct {
	MessageID string `json:"messageId" kind:"id" minLength:"1" maxLength:"64"`
}

type forkOrder struct {
	MessageID string `json:"messageId" kind:"id" minLength:"1" maxLength:"64" doc:"The last message that is taken along."`
	Branches  string `json:"branches,omitempty" kind:"enum" enum:"path,all" doc:"What leads to the message (the default), or every branch before it too."`
}

// gauge is how full the model's context is, in estimated tokens.
type gauge struct {
	LimitTokens    int    `json:"limitTokens" doc:"Of the model; 0 is unknown."`
	ReservedTokens int    `json:"reservedTokens" doc:"Kept free for the answer."`
	SystemTokens   int    `json:"systemTokens"`
	SummaryTokens  int    `json:"summaryTokens"`
	FileTokens     int    `json:"fileTokens" doc:"Of the folder's files."`
	MessageTokens  int    `json:"messageTokens"`
	Omitted        int    `json:"omitted" doc:"Messages that the next turn would leave out."`
	Summarised     bool   `json:"summarised"`
	Usage          usage  `json:"usage" doc:"Of all answers of the open branch."`
	Costs          []cost `json:"costs" doc:"Of all answers of the open branch, one a currency."`
}

type summary struct {
	MessageID string `json:"messageId" doc:"The last message it tells."`
	Text      string `json:"text"`
	ModelName string `json:"modelName"`
}

func (s *Server) branchOperations(most int64) {
	register(s, route{method: http.MethodPost, path: "/conversations/{id}/continue", id: "continueAnswer", tag: "chat", summary: "Lets an answer go on where it was cut, stopped or interrupted.", status: http.StatusAccepted}, s.continueAnswer)
	register(s, route{method: http.MethodPost, path: "/conversations/{id}/retry", id: "retryAnswer", tag: "chat", summary: "Asks again for an answer that failed.", status: http.StatusAccepted}, s.retryAnswer)
	register(s, route{method: http.MethodPost, path: "/conversations/{id}/messages/{messageId}/edit", id: "editMessage", tag: "chat", summary: "Gives a message other words, on a branch of its own. A person's message is answered anew.", status: http.StatusAccepted, body: most}, s.editMessage)
	register(s, route{method: http.MethodPost, path: "/conversations/{id}/messages/{messageId}/regenerate", id: "regenerateAnswer", tag: "chat", summary: "Asks for another answer, on a branch of its own.", status: http.StatusAccepted}, s.regenerateAnswer)
	register(s, route{method: http.MethodPut, path: "/conversations/{id}/branch", id: "openBranch", tag: "chat", summary: "Opens the branch through a message; of answers side by side, chooses one."}, s.openBranch)
	register(s, route{method: http.MethodPost, path: "/conversations/{id}/fork", id: "forkConversation", tag: "chat", summary: "Copies a conversation up to a message into a new one.", status: http.StatusCreated}, s.forkConversation)
	register(s, route{method: http.MethodGet, path: "/conversations/{id}/context", id: "getContext", tag: "chat", summary: "How full the model's context is, and what the branch has cost."}, s.getContext)
	register(s, route{method: http.MethodPost, path: "/conversations/{id}/summary", id: "summariseConversation", tag: "chat", summary: "Has a light model tell the beginning in short; from then on models are given that."}, s.summariseConversation)
	register(s, route{method: http.MethodDelete, path: "/conversations/{id}/summary", id: "forgetSummary", tag: "chat", summary: "Gives models the whole conversation again, as far as it fits.", status: http.StatusNoContent}, s.forgetSummary)
}

func begun(st chat.Started, err error) (*body[started], error) {
	if err != nil {
		return nil, err
	}
	return ok(startedOf(st)), nil
}

func (s *Server) continueAnswer(ctx context.Context, in *struct {
	IDInput
	Body *chosenAnswer
}) (*body[started], error) {
	return begun(s.chat.Continue(ctx, in.ID, value(in.Body).MessageID))
}

func (s *Server) retryAnswer(ctx context.Context, in *struct {
	IDInput
	Body *chosenAnswer
}) (*body[started], error) {
	return begun(s.chat.Retry(ctx, in.ID, value(in.Body).MessageID))
}

func (s *Server) editMessage(ctx context.Context, in *struct {
	MessageInput
	Body editedMessage
}) (*body[started], error) {
	said, err := s.turnOf(Turn{Text: in.Body.Text, AttachmentIDs: in.Body.AttachmentIDs, ClientID: in.Body.ClientID}, "")
	if err != nil {
		return nil, err
	}
	return begun(s.chat.Edit(ctx, in.ID, in.MessageID, said))
}

func (s *Server) regenerateAnswer(ctx context.Context, in *struct {
	MessageInput
	Body *anotherAnswer
}) (*body[started], error) {
	return begun(s.chat.Regenerate(ctx, in.ID, in.MessageID, value(in.Body).ModelID, value(in.Body).ClientID))
}

func (s *Server) openBranch(ctx context.Context, in *struct {
	IDInput
	Body chosenMessage
}) (*body[conversation], error) {
	c, err := s.chat.OpenBranch(ctx, in.ID, in.Body.MessageID)
	if err != nil {
		return nil, err
	}
	return ok(conversationOf(c)), nil
}

func (s *Server) forkConversation(ctx context.Context, in *struct {
	IDInput
	Body forkOrder
}) (*body[conversation], error) {
	c, err := s.chat.Fork(ctx, in.ID, in.Body.MessageID, in.Body.Branches == "all")
	if err != nil {
		return nil, err
	}
	return ok(conversationOf(c)), nil
}

func (s *Server) getContext(ctx context.Context, in *IDInput) (*body[gauge], error) {
	g, err := s.chat.Gauge(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ok(gauge{
		LimitTokens: g.Limit, ReservedTokens: g.Reserve, SystemTokens: g.System, SummaryTokens: g.Summary, FileTokens: g.Files,
		MessageTokens: g.Messages, Omitted: g.Omitted, Summarised: g.Summed, Usage: usage(g.Usage),
		Costs: mapped(g.Costs, func(c chat.Cost) cost { return *costOf(&c) }),
	}), nil
}

func (s *Server) summariseConversation(ctx context.Context, in *IDInput) (*body[summary], error) {
	made, err := s.chat.Summarise(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return ok(summary(made)), nil
}

func (s *Server) forgetSummary(ctx context.Context, in *IDInput) (*none, error) {
	return nil, s.chat.ForgetSummary(ctx, in.ID)
}
