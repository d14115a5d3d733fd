package egress

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"kakoi/internal/errs"
)

// purposeNames is the purpose of asking name servers.
const purposeNames = "dns"

// Address is one of those that a name stands for.
type Address struct {
	IP    netip.Addr
	Reach Reach
	// Refused is why a connection of the purpose to the destination would not be
	// made to this address; nil if it would.
	Refused error
}

// Resolve asks the name servers for the addresses of destination, host:port,
// and judges each as if it were dialled for purpose. It does not ask whether
// anybody declared the destination: the name leaves this machine.
func (g *Gate) Resolve(ctx context.Context, purpose, destination string) ([]Address, error) {
	destination, err := normalise("tcp", destination)
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(destination)
	if err != nil {
		return nil, errs.Wrap(errs.EgressDenied, destination+" cannot be judged", err)
	}
	found, err := g.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	list := make([]Address, len(found))
	for i, ip := range found {
		list[i] = Address{plain(ip), g.rules.Reach(ip), g.rules.judgeAddress(purpose, destination, ip, false)}
	}
	return list, nil
}

// askNameServer connects to a name server that the machine's configuration
// names, for the resolver. Clouds have theirs at link-local addresses; a public
// one would be told every name, so a closed network does not ask it.
func (g *Gate) askNameServer(ctx context.Context, network, address string) (net.Conn, error) {
	destination, err := normalise(network, address)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return errs.Wrap(errs.EgressDenied, destination+" cannot be judged", err)
		}
		return g.rules.judgeAddress(purposeNames, destination, ap.Addr(), true)
	}}
	conn, err := dialer.DialContext(ctx, network, address)
	if refusal, ok := refused(err); ok {
		return nil, g.refuse(ctx, purposeNames, destination, refusal)
	}
	flow := g.ledger.flow(purposeNames, destination)
	flow.dials.Add(1)
	if err != nil {
		flow.failures.Add(1)
		return nil, err
	}
	flow.open.Add(1)
	if udp, ok := conn.(*net.UDPConn); ok {
		return &countedDatagrams{UDPConn: udp, flow: flow}, nil
	}
	return &countedConn{Conn: conn, flow: flow}, nil
}

// countedDatagrams is countedConn for UDP. The resolver tells by its being a
// net.PacketConn that messages have no length before them.
type countedDatagrams struct {
	*net.UDPConn
	flow *flow
	once sync.Once
}

// Read implements net.Conn.
func (c *countedDatagrams) Read(p []byte) (int, error) {
	n, err := c.UDPConn.Read(p)
	c.flow.bytesReceived.Add(int64(n))
	return n, err
}

// Write implements net.Conn.
func (c *countedDatagrams) Write(p []byte) (int, error) {
	n, err := c.UDPConn.Write(p)
	c.flow.bytesSent.Add(int64(n))
	return n, err
}

// Close implements net.Conn.
func (c *countedDatagrams) Close() error {
	c.once.Do(func() { c.flow.open.Add(-1) })
	return c.UDPConn.Close()
}
