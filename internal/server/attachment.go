package server

import (
	"context"
	"io"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/chat"
	"kakoi/internal/classification"
	"kakoi/internal/errs"
	"kakoi/internal/setting"
)

type attachment struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	MediaType string `json:"mediaType" doc:"What the content is, whatever it was called."`
	Size      int64  `json:"size" doc:"Bytes."`
	Width     int    `json:"width,omitempty" doc:"Of an image, in pixels."`
	Height    int    `json:"height,omitempty" doc:"Of an image, in pixels."`
}

// attachmentContent is a file on its way to its owner.
type attachmentContent struct {
	Status      int
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Policy      string `header:"Content-Security-Policy"`
	Cache       string `header:"Cache-Control"`
	ETag        string `header:"ETag"`
	Body        []byte
}

// limits is how much a person may send, told before they try.
type limits struct {
	MessageBytes       int64                `json:"messageBytes" doc:"Of the longest message; a Japanese character takes 3."`
	AttachmentBytes    int64                `json:"attachmentBytes" doc:"Of the largest file."`
	AttachmentsPerTurn int64                `json:"attachmentsPerTurn" doc:"Files with one message."`
	ImportBytes        int64                `json:"importBytes" doc:"Of the largest export that can be imported."`
	AttachmentTypes    []string             `json:"attachmentTypes" doc:"What may be attached, as the accept of a file picker: media types, and endings of names of text files. Text of any other name is taken too."`
	Temporary          setting.Temporary    `json:"temporary" enum:"allowed,off,enforced" doc:"Whether there are temporary conversations, or only those."`
	DefaultClass       classification.Class `json:"defaultClass" doc:"How confidential conversations are until their person says otherwise, 1 to 3. 0: they are not classified."`
}

const attachmentsPath = apiPrefix + "/attachments"

// fileLimit returns how large a file that r brings may be, and the operation
// that takes it. Everything else has its own bound.
func (s *Server) fileLimit(r *http.Request) (most int64, operation string) {
	switch {
	case r.Method != http.MethodPost:
	case r.URL.Path == attachmentsPath:
		return s.limits.AttachmentBytes, "createAttachment"
	case r.URL.Path == transcriptionsPath:
		return s.limits.RecordingBytes, "createTranscription"
	}
	return math.MaxInt64, ""
}

// refuseFile answers to a file that announces itself as too large. What the
// client sends meanwhile is swallowed, up to a bound: a connection that is
// closed while a browser writes shows it a broken network, not our answer.
func (s *Server) refuseFile(w http.ResponseWriter, r *http.Request, operation string, most int64) {
	known := requestOf(r.Context())
	if known.control != nil {
		_ = known.control.SetReadDeadline(time.Now().Add(time.Minute))
	}
	_, _ = io.CopyN(io.Discard, r.Body, 8*most)
	s.answer(w, r, operation, errs.Newf(errs.TooLarge, "The file is larger than %d bytes.", most).
		With("limitBytes", strconv.FormatInt(most, 10)))
}

func (s *Server) attachmentOperations() {
	register(s, route{
		method: http.MethodPost, path: "/attachments", id: "createAttachment", tag: "chat", status: http.StatusCreated,
		summary: "Stores a file for a message to come: the raw bytes, with their media type.",
		body:    s.limits.AttachmentBytes + 1<<10, patience: 10 * time.Minute, // a slow line, not a slow attack: the whole is bounded
	}, s.createAttachment)
	register(s, route{method: http.MethodGet, path: "/limits", id: "getLimits", tag: "chat", summary: "How much one may send."}, s.getLimits)
	register(s, route{method: http.MethodGet, path: "/attachments/{id}/content", id: "getAttachmentContent", tag: "chat", summary: "The bytes of a file."}, s.getAttachmentContent)
	register(s, route{method: http.MethodDelete, path: "/attachments/{id}", id: "deleteAttachment", tag: "chat", summary: "Removes a file that has not been sent.", status: http.StatusNoContent}, s.deleteAttachment)
}

func (s *Server) getLimits(ctx context.Context, _ *none) (*body[limits], error) {
	if _, err := access.Require(ctx); err != nil {
		return nil, err
	}
	decided, err := s.settings.Chat.Now(ctx)
	if err != nil {
		return nil, err
	}
	out := limits{s.limits.MessageBytes, s.limits.AttachmentBytes, s.limits.AttachmentsPerTurn, s.limits.ImportBytes, chat.AttachableTypes(), decided.Temporary, decided.DefaultClass}
	if n := decided.AttachmentBytes; n > 0 {
		out.AttachmentBytes = min(out.AttachmentBytes, n)
	}
	if n := decided.AttachmentsPerTurn; n > 0 {
		out.AttachmentsPerTurn = min(out.AttachmentsPerTurn, n)
	}
	return ok(out), nil
}

func (s *Server) createAttachment(ctx context.Context, in *struct {
	Name        string `query:"name" kind:"name" maxLength:"1000" doc:"As the person knows it."`
	ContentType string `header:"Content-Type" kind:"name" maxLength:"200"`
	RawBody     []byte `kind:"blob"`
}) (*body[attachment], error) {
	// huma takes the buffer back when this returns; the store has its copy by then.
	a, err := s.chat.Attach(ctx, chat.Upload{Name: in.Name, MediaType: in.ContentType, Data: in.RawBody})
	if err != nil {
		return nil, err
	}
	return ok(attachmentOf(a)), nil
}

func attachmentOf(a chat.Attachment) attachment {
	return attachment{a.ID, a.Name, a.MediaType, a.Size, a.Width, a.Height}
}

func (s *Server) getAttachmentContent(ctx context.Context, in *struct {
	IDInput
	Seen string `header:"If-None-Match" kind:"id" maxLength:"1000"`
}) (*attachmentContent, error) {
	a, data, err := s.chat.AttachmentContent(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return contentOf(a, data, in.Seen), nil
}

// contentOf is the answer with a file, or that the client has seen it.
func contentOf(a chat.Attachment, data []byte, seen string) *attachmentContent {
	out := &attachmentContent{
		Status: http.StatusOK, ContentType: contentType(a.MediaType), Body: data,
		// Whatever the file contains, it runs nothing here and frames nothing.
		Policy: "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; sandbox",
		// A browser may keep it but must ask whether the person may still see it.
		Cache: "private, no-cache", ETag: `"` + a.ID + `"`,
		Disposition: disposition(a),
	}
	if strings.Contains(seen, out.ETag) {
		out.Status, out.Body = http.StatusNotModified, nil
	}
	return out
}

// contentType names the character set that text is kept in.
func contentType(mediaType string) string {
	if strings.HasPrefix(mediaType, "text/") {
		return mediaType + "; charset=utf-8"
	}
	return mediaType
}

// disposition shows images and saves everything else.
func disposition(a chat.Attachment) string {
	kind := "attachment"
	if strings.HasPrefix(a.MediaType, "image/") {
		kind = "inline"
	}
	return mime.FormatMediaType(kind, map[string]string{"filename": a.Name})
}

func (s *Server) deleteAttachment(ctx context.Context, in *IDInput) (*none, error) {
	return nil, s.chat.RemoveAttachment(ctx, in.ID)
}
