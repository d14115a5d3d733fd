package report

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"kakoi/internal/access"
	"kakoi/internal/audit"
	"kakoi/internal/db"
	"kakoi/internal/dsse"
	"kakoi/internal/egress"
	"kakoi/internal/errs"
	"kakoi/internal/jst"
	"kakoi/internal/secret"
)

// Options are what reports are made with.
type Options struct {
	DB       *db.DB
	Secrets  *secret.Sealer
	Audit    *audit.Log
	Network  egress.Network
	Declared func(ctx context.Context) ([]egress.Declaration, error) // what may be reached now
	Version  string
	Now      func() time.Time
}

// Service makes reports for administrators.
type Service struct{ Options }

// New returns the reports of an installation.
func New(o Options) *Service { return &Service{o} }

func authorize(ctx context.Context) error {
	_, err := access.Authorize(ctx, access.SystemRead, access.Resource{Kind: access.KindSystem})
	return err
}

// Read returns what left in a month, such as 2026-11, and the first month on
// record; "" is the present month. Nothing is signed.
func (s *Service) Read(ctx context.Context, month string) (r Report, first string, err error) {
	if err := authorize(ctx); err != nil {
		return Report{}, "", err
	}
	if month == "" {
		month = s.Now().In(jst.Zone).Format("2006-01")
	}
	if r, err = s.make(ctx, month); err != nil {
		return Report{}, "", err
	}
	at, err := egress.FirstHour(ctx, s.DB)
	if at.IsZero() || at.After(r.From) {
		at = r.From
	}
	return r, at.In(jst.Zone).Format("2006-01"), err
}

// Signed returns the report of a month as it is handed on, and leaves an audit
// event that says which one that was.
func (s *Service) Signed(ctx context.Context, month string) ([]byte, error) {
	if _, err := access.Authorize(ctx, access.SystemExportEvidence, access.Resource{Kind: access.KindSystem}); err != nil {
		return nil, err
	}
	return s.SignedForOperator(ctx, month)
}

// SignedForOperator is Signed for whoever runs commands on the server, and holds
// the database and the master key anyway.
func (s *Service) SignedForOperator(ctx context.Context, month string) ([]byte, error) {
	r, err := s.make(ctx, month)
	if err != nil {
		return nil, err
	}
	key, err := s.key(ctx)
	if err != nil {
		return nil, err
	}
	var payload bytes.Buffer
	enc := json.NewEncoder(&payload)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return nil, fmt.Errorf("write the egress report: %w", err)
	}
	file, err := dsse.Sign(payloadType, payload.Bytes(), key)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(file)
	return file, s.Audit.Record(ctx, audit.Event{
		Action: "egress.report", Resource: audit.Resource{Kind: string(access.KindSystem), ID: "egress"},
		Details: map[string]string{"month": month, "sha256": hex.EncodeToString(sum[:])},
	})
}

// PublicKey is what reports are verified with.
type PublicKey struct {
	PEM         []byte
	Fingerprint string
}

// PublicKey returns the key that verifies the reports made from now on.
func (s *Service) PublicKey(ctx context.Context) (PublicKey, error) {
	if err := authorize(ctx); err != nil {
		return PublicKey{}, err
	}
	return s.PublicKeyForOperator(ctx)
}

// PublicKeyForOperator is PublicKey for whoever runs commands on the server.
func (s *Service) PublicKeyForOperator(ctx context.Context) (PublicKey, error) {
	private, err := s.key(ctx)
	if err != nil {
		return PublicKey{}, err
	}
	public := private.Public().(ed25519.PublicKey)
	text, err := dsse.EncodeKey(public)
	if err != nil {
		return PublicKey{}, err
	}
	id, err := dsse.Fingerprint(public)
	return PublicKey{text, id}, err
}

func (s *Service) make(ctx context.Context, month string) (Report, error) {
	now := s.Now()
	from, to, err := monthOf(month, now)
	if err != nil {
		return Report{}, err
	}
	f := facts{month: month, from: from, to: to, now: now, version: s.Version, network: s.Network}
	if f.declared, err = s.Declared(ctx); err != nil {
		return Report{}, err
	}
	if f.summaries, err = egress.Summaries(ctx, s.DB, from, to); err != nil {
		return Report{}, err
	}
	if f.watches, err = egress.Watches(ctx, s.DB, from, to); err != nil {
		return Report{}, err
	}
	if f.unwatched, err = egress.Unwatched(ctx, s.DB, from, to); err != nil {
		return Report{}, err
	}
	return compose(f), nil
}

// key returns the signing key of this master key, which the first to need it
// makes. A new master key has a new one: the old one cannot be opened any more.
func (s *Service) key(ctx context.Context) (ed25519.PrivateKey, error) {
	master := s.Secrets.Fingerprint()
	at := secret.Place("egress_report_keys", master, "sealed")
	sealed, err := selectKey(ctx, s.DB, master)
	if errs.CodeOf(err) == errs.NotFound {
		sealed, err = s.makeKey(ctx, master, at)
	}
	if err != nil {
		return nil, err
	}
	seed, err := s.Secrets.Open(sealed, at)
	if err != nil {
		return nil, err
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("open %s: this is no signing key", at)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// makeKey makes the key, unless another node was quicker, and returns it as it
// is stored.
func (s *Service) makeKey(ctx context.Context, master, at string) (sealed []byte, err error) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	fresh, err := s.Secrets.Seal(private.Seed(), at)
	if err != nil {
		return nil, err
	}
	id, err := dsse.Fingerprint(private.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	err = s.DB.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
		made, err := insertKey(ctx, tx, master, fresh, s.Now())
		if err != nil {
			return err
		}
		if made {
			err = s.Audit.Record(ctx, audit.Event{
				Action: "egress.key_create", Resource: audit.Resource{Kind: string(access.KindSystem), ID: "egress"},
				Details: map[string]string{"fingerprint": id},
			})
		}
		if err == nil {
			sealed, err = selectKey(ctx, tx, master)
		}
		return err
	})
	return sealed, err
}
