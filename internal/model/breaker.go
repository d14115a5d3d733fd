package model

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
)

// The actions on routes as the audit log names them.
const (
	auditRouteRest   = "model.route.rest"
	auditRouteResume = "model.route.resume"
)

// When a route is given a rest, and for how long.
const (
	restFor         = 30 * time.Second // until one call tries it again
	failuresInARow  = 5
	failuresAmong   = 20 // calls of a minute, of which half have failed
	failuresWithin  = time.Minute
	failuresCounted = 10 * time.Second // in pieces of
	forgetRests     = 24 * time.Hour
)

// Rest says that a route is left alone because it failed.
type Rest struct {
	ConnectionID string
	RemoteID     string
	Since        time.Time
	Until        time.Time
	Code         errs.Code // of the last failure
}

// routeKey is a connection as it was set up, and a model there. A change of the
// connection begins anew.
type routeKey struct {
	connection string
	version    int64
	remoteID   string
}

func keyOf(t target) routeKey {
	return routeKey{t.connection.ID, t.connection.version, t.model.RemoteID}
}

// breakers keeps a circuit breaker for each route, of this node.
type breakers struct {
	mu    sync.Mutex
	byKey map[routeKey]*breaker

	news    []restNews // for the store and the audit log
	wake    chan struct{}
	metrics *metrics
}

type breaker struct {
	*gobreaker.TwoStepCircuitBreaker[struct{}]
	mu   sync.Mutex
	last errs.Code
	rest Rest // its Until is zero while the route works
}

// restNews is that a route rests, or works again.
type restNews struct {
	rest   Rest
	resume bool
	again  bool // it was tried and failed: it rests on
}

func newBreakers(m *metrics) *breakers {
	return &breakers{byKey: make(map[routeKey]*breaker), wake: make(chan struct{}, 1), metrics: m}
}

// errNoVerdict is the end of a call that says nothing of its route.
var errNoVerdict = errors.New("ended before the route could be judged")

func (b *breakers) of(t target) *breaker {
	key := keyOf(t)
	b.mu.Lock()
	defer b.mu.Unlock()
	if found := b.byKey[key]; found != nil {
		return found
	}
	for old := range b.byKey { // as the connection was before
		if old.connection == key.connection && old.version < key.version {
			delete(b.byKey, old)
		}
	}
	made := &breaker{}
	made.TwoStepCircuitBreaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests: 1, Timeout: restFor, Interval: failuresWithin, BucketPeriod: failuresCounted,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			return c.ConsecutiveFailures >= failuresInARow || c.Requests >= failuresAmong && 2*c.TotalFailures >= c.Requests
		},
		IsExcluded:    func(err error) bool { return errors.Is(err, errNoVerdict) },
		OnStateChange: func(_ string, from, to gobreaker.State) { b.changed(made, key, from, to) },
	})
	b.byKey[key] = made
	return made
}

// changed takes note of a state. It is called under the breaker's own lock.
func (b *breakers) changed(of *breaker, key routeKey, from, to gobreaker.State) {
	now := time.Now()
	of.mu.Lock()
	switch to {
	case gobreaker.StateOpen:
		if of.rest.Since.IsZero() {
			of.rest = Rest{ConnectionID: key.connection, RemoteID: key.remoteID, Since: now}
		}
		of.rest.Until, of.rest.Code = now.Add(restFor), of.last
	case gobreaker.StateHalfOpen:
		of.mu.Unlock()
		return
	case gobreaker.StateClosed:
	}
	news := restNews{rest: of.rest, resume: to == gobreaker.StateClosed, again: from == gobreaker.StateHalfOpen}
	if news.resume {
		of.rest = Rest{}
	}
	of.mu.Unlock()
	state := "rest"
	if news.resume {
		state = "resume"
	}
	b.metrics.rests.WithLabelValues(state, key.remoteID).Inc()
	b.mu.Lock()
	b.news = append(b.news, news)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default: // the writer will see it
	}
}

// rests returns until when a route is left alone, or the zero Rest.
func (b *breakers) rests(t target) Rest {
	of := b.of(t)
	if of.State() != gobreaker.StateOpen {
		return Rest{}
	}
	of.mu.Lock()
	defer of.mu.Unlock()
	return of.rest
}

// awake returns ways with those that rest left out. If all rest it returns the
// first, whose call says why.
func (b *breakers) awake(ways []target) []target {
	awake := make([]target, 0, len(ways))
	for _, t := range ways {
		if b.rests(t).Until.IsZero() {
			awake = append(awake, t)
		}
	}
	if len(awake) == 0 {
		return ways[:min(len(ways), 1)]
	}
	return awake
}

// begin lets a call out by a route. done says how it ended; it must be called.
// The error is what the route failed with, while it rests.
func (b *breakers) begin(t target) (done func(error), err error) {
	of := b.of(t)
	allowed, err := of.Allow()
	if err != nil {
		of.mu.Lock()
		rest := of.rest
		of.mu.Unlock()
		if rest.Code == "" {
			rest.Code = errs.ModelFailed
		}
		return nil, errs.Newf(rest.Code, "%s has failed several times in a row and is left alone until %s", t.model.DisplayName, rest.Until.UTC().Format(time.RFC3339)).
			With("until", rest.Until.UTC().Format(time.RFC3339))
	}
	return func(err error) {
		if err != nil && !errors.Is(err, errNoVerdict) {
			of.mu.Lock()
			of.last = errs.CodeOf(err)
			of.mu.Unlock()
		}
		allowed(err)
	}, nil
}

// verdict is what the end of an attempt says of its route: nil that it works,
// errNoVerdict nothing. others is whether there are other ways: a route that
// is only too busy is given a rest where another can take over, and otherwise
// asked for less.
func verdict(ctx context.Context, err error, said, others bool) error {
	switch code := errs.CodeOf(err); {
	case err == nil:
		return nil
	case ctx.Err() != nil || errors.Is(err, errLeft):
		if said {
			return nil
		}
		return errNoVerdict
	case code == errs.ModelThrottled && !others:
		return errNoVerdict
	case replaceable(err):
		return err
	case code == errs.ModelContextTooLong || code == errs.ModelRefused || code == errs.ModelInvalidRequest || code == errs.ModelInput:
		return nil // it answers
	}
	return errNoVerdict
}

// unkept returns the news that have not been kept.
func (b *breakers) unkept() []restNews {
	b.mu.Lock()
	defer b.mu.Unlock()
	news := b.news
	b.news = nil
	return news
}

func (b *breakers) putBack(news []restNews) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.news = append(news, b.news...)
}

// keepRests writes down which routes rest, for the administrators of all
// nodes, and audits that they do.
func (i *Invoker) keepRests(ctx context.Context) error {
	news := i.breakers.unkept()
	if len(news) == 0 {
		return nil
	}
	err := i.usage.db.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM route_rests WHERE until_at < $1`, i.now().Add(-forgetRests).UnixMilli()); err != nil {
			return fmt.Errorf("forget old rests of routes: %w", err)
		}
		for _, n := range news {
			if err := i.keepRest(ctx, tx, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		i.breakers.putBack(news)
	}
	return err
}

const upsertRestQuery = `
	INSERT INTO route_rests (node, connection_id, remote_id, began_at, until_at, code) VALUES ($1, $2, $3, $4, $5, $6)
	ON CONFLICT (node, connection_id, remote_id) DO UPDATE SET began_at = excluded.began_at, until_at = excluded.until_at, code = excluded.code`

func (i *Invoker) keepRest(ctx context.Context, tx *db.Tx, n restNews) error {
	r := n.rest
	action, outcome := auditRouteRest, audit.Failure
	var err error
	if n.resume {
		action, outcome = auditRouteResume, audit.Success
		_, err = tx.ExecContext(ctx, `DELETE FROM route_rests WHERE node = $1 AND connection_id = $2 AND remote_id = $3`, i.node, r.ConnectionID, r.RemoteID)
	} else {
		_, err = tx.ExecContext(ctx, upsertRestQuery, i.node, r.ConnectionID, r.RemoteID, r.Since.UnixMilli(), r.Until.UnixMilli(), string(r.Code))
	}
	if err != nil {
		return fmt.Errorf("keep the rest of a route: %w", err)
	}
	if n.again && !n.resume {
		return nil // it is on record that it rests
	}
	details := map[string]string{"remote_id": r.RemoteID, "code": string(r.Code), "since": r.Since.UTC().Format(time.RFC3339), "node": i.node}
	return i.usage.audit.Record(ctx, audit.Event{
		Action: action, Resource: audit.Resource{Kind: string(access.KindConnection), ID: r.ConnectionID}, Outcome: outcome, Details: details,
	})
}

// runRests keeps the rests of routes until ctx ends.
func (i *Invoker) runRests(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-i.breakers.wake:
			if err := i.keepRests(ctx); err != nil && ctx.Err() == nil {
				i.log.ErrorContext(ctx, "that a route rests is not on record yet", "err", err)
				select {
				case <-time.After(usageRetry):
				case <-ctx.Done():
					return
				}
				select {
				case i.breakers.wake <- struct{}{}:
				default:
				}
			}
		}
	}
}

// Rests returns the routes that rest, as the nodes have found.
func (c *Catalogue) Rests(ctx context.Context) ([]Rest, error) {
	if _, err := access.Authorize(ctx, access.ModelRead, access.Resource{Kind: access.KindModel}); err != nil {
		return nil, err
	}
	const query = `SELECT connection_id, remote_id, MIN(began_at), MAX(until_at), MAX(code) FROM route_rests WHERE until_at > $1 GROUP BY connection_id, remote_id`
	rows, err := c.db.QueryContext(ctx, query, c.now().UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("list routes that rest: %w", err)
	}
	defer rows.Close()
	list := []Rest{}
	for rows.Next() {
		var r Rest
		var since, until int64
		if err := rows.Scan(&r.ConnectionID, &r.RemoteID, &since, &until, &r.Code); err != nil {
			return nil, fmt.Errorf("list routes that rest: %w", err)
		}
		r.Since, r.Until = fromMillis(since), fromMillis(until)
		list = append(list, r)
	}
	return list, rows.Err()
}
