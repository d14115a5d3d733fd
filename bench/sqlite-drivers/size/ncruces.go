//go:build ncruces || ncruces_xts || ncruces_adiantum

package main

import (
	_ "github.com/ncruces/go-sqlite3/driver"
	_ "github.com/ncruces/go-sqlite3/ext/fts5"
)
