package openaifake

import (
	"encoding/json"

	"kakoi/internal/model/modeltest/script"
)

// toolCalls are the calls of a whole answer.
func (s *Server) toolCalls(sc script.Script) []any {
	var calls []any
	for _, use := range sc.ToolUses {
		calls = append(calls, map[string]any{
			"id": use.ID, "type": "function", "function": map[string]any{"name": use.Name, "arguments": use.Input},
		})
	}
	return calls
}

// streamCalls writes the calls as the server that is played does: Ollama each
// in one chunk and all of the index 0, the others in pieces.
func (s *Server) streamCalls(out *stream, sc script.Script) {
	write := func(call map[string]any) {
		b, err := json.Marshal([]any{call})
		if err != nil {
			panic(err) // maps of strings and numbers
		}
		out.delta(`"tool_calls":` + string(b))
	}
	for i, use := range sc.ToolUses {
		if s.Flavor == Ollama {
			write(map[string]any{"index": 0, "id": use.ID, "type": "function", "function": map[string]any{"name": use.Name, "arguments": use.Input}})
			continue
		}
		write(map[string]any{"index": i, "id": use.ID, "type": "function", "function": map[string]any{"name": use.Name, "arguments": ""}})
		runes := []rune(use.Input)
		for len(runes) > 0 {
			n := min(5, len(runes))
			write(map[string]any{"index": i, "function": map[string]any{"arguments": string(runes[:n])}})
			runes = runes[n:]
		}
	}
}
