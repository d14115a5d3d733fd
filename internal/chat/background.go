package chat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/errs"
)

// Channels between the nodes of one store.
const (
	stopChannel   = "chat_stop"   // payload: a run id to stop
	flushChannel  = "chat_flush"  // payload: run ids, comma-separated, that have more to read
	personChannel = "chat_person" // payload: JSON of a ChangeEvent and its person
)

const (
	beatEvery  = 2 * time.Second
	deadAfter  = 15 * time.Second
	sweepEvery = 10 * time.Minute
	sealRest   = 5 * time.Millisecond // between the files that are sealed after an upgrade
)

// Recover closes the runs of processes that are no more. Call it before the
// first request.
func (s *Service) Recover(ctx context.Context) error {
	if err := s.beat(ctx, s.node, s.started, s.now()); err != nil {
		return err
	}
	since := s.now().Add(-deadAfter)
	if s.db.Engine() == db.SQLite {
		since = s.now().Add(time.Hour) // the file has one server: every other is dead
	}
	return s.recoverOrphans(ctx, since)
}

func (s *Service) recoverOrphans(ctx context.Context, since time.Time) error {
	ids, err := s.orphans(ctx, s.node, since)
	if err != nil {
		return fmt.Errorf("look for interrupted runs: %w", err)
	}
	for _, id := range ids {
		if err := s.recoverRun(ctx, id); err != nil {
			return fmt.Errorf("recover run %s: %w", id, err)
		}
	}
	if len(ids) > 0 {
		s.log.InfoContext(ctx, "runs of a stopped server were interrupted", "count", len(ids))
		s.wakeNodes(ctx, ids)
	}
	return nil
}

// recoverRun writes what an interrupted run had flushed into its message.
func (s *Service) recoverRun(ctx context.Context, id string) error {
	return s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		var messageID string
		if err := tx.QueryRowContext(ctx, `SELECT message_id FROM runs WHERE id = $1`, id).Scan(&messageID); err != nil {
			return err
		}
		m, err := s.message(ctx, tx, messageID)
		if err != nil {
			return err
		}
		segs, err := s.segments(ctx, tx, id, 0)
		if err != nil {
			return err
		}
		if m.Parts, err = assemble(m.Parts, segs); err != nil {
			return err
		}
		m.Status, m.FinishedAt = StatusInterrupted, s.now()
		m.Failure = &Failure{Code: errs.RunInterrupted, Detail: errShutdown.Message}
		if mine, err := s.endRun(ctx, tx, id, StatusInterrupted, m.FinishedAt); err != nil || !mine {
			return err
		}
		return s.writeOutcome(ctx, tx, m)
	})
}

// Run flushes answers, tells the other nodes that this one lives, hears what
// they say and clears up, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	stops, end := s.db.Subscribe(stopChannel)
	defer end()
	flushes, end := s.db.Subscribe(flushChannel)
	defer end()
	persons, end := s.db.Subscribe(personChannel)
	defer end()
	flush, beat, sweep := time.NewTicker(s.every), time.NewTicker(beatEvery), time.NewTicker(sweepEvery)
	defer flush.Stop()
	defer beat.Stop()
	defer sweep.Stop()
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() { s.index.Run(ctx) })
	beside.Go(func() {
		if err := s.files.SealExisting(ctx, sealRest); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "files that were stored before are not all sealed yet; the next start goes on", "err", err)
		}
	})
	flushed := make(chan struct{}, 1)
	flushed <- struct{}{}
	lastBeat := time.Now()
	for {
		select {
		case <-ctx.Done():
			return s.forgetNode(context.WithoutCancel(ctx), s.node, s.now().Add(-24*time.Hour))
		case <-flush.C:
			select {
			case <-flushed: // one at a time; a slow store makes flushes rarer, not more
				go func() { s.flush(context.WithoutCancel(ctx)); flushed <- struct{}{} }()
			default:
			}
		case <-beat.C:
			if err := s.beatAndStop(ctx); err != nil {
				s.log.WarnContext(ctx, "the store does not answer", "err", err)
				if time.Since(lastBeat) > deadAfter { // the others take us for dead
					for _, l := range s.running() {
						l.cancel(errShutdown)
					}
				}
				continue
			}
			lastBeat = time.Now()
		case <-sweep.C:
			err := s.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
				return s.deleteUnsent(ctx, tx, s.now().Add(-unsentFor))
			})
			if err := errors.Join(err, s.sweep(ctx, s.now().Add(-restorableFor))); err != nil {
				s.log.WarnContext(ctx, "clearing up failed", "err", err)
			}
		case id := <-stops:
			s.endHere(id, errStopped) // "" is no run; the beat finds what was missed
		case ids := <-flushes:
			s.hub.wakeRuns(ids)
		case payload := <-persons:
			s.hub.heard(payload)
		}
	}
}

func (s *Service) beatAndStop(ctx context.Context) error {
	if err := s.beat(ctx, s.node, s.started, s.now()); err != nil {
		return err
	}
	ids, err := s.stopsFor(ctx, s.node)
	if err != nil {
		return err
	}
	for _, id := range ids {
		s.endHere(id, errStopped)
	}
	if s.db.Engine() == db.SQLite {
		return nil
	}
	return s.recoverOrphans(ctx, s.now().Add(-deadAfter))
}

// flushRuns bounds the runs of one transaction of a flush: whoever asks a
// question meanwhile waits for one of them and not for all.
const flushRuns = 128

// flush writes what every run has said since the last time, runs that began
// together beside each other, as they lie in the store.
func (s *Service) flush(ctx context.Context) {
	all := s.running()
	slices.SortFunc(all, func(a, b *running) int { return strings.Compare(a.run.ID, b.run.ID) })
	for some := range slices.Chunk(all, flushRuns) {
		s.flushSome(ctx, some)
	}
}

// flushSome writes what these runs have said, in one transaction.
func (s *Service) flushSome(ctx context.Context, some []*running) {
	var segs []segment
	var of []*running
	var ids []string
	for _, l := range some {
		if !l.writing.TryLock() {
			continue
		}
		more := l.unwritten()
		if len(more) == 0 {
			l.writing.Unlock()
			continue
		}
		defer l.writing.Unlock()
		segs, of, ids = append(segs, more...), append(of, l), append(ids, l.run.ID)
	}
	if len(segs) == 0 {
		return
	}
	err := s.db.TransactByKey(ctx, func(ctx context.Context, tx *db.Tx) error { return s.insertSegments(ctx, tx, segs) })
	if err == nil {
		s.wakeNodes(ctx, ids)
		return
	}
	if !errors.Is(err, context.Canceled) {
		s.log.WarnContext(ctx, "answers could not be written to the store; they will be tried again", "runs", len(ids), "err", err)
	}
	for _, l := range of {
		var own []segment
		for _, g := range segs {
			if g.runID == l.run.ID {
				own = append(own, g)
			}
		}
		l.unwrite(own)
	}
}
