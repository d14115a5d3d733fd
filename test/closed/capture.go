//go:build linux

package main

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

// A packet socket gives IP packets without the frame around them.
const (
	snapLength = 256      // headers are enough
	bufferSize = 64 << 20 // for what arrives while the machine is busy
)

// beginnings keeps what says where traffic goes: everything but TCP, and the
// segments that open a TCP connection. Gigabytes pass between the browser and
// the server besides.
var beginnings = []bpf.Instruction{
	bpf.LoadAbsolute{Off: 0, Size: 1},
	bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 4},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: 4, SkipFalse: 5},
	// IPv4
	bpf.LoadAbsolute{Off: 9, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.IPPROTO_TCP, SkipTrue: 9},
	bpf.LoadMemShift{Off: 0},
	bpf.LoadIndirect{Off: 13, Size: 1},
	bpf.Jump{Skip: 4},
	// IPv6; what has extension headers is kept
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 6, SkipTrue: 5},
	bpf.LoadAbsolute{Off: 6, Size: 1},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.IPPROTO_TCP, SkipTrue: 3},
	bpf.LoadAbsolute{Off: 40 + 13, Size: 1},
	// SYN without ACK
	bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0x12},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x02, SkipFalse: 1},
	bpf.RetConstant{Val: snapLength},
	bpf.RetConstant{Val: 0},
}

// packets is an open capture of all devices of the namespace.
type packets struct {
	fd      int
	stopped atomic.Bool
}

func open() (*packets, error) {
	raw, err := bpf.Assemble(beginnings)
	if err != nil {
		return nil, err
	}
	filter := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		filter[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	// Nothing is received before it is bound, and then by the filter.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program); err != nil {
		return nil, err
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bufferSize) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, bufferSize) // as much as there is; losses are counted
	}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}); err != nil {
		return nil, err
	}
	return &packets{fd: fd}, unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL)})
}

func networkOrder(v uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], v)
	return *(*uint16)(unsafe.Pointer(&b)) //nolint:gosec // the two bytes as the machine reads them
}

// read returns where packets went, once the capture is stopped and drained.
func (p *packets) read() *destinations {
	all := &destinations{counts: map[destination]int{}}
	buf := make([]byte, snapLength)
	for {
		ending := p.stopped.Load()
		n, from, err := unix.Recvfrom(p.fd, buf, 0)
		if err != nil {
			if ending {
				return all
			}
			continue // nothing for a while
		}
		if link, ok := from.(*unix.SockaddrLinklayer); ok && link.Pkttype == unix.PACKET_OUTGOING { // loopback shows each twice
			all.add(buf[:n])
		}
	}
}

// stop ends the capture and returns how many packets it lost.
func (p *packets) stop() (lost uint32, err error) {
	stats, err := unix.GetsockoptTpacketStats(p.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	p.stopped.Store(true)
	if err != nil {
		return 0, err
	}
	return stats.Drops, nil
}

// destination is where a packet goes.
type destination struct {
	protocol string
	address  netip.AddrPort // port 0 where the protocol has none
	asked    string         // the name, of a name server
}

func (d destination) outside() bool { return !d.address.Addr().IsLoopback() }

// destinations counts packets by where they go.
type destinations struct {
	packets int
	counts  map[destination]int
}

func (d *destinations) add(packet []byte) {
	d.packets++
	d.counts[destinationOf(packet)]++
}

// unreadable is the destination of what is no whole IP packet; it counts as
// outside.
var unreadable = destination{protocol: "unreadable"}

func destinationOf(p []byte) destination {
	if len(p) < 20 {
		return unreadable
	}
	var protocol byte
	var to netip.Addr
	switch p[0] >> 4 {
	case 4:
		protocol, to = p[9], netip.AddrFrom4([4]byte(p[16:20]))
		header := int(p[0]&15) * 4
		p = p[min(header, len(p)):]
	case 6:
		if len(p) < 40 {
			return unreadable
		}
		protocol, to = p[6], netip.AddrFrom16([16]byte(p[24:40])).Unmap()
		p = p[40:]
	default:
		return unreadable
	}
	d := destination{protocol: fmt.Sprintf("protocol %d", protocol), address: netip.AddrPortFrom(to, 0)}
	switch protocol {
	case unix.IPPROTO_TCP, unix.IPPROTO_UDP:
		d.protocol = map[byte]string{unix.IPPROTO_TCP: "tcp", unix.IPPROTO_UDP: "udp"}[protocol]
		if len(p) >= 4 {
			d.address = netip.AddrPortFrom(to, binary.BigEndian.Uint16(p[2:4]))
		}
		if protocol == unix.IPPROTO_UDP && d.address.Port() == 53 && len(p) > 8 {
			d.asked = question(p[8:])
		}
	case unix.IPPROTO_ICMP, unix.IPPROTO_ICMPV6:
		d.protocol = "icmp"
	}
	return d
}

// question returns the name that a message to a name server asks for.
func question(message []byte) string {
	var parser dnsmessage.Parser
	if _, err := parser.Start(message); err != nil {
		return ""
	}
	q, err := parser.Question()
	if err != nil {
		return ""
	}
	return q.Name.String()
}

// counted is a destination and how often something was sent there.
type counted struct {
	destination
	times int
}

func (d *destinations) list() []counted {
	list := make([]counted, 0, len(d.counts))
	for to, n := range d.counts {
		list = append(list, counted{to, n})
	}
	slices.SortFunc(list, func(a, b counted) int {
		return cmp.Or(a.address.Compare(b.address), strings.Compare(a.protocol, b.protocol), strings.Compare(a.asked, b.asked))
	})
	return list
}

func (d *destinations) outside() []counted {
	return slices.DeleteFunc(d.list(), func(c counted) bool { return !c.outside() })
}

func table(list []counted) string {
	var b strings.Builder
	for _, c := range list {
		note := ""
		if c.asked != "" {
			note = ", asked for " + c.asked
		}
		fmt.Fprintf(&b, "%-12s %-48s %d times%s\n", c.protocol, c.address, c.times, note)
	}
	return b.String()
}
