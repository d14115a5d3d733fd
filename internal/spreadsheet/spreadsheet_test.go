package spreadsheet

import (
	"strings"
	"testing"
)

func TestATableIsReadAsItIsAndRunsNothing(t *testing.T) {
	var file strings.Builder
	w, err := NewWriter(&file, []string{"氏名", "注"})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range [][]string{{"山田, 太郎", "=1+1"}, {" ＝cmd", "\tx"}, {"-5", "a@b"}} {
		if err := w.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	const want = "\uFEFF氏名,注\r\n\"山田, 太郎\",'=1+1\r\n' ＝cmd,'\tx\r\n'-5,a@b\r\n"
	if file.String() != want {
		t.Errorf("got %q, want %q", file.String(), want)
	}
}
