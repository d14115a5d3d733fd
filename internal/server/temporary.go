package server

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
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

const temporaryPath = "/temporary/turns"

// TemporaryTurn is a whole conversation that only the browser keeps.
type TemporaryTurn struct {
	ModelID      string               `json:"modelId,omitempty" kind:"id" maxLength:"64"`
	Parameters   *parameters          `json:"parameters,omitempty"`
	SystemPrompt string               `json:"systemPrompt,omitempty" kind:"freeText"`
	Class        classification.Class `json:"class,omitempty" kind:"number" minimum:"0" maximum:"3" doc:"How confidential it is, 1 to 3. 0: as the organisation begins with."`
	Messages     []TemporaryMessage   `json:"messages" doc:"Oldest first; the last is the person's."`
}

// TemporaryMessage is one message of it.
type TemporaryMessage struct {
	Role  model.Role      `json:"role" kind:"enum" enum:"user,assistant"`
	Text  string          `json:"text" kind:"freeText"`
	Files []TemporaryFile `json:"files,omitempty"`
}

// TemporaryFile is a file that comes along each time.
type TemporaryFile struct {
	Name string `json:"name" kind:"name" maxLength:"1000"`
	Data []byte `json:"data" kind:"blob" doc:"Base64."`
}

func (s *Server) temporaryOperations() {
	doc := s.api.OpenAPI()
	doc.AddOperation(&huma.Operation{
		Extensions:  map[string]any{accessKey: "signed-in"},
		OperationID: "answerTemporary", Method: http.MethodPost, Path: temporaryPath, Tags: []string{"chat"},
		Summary:     "Answers a conversation that is never stored, as the same stream as a run. Closing the request stops the answer.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: schemaOf[TemporaryTurn](doc)}}},
		Responses: map[string]*huma.Response{
			"200":     {Description: "OK", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}},
			"default": doc.Paths["/me/conversations"].Delete.Responses["default"],
		},
	})
	annotate(doc, route{method: http.MethodPost, path: temporaryPath}, reflect.TypeFor[struct{ Body TemporaryTurn }]())
}

// answerTemporary handles POST /temporary/turns.
func (s *Server) answerTemporary(w http.ResponseWriter, r *http.Request) {
	if err := s.chat.CheckOwn(r.Context(), nil); err != nil { // before anything is read
		s.answer(w, r, "answerTemporary", err)
		return
	}
	turn, err := s.temporaryTurn(w, r)
	if err != nil {
		s.answer(w, r, "answerTemporary", err)
		return
	}
	s.tellAnswer(w, r, "answerTemporary", func(ctx context.Context) (iter.Seq2[chat.Event, error], error) {
		return s.chat.Temporary(ctx, turn)
	})
}

func (s *Server) temporaryTurn(w http.ResponseWriter, r *http.Request) (chat.TemporaryTurn, error) {
	most := 8*s.limits.MessageBytes + 4*s.limits.AttachmentBytes + 8<<20
	if known := requestOf(r.Context()); known.control != nil {
		_ = known.control.SetReadDeadline(time.Now().Add(10 * time.Minute))
	}
	var in TemporaryTurn
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, most)).Decode(&in)
	var over *http.MaxBytesError
	if errors.As(err, &over) {
		return chat.TemporaryTurn{}, errs.New(errs.TooLarge, "The conversation is larger than one request may be.").With("limitBytes", strconv.FormatInt(most, 10))
	} else if err != nil {
		return chat.TemporaryTurn{}, errs.InField("", "The body is not valid JSON.")
	}
	requestOf(r.Context()).endReadDeadline()
	out := chat.TemporaryTurn{ModelID: in.ModelID, SystemPrompt: in.SystemPrompt, Class: in.Class}
	if in.Parameters != nil {
		out.Parameters = model.Parameters(*in.Parameters)
	}
	for _, m := range in.Messages {
		if _, err := s.turnOf(Turn{Text: m.Text, AttachmentIDs: make([]string, len(m.Files))}, ""); m.Role == model.RoleUser && err != nil {
			return chat.TemporaryTurn{}, err
		}
		kept := chat.TemporaryMessage{Role: m.Role, Text: m.Text}
		for _, f := range m.Files {
			kept.Files = append(kept.Files, chat.Upload{Name: f.Name, Data: f.Data})
		}
		out.Messages = append(out.Messages, kept)
	}
	return out, nil
}
