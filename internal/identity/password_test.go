package identity

import (
	"context"
	"crypto/rand"
	"errors"
	"regexp"
	"strings"
	"testing"

	"kakoi/internal/errs"
)

func TestWhichPasswordsAreTooWeak(t *testing.T) {
	const email, name = "yamada.taro@example.jp", "Yamada Taro"
	for _, tt := range []struct{ name, password, reason string }{
		{"a sentence", "correct horse battery", ""},
		{"no composition rules: only lower case", "nuwoyubitsuka", ""},
		{"no composition rules: only Japanese", "いろはにほへとちりぬるを", ""},
		{"the longest", strings.Repeat("k7", 500) + strings.Repeat("z", 24), ""},
		{"eleven characters", "k7hq2mz9xwp", "too_short"},
		{"eleven characters in 33 bytes", "いろはにほへとちりぬる", "too_short"},
		{"nothing", "", "too_short"},
		{"1,025 bytes", strings.Repeat("k7", 512) + "z", "too_long"},
		{"no text", "\xff\xfe\xfd" + strings.Repeat("k", 12), "malformed"},
		{"the e-mail", "Yamada.Taro@example.jp", "personal"},
		{"the e-mail's first part twice", "yamada.taroyamada.taro", "personal"},
		{"the name twice, without the space", "YamadaTaroYamadaTaro", "personal"},
		{"one of the common ones", "Password1234", "common"},
		{"one of the common ones in full width", "ｐａｓｓｗｏｒｄ１２３４", "common"},
		{"one letter over and over", "aaaaaaaaaaaaa", "common"},
		{"four letters over and over", "abcdabcdabcdabcd", "common"},
		{"along the digits", "123456789012", "common"},
		{"along the alphabet, backwards", "zyxwvutsrqpon", "common"},
		{"along the keys", "qwertyuiopas", "common"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := checkPassword("new", tt.password, email, name)
			if tt.reason == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			var e *errs.Error
			if !errors.As(err, &e) || e.Code != errs.PasswordTooWeak || e.Params["reason"] != tt.reason || e.Field != "new" {
				t.Errorf("got %#v, want password_too_weak because %s", err, tt.reason)
			}
		})
	}
}

func TestEachCommonPasswordIsLongAndFolded(t *testing.T) {
	if len(isCommon()) < 300 {
		t.Errorf("%d common passwords, want the whole list", len(isCommon()))
	}
	for p := range isCommon() {
		if len(p) < minPassword || p != strings.ToLower(p) {
			t.Errorf("%q can never match", p)
		}
	}
}

var cheap = cost{time: 1, memory: 8, threads: 1}

func TestAHashAcceptsItsPasswordOnly(t *testing.T) {
	h := newHasher(cheap, rand.Reader)
	long := strings.Repeat("x", 72)
	hash, err := h.hash(t.Context(), long+"1")
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]bool{long + "1": true, "ｘ" + long[1:] + "１": true, long + "2": false, long: false, "": false} {
		if ok, outdated, err := h.verify(t.Context(), hash, password); ok != want || outdated || err != nil {
			t.Errorf("verify(%q) = %v, %v, %v, want %v", password, ok, outdated, err, want)
		}
	}
	again, err := h.hash(t.Context(), long+"1")
	if err != nil || again == hash {
		t.Errorf("two hashes of a password are the same (%v)", err)
	}
}

func TestAHashIsStoredAsArgon2idOfTheRecommendedCost(t *testing.T) {
	hash, err := newHasher(recommended, rand.Reader).hash(t.Context(), "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	if want := regexp.MustCompile(`^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`); !want.MatchString(hash) {
		t.Errorf("hash %q does not match %s", hash, want)
	}
}

func TestTheDecoyAcceptsNothingAndCostsTheSame(t *testing.T) {
	h := newHasher(cheap, rand.Reader)
	if c, _, _, err := decode(h.decoy); err != nil || c != cheap {
		t.Errorf("decode(decoy) = %+v, %v, want %+v", c, err, cheap)
	}
	if ok, _, err := h.verify(t.Context(), h.decoy, ""); ok || err != nil {
		t.Errorf("verify = %v, %v, want false", ok, err)
	}
}

func TestAMalformedHashIsAnErrorAndNoDanger(t *testing.T) {
	h := newHasher(cheap, rand.Reader)
	good, err := h.hash(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"", "x", "$2y$10$abc", strings.Replace(good, "argon2id", "argon2i", 1), strings.Replace(good, "v=19", "v=16", 1),
		strings.Replace(good, "m=8", "m=4294967295", 1), strings.Replace(good, "t=1", "t=0", 1), strings.Replace(good, "t=1", "t=999", 1),
		strings.Replace(good, "p=1", "p=0", 1), good[:len(good)-40], good + "$x", strings.Replace(good, "m=8", "m=-1", 1),
	} {
		if ok, _, err := h.verify(t.Context(), bad, "x"); ok || err == nil {
			t.Errorf("verify(%q) = %v, %v, want an error", bad, ok, err)
		}
	}
}

func TestWaitingToHashEndsWithTheContext(t *testing.T) {
	h := newHasher(cheap, rand.Reader)
	for range cap(h.slots) {
		h.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.hash(ctx, "x"); err == nil {
		t.Error("hashed although all slots are taken and nobody waits")
	}
	<-h.slots
	if _, err := h.hash(t.Context(), "x"); err != nil {
		t.Errorf("hash with a free slot: %v", err)
	}
}

func TestTemporaryPasswordsAreReadableAndPassThePolicy(t *testing.T) {
	s := &Service{random: rand.Reader}
	form := regexp.MustCompile(`^[a-hj-km-np-z2-9]{4}(-[a-hj-km-np-z2-9]{4}){3}$`)
	seen := map[string]bool{}
	for range 200 {
		p, err := s.newTemporaryPassword()
		if err != nil || !form.MatchString(p) || seen[p] || checkPassword("", p, "a@b", "a") != nil {
			t.Fatalf("temporary password %q (%v)", p, err)
		}
		seen[p] = true
	}
}

func BenchmarkHashPassword(b *testing.B) {
	h := newHasher(recommended, rand.Reader)
	for b.Loop() {
		if _, err := h.hash(b.Context(), "correct horse battery"); err != nil {
			b.Fatal(err)
		}
	}
}
