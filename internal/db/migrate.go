package db

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

var embedded = mustSub(migrationFiles, "migrations")

func mustSub(f fs.FS, dir string) fs.FS {
	sub, err := fs.Sub(f, dir)
	if err != nil {
		panic(err) // the folder is embedded by the line above
	}
	return sub
}

// ErrNewerSchema means that a newer Kakoi has upgraded the database and this
// one must not touch it.
var ErrNewerSchema = errors.New("the database is newer than this program")

// ErrChangedSchema means that the migrations on record are not the ones of
// this program.
var ErrChangedSchema = errors.New("the database was built by other migrations")

// migration is one step forward of the schema.
type migration struct {
	version  int64
	name     string // NNNN_verb_noun
	sql      string // for the engine at hand
	checksum string
}

var migrationName = regexp.MustCompile(`^(\d{4})_([a-z0-9]+(?:_[a-z0-9]+)+)(?:\.(sqlite|postgres))?\.sql$`)

// loadMigrations reads NNNN_verb_noun.sql, in order. A step may have a file
// for one engine only (NNNN_verb_noun.postgres.sql), instead of the common one
// or to be run after it. The step exists for the other engine too, so that a
// schema version means the same everywhere.
func loadMigrations(files fs.FS, engine Engine) ([]migration, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	slices.Sort(names) // x.postgres.sql sorts before x.sql, so the common text is put in front below
	steps := map[int64]*migration{}
	for _, file := range names {
		m := migrationName.FindStringSubmatch(file)
		if m == nil {
			return nil, fmt.Errorf("migration %s: a migration is called NNNN_verb_noun.sql", file)
		}
		version, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil || version == 0 {
			return nil, fmt.Errorf("migration %s: versions start at 0001", file)
		}
		name := m[1] + "_" + m[2]
		step := steps[version]
		if step == nil {
			step = &migration{version: version, name: name}
			steps[version] = step
		} else if step.name != name {
			return nil, fmt.Errorf("migrations %s and %s have the same number", step.name, name)
		}
		text, err := fs.ReadFile(files, file)
		if err != nil {
			return nil, fmt.Errorf("read migration %s: %w", file, err)
		}
		switch m[3] {
		case "":
			step.sql = string(text) + "\n" + step.sql
		case string(engine):
			step.sql += string(text)
		}
	}
	list := make([]migration, 0, len(steps))
	for _, step := range steps {
		sum := sha256.Sum256([]byte(step.sql))
		step.checksum = hex.EncodeToString(sum[:])
		list = append(list, *step)
	}
	slices.SortFunc(list, func(a, b migration) int { return int(a.version - b.version) })
	return list, nil
}

// statements splits a migration at each semicolon that ends a line.
func (m migration) statements() []string {
	var list []string
	var current strings.Builder
	for line := range strings.Lines(m.sql) {
		current.WriteString(line)
		code, _, _ := strings.Cut(line, "--")
		if strings.HasSuffix(strings.TrimSpace(code), ";") {
			list = append(list, strings.TrimSpace(current.String()))
			current.Reset()
		}
	}
	if rest := current.String(); hasCode(rest) {
		list = append(list, strings.TrimSpace(rest))
	}
	return list
}

func hasCode(text string) bool {
	for line := range strings.Lines(text) {
		code, _, _ := strings.Cut(line, "--")
		if strings.TrimSpace(code) != "" {
			return true
		}
	}
	return false
}

const createRecord = `
	CREATE TABLE IF NOT EXISTS schema_migrations (
		version    BIGINT PRIMARY KEY,
		name       TEXT   NOT NULL,
		checksum   TEXT   NOT NULL,
		applied_at BIGINT NOT NULL
	)`

// Migrate brings the schema to the version of this program, one transaction a
// step. Several nodes may call it together. A SQLite file that holds data is
// copied first; the copy is named in the log. The error is ErrNewerSchema if a
// newer program has been here, and nothing is changed then.
func (d *DB) Migrate(ctx context.Context) error {
	steps, err := loadMigrations(d.migrations, d.engine)
	if err != nil {
		return err
	}
	unlock, err := d.lockMigrations(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := d.ExecContext(ctx, createRecord); err != nil {
		return fmt.Errorf("create the record of migrations: %w", err)
	}
	applied, err := d.pending(ctx, d, steps)
	if err != nil || len(applied) == len(steps) {
		return err
	}
	if len(applied) > 0 && d.engine == SQLite {
		copied, err := d.snapshot(ctx, applied[len(applied)-1].version)
		if err != nil {
			return err
		}
		d.log.InfoContext(ctx, "copied the database before upgrading it", "file", copied)
	}
	for _, step := range steps[len(applied):] {
		if err := d.apply(ctx, steps, step); err != nil {
			return err
		}
	}
	return nil
}

// pending returns the steps that are on record already, after checking that
// they are the first of the known steps, unchanged.
func (d *DB) pending(ctx context.Context, q Queryer, known []migration) (applied []migration, err error) {
	rows, err := q.QueryContext(ctx, `SELECT version, name, checksum, applied_at FROM schema_migrations ORDER BY version`)
	if err != nil {
		return nil, fmt.Errorf("read the record of migrations: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var m migration
		var at int64
		if err := rows.Scan(&m.version, &m.name, &m.checksum, &at); err != nil {
			return nil, fmt.Errorf("read the record of migrations: %w", err)
		}
		if len(applied) == len(known) {
			return nil, fmt.Errorf("%w: it is at schema %s since %s, this program knows up to %s; start the newer Kakoi again, or restore the snapshot that was taken before the upgrade",
				ErrNewerSchema, m.name, time.UnixMilli(at).UTC().Format(time.RFC3339), newest(known))
		}
		want := known[len(applied)]
		switch {
		case m.version != want.version || m.name != want.name:
			return nil, fmt.Errorf("%w: it has %s where this program has %s", ErrChangedSchema, m.name, want.name)
		case m.checksum != want.checksum:
			return nil, fmt.Errorf("%w: the text of %s is not what was applied; a change needs a new migration", ErrChangedSchema, m.name)
		}
		applied = append(applied, m)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the record of migrations: %w", err)
	}
	return applied, nil
}

func newest(known []migration) string {
	if len(known) == 0 {
		return "none"
	}
	return known[len(known)-1].name
}

// apply runs one step and records it, unless another process has done so
// since the record was read.
func (d *DB) apply(ctx context.Context, known []migration, step migration) error {
	return d.Transact(ctx, func(ctx context.Context, tx *Tx) error {
		applied, err := d.pending(ctx, tx, known)
		if err != nil {
			return err
		}
		if len(applied) > 0 && applied[len(applied)-1].version >= step.version {
			return nil
		}
		for _, statement := range step.statements() {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("migration %s: %w in: %s", step.name, err, statement)
			}
		}
		const record = `INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)`
		if _, err := tx.ExecContext(ctx, record, step.version, step.name, step.checksum, d.now().UnixMilli()); err != nil {
			return fmt.Errorf("record migration %s: %w", step.name, err)
		}
		d.log.InfoContext(ctx, "upgraded the database", "migration", step.name)
		return nil
	})
}

// migrationLock is the advisory lock that lets one node migrate while the
// others wait.
const migrationLock = 0x6b616b6f69 // "kakoi"

// lockMigrations holds other nodes off. SQLite needs no lock here: each step
// takes the write lock and reads the record again.
func (d *DB) lockMigrations(ctx context.Context) (unlock func(), err error) {
	if d.engine == SQLite {
		return func() {}, nil
	}
	conn, err := d.write.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("lock migrations: %w", err)
	}
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, int64(migrationLock)); err != nil {
		return nil, errors.Join(fmt.Errorf("lock migrations: %w", err), conn.Close())
	}
	return func() {
		ctx := context.WithoutCancel(ctx)
		if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, int64(migrationLock)); err != nil {
			d.log.WarnContext(ctx, "could not release the migration lock; it ends with its connection", "err", err)
			_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // never back into the pool
		}
		_ = conn.Close() // back into the pool; a broken one is dropped there
	}, nil
}

// snapshot copies the SQLite file, as of now and complete, beside it, and
// returns the path of the copy. It is encrypted under the same key.
func (d *DB) snapshot(ctx context.Context, version int64) (string, error) {
	dir := filepath.Join(filepath.Dir(d.file), "snapshots")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("snapshot before the upgrade: %w", err)
	}
	base := strings.TrimSuffix(filepath.Base(d.file), filepath.Ext(d.file))
	name := fmt.Sprintf("%s-schema%04d-%s", base, version, d.now().UTC().Format("20060102T150405Z"))
	f, err := createNew(dir, name, ".db")
	if err != nil {
		return "", fmt.Errorf("snapshot before the upgrade: %w", err)
	}
	path := f.Name()
	if err := errors.Join(f.Close(), d.copyTo(ctx, path)); err != nil {
		return "", errors.Join(fmt.Errorf("snapshot before the upgrade: %w", err), os.Remove(path)) // half a copy is worse than none
	}
	return path, nil
}

// createNew creates a file for its owner alone, under another name if there is
// one of that name already: two processes may upgrade in the same second.
func createNew(dir, name, ext string) (*os.File, error) {
	path := filepath.Join(dir, name+ext)
	for n := 2; ; n++ {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
		path = filepath.Join(dir, fmt.Sprintf("%s-%d%s", name, n, ext))
	}
}

// Migrations returns the files of the embedded migrations, for tools and tests
// that need to know which schema this program has.
func Migrations() fs.FS { return embedded }
