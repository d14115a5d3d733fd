package server

import (
	"bufio"
	"context"
	"mime"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"kakoi/internal/access"
	"kakoi/internal/feedback"
	"kakoi/internal/jst"
)

// opinion is what a person thinks of an answer.
type opinion struct {
	Rating       feedback.Rating   `json:"rating" kind:"enum" enum:"good,bad"`
	Reasons      []feedback.Reason `json:"reasons,omitempty" kind:"enum" maxItems:"10" enum:"accurate,helpful,well_written,inaccurate,outdated,incomplete,ignored_instructions,unclear,harmful,refused,other" doc:"The first three are of good answers, other is of both."`
	Comment      string            `json:"comment,omitempty" kind:"freeText" maxLength:"2000"`
	ShareContent bool              `json:"shareContent,omitempty" kind:"enum" doc:"Administrators may read question and answer."`
}

func opinionOf(f feedback.Feedback) opinion {
	return opinion{f.Rating, f.Reasons, f.Comment, f.ShareContent}
}

type feedbackEntry struct {
	MessageID   string            `json:"messageId"`
	UpdatedAt   time.Time         `json:"updatedAt"`
	Rating      feedback.Rating   `json:"rating" enum:"good,bad"`
	Reasons     []feedback.Reason `json:"reasons"`
	Comment     string            `json:"comment"`
	ModelID     string            `json:"modelId"`
	ModelName   string            `json:"modelName" doc:"As it was called then."`
	AccountID   string            `json:"accountId"`
	PersonName  string            `json:"personName"`
	PersonEmail string            `json:"personEmail"`
	Shared      bool              `json:"shared" doc:"The person lets administrators read question and answer."`
	Question    string            `json:"question,omitempty" doc:"Absent when not shared, or deleted."`
	Answer      string            `json:"answer,omitempty" doc:"Absent when not shared, or deleted."`
}

func feedbackEntryOf(e feedback.Entry) feedbackEntry {
	return feedbackEntry{
		e.MessageID, e.UpdatedAt, e.Rating, orEmpty(e.Reasons), e.Comment, e.ModelID, e.ModelName,
		e.AccountID, e.PersonName, e.PersonEmail, e.ShareContent, e.Question, e.Answer,
	}
}

// FeedbackFilter selects feedback.
type FeedbackFilter struct {
	Rating  feedback.Rating `query:"rating" kind:"enum" enum:"good,bad"`
	Reason  feedback.Reason `query:"reason" kind:"enum" enum:"accurate,helpful,well_written,inaccurate,outdated,incomplete,ignored_instructions,unclear,harmful,refused,other"`
	ModelID string          `query:"modelId" kind:"id" maxLength:"64"`
	From    time.Time       `query:"from" kind:"number" doc:"Included."`
	To      time.Time       `query:"to" kind:"number" doc:"Not included."`
	Text    string          `query:"text" kind:"freeText" maxLength:"200" doc:"Part of the comment, in any width and case."`
}

func (f FeedbackFilter) filter() feedback.Filter {
	return feedback.Filter{Rating: f.Rating, Reason: f.Reason, ModelID: f.ModelID, From: f.From, To: f.To, Text: f.Text}
}

func (s *Server) feedbackOperations() {
	register(s, route{method: http.MethodPut, path: "/messages/{id}/feedback", id: "giveFeedback", tag: "chat", summary: "Says what one thinks of an answer."}, s.giveFeedback)
	register(s, route{method: http.MethodDelete, path: "/messages/{id}/feedback", id: "withdrawFeedback", tag: "chat", summary: "Takes back what one thought of an answer.", status: http.StatusNoContent}, s.withdrawFeedback)
	register(s, route{method: http.MethodGet, path: "/admin/feedback", id: "listFeedback", tag: "admin", needs: needs(access.FeedbackRead), summary: "What people think of answers, newest first."}, s.listFeedback)
	register(s, route{method: http.MethodGet, path: "/admin/feedback/export", id: "exportFeedback", tag: "admin", needs: needs(access.FeedbackRead), summary: "All of the feedback as a file."}, s.exportFeedback)
}

func (s *Server) giveFeedback(ctx context.Context, in *struct {
	IDInput
	Body opinion
}) (*body[opinion], error) {
	b := in.Body
	f, err := s.feedback.Give(ctx, in.ID, feedback.Feedback{
		Rating: b.Rating, Reasons: b.Reasons, Comment: b.Comment, ShareContent: b.ShareContent,
	})
	if err != nil {
		return nil, err
	}
	return ok(opinionOf(f)), nil
}

func (s *Server) withdrawFeedback(ctx context.Context, in *IDInput) (*none, error) {
	return nil, s.feedback.Withdraw(ctx, in.ID)
}

func (s *Server) listFeedback(ctx context.Context, in *struct {
	FeedbackFilter
	PageToken string `query:"pageToken" kind:"id" maxLength:"2000"`
	Limit     int    `query:"limit" kind:"number" minimum:"1" maximum:"200"`
}) (*body[list[feedbackEntry]], error) {
	f := in.filter()
	f.PageToken, f.Limit = in.PageToken, in.Limit
	page, err := s.feedback.List(ctx, f)
	if err != nil {
		return nil, err
	}
	return ok(list[feedbackEntry]{mapped(page.Items, feedbackEntryOf), page.NextPageToken}), nil
}

func (s *Server) exportFeedback(ctx context.Context, in *struct {
	FeedbackFilter
	Format string `query:"format" kind:"enum" enum:"csv,jsonl" default:"csv"`
}) (*huma.StreamResponse, error) {
	entries, err := s.feedback.Export(ctx, in.filter(), in.Format)
	if err != nil {
		return nil, err
	}
	who, _ := access.From(ctx)
	return &huma.StreamResponse{Body: func(out huma.Context) {
		mediaType := "text/csv; charset=utf-8"
		if in.Format == feedback.FormatJSONL {
			mediaType = "application/x-ndjson"
		}
		name := "feedback-" + jst.Stamp(time.Now()) + "." + in.Format
		out.SetHeader("Content-Type", mediaType)
		out.SetHeader("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
		out.SetHeader("Cache-Control", "no-store")
		file := bufio.NewWriterSize(out.BodyWriter(), 64<<10)
		var err error
		if in.Format == feedback.FormatJSONL {
			err = feedback.WriteJSONL(file, entries)
		} else {
			err = feedback.WriteCSV(file, entries, who.Locale)
		}
		if err == nil {
			err = file.Flush()
		}
		if err != nil {
			// Too late for a status. Half a file must not pass for a whole one.
			_ = s.fail(ctx, "exportFeedback", err)
			panic(http.ErrAbortHandler)
		}
	}}, nil
}
