package main

import (
	"sync"
	"time"
)

// load is one way in which people come.
type load struct {
	name    string
	streams int           // how many come in all
	over    time.Duration // evenly spread over this time
	// Of what happens between these times the figures are made, counted from the
	// first arrival.
	from, to time.Duration
}

// steady has n answers open at once: people come at the rate at which answers
// end. What is counted begins when the first answers end.
func steady(n, seconds int) load {
	length := time.Duration(seconds) * time.Second
	return load{name: "steady", streams: 2 * n, over: 2 * length, from: length, to: 2 * length}
}

// burst is n people who all ask within two seconds, as after a morning's
// announcement.
func burst(n, seconds int) load {
	return load{name: "burst", streams: n, over: 2 * time.Second, to: 10 * time.Duration(seconds) * time.Second}
}

// outcome is what came of a load.
type outcome struct {
	errs    []error
	arrived int             // tokens, of the streams that did not fail
	firsts  []time.Duration // from a question to the first token of its answer
	delays  []time.Duration // from the sending of a token by the fake to its arrival
	machine float64         // cores that were busy, with whatever
	cpu     float64         // cores used by the server
	peak    float64         // MB
}

// busy waits for all answers and returns how many cores the machine and, of
// those, the server used in the counted time of l.
func busy(l load, server *kakoiServer, all func()) (machine, cores float64) {
	<-time.After(l.from)
	began, before, own := time.Now(), machineCPU(), server.cpu()
	ended := make(chan struct{})
	go func() { all(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(l.to - l.from):
	}
	took := time.Since(began).Seconds()
	machine, cores = (machineCPU()-before)/took, (server.cpu()-own)/took
	<-ended
	return machine, cores
}

// run lets everybody ask and waits for all answers. server is what is measured
// beside them, or nil.
func (l load) run(server *kakoiServer, ask func(*probe) error) outcome {
	began := time.Now()
	probes := make([]*probe, l.streams)
	failures := make([]error, l.streams)
	var all sync.WaitGroup
	for i := range probes {
		probes[i] = &probe{from: began.Add(l.from), to: began.Add(l.to)}
		all.Go(func() {
			<-time.After(time.Duration(i) * l.over / time.Duration(l.streams))
			probes[i].asked = time.Now()
			failures[i] = ask(probes[i])
		})
	}
	var out outcome
	if server != nil {
		server.forgetPeak()
	}
	out.machine, out.cpu = busy(l, server, all.Wait)
	if server != nil {
		out.peak = server.peakMemory()
	}
	for i, p := range probes {
		if failures[i] != nil {
			out.errs = append(out.errs, failures[i])
			continue
		}
		out.arrived += p.arrived
		out.delays = append(out.delays, p.delays...)
		if p.counts(p.asked) {
			out.firsts = append(out.firsts, p.first)
		}
	}
	return out
}
