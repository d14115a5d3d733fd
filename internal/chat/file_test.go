package chat

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/model"
)

func TestTextOfOfficesIsKeptAsUTF8AndGivenToModelsAsWords(t *testing.T) {
	const text = "第一条　この要綱は、補助金の交付に関し必要な事項を定める。\r\n第二条　申請は、別紙様式により行うものとする。\r\n"
	encoded := func(e interface{ String(string) (string, error) }, s string) []byte {
		out, err := e.String(s)
		if err != nil {
			t.Fatal(err)
		}
		return []byte(out)
	}
	const table = "氏名,住所,申請日\n山田太郎,東京都千代田区,令和８年十一月\n"
	files := []struct {
		name, mediaType, want string
		data                  []byte
	}{
		{"要綱.txt", "text/plain", text, encoded(japanese.ShiftJIS.NewEncoder(), text)},
		{"要綱（旧）.txt", "text/plain", text, encoded(japanese.EUCJP.NewEncoder(), text)},
		{"メール.txt", "text/plain", text, encoded(japanese.ISO2022JP.NewEncoder(), text)},
		{"メモ帳.txt", "text/plain", text, encoded(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder(), text)},
		{"名簿.csv", "text/csv", table, encoded(japanese.ShiftJIS.NewEncoder(), table)},
		{"設定.json", "application/json", `{"名": "値"}`, []byte(`{"名": "値"}`)},
		{"台帳.xml", "application/xml", "<?xml version=\"1.0\"?><台帳/>", []byte("<?xml version=\"1.0\"?><台帳/>")},
		{"流れ.yaml", "application/yaml", "手順:\n  - 一\n", []byte("手順:\n  - 一\n")},
		{"集計.bas", "text/x-source", "Sub 集計()\r\nEnd Sub\r\n", encoded(japanese.ShiftJIS.NewEncoder(), "Sub 集計()\r\nEnd Sub\r\n")},
	}
	run(t, func(t *testing.T, f *fixture) {
		ctx := as(t, "anna")
		var ids []string
		for _, file := range files {
			a, err := f.Attach(ctx, Upload{Name: file.name, Data: file.data})
			if err != nil {
				t.Errorf("%s: %v", file.name, err)
				continue
			}
			_, data, err := f.AttachmentContent(ctx, a.ID)
			if a.Name != file.name || a.MediaType != file.mediaType || string(data) != file.want || a.Size != int64(len(file.want)) || err != nil {
				t.Errorf("%s is kept as %+v: %q, %v", file.name, a, data, err)
			}
			ids = append(ids, a.ID)
		}
		f.model.answers("はい")
		st, err := f.Create(ctx, NewConversation{ModelID: "blind", Turn: Turn{Text: "読んで", AttachmentIDs: ids}})
		if err != nil {
			t.Fatal(err)
		}
		f.read(ctx, f.Service, st.Answers[0].RunID, "")
		sent := f.model.last().Messages[0].Parts
		if len(sent) != len(files)+1 {
			t.Fatalf("%d parts", len(sent))
		}
		for i, file := range files {
			if p := sent[i]; p.Type != model.PartText || !strings.Contains(p.Text, file.want) || !strings.Contains(p.Text, file.name) {
				t.Errorf("%s was given as %+v", file.name, p)
			}
		}
	})
}

func TestAFileThatCannotBeReadIsToldWhy(t *testing.T) {
	heic := append([]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), make([]byte, 64)...)
	for _, tt := range []struct {
		name string
		data []byte
		code errs.Code
		says string
	}{
		{"写真.heic", heic, errs.UnsupportedType, "JPEG"},
		{"写真.jpg", heic, errs.UnsupportedType, "JPEG"},
		{"一式.zip", []byte("PK\x03\x04\x14\x00\x00\x00\x08\x00"), errs.UnsupportedType, "application/zip"},
		{"空.txt", nil, errs.InvalidInput, "empty"},
		{"印だけ.txt", []byte("\xef\xbb\xbf"), errs.InvalidInput, "empty"},
		{"長い.txt", make([]byte, 2000), errs.TooLarge, ""},
	} {
		_, err := ReadFile(Upload{Name: tt.name, Data: tt.data}, 1000)
		if errs.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestNamesOfFilesSurvive(t *testing.T) {
	for name, want := range map[string]string{
		"報告書（最終版）①.txt":                          "報告書（最終版）①.txt",
		"か\u3099いと\u3099.txt":                    "がいど.txt", // as macOS writes it
		"ハ\u309aンフレット.pdf":                       "パンフレット.pdf",
		`C:\資料\台帳.csv`:                           "台帳.csv",
		"../../etc/passwd":                       "passwd",
		"txt.\u202egnp.exe":                      "txt.gnp.exe",
		" \n":                                    "file",
		"葛\U000e0100飾区.md":                       "葛\U000e0100飾区.md",
		strings.Repeat("長", 300) + ".txt":        strings.Repeat("長", 251) + ".txt",
		string([]byte{0x95, 0xf1, 'a'}) + ".txt": "a.txt",
	} {
		if got := fileName(name); got != want {
			t.Errorf("%q is called %q, want %q", name, got, want)
		}
	}
}

// GenU never deletes what was attached (its defect D6): the file that was taken
// back, the one that was never sent, those of a deleted conversation.
func TestFilesGoWithTheirConversation(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		f.model.answers("絵です")
		ctx := as(t, "anna")
		a, err := f.Attach(ctx, Upload{Name: `C:\写真\図.png`, Data: picture(t)})
		if err != nil || a.Name != "図.png" || a.MediaType != "image/png" || a.Width != 4 {
			t.Fatalf("%+v, %v", a, err)
		}
		if _, err := f.Create(ctx, NewConversation{ModelID: "blind", Turn: Turn{Text: "これは", AttachmentIDs: []string{a.ID}}}); errs.CodeOf(err) != errs.ModelInput {
			t.Fatalf("a model that cannot see: %v", err)
		}
		st, err := f.Create(ctx, NewConversation{Turn: Turn{Text: "これは", AttachmentIDs: []string{a.ID}}})
		if err != nil {
			t.Fatal(err)
		}
		f.read(ctx, f.Service, st.Answers[0].RunID, "")
		if m := f.model.last().Messages[0]; m.Parts[0].Media == nil || !bytes.Equal(m.Parts[0].Media.Data, picture(t)) {
			t.Error("the model did not get the image")
		}
		if err := f.Delete(ctx, st.Conversation.ID); err != nil {
			t.Fatal(err)
		}
		if err := f.sweep(t.Context(), time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"attachments", "blobs", "messages", "runs", "conversations"} {
			var n int
			if err := f.db.QueryRowContext(t.Context(), `SELECT count(*) FROM `+table).Scan(&n); err != nil || n != 0 {
				t.Errorf("%d rows left in %s, %v", n, table, err)
			}
		}
		if _, err := f.Attach(ctx, Upload{Name: "x.exe", Data: []byte("MZ\x90\x00\x03\x00\x00\x00\x04")}); errs.CodeOf(err) != errs.UnsupportedType {
			t.Errorf("a program: %v", err)
		}
	})
}

func TestFilesThatAreNotSentGo(t *testing.T) {
	run(t, func(t *testing.T, f *fixture) {
		contents := func() (n int) {
			t.Helper()
			if err := f.db.QueryRowContext(t.Context(), `SELECT count(*) FROM blobs`).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		anna, ben := as(t, "anna"), as(t, "ben")
		attach := func(ctx context.Context, text string) Attachment {
			t.Helper()
			a, err := f.Attach(ctx, Upload{Name: "控え.txt", Data: []byte(text)})
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		back, same, theirs := attach(anna, "甲"), attach(anna, "乙"), attach(ben, "乙")
		if n := contents(); n != 2 {
			t.Fatalf("%d contents of two files, of which two people have one", n)
		}
		if err := f.RemoveAttachment(anna, back.ID); err != nil {
			t.Fatal(err)
		}
		if err := f.RemoveAttachment(anna, same.ID); err != nil {
			t.Fatal(err)
		}
		if _, data, err := f.AttachmentContent(ben, theirs.ID); err != nil || string(data) != "乙" || contents() != 1 {
			t.Errorf("the other's copy: %q, %v, %d contents", data, err, contents())
		}
		for _, step := range []struct {
			before time.Time
			want   int
		}{{time.Now().Add(-time.Hour), 1}, {time.Now().Add(time.Minute), 0}} {
			err := f.db.Transact(t.Context(), func(ctx context.Context, tx *db.Tx) error { return f.deleteUnsent(ctx, tx, step.before) })
			if n := contents(); err != nil || n != step.want {
				t.Errorf("%d contents are left, %v; want %d", n, err, step.want)
			}
		}
	})
}
