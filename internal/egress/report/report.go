// Package report sums up what left the installation in a month, and signs it so
// that somebody without access to the installation can rely on it: what may be
// reached, what was reached, what was refused, and for which times nobody kept
// the record.
package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"kakoi/internal/egress"
	"kakoi/internal/errs"
	"kakoi/internal/jst"
)

// Format is the form of a report; another form has another name.
const Format = "kakoi.egress-report/1"

// Report is what is signed. Lists are sorted and never absent, so that the same
// facts are the same bytes.
type Report struct {
	Format   string    `json:"format"`
	Month    string    `json:"month"` // 2026-11, of Japan
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	MadeAt   time.Time `json:"madeAt"`
	Complete bool      `json:"complete"` // the month was over when it was made
	Version  string    `json:"version"`  // of the program that made it
	Network  Network   `json:"network"`
	// Allowed is what could be reached when the report was made.
	Allowed      []Allowed     `json:"allowed"`
	Destinations []Destination `json:"destinations"`
	Total        Amounts       `json:"total"`
	// Watches are the processes that kept the record, Unwatched those that wrote
	// into it before it was noted who does.
	Watches   []Watch  `json:"watches"`
	Unwatched []string `json:"unwatched"`
	Gaps      []Gap    `json:"gaps"`
}

// Network is the configuration of the network when the report was made.
type Network struct {
	Closed             bool     `json:"closed"`
	OwnRanges          []string `json:"ownRanges"`
	PublicDestinations []string `json:"publicDestinations"`
}

// Allowed is a destination that could be reached, and for what.
type Allowed struct {
	Destination string `json:"destination"`
	Purpose     string `json:"purpose"`
	Name        string `json:"name,omitempty"` // of the connection
}

// Amounts are sums.
type Amounts struct {
	Dials         int64 `json:"dials"`
	Failures      int64 `json:"failures"`
	Refusals      int64 `json:"refusals"`
	BytesSent     int64 `json:"bytesSent"`
	BytesReceived int64 `json:"bytesReceived"`
}

// Destination is what went, or was not let go, to one destination for one
// purpose.
type Destination struct {
	Destination string `json:"destination"`
	Purpose     string `json:"purpose"`
	Name        string `json:"name,omitempty"`
	Amounts
	First time.Time `json:"first"` // the hour, by its beginning
	Last  time.Time `json:"last"`
}

// Watch is the time for which one process kept the record.
type Watch struct {
	Node    string    `json:"node"`
	Version string    `json:"version"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	End     End       `json:"end"`
}

// End says how a process stopped keeping the record.
type End string

// How it stopped. Of one that was lost, what it let out after To is missing: it
// writes every 30 seconds, longer only while the database cannot be reached.
const (
	EndRunning End = "running"
	EndOrderly End = "orderly"
	EndLost    End = "lost"
)

// Gap is a time for which no process is on record. A server that did not run
// let nothing out; that it did not run cannot be told from here.
type Gap struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// aliveFor is how long after its last sign a process counts as running.
const aliveFor = 2 * time.Minute

// gapLeast is how long nobody must have recorded for it to be said: a restart
// takes less.
const gapLeast = time.Minute

// monthOf returns the bounds of a month of Japan, such as 2026-11, that has
// begun by now.
func monthOf(name string, now time.Time) (from, to time.Time, err error) {
	from, err = time.ParseInLocation("2006-01", name, jst.Zone)
	if err != nil || from.Format("2006-01") != name || from.Year() < 1970 { // JSON knows no year before 0
		return from, to, errs.InField("month", "write a month as in 2026-11")
	}
	if from.After(now) {
		return from, to, errs.InField("month", "this month has not begun")
	}
	return from.UTC(), from.AddDate(0, 1, 0).UTC(), nil
}

// facts is what a report is made of.
type facts struct {
	month     string
	from, to  time.Time
	now       time.Time
	version   string
	network   egress.Network
	declared  []egress.Declaration
	summaries []egress.Summary
	watches   []egress.Watch
	unwatched []string
}

// compose makes a report of facts.
func compose(f facts) Report {
	r := Report{
		Format: Format, Month: f.month, From: f.from, To: f.to, MadeAt: f.now.UTC().Truncate(time.Second), Complete: !f.now.Before(f.to), Version: f.version,
		Network: Network{Closed: f.network.Closed, OwnRanges: []string{}, PublicDestinations: append([]string{}, f.network.Public...)},
		Allowed: []Allowed{}, Destinations: []Destination{}, Watches: []Watch{}, Unwatched: append([]string{}, f.unwatched...), Gaps: []Gap{},
	}
	for _, p := range f.network.Own {
		r.Network.OwnRanges = append(r.Network.OwnRanges, p.String())
	}
	names := map[string]string{}
	for _, d := range f.declared {
		names[d.Purpose] = d.Name
		for _, to := range d.Destinations {
			r.Allowed = append(r.Allowed, Allowed{to, d.Purpose, d.Name})
		}
	}
	slices.SortFunc(r.Allowed, func(a, b Allowed) int {
		return cmp.Or(cmp.Compare(a.Destination, b.Destination), cmp.Compare(a.Purpose, b.Purpose))
	})
	r.Allowed = slices.Compact(r.Allowed)
	for _, s := range f.summaries {
		amounts := Amounts{s.Dials, s.Failures, s.Refusals, s.BytesSent, s.BytesReceived}
		r.Destinations = append(r.Destinations, Destination{s.Destination, s.Purpose, nameOf(s.Purpose, names), amounts, s.First, s.Last})
		r.Total = Amounts{
			r.Total.Dials + s.Dials, r.Total.Failures + s.Failures, r.Total.Refusals + s.Refusals,
			r.Total.BytesSent + s.BytesSent, r.Total.BytesReceived + s.BytesReceived,
		}
	}
	for _, w := range f.watches {
		end := EndLost
		switch {
		case w.Ended:
			end = EndOrderly
		case f.now.Sub(w.Seen) < aliveFor:
			end = EndRunning
		}
		r.Watches = append(r.Watches, Watch{w.Node, w.Version, w.Started, w.Seen, end})
	}
	r.Gaps = append(r.Gaps, gaps(f.watches, f.from, earlier(f.to, f.now))...)
	return r
}

// nameOf returns the name of the connection that a purpose is of. The tests of
// a connection are its own.
func nameOf(purpose string, names map[string]string) string {
	if id, ok := strings.CutPrefix(purpose, "check:"); ok {
		purpose = "model:" + id
	}
	return names[purpose]
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// gaps returns the times between from and to that no watch covers. Watches are
// sorted by their beginning.
func gaps(watches []egress.Watch, from, to time.Time) (list []Gap) {
	covered := from
	note := func(until time.Time) {
		if until.Sub(covered) >= gapLeast {
			list = append(list, Gap{covered.UTC(), until.UTC()})
		}
	}
	for _, w := range watches {
		if w.Started.After(covered) {
			note(earlier(w.Started, to))
		}
		if w.Seen.After(covered) {
			covered = w.Seen
		}
	}
	if to.After(covered) {
		note(to)
	}
	return list
}
