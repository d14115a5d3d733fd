package chat

import (
	"context"
	"testing"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/classification"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

func TestEveryCallBesideAConversationIsOfItsClass(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		ctx := as(t, "anna")
		f.policy.Store(&Policy{DefaultClass: classification.Internal})
		f.model.answers("はい")
		st := f.start("既定のまま")
		f.read(ctx, f.Service, st.Answers[0].RunID, "")
		if c := st.Conversation; c.Class != classification.Internal || c.ModelID != "m1" || f.model.last().Class != classification.Internal {
			t.Errorf("begun as %s with %s, called as %s", c.Class, c.ModelID, f.model.last().Class)
		}

		// A model that does not take what is that confidential is not the first.
		st, err := f.Create(ctx, NewConversation{Class: classification.Restricted, Turn: Turn{Text: "人事の相談"}})
		if err != nil {
			t.Fatal(err)
		}
		f.read(ctx, f.Service, st.Answers[0].RunID, "")
		id := st.Conversation.ID
		if st.Conversation.ModelID != "blind" || f.model.last().Class != classification.Restricted {
			t.Errorf("asked %s as %s", st.Conversation.ModelID, f.model.last().Class)
		}
		for range 4 {
			f.say(ctx, id, "続き")
		}
		if _, err := f.Summarise(ctx, id); err != nil {
			t.Fatal(err)
		}
		f.stands() // titles are made beside
		f.model.mu.Lock()
		for _, c := range f.model.calls {
			if c.ConversationID == id && c.Class != classification.Restricted {
				t.Errorf("the %s was asked for as %s", c.Feature, c.Class)
			}
		}
		f.model.mu.Unlock()

		// Copies are as confidential as what they are of.
		fork, err := f.Fork(ctx, id, st.Answers[0].ID, false)
		if err != nil || fork.Class != classification.Restricted {
			t.Errorf("forked as %s, %v", fork.Class, err)
		}
		taken, err := f.TakeShown(as(t, "ben"), Shown{OwnerID: "anna", ConversationID: id}, "写し", false)
		if err != nil || taken.Class != classification.Restricted {
			t.Errorf("taken as %s, %v", taken.Class, err)
		}
		w, err := f.Whole(ctx, id)
		if err != nil || w.Class != classification.Restricted {
			t.Errorf("exported as %s, %v", w.Class, err)
		}
		w.Folder = ""
		brought, err := f.Bring(as(t, "ben"), Brought{Whole: w, ExternalID: "elsewhere"})
		if err != nil || brought.Class != classification.Restricted || brought.ModelID != "blind" {
			t.Errorf("imported as %s with %s, %v", brought.Class, brought.ModelID, err)
		}
	})
}

func TestAChangeOfClassHoldsFromTheNextTurnAndIsOnRecord(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		ctx := as(t, "anna")
		f.model.answers("はい")
		old := f.start("分類する前の会話")
		f.read(ctx, f.Service, old.Answers[0].RunID, "")
		id := old.Conversation.ID
		if _, err := f.Update(ctx, id, Change{Class: new(classification.Public)}); errs.CodeOf(err) != errs.InvalidInput {
			t.Errorf("classified where nothing is: %v", err)
		}

		f.policy.Store(&Policy{DefaultClass: classification.Internal})
		f.say(ctx, id, "続き")
		if got := f.model.last().Class; got != classification.Internal {
			t.Errorf("from before there were classes: called as %s", got)
		}
		for _, wrong := range []classification.Class{-1, 4} {
			if _, err := f.Update(ctx, id, Change{Class: &wrong}); errs.CodeOf(err) != errs.InvalidInput {
				t.Errorf("class %d: %v", wrong, err)
			}
		}
		if _, err := f.Update(as(t, "ben"), id, Change{Class: new(classification.Public)}); errs.CodeOf(err) != errs.NotFound {
			t.Errorf("another's conversation: %v", err)
		}
		c, err := f.Update(ctx, id, Change{Class: new(classification.Restricted)})
		if err != nil || c.Class != classification.Restricted {
			t.Fatalf("%s, %v", c.Class, err)
		}
		f.say(ctx, id, "続き")
		if got := f.model.last().Class; got != classification.Restricted {
			t.Errorf("called as %s", got)
		}
		admin := access.WithPrincipal(t.Context(), access.Principal{AccountID: "admin", Rights: access.Rights(access.Administrator)})
		page, err := f.audit.List(admin, audit.Filter{Action: "conversation.classify"})
		if err != nil || len(page.Items) != 1 {
			t.Fatalf("audit = %+v, %v", page.Items, err)
		}
		if e := page.Items[0]; e.Resource.ID != id || e.Details["class"] != "3" || e.Details["class_before"] != "none" {
			t.Errorf("audit = %+v", e)
		}

		// It stays what it is when the organisation no longer classifies.
		f.policy.Store(nil)
		f.say(ctx, id, "続き")
		if got := f.model.last().Class; got != classification.Restricted {
			t.Errorf("called as %s", got)
		}
	})
}

func TestATemporaryConversationIsClassifiedToo(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		ctx := as(t, "anna")
		var asked model.Call
		f.model.says(func(_ context.Context, c model.Call, yield func(model.Event, error) bool) {
			asked = c
			yield(model.Event{Type: model.EventStop, StopReason: model.StopEnd}, nil)
		})
		say := func(class classification.Class) error {
			events, err := f.Temporary(ctx, TemporaryTurn{Class: class, Messages: []TemporaryMessage{{Role: model.RoleUser, Text: "x"}}})
			if err != nil {
				return err
			}
			for _, err := range events {
				if err != nil {
					return err
				}
			}
			return nil
		}
		if err := say(classification.Public); errs.CodeOf(err) != errs.InvalidInput {
			t.Errorf("classified where nothing is: %v", err)
		}
		f.policy.Store(&Policy{DefaultClass: classification.Internal})
		for chosen, want := range map[classification.Class]classification.Class{classification.None: classification.Internal, classification.Restricted: classification.Restricted} {
			if err := say(chosen); err != nil || asked.Class != want {
				t.Errorf("chosen %s: called as %s, %v", chosen, asked.Class, err)
			}
		}
		if asked.Class == classification.Restricted && asked.ModelID != "blind" {
			t.Errorf("asked %s", asked.ModelID)
		}
	})
}
