package chat

import (
	"context"
	"errors"
	"sync"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// Why a run was ended by us.
var (
	errStopped  = errs.New(errs.RunInterrupted, "stopped by the person")
	errDeleted  = errs.New(errs.RunInterrupted, "the conversation was deleted")
	errShutdown = errs.New(errs.RunInterrupted, "The server stopped in the middle of the answer.")
	errAccount  = errs.New(errs.RunInterrupted, "The account was disabled.")
)

// launchKind says what a run is to write.
type launchKind int

const (
	launchAnswer   launchKind = iota // an answer from its beginning
	launchContinue                   // the rest of one that was cut
)

// goOn asks a model to write the rest of an answer. The models that would go on
// from an answer as it stands are few, and some refuse to.
const goOn = "Your previous answer was cut off. Continue it exactly where it stopped, in the same language and format. " +
	"Do not repeat anything, do not apologise and do not introduce the continuation."

// launch starts the run in the background, for the person of ctx. An offer of
// another model, or none, is looked up.
func (s *Service) launch(ctx context.Context, c Conversation, run Run, answer Message, offer model.Offer, how launchKind) {
	p, _ := access.From(ctx)
	runCtx, cancel := context.WithCancelCause(access.WithPrincipal(context.WithoutCancel(ctx), p))
	l := &running{newLive(run, answer.Parts, answer.ModelID, answer.ModelName), cancel}
	s.mu.Lock()
	s.live[run.ID] = l
	s.runs.Add(1)
	s.mu.Unlock()
	go func() {
		defer s.runs.Done()
		defer cancel(nil)
		var told sync.WaitGroup // neither the person nor the model waits for it
		told.Go(func() {
			s.announce(runCtx, c.OwnerID, ChangeEvent{Type: ChangeRunning, ConversationID: c.ID, RunID: run.ID})
		})
		s.execute(runCtx, l, c, answer, offer, how)
		told.Wait()
		s.mu.Lock()
		delete(s.live, run.ID)
		s.mu.Unlock()
		s.announce(context.WithoutCancel(runCtx), c.OwnerID, ChangeEvent{Type: ChangeIdle, ConversationID: c.ID, RunID: run.ID})
	}()
}

// execute writes the answer to its end, whatever that is, and stores it.
func (s *Service) execute(ctx context.Context, l *running, c Conversation, answer Message, offer model.Offer, how launchKind) {
	began := time.Now()
	if answer.Usage == nil || how == launchAnswer {
		answer.Usage, answer.Cost, answer.FirstToken, answer.Reasoning = nil, nil, 0, 0
	}
	var stop model.StopReason
	var first, thought time.Duration
	var told time.Time             // when the other nodes last heard where in line it stands
	fresh := how == launchContinue // its reasoning and text begin parts of their own
	given, err := s.prompt(ctx, c, answer, offer, how)
	if err == nil {
		answer.Context = &given.context
		call := model.Call{
			ModelID: answer.ModelID, Feature: "chat", System: given.system, Messages: given.messages,
			Parameters: c.Parameters, Class: c.Class, ConversationID: c.ID, RunID: l.run.ID,
		}
		for ev, eventErr := range s.invoker.Stream(ctx, call) {
			if eventErr != nil {
				err = eventErr
				break
			}
			switch ev.Type {
			case model.EventQueued:
				l.setQueued(ev.Queued)
				told = s.tellQueued(ctx, l.run.ID, ev.Queued, told)
			case model.EventModel:
				l.setModel(ev.Answering.ModelID, ev.Answering.Name)
			case model.EventText, model.EventReasoning:
				kind := model.PartText
				if ev.Type == model.EventReasoning {
					kind = model.PartReasoning
				}
				if ev.Signature != "" || len(ev.Redacted) > 0 {
					l.seal(ev.Signature, ev.Redacted)
				}
				if ev.Text == "" {
					continue
				}
				if first == 0 {
					first = time.Since(began)
				}
				if kind == model.PartReasoning {
					thought = time.Since(began)
				}
				// Text that goes on from text stays one part: the cut leaves no seam.
				l.append(kind, ev.Text, fresh && kind == model.PartReasoning)
				fresh = false
			case model.EventUsage:
				answer.Usage, answer.Cost = addUsage(answer.Usage, answer.Cost, ev)
			case model.EventStop:
				stop = ev.StopReason
			}
		}
	}
	answer.Parts = l.snapshot()
	answer.ModelID, answer.ModelName = l.answering()
	answer.StopReason, answer.FinishedAt = stop, s.now()
	if answer.FirstToken == 0 {
		answer.FirstToken = first
	}
	answer.Reasoning += thought
	answer.Status, answer.Failure = outcome(ctx, err)
	if answer.Status == StatusFailed && errs.CodeOf(err) == errs.Internal {
		s.log.ErrorContext(ctx, "run failed", "run", l.run.ID, "err", err)
	}
	s.conclude(context.WithoutCancel(ctx), l, c, answer)
}

// outcome says how a run ended that ended with err under ctx.
func outcome(ctx context.Context, err error) (Status, *Failure) {
	if err == nil {
		return StatusComplete, nil
	}
	if cause := context.Cause(ctx); ctx.Err() != nil {
		if errors.Is(cause, errStopped) || errors.Is(cause, errDeleted) {
			return StatusStopped, nil
		}
		return StatusInterrupted, &Failure{Code: errs.RunInterrupted, Detail: cause.Error()}
	}
	var e *errs.Error
	if errors.As(err, &e) {
		return StatusFailed, &Failure{Code: e.Code, Detail: e.Message, Params: e.Params}
	}
	return StatusFailed, &Failure{Code: errs.Internal, Detail: "The answer could not be written because of a fault in Kakoi."}
}

// conclude stores the end of a run and only then tells its readers: what they
// saw end has ended in the store too.
func (s *Service) conclude(ctx context.Context, l *running, c Conversation, answer Message) {
	l.writing.Lock() // a flush under way must not leave segments behind
	defer l.writing.Unlock()
	wait := 100 * time.Millisecond
	for try := 1; ; try++ {
		var mine bool
		err := s.db.TransactByKey(ctx, func(ctx context.Context, tx *db.Tx) error {
			var err error
			if mine, err = s.endRun(ctx, tx, l.run.ID, answer.Status, answer.FinishedAt); err != nil || !mine {
				return err
			}
			return s.writeOutcome(ctx, tx, answer)
		})
		if err == nil {
			if !mine { // another node took us for dead, or the conversation is gone
				if m, err := s.message(ctx, s.db, answer.ID); err == nil {
					answer = m
				}
			}
			break
		}
		if try == 8 {
			// The run stays open in the store; the next start or another node
			// closes it with what was flushed.
			s.log.ErrorContext(ctx, "the end of a run could not be stored", "run", l.run.ID, "err", err)
			answer.Status = StatusFailed
			answer.Failure = &Failure{Code: errs.Unavailable, Detail: "The answer could not be stored."}
			break
		}
		<-time.After(wait)
		wait = min(2*wait, 5*time.Second)
	}
	// Of answers side by side one names the conversation.
	if answer.Status == StatusComplete && c.TitleSource == TitleFirstWords && answer.ID == c.LeafID {
		s.side.Go(func() { s.title(ctx, c, answer) })
	}
	l.finish(answer)
	s.wakeNodes(ctx, []string{l.run.ID})
	s.sendQueued(ctx, c, answer.Status)
}

func addUsage(u *model.Usage, c *Cost, ev model.Event) (*model.Usage, *Cost) {
	sum := ev.Usage
	if u != nil {
		sum = u.Add(sum)
	}
	if ev.Cost.Currency == "" {
		return &sum, c
	}
	cost := Cost{Micros: ev.Cost.Micros, Currency: ev.Cost.Currency}
	if c != nil && c.Currency == cost.Currency {
		cost.Micros += c.Micros
	}
	return &sum, &cost
}

// Stop ends a run of the person's, wherever it runs. What was said is kept.
func (s *Service) Stop(ctx context.Context, runID string) error {
	p, err := s.authorize(ctx, access.ConversationWrite)
	if err != nil {
		return err
	}
	run, err := s.run(ctx, s.db, p.AccountID, runID)
	if err != nil {
		return err
	}
	if run.State != StatusRunning {
		return errs.New(errs.RunNotActive, "The answer has ended already.")
	}
	if s.endHere(runID, errStopped) {
		return nil
	}
	if err := s.requestStop(ctx, p.AccountID, runID); err != nil {
		return err
	}
	return s.db.Publish(ctx, stopChannel, runID)
}

// endHere cancels a run if it runs in this process.
func (s *Service) endHere(runID string, why error) bool {
	s.mu.Lock()
	l := s.live[runID]
	s.mu.Unlock()
	if l == nil {
		return false
	}
	l.cancel(why)
	return true
}

// EndRunsOf ends every run of an account in this process.
func (s *Service) EndRunsOf(_ context.Context, accountID string) {
	for _, l := range s.running() {
		if l.run.OwnerID == accountID {
			l.cancel(errAccount)
		}
	}
}

// Running counts the runs of this process.
func (s *Service) Running() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.live)
}

func (s *Service) running() []*running {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*running, 0, len(s.live))
	for _, l := range s.live {
		out = append(out, l)
	}
	return out
}

func (s *Service) accepting() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return errs.New(errs.Unavailable, "The server is about to stop. Try again in a moment.")
	}
	return nil
}

// Drain lets running answers end until ctx is done, then interrupts the rest
// and waits until they are stored. No run begins after it.
func (s *Service) Drain(ctx context.Context) {
	s.mu.Lock()
	s.draining = true
	s.mu.Unlock()
	done := make(chan struct{})
	go func() { s.runs.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		for _, l := range s.running() {
			l.cancel(errShutdown)
		}
		<-done
	}
	s.mu.Lock()
	select {
	case <-s.stopSide: // drained before
	default:
		close(s.stopSide)
	}
	s.mu.Unlock()
	s.side.Wait()
}
