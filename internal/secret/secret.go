// Package secret seals what must not be readable in the store, such as the
// keys of connections. Each value is encrypted with a key of its own, and that
// key with the master key, which is not in the store; a value opens only in the
// row and column it was sealed for.
package secret

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/tink"

	"kakoi/internal/errs"
)

// MasterKey encrypts the keys of the sealed values. It is a file today; a key
// service or a hardware module can stand in its place.
type MasterKey interface {
	tink.AEAD
	// ID tells this key from others, stays the same for the key's life and
	// reveals nothing of it.
	ID() string
}

// A sealed value begins with the format's version and the first bytes of the
// digest of the master key's id, so that a wrong key is told from damage.
const (
	formatVersion   = 1
	fingerprintSize = 8
	headerSize      = 1 + fingerprintSize
)

// Sealer seals and opens values. It is safe for concurrent use.
type Sealer struct {
	key         MasterKey
	fingerprint []byte
	envelope    *aead.KMSEnvelopeAEAD
}

// New returns a sealer under key.
func New(key MasterKey) *Sealer {
	digest := sha256.Sum256([]byte(key.ID()))
	return &Sealer{
		key:         key,
		fingerprint: digest[:fingerprintSize],
		envelope:    aead.NewKMSEnvelopeAEAD2(aead.AES256GCMKeyTemplate(), key),
	}
}

// Fingerprint tells what was sealed under this master key from what was sealed
// under another. It reveals nothing of the key.
func (s *Sealer) Fingerprint() string { return hex.EncodeToString(s.fingerprint) }

// Place names the column of a row, as the associated data of Seal and Open.
func Place(table, row, column string) string { return table + "/" + row + "/" + column }

// Seal encrypts plaintext so that it opens only under the same master key and
// with the same place.
func (s *Sealer) Seal(plaintext []byte, place string) ([]byte, error) {
	ciphertext, err := s.envelope.Encrypt(plaintext, []byte(place))
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", place, err)
	}
	sealed := make([]byte, 0, headerSize+len(ciphertext))
	sealed = append(sealed, formatVersion)
	sealed = append(sealed, s.fingerprint...)
	return append(sealed, ciphertext...), nil
}

// Open decrypts what Seal made. The error has code SecretUnreadable if it was
// sealed under another master key, for another place, or has been damaged.
func (s *Sealer) Open(sealed []byte, place string) ([]byte, error) {
	if len(sealed) < headerSize || sealed[0] != formatVersion {
		return nil, errs.Newf(errs.SecretUnreadable, "the secret in %s is damaged; enter it again", place)
	}
	if fingerprint := sealed[1:headerSize]; !bytes.Equal(fingerprint, s.fingerprint) {
		return nil, errs.Newf(errs.SecretUnreadable,
			"the secret in %s was sealed under another master key (%s, this server has %s); put the right key file in place or enter the secret again",
			place, hex.EncodeToString(fingerprint), s.Fingerprint())
	}
	plaintext, err := s.envelope.Decrypt(sealed[headerSize:], []byte(place))
	if err != nil {
		return nil, errs.Wrap(errs.SecretUnreadable, fmt.Sprintf("the secret in %s is damaged or was moved there from elsewhere; enter it again", place), err)
	}
	return plaintext, nil
}
