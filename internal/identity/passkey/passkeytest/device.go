// Package passkeytest is a device that makes passkeys, in software, for tests
// without a browser. It speaks the JSON of WebAuthn.
package passkeytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"
)

// Device holds passkeys of one person. Its fields may be changed between uses.
type Device struct {
	Origin   string
	Verifies bool // it confirms its person
	Synced   bool // its passkeys are copied to other devices
	Keys     []*Key
}

// Key is one passkey.
type Key struct {
	ID     []byte
	Handle []byte
	Count  uint32
	RPID   string

	private *ecdsa.PrivateKey
}

var b64 = base64.RawURLEncoding

// The flags of authenticator data.
const (
	present        = 0x01
	verified       = 0x04
	backupEligible = 0x08
	backedUp       = 0x10
	attested       = 0x40
)

func (d *Device) flags() byte {
	f := byte(present)
	if d.Verifies {
		f |= verified
	}
	if d.Synced {
		f |= backupEligible | backedUp
	}
	return f
}

func (d *Device) clientData(t testing.TB, kind, challenge string) []byte {
	t.Helper()
	text, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": d.Origin, "crossOrigin": false})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func authenticatorData(rpID string, flags byte, count uint32) []byte {
	sum := sha256.Sum256([]byte(rpID))
	return binary.BigEndian.AppendUint32(append(sum[:], flags), count)
}

// Create answers the question for a new passkey.
func (d *Device) Create(t testing.TB, options json.RawMessage) json.RawMessage {
	t.Helper()
	var o struct {
		RP        struct{ ID string }
		User      struct{ ID string }
		Challenge string
	}
	if err := json.Unmarshal(options, &o); err != nil {
		t.Fatal(err)
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	handle, err := b64.DecodeString(o.User.ID)
	if err != nil {
		t.Fatal(err)
	}
	key := &Key{ID: make([]byte, 32), Handle: handle, Count: 1, RPID: o.RP.ID, private: private}
	_, _ = rand.Read(key.ID) // never fails
	d.Keys = append(d.Keys, key)

	point, err := private.PublicKey.Bytes() // 4, x, y
	if err != nil {
		t.Fatal(err)
	}
	data := authenticatorData(key.RPID, d.flags()|attested, key.Count)
	data = append(data, make([]byte, 16)...) // of no known make
	data = binary.BigEndian.AppendUint16(data, uint16(len(key.ID)))
	data = append(data, key.ID...)
	// CBOR: {1: 2, 3: -7, -1: 1, -2: x, -3: y}
	data = append(data, 0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20)
	data = append(data, point[1:33]...)
	data = append(data, 0x22, 0x58, 0x20)
	data = append(data, point[33:]...)
	// CBOR: {"fmt": "none", "attStmt": {}, "authData": data}
	object := append([]byte{0xa3, 0x63}, "fmt"...)
	object = append(append(append(object, 0x64), "none"...), 0x67)
	object = append(append(object, "attStmt"...), 0xa0, 0x68)
	object = append(append(object, "authData"...), 0x58, byte(len(data)))
	object = append(object, data...)
	return answer(t, key, map[string]any{
		"clientDataJSON": b64.EncodeToString(d.clientData(t, "webauthn.create", o.Challenge)), "attestationObject": b64.EncodeToString(object),
		"transports": []string{"internal"},
	})
}

// Get answers the question for the newest passkey.
func (d *Device) Get(t testing.TB, options json.RawMessage) json.RawMessage {
	t.Helper()
	var o struct{ Challenge string }
	if err := json.Unmarshal(options, &o); err != nil {
		t.Fatal(err)
	}
	key := d.Keys[len(d.Keys)-1]
	key.Count++
	data := authenticatorData(key.RPID, d.flags(), key.Count)
	client := d.clientData(t, "webauthn.get", o.Challenge)
	sum := sha256.Sum256(client)
	digest := sha256.Sum256(append(append([]byte{}, data...), sum[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, key.private, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return answer(t, key, map[string]any{
		"clientDataJSON": b64.EncodeToString(client), "authenticatorData": b64.EncodeToString(data),
		"signature": b64.EncodeToString(signature), "userHandle": b64.EncodeToString(key.Handle),
	})
}

func answer(t testing.TB, key *Key, response map[string]any) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"id": b64.EncodeToString(key.ID), "rawId": b64.EncodeToString(key.ID), "type": "public-key",
		"authenticatorAttachment": "platform", "clientExtensionResults": map[string]any{}, "response": response,
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}
