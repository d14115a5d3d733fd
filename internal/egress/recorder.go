package egress

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"kakoi/internal/audit"
	"kakoi/internal/db"
)

// flushEvery is how much of the record a killed process can lose at most.
const flushEvery = 30 * time.Second

// Auditor writes audit events.
type Auditor interface {
	Record(ctx context.Context, e audit.Event) error
}

// Recorder keeps the gate's counters in the store, one row for each node,
// purpose, destination and hour, and writes an audit event for the refusals
// since the last: an attempt that is repeated a thousand times is one event.
type Recorder struct {
	gate  *Gate
	db    *db.DB
	audit Auditor
	node  string
	// version is the program's, as the report names it.
	version string
	started time.Time
	now     func() time.Time
	log     *slog.Logger

	mu      sync.Mutex // one flush at a time
	flushed map[flowKey]Record
}

// NewRecorder returns a recorder of what the gate of node lets out, which runs
// the program in version.
func NewRecorder(gate *Gate, store *db.DB, record Auditor, node, version string, now func() time.Time, log *slog.Logger) *Recorder {
	return &Recorder{
		gate: gate, db: store, audit: record, node: node, version: version, started: now(), now: now, log: log, flushed: make(map[flowKey]Record),
	}
}

// Run flushes at once and then from time to time until ctx ends, and then once
// more. Between two flushes it is on record that nothing is missing.
func (r *Recorder) Run(ctx context.Context) {
	if err := r.Flush(ctx); err != nil && ctx.Err() == nil {
		r.log.ErrorContext(ctx, "egress record not begun; it will be with the next", "err", err)
	}
	ticker := time.NewTicker(flushEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if err := r.Flush(ctx); err != nil && ctx.Err() == nil {
				r.log.ErrorContext(ctx, "egress record not written; it will be with the next", "err", err)
			}
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			if err := r.flush(last, true); err != nil {
				r.log.ErrorContext(last, "last egress record not written", "err", err)
			}
			return
		}
	}
}

const addToRecord = `
	INSERT INTO egress_records (node, purpose, destination, hour, dials, failures, refusals, bytes_sent, bytes_received)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
	ON CONFLICT (node, purpose, destination, hour) DO UPDATE SET
		dials          = egress_records.dials          + excluded.dials,
		failures       = egress_records.failures       + excluded.failures,
		refusals       = egress_records.refusals       + excluded.refusals,
		bytes_sent     = egress_records.bytes_sent     + excluded.bytes_sent,
		bytes_received = egress_records.bytes_received + excluded.bytes_received`

const watch = `
	INSERT INTO egress_watches (node, version, started_at, seen_at, ended) VALUES ($1, $2, $3, $4, $5)
	ON CONFLICT (node) DO UPDATE SET seen_at = excluded.seen_at, ended = excluded.ended`

// Flush adds what happened since the last flush to the current hour, and notes
// until when the record is whole. What could not be written is kept for the
// next.
func (r *Recorder) Flush(ctx context.Context) error { return r.flush(ctx, false) }

func (r *Recorder) flush(ctx context.Context, last bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now().UTC()
	hour := now.Truncate(time.Hour).UnixMilli()
	var changed []Record
	for _, record := range r.gate.Snapshot() {
		if since(record, r.flushed[flowKey{record.Purpose, record.Destination}]) != (Record{Purpose: record.Purpose, Destination: record.Destination}) {
			changed = append(changed, record)
		}
	}
	ended := 0
	if last {
		ended = 1
	}
	err := r.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.ExecContext(ctx, watch, r.node, r.version, r.started.UnixMilli(), now.UnixMilli(), ended); err != nil {
			return fmt.Errorf("record that egress is recorded: %w", err)
		}
		for _, record := range changed {
			d := since(record, r.flushed[flowKey{record.Purpose, record.Destination}])
			_, err := tx.ExecContext(ctx, addToRecord, r.node, d.Purpose, d.Destination, hour,
				d.Dials, d.Failures, d.Refusals, d.BytesSent, d.BytesReceived)
			if err != nil {
				return fmt.Errorf("record egress to %s: %w", d.Destination, err)
			}
			if d.Refusals == 0 {
				continue
			}
			err = r.audit.Record(ctx, audit.Event{
				Action: "egress.refuse", Resource: audit.Resource{Kind: "destination", ID: d.Destination}, Outcome: audit.Denied,
				Details: map[string]string{"purpose": d.Purpose, "refusals": strconv.FormatInt(d.Refusals, 10), "node": r.node},
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, record := range changed {
		r.flushed[flowKey{record.Purpose, record.Destination}] = record
	}
	return nil
}

// since returns what now has more than before. Open connections are a state,
// not an amount, and stay out.
func since(now, before Record) Record {
	return Record{
		Purpose: now.Purpose, Destination: now.Destination,
		Dials: now.Dials - before.Dials, Failures: now.Failures - before.Failures, Refusals: now.Refusals - before.Refusals,
		BytesSent: now.BytesSent - before.BytesSent, BytesReceived: now.BytesReceived - before.BytesReceived,
	}
}
