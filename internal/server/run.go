package server

import (
	"context"
	"iter"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"kakoi/internal/chat"
	"kakoi/internal/model"
	"kakoi/internal/sse"
)

// The operations that answer with a stream stand beside huma: they write as
// they go and must be neither buffered nor compressed.
const (
	runEventsPath = "/runs/{id}/events"
	eventsPath    = "/events"
)

func (s *Server) runOperations() {
	register(s, route{method: http.MethodPost, path: "/runs/{id}/stop", id: "stopRun", tag: "chat", summary: "Stops an answer; what was said is kept.", status: http.StatusAccepted}, s.stopRun)
	s.describeStream(runEventsPath, "followRun", "Follows an answer, from any place in it: the AI SDK's UI message stream. It is over at [DONE] and only then.",
		&huma.Param{Name: "id", In: "path", Required: true, Schema: inputOf("id")},
		&huma.Param{Name: "after", In: "query", Schema: inputOf("id"), Description: "The id of the last event that was seen, part:byte."},
		&huma.Param{Name: "Last-Event-ID", In: "header", Schema: inputOf("id"), Description: "The same, as browsers send it."})
	s.describeStream(eventsPath, "followEvents", "What changes in one's conversations, as it happens: {type, id, runId}.")
}

func inputOf(kind string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Extensions: map[string]any{kindKey: kind}}
}

// describeStream writes an operation that is not huma's into the description.
func (s *Server) describeStream(path, id, summary string, params ...*huma.Param) {
	doc := s.api.OpenAPI()
	refused := s.api.OpenAPI().Paths["/runs/{id}/stop"].Post.Responses["default"]
	doc.AddOperation(&huma.Operation{
		Extensions:  map[string]any{accessKey: "signed-in"},
		OperationID: id, Method: http.MethodGet, Path: path, Summary: summary, Tags: []string{"chat"}, Parameters: params,
		Responses: map[string]*huma.Response{
			"200":     {Description: "OK", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}},
			"default": refused,
		},
	})
}

func (s *Server) stopRun(ctx context.Context, in *IDInput) (*none, error) {
	return nil, s.chat.Stop(ctx, in.ID)
}

// streaming keeps HEAD, which ServeMux takes for a GET, from opening a stream
// that nobody reads.
func streaming(open http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.Header().Set("Allow", http.MethodGet)
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		open(w, r)
	})
}

// followRun handles GET /runs/{id}/events.
func (s *Server) followRun(w http.ResponseWriter, r *http.Request) {
	after := r.Header.Get("Last-Event-ID")
	if after == "" {
		after = r.URL.Query().Get("after")
	}
	s.tellAnswer(w, r, "followRun", func(ctx context.Context) (iter.Seq2[chat.Event, error], error) {
		return s.chat.Follow(ctx, r.PathValue("id"), after)
	})
}

// tellAnswer writes what an answer says as it says it, until it or its reader
// has ended.
func (s *Server) tellAnswer(w http.ResponseWriter, r *http.Request, operation string, open func(context.Context) (iter.Seq2[chat.Event, error], error)) {
	events, ctx, end, err := watched(s, r, open)
	if err != nil {
		s.answer(w, r, operation, err)
		return
	}
	defer end()
	w.Header().Set("X-Vercel-Ai-Ui-Message-Stream", "v1")
	out := runStream{Writer: sse.NewWriter(w)}
	for ev, err := range events {
		if err != nil {
			s.streamEnded(ctx, operation, err)
			return
		}
		if err := out.tell(ev); err != nil {
			return // the reader has left; a run goes on and is kept, a temporary answer ends
		}
	}
}

// followEvents handles GET /events.
func (s *Server) followEvents(w http.ResponseWriter, r *http.Request) {
	events, ctx, end, err := watched(s, r, s.chat.Changes)
	if err != nil {
		s.answer(w, r, "followEvents", err)
		return
	}
	defer end()
	out := sse.NewWriter(w)
	for ev, err := range events {
		if err != nil {
			s.streamEnded(ctx, "followEvents", err)
			return
		}
		if ev.Type == chat.ChangeNone {
			err = out.Ping()
		} else {
			err = out.Send("", "", ev)
		}
		if err != nil {
			return
		}
	}
}

// watched opens a stream that also ends with its session and with the server,
// each time without its end mark: the client comes back, and is refused or
// finds the next server.
func watched[E any](s *Server, r *http.Request, open func(context.Context) (iter.Seq2[E, error], error)) (iter.Seq2[E, error], context.Context, func(), error) {
	ctx, cancel, err := s.identity.Watch(r.Context())
	if err != nil {
		return nil, nil, nil, err
	}
	unhook := s.onStop(cancel)
	s.metrics.streams.Inc()
	end := func() {
		s.metrics.streams.Dec()
		unhook()
		cancel()
	}
	events, err := open(ctx)
	if err != nil {
		end()
		return nil, nil, nil, err
	}
	return events, ctx, end, nil
}

// streamEnded logs the end of a stream unless somebody wanted it.
func (s *Server) streamEnded(ctx context.Context, operation string, err error) {
	if ctx.Err() == nil {
		s.log.ErrorContext(ctx, "stream broke off", "request", requestOf(ctx).id, "operation", operation, "err", err)
	}
}

// runStream writes the events of a run as the AI SDK's UI message stream,
// version 1. It keeps what it encodes, so that an event allocates next to
// nothing.
type runStream struct {
	*sse.Writer
	chunk  streamChunk
	part   int
	partID string
}

type streamChunk struct {
	Type      string          `json:"type"`
	ID        string          `json:"id,omitempty"`
	Delta     string          `json:"delta,omitempty"`
	MessageID string          `json:"messageId,omitempty"`
	ErrorText string          `json:"errorText,omitempty"`
	Data      any             `json:"data,omitempty"`
	Metadata  *streamMetadata `json:"messageMetadata,omitempty"`
	Transient bool            `json:"transient,omitempty"` // of data: no part of the message
}

// streamMetadata is what is known of an answer when it has ended.
type streamMetadata struct {
	Status       chat.Status      `json:"status"`
	StopReason   model.StopReason `json:"stopReason,omitempty"`
	Error        *failure         `json:"error,omitempty"`
	Usage        *usage           `json:"usage,omitempty"`
	Cost         *cost            `json:"cost,omitempty"`
	FinishedAt   time.Time        `json:"finishedAt,omitzero"`
	ModelID      string           `json:"modelId,omitempty"`
	ModelName    string           `json:"modelName,omitempty"`
	FirstTokenMS int64            `json:"firstTokenMs,omitempty"`
	ReasoningMS  int64            `json:"reasoningMs,omitempty"`
	Context      *messageContext  `json:"context,omitempty"`
}

type streamUsage struct {
	Usage *usage `json:"usage"`
	Cost  *cost  `json:"cost,omitempty"`
}

// streamQueue is where in the line of its model an answer stands.
type streamQueue struct {
	Waiting bool  `json:"waiting"`          // false: its turn has come
	Ahead   int   `json:"ahead"`            // other persons whose turn is before
	WaitMS  int64 `json:"waitMs,omitempty"` // about; absent when nobody can tell
}

// tell sends one event. A part's beginning and end wait for what follows them:
// text or the end of the run come at once.
func (o *runStream) tell(ev chat.Event) error {
	reasoning := ev.Kind == model.PartReasoning
	switch ev.Type {
	case chat.EventBegin:
		return o.send("", streamChunk{Type: "start", MessageID: ev.MessageID})
	case chat.EventPartBegin:
		return o.add(ev.At.String(), streamChunk{Type: named(reasoning, "reasoning-start", "text-start"), ID: o.idOf(ev.Part)})
	case chat.EventText:
		return o.send(ev.At.String(), streamChunk{Type: named(reasoning, "reasoning-delta", "text-delta"), ID: o.idOf(ev.Part), Delta: ev.Text})
	case chat.EventPartEnd:
		return o.add("", streamChunk{Type: named(reasoning, "reasoning-end", "text-end"), ID: o.idOf(ev.Part)})
	case chat.EventQueued:
		q := ev.Queued
		return o.send("", streamChunk{Type: "data-queue", Data: streamQueue{q.Waiting, q.Ahead, q.Wait.Milliseconds()}, Transient: true})
	case chat.EventIdle:
		return o.Ping()
	case chat.EventEnd:
		return o.end(*ev.Message)
	}
	return nil
}

func (o *runStream) end(m chat.Message) error {
	final := &streamMetadata{
		Status: m.Status, StopReason: m.StopReason, Error: failureOf(m.Failure), Usage: (*usage)(m.Usage), Cost: costOf(m.Cost),
		FinishedAt: m.FinishedAt, ModelID: m.ModelID, ModelName: m.ModelName,
		FirstTokenMS: m.FirstToken.Milliseconds(), ReasoningMS: m.Reasoning.Milliseconds(),
		Context: contextOf(m.Context),
	}
	chunks := make([]streamChunk, 0, 4)
	if final.Usage != nil {
		chunks = append(chunks, streamChunk{Type: "data-usage", Data: streamUsage{final.Usage, final.Cost}})
	}
	chunks = append(chunks, streamChunk{Type: "message-metadata", Metadata: final})
	switch {
	case m.Status == chat.StatusStopped:
		chunks = append(chunks, streamChunk{Type: "abort"})
	case final.Error != nil:
		chunks = append(chunks, streamChunk{Type: "error", ErrorText: named(final.Error.Detail != "", final.Error.Detail, string(final.Error.Code))})
	}
	chunks = append(chunks, streamChunk{Type: "finish", Metadata: final})
	for _, c := range chunks {
		if err := o.add("", c); err != nil {
			return err
		}
	}
	o.Append("", "", []byte("[DONE]"))
	return o.Flush()
}

func (o *runStream) add(id string, c streamChunk) error {
	o.chunk = c
	return o.AppendJSON(id, "", &o.chunk)
}

func (o *runStream) send(id string, c streamChunk) error {
	if err := o.add(id, c); err != nil {
		return err
	}
	return o.Flush()
}

// idOf is the number of a part as the stream's id of it.
func (o *runStream) idOf(part int) string {
	if o.partID == "" || o.part != part {
		o.part, o.partID = part, strconv.Itoa(part)
	}
	return o.partID
}

func named(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}
