// Package dsse signs documents and verifies them where there is nothing but the
// document and a public key: DSSE v1 envelopes with one Ed25519 signature. What
// is signed is carried as the very bytes and together with its type, so nobody
// has to write JSON the same way again to check it, and the signature of one
// kind of document is not taken for that of another.
package dsse

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
)

// MaxFile bounds a file that is verified.
const MaxFile = 64 << 20

type envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     string      `json:"payload"` // base64
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	KeyID string `json:"keyid"` // a hint; what counts is the key one has
	Sig   string `json:"sig"`   // base64
}

// preAuthEncoding is what DSSE signs.
func preAuthEncoding(kind string, payload []byte) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(kind), kind, len(payload), payload)
}

// Sign returns the file that carries payload, which is of a kind such as
// application/vnd.example+json, with its signature.
func Sign(kind string, payload []byte, key ed25519.PrivateKey) ([]byte, error) {
	id, err := Fingerprint(key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	out, err := json.MarshalIndent(envelope{
		PayloadType: kind, Payload: base64.StdEncoding.EncodeToString(payload),
		Signatures: []signature{{id, base64.StdEncoding.EncodeToString(ed25519.Sign(key, preAuthEncoding(kind, payload)))}},
	}, "", "  ")
	return append(out, '\n'), err
}

// Why a file is not what it claims to be.
var (
	// ErrMalformed is of a file that is no such document at all.
	ErrMalformed = errors.New("this is not a signed document of the kind that is expected")
	// ErrOtherKey is of a document that says of itself another key has signed it.
	ErrOtherKey = errors.New("this document names another key than the one that was given")
	// ErrAltered is of a document whose signature is not that of the key.
	ErrAltered = errors.New("the signature does not fit: the document was altered, or was not signed with this key")
)

// Verify returns what a file carries, if it is of kind and the owner of key
// signed it just so.
func Verify(kind string, file []byte, key ed25519.PublicKey) ([]byte, error) {
	var e envelope
	if len(file) > MaxFile {
		return nil, fmt.Errorf("%w: it is larger than %d MiB", ErrMalformed, MaxFile>>20)
	}
	if err := Decode(file, &e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if e.PayloadType != kind || len(e.Signatures) != 1 {
		return nil, fmt.Errorf("%w: payloadType %q with %d signatures", ErrMalformed, e.PayloadType, len(e.Signatures))
	}
	payload, err := base64.StdEncoding.Strict().DecodeString(e.Payload)
	if err != nil {
		return nil, fmt.Errorf("%w: payload: %w", ErrMalformed, err)
	}
	sig, err := base64.StdEncoding.Strict().DecodeString(e.Signatures[0].Sig)
	if err != nil {
		return nil, fmt.Errorf("%w: sig: %w", ErrMalformed, err)
	}
	id, err := Fingerprint(key)
	if err != nil {
		return nil, err
	}
	switch {
	case len(key) == ed25519.PublicKeySize && ed25519.Verify(key, preAuthEncoding(kind, payload), sig):
		return payload, nil
	case e.Signatures[0].KeyID != id:
		return nil, fmt.Errorf("%w: it names %s, given is %s", ErrOtherKey, e.Signatures[0].KeyID, id)
	default:
		return nil, ErrAltered
	}
}

// Decode reads one JSON value into v that has nothing unknown in it and nothing
// after.
func Decode(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the end")
	}
	return nil
}

// Fingerprint tells a key from others: the SHA-256 of its standard form (DER),
// as openssl and sha256sum give it too.
func Fingerprint(key ed25519.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", fmt.Errorf("fingerprint of a key: %w", err)
	}
	sum := sha256.Sum256(der)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// EncodeKey writes a public key as PEM.
func EncodeKey(key ed25519.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("write a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// ParseKey reads a public key as EncodeKey writes it.
func ParseKey(text []byte) (ed25519.PublicKey, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("this is not a public key: a file that begins with -----BEGIN PUBLIC KEY----- is needed, as the console and kakoi egress key give it")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read a public key: %w", err)
	}
	key, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("this is a key of another kind (%T); reports are signed with Ed25519", parsed)
	}
	return key, nil
}
