package secret

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"kakoi/internal/errs"
)

func newKey(t *testing.T) (*FileKey, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "master.key")
	key, created, err := LoadOrCreateFile(path)
	if err != nil || !created {
		t.Fatalf("LoadOrCreateFile = created %v, %v", created, err)
	}
	return key, path
}

func TestASealedValueOpensInItsPlaceOnly(t *testing.T) {
	key, _ := newKey(t)
	s := New(key)
	place := Place("connections", "1", "secret")
	plaintext := []byte("sk-とても秘密")
	sealed, err := s.Seal(plaintext, place)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, plaintext[:5]) {
		t.Error("the sealed value shows what it holds")
	}
	if got, err := s.Open(sealed, place); err != nil || !bytes.Equal(got, plaintext) {
		t.Errorf("Open = %q, %v", got, err)
	}
	if again, _ := s.Seal(plaintext, place); bytes.Equal(again, sealed) {
		t.Error("the same value sealed twice looks the same")
	}
	if _, err := s.Open(sealed, Place("connections", "2", "secret")); errs.CodeOf(err) != errs.SecretUnreadable {
		t.Errorf("in another row: %v, want code secret_unreadable", err)
	}
}

func TestADamagedValueIsNotOpened(t *testing.T) {
	key, _ := newKey(t)
	s := New(key)
	sealed, err := s.Seal([]byte("value"), "place")
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		damaged := bytes.Clone(sealed)
		damaged[i] ^= 1
		if _, err := s.Open(damaged, "place"); errs.CodeOf(err) != errs.SecretUnreadable {
			t.Errorf("with byte %d changed: %v, want code secret_unreadable", i, err)
		}
	}
	for n := range sealed {
		if _, err := s.Open(sealed[:n], "place"); errs.CodeOf(err) != errs.SecretUnreadable {
			t.Errorf("cut to %d bytes: %v, want code secret_unreadable", n, err)
		}
	}
}

func TestAnotherMasterKeyIsToldFromDamage(t *testing.T) {
	one, _ := newKey(t)
	two, _ := newKey(t)
	sealed, err := New(one).Seal([]byte("value"), "place")
	if err != nil {
		t.Fatal(err)
	}
	_, err = New(two).Open(sealed, "place")
	if errs.CodeOf(err) != errs.SecretUnreadable || !strings.Contains(err.Error(), "another master key") {
		t.Errorf("error = %v, want secret_unreadable that names the other key", err)
	}
}

func TestTheKeyFileIsMadeOnceAndForItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "master.json") // the folder is made too
	var created atomic.Int32
	ids := make([]string, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			key, made, err := LoadOrCreateFile(path)
			if err != nil {
				t.Error(err)
				return
			}
			if made {
				created.Add(1)
			}
			ids[i] = key.ID()
		})
	}
	wg.Wait()
	if created.Load() != 1 {
		t.Errorf("the key was made %d times, want once", created.Load())
	}
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("the processes got different keys: %q", ids)
			break
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %04o, want 0600", info.Mode().Perm())
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("%d files are left in the folder, want the key alone", len(files))
	}
}

func TestAKeyFileIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(t *testing.T, path string)
		says    string
	}{
		{"that the group can read", func(t *testing.T, path string) { chmod(t, path, 0o640) }, "chmod 600"},
		{"that everyone can read", func(t *testing.T, path string) { chmod(t, path, 0o604) }, "chmod 600"},
		{"that is empty", func(t *testing.T, path string) { write(t, path, "") }, "does not hold a master key"},
		{"that is something else", func(t *testing.T, path string) { write(t, path, "hello") }, "does not hold a master key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, path := newKey(t)
			tt.prepare(t, path)
			_, created, err := LoadOrCreateFile(path)
			if err == nil || created || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("error = %v, created %v, want an error with %q and the path", err, created, tt.says)
			}
		})
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestADataKeyOpensWhatItSealedInItsPlaceOnly(t *testing.T) {
	key, _ := newKey(t)
	s := New(key)
	stored, err := s.NewDataKey("place")
	if err != nil {
		t.Fatal(err)
	}
	k, err := s.OpenDataKey(stored, "place")
	if err != nil {
		t.Fatal(err)
	}
	plaintext := []byte("住民の名簿")
	sealed := k.Seal(plaintext, "blobs/1/data")
	if bytes.Contains(sealed, plaintext[:6]) || bytes.Equal(sealed, k.Seal(plaintext, "blobs/1/data")) {
		t.Error("what is sealed shows what it holds, or that it is the same")
	}
	for i := range sealed {
		damaged := bytes.Clone(sealed)
		damaged[i] ^= 1
		if _, err := k.Open(damaged, "blobs/1/data"); err == nil {
			t.Errorf("with byte %d changed it opens", i)
		}
		if _, err := k.Open(bytes.Clone(sealed[:i]), "blobs/1/data"); err == nil {
			t.Errorf("cut to %d bytes it opens", i)
		}
	}
	if _, err := k.Open(bytes.Clone(sealed), "blobs/2/data"); err == nil {
		t.Error("it opens in another row")
	}
	if got, err := k.Open(sealed, "blobs/1/data"); err != nil || !bytes.Equal(got, plaintext) {
		t.Errorf("Open = %q, %v", got, err)
	}

	again, err := s.OpenDataKey(stored, "place")
	if err != nil || !bytes.Equal(again.Digest(plaintext), k.Digest(plaintext)) || bytes.Equal(k.Digest(plaintext), k.Digest([]byte("other"))) {
		t.Errorf("the digest of the same key differs, or that of other data does not: %v", err)
	}
	another, err := s.NewDataKey("place")
	if err != nil {
		t.Fatal(err)
	}
	if other, err := s.OpenDataKey(another, "place"); err != nil || bytes.Equal(other.Digest(plaintext), k.Digest(plaintext)) {
		t.Errorf("two keys give the same digest: %v", err)
	}
	if _, err := s.OpenDataKey(stored, "elsewhere"); errs.CodeOf(err) != errs.SecretUnreadable {
		t.Errorf("a key moved elsewhere: %v", err)
	}
}

func TestALargeFileIsCopiedOnceAtMost(t *testing.T) {
	key, _ := newKey(t)
	s := New(key)
	stored, err := s.NewDataKey("place")
	if err != nil {
		t.Fatal(err)
	}
	k, err := s.OpenDataKey(stored, "place")
	if err != nil {
		t.Fatal(err)
	}
	const size = 50 << 20
	plaintext := make([]byte, size)
	var sealed []byte
	used := func(what func()) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		what()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	if n := used(func() { sealed = k.Seal(plaintext, "place") }); n > size+size/50 {
		t.Errorf("sealing %d bytes took %d", size, n)
	}
	if n := used(func() { k.Digest(plaintext) }); n > size/50 {
		t.Errorf("the digest of %d bytes took %d", size, n)
	}
	if n := used(func() {
		if _, err := k.Open(sealed, "place"); err != nil {
			t.Error(err)
		}
	}); n > size/50 {
		t.Errorf("opening %d bytes took %d", size, n)
	}
}
