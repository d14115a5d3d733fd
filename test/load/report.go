package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"
)

// report writes the figures of one load: what came from the fake directly, what
// came through Kakoi, and what Kakoi added.
func report(w io.Writer, l load, tokens int, direct, through outcome) {
	fmt.Fprintf(w, "\n%s: %d streams over %v", l.name, l.streams, l.over)
	if l.from > 0 {
		fmt.Fprintf(w, ", of which %d at once", l.streams/2)
	}
	fmt.Fprintf(w, "\n| | directly | through Kakoi | added |\n|:--|--:|--:|--:|\n")
	count := func(name string, of func(outcome) int) {
		fmt.Fprintf(w, "| %s | %d | %d | |\n", name, of(direct), of(through))
	}
	count("streams failed", func(o outcome) int { return len(o.errs) })
	count("tokens lost", func(o outcome) int { return (l.streams-len(o.errs))*tokens - o.arrived })
	spread := func(name string, of func(outcome) []time.Duration) {
		for _, q := range []struct {
			name string
			q    float64
		}{{"p50", 0.5}, {"p99", 0.99}} {
			d, t := quantile(of(direct), q.q), quantile(of(through), q.q)
			fmt.Fprintf(w, "| %s, %s | %v | %v | %v |\n", name, q.name, short(d), short(t), short(t-d))
		}
	}
	spread("time to first token", func(o outcome) []time.Duration { return o.firsts })
	spread("delay of a token", func(o outcome) []time.Duration { return o.delays })
	fmt.Fprintf(w, "| cores busy, of %d | %.2f | %.2f | |\n", runtime.NumCPU(), direct.machine, through.machine)
	fmt.Fprintf(w, "| of them Kakoi | | %.2f | |\n| peak memory of Kakoi | | %.0f MB | |\n", through.cpu, through.peak)
}

func quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[min(int(q*float64(len(d))), len(d)-1)]
}

func short(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
