package export_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"iter"
	"path"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"kakoi/internal/chat/export"
)

func each(list ...export.Conversation) iter.Seq2[export.Conversation, error] {
	return func(yield func(export.Conversation, error) bool) {
		for _, c := range list {
			if !yield(c, nil) {
				return
			}
		}
	}
}

func TestArchiveHoldsAFileForEachConversation(t *testing.T) {
	doc := sample(t)
	c := doc.Conversations[0]
	evil := c
	evil.Title = "../../etc/passwd"
	for _, f := range formats {
		var b bytes.Buffer
		if err := export.Archive(&b, doc, f, each(c, c, evil)); err != nil {
			t.Fatal(err)
		}
		r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, e := range r.File {
			if seen[e.Name] || strings.Contains(e.Name, "..") || path.IsAbs(e.Name) || e.NonUTF8 || e.Flags&0x800 == 0 || !utf8.ValidString(e.Name) {
				t.Errorf("%s: entry %q, flags %x", f, e.Name, e.Flags)
			}
			seen[e.Name] = true
		}
		for _, want := range []string{"2026-11-22 住民説明会の準備について." + string(f), "2026-11-22 住民説明会の準備について (2)." + string(f)} {
			if !seen[want] {
				t.Errorf("%s: no %q in %v", f, want, seen)
			}
		}
		if f == export.FormatMarkdown {
			parts := unzip(t, b.Bytes())
			if len(parts["2026-11-22 住民説明会の準備について/会場 図面.png"]) == 0 {
				t.Error("the files are not beside the text")
			}
			if md := string(parts["2026-11-22 住民説明会の準備について.md"]); !strings.Contains(md, "](<2026-11-22 住民説明会の準備について/会場 図面.png>)") {
				t.Errorf("the text does not lead to them:\n%s", md)
			}
		}
	}
}

func TestArchivePassesOnFailures(t *testing.T) {
	broken := errors.New("the store is away")
	failing := func(yield func(export.Conversation, error) bool) {
		if yield(sample(t).Conversations[0], nil) {
			yield(export.Conversation{}, broken)
		}
	}
	if err := export.Archive(&bytes.Buffer{}, sample(t), export.FormatHTML, failing); !errors.Is(err, broken) {
		t.Errorf("%v, want the failure", err)
	}
	if err := export.Archive(&bytes.Buffer{}, sample(t), "exe", each()); !errors.Is(err, export.ErrFormat) {
		t.Errorf("%v, want ErrFormat", err)
	}
}

func TestFileNames(t *testing.T) {
	for _, tt := range []struct{ title, ending, want string }{
		{"予算の相談", "docx", "予算の相談.docx"},
		{`a/b\c:d*e?f"g<h>i|j`, "md", "a b c d e f g h i j.md"},
		{"..", "md", "_.md"},
		{"", "md", "_.md"},
		{"con", "md", "_con.md"},
		{"LPT1.txt", "md", "_LPT1.txt.md"},
		{"末尾. . ", "md", "末尾.md"},
		{"改\n行\tと\x00制御", "md", "改 行 と 制御.md"},
		{"写真\u202egpj.exe", "md", "写真gpj.exe.md"},
		{"か\u3099", "md", "が.md"},
		{"x", "../sh", "x.sh"},
	} {
		if got := export.FileName(tt.title, time.Time{}, tt.ending); got != tt.want {
			t.Errorf("FileName(%q, %q) = %q, want %q", tt.title, tt.ending, got, tt.want)
		}
	}
	long := export.FileName(strings.Repeat("長い題", 100), morning, "docx")
	if len(long) > 255 || !utf8.ValidString(long) || !strings.HasPrefix(long, "2026-11-22 長い題") || !strings.HasSuffix(long, ".docx") {
		t.Errorf("a long title is %q", long)
	}
}

func TestTimesAreWordsOfTheOffice(t *testing.T) {
	for _, tt := range []struct {
		at     time.Time
		locale export.Locale
		era    bool
		want   string
	}{
		{morning, export.Japanese, false, "2026年11月22日(日) 14:05"},
		{morning, export.Japanese, true, "令和8年11月22日(日) 14:05"},
		{morning, export.English, true, "Sun, 22 November 2026 14:05 JST"},
		{time.Date(2019, 4, 30, 15, 0, 0, 0, time.UTC), export.Japanese, true, "令和元年5月1日(水) 00:00"},
		{time.Date(2019, 4, 30, 14, 59, 0, 0, time.UTC), export.Japanese, true, "平成31年4月30日(火) 23:59"},
	} {
		doc := say("x")
		doc.Locale, doc.Era = tt.locale, tt.era
		doc.Conversations[0].Messages[0].At = tt.at
		if page := string(write(t, doc, export.FormatHTML)); !strings.Contains(page, ">"+tt.want+"</time>") {
			t.Errorf("%s is not in the page", tt.want)
		}
	}
}
