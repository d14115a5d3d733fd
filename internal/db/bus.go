package db

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"kakoi/internal/errs"
)

const (
	// maxPayload keeps a notification with its channel under the 8,000 bytes
	// that PostgreSQL allows.
	maxPayload = 7000
	maxChannel = 200
	// subscriberBuffer is how far a reader may fall behind before it is told
	// to read again from the store.
	subscriberBuffer = 256
	// postgresChannel carries all our channels, so that subscribing costs no
	// round trip and a reconnect has one LISTEN to repeat.
	postgresChannel = "kakoi"
)

// Publish tells every subscriber of channel, on every node, that something
// happened. With the context of a transaction it is told when, and only if,
// that transaction commits.
func (d *DB) Publish(ctx context.Context, channel, payload string) error {
	switch {
	case channel == "" || len(channel) > maxChannel || strings.ContainsRune(channel, '\n'):
		return errs.Newf(errs.Internal, "publish: %q is not a channel name", channel)
	case payload == "" || len(payload) > maxPayload:
		return errs.Newf(errs.Internal, "publish on %s: a payload has 1 to %d bytes, not %d", channel, maxPayload, len(payload))
	}
	if d.engine == Postgres {
		query := `SELECT pg_notify($1, $2)`
		if d.txOf(ctx) == nil {
			// One on its own need not reach the disk, and must not wait for it:
			// PostgreSQL commits notifications one after the other.
			query = `SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)`
		}
		if _, err := d.ExecContext(ctx, query, postgresChannel, channel+"\n"+payload); err != nil {
			return fmt.Errorf("publish on %s: %w", channel, err)
		}
		return nil
	}
	if tx := d.txOf(ctx); tx != nil {
		tx.afterCommit = append(tx.afterCommit, func() { d.bus.deliver(channel, payload) })
		return nil
	}
	d.bus.deliver(channel, payload)
	return nil
}

// Subscribe returns what is published on channel from now on, by this node and
// all others, and a function that ends the subscription. An empty string means
// that something may have been missed (the reader was slow, or the connection
// was away) and the store must be read again. The Go channel is closed when
// the subscription or the DB ends.
func (d *DB) Subscribe(channel string) (<-chan string, func()) {
	return d.bus.subscribe(channel)
}

// bus hands messages to the subscribers in this process.
type bus struct {
	mu     sync.Mutex
	subs   map[string]map[chan string]struct{}
	closed bool
}

func newBus() *bus { return &bus{subs: make(map[string]map[chan string]struct{})} }

func (b *bus) subscribe(channel string) (<-chan string, func()) {
	ch := make(chan string, subscriberBuffer)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		close(ch)
		return ch, func() {}
	}
	if b.subs[channel] == nil {
		b.subs[channel] = make(map[chan string]struct{})
	}
	b.subs[channel][ch] = struct{}{}
	return ch, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if _, ok := b.subs[channel][ch]; !ok {
			return
		}
		delete(b.subs[channel], ch)
		if len(b.subs[channel]) == 0 {
			delete(b.subs, channel)
		}
		close(ch)
	}
}

func (b *bus) deliver(channel, payload string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for ch := range b.subs[channel] {
		offer(ch, payload)
	}
}

// missed tells every subscriber that it may have missed something.
func (b *bus) missed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, subs := range b.subs {
		for ch := range subs {
			offer(ch, "")
		}
	}
}

// offer never blocks. The last free place of a full buffer takes the mark that
// something was missed; while that mark waits unread, dropping more is already
// covered by it. Only offer sends, always under the bus's lock.
func offer(ch chan string, payload string) {
	switch free := cap(ch) - len(ch); {
	case free > 1:
		ch <- payload
	case free == 1:
		ch <- ""
	}
}

func (b *bus) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for _, subs := range b.subs {
		for ch := range subs {
			close(ch)
		}
	}
	b.subs = nil
}

// listener keeps one PostgreSQL connection that hears all notifications.
type listener struct {
	stop context.CancelFunc
	done chan struct{}
}

const (
	// silence is how long the connection may be quiet before it is asked
	// whether it still lives.
	silence          = 30 * time.Second
	longestReconnect = 10 * time.Second
)

// listen returns once the connection hears; from then on nothing is missed
// without subscribers being told.
func listen(ctx context.Context, cfg *pgx.ConnConfig, b *bus, log *slog.Logger) (*listener, error) {
	conn, err := connectListener(ctx, cfg)
	if err != nil {
		return nil, err
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	l := &listener{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		for life.Err() == nil {
			err := hear(life, conn, b)
			closeListener(conn)
			if life.Err() != nil {
				return
			}
			log.WarnContext(life, "lost the connection that hears the other nodes; connecting again", "err", err)
			if conn = reconnect(life, cfg, log); conn == nil {
				return
			}
			b.missed()
		}
	}()
	return l, nil
}

func (l *listener) close() {
	l.stop()
	<-l.done
}

func connectListener(ctx context.Context, cfg *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, cfg.Copy())
	if err != nil {
		return nil, fmt.Errorf("connect to hear notifications: %w", err)
	}
	if _, err := conn.Exec(ctx, "LISTEN "+postgresChannel); err != nil {
		closeListener(conn)
		return nil, fmt.Errorf("listen for notifications: %w", err)
	}
	return conn, nil
}

func closeListener(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // it is being given up; nothing depends on a farewell
}

func reconnect(ctx context.Context, cfg *pgx.ConnConfig, log *slog.Logger) *pgx.Conn {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, longestReconnect) {
		conn, err := connectListener(ctx, cfg)
		if err == nil {
			return conn
		}
		log.WarnContext(ctx, "cannot hear the other nodes yet", "err", err, "retry_in", pause)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// hear delivers notifications until the connection fails or ctx ends.
func hear(ctx context.Context, conn *pgx.Conn, b *bus) error {
	for {
		wait, cancel := context.WithTimeout(ctx, silence)
		n, err := conn.WaitForNotification(wait)
		quiet := wait.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case err == nil:
			if channel, payload, ok := strings.Cut(n.Payload, "\n"); ok {
				b.deliver(channel, payload)
			}
		case quiet:
			ask, cancel := context.WithTimeout(ctx, connectTimeout)
			err := conn.Ping(ask)
			cancel()
			if err != nil {
				return err
			}
		default:
			return err
		}
	}
}
