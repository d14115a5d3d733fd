package search

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"kakoi/internal/errs"
	"kakoi/internal/jst"
	"kakoi/internal/label"
	"kakoi/internal/model"
)

func TestTextsAreFoundByAnyPieceOfThem(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		const question, answer = "question", "answer"
		f.conversation("anna", "題名",
			message{id: question, text: "来年度の予算案をﾊﾞｽ会社にＭＡＩＬする。100%_済\n次の 行 と\"引用\""},
			message{id: answer, role: model.RoleAssistant, text: "承知👩‍👩‍👧しました。𠮷野家の𩸽、zażółć İstanbul Straße"})
		f.conversation("ben", "題名", message{id: "ben's", text: "予算のべんの秘密"}, message{id: "to ben", role: model.RoleAssistant, text: "秘密の答え"})
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
		var messages []message
		for i, text := range texts {
			messages = append(messages, message{id: fmt.Sprintf("said-%02d", i), text: text, at: time.UnixMilli(1_700_000_000_000 + int64(i)*1_000_000_000)})
		}
		f.conversation("anna", "題名", messages...)
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
					hits, _, err := f.Find(t.Context(), "anna", `"`+word+`"`, "", 100)
					for _, h := range hits {
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

func TestOperatorsChooseConversations(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		const one, two, said1, said2 = "one", "two", "answer one", "answer two"
		inFolder := f.conversation("anna", "題名",
			message{id: one, text: "予算 その一"},
			message{id: said1, role: model.RoleAssistant, text: "はい、一", model: "一号 Large"},
			message{id: "old", text: "予算 昔", at: time.Date(2025, 4, 1, 0, 0, 0, 0, jst.Zone)})
		archived := f.conversation("anna", "題名",
			message{id: two, text: "予算 その二"},
			message{id: said2, role: model.RoleAssistant, text: "はい、二", model: "一号 Large"})
		f.exec(`INSERT INTO folders (name, search_key, instructions, updated_at, id, owner_id, created_at) VALUES ('財務　予算', $1, '', 0, 'f', 'anna', 0)`, label.Fold("財務　予算"))
		f.exec(`UPDATE conversations SET folder_id = 'f' WHERE id = $1`, inFolder)
		for _, tag := range []string{"重要", "ABC"} {
			f.exec(`INSERT INTO conversation_tags (owner_id, tag, conversation_id) VALUES ('anna', $1, $2)`, tag, inFolder)
		}
		f.exec(`UPDATE conversations SET archived = TRUE WHERE id = $1`, archived)
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
			"はい model:一号":                     {said1, said2},
			"model:一号":                        {said1, said2},
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
			if _, _, err := f.Find(t.Context(), "anna", query, "", 20); errs.CodeOf(err) != errs.InvalidInput {
				t.Errorf("%q: %v, want it told", query, err)
			}
		}
		if _, _, err := f.Find(t.Context(), "anna", "予算", "x", 20); errs.CodeOf(err) != errs.InvalidInput {
			t.Errorf("a wrong page token: %v", err)
		}
	})
}

func TestAFewHitsOfAConversationAreShownNewestFirst(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		var want []string
		for i := range 4 {
			var messages []message
			for k := range 7 {
				id := fmt.Sprintf("said-%d-%d", i, k)
				messages = append(messages, message{id: id, text: fmt.Sprintf("同じ言葉 %d", k), at: time.UnixMilli(1_000_000_000_000 + int64(i)*100_000_000_000 + int64(k)*1_000_000)})
				if k > 3 {
					want = append(want, id)
				}
			}
			f.conversation("anna", "題名", messages...)
		}
		slices.Reverse(want)
		if got := f.finds("anna", "同じ言葉"); !slices.Equal(got, want) { // pages of two
			t.Errorf("found %v\nwant  %v", got, want)
		}
	})
}

func TestAnswersAreShownAsTheyAreReadAndTheRestAsItWasWritten(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.conversation("anna", "**予算** 題名", message{id: "asked", text: "# **予算** 案"}, message{id: "answered", role: model.RoleAssistant, text: "> **予算** 案"})
		hits, _, err := f.Find(t.Context(), "anna", "予算", "", 20)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, h := range hits {
			got[h.MessageID] = marked(h.Snippet)
		}
		if want := map[string]string{"": "**[予算]** 題名", "asked": "# **[予算]** 案", "answered": "[予算] 案"}; !maps.Equal(got, want) {
			t.Errorf("shown: %q", got)
		}
	})
}
