package db

import (
	"context"
	"fmt"
)

// SchemaVersion returns the number of the newest migration that was applied.
func (d *DB) SchemaVersion(ctx context.Context) (version int64, err error) {
	if err := d.QueryRowContext(ctx, `SELECT COALESCE(MAX(version), 0) FROM schema_migrations`).Scan(&version); err != nil {
		return 0, fmt.Errorf("read the schema version: %w", err)
	}
	return version, nil
}
