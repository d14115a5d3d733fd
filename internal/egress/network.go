package egress

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"strings"

	"kakoi/internal/errs"
)

// Reach says where an address leads.
type Reach string

// Where addresses lead.
const (
	ReachLoopback  Reach = "loopback"   // this machine
	ReachPrivate   Reach = "private"    // the network it stands in
	ReachLinkLocal Reach = "link_local" // neighbours, and services of the cloud that trust whoever asks
	ReachPublic    Reach = "public"     // everything that has a way through the internet
	ReachNothing   Reach = "nothing"    // no host: unspecified, multicast, broadcast
)

// Network is what is known of the network that the server stands in.
type Network struct {
	// Closed refuses public addresses, whatever name leads there, except those
	// that Own and Public name.
	Closed bool
	// Own are ranges that belong to the network though their addresses are
	// public or loopback.
	Own []netip.Prefix
	// Public are destinations, host:port, that may be public all the same.
	Public []string
}

// metadataPrefixes are where clouds put services that trust whoever asks.
var metadataPrefixes = []netip.Prefix{
	netip.MustParsePrefix("169.254.0.0/16"), // IPv4 link-local: instance metadata, container credentials
	netip.MustParsePrefix("fe80::/10"),      // IPv6 link-local
	netip.MustParsePrefix("fd00:ec2::/32"),  // the same services over IPv6
	// Clouds that have theirs where addresses are otherwise private or public.
	netip.MustParsePrefix("100.100.100.200/32"), // Alibaba
	netip.MustParsePrefix("168.63.129.16/32"),   // Azure, its name server too
	netip.MustParsePrefix("192.0.0.192/32"),     // Oracle
	netip.MustParsePrefix("fd20:ce::254/128"),   // Google over IPv6
}

// privatePrefixes are what netip does not call private: shared address space,
// and the site-local addresses of before.
var privatePrefixes = []netip.Prefix{netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("fec0::/10")}

// thisNetwork is 0.0.0.0/8, whose addresses are no host's but may be taken for
// this one.
var thisNetwork = netip.MustParsePrefix("0.0.0.0/8")

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

// plain writes an address in the one way it is compared: without a zone, and as
// IPv4 where a gateway or the operating system would make IPv4 of it.
func plain(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if ip.Is4() || ip.IsLoopback() || ip.IsUnspecified() { // ::1 and :: lie in ::/96 and are what they are
		return ip
	}
	raw := ip.As16()
	for _, e := range embeddings {
		if e.prefix.Contains(ip) {
			return netip.AddrFrom4([4]byte(raw[e.offset : e.offset+4]))
		}
	}
	return ip
}

// ReachOf says where ip leads, in whatever notation IPv6 hides it. Ranges that
// are the network's own are not known here: see Network.Reach.
func ReachOf(ip netip.Addr) Reach {
	ip = plain(ip)
	switch {
	case !ip.IsValid(), ip.IsUnspecified(), thisNetwork.Contains(ip), ip.IsMulticast(), ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return ReachNothing
	case contains(metadataPrefixes, ip):
		return ReachLinkLocal
	case ip.IsLoopback():
		return ReachLoopback
	case ip.IsPrivate(), contains(privatePrefixes, ip):
		return ReachPrivate
	default:
		return ReachPublic
	}
}

// Reach says where ip leads, seen from this network: what is its own is private.
func (n Network) Reach(ip netip.Addr) Reach {
	r := ReachOf(ip)
	if (r == ReachPublic || r == ReachLoopback) && contains(n.Own, plain(ip)) {
		return ReachPrivate
	}
	return r
}

func contains(prefixes []netip.Prefix, ip netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// rules are a network as the gate asks it.
type rules struct {
	Network
	public set
}

// newRules reads n. A destination that is none opens nothing; the configuration
// is checked where it is read.
func newRules(n Network) rules {
	r := rules{n, set{}}
	for _, p := range n.Public {
		if one, err := declare([]string{p}); err == nil {
			maps.Copy(r.public, one)
		}
	}
	return r
}

// judgeAddress says why destination, a declared one, must not lead to ip: to
// this machine or its cloud's metadata services unless it names them itself,
// to what is no host at all, and out of a closed network. It is asked for each
// address between resolving and connecting, so that a name may change what it
// stands for at any time.
func (r rules) judgeAddress(purpose, destination string, ip netip.Addr, metadata bool) error {
	host, _, err := net.SplitHostPort(destination)
	if err != nil {
		return errs.Wrap(errs.EgressDenied, destination+" cannot be judged", err)
	}
	literal, _ := netip.ParseAddr(host)
	named := literal.IsValid() && plain(literal) == plain(ip)
	reach := r.Reach(ip)
	var why string
	switch reach {
	case ReachPrivate:
		return nil
	case ReachLoopback:
		if named || host == "localhost" || strings.HasSuffix(host, ".localhost") {
			return nil
		}
		why = "this machine itself; if the server that is meant runs here, write localhost in the place of its name"
	case ReachLinkLocal:
		// Only an address that was declared itself, never a name that turns
		// out to stand for it.
		if metadata && named {
			return nil
		}
		why = "a link-local or cloud metadata address, where " + purpose + " must not go"
	case ReachPublic:
		if !r.Closed || r.public.has(destination) {
			return nil
		}
		why = "a public address, which a closed network does not lead to; give the name a private address (a VPC endpoint, an entry of the network's own name server), " +
			"or let the operator name the destination in network.publicDestinations or its range in network.ownRanges"
	default:
		why = "no address of a host"
	}
	return errs.New(errs.EgressDenied, fmt.Sprintf("%s leads to %s, %s", destination, ip, why)).
		With("destination", destination).With("purpose", purpose).With("address", ip.String()).With("reach", string(reach))
}
