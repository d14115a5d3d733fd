package dsse

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
)

// keyOf returns a key that is the same in every run.
func keyOf(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func publicOf(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

const kind = "application/vnd.example.sum+json"

// sample is a document.
const sample = `{"refusals":3,"name":"庁内 <A&B>"}`

func signed(t testing.TB, payload string, key ed25519.PrivateKey) []byte {
	t.Helper()
	file, err := Sign(kind, []byte(payload), key)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestADocumentIsVerifiedWithTheKeyThatSignedIt(t *testing.T) {
	got, err := Verify(kind, signed(t, sample, keyOf(1)), publicOf(keyOf(1)))
	if err != nil || string(got) != sample {
		t.Errorf("verified %q, %v", got, err)
	}
}

func TestWhatWasTamperedWithIsRefused(t *testing.T) {
	file := signed(t, sample, keyOf(1))
	change := func(f func(e *envelope)) []byte {
		var e envelope
		if err := json.Unmarshal(file, &e); err != nil {
			t.Fatal(err)
		}
		f(&e)
		out, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	otherKey := signed(t, sample, keyOf(2))
	for _, tt := range []struct {
		name string
		file []byte
		want error
	}{
		{"a number in the document", change(func(e *envelope) {
			payload, _ := base64.StdEncoding.DecodeString(e.Payload)
			e.Payload = base64.StdEncoding.EncodeToString(bytes.Replace(payload, []byte(`"refusals":3`), []byte(`"refusals":0`), 1))
		}), ErrAltered},
		{"a space in the document", change(func(e *envelope) { e.Payload = base64.StdEncoding.EncodeToString([]byte(sample + " ")) }), ErrAltered},
		{"the signature", change(func(e *envelope) { e.Signatures[0].Sig = base64.StdEncoding.EncodeToString(make([]byte, 64)) }), ErrAltered},
		{"half a signature", change(func(e *envelope) { e.Signatures[0].Sig = e.Signatures[0].Sig[:40] }), ErrAltered},
		{"no signature in it", change(func(e *envelope) { e.Signatures[0].Sig = "" }), ErrAltered},
		{"no signature", change(func(e *envelope) { e.Signatures = nil }), ErrMalformed},
		{"two signatures", change(func(e *envelope) { e.Signatures = append(e.Signatures, e.Signatures[0]) }), ErrMalformed},
		{"another type", change(func(e *envelope) { e.PayloadType = "application/json" }), ErrMalformed},
		{"another key", otherKey, ErrOtherKey},
		{"another key that calls itself this one", change(func(e *envelope) {
			var o envelope
			_ = json.Unmarshal(otherKey, &o)
			e.Signatures[0].Sig = o.Signatures[0].Sig
		}), ErrAltered},
		{"base64 of another kind", change(func(e *envelope) { e.Payload = strings.TrimRight(e.Payload, "=") + "===" }), ErrMalformed},
		{"something after it", append(bytes.Clone(file), "{}"...), ErrMalformed},
		{"something unknown in it", bytes.Replace(file, []byte(`"payloadType"`), []byte(`"also": 1, "payloadType"`), 1), ErrMalformed},
		{"no JSON", []byte("report"), ErrMalformed},
		{"nothing", nil, ErrMalformed},
		{"half of it", file[:len(file)/2], ErrMalformed},
		{"too much of it", make([]byte, MaxFile+1), ErrMalformed},
	} {
		if got, err := Verify(kind, tt.file, publicOf(keyOf(1))); !errors.Is(err, tt.want) || got != nil {
			t.Errorf("%s: %q, %v; want %v", tt.name, got, err, tt.want)
		}
	}
	if _, err := Verify(kind, file, nil); err == nil {
		t.Error("verified with no key")
	}
	if _, err := Verify("application/vnd.example.other+json", file, publicOf(keyOf(1))); !errors.Is(err, ErrMalformed) {
		t.Errorf("as another kind: %v", err)
	}
}

// TestEveryByteCounts turns a bit in each byte of the signed bytes and of the
// signature.
func TestEveryByteCounts(t *testing.T) {
	var e envelope
	if err := json.Unmarshal(signed(t, sample, keyOf(1)), &e); err != nil {
		t.Fatal(err)
	}
	payload, _ := base64.StdEncoding.DecodeString(e.Payload)
	sig, _ := base64.StdEncoding.DecodeString(e.Signatures[0].Sig)
	for _, part := range [][]byte{payload, sig} {
		for i := range part {
			part[i] ^= 1 << (i % 8)
			file, _ := json.Marshal(envelope{e.PayloadType, base64.StdEncoding.EncodeToString(payload), []signature{{e.Signatures[0].KeyID, base64.StdEncoding.EncodeToString(sig)}}})
			if _, err := Verify(kind, file, publicOf(keyOf(1))); !errors.Is(err, ErrAltered) {
				t.Fatalf("byte %d: %v", i, err)
			}
			part[i] ^= 1 << (i % 8)
		}
	}
}

// TestTheFormatIsDSSE holds the encoding to the example of its specification,
// so that tools of others verify them too.
func TestTheFormatIsDSSE(t *testing.T) {
	if got, want := string(preAuthEncoding("http://example.com/HelloWorld", []byte("hello world"))), "DSSEv1 29 http://example.com/HelloWorld 11 hello world"; got != want {
		t.Errorf("signed is %q, want %q", got, want)
	}
	var raw map[string]any
	if err := json.Unmarshal(signed(t, sample, keyOf(1)), &raw); err != nil {
		t.Fatal(err)
	}
	signatures, _ := raw["signatures"].([]any)
	if raw["payloadType"] != kind || raw["payload"] == "" || len(signatures) != 1 {
		t.Errorf("envelope %v", raw)
	}
}

func TestKeysAreReadAsTheyAreWritten(t *testing.T) {
	text, err := EncodeKey(publicOf(keyOf(1)))
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParseKey(append([]byte("\n"), text...))
	if err != nil || !key.Equal(publicOf(keyOf(1))) {
		t.Errorf("read %v, %v", key, err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(curve.Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"nothing": nil, "no PEM": []byte("key"), "a private key": []byte(strings.ReplaceAll(string(text), "PUBLIC", "PRIVATE")),
		"another kind": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "damage": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der[:20]}),
		"two keys": append(bytes.Clone(text), text...),
	} {
		if _, err := ParseKey(text); err == nil {
			t.Errorf("%s was read as a key", name)
		}
	}
}

// FuzzVerify looks for a file that verifies though nobody signed it, or that
// breaks the reader.
func FuzzVerify(f *testing.F) {
	key := publicOf(keyOf(1))
	genuine := signed(f, sample, keyOf(1))
	f.Add(genuine)
	f.Add(signed(f, sample, keyOf(2)))
	f.Add([]byte(`{"payloadType":"application/vnd.example.sum+json","payload":"e30=","signatures":[{"keyid":"","sig":""}]}`))
	f.Add([]byte(`{"payload":null,"signatures":[{}]}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		if got, err := Verify(kind, file, key); err == nil && string(got) != sample {
			t.Errorf("another document verifies: %q", got)
		}
	})
}
