package search

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/jst"
)

// A search asks the index and nothing else, whatever the engine believes of how
// many texts hold a word: no table is read whole, and SQLite sorts nothing.
func TestSearchesAskTheIndex(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		const days = 1500
		first := time.Date(2022, 1, 1, 0, 0, 0, 0, jst.Zone)
		var documents []document
		conversation := f.conversation("anna", "題名")
		for i := range days * 3 {
			documents = append(documents, document{
				owner: "anna", conversation: conversation, message: fmt.Sprintf("said-%d", i),
				at: first.AddDate(0, 0, i/3), text: fmt.Sprintf("整理番号%06d 予算要求", i),
			})
		}
		err := f.db.Transact(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			for some := range slices.Chunk(documents, 500) {
				if err := f.insert(ctx, tx, some); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		f.exec(`ANALYZE`)
		for _, text := range []string{"整理番号012345", "予", "予算 要求", "鬱"} {
			q, err := parseQuery(text)
			if err != nil {
				t.Fatal(err)
			}
			look, _, err := f.lookFor(t.Context(), "anna", q, math.MaxInt64)
			if err != nil {
				t.Fatal(err)
			}
			plans := map[string]statement{"all": look.onSQLite()}
			needed, unwanted := "SCAN x VIRTUAL TABLE INDEX", []string{"SCAN d", "SCAN c", "TEMP B-TREE"}
			if f.db.Engine() == db.Postgres {
				needed, unwanted = "search_documents_by_pairs", []string{"Seq Scan on public.search_documents", "search_documents_pkey", "search_documents_by_owner"}
				plans = map[string]statement{}
				for _, periods := range []int64{1, 4, 16, 64} {
					to := firstDocument(first.AddDate(0, 0, 1400))
					plans[fmt.Sprintf("%d periods", periods)] = look.inPeriods(to-periods<<periodBits, to)
				}
			}
			for name, find := range plans {
				plan := dbtest.Explain(t, f.db, find.text, find.args...)
				if !strings.Contains(plan, needed) {
					t.Errorf("%q, %s: the index is not asked:\n%s", text, name, plan)
				}
				for _, bad := range unwanted {
					if strings.Contains(plan, bad) {
						t.Errorf("%q, %s: %s in\n%s", text, name, bad, plan)
					}
				}
			}
		}
	})
}
