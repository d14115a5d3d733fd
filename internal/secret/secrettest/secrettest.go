// Package secrettest makes master keys for tests.
package secrettest

import (
	"path/filepath"
	"testing"

	"kakoi/internal/secret"
)

// NewKey returns a master key of its own, in a file that goes with the test.
func NewKey(t testing.TB) *secret.FileKey {
	t.Helper()
	key, _, err := secret.LoadOrCreateFile(filepath.Join(t.TempDir(), "master.json"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}
