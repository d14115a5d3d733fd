package report

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kakoi/internal/dsse"
)

func sample() Report {
	begin := at(1, 3, 0)
	return Report{
		Format: Format, Month: "2026-11", From: begin, To: begin.AddDate(0, 1, 0), MadeAt: begin, Version: "1.0",
		Network: Network{Closed: true, OwnRanges: []string{}, PublicDestinations: []string{}}, Allowed: []Allowed{{"llm.example:443", "model:1", "庁内 <A&B>"}},
		Destinations: []Destination{{"llm.example:443", "model:1", "庁内 <A&B>", Amounts{1, 2, 3, 4, 5}, begin, begin}},
		Total:        Amounts{1, 2, 3, 4, 5}, Watches: []Watch{}, Unwatched: []string{}, Gaps: []Gap{},
	}
}

func TestAReportIsWhatWasSignedOrNothing(t *testing.T) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	public := key.Public().(ed25519.PublicKey)
	signed := func(kind string, v any) []byte {
		payload, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		file, err := dsse.Sign(kind, payload, key)
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	got, err := Verify(signed(payloadType, sample()), public)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample(), got); diff != "" {
		t.Error(diff)
	}
	later := sample()
	later.Format = "kakoi.egress-report/2"
	if _, err := Verify(signed(payloadType, later), public); !errors.Is(err, dsse.ErrMalformed) || !strings.Contains(err.Error(), later.Format) {
		t.Errorf("a later form: %v", err)
	}
	if _, err := Verify(signed("application/json", sample()), public); !errors.Is(err, dsse.ErrMalformed) {
		t.Errorf("another kind: %v", err)
	}
	if _, err := Verify(signed(payloadType, map[string]any{"format": Format, "also": 1}), public); !errors.Is(err, dsse.ErrMalformed) {
		t.Errorf("something unknown: %v", err)
	}
}
