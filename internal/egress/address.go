package egress

import (
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"

	"kakoi/internal/errs"
)

// set is the destinations declared for one purpose, normalised.
type set map[string]struct{}

func (s set) has(destination string) bool {
	_, ok := s[destination]
	return ok
}

func declare(allow []string) (set, error) {
	declared := make(set, len(allow))
	for _, a := range allow {
		network := "tcp"
		if strings.HasPrefix(a, "/") {
			network = "unix"
		}
		destination, err := normalise(network, a)
		if err != nil {
			return nil, err
		}
		declared[destination] = struct{}{}
	}
	return declared, nil
}

// normalise writes a destination in the one way it is compared and recorded:
// names in lower-case ASCII without the final dot, addresses in their shortest
// form with IPv4 as IPv4.
func normalise(network, addr string) (string, error) {
	if strings.HasPrefix(network, "unix") {
		return addr, nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host == "" || port == "" {
		return "", errs.Newf(errs.EgressDenied, "%q is not a destination; write it as host:port, for example llm.example.lg.jp:443", addr)
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return net.JoinHostPort(ip.Unmap().WithZone("").String(), port), nil
	}
	host = strings.TrimSuffix(host, ".")
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		host = ascii
	}
	return net.JoinHostPort(strings.ToLower(host), port), nil
}

// Why an address is reserved, as refusals say it.
const (
	linkLocal   = "a link-local or cloud metadata address"
	unspecified = "the unspecified address"
	multicast   = "a multicast or broadcast address"
)

// metadataPrefixes are where clouds put services that trust whoever asks.
var metadataPrefixes = []netip.Prefix{
	netip.MustParsePrefix("169.254.0.0/16"), // IPv4 link-local: instance metadata, container credentials
	netip.MustParsePrefix("fe80::/10"),      // IPv6 link-local
	netip.MustParsePrefix("fd00:ec2::/32"),  // the same services over IPv6
}

// embeddings are IPv6 ranges whose addresses carry an IPv4 address that a
// gateway, or the operating system, may connect to in their place.
var embeddings = []struct {
	prefix netip.Prefix
	offset int // of the IPv4 address in the 16 bytes
}{
	{netip.MustParsePrefix("::/96"), 12},           // IPv4-compatible
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12}, // translated (SIIT)
	{netip.MustParsePrefix("64:ff9b::/96"), 12},    // NAT64
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12},  // NAT64, local use, as a /96
	{netip.MustParsePrefix("2002::/16"), 2},        // 6to4
}

// reservedAddress reports whether no declared name may lead to ip, and why.
// Private and loopback addresses are not reserved: on a closed network they
// are where the models are.
func reservedAddress(ip netip.Addr) (bool, string) {
	ip = ip.Unmap().WithZone("")
	for _, p := range metadataPrefixes {
		if p.Contains(ip) {
			return true, linkLocal
		}
	}
	switch {
	case ip.IsUnspecified():
		return true, unspecified
	case ip.IsMulticast(), ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return true, multicast
	case ip.Is4():
		return false, ""
	}
	raw := ip.As16()
	for _, e := range embeddings {
		// ::1 lies in ::/96 and is what it is: loopback.
		if e.prefix.Contains(ip) && !ip.IsLoopback() {
			return reservedAddress(netip.AddrFrom4([4]byte(raw[e.offset : e.offset+4])))
		}
	}
	return false, ""
}
