// Package blob keeps the contents of files: each once, whoever has it, sealed
// so that the database alone shows neither what is in a file nor whether a file
// that one knows is there.
package blob

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"kakoi/internal/db"
	"kakoi/internal/errs"
	"kakoi/internal/secret"
)

// Store keeps contents. It is safe for concurrent use.
type Store struct {
	store
	secrets *secret.Sealer
	now     func() time.Time

	mu  sync.Mutex
	key *secret.DataKey // nil until it was needed
}

// New returns the contents kept in d, sealed by a key under that of secrets.
func New(d *db.DB, secrets *secret.Sealer, now func() time.Time) *Store {
	return &Store{store: store{d}, secrets: secrets, now: now}
}

// Sealed is content on its way into the store.
type Sealed struct {
	Hash   string // what it is found by; equal contents have the same
	size   int
	data   []byte
	master string
}

// Seal makes data ready to be inserted, outside of any transaction: it takes
// time.
func (s *Store) Seal(ctx context.Context, data []byte) (Sealed, error) {
	k, err := s.dataKey(ctx)
	if err != nil {
		return Sealed{}, err
	}
	hash := hex.EncodeToString(k.Digest(data))
	return Sealed{hash, len(data), k.Seal(data, place(hash)), s.secrets.Fingerprint()}, nil
}

// place is the row that content is sealed for.
func place(hash string) string { return secret.Place("blobs", hash, "data") }

// Insert stores what was sealed, unless it is there already.
func (s *Store) Insert(ctx context.Context, q db.Queryer, b Sealed) error {
	return s.insert(ctx, q, b, s.now())
}

// Read returns content. The error has code NotFound if there is none, and
// FileUnreadable if it is damaged, was moved there from elsewhere or was sealed
// under another master key.
func (s *Store) Read(ctx context.Context, hash string) ([]byte, error) {
	row, err := s.read(ctx, hash)
	if err != nil {
		return nil, err
	}
	if row.master == "" { // from before contents were sealed
		if sum := sha256.Sum256(row.data); subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:])), []byte(hash)) == 0 {
			return nil, unreadable(fmt.Errorf("blob %s: its digest is another", hash))
		}
		return row.data, nil
	}
	if ours := s.secrets.Fingerprint(); row.master != ours {
		return nil, errs.Wrap(errs.FileUnreadable, "The file was sealed under another master key; put the right key file in place.",
			fmt.Errorf("blob %s was sealed under %s, this server has %s", hash, row.master, ours))
	}
	k, err := s.dataKey(ctx)
	if err != nil {
		return nil, err
	}
	data, err := k.Open(row.data, place(hash))
	if err != nil {
		return nil, unreadable(fmt.Errorf("open blob %s: %w", hash, err))
	}
	return data, nil
}

func unreadable(cause error) error {
	return errs.Wrap(errs.FileUnreadable, "The file is damaged in the database, or was moved there from elsewhere.", cause)
}

// dataKey returns the key of this master key, which the first to need it makes.
func (s *Store) dataKey(ctx context.Context) (*secret.DataKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key != nil {
		return s.key, nil
	}
	master := s.secrets.Fingerprint()
	at := secret.Place("blob_keys", master, "sealed")
	fresh, err := s.secrets.NewDataKey(at)
	if err != nil {
		return nil, err
	}
	stored, err := s.keepKey(ctx, master, fresh, s.now())
	if err != nil {
		return nil, err
	}
	k, err := s.secrets.OpenDataKey(stored, at)
	if err != nil {
		return nil, errs.Wrap(errs.FileUnreadable, "The key of all files is damaged in the database; restore it from a backup.", err)
	}
	s.key = k
	return k, nil
}

// SealExisting seals what was stored before contents were, one after the other,
// and rests in between. It can be ended at any time and begun again.
func (s *Store) SealExisting(ctx context.Context, rest time.Duration) error {
	for {
		hash, err := s.nextPlain(ctx)
		if err != nil || hash == "" {
			return err
		}
		data, err := s.Read(ctx, hash)
		switch errs.CodeOf(err) {
		case "":
		case errs.NotFound: // another node was quicker
			continue
		default:
			return err
		}
		sealed, err := s.Seal(ctx, data)
		if err != nil {
			return err
		}
		if err := s.replace(ctx, hash, sealed, s.now()); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rest):
		}
	}
}

// Unreadable counts the contents that were sealed under another master key.
func (s *Store) Unreadable(ctx context.Context) (int, error) {
	return s.countOthers(ctx, s.secrets.Fingerprint())
}
