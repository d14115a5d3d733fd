package openaifake

import (
	"net/http"
	"strconv"
	"strings"

	"kakoi/internal/model/modeltest/script"
)

// draw answers POST /images/generations.
func (s *Server) draw(w http.ResponseWriter, r *http.Request) {
	s.count(1)
	defer s.count(-1)
	var q struct {
		Model          string `json:"model"`
		Prompt         string `json:"prompt"`
		N              int    `json:"n"`
		Size           string `json:"size"`
		ResponseFormat string `json:"response_format"`
		Seed           int64  `json:"seed"`
	}
	if !s.task(w, r, &q, func() (string, string) { return q.Model, q.Prompt }) {
		return
	}
	width, height := 256, 256
	if across, down, ok := strings.Cut(q.Size, "x"); ok {
		width, _ = strconv.Atoi(across)
		height, _ = strconv.Atoi(down)
	}
	if q.Prompt == "" || q.N < 1 || q.N > 10 || width < 16 || height < 16 || width > 4096 || height > 4096 {
		s.refuse(w, http.StatusBadRequest, "Invalid value for 'prompt', 'n' or 'size'", "invalid_request_error", "invalid_value")
		return
	}
	data := make([]any, q.N)
	for i := range data {
		if q.ResponseFormat == "b64_json" {
			data[i] = map[string]any{"b64_json": script.Draw(q.Prompt, q.Seed+int64(i), width, height)}
		} else {
			data[i] = map[string]any{"url": "http://images.example/" + strconv.Itoa(i) + ".png"}
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"created": 1, "data": data})
}
