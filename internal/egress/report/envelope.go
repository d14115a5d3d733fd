package report

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

// payloadType says of signed bytes that they are a report, so that the key's
// signature of anything else is not taken for one.
const payloadType = "application/vnd.kakoi.egress-report+json"

// maxEnvelope bounds a file that is verified: many times a large report.
const maxEnvelope = 64 << 20

// envelope is DSSE v1: what is signed is carried as the very bytes, so nobody
// has to write JSON the same way again to check it.
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

// seal signs payload.
func seal(payload []byte, key ed25519.PrivateKey) ([]byte, error) {
	id, err := Fingerprint(key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	out, err := json.MarshalIndent(envelope{
		PayloadType: payloadType, Payload: base64.StdEncoding.EncodeToString(payload),
		Signatures: []signature{{id, base64.StdEncoding.EncodeToString(ed25519.Sign(key, preAuthEncoding(payloadType, payload)))}},
	}, "", "  ")
	return append(out, '\n'), err
}

// Why a file is not what it claims to be.
var (
	// ErrNotAReport is of a file that is no signed report at all.
	ErrNotAReport = errors.New("this is not a signed egress report of Kakoi")
	// ErrOtherKey is of a report that says of itself another key has signed it.
	ErrOtherKey = errors.New("this report names another key than the one that was given")
	// ErrAltered is of a report whose signature is not that of the key.
	ErrAltered = errors.New("the signature does not fit: the report was altered, or was not signed with this key")
)

// Verify returns the report in a file, if the owner of key signed it just so.
// It needs nothing but the two.
func Verify(file []byte, key ed25519.PublicKey) (Report, error) {
	var e envelope
	if len(file) > maxEnvelope {
		return Report{}, fmt.Errorf("%w: it is larger than %d MiB", ErrNotAReport, maxEnvelope>>20)
	}
	if err := decode(file, &e); err != nil {
		return Report{}, fmt.Errorf("%w: %w", ErrNotAReport, err)
	}
	if e.PayloadType != payloadType || len(e.Signatures) != 1 {
		return Report{}, fmt.Errorf("%w: payloadType %q with %d signatures", ErrNotAReport, e.PayloadType, len(e.Signatures))
	}
	payload, err := base64.StdEncoding.Strict().DecodeString(e.Payload)
	if err != nil {
		return Report{}, fmt.Errorf("%w: payload: %w", ErrNotAReport, err)
	}
	sig, err := base64.StdEncoding.Strict().DecodeString(e.Signatures[0].Sig)
	if err != nil {
		return Report{}, fmt.Errorf("%w: sig: %w", ErrNotAReport, err)
	}
	id, err := Fingerprint(key)
	if err != nil {
		return Report{}, err
	}
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, preAuthEncoding(payloadType, payload), sig) {
		if e.Signatures[0].KeyID != id {
			return Report{}, fmt.Errorf("%w: it names %s, given is %s", ErrOtherKey, e.Signatures[0].KeyID, id)
		}
		return Report{}, ErrAltered
	}
	var r Report
	if err := decode(payload, &r); err != nil || r.Format != Format {
		return Report{}, fmt.Errorf("%w: it is signed, but of a form that this version does not know (%q)", ErrNotAReport, r.Format)
	}
	return r, nil
}

// decode reads one JSON value that has nothing unknown in it and nothing after.
func decode(data []byte, v any) error {
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
