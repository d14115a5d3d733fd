package model

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/classification"
	"kakoi/internal/db"
	"kakoi/internal/egress"
	"kakoi/internal/errs"
	"kakoi/internal/governance"
	"kakoi/internal/label"
	"kakoi/internal/model/admission"
	"kakoi/internal/residency"
)

// Call is one call of a model by a feature, for the person who acts in the
// context.
type Call struct {
	ModelID    string // of the catalogue
	Feature    string // "chat", "title", …
	System     string
	Messages   []Message
	Tools      []Tool
	ToolChoice ToolChoice
	Parameters Parameters // what it leaves open, the model's defaults decide
	Class      classification.Class

	ConversationID, RunID string // for the record; may be empty
	Background            bool   // nobody looks on: it lets others go first, and waits in silence
}

// TranscriptionCall is one call of a model that turns speech into text, by a
// feature, for the person who acts in the context.
type TranscriptionCall struct {
	ModelID   string // of the catalogue
	Feature   string // "dictation"
	Recording Recording
	Class     classification.Class
}

// Masker hides what must not leave in a request, and gives the way to put it
// back into the answer.
type Masker interface {
	Mask(ctx context.Context, r Request) (masked Request, restore func(iter.Seq2[Event, error]) iter.Seq2[Event, error], err error)
}

// Residency decides whether data may be processed at a place.
type Residency interface {
	Decide(ctx context.Context, c residency.Call) residency.Decision
}

// People knows those who call by more than their account's id.
type People interface {
	// Caller returns whoever acts in ctx.
	Caller(ctx context.Context) (Caller, error)
	// Still returns who acts in ctx with the role and the groups that they have
	// by now, or an error if they may do nothing any more.
	Still(ctx context.Context) (access.Principal, error)
}

// Budgets reserves what a call is about to use.
type Budgets interface {
	Reserve(ctx context.Context, c governance.Claim) (governance.Reservation, error)
}

// Auditor writes the audit event of each call.
type Auditor interface {
	Record(ctx context.Context, e audit.Event) error
}

// source finds what a call needs in the catalogue.
type source interface {
	// usable returns model id as the person who acts in ctx may use it for task.
	usable(ctx context.Context, id string, task Task) (target, error)
	// provider returns the provider of a connection as usable has read it.
	provider(ctx context.Context, c Connection) (Provider, error)
}

// InvokerOptions are what an Invoker is made of.
type InvokerOptions struct {
	Catalogue *Catalogue
	DB        *db.DB // keeps the usage
	Masker    Masker
	Residency Residency
	Budgets   Budgets
	People    People // nil: nobody's account changes, and no provider is told who asks
	Audit     Auditor
	Metrics   prometheus.Registerer // nil measures nothing
	NodeID    string                // of several that share a store
	Now       func() time.Time
	Log       *slog.Logger
}

// Invoker is the one way to a model. A rule that every call must obey is added
// here, once.
type Invoker struct {
	catalogue source
	masker    Masker
	residency Residency
	budgets   Budgets
	people    People
	usage     *ledger
	hall      *admission.Hall
	breakers  *breakers
	metrics   *metrics
	node      string
	now       func() time.Time
	log       *slog.Logger
}

// NewInvoker returns an invoker. Run must be running for usage to be kept.
func NewInvoker(o InvokerOptions) *Invoker {
	measured := newMetrics(o.Metrics)
	return &Invoker{
		catalogue: o.Catalogue, masker: o.Masker, residency: o.Residency, budgets: o.Budgets, people: o.People,
		usage: newLedger(o.DB, o.Audit, o.Log), metrics: measured, node: o.NodeID, now: o.Now, log: o.Log,
		hall: admission.New(admission.Options{DB: o.DB, Node: o.NodeID, Log: o.Log}), breakers: newBreakers(measured),
	}
}

// Run keeps the record of what was used and which routes rest, and has part in
// the lines of models, until ctx ends; then it writes what is left. End the calls
// first.
func (i *Invoker) Run(ctx context.Context) {
	var beside sync.WaitGroup
	beside.Go(func() { i.hall.Run(ctx) })
	beside.Go(func() { i.runRests(ctx) })
	i.usage.run(ctx)
	beside.Wait()
}

// Flush writes what Run has not written yet.
func (i *Invoker) Flush(ctx context.Context) error {
	return errors.Join(i.usage.flush(ctx), i.keepRests(ctx))
}

// Stream calls a model and yields its answer: EventQueued while it waits for its
// turn, an EventModel, text and reasoning as they come, then one EventUsage with the cost and, last, one EventStop. It
// ends with one error instead of EventStop if the answer could not be had or
// did not come to its end; what came before it stands, and an EventUsage
// precedes the error if anything was used. When ctx is cancelled the upstream
// connection is closed at once and the error is the context's.
//
// Nothing happens before the sequence is ranged over; ranging over it again
// calls again. Every call is recorded, also one that the loop leaves early.
func (i *Invoker) Stream(ctx context.Context, c Call) iter.Seq2[Event, error] {
	return i.call(ctx, c, TaskChat, Recording{}, nil)
}

// Transcribe has a model turn speech into text. It goes the way of every call:
// the masker is shown the recording, which it can only let pass or refuse, and
// may hide what the text says. The recording is not kept.
func (i *Invoker) Transcribe(ctx context.Context, c TranscriptionCall) (string, error) {
	call := Call{ModelID: c.ModelID, Feature: c.Feature, Class: c.Class, Messages: []Message{{Role: RoleUser, Parts: []Part{{Type: PartAudio, Media: &c.Recording.Audio}}}}}
	var text strings.Builder
	for event, err := range i.call(ctx, call, TaskTranscription, c.Recording, nil) {
		if err != nil {
			return "", err
		}
		if event.Type == EventText {
			text.WriteString(event.Text)
		}
	}
	return text.String(), nil
}

func (i *Invoker) call(ctx context.Context, c Call, task Task, r Recording, op operation) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		v := &invocation{Invoker: i, call: c, task: task, recording: r, op: op, yield: yield, start: time.Now(), at: i.now()}
		defer v.record(ctx)
		v.metrics.active.Inc()
		defer v.metrics.active.Dec()
		v.outcome = OutcomeStopped // holds if what follows panics or the loop is left
		err := v.invoke(ctx)
		v.finish(ctx, err)
	}
}

// Bounds of trying again. What a person waits for at most is the sum of the
// waits; how long an attempt may take is the adapter's to say.
const (
	maxAttempts  = 3
	firstWait    = 500 * time.Millisecond
	longestWait  = 8 * time.Second
	maxTotalWait = 20 * time.Second // of all waits of a call; a longer Retry-After is passed on
	retryWithin  = time.Minute      // no further attempt begins later than this after its turn came
	maxFallbacks = 2

	maxRecordedID = 64 // characters of an id that somebody asked for
)

// errLeft ends an attempt whose reader has left the loop.
var errLeft = errors.New("the reader has left")

// invocation is one call on its way.
type invocation struct {
	*Invoker
	call      Call
	task      Task
	recording Recording // of a transcription; what is sent of it is in request
	op        operation // nil for words and transcriptions
	yield     func(Event, error) bool
	start     time.Time // monotonic
	at        time.Time

	principal access.Principal
	target    target // the model that is tried, or answers, and the way to it
	turn      *admission.Turn
	sent      time.Time // when its turn came
	tried     []string  // the ways that were asked before the target, for the audit log
	decision  residency.Decision
	request   Request // as it was sent
	underWay  bool    // the provider has the request and may be counting
	attempts  int
	waited    time.Duration

	delivered  bool // something of the answer has been yielded
	left       bool // yield must not be called again
	yielding   bool // the reader is at work
	said       spoken
	reported   bool // usage is the provider's
	usage      Usage
	stop       StopReason // "" until the answer has come to its end
	fields     json.RawMessage
	firstToken time.Duration
	cost       Money
	outcome    Outcome

	interventions []Intervention
}

// invoke tries the model and, where that cannot answer, those that stand in
// for it.
func (v *invocation) invoke(ctx context.Context) error {
	var err error
	if v.principal, err = access.Require(ctx); err != nil {
		return err
	}
	if len(v.call.Messages) == 0 {
		return errs.InField("messages", "a call needs at least one message")
	}
	if err := v.call.Parameters.Validate("parameters"); err != nil {
		return err
	}
	if err := v.call.checkTools(); err != nil {
		return err
	}
	var failed error // what the model before this one failed with
	tried := map[string]bool{}
	for id := v.call.ModelID; ; id = v.target.model.FallbackID {
		tried[id] = true
		sent, err := v.askModel(ctx, id, failed != nil)
		if !sent {
			if failed != nil {
				return failed // a fallback that is out of the question changes nothing
			}
			return err
		}
		failed = err
		next := v.target.model.FallbackID
		if failed == nil || ctx.Err() != nil || v.left || v.delivered || !replaceable(failed) ||
			next == "" || tried[next] || len(tried) > maxFallbacks {
			return failed
		}
		v.log.WarnContext(ctx, "model cannot answer; its fallback is asked",
			"model", v.target.model.ID, "fallback", next, "code", errs.CodeOf(failed), "run", v.call.RunID)
	}
}

// ready is a call that may go out.
type ready struct {
	request     Request
	restore     func(iter.Seq2[Event, error]) iter.Seq2[Event, error]
	reservation governance.Reservation
	input       int // tokens, by our estimate
	output      int // that the answer may have at the most; 0: not known
}

// prepare takes a call by a way to its model, which the person may use, through
// the steps before it goes out. A way that stands in for another becomes the
// target only if it passes them.
func (v *invocation) prepare(ctx context.Context, t target, standIn bool) (ready, error) {
	if err := checkInput(t.model, v.call); err != nil {
		return ready{}, err
	}
	if v.op != nil {
		if err := v.op.begin(t); err != nil {
			return ready{}, err
		}
	}
	request := Request{
		Model: t.model.RemoteID, Capabilities: t.model.Capabilities, System: v.call.System, Messages: v.call.Messages,
		Tools: v.call.Tools, ToolChoice: v.call.ToolChoice,
		Parameters: v.call.Parameters.over(t.model.Defaults).within(t.model.Capabilities), Options: t.model.Options,
	}

	// Data: what must not leave is hidden.
	request, restore, err := v.masker.Mask(ctx, request)
	if err != nil {
		return ready{}, err
	}

	// Where: the place must be permitted.
	decision := v.decide(ctx, t)
	if !standIn || decision.Allowed {
		v.decision = decision
	}
	if !decision.Allowed {
		return ready{}, barred(decision)
	}

	// A provider whose records show who asks is told, and no other.
	if namesCallers(t.connection.Settings.Roles) || showsCaller(string(t.model.Options)) {
		if request.Caller, err = v.people.Caller(ctx); err != nil {
			return ready{}, err
		}
	}

	// How much: what it will use is set aside.
	claim := governance.Claim{
		AccountID: v.principal.AccountID, GroupIDs: v.principal.GroupIDs, ModelID: t.model.ID, Feature: v.call.Feature, Operation: v.operation(),
		InputTokens: estimateInput(request), OutputTokens: t.model.Capabilities.OutputTokens,
		Audio: v.recording.Duration,
	}
	if limit := request.Parameters.MaxTokens; limit != nil {
		claim.OutputTokens = *limit
	}
	if v.op != nil {
		claim.OutputTokens, claim.Units = 0, v.op.units()
	}
	reservation, err := v.budgets.Reserve(ctx, claim)
	if err != nil {
		return ready{}, err
	}
	v.target, v.decision = t, decision
	return ready{request, restore, reservation, claim.InputTokens, claim.OutputTokens}, nil
}

// decide asks whether a call may be processed where this way leads.
func (v *invocation) decide(ctx context.Context, way target) residency.Decision {
	return v.residency.Decide(ctx, residency.Call{Place: way.place, ModelID: way.model.RemoteID, GroupIDs: v.principal.GroupIDs, Class: v.call.Class})
}

// barred is the refusal of a call that may not be processed where it would be.
func barred(d residency.Decision) error {
	e := errs.Newf(errs.ResidencyDenied, "what you write may not be processed by this model: %s", d.Reason).With("place", d.Place.String())
	for name, value := range d.Reason.Params() {
		e = e.With(name, value)
	}
	if len(d.Instead) > 0 {
		e = e.With("instead", strings.Join(d.Instead, ", "))
	}
	return e
}

// out waits for the call's turn and calls the target's provider, again where that
// is safe, and settles what was reserved. others is whether the model has other
// ways, and last whether none of them is left to try.
func (v *invocation) out(ctx context.Context, r ready, others, last bool) (err error) {
	v.request, v.reported, v.usage, v.cost = r.request, false, Usage{}, Money{}
	defer func() {
		v.account(err == nil)
		// Also when the reader has left or ctx has ended.
		spent := governance.Spent{Tokens: v.usage.total(), CostMicros: v.cost.Micros, Currency: v.cost.Currency, Audio: v.heard(), Units: v.done()}
		if err := r.reservation.Settle(context.WithoutCancel(ctx), spent); err != nil {
			v.log.ErrorContext(ctx, "reservation not settled", "model", v.target.model.ID, "account", v.principal.AccountID, "err", err)
		}
	}()
	if v.turn == nil {
		if err := v.takeTurn(ctx, r); err != nil {
			return err
		}
	} else {
		v.turn.Again(ctx)
	}
	for attempt := 1; ; attempt++ {
		allowed, err := v.attemptRoute(ctx, r, others)
		if !allowed {
			return err
		}
		v.attempts++
		if err != nil && !v.left && ctx.Err() == nil {
			v.underWay = false // it has failed: nothing more is being counted
		}
		switch {
		case err == nil || v.left:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case v.delivered || attempt == maxAttempts || !last || !passing(err):
			return err
		}
		wait, ok := v.wait(attempt, err)
		if !ok {
			return err
		}
		v.metrics.retries.WithLabelValues(string(errs.CodeOf(err))).Inc()
		v.log.InfoContext(ctx, "model call is tried again",
			"model", v.target.model.ID, "code", errs.CodeOf(err), "attempt", attempt, "wait", wait, "run", v.call.RunID)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
			v.turn.Again(ctx)
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}

// attempt calls the provider once and hands its answer on. A provider that
// panics over what it was sent fails this call, and not the answers of
// everybody else in the process.
func (v *invocation) attempt(ctx context.Context, restore func(iter.Seq2[Event, error]) iter.Seq2[Event, error]) (err error) {
	defer func() {
		if v.yielding {
			return // it is the reader who panics
		}
		if cause := recover(); cause != nil {
			v.log.ErrorContext(ctx, "panic in a model call", "model", v.target.model.ID, "run", v.call.RunID, "cause", cause, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic in a model call: %v", cause)
		}
	}()
	provider, err := v.catalogue.provider(ctx, v.target.connection)
	if err != nil {
		return err
	}
	v.underWay, v.reported, v.usage, v.stop, v.interventions = true, false, Usage{}, "", nil
	for event, err := range restore(v.ask(ctx, provider)) {
		if err != nil {
			return err
		}
		switch event.Type {
		case EventText, EventReasoning, EventToolUse:
			if !v.deliver(event) {
				return errLeft
			}
		case EventGuardrail:
			v.interventions = append(v.interventions, event.Interventions...)
		case EventUsage:
			v.usage, v.reported = event.Usage.sane(), true
		case EventStop:
			v.stop, v.fields = cmp.Or(event.StopReason, StopEnd), event.Fields
		}
	}
	if v.stop == "" {
		return errs.New(errs.ModelBrokeOff, "the answer broke off before its end")
	}
	return nil
}

// ask begins the provider's answer.
func (v *invocation) ask(ctx context.Context, p Provider) iter.Seq2[Event, error] {
	if v.op != nil {
		return v.operate(ctx, p)
	}
	if v.task != TaskTranscription {
		return p.Stream(ctx, v.request)
	}
	return func(yield func(Event, error) bool) {
		listener, ok := p.(Transcriber)
		if !ok {
			yield(Event{}, errs.Newf(errs.ModelInput, "%s cannot listen; its connection does not transcribe", v.target.model.DisplayName).
				With("kind", string(PartAudio)).With("model", v.target.model.DisplayName))
			return
		}
		recording := v.recording
		recording.Audio = *v.request.Messages[0].Parts[0].Media
		said, err := listener.Transcribe(ctx, v.request.Model, recording)
		if err != nil {
			yield(Event{}, err)
			return
		}
		if said.Text != "" && !yield(Event{Type: EventText, Text: said.Text}, nil) {
			return
		}
		if said.Usage != (Usage{}) && !yield(Event{Type: EventUsage, Usage: said.Usage}, nil) {
			return
		}
		yield(Event{Type: EventStop, StopReason: StopEnd}, nil)
	}
}

// heard is how much speech the provider has, or had when it answered.
func (v *invocation) heard() time.Duration {
	if !v.underWay {
		return 0
	}
	return v.recording.Duration
}

// deliver hands a piece of the answer on, after the name of the model.
func (v *invocation) deliver(event Event) bool {
	if !v.delivered {
		v.delivered = true
		v.firstToken = max(time.Since(v.start), 1)
		if !v.announce() {
			return false
		}
	}
	v.said.add(event)
	return v.emit(event, nil)
}

func (v *invocation) announce() bool {
	m := v.target.model
	return v.emit(Event{Type: EventModel, Answering: Answering{ModelID: m.ID, Name: m.DisplayName, Fallback: m.ID != v.call.ModelID}}, nil)
}

func (v *invocation) emit(event Event, err error) bool {
	if !v.left {
		v.yielding = true // stays if yield panics
		v.left = !v.yield(event, err)
		v.yielding = false
	}
	return !v.left
}

// account decides what the target's part of the call used and cost: the
// provider's word where it has given one, otherwise what we have seen.
func (v *invocation) account(complete bool) {
	switch {
	case v.reported && complete:
	case v.task == TaskTranscription, v.op != nil: // counted by the length of the speech, or as the operation has told
	case v.reported:
		// A provider that counts as it goes has not counted what it said last.
		if said := v.said.tokens(); said > v.usage.OutputTokens {
			v.usage.OutputTokens, v.usage.Estimated = said, true
		}
		if v.usage.InputTokens+v.usage.CacheReadTokens+v.usage.CacheWriteTokens == 0 {
			v.usage.InputTokens, v.usage.Estimated = estimateInput(v.request), true
		}
	case complete || v.delivered || v.underWay:
		// Also when it was stopped before the first word: the input is read.
		v.usage = Usage{
			InputTokens: estimateInput(v.request), OutputTokens: v.said.tokens(),
			ReasoningTokens: v.said.reasoningTokens(), Estimated: true,
		}
	}
	// Bedrock, llama.cpp and others count reasoning within the output and say no
	// more: then it has the share of it that we have seen.
	if thought := v.said.reasoningTokens(); v.usage.ReasoningTokens == 0 && thought > 0 {
		v.usage.ReasoningTokens = v.usage.OutputTokens * thought / v.said.tokens()
	}
	v.cost = v.target.model.Price.Of(v.usage)
}

// finish yields the end of the answer.
func (v *invocation) finish(ctx context.Context, err error) {
	switch {
	case v.left:
		return
	case err == nil:
		v.outcome = OutcomeComplete
		if !v.delivered && !v.announce() { // an empty answer is one too
			return
		}
	case ctx.Err() != nil:
		v.outcome = OutcomeStopped
	default:
		v.outcome = Outcome(errs.CodeOf(err))
		v.complain(ctx, err)
	}
	if v.usage != (Usage{}) && !v.emit(Event{Type: EventUsage, Usage: v.usage, Cost: v.cost}, nil) {
		return
	}
	if err != nil {
		v.emit(Event{}, err)
		return
	}
	v.emit(Event{Type: EventStop, StopReason: v.stop, Interventions: v.interventions, Fields: v.fields}, nil)
}

// complain writes down why a call failed: whoever asked hears the code, and the
// cause is for the log alone. What is internal the caller logs, like any other
// fault of ours.
func (v *invocation) complain(ctx context.Context, err error) {
	level := slog.LevelInfo // what was asked cannot be had
	switch {
	case errs.CodeOf(err) == errs.Internal:
		return
	case replaceable(err):
		level = slog.LevelWarn // the provider is at fault
	}
	v.log.Log(ctx, level, "model call failed", "code", errs.CodeOf(err), "model", v.target.model.ID, "connection", v.target.connection.ID,
		"feature", v.call.Feature, "run", v.call.RunID, "request", audit.RequestFrom(ctx).ID, "attempts", v.attempts, "err", err)
}

// wait returns how long to wait before the next attempt, or false if that is
// longer than anybody should.
func (v *invocation) wait(attempt int, err error) (time.Duration, bool) {
	wait := min(firstWait<<(attempt-1), longestWait)
	wait = wait/2 + rand.N(wait/2)
	var asked RetryAfter
	if errors.As(err, &asked) {
		// Never before the time we were given, and not all at once after it.
		if after := asked.RetryAfter(); after > 0 {
			wait = max(wait, after+rand.N(after/10+time.Millisecond))
		}
	}
	if v.waited+wait > maxTotalWait || time.Since(v.sent)+wait > retryWithin {
		return 0, false
	}
	v.waited += wait
	return wait, true
}

// passing reports whether the same call may well succeed a little later. It is
// asked only while nothing of an answer has been seen.
func passing(err error) bool {
	switch errs.CodeOf(err) {
	case errs.ModelThrottled, errs.ModelTimeout, errs.ModelFailed, errs.ModelBrokeOff:
		return true
	case errs.ModelUnreachable:
		return egress.Classify(err).Passing // a wrong name or certificate stays wrong
	}
	return false
}

// replaceable reports whether another model may answer where this one failed:
// what the provider is at fault for, not what was asked of it.
func replaceable(err error) bool {
	switch errs.CodeOf(err) {
	case errs.ModelThrottled, errs.ModelBusy, errs.ModelTimeout, errs.ModelFailed, errs.ModelBrokeOff, errs.ModelUnreachable,
		errs.ModelCredentials, errs.ModelAccessDenied, errs.ModelNotFound, errs.SecretUnreadable, errs.EgressDenied:
		return true
	}
	return false
}

// checkInput refuses what a model cannot take before anything is sent.
func checkInput(m Model, c Call) error {
	if len(c.Tools) > 0 && !m.Capabilities.Tools {
		return errs.Newf(errs.ModelInput, "%s cannot use tools; choose a model that can", m.DisplayName).
			With("kind", "tool").With("reason", "no_tools").With("model", m.DisplayName)
	}
	return walk(c.Messages, func(part Part) error {
		switch {
		case part.Type == PartImage && !m.Capabilities.Vision && m.Task != TaskImage:
			return errs.Newf(errs.ModelInput, "%s cannot see images; choose a model that can, or take the images out", m.DisplayName).
				With("kind", string(PartImage)).With("model", m.DisplayName)
		case part.Type == PartDocument && !m.Capabilities.Documents:
			return errs.Newf(errs.ModelInput, "%s does not take documents; choose a model that does, or take the documents out", m.DisplayName).
				With("kind", string(PartDocument)).With("model", m.DisplayName)
		case part.Type == PartVideo && !m.Capabilities.Video:
			return errs.Newf(errs.ModelInput, "%s cannot watch videos; choose a model that can, or take the video out", m.DisplayName).
				With("kind", string(PartVideo)).With("model", m.DisplayName)
		}
		return nil
	})
}

// record enters the call into the ledger, the audit log and the metrics, none
// of which the answer waits for.
func (v *invocation) record(ctx context.Context) {
	duration := time.Since(v.start)
	v.metrics.observe(v, duration)
	if v.principal.AccountID == "" {
		return // nobody called
	}
	m := v.target.model
	requested := label.Clip(v.call.ModelID, maxRecordedID) // it may be anything
	modelID := m.ID
	if modelID == "" {
		modelID = requested
	}
	details := map[string]string{
		"feature": v.call.Feature, "model": m.DisplayName, "requested_model_id": requested, "connection_id": v.target.connection.ID,
		"conversation_id": v.call.ConversationID, "run_id": v.call.RunID, "place": v.decision.Place.String(), "place_reason": v.decision.Reason.String(),
		"class": v.call.Class.String(), "outcome": string(v.outcome), "input_tokens": strconv.Itoa(v.usage.InputTokens), "output_tokens": strconv.Itoa(v.usage.OutputTokens),
	}
	for name, value := range v.decision.Reason.Params() {
		if name == "reason" {
			name = "code"
		}
		details["place_"+name] = value // place_rule, place_region, place_profile, …
	}
	if len(v.interventions) > 0 {
		details["guardrail"] = recorded(v.interventions)
	}
	if len(v.tried) > 0 {
		details["tried"] = strings.Join(v.tried, "; ")
	}
	if v.task == TaskTranscription {
		details["audio_ms"] = strconv.FormatInt(v.heard().Milliseconds(), 10)
	}
	if v.op != nil {
		details["operation"], details["units"] = v.operation(), strconv.Itoa(v.done())
	}
	v.Invoker.usage.add(ctx, UsageRecord{
		ID: db.NewID(), StartedAt: v.at, AccountID: v.principal.AccountID,
		ModelID: modelID, ModelName: m.DisplayName, RequestedModelID: requested, ConnectionID: v.target.connection.ID,
		Feature: v.call.Feature, ConversationID: v.call.ConversationID, RunID: v.call.RunID,
		Place: v.decision.Place.String(), PlaceReason: v.decision.Reason.String(),
		Usage: v.usage, Cost: v.cost, Outcome: v.outcome, Attempts: v.attempts, FirstToken: v.firstToken, Duration: duration,
		Audio: v.heard(), Operation: v.operation(), Units: v.done(),
	}, details)
}
