package model

import (
	"context"
	"encoding/json"
	"iter"
	"slices"
	"strings"
	"time"

	"kakoi/internal/residency"
)

// Role says who speaks in a message.
type Role string

// The two speakers of a conversation. The system prompt is not a message; it
// travels in Request.System.
const (
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
)

// PartType is the kind of one piece of a message.
type PartType string

// The kinds of parts.
const (
	PartText      PartType = "text"
	PartReasoning PartType = "reasoning" // assistant only; sent back only where the model needs it
	PartImage     PartType = "image"
	PartDocument  PartType = "document"
	PartVideo     PartType = "video"
	PartAudio     PartType = "audio" // speech, for a model that transcribes

	PartToolUse    PartType = "tool_use"    // assistant only
	PartToolResult PartType = "tool_result" // user only, in the message after the use
)

// Part is one piece of a message. Text is set for text and reasoning, Media for
// images, documents and video.
type Part struct {
	Type       PartType
	Text       string
	Signature  string // provider's seal on reasoning, sent back unchanged
	Redacted   []byte // reasoning the provider encrypted, sent back unchanged
	Media      *Media
	ToolUse    *ToolUse
	ToolResult *ToolResult
}

// Media is a file inside a message.
type Media struct {
	Name      string // as the person named it; adapters send a neutral name where names are read by the model
	MediaType string // IANA media type, lower case, without parameters
	Data      []byte
}

// Message is one turn's words of one speaker.
type Message struct {
	Role  Role
	Parts []Part
}

// Effort is how much a reasoning model should think before it answers.
type Effort string

// The efforts; the empty value leaves the choice to the model.
const (
	EffortNone   Effort = "none"
	EffortLow    Effort = "low"
	EffortMedium Effort = "medium"
	EffortHigh   Effort = "high"
)

// Parameters steer the sampling. A nil or empty field leaves the model's own
// default in place and is not sent.
type Parameters struct {
	Temperature     *float64 `json:"temperature,omitempty"` // 0 to 2
	TopP            *float64 `json:"topP,omitempty"`        // 0 to 1
	MaxTokens       *int     `json:"maxTokens,omitempty"`   // output tokens
	ReasoningEffort Effort   `json:"reasoningEffort,omitempty"`
}

// Task is what a model is for. One entry of the catalogue has one task: a model
// that is served for two is entered twice.
type Task string

// The tasks.
const (
	TaskChat          Task = "chat"
	TaskTranscription Task = "transcription" // turns speech into text
	TaskEmbedding     Task = "embedding"     // turns texts into vectors
	TaskRerank        Task = "rerank"        // orders texts by how well they answer a question
	TaskImage         Task = "image"         // makes images
	TaskGuardrail     Task = "guardrail"     // judges texts by rules; it is no model, but called like one
)

// Capabilities is what a model can do, as the administrator declared it or the
// provider reported it.
type Capabilities struct {
	Vision        bool `json:"vision"`        // takes images
	Documents     bool `json:"documents"`     // takes document files as they are
	Video         bool `json:"video"`         // takes video
	Reasoning     bool `json:"reasoning"`     // thinks aloud, takes an effort
	Tools         bool `json:"tools"`         // calls tools
	ContextTokens int  `json:"contextTokens"` // prompt and answer together; 0 = unknown
	OutputTokens  int  `json:"outputTokens"`  // longest answer; 0 = unknown
}

// Caller is for whom a call is made, as providers may show it in their own
// records. It is empty for what Kakoi does for itself.
type Caller struct {
	AccountID string
	Email     string
	Groups    []string // names
}

// Request is one call to a model in the provider's terms.
type Request struct {
	Model        string // the provider's own id of the model
	Capabilities Capabilities
	System       string
	Messages     []Message
	Tools        []Tool
	ToolChoice   ToolChoice
	Parameters   Parameters
	Options      json.RawMessage // provider-specific extras of the catalogue entry, or nil
	Caller       Caller          // only where the connection names callers
}

// EventType is the kind of one event of a stream.
type EventType string

// The kinds of events.
const (
	EventText      EventType = "text"
	EventReasoning EventType = "reasoning"
	EventToolUse   EventType = "tool_use"  // a tool is to be called; its input is whole
	EventGuardrail EventType = "guardrail" // what a guardrail did; may come after stop
	EventUsage     EventType = "usage"     // may come before or after stop; the last one counts
	EventStop      EventType = "stop"      // exactly once in a complete stream

	// EventModel comes from the Invoker only, before everything else that a
	// model says: which model it is.
	EventModel EventType = "model"

	// EventQueued comes from the Invoker only, before EventModel: the call waits
	// for its turn, or its turn has come.
	EventQueued EventType = "queued"
)

// Event is one step of a model's answer.
type Event struct {
	Type      EventType
	Text      string // text and reasoning; valid UTF-8
	Signature string // reasoning: completes the reasoning part before it
	Redacted  []byte // reasoning: an encrypted part of its own
	ToolUse   ToolUse
	// Interventions are of a guardrail event and, from the Invoker, of stop.
	Interventions []Intervention
	Fields        json.RawMessage // stop: what else of the provider's answer its options ask for, or nil
	Usage         Usage
	Cost          Money // usage, from the Invoker only
	StopReason    StopReason
	Answering     Answering // model
	Queued        Queued    // queued
}

// Answering names the model that answers.
type Answering struct {
	ModelID  string
	Name     string // as people know it
	Fallback bool   // it stands in for the one that was asked for
}

// StopReason says why the model stopped.
type StopReason string

// The stop reasons.
const (
	StopEnd      StopReason = "end"      // it had said what it wanted
	StopLength   StopReason = "length"   // the output limit cut it; it can go on
	StopFiltered StopReason = "filtered" // a content filter or guardrail cut it
	StopTool     StopReason = "tool"     // it wants a tool called
	StopSequence StopReason = "sequence" // a stop sequence appeared
)

// Intervention is one rule of a provider's guardrail that stepped in. It says
// nothing of the words that the rule was about.
type Intervention struct {
	Guardrail string // its id
	Side      string // "input" or "output"
	Policy    string // "topic", "content", "word", "sensitive" or "grounding"
	Rule      string // which of the policy's, as whoever wrote the guardrail named it; may be empty
	Action    string // "blocked", "anonymized", …
}

// String returns i in one line, for records.
func (i Intervention) String() string {
	return strings.Join(slices.DeleteFunc([]string{i.Side, i.Policy, i.Rule, i.Action}, func(s string) bool { return s == "" }), " ")
}

// recorded returns interventions in one line, each once.
func recorded(list []Intervention) string {
	var words []string
	for _, i := range list {
		if s := i.String(); !slices.Contains(words, s) {
			words = append(words, s)
		}
	}
	return strings.Join(words, "; ")
}

// Usage counts tokens as the provider reports them. InputTokens excludes what
// was read from or written to the provider's prompt cache; OutputTokens
// includes ReasoningTokens, which is our estimate of their share where the
// provider counts only the whole.
type Usage struct {
	InputTokens      int  `json:"inputTokens"`
	OutputTokens     int  `json:"outputTokens"`
	ReasoningTokens  int  `json:"reasoningTokens"`
	CacheReadTokens  int  `json:"cacheReadTokens"`
	CacheWriteTokens int  `json:"cacheWriteTokens"`
	Estimated        bool `json:"estimated"` // the provider did not say; counted by us
}

// RemoteModel is a model that a provider says it has.
type RemoteModel struct {
	ID           string // as Request.Model wants it
	Name         string // for people; may equal ID
	Task         Task   // "" where neither provider nor name tells: chat
	Capabilities Capabilities
	Options      json.RawMessage // that its entry in the catalogue should have, or nil
}

// Provider speaks one wire protocol to one connection. It knows nothing of
// people, budgets or policies. Only this package and its adapters may hold one.
type Provider interface {
	// Stream calls the model. The sequence yields events and ends with an
	// EventStop (and perhaps an EventUsage after it), or with one error that
	// carries a code of errs. A connection that breaks before the end mark is
	// an errs.ModelBrokeOff, never a clean end. Cancelling ctx closes the
	// upstream connection at once, before the first byte too; leaving the loop
	// early does the same. Nothing is sent before the sequence is ranged over.
	Stream(ctx context.Context, req Request) iter.Seq2[Event, error]
	// Models lists what the connection offers, or an error with a code.
	Models(ctx context.Context) ([]RemoteModel, error)
	// Check tries the connection step by step, from configuration to one tiny
	// answer of the named model ("" = leave that step out), and returns every
	// step it came to. It stops at the first that fails.
	Check(ctx context.Context, model string) []CheckStep
}

// ProfileLister is a Provider whose models are reached by inference profiles.
type ProfileLister interface {
	// InferenceProfiles lists where each profile of the connection leads.
	InferenceProfiles(ctx context.Context) ([]residency.Listed, error)
	// InferenceProfile says it of one, as a model's id names it.
	InferenceProfile(ctx context.Context, id string) (residency.Listed, error)
}

// Recording is speech to be turned into text.
type Recording struct {
	Audio    Media
	Duration time.Duration
	Language string // that is spoken, in ISO 639-1; "" leaves it to the model
}

// Transcript is what was said in a recording.
type Transcript struct {
	Text  string // "" when nothing was heard
	Usage Usage  // zero where the provider counts no tokens
}

// Transcriber is a Provider that turns speech into text, too.
type Transcriber interface {
	Provider
	// Transcribe returns the words of a recording, or an error with a code.
	// Cancelling ctx closes the upstream connection at once.
	Transcribe(ctx context.Context, model string, r Recording) (Transcript, error)
}

// TaskChecker is a Provider whose models have other tasks than talking.
type TaskChecker interface {
	Provider
	// CheckTask is Check with an answer that is the model's task.
	CheckTask(ctx context.Context, model string, task Task) []CheckStep
}

// CheckStep is one step of a connection's self-test.
type CheckStep struct {
	// Name is stable: "configuration", "resolve", "connect", "tls", "clock",
	// "credentials", "role_1" and so on, "list_models", "answer", "stream", "headroom".
	Name    string
	Err     error         // nil when it passed; carries a code
	Warning error         // what is wrong though it passed; carries a code
	Detail  string        // what was found, for the administrator: no secrets
	Facts   []Fact        // the same, for the doctor
	Elapsed time.Duration // how long it took
}

// Fact is one thing that a step has found.
type Fact struct {
	Name  string // stable: "identity", "tokens", …
	Value string // no secret
}

// Examiner is a Provider that tells the steps of its check as they come.
type Examiner interface {
	Provider
	// Examine makes the steps of Check one after the other, as they are asked
	// for, and ends after the first that fails.
	Examine(ctx context.Context, model string) iter.Seq[CheckStep]
}

// RetryAfter lets an error say how long the upstream asked us to wait.
type RetryAfter interface{ RetryAfter() time.Duration }
