package db

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// ErrClaimed means that another server has claimed the SQLite file.
var ErrClaimed = errors.New("another server is using this database")

// Claim makes sure that only one server works on a SQLite file: two would not
// hear what the other publishes. It holds until release is called or the
// process ends, however it ends. Commands beside the server do not claim. On
// PostgreSQL, which serves many nodes, it does nothing.
func (d *DB) Claim() (release func() error, err error) {
	if d.engine == Postgres {
		return func() error { return nil }, nil
	}
	path := d.file + ".server"
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("claim the database: %w", err)
	}
	taken, err := lockFile(f)
	if err == nil && taken {
		const longest = 32
		holder, _ := io.ReadAll(io.LimitReader(f, longest)) // only to be helpful
		err = fmt.Errorf("%w: %s, process %s", ErrClaimed, d.file, strings.TrimSpace(string(holder)))
	}
	if err == nil {
		err = errors.Join(f.Truncate(0), writeAt(f, fmt.Sprintf("%d\n", os.Getpid())))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("claim the database: %w", err), f.Close())
	}
	return f.Close, nil // the lock ends with the file; the file stays, or two could lock two files of one name
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}
