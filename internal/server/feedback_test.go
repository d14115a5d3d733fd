package server

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"kakoi/internal/audit"
	"kakoi/internal/errs"
)

func TestFeedbackReachesAdministratorsWithWhatItsPersonShares(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		anna, ben := h.resident("anna"), h.resident("ben")
		answered := func(p *person, text string) started {
			begun := p.asks(text)
			p.follows("/runs/"+begun.Answers[0].RunID+"/events", "").rest()
			return begun
		}
		first, second, third := answered(anna, "[[say 一番]]"), answered(anna, "[[say 二番]]"), answered(ben, "[[say 三番]]")
		on := func(b started) string { return "/messages/" + b.Answers[0].ID + "/feedback" }

		anna.must("PUT", on(first), map[string]any{"rating": "good", "reasons": []string{"helpful"}}, nil)
		var kept opinion
		anna.must("PUT", on(first), map[string]any{"rating": "bad", "reasons": []string{"outdated", "inaccurate", "outdated"}, "comment": " ＝古い制度です ", "shareContent": true}, &kept)
		if kept.Rating != "bad" || len(kept.Reasons) != 2 || kept.Comment != "＝古い制度です" || !kept.ShareContent {
			t.Errorf("%+v", kept)
		}
		anna.must("PUT", on(second), map[string]any{"rating": "good"}, nil)
		ben.must("PUT", on(third), map[string]any{"rating": "bad", "reasons": []string{"other"}, "comment": "改行\nと\"引用\""}, nil)

		var all list[feedbackEntry]
		h.admin.must("GET", "/admin/feedback", nil, &all)
		if len(all.Items) != 3 {
			t.Fatalf("%+v", all)
		}
		for _, e := range all.Items {
			if e.MessageID == first.Answers[0].ID {
				if !e.Shared || e.Question != "[[say 一番]]" || e.Answer != "一番" || e.PersonName != "anna" || e.ModelID != h.modelA || e.ModelName == "" {
					t.Errorf("shared: %+v", e)
				}
			} else if e.Shared || e.Question != "" || e.Answer != "" {
				t.Errorf("not shared: %+v", e)
			}
		}
		for query, want := range map[string]int{
			"rating=bad": 2, "reason=outdated": 1, "reason=accurate": 0, "text=" + url.QueryEscape("=古い"): 1, "text=%25": 0, "modelId=" + h.modelA: 3,
			"modelId=none": 0, "from=2100-01-01T00:00:00Z": 0, "to=2100-01-01T00:00:00Z": 3, "rating=bad&reason=other": 1,
		} {
			var page list[feedbackEntry]
			h.admin.must("GET", "/admin/feedback?"+query, nil, &page)
			if len(page.Items) != want {
				t.Errorf("%s: %d, want %d", query, len(page.Items), want)
			}
		}
		var ids []string
		for token := "-"; token != ""; {
			var page list[feedbackEntry]
			h.admin.must("GET", "/admin/feedback?limit=1&pageToken="+strings.TrimPrefix(token, "-"), nil, &page)
			for _, e := range page.Items {
				ids = append(ids, e.MessageID)
			}
			token = page.NextPageToken
		}
		if slices.Sort(ids); len(slices.Compact(ids)) != 3 {
			t.Errorf("pages of one: %v", ids)
		}

		resp, text := h.admin.do(h.admin.request("GET", "/admin/feedback/export", nil))
		if resp.Header.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.Contains(resp.Header.Get("Content-Disposition"), ".csv") || !strings.HasPrefix(string(text), "\uFEFF日時,") {
			t.Errorf("%v %s", resp.Header, text)
		}
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(text), "\uFEFF"))).ReadAll()
		if err != nil || len(rows) != 4 {
			t.Fatalf("%v in %s", err, text)
		}
		if joined := strings.Join(slices.Concat(rows...), "|"); !strings.Contains(joined, "|'＝古い制度です|") || !strings.Contains(joined, "|改行\nと\"引用\"|") || !strings.Contains(joined, "|一番|") || strings.Contains(joined, "二番") {
			t.Errorf("%s", joined)
		}
		resp, text = h.admin.do(h.admin.request("GET", "/admin/feedback/export?format=jsonl&rating=bad", nil))
		var lines int
		for in := bufio.NewScanner(strings.NewReader(string(text))); in.Scan(); lines++ {
			var e map[string]any
			if err := json.Unmarshal(in.Bytes(), &e); err != nil || e["rating"] != "bad" {
				t.Errorf("%v in %s", err, in.Text())
			}
		}
		if lines != 2 || resp.Header.Get("Content-Type") != "application/x-ndjson" {
			t.Errorf("%v %s", resp.Header, text)
		}

		// What is taken back is gone, and what is deleted is not shown any more.
		anna.must("DELETE", on(second), nil, nil)
		anna.must("DELETE", on(second), nil, nil)
		anna.must("DELETE", "/conversations/"+first.Conversation.ID, nil, nil)
		h.admin.must("GET", "/admin/feedback", nil, &all)
		for _, e := range all.Items {
			if e.Answer != "" || e.Question != "" {
				t.Errorf("of a deleted conversation: %+v", e)
			}
		}
		if len(all.Items) != 2 {
			t.Errorf("%+v", all.Items)
		}

		events, err := h.audit.List(t.Context(), audit.Filter{Action: "feedback.", Limit: 50})
		if err != nil {
			t.Fatal(err)
		}
		counts := map[string]int{}
		for _, e := range events.Items {
			counts[e.Action]++
			for _, text := range e.Details {
				if strings.Contains(text, "古い") || strings.Contains(text, "一番") {
					t.Errorf("the audit trail quotes: %+v", e)
				}
			}
		}
		if counts["feedback.give"] != 4 || counts["feedback.withdraw"] != 1 || counts["feedback.export"] != 2 {
			t.Errorf("audit events %v", counts)
		}
	})
}

func TestFeedbackIsRefused(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		anna, ben := h.resident("anna"), h.resident("ben")
		begun := anna.asks("[[say hello]]")
		anna.follows("/runs/"+begun.Answers[0].RunID+"/events", "").rest()
		answer := "/messages/" + begun.Answers[0].ID + "/feedback"
		good := map[string]any{"rating": "good"}
		for name, p := range map[string]problem{
			"on a question":           anna.refused("PUT", "/messages/"+begun.UserMessage.ID+"/feedback", good),
			"on nothing":              anna.refused("PUT", "/messages/x/feedback", good),
			"by somebody else":        ben.refused("PUT", answer, good),
			"by an administrator":     h.admin.refused("PUT", answer, good),
			"taken by somebody else":  ben.refused("DELETE", answer, nil),
			"on an id that cannot be": anna.refused("PUT", "/messages/%21/feedback", good),
		} {
			if p.Code != errs.NotFound {
				t.Errorf("%s: %+v", name, p)
			}
		}
		for name, in := range map[string]map[string]any{
			"rating": {"rating": "fair"}, "reasons": {"rating": "good", "reasons": []string{"inaccurate"}}, "comment": {"rating": "good", "comment": strings.Repeat("長", 2001)},
		} {
			if p := anna.refused("PUT", answer, in); p.Code != errs.InvalidInput || !strings.HasPrefix(p.Field, name) {
				t.Errorf("%s: %+v", name, p)
			}
		}
		for _, path := range []string{"/admin/feedback", "/admin/feedback/export"} {
			if p := anna.refused("GET", path, nil); p.Code != errs.Forbidden {
				t.Errorf("%s by a member: %+v", path, p)
			}
		}
		if p := h.admin.refused("GET", "/admin/feedback?pageToken=x", nil); p.Code != errs.InvalidInput {
			t.Errorf("%+v", p)
		}
		running := anna.asks("[[silence]]")
		if p := anna.refused("PUT", "/messages/"+running.Answers[0].ID+"/feedback", good); p.Code != errs.RunActive {
			t.Errorf("while it is written: %+v", p)
		}
		anna.must("POST", "/runs/"+running.Answers[0].RunID+"/stop", nil, nil)
	})
}
