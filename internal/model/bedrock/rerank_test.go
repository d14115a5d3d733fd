package bedrock_test

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/bedrock"
	fake "kakoi/internal/model/modeltest/bedrockfake"
	"kakoi/internal/model/modeltest/script"
)

// nearest is the order that the fake puts documents in.
func nearest(query string, documents []string) []int {
	order := make([]int, len(documents))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(script.Nearness(query, documents[b]), script.Nearness(query, documents[a]))
	})
	return order
}

func TestDocumentsArePutInOrder(t *testing.T) {
	documents := append(many(250), "住民票の写しの交付手数料は、一通につき三百円とする。")
	const query = "住民票の手数料"
	want := nearest(query, documents)
	invoke := json.RawMessage(`{"invokeRerank":true}`)
	const there = "arn:aws:bedrock:ap-northeast-1::foundation-model/"
	for _, tt := range []struct {
		name, model string
		options     json.RawMessage
		top         int
		operation   string
		calls       int
		sent        string
	}{
		{"Amazon's, all of them in pages", "amazon.rerank-v1:0", nil, 0, "Rerank", 3, `"modelArn":"` + there + `amazon.rerank-v1:0"`},
		{"Cohere's, the best", "cohere.rerank-v3-5:0", nil, 3, "Rerank", 1, `"numberOfResults":3`},
		{"by ARN", there + "cohere.rerank-v3-5:0", nil, 3, "Rerank", 1, `"modelArn":"` + there + `cohere.rerank-v3-5:0"`},
		{"Amazon's by InvokeModel", "amazon.rerank-v1:0", invoke, 3, "InvokeModel", 1, `"top_n":3`},
		{"Cohere's by InvokeModel", "cohere.rerank-v3-5:0", invoke, 0, "InvokeModel", 1, `"api_version":2`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, c := start(t, fake.Options{})
			got, err := connect(t, c).Rerank(t.Context(), model.Reranking{Model: tt.model, Options: tt.options, Query: query, Documents: documents, Top: tt.top})
			if err != nil {
				t.Fatal(err)
			}
			order := make([]int, len(got.Ranked))
			for i, r := range got.Ranked {
				order[i] = r.Index
			}
			n := cmp.Or(tt.top, len(documents))
			if !slices.Equal(order, want[:n]) || got.Ranked[0].Score <= got.Ranked[n-1].Score {
				t.Errorf("order = %v, want %v", order, want[:n])
			}
			seen := calls(t, s, tt.operation)
			if len(seen) != tt.calls || len(settled(t, s)) != tt.calls || !strings.Contains(string(seen[0].Body), tt.sent) {
				t.Errorf("%d calls of %s, %d in all", len(seen), tt.operation, len(settled(t, s)))
			}
		})
	}
}

func TestAnAPIKeyPutsDocumentsInOrderByInvokeModel(t *testing.T) {
	bare(t)
	s, c := startBearer(t)
	p := connect(t, c)
	got, err := p.Rerank(t.Context(), model.Reranking{Model: "amazon.rerank-v1:0", Query: "a", Documents: []string{"b", "a"}})
	if err != nil || len(got.Ranked) != 2 || got.Ranked[0].Index != 1 || len(calls(t, s, "InvokeModel")) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAFailedOrderHasACode(t *testing.T) {
	_, c := start(t, fake.Options{})
	for _, tt := range []struct {
		name, model, query string
		options            string
		change             func(*bedrock.Config)
		code               errs.Code
		reason             string
	}{
		{"too much", "amazon.rerank-v1:0", "[[throttle]]", "", nil, errs.ModelThrottled, "requests"},
		{"too much by InvokeModel", "amazon.rerank-v1:0", "[[throttle]]", `{"invokeRerank":true}`, nil, errs.ModelThrottled, "requests"},
		{"an SCP", "amazon.rerank-v1:0", "[[denied scp]]", "", nil, errs.ModelAccessDenied, "service_control_policy"},
		{"a model that talks", "amazon.nova-lite-v1:0", "a", "", nil, errs.ModelInvalidRequest, "unknown_form"},
		{"a model of another region", "arn:aws:bedrock:us-west-2::foundation-model/amazon.rerank-v1:0", "a", "", nil, errs.ModelNotFound, "model_id"},
		{"a query that is too long", "amazon.rerank-v1:0", strings.Repeat("長", 32_001), "", nil, errs.ModelContextTooLong, ""},
		{"no endpoint", "amazon.rerank-v1:0", "a", "", func(c *bedrock.Config) { c.AgentRuntimeEndpoint = nowhere(t) }, errs.ModelUnreachable, "refused"},
		{"a wrong secret", "amazon.rerank-v1:0", "a", "", func(c *bedrock.Config) { c.Credentials.SecretAccessKey = "x" }, errs.ModelCredentials, "signature"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := c
			if tt.change != nil {
				tt.change(&c)
			}
			_, err := connect(t, c).Rerank(t.Context(), model.Reranking{Model: tt.model, Options: json.RawMessage(tt.options), Query: tt.query, Documents: []string{"b"}})
			if errs.CodeOf(err) != tt.code || reason(err) != tt.reason {
				t.Errorf("%v (%s), want %s (%s)", err, reason(err), tt.code, tt.reason)
			}
		})
	}
	if _, err := bedrock.New(t.Context(), bedrock.Config{Region: "ap-northeast-1", AgentRuntimeEndpoint: "ftp://x", HTTP: c.HTTP, Credentials: c.Credentials}); errs.CodeOf(err) != errs.InvalidInput {
		t.Errorf("an endpoint that is none: %v", err)
	}
}
