package identity

import (
	"context"
	"sync"

	"kakoi/internal/access"
	"kakoi/internal/errs"
)

// watchers are the streams that end with their session. Adding one costs an
// entry in a map and no goroutine.
type watchers struct {
	mu        sync.Mutex
	byAccount map[string]map[*watcher]struct{}
}

type watcher struct {
	accountID string
	sessionID string
	end       context.CancelCauseFunc
}

func (ws *watchers) add(w *watcher) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.byAccount == nil {
		ws.byAccount = map[string]map[*watcher]struct{}{}
	}
	if ws.byAccount[w.accountID] == nil {
		ws.byAccount[w.accountID] = map[*watcher]struct{}{}
	}
	ws.byAccount[w.accountID][w] = struct{}{}
}

func (ws *watchers) remove(w *watcher) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	delete(ws.byAccount[w.accountID], w)
	if len(ws.byAccount[w.accountID]) == 0 {
		delete(ws.byAccount, w.accountID)
	}
}

func (ws *watchers) of(accountID string) []*watcher {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	list := make([]*watcher, 0, len(ws.byAccount[accountID]))
	for w := range ws.byAccount[accountID] {
		list = append(list, w)
	}
	return list
}

func (ws *watchers) all() []*watcher {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	var list []*watcher
	for _, byAccount := range ws.byAccount {
		for w := range byAccount {
			list = append(list, w)
		}
	}
	return list
}

// Watch returns a context for something that outlasts a request's first answer,
// such as a stream. It is done when ctx is, when the returned function is
// called, and when the session of ctx's principal ends, be it signed out,
// expired, revoked, or its account disabled, on whichever node; its
// context.Cause then has code Unauthenticated. The error has that code if the
// session has ended already.
func (s *Service) Watch(ctx context.Context) (context.Context, context.CancelFunc, error) {
	p, err := access.Require(ctx)
	if err != nil {
		return nil, nil, err
	}
	watched, end := context.WithCancelCause(ctx)
	w := &watcher{accountID: p.AccountID, sessionID: p.SessionID, end: end}
	s.watchers.add(w)
	context.AfterFunc(watched, func() { s.watchers.remove(w) })
	// Only now: an end before this line is seen here, one after it is told.
	alive, err := selectAlive(ctx, s.db, []string{p.SessionID}, s.now(), s.idle)
	if err == nil && !alive[p.SessionID] {
		err = sessionEnded()
	}
	if err != nil {
		end(err)
		return nil, nil, err
	}
	return watched, func() { end(context.Canceled) }, nil
}

func sessionEnded() error {
	return errs.New(errs.Unauthenticated, "your session has ended; sign in again")
}

// sessionsChanged ends the watched streams of an account whose session is gone.
// If the store cannot tell, all of the account's streams end: a reader who is
// still signed in comes back at once, one who is not must not stay.
func (s *Service) sessionsChanged(ctx context.Context, accountID string) {
	list := s.watchers.of(accountID)
	if err := s.recheck(ctx, list); err != nil {
		s.log.ErrorContext(ctx, "cannot tell which sessions have ended; ending all streams of the account", "account_id", accountID, "err", err)
		for _, w := range list {
			w.end(sessionEnded())
		}
	}
}

// recheckChunk bounds the parameters of one query.
const recheckChunk = 500

// recheck asks the store which sessions of list are alive and ends the others.
func (s *Service) recheck(ctx context.Context, list []*watcher) error {
	for len(list) > 0 {
		n := min(recheckChunk, len(list))
		chunk := list[:n]
		list = list[n:]
		ids := make([]string, len(chunk))
		for i, w := range chunk {
			ids[i] = w.sessionID
		}
		alive, err := selectAlive(ctx, s.db, ids, s.now(), s.idle)
		if err != nil {
			return err
		}
		for _, w := range chunk {
			if !alive[w.sessionID] {
				w.end(sessionEnded())
			}
		}
	}
	return nil
}
