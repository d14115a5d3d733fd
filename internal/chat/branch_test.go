package chat

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// words returns the texts of the open branch, or of the one through a message.
func (f *fixture) words(ctx context.Context, id, through string) []string {
	f.t.Helper()
	page, err := f.Messages(ctx, id, through, "", 100)
	if err != nil {
		f.t.Fatal(err)
	}
	var out []string
	for _, m := range page.Items {
		out = append(out, m.text())
	}
	return out
}

// say sends a turn and waits for its answer.
func (f *fixture) say(ctx context.Context, id, text string) Started {
	f.t.Helper()
	st, err := f.Send(ctx, id, Turn{Text: text}, Change{}, BusyRefuse)
	if err != nil {
		f.t.Fatal(err)
	}
	f.read(ctx, f.Service, st.Answers[0].RunID, "")
	return st
}

func TestAnEditedQuestionIsABranch(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		ctx := as(t, "anna")
		f.model.answers("A1")
		first := f.start("Q1")
		f.read(ctx, f.Service, first.Answers[0].RunID, "")
		id := first.Conversation.ID
		second := f.say(ctx, id, "Q2")
		f.model.answers("A2")
		edited, err := f.Edit(ctx, id, second.User.ID, Turn{Text: "Q2 anders", ClientID: "edit-1"})
		if err != nil {
			t.Fatal(err)
		}
		f.read(ctx, f.Service, edited.Answers[0].RunID, "")
		if got := f.words(ctx, id, ""); !slices.Equal(got, []string{"Q1", "A1", "Q2 anders", "A2"}) {
			t.Errorf("the open branch is %q", got)
		}
		if sent := f.model.last().Messages; len(sent) != 3 || sent[2].Parts[0].Text != "Q2 anders" {
			t.Errorf("the model got %+v", sent)
		}
		again, err := f.Edit(ctx, id, second.User.ID, Turn{Text: "Q2 anders", ClientID: "edit-1"})
		if err != nil || again.User.ID != edited.User.ID {
			t.Errorf("the same edit again: %+v, %v", again.User, err)
		}
		page, err := f.Messages(ctx, id, "", "", 0)
		if err != nil || !slices.Equal(page.Items[2].SiblingIDs, []string{second.User.ID, edited.User.ID}) || len(page.Items[0].SiblingIDs) != 1 {
			t.Errorf("siblings %v, %v", page.Items[2].SiblingIDs, err)
		}
		if got := f.words(ctx, id, second.User.ID); !slices.Equal(got, []string{"Q1", "A1", "Q2", "A1"}) {
			t.Errorf("through the first wording: %q", got)
		}
		c, err := f.OpenBranch(ctx, id, second.User.ID)
		if err != nil || c.LeafID != second.Answers[0].ID {
			t.Errorf("opened %+v, %v", c, err)
		}
		if got := f.words(ctx, id, ""); got[2] != "Q2" {
			t.Errorf("after opening: %q", got)
		}
		// The first question too.
		f.model.answers("A0")
		root, err := f.Edit(ctx, id, first.User.ID, Turn{Text: "Q0"})
		if err != nil {
			t.Fatal(err)
		}
		f.read(ctx, f.Service, root.Answers[0].RunID, "")
		if got := f.words(ctx, id, ""); !slices.Equal(got, []string{"Q0", "A0"}) {
			t.Errorf("another beginning: %q", got)
		}
		if page, err = f.Messages(ctx, id, "", "", 0); err != nil || len(page.Items[0].SiblingIDs) != 2 {
			t.Errorf("siblings of the beginning: %+v, %v", page.Items, err)
		}
	})
}

func TestAnAnswerIsAskedForAnewAndEdited(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		ctx := as(t, "anna")
		f.model.answers("一つ目")
		st := f.start("質問")
		f.read(ctx, f.Service, st.Answers[0].RunID, "")
		id := st.Conversation.ID
		f.model.answers("二つ目")
		other, err := f.Regenerate(ctx, id, st.Answers[0].ID, "blind", "r-1")
		if err != nil {
			t.Fatal(err)
		}
		f.read(ctx, f.Service, other.Answers[0].RunID, "")
		if got := f.model.last().ModelID; got != "blind" {
			t.Errorf("asked %s", got)
		}
		if again, err := f.Regenerate(ctx, id, st.Answers[0].ID, "blind", "r-1"); err != nil || again.Answers[0].ID != other.Answers[0].ID {
			t.Errorf("asked twice: %v", err)
		}
		c, err := f.Conversation(ctx, id)
		if err != nil || c.ModelID != "m1" {
			t.Errorf("the conversation's model is %s, %v", c.ModelID, err)
		}
		edited, err := f.Edit(ctx, id, other.Answers[0].ID, Turn{Text: "人が直した答え"})
		if err != nil {
			t.Fatal(err)
		}
		if a := edited.Answers[0]; len(a.SiblingIDs) != 3 || a.EditedFromID != other.Answers[0].ID || a.Usage != nil || a.RunID != "" {
			t.Errorf("edited %+v", a)
		}
		if got := f.words(ctx, id, ""); got[1] != "人が直した答え" {
			t.Errorf("open %q", got)
		}
		f.say(ctx, id, "続き")
		if sent := f.model.last().Messages; sent[1].Parts[0].Text != "人が直した答え" {
			t.Errorf("the model got %+v", sent[1])
		}
		if _, err := f.Regenerate(ctx, id, st.User.ID, "", ""); errs.CodeOf(err) != errs.InvalidInput {
			t.Errorf("a question asked for anew: %v", err)
		}
	})
}

func TestModelsAnswerSideBySideAndOneGoesOn(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		ctx := as(t, "anna")
		f.model.says(func(_ context.Context, c model.Call, yield func(model.Event, error) bool) {
			yield(model.Event{Type: model.EventText, Text: "von " + c.ModelID}, nil)
		})
		st, err := f.Create(ctx, NewConversation{Turn: Turn{Text: "比べて", CompareIDs: []string{"m1", "blind"}}})
		if err != nil || len(st.Answers) != 2 || st.Answers[0].ComparisonID == "" {
			t.Fatalf("%+v, %v", st, err)
		}
		id := st.Conversation.ID
		for i, want := range []string{"von m1", "von blind"} {
			if text, _ := f.read(ctx, f.Service, st.Answers[i].RunID, ""); text != want {
				t.Errorf("answer %d: %q", i, text)
			}
		}
		page, err := f.Messages(ctx, id, "", "", 0)
		if err != nil || len(page.Compared) != 2 || len(page.Items) != 2 {
			t.Fatalf("%+v, %v", page, err)
		}
		if _, err := f.OpenBranch(ctx, id, st.Answers[1].ID); err != nil {
			t.Fatal(err)
		}
		f.say(ctx, id, "続けて")
		if sent := f.model.last().Messages; len(sent) != 3 || sent[1].Parts[0].Text != "von blind" {
			t.Errorf("the chosen one does not go on: %+v", sent)
		}
		if page, err = f.Messages(ctx, id, "", "", 0); err != nil || len(page.Compared) != 0 || len(page.Items[1].SiblingIDs) != 2 {
			t.Errorf("after choosing: %+v, %v", page, err)
		}
		for _, bad := range [][]string{{"m1"}, {"m1", "m1"}, {"m1", "blind", "m1", "x"}} {
			if _, err := f.Create(ctx, NewConversation{Turn: Turn{Text: "x", CompareIDs: bad}}); errs.CodeOf(err) != errs.InvalidInput {
				t.Errorf("compare %v: %v", bad, err)
			}
		}
	})
}

func TestAForkTakesItsFilesAndLeavesTheRestAlone(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		ctx := as(t, "anna")
		f.model.answers("答え")
		a, err := f.Attach(ctx, Upload{Name: "図.png", Data: picture(t)})
		if err != nil {
			t.Fatal(err)
		}
		st, err := f.Create(ctx, NewConversation{Turn: Turn{Text: "見て", AttachmentIDs: []string{a.ID}}})
		if err != nil {
			t.Fatal(err)
		}
		f.read(ctx, f.Service, st.Answers[0].RunID, "")
		id := st.Conversation.ID
		second := f.say(ctx, id, "二つ目")
		other, err := f.Regenerate(ctx, id, second.Answers[0].ID, "", "")
		if err != nil {
			t.Fatal(err)
		}
		f.read(ctx, f.Service, other.Answers[0].RunID, "")
		f.say(ctx, id, "三つ目")

		fork, err := f.Fork(ctx, id, second.Answers[0].ID, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.words(ctx, fork.ID, ""); !slices.Equal(got, []string{"見て", "答え", "二つ目", "答え"}) {
			t.Errorf("forked %q", got)
		}
		all, err := f.Fork(ctx, id, second.User.ID, true)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.words(ctx, all.ID, ""); len(got) != 3 {
			t.Errorf("forked all: %q", got)
		}
		if all, err = f.Fork(ctx, id, second.Answers[0].ID, true); err != nil {
			t.Fatal(err)
		}
		page, err := f.Messages(ctx, all.ID, "", "", 0)
		if err != nil || len(page.Items) != 4 || len(page.Items[3].SiblingIDs) != 2 {
			t.Errorf("forked with branches: %+v, %v", page, err)
		}
		if _, err := f.Bulk(ctx, []string{id}, BulkDelete, ""); err != nil {
			t.Fatal(err)
		}
		if err := f.sweep(t.Context(), f.now().Add(restorableFor)); err != nil {
			t.Fatal(err)
		}
		f.say(ctx, fork.ID, "まだ見える？")
		if m := f.model.last().Messages[0]; m.Parts[0].Media == nil {
			t.Error("the fork lost its file with the conversation it came from")
		}
	})
}

func TestATurnWaitsForTheAnswerBeforeIt(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		ctx := as(t, "anna")
		goAhead := make(chan struct{})
		f.model.says(func(ctx context.Context, c model.Call, yield func(model.Event, error) bool) {
			if len(c.Messages) == 1 {
				select {
				case <-goAhead:
				case <-ctx.Done():
					yield(model.Event{}, context.Cause(ctx))
					return
				}
			}
			yield(model.Event{Type: model.EventText, Text: fmt.Sprint(len(c.Messages))}, nil)
		})
		st := f.start("1")
		id := st.Conversation.ID
		if _, err := f.Send(ctx, id, Turn{Text: "x"}, Change{}, BusyRefuse); errs.CodeOf(err) != errs.RunActive {
			t.Errorf("sent while busy: %v", err)
		}
		for _, text := range []string{"2", "3", "4"} {
			q, err := f.Send(ctx, id, Turn{Text: text, ClientID: "c" + text}, Change{}, BusyQueue)
			if err != nil || q.Queued == nil {
				t.Fatalf("%+v, %v", q, err)
			}
		}
		if q, err := f.Send(ctx, id, Turn{Text: "2", ClientID: "c2"}, Change{}, BusyQueue); err != nil || q.Queued == nil {
			t.Errorf("queued twice: %+v, %v", q, err)
		}
		c, err := f.Conversation(ctx, id)
		if err != nil || len(c.Queue) != 3 {
			t.Fatalf("queue %+v, %v", c.Queue, err)
		}
		if _, err := f.ChangeQueued(ctx, id, c.Queue[1].ID, "3 neu"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := f.RemoveQueued(ctx, id, c.Queue[2].ID); err != nil {
			t.Fatal(err)
		}
		close(goAhead)
		f.until("the queue is sent", func() bool {
			c, err := f.Conversation(ctx, id)
			return err == nil && len(c.Queue) == 0 && !c.Running
		})
		if got := f.words(ctx, id, ""); !slices.Equal(got, []string{"1", "1", "2", "3", "3 neu", "5"}) {
			t.Errorf("%q", got)
		}
	})
}

func TestAStoppedAnswerHoldsTheQueueAndGivesWayToItsReplacement(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		ctx := as(t, "anna")
		said := make(chan struct{})
		f.model.hangs(said, "途中")
		st := f.start("1")
		id := st.Conversation.ID
		<-said
		if _, err := f.Send(ctx, id, Turn{Text: "待つ"}, Change{}, BusyQueue); err != nil {
			t.Fatal(err)
		}
		if err := f.Stop(ctx, st.Answers[0].RunID); err != nil {
			t.Fatal(err)
		}
		f.until("it stops", func() bool { c, _ := f.Conversation(ctx, id); return !c.Running })
		if c, _ := f.Conversation(ctx, id); len(c.Queue) != 1 {
			t.Fatalf("queue %+v", c.Queue)
		}
		said = make(chan struct{})
		f.model.hangs(said, "また途中")
		next, err := f.SendQueued(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		<-said
		f.model.answers("差し替え")
		if q, err := f.Send(ctx, id, Turn{Text: "やはりこちら"}, Change{}, BusyReplace); err != nil || q.Queued == nil {
			t.Fatalf("%+v, %v", q, err)
		}
		f.read(ctx, f.Service, next.Answers[0].RunID, "")
		f.until("the replacement is answered", func() bool {
			got := f.words(ctx, id, "")
			return slices.Equal(got, []string{"1", "途中", "待つ", "また途中", "やはりこちら", "差し替え"})
		})
	})
}

func TestALongConversationIsPackedAndSummarised(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		ctx := as(t, "anna")
		f.model.answers(strings.Repeat("長い答え。", 200))
		st, err := f.Create(ctx, NewConversation{ModelID: "small", Turn: Turn{Text: "最初の質問"}})
		if err != nil {
			t.Fatal(err)
		}
		f.read(ctx, f.Service, st.Answers[0].RunID, "")
		id := st.Conversation.ID
		for i := range 6 {
			f.say(ctx, id, fmt.Sprintf("質問%d", i))
		}
		sent := f.model.last().Messages
		if sent[0].Role != model.RoleUser || sent[0].Parts[0].Text == "最初の質問" || sent[len(sent)-1].Parts[0].Text != "質問5" {
			t.Errorf("the model got %d messages from %q", len(sent), sent[0].Parts[0].Text)
		}
		page, err := f.Messages(ctx, id, "", "", 0)
		if err != nil {
			t.Fatal(err)
		}
		last := page.Items[len(page.Items)-1].Context
		if last == nil || last.Omitted != len(page.Items)-1-len(sent) || last.Tokens > last.Limit || last.Limit != 4000 {
			t.Errorf("context %+v of %d, sent %d", last, len(page.Items), len(sent))
		}
		g, err := f.Gauge(ctx, id)
		if err != nil || g.Omitted == 0 || g.Limit != 4000 || g.Messages == 0 {
			t.Errorf("gauge %+v, %v", g, err)
		}
		f.model.answers("要点だけ")
		sum, err := f.Summarise(ctx, id)
		if err != nil || sum.Text != "要点だけ" {
			t.Fatalf("%+v, %v", sum, err)
		}
		f.say(ctx, id, "続き")
		call := f.model.last()
		if !strings.Contains(call.System, "要点だけ") || len(call.Messages) != 2*keptTurns+1 {
			t.Errorf("system %q, %d messages", call.System, len(call.Messages))
		}
		if g, err = f.Gauge(ctx, id); err != nil || g.Omitted != 0 || !g.Summed {
			t.Errorf("gauge %+v, %v", g, err)
		}
		if err := f.ForgetSummary(ctx, id); err != nil {
			t.Fatal(err)
		}
		f.say(ctx, id, "全部")
		if strings.Contains(f.model.last().System, "要点だけ") {
			t.Error("a forgotten summary is given")
		}
		// A turn that alone is too long is given: the model says so itself.
		f.say(ctx, id, strings.Repeat("長", 8000))
		if n := len(f.model.last().Messages); n != 1 {
			t.Errorf("%d messages beside one that fills the model", n)
		}
	})
}

func TestAFolderGoesWithItsTurns(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		ctx := as(t, "anna")
		f.model.answers("はい")
		a, err := f.Attach(ctx, Upload{Name: "要綱.txt", Data: []byte("第一条 目的")})
		if err != nil {
			t.Fatal(err)
		}
		name, how := "　条例改正 ", "公用文で書く"
		folder, err := f.CreateFolder(ctx, FolderChange{Name: &name, Instructions: &how, FileIDs: &[]string{a.ID}})
		if err != nil || folder.Name != "条例改正" || len(folder.Files) != 1 {
			t.Fatalf("%+v, %v", folder, err)
		}
		if _, err := f.CreateFolder(ctx, FolderChange{Name: &name}); errs.CodeOf(err) != errs.InvalidInput {
			t.Errorf("two of one name: %v", err)
		}
		st, err := f.Create(ctx, NewConversation{FolderID: folder.ID, SystemPrompt: "短く", Turn: Turn{Text: "目的は"}})
		if err != nil {
			t.Fatal(err)
		}
		f.read(ctx, f.Service, st.Answers[0].RunID, "")
		call := f.model.last()
		if call.System != "公用文で書く\n\n短く" || !strings.Contains(call.Messages[0].Parts[0].Text, "第一条 目的") {
			t.Errorf("the model got %q and %+v", call.System, call.Messages[0])
		}
		if list, err := f.List(ctx, Filter{FolderID: folder.ID}, "", 0); err != nil || len(list.Items) != 1 {
			t.Errorf("in the folder: %+v, %v", list, err)
		}
		if n, err := f.DeleteFolder(ctx, folder.ID, false); err != nil || n != 0 {
			t.Fatal(err)
		}
		f.say(ctx, st.Conversation.ID, "まだある？")
		if got := f.model.last().System; got != "短く" {
			t.Errorf("after the folder: %q", got)
		}
	})
}

func TestConversationsAreTaggedPinnedPutAwayAndBroughtBack(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		ctx := as(t, "anna")
		f.model.answers("はい")
		var all []string
		for i := range 5 {
			st := f.start(fmt.Sprint(i))
			f.read(ctx, f.Service, st.Answers[0].RunID, "")
			all = append(all, st.Conversation.ID)
		}
		listed := func(filter Filter) []string {
			t.Helper()
			var got []string
			for token := ""; ; {
				page, err := f.List(ctx, filter, token, 2)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range page.Items {
					got = append(got, c.ID)
				}
				if token = page.Next; token == "" {
					return got
				}
			}
		}
		pin, tags := true, []string{"#予算", " 予算", "議会"}
		c, err := f.Update(ctx, all[1], Change{Pinned: &pin, Tags: &tags})
		if err != nil || !slices.Equal(c.Tags, []string{"予算", "議会"}) && !slices.Equal(c.Tags, []string{"議会", "予算"}) {
			t.Fatalf("%+v, %v", c, err)
		}
		if got := listed(Filter{}); !slices.Equal(got, []string{all[1], all[4], all[3], all[2], all[0]}) {
			t.Errorf("listed %v of %v", got, all)
		}
		if n, err := f.Bulk(ctx, []string{all[2], all[3], "nobody's"}, BulkAddTag, "予算"); n != 2 || err != nil {
			t.Errorf("tagged %d, %v", n, err)
		}
		if got := listed(Filter{Tag: "予算"}); len(got) != 3 {
			t.Errorf("tagged: %v", got)
		}
		found, err := f.Tags(ctx)
		if err != nil || len(found) != 2 {
			t.Errorf("tags %+v, %v", found, err)
		}
		if n, err := f.Bulk(ctx, all[3:], BulkArchive, ""); n != 2 || err != nil {
			t.Errorf("put away %d, %v", n, err)
		}
		if got := listed(Filter{Archived: true}); !slices.Equal(got, []string{all[4], all[3]}) {
			t.Errorf("put away: %v", got)
		}
		if n, err := f.Bulk(ctx, all, BulkDelete, ""); n != 5 || err != nil {
			t.Errorf("deleted %d, %v", n, err)
		}
		if got := listed(Filter{}); len(got) != 0 {
			t.Errorf("after deletion: %v", got)
		}
		if _, err := f.Conversation(ctx, all[0]); errs.CodeOf(err) != errs.NotFound {
			t.Errorf("a deleted one: %v", err)
		}
		if c, err := f.Restore(ctx, all[1]); err != nil || !c.Pinned || len(c.Tags) != 2 {
			t.Errorf("restored %+v, %v", c, err)
		}
		if err := f.sweep(t.Context(), f.now().Add(restorableFor)); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Restore(ctx, all[0]); errs.CodeOf(err) != errs.NotFound {
			t.Errorf("restored too late: %v", err)
		}
		if got := listed(Filter{}); !slices.Equal(got, all[1:2]) {
			t.Errorf("what is left: %v", got)
		}
	})
}

// until waits for what must come to be.
func (f *fixture) until(what string, is func() bool) {
	f.t.Helper()
	for range 1000 {
		if is() {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	f.t.Fatalf("never: %s", what)
}

func TestATurnThatIsTakenBackComesWithItsFiles(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		ctx := as(t, "anna")
		said := make(chan struct{})
		f.model.hangs(said, "半分")
		st := f.start("答えて")
		<-said
		file, err := f.Attach(ctx, Upload{Name: "資料.txt", Data: []byte("資料")})
		if err != nil {
			t.Fatal(err)
		}
		id := st.Conversation.ID
		q, err := f.Send(ctx, id, Turn{Text: "これも読んで", AttachmentIDs: []string{file.ID}}, Change{}, BusyQueue)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := f.RemoveQueued(as(t, "ben"), id, q.Queued.ID); errs.CodeOf(err) != errs.NotFound {
			t.Errorf("somebody else: %v", err)
		}
		began := f.now()
		back, files, err := f.RemoveQueued(ctx, id, q.Queued.ID)
		if err != nil || back.Turn.Text != "これも読んで" || len(files) != 1 || files[0].ID != file.ID || files[0].Name != "資料.txt" {
			t.Fatalf("%+v, %+v, %v", back, files, err)
		}
		if _, _, err := f.RemoveQueued(ctx, id, q.Queued.ID); errs.CodeOf(err) != errs.NotFound {
			t.Errorf("twice: %v", err)
		}
		if err := f.Stop(ctx, st.Answers[0].RunID); err != nil {
			t.Fatal(err)
		}
		f.read(ctx, f.Service, st.Answers[0].RunID, "")
		// It waits for its message as long as one that was just attached.
		if err := f.deleteUnsent(ctx, f.db, began.Add(-time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		f.model.answers("読みました")
		again, err := f.Send(ctx, id, Turn{Text: back.Turn.Text, AttachmentIDs: []string{files[0].ID}}, Change{}, BusyRefuse)
		if err != nil || len(again.User.Parts) != 2 || again.User.Parts[0].AttachmentID != file.ID {
			t.Errorf("sent again: %+v, %v", again.User, err)
		}
	})
}
