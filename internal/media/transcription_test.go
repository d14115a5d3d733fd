package media

import (
	"context"
	"testing"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/classification"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// ear is a model that listens and the way to it.
type ear struct {
	offered string // "": there is none
	heard   []model.TranscriptionCall
}

func (e *ear) Transcribers(context.Context) ([]model.Offer, error) {
	if e.offered == "" {
		return nil, nil
	}
	return []model.Offer{
		{Model: model.Model{ID: "elsewhere"}, Classes: []classification.Class{classification.Public}},
		{Model: model.Model{ID: e.offered}, Classes: append(classification.All(), classification.None)},
	}, nil
}

func (e *ear) Transcribe(_ context.Context, c model.TranscriptionCall) (string, error) {
	e.heard = append(e.heard, c)
	return "はい", nil
}

func clerk(ctx context.Context) context.Context {
	return access.WithPrincipal(ctx, access.Principal{AccountID: "clerk"})
}

func TestSpeechGoesToTheModelWithWhatItIs(t *testing.T) {
	e := &ear{offered: "whisper"}
	s := New(Options{Models: e, Invoker: e, MaxBytes: 1 << 20, MaxDuration: time.Minute})
	for _, in := range []Speech{
		{MediaType: "audio/wav", Language: "ja", Class: classification.Restricted, Data: wav(2)},
		{MediaType: `Audio/WebM; codecs="opus"`, ModelID: "chosen", Data: webm(cluster(980, "\xa3", 0))},
	} {
		if text, err := s.Dictate(clerk(t.Context()), in); err != nil || text != "はい" {
			t.Fatalf("%s: %q, %v", in.MediaType, text, err)
		}
	}
	first, second := e.heard[0], e.heard[1]
	if first.ModelID != "whisper" || first.Feature != "dictation" || first.Class != classification.Restricted || first.Recording.Duration != 2*time.Second || first.Recording.Language != "ja" || first.Recording.Audio.MediaType != "audio/wav" {
		t.Errorf("first = %+v", first)
	}
	if second.ModelID != "chosen" || second.Recording.Duration != time.Second || second.Recording.Audio.MediaType != "audio/webm" {
		t.Errorf("second = %+v", second)
	}
}

func TestWhatCannotBeDictatedIsRefusedBeforeItLeaves(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   Speech
		code errs.Code
	}{
		{"no audio at all", Speech{MediaType: "audio/wav", Data: []byte("MZ this is a program")}, errs.UnsupportedType},
		{"another content than its type", Speech{MediaType: "audio/webm", Data: wav(1)}, errs.UnsupportedType},
		{"a type that is not taken", Speech{MediaType: "video/quicktime", Data: mp4(48000)}, errs.UnsupportedType},
		{"no type", Speech{Data: wav(1)}, errs.UnsupportedType},
		{"no sound", Speech{MediaType: "audio/wav", Data: wav(0)}, errs.InvalidInput},
		{"too many bytes", Speech{MediaType: "audio/wav", Data: wav(40)}, errs.TooLarge},
		{"too long", Speech{MediaType: "audio/ogg", Data: ogg("OpusHead", 63*48000)}, errs.TooLarge},
		{"no language", Speech{MediaType: "audio/wav", Language: "j?", Data: wav(1)}, errs.InvalidInput},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := &ear{offered: "whisper"}
			s := New(Options{Models: e, Invoker: e, MaxBytes: 1 << 20, MaxDuration: time.Minute})
			if _, err := s.Dictate(clerk(t.Context()), tt.in); errs.CodeOf(err) != tt.code || len(e.heard) != 0 {
				t.Errorf("%v, want %s; sent %d", err, tt.code, len(e.heard))
			}
		})
	}
	e := &ear{}
	s := New(Options{Models: e, Invoker: e, MaxBytes: 1 << 20, MaxDuration: time.Minute})
	if _, err := s.Dictate(clerk(t.Context()), Speech{MediaType: "audio/wav", Data: wav(1)}); errs.CodeOf(err) != errs.NoModel {
		t.Errorf("without a model: %v", err)
	}
	if _, err := s.Dictate(t.Context(), Speech{MediaType: "audio/wav", Data: wav(1)}); errs.CodeOf(err) != errs.Unauthenticated {
		t.Errorf("nobody: %v", err)
	}
	// A recorder that stops at the limit is late by a moment.
	e.offered = "whisper"
	if _, err := s.Dictate(clerk(t.Context()), Speech{MediaType: "audio/ogg", Data: ogg("OpusHead", 61*48000)}); err != nil {
		t.Errorf("a moment too long: %v", err)
	}
}
