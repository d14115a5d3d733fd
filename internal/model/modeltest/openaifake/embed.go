package openaifake

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"kakoi/internal/model/modeltest/script"
)

// The models of the fake that do not talk, whatever Models says.
const (
	EmbeddingModel = "fake-embed"
	RerankModel    = "fake-rerank"
	ImageModel     = "fake-image"
)

// task reads the body of a request that is answered in one piece and gives what
// it is for its failure, if one is wanted: text is what its markers are in. It
// has answered when it returns false.
func (s *Server) task(w http.ResponseWriter, r *http.Request, in any, asked func() (model, text string)) bool {
	s.total.Add(1)
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<20))
	if err != nil {
		return false
	}
	s.mu.Lock()
	s.last = body
	s.mu.Unlock()
	if err := json.Unmarshal(body, in); err != nil {
		s.refuse(w, http.StatusBadRequest, "the body is not valid JSON", "invalid_request_error", "")
		return false
	}
	model, text := asked()
	sc := script.FromPrompt(text)
	fault := s.tries.Fault(model+"\x00"+text, sc)
	switch {
	case fault != script.FaultNone:
		s.fail(w, r, fault, sc, model)
	case !s.serves(model):
		s.fail(w, r, script.FaultNotFound, sc, model)
	default:
		return true
	}
	return false
}

// serves reports whether there is a model of that name, with any task but chat.
func (s *Server) serves(model string) bool { return strings.HasPrefix(model, "fake-") }

// embed answers POST /embeddings.
func (s *Server) embed(w http.ResponseWriter, r *http.Request) {
	s.count(1)
	defer s.count(-1)
	var q struct {
		Model          string   `json:"model"`
		Input          []string `json:"input"`
		Dimensions     *int     `json:"dimensions"`
		EncodingFormat string   `json:"encoding_format"`
	}
	if !s.task(w, r, &q, func() (string, string) { return q.Model, strings.Join(q.Input, "\n") }) {
		return
	}
	dimensions := 384
	if q.Dimensions != nil {
		dimensions = *q.Dimensions
	}
	if len(q.Input) == 0 || dimensions < 1 || dimensions > 4096 || q.EncodingFormat != "float" {
		s.refuse(w, http.StatusBadRequest, "Invalid value for 'input', 'dimensions' or 'encoding_format'", "invalid_request_error", "invalid_value")
		return
	}
	data := make([]any, len(q.Input))
	tokens := 0
	for i, t := range q.Input {
		data[len(data)-1-i] = map[string]any{"object": "embedding", "index": i, "embedding": script.Vector(t, dimensions)} // in no order
		tokens += script.FromPrompt(t).Usage.Input
	}
	answer := map[string]any{"object": "list", "model": q.Model, "data": data}
	if !s.NoUsage {
		answer["usage"] = map[string]int{"prompt_tokens": tokens, "total_tokens": tokens}
	}
	writeJSON(w, http.StatusOK, answer)
}
