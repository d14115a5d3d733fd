package chat

import (
	"context"
	"strings"
	"testing"

	"kakoi/internal/errs"
)

func TestAnotherPersonFindsNothing(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.model.answers("秘密")
		st := f.start("秘密の話")
		f.read(as(t, "anna"), f.Service, st.Answers[0].RunID, "")
		a, err := f.Attach(as(t, "anna"), Upload{Name: "図.png", Data: picture(t)})
		if err != nil {
			t.Fatal(err)
		}
		name := "秘"
		folder, err := f.CreateFolder(as(t, "anna"), FolderChange{Name: &name})
		if err != nil {
			t.Fatal(err)
		}
		ben, id := as(t, "ben"), st.Conversation.ID
		for what, try := range map[string]func() error{
			"read":       func() error { _, err := f.Conversation(ben, id); return err },
			"messages":   func() error { _, err := f.Messages(ben, id, "", "", 0); return err },
			"send":       func() error { _, err := f.Send(ben, id, Turn{Text: "x"}, Change{}, BusyRefuse); return err },
			"rename":     func() error { title := "x"; _, err := f.Update(ben, id, Change{Title: &title}); return err },
			"delete":     func() error { return f.Delete(ben, id) },
			"continue":   func() error { _, err := f.Continue(ben, id, ""); return err },
			"retry":      func() error { _, err := f.Retry(ben, id, ""); return err },
			"stop":       func() error { return f.Stop(ben, st.Answers[0].RunID) },
			"follow":     func() error { _, err := f.Follow(ben, st.Answers[0].RunID, ""); return err },
			"attachment": func() error { _, _, err := f.AttachmentContent(ben, a.ID); return err },
			"remove":     func() error { return f.RemoveAttachment(ben, a.ID) },
			"fork":       func() error { _, err := f.Fork(ben, id, st.Answers[0].ID, true); return err },
			"edit":       func() error { _, err := f.Edit(ben, id, st.User.ID, Turn{Text: "x"}); return err },
			"regenerate": func() error { _, err := f.Regenerate(ben, id, st.Answers[0].ID, "", ""); return err },
			"open":       func() error { _, err := f.OpenBranch(ben, id, st.Answers[0].ID); return err },
			"queue":      func() error { _, err := f.SendQueued(ben, id); return err },
			"restore":    func() error { _, err := f.Restore(ben, id); return err },
			"gauge":      func() error { _, err := f.Gauge(ben, id); return err },
			"summarise":  func() error { _, err := f.Summarise(ben, id); return err },
			"folder":     func() error { _, err := f.Folder(ben, folder.ID); return err },
			"into a folder of another": func() error {
				_, err := f.Create(ben, NewConversation{FolderID: folder.ID, Turn: Turn{Text: "x"}})
				return err
			},
			"rename folder": func() error { _, err := f.UpdateFolder(ben, folder.ID, FolderChange{}); return err },
			"delete folder": func() error { _, err := f.DeleteFolder(ben, folder.ID, true); return err },
			"send file": func() error {
				_, err := f.Create(ben, NewConversation{Turn: Turn{AttachmentIDs: []string{a.ID}}})
				return err
			},
		} {
			if err := try(); errs.CodeOf(err) != errs.NotFound {
				t.Errorf("%s: %v, want not found", what, err)
			}
		}
		if _, err := f.Conversation(context.Background(), id); errs.CodeOf(err) != errs.Unauthenticated {
			t.Errorf("nobody: %v", err)
		}
		for _, act := range []BulkAct{BulkDelete, BulkArchive, BulkMove, BulkAddTag} {
			if n, err := f.Bulk(ben, []string{id}, act, "x"); n != 0 || err != nil && errs.CodeOf(err) != errs.NotFound {
				t.Errorf("%s: %d, %v", act, n, err)
			}
		}
		if list, _ := f.List(ben, Filter{}, "", 0); len(list.Items) != 0 {
			t.Errorf("ben lists %d", len(list.Items))
		}
	})
}

func TestALongThreadIsReadInPagesToItsBeginning(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.model.answers(strings.Repeat("長い文。", 2000))
		ctx := as(t, "anna")
		st := f.start("0")
		f.read(ctx, f.Service, st.Answers[0].RunID, "")
		for range 11 {
			more, err := f.Send(ctx, st.Conversation.ID, Turn{Text: "続けて"}, Change{}, BusyRefuse)
			if err != nil {
				t.Fatal(err)
			}
			f.read(ctx, f.Service, more.Answers[0].RunID, "")
		}
		var n int
		for token := ""; ; {
			page, err := f.Messages(ctx, st.Conversation.ID, "", token, 5)
			if err != nil {
				t.Fatal(err)
			}
			n += len(page.Items)
			if token = page.Previous; token == "" {
				break
			}
		}
		if n != 24 {
			t.Errorf("read %d messages of 24", n)
		}
	})
}
