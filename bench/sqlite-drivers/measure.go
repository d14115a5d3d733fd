package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// result is what is known of one driver after measuring.
type result struct {
	Name string

	BulkMS         float64
	CommitNormalUS float64
	CommitFullUS   float64
	FlushP50MS     float64
	FlushMaxMS     float64
	ReadPreparedUS float64
	ReadUS         float64
	ScanMS         float64

	MixedReads       float64
	MixedReadP99MS   float64
	MixedCommitP99MS float64

	FTSBuildMS float64
	FTSQueryUS float64

	MemoryOneMB  float64
	MemoryNineMB float64
	MemoryEndMB  float64
	BinaryMB     float64

	SQLite          string
	Binding         string
	NumberBinding   string
	MissingArgument string
	CancelWithin    string
	Plaintext       string
}

const (
	secret  = "公開してはならない文" // what must not be found on an encrypted disk
	readers = 8
	insert  = `INSERT INTO segments (id, message_id, position, content) VALUES ($1, $2, $3, $4)`
	byID    = `SELECT content FROM segments WHERE id = $1`
)

// bench is one driver under measurement.
type bench struct {
	result
	name, dir string
	rows      int
	write     *sql.DB
	read      *sql.DB
	next      int // id of the next row
}

func measure(name, dir string, rows int) (result, error) {
	b := &bench{name: name, dir: dir, rows: rows}
	b.Name = name
	for _, step := range []func() error{
		b.open, b.bulk, b.commitsNormal, b.commitsFull, b.flushes, b.reads, b.scan, b.mixed,
		b.fullText, b.binding, b.cancel, b.onDisk, b.close,
	} {
		if err := step(); err != nil {
			return result{}, err
		}
	}
	return b.result, nil
}

func (b *bench) file() string { return filepath.Join(b.dir, "bench.db") }

func (b *bench) open() (err error) {
	b.write, err = open(b.name, b.file(), 1, "busy_timeout(10000)", "journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)", "cache_size(-16000)")
	if err != nil {
		return err
	}
	if err := b.write.QueryRow(`SELECT sqlite_version()`).Scan(&b.SQLite); err != nil {
		return err
	}
	b.MemoryOneMB = memoryMB()
	if _, err := b.write.Exec(`CREATE TABLE segments (id TEXT PRIMARY KEY, message_id TEXT NOT NULL, position BIGINT NOT NULL, content TEXT NOT NULL)`); err != nil {
		return err
	}
	if _, err := b.write.Exec(`CREATE INDEX segments_by_message ON segments (message_id, position)`); err != nil {
		return err
	}
	b.read, err = open(b.name, b.file(), readers, "busy_timeout(10000)", "query_only(1)", "cache_size(-8000)")
	if err != nil {
		return err
	}
	var conns []*sql.Conn
	for range readers {
		c, err := b.read.Conn(context.Background())
		if err != nil {
			return err
		}
		conns = append(conns, c)
	}
	for _, c := range conns {
		c.Close()
	}
	b.MemoryNineMB = memoryMB()
	return nil
}

func id(n int) string { return fmt.Sprintf("0199-%012d", n) }

// content is a kilobyte of Japanese that is not the same in any two rows.
func content(n int) string {
	return fmt.Sprintf("%s %d %s", secret, n, strings.Repeat("庁内の文書を要約して回答します。", 20))
}

// insertRows adds n rows in one transaction.
func (b *bench) insertRows(n int, content func(int) string) error {
	tx, err := b.write.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	stmt, err := tx.Prepare(insert)
	if err != nil {
		return err
	}
	defer stmt.Close()
	for range n {
		if _, err := stmt.Exec(id(b.next), id(b.next%997), b.next, content(b.next)); err != nil {
			return err
		}
		b.next++
	}
	return tx.Commit()
}

func (b *bench) bulk() error {
	start := time.Now()
	err := b.insertRows(b.rows, content)
	b.BulkMS = ms(time.Since(start))
	return err
}

func (b *bench) commits(synchronous string) (float64, error) {
	if _, err := b.write.Exec("PRAGMA synchronous=" + synchronous); err != nil {
		return 0, err
	}
	const n = 500
	start := time.Now()
	for range n {
		if err := b.insertRows(1, content); err != nil {
			return 0, err
		}
	}
	return us(time.Since(start)) / n, nil
}

func (b *bench) commitsNormal() (err error) { b.CommitNormalUS, err = b.commits("NORMAL"); return err }
func (b *bench) commitsFull() (err error)   { b.CommitFullUS, err = b.commits("FULL"); return err }

// flushes is what 1,000 streams at once do twice a second: 1,000 pieces of
// text of some 15 tokens in one transaction.
func (b *bench) flushes() error {
	var took []time.Duration
	for range 40 {
		start := time.Now()
		if err := b.insertRows(1000, func(n int) string { return secret + strings.Repeat("回答", 15) }); err != nil {
			return err
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.FlushP50MS, b.FlushMaxMS = ms(took[len(took)/2]), ms(took[len(took)-1])
	return nil
}

func (b *bench) reads() error {
	const n = 20_000
	stmt, err := b.read.Prepare(byID)
	if err != nil {
		return err
	}
	defer stmt.Close()
	var got string
	start := time.Now()
	for range n {
		if err := stmt.QueryRow(id(rand.N(b.rows))).Scan(&got); err != nil {
			return err
		}
	}
	b.ReadPreparedUS = us(time.Since(start)) / n
	start = time.Now()
	for range n {
		if err := b.read.QueryRow(byID, id(rand.N(b.rows))).Scan(&got); err != nil {
			return err
		}
	}
	b.ReadUS = us(time.Since(start)) / n
	return nil
}

func (b *bench) scan() error {
	start := time.Now()
	var bytes int
	if err := b.read.QueryRow(`SELECT sum(length(content)) FROM segments`).Scan(&bytes); err != nil {
		return err
	}
	b.ScanMS = ms(time.Since(start))
	return nil
}

// mixed lets readers read whatever they can while one writer flushes 100 rows
// at a time.
func (b *bench) mixed() error {
	const period = 4 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), period)
	defer cancel()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var reads []time.Duration
	var failures []error
	stmt, err := b.read.Prepare(byID)
	if err != nil {
		return err
	}
	defer stmt.Close()
	for range readers {
		wg.Go(func() {
			var mine []time.Duration
			var got string
			for ctx.Err() == nil {
				start := time.Now()
				if err := stmt.QueryRow(id(rand.N(b.rows))).Scan(&got); err != nil {
					mu.Lock()
					failures = append(failures, err)
					mu.Unlock()
					return
				}
				mine = append(mine, time.Since(start))
			}
			mu.Lock()
			reads = append(reads, mine...)
			mu.Unlock()
		})
	}
	var commits []time.Duration
	for ctx.Err() == nil {
		start := time.Now()
		if err := b.insertRows(100, content); err != nil {
			failures = append(failures, err)
			break
		}
		commits = append(commits, time.Since(start))
		time.Sleep(20 * time.Millisecond) // some 50 flushes a second, far more than needed
	}
	wg.Wait()
	if err := errors.Join(failures...); err != nil {
		return err
	}
	slices.Sort(reads)
	slices.Sort(commits)
	b.MixedReads = float64(len(reads)) / period.Seconds()
	b.MixedReadP99MS = ms(reads[len(reads)*99/100])
	b.MixedCommitP99MS = ms(commits[len(commits)*99/100])
	return nil
}

func (b *bench) fullText() error {
	if _, err := b.write.Exec(`CREATE VIRTUAL TABLE texts USING fts5(content, tokenize='trigram')`); err != nil {
		return fmt.Errorf("no FTS5: %w", err)
	}
	start := time.Now()
	if _, err := b.write.Exec(`INSERT INTO texts (rowid, content) SELECT rowid, content FROM segments LIMIT 5000`); err != nil {
		return err
	}
	b.FTSBuildMS = ms(time.Since(start))
	const n = 200
	start = time.Now()
	for i := range n {
		var found int
		if err := b.read.QueryRow(`SELECT count(*) FROM texts WHERE texts MATCH $1`, fmt.Sprintf(`"文 %d"`, 100+i)).Scan(&found); err != nil {
			return err
		}
		if found == 0 {
			return fmt.Errorf("the full-text index does not find row %d", 100+i)
		}
	}
	b.FTSQueryUS = us(time.Since(start)) / n
	return nil
}

func (b *bench) binding() error {
	how := func(query string) string {
		var first, second string
		if err := b.read.QueryRow(query, "one", "two").Scan(&first, &second); err != nil {
			return "error: " + err.Error()
		}
		if first == "two" && second == "one" {
			return "number"
		}
		return "appearance"
	}
	b.Binding, b.NumberBinding = how(`SELECT $2, $1`), how(`SELECT ?2, ?1`)
	var missing sql.NullString
	if err := b.read.QueryRow(`SELECT $1 || $2`, "one").Scan(&missing); err != nil {
		b.MissingArgument = "is an error"
	} else {
		b.MissingArgument = "is NULL"
	}
	return nil
}

func (b *bench) cancel() error {
	const wait = 100 * time.Millisecond
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	var n int
	err := b.read.QueryRowContext(ctx, `WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 200000000) SELECT count(*) FROM c`).Scan(&n)
	if err == nil {
		b.CancelWithin = "never: it ran to its end"
		return nil
	}
	b.CancelWithin = (time.Since(start) - wait).Round(time.Millisecond).String()
	return nil
}

// onDisk looks for the text in every file while the journal is in use.
// Temporary files are no names in a folder for either driver; the product
// keeps them in memory.
func (b *bench) onDisk() error {
	b.MemoryEndMB = memoryMB()
	found := map[string]bool{}
	err := filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte(secret)) {
			found[filepath.Base(path)] = true
		}
		return err
	})
	var names []string
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	b.Plaintext = strings.Join(names, " ")
	if b.Plaintext == "" {
		b.Plaintext = "none"
	}
	return err
}

func (b *bench) close() error { return errors.Join(b.read.Close(), b.write.Close()) }

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
func us(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// memoryMB is the resident memory of this process.
func memoryMB() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var total, resident float64
	if _, err := fmt.Sscan(string(text), &total, &resident); err != nil {
		return 0
	}
	return resident * float64(os.Getpagesize()) / 1e6
}
