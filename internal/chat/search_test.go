package chat

import (
	"slices"
	"testing"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/errs"
)

// saysAs starts a conversation of a person's, waits for the answer and returns it.
func (f *fixture) saysAs(account, text, answer string) Started {
	f.t.Helper()
	f.model.answers(answer)
	st, err := f.Create(as(f.t, account), NewConversation{Turn: Turn{Text: text}})
	if err != nil {
		f.t.Fatal(err)
	}
	f.read(as(f.t, account), f.Service, st.Answers[0].RunID, "")
	title := "題名"
	if _, err := f.Update(as(f.t, account), st.Conversation.ID, Change{Title: &title}); err != nil {
		f.t.Fatal(err)
	}
	return st
}

// finds returns the ids of the messages that a search finds, "title" for titles.
func (f *fixture) finds(account, query string) []string {
	f.t.Helper()
	var out []string
	token := ""
	for {
		page, err := f.Search(as(f.t, account), query, token, 2)
		if err != nil {
			f.t.Fatalf("search %q: %v", query, err)
		}
		for _, h := range page.Items {
			if h.MessageID == "" {
				h.MessageID = "title"
			}
			out = append(out, h.MessageID)
		}
		if token = page.Next; token == "" {
			return out
		}
	}
}

func TestPeopleSearchWhatIsTheirs(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		st := f.saysAs("anna", "来年度の予算案", "承知しました")
		if _, err := f.Update(as(t, "anna"), st.Conversation.ID, Change{Tags: &[]string{"重要", "ABC"}}); err != nil {
			t.Fatal(err)
		}
		page, err := f.Search(as(t, "anna"), "予算", "", 0)
		if err != nil || len(page.Items) != 1 || page.Items[0].MessageID != st.User.ID || !slices.Equal(page.Items[0].Tags, []string{"ABC", "重要"}) {
			t.Errorf("anna finds %+v, %v", page, err)
		}
		if got := f.finds("ben", "予算"); got != nil {
			t.Errorf("ben finds %v of anna's", got)
		}
		if _, err := f.Search(t.Context(), "予算", "", 0); errs.CodeOf(err) != errs.Unauthenticated {
			t.Errorf("nobody searches: %v", err)
		}
	})
}

func TestTheIndexFollowsWhatIsSaid(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		anna := as(t, "anna")
		st := f.saysAs("anna", "最初の質問", "最初の答え")
		id := st.Conversation.ID
		count := func(query string, want int) {
			t.Helper()
			if got := f.finds("anna", query); len(got) != want {
				t.Errorf("%q finds %v, want %d", query, got, want)
			}
		}
		f.model.answers("新しい答え")
		edited, err := f.Edit(anna, id, st.User.ID, Turn{Text: "直した質問"})
		if err != nil {
			t.Fatal(err)
		}
		f.read(anna, f.Service, edited.Answers[0].RunID, "")
		count("最初の質問", 1) // the other branch
		count("直した質問", 1)
		count("新しい答え", 1)
		if _, err := f.Edit(anna, id, edited.Answers[0].ID, Turn{Text: "人が書いた答え"}); err != nil {
			t.Fatal(err)
		}
		count("人が書いた", 1)
		if _, err := f.Fork(anna, id, st.Answers[0].ID, false); err != nil {
			t.Fatal(err)
		}
		count("最初の答え", 2)

		said := make(chan struct{})
		f.model.hangs(said, "途中まで")
		more, err := f.Send(anna, id, Turn{Text: "続き"}, Change{}, BusyRefuse)
		if err != nil {
			t.Fatal(err)
		}
		<-said
		count("途中まで", 0) // not yet
		if err := f.Stop(anna, more.Answers[0].RunID); err != nil {
			t.Fatal(err)
		}
		f.read(anna, f.Service, more.Answers[0].RunID, "")
		count("途中まで", 1)
		f.model.answers("から最後まで")
		on, err := f.Continue(anna, id, "")
		if err != nil {
			t.Fatal(err)
		}
		f.read(anna, f.Service, on.Answers[0].RunID, "")
		count("途中までから最後まで", 1)

		if _, err := f.Update(anna, id, Change{Title: ptr("別の名前")}); err != nil {
			t.Fatal(err)
		}
		count("別の名前", 1)
		if err := f.Delete(anna, id); err != nil {
			t.Fatal(err)
		}
		count("直した質問", 0)
		count("別の名前", 0)
		if _, err := f.Restore(anna, id); err != nil {
			t.Fatal(err)
		}
		count("直した質問", 1)
		if err := f.Delete(anna, id); err != nil {
			t.Fatal(err)
		}
		if err := f.sweep(t.Context(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		count("直した質問", 0)
		var left, indexed int
		if err := f.db.QueryRowContext(t.Context(), `SELECT count(*) FROM search_documents`).Scan(&left); err != nil {
			t.Fatal(err)
		}
		if left != 3 { // title, question, answer of the fork
			t.Errorf("%d documents are left", left)
		}
		if f.db.Engine() == db.SQLite {
			err := f.db.QueryRowContext(t.Context(), `SELECT count(*) FROM search_index_docsize`).Scan(&indexed)
			if err != nil || indexed != left {
				t.Errorf("%d texts are in the index of %d, %v", indexed, left, err)
			}
		}
	})
}

func ptr[T any](v T) *T { return &v }

// A server that is killed leaves what was flushed; the next one makes it findable.
func TestWhatAKilledServerHadWrittenIsFound(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		said := make(chan struct{})
		f.model.hangs(said, "切れる前の言葉")
		st := f.start("長い話")
		<-said
		for n := 0; n == 0; {
			if err := f.db.QueryRowContext(t.Context(), `SELECT count(*) FROM run_segments`).Scan(&n); err != nil {
				t.Fatal(err)
			}
		}
		other := f.node("node-2") // the first writes no more: the run is taken from it
		if err := other.recoverOrphans(t.Context(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if got := f.finds("anna", "切れる前"); !slices.Equal(got, []string{st.Answers[0].ID}) {
			t.Errorf("found %v", got)
		}
	})
}
