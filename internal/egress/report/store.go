package report

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/errs"
)

func selectKey(ctx context.Context, q db.Queryer, master string) ([]byte, error) {
	var sealed []byte
	err := q.QueryRowContext(ctx, `SELECT sealed FROM egress_report_keys WHERE master = $1`, master).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errs.New(errs.NotFound, "there is no signing key yet")
	} else if err != nil {
		return nil, fmt.Errorf("read the signing key: %w", err)
	}
	return sealed, nil
}

// insertKey reports whether there was none.
func insertKey(ctx context.Context, q db.Queryer, master string, sealed []byte, now time.Time) (bool, error) {
	result, err := q.ExecContext(ctx, `
		INSERT INTO egress_report_keys (master, sealed, created_at) VALUES ($1, $2, $3) ON CONFLICT (master) DO NOTHING`,
		master, sealed, now.UnixMilli())
	if err != nil {
		return false, fmt.Errorf("keep the signing key: %w", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}
