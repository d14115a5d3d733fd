package server

import (
	"context"
	"net/http"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
)

type auditEvent struct {
	ID           string            `json:"id"`
	OccurredAt   time.Time         `json:"occurredAt"`
	ActorID      string            `json:"actorId,omitempty" doc:"Absent when nobody was signed in."`
	ActorName    string            `json:"actorName,omitempty"`
	ActorEmail   string            `json:"actorEmail,omitempty"`
	SessionID    string            `json:"sessionId,omitempty"`
	Action       string            `json:"action"`
	ResourceKind string            `json:"resourceKind"`
	ResourceID   string            `json:"resourceId,omitempty"`
	Outcome      audit.Outcome     `json:"outcome" enum:"success,failure,denied"`
	Details      map[string]string `json:"details,omitempty"`
	RequestID    string            `json:"requestId,omitempty"`
	Address      string            `json:"address,omitempty"`
	UserAgent    string            `json:"userAgent,omitempty"`
}

type auditFilter struct {
	ActorID      string        `query:"actorId" kind:"id" maxLength:"64"`
	Action       string        `query:"action" kind:"name" maxLength:"100" doc:"Exact, or a prefix when it ends in a dot."`
	ResourceKind string        `query:"resourceKind" kind:"name" maxLength:"64"`
	ResourceID   string        `query:"resourceId" kind:"id" maxLength:"64"`
	Outcome      audit.Outcome `query:"outcome" kind:"enum" enum:"success,failure,denied"`
	From         time.Time     `query:"from" kind:"number" doc:"Included."`
	To           time.Time     `query:"to" kind:"number" doc:"Not included."`
	PageToken    string        `query:"pageToken" kind:"id" maxLength:"2000"`
	Limit        int           `query:"limit" kind:"number" minimum:"1" maximum:"200"`
}

func (s *Server) auditOperations() {
	register(s, route{method: http.MethodGet, path: "/admin/audit-events", id: "listAuditEvents", tag: "admin", needs: needs(access.AuditRead), summary: "Who did what, newest first."}, s.listAuditEvents)
}

func (s *Server) listAuditEvents(ctx context.Context, in *auditFilter) (*body[list[auditEvent]], error) {
	if _, err := access.Authorize(ctx, access.AuditRead, access.Resource{Kind: access.KindAuditEvent}); err != nil {
		return nil, err
	}
	page, err := s.audit.List(ctx, audit.Filter{
		ActorID: in.ActorID, Action: in.Action, Resource: audit.Resource{Kind: in.ResourceKind, ID: in.ResourceID},
		Outcome: in.Outcome, From: in.From, To: in.To, PageToken: in.PageToken, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	items := mapped(page.Items, func(e audit.Entry) auditEvent {
		return auditEvent{
			ID: e.ID, OccurredAt: e.OccurredAt, ActorID: e.ActorID, ActorName: e.ActorName, ActorEmail: e.ActorEmail,
			SessionID: e.SessionID, Action: e.Action, ResourceKind: e.Resource.Kind, ResourceID: e.Resource.ID,
			Outcome: e.Outcome, Details: e.Details, RequestID: e.Request.ID, Address: e.Request.Address, UserAgent: e.Request.UserAgent,
		}
	})
	return ok(list[auditEvent]{items, page.NextPageToken}), nil
}
