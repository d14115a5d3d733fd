// Package identity says who a person is: accounts and their passwords, the
// link that lets the first administrator in, signing in and out, sessions, and
// a person's preferences.
//
// Every method that acts for somebody takes the principal from its context and
// asks access whether it may. Every act leaves one audit event, in the act's
// own transaction.
package identity

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/identity/factor"
)

// Options are what a Service is made from.
type Options struct {
	DB     *db.DB
	Audit  *audit.Log
	Groups *access.Groups
	Roles  *access.Roles
	Units  *access.Units
	Charts *access.Charts
	// Factors are the second factors; nil: there are none.
	Factors *factor.Service
	Log     *slog.Logger     // nil discards
	Now     func() time.Time // nil is time.Now
	Random  io.Reader        // nil is crypto/rand

	// SessionIdle ends a session that nobody used for so long, and
	// SessionLifetime ends it however much it is used. Both must be set.
	SessionIdle     time.Duration
	SessionLifetime time.Duration
}

// Service is the identity of the people of one installation. It is safe for
// concurrent use; Run must be going for it to hear of the other nodes.
type Service struct {
	db       *db.DB
	audit    *audit.Log
	groups   *access.Groups
	roles    *access.Roles
	units    *access.Units
	charts   *access.Charts
	factors  *factor.Service
	log      *slog.Logger
	now      func() time.Time
	random   io.Reader
	idle     time.Duration
	lifetime time.Duration

	passwords *hasher
	byAccount *throttle // failures to prove who one is, by account
	byAddress *throttle // the same, by where they come from
	blindKey  []byte    // hides what was typed where no account has that e-mail
	watchers  watchers
	marking   sync.Map // ids of sessions whose last use is being written down
}

// New returns a Service over o.
func New(o Options) (*Service, error) {
	s := &Service{
		db: o.DB, audit: o.Audit, groups: o.Groups, roles: o.Roles, units: o.Units, charts: o.Charts, factors: o.Factors, log: o.Log, now: o.Now, random: o.Random,
		idle: o.SessionIdle, lifetime: o.SessionLifetime,
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.random == nil {
		s.random = rand.Reader
	}
	if s.idle <= 0 || s.lifetime <= 0 {
		return nil, fmt.Errorf("a session cannot last for %v idle and %v in all", s.idle, s.lifetime)
	}
	s.passwords = newHasher(recommended, s.random)
	s.byAccount = newThrottle(accountPatience, s.now)
	s.byAddress = newThrottle(addressPatience, s.now)
	s.blindKey = make([]byte, sha256.Size)
	if _, err := io.ReadFull(s.random, s.blindKey); err != nil {
		return nil, fmt.Errorf("read randomness: %w", err)
	}
	return s, nil
}

const (
	tokenBytes = 32 // 256 bits
	tokenChars = 43 // in unpadded base64
)

// newToken returns a secret that is shown once and the hash of it that is kept.
func (s *Service) newToken() (token string, hash []byte, err error) {
	b := make([]byte, tokenBytes)
	if _, err := io.ReadFull(s.random, b); err != nil {
		return "", nil, fmt.Errorf("read randomness: %w", err)
	}
	token = base64.RawURLEncoding.EncodeToString(b)
	return token, hashToken(token), nil
}

// hashToken needs no salt and no slow hash: what it hashes cannot be guessed.
func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// blind stands for text in the record that may be a mistyped password. Equal
// texts look equal for as long as the process lives, and nothing leads back.
func (s *Service) blind(text string) string {
	mac := hmac.New(sha256.New, s.blindKey)
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// Intervals of Run.
const (
	recheckEvery = time.Minute
	sweepEvery   = 10 * time.Minute
	retryAfter   = 2 * time.Second
)

// Run ends watched streams when their sessions end elsewhere or run out, and
// sweeps what has expired, until ctx is done.
func (s *Service) Run(ctx context.Context) {
	changed, unsubscribe := s.db.Subscribe(access.Changed)
	defer unsubscribe()
	recheck := time.NewTimer(recheckEvery)
	defer recheck.Stop()
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	recheckAll := func() {
		if err := s.recheck(ctx, s.watchers.all()); err != nil {
			s.log.ErrorContext(ctx, "cannot tell whose sessions have ended; trying again", "err", err)
			recheck.Reset(retryAfter)
			return
		}
		recheck.Reset(recheckEvery)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case account, ok := <-changed:
			switch {
			case !ok:
				return // the store has been closed
			case account == "": // something may have been missed
				recheckAll()
			default:
				s.sessionsChanged(ctx, account)
			}
		case <-recheck.C:
			recheckAll()
		case <-sweep.C:
			if err := s.Sweep(ctx); err != nil {
				s.log.ErrorContext(ctx, "cannot sweep ended sessions", "err", err)
			}
		}
	}
}

// stored returns t as the store gives it back.
func stored(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }
