package model

import (
	"context"
	"iter"

	"kakoi/internal/errs"
)

// operation is what a call wants of a model where that is no conversation. It
// takes every step of one: what it sends stands in the call's message, so that
// it is masked, and goes out as the masker has left it.
type operation interface {
	// name is what the record calls it.
	name() string
	// begin takes a model, the one that was asked for or one that stands in for
	// it, and forgets what another has done.
	begin(t target) error
	// run asks p for what r holds, and tells of what has been used whenever that
	// has grown, and of words that the masker must put something back into. What
	// is done already when it is run again need not be asked for again.
	run(ctx context.Context, p Provider, r Request, tell func(Event)) error
	// units counts what providers charge for besides tokens: images, searches,
	// units of text. Before run it is what is asked for, then what was done.
	units() int
}

// operated is who did an operation and what it used.
type operated struct {
	model Answering
	usage Usage
	cost  Money
}

// operate makes a call for an operation.
func (i *Invoker) operate(ctx context.Context, c Call, task Task, op operation) (operated, error) {
	var o operated
	for event, err := range i.call(ctx, c, task, Recording{}, op) {
		if err != nil {
			return o, err
		}
		switch event.Type {
		case EventModel:
			o.model = event.Answering
		case EventUsage:
			o.usage, o.cost = event.Usage, event.Cost
		}
	}
	return o, nil
}

// operate runs the operation at a provider and tells of it as of an answer
// without words.
func (v *invocation) operate(ctx context.Context, p Provider) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		left := false
		err := v.op.run(ctx, p, v.request, func(e Event) {
			if !left && (e.Type != EventUsage || e.Usage != (Usage{})) {
				left = !yield(e, nil)
			}
		})
		switch {
		case left:
		case err != nil:
			yield(Event{}, err)
		default:
			yield(Event{Type: EventStop, StopReason: StopEnd}, nil)
		}
	}
}

// done is what of the operation's units the provider has, or had when it
// answered.
func (v *invocation) done() int {
	if v.op == nil || !v.underWay {
		return 0
	}
	return v.op.units()
}

// operation is what the record calls a call.
func (v *invocation) operation() string {
	if v.op == nil {
		return string(v.task)
	}
	return v.op.name()
}

// unable is the error of a connection whose provider does not do what one of
// its models was entered for.
func unable(what string) error {
	return errs.Newf(errs.ModelInput, "models of this kind of connection cannot %s", what).With("kind", what)
}

// texts is a user's message of texts and files.
func texts(all []string, files ...Media) []Message {
	parts := make([]Part, 0, len(all)+len(files))
	for _, t := range all {
		parts = append(parts, Part{Type: PartText, Text: t})
	}
	for i := range files {
		parts = append(parts, Part{Type: PartImage, Media: &files[i]})
	}
	return []Message{{Role: RoleUser, Parts: parts}}
}

// textsOf returns the n texts of an operation's message, as they may leave. A
// masker that joins or drops texts has broken it.
func textsOf(r Request, n int) ([]string, error) {
	var all []string
	if len(r.Messages) == 1 {
		for _, p := range r.Messages[0].Parts {
			if p.Type == PartText {
				all = append(all, p.Text)
			}
		}
	}
	if len(all) != n {
		return nil, errs.Newf(errs.Internal, "the masker made %d texts of %d", len(all), n)
	}
	return all, nil
}
