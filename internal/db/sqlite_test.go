package db_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	process "os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
	_ "github.com/ncruces/go-sqlite3/vfs/xts"

	"kakoi/internal/db"
)

// testKey is a key of the right size; XTS wants two different halves.
var testKey = append(bytes.Repeat([]byte{0x1f}, 32), bytes.Repeat([]byte{0xe2}, 32)...)

// openFile opens a SQLite file with the schema of db_test.go.
func openFile(t testing.TB, path string, key []byte) *db.DB {
	t.Helper()
	d, err := db.OpenWith(t.Context(), db.Options{URL: path, Key: key}, schema)
	check(t, err)
	check(t, d.Migrate(t.Context()))
	return d
}

// holding returns the names of the files below dir that contain text.
func holding(t *testing.T, dir, text string) (found []string, all int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		all++
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(text)) {
			found = append(found, filepath.Base(path))
		}
		return err
	})
	check(t, err)
	return found, all
}

func TestAnEncryptedFileShowsNothingOnDisk(t *testing.T) {
	for name, key := range map[string][]byte{"encrypted": testKey, "plain, to prove that the search finds": nil} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("TMPDIR", dir)
			path := filepath.Join(dir, "kakoi.db")
			d := openFile(t, path, key)
			for i := range 2000 {
				exec(t, d, `INSERT INTO notes (id, title) VALUES ($1, $2)`, db.NewID(), fmt.Sprintf("極秘の文書 %d %s", i, strings.Repeat("x", 500)))
			}
			// A sort larger than the cache, and an upgrade with its snapshot.
			scan[int](t, d, `SELECT count(*) FROM (SELECT DISTINCT title FROM notes ORDER BY title DESC)`)
			upgraded, err := migrate(t, db.Options{URL: path, Key: key}, files("0001_create_notes.sql", string(schema["0001_create_notes.sql"].Data), second, add))
			check(t, err)
			check(t, upgraded.Close())

			search := func(when string, least int) {
				found, all := holding(t, dir, "極秘の文書")
				if all < least {
					t.Errorf("%s: only %d files to look into", when, all)
				}
				if key != nil && len(found) > 0 {
					t.Errorf("%s: plaintext in %v", when, found)
				}
				if key == nil && len(found) < 2 {
					t.Errorf("%s: the search finds plaintext only in %v", when, found)
				}
				if names, _ := holding(t, dir, "CREATE TABLE"); key != nil && len(names) > 0 {
					t.Errorf("%s: the schema is readable in %v", when, names)
				}
			}
			search("while it is open", 4) // file, journal, index of the journal, snapshot
			check(t, d.Close())
			search("after it is closed", 2)

			d = openFileAgain(t, path, key)
			if got := scan[int](t, d, `SELECT count(*) FROM notes WHERE title LIKE '極秘の文書%'`); got != 2000 {
				t.Errorf("read back %d of 2000 rows", got)
			}
		})
	}
}

func openFileAgain(t *testing.T, path string, key []byte) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), db.Options{URL: path, Key: key})
	check(t, err)
	t.Cleanup(func() { check(t, d.Close()) })
	return d
}

func TestAFileIsNotOpenedWithAnotherKey(t *testing.T) {
	other := append(bytes.Repeat([]byte{0x2f}, 32), bytes.Repeat([]byte{0xe2}, 32)...)
	for _, tt := range []struct {
		name          string
		written, read []byte
		want          string
	}{
		{"another key", testKey, other, "not written with this key"},
		{"no key", testKey, nil, "encrypted, or not a SQLite database"},
		{"a key for a plain file", nil, testKey, "not written with this key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "kakoi.db")
			check(t, openFile(t, path, tt.written).Close())
			before, err := os.ReadFile(path)
			check(t, err)
			if _, err := db.Open(t.Context(), db.Options{URL: path, Key: tt.read}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want …%s…", err, tt.want)
			}
			after, err := os.ReadFile(path)
			check(t, err)
			if !bytes.Equal(before, after) {
				t.Error("the attempt changed the file")
			}
		})
	}
}

func TestTheFilesAreForTheirOwnerAlone(t *testing.T) {
	dir := t.TempDir()
	d := openFile(t, filepath.Join(dir, "a & b ?=日本.db"), nil)
	defer d.Close()
	entries, err := os.ReadDir(dir)
	check(t, err)
	if len(entries) < 2 {
		t.Fatalf("only %d files: the journal is missing", len(entries))
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), "-shm") {
			continue // page numbers only
		}
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", e.Name(), info.Mode(), err)
		}
	}
}

func TestTheFileIsAnOrdinarySQLiteDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kakoi.db")
	d := openFile(t, path, testKey)
	exec(t, d, `INSERT INTO folders (id, total) VALUES ('f', 42)`)
	check(t, d.Close())
	plain, err := driver.Open("file:"+path+"?vfs=xts", func(c *sqlite3.Conn) error {
		return c.Exec(fmt.Sprintf("PRAGMA hexkey='%x'", testKey))
	})
	check(t, err)
	defer plain.Close()
	if got := scan[int](t, plain, `SELECT total FROM folders`); got != 42 {
		t.Errorf("got %d", got)
	}
	if got := scan[string](t, plain, `PRAGMA integrity_check`); got != "ok" {
		t.Errorf("integrity: %s", got)
	}
}

// TestMain lets the test program play the process that is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv("KAKOI_TEST_COMMIT_TO"); path != "" {
		commitForEver(path)
		return
	}
	os.Exit(m.Run())
}

// commitForEver writes row after row and prints the number of each once its
// commit has been answered.
func commitForEver(path string) {
	ctx := context.Background()
	var key []byte
	if os.Getenv("KAKOI_TEST_KEY") != "" {
		key = testKey
	}
	d, err := db.Open(ctx, db.Options{URL: path, Key: key})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for n := 1; ; n++ {
		err := d.Transact(ctx, func(ctx context.Context, tx *db.Tx) error {
			for part := range 3 {
				if _, err := tx.ExecContext(ctx, `INSERT INTO folders (id, total) VALUES ($1, $2)`, fmt.Sprintf("%d-%d", n, part), n); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(n)
	}
}

func TestAKilledProcessLosesNothingThatWasCommitted(t *testing.T) {
	for name, key := range map[string][]byte{"plain": nil, "encrypted": testKey} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "kakoi.db")
			check(t, openFile(t, path, key).Close())
			for round := range 5 {
				answered := killAfter(t, path, key, 20+30*round)
				d := openFileAgain(t, path, key)
				if got := scan[int](t, d, `SELECT count(*) FROM folders WHERE total <= $1`, answered); got != 3*answered {
					t.Errorf("round %d: %d rows of %d answered commits", round, got, answered)
				}
				if got := scan[int](t, d, `SELECT count(*) FROM (SELECT total FROM folders GROUP BY total HAVING count(*) <> 3) AS partial`); got != 0 {
					t.Errorf("round %d: %d transactions are there in part", round, got)
				}
				if got := scan[string](t, d, `PRAGMA integrity_check`); got != "ok" {
					t.Errorf("round %d: %s", round, got)
				}
				exec(t, d, `DELETE FROM folders`)
			}
		})
	}
}

// killAfter lets another process commit until it has answered for n
// transactions, kills it in the middle of the next, and returns how many it
// has answered for.
func killAfter(t *testing.T, path string, key []byte, n int) int {
	t.Helper()
	cmd := process.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "KAKOI_TEST_COMMIT_TO="+path)
	if key != nil {
		cmd.Env = append(cmd.Env, "KAKOI_TEST_KEY=1")
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	answered, killed := 0, false
	for lines := bufio.NewScanner(out); lines.Scan(); { // also what it printed before the signal took hold
		answered, err = strconv.Atoi(lines.Text())
		check(t, err)
		if answered >= n && !killed {
			check(t, cmd.Process.Kill())
			killed = true
		}
	}
	_ = cmd.Wait() // "signal: killed"
	return answered
}
