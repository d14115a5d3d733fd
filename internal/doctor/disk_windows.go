package doctor

import "golang.org/x/sys/windows"

// room is what is free, and what there is, on the disk that path is on.
func room(path string) (free, all uint64, err error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, 0, err
	}
	err = windows.GetDiskFreeSpaceEx(name, &free, &all, nil)
	return free, all, err
}
