package openai_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/modeltest/openaifake"
	"kakoi/internal/model/modeltest/script"
	"kakoi/internal/model/openai"
)

func embedAll(t *testing.T, c *openai.Client, e model.Embedding) (vectors [][]float32, tokens int, err error) {
	t.Helper()
	for v, err := range c.Embed(t.Context(), e) {
		if err != nil {
			return vectors, tokens, err
		}
		vectors, tokens = append(vectors, v.Vectors...), tokens+v.Usage.InputTokens
	}
	return vectors, tokens, nil
}

func TestTextsBecomeVectors(t *testing.T) {
	for _, flavor := range []openaifake.Flavor{openaifake.OpenAI, openaifake.LlamaCpp, openaifake.VLLM, openaifake.Ollama} {
		t.Run(string(flavor), func(t *testing.T) {
			fake := &openaifake.Server{Flavor: flavor, Key: "sk-very-secret"}
			c := client(t, fake)
			texts := make([]string, 150)
			want := 0
			for i := range texts {
				texts[i] = strings.Repeat("予算", i+1)
				want += script.FromPrompt(texts[i]).Usage.Input
			}
			vectors, tokens, err := embedAll(t, c, model.Embedding{Model: openaifake.EmbeddingModel, Texts: texts, Dimensions: 64})
			if err != nil || len(vectors) != len(texts) || tokens != want || fake.Total() != 3 {
				t.Fatalf("%d vectors, %d tokens of %d, in %d requests, %v", len(vectors), tokens, want, fake.Total(), err)
			}
			for i, text := range texts {
				if !slices.Equal(vectors[i], script.Vector(text, 64)) {
					t.Fatalf("vector %d is another's", i)
				}
			}
			steps := c.CheckTask(t.Context(), openaifake.EmbeddingModel, model.TaskEmbedding)
			if last := steps[len(steps)-1]; last.Name != "answer" || last.Err != nil || !strings.Contains(last.Detail, "384 dimensions") {
				t.Errorf("check = %+v", last)
			}
		})
	}
}

func TestVectorsComeInBase64Too(t *testing.T) {
	c := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"data":[{"index":0,"embedding":"AACAPwAAAMA="}]}`)
	}))
	got, _, err := embedAll(t, c, model.Embedding{Model: "m", Texts: []string{"a"}})
	if err != nil || len(got) != 1 || !slices.Equal(got[0], []float32{1, -2}) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestAFailedEmbeddingHasACode(t *testing.T) {
	says := func(status int, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, body)
		})
	}
	for _, tt := range []struct {
		name, model, text string
		server            http.Handler
		code              errs.Code
		message           string
	}{
		{"a wrong key", "fake-embed", "秘密の話", &openaifake.Server{Key: "sk-right"}, errs.ModelCredentials, ""},
		{"a model it does not have", "bge-m3", "秘密の話", &openaifake.Server{}, errs.ModelNotFound, ""},
		{"too much to do", "fake-embed", "秘密の話[[throttle]]", &openaifake.Server{}, errs.ModelThrottled, ""},
		{"too long", "fake-embed", "秘密の話[[toolong]]", &openaifake.Server{}, errs.ModelContextTooLong, ""},
		{"a server without the API", "m", "秘密の話", says(http.StatusNotFound, "404 page not found"), errs.ModelInvalidRequest, "no /embeddings"},
		{"a web page", "m", "秘密の話", says(http.StatusOK, "<html>welcome</html>"), errs.ModelInvalidRequest, "web page"},
		{"no JSON", "m", "秘密の話", says(http.StatusOK, "秘密の話"), errs.ModelFailed, ""},
		{"one vector twice", "m", "秘密の話", says(http.StatusOK, `{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}`), errs.ModelFailed, ""},
		{"another's index", "m", "秘密の話", says(http.StatusOK, `{"data":[{"index":7,"embedding":[1]}]}`), errs.ModelFailed, ""},
		{"none at all", "m", "秘密の話", says(http.StatusOK, `{"data":[]}`), errs.ModelFailed, ""},
		{"an error that repeats the text", "m", "秘密の話はだれにも話さない", says(http.StatusBadRequest, `{"error":{"message":"bad: 秘密の話はだれにも話さない"}}`), errs.ModelInvalidRequest, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := embedAll(t, client(t, tt.server), model.Embedding{Model: tt.model, Texts: []string{tt.text}})
			if errs.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.message) {
				t.Errorf("err = %v (%s), want %s with %q", err, errs.CodeOf(err), tt.code, tt.message)
			}
			for e := err; e != nil; e = errors.Unwrap(e) {
				if strings.Contains(e.Error(), "秘密") {
					t.Errorf("the error repeats the text: %v", e)
				}
			}
		})
	}
}
