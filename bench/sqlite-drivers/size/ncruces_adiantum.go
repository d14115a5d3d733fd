//go:build ncruces_adiantum

package main

import (
	_ "github.com/ncruces/go-sqlite3/vfs/adiantum"
)
