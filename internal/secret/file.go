package secret

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// FileKey is a master key in a file that only its owner may read: a tink
// keyset in JSON.
type FileKey struct {
	tink.AEAD
	id string
}

// ID implements MasterKey.
func (k *FileKey) ID() string { return k.id }

// maxKeyFile is more than any keyset needs.
const maxKeyFile = 1 << 20

// LoadOrCreateFile reads the master key at path, or makes one there if there
// is no file. Of several processes that start at once, one makes it and the
// others read that. created says that it was made: what was sealed before, if
// anything, was sealed under another.
func LoadOrCreateFile(path string) (key *FileKey, created bool, err error) {
	key, err = LoadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, false, err
	}
	created, err = createFile(path)
	if err != nil {
		return nil, false, err
	}
	key, err = LoadFile(path)
	return key, created, err
}

// LoadFile reads the master key at path. It refuses a file that others than
// its owner can read or write.
func LoadFile(path string) (*FileKey, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat() // of the file that was opened, not of what the path names by now
	if err != nil {
		return nil, fmt.Errorf("read the master key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("the master key file %s can be read by others (mode %04o); run: chmod 600 %s", path, mode, path)
	}
	if info.Size() > maxKeyFile || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a master key file", path)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(f))
	if err != nil {
		return nil, fmt.Errorf("%s does not hold a master key (restore it from a backup; a new one cannot open what the old one sealed): %w", path, err)
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("the master key in %s cannot encrypt: %w", path, err)
	}
	id := strconv.FormatUint(uint64(handle.KeysetInfo().GetPrimaryKeyId()), 10)
	return &FileKey{AEAD: primitive, id: "file:" + id}, nil
}

// createFile writes a new key to path unless a file is there by then. The file
// appears whole or not at all.
func createFile(path string) (created bool, err error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return false, fmt.Errorf("make a master key: %w", err)
	}
	var text bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&text)); err != nil {
		return false, fmt.Errorf("make a master key: %w", err)
	}
	text.WriteByte('\n')
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return false, fmt.Errorf("make a master key: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".master-key-*") // mode 0600
	if err != nil {
		return false, fmt.Errorf("make a master key: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(text.Bytes())
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return false, fmt.Errorf("make a master key: %w", err)
	}
	switch err := os.Link(tmp.Name(), path); {
	case errors.Is(err, fs.ErrExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("make a master key: %w", err)
	}
	return true, syncFolder(filepath.Dir(path))
}

// syncFolder makes a new file's name as durable as its content.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil // folders cannot be opened for this there
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("make a master key: %w", err)
	}
	return errors.Join(f.Sync(), f.Close())
}
