package report

import (
	"crypto/ed25519"
	"fmt"

	"kakoi/internal/dsse"
)

// payloadType says of signed bytes that they are a report.
const payloadType = "application/vnd.kakoi.egress-report+json"

// Verify returns the report in a file, if the owner of key signed it just so.
// It needs nothing but the two. Its errors are those of dsse.
func Verify(file []byte, key ed25519.PublicKey) (Report, error) {
	payload, err := dsse.Verify(payloadType, file, key)
	if err != nil {
		return Report{}, err
	}
	var r Report
	if err := dsse.Decode(payload, &r); err != nil || r.Format != Format {
		return Report{}, fmt.Errorf("%w: it is signed, but of a form that this version does not know (%q)", dsse.ErrMalformed, r.Format)
	}
	return r, nil
}
