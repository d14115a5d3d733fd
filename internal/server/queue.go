package server

import (
	"context"
	"net/http"
)

// QueuedInput names a turn that waits.
type QueuedInput struct {
	IDInput
	QueuedID string `path:"queuedId" kind:"id" maxLength:"64"`
}

type queuedChange struct {
	Text string `json:"text" kind:"freeText"`
}

// takenBack is a turn that will not be sent, to be written on.
type takenBack struct {
	Text        string       `json:"text"`
	Attachments []attachment `json:"attachments"`
}

func (s *Server) queueOperations(most int64) {
	register(s, route{method: http.MethodPost, path: "/conversations/{id}/queue/send", id: "sendQueued", tag: "chat", summary: "Sends the turn that waits first, now.", status: http.StatusAccepted}, s.sendQueued)
	register(s, route{method: http.MethodPatch, path: "/conversations/{id}/queue/{queuedId}", id: "changeQueued", tag: "chat", summary: "Gives a turn that waits other words.", body: most}, s.changeQueued)
	register(s, route{method: http.MethodDelete, path: "/conversations/{id}/queue/{queuedId}", id: "removeQueued", tag: "chat", summary: "Takes back a turn that waits: its words, and its files, which wait for another message."}, s.removeQueued)
}

func (s *Server) sendQueued(ctx context.Context, in *IDInput) (*body[started], error) {
	return begun(s.chat.SendQueued(ctx, in.ID))
}

func (s *Server) changeQueued(ctx context.Context, in *struct {
	QueuedInput
	Body queuedChange
}) (*body[queuedTurn], error) {
	if _, err := s.turnOf(Turn{Text: in.Body.Text}, ""); err != nil {
		return nil, err
	}
	q, err := s.chat.ChangeQueued(ctx, in.ID, in.QueuedID, in.Body.Text)
	if err != nil {
		return nil, err
	}
	return ok(queuedTurnOf(q)), nil
}

func (s *Server) removeQueued(ctx context.Context, in *QueuedInput) (*body[takenBack], error) {
	q, files, err := s.chat.RemoveQueued(ctx, in.ID, in.QueuedID)
	if err != nil {
		return nil, err
	}
	return ok(takenBack{q.Turn.Text, mapped(files, attachmentOf)}), nil
}
