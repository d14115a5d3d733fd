package server

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"testing"

	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/errs"
)

// brings sends an export of some program.
func (p *person) brings(data []byte, query string) importReport {
	p.h.t.Helper()
	var report importReport
	resp, text := p.do(p.bringing(data, query))
	if resp.StatusCode != http.StatusOK {
		p.h.t.Fatalf("import: %d %s", resp.StatusCode, text)
	}
	unmarshal(p.h.t, text, &report)
	return report
}

func (p *person) bringing(data []byte, query string) *http.Request {
	r := p.request("POST", "/imports"+query, nil)
	r.Body, r.ContentLength = bodyOf(data), int64(len(data))
	r.Header.Set("Content-Type", "application/octet-stream")
	return r
}

// fetches returns a file and its name.
func (p *person) fetches(r *http.Request) ([]byte, string) {
	p.h.t.Helper()
	resp, data := p.do(r)
	_, params, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition"))
	if resp.StatusCode != http.StatusOK || err != nil {
		p.h.t.Fatalf("%s: %d %v %s", r.URL.Path, resp.StatusCode, err, data[:min(len(data), 300)])
	}
	return data, params["filename"]
}

// unpacked returns the files of a zip.
func unpacked(t *testing.T, data []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name] = string(text)
	}
	return out
}

// withoutIDs is an export in which ids are numbers in the order in which they
// come, so that two of one conversation are equal.
func withoutIDs(t *testing.T, data []byte) string {
	t.Helper()
	var doc map[string]any
	unmarshal(t, data, &doc)
	delete(doc, "exportedAt")
	delete(doc, "author")
	delete(doc, "title")
	seen := map[string]string{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				walk(x)
			}
		case map[string]any:
			for _, key := range []string{"messages", "conversations", "parts"} {
				walk(v[key])
			}
			for _, key := range []string{"id", "parentId", "leafId"} {
				if id, ok := v[key].(string); ok && id != "" {
					if seen[id] == "" {
						seen[id] = fmt.Sprint(len(seen))
					}
					v[key] = seen[id]
				}
			}
		}
	}
	walk(doc)
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestConversationsGoOutAndComeBackWhole(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		anna, ben := h.resident("anna"), h.resident("ben")
		var file attachment
		_, text := anna.do(anna.upload("%E8%A6%81%E7%B6%B1.txt", "text/plain", []byte("第一条 目的")))
		unmarshal(t, text, &file)
		var begun started
		anna.must("POST", "/conversations", map[string]any{"modelId": h.modelA, "systemPrompt": "短く", "turn": map[string]any{
			"text": "[[say | 課 | 額 |\n|---|---|\n| 総務 | 1,200 |]]", "attachmentIds": []string{file.ID},
		}}, &begun)
		anna.follows("/runs/"+begun.Answers[0].RunID+"/events", "").rest()
		id := begun.Conversation.ID
		var branch started
		anna.must("POST", "/conversations/"+id+"/messages/"+begun.UserMessage.ID+"/edit", map[string]any{"text": "[[say 別の答え]]"}, &branch)
		anna.follows("/runs/"+branch.Answers[0].RunID+"/events", "").rest()
		var rules attachment
		_, text = anna.do(anna.upload("rules.txt", "text/plain", []byte("規則")))
		unmarshal(t, text, &rules)
		var kept folder
		anna.must("POST", "/folders", map[string]any{"name": "補助金", "instructions": "担当者として", "fileIds": []string{rules.ID}}, &kept)
		anna.must("PATCH", "/conversations/"+id, map[string]any{"title": "交付要綱の相談", "folderId": kept.ID, "tags": []string{"至急", "要綱"}, "pinned": true}, nil)

		for format, begins := range map[string]string{"md": "", "html": "<!", "pdf": "%PDF-", "docx": "PK", "json": "{"} {
			data, name := anna.fetches(anna.request("GET", "/conversations/"+id+"/export?reasoning=true&era=true&format="+format, nil))
			if !strings.Contains(name, "交付要綱の相談") || !strings.HasSuffix(name, "."+format) || !bytes.HasPrefix(data, []byte(begins)) {
				t.Errorf("%s is %q: %q", format, name, data[:min(len(data), 20)])
			}
			if format == "html" && (!strings.Contains(string(data), "別の答え") || strings.Contains(string(data), "1,200")) {
				t.Errorf("the open branch: %s", data)
			}
		}
		// The branch with the file is opened: its Markdown brings the file along.
		anna.must("PUT", "/conversations/"+id+"/branch", map[string]any{"messageId": begun.Answers[0].ID}, nil)
		data, name := anna.fetches(anna.request("GET", "/conversations/"+id+"/export?format=md", nil))
		if files := unpacked(t, data); !strings.HasSuffix(name, ".zip") || len(files) != 2 {
			t.Errorf("with its file: %q, %v", name, files)
		}
		data, name = anna.fetches(anna.request("GET", "/messages/"+begun.Answers[0].ID+"/tables?format=csv", nil))
		if !strings.HasSuffix(name, ".csv") || !strings.Contains(string(data), "総務") {
			t.Errorf("table %q: %s", name, data)
		}
		if data, name = anna.fetches(anna.request("GET", "/messages/"+begun.Answers[0].ID+"/tables", nil)); !strings.HasSuffix(name, ".xlsx") || !bytes.HasPrefix(data, []byte("PK")) {
			t.Errorf("tables %q", name)
		}
		if got := anna.refused("GET", "/messages/"+branch.Answers[0].ID+"/tables", nil); got.Code != errs.NotFound {
			t.Errorf("no table: %+v", got)
		}
		data, _ = anna.fetches(anna.request("POST", "/exports", map[string]any{"ids": []string{id}, "format": "docx"}))
		if files := unpacked(t, data); len(files) != 1 {
			t.Errorf("many: %d files", len(files))
		}
		if got := ben.refused("POST", "/exports", map[string]any{"ids": []string{id}, "format": "md"}); got.Code != errs.NotFound {
			t.Errorf("another's: %+v", got)
		}

		first, _ := anna.fetches(anna.request("GET", "/conversations/"+id+"/export?format=json", nil))
		// At home nothing changes.
		if got := anna.brings(first, ""); got.Conversations.Taken != 0 || got.Conversations.Skipped["here"] != 1 || got.Messages.Skipped["conversation"] != 4 {
			t.Errorf("at home: %+v", got)
		}
		if got := ben.brings(first, "?dryRun=true"); !got.DryRun || got.Source != "kakoi" || got.Conversations.Taken != 1 || got.Messages.Taken != 4 || got.Attachments.Taken != 1 {
			t.Errorf("dry run: %+v", got)
		}
		var page list[ConversationSummary]
		if ben.must("GET", "/conversations", nil, &page); len(page.Items) != 0 {
			t.Errorf("a dry run kept %+v", page.Items)
		}
		for round, taken := range []int{1, 0} {
			got := ben.brings(first, "")
			if c := got.Conversations; c.Taken != taken || c.Seen != 1 || c.Taken+c.Skipped["here"] != c.Seen || got.Messages.Taken != 4*taken || got.Attachments.Taken != taken {
				t.Errorf("import %d: %+v", round, got)
			}
		}
		ben.must("GET", "/conversations", nil, &page)
		if len(page.Items) != 1 || page.Items[0].Title != "交付要綱の相談" || len(page.Items[0].Tags) != 2 || !page.Items[0].Pinned || page.Items[0].FolderID == "" {
			t.Fatalf("kept %+v", page.Items)
		}
		second, _ := ben.fetches(ben.request("GET", "/conversations/"+page.Items[0].ID+"/export?format=json", nil))
		if one, two := withoutIDs(t, first), withoutIDs(t, second); one != two {
			t.Errorf("went out as\n%s\nand came back as\n%s", one, two)
		}

		// Everything of hers, and then nothing.
		var saved prompt
		anna.must("POST", "/prompts", map[string]any{"kind": "message", "name": "通知文", "body": "前の本文"}, &saved)
		anna.must("PATCH", "/prompts/"+saved.ID, map[string]any{"body": "本文"}, nil)
		anna.must("PUT", "/messages/"+begun.Answers[0].ID+"/feedback", map[string]any{"rating": "bad", "reasons": []string{"incomplete"}, "comment": "足りません", "shareContent": true}, nil)
		anna.must("POST", "/conversations/"+id+"/shares", map[string]any{"live": true, "everyone": true}, nil)
		data, _ = anna.fetches(anna.request("GET", "/me/export", nil))
		all := unpacked(t, data)
		if !strings.Contains(all["account.json"], "anna@example.jp") || !strings.Contains(all["prompts.json"], "通知文") || !strings.Contains(all["folders/001.json"], "補助金") || len(all) != 7 {
			t.Errorf("everything: %d files, %v", len(all), all["account.json"])
		}
		if !strings.Contains(all["prompts.json"], "前の本文") || !strings.Contains(all["shares.json"], id) || !strings.Contains(all["feedback.json"], "足りません") {
			t.Errorf("prompts %s\nshares %s\nfeedback %s", all["prompts.json"], all["shares.json"], all["feedback.json"])
		}
		for name, text := range all {
			if strings.HasPrefix(name, "conversations/") && !strings.Contains(text, `"comment":"足りません"`) {
				t.Errorf("%s has no feedback", name)
			}
		}
		var gone deletedConversations
		if anna.must("DELETE", "/me/conversations", nil, &gone); gone.Deleted != 1 {
			t.Errorf("deleted %+v", gone)
		}
		if got := anna.refused("GET", "/conversations/"+id+"/export", nil); got.Code != errs.NotFound {
			t.Errorf("deleted: %+v", got)
		}
		anna.must("DELETE", "/prompts/"+saved.ID, nil, nil)
		anna.must("DELETE", "/folders/"+kept.ID, nil, nil)
		if got := anna.brings(data, ""); got.Conversations.Taken != 1 || got.Prompts.Taken != 1 || got.Folders.Taken != 1 || got.Attachments.Taken != 2 {
			t.Errorf("back from everything: %+v", got)
		}
		var back list[PromptSummary]
		if anna.must("GET", "/prompts?scope=mine", nil, &back); len(back.Items) != 1 || back.Items[0].Name != "通知文" {
			t.Errorf("prompts are back: %+v", back.Items)
		}
		var folders list[folder]
		anna.must("GET", "/folders", nil, &folders)
		if len(folders.Items) != 1 || folders.Items[0].Instructions != "担当者として" {
			t.Errorf("folders are back: %+v", folders.Items)
		}
		events, err := h.audit.List(t.Context(), audit.Filter{Action: "conversation.import", Limit: 50})
		if err != nil || len(events.Items) != 4 {
			t.Errorf("%d imports in the audit trail, %v", len(events.Items), err)
		}
	})
}

func TestExportsOfOtherProgramsComeIn(t *testing.T) {
	h := furnished(t, db.SQLite, map[string]string{"limits.importBytes": "1MiB"})
	p := h.resident("anna")
	for _, name := range []string{"chatgpt", "openwebui", "librechat", "librechat-tree", "genu", "genu-dynamodb", "kakoi"} {
		data, err := os.ReadFile(fromRoot("internal/chat/imports/testdata/" + name + ".json"))
		if err != nil {
			t.Fatal(err)
		}
		would, got, again := p.brings(data, "?dryRun=true"), p.brings(data, ""), p.brings(data, "")
		if got.Conversations.Taken == 0 || would.Conversations.Taken != got.Conversations.Taken || would.Messages.Taken != got.Messages.Taken ||
			again.Conversations.Taken != 0 || again.Conversations.Skipped["here"] != got.Conversations.Taken {
			t.Errorf("%s: would %+v, did %+v, again %+v", name, would, got, again)
		}
		for what, c := range map[string]importCounts{"conversations": again.Conversations, "messages": again.Messages, "attachments": got.Attachments} {
			n := c.Taken
			for _, skipped := range c.Skipped {
				n += skipped
			}
			if n != c.Seen {
				t.Errorf("%s: the %s do not add up: %+v", name, what, c)
			}
		}
	}
	if got := p.refusedRequest(p.bringing([]byte(strings.Repeat("x", 2<<20)), "")); got.Code != errs.TooLarge || got.Params["limitBytes"] != "1048576" {
		t.Errorf("too large: %+v", got)
	}
	if got := p.refusedRequest(p.bringing([]byte(`{"a": 1}`), "")); got.Code != errs.UnsupportedType {
		t.Errorf("something else: %+v", got)
	}
	left, err := os.ReadDir(h.spool)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
