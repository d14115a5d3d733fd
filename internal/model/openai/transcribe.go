package openai

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"kakoi/internal/errs"
	"kakoi/internal/model"
)

// fileNames are what recordings are called on the wire, by media type: many
// servers tell what a file is by the ending of its name.
var fileNames = map[string]string{
	"audio/wav": "speech.wav", "audio/ogg": "speech.ogg", "audio/webm": "speech.webm", "audio/mp4": "speech.m4a",
}

// wireTranscript is what is read of an answer in the form json. Tokens are
// counted by OpenAI's newer models only.
type wireTranscript struct {
	Text  *string `json:"text"`
	Usage struct {
		InputTokens  int `json:"input_tokens"`
		OutputTokens int `json:"output_tokens"`
	} `json:"usage"`
}

// Transcribe implements model.Transcriber with POST /audio/transcriptions, as
// OpenAI, vLLM, Speaches and whisper.cpp (--inference-path) serve it.
func (c *Client) Transcribe(ctx context.Context, modelID string, r model.Recording) (model.Transcript, error) {
	if c.broken != nil {
		return model.Transcript{}, c.broken
	}
	body, contentType, err := transcriptionForm(modelID, r)
	if err != nil {
		return model.Transcript{}, err
	}
	ctx, wait := newPatience(ctx, c.cfg.FirstByteTimeout)
	defer wait.end()
	req, err := c.newRequest(ctx, http.MethodPost, c.endpoint("audio/transcriptions"), body)
	if err != nil {
		return model.Transcript{}, err
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Accept", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return model.Transcript{}, c.transportError(ctx, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(wait.reader(resp.Body, c.cfg.IdleTimeout), maxJSONBody))
	if err != nil {
		return model.Transcript{}, c.transportError(ctx, err)
	}
	if resp.StatusCode != http.StatusOK {
		return model.Transcript{}, c.refusedRecording(resp, answer[:min(len(answer), maxErrorBody)], modelID)
	}
	var said wireTranscript
	switch err := json.Unmarshal(answer, &said); {
	case looksLikeHTML(answer):
		return model.Transcript{}, errs.Wrap(errs.ModelInvalidRequest, "there is a web page and no transcription API at this address; "+c.baseHint(),
			errors.New("the answer is HTML")).With("host", c.base.Host)
	case err == nil && said.Text == nil && parseError(answer).json: // whisper.cpp says its errors with status 200
		return model.Transcript{}, c.streamFailure(answer, model.Request{Model: modelID})
	case err != nil || said.Text == nil:
		// What was answered may be what somebody said: it is not repeated.
		return model.Transcript{}, errs.New(errs.ModelFailed, "the speech server's answer cannot be read").With("host", c.base.Host).With("reason", "unknown")
	}
	return model.Transcript{
		Text:  strings.TrimSpace(*said.Text),
		Usage: model.Usage{InputTokens: said.Usage.InputTokens, OutputTokens: said.Usage.OutputTokens},
	}, nil
}

// transcriptionForm returns the body of a request and its type.
func transcriptionForm(modelID string, r model.Recording) (body []byte, contentType string, err error) {
	name, ok := fileNames[r.Audio.MediaType]
	if !ok || len(r.Audio.Data) == 0 {
		return nil, "", errs.New(errs.ModelInput, "this is no recording that a speech server takes").With("kind", string(model.PartAudio))
	}
	var out bytes.Buffer
	form := multipart.NewWriter(&out)
	file, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name="file"; filename="%s"`, name)},
		"Content-Type":        {r.Audio.MediaType},
	})
	if err == nil {
		_, err = file.Write(r.Audio.Data)
	}
	for _, field := range [][2]string{{"model", modelID}, {"response_format", "json"}, {"language", r.Language}} {
		if err == nil && field[1] != "" {
			err = form.WriteField(field[0], field[1])
		}
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		return nil, "", errs.Wrap(errs.ModelInvalidRequest, "the request to the speech server could not be made", err)
	}
	return out.Bytes(), form.FormDataContentType(), nil
}

// refusedRecording is failure with what only this API refuses.
func (c *Client) refusedRecording(resp *http.Response, body []byte, modelID string) error {
	err := c.failure(resp, body, model.Request{Model: modelID})
	var known *errs.Error
	if !errors.As(err, &known) || known.Code != errs.ModelInvalidRequest && known.Code != errs.ModelContextTooLong {
		return err
	}
	switch {
	case resp.StatusCode == http.StatusRequestEntityTooLarge:
		return errs.Wrap(errs.TooLarge, "the recording is larger than the speech server takes", err)
	case known.Params["reason"] == "base_url":
		return errs.Wrap(errs.ModelInvalidRequest, "there is no transcription API at this address; "+c.baseHint(), err).With("host", c.base.Host).With("reason", "base_url")
	case resp.StatusCode == http.StatusUnsupportedMediaType:
		return errs.Wrap(errs.ModelInput, "the speech server does not take this kind of recording", err).With("kind", string(model.PartAudio))
	}
	return err
}

// CheckTranscription implements model.Transcriber with the steps of Check, the
// last of which hears a second of silence.
func (c *Client) CheckTranscription(ctx context.Context, modelID string) []model.CheckStep {
	return slices.Collect(c.examine(ctx, modelID, c.tryTranscription))
}

func (c *Client) tryTranscription(ctx context.Context, modelID string) []model.CheckStep {
	start := time.Now()
	_, err := c.Transcribe(ctx, modelID, model.Recording{Audio: model.Media{MediaType: "audio/wav", Data: silence()}, Duration: time.Second})
	s := model.CheckStep{Name: "answer", Err: err, Elapsed: time.Since(start)}
	if err == nil {
		s.Detail = fmt.Sprintf("a second of silence transcribed in %d ms", s.Elapsed.Milliseconds())
	}
	return []model.CheckStep{s}
}

// silence is a second of it: WAV, 16 kHz, one channel of 16 bits.
func silence() []byte {
	const rate = 16000
	b := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x10\x00data\x00\x00\x00\x00")
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8+2*rate))
	binary.LittleEndian.PutUint32(b[24:], rate)
	binary.LittleEndian.PutUint32(b[28:], 2*rate)
	binary.LittleEndian.PutUint32(b[40:], 2*rate)
	return append(b, make([]byte, 2*rate)...)
}
