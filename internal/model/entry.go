package model

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"kakoi/internal/access"
	"kakoi/internal/classification"
	"kakoi/internal/errs"
	"kakoi/internal/label"
	"kakoi/internal/model/admission"
	"kakoi/internal/residency"
)

// Model is an entry of the catalogue: a provider's model as people see it.
type Model struct {
	ID           string
	ConnectionID string
	RemoteID     string // as the provider calls it
	DisplayName  string
	Description  string
	Task         Task
	Capabilities Capabilities
	Defaults     Parameters      // where the person sets none
	Options      json.RawMessage // for the adapter, or nil
	Position     int64           // order in every list
	Enabled      bool
	Grants       []access.Grant // who may use it
	Light        bool           // makes titles and other small things
	FallbackID   string         // the model that answers when this one cannot, or ""
	Price        Price
	Limits       admission.Limits
	Weight       int     // of the model's own connection among its routes
	Routes       []Route // further ways to it
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// ModelDraft is a model that is about to be made. It comes last in the order.
type ModelDraft struct {
	ConnectionID string
	RemoteID     string
	DisplayName  string // "": as RemoteID
	Description  string
	Task         Task // "": as RemoteID tells
	Capabilities Capabilities
	Defaults     Parameters
	Options      json.RawMessage
	Enabled      bool
	Grants       []access.Grant // nil: everyone
	Light        bool
	FallbackID   string
	Price        Price
	Limits       admission.Limits
	Weight       int // 0: 1
	Routes       []Route
}

// ModelPatch changes some fields of a model; a nil one stays as it is.
type ModelPatch struct {
	RemoteID     *string
	DisplayName  *string
	Description  *string
	Task         *Task
	Capabilities *Capabilities
	Defaults     *Parameters
	Options      *json.RawMessage
	Enabled      *bool
	Grants       *[]access.Grant
	Light        *bool
	FallbackID   *string
	Price        *Price
	Limits       *admission.Limits
	Weight       *int
	Routes       *[]Route
}

// Offer is a model that a person may use, with what they should know of it.
type Offer struct {
	Model
	ConnectionName string
	Kind           Kind            // KindDemo is shown as a demonstration
	Place          residency.Place // where what they write is processed
	// Classes are how confidential what they write may be, None among them
	// where it may be unclassified.
	Classes []classification.Class
}

// Takes reports whether what is of class c may be written to the model.
func (o Offer) Takes(c classification.Class) bool { return slices.Contains(o.Classes, c) }

const (
	maxRemoteID    = 2048 // an ARN
	maxDisplayName = 100
	maxDescription = 1000
	maxOptions     = 16 << 10
	maxContext     = 100_000_000 // tokens
)

func (m Model) patched(p ModelPatch) Model {
	set(&m.RemoteID, p.RemoteID)
	set(&m.DisplayName, p.DisplayName)
	set(&m.Description, p.Description)
	set(&m.Task, p.Task)
	set(&m.Capabilities, p.Capabilities)
	set(&m.Defaults, p.Defaults)
	set(&m.Options, p.Options)
	set(&m.Enabled, p.Enabled)
	set(&m.Grants, p.Grants)
	set(&m.Light, p.Light)
	set(&m.FallbackID, p.FallbackID)
	set(&m.Price, p.Price)
	set(&m.Limits, p.Limits)
	set(&m.Weight, p.Weight)
	set(&m.Routes, p.Routes)
	return m
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// validate returns m as it is stored. Its errors name the field. What it
// refers to (connection, groups, fallback) is checked where they are read.
func (m Model) validate(a Adapter) (Model, error) {
	var err error
	if m.RemoteID == "" || len(m.RemoteID) > maxRemoteID || !printable(m.RemoteID) {
		return m, errs.InField("remoteId", "give the id by which the provider knows the model, for example gemma3:4b or jp.anthropic.claude-sonnet-4-6")
	}
	if m.DisplayName == "" {
		m.DisplayName = label.Clip(m.RemoteID, maxDisplayName)
	}
	if m.DisplayName, err = label.Clean("displayName", m.DisplayName, maxDisplayName); err != nil {
		return m, err
	}
	if utf8.RuneCountInString(m.Description) > maxDescription || !utf8.ValidString(m.Description) {
		return m, errs.InField("description", fmt.Sprintf("the description has more than %d characters", maxDescription))
	}
	if m.Task, err = a.task(m); err != nil {
		return m, err
	}
	if err := m.Capabilities.validate(); err != nil {
		return m, err
	}
	if err := m.Defaults.Validate("defaults"); err != nil {
		return m, err
	}
	if m.Options, err = cleanOptions(m.Options, a.CheckOptions); err != nil {
		return m, err
	}
	if m.FallbackID != "" && m.FallbackID == m.ID {
		return m, errs.InField("fallbackId", "a model cannot stand in for itself")
	}
	if err := checkLimits(m.Limits); err != nil {
		return m, err
	}
	if m, err = m.cleanRoutes(); err != nil {
		return m, err
	}
	return m, m.Price.validate()
}

const maxLimit = 1_000_000_000

func checkLimits(l admission.Limits) error {
	for _, limit := range []struct {
		field string
		n     int
	}{{"concurrent", l.Concurrent}, {"requestsPerMinute", l.RequestsPerMinute}, {"tokensPerMinute", l.TokensPerMinute}} {
		if limit.n < 0 || limit.n > maxLimit {
			return errs.InField("limits."+limit.field, "a limit is a whole number from 1, or 0 for none")
		}
	}
	return nil
}

// task returns what m is for, by its name where nobody has said.
func (a Adapter) task(m Model) (Task, error) {
	if m.Task == "" {
		if told := TaskOf(m.RemoteID); slices.Contains(a.Tasks, told) {
			return told, nil
		}
		return TaskChat, nil
	}
	switch {
	case m.Task == TaskChat, slices.Contains(a.Tasks, m.Task):
		return m.Task, nil
	case m.Task == TaskTranscription:
		return "", errs.InField("task", "models of this kind of connection cannot transcribe; connect a speech server that is OpenAI-compatible")
	case slices.Contains(tasks, m.Task):
		return "", errs.InField("task", fmt.Sprintf("models of this kind of connection do not have the task %s", m.Task))
	}
	return "", errs.InField("task", "the task of a model is chat, transcription, embedding, rerank, image or guardrail")
}

var tasks = []Task{TaskChat, TaskTranscription, TaskEmbedding, TaskRerank, TaskImage, TaskGuardrail}

// named is how models of a task are named, whoever serves them. The first that
// matches tells: bge-reranker is no embedding model.
var named = []struct {
	task Task
	name *regexp.Regexp
}{
	// TTS models, WhisperSpeech among them, do not match.
	{TaskTranscription, regexp.MustCompile(`(?i)(^|[^a-z])(whisper|transcribe|parakeet|reazonspeech|sensevoice)([^a-z]|$)`)},
	{TaskGuardrail, regexp.MustCompile(`^arn:aws[a-z-]*:bedrock:[a-z0-9-]+:\d{12}:guardrail/`)},
	{TaskRerank, regexp.MustCompile(`(?i)(^|[^a-z])rerank(er)?([^a-z]|$)`)},
	{TaskEmbedding, regexp.MustCompile(`(?i)(^|[^a-z])(embed(ding|dings|der)?|bge|e5|gte|ruri|embeddinggemma)([^a-z]|$)`)},
	{TaskImage, regexp.MustCompile(`(?i)(^|[^a-z])(nova-canvas|titan-image|stable-(image|diffusion|outpaint|style|conservative|creative|fast)|sd3|sdxl|flux|dall-e|gpt-image|qwen-image)([^a-z]|$)`)},
}

// TaskOf returns what a model is for, as far as its name tells.
func TaskOf(remoteID string) Task {
	for _, n := range named {
		if n.name.MatchString(remoteID) {
			return n.task
		}
	}
	return TaskChat
}

func (c Capabilities) validate() error {
	if c.ContextTokens < 0 || c.ContextTokens > maxContext {
		return errs.InField("capabilities.contextTokens", "the context is a number of tokens, for example 131072, or 0 when it is not known")
	}
	if c.OutputTokens < 0 || c.OutputTokens > maxContext {
		return errs.InField("capabilities.outputTokens", "the longest answer is a number of tokens, for example 8192, or 0 when it is not known")
	}
	return nil
}

// Validate checks p as the named field of an input.
func (p Parameters) Validate(field string) error {
	switch {
	case p.Temperature != nil && !(*p.Temperature >= 0 && *p.Temperature <= 2): // also refuses NaN
		return errs.InField(field+".temperature", "the temperature is from 0 to 2, for example 0.7")
	case p.TopP != nil && !(*p.TopP >= 0 && *p.TopP <= 1):
		return errs.InField(field+".topP", "top-p is from 0 to 1, for example 0.9")
	case p.MaxTokens != nil && (*p.MaxTokens < 1 || *p.MaxTokens > maxContext):
		return errs.InField(field+".maxTokens", "the longest answer is a number of tokens from 1, for example 4096")
	}
	switch p.ReasoningEffort {
	case "", EffortNone, EffortLow, EffortMedium, EffortHigh:
		return nil
	}
	return errs.InField(field+".reasoningEffort", "the effort is none, low, medium or high")
}

// over returns p with what it leaves open taken from defaults.
func (p Parameters) over(defaults Parameters) Parameters {
	if p.Temperature == nil {
		p.Temperature = defaults.Temperature
	}
	if p.TopP == nil {
		p.TopP = defaults.TopP
	}
	if p.MaxTokens == nil {
		p.MaxTokens = defaults.MaxTokens
	}
	if p.ReasoningEffort == "" {
		p.ReasoningEffort = defaults.ReasoningEffort
	}
	return p
}

// within returns p as a model of capabilities c takes it.
func (p Parameters) within(c Capabilities) Parameters {
	if c.OutputTokens > 0 && p.MaxTokens != nil && *p.MaxTokens > c.OutputTokens {
		limit := c.OutputTokens
		p.MaxTokens = &limit
	}
	if !c.Reasoning {
		p.ReasoningEffort = ""
	}
	return p
}

func cleanOptions(raw json.RawMessage, check func(json.RawMessage) error) (json.RawMessage, error) {
	if len(raw) == 0 || string(raw) == "null" || string(raw) == "{}" {
		return nil, nil
	}
	if len(raw) > maxOptions || !json.Valid(raw) {
		return nil, errs.InField("options", "the options are a JSON object")
	}
	if check == nil {
		return nil, errs.InField("options", "models of this kind of connection have no options")
	}
	return raw, check(raw)
}

func printable(s string) bool {
	for _, r := range s {
		if r <= ' ' || r == 0x7f || r == utf8.RuneError {
			return false
		}
	}
	return true
}
