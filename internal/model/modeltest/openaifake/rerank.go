package openaifake

import (
	"net/http"

	"kakoi/internal/model/modeltest/script"
)

// rerank answers POST /rerank. What it plays decides what else is in the
// answer: llama.cpp leaves the order to the client, and vLLM repeats the
// documents.
func (s *Server) rerank(w http.ResponseWriter, r *http.Request) {
	s.count(1)
	defer s.count(-1)
	var q struct {
		Model     string   `json:"model"`
		Query     string   `json:"query"`
		Documents []string `json:"documents"`
		TopN      int      `json:"top_n"`
	}
	if !s.task(w, r, &q, func() (string, string) { return q.Model, q.Query }) {
		return
	}
	if q.Query == "" || len(q.Documents) == 0 || q.TopN < 0 {
		s.refuse(w, http.StatusBadRequest, "Invalid value for 'query', 'documents' or 'top_n'", "invalid_request_error", "invalid_value")
		return
	}
	results := make([]any, len(q.Documents))
	tokens := 0
	for i, d := range q.Documents {
		one := map[string]any{"index": i, "relevance_score": script.Nearness(q.Query, d)}
		if s.Flavor == VLLM {
			one["document"] = map[string]string{"text": d}
		}
		results[i] = one
		tokens += script.FromPrompt(d).Usage.Input
	}
	answer := map[string]any{"id": "rerank-1", "model": q.Model, "results": results}
	if s.Flavor == OpenAI { // as a gateway to Cohere has it
		answer["meta"] = map[string]any{"billed_units": map[string]int{"search_units": 2}}
	} else if !s.NoUsage {
		answer["usage"] = map[string]int{"prompt_tokens": tokens, "total_tokens": tokens}
	}
	writeJSON(w, http.StatusOK, answer)
}
