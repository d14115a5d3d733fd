package openai_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"kakoi/internal/errs"
	"kakoi/internal/model"
	"kakoi/internal/model/modeltest/openaifake"
	"kakoi/internal/model/openai"
)

// recording is a second of silence.
func recording(language string) model.Recording {
	data := make([]byte, 44+32000)
	copy(data, "RIFF----WAVEfmt ")
	binary.LittleEndian.PutUint32(data[4:], uint32(len(data)-8))
	return model.Recording{Audio: model.Media{MediaType: "audio/wav", Data: data}, Duration: time.Second, Language: language}
}

func TestARecordingIsTranscribedByEveryServer(t *testing.T) {
	for _, flavor := range []openaifake.Flavor{openaifake.OpenAI, openaifake.LlamaCpp, openaifake.VLLM, openaifake.Ollama} {
		t.Run(string(flavor), func(t *testing.T) {
			fake := &openaifake.Server{Flavor: flavor, Key: "sk-very-secret"}
			c := client(t, fake)
			for language, want := range openaifake.Spoken {
				got, err := c.Transcribe(t.Context(), openaifake.SpeechModel, recording(language))
				if err != nil || got.Text != want {
					t.Errorf("in %q: %+v, %v", language, got, err)
				}
			}
			webm := model.Recording{Audio: model.Media{MediaType: "audio/webm", Data: []byte("\x1aE\xdf\xa3 and so on")}, Language: "ja"}
			if _, err := c.Transcribe(t.Context(), openaifake.SpeechModel, webm); err != nil {
				t.Errorf("WebM: %v", err)
			}
			if h := fake.Heard(); h.Name != "speech.webm" || h.MediaType != "audio/webm" || h.Language != "ja" || h.Bytes != 14 {
				t.Errorf("the server got %+v", h)
			}
			steps := c.CheckTask(t.Context(), openaifake.SpeechModel, model.TaskTranscription)
			if got := names(steps); got != "configuration resolve connect clock credentials list_models answer" || steps[len(steps)-1].Err != nil {
				t.Errorf("check = %s, %+v", got, steps[len(steps)-1])
			}
		})
	}
}

func TestAFailedTranscriptionHasACode(t *testing.T) {
	says := func(status int, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			io.WriteString(w, body)
		})
	}
	faulty := func(how openaifake.Speech) http.Handler {
		fake := &openaifake.Server{}
		fake.Listen(how)
		return fake
	}
	const good = openaifake.SpeechModel
	odd := recording("")
	odd.Audio.MediaType = "audio/flac"
	empty := recording("")
	empty.Audio.Data = nil
	mislabelled := recording("")
	mislabelled.Audio.MediaType = "audio/ogg"
	for _, tt := range []struct {
		name    string
		server  http.Handler
		model   string
		in      model.Recording
		code    errs.Code
		message string
	}{
		{"a wrong key", &openaifake.Server{Key: "sk-right"}, good, recording(""), errs.ModelCredentials, ""},
		{"a model it does not have", &openaifake.Server{}, "gemma", recording(""), errs.ModelNotFound, ""},
		{"too much to do", faulty(openaifake.Speech{Fault: "throttle"}), good, recording(""), errs.ModelThrottled, ""},
		{"still loading", faulty(openaifake.Speech{Fault: "unavailable"}), good, recording(""), errs.ModelFailed, "loading"},
		{"a failure", faulty(openaifake.Speech{Fault: "failure"}), good, recording(""), errs.ModelFailed, ""},
		{"a server that decodes something else", &openaifake.Server{}, good, mislabelled, errs.ModelInput, "kind of recording"},
		{"a kind nobody takes", &openaifake.Server{}, good, odd, errs.ModelInput, ""},
		{"nothing recorded", &openaifake.Server{}, good, empty, errs.ModelInput, ""},
		{"an address without this API", says(http.StatusNotFound, "404 page not found"), good, recording(""), errs.ModelInvalidRequest, "no transcription API"},
		{"more than a proxy lets through", says(http.StatusRequestEntityTooLarge, "<html>"), good, recording(""), errs.TooLarge, ""},
		{"an error with the status of success, as of whisper.cpp", says(http.StatusOK, `{"error":"failed to read WAV file"}`), good, recording(""), errs.ModelFailed, ""},
		{"a web page", says(http.StatusOK, "<html>welcome</html>"), good, recording(""), errs.ModelInvalidRequest, "web page"},
		{"no JSON", says(http.StatusOK, "秘密の話"), good, recording(""), errs.ModelFailed, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := client(t, tt.server).Transcribe(t.Context(), tt.model, tt.in)
			if errs.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.message) || strings.Contains(err.Error(), "秘密") {
				t.Errorf("err = %v (%s), want %s with %q", err, errs.CodeOf(err), tt.code, tt.message)
			}
		})
	}
}

func TestTokensAndSilenceOfATranscription(t *testing.T) {
	c := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"text":" \n","usage":{"type":"tokens","input_tokens":14,"output_tokens":2}}`)
	}))
	got, err := c.Transcribe(t.Context(), "gpt-4o-transcribe", recording(""))
	if err != nil || got.Text != "" || got.Usage != (model.Usage{InputTokens: 14, OutputTokens: 2}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestATranscriptionEndsWithWhoeverAskedAndWithItsPatience(t *testing.T) {
	fake := &openaifake.Server{}
	fake.Listen(openaifake.Speech{Wait: true})
	c := openai.New(openai.Config{BaseURL: serve(t, fake), HTTP: &http.Client{}, FirstByteTimeout: 50 * time.Millisecond})
	if _, err := c.Transcribe(t.Context(), openaifake.SpeechModel, recording("")); errs.CodeOf(err) != errs.ModelTimeout {
		t.Errorf("a silent server: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_ = fake.WaitLive(t.Context(), 1)
		cancel()
	}()
	if _, err := client(t, fake).Transcribe(ctx, openaifake.SpeechModel, recording("")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := fake.WaitLive(t.Context(), 0); err != nil {
		t.Errorf("the server still listens: %v", err)
	}
}

func TestModelsThatTranscribeAreKnownByWhatTheServerOrTheirNameSays(t *testing.T) {
	c := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"object":"list","data":[{"id":"own-ears","task":"automatic-speech-recognition"},{"id":"gemma3:4b"},{"id":"kotoba-whisper-v2.0"},{"id":"kokoro","task":"text-to-speech"}]}`)
	}))
	models, err := c.Models(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var listening []string
	for _, m := range models {
		if m.Task == model.TaskTranscription {
			listening = append(listening, m.ID)
		}
	}
	if got := strings.Join(listening, " "); got != "kotoba-whisper-v2.0 own-ears" {
		t.Errorf("transcribe: %s", got)
	}
}
