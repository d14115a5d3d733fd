package bedrock_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"kakoi/internal/errs"
	"kakoi/internal/model/modeltest/bedrockfake"
)

// What calls itself Bedrock may have a next page for ever.
func TestAListWithoutAnEndIsGivenUp(t *testing.T) {
	_, c := start(t, bedrockfake.Options{})
	var pages atomic.Int64
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := pages.Add(1)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"nextToken":"t%d","inferenceProfileSummaries":[{"inferenceProfileId":"jp.m%d","models":[]}]}`, n, n)
	}))
	defer endless.Close()
	c.ControlEndpoint = endless.URL
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	list, err := connect(t, c).InferenceProfiles(ctx)
	if errs.CodeOf(err) != errs.ModelFailed || ctx.Err() != nil {
		t.Errorf("%d profiles of %d pages, %v", len(list), pages.Load(), err)
	}
}
