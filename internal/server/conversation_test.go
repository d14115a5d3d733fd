package server

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/errs"
)

func TestEveryConversationIsReachedPageByPage(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		p, stranger := h.resident("anna"), h.resident("ben")
		stranger.asks("[[say hello]]")
		var want []string // the last active first
		for i := range 7 {
			begun := p.asks(fmt.Sprintf("[[say hello]] %d", i))
			p.follows("/runs/"+begun.Answers[0].RunID+"/events", "").rest()
			want = append([]string{begun.Conversation.ID}, want...)
		}
		var got []string
		path := "/conversations?limit=3"
		for {
			var page list[ConversationSummary]
			p.must("GET", path, nil, &page)
			if len(page.Items) > 3 {
				t.Fatalf("a page of 3 has %d", len(page.Items))
			}
			for _, c := range page.Items {
				got = append(got, c.ID)
			}
			if page.NextPageToken == "" {
				break
			}
			path = "/conversations?limit=3&pageToken=" + page.NextPageToken
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("read %v, want %v", got, want)
		}
	})
}

// TestABrowserDecidesNothingThatIsNotItsOwn holds that history, usage, cost,
// region and the provider's own model id are never taken from a request, as GenU
// takes them (its defect D5).
func TestABrowserDecidesNothingThatIsNotItsOwn(t *testing.T) {
	h := furnished(t, db.SQLite, nil)
	for field, body := range map[string]map[string]any{
		"messages":         {"messages": []any{}, "turn": map[string]any{"text": "a"}},
		"region":           {"region": "us-east-1", "turn": map[string]any{"text": "a"}},
		"ownerId":          {"ownerId": "x", "turn": map[string]any{"text": "a"}},
		"turn.usage":       {"turn": map[string]any{"text": "a", "usage": map[string]any{"inputTokens": 0}}},
		"turn.role":        {"turn": map[string]any{"text": "a", "role": "assistant"}},
		"parameters.model": {"parameters": map[string]any{"model": "fake-large"}, "turn": map[string]any{"text": "a"}},
	} {
		if got := h.admin.refused("POST", "/conversations", body); got.Code != errs.InvalidInput || got.Field != field {
			t.Errorf("%s: %+v", field, got)
		}
	}
	if got := h.admin.refused("POST", "/conversations", map[string]any{"modelId": "fake-large", "turn": map[string]any{"text": "a"}}); got.Code != errs.ModelUnavailable {
		t.Errorf("the provider's id of a model: %+v", got)
	}
	if n := h.fake.Total(); n != 0 {
		t.Errorf("%d calls went out", n)
	}
}

func TestWhatIsChosenForAConversationIsKeptAndCanBeChanged(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		p := h.resident("anna")
		var begun started
		p.must("POST", "/conversations", map[string]any{
			"modelId": h.modelA, "systemPrompt": "前の指示", "parameters": map[string]any{"temperature": 0.5, "maxTokens": 50},
			"turn": map[string]any{"text": "[[long 9]][[cut 5]]"}, // it is not given a title, which would be another call
		}, &begun)
		p.follows("/runs/"+begun.Answers[0].RunID+"/events", "").rest()
		path := "/conversations/" + begun.Conversation.ID
		p.must("PATCH", path, map[string]any{"systemPrompt": "新しい指示", "title": "題名"}, nil)
		var again started
		p.must("POST", path+"/turns", map[string]any{"text": "[[say again]]"}, &again)
		p.follows("/runs/"+again.Answers[0].RunID+"/events", "").rest()
		sent := string(h.fake.LastBody())
		if !strings.Contains(sent, "新しい指示") || strings.Contains(sent, "前の指示") || !strings.Contains(sent, `"temperature":0.5`) || !strings.Contains(sent, "cut 5") {
			t.Errorf("the model was asked %s", sent)
		}
		var c conversation
		p.must("GET", path, nil, &c)
		if c.SystemPrompt != "新しい指示" || c.ModelID != h.modelA || value(c.Parameters.Temperature) != 0.5 || value(c.Parameters.MaxTokens) != 50 {
			t.Errorf("kept %+v", c)
		}
	})
}

func TestStoppingBeforeTheFirstWordClosesTheModelsConnection(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		begun := h.admin.asks("[[silence]]")
		if err := h.fake.WaitLive(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		h.admin.must("POST", "/runs/"+begun.Answers[0].RunID+"/stop", nil, nil)
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := h.fake.WaitLive(soon, 0); err != nil {
			t.Errorf("a second later the provider still works: %v", err)
		}
		if all := h.admin.follows("/runs/"+begun.Answers[0].RunID+"/events", "").rest(); !isWhole(all) || !contains(all, `"status":"stopped"`) {
			t.Errorf("ended with %v", all)
		}
	})
}
