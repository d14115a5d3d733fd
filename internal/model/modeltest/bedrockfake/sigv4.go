package bedrockfake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// skew is how far a request's time may be from ours.
const skew = 5 * time.Minute

// authenticate checks the bearer token or the SigV4 signature of the call. It
// computes the signature from the definition, not with an SDK's signer: the
// signer is among what is under test.
func (c *call) authenticate(service string) *Refusal {
	header := c.r.Header.Get("Authorization")
	if token, ok := strings.CutPrefix(header, "Bearer "); ok && service == "bedrock" {
		if slices.Contains(c.opts.BearerTokens, token) {
			return nil
		}
		return &Refusal{Status: 403, Exception: "AccessDeniedException", Message: "Authentication failed: Please make sure your API Key is valid."}
	}
	fields, ok := strings.CutPrefix(header, "AWS4-HMAC-SHA256 ")
	if !ok {
		return &Refusal{Status: 403, Exception: "MissingAuthenticationTokenException", Message: "Missing Authentication Token"}
	}
	part := map[string]string{}
	for f := range strings.SplitSeq(fields, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(f), "=")
		part[k] = v
	}
	scope := strings.Split(part["Credential"], "/")
	signed := strings.Split(part["SignedHeaders"], ";")
	if len(scope) != 5 || scope[4] != "aws4_request" || part["Signature"] == "" ||
		!slices.Contains(signed, "host") && !slices.Contains(signed, ":authority") {
		return &Refusal{Status: 403, Exception: "IncompleteSignatureException", Message: "The request signature does not conform to AWS standards."}
	}
	id, date, region, svc := scope[0], scope[1], scope[2], scope[3]
	c.rec.Key, c.rec.Region, c.rec.Service = id, region, svc
	if region != c.opts.Region {
		return invalidSignature("Credential should be scoped to a valid region, not '" + region + "'. ")
	}
	if svc != service {
		return invalidSignature("Credential should be scoped to correct service: '" + service + "'. ")
	}

	c.mu.Lock()
	key, ok := c.keys[id]
	c.mu.Unlock()
	if !ok || key.Token != c.r.Header.Get("X-Amz-Security-Token") {
		return &Refusal{Status: 403, Exception: "UnrecognizedClientException", Message: "The security token included in the request is invalid."}
	}
	now := c.opts.Now()
	if !key.Expires.IsZero() && !now.Before(key.Expires) {
		return &Refusal{Status: 403, Exception: "ExpiredTokenException", Message: "The security token included in the request is expired"}
	}
	const stamp = "20060102T150405Z"
	at := c.r.Header.Get("X-Amz-Date")
	t, err := time.Parse(stamp, at)
	switch {
	case err != nil || !strings.HasPrefix(at, date):
		return invalidSignature("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.")
	case now.Sub(t) > skew:
		return invalidSignature(fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - 5 min.)",
			at, now.Add(-skew).UTC().Format(stamp), now.UTC().Format(stamp)))
	case t.Sub(now) > skew:
		return invalidSignature(fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + 5 min.)",
			at, now.Add(skew).UTC().Format(stamp), now.UTC().Format(stamp)))
	}

	sum := sha256.Sum256(c.rec.Body)
	canonical := strings.Join([]string{
		c.r.Method,
		canonicalPath(c.rec.Path),
		canonicalQuery(c.r.URL.Query()),
		canonicalHeaders(c.r, signed),
		part["SignedHeaders"],
		hex.EncodeToString(sum[:]),
	}, "\n")
	digest := sha256.Sum256([]byte(canonical))
	toSign := strings.Join([]string{
		"AWS4-HMAC-SHA256", at, strings.Join(scope[1:], "/"), hex.EncodeToString(digest[:]),
	}, "\n")
	signing := []byte("AWS4" + key.Secret)
	for _, s := range scope[1:] {
		signing = mac(signing, s)
	}
	if want := hex.EncodeToString(mac(signing, toSign)); !hmac.Equal([]byte(want), []byte(part["Signature"])) {
		return invalidSignature("The request signature we calculated does not match the signature you provided. " +
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	c.key = key
	c.rec.Caller = key
	c.rec.Caller.Secret, c.rec.Caller.Token = "", ""
	return nil
}

func invalidSignature(message string) *Refusal {
	return &Refusal{Status: 403, Exception: "InvalidSignatureException", Message: message}
}

func mac(key []byte, s string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(s))
	return h.Sum(nil)
}

// canonicalPath encodes the path as it came once more, as every service but S3
// wants it: the %3A of a model id becomes %253A.
func canonicalPath(escaped string) string {
	segments := strings.Split(escaped, "/")
	for i, s := range segments {
		segments[i] = awsEscape(s)
	}
	return strings.Join(segments, "/")
}

func canonicalQuery(q url.Values) string {
	var pairs []string
	for k, vs := range q {
		for _, v := range vs {
			pairs = append(pairs, awsEscape(k)+"="+awsEscape(v))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func canonicalHeaders(r *http.Request, signed []string) string {
	var b strings.Builder
	for _, name := range signed {
		values := slices.Clone(r.Header.Values(name))
		switch {
		case name == "host", name == ":authority": // the latter over HTTP/2
			values = []string{r.Host}
		case name == "content-length" && len(values) == 0:
			values = []string{fmt.Sprint(r.ContentLength)}
		}
		for i, v := range values {
			values[i] = strings.Join(strings.Fields(v), " ")
		}
		b.WriteString(name + ":" + strings.Join(values, ",") + "\n")
	}
	return b.String()
}

// awsEscape escapes everything but the unreserved characters of RFC 3986.
func awsEscape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		ch := s[i]
		if ch >= 'A' && ch <= 'Z' || ch >= 'a' && ch <= 'z' || ch >= '0' && ch <= '9' || strings.IndexByte("-_.~", ch) >= 0 {
			b.WriteByte(ch)
		} else {
			fmt.Fprintf(&b, "%%%02X", ch)
		}
	}
	return b.String()
}
