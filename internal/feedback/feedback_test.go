package feedback_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/chat"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
	"kakoi/internal/feedback"
)

// answers are those of the test, by id.
type answers map[string]chat.Exchange

func (a answers) Exchange(_ context.Context, id string) (chat.Exchange, error) {
	e, ok := a[id]
	if !ok {
		return chat.Exchange{}, errs.New(errs.NotFound, "There is no such message.")
	}
	e.MessageID = id
	return e, nil
}

func as(t *testing.T, id string, role access.RoleID) context.Context {
	return access.WithPrincipal(t.Context(), access.Principal{AccountID: id, Rights: access.Rights(role)})
}

func TestFeedbackIsFilteredPagedAndExported(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		start := time.Date(2026, time.July, 4, 0, 0, 0, 0, time.UTC)
		now := start
		known := answers{}
		s := feedback.New(d, audit.New(d, time.Now), known, func() time.Time { return now })
		anna, admin := as(t, "anna", access.Member), as(t, "admin", access.Administrator)
		var want []string
		for i := range 23 {
			now = start.Add(time.Duration(i/3) * time.Hour) // several at the same moment
			id := fmt.Sprintf("m%02d", i)
			known[id] = chat.Exchange{
				ConversationID: "c", OwnerID: "anna", ModelID: fmt.Sprint("model", i%2), ModelName: "M", Status: chat.StatusComplete,
				Question: "問" + id, Answer: "答" + id,
			}
			f := feedback.Feedback{Rating: feedback.Good, Comment: fmt.Sprint("ｺﾒﾝﾄ 100%_", i), ShareContent: i%2 == 0}
			if i%5 == 0 {
				f = feedback.Feedback{Rating: feedback.Bad, Reasons: []feedback.Reason{"ignored_instructions", "other"}}
			}
			if _, err := s.Give(anna, id, f); err != nil {
				t.Fatal(err)
			}
			want = append(want, id)
		}
		slices.Reverse(want)
		ids := func(f feedback.Filter) []string {
			t.Helper()
			list := []string{}
			for {
				page, err := s.List(admin, f)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range page.Items {
					list = append(list, e.MessageID)
					if e.ShareContent != (e.Answer == "答"+e.MessageID && e.Question == "問"+e.MessageID) || !e.ShareContent && e.Answer+e.Question != "" {
						t.Errorf("shared %v: %q %q", e.ShareContent, e.Question, e.Answer)
					}
				}
				if f.PageToken = page.NextPageToken; f.PageToken == "" {
					return list
				}
			}
		}
		for _, limit := range []int{1, 4, 23, 200} {
			if diff := cmp.Diff(want, ids(feedback.Filter{Limit: limit})); diff != "" {
				t.Fatalf("pages of %d (-want +got):\n%s", limit, diff)
			}
		}
		for _, tt := range []struct {
			name   string
			filter feedback.Filter
			want   []string
		}{
			{"bad ones", feedback.Filter{Rating: feedback.Bad}, []string{"m20", "m15", "m10", "m05", "m00"}},
			{"a reason with an underscore", feedback.Filter{Reason: "ignored_instructions", Limit: 2}, []string{"m20", "m15", "m10", "m05", "m00"}},
			{"a part of a reason", feedback.Filter{Reason: "ignored"}, []string{}},
			{"a sign that SQL knows", feedback.Filter{Reason: "%"}, []string{}},
			{"a comment in another width", feedback.Filter{Text: "コメント 100%_7"}, []string{"m07"}},
			{"a model and a span of time", feedback.Filter{ModelID: "model1", From: start.Add(time.Hour), To: start.Add(2 * time.Hour)}, []string{"m05", "m03"}},
		} {
			if diff := cmp.Diff(tt.want, ids(tt.filter)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
		}
		mine, err := s.Of(anna, []string{"m00", "m01", "x"})
		if err != nil || len(mine) != 2 || mine["m00"].Rating != feedback.Bad || !slices.Equal(mine["m00"].Reasons, []feedback.Reason{"ignored_instructions", "other"}) {
			t.Errorf("%+v, %v", mine, err)
		}
		if theirs, err := s.Of(as(t, "ben", access.Member), []string{"m00"}); err != nil || len(theirs) != 0 {
			t.Errorf("somebody else's: %+v, %v", theirs, err)
		}

		all, err := s.Export(admin, feedback.Filter{Limit: 1, PageToken: "x"}, feedback.FormatCSV)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := feedback.WriteCSV(&out, all, "en"); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(out.String(), "\uFEFF"))).ReadAll()
		if err != nil || len(rows) != 24 || rows[0][0] != "Time" || rows[1][0] != "2026-07-04 16:00:00" || !strings.Contains(out.String(), "\r\n") {
			t.Errorf("%v, %v", err, rows)
		}
		for name, err := range map[string]error{
			"List": second(s.List(anna, feedback.Filter{})), "Export": second(s.Export(anna, feedback.Filter{}, feedback.FormatCSV)),
		} {
			if errs.CodeOf(err) != errs.Forbidden {
				t.Errorf("%s by a member: %v", name, err)
			}
		}
		temporary := access.WithPrincipal(t.Context(), access.Principal{AccountID: "ben", Pending: []access.Step{access.StepPasswordChange}})
		for name, err := range map[string]error{
			"an answer of another": second(s.Give(temporary, "m00", feedback.Feedback{Rating: feedback.Good})), "what is not there": s.Withdraw(temporary, "x"),
			"a list": second(s.Of(temporary, []string{"m00"})),
		} {
			if errs.CodeOf(err) != errs.PasswordChangeRequired {
				t.Errorf("%s with a temporary password: %v", name, err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

func entries(list ...feedback.Entry) iter.Seq2[feedback.Entry, error] {
	return func(yield func(feedback.Entry, error) bool) {
		for _, e := range list {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func TestNoCellIsAFormula(t *testing.T) {
	for comment, want := range map[string]string{
		"=1+1": "'=1+1", "+81": "'+81", "-1": "'-1", "@x": "'@x", "＝1": "'＝1", " =1": "' =1", "\t=1": "'\t=1", "\n=1": "'\n=1", "\u00a0=1": "'\u00a0=1",
		"よい": "よい", "a=b": "a=b", "": "", "'x": "'x",
	} {
		var out strings.Builder
		if err := feedback.WriteCSV(&out, entries(feedback.Entry{Feedback: feedback.Feedback{Comment: comment}}), "ja"); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
		if err != nil || rows[1][3] != want {
			t.Errorf("%q is written as %q, %v; want %q", comment, rows[1][3], err, want)
		}
	}
}

func TestAnExportThatFailsSaysSo(t *testing.T) {
	broken := errors.New("the store is away")
	failing := func(yield func(feedback.Entry, error) bool) {
		_ = yield(feedback.Entry{}, nil) && yield(feedback.Entry{}, broken)
	}
	if err := feedback.WriteCSV(new(strings.Builder), failing, "ja"); !errors.Is(err, broken) {
		t.Errorf("CSV: %v", err)
	}
	if err := feedback.WriteJSONL(new(strings.Builder), failing); !errors.Is(err, broken) {
		t.Errorf("JSON Lines: %v", err)
	}
}
