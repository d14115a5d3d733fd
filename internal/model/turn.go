package model

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/errs"
	"kakoi/internal/model/admission"
)

// Queued is where in the line of its model a call stands.
type Queued struct {
	Waiting bool          // false: its turn has come
	Ahead   int           // other persons whose calls go first
	Wait    time.Duration // about; 0 when nobody can tell
}

// askModel calls model id, by one of its ways after the other until one answers.
// sent is whether it came so far that a provider was asked, or its line was
// entered; before it, err is a refusal of ours.
func (v *invocation) askModel(ctx context.Context, id string, fallback bool) (sent bool, err error) {
	t, err := v.catalogue.usable(ctx, id, v.task)
	if err != nil {
		return false, err
	}
	ways := t.ways(cmp.Or(v.call.ConversationID, v.call.RunID, v.principal.SessionID))
	if len(ways) == 0 {
		return false, unavailable()
	}
	if !fallback {
		v.target = ways[0]
	}
	awake := v.breakers.awake(ways)
	defer v.giveTurn()
	var refused error
	for n, way := range awake {
		r, err := v.prepare(ctx, way, fallback || n > 0)
		if errs.CodeOf(err) == errs.ResidencyDenied && n < len(awake)-1 {
			refused = cmp.Or(refused, err)
			continue // another of its routes may be permitted
		} else if err != nil {
			return sent, cmp.Or(refused, err)
		}
		err = v.out(ctx, r, len(ways) > 1, n == len(awake)-1)
		if err != nil && v.turn != nil && replaceable(err) {
			// Whatever answers in the end, this place may have had what was sent.
			v.tried = append(v.tried, fmt.Sprintf("%s at %s: %s", way.connection.ID, way.place, errs.CodeOf(err)))
		}
		if err == nil || ctx.Err() != nil || v.left || v.delivered || v.turn == nil || n == len(awake)-1 || !replaceable(err) {
			return true, err
		}
		sent, refused = true, err
		v.log.WarnContext(ctx, "a route of a model cannot answer; the next is asked",
			"model", id, "connection", way.connection.ID, "next", awake[n+1].connection.ID, "code", errs.CodeOf(err), "run", v.call.RunID)
	}
	return sent, refused
}

// longestShare is the part of a minute's tokens that is held for an answer whose
// length nobody knows yet.
const longestShare = 4

// tokens is what is held for a call until it is known what it came to. However
// long an answer its person allows, the others are not kept from the model for
// it.
func (r ready) tokens(l admission.Limits) int {
	if most := max(1, l.TokensPerMinute/longestShare); l.TokensPerMinute > 0 && r.output > most {
		return r.input + most
	}
	return r.input + r.output
}

// takeTurn waits until the call may go out.
func (v *invocation) takeTurn(ctx context.Context, r ready) error {
	ask := admission.Ask{
		ModelID: v.target.model.ID, Person: v.principal.AccountID, Limits: v.target.model.Limits,
		Tokens: r.tokens(v.target.model.Limits), Background: v.call.Background,
	}
	began, waits := time.Now(), false
	turn, err := v.hall.Take(ctx, ask, func(p admission.Place) bool {
		if !waits {
			waits = true
			v.metrics.waiting.Inc()
		}
		return v.call.Background || v.emit(Event{Type: EventQueued, Queued: Queued{Waiting: true, Ahead: p.Ahead, Wait: p.Wait}}, nil)
	})
	if waits {
		v.metrics.waiting.Dec()
	}
	if errors.Is(err, admission.ErrLeft) {
		return errLeft
	} else if err != nil {
		return err
	}
	v.turn, v.sent = turn, time.Now()
	if !turn.Waited() {
		return nil
	}
	v.metrics.waits.WithLabelValues(string(v.target.connection.Kind), v.target.model.RemoteID).Observe(time.Since(began).Seconds())
	if !v.call.Background && !v.emit(Event{Type: EventQueued}, nil) {
		return errLeft
	}
	return v.stillMay(ctx)
}

// stillMay decides anew, after a wait, who and where: both may have changed.
func (v *invocation) stillMay(ctx context.Context) error {
	if v.people != nil {
		now, err := v.people.Still(ctx)
		if err != nil {
			return err
		}
		v.principal, ctx = now, access.WithPrincipal(ctx, now)
	}
	t, err := v.catalogue.usable(ctx, v.target.model.ID, v.task)
	if err != nil {
		return err
	}
	for _, way := range t.ways("") {
		if way.connection.ID == v.target.connection.ID && way.model.RemoteID == v.target.model.RemoteID {
			if way.place.String() != v.target.place.String() {
				break
			}
			v.decision = v.decide(ctx, way)
			if !v.decision.Allowed {
				return barred(v.decision)
			}
			v.target.connection = way.connection
			return nil
		}
	}
	return unavailable()
}

// giveTurn lets the next call of the model go.
func (v *invocation) giveTurn() {
	if v.turn == nil {
		return
	}
	v.turn.Done(v.usage.total())
	v.turn = nil
}

// attemptRoute calls the provider once, unless its route rests. allowed is false
// if it did.
func (v *invocation) attemptRoute(ctx context.Context, r ready, others bool) (allowed bool, err error) {
	done, err := v.breakers.begin(v.target)
	if err != nil {
		return false, err
	}
	ended := errNoVerdict // also when the reader panics
	defer func() { done(ended) }()
	err = v.attempt(ctx, r.restore)
	ended = verdict(ctx, err, v.delivered, others)
	if errs.CodeOf(err) == errs.ModelThrottled {
		var asked RetryAfter
		var after time.Duration
		if errors.As(err, &asked) {
			after = asked.RetryAfter()
		}
		if !others {
			v.turn.Throttled(ctx, after)
		}
	}
	return true, err
}

// Lines returns how the lines of models stand in which somebody is, by the id of
// the model.
func (i *Invoker) Lines(ctx context.Context, models []Model) (map[string]admission.Standing, error) {
	if _, err := access.Authorize(ctx, access.ModelRead, access.Resource{Kind: access.KindModel}); err != nil {
		return nil, err
	}
	lines := make(map[string]admission.Standing)
	for _, m := range models {
		s, err := i.hall.Standing(ctx, m.ID, m.Limits)
		if err != nil {
			return nil, err
		}
		if s != (admission.Standing{}) {
			lines[m.ID] = s
		}
	}
	return lines, nil
}
