package model

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"kakoi/internal/errs"
)

// Side is whose words a guardrail judges.
type Side string

// The sides.
const (
	SideInput  Side = "input"  // of the person
	SideOutput Side = "output" // of the model
)

// Guarding is a text to be judged by a guardrail, in the provider's terms.
type Guarding struct {
	Guardrail string // with its version
	Options   json.RawMessage
	Side      Side
	Text      string
	Source    string // what an answer must rest on, for guardrails that look at that; or ""
	Query     string // what it answers; or ""
	Caller    Caller
}

// Finding is one rule that a text has met. What it met it with is the person's
// own words, and not here.
type Finding struct {
	Policy     string // "topic", "content", "word", "personal", "grounding", "reasoning"
	Name       string // of the rule, as the provider or its administrator calls it
	Blocked    bool
	Masked     bool
	Confidence string // "low", "medium", "high", or "" where the rule knows none
}

// Verdict is what a guardrail says of a text.
type Verdict struct {
	Intervened bool
	Text       string // to stand in its place, where it has intervened: masked, or its message
	Findings   []Finding
	Units      int // of text, that the provider charges for
}

// Guard is a Provider with guardrails.
type Guard interface {
	Provider
	// Guard returns the verdict, or an error with a code.
	Guard(ctx context.Context, g Guarding) (Verdict, error)
}

// GuardCall is one call of a guardrail by a feature, for the person who acts in
// the context.
type GuardCall struct {
	ModelID string // of the guardrail, in the catalogue
	Feature string // "chat", …
	Side    Side
	Text    string
	Source  string // what an answer must rest on; may be empty
	Query   string // what it answers; may be empty

	ConversationID, RunID string // for the record; may be empty
}

// Guarded is a guardrail's verdict.
type Guarded struct {
	Verdict
	Guardrail Answering
}

// maxGuardText bounds a text to be judged. AWS has a quota of its own, which
// can be raised.
const maxGuardText = 1 << 20

// textUnit is how many characters of a text are charged for as one.
const textUnit = 1000

// Guard has a guardrail judge a text. It goes the way of every call: a guardrail
// is processed where its profile leads, which must be permitted, and a text that
// must not leave does not reach it.
func (i *Invoker) Guard(ctx context.Context, c GuardCall) (Guarded, error) {
	switch {
	case strings.TrimSpace(c.Text) == "":
		return Guarded{}, errs.InField("text", "there is no text to be judged")
	case len(c.Text)+len(c.Source)+len(c.Query) > maxGuardText:
		return Guarded{}, errs.InField("text", "the text is too long for a guardrail").With("max", strconv.Itoa(maxGuardText))
	case c.Side != SideInput && c.Side != SideOutput:
		return Guarded{}, errs.InField("side", "a guardrail judges input or output")
	}
	op := &guarding{call: c}
	call := Call{
		ModelID: c.ModelID, Feature: c.Feature, Messages: texts([]string{c.Text, c.Source, c.Query}), ConversationID: c.ConversationID, RunID: c.RunID,
	}
	var said strings.Builder // what the masker has put back
	var out Guarded
	for event, err := range i.call(ctx, call, TaskGuardrail, Recording{}, op) {
		if err != nil {
			return Guarded{}, err
		}
		switch event.Type {
		case EventModel:
			out.Guardrail = event.Answering
		case EventText:
			said.WriteString(event.Text)
		}
	}
	out.Verdict, out.Text = op.verdict, said.String()
	return out, nil
}

// guarding is the operation of Guard.
type guarding struct {
	call    GuardCall
	verdict Verdict
}

func (g *guarding) name() string { return string(TaskGuardrail) }

func (g *guarding) begin(target) error { return nil }

func (g *guarding) units() int {
	if g.verdict.Units > 0 {
		return g.verdict.Units
	}
	return (len([]rune(g.call.Text)) + textUnit - 1) / textUnit
}

func (g *guarding) run(ctx context.Context, p Provider, r Request, tell func(Event)) error {
	guard, ok := p.(Guard)
	if !ok {
		return unable("judge texts")
	}
	all, err := textsOf(r, 3)
	if err != nil {
		return err
	}
	g.verdict, err = guard.Guard(ctx, Guarding{
		Guardrail: r.Model, Options: r.Options, Side: g.call.Side, Text: all[0], Source: all[1], Query: all[2], Caller: r.Caller,
	})
	if err == nil && g.verdict.Intervened && g.verdict.Text != "" {
		tell(Event{Type: EventText, Text: g.verdict.Text})
	}
	return err
}
