package openai_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/modeltest/openaifake"
)

func TestDocumentsArePutInOrder(t *testing.T) {
	for flavor, want := range map[openaifake.Flavor]model.Ranking{
		openaifake.OpenAI:   {Searches: 2},
		openaifake.LlamaCpp: {Usage: model.Usage{InputTokens: 29}},
		openaifake.VLLM:     {Usage: model.Usage{InputTokens: 29}},
	} {
		t.Run(string(flavor), func(t *testing.T) {
			fake := &openaifake.Server{Flavor: flavor, Key: "sk-very-secret"}
			c := client(t, fake)
			got, err := c.Rerank(t.Context(), model.Reranking{Model: openaifake.RerankModel, Query: "予算", Documents: []string{"天気", "予算の説明"}, Top: 1})
			if err != nil || len(got.Ranked) != 2 || got.Ranked[1].Score <= got.Ranked[0].Score || got.Usage.InputTokens == 0 && got.Searches == 0 || got.Searches != want.Searches {
				t.Errorf("%+v, %v", got, err)
			}
			if sent := string(fake.LastBody()); sent != `{"model":"fake-rerank","query":"予算","documents":["天気","予算の説明"],"top_n":1}` {
				t.Errorf("sent %s", sent)
			}
			steps := c.CheckTask(t.Context(), openaifake.RerankModel, model.TaskRerank)
			if last := steps[len(steps)-1]; last.Name != "answer" || last.Err != nil {
				t.Errorf("check = %+v", last)
			}
		})
	}
}

func TestAFailedOrderHasACode(t *testing.T) {
	says := func(status int, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, body)
		})
	}
	for _, tt := range []struct {
		name    string
		server  http.Handler
		query   string
		code    errs.Code
		message string
	}{
		{"too much to do", &openaifake.Server{}, "[[throttle]]", errs.ModelThrottled, ""},
		{"a wrong key", &openaifake.Server{Key: "sk-right"}, "秘密", errs.ModelCredentials, ""},
		{"a server without the API", says(http.StatusNotFound, "404 page not found"), "秘密", errs.ModelInvalidRequest, "no /rerank"},
		{"no results", says(http.StatusOK, `{"data":[]}`), "秘密", errs.ModelFailed, ""},
		{"a result without a score", says(http.StatusOK, `{"results":[{"index":0,"text":"秘密"}]}`), "秘密", errs.ModelFailed, ""},
	} {
		_, err := client(t, tt.server).Rerank(t.Context(), model.Reranking{Model: "fake-rerank", Query: tt.query, Documents: []string{"秘密"}})
		if errs.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.message) || strings.Contains(err.Error(), "秘密") {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.code)
		}
	}
}
