package search

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
)

func TestWhatWaitsIsIndexedOnceAlsoAfterAStop(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		f.conversation("anna", "題名", message{id: "new", text: "新しい方"})
		if err := f.CatchUp(ctx); err != nil {
			t.Fatal(err)
		}
		const n = 2*indexedAtOnce + 30
		for i := range n {
			f.conversation("anna", "昔", message{id: fmt.Sprintf("old-%03d", i), text: fmt.Sprintf("昔の話の%d番", i)})
		}
		for range 2 { // as if the server was killed after two transactions
			if _, err := f.indexSome(ctx, "", leaveTaken); err != nil {
				t.Fatal(err)
			}
		}
		var nodes sync.WaitGroup
		for _, node := range []*Index{f.Index, newIndex(f.db)} {
			nodes.Go(func() {
				if err := node.CatchUp(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		nodes.Wait()
		var documents, messages, left int
		err := f.db.QueryRowContext(ctx, `SELECT count(*), count(message_id), (SELECT count(*) FROM search_pending) FROM search_documents`).Scan(&documents, &messages, &left)
		if err != nil || messages != n+1 || documents != 2*messages || left != 0 {
			t.Errorf("%d messages among %d documents, %d wait, %v", messages, documents, left, err)
		}
		if got := f.finds("anna", "昔の話の123番"); len(got) != 1 {
			t.Errorf("found %v", got)
		}
		if got := f.finds("anna", "新しい方"); !slices.Equal(got, []string{"new"}) {
			t.Errorf("found %v", got)
		}
	})
}

// A search begins with what the person wrote last and leaves the rest to wait.
func TestASearchIndexesWhatIsOnesOwn(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.conversation("anna", "題名", message{id: "mine", text: "私の言葉"})
		f.conversation("ben", "題名", message{id: "yours", text: "あなたの言葉"})
		if got := f.finds("anna", "私の言葉"); !slices.Equal(got, []string{"mine"}) {
			t.Errorf("found %v", got)
		}
		var owners string
		if err := f.db.QueryRowContext(t.Context(), `SELECT string_agg(owner_id, ',') FROM (SELECT DISTINCT owner_id FROM search_pending) o`).Scan(&owners); err != nil || owners != "ben" {
			t.Errorf("texts of %q wait, %v", owners, err)
		}
	})
}

func TestSegmentsOfTheIndexAreJoined(t *testing.T) {
	f := newFixture(t, dbtest.Open(t, db.SQLite))
	segments := func() (n int) {
		if err := f.db.QueryRowContext(t.Context(), `SELECT count(DISTINCT segid) FROM search_index_idx`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	const n = 15 // FTS5 joins four of a level by itself, when there is much in them
	for i := range n {
		f.conversation("anna", "題名", message{id: fmt.Sprintf("m%02d", i), text: fmt.Sprintf("%d番の話", i)})
		if _, err := f.indexSome(t.Context(), "", leaveTaken); err != nil {
			t.Fatal(err)
		}
	}
	before := segments()
	if err := f.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := segments(); before < 4 || after > before/2 {
		t.Errorf("%d segments became %d", before, after)
	}
	if got := f.finds("anna", "番の話"); len(got) != n {
		t.Errorf("found %v", got)
	}
}
