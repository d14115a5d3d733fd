package bedrock_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"kakoi/internal/errs"
	"kakoi/internal/model"
	fake "kakoi/internal/model/modeltest/bedrockfake"
	"kakoi/internal/model/modeltest/script"
)

// embedded gathers what Embed yields.
func embedded(seq iter.Seq2[model.Vectors, error]) (vectors [][]float32, tokens, batches int, err error) {
	for v, err := range seq {
		if err != nil {
			return vectors, tokens, batches, err
		}
		vectors, tokens, batches = append(vectors, v.Vectors...), tokens+v.Usage.InputTokens, batches+1
	}
	return vectors, tokens, batches, nil
}

func many(n int) []string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = fmt.Sprintf("第%d条 市長は、前条の規定による届出を受理する。", i)
	}
	return texts
}

// calls returns the requests of an operation, once all have been answered.
func calls(t *testing.T, s *fake.Server, operation string) (all []fake.Request) {
	t.Helper()
	for _, r := range settled(t, s) {
		if r.Operation == operation {
			all = append(all, r)
		}
	}
	return all
}

// settled returns every request, once all have been answered: the fake writes a
// request down when it is through with it.
func settled(t *testing.T, s *fake.Server) []fake.Request {
	t.Helper()
	if err := s.Await(t.Context(), func(st fake.Stats) bool { return st.Running == 0 }); err != nil {
		t.Fatal(err)
	}
	return s.Requests()
}

func TestTextsBecomeVectors(t *testing.T) {
	for _, tt := range []struct {
		model      string
		dimensions int
		length     int
		requests   int // for 200 texts
		want       string
	}{
		{"amazon.titan-embed-text-v2:0", 0, 1024, 200, `{"inputText":"第0条 市長は、前条の規定による届出を受理する。"}`},
		{"amazon.titan-embed-text-v2:0", 256, 256, 200, `{"dimensions":256,"inputText":"第0条 市長は、前条の規定による届出を受理する。"}`},
		{"cohere.embed-multilingual-v3", 0, 1024, 3, `"input_type":"search_query","texts":["第0条`},
		{"global.cohere.embed-v4:0", 512, 512, 3, `"output_dimension":512`},
		{"arn:aws:bedrock:ap-northeast-1:111122223333:inference-profile/global.cohere.embed-v4:0", 0, 1536, 3, `"truncate":"NONE"`},
	} {
		t.Run(fmt.Sprintf("%s %d", tt.model, tt.dimensions), func(t *testing.T) {
			s, c := start(t, fake.Options{})
			texts := many(200)
			vectors, tokens, _, err := embedded(connect(t, c).Embed(t.Context(), model.Embedding{Model: tt.model, Texts: texts, Purpose: model.PurposeQuery, Dimensions: tt.dimensions}))
			if err != nil || len(vectors) != len(texts) {
				t.Fatalf("%d vectors, %v", len(vectors), err)
			}
			want := 0
			for i, text := range texts {
				if !slices.Equal(vectors[i], script.Vector(text, tt.length)) {
					t.Fatalf("vector %d is another's", i)
				}
				want += script.FromPrompt(text).Usage.Input
			}
			if tokens != want {
				t.Errorf("%d tokens, want %d", tokens, want)
			}
			sent := calls(t, s, "InvokeModel")
			if len(sent) != tt.requests || !slices.ContainsFunc(sent, func(r fake.Request) bool { return strings.Contains(string(r.Body), tt.want) }) {
				t.Errorf("%d requests, such as %s; want %d, one with %s", len(sent), sent[0].Body, tt.requests, tt.want)
			}
			if sent[0].Region != "ap-northeast-1" || sent[0].Service != "bedrock" || sent[0].Model != tt.model {
				t.Errorf("sent %+v", sent[0])
			}
		})
	}
}

func TestADocumentIsNotEmbeddedLikeAQuestion(t *testing.T) {
	s, c := start(t, fake.Options{})
	if _, _, _, err := embedded(connect(t, c).Embed(t.Context(), model.Embedding{Model: "cohere.embed-multilingual-v3", Texts: many(1), Purpose: model.PurposeDocument})); err != nil {
		t.Fatal(err)
	}
	if sent := calls(t, s, "InvokeModel"); len(sent) != 1 || !strings.Contains(string(sent[0].Body), `"input_type":"search_document"`) {
		t.Errorf("sent %+v", sent)
	}
}

func TestWhatCannotBeEmbeddedIsRefusedBeforeItIsSent(t *testing.T) {
	s, c := start(t, fake.Options{})
	p := connect(t, c)
	for _, tt := range []struct {
		name string
		in   model.Embedding
		code errs.Code
	}{
		{"a model that talks", model.Embedding{Model: haiku, Texts: many(1)}, errs.ModelInvalidRequest},
		{"an opaque ARN", model.Embedding{Model: "arn:aws:bedrock:ap-northeast-1:111122223333:application-inference-profile/abcdef123456", Texts: many(1)}, errs.ModelInvalidRequest},
		{"dimensions that it does not have", model.Embedding{Model: "amazon.titan-embed-text-v2:0", Texts: many(1), Dimensions: 300}, errs.InvalidInput},
		{"dimensions where it has one number", model.Embedding{Model: "cohere.embed-multilingual-v3", Texts: many(1), Dimensions: 1024}, errs.InvalidInput},
		{"a text that is too long", model.Embedding{Model: "cohere.embed-multilingual-v3", Texts: []string{strings.Repeat("長", 2049)}}, errs.ModelContextTooLong},
		{"options that are none", model.Embedding{Model: "cohere.embed-multilingual-v3", Texts: many(1), Options: json.RawMessage(`{"x":1}`)}, errs.InvalidInput},
	} {
		if _, _, _, err := embedded(p.Embed(t.Context(), tt.in)); errs.CodeOf(err) != tt.code {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.code)
		}
	}
	if n := len(settled(t, s)); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	named := model.Embedding{Model: "arn:aws:bedrock:ap-northeast-1:111122223333:application-inference-profile/embed0000001", Texts: many(1), Options: json.RawMessage(`{"baseModel":"cohere.embed-v4:0"}`)}
	if _, _, _, err := embedded(p.Embed(t.Context(), named)); errs.CodeOf(err) != errs.ModelNotFound {
		t.Errorf("an ARN whose model is named was not sent: %v", err)
	}
}

func TestWhatWasEmbeddedBeforeAFailureStands(t *testing.T) {
	_, c := start(t, fake.Options{})
	texts := many(20)
	texts[9] += "[[throttle]]"
	vectors, tokens, _, err := embedded(connect(t, c).Embed(t.Context(), model.Embedding{Model: "amazon.titan-embed-text-v2:0", Texts: texts}))
	if errs.CodeOf(err) != errs.ModelThrottled || len(vectors) != 9 || tokens == 0 {
		t.Errorf("%d vectors, %d tokens, %v", len(vectors), tokens, err)
	}
}

func TestAModelIsTriedByItsTask(t *testing.T) {
	_, c := start(t, fake.Options{})
	p := connect(t, c)
	for id, task := range map[string]model.Task{
		"amazon.titan-embed-text-v2:0": model.TaskEmbedding,
		"cohere.rerank-v3-5:0":         model.TaskRerank,
		"amazon.nova-canvas-v1:0":      model.TaskImage,
		"grhome000001:1":               model.TaskGuardrail,
	} {
		steps := p.CheckTask(t.Context(), id, task)
		if last := steps[len(steps)-1]; last.Name != "answer" || last.Err != nil || last.Detail == "" {
			t.Errorf("%s: %+v", id, last)
		}
		steps = p.CheckTask(t.Context(), haiku, task)
		if last := steps[len(steps)-1]; last.Name != "answer" || last.Err == nil {
			t.Errorf("%s tried for %s: %+v", haiku, task, last)
		}
	}
}
