package server

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"kakoi/internal/chat/export"
	"kakoi/internal/errs"
)

// datedConversation is a question and its answer as an export has them.
func datedConversation(id, title, day, question, answer string, more func(*export.Conversation)) export.Conversation {
	at, err := time.Parse("2006-01-02T15:04", day+"T03:00") // noon in Japan
	if err != nil {
		panic(err)
	}
	c := export.Conversation{
		ID: id, Title: title, ModelName: "一号 Large", CreatedAt: at, UpdatedAt: at, LeafID: id + "a",
		Messages: []export.Message{
			{ID: id + "q", Role: export.User, At: at, Parts: []export.Part{{Kind: export.Text, Text: question}}},
			{ID: id + "a", ParentID: id + "q", Role: export.Assistant, ModelName: "一号 Large", At: at.Add(time.Minute), Parts: []export.Part{{Kind: export.Text, Text: answer}}},
		},
	}
	if more != nil {
		more(&c)
	}
	return c
}

// holds gives a person the conversations.
func (p *person) holds(all ...export.Conversation) {
	p.h.t.Helper()
	var file bytes.Buffer
	if err := export.JSON(&file, export.Document{Conversations: all}); err != nil {
		p.h.t.Fatal(err)
	}
	if got := p.brings(file.Bytes(), ""); got.Conversations.Taken != len(all) {
		p.h.t.Fatalf("taken: %+v", got)
	}
}

func (p *person) finds(query, more string) list[searchHit] {
	p.h.t.Helper()
	var page list[searchHit]
	p.must("GET", "/search?q="+url.QueryEscape(query)+more, nil, &page)
	return page
}

// places says where something was found: title, or who says it in which
// conversation.
func places(hits []searchHit) []string {
	out := []string{}
	for _, h := range hits {
		where := string(h.Role)
		if h.MessageID == "" {
			where = "title"
		}
		out = append(out, h.Title+" "+where)
	}
	return out
}

func TestSearchFindsWhatThePersonHas(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		anna, ben := h.resident("anna"), h.resident("ben")
		anna.holds(
			datedConversation("1", "来年度の予算", "2026-04-01", "予算要求の時刻は 10:30 でしたか", "<b>ＡＢＣ</b>の予算要求書に、交付要綱の写しを付けます。", func(c *export.Conversation) {
				c.Folder, c.Tags = "財政課", []string{"至急", "予算"}
			}),
			datedConversation("2", "住民票", "2026-06-15", "転入の手続き", "窓口で交付します。", func(c *export.Conversation) {
				c.Folder, c.Tags, c.Archived = "市民課", []string{"至急"}, true
			}),
			datedConversation("3", "Meeting notes", "2026-11-22", "Summarise the budget", "100%_sure that C:\\temp is 'quoted'; DROP TABLE", func(c *export.Conversation) {
				c.ModelName, c.Messages[1].ModelName = "二号 Small", "二号 Small"
			}),
		)
		ben.holds(datedConversation("4", "ベンの予算", "2026-04-02", "予算要求は秘密", "合言葉はひまわり", nil))
		for _, tt := range []struct {
			query string
			want  []string // newest first
		}{
			{"予算要求", []string{"来年度の予算 assistant", "来年度の予算 user"}},
			{"算要", []string{"来年度の予算 assistant", "来年度の予算 user"}},
			{"交付 至急", []string{}},
			{"交付 窓口", []string{"住民票 assistant"}},
			{"交付", []string{"住民票 assistant", "来年度の予算 assistant"}},
			{"abc", []string{"来年度の予算 assistant"}},
			{"ａｂｃ", []string{"来年度の予算 assistant"}},
			{`"要綱の写し"`, []string{"来年度の予算 assistant"}},
			{`"写し 要綱"`, []string{}},
			{"10:30", []string{"来年度の予算 user"}},
			{"100%_sure", []string{"Meeting notes assistant"}},
			{"100_sure", []string{}},
			{`C:\temp is 'quoted'; DROP`, []string{"Meeting notes assistant"}},
			{"住民票", []string{"住民票 title"}},
			{"交付 folder:市民課", []string{"住民票 assistant"}},
			{"交付 folder:市民課 folder:財政課", []string{"住民票 assistant", "来年度の予算 assistant"}},
			{"交付 tag:#至急", []string{"住民票 assistant", "来年度の予算 assistant"}},
			{"交付 tag:至急 tag:予算", []string{"来年度の予算 assistant"}},
			{"交付 archived:yes", []string{"住民票 assistant"}},
			{"交付 archived:no", []string{"来年度の予算 assistant"}},
			{"the model:二号", []string{}},
			{"that model:small", []string{"Meeting notes assistant"}},
			{"交付 after:2026-06-15", []string{"住民票 assistant"}},
			{"交付 before:2026-06-15", []string{"来年度の予算 assistant"}},
			{"交付 after:令和8年4月1日 before:R8.4.2", []string{"来年度の予算 assistant"}},
			{"tag:至急", []string{"住民票 title", "来年度の予算 title"}},
			{"folder:ない", []string{}},
			{"秘密", []string{}},
			{"ひまわり", []string{}},
			{"ベンの予算", []string{}},
			{"", []string{}},
		} {
			if got := places(anna.finds(tt.query, "").Items); !slices.Equal(got, tt.want) {
				t.Errorf("%q finds %q, want %q", tt.query, got, tt.want)
			}
		}
		for query, operator := range map[string]string{
			"交付 before:昨日": "before", "after:2026-13-40": "after", "archived:maybe": "archived", "folder:": "folder", "tag: 至急": "tag", "model:": "model",
		} {
			if got := anna.refused("GET", "/search?q="+url.QueryEscape(query), nil); got.Code != errs.InvalidInput || got.Params["operator"] != operator {
				t.Errorf("%q: %+v", query, got)
			}
		}
		for name, query := range map[string]string{
			"too long": "?q=" + strings.Repeat("a", 401), "too many words": "?q=" + url.QueryEscape(words(21)), "somebody's token": "?q=a&pageToken=x", "too many at once": "?q=a&limit=101",
		} {
			if got := anna.refused("GET", "/search"+query, nil); got.Code != errs.InvalidInput {
				t.Errorf("%s: %+v", name, got)
			}
		}

		// What was found is marked in what was written, not in how it is compared.
		hit := anna.finds("abc", "").Items[0]
		want := []snippetPiece{{"<b>", false}, {"ＡＢＣ", true}, {"</b>の予算要求書に、交付要綱の写しを付けます。", false}}
		if !slices.Equal(hit.Snippet, want) || hit.ConversationID == "" || hit.FolderID == "" || !slices.Contains(hit.Tags, "至急") || hit.Archived {
			t.Errorf("%+v", hit)
		}
		if hit.At.UTC().Format(time.RFC3339) != "2026-04-01T03:01:00Z" {
			t.Errorf("said at %v", hit.At)
		}

		// What is deleted is not found, and found again when it is back.
		anna.must("DELETE", "/conversations/"+hit.ConversationID, nil, nil)
		for _, query := range []string{"予算要求", "abc", "tag:予算", "folder:財政課"} {
			if got := places(anna.finds(query, "").Items); len(got) != 0 {
				t.Errorf("deleted, %q finds %q", query, got)
			}
		}
		anna.must("POST", "/conversations/"+hit.ConversationID+"/restore", nil, nil)
		if got := places(anna.finds("abc", "").Items); len(got) != 1 {
			t.Errorf("restored: %q", got)
		}
		anna.must("DELETE", "/me/conversations", nil, nil)
		if got := places(anna.finds("交付", "").Items); len(got) != 0 {
			t.Errorf("all deleted: %q", got)
		}
		if got := places(ben.finds("予算", "").Items); len(got) != 2 {
			t.Errorf("ben's: %q", got)
		}
	})
}

// words are n that differ.
func words(n int) string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprint("w", i))
	}
	return strings.Join(out, " ")
}

func TestSearchGivesPageAfterPage(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		anna, ben := h.resident("anna"), h.resident("ben")
		var all, theirs []export.Conversation
		var want []string
		for i := range 25 {
			title := fmt.Sprintf("会話%02d", i)
			all = append(all, datedConversation(fmt.Sprint(i), title, fmt.Sprintf("2026-01-%02d", i+1), "質問", "共通の言葉", nil))
			theirs = append(theirs, datedConversation(fmt.Sprint(i), "他人", fmt.Sprintf("2026-01-%02d", i+1), "質問", "共通の言葉", nil))
			want = append(want, title+" assistant")
		}
		slices.Reverse(want)
		anna.holds(all...)
		ben.holds(theirs...)
		for _, limit := range []int{1, 7, 25, 100} {
			got := []string{}
			for token, pages := "", 0; ; {
				page := anna.finds("共通の言葉", fmt.Sprintf("&limit=%d&pageToken=%s", limit, url.QueryEscape(token)))
				if len(page.Items) > limit {
					t.Fatalf("%d on a page of %d", len(page.Items), limit)
				}
				got = append(got, places(page.Items)...)
				if pages++; page.NextPageToken == "" || pages > 30 {
					break
				}
				token = page.NextPageToken
			}
			if !slices.Equal(got, want) {
				t.Errorf("pages of %d: %q", limit, got)
			}
		}
		// A token is a place in time and opens nobody else's texts.
		page := anna.finds("共通の言葉", "&limit=5")
		for _, hit := range ben.finds("共通の言葉", "&pageToken="+url.QueryEscape(page.NextPageToken)).Items {
			if hit.Title != "他人" {
				t.Errorf("ben finds %+v", hit)
			}
		}
	})
}
