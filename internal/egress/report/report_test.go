package report

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kakoi/internal/egress"
	"kakoi/internal/errs"
)

func at(day, hour, minute int) time.Time {
	return time.Date(2026, 11, day, hour, minute, 0, 0, time.UTC)
}

func TestMonthsAreJapans(t *testing.T) {
	now := at(22, 3, 0)
	from, to, err := monthOf("2026-11", now)
	if err != nil || !from.Equal(time.Date(2026, 10, 31, 15, 0, 0, 0, time.UTC)) || !to.Equal(time.Date(2026, 11, 30, 15, 0, 0, 0, time.UTC)) {
		t.Errorf("November is from %s to %s, %v", from, to, err)
	}
	for _, bad := range []string{"", "2026-13", "2026-1", "2026-11-01", "november", "2026-12", "0026-11 ", "0000-01", "1969-12"} {
		if _, _, err := monthOf(bad, now); errs.CodeOf(err) != errs.InvalidInput {
			t.Errorf("monthOf(%q): %v, want code invalid_input", bad, err)
		}
	}
	if _, _, err := monthOf("2026-12", time.Date(2026, 11, 30, 15, 0, 0, 0, time.UTC)); err != nil {
		t.Errorf("December has begun in Japan: %v", err)
	}
}

func TestTimesWithoutARecordAreSaid(t *testing.T) {
	from, to := at(1, 0, 0), at(3, 0, 0)
	watch := func(started, seen time.Time) egress.Watch { return egress.Watch{Started: started, Seen: seen} }
	for _, tt := range []struct {
		name    string
		watches []egress.Watch
		want    []Gap
	}{
		{"nobody recorded", nil, []Gap{{from, to}}},
		{"one process all the time", []egress.Watch{watch(at(1, 0, 0).Add(-time.Hour), at(4, 0, 0))}, nil},
		{"from the middle on", []egress.Watch{watch(at(2, 0, 0), to)}, []Gap{{from, at(2, 0, 0)}}},
		{"a night off", []egress.Watch{watch(from, at(1, 20, 0)), watch(at(2, 5, 0), to)}, []Gap{{at(1, 20, 0), at(2, 5, 0)}}},
		{"a restart", []egress.Watch{watch(from, at(1, 20, 0)), watch(at(1, 20, 0).Add(40*time.Second), to)}, nil},
		{"two nodes that overlap", []egress.Watch{watch(from, at(2, 0, 0)), watch(at(1, 5, 0), at(1, 6, 0)), watch(at(1, 23, 0), to)}, nil},
		{"one within another, and an end", []egress.Watch{watch(from, at(2, 0, 0)), watch(at(1, 5, 0), at(1, 6, 0))}, []Gap{{at(2, 0, 0), to}}},
		{"it began after", []egress.Watch{watch(at(4, 0, 0), at(5, 0, 0))}, []Gap{{from, to}}},
	} {
		if diff := cmp.Diff(tt.want, gaps(tt.watches, from, to)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestAReportSaysWhatItIsMadeOf(t *testing.T) {
	from, to, err := monthOf("2026-11", at(22, 3, 0))
	if err != nil {
		t.Fatal(err)
	}
	f := facts{
		month: "2026-11", from: from, to: to, now: at(22, 3, 0), version: "1.0",
		network: egress.Network{Closed: true, Own: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Public: []string{"llm.example:443"}},
		declared: []egress.Declaration{
			{Purpose: "model:2", Name: "東京", Destinations: []string{"b.example:443", "a.example:443", "b.example:443"}},
			{Purpose: "database", Destinations: []string{"db:5432"}},
		},
		summaries: []egress.Summary{
			{Purpose: "check:2", Destination: "a.example:443", Dials: 1, BytesSent: 10, BytesReceived: 20, First: at(2, 0, 0), Last: at(3, 0, 0)},
			{Purpose: "model:gone", Destination: "c.example:443", Dials: 2, Failures: 1, Refusals: 4, First: at(2, 0, 0), Last: at(2, 0, 0)},
		},
		watches: []egress.Watch{
			{Node: "n1", Version: "0.9", Started: from.Add(-time.Hour), Seen: at(5, 0, 0), Ended: true},
			{Node: "n2", Version: "1.0", Started: at(5, 0, 0), Seen: at(20, 0, 0)},
			{Node: "n3", Version: "1.0", Started: at(20, 1, 0), Seen: at(22, 2, 59)},
		},
		unwatched: []string{"n0"},
	}
	want := Report{
		Format: Format, Month: "2026-11", From: from, To: to, MadeAt: at(22, 3, 0), Version: "1.0",
		Network: Network{true, []string{"192.0.2.0/24"}, []string{"llm.example:443"}},
		Allowed: []Allowed{{"a.example:443", "model:2", "東京"}, {"b.example:443", "model:2", "東京"}, {"db:5432", "database", ""}},
		Destinations: []Destination{
			{"a.example:443", "check:2", "東京", Amounts{1, 0, 0, 10, 20}, at(2, 0, 0), at(3, 0, 0)},
			{"c.example:443", "model:gone", "", Amounts{2, 1, 4, 0, 0}, at(2, 0, 0), at(2, 0, 0)},
		},
		Total: Amounts{3, 1, 4, 10, 20},
		Watches: []Watch{
			{"n1", "0.9", from.Add(-time.Hour), at(5, 0, 0), EndOrderly}, {"n2", "1.0", at(5, 0, 0), at(20, 0, 0), EndLost}, {"n3", "1.0", at(20, 1, 0), at(22, 2, 59), EndRunning},
		},
		Unwatched: []string{"n0"}, Gaps: []Gap{{at(20, 0, 0), at(20, 1, 0)}, {at(22, 2, 59), at(22, 3, 0)}},
	}
	if diff := cmp.Diff(want, compose(f)); diff != "" {
		t.Error(diff)
	}
	f.now = to
	if r := compose(f); !r.Complete || r.Watches[2].End != EndLost {
		t.Errorf("at the end of the month: complete %v, the last process %s", r.Complete, r.Watches[2].End)
	}
}

func TestThePageIsReadWithoutANetworkAndNamesEverything(t *testing.T) {
	r := sample()
	r.Destinations[0].Destination = `<script src="https://evil.example/x.js"></script>:443`
	r.Gaps = []Gap{{at(2, 0, 0), at(3, 0, 0)}}
	r.Watches = []Watch{{"n1", "1.0", at(1, 0, 0), at(2, 0, 0), EndLost}}
	r.Unwatched = []string{"n0"}
	for locale, words := range map[string][]string{
		"ja": {"外への通信の記録 2026-11", "庁内 &lt;A&amp;B&gt;", "月の途中で作成されました", "停止の記録なし", "2026-11-02 09:00", "n0"},
		"en": {"Record of outbound connections 2026-11", "庁内 &lt;A&amp;B&gt;", "before the month was over", "no stop on record", "n0"},
	} {
		var b bytes.Buffer
		if err := WriteHTML(&b, r, locale); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		for _, w := range words {
			if !strings.Contains(text, w) {
				t.Errorf("%s: the page does not say %q", locale, w)
			}
		}
		for _, no := range []string{"<script", "http-equiv=\"refresh", "<link", "<img", "src="} {
			if strings.Contains(strings.ReplaceAll(text, `&lt;script src=&#34;https://evil.example/x.js&#34;&gt;`, ""), no) {
				t.Errorf("%s: the page holds %q", locale, no)
			}
		}
	}
	for key := range japanese {
		if english[key] == "" || japanese[key] == "" {
			t.Errorf("%q lacks words", key)
		}
	}
	if len(english) != len(japanese) {
		t.Errorf("%d English words, %d Japanese", len(english), len(japanese))
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("grouped(%d) = %s", n, got)
		}
	}
}

func TestNumbersHaveTheirThousandsApart(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567890123: "1,234,567,890,123", -4096: "-4,096"} {
		if got := grouped(n); got != want {
			t.Errorf("grouped(%d) = %q, want %q", n, got, want)
		}
	}
}
