package tokenest_test

import (
	"strings"
	"testing"

	"kakoi/internal/model/tokenest"
)

func TestNothingIsNothingAndMoreIsMore(t *testing.T) {
	if n := tokenest.Text(""); n != 0 {
		t.Errorf("Text(\"\") = %d", n)
	}
	last := 0
	for _, s := range []string{"a", "hello, world", "hello, world and everyone in it", strings.Repeat("東京", 50)} {
		if n := tokenest.Text(s); n <= last {
			t.Errorf("Text(%q) = %d, not more than %d", s, n, last)
		} else {
			last = n
		}
	}
}
