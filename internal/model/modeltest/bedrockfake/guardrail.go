package bedrockfake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"kakoi/internal/model/modeltest/script"
)

// Guardrail is a guardrail of the fake. All have the same rules: a text with 機密
// is blocked, and addresses of electronic mail are masked.
type Guardrail struct {
	ID       string
	Name     string
	Versions []string // numbered ones, beside the draft that each has
	Profile  string   // through which it is processed, or ""
}

var defaultGuardrails = []Guardrail{
	{ID: "grhome000001", Name: "soumu", Versions: []string{"1", "2"}},
	{ID: "grabroad0001", Name: "soumu-standard", Versions: []string{"1"}, Profile: "apac.guardrail.v1:0"},
	{ID: "grnobody0001", Name: "soumu-new", Versions: []string{"1"}, Profile: "zz.guardrail.v1:0"},
}

// BlockedMessage is what the guardrails say in place of what they block.
const BlockedMessage = "この内容は扱えません。"

var address = regexp.MustCompile(`[\w.+-]+@[\w-]+(\.[\w-]+)+`)

func (c *call) guardrailARN(g Guardrail) string {
	return "arn:aws:bedrock:" + c.opts.Region + ":" + c.key.Account + ":guardrail/" + g.ID
}

// listGuardrails answers ListGuardrails: the drafts, or all versions of one.
func (c *call) listGuardrails() (gone bool) {
	c.rec.Operation = "ListGuardrails"
	if !c.admitted("bedrock") {
		return false
	}
	list := []any{}
	add := func(g Guardrail, version string) {
		one := map[string]any{
			"id": g.ID, "arn": c.guardrailARN(g), "name": g.Name, "version": version, "status": "READY",
			"createdAt": "2026-04-01T00:00:00Z", "updatedAt": "2026-04-01T00:00:00Z",
		}
		if g.Profile != "" {
			one["crossRegionDetails"] = map[string]any{
				"guardrailProfileId":  g.Profile,
				"guardrailProfileArn": "arn:aws:bedrock:" + c.opts.Region + ":" + c.key.Account + ":guardrail-profile/" + g.Profile,
			}
		}
		list = append(list, one)
	}
	id := c.r.URL.Query().Get("guardrailIdentifier")
	for _, g := range c.opts.Guardrails {
		switch id {
		case "":
			add(g, "DRAFT")
		case g.ID:
			add(g, "DRAFT")
			for _, v := range g.Versions {
				add(g, v)
			}
		}
	}
	start, _ := strconv.Atoi(c.r.URL.Query().Get("nextToken"))
	end := min(start+2, len(list)) // few, so that clients must follow the pages
	answer := map[string]any{"guardrails": list[min(start, end):end]}
	if end < len(list) {
		answer["nextToken"] = strconv.Itoa(end)
	}
	c.json(http.StatusOK, answer)
	return false
}

// applyGuardrail answers ApplyGuardrail.
func (c *call) applyGuardrail(escapedID, escapedVersion string) (gone bool) {
	c.rec.Operation = "ApplyGuardrail"
	id, _ := url.PathUnescape(escapedID)
	version, _ := url.PathUnescape(escapedVersion)
	c.rec.Model = id + ":" + version
	if !c.admitted("bedrock") {
		return false
	}
	i := slices.IndexFunc(c.opts.Guardrails, func(g Guardrail) bool {
		return (g.ID == id || c.guardrailARN(g) == id) && (version == "DRAFT" || slices.Contains(g.Versions, version))
	})
	if i < 0 {
		c.fail(404, "ResourceNotFoundException", "The guardrail identifier or version provided in the request does not exist.")
		return false
	}
	var in struct {
		Source  string `json:"source"`
		Scope   string `json:"outputScope"`
		Content []struct {
			Text *struct {
				Text       string   `json:"text"`
				Qualifiers []string `json:"qualifiers"`
			} `json:"text"`
		} `json:"content"`
	}
	invalid := func(message string) bool {
		c.fail(400, "ValidationException", message)
		return false
	}
	if err := json.Unmarshal(c.rec.Body, &in); err != nil || in.Source != "INPUT" && in.Source != "OUTPUT" || len(in.Content) == 0 {
		return invalid("1 validation error detected: Value at 'source' or 'content' failed to satisfy constraint")
	}
	var text, source string
	for _, b := range in.Content {
		switch {
		case b.Text == nil || b.Text.Text == "":
			return invalid("The content block is empty or of an unknown type.")
		case slices.Contains(b.Text.Qualifiers, "grounding_source"):
			source += b.Text.Text
		case slices.Contains(b.Text.Qualifiers, "query"):
		default:
			text += b.Text.Text
		}
	}
	if utf8.RuneCountInString(text) > 25_000 {
		return invalid("The input is too long: 25 text units are allowed.")
	}
	if failed, gone := c.spoilt(id, id, text); failed {
		return gone
	}
	units := (utf8.RuneCountInString(text) + 999) / 1000
	assessment := map[string]any{}
	outputs := []any{}
	action := "NONE"
	intervene := func(output string) {
		action, outputs = "GUARDRAIL_INTERVENED", []any{map[string]any{"text": output}}
	}
	if found := address.FindString(text); found != "" {
		assessment["sensitiveInformationPolicy"] = map[string]any{"regexes": []any{}, "piiEntities": []any{
			map[string]any{"type": "EMAIL", "match": found, "action": "ANONYMIZED", "detected": true},
		}}
		intervene(address.ReplaceAllString(text, "{EMAIL}"))
	}
	if strings.Contains(text, "機密") {
		assessment["wordPolicy"] = map[string]any{"managedWordLists": []any{}, "customWords": []any{
			map[string]any{"match": "機密", "action": "BLOCKED", "detected": true},
		}}
		assessment["contentPolicy"] = map[string]any{"filters": []any{
			map[string]any{"type": "MISCONDUCT", "confidence": "MEDIUM", "action": "BLOCKED", "detected": true},
			map[string]any{"type": "HATE", "confidence": "LOW", "action": "NONE", "detected": true},
		}}
		intervene(BlockedMessage)
	}
	if source != "" && script.Nearness(source, text) < .2 {
		assessment["contextualGroundingPolicy"] = map[string]any{"filters": []any{
			map[string]any{"type": "GROUNDING", "threshold": .2, "score": script.Nearness(source, text), "action": "BLOCKED", "detected": true},
		}}
		intervene(BlockedMessage)
	}
	c.json(http.StatusOK, map[string]any{
		"action": action, "outputs": outputs, "assessments": []any{assessment},
		"usage": map[string]int{
			"topicPolicyUnits": 0, "contentPolicyUnits": units, "wordPolicyUnits": units,
			"sensitiveInformationPolicyUnits": units, "sensitiveInformationPolicyFreeUnits": 0, "contextualGroundingPolicyUnits": 0,
		},
		"guardrailCoverage": map[string]any{"textCharacters": map[string]int{"guarded": utf8.RuneCountInString(text), "total": utf8.RuneCountInString(text)}},
	})
	return false
}

// countTokens answers CountTokens, for Claude alone and by its own ids alone.
func (c *call) countTokens(escapedModel string) (gone bool) {
	c.rec.Operation = "CountTokens"
	id, _ := url.PathUnescape(escapedModel)
	c.rec.Model = id
	if !c.admitted("bedrock") {
		return false
	}
	if !slices.ContainsFunc(c.opts.Models, func(m Model) bool { return m.ID == id }) {
		c.fail(400, "ValidationException", "The provided model identifier is invalid.")
		return false
	}
	if !strings.HasPrefix(id, "anthropic.") {
		c.fail(400, "ValidationException", "The provided model doesn't support counting tokens.")
		return false
	}
	var in struct {
		Input struct {
			Converse    *converseRequest `json:"converse"`
			InvokeModel *struct {
				Body []byte `json:"body"`
			} `json:"invokeModel"`
		} `json:"input"`
	}
	problem := ""
	if err := json.Unmarshal(c.rec.Body, &in); err != nil || (in.Input.Converse == nil) == (in.Input.InvokeModel == nil) {
		problem = "The input is not one of converse and invokeModel."
	}
	text, size := "", len(c.rec.Body)
	if in.Input.Converse != nil {
		if problem == "" {
			problem = in.Input.Converse.problem(id)
		}
		text = in.Input.Converse.turn(size).Text
	}
	if problem != "" {
		c.fail(400, "ValidationException", problem)
		return false
	}
	if failed, gone := c.spoilt(fmt.Sprint("count ", id), id, text); failed {
		return gone
	}
	c.json(http.StatusOK, map[string]any{"inputTokens": size/3 + 8})
	return false
}
