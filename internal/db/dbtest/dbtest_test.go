package dbtest_test

import (
	"testing"

	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
)

func TestRunGivesEachEngineItsOwnDatabase(t *testing.T) {
	var engines []db.Engine
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		engines = append(engines, d.Engine())
		other := dbtest.Open(t, d.Engine())
		if _, err := d.ExecContext(t.Context(), `CREATE TABLE only_here (id TEXT)`); err != nil {
			t.Fatal(err)
		}
		if _, err := other.ExecContext(t.Context(), `SELECT id FROM only_here`); err == nil {
			t.Error("two databases of one test share a table")
		}
	})
	if len(engines) != 2 || engines[0] != db.SQLite || engines[1] != db.Postgres {
		t.Errorf("ran on %v, want sqlite and postgres", engines)
	}
}
