package openai_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"kakoi/internal/model"
	"kakoi/internal/model/modeltest/openaifake"
	"kakoi/internal/model/openai"
)

// BenchmarkThousandStreams runs 1,000 answers of 30 tokens a second at once,
// the fake in the same process, and reports the delay of each token through the
// adapter and the CPU time of both sides. Run it with -benchtime 1x.
func BenchmarkThousandStreams(b *testing.B) {
	const streams, tokens = 1000, 150
	fake := &openaifake.Server{}
	base := serve(b, fake)
	transport := &http.Transport{MaxIdleConnsPerHost: streams}
	c := openai.New(openai.Config{BaseURL: base, HTTP: &http.Client{Transport: transport}})
	defer transport.CloseIdleConnections()
	req := ask("[[stamp]][[rate 30]][[long " + strconv.Itoa(tokens) + "]]")
	req.Model = "fake-large"

	for b.Loop() {
		delays := make([][]time.Duration, streams)
		var dropped atomic.Int64
		cpu := cpuTime(b)
		start := time.Now()
		var wg sync.WaitGroup
		for i := range streams {
			wg.Go(func() {
				// Real conversations do not speak in step.
				<-time.After(time.Duration(i) * time.Second / 30 / streams)
				mine := make([]time.Duration, 0, tokens)
				for ev, err := range c.Stream(b.Context(), req) {
					if err != nil {
						b.Error(err)
						return
					}
					if ev.Type != model.EventText {
						continue
					}
					now := time.Now()
					for _, stamp := range strings.Fields(ev.Text) {
						us, err := strconv.ParseInt(stamp, 10, 64)
						if err != nil {
							b.Error(err)
						}
						mine = append(mine, now.Sub(time.UnixMicro(us)))
					}
				}
				dropped.Add(int64(tokens - len(mine)))
				delays[i] = mine
			})
		}
		wg.Wait()
		took := time.Since(start)
		all := slices.Concat(delays...)
		slices.Sort(all)
		at := func(p float64) float64 { return float64(all[int(float64(len(all)-1)*p)].Microseconds()) / 1000 }
		b.ReportMetric(at(0.5), "p50-ms")
		b.ReportMetric(at(0.99), "p99-ms")
		b.ReportMetric(float64(dropped.Load()), "dropped")
		b.ReportMetric((cpuTime(b)-cpu).Seconds()/took.Seconds(), "cores")
	}
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
