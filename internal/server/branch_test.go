package server

import (
	"net/http"
	"testing"
	"time"

	"kakoi/internal/errs"
)

func TestAConversationBranchesAndIsKeptInOrder(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		p := h.resident("anna")
		begun := p.asks("[[say 一]]")
		p.follows("/runs/"+begun.Answers[0].RunID+"/events", "").rest()
		at := "/conversations/" + begun.Conversation.ID
		answer := at + "/messages/" + begun.Answers[0].ID

		var other started
		p.must("POST", answer+"/regenerate", nil, &other)
		p.follows("/runs/"+other.Answers[0].RunID+"/events", "").rest()
		var page messagePage
		p.must("GET", at+"/messages", nil, &page)
		if len(page.Items) != 2 || page.LeafID != other.Answers[0].ID || len(page.Items[1].SiblingIDs) != 2 {
			t.Errorf("after another answer: %+v", page)
		}
		var open conversation
		p.must("PUT", at+"/branch", map[string]string{"messageId": begun.Answers[0].ID}, &open)
		if open.LeafID != begun.Answers[0].ID {
			t.Errorf("opened %+v", open)
		}
		var edited started
		p.must("POST", at+"/messages/"+begun.UserMessage.ID+"/edit", map[string]any{"text": "[[say 二]]"}, &edited)
		p.follows("/runs/"+edited.Answers[0].RunID+"/events", "").rest()
		if edited.UserMessage.EditedFromID != begun.UserMessage.ID {
			t.Errorf("edited %+v", edited.UserMessage)
		}
		var forked conversation
		p.must("POST", at+"/fork", map[string]string{"messageId": begun.Answers[0].ID}, &forked)
		p.must("GET", "/conversations/"+forked.ID+"/messages", nil, &page)
		if len(page.Items) != 2 || len(page.Items[1].SiblingIDs) != 1 {
			t.Errorf("forked %+v", page)
		}
		var full gauge
		p.must("GET", at+"/context", nil, &full)
		if full.MessageTokens == 0 || len(full.Costs) != 1 {
			t.Errorf("gauge %+v", full)
		}

		var box folder
		p.must("POST", "/folders", map[string]any{"name": "予算"}, &box)
		p.must("PATCH", at, map[string]any{"folderId": box.ID, "tags": []string{"#急ぎ"}, "pinned": true}, &open)
		if !open.Pinned || open.FolderID != box.ID || len(open.Tags) != 1 || open.Tags[0] != "急ぎ" {
			t.Errorf("put in order: %+v", open)
		}
		var list list[ConversationSummary]
		p.must("GET", "/conversations?folderId="+box.ID+"&tag=%E6%80%A5%E3%81%8E", nil, &list)
		if len(list.Items) != 1 || list.Items[0].ID != begun.Conversation.ID {
			t.Errorf("listed %+v", list)
		}
		var changed bulkResult
		p.must("POST", "/conversations/bulk", map[string]any{"ids": []string{forked.ID, begun.Conversation.ID}, "action": "delete"}, &changed)
		if changed.Changed != 2 {
			t.Errorf("deleted %+v", changed)
		}
		if got := p.refused("GET", at, nil); got.Code != errs.NotFound {
			t.Errorf("a deleted one: %+v", got)
		}
		p.must("POST", at+"/restore", nil, &open)
		if !open.Pinned {
			t.Errorf("restored %+v", open)
		}
	})
}

func TestATurnWaitsInTheQueue(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		p := h.resident("anna")
		begun := p.asks("[[rate 5]][[long 1000]]")
		p.follows("/runs/"+begun.Answers[0].RunID+"/events", "").until("text-delta")
		at := "/conversations/" + begun.Conversation.ID
		var waits started
		p.must("POST", at+"/turns", map[string]any{"text": "[[say 二つ目]]", "whenBusy": "queue"}, &waits)
		if waits.Queued == nil || len(waits.Answers) != 0 || len(waits.Conversation.Queue) != 1 {
			t.Fatalf("%+v", waits)
		}
		p.must("PATCH", at+"/queue/"+waits.Queued.ID, map[string]string{"text": "[[say 直した]]"}, nil)
		var file attachment
		_, text := p.do(p.upload("a.txt", "text/plain", []byte("資料")))
		unmarshal(t, text, &file)
		var extra started
		p.must("POST", at+"/turns", map[string]any{"text": "やめるもの", "attachmentIds": []string{file.ID}, "whenBusy": "queue"}, &extra)
		var back takenBack
		if p.must("DELETE", at+"/queue/"+extra.Queued.ID, nil, &back); back.Text != "やめるもの" || len(back.Attachments) != 1 || back.Attachments[0] != file {
			t.Errorf("taken back: %+v", back)
		}
		if resp, _ := p.do(p.request("POST", at+"/turns", map[string]any{"text": "[[say 割り込み]]", "whenBusy": "replace"})); resp.StatusCode != http.StatusAccepted {
			t.Errorf("replace: %d", resp.StatusCode)
		}
		var page messagePage
		for try := 0; len(page.Items) < 6 || page.Items[5].Status == "running"; try++ {
			if p.must("GET", at+"/messages", nil, &page); try == 100 {
				t.Fatalf("%+v", page)
			}
			<-time.After(10 * time.Millisecond)
		}
		h.quiet(t)
	})
}
