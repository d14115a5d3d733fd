//go:build ncruces_xts

package main

import (
	_ "github.com/ncruces/go-sqlite3/vfs/xts"
)
