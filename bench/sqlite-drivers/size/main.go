// Command size is a minimal program that a build tag gives one driver.
package main

import (
	"database/sql"
	"fmt"
)

func main() {
	for _, name := range sql.Drivers() {
		db, err := sql.Open(name, "file::memory:")
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(name, db.Ping())
	}
}
