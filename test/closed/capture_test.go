//go:build linux

package main

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

func packet4(protocol byte, to string, payload []byte) []byte {
	p := make([]byte, 20, 20+len(payload))
	p[0], p[9] = 0x45, protocol
	address := netip.MustParseAddr(to).As4()
	copy(p[16:], address[:])
	return append(p, payload...)
}

func packet6(protocol byte, to string, payload []byte) []byte {
	p := make([]byte, 40, 40+len(payload))
	p[0], p[6] = 0x60, protocol
	address := netip.MustParseAddr(to).As16()
	copy(p[24:], address[:])
	return append(p, payload...)
}

func segment(port uint16, flags byte) []byte {
	p := make([]byte, 20)
	binary.BigEndian.PutUint16(p[2:], port)
	p[13] = flags
	return p
}

func TestWhereAPacketGoesIsRead(t *testing.T) {
	name := dnsmessage.MustNewName("telemetry.example.")
	query, err := (&dnsmessage.Message{Questions: []dnsmessage.Question{{Name: name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}).Pack()
	if err != nil {
		t.Fatal(err)
	}
	datagram := append([]byte{0, 1, 0, 53, 0, 0, 0, 0}, query...)
	for _, tt := range []struct {
		name    string
		packet  []byte
		to      string
		asked   string
		outside bool
	}{
		{"loopback", packet4(unix.IPPROTO_TCP, "127.0.0.1", segment(8080, 2)), "127.0.0.1:8080", "", false},
		{"loopback over IPv6", packet6(unix.IPPROTO_TCP, "::1", segment(8080, 2)), "[::1]:8080", "", false},
		{"a public address", packet4(unix.IPPROTO_TCP, "192.0.2.1", segment(443, 2)), "192.0.2.1:443", "", true},
		{"a public address over IPv6", packet6(unix.IPPROTO_TCP, "2001:db8::1", segment(443, 2)), "[2001:db8::1]:443", "", true},
		{"a private address", packet4(unix.IPPROTO_UDP, "10.0.0.1", []byte{0, 1, 0, 9, 0, 0, 0, 0}), "10.0.0.1:9", "", true},
		{"a name server", packet4(unix.IPPROTO_UDP, "10.0.0.2", datagram), "10.0.0.2:53", "telemetry.example.", true},
		{"a name server over IPv6", packet6(unix.IPPROTO_UDP, "fd00::2", datagram), "[fd00::2]:53", "telemetry.example.", true},
		{"a header with options", append(append([]byte{0x46}, packet4(unix.IPPROTO_TCP, "192.0.2.1", nil)[1:]...), append(make([]byte, 4), segment(443, 2)...)...), "192.0.2.1:443", "", true},
		{"an echo", packet4(unix.IPPROTO_ICMP, "192.0.2.1", nil), "192.0.2.1:0", "", true},
		{"another protocol", packet4(132, "192.0.2.1", nil), "192.0.2.1:0", "", true},
		{"IPv4 inside IPv6", packet6(unix.IPPROTO_TCP, "::ffff:192.0.2.1", segment(443, 2)), "192.0.2.1:443", "", true},
		{"half a packet", []byte{0x45, 0}, "invalid AddrPort", "", true},
		{"half a header of IPv6", packet6(unix.IPPROTO_TCP, "::1", nil)[:30], "invalid AddrPort", "", true},
		{"no IP", append([]byte{0}, make([]byte, 60)...), "invalid AddrPort", "", true},
	} {
		if got := destinationOf(tt.packet); got.address.String() != tt.to || got.asked != tt.asked || got.outside() != tt.outside {
			t.Errorf("%s: %+v, outside %v; want %s, %q, %v", tt.name, got, got.outside(), tt.to, tt.asked, tt.outside)
		}
	}
}

func TestTheFilterKeepsWhatSaysWhereTrafficGoes(t *testing.T) {
	vm, err := bpf.NewVM(beginnings)
	if err != nil {
		t.Fatal(err)
	}
	const syn, ack, push = 0x02, 0x10, 0x08
	for _, tt := range []struct {
		name   string
		packet []byte
		kept   bool
	}{
		{"the beginning of a connection", packet4(unix.IPPROTO_TCP, "192.0.2.1", segment(443, syn)), true},
		{"with options in the header", append(append([]byte{0x46}, packet4(unix.IPPROTO_TCP, "192.0.2.1", nil)[1:]...), append(make([]byte, 4), segment(443, syn)...)...), true},
		{"its answer", packet4(unix.IPPROTO_TCP, "192.0.2.1", segment(443, syn|ack)), false},
		{"what it carries", packet4(unix.IPPROTO_TCP, "192.0.2.1", segment(443, push|ack)), false},
		{"a datagram", packet4(unix.IPPROTO_UDP, "192.0.2.1", make([]byte, 8)), true},
		{"an echo", packet4(unix.IPPROTO_ICMP, "192.0.2.1", make([]byte, 8)), true},
		{"the beginning over IPv6", packet6(unix.IPPROTO_TCP, "2001:db8::1", segment(443, syn)), true},
		{"its answer over IPv6", packet6(unix.IPPROTO_TCP, "2001:db8::1", segment(443, syn|ack)), false},
		{"what it carries over IPv6", packet6(unix.IPPROTO_TCP, "2001:db8::1", segment(443, ack)), false},
		{"a datagram over IPv6", packet6(unix.IPPROTO_UDP, "2001:db8::1", make([]byte, 8)), true},
		{"extension headers", packet6(0, "2001:db8::1", make([]byte, 40)), true},
		{"no IP", append([]byte{0}, make([]byte, 60)...), true},
	} {
		n, err := vm.Run(tt.packet)
		if err != nil || (n > 0) != tt.kept {
			t.Errorf("%s: kept %d bytes, %v; want kept %v", tt.name, n, err, tt.kept)
		}
	}
}
