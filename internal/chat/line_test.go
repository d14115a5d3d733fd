package chat

import (
	"context"
	"slices"
	"testing"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/model"
)

// queues makes the model stand in line, first behind three, until next lets it
// go, and then answer.
func (m *scripted) queues(next <-chan struct{}) {
	m.says(func(ctx context.Context, c model.Call, yield func(model.Event, error) bool) {
		if c.Feature == "title" {
			yield(model.Event{Type: model.EventStop, StopReason: model.StopEnd}, nil)
			return
		}
		for _, e := range []model.Event{
			{Type: model.EventQueued, Queued: model.Queued{Waiting: true, Ahead: 3, Wait: 20 * time.Second}},
			{Type: model.EventQueued},
			{Type: model.EventText, Text: "答え"},
			{Type: model.EventStop, StopReason: model.StopEnd},
		} {
			if !yield(e, nil) {
				return
			}
			if e.Queued.Waiting {
				select {
				case <-next:
				case <-ctx.Done():
					yield(model.Event{}, context.Cause(ctx))
					return
				}
			}
		}
	})
}

// places follows a run and returns where it stood, calling seen at each place.
func (f *fixture) places(ctx context.Context, s *Service, run string, seen func(model.Queued)) (places []model.Queued, final *Message) {
	f.t.Helper()
	events, err := s.Follow(ctx, run, "")
	if err != nil {
		f.t.Fatal(err)
	}
	for ev, err := range events {
		if err != nil {
			f.t.Fatal(err)
		}
		if ev.Type == EventQueued {
			places = append(places, ev.Queued)
			seen(ev.Queued)
		}
		final = ev.Message
	}
	return places, final
}

var behindThree = model.Queued{Waiting: true, Ahead: 3, Wait: 20 * time.Second}

func TestReadersHearWhereInLineARunStandsWheneverTheyCome(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		next := make(chan struct{})
		f.model.queues(next)
		st := f.start("急ぎです")
		id := st.Answers[0].RunID
		second := make(chan []model.Queued)
		places, final := f.places(as(t, "anna"), f.Service, id, func(q model.Queued) {
			if !q.Waiting {
				return
			}
			told := make(chan struct{}) // a second tab, which comes while it waits
			go func() {
				got, _ := f.places(as(t, "anna"), f.Service, id, func(q model.Queued) {
					if q.Waiting {
						close(told)
					}
				})
				second <- got
			}()
			<-told
			close(next)
		})
		if final == nil || final.Status != StatusComplete {
			t.Fatalf("ended %+v", final)
		}
		// Who reads fast hears that its turn has come; who is slower, the answer.
		for _, got := range [][]model.Queued{places, <-second} {
			if len(got) == 0 || got[0] != behindThree || len(got) > 1 && got[1].Waiting {
				t.Errorf("places %+v", got)
			}
		}
	})
}

func TestAReaderOnAnotherNodeHearsWhereInLineARunStands(t *testing.T) {
	f := newFixture(t, db.Postgres)
	other := f.node("node-2")
	next := make(chan struct{})
	f.model.queues(next)
	st := f.start("急ぎです")
	places, final := f.places(as(t, "anna"), other, st.Answers[0].RunID, func(q model.Queued) {
		if q.Waiting {
			close(next)
		}
	})
	if final == nil || final.Status != StatusComplete || len(places) == 0 || places[0] != behindThree {
		t.Errorf("places %+v, ended %+v", places, final)
	}
}

func TestARunThatStandsInLineIsStoppedAtOnceAndHasUsedNothing(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.model.queues(nil)
		st := f.start("急ぎです")
		_, final := f.places(as(t, "anna"), f.Service, st.Answers[0].RunID, func(model.Queued) {
			if err := f.Stop(as(t, "anna"), st.Answers[0].RunID); err != nil {
				t.Error(err)
			}
		})
		if final == nil || final.Status != StatusStopped || final.Usage != nil || len(final.Parts) != 0 {
			t.Errorf("ended %+v", final)
		}
	})
}

func TestATemporaryAnswerTellsWhereInLineItStands(t *testing.T) {
	f := newFixture(t, db.SQLite)
	next := make(chan struct{})
	close(next)
	f.model.queues(next)
	events, err := f.Temporary(as(t, "anna"), TemporaryTurn{Messages: []TemporaryMessage{{Role: model.RoleUser, Text: "急ぎです"}}})
	if err != nil {
		t.Fatal(err)
	}
	var places []model.Queued
	for ev, err := range events {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Type == EventQueued {
			places = append(places, ev.Queued)
		}
	}
	if want := []model.Queued{behindThree, {}}; !slices.Equal(places, want) {
		t.Errorf("places %+v, want %+v", places, want)
	}
}

func TestOnlyTitlesLetEverybodyGoFirst(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		calls := make(chan model.Call, 2)
		f.model.says(func(_ context.Context, c model.Call, yield func(model.Event, error) bool) {
			calls <- c
			_ = yield(model.Event{Type: model.EventText, Text: "題名"}, nil) && yield(model.Event{Type: model.EventStop, StopReason: model.StopEnd}, nil)
		})
		f.start("質問")
		for _, want := range []string{"chat", "title"} {
			if c := <-calls; c.Feature != want || c.Background != (want == "title") {
				t.Errorf("%s in the background: %v, want %s", c.Feature, c.Background, want)
			}
		}
	})
}
