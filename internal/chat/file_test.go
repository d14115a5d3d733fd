package chat

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

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
