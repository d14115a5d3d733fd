// Command load measures Kakoi under many answers at once: it starts the program
// and the fake model servers, lets every conversation stream through the whole
// path (session, store, run, event stream), and compares what arrives with the
// same streams taken from the fake directly, in one run on one machine.
//
// Every token of the fake is the time it was sent, so a token's delay is known
// where it arrives: no clock but this machine's is needed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run() error {
	kakoi := flag.String("kakoi", "bin/kakoi", "the program")
	fakes := flag.String("fakes", "bin/fakemodels", "the fake model servers")
	streams := flag.Int("streams", 1000, "answers at once")
	seconds := flag.Int("seconds", 20, "how long an answer takes")
	rate := flag.Int("rate", 30, "tokens per second of one answer")
	database := flag.String("database", "", "URL of an empty PostgreSQL database; empty is SQLite")
	flag.Parse()
	ctx := context.Background()

	dir, err := os.MkdirTemp("", "kakoi-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	model, stopModel, err := startFakes(ctx, *fakes)
	if err != nil {
		return err
	}
	defer stopModel()
	server, err := startKakoi(ctx, *kakoi, dir, *database)
	if err != nil {
		return err
	}
	defer server.stop()
	if err := server.setUp(ctx, model); err != nil {
		return err
	}
	info, err := os.Stat(*kakoi)
	if err != nil {
		return err
	}
	<-time.After(2 * time.Second)
	engine := "SQLite"
	if *database != "" {
		engine = "PostgreSQL"
	}
	fmt.Printf("%s: ready in %v, idle memory %.0f MB, one file of %.1f MB\n",
		engine, server.ready.Round(time.Millisecond), server.memory(), float64(info.Size())/1e6)

	question := questionOf(*rate, *seconds)
	tokens := *rate * *seconds
	failed := 0
	for _, l := range []load{steady(*streams, *seconds), burst(*streams, *seconds)} {
		direct := l.run(nil, func(p *probe) error { return askDirectly(ctx, model, question, p) })
		through := l.run(server, func(p *probe) error { return server.ask(ctx, question, p) })
		report(os.Stdout, l, tokens, direct, through)
		for _, err := range through.errs {
			fmt.Fprintln(os.Stderr, "load: a stream failed:", err)
		}
		failed += len(through.errs)
	}
	if failed > 0 {
		return errors.New("streams failed")
	}
	return nil
}

// questionOf asks the fake for an answer of stamped tokens. The marks stand
// behind the beginning of the question that titles are made of, so that a title
// is a short answer beside the long one, as it is with a real model.
func questionOf(rate, seconds int) string {
	const page = "次の文章を読み、要点を三つにまとめてください。市民税・県民税の納期限は、第1期が6月30日、第2期が8月31日です。"
	return strings.Repeat(page, 40) + fmt.Sprintf(" [[stamp]] [[rate %d]] [[long %d]]", rate, rate*seconds)
}
