package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"kakoi/internal/errs"
)

const (
	maxEmail     = 254 // bytes, RFC 5321 with the brackets taken off
	maxLocalPart = 64
)

// domains is idna.Lookup with the lengths of labels checked too.
var domains = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true))

// normalEmail returns the one form of an address that is stored and compared:
// full-width letters as an IME types them made narrow, lower case, the domain
// in its own script. It accepts addresses that mail on a closed network has: a
// domain of one label, and dots where RFC 5321 has none but Japanese carriers do.
func normalEmail(s string) (string, error) {
	malformed := errs.InField("email", "this is not an e-mail address")
	if len(s) > 4*maxEmail || !utf8.ValidString(s) {
		return "", malformed
	}
	s = strings.ToLower(strings.TrimSpace(norm.NFKC.String(s)))
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || len(local) > maxLocalPart || strings.ContainsFunc(local, notInLocalPart) {
		return "", malformed
	}
	ascii, err := domains.ToASCII(domain)
	if err != nil || strings.HasSuffix(ascii, ".") {
		return "", malformed
	}
	domain, err = domains.ToUnicode(ascii)
	if err != nil {
		return "", malformed
	}
	if s = local + "@" + domain; len(s) > maxEmail {
		return "", malformed
	}
	return s, nil
}

func notInLocalPart(r rune) bool {
	if r < utf8.RuneSelf {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", r)
	}
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
}
