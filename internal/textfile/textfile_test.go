package textfile_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"

	"kakoi/internal/errs"
	"kakoi/internal/textfile"
)

// sets are the character sets with their encoders. encode returns nil for
// what a set cannot hold.
var sets = []struct {
	name   string
	encode func(string) []byte
}{
	{textfile.UTF8, func(s string) []byte { return []byte(s) }},
	{textfile.UTF16LE, func(s string) []byte { return utf16Bytes(s, binary.LittleEndian) }},
	{textfile.UTF16BE, func(s string) []byte { return utf16Bytes(s, binary.BigEndian) }},
	{textfile.ISO2022JP, encoder(japanese.ISO2022JP)},
	{textfile.ShiftJIS, encoder(japanese.ShiftJIS)},
	{textfile.EUCJP, encoder(japanese.EUCJP)},
}

func encoder(e encoding.Encoding) func(string) []byte {
	return func(s string) []byte {
		b, err := e.NewEncoder().Bytes([]byte(s))
		if err != nil {
			return nil
		}
		return b
	}
}

func utf16Bytes(s string, order binary.AppendByteOrder) []byte {
	b := order.AppendUint16(nil, 0xfeff)
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return b
}

func TestJapaneseTextsInEverySet(t *testing.T) {
	for _, text := range []string{
		"予算",
		"議会",
		"起案",
		"東京都",
		"文字",
		"漢字",
		"自治体",
		"会計年度任用職員",
		"住民税",
		"令和七年度",
		"はい",
		"カナ",
		"渡邉",
		"山田 太郎",
		"氏名,住所\r\n山田太郎,東京都千代田区永田町一丁目\r\n",
		"№①㈱髙﨑～－∥￢", // NEC's and IBM's characters, and those that sets disagree about
		"日本国民は、正当に選挙された国会における代表者を通じて行動し、われらとわれらの子孫のために、諸国民との協和による成果と、わが国全土にわたつて自由のもたらす恵沢を確保し、",
		"起案日：令和７年４月１日（火）　件名：予算要求について\n上記のことについて、下記のとおり伺います。\n",
		"表\\能\\ソ\\十\\構\\貼\\暴", // characters whose second byte is a backslash in Shift_JIS
		"ABC 123 あいう",
		"ﾊﾝｶｸｶﾅ を含む文書です。",
		"x\ty\r\n売上\t１２３\r\n",
	} {
		for _, set := range sets {
			data := set.encode(text)
			if data == nil {
				continue // the set does not hold the text
			}
			got, charset, err := textfile.Decode(data)
			if err != nil {
				t.Errorf("%s %q: %v", set.name, text, err)
			} else if charset != set.name || got != text {
				t.Errorf("%s %q was read as %s %q", set.name, text, charset, got)
			}
		}
	}
}

func TestShortHalfWidthKanaIsShiftJIS(t *testing.T) {
	encode := encoder(japanese.ShiftJIS)
	for _, text := range []string{
		"ﾃｽﾄ", "ﾊﾝｶｸ", "ﾔﾏﾀﾞ ﾀﾛｳ", "ｽｽﾞｷ", "ｶﾞﾊﾞﾝ", "ﾆﾎﾝ", "ﾄｳｷﾖｳ", "ﾄｳｷｮｳﾄ", "ｶ)ﾔﾏﾀﾞｼﾖｳｼﾞ", "ｻﾄｳ ﾊﾅｺ", "ﾃﾞｰﾀ", "ﾌﾟﾘﾝﾀｰ",
		"ﾐｽﾞﾎ", "ﾐﾂﾋﾞｼﾕｰｴﾌｼﾞｪｲ", "ﾎﾝﾃﾝ", "ﾌﾂｳ", "ﾀﾅｶ ｲﾁﾛｳ", "ﾜﾀﾅﾍﾞ", "ｺｳﾑｲﾝ", "ｱｲｳｴｵ",
	} {
		if got, charset, err := textfile.Decode(encode(text)); err != nil || charset != textfile.ShiftJIS || got != text {
			t.Errorf("%q was read as %s %q, %v", text, charset, got, err)
		}
	}
}

// Words of two kanji are the hardest: no byte says which set they are in.
func TestCommonWordsAreToldApart(t *testing.T) {
	words := strings.Fields(`予算 決算 議会 議案 条例 規則 要綱 通知 照会 回答 起案 決裁 合議 稟議 会議 資料 議事 報告 計画 事業 補助 交付 申請 届出 許可 認可 登録 更新
		税務 納税 住民 市民 県民 国民 戸籍 年金 保険 介護 福祉 医療 教育 学校 保育 子供 高齢 障害 防災 消防 警察 道路 河川 公園 水道 環境 農業 商工 観光 文化 国際
		総務 財政 企画 人事 給与 契約 入札 工事 建築 都市 交通 情報 統計 監査 選挙 広報 東京 大阪 京都 北海道 沖縄 福岡 神奈川 埼玉 千葉 愛知 山田 佐藤 鈴木 田中 高橋 伊藤
		氏名 住所 電話 番号 日付 金額 合計 備考 担当 所属 部長 課長 係長 主任 主査 職員 管理 処理 確認 提出 期限 以上 以下 未満 別紙 参照 原案 可決 否決 承認 同意`)
	for _, set := range sets {
		wrong := 0
		for _, word := range words {
			got, charset, err := textfile.Decode(set.encode(word))
			if err != nil || got != word || charset != set.name {
				t.Logf("%s %q was read as %s %q, %v", set.name, word, charset, got, err)
				wrong++
			}
		}
		if wrong > 0 {
			t.Errorf("%s: %d of %d words are misread", set.name, wrong, len(words))
		}
	}
}

// Every character that a set can hold comes back, inside of a sentence and in
// texts of random words.
func TestEveryJISCharacterComesBack(t *testing.T) {
	var all []rune
	d := japanese.EUCJP.NewDecoder()
	for row := byte(0xa1); row <= 0xfe; row++ {
		for cell := byte(0xa1); cell <= 0xfe; cell++ {
			b, err := d.Bytes([]byte{row, cell})
			if r, _ := utf8.DecodeRune(b); err == nil && r != utf8.RuneError {
				all = append(all, r)
			}
		}
	}
	for r := '｡'; r <= 'ﾟ'; r++ {
		all = append(all, r)
	}
	for r := rune(' '); r < 0x7f; r++ {
		all = append(all, r)
	}
	if len(all) < 6879+63 {
		t.Fatalf("%d characters, fewer than JIS X 0208 has", len(all))
	}
	check := func(name, text string, data []byte) {
		t.Helper()
		if got, charset, err := textfile.Decode(data); err != nil || got != text || charset != name {
			t.Fatalf("%s %q was read as %s %q, %v", name, text, charset, got, err)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, set := range sets {
		for _, r := range all {
			text := "この文字は" + string(r) + "です。"
			if data := set.encode(text); data != nil {
				check(set.name, text, data)
			}
		}
		for range 300 {
			runes := []rune("について")
			for range rng.IntN(200) {
				runes = append(runes, all[rng.IntN(len(all))])
			}
			if data := set.encode(string(runes)); data != nil {
				check(set.name, string(runes), data)
			}
		}
	}
}

func TestUsersOwnCharactersAreKept(t *testing.T) {
	got, charset, err := textfile.Decode([]byte("\x8e\x81\x96\xbc\x81F\xf0\x40\x93c\xf9\xfc\x82\xb3\x82\xf1"))
	if want := "氏名：\ue000田\ue757さん"; err != nil || got != want || charset != textfile.ShiftJIS {
		t.Errorf("got %s %q, %v, want %q", charset, got, err, want)
	}
}

func TestMarksAndAsciiDecide(t *testing.T) {
	for _, tt := range []struct{ name, data, text, charset string }{
		{"an empty file is empty text", "", "", textfile.UTF8},
		{"ASCII is UTF-8", "a,b\r\n1,2\r\n", "a,b\r\n1,2\r\n", textfile.UTF8},
		{"the byte order mark is no part of the text", "\xef\xbb\xbf予算", "予算", textfile.UTF8},
		{"a file of a mark alone is empty", "\xff\xfe", "", textfile.UTF16LE},
		{"a coloured log is no ISO-2022-JP", "\x1b[31merror\x1b(B\x1b[m done\n", "\x1b[31merror\x1b(B\x1b[m done\n", textfile.UTF8},
		{"half-width kana in ISO-2022-JP", "\x1b(IC=D\x1b(B", "ﾃｽﾄ", textfile.ISO2022JP},
		{"the end mark of DOS is text", "x\r\n\x1a", "x\r\n\x1a", textfile.UTF8},
		{"a log cut in the middle of a character is read", "2026-04-01 処理を開始しました。成功\xe3\x81", "2026-04-01 処理を開始しました。成功\ufffd", textfile.UTF8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if text, charset, err := textfile.Decode([]byte(tt.data)); err != nil || text != tt.text || charset != tt.charset {
				t.Errorf("got %s %q, %v", charset, text, err)
			}
		})
	}
}

func TestWhatIsNoTextIsRefused(t *testing.T) {
	noise := make([]byte, 4096)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range noise {
		noise[i] = byte(1 + rng.IntN(255)) // without NUL, which would give it away
	}
	for _, tt := range []struct {
		name string
		data []byte
		want errs.Code
	}{
		{"a picture", []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), errs.UnsupportedType},
		{"a PDF that is all ASCII", []byte("%PDF-1.4\n1 0 obj\nendobj\n"), errs.UnsupportedType},
		{"rich text", []byte(`{\rtf1\ansi\deff0 text}`), errs.UnsupportedType},
		{"UTF-16 without a mark", []byte("a\x00b\x00"), errs.UnsupportedType},
		{"noise without NUL", noise, errs.UnsupportedType},
		{"NUL characters in UTF-16", utf16Bytes("a\x00\x00b", binary.LittleEndian), errs.UnsupportedType},
		{"a photo of a phone", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), errs.UnsupportedType},
		{"Western text in Latin-1", []byte("Le caf\xe9 est \xe0 c\xf4t\xe9 du th\xe9\xe2tre, o\xf9 l'\xe9t\xe9 a \xe9t\xe9 tr\xe8s gai."), errs.InvalidInput},
		{"Chinese text in GB 18030 with four bytes", bytes.Repeat([]byte("\x81\x30\x81\x30\x95\x32\x82\x36"), 40), errs.InvalidInput},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if text, charset, err := textfile.Decode(tt.data); errs.CodeOf(err) != tt.want {
				t.Errorf("got %s %.40q, %v, want %s", charset, text, err, tt.want)
			}
		})
	}
}

func TestNewlinesAreOneKindWhenAsked(t *testing.T) {
	if got := textfile.Newlines("a\r\nb\rc\nd\u0085e\r\n\r\n"); got != "a\nb\nc\nd\ne\n\n" {
		t.Errorf("got %q", got)
	}
}

func TestMediaTypeByNameAndContent(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"メモ.txt", "予算", textfile.Plain},
		{"README.MD", "# 見出し", textfile.Markdown},
		{"住所録.CSV", "氏名,住所", textfile.CSV},
		{"a.tsv", "a\tb", textfile.TSV},
		{"page.htm", "<p>text</p>", textfile.HTML},
		{"a.json", `{"a":[1,2]}`, textfile.JSON},
		{"a.jsonl", "{\"a\":1}\n{\"a\":2}\n", textfile.JSON},
		{"broken.json", `{"a":`, textfile.Plain},
		{"a.xml", "<a/>", textfile.XML},
		{"a.yml", "a: 1", textfile.YAML},
		{"a.toml", "a = 1", textfile.TOML},
		{"server.log", "2026-04-01 start", textfile.Plain},
		{"集計.bas", "Sub 集計()", textfile.Source},
		{"C:\\work\\batch.cbl", "       IDENTIFICATION DIVISION.", textfile.Source},
		{"Dockerfile", "FROM scratch", textfile.Source},
		{"query.sql", "select 1", textfile.Source},
		{"unknown.xyz", "plain words", textfile.Plain},
		{"noextension", `[{"a":1}]`, textfile.JSON},
		{"noextension", "<!DOCTYPE html><title>x</title>", textfile.HTML},
		{"script", "#!/bin/sh\necho", textfile.Source},
		{"saved.txt", "<?xml version=\"1.0\"?><a/>", textfile.XML},
	} {
		if got := textfile.MediaType(tt.name, tt.text); got != tt.want {
			t.Errorf("MediaType(%q, %q) = %s, want %s", tt.name, tt.text, got, tt.want)
		}
	}
	if !textfile.IsTextName("予算.Py") || textfile.IsTextName("予算.xlsx") {
		t.Error("IsTextName does not tell a program from a workbook")
	}
}

func TestPhotosOfPhonesAreRecognised(t *testing.T) {
	box := func(major string, compatible ...string) []byte {
		b := binary.BigEndian.AppendUint32(nil, uint32(16+4*len(compatible)))
		b = append(b, "ftyp"+major+"\x00\x00\x00\x00"+strings.Join(compatible, "")...)
		return append(b, "\x00\x00\x00\x00meta"...)
	}
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"an iPhone's photo", box("heic", "mif1", "heic"), "image/heic"},
		{"a generic brand that holds HEVC", box("mif1", "mif1", "heic", "miaf"), "image/heic"},
		{"a generic brand", box("mif1", "miaf"), "image/heif"},
		{"AVIF, which browsers read", box("avif", "mif1", "miaf"), ""},
		{"AVIF under a generic brand", box("mif1", "avif"), ""},
		{"a video", box("isom", "mp41"), ""},
		{"a video of a phone", box("qt  "), ""},
		{"too short", []byte("\x00\x00\x00\x18ftyp"), ""},
		{"a text about it", []byte("the ftypheic box is first"), ""},
	} {
		if got := textfile.HEIF(tt.data); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if err := textfile.RefuseHEIF(tt.data); (err != nil) != (tt.want != "") {
			t.Errorf("%s: refused with %v", tt.name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, set := range sets {
		f.Add(set.encode("予算ﾃｽﾄabc\r\n"))
	}
	f.Add([]byte("\x1b$B\x1b(I"))
	f.Add([]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"))
	f.Fuzz(func(t *testing.T, data []byte) {
		text, charset, err := textfile.Decode(data)
		if err != nil {
			if code := errs.CodeOf(err); code != errs.UnsupportedType && code != errs.InvalidInput {
				t.Fatalf("code %s", code)
			}
			return
		}
		if charset == "" || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			t.Fatalf("%s %q", charset, text)
		}
		if utf8.Valid(data) && charset == textfile.UTF8 && text != strings.TrimPrefix(string(data), "\ufeff") {
			t.Fatalf("UTF-8 %q became %q", data, text)
		}
		textfile.MediaType("x", text)
	})
}

func BenchmarkDecodeShiftJIS(b *testing.B) {
	data := bytes.Repeat(encoder(japanese.ShiftJIS)("起案日：令和７年４月１日（火）　件名：予算要求について\r\n"), 20_000)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, _, err := textfile.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}
