// Package factortest is an authenticator app for tests, written apart from the
// program's own reading of RFC 6238.
package factortest

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // as apps do
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"testing"
	"time"
)

// Secret returns the bytes of a secret as it is spelled.
func Secret(t testing.TB, spelled string) []byte {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(spelled)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Code returns what an app with the secret shows at a time.
func Code(t testing.TB, spelled string, at time.Time) string {
	t.Helper()
	mac := hmac.New(sha1.New, Secret(t, spelled))
	if err := binary.Write(mac, binary.BigEndian, at.Unix()/30); err != nil {
		t.Fatal(err)
	}
	sum := mac.Sum(nil)
	from := int(sum[19] & 15)
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[from:from+4])&^(1<<31))%1_000_000)
}
