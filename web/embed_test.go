package web

import (
	"io/fs"
	"testing"
)

func TestFilesSaysWhetherTheInterfaceWasBuilt(t *testing.T) {
	files, built := Files()
	if _, err := fs.Stat(files, ".keep"); err != nil {
		t.Errorf("the placeholder that keeps a fresh clone compiling is gone: %v", err)
	}
	if _, err := fs.Stat(files, "index.html"); (err == nil) != built {
		t.Errorf("built = %v, but index.html: %v", built, err)
	}
	if !built {
		return
	}
	for _, name := range []string{"theme.js", "favicon.svg", "assets"} {
		if _, err := fs.Stat(files, name); err != nil {
			t.Errorf("the built interface lacks %s: %v", name, err)
		}
	}
}
