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
		if network == "tcp" && strings.Contains(destination, cutName) {
			return nil, errs.Newf(errs.EgressDenied, "%s is no destination: its name or its port is too long", destination)
		}
		declared[destination] = struct{}{}
	}
	return declared, nil
}

// No name of a host and no port is longer. What is asked for may be all the same, by a server
// that redirects; it is cut, so that its refusal can be told and recorded.
const (
	maxName = 253
	maxPort = 5
	cutName = "…"
)

// normalise writes a destination in the one way it is compared and recorded:
// names in lower-case ASCII without the final dot, addresses in their shortest
// form with IPv4 as IPv4.
func normalise(network, addr string) (string, error) {
	if strings.HasPrefix(network, "unix") {
		return addr, nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host == "" || port == "" {
		return "", errs.Newf(errs.EgressDenied, "%q is not a destination; write it as host:port, for example llm.example.lg.jp:443", cut(addr, maxName))
	}
	if len(port) > maxPort {
		port = cutName
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return net.JoinHostPort(ip.Unmap().WithZone("").String(), port), nil
	}
	host = strings.TrimSuffix(host, ".")
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		host = ascii
	}
	if host = strings.ToLower(host); len(host) > maxName {
		host = strings.ToValidUTF8(host[:maxName], "") + cutName
	}
	return net.JoinHostPort(host, port), nil
}
