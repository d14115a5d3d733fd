package secret

import (
	"bytes"
	"os"
	"path/filepath"
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
