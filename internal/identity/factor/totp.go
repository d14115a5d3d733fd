package factor

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238 as authenticator apps speak it; HMAC-SHA-1 is not broken
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// RFC 6238 with what every authenticator app takes: SHA-1, six digits, half a
// minute. One step of skew on either side is for clocks that differ and for
// the time it takes to type.
const (
	totpPeriod = 30
	totpDigits = 6
	totpSkew   = 1
	totpBytes  = 20 // 160 bits, as RFC 4226 recommends
)

// code returns what an app with secret shows in a step (RFC 4226, 5.3).
func code(secret []byte, step int64, digits int) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step))
	mac := hmac.New(sha1.New, secret)
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	value := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	modulus := uint32(1)
	for range digits {
		modulus *= 10
	}
	return fmt.Sprintf("%0*d", digits, value%modulus)
}

func stepOf(now time.Time) int64 { return now.Unix() / totpPeriod }

// match returns the newest step around now whose code this is. Every step is
// compared, so that the time it takes tells nothing.
func match(secret []byte, typed string, now time.Time) (step int64, ok bool) {
	for s := stepOf(now) - totpSkew; s <= stepOf(now)+totpSkew; s++ {
		if subtle.ConstantTimeCompare([]byte(code(secret, s, totpDigits)), []byte(typed)) == 1 {
			step, ok = s, true
		}
	}
	return step, ok
}

// digits are those of what a person typed or pasted: full-width ones too, with
// spaces and hyphens wherever.
func digits(typed string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, norm.NFKC.String(typed))
}

// spell writes a secret as apps take it.
func spell(secret []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
}

const issuer = "Kakoi"

// keyURI is what the picture says to the app.
func keyURI(secret []byte, account, site string) string {
	name := issuer
	if site != "" {
		name = issuer + " " + site
	}
	v := url.Values{
		"secret": {spell(secret)}, "issuer": {name},
		"algorithm": {"SHA1"}, "digits": {fmt.Sprint(totpDigits)}, "period": {fmt.Sprint(totpPeriod)},
	}
	// Apps take + for itself.
	return "otpauth://totp/" + url.PathEscape(name+":"+account) + "?" + strings.ReplaceAll(v.Encode(), "+", "%20")
}
