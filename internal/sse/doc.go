// Package sse reads and writes event streams (text/event-stream), the form in
// which model servers answer and in which Kakoi passes answers on.
//
// It is our own code because both ends need what the libraries do not give
// together: a reader without an allocation per event, bounds on what a foreign
// server may send, a clear difference between a stream that ended and one that
// was cut, and a writer that batches events and survives write timeouts.
package sse
