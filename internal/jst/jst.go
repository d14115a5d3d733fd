// Package jst is Japan's time: that of the days people name and of the dates in
// files. The offices are in one zone, and the clock of a server may be set to
// another.
package jst

import "time"

// Zone is Japan's, which knows no summer time.
var Zone = time.FixedZone("JST", 9*60*60)

// Stamp returns a time as the names of files carry it.
func Stamp(t time.Time) string { return t.In(Zone).Format("20060102-150405") }
