package blob_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"kakoi/internal/blob"
	"kakoi/internal/db"
	"kakoi/internal/db/dbtest"
	"kakoi/internal/errs"
	"kakoi/internal/secret"
	"kakoi/internal/secret/secrettest"
)

func masterKey(t *testing.T) *secret.Sealer {
	t.Helper()
	return secret.New(secrettest.NewKey(t))
}

// put stores content as a file of anna's and returns its hash.
func put(t *testing.T, d *db.DB, s *blob.Store, id string, data []byte) string {
	t.Helper()
	b, err := s.Seal(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	err = d.Transact(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		if err := s.Insert(ctx, tx, b); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, attach, id, len(data), b.Hash)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Hash
}

const (
	anna = `INSERT INTO accounts (id, email, name, search_key, password_hash, preferences, created_at, updated_at)
		VALUES ('anna', 'anna@example.jp', 'anna', '', '', '{}', 0, 0)`
	attach = `INSERT INTO attachments (id, owner_id, name, media_type, size, width, height, blob_hash, created_at)
		VALUES ($1, 'anna', 'f', 'text/plain', $2, 0, 0, $3, 0)`
)

func exec(t *testing.T, d *db.DB, query string, args ...any) {
	t.Helper()
	if _, err := d.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

// inBoth runs test with an empty store of each engine in which there is anna.
// stolen is everything that who has the store has.
func inBoth(t *testing.T, test func(t *testing.T, d *db.DB, stolen func() []byte)) {
	for _, engine := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			url := dbtest.URL(t, engine)
			d, err := db.Open(t.Context(), db.Options{URL: url})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = d.Close() })
			exec(t, d, anna)
			test(t, d, func() []byte {
				if engine == db.SQLite {
					var all []byte
					if err := d.Close(); err != nil { // which carries the journal into the file
						t.Fatal(err)
					}
					files, err := filepath.Glob(url + "*")
					if err != nil {
						t.Fatal(err)
					}
					for _, f := range files {
						data, err := os.ReadFile(f)
						if err != nil {
							t.Fatal(err)
						}
						all = append(all, data...)
					}
					return all
				}
				return rows(t, d, `SELECT hash, data FROM blobs UNION ALL SELECT master, sealed FROM blob_keys UNION ALL SELECT blob_hash, '' FROM attachments`)
			})
		})
	}
}

func rows(t *testing.T, d *db.DB, query string) (all []byte) {
	t.Helper()
	list, err := d.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	for list.Next() {
		var name string
		var data []byte
		if err := list.Scan(&name, &data); err != nil {
			t.Fatal(err)
		}
		all = append(append(all, name...), data...)
	}
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// aFile is larger than a page, and what cannot be told by its beginning.
func aFile() []byte {
	return append(bytes.Repeat([]byte("住民税の滞納者名簿 山田太郎 "), 3000), rand.Text()...)
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

func TestTheStoreAloneShowsNothingOfAFile(t *testing.T) {
	inBoth(t, func(t *testing.T, d *db.DB, stolen func() []byte) {
		s := blob.New(d, masterKey(t), time.Now)
		data := aFile()
		hash := put(t, d, s, "a", data)
		if again := put(t, d, s, "b", data); again != hash {
			t.Errorf("the same content is %s and %s", hash, again)
		}
		var n int
		if err := d.QueryRowContext(t.Context(), `SELECT count(*) FROM blobs`).Scan(&n); err != nil || n != 1 {
			t.Errorf("the same content is kept %d times, %v", n, err)
		}
		if got, err := s.Read(t.Context(), hash); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%d bytes come back, %v", len(got), err)
		}
		if _, err := s.Read(t.Context(), sum(data)); errs.CodeOf(err) != errs.NotFound {
			t.Errorf("what was never stored: %v", err)
		}
		all := stolen()
		for name, known := range map[string][]byte{
			"words of it": data[3000:3030], "its end": data[len(data)-20:], "its digest": []byte(sum(data)), "its digest in bytes": unhex(t, sum(data)),
		} {
			if bytes.Contains(all, known) {
				t.Errorf("the store shows %s", name)
			}
		}
		if !bytes.Contains(all, []byte(hash)) {
			t.Error("the test looks in the wrong place")
		}
	})
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestADamagedOrMovedFileIsRefused(t *testing.T) {
	inBoth(t, func(t *testing.T, d *db.DB, _ func() []byte) {
		s := blob.New(d, masterKey(t), time.Now)
		one, two := put(t, d, s, "a", []byte("一つ目")), put(t, d, s, "b", []byte("二つ目"))
		exec(t, d, `UPDATE blobs SET data = (SELECT b.data FROM blobs b WHERE b.hash = $1) WHERE hash = $2`, one, two)
		if data, err := s.Read(t.Context(), two); errs.CodeOf(err) != errs.FileUnreadable {
			t.Errorf("moved: %q, %v", data, err)
		}
		if _, err := s.Read(t.Context(), one); err != nil {
			t.Errorf("the one it was moved from: %v", err)
		}
		for name, damage := range map[string][]byte{"nothing": {}, "one byte": {1}, "other bytes": bytes.Repeat([]byte{1}, 60)} {
			exec(t, d, `UPDATE blobs SET data = $1 WHERE hash = $2`, damage, one)
			if data, err := s.Read(t.Context(), one); errs.CodeOf(err) != errs.FileUnreadable {
				t.Errorf("%s: %q, %v", name, data, err)
			}
		}
		// Who can write to the store cannot pass off something plain for it.
		exec(t, d, `UPDATE blobs SET data = $1, master = '' WHERE hash = $2`, []byte("とんでもない"), one)
		if data, err := s.Read(t.Context(), one); errs.CodeOf(err) != errs.FileUnreadable {
			t.Errorf("planted: %q, %v", data, err)
		}
	})
}

func TestUnderAnotherMasterKeyFilesWaitForTheirs(t *testing.T) {
	inBoth(t, func(t *testing.T, d *db.DB, _ func() []byte) {
		right, wrong := masterKey(t), masterKey(t)
		before := blob.New(d, right, time.Now)
		old := put(t, d, before, "a", []byte("前の鍵"))
		s := blob.New(d, wrong, time.Now)
		if _, err := s.Read(t.Context(), old); errs.CodeOf(err) != errs.FileUnreadable {
			t.Errorf("under another master key: %v", err)
		}
		if n, err := s.Unreadable(t.Context()); n != 1 || err != nil {
			t.Errorf("%d cannot be read, %v", n, err)
		}
		fresh := put(t, d, s, "b", []byte("新しい鍵"))
		if got, err := s.Read(t.Context(), fresh); err != nil || string(got) != "新しい鍵" {
			t.Errorf("a new file: %q, %v", got, err)
		}
		// The right file is back, and the program started again.
		s = blob.New(d, right, time.Now)
		if got, err := s.Read(t.Context(), old); err != nil || string(got) != "前の鍵" {
			t.Errorf("with the key back: %q, %v", got, err)
		}
		exec(t, d, `UPDATE blob_keys SET sealed = $1 WHERE master = $2`, []byte("damaged"), right.Fingerprint())
		if _, err := blob.New(d, right, time.Now).Read(t.Context(), old); errs.CodeOf(err) != errs.FileUnreadable {
			t.Errorf("a damaged key: %v", err)
		}
	})
}

func TestNodesThatBeginTogetherHaveOneKey(t *testing.T) {
	inBoth(t, func(t *testing.T, d *db.DB, _ func() []byte) {
		key := masterKey(t)
		hashes := make([]string, 8)
		var nodes sync.WaitGroup
		for i := range hashes {
			nodes.Go(func() {
				b, err := blob.New(d, key, time.Now).Seal(t.Context(), []byte("同じもの"))
				if err != nil {
					t.Error(err)
				}
				hashes[i] = b.Hash
			})
		}
		nodes.Wait()
		for _, h := range hashes {
			if h != hashes[0] || h == "" {
				t.Errorf("%q beside %q", h, hashes[0])
			}
		}
	})
}

func TestWhatWasStoredPlainIsReadAndSealed(t *testing.T) {
	inBoth(t, func(t *testing.T, d *db.DB, stolen func() []byte) {
		s := blob.New(d, masterKey(t), time.Now)
		data, orphan, both := aFile(), append([]byte("だれのでもない"), aFile()...), append([]byte("両方"), aFile()...)
		for _, plain := range [][]byte{data, orphan, both} {
			exec(t, d, `INSERT INTO blobs (hash, size, data, created_at) VALUES ($1, $2, $3, 0)`, sum(plain), len(plain), plain)
		}
		exec(t, d, attach, "a", len(data), sum(data))
		exec(t, d, attach, "b", len(data), sum(data))
		exec(t, d, attach, "c", len(both), sum(both))
		sealed := put(t, d, s, "d", both)
		if got, err := s.Read(t.Context(), sum(data)); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("before: %d bytes, %v", len(got), err)
		}
		for range 2 { // the second finds nothing to do
			if err := s.SealExisting(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
		}
		hashes := map[string]string{}
		for _, id := range []string{"a", "b", "c", "d"} {
			var hash string
			if err := d.QueryRowContext(t.Context(), `SELECT blob_hash FROM attachments WHERE id = $1`, id).Scan(&hash); err != nil {
				t.Fatal(err)
			}
			want := data
			if id > "b" {
				want = both
			}
			if got, err := s.Read(t.Context(), hash); err != nil || !bytes.Equal(got, want) {
				t.Errorf("after: %s has %d bytes, %v", id, len(got), err)
			}
			hashes[id] = hash
		}
		if hashes["a"] != hashes["b"] || hashes["a"] == sum(data) || hashes["c"] != sealed || hashes["d"] != sealed {
			t.Errorf("the attachments name %v", hashes)
		}
		var n int
		if err := d.QueryRowContext(t.Context(), `SELECT count(*) FROM blobs`).Scan(&n); err != nil || n != 2 {
			t.Errorf("%d contents are left, %v", n, err)
		}
		all := stolen()
		for name, known := range map[string][]byte{"words": data[3000:3030], "an end": data[len(data)-20:], "a digest": []byte(sum(data)), "what nobody has": orphan[:20]} {
			if bytes.Contains(all, known) {
				t.Errorf("the store still shows %s", name)
			}
		}
	})
}

func TestContentIsDeletedWithTheLastWhoHasIt(t *testing.T) {
	inBoth(t, func(t *testing.T, d *db.DB, _ func() []byte) {
		s := blob.New(d, masterKey(t), time.Now)
		hash := put(t, d, s, "a", []byte("共有"))
		put(t, d, s, "b", []byte("共有"))
		for _, step := range []struct {
			gone string
			want errs.Code
		}{{"a", ""}, {"b", errs.NotFound}} {
			exec(t, d, `DELETE FROM attachments WHERE id = $1`, step.gone)
			if err := s.DeleteUnused(t.Context(), d, []string{hash, "unknown"}); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Read(t.Context(), hash); errs.CodeOf(err) != step.want {
				t.Errorf("without %s: %v", step.gone, err)
			}
		}
	})
}
