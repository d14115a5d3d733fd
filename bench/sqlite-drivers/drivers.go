package main

import (
	"database/sql"
	"fmt"
	"strings"

	"github.com/ncruces/go-sqlite3"
	ncruces "github.com/ncruces/go-sqlite3/driver"
	"github.com/ncruces/go-sqlite3/ext/fts5"
	_ "github.com/ncruces/go-sqlite3/vfs/adiantum"
	_ "github.com/ncruces/go-sqlite3/vfs/xts"
	_ "modernc.org/sqlite"
)

var driverNames = []string{"modernc", "ncruces", "ncruces+xts", "ncruces+adiantum"}

// keys are any keys of the right size: AES-256-XTS takes two of 256 bits.
var keys = map[string]string{
	"xts":      strings.Repeat("1f", 32) + strings.Repeat("e2", 32),
	"adiantum": strings.Repeat("1f", 32),
}

// open opens path with at most conns connections that run pragmas first.
func open(name, path string, conns int, pragmas ...string) (*sql.DB, error) {
	var db *sql.DB
	var err error
	switch name {
	case "modernc":
		var q strings.Builder
		for _, p := range pragmas {
			fmt.Fprintf(&q, "&_pragma=%s", p)
		}
		db, err = sql.Open("sqlite", "file:"+path+"?_txlock=immediate"+q.String())
	case "ncruces", "ncruces+xts", "ncruces+adiantum":
		_, vfs, encrypted := strings.Cut(name, "+")
		uri := "file:" + path + "?_txlock=immediate"
		if encrypted {
			uri += "&vfs=" + vfs
		}
		db, err = ncruces.Open(uri, func(c *sqlite3.Conn) error {
			if encrypted {
				if err := c.Exec("PRAGMA hexkey='" + keys[vfs] + "'"); err != nil {
					return err
				}
			}
			if err := fts5.Register(c); err != nil {
				return err
			}
			for _, p := range pragmas {
				if err := c.Exec("PRAGMA " + p); err != nil {
					return fmt.Errorf("%s: %w", p, err)
				}
			}
			return nil
		})
	default:
		return nil, fmt.Errorf("there is no driver %q; there are %s", name, strings.Join(driverNames, ", "))
	}
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}
