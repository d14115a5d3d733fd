package db

import (
	"context"
	"io/fs"
)

// OpenWith is Open with other migrations than the embedded ones.
func OpenWith(ctx context.Context, o Options, migrations fs.FS) (*DB, error) {
	o.migrations = migrations
	return Open(ctx, o)
}

// What the tests look into.
var (
	NumberParameters = numberParameters
	OnlyReads        = onlyReads
)

// SubscriberBuffer is how far a reader may fall behind.
const SubscriberBuffer = subscriberBuffer

// Statements returns the statements that a migration with this text runs.
func Statements(text string) []string { return migration{sql: text}.statements() }

// KeptStatements is how many statements a connection keeps prepared.
const KeptStatements = keptStatements

// Waiting is the number of transactions that wait for SQLite's writer.
func Waiting(d *DB) int {
	d.group.mu.Lock()
	defer d.group.mu.Unlock()
	return len(d.group.queue)
}
