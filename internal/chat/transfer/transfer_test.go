package transfer_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/blob"
	"kakoi/internal/chat"
	"kakoi/internal/chat/export"
	"kakoi/internal/chat/imports"
	"kakoi/internal/chat/transfer"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
	"kakoi/internal/feedback"
	"kakoi/internal/library"
	"kakoi/internal/model"
	"kakoi/internal/secret"
	"kakoi/internal/secret/secrettest"
)

const maxFile = 1 << 20

// house is a store with anna and ben and all that takes conversations in and out.
type house struct {
	*transfer.Service
	db       *db.DB
	chat     *chat.Service
	feedback *feedback.Service
	library  *library.Service
	audit    *audit.Log
}

type offers []model.Offer

func (o offers) Offer(_ context.Context, id string) (model.Offer, error) {
	for _, x := range o {
		if x.ID == id {
			return x, nil
		}
	}
	return model.Offer{}, errs.New(errs.ModelUnavailable, "no such model")
}

func (o offers) Offers(context.Context) ([]model.Offer, error) { return o, nil }

func inBoth(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		for _, id := range []string{"anna", "ben"} {
			_, err := d.ExecContext(t.Context(), `
				INSERT INTO accounts (id, email, name, search_key, password_hash, preferences, created_at, updated_at)
				VALUES ($1, $2, $1, '', '', '{}', 0, 0)`, id, id+"@example.jp")
			if err != nil {
				t.Fatal(err)
			}
		}
		h := &house{db: d, audit: audit.New(d, time.Now)}
		h.chat = chat.New(chat.Options{
			DB: d, Files: blob.New(d, secret.New(secrettest.NewKey(t)), time.Now), Audit: h.audit, Log: slog.New(slog.DiscardHandler), Now: time.Now, NodeID: "node",
			FlushEvery: time.Second, MaxAttachmentBytes: maxFile,
			Models: offers{{Model: model.Model{ID: "gemma", DisplayName: "Gemma", Enabled: true}}, {Model: model.Model{ID: "qwen", DisplayName: "Qwen", Enabled: true}}},
		})
		h.feedback = feedback.New(d, h.audit, h.chat, time.Now)
		h.library = library.New(d, h.audit, time.Now)
		h.Service = transfer.New(h.chat, h.feedback, h.library, h.audit, time.Now)
		test(t, h)
	})
}

func as(t *testing.T, id string) context.Context {
	return access.WithPrincipal(t.Context(), access.Principal{AccountID: id})
}

func (h *house) brings(ctx context.Context, t *testing.T, data []byte, dryRun bool) imports.Report {
	t.Helper()
	report, err := h.Import(ctx, bytes.NewReader(data), int64(len(data)), dryRun)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]imports.Counts{
		"conversations": report.Conversations, "messages": report.Messages, "attachments": report.Attachments,
		"prompts": report.Prompts, "folders": report.Folders,
	} {
		if !c.Reconciles() {
			t.Errorf("the %s do not add up: %+v", what, c)
		}
	}
	return report
}

func (h *house) count(t *testing.T, table string) (n int) {
	t.Helper()
	if err := h.db.QueryRowContext(t.Context(), `SELECT count(*) FROM `+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// everything is what a person has, as Kakoi writes it, without ids: of each
// conversation its messages count from 1 in their order.
func (h *house) everything(ctx context.Context, t *testing.T) []export.Conversation {
	t.Helper()
	ids, err := h.chat.Everything(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var all []export.Conversation
	for _, id := range ids {
		out, err := h.Conversation(ctx, id, transfer.Wish{Format: export.FormatJSON})
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if err := out.Write(&text); err != nil {
			t.Fatal(err)
		}
		doc, err := export.ReadJSON(&text)
		if err != nil {
			t.Fatal(err)
		}
		c := doc.Conversations[0]
		numbers := map[string]string{"": ""}
		for i, m := range c.Messages {
			numbers[m.ID] = fmt.Sprint(i + 1)
		}
		c.ID, c.LeafID = "", numbers[c.LeafID]
		slices.Sort(c.Tags)
		for i, m := range c.Messages {
			c.Messages[i].ID, c.Messages[i].ParentID = numbers[m.ID], numbers[m.ParentID]
			for k, p := range m.Parts {
				if p.Data == nil {
					continue
				}
				data, err := p.Data()
				if err != nil {
					t.Fatal(err)
				}
				m.Parts[k].Data, m.Parts[k].Text = nil, string(data)
			}
		}
		all = append(all, c)
	}
	return all
}

func fixture(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("../imports/testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

var sources = map[string]imports.Source{
	"chatgpt": imports.ChatGPT, "openwebui": imports.OpenWebUI, "librechat": imports.LibreChat, "librechat-tree": imports.LibreChat,
	"genu": imports.GenU, "genu-dynamodb": imports.GenU, "kakoi": imports.Kakoi,
}

// instructions are messages of an export that are taken as those of the
// conversation.
var instructions = map[string]int{"openwebui": 1, "genu": 1}

func TestADryRunSaysWhatAnImportDoesAndASecondImportDoesNothing(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		anna, ben := as(t, "anna"), as(t, "ben")
		// Ben has a conversation of the same origin, which is nobody's business.
		h.brings(ben, t, fixture(t, "kakoi"), false)
		before := h.everything(ben, t)
		for name, source := range sources {
			data := fixture(t, name)
			conversations, messages, attachments := h.count(t, "conversations"), h.count(t, "messages"), h.count(t, "attachments")
			would := h.brings(anna, t, data, true)
			if n := h.count(t, "conversations") + h.count(t, "messages") + h.count(t, "attachments"); n != conversations+messages+attachments {
				t.Errorf("%s: a dry run kept something", name)
			}
			did := h.brings(anna, t, data, false)
			if diff := cmp.Diff(would, did, cmp.AllowUnexported(imports.Problem{})); diff != "" || did.Source != source || did.Conversations.Taken == 0 {
				t.Errorf("%s: said (-), did (+) %s:\n%s", name, did.Source, diff)
			}
			if n := h.count(t, "conversations") - conversations; n != did.Conversations.Taken {
				t.Errorf("%s: %d conversations were kept, the report says %d", name, n, did.Conversations.Taken)
			}
			if n := h.count(t, "messages") - messages; n != did.Messages.Taken-did.Merged-instructions[name] {
				t.Errorf("%s: %d messages were kept, the report says %d, of which %d merged and %d are instructions", name, n, did.Messages.Taken, did.Merged, instructions[name])
			}
			if n := h.count(t, "attachments") - attachments; n != did.Attachments.Taken {
				t.Errorf("%s: %d files were kept, the report says %d", name, n, did.Attachments.Taken)
			}
			now := h.everything(anna, t)
			for _, dryRun := range []bool{true, false} {
				again := h.brings(anna, t, data, dryRun)
				if again.Conversations.Taken+again.Messages.Taken+again.Attachments.Taken != 0 || again.Conversations.Skipped[imports.ReasonHere] != did.Conversations.Taken {
					t.Errorf("%s again: %+v", name, again)
				}
			}
			if diff := cmp.Diff(now, h.everything(anna, t)); diff != "" {
				t.Errorf("%s again (-before +after):\n%s", name, diff)
			}
		}
		if diff := cmp.Diff(before, h.everything(ben, t)); diff != "" {
			t.Errorf("what ben has changed (-before +after):\n%s", diff)
		}
		events, err := h.audit.List(access.WithPrincipal(t.Context(), access.Principal{AccountID: "x", Rights: access.Rights(access.Administrator)}), audit.Filter{Action: "conversation.import", Limit: 50})
		if err != nil || len(events.Items) != 1+2*len(sources) {
			t.Errorf("%d imports on record, %v", len(events.Items), err)
		}
	})
}

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t
}

// whole has everything that a conversation of ours can have.
func whole() export.Document {
	file := func(name, mediaType, data string) export.Part {
		return export.Part{Kind: export.File, Name: name, MediaType: mediaType, Size: int64(len(data)), Data: func() ([]byte, error) { return []byte(data), nil }}
	}
	words := func(s string) []export.Part { return []export.Part{{Kind: export.Text, Text: s}} }
	return export.Document{ExportedAt: at("2026-04-01T00:00:00Z"), Conversations: []export.Conversation{{
		ID: "018f0000-0000-7000-8000-000000000001", Title: "来年度の予算 📊", ModelName: "Qwen", SystemPrompt: "職員として\n丁寧に", Folder: "総務課",
		Parameters: json.RawMessage(`{"temperature":0.3,"maxTokens":800}`), Tags: []string{"予算", "至急"}, Pinned: true, LeafID: "4",
		CreatedAt: at("2026-03-01T09:00:00.123Z"), UpdatedAt: at("2026-03-02T09:00:00Z"),
		Messages: []export.Message{
			{ID: "1", Role: export.User, At: at("2026-03-01T09:00:01Z"), FinishedAt: at("2026-03-01T09:00:01Z"), Status: "complete",
				Parts: append([]export.Part{file("表.csv", "text/csv", "課,額\n総務,1200\n")}, words("集計して\n\n- 一\n- 二")...)},
			{ID: "2", ParentID: "1", Role: export.Assistant, ModelName: "Gemma", At: at("2026-03-01T09:00:02Z"), FinishedAt: at("2026-03-01T09:00:09.5Z"),
				Status: "stopped", StopReason: "stop", Parts: append([]export.Part{{Kind: export.Reasoning, Text: "考える"}}, words("途中")...),
				Feedback: &export.Feedback{Rating: "bad", Reasons: []string{"incomplete", "other"}, Comment: "表が\n足りない", At: at("2026-03-01T10:00:00Z")}},
			{ID: "3", Role: export.User, At: at("2026-03-01T09:10:00Z"), FinishedAt: at("2026-03-01T09:10:00Z"), Status: "complete", Parts: words("書き直した質問")},
			{ID: "4", ParentID: "3", Role: export.Assistant, ModelName: "Qwen", At: at("2026-03-01T09:10:01Z"), FinishedAt: at("2026-03-01T09:10:05Z"),
				Status: "complete", StopReason: "end", Parts: words("| 課 | 額 |\n|---|---|\n| 総務 | 1,200 |"),
				Feedback: &export.Feedback{Rating: "good", At: at("2026-03-01T11:00:00Z")}},
		},
	}, {
		ID: "018f0000-0000-7000-8000-000000000002", Title: "しまった会話", ModelName: "消えたモデル", Archived: true, LeafID: "b",
		CreatedAt: at("2025-12-31T15:00:00Z"), UpdatedAt: at("2025-12-31T15:00:00Z"),
		Messages: []export.Message{
			{ID: "a", Role: export.User, At: at("2025-12-31T15:00:00Z"), FinishedAt: at("2025-12-31T15:00:00Z"), Status: "complete", Parts: words("除夜の鐘は")},
			{ID: "b", ParentID: "a", Role: export.Assistant, ModelName: "消えたモデル", At: at("2025-12-31T15:00:01Z"), FinishedAt: at("2025-12-31T15:00:01Z"),
				Status: "failed", Parts: words("百八")},
		},
	}}}
}

func TestOurOwnFormatLosesNothing(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		anna, ben := as(t, "anna"), as(t, "ben")
		var file bytes.Buffer
		if err := export.JSON(&file, whole()); err != nil {
			t.Fatal(err)
		}
		if got := h.brings(anna, t, file.Bytes(), false); got.Conversations.Taken != 2 || got.Messages.Taken != 6 || got.Attachments.Taken != 1 {
			t.Fatalf("taken: %+v", got)
		}
		first := h.everything(anna, t)
		// Nothing is lost of what was written by hand...
		want := whole().Conversations
		for i := range want {
			numbers := map[string]string{"": ""}
			for k, m := range want[i].Messages {
				numbers[m.ID] = fmt.Sprint(k + 1)
			}
			want[i].ID, want[i].LeafID = "", numbers[want[i].LeafID]
			slices.Sort(want[i].Tags)
			for k, m := range want[i].Messages {
				want[i].Messages[k].ID, want[i].Messages[k].ParentID = numbers[m.ID], numbers[m.ParentID]
				for j, p := range m.Parts {
					if p.Data != nil {
						data, _ := p.Data()
						m.Parts[j].Data, m.Parts[j].Text = nil, string(data)
					}
				}
			}
		}
		slices.Reverse(want) // the oldest first
		if diff := cmp.Diff(want, first); diff != "" {
			t.Errorf("written by hand (-), came out again (+):\n%s", diff)
		}

		// ...nor on the way to somebody else, by the zip of everything.
		out, err := h.Everything(anna, "アンナ", []transfer.Thing{{Name: "account.json", Value: map[string]string{"name": "anna"}}})
		if err != nil {
			t.Fatal(err)
		}
		file.Reset()
		if err := out.Write(&file); err != nil {
			t.Fatal(err)
		}
		if got := h.brings(ben, t, file.Bytes(), false); got.Conversations.Taken != 2 {
			t.Fatalf("taken: %+v", got)
		}
		if diff := cmp.Diff(first, h.everything(ben, t)); diff != "" {
			t.Errorf("hers (-), his (+):\n%s", diff)
		}
		mine, err := h.feedback.Mine(ben)
		if err != nil || len(mine) != 2 || mine[0].Rating != feedback.Bad || mine[0].ModelName != "Gemma" {
			t.Errorf("his feedback: %+v, %v", mine, err)
		}
		if diff := cmp.Diff(first, h.everything(anna, t)); diff != "" {
			t.Errorf("hers has changed:\n%s", diff)
		}
	})
}

// mine is what a person has beside conversations, as it is compared.
type mine struct {
	Prompts []library.Prompt
	Folders []heldFolder
}

type heldFolder struct {
	Name, Instructions string
	Files              map[string]string
}

func (h *house) mine(ctx context.Context, t *testing.T) (m mine) {
	t.Helper()
	for _, archived := range []bool{false, true} {
		page, err := h.library.List(ctx, library.Filter{Scope: library.ScopeMine, Archived: archived})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Items {
			whole, err := h.library.Prompt(ctx, p.ID)
			if err != nil {
				t.Fatal(err)
			}
			m.Prompts = append(m.Prompts, library.Prompt{
				Kind: whole.Kind, Name: whole.Name, Command: whole.Command, Description: whole.Description, Category: whole.Category,
				Locale: whole.Locale, Visibility: whole.Visibility, Archived: whole.Archived, Body: whole.Body,
			})
		}
	}
	folders, err := h.chat.Folders(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		whole, err := h.chat.Folder(ctx, f.ID)
		if err != nil {
			t.Fatal(err)
		}
		held := heldFolder{whole.Name, whole.Instructions, map[string]string{}}
		for _, a := range whole.Files {
			_, data, err := h.chat.AttachmentContent(ctx, a.ID)
			if err != nil {
				t.Fatal(err)
			}
			held.Files[a.Name] = string(data)
		}
		m.Folders = append(m.Folders, held)
	}
	return m
}

// filed makes a folder with files.
func (h *house) filed(ctx context.Context, t *testing.T, name, instructions string, files ...string) {
	t.Helper()
	var ids []string
	for _, f := range files {
		a, err := h.chat.Attach(ctx, chat.Upload{Name: f + ".txt", Data: []byte(f)})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, a.ID)
	}
	if _, err := h.chat.CreateFolder(ctx, chat.FolderChange{Name: &name, Instructions: &instructions, FileIDs: &ids}); err != nil {
		t.Fatal(err)
	}
}

// prompts are as the server writes them out.
func (h *house) prompts(ctx context.Context, t *testing.T) transfer.Thing {
	t.Helper()
	var all []map[string]any
	for _, archived := range []bool{false, true} {
		page, err := h.library.List(ctx, library.Filter{Scope: library.ScopeMine, Archived: archived})
		if err != nil {
			t.Fatal(err)
		}
		for _, listed := range page.Items {
			p, err := h.library.Prompt(ctx, listed.ID)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, map[string]any{
				"id": p.ID, "kind": p.Kind, "name": p.Name, "command": p.Command, "description": p.Description, "category": p.Category,
				"locale": p.Locale, "visibility": p.Visibility, "archived": p.Archived, "body": p.Body, "versions": []any{map[string]any{"body": "前"}},
			})
		}
	}
	return transfer.Thing{Name: "prompts.json", Value: all}
}

func (h *house) takesOut(ctx context.Context, t *testing.T) []byte {
	t.Helper()
	out, err := h.Everything(ctx, "アンナ", []transfer.Thing{{Name: "account.json", Value: map[string]string{"name": "anna"}}, h.prompts(ctx, t)})
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := out.Write(&file); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func (h *house) writes(ctx context.Context, t *testing.T, drafts ...library.Draft) {
	t.Helper()
	for _, d := range drafts {
		p, err := h.library.Create(ctx, d)
		if err != nil {
			t.Fatal(err)
		}
		if d.Note == "put away" {
			if _, err := h.library.Update(ctx, p.ID, library.Change{Archived: new(true)}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

var drafts = []library.Draft{
	{Kind: library.KindSystem, Name: "校正", Command: "校正", Description: "公用文", Category: "proofreading", Locale: "ja", Body: "直してください\n{{文}}"},
	{Kind: library.KindMessage, Name: "同じ名", Body: "一つめ"},
	{Kind: library.KindMessage, Name: "同じ名", Body: "二つめ"},
	{Kind: library.KindMessage, Name: "しまったもの", Command: "old", Body: "古い", Note: "put away"},
}

// took checks a report: how many prompts, folders and files there were, and how
// many were taken.
func took(t *testing.T, what string, r imports.Report, prompts, folders, files [2]int) {
	t.Helper()
	for name, c := range map[string]struct {
		got  imports.Counts
		want [2]int
	}{"prompts": {r.Prompts, prompts}, "folders": {r.Folders, folders}, "files": {r.Attachments, files}} {
		if c.got.Seen != c.want[0] || c.got.Taken != c.want[1] {
			t.Errorf("%s: %s: %+v, want %d seen and %d taken", what, name, c.got, c.want[0], c.want[1])
		}
	}
}

func TestPromptsAndFoldersComeBackOnce(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		anna, ben := as(t, "anna"), as(t, "ben")
		h.writes(anna, t, drafts...)
		h.filed(anna, t, "総務課", "職員として答える", "要綱", "様式")
		h.filed(anna, t, "空のフォルダー", "")
		var doc bytes.Buffer
		if err := export.JSON(&doc, whole()); err != nil { // with conversations in a folder of the same name
			t.Fatal(err)
		}
		h.brings(anna, t, doc.Bytes(), false)
		file, hers := h.takesOut(anna, t), h.mine(anna, t)

		// At home nothing is made, and nothing changes.
		took(t, "at home", h.brings(anna, t, file, false), [2]int{4, 0}, [2]int{2, 0}, [2]int{3, 0})
		would := h.brings(ben, t, file, true)
		if diff := cmp.Diff(mine{}, h.mine(ben, t)); diff != "" {
			t.Errorf("a dry run kept (-nothing +this):\n%s", diff)
		}
		did := h.brings(ben, t, file, false)
		if diff := cmp.Diff(would, did, cmp.AllowUnexported(imports.Problem{})); diff != "" {
			t.Errorf("said (-), did (+):\n%s", diff)
		}
		took(t, "elsewhere", did, [2]int{4, 4}, [2]int{2, 2}, [2]int{3, 3})
		if diff := cmp.Diff(hers, h.mine(ben, t)); diff != "" {
			t.Errorf("hers (-), his (+):\n%s", diff)
		}
		for _, dryRun := range []bool{true, false} {
			again := h.brings(ben, t, file, dryRun)
			took(t, "again", again, [2]int{4, 0}, [2]int{2, 0}, [2]int{3, 0})
			if again.Prompts.Skipped[imports.ReasonHere] != 4 || again.Folders.Skipped[imports.ReasonHere] != 2 {
				t.Errorf("again: %+v", again)
			}
		}
		if diff := cmp.Diff(hers, h.mine(ben, t)); diff != "" {
			t.Errorf("after a second import, hers (-), his (+):\n%s", diff)
		}
		if diff := cmp.Diff(hers, h.mine(anna, t)); diff != "" {
			t.Errorf("hers has changed:\n%s", diff)
		}
		var open int
		if err := h.db.QueryRowContext(t.Context(), `SELECT count(*) FROM blobs WHERE master = ''`).Scan(&open); err != nil || open != 0 {
			t.Errorf("%d contents are not sealed, %v", open, err)
		}
	})
}

func TestWhatIsHereStaysAsItIs(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		anna, ben := as(t, "anna"), as(t, "ben")
		h.writes(anna, t, drafts...)
		h.filed(anna, t, "総務課", "職員として答える", "要綱", "様式")
		h.filed(anna, t, "産業課", "短く", "案内")
		file := h.takesOut(anna, t)
		h.writes(ben, t, library.Draft{Kind: library.KindSystem, Name: "校正", Body: "ベンの言葉"},
			library.Draft{Kind: library.KindMessage, Name: "別の名", Command: "old", Body: "別"})
		h.filed(ben, t, "総務課", "ベンの指示", "様式")
		h.filed(ben, t, "産業課", "")
		would := h.brings(ben, t, file, true)
		did := h.brings(ben, t, file, false)
		if diff := cmp.Diff(would, did, cmp.AllowUnexported(imports.Problem{})); diff != "" {
			t.Errorf("said (-), did (+):\n%s", diff)
		}
		took(t, "to what is here", did, [2]int{4, 3}, [2]int{2, 1}, [2]int{3, 2})
		if did.Prompts.Skipped[imports.ReasonNameTaken] != 1 || did.Folders.Skipped[imports.ReasonOtherText] != 1 || did.Attachments.Skipped[imports.ReasonHere] != 1 {
			t.Errorf("told %+v", did)
		}
		got := h.mine(ben, t)
		want := []heldFolder{
			{"産業課", "短く", map[string]string{"案内.txt": "案内"}}, // had no instructions
			{"総務課", "ベンの指示", map[string]string{"要綱.txt": "要綱", "様式.txt": "様式"}},
		}
		slices.SortFunc(got.Folders, func(a, b heldFolder) int { return strings.Compare(a.Instructions, b.Instructions) })
		slices.SortFunc(want, func(a, b heldFolder) int { return strings.Compare(a.Instructions, b.Instructions) })
		if diff := cmp.Diff(want, got.Folders); diff != "" {
			t.Errorf("folders (-want +got):\n%s", diff)
		}
		for _, p := range got.Prompts {
			if p.Name == "校正" && p.Body != "ベンの言葉" || p.Name == "しまったもの" && p.Command != "" || p.Name == "別の名" && p.Command != "old" {
				t.Errorf("his prompts: %+v", p)
			}
		}
	})
}

func TestABrokenExportOfEverythingLeavesNothing(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		anna, ben := as(t, "anna"), as(t, "ben")
		h.writes(anna, t, drafts...)
		h.filed(anna, t, "総務課", "職員として答える", "要綱")
		whole := h.takesOut(anna, t)
		parts := func(change map[string]string) []byte {
			files := map[string]io.Reader{
				"account.json": strings.NewReader(`{}`), "prompts.json": strings.NewReader(`[{"id":"1","kind":"system","name":"a","body":"b"}]`),
				"folders/001.json": strings.NewReader(`{"name":"総務課","instructions":"x","files":[]}`),
			}
			for name, text := range change {
				files[name] = strings.NewReader(text)
			}
			return zipped(t, files)
		}
		before := h.mine(ben, t)
		for name, data := range map[string][]byte{
			"cut":                              whole[:len(whole)-40],
			"cut prompts":                      parts(map[string]string{"prompts.json": `[{"id":"1","kind":"system","name":"a","body":"b"},{"id":"2","na`}),
			"prompts that are none":            parts(map[string]string{"prompts.json": `<html>`}),
			"a cut folder":                     parts(map[string]string{"folders/002.json": `{"name":"産業課","inst`}),
			"conversations of a newer version": parts(map[string]string{"conversations/00001 x.json": `{"schema":"kakoi.conversations/9","conversations":[{"id":"1","messages":[]}]}`}),
		} {
			for _, dryRun := range []bool{true, false} {
				if report, err := h.Import(ben, bytes.NewReader(data), int64(len(data)), dryRun); errs.CodeOf(err) != errs.InvalidInput && errs.CodeOf(err) != errs.UnsupportedType {
					t.Errorf("%s: %v; %+v", name, err, report)
				}
			}
		}
		if diff := cmp.Diff(before, h.mine(ben, t)); diff != "" {
			t.Errorf("kept (-nothing +this):\n%s", diff)
		}
		if n := h.count(t, "attachments"); n != 1 {
			t.Errorf("%d files, of which one is hers", n)
		}
		// What merely is not as it should be costs nothing else.
		odd := parts(map[string]string{
			"prompts.json":     `[{"id":"1","kind":"system","name":"a","body":"b"},{"kind":"spell","name":"c","body":"d"},7]`,
			"folders/002.json": `{"name":"産業課","instructions":"","files":["folders/002 files/01 a.txt","folders/002 files/02 b.bin","../account.json","folders/002 files/01 a.txt"]}`,
			"folders/003.json": `{"name":"産業課","instructions":"もう一度"}`, "folders/004.json": `[]`,
			"folders/002 files/01 a.txt": "本文", "folders/002 files/02 b.bin": "\x7fELF\x00\x00",
		})
		would := h.brings(ben, t, odd, true)
		did := h.brings(ben, t, odd, false)
		if diff := cmp.Diff(would, did, cmp.AllowUnexported(imports.Problem{})); diff != "" {
			t.Errorf("said (-), did (+):\n%s", diff)
		}
		took(t, "odd", did, [2]int{3, 1}, [2]int{3, 2}, [2]int{4, 2})
		if did.Attachments.Skipped[imports.ReasonNotInFile] != 1 || did.Attachments.Skipped[imports.ReasonUnsupported] != 1 || did.Folders.Skipped[imports.ReasonDuplicate] != 1 || did.Prompts.Skipped[imports.ReasonMalformed] != 2 {
			t.Errorf("told %+v", did)
		}
	})
}

func TestFeedbackComesInAsOurs(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		anna := as(t, "anna")
		doc := whole()
		f := doc.Conversations[0].Messages[1].Feedback
		f.Shared, f.Reasons, f.Comment = true, []string{"no_such_reason", "outdated"}, strings.Repeat("あ", 5000)
		f.At = time.Now().Add(24 * time.Hour)
		doc.Conversations[0].Messages[0].Feedback = &export.Feedback{Rating: "good"} // on a question
		doc.Conversations[0].Messages[3].Feedback = &export.Feedback{Rating: "splendid"}
		var file bytes.Buffer
		if err := export.JSON(&file, doc); err != nil {
			t.Fatal(err)
		}
		h.brings(anna, t, file.Bytes(), false)
		mine, err := h.feedback.Mine(anna)
		if err != nil || len(mine) != 1 {
			t.Fatalf("%+v, %v", mine, err)
		}
		got := mine[0]
		if got.ShareContent || !slices.Equal(got.Reasons, []feedback.Reason{"outdated"}) || len([]rune(got.Comment)) > 2000 || got.UpdatedAt.After(time.Now()) {
			t.Errorf("%+v", got)
		}
		// The ratings of other programs come along, too.
		h.brings(anna, t, fixture(t, "genu"), false)
		if mine, err = h.feedback.Mine(anna); err != nil || len(mine) != 2 {
			t.Errorf("with GenU's: %+v, %v", mine, err)
		}
	})
}

func zipped(t *testing.T, files map[string]io.Reader) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, content := range files {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// endless is a head and then text that repeats.
type endless struct{ head, block, of string }

func endlessly(head, of string) endless {
	return endless{head, strings.Repeat(of, 1<<16/len(of)), of}
}

func (e endless) ReadAt(p []byte, off int64) (n int, err error) {
	if off < int64(len(e.head)) {
		n = copy(p, e.head[off:])
	}
	for n < len(p) {
		at := (off + int64(n) - int64(len(e.head))) % int64(len(e.of))
		n += copy(p[n:], e.block[at:])
	}
	return n, nil
}

func TestABrokenOrHostileFileIsRefusedAndLeavesNothing(t *testing.T) {
	var file bytes.Buffer
	if err := export.JSON(&file, whole()); err != nil {
		t.Fatal(err)
	}
	kakoi := file.Bytes()
	const head = `{"schema":"kakoi.conversations/1","conversations":[`
	bomb := bomb(t)
	packed := zipped(t, map[string]io.Reader{"conversations.json": bytes.NewReader(fixture(t, "chatgpt"))})
	inBoth(t, func(t *testing.T, h *house) {
		anna := as(t, "anna")
		for _, tt := range []struct {
			name string
			file io.ReaderAt
			size int64
			want errs.Code
		}{
			{"nothing", strings.NewReader(""), 0, errs.InvalidInput},
			{"no JSON", strings.NewReader("これは違います"), 21, errs.UnsupportedType},
			{"JSON of something else", strings.NewReader(`{"a": [1, 2]}`), 13, errs.UnsupportedType},
			{"a list of nothing", strings.NewReader(`[]`), 2, errs.InvalidInput},
			{"a newer version", strings.NewReader(`{"schema":"kakoi.conversations/9","conversations":[{"id":"1","messages":[]}]}`), 77, errs.UnsupportedType},
			{"cut in the second conversation", bytes.NewReader(kakoi[:len(kakoi)-200]), int64(len(kakoi) - 200), errs.InvalidInput},
			{"cut in the first", bytes.NewReader(kakoi[:600]), 600, errs.InvalidInput},
			{"a cut zip", bytes.NewReader(packed[:len(packed)-30]), int64(len(packed) - 30), errs.InvalidInput},
			{"a zip with damage inside", bytes.NewReader(damaged(packed)), int64(len(packed)), errs.InvalidInput},
			{"200 MB of nesting", endlessly(head, "["), 200 << 20, errs.InvalidInput},
			{"200 MB of objects in objects", endlessly(head, `{"a":`), 200 << 20, errs.InvalidInput},
			{"200 MB of one text", endlessly(head+`{"id":"1","title":"`, "あ"), 200 << 20, errs.InvalidInput},
			{"a zip bomb", bytes.NewReader(bomb), int64(len(bomb)), errs.TooLarge},
		} {
			t.Run(tt.name, func(t *testing.T) {
				rounds := []bool{true, false}
				if tt.size >= 200<<20 { // which take seconds and never reach a store
					if rounds = rounds[1:]; h.db.Engine() != db.SQLite {
						return
					}
				}
				var before, after runtime.MemStats
				for _, dryRun := range rounds {
					runtime.GC()
					runtime.ReadMemStats(&before)
					report, err := h.Import(anna, tt.file, tt.size, dryRun)
					runtime.ReadMemStats(&after)
					if errs.CodeOf(err) != tt.want {
						t.Errorf("%v (%s), want %s; %+v", err, errs.CodeOf(err), tt.want, report)
					}
					if after.HeapSys-min(before.HeapSys, after.HeapSys) > 400<<20 {
						t.Errorf("the heap grew by %d MB", (after.HeapSys-before.HeapSys)>>20)
					}
				}
			})
		}
		for _, table := range []string{"conversations", "messages", "attachments", "blobs", "folders", "feedback", "search_documents"} {
			if n := h.count(t, table); n != 0 {
				t.Errorf("%d rows are left in %s", n, table)
			}
		}
	})
}

// damaged changes bytes in the middle of what is packed.
func damaged(packed []byte) []byte {
	out := bytes.Clone(packed)
	for i := 200; i < 260; i++ {
		out[i] ^= 0x55
	}
	return out
}

// bomb is a small zip of a large export.
func bomb(t *testing.T) []byte {
	return zipped(t, map[string]io.Reader{"conversations.json": io.MultiReader(
		strings.NewReader(`[{"title":"`), io.LimitReader(spaces{}, 300<<20), strings.NewReader(`","mapping":{}}]`))})
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestAFileThatCannotBeReadDoesNotKeepTheRestFromComingOut(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		anna := as(t, "anna")
		var file bytes.Buffer
		if err := export.JSON(&file, whole()); err != nil {
			t.Fatal(err)
		}
		h.brings(anna, t, file.Bytes(), false)
		a, err := h.chat.Attach(anna, chat.Upload{Name: "要綱.txt", Data: []byte("第一条")})
		if err != nil {
			t.Fatal(err)
		}
		name := "補助金"
		if _, err := h.chat.CreateFolder(anna, chat.FolderChange{Name: &name, FileIDs: &[]string{a.ID}}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.db.ExecContext(t.Context(), `UPDATE blobs SET data = $1`, []byte("damaged")); err != nil {
			t.Fatal(err)
		}
		if _, _, err := h.chat.AttachmentContent(anna, a.ID); errs.CodeOf(err) != errs.FileUnreadable {
			t.Fatalf("the file itself: %v", err)
		}
		out, err := h.Everything(anna, "アンナ", nil)
		if err != nil {
			t.Fatal(err)
		}
		file.Reset()
		if err := out.Write(&file); err != nil {
			t.Fatal(err)
		}
		if got := h.brings(as(t, "ben"), t, file.Bytes(), false); got.Conversations.Taken != 2 || got.Attachments.Skipped[imports.ReasonNotInFile] != 1 {
			t.Errorf("what came out: %+v", got)
		}
	})
}

func TestNobodyTakesOutWhatIsAnothers(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		anna, ben := as(t, "anna"), as(t, "ben")
		h.brings(anna, t, fixture(t, "kakoi"), false)
		ids, err := h.chat.Everything(anna)
		if err != nil {
			t.Fatal(err)
		}
		for name, try := range map[string]func() error{
			"one": func() error {
				_, err := h.Conversation(ben, ids[0], transfer.Wish{Format: export.FormatHTML})
				return err
			},
			"many": func() error {
				_, err := h.Conversations(ben, ids, transfer.Wish{Format: export.FormatHTML})
				return err
			},
		} {
			if err := try(); errs.CodeOf(err) != errs.NotFound {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, try := range map[string]func() error{
			"one": func() error {
				_, err := h.Conversation(t.Context(), ids[0], transfer.Wish{Format: export.FormatHTML})
				return err
			},
			"all": func() error { _, err := h.Everything(t.Context(), "", nil); return err },
			"in":  func() error { _, err := h.Import(t.Context(), strings.NewReader("[]"), 2, false); return err },
		} {
			if err := try(); errs.CodeOf(err) != errs.Unauthenticated {
				t.Errorf("nobody, %s: %v", name, err)
			}
		}
		if _, err := h.Conversation(anna, ids[0], transfer.Wish{Format: "exe"}); errs.CodeOf(err) != errs.InvalidInput {
			t.Errorf("a format that is none: %v", err)
		}
	})
}
