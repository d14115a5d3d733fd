package model

import (
	"context"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
	"kakoi/internal/residency"
)

// hearing is a provider that only transcribes.
type hearing struct {
	streamFunc
	hear func(ctx context.Context, model string, r Recording) (Transcript, error)
}

func (h hearing) Transcribe(ctx context.Context, model string, r Recording) (Transcript, error) {
	return h.hear(ctx, model, r)
}

func (hearing) CheckTask(_ context.Context, model string, _ Task) []CheckStep {
	return []CheckStep{{Name: "answer", Detail: "heard by " + model}}
}

// addEar puts a model that transcribes on the shelf.
func (b *bench) addEar(m Model, hear func(context.Context, string, Recording) (Transcript, error)) {
	m.Task = TaskTranscription
	b.add(m, nil)
	b.shelf.providers["c-"+m.ID] = hearing{hear: hear}
}

func speech(seconds int) TranscriptionCall {
	return TranscriptionCall{ModelID: "ear", Feature: "dictation", Recording: Recording{
		Audio: Media{MediaType: "audio/wav", Data: []byte("RIFF")}, Duration: time.Duration(seconds) * time.Second, Language: "ja",
	}}
}

func TestATranscriptionTakesEveryStepInOrder(t *testing.T) {
	b := newBench()
	b.addEar(Model{ID: "ear"}, func(_ context.Context, model string, r Recording) (Transcript, error) {
		b.steps.note("out %s %s %s %q", model, r.Audio.MediaType, r.Language, r.Audio.Data)
		return Transcript{Text: "<NAME>です"}, nil
	})
	text, err := b.Transcribe(person(t.Context()), speech(3))
	if err != nil || text != "山田です" {
		t.Fatalf("%q, %v", text, err)
	}
	want := []string{"mask", "place ear.example", "reserve ear", `out remote-ear audio/wav ja "RIFF"`, "settle"}
	if !slices.Equal(b.steps.log, want) {
		t.Errorf("steps = %q, want %q", b.steps.log, want)
	}
	if got := b.steps.settled[0]; got.Audio != 3*time.Second || got.Tokens != 0 {
		t.Errorf("settled %+v", got)
	}
	r := b.last(t)
	if r.Outcome != OutcomeComplete || r.Audio != 3*time.Second || r.Usage != (Usage{}) || r.Feature != "dictation" || r.ModelID != "ear" || r.AccountID != "account" {
		t.Errorf("record = %+v", r)
	}
	if details := b.usage.pending[0].details; details["audio_ms"] != "3000" {
		t.Errorf("audit = %v", details)
	}
	if strings.Contains(b.log.String(), "山田") {
		t.Errorf("the log says what was said: %s", b.log)
	}
}

func TestATranscriptionIsRefusedLikeEveryCall(t *testing.T) {
	heard := 0
	ear := func(context.Context, string, Recording) (Transcript, error) {
		heard++
		return Transcript{Text: "x"}, nil
	}
	for _, tt := range []struct {
		name string
		ctx  context.Context
		set  func(b *bench)
		call func(c *TranscriptionCall)
		code errs.Code
	}{
		{"nobody", t.Context(), nil, nil, errs.Unauthenticated},
		{"a model that is not for this person", person(t.Context()), nil, func(c *TranscriptionCall) { c.ModelID = "gone" }, errs.ModelUnavailable},
		{"a model to talk with", person(t.Context()), nil, func(c *TranscriptionCall) { c.ModelID = "chat" }, errs.ModelUnavailable},
		{"a place that is not permitted", person(t.Context()), func(b *bench) { b.steps.denied["ear.example"] = true }, nil, errs.ResidencyDenied},
		{"a budget that is used up", person(t.Context()), func(b *bench) { b.steps.spent = true }, nil, errs.ResourceExceeded},
		{"a provider that cannot listen", person(t.Context()), func(b *bench) { b.shelf.providers["c-ear"] = says("I talk") }, nil, errs.ModelInput},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench()
			b.addEar(Model{ID: "ear"}, ear)
			b.add(Model{ID: "chat"}, says("hello"))
			if tt.set != nil {
				tt.set(b)
			}
			c := speech(3)
			if tt.call != nil {
				tt.call(&c)
			}
			if _, err := b.Transcribe(tt.ctx, c); errs.CodeOf(err) != tt.code || heard != 0 {
				t.Fatalf("err = %v, want %s; heard %d", err, tt.code, heard)
			}
			if tt.code != errs.Unauthenticated {
				if r := b.last(t); r.Audio != 0 || r.Outcome != Outcome(tt.code) {
					t.Errorf("record = %+v", r)
				}
			}
		})
	}
	b := newBench()
	b.addEar(Model{ID: "ear"}, ear)
	if h := listen(b.Stream(person(t.Context()), Call{ModelID: "ear", Feature: "chat", Messages: question("hello")})); errs.CodeOf(h.err) != errs.ModelUnavailable {
		t.Errorf("talking with an ear: %v", h.err)
	}
}

func TestATranscriptionIsTriedAgainAndStoodInFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		tries := 0
		b.addEar(Model{ID: "ear", FallbackID: "other"}, func(context.Context, string, Recording) (Transcript, error) {
			tries++
			return Transcript{}, errs.New(errs.ModelThrottled, "busy")
		})
		b.addEar(Model{ID: "other"}, func(_ context.Context, _ string, r Recording) (Transcript, error) {
			return Transcript{Text: string(r.Audio.Data), Usage: Usage{InputTokens: 7}}, nil
		})
		text, err := b.Transcribe(person(t.Context()), speech(2))
		if err != nil || text != "RIFF" || tries != maxAttempts {
			t.Fatalf("%q, %v after %d tries", text, err, tries)
		}
		if r := b.last(t); r.ModelID != "other" || r.RequestedModelID != "ear" || r.Usage.InputTokens != 7 || r.Audio != 2*time.Second {
			t.Errorf("record = %+v", r)
		}
	})
}

func TestTheMaskerMayRefuseARecording(t *testing.T) {
	b := newBench()
	b.addEar(Model{ID: "ear"}, func(context.Context, string, Recording) (Transcript, error) {
		t.Error("it has left")
		return Transcript{}, nil
	})
	b.masker = refusesAudio{}
	if _, err := b.Transcribe(person(t.Context()), speech(1)); errs.CodeOf(err) != errs.ResidencyDenied {
		t.Errorf("err = %v", err)
	}
}

// refusesAudio is a rule that lets nothing pass which it cannot read.
type refusesAudio struct{}

func (refusesAudio) Mask(_ context.Context, r Request) (Request, func(iter.Seq2[Event, error]) iter.Seq2[Event, error], error) {
	if part := r.Messages[0].Parts[0]; part.Type == PartAudio && part.Media.MediaType == "audio/wav" {
		return r, nil, errs.New(errs.ResidencyDenied, "speech cannot be masked")
	}
	return r, func(s iter.Seq2[Event, error]) iter.Seq2[Event, error] { return s }, nil
}

func TestTheNameTellsWhatAModelIsFor(t *testing.T) {
	for _, id := range []string{
		"whisper-large-v3", "openai/whisper-1", "kotoba-tech/kotoba-whisper-v2.2", "Systran/faster-whisper-large-v3", "whisper1", "Whisper",
		"gpt-4o-mini-transcribe", "nvidia/parakeet-tdt_ctc-0.6b-ja", "reazonspeech-nemo-v2", "FunAudioLLM/SenseVoiceSmall-sensevoice",
	} {
		if TaskOf(id) != TaskTranscription {
			t.Errorf("%s is taken for a model to talk with", id)
		}
	}
	for _, id := range []string{"gemma3:4b", "gpt-4o", "WhisperSpeech", "whisperer-7b", "jp.anthropic.claude-sonnet-4-6", "kokoro", "transcriber-summary"} {
		if TaskOf(id) != TaskChat {
			t.Errorf("%s is taken for a model that transcribes", id)
		}
	}
}

func TestModelsThatTranscribeStandApart(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		adapter := o.providers.adapters[KindOpenAI]
		adapter.Tasks = []Task{TaskTranscription}
		adapter.New = func(context.Context, AdapterConfig) (Provider, error) { return hearing{}, nil }
		o.providers.adapters[KindOpenAI] = adapter
		ctx := administrator(t.Context())
		tax := must(o.groups.Create(ctx, "税務課", nil))(t)
		c := must(o.CreateConnection(ctx, openAIDraft()))(t)
		deaf := must(o.CreateConnection(ctx, ConnectionDraft{
			Name: "Tokyo", Kind: KindBedrock, Enabled: true, Settings: Settings{Region: "ap-northeast-1", Credentials: CredentialsDefault},
		}))(t)
		chat := must(o.CreateModel(ctx, ModelDraft{ConnectionID: c.ID, RemoteID: "gemma3", Enabled: true}))(t)
		ear := must(o.CreateModel(ctx, ModelDraft{ConnectionID: c.ID, RemoteID: "whisper-large-v3", Enabled: true, Grants: forGroups(tax.ID)}))(t)
		byHand := must(o.CreateModel(ctx, ModelDraft{ConnectionID: c.ID, RemoteID: "own-ears", Task: TaskTranscription, Enabled: true, FallbackID: ear.ID}))(t)
		if chat.Task != TaskChat || ear.Task != TaskTranscription || byHand.Task != TaskTranscription {
			t.Errorf("tasks: %s %s %s", chat.Task, ear.Task, byHand.Task)
		}
		if m := must(o.CreateModel(ctx, ModelDraft{ConnectionID: deaf.ID, RemoteID: "whisper"}))(t); m.Task != TaskChat {
			t.Errorf("on a connection that cannot listen: %s", m.Task)
		}
		_, err := o.CreateModel(ctx, ModelDraft{ConnectionID: deaf.ID, RemoteID: "x", Task: TaskTranscription})
		wantCode(t, "transcribing on Bedrock", err, errs.InvalidInput, "task")
		_, err = o.CreateModel(ctx, ModelDraft{ConnectionID: c.ID, RemoteID: "x", Task: "sing"})
		wantCode(t, "singing", err, errs.InvalidInput, "task")
		_, err = o.UpdateModel(ctx, chat.ID, ModelPatch{FallbackID: &ear.ID})
		wantCode(t, "an ear that answers", err, errs.InvalidInput, "fallbackId")

		for _, tt := range []struct {
			name string
			ctx  context.Context
			want string
		}{
			{"a member of the group", person(t.Context(), tax.ID), ear.ID},
			{"another member", person(t.Context()), byHand.ID},
		} {
			if offers := must(o.Offers(tt.ctx))(t); len(offers) != 1 || offers[0].ID != chat.ID {
				t.Errorf("%s may talk with %+v", tt.name, offers)
			}
			if got := must(o.Transcribers(tt.ctx))(t); len(got) == 0 || got[0].ID != tt.want || got[0].Place.Kind != residency.Host || len(got[0].Classes) != 4 {
				t.Errorf("%s dictates to %+v", tt.name, got)
			}
			_, err := o.Offer(tt.ctx, byHand.ID)
			wantCode(t, "talking with an ear", err, errs.ModelUnavailable, "")
		}
		if _, err := o.usable(person(t.Context()), ear.ID, TaskTranscription); errs.CodeOf(err) != errs.ModelUnavailable {
			t.Errorf("the group's ear for another: %v", err)
		}
		if _, err := o.Transcribers(t.Context()); errs.CodeOf(err) != errs.Unauthenticated {
			t.Errorf("nobody's ear: %v", err)
		}

		// What was entered before there were tasks is set by hand.
		task, off := TaskChat, false
		if m := must(o.UpdateModel(ctx, byHand.ID, ModelPatch{Task: &task, FallbackID: new("")}))(t); m.Task != TaskChat {
			t.Errorf("changed to %s", m.Task)
		}
		if got := must(o.Transcribers(person(t.Context())))(t); len(got) > 0 {
			t.Errorf("without one: %+v", got)
		}
		must(o.UpdateModel(ctx, ear.ID, ModelPatch{Enabled: &off}))(t)
		if got := must(o.Transcribers(person(t.Context(), tax.ID)))(t); len(got) > 0 {
			t.Errorf("switched off: %+v", got)
		}
		for _, m := range must(o.Models(ctx))(t) {
			if m.ID == ear.ID && m.Task != TaskTranscription {
				t.Errorf("kept as %+v", m)
			}
		}
		events := must(o.audit.List(ctx, audit.Filter{Action: "model.create", Limit: 10}))(t)
		if events.Items[2].Details["task"] != "transcription" {
			t.Errorf("audit = %+v", events.Items[2])
		}
	})
}

func TestASelfTestListensToAModelThatTranscribes(t *testing.T) {
	dbtest.Run(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		adapter := o.providers.adapters[KindOpenAI]
		adapter.Tasks = []Task{TaskTranscription}
		adapter.New = func(context.Context, AdapterConfig) (Provider, error) { return hearing{}, nil }
		o.providers.adapters[KindOpenAI] = adapter
		ctx := access.WithPrincipal(t.Context(), access.Principal{AccountID: "admin", Rights: access.Rights(access.Administrator)})
		c := must(o.CreateConnection(ctx, openAIDraft()))(t)
		must(o.CreateModel(ctx, ModelDraft{ConnectionID: c.ID, RemoteID: "own-ears", Task: TaskTranscription, Enabled: true}))(t)
		for remoteID, heard := range map[string]bool{"own-ears": true, "whisper-1": true, "gemma3": false} {
			steps := must(o.CheckConnection(ctx, c.ID, ConnectionPatch{}, remoteID))(t)
			if got := len(steps) == 1 && steps[0].Detail == "heard by "+remoteID; got != heard {
				t.Errorf("%s: %+v", remoteID, steps)
			}
		}
		if steps := must(o.CheckDraft(ctx, openAIDraft(), "whisper-1"))(t); len(steps) != 1 || steps[0].Detail != "heard by whisper-1" {
			t.Errorf("a draft: %+v", steps)
		}
	})
}
