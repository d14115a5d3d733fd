package identity

import (
	"context"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"kakoi/internal/errs"
	"kakoi/internal/label"
)

// The bounds of a password: characters at least, bytes at most. There are no
// rules about kinds of characters; length and the lists below do more.
const (
	minPassword = 12
	maxPassword = 1024
)

// commonPasswords holds passwords of minPassword characters and more that are
// tried first by anyone who guesses, one a line, folded.
//
//go:embed common_passwords.txt
var commonPasswords string

var isCommon = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	for line := range strings.Lines(commonPasswords) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "# ") {
			set[line] = true
		}
	}
	return set
})

// checkPassword returns a PasswordTooWeak error, with the reason in its params,
// if password, which came in field, may not protect the account of email and name.
func checkPassword(field, password, email, name string) error {
	weak := func(reason, message string) error {
		err := errs.New(errs.PasswordTooWeak, message).With("reason", reason).
			With("min", strconv.Itoa(minPassword)).With("max", strconv.Itoa(maxPassword))
		err.Field = field
		return err
	}
	if len(password) > maxPassword {
		return weak("too_long", "the password is longer than "+strconv.Itoa(maxPassword)+" bytes")
	}
	if !utf8.ValidString(password) {
		return weak("malformed", "the password is not text")
	}
	if utf8.RuneCountInString(norm.NFKC.String(password)) < minPassword {
		return weak("too_short", "the password has fewer than "+strconv.Itoa(minPassword)+" characters")
	}
	folded := label.Fold(password)
	local, _, _ := strings.Cut(email, "@")
	for _, own := range []string{email, local, label.Fold(name), strings.ReplaceAll(label.Fold(name), " ", "")} {
		if own != "" && (folded == own || repeats(folded, own)) {
			return weak("personal", "the password is your name or your e-mail address")
		}
	}
	if isCommon()[folded] || monotonous(folded) {
		return weak("common", "this password is among the first that a guesser tries")
	}
	return nil
}

// repeats reports whether s is unit over and over.
func repeats(s, unit string) bool {
	return len(s)%len(unit) == 0 && strings.Repeat(unit, len(s)/len(unit)) == s
}

// monotonous reports whether s is one short piece repeated or a run along the
// alphabet, the digits or a row of keys.
func monotonous(s string) bool {
	for size := 1; size <= min(4, len(s)/2); size++ {
		if repeats(s, s[:size]) {
			return true
		}
	}
	for _, row := range []string{"01234567890123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik"} {
		if strings.Contains(row, s) || strings.Contains(reverse(row), s) {
			return true
		}
	}
	return false
}

func reverse(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

// cost is the work of one argon2id hash.
type cost struct {
	time    uint32
	memory  uint32 // KiB
	threads uint8
}

// recommended is OWASP's second choice, which needs the least memory: some
// 31 ms of one core of a small server and 19 MiB, so that a morning's sign-ins
// fit beside everything else. A hash of another cost is replaced when its
// person signs in.
var recommended = cost{time: 2, memory: 19 * 1024, threads: 1}

const (
	saltBytes = 16
	keyBytes  = 32
)

// hasher hashes passwords, as many at once as there are processors: the memory
// that sign-ins can take is bounded, and the rest wait their turn.
type hasher struct {
	cost   cost
	random io.Reader
	slots  chan struct{}
	decoy  string // a hash that no password has, of the same cost as real ones
}

func newHasher(c cost, random io.Reader) *hasher {
	h := &hasher{cost: c, random: random, slots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)))}
	h.decoy = encode(c, make([]byte, saltBytes), make([]byte, keyBytes))
	return h
}

// hash returns the PHC string of password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	if _, err := io.ReadFull(h.random, salt); err != nil {
		return "", fmt.Errorf("read randomness: %w", err)
	}
	key, err := h.key(ctx, password, salt, h.cost, keyBytes)
	if err != nil {
		return "", err
	}
	return encode(h.cost, salt, key), nil
}

// verify reports whether encoded is the hash of password, and whether it should
// be replaced by one of today's cost.
func (h *hasher) verify(ctx context.Context, encoded, password string) (ok, outdated bool, err error) {
	c, salt, want, err := decode(encoded)
	if err != nil {
		return false, false, err
	}
	got, err := h.key(ctx, password, salt, c, uint32(len(want)))
	if err != nil {
		return false, false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, c != h.cost || len(want) != keyBytes, nil
}

func (h *hasher) key(ctx context.Context, password string, salt []byte, c cost, size uint32) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to hash a password: %w", context.Cause(ctx))
	}
	// NFKC, as NIST SP 800-63B asks: the same keys give the same password
	// whether or not an IME was on.
	return argon2.IDKey([]byte(norm.NFKC.String(password)), salt, c.time, c.memory, c.threads, size), nil
}

func encode(c cost, salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, c.memory, c.time, c.threads, b64.EncodeToString(salt), b64.EncodeToString(key))
}

var errMalformedHash = errors.New("the stored password hash is malformed")

// decode reads a PHC string. It bounds the cost: a hash that came with imported
// accounts must not stop the server.
func decode(encoded string) (c cost, salt, key []byte, err error) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return cost{}, nil, nil, errMalformedHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.time, &c.threads); err != nil {
		return cost{}, nil, nil, errMalformedHash
	}
	if c.time < 1 || c.time > 32 || c.memory < 8 || c.memory > 1<<20 || c.threads < 1 || c.threads > 16 {
		return cost{}, nil, nil, errMalformedHash
	}
	b64 := base64.RawStdEncoding.Strict()
	if salt, err = b64.DecodeString(parts[4]); err != nil || len(salt) < 8 || len(salt) > 64 {
		return cost{}, nil, nil, errMalformedHash
	}
	if key, err = b64.DecodeString(parts[5]); err != nil || len(key) < 16 || len(key) > 64 {
		return cost{}, nil, nil, errMalformedHash
	}
	return c, salt, key, nil
}

// temporaryAlphabet leaves out what is mistaken for something else when read
// aloud or from paper.
const temporaryAlphabet = "abcdefghjkmnpqrstuvwxyz23456789"

// newTemporaryPassword returns a password for one use: four groups of four,
// 79 bits.
func (s *Service) newTemporaryPassword() (string, error) {
	const fair = 256 - 256%len(temporaryAlphabet) // bytes from here on would favour some letters
	var out strings.Builder
	b := make([]byte, 1)
	for n := 0; n < 16; {
		if _, err := io.ReadFull(s.random, b); err != nil {
			return "", fmt.Errorf("read randomness: %w", err)
		}
		if int(b[0]) >= fair {
			continue
		}
		if n > 0 && n%4 == 0 {
			out.WriteByte('-')
		}
		out.WriteByte(temporaryAlphabet[int(b[0])%len(temporaryAlphabet)])
		n++
	}
	return out.String(), nil
}
