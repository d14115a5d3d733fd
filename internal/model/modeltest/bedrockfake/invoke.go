package bedrockfake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"kakoi/internal/model/modeltest/script"
)

// invoked is what a family of models makes of a body of InvokeModel.
type invoked struct {
	text    string // what the request says, for its markers
	answer  any
	tokens  int    // of the input, as the header tells; 0 leaves it out
	problem string // why the body is refused
}

// families are the models that InvokeModel is for, by the beginning of their ids.
var families = []struct {
	prefix string
	answer func(model string, body []byte) invoked
}{
	{"amazon.titan-embed-text-", titanEmbed},
	{"cohere.embed-", cohereEmbed},
	{"amazon.rerank-", invokeRerank},
	{"cohere.rerank-", invokeRerank},
	{"amazon.nova-canvas", amazonImage},
	{"amazon.titan-image", amazonImage},
	{"stability.", stabilityImage},
}

// invoke answers InvokeModel. Failures come on demand of the markers in what is
// embedded, ordered or drawn.
func (c *call) invoke(escapedModel string) (gone bool) {
	c.rec.Operation = "InvokeModel"
	id, ok := c.named(escapedModel)
	if !ok {
		return false
	}
	base, problem := c.resolve(id)
	if problem != "" {
		c.fail(400, "ValidationException", problem)
		return false
	}
	for _, f := range families {
		if !strings.HasPrefix(base, f.prefix) {
			continue
		}
		out := f.answer(base, c.rec.Body)
		if failed, gone := c.spoilt(id, base, out.text); failed {
			return gone
		}
		if out.problem != "" {
			c.fail(400, "ValidationException", out.problem)
			return false
		}
		if out.tokens > 0 {
			c.w.Header().Set("X-Amzn-Bedrock-Input-Token-Count", strconv.Itoa(out.tokens))
		}
		c.w.Header().Set("X-Amzn-Bedrock-Invocation-Latency", "12")
		c.json(http.StatusOK, out.answer)
		return false
	}
	c.fail(400, "ValidationException", "Malformed input request, please reformat your input and try again.")
	return false
}

// spoilt answers with the failure that the markers of text want, if they want
// one.
func (c *call) spoilt(id, base, text string) (failed, gone bool) {
	sc := script.FromPrompt(text)
	sc.Fault = c.tries.Fault(id+"\x00"+text, sc)
	if sc.Fault == script.FaultSilence {
		return true, c.silence()
	}
	if e := c.refusal(sc, base); e != nil {
		c.refuseWith(*e)
		return true, false
	}
	return false, false
}

// strict reads a body as the models' schemas do: a key that they do not know
// is an error, and so is one of another type.
func strict(body []byte, into any) (problem string) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil {
		return ""
	}
	if _, key, ok := strings.Cut(err.Error(), "unknown field "); ok {
		return fmt.Sprintf("Malformed input request: extraneous key [%s] is not permitted, please reformat your input and try again.", strings.Trim(key, `"`))
	}
	return "Malformed input request, please reformat your input and try again."
}

func titanEmbed(model string, body []byte) invoked {
	var in struct {
		InputText  string   `json:"inputText"`
		Dimensions *int     `json:"dimensions"`
		Normalize  *bool    `json:"normalize"`
		Types      []string `json:"embeddingTypes"`
	}
	out := invoked{problem: strict(body, &in)}
	out.text = in.InputText
	dimensions := 1536
	if strings.Contains(model, "-v2") {
		dimensions = 1024
	} else if in.Dimensions != nil || in.Normalize != nil || in.Types != nil {
		out.problem = "Malformed input request: extraneous key [dimensions] is not permitted, please reformat your input and try again."
	}
	if in.Dimensions != nil {
		dimensions = *in.Dimensions
	}
	switch {
	case out.problem != "":
	case in.InputText == "":
		out.problem = "Malformed input request: expected minLength: 1, actual: 0, please reformat your input and try again."
	case utf8.RuneCountInString(in.InputText) > 50_000:
		out.problem = "Malformed input request: expected maxLength: 50000, actual: " + strconv.Itoa(utf8.RuneCountInString(in.InputText)) + ", please reformat your input and try again."
	case dimensions != 256 && dimensions != 512 && dimensions != 1024 && dimensions != 1536:
		out.problem = fmt.Sprintf("Malformed input request: #/dimensions: %d is not a valid enum value, please reformat your input and try again.", dimensions)
	}
	n := script.FromPrompt(in.InputText).Usage.Input
	vector := script.Vector(in.InputText, dimensions)
	out.answer = map[string]any{"embedding": vector, "embeddingsByType": map[string]any{"float": vector}, "inputTextTokenCount": n}
	out.tokens = n
	return out
}

func cohereEmbed(model string, body []byte) invoked {
	var in struct {
		Texts     []string `json:"texts"`
		InputType string   `json:"input_type"`
		Truncate  string   `json:"truncate"`
		Types     []string `json:"embedding_types"`
		Dimension *int     `json:"output_dimension"`
		MaxTokens *int     `json:"max_tokens"`
	}
	out := invoked{problem: strict(body, &in)}
	out.text = strings.Join(in.Texts, "\n")
	v4 := strings.Contains(model, "embed-v4")
	dimensions, cuts := 1024, []string{"", "NONE", "START", "END"}
	if v4 {
		dimensions, cuts = 1536, []string{"", "NONE", "LEFT", "RIGHT"}
	}
	if in.Dimension != nil {
		dimensions = *in.Dimension
	}
	invalid := func(format string, args ...any) {
		if out.problem == "" {
			out.problem = "Malformed input request: " + fmt.Sprintf(format, args...) + ", please reformat your input and try again."
		}
	}
	if !v4 && (in.Dimension != nil || in.MaxTokens != nil) {
		invalid("extraneous key [output_dimension] is not permitted")
	}
	if !oneOf(in.InputType, "search_document", "search_query", "classification", "clustering") {
		invalid("#/input_type: %s is not a valid enum value", in.InputType)
	}
	if !oneOf(in.Truncate, cuts...) {
		invalid("#/truncate: %s is not a valid enum value", in.Truncate)
	}
	if len(in.Texts) == 0 || len(in.Texts) > 96 {
		invalid("#/texts: expected maximum item count: 96, found: %d", len(in.Texts))
	}
	vectors := make([][]float32, len(in.Texts))
	for i, t := range in.Texts {
		if n := utf8.RuneCountInString(t); !v4 && n > 2048 {
			invalid("#/texts/%d: expected maxLength: 2048, actual: %d", i, n)
		}
		if t == "" {
			invalid("#/texts/%d: expected minLength: 1, actual: 0", i)
		}
		vectors[i] = script.Vector(t, dimensions)
		out.tokens += script.FromPrompt(t).Usage.Input
	}
	answer := map[string]any{"id": "fake-embedding", "texts": in.Texts}
	if len(in.Types) == 0 {
		answer["response_type"], answer["embeddings"] = "embeddings_floats", vectors
	} else {
		answer["response_type"], answer["embeddings"] = "embeddings_by_type", map[string]any{"float": vectors}
	}
	out.answer = answer
	return out
}

func oneOf(s string, all ...string) bool {
	for _, a := range all {
		if s == a {
			return true
		}
	}
	return false
}
