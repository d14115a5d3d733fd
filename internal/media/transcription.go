package media

import (
	"context"
	"mime"
	"slices"
	"strconv"
	"strings"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/classification"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// Models finds the model that listens.
type Models interface {
	Transcribers(ctx context.Context) ([]model.Offer, error)
}

// Invoker is the one way to a model.
type Invoker interface {
	Transcribe(ctx context.Context, c model.TranscriptionCall) (string, error)
}

// Options are what a Service is made of.
type Options struct {
	Models      Models
	Invoker     Invoker
	MaxBytes    int64
	MaxDuration time.Duration
}

// Service turns what people say into text.
type Service struct{ o Options }

// New returns a service.
func New(o Options) *Service { return &Service{o} }

// Speech is what a person has said.
type Speech struct {
	ModelID   string // "": the first they may use
	MediaType string // as the client names it
	Language  string // ISO 639-1, or ""
	Class     classification.Class
	Data      []byte
}

// grace is what a recorder that stops at the limit may be late by.
const grace = 2 * time.Second

// featureDictation names the calls in usage and audit.
const featureDictation = "dictation"

// Dictate returns the words of s, "" when none were heard. The error has code
// NoModel if the person may use no model that listens.
func (s *Service) Dictate(ctx context.Context, in Speech) (string, error) {
	recording, err := s.recording(ctx, in)
	if err != nil {
		return "", err
	}
	if in.ModelID == "" {
		offers, err := s.o.Models.Transcribers(ctx)
		if err != nil {
			return "", err
		}
		i := slices.IndexFunc(offers, func(o model.Offer) bool { return o.Takes(in.Class) })
		if i < 0 {
			return "", errs.New(errs.NoModel, "there is no speech server that you may use; an administrator can connect one")
		}
		in.ModelID = offers[i].ID
	}
	return s.o.Invoker.Transcribe(ctx, model.TranscriptionCall{ModelID: in.ModelID, Feature: featureDictation, Class: in.Class, Recording: recording})
}

// recording checks what came from outside.
func (s *Service) recording(ctx context.Context, in Speech) (model.Recording, error) {
	who, err := access.Require(ctx)
	if err != nil {
		return model.Recording{}, err
	}
	if err := access.Decide(who, access.DictationUse, access.Resource{Kind: access.KindConversation, OwnerID: who.AccountID}); err != nil {
		return model.Recording{}, err
	}
	if in.Language != "" && !isLanguage(in.Language) {
		return model.Recording{}, errs.InField("language", "the language is two letters of ISO 639-1, for example ja")
	}
	if int64(len(in.Data)) > s.o.MaxBytes {
		return model.Recording{}, errs.Newf(errs.TooLarge, "the recording is larger than %d bytes", s.o.MaxBytes).
			With("limitBytes", strconv.FormatInt(s.o.MaxBytes, 10))
	}
	declared, _, err := mime.ParseMediaType(in.MediaType)
	found := typeOf(in.Data)
	if err != nil || found == "" || aliases[strings.ToLower(declared)] != found {
		return model.Recording{}, errs.New(errs.UnsupportedType, "a recording is audio/wav, audio/webm, audio/ogg or audio/mp4, and its content must be what its type says")
	}
	duration, err := durationOf(found, in.Data)
	if err != nil {
		return model.Recording{}, errs.Wrap(errs.InvalidInput, "the recording is damaged or empty; record it again", err)
	}
	if duration > s.o.MaxDuration+grace {
		return model.Recording{}, errs.Newf(errs.TooLarge, "the recording is longer than %s", s.o.MaxDuration).
			With("limitSeconds", strconv.Itoa(int(s.o.MaxDuration.Seconds())))
	}
	return model.Recording{Audio: model.Media{MediaType: found, Data: in.Data}, Duration: duration, Language: in.Language}, nil
}

func isLanguage(s string) bool {
	return len(s) == 2 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz") == ""
}
