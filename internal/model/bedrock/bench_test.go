package bedrock_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"kakoi/internal/model/bedrock"
)

// recorded answers every request with the same recorded stream, so that what is
// measured is the adapter and the SDK, not a network.
type recorded []byte

func (b recorded) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	return &http.Response{
		StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/vnd.amazon.eventstream"}},
		Body:   io.NopCloser(bytes.NewReader(b)),
	}, nil
}

func benchmarkStream(b *testing.B, words int) {
	var body bytes.Buffer
	send(&body, "messageStart", `{"role":"assistant"}`)
	for range words {
		send(&body, "contentBlockDelta", `{"contentBlockIndex":0,"delta":{"text":"こん"},"p":"abcdefghijkl"}`)
	}
	send(&body, "contentBlockStop", `{"contentBlockIndex":0}`)
	send(&body, "messageStop", `{"stopReason":"end_turn"}`)
	send(&body, "metadata", `{"usage":{"inputTokens":10,"outputTokens":20,"totalTokens":30},"metrics":{"latencyMs":5}}`)
	p := connect(b, bedrock.Config{
		Region:      "ap-northeast-1",
		Credentials: bedrock.Credentials{Kind: bedrock.CredentialsStatic, AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "s"},
		HTTP:        &http.Client{Transport: recorded(body.Bytes())},
	})
	req := ask("hello")
	b.ReportAllocs()
	events := 0
	for b.Loop() {
		for _, err := range p.Stream(b.Context(), req) {
			if err != nil {
				b.Fatal(err)
			}
			events++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
}

// BenchmarkCall is what a call costs apart from its events: the difference to
// BenchmarkEvents is theirs.
func BenchmarkCall(b *testing.B) { benchmarkStream(b, 1) }

// BenchmarkEvents is an answer of 1,000 tokens.
func BenchmarkEvents(b *testing.B) { benchmarkStream(b, 1000) }
