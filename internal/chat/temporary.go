package chat

import (
	"context"
	"iter"
	"strconv"
	"strings"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/classification"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/tokenest"
)

// Policy is what the organisation has decided for conversations.
type Policy struct {
	NoTemporary        bool  // every conversation is stored
	OnlyTemporary      bool  // none is
	MaxAttachmentBytes int64 // 0: as installed
	MaxAttachments     int64 // of one message; 0: as installed
	// DefaultClass is that of conversations until their person says otherwise;
	// None: they are not classified.
	DefaultClass classification.Class
}

// keeps returns an error unless conversations may be stored.
func (p Policy) keeps() error {
	if p.OnlyTemporary {
		return errs.New(errs.TemporaryPolicy, "Your organisation has only temporary conversations.").With("policy", "enforced")
	}
	return nil
}

// carries returns an error if a message has more files than it may.
func (p Policy) carries(files int) error {
	if p.MaxAttachments == 0 || int64(files) <= p.MaxAttachments {
		return nil
	}
	err := errs.Newf(errs.TooLarge, "A message carries at most %d files.", p.MaxAttachments).With("limitFiles", strconv.FormatInt(p.MaxAttachments, 10))
	err.Field = "turn.attachmentIds"
	return err
}

// fileBytes is how large a file may be where the installation has a limit.
func (p Policy) fileBytes(installed int64) int64 {
	if p.MaxAttachmentBytes > 0 {
		return min(p.MaxAttachmentBytes, installed)
	}
	return installed
}

// allows returns an error unless conversations may be stored.
func (s *Service) allows(ctx context.Context) error {
	p, err := s.policyNow(ctx)
	if err != nil {
		return err
	}
	return p.keeps()
}

func (s *Service) policyNow(ctx context.Context) (Policy, error) {
	if s.policy == nil {
		return Policy{}, nil
	}
	return s.policy(ctx)
}

// MaxFileBytes is how large a file may be now.
func (s *Service) MaxFileBytes(ctx context.Context) (int64, error) {
	p, err := s.policyNow(ctx)
	return p.fileBytes(s.maxUpload), err
}

// TemporaryTurn is a whole conversation that only its person keeps.
type TemporaryTurn struct {
	ModelID      string // "": the person's first model
	Parameters   model.Parameters
	SystemPrompt string
	Class        classification.Class // None: as the organisation begins with
	Messages     []TemporaryMessage   // the last is the person's
}

// TemporaryMessage is a message of a conversation that is not stored.
type TemporaryMessage struct {
	Role  model.Role
	Text  string
	Files []Upload
}

// Temporary answers a conversation of which nothing is stored but what it used.
// Ending the loop, or ctx, stops the model.
func (s *Service) Temporary(ctx context.Context, t TemporaryTurn) (iter.Seq2[Event, error], error) {
	if _, err := s.authorize(ctx, access.TemporaryUse); err != nil {
		return nil, err
	}
	policy, err := s.policyNow(ctx)
	if err != nil {
		return nil, err
	}
	if policy.NoTemporary {
		return nil, errs.New(errs.TemporaryPolicy, "Your organisation has no temporary conversations.").With("policy", "off")
	}
	if t.Class, err = policy.classify(t.Class); err != nil {
		return nil, err
	}
	offer, err := s.offer(ctx, t.ModelID, t.Class)
	if err != nil {
		return nil, err
	}
	call, fits, err := s.temporaryCall(t, offer, policy)
	if err != nil {
		return nil, err
	}
	return func(yield func(Event, error) bool) { s.answerTemporary(ctx, call, fits, offer, yield) }, nil
}

// temporaryCall returns the call that answers t, and what of t it gives the model.
func (s *Service) temporaryCall(t TemporaryTurn, offer model.Offer, policy Policy) (model.Call, Context, error) {
	c, err := change(Conversation{}, Change{SystemPrompt: &t.SystemPrompt, Parameters: &t.Parameters})
	if err != nil {
		return model.Call{}, Context{}, err
	}
	if n := len(t.Messages); n == 0 || t.Messages[n-1].Role != model.RoleUser {
		return model.Call{}, Context{}, errs.InField("messages", "the last message is the person's")
	}
	most := policy.fileBytes(s.maxUpload)
	call := model.Call{ModelID: offer.ID, Feature: "temporary", System: c.SystemPrompt, Parameters: c.Parameters, Class: t.Class}
	var tokens []int
	for i, m := range t.Messages {
		if m.Role != model.RoleUser && m.Role != model.RoleAssistant {
			return model.Call{}, Context{}, errs.InField("messages", "a message is of the user or the assistant")
		}
		if err := policy.carries(len(m.Files)); err != nil {
			return model.Call{}, Context{}, err
		}
		if i == len(t.Messages)-1 || strings.TrimSpace(m.Text) != "" {
			if _, err := (Turn{Text: m.Text, AttachmentIDs: make([]string, len(m.Files))}).clean(); err != nil {
				return model.Call{}, Context{}, err
			}
		}
		msg, n := model.Message{Role: m.Role}, tokenest.PerMessage+tokenest.Text(m.Text)
		for _, u := range m.Files {
			f, err := ReadFile(u, most)
			if err != nil {
				return model.Call{}, Context{}, err
			}
			if !readable(f.MediaType, offer.Capabilities) {
				return model.Call{}, Context{}, errs.Newf(errs.ModelInput, "%s cannot read %s. Choose another model or remove the file.", offer.DisplayName, f.Name).
					With("name", f.Name)
			}
			msg.Parts = append(msg.Parts, f.part(offer.Capabilities))
			n += fileTokens(f.MediaType, int64(len(f.Data)))
		}
		if strings.TrimSpace(m.Text) != "" {
			msg.Parts = append(msg.Parts, model.Part{Type: model.PartText, Text: m.Text})
		}
		if len(msg.Parts) > 0 {
			call.Messages, tokens = append(call.Messages, msg), append(tokens, n)
		}
	}
	// What no longer fits is left out from the beginning, whole turns at a time.
	fits := Context{Limit: offer.Capabilities.ContextTokens}
	if fits.Limit > 0 {
		room := fits.Limit - answerTokens(c, offer) - tokenest.Text(call.System)
		fits.Omitted = fitting(tokens, room, func(i int) bool { return call.Messages[i].Role == model.RoleUser })
		call.Messages = call.Messages[fits.Omitted:]
	}
	fits.Tokens = tokenest.Text(call.System) + sum(tokens[fits.Omitted:])
	return call, fits, nil
}

// answerTemporary calls the model and tells what it says as a run would.
func (s *Service) answerTemporary(ctx context.Context, call model.Call, fits Context, offer model.Offer, yield func(Event, error) bool) {
	began := time.Now()
	final := Message{
		ID: db.NewID(), Role: model.RoleAssistant, ModelID: offer.ID, ModelName: offer.DisplayName, Context: &fits, CreatedAt: s.now(),
	}
	at, kind := Offset{Part: -1}, model.PartType("")
	if !yield(Event{Type: EventBegin, MessageID: final.ID}, nil) {
		return
	}
	end := func() bool {
		return kind == "" || yield(Event{Type: EventPartEnd, At: at, Part: at.Part, Kind: kind}, nil)
	}
	var err error
	for ev, eventErr := range withPauses(ctx, idleAfter, func(ctx context.Context) iter.Seq2[model.Event, error] { return s.invoker.Stream(ctx, call) }) {
		if err = eventErr; err != nil {
			break
		}
		switch ev.Type {
		case pause:
			if !yield(Event{Type: EventIdle, At: at}, nil) {
				return
			}
		case model.EventQueued:
			if !yield(Event{Type: EventQueued, At: at, Queued: ev.Queued}, nil) {
				return
			}
		case model.EventModel:
			final.ModelID, final.ModelName = ev.Answering.ModelID, ev.Answering.Name
		case model.EventText, model.EventReasoning:
			if ev.Text == "" {
				continue
			}
			of := model.PartText
			if ev.Type == model.EventReasoning {
				of = model.PartReasoning
				final.Reasoning = time.Since(began)
			}
			if final.FirstToken == 0 {
				final.FirstToken = time.Since(began)
			}
			if of != kind {
				if !end() {
					return
				}
				kind, at = of, Offset{Part: at.Part + 1}
				if !yield(Event{Type: EventPartBegin, At: at, Part: at.Part, Kind: kind}, nil) {
					return
				}
			}
			at.Byte += len(ev.Text)
			if !yield(Event{Type: EventText, At: at, Part: at.Part, Kind: kind, Text: ev.Text}, nil) {
				return
			}
		case model.EventUsage:
			final.Usage, final.Cost = addUsage(final.Usage, final.Cost, ev)
		case model.EventStop:
			final.StopReason = ev.StopReason
		}
	}
	final.Status, final.Failure = outcome(ctx, err)
	if final.Status == StatusFailed && errs.CodeOf(err) == errs.Internal {
		s.log.ErrorContext(ctx, "temporary answer failed", "err", err)
	}
	final.FinishedAt = s.now()
	if end() {
		yield(Event{Type: EventEnd, At: at, Message: &final}, nil)
	}
}

// pause is an event of withPauses: the model has said nothing for a while.
const pause model.EventType = "pause"

// withPauses yields what open's events say, with a pause each time they have
// been silent for so long: a proxy, or a browser, takes long silence for a dead
// connection. open's context ends with the loop, which waits for its events to
// end, so that what they used is counted.
func withPauses(ctx context.Context, after time.Duration, open func(context.Context) iter.Seq2[model.Event, error]) iter.Seq2[model.Event, error] {
	type step struct {
		ev  model.Event
		err error
	}
	return func(yield func(model.Event, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		steps, left := make(chan step), make(chan struct{})
		go func() {
			defer close(steps)
			for ev, err := range open(ctx) {
				select {
				case steps <- step{ev, err}:
				case <-left:
					return
				}
			}
		}()
		defer func() {
			cancel()
			close(left)
			for range steps { // until they have ended
			}
		}()
		silent := time.NewTimer(after)
		defer silent.Stop()
		for {
			next := step{ev: model.Event{Type: pause}}
			select {
			case said, more := <-steps:
				if !more {
					return
				}
				next = said
			case <-silent.C:
			}
			silent.Reset(after)
			if !yield(next.ev, next.err) {
				return
			}
		}
	}
}
