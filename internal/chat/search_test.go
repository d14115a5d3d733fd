package chat

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/label"
	"kakoi/internal/model"
)

// says starts a conversation of a person's, waits for the answer and returns it.
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
			id := h.MessageID
			if id == "" {
				id = "title"
			}
			out = append(out, id)
			var marked bool
			for _, p := range h.Snippet {
				marked = marked || p.Match
			}
			if q, err := parseQuery(query); err == nil && len(q.words) > 0 && !marked {
				f.t.Errorf("search %q: nothing is marked in %+v", query, h.Snippet)
			}
		}
		if token = page.Next; token == "" {
			return out
		}
	}
}

func TestTextsAreFoundByAnyPieceOfThem(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		st := f.saysAs("anna", "来年度の予算案をﾊﾞｽ会社にＭＡＩＬする。100%_済\n次の 行 と\"引用\"", "承知👩‍👩‍👧しました。𠮷野家の𩸽、zażółć İstanbul Straße")
		question, answer := st.User.ID, st.Answers[0].ID
		f.saysAs("ben", "予算のべんの秘密", "秘密の答え")
		for query, want := range map[string]string{
			"予": question, "予算": question, "予算案": question, "算案を": question, "来年度の予算案を": question, "用\"": question,
			"バス": question, "ﾊﾞｽ": question, "バ": question, "ハス": "", "mail": question, "ｍａｉｌ": question, "MaIl": question,
			"%": question, "%_": question, "00%_済": question, "0_%": "", "_": question, "100％": question, "1%0": "",
			"次の 行": question, "\"次の 行\"": question, "済 次": question, "\"済 次\"": question, "\"済次\"": "", "\"行 次\"": "", "行 次": question,
			"𠮷": answer, "𠮷野": answer, "吉野": "", "𩸽": answer, "👩‍👩‍👧": answer, "👧": answer, "👦": "", "istanbul": answer,
			"zażółć": answer, "ZAŻÓŁĆ": answer, "zazolc": "", "straße": answer, "、": answer, "。": question + " " + answer,
			"予算 答": "", "予算 バス": question, "べん": "", "秘密": "", "*": "", "OR": "", "予算*": "", "予算 AND 案": "", "NEAR(": "", "'": "", "\\": "", "!": "",
			"題": "title", "題名": "title", "義": "",
		} {
			got := f.finds("anna", query)
			slices.Sort(got)
			wanted := strings.Fields(want)
			slices.Sort(wanted)
			if !slices.Equal(got, wanted) {
				t.Errorf("%q finds %v, want %v", query, got, wanted)
			}
		}
		if got := f.finds("ben", "来年度"); got != nil {
			t.Errorf("ben finds %v of anna's", got)
		}
	})
}

// Whatever is in a text is found by any piece of it, and what is not is not.
func TestSearchAgreesWithLookingAtEveryText(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		texts := []string{"予算要求の一覧", "一覧表を作成", "求人の一覧表", "アアアア", "アア", "ああアｱ", "a b  c", "a-b", "令和８年度㌔", "🇯🇵日本🇯🇵", "%%", "「引用」", "\u3000全角\u3000空白\u3000"}
		c := f.saysAs("anna", "始め", "了").Conversation
		for i, text := range texts {
			f.insertSaid("anna", c.ID, fmt.Sprintf("said-%02d", i), text, time.UnixMilli(1_700_000_000_000+int64(i)*1_000_000_000))
		}
		tried := map[string]bool{}
		for _, text := range append(texts, "無い", "予算一覧", "覧表作", "アアア", "ba") {
			characters := []rune(label.Fold(text))
			for i := range characters {
				for n := 1; n <= 4 && i+n <= len(characters); n++ {
					word := string(characters[i : i+n])
					if strings.TrimSpace(word) != word || tried[word] {
						continue
					}
					tried[word] = true
					var want []string
					for k := len(texts) - 1; k >= 0; k-- {
						if strings.Contains(label.Fold(texts[k]), word) {
							want = append(want, fmt.Sprintf("said-%02d", k))
						}
					}
					var got []string
					page, err := f.Search(as(t, "anna"), `"`+word+`"`, "", 100)
					for _, h := range page.Items {
						if strings.HasPrefix(h.MessageID, "said-") {
							got = append(got, h.MessageID)
						}
					}
					if len(want) > hitsOfConversation {
						want = want[:hitsOfConversation]
					}
					if err != nil || !slices.Equal(got, want) {
						t.Errorf("%q finds %v, %v; want %v", word, got, err, want)
					}
				}
			}
		}
	})
}

// insertSaid stores and indexes a question of an earlier day.
func (f *fixture) insertSaid(account, conversation, id, text string, at time.Time) {
	f.t.Helper()
	err := f.db.Transact(f.t.Context(), func(ctx context.Context, tx *db.Tx) error {
		m := Message{
			ID: id, Role: model.RoleUser, Status: StatusComplete, Parts: []Part{{Type: model.PartText, Text: text}}, CreatedAt: at, FinishedAt: at,
		}
		return f.insertMessages(ctx, tx, conversation, id, "", at, &m)
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

func TestOperatorsChooseConversations(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		anna := as(t, "anna")
		inFolder := f.saysAs("anna", "予算 その一", "はい、一")
		archived := f.saysAs("anna", "予算 その二", "はい、二")
		folder, err := f.CreateFolder(anna, FolderChange{Name: ptr("財務　予算")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Update(anna, inFolder.Conversation.ID, Change{FolderID: &folder.ID, Tags: &[]string{"重要", "ABC"}}); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Update(anna, archived.Conversation.ID, Change{Archived: ptr(true)}); err != nil {
			t.Fatal(err)
		}
		f.insertSaid("anna", inFolder.Conversation.ID, "old", "予算 昔", time.Date(2025, 4, 1, 0, 0, 0, 0, searchZone))
		one, two := inFolder.User.ID, archived.User.ID
		for query, want := range map[string][]string{
			"予算":                              {one, two, "old"},
			"予算 folder:\"財務 予算\"":             {one, "old"},
			"予算 folder:無い":                    nil,
			"予算 tag:重要":                       {one, "old"},
			"予算 TAG：ａｂｃ tag:#重要":              {one, "old"},
			"予算 tag:無い":                       nil,
			"予算 archived:yes":                 {two},
			"予算 archived:no":                  {one, "old"},
			"予算 before:2025-04-02":            {"old"},
			"予算 before:令和7年4月1日":              nil,
			"予算 after:R7.4.1 before:2025/4/2": {"old"},
			"予算 after:2025-04-02":             {one, two},
			"はい model:一号":                     {inFolder.Answers[0].ID, archived.Answers[0].ID},
			"model:一号":                        {inFolder.Answers[0].ID, archived.Answers[0].ID},
			"予算 model:一号":                     nil,
			"model:%":                         nil,
			"tag:重要":                          {"title"},
			"archived:yes":                    {"title"},
			"":                                nil,
			"  ":                              nil,
		} {
			got := f.finds("anna", query)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%q finds %v, want %v", query, got, want)
			}
		}
		for _, query := range []string{"before:昨日", "after:2026-13-01", "before:2026-02-30", "archived:maybe", "tag:", "folder:\"\"", strings.Repeat("長", 401)} {
			if _, err := f.Search(anna, query, "", 0); errs.CodeOf(err) != errs.InvalidInput {
				t.Errorf("%q: %v, want it told", query, err)
			}
		}
		if _, err := f.Search(anna, "予算", "x", 0); errs.CodeOf(err) != errs.InvalidInput {
			t.Errorf("a wrong page token: %v", err)
		}
		if _, err := f.Search(t.Context(), "予算", "", 0); errs.CodeOf(err) != errs.Unauthenticated {
			t.Errorf("nobody searches: %v", err)
		}
	})
}

func ptr[T any](v T) *T { return &v }

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

func TestWhatWaitsIsIndexedOnceAlsoAfterAStop(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		st := f.saysAs("anna", "新しい方", "はい")
		if err := f.IndexPending(ctx, ""); err != nil {
			t.Fatal(err)
		}
		const n = 2*indexedAtOnce + 30
		f.oldConversations(n, 1)
		for range 2 { // as if the server was killed after two transactions
			if _, err := f.indexSome(ctx, "", leaveTaken); err != nil {
				t.Fatal(err)
			}
		}
		var nodes sync.WaitGroup
		for _, node := range []*Service{f.Service, f.node("node-2")} {
			nodes.Go(func() {
				if err := node.IndexPending(ctx, ""); err != nil {
					t.Error(err)
				}
			})
		}
		nodes.Wait()
		var documents, messages, left int
		err := f.db.QueryRowContext(ctx, `SELECT count(*), count(message_id), (SELECT count(*) FROM search_pending) FROM search_documents`).Scan(&documents, &messages, &left)
		if err != nil || messages != n+2 || documents != messages+n+1 || left != 0 {
			t.Errorf("%d messages among %d documents, %d wait, %v", messages, documents, left, err)
		}
		if got := f.finds("anna", "昔の話の123番"); len(got) != 1 {
			t.Errorf("found %v", got)
		}
		if got := f.finds("anna", "新しい方"); !slices.Equal(got, []string{st.User.ID}) {
			t.Errorf("found %v", got)
		}
	})
}

// A search begins with what the person wrote last and leaves the rest to wait.
func TestASearchIndexesWhatIsOnesOwn(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		st, other := f.saysAs("anna", "私の言葉", "はい"), f.saysAs("ben", "あなたの言葉", "はい")
		f.stands() // else all that is said is indexed soon
		if _, err := f.db.ExecContext(t.Context(), `DELETE FROM search_documents`); err != nil {
			t.Fatal(err)
		}
		for owner, id := range map[string]string{"anna": st.User.ID, "ben": other.User.ID} {
			if err := f.indexLater(t.Context(), f.db, owner, textMessage, id); err != nil {
				t.Fatal(err)
			}
		}
		if got := f.finds("anna", "私の言葉"); !slices.Equal(got, []string{st.User.ID}) {
			t.Errorf("found %v", got)
		}
		var owners string
		if err := f.db.QueryRowContext(t.Context(), `SELECT string_agg(owner_id, ',') FROM (SELECT DISTINCT owner_id FROM search_pending) o`).Scan(&owners); err != nil || owners != "ben" {
			t.Errorf("texts of %q wait, %v", owners, err)
		}
	})
}

// oldConversations stores conversations that are not indexed yet, newer than all
// others, with that many messages each.
func (f *fixture) oldConversations(n, messages int) {
	f.t.Helper()
	err := f.db.Transact(f.t.Context(), func(ctx context.Context, tx *db.Tx) error {
		for i := range n {
			id := db.NewID()
			_, err := tx.ExecContext(ctx, `
				INSERT INTO conversations (id, owner_id, title, title_source, model_id, parameters, system_prompt, next_position, created_at, active_at, leaf_id)
				VALUES ($1, 'anna', $2, 'person', 'm1', '{}', '', $3, $4, $4, $5)`,
				id, fmt.Sprintf("昔 %d", i), messages+1, 1_600_000_000_000+int64(i)*60_000, fmt.Sprintf("%s-%d", id, messages))
			if err != nil {
				return err
			}
			for k := 1; k <= messages; k++ {
				parent, role := any(nil), "user"
				if k > 1 {
					parent = fmt.Sprintf("%s-%d", id, k-1)
				}
				if k%2 == 0 {
					role = "assistant"
				}
				_, err := tx.ExecContext(ctx, `
					INSERT INTO messages (id, conversation_id, parent_id, position, role, status, stop_reason, content, model_id, model_name, error, usage,
						cost_micros, cost_currency, first_token_ms, reasoning_ms, created_at, finished_at)
					VALUES ($1, $2, $3, $4, $5, 'complete', '', $6, 'm1', '', '', '', 0, '', 0, 0, $7, $7)`,
					fmt.Sprintf("%s-%d", id, k), id, parent, k, role, fmt.Sprintf(`[{"type":"text","text":"昔の話の%d番"}]`, i*messages+k), 1_600_000_000_000+int64(i)*60_000)
				if err != nil {
					return err
				}
				if err := f.indexLater(ctx, tx, "anna", textMessage, fmt.Sprintf("%s-%d", id, k)); err != nil {
					return err
				}
			}
			if err := f.indexLater(ctx, tx, "anna", textTitle, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

func TestAFewHitsOfAConversationAreShownNewestFirst(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		var want []string
		for i := range 4 {
			c := f.saysAs("anna", "始め", "了").Conversation
			for k := range 7 {
				id := fmt.Sprintf("said-%d-%d", i, k)
				f.insertSaid("anna", c.ID, id, fmt.Sprintf("同じ言葉 %d", k), time.UnixMilli(1_000_000_000_000+int64(i)*100_000_000_000+int64(k)*1_000_000))
				if k > 3 {
					want = append(want, id)
				}
			}
		}
		slices.Reverse(want)
		if got := f.finds("anna", "同じ言葉"); !slices.Equal(got, want) { // pages of two
			t.Errorf("found %v\nwant  %v", got, want)
		}
	})
}

func TestASnippetIsCutAroundWhatWasFound(t *testing.T) {
	long := strings.Repeat("あ", 500) + "ﾊﾞｽの予算" + strings.Repeat("い", 500)
	for _, tt := range []struct {
		name, text, words, want string
	}{
		{"short texts are whole", "来年度の予算", "予算", "来年度の[予算]"},
		{"what was written is shown, not how it was folded", "ＡＢＣ㌔とﾊﾞｽ", "abc バス キロ", "[ＡＢＣ㌔]と[ﾊﾞｽ]"},
		{"long texts are cut", long, "バスの予算", "…" + strings.Repeat("あ", 30) + "[ﾊﾞｽの予算]" + strings.Repeat("い", 85) + "…"},
		{"lines are one", "上の行\n\n  下の行", "行 下", "上の[行]  [下]の[行]"},
		{"nothing is looked for", "題名", "", "題名"},
		{"words that meet", "予算案", "予算 算案", "[予算案]"},
		{"emoji stay whole", "👩‍👩‍👧家族", "族", "👩‍👩‍👧家[族]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pieces, found := snippet(tt.text, strings.Fields(label.Fold(tt.words)))
			var got strings.Builder
			for _, p := range pieces {
				if p.Match {
					fmt.Fprintf(&got, "[%s]", p.Text)
				} else {
					got.WriteString(p.Text)
				}
			}
			if want := strings.ReplaceAll(tt.want, "  ", " "); got.String() != want || !found {
				t.Errorf("got  %q, %t\nwant %q", got.String(), found, want)
			}
		})
	}
}

func FuzzParseQuery(f *testing.F) {
	for _, s := range []string{"予算 案", `"a b" c`, "tag:x folder:\"y z\"", "before:2026-01-01 after:令和元年5月1日", "：", "archived：yes", `"`, `a"b"c`, "http://x/ 10:30", "tag:", "\x00\xff", "＂ab“"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := parseQuery(s)
		if err != nil {
			if errs.CodeOf(err) != errs.InvalidInput {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		for _, w := range q.words {
			if w == "" || w != label.Fold(w) {
				t.Errorf("%q has the word %q", s, w)
			}
			if p := wordPhrase("anna", w); strings.Count(p, `"`) != 2 {
				t.Errorf("%q becomes %q", w, p)
			}
		}
	})
}

// A place is that of the same text that label.Fold makes.
func FuzzFoldPlaces(f *testing.F) {
	for _, s := range []string{"ﾊﾞｽ ＡＢ\n c", "e\u0301", "\xffa\x00b", "İ㌔ ﷺ", "  x  ", "각", "a\u3000\u3000b", "葛\U000E0100"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p := foldPlaces(strings.ToValidUTF8(s, ""))
		if want := label.Fold(s); p.folded != want {
			t.Fatalf("%q is folded to %q, not %q", s, p.folded, want)
		}
		if len(p.from) != len(p.folded) || len(p.to) != len(p.folded) {
			t.Fatalf("%q: %d places of %d bytes", s, len(p.from), len(p.folded))
		}
		_, _ = snippet(s, strings.Fields(label.Fold(s)))
	})
}
