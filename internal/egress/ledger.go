package egress

import (
	"cmp"
	"net"
	"slices"
	"sync"
	"sync/atomic"
)

// Record is what went through the gate, or was kept from it, for one purpose
// to one destination since the process started.
type Record struct {
	Purpose       string
	Destination   string // host:port
	Dials         int64  // connections tried
	Failures      int64  // of those, how many could not be made
	Refusals      int64  // not tried: the destination was not declared or led astray
	BytesSent     int64
	BytesReceived int64
	Open          int64 // connections that exist now
}

// flow counts one purpose and destination.
type flow struct {
	purpose, destination           string
	dials, failures, refusals      atomic.Int64
	bytesSent, bytesReceived, open atomic.Int64
}

func (f *flow) record() Record {
	return Record{
		Purpose: f.purpose, Destination: f.destination,
		Dials: f.dials.Load(), Failures: f.failures.Load(), Refusals: f.refusals.Load(),
		BytesSent: f.bytesSent.Load(), BytesReceived: f.bytesReceived.Load(), Open: f.open.Load(),
	}
}

// maxFlows bounds the ledger's memory: a hostile upstream could redirect to a
// new name each time. What comes after is counted together.
const (
	maxFlows      = 4096
	otherFlowName = "(other)"
)

type flowKey struct{ purpose, destination string }

// ledger holds the counters of every flow.
type ledger struct {
	mu    *sync.RWMutex
	flows map[flowKey]*flow
}

func newLedger() ledger {
	return ledger{mu: new(sync.RWMutex), flows: make(map[flowKey]*flow)}
}

// flow returns the counters for a purpose and a destination.
func (l ledger) flow(purpose, destination string) *flow {
	return l.within(maxFlows, purpose, destination)
}

// refused is flow for a destination that is not reached. Names that others make
// up take no more than half of the room.
func (l ledger) refused(purpose, destination string) *flow {
	return l.within(maxFlows/2, purpose, destination)
}

func (l ledger) within(most int, purpose, destination string) *flow {
	key := flowKey{purpose, destination}
	l.mu.RLock()
	f := l.flows[key]
	l.mu.RUnlock()
	if f != nil {
		return f
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.flows[key] == nil && len(l.flows) >= most {
		key = flowKey{purpose: otherFlowName, destination: otherFlowName}
	}
	if l.flows[key] == nil {
		l.flows[key] = &flow{purpose: key.purpose, destination: key.destination}
	}
	return l.flows[key]
}

// Snapshot returns what has gone out since the process started, ordered by
// purpose and destination.
func (g *Gate) Snapshot() []Record {
	g.ledger.mu.RLock()
	records := make([]Record, 0, len(g.ledger.flows))
	for _, f := range g.ledger.flows {
		records = append(records, f.record())
	}
	g.ledger.mu.RUnlock()
	slices.SortFunc(records, func(a, b Record) int {
		return cmp.Or(cmp.Compare(a.Purpose, b.Purpose), cmp.Compare(a.Destination, b.Destination))
	})
	return records
}

// countedConn counts the bytes of a connection and notices its end.
type countedConn struct {
	net.Conn
	flow *flow
	once sync.Once
}

// Read implements net.Conn.
func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.flow.bytesReceived.Add(int64(n))
	return n, err
}

// Write implements net.Conn.
func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.flow.bytesSent.Add(int64(n))
	return n, err
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	c.once.Do(func() { c.flow.open.Add(-1) })
	return c.Conn.Close()
}
