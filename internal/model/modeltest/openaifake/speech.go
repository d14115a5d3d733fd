package openaifake

import (
	"bytes"
	"encoding/binary"
	"io"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strconv"

	"kakoi/internal/model/modeltest/script"
)

// SpeechModel is the model of the fake that transcribes, whatever Models says.
const SpeechModel = "fake-whisper"

// Spoken is what the fake hears in every recording, by language.
var Spoken = map[string]string{
	"ja": "明日の会議は十時からに変わりました。", "en": "Tomorrow's meeting has been moved to ten o'clock.",
	"": "あー、テストです。",
}

// Heard is what the last recording was, as the fake received it.
type Heard struct {
	Model     string `json:"model"`
	Language  string `json:"language"`
	Name      string `json:"name"`
	MediaType string `json:"mediaType"`
	Bytes     int    `json:"bytes"`
}

// Speech is how the fake listens: no prompt can tell it.
type Speech struct {
	Fault  script.Fault `json:"fault"`
	Silent bool         `json:"silent"` // it understands nothing
	Wait   bool         `json:"wait"`   // it answers when it is told something else
}

// Listen tells the fake how to listen from now on.
func (s *Server) Listen(how Speech) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.speech = how
	if s.told != nil {
		close(s.told)
	}
	s.told = make(chan struct{})
}

// Heard returns the last recording.
func (s *Server) Heard() Heard {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heard
}

// formats are the recordings that the fake takes: their media type, and how
// their content begins or has at an offset.
var formats = map[string]struct {
	mediaType string
	at        int
	magic     string
}{
	".wav": {"audio/wav", 8, "WAVEfmt "}, ".ogg": {"audio/ogg", 0, "OggS"},
	".webm": {"audio/webm", 0, "\x1aE\xdf\xa3"}, ".m4a": {"audio/mp4", 4, "ftyp"},
}

// transcribe answers POST /audio/transcriptions, once it has looked at what it
// got as closely as a server that must decode it.
func (s *Server) transcribe(w http.ResponseWriter, r *http.Request) {
	s.count(1)
	defer s.count(-1)
	s.total.Add(1)
	invalid := func(message string) {
		s.refuse(w, http.StatusBadRequest, message, "invalid_request_error", "")
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<20)
	if err := r.ParseMultipartForm(64 << 20); err != nil {
		invalid("the body is not multipart/form-data")
		return
	}
	files := r.MultipartForm.File["file"]
	if len(files) != 1 {
		invalid("there must be one field file")
		return
	}
	data, err := contentOf(files[0])
	if err != nil || len(data) == 0 {
		invalid("the file is empty")
		return
	}
	heard := Heard{
		Model: r.FormValue("model"), Language: r.FormValue("language"),
		Name: files[0].Filename, MediaType: files[0].Header.Get("Content-Type"), Bytes: len(data),
	}
	format, ok := formats[path.Ext(heard.Name)]
	text, spoken := Spoken[heard.Language]
	switch {
	case !ok || format.mediaType != heard.MediaType || !bytes.HasPrefix(data[min(format.at, len(data)):], []byte(format.magic)):
		s.refuse(w, http.StatusUnsupportedMediaType, "Invalid file format.", "invalid_request_error", "")
		return
	case path.Ext(heard.Name) == ".wav" && (len(data) < 44 || int(binary.LittleEndian.Uint32(data[4:])) != len(data)-8):
		invalid("the WAV file is damaged")
		return
	case r.FormValue("response_format") != "json":
		invalid("this fake answers json only")
		return
	case !spoken:
		invalid("unknown language " + strconv.Quote(heard.Language))
		return
	case heard.Model != SpeechModel && !slices.Contains(s.models(), heard.Model):
		s.fail(w, r, script.FaultNotFound, script.Script{}, heard.Model)
		return
	}
	s.mu.Lock()
	s.heard = heard
	for s.speech.Wait {
		told := s.told
		s.mu.Unlock()
		select {
		case <-told:
		case <-r.Context().Done():
			return
		}
		s.mu.Lock()
	}
	how := s.speech
	s.mu.Unlock()
	switch {
	case how.Fault != "":
		s.fail(w, r, how.Fault, script.Script{}, heard.Model)
	case how.Silent:
		writeJSON(w, http.StatusOK, map[string]string{"text": ""})
	default:
		writeJSON(w, http.StatusOK, map[string]string{"text": " " + text}) // whisper begins with a space
	}
}

func contentOf(file *multipart.FileHeader) ([]byte, error) {
	f, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
