package server

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"kakoi/internal/chat"
	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/sse"
)

func (h *house) quiet(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := h.fake.WaitLive(ctx, 0); err != nil {
		t.Errorf("the provider still works: %v", err)
	}
}

func TestAnAnswerIsFollowedToItsEnd(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		p := h.resident("anna")
		begun := p.asks("[[reason]][[say こんにちは、世界 🌏。]]")
		s := p.follows("/runs/"+begun.Answers[0].RunID+"/events", "")
		for name, want := range map[string]string{
			"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no",
			"X-Vercel-Ai-Ui-Message-Stream": "v1", "Content-Encoding": "",
		} {
			if got := s.resp.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		all := s.rest()
		parts := said(t, all)
		if !isWhole(all) || parts["1"] != "こんにちは、世界 🌏。" || parts["0"] == "" {
			t.Fatalf("said %q in %v", parts, all)
		}
		var order []string
		for _, e := range all[:len(all)-1] {
			var c struct {
				Type     string
				Metadata *streamMetadata `json:"messageMetadata"`
			}
			unmarshal(t, []byte(e.data), &c)
			if len(order) == 0 || order[len(order)-1] != c.Type {
				order = append(order, c.Type)
			}
			if c.Type == "finish" && (c.Metadata.Status != chat.StatusComplete || c.Metadata.StopReason != model.StopEnd ||
				c.Metadata.Usage == nil || c.Metadata.Cost == nil || c.Metadata.Cost.Currency != "JPY" || c.Metadata.FinishedAt.IsZero() || c.Metadata.ModelID != h.modelA) {
				t.Errorf("finish = %s", e.data)
			}
		}
		want := "start reasoning-start reasoning-delta reasoning-end text-start text-delta text-end data-usage message-metadata finish"
		if got := strings.Join(order, " "); got != want {
			t.Errorf("order = %s, want %s", got, want)
		}

		var page messagePage
		p.must("GET", "/conversations/"+begun.Conversation.ID+"/messages", nil, &page)
		if len(page.Items) != 2 || page.Items[1].Status != chat.StatusComplete || page.Items[1].RunID != begun.Answers[0].RunID {
			t.Errorf("messages = %+v", page)
		}
	})
}

func TestAStreamGoesOnFromAnyPlace(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		p := h.resident("anna")
		begun := p.asks("[[reason 3]][[say 日本語と emoji 👩‍💻。]]")
		path := "/runs/" + begun.Answers[0].RunID + "/events"
		whole := said(t, p.follows(path, "").rest())
		for part, text := range map[int]string{0: whole["0"], 1: whole["1"]} {
			for at := 0; at <= len(text); at++ {
				if at < len(text) && !utf8.RuneStart(text[at]) {
					continue
				}
				after := strconv.Itoa(part) + ":" + strconv.Itoa(at)
				all := p.follows(path, after).rest()
				rest := said(t, all)
				if !isWhole(all) || rest[strconv.Itoa(part)] != text[at:] || part == 0 && rest["1"] != whole["1"] || part == 1 && rest["0"] != "" {
					t.Errorf("after %s: %q", after, rest)
				}
			}
		}
		if rest := said(t, p.follows(path+"?after=1:3", "").rest()); rest["1"] != whole["1"][3:] {
			t.Errorf("by the query: %q", rest)
		}
		r := p.request("GET", path, nil)
		r.Header.Set("Last-Event-ID", "nowhere")
		if got := p.refusedRequest(r); got.Code != errs.InvalidInput {
			t.Errorf("a place that is none: %+v", got)
		}
	})
}

func TestAPieceOfAnAnswerCostsNextToNothing(t *testing.T) {
	out := runStream{Writer: sse.NewWriter(discard{})}
	ev := chat.Event{Type: chat.EventText, At: chat.Offset{Part: 1, Byte: 1534}, Part: 1, Kind: model.PartText, Text: "こんにちは"}
	got := testing.AllocsPerRun(1000, func() {
		ev.At.Byte++
		if err := out.tell(ev); err != nil {
			t.Fatal(err)
		}
	})
	// Four without the race detector, which makes sync.Pool forget at random.
	if got > 8 {
		t.Errorf("%v allocations", got)
	}
}

// discard is a connection whose reader is never slow.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

func TestAStreamIsNotOpenedForItsHeaders(t *testing.T) {
	h := furnished(t, db.SQLite, nil)
	if resp, _ := h.admin.do(h.admin.request("HEAD", "/events", nil)); resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("got %d", resp.StatusCode)
	}
}

func TestStoppingKeepsWhatWasSaid(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		p := h.resident("anna")
		begun := p.asks("[[long 1000]][[silence 3]]")
		s := p.follows("/runs/"+begun.Answers[0].RunID+"/events", "")
		s.until("text-delta")
		p.must("POST", "/runs/"+begun.Answers[0].RunID+"/stop", nil, nil)
		all := s.rest()
		if !isWhole(all) || !contains(all, `"abort"`) || !contains(all, `"status":"stopped"`) {
			t.Errorf("ended with %v", all)
		}
		h.quiet(t)
		if got := p.refused("POST", "/runs/"+begun.Answers[0].RunID+"/stop", nil); got.Code != errs.RunNotActive {
			t.Errorf("stopping twice: %+v", got)
		}
		var again started
		p.must("POST", "/conversations/"+begun.Conversation.ID+"/continue", nil, &again)
		if again.Answers[0].ID != begun.Answers[0].ID || again.UserMessage != nil {
			t.Errorf("went on with %+v", again)
		}
	})
}

func contains(all []event, text string) bool {
	for _, e := range all {
		if strings.Contains(e.data, text) {
			return true
		}
	}
	return false
}

func TestAFailureInTheMiddleIsTold(t *testing.T) {
	h := furnished(t, db.SQLite, nil)
	p := h.resident("anna")
	begun := p.asks("[[long 20]][[cut 5]]")
	all := p.follows("/runs/"+begun.Answers[0].RunID+"/events", "").rest()
	if !isWhole(all) || !contains(all, `"type":"error"`) || !contains(all, `"code":"model_broke_off"`) || said(t, all)["0"] == "" {
		t.Errorf("told %v", all)
	}
	if got := p.refused("POST", "/conversations/"+begun.Conversation.ID+"/retry", nil); got.Code != errs.NothingToResume {
		t.Errorf("a retry of what has begun: %+v", got)
	}
}

func TestADisabledAccountIsOutAtOnceAndItsStreamsEnd(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		p := h.resident("anna")
		begun := p.asks("[[long 1000]][[silence 3]]")
		run := p.follows("/runs/"+begun.Answers[0].RunID+"/events", "")
		run.until("text-delta")
		changes := p.follows("/events", "")
		h.admin.must("PATCH", "/admin/accounts/"+p.id, map[string]any{"disabled": true}, nil)
		// The run ends too, and its end may be told before the stream is cut.
		if all := run.rest(); isWhole(all) && !contains(all, `"code":"run_interrupted"`) {
			t.Errorf("the stream of a disabled account ended as if the answer were whole: %v", all)
		}
		changes.rest()
		if got := p.refused("GET", "/conversations", nil); got.Code != errs.Unauthenticated {
			t.Errorf("the next request: %+v", got)
		}
		h.quiet(t)
	})
}

func TestASessionThatEndsElsewhereEndsItsStreams(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		p := h.resident("anna")
		phone := h.somebody()
		phone.must("POST", "/sign-in", map[string]any{"email": "anna@example.jp", "password": password}, nil)
		begun := p.asks("[[long 1000]][[silence 3]]")
		here, there := p.follows("/runs/"+begun.Answers[0].RunID+"/events", ""), phone.follows("/runs/"+begun.Answers[0].RunID+"/events", "")
		there.until("text-delta")
		phone.must("POST", "/sign-out", nil, nil)
		there.rest()
		p.must("POST", "/runs/"+begun.Answers[0].RunID+"/stop", nil, nil)
		if all := here.rest(); !isWhole(all) {
			t.Errorf("the other session's stream ended too: %v", all)
		}
	})
}

func TestAnotherTabHearsOfChanges(t *testing.T) {
	inBoth(t, func(t *testing.T, h *house) {
		p, stranger := h.resident("anna"), h.resident("ben")
		tab, other := p.follows("/events", ""), stranger.follows("/events", "")
		begun := p.asks("[[say hello]]")
		tab.until(begun.Conversation.ID)
		p.must("DELETE", "/conversations/"+begun.Conversation.ID, nil, nil)
		tab.until(`"deleted"`)
		theirs := stranger.asks("[[say hello]]")
		for e := range other.events {
			if strings.Contains(e.data, begun.Conversation.ID) {
				t.Errorf("a stranger heard %s", e.data)
			}
			if strings.Contains(e.data, theirs.Conversation.ID) {
				return
			}
		}
		t.Error("the stream ended")
	})
}

func TestAServerThatStopsLetsAnswersFinish(t *testing.T) {
	h := furnished(t, db.SQLite, map[string]string{"runs.stopGrace": "1m"})
	p := h.resident("anna")
	begun := p.asks("[[long 60]][[rate 100]]")
	s := p.follows("/runs/"+begun.Answers[0].RunID+"/events", "")
	s.until("text-delta")
	began := time.Now()
	if err := h.stop(); err != nil {
		t.Error(err)
	}
	if all := s.rest(); !isWhole(all) || !contains(all, `"status":"complete"`) {
		t.Errorf("ended with %v", all[max(0, len(all)-3):])
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("stopping took %s, though the answer had ended", took)
	}
}

func TestAServerThatMustStopKeepsWhatWasSaidAndTheStreamIsToBeTakenUpAgain(t *testing.T) {
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			h := furnished(t, engine, map[string]string{"runs.stopGrace": "100ms"})
			p := h.resident("anna")
			begun := p.asks("[[long 1000]][[silence 5]]")
			s := p.follows("/runs/"+begun.Answers[0].RunID+"/events", "")
			idle := p.follows("/events", "")
			s.until("text-delta")
			if err := h.stop(); err != nil {
				t.Error(err)
			}
			idle.rest()
			s.rest()

			again := empty(t, h.cfg)
			p2 := again.somebody()
			p2.must("POST", "/sign-in", map[string]any{"email": "anna@example.jp", "password": password}, nil)
			var page messagePage
			p2.must("GET", "/conversations/"+begun.Conversation.ID+"/messages", nil, &page)
			answer := page.Items[1]
			if answer.Status != chat.StatusInterrupted || answer.Error == nil || answer.Error.Code != errs.RunInterrupted || len(answer.Parts) == 0 {
				t.Errorf("after the restart: %+v", answer)
			}
			all := p2.follows("/runs/"+begun.Answers[0].RunID+"/events", "").rest()
			if !isWhole(all) || !contains(all, `"status":"interrupted"`) {
				t.Errorf("the stream after the restart: %v", all)
			}
		})
	}
}

func TestASecondSendIsTheFirst(t *testing.T) {
	h := furnished(t, db.SQLite, nil)
	p := h.resident("anna")
	in := map[string]any{"modelId": h.modelA, "turn": map[string]any{"text": "[[say hello]]", "clientId": "c-1"}}
	var first, second started
	p.must("POST", "/conversations", in, &first)
	p.must("POST", "/conversations", in, &second)
	if first.Conversation.ID != second.Conversation.ID || first.Answers[0].RunID != second.Answers[0].RunID {
		t.Errorf("two conversations: %+v and %+v", first, second)
	}
}

func TestFilesArriveAndLeaveHarmless(t *testing.T) {
	h := furnished(t, db.SQLite, map[string]string{"limits.attachmentBytes": "4KiB"})
	p := h.resident("anna")
	resp, text := p.do(p.upload("%E8%A8%98%E9%8C%B2.html", "text/html", []byte("<!doctype html><html><script>alert(1)</script></html>")))
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", resp.StatusCode, text)
	}
	var file attachment
	unmarshal(t, text, &file)
	resp, _ = p.do(p.request("GET", "/attachments/"+file.ID+"/content", nil))
	if got := resp.Header.Get("Content-Disposition"); !strings.HasPrefix(got, "attachment;") || !strings.Contains(got, "utf-8''%E8%A8%98%E9%8C%B2.html") {
		t.Errorf("disposition %q", got)
	}
	if got := resp.Header.Get("Content-Security-Policy"); !strings.Contains(got, "sandbox") || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("policy %q", got)
	}
	r := p.request("GET", "/attachments/"+file.ID+"/content", nil)
	r.Header.Set("If-None-Match", resp.Header.Get("ETag"))
	if resp, _ := p.do(r); resp.StatusCode != http.StatusNotModified {
		t.Errorf("again: %d", resp.StatusCode)
	}
	for name, size := range map[string]int{"a little too large": 4<<10 + 1, "far too large": 1 << 20} {
		if got := p.refusedRequest(p.upload("a.txt", "text/plain", []byte(strings.Repeat("x", size)))); got.Code != errs.TooLarge || got.Status != http.StatusRequestEntityTooLarge || got.Params["limitBytes"] != "4096" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := p.refusedRequest(p.upload("a.exe", "image/png", []byte("MZ\x90\x00\x03\x00\x00\x00"))); got.Code != errs.UnsupportedType {
		t.Errorf("a program that calls itself an image: %+v", got)
	}
	p.must("DELETE", "/attachments/"+file.ID, nil, nil)
	var most limits
	p.must("GET", "/limits", nil, &most)
	if most.AttachmentBytes != 4096 || most.AttachmentsPerTurn != 10 || !slices.Contains(most.AttachmentTypes, "image/png") || !slices.Contains(most.AttachmentTypes, ".csv") {
		t.Errorf("told before: %+v", most)
	}
}

// TestAServerThatStopsIsFirstNotReadyAndStillAnswers holds what a load balancer
// needs: time to notice before its requests are refused.
func TestAServerThatStopsIsFirstNotReadyAndStillAnswers(t *testing.T) {
	h := furnished(t, db.SQLite, map[string]string{"http.drain": "3s"})
	stranger := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // a connection for each request
	status := func(path string) (int, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := stranger.Do(r)
		if err != nil {
			return 0, err
		}
		return resp.StatusCode, resp.Body.Close()
	}
	stopped := make(chan error, 1)
	go func() { stopped <- h.stop() }()
	for {
		got, err := status("/readyz")
		if err != nil {
			t.Fatalf("the server refused a connection before it said that it is not ready: %v", err)
		}
		if got == http.StatusServiceUnavailable {
			break
		}
	}
	if got, err := status("/healthz"); err != nil || got != http.StatusOK {
		t.Errorf("a request to a server that is not ready any more: %d, %v", got, err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if _, err := status("/healthz"); err == nil {
		t.Error("the server answers after it has stopped")
	}
}
