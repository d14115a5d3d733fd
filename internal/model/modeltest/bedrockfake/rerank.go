package bedrockfake

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"kakoi/internal/model/modeltest/script"
)

// ranked is a document's place in an order: by how near it is to the query.
type ranked struct {
	index int
	score float64
}

func rank(query string, documents []string) []ranked {
	out := make([]ranked, len(documents))
	for i, d := range documents {
		out[i] = ranked{i, script.Nearness(query, d)}
	}
	slices.SortStableFunc(out, func(a, b ranked) int { return cmp.Compare(b.score, a.score) })
	return out
}

// invokeRerank is the order of documents by InvokeModel.
func invokeRerank(model string, body []byte) invoked {
	var in struct {
		Query      string   `json:"query"`
		Documents  []string `json:"documents"`
		TopN       *int     `json:"top_n"`
		APIVersion *int     `json:"api_version"`
	}
	out := invoked{problem: strict(body, &in), text: in.Query}
	cohere := strings.HasPrefix(model, "cohere.")
	switch {
	case out.problem != "":
		return out
	case cohere != (in.APIVersion != nil) || cohere && *in.APIVersion != 2:
		out.problem = "Malformed input request: #/api_version: must be 2 for this model and no other, please reformat your input and try again."
	case in.Query == "" || len(in.Documents) == 0 || len(in.Documents) > 1000:
		out.problem = "Malformed input request: #/documents: expected 1 to 1000 items, please reformat your input and try again."
	case in.TopN != nil && (*in.TopN < 1 || *in.TopN > len(in.Documents)):
		out.problem = fmt.Sprintf("Malformed input request: #/top_n: %d is not between 1 and the number of documents, please reformat your input and try again.", *in.TopN)
	}
	if out.problem != "" {
		return out
	}
	order := rank(in.Query, in.Documents)
	if in.TopN != nil {
		order = order[:*in.TopN]
	}
	results := make([]any, len(order))
	for i, r := range order {
		results[i] = map[string]any{"index": r.index, "relevance_score": r.score}
	}
	out.answer = map[string]any{"results": results}
	return out
}

// rerankPage is small so that clients must follow the pages.
const rerankPage = 100

type rerankText struct {
	Text string `json:"text"`
}

// rerank answers Rerank of bedrock-agent-runtime.
func (c *call) rerank() (gone bool) {
	c.rec.Operation = "Rerank"
	if !c.admitted("bedrock") {
		return false
	}
	if strings.HasPrefix(c.r.Header.Get("Authorization"), "Bearer ") {
		c.fail(403, "AccessDeniedException", "API keys are not supported by this operation.")
		return false
	}
	var in struct {
		NextToken string `json:"nextToken"`
		Queries   []struct {
			Type      string      `json:"type"`
			TextQuery *rerankText `json:"textQuery"`
		} `json:"queries"`
		Sources []struct {
			Type   string `json:"type"`
			Inline *struct {
				Type string      `json:"type"`
				Text *rerankText `json:"textDocument"`
			} `json:"inlineDocumentSource"`
		} `json:"sources"`
		Configuration struct {
			Type    string `json:"type"`
			Bedrock *struct {
				Model struct {
					ARN string `json:"modelArn"`
				} `json:"modelConfiguration"`
				Results *int `json:"numberOfResults"`
			} `json:"bedrockRerankingConfiguration"`
		} `json:"rerankingConfiguration"`
	}
	invalid := func(format string, args ...any) bool {
		c.fail(400, "ValidationException", fmt.Sprintf(format, args...))
		return false
	}
	if err := json.Unmarshal(c.rec.Body, &in); err != nil {
		return invalid("The request body cannot be read.")
	}
	switch {
	case len(in.Queries) != 1 || in.Queries[0].Type != "TEXT" || in.Queries[0].TextQuery == nil || in.Queries[0].TextQuery.Text == "":
		return invalid("1 validation error detected: Value at 'queries' failed to satisfy constraint: Member must have length 1")
	case len(in.Sources) == 0 || len(in.Sources) > 1000:
		return invalid("1 validation error detected: Value at 'sources' failed to satisfy constraint: Member must have length less than or equal to 1000")
	case in.Configuration.Type != "BEDROCK_RERANKING_MODEL" || in.Configuration.Bedrock == nil:
		return invalid("The reranking configuration is not valid.")
	}
	arn := in.Configuration.Bedrock.Model.ARN
	c.rec.Model = arn
	base, problem := c.resolve(arn)
	switch {
	case !strings.HasPrefix(arn, "arn:"):
		return invalid("The provided model ARN is invalid.")
	case problem != "":
		return invalid("%s", problem)
	case !strings.Contains(base, ".rerank-"):
		return invalid("The model %s is not supported for reranking.", base)
	}
	query := in.Queries[0].TextQuery.Text
	documents := make([]string, len(in.Sources))
	for i, s := range in.Sources {
		if s.Type != "INLINE" || s.Inline == nil || s.Inline.Type != "TEXT" || s.Inline.Text == nil || s.Inline.Text.Text == "" ||
			utf8.RuneCountInString(s.Inline.Text.Text) > 32_000 {
			return invalid("1 validation error detected: Value at 'sources.%d.member' failed to satisfy constraint", i+1)
		}
		documents[i] = s.Inline.Text.Text
	}
	if failed, gone := c.spoilt(arn, base, query); failed {
		return gone
	}
	order := rank(query, documents)
	if n := in.Configuration.Bedrock.Results; n != nil {
		if *n < 1 || *n > len(order) {
			return invalid("1 validation error detected: Value at 'numberOfResults' failed to satisfy constraint")
		}
		order = order[:*n]
	}
	start, _ := strconv.Atoi(in.NextToken)
	end := min(start+rerankPage, len(order))
	results := []any{}
	for _, r := range order[min(start, end):end] {
		results = append(results, map[string]any{"index": r.index, "relevanceScore": r.score})
	}
	answer := map[string]any{"results": results}
	if end < len(order) {
		answer["nextToken"] = strconv.Itoa(end)
	}
	c.json(http.StatusOK, answer)
	return false
}
