package export_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kakoi/internal/chat/export"
)

func TestJSONComesBackWhole(t *testing.T) {
	doc := sample(t)
	doc.Title = "書き出し"
	out := write(t, doc, export.FormatJSON)
	if !json.Valid(out) {
		t.Fatalf("not JSON:\n%s", out)
	}
	back, err := export.ReadJSON(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	doc.Reasoning = false // how to show, not what was said
	if diff := cmp.Diff(doc, back, cmpopts.IgnoreFields(export.Part{}, "Data")); diff != "" {
		t.Errorf("it came back otherwise (-want +got):\n%s", diff)
	}
	for i, p := range doc.Conversations[0].Messages[0].Parts {
		got := back.Conversations[0].Messages[0].Parts[i]
		if (p.Data == nil) != (got.Data == nil) {
			t.Fatalf("part %d: content came along: %v, want %v", i, got.Data != nil, p.Data != nil)
		}
		if p.Data == nil {
			continue
		}
		want, _ := p.Data()
		if data, _ := got.Data(); !bytes.Equal(data, want) {
			t.Errorf("part %d came back otherwise", i)
		}
	}
	if again := write(t, back, export.FormatJSON); !bytes.Equal(again, out) {
		t.Error("written again it is another file")
	}
}

func TestJSONOfAnotherSchemaIsRefused(t *testing.T) {
	for _, in := range []string{``, `[]`, `{}`, `{"schema":"kakoi.conversations/2"}`, `{"schema":"kakoi.conversations/1","exportedAt":"昨日"}`} {
		if _, err := export.ReadJSON(strings.NewReader(in)); !errors.Is(err, export.ErrSchema) {
			t.Errorf("ReadJSON(%q): %v, want ErrSchema", in, err)
		}
	}
}

func TestFilesThatAreGoneAndFilesThatFail(t *testing.T) {
	doc := sample(t)
	part := &doc.Conversations[0].Messages[0].Parts[1]
	part.Data = func() ([]byte, error) { return nil, fs.ErrNotExist }
	for _, f := range formats {
		write(t, doc, f) // says the name, and goes on
	}
	broken := errors.New("disk failure")
	part.Data = func() ([]byte, error) { return nil, broken }
	for _, f := range []export.Format{export.FormatJSON, export.FormatHTML, export.FormatDOCX, export.FormatPDF} {
		if err := export.Write(&bytes.Buffer{}, doc, f); !errors.Is(err, broken) {
			t.Errorf("%s: %v, want the failure", f, err)
		}
	}
}

var formats = []export.Format{export.FormatMarkdown, export.FormatJSON, export.FormatHTML, export.FormatDOCX, export.FormatPDF}

func TestWriteRefusesAnUnknownFormat(t *testing.T) {
	if err := export.Write(&bytes.Buffer{}, sample(t), "exe"); !errors.Is(err, export.ErrFormat) {
		t.Errorf("%v, want ErrFormat", err)
	}
}

// full refuses to take more than n bytes.
type full struct{ n int }

var errFull = errors.New("the disk is full")

func (w *full) Write(p []byte) (int, error) {
	if w.n -= len(p); w.n < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestAWriterThatFailsIsReported(t *testing.T) {
	for _, f := range formats {
		whole := len(write(t, sample(t), f))
		for _, n := range []int{0, whole / 2, whole - 1} {
			if err := export.Write(&full{n}, sample(t), f); !errors.Is(err, errFull) {
				t.Errorf("%s after %d of %d bytes: %v, want the failure", f, n, whole, err)
			}
		}
	}
}
