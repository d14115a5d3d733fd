package model

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/model/tokenest"
)

// Outcome says how a call ended: one of the constants, or the code of its error.
type Outcome string

// The outcomes that are no errors.
const (
	OutcomeComplete Outcome = "complete"
	OutcomeStopped  Outcome = "stopped" // by the person, or because nobody listened any more
)

// UsageRecord is what one call used, whatever came of it.
type UsageRecord struct {
	ID               string
	StartedAt        time.Time
	AccountID        string
	ModelID          string // the model that answered, or tried last
	ModelName        string
	RequestedModelID string
	ConnectionID     string
	Feature          string
	ConversationID   string
	RunID            string
	Place            string // where it was processed
	PlaceReason      string // why that was permitted or refused
	Usage            Usage
	Cost             Money
	Outcome          Outcome
	Attempts         int           // that reached for the provider
	FirstToken       time.Duration // 0 when nothing came
	Duration         time.Duration
	Audio            time.Duration // of speech that was sent
	Operation        string        // the task, or what else was asked of a model: "count_tokens"
	Units            int           // images, searches or units of text, by the operation
}

// Add returns what two calls used together.
func (u Usage) Add(v Usage) Usage {
	return Usage{
		InputTokens: u.InputTokens + v.InputTokens, OutputTokens: u.OutputTokens + v.OutputTokens,
		ReasoningTokens: u.ReasoningTokens + v.ReasoningTokens, CacheReadTokens: u.CacheReadTokens + v.CacheReadTokens,
		CacheWriteTokens: u.CacheWriteTokens + v.CacheWriteTokens, Estimated: u.Estimated || v.Estimated,
	}
}

// sane returns u without the negative or absurd numbers of a broken provider.
func (u Usage) sane() Usage {
	for _, n := range []*int{&u.InputTokens, &u.OutputTokens, &u.ReasoningTokens, &u.CacheReadTokens, &u.CacheWriteTokens} {
		*n = min(max(*n, 0), maxTokens)
	}
	return u
}

// total returns the tokens of u; reasoning is part of the output.
func (u Usage) total() int {
	return u.InputTokens + u.OutputTokens + u.CacheReadTokens + u.CacheWriteTokens
}

// spoken keeps what a model has said until it is known whether it must be
// counted by us.
type spoken struct{ text, reasoning strings.Builder }

func (s *spoken) add(e Event) {
	if e.Type == EventReasoning {
		s.reasoning.WriteString(e.Text)
		return
	}
	s.text.WriteString(e.Text)
	s.text.WriteString(e.ToolUse.Name)
	s.text.Write(e.ToolUse.Input)
}

func (s *spoken) tokens() int { return tokenest.Text(s.text.String()) + s.reasoningTokens() }

func (s *spoken) reasoningTokens() int { return tokenest.Text(s.reasoning.String()) }

// bytesPerDocumentToken is a guess for files whose text only the provider
// extracts: of an office file or a PDF, a small part is text.
const bytesPerDocumentToken = 50

// videoTokens is a guess for a video: a frame a second for some minutes.
const videoTokens = 20_000

// estimateInput estimates the input tokens of r.
func estimateInput(r Request) int {
	n := tokenest.Text(r.System)
	for _, tool := range r.Tools {
		n += tokenest.PerMessage + tokenest.Text(tool.Name) + tokenest.Text(tool.Description) + tokenest.Text(string(tool.InputSchema))
	}
	n += len(r.Messages) * tokenest.PerMessage
	_ = walk(r.Messages, func(p Part) error {
		n += tokenest.Text(p.Text)
		if p.ToolUse != nil {
			n += tokenest.Text(p.ToolUse.Name) + tokenest.Text(string(p.ToolUse.Input))
		}
		switch {
		case p.Media == nil:
		case p.Type == PartImage:
			n += tokenest.PerImage
		case p.Type == PartVideo:
			n += videoTokens
		case strings.HasPrefix(p.Media.MediaType, "text/"):
			n += tokenest.Text(string(p.Media.Data))
		default:
			n += len(p.Media.Data) / bytesPerDocumentToken
		}
		return nil
	})
	return n
}

const (
	usageBatch  = 200     // records of one transaction
	usageBuffer = 100_000 // records that wait for a store that is away
	usageRetry  = time.Second
	usageLast   = 10 * time.Second // for what is left when the process ends
)

// ledger writes usage and audit events behind the calls' backs, so that no
// answer waits for the store.
type ledger struct {
	db    *db.DB
	audit Auditor
	log   *slog.Logger
	wake  chan struct{}

	mu      sync.Mutex
	pending []usageEntry
	lost    int

	writing sync.Mutex // one writer at a time
}

type usageEntry struct {
	record  UsageRecord
	actor   audit.Actor
	request audit.RequestInfo
	details map[string]string
}

func newLedger(d *db.DB, a Auditor, log *slog.Logger) *ledger {
	return &ledger{db: d, audit: a, log: log, wake: make(chan struct{}, 1)}
}

// add takes a record; ctx says who acts and for which request.
func (l *ledger) add(ctx context.Context, r UsageRecord, details map[string]string) {
	p, _ := access.From(ctx)
	e := usageEntry{
		record: r, details: details,
		actor: audit.Actor{AccountID: r.AccountID, SessionID: p.SessionID}, request: audit.RequestFrom(ctx),
	}
	l.mu.Lock()
	if len(l.pending) < usageBuffer {
		l.pending = append(l.pending, e)
	} else {
		l.lost++
	}
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default: // the writer will see it
	}
}

func (l *ledger) run(ctx context.Context) {
	for {
		select {
		case <-l.wake:
			if err := l.flush(ctx); err != nil && ctx.Err() == nil {
				l.log.ErrorContext(ctx, "usage not written; it will be tried again", "err", err)
				select {
				case <-time.After(usageRetry):
				case <-ctx.Done():
				}
				select {
				case l.wake <- struct{}{}:
				default:
				}
			}
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), usageLast)
			defer cancel()
			if err := l.flush(last); err != nil {
				l.log.ErrorContext(last, "the last usage was not written", "err", err)
			}
			return
		}
	}
}

// flush writes everything that waits.
func (l *ledger) flush(ctx context.Context) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	for {
		l.mu.Lock()
		batch := l.pending[:min(len(l.pending), usageBatch)]
		lost := l.lost
		l.lost = 0
		l.mu.Unlock()
		if lost > 0 {
			l.log.ErrorContext(ctx, "usage was lost because the store was away for too long", "records", lost)
		}
		if len(batch) == 0 {
			return nil
		}
		if err := l.write(ctx, batch); err != nil {
			return err
		}
		l.mu.Lock()
		l.pending = l.pending[len(batch):]
		if len(l.pending) == 0 {
			l.pending = nil // and its array with it
		}
		l.mu.Unlock()
	}
}

func (l *ledger) write(ctx context.Context, batch []usageEntry) error {
	return l.db.TransactByKey(ctx, func(ctx context.Context, tx *db.Tx) error {
		for _, e := range batch {
			if err := insertUsage(ctx, tx, e.record); err != nil {
				return err
			}
			err := l.audit.Record(audit.WithRequest(audit.WithActor(ctx, e.actor), e.request), audit.Event{
				Action:   "model.invoke",
				Resource: audit.Resource{Kind: string(access.KindModel), ID: e.record.ModelID},
				Outcome:  auditOutcome(e.record.Outcome),
				Details:  e.details,
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func auditOutcome(o Outcome) audit.Outcome {
	switch errs.Code(o) {
	case errs.Code(OutcomeComplete), errs.Code(OutcomeStopped):
		return audit.Success
	case errs.ModelUnavailable, errs.Forbidden, errs.ResidencyDenied, errs.ResourceExceeded, errs.EgressDenied:
		return audit.Denied
	}
	return audit.Failure
}
