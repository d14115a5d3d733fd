// Command sqlite-drivers measures the SQLite drivers that need no cgo, on the
// work that Kakoi gives its store, and says what each can do. It is a module
// of its own, so that the drivers that were not chosen stay out of the product.
//
//	go run . [-rounds 3] [-rows 20000] [-dir DIR] [-only modernc,ncruces]
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"
)

func main() {
	rounds := flag.Int("rounds", 3, "how often each driver is measured, in turn; the median counts")
	rows := flag.Int("rows", 20_000, "rows of the big transaction")
	dir := flag.String("dir", "", "folder for the databases, on the disk to be measured (default: a temporary folder)")
	only := flag.String("only", "", "comma-separated drivers instead of all")
	child := flag.String("child", "", "measure one driver and print JSON (used by the program itself)")
	flag.Parse()
	if err := run(*rounds, *rows, *dir, *only, *child); err != nil {
		fmt.Fprintln(os.Stderr, "sqlite-drivers:", err)
		os.Exit(1)
	}
}

func run(rounds, rows int, dir, only, child string) error {
	if child != "" {
		result, err := measure(child, dir, rows)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(result)
	}
	if dir == "" {
		temp, err := os.MkdirTemp("", "sqlite-drivers-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temp)
		dir = temp
	}
	names := driverNames
	if only != "" {
		names = strings.Split(only, ",")
	}
	all := map[string][]result{}
	for round := range rounds {
		for _, name := range names {
			fmt.Fprintf(os.Stderr, "measuring %s, round %d of %d\n", name, round+1, rounds)
			r, err := measureApart(name, filepath.Join(dir, name), rows)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			all[name] = append(all[name], r)
		}
	}
	var results []result
	for _, name := range names {
		r := median(all[name])
		var err error
		if r.BinaryMB, err = binarySize(name, dir); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		results = append(results, r)
	}
	return print(results)
}

// median returns the last result with each number replaced by the median of
// all rounds.
func median(rounds []result) result {
	r := rounds[len(rounds)-1]
	v := reflect.ValueOf(&r).Elem()
	for i := range v.NumField() {
		if v.Field(i).Kind() != reflect.Float64 {
			continue
		}
		numbers := make([]float64, len(rounds))
		for j, round := range rounds {
			numbers[j] = reflect.ValueOf(round).Field(i).Float()
		}
		slices.Sort(numbers)
		v.Field(i).SetFloat(numbers[len(numbers)/2])
	}
	return r
}

// measureApart measures in a process of its own, so that memory is that of one
// driver.
func measureApart(name, dir string, rows int) (result, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return result{}, err
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err != nil {
		return result{}, err
	}
	cmd := exec.Command(self, "-child", name, "-dir", dir, "-rows", fmt.Sprint(rows))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return result{}, err
	}
	var r result
	return r, json.Unmarshal(out, &r)
}

// binarySize builds an otherwise empty program with the driver and returns
// what the driver adds.
func binarySize(name, dir string) (float64, error) {
	size := func(tag string) (float64, error) {
		out := filepath.Join(dir, "size-"+tag)
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-tags", tag, "-o", out, "./size")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if said, err := cmd.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("build ./size with %s: %w: %s", tag, err, said)
		}
		defer os.Remove(out)
		info, err := os.Stat(out)
		if err != nil {
			return 0, err
		}
		return float64(info.Size()) / 1e6, nil
	}
	without, err := size("none")
	if err != nil {
		return 0, err
	}
	with, err := size(strings.ReplaceAll(name, "+", "_"))
	return with - without, err
}

// print writes a table; times and memory of the first driver are in their
// unit, those of the others also as a multiple of it.
func print(results []result) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	line := func(title string, cell func(r result) string) {
		fmt.Fprint(w, title)
		for _, r := range results {
			fmt.Fprint(w, "\t", cell(r))
		}
		fmt.Fprintln(w)
	}
	number := func(title, unit string, value func(r result) float64) {
		line(title+" ("+unit+")", func(r result) string {
			first, v := value(results[0]), value(r)
			if r.Name == results[0].Name || first == 0 {
				return fmt.Sprintf("%.3g", v)
			}
			return fmt.Sprintf("%.3g (%.2fx)", v, v/first)
		})
	}
	line("", func(r result) string { return r.Name })
	number("insert rows in one transaction", "ms", func(r result) float64 { return r.BulkMS })
	number("one row, one commit, synchronous=NORMAL", "us", func(r result) float64 { return r.CommitNormalUS })
	number("one row, one commit, synchronous=FULL", "us", func(r result) float64 { return r.CommitFullUS })
	number("1,000 rows, one commit, FULL, p50", "ms", func(r result) float64 { return r.FlushP50MS })
	number("1,000 rows, one commit, FULL, worst", "ms", func(r result) float64 { return r.FlushMaxMS })
	number("point read, prepared", "us", func(r result) float64 { return r.ReadPreparedUS })
	number("point read, not prepared", "us", func(r result) float64 { return r.ReadUS })
	number("scan of all rows", "ms", func(r result) float64 { return r.ScanMS })
	number("8 readers beside a writer, reads", "per s", func(r result) float64 { return r.MixedReads })
	number("8 readers beside a writer, read p99", "ms", func(r result) float64 { return r.MixedReadP99MS })
	number("8 readers beside a writer, commit p99", "ms", func(r result) float64 { return r.MixedCommitP99MS })
	number("full-text index of 5,000 rows", "ms", func(r result) float64 { return r.FTSBuildMS })
	number("full-text query", "us", func(r result) float64 { return r.FTSQueryUS })
	number("resident memory after one connection", "MB", func(r result) float64 { return r.MemoryOneMB })
	number("resident memory after 9 connections", "MB", func(r result) float64 { return r.MemoryNineMB })
	number("resident memory at the end", "MB", func(r result) float64 { return r.MemoryEndMB })
	number("adds to the program file", "MB", func(r result) float64 { return r.BinaryMB })
	line("SQLite", func(r result) string { return r.SQLite })
	line("$n binds by", func(r result) string { return r.Binding })
	line("?n binds by", func(r result) string { return r.NumberBinding })
	line("a missing argument", func(r result) string { return r.MissingArgument })
	line("a cancelled query ends within", func(r result) string { return r.CancelWithin })
	line("plaintext in the file or its journal", func(r result) string { return r.Plaintext })
	return w.Flush()
}
