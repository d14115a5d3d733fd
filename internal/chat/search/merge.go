package search

import (
	"context"

	"kakoi/internal/db"
)

// mergedAtOnce bounds the pages, of 4 kB, of one transaction: others who write
// wait for it.
const mergedAtOnce = 64

// mergeSome joins some of the segments of SQLite's index and reports whether
// there was anything to join. Each transaction that indexes leaves a segment, and
// a search reads them all. FTS5 joins four of a level as they come; two of a
// level, which migration 0007 allows, wait for this.
func (x *Index) mergeSome(ctx context.Context) (did bool, err error) {
	if x.db.Engine() != db.SQLite {
		return false, nil
	}
	err = x.db.TransactByKey(ctx, func(ctx context.Context, tx *db.Tx) error {
		var before, after int64
		if err := tx.QueryRowContext(ctx, `SELECT total_changes()`).Scan(&before); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO search_index (search_index, rank) VALUES ('merge', $1)`, mergedAtOnce); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, `SELECT total_changes()`).Scan(&after); err != nil {
			return err
		}
		did = after-before >= 2 // the command itself is a change; https://www.sqlite.org/fts5.html#the_merge_command
		return nil
	})
	return did, err
}
