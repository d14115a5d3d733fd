package server

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"kakoi/internal/audit"
	"kakoi/internal/errs"
)

func TestAConversationIsSharedSeenCopiedAndTakenBack(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		anna, ben, chie := h.resident("anna"), h.resident("ben"), h.resident("chie")
		var file attachment
		_, text := anna.do(anna.upload("memo.txt", "text/plain", []byte("覚え書き")))
		unmarshal(t, text, &file)
		var begun, more started
		anna.must("POST", "/conversations", map[string]any{"modelId": h.modelA, "systemPrompt": "内緒の指示", "turn": map[string]any{
			"text": "[[say 最初の答え]]", "attachmentIds": []string{file.ID}}}, &begun)
		anna.follows("/runs/"+begun.Answers[0].RunID+"/events", "").rest()
		on := "/conversations/" + begun.Conversation.ID

		var found sharedWith
		anna.must("GET", "/people?search=BE", nil, &found)
		if len(found.People) != 1 || found.People[0].ID != ben.id || found.People[0].Name != "ben" {
			t.Fatalf("people: %+v", found)
		}
		for _, search := range []string{"example.jp", "", "anna", "%25"} {
			if anna.must("GET", "/people?search="+search, nil, &found); len(found.People) != 0 {
				t.Errorf("%q finds %+v", search, found.People)
			}
		}
		if got := anna.refused("POST", on+"/shares", map[string]any{"accountIds": []string{"nobody"}}); got.Field != "accountIds" {
			t.Errorf("nobody: %+v", got)
		}
		if got := anna.refused("POST", on+"/shares", map[string]any{"expiresAt": "2020-01-01T00:00:00Z"}); got.Field != "expiresAt" {
			t.Errorf("past: %+v", got)
		}
		var still, live Sharing
		anna.must("POST", on+"/shares", map[string]any{"accountIds": []string{ben.id}}, &still)
		anna.must("POST", on+"/shares", map[string]any{"accountIds": []string{ben.id}, "live": true, "withSystemPrompt": true}, &live)
		anna.must("POST", on+"/turns", map[string]any{"text": "[[say 後の答え]]"}, &more)
		anna.follows("/runs/"+more.Answers[0].RunID+"/events", "").rest()
		anna.must("PATCH", on, map[string]any{"title": "新しい題"}, nil)

		var page sharedPage
		ben.must("GET", "/shares/"+still.ID+"/messages", nil, &page)
		if len(page.Items) != 2 || page.Share.Title == "新しい題" || page.Share.Mine || page.Share.With != nil || page.Share.OwnerName != "anna" || page.Items[1].Usage != nil {
			t.Errorf("as it was: %+v", page)
		}
		attached := page.Items[0].Parts
		var after sharedPage
		ben.must("GET", "/shares/"+live.ID+"/messages?limit=3", nil, &after)
		if len(after.Items) != 3 || after.PreviousPageToken == "" || after.Share.Title != "新しい題" {
			t.Errorf("as it goes on: %+v", after)
		}
		ben.must("GET", "/shares/"+live.ID+"/messages?before="+after.PreviousPageToken, nil, &after)
		if len(after.Items) != 1 {
			t.Errorf("before: %+v", after)
		}
		if got := ben.refused("GET", "/shares/"+still.ID+"/messages?before="+more.Answers[0].ID, nil); got.Code != errs.InvalidInput {
			t.Errorf("what came later: %+v", got)
		}
		if len(attached) != 2 {
			t.Fatalf("parts: %+v", attached)
		}
		content := "/attachments/" + file.ID + "/content"
		if resp, data := ben.do(ben.request("GET", "/shares/"+still.ID+content, nil)); resp.StatusCode != http.StatusOK || string(data) != "覚え書き" {
			t.Errorf("file through the share: %d %s", resp.StatusCode, data)
		}
		if got := ben.refused("GET", content, nil); got.Code != errs.NotFound {
			t.Errorf("file beside the share: %+v", got)
		}
		for _, path := range []string{"", "/messages", content} {
			if got := chie.refused("GET", "/shares/"+still.ID+path, nil); got.Code != errs.NotFound {
				t.Errorf("a stranger, %s: %+v", path, got)
			}
		}
		if got := ben.refused("DELETE", "/shares/"+still.ID, nil); got.Code != errs.NotFound {
			t.Errorf("the viewer ends it: %+v", got)
		}

		// Copies, with the instructions only where the owner lets them go.
		for id, system := range map[string]string{still.ID: "", live.ID: "内緒の指示"} {
			var mine conversation
			ben.must("POST", "/shares/"+id+"/copy", map[string]any{"withSystemPrompt": true}, &mine)
			var kept messagePage
			ben.must("GET", "/conversations/"+mine.ID+"/messages", nil, &kept)
			if mine.SystemPrompt != system || len(kept.Items) < 2 || strings.Contains(mine.ID, begun.Conversation.ID) {
				t.Errorf("copy: %+v", mine)
			}
		}

		ben.must("GET", "/shares/"+still.ID+"/messages", nil, nil)
		var seen Sharing
		anna.must("GET", "/shares/"+still.ID, nil, &seen)
		if len(seen.Views) != 1 || seen.Views[0].Name != "ben" || seen.Views[0].Count != 1 || seen.Viewers != 1 || len(seen.With.People) != 1 {
			t.Errorf("who has seen it: %+v", seen)
		}
		var mine, theirs list[listedShare]
		anna.must("GET", "/shares?scope=mine&limit=1", nil, &mine)
		var history, his list[ConversationSummary]
		if anna.must("GET", "/conversations", nil, &history); !strings.HasSuffix(on, history.Items[0].ID) || !history.Items[0].Shared {
			t.Errorf("her history: %+v", history.Items)
		}
		if ben.must("GET", "/conversations", nil, &his); len(his.Items) == 0 || slices.ContainsFunc(his.Items, func(c ConversationSummary) bool { return c.Shared }) {
			t.Errorf("his history: %+v", his.Items)
		}
		if len(mine.Items) != 1 || mine.NextPageToken != live.ID || mine.Items[0].WithCount != 1 || mine.Items[0].WithNames[0] != "ben" || mine.Items[0].Viewers != 1 {
			t.Errorf("what she shares: %+v", mine)
		}
		ben.must("GET", "/shares", nil, &theirs)
		if len(theirs.Items) != 2 || theirs.Items[1].ID != still.ID || theirs.Items[1].SeenAt.IsZero() || theirs.Items[1].OwnerName != "anna" ||
			theirs.Items[1].WithCount+len(theirs.Items[1].WithNames) != 0 || theirs.Items[1].Viewers != 0 || theirs.Items[1].ConversationID != "" {
			t.Errorf("what is shared with him: %+v", theirs)
		}
		if chie.must("GET", "/shares?scope=shared", nil, &theirs); len(theirs.Items) != 0 {
			t.Errorf("what is shared with a stranger: %+v", theirs)
		}
		if got := ben.refused("GET", "/shares?scope=all", nil); got.Code != errs.InvalidInput {
			t.Errorf("no scope of ours: %+v", got)
		}
		anna.must("PATCH", "/shares/"+live.ID, map[string]any{"everyone": true, "accountIds": []string{}}, nil)
		chie.must("GET", "/shares/"+live.ID+"/messages", nil, nil)
		anna.must("PATCH", "/shares/"+live.ID, map[string]any{"expiresAt": time.Now().Add(300 * time.Millisecond)}, nil)
		anna.must("DELETE", "/shares/"+still.ID, nil, nil)
		<-time.After(350 * time.Millisecond)
		for _, id := range []string{still.ID, live.ID} {
			if got := ben.refused("GET", "/shares/"+id+"/messages", nil); got.Code != errs.NotFound {
				t.Errorf("ended: %+v", got)
			}
		}
		var again Sharing
		anna.must("POST", on+"/shares", map[string]any{"everyone": true}, &again)
		h.admin.must("PATCH", "/admin/accounts/"+anna.id, map[string]any{"disabled": true}, nil)
		if got := ben.refused("GET", "/shares/"+again.ID, nil); got.Code != errs.NotFound {
			t.Errorf("of a disabled account: %+v", got)
		}
		h.admin.must("PATCH", "/admin/accounts/"+anna.id, map[string]any{"disabled": false}, nil)
		ben.must("GET", "/shares/"+again.ID, nil, nil)
		anna.must("POST", "/sign-in", map[string]any{"email": "anna@example.jp", "password": password}, nil)
		anna.must("DELETE", on, nil, nil)
		if got := ben.refused("GET", "/shares/"+again.ID, nil); got.Code != errs.NotFound {
			t.Errorf("of a deleted conversation: %+v", got)
		}
		events, err := h.audit.List(t.Context(), audit.Filter{Action: "share.", Limit: 50})
		if err != nil || len(events.Items) < 9 {
			t.Errorf("%d events, %v", len(events.Items), err)
		}
	})
}
