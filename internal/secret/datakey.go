package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

// DataKey seals what is large, such as files: the master key, which may be
// behind a network, is asked for it once and not for every value. It is safe
// for concurrent use.
type DataKey struct {
	seal cipher.AEAD
	mac  []byte
}

// A data key is two keys: one for AES-256-GCM, one for HMAC-SHA-256.
const (
	sealKeySize = 32
	macKeySize  = 32
)

// NewDataKey returns a fresh data key as it is stored: sealed for place.
func (s *Sealer) NewDataKey(place string) ([]byte, error) {
	key := make([]byte, sealKeySize+macKeySize)
	_, _ = rand.Read(key) // never fails
	return s.Seal(key, place)
}

// OpenDataKey returns the data key that NewDataKey sealed for place. Its errors
// are those of Open.
func (s *Sealer) OpenDataKey(sealed []byte, place string) (*DataKey, error) {
	key, err := s.Open(sealed, place)
	if err != nil {
		return nil, err
	}
	if len(key) != sealKeySize+macKeySize {
		return nil, fmt.Errorf("open %s: this is no data key", place)
	}
	block, err := aes.NewCipher(key[:sealKeySize])
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", place, err)
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", place, err)
	}
	return &DataKey{seal, key[sealKeySize:]}, nil
}

// dataVersion is the first byte of what a data key sealed. The nonce follows,
// drawn at random, which is sound for 2^32 values of a key.
const dataVersion = 1

// Seal encrypts plaintext so that it opens only with the same place. It makes
// one copy.
func (k *DataKey) Seal(plaintext []byte, place string) []byte {
	sealed := make([]byte, 1, 1+len(plaintext)+k.seal.Overhead())
	sealed[0] = dataVersion
	return k.seal.Seal(sealed, nil, plaintext, []byte(place)) //nolint:gosec // it draws the nonce itself
}

// Open decrypts what Seal made, in its memory: sealed must not be used again.
func (k *DataKey) Open(sealed []byte, place string) ([]byte, error) {
	if len(sealed) < 1 || sealed[0] != dataVersion {
		return nil, errors.New("this was not sealed by a data key, or is damaged")
	}
	return k.seal.Open(sealed[1:1], nil, sealed[1:], []byte(place))
}

// Digest tells equal data from other data. Who has the digest and not the key
// cannot tell whether it is of data they know.
func (k *DataKey) Digest(data []byte) []byte {
	h := hmac.New(sha256.New, k.mac)
	h.Write(data)
	return h.Sum(nil)
}
