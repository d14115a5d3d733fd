package chat

import (
	"context"
	"errors"
	"strings"
	"testing"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

func TestAModelNamesTheConversationUnlessAPersonDid(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.model.says(func(_ context.Context, c model.Call, yield func(model.Event, error) bool) {
			text := "答え"
			if c.Feature == "title" {
				text = "「ごみの分け方」\n"
			}
			yield(model.Event{Type: model.EventText, Text: text}, nil)
			yield(model.Event{Type: model.EventStop, StopReason: model.StopEnd}, nil)
		})
		st := f.start("ごみはどう分けますか")
		if st.Conversation.Title != "ごみはどう分けますか" {
			t.Errorf("first title %q", st.Conversation.Title)
		}
		f.read(as(t, "anna"), f.Service, st.Answers[0].RunID, "")
		f.side.Wait()
		if c, err := f.Conversation(as(t, "anna"), st.Conversation.ID); err != nil || c.Title != "ごみの分け方" || c.TitleSource != TitleModel {
			t.Errorf("title %+v, %v", c, err)
		}
	})
}

func TestATitleThatFailsIsLoggedWithoutWords(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		asked := make(chan struct{})
		titles := func(script func(ctx context.Context) error) {
			f.model.says(func(ctx context.Context, c model.Call, yield func(model.Event, error) bool) {
				if c.Feature == "title" {
					yield(model.Event{}, script(ctx))
					return
				}
				yield(model.Event{Type: model.EventText, Text: "極秘の答え"}, nil)
				yield(model.Event{Type: model.EventStop, StopReason: model.StopEnd}, nil)
			})
		}
		titles(func(context.Context) error {
			return errs.Wrap(errs.ModelFailed, "The model failed.", errors.New("cannot read 極秘の問い"))
		})
		st := f.start("極秘の問い")
		f.read(as(t, "anna"), f.Service, st.Answers[0].RunID, "")
		f.side.Wait()
		got := f.log.String()
		if strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, "code=model_failed") || !strings.Contains(got, st.Conversation.ID) || !strings.Contains(got, st.Answers[0].ID) {
			t.Errorf("log: %s", got)
		}
		if strings.Contains(got, "極秘") {
			t.Errorf("the log has words: %s", got)
		}
		if c, err := f.Conversation(as(t, "anna"), st.Conversation.ID); err != nil || c.Title != "極秘の問い" {
			t.Errorf("title %q, %v", c.Title, err)
		}

		// The end of the server ends titles, too, and that is no failure.
		titles(func(ctx context.Context) error {
			close(asked)
			<-ctx.Done()
			return ctx.Err()
		})
		st = f.start("もう一つ")
		f.read(as(t, "anna"), f.Service, st.Answers[0].RunID, "")
		<-asked
		f.stands()
		if more := strings.TrimPrefix(f.log.String(), got); strings.Contains(more, "title") {
			t.Errorf("log of a stop: %s", more)
		}
	})
}

func TestTitlesAreTidied(t *testing.T) {
	for said, want := range map[string]string{
		"補助金の要件":                "補助金の要件",
		"「補助金の要件」。\n説明です":       "補助金の要件",
		"**補助金**の要件":            "補助金の要件",
		"## タイトル：補助金の要件":        "補助金の要件",
		"`go test` の使い方":        "go test の使い方",
		"Title: Budget *draft*": "Budget draft",
		"<answer>はい</answer>":   "",
		"1. 補助金の要件":             "補助金の要件",
		"令和8年度の予算_案_と2*3の計算":    "令和8年度の予算_案_と2*3の計算",
		"会議の要約をする担当者の一覧と議事録の送付先と期限": "会議の要約をする担当者の一覧と議事録の送付先と期限",
	} {
		if got := tidyTitle(said); got != want {
			t.Errorf("%q became %q, want %q", said, got, want)
		}
	}
}
