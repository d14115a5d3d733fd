package export_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"strings"
	"testing"

	"kakoi/internal/chat/export"
)

func TestTablesOfAnAnswer(t *testing.T) {
	tables := export.Tables(answer)
	if len(tables) != 1 || tables[0].Title != "手順" || len(tables[0].Rows) != 4 {
		t.Fatalf("tables %+v", tables)
	}
	if got := tables[0].Rows[1][3]; got != "市民会館\n大ホール" {
		t.Errorf("cell %q", got)
	}
	if got := tables[0].Rows[2][3]; got != "前年より減" {
		t.Errorf("cell %q", got)
	}
	if n := len(export.Tables("> | a |\n> |---|\n> | 1 |\n\n- 項目\n\n  | b |\n  |---|\n  | 2 |\n")); n != 2 {
		t.Errorf("%d tables in a quote and a list, want 2", n)
	}
}

// cells is what each cell is in a spreadsheet and in CSV.
var cells = []struct{ in, sheet, csv string }{
	{"12000", "n 12000", "12000"},
	{"-3500", "n -3500", "-3500"},
	{"-3,500.25", "n -3500.25", "-3,500.25"},
	{"12.5%", "n 0.125", "12.5%"},
	{"-5%", "n -0.05", "-5%"},
	{"0", "n 0", "0"},
	{"-0.5", "n -0.5", "-0.5"},
	{"2026-11-22", "n 46348", "2026-11-22"},
	{"2026-13-45", "t 2026-13-45", "2026-13-45"},
	{"11/22", "t 11/22", "11/22"},
	{"1-2", "t 1-2", "1-2"},
	{"090-1234-5678", "t 090-1234-5678", "090-1234-5678"},
	{"007", "t 007", "007"},
	{"1,23", "t 1,23", "1,23"},
	{"1234567890123456", "t 1234567890123456", "1234567890123456"},
	{"1e5", "t 1e5", "1e5"},
	{"=1+1", "q =1+1", "'=1+1"},
	{"=HYPERLINK(\"http://x\")", "q =HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")"},
	{"+81 3", "q +81 3", "'+81 3"},
	{"-cmd|x", "q -cmd|x", "'-cmd|x"},
	{"@SUM(A1)", "q @SUM(A1)", "'@SUM(A1)"},
	{"＝1+1", "q ＝1+1", "'＝1+1"},
	{" =1+1", "q  =1+1", "' =1+1"},
	{"\t=1+1", "q \t=1+1", "'\t=1+1"},
	{"-", "t -", "-"},
	{"△5", "t △5", "△5"},
	{"_x0041_", "t _x005F_x0041_", "_x0041_"},
	{"a\x01b", "t a\uFFFDb", "a\x01b"},
}

func TestCellsAreSafeAndNumbersAreNumbers(t *testing.T) {
	table := export.Table{Title: "表", Rows: [][]string{{"見出し"}}}
	for _, c := range cells {
		table.Rows = append(table.Rows, []string{c.in})
	}
	var b bytes.Buffer
	if err := export.XLSX(&b, []export.Table{table}, export.Japanese); err != nil {
		t.Fatal(err)
	}
	sheet := checkPackage(t, b.Bytes())["xl/worksheets/sheet1.xml"]
	if len(sheet.all("f")) > 0 {
		t.Error("a formula in the sheet")
	}
	got := sheet.all("c")[1:]
	for i, c := range cells {
		kind := "n "
		if got[i].attr["t"] == "inlineStr" {
			kind = "t "
			if got[i].attr["s"] == "2" { // the quoted style
				kind = "q "
			}
		}
		if s := kind + got[i].words; s != c.sheet {
			t.Errorf("%q is %q in a sheet, want %q", c.in, s, c.sheet)
		}
	}
	b.Reset()
	if err := export.CSV(&b, table); err != nil {
		t.Fatal(err)
	}
	rest, ok := strings.CutPrefix(b.String(), "\uFEFF")
	if !ok {
		t.Error("no byte order mark")
	}
	lines, err := csv.NewReader(strings.NewReader(rest)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range cells {
		if lines[i+1][0] != c.csv {
			t.Errorf("%q is %q in CSV, want %q", c.in, lines[i+1][0], c.csv)
		}
	}
}

func TestSheetsHaveNamesThatExcelTakes(t *testing.T) {
	var tables []export.Table
	for _, title := range []string{"予算", "予算", "", "a/b:c*d?[e]\\", "'引用'", strings.Repeat("長", 60), strings.Repeat("長", 60), "History", "𠮷" + strings.Repeat("野", 40), "YOSAN", "yosan"} {
		tables = append(tables, export.Table{Title: title, Rows: [][]string{{"x"}}})
	}
	var b bytes.Buffer
	if err := export.XLSX(&b, tables, export.Japanese); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	names := checkPackage(t, b.Bytes())["xl/workbook.xml"].all("sheet")
	for _, s := range names {
		name := s.attr["name"]
		units := 0
		for _, r := range name {
			units++
			if r > 0xffff {
				units++
			}
		}
		if name == "" || units > 31 || strings.ContainsAny(name, `[]:*?/\`) || strings.HasPrefix(name, "'") || strings.HasSuffix(name, "'") ||
			strings.EqualFold(name, "history") || seen[strings.ToLower(name)] {
			t.Errorf("sheet name %q", name)
		}
		seen[strings.ToLower(name)] = true
	}
	if len(names) != len(tables) || names[1].attr["name"] != "予算 (2)" || names[2].attr["name"] != "表3" {
		t.Errorf("names %q, %q", names[1].attr["name"], names[2].attr["name"])
	}
	if err := export.XLSX(&b, nil, export.Japanese); !errors.Is(err, export.ErrNoTable) {
		t.Errorf("no tables: %v, want ErrNoTable", err)
	}
}

func TestAHugeTableStaysBounded(t *testing.T) {
	// 4,000 columns by 4,000 short rows would be sixteen million cells.
	bomb := strings.Repeat("|a", 4000) + "|\n" + strings.Repeat("|-", 4000) + "|\n" + strings.Repeat("|\n", 4000)
	for _, table := range export.Tables(bomb) {
		t.Errorf("a table of %d rows and %d columns", len(table.Rows), len(table.Rows[0]))
	}
	if !strings.Contains(wordsOf(string(write(t, say(bomb), export.FormatHTML))), "|a|a|a") {
		t.Error("its text is lost")
	}
	if n := len(export.Tables("| a | b |\n|---|---|\n" + strings.Repeat("| 1 | 2 |\n", 20_000))[0].Rows); n != 20_001 {
		t.Errorf("an honest table has %d rows", n)
	}
}
