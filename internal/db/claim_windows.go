package db

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lockFile locks f for this process and reports whether another one has it.
// The locked byte lies behind the text, which others may read.
func lockFile(f *os.File) (taken bool, err error) {
	const behind = 1 << 20
	err = windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{Offset: behind})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return true, nil
	}
	return false, err
}
