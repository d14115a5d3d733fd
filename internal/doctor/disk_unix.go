//go:build unix

package doctor

import "golang.org/x/sys/unix"

// room is what is free, and what there is, on the disk that path is on.
func room(path string) (free, all uint64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, 0, err
	}
	return uint64(s.Bavail) * uint64(s.Bsize), uint64(s.Blocks) * uint64(s.Bsize), nil //nolint:unconvert // their types differ from system to system
}
