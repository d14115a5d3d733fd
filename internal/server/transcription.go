package server

import (
	"context"
	"net/http"
	"time"

	"kakoi/internal/classification"
	"kakoi/internal/media"
)

const transcriptionsPath = apiPrefix + "/transcriptions"

// transcriber is what turns a person's speech into text.
type transcriber struct {
	ID          string                 `json:"id"`
	DisplayName string                 `json:"displayName"`
	ProcessedAt string                 `json:"processedAt" doc:"Where what is said is processed, in words."`
	Place       place                  `json:"place" doc:"The same in its parts, for a translated text."`
	Classes     []classification.Class `json:"classes" doc:"How confidential what is said may be; 0 among them where it may be unclassified."`
	MaxSeconds  int64                  `json:"maxSeconds" doc:"Of the longest recording."`
	MaxBytes    int64                  `json:"maxBytes" doc:"Of the largest recording."`
}

type transcript struct {
	Text string `json:"text" doc:"Empty when nothing was heard."`
}

func (s *Server) transcriptionOperations() {
	register(s, route{
		method: http.MethodPost, path: "/transcriptions", id: "createTranscription", tag: "chat",
		summary: "Turns speech into text: the raw bytes of a recording (WAV, WebM, Ogg or MP4), with their media type. Nothing of it is stored.",
		body:    s.limits.RecordingBytes + 1<<10, patience: 2 * time.Minute,
	}, s.createTranscription)
}

func (s *Server) createTranscription(ctx context.Context, in *struct {
	ModelID     string `query:"modelId" kind:"id" maxLength:"64" doc:"Empty: the first that this person may use."`
	Language    string `query:"language" kind:"enum" maxLength:"2" doc:"That is spoken, in ISO 639-1. Empty: the model finds out."`
	Class       int    `query:"class" kind:"number" minimum:"0" maximum:"3" doc:"How confidential what is said is, 1 to 3. 0: as the organisation begins with."`
	ContentType string `header:"Content-Type" kind:"name" maxLength:"200"`
	RawBody     []byte `kind:"blob"`
}) (*body[transcript], error) {
	class, err := s.chat.Classify(ctx, classification.Class(in.Class))
	if err != nil {
		return nil, err
	}
	text, err := s.media.Dictate(ctx, media.Speech{ModelID: in.ModelID, MediaType: in.ContentType, Language: in.Language, Class: class, Data: in.RawBody})
	if err != nil {
		return nil, err
	}
	return ok(transcript{text}), nil
}

// transcriberOf is what the person who acts in ctx may dictate to, or nil.
func (s *Server) transcriberOf(ctx context.Context) (*transcriber, error) {
	offers, err := s.catalogue.Transcribers(ctx)
	if err != nil || len(offers) == 0 {
		return nil, err
	}
	o := offers[0]
	return &transcriber{
		o.ID, o.DisplayName, o.Place.String(), placeOf(o.Place), o.Classes, int64(s.limits.RecordingDuration.Seconds()), s.limits.RecordingBytes,
	}, nil
}
