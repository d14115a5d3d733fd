package db

import (
	"context"
	"errors"
	"fmt"
)

// SchemaVersion returns the number of the newest migration that was applied.
func (d *DB) SchemaVersion(ctx context.Context) (version int64, err error) {
	if err := d.QueryRowContext(ctx, `SELECT COALESCE(MAX(version), 0) FROM schema_migrations`).Scan(&version); err != nil {
		return 0, fmt.Errorf("read the schema version: %w", err)
	}
	return version, nil
}

// Current reports, as an error, that the schema is not the one of this program:
// older, newer, or made by other migrations. It changes nothing.
func (d *DB) Current(ctx context.Context) error {
	steps, err := loadMigrations(d.migrations, d.engine)
	if err != nil {
		return err
	}
	applied, err := d.pending(ctx, d, steps)
	if err == nil && len(applied) < len(steps) {
		err = fmt.Errorf("%w: it lacks %s; the server upgrades it when it starts", ErrOlderSchema, steps[len(applied)].name)
	}
	return err
}

// ErrOlderSchema means that the database has not been upgraded to this program yet.
var ErrOlderSchema = errors.New("the database is older than this program")
